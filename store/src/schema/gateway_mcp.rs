//! Columns of `ApiManagementGatewayMCPLog`, as Azure Log Analytics publishes them, and ours behind them.

use super::Column;
use super::ColumnType::{Datetime, Dynamic, Int, Real, Text};

/// In catalog order: a column's DuckLake id is its place here, from 1, so new ones go to the end.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("TimeGenerated", Datetime),
    Column::new("ApiType", Text),
    Column::new("AuthenticationMethod", Text),
    Column::new("_BilledSize", Real),
    Column::new("ClientName", Text),
    Column::new("ClientVersion", Text),
    Column::new("CorrelationId", Text),
    Column::new("Error", Text),
    Column::new("ErrorType", Text),
    Column::new("_IsBillable", Text),
    Column::new("McpServerEndpoint", Text),
    Column::new("Method", Text),
    Column::new("OperationName", Text),
    Column::new("ProtocolVersion", Text),
    Column::new("Region", Text),
    Column::new("_ResourceId", Text),
    Column::new("ServerName", Text),
    Column::new("ServerVersion", Text),
    Column::new("SessionId", Text),
    Column::new("SourceSystem", Text),
    Column::new("_SubscriptionId", Text),
    Column::new("TenantId", Text),
    Column::new("ToolCount", Int),
    Column::new("ToolName", Text),
    Column::new("TransportType", Text),
    Column::new("Type", Text),
    Column::new("_TimeReceived", Datetime),
    Column::new("AdditionalFields", Dynamic),
];
