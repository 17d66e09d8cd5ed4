//! Columns of tables that rules expect and that only rows fill: sent by name, or exported from Log Analytics.
//!
//! They are as Azure Log Analytics publishes them (those of `_CL` as their senders define them), and ours behind them.

use super::Column;
use super::ColumnType::{Bool, Datetime, Dynamic, Int, Long, Real, Text};

/// Columns by type. A column's DuckLake id is its place, from 1, so new ones go to the end, behind a type of their own.
macro_rules! columns {
    ($($kind:ident: $($name:ident)+;)+) => {
        &[$($(Column::new(stringify!($name), $kind),)+)+]
    };
}

/// Of `AADRiskyUsers`.
pub(super) const AAD_RISKY_USERS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: CorrelationId Id _IsBillable OperationName RiskDetail RiskLevel RiskState SourceSystem TenantId Type
        UserDisplayName UserPrincipalName _ResourceId _SubscriptionId;
    Real: _BilledSize;
    Bool: IsDeleted IsProcessing;
    Datetime: RiskLastUpdatedDateTime;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `AADUserRiskEvents`.
pub(super) const AAD_USER_RISK_EVENTS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: Activity CorrelationId DetectionTimingType Id IpAddress _IsBillable OperationName RequestId RiskDetail
        RiskEventType RiskLevel RiskState Source SourceSystem TenantId TokenIssuerType Type UserDisplayName UserId
        UserPrincipalName _ResourceId _SubscriptionId;
    Real: _BilledSize;
    Datetime: ActivityDateTime DetectedDateTime LastUpdatedDateTime;
    Dynamic: AdditionalInfo Location;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `AGWPerformanceLogs`.
pub(super) const AGW_PERFORMANCE_LOGS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: InstanceId _IsBillable OperationName _ResourceId SourceSystem _SubscriptionId TenantId Type;
    Int: FailedRequestCount HealthyHostCount Latency RequestCount Throughput UnHealthyHostCount;
    Real: _BilledSize;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `AZFWApplicationRule`.
pub(super) const AZFW_APPLICATION_RULE: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: Action ActionReason Fqdn _IsBillable Policy Protocol _ResourceId Rule RuleCollection RuleCollectionGroup
        SourceIp SourceSystem _SubscriptionId TargetUrl TenantId Type WebCategory;
    Int: DestinationPort SourcePort;
    Real: _BilledSize;
    Bool: IsExplicitProxyRequest IsTlsInspected;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `AZFWNetworkRule`.
pub(super) const AZFW_NETWORK_RULE: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: Action ActionReason DestinationIp _IsBillable Policy Protocol _ResourceId Rule RuleCollection
        RuleCollectionGroup SourceIp SourceSystem _SubscriptionId TenantId Type;
    Int: DestinationPort SourcePort;
    Real: _BilledSize;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `AZKVPolicyEvaluationDetailsLogs`.
pub(super) const AZKV_POLICY_EVALUATION_DETAILS_LOGS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: _IsBillable ObjectName ObjectType OperationName _ResourceId ResultDescription ResultSignature ResultType
        SourceSystem _SubscriptionId TenantId Type;
    Int: DurationMs;
    Real: _BilledSize;
    Bool: IsComplianceCheck;
    Dynamic: EvaluationDetails Properties;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `AppServiceHTTPLogs`.
pub(super) const APP_SERVICE_HTTP_LOGS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: CIp ComputerName Cookie CsHost CsMethod CsUriQuery CsUriStem CsUsername _IsBillable Referer _ResourceId
        Result ScSubStatus ScWin32Status SourceSystem SPort _SubscriptionId TenantId Type UserAgent;
    Int: CsBytes ScBytes ScStatus TimeTaken;
    Real: _BilledSize;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `BehaviorAnalytics`.
pub(super) const BEHAVIOR_ANALYTICS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: ActionType ActivityType ActorName ActorPrincipalName DestinationDevice DestinationIPAddress
        DestinationIPLocation Device EventProductVersion EventSource EventVendor _IsBillable NativeTableName
        _ResourceId SourceDevice SourceIPAddress SourceIPLocation SourceRecordId SourceSystem _SubscriptionId
        TargetName TargetPrincipalName TenantId Type UserName UserPrincipalName;
    Int: InvestigationPriority;
    Real: _BilledSize;
    Datetime: TimeProcessed;
    Dynamic: ActivityInsights DevicesInsights UsersInsights;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
    Text: _ItemId;
};

/// Of `IdentityInfo`.
pub(super) const IDENTITY_INFO: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: AccountCloudSID AccountDisplayName AccountDomain AccountName AccountObjectId AccountSID AccountTenantId
        AccountUPN Applications BlastRadius ChangeSource City CompanyName Country Department EmployeeId GivenName
        _IsBillable JobTitle MailAddress Manager OnPremisesDistinguishedName OnPremisesExtensionAttributes Phone
        RiskLevel RiskLevelDetails RiskState SAMAccountName SourceSystem State StreetAddress Surname Tags TenantId
        Type UACFlags UserState UserType _ResourceId _SubscriptionId;
    Int: InvestigationPriority InvestigationPriorityPercentile;
    Real: _BilledSize;
    Bool: IsAccountEnabled IsMFARegistered IsServiceAccount;
    Datetime: AccountCreationTime DeletedDateTime LastSeenDate UserStateChangedOn;
    Dynamic: AdditionalMailAddresses AssignedRoles EntityRiskScore ExtensionProperty GroupMembership RelatedAccounts
        ServicePrincipals UserAccountControl;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `NTAIpDetails`.
