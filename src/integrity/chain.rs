//! The verdicts of one chain of digests. Pure: digests in, verdicts out.
//!
//! A digest is proved by CloudTrail's signature, which stands in the digest after it and, for the newest, in the metadata of its
//! S3 object; or by its hash in a later digest that is proved. What a digest says of others counts as much as it is proved itself.

use std::collections::{HashMap, HashSet};

use super::digest::{Digest, HASH_ALGORITHM, Metadata, SIGNATURE_ALGORITHM};
use super::keys::Keys;
use super::name::DigestName;
use super::signature::{is_signed, same_hash, string_to_sign};
use super::verdict::{Proof, Verdict, Why};

/// What was read of a digest.
#[derive(Debug, Clone)]
pub enum Content {
    /// A digest, and the hash of its uncompressed content.
    Whole(Box<Digest>, String),
    /// Something else: `NotWhole` or `NotADigest`.
    Broken(Why),
    /// Nothing: `Unreadable` or `Archived`.
    Unread(Why),
}

/// A digest to be judged.
#[derive(Debug, Clone)]
pub struct Examined {
    /// What its name tells.
    pub name: DigestName,
    /// What was read.
    pub content: Content,
    /// What S3 keeps beside it, where that is known.
    pub metadata: Option<Metadata>,
    /// Whether it lies where it says that it was delivered to.
    pub in_place: bool,
}

impl Examined {
    /// The digest, where it is one.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.content {
            Content::Whole(digest, _) => Some(digest),
            _ => None,
        }
    }

    /// The hash of its content.
    pub fn hash(&self) -> Option<&str> {
        match &self.content {
            Content::Whole(_, hash) => Some(hash),
            _ => None,
        }
    }
}

/// How far a digest's own words can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// It is not what CloudTrail delivered.
    Invalid,
    /// Nothing speaks against it, and nothing proves it.
    Unproven,
    /// It is proved.
    Proven,
}

/// A digest's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not valid.
    pub why: Option<Why>,
    /// What proves it.
    pub proof: Option<Proof>,
    /// What its words are worth.
    pub trust: Trust,
}

impl Judged {
    fn proven(proof: Proof) -> Self {
        Self { verdict: Verdict::Valid, why: None, proof: Some(proof), trust: Trust::Proven }
    }

    fn invalid(verdict: Verdict, why: Why) -> Self {
        Self { verdict, why: Some(why), proof: None, trust: Trust::Invalid }
    }

    fn unproven(why: Why) -> Self {
        Self { verdict: Verdict::Unverifiable, why: Some(why), proof: None, trust: Trust::Unproven }
    }
}

/// What the digests after one say of it.
#[derive(Debug, Clone, Copy)]
struct Link<'a> {
    newer: usize,
    signature: &'a str,
    hash: &'a str,
}

/// Which digests name which, by their places in the chain.
#[derive(Debug, Default)]
pub struct Links<'a> {
    to: HashMap<usize, Vec<Link<'a>>>,
    /// Digests that are named and not here: the place of the one that names it, bucket and key.
    pub elsewhere: Vec<(usize, &'a str, &'a str)>,
}

impl<'a> Links<'a> {
    /// Reads the links of digests; `find` gives the place of the digest that has this bucket and key.
    pub fn of(digests: &'a [Examined], find: &dyn Fn(&str, &str) -> Option<usize>) -> Self {
        let mut links = Self::default();
        let mut named = HashSet::new();
        for (newer, digest) in digests.iter().enumerate() {
            let Some(digest) = digest.digest() else { continue };
            let Some((bucket, key)) = digest.previous() else { continue };
            match find(bucket, key) {
                Some(place) if place != newer => links.to.entry(place).or_default().push(Link {
                    newer,
                    signature: digest.previous_digest_signature.as_deref().unwrap_or_default(),
                    hash: digest
                        .previous_digest_hash_value
                        .as_deref()
                        .filter(|_| digest.previous_digest_hash_algorithm.as_deref() == Some(HASH_ALGORITHM))
                        .unwrap_or_default(),
                }),
                Some(_) => {}
                None if named.insert((bucket, key)) => links.elsewhere.push((newer, bucket, key)),
                None => {}
            }
        }
        links
    }

