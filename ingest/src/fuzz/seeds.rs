//! Good bodies to spoil, of our own making.

use std::io::Write as _;

use crate::bounded::Encoding;

pub(super) const ENVELOPES: &[&str] = &[
    r#"{"records":[{"time":"2026-03-04T05:06:07Z","category":"a"},{"time":"2026-03-04T05:06:08Z","category":"b"}],"PartitionId":{"x":[1]}}"#,
    r#"[{"records":[{"category":"a"}],"EventProcessedUtcTime":"t"},{"records":[{"category":"b"}]}]"#,
    "{\"category\":\"a\"}\r\n{\"category\":\"b\"}\n\n{\"records\":[{\"category\":\"c\"}]}\n",
    r#"{"value":[{"category":"a"}],"nextLink":"u"}"#,
    r#"{"records":[{"category":"a"},{"records":[{"category":"b"}]}]}"#,
    ",{\"category\":\"a\"},{\"category\":\"b\"}",
    "\u{feff}[{\"category\":\"a\"}, 1, null, [\"x\"]]",
];

pub(super) const GATEWAY: &[&str] = &[
    r#"{"records":[{"time":"2026-03-04T05:06:07.1234567Z","Level":4,"category":"GatewayLogs","operationName":"Microsoft.ApiManagement/GatewayLogs","callerIpAddress":"192.0.2.7","correlationId":"c","durationMs":12,"isRequestSuccess":false,"location":"East US","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/A","truncated":0,"properties":{"method":"GET","url":"https://a.example/x?k=1","responseCode":401,"responseSize":10,"cache":"none","apiId":"a","lastError":{"elapsed":3,"source":"authorization","reason":"SubscriptionKeyInvalid","message":"Access denied","path":"p"},"requestHeaders":{"a":"b"}}}]}"#,
    r#"{"Time":"2017-05-01T00:00:00Z","Properties":"{\"Method\":\"GET\",\"ApiId\":\"a\",\"RESPONSECODE\":404,\"ServiceTime\":3}"}"#,
    r#"{"TimeGenerated [UTC]":"1/2/2026, 3:04:05.678 PM","Type":"ApiManagementGatewayLogs","ApiId":"a","ResponseCode":"200","RequestHeaders":"{\"a\":[1]}","IsRequestSuccess":"True","_ResourceId":"/subscriptions/s"}"#,
];

pub(super) const LANGUAGE_MODEL: &[&str] = &[
    r#"{"time":"2026-03-04T05:06:07Z","category":"GatewayLlmLogs","correlationId":"c","properties":{"deploymentName":"d","promptTokens":"12","totalTokens":15,"isStreamCompletion":false,"requestMessages":[{"role":"user"}],"responseMessages":"[{\"a\":1}]"}}"#,
    r#"{"TimeGenerated":"2026-03-04T05:06:07Z","PromptTokens":1,"ModelName":"m","RequestMessages":""}"#,
];

pub(super) const TOOL: &[&str] = &[
    r#"{"time":"2026-03-04T05:06:07Z","category":"GatewayMCPLogs","properties":{"method":"tools/call","toolName":"t","toolCount":2,"serverName":"s"}}"#,
    r#"{"TimeGenerated":"2026-03-04T05:06:07Z","McpServerEndpoint":"e","ToolCount":"2"}"#,
];

pub(super) const WEB_SOCKET: &[&str] = &[
    r#"{"time":"2026-03-04T05:06:07Z","category":"WebSocketConnectionLogs","location":"l","properties":{"eventName":"e","source":"s","destination":"d","error":{"a":1}}}"#,
    r#"{"$table":"ApiManagementWebSocketConnectionLogs","TimeGenerated [UTC]":"1/2/2026, 3:04:05.678 PM","EventName":"e"}"#,
];

pub(super) const DEVELOPER_PORTAL: &[&str] = &[
    r#"{"time":"2026-03-04T05:06:07Z","category":"DeveloperPortalAuditLogs","resultType":"Succeeded","properties":"{\"requestMethod\":\"GET\",\"responseCode\":\"200\"}"}"#,
];

