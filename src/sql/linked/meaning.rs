//! What the computed tables depend on beside the rows that they are computed from: this program's own text, and the configuration.

use super::super::knowledge::Known;

/// The program text that gives the derived rows their meaning. Tables that another text computed are computed again.
const TEXT: [&str; 27] = [
    include_str!("../../sts/agent.rs"),
    include_str!("../../sts/arn.rs"),
    include_str!("../../sts/call.rs"),
    include_str!("../../sts/denial.rs"),
    include_str!("../../sts/expiration.rs"),
    include_str!("../../sts/ip.rs"),
    include_str!("../../sts/names.rs"),
    include_str!("../../sts/session_name.rs"),
    include_str!("../../sts/unique_id.rs"),
    include_str!("../../sts/link/callers.rs"),
    include_str!("../../sts/link/chain.rs"),
    include_str!("../../sts/link/index.rs"),
    include_str!("../../sts/link/mod.rs"),
    include_str!("../../sts/link/role.rs"),
    include_str!("../../sts/link/sessions.rs"),
    include_str!("../../sts/link/uses.rs"),
    include_str!("build.rs"),
    include_str!("caller.rs"),
    include_str!("edges.rs"),
    include_str!("known.rs"),
    include_str!("links.rs"),
    include_str!("load.rs"),
    include_str!("provider.rs"),
    include_str!("sessions.rs"),
    include_str!("tables.rs"),
    include_str!("../knowledge.rs"),
    include_str!("../schema/mod.rs"),
];

/// All of it, with what is known of the organisation.
pub fn of(known: &Known) -> Vec<u8> {
    let mut all = TEXT.concat();
    all.push_str(&known.of_linking());
    all.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    /// Files of these rooms that give no row its meaning.
    const OTHERS: [&str; 7] = ["mod.rs", "shares.rs", "tests.rs", "focus.rs", "meaning.rs", "plain.rs", "kept.rs"];

    #[test]
    fn nothing_that_gives_meaning_is_left_out() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut missing = Vec::new();
        for room in ["sts", "sts/link", "sql/linked"] {
            for entry in std::fs::read_dir(source.join(room)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_file() && !OTHERS.contains(&name.as_str()) {
                    let text = std::fs::read_to_string(&path).unwrap();
                    if !TEXT.contains(&text.as_str()) {
                        missing.push(path);
                    }
                }
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn another_organisation_is_another_meaning() {
        let known =
            |text: &str| Known::of(&toml::from_str::<Config>(&format!("version = 1\n{text}")).unwrap()).unwrap();
        let all = [
            "",
            "[[account]]\nid = '111111111111'\n",
            "[[account]]\nid = '111111111111'\nname = 'a'\n",
            "[organization]\naccounts = ['111111111111']\n",
        ];
        let meanings: std::collections::BTreeSet<_> = all.iter().map(|text| of(&known(text))).collect();
        assert_eq!(meanings.len(), all.len());
    }
}
