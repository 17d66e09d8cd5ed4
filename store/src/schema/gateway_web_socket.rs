//! Columns of `ApiManagementWebSocketConnectionLogs`, as Azure Log Analytics publishes them, and ours behind them.

use super::Column;
use super::ColumnType::{Datetime, Dynamic, Real, Text};

/// In catalog order: a column's DuckLake id is its place here, from 1, so new ones go to the end.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("TimeGenerated", Datetime),
    Column::new("_BilledSize", Real),
    Column::new("CorrelationId", Text),
    Column::new("Destination", Text),
    Column::new("Error", Text),
    Column::new("EventName", Text),
    Column::new("_IsBillable", Text),
    Column::new("Region", Text),
    Column::new("_ResourceId", Text),
    Column::new("Source", Text),
    Column::new("SourceSystem", Text),
    Column::new("_SubscriptionId", Text),
    Column::new("TenantId", Text),
    Column::new("Type", Text),
    Column::new("_TimeReceived", Datetime),
    Column::new("AdditionalFields", Dynamic),
];
