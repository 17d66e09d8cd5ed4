//! Columns of `APIMDevPortalAuditDiagnosticLog`, as Azure Log Analytics publishes them, and ours behind them.

use super::Column;
use super::ColumnType::{Datetime, Dynamic, Int, Real, Text};

/// In catalog order: a column's DuckLake id is its place here, from 1, so new ones go to the end.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("TimeGenerated", Datetime),
    Column::new("ActivityId", Text),
    Column::new("ApimClient", Text),
    Column::new("_BilledSize", Real),
    Column::new("Category", Text),
    Column::new("HashedUserId", Text),
    Column::new("_IsBillable", Text),
    Column::new("OperationName", Text),
    Column::new("Region", Text),
    Column::new("RequestMethod", Text),
    Column::new("RequestPath", Text),
    Column::new("_ResourceId", Text),
    Column::new("ResponseCode", Int),
    Column::new("ResultType", Text),
    Column::new("ServiceName", Text),
    Column::new("SourceSystem", Text),
    Column::new("_SubscriptionId", Text),
    Column::new("TenantId", Text),
    Column::new("Type", Text),
    Column::new("UserAgent", Text),
    Column::new("Version", Text),
    Column::new("_TimeReceived", Datetime),
    Column::new("AdditionalFields", Dynamic),
];
