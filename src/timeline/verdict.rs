//! What it comes to: one sentence with how sure it is, the damage in numbers, and what cannot be known.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::sql::session::Engine;

use super::case::{Case, CaseSession};
use super::evidence;
use super::lanes::{Lane, shares, takes_secret};
use super::rows::{Rows, literals, text};
use super::text::{clock, count, some, span, time};
use super::walk::{How, Party};

/// One sentence, and how sure it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The sentence.
    pub sentence: String,
    /// high, medium, low, none.
    pub confidence: &'static str,
    /// Why so.
    pub because: String,
}

/// Who a session stands for.
pub fn who(session: &CaseSession) -> String {
    let origin = session.origin.as_deref().unwrap_or("an unknown caller");
    match (session.origin_type.as_str(), session.session_name.as_deref()) {
        ("service", Some(name)) => name.to_owned(),
        ("outside_principal", _) => format!(
            "outside account {}",
            session.caller_account.as_deref().or(session.origin_account.as_deref()).unwrap_or(origin)
        ),
        ("iam_user", _) => crate::sts::arn::name(origin).unwrap_or(origin).to_owned(),
        _ => origin.to_owned(),
    }
}

fn place(session: &CaseSession) -> String {
    format!("{} in {}", session.what(), session.role_account.as_deref().unwrap_or("?"))
}

/// The sentence.
pub fn verdict(case: &Case) -> Verdict {
    let begun = |session: &&CaseSession| session.issued_at.or(session.first_at).unwrap_or(0);
    let first_split =
        case.sessions.iter().filter(|s| s.split.is_split() && s.is_suspicious()).min_by_key(|s| s.split.at);
    let stolen_key = case.keys.iter().filter(|key| !key.other.is_empty() && !key.created).min_by_key(|key| key.first);
    let new_place = case.sessions.iter().filter(|s| s.split.new_place.is_some()).min_by_key(begun);
    let mut parts = Vec::new();
    let (mut confidence, mut because);
    if let Some(session) =
        first_split.filter(|s| stolen_key.is_none_or(|key| s.split.at.unwrap_or(i64::MAX) <= key.first))
    {
        let from = some(session.split.other.iter().map(String::as_str), 2);
        let home = some(session.split.home.iter().map(String::as_str), 1);
        let after = match (session.split.at, session.issued_at) {
            (Some(at), Some(issued)) if at >= issued => format!(", {} after it was issued", span(at - issued)),
            _ => String::new(),
        };
        parts.push(format!(
            "The session {} of {} ({}) was used from {from} from {} on{after}; its home is {home}",
            session.id,
            who(session),
            place(session),
            session.split.at.map(time).unwrap_or_default()
        ));
        confidence = if session.split.sure { "high" } else { "medium" };
        because = session.split.why.join(", ");
    } else if let Some(key) = stolen_key {
        let from = some(key.other.iter().map(String::as_str), 2);
        parts.push(format!(
            "The key {} of {} was used from {from} from {} on{}",
            key.id,
            crate::sts::arn::name(&key.arn).unwrap_or(&key.arn),
            time(key.first),
            if key.home.is_empty() {
                String::new()
            } else {
                format!("; its home is {}", some(key.home.iter().map(String::as_str), 1))
            }
        ));
        confidence = if key.home.is_empty() { "medium" } else { "high" };
        because = key.sign.clone();
    } else if let Some(session) = new_place {
        let from = session.split.new_place.as_deref().unwrap_or_default();
        let known = if session.origin_type == "outside_principal" {
            "no such caller was seen before"
        } else {
            "its owner was never there before"
        };
        parts.push(format!(
            "{} took {} from {from} at {}",
            who(session),
            place(session),
            session.issued_at.map(time).unwrap_or_default()
        ));
        confidence = "medium";
        because = if session.split.why.is_empty() { known.to_owned() } else { session.split.why.join(", ") };
    } else if let Some(session) = case.sessions.iter().find(|session| session.odd) {
        parts.push(format!(
            "The session {} of {} ({}) does what the rest of its family does not, from the same place and with the same program",
            session.id,
            who(session),
            place(session)
        ));
        confidence = "low";
        because = session.reasons.join(", ");
    } else {
        let origins: BTreeSet<String> = case.sessions.iter().map(who).collect();
        let all = count(case.sessions.len(), "session");
        let of = some(origins.iter().map(String::as_str), 2);
        parts.push(if case.sessions.is_empty() {
            without_session(case)
        } else {
            format!("{all} of {of}; no other hand shows: one place, one program, one owner")
        });
        confidence = "none";
        because = "nothing tells the calls from their owner's own".to_owned();
        let odd = case.sessions.iter().find(|session| session.departure >= 25);
        if let Some(session) = odd {
            confidence = "low";
            because = session.reasons.join(", ");
        }
        let deepest = case.sessions.iter().map(|session| session.depth).max().unwrap_or(0);
        if deepest >= 3 {
            confidence = "low";
            if !because.contains("roles deep") {
                because = format!("a chain {deepest} roles deep");
            }
        }
    }
    let blast = blast(case);
    let mut then = Vec::new();
    if blast.minted > 0 {
        then.push(format!(
            "took {} in {}",
            count(blast.minted, "further session"),
            count(blast.minted_accounts, "account")
        ));
    }
    if blast.created > 0 {
        let things: BTreeSet<&str> = case.made.iter().map(|made| made.what.as_str()).collect();
        then.push(format!("made or changed {}", some(things, 2)));
    }
    if blast.secrets > 0 {
        then.push(format!("read {}", count(blast.secrets, "secret")));
    }
    if blast.evasions > 0 {
        then.push(format!("tried {} to hide traces", count(blast.evasions, "time")));
    }
    if !then.is_empty() {
        parts.push(format!("it {}", then.join(", ")));
    }
    if case.sessions.iter().any(|session| !session.issue_seen) && confidence == "high" && first_split.is_none() {
        confidence = "medium";
        because.push_str("; an issue is not in these logs");
    }
    Verdict { sentence: format!("{}.", parts.join("; ")), confidence, because }
}

