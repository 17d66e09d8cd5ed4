use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use store::{Timestamp, Workspace};

use super::*;

fn run_with(
    limits: &Limits,
    body: &[u8],
    encoding: OtlpEncoding,
) -> Result<(Decoded, Option<String>), DecodeError> {
    let workspace = Workspace::default();
    let mappings = crate::Mappings::default();
    let context = Context {
        workspace: &workspace,
        batch: "b",
        source: "test",
        received: Timestamp::from_micros(0),
        mappings: &mappings,
    };
    decode_otlp(&context, limits, body, encoding)
}

/// The tables and what their rows have in some text columns.
#[track_caller]
fn shown(body: &[u8], encoding: OtlpEncoding, columns: &[&str]) -> String {
    let (decoded, _) = run_with(&Limits::default(), body, encoding).unwrap();
    let mut lines = Vec::new();
    for (table, rows) in &decoded.parts {
        for row in 0..rows.num_rows() {
            let values = columns.iter().filter_map(|name| {
                let value = text(rows.column_by_name(name)?, row)?;
                Some(format!(" {name}={value}"))
            });
            lines.push(format!("{table}{}", values.collect::<String>()));
        }
    }
    lines.join("\n")
}

fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    if let Some(instants) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        return Some(Timestamp::from_micros(instants.value(row)).to_rfc3339());
    }
    let texts = arrow::compute::cast(column, &DataType::Utf8).unwrap();
    Some(texts.as_string::<i32>().value(row).to_owned())
}

fn request(records: &Json) -> Vec<u8> {
    let resource =
        json!({"attributes": [{"key": "service.name", "value": {"stringValue": "gateway"}}]});
    let scope = json!({"name": "access", "version": "1"});
    let logs =
        json!([{"resource": resource, "scopeLogs": [{"scope": scope, "logRecords": records}]}]);
    json!({"resourceLogs": logs}).to_string().into_bytes()
}

/// A protobuf field that is a message or text.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    bytes.push(length.to_le_bytes()[0]);
    bytes.extend_from_slice(content);
    bytes
}

fn text_value(text: &str) -> Vec<u8> {
    field(1, text.as_bytes())
}

fn pair(key: &str, value: &[u8]) -> Vec<u8> {
    [field(1, key.as_bytes()), field(2, value)].concat()
}

fn protobuf_request(records: &[Vec<u8>]) -> Vec<u8> {
    let resource = field(1, &pair("service.name", &text_value("gateway")));
    let scope = [field(1, b"access"), field(2, b"1")].concat();
    let mut logs = field(1, &scope);
    for record in records {
        logs.extend(field(2, record));
    }
    field(1, &[field(1, &resource), field(2, &logs)].concat())
}

const COLUMNS: [&str; 15] = [
    "TimeGenerated",
    "ObservedTimestamp",
    "TraceId",
    "SpanId",
    "TraceFlags",
    "SeverityText",
    "SeverityNumber",
    "EventName",
    "Body",
    "Attributes",
    "DroppedAttributesCount",
    "ScopeName",
    "ScopeVersion",
    "ResourceAttributes",
    "AdditionalFields",
];

const ROW: &str = "OTelLogs TimeGenerated=2024-07-02T06:31:31.465590Z ObservedTimestamp=2024-07-02T06:31:32.465590Z \
    TraceId=5b8efff798038103d269b633813fc60c SpanId=eee19b7ec3c1b174 TraceFlags=1 SeverityText=WARN SeverityNumber=13 \
    EventName=e Body=slow Attributes={\"n\":5,\"f\":0.5,\"b\":true,\"l\":[1,null],\"m\":{\"k\":\"v\"},\"x\":\"AQI=\"} \
    DroppedAttributesCount=2 ScopeName=access ScopeVersion=1 ResourceAttributes={\"service.name\":\"gateway\"}";

#[test]
fn a_record_of_json_is_a_row_with_all_that_it_says() {
    let body = request(&json!([{
        "timeUnixNano": "1719901891465590200", "observedTimeUnixNano": "1719901892465590200",
        "severityNumber": 13, "severityText": "WARN", "body": {"stringValue": "slow"}, "flags": 1,
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "eventName": "e",
        "droppedAttributesCount": 2,
        "attributes": [
            {"key": "n", "value": {"intValue": "5"}}, {"key": "f", "value": {"doubleValue": 0.5}},
            {"key": "b", "value": {"boolValue": true}},
            {"key": "l", "value": {"arrayValue": {"values": [{"intValue": 1}, {}]}}},
            {"key": "m", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}},
            {"key": "x", "value": {"bytesValue": "AQI="}}]}]));
    assert_eq!(shown(&body, OtlpEncoding::Json, &COLUMNS), ROW);
}

