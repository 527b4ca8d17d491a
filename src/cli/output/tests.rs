//! Every format over the same hostile rows.

use std::sync::Mutex;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListBuilder, StringBuilder, StringViewArray,
    TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use bytes::Bytes;

use super::*;

#[derive(Clone, Default)]
struct Bucket(Arc<Mutex<Vec<u8>>>);

impl Write for Bucket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(format: Format, batches: &[RecordBatch], width: Option<usize>) -> (Vec<u8>, Written) {
    let bucket = Bucket::default();
    let mut output = Output::new(format, &batches[0].schema(), Target::new(bucket.clone()), width).unwrap();
    for batch in batches {
        assert!(output.write(batch).unwrap());
    }
    let written = output.finish().unwrap();
    let bytes = bucket.0.lock().unwrap().clone();
    (bytes, written)
}

fn text(format: Format, batches: &[RecordBatch], width: Option<usize>) -> String {
    String::from_utf8(written(format, batches, width).0).unwrap()
}

fn hostile() -> RecordBatch {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("10.0.0.1"), Some("a\"b|c\u{1b}")]);
    lists.append_null();
    lists.append_value(Vec::<Option<&str>>::new());
    RecordBatch::try_from_iter_with_nullable([
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1_793_934_960_000_000), Some(1_793_934_960_500_000), None])
                    .with_timezone("UTC"),
            ) as ArrayRef,
            true,
        ),
        ("n", Arc::new(Int64Array::from(vec![Some(-5), None, Some(7)])), true),
        (
            "agent",
            Arc::new(StringViewArray::from(vec![
                Some("=cmd|'/c calc'!A1"),
                Some("\u{1b}[2J<img src=x onerror=alert(1)>\n![x](http://e)"),
                Some("-5"),
            ])),
            true,
        ),
        (
            "who",
            Arc::new(vec![Some("a\u{202e}b"), None, Some("x|y")].into_iter().collect::<DictionaryArray<Int32Type>>()),
            true,
        ),
        ("ips", Arc::new(lists.finish()), true),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])), true),
        ("f", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN), None])), true),
    ])
    .unwrap()
}

#[test]
fn ndjson_has_every_column_and_no_control_character() {
    insta::assert_snapshot!(text(Format::Ndjson, &[hostile()], None), @r#"
    {"at":"2026-11-06T03:16:00Z","n":-5,"agent":"=cmd|'/c calc'!A1","who":"a\u202eb","ips":["10.0.0.1","a\"b|c\u001b"],"ok":true,"f":0.5}
    {"at":"2026-11-06T03:16:00.500Z","n":null,"agent":"\u001b[2J<img src=x onerror=alert(1)>\n![x](http://e)","who":null,"ips":null,"ok":false,"f":null}
    {"at":null,"n":7,"agent":"-5","who":"x|y","ips":[],"ok":null,"f":null}
    "#);
}

#[test]
fn json_is_one_array() {
    let all = text(Format::Json, &[hostile(), hostile()], None);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&all).unwrap();
    assert_eq!(rows.len(), 6);
    assert_eq!(all.lines().count(), 8);
    assert_eq!(rows[0]["who"], "a\u{202e}b");
    assert_eq!(rows[1]["n"], serde_json::Value::Null);
    assert_eq!(text(Format::Json, &[hostile().slice(0, 0)], None), "[\n]\n");
}