/// Users' keys alone, or calls without any key.
fn without_session(case: &Case) -> String {
    let calls = count(case.events.iter().filter(|event| !event.synthetic).count(), "call");
    match case.keys.as_slice() {
        [] => {
            let who = |event: &'_ super::events::Event| event.identity_arn.clone().unwrap_or_else(|| event.ip.clone());
            let who: BTreeSet<String> = case.events.iter().filter(|event| !event.synthetic).map(who).collect();
            format!("{calls} without a key by {}; no session of theirs shows", some(who.iter().map(String::as_str), 2))
        }
        [key] => format!(
            "The key {} of {} in {} made {calls}; no other hand shows",
            key.id,
            crate::sts::arn::name(&key.arn).unwrap_or(&key.arn),
            key.account
        ),
        keys => format!("{} made {calls}; no other hand shows", count(keys.len(), "users' key")),
    }
}

/// The damage in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Blast {
    pub sessions: usize,
    pub suspicious: usize,
    pub accounts: usize,
    pub roles: usize,
    pub minted: usize,
    pub minted_accounts: usize,
    pub calls: usize,
    pub writes: usize,
    pub denied: usize,
    pub created: usize,
    pub secrets: usize,
    pub data: usize,
    pub shared: usize,
    pub evasions: usize,
    pub valid: usize,
}

/// Counts it.
pub fn blast(case: &Case) -> Blast {
    let other = case.events.iter().filter(|event| event.other && !event.synthetic);
    // What the other asked for, with a session of the case or with something that was created.
    let taken = |s: &&CaseSession| {
        s.party == Some(Party::Other) && (s.parent.is_some() || s.how == Some(How::Created)) && !s.split.is_split()
    };
    let minted: Vec<_> = case.sessions.iter().filter(taken).collect();
    let accounts: BTreeSet<_> = minted.iter().filter_map(|session| session.role_account.as_deref()).collect();
    let mut blast = Blast {
        sessions: case.sessions.len(),
        suspicious: case.sessions.iter().filter(|session| session.is_suspicious()).count(),
        accounts: case.accounts().len(),
        roles: case.sessions.iter().filter_map(|session| session.role_arn.as_deref()).collect::<BTreeSet<_>>().len(),
        minted: minted.len(),
        minted_accounts: accounts.len(),
        created: case.made.len(),
        valid: case.sessions.iter().filter(|session| session.is_suspicious() && session.is_valid_at(case.at)).count(),
        ..Blast::default()
    };
    let mut secrets = BTreeSet::new();
    for event in other {
        let refused = event.error.is_some();
        blast.calls += 1;
        blast.denied += usize::from(event.lane() == Lane::Deny);
        blast.writes += usize::from(!event.read_only && !refused);
        blast.evasions += usize::from(event.act == Some(Lane::Evade));
        if event.act == Some(Lane::Data) && !refused {
            blast.data += 1;
            blast.shared += usize::from(shares(&event.name));
            if takes_secret(&event.name) {
                secrets.insert(&event.target);
            }
        }
    }
    blast.secrets = secrets.len();
    blast
}

