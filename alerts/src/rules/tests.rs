use super::duration::parse_duration;
use super::*;

const GOOD: &str = "\
id: a
name: Something
kind: Scheduled
severity: High
queryFrequency: 5m
queryPeriod: PT1H
query: select CallerIpAddress from ApiManagementGatewayLogs
entityMappings:
- entityType: IP
  fieldMappings:
  - identifier: Address
    columnName: CallerIpAddress
bartizan:
  language: sql
";

#[test]
fn every_shipped_rule_is_read_and_complete() {
    let set = RuleSet::load(None, &[]);
    assert_eq!(set.failures, []);
    assert_eq!(set.rules.len(), 5);
    for rule in &set.rules {
        let texts = [&rule.description, &rule.runbook, &rule.version];
        assert!(texts.iter().all(|text| !text.is_empty()), "{}", rule.id);
        assert!(
            !rule.tactics.is_empty() && !rule.techniques.is_empty(),
            "{}",
            rule.id
        );
        assert_eq!(rule.tables.len(), 1, "{}", rule.id);
        assert!(
            rule.samples.is_some() && !rule.entities.is_empty(),
            "{}",
            rule.id
        );
    }
}

#[test]
fn a_rule_is_read_as_sentinel_means_it() {
    let rule = parse_rule("a.yaml", GOOD).unwrap();
    assert_eq!(
        (rule.frequency, rule.period),
        (Duration::from_mins(5), Duration::from_hours(1))
    );
    assert_eq!(
        rule.trigger,
        Trigger {
            operator: TriggerOperator::GreaterThan,
            threshold: 0
        }
    );
    assert_eq!(
        (rule.aggregation, rule.grouping),
        (Aggregation::SingleAlert, Grouping::AllEntities)
    );
    assert_eq!(
        (rule.tables.as_slice(), rule.query_line),
        (&[Table::ApiManagementGatewayLogs][..], 7)
    );
}

#[test]
fn complaints_name_line_and_reason() {
    #[track_caller]
    fn check(from: &str, to: &str, line: usize, reason: &str) {
        assert!(GOOD.contains(from), "{from}");
        let failure = parse_rule("a.yaml", &GOOD.replace(from, to)).unwrap_err();
        assert_eq!(
            (failure.file.as_str(), failure.line),
            ("a.yaml", Some(line)),
            "{failure}"
        );
        assert!(failure.reason.contains(reason), "{failure}");
    }
    check(
        "queryPeriod:",
        "queryPerod:",
        6,
        "the nearest known key is `queryPeriod`",
    );
    check(
        "columnName:",
        "column:",
        12,
        "the nearest known key is `columnName`",
    );
    check(
        "  language:",
        "  lang:",
        14,
        "the nearest known key is `language`",
    );
    check(
        "severity: High",
        "severity: Urgent",
        4,
        "not one of Informational, Low, Medium, High",
    );
    check(
        "queryFrequency: 5m",
        "queryFrequency: 5 minutes",
        5,
        "`5 minutes` is not a duration",
    );
    check(
        "queryFrequency: 5m",
        "queryFrequency: 2h",
        5,
        "longer than queryPeriod",
    );
    check(
        "queryPeriod: PT1H",
        "queryPeriod: P15D",
        6,
        "between 1m and 14d",
    );
    check("language: sql", "language: SQL", 14, "neither kql nor sql");
    check(
        "kind: Scheduled",
        "kind: Fusion",
        3,
        "unknown variant `Fusion`",
    );
    check(
        "name: Something\n",
        "suppressionEnabled: true\nname: x\n",
        2,
        "needs a suppressionDuration",
    );
}

