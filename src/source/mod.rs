//! Where bytes come from: local folders and files, S3, standard input.
//!
//! Lists objects in a fixed order, prunes by what keys tell, and reads whole objects. It never looks into an object, never
//! writes, and never drops a thing it saw: what is not read is told as such, with the reason.

mod bucket;
mod discover;
pub mod filters;
pub mod layout;
mod local;
mod refusal;
mod s3;
mod stream;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self as streams, BoxStream};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
pub use filters::Filters;

/// How many listed objects may wait for the reader; bounds memory while listing overlaps with reading.
const LISTED_AHEAD: usize = 1024;

/// How to reach S3. What is None is taken from the `AWS_*` variables and the profile, as the AWS CLI does.
#[derive(Debug, Clone, Default)]
pub struct S3Options {
    /// The region of the bucket; a wrong one is corrected from the bucket's answer.
    pub region: Option<String>,
    /// The address of an S3-compatible server, such as `http://localhost:9000`.
    pub endpoint: Option<String>,
    /// Whether the bucket's name goes into the path instead of the host name. Other servers than Amazon's get it anyhow,
    /// unless AWS_S3_PATH_STYLE says `false`.
    pub path_style: bool,
    /// The profile of the AWS configuration files.
    pub profile: Option<String>,
    /// Credentials given by the program instead of the standard chain.
    pub credentials: Option<Credentials>,
    /// A role that is assumed with the credentials found.
    pub role: Option<RoleToAssume>,
    /// Whether the reader pays for requests and transfer, in buckets that ask for it.
    pub requester_pays: bool,
}

/// A role by which a bucket is reached.
#[derive(Debug, Clone)]
pub struct RoleToAssume {
    /// The role's ARN.
    pub arn: String,
    /// What its trust policy asks for.
    pub external_id: Option<String>,
}

/// Credentials given by the program. Their secret parts are never shown.
#[derive(Clone)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret key.
    pub secret_access_key: String,
    /// The session token, of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Something that can be read: an S3 object, a local file, or standard input.
///
/// Where a whole prefix is pruned or passed over at once, it stands here with its own address and without a size.
#[derive(Debug, Clone)]
pub struct Object {
    /// What is stored as `source_object`: the path as the user gave it joined with the path below it, or
    /// `s3://bucket/key`. Bytes that are no UTF-8 are replaced.
    pub uri: String,
    /// The stored size in bytes, where the listing tells.
    pub size: Option<u64>,
    /// The entity tag, without quotes, where the listing tells.
    pub etag: Option<String>,
    /// The time of the last change, in microseconds since the epoch, where the listing tells.
    pub last_modified: Option<i64>,
    /// What the key tells.
    pub layout: Option<layout::Key>,
    place: Place,
}

/// Where an object's bytes are; unlike the address, exact.
#[derive(Debug, Clone)]
enum Place {
    /// A file at the path that is the address: of many objects that wait, each text counts.
    Named,
    File(PathBuf),
    Key(String),
    Stream,
}

impl Object {
    /// The path of a file.
    fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::Named => Some(Path::new(&self.uri)),
            Place::File(path) => Some(path),
            Place::Key(_) | Place::Stream => None,
        }
    }
}

/// What a listing came upon.
#[derive(Debug)]
pub enum Found {
    /// An object to read.
    Object(Object),
    /// An object, or a whole prefix, that the filters exclude by its key.
    Pruned(Object),
    /// Something that holds no CloudTrail records: digests, query results, foreign objects and folders, hidden files.
    NotCloudTrail {
        /// The object's or folder's address.
        uri: String,
        /// What it is instead.
        why: &'static str,
    },
    /// An object that S3 has archived; it cannot be read before it is restored.
    Archived(Object),
    /// A part of the source that could not be listed; the rest goes on.
    Failed {
        /// The address of that part.
        uri: String,
        /// What went wrong.
        error: Error,
    },
}

/// What a listing does with integrity digests, which hold no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digests {
    PassedOver,
    Listed,
}

impl Digests {
    /// Why a folder's objects are not listed to be read.
    fn not_read(self, folder: layout::Folder) -> Option<&'static str> {
        folder.not_read().filter(|_| self == Self::PassedOver || folder != layout::Folder::Digest)
    }
}

