//! Local folders and files.
//!
//! Every regular file is an object, whatever its name: its content is looked at later. Never writes, never enters hidden
//! folders or Delta tables, and enters no folder twice through links.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use walkdir::{DirEntry, WalkDir};

use super::{Filters, Found, Object, Place, layout};
use crate::error::{Error, Result};

/// How alike a name must be to be offered in place of one that does not exist (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

/// How many names are compared with one that does not exist; more would keep the user waiting for the error.
const NAMES_COMPARED: usize = 10_000;

/// A folder or a regular file.
#[derive(Debug)]
pub(super) struct Local {
    root: PathBuf,
    /// The root from `/` on: folders above the one that was given tell accounts and regions, too.
    absolute: PathBuf,
    /// The root without links, to tell links that stay inside.
    real: PathBuf,
}

/// What a path turned out to be.
pub(super) enum Opened {
    /// A folder or a regular file.
    Walkable(Local),
    /// A pipe or device, which can be read once.
    Pipe(PathBuf),
}

impl Local {
    pub(super) fn open(spec: &str) -> Result<Opened> {
        if spec.is_empty() {
            return Err(
                Error::usage("the source's path is empty").hint("name a folder, a file, s3://bucket/prefix, or -")
            );
        }
        let trimmed = spec.trim_end_matches('/');
        let root = PathBuf::from(if trimmed.is_empty() { "/" } else { trimmed });
        let metadata = std::fs::metadata(&root).map_err(|error| unusable(spec, &root, error))?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Ok(Opened::Pipe(root));
        }
        let absolute = std::path::absolute(&root).unwrap_or_else(|_| root.clone());
        let real = root.canonicalize().unwrap_or_else(|_| absolute.clone());
        Ok(Opened::Walkable(Self { root, absolute, real }))
    }

    pub(super) fn describe(&self) -> String {
        text(&self.root)
    }

    /// Tells everything below the root in the order of S3 keys, until `say` answers false.
    pub(super) fn list(&self, filters: &Filters, mut say: impl FnMut(Found) -> bool) {
        let mut walk = WalkDir::new(&self.root).follow_links(true).sort_by(in_key_order).into_iter();
        let mut linked = HashSet::new();
        while let Some(entry) = walk.next() {
            let found = match entry {
                Err(error) => Some(broken(&error, &self.root)),
                Ok(entry) => match self.passed_over(&entry, &mut linked) {
                    Some(why) => {
                        if entry.file_type().is_dir() {
                            walk.skip_current_dir();
                        }
                        Some(Found::NotCloudTrail { uri: text(entry.path()), why })
                    }
                    None if entry.file_type().is_dir() => None,
                    None => Some(self.found(&entry, filters)),
                },
            };
            if found.is_some_and(|f| !say(f)) {
                return;
            }
        }
    }

    /// Why a file or folder is neither read nor entered.
    fn passed_over(&self, entry: &DirEntry, linked: &mut HashSet<PathBuf>) -> Option<&'static str> {
        let kind = entry.file_type();
        if entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".") {
            return Some(if kind.is_dir() { "a hidden folder" } else { "a hidden file" });
        }
        if entry.depth() > 0 && entry.path_is_symlink() {
            let target = entry.path().canonicalize().ok()?;
            if self.lists(&target) || !linked.insert(target) {
                return Some("a link to what is listed elsewhere");
            }
        }
        if kind.is_dir() {
            // A lake below the logs is this program's own output, or somebody's tables: no logs.
            return entry.path().join("_delta_log").is_dir().then_some("a Delta table");
        }
        if !kind.is_file() {
            return Some("no regular file");
        }
        layout::folder_of(&self.key(entry.path())).and_then(layout::Folder::not_read)
    }

    /// Whether the walk comes to a path without any link.
    fn lists(&self, real: &Path) -> bool {
        let below = real.strip_prefix(&self.real);
        below.is_ok_and(|b| b.components().all(|c| !c.as_os_str().as_encoded_bytes().starts_with(b".")))
    }

    fn found(&self, entry: &DirEntry, filters: &Filters) -> Found {
        let uri = text(entry.path());
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return broken(&error, entry.path()),
        };
        let changed = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let object = Object {
            uri,
            size: Some(metadata.len()),
            etag: None,
            last_modified: changed.and_then(|t| i64::try_from(t.as_micros()).ok()),
            layout: layout::parse(&self.key(entry.path())),
            place: Place::File(entry.path().to_owned()),
        };
        match &object.layout {
            Some(key) if !filters.wants(key) => Found::Pruned(object),
            _ => Found::Object(object),
        }
    }

    /// The text that the layout is read from.
    fn key(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        if below.as_os_str().is_empty() { text(&self.absolute) } else { text(&self.absolute.join(below)) }
    }
}

