//! What the writer and the reader share: event tables, the WAL, recent rows, Parquet segments and the
//! DuckLake catalog.
//!
//! An acknowledged batch is on disk and is counted exactly once; this crate keeps that promise. It
//! knows nothing of HTTP, log formats, queries or rules.

pub mod schema;
mod time;
mod workspace;

pub use schema::{Column, ColumnType, Table};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use workspace::Workspace;
