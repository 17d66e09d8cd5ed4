//! `..if`: any aggregate over the rows for which a predicate holds.

use crate::aggregate::{Accumulator, Start};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};

/// Makes an accumulator that sees the rows for which the argument at the place `predicate` is true.
pub(super) fn filtered(
    constants: &[Value],
    predicate: usize,
    start: Start,
) -> Result<Box<dyn Accumulator>, Failure> {
    let inner = start(&without(constants, predicate))?;
    Ok(Box::new(Filtered { inner, predicate }))
}

#[derive(Debug)]
struct Filtered {
    inner: Box<dyn Accumulator>,
    predicate: usize,
}

impl Accumulator for Filtered {
    fn update(&mut self, context: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        if arguments.get(self.predicate) != Some(&Value::Bool(true)) {
            return Ok(());
        }
        match arguments.split_at_checked(self.predicate) {
            Some((before, [_])) => self.inner.update(context, before),
            _ => self
                .inner
                .update(context, &without(arguments, self.predicate)),
        }
    }

    fn state(&self) -> Dynamic {
        self.inner.state()
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        self.inner.merge(state)
    }

    fn finish(&self) -> Value {
        self.inner.finish()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.inner.bytes()
    }
}

fn without(values: &[Value], place: usize) -> Vec<Value> {
    let others = values.iter().enumerate().filter(|(at, _)| *at != place);
    others.map(|(_, value)| value.clone()).collect()
}
