//! THE schema of `rolecall.toml`. The README's example names every key of it; a test reads the example.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

use super::values::{self, NotYet, Version};

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(rename = "version")]
    _version: Version,
    /// Where the lake is.
    #[serde(default)]
    pub lake: Lake,
    /// What `ingest` reads where no SOURCE is named.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    /// Limits of reading and asking.
    #[serde(default)]
    pub reading: Reading,
    /// The organisation; naming it says which accounts are inside, and so which are not.
    pub organization: Option<Organization>,
    /// Accounts by name.
    #[serde(default, rename = "account")]
    pub accounts: Vec<Account>,
    /// Third parties that may assume roles here.
    #[serde(default, rename = "vendor")]
    pub vendors: Vec<Vendor>,
    /// Networks by name.
    #[serde(default, rename = "network")]
    pub networks: Vec<Network>,
    /// VPC endpoints by name.
    #[serde(default, rename = "vpc_endpoint")]
    pub vpc_endpoints: Vec<VpcEndpoint>,
    /// People and the names they go by.
    #[serde(default, rename = "person")]
    pub people: Vec<Person>,
    /// How much depends on which role.
    #[serde(default, rename = "role")]
    pub roles: Vec<Role>,
    /// Pipelines.
    #[serde(default, rename = "ci")]
    pub ci: Vec<Ci>,
    /// Databases that tell more about addresses.
    #[serde(default)]
    pub enrichment: Enrichment,
    /// What `serve` does where its options say nothing.
    #[serde(default)]
    pub serve: Serve,
    /// The nightly report.
    #[serde(default)]
    pub report: Report,
    /// Work that is announced.
    #[serde(default)]
    pub planned: Vec<Planned>,
    /// Our own roles.
    #[serde(default, rename = "self")]
    pub own: Own,
    #[serde(default, rename = "keep", deserialize_with = "values::no_section")]
    _keep: Option<NotYet>,
    /// Whom a report is told to.
    #[serde(default)]
    pub notify: Vec<super::notify::Notify>,
    #[serde(default, rename = "privacy", deserialize_with = "values::no_section")]
    _privacy: Option<NotYet>,
}

/// `[lake]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lake {
    /// A folder or s3://bucket/prefix.
    pub location: Option<String>,
    /// The role that is assumed to reach it.
    pub role_arn: Option<String>,
    #[serde(default, rename = "profile", deserialize_with = "values::no_profile")]
    _profile: Option<NotYet>,
}

/// `[[source]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// For messages.
    #[serde(deserialize_with = "values::named")]
    pub name: String,
    /// A folder, a file or s3://bucket/prefix.
    #[serde(deserialize_with = "values::named")]
    pub location: String,
    /// The profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The role that is assumed to read it, with the profile's credentials or the environment's.
    pub role_arn: Option<String>,
    /// What that role's trust policy asks for.
    pub external_id: Option<String>,
    /// Objects delivered earlier are left out, microseconds since the epoch.
    #[serde(default, deserialize_with = "values::time")]
    pub since: Option<i64>,
    /// Objects whose key names one of these accounts are left out.
    #[serde(default, deserialize_with = "values::accounts")]
    pub skip_accounts: Vec<String>,
    /// Objects whose key names one of these regions are left out.
    #[serde(default)]
    pub skip_regions: Vec<String>,
    /// Whether the reader pays for requests and transfer.
    #[serde(default)]
    pub requester_pays: bool,
    #[serde(default, rename = "sqs", deserialize_with = "values::no_key")]
    _sqs: Option<NotYet>,
    #[serde(default, rename = "public_keys", deserialize_with = "values::no_key")]
    _public_keys: Option<NotYet>,
}

/// `[reading]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// How long after an event its file may be delivered, microseconds; bounds what `--until` prunes.
    #[serde(default, deserialize_with = "values::duration")]
    pub late_files: Option<i64>,
    /// Bytes that queries share before they spill to disk.
    #[serde(default, deserialize_with = "values::bytes")]
    pub max_memory: Option<u64>,
    /// The folder that they spill to.
    #[serde(default, deserialize_with = "values::path")]
    pub spill_dir: Option<PathBuf>,
    /// Bytes that one object may hold once decompressed.
    #[serde(default, deserialize_with = "values::bytes")]
    pub max_object: Option<u64>,
}

/// `[organization]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Accounts that need no name.
    #[serde(default, deserialize_with = "values::accounts")]
    pub accounts: Vec<String>,
    /// What `aws organizations list-accounts --output json` wrote.
    #[serde(default, deserialize_with = "values::path")]
    pub accounts_file: Option<PathBuf>,
    /// Whether more accounts belong to it than are listed: then nothing is said about the others.
    #[serde(default)]
    pub more_accounts: bool,
}

/// `[[account]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The account's id.
    #[serde(deserialize_with = "values::account")]
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// What it is for: production, test, ...
    pub environment: Option<String>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Whether it belongs to the organisation.
    #[serde(default = "yes")]
    pub in_organization: bool,
}

impl Account {
    /// An account of the organisation of which nothing else is known.
    pub(super) fn of(id: String) -> Self {
        Self { id, name: None, environment: None, owner: None, in_organization: true }
    }
}

fn yes() -> bool {
    true
}

/// `[[vendor]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// Its name.
    #[serde(deserialize_with = "values::named")]
    pub name: String,
    /// The accounts it calls from.
    #[serde(deserialize_with = "values::accounts")]
    pub accounts: Vec<String>,
}

