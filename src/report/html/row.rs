//! One finding on the page: a card where somebody has to act, a row elsewhere; both unfold to the same evidence.

use askama::Template;

use super::super::parts::{Act, age, chain, lists, period};
use super::{charts, show};
use crate::detect::finding::{Finding, State};
use crate::error::{Error, Result};

/// Values of one list that are shown.
const VALUES: usize = 25;

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<dl>{% for (name, value) in facts %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}
{% for (name, values, more) in lists %}<dt>{{ name }}</dt><dd>{% for value in values %}<code>{{ value }}</code> {% endfor %}{% if more.len() > 0 %}<span class="soft">{{ more }}</span>{% endif %}</dd>{% endfor %}</dl>
{% if events.len() > 0 %}<table class="events"><caption>Evidence</caption><thead><tr><th>day</th><th>account</th><th>event</th></tr></thead><tbody>
{% for (day, account, id) in events %}<tr><td>{{ day }}</td><td>{{ account }}</td><td><code>{{ id }}</code></td></tr>{% endfor %}</tbody></table>{% endif %}"##
)]
struct Inside {
    facts: Vec<(&'static str, String)>,
    lists: Vec<(&'static str, Vec<String>, String)>,
    events: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<article class="item card {{ severity }}" data-severity="{{ severity }}">
<h3><span class="badge {{ severity }}">{{ severity }}</span> {{ title }}</h3>
<p class="meta">{{ meta }}{% if owner.len() > 0 %} · owner <b>{{ owner }}</b>{% endif %}{% if mark.len() > 0 %} · <b class="mark">{{ mark }}</b>{% endif %}</p>
{% if picture.len() > 0 %}<div class="scroll chain">{{ picture|safe }}</div>{% endif %}
<p class="why"><span class="soft">Why</span> {{ reason }}</p>
{% if next.len() > 0 %}<pre class="command"><code>{{ next }}</code></pre>{% endif %}
<details><summary>Evidence</summary><div class="body">{{ inside|safe }}</div></details>
{% if also.len() > 0 %}<div class="also"><h4>Also of this identity</h4>{% for row in also %}{{ row|safe }}{% endfor %}</div>{% endif %}
</article>
"##
)]
struct Card {
    severity: &'static str,
    title: String,
    meta: String,
    owner: String,
    mark: String,
    picture: String,
    reason: String,
    next: String,
    inside: String,
    also: Vec<String>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<details class="item row" data-severity="{{ severity }}"><summary><span class="badge {{ severity }}">{{ severity }}</span><span class="what">{{ title }}{% if chain.len() > 0 %} <span class="soft">{{ chain }}</span>{% endif %}</span><span class="when">{{ note }}</span></summary>
<div class="body"><p class="why"><span class="soft">Why</span> {{ reason }}</p>
{% if next.len() > 0 %}<pre class="command"><code>{{ next }}</code></pre>{% endif %}
{{ inside|safe }}</div></details>
"##
)]
struct Row {
    severity: &'static str,
    title: String,
    chain: String,
    note: String,
    reason: String,
    next: String,
    inside: String,
}

fn inside(finding: &Finding) -> Result<String> {
    let mut facts = vec![
        ("when", show(&period(finding))),
        ("state", format!("{}: {}", finding.state.as_str(), show(&age(finding)))),
        ("detection", format!("{}, {:.1} bits", show(&finding.detection), finding.score)),
    ];
    let mut fact = |name, text: &str| {
        if !text.is_empty() {
            facts.push((name, show(text)));
        }
    };
    fact("ATT&CK", &finding.attack.join(", "));
    fact("hidden by", finding.suppressed_by.as_deref().unwrap_or_default());
    fact("fingerprint", &finding.fingerprint);
    let list = |(name, list): (&'static str, &[String])| {
        let more = list.len().saturating_sub(VALUES);
        let more = if more > 0 { format!("and {more} more") } else { String::new() };
        (name, list.iter().take(VALUES).map(|value| show(value)).collect(), more)
    };
    let lists = lists(finding).into_iter().map(list).collect();
    let event = |e: &crate::detect::finding::Evidence| (show(&e.event_date), show(&e.account), show(&e.event_id));
    written(&Inside { facts, lists, events: finding.evidence.iter().map(event).collect() })
}

/// An identity that somebody has to act on: its gravest finding, and the others below it.
pub fn card(acted: &Act<'_>) -> Result<String> {
    let finding = acted.first;
    let mark = match (finding.state, finding.late) {
        (State::Worsened, _) => format!("worsened: {}", age(finding)),
        (_, true) => "of an earlier night; its logs came late".to_owned(),
        _ => String::new(),
    };
    let from = if finding.source_ips.is_empty() {
        String::new()
    } else {
        format!(" · from {}", super::some(&finding.source_ips, 3))
    };
    written(&Card {
        severity: finding.severity.as_str(),
        title: show(&finding.title),
        meta: show(&format!("{} · {}{from}", finding.detection, period(finding))),
        owner: show(finding.owner.as_deref().unwrap_or_default()),
        mark: show(&mark),
        picture: charts::chain(&chain(finding), !finding.origin.is_empty()),
        reason: show(&finding.reason),
        next: show(&finding.next),
        inside: inside(finding)?,
        also: acted.others.iter().map(|other| row(other)).collect::<Result<_>>()?,
    })
}

/// A finding that can wait.
pub fn row(finding: &Finding) -> Result<String> {
    let note = match finding.state {
        State::Ongoing => age(finding),
        State::Suppressed => finding.suppressed_by.clone().unwrap_or_default(),
        State::Resolved => format!("last seen {}", finding.last_seen),
        State::Worsened => format!("{}; worsened: {}", finding.detection, age(finding)),
        State::New => finding.detection.clone(),
    };
    written(&Row {
        severity: finding.severity.as_str(),
        title: show(&finding.title),
        chain: show(&chain(finding).join(" ▸ ")),
        note: show(&note),
        reason: show(&finding.reason),
        next: show(&finding.next),
        inside: inside(finding)?,
    })
}

fn written(template: &impl Template) -> Result<String> {
    template.render().map_err(|e| Error::internal("the report page could not be written").source(e))
}
