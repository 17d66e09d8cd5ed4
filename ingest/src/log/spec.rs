//! What tells the kinds of resource logs from each other, and where their members go.
//!
//! Members that are spelled like a column, in any casing, need no word here.

use std::borrow::Cow;

use store::Table;

use super::bare::{Bare, Operation};

/// A kind of resource log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Log {
    /// Any that is of no other kind.
    Diagnostics,
    /// Interactive sign-ins of users to Entra ID.
    SignIn,
    /// Sign-ins that clients did for their users.
    NonInteractive,
    /// Sign-ins of service principals.
    ServicePrincipal,
    /// Sign-ins of managed identities.
    ManagedIdentity,
    /// Changes in Entra ID.
    Audit,
    /// Audit log of a key vault or managed HSM.
    KeyVault,
    /// Access log of an Application Gateway, version 1 or 2.
    GatewayAccess,
    /// Firewall log of an Application Gateway, version 1 or 2.
    GatewayFirewall,
    /// Calls of language models through API Management.
    LanguageModel,
    /// Calls of tools through API Management.
    Tool,
    /// WebSocket connections through API Management.
    WebSocket,
    /// Requests to API Management's developer portal.
    DeveloperPortal,
    /// Log records of OpenTelemetry, of no other kind.
    OpenTelemetry,
    /// Rows of a table that no record is told to be of by itself.
    Rows(Table),
}

/// How the logs of a kind become rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// Where they go.
    pub(super) table: Table,
    /// Their category, which the table tells; empty where there are many.
    pub(super) category: &'static str,
    /// The provider of the resources that write them.
    pub(super) provider: &'static str,
    /// Members of the record, and the column that each fills.
    pub(super) record: &'static [(&'static str, &'static str)],
    /// Members of `properties`, and the column that each fills.
    pub(super) properties: &'static [(&'static str, &'static str)],
    /// Members of `details` in `properties`, and the column that each fills.
    pub(super) details: &'static [(&'static str, &'static str)],
    /// How their events are told that come without a record around.
    pub(super) bare: Option<Bare>,
    /// Member of `properties` that is seconds, but milliseconds where the instance is of version 1,
    /// and the column that it fills.
    pub(super) duration: Option<(&'static str, &'static str)>,
    /// Whether `properties` stays in one piece.
    pub(super) keeps_properties: bool,
    /// Whether the parts of a resource id are in upper case, as Log Analytics has them there.
    pub(super) is_upper: bool,
}

impl Spec {
    /// The part of a resource id as the table has it.
    pub(super) fn cased<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.is_upper {
            Cow::Owned(text.to_ascii_uppercase())
        } else {
            text
        }
    }
}

impl Log {
    /// Every kind that records are told to be of.
    const ALL: [Self; 14] = [
        Self::Diagnostics,
        Self::SignIn,
        Self::NonInteractive,
        Self::ServicePrincipal,
        Self::ManagedIdentity,
        Self::Audit,
        Self::KeyVault,
        Self::GatewayAccess,
        Self::GatewayFirewall,
        Self::LanguageModel,
        Self::Tool,
        Self::WebSocket,
        Self::DeveloperPortal,
        Self::OpenTelemetry,
    ];

    /// The kind whose rows are in `table`; `None` for what is no log.
    pub(crate) fn of_table(table: Table) -> Option<Self> {
        let described = Self::ALL.into_iter().find(|log| log.spec().table == table);
        let is_log = table != Table::Quarantine;
        described.or_else(|| is_log.then_some(Self::Rows(table)))
    }

    /// The kind whose records have that category and belong to that resource. Other services have
    /// some of the categories too.
    pub(crate) fn of_category(category: &str, resource: &str) -> Option<Self> {
        let is_own = |spec: Spec| {
            let is_category = spec.category.eq_ignore_ascii_case(category);
            // Entra's are also sent with the id of what was signed in to, which no other service does.
            let is_elsewhere = || spec.provider != ENTRA || has_part(resource, "providers");
            let is_others = !has_part(resource, spec.provider) && is_elsewhere();
            is_category && (resource.is_empty() || !is_others)
        };
        let known = |log: &Self| !category.is_empty() && is_own(log.spec());
        Self::ALL.into_iter().find(known)
    }

    pub(super) fn spec(self) -> Spec {
        match self {
            Self::Diagnostics => DIAGNOSTICS,
            Self::SignIn => SIGN_IN,
            Self::NonInteractive => NON_INTERACTIVE,
            Self::ServicePrincipal => SERVICE_PRINCIPAL,
            Self::ManagedIdentity => MANAGED_IDENTITY,
            Self::Audit => AUDIT,
            Self::KeyVault => KEY_VAULT,
            Self::GatewayAccess => GATEWAY_ACCESS,
            Self::GatewayFirewall => GATEWAY_FIREWALL,
            Self::LanguageModel => LANGUAGE_MODEL,
            Self::Tool => TOOL,
            Self::WebSocket => WEB_SOCKET,
            Self::DeveloperPortal => DEVELOPER_PORTAL,
            Self::OpenTelemetry => OPEN_TELEMETRY,
            Self::Rows(table) => Spec {
                table,
                category: "",
                properties: &[],
                ..KEY_VAULT
            },
        }
    }
}