pub(super) const NSG: &[&str] = &[
    r#"{"records":[{"time":"2026-03-04T05:06:07Z","systemId":"i","macAddress":"000D3AF87856","category":"NetworkSecurityGroupFlowEvent","resourceId":"/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/N","properties":{"Version":2,"flows":[{"rule":"DefaultRule_A","flows":[{"mac":"000D3AF87856","flowTuples":["1600000000,10.0.0.4,192.0.2.7,5001,443,T,O,A,B,,,,","1600000060,10.0.0.4,2001:db8::1,5001,53,U,I,D,E,1,66,2,133"]}]}]}}]}"#,
    r#"{"category":"NetworkSecurityGroupFlowEvent","properties":{"Version":1,"flows":[{"rule":"r","flows":[{"mac":"m","flowTuples":["1600000000,10.0.0.4,192.0.2.7,5001,443,T,O,A"]}]}]}}"#,
];

pub(super) const VNET: &[&str] = &[
    r#"{"records":[{"time":"2026-03-04T05:06:07Z","flowLogVersion":4,"flowLogGUID":"g","macAddress":"0022487bC205","category":"FlowLogFlowEvent","flowLogResourceID":"/SUBSCRIPTIONS/S/F","targetResourceID":"/subscriptions/s/v","flowRecords":{"flows":[{"aclID":"00000000-1234-abcd-ef00-c1c2c3c4c5c6","flowGroups":[{"rule":"r","flowTuples":["1600000000123,10.0.0.4,192.0.2.7,5001,443,6,O,E,NX,3,705,4,4569","1600000000,192.0.2.7,10.0.0.4,0,0,1,I,D,X,0,0,0,0"]}]}]}}]}"#,
];

pub(super) const FLOW_ROWS: &[&str] = &[
    r#"{"TimeGenerated":"2026-03-04T05:06:07Z","SrcIp":"10.0.0.4","DestIp":"192.0.2.7","DestPort":443,"FlowDirection":"Outbound","FlowStatus":"Allowed","BytesSrcToDest":"12","FlowStartTime [UTC]":"1/2/2026, 3:04:05.678 PM"}"#,
    r#"{"Type":"NTANetAnalytics","TimeGenerated":"2026-03-04T05:06:07Z","SrcPublicIps":"1.1.1.1|2|0|0|0|0"}"#,
];

pub(super) const ACTIVITY: &[&str] = &[
    r#"{"records":[{"time":"2026-03-04T05:06:07Z","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/P/T/N","operationName":"P/T/WRITE","category":"Write","resultType":"Success","resultSignature":"Succeeded.Created","durationMs":"20","identity":{"authorization":{"action":"a"},"claims":{"appid":"a","name":" n"}},"properties":{"eventCategory":"Administrative","hierarchy":"h","statusMessage":"{\"a\":1}"}}]}"#,
    r#"{"value":[{"eventTimestamp":"2026-03-04T05:06:07Z","operationName":{"value":"P/T/write","localizedValue":"Write"},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"authorization":{"action":"a"},"claims":{"upn":"u"},"httpRequest":{"clientIpAddress":"192.0.2.7"}}]}"#,
    r#"{"event_timestamp":"2026-03-04T05:06:07Z","operation_name":{"value":"v","localized_value":"l"},"http_request":{"client_ip_address":"a"}}"#,
    r#"{"TimeGenerated":"2026-03-04T05:06:07Z","OperationNameValue":"V","Properties":"{\"a\":\"B\"}","Properties_d":"{\"a\":\"b\"}","Claims":"{'a':1}"}"#,
];

