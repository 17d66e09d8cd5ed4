use super::*;

#[test]
fn the_resource_log_shape() {
    check(
        r#"{"time":"2024-01-01T00:00:00Z","RoleLocation":"Here","durationMs":"20",
            "resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.WEB/SITES/A",
            "operationName":"Microsoft.Web/sites/write","category":"Write",
            "resultType":"Succeeded.","resultSignature":"Succeeded.Created",
            "callerIpAddress":"203.0.113.9","correlationId":"c","level":"Information",
            "identity":{"authorization":{"scope":"/s"},"claims":{"name":"Ann"},"more":1},
            "properties":{"eventCategory":"Policy","hierarchy":"h"}}"#,
        json!([{
            "TimeGenerated": "2024-01-01T00:00:00Z",
            "OperationNameValue": "MICROSOFT.WEB/SITES/WRITE",
            "OperationName": "Microsoft.Web/sites/write",
            "Category": "Write", "CategoryValue": "Policy",
            "ActivityStatus": "Succeeded.", "ActivityStatusValue": "Success",
            "ActivitySubstatus": "Succeeded.Created", "ActivitySubstatusValue": "Created",
            "CallerIpAddress": "203.0.113.9", "Caller": "Ann", "CorrelationId": "c",
            "Level": "Information",
            "Authorization": "{\"scope\":\"/s\"}", "Authorization_d": "{\"scope\":\"/s\"}",
            "Claims": "{\"name\":\"Ann\"}", "Claims_d": "{\"name\":\"Ann\"}",
            "Properties": "{\"eventCategory\":\"Policy\",\"hierarchy\":\"h\"}",
            "Properties_d": "{\"eventCategory\":\"Policy\",\"hierarchy\":\"h\"}",
            "Hierarchy": "h",
            "Resource": "A", "ResourceGroup": "G", "SubscriptionId": "S",
            "ResourceProviderValue": "MICROSOFT.WEB",
            "ResourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.WEB/SITES/A",
            "_ResourceId": "/subscriptions/s/resourcegroups/g/providers/microsoft.web/sites/a",
            "_SubscriptionId": "s",
            "AdditionalFields": {
                "RoleLocation": "Here", "durationMs": "20", "identity": {"more": 1}
            },
        }]),
    );
}

#[test]
fn the_rest_shape() {
    let camel = r#"{"eventTimestamp":"2024-01-01T00:00:00Z","submissionTimestamp":"2024-01-01T00:01:00Z",
        "operationName":{"value":"Microsoft.Web/sites/write","localizedValue":"Update site"},
        "category":{"value":"Administrative","localizedValue":"Administrative"},
        "status":{"value":"Failed","localizedValue":"Failed"},
        "subStatus":{"value":"Conflict","localizedValue":"Conflict (409)"},
        "resourceProviderName":{"value":"Microsoft.Web","localizedValue":"Web"},
        "caller":"ann@example.com","eventDataId":"e","operationId":"o","subscriptionId":"s",
        "resourceGroupName":"G","httpRequest":{"clientIpAddress":"203.0.113.9"},
        "authorization":{"scope":"/s"},"claims":{"name":"Ann"},"channels":"Operation"}"#;
    let expected = json!({
        "TimeGenerated": "2024-01-01T00:00:00Z",
        "EventSubmissionTimestamp": "2024-01-01T00:01:00Z",
        "OperationNameValue": "MICROSOFT.WEB/SITES/WRITE", "OperationName": "Update site",
        "CategoryValue": "Administrative",
        "ActivityStatusValue": "Failure", "ActivityStatus": "Failed",
        "ActivitySubstatusValue": "Conflict", "ActivitySubstatus": "Conflict (409)",
        "ResourceProviderValue": "MICROSOFT.WEB", "ResourceProvider": "Web",
        "Caller": "ann@example.com", "CallerIpAddress": "203.0.113.9",
        "EventDataId": "e", "OperationId": "o", "SubscriptionId": "s", "ResourceGroup": "G",
        "Claims_d": "{\"name\":\"Ann\"}", "AdditionalFields": {"channels": "Operation"},
    });
    check_some(camel, expected.clone());
    let snake = camel
        .replace("eventTimestamp", "event_timestamp")
        .replace("operationName", "operation_name")
        .replace("localizedValue", "localized_value")
        .replace("subStatus", "sub_status")
        .replace("httpRequest", "http_request")
        .replace("clientIpAddress", "client_ip_address")
        .replace("eventDataId", "event_data_id");
    check_some(&snake, expected);
}

