//! Aggregates that DataFusion does not have: a signature each, and an accumulator over single values.

use std::collections::BTreeMap;
use std::fmt;

use crate::function::{Context, Failure};
use crate::signature::Signature;
use crate::value::{Dynamic, Value};

/// Gathers the rows of a group.
pub trait Accumulator: fmt::Debug + Send + Sync {
    /// Takes a row's arguments, nulls too.
    fn update(&mut self, context: &mut Context, arguments: &[Value]) -> Result<(), Failure>;
    /// What it knows, to be merged elsewhere.
    fn state(&self) -> Dynamic;
    /// Takes what another one of the same call knew.
    fn merge(&mut self, state: Dynamic) -> Result<(), Failure>;
    /// The result; of an empty group too.
    fn finish(&self) -> Value;
    /// Memory that it holds, in bytes, roughly.
    fn bytes(&self) -> usize;
}

/// An aggregate function.
#[derive(Clone, Debug)]
pub struct AggregateFunction {
    /// What it takes and gives.
    pub signature: Signature,
    /// Makes an accumulator; the arguments that are constant are given (others are [`Value::Null`]), so are the types.
    pub start: Start,
}

/// Makes an accumulator.
pub type Start = fn(&[Value]) -> Result<Box<dyn Accumulator>, Failure>;

/// The aggregates of this crate, by name.
#[derive(Debug, Default)]
pub struct Aggregates {
    by_name: BTreeMap<&'static str, AggregateFunction>,
}

impl Aggregates {
    /// All of them.
    pub fn new() -> Self {
        let mut aggregates = Self::default();
        for family in FAMILIES {
            for function in family() {
                aggregates.by_name.insert(function.signature.name, function);
            }
        }
        aggregates
    }

    /// An aggregate by its exact name.
    pub fn get(&self, name: &str) -> Option<&AggregateFunction> {
        self.by_name.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_name.keys().copied()
    }
}

pub(crate) type Family = fn() -> Vec<AggregateFunction>;

/// A row of a family's table.
pub(crate) fn aggregate(signature: &'static str, start: Start) -> Option<AggregateFunction> {
    Some(AggregateFunction {
        signature: Signature::parse(signature)?,
        start,
    })
}

/// Each family is a module; add one here.
const FAMILIES: [Family; 1] = [crate::aggregates::functions];
