//! Columns of `ApiManagementGatewayLlmLog`, as Azure Log Analytics publishes them, and ours behind them.

use super::Column;
use super::ColumnType::{Bool, Datetime, Dynamic, Int, Real, Text};

/// In catalog order: a column's DuckLake id is its place here, from 1, so new ones go to the end.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("TimeGenerated", Datetime),
    Column::new("ApiVersion", Text),
    Column::new("_BilledSize", Real),
    Column::new("CompletionTokens", Int),
    Column::new("CorrelationId", Text),
    Column::new("DeploymentName", Text),
    Column::new("_IsBillable", Text),
    Column::new("IsStreamCompletion", Bool),
    Column::new("ModelName", Text),
    Column::new("OperationName", Text),
    Column::new("PromptTokens", Int),
    Column::new("Region", Text),
    Column::new("RequestId", Text),
    Column::new("RequestMessages", Dynamic),
    Column::new("_ResourceId", Text),
    Column::new("ResponseMessages", Dynamic),
    Column::new("SequenceNumber", Int),
    Column::new("SourceSystem", Text),
    Column::new("_SubscriptionId", Text),
    Column::new("TenantId", Text),
    Column::new("TotalTokens", Int),
    Column::new("Type", Text),
    Column::new("_TimeReceived", Datetime),
    Column::new("AdditionalFields", Dynamic),
];
