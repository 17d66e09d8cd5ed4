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
