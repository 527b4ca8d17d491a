//! What a digest's file name tells: whose logs, which trail, up to when.
//!
//! `<account>_CloudTrail-Digest_<region>_<trail>_<home region>_<YYYYMMDD>T<HHMMSS>Z[_backfill].json.gz`.
//! See <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>.

use chrono::NaiveDateTime;

/// Which digests follow each other: one trail's for one account and region, standard or backfill.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain {
    /// The account that the logs are from.
    pub account: String,
    /// The region that the logs are from.
    pub region: String,
    /// The trail's name.
    pub trail: String,
    /// The region that the trail was made in.
    pub home_region: String,
    /// Whether these digests were made later, for logs that were delivered without one.
    pub backfill: bool,
}

impl Chain {
    /// `standard` or `backfill`.
    pub fn kind(&self) -> &'static str {
        if self.backfill { "backfill" } else { "standard" }
    }
}

/// A digest's name, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestName {
    /// The chain that it belongs to.
    pub chain: Chain,
    /// The end of the time that it covers, microseconds since 1970.
    pub end: i64,
}

impl DigestName {
    /// Reads the last component of a key or path; None where that is no digest's name.
    pub fn parse(key: &str) -> Option<Self> {
        let name = key.rsplit('/').next()?;
        let name = name.strip_suffix(".json.gz").or_else(|| name.strip_suffix(".json"))?;
        let (name, backfill) = name.strip_suffix("_backfill").map_or((name, false), |name| (name, true));
        // Trail names may hold underscores, the parts around them never do.
        let (name, end) = name.rsplit_once('_')?;
        let (name, home_region) = name.rsplit_once('_')?;
        let mut parts = name.splitn(4, '_');
        let (account, folder, region, trail) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if folder != "CloudTrail-Digest" || [account, region, trail, home_region].iter().any(|part| part.is_empty()) {
            return None;
        }
        let end = NaiveDateTime::parse_from_str(end, "%Y%m%dT%H%M%SZ").ok()?.and_utc().timestamp_micros();
        let chain = Chain {
            account: account.to_owned(),
            region: region.to_owned(),
            trail: trail.to_owned(),
            home_region: home_region.to_owned(),
            backfill,
        };
        Some(Self { chain, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_whatever_the_trail_is_called() {
        let start = "AWSLogs/1/CloudTrail-Digest/us-east-1/2026/11/23/111122223333_CloudTrail-Digest_us-east-1";
        let name = DigestName::parse(&format!("{start}_my_trail.x_eu-west-1_20261123T140000Z.json.gz")).unwrap();
        assert_eq!((name.chain.trail.as_str(), name.chain.home_region.as_str()), ("my_trail.x", "eu-west-1"));
        assert_eq!((name.chain.kind(), name.end), ("standard", 1_795_442_400_000_000));
        let later = DigestName::parse(&format!("{start}_t_us-east-1_20261123T140000Z_backfill.json.gz")).unwrap();
        assert_eq!((later.chain.kind(), later.end), ("backfill", name.end));
        for odd in ["_t_us-east-1_2026.json.gz", "_t_20261123T140000Z.json.gz", "_t_us-east-1_20261123T140000Z.csv"] {
            assert_eq!(DigestName::parse(&format!("{start}{odd}")), None, "{odd}");
        }
        assert_eq!(DigestName::parse("1_CloudTrail_us-east-1_20261123T1400Z_abc.json.gz"), None);
    }
}