const DIAGNOSTICS: Spec = Spec {
    table: Table::AzureDiagnostics,
    category: "",
    provider: "",
    record: &[],
    properties: &[],
    details: &[],
    bare: None,
    duration: None,
    keeps_properties: true,
    is_upper: true,
};

const OPEN_TELEMETRY: Spec = Spec {
    table: Table::OTelLogs,
    is_upper: false,
    ..DIAGNOSTICS
};

const ENTRA: &str = "microsoft.aadiam";

/// The tenant of the directory; `TenantId` is the workspace's.
const TENANT: (&str, &str) = ("tenantId", "AADTenantId");

const SIGN_IN_RECORD: &[(&str, &str)] = &[TENANT, ("callerIpAddress", "IPAddress")];

const SIGN_IN_PROPERTIES: &[(&str, &str)] = &[
    ("location", "LocationDetails"),
    // What was signed in to, by its GUID; the record's own resource is the directory.
    ("resourceId", "ResourceIdentity"),
    (
        "appliedConditionalAccessPolicies",
        "ConditionalAccessPolicies",
    ),
];

const SIGN_IN: Spec = Spec {
    table: Table::SigninLogs,
    category: "SignInLogs",
    provider: ENTRA,
    record: SIGN_IN_RECORD,
    properties: SIGN_IN_PROPERTIES,
    details: &[],
    bare: Some(Bare {
        time: "createdDateTime",
        operation: Operation::Always("Sign-in activity"),
    }),
    duration: None,
    keeps_properties: false,
    is_upper: false,
};

const NON_INTERACTIVE: Spec = Spec {
    table: Table::AadNonInteractiveUserSignInLogs,
    category: "NonInteractiveUserSignInLogs",
    properties: &[
        ("location", "LocationDetails"),
        ("resourceId", "ResourceIdentity"),
        (
            "appliedConditionalAccessPolicies",
            "ConditionalAccessPolicies",
        ),
        ("processingTimeInMilliseconds", "ProcessingTimeInMs"),
    ],
    ..SIGN_IN
};

const SERVICE_PRINCIPAL: Spec = Spec {
    table: Table::AadServicePrincipalSignInLogs,
    category: "ServicePrincipalSignInLogs",
    ..SIGN_IN
};

const MANAGED_IDENTITY: Spec = Spec {
    table: Table::AadManagedIdentitySignInLogs,
    category: "ManagedIdentitySignInLogs",
    ..SIGN_IN
};

const AUDIT: Spec = Spec {
    table: Table::AuditLogs,
    category: "AuditLogs",
    record: &[TENANT],
    bare: Some(Bare {
        time: "activityDateTime",
        operation: Operation::Member("activityDisplayName"),
    }),
    properties: &[
        ("operationType", "AADOperationType"),
        // That of the change; the record's own only tells the table.
        ("category", "Category"),
    ],
    ..SIGN_IN
};

const KEY_VAULT: Spec = Spec {
    table: Table::AzkvAuditLogs,
    category: "AuditEvent",
    provider: "microsoft.keyvault",
    record: &[],
    properties: &[("addrAuthType", "AddressAuthorizationType")],
    details: &[],
    bare: None,
    duration: None,
    keeps_properties: false,
    is_upper: false,
};

const GATEWAY_ACCESS: Spec = Spec {
    table: Table::AgwAccessLogs,
    category: "ApplicationGatewayAccessLog",
    provider: "microsoft.network",
    properties: &[],
    duration: Some(("timeTaken", "TimeTaken")),
    ..KEY_VAULT
};

const GATEWAY_FIREWALL: Spec = Spec {
    table: Table::AgwFirewallLogs,
    category: "ApplicationGatewayFirewallLog",
    properties: &[],
    details: &[
        ("message", "DetailedMessage"),
        ("data", "DetailedData"),
        ("file", "FileDetails"),
        ("line", "LineDetails"),
    ],
    duration: None,
    ..GATEWAY_ACCESS
};

const LANGUAGE_MODEL: Spec = Spec {
    table: Table::ApiManagementGatewayLlmLog,
    category: "GatewayLlmLogs",
    provider: "microsoft.apimanagement",
    record: &[("location", "Region")],
    properties: &[],
    ..KEY_VAULT
};

const TOOL: Spec = Spec {
    table: Table::ApiManagementGatewayMcpLog,
    category: "GatewayMCPLogs",
    ..LANGUAGE_MODEL
};

const WEB_SOCKET: Spec = Spec {
    table: Table::ApiManagementWebSocketConnectionLogs,
    category: "WebSocketConnectionLogs",
    ..LANGUAGE_MODEL
};

const DEVELOPER_PORTAL: Spec = Spec {
    table: Table::ApimDevPortalAuditDiagnosticLog,
    category: "DeveloperPortalAuditLogs",
    ..LANGUAGE_MODEL
};

/// Whether one of a resource id's parts is `part`, which is in lower case.
fn has_part(id: &str, part: &str) -> bool {
    id.split('/').any(|known| known.eq_ignore_ascii_case(part))
}
