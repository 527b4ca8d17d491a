//! Makes log files and their chain of signed digests, as CloudTrail delivers them, with a key of the tests' own.

#![allow(dead_code)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

pub const BUCKET: &str = "trail-bucket";
pub const ACCOUNT: &str = "111122223333";
pub const FINGERPRINT: &str = "00112233445566778899aabbccddeeff";

fn key() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(include_bytes!("../data/digest_signing_key.p8")).unwrap()
}

/// The public key, as `aws cloudtrail list-public-keys` prints it.
pub fn public_keys() -> Value {
    let value = STANDARD.encode(key().public_key().as_ref());
    json!({ "PublicKeyList": [{ "Value": value, "ValidityStartTime": "2026-10-01T00:00:00+00:00",
        "ValidityEndTime": "2026-12-31T00:00:00+00:00", "Fingerprint": FINGERPRINT }] })
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A log file: key and uncompressed content.
pub type Log = (String, String);

/// A log file delivered at a minute.
pub fn log(region: &str, at: DateTime<Utc>, n: usize) -> Log {
    let (day, minute) = (at.format("%Y/%m/%d"), at.format("%Y%m%dT%H%MZ"));
    let key = format!(
        "AWSLogs/{ACCOUNT}/CloudTrail/{region}/{day}/{ACCOUNT}_CloudTrail_{region}_{minute}_aaaaaaaa{n:08}.json.gz"
    );
    let record = json!({ "eventVersion": "1.08", "eventID": format!("{region}-{n}"), "recipientAccountId": ACCOUNT,
        "eventTime": at.format("%Y-%m-%dT%H:%M:%SZ").to_string(), "eventSource": "s3.amazonaws.com", "awsRegion": region,
        "eventName": "GetObject", "userIdentity": { "type": "IAMUser", "accountId": ACCOUNT } });
    (key, json!({ "Records": [record] }).to_string())
}

/// A digest that was made.
#[derive(Debug, Clone)]
pub struct Made {
    pub key: String,
    pub text: String,
    pub signature: String,
}

/// One trail's digests in one region, one after the other.
pub struct Trail {
    pub region: &'static str,
    pub name: &'static str,
    pub backfill: bool,
    pub fingerprint: &'static str,
    pub made: Vec<Made>,
    pub key: RsaKeyPair,
}

impl Trail {
    pub fn new(region: &'static str, name: &'static str) -> Self {
        Self { region, name, backfill: false, fingerprint: FINGERPRINT, made: Vec::new(), key: key() }
    }

    /// Makes the digest of the hour that ends then; `starts` makes it the first of a chain.
    pub fn digest(&mut self, end: DateTime<Utc>, logs: &[Log], starts: bool) -> &Made {
        let ending = if self.backfill { "_backfill" } else { "" };
        let (region, name) = (self.region, self.name);
        let key = format!(
            "AWSLogs/{ACCOUNT}/CloudTrail-Digest/{region}/{}/{ACCOUNT}_CloudTrail-Digest_{region}_{name}_us-east-1_{}{ending}.json.gz",
            end.format("%Y/%m/%d"),
            end.format("%Y%m%dT%H%M%SZ"),
        );
        let previous = self.made.last().filter(|_| !starts);
        let stamp = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let files: Vec<_> = logs
            .iter()
            .map(|(key, text)| {
                json!({ "s3Bucket": BUCKET, "s3Object": key, "hashValue": hex(digest(&SHA256, text.as_bytes()).as_ref()),
                    "hashAlgorithm": "SHA-256", "newestEventTime": stamp(end), "oldestEventTime": stamp(end) })
            })
            .collect();
        let text = json!({ "awsAccountId": ACCOUNT, "digestStartTime": stamp(end - Duration::hours(1)),
            "digestEndTime": stamp(end), "digestS3Bucket": BUCKET, "digestS3Object": key,
            "digestPublicKeyFingerprint": self.fingerprint, "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": Value::Null, "oldestEventTime": Value::Null,
            "previousDigestS3Bucket": previous.map(|_| BUCKET), "previousDigestS3Object": previous.map(|p| &p.key),
            "previousDigestHashValue": previous.map(|p| hex(digest(&SHA256, p.text.as_bytes()).as_ref())),
            "previousDigestHashAlgorithm": previous.map(|_| "SHA-256"),
            "previousDigestSignature": previous.map(|p| &p.signature), "logFiles": files })
        .to_string();
        let signature = sign(&self.key, &stamp(end), &key, &text, previous.map(|p| p.signature.as_str()));
        self.made.push(Made { key, text, signature });
        self.made.last().unwrap()
    }
}

fn sign(key: &RsaKeyPair, end: &str, place: &str, text: &str, previous: Option<&str>) -> String {
    let hash = hex(digest(&SHA256, text.as_bytes()).as_ref());
    let signed = format!("{end}\n{BUCKET}/{place}\n{hash}\n{}", previous.unwrap_or("null"));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    hex(&signature)
}

/// Writes an object as CloudTrail stores it.
pub fn put(root: &Path, key: &str, text: &str) -> PathBuf {
    let path = root.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, gzip(text.as_bytes())).unwrap();
    path
}

/// What S3 keeps beside a digest.
pub fn metadata(made: &Made, generated: Option<&str>) -> Value {
    let mut all = json!({ "signature": made.signature, "signature-algorithm": "SHA256withRSA" });
    if let Some(generated) = generated {
        all["backfill-generation-timestamp"] = generated.into();
    }
    all
}

/// Writes what `aws s3api head-object` prints beside a copied digest.
pub fn put_sidecar(root: &Path, made: &Made, generated: Option<&str>) -> PathBuf {
    let path = root.join(format!("{}.metadata.json", made.key));
    std::fs::write(
        &path,
        json!({ "ContentType": "application/json", "Metadata": metadata(made, generated) }).to_string(),
    )
    .unwrap();
    path
}

/// Writes an object's metadata where the tests' S3 server keeps it.
pub fn put_s3_metadata(root: &Path, bucket: &str, made: &Made) {
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let name = format!(".bucket-{}.object-{}.metadata.json", encoded(bucket), encoded(&made.key));
    std::fs::write(root.join(name), json!({ "user_metadata": metadata(made, None) }).to_string()).unwrap();
}
