//! What a report tells beside its findings: coverage, hours, relations, hygiene.

use arrow::array::{Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;

use super::baseline::{self, DAY};
use super::night::{CoverageHour, Gap, Hour, Hygiene, Relation};
use super::night_tables::{Span, parameters, texts};
use crate::error::Result;
use crate::lake::rows::typed;
use crate::sql::session::Engine;

/// Rows of each section that a report carries at most; the rest is one question away.
const ROWS: usize = 200;

struct Answer {
    rows: RecordBatch,
}

impl Answer {
    async fn of(engine: &Engine, sql: &str, span: Span, asked: &[&str]) -> Result<Self> {
        Ok(Self { rows: baseline::ask(engine, sql, parameters(span, asked)).await? })
    }

    fn len(&self) -> usize {
        self.rows.num_rows()
    }

    fn text(&self, name: &str, row: usize) -> Result<String> {
        let column: StringArray = texts(&self.rows, name)?;
        Ok(if column.is_valid(row) { column.value(row).to_owned() } else { String::new() })
    }

    fn count(&self, name: &str, row: usize) -> Result<u64> {
        let column: Int64Array = typed(&self.rows, name, &DataType::Int64)?;
        Ok(if column.is_valid(row) { u64::try_from(column.value(row)).unwrap_or_default() } else { 0 })
    }

    fn number(&self, name: &str, row: usize) -> Result<Option<f64>> {
        let column: Float64Array = typed(&self.rows, name, &DataType::Float64)?;
        Ok(column.is_valid(row).then(|| column.value(row)))
    }
}

/// What was looked at: accounts, regions, files, events, sessions, the median delay in seconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Looked {
    /// Accounts with events.
    pub accounts: u64,
    /// Regions with events.
    pub regions: u64,
    /// Log files with events.
    pub files: u64,
    /// Events.
    pub events: u64,
    /// Sessions issued or used.
    pub sessions: u64,
    /// Median seconds from event to delivery.
    pub lag_seconds: Option<i64>,
    /// Days of history.
    pub history_days: u64,
    /// Share of active identities that are being learned.
    pub learning_share: f64,
}

/// Counts what was looked at.
///
/// # Errors
/// The engine cannot be asked.
pub async fn looked(engine: &Engine, span: Span) -> Result<Looked> {
    let sql = "SELECT count(DISTINCT recipient_account_id) AS accounts, count(DISTINCT aws_region) AS regions, \
               count(DISTINCT source_object) AS files, count(*) AS events, \
               median(CAST(to_unixtime(delivered_at) - to_unixtime(event_time) AS DOUBLE)) AS lag \
               FROM events WHERE event_time >= $from AND event_time < $until";
    let events = Answer::of(engine, sql, span, &["from", "until"]).await?;
    let sql = "SELECT (SELECT count(*) FROM tonight) AS sessions, \
               (SELECT coalesce(max(history_days), 0) FROM peers WHERE entity_type = 'account' AND feature = 'hour') AS history, \
               (SELECT avg(CASE WHEN learned THEN 0.0 ELSE 1.0 END) FROM (SELECT entity, bool_or(learned) AS learned FROM novel \
               WHERE entity_type = 'who' GROUP BY entity) AS w) AS learning";
    let rest = Answer::of(engine, sql, span, &[]).await?;
    Ok(Looked {
        accounts: events.count("accounts", 0)?,
        regions: events.count("regions", 0)?,
        files: events.count("files", 0)?,
        events: events.count("events", 0)?,
        sessions: rest.count("sessions", 0)?,
        lag_seconds: events.number("lag", 0)?.map(|lag| lag.round() as i64),
        history_days: rest.count("history", 0)?,
        learning_share: (rest.number("learning", 0)?.unwrap_or(0.0) * 1000.0).round() / 1000.0,
    })
}

