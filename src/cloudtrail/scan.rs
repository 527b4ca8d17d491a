//! Finds where JSON values begin and end, without building anything: the decoder's innermost loop.
//!
//! Iterative, so nesting costs no stack. It checks the grammar (a broken record must not be taken for a whole one) but
//! is lenient inside strings: raw control characters and unknown escapes pass and are flagged, because `text` and
//! `redact` can mend them. It must never look at what a value means.

use wide::u8x16;

use super::redact;

/// The string holds a backslash.
pub(super) const ESCAPED: u8 = 1;
/// The string holds a raw control character, which JSON forbids.
pub(super) const CONTROL: u8 = 2;
/// A key that names a secret, or a text that may hold one.
pub(super) const SUSPECT: u8 = 4;

/// Values nested deeper than this are a fault: nobody's parser further down reads them.
const MAX_DEPTH: usize = 16_384;

/// Why a value has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end inside the value.
    More,
    /// The byte at this place cannot stand there.
    Bad(usize),
    /// Nested deeper than `MAX_DEPTH`.
    Deep,
}

pub(super) type Scan<T> = Result<T, Stop>;

/// The place of the first byte at or after `i` that ends or breaks a string: `"`, `\` or a control character.
#[inline(always)]
fn special(b: &[u8], mut i: usize) -> usize {
    while let Some(chunk) = b.get(i..).and_then(|rest| rest.first_chunk::<16>()) {
        let lane = u8x16::new(*chunk);
        let control = lane.min(u8x16::splat(0x1f)).simd_eq(lane);
        let hits = lane.simd_eq(u8x16::splat(b'"')) | lane.simd_eq(u8x16::splat(b'\\')) | control;
        let marks = hits.to_bitmask();
        if marks != 0 {
            return i + marks.trailing_zeros() as usize;
        }
        i += 16;
    }
    while let Some(&c) = b.get(i) {
        if c == b'"' || c == b'\\' || c < 0x20 {
            break;
        }
        i += 1;
    }
    i
}

/// The closing quote of the string whose first byte is at `start`, and its flags.
#[inline(always)]
pub(super) fn string(b: &[u8], start: usize) -> Scan<(usize, u8)> {
    let mut flags = 0;
    let mut i = start;
    loop {
        i = special(b, i);
        match b.get(i) {
            Some(b'"') => return Ok((i, flags)),
            Some(b'\\') => {
                flags |= ESCAPED;
                i += 2;
            }
            Some(_) => {
                flags |= CONTROL;
                i += 1;
            }
            None => return Err(Stop::More),
        }
    }
}

/// Skips JSON's white space; `More` where nothing follows.
#[inline]
pub(super) fn blank(b: &[u8], mut i: usize) -> Scan<usize> {
    loop {
        match b.get(i) {
            Some(b' ' | b'\n' | b'\r' | b'\t') => i += 1,
            Some(_) => return Ok(i),
            None => return Err(Stop::More),
        }
    }
}

/// The byte at `i`, or `More`.
#[inline]
fn at(b: &[u8], i: usize) -> Scan<u8> {
    b.get(i).copied().ok_or(Stop::More)
}

/// The end of a number, `true`, `false` or `null`.
#[inline]
fn literal(b: &[u8], i: usize) -> Scan<usize> {
    let word: &[u8] = match at(b, i)? {
        b't' => b"true",
        b'f' => b"false",
        b'n' => b"null",
        b'-' | b'0'..=b'9' => return number(b, i),
        _ => return Err(Stop::Bad(i)),
    };
    let here = &b[i..b.len().min(i + word.len())];
    match here == word {
        true => Ok(i + word.len()),
        false if word.starts_with(here) => Err(Stop::More),
        false => Err(Stop::Bad(i)),
    }
}

/// The end of a number; one that ends the bytes may go on, so that is `More`.
fn number(b: &[u8], start: usize) -> Scan<usize> {
    let mut i = start;
    let digits = |i: &mut usize| -> Scan<()> {
        if !at(b, *i)?.is_ascii_digit() {
            return Err(Stop::Bad(*i));
        }
        while at(b, *i)?.is_ascii_digit() {
            *i += 1;
        }
        Ok(())
    };
    if at(b, i)? == b'-' {
        i += 1;
    }
    if at(b, i)? == b'0' {
        i += 1;
    } else {
        digits(&mut i)?;
    }
    if at(b, i)? == b'.' {
        i += 1;
        digits(&mut i)?;
    }
    if matches!(at(b, i)?, b'e' | b'E') {
        i += 1;
        if matches!(at(b, i)?, b'+' | b'-') {
            i += 1;
        }
        digits(&mut i)?;
    }
    match at(b, i)? {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => Err(Stop::Bad(i)),
        _ => Ok(i),
    }
}

/// Which of the open brackets are objects: a stack of bits, on the heap only below 64 levels.
#[derive(Default)]
struct Nest {
    top: u64,
    depth: usize,
    spilt: Vec<u64>,
}

