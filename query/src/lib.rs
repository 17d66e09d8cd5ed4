//! A question to rows: SQL over the event tables, by DataFusion, within bounds.
//!
//! Read-only by construction: only plans that read are run, only the workspace's tables can be named, and the
//! guard refuses what would cost too much before it is planned. This crate knows nothing of HTTP or tokens.

mod answer;
mod engine;
mod error;
mod external;
pub mod format;
mod functions;
mod guard;
mod kusto;
mod results;
mod table;
mod tables;
mod threads;
mod views;
mod watchlist;

pub use answer::Answer;
pub use engine::{Engine, EngineSettings, Language, Question, Span};
pub use error::{Fault, QueryError};
pub use external::{External, Fetch, Fetching};
pub use kql::{Render, operator_names as kql_operators};
pub use kql_values::Type;
pub use kusto::kusto_type;
pub use views::all as kql_views;
pub use watchlist::{LIST_BYTES_MAX, Watchlist, WatchlistError, WatchlistSet, Watchlists};

#[cfg(test)]
mod tests;
