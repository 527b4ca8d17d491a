//! Events to Arrow: the one place that says which field of an event fills which column of `events`.
//!
//! It fills columns and judges nothing: what is stored twice is `dedup`'s affair, what an event means is `sts`'s and the
//! views'. Only the columns that are wanted are built, so that a question over raw logs pays for what it reads.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int64Builder, ListBuilder, RecordBatch, RecordBatchOptions, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, SchemaRef};

use super::schema::{EVENTS, Type};
use crate::cloudtrail::event::Event;
use crate::cloudtrail::{Part, Parts};
use crate::error::{Error, Result};

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

/// What a row takes from the object that held its record.
#[derive(Debug, Clone, Copy)]
pub struct ObjectContext<'a> {
    /// The object's path or URI; `path!member` for a zip's member.
    pub source_object: &'a str,
    /// When the object was delivered, microseconds.
    pub delivered_at: Option<i64>,
    /// The account in the object's key.
    pub key_account: Option<&'a str>,
    /// The run that stores the row; 0 where nothing is stored.
    pub ingest_number: i64,
}

/// The UTC day of a time in microseconds, as days since 1970-01-01. Years beyond what 32 bits of days hold are clamped.
pub fn day(time: i64) -> i32 {
    let day = time.div_euclid(DAY);
    i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
}

/// The account that received the event: the record's, else the object key's, else the caller's.
pub fn recipient<'a>(event: &'a Event<'_>, key_account: Option<&'a str>) -> Option<&'a str> {
    event.recipient_account_id.as_deref().or(key_account).or(event.identity.account_id.as_deref())
}

/// The parts of an event that the columns of `events` at these places are made of.
pub fn parts(columns: &[usize]) -> Parts {
    let names = columns.iter().filter_map(|place| EVENTS.columns.get(*place)).map(|column| column.name);
    Parts::of(names.filter_map(|name| {
        Some(match name {
            "event_date" | "event_time" | "event_id" | "event_source" | "event_name" | "aws_region" => return None,
            "recipient_account_id" | "read_only" | "management_event" | "from_console" => return None,
            "delivered_at" | "ingest_number" | "source_object" | "record_index" => return None,
            "shared_event_id" | "request_id" | "event_version" | "event_type" | "event_category" => Part::Labels,
            "error_code" | "error_message" => Part::Error,
            "source_ip_address"
            | "source_ip_kind"
            | "user_agent"
            | "vpc_endpoint_id"
            | "vpc_endpoint_account_id"
            | "tls_version"
            | "tls_host" => Part::Client,
            "effective_region" => Part::ServingRegion,
            "request_parameters" => Part::Request,
            "response_elements" => Part::Response,
            "additional_event_data" => Part::AdditionalData,
            "resources" => Part::Resources,
            "resource_arns" => Part::ResourceArns,
            "extra" => Part::Extra,
            _ => Part::Identity,
        })
    }))
}

/// Arrow builders for rows of `events`.
#[derive(Debug)]
pub struct EventRows {
    /// One builder a column of `EVENTS`, in its order; `None` for a column that nobody wants.
    columns: Vec<Option<Builder>>,
    /// How many there are.
    wanted: usize,
    /// Where each wanted column stands in `columns`, in the order of the batch.
    order: Vec<usize>,
    schema: SchemaRef,
    len: usize,
    bytes: usize,
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    Texts(ListBuilder<StringBuilder>),
}

impl Builder {
    /// A builder with room for `rows` rows and `bytes` bytes of text; `None` for a type that `events` does not have.
    fn new(kind: Type, rows: usize, bytes: usize) -> Option<Self> {
        Some(match kind {
            Type::Text => Builder::Text(StringBuilder::with_capacity(rows, bytes)),
            Type::Int => Builder::Int(Int64Builder::with_capacity(rows)),
            Type::Bool => Builder::Bool(BooleanBuilder::with_capacity(rows)),
            Type::Time => {
                Builder::Time(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(Type::Time.arrow()))
            }
            Type::Date => Builder::Date(Date32Builder::with_capacity(rows)),
            Type::Texts => Builder::Texts(
                ListBuilder::with_capacity(StringBuilder::with_capacity(rows, bytes), rows)
                    .with_field(Arc::new(Field::new("element", DataType::Utf8, true))),
            ),
            Type::Faults | Type::Float => return None,
        })
    }

    /// The rows as an array, and the bytes of text in them.
    fn finish(&mut self) -> (ArrayRef, usize) {
        match self {
            Builder::Text(b) => {
                let bytes = b.values_slice().len();
                (Arc::new(b.finish()), bytes)
            }
            Builder::Int(b) => (Arc::new(b.finish()), 0),
            Builder::Bool(b) => (Arc::new(b.finish()), 0),
            Builder::Time(b) => (Arc::new(b.finish()), 0),
            Builder::Date(b) => (Arc::new(b.finish()), 0),
            Builder::Texts(b) => {
                let bytes = b.values().values_slice().len();
                (Arc::new(b.finish()), bytes)
            }
        }
    }
}

