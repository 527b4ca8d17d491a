//! The contract's exit codes, verb by verb, from outside; and what shells and packages get: completions and manual pages.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;

const LOGS: &str = "sample-logs/AWSLogs/o-juniper4rc/210000000001";

fn rolecall(arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("rolecall"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("ROLECALL_LAKE").env_remove("COLUMNS");
    command.stdin(Stdio::null());
    command
}

/// Every verb that gives an answer, as it is asked for one.
fn answering(lake: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["sql", "SELECT * FROM events", "--logs", LOGS],
        vec!["sql", "SELECT * FROM events", "--lake", lake],
        vec!["ask", "who-used-role", "--logs", LOGS],
        vec!["ask"],
        vec!["who", "vendor-costwatch", "--logs", LOGS],
        vec!["lake", "status", "--quiet", "--lake", lake],
    ]
}

fn code(arguments: &[&str]) -> (i32, String) {
    let output = rolecall(arguments).output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

fn lake(place: &Path) -> String {
    let lake = place.join("lake").display().to_string();
    assert_eq!(code(&["ingest", LOGS, "--lake", &lake]).0, 0);
    lake
}

#[test]
fn answers_that_cannot_be_written_end_with_one_and_wrong_words_with_two() {
    let place = tempfile::tempdir().unwrap();
    let lake = lake(place.path());
    let nowhere = place.path().join("no/such/folder/answer").display().to_string();
    for verb in answering(&lake) {
        let (complete, error) = code(&verb);
        assert_eq!(complete, 0, "{verb:?}: {error}");
        let with = |more: &[&'static str]| code(&[&verb[..], more].concat());
        let (unwritable, error) = code(&[&verb[..], &["-o", &nowhere]].concat());
        assert!(unwritable == 1 && error.contains(&nowhere), "{verb:?}: {unwritable}: {error}");
        for wrong in [&["--format", "cvs"][..], &["--no-such-option"], &["-o"]] {
            let (wrong_code, error) = with(wrong);
            assert!(wrong_code == 2 && error.to_lowercase().contains("error: "), "{verb:?} {wrong:?}: {error}");
        }
    }
    for wrong in [
        &["ingest", LOGS, "--since", "soon"][..],
        &["lake"],
        &["lake", "statsu"],
        &["who"],
        &["completions", "tcsh"],
        &["shell", "SELECT 1"],
        &["no-such-verb"],
    ] {
        assert_eq!(code(wrong).0, 2, "{wrong:?}");
    }
    for nothing in [
        &["lake", "status", "--lake", &nowhere][..],
        &["who", "x", "--lake", &nowhere],
        &["sql", "SELECT 1", "-f", "-", "--lake", &nowhere],
    ] {
        let (found, error) = code(nothing);
        assert!((found == 1 || found == 2) && !error.is_empty(), "{nothing:?}: {error}");
    }
    assert_eq!(code(&["man", "--dir", "/dev/null/x"]).0, 1);
}

#[test]
fn a_full_disk_is_told() {
    if !Path::new("/dev/full").exists() {
        return eprintln!("there is no /dev/full: not tried");
    }
    for format in ["table", "csv", "json", "ndjson", "markdown", "parquet", "ocsf"] {
        let (full, error) =
            code(&["sql", "SELECT * FROM events", "--logs", LOGS, "--format", format, "-o", "/dev/full"]);
        assert!(full == 1 && error.contains("the answer cannot be written"), "{format}: {full}: {error}");
    }
}

#[test]
fn a_reader_that_leaves_ends_every_verb_with_zero() {
    let place = tempfile::tempdir().unwrap();
    let lake = lake(place.path());
    let mut verbs = answering(&lake);
    verbs.extend([vec!["completions", "bash"], vec!["man"], vec!["--help"], vec!["sql", "--help"], vec!["--version"]]);
    for verb in verbs {
        let mut command = rolecall(&verb);
        let mut program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(program.stdout.take());
        let output = program.wait_with_output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "{verb:?}");
    }
    // A shell's reader can leave between two answers.
    let mut command = rolecall(&["shell", "--logs", LOGS]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = command.spawn().unwrap();
    let mut statements = program.stdin.take().unwrap();
    statements.write_all(b"SELECT 1 AS n;\n").unwrap();
    let mut first = [0; 8];
    program.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    drop(program.stdout.take());
    statements.write_all(b"SELECT 2 AS n;\nSELECT 3 AS n;\n").unwrap();
    drop(statements);
    let output = program.wait_with_output().unwrap();
    assert_eq!(
        (&first, output.status.code()),
        (b"{\"n\":1}\n", Some(0)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What bash would offer for the last of these words.
fn offered(script: &Path, words: &[&str]) -> Vec<String> {
    let bash = r#"source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        named='-F ([^ ]+)'; [[ $(complete -p rolecall) =~ $named ]] || exit 1
        "${BASH_REMATCH[1]}" rolecall "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", bash, "bash"]).arg(script).args(words);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_formats() {
    let place = tempfile::tempdir().unwrap();
    let script = place.path().join("rolecall");
    std::fs::write(&script, rolecall(&["completions", "bash"]).output().unwrap().stdout).unwrap();
    let verbs = offered(&script, &["rolecall", ""]);
    for verb in ["ingest", "sql", "ask", "shell", "who", "lake", "completions", "man"] {
        assert!(verbs.iter().any(|offered| offered == verb), "{verb}: {verbs:?}");
    }
    assert_eq!(offered(&script, &["rolecall", "sh"]), ["shell"]);
    assert_eq!(offered(&script, &["rolecall", "sql", "--form"]), ["--format"]);
    assert_eq!(offered(&script, &["rolecall", "sql", "--format", "m"]), ["markdown"]);
    assert_eq!(offered(&script, &["rolecall", "lake", "sta"]), ["status"]);
}

#[test]
fn every_shell_has_its_script_and_every_command_its_page() {
    for (shell, mark) in [
        ("bash", "complete -F _rolecall"),
        ("zsh", "#compdef rolecall"),
        ("fish", "complete -c rolecall"),
        ("powershell", "Register-ArgumentCompleter -Native -CommandName 'rolecall'"),
    ] {
        let output = rolecall(&["completions", shell]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains(mark), "{shell}");
        // What is only answered with what is meant instead is not offered.
        assert!(!script.contains("--from") && !script.contains("-l from"), "{shell}");
    }
    let page = String::from_utf8(rolecall(&["man"]).output().unwrap().stdout).unwrap();
    assert!(page.contains(".TH rolecall 1") && page.contains("rolecall\\-ingest(1)"), "{page}");
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("man1");
    assert_eq!(code(&["man", "--dir", folder.to_str().unwrap()]), (0, String::new()));
    for name in ["rolecall", "rolecall-ingest", "rolecall-sql", "rolecall-shell", "rolecall-lake-status"] {
        let page = std::fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
}
