//! Answers that are longer or wider than the screen go through a pager, as far as there is one.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use unicode_width::UnicodeWidthStr;

/// Pagers that scroll sideways, by the names of their programs.
const SIDEWAYS: [&str; 6] = ["less", "most", "moar", "moor", "ov", "pspg"];

/// A program that shows text a screen at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pager {
    /// For `sh -c`.
    command: String,
    /// Whether it can show lines that are wider than the screen.
    pub sideways: bool,
}

impl Pager {
    /// What `$PAGER` names, else `less -S`, else `more`, if it is there. An empty `$PAGER` and `cat` mean none.
    pub fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let there = |program: &str| {
            program.contains('/') || std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        };
        Self::choose(std::env::var("PAGER").ok().as_deref(), there)
    }

    fn choose(asked: Option<&str>, there: impl Fn(&str) -> bool) -> Option<Self> {
        let wanted: &[&str] = match &asked {
            Some(command) => &[command],
            None => &["less", "more"],
        };
        wanted.iter().find_map(|command| {
            let program = command.split_whitespace().next().filter(|program| *program != "cat" && there(program))?;
            let name = program.rsplit('/').next().unwrap_or(program);
            // Less is to cut long lines, not to break them, and to stay where a few lines are too wide.
            let command = if name == "less" { format!("{command} -S -+F") } else { (*command).to_owned() };
            Some(Self { command, sideways: SIDEWAYS.contains(&name) })
        })
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = Command::new("sh");
        command.args(["-c", &self.command]).stdin(Stdio::piped());
        command.spawn()
    }
}

/// The pager that an answer opened, if it did.
#[derive(Debug, Clone, Default)]
pub struct Opened(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
struct Slot {
    child: Option<Child>,
    since: Option<Instant>,
    /// Nobody waits for a pager any more: none may start.
    closed: bool,
}

impl Opened {
    fn slot<T>(&self, work: impl FnOnce(&mut Slot) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn open(&self, pager: &Pager) -> Option<ChildStdin> {
        self.slot(|slot| {
            let mut child = if slot.closed { None } else { pager.start().ok() }?;
            let pipe = child.stdin.take();
            slot.since = Some(Instant::now());
            slot.child = Some(child);
            pipe
        })
    }

    /// Waits until the reader has left the pager, and says when it was opened.
    pub fn wait(&self) -> Option<Instant> {
        let (child, since) = self.slot(|slot| {
            slot.closed = true;
            (slot.child.take(), slot.since)
        });
        if let Some(mut child) = child {
            _ = child.wait();
        }
        since
    }
}

/// Text that is held back until it is known whether it fits on the screen.
pub struct Paged<W> {
    plain: W,
    pager: Pager,
    opened: Opened,
    columns: usize,
    lines: usize,
    held: Vec<u8>,
    /// Where the line begins that is not finished.
    line_start: usize,
    lines_held: usize,
    state: State,
}

enum State {
    Holding,
    Paging(ChildStdin),
    Plain,
}

impl<W: Write> Paged<W> {
    /// Writes to `plain` what fits on a screen of so many columns and lines, everything else to the pager.
    pub fn new(plain: W, pager: Pager, opened: Opened, (columns, lines): (usize, usize)) -> Self {
        let (held, state) = (Vec::new(), State::Holding);
        Self { plain, pager, opened, columns, lines, held, line_start: 0, lines_held: 0, state }
    }

    /// Whether what is held is more than the screen shows above the next prompt.
    fn overflows(&mut self) -> bool {
        while let Some(end) = self.held[self.line_start..].iter().position(|byte| *byte == b'\n') {
            let line = &self.held[self.line_start..self.line_start + end];
            let wide = String::from_utf8_lossy(line).width() > self.columns;
            self.line_start += end + 1;
            self.lines_held += 1;
            if wide || self.lines_held + 1 >= self.lines {
                return true;
            }
        }
        false
    }

    fn release(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        match &mut self.state {
            State::Paging(pipe) => pipe.write_all(&held),
            State::Holding | State::Plain => self.plain.write_all(&held),
        }
    }
}

impl<W: Write> Write for Paged<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Paging(pipe) => return pipe.write(bytes),
            State::Plain => return self.plain.write(bytes),
            State::Holding => self.held.extend_from_slice(bytes),
        }
        if self.overflows() {
            self.state = match self.opened.open(&self.pager) {
                Some(pipe) => State::Paging(pipe),
                None => State::Plain,
            };
            self.release()?;
        }
        Ok(bytes.len())
    }

    /// Every answer is flushed once, at its end: what is held by then fits.
    fn flush(&mut self) -> io::Result<()> {
        self.release()?;
        match &mut self.state {
            State::Paging(pipe) => pipe.flush(),
            State::Holding | State::Plain => {
                self.state = State::Plain;
                self.plain.flush()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_pager_else_less_else_more() {
        let choose = |asked, there: &[&str]| Pager::choose(asked, |program| there.contains(&program));
        let pager = |command: &str, sideways| Some(Pager { command: command.to_owned(), sideways });
        assert_eq!(choose(None, &["less", "more"]), pager("less -S -+F", true));
        assert_eq!(choose(None, &["more"]), pager("more", false));
        assert_eq!(choose(None, &[]), None);
        assert_eq!(choose(Some("/usr/bin/less -R"), &["/usr/bin/less"]), pager("/usr/bin/less -R -S -+F", true));
        assert_eq!(choose(Some("most -s"), &["most", "less"]), pager("most -s", true));
        for none in ["", " ", "cat", "not-there"] {
            assert_eq!(choose(Some(none), &["less", "cat"]), None, "{none}");
        }
    }

    fn shown(text: &str, command: &str) -> (String, bool) {
        let pager = Pager { command: command.to_owned(), sideways: false };
        let opened = Opened::default();
        let mut plain = Vec::new();
        let mut paged = Paged::new(&mut plain, pager, opened.clone(), (10, 4));
        for part in text.split_inclusive('b') {
            _ = paged.write_all(part.as_bytes());
        }
        _ = paged.flush();
        drop(paged);
        let paged = opened.wait().is_some();
        (String::from_utf8(plain).unwrap(), paged)
    }

    #[test]
    fn what_fits_is_shown_and_the_rest_is_paged() {
        let nowhere = "cat > /dev/null";
        for fits in ["", "a\n", "a\nb\n", "0123456789\n", "日本日本日\n"] {
            assert_eq!(shown(fits, nowhere), (fits.to_owned(), false), "{fits}");
        }
        for more in ["a\nb\nc\n", "0123456789a\n", "日本日本日本\n"] {
            assert_eq!(shown(more, nowhere), (String::new(), true), "{more}");
        }
        // A pager that leaves at once is a reader that went away.
        assert_eq!(shown(&"ab\n".repeat(100_000), "true"), (String::new(), true));
    }

    #[test]
    fn a_pager_gets_every_byte() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("all");
        let text = "line b\n".repeat(10_000);
        shown(&text, &format!("cat > '{}'", file.display()));
        assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    }
}
