//! `rolecall shell` in a real terminal (tmux), keys and all, and with statements from standard input.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

/// What a test waits for at most; nothing depends on how long it really takes.
const LONGEST: Duration = Duration::from_secs(120);

/// A shell whose standard input is no terminal.
fn script(arguments: &[&str], statements: &str) -> (i32, String, String) {
    let mut command = Command::new(cargo_bin!("rolecall"));
    command.arg("shell").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env_remove("ROLECALL_LAKE").env_remove("COLUMNS");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = command.spawn().unwrap();
    // A shell that ends early leaves the rest unread.
    _ = program.stdin.take().unwrap().write_all(statements.as_bytes());
    let output = program.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

const LOGS: [&str; 2] = ["--logs", "sample-logs/AWSLogs/o-juniper4rc/210000000001"];

#[test]
fn statements_from_standard_input_run_one_after_another() {
    let (code, out, error) = script(
        &LOGS,
        "SELECT 1 AS one;\nSELECT\n  'a;b' AS two; SELECT 3 AS three;\n\\format csv\nSELECT 4 AS four;\n\\d unlinked\n-- the end\nSELECT 5 AS five",
    );
    assert_eq!((code, error.as_str()), (0, ""));
    let (before, after) = out.split_once("four\n4\n").unwrap();
    assert_eq!(before, "{\"one\":1}\n{\"two\":\"a;b\"}\n{\"three\":3}\n");
    assert!(after.starts_with("column,type,meaning\nevent_id,text,The event.\n"), "{after}");
    assert!(after.ends_with("five\n5\n"), "{after}");
}

#[test]
fn errors_end_their_statement_and_the_worst_code_counts() {
    let (code, out, error) = script(
        &LOGS,
        "SELECT 1 AS n;\nSELECT nme FROM events;\n\\who nobody-of-that-name\n\\nonsense\n\\i no/such/file.sql\nSELECT 2 AS n;\n",
    );
    assert_eq!((code, out.as_str()), (2, "{\"n\":1}\n{\"n\":2}\n"), "{error}");
    for words in [
        "Error: there is no column 'nme'\n  at: standard input, line 2\n",
        "Error: nothing was found for nobody-of-that-name\n  at: standard input, line 3\n",
        "Error: there is no command \\nonsense\n  at: standard input, line 4\n",
        "Error: the file cannot be read\n  file: no/such/file.sql\n  at: standard input, line 5\n",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
    assert_eq!(script(&LOGS, "\\who nobody-of-that-name\n\\i no/such/file.sql\n").0, 1);
    assert_eq!(script(&LOGS, "\\who nobody-of-that-name\nSELECT 1;\n").0, 4);
    // What stands behind \q is not run.
    assert_eq!(script(&LOGS, "\\q\nSELECT nme FROM events;\n"), (0, String::new(), String::new()));
}

#[test]
fn logs_that_cannot_be_read_are_told_once_and_end_with_three_or_four() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().to_str().unwrap();
    let statements = "SELECT count(*) AS n FROM events;\nSELECT count(*) AS n FROM events;\n";
    let (code, out, error) = script(&["--logs", folder], statements);
    assert_eq!((code, out.as_str()), (4, "{\"n\":0}\n{\"n\":0}\n"), "{error}");
    assert_eq!(error.matches("no CloudTrail records").count(), 1, "{error}");
    std::fs::write(place.path().join("a.json"), r#"{"Records":[{"eventID":"2"}]}"#).unwrap();
    let (code, _, error) = script(&["--logs", folder], statements);
    assert_eq!((code, error.matches("a.json").count()), (3, 1), "{error}");
    let (code, out, error) = script(&["--logs", "-"], "SELECT 1;");
    assert!(code == 2 && out.is_empty() && error.contains("both the statements and the logs"), "{error}");
    let (code, _, error) = script(&["--lake", "no/such/lake"], "SELECT 1;");
    assert!(code == 1 && error.contains("there is no lake"), "{error}");
}

#[test]
fn answers_go_to_files_and_statements_come_from_them() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str| place.path().join(name).display().to_string();
    std::fs::write(place.path().join("b.sql"), "SELECT 2 AS n;\nSELECT nme FROM events;\n").unwrap();
    std::fs::write(place.path().join("a.sql"), format!("SELECT 1 AS n;\n\\i {}\n", file("b.sql"))).unwrap();
    std::fs::write(place.path().join("circle.sql"), format!("\\i {}\n", file("circle.sql"))).unwrap();
    let statements = format!(
        "\\o {}\n\\i {}\n\\format parquet\n\\o {}\nSELECT 3 AS n;\nSELECT 4 AS n;\n\\o\n\\format\nSELECT 5 AS n;\n\\i {}\n",
        file("out.ndjson"),
        file("a.sql"),
        file("out.parquet"),
        file("circle.sql"),
    );
    let (code, out, error) = script(&LOGS, &statements);
    assert_eq!((code, out.as_str()), (2, "{\"n\":5}\n"), "{error}");
    assert_eq!(std::fs::read_to_string(file("out.ndjson")).unwrap(), "{\"n\":1}\n{\"n\":2}\n");
    assert!(std::fs::read(file("out.parquet")).unwrap().starts_with(b"PAR1"));
    for words in [&format!("at: {}, line 2", file("b.sql")), "a parquet file holds one answer", "in a circle"] {
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn questions_functions_and_who_answer_as_their_verbs_do() {
    let logs = ["--logs", "sample-logs"];
    let statements = "\\ask who-used-role role=support-readonly\n\\who 203.0.113.77\n\\df ip_in\n\\ask who-used-rol\n";
    let (code, out, error) = script(&logs, statements);
    assert!(code == 2 && error.contains("did you mean who-used-role?"), "{error}");
    let verb = |arguments: &[&str]| {
        let mut command = Command::new(cargo_bin!("rolecall"));
        command.args(arguments).args(logs).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("ROLECALL_LAKE");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let asked = verb(&["ask", "who-used-role", "role=support-readonly"]);
    let who = verb(&["who", "203.0.113.77"]);
    let rest = out.strip_prefix(&asked).and_then(|rest| rest.strip_prefix(&who)).unwrap();
    assert!(!asked.is_empty() && !who.is_empty());
    assert!(rest.starts_with("{\"function\":\"ip_in(text, cidr)\",\"meaning\":\"Whether an address"), "{rest}");
}

/// A shell in a terminal of its own.
struct Terminal {
    socket: String,
    home: tempfile::TempDir,
}

impl Terminal {
    /// Opens it; `None`, told, where there is no tmux.
    fn open(lines: u16, environment: &[(&str, &str)]) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            // What CI runs must not pass by.
            assert!(std::env::var("CI").as_deref() != Ok("true"), "tmux is not installed");
            eprintln!("tmux is not installed: the shell is not tried in a terminal");
            return None;
        }
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let socket = format!("rolecall-test-{}-{count}", std::process::id());
        let terminal = Self { socket, home: tempfile::tempdir().unwrap() };
        let home = terminal.home.path().to_str().unwrap();
        let mut variables = vec![("HOME", home), ("XDG_STATE_HOME", ""), ("PAGER", ""), ("NO_COLOR", "")];
        variables.retain(|(name, _)| !environment.iter().any(|(other, _)| name == other));
        variables.extend(environment);
        let mut command = String::from("env -u ROLECALL_LAKE -u LESS");
        for (name, value) in variables {
            command.push_str(&format!(" {name}='{value}'"));
        }
        command.push_str(&format!(
            " '{}' shell --logs sample-logs/AWSLogs/o-juniper4rc/210000000001; code=$?; echo; echo left with $code; sleep 600",
            cargo_bin!("rolecall").display()
        ));
        let lines = lines.to_string();
        let size = ["-x", "100", "-y", &lines];
        let made = terminal.tmux(&[&["new-session", "-d"], &size[..], &[&command]].concat());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        terminal.waits_for("rolecall>");
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-L", &self.socket]).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env_remove("TMUX").env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").output().unwrap()
    }

    fn text(&self, text: &str) {
        // A semicolon at the end would end tmux's own command.
        let text = text.strip_suffix(';').map_or(text.to_owned(), |text| format!("{text}\\;"));
        assert!(self.tmux(&["send-keys", "-l", &text]).status.success());
    }

    fn keys(&self, keys: &[&str]) {
        assert!(self.tmux(&[&["send-keys"], keys].concat()).status.success());
    }

    fn line(&self, text: &str) {
        self.text(text);
        self.keys(&["Enter"]);
    }

    /// What the terminal shows, colours as escapes where wanted.
    fn screen(&self, colours: bool) -> String {
        let output = self.tmux(if colours { &["capture-pane", "-p", "-e"] } else { &["capture-pane", "-p"] });
        String::from_utf8(output.stdout).unwrap()
    }

    fn waits_until(&self, what: &str, shown: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let screen = self.screen(false);
            if shown(&screen) {
                return screen;
            }
            assert!(began.elapsed() < LONGEST, "waited for {what}:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn waits_for(&self, text: &str) -> String {
        self.waits_until(text, |screen| screen.contains(text))
    }

    /// Waits for a prompt behind which nothing is typed: what comes together with the key that ends a line is
    /// dropped with it.
    fn waits_for_prompt(&self) {
        self.waits_until("an empty prompt", |screen| screen.trim_end().ends_with("rolecall>"));
    }

    /// Gives up the line that is being typed.
    fn gives_up(&self) {
        self.keys(&["C-c"]);
        self.waits_for_prompt();
    }

    /// A clear screen with a prompt.
    fn clear(&self) {
        self.waits_for_prompt();
        self.keys(&["C-l"]);
        self.waits_until("a clear screen", |screen| screen.trim() == "rolecall>");
    }

    fn history(&self) -> std::path::PathBuf {
        self.home.path().join(".local/state/rolecall/history")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn a_person_types_completes_and_finds_it_again() {
    let Some(terminal) = Terminal::open(40, &[]) else { return };
    // A statement over several lines.
    terminal.line("select 40 + 2");
    terminal.waits_for("->");
    terminal.line("  as answer;");
    terminal.waits_for("│ answer │");
    terminal.waits_for("│     42 │");
    terminal.clear();
    // Colours: a keyword is blue and bold, a text green.
    terminal.text("select 'x'");
    terminal.waits_for("select 'x'");
    let coloured = terminal.screen(true);
    assert!(coloured.contains("\u{1b}[1m\u{1b}[34mselect") || coloured.contains("\u{1b}[1;34mselect"), "{coloured:?}");
    assert!(coloured.contains("\u{1b}[32m'x'"), "{coloured:?}");
    // Ctrl-C clears what was typed.
    terminal.gives_up();
    terminal.clear();
    // One candidate is taken, several are shown.
    terminal.text("select count(*) from unlinked_i");
    terminal.keys(&["Tab"]);
    terminal.waits_for("from unlinked_issues");
    terminal.gives_up();
    terminal.clear();
    terminal.text("select session_name");
    terminal.keys(&["Tab"]);
    let menu = terminal.waits_for("session_name_kind");
    assert!(menu.contains("The role session name"), "{menu}");
    terminal.gives_up();
    terminal.clear();
    terminal.text("\\ask who-used");
    terminal.keys(&["Tab"]);
    terminal.text("role=nobody");
    terminal.waits_for("\\ask who-used-role role=nobody");
    terminal.gives_up();
    terminal.clear();
    // An error keeps the shell alive.
    terminal.line("select nme from events;");
    terminal.waits_for("Error: there is no column 'nme'");
    terminal.line("\\timing");
    terminal.waits_for("Timing is on.");
    terminal.line("\\format csv");
    terminal.line("select 7 as n;");
    terminal.waits_for("Time: 0.");
    terminal.line("\\d unlinked_issues");
    terminal.waits_for("event_time,timestamp (UTC),When.");
    terminal.clear();
    // What was typed comes back, all lines of it, and is kept for the next shell.
    terminal.keys(&["Up", "Up", "Up", "Up", "Up", "Up"]);
    terminal.waits_for("as answer;");
    terminal.gives_up();
    terminal.line(" select 'kept nowhere';");
    terminal.waits_for("kept nowhere\n");
    terminal.keys(&["C-d"]);
    terminal.waits_for("left with 0");
    let history = std::fs::read_to_string(terminal.history()).unwrap();
    assert!(history.contains("as answer;") && !history.contains("kept nowhere"), "{history}");
}

#[test]
fn ctrl_c_stops_the_query_and_not_the_shell() {
    let Some(terminal) = Terminal::open(40, &[]) else { return };
    let endless = "select count(*) from generate_series(1, 100000000) a, generate_series(1, 100000000) b where a.value + b.value < 0;";
    for _ in 0..2 {
        terminal.line(endless);
        terminal.waits_for("< 0;");
        // The query runs when the keys are the terminal's again: what is typed now is not edited but shown.
        std::thread::sleep(Duration::from_millis(500));
        terminal.keys(&["C-c"]);
        terminal.waits_for("Warning: stopped");
        terminal.clear();
    }
    terminal.line("select 1 + 1 as alive;");
    terminal.waits_for("│     2 │");
    terminal.line("quit");
    terminal.waits_for("left with 0");
}

#[test]
fn long_and_wide_answers_are_paged_and_the_rest_is_not() {
    let Some(terminal) = Terminal::open(20, &[("PAGER", "less")]) else { return };
    if Command::new("less").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "less is not installed");
        eprintln!("less is not installed: paging is not tried");
        return;
    }
    terminal.line("select value from generate_series(1, 500);");
    terminal.waits_until("the first page", |screen| screen.contains("│    10 │") && !screen.contains("rolecall>"));
    // Ctrl-C in the pager is the pager's.
    terminal.keys(&["C-c"]);
    terminal.keys(&["G"]);
    terminal.waits_for("│   500 │");
    terminal.keys(&["q"]);
    terminal.waits_for("rolecall>");
    terminal.clear();
    // Columns that do not fit beside each other are scrolled sideways.
    terminal.line("select * from sessions limit 1;");
    terminal
        .waits_until("the first columns", |screen| screen.contains("│ session_id") && !screen.contains("rolecall>"));
    terminal.keys(&["Right", "Right", "Right", "Right"]);
    terminal.waits_until("later columns", |screen| !screen.contains("session_id"));
    terminal.keys(&["q"]);
    terminal.waits_for("rolecall>");
    terminal.clear();
    terminal.line("\\x");
    terminal.line("select session_id, api from sessions limit 1;");
    terminal.waits_for("── row 1 ──");
    terminal.line("\\q");
    terminal.waits_for("left with 0");
}

#[test]
fn without_a_pager_and_a_history_the_shell_works_as_well() {
    let Some(terminal) = Terminal::open(20, &[("PAGER", "cat"), ("XDG_STATE_HOME", "/dev/null/nowhere")]) else {
        return;
    };
    terminal.waits_for("What is typed is not kept");
    terminal.line("select value from generate_series(1, 500);");
    terminal.waits_until("the end", |screen| screen.contains("│   500 │") && screen.contains("rolecall>"));
    terminal.line("select * from sessions limit 1;");
    terminal.waits_until("a block", |screen| screen.contains("issue_event_ids") && !screen.contains('│'));
    terminal.keys(&["C-d"]);
    terminal.waits_for("left with 0");
}

#[test]
fn a_shell_that_is_told_to_end_leaves_the_terminal_as_it_was() {
    let Some(terminal) = Terminal::open(20, &[]) else { return };
    let pids = terminal.tmux(&["list-panes", "-F", "#{pane_pid}"]);
    let pane = String::from_utf8(pids.stdout).unwrap().trim().to_owned();
    let shell = child_named(&pane, "rolecall").unwrap();
    assert!(Command::new("kill").args(["-s", "TERM", &shell]).status().unwrap().success());
    terminal.waits_for("left with 130");
}

/// The process of that name below another.
fn child_named(parent: &str, name: &str) -> Option<String> {
    let status = |pid: &Path, key: &str| {
        let text = std::fs::read_to_string(pid.join("status")).ok()?;
        text.lines().find_map(|line| Some(line.strip_prefix(key)?.trim().to_owned()))
    };
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    pids.filter(|pid| status(pid, "PPid:").as_deref() == Some(parent) && status(pid, "Name:").as_deref() == Some(name))
        .find_map(|pid| pid.file_name()?.to_str().map(str::to_owned))
}
