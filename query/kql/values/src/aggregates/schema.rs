//! The smallest schema that admits all dynamic values of a group.

use std::collections::BTreeMap;

use super::Row;
use crate::aggregate::{Accumulator, aggregate};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};

/// Most properties at all levels together.
const NODES_MAX: usize = 100_000;

/// Deepest level that is looked into; JSON that was read as text is not deeper.
const DEPTH_MAX: usize = 128;

/// The property that stands for the elements of an array.
const INDEXER: &str = "`indexer`";

pub(super) fn table() -> Vec<Row> {
    vec![aggregate(
        "buildschema(dynamicExpr: dynamic): dynamic",
        |_| Ok(Box::new(Schema::default())),
    )]
}

#[derive(Debug, Default)]
struct Schema {
    root: Node,
    nodes: usize,
}

/// What stands at one place: types, and properties if there are bags or arrays.
#[derive(Debug, Default)]
struct Node {
    types: Vec<String>,
    properties: Option<BTreeMap<String, Node>>,
}

impl Node {
    fn take(&mut self, json: &Dynamic, budget: &mut usize, depth: usize) {
        match json {
            Dynamic::Null => {}
            Dynamic::Bool(_) => self.ty("bool"),
            Dynamic::Number(number) if number.is_f64() => self.ty("double"),
            Dynamic::Number(_) => self.ty("long"),
            Dynamic::String(_) => self.ty("string"),
            Dynamic::Array(_) | Dynamic::Object(_) if depth == 0 => {}
            Dynamic::Array(items) => {
                let Some(node) = self.property(INDEXER, budget) else {
                    return;
                };
                for item in items {
                    node.take(item, budget, depth - 1);
                }
            }
            Dynamic::Object(properties) => {
                self.properties.get_or_insert_default();
                for (name, value) in properties {
                    if let Some(node) = self.property(name, budget) {
                        node.take(value, budget, depth - 1);
                    }
                }
            }
        }
    }

    /// Takes what [`Node::state`] gave.
    fn merge(&mut self, state: &Dynamic, budget: &mut usize, depth: usize) {
        let types = state.get(0).and_then(Dynamic::as_array);
        for ty in types.into_iter().flatten().filter_map(Dynamic::as_str) {
            self.ty(ty);
        }
        let Some(properties) = state.get(1).and_then(Dynamic::as_object) else {
            return;
        };
        self.properties.get_or_insert_default();
        for (name, value) in properties {
            if let Some(node) = self.property(name, budget)
                && depth > 0
            {
                node.merge(value, budget, depth - 1);
            }
        }
    }

    fn ty(&mut self, name: &str) {
        if !self.types.iter().any(|known| known == name) {
            self.types.push(name.to_owned());
        }
    }

    fn property(&mut self, name: &str, budget: &mut usize) -> Option<&mut Self> {
        let properties = self.properties.get_or_insert_default();
        if !properties.contains_key(name) {
            *budget = budget.checked_sub(1)?;
        }
        Some(properties.entry(name.to_owned()).or_default())
    }

    fn state(&self) -> Dynamic {
        let types = self.types.iter().cloned().collect();
        let properties = self.properties.iter().flatten();
        let properties = properties.map(|(name, node)| (name.clone(), node.state()));
        let properties = match &self.properties {
            Some(_) => properties.collect(),
            None => Dynamic::Null,
        };
        Dynamic::Array(vec![types, properties])
    }

    /// The types as text, bags and arrays as an object; alternatives as an array.
    fn shown(&self) -> Dynamic {
        let mut shapes: Vec<Dynamic> = self.types.iter().cloned().map(Dynamic::String).collect();
        if let Some(properties) = &self.properties {
            let shown = properties
                .iter()
                .map(|(name, node)| (name.clone(), node.shown()));
            shapes.push(shown.collect());
        }
        match (shapes.pop(), shapes.is_empty()) {
            (Some(only), true) => only,
            (last, _) => shapes.into_iter().chain(last).collect(),
        }
    }
}

impl Schema {
    fn settle(&mut self, budget: usize) -> Result<(), Failure> {
        self.nodes = NODES_MAX - budget;
        if budget > 0 {
            return Ok(());
        }
        Err(Failure(format!(
            "a schema has more than {NODES_MAX} properties: build it of fewer or smaller values"
        )))
    }
}

impl Accumulator for Schema {
    fn update(&mut self, _: &mut Context, arguments: &[Value]) -> Result<(), Failure> {
        let Some(Value::Dynamic(json)) = arguments.first() else {
            return Ok(());
        };
        let mut budget = NODES_MAX - self.nodes;
        self.root.take(json, &mut budget, DEPTH_MAX);
        self.settle(budget)
    }

    fn state(&self) -> Dynamic {
        self.root.state()
    }

    fn merge(&mut self, state: Dynamic) -> Result<(), Failure> {
        let mut budget = NODES_MAX - self.nodes;
        self.root.merge(&state, &mut budget, DEPTH_MAX);
        self.settle(budget)
    }

    fn finish(&self) -> Value {
        if self.root.types.is_empty() && self.root.properties.is_none() {
            return Value::Null;
        }
        Value::Dynamic(self.root.shown())
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.nodes * 128
    }
}
