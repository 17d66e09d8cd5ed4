//! Columns of `AuditLogs`, as Azure Log Analytics publishes them, and ours behind them.

use super::Column;
use super::ColumnType::{Datetime, Dynamic, Long, Real, Text};

/// In catalog order: a column's DuckLake id is its place here, from 1, so new ones go to the end.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("TimeGenerated", Datetime),
    Column::new("AADOperationType", Text),
    Column::new("AADTenantId", Text),
    Column::new("ActivityDateTime", Datetime),
    Column::new("ActivityDisplayName", Text),
    Column::new("AdditionalDetails", Dynamic),
    Column::new("_BilledSize", Real),
    Column::new("Category", Text),
    Column::new("CorrelationId", Text),
    Column::new("DurationMs", Long),
    Column::new("Id", Text),
    Column::new("Identity", Text),
    Column::new("InitiatedBy", Dynamic),
    Column::new("_IsBillable", Text),
    Column::new("Level", Text),
    Column::new("Location", Text),
    Column::new("LoggedByService", Text),
    Column::new("OperationName", Text),
    Column::new("OperationVersion", Text),
    Column::new("Resource", Text),
    Column::new("ResourceGroup", Text),
    Column::new("ResourceId", Text),
    Column::new("ResourceProvider", Text),
    Column::new("Result", Text),
    Column::new("ResultDescription", Text),
    Column::new("ResultReason", Text),
    Column::new("ResultSignature", Text),
    Column::new("ResultType", Text),
    Column::new("SourceSystem", Text),
    Column::new("TargetResources", Dynamic),
    Column::new("Type", Text),
    Column::new("TenantId", Text),
    Column::new("_ResourceId", Text),
    Column::new("_SubscriptionId", Text),
    Column::new("_TimeReceived", Datetime),
    Column::new("AdditionalFields", Dynamic),
];
