//! Digests as values: made by one query, merged and asked by another.

use super::digest::{Digest, Form};
use super::filtered::filtered;
use super::percentile::percentiles;
use super::{Row, whole};
use crate::aggregate::{Accumulator, aggregate};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn table() -> Vec<Row> {
    vec![
        aggregate("tdigest(expr: any, weight?: long): dynamic", gather),
        aggregate(
            "tdigest_if(expr: any, predicate: bool, weight?: long): dynamic",
            |given| filtered(given, 1, gather),
        ),
        aggregate("tdigest_merge(expr: dynamic): dynamic", merge),
        aggregate("merge_tdigest(expr: dynamic): dynamic", merge),
        aggregate("merge_tdigests(expr: dynamic): dynamic", merge),
    ]
}

pub(super) fn scalar_functions() -> Vec<Option<ScalarFunction>> {
    vec![
        function(
            "percentile_tdigest(expr: dynamic, percentile: real, type?: string): dynamic",
            percentile_tdigest,
        ),
        function(
            "percentiles_array_tdigest(tdigest: dynamic, percentile...: any): dynamic",
            percentiles_array_tdigest,
        ),
        function(
            "percentile_array_tdigest(tdigest: dynamic, percentile...: any): dynamic",
            percentiles_array_tdigest,
        ),
        function(
            "percentrank_tdigest(digest: dynamic, value: any): real",
            percentrank_tdigest,
        ),
        function(
            "rank_tdigest(digest: dynamic, value: any): real",
            rank_tdigest,
        ),
        function("tdigest_isvalid(digest: dynamic): bool", tdigest_isvalid),
        function("merge_tdigest(tdigest...: dynamic): dynamic", merge_tdigest),
        function("tdigest_merge(tdigest...: dynamic): dynamic", merge_tdigest),
    ]
}

fn gather(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    let digest = Digest::default();
    Ok(Box::new(Gathered {
        digest,
        of: Of::Values,
    }))
}

fn merge(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    let digest = Digest::default();
    Ok(Box::new(Gathered {
        digest,
        of: Of::Digests,
    }))
}

#[derive(Clone, Copy, Debug)]
enum Of {
    Values,
    Digests,
}

#[derive(Debug)]
struct Gathered {
    digest: Digest,
    of: Of,
}

impl Accumulator for Gathered {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        match (self.of, arguments) {
            (Of::Values, [value]) => self.digest.add(value, 1),
            (Of::Values, [value, weight, ..]) => {
                let weight = whole(Some(weight)).and_then(|weight| weight.try_into().ok());
                self.digest.add(value, weight.unwrap_or(0))
            }
            (Of::Digests, [value, ..]) => match read(value) {
                Some(other) => self.digest.join(&other),
                None => Ok(()),
            },
            (_, []) => Ok(()),
        }
    }

    fn state(&self) -> Dynamic {
        self.digest.to_json(Form::State)
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        match Digest::from_json(&state, Form::State) {
            Some(other) => self.digest.join(&other),
            None => Ok(()),
        }
    }

    fn finish(&self) -> Value {
        Value::dynamic(self.digest.to_json(Form::Public))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.digest.bytes()
    }
}

fn read(value: &Value) -> Option<Digest> {
    match value {
        Value::Dynamic(json) => Digest::from_json(json, Form::Public),
        _ => None,
    }
}

fn tdigest_isvalid(_: &mut Context, arguments: &[Value]) -> Outcome {
    let is_valid = arguments.first().and_then(read).is_some();
    Ok(Value::Bool(is_valid))
}

fn percentile_tdigest(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [digest, percentile, rest @ ..] = arguments else {
        return Ok(Value::Null);
    };
    let wanted = percentiles(std::slice::from_ref(percentile))?;
    let found = read(digest).and_then(|digest| digest.percentiles(&wanted).pop());
    let Some(found) = found else {
        return Ok(Value::Null);
    };
    let ty = match rest {
        [Value::String(name)] => kql_syntax::ast::Type::from_name(name),
        _ => None,
    };
    let found = ty.map_or(found.clone(), |ty| found.convert(ty));
    Ok(Value::dynamic(found.to_json()))
}

fn percentiles_array_tdigest(_: &mut Context, arguments: &[Value]) -> Outcome {
    let (digest, given, ty) = match arguments {
        [digest, given @ .., Value::String(name)] => {
            (digest, given, kql_syntax::ast::Type::from_name(name))
        }
        [digest, given @ ..] => (digest, given, None),
        [] => return Ok(Value::Null),
    };
    let wanted = percentiles(given)?;
    let Some(digest) = read(digest) else {
        return Ok(Value::Null);
    };
    let found = digest.percentiles(&wanted);
    let brought = |value: &Value| ty.map_or(value.to_json(), |ty| value.convert(ty).to_json());
    Ok(Value::list(found.iter().map(brought)))
}

fn rank(arguments: &[Value]) -> Option<(f64, f64)> {
    let [digest, value] = arguments else {
        return None;
    };
    let (rank, total) = read(digest)?.rank(value)?;
    Some((real(rank), real(total)))
}

fn rank_tdigest(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(rank(arguments).map_or(Value::Null, |(rank, _)| Value::Real(rank)))
}

fn percentrank_tdigest(_: &mut Context, arguments: &[Value]) -> Outcome {
    let percent = rank(arguments).map(|(rank, total)| rank * 100.0 / total);
    Ok(percent.map_or(Value::Null, Value::Real))
}

fn merge_tdigest(_: &mut Context, arguments: &[Value]) -> Outcome {
    let mut merged = Digest::default();
    for digest in arguments.iter().filter_map(read) {
        merged.join(&digest)?;
    }
    Ok(Value::dynamic(merged.to_json(Form::Public)))
}

#[expect(clippy::cast_precision_loss, reason = "a rank of type real")]
fn real(count: u64) -> f64 {
    count as f64
}
