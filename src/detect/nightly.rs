//! A night's report, from the lake to [`Night`]: baselines brought up to date, the night set against them, detections asked,
//! signals added up, earlier nights remembered, and all of it kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::assemble::{self, Draft, date, instant, micros};
use super::baseline::{self, WINDOW};
use super::catalogue::{self, Detection, Footing};
use super::finding::{Finding, Severity, State};
use super::history::History;
use super::inputs::Missing;
use super::learning::Learners;
use super::night::{Header, Muted, Night, RuleHealth, Watched};
use super::night_tables::{self, Span, parameters};
use super::people::People;
use super::{allow, combine, hit, sections, sigma, stored};
use crate::config::Config;
use crate::config::allow::AllowList;
use crate::error::Result;
use crate::lake::store::Lake;
use crate::source::Filters;
use crate::sql::session::Engine;
use crate::sql::setup::Setup;
use crate::words::pattern::like;

/// Nights before this one that are looked at again for events that came late.
const LATE: i32 = 3;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The time that is looked at.
    pub span: Span,
    /// Only these detections; all where none is named.
    pub detections: Vec<String>,
    /// A folder of detections in the place of the built-in ones.
    pub folder: Option<PathBuf>,
    /// Sigma rules that are asked as well.
    pub sigma: Vec<sigma::Rule>,
    /// Whether the findings are kept in the lake.
    pub keep: bool,
    /// Whether every row of every detection is a finding as it is: no roll-up, learning, allow-list or history. For measuring what these do.
    pub raw: bool,
}

/// What goes with every night of a run.
struct Run<'a> {
    config: &'a Config,
    setup: Setup,
    detections: Vec<Detection>,
    raw: bool,
}

impl<'a> Run<'a> {
    fn of(config: &'a Config, request: &Request) -> Result<Self> {
        let off = |id: &str| config.report.detections.iter().any(|d| d.off && d.id.eq_ignore_ascii_case(id));
        let named = |d: &Detection| {
            request.detections.is_empty() && !off(&d.id)
                || request.detections.iter().any(|id| id.eq_ignore_ascii_case(&d.id) || *id == d.query.name)
        };
        let mut detections = catalogue::detections(request.folder.as_deref())?;
        detections.retain(|d| named(d));
        if !request.span.is_day() {
            // A few hours say nothing against baselines of days.
            detections.retain(|d| d.footing != Footing::History);
        }
        Ok(Self { config, setup: Setup::of(config)?, detections, raw: request.raw })
    }
}