/// Walks the builders in the schema's order; `columns_match_the_schema` proves that `push` keeps to it.
struct Row<'b> {
    builders: std::slice::IterMut<'b, Option<Builder>>,
    /// Columns that are wanted and not reached yet.
    left: usize,
    bytes: usize,
}

impl<'b> Row<'b> {
    fn next(&mut self) -> Option<&'b mut Builder> {
        let builder = self.builders.next().and_then(Option::as_mut);
        self.left -= usize::from(builder.is_some());
        builder
    }

    fn text(&mut self, value: Option<&str>) {
        if let Some(Builder::Text(b)) = self.next() {
            self.bytes += value.map_or(0, str::len);
            b.append_option(value);
        }
    }

    /// A text that costs something to find: asked for only where its column is wanted.
    fn text_with<'v>(&mut self, value: impl FnOnce() -> Option<&'v str>) {
        if let Some(Builder::Text(b)) = self.next() {
            let value = value();
            self.bytes += value.map_or(0, str::len);
            b.append_option(value);
        }
    }

    fn int(&mut self, value: Option<i64>) {
        if let Some(Builder::Int(b)) = self.next() {
            b.append_option(value);
        }
    }

    fn bool(&mut self, value: Option<bool>) {
        if let Some(Builder::Bool(b)) = self.next() {
            b.append_option(value);
        }
    }

    fn time(&mut self, value: Option<i64>) {
        if let Some(Builder::Time(b)) = self.next() {
            b.append_option(value);
        }
    }

    fn date(&mut self, value: i32) {
        if let Some(Builder::Date(b)) = self.next() {
            b.append_value(value);
        }
    }

    /// Distinct and sorted; null where there is none.
    fn texts(&mut self, values: &[std::borrow::Cow<'_, str>]) {
        if let Some(Builder::Texts(b)) = self.next() {
            match values {
                [] => b.append(false),
                [one] => {
                    self.bytes += one.len();
                    b.values().append_value(one);
                    b.append(true);
                }
                many => {
                    let mut sorted: Vec<&str> = many.iter().map(AsRef::as_ref).collect();
                    sorted.sort_unstable();
                    sorted.dedup();
                    for value in sorted {
                        self.bytes += value.len();
                        b.values().append_value(value);
                    }
                    b.append(true);
                }
            }
        }
    }
}

