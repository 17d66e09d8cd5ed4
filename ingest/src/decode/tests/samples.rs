//! Logs that others wrote, where there are any: a folder beside the repository, with an index that says how many
//! records each file has, and how many of them are broken on purpose.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;

mod flows;

/// Kinds of samples whose records have a row each, and the tables that the rows are in.
const TABLES: &[(&str, &[Table])] = &[
    ("activity-eventhub", &[Table::AzureActivity]),
    (
        "activitylogs",
        // A sign-in that a client did is among them.
        &[Table::AzureActivity, Table::AadNonInteractiveUserSignInLogs],
    ),
    (
        "Azure_Audit",
        &[
            Table::AuditLogs,
            Table::SigninLogs,
            Table::AadNonInteractiveUserSignInLogs,
            Table::AadServicePrincipalSignInLogs,
        ],
    ),
    (
        "Azure_MonitorActivity",
        // What storage accounts themselves log is among them.
        &[Table::AzureActivity, Table::AzureDiagnostics],
    ),
    ("apim-gateway", &[Table::ApiManagementGatewayLogs]),
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
    ("auditlogs", &[Table::AuditLogs]),
    ("azureactivity-la-csv", &[Table::AzureActivity]),
    ("functionapp-eventhub", &[Table::AzureDiagnostics]),
    ("keyvault-audit", &[Table::AzkvAuditLogs]),
    ("metrics-eventhub", &[Table::AzureDiagnostics]),
    ("nginx-la", &[Table::AzureDiagnostics]),
    (
        "platformlogs",
        &[Table::AzureDiagnostics, Table::AgwAccessLogs],
    ),
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
    ("tomcat-la", &[Table::AzureDiagnostics]),
];

/// Kinds of samples that are no logs of Azure's, so that they may be in quarantine.
const FOREIGN: [&str; 2] = ["aws-apigateway", "azure-monitor-alert"];

/// A log file, as the index has it.
#[derive(Debug)]
struct Sample {
    name: String,
    kind: String,
    records: u64,
    /// How many more records are broken on purpose.
    malformed: u64,
    bytes: Vec<u8>,
}

fn folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/samples")).to_path_buf()
}

/// Says that a test did not run. The handle is written to, as what a test prints by macro is shown only if it fails.
fn skipped(test: &str) {
    writeln!(std::io::stderr(), "skipped: {test}: no samples folder").unwrap();
}

/// The lines of the index: a file, its kind, and what it says of records.
fn index() -> Option<Vec<[String; 3]>> {
    let text = fs::read_to_string(folder().join("INDEX.md")).ok()?;
    let lines = text.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
        let [_, name, _, kind, records, ..] = cells.as_slice() else {
            return None;
        };
        let is_file = records.starts_with(|first: char| first.is_ascii_digit());
        is_file.then(|| [name.clone(), kind.clone(), records.clone()])
    });
    Some(lines.collect())
}

/// The log files; `None` where there are no samples. What others expect of a file is no log itself.
fn samples() -> Option<Vec<Sample>> {
    let number = |text: &str| -> u64 {
        let mut digits = text.split(|other: char| !other.is_ascii_digit());
        digits.find_map(|digits| digits.parse().ok()).unwrap()
    };
    let listed = index()?
        .into_iter()
        .filter(|[_, _, records]| !records.ends_with("expected"));
    let sample = |[name, kind, records]: [String; 3]| Sample {
        bytes: logs(&kind, fs::read(folder().join(&name)).unwrap()),
        records: number(&records),
        malformed: records.split_once("(+").map_or(0, |(_, more)| number(more)),
        name,
        kind,
    };
    Some(listed.map(sample).collect())
}

/// The logs in a file. Those that come with a verdict are a member of their line.
fn logs(kind: &str, bytes: Vec<u8>) -> Vec<u8> {
    if !kind.starts_with("Azure_") {
        return bytes;
    }
    let text = String::from_utf8(bytes).unwrap();
    let log = |line| serde_json::from_str::<Value>(line).unwrap()["log"].to_string();
    let lines: Vec<_> = text.lines().map(log).collect();
    lines.join("\n").into_bytes()
}

