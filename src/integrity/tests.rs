//! The vector: one key, two digests and a log file, and everything that must not pass.

use serde_json::Value;

use super::chain::{Content, Examined, Judged, Links, Trust, judge};
use super::digest::{Digest, Metadata};
use super::keys::{Keys, PublicKey};
use super::name::DigestName;
use super::signature::{Hasher, is_signed, same_hash, string_to_sign};
use super::verdict::{Proof, Verdict, Why};

struct Vector {
    all: Value,
    key: Vec<u8>,
}

fn vector() -> Vector {
    use base64::Engine;
    let all: Value = serde_json::from_str(include_str!("../../tests/data/digest_test_vector.json")).unwrap();
    let key = all["public_key_pkcs1_der_base64"].as_str().unwrap();
    let key = base64::engine::general_purpose::STANDARD.decode(key).unwrap();
    Vector { all, key }
}

fn hash(text: &str) -> String {
    let mut hasher = Hasher::default();
    hasher.update(text.as_bytes());
    hasher.finish()
}

impl Vector {
    fn text(&self, n: usize, field: &str) -> &str {
        self.all["digests"][n][field].as_str().unwrap()
    }

    fn digest(&self, n: usize) -> Digest {
        Digest::parse(self.text(n, "digest_text").as_bytes()).unwrap()
    }

    fn keys(&self) -> Keys {
        let mut keys = Keys::default();
        assert!(keys.add(PublicKey {
            value: self.all["public_key_pkcs1_der_base64"].as_str().unwrap().to_owned(),
            validity_start_time: None,
            validity_end_time: None,
            fingerprint: self.digest(0).digest_public_key_fingerprint,
        }));
        keys
    }

    /// A digest to be judged, its text as given.
    fn examined(&self, n: usize, text: &str, signature: Option<&str>) -> Examined {
        Examined {
            name: DigestName::parse(self.text(n, "key")).unwrap(),
            content: Content::Whole(Box::new(Digest::parse(text.as_bytes()).unwrap()), hash(text)),
            metadata: signature.map(|text| Metadata { signature: Some(text.to_owned()), ..Metadata::default() }),
            in_place: true,
        }
    }

    /// Both digests judged, the newest first.
    fn judged(&self, newer: Examined, older: Examined, keys: &Keys) -> Vec<Judged> {
        let digests = [newer, older];
        let find = |_: &str, key: &str| (0..2).find(|place| key == self.text(1 - place, "key"));
        judge(&digests, &Links::of(&digests, &find), keys)
    }
}

#[test]
fn the_vector_passes() {
    let vector = vector();
    for n in 0..2 {
        let (digest, hash) = (vector.digest(n), hash(vector.text(n, "digest_text")));
        assert_eq!(hash, vector.text(n, "sha256_hex"));
        let text = string_to_sign(&digest, &hash);
        assert_eq!(text, vector.text(n, "string_to_sign"));
        assert!(is_signed(&text, vector.text(n, "signature_hex"), &vector.key));
    }
    let listed = &vector.digest(1).log_files[0];
    assert_eq!(listed.s3_object, vector.all["log_key"].as_str().unwrap());
    assert!(same_hash(&listed.hash_value, &hash(vector.all["log_text"].as_str().unwrap())));
    let newer = vector.examined(1, vector.text(1, "digest_text"), Some(vector.text(1, "signature_hex")));
    let older = vector.examined(0, vector.text(0, "digest_text"), None);
    let judged = vector.judged(newer, older, &vector.keys());
    assert!(judged.iter().all(|j| j.verdict == Verdict::Valid && j.proof == Some(Proof::Signature)), "{judged:?}");
}

