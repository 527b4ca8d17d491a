//! Takes secrets out of what leaves the decoder: session tokens are usable until they expire, so none may be stored.
//!
//! Two steps. `secret_key` and `long_run` are asked about every key and long string while the scanner passes them; where
//! both say no, texts stay borrowed. Where one says yes, `json` and `text` rewrite. They may remove too much, never too
//! little: names decide for any value, the look of a token decides under any name.
//!
//! Tokens in responseElements:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>.

use std::borrow::Cow;

use super::scan;
use super::text::{push_quoted, unescape};

/// What stands where a secret was.
pub(super) const REMOVED: &str = "[removed]";
/// CloudTrail's own word for a secret that it took out; it says more than ours, so it stays.
pub(super) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";
/// No token is as short as this.
pub(super) const SHORT: usize = 100;
/// Strings that hold JSON that holds strings that hold JSON ... are followed so far; deeper ones are taken as text.
const MAX_LAYERS: usize = 8;

/// Names of secrets: lower case, letters only, compared with the end of a key.
const SECRET_NAMES: [&str; 12] = [
    "sessiontoken",
    "securitytoken",
    "signintoken",
    "federationtoken",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "identitytoken",
    "bearertoken",
    "secretaccesskey",
    "secretkey",
    "samlassertion",
];

/// Names that end like a secret's and hold none: the subject that stood in a token, and how the call for one went.
const NO_SECRETS: [&str; 2] = ["subjectfromwebidentitytoken", "getsignintoken"];

/// How session tokens begin: base64 of a length byte and the issuing part's name.
const TOKEN_STARTS: [&str; 10] = ["IQo", "FwoG", "FwoD", "FQoG", "FQoD", "AQoD", "AQoE", "AgoJ", "AgoG", "IgoJ"];
/// What only a session token holds, wherever in a run of its characters it begins.
const TOKEN_PARTS: [&str; 4] = ["IQoJb3JpZ2lu", "AgoJb3JpZ2lu", "oGZXIvYXdz", "oDYXdz"];

/// Whether a key (as written) names or holds a secret. Asked for every key: the usual no takes a few comparisons.
#[inline]
pub(super) fn secret_key(key: &[u8]) -> bool {
    let Some(tail) = key.last_chunk::<4>() else { return false };
    let last = u32::from_be_bytes(*tail) | 0x2020_2020;
    // "...oken", "...tion" and "...key", or nothing that a name ends with.
    let hint = last == 0x6f6b_656e || last == 0x7469_6f6e || last & 0xff_ffff == 0x6b_6579;
    let named = (hint || !tail[3].is_ascii_alphabetic()) && named_secret(key);
    named || long_run(key)
}

/// The exact answer: case, digits and signs do not matter, so that `x-amz-security-token ` and `SESSION_TOKEN2` are found.
#[inline(never)]
fn named_secret(key: &[u8]) -> bool {
    let letters = || key.iter().rev().filter(|c| c.is_ascii_alphabetic()).map(u8::to_ascii_lowercase);
    let secret = SECRET_NAMES.iter().any(|name| {
        let mut rest = letters();
        name.bytes().rev().all(|c| rest.next() == Some(c))
    });
    secret && !NO_SECRETS.iter().any(|name| letters().eq(name.bytes().rev()))
}

/// A byte that can stand in a token, percent-encoded ones included.
#[inline]
fn token_byte(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=' | b'%' | b'-' | b'_')
}

/// Whether more than `SHORT` token bytes stand in a row.
#[inline]
pub(super) fn long_run(s: &[u8]) -> bool {
    s.len() > SHORT && covers_a_multiple(s)
}

/// Such a run covers a multiple of `SHORT`, so only those places are tried.
#[inline(never)]
fn covers_a_multiple(s: &[u8]) -> bool {
    (SHORT..s.len()).step_by(SHORT).any(|at| {
        token_byte(s[at]) && {
            let after = s[at..].iter().take(SHORT + 1).take_while(|&&c| token_byte(c)).count();
            let before = s[..at].iter().rev().take(SHORT).take_while(|&&c| token_byte(c)).count();
            before + after > SHORT
        }
    })
}

/// JSON text (one whole value, passed by the scanner) without its secrets, and with strings that JSON allows.
pub(super) fn json(raw: &str) -> Cow<'_, str> {
    layer(raw, 0).map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// A text without the secrets in it; a text that holds JSON is cleaned as JSON.
