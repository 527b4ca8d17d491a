//! CloudTrail's public keys, by fingerprint, and the file that keeps them for later.
//!
//! The file is what `aws cloudtrail list-public-keys` prints; beside the keys it can hold the metadata of the newest digests, so that
//! a copy is proved whole without a connection.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::digest::Metadata;
use crate::error::{Error, Kind, Result};

/// Public keys and signatures.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    keys: BTreeMap<String, Known>,
    heads: BTreeMap<String, Metadata>,
    used: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Known {
    key: PublicKey,
    der: Vec<u8>,
}

/// One public key, as CloudTrail tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublicKey {
    /// Base64 of the DER of a PKCS#1 RSAPublicKey.
    pub value: String,
    /// From when on digests are signed with it, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity_start_time: Option<serde_json::Value>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity_end_time: Option<serde_json::Value>,
    /// The name by which digests choose it.
    pub fingerprint: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    public_key_list: Vec<PublicKey>,
    /// By the digest's place, `s3://bucket/key`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    digest_metadata: BTreeMap<String, HashMap<String, String>>,
}

impl Keys {
    /// Adds the keys of a file.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn read(&mut self, path: &Path) -> Result<()> {
        let at = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|e| Error::input("the public keys cannot be read").context("file", at.clone()).source(e))?;
        let file: File = serde_json::from_slice(&bytes).map_err(|e| {
            Error::usage("this is no file of CloudTrail's public keys")
                .context("file", at.clone())
                .source(e)
                .hint("make one with: rolecall verify s3://BUCKET/PREFIX --save-keys FILE")
                .hint("or with: aws cloudtrail list-public-keys --region REGION --start-time T --end-time T > FILE")
        })?;
        for key in file.public_key_list {
            let fingerprint = key.fingerprint.clone();
            if !self.add(key) {
                return Err(Error::usage("a public key is no base64")
                    .context("file", at)
                    .context("fingerprint", fingerprint));
            }
        }
        self.heads.extend(file.digest_metadata.iter().map(|(place, all)| (place.clone(), Metadata::of(all))));
        Ok(())
    }

    /// Adds a key; false where its value is no base64.
    pub fn add(&mut self, key: PublicKey) -> bool {
        // The CLI breaks no lines, but people and mail do.
        let value: String = key.value.split_whitespace().collect();
        let Ok(der) = STANDARD.decode(value) else { return false };
        self.keys.insert(key.fingerprint.clone(), Known { key, der });
        true
    }

    /// The key with this fingerprint, as DER.
    pub fn get(&self, fingerprint: &str) -> Option<&[u8]> {
        self.keys.get(fingerprint).map(|known| known.der.as_slice())
    }

    /// Remembers which keys were needed.
    pub fn needed(&mut self, fingerprints: impl Iterator<Item = String>) {
        self.used.extend(fingerprints);
    }

    /// The metadata of a digest, by bucket and key, where the file holds it.
    pub fn metadata(&self, bucket: &str, key: &str) -> Option<&Metadata> {
        self.heads.get(&format!("s3://{bucket}/{key}"))
    }

    /// Remembers a digest's metadata.
    pub fn keep(&mut self, bucket: &str, key: &str, metadata: &Metadata) {
        self.heads.insert(format!("s3://{bucket}/{key}"), metadata.clone());
    }

    /// Writes the keys that were needed, and the metadata that only S3 has; says how many keys.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<usize> {
        let used = self.keys.iter().filter(|(fingerprint, _)| self.used.contains(*fingerprint));
        let file = File {
            public_key_list: used.map(|(_, known)| known.key.clone()).collect(),
            digest_metadata: self
                .heads
                .iter()
                .map(|(place, metadata)| {
                    let named = metadata.named().into_iter();
                    (place.clone(), named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
                })
                .collect(),
        };
        let text = serde_json::to_string_pretty(&file)
            .map_err(|e| Error::internal("the public keys cannot be put into words").source(e))?;
        std::fs::write(path, text + "\n").map_err(|e| {
            Error::new(Kind::Output, "the public keys cannot be written")
                .context("file", path.display().to_string())
                .source(e)
        })?;
        Ok(file.public_key_list.len())
    }
}
