//! Counts of distinct values as values: made by one query, merged and read by another.

use super::filtered::filtered;
use super::sketch::Sketch;
use super::{Row, whole};
use crate::aggregate::{Accumulator, aggregate};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

/// The accuracy that is taken when none is given.
pub(crate) const ACCURACY: i64 = 1;

pub(super) fn table() -> Vec<Row> {
    vec![
        aggregate("hll(expr: any, accuracy?: long): dynamic", gather),
        aggregate(
            "hll_if(expr: any, predicate: bool, accuracy?: long): dynamic",
            |given| filtered(given, 1, gather),
        ),
        aggregate("hll_merge(hll: dynamic): dynamic", merge),
    ]
}

pub(super) fn scalar_functions() -> Vec<Option<ScalarFunction>> {
    vec![
        function("hll_merge(hll...: dynamic): dynamic", hll_merge),
        function("dcount_hll(hll: dynamic): long", dcount_hll),
        function("hll_isvalid(hll: dynamic): bool", hll_isvalid),
    ]
}

fn gather(constants: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    let sketch = Sketch::new(whole(constants.get(1)).unwrap_or(ACCURACY))?;
    Ok(Box::new(Gathered {
        sketch: Some(sketch),
        of: Of::Values,
    }))
}

fn merge(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    Ok(Box::new(Gathered {
        sketch: None,
        of: Of::Sketches,
    }))
}

#[derive(Clone, Copy, Debug)]
enum Of {
    Values,
    Sketches,
}

/// A merge takes the accuracy of the first sketch that comes.
#[derive(Debug)]
struct Gathered {
    sketch: Option<Sketch>,
    of: Of,
}

impl Gathered {
    fn join(&mut self, json: &Dynamic) -> Result<(), Failure> {
        let Some(other) = Sketch::from_json(json) else {
            return Ok(());
        };
        match &mut self.sketch {
            Some(sketch) => sketch.join(&other),
            None => {
                self.sketch = Some(other);
                Ok(())
            }
        }
    }
}

impl Accumulator for Gathered {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        match (self.of, arguments.first(), &mut self.sketch) {
            (Of::Values, Some(value), Some(sketch)) => sketch.add(value),
            (Of::Sketches, Some(Value::Dynamic(json)), _) => self.join(json)?,
            _ => {}
        }
        Ok(())
    }

    fn state(&self) -> Dynamic {
        self.sketch.as_ref().map_or(Dynamic::Null, Sketch::to_json)
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        self.join(&state)
    }

    fn finish(&self) -> Value {
        match &self.sketch {
            Some(sketch) if !sketch.is_empty() => Value::Dynamic(sketch.to_json()),
            _ => Value::Null,
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.sketch.as_ref().map_or(0, Sketch::bytes)
    }
}

fn hll_merge(_: &mut Context, arguments: &[Value]) -> Outcome {
    let mut merged = Gathered {
        sketch: None,
        of: Of::Sketches,
    };
    for argument in arguments {
        if let Value::Dynamic(json) = argument {
            merged.join(json)?;
        }
    }
    Ok(merged.finish())
}

fn hll_isvalid(_: &mut Context, arguments: &[Value]) -> Outcome {
    let is_valid = |json| Sketch::from_json(json).is_some();
    Ok(Value::Bool(
        matches!(arguments, [Value::Dynamic(json)] if is_valid(json)),
    ))
}

fn dcount_hll(_: &mut Context, arguments: &[Value]) -> Outcome {
    let sketch = match arguments {
        [Value::Dynamic(json)] => Sketch::from_json(json),
        _ => None,
    };
    Ok(sketch.map_or(Value::Null, |sketch| Value::Long(sketch.count())))
}
