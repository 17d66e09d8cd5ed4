//! The aggregates themselves, by family.
//!
//! Each one holds at most [`BYTES_MAX`] for a group; sets and bags end the query beyond that, digests and
//! sketches lose accuracy long before.

mod bits;
mod collect;
mod digest;
mod digest_functions;
mod filtered;
mod moments;
mod percentile;
mod schema;
pub(crate) mod sketch;
mod sketch_functions;
#[cfg(test)]
mod tests;

pub(crate) use digest::Digest;

use crate::aggregate::AggregateFunction;
use crate::function::{Failure, ScalarFunction};
use crate::value::{Dynamic, Value};

/// Most that a group of one aggregate holds, in bytes.
const BYTES_MAX: usize = 64 << 20;

/// A row of a family's table, as it comes from [`crate::aggregate::aggregate`].
type Row = Option<AggregateFunction>;

/// The aggregates of this module.
pub(crate) fn functions() -> Vec<AggregateFunction> {
    let families = [
        bits::table(),
        collect::table(),
        digest_functions::table(),
        moments::table(),
        percentile::table(),
        schema::table(),
        sketch_functions::table(),
    ];
    families.into_iter().flatten().flatten().collect()
}

/// Functions over what aggregates give.
pub(crate) fn scalar_functions() -> Vec<ScalarFunction> {
    let families = [
        digest_functions::scalar_functions(),
        sketch_functions::scalar_functions(),
    ];
    families.into_iter().flatten().flatten().collect()
}

/// A whole number given as a constant.
fn whole(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Int(number) => Some(i64::from(*number)),
        Value::Long(number) => Some(*number),
        _ => None,
    }
}

/// Memory of a value, in bytes, roughly.
fn weight(json: &Dynamic) -> usize {
    size_of::<Dynamic>()
        + match json {
            Dynamic::String(text) => text.len(),
            Dynamic::Array(_) | Dynamic::Object(_) => json.to_string().len().saturating_mul(4),
            _ => 0,
        }
}

/// Ends the query when a group holds too much.
fn bounded(bytes: usize, what: &str) -> Result<(), Failure> {
    if bytes <= BYTES_MAX {
        return Ok(());
    }
    let limit = BYTES_MAX >> 20;
    Err(Failure(format!(
        "{what} of one group takes more than {limit} MiB: give a maximum size, or group by more"
    )))
}

/// A real in a state, bit by bit: JSON's digits may lose the last one.
fn to_bits(number: f64) -> Dynamic {
    number.to_bits().into()
}

/// Reads what [`to_bits`] wrote.
fn from_bits(json: Option<&Dynamic>) -> Option<f64> {
    json.and_then(Dynamic::as_u64).map(f64::from_bits)
}