#[test]
fn a_record_of_protobuf_is_the_same_row() {
    let list = field(5, &[field(1, &[0x18, 1]), field(1, &[])].concat());
    let map = field(6, &field(1, &pair("k", &text_value("v"))));
    let pairs = [
        pair("n", &[0x18, 5]),
        pair("f", &[&[0x21][..], &0.5_f64.to_le_bytes()].concat()),
        pair("b", &[0x10, 1]),
        pair("l", &list),
        pair("m", &map),
        pair("x", &field(7, &[1, 2])),
    ];
    let mut record = Vec::new();
    record.push(0x09);
    record.extend(1_719_901_891_465_590_200_u64.to_le_bytes());
    record.extend([0x10, 13]);
    record.extend(field(3, b"WARN"));
    record.extend(field(5, &text_value("slow")));
    for pair in pairs {
        record.extend(field(6, &pair));
    }
    record.extend([0x38, 2, 0x45, 1, 0, 0, 0]);
    let id = 0x5b8e_fff7_9803_8103_d269_b633_813f_c60c_u128;
    record.extend(field(9, &id.to_be_bytes()));
    record.extend(field(10, &0xeee1_9b7e_c3c1_b174_u64.to_be_bytes()));
    record.push(0x59);
    record.extend(1_719_901_892_465_590_200_u64.to_le_bytes());
    record.extend(field(12, b"e"));
    let body = protobuf_request(&[record]);
    assert_eq!(shown(&body, OtlpEncoding::Protobuf, &COLUMNS), ROW);
}

#[test]
fn null_is_an_empty_list() {
    for body in [
        r#"{"resourceLogs":null}"#,
        r#"{"resourceLogs":[{"scopeLogs":null},{"scopeLogs":[{"logRecords":null}]}]}"#,
    ] {
        let (decoded, reason) =
            run_with(&Limits::default(), body.as_bytes(), OtlpEncoding::Json).unwrap();
        assert_eq!(
            (decoded.accepted, decoded.quarantined, reason),
            (0, 0, None)
        );
    }
    let body = request(&json!([{"severityText": "WARN", "attributes": null,
        "body": {"arrayValue": {"values": null}}}]));
    assert_eq!(
        shown(&body, OtlpEncoding::Json, &["SeverityText", "Body"]),
        "OTelLogs SeverityText=WARN Body=[]"
    );
    let body = br#"{"resourceLogs":[{"scopeLogs":7}]}"#;
    let error = run_with(&Limits::default(), body, OtlpEncoding::Json).unwrap_err();
    assert!(
        matches!(&error, DecodeError::Unreadable { offset: 30, reason, .. } if reason == "scopeLogs: expected a list"),
        "{error:?}"
    );
}