#[test]
fn rules_are_read_as_exports_write_them() {
    let read = |text: &str| parse_rule("a.yaml", text).unwrap();
    let good = read(GOOD);
    assert_eq!(
        read(&format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))).query_line,
        good.query_line
    );
    let nulls = "customDetails: null\nalertDetailsOverride: null\neventGroupingSettings: null\ntactics: null\n\
        incidentConfiguration: {createIncident: true, groupingConfiguration: {groupByEntities: null, groupByAlertDetails: null, groupByCustomDetails: null}}\n";
    assert_eq!(read(&format!("{GOOD}{nulls}")), good);
    let dynamic = "alertDetailsOverride: {alertTacticsColumnName: null, alertDynamicProperties: [{alertProperty: AlertLink, value: Link}]}\n";
    assert_eq!(read(&format!("{GOOD}{dynamic}")), good);
    let spans = "queryFrequency: 5m\nqueryPeriod: PT1H\n";
    let near = read(
        &GOOD
            .replace("kind: Scheduled", "kind: NRT")
            .replace(spans, ""),
    );
    assert_eq!(
        (near.frequency, near.period),
        (Duration::from_mins(1), Duration::from_mins(1))
    );
    let refused = |text: &str| parse_rule("a.yaml", text).unwrap_err().reason;
    assert_eq!(
        refused(&GOOD.replace(spans, "")),
        "missing field `queryFrequency`"
    );
    assert_eq!(refused(&GOOD.replace("id: a", "id: ' '")), "id is empty");
}

#[test]
fn rules_are_found_in_folders_and_by_ids_in_either_case() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, id: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, GOOD.replace("id: a", &format!("id: {id}"))).unwrap();
    };
    write("Azure/Solutions/b.YAML", "b");
    write("..2026/b.yaml", "b");
    write("own.yml", "6F0E1A52-5D0B-4C0E-9F43-0F6C2A7D1B01");
    let set = RuleSet::load(Some(folder.path()), &["B".to_owned(), "nobody".to_owned()]);
    assert_eq!(set.rules.len(), 5);
    assert!(set.rules.iter().any(|rule| rule.name == "Something"));
    let failures: Vec<String> = set.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, ["rules.disabled: no rule has the id nobody"]);
}

#[test]
fn missing_keys_are_named() {
    let failure = parse_rule("a.yaml", &GOOD.replace("severity: High\n", "")).unwrap_err();
    assert!(
        failure.reason.contains("missing field `severity`"),
        "{failure}"
    );
}

#[test]
fn broken_and_doubled_files_are_listed_and_the_others_run() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.yaml", GOOD);
    write("b.yml", GOOD);
    write("c.yaml", "id: [");
    write("d.txt", "not a rule");
    write(
        "e.yaml",
        &GOOD.replace("id: a", "id: 6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b05"),
    );
    let set = RuleSet::load(
        Some(folder.path()),
        &["6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1b04".to_owned()],
    );
    let failures: Vec<(bool, bool)> = set
        .failures
        .iter()
        .map(|failure| {
            (
                failure.file.ends_with("b.yml"),
                failure.file.ends_with("c.yaml"),
            )
        })
        .collect();
    assert_eq!(failures, [(true, false), (false, true)]);
    // Four of the shipped ones, one of them replaced, and a.yaml.
    assert_eq!(set.rules.len(), 5);
    let replaced = set
        .rules
        .iter()
        .find(|rule| rule.id.ends_with("05"))
        .unwrap();
    assert_eq!(replaced.name, "Something");
    let gone = folder.path().join("gone");
    assert_eq!(RuleSet::load(Some(&gone), &[]).failures.len(), 1);
}

#[test]
fn durations_are_read_in_both_forms() {
    #[track_caller]
    fn check(text: &str, seconds: Option<u64>) {
        assert_eq!(
            parse_duration(text),
            seconds.map(Duration::from_secs),
            "{text}"
        );
    }
    check("5m", Some(300));
    check("1h", Some(3_600));
    check("14d", Some(1_209_600));
    check("PT5M", Some(300));
    check("P1D", Some(86_400));
    check("P1DT12H", Some(129_600));
    check("PT1H30M", Some(5_400));
    for wrong in [
        "",
        "5",
        "m",
        "5 m",
        "-5m",
        "P",
        "PT",
        "P5M",
        "PT5",
        "PT5M1H",
        "1.5h",
        "99999999999999999999d",
        "5€",
    ] {
        check(wrong, None);
    }
}
