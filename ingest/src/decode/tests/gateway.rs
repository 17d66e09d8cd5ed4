use super::*;

const FULL: &str = r#"{
    "time": "2024-07-02T06:31:31.4465902Z", "DeploymentVersion": "0.1", "Level": 4,
    "callerIpAddress": "203.0.113.9", "category": "GatewayLogs", "correlationId": "c-1",
    "durationMs": 176, "isRequestSuccess": true, "location": "East US",
    "operationName": "Microsoft.ApiManagement/GatewayLogs", "truncated": 0,
    "resourceId": "/SUBSCRIPTIONS/S-1/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/A",
    "properties": {
        "method": "GET", "url": "https://api.example/v1?q=\u00e9", "responseCode": 200,
        "responseSize": "1604", "cacheTime": 12.0, "apiId": "echo", "isMasterTrace": "true",
        "requestHeaders": {"X-A": "1"}, "errors": [{"reason": "r"}], "newMember": [1, 2]
    }
}"#;

#[test]
fn every_member_has_its_column_and_the_rest_is_kept() {
    check(
        FULL,
        json!([{
            "TimeGenerated": "2024-07-02T06:31:31.446590Z",
            "Timestamp": "2024-07-02T06:31:31.446590Z",
            "ApiId": "echo",
            "CacheTime": 12,
            "CallerIpAddress": "203.0.113.9",
            "Category": "GatewayLogs",
            "CorrelationId": "c-1",
            "Errors": "[{\"reason\": \"r\"}]",
            "IsMasterTrace": true,
            "IsRequestSuccess": true,
            "Method": "GET",
            "OperationName": "Microsoft.ApiManagement/GatewayLogs",
            "Region": "East US",
            "RequestHeaders": "{\"X-A\": \"1\"}",
            "ResponseCode": 200,
            "ResponseSize": 1604,
            "TotalTime": 176,
            "Url": "https://api.example/v1?q=é",
            "_ResourceId":
                "/subscriptions/s-1/resourcegroups/g/providers/microsoft.apimanagement/service/a",
            "_SubscriptionId": "s-1",
            "AdditionalFields": {
                "DeploymentVersion": "0.1", "Level": 4, "truncated": 0,
                "properties": {"newMember": [1, 2]}
            },
        }]),
    );
}

#[test]
fn last_error_is_flattened() {
    check(
        r#"{"time":"2024-01-01T00:00:00Z","category":"GatewayLogs","properties":{"lastError":{
            "elapsed":"7","source":"jwt","scope":"api","section":"inbound","reason":"TokenExpired",
            "message":"m","path":"p"}}}"#,
        json!([{
            "TimeGenerated": "2024-01-01T00:00:00Z",
            "Timestamp": "2024-01-01T00:00:00Z",
            "Category": "GatewayLogs",
            "LastErrorElapsed": 7,
            "LastErrorSource": "jwt",
            "LastErrorScope": "api",
            "LastErrorSection": "inbound",
            "LastErrorReason": "TokenExpired",
            "LastErrorMessage": "m",
            "AdditionalFields": {"properties": {"lastError": {"path": "p"}}},
        }]),
    );
    check_some(
        r#"{"category":"GatewayLogs","properties":{"lastError":"text"}}"#,
        json!({"AdditionalFields": {"properties": {"lastError": "text"}}}),
    );
}

#[test]
fn values_of_another_type_are_kept() {
    check_some(
        r#"{"category":"GatewayLogs","durationMs":"soon","isRequestSuccess":1,"properties":{
            "responseCode":99999999999,"backendTime":"","apiId":7,"cache":null}}"#,
        json!({
            "TotalTime": null, "ResponseCode": null, "BackendTime": null, "ApiId": "7",
            "AdditionalFields": {
                "durationMs": "soon", "isRequestSuccess": 1,
                "properties": {"responseCode": 99_999_999_999_i64},
            },
        }),
    );
}

#[test]
fn text_that_utf8_cannot_hold_is_marked() {
    check_some(
        r#"{"category":"GatewayLogs","properties":{"url":"a\ud800b"}}"#,
        json!({"Url": "a\u{fffd}b", "AdditionalFields": null}),
    );
}

