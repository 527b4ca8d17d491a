//! `rolecall who`: who is behind a key, ARN, address, name or event.

use clap::Args;
use datafusion::common::ScalarValue;
use futures::future::try_join_all;

use super::answer::Answering;
use super::arguments::Reading;
use super::asking::Asking;
use super::console::Console;
use super::interrupt::Interrupt;
use super::output::{Format, Row, rows};
use super::{Outcome, who_screen};
use crate::error::{Error, Kind, Result};
use crate::sql::parameter;
use crate::timeline::anchor::{self, Anchor};

/// Say who is behind a key, ARN, session name, person, address or event
///
/// Every session that the anchor names, with its chain up to the origin. Other formats than table give every session as a row.
#[derive(Debug, Args)]
pub struct Who {
    /// An access key, an ARN, a session name, a person, a role's name, an address, an event's id
    #[arg(value_name = "ANCHOR", required = true)]
    anchors: Vec<String>,
    #[command(flatten)]
    reading: Reading,
}

/// What is told of a session, and of the calls of a user's own key in the same columns.
const COLUMNS: &str = "session_id, api, role_arn, role_account, session_name, issued_at, valid_until, revoked_at, caller_type,
    caller_arn, caller_key_id, origin_type, origin_class, origin, origin_provider, source_identity, chain_depth, chain_path,
    ancestor_ids, issued_ip, requester_ip, used_ips, used_key_ids, used_accounts, first_event_at, last_event_at, event_count,
    error_count, denied_count, write_count, link_method";

fn question(anchor: Anchor) -> String {
    format!(
        "SELECT $anchor AS anchor, {COLUMNS} FROM sessions WHERE {} ORDER BY issued_at DESC NULLS LAST, session_id",
        anchor.sessions()
    )
}

fn question_of_users(anchor: Anchor) -> String {
    format!(
        "SELECT identity_arn, identity_account_id, access_key_id, min(event_time) AS first_event_at,
                max(event_time) AS last_event_at, count(*) AS event_count,
                count(*) FILTER (WHERE error_code IS NOT NULL) AS error_count,
                array_sort(array_agg(DISTINCT source_ip_address)) AS ips
         FROM events
         WHERE $anchor NOT LIKE 'ASIA%' AND ({}) AND identity_type IN ('IAMUser', 'Root') AND (access_key_id IS NULL OR access_key_id LIKE 'AKIA%')
         GROUP BY identity_arn, identity_account_id, access_key_id
         ORDER BY event_count DESC, identity_arn, access_key_id",
        anchor.calls()
    )
}

/// What was found for an anchor.
pub struct Found {
    /// As typed.
    pub text: String,
    /// What it looks like.
    pub anchor: Anchor,
    /// Its sessions, the newest first.
    pub sessions: Vec<Row>,
    /// The sessions above them.
    pub ancestors: Vec<Row>,
    /// Users' own keys.
    pub users: Vec<Row>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.users.is_empty()
    }
}

impl Who {
    /// Answers.
    ///
    /// # Errors
    /// The data cannot be read, the answer cannot be written, or an anchor is found nowhere.
    pub async fn run(self, console: Console, interrupt: &Interrupt) -> Result<Outcome> {
        let answering = Answering::begin(&self.reading.answer, console)?;
        interrupt
            .unless(async {
                let asking = Asking::open(&self.reading, console).await?;
                answer(&self.anchors, &asking, answering).await
            })
            .await
    }
}

/// Says who is behind the anchors: for people as chains on a screen, for programs every session as a row.
///
/// # Errors
/// The data cannot be read, the answer cannot be written, or an anchor is found nowhere.
pub async fn answer(anchors: &[String], asking: &Asking, answering: Answering) -> Result<Outcome> {
    let missing = if answering.format() == Format::Table {
        screen(anchors, asking, answering).await?
    } else {
        sessions(anchors, asking, answering).await?
    };
    let outcome = asking.outcome()?;
    if missing.is_empty() || outcome == Outcome::Incomplete {
        return Ok(outcome);
    }
    Err(Error::new(Kind::Empty, format!("nothing was found for {}", missing.join(", ")))
        .hint(anchor::KINDS)
        .hint("--since, --until, --account and --region leave events out"))
}

/// Every session as a row; gives the anchors that were not found.
async fn sessions<'a>(anchors: &'a [String], asking: &Asking, answering: Answering) -> Result<Vec<&'a str>> {
    let asked = anchors.iter().map(|text| async move {
        let anchor = Anchor::of(text);
        let batches = asking.rows(&question(anchor), bound(text)).await?;
        let found = batches.iter().any(|batch| batch.num_rows() > 0)
            || asking.rows(&question_of_users(anchor), bound(text)).await?.iter().any(|batch| batch.num_rows() > 0);
        Ok::<_, Error>((text, batches, found))
    });
    let found = try_join_all(asked).await?;
    let missing = found.iter().filter(|(_, _, found)| !found).map(|(text, _, _)| text.as_str()).collect();
    let batches: Vec<_> = found.into_iter().flat_map(|(_, batches, _)| batches).collect();
    answering.batches(&batches)?;
    Ok(missing)
}

/// The chains, for people; gives the anchors that were not found.
async fn screen<'a>(anchors: &'a [String], asking: &Asking, answering: Answering) -> Result<Vec<&'a str>> {
    let found = try_join_all(anchors.iter().map(|text| find(asking, text))).await?;
    let missing = anchors.iter().zip(&found).filter(|(_, found)| found.is_empty()).map(|(text, _)| text.as_str());
    let missing = missing.collect();
    let width = answering.width();
    answering.text(&who_screen::render(&found, width))?;
    Ok(missing)
}

fn bound(text: &str) -> Vec<(String, ScalarValue)> {
    vec![("anchor".to_owned(), ScalarValue::Utf8(Some(text.to_owned())))]
}

async fn find(asking: &Asking, text: &str) -> Result<Found> {
    let anchor = Anchor::of(text);
    let sessions = rows(&asking.rows(&question(anchor), bound(text)).await?)?;
    let users = rows(&asking.rows(&question_of_users(anchor), bound(text)).await?)?;
    let mut ids: Vec<_> = who_screen::shown(&sessions).flat_map(|row| who_screen::texts(row, "ancestor_ids")).collect();
    ids.sort_unstable();
    ids.dedup();
    let ancestors = if ids.is_empty() {
        Vec::new()
    } else {
        let ids = vec![("ids".to_owned(), parameter::list(&ids))];
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE array_has($ids, session_id)");
        rows(&asking.rows(&sql, ids).await?)?
    };
    Ok(Found { text: text.to_owned(), anchor, sessions, ancestors, users })
}
