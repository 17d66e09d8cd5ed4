//! Columns of `_Quarantine`: what could not be read, kept so that it can be replayed.

use super::Column;
use super::ColumnType::{Bytes, Datetime, Long, Text};

/// In catalog order: a column's DuckLake id is its place here, from 1, so new ones go to the end.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("TimeGenerated", Datetime),
    Column::new("TenantId", Text),
    Column::new("Type", Text),
    Column::new("Batch", Text),
    Column::new("Source", Text),
    Column::new("Reason", Text),
    Column::new("Offset", Long),
    Column::new("Length", Long),
    Column::new("Bytes", Bytes),
    Column::new("Digest", Text),
    Column::new("_TimeReceived", Datetime),
    Column::new("ReasonClass", Text),
    Column::new("Number", Long),
];
