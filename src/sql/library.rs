//! The saved questions: those that ship with rolecall, and those of a folder that adds to them or replaces them.

use std::collections::BTreeMap;
use std::path::Path;

use super::nearest::nearest;
use super::query_file::Query;
use crate::error::{Error, Result};

macro_rules! questions {
    ($($name:literal)*) => {
        &[$(($name, concat!("queries/ask/", $name, ".sql"), include_str!(concat!("../../queries/ask/", $name, ".sql")))),*]
    };
}

/// Name, file and text of every saved question that is built in: the files of `queries/ask`.
static BUILT_IN: &[(&str, &str, &str)] = questions! {
    "alive-at"
    "anonymous-networks"
    "bad-tokens"
    "callers-without-logs"
    "chain-of-session"
    "cognito-guests"
    "console-from-keys"
    "coverage-by-hour"
    "coverage"
    "cross-account-matrix"
    "denied-roles"
    "disabled-regions"
    "durations"
    "external-ids"
    "false-instance-names"
    "federated-subjects"
    "foreign-vpc-endpoints"
    "global-endpoint"
    "got-in-after-refusals"
    "identity-center"
    "instances"
    "long-chains"
    "long-sessions"
    "look-alike-names"
    "many-names-one-caller"
    "many-refusals"
    "name-patterns"
    "names-not-the-callers"
    "names-that-name-nobody"
    "new-edges"
    "new-regions"
    "oidc-provider-checks"
    "old-tls"
    "outside-accounts"
    "private-roles-gone-public"
    "reachable-from"
    "refusal-reasons"
    "renewals"
    "reused-assertions"
    "revocations"
    "role-addresses"
    "role-callers"
    "roles-anywhere"
    "roundtrips"
    "saml-entries"
    "sdk-default-names"
    "self-assumption"
    "service-roles-used-by-people"
    "services-and-roles"
    "session-policies"
    "session-tags"
    "sessions-named"
    "shared-addresses"
    "shared-session-names"
    "sign-ins"
    "source-identities"
    "source-identity-actions"
    "throttled-callers"
    "tokens-without-sign-in"
    "trust-policy-edits"
    "two-networks-at-once"
    "unbroken-access"
    "unlinked-calls"
    "unused-roles"
    "unused-time"
    "used-after-expiry"
    "used-elsewhere"
    "users-who-only-hop"
    "vanished-edges"
    "what-changed"
    "what-person-did"
    "who-came-from"
    "who-reaches-role"
    "who-used-role"
    "without-external-id"
    "without-mfa"
    "workload-keys-outside"
    "wrong-parameters"
};

/// The groups that questions are listed under, in this order; a team's own groups follow.
pub const THEMES: [&str; 12] = [
    "role session names",
    "source IPs",
    "cross-account and chains",
    "durations and expiry",
    "federation",
    "failures",
    "external ID, MFA, session policy, tags, source identity",
    "endpoints and regions",
    "workloads",
    "revocation",
    "hygiene",
    "what was done",
];

/// Saved questions by name.
#[derive(Debug, Clone, Default)]
pub struct Library {
    queries: BTreeMap<String, Query>,
}

impl Library {
    /// The questions that ship with rolecall.
    ///
    /// # Errors
    /// Only where one of them is wrong, which a test rules out.
    pub fn builtin() -> Result<Self> {
        let mut library = Self::default();
        for (name, file, sql) in BUILT_IN {
            library.add(Query::parse(name, file, sql)?);
        }
        Ok(library)
    }

    /// Adds the `.sql` files of a folder; one of the same name replaces a question that is there.
    ///
    /// # Errors
    /// A folder or file that cannot be read, or a wrong file, with its line.
    pub fn with_dir(mut self, folder: &Path) -> Result<Self> {
        let unreadable = |path: &Path, e: std::io::Error| {
            Error::input("the saved questions cannot be read").context("path", path.display().to_string()).source(e)
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
            let path = entry.map_err(|e| unreadable(folder, e))?.path();
            if path.extension().is_some_and(|extension| extension == "sql") && path.is_file() {
                files.push(path);
            }
        }
        files.sort();
        for path in files {
            let sql = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            self.add(Query::parse(&name, &path.display().to_string(), &sql)?);
        }
        Ok(self)
    }

