//! Puts listed objects together that are verified together: one account's digests and log files of one region.
//!
//! Listings come in the order of the keys, so one account and, behind its digests, one region is held at a time.

use std::collections::BTreeMap;

use super::name::DigestName;
use crate::source::Object;
use crate::source::layout::Folder;

/// The ending of a file that holds a digest's metadata, beside it.
pub const SIDECAR: &str = ".metadata.json";

/// An object that was listed.
#[derive(Debug, Clone)]
pub struct Item {
    /// The object.
    pub object: Object,
    /// Where it lies in its source.
    pub path: String,
    /// What its folder holds.
    pub folder: Folder,
    /// The minute of its delivery, microseconds, where its name tells.
    pub delivered_at: Option<i64>,
    /// Whether it lies in cold storage.
    pub archived: bool,
}

/// What is verified together.
#[derive(Debug, Default)]
pub struct Unit {
    /// The account.
    pub account: String,
    /// The region; empty where no key tells.
    pub region: String,
    /// Digests, in the order of their keys.
    pub digests: Vec<(DigestName, Item)>,
    /// Files with a digest's metadata.
    pub sidecars: Vec<Item>,
    /// Log files, in the order of their keys.
    pub logs: Vec<Item>,
}

/// The account that is being listed.
#[derive(Debug, Default)]
pub struct Shelf {
    /// What stands before the CloudTrail folder, and the account.
    at: Option<(String, String)>,
    regions: BTreeMap<String, Unit>,
}

impl Shelf {
    /// Takes an object in, and hands out what is complete before it. False where it is neither digest nor log file.
    pub fn put(&mut self, mut object: Object, path: String, archived: bool, done: &mut Vec<Unit>) -> bool {
        let Some(key) = object.layout.take() else { return false };
        let name = match key.folder {
            Folder::LakeQuery => return false,
            Folder::Digest => DigestName::parse(&path),
            _ => None,
        };
        let sidecar = key.folder == Folder::Digest && path.ends_with(SIDECAR);
        if key.folder == Folder::Digest && name.is_none() && !sidecar {
            return false;
        }
        let region = key.region.unwrap_or_default();
        let at = (before_folder(&path).to_owned(), key.account);
        if self.at.as_ref().is_some_and(|there| *there != at) {
            done.append(&mut self.finish());
        } else if key.folder == Folder::CloudTrail {
            // Digests stand before log files in the order of keys, so another region's log files end this one's.
            let ended = self.regions.iter().filter(|(there, unit)| {
                **there != region && unit.logs.last().is_some_and(|log| log.folder == Folder::CloudTrail)
            });
            let ended: Vec<String> = ended.map(|(there, _)| there.clone()).collect();
            done.extend(ended.iter().filter_map(|region| self.regions.remove(region)));
        }
        let unit = self.regions.entry(region.clone()).or_insert_with(|| Unit {
            account: at.1.clone(),
            region,
            ..Unit::default()
        });
        self.at = Some(at);
        object.etag = None;
        let item = Item { object, path, folder: key.folder, delivered_at: key.delivered_at, archived };
        match name {
            Some(name) => unit.digests.push((name, item)),
            None if sidecar => unit.sidecars.push(item),
            None => unit.logs.push(item),
        }
        true
    }

    /// Hands out what is left.
    pub fn finish(&mut self) -> Vec<Unit> {
        self.at = None;
        std::mem::take(&mut self.regions).into_values().collect()
    }
}

/// What stands before the CloudTrail folder in a path; the file's folder where there is none.
fn before_folder(path: &str) -> &str {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let mut end = folders.len();
    for folder in folders.rsplit('/') {
        let start = end - folder.len();
        if Folder::from_component(folder).is_some() {
            return &folders[..start];
        }
        end = start.saturating_sub(1);
    }
    folders
}
