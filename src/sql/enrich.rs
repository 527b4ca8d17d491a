//! What databases beside the logs tell of an address: country, place, autonomous system, organisation, AWS's own ranges.
//!
//! Offline: files that the configuration names, read when a query first asks. Without one its functions give null, and
//! that they were asked is kept, so that somebody can say so.

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{ArrayRef, Int64Builder, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result as DataFusionResult, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};
use datafusion::prelude::SessionContext;
use maxminddb::Reader;
use serde_json::Value;

use super::aws_ranges::AwsRanges;
use super::distance::DistanceUdf;
use super::functions::{answer, coerce_to_text, each_text, rows, text_signature, texts};
use crate::config;
use crate::error::{Error, Result};
use crate::sts::ip;

/// What can be asked about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    Country,
    Asn,
    Organization,
    AwsService,
    AwsRegion,
    Place,
}

/// Every function of one address: its name, what it asks, and the key of `[enrichment]` that it needs.
const FUNCTIONS: [(&str, Asked, &str); 5] = [
    ("geo_country", Asked::Country, "country"),
    ("geo_asn", Asked::Asn, "asn"),
    ("geo_org", Asked::Organization, "asn or organization"),
    ("aws_range_service", Asked::AwsService, "aws_ranges"),
    ("aws_range_region", Asked::AwsRegion, "aws_ranges"),
];

/// The function of two addresses, likewise.
pub(super) const DISTANCE: (&str, Asked, &str) = ("geo_distance_km", Asked::Place, "city");

/// A file that is read when it is first needed; that it cannot be read is told every time.
#[derive(Debug)]
struct Lazy<T> {
    path: Option<PathBuf>,
    read: OnceLock<std::result::Result<T, String>>,
}

impl<T> Lazy<T> {
    fn of(path: Option<&PathBuf>) -> Self {
        Self { path: path.cloned(), read: OnceLock::new() }
    }

    /// What the file holds; `None` where none is named.
    fn get(&self, read: impl FnOnce(&Path) -> std::result::Result<T, String>) -> Result<Option<&T>> {
        let Some(path) = &self.path else { return Ok(None) };
        self.read.get_or_init(|| read(path)).as_ref().map(Some).map_err(|why| {
            Error::input("a database of [enrichment] cannot be read")
                .context("file", path.display().to_string())
                .source(why.clone())
        })
    }
}

/// The databases of `[enrichment]`.
#[derive(Debug)]
pub struct Enrichment {
    city: Lazy<Reader<Vec<u8>>>,
    country: Lazy<Reader<Vec<u8>>>,
    asn: Lazy<Reader<Vec<u8>>>,
    organization: Lazy<Reader<Vec<u8>>>,
    aws: Lazy<AwsRanges>,
    /// Functions that were asked and have no database.
    missed: Mutex<BTreeSet<&'static str>>,
}

impl Default for Enrichment {
    fn default() -> Self {
        Self::of(&config::Enrichment::default())
    }
}

impl Enrichment {
    /// The databases that the configuration names.
    pub fn of(config: &config::Enrichment) -> Self {
        Self {
            city: Lazy::of(config.city.as_ref()),
            // A database of places tells the country too.
            country: Lazy::of(config.country.as_ref().or(config.city.as_ref())),
            asn: Lazy::of(config.asn.as_ref()),
            organization: Lazy::of(config.organization.as_ref().or(config.asn.as_ref())),
            aws: Lazy::of(config.aws_ranges.as_ref()),
            missed: Mutex::default(),
        }
    }