#[test]
fn members_of_any_casing_and_properties_in_a_string() {
    check_some(
        r#"{"Time":"2017-05-01T00:00:00Z","CallerIPAddress":"a","Properties":
            "{\"Method\":\"GET\",\"ApiId\":\"a\",\"RESPONSECODE\":404,\"ServiceTime\":3}"}"#,
        json!({
            "TimeGenerated": "2017-05-01T00:00:00Z", "CallerIpAddress": "a", "Method": "GET",
            "ResponseCode": 404, "AdditionalFields": {"properties": {"ServiceTime": 3}},
        }),
    );
    check_some(
        r#"{"category":"GatewayLogs","properties":"{'method':'GET','responseCode':404}"}"#,
        json!({"Method": "GET", "ResponseCode": 404, "AdditionalFields": null}),
    );
    check_some(
        r#"{"category":"GatewayLogs","properties":"{'method:'GET'}"}"#,
        json!({"Method": null, "AdditionalFields": {"properties": "{'method:'GET'}"}}),
    );
    check_some(
        r#"{"category":"GatewayLogs","properties":{'method':'GET','isTraceRequested':False}}"#,
        json!({"Method": "GET", "IsTraceRequested": false, "AdditionalFields": {"_Repaired": "single quotes"}}),
    );
}

#[test]
fn a_time_that_cannot_be_read_is_kept() {
    check(
        r#"{"category":"GatewayLogs","time":"yesterday"}"#,
        json!([{
            "TimeGenerated": "2023-11-14T22:13:20Z", "Timestamp": "2023-11-14T22:13:20Z",
            "Category": "GatewayLogs", "AdditionalFields": {"time": "yesterday"},
        }]),
    );
    check_some(
        r#"{"category":"GatewayLogs","time":"11/14/2025 1:48:53 AM"}"#,
        json!({"TimeGenerated": "2025-11-14T01:48:53Z", "AdditionalFields": null}),
    );
}

#[test]
fn properties_do_not_pass_for_members_of_the_record() {
    check_some(
        r#"{"properties":{"time":"x","resourceId":"r","category":"c","apiId":"a"},
            "category":"GatewayLogs"}"#,
        json!({
            "Category": "GatewayLogs", "ApiId": "a", "_ResourceId": null,
            "AdditionalFields": {"properties": {"time": "x", "resourceId": "r", "category": "c"}},
        }),
    );
}

#[test]
fn repeated_members_are_kept() {
    check_some(
        r#"{"category":"GatewayLogs","time":"2024-01-01T00:00:00Z","time":"2024-01-02T00:00:00Z"}"#,
        json!({
            "TimeGenerated": "2024-01-01T00:00:00Z",
            "AdditionalFields": {"time": "2024-01-02T00:00:00Z"},
        }),
    );
}

#[test]
fn rows_of_log_analytics() {
    check(
        r#"{"TenantId":"guid","SourceSystem":"Azure","TimeGenerated":"2024-01-01T00:00:00Z",
            "Timestamp":"2024-01-01T00:00:01Z","Type":"ApiManagementGatewayLogs","ResponseCode":200,
            "TotalTime":5,"Region":"West","_ResourceId":"/subscriptions/s/x","_BilledSize":1.5,
            "RequestHeaders":"{\"A\":\"b\"}","_SubscriptionId":"s"}"#,
        json!([{
            "TimeGenerated": "2024-01-01T00:00:00Z", "Timestamp": "2024-01-01T00:00:01Z",
            "ResponseCode": 200, "TotalTime": 5, "Region": "West", "_BilledSize": 1.5,
            "_ResourceId": "/subscriptions/s/x", "_SubscriptionId": "s",
            "RequestHeaders": "{\"A\":\"b\"}",
            "AdditionalFields": {"TenantId": "guid"},
        }]),
    );
}

#[test]
fn sparse_columns_stay_in_line() {
    let rows = rows(
        r#"[{"category":"GatewayLogs"},
            {"category":"GatewayLogs","properties":{"method":"GET"}},
            {"category":"GatewayLogs"},
            {"category":"GatewayLogs","properties":{"method":"PUT","requestSize":1}}]"#,
    );
    let methods: Vec<_> = rows.iter().map(|row| row["Method"].as_str()).collect();
    assert_eq!(methods, [None, Some("GET"), None, Some("PUT")]);
}
