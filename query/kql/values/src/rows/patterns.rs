//! Patterns of values that rows have in common: `basket` and `autocluster`.

mod autocluster;
mod basket;
mod mine;

use super::arguments::Arguments;
use super::grouped::grouped;
use super::{Columns, Rows, TableFunction};
use crate::function::Failure;
use crate::value::Value;
use kql_syntax::ast::Type;
use mine::{Bits, Item};

pub(super) fn table() -> Vec<TableFunction> {
    vec![autocluster::table(), basket::table()]
}

/// Rows with the same values in the columns of interest, taken together.
struct Table {
    /// Places of those columns in the input.
    columns: Vec<usize>,
    /// The values of each, and the rows of the input that have them.
    rows: Vec<(Vec<Value>, Vec<usize>)>,
    /// How much each counts.
    weights: Vec<f64>,
    total: f64,
}

impl Table {
    /// Of all columns but one that says what a row counts.
    fn of(rows: &Rows, weight: Option<usize>) -> Self {
        let is_taken = |column: &usize| Some(*column) != weight;
        let columns: Vec<usize> = (0..rows.columns.len()).filter(is_taken).collect();
        let grouped = grouped(rows, &columns);
        let weights: Vec<f64> = grouped
            .iter()
            .map(|(_, members)| {
                members
                    .iter()
                    .map(|row| weight_of(rows, *row, weight))
                    .sum()
            })
            .collect();
        Self {
            columns,
            total: weights.iter().sum(),
            rows: grouped,
            weights,
        }
    }

    /// What rows count together.
    fn weight(&self, rows: &Bits) -> f64 {
        // The sum of nothing would be minus zero.
        0.0 + rows
            .places()
            .filter_map(|place| self.weights.get(place))
            .sum::<f64>()
    }

    /// The column of the input that one of those of interest is, with its value.
    fn fixed(&self, column: usize, value: &Value) -> Option<(usize, Value)> {
        Some((*self.columns.get(column)?, value.clone()))
    }

    /// A value of a column, with the rows that have it.
    fn item(&self, column: usize, value: &Value) -> Item {
        let has = |row: &(Vec<Value>, Vec<usize>)| row.0.get(column) == Some(value);
        Item {
            column,
            value: value.clone(),
            rows: Bits::of(self.rows.iter().map(has)),
        }
    }
}

/// What a row counts.
fn weight_of(rows: &Rows, row: usize, weight: Option<usize>) -> f64 {
    let Some(column) = weight else {
        return 1.0;
    };
    let value = rows.rows.get(row).and_then(|row| row.get(column));
    let weight = value.and_then(Value::as_real).unwrap_or(0.0);
    if weight.is_finite() {
        weight.max(0.0)
    } else {
        0.0
    }
}

/// The column that an argument names, unless it is left to the default.
fn weight_column(arguments: &Arguments<'_>, place: usize) -> Result<Option<usize>, Failure> {
    match arguments.given.get(place) {
        None | Some(super::TableArgument::Constant(_)) => match arguments.constant(place) {
            None => Ok(None),
            Some(_) => Err(arguments.wrong(place, "a column or '~'")),
        },
        Some(super::TableArgument::Column(_)) => arguments.column(place).map(Some),
    }
}

/// A row for a pattern: the value of each column that it fixes, elsewhere the wildcard of the type.
fn shown(arguments: &Arguments<'_>, wildcards: usize, values: Vec<(usize, Value)>) -> Vec<Value> {
    let given = (wildcards..arguments.given.len()).filter_map(|place| arguments.constant(place));
    let given: Vec<&Value> = given.collect();
    let wildcard = |ty: Type| {
        let own = given.iter().find(|value| value.ty() == Some(ty));
        match own {
            Some(value) => (*value).clone(),
            None if ty == Type::String => Value::String(String::new()),
            None => Value::Null,
        }
    };
    let cell = |(column, (_, ty)): (usize, &(String, Type))| {
        let fixed = values.iter().find(|(fixed, _)| *fixed == column);
        fixed.map_or_else(|| wildcard(*ty), |(_, value)| value.clone())
    };
    arguments.columns.iter().enumerate().map(cell).collect()
}

/// The segment, how many rows it has and what part that is, then the columns.
fn segment_columns(columns: &Columns) -> Columns {
    let fixed = [
        ("SegmentId", Type::Long),
        ("Count", Type::Long),
        ("Percent", Type::Real),
    ];
    let fixed = fixed.into_iter().map(|(name, ty)| (name.to_owned(), ty));
    fixed.chain(columns.iter().cloned()).collect()
}

/// What part of all a weight is, in percent with one digit behind the point.
fn percent(weight: f64, total: f64) -> Value {
    Value::Real((1_000.0 * weight / total).round() / 10.0)
}

/// A weight as a count.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a weight of rows is far below 2^63"
)]
fn count(weight: f64) -> Value {
    Value::Long(weight.round() as i64)
}
