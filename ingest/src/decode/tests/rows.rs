//! Rows exported from Log Analytics, of every table, in the words of the portal's files.

use store::ColumnType;

use super::*;

const RESOURCE: &str = "/subscriptions/s1/resourcegroups/g1/providers/p/t/n";

/// A value of that type as exports write it, and as the row shall have it.
fn value(table: Table, column: &store::Column) -> (String, Value) {
    let text = match column.name {
        "_ResourceId" => RESOURCE.to_owned(),
        "ResourceId" if table == Table::AzureDiagnostics => RESOURCE.to_ascii_uppercase(),
        "ResourceId" => RESOURCE.to_owned(),
        "_SubscriptionId" => "s1".to_owned(),
        name => name.to_owned(),
    };
    match column.kind {
        ColumnType::Text | ColumnType::Bytes => (text.clone(), json!(text)),
        ColumnType::Int | ColumnType::Long => ("12".to_owned(), json!(12)),
        ColumnType::Real => ("1.5".to_owned(), json!(1.5)),
        ColumnType::Bool => ("True".to_owned(), json!(true)),
        ColumnType::Datetime => (
            "1/2/2026, 3:04:05.678 PM".to_owned(),
            json!("2026-01-02T15:04:05.678Z"),
        ),
        ColumnType::Dynamic => (r#"{"a":["b"]}"#.to_owned(), json!(r#"{"a":["b"]}"#)),
    }
}

/// Columns that the row gets from elsewhere.
const OURS: [&str; 5] = [
    "TenantId",
    "Type",
    "SourceSystem",
    "_TimeReceived",
    "AdditionalFields",
];

/// A row with every column of its table, and what it shall become.
fn whole_row(table: Table) -> (serde_json::Map<String, Value>, Value) {
    let mut row = serde_json::Map::new();
    let mut expected = serde_json::Map::new();
    let own = table
        .columns()
        .iter()
        .filter(|column| !OURS.contains(&column.name));
    for column in own {
        let (given, kept) = value(table, column);
        let is_time = column.kind == ColumnType::Datetime;
        let name = format!("{}{}", column.name, if is_time { " [UTC]" } else { "" });
        row.insert(name, json!(given));
        expected.insert(column.name.to_owned(), kept);
    }
    (row, Value::Object(expected))
}

fn tables() -> impl Iterator<Item = Table> {
    Table::ALL
        .into_iter()
        .filter(|table| *table != Table::Quarantine)
}

#[test]
fn a_row_of_any_table_comes_back_as_it_was() {
    for table in tables() {
        let (row, expected) = whole_row(table);
        let bare = Value::Object(row.clone()).to_string();
        let mut typed = row.clone();
        typed.insert("Type".to_owned(), json!(table.name()));
        typed.insert("SourceSystem".to_owned(), json!("Azure"));
        let mut from_file = row;
        from_file.insert("$table".to_owned(), json!(table.name()));
        let (typed, from_file) = (Value::Object(typed), Value::Object(from_file));
        for body in [bare, typed.to_string(), from_file.to_string()] {
            let decoded = run(&Limits::default(), body.as_bytes()).unwrap();
            let found: Vec<_> = decoded.parts.iter().map(|(found, _)| *found).collect();
            assert_eq!(found, [table], "{body}");
            let rows = rows(&body);
            let [row] = rows.as_slice() else {
                panic!("{table}: {} rows", rows.len())
            };
            let columns = expected.as_object().unwrap().iter();
            for (name, kept) in columns {
                assert_eq!(&row[name], kept, "{name} of {table}");
            }
            assert_eq!(row.get("AdditionalFields"), None, "{table}");
        }
    }
}

#[test]
fn empty_cells_are_no_values() {
    for table in tables() {
        let (mut row, _) = whole_row(table);
        for (name, cell) in &mut row {
            if name != "TimeGenerated [UTC]" {
                *cell = json!("");
            }
        }
        row.insert("Type".to_owned(), json!(table.name()));
        let rows = rows(&Value::Object(row).to_string());
        let [row] = rows.as_slice() else {
            panic!("{table}: {rows:?}")
        };
        assert_eq!(row.get("AdditionalFields"), None, "{table}");
        let texts = row.as_object().unwrap().iter();
        for (name, cell) in texts.filter(|(name, _)| *name != "TimeGenerated") {
            let is_derived = name == "Timestamp"; // the gateway's table has the time twice
            assert!(cell == "" || is_derived, "{name} of {table}: {cell}");
        }
    }
}

#[test]
fn rows_of_unknown_zones_wait_in_quarantine() {
    let row = |name: &str| {
        format!(r#"{{"{name}":"8/23/2023, 2:00:00.130 PM","Type":"AuditLogs","Id":"1"}}"#)
    };
    let body = format!(
        "[{},{}]",
        row("TimeGenerated [Local Time]"),
        row("TimeGenerated [UTC]")
    );
    let decoded = run(&Limits::default(), body.as_bytes()).unwrap();
    assert_eq!((decoded.accepted, decoded.quarantined), (1, 1));
    let kept = quarantine::kept(&decoded);
    assert!(
        kept[0].1.contains("'TimeGenerated [Local Time]'"),
        "{kept:?}"
    );
}
