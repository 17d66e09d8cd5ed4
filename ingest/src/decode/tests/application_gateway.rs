use super::*;

const RESOURCE: &str = "/SUBSCRIPTIONS/S1/PROVIDERS/MICROSOFT.NETWORK/APPLICATIONGATEWAYS/A1";

fn access(properties: &str) -> String {
    format!(
        r#"{{"timeStamp":"2026-03-04T05:06:07+00:00","category":"ApplicationGatewayAccessLog",
            "operationName":"ApplicationGatewayAccess","resourceId":"{RESOURCE}","listenerName":"l1",
            "properties":{properties}}}"#
    )
}

#[test]
fn access_logs_of_version_2() {
    check(
        &access(
            r#"{"instanceId":"appgw_3","clientIP":"192.0.2.7","clientPort":4711,"httpStatus":502,
                "timeTaken":0.034,"WAFEvaluationTime":"0.002","WAFMode":"Prevention","serverStatus":"",
                "serverResponseLatency":"0.020","upstreamSourcePort":"5000","error_info":"ERRORINFO_NONE",
                "sentBytes":10,"noOfConnectionRequests":1}"#,
        ),
        json!([{
            "TimeGenerated": "2026-03-04T05:06:07Z",
            "OperationName": "ApplicationGatewayAccess",
            "_ResourceId": RESOURCE.to_lowercase(),
            "_SubscriptionId": "s1",
            "ListenerName": "l1",
            "InstanceId": "appgw_3",
            "ClientIp": "192.0.2.7",
            "ClientPort": 4711,
            "HttpStatus": 502,
            "TimeTaken": 0.034,
            "WafEvaluationTime": 0.002,
            "WafMode": "Prevention",
            "ServerResponseLatency": 0.02,
            "UpstreamSourcePort": 5000,
            "ErrorInfo": "ERRORINFO_NONE",
            "SentBytes": 10,
            "AdditionalFields": {"properties": {"noOfConnectionRequests": 1}},
        }]),
    );
}

#[test]
fn times_of_version_1_become_seconds() {
    let version_1 = |time: &str| {
        access(&format!(
            r#"{{"timeTaken":{time},"instanceId":"ApplicationGatewayRole_IN_7"}}"#
        ))
    };
    let kept = |time: Value| json!({"properties": {"timeTaken": time}});
    check_some(
        &version_1("250"),
        json!({"TimeTaken": 0.25, "AdditionalFields": kept(json!(250))}),
    );
    check_some(
        &version_1(r#""250""#),
        json!({"TimeTaken": 0.25, "AdditionalFields": kept(json!("250"))}),
    );
    check_some(
        &version_1(r#""-""#),
        json!({"TimeTaken": null, "AdditionalFields": kept(json!("-"))}),
    );
    for time in ["0.097", r#""0.097""#] {
        check_some(
            &version_1(time),
            json!({"TimeTaken": 0.097, "AdditionalFields": null}),
        );
    }
    check_some(
        &access(r#"{"timeTaken":2,"instanceId":"appgw_1"}"#),
        json!({"TimeTaken": 2.0, "AdditionalFields": null}),
    );
    check_some(
        r#"{"TimeGenerated":"2026-03-04T05:06:07Z","Type":"AGWAccessLogs","TimeTaken":1.5,
            "InstanceId":"ApplicationGatewayRole_IN_7"}"#,
        json!({"TimeTaken": 1.5, "AdditionalFields": null}),
    );
}

#[test]
fn firewall_logs() {
    check(
        &format!(
            r#"{{"time":"2026-03-04T05:06:07Z","category":"ApplicationGatewayFirewallLog",
            "operationName":"ApplicationGatewayFirewall","resourceId":"{RESOURCE}",
            "properties":{{"clientIp":"192.0.2.7","clientPort":"0","requestUri":"\/a","ruleId":"1","ruleGroup":"g",
                "action":"Blocked","message":"outer","details":{{"message":"inner","data":"d","file":"f","line":"9","x":1}},
                "hostname":"h:80","transactionId":"t","policyScope":"Global"}}}}"#
        ),
        json!([{
            "TimeGenerated": "2026-03-04T05:06:07Z",
            "OperationName": "ApplicationGatewayFirewall",
            "_ResourceId": RESOURCE.to_lowercase(),
            "_SubscriptionId": "s1",
            "ClientIp": "192.0.2.7",
            "ClientPort": 0,
            "RequestUri": "/a",
            "RuleId": "1",
            "Action": "Blocked",
            "Message": "outer",
            "DetailedMessage": "inner",
            "DetailedData": "d",
            "FileDetails": "f",
            "LineDetails": "9",
            "Hostname": "h:80",
            "TransactionId": "t",
            "PolicyScope": "Global",
            "AdditionalFields": {"properties": {"ruleGroup": "g", "details": {"x": 1}}},
        }]),
    );
    check_some(
        r#"{"category":"ApplicationGatewayFirewallLog","properties":{"clientPort":"","details":"none"}}"#,
        json!({
            "ClientPort": null,
            "AdditionalFields": {"properties": {"details": "none"}},
        }),
    );
}