#[test]
fn times_are_numbers_in_any_form_and_others_are_kept() {
    let columns = ["TimeGenerated", "Timestamp", "Attributes"];
    let at = " TimeGenerated=2026-05-28T20:26:40.000000Z Timestamp=2026-05-28T20:26:40.000000Z";
    let arrived = " TimeGenerated=1970-01-01T00:00:00.000000Z";
    for (time, expected) in [
        (r#""1780000000000000000""#, at.to_owned()),
        ("1780000000000000000", at.to_owned()),
        ("1.78e+18", at.to_owned()),
        (r#""1.78e18""#, at.to_owned()),
        ("0", arrived.to_owned()),
        (
            r#""noon""#,
            format!(r#"{arrived} Attributes={{"timeUnixNano":"noon"}}"#),
        ),
        (
            "-1",
            format!(r#"{arrived} Attributes={{"timeUnixNano":-1}}"#),
        ),
        (
            "1e99",
            format!(r#"{arrived} Attributes={{"timeUnixNano":1e99}}"#),
        ),
    ] {
        let body = request(&json!([{"severityText": "a", "timeUnixNano": "TIME"}]));
        let body = String::from_utf8(body).unwrap();
        let body = body.replace(r#""TIME""#, time);
        let row = shown(body.as_bytes(), OtlpEncoding::Json, &columns);
        assert_eq!(row, format!("OTelLogs{expected}"), "{time}");
    }
}

#[test]
fn ids_of_zeros_are_none_and_what_is_no_hex_stays() {
    for (sent, expected) in [
        (
            "5B8EFFF798038103D269B633813FC60C",
            " TraceId=5b8efff798038103d269b633813fc60c",
        ),
        ("00000000000000000000000000000000", ""),
        (
            "W47/95gDgQPSabYzgT/GDA==",
            " TraceId=W47/95gDgQPSabYzgT/GDA==",
        ),
    ] {
        let body = request(&json!([{"severityText": "a", "traceId": sent}]));
        let row = shown(&body, OtlpEncoding::Json, &["TraceId"]);
        assert_eq!(row, format!("OTelLogs{expected}"));
    }
    let body = protobuf_request(&[field(9, &[0; 16])]);
    assert_eq!(
        shown(&body, OtlpEncoding::Protobuf, &["TraceId"]),
        "OTelLogs"
    );
}

#[test]
fn a_record_of_a_known_kind_becomes_its_own_row() {
    let gateway =
        r#"{"time":"2026-01-01T00:00:00Z","category":"GatewayLogs","properties":{"method":"GET"}}"#;
    let expected = "ApiManagementGatewayLogs TimeGenerated=2026-01-01T00:00:00.000000Z Method=GET";
    let columns = ["TimeGenerated", "Method"];
    let body = request(&json!([{"body": {"stringValue": gateway}}]));
    assert_eq!(shown(&body, OtlpEncoding::Json, &columns), expected);
    let map = json!([{"key": "category", "value": {"stringValue": "GatewayLogs"}},
        {"key": "method", "value": {"stringValue": "GET"}}]);
    let body = request(
        &json!([{"timeUnixNano": "1767225600000000000", "body": {"kvlistValue": {"values": map}}}]),
    );
    assert_eq!(
        shown(&body, OtlpEncoding::Json, &["Method"]),
        "ApiManagementGatewayLogs Method=GET"
    );
    let body = request(&json!([{"timeUnixNano": "1767225600000000000", "attributes": map}]));
    assert_eq!(shown(&body, OtlpEncoding::Json, &columns), expected);
    let body = request(&json!([{"body": {"stringValue": "{\"a\":1}"}}]));
    assert_eq!(
        shown(&body, OtlpEncoding::Json, &["Body"]),
        "OTelLogs Body={\"a\":1}"
    );
}

#[test]
fn a_broken_record_costs_its_neighbours_nothing() {
    let good = field(5, &text_value("good"));
    let body = protobuf_request(&[good.clone(), vec![0x2a, 0x05, 1], good]);
    let (decoded, reason) = run_with(&Limits::default(), &body, OtlpEncoding::Protobuf).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (2, 1));
    assert_eq!(reason.as_deref(), Some("it ends within a field"));
    let body =
        request(&json!([{"body": 5}, {"attributes": {}}, {"body": {"stringValue": "good"}}]));
    let (decoded, reason) = run_with(&Limits::default(), &body, OtlpEncoding::Json).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (1, 2));
    assert!(reason.unwrap().contains("stringValue"));
}

#[test]
fn a_broken_frame_is_refused_with_its_place() {
    let mut body = protobuf_request(&[field(5, &text_value("a"))]);
    body.push(0x0a);
    let error = run_with(&Limits::default(), &body, OtlpEncoding::Protobuf).unwrap_err();
    assert!(
        matches!(error, DecodeError::Unreadable { offset, .. } if offset == body.len()),
        "{error}"
    );
    let error = run_with(
        &Limits::default(),
        b"{\"resourceLogs\": nonsense}",
        OtlpEncoding::Json,
    )
    .unwrap_err();
    assert!(
        matches!(
            error,
            DecodeError::Unreadable {
                offset: 17..=19,
                ..
            }
        ),
        "{error:?}"
    );
    for empty in [&b""[..], b"\x12\x00"] {
        assert_eq!(
            run_with(&Limits::default(), empty, OtlpEncoding::Protobuf)
                .unwrap()
                .0
                .accepted,
            0
        );
    }
    assert_eq!(
        run_with(&Limits::default(), b"{}", OtlpEncoding::Json)
            .unwrap()
            .0
            .accepted,
        0
    );
}

#[test]
fn what_small_bodies_can_grow_to_is_bounded() {
    let limits = Limits {
        records_max: 1000,
        copies_max: 1000,
        ..Limits::default()
    };
    let empty = protobuf_request(&vec![Vec::new(); 1001]);
    let error = run_with(&limits, &empty, OtlpEncoding::Protobuf).unwrap_err();
    assert!(
        matches!(error, DecodeError::TooManyRecords { .. }),
        "{error}"
    );
    let scopes = field(1, &field(2, &[]).repeat(1001));
    let error = run_with(&limits, &scopes, OtlpEncoding::Protobuf).unwrap_err();
    assert!(
        matches!(error, DecodeError::TooManyRecords { .. }),
        "{error}"
    );
    let repeating = protobuf_request(&vec![field(5, &text_value("a")); 20]);
    let (decoded, reason) = run_with(&limits, &repeating, OtlpEncoding::Protobuf).unwrap();
    assert!(
        decoded.accepted > 2 && decoded.quarantined > 2,
        "{decoded:?}"
    );
    assert!(reason.unwrap().contains("repeat more than 1000 bytes"));
    let many = field(6, &pair("k", &[])).repeat(4097);
    let (decoded, reason) =
        run_with(&limits, &protobuf_request(&[many]), OtlpEncoding::Protobuf).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (0, 1));
    assert_eq!(reason.as_deref(), Some("a map has more than 4096 members"));
    let mut deep = text_value("a");
    for _ in 0..200 {
        deep = field(5, &field(1, &deep));
    }
    let (decoded, reason) = run_with(
        &limits,
        &protobuf_request(&[field(5, &deep)]),
        OtlpEncoding::Protobuf,
    )
    .unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (0, 1));
    assert_eq!(reason.as_deref(), Some("it is nested too deeply"));
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
        drop(run_with(&Limits::default(), &bytes, OtlpEncoding::Protobuf));
        drop(run_with(&Limits::default(), &protobuf_request(std::slice::from_ref(&bytes)), OtlpEncoding::Protobuf));
        drop(run_with(&Limits::default(), &bytes, OtlpEncoding::Json));
        drop(run_with(&Limits::default(), text.as_bytes(), OtlpEncoding::Json));
    }
}