/// What a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// People's offices.
    Office,
    /// A VPN's exits.
    Vpn,
    /// Addresses under which own machines call: NAT gateways, proxies.
    Egress,
    /// Pipelines' runners.
    Ci,
    /// A vendor's.
    Vendor,
    /// A hosting provider's.
    Hosting,
    /// Exits of Tor.
    Tor,
    /// Anything else.
    Other,
}

impl NetworkKind {
    /// The word in `known_networks.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Office => "office",
            Self::Vpn => "vpn",
            Self::Egress => "egress",
            Self::Ci => "ci",
            Self::Vendor => "vendor",
            Self::Hosting => "hosting",
            Self::Tor => "tor",
            Self::Other => "other",
        }
    }
}

/// `[[network]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Its name.
    #[serde(deserialize_with = "values::named")]
    pub name: String,
    /// Its addresses.
    #[serde(deserialize_with = "values::networks")]
    pub cidrs: Vec<String>,
    /// What it is.
    pub kind: NetworkKind,
}

/// `[[vpc_endpoint]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VpcEndpoint {
    /// The endpoint's id, vpce-...
    #[serde(deserialize_with = "values::named")]
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The account it belongs to.
    #[serde(default, deserialize_with = "values::maybe_account")]
    pub account: Option<String>,
}

/// `[[person]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The person.
    #[serde(deserialize_with = "values::named")]
    pub name: String,
    /// Session names, user names, ARNs, mail addresses the person goes by.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// `[[role]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// A role's name or ARN; `*` stands for any text.
    #[serde(deserialize_with = "values::named")]
    pub pattern: String,
    /// How much depends on it: 0 is most.
    pub tier: Option<u8>,
    /// Whether it is for emergencies only.
    #[serde(default)]
    pub break_glass: bool,
    /// Whether nobody has any business with it.
    #[serde(default)]
    pub canary: bool,
}

/// By what a pipeline is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CiKind {
    /// The ARN of its OIDC provider.
    Provider,
    /// The subject of its web identity tokens.
    Subject,
    /// The ARN of the IAM user it calls as.
    User,
}

impl CiKind {
    /// The word in `known_ci.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Subject => "subject",
            Self::User => "user",
        }
    }
}

/// `[[ci]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ci {
    /// The pipeline's name.
    #[serde(deserialize_with = "values::named")]
    pub name: String,
    /// By what it is known.
    pub kind: CiKind,
    /// The ARN or subject; `*` stands for any text.
    #[serde(deserialize_with = "values::named")]
    pub value: String,
}

/// `[enrichment]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrichment {
    /// A MaxMind-format database with places; it tells countries too.
    #[serde(default, deserialize_with = "values::path")]
    pub city: Option<PathBuf>,
    /// One with countries.
    #[serde(default, deserialize_with = "values::path")]
    pub country: Option<PathBuf>,
    /// One with autonomous systems.
    #[serde(default, deserialize_with = "values::path")]
    pub asn: Option<PathBuf>,
    /// One with organisations; where none is named, the autonomous system's.
    #[serde(default, deserialize_with = "values::path")]
    pub organization: Option<PathBuf>,
    /// AWS's published ranges, <https://ip-ranges.amazonaws.com/ip-ranges.json>.
    #[serde(default, deserialize_with = "values::path")]
    pub aws_ranges: Option<PathBuf>,
}

/// `[serve]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// The address to listen on.
    pub postgres: Option<SocketAddr>,
    /// The certificate chain, PEM.
    #[serde(default, deserialize_with = "values::path")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, PEM.
    #[serde(default, deserialize_with = "values::path")]
    pub tls_key: Option<PathBuf>,
    /// The user that the password is for.
    pub user: Option<String>,
    /// The file that holds the password.
    #[serde(default, deserialize_with = "values::path")]
    pub password_file: Option<PathBuf>,
    /// Connections at a time.
    pub max_connections: Option<NonZeroUsize>,
    /// Statements that run at once.
    pub max_statements: Option<NonZeroUsize>,
    /// How long a statement may take, microseconds.
    #[serde(default, deserialize_with = "values::duration")]
    pub statement_timeout: Option<i64>,
}

/// `[self]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// Names or ARNs of the roles that rolecall itself runs with; `*` stands for any text. They are stored and not judged.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// `[[planned]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// What is being done.
    #[serde(deserialize_with = "values::named")]
    pub name: String,
    /// From this moment on, microseconds.
    #[serde(deserialize_with = "values::time")]
    pub since: Option<i64>,
    /// Up to this moment.
    #[serde(deserialize_with = "values::time")]
    pub until: Option<i64>,
    /// Who does it: identities, roles or accounts; `*` stands for any text.
    pub who: Vec<String>,
    /// The detections that it explains; all where none is named.
    #[serde(default)]
    pub detections: Vec<String>,
}

/// `[report]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Rows to act on that a page shows; the rest is counted.
    pub rows: Option<usize>,
    /// Findings of one detection below critical severity that a page shows.
    pub per_detection: Option<NonZeroUsize>,
    /// Findings of one identity below critical severity that a page shows.
    pub per_identity: Option<NonZeroUsize>,
    /// The allow-list.
    #[serde(default, deserialize_with = "values::path")]
    pub allow_file: Option<PathBuf>,
    /// A folder of Sigma rules.
    #[serde(default, deserialize_with = "values::path")]
    pub sigma: Option<PathBuf>,
    /// Settings of single detections.
    #[serde(default, rename = "detection")]
    pub detections: Vec<DetectionSettings>,
}

/// `[[report.detection]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionSettings {
    /// Its id, `CTAR-001`.
    #[serde(deserialize_with = "values::named")]
    pub id: String,
    /// Whether it does not run.
    #[serde(default)]
    pub off: bool,
    /// The gravest that its findings are: critical, high, medium, low or info.
    pub at_most: Option<String>,
}
