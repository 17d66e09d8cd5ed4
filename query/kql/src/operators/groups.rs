//! Functions over whole tables, where rows are in groups that are each by themselves: within `partition` and `mv-apply`.

use std::collections::HashMap;
use std::sync::Arc;

use kql_syntax::ast::Type;
use kql_values::Value;
use kql_values::rows::Rows;

use super::evaluate::whole;
use crate::error::Bind;
use crate::node::Run;
use crate::relation::{Hidden, Relation};

/// The rows of each group passed through a function. What is hidden is that of the group's first row.
pub(super) fn through(
    input: Relation,
    name: &str,
    output: Vec<(String, Type)>,
    run: Run,
) -> Bind<Relation> {
    let visible = input.columns.len();
    let (shown, hidden) = shown(input);
    let columns = shown.columns.get(..visible).unwrap_or_default().to_vec();
    let mut widened = output;
    widened.extend(hidden.iter().map(|one| (one.name.clone(), one.ty)));
    let is_key: Vec<bool> = hidden.iter().map(|one| one.is_key).collect();
    let each: Run = Arc::new(move |rows: Rows| {
        let mut all = Vec::new();
        for (rest, group) in groups_of(rows.rows, visible, &is_key) {
            let made = run(Rows {
                columns: columns.clone(),
                rows: group,
            })?;
            all.extend(made.rows.into_iter().map(|mut row| {
                row.extend(rest.iter().cloned());
                row
            }));
        }
        Ok(Rows {
            columns: Vec::new(),
            rows: all,
        })
    });
    let mut made = whole(shown, name, widened, each)?;
    for one in &hidden {
        made = made.hide(&one.name, one.is_key);
    }
    Ok(made)
}

/// The rows with what is hidden as columns behind the others.
pub(super) fn shown(mut input: Relation) -> (Relation, Vec<Hidden>) {
    let hidden = std::mem::take(&mut input.hidden);
    let columns = hidden.iter().map(|one| (one.name.clone(), one.ty));
    input.columns.extend(columns);
    (input, hidden)
}

/// Rows by the values of their key columns, which stand behind the visible ones; groups in the order of their first
/// rows.
fn groups_of(
    rows: Vec<Vec<Value>>,
    visible: usize,
    is_key: &[bool],
) -> Vec<(Vec<Value>, Vec<Vec<Value>>)> {
    let mut groups: Vec<(Vec<Value>, Vec<Vec<Value>>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for mut row in rows {
        let rest = row.split_off(visible.min(row.len()));
        let next = groups.len();
        let place = *places.entry(key_of(&rest, is_key)).or_insert(next);
        if place == next {
            groups.push((rest, Vec::new()));
        }
        if let Some((_, group)) = groups.get_mut(place) {
            group.push(row);
        }
    }
    groups
}

/// What tells the group of a row, of the columns that were hidden.
pub(super) fn key_of(hidden: &[Value], is_key: &[bool]) -> String {
    let values = hidden.iter().zip(is_key);
    let keys: Vec<_> = values
        .filter(|(_, is_key)| **is_key)
        .map(|(value, _)| value)
        .collect();
    format!("{keys:?}")
}
