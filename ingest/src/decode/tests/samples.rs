//! Logs that others wrote, where there are any: a folder beside the repository.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;

/// Folders whose records are all well-formed and of a known kind.
const KNOWN: [&str; 6] = [
    "activity-eventhub",
    "apim-gateway",
    "nsg-flow",
    "nsg-flow-v2",
    "vnet-flow",
    "activitylogs",
];

/// The same for kinds with a row for each record, and the tables that the rows are in.
const KNOWN_ROWS: &[(&str, &[Table])] = &[
    ("functionapp-eventhub", &[Table::AzureDiagnostics]),
    ("metrics-eventhub", &[Table::AzureDiagnostics]),
    (
        "signinlogs",
        &[
            Table::SigninLogs,
            Table::AadNonInteractiveUserSignInLogs,
            Table::AadServicePrincipalSignInLogs,
            Table::AadManagedIdentitySignInLogs,
            // Those of Microsoft's own service principals have no table of their own.
            Table::AzureDiagnostics,
        ],
    ),
    ("auditlogs", &[Table::AuditLogs]),
    ("keyvault-audit", &[Table::AzkvAuditLogs]),
    (
        "application_gateway",
        &[
            Table::AgwAccessLogs,
            Table::AgwFirewallLogs,
            // One that reports on the health of a virtual machine is among them.
            Table::AzureActivity,
        ],
    ),
    ("appgw-waf", &[Table::AgwFirewallLogs]),
];

/// Files in those folders that are no logs, or hold other kinds as well.
const OTHERS: [&str; 2] = ["-expected.json", "test-activitylogs-edgecases.log"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Records as an independent reader counts them; `None` if the file is no JSON.
fn count(body: &str) -> Option<u64> {
    fn of(value: &Value) -> u64 {
        match value {
            Value::Array(items) => items.iter().map(of).sum(),
            Value::Object(object) => object.get("records").map_or(1, of),
            _ => 1,
        }
    }
    let values = serde_json::Deserializer::from_str(body).into_iter::<Value>();
    values
        .map(|value| {
            value
                .ok()
                .filter(|value| !value.is_number())
                .map(|value| of(&value))
        })
        .sum()
}

/// Says that a test did not run. The handle is written to, as what a test prints by macro is shown only if it fails.
fn skipped(test: &str) {
    writeln!(std::io::stderr(), "skipped: {test}: no samples folder").unwrap();
}

#[test]
fn samples_of_others_go_in() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples"));
    if !folder.is_dir() {
        skipped("samples_of_others_go_in");
        return;
    }
    let mut paths = Vec::new();
    files(folder, &mut paths);
    for path in paths {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let bytes = fs::read(&path).unwrap();
        let decoded = run(&Limits::default(), &bytes);
        for cut in (0..bytes.len().min(20_000)).step_by(997) {
            drop(run(&Limits::default(), &bytes[..cut]));
        }
        let Some(expected) = std::str::from_utf8(&bytes).ok().and_then(count) else {
            continue;
        };
        let decoded = decoded.unwrap_or_else(|error| panic!("{name}: {error}"));
        let kept = quarantine::kept(&decoded);
        let reasons: Vec<_> = kept.iter().map(|(_, reason, ..)| reason).collect();
        assert_eq!(
            decoded.accepted + decoded.quarantined,
            expected,
            "{name}: {reasons:?}"
        );
        let kind = name.split('/').nth(1).unwrap_or_default();
        if let Some((_, tables)) = KNOWN_ROWS.iter().find(|(known, _)| *known == kind) {
            let parts = decoded.parts.iter();
            let own = parts.filter(|(table, _)| tables.contains(table));
            let rows: usize = own.map(|(_, batch)| batch.num_rows()).sum();
            assert_eq!(rows as u64, expected, "{name}: {reasons:?}");
        }
        let is_known = KNOWN.contains(&kind);
        if is_known && !OTHERS.iter().any(|other| name.ends_with(other)) {
            assert_eq!(decoded.quarantined, 0, "{name}: {reasons:?}");
        }
    }
}

/// Activity logs that come with a verdict are one member of a line.
#[test]
fn activity_logs_within_test_cases_go_in() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/samples/panther-labs+panther-analysis/Azure_MonitorActivity/",
        "tests.with-expected.ndjson"
    );
    let Ok(text) = fs::read_to_string(path) else {
        skipped("activity_logs_within_test_cases_go_in");
        return;
    };
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let category = case["log"]["category"].as_str().unwrap_or_default();
        if category.is_empty() || category.starts_with("Storage") {
            continue; // what storage accounts themselves log
        }
        let log = case["log"].to_string();
        let decoded = run(&Limits::default(), log.as_bytes()).unwrap();
        assert_eq!((decoded.accepted, decoded.quarantined), (1, 0), "{log}");
    }
}

/// The same for those of Entra ID.
#[test]
fn entra_logs_within_test_cases_go_in() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/samples/panther-labs+panther-analysis/Azure_Audit/",
        "tests.with-expected.ndjson"
    );
    let Ok(text) = fs::read_to_string(path) else {
        skipped("entra_logs_within_test_cases_go_in");
        return;
    };
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let log = case["log"].to_string();
        let decoded = run(&Limits::default(), log.as_bytes()).unwrap();
        assert_eq!((decoded.accepted, decoded.quarantined), (1, 0), "{log}");
        let [(table, _)] = decoded.parts.as_slice() else {
            panic!("{log}")
        };
        assert_ne!(*table, Table::AzureDiagnostics, "{log}");
    }
}
