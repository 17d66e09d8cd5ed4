//! Logs of API Management besides those of its gateway.

use super::*;

/// A record with these properties, as Azure Monitor writes it.
fn record(category: &str, properties: &str) -> String {
    format!(
        r#"{{"time":"2026-03-04T05:06:07.1234567Z","category":"{category}","location":"West Europe",
            "operationName":"Microsoft.ApiManagement/{category}","correlationId":"c1","Sku":"Premium",
            "resourceId":"/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G1/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/A1",
            "properties":{properties}}}"#
    )
}

fn expected(own: &Value) -> Value {
    let mut row = json!({
        "TimeGenerated": "2026-03-04T05:06:07.123456Z",
        "Region": "West Europe",
        "_ResourceId": "/subscriptions/s1/resourcegroups/g1/providers/microsoft.apimanagement/service/a1",
        "_SubscriptionId": "s1",
    });
    let columns = row.as_object_mut().unwrap();
    columns.extend(own.as_object().unwrap().clone());
    json!([row])
}

#[test]
fn calls_of_language_models() {
    check(
        &record(
            "GatewayLlmLogs",
            r#"{"deploymentName":"d","modelName":"m","apiVersion":"v","requestId":"r","promptTokens":"12",
                "completionTokens":3,"totalTokens":15,"isStreamCompletion":"False","sequenceNumber":0,
                "requestMessages":[{"role":"user","content":"Hi"}],"responseMessages":"[]","promptCachedTokens":4}"#,
        ),
        expected(&json!({
            "OperationName": "Microsoft.ApiManagement/GatewayLlmLogs",
            "CorrelationId": "c1",
            "DeploymentName": "d",
            "ModelName": "m",
            "ApiVersion": "v",
            "RequestId": "r",
            "PromptTokens": 12,
            "CompletionTokens": 3,
            "TotalTokens": 15,
            "IsStreamCompletion": false,
            "SequenceNumber": 0,
            "RequestMessages": "[{\"role\":\"user\",\"content\":\"Hi\"}]",
            "ResponseMessages": "[]",
            "AdditionalFields": {"Sku": "Premium", "properties": {"promptCachedTokens": 4}},
        })),
    );
}

#[test]
fn calls_of_tools() {
    check(
        &record(
            "GatewayMCPLogs",
            r#"{"method":"tools/call","toolName":"t","toolCount":2,"serverName":"s","sessionId":"i","errorType":""}"#,
        ),
        expected(&json!({
            "OperationName": "Microsoft.ApiManagement/GatewayMCPLogs",
            "CorrelationId": "c1",
            "Method": "tools/call",
            "ToolName": "t",
            "ToolCount": 2,
            "ServerName": "s",
            "SessionId": "i",
            "ErrorType": "",
            "AdditionalFields": {"Sku": "Premium"},
        })),
    );
}

#[test]
fn connections() {
    check(
        &record(
            "WebSocketConnectionLogs",
            r#"{"eventName":"e","source":"client","destination":"gateway","error":null}"#,
        ),
        expected(&json!({
            "CorrelationId": "c1",
            "EventName": "e",
            "Source": "client",
            "Destination": "gateway",
            "AdditionalFields": {
                "operationName": "Microsoft.ApiManagement/WebSocketConnectionLogs", "Sku": "Premium",
            },
        })),
    );
}

#[test]
fn requests_to_the_developer_portal() {
    check(
        &record(
            "DeveloperPortalAuditLogs",
            r#"{"requestMethod":"GET","requestPath":"/apis","responseCode":200,"userAgent":"curl",
                "hashedUserId":"h","apimClient":"portal","activityId":"a","serviceName":"a1","version":"v"}"#,
        ),
        expected(&json!({
            "OperationName": "Microsoft.ApiManagement/DeveloperPortalAuditLogs",
            "Category": "DeveloperPortalAuditLogs",
            "RequestMethod": "GET",
            "RequestPath": "/apis",
            "ResponseCode": 200,
            "UserAgent": "curl",
            "HashedUserId": "h",
            "ApimClient": "portal",
            "ActivityId": "a",
            "ServiceName": "a1",
            "Version": "v",
            "AdditionalFields": {"correlationId": "c1", "Sku": "Premium"},
        })),
    );
}
