//! Hashes and signatures. The one file that names the cryptography.
//!
//! See <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html>.

use std::fmt::Write;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::digest::Digest;

/// Characters of a SHA-256 in hexadecimal.
const HEX: usize = 64;

/// A SHA-256 under way.
pub struct Hasher(Context);

impl Default for Hasher {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Hasher {
    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash, lower-case hexadecimal.
    pub fn finish(self) -> String {
        let mut hex = String::with_capacity(HEX);
        for byte in self.0.finish().as_ref() {
            // Writing into a String cannot fail.
            _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

/// Whether two hashes are the same; one written without its leading zeros counts as whole.
pub fn same_hash(one: &str, other: &str) -> bool {
    let whole = |hash: &str| format!("{:0>HEX$}", hash.to_ascii_lowercase());
    !one.is_empty() && !other.is_empty() && whole(one) == whole(other)
}

/// The text that CloudTrail signs, for a digest whose uncompressed content has this hash.
pub fn string_to_sign(digest: &Digest, hash: &str) -> String {
    let previous = digest.previous_digest_signature.as_deref().unwrap_or("null");
    format!("{}\n{}/{}\n{hash}\n{previous}", digest.digest_end_time, digest.digest_s3_bucket, digest.digest_s3_object)
}

/// Whether a signature (hexadecimal) over a text was made with the private half of a key (DER of a PKCS#1 RSAPublicKey).
pub fn is_signed(text: &str, signature: &str, public_key: &[u8]) -> bool {
    let Some(signature) = unhex(signature) else { return false };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key).verify(text.as_bytes(), &signature).is_ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_compare_whole() {
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hasher.finish(), abc);
        assert!(same_hash("0ab", "AB") && !same_hash("", "") && !same_hash("ab", "abc"));
        assert_eq!(unhex("00fF"), Some(vec![0, 255]));
        assert_eq!((unhex("0"), unhex("zz"), unhex("é")), (None, None, None));
    }
}
