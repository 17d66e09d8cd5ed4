//! Rows exported from Log Analytics, which name their table or not.
//!
//! An export may have every column or only those with a value, so several columns tell a table, and
//! each alone is enough.

use std::borrow::Cow;

use store::Table;

use super::Kind;
use crate::json::Fields;
use crate::log::{self, Log};

/// Columns that only rows of one table have together, most certain first.
const MARKS: &[(&[&str], Kind)] = &[
    (&["OperationNameValue"], Kind::Activity),
    (&["ActivityStatusValue"], Kind::Activity),
    (&["CategoryValue"], Kind::Activity),
    (&["ApimSubscriptionId"], Kind::Gateway),
    (&["BackendResponseCode"], Kind::Gateway),
    (&["ApiId", "ResponseCode"], Kind::Gateway),
    (&["Method", "Url", "ResponseCode"], Kind::Gateway),
    (&["PromptTokens"], Kind::Log(Log::LanguageModel)),
    (&["IsStreamCompletion"], Kind::Log(Log::LanguageModel)),
    (&["McpServerEndpoint"], Kind::Log(Log::Tool)),
    (&["ToolName", "ServerName"], Kind::Log(Log::Tool)),
    (
        &["EventName", "Source", "Destination"],
        Kind::Log(Log::WebSocket),
    ),
    (&["ApimClient"], Kind::Log(Log::DeveloperPortal)),
    (&["HashedUserId"], Kind::Log(Log::DeveloperPortal)),
    (&["ClientIp", "HttpStatus"], Kind::Log(Log::GatewayAccess)),
    (
        &["ClientIp", "RuleSetType"],
        Kind::Log(Log::GatewayFirewall),
    ),
    (&["RuleSetType", "RuleId"], Kind::Log(Log::GatewayFirewall)),
    (&["IsRbacAuthorized"], Kind::Log(Log::KeyVault)),
    (&["IsAccessPolicyMatch"], Kind::Log(Log::KeyVault)),
    (&["HttpStatusCode", "RequestUri"], Kind::Log(Log::KeyVault)),
    (&["AADOperationType"], Kind::Log(Log::Audit)),
    (&["InitiatedBy", "TargetResources"], Kind::Log(Log::Audit)),
    (&["SrcIp", "DestIp", "FlowDirection"], Kind::FlowRow),
    (&["ProcessingTimeInMs"], Kind::Log(Log::NonInteractive)),
    (&["SignInEventTypes"], Kind::Log(Log::NonInteractive)),
    (&["ManagedServiceIdentity"], Kind::Log(Log::ManagedIdentity)),
    (
        &["ProcessingTimeInMilliseconds", "AppId"],
        Kind::Log(Log::SignIn),
    ),
    (&["FlaggedForReview"], Kind::Log(Log::SignIn)),
    (
        &["SeverityNumber", "ScopeName"],
        Kind::Log(Log::OpenTelemetry),
    ),
    (&["TraceId", "SpanId"], Kind::Log(Log::OpenTelemetry)),
    (
        &["IsProcessing", "RiskState"],
        Kind::Log(Log::Rows(Table::AadRiskyUsers)),
    ),
    (
        &["RiskEventType"],
        Kind::Log(Log::Rows(Table::AadUserRiskEvents)),
    ),
    (
        &["UnHealthyHostCount"],
        Kind::Log(Log::Rows(Table::AgwPerformanceLogs)),
    ),
    (
        &["IsExplicitProxyRequest"],
        Kind::Log(Log::Rows(Table::AzfwApplicationRule)),
    ),
    (
        &["DestinationIp", "RuleCollection"],
        Kind::Log(Log::Rows(Table::AzfwNetworkRule)),
    ),
    (
        &["EvaluationDetails"],
        Kind::Log(Log::Rows(Table::AzkvPolicyEvaluationDetailsLogs)),
    ),
    (
        &["CsUriStem", "ScStatus"],
        Kind::Log(Log::Rows(Table::AppServiceHttpLogs)),
    ),
    (
        &["ActivityInsights"],
        Kind::Log(Log::Rows(Table::BehaviorAnalytics)),
    ),
    (
        &["AccountObjectId", "AccountUPN"],
        Kind::Log(Log::Rows(Table::IdentityInfo)),
    ),
    (
        &["PublicIpDetails", "ThreatDescription"],
        Kind::Log(Log::Rows(Table::NtaIpDetails)),
    ),
    (
        &["SystemAlertId", "AlertType"],
        Kind::Log(Log::Rows(Table::SecurityAlert)),
    ),
    (
        &["IncidentNumber", "AlertIds"],
        Kind::Log(Log::Rows(Table::SecurityIncident)),
    ),
    (
        &["AuthenticationHash", "ObjectKey"],
        Kind::Log(Log::Rows(Table::StorageBlobLogs)),
    ),
    (
        &["ObservableKey"],
        Kind::Log(Log::Rows(Table::ThreatIntelIndicators)),
    ),
    (
        &["ThreatType", "ExternalIndicatorId"],
        Kind::Log(Log::Rows(Table::ThreatIntelligenceIndicator)),
    ),
    (
        &["InstanceName", "NonBlockingMode"],
        Kind::Log(Log::Rows(Table::FortyTwoCrunchApiProtection)),
    ),
    (
        &["Instance_Name_s", "URI_Path_s"],
        Kind::Log(Log::Rows(Table::ApiFirewallLog)),
    ),
];

