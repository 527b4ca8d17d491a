//! What detections look at that need not be there: knowledge that is configured, and records that not everybody has. A header's `needs`
//! names it by one of the phrases here; where it is not there, the rules' health says what the detection lacks.

use arrow::array::Array;

use super::baseline;
use super::catalogue::{Detection, Footing};
use super::night_tables::truths;
use crate::config::Config;
use crate::error::Result;
use crate::sql::session::Engine;

/// Days of history that a detection needs which stands on nothing else.
const DAYS: u64 = 7;

/// Kinds of records: the phrase in `needs`, what makes a call of the night one of them, and what is said where there is none.
const RECORDS: [(&str, &str, &str); 5] = [
    ("SAML sessions", "event_name = 'AssumeRoleWithSAML'", "nobody came through SAML"),
    ("web identities", "event_name = 'AssumeRoleWithWebIdentity'", "nobody came with a web identity"),
    (
        "events of Identity Center",
        "event_source IN ('sso.amazonaws.com', 'sso-oauth.amazonaws.com', 'sso-oidc.amazonaws.com')",
        "no events of Identity Center, which the organisation's management account records",
    ),
    (
        "data events of Cognito",
        "event_source = 'cognito-identity.amazonaws.com' AND event_name = 'GetCredentialsForIdentity'",
        "no data events of Cognito, which a trail has to be told to record",
    ),
    ("VPC endpoints", "vpc_endpoint_id IS NOT NULL", "no call came through a VPC endpoint"),
];

/// One kind of knowledge.
type Knowledge = (&'static str, fn(&Config) -> bool, &'static str);

/// Kinds of knowledge: the phrase in `needs`, whether the configuration has it, and what is said where it has not.
const KNOWLEDGE: [Knowledge; 2] = [
    (
        "organisation",
        |config| config.organization.is_some() || !config.accounts.is_empty(),
        "no [organization] or [[account]] in rolecall.toml: accounts whose logs are here count as ours",
    ),
    (
        "[enrichment] city",
        |config| config.enrichment.city.is_some() || config.enrichment.country.is_some(),
        "no database of places: [enrichment] city or country in rolecall.toml",
    ),
];

/// What is not there this night.
#[derive(Debug, Default)]
pub struct Missing(Vec<(&'static str, &'static str)>);

impl Missing {
    /// Of a night.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn of(engine: &Engine, config: &Config) -> Result<Self> {
        let asked = RECORDS.iter().enumerate();
        let columns: Vec<String> = asked.map(|(at, (_, holds, _))| format!("bool_or({holds}) AS has_{at}")).collect();
        let sql = format!("SELECT {} FROM calls", columns.join(", "));
        let rows = baseline::ask(engine, &sql, Vec::new()).await?;
        let mut missing = Vec::new();
        for (at, (phrase, _, words)) in RECORDS.iter().enumerate() {
            let has = truths(&rows, &format!("has_{at}"))?;
            if has.is_empty() || has.is_null(0) || !has.value(0) {
                missing.push((*phrase, *words));
            }
        }
        let unknown = KNOWLEDGE.iter().filter(|(_, has, _)| !has(config));
        missing.extend(unknown.map(|(phrase, _, words)| (*phrase, *words)));
        Ok(Self(missing))
    }

    /// What a detection lacks, in words; none where it has all that it names.
    pub fn words(&self, detection: &Detection, history_days: u64) -> Option<String> {
        let needs = detection.query.needs.as_deref().unwrap_or_default();
        let young = detection.footing == Footing::History && history_days < DAYS;
        let mut words = Vec::new();
        if young {
            words.push(format!("{history_days} days of history; it needs seven"));
        }
        words.extend(self.0.iter().filter(|(phrase, _)| needs.contains(phrase)).map(|(_, words)| (*words).to_owned()));
        (!words.is_empty()).then(|| words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phrase_is_a_detections() {
        let all = crate::detect::catalogue::detections(None).unwrap();
        let phrases = RECORDS.iter().map(|record| record.0).chain(KNOWLEDGE.iter().map(|knowledge| knowledge.0));
        for phrase in phrases {
            let needs = |d: &Detection| d.query.needs.as_deref().is_some_and(|needs| needs.contains(phrase));
            assert!(all.iter().any(needs), "no detection needs '{phrase}'");
        }
    }

    #[test]
    fn what_is_missing_is_told_of_those_that_need_it() {
        let all = crate::detect::catalogue::detections(None).unwrap();
        let missing = Missing(vec![("organisation", "no organisation"), ("SAML sessions", "no SAML")]);
        let of = |id: &str, days| missing.words(all.iter().find(|d| d.id == id).unwrap(), days);
        assert_eq!(of("CTAR-003", 0).as_deref(), Some("no organisation"));
        assert_eq!(of("CTAR-045", 30).as_deref(), Some("no SAML"));
        assert_eq!(of("CTAR-012", 6).as_deref(), Some("6 days of history; it needs seven"));
        assert_eq!((of("CTAR-012", 7), of("CTAR-021", 0)), (None, None));
    }
}
