//! The parts of an answer that are not its rows: columns, how to show them, how it went.

use std::time::Instant;

use axum::http::HeaderMap;
use query::{Render, Type};
use serde_json::{Value, json};
use store::Timestamp;
use uuid::Uuid;

use crate::http::forms::{CLIENT_REQUEST_ID, PARTIAL};

/// What is known of a request, to be said with its answer.
#[derive(Debug)]
pub(in crate::http) struct Facts {
    client_id: String,
    id: Uuid,
    now: String,
    begin: Instant,
}

impl Facts {
    /// Of a request that came now.
    pub(in crate::http) fn begin(headers: &HeaderMap, now: Timestamp) -> Self {
        let client_id = headers.get(&CLIENT_REQUEST_ID);
        let client_id = client_id.and_then(|value| value.to_str().ok());
        Self {
            client_id: client_id.unwrap_or("unspecified").to_owned(),
            id: Uuid::new_v4(),
            now: now.to_rfc3339(),
            begin: Instant::now(),
        }
    }

    /// What it cost, and how many rows each result has.
    pub(super) fn statistics(&self, rows: &[u64]) -> Value {
        let seconds = self.begin.elapsed().as_secs_f64();
        let tables: Vec<_> = rows
            .iter()
            .map(|rows| json!({"table_row_count": rows}))
            .collect();
        json!({"ExecutionTime": seconds, "dataset_statistics": tables})
    }
}

/// An object with its members in that order: Microsoft's streaming readers take no other.
pub(super) fn ordered(members: &[(&str, &dyn std::fmt::Display)]) -> String {
    let members = members.iter();
    let members: Vec<_> = members
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A frame with a whole table.
pub(super) fn table_frame(
    id: usize,
    (kind, name): (&str, &str),
    columns: &[Value],
    rows: &[Value],
) -> String {
    ordered(&[
        ("FrameType", &json!("DataTable")),
        ("TableId", &id),
        ("TableKind", &json!(kind)),
        ("TableName", &json!(name)),
        ("Columns", &json!(columns)),
        ("Rows", &json!(rows)),
    ])
}

/// The first frame.
pub(super) fn first_frame() -> String {
    ordered(&[
        ("FrameType", &json!("DataSetHeader")),
        ("IsProgressive", &false),
        ("Version", &json!("v2.0")),
    ])
}

pub(super) fn column_v1(name: &str, kind: Type) -> Value {
    json!({"ColumnName": name, "DataType": net_type(kind), "ColumnType": kind.name()})
}

pub(super) fn column_v2(name: &str, kind: Type) -> Value {
    json!({"ColumnName": name, "ColumnType": kind.name()})
}

pub(super) fn column_of_logs(name: &str, kind: Type) -> Value {
    json!({"name": name, "type": kind.name()})
}

/// The type of .NET that holds values of a type, without the space that its name is in.
fn net_type(kind: Type) -> &'static str {
    let full = kind.dotnet_name();
    full.rsplit_once('.').map_or(full, |(_, name)| name)
}

/// Members of a visualization that `render` may set, as Kusto names them.
const VISUALIZATION: [&str; 15] = [
    "Title",
    "XColumn",
    "Series",
    "YColumns",
    "AnomalyColumns",
    "XTitle",
    "YTitle",
    "XAxis",
    "YAxis",
    "Legend",
    "YSplit",
    "Kind",
    "Ymin",
    "Ymax",
    "Xmin",
];

/// How a result wants to be shown.
pub(super) fn visualization(render: Option<&Render>) -> Value {
    let chart = render.map(|render| render.chart.as_str());
    let mut shown = json!({"Visualization": chart, "Accumulate": false, "IsQuerySorted": false});
    for name in VISUALIZATION {
        let properties = render.iter().flat_map(|render| &render.properties);
        let mut given = properties.filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let given = given.next().map(|(_, value)| value.as_str());
        if let Some(shown) = shown.as_object_mut() {
            shown.insert(name.to_owned(), json!(given));
        }
    }
    shown
}

/// The frame that says how each result wants to be shown.
pub(super) fn properties(results: usize, render: Option<&Render>) -> String {
    let shown = visualization(render).to_string();
    let rows: Vec<_> = (1..=results)
        .map(|id| json!([id, "Visualization", shown]))
        .collect();
    let columns = [
        column_v2("TableId", Type::Int),
        column_v2("Key", Type::String),
        column_v2("Value", Type::Dynamic),
    ];
    let names = ("QueryProperties", "@ExtendedProperties");
    table_frame(0, names, &columns, &rows)
}

impl Facts {
    /// A row of `QueryCompletionInformation`.
    pub(super) fn event(
        &self,
        (level, level_name, status, status_name): (u8, &str, i64, &str),
        (kind, kind_name): (u8, &str),
        payload: &str,
    ) -> Value {
        let id = self.id.to_string();
        json!([
            self.now,
            self.client_id,
            id,
            id,
            id,
            level,
            level_name,
            status,
            status_name,
            kind,
            kind_name,
            payload
        ])
    }
}

/// `E_QUERY_RESULT_SET_TOO_LARGE`, or whatever else ended a query early.
const FAILED: i64 = -2_133_196_797;

