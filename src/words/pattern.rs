//! Patterns in which `*` stands for any text.

/// Whether a text is as a pattern says.
pub fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        assert!(like("arn:*:role/ci-*", "arn:aws:iam::1:role/ci-hub") && like("*", "") && like("a", "a"));
        assert!(!like("a*b", "a") && !like("a", "ab") && !like("ab*ba", "aba") && like("ab*ba", "abba"));
    }
}
