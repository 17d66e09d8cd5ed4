//! Which table a record belongs to, found from the record alone.
//!
//! Hub and container names are not looked at: their owner may choose them freely.

mod rows;

pub(crate) use self::rows::of_table;

use std::borrow::Cow;

use crate::json::{self, Fields};
use crate::log::{self, Log};

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// API Management gateway log, as Azure Monitor or Log Analytics writes it.
    Gateway,
    /// NSG flow log, version 1 or 2.
    Nsg,
    /// VNet flow log, version 4.
    Vnet,
    /// Activity log, of whatever shape.
    Activity,
    /// A row of `NTANetAnalytics`, exported from Log Analytics.
    FlowRow,
    /// Resource log whose table is described rather than programmed.
    Log(Log),
    /// Log of another gateway, by its place among the mappings.
    Mapped(usize),
}

/// Categories that only the Activity log has; the first three are of log profiles.
const ACTIVITY_CATEGORIES: [&str; 11] = [
    "Write",
    "Delete",
    "Action",
    "Administrative",
    "Security",
    "ServiceHealth",
    "Alert",
    "Recommendation",
    "Policy",
    "Autoscale",
    "ResourceHealth",
];

/// What `_Quarantine.Reason` says of a record that is of no kind.
pub(crate) const UNKNOWN: &str = "unknown kind of record: it has no resource id, no category with an operation or properties, and no mapping takes it";

/// Tells the kind; a record of which next to nothing is known is of none.
#[cfg(test)]
pub(crate) fn of(record: &Fields<'_>) -> Option<Kind> {
    own(record).or_else(|| rest(record))
}

/// The kind of a record that has nothing but what all logs have.
pub(crate) fn rest(record: &Fields<'_>) -> Option<Kind> {
    is_log(record).then_some(Kind::Log(Log::Diagnostics))
}

/// The kind of a row that names its table.
pub(crate) fn named(record: &Fields<'_>) -> Option<Kind> {
    rows::by_type(record, "Type")
}

/// Whether an object amid broken text is a record, and no part of one: parts may have a time or a
/// category as well.
pub(crate) fn is_certain(object: &Fields<'_>) -> bool {
    let is_whole = ["time", "category", "resourceId"]
        .iter()
        .all(|name| object.text(name).is_some());
    is_whole || own(object).is_some()
}

/// The kind of a record that has more to tell it by than what all logs have.
pub(crate) fn own(record: &Fields<'_>) -> Option<Kind> {
    if record.get("flowRecords").is_some() {
        return Some(Kind::Vnet);
    }
    let category = record.text("category").unwrap_or_default();
    let operation = record.text("operationName").unwrap_or_default();
    // Rows keep the category of the record that they were, so what names its table goes first.
    rows::by_type(record, "Type")
        .or_else(|| by_category(record, &category))
        .or_else(|| by_operation(&operation))
        .or_else(|| by_log(record, &category, &operation))
        .or_else(|| rows::by_columns(record))
        .or_else(|| by_change(record))
        .or_else(|| by_sign_in(record))
        .or_else(|| by_activity(record, &category))
        .or_else(|| by_properties(record, &category))
}

/// Whether a record has what tells a resource log of Azure, or a row of Log Analytics, from any other log. A time or
/// an operation has every log: one that no mapping knows yet is better kept as it came.
fn is_log(record: &Fields<'_>) -> bool {
    let has = |name| !matches!(record.get(name).unwrap_or("null"), "null" | "\"\"");
    let says = |name| record.text(name).is_some_and(|text| !text.is_empty());
    let is_id = |text: Cow<'_, str>| text.contains('/');
    let mut ids = ["resourceId", "_ResourceId"].iter();
    let is_row =
        || ["Type", "$table", "ResourceType"].into_iter().any(says) && log::has_row_time(record);
    ids.any(|name| record.text(name).is_some_and(is_id))
        || (says("category") && (has("operationName") || has("properties")))
        || (says("type") && has("operationName"))
        || is_row()
}

fn by_category(record: &Fields<'_>, category: &str) -> Option<Kind> {
    let is = |known: &str| category.eq_ignore_ascii_case(known);
    match () {
        () if is("GatewayLogs") && rows::is_diagnostics(record) => {
            Some(Kind::Log(Log::Diagnostics))
        }
        () if is("GatewayLogs") => Some(Kind::Gateway),
        () if is("NetworkSecurityGroupFlowEvent") => Some(Kind::Nsg),
        () if is("FlowLogFlowEvent") => Some(Kind::Vnet),
        () => None,
    }
}

