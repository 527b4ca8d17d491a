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

use super::{Digests, Filters, Found, Object, Place, layout};
use crate::error::{Error, Result};

/// How alike a name must be to be offered in place of one that does not exist (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

/// How many names are compared with one that does not exist; more would keep the user waiting for the error.
const NAMES_COMPARED: usize = 10_000;

/// How many objects are told at a time.
pub(super) const AT_A_TIME: usize = 64;

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

    /// Tells everything below the root in the order of S3 keys, some at a time, until `say` answers false.
    pub(super) fn list(&self, filters: &Filters, digests: Digests, mut say: impl FnMut(Vec<Found>) -> bool) {
        let mut walk = WalkDir::new(&self.root).follow_links(true).sort_by(in_key_order).into_iter();
        let mut linked = HashSet::new();
        let mut some = Vec::new();
        while let Some(entry) = walk.next() {
            match entry {
                Err(error) => some.push(broken(&error, &self.root)),
                Ok(entry) => {
                    let is_folder = entry.file_type().is_dir();
                    let key = if is_folder { String::new() } else { self.key(entry.path()) };
                    if let Some(why) = self.passed_over(&entry, &key, digests, &mut linked) {
                        if is_folder {
                            walk.skip_current_dir();
                        }
                        some.push(Found::NotCloudTrail { uri: text(entry.path()), why });
                    } else if !is_folder {
                        some.push(self.found(&entry, &key, filters));
                    }
                }
            }
            // To wake whoever waits for each of them takes longer than to find it.
            if some.len() >= AT_A_TIME && !say(std::mem::take(&mut some)) {
                return;
            }
        }
        say(some);
    }

    /// Why a file or folder is neither read nor entered.
    fn passed_over(
        &self,
        entry: &DirEntry,
        key: &str,
        digests: Digests,
        linked: &mut HashSet<PathBuf>,
    ) -> Option<&'static str> {
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
        layout::folder_of(key).and_then(|folder| digests.not_read(folder))
    }

    /// Whether the walk comes to a path without any link.
    fn lists(&self, real: &Path) -> bool {
        let below = real.strip_prefix(&self.real);
        below.is_ok_and(|b| b.components().all(|c| !c.as_os_str().as_encoded_bytes().starts_with(b".")))
    }

    fn found(&self, entry: &DirEntry, key: &str, filters: &Filters) -> Found {
        let uri = text(entry.path());
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return broken(&error, entry.path()),
        };
        let changed = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let place = match entry.path().to_str() == Some(&uri) {
            true => Place::Named,
            false => Place::File(entry.path().to_owned()),
        };
        let object = Object {
            uri,
            size: Some(metadata.len()),
            etag: None,
            last_modified: changed.and_then(|t| i64::try_from(t.as_micros()).ok()),
            layout: layout::parse(key),
            place,
        };
        match &object.layout {
            Some(key) if !filters.wants(key) => Found::Pruned(object),
            _ => Found::Object(object),
        }
    }

    /// The text that the layout is read from.
    pub(super) fn key(&self, path: &Path) -> String {
        // What stands below the root as it is needs no look at its components.
        let as_it_is = || {
            let below = path.to_str()?.strip_prefix(self.root.to_str()?).filter(|below| below.starts_with('/'))?;
            Some(format!("{}{below}", self.absolute.to_str()?))
        };
        if let Some(key) = as_it_is() {
            return key;
        }
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        if below.as_os_str().is_empty() { text(&self.absolute) } else { text(&self.absolute.join(below)) }
    }

    /// The same of the root.
    pub(super) fn key_of_root(&self) -> String {
        text(&self.absolute)
    }
}

/// Reads a whole file.
pub(super) async fn read(path: &Path, uri: &str) -> Result<Bytes> {
    match tokio::fs::read(path).await {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) => Err(refused(uri, error)),
    }
}

/// Reads a whole file at once.
pub(super) fn read_blocking(path: &Path, uri: &str) -> Result<Bytes> {
    std::fs::read(path).map(Bytes::from).map_err(|error| refused(uri, error))
}

