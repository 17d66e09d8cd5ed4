use std::collections::BTreeMap;

use ingest::{Context, Decoded, Limits};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use store::{Timestamp, Workspace};

use crate::commands::mapping::mapped_rows;
use crate::config::Config;

mod callers;
mod errors;
mod others;
mod presets;

fn decode(config: &str, body: &[u8]) -> Decoded {
    try_decode(config, body).unwrap()
}

/// `None` if no record can be told apart in the body.
fn try_decode(config: &str, body: &[u8]) -> Option<Decoded> {
    decode_by(&Config::from_text(config).unwrap(), body)
}

fn decode_by(config: &Config, body: &[u8]) -> Option<Decoded> {
    let workspace = Workspace::default();
    let context = Context {
        workspace: &workspace,
        batch: "b",
        source: "test",
        received: Timestamp::from_micros(1_700_000_000_000_000),
        mappings: &config.mappings,
    };
    ingest::decode(&context, &Limits::default(), body).ok()
}

/// The columns of the one row that a configuration makes of a record, without what presets set for all.
#[track_caller]
fn row(config: &str, record: &str) -> BTreeMap<String, String> {
    let decoded = decode(config, record.as_bytes());
    assert_eq!((decoded.accepted, decoded.quarantined), (1, 0));
    let mapped: u64 = decoded.mapped.iter().map(|(_, rows)| rows).sum();
    assert_eq!(mapped, 1, "no mapping took it");
    let mut row: BTreeMap<_, _> = mapped_rows(&decoded, 1).remove(0).into_iter().collect();
    assert_eq!(row.get("Timestamp"), row.get("TimeGenerated"));
    row.remove("Timestamp");
    row.remove("Category");
    row
}

