//! Small pictures as SVG within the page. Places are given in percent of the width, so that letters keep their size on a phone; colours come from
//! the page's style by class, for its content policy lets no style stand in an element.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::detect::night::{CoverageHour, Hour, Relation};
use crate::escape::visible;
use crate::sts::arn;
use crate::words::number::{counted, grouped};

use super::super::parts::relation;

/// Accounts in the heat-map: those with gaps first.
const ACCOUNTS: usize = 30;
/// Edges in the picture of new ones.
const EDGES: usize = 16;
/// Letters of a name in a picture; the whole stands in its tooltip.
const LETTERS: usize = 30;

/// Text inside an element or an attribute.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The two ends of a name that is too long: both say more than its middle.
fn short(text: &str) -> String {
    let letters: Vec<char> = visible(text).chars().collect();
    if letters.len() <= LETTERS {
        return letters.into_iter().collect();
    }
    let (head, tail) = (LETTERS / 2, LETTERS - LETTERS / 2 - 1);
    letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect()
}

/// The hour of the day of a time.
fn clock(time: &str) -> &str {
    time.split_once('T').and_then(|(_, clock)| clock.get(..2)).unwrap_or("")
}

/// Sessions per hour as bars, the usual number as a line over each, refusals as the bar's red foot.
pub fn hours(hours: &[Hour]) -> String {
    const HEIGHT: f64 = 120.0;
    if hours.is_empty() {
        return "<p class=\"none\">No sessions.</p>".to_owned();
    }
    let usual = |hour: &Hour| hour.usual.filter(|usual| usual.is_finite()).unwrap_or(0.0).max(0.0);
    let tall = |hour: &Hour| (hour.sessions.max(hour.failures) as f64).max(usual(hour));
    let most = hours.iter().map(tall).fold(1.0, f64::max);
    let step = 100.0 / hours.len() as f64;
    let high = |value: f64| value / most * HEIGHT;
    let words = "sessions an hour, with what is usual and what was refused";
    let mut out = format!("<svg class=\"chart\" height=\"{}\" role=\"img\" aria-label=\"{words}\">", HEIGHT + 38.0);
    _ = write!(out, "<text class=\"soft\" x=\"0\" y=\"11\">{}</text>", grouped(most.ceil() as u64));
    _ = write!(out, "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{0}\" y2=\"{0}\"/>", HEIGHT + 16.5);
    let every = hours.len().div_ceil(8).max(1);
    for (at, hour) in hours.iter().enumerate() {
        let x = at as f64 * step;
        let bar = |class: &str, value: f64| {
            let (y, height) = (HEIGHT + 16.0 - high(value), high(value));
            let (x, width) = (x + step * 0.14, step * 0.72);
            format!("<rect class=\"{class}\" x=\"{x:.2}%\" y=\"{y:.1}\" width=\"{width:.2}%\" height=\"{height:.1}\"/>")
        };
        let beside = hour.usual.map(|usual| format!(", usually {usual:.1}")).unwrap_or_default();
        let refused = if hour.failures > 0 { format!(", {} refused", grouped(hour.failures)) } else { String::new() };
        let said = format!("{}: {}{beside}{refused}", hour.hour, counted(hour.sessions, "session"));
        _ = write!(out, "<g><title>{}</title>{}", xml(&said), bar("bar", hour.sessions as f64));
        if hour.failures > 0 {
            out.push_str(&bar("refused", hour.failures as f64));
        }
        if hour.usual.is_some() {
            let y = HEIGHT + 16.0 - high(usual(hour));
            let (from, to) = (x + step * 0.04, x + step * 0.96);
            _ = write!(out, "<line class=\"usual\" x1=\"{from:.2}%\" x2=\"{to:.2}%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>");
        }
        out.push_str("</g>");
        if at % every == 0 {
            let y = HEIGHT + 31.0;
            _ = write!(out, "<text class=\"soft\" x=\"{x:.2}%\" y=\"{y}\">{}</text>", xml(clock(&hour.hour)));
        }
    }
    out.push_str("</svg><p class=\"key\"><span class=\"k bar\"></span>sessions <span class=\"k usual\"></span>usual <span class=\"k refused\"></span>refused</p>");
    out
}

