//! The event tables and their columns: the contract between what is written and what is read.
//!
//! Names and types are those of Azure Log Analytics, so that KQL and SQL written for it run unchanged.
//! A record never creates a column: what no column holds goes to `AdditionalFields` as JSON text.

mod activity;
mod audit;
mod developer_portal;
mod diagnostics;
mod expected;
mod flow;
mod gateway;
mod gateway_access;
mod gateway_firewall;
mod gateway_llm;
mod gateway_mcp;
mod gateway_web_socket;
mod key_vault;
mod otel_logs;
mod quarantine;
mod sign_in;
mod sign_in_managed_identity;
mod sign_in_non_interactive;
mod sign_in_service_principal;

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch, new_null_array};
use arrow::compute;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::guid;

/// Name of the event-time column, present in every table.
pub const TIME_COLUMN: &str = "TimeGenerated";

/// When a row came in; its rows are kept from then on.
pub(crate) const RECEIVED_COLUMN: &str = "_TimeReceived";

/// An event table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// API Management `GatewayLogs`.
    ApiManagementGatewayLogs,
    /// Network flows, one row per flow tuple of NSG and VNet flow logs.
    NtaNetAnalytics,
    /// Activity (control plane) logs.
    AzureActivity,
    /// Resource logs that have no table of their own.
    AzureDiagnostics,
    /// Interactive sign-ins of users.
    SigninLogs,
    /// Sign-ins that clients did for their users.
    AadNonInteractiveUserSignInLogs,
    /// Sign-ins of service principals.
    AadServicePrincipalSignInLogs,
    /// Sign-ins of managed identities.
    AadManagedIdentitySignInLogs,
    /// Changes in the directory.
    AuditLogs,
    /// What was done to key vaults and what they hold.
    AzkvAuditLogs,
    /// Calls through Application Gateways.
    AgwAccessLogs,
    /// Rules that matched in the firewalls of Application Gateways.
    AgwFirewallLogs,
    /// Calls of language models through API Management.
    ApiManagementGatewayLlmLog,
    /// Calls of tools (Model Context Protocol) through API Management.
    ApiManagementGatewayMcpLog,
    /// WebSocket connections through API Management.
    ApiManagementWebSocketConnectionLogs,
    /// Requests to API Management's developer portal.
    ApimDevPortalAuditDiagnosticLog,
    /// Log records of OpenTelemetry that are of no other table.
    OTelLogs,
    /// Users that Entra ID holds to be at risk.
    AadRiskyUsers,
    /// What Entra ID saw of risk in users and their sign-ins.
    AadUserRiskEvents,
    /// How busy Application Gateways of version 1 were.
    AgwPerformanceLogs,
    /// Matches of application rules in Azure Firewall.
    AzfwApplicationRule,
    /// Matches of network rules in Azure Firewall.
    AzfwNetworkRule,
    /// What Azure Policy found of what key vaults hold.
    AzkvPolicyEvaluationDetailsLogs,
    /// Requests to App Service.
    AppServiceHttpLogs,
    /// What Sentinel found unusual in what users did.
    BehaviorAnalytics,
    /// Users as the directory knows them.
    IdentityInfo,
    /// What is known of public addresses in flow logs.
    NtaIpDetails,
    /// Alerts of security products.
    SecurityAlert,
    /// Incidents of Sentinel.
    SecurityIncident,
    /// Requests to blob storage.
    StorageBlobLogs,
    /// Indicators of threats, as STIX has them.
    ThreatIntelIndicators,
    /// Indicators of threats, as older rules read them.
    ThreatIntelligenceIndicator,
    /// Requests to 42Crunch's API firewall.
    FortyTwoCrunchApiProtection,
    /// Requests to 42Crunch's API firewall, as its older forwarder sends them.
    ApiFirewallLog,
    /// What could not be read.
    Quarantine,
}

/// What a column holds, in Kusto's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// 32-bit integer.
    Int,
    /// 64-bit integer.
    Long,
    /// 64-bit float.
    Real,
    /// Boolean.
    Bool,
    /// UTC, microseconds.
    Datetime,
    /// JSON text.
    Dynamic,
    /// Octets as they came.
    Bytes,
}

/// A column of an event table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name, exactly as queries write it.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
}

impl Column {
    const fn new(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind }
    }

    /// Whether it holds text that repeats from row to row, so that a batch keeps each value once.
    pub fn repeats(self) -> bool {
        let is_text = matches!(self.kind, ColumnType::Text | ColumnType::Dynamic);
        is_text && !HARDLY_REPEATING.contains(&self.name)
    }

    /// The Arrow type that carries it in a batch.
    fn in_batch(self) -> DataType {
        if self.repeats() {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        } else {
            self.kind.arrow()
        }
    }
}

