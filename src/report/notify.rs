//! Tells a report to whom `[[notify]]` names: a message goes to a command's standard input. What it does with it, and with which secret, is its own.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::parts::within;
use super::{Format, Options, render};
use crate::config::notify::{Notify, On, Payload, Stand};
use crate::detect::finding::{Finding, Severity, State};
use crate::detect::night::Night;
use crate::error::{Error, Result};

/// How long a command may take where the configuration does not say.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Between two looks at a command that runs.
const PAUSE: Duration = Duration::from_millis(20);

/// What a route is told of a night; none where nothing of it is for this route.
///
/// # Errors
/// The message cannot be written.
pub fn message(route: &Notify, night: &Night, options: &Options) -> Result<Option<String>> {
    let told = |finding: &&Finding| severity(route, finding) && stands(route, finding) && owned(route, finding);
    let findings: Vec<Finding> = night.findings.iter().filter(told).cloned().collect();
    let gap = route.on.contains(&On::Gap) && !night.header.gaps.is_empty();
    if findings.is_empty() && !gap && !route.on.contains(&On::Always) {
        return Ok(None);
    }
    // A route that asks for some findings is told of these alone.
    let mut part = night.clone();
    part.findings = findings;
    part.sigma.retain(|finding| told(&finding));
    let text = match route.format {
        Payload::Slack => render(&part, Format::Slack, options)?,
        Payload::Markdown => render(&part, Format::Markdown, options)?,
        Payload::Json => {
            let (told, beyond) = within(&part.findings, options.budget);
            let message = json!({"header": part.header, "findings": told, "beyond_quota": beyond.len()});
            super::escape::json(&message.to_string()) + "\n"
        }
    };
    Ok(Some(text))
}

/// What a route is told of a run that failed; none where that is not for it.
pub fn failure(route: &Notify, night: &str, words: &str) -> Option<String> {
    let text = format!("The report on the night of {night} failed: {words}");
    route.on.contains(&On::Failed).then(|| match route.format {
        Payload::Slack => super::escape::json(&json!({"text": super::escape::slack(&text)}).to_string()) + "\n",
        Payload::Markdown => format!("# Report failed\n\n{}\n", super::escape::markdown(&text)),
        Payload::Json => super::escape::json(&json!({"night": night, "failed": words}).to_string()) + "\n",
    })
}

fn severity(route: &Notify, finding: &Finding) -> bool {
    route.on.iter().any(|on| match on {
        On::Critical => finding.severity == Severity::Critical,
        On::High => finding.severity == Severity::High,
        On::Medium => finding.severity == Severity::Medium,
        On::Low => finding.severity == Severity::Low,
        On::Info => finding.severity == Severity::Info,
        On::Always => true,
        On::Failed | On::Gap => false,
    })
}

fn stands(route: &Notify, finding: &Finding) -> bool {
    let stand = match finding.state {
        State::New => Stand::New,
        State::Ongoing => Stand::Ongoing,
        State::Worsened => Stand::Worsened,
        State::Resolved => Stand::Resolved,
        State::Suppressed => return false,
    };
    let usual: &[Stand] = &[Stand::New, Stand::Worsened];
    if route.states.is_empty() { usual.contains(&stand) } else { route.states.contains(&stand) }
}

fn owned(route: &Notify, finding: &Finding) -> bool {
    route.owners.is_empty() || finding.owner.as_ref().is_some_and(|owner| route.owners.contains(owner))
}

/// Runs the route's command with the message at its standard input. Blocks until it ends or its time is over.
///
/// # Errors
/// The command cannot be run, takes too long or fails.
pub fn send(route: &Notify, message: &str) -> Result<()> {
    let failed = |what: String| Error::input(what).context("notify", route.name.clone());
    let (program, arguments) =
        route.command.split_first().ok_or_else(|| failed("the route has no command".to_owned()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(format!("{program} cannot be run")).source(e))?;
    let timeout = route.timeout.and_then(|t| u64::try_from(t).ok()).map_or(TIMEOUT, Duration::from_micros);
    let end = Instant::now() + timeout;
    // A command that reads nothing must not hold us: the pipe is written beside the waiting.
    let pipe = child.stdin.take();
    let text = message.to_owned();
    let writing = std::thread::spawn(move || pipe.map_or(Ok(()), |mut pipe| pipe.write_all(text.as_bytes())));
    let status = waited(&mut child, end).map_err(|e| failed(format!("{program} cannot be waited for")).source(e))?;
    match status {
        None => Err(failed(format!("{program} took longer than {} s and was ended", timeout.as_secs()))),
        Some(status) if !status.success() => Err(failed(format!("{program} failed: {status}"))),
        // That a command succeeds without reading to the end is its own affair.
        Some(_) => {
            drop(writing);
            Ok(())
        }
    }
}

fn waited(child: &mut Child, end: Instant) -> std::io::Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(command: &[&str], timeout: i64) -> Notify {
        Notify {
            name: "x".to_owned(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            on: vec![On::Failed],
            states: Vec::new(),
            owners: Vec::new(),
            format: Payload::Markdown,
            timeout: Some(timeout),
        }
    }

    #[test]
    fn a_command_is_given_the_message_and_limited_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told").display().to_string();
        send(&route(&["tee", &file], 10_000_000), "night\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "night\n");
        let long = "x".repeat(1 << 20);
        send(&route(&["true"], 10_000_000), &long).unwrap();
        for (command, words) in [("false", "failed"), ("no-such-program", "cannot be run")] {
            assert!(send(&route(&[command], 10_000_000), "m").unwrap_err().to_string().contains(words));
        }
        let slow = send(&route(&["sleep", "60"], 100_000), &long).unwrap_err();
        assert!(slow.to_string().contains("took longer"), "{slow}");
    }

    #[test]
    fn a_failed_run_is_a_route_of_its_own() {
        let mut one = route(&["true"], 1);
        assert!(failure(&one, "2026-11-18", "no *lake*").unwrap().contains("no \\*lake\\*"));
        one.on = vec![On::Critical];
        assert_eq!(failure(&one, "2026-11-18", "no lake"), None);
    }
}
