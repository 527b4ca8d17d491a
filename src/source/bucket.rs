//! Lists and reads a bucket, or a part of it, along CloudTrail's layout.
//!
//! Enters only folders that can hold wanted events, and goes down folder by folder only as far as the filters can cut;
//! below that it lists keys page by page. A whole prefix that is pruned or holds something else is told once, by its own
//! address. Never lists what lies beside the `AWSLogs` folders of a bucket's root.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, BoxStream};
use tokio::sync::mpsc::{self, Sender};

use super::discover::{Discovered, discover, last_component};
use super::layout::{self, Folder, Place as At};
use super::refusal::{Doing, Reason, Refusal};
use super::s3::{Ask, Client, Entry, Page};
use super::{Digests, Filters, Found, LISTED_AHEAD, Object, Place, S3Options, drained};
use crate::error::{Error, Kind, Result};

/// How many accounts are listed at once; one listing is a chain of pages, each asked for after the one before.
const ACCOUNTS_AT_ONCE: usize = 8;

/// How alike a name must be to be offered in place of one that does not exist (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

/// A bucket, or a part of it.
#[derive(Debug)]
pub(super) struct Bucket {
    client: Client,
    target: Target,
    found: Discovered,
    shown: String,
}

/// What the user's prefix turned out to be.
#[derive(Debug)]
enum Target {
    /// The whole bucket: only its `AWSLogs` folders are entered.
    Root,
    /// A folder: a prefix that ends in `/`.
    Folder(String),
    /// One object.
    Key(Entry),
    /// The beginning of several keys or folders.
    Start(String),
}

/// The reader is gone, so the listing ends.
struct Gone;

/// What to do with a folder.
enum Step {
    Walk,
    Pruned,
    Foreign(&'static str),
    Failed(Refusal),
}

impl Bucket {
    /// Opens `bucket[/prefix]`, asking the bucket what is there.
    pub(super) async fn open(spec: &str, options: &S3Options) -> Result<Self> {
        let (bucket, prefix) = spec.split_once('/').unwrap_or((spec, ""));
        if bucket.is_empty() {
            return Err(Error::usage("the bucket's name is missing").hint("write s3://bucket or s3://bucket/prefix"));
        }
        let client = Client::connect(bucket, options).await;
        let shown = client.uri(prefix).trim_end_matches('/').to_owned();
        match Self::look(client.clone(), prefix, shown.clone()).await {
            Err(Miss::Refused(Refusal { reason: Reason::OtherRegion(region), .. })) => {
                Self::look(client.in_region(&region), prefix, shown).await
            }
            looked => looked,
        }
        .map_err(|miss| match miss {
            Miss::Refused(refusal) => refusal.into(),
            Miss::Nothing(error) => error,
        })
    }

    async fn look(client: Client, prefix: &str, shown: String) -> Result<Self, Miss> {
        let target = if prefix.is_empty() { Target::Root } else { target(&client, prefix).await? };
        let found = match &target {
            Target::Root => discover(&client, "").await?,
            Target::Folder(folder) if layout::place(folder) == At::Outside => discover(&client, folder).await?,
            _ => Discovered::default(),
        };
        Ok(Self { client, target, found, shown })
    }

    pub(super) fn describe(&self) -> String {
        self.shown.clone()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.found.notes.clone()
    }

    pub(super) async fn read(&self, key: &str) -> Result<Bytes> {
        Ok(self.client.get(key).await?)
    }

    /// The bucket's name, and the prefix that was named.
    pub(super) fn named(&self) -> (&str, &str) {
        let spec = self.shown.strip_prefix("s3://").unwrap_or(&self.shown);
        spec.split_once('/').unwrap_or((spec, ""))
    }

