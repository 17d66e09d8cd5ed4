//! Columns of `AGWFirewallLogs`, as Azure Log Analytics publishes them, and ours behind them.

use super::Column;
use super::ColumnType::{Datetime, Dynamic, Int, Real, Text};

/// In catalog order: a column's DuckLake id is its place here, from 1, so new ones go to the end.
pub(super) const COLUMNS: &[Column] = &[
    Column::new("TimeGenerated", Datetime),
    Column::new("Action", Text),
    Column::new("_BilledSize", Real),
    Column::new("ClientIp", Text),
    Column::new("ClientPort", Int),
    Column::new("DetailedData", Text),
    Column::new("DetailedMessage", Text),
    Column::new("FileDetails", Text),
    Column::new("Hostname", Text),
    Column::new("InstanceId", Text),
    Column::new("_IsBillable", Text),
    Column::new("LineDetails", Text),
    Column::new("Message", Text),
    Column::new("OperationName", Text),
    Column::new("ParanoiaLevel", Text),
    Column::new("PolicyId", Text),
    Column::new("PolicyScope", Text),
    Column::new("PolicyScopeName", Text),
    Column::new("RequestUri", Text),
    Column::new("_ResourceId", Text),
    Column::new("RuleId", Text),
    Column::new("RuleSetType", Text),
    Column::new("RuleSetVersion", Text),
    Column::new("Site", Text),
    Column::new("SourceSystem", Text),
    Column::new("_SubscriptionId", Text),
    Column::new("TenantId", Text),
    Column::new("TransactionId", Text),
    Column::new("Type", Text),
    Column::new("_TimeReceived", Datetime),
    Column::new("AdditionalFields", Dynamic),
];