#[test]
fn words_of_the_status() {
    #[track_caller]
    fn check_status(came: &str, expected: &str) {
        let record = format!(
            r#"{{"category":"Administrative","operationName":"a/b","resultType":"{came}"}}"#
        );
        check_some(
            &record,
            json!({"ActivityStatusValue": expected, "ActivityStatus": came}),
        );
    }
    check_status("Start", "Start");
    check_status("Started.", "Start");
    check_status("Succeeded", "Success");
    check_status("Failed", "Failure");
    check_status("Accepted", "Accept");
    check_status("Updated", "Updated");
}

#[test]
fn categories_of_log_profiles_are_administrative() {
    check_some(
        r#"{"category":"Delete","identity":{"claims":{"appid":"app"}}}"#,
        json!({"CategoryValue": "Administrative", "Category": "Delete", "Caller": "app"}),
    );
}

#[test]
fn what_is_no_document_is_kept() {
    check_some(
        r#"{"category":"Administrative","operationName":"a/b","identity":"Ann","resultType":{"odd":1},"properties":"text"}"#,
        json!({
            "Properties": "text", "ActivityStatusValue": null,
            "AdditionalFields": {"identity": "Ann", "resultType": {"odd": 1}},
        }),
    );
}

#[test]
fn rows_of_log_analytics() {
    check(
        r#"{"TimeGenerated":"2024-01-01T00:00:00Z","OperationName":"Update site","Type":"AzureActivity",
            "OperationNameValue":"MICROSOFT.WEB/SITES/WRITE","ActivityStatusValue":"Success",
            "CategoryValue":"Administrative","Caller":"ann@example.com","Properties":"{\"a\":\"B\"}",
            "Properties_d":{"a":"b"},"_ResourceId":"/subscriptions/s"}"#,
        json!([{
            "TimeGenerated": "2024-01-01T00:00:00Z", "OperationName": "Update site",
            "OperationNameValue": "MICROSOFT.WEB/SITES/WRITE", "ActivityStatusValue": "Success",
            "CategoryValue": "Administrative", "Caller": "ann@example.com",
            "Properties": "{\"a\":\"B\"}", "Properties_d": "{\"a\":\"b\"}",
            "_ResourceId": "/subscriptions/s", "_SubscriptionId": "s", "SubscriptionId": "s",
        }]),
    );
}

#[test]
fn levels_are_words() {
    #[track_caller]
    fn check_level(came: &str, level: &str, rest: &Value) {
        let record = format!(r#"{{"category":"Autoscale","operationName":"a/b",{came}}}"#);
        check_some(&record, json!({"Level": level, "AdditionalFields": rest}));
    }
    let rest = json!({"Level": 5});
    check_level(
        r#""Level":5,"level":"Informational""#,
        "Informational",
        &rest,
    );
    check_level(
        r#""level":"Informational","Level":5"#,
        "Informational",
        &rest,
    );
    check_level(
        r#""Level":4,"level":"Informational""#,
        "Informational",
        &Value::Null,
    );
    check_level(r#""Level":"3""#, "Warning", &Value::Null);
    check_level(r#""level":1"#, "Critical", &Value::Null);
    check_level(r#""level":2"#, "Error", &Value::Null);
    check_level(r#""level":5"#, "Verbose", &Value::Null);
    check_level(r#""level":9"#, "9", &Value::Null);
    check_level(r#""level":2,"Level":3"#, "Error", &json!({"Level": 3}));
    check_some(
        r#"{"TimeGenerated":"2024-01-01T00:00:00Z","Type":"AzureActivity","CategoryValue":"Policy","Level":"4"}"#,
        json!({"Level": "Informational"}),
    );
}
