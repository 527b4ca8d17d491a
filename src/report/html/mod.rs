//! `report.html`: one page that needs nothing from anywhere. Everything from the logs is text by the template's own escaping; the content policy
//! lets this page's own script and style run, by their hashes, and nothing else. Without the script the page says the same.

mod charts;
mod row;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Options;
use super::parts::{
    Parts, beyond, by_owner, ends, facts, gap_hours, gravest, lacks, learning, percent, precision, relation, some,
    told, verdict,
};
use crate::detect::finding::Finding;
use crate::detect::night::{Night, RuleHealth};
use crate::error::{Error, Result};
use crate::escape::visible;
use crate::sts::arn;
use crate::words::number::{counted, grouped};

use row::{card, row};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Rows of a list that is no list of things to act on.
const MOST: usize = 100;
/// Rows of the table of everything.
const WHOLE: usize = 500;

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
<title>Night of {{ night }}</title>
<style>{{ style|safe }}</style>
</head>
<body>
<a class="skip" href="#act">Skip to what is to be done</a>
<header class="{{ mood }}">
<p class="kicker">rolecall nightly report</p>
<h1>Night of {{ night }}</h1>
<p id="verdict">{{ verdict }}</p>
{% if gaps.len() > 0 %}<section id="gaps" aria-labelledby="h-gaps"><h2 id="h-gaps">Gaps: {{ gap_total }} of logs are missing</h2>
<ul>{% for (place, text, hours) in gaps %}<li><b>{{ place }}</b> {{ text }} <span class="soft">({{ hours }})</span></li>{% endfor %}</ul></section>{% endif %}
{% if learning_line.len() > 0 %}<p id="learning">{{ learning_line }}.</p>{% endif %}
<dl id="facts">{% for (name, value) in facts %}<div><dt>{{ name }}</dt><dd>{{ value }}</dd></div>{% endfor %}</dl>
</header>
<nav id="filters" aria-label="Filters" hidden>
<label class="grow"><span>Filter</span><input id="search" type="search" placeholder="role, key, address, account, detection, owner" autocomplete="off" spellcheck="false"></label>
<fieldset id="severities"><legend class="off">Severities</legend>{% for name in severities %}<label class="chip {{ name }}"><input type="checkbox" value="{{ name }}" checked>{{ name }}</label>{% endfor %}</fieldset>
<button id="fold" type="button" aria-pressed="false">Unfold all</button>
<span id="count" role="status" aria-live="polite"></span>
</nav>
<main>
<div class="charts">
<figure><figcaption>Sessions per hour</figcaption>{{ hours|safe }}</figure>
<figure><figcaption>Coverage</figcaption>{{ coverage|safe }}</figure>
</div>
<section id="act" aria-labelledby="h-act"><h2 id="h-act">Act now <span class="tally">{{ act_total }}</span></h2>
{% for card in act %}{{ card|safe }}{% endfor %}
{% if act.len() == 0 %}<p class="none">Nothing to act on.</p>{% endif %}
{% if left_out.len() > 0 %}<p class="more">{{ left_out }} more to act on, beyond the rows of this page: in the appendix and in findings.jsonl.</p>{% endif %}
</section>
<section id="watch" aria-labelledby="h-watch"><h2 id="h-watch">Watch</h2>
{% if watch.len() > 0 %}<div class="scroll"><table><thead><tr><th>identity</th><th class="num">bits</th><th>seven nights</th><th>signals</th></tr></thead><tbody>
{% for (entity, risk, nights, signals) in watch %}<tr class="item"><td data-h="identity">{{ entity }}</td><td class="num" data-h="bits">{{ risk }}</td><td data-h="seven nights">{{ nights|safe }}</td><td data-h="signals">{{ signals }}</td></tr>
{% endfor %}</tbody></table></div>{% endif %}
{% if look.len() > 0 %}<h3>New, to be looked at by day <span class="tally">{{ look_total }}</span></h3>
{% for row in look %}{{ row|safe }}{% endfor %}{% endif %}
{% if noted.len() > 0 %}<details class="row"><summary><span class="what">Weak signals, which add up where they meet</span><span class="num">{{ noted_total }}</span></summary>
<div class="body">{% for row in noted %}{{ row|safe }}{% endfor %}</div></details>{% endif %}
{% if watch.len() == 0 && look.len() == 0 && noted.len() == 0 %}<p class="none">Nobody.</p>{% endif %}
</section>
<section id="relations" aria-labelledby="h-relations"><h2 id="h-relations">Changed relations</h2>
{% if edges.len() > 0 %}<figure><figcaption>New edges</figcaption><div class="scroll">{{ edges|safe }}</div></figure>{% endif %}
{% for (owner, rows, more) in relations %}<h3>{{ owner }}</h3>
<div class="scroll"><table><thead><tr><th>what</th><th>who</th><th>on</th><th class="num">times</th><th>brought about by</th></tr></thead><tbody>
{% for row in rows %}<tr class="item"><td data-h="what">{{ row[0] }}</td><td data-h="who">{{ row[1] }}</td><td data-h="on">{{ row[2] }}</td><td class="num" data-h="times">{{ row[3] }}</td><td data-h="brought about by">{{ row[4] }}</td></tr>
{% endfor %}</tbody></table></div>{% if more.len() > 0 %}<p class="more">{{ more }}</p>{% endif %}{% endfor %}
{% if relations.len() == 0 %}<p class="none">None.</p>{% endif %}
{% if learning.len() > 0 %}<h3>Still being learned</h3>
<div class="scroll"><table><thead><tr><th>what</th><th>which</th><th>known since</th><th>learning until</th><th class="num">held back</th></tr></thead><tbody>
{% for (kind, entity, since, until, held) in learning %}<tr class="item"><td data-h="what">{{ kind }}</td><td data-h="which">{{ entity }}</td><td data-h="known since">{{ since }}</td><td data-h="learning until">{{ until }}</td><td class="num" data-h="held back">{{ held }}</td></tr>
{% endfor %}</tbody></table></div>{% endif %}
</section>
<section id="open" aria-labelledby="h-open"><h2 id="h-open">Open from earlier nights <span class="tally">{{ open_total }}</span></h2>
{% for row in open %}{{ row|safe }}{% endfor %}
{% if open.len() == 0 %}<p class="none">Nothing.</p>{% endif %}
{% if resolved.len() > 0 %}<h3>Resolved <span class="tally">{{ resolved_total }}</span></h3>
{% for row in resolved %}{{ row|safe }}{% endfor %}{% endif %}
</section>
{% if hygiene.len() > 0 %}<section id="hygiene" aria-labelledby="h-hygiene"><h2 id="h-hygiene">Hygiene</h2>
{% for (title, count, examples, next) in hygiene %}<details class="item row"><summary><span class="what">{{ title }}</span><span class="num">{{ count }}</span></summary>
<div class="body"><p>{{ examples }}</p><pre class="command"><code>{{ next }}</code></pre></div></details>
{% endfor %}</section>{% endif %}
<section id="muted" aria-labelledby="h-muted"><h2 id="h-muted">Suppressed and muted <span class="tally">{{ suppressed_total }}</span></h2>
{% if beyond.len() > 0 %}<p class="more">{{ beyond }}; all of them in findings.jsonl.</p>{% endif %}{% if muted.len() > 0 %}<div class="scroll"><table><thead><tr><th>entry</th><th class="num">hidden</th><th>status</th><th>expires</th><th>owner</th><th>reason</th></tr></thead><tbody>
{% for row in muted %}<tr class="item"><td data-h="entry">{{ row[0] }}</td><td class="num" data-h="hidden">{{ row[1] }}</td><td data-h="status"><span class="state {{ row[2] }}">{{ row[2] }}</span></td><td data-h="expires">{{ row[3] }}</td><td data-h="owner">{{ row[4] }}</td><td data-h="reason">{{ row[5] }}</td></tr>
{% endfor %}</tbody></table></div>{% endif %}
{% for row in suppressed %}{{ row|safe }}{% endfor %}
{% if muted.len() == 0 && suppressed.len() == 0 && beyond.len() == 0 %}<p class="none">Nothing.</p>{% endif %}
</section>
<section id="rules" aria-labelledby="h-rules"><h2 id="h-rules">Rule health</h2>
{% if rules.len() > 0 %}<div class="scroll"><table><thead><tr><th>detection</th><th>title</th><th class="num">hits</th><th>accepted in 90 days</th><th>last fired</th><th>lacks</th></tr></thead><tbody>
{% for row in rules %}<tr class="item"><td data-h="detection">{{ row[0] }}</td><td data-h="title">{{ row[1] }}</td><td class="num" data-h="hits">{{ row[2] }}</td><td data-h="accepted in 90 days">{{ row[3] }}</td><td data-h="last fired">{{ row[4] }}</td><td data-h="lacks">{{ row[5] }}</td></tr>
{% endfor %}</tbody></table></div>{% endif %}
<p class="more">{{ quiet_rules }} looked and found nothing.</p>
</section>
{% if sigma.len() > 0 %}<section id="sigma" aria-labelledby="h-sigma"><h2 id="h-sigma">Sigma <span class="tally">{{ sigma_total }}</span></h2>
{% for row in sigma %}{{ row|safe }}{% endfor %}</section>{% endif %}
<section id="appendix" aria-labelledby="h-appendix"><h2 id="h-appendix">Appendix</h2>
{% if all.len() > 0 %}<details class="row"><summary><span class="what">Every finding of the night</span><span class="num">{{ all_total }}</span></summary>
<div class="scroll"><table><thead><tr><th>severity</th><th>state</th><th>detection</th><th>what</th><th class="num">bits</th><th>fingerprint</th></tr></thead><tbody>
{% for row in all %}<tr class="item" data-severity="{{ row[0] }}"><td data-h="severity"><span class="badge {{ row[0] }}">{{ row[0] }}</span></td><td data-h="state">{{ row[1] }}</td><td data-h="detection">{{ row[2] }}</td><td data-h="what">{{ row[3] }}</td><td class="num" data-h="bits">{{ row[4] }}</td><td data-h="fingerprint"><code>{{ row[5] }}</code></td></tr>
{% endfor %}</tbody></table></div></details>{% endif %}
<p class="more">rolecall {{ version }}, detections {{ rules_hash }}. {{ learning_share }} of active identities are still being learned. The same lake and the same night give this page, byte for byte.</p>
</section>
</main>
<script>{{ script|safe }}</script>
</body>
</html>
"##
)]
struct Page {
    policy: String,
    style: &'static str,
    script: &'static str,
    mood: &'static str,
    night: String,
    verdict: String,
    gaps: Vec<(String, String, String)>,
    gap_total: String,
    facts: Vec<(&'static str, String)>,
    severities: [&'static str; 5],
    hours: String,
    coverage: String,
    edges: String,
    act: Vec<String>,
    act_total: String,
    left_out: String,
    watch: Vec<(String, String, String, String)>,
    look: Vec<String>,
    look_total: String,
    noted: Vec<String>,
    noted_total: String,
    learning_line: String,
    relations: Vec<(String, Vec<[String; 5]>, String)>,
    learning: Vec<(String, String, String, String, String)>,
    open: Vec<String>,
    open_total: String,
    resolved: Vec<String>,
    resolved_total: String,
    hygiene: Vec<(String, String, String, String)>,
    beyond: String,
    muted: Vec<[String; 6]>,
    suppressed: Vec<String>,
    suppressed_total: String,
    rules: Vec<[String; 6]>,
    quiet_rules: String,
    sigma: Vec<String>,
    sigma_total: String,
    all: Vec<[String; 6]>,
    all_total: String,
    version: String,
    rules_hash: String,
    learning_share: String,
}

/// The page.
///
/// # Errors
/// Only where memory is no place to write to.
pub fn render(night: &Night, options: &Options) -> Result<String> {
    let parts = Parts::of(night, options.budget);
    let header = &night.header;
    let (told, others) = told(&night.rules);
    let all = gravest(&night.findings);
    let page = Page {
        policy: format!(
            "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
            hash(SCRIPT),
            hash(STYLE)
        ),
        style: STYLE,
        script: SCRIPT,
        mood: mood(night, &parts),
        night: show(&header.night),
        verdict: show(&verdict(night, &parts)),
        gaps: header
            .gaps
            .iter()
            .take(MOST)
            .map(|gap| {
                (show(format!("{} {}", gap.account, gap.region).trim()), show(&gap.text), counted(gap.hours, "hour"))
            })
            .collect(),
        gap_total: counted(gap_hours(header), "hour"),
        facts: facts(header).into_iter().map(|(name, value)| (name, show(&value))).collect(),
        severities: ["critical", "high", "medium", "low", "info"],
        hours: charts::hours(&night.hours),
        coverage: charts::coverage(&night.coverage),
        edges: charts::edges(&night.relations),
        act: parts.acting().iter().map(card).collect::<Result<_>>()?,
        act_total: total(parts.alarms().count()),
        left_out: if parts.left_out() > 0 { total(parts.left_out()) } else { String::new() },
        watch: night
            .watch
            .iter()
            .take(MOST)
            .map(|one| {
                let signals = show(&one.signals.join("; "));
                (name(&one.entity), format!("{:.1}", one.risk), charts::sparkline(&one.nights), signals)
            })
            .collect(),
        look: rows(&parts.look)?,
        look_total: total(parts.look.len()),
        noted: rows(&parts.noted)?,
        noted_total: total(parts.noted.len()),
        learning_line: learning(night).map(|line| show(&line)).unwrap_or_default(),
        relations: relations(night),
        learning: night
            .learning
            .iter()
            .take(MOST)
            .map(|one| {
                let held = if one.held > 0 { grouped(one.held) } else { String::new() };
                (show(&one.kind), name(&one.entity), show(&one.since), show(&one.until), held)
            })
            .collect(),
        open: rows(&parts.open)?,
        open_total: total(parts.open.len()),
        resolved: rows(&parts.resolved)?,
        resolved_total: total(parts.resolved.len()),
        hygiene: night
            .hygiene
            .iter()
            .map(|one| (show(&one.title), grouped(one.count), show(&some(&one.examples, 10)), show(&one.next)))
            .collect(),
        beyond: show(&beyond(&parts).unwrap_or_default()),
        muted: muted(night),
        suppressed: rows(&parts.suppressed)?,
        suppressed_total: total(parts.suppressed.len()),
        rules: told.iter().map(|rule| health(rule)).collect(),
        quiet_rules: counted(others as u64, "other detection"),
        sigma: rows(&gravest(&night.sigma))?,
        sigma_total: total(night.sigma.len()),
        all: all.iter().take(WHOLE).map(|finding| line(finding)).collect(),
        all_total: total(all.len()),
        version: show(&header.version),
        rules_hash: show(&header.rules),
        learning_share: percent(header.learning_share),
    };
    page.render().map_err(|e| Error::internal("the report page could not be written").source(e))
}

/// Log content as it is shown: nothing in it hides or reorders text. The template escapes what is markup.
fn show(text: &str) -> String {
    visible(text).into_owned()
}

/// An identity as people say it; the picture's tooltip and the other formats have it whole.
fn name(text: &str) -> String {
    show(&arn::short(text))
}

fn total(n: usize) -> String {
    grouped(n as u64)
}

fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// The colour of the head.
fn mood(night: &Night, parts: &Parts<'_>) -> &'static str {
    if !night.header.gaps.is_empty() {
        "gap"
    } else if !parts.act.is_empty() {
        "alarm"
    } else if !parts.look.is_empty() {
        "notice"
    } else {
        "quiet"
    }
}

fn rows(list: &[&Finding]) -> Result<Vec<String>> {
    let mut rows: Vec<String> = list.iter().take(MOST).map(|finding| row(finding)).collect::<Result<_>>()?;
    if list.len() > MOST {
        rows.push(format!("<p class=\"more\">{} more in findings.jsonl.</p>", total(list.len() - MOST)));
    }
    Ok(rows)
}

fn relations(night: &Night) -> Vec<(String, Vec<[String; 5]>, String)> {
    by_owner(night)
        .into_iter()
        .map(|(owner, list)| {
            let row = |one: &&crate::detect::night::Relation| {
                [show(&relation(&one.kind)), name(&one.from), name(&one.to), grouped(one.count), show(&one.cause)]
            };
            let more = list.len().saturating_sub(MOST);
            let more = if more > 0 { format!("{} more.", total(more)) } else { String::new() };
            (show(owner), list.iter().take(MOST).map(row).collect(), more)
        })
        .collect()
}

fn muted(night: &Night) -> Vec<[String; 6]> {
    let row = |one: &crate::detect::night::Muted| {
        [
            show(&one.entry),
            grouped(one.hidden),
            show(&one.status),
            show(&ends(one)),
            show(&one.owner),
            show(&one.reason),
        ]
    };
    night.muted.iter().map(row).collect()
}

fn health(rule: &RuleHealth) -> [String; 6] {
    let text = |text: &Option<String>| show(text.as_deref().unwrap_or_default());
    [
        show(&rule.detection),
        show(&rule.title),
        grouped(rule.hits),
        precision(rule),
        text(&rule.last_fired),
        text(&lacks(rule)),
    ]
}

fn line(finding: &Finding) -> [String; 6] {
    [
        finding.severity.as_str().to_owned(),
        finding.state.as_str().to_owned(),
        show(&finding.detection),
        show(&finding.title),
        format!("{:.1}", finding.score),
        show(&finding.fingerprint),
    ]
}
