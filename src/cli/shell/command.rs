//! The shell's own commands: a backslash, a name, words.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::arguments::assignment;
use super::super::output::Format;
use crate::error::{Error, Result};
use crate::sql::nearest::nearest;

/// A command, its words understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `\d`
    Tables,
    /// `\d TABLE`
    Columns(String),
    /// `\df [WORD]`
    Functions(Option<String>),
    /// `\ask`
    Questions,
    /// `\ask NAME k=v`
    Ask { name: String, values: Vec<(String, String)> },
    /// `\who ANCHOR...`
    Who(Vec<String>),
    /// `\timing [on|off]`
    Timing(Option<bool>),
    /// `\x [on|off]`
    Blocks(Option<bool>),
    /// `\format [FORMAT]`
    Format(Option<Format>),
    /// `\o [FILE]`
    Output(Option<PathBuf>),
    /// `\i FILE`
    Include(PathBuf),
    /// `\refresh`
    Refresh,
    /// `\?`
    Help,
    /// `\q`
    Quit,
}

/// Name, words and meaning of every command, in the order of the help.
pub const COMMANDS: [(&str, &str, &str); 12] = [
    ("\\d", "[TABLE]", "the tables; a table's columns, their types and meanings"),
    ("\\df", "[WORD]", "rolecall's functions; every function that has the word in its name"),
    ("\\ask", "[NAME [k=v...]]", "answer a saved question; without a name, list them"),
    ("\\who", "ANCHOR...", "who is behind a key, ARN, session name, person, address or event"),
    ("\\format", "[FORMAT]", "write answers in this format; without one, in the usual one"),
    ("\\x", "[on|off]", "show a row as a block of names and values"),
    ("\\o", "[FILE]", "write answers to this file; without one, here again"),
    ("\\i", "FILE", "run a file of statements and commands"),
    ("\\timing", "[on|off]", "say how long an answer took"),
    ("\\refresh", "", "see what was stored or delivered since the shell was opened"),
    ("\\?", "", "this help"),
    ("\\q", "", "leave; Ctrl-D does too"),
];

impl Command {
    /// Reads a command's line.
    ///
    /// # Errors
    /// There is no such command, or its words are not what it takes.
    pub fn parse(line: &str) -> Result<Self> {
        let line = line.trim().trim_end_matches(';');
        let words = shlex::split(line.trim_start_matches('\\'))
            .ok_or_else(|| Error::usage("a quote in this command is never closed").context("command", line))?;
        let (name, words) = words.split_first().ok_or_else(|| Error::usage("there is no command \\"))?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let takes = |what: &str| Err(Error::usage(format!("\\{name} takes {what}")).hint("\\? lists the commands"));
        Ok(match (name.as_str(), words.as_slice()) {
            ("d", []) => Command::Tables,
            ("d", [table]) => Command::Columns((*table).to_owned()),
            ("df", []) => Command::Functions(None),
            ("df", [word]) => Command::Functions(Some((*word).to_owned())),
            ("ask", []) => Command::Questions,
            ("ask", [name, values @ ..]) => {
                let value = |text: &&str| {
                    assignment(text)
                        .map_err(|what| Error::usage(format!("'{text}' is no value for a parameter")).hint(what))
                };
                Command::Ask { name: (*name).to_owned(), values: values.iter().map(value).collect::<Result<_>>()? }
            }
            ("who", [_, ..]) => Command::Who(words.iter().map(|word| (*word).to_owned()).collect()),
            ("timing", []) => Command::Timing(None),
            ("timing", [word]) => Command::Timing(Some(switch(word)?)),
            ("x", []) => Command::Blocks(None),
            ("x", [word]) => Command::Blocks(Some(switch(word)?)),
            ("format", []) => Command::Format(None),
            ("format", [word]) => Command::Format(Some(format(word)?)),
            ("o", []) => Command::Output(None),
            ("o", [file]) => Command::Output(Some(PathBuf::from(file))),
            ("i", [file]) => Command::Include(PathBuf::from(file)),
            ("refresh", []) => Command::Refresh,
            ("?" | "h" | "help", []) => Command::Help,
            ("q" | "quit" | "exit", []) => Command::Quit,
            _ => {
                let known = COMMANDS.iter().find(|(known, _, _)| known[1..] == **name);
                return match known {
                    Some((_, "", _)) => takes("nothing"),
                    Some((_, words, _)) => takes(words),
                    None => {
                        let error = Error::usage(format!("there is no command \\{name}"));
                        let near = nearest(name, COMMANDS.iter().map(|(known, _, _)| &known[1..]));
                        Err(match near {
                            Some(near) => error.hint(format!("did you mean \\{near}?")),
                            None => error.hint("\\? lists the commands"),
                        })
                    }
                };
            }
        })
    }
}

