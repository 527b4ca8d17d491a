//! Finding callers, held to what comparing every caller with every event gives.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringViewArray, TimestampMicrosecondArray};
use proptest::prelude::*;

use crate::sts::link::{Caller, Callers, Links};
use crate::sts::names::Names;

use super::lookup::Lookup;
use super::shown::Shown;

/// What an event shows: seven texts, a creation date, a time.
#[derive(Debug, Clone)]
struct Row {
    texts: [Option<&'static str>; 7],
    created: Option<i64>,
    at: i64,
}

impl Row {
    /// What tells the caller: an empty text tells nothing, a time only where nothing else does.
    fn telling(&self) -> ([&'static str; 7], Option<i64>, Option<i64>) {
        let texts = self.texts.map(Option::unwrap_or_default);
        let exact = (texts[4].is_empty() && self.created.is_none()).then_some(self.at);
        (texts, self.created, exact)
    }

    fn caller(&self, names: &mut Names) -> Caller {
        let [kind, arn, account, principal, key, issuer_arn, session_name] = self.texts.map(|text| names.add(text));
        Caller { kind, arn, account, principal, key, issuer_arn, session_name, created_at: self.created }
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

proptest! {
    #[test]
    fn an_event_has_the_caller_that_shows_the_same(
        known in prop::collection::vec(row(), 0..30),
        events in prop::collection::vec(row(), 1..60),
        views in any::<bool>(),
        skipped in 0..3_usize,
    ) {
        let (mut names, mut callers) = (Names::default(), Callers::default());
        for row in &known {
            let caller = row.caller(&mut names);
            callers.place(&caller, row.telling().2, row.at, row.at);
        }
        let links = Links { names, callers: callers.into_list(), ..Links::default() };
        let skipped = skipped.min(events.len() - 1);
        let columns: Vec<ArrayRef> =
            columns(&events, views).iter().map(|column| column.slice(skipped, events.len() - skipped)).collect();
        let found = Lookup::new(&links).look(&links, &Shown::of(&columns).unwrap());
        prop_assert_eq!(found.rows.len(), events.len() - skipped);
        for (event, place) in events[skipped..].iter().zip(found.rows.values()) {
            let caller = found.callers[*place as usize].map(|caller| {
                let seen = &links.callers[caller];
                let c = &seen.caller;
                let texts = [c.kind, c.arn, c.account, c.principal, c.key, c.issuer_arn, c.session_name];
                (texts.map(|name| links.names.text(name)), c.created_at, seen.exact_time)
            });
            let expected = known.iter().map(Row::telling).find(|told| *told == event.telling());
            prop_assert_eq!(caller, expected);
        }
    }
}
