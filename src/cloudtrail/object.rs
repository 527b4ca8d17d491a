//! An object's wrapping: gzip, zip, plain; told by its first bytes, never by its name.
//!
//! Memory stays at about a window: small objects are decompressed whole into a buffer that the thread keeps, large ones
//! stream through it.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{Cursor, Read};

use super::book::{Book, Fault, Limits, Place, Reason};
use super::event::Event;
use super::gzip::{self, End, Members};
use super::utf16::{self, Narrow};
use super::walk::{Buffers, MAX_RECORD, Walk};
use super::wanted::Wanted;

/// A stream is read in pieces of this size (or the window's, if that is smaller), which fit a core's own cache.
const PIECE: usize = 1 << 20;

type Each<'e> = &'e mut dyn FnMut(Place<'_>, &Event<'_>);
/// Why a stream ended early, if it did.
type Flaw = Option<(Reason, Cow<'static, str>)>;

/// What a thread keeps from object to object.
#[derive(Default)]
struct Scratch {
    inflater: libdeflater::Decompressor,
    bytes: Vec<u8>,
    buffers: Buffers,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Decodes one object and calls `each` for every event in order; says what the object is and accounts for every record.
///
/// `name` (key or path) is only a hint that tells what bytes without JSON may be; the content decides.
///
/// Records that are not `wanted` may be passed over, as far as that can be told without reading them.
pub fn decode_object(
    name: &str,
    bytes: &[u8],
    limits: &Limits,
    wanted: &Wanted,
    each: &mut dyn FnMut(Place<'_>, &Event<'_>),
) -> Book {
    // Taken, not borrowed: `each` may decode another object.
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let mut object =
        Object { name, member: None, limits, wanted, left: limits.max_decompressed, scratch: &mut scratch };
    let book = object.decode(bytes, each);
    if scratch.bytes.len() > limits.window {
        scratch.bytes.truncate(limits.window);
        scratch.bytes.shrink_to_fit();
    }
    SCRATCH.set(Some(scratch));
    book
}

/// One object, or one member of a zip archive.
struct Object<'o> {
    name: &'o str,
    member: Option<&'o str>,
    limits: &'o Limits,
    wanted: &'o Wanted,
    /// Bytes that may still be decompressed.
    left: u64,
    scratch: &'o mut Scratch,
}

impl Object<'_> {
    fn decode(&mut self, bytes: &[u8], each: Each<'_>) -> Book {
        if gzip::is_gzip(bytes) {
            self.gzip(bytes, each)
        } else if self.member.is_none() && (bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")) {
            self.zip(bytes, each)
        } else {
            self.text(bytes, each)
        }
    }

    /// Text that is all there.
    fn text(&mut self, bytes: &[u8], each: Each<'_>) -> Book {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let (bytes, flaw) = if bytes.len() > most { (&bytes[..most], Some(self.too_large())) } else { (bytes, None) };
        let utf16 = utf16::whole(bytes);
        let bytes = utf16.as_deref().map_or(bytes, str::as_bytes);
        let mut walk = Walk::new(self.limits, self.wanted, self.name, self.member, each, &mut self.scratch.buffers);
        walk.feed(bytes, true);
        let mut book = walk.finish(flaw);
        book.decompressed = bytes.len() as u64;
        book
    }

    fn gzip(&mut self, bytes: &[u8], each: Each<'_>) -> Book {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.limits.window);
        let mut out = std::mem::take(&mut self.scratch.bytes);
        let length = gzip::whole(&mut self.scratch.inflater, bytes, &mut out, most);
        let book = length.map(|length| self.text(&out[..length], each));
        self.scratch.bytes = out;
        if let Some(book) = book {
            return book;
        }
        let (mut members, mut total) = (Members::new(bytes), 0);
        self.stream(each, |out| {
            let (filled, end) = members.fill(out);
            total += filled;
            (filled, end.map(|end| flaw(end, total)))
        })
    }

    /// Text that comes in pieces: `fill` fills a buffer and tells when that was the last of it, and what was wrong.
    fn stream(&mut self, each: Each<'_>, fill: impl FnMut(&mut [u8]) -> (usize, Option<Flaw>)) -> Book {
        let mut text = Narrow::new(fill);
        let mut bytes = std::mem::take(&mut self.scratch.bytes);
        let mut walk = Walk::new(self.limits, self.wanted, self.name, self.member, each, &mut self.scratch.buffers);
        let mut size = self.limits.window.clamp(64, PIECE);
        let (mut length, mut total, left) = (0, 0u64, self.left);
        let flaw = loop {
            if bytes.len() < size {
                bytes.resize(size, 0);
            }
            let (filled, end) = text.fill(&mut bytes[length..size]);
            length += filled;
            total += filled as u64;
            let over = total.saturating_sub(left);
            if over > 0 {
                // Less than a piece lies beyond the limit: the rest of it is in the buffer.
                length -= usize::try_from(over).unwrap_or(length).min(length);
                total = left;
            }
            let last = end.is_some() || over > 0;
            let used = walk.feed(&bytes[..length], last);
            if over > 0 {
                break Some(too_large(self.limits));
            }
            if let Some(flaw) = end {
                break flaw;
            }
            if walk.is_done() {
                break None;
            }
            bytes.copy_within(used..length, 0);
            length -= used;
            if length == size {
                size = (size * 2).min(MAX_RECORD + PIECE);
            }
        };
        let mut book = walk.finish(flaw);
        self.scratch.bytes = bytes;
        book.decompressed = total;
        book
    }

    fn too_large(&self) -> (Reason, Cow<'static, str>) {
        too_large(self.limits)
    }

    /// Every member as an object of its own. Where the directory at the end is missing, the members' own headers lead.
    fn zip(&mut self, bytes: &[u8], each: Each<'_>) -> Book {
        let mut book = Book::default();
        match zip::ZipArchive::new(Cursor::new(bytes)) {
            Ok(mut archive) => {
                for place in 0..archive.len() {
                    match archive.by_index(place) {
                        Ok(file) => self.member(file, &mut book, each),
                        Err(error) => self.zip_fault(&mut book, Some(format!("member {place}")), &error),
                    }
                }
            }
            Err(error) => {
                self.zip_fault(&mut book, None, &error);
                let mut rest = Cursor::new(bytes);
                while let Ok(Some(file)) = zip::read::read_zipfile_from_stream(&mut rest) {
                    self.member(file, &mut book, each);
                }
            }
        }
        book
    }

    /// Decodes one member and adds it to the archive's book.
    fn member<R: Read>(&mut self, file: zip::read::ZipFile<'_, R>, book: &mut Book, each: Each<'_>) {
        if file.is_dir() {
            return;
        }
        let name = file.name().map_or_else(|_| String::from_utf8_lossy(file.name_raw()).into_owned(), Cow::into_owned);
        let mut file = Steady { inner: file, piece: [0; 1024], from: 0, to: 0 };
        let left = self.left;
        let mut inner = Object {
            name: &name,
            member: Some(&name),
            limits: self.limits,
            wanted: self.wanted,
            left,
            scratch: &mut *self.scratch,
        };
        let mut head = Vec::new();
        let most = left.min(self.limits.window.max(64) as u64);
        let read = file.by_ref().take(most + 1).read_to_end(&mut head);
        // A gzip file inside is small enough to be held: it is compressed, and its own content streams.
        let read = if read.is_ok() && gzip::is_gzip(&head) && head.len() as u64 > most {
            file.by_ref().take(left.saturating_sub(most)).read_to_end(&mut head)
        } else {
            read
        };
        let part = if read.is_ok() && head.len() as u64 > most && !gzip::is_gzip(&head) {
            let mut source = Cursor::new(head).chain(file);
            inner.stream(each, |out| read_full(&mut source, out))
        } else {
            let mut part = inner.decode(&head, each);
            if let Err(error) = read {
                part.truncated = true;
                let text = format!("the member cannot be read beyond byte {}: {error}", head.len());
                push(self.limits, &mut part, Some(name.clone()), Reason::ZipCorrupt, text);
            }
            part
        };
        self.left = self.left.saturating_sub(part.decompressed);
        book.add(part, self.limits);
    }

    fn zip_fault(&self, book: &mut Book, member: Option<String>, error: &zip::result::ZipError) {
        let reason = match error {
            zip::result::ZipError::UnsupportedArchive(_) => Reason::ZipUnsupported,
            _ => Reason::ZipCorrupt,
        };
        book.truncated = true;
        push(self.limits, book, member, reason, format!("the zip archive cannot be read: {error}"));
    }
}

