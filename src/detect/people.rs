//! People by name: an Identity Center user is an id in the portal's records and a name in those of the sessions. Findings say the name, so
//! that they stand beside what else is said of that person.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use arrow::array::Int64Array;
use arrow::datatypes::DataType;

use super::baseline;
use super::finding::Finding;
use super::night_tables::texts;
use crate::error::Result;
use crate::lake::rows::typed;
use crate::sql::session::Engine;

/// Names that the night's records tell.
const TOLD: &str = include_str!("../../queries/baselines/35-names.sql");
/// Names that the configuration gives.
const CONFIGURED: &str =
    "SELECT alias AS id, person AS name FROM known_people WHERE alias <> person ORDER BY alias, person";

/// Names by the ids of Identity Center's users.
#[derive(Debug, Default)]
pub struct People(BTreeMap<String, String>);

impl People {
    /// Whom the night's records name, by the name that their sessions stand under, and whom the configuration names beside them.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn of(engine: &Engine) -> Result<Self> {
        let rows = baseline::ask(engine, TOLD, Vec::new()).await?;
        let (ids, names) = (texts(&rows, "id")?, texts(&rows, "name")?);
        let number = |name| typed::<Int64Array>(&rows, name, &DataType::Int64);
        let (places, counts) = (number("place")?, number("n")?);
        let told = (0..rows.num_rows()).map(|row| Told {
            id: ids.value(row).to_owned(),
            name: names.value(row).to_owned(),
            rank: (places.value(row), Reverse(counts.value(row))),
        });
        let mut people = Self::told(told.collect());
        let rows = baseline::ask(engine, CONFIGURED, Vec::new()).await?;
        let (ids, names) = (texts(&rows, "id")?, texts(&rows, "name")?);
        let configured = (0..rows.num_rows()).map(|row| (ids.value(row).to_owned(), names.value(row).to_owned()));
        for (id, name) in configured.filter(|(id, _)| is_id(id)) {
            people.0.entry(id).or_insert(name);
        }
        Ok(people)
    }

    /// The best name of each id: none where two are as good as each other, for then it is not known which is right.
    fn told(mut all: Vec<Told>) -> Self {
        all.sort_by(|a, b| (&a.id, a.rank, &a.name).cmp(&(&b.id, b.rank, &b.name)));
        let best = all.chunk_by(|a, b| a.id == b.id).filter_map(|of| match of {
            [first, second, ..] if first.rank == second.rank => None,
            [first, ..] => Some((first.id.clone(), first.name.clone())),
            [] => None,
        });
        Self(best.filter(|(id, _)| is_id(id)).collect())
    }

    /// Says in a finding's words who is meant: the name in the title, the id beside it in the reason. Who answers for it is the person,
    /// by whatever name a detection knew them; its fingerprint stays.
    pub fn say(&self, finding: &mut Finding) {
        finding.title = self.named(&finding.title, |_, name| name.to_owned());
        finding.reason = self.named(&finding.reason, |id, name| format!("{name} ({id})"));
        if let Some(name) = self.0.get(&finding.origin) {
            finding.origin.clone_from(name);
        }
        let names: Vec<String> = finding.principals.iter().filter_map(|one| self.0.get(one)).cloned().collect();
        if !names.is_empty() {
            finding.principals.extend(names);
            finding.principals.sort();
            finding.principals.dedup();
        }
    }

    /// A text with the ids in it written otherwise.
    fn named(&self, text: &str, written: impl Fn(&str, &str) -> String) -> String {
        let ends = |c: char| !c.is_ascii_hexdigit() && c != '-';
        text.split_inclusive(ends)
            .map(|word| {
                let (id, rest) = word.split_at(word.find(ends).unwrap_or(word.len()));
                self.0.get(id).map_or_else(|| word.to_owned(), |name| written(id, name) + rest)
            })
            .collect()
    }
}

/// A name that is told for an id, and how good it is, the best least.
struct Told {
    id: String,
    name: String,
    rank: (i64, Reverse<i64>),
}

/// Whether this is the id of a user of Identity Center: a UUID, in the first directories with ten digits and a hyphen before it.
///
/// <https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_User.html>
fn is_id(text: &str) -> bool {
    let id = match text.split_at_checked(11) {
        Some((first, id)) if first.ends_with('-') && text.len() == 47 => id,
        _ => text,
    };
    id.len() == 36
        && id.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DANA: &str = "87f2f102-a569-4878-a90b-bd154e8170ed";
    const ERIN: &str = "07c8efc9-f7e8-46cb-a404-10dd79845157";

    fn told(id: &str, name: &str, place: i64, n: i64) -> Told {
        Told { id: id.to_owned(), name: name.to_owned(), rank: (place, Reverse(n)) }
    }

    #[test]
    fn the_best_name_counts_and_none_of_two() {
        let people = People::told(vec![
            told(DANA, "somebody at the same desk", 2, 1),
            told(DANA, "dana@example.com", 2, 9),
            told(ERIN, "erin", 2, 3),
            told(ERIN, "eve", 2, 3),
            told("dana", "no id", 1, 3),
        ]);
        assert_eq!(people.0.into_iter().collect::<Vec<_>>(), [(DANA.to_owned(), "dana@example.com".to_owned())]);
        let people = People::told(vec![told(ERIN, "erin", 1, 1), told(ERIN, "eve", 2, 3)]);
        assert_eq!(people.0[ERIN], "erin");
    }

    #[test]
    fn ids_are_said_as_names() {
        let people = People::told(vec![told(DANA, "dana@example.com", 2, 9)]);
        let name = |text: &str| people.named(text, |id, name| format!("{name} ({id})"));
        assert_eq!(name(&format!("{DANA}, {ERIN}")), format!("dana@example.com ({DANA}), {ERIN}"));
        assert_eq!(name(&format!("of {DANA}")), format!("of dana@example.com ({DANA})"));
        assert_eq!(name(&format!("a{DANA} é {DANA}9")), format!("a{DANA} é {DANA}9"));
        assert!(is_id(DANA) && is_id(&format!("90677c608e-{DANA}")));
        assert!(
            !is_id("87f2f102a569-4878-a90b-bd154e8170ed")
                && !is_id("ü7f2f102-a569-4878-a90b-bd154e8170e")
                && !is_id("")
        );
    }
}
