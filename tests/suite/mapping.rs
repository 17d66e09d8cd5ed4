//! `bartizan mapping` as somebody uses it who writes a mapping.

use std::fs;

use crate::layers::root;
use crate::program::{check_refused, run};

const PRESETS: [&str; 6] = [
    "kong",
    "envoy",
    "nginx",
    "combined",
    "aws-api-gateway",
    "opentelemetry",
];

#[track_caller]
fn said(folder: &std::path::Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_preset_that_is_shown_can_be_written_in_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let shown: String = PRESETS
        .iter()
        .map(|name| said(folder, &["mapping", "show", name]) + "\n")
        .collect();
    fs::write(folder.join("all.toml"), shown).unwrap();
    assert!(said(folder, &["check", "--config", "all.toml"]).starts_with("ok: "));
    let listed = said(folder, &["mapping", "list", "--config", "all.toml"]);
    let expected = PRESETS
        .map(|name| format!("{name:24}configuration\n"))
        .concat();
    assert_eq!(listed, expected);
    check_refused(
        folder,
        &["mapping", "show", "ngnix"],
        &["ngnix", "kong, envoy, nginx"],
    );
}

#[test]
fn the_mapping_of_the_readme_is_right() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, behind) = readme.split_once("```toml\n[[mapping]]").unwrap();
    let (mapping, _) = behind.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("readme.toml"), format!("[[mapping]]{mapping}")).unwrap();
    let record = r#"{"remote_addr":"10.0.0.9","server_type":"edge","elapsed_us":1500,"epoch":1793613600.5,"http_x_forwarded_for":"203.0.113.9, 10.0.0.1","request":"GET /a HTTP/1.1","status":"401","auth":"denied","host":"api.example","uri":"/a","http_user_agent":"curl","left":"\u001b[2J"}"#;
    fs::write(folder.join("access.log"), record).unwrap();
    let told = said(
        folder,
        &[
            "mapping",
            "test",
            "edge",
            "access.log",
            "--config",
            "readme.toml",
        ],
    );
    for line in [
        "  CallerIpAddress         203.0.113.9",
        "  LastErrorReason         SubscriptionKeyInvalid",
        "  Method                  GET",
        "  TimeGenerated           2026-11-02T10:00:00.500000Z",
        "  Url                     https://api.example/a",
        "  _ResourceId             edge-gateway-1",
        "1 rows of ApiManagementGatewayLogs by edge, 0 records not taken",
        "in AdditionalFields: left (1 rows)",
    ] {
        assert!(
            told.lines().any(|told| told == line),
            "no '{line}' in:\n{told}"
        );
    }
    assert!(!told.contains('\u{1b}'), "{told}");
}

#[test]
fn a_record_that_is_not_taken_is_told_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let azure = r#"{"category":"GatewayLogs","time":"2026-01-01T00:00:00Z"}"#;
    let body = format!(
        "{azure}\n{{\"remote_addr\":\"a\",\"status\":\"200\",\"msec\":\"1\"}}\n{{\"remote_addr\":\"a\"\n"
    );
    fs::write(folder.join("access.log"), body).unwrap();
    let output = run(folder, &["mapping", "test", "nginx", "access.log"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    for words in [
        "0 rows of ApiManagementGatewayLogs by nginx, 3 records not taken",
        "record 1 at byte 0: it is a record of Azure",
        "record 2 at byte 57: it has no /request_uri or /request or /uri",
        "record 3 at byte 103: EOF",
    ] {
        assert!(told.contains(words), "no '{words}' in:\n{told}");
    }
    let line = r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET / HTTP/1.1" 200 1"#;
    let event = serde_json::json!({"TimeGenerated": "2026-01-01T00:00:00Z", "RawData": line});
    for (body, miss) in [
        (
            format!("{line}\nnonsense\n"),
            "record 2 at byte 66: it is no line",
        ),
        (
            format!("{event}\n{{\"a\":1}}\n"),
            "it is JSON, and carries no line",
        ),
    ] {
        fs::write(folder.join("lines.log"), body).unwrap();
        let output = run(folder, &["mapping", "test", "combined", "lines.log"]);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(
            told.contains("1 rows of ApiManagementGatewayLogs by combined, 1 records not taken"),
            "{told}"
        );
        assert!(told.contains(miss), "{told}");
        assert_eq!(told.matches("record ").count(), 1, "{told}");
    }
    check_refused(
        folder,
        &["mapping", "test", "ngnix", "access.log"],
        &["no mapping 'ngnix'", "nginx"],
    );
    check_refused(
        folder,
        &["mapping", "test", "nginx", "no.log"],
        &["read no.log"],
    );
    fs::write(
        folder.join("bad.toml"),
        "[[mapping]]\nname = 'm'\npreset = 'nginx'\ncolumns.CallerIp = '/ip'\n",
    )
    .unwrap();
    check_refused(
        folder,
        &["check", "--config", "bad.toml"],
        &[
            "bad.toml",
            "line 4",
            "column CallerIp",
            "nearest is CallerIpAddress",
        ],
    );
}
