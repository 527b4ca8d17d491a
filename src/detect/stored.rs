//! Findings, nights and verdicts as rows of the lake.

use arrow::array::{
    Array, AsArray, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;
use chrono::NaiveDate;

use super::assemble::{date, instant, micros};
use super::baseline;
use super::finding::{Finding, Severity, State};
use crate::error::{Error, Result};
use crate::lake::rows::{Cell, Rows, typed};
use crate::lake::schema::{FINDINGS, NIGHTS, Type, VERDICTS};
use crate::lake::store::Lake;
use crate::sql::session::Engine;

/// A day of the form `2026-11-07` as days since 1970-01-01.
pub fn day(text: &str) -> Option<i32> {
    text.parse::<NaiveDate>().ok().map(|date| date.to_epoch_days())
}

/// Keeps a night: its findings, and what its day held.
///
/// # Errors
/// The lake cannot be written.
pub async fn keep(lake: &mut Lake, night: i32, findings: &[Finding], events: u64, rules: &str) -> Result<()> {
    let mut rows = Rows::new(&FINDINGS)?;
    for finding in findings {
        push(&mut rows, night, finding)?;
    }
    lake.write_days(&FINDINGS, &[(night, rows.finish()?)]).await?;
    let mut rows = Rows::new(&NIGHTS)?;
    rows.push(&[
        Cell::Date(night),
        Cell::Int(i64::try_from(events).unwrap_or(i64::MAX)),
        Cell::Int(i64::try_from(findings.len()).unwrap_or(i64::MAX)),
        Cell::Text(rules),
        Cell::Text(env!("CARGO_PKG_VERSION")),
    ]);
    lake.write_days(&NIGHTS, &[(night, rows.finish()?)]).await
}

fn push(rows: &mut Rows, night: i32, f: &Finding) -> Result<()> {
    let time = |text: &str| micros(text).map_or(Cell::Null, Cell::Time);
    let count = |n: u64| Cell::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let evidence =
        serde_json::to_string(&f.evidence).map_err(|e| Error::internal("evidence cannot be written").source(e))?;
    rows.push(&[
        Cell::Date(night),
        Cell::Text(&f.fingerprint),
        Cell::Text(&f.detection),
        Cell::Text(&f.title),
        Cell::Text(f.severity.as_str()),
        Cell::Float(f.score),
        Cell::Text(f.state.as_str()),
        time(&f.first_seen),
        time(&f.last_seen),
        count(f.event_count),
        Cell::Texts(&f.session_ids),
        Cell::Texts(&f.access_keys),
        Cell::Texts(&f.principals),
        Cell::Texts(&f.role_arns),
        Cell::Texts(&f.source_ips),
        Cell::Texts(&f.accounts),
        Cell::Text(&f.reason),
        Cell::Text(&f.next),
        Cell::Text(&evidence),
        Cell::Text(&f.origin),
        Cell::Texts(&f.attack),
        Cell::Texts(&f.chain),
        (&f.owner).into(),
        Cell::Bool(f.late),
        Cell::Int(i64::from(f.nights)),
        count(f.total_events),
        Cell::Float(f.max_score),
        (&f.suppressed_by).into(),
    ]);
    Ok(())
}

/// The findings of the nights from one up to another, exclusive; days since 1970-01-01. In the order of nights.
///
/// # Errors
/// The lake cannot be read.
pub async fn findings(engine: &Engine, from: i32, until: i32) -> Result<Vec<Finding>> {
    let sql = format!(
        "SELECT * FROM findings WHERE night >= DATE '{}' AND night < DATE '{}' ORDER BY night, fingerprint",
        date(from),
        date(until)
    );
    read(&baseline::ask(engine, &sql, Vec::new()).await?)
}

/// Reads findings out of rows of the table.
///
/// # Errors
/// The rows are not the table's.
pub fn read(rows: &RecordBatch) -> Result<Vec<Finding>> {
    let texts = |name: &str| typed::<StringArray>(rows, name, &DataType::Utf8);
    let lists = |name: &str| typed::<ListArray>(rows, name, &Type::Texts.arrow());
    let times = |name: &str| typed::<TimestampMicrosecondArray>(rows, name, &Type::Time.arrow());
    let counts = |name: &str| typed::<Int64Array>(rows, name, &DataType::Int64);
    let numbers = |name: &str| typed::<Float64Array>(rows, name, &DataType::Float64);
    let nights = typed::<arrow::array::Date32Array>(rows, "night", &DataType::Date32)?;
    let late = typed::<BooleanArray>(rows, "late", &DataType::Boolean)?;
    let names = [
        "fingerprint",
        "detection",
        "title",
        "severity",
        "state",
        "reason",
        "next",
        "evidence",
        "origin",
        "owner",
        "suppressed_by",
    ];
    let t: Vec<StringArray> = names.iter().map(|n| texts(n)).collect::<Result<_>>()?;
    let many = ["session_ids", "access_keys", "principals", "role_arns", "source_ips", "accounts", "attack", "chain"];
    let l: Vec<ListArray> = many.iter().map(|n| lists(n)).collect::<Result<_>>()?;
    let (first, last) = (times("first_seen")?, times("last_seen")?);
    let (events, seen, total) = (counts("event_count")?, counts("nights")?, counts("total_events")?);
    let (score, highest) = (numbers("score")?, numbers("max_score")?);
    let maybe = |column: usize, row: usize| t[column].is_valid(row).then(|| t[column].value(row).to_owned());
    let text = |column: usize, row: usize| maybe(column, row).unwrap_or_default();
    let list = |column: usize, row: usize| -> Vec<String> {
        if l[column].is_null(row) {
            return Vec::new();
        }
        l[column].value(row).as_string::<i32>().iter().flatten().map(str::to_owned).collect()
    };
    let count = |column: &Int64Array, row: usize| u64::try_from(column.value(row)).unwrap_or_default();
    (0..rows.num_rows())
        .map(|row| {
            let misfit = || Error::input("a row of the table findings cannot be read");
            Ok(Finding {
                fingerprint: text(0, row),
                detection: text(1, row),
                title: text(2, row),
                severity: Severity::parse(&text(3, row)).ok_or_else(misfit)?,
                score: score.value(row),
                state: State::parse(&text(4, row)).ok_or_else(misfit)?,
                night: date(nights.value(row)),
                first_seen: instant(first.value(row)),
                last_seen: instant(last.value(row)),
                event_count: count(&events, row),
                session_ids: list(0, row),
                access_keys: list(1, row),
                principals: list(2, row),
                role_arns: list(3, row),
                source_ips: list(4, row),
                accounts: list(5, row),
                reason: text(5, row),
                next: text(6, row),
                evidence: serde_json::from_str(&text(7, row)).unwrap_or_default(),
                origin: text(8, row),
                attack: list(6, row),
                chain: list(7, row),
                owner: maybe(9, row),
                late: late.value(row),
                nights: u32::try_from(seen.value(row)).unwrap_or(1),
                total_events: count(&total, row),
                max_score: highest.value(row),
                suppressed_by: maybe(10, row),
            })
        })
        .collect()
}

/// The events that each reported night's day held when it was reported; days since 1970-01-01.
///
/// # Errors
/// The lake cannot be read.
pub async fn nights(engine: &Engine) -> Result<std::collections::BTreeMap<i32, u64>> {
    let rows = baseline::ask(engine, "SELECT night, events FROM nights", Vec::new()).await?;
    let nights = typed::<arrow::array::Date32Array>(&rows, "night", &DataType::Date32)?;
    let events = typed::<Int64Array>(&rows, "events", &DataType::Int64)?;
    Ok((0..rows.num_rows())
        .map(|row| (nights.value(row), u64::try_from(events.value(row)).unwrap_or_default()))
        .collect())
}

/// What somebody said of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The finding.
    pub fingerprint: String,
    /// Its detection.
    pub detection: String,
    /// `accepted`, `dismissed` or `reopened`.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub owner: String,
    /// The night of the finding that was judged, `2026-11-07`.
    pub night: String,
    /// When, microseconds since the epoch.
    pub given_at: i64,
}

