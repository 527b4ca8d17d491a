//! Two reports over one lake do not run at once: the second says so and ends.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::catalogue::hex;
use crate::error::{Error, Result};

/// Held for as long as a report runs; the system lets go of it whatever happens to the program.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock of a lake. For a folder it lies in the folder; for a bucket on this machine.
///
/// # Errors
/// Another report runs, or the file cannot be made.
pub fn take(lake: &str) -> Result<Lock> {
    let path = place(lake);
    let unusable = |e: std::io::Error| {
        Error::input("the report's lock cannot be made").context("file", path.display().to_string()).source(e)
    };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(Error::input("another report is running over this lake")
            .context("lake", lake.to_owned())
            .hint("wait for it, or end it")),
        Err(TryLockError::Error(e)) => Err(unusable(e)),
    }
}

fn place(lake: &str) -> PathBuf {
    if lake.contains("://") {
        let name = hex(&Sha256::digest(lake.as_bytes())[..8]);
        return std::env::temp_dir().join(format!("rolecall-report-{name}.lock"));
    }
    Path::new(lake).join("report.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let lake = folder.path().to_str().unwrap();
        let held = take(lake).unwrap();
        assert!(take(lake).unwrap_err().to_string().contains("another report is running"));
        drop(held);
        assert!(take(lake).is_ok());
        assert!(place("s3://bucket/lake").starts_with(std::env::temp_dir()));
    }
}
