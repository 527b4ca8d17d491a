//! Finds the `AWSLogs` folders of a bucket or prefix, without listing what is beside them.
//!
//! Looks a fixed number of levels down and at a bounded number of folders; what it did not look at is said in the notes.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use futures::stream;

use super::layout::{self, AWS_LOGS};
use super::refusal::Refusal;
use super::s3::{Ask, Client};

/// How many folders down an `AWSLogs` folder may lie: `AWSLogs/`, `a/AWSLogs/`, `a/b/AWSLogs/`.
const LEVELS: usize = 2;

/// How many folders are looked into for `AWSLogs`, so that a bucket of many small folders opens in seconds.
const FOLDERS: usize = 500;

/// How many pages of one folder's children are looked at; a page holds up to 1000.
const PAGES: usize = 20;

/// How many folders are listed at once.
const AT_ONCE: usize = 8;

/// What a bucket or prefix turned out to hold.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    /// The prefixes that end in `AWSLogs/`.
    pub(super) roots: BTreeSet<String>,
    /// Folders that could not be looked into.
    pub(super) refused: BTreeMap<String, Refusal>,
    /// What to tell the user, a sentence each.
    pub(super) notes: Vec<String>,
}

impl Discovered {
    /// Whether a prefix is an `AWSLogs` folder, lies below one, or leads to one.
    pub(super) fn leads_to_logs(&self, prefix: &str) -> bool {
        self.roots.range(prefix.to_owned()..).next().is_some_and(|root| root.starts_with(prefix))
    }
}

/// Looks for `AWSLogs` folders below a base that is empty or ends in `/`; fails where the base may not be listed.
pub(super) async fn discover(client: &Client, base: &str) -> Result<Discovered, Refusal> {
    let mut found = Discovered::default();
    let mut complete = true;
    let mut level = vec![base.to_owned()];
    for depth in 0..=LEVELS {
        let mut below = Vec::new();
        let mut listings = stream::iter(level).map(|p| async { (folders(client, &p).await, p) }).buffered(AT_ONCE);
        while let Some((listing, prefix)) = listings.next().await {
            match listing {
                Ok((children, whole)) => {
                    complete &= whole;
                    below.extend(children);
                }
                Err(refusal) if depth == 0 => return Err(refusal),
                Err(refusal) => {
                    found.refused.insert(prefix, refusal);
                }
            }
        }
        let (roots, others): (Vec<_>, Vec<_>) = below.into_iter().partition(|p| is_root(p));
        found.roots.extend(roots);
        level = others;
        if depth < LEVELS && level.len() > FOLDERS {
            level.truncate(FOLDERS);
            complete = false;
        }
    }
    found.notes = notes(client, base, &found.roots).await;
    if !complete {
        found.notes.push(format!(
            "{} holds many folders and only some were searched for {AWS_LOGS}: name the prefix to read others",
            client.uri(base)
        ));
    }
    Ok(found)
}

/// The folders directly below a prefix, and whether these are all.
async fn folders(client: &Client, prefix: &str) -> Result<(Vec<String>, bool), Refusal> {
    let mut ask = Ask { prefix: prefix.to_owned(), folders: true, ..Ask::default() };
    let mut folders = Vec::new();
    for _ in 0..PAGES {
        let page = client.page(&ask).await?;
        folders.extend(page.prefixes);
        ask.token = page.next;
        if ask.token.is_none() {
            return Ok((folders, true));
        }
    }
    Ok((folders, false))
}

fn is_root(prefix: &str) -> bool {
    last_component(prefix) == AWS_LOGS
}

/// The last component of a prefix that ends in `/`.
pub(super) fn last_component(prefix: &str) -> &str {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    prefix.rsplit('/').next().unwrap_or(prefix)
}

/// A sentence for each `AWSLogs` folder, with its organisations and the number of its accounts.
async fn notes(client: &Client, base: &str, roots: &BTreeSet<String>) -> Vec<String> {
    if roots.is_empty() {
        return vec![format!("found no {AWS_LOGS} folder in {} ({LEVELS} levels down)", client.uri(base))];
    }
    let mut notes = Vec::new();
    for root in roots {
        let at = client.uri(root);
        // A folder that may not be listed is told as a failure when its objects are listed.
        let Ok((children, _)) = folders(client, root).await else { continue };
        let (organizations, accounts): (Vec<_>, Vec<_>) =
            children.iter().partition(|c| layout::is_organization(last_component(c)));
        if !accounts.is_empty() {
            notes.push(format!("found {AWS_LOGS} of {} in {at}", counted(accounts.len())));
        }
        for organization in organizations {
            let Ok((members, _)) = folders(client, organization).await else { continue };
            let id = last_component(organization);
            notes.push(format!("found {AWS_LOGS} of organisation {id}, {}, in {at}", counted(members.len())));
        }
    }
    notes
}

fn counted(accounts: usize) -> String {
    if accounts == 1 { "1 account".to_owned() } else { format!("{accounts} accounts") }
}
