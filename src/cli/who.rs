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
use crate::sts::{ip, unique_id};

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

/// What an anchor looks like; decides where it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Key,
    Arn,
    UniqueId,
    Address,
    Uuid,
    Name,
}

impl Anchor {
    fn of(text: &str) -> Self {
        match unique_id::kind(text) {
            Some("access_key" | "temporary_key") if is_id(text) => return Anchor::Key,
            Some(_) if is_id(text) => return Anchor::UniqueId,
            _ => {}
        }
        if text.starts_with("arn:") {
            Anchor::Arn
        } else if ip::parse(text).is_some() {
            Anchor::Address
        } else if is_uuid(text) {
            Anchor::Uuid
        } else {
            Anchor::Name
        }
    }

    /// What it is called on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Anchor::Key => "access key",
            Anchor::Arn => "ARN",
            Anchor::UniqueId => "unique id",
            Anchor::Address => "address",
            Anchor::Uuid => "event id",
            Anchor::Name => "name",
        }
    }

    /// Which sessions it names.
    fn sessions(self) -> &'static str {
        match self {
            Anchor::Key => "session_id = $anchor OR array_has(used_key_ids, $anchor) OR (caller_key_id = $anchor AND $anchor LIKE 'AKIA%')",
            Anchor::Arn => {
                "role_arn = $anchor OR caller_arn = $anchor OR origin = $anchor OR origin_provider = $anchor
                 OR (strpos($anchor, ':assumed-role/') > 0 AND role_account = arn_account($anchor)
                     AND role_name = arn_name($anchor) AND session_name = split_part($anchor, '/', 3))"
            }
            Anchor::UniqueId => {
                "session_id = $anchor OR role_id = $anchor OR origin = $anchor
                 OR (role_id = split_part($anchor, ':', 1) AND session_name = split_part($anchor, ':', 2))"
            }
            Anchor::Address => "issued_ip = $anchor OR requester_ip = $anchor OR array_has(used_ips, $anchor)",
            Anchor::Uuid => {
                "array_has(issue_event_ids, $anchor) OR session_name = $anchor
                 OR session_id IN (SELECT session_id FROM session_events WHERE event_id = $anchor)"
            }
            Anchor::Name => {
                "lower(session_name) = lower($anchor) OR lower(source_identity) = lower($anchor) OR lower(origin) = lower($anchor)
                 OR role_name = $anchor OR permission_set = $anchor OR arn_name(origin) = $anchor"
            }
        }
    }

    /// Which calls that were made without a session: with a user's own key, or as root.
    fn calls(self) -> &'static str {
        match self {
            Anchor::Key => "access_key_id = $anchor",
            Anchor::Arn => "identity_arn = $anchor",
            Anchor::UniqueId => "identity_principal_id = $anchor",
            Anchor::Address => "source_ip_address = $anchor",
            Anchor::Uuid => "event_id = $anchor",
            Anchor::Name => "identity_user_name = $anchor",
        }
    }
}

fn is_id(text: &str) -> bool {
    let id = text.split(':').next().unwrap_or(text);
    id.len() >= 16 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_alphanumeric()))
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
        .hint(
            "an anchor is an access key, an ARN, a session name, a person, a role's name, an address or an event's id",
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_told_apart() {
        for (text, expected) in [
            ("ASIARTX3GSDS2UJDIVTY", Anchor::Key),
            ("AKIAIOSFODNN7EXAMPLE", Anchor::Key),
            ("AROAJBP4A5WSXVNY72RLE", Anchor::UniqueId),
            ("AROAJBP4A5WSXVNY72RLE:dana", Anchor::UniqueId),
            ("arn:aws:iam::111122223333:role/Hub", Anchor::Arn),
            ("203.0.113.77", Anchor::Address),
            ("2001:db8::1", Anchor::Address),
            ("0f902c35-794c-4864-b2e0-3c4564b857b0", Anchor::Uuid),
            ("dana@example.com", Anchor::Name),
            ("ASIA", Anchor::Name),
            ("AKIAdministrator", Anchor::Name),
        ] {
            assert_eq!(Anchor::of(text), expected, "{text}");
        }
    }
}