/// Reads a whole file.
pub(super) async fn read(path: &Path, uri: &str) -> Result<Bytes> {
    match tokio::fs::read(path).await {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) => Err(refused(uri, error)),
    }
}

/// A path as text. Bytes that are no UTF-8 are written as `\xNN`, so that different files keep different names.
fn text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The order of S3's listings: bytewise, where a folder's name ends in `/`.
fn in_key_order(a: &DirEntry, b: &DirEntry) -> Ordering {
    let key = |e: &DirEntry| {
        let slash: &[u8] = if e.file_type().is_dir() { b"/" } else { b"" };
        [e.file_name().as_encoded_bytes(), slash].concat()
    };
    key(a).cmp(&key(b))
}

/// What to say of an entry that could not be looked at.
fn broken(error: &walkdir::Error, at: &Path) -> Found {
    let uri = text(error.path().unwrap_or(at));
    if error.loop_ancestor().is_some() {
        return Found::NotCloudTrail { uri, why: "a link to a folder above it" };
    }
    let cause =
        error.io_error().map_or_else(|| io::Error::other("unreadable"), |e| io::Error::new(e.kind(), e.to_string()));
    let error = refused(&uri, cause);
    Found::Failed { uri, error }
}

fn refused(uri: &str, cause: io::Error) -> Error {
    let (message, hint) = match cause.kind() {
        io::ErrorKind::NotFound => ("is gone, or is a link to nothing", "run again when nothing moves files there"),
        io::ErrorKind::PermissionDenied => ("may not be read by this user", "allow reading it, or run as its owner"),
        _ => ("cannot be read", "check the disk or the network share that it is on"),
    };
    Error::input(format!("`{uri}` {message}")).hint(hint).source(cause)
}

/// The error for a source that cannot be opened, with the nearest path that can.
fn unusable(spec: &str, root: &Path, cause: io::Error) -> Error {
    if let Some((scheme, _)) = spec.split_once("://") {
        return Error::usage(format!("sources of the kind `{scheme}://` cannot be read"))
            .context("source", spec)
            .hint("name a folder, a file, s3://bucket/prefix, or - for standard input");
    }
    if cause.kind() != io::ErrorKind::NotFound && cause.kind() != io::ErrorKind::NotADirectory {
        return refused(spec, cause);
    }
    let error = Error::input(format!("there is no file or folder `{spec}`"));
    let mut missing = root;
    while let Some(parent) = missing.parent() {
        let there = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        if there.exists() {
            return match (nearest(there, missing), there.is_dir()) {
                (Some(name), _) => error.hint(format!("did you mean `{}`?", text(&parent.join(name)))),
                (None, true) => error.hint(format!("the nearest folder that exists is `{}`", text(there))),
                (None, false) => error.hint(format!("`{}` is a file, not a folder", text(there))),
            };
        }
        missing = parent;
    }
    error
}

/// The name in a folder that is most like the missing one.
fn nearest(folder: &Path, missing: &Path) -> Option<String> {
    let wanted = missing.file_name()?.to_string_lossy().to_lowercase();
    let names = std::fs::read_dir(folder).ok()?.take(NAMES_COMPARED).flatten();
    names
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &wanted), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))
        .map(|(_, name)| name)
}
