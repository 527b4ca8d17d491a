//! "Did you mean": the known word that a misspelt one most probably stands for.

/// The nearest of `known`; `None` where nothing is near enough to be worth naming.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let best = known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.8).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_find_theirs() {
        let known = ["role_arn", "role_name", "session_name", "source_ip_address"];
        assert_eq!(nearest("role_anr", known), Some("role_arn"));
        assert_eq!(nearest("ROLE_NAME", known), Some("role_name"));
        assert_eq!(nearest("source_ip", known), Some("source_ip_address"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest("role", []), None);
    }
}