/// What cannot be known from these logs.
///
/// # Errors
/// The events cannot be asked.
pub async fn blind(case: &Case, engine: &Engine) -> Result<Vec<String>> {
    let mut found: Vec<String> = evidence::warning(&case.evidence).into_iter().collect();
    let accounts = case.accounts();
    let day = |at: i64| time(at)[..10].to_owned();
    let sql = format!(
        "SELECT DISTINCT recipient_account_id, event_category FROM events
         WHERE event_date BETWEEN DATE '{}' AND DATE '{}' AND recipient_account_id IN ({})",
        day(case.span.0),
        day(case.span.1),
        literals(accounts.iter().copied())
    );
    let rows = Rows::ask(engine, &sql, Vec::new()).await?;
    let (account, category) = (rows.texts("recipient_account_id")?, rows.texts("event_category")?);
    let known: BTreeSet<&str> = (0..rows.len()).filter_map(|row| text(&account, row)).collect();
    let with_data: BTreeSet<&str> = (0..rows.len())
        .filter(|&row| text(&category, row) == Some("Data"))
        .filter_map(|row| text(&account, row))
        .collect();
    let without: Vec<&str> = accounts.iter().copied().filter(|account| !known.contains(account)).collect();
    if !without.is_empty() {
        found.push(format!("no logs of {}: what was done there does not show", some(without, 3)));
    }
    let no_data: Vec<&str> = known.iter().copied().filter(|account| !with_data.contains(account)).collect();
    if !no_data.is_empty() {
        found.push(format!("no data events of {}: objects read or taken do not show", some(no_data, 3)));
    }
    let unseen = case.sessions.iter().filter(|session| !session.issue_seen).count();
    if unseen > 0 {
        found.push(format!(
            "{} issued before these logs begin, or where no logs are: who asked for them is unknown",
            count(unseen, "session")
        ));
    }
    let outside: BTreeSet<&str> = case
        .sessions
        .iter()
        .filter(|s| s.origin_type == "outside_principal")
        .filter_map(|s| s.origin_account.as_deref())
        .collect();
    if !outside.is_empty() {
        found.push(format!("who stands behind {} is in that account's logs alone", some(outside, 2)));
    }
    if !case.shared.is_empty() {
        let list: Vec<String> = case.shared.iter().map(|(ip, others)| format!("{ip} ({others} others)")).collect();
        found.push(format!("not followed, since many share it: {}", some(list.iter().map(String::as_str), 3)));
    }
    if !case.leads.is_empty() {
        found.push(format!(
            "the same program elsewhere, not followed: {}",
            some(case.leads.iter().map(|(id, _)| id.as_str()), 3)
        ));
    }
    if case.events.iter().any(|event| event.other && takes_secret(&event.name) && event.error.is_none()) {
        found.push("what the secrets that were read open is not in these logs".to_owned());
    }
    if case.truncated {
        found.push("there are more events than are told here: narrow with --since and --until".to_owned());
    }
    found.push("attempts from outside that were refused are recorded in the caller's account alone".to_owned());
    Ok(found)
}

/// `13:41:52` where the day is the case's first, else with the day.
pub fn moment(case: &Case, at: i64) -> String {
    if time(at)[..10] == time(case.span.0)[..10] { clock(at) } else { format!("{} {}", &time(at)[5..10], clock(at)) }
}