/// Text columns whose values hardly ever repeat: a dictionary of them would be built for nothing.
const HARDLY_REPEATING: [&str; 19] = [
    "AdditionalFields",
    "BackendRequestBody",
    "BackendResponseBody",
    "BackendUrl",
    "CorrelationId",
    "Digest",
    "EventDataId",
    "Id",
    "OriginalRequestId",
    "OriginalRequestUriWithArgs",
    "Properties",
    "Properties_d",
    "RequestBody",
    "RequestUri",
    "ResponseBody",
    "TraceRecords",
    "TransactionId",
    "UniqueTokenIdentifier",
    "Url",
];

impl ColumnType {
    /// The Arrow type that carries it.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text | Self::Dynamic => DataType::Utf8,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Real => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Datetime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Bytes => DataType::Binary,
        }
    }

    /// The type's name in a DuckLake catalog.
    pub fn ducklake(self) -> &'static str {
        match self {
            Self::Text | Self::Dynamic => "varchar",
            Self::Int => "int32",
            Self::Long => "int64",
            Self::Real => "float64",
            Self::Bool => "boolean",
            Self::Datetime => "timestamptz",
            Self::Bytes => "blob",
        }
    }
}

impl Table {
    /// Every event table.
    pub const ALL: [Self; 35] = [
        Self::ApiManagementGatewayLogs,
        Self::NtaNetAnalytics,
        Self::AzureActivity,
        Self::AzureDiagnostics,
        Self::SigninLogs,
        Self::AadNonInteractiveUserSignInLogs,
        Self::AadServicePrincipalSignInLogs,
        Self::AadManagedIdentitySignInLogs,
        Self::AuditLogs,
        Self::AzkvAuditLogs,
        Self::AgwAccessLogs,
        Self::AgwFirewallLogs,
        Self::ApiManagementGatewayLlmLog,
        Self::ApiManagementGatewayMcpLog,
        Self::ApiManagementWebSocketConnectionLogs,
        Self::ApimDevPortalAuditDiagnosticLog,
        Self::OTelLogs,
        Self::AadRiskyUsers,
        Self::AadUserRiskEvents,
        Self::AgwPerformanceLogs,
        Self::AzfwApplicationRule,
        Self::AzfwNetworkRule,
        Self::AzkvPolicyEvaluationDetailsLogs,
        Self::AppServiceHttpLogs,
        Self::BehaviorAnalytics,
        Self::IdentityInfo,
        Self::NtaIpDetails,
        Self::SecurityAlert,
        Self::SecurityIncident,
        Self::StorageBlobLogs,
        Self::ThreatIntelIndicators,
        Self::ThreatIntelligenceIndicator,
        Self::FortyTwoCrunchApiProtection,
        Self::ApiFirewallLog,
        Self::Quarantine,
    ];

