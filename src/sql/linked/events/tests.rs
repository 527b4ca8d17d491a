//! Finding callers, held to what comparing every caller with every event gives.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray, new_null_array,
};
use proptest::prelude::*;

use crate::sql::schema::SESSION_LINKS;

use super::callers::Callers;
use super::shown::{COLUMNS, Room, Shown};

/// Seven texts, the creation date, and the time where nothing else tells.
type Telling = ([&'static str; 7], Option<i64>, Option<i64>);

/// What an event shows: seven texts, a creation date, a time.
#[derive(Debug, Clone)]
struct Row {
    texts: [Option<&'static str>; 7],
    created: Option<i64>,
    at: i64,
}

impl Row {
    /// What tells the caller: an empty text tells nothing, a time only where nothing else does.
    fn telling(&self) -> Telling {
        let texts = self.texts.map(Option::unwrap_or_default);
        let exact = (texts[4].is_empty() && self.created.is_none()).then_some(self.at);
        (texts, self.created, exact)
    }
}

fn row() -> impl Strategy<Value = Row> {
    let text = prop::sample::select(vec![
        None,
        Some(""),
        Some("short"),
        Some("arn:aws:sts::111111111111:assumed-role/a/b"),
        Some("arn:aws:sts::111111111111:assumed-role/a/c"),
    ]);
    (prop::array::uniform7(text), prop::option::of(0..2_i64), 0..3_i64).prop_map(|(texts, created, at)| Row {
        texts,
        created,
        at,
    })
}

fn columns(events: &[Row], views: bool) -> Vec<ArrayRef> {
    let mut columns: Vec<ArrayRef> = (0..7)
        .map(|column| {
            let texts = events.iter().map(|row| row.texts[column]);
            if views {
                Arc::new(texts.collect::<StringViewArray>()) as ArrayRef
            } else {
                Arc::new(texts.collect::<StringArray>())
            }
        })
        .collect();
    let times = |times: TimestampMicrosecondArray| Arc::new(times.with_timezone("UTC")) as ArrayRef;
    columns.push(times(events.iter().map(|row| row.created).collect()));
    columns.push(times(events.iter().map(|row| Some(row.at)).collect()));
    columns
}

/// Each caller once, as `session_links` has it: an empty text is none, and only what nothing else tells has a time.
fn links(known: &[Row]) -> RecordBatch {
    let mut all: Vec<_> = known.iter().map(Row::telling).collect();
    all.sort_unstable();
    all.dedup();
    let columns = SESSION_LINKS.columns.iter().map(|column| -> ArrayRef {
        let times = |of: fn(&Telling) -> Option<i64>| -> ArrayRef {
            Arc::new(all.iter().map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        };
        match (column.name, COLUMNS.iter().position(|name| *name == column.name)) {
            ("session_created_at", _) => times(|told| told.1),
            ("exact_time", _) => times(|told| told.2),
            (_, Some(text)) => {
                let texts = all.iter().map(|told| Some(told.0[text]).filter(|text| !text.is_empty()));
                Arc::new(texts.collect::<StringArray>())
            }
            _ => new_null_array(&column.kind.arrow(), all.len()),
        }
    });
    RecordBatch::try_new(SESSION_LINKS.schema(), columns.collect()).unwrap()
}

proptest! {
    #[test]
    fn an_event_has_the_caller_that_shows_the_same(
        known in prop::collection::vec(row(), 0..30),
        events in prop::collection::vec(row(), 1..60),
        views in any::<bool>(),
        skipped in 0..3_usize,
        cut in 0..30_usize,
    ) {
        let rows = links(&known);
        let cut = cut.min(rows.num_rows());
        let callers = Callers::of(&[rows.slice(0, cut), rows.slice(cut, rows.num_rows() - cut)]).unwrap();
        let skipped = skipped.min(events.len() - 1);
        let columns: Vec<ArrayRef> =
            columns(&events, views).iter().map(|column| column.slice(skipped, events.len() - skipped)).collect();
        let found = callers.look(&Shown::of(&columns).unwrap(), &mut Room::default());
        let places: Vec<_> = found.rows.values().iter().map(|&row| found.callers[row as usize]).collect();
        prop_assert_eq!(places.len(), events.len() - skipped);
        let mut telling: Vec<_> = known.iter().map(Row::telling).collect();
        telling.sort_unstable();
        telling.dedup();
        for (event, place) in events[skipped..].iter().zip(places) {
            let expected = telling.iter().position(|told| *told == event.telling());
            prop_assert_eq!(place.map(|place| place as usize), expected);
        }
    }
}
