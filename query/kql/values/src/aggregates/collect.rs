//! All values of a group in one: sets and bags. The engine makes lists itself.

use std::collections::HashSet;

use super::filtered::filtered;
use super::{Row, bounded, weight, whole};
use crate::aggregate::{Accumulator, aggregate};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};

/// Most elements, also when no size is given.
const SIZE_MAX: usize = 1 << 20;

/// Elements that the old names give when no size is given.
const OLD_SIZE: usize = 128;

pub(super) fn table() -> Vec<Row> {
    vec![
        aggregate("make_set(expr: any, maxSize?: long): dynamic", |given| {
            Set::start(given, SIZE_MAX)
        }),
        aggregate("makeset(expr: any, maxSize?: long): dynamic", |given| {
            Set::start(given, OLD_SIZE)
        }),
        aggregate(
            "make_set_if(expr: any, predicate: bool, maxSize?: long): dynamic",
            |given| filtered(given, 1, |given| Set::start(given, SIZE_MAX)),
        ),
        aggregate("make_bag(expr: any, maxSize?: long): dynamic", |given| {
            Bag::start(given, SIZE_MAX)
        }),
        aggregate(
            "make_dictionary(expr: any, maxSize?: long): dynamic",
            |given| Bag::start(given, OLD_SIZE),
        ),
        aggregate(
            "make_bag_if(expr: any, predicate: bool, maxSize?: long): dynamic",
            |given| filtered(given, 1, |given| Bag::start(given, SIZE_MAX)),
        ),
    ]
}

/// The size that a call asks for: its second argument.
fn size(constants: &[Value], otherwise: usize) -> Result<usize, Failure> {
    let Some(size) = whole(constants.get(1)) else {
        return Ok(otherwise);
    };
    let size = usize::try_from(size).ok().filter(|size| *size > 0);
    let wrong = || Failure::new("a maximum size must be a whole number from 1");
    Ok(size.ok_or_else(wrong)?.min(SIZE_MAX))
}

/// Distinct values in the order in which they came first. Of an array, its elements are taken.
#[derive(Debug)]
struct Set {
    items: Vec<Dynamic>,
    known: HashSet<String>,
    size_max: usize,
    bytes: usize,
}

impl Set {
    fn start(constants: &[Value], otherwise: usize) -> Result<Box<dyn Accumulator>, Failure> {
        Ok(Box::new(Self {
            items: Vec::new(),
            known: HashSet::new(),
            size_max: size(constants, otherwise)?,
            bytes: 0,
        }))
    }

    fn push(&mut self, item: Dynamic) -> Result<(), Failure> {
        if item.is_null() || self.items.len() >= self.size_max {
            return Ok(());
        }
        let text = item.to_string();
        let bytes = weight(&item) + size_of::<String>() + text.len();
        if self.known.insert(text) {
            self.bytes += bytes;
            bounded(self.bytes, "the set")?;
            self.items.push(item);
        }
        Ok(())
    }
}

impl Accumulator for Set {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        match arguments.first().map_or(Dynamic::Null, Value::to_json) {
            Dynamic::Array(items) => items.into_iter().try_for_each(|item| self.push(item)),
            item => self.push(item),
        }
    }

    fn state(&self) -> Dynamic {
        Dynamic::Array(self.items.clone())
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        let Dynamic::Array(items) = state else {
            return Ok(());
        };
        items.into_iter().try_for_each(|item| self.push(item))
    }

    fn finish(&self) -> Value {
        Value::Dynamic(self.state())
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}

/// All properties of all bags; a property keeps the value that came first.
#[derive(Debug)]
struct Bag {
    properties: serde_json::Map<String, Dynamic>,
    size_max: usize,
    bytes: usize,
}

impl Bag {
    fn start(constants: &[Value], otherwise: usize) -> Result<Box<dyn Accumulator>, Failure> {
        Ok(Box::new(Self {
            properties: serde_json::Map::new(),
            size_max: size(constants, otherwise)?,
            bytes: 0,
        }))
    }

    fn take(&mut self, name: String, value: Dynamic) -> Result<(), Failure> {
        if self.properties.len() >= self.size_max || self.properties.contains_key(&name) {
            return Ok(());
        }
        self.bytes += name.len() + weight(&value);
        bounded(self.bytes, "the bag")?;
        self.properties.insert(name, value);
        Ok(())
    }
}

impl Accumulator for Bag {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        match arguments.first() {
            Some(Value::Dynamic(bag)) => self.merge(bag.clone()),
            _ => Ok(()),
        }
    }

    fn state(&self) -> Dynamic {
        Dynamic::Object(self.properties.clone())
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        let Dynamic::Object(properties) = state else {
            return Ok(());
        };
        properties
            .into_iter()
            .try_for_each(|(name, value)| self.take(name, value))
    }

    fn finish(&self) -> Value {
        Value::Dynamic(self.state())
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}