    /// One sentence for those of these functions that have no database; `None` where none lacks one.
    pub fn lacks<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let lacking = |name: &str| FUNCTIONS.iter().chain([&DISTANCE]).find(|f| f.0 == name && !self.has(f.1));
        let lacking: Vec<_> = names.into_iter().filter_map(lacking).collect();
        let (last, others) = lacking.split_last()?;
        if others.is_empty() {
            return Some(format!(
                "{}() gives null: name a file as {} in [enrichment] of rolecall.toml",
                last.0, last.2
            ));
        }
        let calls = others.iter().map(|f| format!("{}()", f.0)).collect::<Vec<_>>().join(", ");
        let keys: BTreeSet<&str> = lacking.iter().flat_map(|f| f.2.split(" or ").take(1)).collect();
        let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
        let last = last.0;
        Some(format!("{calls} and {last}() give null: name files in [enrichment] of rolecall.toml, as {keys}"))
    }

    /// One sentence for the functions that were asked since the last time and have no database.
    pub fn missed(&self) -> Option<String> {
        let missed = std::mem::take(&mut *self.missed.lock().unwrap_or_else(PoisonError::into_inner));
        self.lacks(missed)
    }

    fn miss(&self, name: &'static str) {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
    }

    /// Notes that a distance was asked for.
    pub(super) fn ask_place(&self) {
        if !self.has(DISTANCE.1) {
            self.miss(DISTANCE.0);
        }
    }

    /// The latitude and longitude of an address, in degrees.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn place(&self, address: IpAddr) -> Result<Option<(f64, f64)>> {
        Ok(found(&self.city, address)?.as_ref().and_then(place))
    }

    /// What is known of an address.
    fn ask(&self, asked: Asked, address: IpAddr) -> Result<Option<String>> {
        match asked {
            Asked::Country => Ok(found(&self.country, address)?.as_ref().and_then(country)),
            Asked::Asn => Ok(found(&self.asn, address)?.as_ref().and_then(asn)),
            Asked::Organization => Ok(found(&self.organization, address)?.as_ref().and_then(organization)),
            Asked::AwsService => {
                Ok(self.aws.get(AwsRanges::read)?.and_then(|a| a.find(address)).map(|r| r.service.clone()))
            }
            Asked::AwsRegion => {
                Ok(self.aws.get(AwsRanges::read)?.and_then(|a| a.find(address)).map(|r| r.region.clone()))
            }
            Asked::Place => Ok(self.place(address)?.map(|(latitude, longitude)| format!("{latitude},{longitude}"))),
        }
    }

    fn has(&self, asked: Asked) -> bool {
        match asked {
            Asked::Country => self.country.path.is_some(),
            Asked::Asn => self.asn.path.is_some(),
            Asked::Organization => self.organization.path.is_some(),
            Asked::AwsService | Asked::AwsRegion => self.aws.path.is_some(),
            Asked::Place => self.city.path.is_some(),
        }
    }
}

fn found(database: &Lazy<Reader<Vec<u8>>>, address: IpAddr) -> Result<Option<Value>> {
    let open = |path: &Path| Reader::open_readfile(path).map_err(|e| e.to_string());
    let Some(reader) = database.get(open)? else { return Ok(None) };
    // An IPv6 address in a database of IPv4 addresses is not found; whatever else is wrong is a broken record.
    match reader.lookup(address) {
        Ok(found) => found.decode().map_err(|e| Error::input("a database of [enrichment] is broken").source(e)),
        Err(maxminddb::MaxMindDbError::InvalidInput { .. }) => Ok(None),
        Err(e) => Err(Error::input("a database of [enrichment] is broken").source(e)),
    }
}

/// The first of several fields that holds a text. Vendors of MaxMind-format databases name their fields differently.
fn text(record: &Value, fields: &[&str]) -> Option<String> {
    fields.iter().find_map(|field| record.get(field)?.as_str()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The two letters of a country: MaxMind's and DB-IP's `country.iso_code`, others' `country_code` or `country`.
fn country(record: &Value) -> Option<String> {
    record
        .get("country")
        .and_then(|country| text(country, &["iso_code"]))
        .or_else(|| text(record, &["country_code", "country"]))
}

/// The number: MaxMind's `autonomous_system_number`, others' `asn`, as a number or as `AS64500`.
fn asn(record: &Value) -> Option<String> {
    let value = record.get("autonomous_system_number").or_else(|| record.get("asn"))?;
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim_start_matches("AS").to_owned()).filter(|t| t.parse::<u32>().is_ok()),
        _ => None,
    }
}

/// Latitude and longitude: MaxMind's and DB-IP's `location.latitude`, others' `latitude` or `lat`, as numbers or as texts.
fn place(record: &Value) -> Option<(f64, f64)> {
    let record = record.get("location").filter(|inner| inner.is_object()).unwrap_or(record);
    let degrees = |fields: [&str; 3], most: f64| {
        let value = fields.iter().find_map(|field| record.get(field))?;
        let degrees = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
        Some(degrees).filter(|degrees| degrees.abs() <= most)
    };
    Some((degrees(["latitude", "lat", "lat"], 90.0)?, degrees(["longitude", "lng", "lon"], 180.0)?))
}

