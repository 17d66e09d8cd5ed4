//! `rows_near`: the rows around those for which a condition holds.

use crate::function::{Context, Failure};
use crate::rows::{Rows, TableArgument, TableFunction};
use crate::value::Value;

const NAME: &str = "rows_near";

pub(super) fn functions() -> Vec<TableFunction> {
    vec![TableFunction {
        name: NAME,
        columns: |columns, _| Ok(columns.clone()),
        run,
    }]
}

fn run(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let wrong = || {
        Failure::new(
            "rows_near takes a condition, a number of rows, and may take another one for those after",
        )
    };
    let [TableArgument::Column(condition), numbers @ ..] = arguments else {
        return Err(wrong());
    };
    let number = |argument: &TableArgument| match argument {
        TableArgument::Constant(number) => number
            .as_long()
            .and_then(|number| usize::try_from(number).ok()),
        TableArgument::Column(_) => None,
    };
    let numbers: Option<Vec<usize>> = numbers.iter().map(number).collect();
    let (before, after) = match numbers.as_deref() {
        Some([both]) => (*both, *both),
        Some([before, after]) => (*before, *after),
        _ => return Err(wrong()),
    };
    let mut is_near = vec![false; rows.rows.len()];
    let mut done = 0;
    for (place, row) in rows.rows.iter().enumerate() {
        if row.get(*condition) != Some(&Value::Bool(true)) {
            continue;
        }
        let first = place.saturating_sub(before).max(done);
        let past = place
            .saturating_add(after)
            .saturating_add(1)
            .min(is_near.len());
        for near in is_near.get_mut(first..past).unwrap_or_default() {
            *near = true;
        }
        done = past;
    }
    let kept = rows.rows.into_iter().zip(is_near).filter(|(_, near)| *near);
    Ok(Rows {
        columns: rows.columns,
        rows: kept.map(|(row, _)| row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use kql_syntax::ast::Type;

    use super::*;

    #[track_caller]
    fn check(marks: &str, numbers: &[i64], expected: &[i64]) {
        let row = |(place, mark): (usize, char)| {
            vec![
                Value::Bool(mark == 'x'),
                Value::Long(i64::try_from(place).unwrap()),
            ]
        };
        let table = Rows {
            columns: vec![("is".to_owned(), Type::Bool), ("n".to_owned(), Type::Long)],
            rows: marks.chars().enumerate().map(row).collect(),
        };
        let mut arguments = vec![TableArgument::Column(0)];
        arguments.extend(
            numbers
                .iter()
                .map(|n| TableArgument::Constant(Value::Long(*n))),
        );
        let near = run(&mut Context::new(0), table, &arguments).unwrap();
        let places: Vec<Value> = near.rows.into_iter().map(|row| row[1].clone()).collect();
        let expected: Vec<Value> = expected.iter().map(|place| Value::Long(*place)).collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn rows_around_are_kept_once() {
        check("...x....", &[1], &[2, 3, 4]);
        check("x..x....x", &[2, 0], &[0, 1, 2, 3, 6, 7, 8]);
        check("xx.....", &[0, 3], &[0, 1, 2, 3, 4]);
        check("....", &[5], &[]);
        check("x..x", &[i64::MAX], &[0, 1, 2, 3]);
    }

    #[test]
    fn a_wrong_call_says_what_is_right() {
        let failure = run(&mut Context::new(0), Rows::default(), &[]).unwrap_err();
        assert!(failure.0.contains("a condition"));
    }
}
