//! The aggregates themselves, by family.

use crate::aggregate::{Accumulator, AggregateFunction, aggregate};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};

/// The aggregates of this module.
pub(crate) fn functions() -> Vec<AggregateFunction> {
    let table = [aggregate(
        "binary_all_and(expr: long): long",
        |_constants| Ok(Box::new(AllAnd(None))),
    )];
    table.into_iter().flatten().collect()
}

/// Bits that all values have.
#[derive(Debug)]
struct AllAnd(Option<i64>);

impl Accumulator for AllAnd {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        if let [Value::Long(value)] = arguments {
            self.0 = Some(self.0.map_or(*value, |bits| bits & value));
        }
        Ok(())
    }

    fn state(&self) -> Dynamic {
        self.0.into()
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        let value = state.as_i64().map_or(Value::Null, Value::Long);
        self.update(&mut Context::new(0), &[value])
    }

    fn finish(&self) -> Value {
        self.0.map_or(Value::Null, Value::Long)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
