//! UTF-16 with a byte-order mark, as some shells write it: whole, or as it comes in pieces.

/// How two bytes are a unit.
type Unit = fn([u8; 2]) -> u16;

/// Bytes of a stream that are turned at a time.
const PIECE: usize = 4096;

fn unit(bytes: &[u8]) -> Option<Unit> {
    match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    }
}

fn text(bytes: &[u8], unit: Unit) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The text of bytes that begin with such a mark.
pub(super) fn whole(bytes: &[u8]) -> Option<String> {
    unit(bytes).map(|unit| text(&bytes[2..], unit))
}

enum State {
    /// Nothing is read yet.
    Start,
    /// The bytes are what they are.
    Plain,
    /// They are UTF-16: what is read and not turned, and the text that is not handed on, from a place on.
    Wide { unit: Unit, raw: Vec<u8>, ready: Vec<u8>, at: usize },
}

/// A stream whose bytes are turned into UTF-8 where they begin with such a mark. `E` is how it ends.
pub(super) struct Narrow<F, E> {
    fill: F,
    state: State,
    end: Option<E>,
}

impl<E, F: FnMut(&mut [u8]) -> (usize, Option<E>)> Narrow<F, E> {
    /// `fill` fills a buffer and tells when that was the last of it.
    pub(super) fn new(fill: F) -> Self {
        Self { fill, state: State::Start, end: None }
    }

    /// The same of what it is turned into. `out` has room for two bytes at least.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> (usize, Option<E>) {
        match &mut self.state {
            State::Plain => (self.fill)(out),
            State::Start => {
                let (mut filled, mut end) = (self.fill)(out);
                while filled < 2 && end.is_none() {
                    let more = (self.fill)(&mut out[filled..]);
                    (filled, end) = (filled + more.0, more.1);
                }
                let Some(unit) = unit(&out[..filled]) else {
                    self.state = State::Plain;
                    return (filled, end);
                };
                self.end = end;
                self.state = State::Wide { unit, raw: out[2..filled].to_vec(), ready: Vec::new(), at: 0 };
                self.fill(out)
            }
            State::Wide { unit, raw, ready, at } => {
                if *at == ready.len() {
                    if self.end.is_none() {
                        let from = raw.len();
                        raw.resize(from + PIECE, 0);
                        let (filled, end) = (self.fill)(&mut raw[from..]);
                        raw.truncate(from + filled);
                        self.end = end;
                    }
                    let mut units = raw.len() & !1;
                    let last = units.checked_sub(2).map(|from| unit([raw[from], raw[from + 1]]));
                    if self.end.is_none() && last.is_some_and(|unit| (0xd800..0xdc00).contains(&unit)) {
                        // The first half of a pair waits for the second.
                        units -= 2;
                    }
                    *ready = text(&raw[..units], *unit).into_bytes();
                    *at = 0;
                    raw.drain(..units);
                }
                let length = out.len().min(ready.len() - *at);
                out[..length].copy_from_slice(&ready[*at..*at + length]);
                *at += length;
                (length, if *at == ready.len() { self.end.take() } else { None })
            }
        }
    }
}