/// Accounts by hours: the darker the more events for this account; gaps are crossed.
pub fn coverage(cells: &[CoverageHour]) -> String {
    const LINE: f64 = 18.0;
    if cells.is_empty() {
        return "<p class=\"none\">No events.</p>".to_owned();
    }
    let hours: BTreeSet<&str> = cells.iter().map(|cell| cell.hour.as_str()).collect();
    let mut accounts: BTreeMap<&str, Vec<&CoverageHour>> = BTreeMap::new();
    cells.iter().for_each(|cell| accounts.entry(&cell.account).or_default().push(cell));
    let mut order: Vec<_> = accounts.into_iter().collect();
    order.sort_by_key(|(account, cells)| (!cells.iter().any(|cell| cell.gap), *account));
    let left_out = order.len().saturating_sub(ACCOUNTS);
    order.truncate(ACCOUNTS);
    let places: BTreeMap<&str, usize> = hours.iter().enumerate().map(|(at, hour)| (*hour, at)).collect();
    // The names stand left of the cells, in a fixed share of the width.
    let (names, step) = (27.0, 73.0 / hours.len() as f64);
    let height = order.len() as f64 * LINE + 18.0;
    let mut out =
        format!("<svg class=\"chart\" height=\"{height}\" role=\"img\" aria-label=\"events by account and hour\">");
    for (line, (account, cells)) in order.iter().enumerate() {
        let y = line as f64 * LINE;
        let most = cells.iter().map(|cell| cell.events).max().unwrap_or(0).max(1);
        _ = write!(out, "<text x=\"0\" y=\"{}\">{}</text>", y + 13.0, xml(&short(account)));
        for cell in cells {
            let Some(at) = places.get(cell.hour.as_str()) else { continue };
            let x = names + *at as f64 * step;
            // Five shades: the logarithm, for a quiet hour is not an empty one.
            let shade = ((cell.events as f64 + 1.0).ln() / (most as f64 + 1.0).ln() * 5.0).ceil().clamp(0.0, 5.0);
            let class = if cell.gap { "gap".to_owned() } else { format!("h{shade:.0}") };
            let gap = if cell.gap { ", missing" } else { "" };
            let said = format!("{account} {}: {}{gap}", cell.hour, counted(cell.events, "event"));
            let (width, tall) = (step * 0.9, LINE - 3.0);
            _ = write!(
                out,
                "<g><title>{}</title><rect class=\"{class}\" x=\"{x:.2}%\" y=\"{y}\" width=\"{width:.2}%\" height=\"{tall}\"/>",
                xml(&said)
            );
            if cell.gap {
                let (to, low) = (x + width, y + tall);
                _ = write!(out, "<line class=\"cross\" x1=\"{x:.2}%\" x2=\"{to:.2}%\" y1=\"{y}\" y2=\"{low}\"/>");
            }
            out.push_str("</g>");
        }
    }
    let every = hours.len().div_ceil(8).max(1);
    for (at, hour) in hours.iter().enumerate().filter(|(at, _)| at % every == 0) {
        let (x, y) = (names + at as f64 * step, height - 4.0);
        _ = write!(out, "<text class=\"soft\" x=\"{x:.2}%\" y=\"{y}\">{}</text>", xml(clock(hour)));
    }
    out.push_str("</svg><p class=\"key\"><span class=\"k h2\"></span>few <span class=\"k h5\"></span>many events <span class=\"k gap\"></span>missing</p>");
    if left_out > 0 {
        _ = write!(out, "<p class=\"more\">{} without gaps are not drawn.</p>", counted(left_out as u64, "account"));
    }
    out
}

/// Bits a night, the oldest first.
pub fn sparkline(nights: &[f64]) -> String {
    let most = nights.iter().copied().filter(|bits| bits.is_finite()).fold(1.0, f64::max);
    let said = nights.iter().map(|bits| format!("{bits:.0}")).collect::<Vec<_>>().join(" ");
    let width = nights.len() * 9;
    let mut out = format!(
        "<svg class=\"spark\" width=\"{width}\" height=\"22\" role=\"img\" aria-label=\"{said}\"><title>{said}</title>"
    );
    for (at, bits) in nights.iter().enumerate() {
        let height = (bits.clamp(0.0, most) / most * 21.0).max(1.0);
        let (x, y) = (at * 9, 22.0 - height);
        let class = if at + 1 == nights.len() { "now" } else { "then" };
        _ = write!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"{y:.1}\" width=\"7\" height=\"{height:.1}\"/>");
    }
    out.push_str("</svg>");
    out
}

/// A box with a name in it.
fn named(x: f64, y: f64, width: f64, class: &str, text: &str, out: &mut String) {
    let round = if class == "origin" { 14 } else { 5 };
    let (middle, line) = (x + width / 2.0, y + 18.5);
    _ = write!(
        out,
        "<g><title>{}</title><rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"28\" rx=\"{round}\"/>\
         <text x=\"{middle}\" y=\"{line}\" text-anchor=\"middle\">{}</text></g>",
        xml(text),
        xml(&short(text))
    );
}

/// Wide enough for the letters of a name.
fn wide(text: &str) -> f64 {
    let letters = short(text).chars().map(|c| if c.is_ascii() { 1.0 } else { 1.9 }).sum::<f64>();
    (letters * 7.1 + 26.0).max(60.0)
}