/// Makes the report.
///
/// A detection that fails is told of in [`RuleHealth::failed`]; the others go on.
///
/// # Errors
/// The lake cannot be read or written.
pub async fn report(lake: &mut Lake, config: &Config, request: &Request) -> Result<Night> {
    let run = Run::of(config, request)?;
    let list = allow_list(config)?;
    let span = request.span;
    let night = span.night();
    let upto = if span.is_day() { night } else { night - 1 };
    baseline::bring_up_to_date(lake, &run.setup, upto).await?;
    let past = Engine::over_span(lake, &Filters::default(), run.setup.clone(), Some((0, 0))).await?;
    let reported = stored::nights(&past).await?;
    let nights: Vec<i32> = reported.keys().copied().collect();
    let earlier = stored::findings(&past, night - WINDOW, night).await?;
    let verdicts = stored::verdicts(&past).await?;
    let history = History::of(earlier.clone(), verdicts.clone(), &nights, night);

    let engine = night_tables::open(lake, &run.setup, span, &history.untaught()).await?;
    let mut failed = Failed::new();
    let (mut findings, learners) = found(&run, &engine, span, &mut failed).await?;
    // Nights whose days have changed since they were reported.
    let days = baseline::events_by_day(lake)?;
    for before in (night - LATE..night).filter(|_| span.is_day()) {
        if reported.get(&before).is_some_and(|events| days.get(&before) != Some(events)) {
            let told = History::of(earlier.clone(), verdicts.clone(), &nights, before);
            let again = night_tables::open(lake, &run.setup, Span::day(before), &told.untaught()).await?;
            // What a report since then has told is not told again.
            let known: BTreeSet<&String> = earlier
                .iter()
                .filter(|f| f.night >= date(before) && f.state != State::Resolved)
                .map(|f| &f.fingerprint)
                .collect();
            let here: BTreeSet<String> = findings.iter().map(|f| f.fingerprint.clone()).collect();
            for mut finding in found(&run, &again, Span::day(before), &mut failed).await?.0 {
                if !known.contains(&finding.fingerprint) && !here.contains(&finding.fingerprint) {
                    finding.late = true;
                    finding.night = date(night);
                    findings.push(finding);
                }
            }
        }
    }
    let (sigma, mut asked) = sigma_findings(&engine, request).await?;
    let rules: BTreeSet<String> = request.sigma.iter().map(|rule| rule.id.clone()).collect();
    findings.extend(sigma);
    // What nobody could look for is not gone.
    asked.extend(run.detections.iter().map(|d| d.id.clone()).filter(|id| !failed.contains_key(id)));
    if !span.is_day() {
        // A few hours do not say that something is over.
        asked.clear();
    }
    let mut muted = Vec::new();
    if !run.raw {
        let longer = since_begun(list.as_ref(), &past, night).await?;
        muted = allowed(list.as_ref(), &mut findings, longer.as_ref().unwrap_or(&earlier), night);
        history.judge(&mut findings, night, &asked);
        planned(config, &mut findings);
    }
    settle(config, &mut findings);
    let looked = sections::looked(&engine, span).await?;
    let missing = Missing::of(&engine, config).await?;
    let (coverage, gaps) = sections::coverage(&engine, span).await?;
    let version = catalogue::version(&run.detections);
    if request.keep && span.is_day() {
        let events = days.get(&night).copied().unwrap_or(0);
        stored::keep(lake, night, &findings, events, &version).await?;
    }
    let mut relations = sections::relations(&engine, span).await?;
    for relation in &mut relations {
        let account = crate::sts::arn::account(&relation.to).unwrap_or(&relation.to);
        relation.owner = owner(config, account);
    }
    let (sigma, findings): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|f| rules.contains(&f.detection));
    Ok(Night {
        header: Header {
            night: date(night),
            since: instant(span.from),
            until: instant(span.until),
            accounts: looked.accounts,
            regions: looked.regions,
            files: looked.files,
            events: looked.events,
            sessions: looked.sessions,
            lag_seconds: looked.lag_seconds,
            history_days: looked.history_days,
            learning_share: looked.learning_share,
            gaps,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules: version,
        },
        watch: watched(&findings, history.earlier().filter(|f| !rules.contains(&f.detection)), night),
        rules: health(&run.detections, &findings, &history, (&missing, looked.history_days), &failed, night),
        findings,
        relations,
        learning: learners.rows(&engine, span).await?,
        hygiene: sections::hygiene(&engine, span).await?,
        muted,
        hours: sections::hours(&engine, span).await?,
        coverage,
        sigma,
    })
}

/// The findings of each of some nights, as they would have been, and the detections that failed: nothing is kept.
///
/// # Errors
/// The lake cannot be read.
pub async fn backtest(
    lake: &mut Lake,
    config: &Config,
    request: &Request,
    nights: i32,
) -> Result<(Vec<(String, Vec<Finding>)>, Failed)> {
    let run = Run::of(config, request)?;
    let list = allow_list(config)?;
    let last = request.span.night();
    baseline::bring_up_to_date(lake, &run.setup, last).await?;
    let mut all: Vec<(String, Vec<Finding>)> = Vec::new();
    let mut earlier: Vec<Finding> = Vec::new();
    let mut done: Vec<i32> = Vec::new();
    let mut failed = Failed::new();
    for night in last - nights + 1..=last {
        let history = History::of(earlier.clone(), Vec::new(), &done, night);
        let engine = night_tables::open(lake, &run.setup, Span::day(night), &history.untaught()).await?;
        let (mut findings, _) = found(&run, &engine, Span::day(night), &mut failed).await?;
        allowed(list.as_ref(), &mut findings, &earlier, night);
        history.judge(&mut findings, night, &run.detections.iter().map(|d| d.id.clone()).collect());
        planned(config, &mut findings);
        settle(config, &mut findings);
        earlier.extend(findings.iter().cloned());
        done.push(night);
        all.push((date(night), findings));
    }
    Ok((all, failed))
}

/// Why a detection failed, by its id.
pub type Failed = BTreeMap<String, String>;