/// A path as text. Bytes that are no UTF-8 are written as `\xNN`, so that different files keep different names.
fn text(path: &Path) -> String {
    if let Some(text) = path.to_str() {
        return text.to_owned();
    }
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
    // Neighbours have the folder above in common, so that their paths compare as their names do.
    let (x, y) = (a.path().as_os_str().as_encoded_bytes(), b.path().as_os_str().as_encoded_bytes());
    let both = x.len().min(y.len());
    let rest = |e: &DirEntry, path: &[u8]| {
        // Entries are sorted before links are followed.
        let is_folder = e.file_type().is_dir() || (e.path_is_symlink() && e.path().is_dir());
        path.get(both).copied().or(is_folder.then_some(b'/'))
    };
    x[..both].cmp(&y[..both]).then_with(|| rest(a, x).cmp(&rest(b, y))).then_with(|| x.len().cmp(&y.len()))
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
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    fn put(folder: &TempDir, path: &str) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}").unwrap();
    }

    fn open(path: &Path) -> Local {
        match Local::open(path.to_str().unwrap()).unwrap() {
            Opened::Walkable(local) => local,
            Opened::Pipe(path) => panic!("{path:?}"),
        }
    }

    fn told(folder: &TempDir, found: &Found) -> String {
        let start = format!("{}/", folder.path().display());
        let short = |uri: &str| uri.replacen(&start, "", 1);
        match found {
            Found::Object(o) => short(&o.uri),
            Found::Pruned(o) | Found::Archived(o) => format!("pruned {}", short(&o.uri)),
            Found::NotCloudTrail { uri, why } => format!("{}: {why}", short(uri)),
            Found::Failed { uri, error } => format!("failed {}: {}", short(uri), short(&error.to_string())),
        }
    }

    fn list(folder: &TempDir, filters: &Filters) -> Vec<String> {
        let mut all = Vec::new();
        open(folder.path()).list(filters, Digests::PassedOver, |found| {
            all.extend(found.iter().map(|found| told(folder, found)));
            true
        });
        all
    }

    #[test]
    fn the_order_is_that_of_keys() {
        let folder = TempDir::new().unwrap();
        for path in ["b/x.json", "b-1/x.json", "b.json", "a/2.gz", "a/10.gz", "B/x.zip", "b0/x.json", "c", "c0/x.json"]
        {
            put(&folder, path);
        }
        let all = list(&folder, &Filters::default());
        let keys = ["B/x.zip", "a/10.gz", "a/2.gz", "b-1/x.json", "b.json", "b/x.json", "b0/x.json", "c", "c0/x.json"];
        assert_eq!(all, keys);
        (0..3 * AT_A_TIME).for_each(|n| put(&folder, &format!("many/{n}.json")));
        let mut some = 0;
        open(folder.path()).list(&Filters::default(), Digests::PassedOver, |_| {
            some += 1;
            some < 2
        });
        assert_eq!(some, 2, "the listing ends with its reader");
    }

    #[test]
    fn what_holds_no_logs_is_told() {
        let folder = TempDir::new().unwrap();
        for path in [
            ".DS_Store",
            ".git/config",
            "AWSLogs/1/CloudTrail-Digest/us-east-1/2026/11/07/x.json.gz",
            "AWSLogs/1/CloudTrail-Insight/us-east-1/2026/11/07/x.json.gz",
            "lake/events/_delta_log/0.json",
            "lake/events/0.parquet",
        ] {
            put(&folder, path);
        }
        assert_eq!(
            list(&folder, &Filters::default()),
            [
                ".DS_Store: a hidden file",
                ".git: a hidden folder",
                "AWSLogs/1/CloudTrail-Digest/us-east-1/2026/11/07/x.json.gz: an integrity digest",
                "AWSLogs/1/CloudTrail-Insight/us-east-1/2026/11/07/x.json.gz",
                "lake/events: a Delta table",
            ]
        );
    }

    #[test]
    fn filters_prune_by_key() {
        let folder = TempDir::new().unwrap();
        put(&folder, "AWSLogs/1/CloudTrail/us-east-1/2026/11/07/x.json.gz");
        put(&folder, "AWSLogs/2/CloudTrail/us-east-1/2026/11/07/x.json.gz");
        put(&folder, "unplaced.json");
        let filters = Filters { accounts: vec!["2".into()], ..Filters::default() };
        assert_eq!(
            list(&folder, &filters),
            [
                "pruned AWSLogs/1/CloudTrail/us-east-1/2026/11/07/x.json.gz",
                "AWSLogs/2/CloudTrail/us-east-1/2026/11/07/x.json.gz",
                "unplaced.json",
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once_and_never_in_circles() {
        use std::os::unix::fs::symlink;
        let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        put(&folder, "a/x.json");
        put(&folder, ".store/hidden.json");
        put(&other, "deep/y.json");
        let link = |from: &Path, to: &str| symlink(from, folder.path().join(to)).unwrap();
        link(folder.path(), "a/up");
        link(&folder.path().join("a"), "b");
        link(&folder.path().join(".store"), "c");
        link(other.path(), "d");
        link(other.path(), "e");
        link(Path::new("/nowhere/at/all"), "f");
        symlink(other.path(), other.path().join("deep/self")).unwrap();
        assert_eq!(
            list(&folder, &Filters::default()),
            [
                ".store: a hidden folder",
                "a/up: a link to a folder above it",
                "a/x.json",
                "b: a link to what is listed elsewhere",
                "c/hidden.json",
                "d/deep/self: a link to a folder above it",
                "d/deep/y.json",
                "e: a link to what is listed elsewhere",
                "failed f: `f` is gone, or is a link to nothing",
            ]
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn odd_names_are_read() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let folder = TempDir::new().unwrap();
        for name in [&b"a\n\x1b[31m.json"[..], b"b\xff.json", b"b\xfe.json", "ü .json".as_bytes()] {
            fs::write(folder.path().join(OsStr::from_bytes(name)), name).unwrap();
        }
        let mut objects = Vec::new();
        open(folder.path()).list(&Filters::default(), Digests::PassedOver, |found| {
            objects.extend(found.into_iter().map(|found| match found {
                Found::Object(object) => object,
                other => panic!("{other:?}"),
            }));
            true
        });
        let names: Vec<_> = objects.iter().map(|o| o.uri.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a\n\u{1b}[31m.json", "b\\xfe.json", "b\\xff.json", "ü .json"]);
        for object in &objects {
            let Some(path) = object.file() else { panic!("{object:?}") };
            assert_eq!(read(path, &object.uri).await.unwrap(), path.file_name().unwrap().as_bytes());
        }
    }

    #[tokio::test]
    async fn what_vanishes_is_told_and_the_rest_goes_on() {
        let folder = TempDir::new().unwrap();
        let many: Vec<String> = (10..10 + AT_A_TIME).map(|n| format!("a/{n}.json")).collect();
        for path in many.iter().map(String::as_str).chain(["b/x.json", "c/x.json"]) {
            put(&folder, path);
        }
        let mut all = Vec::new();
        open(folder.path()).list(&Filters::default(), Digests::PassedOver, |found| {
            let _ = fs::remove_dir_all(folder.path().join("b"));
            all.extend(found.iter().map(|found| told(&folder, found)));
            true
        });
        assert_eq!(all[..AT_A_TIME], many);
        assert_eq!(all[AT_A_TIME..], ["failed b: `b` is gone, or is a link to nothing", "c/x.json"]);
        let gone = read(&folder.path().join("b/x.json"), "b/x.json").await.unwrap_err();
        assert!(gone.to_string().contains("`b/x.json` is gone"));
    }

    #[test]
    fn a_single_file_tells_by_the_folders_above_it() {
        let folder = TempDir::new().unwrap();
        put(&folder, "AWSLogs/7/CloudTrail/us-east-1/2026/11/07/x.json");
        let file = folder.path().join("AWSLogs/7/CloudTrail/us-east-1/2026/11/07/x.json");
        let mut accounts = Vec::new();
        open(&file).list(&Filters::default(), Digests::PassedOver, |found| {
            let [Found::Object(object)] = &found[..] else { panic!("{found:?}") };
            assert_eq!((object.uri.as_str(), object.size), (file.to_str().unwrap(), Some(2)));
            accounts.push(object.layout.clone().unwrap().account);
            true
        });
        assert_eq!(accounts, ["7"]);
    }

    #[test]
    fn a_wrong_path_names_the_nearest() {
        let folder = TempDir::new().unwrap();
        put(&folder, "AWSLogs/x.json");
        let at = folder.path().display();
        for (spec, hint) in [
            (format!("{at}/AWSLog"), format!("did you mean `{at}/AWSLogs`?")),
            (format!("{at}/zzz/AWSLogs/1"), format!("the nearest folder that exists is `{at}`")),
            (format!("{at}/AWSLogs/x.json/y"), format!("`{at}/AWSLogs/x.json` is a file, not a folder")),
        ] {
            let Err(error) = Local::open(&spec) else { panic!("{spec}") };
            assert_eq!(error.hints(), [hint]);
        }
        for spec in ["", "gs://bucket/x", "https://example.com/x.json"] {
            assert_eq!(Local::open(spec).err().unwrap().kind(), crate::error::Kind::Usage, "{spec}");
        }
    }
}
