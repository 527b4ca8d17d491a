//! Gzip, member by member: whole small objects in one go, large and broken ones as a stream that keeps what can be read.
//!
//! RFC 1952. What a trailer says of sizes is a hint and never trusted.

use flate2::{Decompress, FlushDecompress, Status};

use super::book::Reason;

/// The first bytes of every gzip member: magic number and the only method there is.
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// Deflate cannot expand more than this.
const MAX_RATIO: usize = 1032;

/// Decompresses a single-member file of at most `most` bytes into `out` and gives its length.
///
/// `None` where that cannot be (several members, something behind them, broken, larger): then `Members` tells more. libdeflate
/// does not say where a member ends, so the file's last eight bytes must be this member's trailer, and no other member may
/// begin behind bytes that could be that trailer.
pub(super) fn whole(
    inflater: &mut libdeflater::Decompressor,
    bytes: &[u8],
    out: &mut Vec<u8>,
    most: usize,
) -> Option<usize> {
    let size = u32::from_le_bytes(*bytes.last_chunk::<4>()?) as usize;
    if size > most || size > bytes.len().saturating_mul(MAX_RATIO) {
        return None;
    }
    if out.len() < size {
        out.resize(size, 0);
    }
    let length = inflater.gzip_decompress(bytes, &mut out[..size]).ok()?;
    let crc = libdeflater::crc32(&out[..length]);
    let mut trailer = [0; 8];
    trailer[..4].copy_from_slice(&crc.to_le_bytes());
    trailer[4..].copy_from_slice(&(length as u32).to_le_bytes());
    let alone = bytes.ends_with(&trailer)
        && !memchr::memmem::find_iter(bytes, &MAGIC).any(|at| bytes[..at].ends_with(&trailer));
    alone.then_some(length)
}

/// How a stream of members ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the end of the last member, zero padding allowed.
    Whole,
    /// In the midst of a member.
    Truncated,
    /// At bytes that break the format, or at a wrong checksum.
    Corrupt,
    /// So many bytes follow the last member that are none.
    Garbage(usize),
}

impl End {
    /// The fault that it is, if any.
    pub(super) fn reason(self) -> Option<Reason> {
        match self {
            End::Whole => None,
            End::Truncated => Some(Reason::GzipTruncated),
            End::Corrupt => Some(Reason::GzipCorrupt),
            End::Garbage(_) => Some(Reason::TrailingGarbage),
        }
    }
}

/// The members of a gzip file, decompressed bit by bit.
pub(super) struct Members<'a> {
    rest: &'a [u8],
    inflate: Decompress,
    crc: libdeflater::Crc,
    length: u32,
    inside: bool,
    first: bool,
    end: Option<End>,
}

impl<'a> Members<'a> {
    /// A stream over the whole file.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Members {
            rest: bytes,
            inflate: Decompress::new(false),
            crc: libdeflater::Crc::new(),
            length: 0,
            inside: false,
            first: true,
            end: None,
        }
    }

    /// Fills `out` as far as the stream goes. Fewer bytes than fit only at the end, which is then told.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> (usize, Option<End>) {
        let mut filled = 0;
        while filled < out.len() && self.end.is_none() {
            if !self.inside {
                self.end = self.open();
                continue;
            }
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(self.rest, &mut out[filled..], FlushDecompress::None);
            let used = (self.inflate.total_in() - read) as usize;
            let made = (self.inflate.total_out() - written) as usize;
            self.rest = &self.rest[used.min(self.rest.len())..];
            self.crc.update(&out[filled..filled + made]);
            self.length = self.length.wrapping_add(made as u32);
            filled += made;
            self.end = match status {
                Ok(Status::StreamEnd) => self.close(),
                Ok(_) if used == 0 && made == 0 => Some(End::Truncated),
                Ok(_) => None,
                Err(_) => Some(End::Corrupt),
            };
        }
        (filled, self.end)
    }

    /// Reads a member's header, or finds the end.
    fn open(&mut self) -> Option<End> {
        if !self.rest.starts_with(&MAGIC) && !self.first {
            let padding = self.rest.iter().take_while(|&&c| c == 0).count();
            let left = self.rest.len() - padding;
            return match left {
                0 => Some(End::Whole),
                1 | 2 if padding == 0 && MAGIC.starts_with(self.rest) => Some(End::Truncated),
                _ => Some(End::Garbage(left)),
            };
        }
        if !self.rest.starts_with(&MAGIC) && !MAGIC.starts_with(self.rest) {
            return Some(End::Corrupt);
        }
        match header(self.rest) {
            Some(length) => self.rest = &self.rest[length..],
            None => return Some(End::Truncated),
        }
        self.inflate.reset(false);
        self.crc = libdeflater::Crc::new();
        (self.length, self.inside, self.first) = (0, true, false);
        None
    }

    /// Checks a member's trailer.
    fn close(&mut self) -> Option<End> {
        let Some((trailer, rest)) = self.rest.split_first_chunk::<8>() else { return Some(End::Truncated) };
        self.inside = false;
        let number = |b: &[u8]| b.iter().rev().fold(0u32, |n, &c| n << 8 | u32::from(c));
        if number(&trailer[..4]) != self.crc.sum() || number(&trailer[4..]) != self.length {
            return Some(End::Corrupt);
        }
        self.rest = rest;
        None
    }
}

/// The length of the member header that `b` begins with; `None` where it is cut.
fn header(b: &[u8]) -> Option<usize> {
    let flags = *b.get(3)?;
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*b.get(at)?, *b.get(at + 1)?]));
    }
    for name_or_comment in [8, 16] {
        if flags & name_or_comment != 0 {
            at += memchr::memchr(0, b.get(at..)?)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    (at <= b.len()).then_some(at)
}

/// Whether bytes are gzip, as far as there are any.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    !bytes.is_empty() && (bytes.starts_with(&MAGIC[..2]) || MAGIC.starts_with(bytes))
}
