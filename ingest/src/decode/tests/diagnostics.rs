use super::*;

#[test]
fn a_record_of_any_category_is_a_row() {
    check(
        r#"{"time":"2026-03-04T05:06:07Z","category":"QueueStatistics","operationName":"Count",
            "resourceId":"/subscriptions/S1/resourceGroups/g1/providers/Microsoft.Queues/brokers/b1/queues/q1",
            "level":4,"durationMs":"12","callerIpAddress":"192.0.2.7","location":"moon","shard":3,
            "properties":"{\"depth\":5,\"name\":\"q1\"}"}"#,
        json!([{
            "TimeGenerated": "2026-03-04T05:06:07Z",
            "Category": "QueueStatistics",
            "OperationName": "Count",
            "ResourceId": "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G1/PROVIDERS/MICROSOFT.QUEUES/BROKERS/B1/QUEUES/Q1",
            "_ResourceId": "/subscriptions/s1/resourcegroups/g1/providers/microsoft.queues/brokers/b1/queues/q1",
            "SubscriptionId": "s1",
            "_SubscriptionId": "s1",
            "ResourceGroup": "G1",
            "ResourceProvider": "MICROSOFT.QUEUES",
            "ResourceType": "BROKERS/QUEUES",
            "Resource": "Q1",
            "Level": "4",
            "DurationMs": 12,
            "CallerIPAddress": "192.0.2.7",
            "Location": "moon",
            "AdditionalFields": {"shard": 3, "properties": {"depth": 5, "name": "q1"}},
        }]),
    );
}

#[test]
fn properties_stay_as_they_are() {
    let kept = |properties| json!({"AdditionalFields": {"properties": properties}});
    check_some(
        r#"{"category":"c","properties":{"time":"t","level":[1]}}"#,
        kept(json!({"time": "t", "level": [1]})),
    );
    check_some(
        r#"{"category":"c","properties":"{'a':1}"}"#,
        kept(json!({"a": 1})),
    );
    check_some(
        r#"{"category":"c","properties":"{'a:1}"}"#,
        kept(json!("{'a:1}")),
    );
    check_some(
        r#"{"category":"c","properties":"\"{\\\"a\\\":1}\""}"#,
        kept(json!({"a": 1})),
    );
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    check_some(
        &format!(r#"{{"category":"c","properties":"{deep}"}}"#),
        kept(json!(deep)),
    );
    check_some(
        r#"{"category":"c","operationName":"o","properties":null}"#,
        json!({"AdditionalFields": null}),
    );
}

#[test]
fn of_two_times_the_finer_counts() {
    check_some(
        r#"{"resourceId":"/r","timeStamp":"2026-03-04T05:06:07Z","time":"2026-03-04T05:06:07.89Z"}"#,
        json!({
            "TimeGenerated": "2026-03-04T05:06:07.890Z",
            "AdditionalFields": {"timeStamp": "2026-03-04T05:06:07Z"},
        }),
    );
    check_some(
        r#"{"resourceId":"/r","timestamp":"2026-03-04T05:06:07Z","time":null}"#,
        json!({"TimeGenerated": "2026-03-04T05:06:07Z", "AdditionalFields": null}),
    );
    check_some(
        r#"{"resourceId":"/r","time":"soon"}"#,
        json!({"TimeGenerated": "2023-11-14T22:13:20Z", "AdditionalFields": {"time": "soon"}}),
    );
}

#[test]
fn rows_of_log_analytics_keep_their_columns() {
    check_some(
        r#"{"TimeGenerated":"2026-03-04T05:06:07Z","Type":"AzureDiagnostics","SourceSystem":"Azure",
            "Category":"GatewayLogs","ResourceId":"/SUBSCRIPTIONS/S1","_ResourceId":"/subscriptions/s1",
            "httpStatus_d":201.0,"id_s":"i","unheard_s":"u","ResultType":"Success"}"#,
        json!({
            "Category": "GatewayLogs",
            "ResourceId": "/SUBSCRIPTIONS/S1",
            "_ResourceId": "/subscriptions/s1",
            "_SubscriptionId": "s1",
            "httpStatus_d": 201.0,
            "id_s": "i",
            "ResultType": "Success",
            "AdditionalFields": {"unheard_s": "u"},
        }),
    );
}

#[test]
fn columns_that_the_table_has_are_filled_from_properties() {
    let resource = "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/G1/PROVIDERS/MICROSOFT.CDN/PROFILES/P1";
    let properties = json!({
        "clientIP": "192.0.2.7", "clientPort": "4711", "action": "Block", "requestUri": "https://a.example/?x=1",
        "ruleName": "Managed-1", "policy": "waf", "policyMode": "prevention", "host": "a.example",
        "httpStatusCode": 403, "duration": 0.5, "isAccessPolicyMatch": true, "socketIP": "192.0.2.8",
        "conditions": {"protocols": ["tcp"], "destinationIP": {"a": 1}},
        "executionInfo": {"startTime": "2026-03-04T05:06:07Z", "exitCode": 0},
        "properties": {"tenantId": "1f2e3d4c-0000-1111-2222-333344445555"},
        "JobId": "none", "code": null, "direction": "", "a": {"b": {"c": {"d": {"e": 1}}}},
    });
    let record = json!({
        "time": "2026-03-04T05:06:07Z", "category": "FrontDoorWebApplicationFirewallLog", "resourceId": resource,
        "operationName": "Microsoft.Cdn/Profiles/WebApplicationFirewallLog/Write", "properties": properties,
        "identity": {"claim": {"appid": "2f2e3d4c-0000-1111-2222-333344445555"}}, "Region": "moon",
    });
    let expected = json!({
        "clientIP_s": "192.0.2.7", "action_s": "Block", "requestUri_s": "https://a.example/?x=1",
        "ruleName_s": "Managed-1", "policy_s": "waf", "policyMode_s": "prevention", "host_s": "a.example",
        "httpStatusCode_d": 403.0, "httpStatusCode_s": null, "duration_d": 0.5, "isAccessPolicyMatch_b": true,
        "clientPort_d": null, "conditions_protocols_s": "[\"tcp\"]", "conditions_destinationIP_s": null,
        "executionInfo_startTime_t": "2026-03-04T05:06:07Z", "executionInfo_exitCode_d": 0.0,
        "properties_tenantId_g": "1f2e3d4c-0000-1111-2222-333344445555", "JobId_g": null, "jobId_s": "none",
        "code_s": null, "direction_s": null, "Region_s": "moon",
        "identity_claim_appid_g": "2f2e3d4c-0000-1111-2222-333344445555",
        "AdditionalFields": {
            "properties": properties, "Region": "moon",
            "identity": {"claim": {"appid": "2f2e3d4c-0000-1111-2222-333344445555"}},
        },
    });
    check_some(&record.to_string(), expected.clone());
    let mut in_text = record;
    in_text["properties"] = json!(properties.to_string());
    check_some(&in_text.to_string(), expected);
}
