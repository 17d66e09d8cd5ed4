//! `diffpatterns`: patterns of values that tell two sets of rows apart.
//!
//! The algorithm of Kusto's is not published. This one starts from single values whose share differs enough between
//! the sets, adds values of other columns that make the difference larger or hold for the same rows, and keeps the
//! largest differences of which none is a part of another.

use std::collections::HashMap;

use kql_syntax::ast::Type;

use crate::function::{Context, Failure};
use crate::rows::{Columns, Rows, TableArgument, TableFunction};
use crate::value::Value;

const NAME: &str = "diffpatterns";

const COLUMNS: [(&str, Type); 6] = [
    ("SegmentId", Type::Long),
    ("CountA", Type::Long),
    ("CountB", Type::Long),
    ("PercentA", Type::Real),
    ("PercentB", Type::Real),
    ("PercentDiffAB", Type::Real),
];

/// Least difference of shares, if none is given.
const THRESHOLD: f64 = 0.05;

/// Differences that are this close are the same.
const ROUNDING: f64 = 1e-9;

/// Single values that patterns start from, those of the largest differences.
const STARTS_MAX: usize = 64;

/// Patterns in the result.
const PATTERNS_MAX: usize = 32;

pub(super) fn functions() -> Vec<TableFunction> {
    vec![TableFunction {
        name: NAME,
        columns: |columns, arguments| Ok(Call::new(columns, arguments)?.columns(columns)),
        run,
    }]
}

/// A call, with its arguments in their places.
struct Call {
    split: usize,
    values: [String; 2],
    weight: Option<usize>,
    threshold: f64,
    dimensions_max: usize,
    wildcards: Vec<Value>,
}

impl Call {
    fn new(columns: &Columns, arguments: &[TableArgument]) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure(format!("diffpatterns: {what}"));
        let [
            TableArgument::Column(split),
            TableArgument::Constant(a),
            TableArgument::Constant(b),
            rest @ ..,
        ] = arguments
        else {
            return Err(wrong("it starts with a column and two of its values"));
        };
        let is_default = |argument: &TableArgument| matches!(argument, TableArgument::Constant(Value::String(text)) if text == "~");
        let given = |place: usize| rest.get(place).filter(|argument| !is_default(argument));
        let number = |place: usize| match given(place) {
            None => Ok(None),
            Some(TableArgument::Constant(value)) if value.as_real().is_some() => {
                Ok(value.as_real())
            }
            Some(_) => Err(wrong("Threshold and MaxDimensions are numbers, or '~'")),
        };
        let weight = match given(0) {
            None => None,
            Some(TableArgument::Column(place)) if columns.get(*place).is_some() => Some(*place),
            Some(_) => return Err(wrong("WeightColumn is a column, or '~'")),
        };
        let threshold = number(1)?.unwrap_or(THRESHOLD);
        if !(0.015..=1.0).contains(&threshold) {
            return Err(wrong("Threshold is from 0.015 to 1"));
        }
        let dimensions_max = (1..=columns.len()).rev().find(|count| {
            let limit = number(2).ok().flatten();
            limit.is_none_or(|limit| {
                u32::try_from(*count).is_ok_and(|count| f64::from(count) <= limit)
            })
        });
        number(2)?;
        let wildcards = rest.iter().skip(3).filter_map(|argument| match argument {
            TableArgument::Constant(value) if !is_default(argument) => Some(value.clone()),
            _ => None,
        });
        Ok(Self {
            split: *split,
            values: [a.to_text(), b.to_text()],
            weight,
            threshold,
            dimensions_max: dimensions_max.unwrap_or(1),
            wildcards: wildcards.collect(),
        })
    }

    /// Places of the columns whose values make patterns.
    fn dimensions(&self, columns: &Columns) -> Vec<usize> {
        let places = 0..columns.len();
        places
            .filter(|place| *place != self.split && Some(*place) != self.weight)
            .collect()
    }

    fn columns(&self, input: &Columns) -> Columns {
        let own = COLUMNS.iter().map(|(name, ty)| ((*name).to_owned(), *ty));
        let dimensions = self.dimensions(input);
        own.chain(
            dimensions
                .iter()
                .filter_map(|place| input.get(*place).cloned()),
        )
        .collect()
    }

    /// What stands for any value of a column.
    fn wildcard(&self, ty: Type) -> Value {
        let given = self.wildcards.iter().find(|value| value.ty() == Some(ty));
        match (given, ty) {
            (Some(value), _) => value.clone(),
            (None, Type::String) => Value::String(String::new()),
            (None, _) => Value::Null,
        }
    }
}

