use kql_syntax::ast::Type;

use crate::function::{Context, Failure};
use crate::rows::{Rows, TableArgument, table_functions};
use crate::value::Value;

/// Runs a plugin on rows of an identity, a time and a dimension.
fn run(name: &str, data: &[(&str, i64, &str)], constants: &[i64]) -> Result<Rows, Failure> {
    let text = |text: &str| Value::String(text.to_owned());
    let rows = data
        .iter()
        .map(|(id, time, side)| vec![text(id), Value::Long(*time), text(side)]);
    let columns = [
        ("who", Type::String),
        ("at", Type::Long),
        ("side", Type::String),
    ];
    let table = Rows {
        columns: columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec(),
        rows: rows.collect(),
    };
    let mut arguments = vec![TableArgument::Column(0), TableArgument::Column(1)];
    arguments.extend(
        constants
            .iter()
            .map(|number| TableArgument::Constant(Value::Long(*number))),
    );
    arguments.push(TableArgument::Column(2));
    let functions = table_functions();
    let function = functions
        .iter()
        .find(|function| function.name == name)
        .unwrap();
    let columns = (function.columns)(&table.columns, &arguments)?;
    let rows = (function.run)(&mut Context::new(0), table, &arguments)?;
    assert_eq!(rows.columns, columns);
    assert!(rows.rows.iter().all(|row| row.len() == columns.len()));
    Ok(rows)
}

/// Each row as one text.
#[track_caller]
fn check(name: &str, data: &[(&str, i64, &str)], constants: &[i64], expected: &[&str]) {
    let rows = run(name, data, constants).unwrap();
    let cell = |cell: &Value| match cell {
        Value::Real(number) => number.to_string(),
        other => other.to_text(),
    };
    let line = |row: &Vec<Value>| row.iter().map(cell).collect::<Vec<_>>().join(" ");
    assert_eq!(rows.rows.iter().map(line).collect::<Vec<_>>(), expected);
}

const VISITS: [(&str, i64, &str); 9] = [
    ("a", 0, "l"),
    ("b", 3, "l"),
    ("a", 5, "l"),
    ("c", 12, "l"),
    ("a", 14, "l"),
    ("d", 31, "l"),
    ("a", 12, "r"),
    ("a", 13, "r"),
    ("z", -1, "l"),
];

#[test]
fn counts_beside_all_windows_before() {
    let expected = [
        "0 l 3 2 2 2",
        "10 l 2 2 1 3",
        "10 r 2 1 1 1",
        "30 l 1 1 1 4",
    ];
    check("activity_counts_metrics", &VISITS, &[0, 31, 10], &expected);
    check(
        "activity_counts_metrics",
        &VISITS,
        &[0, 9, 10],
        &["0 l 3 2 2 2"],
    );
}

#[test]
fn metrics_beside_the_window_before() {
    let expected = [
        "0 l 2 2 NaN NaN",
        "10 l 2 1 0.5 0.5",
        "10 r 1 1 NaN NaN",
        "30 l 1 1 NaN NaN",
    ];
    check("activity_metrics", &VISITS, &[0, 31, 10], &expected);
    let all = ["-10 l 1 1 NaN NaN", "0 l 2 2 0 1"];
    check(
        "activity_metrics",
        &VISITS[..3]
            .iter()
            .chain(&VISITS[8..])
            .copied()
            .collect::<Vec<_>>(),
        &[10],
        &all,
    );
}

#[test]
fn engagement_within_a_longer_window() {
    let expected = [
        "0 l 2 3 0.6666666666666666",
        "10 l 2 3 0.6666666666666666",
        "10 r 1 1 1",
        "30 l 1 1 1",
    ];
    check("activity_engagement", &VISITS, &[0, 31, 10, 20], &expected);
    check(
        "activity_engagement",
        &VISITS,
        &[40, 40],
        &["-40 l 1 1 1", "0 l 4 4 1", "0 r 1 1 1"],
    );
}

#[test]
fn a_window_slides() {
    let expected = [
        "0 l 4 3", "10 l 5 3", "10 r 2 1", "20 l 2 2", "20 r 2 1", "30 l 1 1",
    ];
    check(
        "sliding_window_counts",
        &VISITS,
        &[0, 35, 25, 10],
        &expected,
    );
    check(
        "sliding_window_counts",
        &VISITS,
        &[0, 35, 1, 10],
        &["0 l 3 2", "10 l 2 2", "10 r 2 1", "30 l 1 1"],
    );
}

#[test]
fn cohorts_stay_or_leave() {
    let expected = [
        "0 0 l 2 2 0 1 0",
        "0 10 l 1 1 1 0.5 0.5",
        "0 20 l 0 0 2 0 1",
        "0 30 l 1 0 2 0 1",
        "10 10 l 1 1 0 1 0",
        "10 20 l 0 0 1 0 1",
        "10 30 l 1 0 1 0 1",
        "10 10 r 1 1 0 1 0",
        "10 20 r 0 0 1 0 1",
        "10 30 r 0 0 1 0 1",
        "30 30 l 1 1 0 1 0",
    ];
    check("new_activity_metrics", &VISITS, &[0, 31, 10], &expected);
    check(
        "new_activity_metrics",
        &VISITS,
        &[0, 19, 10, 15],
        &["10 10 l 1 1 0 1 0", "10 10 r 1 1 0 1 0"],
    );
    let rows = run("new_activity_metrics", &[], &[0, 31, 10]).unwrap();
    assert_eq!(
        rows.columns[..2],
        ["from_at", "to_at"].map(|name| (name.to_owned(), Type::Long))
    );
}

#[test]
fn users_are_active_in_several_periods() {
    let visits = [-6, -3, 2, 4, 5, 30, 31].map(|time| ("a", time, "l"));
    check(
        "active_users_count",
        &visits,
        &[0, 40, 10, 1, 3, 10],
        &["0 l 1"],
    );
    check("active_users_count", &visits, &[0, 40, 8, 1, 4, 10], &[]);
    check(
        "active_users_count",
        &visits,
        &[0, 40, 10, 1, 2, 10],
        &["0 l 1", "30 l 1"],
    );
    check(
        "active_users_count",
        &visits,
        &[0, 40, 10, 10, 2, 10],
        &["0 l 1"],
    );
}

#[test]
fn sessions_start_after_a_pause() {
    let visits = [-3, 1, 6, 12, 13, 25].map(|time| ("a", time, "l"));
    check(
        "session_count",
        &visits,
        &[0, 30, 10, 5],
        &["10 l 1", "20 l 1"],
    );
    check(
        "session_count",
        &visits,
        &[0, 30, 10, 4],
        &["0 l 1", "10 l 1", "20 l 1"],
    );
    check(
        "session_count",
        &visits,
        &[0, 30, 10, 3],
        &["0 l 2", "10 l 1", "20 l 1"],
    );
}

#[test]
fn wrong_calls_say_what_is_right() {
    let wrong = |name: &str, constants: &[i64]| run(name, &VISITS, constants).unwrap_err().0;
    assert!(wrong("session_count", &[0, 1]).contains("Start, End, Bin, LookBackWindow"));
    assert!(wrong("activity_counts_metrics", &[0, 1, 0]).contains("positive"));
    assert!(wrong("activity_metrics", &[0, 1]).contains("with Start and End"));
    assert!(wrong("sliding_window_counts", &[0, 10_000_000, 1, 1]).contains("longer step"));
}
