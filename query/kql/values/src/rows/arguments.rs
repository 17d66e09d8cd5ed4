//! The arguments of a plugin, each by its place.

use super::{Columns, TableArgument};
use crate::function::Failure;
use crate::value::Value;
use kql_syntax::ast::Type;

/// The arguments of a call of a plugin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'a> {
    /// Of the plugin.
    pub(super) name: &'static str,
    pub(super) columns: &'a Columns,
    pub(super) given: &'a [TableArgument],
}

impl Arguments<'_> {
    /// A failure that says which argument is wrong.
    pub(super) fn wrong(&self, place: usize, wanted: &str) -> Failure {
        let (name, number) = (self.name, place + 1);
        Failure(format!("argument {number} of {name}() must be {wanted}"))
    }

    /// The place of a column that is given.
    pub(super) fn column(&self, place: usize) -> Result<usize, Failure> {
        match self.given.get(place) {
            Some(TableArgument::Column(column)) if *column < self.columns.len() => Ok(*column),
            _ => Err(self.wrong(place, "a column")),
        }
    }

    /// All columns from a place on.
    pub(super) fn columns_from(&self, place: usize) -> Result<Vec<usize>, Failure> {
        (place..self.given.len())
            .map(|at| self.column(at))
            .collect()
    }

    /// A constant; none if it is left out, null, or `~`, which stands for the default.
    pub(super) fn constant(&self, place: usize) -> Option<&Value> {
        match self.given.get(place)? {
            TableArgument::Constant(Value::Null) => None,
            TableArgument::Constant(Value::String(text)) if text == "~" => None,
            TableArgument::Constant(value) => Some(value),
            TableArgument::Column(_) => None,
        }
    }

    /// A constant number.
    pub(super) fn real(&self, place: usize, otherwise: f64) -> Result<f64, Failure> {
        match self.constant(place) {
            None => Ok(otherwise),
            Some(value) => value
                .as_real()
                .ok_or_else(|| self.wrong(place, "a constant number")),
        }
    }

    /// A constant instant, span or whole number.
    pub(super) fn tick(&self, place: usize) -> Result<i64, Failure> {
        let wanted = "a constant datetime, timespan or whole number";
        self.constant(place)
            .and_then(tick)
            .ok_or_else(|| self.wrong(place, wanted))
    }

    /// A constant span, above zero.
    pub(super) fn span(&self, place: usize) -> Result<i64, Failure> {
        let span = self.tick(place)?;
        if span > 0 {
            return Ok(span);
        }
        Err(self.wrong(place, "greater than 0"))
    }

    /// Name and type of a column.
    pub(super) fn named(&self, column: usize) -> Option<(String, Type)> {
        self.columns.get(column).cloned()
    }
}

/// An instant, span or whole number as a number.
pub(super) fn tick(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(i64::from(*number)),
        Value::Long(number) | Value::DateTime(number) | Value::TimeSpan(number) => Some(*number),
        _ => None,
    }
}

/// A number back as a value of its type.
pub(super) fn of_tick(tick: i64, ty: Type) -> Value {
    match ty {
        Type::DateTime => Value::DateTime(tick),
        Type::TimeSpan => Value::TimeSpan(tick),
        Type::Int => i32::try_from(tick).map_or(Value::Null, Value::Int),
        _ => Value::Long(tick),
    }
}
