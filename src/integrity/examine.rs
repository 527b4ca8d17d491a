//! Reads objects and finds their hashes: several at a time, each uncompressed as a stream, so that memory stays bounded.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::chain::Content;
use super::digest::Digest;
use super::shelf::Item;
use super::signature::Hasher;
use super::verdict::Why;
use crate::cloudtrail::{Reason, uncompressed};
use crate::error::{Error, Result};
use crate::source::Source;

/// Bytes of objects held at a time, as stored.
const HELD: usize = 96 << 20;
/// The unit in which they are counted.
const UNIT: u64 = 64 << 10;
/// Objects read at a time from S3, where each waits for the network.
const REMOTE: usize = 16;
/// Bytes that a digest may have; one lists a file in about 500 bytes.
const LARGEST_DIGEST: u64 = 256 << 20;

/// Reads and hashes objects of one source.
#[derive(Debug, Clone)]
pub struct Reader {
    source: Source,
    room: Arc<Semaphore>,
    /// Bytes that a log file may hold once decompressed.
    most: u64,
    /// How many objects are worked on at once.
    pub at_once: usize,
}

/// What was found of a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hashed {
    /// The hash of its whole uncompressed content.
    Whole(String),
    /// Its gzip data is not whole.
    Broken,
    /// It holds more than is read of one file.
    TooLarge,
}

impl Reader {
    /// A reader of `source`, of whose log files none may hold more than `most` bytes once decompressed.
    pub fn new(source: Source, most: u64) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let at_once = if source.is_remote() { REMOTE.max(cores) } else { cores };
        let room = Semaphore::new(HELD / usize::try_from(UNIT).unwrap_or(1));
        Self { source, room: Arc::new(room), most, at_once }
    }

    /// The source.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Works with an object's bytes on a thread that may block.
    async fn with<T: Send + 'static>(&self, item: &Item, work: impl FnOnce(&Bytes) -> T + Send + 'static) -> Result<T> {
        let most = HELD as u64 / UNIT;
        let wanted = u32::try_from((item.object.size.unwrap_or_default() / UNIT + 1).min(most)).unwrap_or(1);
        let room = Arc::clone(&self.room).acquire_many_owned(wanted).await;
        let (source, object, runtime) = (self.source.clone(), item.object.clone(), Handle::current());
        // From S3 the bytes come without a thread; a local file is read where it is hashed.
        let bytes = if source.is_remote() { Some(source.read(&object).await?) } else { None };
        let done = tokio::task::spawn_blocking(move || {
            let bytes = match bytes {
                Some(bytes) => bytes,
                None => source.read_blocking(&object, &runtime)?,
            };
            let done = work(&bytes);
            drop(room);
            Ok(done)
        });
        done.await.map_err(|e| Error::internal("an object's hash was not found").source(e))?
    }

    /// A log file's hash.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn hash(&self, item: &Item) -> Result<Hashed> {
        let most = self.most;
        self.with(item, move |bytes| {
            let mut hasher = Hasher::default();
            match uncompressed(bytes, most, &mut |piece| hasher.update(piece)) {
                Ok(()) => Hashed::Whole(hasher.finish()),
                Err(Reason::TooLarge) => Hashed::TooLarge,
                Err(_) => Hashed::Broken,
            }
        })
        .await
    }

    /// A digest's content.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn digest(&self, item: &Item) -> Result<Content> {
        self.with(item, |bytes| {
            let (mut hasher, mut text) = (Hasher::default(), Vec::new());
            let whole = uncompressed(bytes, LARGEST_DIGEST, &mut |piece| {
                hasher.update(piece);
                text.extend_from_slice(piece);
            });
            match (whole, Digest::parse(&text)) {
                (Err(_), _) => Content::Broken(Why::NotWhole),
                (Ok(()), None) => Content::Broken(Why::NotADigest),
                (Ok(()), Some(digest)) => Content::Whole(Box::new(digest), hasher.finish()),
            }
        })
        .await
    }

    /// A small file's bytes.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn bytes(&self, item: &Item) -> Result<Bytes> {
        self.with(item, |bytes: &Bytes| bytes.clone()).await
    }
}
