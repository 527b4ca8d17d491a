//! OCSF 1.5 events, one a line: Authentication (3002) and API Activity (6003), with the profiles cloud and datetime.
//!
//! <https://schema.ocsf.io/1.5.0/>

mod event;

use std::io::{BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{Target, Writer, failed, rows};
use crate::error::{Error, Result};
use crate::escape::acts;

/// OCSF being written.
pub struct Ocsf(BufWriter<Target>);

impl Ocsf {
    /// Starts, if the answer's rows are events.
    ///
    /// # Errors
    /// A column of `events` that the mapping reads is not there.
    pub fn new(schema: &SchemaRef, target: Target) -> Result<Self> {
        match event::MAPPED.iter().find(|name| schema.field_with_name(name).is_err()) {
            None => Ok(Self(BufWriter::new(target))),
            Some(missing) => Err(Error::usage(format!("ocsf is for whole events, and this answer has no {missing}"))
                .hint("SELECT * FROM events WHERE ..., or session_events")),
        }
    }
}

impl Writer for Ocsf {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for row in rows(std::slice::from_ref(batch))? {
            let event = event::map(row)?;
            event.serialize(&mut Serializer::with_formatter(&mut self.0, Visible)).map_err(failed)?;
            self.0.write_all(b"\n").map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        self.0.flush().map_err(failed)?;
        Ok(0)
    }
}

/// Compact JSON in which nothing acts on a terminal.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> std::io::Result<()> {
        let mut plain = fragment;
        while let Some((at, c)) = plain.char_indices().find(|(_, c)| acts(*c)) {
            writer.write_all(&plain.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = &plain[at + c.len_utf8()..];
        }
        writer.write_all(plain.as_bytes())
    }
}
