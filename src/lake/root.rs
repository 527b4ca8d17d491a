//! Where a lake is, on disk or on S3: its tables found, checked and created there.
//!
//! It knows places and layouts, and nothing of what the tables hold.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use deltalake::kernel::{ArrayType, DataType, StructField, StructType};
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use url::Url;

use super::schema::{Table, Type};
use super::write::stats_columns;
use crate::error::{Error, Result};

/// The layout of the tables that this program writes and reads.
const SCHEMA: u64 = 1;
/// The table property that holds it.
const SCHEMA_PROPERTY: &str = "rolecall.schema";

/// How a lake on S3 is reached; what is not given comes from the environment and the profile.
#[derive(Debug, Clone, Default)]
pub struct LakeOptions {
    /// The bucket's region.
    pub region: Option<String>,
    /// The endpoint, for S3-compatible servers.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path and not in the host name. Other servers than Amazon's get it anyhow.
    pub path_style: bool,
    /// Credentials given by the program instead of the standard chain.
    pub credentials: Option<LakeCredentials>,
    /// A role that is assumed with the credentials found.
    pub role_arn: Option<String>,
}

/// Credentials given by the program. Their secret parts are never shown.
#[derive(Clone)]
pub struct LakeCredentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret key.
    pub secret_access_key: String,
    /// The session token, of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for LakeCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Where the lake is.
#[derive(Clone)]
pub(super) struct Root {
    /// As the user named it.
    pub(super) name: String,
    url: Url,
    storage: HashMap<String, String>,
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The storage options may hold a secret key.
        f.debug_struct("Root").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Root {
    pub(super) fn new(location: &str, options: &LakeOptions) -> Result<Self> {
        let wrong = |why: String| Error::usage(why).context("lake", location.to_owned());
        let mut storage = HashMap::new();
        let url = if location.starts_with("s3://") || location.starts_with("s3a://") {
            storage = s3_storage(options);
            Url::parse(location).map_err(|e| wrong("the lake's location is no valid URL".into()).source(e))?
        } else if location.contains("://") && !location.starts_with("file://") {
            return Err(wrong("a lake is a local folder or an s3:// location".into()));
        } else {
            let path = match location.strip_prefix("file://") {
                Some(_) => Url::parse(location)
                    .ok()
                    .and_then(|url| url.to_file_path().ok())
                    .ok_or_else(|| wrong("the lake's location is no valid file URL".into()))?,
                None => Path::new(location).to_path_buf(),
            };
            let path =
                std::path::absolute(&path).map_err(|e| wrong("the lake's path is not valid".into()).source(e))?;
            Url::from_directory_path(&path).map_err(|()| wrong("the lake's path is not valid".into()))?
        };
        Ok(Self { name: location.to_owned(), url, storage })
    }

    /// The lake's folder; `None` on S3.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.url.to_file_path().ok()
    }

    pub(super) fn table(&self, table: &Table) -> Result<Url> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Error::usage("the lake's location cannot hold tables").context("lake", self.name.clone()))?
            .pop_if_empty()
            .extend([table.name, ""]);
        Ok(url)
    }

    fn handle(&self, table: &Table) -> Result<DeltaTable> {
        DeltaTableBuilder::from_url(self.table(table)?)
            .map(|builder| builder.with_storage_options(self.storage.clone()))
            .and_then(DeltaTableBuilder::build)
            .map_err(|e| self.unreadable(table, e))
    }

    pub(super) fn unreadable(&self, table: &Table, e: DeltaTableError) -> Error {
        Error::input("cannot read the lake")
            .context("lake", self.name.clone())
            .context("table", table.name)
            .hint("check that the folder or bucket exists and can be read")
            .source(e)
    }

    /// The newest version of a table, whatever its layout; `None` where there is none.
    pub(super) async fn find(&self, table: &'static Table) -> Result<Option<DeltaTable>> {
        // Opening a store on a missing local folder is an error of its own kind; no folder, no table.
        if let Ok(path) = self.table(table)?.to_file_path()
            && !path.join("_delta_log").is_dir()
        {
            return Ok(None);
        }
        let mut delta = self.handle(table)?;
        if !delta.verify_deltatable_existence().await.map_err(|e| self.unreadable(table, e))? {
            return Ok(None);
        }
        delta.load().await.map_err(|e| self.unreadable(table, e))?;
        Ok(Some(delta))
    }

    /// The newest version of a table that has this program's layout; `None` where there is no table.
    pub(super) async fn newest(&self, table: &'static Table) -> Result<Option<DeltaTable>> {
        let Some(delta) = self.find(table).await? else { return Ok(None) };
        if !self.layout(table, &delta)?.is_ours() {
            return Err(Error::input("this lake was written by an earlier rolecall")
                .context("lake", self.name.clone())
                .context("table", table.name)
                .hint("bring it up to date, which touches no data file: rolecall lake upgrade --lake LAKE"));
        }
        Ok(Some(delta))
    }

    /// The layout of a table of this program's, or of an earlier one's.
    pub(super) fn layout(&self, table: &Table, delta: &DeltaTable) -> Result<Layout> {
        let snapshot = delta.snapshot().map_err(|e| self.unreadable(table, e))?;
        let configuration = snapshot.metadata().configuration();
        let written = configuration.get(SCHEMA_PROPERTY).and_then(|text| text.parse::<u64>().ok());
        let refuse = |what: &str, hint: &str| {
            Err(Error::input(what)
                .context("lake", self.name.clone())
                .context("table", table.name)
                .hint(hint.to_owned()))
        };
        match written {
            Some(written) if written <= SCHEMA => {
                let schema = snapshot.schema();
                let missing =
                    table.columns.iter().map(|c| c.name).filter(|name| schema.field(name).is_none()).collect();
                Ok(Layout { written, missing })
            }
            Some(_) => refuse("this lake was written by a newer rolecall", "upgrade rolecall, or name another lake"),
            None => refuse("this Delta table was not written by rolecall", "name another folder with --lake"),
        }
    }

    pub(super) async fn create(&self, table: &'static Table) -> Result<DeltaTable> {
        let refused = |e: DeltaTableError| {
            Error::input("cannot create the lake")
                .context("lake", self.name.clone())
                .hint("check that the folder or bucket can be written to, or name another one with --lake")
                .source(e)
        };
        let url = self.table(table)?;
        if let Ok(path) = url.to_file_path() {
            std::fs::create_dir_all(&path).map_err(|e| {
                Error::input("cannot create the lake's folder")
                    .context("folder", path.display().to_string())
                    .hint("check that the folder can be written to, or name another one with --lake")
                    .source(e)
            })?;
        }
        let created = CreateBuilder::new()
            .with_log_store(self.handle(table)?.log_store())
            .with_table_name(table.name)
            .with_comment(table.doc)
            .with_columns(delta_schema(table))
            .with_partition_columns(table.partition)
            .with_configuration(properties(table).map(|(name, value)| (name, Some(value))))
            .with_raise_if_key_not_exists(false)
            .with_save_mode(SaveMode::Ignore)
            .await;
        match created {
            Ok(delta) => Ok(delta),
            // Another run may have created it in the same moment.
            Err(e) => match self.newest(table).await? {
                Some(delta) => Ok(delta),
                None => Err(refused(e)),
            },
        }
    }
}