/// The last two frames.
pub(super) fn completion(
    facts: &Facts,
    id: usize,
    failure: Option<&str>,
    more: Vec<Value>,
) -> [String; 2] {
    let columns: Vec<_> = [
        ("Timestamp", Type::DateTime),
        ("ClientRequestId", Type::String),
        ("ActivityId", Type::Guid),
        ("SubActivityId", Type::Guid),
        ("ParentActivityId", Type::Guid),
        ("Level", Type::Int),
        ("LevelName", Type::String),
        ("StatusCode", Type::Int),
        ("StatusCodeName", Type::String),
        ("EventType", Type::Int),
        ("EventTypeName", Type::String),
        ("Payload", Type::String),
    ]
    .into_iter()
    .map(|(name, kind)| column_v2(name, kind))
    .collect();
    let text = failure.unwrap_or("Query completed successfully");
    let payload = json!({"Count": 1, "Text": text}).to_string();
    let row = match failure {
        Some(failure) => facts.event((2, "Error", FAILED, failure), (1, "QueryFailed"), &payload),
        None => facts.event((4, "Info", 0, "S_OK (0)"), (4, "QueryInfo"), &payload),
    };
    let mut rows = vec![row];
    rows.extend(more);
    let name = "QueryCompletionInformation";
    let information = table_frame(id, (name, name), &columns, &rows);
    let error = json!([{"error": PARTIAL.body(failure.unwrap_or_default())}]);
    let mut members: Vec<(&str, &dyn std::fmt::Display)> = Vec::with_capacity(4);
    let (kind, has_errors) = (json!("DataSetCompletion"), failure.is_some());
    members.extend([
        ("FrameType", &kind as &dyn std::fmt::Display),
        ("HasErrors", &has_errors),
        ("Cancelled", &false),
    ]);
    if has_errors {
        members.push(("OneApiErrors", &error));
    }
    [information, ordered(&members)]
}

/// What version 1 says behind its results: how to show them, how it went, and what each table is.
pub(super) fn status_tables(
    facts: &Facts,
    names: &[String],
    notes: &[String],
    (rows, render): (&[u64], Option<&Render>),
) -> [Value; 3] {
    let place = names.len();
    let shown = json!([[visualization(render).to_string()]]);
    [
        table_v1(place, &[("Value", Type::String)], &shown),
        table_v1(place + 1, &STATUS, &states(facts, rows, notes)),
        table_v1(place + 2, &CONTENTS, &contents(names)),
    ]
}

fn table_v1(place: usize, columns: &[(&str, Type)], rows: &Value) -> Value {
    let columns = columns.iter();
    let columns: Vec<_> = columns.map(|(name, kind)| column_v1(name, *kind)).collect();
    json!({"TableName": format!("Table_{place}"), "Columns": columns, "Rows": rows})
}

const STATUS: [(&str, Type); 10] = [
    ("Timestamp", Type::DateTime),
    ("Severity", Type::Int),
    ("SeverityName", Type::String),
    ("StatusCode", Type::Int),
    ("StatusDescription", Type::String),
    ("Count", Type::Int),
    ("RequestId", Type::Guid),
    ("ActivityId", Type::Guid),
    ("SubActivityId", Type::Guid),
    ("ClientActivityId", Type::String),
];

fn states(facts: &Facts, rows: &[u64], notes: &[String]) -> Value {
    let id = facts.id.to_string();
    let state = |severity: u8, name: &str, text: &str| {
        let when = &facts.now;
        json!([
            when,
            severity,
            name,
            0,
            text,
            1,
            id,
            id,
            id,
            facts.client_id
        ])
    };
    let mut states = vec![state(4, "Info", "Query completed successfully")];
    states.extend(notes.iter().map(|note| state(4, "Warning", note)));
    states.push(state(6, "Stats", &facts.statistics(rows).to_string()));
    Value::Array(states)
}

const CONTENTS: [(&str, Type); 5] = [
    ("Ordinal", Type::Long),
    ("Kind", Type::String),
    ("Name", Type::String),
    ("Id", Type::String),
    ("PrettyName", Type::String),
];

fn contents(names: &[String]) -> Value {
    let line = |place: usize, kind: &str, name: &str, id: Uuid| {
        json!([place, kind, name, id.to_string(), ""])
    };
    let mut lines = Vec::with_capacity(names.len() + 2);
    for (place, name) in names.iter().enumerate() {
        let is_plain = name.starts_with("Table_");
        let name = if is_plain { "PrimaryResult" } else { name };
        lines.push(line(place, "QueryResult", name, Uuid::new_v4()));
    }
    let place = names.len();
    let properties = "QueryProperties";
    lines.push(line(
        place,
        properties,
        "@ExtendedProperties",
        Uuid::new_v4(),
    ));
    lines.push(line(place + 1, "QueryStatus", "QueryStatus", Uuid::nil()));
    Value::Array(lines)
}

/// What Log Analytics says of an answer that is not whole.
pub(super) fn partial_of_logs(failure: &str) -> Value {
    json!({"code": "PartialError", "message": "There were some errors when processing your query.",
        "details": [{"code": "EngineError", "message": "Something went wrong processing your query on the server.",
            "innererror": {"code": FAILED.to_string(), "message": failure, "severity": 2, "severityName": "Error"}}]})
}
