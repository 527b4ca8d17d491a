//! A digest's content, and what S3 keeps beside it.
//!
//! See <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>.

use std::collections::HashMap;

use chrono::DateTime;
use serde::Deserialize;

/// The one algorithm that digests are signed with.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";
/// The one algorithm that contents are hashed with.
pub const HASH_ALGORITHM: &str = "SHA-256";

/// What a digest says; its signature is over the bytes that it was read from, so nothing here is written again.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// The start of the time that it covers, as written.
    pub digest_start_time: String,
    /// The end, as written.
    pub digest_end_time: String,
    /// The bucket that it was delivered to.
    pub digest_s3_bucket: String,
    /// Its key there.
    pub digest_s3_object: String,
    /// Which public key its signature is for.
    pub digest_public_key_fingerprint: String,
    /// How it is signed.
    pub digest_signature_algorithm: String,
    /// The bucket of the digest before it; null in the first one.
    pub previous_digest_s3_bucket: Option<String>,
    /// The key of the digest before it.
    pub previous_digest_s3_object: Option<String>,
    /// The hash of that digest's uncompressed content, hexadecimal.
    pub previous_digest_hash_value: Option<String>,
    /// How that is hashed.
    pub previous_digest_hash_algorithm: Option<String>,
    /// The signature of that digest, hexadecimal.
    pub previous_digest_signature: Option<String>,
    /// The log files delivered in that time.
    #[serde(default)]
    pub log_files: Vec<LogFile>,
}

/// A log file, as a digest lists it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogFile {
    /// The bucket.
    pub s3_bucket: String,
    /// The key.
    pub s3_object: String,
    /// The hash of its uncompressed content, hexadecimal.
    pub hash_value: String,
    /// How that is hashed.
    pub hash_algorithm: String,
}

impl Digest {
    /// Reads a digest's uncompressed content; None where it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The time that it covers, microseconds since 1970.
    pub fn covers(&self) -> Option<(i64, i64)> {
        Some((micros(&self.digest_start_time)?, micros(&self.digest_end_time)?))
    }

    /// Bucket and key of the digest before it.
    pub fn previous(&self) -> Option<(&str, &str)> {
        self.previous_digest_s3_bucket.as_deref().zip(self.previous_digest_s3_object.as_deref())
    }
}

/// A time as AWS writes it, in microseconds since 1970.
pub fn micros(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
}

/// What S3 keeps beside a digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The signature, hexadecimal.
    pub signature: Option<String>,
    /// How it is signed.
    pub algorithm: Option<String>,
    /// For a backfill digest: when it was made, as written.
    pub generated: Option<String>,
}

impl Metadata {
    /// Reads an object's user-defined metadata, with or without the `x-amz-meta-`.
    pub fn of(all: &HashMap<String, String>) -> Self {
        let mut metadata = Self::default();
        for (name, value) in all {
            let name = name.to_ascii_lowercase();
            let place = match name.strip_prefix("x-amz-meta-").unwrap_or(&name) {
                "signature" => &mut metadata.signature,
                "signature-algorithm" => &mut metadata.algorithm,
                "backfill-generation-timestamp" => &mut metadata.generated,
                _ => continue,
            };
            *place = Some(value.clone());
        }
        metadata
    }

    /// Reads what `aws s3api head-object` prints, or the bare names and values.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(rename = "Metadata")]
            metadata: HashMap<String, String>,
        }
        let head = serde_json::from_slice::<Head>(bytes).map(|head| head.metadata);
        head.or_else(|_| serde_json::from_slice(bytes)).ok().map(|all| Self::of(&all))
    }

    /// The names and values again, for a file that proves a copy later.
    pub fn named(&self) -> Vec<(&'static str, &str)> {
        let parts = [
            ("signature", &self.signature),
            ("signature-algorithm", &self.algorithm),
            ("backfill-generation-timestamp", &self.generated),
        ];
        parts.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_as_the_cli_prints_it() {
        let head = br#"{"ContentLength": 3, "Metadata": {"signature": "ab", "signature-algorithm": "SHA256withRSA"}}"#;
        let metadata = Metadata::parse(head).unwrap();
        assert_eq!(metadata.named(), [("signature", "ab"), ("signature-algorithm", "SHA256withRSA")]);
        assert_eq!(Metadata::parse(br#"{"X-Amz-Meta-Signature": "ab"}"#).unwrap().signature.as_deref(), Some("ab"));
        assert_eq!(Metadata::parse(b"[]"), None);
    }
}
