//! How far apart two addresses are, by a database of places.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::Int64Builder;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result as DataFusionResult, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature};

use super::enrich::{DISTANCE, Enrichment};
use super::functions::{answer, coerce_to_text, each_text, rows, text_signature, texts};
use crate::error::Result;
use crate::sts::ip;

/// The earth's mean radius in kilometres (IUGG).
const RADIUS: f64 = 6371.0088;

/// Kilometres between two places (latitude and longitude in degrees), along a great circle: the haversine formula.
fn kilometres(one: (f64, f64), other: (f64, f64)) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let square = half(one.0, other.0) + one.0.to_radians().cos() * other.0.to_radians().cos() * half(one.1, other.1);
    2.0 * RADIUS * square.sqrt().min(1.0).asin()
}

/// `geo_distance_km(ip, ip)`: whole kilometres; null where one of the two is no address, or has no known place.
#[derive(Debug)]
pub(super) struct DistanceUdf {
    enrichment: Arc<Enrichment>,
    signature: Signature,
}

impl DistanceUdf {
    pub(super) fn new(enrichment: &Arc<Enrichment>) -> Self {
        Self { enrichment: Arc::clone(enrichment), signature: text_signature() }
    }
}

impl PartialEq for DistanceUdf {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.enrichment, &other.enrichment)
    }
}

impl Eq for DistanceUdf {}

impl Hash for DistanceUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        DISTANCE.0.hash(state);
    }
}

/// Where each address of a column is.
fn places(argument: &ColumnarValue, rows: usize, enrichment: &Enrichment) -> DataFusionResult<Vec<Option<(f64, f64)>>> {
    let addresses = texts(argument, rows)?;
    // Addresses repeat; each is looked up once a batch.
    let mut known: HashMap<&str, Option<(f64, f64)>> = HashMap::new();
    let mut out = Vec::with_capacity(addresses.len());
    each_text(&addresses, |address| {
        let place = |address: &str| -> Result<Option<(f64, f64)>> {
            ip::parse(address).map_or(Ok(None), |address| enrichment.place(address))
        };
        out.push(match address {
            None => None,
            Some(address) => match known.get(address) {
                Some(place) => *place,
                None => {
                    let found = place(address).map_err(|e| DataFusionError::External(Box::new(e)))?;
                    known.insert(address, found);
                    found
                }
            },
        });
        Ok(())
    })?;
    Ok(out)
}

impl ScalarUDFImpl for DistanceUdf {
    fn name(&self) -> &str {
        DISTANCE.0
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> DataFusionResult<Vec<DataType>> {
        coerce_to_text(DISTANCE.0, types, &["one address", "another"])
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let (rows, constant) = rows(&args);
        let [one, other] = args.args.as_slice() else { return exec_err!("{} takes two addresses", DISTANCE.0) };
        self.enrichment.ask_place();
        let ends = places(one, rows, &self.enrichment)?.into_iter().zip(places(other, rows, &self.enrichment)?);
        let mut out = Int64Builder::with_capacity(rows);
        for (one, other) in ends {
            let distance = one.zip(other).map(|(one, other)| kilometres(one, other).round());
            // Half the earth's circumference fits.
            #[allow(clippy::cast_possible_truncation)]
            out.append_option(distance.map(|distance| distance as i64));
        }
        answer(Arc::new(out.finish()), constant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn great_circles() {
        let (stockholm, lisbon, amsterdam) = ((59.3294, 18.0687), (38.7167, -9.1333), (52.374, 4.8897));
        let near = |distance: f64, expected: f64| assert!((distance - expected).abs() < 1.0, "{distance}");
        near(kilometres(stockholm, lisbon), 2989.0);
        near(kilometres(stockholm, amsterdam), 1125.0);
        near(kilometres(lisbon, lisbon), 0.0);
        // From one side of the date line to the other, and to the other end of the earth.
        near(kilometres((0.0, 179.5), (0.0, -179.5)), 111.2);
        near(kilometres((0.0, 0.0), (0.0, 180.0)), 20015.1);
    }
}
