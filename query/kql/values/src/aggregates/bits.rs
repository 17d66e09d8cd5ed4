//! Bits of all values of a group together.

use super::Row;
use crate::aggregate::{Accumulator, aggregate};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};

pub(super) fn table() -> Vec<Row> {
    vec![
        aggregate("binary_all_and(expr: long): long", |_| {
            start(|left, right| left & right)
        }),
        aggregate("binary_all_or(expr: long): long", |_| {
            start(|left, right| left | right)
        }),
        aggregate("binary_all_xor(expr: long): long", |_| {
            start(|left, right| left ^ right)
        }),
    ]
}

fn start(join: fn(i64, i64) -> i64) -> Result<Box<dyn Accumulator>, Failure> {
    Ok(Box::new(Bits { bits: None, join }))
}

#[derive(Debug)]
struct Bits {
    bits: Option<i64>,
    join: fn(i64, i64) -> i64,
}

impl Bits {
    fn take(&mut self, value: i64) {
        self.bits = Some(self.bits.map_or(value, |bits| (self.join)(bits, value)));
    }
}

impl Accumulator for Bits {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        if let Some(value) = super::whole(arguments.first()) {
            self.take(value);
        }
        Ok(())
    }

    fn state(&self) -> Dynamic {
        self.bits.into()
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        if let Some(value) = state.as_i64() {
            self.take(value);
        }
        Ok(())
    }

    fn finish(&self) -> Value {
        self.bits.map_or(Value::Null, Value::Long)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