fn organization(record: &Value) -> Option<String> {
    text(record, &["organization", "isp", "autonomous_system_organization", "as_name", "as_domain"])
}

/// Adds the functions to a session.
pub fn register(context: &SessionContext, enrichment: &Arc<Enrichment>) {
    context.register_udf(ScalarUDF::from(DistanceUdf::new(enrichment)));
    for (name, asked, _) in FUNCTIONS {
        let signature = text_signature();
        context.register_udf(ScalarUDF::from(AddressUdf {
            name,
            asked,
            enrichment: Arc::clone(enrichment),
            signature,
        }));
    }
}

/// A function from an address to what is known of it; null where the text is no address.
#[derive(Debug)]
struct AddressUdf {
    name: &'static str,
    asked: Asked,
    enrichment: Arc<Enrichment>,
    signature: Signature,
}

impl PartialEq for AddressUdf {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.enrichment, &other.enrichment)
    }
}

impl Eq for AddressUdf {}

impl Hash for AddressUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for AddressUdf {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        coerce_to_text(self.name, types, &["one address"])
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(if self.asked == Asked::Asn { DataType::Int64 } else { DataType::Utf8 })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let (rows, constant) = rows(&args);
        let [argument] = args.args.as_slice() else { return exec_err!("{} takes one address", self.name) };
        let addresses = texts(argument, rows)?;
        if !self.enrichment.has(self.asked) {
            self.enrichment.miss(self.name);
        }
        // Addresses repeat; each is looked up once a batch.
        let mut known: HashMap<&str, Option<String>> = HashMap::new();
        let mut out: Vec<Option<String>> = Vec::with_capacity(addresses.len());
        each_text(&addresses, |address| {
            let Some(address) = address else {
                out.push(None);
                return Ok(());
            };
            if !known.contains_key(address) {
                let told = match ip::parse(address) {
                    Some(ip) => {
                        self.enrichment.ask(self.asked, ip).map_err(|e| DataFusionError::External(Box::new(e)))?
                    }
                    None => None,
                };
                known.insert(address, told);
            }
            out.push(known.get(address).cloned().flatten());
            Ok(())
        })?;
        answer(column(self.asked, &out), constant)
    }
}

fn column(asked: Asked, values: &[Option<String>]) -> ArrayRef {
    if asked == Asked::Asn {
        let mut numbers = Int64Builder::with_capacity(values.len());
        values.iter().for_each(|v| numbers.append_option(v.as_ref().and_then(|v| v.parse().ok())));
        return Arc::new(numbers.finish());
    }
    let mut texts = StringBuilder::with_capacity(values.len(), values.len() * 8);
    values.iter().for_each(|v| texts.append_option(v.as_deref()));
    Arc::new(texts.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn fields_of_several_vendors() {
        assert_eq!(country(&json(r#"{"country":{"iso_code":"SE","names":{"en":"Sweden"}}}"#)), Some("SE".to_owned()));
        assert_eq!(country(&json(r#"{"country_code":"SE"}"#)), Some("SE".to_owned()));
        assert_eq!(country(&json(r#"{"country":"SE","country_name":"Sweden"}"#)), Some("SE".to_owned()));
        assert_eq!(country(&json(r#"{"continent":{"code":"EU"}}"#)), None);
        assert_eq!(asn(&json(r#"{"autonomous_system_number":64500}"#)), Some("64500".to_owned()));
        assert_eq!(asn(&json(r#"{"asn":"AS64500","as_name":"Example"}"#)), Some("64500".to_owned()));
        assert_eq!(asn(&json(r#"{"asn":"none"}"#)), None);
        assert_eq!(place(&json(r#"{"location":{"latitude":59.3,"longitude":18.1}}"#)), Some((59.3, 18.1)));
        assert_eq!(place(&json(r#"{"lat":"59.3","lng":"18.1"}"#)), Some((59.3, 18.1)));
        assert_eq!(place(&json(r#"{"location":{"latitude":159.3,"longitude":18.1}}"#)), None);
        assert_eq!(place(&json(r#"{"country":{"iso_code":"SE"}}"#)), None);
        assert_eq!(organization(&json(r#"{"asn":"AS64500","as_name":"Example"}"#)), Some("Example".to_owned()));
    }
}
