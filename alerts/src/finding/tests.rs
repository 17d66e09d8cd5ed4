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

fn found(rule: &str, rows: Value) -> Vec<Finding> {
    let rule = parse_rule("a.yaml", rule).unwrap();
    let rows: Vec<Row> = serde_json::from_value(rows).unwrap();
    findings_of(
        &rule,
        &Rows {
            columns: ["Ip", "User", "n", "at", "all"].map(str::to_owned).to_vec(),
            count: rows.len() as u64,
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
    assert_eq!(
        finding.evidence.rows[0][..2],
        ["192.0.2.1", "{{Ip}}\r\nBcc: x"]
    );
    let unknown = found(RULE, json!([{"Ip": "192.0.2.1", "Sev": "Urgent"}])).remove(0);
    assert_eq!(
        (unknown.severity, unknown.entities.len()),
        (Severity::Low, 1)
    );
}

#[test]
fn the_same_entities_have_the_same_fingerprint() {
    let fingerprint = |rule: &str, row: Value| found(rule, json!([row])).remove(0).fingerprint;
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

/// Whatever incidents are grouped by, each row of a window is an alert, and the same one when the window is evaluated again.
#[test]
fn each_row_is_an_alert_that_is_recognised_again() {
    let identities = |rule: &str, rows: Value| -> Vec<String> {
        let found = found(rule, rows).into_iter();
        found.map(|finding| finding.identity).collect()
    };
    let grouped = |grouping: &str| {
        format!("{RULE}incidentConfiguration: {{groupingConfiguration: {{{grouping}}}}}\n")
    };
    let anonymous = RULE
        .replace("entityMappings", "#")
        .replace("- {entity", "# {entity");
    for rule in [
        grouped("matchingMethod: AnyAlert"),
        grouped("enabled: false, matchingMethod: Selected"),
        anonymous,
    ] {
        let row =
            |ip: &str, count: u64, at: &str| json!({"Ip": ip, "n": count, "at": at, "all": "[1]"});
        let first = json!([
            row("192.0.2.1", 5, "2026-11-02T10:00:00Z"),
            row("192.0.2.2", 5, "2026-11-02T10:00:00Z")
        ]);
        let again = json!([
            row("192.0.2.1", 7, "2026-11-02T10:01:00Z"),
            row("192.0.2.2", 9, "2026-11-02T10:01:00Z")
        ]);
        let first = identities(&rule, first);
        assert_ne!(first[0], first[1], "{rule}");
        assert_eq!(first, identities(&rule, again), "{rule}");
        let twice = identities(
            &rule,
            json!([
                row("192.0.2.1", 1, "2026-11-02T10:00:00Z"),
                row("192.0.2.1", 2, "2026-11-02T10:00:00Z")
            ]),
        );
        assert_ne!(twice[0], twice[1]);
        assert_eq!(twice[0], first[0]);
    }
    let ungrouped = grouped("enabled: false, matchingMethod: AnyAlert");
    let found = found(
        &ungrouped,
        json!([{"Ip": "192.0.2.1"}, {"Ip": "192.0.2.1"}, {"Ip": "192.0.2.2"}]),
    );
    let incidents: std::collections::BTreeSet<&str> = found
        .iter()
        .map(|finding| finding.fingerprint.as_str())
        .collect();
    assert_eq!(incidents.len(), 3);
}
