//! The functions that detections have beside those of every question: scores ([`super::score`]) and names ([`super::names`]).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::{names, score};
use crate::sts::agent;

/// Two numbers of 45 bits hold the days of a window.
const _: () = assert!(super::baseline::WINDOW <= 90);

/// Every function.
pub fn all() -> Vec<ScalarUDF> {
    let mut all = vec![
        text("role_shape", |t| Some(names::role_shape(t))),
        text("chain_shape", |t| Some(names::chain_shape(t))),
        text("subject_prefix", |t| Some(names::subject_prefix(t))),
        text("subject_owner", |t| Some(names::subject_owner(t))),
        text("tag_keys", |t| Some(names::tag_keys(t))),
        text("trusted", names::trusted),
        text("agent_family", |t| Some(agent::family(t))),
        text("attack_tool", |t| agent::tool(t).map(str::to_owned)),
        number("rarity_bits", 3, |x| score::rarity(x[0], x[1], x[2])),
        number("peer_share", 2, |x| score::share(x[0], x[1])),
        number("novelty_bits", 2, |x| score::novelty(x[0], x[1])),
        number("robust_z", 3, |x| score::robust_z(x[0], x[1], x[2])),
        number("burst_bits", 3, |x| score::burst(x[0], x[1], x[2])),
        number("decay", 2, |x| score::decay(x[0], x[1])),
        // Distinct days are counted as bits: the days of a baseline's window, 45 to a number, which a float still holds to the last bit.
        number("days_set", 2, |x| f64::from((x[0] as u64).count_ones() + (x[1] as u64).count_ones())),
    ];
    all.push(create_udf(
        "is_privileged",
        vec![DataType::Utf8],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(|args: &[ColumnarValue]| {
            let (texts, constant) = texts(args, 0)?;
            let out: BooleanArray = texts.iter().map(|t| Some(t.is_some_and(names::is_privileged))).collect();
            answer(Arc::new(out), constant)
        }),
    ));
    all.push(create_udf(
        "names_identity",
        vec![DataType::Utf8, DataType::Utf8],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(|args: &[ColumnarValue]| {
            let ((given, constant), (own, _)) = (texts(args, 0)?, texts(args, 1)?);
            let pairs = given.iter().zip(own.iter());
            let out: BooleanArray = pairs.map(|(name, own)| Some(names::names_identity(name?, own?))).collect();
            answer(Arc::new(out), constant)
        }),
    ));
    all.push(create_udf(
        "hour_bits",
        vec![DataType::Utf8, DataType::Int64],
        DataType::Float64,
        Volatility::Immutable,
        Arc::new(|args: &[ColumnarValue]| {
            // The counts of the 48 bins, as `bin=count` joined with blanks, and the bin in question.
            let ((bins, constant), at) = (texts(args, 0)?, floats(args, 1)?);
            let out: Float64Array = bins.iter().zip(at.iter()).map(|(bins, at)| Some(hour_bits(bins?, at?))).collect();
            answer(Arc::new(out), constant)
        }),
    ));
    all
}

fn hour_bits(counts: &str, at: f64) -> f64 {
    let mut bins = [0.0; 48];
    for (bin, count) in counts.split(' ').filter_map(|pair| pair.split_once('=')) {
        if let (Ok(bin), Ok(count)) = (bin.parse::<usize>(), count.parse::<f64>())
            && let Some(place) = bins.get_mut(bin)
        {
            *place += count;
        }
    }
    score::hour(&bins, at as usize)
}

/// How many rows there are: one where all arguments are constants.
fn rows(args: &[ColumnarValue]) -> (usize, bool) {
    let arrays =
        args.iter().find_map(|arg| if let ColumnarValue::Array(array) = arg { Some(array.len()) } else { None });
    (arrays.unwrap_or(1), arrays.is_none())
}

fn argument(args: &[ColumnarValue], place: usize, kind: &DataType) -> Result<ArrayRef> {
    let arg = args.get(place).ok_or_else(|| exec_datafusion_err!("an argument is missing"))?;
    Ok(cast(&arg.to_array(rows(args).0)?, kind)?)
}

fn texts(args: &[ColumnarValue], place: usize) -> Result<(StringArray, bool)> {
    let array = argument(args, place, &DataType::Utf8)?;
    Ok((array.as_string::<i32>().clone(), rows(args).1))
}

fn floats(args: &[ColumnarValue], place: usize) -> Result<Float64Array> {
    Ok(argument(args, place, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

fn answer(array: ArrayRef, constant: bool) -> Result<ColumnarValue> {
    if constant {
        return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&array, 0)?));
    }
    Ok(ColumnarValue::Array(array))
}

/// A function from text to text; of null it is null.
fn text(name: &str, of: fn(&str) -> Option<String>) -> ScalarUDF {
    let body = move |args: &[ColumnarValue]| {
        let (texts, constant) = texts(args, 0)?;
        let out: StringArray = texts.iter().map(|text| text.and_then(of)).collect();
        answer(Arc::new(out), constant)
    };
    create_udf(name, vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, Arc::new(body))
}

/// A function of numbers; null counts as nothing.
fn number(name: &str, arity: usize, of: fn(&[f64]) -> f64) -> ScalarUDF {
    let body = move |args: &[ColumnarValue]| {
        let columns = (0..arity).map(|place| floats(args, place)).collect::<Result<Vec<_>>>()?;
        let (count, constant) = rows(args);
        let value = |column: &Float64Array, row: usize| if column.is_valid(row) { column.value(row) } else { 0.0 };
        let row = |row| of(&columns.iter().map(|column| value(column, row)).collect::<Vec<_>>());
        answer(Arc::new((0..count).map(|r| Some(row(r))).collect::<Float64Array>()), constant)
    };
    create_udf(name, vec![DataType::Float64; arity], DataType::Float64, Volatility::Immutable, Arc::new(body))
}