pub(super) fn text(plain: Cow<'_, str>) -> Cow<'_, str> {
    match scrub(&plain, 0) {
        Some(clean) => Cow::Owned(clean),
        None => plain,
    }
}

/// The rewritten JSON; `None` where nothing had to change. Strings that JSON forbids are mended in the outermost layer, which is
/// JSON to everybody; the layers below are only text that may hold a secret.
fn layer(raw: &str, depth: usize) -> Option<String> {
    let b = raw.as_bytes();
    let mut out = String::with_capacity(raw.len());
    let mut changed = false;
    let mut from = 0;
    let mut i = 0;
    while let Some(quote) = memchr::memchr(b'"', &b[i..]).map(|n| i + n) {
        // The scanner has passed this text, so every string in it ends.
        let Ok((end, flags)) = scan::string(b, quote + 1) else { break };
        let (plain, sound) = unescape(&raw[quote + 1..end]);
        let ill = flags & scan::CONTROL != 0 || !sound;
        i = end + 1;
        let after = i + b[i..].iter().take_while(|c| c.is_ascii_whitespace()).count();
        if b.get(after) != Some(&b':') {
            let clean = scrub(&plain, depth);
            if ill || clean.is_some() {
                out.push_str(&raw[from..quote]);
                push_quoted(&mut out, clean.as_deref().unwrap_or(&plain));
                from = i;
                changed |= clean.is_some() || depth == 0;
            }
            continue;
        }
        i = after + 1;
        let secret = named_secret(plain.as_bytes());
        let name = scrub(&plain, depth);
        if ill || name.is_some() {
            out.push_str(&raw[from..quote]);
            push_quoted(&mut out, name.as_deref().unwrap_or(&plain));
            from = end + 1;
            changed |= name.is_some() || depth == 0;
        }
        if secret {
            let start = i + b[i..].iter().take_while(|c| c.is_ascii_whitespace()).count();
            let Ok(stop) = scan::value(b, start, &mut 0) else { break };
            if !harmless(&raw[start..stop]) {
                out.push_str(&raw[from..start]);
                push_quoted(&mut out, REMOVED);
                (from, changed) = (stop, true);
                i = stop;
            }
        }
    }
    out.push_str(&raw[from..]);
    changed.then_some(out)
}

/// A value under a secret's name that is none: nothing, or CloudTrail's own mark.
fn harmless(value: &str) -> bool {
    matches!(value, "null" | "true" | "false" | "\"\"") || value.trim_matches('"') == HIDDEN
}

/// A text without secrets; `None` where it holds none.
fn scrub(plain: &str, depth: usize) -> Option<String> {
    if let Some(inner) = inner_json(plain, depth) {
        return layer(inner, depth + 1);
    }
    let mut cuts = Vec::new();
    if memchr::memchr2(b'k', b'K', plain.as_bytes()).is_some() {
        named_values(plain, &mut cuts);
    }
    if plain.len() > SHORT {
        tokens(plain, &mut cuts);
    }
    if cuts.is_empty() {
        return None;
    }
    cuts.sort_unstable();
    let mut out = String::with_capacity(plain.len());
    let mut from = 0;
    for (start, end) in cuts {
        if start >= from {
            out.push_str(&plain[from..start]);
            out.push_str(REMOVED);
        }
        from = from.max(end);
    }
    out.push_str(&plain[from..]);
    Some(out)
}

/// The text where it is one JSON object, array or string.
fn inner_json(plain: &str, depth: usize) -> Option<&str> {
    let inner = plain.trim_ascii();
    let first = *inner.as_bytes().first()?;
    let whole = depth < MAX_LAYERS
        && matches!(first, b'{' | b'[' | b'"')
        && scan::value(inner.as_bytes(), 0, &mut 0) == Ok(inner.len());
    whole.then_some(inner)
}

/// Values that follow a secret's name in running text: `sessionToken=...`, `"SessionToken": "..."`, `X-Amz-Security-Token%3D...`.
fn named_values(plain: &str, cuts: &mut Vec<(usize, usize)>) {
    let lower = plain.to_ascii_lowercase();
    let b = lower.as_bytes();
    let skip = |i: usize, any: &[u8]| i + b[i..].iter().take_while(|c| any.contains(c)).count();
    for end in
        memchr::memmem::find_iter(b, "token").map(|i| i + 5).chain(memchr::memmem::find_iter(b, "key").map(|i| i + 3))
    {
        let name = end
            - b[..end]
                .iter()
                .rev()
                .take(40)
                .take_while(|&&c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
                .count();
        if !named_secret(&b[name..end]) {
            continue;
        }
        let mark = skip(end, b"\\\"' ");
        let (sign, after) = match &b[mark..] {
            [c @ (b'=' | b':' | b'>'), ..] => (*c, mark + 1),
            [b'%', b'3', b'd' | b'a', ..] => (b'=', mark + 3),
            _ => continue,
        };
        let start = skip(after, b"\\\"' ");
        let length = b[start..].iter().take_while(|&&c| token_byte(c) || matches!(c, b'.' | b'~')).count();
        // After a colon prose may follow ("sessionToken: must not be empty"); behind an equals sign stands a value.
        let least = if sign == b'=' { 1 } else { 12 };
        if length >= least && !plain[start..start + length].starts_with(HIDDEN) {
            cuts.push((start, start + length));
        }
    }
}

/// Runs of token bytes that look like a session token.
fn tokens(plain: &str, cuts: &mut Vec<(usize, usize)>) {
    let b = plain.as_bytes();
    let mut start = 0;
    while start < b.len() {
        let end = start + b[start..].iter().take_while(|&&c| token_byte(c)).count();
        if end - start > SHORT {
            let run = &plain[start..end];
            // Behind a sign that separates: `token=IQo...`, `curl/IQo...`, `%3DIQo...`.
            let stands_alone =
                |at: usize| at == 0 || !run.as_bytes()[at - 1].is_ascii_alphanumeric() || run[..at].ends_with("%3D");
            let starts =
                TOKEN_STARTS.iter().filter_map(|t| run.match_indices(t).map(|m| m.0).find(|&at| stands_alone(at)));
            let inside = TOKEN_PARTS.iter().filter_map(|part| run.find(part));
            if let Some(at) = starts.chain(inside).min() {
                cuts.push((start + at, end));
            }
        }
        start = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_and_an_outcome_are_no_secrets() {
        assert!(!secret_key(b"subjectFromWebIdentityToken"));
        assert!(!secret_key(b"GetSigninToken"));
        assert!(secret_key(b"webIdentityToken") && secret_key(b"SigninToken") && secret_key(b"sessionToken"));
        let subject = r#"{"subjectFromWebIdentityToken":"repo:a/b:ref:refs/heads/main","sessionToken":"x"}"#;
        assert_eq!(json(subject), subject.replace("\"x\"", "\"[removed]\""));
    }
}
