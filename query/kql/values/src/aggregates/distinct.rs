//! How many distinct values a group has, exactly.

use std::collections::HashSet;

use super::filtered::filtered;
use super::{Row, bounded};
use crate::aggregate::{Accumulator, aggregate};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};

pub(super) fn table() -> Vec<Row> {
    vec![
        aggregate("count_distinct(expr: any): long", start),
        aggregate(
            "count_distinctif(expr: any, predicate: bool): long",
            |given| filtered(given, 1, start),
        ),
    ]
}

fn start(_: &[Value]) -> Result<Box<dyn Accumulator>, Failure> {
    Ok(Box::new(Distinct::default()))
}

#[derive(Debug, Default)]
struct Distinct {
    texts: HashSet<String>,
    bytes: usize,
}

impl Distinct {
    fn take(&mut self, text: String) -> Result<(), Failure> {
        let bytes = text.len() + size_of::<String>();
        if self.texts.insert(text) {
            self.bytes += bytes;
            bounded(self.bytes, "the distinct values")?;
        }
        Ok(())
    }
}

impl Accumulator for Distinct {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        match arguments.first() {
            None | Some(Value::Null) => Ok(()),
            Some(value) => self.take(value.to_json().to_string()),
        }
    }

    fn state(&self) -> Dynamic {
        let mut texts: Vec<&String> = self.texts.iter().collect();
        texts.sort_unstable();
        texts.into_iter().cloned().collect()
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        let Dynamic::Array(items) = state else {
            return Ok(());
        };
        items.into_iter().try_for_each(|item| match item {
            Dynamic::String(text) => self.take(text),
            _ => Ok(()),
        })
    }

    fn finish(&self) -> Value {
        Value::Long(i64::try_from(self.texts.len()).unwrap_or(i64::MAX))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}
