//! What the writer and the reader share: event tables, the WAL, recent rows, Parquet segments and the
//! DuckLake catalog.
//!
//! An acknowledged batch is on disk and is counted exactly once; this crate keeps that promise. It
//! knows nothing of HTTP, log formats, queries or rules.

mod availability;
mod batch;
mod catalog;
mod compaction;
mod disk;
mod guid;
mod idempotency;
mod identity;
mod inspect;
mod mark;
mod others;
mod point;
mod position;
mod progress;
mod publish;
mod retention;
mod rows;
pub mod schema;
mod segment;
mod sources;
mod start;
mod store;
mod time;
mod upkeep;
mod wal;
mod workspace;

pub use availability::is_unavailable;
pub use batch::{BatchError, NewBatch, Receipt};
pub use catalog::{CatalogError, CatalogSettings, PostgresSettings, open_database};
pub use compaction::CompactionSettings;
pub use disk::{Disk, DiskError, DiskFile, RealDisk};
pub use guid::to_text as guid_text;
pub use idempotency::{Claim, ClaimOutcome};
pub use inspect::{Finding, TableStatus, Verification, status, verify};
pub use mark::Mark;
pub use position::{Position, Source, Standing, Step, StepClaim, StepOutcome};
pub use progress::Progress;
pub use publish::Published;
pub use retention::Retention;
pub use rows::TableSnapshot;
pub use schema::{Column, ColumnType, Table};
pub use segment::{Level, Segment, SegmentError};
pub use store::{AppendError, Store, StoreError, StoreSettings};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use upkeep::Kept;
pub use wal::{ReplayError, WalError};
pub use workspace::Workspace;

#[cfg(test)]
mod tests;
