//! Functions over whole tables of values: plugins of `evaluate` and operators that step through rows.

#![expect(
    clippy::needless_pass_by_value,
    reason = "plugins share one signature, whether they keep the rows or not"
)]

mod activity;
mod arguments;
mod differences;
mod grouped;
mod intersections;
mod narrow;
mod nearby;
mod patterns;
pub mod reduce;
mod rolling;
pub mod scan;
mod schemas;
mod sequence;
#[cfg(test)]
mod tests;

use crate::function::{Context, Failure};
use crate::value::Value;
use kql_syntax::ast::Type;

/// Names and types of columns.
pub type Columns = Vec<(String, Type)>;

/// A table in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Names and types of the columns.
    pub columns: Columns,
    /// Rows, each with a value for every column.
    pub rows: Vec<Vec<Value>>,
}

/// An argument of a table function.
#[derive(Clone, Debug, PartialEq)]
pub enum TableArgument {
    /// A column of the input, by its place.
    Column(usize),
    /// A constant.
    Constant(Value),
}

/// A plugin whose result is computed from all rows of its input.
#[derive(Clone, Debug)]
pub struct TableFunction {
    /// Its name.
    pub name: &'static str,
    /// The columns of the result, from those of the input and the arguments.
    pub columns: fn(&Columns, &[TableArgument]) -> Result<Columns, Failure>,
    /// The result.
    pub run: fn(&mut Context, Rows, &[TableArgument]) -> Result<Rows, Failure>,
}

/// All plugins.
pub fn table_functions() -> Vec<TableFunction> {
    [
        activity::functions(),
        differences::functions(),
        intersections::functions(),
        narrow::table(),
        nearby::functions(),
        patterns::table(),
        reduce::table(),
        rolling::table(),
        schemas::functions(),
        sequence::table(),
    ]
    .concat()
}

/// Most rows that a plugin gives.
const ROWS_MAX: usize = 1 << 20;

/// Ends the query when a plugin would give too many rows.
fn bounded(rows: usize) -> Result<(), Failure> {
    if rows <= ROWS_MAX {
        return Ok(());
    }
    Err(Failure(format!(
        "the result has more than {ROWS_MAX} rows: take fewer rows or shorter spans"
    )))
}

/// A count as a `long`.
fn long(count: usize) -> Value {
    Value::Long(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn real(count: usize) -> f64 {
    count as f64
}