    /// The name that queries use.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiManagementGatewayLogs => "ApiManagementGatewayLogs",
            Self::NtaNetAnalytics => "NTANetAnalytics",
            Self::AzureActivity => "AzureActivity",
            Self::AzureDiagnostics => "AzureDiagnostics",
            Self::SigninLogs => "SigninLogs",
            Self::AadNonInteractiveUserSignInLogs => "AADNonInteractiveUserSignInLogs",
            Self::AadServicePrincipalSignInLogs => "AADServicePrincipalSignInLogs",
            Self::AadManagedIdentitySignInLogs => "AADManagedIdentitySignInLogs",
            Self::AuditLogs => "AuditLogs",
            Self::AzkvAuditLogs => "AZKVAuditLogs",
            Self::AgwAccessLogs => "AGWAccessLogs",
            Self::AgwFirewallLogs => "AGWFirewallLogs",
            Self::ApiManagementGatewayLlmLog => "ApiManagementGatewayLlmLog",
            Self::ApiManagementGatewayMcpLog => "ApiManagementGatewayMCPLog",
            Self::ApiManagementWebSocketConnectionLogs => "ApiManagementWebSocketConnectionLogs",
            Self::ApimDevPortalAuditDiagnosticLog => "APIMDevPortalAuditDiagnosticLog",
            Self::OTelLogs => "OTelLogs",
            Self::AadRiskyUsers => "AADRiskyUsers",
            Self::AadUserRiskEvents => "AADUserRiskEvents",
            Self::AgwPerformanceLogs => "AGWPerformanceLogs",
            Self::AzfwApplicationRule => "AZFWApplicationRule",
            Self::AzfwNetworkRule => "AZFWNetworkRule",
            Self::AzkvPolicyEvaluationDetailsLogs => "AZKVPolicyEvaluationDetailsLogs",
            Self::AppServiceHttpLogs => "AppServiceHTTPLogs",
            Self::BehaviorAnalytics => "BehaviorAnalytics",
            Self::IdentityInfo => "IdentityInfo",
            Self::NtaIpDetails => "NTAIpDetails",
            Self::SecurityAlert => "SecurityAlert",
            Self::SecurityIncident => "SecurityIncident",
            Self::StorageBlobLogs => "StorageBlobLogs",
            Self::ThreatIntelIndicators => "ThreatIntelIndicators",
            Self::ThreatIntelligenceIndicator => "ThreatIntelligenceIndicator",
            Self::FortyTwoCrunchApiProtection => "FortyTwoCrunchAPIProtectionV2_CL",
            Self::ApiFirewallLog => "apifirewall_log_1_CL",
            Self::Quarantine => "_Quarantine",
        }
    }

    /// The table of that name; case counts, as in Kusto.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Its columns, in catalog order.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::ApiManagementGatewayLogs => gateway::COLUMNS,
            Self::NtaNetAnalytics => flow::COLUMNS,
            Self::AzureActivity => activity::COLUMNS,
            Self::AzureDiagnostics => diagnostics::COLUMNS,
            Self::SigninLogs => sign_in::COLUMNS,
            Self::AadNonInteractiveUserSignInLogs => sign_in_non_interactive::COLUMNS,
            Self::AadServicePrincipalSignInLogs => sign_in_service_principal::COLUMNS,
            Self::AadManagedIdentitySignInLogs => sign_in_managed_identity::COLUMNS,
            Self::AuditLogs => audit::COLUMNS,
            Self::AzkvAuditLogs => key_vault::COLUMNS,
            Self::AgwAccessLogs => gateway_access::COLUMNS,
            Self::AgwFirewallLogs => gateway_firewall::COLUMNS,
            Self::ApiManagementGatewayLlmLog => gateway_llm::COLUMNS,
            Self::ApiManagementGatewayMcpLog => gateway_mcp::COLUMNS,
            Self::ApiManagementWebSocketConnectionLogs => gateway_web_socket::COLUMNS,
            Self::ApimDevPortalAuditDiagnosticLog => developer_portal::COLUMNS,
            Self::OTelLogs => otel_logs::COLUMNS,
            Self::AadRiskyUsers => expected::AAD_RISKY_USERS,
            Self::AadUserRiskEvents => expected::AAD_USER_RISK_EVENTS,
            Self::AgwPerformanceLogs => expected::AGW_PERFORMANCE_LOGS,
            Self::AzfwApplicationRule => expected::AZFW_APPLICATION_RULE,
            Self::AzfwNetworkRule => expected::AZFW_NETWORK_RULE,
            Self::AzkvPolicyEvaluationDetailsLogs => expected::AZKV_POLICY_EVALUATION_DETAILS_LOGS,
            Self::AppServiceHttpLogs => expected::APP_SERVICE_HTTP_LOGS,
            Self::BehaviorAnalytics => expected::BEHAVIOR_ANALYTICS,
            Self::IdentityInfo => expected::IDENTITY_INFO,
            Self::NtaIpDetails => expected::NTA_IP_DETAILS,
            Self::SecurityAlert => expected::SECURITY_ALERT,
            Self::SecurityIncident => expected::SECURITY_INCIDENT,
            Self::StorageBlobLogs => expected::STORAGE_BLOB_LOGS,
            Self::ThreatIntelIndicators => expected::THREAT_INTEL_INDICATORS,
            Self::ThreatIntelligenceIndicator => expected::THREAT_INTELLIGENCE_INDICATOR,
            Self::FortyTwoCrunchApiProtection => expected::FORTY_TWO_CRUNCH_API_PROTECTION,
            Self::ApiFirewallLog => expected::API_FIREWALL_LOG,
            Self::Quarantine => quarantine::COLUMNS,
        }
    }

    /// Its Arrow schema as queries see it.
    pub fn arrow_schema(self) -> SchemaRef {
        let columns = self.columns().iter();
        let fields = columns.map(|column| Field::new(column.name, column.kind.arrow(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The schema of its batches on their way into a segment: text that repeats is in dictionaries.
    pub fn batch_schema(self) -> SchemaRef {
        let columns = self.columns().iter();
        let fields = columns.map(|column| Field::new(column.name, column.in_batch(), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Brings rows to the form of a batch: columns that they lack are null, those that the table lacks are dropped.
    pub fn conform(self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        bring(&self.batch_schema(), rows)
    }
}

/// Brings rows to a schema: columns that they lack are null, those that it lacks are dropped, and GUIDs are as it wants them.
pub(crate) fn bring(schema: &SchemaRef, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let there = rows.column_by_name(field.name());
        let there = there.filter(|column| column.null_count() < column.len());
        columns.push(match there {
            Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
            Some(column) => match column.as_fixed_size_binary_opt() {
                Some(octets) => compute::cast(&guid::to_text(octets)?, field.data_type())?,
                None => compute::cast(column, field.data_type())?,
            },
            None => new_null_array(field.data_type(), rows.num_rows()),
        });
    }
    RecordBatch::try_new(Arc::clone(schema), columns)
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