#[track_caller]
fn check(config: &str, record: &str, expected: &[(&str, &str)]) {
    let found = row(config, record);
    let found: Vec<_> = found
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

const EDGE: &str = r#"
[[mapping]]
name = "edge"
match = { path = "/server_type", equals = "edge" }
[mapping.columns]
TimeGenerated = { path = "/at", unit = "s" }
"#;

#[test]
fn a_mapping_takes_its_records_and_no_others() {
    let time = ("TimeGenerated", "2023-10-22T18:40:00.500000Z");
    let source = ("SourceSystem", "edge");
    let record = r#"{"server_type":"edge","at":1698000000.5,"x":{"y":1}}"#;
    let rest = r#"{"server_type":"edge","x":{"y":1}}"#;
    check(EDGE, record, &[time, source, ("AdditionalFields", rest)]);
    let other = decode(EDGE, br#"{"server_type":"core","at":1698000000.5}"#);
    assert_eq!(
        (other.accepted, other.quarantined, other.mapped),
        (0, 1, vec![])
    );
}

#[test]
fn azures_own_kinds_go_first() {
    let record =
        r#"{"category":"GatewayLogs","server_type":"edge","at":1,"time":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(decode(EDGE, record.as_bytes()).mapped, vec![]);
    // What would only be a resource log of an unknown kind is a mapping's.
    let record =
        r#"{"category":"Other","server_type":"edge","at":1,"time":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(
        decode(EDGE, record.as_bytes()).mapped,
        vec![("edge".to_owned(), 1)]
    );
}

#[test]
fn azures_records_and_mapped_ones_may_come_together() {
    let azure = r#"{"category":"GatewayLogs","time":"2026-01-01T00:00:00Z"}"#;
    let body = format!("[{azure},{{\"server_type\":\"edge\",\"at\":1}},{azure}]");
    let decoded = decode(EDGE, body.as_bytes());
    assert_eq!((decoded.accepted, decoded.parts.len()), (3, 1));
    assert_eq!(decoded.parts[0].1.num_rows(), 3);
    assert_eq!(
        mapped_rows(&decoded, 1)[0]
            .iter()
            .filter(|(_, value)| value == "edge")
            .count(),
        1
    );
}

#[test]
fn a_value_that_a_column_does_not_take_is_kept() {
    let config = format!(
        "{EDGE}ResponseCode = '/status'\nTotalTime = {{ path = '/seconds', unit = 's' }}\n\
         Method = ['/method', {{ path = '/line', part = 'method' }}]\nClientProtocol = {{ path = '/line', part = 'protocol' }}\n"
    );
    let record = r#"{"server_type":"edge","at":"soon","status":"x","seconds":"0.0004","line":"GET / HTTP/1.1","method":"-"}"#;
    let rest = r#"{"server_type":"edge","at":"soon","status":"x","seconds":"0.0004","line":"GET / HTTP/1.1"}"#;
    let expected = [
        ("TimeGenerated", "2023-11-14T22:13:20.000000Z"),
        ("SourceSystem", "edge"),
        ("TotalTime", "0"),
        ("Method", "GET"),
        ("ClientProtocol", "HTTP/1.1"),
        ("AdditionalFields", rest),
    ];
    check(&config, record, &expected);
}

#[test]
fn a_value_that_is_taken_whole_is_not_kept_twice() {
    let config = format!(
        "{EDGE}Method = {{ path = '/line', part = 'method' }}\nUrl = {{ path = '/line', part = 'target' }}\n\
         ClientProtocol = {{ path = '/line', part = 'protocol' }}\nTotalTime = {{ path = '/seconds', unit = 's' }}\n\
         IsRequestSuccess = {{ path = '/status', below = 400 }}\nResponseCode = '/status'\n"
    );
    let record =
        r#"{"server_type":"edge","at":0,"line":"GET /a HTTP/2.0","seconds":0.25,"status":200}"#;
    let expected = [
        ("TimeGenerated", "1970-01-01T00:00:00.000000Z"),
        ("SourceSystem", "edge"),
        ("Method", "GET"),
        ("Url", "/a"),
        ("ClientProtocol", "HTTP/2.0"),
        ("TotalTime", "250"),
        ("IsRequestSuccess", "true"),
        ("ResponseCode", "200"),
        ("AdditionalFields", r#"{"server_type":"edge"}"#),
    ];
    check(&config, record, &expected);
}

#[test]
fn urls_are_put_together_and_resources_taken_apart() {
    let config = format!(
        "{EDGE}Url = {{ url = {{ scheme = '/s', host = '/h', port = '/o', path = '/p', query = '/q' }} }}\n\
         _ResourceId = {{ value = '/SUBSCRIPTIONS/S1/resourceGroups/Edge' }}\n"
    );
    let url = |record: &str| {
        let record = format!(r#"{{"server_type":"edge","at":0,{record}}}"#);
        let row = row(&config, &record);
        assert_eq!(row["_ResourceId"], "/subscriptions/s1/resourcegroups/edge");
        assert_eq!(row["_SubscriptionId"], "s1");
        row.get("Url").cloned().unwrap_or_default()
    };
    assert_eq!(
        url(r#""s":"https","h":"a.example:8443","p":"/b","q":"c=1""#),
        "https://a.example:8443/b?c=1"
    );
    assert_eq!(
        url(r#""h":"a.example","p":"b?x=1","q":"c=1""#),
        "//a.example/b?x=1"
    );
    assert_eq!(url(r#""s":"https","p":"/b","q":"?c=1""#), "/b?c=1");
    assert_eq!(
        url(r#""h":"h","p":"http://a.example/b","q":"""#),
        "http://a.example/b"
    );
    assert_eq!(url(r#""h":"h","q":"c=1""#), "");
    assert_eq!(
        url(r#""s":"http","h":"a.example","o":8080,"p":"/b""#),
        "http://a.example:8080/b"
    );
    assert_eq!(
        url(r#""s":"https","h":"a.example","o":"443","p":"/b""#),
        "https://a.example/b"
    );
    assert_eq!(
        url(r#""h":"a.example:1","o":2,"p":"/b""#),
        "//a.example:1/b"
    );
}

#[test]
fn a_users_mapping_goes_before_presets_and_may_change_one() {
    let config = r#"
presets_disabled = ["kong"]
[[mapping]]
name = "edge-nginx"
preset = "nginx"
match = ["/remote_addr", "/status", { path = "/server_type", equals = "edge" }]
[mapping.columns]
CallerIpAddress = { path = "/http_x_forwarded_for", item = "first" }
LastErrorReason = false
ProductId = { value = "edge" }
"#;
    let config = config.to_owned();
    let record = r#"{"server_type":"edge","remote_addr":"10.0.0.9","msec":"1698000000.000","status":"401","http_x_forwarded_for":"203.0.113.9, 10.0.0.1"}"#;
    let row = row(&config, record);
    assert_eq!(row["CallerIpAddress"], "203.0.113.9");
    assert_eq!(
        (row.get("LastErrorReason"), row["ProductId"].as_str()),
        (None, "edge")
    );
    // The rest of nginx's logs are the preset's.
    let names = Config::from_text(&config).unwrap().mappings;
    let names: Vec<_> = names.names().collect();
    assert_eq!(
        names,
        [
            "edge-nginx",
            "envoy",
            "nginx",
            "combined",
            "aws-api-gateway",
            "opentelemetry"
        ]
    );
}

/// Names that presets look for, and some that they do not.
const NAMES: [&str; 40] = [
    "remote_addr",
    "status",
    "request",
    "request_uri",
    "msec",
    "time_iso8601",
    "time_local",
    "host",
    "scheme",
    "args",
    "upstream_status",
    "upstream_response_time",
    "request_time",
    "remote_user",
    "started_at",
    "client_ip",
    "latencies",
    "request",
    "response",
    "service",
    "route",
    "tries",
    "start_time",
    "response_code",
    "response_flags",
    "method",
    "authority",
    "path",
    "downstream_remote_address",
    "duration",
    "requestId",
    "httpMethod",
    "requestTimeEpoch",
    "requestTime",
    "resourcePath",
    "routeKey",
    "domainName",
    "apiKeyId",
    "responseLatency",
    "time",
];

/// Every record becomes exactly one row or one quarantined record, whatever is in it.
#[test]
fn nothing_is_lost_and_nothing_falls_over() {
    let config = Config::from_text("").unwrap();
    let member = |(name, text, form): &(usize, String, u8)| {
        let quoted = serde_json::to_string(text).unwrap();
        let value = match form {
            0 => "null".to_owned(),
            1 => text.len().to_string(),
            2 => format!(
                "{{\"method\":{quoted},\"status\":{quoted},\"request\":{quoted},\"ip\":[{quoted}]}}"
            ),
            3 => format!("[{quoted},{{\"ip\":{quoted}}}]"),
            _ => quoted,
        };
        format!("\"{}\":{value}", NAMES[*name])
    };
    let text = "[-0-9a-z\\\\\":/ ,\\[\\]{}.é]{0,12}";
    let members = prop::collection::vec((0_usize..40, text, 0_u8..6), 0..24);
    let tested = TestRunner::default().run(&members, |members| {
        let body = format!(
            "{{{}}}",
            members.iter().map(member).collect::<Vec<_>>().join(",")
        );
        let decoded = decode_by(&config, body.as_bytes()).unwrap();
        prop_assert_eq!(decoded.accepted + decoded.quarantined, 1);
        let rows: usize = decoded.parts.iter().map(|(_, rows)| rows.num_rows()).sum();
        prop_assert_eq!(rows, 1);
        Ok(())
    });
    tested.unwrap();
}

#[test]
fn lines_do_not_fall_over() {
    let config = Config::from_text("").unwrap();
    let tested = TestRunner::default().run(&"[-0-9a-z\\\\\":/ ,\\[\\].é]{0,60}", |tail| {
        let line = r#"192.0.2.1 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" 200 1"#;
        let body = format!("{line}\n{line}{tail}\n{tail}");
        let decoded = decode_by(&config, body.as_bytes()).unwrap();
        prop_assert!(decoded.accepted >= 1 && decoded.accepted + decoded.quarantined <= 3);
        Ok(())
    });
    tested.unwrap();
}

#[test]
fn rows_of_azure_and_of_others_in_one_body_say_whose_they_are() {
    let azure = r#"{"category":"GatewayLogs","time":"2026-01-02T03:04:05Z","resourceId":"/r"}"#;
    let edge = r#"{"edge":true,"remote_addr":"192.0.2.7","msec":"1700000000.1"}"#;
    let config = r#"
        [[mapping]]
        name = "edge"
        match = ["/edge", "/msec"]
        [mapping.columns]
        TimeGenerated = { path = "/msec", unit = "s" }
        CallerIpAddress = "/remote_addr"
    "#;
    for (body, expected) in [
        (
            format!("{azure}\n{edge}\n{azure}"),
            ["Azure", "Azure", "edge"],
        ),
        (
            format!("{edge}\n{azure}\n{azure}"),
            ["Azure", "Azure", "edge"],
        ),
    ] {
        let decoded = decode(config, body.as_bytes());
        assert_eq!((decoded.accepted, decoded.quarantined), (3, 0));
        let rows = mapped_rows(&decoded, 3);
        let sources = rows.iter().map(|row| {
            let source = row.iter().find(|(name, _)| *name == "SourceSystem");
            source.map_or("", |(_, source)| source.as_str())
        });
        assert_eq!(sources.collect::<Vec<_>>(), expected);
    }
}
