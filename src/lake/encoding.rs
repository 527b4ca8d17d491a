//! How a table's columns stand in Parquet: compression, dictionaries, statistics, bloom filters.

use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::schema::{EVENTS, Table, Type};
use super::write::unwritable;
use crate::error::Result;

/// Ids hardly repeat and JSON texts are long: a dictionary of them costs time and saves nothing.
const WITHOUT_DICTIONARY: [&str; 9] = [
    "event_id",
    "request_id",
    "shared_event_id",
    "request_parameters",
    "response_elements",
    "additional_event_data",
    "resources",
    "extra",
    "error_message",
];

/// Rows a page of a derived table: what is asked of a day reads little more than that day's.
const DERIVED_PAGE: usize = 4096;

/// Rows and bytes a page of events: a look-up reads little, and columns that are being encoded hold a page each.
const EVENTS_PAGE: (usize, usize) = (8192, 256 << 10);

/// How a table's columns are encoded.
pub(super) fn properties(table: &Table, rows: usize) -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(1).map_err(unwritable)?;
    // Zstandard where texts are long or random, which is where the bytes are. It takes a megabyte of memory a column, and a
    // dictionary's places are no smaller for it.
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("rolecall ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(Some(1 << 20))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    properties = if table.name == EVENTS.name {
        properties.set_data_page_row_count_limit(EVENTS_PAGE.0).set_data_page_size_limit(EVENTS_PAGE.1)
    } else {
        properties.set_data_page_row_count_limit(DERIVED_PAGE)
    };
    for column in table.columns {
        properties = column_properties(properties, table.name, column.name, column.kind, rows);
        if WITHOUT_DICTIONARY.contains(&column.name) {
            let path = ColumnPath::from(column.name);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_compression(path, Compression::ZSTD(level));
        }
    }
    Ok(properties.build())
}

fn column_properties(
    properties: WriterPropertiesBuilder,
    table: &str,
    name: &str,
    kind: Type,
    rows: usize,
) -> WriterPropertiesBuilder {
    let path = ColumnPath::from(name);
    let properties = match name {
        "event_id" | "access_key_id" | "key_id" => properties
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path.clone(), 0.01)
            // As large as the file can need; the usual size is made for a million values.
            .set_column_bloom_filter_max_ndv(path.clone(), u64::try_from(rows.max(1)).unwrap_or(u64::MAX)),
        _ => properties,
    };
    match (name, kind) {
        // Bounds of JSON texts help nobody; bounds a page at a time pay where rows are sorted or clustered.
        (
            "request_parameters"
            | "response_elements"
            | "additional_event_data"
            | "resources"
            | "extra"
            | "error_message",
            _,
        )
        | (_, Type::Texts | Type::Faults) => properties.set_column_statistics_enabled(path, EnabledStatistics::None),
        ("event_time" | "first_at" | "event_source" | "event_name" | "recipient_account_id", _) => {
            properties.set_column_statistics_enabled(path, EnabledStatistics::Page)
        }
        // Questions filter by these, and by whatever a small table holds; bounds of the other texts cost more than they save.
        (
            "access_key_id"
            | "identity_principal_id"
            | "identity_arn"
            | "session_name"
            | "source_ip_address"
            | "error_code"
            | "event_id",
            _,
        ) => properties,
        (_, Type::Text) if table == EVENTS.name => {
            properties.set_column_statistics_enabled(path, EnabledStatistics::None)
        }
        _ => properties,
    }
}
