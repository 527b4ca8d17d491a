//! The S3 client: credentials, region, endpoint, and the three calls that reading logs needs.
//!
//! The only file that names the AWS SDK: the rest of this room sees pages, entries and refusals. It never writes, and no
//! text that leaves it holds a credential.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::Duration;

use aws_config::meta::region::{ProvideRegion, RegionProviderChain};
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ObjectStorageClass, OptionalObjectAttributes, RequestPayer};
use bytes::Bytes;

use super::S3Options;
use super::refusal::{Doing, Reason, Refusal};

/// How often a call is made before it counts as failed; the SDK waits longer between each.
const ATTEMPTS: u32 = 5;

/// How often a body is asked for again when the connection breaks within it, which the SDK does not retry.
const BODY_ATTEMPTS: u32 = 3;

/// The region where neither option, variable, profile nor instance names one; the bucket's answer corrects it.
const FALLBACK_REGION: &str = "us-east-1";

/// The session name under which roles are assumed, so that our own calls can be told from others'.
const SESSION_NAME: &str = "rolecall";

/// An object in a listing.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) size: Option<u64>,
    pub(super) etag: Option<String>,
    /// Microseconds since the epoch.
    pub(super) last_modified: Option<i64>,
    /// Whether it lies in an archive and has not been restored.
    pub(super) archived: bool,
}

/// One page of a listing, both lists in the order of the keys' bytes.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    pub(super) prefixes: Vec<String>,
    pub(super) next: Option<String>,
}

/// What a page is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask {
    pub(super) prefix: String,
    /// Whether to stop at the next `/` and tell prefixes instead of all that is below them.
    pub(super) folders: bool,
    pub(super) start_after: Option<String>,
    pub(super) token: Option<String>,
    /// At most so many; None for the server's own limit.
    pub(super) limit: Option<i32>,
}

/// A client for one bucket.
#[derive(Debug, Clone)]
pub(super) struct Client {
    sdk: aws_sdk_s3::Client,
    bucket: String,
    profile: String,
    payer: Option<RequestPayer>,
}

impl Client {
    /// Prepares a client; the first call tells whether the credentials and the bucket are good.
    pub(super) async fn connect(bucket: &str, options: &S3Options) -> Self {
        let env = |name| std::env::var(name).ok().filter(|v: &String| !v.is_empty());
        let endpoint =
            options.endpoint.clone().or_else(|| env("AWS_ENDPOINT_URL_S3")).or_else(|| env("AWS_ENDPOINT_URL"));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region(options, endpoint.is_some()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(10))
                    .read_timeout(Duration::from_secs(60))
                    .operation_attempt_timeout(Duration::from_secs(120))
                    .build(),
            );
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &options.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(given) = &options.credentials {
            loader = loader.credentials_provider(aws_credential_types::Credentials::new(
                &given.access_key_id,
                &given.secret_access_key,
                given.session_token.clone(),
                None,
                "options",
            ));
        }
        let mut shared = loader.load().await;
        if let Some(role) = &options.role {
            let mut provider = AssumeRoleProvider::builder(&role.arn).session_name(SESSION_NAME).configure(&shared);
            if let Some(id) = &role.external_id {
                provider = provider.external_id(id);
            }
            let assumed = SharedCredentialsProvider::new(provider.build().await);
            shared = shared.into_builder().credentials_provider(assumed).build();
        }
        let endpoint = endpoint.or_else(|| shared.endpoint_url().map(str::to_owned));
        // Other servers rarely resolve a host name per bucket, while all of them understand the path.
        let path_style = match env("AWS_S3_PATH_STYLE").map(|v| v.to_lowercase()).as_deref() {
            _ if options.path_style => true,
            Some("true" | "1" | "yes") => true,
            Some(_) => false,
            None => endpoint.is_some_and(|e| !e.contains(".amazonaws.com")),
        };
        let config = aws_sdk_s3::config::Builder::from(&shared).force_path_style(path_style);
        let config = match &options.endpoint {
            Some(endpoint) => config.endpoint_url(endpoint),
            None => config,
        };
        let profile = options.profile.clone().or_else(|| env("AWS_PROFILE")).unwrap_or_else(|| "default".to_owned());
        let payer = options.requester_pays.then_some(RequestPayer::Requester);
        Self { sdk: aws_sdk_s3::Client::from_conf(config.build()), bucket: bucket.to_owned(), profile, payer }
    }

    /// The same client for another region.
    pub(super) fn in_region(&self, region: &str) -> Self {
        let config = self.sdk.config().to_builder().region(Region::new(region.to_owned())).build();
        Self { sdk: aws_sdk_s3::Client::from_conf(config), ..self.clone() }
    }

    /// The address of a key or prefix.
    pub(super) fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// One page of ListObjectsV2.
    pub(super) async fn page(&self, ask: &Ask) -> Result<Page, Refusal> {
        let request = self
            .sdk
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(&ask.prefix)
            .set_delimiter(ask.folders.then(|| "/".to_owned()))
            .set_start_after(ask.start_after.clone())
            .set_continuation_token(ask.token.clone())
            .set_max_keys(ask.limit)
            .set_request_payer(self.payer.clone())
            // Without it a restored object looks archived for ever.
            .optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
        let page = request.send().await.map_err(|e| self.refusal(Doing::List, &ask.prefix, &e))?;
        let next = match page.is_truncated() {
            Some(true) => page.next_continuation_token,
            _ => None,
        };
        let prefixes = page.common_prefixes.unwrap_or_default().into_iter().filter_map(|p| p.prefix).collect();
        let entries = page.contents.unwrap_or_default().into_iter().filter_map(entry).collect();
        Ok(Page { entries, prefixes, next })
    }

    /// An object's size and dates without listing, for those who may read but not list, and its own metadata.
    pub(super) async fn head(&self, key: &str) -> Result<(Entry, HashMap<String, String>), Refusal> {
        let request = self.sdk.head_object().bucket(&self.bucket).key(key).set_request_payer(self.payer.clone());
        let head = request.send().await.map_err(|e| self.refusal(Doing::Read, key, &e))?;
        let entry = Entry {
            key: key.to_owned(),
            size: head.content_length().and_then(|n| u64::try_from(n).ok()),
            last_modified: head.last_modified().and_then(micros),
            etag: head.e_tag().map(unquoted),
            archived: false,
        };
        Ok((entry, head.metadata.unwrap_or_default()))
    }

    /// A whole object, checked against the announced length.
    pub(super) async fn get(&self, key: &str) -> Result<Bytes, Refusal> {
        let mut attempt = 1;
        loop {
            let request = self.sdk.get_object().bucket(&self.bucket).key(key).set_request_payer(self.payer.clone());
            let object = request.send().await.map_err(|e| self.refusal(Doing::Read, key, &e))?;
            let length = object.content_length().and_then(|n| u64::try_from(n).ok());
            match whole(object.body, length).await {
                Ok(bytes) => return Ok(bytes),
                Err(cause) if attempt >= BODY_ATTEMPTS => {
                    return Err(self.refused(Doing::Read, key, Reason::Unreachable, cause));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(200) * attempt).await,
            }
            attempt += 1;
        }
    }

    fn refused(&self, doing: Doing, key: &str, reason: Reason, cause: String) -> Refusal {
        let at = self.uri(key);
        Refusal { doing, at, bucket: self.bucket.clone(), profile: self.profile.clone(), reason, cause }
    }

    /// What an SDK error means. Only codes, messages and causes are taken from it: its debug text holds whole requests.
    fn refusal<E>(&self, doing: Doing, key: &str, error: &SdkError<E>) -> Refusal
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let service = error.as_service_error();
        let code = service.and_then(|e| e.code()).unwrap_or_default();
        let message = service.and_then(|e| e.message()).unwrap_or_default();
        let response = error.raw_response();
        let status = response.map_or(0, |r| r.status().as_u16());
        let region = response.and_then(|r| r.headers().get("x-amz-bucket-region"));
        let reason = if let Some(kind) = credentials_error(error) {
            kind
        } else if response.is_none() {
            Reason::Unreachable
        } else {
            Reason::of(status, code, message, region)
        };
        let cause = match (code, message) {
            ("", _) if response.is_some() => format!("HTTP status {status}"),
            ("", _) => causes(error),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
        self.refused(doing, key, reason, cause)
    }
}