/// A row: which set it is of, how much it counts, and its values as numbers.
struct Item {
    side: usize,
    weight: f64,
    codes: Vec<usize>,
}

/// The rows of both sets, and what their numbers stand for.
struct Data {
    items: Vec<Item>,
    values: Vec<Vec<Value>>,
    totals: [f64; 2],
}

impl Data {
    fn new(call: &Call, dimensions: &[usize], rows: Vec<Vec<Value>>) -> Self {
        let mut data = Self {
            items: Vec::new(),
            values: vec![Vec::new(); dimensions.len()],
            totals: [0.0; 2],
        };
        let mut codes: Vec<HashMap<String, usize>> = vec![HashMap::new(); dimensions.len()];
        for row in rows {
            let set = row.get(call.split).map(Value::to_text).unwrap_or_default();
            let Some(side) = call.values.iter().position(|value| *value == set) else {
                continue;
            };
            let weight = call.weight.and_then(|place| row.get(place)?.as_real());
            let weight = weight.unwrap_or(1.0).max(0.0);
            let columns = codes.iter_mut().zip(&mut data.values).zip(dimensions);
            let codes = columns.map(|((codes, values), place)| {
                let value = row.get(*place).cloned().unwrap_or(Value::Null);
                *codes.entry(value.to_text()).or_insert_with(|| {
                    values.push(value);
                    values.len() - 1
                })
            });
            let codes = codes.collect();
            if let Some(total) = data.totals.get_mut(side) {
                *total += weight;
            }
            data.items.push(Item {
                side,
                weight,
                codes,
            });
        }
        data
    }

    /// How far the shares of both sets are apart.
    fn difference(&self, counts: [f64; 2]) -> f64 {
        let [a, b] = self.shares(counts);
        (a - b).abs()
    }

    fn shares(&self, [a, b]: [f64; 2]) -> [f64; 2] {
        let [all_a, all_b] = self.totals;
        let share = |part: f64, all: f64| if all > 0.0 { part / all } else { 0.0 };
        [share(a, all_a), share(b, all_b)]
    }

    /// How much of both sets each value of each free column has, among some rows.
    fn tallies(
        &self,
        items: &[&Item],
        is_free: impl Fn(usize) -> bool,
    ) -> Vec<(usize, usize, [f64; 2])> {
        let mut tallies: Vec<Vec<[f64; 2]>> = self
            .values
            .iter()
            .map(|values| vec![[0.0; 2]; values.len()])
            .collect();
        for item in items {
            for (tally, code) in tallies.iter_mut().zip(&item.codes) {
                let counts = tally.get_mut(*code);
                if let Some(count) = counts.and_then(|counts| counts.get_mut(item.side)) {
                    *count += item.weight;
                }
            }
        }
        let columns = tallies
            .into_iter()
            .enumerate()
            .filter(|(column, _)| is_free(*column));
        let values = columns.flat_map(|(column, tally)| {
            tally
                .into_iter()
                .enumerate()
                .map(move |(code, counts)| (column, code, counts))
        });
        values.collect()
    }
}

/// Values of some columns, and how much of both sets has them.
#[derive(Clone)]
struct Pattern {
    values: Vec<(usize, usize)>,
    counts: [f64; 2],
}

impl Pattern {
    fn covers(&self, item: &Item) -> bool {
        self.values
            .iter()
            .all(|(column, code)| item.codes.get(*column) == Some(code))
    }

