//! A small table that is made here rather than asked of the engine.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use query::Type;
use serde_json::{Value, json};

use super::envelope::Envelope;
use super::frames::{Facts, column_v1, column_v2, completion, first_frame, table_frame};

/// Columns and rows.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<(&'static str, Type)>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    pub(super) fn new(columns: &[(&'static str, Type)], rows: Vec<Vec<Value>>) -> Self {
        let columns = columns.to_vec();
        Self { columns, rows }
    }

    /// The whole answer.
    pub(super) fn into_response(self, envelope: Envelope, facts: &Facts) -> Response {
        let columns = self.columns.iter();
        let body = match envelope {
            Envelope::V1 | Envelope::LogAnalytics { .. } => {
                let columns: Vec<_> = columns.map(|(name, kind)| column_v1(name, *kind)).collect();
                let table = json!({"TableName": "Table_0", "Columns": columns, "Rows": self.rows});
                json!({"Tables": [table]}).to_string()
            }
            Envelope::V2 => {
                let columns: Vec<_> = columns.map(|(name, kind)| column_v2(name, *kind)).collect();
                let rows: Vec<_> = self.rows.into_iter().map(Value::Array).collect();
                let name = "PrimaryResult";
                let table = table_frame(1, (name, name), &columns, &rows);
                let [information, end] = completion(facts, 2, None, Vec::new());
                format!("[{},{table},{information},{end}]", first_frame())
            }
        };
        let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
        (kind, body).into_response()
    }

    /// The table as an expression of KQL.
    pub(super) fn as_kql(&self) -> String {
        let columns = self.columns.iter();
        let columns: Vec<_> = columns
            .map(|(name, kind)| format!("['{name}']: {}", kind.name()))
            .collect();
        let cells = self
            .rows
            .iter()
            .flat_map(|row| row.iter().zip(&self.columns));
        let cells: Vec<_> = cells
            .map(|(cell, (_, kind))| literal(cell, *kind))
            .collect();
        format!("datatable({})[{}]", columns.join(", "), cells.join(", "))
    }
}

fn literal(cell: &Value, kind: Type) -> String {
    let name = kind.name();
    match (kind, cell) {
        // A JSON string is a string of KQL too.
        (Type::String, Value::String(_)) => cell.to_string(),
        (Type::String, _) => "''".to_owned(),
        (_, Value::Null) => format!("{name}(null)"),
        (_, Value::String(text)) => format!("{name}({text})"),
        (_, other) => format!("{name}({other})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_an_expression_of_kql() {
        let columns = [("a b", Type::String), ("n", Type::Long), ("g", Type::Guid)];
        let rows = vec![vec![json!("x\"\n"), json!(1), Value::Null]];
        let text = Table::new(&columns, rows).as_kql();
        let expected =
            r#"datatable(['a b']: string, ['n']: long, ['g']: guid)["x\"\n", long(1), guid(null)]"#;
        assert_eq!(text, expected);
    }
}
