//! Where the records of an array stand, found without reading them: brackets counted outside strings, 64 bytes at a time.
//!
//! It checks nothing that is inside a record. Whoever uses a record's place must see that the record, once read, ends there.
//! The method is that of simdjson's first stage: Langdale and Lemire, "Parsing Gigabytes of JSON per Second",
//! <https://arxiv.org/abs/1902.08318>.

use wide::u8x16;

/// Bytes looked at together: one bit each in a word.
const BLOCK: usize = 64;

/// Where in 64 bytes something stands: the first byte is the lowest bit.
#[derive(Default)]
struct Marks {
    quote: u64,
    backslash: u64,
    /// `{` and `[`.
    open: u64,
    /// `}` and `]`.
    close: u64,
}

impl Marks {
    #[inline(always)]
    fn of(block: &[u8; BLOCK]) -> Self {
        let mut marks = Marks::default();
        // A bracket and a brace differ by one bit.
        let one_bit = u8x16::splat(0x20);
        for (place, lane) in block.as_chunks::<16>().0.iter().enumerate() {
            let lane = u8x16::new(*lane);
            let folded = lane | one_bit;
            let bits = |hits: u8x16| u64::from(hits.to_bitmask()) << (16 * place);
            marks.quote |= bits(lane.simd_eq(u8x16::splat(b'"')));
            marks.backslash |= bits(lane.simd_eq(u8x16::splat(b'\\')));
            marks.open |= bits(folded.simd_eq(u8x16::splat(b'{')));
            marks.close |= bits(folded.simd_eq(u8x16::splat(b'}')));
        }
        marks
    }
}

/// What one block hands on to the next.
#[derive(Default)]
struct Carry {
    /// 1 where the block ended with a backslash that escapes what follows.
    escape: u64,
    /// All ones where the block ended inside a string.
    string: u64,
}

impl Carry {
    /// The bytes that a backslash before them escapes.
    #[inline(always)]
    fn escaped(&mut self, backslash: u64) -> u64 {
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        if backslash == 0 {
            return std::mem::take(&mut self.escape);
        }
        let starts = backslash & !self.escape;
        // Subtraction carries through a run of backslashes and tells whether it is of odd or of even length.
        let runs = (starts << 1 | ODD).wrapping_sub(starts) ^ ODD;
        let escaped = runs ^ (backslash | self.escape);
        self.escape = (runs & backslash) >> 63;
        escaped
    }

    /// The bytes inside strings, the opening quotes among them.
    #[inline(always)]
    fn strings(&mut self, marks: &Marks) -> u64 {
        let mut inside = marks.quote & !self.escaped(marks.backslash);
        for shift in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << shift;
        }
        inside ^= self.string;
        self.string = (inside >> 63).wrapping_neg();
        inside
    }
}

/// Finds the objects of the array whose first byte after its bracket is at `start`; gives the place of its closing bracket.
///
/// `None` where it holds something else than objects with commas and blanks between them, or does not end.
pub(super) fn records(b: &[u8], start: usize, places: &mut Vec<(usize, usize)>) -> Option<usize> {
    places.clear();
    let mut carry = Carry::default();
    let (mut depth, mut from, mut end) = (0_u64, 0, start);
    let mut padded;
    let mut at = start;
    while at < b.len() {
        let rest = b.get(at..)?;
        let block = match rest.first_chunk::<BLOCK>() {
            Some(block) => block,
            None => {
                padded = [b' '; BLOCK];
                padded.get_mut(..rest.len())?.copy_from_slice(rest);
                &padded
            }
        };
        let marks = Marks::of(block);
        let outside = !carry.strings(&marks);
        let (open, close) = (marks.open & outside, marks.close & outside);
        let closing = u64::from(close.count_ones());
        if depth > closing {
            depth = depth + u64::from(open.count_ones()) - closing;
        } else {
            let mut both = open | close;
            while both != 0 {
                let bit = both.trailing_zeros();
                let place = at + bit as usize;
                let opens = open >> bit & 1 == 1;
                if depth == 0 {
                    let between = b.get(end..place)?;
                    if !between.iter().all(|c| matches!(c, b',' | b' ' | b'\n' | b'\r' | b'\t')) {
                        return None;
                    }
                    match b.get(place)? {
                        b'{' => from = place,
                        b']' => return Some(place),
                        _ => return None,
                    }
                }
                if opens {
                    depth += 1;
                } else {
                    depth -= 1;
                    if depth == 0 {
                        end = place + 1;
                        places.push((from, end));
                    }
                }
                both &= both - 1;
            }
        }
        at += BLOCK;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scan;
    use super::*;

    fn found(text: &str) -> Option<Vec<&str>> {
        let mut places = Vec::new();
        records(text.as_bytes(), 0, &mut places)?;
        Some(places.into_iter().map(|(from, to)| &text[from..to]).collect())
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert_eq!(
            found(r#"{"a":"}]"}, {"b":"\"}"},{"c":"\\"}]"#).unwrap(),
            [r#"{"a":"}]"}"#, r#"{"b":"\"}"}"#, r#"{"c":"\\"}"#]
        );
        assert_eq!(found(" ] tail").unwrap(), [""; 0]);
        for bad in ["{}", r#"{} "x" ]"#, "[1]]", "{} null ]", "", r#"{"a":"]"#, "}"] {
            assert_eq!(found(bad), None, "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn it_finds_what_a_reader_finds(
            texts in proptest::collection::vec(("[ \\\\\"{}\\[\\]ab]{0,90}", 0_usize..5, "[ \n]{0,3}"), 0..9),
        ) {
            let objects: Vec<String> = texts.iter().map(|(text, nested, blank)| {
                let inner = format!("{}{}{}", "[".repeat(*nested), serde_json::to_string(text).unwrap(), "]".repeat(*nested));
                format!("{blank}{{\"k\":{inner},{}:{{}}}}", serde_json::to_string(text).unwrap())
            }).collect();
            let text = format!("{}]", objects.join(","));
            let mut expected = Vec::new();
            scan::elements(format!("[{text}").as_bytes(), 0, |at| {
                let end = scan::value(format!("[{text}").as_bytes(), at, &mut 0)?;
                expected.push((at - 1, end - 1));
                Ok(end)
            }).unwrap();
            let mut places = Vec::new();
            prop_assert_eq!(records(text.as_bytes(), 0, &mut places), Some(text.len() - 1));
            prop_assert_eq!(places, expected);
        }
    }
}
