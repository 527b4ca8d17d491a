//! CloudTrail's public keys from CloudTrail itself. The one file that names its SDK.
//!
//! See <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html>.

use std::error::Error as StdError;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudtrail::error::ProvideErrorMetadata;
use aws_sdk_cloudtrail::primitives::{DateTime, DateTimeFormat};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::keys::PublicKey;
use crate::error::{Error, Result};
use crate::source::S3Options;

/// CloudTrail, asked with the credentials that also read the logs.
#[derive(Debug)]
pub struct CloudTrail {
    shared: SdkConfig,
}

impl CloudTrail {
    /// Prepares to ask; the first question tells whether the credentials are good.
    pub async fn connect(options: &S3Options) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(10))
                .operation_timeout(Duration::from_secs(60))
                .build(),
        );
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
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
        Self { shared: loader.region(Region::from_static("us-east-1")).load().await }
    }

    /// The keys that digests of a region were signed with between two times, microseconds since 1970.
    ///
    /// # Errors
    /// CloudTrail does not answer, or refuses: `cloudtrail:ListPublicKeys` is needed.
    pub async fn public_keys(&self, region: &str, from: i64, to: i64) -> Result<Vec<PublicKey>> {
        let config = aws_sdk_cloudtrail::config::Builder::from(&self.shared).region(Region::new(region.to_owned()));
        let client = aws_sdk_cloudtrail::Client::from_conf(config.build());
        let time = |micros: i64| DateTime::from_secs(micros.div_euclid(1_000_000));
        let (mut keys, mut token) = (Vec::new(), None);
        loop {
            let request = client.list_public_keys().start_time(time(from)).end_time(time(to)).set_next_token(token);
            let page = request.send().await.map_err(|e| {
                // Codes, messages and causes only: the SDK's debug text holds whole requests.
                let service = e.as_service_error();
                let code = service.and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned();
                let message = service.and_then(ProvideErrorMetadata::message).unwrap_or_default().to_owned();
                let why = if code.is_empty() { causes(&e) } else { format!("{code} {message}").trim_end().to_owned() };
                Error::input(format!("CloudTrail's public keys of {region} cannot be had: {why}"))
            })?;
            for key in page.public_key_list.unwrap_or_default() {
                let (Some(value), Some(fingerprint)) = (key.value, key.fingerprint) else { continue };
                let written = |time: Option<DateTime>| Some(time?.fmt(DateTimeFormat::DateTime).ok()?.into());
                keys.push(PublicKey {
                    value: STANDARD.encode(value.as_ref()),
                    validity_start_time: written(key.validity_start_time),
                    validity_end_time: written(key.validity_end_time),
                    fingerprint,
                });
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(keys);
            }
        }
    }
}

/// The texts of an error's causes, without what repeats.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !texts.iter().any(|there| there.contains(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}
