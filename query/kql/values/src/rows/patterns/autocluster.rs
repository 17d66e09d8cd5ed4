//! `autocluster`: a few patterns that say much about many rows. From the values of each of some rows, those are let go
//! without which the pattern scores higher, until none is left to gain by.

use super::mine::Bits;
use super::{Arguments, Table, count, percent, segment_columns, shown, weight_column};
use crate::function::{Context, Failure};
use crate::rows::{Columns, Rows, TableArgument, TableFunction, long, real};
use crate::value::Value;

pub(super) fn table() -> TableFunction {
    TableFunction {
        name: "autocluster",
        columns,
        run: autocluster,
    }
}

/// How much the size of a pattern counts beside its values, if it is not given.
const SIZE_WEIGHT: f64 = 0.5;

/// Rows from which the search starts, if no number is given.
const SEEDS: f64 = 25.0;

/// Most rows from which the search starts.
const SEEDS_MAX: usize = 1_000;

/// Least part of the rows that a pattern has.
const PART_MIN: f64 = 0.05;

/// Place of the first wildcard.
const WILDCARDS: usize = 3;

fn arguments<'a>(columns: &'a Columns, given: &'a [TableArgument]) -> Arguments<'a> {
    Arguments {
        name: "autocluster",
        columns,
        given,
    }
}

fn columns(columns: &Columns, given: &[TableArgument]) -> Result<Columns, Failure> {
    weight_column(&arguments(columns, given), 1)?;
    Ok(segment_columns(columns))
}

/// A pattern: a value for some of the columns.
#[derive(Clone)]
struct Cluster {
    /// By column, the value and the rows that have it; none where any value will do.
    fixed: Vec<Option<(Value, Bits)>>,
    rows: Bits,
    weight: f64,
    score: f64,
}

/// What a pattern is judged by.
struct Judge<'a> {
    table: &'a Table,
    all: Bits,
    size_weight: f64,
}

impl Judge<'_> {
    /// The weighted geometric mean of the part of the rows and of the part of the columns.
    fn cluster(&self, fixed: Vec<Option<(Value, Bits)>>) -> Cluster {
        let bits = fixed.iter().flatten();
        let rows = bits.fold(self.all.clone(), |rows, (_, own)| rows.and(own));
        let weight = self.table.weight(&rows);
        let share = real(fixed.iter().flatten().count()) / real(fixed.len());
        let score =
            (weight / self.table.total).powf(self.size_weight) * share.powf(1.0 - self.size_weight);
        Cluster {
            fixed,
            rows,
            weight,
            score,
        }
    }

    /// The pattern of a row without what lowers its score.
    fn best(&self, row: &[Value]) -> Cluster {
        let fixed = row.iter().enumerate().map(|(column, value)| {
            let item = self.table.item(column, value);
            Some((item.value, item.rows))
        });
        let mut best = self.cluster(fixed.collect());
        for _ in 0..row.len() {
            let without = |column: usize| {
                let mut fixed = best.fixed.clone();
                let old = fixed.get_mut(column)?.take();
                old.map(|_| self.cluster(fixed))
            };
            let next = (0..row.len()).filter_map(without);
            let next = next.max_by(|left, right| left.score.total_cmp(&right.score));
            match next {
                Some(next) if next.score > best.score => best = next,
                _ => break,
            }
        }
        best
    }
}

fn autocluster(_: &mut Context, rows: Rows, given: &[TableArgument]) -> Result<Rows, Failure> {
    let arguments = arguments(&rows.columns, given);
    let size_weight = arguments.real(0, SIZE_WEIGHT)?;
    if !(0.0..=1.0).contains(&size_weight) {
        return Err(arguments.wrong(0, "from 0 to 1"));
    }
    let weight = weight_column(&arguments, 1)?;
    let seeds = arguments.real(2, SEEDS)?;
    let table = Table::of(&rows, weight);
    let judge = Judge {
        all: Bits::of(table.rows.iter().map(|_| true)),
        table: &table,
        size_weight,
    };
    let mut seeded: Vec<(&Vec<Value>, f64)> = table
        .rows
        .iter()
        .zip(&table.weights)
        .map(|((values, _), weight)| (values, *weight))
        .collect();
    // Rows that are there often first; among equal ones the first.
    seeded.sort_by(|left, right| right.1.total_cmp(&left.1));
    let seeds = (1..=SEEDS_MAX).rev().find(|most| real(*most) <= seeds);
    let seeded = seeded.iter().take(seeds.unwrap_or(1));
    let mut clusters: Vec<Cluster> = seeded.map(|(row, _)| judge.best(row)).collect();
    clusters.sort_by(|left, right| right.score.total_cmp(&left.score));
    let chosen = chosen(clusters, &table);
    let row = |(segment, cluster): (usize, &Cluster)| {
        let values = cluster.fixed.iter().enumerate();
        let values = values.filter_map(|(column, fixed)| table.fixed(column, &fixed.as_ref()?.0));
        let mut row = vec![
            long(segment),
            count(cluster.weight),
            percent(cluster.weight, table.total),
        ];
        row.extend(shown(&arguments, WILDCARDS, values.collect()));
        row
    };
    Ok(Rows {
        rows: chosen.iter().enumerate().map(row).collect(),
        columns: columns(&rows.columns, given)?,
    })
}

/// Those that are large enough and tell mostly of rows that better ones do not tell of.
fn chosen(clusters: Vec<Cluster>, table: &Table) -> Vec<Cluster> {
    let mut chosen: Vec<Cluster> = Vec::new();
    let mut told: Option<Bits> = None;
    for cluster in clusters {
        let is_large = cluster.weight >= PART_MIN * table.total;
        let known = told
            .as_ref()
            .map_or(0.0, |told| table.weight(&told.and(&cluster.rows)));
        if !is_large || known * 2.0 > cluster.weight || cluster.fixed.iter().all(Option::is_none) {
            continue;
        }
        told = Some(match told {
            Some(told) => told.or(&cluster.rows),
            None => cluster.rows.clone(),
        });
        chosen.push(cluster);
    }
    chosen
}