/// Account by hour, and where hours are missing that nine of ten days of the last two weeks have.
///
/// # Errors
/// The engine cannot be asked.
pub async fn coverage(engine: &Engine, span: Span) -> Result<(Vec<CoverageHour>, Vec<Gap>)> {
    let sql = "WITH usual AS ( \
                 SELECT entity AS account, value AS hour, count(*) AS days FROM daily \
                 WHERE entity_type = 'account' AND feature = 'hour' AND event_date < $night AND event_date >= $night - 14 GROUP BY 1, 2 \
               ), whole AS ( \
                 SELECT entity AS account, count(DISTINCT event_date) AS days FROM daily \
                 WHERE entity_type = 'account' AND feature = 'hour' AND event_date < $night AND event_date >= $night - 14 GROUP BY 1 \
               ), here AS (SELECT entity AS account, value AS hour, n FROM tonight_values WHERE entity_type = 'account' AND feature = 'hour') \
               SELECT coalesce(h.account, u.account) AS account, CAST(coalesce(h.hour, u.hour) AS BIGINT) AS hour, coalesce(h.n, 0) AS events, \
                      CASE WHEN h.n IS NULL AND w.days >= 7 AND u.days * 10 >= w.days * 9 THEN 1 ELSE 0 END AS gap \
               FROM here h FULL JOIN usual u ON u.account = h.account AND u.hour = h.hour \
               LEFT JOIN whole w ON w.account = coalesce(h.account, u.account) \
               ORDER BY 1, 2";
    let answer = Answer::of(engine, sql, span, &["night"]).await?;
    let (mut cells, mut gaps): (Vec<CoverageHour>, Vec<Gap>) = (Vec::new(), Vec::new());
    for row in 0..answer.len() {
        let (account, hour) = (answer.text("account", row)?, answer.count("hour", row)?);
        let at = span.night_start() + i64::try_from(hour).unwrap_or_default() * (DAY / 24);
        if at >= span.until || at + DAY / 24 <= span.from {
            continue;
        }
        let gap = answer.count("gap", row)? == 1;
        let events = answer.count("events", row)?;
        if gap {
            match gaps.last_mut().filter(|g| g.account == account) {
                Some(g) => g.hours += 1,
                None => {
                    gaps.push(Gap { account: account.clone(), region: String::new(), hours: 1, text: String::new() })
                }
            }
        }
        if gap || events > 0 {
            cells.push(CoverageHour { account, hour: super::assemble::instant(at), events, gap });
        }
    }
    // One hour without events is an ordinary hour of a small account.
    gaps.retain(|gap| gap.hours >= 2);
    for cell in &mut cells {
        cell.gap = cell.gap && gaps.iter().any(|gap| gap.account == cell.account);
    }
    for gap in &mut gaps {
        gap.text = format!(
            "{} hours without events of account {}, which has some in these hours on nine of ten days",
            gap.hours, gap.account
        );
    }
    Ok((cells, gaps))
}

/// Sessions by hour, beside what is usual.
///
/// # Errors
/// The engine cannot be asked.
pub async fn hours(engine: &Engine, span: Span) -> Result<Vec<Hour>> {
    let sql = "WITH days AS (SELECT DISTINCT event_date FROM daily WHERE event_date < $night AND event_date >= $night - 14 AND entity_type = 'day'), \
               clock AS (SELECT CAST(value AS VARCHAR) AS hour FROM generate_series(0, 23)), \
               past AS (SELECT c.hour, median(CAST(coalesce(d.n, 0) AS DOUBLE)) AS usual FROM clock c CROSS JOIN days y \
                 LEFT JOIN daily d ON d.event_date = y.event_date AND d.entity_type = 'all' AND d.feature = 'hour' AND d.value = c.hour GROUP BY c.hour), \
               failed AS (SELECT CAST(CAST(date_part('hour', event_time) AS BIGINT) AS VARCHAR) AS hour, count(*) AS n FROM failures \
                 WHERE event_time >= $from AND event_time < $until GROUP BY 1) \
               SELECT CAST(c.hour AS BIGINT) AS hour, coalesce(t.n, 0) AS sessions, p.usual, coalesce(f.n, 0) AS failures FROM clock c \
               LEFT JOIN tonight_values t ON t.entity_type = 'all' AND t.feature = 'hour' AND t.value = c.hour \
               LEFT JOIN past p ON p.hour = c.hour LEFT JOIN failed f ON f.hour = c.hour ORDER BY 1";
    let answer = Answer::of(engine, sql, span, &["night", "from", "until"]).await?;
    let mut hours = Vec::new();
    for row in 0..answer.len() {
        let at = span.night_start() + i64::try_from(answer.count("hour", row)?).unwrap_or_default() * (DAY / 24);
        if at >= span.from && at < span.until {
            hours.push(Hour {
                hour: super::assemble::instant(at),
                sessions: answer.count("sessions", row)?,
                usual: answer.number("usual", row)?,
                failures: answer.count("failures", row)?,
            });
        }
    }
    Ok(hours)
}