/// The kind of a row that names its table in `Type`, or in `$table` as the portal's files do.
pub(super) fn by_type(record: &Fields<'_>, member: &str) -> Option<Kind> {
    let name = record.text(member)?;
    of_table(Table::from_name(&name)?)
}

/// The kind of a table's rows; `None` for tables that records can't name.
pub(crate) fn of_table(table: Table) -> Option<Kind> {
    match table {
        Table::ApiManagementGatewayLogs => Some(Kind::Gateway),
        Table::NtaNetAnalytics => Some(Kind::FlowRow),
        Table::AzureActivity => Some(Kind::Activity),
        _ => Log::of_table(table).map(Kind::Log),
    }
}

/// The kind of a row that names no table, by its columns.
pub(super) fn by_columns(record: &Fields<'_>) -> Option<Kind> {
    if !log::has_row_time(record) {
        return None;
    }
    let has = |name: &&str| record.get(name).is_some();
    let marked = || {
        let found = MARKS.iter().find(|(names, _)| names.iter().all(has));
        found.map(|(_, kind)| *kind)
    };
    by_type(record, "$table")
        .or_else(marked)
        .or_else(|| sign_in(record))
}

/// The tables of sign-ins have most columns in common.
fn sign_in(record: &Fields<'_>) -> Option<Kind> {
    let has = |name| record.get(name).is_some();
    if !has("ConditionalAccessStatus") && !has("UniqueTokenIdentifier") {
        return None;
    }
    let is_user = record
        .text("UserPrincipalName")
        .is_some_and(|name| !name.is_empty());
    let interactive = record.get("IsInteractive").unwrap_or_default();
    let log = match (is_user, interactive.trim_matches('"')) {
        (true, "false" | "False") => Log::NonInteractive,
        (true, _) => Log::SignIn,
        (false, _) if has("ServicePrincipalId") => Log::ServicePrincipal,
        (false, _) => return None,
    };
    Some(Kind::Log(log))
}

/// Whether it is a row of `AzureDiagnostics`, which has logs of every category.
pub(super) fn is_diagnostics(record: &Fields<'_>) -> bool {
    let names_type = record
        .text("ResourceType")
        .is_some_and(|text: Cow<'_, str>| !text.is_empty());
    names_type && log::has_row_time(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    #[track_caller]
    fn check(columns: &str, expected: Kind) {
        for time in ["TimeGenerated", "TimeGenerated [UTC]"] {
            let row = format!(r#"{{"{time}":"t",{columns}}}"#);
            let fields = Fields::parse(&row).unwrap();
            assert_eq!(kind::of(&fields), Some(expected), "{row}");
        }
        let record = format!("{{{columns}}}");
        let fields = Fields::parse(&record).unwrap();
        assert_eq!(by_columns(&fields), None, "{record}");
    }

    #[test]
    fn columns_tell_the_table() {
        check(r#""ApiId":"a","ResponseCode":1"#, Kind::Gateway);
        check(r#""OperationNameValue":"v""#, Kind::Activity);
        check(r#""PromptTokens":1"#, Kind::Log(Log::LanguageModel));
        check(r#""McpServerEndpoint":"e""#, Kind::Log(Log::Tool));
        check(
            r#""EventName":"e","Source":"s","Destination":"d""#,
            Kind::Log(Log::WebSocket),
        );
        check(r#""HashedUserId":"h""#, Kind::Log(Log::DeveloperPortal));
        check(r#""SrcIp":1,"DestIp":2,"FlowDirection":3"#, Kind::FlowRow);
        check(
            r#""ClientIp":"c","RuleSetType":"r""#,
            Kind::Log(Log::GatewayFirewall),
        );
        check(
            r#""ClientIp":"c","HttpStatus":1"#,
            Kind::Log(Log::GatewayAccess),
        );
        check(r#""IsRbacAuthorized":true"#, Kind::Log(Log::KeyVault));
        check(
            r#""Category":"Policy","AADOperationType":"Add""#,
            Kind::Log(Log::Audit),
        );
    }

    #[test]
    fn sign_ins_are_told_apart() {
        let user = r#""ConditionalAccessStatus":"success","UserPrincipalName":"u""#;
        check(user, Kind::Log(Log::SignIn));
        check(
            &format!(r#"{user},"IsInteractive":"False""#),
            Kind::Log(Log::NonInteractive),
        );
        check(
            r#""ProcessingTimeInMs":"1""#,
            Kind::Log(Log::NonInteractive),
        );
        check(
            r#""UniqueTokenIdentifier":"u","ServicePrincipalId":"s""#,
            Kind::Log(Log::ServicePrincipal),
        );
        check(
            r#""ManagedServiceIdentity":{},"ServicePrincipalId":"s""#,
            Kind::Log(Log::ManagedIdentity),
        );
    }

    #[test]
    fn diagnostics_keep_logs_of_other_tables() {
        let row = r#"{"TimeGenerated":"t","Category":"GatewayLogs","ResourceType":"SERVICE"}"#;
        let fields = Fields::parse(row).unwrap();
        assert_eq!(kind::of(&fields), Some(Kind::Log(Log::Diagnostics)));
    }

    #[test]
    fn files_of_the_portal_name_the_table_first() {
        check(
            r#""$table":"AADServicePrincipalSignInLogs""#,
            Kind::Log(Log::ServicePrincipal),
        );
    }
}
