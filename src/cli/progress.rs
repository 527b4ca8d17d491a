//! How far an ingest is: one line that redraws itself on a terminal, a plain line every ten seconds elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;
use crate::ingest::{Phase, Progress};

const EVERY: Duration = Duration::from_secs(10);

/// Shows progress in the way that suits whoever looks.
pub struct Meter {
    console: Console,
    started: Instant,
    bar: Option<ProgressBar>,
    last: Mutex<Instant>,
}

impl Meter {
    /// Nothing is shown where the user wants it quiet.
    pub fn new(console: Console) -> Self {
        let bar = (console.status_is_terminal() && !console.is_quiet()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:20} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self { console, started: now, bar, last: Mutex::new(now) }
    }

    /// Takes the latest numbers.
    pub fn tell(&self, progress: Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes.min(progress.bytes_total));
        }
        self.say(|| line(&progress, self.started.elapsed()));
    }

    /// Says how far the work is, where it is time to.
    pub fn say(&self, text: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text());
        } else if let Ok(mut last) = self.last.lock()
            && last.elapsed() >= EVERY
        {
            *last = Instant::now();
            self.console.status(&text());
        }
    }

    /// Takes the line away, so that the summary stands alone.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `120 of 345 objects, 1,203,444 events, 45.00 MiB, 310,000 events/s, 0:12 left`.
fn line(progress: &Progress, elapsed: Duration) -> String {
    let more = if progress.listed { "" } else { "+" };
    let mut text = format!(
        "{} of {}{more} objects, {} events, {}, {} events/s",
        HumanCount(progress.objects_done),
        HumanCount(progress.objects_total),
        HumanCount(progress.events),
        BinaryBytes(progress.bytes),
        HumanCount(rate(progress.events, elapsed)),
    );
    if progress.phase == Phase::Committing {
        text.push_str(", committing");
    } else if let Some(left) = left(progress, elapsed) {
        text.push_str(&format!(", {}:{:02} left", left / 60, left % 60));
    }
    text
}

fn rate(events: u64, elapsed: Duration) -> u64 {
    let milliseconds = elapsed.as_millis().max(1);
    u64::try_from(u128::from(events) * 1000 / milliseconds).unwrap_or(u64::MAX)
}

/// Seconds left at the present speed; unknown while objects are still being found.
fn left(progress: &Progress, elapsed: Duration) -> Option<u64> {
    if !progress.listed || progress.bytes == 0 {
        return None;
    }
    let rest = u128::from(progress.bytes_total.saturating_sub(progress.bytes));
    u64::try_from(elapsed.as_millis() * rest / u128::from(progress.bytes) / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_it_all() {
        let mut progress = Progress {
            phase: Phase::Reading,
            objects_total: 1345,
            listed: false,
            objects_done: 120,
            objects_known: 3,
            events: 1_203_444,
            bytes: 45 << 20,
            bytes_total: 90 << 20,
        };
        let elapsed = Duration::from_secs(75);
        assert_eq!(line(&progress, elapsed), "120 of 1,345+ objects, 1,203,444 events, 45.00 MiB, 16,045 events/s");
        progress.listed = true;
        assert!(line(&progress, elapsed).ends_with("16,045 events/s, 1:15 left"));
        progress.phase = Phase::Committing;
        assert!(line(&progress, elapsed).ends_with("events/s, committing"));
        assert_eq!(rate(5, Duration::ZERO), 5000);
    }
}