/// The region to start with, asked for in the order of the AWS CLI.
fn region(options: &S3Options, other_server: bool) -> impl ProvideRegion + 'static {
    let given = RegionProviderChain::first_try(options.region.clone().map(Region::new));
    if other_server || options.credentials.is_some() {
        // An instance's own region says nothing about another server, and asking for it takes seconds elsewhere.
        let mut profile = ProfileFileRegionProvider::builder();
        if let Some(name) = &options.profile {
            profile = profile.profile_name(name);
        }
        return given
            .or_else(aws_config::environment::region::EnvironmentVariableRegionProvider::new())
            .or_else(profile.build())
            .or_else(FALLBACK_REGION);
    }
    let mut provider = aws_config::default_provider::region::DefaultRegionChain::builder();
    if let Some(name) = &options.profile {
        provider = provider.profile_name(name);
    }
    given.or_else(provider.build()).or_else(FALLBACK_REGION)
}

fn entry(object: aws_sdk_s3::types::Object) -> Option<Entry> {
    let stored = matches!(object.storage_class, Some(ObjectStorageClass::Glacier | ObjectStorageClass::DeepArchive));
    let restored = object
        .restore_status
        .is_some_and(|r| r.is_restore_in_progress() != Some(true) && r.restore_expiry_date().is_some());
    Some(Entry {
        key: object.key?,
        size: object.size.and_then(|n| u64::try_from(n).ok()),
        etag: object.e_tag.as_deref().map(unquoted),
        last_modified: object.last_modified.as_ref().and_then(micros),
        archived: stored && !restored,
    })
}

fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

fn micros(time: &aws_sdk_s3::primitives::DateTime) -> Option<i64> {
    time.secs().checked_mul(1_000_000)?.checked_add(i64::from(time.subsec_nanos() / 1_000))
}

/// The whole body, or what went wrong with it.
async fn whole(body: ByteStream, length: Option<u64>) -> Result<Bytes, String> {
    let bytes = body.collect().await.map_err(|e| causes(&e))?.into_bytes();
    match length {
        Some(length) if length != bytes.len() as u64 => Err(format!("{} of {length} bytes arrived", bytes.len())),
        _ => Ok(bytes),
    }
}

/// The texts of an error and its causes on one line, without what repeats.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in chain(error) {
        let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !texts.iter().any(|t| t.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |e: &&'a (dyn StdError + 'static)| (*e).source())
}

/// Whether the call failed for want of credentials, and how.
fn credentials_error(error: &(dyn StdError + 'static)) -> Option<Reason> {
    let found = chain(error).find_map(|e| e.downcast_ref::<CredentialsError>())?;
    let text = causes(found).to_lowercase();
    Some(if matches!(found, CredentialsError::CredentialsNotLoaded(_)) && !text.contains("sso") {
        Reason::NoCredentials
    } else if text.contains("sso") {
        Reason::SsoLogin
    } else {
        Reason::BadCredentials
    })
}
