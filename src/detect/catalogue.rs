//! The detections: files of `queries/detections`, each a statement with a header, read as strictly as the saved questions.
//!
//! A detection answers with rows whose columns [`super::hit`] knows. What a baseline is made of is in `queries/baselines`.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::finding::Severity;
use crate::error::{Error, Result};
use crate::sql::query_file::Query;

macro_rules! detections {
    ($($name:literal)*) => {
        &[$(($name, concat!("queries/detections/", $name, ".sql"), include_str!(concat!("../../queries/detections/", $name, ".sql")))),*]
    };
}

/// Name, file and text of every detection: the files of `queries/detections`.
static BUILT_IN: &[(&str, &str, &str)] = detections! {
    "ctar-001-new-edge"
    "ctar-002-new-account-pair"
    "ctar-003-unknown-outside-account"
    "ctar-004-trust-changed-then-used"
    "ctar-005-deep-chain"
    "ctar-006-role-juggling"
    "ctar-007-round-trip"
    "ctar-008-fan-out"
    "ctar-009-dormant-role"
    "ctar-010-service-role-by-somebody"
    "ctar-011-new-service"
    "ctar-012-new-network"
    "ctar-013-workload-abroad"
    "ctar-014-workload-beside-a-person"
    "ctar-015-outside-its-runtime"
    "ctar-016-two-networks"
    "ctar-017-impossible-travel"
    "ctar-018-issued-here-used-there"
    "ctar-019-foreign-vpc-endpoint"
    "ctar-020-new-program"
    "ctar-021-attack-tools"
    "ctar-022-unusual-hour"
    "ctar-023-probe-then-act"
    "ctar-024-long-session"
    "ctar-025-unbroken-access"
    "ctar-026-breadth"
    "ctar-027-strange-service"
    "ctar-028-privileged-write"
    "ctar-029-assume-burst"
    "ctar-030-guards-tampered"
    "ctar-031-role-enumeration"
    "ctar-032-principal-enumeration"
    "ctar-033-refused-then-let-in"
    "ctar-034-dead-credentials"
    "ctar-035-no-external-id"
    "ctar-036-external-id-changed"
    "ctar-037-name-of-another"
    "ctar-038-generic-name"
    "ctar-039-mfa-gone"
    "ctar-040-limits-dropped"
    "ctar-041-token-that-outlives-the-key"
    "ctar-042-console-from-keys"
    "ctar-043-assume-root"
    "ctar-044-new-web-identity"
    "ctar-045-saml-anomaly"
    "ctar-046-portal-token"
    "ctar-047-guest-credentials"
    "ctar-048-outside-trust-anchor"
    "ctar-049-new-identity-provider"
    "ctar-050-quarantined-key"
    "ctar-051-region-enabled"
};

/// The families of signals. Within one, facts are not independent (an address lies in a network, a network in a country), so
/// that the strongest counts alone; families add up.
pub const FAMILIES: [&str; 6] = ["network", "client", "time", "graph", "volume", "content"];

/// One detection.
#[derive(Debug, Clone)]
pub struct Detection {
    /// The statement and its header.
    pub query: Query,
    /// Its id, `CTAR-013`.
    pub id: String,
    /// The severity that it starts from.
    pub severity: Severity,
    /// The family that its signal belongs to.
    pub family: &'static str,
    /// What it stands on.
    pub footing: Footing,
}

/// What a detection stands on, by its header's `needs`, whose parts a semicolon divides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Footing {
    /// On what the night holds; history makes it more exact at most.
    Fact,
    /// On history; `without history ..` says what it takes for unusual where there is none, which is usual somewhere.
    Either,
    /// On history alone: it begins with `baseline`.
    History,
}

impl Footing {
    fn of(needs: &str) -> Self {
        let without = needs.split(';').any(|part| part.trim_start().starts_with("without history"));
        match (needs.trim_start().starts_with("baseline"), without) {
            (_, true) => Self::Either,
            (true, false) => Self::History,
            (false, false) => Self::Fact,
        }
    }
}

impl Detection {
    fn of(query: Query) -> Result<Self> {
        let wrong = |what: &str| Error::usage(format!("{}: a detection's header needs {what}", query.file));
        let id = query.id.clone().ok_or_else(|| wrong("an id"))?;
        let severity = query.severity.as_deref().and_then(Severity::parse).ok_or_else(|| wrong("a severity"))?;
        let family = FAMILIES.into_iter().find(|family| query.tags.iter().any(|tag| tag == family));
        let family = family.ok_or_else(|| wrong(&format!("one of the tags {}", FAMILIES.join(", "))))?;
        let footing = Footing::of(query.needs.as_deref().unwrap_or_default());
        Ok(Self { id, severity, family, footing, query })
    }
}

/// Every detection that ships with rolecall, or those of a folder in their place, in the order of their ids.
///
/// # Errors
/// A file cannot be read or is wrong, with its line.
pub fn detections(folder: Option<&Path>) -> Result<Vec<Detection>> {
    let mut all = Vec::new();
    match folder {
        None => {
            for (name, file, sql) in BUILT_IN {
                all.push(Detection::of(Query::parse(name, file, sql)?)?);
            }
        }
        Some(folder) => {
            let library = crate::sql::library::Library::default().with_dir(folder)?;
            for query in library.list() {
                all.push(Detection::of(query.clone())?);
            }
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.query.name.cmp(&b.query.name)));
    Ok(all)
}

/// A hash over the detections' texts: the same rules give the same hash.
pub fn version(detections: &[Detection]) -> String {
    let mut hash = Sha256::new();
    for detection in detections {
        hash.update(detection.query.sql.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..6])
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries/detections");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        files.sort();
        let listed: Vec<_> = BUILT_IN.iter().map(|(name, _, _)| format!("{name}.sql")).collect();
        assert_eq!(listed, files, "src/detect/catalogue.rs lists every file of queries/detections, sorted");
    }

    #[test]
    fn needs_say_what_a_detection_stands_on() {
        assert_eq!(Footing::of("baseline of 14 days and more"), Footing::History);
        assert_eq!(Footing::of("baseline of 14 days; without history everything is new"), Footing::Either);
        assert_eq!(Footing::of("nothing; networks of the role where there is history"), Footing::Fact);
        assert_eq!(Footing::of("nothing; without history every pair is new"), Footing::Either);
        assert_eq!(Footing::of(""), Footing::Fact);
    }

    #[test]
    fn every_detection_is_right() {
        let all = detections(None).unwrap();
        for detection in &all {
            assert!(detection.query.name.starts_with(&detection.id.to_lowercase()), "{}", detection.query.name);
            assert!(!detection.query.attack.is_empty(), "{} names no technique", detection.id);
            assert!(detection.query.needs.is_some() && detection.query.false_positives.is_some(), "{}", detection.id);
        }
        assert_eq!(version(&all), version(&detections(None).unwrap()));
    }
}
