use super::*;

const SIGN_IN: &str = r#"{"time":"2026-03-04T05:06:07.5Z","category":"SignInLogs",
    "resourceId":"/tenants/T1/providers/Microsoft.aadiam","tenantId":"t1","Level":4,
    "operationName":"Sign-in activity","resultType":"50126","durationMs":"3","identity":"Ada L",
    "callerIpAddress":"192.0.2.7","correlationId":"c1","location":"NZ","properties":{
        "id":"i1","createdDateTime":"2026-03-04T06:06:07+01:00","userPrincipalName":"ada@example.org",
        "ipAddress":"192.0.2.7","correlationId":"c1","isInteractive":true,"resourceId":"r1",
        "location":{"city":"Nelson"},"status":{"errorCode":50126},"deviceDetail":{"browser":"b"},
        "appliedConditionalAccessPolicies":[{"id":"p1"}],"processingTimeInMilliseconds":41,
        "riskEventTypes_v2":[],"autonomousSystemNumber":64500,"madeUp":{"x":1}}}"#;

fn sign_in_of(category: &str) -> String {
    SIGN_IN.replace("SignInLogs", category)
}

#[test]
fn interactive_sign_ins() {
    check(
        SIGN_IN,
        json!([{
            "TimeGenerated": "2026-03-04T05:06:07.500Z",
            "AADTenantId": "t1",
            "Category": "SignInLogs",
            "OperationName": "Sign-in activity",
            "ResultType": "50126",
            "DurationMs": 3,
            "Identity": "Ada L",
            "Level": "4",
            "IPAddress": "192.0.2.7",
            "CorrelationId": "c1",
            "Location": "NZ",
            "LocationDetails": "{\"city\":\"Nelson\"}",
            "Id": "i1",
            "CreatedDateTime": "2026-03-04T05:06:07Z",
            "UserPrincipalName": "ada@example.org",
            "IsInteractive": true,
            "ResourceIdentity": "r1",
            "ResourceId": "/tenants/T1/providers/Microsoft.aadiam",
            "_ResourceId": "/tenants/t1/providers/microsoft.aadiam",
            "Resource": "Microsoft.aadiam",
            "ResourceGroup": "Microsoft.aadiam",
            "ResourceProvider": "Microsoft.aadiam",
            "Status": "{\"errorCode\":50126}",
            "DeviceDetail": "{\"browser\":\"b\"}",
            "ConditionalAccessPolicies": "[{\"id\":\"p1\"}]",
            "ProcessingTimeInMilliseconds": "41",
            "RiskEventTypes_V2": "[]",
            "AutonomousSystemNumber": "64500",
            "AdditionalFields": {"properties": {"madeUp": {"x": 1}}},
        }]),
    );
}

#[test]
fn other_sign_ins() {
    check_some(
        &sign_in_of("NonInteractiveUserSignInLogs"),
        json!({
            "Category": "NonInteractiveUserSignInLogs",
            "ProcessingTimeInMs": "41",
            "LocationDetails": "{\"city\":\"Nelson\"}",
            "_ResourceId": "/tenants/t1/providers/microsoft.aadiam",
        }),
    );
    for category in ["ServicePrincipalSignInLogs", "ManagedIdentitySignInLogs"] {
        check_some(
            &sign_in_of(category),
            json!({
                "Category": category,
                "IPAddress": "192.0.2.7",
                "ResourceIdentity": "r1",
                "ConditionalAccessPolicies": "[{\"id\":\"p1\"}]",
            }),
        );
    }
}

#[test]
fn addresses_that_differ_are_both_kept() {
    check_some(
        r#"{"category":"SignInLogs","callerIpAddress":"192.0.2.7","properties":{"ipAddress":"192.0.2.8"}}"#,
        json!({
            "IPAddress": "192.0.2.7",
            "AdditionalFields": {"properties": {"ipAddress": "192.0.2.8"}},
        }),
    );
}