/// Asks every detection, and makes findings of what they answer. One that fails does not take the others with it.
async fn found(run: &Run<'_>, engine: &Engine, span: Span, failed: &mut Failed) -> Result<(Vec<Finding>, Learners)> {
    let facts = assemble::facts(engine).await?;
    let people = People::of(engine).await?;
    let mut learners = Learners::of(engine, span).await?;
    let mut drafts: Vec<Draft> = Vec::new();
    for detection in &run.detections {
        let started = std::time::Instant::now();
        let hits = match asked(engine, detection, span).await {
            Ok(hits) => hits,
            Err(error) => {
                failed.insert(detection.id.clone(), format!("{}: {error}", detection.query.file));
                continue;
            }
        };
        tracing::debug!(id = detection.id, hits = hits.len(), seconds = started.elapsed().as_secs_f64(), "asked");
        drafts.extend(hits.into_iter().map(|hit| assemble::draft(detection, hit, &facts, span)));
    }
    drafts.iter_mut().for_each(|draft| people.say(&mut draft.finding));
    if run.raw {
        return Ok((drafts.into_iter().map(|draft| draft.finding).collect(), learners));
    }
    for draft in &mut drafts {
        let setting = run.config.report.detections.iter().find(|d| d.id.eq_ignore_ascii_case(&draft.finding.detection));
        if let Some(most) = setting.and_then(|d| d.at_most.as_deref()).and_then(Severity::parse) {
            draft.finding.severity = draft.finding.severity.min(most);
        }
        learners.hold(draft);
    }
    let mut drafts = combine::same_cause(unique(drafts));
    combine::add_up(&mut drafts);
    learners.count(&drafts);
    assemble::with_evidence(engine, &mut drafts, span).await?;
    Ok((drafts.into_iter().map(|draft| draft.finding).collect(), learners))
}

/// What one detection answers.
async fn asked(engine: &Engine, detection: &Detection, span: Span) -> Result<Vec<hit::Hit>> {
    let names: Vec<&str> = detection.query.params.iter().map(|p| p.name.as_str()).collect();
    let rows = baseline::ask(engine, &detection.query.sql, parameters(span, &names)).await?;
    hit::read(&detection.query.file, &rows)
}

/// One finding a fingerprint: the gravest stands for all.
fn unique(mut drafts: Vec<Draft>) -> Vec<Draft> {
    drafts.sort_by(|a, b| {
        let (f, g) = (&a.finding, &b.finding);
        f.fingerprint
            .cmp(&g.fingerprint)
            .then(g.severity.cmp(&f.severity))
            .then(g.score.total_cmp(&f.score))
            .then_with(|| f.session_ids.cmp(&g.session_ids))
    });
    let mut kept: Vec<Draft> = Vec::new();
    for draft in drafts {
        match kept.last_mut().filter(|last| last.finding.fingerprint == draft.finding.fingerprint) {
            Some(last) => combine::absorb(last, draft),
            None => kept.push(draft),
        }
    }
    kept
}

/// What Sigma's rules find, and which of them could be asked. A rule that fails is told of and passed over.
async fn sigma_findings(engine: &Engine, request: &Request) -> Result<(Vec<Finding>, BTreeSet<String>)> {
    let (findings, skipped) = sigma::run(engine, &request.sigma, request.span).await?;
    let mut asked: BTreeSet<String> = request.sigma.iter().map(|rule| rule.id.clone()).collect();
    for one in skipped {
        tracing::warn!(rule = one.file, reason = one.reason, "a Sigma rule was passed over");
        asked.remove(&one.file);
    }
    Ok((findings, asked))
}

/// The allow-list, where the configuration names one.
fn allow_list(config: &Config) -> Result<Option<AllowList>> {
    config.report.allow_file.as_deref().map(AllowList::read).transpose()
}

/// Does what the allow-list says.
fn allowed(list: Option<&AllowList>, findings: &mut [Finding], earlier: &[Finding], night: i32) -> Vec<Muted> {
    let Some(list) = list else { return Vec::new() };
    let night = chrono::NaiveDate::from_epoch_days(night).unwrap_or_default();
    allow::apply(list, findings, night, &allow::used(list, earlier))
}

/// The findings of earlier nights that tell what the entries of the allow-list did: those since an entry began that ends with a number of
/// findings, where that is longer ago than what else is looked at.
async fn since_begun(list: Option<&AllowList>, past: &Engine, night: i32) -> Result<Option<Vec<Finding>>> {
    let counting = list.into_iter().flat_map(|list| &list.entries).filter(|entry| entry.until_count.is_some());
    match counting.map(|entry| entry.created.to_epoch_days()).min() {
        Some(begun) if begun < night - WINDOW => Ok(Some(stored::findings(past, begun, night).await?)),
        _ => Ok(None),
    }
}

