use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod activity;
mod api_management;
mod application_gateway;
mod carrier;
mod diagnostics;
mod entra;
mod flow;
mod gateway;
mod key_vault;
mod quarantine;
mod rows;
mod samples;
mod tolerance;

const RECEIVED: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn run(limits: &Limits, body: &[u8]) -> Result<Decoded, DecodeError> {
    let mappings = Mappings::default();
    let workspace = Workspace::default();
    let context = Context {
        workspace: &workspace,
        batch: "b",
        source: "test",
        received: RECEIVED,
        mappings: &mappings,
    };
    let decoded = decode(&context, limits, body)?;
    for (table, batch) in &decoded.parts {
        assert_eq!(batch.schema(), table.batch_schema());
        assert!(batch.num_rows() > 0);
    }
    Ok(decoded)
}

/// Rows of a body without nulls, with JSON text parsed, and without what every row has.
#[track_caller]
fn rows(body: &str) -> Vec<Value> {
    let decoded = run(&Limits::default(), body.as_bytes()).unwrap();
    let mut rows = Vec::new();
    for (table, batch) in &decoded.parts {
        let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
        writer.write(&printable(batch)).unwrap();
        writer.finish().unwrap();
        let lines = String::from_utf8(writer.into_inner()).unwrap();
        rows.extend(lines.lines().map(|line| simple_row(*table, line)));
    }
    rows
}

/// The batch with a zone that can be printed without a database of zones.
fn printable(batch: &RecordBatch) -> RecordBatch {
    let zoned = |array: &ArrayRef| match array.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => Arc::new(instants.clone().with_timezone("+00:00")) as ArrayRef,
        None => Arc::clone(array),
    };
    let names = batch.schema();
    let names = names.fields().iter().map(|field| field.name());
    RecordBatch::try_from_iter(names.zip(batch.columns().iter().map(zoned))).unwrap()
}

#[track_caller]
fn simple_row(table: Table, line: &str) -> Value {
    let mut row: Value = serde_json::from_str(line).unwrap();
    let columns = row.as_object_mut().unwrap();
    assert_eq!(columns.remove("TenantId"), Some(json!("default")));
    assert_eq!(columns.remove("Type"), Some(json!(table.name())));
    assert!(columns.remove("_TimeReceived").is_some());
    if table != Table::Quarantine {
        assert_eq!(columns.remove("SourceSystem"), Some(json!("Azure")));
    }
    if let Some(extras) = columns.get_mut("AdditionalFields") {
        *extras = serde_json::from_str(extras.as_str().unwrap()).unwrap();
    }
    row
}

/// Checks all columns of the rows that a body gives.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "cases read better")]
fn check(body: &str, expected: Value) {
    assert_eq!(Value::Array(rows(body)), expected, "{body}");
}

/// Checks some columns of the only row that a body gives; `null` is a column without a value.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "cases read better")]
fn check_some(body: &str, expected: Value) {
    let rows = rows(body);
    let [row] = rows.as_slice() else {
        panic!("{} rows: {rows:?}", rows.len())
    };
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(&row[column], value, "{column} of {row}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(run(&Limits::default(), &body));
    }

    #[test]
    fn no_arrangement_of_tokens_panics(
        tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..60)
    ) {
        let limits = Limits { record_bytes_max: 200, depth_max: 5, copies_max: 50, ..Limits::default() };
        drop(run(&limits, tokens.concat().as_bytes()));
        drop(run(&Limits::default(), tokens.concat().as_bytes()));
    }

    /// Every byte of a cut body is in a row or in quarantine: whole records are accepted.
    #[test]
    fn a_cut_loses_no_whole_record(cut in 0_usize..240) {
        let record = r#"{"category":"GatewayLogs","a":1}"#;
        let body = format!("{{\"records\":[{}]}}", [record; 7].join(","));
        let cut = cut.min(body.len());
        let whole = body.get(..cut).unwrap().matches(record).count();
        match run(&Limits::default(), &body.as_bytes()[..cut]) {
            Ok(decoded) => prop_assert_eq!(decoded.accepted, whole as u64),
            Err(_) => prop_assert_eq!(whole, 0),
        }
    }
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\n",
    "\"records\"",
    "\"category\"",
    "\"GatewayLogs\"",
    "\"properties\"",
    "\"flows\"",
    "\"flowRecords\"",
    "\"flowGroups\"",
    "\"flowTuples\"",
    "\"rule\"",
    "\"Administrative\"",
    "\"identity\"",
    "\"claims\"",
    "\"time\"",
    "\"2024-07-02T06:31:31Z\"",
    "{}",
    "\"category\":\"GatewayLogs\"",
    "{\"category\":\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":[",
    "{\"category\":\"Policy\",\"time\":\"x\"}",
    "null",
    "1e9",
    "\"1,2,3\"",
    "\u{e9}",
    "\"\\ud800\"",
];