#[test]
fn properties_may_be_a_string() {
    check_some(
        r#"{"category":"SignInLogs","properties":"{\"userId\":\"u1\",\"isInteractive\":\"false\"}"}"#,
        json!({"UserId": "u1", "IsInteractive": false, "AdditionalFields": null}),
    );
    check_some(
        r#"{"category":"SignInLogs","properties":"gone"}"#,
        json!({"AdditionalFields": {"properties": "gone"}}),
    );
}

#[test]
fn audit_logs() {
    check(
        r#"{"time":"2026-03-04T05:06:07Z","category":"AuditLogs","tenantId":"t1","level":"Informational",
            "resourceId":"/tenants/t1/providers/Microsoft.aadiam","operationName":"Add group",
            "properties":{"category":"GroupManagement","operationType":"Add","result":"success",
                "resultReason":"","activityDateTime":"2026-03-04T05:06:06Z","activityDisplayName":"Add group",
                "initiatedBy":{"user":{"id":"u1"}},"targetResources":[{"id":"g1"}],
                "additionalDetails":[],"loggedByService":"Core","userAgent":"ua"}}"#,
        json!([{
            "TimeGenerated": "2026-03-04T05:06:07Z",
            "AADTenantId": "t1",
            "Level": "Informational",
            "OperationName": "Add group",
            "ResourceId": "/tenants/t1/providers/Microsoft.aadiam",
            "_ResourceId": "/tenants/t1/providers/microsoft.aadiam",
            "Resource": "Microsoft.aadiam",
            "ResourceGroup": "Microsoft.aadiam",
            "ResourceProvider": "Microsoft.aadiam",
            "Category": "GroupManagement",
            "AADOperationType": "Add",
            "Result": "success",
            "ResultReason": "",
            "ActivityDateTime": "2026-03-04T05:06:06Z",
            "ActivityDisplayName": "Add group",
            "InitiatedBy": "{\"user\":{\"id\":\"u1\"}}",
            "TargetResources": "[{\"id\":\"g1\"}]",
            "AdditionalDetails": "[]",
            "LoggedByService": "Core",
            "AdditionalFields": {"properties": {"userAgent": "ua"}},
        }]),
    );
    check_some(
        r#"{"category":"AuditLogs"}"#,
        json!({"Category": "AuditLogs", "AdditionalFields": null}),
    );
}

#[test]
fn rows_of_log_analytics() {
    check_some(
        r#"{"TimeGenerated":"2026-03-04T05:06:07Z","Type":"AuditLogs","TenantId":"w1","AADTenantId":"t1",
            "Category":"RoleManagement","TargetResources":"[{\"id\":\"g1\"}]","Result":"failure"}"#,
        json!({
            "AADTenantId": "t1",
            "Category": "RoleManagement",
            "TargetResources": "[{\"id\":\"g1\"}]",
            "Result": "failure",
            "AdditionalFields": {"TenantId": "w1"},
        }),
    );
    check_some(
        r#"{"TimeGenerated":"2026-03-04T05:06:07Z","Category":"SignInLogs","Location":"NZ",
            "LocationDetails":"{\"city\":\"Nelson\"}","ResourceIdentity":"r1","IPAddress":"192.0.2.7"}"#,
        json!({
            "Location": "NZ",
            "LocationDetails": "{\"city\":\"Nelson\"}",
            "ResourceIdentity": "r1",
            "IPAddress": "192.0.2.7",
        }),
    );
}