    pub(super) async fn find(&self, key: &str) -> Result<Option<Object>> {
        match self.client.head(key).await {
            Ok((entry, _)) => Ok(Some(self.object(entry))),
            Err(Refusal { reason: Reason::NoSuchKey, .. }) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    pub(super) async fn metadata(&self, key: &str) -> Result<HashMap<String, String>> {
        Ok(self.client.head(key).await?.1)
    }

    fn object(&self, entry: Entry) -> Object {
        Object {
            uri: self.client.uri(&entry.key),
            size: entry.size,
            etag: entry.etag,
            last_modified: entry.last_modified,
            layout: layout::parse(&entry.key),
            place: Place::Key(entry.key),
        }
    }

    /// Sends everything found, in the order of the keys, until the end or until nobody listens.
    pub(super) async fn list(self: Arc<Self>, filters: Filters, digests: Digests, out: Sender<Found>) {
        let walk = Walk { bucket: self, filters: Arc::new(filters), digests, out };
        // An end of the reader is the end of the listing, and nothing to tell.
        let _: Result<(), Gone> = match &walk.bucket.target {
            Target::Root => walk.walk(String::new()).await,
            Target::Folder(folder) => walk.walk(folder.clone()).await,
            Target::Key(entry) => walk.say(walk.sorted(entry.clone(), true)).await,
            Target::Start(start) => walk.keys(start, false).await,
        };
    }

    fn selective(&self) -> bool {
        matches!(self.target, Target::Root)
    }
}

/// Why a bucket cannot be opened.
enum Miss {
    Refused(Refusal),
    Nothing(Error),
}

impl From<Refusal> for Miss {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Finds out what a prefix is: a key, a folder, or the beginning of several.
async fn target(client: &Client, prefix: &str) -> Result<Target, Miss> {
    let ask = Ask { prefix: prefix.to_owned(), folders: true, ..Ask::default() };
    let page = match client.page(&ask).await {
        Ok(page) => page,
        Err(refusal) if refusal.reason == Reason::Denied && refusal.doing == Doing::List && !prefix.ends_with('/') => {
            // Whoever may read but not list can still name a key.
            return client.head(prefix).await.map(|(entry, _)| Target::Key(entry)).map_err(|_| Miss::Refused(refusal));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let folder = format!("{prefix}/");
    if page.entries.is_empty() && page.prefixes.is_empty() {
        Err(Miss::Nothing(nothing(client, prefix).await?))
    } else if prefix.ends_with('/') {
        Ok(Target::Folder(prefix.to_owned()))
    } else if let Some(entry) = page.entries.iter().find(|e| e.key == prefix) {
        Ok(Target::Key(entry.clone()))
    } else if page.prefixes.contains(&folder) {
        Ok(Target::Folder(folder))
    } else {
        Ok(Target::Start(prefix.to_owned()))
    }
}

/// The error for a prefix below which nothing is, with the nearest that exists.
async fn nothing(client: &Client, prefix: &str) -> Result<Error, Refusal> {
    let error = Error::new(Kind::Empty, format!("there is nothing in `{}`", client.uri(prefix)));
    let mut missing = prefix.trim_end_matches('/');
    loop {
        let parent = missing.rfind('/').map_or("", |i| &missing[..=i]);
        let page = client.page(&Ask { prefix: parent.to_owned(), folders: true, ..Ask::default() }).await?;
        let wanted = last_component(missing).to_lowercase();
        let nearest = items(page)
            .into_iter()
            .map(|item| match item {
                Item::Key(entry) => entry.key,
                Item::Folder(prefix) => prefix,
            })
            .map(|key| (strsim::jaro_winkler(&last_component(&key).to_lowercase(), &wanted), key))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        return Ok(match nearest {
            Some((alike, key)) if alike >= ALIKE => error.hint(format!("did you mean `{}`?", client.uri(&key))),
            Some(_) => error.hint(format!("the nearest folder that exists is `{}`", client.uri(parent))),
            None if parent.is_empty() => error.hint("the bucket is empty"),
            None => {
                missing = parent.trim_end_matches('/');
                continue;
            }
        });
    }
}

/// A key or a folder in a listing.
enum Item {
    Key(Entry),
    Folder(String),
}

impl Item {
    fn name(&self) -> &str {
        match self {
            Self::Key(entry) => &entry.key,
            Self::Folder(prefix) => prefix,
        }
    }
}

/// A page's keys and folders in the order of their bytes.
fn items(page: Page) -> Vec<Item> {
    let folders = page.prefixes.into_iter().map(Item::Folder);
    let mut items: Vec<Item> = page.entries.into_iter().map(Item::Key).chain(folders).collect();
    items.sort_by(|a, b| a.name().cmp(b.name()));
    items
}

/// One listing under way.
#[derive(Clone)]
struct Walk {
    bucket: Arc<Bucket>,
    filters: Arc<Filters>,
    digests: Digests,
    out: Sender<Found>,
}

impl Walk {
    async fn say(&self, found: Found) -> Result<(), Gone> {
        self.out.send(found).await.map_err(|_| Gone)
    }

    async fn failed(&self, prefix: &str, refusal: Refusal) -> Result<(), Gone> {
        self.say(Found::Failed { uri: self.bucket.client.uri(prefix), error: refusal.into() }).await
    }

    /// Lists a folder: child by child where its children can be told apart by the filters, key by key elsewhere.
    fn walk(&self, prefix: String) -> BoxFuture<'_, Result<(), Gone>> {
        async move {
            let at = layout::place(&prefix);
            let by_child = match at {
                At::Outside => self.bucket.selective() || self.bucket.found.leads_to_logs(&prefix),
                At::Top | At::Organization(_) | At::Account(_) => true,
                At::Folder(folder) => self.digests.not_read(folder).is_none() && !self.filters.is_empty(),
                At::Region(_) | At::Below => false,
            };
            if by_child {
                self.children(&prefix, at).await
            } else {
                self.keys(&prefix, matches!(at, At::Region(_))).await
            }
        }
        .boxed()
    }

    async fn children(&self, prefix: &str, at: At<'_>) -> Result<(), Gone> {
        let at_once = if matches!(at, At::Top | At::Organization(_)) { ACCOUNTS_AT_ONCE } else { 1 };
        let mut ask = Ask { prefix: prefix.to_owned(), folders: true, ..Ask::default() };
        loop {
            let page = match self.bucket.client.page(&ask).await {
                Ok(page) => page,
                Err(refusal) => return self.failed(prefix, refusal).await,
            };
            ask.token.clone_from(&page.next);
            let parts = stream::iter(items(page)).map(|item| async { self.part(item, at) });
            let mut founds = parts.buffered(at_once).flatten();
            while let Some(found) = founds.next().await {
                self.say(found).await?;
            }
            if ask.token.is_none() {
                return Ok(());
            }
        }
    }

    /// What a child holds; a folder's listing starts at once, beside those before it.
    fn part(&self, item: Item, at: At<'_>) -> BoxStream<'static, Found> {
        let prefix = match item {
            Item::Key(entry) => return one(self.sorted(entry, false)),
            Item::Folder(prefix) => prefix,
        };
        let uri = self.bucket.client.uri(&prefix);
        match self.step(&prefix, at) {
            Step::Foreign(why) => one(Found::NotCloudTrail { uri, why }),
            Step::Failed(refusal) => one(Found::Failed { uri, error: refusal.into() }),
            Step::Pruned => one(Found::Pruned(self.folder(prefix))),
            Step::Walk => {
                let (out, receiver) = mpsc::channel(LISTED_AHEAD);
                let walk = Self { out, ..self.clone() };
                let task = tokio::spawn(async move {
                    let _: Result<(), Gone> = walk.walk(prefix).await;
                });
                drained(uri, |failed| failed, task, receiver).boxed()
            }
        }
    }

    /// What to do with a folder whose parent stands at a place of the layout.
    fn step(&self, child: &str, parent: At<'_>) -> Step {
        let name = last_component(child);
        let account = |name| if self.filters.wants_account(name) { Step::Walk } else { Step::Pruned };
        match parent {
            At::Outside if self.bucket.found.leads_to_logs(child) => Step::Walk,
            At::Outside => match self.bucket.found.refused.get(child) {
                Some(refusal) => Step::Failed(refusal.clone()),
                None if self.bucket.selective() => Step::Foreign("no AWSLogs folder is in it"),
                None => Step::Walk,
            },
            At::Top if layout::is_organization(name) => Step::Walk,
            At::Top | At::Organization(_) => account(name),
            At::Account(_) => match Folder::from_component(name).map(|folder| self.digests.not_read(folder)) {
                // Digests are counted one by one where all is listed anyhow; a cut listing does not pay for them.
                Some(Some(why)) if !self.filters.is_empty() => Step::Foreign(why),
                Some(_) => Step::Walk,
                None if name.starts_with("CloudTrail") => Step::Walk,
                None => Step::Foreign("another service's logs"),
            },
            At::Folder(_) if !self.filters.wants_region(name) => Step::Pruned,
            At::Folder(_) | At::Region(_) | At::Below => Step::Walk,
        }
    }

    /// Lists all keys with a prefix. Where days follow in the keys, days that cannot matter are passed over.
    async fn keys(&self, prefix: &str, days: bool) -> Result<(), Gone> {
        let mut ask = Ask { prefix: prefix.to_owned(), ..Ask::default() };
        if days && let Some(day) = self.filters.first_day() {
            let after = format!("{prefix}{}", day.format("%Y/%m/%d"));
            let first = Ask { limit: Some(1), ..ask.clone() };
            match self.bucket.client.page(&first).await {
                Ok(page) if page.entries.first().is_some_and(|e| e.key < after) => {
                    self.say(Found::Pruned(self.folder(prefix.to_owned()))).await?;
                }
                Ok(_) => {}
                Err(refusal) => return self.failed(prefix, refusal).await,
            }
            ask.start_after = Some(after);
        }
        loop {
            let page = match self.bucket.client.page(&ask).await {
                Ok(page) => page,
                Err(refusal) => return self.failed(prefix, refusal).await,
            };
            for entry in page.entries {
                let day = entry.key.strip_prefix(prefix).filter(|_| days).and_then(layout::day_at_start);
                let last = day.is_some_and(|day| self.filters.is_past(day));
                self.say(self.sorted(entry, false)).await?;
                if last {
                    // Keys are in the order of days, so all that follows is pruned with this one.
                    return Ok(());
                }
            }
            if page.next.is_none() {
                return Ok(());
            }
            ask.token = page.next;
        }
    }

    /// What a key in a listing is. A key that the user named is read wherever it lies.
    fn sorted(&self, entry: Entry, named: bool) -> Found {
        let uri = self.bucket.client.uri(&entry.key);
        if entry.key.ends_with('/') {
            return Found::NotCloudTrail { uri, why: "a folder's marker" };
        }
        if let Some(why) = layout::folder_of(&entry.key).and_then(|folder| self.digests.not_read(folder)) {
            return Found::NotCloudTrail { uri, why };
        }
        let (archived, holds) = (entry.archived, named || self.can_hold_records(&entry.key));
        let object = self.bucket.object(entry);
        if object.layout.is_none() && !holds {
            return Found::NotCloudTrail { uri, why: "not in a CloudTrail folder" };
        }
        match &object.layout {
            Some(key) if !self.filters.wants(key) => Found::Pruned(object),
            _ if archived => Found::Archived(object),
            _ => Found::Object(object),
        }
    }

    /// Whether records can lie under a key whose name tells nothing.
    fn can_hold_records(&self, key: &str) -> bool {
        let folder = key.rfind('/').map_or("", |i| &key[..=i]);
        match layout::place(folder) {
            At::Outside => !self.bucket.selective(),
            At::Top | At::Organization(_) | At::Account(_) => false,
            At::Folder(_) | At::Region(_) | At::Below => true,
        }
    }

    /// A whole prefix that stands for all that is below it.
    fn folder(&self, prefix: String) -> Object {
        Object {
            uri: self.bucket.client.uri(&prefix),
            size: None,
            etag: None,
            last_modified: None,
            layout: layout::parse(&prefix),
            place: Place::Key(prefix),
        }
    }
}

fn one(found: Found) -> BoxStream<'static, Found> {
    stream::iter([found]).boxed()
}