/// What is related to what since tonight, or not any more.
///
/// # Errors
/// The engine cannot be asked.
pub async fn relations(engine: &Engine, span: Span) -> Result<Vec<Relation>> {
    let sql = "WITH fresh AS ( \
                 SELECT 'new_edge' AS kind, entity AS a, value AS b, CAST(n AS BIGINT) AS n, words AS cause FROM novel \
                   WHERE entity_type = 'caller' AND feature = 'role' AND seen_days = 0 AND history_days > 0 \
                 UNION ALL SELECT 'new_external_account', caller_account, role_arn, count(*), 'no log of that account is here' FROM tonight \
                   WHERE issued_tonight AND cross_account AND coalesce(caller_is_ours, false) = false AND vendor IS NULL \
                   AND NOT EXISTS (SELECT 1 FROM known k WHERE k.entity_type = 'account' AND k.entity = tonight.caller_account) GROUP BY 2, 3 \
                 UNION ALL SELECT 'new_subject', entity, value, CAST(n AS BIGINT), words FROM novel \
                   WHERE entity_type = 'role' AND feature = 'subject' AND seen_days = 0 AND history_days > 0 \
                 UNION ALL SELECT 'trust_edit', identity_arn, account, sum(n), event_name FROM calls \
                   WHERE event_name IN ('UpdateAssumeRolePolicy', 'CreateRole', 'CreateSAMLProvider', 'UpdateSAMLProvider', 'CreateOpenIDConnectProvider', 'CreateTrustAnchor') \
                   AND error_code IS NULL GROUP BY identity_arn, account, event_name \
                 UNION ALL SELECT 'vendor_without_external_id', caller_account, role_arn, count(*), coalesce(vendor, 'unlisted account') FROM tonight \
                   WHERE issued_tonight AND cross_account AND coalesce(caller_is_ours, false) = false AND external_id IS NULL GROUP BY 2, 3, vendor \
                 UNION ALL SELECT 'vanished_edge', d.entity, d.value, CAST(sum(d.n) AS BIGINT), concat('on ', count(*), ' of the last 14 days, not tonight') FROM daily d \
                   LEFT ANTI JOIN tonight_values t ON t.entity_type = d.entity_type AND t.entity = d.entity AND t.feature = d.feature AND t.value = d.value \
                   WHERE d.entity_type = 'caller' AND d.feature = 'role' AND d.event_date < $night AND d.event_date >= $night - 14 \
                   GROUP BY d.entity, d.value HAVING count(*) >= 12 \
               ) SELECT kind, a, b, n, cause FROM fresh ORDER BY kind, a, b, cause";
    let answer = Answer::of(engine, sql, span, &["night"]).await?;
    (0..answer.len().min(ROWS))
        .map(|row| {
            Ok(Relation {
                kind: answer.text("kind", row)?,
                from: answer.text("a", row)?,
                to: answer.text("b", row)?,
                owner: None,
                cause: answer.text("cause", row)?,
                count: answer.count("n", row)?,
            })
        })
        .collect()
}

/// The weekly block, on Mondays.
///
/// # Errors
/// The engine cannot be asked.
pub async fn hygiene(engine: &Engine, span: Span) -> Result<Vec<Hygiene>> {
    // 1970-01-05 was a Monday.
    if (span.night() - 4).rem_euclid(7) != 0 {
        return Ok(Vec::new());
    }
    let lines = [
        (
            "Sessions of eight hours and more",
            "granted_seconds >= 28800 AND class <> 'service'",
            "rolecall ask long-sessions",
        ),
        (
            "Sessions with a name that an SDK chose",
            "session_name_kind = 'sdk_default'",
            "rolecall ask sdk-default-names",
        ),
        (
            "People's sessions without a source identity",
            "class = 'human' AND source_identity IS NULL",
            "rolecall ask source-identities",
        ),
        (
            "Sessions of IAM users without MFA",
            "caller_type = 'IAMUser' AND NOT coalesce(mfa_at_issue, false)",
            "rolecall ask without-mfa",
        ),
        (
            "Outside accounts without an external id",
            "cross_account AND coalesce(caller_is_ours, false) = false AND external_id IS NULL",
            "rolecall ask without-external-id",
        ),
    ];
    let mut found = Vec::new();
    for (title, condition, next) in lines {
        let sql = format!(
            "SELECT coalesce(role_arn, who) AS example, count(*) AS n FROM tonight WHERE issued_tonight AND {condition} GROUP BY 1 ORDER BY 2 DESC, 1"
        );
        let answer = Answer::of(engine, &sql, span, &[]).await?;
        let mut count = 0;
        let mut examples = Vec::new();
        for row in 0..answer.len() {
            count += answer.count("n", row)?;
            if examples.len() < 3 {
                examples.push(answer.text("example", row)?);
            }
        }
        if count > 0 {
            found.push(Hygiene { title: title.to_owned(), count, examples, next: next.to_owned() });
        }
    }
    Ok(found)
}