pub(super) const SIGN_IN: &[&str] = &[
    r#"{"time":"2026-03-04T05:06:07Z","resourceId":"/tenants/t/providers/Microsoft.aadiam","category":"SignInLogs","Level":"4","identity":"Ann","resultType":"50126","properties":{"createdDateTime":"2026-03-04T05:06:07+00:00","status":{"errorCode":50126},"location":{"city":"c"},"isInteractive":true,"autonomousSystemNumber":1,"appliedConditionalAccessPolicies":[]}}"#,
    r#"{"category":"NonInteractiveUserSignInLogs","properties":{"processingTimeInMilliseconds":12}}"#,
    r#"{"category":"ServicePrincipalSignInLogs","properties":{"servicePrincipalId":"s"}}"#,
    r#"{"category":"ManagedIdentitySignInLogs","properties":{"resourceId":"r"}}"#,
    r#"{"TimeGenerated":"t","UserPrincipalName":"u","ConditionalAccessStatus":"s","Status":"{\"errorCode\":0}"}"#,
];

pub(super) const AUDIT: &[&str] = &[
    r#"{"time":"2026-03-04T05:06:07Z","category":"AuditLogs","resourceId":"/tenants/t/providers/Microsoft.aadiam","durationMs":0,"properties":{"category":"Policy","operationType":"Add","initiatedBy":{"user":{"id":"i"}},"targetResources":[{"modifiedProperties":[{"oldValue":"\"\"","newValue":"[\"x\"]"}]}]}}"#,
    r#"{"TimeGenerated":"t","AADOperationType":"Add","InitiatedBy":"{\"user\":{}}"}"#,
];

pub(super) const KEY_VAULT: &[&str] = &[
    r#"{"time":"2026-03-04T05:06:07Z","category":"AuditEvent","resourceId":"/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/V","durationMs":"78","identity":{"claim":{"appid":"a"}},"properties":{"httpStatusCode":200,"isRbacAuthorized":true,"properties":{"sku":{}}}}"#,
    r#"{"TimeGenerated":"t","IsRbacAuthorized":"true","HttpStatusCode":"403"}"#,
];

pub(super) const APPLICATION_GATEWAY: &[&str] = &[
    r#"{"timeStamp":"2026-03-04T05:06:07+00:00","category":"ApplicationGatewayAccessLog","listenerName":"l","properties":{"instanceId":"appgw_2","clientIP":"192.0.2.7","clientPort":4711,"timeTaken":0.034,"serverStatus":"","WAFEvaluationTime":"0.000","noOfConnectionRequests":1}}"#,
    r#"{"time":"2026-03-04T05:06:07Z","operationName":"ApplicationGatewayAccess","properties":{"instanceId":"ApplicationGatewayRole_IN_0","timeTaken":205}}"#,
    r#"{"category":"ApplicationGatewayFirewallLog","properties":{"clientPort":"","ruleId":"949110","details":{"message":"m","line":"1"}}}"#,
];

pub(super) const OTHER: &[&str] = &[
    r#"{"time":"2026-03-04T05:06:07Z","category":"Stats","resourceId":"/subscriptions/S/resourceGroups/g/providers/P/t/n","level":4,"shard":3,"properties":"{\"depth\":5}"}"#,
    r#"{"TimeGenerated":"t","Type":"AzureDiagnostics","httpStatus_d":201.0,"id_s":"i","unheard_s":"u"}"#,
];

pub(super) const BROKEN: &[&str] = &[
    r#"{'time':'2026-03-04T05:06:07Z','category':'a','ok':True,'none':[None,-1.5],'text':'can\'t "x" \x41'}"#,
    "{\"category\":\"a\",\"message\":\"two\nlines\\d\",\"list\":[1,2,],}\n{\"category\":\"b\"}",
    r#"{"records":[{"category":"a","requestbody":"{"name":"n","list":[{"x":1}]}"},{"category":"b"}}{"pageNumber":0,"isEnd":true}}]}"#,
    r#"{"category":"a","properties":"{'a':'b','c':[1,2]}"}"#,
    r#"{"category":"a","properties":"\"{\\\"a\\\":1}\""}"#,
    r#"{"records":[{"time":"2026-03-04T05:06:07Z","category":"a"},{"time":"2026-03-0"#,
];

