//! Functions over whole tables of values: plugins of `evaluate` and operators that step through rows.

mod activity;
mod differences;
mod intersections;
mod nearby;
pub mod scan;
mod schemas;

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
        nearby::functions(),
        schemas::functions(),
    ]
    .concat()
}