fn by_operation(operation: &str) -> Option<Kind> {
    let is = |known: &str| operation.eq_ignore_ascii_case(known);
    match () {
        () if is("Microsoft.ApiManagement/GatewayLogs") => Some(Kind::Gateway),
        () if is("NetworkSecurityGroupFlowEvents") => Some(Kind::Nsg),
        () if is("ApplicationGatewayAccess") => Some(Kind::Log(Log::GatewayAccess)),
        () if is("ApplicationGatewayFirewall") => Some(Kind::Log(Log::GatewayFirewall)),
        () => None,
    }
}

/// A service may have its category in `type`, or only in the operation's last part.
fn by_log(record: &Fields<'_>, category: &str, operation: &str) -> Option<Kind> {
    let resource = record
        .text("resourceId")
        .or_else(|| record.text("_ResourceId"))
        .unwrap_or_default();
    let own = |category: &str| Log::of_category(category, &resource).map(Kind::Log);
    if category.is_empty() {
        let named = record.text("type").unwrap_or_default();
        let (_, last) = operation.rsplit_once('/').unwrap_or_default();
        return by_category(record, &named)
            .or_else(|| own(&named))
            .or_else(|| own(last));
    }
    own(category).map(|kind| {
        if rows::is_diagnostics(record) {
            Kind::Log(Log::Diagnostics)
        } else {
            kind
        }
    })
}

fn by_activity(record: &Fields<'_>, category: &str) -> Option<Kind> {
    let has = |name| record.get(name).is_some();
    let is_object = |name| record.get(name).is_some_and(|value| value.starts_with('{'));
    let resource = record
        .text("resourceId")
        .unwrap_or_default()
        .to_ascii_lowercase();
    // Entra's logs have no category of these, but its newer ones may.
    let elsewhere = resource.contains("/microsoft.aadiam");
    let known = ACTIVITY_CATEGORIES
        .iter()
        .any(|name| name.eq_ignore_ascii_case(category));
    let identity = record.get("identity").and_then(json::object);
    let identity = identity.as_deref().and_then(Fields::parse);
    let by_identity = identity.is_some_and(|identity| {
        identity.get("authorization").is_some() || identity.get("claims").is_some()
    });
    let by_event = (has("eventTimestamp") || has("event_timestamp"))
        && (is_object("operationName")
            || is_object("operation_name")
            || has("authorization")
            || has("eventDataId")
            || has("event_data_id"));
    let is_activity =
        (known && !elsewhere && is_operation(record, category)) || by_identity || by_event;
    is_activity.then_some(Kind::Activity)
}

/// Whether a record has more of an activity than the category, whose words other services use too; but for those that
/// nobody else uses a time is enough.
fn is_operation(record: &Fields<'_>, category: &str) -> bool {
    let own = [
        "Administrative",
        "Autoscale",
        "ResourceHealth",
        "ServiceHealth",
    ];
    let is_own = own.iter().any(|name| name.eq_ignore_ascii_case(category));
    let marks = [
        "ActivityStatus",
        "authorization",
        "caller",
        "claims",
        "eventDataId",
    ];
    let is_path = |operation: Cow<'_, str>| operation.contains('/') && !operation.contains(' ');
    record.text("operationName").is_some_and(is_path)
        || marks.iter().any(|name| record.get(name).is_some())
        || (is_own && (record.get("time").is_some() || log::has_row_time(record)))
}

/// A change in Entra ID as Microsoft Graph writes it.
fn by_change(record: &Fields<'_>) -> Option<Kind> {
    let has = |name| record.get(name).is_some();
    let is_change = has("initiatedBy")
        && (has("targetResources") || (has("activityDateTime") && has("activityDisplayName")));
    is_change.then_some(Kind::Log(Log::Audit))
}

/// A sign-in to Entra ID as Microsoft Graph writes it. The kinds of it are lists in the newer version; the older one
/// has interactive ones alone.
fn by_sign_in(record: &Fields<'_>) -> Option<Kind> {
    let has = |name| record.get(name).is_some();
    let is_bare = has("createdDateTime") && !has("properties") && !log::has_row_time(record);
    if !is_bare || !has("appId") || !(has("signInEventTypes") || has("conditionalAccessStatus")) {
        return None;
    }
    let types = record.get("signInEventTypes").unwrap_or_default();
    let is_alone = record.get("isInteractive") == Some("false");
    Some(Kind::Log(match () {
        () if types.contains("managedIdentity") => Log::ManagedIdentity,
        () if types.contains("servicePrincipal") => Log::ServicePrincipal,
        () if types.contains("nonInteractiveUser") || is_alone => Log::NonInteractive,
        () => Log::SignIn,
    }))
}

