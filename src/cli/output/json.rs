//! JSON: every column in the query's order, nulls included; lists are arrays; one row a line in both forms.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::json::writer::{
    Encoder, EncoderFactory, EncoderOptions, JsonFormat, LineDelimited, NullableEncoder, WriterBuilder,
};

use super::cell::time;
use super::{Target, Writer, failed};
use crate::error::Result;
use crate::escape::acts;
use crate::sql::json_value::union_text;

/// How a list, struct or map becomes JSON text in formats that have no lists.
pub static NESTED: LazyLock<EncoderOptions> =
    LazyLock::new(|| EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(Factory)));

const BUFFER: usize = 1 << 16;

type Buffered = std::io::BufWriter<Target>;

/// `[`, one object a line, `]`.
#[derive(Debug, Default)]
pub struct Rows;

impl JsonFormat for Rows {
    fn start_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(writer.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"\n]\n")?)
    }
}

/// JSON in one of its two forms.
pub struct Json<F: JsonFormat>(arrow::json::Writer<Buffered, F>);

fn writer<F: JsonFormat>(target: Target) -> Json<F> {
    let target = Buffered::with_capacity(BUFFER, target);
    Json(WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(Factory)).build(target))
}

/// One array.
pub fn array(target: Target) -> Json<Rows> {
    writer(target)
}

/// One object a line.
pub fn lines(target: Target) -> Json<LineDelimited> {
    writer(target)
}

impl<F: JsonFormat + Send> Writer for Json<F> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.write(batch).map_err(failed)
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        self.0.finish().map_err(failed)?;
        self.0.get_mut().flush().map_err(failed)?;
        Ok(0)
    }
}

/// A row as a JSON object.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// Small answers as objects, for verbs that draw them themselves.
///
/// # Errors
/// A column has a type that JSON does not know.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Row>> {
    let builder = WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(Factory));
    let mut writer = builder.build::<_, LineDelimited>(Vec::new());
    for batch in batches {
        writer.write(batch).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    serde_json::Deserializer::from_slice(&writer.into_inner()).into_iter().collect::<Result<_, _>>().map_err(failed)
}

/// Text, times and unions are written our way, everything else arrow's.
#[derive(Debug)]
struct Factory;

impl EncoderFactory for Factory {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                Box::new(Text(move |row| array.value(row)))
            }
            DataType::LargeUtf8 => {
                let array = array.as_string::<i64>();
                Box::new(Text(move |row| array.value(row)))
            }
            DataType::Utf8View => {
                let array = array.as_string_view();
                Box::new(Text(move |row| array.value(row)))
            }
            DataType::Timestamp(_, _) => {
                let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
                Box::new(Time(cast(array, &utc)?.as_primitive::<TimestampMicrosecondType>().clone()))
            }
            DataType::Union(_, _) => {
                let texts = union_text(&arrow::array::make_array(array.to_data()))?;
                let nulls = texts.nulls().cloned();
                return Ok(Some(NullableEncoder::new(Box::new(OwnedText(texts)), nulls)));
            }
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Text<F>(F);

impl<'a, F: Fn(usize) -> &'a str> Encoder for Text<F> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        encode_text((self.0)(row), out);
    }
}

struct OwnedText(ArrayRef);

impl Encoder for OwnedText {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        encode_text(self.0.as_string::<i32>().value(row), out);
    }
}

struct Time(TimestampMicrosecondArray);

impl Encoder for Time {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(time(self.0.value(row)).as_bytes());
        out.push(b'"');
    }
}

/// A JSON string. What a terminal would obey is written as `\u....`, which every reader turns back into the same text.
fn encode_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 | 0x7f => b"",
            // First bytes of everything beyond ASCII that acts: U+0080-U+009F, U+061C, U+2000-U+206F, U+FEFF-U+FFFB, tags.
            0xc2 | 0xd8 | 0xe2 | 0xef | 0xf3 => b"",
            _ => continue,
        };
        if !short.is_empty() {
            out.extend_from_slice(&text.as_bytes()[plain..at]);
            out.extend_from_slice(short);
            plain = at + 1;
            continue;
        }
        // The byte is ASCII or begins a character, so the slice begins at one.
        let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()).filter(|c| acts(*c)) else { continue };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing into a Vec cannot fail.
            _ = write!(out, "\\u{unit:04x}");
        }
        plain = at + c.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        for text in [
            "",
            "plain",
            "a\"b\\c\n\r\t\0\u{1b}[31m",
            "\u{7f}\u{9b}x\u{202e}\u{e0041}\u{feff}",
            "müller é 日本 😀 \u{200d}",
        ] {
            let mut out = Vec::new();
            encode_text(text, &mut out);
            let json = String::from_utf8(out).unwrap();
            assert!(!json.contains(acts), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
        let mut out = Vec::new();
        encode_text("é日", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "\"é日\"");
    }
}