#[test]
fn changes_as_microsoft_graph_writes_them() {
    check(
        r#"{"id":"i","category":"Policy","correlationId":"c","result":"success","resultReason":"",
            "activityDisplayName":"Update policy","activityDateTime":"2026-03-04T05:06:07.1234567+00:00",
            "loggedByService":"Core Directory","operationType":"Update",
            "initiatedBy":{"user":{"userPrincipalName":"ann@example.com"}},
            "targetResources":[{"id":"t"}],"additionalDetails":[{"key":"k","value":"v"}]}"#,
        json!([{
            "TimeGenerated": "2026-03-04T05:06:07.123456Z",
            "ActivityDateTime": "2026-03-04T05:06:07.123456Z",
            "ActivityDisplayName": "Update policy",
            "OperationName": "Update policy",
            "AADOperationType": "Update",
            "AdditionalDetails": "[{\"key\":\"k\",\"value\":\"v\"}]",
            "Category": "Policy",
            "CorrelationId": "c",
            "Id": "i",
            "InitiatedBy": "{\"user\":{\"userPrincipalName\":\"ann@example.com\"}}",
            "LoggedByService": "Core Directory",
            "Result": "success",
            "ResultReason": "",
            "TargetResources": "[{\"id\":\"t\"}]",
        }]),
    );
}

#[test]
fn a_sign_in_is_one_whatever_was_signed_in_to() {
    for resource in [
        "797f4846-ba00-4fd7-ba43-dac1f8f63013",
        "",
        "/tenants/t/providers/Microsoft.aadiam",
    ] {
        let record = format!(
            r#"{{"time":"2026-03-04T05:06:07Z","category":"SignInLogs","resourceId":"{resource}",
                "properties":{{"userPrincipalName":"ann@example.com"}}}}"#
        );
        check_some(&record, json!({"UserPrincipalName": "ann@example.com"}));
    }
}

#[test]
fn sign_ins_as_microsoft_graph_writes_them() {
    let event = |more: &str| {
        format!(
            r#"{{"id":"i","createdDateTime":"2026-03-04T05:06:07Z","userPrincipalName":"ann@example.com","userId":"u",
            "appId":"a","appDisplayName":"Portal","ipAddress":"192.0.2.7","conditionalAccessStatus":"notApplied",
            "resourceId":"r","status":{{"errorCode":50126,"failureReason":"no"}},"riskState":"none",
            "location":{{"city":"C","countryOrRegion":"US"}},"novelty":1{more}}}"#
        )
    };
    check(
        &event(r#","isInteractive":true"#),
        json!([{
            "TimeGenerated": "2026-03-04T05:06:07Z",
            "CreatedDateTime": "2026-03-04T05:06:07Z",
            "OperationName": "Sign-in activity",
            "ResultType": "50126",
            "ResultDescription": "no",
            "Id": "i",
            "UserPrincipalName": "ann@example.com",
            "UserId": "u",
            "AppId": "a",
            "AppDisplayName": "Portal",
            "IPAddress": "192.0.2.7",
            "ConditionalAccessStatus": "notApplied",
            "ResourceIdentity": "r",
            "Status": "{\"errorCode\":50126,\"failureReason\":\"no\"}",
            "RiskState": "none",
            "Location": "US",
            "LocationDetails": "{\"city\":\"C\",\"countryOrRegion\":\"US\"}",
            "IsInteractive": true,
            "AdditionalFields": {"novelty": 1},
        }]),
    );
    for (more, table) in [
        (
            r#","isInteractive":false"#,
            Table::AadNonInteractiveUserSignInLogs,
        ),
        (
            r#","signInEventTypes":["nonInteractiveUser"]"#,
            Table::AadNonInteractiveUserSignInLogs,
        ),
        (
            r#","signInEventTypes":["servicePrincipal"]"#,
            Table::AadServicePrincipalSignInLogs,
        ),
        (
            r#","signInEventTypes":["managedIdentity"]"#,
            Table::AadManagedIdentitySignInLogs,
        ),
        (
            r#","signInEventTypes":["interactiveUser"]"#,
            Table::SigninLogs,
        ),
    ] {
        let decoded = run(&Limits::default(), event(more).as_bytes()).unwrap();
        let [(found, _)] = decoded.parts.as_slice() else {
            panic!("{more}")
        };
        assert_eq!(*found, table, "{more}");
    }
}
