//! What the binder asks of its surroundings: tables, stored functions, and answers to parts of a query.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan};
use kql_syntax::ast::Type;

use crate::external::Document;
use crate::projection::project;

/// A table as the binder sees it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Reads it.
    pub plan: LogicalPlan,
    /// Its columns in the order of the plan's fields. A `string` may be null there, which means empty; a `dynamic` is
    /// JSON text, a `datetime` a timestamp of any unit.
    pub columns: Vec<(String, Type)>,
    /// Whether it is not there yet, so that nobody knows what other columns it will have: those that a query names are
    /// empty text.
    pub is_open: bool,
}

/// Tables and stored functions.
pub trait Catalog: fmt::Debug {
    /// A table by its exact name.
    fn table(&self, name: &str) -> Result<Option<Source>, DataFusionError>;
    /// Names of all tables, for wildcards and for errors.
    fn tables(&self) -> Vec<String>;
    /// Names of the tables that have a column, for errors: some are caught, and must not cost a plan of each table.
    fn tables_with(&self, column: &str) -> Vec<String>;
    /// The text of a stored function, as after `let name = `: `(pack: bool = false) { ... }`.
    fn function(&self, name: &str) -> Option<String>;
    /// Names of all stored functions.
    fn functions(&self) -> Vec<String>;
    /// The rows of a watchlist by its alias, or none if there is no such list.
    fn watchlist(&self, alias: &str) -> Result<Option<Source>, DataFusionError>;
    /// What stands at an address of `externaldata`, which nobody has fetched yet. An error says why it is not fetched
    /// here; the table is then empty, and the result's warnings say why.
    fn external(&self, uri: &str) -> Result<Arc<dyn Document>, String>;
}

/// Computes a part of a query while the whole is planned: `toscalar`, the columns of `bag_unpack` and `pivot`. It may
/// block, within the bounds of the query.
pub trait Evaluate: fmt::Debug {
    /// All rows of a plan, at most `rows_max` of them.
    fn rows(&self, plan: LogicalPlan, rows_max: usize)
    -> Result<Vec<RecordBatch>, DataFusionError>;
}

/// A plan whose columns stand without the name of their table, as KQL has them.
pub fn unqualified(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    unqualified_with(plan, Vec::new())
}

/// The same with columns added, in one step: tables are wide.
pub fn unqualified_with(
    plan: LogicalPlan,
    added: Vec<Expr>,
) -> Result<LogicalPlan, DataFusionError> {
    let columns = plan.schema().iter();
    let columns = columns
        .map(|(qualifier, field)| Expr::from((qualifier, field)).alias(field.name()))
        .chain(added)
        .collect();
    project(columns, Arc::new(plan))
}