impl Nest {
    #[inline]
    fn push(&mut self, object: bool) -> Scan<()> {
        if self.depth >= MAX_DEPTH {
            return Err(Stop::Deep);
        }
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.spilt.push(self.top);
            self.top = 0;
        }
        self.top = self.top << 1 | u64::from(object);
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn pop(&mut self) {
        self.depth -= 1;
        self.top >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.top = self.spilt.pop().unwrap_or(0);
        }
    }

    #[inline]
    fn in_object(&self) -> bool {
        self.top & 1 == 1
    }
}

/// A member's key: where it stands without its quotes, and its flags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub start: usize,
    pub end: usize,
    pub flags: u8,
}

/// Reads `"key":` at `i`; gives the key and where its value begins.
#[inline(always)]
pub(super) fn key(b: &[u8], i: usize) -> Scan<(Key, usize)> {
    if at(b, i)? != b'"' {
        return Err(Stop::Bad(i));
    }
    let (end, flags) = string(b, i + 1)?;
    let mut next = end + 1;
    if b.get(next) != Some(&b':') {
        next = blank(b, next)?;
        if b[next] != b':' {
            return Err(Stop::Bad(next));
        }
    }
    Ok((Key { start: i + 1, end, flags }, blank(b, next + 1)?))
}

/// The end of the value at `i`. What its keys and strings hold is added to `flags`.
#[inline]
pub(super) fn value(b: &[u8], mut i: usize, flags: &mut u8) -> Scan<usize> {
    let mut nest = Nest::default();
    loop {
        match at(b, i)? {
            b'"' => {
                let (end, seen) = string(b, i + 1)?;
                *flags |= seen;
                if end - i > redact::SHORT && redact::long_run(&b[i + 1..end]) {
                    *flags |= SUSPECT;
                }
                i = end + 1;
            }
            open @ (b'{' | b'[') => {
                let object = open == b'{';
                nest.push(object)?;
                i = blank(b, i + 1)?;
                if b[i] == if object { b'}' } else { b']' } {
                    nest.pop();
                    i += 1;
                } else {
                    if object {
                        i = watched_key(b, i, flags)?;
                    }
                    continue;
                }
            }
            _ => i = literal(b, i)?,
        }
        loop {
            if nest.depth == 0 {
                return Ok(i);
            }
            i = blank(b, i)?;
            match (b[i], nest.in_object()) {
                (b',', true) => {
                    i = blank(b, i + 1)?;
                    i = watched_key(b, i, flags)?;
                    break;
                }
                (b',', false) => {
                    i = blank(b, i + 1)?;
                    break;
                }
                (b'}', true) | (b']', false) => {
                    nest.pop();
                    i += 1;
                }
                _ => return Err(Stop::Bad(i)),
            }
        }
    }
}

#[inline]
fn watched_key(b: &[u8], i: usize, flags: &mut u8) -> Scan<usize> {
    let (key, next) = key(b, i)?;
    *flags |= key.flags;
    if redact::secret_key(&b[key.start..key.end]) {
        *flags |= SUSPECT;
    }
    Ok(next)
}

/// Calls `each` with every member of the object at `i`; it gets the key and the value's place and gives the value's end.
#[inline]
pub(super) fn members(b: &[u8], i: usize, mut each: impl FnMut(Key, usize) -> Scan<usize>) -> Scan<usize> {
    let mut i = blank(b, i + 1)?;
    if b[i] == b'}' {
        return Ok(i + 1);
    }
    loop {
        let (key, start) = key(b, i)?;
        i = each(key, start)?;
        if b.get(i) != Some(&b',') {
            i = blank(b, i)?;
        }
        match b[i] {
            b',' => i = blank(b, i + 1)?,
            b'}' => return Ok(i + 1),
            _ => return Err(Stop::Bad(i)),
        }
    }
}

/// Calls `each` with the place of every element of the array at `i`; it gives the element's end.
pub(super) fn elements(b: &[u8], i: usize, mut each: impl FnMut(usize) -> Scan<usize>) -> Scan<usize> {
    let mut i = blank(b, i + 1)?;
    if b[i] == b']' {
        return Ok(i + 1);
    }
    loop {
        i = each(i)?;
        i = blank(b, i)?;
        match b[i] {
            b',' => i = blank(b, i + 1)?,
            b']' => return Ok(i + 1),
            _ => return Err(Stop::Bad(i)),
        }
    }
}

/// The end of a bracketed value whose inside breaks the grammar: brackets counted outside strings, nothing checked.
pub(super) fn balanced(b: &[u8], start: usize) -> Scan<usize> {
    let mut depth = 0usize;
    let mut i = start;
    loop {
        match at(b, i)? {
            b'"' => i = string(b, i + 1)?.0,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(i + 1);
                }
            }
            _ => {}
        }
        i += 1;
    }
}