#[test]
fn its_negatives_fail() {
    let vector = vector();
    let signed = |n: usize, text: &str| is_signed(text, vector.text(n, "signature_hex"), &vector.key);
    // One byte of the log.
    let log = vector.all["log_text"].as_str().unwrap();
    for at in 0..log.len() {
        let mut bytes = log.as_bytes().to_vec();
        bytes[at] ^= 1;
        let flipped = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!same_hash(&vector.digest(1).log_files[0].hash_value, &hash(&flipped)));
    }
    for n in 0..2 {
        let (digest, text) = (vector.digest(n), vector.text(n, "digest_text"));
        // Written again by a JSON library.
        let rewritten: Value = serde_json::from_str(text).unwrap();
        let rewritten = serde_json::to_string_pretty(&rewritten).unwrap();
        assert!(!signed(n, &string_to_sign(&digest, &hash(&rewritten))));
        // A newline at the end, of the digest or of the string.
        assert!(!signed(n, &string_to_sign(&digest, &hash(&format!("{text}\n")))));
        assert!(!signed(n, &format!("{}\n", vector.text(n, "string_to_sign"))));
        // A wrong signature, no signature, no key.
        assert!(!is_signed(vector.text(n, "string_to_sign"), vector.text(1 - n, "signature_hex"), &vector.key));
        assert!(!is_signed(vector.text(n, "string_to_sign"), "", &vector.key));
        assert!(!is_signed(vector.text(n, "string_to_sign"), vector.text(n, "signature_hex"), &[]));
    }
    // The empty text in the place of "null".
    let first = vector.text(0, "string_to_sign").strip_suffix("null").unwrap();
    assert!(!signed(0, first));
}

#[test]
fn a_digest_is_worth_what_proves_it() {
    let vector = vector();
    let (one, two) = (vector.text(0, "digest_text"), vector.text(1, "digest_text"));
    let signature = Some(vector.text(1, "signature_hex"));
    let judge = |newer: Examined, older: Examined, keys: &Keys| {
        let judged = vector.judged(newer, older, keys);
        [(judged[0].verdict, judged[0].why), (judged[1].verdict, judged[1].why)]
    };
    let (valid, keys) = ((Verdict::Valid, None), vector.keys());
    // Without its metadata the newest is not proved, yet it proves the one before it.
    let told = judge(vector.examined(1, two, None), vector.examined(0, one, None), &keys);
    assert_eq!(told, [(Verdict::Unverifiable, Some(Why::NoSignature)), valid]);
    // Without keys nothing is, and hashes still tell what does not fit.
    let no_key = (Verdict::Unverifiable, Some(Why::NoKey));
    let told = judge(vector.examined(1, two, signature), vector.examined(0, one, None), &Keys::default());
    assert_eq!(told, [no_key, no_key]);
    let changed = one.replace("T13:00:00Z", "T12:00:00Z");
    let told = judge(vector.examined(1, two, signature), vector.examined(0, &changed, None), &Keys::default());
    assert_eq!(told, [no_key, (Verdict::Modified, Some(Why::HashDiffers))]);
    // A digest whose key is lost is proved by its hash in one that is proved.
    let strange = one.replace(&vector.digest(0).digest_public_key_fingerprint, "another");
    let linked = two.replace(vector.text(0, "sha256_hex"), &hash(&strange));
    let judged = vector.judged(vector.examined(1, two, signature), vector.examined(0, &strange, None), &keys);
    assert_eq!((judged[1].verdict, judged[1].trust), (Verdict::Modified, Trust::Invalid));
    let told = judge(vector.examined(1, &linked, signature), vector.examined(0, &strange, None), &keys);
    assert_eq!(told[0], (Verdict::BadSignature, Some(Why::SignatureDiffers)));
    assert_eq!(told[1], (Verdict::Unverifiable, Some(Why::NoKey)));
    // What an altered digest says of its predecessor's signature still proves it, if it fits.
    let listed = two.replace("AbCdEfGhIjKlMnOp", "AbCdEfGhIjKlMnOq");
    let told = judge(vector.examined(1, &listed, signature), vector.examined(0, one, None), &keys);
    assert_eq!(told, [(Verdict::BadSignature, Some(Why::SignatureDiffers)), valid]);
    // A backfill digest must say when it was made.
    let mut backfill = vector.examined(1, two, signature);
    backfill.name.chain.backfill = true;
    let told = judge(backfill, vector.examined(0, one, None), &keys);
    assert_eq!(told[0], (Verdict::BadSignature, Some(Why::NoGenerationTime)));
}