/// The chain of one finding: the origin, then the roles, each with the arrow that leads to it.
pub fn chain(names: &[String], with_origin: bool) -> String {
    if names.is_empty() {
        return String::new();
    }
    let total = names.iter().map(|name| wide(name)).sum::<f64>() + (names.len() - 1) as f64 * 34.0 + 2.0;
    let words = xml(&names.join(" ▸ "));
    let mut out =
        format!("<svg class=\"graph\" width=\"{total:.0}\" height=\"32\" role=\"img\" aria-label=\"{words}\">");
    let mut x = 1.0;
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            let tip = x + 32.0;
            _ = write!(
                out,
                "<path class=\"edge\" d=\"M{} 16H{}\"/><path class=\"tip\" d=\"M{tip} 16l-7 -4.5v9z\"/>",
                x + 2.0,
                tip - 5.0
            );
            x += 34.0;
        }
        let class = match at {
            0 if with_origin => "origin",
            _ if at + 1 == names.len() => "last",
            _ => "role",
        };
        let width = wide(name);
        named(x, 2.0, width, class, name, &mut out);
        x += width;
    }
    out.push_str("</svg>");
    out
}

/// New edges: who stands left, the role or account that is new to them right.
pub fn edges(relations: &[Relation]) -> String {
    let new: Vec<&Relation> = relations.iter().filter(|one| one.kind.starts_with("new_")).collect();
    if new.is_empty() {
        return String::new();
    }
    let drawn = &new[..new.len().min(EDGES)];
    let mut from: Vec<&str> = Vec::new();
    let mut to: Vec<&str> = Vec::new();
    for one in drawn {
        for (list, name) in [(&mut from, one.from.as_str()), (&mut to, one.to.as_str())] {
            if !list.contains(&name) {
                list.push(name);
            }
        }
    }
    let widest = |list: &[&str]| list.iter().map(|name| wide(&arn::short(name))).fold(0.0, f64::max);
    let (left, right) = (widest(&from), widest(&to));
    let gap = 150.0;
    let (total, lines) = (left + gap + right + 4.0, from.len().max(to.len()) as f64);
    let height = lines * 36.0;
    let mut out = format!(
        "<svg class=\"graph\" width=\"{total:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"new edges\">"
    );
    // The shorter column stands in the middle of the longer one.
    let top = |at: usize, list: &[&str]| (at as f64 + (lines - list.len() as f64) / 2.0) * 36.0 + 3.0;
    let place = |list: &[&str], name: &str| list.iter().position(|one| *one == name).unwrap_or(0);
    for one in drawn {
        let (y1, y2) = (top(place(&from, &one.from), &from) + 14.0, top(place(&to, &one.to), &to) + 14.0);
        let (x1, x2) = (left + 3.0, left + gap - 6.0);
        let (bend, back) = (x1 + gap * 0.45, x2 - gap * 0.45);
        let class = if one.kind == "new_edge" { "edge" } else { "edge outside" };
        let said = format!("{}: {} ▸ {}, {}", relation(&one.kind), one.from, one.to, counted(one.count, "time"));
        _ = write!(
            out,
            "<g><title>{}</title><path class=\"{class}\" d=\"M{x1:.1} {y1:.1}C{bend:.1} {y1:.1} {back:.1} {y2:.1} {x2:.1} {y2:.1}\"/>\
             <path class=\"tip\" d=\"M{:.1} {y2:.1}l-7 -4.5v9z\"/></g>",
            xml(&said),
            x2 + 5.0
        );
    }
    for (at, name) in from.iter().enumerate() {
        named(1.0, top(at, &from), left, "origin", &arn::short(name), &mut out);
    }
    for (at, name) in to.iter().enumerate() {
        named(left + gap + 1.0, top(at, &to), right, "role", &arn::short(name), &mut out);
    }
    out.push_str("</svg>");
    if new.len() > drawn.len() {
        _ = write!(out, "<p class=\"more\">{} more in the table.</p>", grouped((new.len() - drawn.len()) as u64));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_keep_both_ends() {
        assert_eq!(xml("<a href='x'>\"&\u{202e}"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;\\u{202e}");
        assert_eq!(short("short"), "short");
        assert_eq!(short("0123456789abcdefghijklmnopqrstuvwxyz"), "0123456789abcde…mnopqrstuvwxyz");
    }

    #[test]
    fn numbers_that_are_none_draw_nothing_strange() {
        let hour = |usual| Hour { hour: "2026-11-07T03:00:00Z".to_owned(), sessions: 0, usual, failures: 0 };
        for usual in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
            let drawn = hours(&[hour(usual)]);
            assert!(!drawn.contains("NaN%") && !drawn.contains("y=\"NaN") && !drawn.contains("y=\"inf"), "{drawn}");
        }
        assert!(!sparkline(&[f64::NAN, 3.0]).contains("height=\"NaN"));
        assert!(sparkline(&[]).contains("<svg"));
    }
}