    /// Whether a digest stands at the head of the chain: its signature is in no other.
    pub fn is_head(&self, place: usize) -> bool {
        !self.to.contains_key(&place)
    }
}

/// Judges the digests of one chain, the newest first.
pub fn judge(digests: &[Examined], links: &Links<'_>, keys: &Keys) -> Vec<Judged> {
    let mut judged: Vec<Judged> = Vec::with_capacity(digests.len());
    for (place, digest) in digests.iter().enumerate() {
        let links = links.to.get(&place).map(Vec::as_slice).unwrap_or_default();
        // A digest can only be named by a newer one; one that names itself or the future says nothing.
        let mut links: Vec<(Link<'_>, Trust)> =
            links.iter().filter_map(|link| Some((*link, judged.get(link.newer)?.trust))).collect();
        links.sort_by_key(|(_, trust)| std::cmp::Reverse(*trust));
        let after_invalid = judged.last().is_some_and(|newer| newer.trust == Trust::Invalid);
        judged.push(one(digest, &links, after_invalid, keys));
    }
    judged
}

/// Judges one digest by the digests that name it, the most trusted first. `after_invalid`: the one after it is not valid.
fn one(digest: &Examined, links: &[(Link<'_>, Trust)], after_invalid: bool, keys: &Keys) -> Judged {
    let (content, hash) = match &digest.content {
        Content::Whole(content, hash) => (content, hash),
        Content::Broken(why) => return Judged::invalid(Verdict::Modified, *why),
        Content::Unread(why) => return Judged::unproven(*why),
    };
    if !digest.in_place {
        return Judged::invalid(Verdict::Moved, Why::OtherPlace);
    }
    let best = links.first().filter(|(_, trust)| *trust != Trust::Invalid);
    if best.is_some_and(|(link, _)| !link.hash.is_empty() && !same_hash(link.hash, hash)) {
        return Judged::invalid(Verdict::Modified, Why::HashDiffers);
    }
    let metadata = digest.metadata.as_ref();
    // The official validator refuses a backfill digest that does not say when it was made.
    if digest.name.chain.backfill && metadata.is_some_and(|metadata| metadata.generated.is_none()) {
        return Judged::invalid(Verdict::BadSignature, Why::NoGenerationTime);
    }
    let chained = best.is_some_and(|(link, trust)| *trust == Trust::Proven && !link.hash.is_empty());
    let otherwise = |why| if chained { Judged::proven(Proof::Chain) } else { Judged::unproven(why) };
    let algorithm = metadata.and_then(|metadata| metadata.algorithm.as_deref()).unwrap_or(SIGNATURE_ALGORITHM);
    if content.digest_signature_algorithm != SIGNATURE_ALGORITHM || algorithm != SIGNATURE_ALGORITHM {
        return otherwise(Why::Algorithm);
    }
    let Some(key) = keys.get(&content.digest_public_key_fingerprint) else { return otherwise(Why::NoKey) };
    let own = metadata.and_then(|metadata| metadata.signature.as_deref());
    let text = string_to_sign(content, hash);
    // A signature that fits proves the digest wherever it stands; one that does not fit counts where it can be trusted.
    if links.iter().map(|(link, _)| link.signature).chain(own).any(|signature| is_signed(&text, signature, key)) {
        return Judged::proven(Proof::Signature);
    }
    if own.is_some() || best.is_some() {
        return Judged::invalid(Verdict::BadSignature, Why::SignatureDiffers);
    }
    Judged::unproven(if after_invalid || !links.is_empty() { Why::SuccessorNotValid } else { Why::NoSignature })
}
