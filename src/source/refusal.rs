//! Why S3 did not do what it was asked, in words that say what to do.
//!
//! Pure. Knows S3's error codes, never the SDK. Takes codes and messages only, so no credential can pass through.

use crate::error::Error;

/// What was asked of S3; decides which permission is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    List,
    Read,
}

/// What stood in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// The bucket lies in another region.
    OtherRegion(String),
    NoSuchBucket,
    NoSuchKey,
    Denied,
    /// The key that the object is encrypted with may not be used.
    DecryptDenied,
    Archived,
    NoCredentials,
    SsoLogin,
    BadCredentials,
    ExpiredToken,
    UnknownAccessKey,
    WrongSecret,
    ClockSkew,
    Throttled,
    /// No answer came, or it broke off.
    Unreachable,
    Other,
}

impl Reason {
    /// The reason behind an answer of S3: its status, error code, message and `x-amz-bucket-region` header.
    ///
    /// See <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
    pub(super) fn of(status: u16, code: &str, message: &str, region: Option<&str>) -> Self {
        let text = message.to_lowercase();
        // With the colon or the blank, since a bucket's name may hold the letters.
        let about_kms = code.starts_with("KMS.") || text.contains("kms:") || text.contains("kms key");
        match code {
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => {
                region.map(str::to_owned).or_else(|| expected_region(message)).map_or(Self::Other, Self::OtherRegion)
            }
            "NoSuchBucket" => Self::NoSuchBucket,
            "NoSuchKey" | "NotFound" => Self::NoSuchKey,
            _ if about_kms => Self::DecryptDenied,
            "AccessDenied" | "AllAccessDisabled" | "Forbidden" => Self::Denied,
            "InvalidObjectState" => Self::Archived,
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Self::ExpiredToken,
            "InvalidAccessKeyId" | "InvalidToken" => Self::UnknownAccessKey,
            "SignatureDoesNotMatch" => Self::WrongSecret,
            "RequestTimeTooSkewed" => Self::ClockSkew,
            "SlowDown" | "ServiceUnavailable" | "RequestLimitExceeded" | "Throttling" => Self::Throttled,
            _ => match (status, region) {
                (301 | 307, Some(region)) => Self::OtherRegion(region.to_owned()),
                (403, _) => Self::Denied,
                (404, _) => Self::NoSuchKey,
                (429 | 503, _) => Self::Throttled,
                _ => Self::Other,
            },
        }
    }
}

/// The region in "the region 'us-east-1' is wrong; expecting 'eu-west-1'".
fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("expecting '")?;
    let (region, _) = rest.split_once('\'')?;
    Some(region.to_owned())
}

