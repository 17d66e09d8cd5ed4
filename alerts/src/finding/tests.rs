use serde_json::json;

use super::*;
use crate::rules::parse_rule;

const RULE: &str = "\
id: a
name: Something
kind: Scheduled
severity: Low
queryFrequency: 5m
queryPeriod: 5m
query: select 1
entityMappings:
- {entityType: IP, fieldMappings: [{identifier: Address, columnName: Ip}]}
- {entityType: Account, fieldMappings: [{identifier: Name, columnName: User}]}
customDetails: {Api: Api}
alertDetailsOverride: {alertDisplayNameFormat: '{{Ip}} by {{ User }}', alertSeverityColumnName: Sev}
eventGroupingSettings: {aggregationKind: AlertPerResult}
bartizan: {language: sql}
";

fn found(rule: &str, rows: serde_json::Value) -> Vec<Finding> {
    let rule = parse_rule("a.yaml", rule).unwrap();
    let rows: Vec<Row> = serde_json::from_value(rows).unwrap();
    findings_of(
        &rule,
        &Rows {
            columns: vec!["Ip".to_owned(), "User".to_owned()],
            rows,
        },
    )
}

#[test]
fn rows_become_findings_with_titles_entities_and_severity() {
    let rows = json!([{"Ip": "192.0.2.1", "User": "{{Ip}}\r\nBcc: x", "Sev": "High", "EndTime": "2026-11-02T10:00:00"}]);
    let finding = found(RULE, rows).remove(0);
    // What a value holds is not filled in again, and a title has one line.
    assert_eq!(finding.title, "192.0.2.1 by {{Ip}}  Bcc: x");
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.entities.len(), 2);
    assert_eq!(
        finding.last_event,
        Timestamp::parse_rfc3339("2026-11-02T10:00:00Z")
    );
    assert_eq!(finding.evidence.rows, [["192.0.2.1", "{{Ip}}\r\nBcc: x"]]);
    let unknown = found(RULE, json!([{"Ip": "192.0.2.1", "Sev": "Urgent"}])).remove(0);
    assert_eq!(
        (unknown.severity, unknown.entities.len()),
        (Severity::Low, 1)
    );
}

#[test]
fn the_same_entities_have_the_same_fingerprint() {
    let fingerprint =
        |rule: &str, row: serde_json::Value| found(rule, json!([row])).remove(0).fingerprint;
    let base = json!({"Ip": "192.0.2.1", "User": "eve", "Api": "orders"});
    let other_api = json!({"Ip": "192.0.2.1", "User": "eve", "Api": "payments"});
    let other_user = json!({"Ip": "192.0.2.1", "User": "bob", "Api": "orders"});
    let grouped = |method: &str| {
        format!(
            "{RULE}incidentConfiguration: {{groupingConfiguration: {{matchingMethod: {method}}}}}\n"
        )
    };
    #[track_caller]
    fn check(left: &str, right: &str, are_equal: bool) {
        assert_eq!(left == right, are_equal);
    }
    check(
        &fingerprint(RULE, base.clone()),
        &fingerprint(RULE, other_api.clone()),
        true,
    );
    check(
        &fingerprint(RULE, base.clone()),
        &fingerprint(RULE, other_user.clone()),
        false,
    );
    let any = grouped("AnyAlert");
    check(
        &fingerprint(&any, base.clone()),
        &fingerprint(&any, other_user.clone()),
        true,
    );
    let by_ip = grouped("Selected, groupByEntities: [IP]");
    check(
        &fingerprint(&by_ip, base.clone()),
        &fingerprint(&by_ip, other_user),
        true,
    );
    let by_api = grouped("Selected, groupByCustomDetails: [Api]");
    check(
        &fingerprint(&by_api, base.clone()),
        &fingerprint(&by_api, other_api),
        false,
    );
    check(
        &fingerprint(RULE, base.clone()),
        &fingerprint(&RULE.replace("id: a", "id: b"), base),
        false,
    );
}

#[test]
fn one_alert_for_all_rows_has_all_entities_and_none_is_needed() {
    let single = RULE.replace("AlertPerResult", "SingleAlert");
    let rows = json!([{"Ip": "192.0.2.1"}, {"Ip": "192.0.2.2"}, {"Ip": "192.0.2.1"}]);
    let findings = found(&single, rows.clone());
    assert_eq!((findings.len(), findings[0].entities.len()), (1, 2));
    assert_eq!(found(RULE, rows).len(), 3);
    assert_eq!(found(RULE, json!([])).len(), 0);
    let silence = RULE.replace("query:", "triggerOperator: eq\nquery:");
    assert_eq!(found(&silence, json!([])).len(), 1);
}
