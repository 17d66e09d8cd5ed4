//! `narrow`: a row for each value.

use super::{Rows, TableFunction, bounded, long};
use crate::function::{Context, Failure};
use crate::value::Value;
use kql_syntax::ast::Type;

pub(super) fn table() -> Vec<TableFunction> {
    vec![TableFunction {
        name: "narrow",
        columns: |_, _| {
            let columns = [
                ("Row", Type::Long),
                ("Column", Type::String),
                ("Value", Type::String),
            ];
            Ok(columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec())
        },
        run: |_: &mut Context, rows, _| narrow(&rows),
    }]
}

fn narrow(rows: &Rows) -> Result<Rows, Failure> {
    bounded(rows.rows.len().saturating_mul(rows.columns.len()))?;
    let mut narrow = Vec::new();
    for (place, row) in rows.rows.iter().enumerate() {
        for ((name, _), value) in rows.columns.iter().zip(row) {
            narrow.push(vec![
                long(place),
                Value::String(name.clone()),
                Value::String(value.to_text()),
            ]);
        }
    }
    let columns = vec![
        ("Row".to_owned(), Type::Long),
        ("Column".to_owned(), Type::String),
        ("Value".to_owned(), Type::String),
    ];
    Ok(Rows {
        columns,
        rows: narrow,
    })
}