/// A call that failed.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) doing: Doing,
    /// The object or prefix, as `s3://bucket/key`.
    pub(super) at: String,
    pub(super) bucket: String,
    /// The profile in use, for the commands in the hints.
    pub(super) profile: String,
    pub(super) reason: Reason,
    /// S3's own code and message, or the causes of a broken connection.
    pub(super) cause: String,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let Refusal { doing, at, bucket, profile, reason, cause } = refusal;
        let (cannot, permission) = match doing {
            Doing::List => (format!("cannot list `{at}`"), "s3:ListBucket"),
            Doing::Read => (format!("cannot read `{at}`"), "s3:GetObject"),
        };
        let (what, hint) = match reason {
            Reason::OtherRegion(region) => (
                format!("the bucket lies in another region, `{region}`"),
                format!("give its region with --s3-region {region}"),
            ),
            Reason::NoSuchBucket => (
                format!("there is no bucket `{bucket}`"),
                "check the name, and with another server than Amazon's --s3-endpoint or AWS_ENDPOINT_URL".to_owned(),
            ),
            Reason::NoSuchKey => {
                ("the object does not exist".to_owned(), "it may have been deleted since it was listed".to_owned())
            }
            Reason::Denied => (
                match doing {
                    Doing::List => format!("listing is refused ({permission})"),
                    Doing::Read => format!("reading is refused ({permission})"),
                },
                match doing {
                    Doing::List => format!("allow s3:ListBucket on arn:aws:s3:::{bucket}, or name a prefix that may be listed"),
                    Doing::Read => format!("allow s3:GetObject on arn:aws:s3:::{bucket}/*"),
                },
            ),
            Reason::DecryptDenied => (
                "decrypting is refused (kms:Decrypt)".to_owned(),
                "allow kms:Decrypt on the key that the trail encrypts with, in the key's policy too where it is another account's"
                    .to_owned(),
            ),
            Reason::Archived => (
                "the object is archived".to_owned(),
                "restore it first, for instance with `aws s3api restore-object`".to_owned(),
            ),
            Reason::NoCredentials => (
                match profile.as_str() {
                    "default" => "no AWS credentials were found".to_owned(),
                    named => format!("no AWS credentials were found; profile `{named}` has none or does not exist"),
                },
                "looked in the AWS_* variables, the AWS configuration files, web identity, the container's and the instance's \
                 role: run `aws configure`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                    .to_owned(),
            ),
            Reason::SsoLogin => (
                format!("the SSO login of profile `{profile}` is missing or has expired"),
                format!("run `aws sso login --profile {profile}`"),
            ),
            Reason::BadCredentials => (
                format!("the credentials of profile `{profile}` could not be loaded"),
                format!("try `aws sts get-caller-identity --profile {profile}`, which goes the same way"),
            ),
            Reason::ExpiredToken => (
                "the credentials have expired".to_owned(),
                format!("get new ones; for an SSO profile run `aws sso login --profile {profile}`"),
            ),
            Reason::UnknownAccessKey => (
                "the access key or session token is not known there".to_owned(),
                "check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN or the profile, and that the endpoint is the right one".to_owned(),
            ),
            Reason::WrongSecret => (
                "the signature does not match: the secret key is wrong".to_owned(),
                "check AWS_SECRET_ACCESS_KEY or the profile".to_owned(),
            ),
            Reason::ClockSkew => (
                "this machine's clock is wrong".to_owned(),
                "set the clock; S3 takes no request that is signed at another time".to_owned(),
            ),
            Reason::Throttled => {
                ("S3 asks to slow down".to_owned(), "run again later; what was read is kept".to_owned())
            }
            Reason::Unreachable => (
                "the connection failed".to_owned(),
                "check the network, the proxy, the region, and --s3-endpoint or AWS_ENDPOINT_URL".to_owned(),
            ),
            Reason::Other => ("S3 refused".to_owned(), "the cause is S3's own message".to_owned()),
        };
        let error = Self::input(format!("{cannot}: {what}")).hint(hint);
        if cause.is_empty() { error } else { error.source(cause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let of = |status, code: &str, message: &str| Reason::of(status, code, message, None);
        assert_eq!(of(403, "AccessDenied", "Access Denied"), Reason::Denied);
        assert_eq!(of(403, "", ""), Reason::Denied);
        assert_eq!(of(403, "AccessDenied", "not authorized to perform: kms:Decrypt"), Reason::DecryptDenied);
        assert_eq!(of(400, "KMS.DisabledException", "the key is disabled"), Reason::DecryptDenied);
        assert_eq!(of(403, "AccessDenied", "no s3:GetObject on arn:aws:s3:::kms-logs"), Reason::Denied);
        assert_eq!(of(404, "NoSuchBucket", "kms-logs does not exist"), Reason::NoSuchBucket);
        assert_eq!(of(403, "InvalidObjectState", ""), Reason::Archived);
        assert_eq!(of(400, "ExpiredToken", ""), Reason::ExpiredToken);
        assert_eq!(of(503, "SlowDown", ""), Reason::Throttled);
        assert_eq!(of(500, "InternalError", ""), Reason::Other);
        assert_eq!(Reason::of(301, "", "", Some("eu-west-1")), Reason::OtherRegion("eu-west-1".into()));
        let wrong = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'";
        assert_eq!(of(400, "AuthorizationHeaderMalformed", wrong), Reason::OtherRegion("eu-west-1".into()));
        assert_eq!(of(400, "AuthorizationHeaderMalformed", "odd"), Reason::Other);
    }

    #[test]
    fn every_reason_says_what_to_do() {
        let reasons = [
            Reason::OtherRegion("eu-west-1".into()),
            Reason::NoSuchBucket,
            Reason::NoSuchKey,
            Reason::Denied,
            Reason::DecryptDenied,
            Reason::Archived,
            Reason::NoCredentials,
            Reason::SsoLogin,
            Reason::BadCredentials,
            Reason::ExpiredToken,
            Reason::UnknownAccessKey,
            Reason::WrongSecret,
            Reason::ClockSkew,
            Reason::Throttled,
            Reason::Unreachable,
            Reason::Other,
        ];
        for reason in reasons {
            let refusal = Refusal {
                doing: Doing::List,
                at: "s3://logs/AWSLogs/".into(),
                bucket: "logs".into(),
                profile: "audit".into(),
                reason,
                cause: String::new(),
            };
            let error = Error::from(refusal);
            assert!(error.to_string().starts_with("cannot list `s3://logs/AWSLogs/`: "), "{error}");
            assert_eq!(error.hints().len(), 1);
        }
    }
}
