//! Rows by the values of some columns.

use std::collections::HashMap;

use super::Rows;
use crate::value::Value;

/// Rows that have the same values in some columns, in the order in which they came first.
pub(super) fn grouped(rows: &Rows, columns: &[usize]) -> Vec<(Vec<Value>, Vec<usize>)> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(Vec<Value>, Vec<usize>)> = Vec::new();
    for (place, row) in rows.rows.iter().enumerate() {
        let values = columns.iter().filter_map(|column| row.get(*column));
        let values: Vec<Value> = values.cloned().collect();
        let text = Value::list(values.iter().map(Value::to_json)).to_text();
        let group = *known.entry(text).or_insert_with(|| {
            groups.push((values, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, members)) = groups.get_mut(group) {
            members.push(place);
        }
    }
    groups
}