/// deltalake takes the rest (keys, profile, web identity, ...) from the environment and the SDK's credential chain.
fn s3_storage(options: &LakeOptions) -> HashMap<String, String> {
    let mut storage = HashMap::new();
    // Without it an endpoint of one's own would switch the SDK's credential chain (profiles, SSO) off.
    storage.insert("AWS_FORCE_CREDENTIAL_LOAD".to_owned(), "true".to_owned());
    let endpoint = options
        .endpoint
        .clone()
        .or_else(|| std::env::var("AWS_ENDPOINT_URL_S3").ok())
        .or_else(|| std::env::var("AWS_ENDPOINT_URL").ok())
        .filter(|url| !url.is_empty());
    if let Some(endpoint) = endpoint {
        if endpoint.starts_with("http://") {
            storage.insert("AWS_ALLOW_HTTP".to_owned(), "true".to_owned());
        }
        storage.insert("AWS_ENDPOINT_URL".to_owned(), endpoint);
    } else {
        storage.insert("AWS_VIRTUAL_HOSTED_STYLE_REQUEST".to_owned(), (!options.path_style).to_string());
    }
    if let Some(credentials) = &options.credentials {
        storage.insert("AWS_ACCESS_KEY_ID".to_owned(), credentials.access_key_id.clone());
        storage.insert("AWS_SECRET_ACCESS_KEY".to_owned(), credentials.secret_access_key.clone());
        storage.extend(credentials.session_token.clone().map(|token| ("AWS_SESSION_TOKEN".to_owned(), token)));
    }
    if let Some(role) = &options.role_arn {
        storage.insert("AWS_IAM_ROLE_ARN".to_owned(), role.clone());
        storage.insert("AWS_IAM_ROLE_SESSION_NAME".to_owned(), "rolecall".to_owned());
    }
    let region = options
        .region
        .clone()
        .or_else(|| std::env::var("AWS_REGION").ok())
        .or_else(|| std::env::var("AWS_DEFAULT_REGION").ok());
    if let Some(region) = region {
        storage.insert("AWS_REGION".to_owned(), region);
    }
    storage
}

/// The layout that a table was written with.
#[derive(Debug)]
pub(super) struct Layout {
    written: u64,
    /// Columns of this program's that it lacks.
    pub(super) missing: Vec<&'static str>,
}

impl Layout {
    /// Whether it is this program's own.
    pub(super) fn is_ours(&self) -> bool {
        self.written == SCHEMA && self.missing.is_empty()
    }
}

/// The properties that every table carries.
pub(super) fn properties(table: &Table) -> [(String, String); 2] {
    [
        (SCHEMA_PROPERTY.to_owned(), SCHEMA.to_string()),
        ("delta.dataSkippingStatsColumns".to_owned(), stats_columns(table).join(",")),
    ]
}

/// A table's columns in Delta's types; every reader since the first version knows them.
pub(super) fn delta_schema(table: &Table) -> Vec<StructField> {
    table
        .columns
        .iter()
        .map(|column| {
            let kind = match column.kind {
                Type::Text => DataType::STRING,
                Type::Int => DataType::LONG,
                Type::Float => DataType::DOUBLE,
                Type::Bool => DataType::BOOLEAN,
                Type::Time => DataType::TIMESTAMP,
                Type::Date => DataType::DATE,
                Type::Texts => DataType::from(ArrayType::new(DataType::STRING, true)),
                Type::Faults => {
                    let fields = [("index", DataType::LONG), ("reason", DataType::STRING), ("text", DataType::STRING)];
                    let fields = fields.map(|(name, kind)| StructField::nullable(name, kind));
                    DataType::from(ArrayType::new(DataType::from(StructType::new_unchecked(fields)), true))
                }
            };
            StructField::nullable(column.name, kind).with_metadata([("comment", column.doc)])
        })
        .collect()
}
