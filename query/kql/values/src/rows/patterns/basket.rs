//! `basket`: patterns that many rows have.

use std::collections::BTreeMap;

use super::mine::{Bits, Item, closed};
use super::{Arguments, Table, count, percent, segment_columns, shown, weight_column};
use crate::function::{Context, Failure};
use crate::rows::{Columns, Rows, TableArgument, TableFunction, long, real};
use crate::value::Value;

pub(super) fn table() -> TableFunction {
    TableFunction {
        name: "basket",
        columns,
        run: basket,
    }
}

/// Least part of the rows, if none is given.
const THRESHOLD: f64 = 0.05;

/// Most items that do not imply each other, if no number is given.
const DIMENSIONS: f64 = 5.0;

/// Place of the first wildcard.
const WILDCARDS: usize = 3;

fn arguments<'a>(columns: &'a Columns, given: &'a [TableArgument]) -> Arguments<'a> {
    Arguments {
        name: "basket",
        columns,
        given,
    }
}

fn columns(columns: &Columns, given: &[TableArgument]) -> Result<Columns, Failure> {
    weight_column(&arguments(columns, given), 1)?;
    Ok(segment_columns(columns))
}

fn basket(_: &mut Context, rows: Rows, given: &[TableArgument]) -> Result<Rows, Failure> {
    let arguments = arguments(&rows.columns, given);
    let threshold = arguments.real(0, THRESHOLD)?;
    if !(0.015..=1.0).contains(&threshold) {
        return Err(arguments.wrong(0, "from 0.015 to 1"));
    }
    let weight = weight_column(&arguments, 1)?;
    let dimensions = arguments.real(2, DIMENSIONS)?;
    let table = Table::of(&rows, weight);
    let is_enough = |rows: &Bits| table.weight(rows) >= threshold * table.total;
    let items = items(&table, threshold);
    let all = Bits::of(table.rows.iter().map(|_| true));
    let chosen_max = (1..=64).rev().find(|most| real(*most) <= dimensions);
    let found = closed(&items, all, chosen_max.unwrap_or(1), &is_enough)?;
    let mut found: Vec<(f64, Vec<usize>)> = found
        .into_iter()
        .map(|pattern| (table.weight(&pattern.rows), pattern.items))
        .collect();
    // What says most about most rows comes first.
    found.sort_by(|left, right| {
        let says = |(weight, items): &(f64, Vec<usize>)| weight * real(items.len());
        let order = says(right).total_cmp(&says(left));
        order.then_with(|| left.1.cmp(&right.1))
    });
    let row = |(segment, (weight, chosen)): (usize, &(f64, Vec<usize>))| {
        let chosen = chosen.iter().filter_map(|place| items.get(*place));
        let values = chosen.filter_map(|item| table.fixed(item.column, &item.value));
        let mut row = vec![long(segment), count(*weight), percent(*weight, table.total)];
        row.extend(shown(&arguments, WILDCARDS, values.collect()));
        row
    };
    Ok(Rows {
        rows: found.iter().enumerate().map(row).collect(),
        columns: columns(&rows.columns, given)?,
    })
}

/// Values that enough rows have.
fn items(table: &Table, threshold: f64) -> Vec<Item> {
    let mut items = Vec::new();
    for column in 0..table.columns.len() {
        let mut weights: BTreeMap<String, (f64, &Value)> = BTreeMap::new();
        for ((values, _), weight) in table.rows.iter().zip(&table.weights) {
            if let Some(value) = values.get(column) {
                weights.entry(value.to_text()).or_insert((0.0, value)).0 += weight;
            }
        }
        for (weight, value) in weights.values() {
            if *weight >= threshold * table.total {
                items.push(table.item(column, value));
            }
        }
    }
    items
}
