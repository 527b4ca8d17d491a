//! The values that keys take, read so that a wrong one is told with its line.

use std::path::PathBuf;

use chrono::Utc;
use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error};

use crate::words::{moment, size};

/// The only version of the schema that there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Version;

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            1 => Ok(Self),
            other => Err(D::Error::custom(format!(
                "this version of rolecall reads version 1 of its configuration, not {other}"
            ))),
        }
    }
}

/// A key whose name is taken, and which nothing uses yet.
#[derive(Debug, Clone, Copy)]
pub enum NotYet {}

/// Refuses a section that nothing uses yet.
pub fn no_section<'de, D: Deserializer<'de>>(_: D) -> Result<Option<NotYet>, D::Error> {
    Err(D::Error::custom("this version of rolecall does not use this section yet"))
}

/// Refuses a key that nothing uses yet.
pub fn no_key<'de, D: Deserializer<'de>>(_: D) -> Result<Option<NotYet>, D::Error> {
    Err(D::Error::custom("this version of rolecall does not use this key yet"))
}

/// Refuses a profile for the lake, whose library takes it from the environment alone.
pub fn no_profile<'de, D: Deserializer<'de>>(_: D) -> Result<Option<NotYet>, D::Error> {
    Err(D::Error::custom("the lake's profile is taken from the variable AWS_PROFILE; here a role_arn can be named"))
}

fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    good: impl Fn(&str) -> Result<(), String>,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    good(&text).map(|()| text).map_err(D::Error::custom)
}

fn each(texts: Vec<String>, good: impl Fn(&str) -> Result<(), String>) -> Result<Vec<String>, String> {
    texts.iter().try_for_each(|text| good(text)).map(|()| texts)
}

fn is_account(text: &str) -> Result<(), String> {
    let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { Ok(()) } else { Err(format!("'{text}' is no account: an account id has twelve digits, in quotes")) }
}

fn is_network(text: &str) -> Result<(), String> {
    let network = text.parse::<IpNet>().is_ok();
    if network { Ok(()) } else { Err(format!("'{text}' is no network; write one like 10.0.0.0/8 or 2001:db8::/32")) }
}

/// Reads an account id.
pub fn account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, is_account)
}

/// Reads an account id that may be left out.
pub fn maybe_account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    account(deserializer).map(Some)
}

/// Reads account ids.
pub fn accounts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    each(Vec::deserialize(deserializer)?, is_account).map_err(D::Error::custom)
}

/// Reads networks.
pub fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    each(Vec::deserialize(deserializer)?, is_network).map_err(D::Error::custom)
}

/// Reads a size in bytes.
pub fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    size::parse(&text).filter(|&bytes| bytes > 0).map(Some).ok_or_else(|| D::Error::custom(size::FORMS))
}

/// Reads a duration, in microseconds.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let micros = moment::duration(&text).and_then(|duration| duration.num_microseconds());
    micros.map(Some).ok_or_else(|| D::Error::custom(moment::DURATION_FORMS))
}

/// Reads a time or how long ago, in microseconds since the epoch.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = moment::parse(&text, Utc::now()).map(|time| time.timestamp_micros());
    time.map(Some).ok_or_else(|| D::Error::custom(moment::FORMS))
}

/// Reads a text that is not empty.
pub fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, |text| if text.trim().is_empty() { Err("this must not be empty".to_owned()) } else { Ok(()) })
}

/// Reads a path that is not empty.
pub fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    named(deserializer).map(|text| Some(PathBuf::from(text)))
}