/// How many more records a body holds than its list is long: one of its records may be an envelope of others.
fn enclosed(bytes: &[u8]) -> u64 {
    let whole = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let records = whole["records"].as_array().into_iter().flatten();
    let more = records.filter_map(|record| record["records"].as_array()?.len().checked_sub(1));
    more.map(|more| more as u64).sum()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn the_index_lists_every_file() {
    let Some(listed) = index() else {
        return skipped("the_index_lists_every_file");
    };
    let mut found = Vec::new();
    files(&folder(), &mut found);
    let names = found
        .iter()
        .map(|path| path.strip_prefix(folder()).unwrap());
    let others = |name: &&Path| !name.starts_with("series") && !name.ends_with("INDEX.md");
    let names: BTreeSet<_> = names
        .filter(others)
        .map(|name| name.display().to_string())
        .collect();
    let listed: BTreeSet<_> = listed.into_iter().map(|[name, ..]| name).collect();
    assert_eq!(names, listed);
}

/// Every record is accounted for, and none is in quarantine but what is broken on purpose.
#[test]
fn every_record_of_every_file_goes_in() {
    let Some(samples) = samples() else {
        return skipped("every_record_of_every_file_goes_in");
    };
    assert!(samples.len() >= 38, "{} files", samples.len());
    for sample in &samples {
        let Sample {
            name, kind, bytes, ..
        } = sample;
        let decoded =
            run(&Limits::default(), bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let kept = quarantine::kept(&decoded);
        let reasons: Vec<_> = kept.iter().map(|(_, reason, ..)| reason).collect();
        assert_eq!(
            decoded.accepted + decoded.quarantined,
            sample.records + sample.malformed + enclosed(bytes),
            "{name}: {reasons:?}"
        );
        if !FOREIGN.contains(&kind.as_str()) {
            assert!(
                decoded.quarantined <= sample.malformed,
                "{name}: {reasons:?}"
            );
        }
        if let Some((_, tables)) = TABLES.iter().find(|(known, _)| known == kind) {
            let parts = decoded.parts.iter();
            let own = parts.filter(|(table, _)| tables.contains(table));
            let rows: usize = own.map(|(_, batch)| batch.num_rows()).sum();
            assert_eq!(rows as u64, decoded.accepted, "{name}: {reasons:?}");
        }
    }
}

/// A file that is cut anywhere keeps all the records before the cut.
#[test]
fn a_cut_file_keeps_what_is_whole() {
    let Some(samples) = samples() else {
        return skipped("a_cut_file_keeps_what_is_whole");
    };
    for Sample { name, bytes, .. } in &samples {
        let mut before = 0;
        let step = (bytes.len() / 23).max(97);
        for cut in (0..bytes.len()).step_by(step) {
            let read = run(&Limits::default(), &bytes[..cut]);
            let accepted = read.map_or(0, |decoded| decoded.accepted);
            assert!(
                accepted >= before,
                "{name}, cut at {cut}: {accepted} after {before}"
            );
            before = accepted;
        }
    }
}

/// A row of the portal's file has what its cells say.
#[test]
fn a_row_of_a_file_of_the_portal() {
    let path = "Azure+Azure-Sentinel/azureactivity-la-csv/azureActivity_adele.first-record.csv";
    let Ok(body) = fs::read_to_string(folder().join(path)) else {
        return skipped("a_row_of_a_file_of_the_portal");
    };
    let caller = "AdeleV@M365x816222.OnMicrosoft.com";
    check_some(
        &body,
        json!({
            "TimeGenerated": "2021-04-28T14:32:14.029Z",
            "EventSubmissionTimestamp": "2021-04-28T14:32:14.029Z",
            "OperationNameValue": "MICROSOFT.WEB/SITES/DELETE",
            "Caller": caller,
            "CallerIpAddress": "37.142.150.162",
            "ActivityStatusValue": "Success",
            "HTTPRequest": "{\"clientIpAddress\":\"37.142.150.162\"}",
            "_SubscriptionId": "8f153238-e602-427e-a7c0-3043fbe50918",
        }),
    );
    let row = &rows(&body)[0];
    let document =
        |name: &str| -> Value { serde_json::from_str(row[name].as_str().unwrap()).unwrap() };
    let (shown, kept) = (document("Properties"), document("Properties_d"));
    // The two differ in the file too.
    let id = "8f153238-e602-427e-a7c0-3043fbe50918";
    assert_eq!(shown["subscriptionId"], json!(id.to_ascii_uppercase()));
    assert_eq!(kept["subscriptionId"], json!(id));
    assert_eq!(kept["caller"], json!(caller));
    assert_eq!(document("Claims_d")["name"], json!("Adele Vance"));
}