#[test]
fn csv_is_safe_in_a_spreadsheet() {
    insta::assert_snapshot!(text(Format::Csv, &[hostile()], None), @r#"
    at,n,agent,who,ips,ok,f
    2026-11-06T03:16:00Z,-5,'=cmd|'/c calc'!A1,a\u{202e}b,"[""10.0.0.1"",""a\""b|c\u001b""]",true,0.5
    2026-11-06T03:16:00.500Z,,"\u{1b}[2J<img src=x onerror=alert(1)>
    ![x](http://e)",,,false,NaN
    ,7,-5,x|y,[],,
    "#);
}

#[test]
fn markdown_cannot_break_out() {
    insta::assert_snapshot!(text(Format::Markdown, &[hostile()], None), @r#"
    | at | n | agent | who | ips | ok | f |
    | --- | ---: | --- | --- | --- | --- | ---: |
    | 2026-11-06T03:16:00Z | -5 | =cmd\|'/c calc'!A1 | a\\u{202e}b | \["10.0.0.1","a\\"b\|c\\u001b"\] | true | 0.5 |
    | 2026-11-06T03:16:00.500Z |  | \\u{1b}\[2J&lt;img src=x onerror=alert(1)&gt;<br>!\[x\](http://e) |  |  | false | NaN |
    |  | 7 | -5 | x\|y | \[\] |  |  |
    "#);
}

#[test]
fn tables_have_one_header_over_all_batches() {
    insta::assert_snapshot!(text(Format::Table, &[hostile().slice(0, 2), hostile().slice(2, 1)], None), @r#"
    ┌──────────────────────────┬────┬───────────────────────────────────────────────────────┬────────────┬─────────────────────────────┬───────┬─────┐
    │ at                       ┆  n ┆ agent                                                 ┆ who        ┆ ips                         ┆ ok    ┆   f │
    ╞══════════════════════════╪════╪═══════════════════════════════════════════════════════╪════════════╪═════════════════════════════╪═══════╪═════╡
    │ 2026-11-06T03:16:00Z     ┆ -5 ┆ =cmd|'/c calc'!A1                                     ┆ a\u{202e}b ┆ ["10.0.0.1","a\"b|c\u001b"] ┆ true  ┆ 0.5 │
    │ 2026-11-06T03:16:00.500Z ┆    ┆ \u{1b}[2J<img src=x onerror=alert(1)>\n![x](http://e) ┆            ┆                             ┆ false ┆ NaN │
    │                          ┆  7 ┆ -5                                                    ┆ x|y        ┆ []                          ┆       ┆     │
    └──────────────────────────┴────┴───────────────────────────────────────────────────────┴────────────┴─────────────────────────────┴───────┴─────┘
    "#);
}

#[test]
fn empty_answers_have_a_header() {
    let empty = hostile().project(&[0, 1]).unwrap().slice(0, 0);
    assert_eq!(text(Format::Csv, std::slice::from_ref(&empty), None), "at,n\n");
    assert_eq!(text(Format::Ndjson, std::slice::from_ref(&empty), None), "");
    insta::assert_snapshot!(text(Format::Table, &[empty], Some(80)), @r#"
    ┌────┬───┐
    │ at ┆ n │
    ╞════╪═══╡
    └────┴───┘
    "#);
}

fn sessions() -> RecordBatch {
    let arn = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-north-1/AWSReservedSSO_PowerUserAccess_0123456789abcdef";
    let path = format!("[\"{arn}\",\"arn:aws:iam::444455556666:role/DeployEverything\"]");
    let texts = |text: &str| Arc::new(StringViewArray::from(vec![Some(text), None])) as ArrayRef;
    let time = TimestampMicrosecondArray::from(vec![1_793_934_960_000_000, 1_793_934_960_000_000]).with_timezone("UTC");
    RecordBatch::try_from_iter_with_nullable([
        ("session_id", texts("ASIARTX3GSDS2UJDIVTY"), true),
        ("issued_at", Arc::new(time) as ArrayRef, true),
        ("role_arn", texts(arn), true),
        ("chain_path", texts(&path), true),
        ("event_count", Arc::new(Int64Array::from(vec![1234, 5])), true),
    ])
    .unwrap()
}

#[test]
fn long_arns_at_two_hundred_columns() {
    let table = text(Format::Table, &[sessions()], Some(200));
    assert!(table.lines().all(|line| layout::width(line) <= 200));
    insta::assert_snapshot!(table, @r#"
    ┌──────────────────────┬──────────────────────┬───────────────────────────────────────────────────────────────────┬───────────────────────────────────────────────────────────────────┬─────────────┐
    │ session_id           ┆ issued_at            ┆ role_arn                                                          ┆ chain_path                                                        ┆ event_count │
    ╞══════════════════════╪══════════════════════╪═══════════════════════════════════════════════════════════════════╪═══════════════════════════════════════════════════════════════════╪═════════════╡
    │ ASIARTX3GSDS2UJDIVTY ┆ 2026-11-06T03:16:00Z ┆ arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu- ┆ ["arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/  ┆        1234 │
    │                      ┆                      ┆ north-1/AWSReservedSSO_PowerUserAccess_0123456789abcdef           ┆ eu-north-1/AWSReservedSSO_PowerUserAccess_0123456789abcdef","arn: ┆             │
    │                      ┆                      ┆                                                                   ┆ aws:iam::444455556666:role/DeployEverything"]                     ┆             │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │                      ┆ 2026-11-06T03:16:00Z ┆                                                                   ┆                                                                   ┆           5 │
    └──────────────────────┴──────────────────────┴───────────────────────────────────────────────────────────────────┴───────────────────────────────────────────────────────────────────┴─────────────┘
    "#);
}

#[test]
fn long_arns_at_eighty_columns() {
    let table = text(Format::Table, &[sessions()], Some(80));
    assert!(table.lines().all(|line| layout::width(line) <= 80));
    insta::assert_snapshot!(table, @r#"
    ┌──────────────────────┬─────────────┬───────────────┬───────────────┬────────┐
    │ session_id           ┆ issued_at   ┆ role_arn      ┆ chain_path    ┆ event_ │
    │                      ┆             ┆               ┆               ┆  count │
    ╞══════════════════════╪═════════════╪═══════════════╪═══════════════╪════════╡
    │ ASIARTX3GSDS2UJDIVTY ┆ 2026-11-06T ┆ arn:aws:iam:: ┆ ["arn:aws:iam ┆   1234 │
    │                      ┆ 03:16:00Z   ┆ 111122223333: ┆ ::11112222333 ┆        │
    │                      ┆             ┆ role/aws-rese ┆ 3:role/aws-re ┆        │
    │                      ┆             ┆ …edSSO_PowerU ┆ …::4444555566 ┆        │
    │                      ┆             ┆ serAccess_012 ┆ 66:role/Deplo ┆        │
    │                      ┆             ┆ 3456789abcdef ┆ yEverything"] ┆        │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┤
    │                      ┆ 2026-11-06T ┆               ┆               ┆      5 │
    │                      ┆ 03:16:00Z   ┆               ┆               ┆        │
    └──────────────────────┴─────────────┴───────────────┴───────────────┴────────┘
    "#);
}

#[test]
fn many_columns_become_blocks() {
    let table = text(Format::Table, &[sessions()], Some(70));
    assert!(table.lines().all(|line| layout::width(line) <= 70));
    insta::assert_snapshot!(table, @r#"
    ── row 1 ──
    session_id   ASIARTX3GSDS2UJDIVTY
    issued_at    2026-11-06T03:16:00Z
    role_arn     arn:aws:iam::111122223333:role/aws-reserved/
                 sso.amazonaws.com/eu-north-1/AWSReservedSSO_
                 PowerUserAccess_0123456789abcdef
    chain_path   ["arn:aws:iam::111122223333:role/aws-reserved/
                 sso.amazonaws.com/eu-north-1/AWSReservedSSO_
                 PowerUserAccess_0123456789abcdef","arn:aws:iam::
                 444455556666:role/DeployEverything"]
    event_count  1234

    ── row 2 ──
    session_id
    issued_at    2026-11-06T03:16:00Z
    role_arn
    chain_path
    event_count  5
    "#);
}

#[test]
fn a_table_says_how_many_rows_it_left_out() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1500));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    let (_, result) = written(Format::Table, &[batch.clone(), batch.clone()], None);
    assert_eq!(result, Written { rows: 3000, left_out: 2000, closed: false });
    assert_eq!(written(Format::Csv, &[batch], None).1.left_out, 0);
}

#[tokio::test]
async fn unions_structs_and_odd_times_in_every_format() {
    let context = datafusion::prelude::SessionContext::new();
    crate::sql::functions::register(&context).unwrap();
    let sql = r#"SELECT j->'a' AS a, json_get_array(j, 'l') AS l, named_struct('x', j->'a') AS s, to_timestamp(0) AS t,
                 interval '1 hour' AS i, arrow_cast(60, 'Duration(Second)') AS d, j->'a' AS b
                 FROM (VALUES ('{"a":"x","l":[1,"y"]}'), ('{"a":1.5}'), ('{"a":{"b":1}}'), ('{}')) AS t(j)"#;
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    insta::assert_snapshot!(text(Format::Ndjson, &batches, None), @r#"
    {"a":"x","l":["1","\"y\""],"s":{"x":"x"},"t":"1970-01-01T00:00:00Z","i":"1 hours","d":"PT60S","b":"x"}
    {"a":"1.5","l":null,"s":{"x":"1.5"},"t":"1970-01-01T00:00:00Z","i":"1 hours","d":"PT60S","b":"1.5"}
    {"a":"{\"b\":1}","l":null,"s":{"x":"{\"b\":1}"},"t":"1970-01-01T00:00:00Z","i":"1 hours","d":"PT60S","b":"{\"b\":1}"}
    {"a":null,"l":null,"s":{"x":null},"t":"1970-01-01T00:00:00Z","i":"1 hours","d":"PT60S","b":null}
    "#);
    insta::assert_snapshot!(text(Format::Csv, &batches, None), @r#"
    a,l,s,t,i,d,b
    x,"[""1"",""\""y\""""]","{""x"":""x""}",1970-01-01T00:00:00Z,1 hours,PT60S,x
    1.5,,"{""x"":""1.5""}",1970-01-01T00:00:00Z,1 hours,PT60S,1.5
    "{""b"":1}",,"{""x"":""{\""b\"":1}""}",1970-01-01T00:00:00Z,1 hours,PT60S,"{""b"":1}"
    ,,"{""x"":null}",1970-01-01T00:00:00Z,1 hours,PT60S,
    "#);
    let parquet =
        context.sql(&sql.replace("named_struct('x', j->'a') AS s,", "")).await.unwrap().collect().await.unwrap();
    assert!(written(Format::Parquet, &parquet, None).0.starts_with(b"PAR1"));
}

#[test]
fn parquet_can_be_read_back() {
    let (bytes, _) = written(Format::Parquet, &[hostile(), hostile()], None);
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
    let batches: Vec<_> = reader.map(|batch| batch.unwrap()).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 6);
    assert_eq!(text(Format::Ndjson, &batches, None), text(Format::Ndjson, &[hostile(), hostile()], None));
}

#[test]
fn columns_of_one_name_are_told_apart_and_nanoseconds_are_cut() {
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let time: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_000_000_001]));
    let schema = Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("n", DataType::Int64, true),
        Field::new("t", time.data_type().clone(), true),
    ]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(&number), number, time]).unwrap();
    assert_eq!(text(Format::Ndjson, &[batch], None), "{\"n\":1,\"n_2\":1,\"t\":\"1970-01-01T00:00:01Z\"}\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
    for format in [Format::Csv, Format::Json, Format::Ndjson, Format::Markdown, Format::Table] {
        let mut output = Output::new(format, &batch.schema(), Target::new(Gone), None).unwrap();
        _ = output.write(&batch).unwrap();
        assert!(output.finish().unwrap().closed, "{format:?}");
    }
}
