use super::*;

/// The tables and their rows.
#[track_caller]
fn check(event: &Value, expected: &str) {
    let decoded = run(&Limits::default(), event.to_string().as_bytes()).unwrap();
    let tables = decoded.parts.iter();
    let words: Vec<_> = tables
        .map(|(table, batch)| format!("{table}:{}", batch.num_rows()))
        .collect();
    assert_eq!(words.join(" "), expected, "{event}");
}

const GATEWAY: &str =
    r#"{"time":"2026-01-01T00:00:00Z","category":"GatewayLogs","properties":{"method":"GET"}}"#;
const OTHER: &str =
    r#"{"time":"2026-01-01T00:00:00Z","category":"Other","operationName":"Do","level":"Warning"}"#;

#[test]
fn the_record_in_a_shippers_event_becomes_the_row() {
    let event = json!({"@timestamp": "2026-01-02T00:00:00Z", "agent": {"type": "filebeat"}, "message": GATEWAY});
    let found = rows(&event.to_string());
    let [row] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(row["TimeGenerated"], "2026-01-01T00:00:00Z");
    assert_eq!(row["Method"], "GET");
    assert!(row.get("AdditionalFields").is_none(), "{row}");
}

#[test]
fn every_shipper_has_its_own_member_for_the_line() {
    let gateway = "ApiManagementGatewayLogs:1";
    check(
        &json!({"message": GATEWAY, "timestamp": "2026-01-02T00:00:00Z", "source_type": "file"}),
        gateway,
    );
    check(
        &json!({"event": {"original": GATEWAY}, "@version": "1"}),
        gateway,
    );
    check(&json!({"date": 1.5, "log": GATEWAY}), gateway);
    check(
        &json!({"TimeGenerated": "2026-01-02T00:00:00Z", "RawData": GATEWAY}),
        gateway,
    );
    check(
        &json!({"@timestamp": "t", "log": {"offset": 1}, "message": OTHER}),
        "AzureDiagnostics:1",
    );
}

#[test]
fn a_line_may_hold_many_records_and_a_broken_one() {
    let line = format!(r#"{{"records":[{GATEWAY},{GATEWAY},5,{OTHER}]}}"#);
    check(
        &json!({"@timestamp": "t", "message": line}),
        "ApiManagementGatewayLogs:2 AzureDiagnostics:1 _Quarantine:1",
    );
}

#[test]
fn a_record_that_quotes_another_stays_itself() {
    let quoting = json!({"time": "2026-01-01T00:00:00Z", "category": "Other", "operationName": "Do", "message": r#"{"time":"2026-01-01T00:00:00Z"}"#});
    let row = rows(&quoting.to_string()).pop().unwrap();
    assert_eq!(row["Category"], "Other");
    check(
        &json!({"@timestamp": "t", "message": "started {"}),
        "_Quarantine:1",
    );
    check(
        &json!({"@timestamp": "t", "message": "{\"a\":1}"}),
        "_Quarantine:1",
    );
}

#[test]
fn rows_go_to_the_table_that_was_told_unless_they_name_one() {
    let workspace = Workspace::default();
    let mappings = Mappings::default();
    let context = Context {
        workspace: &workspace,
        batch: "b",
        source: "test",
        received: RECEIVED,
        mappings: &mappings,
    };
    let body =
        br#"[{"TimeGenerated":"2026-01-01T00:00:00Z","Caller":"c"},{"Type":"AuditLogs","Id":"1"}]"#;
    let told = Some(Table::AzureActivity);
    let decoded = decode_as(&context, &Limits::default(), body, told).unwrap();
    let tables: Vec<_> = decoded.parts.iter().map(|(table, _)| *table).collect();
    assert_eq!(tables, [Table::AzureActivity, Table::AuditLogs]);
}

#[test]
fn messages_of_subscriptions_that_ask_whether_anybody_is_there_are_no_records() {
    let subscription = |kind: &str, message: &str| {
        json!({"messageType": kind, "owner": "o", "logEvents": [
            {"id": "1", "timestamp": 1_510_109_208_016_i64, "message": message}
        ]})
    };
    let control = subscription(
        "CONTROL_MESSAGE",
        "CWL CONTROL MESSAGE: Checking health of destination.",
    );
    check(&control, "");
    check(
        &json!([control, serde_json::from_str::<Value>(GATEWAY).unwrap()]),
        "ApiManagementGatewayLogs:1",
    );
    check(&subscription("DATA_MESSAGE", "plain text"), "_Quarantine:1");
}
