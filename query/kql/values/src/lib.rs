//! Kusto's scalar types and what is computed with them: functions, operators, aggregates, plugins.
//!
//! Everything here works on single [`Value`]s and knows nothing of Arrow or DataFusion: constants are folded with it,
//! `scan` steps through rows with it, and what has no equivalent in DataFusion runs by it over columns.

#![expect(
    clippy::unnecessary_wraps,
    reason = "kernels and accumulators share one signature, whether they can fail or not"
)]

pub mod aggregate;
mod aggregates;
#[cfg(test)]
mod any_values;
mod arguments;
#[cfg(test)]
mod calls;
pub mod convert;
pub mod dynamic;
mod encode;
pub mod function;
#[cfg(test)]
pub mod fuzz;
#[cfg(all(feature = "fuzz", not(test)))]
pub mod fuzz;
mod math;
pub mod network;
pub mod operators;
mod parse;
pub mod rows;
mod series;
mod signature;
mod strings;
mod time;
mod units;
mod value;

pub use kql_syntax::ast::Type;
pub use signature::{Parameter, ParameterType, Returns, Signature};
pub use strings::plain_classes;
pub use value::{Dynamic, Value};
