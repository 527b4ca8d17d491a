//! `report.html`: one page that needs nothing from anywhere. Everything from the logs goes in as data and is shown as text; the
//! content policy lets this page's own script and style run, by their hashes, and nothing else.

use std::collections::HashMap;
use std::io::Write;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

use super::events::Event;
use super::lanes::LANES;
use super::screen::{Story, heading};
use super::verdict::who;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Raw records a block: one block is unpacked when one of its records is looked at.
const BLOCK: usize = 250;

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy|safe }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Incident timeline</title>
<style>{{ style|safe }}</style>
</head>
<body>
<a class="skip" href="#rows">Skip to the timeline</a>
<header>
<h1>Incident timeline</h1>
<p id="verdict"></p>
<p id="meta"></p>
<ul id="reach" aria-label="Reach"></ul>
</header>
<nav id="filters" aria-label="Filters">
<label>Search <input id="search" type="search" placeholder="call, target, address, key, error" autocomplete="off"></label>
<label>Session <select id="session"></select></label>
<label>Address <select id="address"></select></label>
<label>From <input id="from" type="text" size="20" placeholder="2026-11-07T03:36:00Z" spellcheck="false"></label>
<label>To <input id="to" type="text" size="20" spellcheck="false"></label>
<label class="tick"><input id="only" type="checkbox"> the other's only</label>
<label class="tick"><input id="fold" type="checkbox" checked> fold runs</label>
<fieldset id="lanes"><legend>Lanes</legend></fieldset>
<button id="clear" type="button">Clear</button>
<span id="count" role="status" aria-live="polite"></span>
</nav>
<main>
<section aria-labelledby="h-graph"><h2 id="h-graph">Chain</h2><div id="graph" class="scroll"></div></section>
<section aria-labelledby="h-gantt"><h2 id="h-gantt">Sessions in time</h2><div id="gantt" class="scroll"></div></section>
<section aria-labelledby="h-rows"><h2 id="h-rows">Timeline</h2>
<div id="rows" tabindex="0" role="grid" aria-label="Timeline, arrow keys move, Enter shows the event"><div id="space"></div><div id="view"></div></div>
<aside id="detail" hidden aria-label="Event"></aside></section>
<section aria-labelledby="h-steps"><h2 id="h-steps">To do, in this order</h2><ol id="steps"></ol></section>
<section aria-labelledby="h-evidence"><h2 id="h-evidence">What its evidence rests on</h2><ul id="evidence"></ul></section>
<section aria-labelledby="h-blind"><h2 id="h-blind">What these logs cannot tell</h2><ul id="blind"></ul></section>
</main>
<noscript><p>This page needs its script; report.md says the same without one.</p></noscript>
<script type="application/json" id="data">{{ data|safe }}</script>
{% for block in blocks %}<template class="raw">{{ block|safe }}</template>
{% endfor %}<script>{{ script|safe }}</script>
</body>
</html>
"##
)]
struct Page<'a> {
    policy: String,
    style: &'a str,
    script: &'a str,
    data: String,
    blocks: &'a [String],
}

/// What the page shows.
pub struct Data {
    /// Everything but the raw records, as JSON.
    pub json: String,
    /// Raw records in blocks: gzip, base64.
    pub raw: Vec<String>,
}

/// Texts that repeat are held once.
#[derive(Default)]
struct Texts<'a> {
    list: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Texts<'a> {
    fn place(&mut self, text: &'a str) -> usize {
        *self.places.entry(text).or_insert_with(|| {
            self.list.push(text);
            self.list.len() - 1
        })
    }
}