pub(super) const CSV: &[&str] = &[
    "$table,TimeGenerated [UTC],OperationNameValue,Properties,EventSubmissionTimestamp [UTC]\r\nAzureActivity,\"1/2/2026, 3:04:05.678 PM\",V,\"{\n \"\"a\"\": 1\n}\",\nAzureActivity,\"1/2/2026, 3:04:06.678 PM\",W,,\n",
    "TimeGenerated,ApiId,ResponseCode\n2026-03-04T05:06:07Z,a,200\n2026-03-04T05:06:08Z,\"b\",\"401\"",
];

pub(super) const TIMES: &[&str] = &[
    "2024-07-02T06:31:31.4465902Z",
    "2024-02-29T23:59:59Z",
    "2023-04-05T06:07:08.123456789+02:00",
    "2023-04-05T06:07:08.5-0530",
    "2023-04-05 06:07:08.000",
    "2021-02-04T07: 45: 44.58Z",
    "11/14/2025 1:48:53 AM",
    "1/9/2007 10:41:00 AM +01:00",
    "4/28/2021, 2:32:14.029 PM",
    "01/09/2007 09:41:00",
    "1700000000123",
];

pub(super) const BULK: &[&str] = &[
    "{\"index\":{\"_index\":\"logs\",\"_id\":\"1\"}}\n{\"time\":\"2026-03-04T05:06:07Z\",\"category\":\"GatewayLogs\"}\n{\"create\":{}}\n{\"message\":\"{\\\"category\\\":\\\"a\\\"}\"}\n",
    "{\"delete\":{\"_index\":\"i\",\"_id\":\"1\"}}\n{\"update\":{\"_id\":\"2\"}}\n{\"doc\":{\"a\":1}}\n{\"index\":{\"_index\":\"AzureActivity\"}}\n{\"OperationNameValue\":\"v\"}\n",
];

pub(super) const OTLP_JSON: &[&str] = &[
    r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"gateway"}}]},"scopeLogs":[{"scope":{"name":"access","version":"1"},"logRecords":[{"timeUnixNano":"1700000000123456789","severityNumber":9,"severityText":"INFO","body":{"stringValue":"text"},"attributes":[{"key":"a","value":{"intValue":"5"}},{"key":"b","value":{"arrayValue":{"values":[{"boolValue":true},{"doubleValue":1.5}]}}}],"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"}]}]}]}"#,
    r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[{"key":"category","value":{"stringValue":"GatewayLogs"}},{"key":"properties","value":{"kvlistValue":{"values":[]}}}]}}},{"body":{"stringValue":"{\"category\":\"a\",\"time\":\"2026-03-04T05:06:07Z\"}"}}]}]}]}"#,
];

/// One record with time, severity, body and an attribute.
pub(super) const OTLP_PROTOBUF: &[u8] = b"\x0a\x23\x12\x21\x12\x1f\x09\x15\xcd\x5b\x07\x00\x00\x97\x17\x1a\x04INFO\x2a\x04\x0a\x02hi\x32\x08\x0a\x01k\x12\x03\x0a\x01v";

pub(super) const COMBINED: &[&str] = &[
    r#"192.0.2.7 - ann [04/Mar/2026:05:06:07 +0100] "GET /x?k=1 HTTP/1.1" 401 10 "https://a.example/" "curl/8.0""#,
    r#"2001:db8::1 - - [04/Mar/2026:05:06:07 +0000] "POST / HTTP/2.0" 200 -"#,
];

/// A body in every compression.
pub(super) fn compressed() -> Vec<Vec<u8>> {
    [Encoding::Gzip, Encoding::Zstd].map(compressed_as).to_vec()
}

/// The same text, compressed.
pub(super) fn compressed_as(encoding: Encoding) -> Vec<u8> {
    let plain = "a body that repeats itself, a body that repeats itself. ".repeat(20);
    match encoding {
        Encoding::Identity => plain.into_bytes(),
        Encoding::Gzip => {
            let level = flate2::Compression::fast();
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            let written = encoder.write_all(plain.as_bytes());
            written.and_then(|()| encoder.finish()).unwrap_or_default()
        }
        Encoding::Zstd => zstd::encode_all(plain.as_bytes(), 1).unwrap_or_default(),
    }
}
