use super::*;

#[test]
fn audit_events() {
    check(
        r#"{"time":"2026-03-04T05:06:07Z","category":"AuditEvent","operationName":"SecretGet",
            "resourceId":"/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G1/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/V1",
            "operationVersion":"7.4","resultType":"Success","resultSignature":"OK","durationMs":"21",
            "callerIpAddress":"192.0.2.7","correlationId":"","identity":{"claim":{"appid":"a1"}},
            "properties":{"clientInfo":"curl","requestUri":"https://v1.example/secrets/s","id":"https://v1.example/secrets/s",
                "httpStatusCode":200,"isRbacAuthorized":true,"tlsVersion":"TLS1_3","addrAuthType":"PublicIP",
                "properties":{"sku":{"Name":"n"}},"other":1}}"#,
        json!([{
            "TimeGenerated": "2026-03-04T05:06:07Z",
            "OperationName": "SecretGet",
            "_ResourceId": "/subscriptions/s1/resourcegroups/g1/providers/microsoft.keyvault/vaults/v1",
            "_SubscriptionId": "s1",
            "OperationVersion": "7.4",
            "ResultType": "Success",
            "ResultSignature": "OK",
            "DurationMs": 21,
            "CallerIpAddress": "192.0.2.7",
            "CorrelationId": "",
            "Identity": "{\"claim\":{\"appid\":\"a1\"}}",
            "ClientInfo": "curl",
            "RequestUri": "https://v1.example/secrets/s",
            "Id": "https://v1.example/secrets/s",
            "HttpStatusCode": 200,
            "IsRbacAuthorized": true,
            "Tlsversion": "TLS1_3",
            "AddressAuthorizationType": "PublicIP",
            "Properties": "{\"sku\":{\"Name\":\"n\"}}",
            "AdditionalFields": {"properties": {"other": 1}},
        }]),
    );
}

#[test]
fn rows_of_log_analytics() {
    check_some(
        r#"{"TimeGenerated":"2026-03-04T05:06:07Z","Type":"AZKVAuditLogs","HttpStatusCode":403,
            "Identity":"{\"claim\":{}}","Properties":"{\"a\":1}","_ResourceId":"/subscriptions/s1"}"#,
        json!({
            "HttpStatusCode": 403,
            "Identity": "{\"claim\":{}}",
            "Properties": "{\"a\":1}",
            "_SubscriptionId": "s1",
            "AdditionalFields": null,
        }),
    );
}