/// An opened source. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Source {
    inner: Arc<Inner>,
    /// What this source leaves out, whatever is asked of all.
    own: Arc<Filters>,
}

#[derive(Debug)]
enum Inner {
    Local(Arc<local::Local>),
    S3(Arc<bucket::Bucket>),
    Stream(stream::Stream),
}

impl Source {
    /// Opens a local folder or file, `s3://bucket[/prefix]`, or `-` for standard input.
    ///
    /// A bucket is asked at once, so that a wrong name, missing credentials or a refusal are errors here.
    ///
    /// # Errors
    /// Where the path, bucket or prefix does not exist or may not be listed; each says what to do about it.
    pub async fn open(spec: &str, s3: &S3Options) -> Result<Self> {
        let inner = if spec == "-" {
            Inner::Stream(stream::Stream::standard_input())
        } else if let Some(rest) = spec.strip_prefix("s3://") {
            Inner::S3(Arc::new(bucket::Bucket::open(rest, s3).await?))
        } else {
            match local::Local::open(spec)? {
                local::Opened::Walkable(local) => Inner::Local(Arc::new(local)),
                local::Opened::Pipe(path) => Inner::Stream(stream::Stream::pipe(spec, path)),
            }
        };
        Ok(Self { inner: Arc::new(inner), own: Arc::default() })
    }

    /// The same source without what `own` leaves out: earlier deliveries, accounts and regions to skip.
    pub fn without(self, own: Filters) -> Self {
        Self { own: Arc::new(own), ..self }
    }