/// Gathers it; `raw` gives an event's record.
///
/// # Errors
/// The records cannot be packed.
pub fn data<'a>(story: &'a Story, with_raw: bool, raw: impl Fn(&'a Event) -> Option<&'a str>) -> Result<Data> {
    let case = &story.case;
    let places: HashMap<&str, usize> = case.sessions.iter().enumerate().map(|(at, s)| (s.id.as_str(), at)).collect();
    let place = |id: Option<&String>| {
        id.and_then(|id| places.get(id.as_str())).map_or(-1, |at| i64::try_from(*at).unwrap_or(-1))
    };
    let seconds = |at: Option<i64>| at.map(|at| at as f64 / 1_000_000.0);
    let sessions: Vec<Value> = case
        .sessions
        .iter()
        .map(|s| {
            json!({"id": s.id, "what": s.what(), "role": s.role_arn, "account": s.role_account, "name": s.session_name, "who": who(s),
                "origin": s.origin, "origin_type": s.origin_type, "parent": place(s.parent.as_ref()), "api": s.api,
                "how": s.how.map(|how| how.word()), "why": s.why, "certainty": s.certainty, "party": s.party.map(|party| party.word()),
                "departure": s.departure, "reasons": s.reasons, "issued": seconds(s.issued_at), "first": seconds(s.first_at),
                "last": seconds(s.last_at), "until": seconds(s.valid_until), "revoked": seconds(s.revoked_at), "valid": s.is_valid_at(case.at),
                "calls": s.events, "writes": s.writes, "denied": s.denied, "ips": s.used_ips, "other": s.split.other, "home": s.split.home,
                "split": seconds(s.split.at), "split_why": s.split.why})
        })
        .collect();
    let keys: Vec<Value> = case
        .keys
        .iter()
        .map(|key| {
            json!({"id": key.id, "user": key.arn, "account": key.account, "created": key.created, "other": key.other, "home": key.home,
                "why": key.why, "calls": key.events, "denied": key.denied})
        })
        .collect();
    let mut texts = Texts::default();
    let whys: Vec<String> = case.events.iter().map(|event| event.why.join("; ")).collect();
    let calls: Vec<String> = case.events.iter().map(Event::call).collect();
    let mut events: Vec<Value> = Vec::with_capacity(case.events.len());
    for (at, event) in case.events.iter().enumerate() {
        let lane = LANES.iter().position(|lane| *lane == event.lane()).unwrap_or(0);
        events.push(json!([
            event.at as f64 / 1_000_000.0,
            place(event.session.as_ref()),
            lane,
            texts.place(&calls[at]),
            texts.place(&event.account),
            texts.place(&event.ip),
            texts.place(&event.agent),
            texts.place(&event.target),
            texts.place(event.error.as_deref().unwrap_or_default()),
            texts.place(&whys[at]),
            place(event.gave.as_ref()),
            u8::from(event.other),
            texts.place(event.identity_arn.as_deref().unwrap_or_default()),
            texts.place(event.key.as_deref().unwrap_or_default()),
            event.weight,
            event.id,
            texts.place(&event.region),
        ]));
    }
    let blocks = if with_raw { packed(&case.events, raw)? } else { Vec::new() };
    let steps: Vec<Value> = story
        .steps
        .iter()
        .map(|step| {
            json!({"title": step.title, "commands": step.commands, "policy": step.policy, "misses": step.misses, "innocent": step.innocent})
        })
        .collect();
    let made: Vec<Value> = case
        .made
        .iter()
        .map(|made| {
            let gave: Vec<i64> = made.gave.iter().map(|id| place(Some(id))).collect();
            json!({"what": made.what, "at": seconds(Some(made.at)), "call": made.call, "by": place(made.by.as_ref()),
                "by_key": made.by, "gave": gave, "event": made.event_id})
        })
        .collect();
    let b = &story.blast;
    let data = json!({
        "verdict": {"sentence": story.verdict.sentence, "confidence": story.verdict.confidence, "because": story.verdict.because},
        "anchors": case.anchors.iter().map(|anchor| json!({"text": anchor.text, "words": anchor.words})).collect::<Vec<_>>(),
        "at": seconds(Some(case.at)), "from": seconds(Some(case.span.0)), "to": seconds(Some(case.span.1)),
        "sessions": sessions, "keys": keys, "made": made, "steps": steps, "blind": story.blind, "todo": heading(case),
        "evidence": case.evidence.iter().map(|evidence| evidence.words()).collect::<Vec<_>>(),
        "since": story.since.as_ref().map(|since| since.lines(usize::MAX)),
        "pivots": case.pivots.iter().map(|(ip, pivot)| json!({"ip": ip, "why": pivot.why, "round": pivot.round})).collect::<Vec<_>>(),
        "shared": case.shared, "leads": case.leads, "left_out": case.left_out, "truncated": case.truncated,
        "reach": [["sessions", b.sessions], ["suspicious", b.suspicious], ["roles", b.roles], ["accounts", b.accounts], ["the other's calls", b.calls],
            ["writes", b.writes], ["data", b.data], ["secrets", b.secrets], ["opened to others", b.shared], ["refused", b.denied],
            ["made or changed", b.created], ["hiding", b.evasions], ["still valid", b.valid]],
        "lanes": LANES.iter().map(|lane| lane.word()).collect::<Vec<_>>(),
        "texts": texts.list, "events": events, "block": BLOCK,
        "version": env!("CARGO_PKG_VERSION"),
    });
    Ok(Data { json: data.to_string(), raw: blocks })
}

fn packed<'a>(events: &'a [Event], raw: impl Fn(&'a Event) -> Option<&'a str>) -> Result<Vec<String>> {
    let pack = |block: &'a [Event]| {
        let records: Vec<&str> = block.iter().map(|event| raw(event).unwrap_or("null")).collect();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(format!("[{}]", records.join(",")).as_bytes())?;
        gzip.finish().map(|bytes| STANDARD.encode(bytes))
    };
    if !events.iter().any(|event| raw(event).is_some()) {
        return Ok(Vec::new());
    }
    let blocks: std::io::Result<Vec<String>> = events.chunks(BLOCK).map(pack).collect();
    blocks.map_err(|e| Error::internal("records could not be packed").source(e))
}

/// JSON inside a script element: no `<` that could end it, no separators that old scripts take for line ends.
fn inside_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// The page.
///
/// # Errors
/// Only where memory is no place to write to.
pub fn render(json: &str, raw: &[String]) -> Result<String> {
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let page = Page { policy, style: STYLE, script: SCRIPT, data: inside_script(json), blocks: raw };
    page.render().map_err(|e| Error::internal("the report page could not be written").source(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_data() {
        let page = render(r#"{"x":"</script><script>alert(1)</script><!--"}"#, &[]).unwrap();
        assert_eq!(page.matches("<script").count(), 2, "the data and the script");
        assert!(page.contains(r#""\u003c/script>\u003cscript>alert(1)\u003c/script>\u003c!--""#));
        assert!(page.contains(&format!("script-src {}", hash(SCRIPT))) && !page.contains("unsafe"));
        assert!(!page.contains("http://") && !page.contains("https://"));
    }
}