fn switch(word: &str) -> Result<bool> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Error::usage(format!("'{word}' is neither on nor off"))),
    }
}

fn format(word: &str) -> Result<Format> {
    Format::from_str(word, true).map_err(|_| {
        let known: Vec<_> = formats().collect();
        let error = Error::usage(format!("there is no format '{word}'"));
        let error = match nearest(word, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        };
        error.hint(format!("formats are {}", known.join(", ")))
    })
}

/// The formats' names.
pub fn formats() -> impl Iterator<Item = String> {
    Format::value_variants().iter().filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
}

/// The help, a command a line.
pub fn help() -> String {
    let usage = |(name, words, _): &(&str, &str, &str)| format!("{name} {words}");
    let width = COMMANDS.iter().map(|command| usage(command).len()).max().unwrap_or(0);
    let mut text = String::from("A statement ends with ; and may take several lines.\n\n");
    for command in &COMMANDS {
        text.push_str(&format!("  {:width$}  {}\n", usage(command), command.2));
    }
    text.push_str("\nTab completes, Ctrl-R searches what was typed before, Ctrl-C stops a query or clears the line.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_their_words() {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (line, command) in [
            ("\\d", Command::Tables),
            ("\\d sessions;", Command::Columns("sessions".into())),
            ("\\df ip", Command::Functions(Some("ip".into()))),
            ("\\ask", Command::Questions),
            (
                "\\ask what-person-did person='dana smith' writes_only=true",
                Command::Ask {
                    name: "what-person-did".into(),
                    values: vec![("person".into(), "dana smith".into()), ("writes_only".into(), "true".into())],
                },
            ),
            ("\\who a \"b c\"", Command::Who(owned(&["a", "b c"]))),
            ("\\timing off", Command::Timing(Some(false))),
            ("\\format CSV", Command::Format(Some(Format::Csv))),
            ("\\o", Command::Output(None)),
            ("\\i a.sql", Command::Include("a.sql".into())),
            ("\\?", Command::Help),
            ("\\q", Command::Quit),
        ] {
            assert_eq!(Command::parse(line).unwrap(), command, "{line}");
        }
    }

    #[test]
    fn mistakes_say_what_was_meant() {
        for (line, what, hint) in [
            ("\\formt csv", "there is no command \\formt", "did you mean \\format?"),
            ("\\zzz", "there is no command \\zzz", "\\? lists the commands"),
            ("\\i", "\\i takes FILE", "\\? lists the commands"),
            ("\\q now", "\\q takes nothing", "\\? lists the commands"),
            ("\\ask x y", "'y' is no value for a parameter", "write name=value"),
            ("\\format markdwn", "there is no format 'markdwn'", "did you mean markdown?"),
            ("\\timing maybe", "'maybe' is neither on nor off", ""),
            ("\\who 'x", "a quote in this command is never closed", ""),
            ("\\", "there is no command \\", ""),
        ] {
            let error = Command::parse(line).unwrap_err();
            assert_eq!(error.to_string(), what, "{line}");
            assert_eq!(error.hints().first().map_or("", String::as_str), hint, "{line}");
        }
    }

    #[test]
    fn every_command_of_the_help_is_one() {
        for (name, _, _) in COMMANDS {
            let error = Command::parse(name).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(!error.contains("there is no command"), "{name}");
            assert!(help().contains(&format!("  {name} ")), "{name}");
        }
    }
}