    /// Lists what is there, in the order of the keys' bytes; listing runs ahead of the reader by a bounded number.
    ///
    /// Must be polled inside a Tokio runtime. Dropping the stream ends the listing.
    pub fn list(&self, filters: &Filters) -> BoxStream<'static, Found> {
        self.listed(filters, Digests::PassedOver)
    }

    /// Lists what is there like [`Source::list`], the integrity digests among the objects.
    pub fn list_with_digests(&self, filters: &Filters) -> BoxStream<'static, Found> {
        self.listed(filters, Digests::Listed)
    }

    fn listed(&self, filters: &Filters, digests: Digests) -> BoxStream<'static, Found> {
        let filters = filters.and(&self.own);
        match &*self.inner {
            Inner::Local(local) => {
                let local = Arc::clone(local);
                let start = move |out: Sender<Vec<Found>>| {
                    tokio::task::spawn_blocking(move || {
                        local.list(&filters, digests, |found| out.blocking_send(found).is_ok());
                    })
                };
                received(self.describe(), LISTED_AHEAD / local::AT_A_TIME, |failed| vec![failed], start)
                    .flat_map(streams::iter)
                    .boxed()
            }
            Inner::S3(bucket) => {
                let bucket = Arc::clone(bucket);
                received(
                    self.describe(),
                    LISTED_AHEAD,
                    |failed| failed,
                    move |out| tokio::spawn(bucket.list(filters, digests, out)),
                )
            }
            Inner::Stream(stream) => streams::once(futures::future::ready(Found::Object(stream.object()))).boxed(),
        }
    }

    /// Reads a whole object of this source.
    ///
    /// # Errors
    /// Where the object is gone, may not be read or decrypted, is archived, or arrives shorter than announced.
    pub async fn read(&self, object: &Object) -> Result<Bytes> {
        match (&*self.inner, &object.place, object.file()) {
            (Inner::Local(_), _, Some(path)) => local::read(path, &object.uri).await,
            (Inner::S3(bucket), Place::Key(key), _) => bucket.read(key).await,
            (Inner::Stream(stream), Place::Stream, _) => stream.read().await,
            _ => Err(Error::internal("an object was asked of another source").context("object", &object.uri)),
        }
    }

    /// The object of a bucket that has this key, wherever in the bucket it lies; None where there is none. Folders and
    /// streams are not asked: all that they hold is listed.
    ///
    /// # Errors
    /// Where the bucket refuses to tell.
    pub async fn find(&self, key: &str) -> Result<Option<Object>> {
        match &*self.inner {
            Inner::S3(bucket) => bucket.find(key).await,
            Inner::Local(_) | Inner::Stream(_) => Ok(None),
        }
    }

    /// What a bucket keeps beside an object: its user-defined metadata, without the `x-amz-meta-`. None where the source
    /// keeps none.
    ///
    /// # Errors
    /// Where the bucket refuses to tell.
    pub async fn metadata(&self, object: &Object) -> Result<Option<HashMap<String, String>>> {
        match (&*self.inner, &object.place) {
            (Inner::S3(bucket), Place::Key(key)) => bucket.metadata(key).await.map(Some),
            _ => Ok(None),
        }
    }

    /// The bucket and the part of its keys that lie in this source; None where it is no bucket.
    pub fn bucket(&self) -> Option<(&str, &str)> {
        match &*self.inner {
            Inner::S3(bucket) => Some(bucket.named()),
            Inner::Local(_) | Inner::Stream(_) => None,
        }
    }

    /// Where an object lies: its key in the bucket, or its path from `/` on with `/` between the components.
    pub fn path_of(&self, object: &Object) -> String {
        match (&*self.inner, &object.place, object.file()) {
            (Inner::Local(local), _, Some(path)) => local.key(path),
            (_, Place::Key(key), _) => key.clone(),
            _ => object.uri.clone(),
        }
    }

    /// Where the source itself lies, in the same form.
    pub fn path(&self) -> String {
        match &*self.inner {
            Inner::Local(local) => local.key_of_root(),
            Inner::S3(bucket) => bucket.named().1.to_owned(),
            Inner::Stream(_) => String::new(),
        }
    }

    /// Whether reading waits for a network or another program, so that it is worth while to read ahead.
    pub fn is_remote(&self) -> bool {
        !matches!(&*self.inner, Inner::Local(_))
    }

    /// Reads an object on a thread that may block; a local file without a detour through the runtime.
    ///
    /// # Errors
    /// As for [`Source::read`].
    pub fn read_blocking(&self, object: &Object, runtime: &tokio::runtime::Handle) -> Result<Bytes> {
        match (&*self.inner, object.file()) {
            (Inner::Local(_), Some(path)) => local::read_blocking(path, &object.uri),
            _ => runtime.block_on(self.read(object)),
        }
    }

    /// The source as a person names it, such as `s3://bucket/prefix`.
    pub fn describe(&self) -> String {
        match &*self.inner {
            Inner::Local(local) => local.describe(),
            Inner::S3(bucket) => bucket.describe(),
            Inner::Stream(stream) => stream.describe(),
        }
    }

    /// What a bucket turned out to hold when it was opened, a sentence each, for the console.
    pub fn notes(&self) -> Vec<String> {
        match &*self.inner {
            Inner::S3(bucket) => bucket.notes(),
            Inner::Local(_) | Inner::Stream(_) => Vec::new(),
        }
    }
}

/// The stream of what a listing task sends, so many `ahead` of the reader; the task starts at the first poll. `told` makes a failure one of what it sends.
fn received<T: Send + 'static>(
    uri: String,
    ahead: usize,
    told: fn(Found) -> T,
    start: impl FnOnce(Sender<T>) -> JoinHandle<()> + Send + 'static,
) -> BoxStream<'static, T> {
    streams::once(async move {
        let (sender, receiver) = mpsc::channel(ahead);
        drained(uri, told, start(sender), receiver)
    })
    .flatten()
    .boxed()
}

/// What a listing task sends to its end. A task that breaks off is a failure, and not taken for the end of the listing.
fn drained<T: Send>(
    uri: String,
    told: fn(Found) -> T,
    task: JoinHandle<()>,
    receiver: Receiver<T>,
) -> impl futures::Stream<Item = T> + Send {
    streams::unfold(Some((uri, task, receiver)), move |state| async move {
        let (uri, task, mut receiver) = state?;
        if let Some(found) = receiver.recv().await {
            return Some((found, Some((uri, task, receiver))));
        }
        let error = Error::internal("the listing broke off").source(task.await.err()?);
        Some((told(Found::Failed { uri, error }), None))
    })
}
