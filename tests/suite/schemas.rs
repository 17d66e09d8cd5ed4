//! The columns of our tables beside the published lists of Azure Log Analytics, where those are at hand.

use std::collections::BTreeMap;
use std::fs;

use store::{ColumnType, Table};

use crate::layers::root;

/// A column that we leave out: names differ in more than case, because DuckDB reads the lake too.
const LEFT_OUT: (&str, &str) = ("AzureDiagnostics", "clientIp_s");

fn kind(published: &str) -> Option<ColumnType> {
    Some(match published.to_ascii_lowercase().as_str() {
        "string" | "guid" => ColumnType::Text,
        "int" => ColumnType::Int,
        "long" | "bigint" => ColumnType::Long,
        "real" | "double" => ColumnType::Real,
        "bool" => ColumnType::Bool,
        "datetime" => ColumnType::Datetime,
        "dynamic" => ColumnType::Dynamic,
        _ => return None,
    })
}

#[test]
fn every_published_column_is_there() {
    let Ok(lists) = fs::read_to_string(root().join("../shared/conformance/table_schemas.csv"))
    else {
        eprintln!("skipped: the published lists of columns are not here");
        return;
    };
    let mut missing = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lists.lines().skip(1) {
        let mut cells = line.split(',');
        let (Some(name), Some(column), Some(published)) =
            (cells.next(), cells.next(), cells.next())
        else {
            continue;
        };
        // Descriptions go over lines; what is no table there is one of those.
        let (Some(table), Some(kind)) = (Table::from_name(name), kind(published)) else {
            continue;
        };
        *counts.entry(table.name()).or_default() += 1;
        let mut columns = table.columns().iter();
        let is_there = columns.any(|known| known.name == column && known.kind == kind);
        if !is_there && (name, column) != LEFT_OUT {
            missing.push(format!("{name}.{column}: {published}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(counts.len() >= 30, "{counts:?}");
}
