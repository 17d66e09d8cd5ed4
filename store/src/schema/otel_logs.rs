//! Columns of `OTelLogs`: what OpenTelemetry's log records say, in its own words, and ours behind them.

use super::Column;
use super::ColumnType::{Datetime, Dynamic, Int, Long, Text};

/// In catalog order: a column's DuckLake id is its place here, from 1, so new ones go to the end.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("TimeGenerated", Datetime),
    Column::new("Timestamp", Datetime),
    Column::new("ObservedTimestamp", Datetime),
    Column::new("TraceId", Text),
    Column::new("SpanId", Text),
    Column::new("TraceFlags", Long),
    Column::new("SeverityText", Text),
    Column::new("SeverityNumber", Int),
    Column::new("EventName", Text),
    Column::new("Body", Text),
    Column::new("Attributes", Dynamic),
    Column::new("DroppedAttributesCount", Long),
    Column::new("ScopeName", Text),
    Column::new("ScopeVersion", Text),
    Column::new("ScopeAttributes", Dynamic),
    Column::new("ScopeSchemaUrl", Text),
    Column::new("ResourceAttributes", Dynamic),
    Column::new("ResourceSchemaUrl", Text),
    Column::new("_ResourceId", Text),
    Column::new("_SubscriptionId", Text),
    Column::new("SourceSystem", Text),
    Column::new("TenantId", Text),
    Column::new("Type", Text),
    Column::new("_TimeReceived", Datetime),
    Column::new("AdditionalFields", Dynamic),
];
