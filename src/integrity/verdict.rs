//! What is said of each digest and log file, and why. The words are stable: they are stored and documented.

/// What became of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Proved to be what CloudTrail delivered.
    Valid,
    /// Not what was delivered.
    Modified,
    /// A log file that a digest lists, and that is not there.
    Missing,
    /// A digest that its successor names, and that is not there.
    DigestMissing,
    /// A digest that CloudTrail did not sign.
    BadSignature,
    /// A digest that was delivered to another place than it lies at.
    Moved,
    /// Between this digest and the one before it, nothing vouches for the logs.
    Gap,
    /// A log file that no digest lists.
    Unlisted,
    /// Neither proved nor disproved.
    Unverifiable,
}

impl Verdict {
    /// Every verdict and what it means.
    pub const ALL: [(Verdict, &'static str); 9] = [
        (Verdict::Valid, "proved to be what CloudTrail delivered"),
        (Verdict::Modified, "its content is not what was delivered"),
        (Verdict::Missing, "a log file that a digest lists and that is not there"),
        (Verdict::DigestMissing, "a digest that its successor names and that is not there"),
        (Verdict::BadSignature, "a digest that CloudTrail did not sign"),
        (Verdict::Moved, "a digest that was delivered to another place than it lies at"),
        (Verdict::Gap, "nothing vouches for the logs between this digest and the one before it"),
        (Verdict::Unlisted, "a log file that no digest lists"),
        (Verdict::Unverifiable, "neither proved nor disproved"),
    ];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Valid => "valid",
            Verdict::Modified => "modified",
            Verdict::Missing => "missing",
            Verdict::DigestMissing => "digest_missing",
            Verdict::BadSignature => "bad_signature",
            Verdict::Moved => "moved",
            Verdict::Gap => "gap",
            Verdict::Unlisted => "unlisted",
            Verdict::Unverifiable => "unverifiable",
        }
    }

    /// Whether it proves that evidence was altered or taken away.
    pub fn is_altered(self) -> bool {
        matches!(
            self,
            Verdict::Modified | Verdict::Missing | Verdict::DigestMissing | Verdict::BadSignature | Verdict::Moved
        )
    }
}

macro_rules! whys {
    ($($name:ident $word:literal $text:literal;)*) => {
        /// Why a verdict is not `valid`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Why { $(#[doc = $text] $name),* }

        impl Why {
            /// Every reason, its word and its meaning.
            pub const ALL: &'static [(&'static str, &'static str)] = &[$(($word, $text)),*];

            /// The word that is stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Why::$name => $word),* }
            }

            /// What it means.
            pub fn text(self) -> &'static str {
                match self { $(Why::$name => $text),* }
            }
        }
    };
}

whys! {
    HashDiffers "hash_differs" "the content's SHA-256 is not the one that the digest tells";
    NotWhole "not_whole" "the gzip data is broken off, broken, or followed by something";
    NotADigest "not_a_digest" "it has a digest's name and no digest's content";
    NotFound "not_found" "it is not there";
    SignatureDiffers "signature_differs" "its signature was not made for this content";
    NoGenerationTime "no_generation_time" "a backfill digest without the time when it was made";
    OtherPlace "other_place" "it names another place than the one it lies at";
    Restarted "restarted" "validation or logging was stopped and begun anew";
    OtherBucket "other_bucket" "the chain goes on in another bucket: verify that one too";
    TooNew "too_new" "delivered within an hour of the last digest: the next one may list it";
    NoDigest "no_digest" "no digest covers the time of its delivery: validation was off, or the digests are gone";
    NotInDigest "not_in_digest" "a digest covers the time of its delivery and does not list it: planted, or another trail's";
    OtherFolder "other_folder" "insights, network activity and aggregated files that no digest lists";
    NoSignature "no_signature" "the newest digest's signature is in the metadata of its S3 object, which is not here";
    NoKey "no_key" "the public key is not at hand";
    Algorithm "algorithm" "hashed or signed in a way that is not known";
    SuccessorNotValid "successor_not_valid" "its signature is kept in the next digest, which is not valid";
    DigestNotValid "digest_not_valid" "only digests list it that are not valid";
    OutsideSource "outside_source" "a digest lists it at a place that is no part of this source";
    Archived "archived" "it lies in cold storage; restore it to have it verified";
    TooLarge "too_large" "it holds more than --max-object lets be read of one file";
    Unreadable "unreadable" "it cannot be read";
}

/// What proves a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// CloudTrail's signature over it.
    Signature,
    /// Its hash in a later digest that is proved.
    Chain,
}

impl Proof {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Proof::Signature => "signature",
            Proof::Chain => "chain",
        }
    }
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A digest.
    Digest,
    /// A log file.
    Log,
    /// A gap before a digest.
    Gap,
}

impl Kind {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Digest => "digest",
            Kind::Log => "log",
            Kind::Gap => "gap",
        }
    }
}

/// One verdict.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is about.
    pub kind: Kind,
    /// The object's address, as in `events.source_object`; for what is missing the place where it should be.
    pub object: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not valid.
    pub why: Option<Why>,
    /// What proves the digest, or the digest that lists the log file.
    pub proof: Option<Proof>,
    /// The account that the logs are from.
    pub account: String,
    /// The region.
    pub region: String,
    /// The trail; none for what no digest lists.
    pub trail: Option<String>,
    /// `standard` or `backfill`.
    pub chain: Option<&'static str>,
    /// The digest that lists the log file.
    pub digest: Option<String>,
    /// For a log file the minute of its delivery, for a digest the end of its time; microseconds.
    pub delivered_at: Option<i64>,
    /// The hash that it should have.
    pub expected_sha256: Option<String>,
    /// The hash that it has.
    pub found_sha256: Option<String>,
}
