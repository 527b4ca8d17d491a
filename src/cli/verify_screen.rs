//! What a verification found, on one screen.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use indicatif::HumanCount;

use super::output::{paragraph, visible};
use crate::integrity::verdict::{Kind, Verdict, Why};
use crate::integrity::{Counts, Summary};

/// Accounts, regions and trails that get a line.
const LINES: usize = 40;

/// One sentence: what it comes to.
pub fn headline(summary: &Summary) -> String {
    let (altered, unproven) = (summary.altered(), summary.unproven());
    let valid = HumanCount(summary.count(Kind::Log, Verdict::Valid));
    match (altered, unproven) {
        (0, 0) => format!("Whole: {valid} log files are proved to be what CloudTrail delivered"),
        (0, n) => format!("Not all is proved: {valid} log files are, {} objects are not", HumanCount(n)),
        (1, _) => "ALTERED: 1 object is not what CloudTrail delivered, or is gone".to_owned(),
        (n, _) => format!("ALTERED: {} objects are not what CloudTrail delivered, or are gone", HumanCount(n)),
    }
}

/// The counts, the reasons and the first problems.
pub fn screen(summary: &Summary, width: Option<usize>) -> String {
    let mut text = headline(summary) + "\n\n";
    for (what, kind) in [("digests", Kind::Digest), ("log files", Kind::Log)] {
        let parts = Verdict::ALL.iter().filter_map(|(verdict, _)| match summary.count(kind, *verdict) {
            0 => None,
            count => Some(format!("{} {}", HumanCount(count), verdict.as_str())),
        });
        let parts: Vec<_> = parts.collect();
        text.push_str(&format!("{what:<10} {}\n", if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }));
    }
    let ends = || summary.counts.values().filter_map(|counts| counts.digest_ends);
    if let Some((first, last)) = ends().map(|(first, _)| first).min().zip(ends().map(|(_, last)| last).max()) {
        text.push_str(&format!("{:<10} {} to {}\n", "hours end", time(first), time(last)));
    }
    text.push('\n');
    text.push_str(&counts(summary, width));
    if !summary.whys.is_empty() {
        text.push_str("\nWhy:\n");
        for (word, meaning) in Why::ALL {
            if let Some(count) = summary.whys.get(word) {
                paragraph(&mut text, "  ", &format!("{} {word}: {meaning}", HumanCount(*count)), width);
            }
        }
    }
    if !summary.problems.is_empty() {
        text.push_str("\nFirst:\n");
        for row in &summary.problems {
            let why = row.why.map(|why| format!(" ({})", why.as_str())).unwrap_or_default();
            paragraph(&mut text, "  ", &format!("{} {}{why}", row.verdict.as_str(), visible(&row.object)), width);
        }
        let all = summary.altered() + summary.unproven();
        if all > summary.problems.len() as u64 {
            let rest = all - summary.problems.len() as u64;
            paragraph(&mut text, "  ", &format!("and {} more: --format csv tells all", HumanCount(rest)), width);
        }
    }
    text
}

fn time(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .map_or(String::new(), |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// A line an account, region and trail.
fn counts(summary: &Summary, width: Option<usize>) -> String {
    const HEADER: [&str; 7] = ["account", "region", "trail", "digests", "log files", "altered", "unproven"];
    let sum = |by: &BTreeMap<Verdict, u64>, of: fn(Verdict) -> bool| -> u64 {
        by.iter().filter(|(verdict, _)| of(**verdict)).map(|(_, count)| count).sum()
    };
    let row = |((account, region, trail), counts): (&(String, String, Option<String>), &Counts)| {
        let both = |of: fn(Verdict) -> bool| sum(&counts.digests, of) + sum(&counts.logs, of);
        let number = |n: u64| HumanCount(n).to_string();
        [
            visible(account).into_owned(),
            visible(region).into_owned(),
            trail.as_deref().map_or("(in no digest)".to_owned(), |trail| visible(trail).into_owned()),
            number(sum(&counts.digests, |verdict| verdict != Verdict::Gap)),
            number(sum(&counts.logs, |_| true)),
            number(both(Verdict::is_altered)),
            number(both(|verdict| verdict != Verdict::Valid && !verdict.is_altered())),
        ]
    };
    let rows: Vec<_> = summary.counts.iter().take(LINES).map(row).collect();
    let mut widths = HEADER.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // The trail's name gives way: it is the one that can be long.
    let others: usize = widths.iter().sum::<usize>() - widths[2] + 2 * (widths.len() - 1);
    widths[2] = widths[2].min(width.map_or(usize::MAX, |width| width.saturating_sub(others)).max(8));
    let mut text = String::new();
    for row in std::iter::once(HEADER.map(str::to_owned)).chain(rows) {
        let mut line = String::new();
        for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
            let cell: String = match cell.chars().count() > width {
                true => cell.chars().take(width - 1).chain(['…']).collect(),
                false => cell.clone(),
            };
            line.push_str(&if place < 3 { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if summary.counts.len() > LINES {
        text.push_str(&format!("and {} more\n", HumanCount((summary.counts.len() - LINES) as u64)));
    }
    text
}