/// By the members of `properties`; gateway logs of 2017 have nothing else to tell them by.
fn by_properties(record: &Fields<'_>, category: &str) -> Option<Kind> {
    let text: Cow<'_, str> = json::object(record.get("properties")?)?;
    let properties = Fields::parse(&text)?;
    let has = |name| properties.get(name).is_some();
    let is_array = |name| {
        properties
            .get(name)
            .is_some_and(|value| value.starts_with('['))
    };
    if is_array("flows") {
        return Some(Kind::Nsg);
    }
    // Copies of audit logs have the category of the change at the top.
    if has("initiatedBy") && has("targetResources") {
        return Some(Kind::Log(Log::Audit));
    }
    let is_gateway = has("apimSubscriptionId")
        || (has("apiId") && has("method"))
        || (has("method") && has("url") && has("responseCode"));
    (category.is_empty() && is_gateway).then_some(Kind::Gateway)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record: &str, expected: Option<Kind>) {
        assert_eq!(of(&Fields::parse(record).unwrap()), expected, "{record}");
    }

    #[test]
    fn gateway_logs() {
        check(r#"{"category":"gatewaylogs"}"#, Some(Kind::Gateway));
        check(
            r#"{"operationName":"Microsoft.ApiManagement/GatewayLogs"}"#,
            Some(Kind::Gateway),
        );
        check(
            r#"{"properties":{"method":"GET","url":"u","responseCode":200}}"#,
            Some(Kind::Gateway),
        );
        check(
            r#"{"Properties":"{\"ApiId\":\"a\",\"Method\":\"GET\"}"}"#,
            Some(Kind::Gateway),
        );
        check(
            r#"{"Type":"ApiManagementGatewayLogs"}"#,
            Some(Kind::Gateway),
        );
        check(r#"{"type":"GatewayLogs"}"#, Some(Kind::Gateway));
        check(
            r#"{"category":"OtherLogs","properties":{"apiId":1,"method":2}}"#,
            Some(Kind::Log(Log::Diagnostics)),
        );
    }

    #[test]
    fn other_logs_of_api_management() {
        check(
            r#"{"category":"GatewayLlmLogs","properties":{"apiId":1,"method":2}}"#,
            Some(Kind::Log(Log::LanguageModel)),
        );
        check(
            r#"{"category":"GatewayMCPLogs"}"#,
            Some(Kind::Log(Log::Tool)),
        );
        check(
            r#"{"operationName":"Microsoft.ApiManagement/WebSocketConnectionLogs"}"#,
            Some(Kind::Log(Log::WebSocket)),
        );
        check(
            r#"{"category":"DeveloperPortalAuditLogs","resourceId":"/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/A"}"#,
            Some(Kind::Log(Log::DeveloperPortal)),
        );
        check(
            r#"{"category":"DeveloperPortalAuditLogs","resourceId":"/subscriptions/s/providers/Microsoft.Other/a/b"}"#,
            Some(Kind::Log(Log::Diagnostics)),
        );
    }

    #[test]
    fn flow_logs() {
        check(r#"{"flowRecords":{}}"#, Some(Kind::Vnet));
        check(
            r#"{"category":"NetworkSecurityGroupFlowEvent"}"#,
            Some(Kind::Nsg),
        );
        check(r#"{"properties":{"flows":[]}}"#, Some(Kind::Nsg));
    }

    #[test]
    fn activity_logs() {
        check(
            r#"{"category":"Administrative","operationName":"MICROSOFT.WEB/SITES/WRITE"}"#,
            Some(Kind::Activity),
        );
        check(
            r#"{"category":"Administrative","time":"t"}"#,
            Some(Kind::Activity),
        );
        check(r#"{"category":"Security","time":"t"}"#, None);
        check(
            r#"{"category":"Security","Caller":"c","resourceId":"/subscriptions/s"}"#,
            Some(Kind::Activity),
        );
        check(
            r#"{"category":"Security","resourceId":"/subscriptions/s/providers/Microsoft.X/Y/Z","properties":{"a":1}}"#,
            Some(Kind::Log(Log::Diagnostics)),
        );
        check(
            r#"{"category":"Other","identity":{"claims":{}}}"#,
            Some(Kind::Activity),
        );
        check(
            r#"{"eventTimestamp":"t","operationName":{"value":"v"}}"#,
            Some(Kind::Activity),
        );
        check(
            r#"{"event_timestamp":"t","operation_name":{"value":"v"}}"#,
            Some(Kind::Activity),
        );
        check(
            r#"{"EventTimestamp":"t","EventDataId":"e","OperationName":"Update site"}"#,
            Some(Kind::Activity),
        );
        check(
            r#"{"category":"Other","identity":"{\"claims\":{}}"}"#,
            Some(Kind::Activity),
        );
        check(
            r#"{"category":"Other","operationName":"Do","identity":{"claim":{}}}"#,
            Some(Kind::Log(Log::Diagnostics)),
        );
    }

    #[test]
    fn entra_logs() {
        check(
            r#"{"category":"signinlogs","resourceId":"/tenants/t/providers/MICROSOFT.AADIAM"}"#,
            Some(Kind::Log(Log::SignIn)),
        );
        check(
            r#"{"category":"NonInteractiveUserSignInLogs"}"#,
            Some(Kind::Log(Log::NonInteractive)),
        );
        check(
            r#"{"category":"ServicePrincipalSignInLogs"}"#,
            Some(Kind::Log(Log::ServicePrincipal)),
        );
        check(
            r#"{"category":"ManagedIdentitySignInLogs"}"#,
            Some(Kind::Log(Log::ManagedIdentity)),
        );
        check(
            r#"{"category":"AuditLogs","resourceId":"/tenants/t/providers/Microsoft.aadiam"}"#,
            Some(Kind::Log(Log::Audit)),
        );
        check(
            r#"{"category":"AuditLogs","resourceId":"/subscriptions/s/providers/Microsoft.Other/a/b"}"#,
            Some(Kind::Log(Log::Diagnostics)),
        );
        check(
            r#"{"category":"Role","properties":{"initiatedBy":{},"targetResources":[]}}"#,
            Some(Kind::Log(Log::Audit)),
        );
        for policy in [
            r#"{"category":"Policy","activityDisplayName":"Update policy","activityDateTime":"t","initiatedBy":{}}"#,
            r#"{"category":"Policy","operationName":"Update policy","initiatedBy":{},"targetResources":[]}"#,
            r#"{"category":"Policy","operationName":"Update policy","properties":{"initiatedBy":{},"targetResources":[]}}"#,
        ] {
            check(policy, Some(Kind::Log(Log::Audit)));
        }
        check(
            r#"{"Type":"AADManagedIdentitySignInLogs"}"#,
            Some(Kind::Log(Log::ManagedIdentity)),
        );
    }

    #[test]
    fn logs_of_vaults_and_application_gateways() {
        check(
            r#"{"category":"AuditEvent","resourceId":"/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/V"}"#,
            Some(Kind::Log(Log::KeyVault)),
        );
        check(
            r#"{"category":"AuditEvent","resourceId":"/subscriptions/s/providers/Microsoft.Other/a/b"}"#,
            Some(Kind::Log(Log::Diagnostics)),
        );
        check(
            r#"{"category":"ApplicationGatewayAccessLog"}"#,
            Some(Kind::Log(Log::GatewayAccess)),
        );
        check(
            r#"{"operationName":"ApplicationGatewayFirewall"}"#,
            Some(Kind::Log(Log::GatewayFirewall)),
        );
    }

    #[test]
    fn what_has_a_resource_or_a_category_is_a_log() {
        for record in [
            r#"{"category":"Other","operationName":"Do"}"#,
            r#"{"Category":"Other","properties":{}}"#,
            r#"{"type":"Other","operationName":"Do"}"#,
            r#"{"resourceId":"/a"}"#,
            r#"{"_ResourceId":"/a","time":"t"}"#,
            r#"{"Type":"AzureDiagnostics","Category":"GatewayLogs"}"#,
            r#"{"Type":"Others_CL","TimeGenerated [UTC]":"t"}"#,
            r#"{"$table":"Others_CL","TimeGenerated":"t"}"#,
            r#"{"ResourceType":"SITES","TimeGenerated":"t"}"#,
        ] {
            check(record, Some(Kind::Log(Log::Diagnostics)));
        }
    }

    #[test]
    fn the_rest_is_unknown() {
        check("{}", None);
        check(r#"{"message":"m","level":1}"#, None);
        check(r#"{"category":"","operationName":null}"#, None);
        check(r#"{"category":"Other"}"#, None);
        check(r#"{"Type":"_Quarantine"}"#, None);
        check(r#"{"TimeGenerated":"t","message":"m"}"#, None);
        for other in [
            r#"{"time":"t","msg":"m","level":"info","path":"/x","status":401}"#,
            r#"{"timestamp":1440442987000,"id":"1","message":"plain text"}"#,
            r#"{"EventTime":"t","ServiceName":"s","RequestId":"r","RequestIp":"i","OperationName":"GetSpeakers"}"#,
            r#"{"time":"t","operationName":"FlowLogFlowEvent","macAddress":"m","aclID":"a","flow.0":"1,2"}"#,
            r#"{"type":"track","event":"e","timestamp":"t","properties":{}}"#,
        ] {
            check(other, None);
        }
    }
}