impl EventRows {
    /// Builders for the columns of `events` at the given places, in that order; for all of them where none are named.
    pub fn new(wanted: Option<&[usize]>) -> Self {
        let all: Vec<usize> = (0..EVENTS.columns.len()).collect();
        let order: Vec<usize> =
            wanted.unwrap_or(&all).iter().copied().filter(|place| *place < EVENTS.columns.len()).collect();
        let columns: Vec<Option<Builder>> = EVENTS
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| if order.contains(&place) { Builder::new(column.kind, 0, 0) } else { None })
            .collect();
        let full = EVENTS.schema();
        let fields: Vec<_> = order.iter().map(|place| full.field(*place).clone()).collect();
        let wanted = columns.iter().flatten().count();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        Self { columns, wanted, order, schema, len: 0, bytes: 0 }
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Adds one event.
    pub fn push(&mut self, event: &Event<'_>, object: &ObjectContext<'_>, record_index: i64) {
        let identity = &event.identity;
        let left = self.wanted;
        let mut row = Row { builders: self.columns.iter_mut(), left, bytes: 0 };
        // Questions ask for few columns, mostly the first ones.
        'row: {
            row.date(day(event.event_time));
            row.time(Some(event.event_time));
            row.text(Some(&event.event_id));
            row.text(event.shared_event_id.as_deref());
            row.text(event.request_id.as_deref());
            row.text(event.event_version.as_deref());
            row.text(event.event_type.as_deref());
            row.text(event.event_category.as_deref());
            row.text(Some(&event.event_source));
            row.text(Some(&event.event_name));
            if row.left == 0 {
                break 'row;
            }
            row.text(event.aws_region.as_deref());
            row.text(event.serving_region.as_deref().or(event.aws_region.as_deref()));
            row.text(recipient(event, object.key_account));
            row.bool(event.read_only);
            row.bool(event.management_event);
            row.text(event.error_code.as_deref());
            row.text(event.error_message.as_deref());
            if row.left == 0 {
                break 'row;
            }
            row.text(event.source_ip_address.as_deref());
            row.text_with(|| Some(event.source_ip_address.as_deref().map_or("absent", crate::sts::ip::ip_kind)));
            row.text(event.user_agent.as_deref());
            row.text(event.vpc_endpoint_id.as_deref());
            row.text(event.vpc_endpoint_account_id.as_deref());
            row.text(identity.kind.as_deref());
            row.text(identity.arn.as_deref());
            row.text(identity.account_id.as_deref());
            row.text(identity.principal_id.as_deref());
            row.text(identity.user_name.as_deref());
            row.text(identity.access_key_id.as_deref());
            if row.left == 0 {
                break 'row;
            }
            row.text(identity.invoked_by.as_deref());
            row.text(identity.issuer_arn.as_deref());
            row.text(identity.issuer_id.as_deref());
            row.time(identity.created_at);
            row.bool(identity.mfa);
            row.text_with(|| event.session_name());
            row.text(identity.source_identity.as_deref());
            row.text(identity.identity_provider.as_deref());
            row.text(identity.on_behalf_of_user_id.as_deref());
            row.text(identity.in_scope_of_arn.as_deref());
            row.text(identity.ec2_role_delivery.as_deref());
            row.text(identity.credential_id.as_deref());
            row.text(identity.sign_in_session_arn.as_deref());
            row.bool(event.from_console);
            row.texts(&event.resource_arns);
            row.text(event.request_parameters.as_deref());
            row.text(event.response_elements.as_deref());
            row.text(event.additional_event_data.as_deref());
            row.text(event.resources.as_deref());
            row.text(event.tls_version.as_deref());
            row.text(event.tls_host.as_deref());
            row.text(event.extra.as_deref());
            row.time(object.delivered_at);
            row.int(Some(object.ingest_number));
            row.text(Some(object.source_object));
            row.int(Some(record_index));
        }
        self.bytes += row.bytes + 6 * self.order.len();
        self.len += 1;
    }

    /// Rows since the last `finish`.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// About how many bytes the rows take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the rows out as one batch. The builders start anew, with room for as much as they held.
    ///
    /// # Errors
    /// An internal error where the columns do not fit the schema.
    pub fn finish(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.len);
        self.bytes = 0;
        let mut arrays: Vec<Option<ArrayRef>> = Vec::with_capacity(self.columns.len());
        for (builder, column) in self.columns.iter_mut().zip(EVENTS.columns) {
            arrays.push(match builder {
                Some(b) => {
                    let (array, bytes) = b.finish();
                    // Some more than the last time, because a buffer that must grow doubles.
                    *builder = Builder::new(column.kind, rows + rows / 8, bytes + bytes / 8);
                    Some(array)
                }
                None => None,
            });
        }
        let columns = self.order.iter().filter_map(|place| arrays.get(*place).cloned().flatten()).collect();
        RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &RecordBatchOptions::new().with_row_count(Some(rows)),
        )
        .map_err(|e| Error::internal("events do not fit the columns of the lake").source(e))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

    use super::*;
    use crate::cloudtrail::event::Identity;

    fn event() -> Event<'static> {
        Event {
            event_time: 1_700_000_000_000_000,
            event_id: "e-1".into(),
            event_source: "sts.amazonaws.com".into(),
            event_name: "AssumeRole".into(),
            aws_region: Some("us-east-1".into()),
            serving_region: Some("eu-west-1".into()),
            source_ip_address: Some("203.0.113.9".into()),
            tls_host: Some("sts.amazonaws.com".into()),
            extra: Some("{}".into()),
            read_only: Some(true),
            from_console: Some(true),
            resource_arns: vec![Cow::from("b"), Cow::from("a"), Cow::from("b")],
            identity: Identity {
                kind: Some("AssumedRole".into()),
                principal_id: Some("AROAEXAMPLE:alice".into()),
                account_id: Some("111111111111".into()),
                access_key_id: Some("ASIAEXAMPLE".into()),
                created_at: Some(1_699_999_000_000_000),
                sign_in_session_arn: Some("arn:x".into()),
                ..Identity::default()
            },
            ..Event::default()
        }
    }

    const OBJECT: ObjectContext<'_> =
        ObjectContext { source_object: "a.json.gz", delivered_at: Some(5), key_account: None, ingest_number: 3 };

    fn text<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a str> {
        let column = batch.column_by_name(name).unwrap().as_string::<i32>();
        column.is_valid(0).then(|| column.value(0))
    }

    #[test]
    fn columns_match_the_schema() {
        let mut rows = EventRows::new(None);
        rows.push(&event(), &OBJECT, 7);
        assert_eq!(rows.len(), 1);
        assert!(rows.bytes() > 100);
        let batch = rows.finish().unwrap();
        assert_eq!(batch.schema(), EVENTS.schema());
        for (name, value) in [
            ("event_id", "e-1"),
            ("event_name", "AssumeRole"),
            ("aws_region", "us-east-1"),
            ("effective_region", "eu-west-1"),
            ("recipient_account_id", "111111111111"),
            ("source_ip_kind", "public"),
            ("identity_type", "AssumedRole"),
            ("access_key_id", "ASIAEXAMPLE"),
            ("session_name", "alice"),
            ("sign_in_session_arn", "arn:x"),
            ("tls_host", "sts.amazonaws.com"),
            ("extra", "{}"),
            ("source_object", "a.json.gz"),
        ] {
            assert_eq!(text(&batch, name), Some(value), "{name}");
        }
        assert_eq!(text(&batch, "error_code"), None);
        let time = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>().value(0);
        assert_eq!(time("session_created_at"), 1_699_999_000_000_000);
        assert_eq!(time("delivered_at"), 5);
        let int = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(0);
        assert_eq!((int("ingest_number"), int("record_index")), (3, 7));
        let arns = batch.column_by_name("resource_arns").unwrap().as_list::<i32>().value(0);
        let arns: Vec<_> = arns.as_string::<i32>().iter().flatten().collect();
        assert_eq!(arns, ["a", "b"]);
        assert!(rows.is_empty());
    }

    #[test]
    fn builds_only_what_is_wanted_in_the_order_wanted() {
        let wanted = [EVENTS.index("event_name").unwrap(), EVENTS.index("event_id").unwrap()];
        let mut rows = EventRows::new(Some(&wanted));
        rows.push(&event(), &OBJECT, 0);
        let batch = rows.finish().unwrap();
        assert_eq!(
            batch.schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(),
            ["event_name", "event_id"]
        );
        assert_eq!(text(&batch, "event_id"), Some("e-1"));
        let mut none = EventRows::new(Some(&[]));
        none.push(&event(), &OBJECT, 0);
        assert_eq!(none.finish().unwrap().num_rows(), 1);
    }

    #[test]
    fn recipient_falls_back_to_the_key_then_to_the_caller() {
        let mut e = event();
        assert_eq!(recipient(&e, Some("222222222222")), Some("222222222222"));
        assert_eq!(recipient(&e, None), Some("111111111111"));
        e.recipient_account_id = Some("333333333333".into());
        assert_eq!(recipient(&e, Some("222222222222")), Some("333333333333"));
        assert_eq!(day(-1), -1);
        assert_eq!(day(i64::MAX), 106_751_991);
    }

    #[test]
    fn a_column_alone_is_what_it_is_among_all() {
        use crate::cloudtrail::{Limits, Wanted, decode_object};
        let record = r#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAX:dana",
            "arn":"arn:aws:sts::111122223333:assumed-role/Hub/dana","accountId":"111122223333","accessKeyId":"ASIAX",
            "userName":"u","invokedBy":"AWS Internal","identityProvider":"idp","credentialId":"c","signInSessionArn":"s",
            "onBehalfOf":{"userId":"o"},"inScopeOf":{"credentialsIssuedTo":"f"},"sessionContext":{"sessionIssuer":
            {"principalId":"AROAX","arn":"arn:aws:iam::111122223333:role/Hub"},"attributes":{"creationDate":
            "2026-11-23T14:00:00Z","mfaAuthenticated":"true"},"sourceIdentity":"dana","ec2RoleDelivery":"2.0"}},
            "eventTime":"2026-11-23T14:08:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole",
            "awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"cli","errorCode":"e","errorMessage":"m",
            "requestParameters":{"a":1},"responseElements":{"b":2},"additionalEventData":{"RequestDetails":
            {"awsServingRegion":"eu-north-1"}},"requestID":"r","eventID":"i","readOnly":true,"resources":[{"ARN":"x"}],
            "eventType":"AwsApiCall","managementEvent":true,"eventCategory":"Management","sharedEventID":"h",
            "vpcEndpointId":"v","vpcEndpointAccountId":"w","sessionCredentialFromConsole":"true","unknown":7,
            "tlsDetails":{"tlsVersion":"t","clientProvidedHostHeader":"p"}}"#;
        let batch = |columns: &[usize]| {
            let wanted = Wanted::default().with_parts(parts(columns));
            let mut rows = EventRows::new(Some(columns));
            decode_object("x", record.as_bytes(), &Limits::default(), &wanted, &mut |_, event| {
                rows.push(event, &OBJECT, 0)
            });
            rows.finish().unwrap()
        };
        let all: Vec<usize> = (0..EVENTS.columns.len()).collect();
        let whole = batch(&all);
        assert_eq!(whole.num_rows(), 1);
        for (place, column) in EVENTS.columns.iter().enumerate() {
            assert!(whole.column(place).is_valid(0), "{} is not tested", column.name);
            assert_eq!(batch(&[place]).column(0), whole.column(place), "{}", column.name);
        }
    }
}