/// Work that is announced explains what it explains.
fn planned(config: &Config, findings: &mut [Finding]) {
    for finding in findings.iter_mut().filter(|f| f.state != State::Suppressed && f.state != State::Resolved) {
        let (first, last) = (micros(&finding.first_seen), micros(&finding.last_seen));
        let named = finding.principals.iter().chain(&finding.role_arns).chain(&finding.accounts);
        let names: Vec<&String> = named.chain([&finding.origin]).collect();
        let explains = config.planned.iter().find(|work| {
            let begins = work.since.is_none_or(|since| last.is_some_and(|last| last >= since));
            let ends = work.until.is_none_or(|until| first.is_some_and(|first| first < until));
            let about = work.detections.is_empty()
                || work.detections.iter().any(|id| id.eq_ignore_ascii_case(&finding.detection));
            begins && ends && about && work.who.iter().any(|who| names.iter().any(|name| like(who, name)))
        });
        if let Some(work) = explains {
            finding.state = State::Suppressed;
            finding.suppressed_by = Some(format!("planned: {}", work.name));
        }
    }
}

/// Owners, and the order: the gravest first.
fn settle(config: &Config, findings: &mut [Finding]) {
    for finding in findings.iter_mut() {
        finding.owner = finding.accounts.iter().find_map(|account| owner(config, account));
    }
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then(b.score.total_cmp(&a.score))
            .then_with(|| a.detection.cmp(&b.detection))
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
}

fn owner(config: &Config, account: &str) -> Option<String> {
    config.accounts.iter().find(|a| a.id == account).and_then(|a| a.owner.clone())
}

/// Identities by the risk they gathered over seven nights.
fn watched<'a>(findings: &'a [Finding], earlier: impl Iterator<Item = &'a Finding>, night: i32) -> Vec<Watched> {
    let mut all: BTreeMap<&str, (Vec<f64>, BTreeMap<&str, f64>)> = BTreeMap::new();
    let lively = |f: &&Finding| !matches!(f.state, State::Suppressed | State::Resolved) && f.severity > Severity::Info;
    for finding in earlier.chain(findings).filter(lively) {
        let Some(age) = stored::day(&finding.night).map(|n| night - n).filter(|age| (0..7).contains(age)) else {
            continue;
        };
        let (nights, signals) = all.entry(&finding.origin).or_insert_with(|| (vec![0.0; 7], BTreeMap::new()));
        if let Some(bits) = usize::try_from(6 - age).ok().and_then(|place| nights.get_mut(place)) {
            *bits += finding.score.min(super::score::CAP);
        }
        let strongest = signals.entry(&finding.title).or_default();
        *strongest = strongest.max(finding.score);
    }
    let mut watch: Vec<Watched> = all
        .into_iter()
        .map(|(entity, (nights, signals))| Watched {
            entity: entity.to_owned(),
            risk: nights.iter().sum(),
            nights,
            signals: signals.into_keys().map(str::to_owned).collect(),
        })
        .filter(|watched| watched.risk >= 8.0)
        .collect();
    watch.sort_by(|a, b| b.risk.total_cmp(&a.risk).then_with(|| a.entity.cmp(&b.entity)));
    watch.truncate(20);
    watch
}

fn health(
    detections: &[Detection],
    findings: &[Finding],
    history: &History,
    (missing, history_days): (&Missing, u64),
    failed: &Failed,
    night: i32,
) -> Vec<RuleHealth> {
    detections
        .iter()
        .map(|detection| {
            let hits =
                findings.iter().filter(|f| f.detection == detection.id && f.state != State::Resolved).count() as u64;
            let (accepted, dismissed) = history.verdicts_of(&detection.id, night);
            let judged = accepted + dismissed;
            let fired = if hits > 0 { Some(date(night)) } else { history.last_fired(&detection.id) };
            RuleHealth {
                detection: detection.id.clone(),
                title: detection.query.title.clone(),
                severity: detection.severity,
                hits,
                accepted,
                dismissed,
                precision: (judged > 0).then(|| accepted as f64 / judged as f64),
                last_fired: fired,
                silent: missing.words(detection, history_days),
                failed: failed.get(&detection.id).cloned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(like("arn:aws:iam::*:role/Deploy", "arn:aws:iam::1:role/Deploy"));
        assert!(like("*", "anything") && like("Dep*", "Deploy") && like("*loy", "Deploy") && like("a*b*c", "axxbyyc"));
        assert!(!like("Deploy", "Deploy2") && !like("a*b", "abc") && !like("", "x"));
    }
}