    fn add(&mut self, query: Query) {
        self.queries.insert(query.name.clone(), query);
    }

    /// The question of that name.
    ///
    /// # Errors
    /// None has that name; the nearest is named.
    pub fn get(&self, name: &str) -> Result<&Query> {
        self.queries.get(name).ok_or_else(|| {
            let error = Error::usage(format!("there is no saved question '{name}'"));
            let error = match nearest(name, self.queries.keys().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error,
            };
            error.hint("`rolecall ask` lists them all")
        })
    }

    /// All questions: by theme, then by id and name.
    pub fn list(&self) -> impl Iterator<Item = &Query> {
        let mut all: Vec<&Query> = self.queries.values().collect();
        all.sort_by_cached_key(|query| {
            let theme = query.theme.clone().unwrap_or_default();
            let place = THEMES.iter().position(|known| *known == theme).unwrap_or(THEMES.len());
            let id = query.id.clone().unwrap_or_default();
            let number: Option<u32> = id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok();
            (place, theme, id.is_empty(), number.unwrap_or(u32::MAX), id, query.name.clone())
        });
        all.into_iter()
    }

    /// The questions that have a word in their name, title, description, theme, id or tags; letter case does not matter.
    pub fn search(&self, word: &str) -> Vec<&Query> {
        let word = word.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&word);
        self.list()
            .filter(|query| {
                let optional = query.theme.iter().chain(&query.id).chain(&query.tags).chain(&query.attack);
                [&query.name, &query.title, &query.description].into_iter().chain(optional).any(|text| has(text))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries/ask");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .map(|entries| entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        files.sort();
        let listed: Vec<_> = BUILT_IN.iter().map(|(name, _, _)| format!("{name}.sql")).collect();
        assert_eq!(listed, files, "src/sql/library.rs lists every file of queries/ask, sorted");
    }

    #[test]
    fn every_built_in_question_is_right() {
        let library = Library::builtin().unwrap();
        assert_eq!(library.list().count(), BUILT_IN.len());
        for query in library.list() {
            assert!(query.theme.as_deref().is_some_and(|theme| THEMES.contains(&theme)), "{}", query.name);
            // What stands to the right of IS DISTINCT FROM reaches over AND and OR: it needs brackets.
            let right = query.sql.split("DISTINCT FROM").skip(1);
            let open = right.filter(|text| {
                let mut depth = 0;
                let end = text.find(|c| {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    depth < 0
                });
                let inside = &text[..end.unwrap_or(text.len())];
                inside.contains(" AND ") || inside.contains(" OR ")
            });
            assert_eq!(open.count(), 0, "{}: put IS DISTINCT FROM into brackets", query.name);
            assert!(query.sql.contains("\nORDER BY"), "{}: an answer has an order", query.name);
        }
    }

    #[test]
    fn the_catalogue_is_whole() {
        let library = Library::builtin().unwrap();
        let ids: Vec<_> = library.list().filter_map(|query| query.id.clone()).collect();
        let catalogue: Vec<_> = (1..=72).map(|number| format!("A{number}")).collect();
        assert_eq!(ids, catalogue, "every id once, and in the catalogue's order by themes");
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let file = |title: &str| format!("-- title: {title}\n-- description: d\n-- tags: chain\nSELECT 1\n");
        std::fs::write(folder.path().join("mine.sql"), file("One")).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no question").unwrap();
        let library = Library::default().with_dir(folder.path()).unwrap();
        assert_eq!(library.get("mine").unwrap().title, "One");
        std::fs::write(folder.path().join("mine.sql"), file("Two")).unwrap();
        let library = library.with_dir(folder.path()).unwrap();
        assert_eq!(library.get("mine").unwrap().title, "Two");
        assert_eq!(library.search("CHAIN").len(), 1);
        assert_eq!(library.search("nothing").len(), 0);
        assert_eq!(library.get("mime").unwrap_err().hints()[0], "did you mean mine?");
        assert!(library.with_dir(Path::new("no such folder")).is_err());
    }
}
