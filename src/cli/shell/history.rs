//! What was typed before: a file of the user's own, else the memory of this shell.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use reedline::FileBackedHistory;

use super::super::console::Console;

/// Entries that are kept.
const KEPT: usize = 10_000;

/// The history of earlier shells, if its file can be written; else one that ends with this shell.
pub fn open(console: Console) -> Box<FileBackedHistory> {
    let Some(file) = file(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)) else {
        return Box::default();
    };
    let history =
        prepare(&file).and_then(|()| FileBackedHistory::with_file(KEPT, file.clone()).map_err(io::Error::other));
    match history {
        Ok(history) => Box::new(history),
        Err(error) => {
            console.status(&format!("What is typed is not kept: {}: {error}", file.display()));
            Box::default()
        }
    }
}

/// `$XDG_STATE_HOME/rolecall/history`, else `~/.local/state/rolecall/history`.
///
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
fn file(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let state = variable("XDG_STATE_HOME").filter(|folder| folder.is_absolute());
    let state = state.or_else(|| Some(variable("HOME")?.join(".local/state")))?;
    Some(state.join("rolecall/history"))
}

/// Makes the file if there is none, for the user's eyes only: what is typed can name people and keys.
fn prepare(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(file).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_in_the_users_state_folder() {
        let of = |state: Option<&str>, home: Option<&str>| {
            let place = file(|name| match name {
                "XDG_STATE_HOME" => state.map(PathBuf::from),
                _ => home.map(PathBuf::from),
            });
            place.map(|path| path.display().to_string())
        };
        assert_eq!(of(Some("/s"), Some("/h")).as_deref(), Some("/s/rolecall/history"));
        assert_eq!(of(Some("relative"), Some("/h")).as_deref(), Some("/h/.local/state/rolecall/history"));
        assert_eq!(of(None, None), None);
    }

    #[test]
    fn nobody_else_reads_it() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("rolecall/history");
        prepare(&file).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let other = place.path().join("rolecall/history/below-a-file");
        assert!(prepare(&other).is_err());
    }
}