/// Every verdict, in the order in which they were given.
///
/// # Errors
/// The lake cannot be read.
pub async fn verdicts(engine: &Engine) -> Result<Vec<Verdict>> {
    let rows = baseline::ask(engine, "SELECT * FROM verdicts ORDER BY given_at, fingerprint", Vec::new()).await?;
    let names = ["fingerprint", "detection", "verdict", "reason", "owner"];
    let t: Vec<StringArray> = names.iter().map(|n| typed(&rows, n, &DataType::Utf8)).collect::<Result<_>>()?;
    let nights = typed::<arrow::array::Date32Array>(&rows, "night", &DataType::Date32)?;
    let given = typed::<TimestampMicrosecondArray>(&rows, "given_at", &Type::Time.arrow())?;
    let text = |column: usize, row: usize| {
        if t[column].is_valid(row) { t[column].value(row).to_owned() } else { String::new() }
    };
    Ok((0..rows.num_rows())
        .map(|row| Verdict {
            fingerprint: text(0, row),
            detection: text(1, row),
            verdict: text(2, row),
            reason: text(3, row),
            owner: text(4, row),
            night: date(nights.value(row)),
            given_at: given.value(row),
        })
        .collect())
}

/// Adds a verdict.
///
/// # Errors
/// The lake cannot be written, or the verdict's night is no day.
pub async fn add_verdict(lake: &mut Lake, verdict: &Verdict) -> Result<()> {
    let night = day(&verdict.night).ok_or_else(|| Error::usage(format!("'{}' is no night", verdict.night)))?;
    let mut rows = Rows::new(&VERDICTS)?;
    rows.push(&[
        Cell::Text(&verdict.fingerprint),
        Cell::Text(&verdict.detection),
        Cell::Text(&verdict.verdict),
        Cell::Text(&verdict.reason),
        Cell::Text(&verdict.owner),
        Cell::Date(night),
        Cell::Time(verdict.given_at),
    ]);
    lake.add_verdicts(&rows.finish()?).await
}