pub(super) const NTA_IP_DETAILS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: DnsDomain FaSchemaVersion FlowType Ip _IsBillable Location PublicIpDetails SourceSystem SubType TenantId
        ThreatDescription ThreatType Type Url _ResourceId _SubscriptionId;
    Int: Port;
    Real: _BilledSize;
    Datetime: FlowIntervalEndTime FlowIntervalStartTime;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `SecurityAlert`.
pub(super) const SECURITY_ALERT: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: AlertLink AlertName AlertSeverity AlertType CompromisedEntity ConfidenceLevel Description DisplayName
        Entities ExtendedLinks ExtendedProperties _IsBillable ProductComponentName ProductName ProviderName
        RemediationSteps ResourceId SourceComputerId Status SubTechniques SystemAlertId Tactics Techniques Type
        VendorName VendorOriginalId WorkspaceResourceGroup WorkspaceSubscriptionId TenantId SourceSystem _ResourceId
        _SubscriptionId;
    Real: _BilledSize ConfidenceScore;
    Bool: IsIncident;
    Datetime: EndTime ProcessingEndTime StartTime;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `SecurityIncident`.
pub(super) const SECURITY_INCIDENT: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: Classification ClassificationComment ClassificationReason Description IncidentName IncidentUrl _IsBillable
        ModifiedBy ProviderIncidentId ProviderName Severity SourceSystem Status TenantId Title Type _ResourceId
        _SubscriptionId;
    Int: IncidentNumber;
    Real: _BilledSize;
    Datetime: ClosedTime CreatedTime FirstActivityTime FirstModifiedTime LastActivityTime LastModifiedTime;
    Dynamic: AdditionalData AlertIds BookmarkIds Comments Labels Owner RelatedAnalyticRuleIds Tasks;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `StorageBlobLogs`.
pub(super) const STORAGE_BLOB_LOGS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: AccessTier AccountName AuthenticationHash AuthenticationType CallerIpAddress Category ClientRequestId
        ConditionsUsed CorrelationId DestinationUri Etag _IsBillable Location MetricResponseType ObjectKey
        OperationName OperationVersion Protocol ReferrerHeader RehydratePriority RequesterAppId RequesterAudience
        RequesterObjectId RequesterTenantId RequesterTokenIssuer RequesterUpn RequestMd5 _ResourceId ResponseMd5
        SasExpiryStatus SchemaVersion ServiceType SourceAccessTier SourceSystem SourceUri StatusCode StatusText
        _SubscriptionId TenantId TlsVersion Type Uri UserAgentHeader;
    Int: OperationCount;
    Long: ContentLengthHeader RequestBodySize RequestHeaderSize ResponseBodySize ResponseHeaderSize;
    Real: _BilledSize DurationMs ServerLatencyMs;
    Datetime: LastModifiedTime;
    Dynamic: AuthorizationDetails;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `ThreatIntelIndicators`.
pub(super) const THREAT_INTEL_INDICATORS: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: AzureTenantId Id _IsBillable LastUpdateMethod ObservableKey ObservableValue Pattern _ResourceId
        SourceSystem _SubscriptionId Tags TenantId Type WorkspaceId;
    Int: Confidence;
    Real: _BilledSize;
    Bool: IsActive IsDeleted Revoked;
    Datetime: Created Modified ValidFrom ValidUntil;
    Dynamic: Data;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `ThreatIntelligenceIndicator`.
pub(super) const THREAT_INTELLIGENCE_INDICATOR: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: Action ActivityGroupNames AdditionalInformation Description DiamondModel DomainName EmailEncoding
        EmailLanguage EmailRecipient EmailSenderAddress EmailSenderName EmailSourceDomain EmailSourceIpAddress
        EmailSubject EmailXMailer ExternalIndicatorId FileHashType FileHashValue FileMutexName FileName FilePacker
        FilePath FileType IndicatorId IndicatorProvider _IsBillable KnownFalsePositives MalwareNames
        NetworkCidrBlock NetworkDestinationCidrBlock NetworkDestinationIP NetworkIP NetworkSourceCidrBlock
        NetworkSourceIP SourceSystem Tags TenantId ThreatType TrafficLightProtocolLevel Type Url UserAgent
        _ResourceId _SubscriptionId;
    Int: FileSize NetworkDestinationAsn NetworkDestinationPort NetworkPort NetworkProtocol NetworkSourceAsn
        NetworkSourcePort ThreatSeverity;
    Real: _BilledSize ConfidenceScore;
    Bool: Active KillChainActions KillChainC2 KillChainDelivery KillChainExploitation KillChainReconnaissance
        KillChainWeaponization PassiveOnly;
    Datetime: ExpirationDateTime FileCompileDateTime FileCreatedDateTime;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `FortyTwoCrunchAPIProtectionV2_CL`.
pub(super) const FORTY_TWO_CRUNCH_API_PROTECTION: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: ApiId ErrorMessage Errors EventType Hostname InstanceName Query RequestHeader ResponseHeader SourceIp
        UriPath Uuid TenantId Type SourceSystem _ResourceId _SubscriptionId;
    Int: DestinationPort SourcePort Status;
    Bool: NonBlockingMode;
    Datetime: Timestamp;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};

/// Of `apifirewall_log_1_CL`.
pub(super) const API_FIREWALL_LOG: &[Column] = columns! {
    Datetime: TimeGenerated;
    Text: Computer RawData UUID_g Instance_Name_s API_ID_g API_Name_s Source_IP_s Destination_IP_s Protocol_s
        Hostname_s URI_Path_s Method_s Query_s Request_Header_s Response_Header_s Errors_s Error_Message_s
        Error_Step_s TenantId Type SourceSystem _ResourceId _SubscriptionId;
    Real: LogType_d Source_Port_d Destination_Port_d Status_d;
    Bool: Non_blocking_mode_b;
    Datetime: Timestamp_t;
    Datetime: _TimeReceived;
    Dynamic: AdditionalFields;
};