fn push(limits: &Limits, book: &mut Book, member: Option<String>, reason: Reason, text: String) {
    if book.faults.len() < limits.max_faults {
        book.faults.push(Fault { index: None, member, reason, text });
    }
}

fn too_large(limits: &Limits) -> (Reason, Cow<'static, str>) {
    (Reason::TooLarge, format!("larger than {} bytes once decompressed", limits.max_decompressed).into())
}

/// Asks for the same few bytes each time, however many are wanted: a read that fails gives nothing of what it had, so that how
/// much of a broken member is read would depend on the sizes of the reads.
struct Steady<R> {
    inner: R,
    piece: [u8; 1024],
    from: usize,
    to: usize,
}

impl<R: Read> Read for Steady<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.from == self.to {
            (self.from, self.to) = (0, self.inner.read(&mut self.piece)?);
        }
        let length = out.len().min(self.to - self.from);
        out[..length].copy_from_slice(&self.piece[self.from..self.from + length]);
        self.from += length;
        Ok(length)
    }
}

/// What a gzip stream's end says, after so many bytes of text.
fn flaw(end: End, total: usize) -> Flaw {
    let text = match end {
        End::Whole => return None,
        End::Truncated => format!("the gzip data ends too early, after {total} bytes of text"),
        End::Corrupt => format!("the gzip data is broken, or its checksum is wrong, after {total} bytes of text"),
        End::Garbage(length) => format!("{length} bytes that are no gzip data follow the end"),
    };
    end.reason().map(|reason| (reason, text.into()))
}

/// Fills `out` from a reader, in the form that `stream` asks for.
fn read_full(source: &mut impl Read, out: &mut [u8]) -> (usize, Option<Flaw>) {
    let mut filled = 0;
    while filled < out.len() {
        match source.read(&mut out[filled..]) {
            Ok(0) => return (filled, Some(None)),
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                return (filled, Some(Some((Reason::ZipCorrupt, format!("the member is broken: {error}").into()))));
            }
        }
    }
    (filled, None)
}
