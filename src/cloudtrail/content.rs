//! An object's uncompressed bytes as they are, for whoever checks them and does not read records.

use super::book::Reason;
use super::gzip::{self, Members};

/// Bytes handed on at a time.
const PIECE: usize = 256 << 10;

/// Hands the uncompressed bytes of one object on, piece by piece, every gzip member included; bytes that are no gzip are
/// handed on as they are.
///
/// # Errors
/// Why the object is not whole: its gzip data breaks off, breaks the format, is followed by something else, or holds more
/// than `most` bytes. What came before was handed on.
pub fn uncompressed(bytes: &[u8], most: u64, each: &mut dyn FnMut(&[u8])) -> Result<(), Reason> {
    if !gzip::is_gzip(bytes) {
        each(bytes);
        return if bytes.len() as u64 > most { Err(Reason::TooLarge) } else { Ok(()) };
    }
    let mut members = Members::new(bytes);
    let mut piece = vec![0; PIECE];
    let mut left = most;
    loop {
        let (filled, end) = members.fill(&mut piece);
        if filled as u64 > left {
            return Err(Reason::TooLarge);
        }
        left -= filled as u64;
        each(&piece[..filled]);
        if let Some(end) = end {
            return end.reason().map_or(Ok(()), Err);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gz(text: &[u8]) -> Vec<u8> {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(text).unwrap();
        gz.finish().unwrap()
    }

    fn read(bytes: &[u8], most: u64) -> (Vec<u8>, Result<(), Reason>) {
        let mut all = Vec::new();
        let result = uncompressed(bytes, most, &mut |piece| all.extend_from_slice(piece));
        (all, result)
    }

    #[test]
    fn every_member_is_handed_on_and_what_is_wrong_is_told() {
        let text = vec![b'x'; PIECE * 2 + 7];
        let whole = gz(&text);
        assert_eq!(read(&whole, 1 << 20), (text.clone(), Ok(())));
        assert_eq!(read(&[whole.clone(), gz(b"more")].concat(), 1 << 20).0.len(), text.len() + 4);
        assert_eq!(read(&[whole.as_slice(), b"rubbish"].concat(), 1 << 20).1, Err(Reason::TrailingGarbage));
        assert_eq!(read(&whole[..whole.len() - 9], 1 << 20).1, Err(Reason::GzipTruncated));
        assert_eq!(read(&whole, 100).1, Err(Reason::TooLarge));
        assert_eq!(read(b"{}", 100), (b"{}".to_vec(), Ok(())));
    }
}