    fn is_part_of(&self, other: &Self) -> bool {
        self.values.iter().all(|value| other.values.contains(value))
    }

    /// With values of further columns, as long as they make the difference larger or hold for the same rows.
    fn grown(mut self, data: &Data, dimensions_max: usize) -> Self {
        let mut items: Vec<&Item> = data.items.iter().filter(|item| self.covers(item)).collect();
        while self.values.len() < dimensions_max {
            let is_free = |column| self.values.iter().all(|(taken, _)| *taken != column);
            let tallies = data.tallies(&items, is_free);
            let best = tallies
                .into_iter()
                .max_by(|left, right| data.difference(left.2).total_cmp(&data.difference(right.2)));
            let Some((column, code, counts)) = best else {
                break;
            };
            let is_larger = data.difference(counts) > data.difference(self.counts) + ROUNDING;
            let [a, b] = self.counts;
            let is_same = (counts[0] - a).abs() + (counts[1] - b).abs() < ROUNDING;
            if !is_larger && !is_same {
                break;
            }
            self.values.push((column, code));
            self.counts = counts;
            items.retain(|item| item.codes.get(column) == Some(&code));
        }
        self.values.sort_unstable();
        self
    }
}

fn patterns(data: &Data, call: &Call) -> Vec<Pattern> {
    let all: Vec<&Item> = data.items.iter().collect();
    let singles = data.tallies(&all, |_| true).into_iter();
    let mut starts: Vec<Pattern> = singles
        .filter(|(.., counts)| data.difference(*counts) >= call.threshold)
        .map(|(column, code, counts)| Pattern {
            values: vec![(column, code)],
            counts,
        })
        .collect();
    let largest_first = |left: &Pattern, right: &Pattern| {
        data.difference(right.counts)
            .total_cmp(&data.difference(left.counts))
    };
    starts.sort_by(largest_first);
    starts.truncate(STARTS_MAX);
    let grown = starts
        .into_iter()
        .map(|start| start.grown(data, call.dimensions_max));
    let mut grown: Vec<Pattern> = grown.collect();
    grown.sort_by(largest_first);
    let mut kept: Vec<Pattern> = Vec::new();
    for pattern in grown {
        let is_new = kept
            .iter()
            .all(|kept| !kept.is_part_of(&pattern) && !pattern.is_part_of(kept));
        if is_new && kept.len() < PATTERNS_MAX {
            kept.push(pattern);
        }
    }
    kept
}

