//! KQL text to a DataFusion logical plan.
//!
//! Text is read by `kql-syntax`, bound to tables, columns and functions here, and lowered to the operators that the
//! SQL of a good engineer would plan to; what has no equivalent there runs by the kernels of `kql-values`. This crate
//! knows nothing of logs, HTTP or storage: tables come through a [`Catalog`].

mod aggregates;
mod arrays;
mod bind;
mod bound;
mod catalog;
mod error;
mod external;
mod interpret;
mod language;
mod lower;
mod names;
mod node;
mod operators;
mod plan;
mod projection;
mod relation;
#[cfg(test)]
mod tests;
mod udaf;
mod udf;

pub use catalog::{Catalog, Evaluate, Source, unqualified, unqualified_with};
pub use error::KqlError;
pub use external::Document;
pub use kql_syntax::operator_names;
pub use language::Language;
pub use node::{TableFunctionPlanner, query_planner};
pub use plan::{Environment, Planned, Render, plan};