fn run(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let call = Call::new(&rows.columns, arguments)?;
    let dimensions = call.dimensions(&rows.columns);
    let types = dimensions
        .iter()
        .filter_map(|place| rows.columns.get(*place));
    let wildcards: Vec<Value> = types.map(|column| call.wildcard(column.1)).collect();
    let data = Data::new(&call, &dimensions, rows.rows);
    let row = |(segment, pattern): (i64, Pattern)| {
        let [a, b] = pattern.counts;
        let [share_a, share_b] = data.shares(pattern.counts);
        let mut row = vec![Value::Long(segment), long(a), long(b)];
        row.extend([share_a, share_b, (share_a - share_b).abs()].map(percent));
        row.extend(wildcards.iter().cloned());
        for (column, code) in &pattern.values {
            let value = data
                .values
                .get(*column)
                .and_then(|values| values.get(*code));
            if let (Some(cell), Some(value)) = (row.get_mut(COLUMNS.len() + column), value) {
                *cell = value.clone();
            }
        }
        row
    };
    let patterns = patterns(&data, &call);
    Ok(Rows {
        columns: call.columns(&rows.columns),
        rows: (0..).zip(patterns).map(row).collect(),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a sum of weights, rounded")]
fn long(count: f64) -> Value {
    Value::Long(count.round() as i64)
}

/// Percent, with two digits after the point.
fn percent(share: f64) -> Value {
    Value::Real((share * 10_000.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    /// Rows of an outcome, a method, a status and a weight.
    fn table(rows: &[(&str, &str, i64, i64)]) -> Rows {
        let columns = [
            ("outcome", Type::String),
            ("method", Type::String),
            ("status", Type::Long),
            ("times", Type::Long),
        ];
        let row = |(outcome, method, status, times): &(&str, &str, i64, i64)| {
            vec![
                text(outcome),
                text(method),
                Value::Long(*status),
                Value::Long(*times),
            ]
        };
        Rows {
            columns: columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec(),
            rows: rows.iter().map(row).collect(),
        }
    }

    #[track_caller]
    fn check(rows: &[(&str, &str, i64, i64)], more: &[TableArgument], expected: &[&str]) {
        let mut arguments = vec![
            TableArgument::Column(0),
            TableArgument::Constant(text("good")),
            TableArgument::Constant(text("bad")),
            TableArgument::Column(3),
        ];
        arguments.extend(more.iter().cloned());
        let found = run(&mut Context::new(0), table(rows), &arguments).unwrap();
        let names: Vec<&str> = found
            .columns
            .iter()
            .map(|column| column.0.as_str())
            .collect();
        assert_eq!(names[6..], ["method", "status"]);
        let cell = |cell: &Value| match cell {
            Value::Real(number) => number.to_string(),
            Value::Null => "*".to_owned(),
            other => other.to_text(),
        };
        let line = |row: &Vec<Value>| row.iter().map(cell).collect::<Vec<_>>().join("|");
        assert_eq!(found.rows.iter().map(line).collect::<Vec<_>>(), expected);
    }

    const CALLS: [(&str, &str, i64, i64); 6] = [
        ("good", "GET", 200, 60),
        ("good", "POST", 200, 30),
        ("good", "PUT", 201, 10),
        ("bad", "GET", 500, 10),
        ("bad", "POST", 500, 35),
        ("bad", "PUT", 201, 5),
    ];

    #[test]
    fn values_that_tell_the_sets_apart() {
        let expected = ["0|90|0|90|0|90||200", "1|0|45|0|90|90||500"];
        let strict = [TableArgument::Constant(Value::Real(0.5))];
        check(&CALLS, &strict, &expected);
    }

    #[test]
    fn a_pattern_grows_while_the_difference_does() {
        let mixed = [
            ("good", "GET", 1, 40),
            ("good", "PUT", 2, 60),
            ("bad", "GET", 2, 30),
            ("bad", "PUT", 1, 10),
            ("bad", "PUT", 2, 60),
        ];
        check(
            &mixed,
            &[],
            &[
                "0|40|0|40|0|40|GET|1",
                "1|60|90|60|90|30||2",
                "2|60|70|60|70|10|PUT|*",
            ],
        );
        let one = [text("~"), Value::Long(1)].map(TableArgument::Constant);
        check(
            &mixed,
            &one,
            &[
                "0|40|10|40|10|30||1",
                "1|60|90|60|90|30||2",
                "2|40|30|40|30|10|GET|*",
                "3|60|70|60|70|10|PUT|*",
            ],
        );
    }

    #[test]
    fn a_wildcard_may_be_chosen() {
        let more =
            [Value::Real(0.5), text("~"), text("*"), Value::Long(-1)].map(TableArgument::Constant);
        let one = [("good", "GET", 1, 1), ("bad", "PUT", 1, 1)];
        check(
            &one,
            &more,
            &["0|1|0|100|0|100|GET|1", "1|0|1|0|100|100|PUT|1"],
        );
        let more = [Value::Real(0.5), Value::Long(1), text("*"), Value::Long(-1)]
            .map(TableArgument::Constant);
        check(
            &one,
            &more,
            &["0|1|0|100|0|100|GET|-1", "1|0|1|0|100|100|PUT|-1"],
        );
    }

    #[test]
    fn sets_alike_have_no_patterns() {
        check(&[("good", "GET", 1, 5), ("bad", "GET", 1, 9)], &[], &[]);
        check(&[], &[], &[]);
    }

    #[test]
    fn wrong_calls_say_what_is_right() {
        let failure = Call::new(&Vec::new(), &[]).err().unwrap();
        assert!(failure.0.contains("a column and two"));
    }
}
