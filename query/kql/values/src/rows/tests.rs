use serde_json::json;

use super::{Columns, Rows, TableArgument, table_functions};
use crate::function::{Context, Failure};
use crate::value::{Dynamic, Value};
use kql_syntax::ast::Type;

/// A value written as JSON: `[5]` is day 5 of 1970, other things are themselves.
fn value(json: &Dynamic) -> Value {
    match json {
        Dynamic::Bool(truth) => Value::Bool(*truth),
        Dynamic::String(text) => Value::String(text.clone()),
        Dynamic::Array(day) => Value::DateTime(day[0].as_i64().unwrap() * crate::convert::DAY),
        Dynamic::Number(number) => match number.as_i64() {
            Some(whole) => Value::Long(whole),
            None => Value::Real(number.as_f64().unwrap()),
        },
        other => Value::dynamic(other.clone()),
    }
}

fn columns(columns: &str) -> Columns {
    let column = |column: &str| {
        let (name, ty) = column.split_once(':').unwrap();
        (name.to_owned(), Type::from_name(ty).unwrap())
    };
    columns.split(' ').map(column).collect()
}

/// An argument: a name is a column, other things are constants; `'text'` is a text.
fn argument(columns: &Columns, json: &Dynamic) -> TableArgument {
    let name = json.as_str().unwrap_or_default();
    if let Some(text) = name.strip_prefix('\'') {
        let text = text.trim_end_matches('\'').to_owned();
        return TableArgument::Constant(Value::String(text));
    }
    if let Some(days) = name.strip_suffix(" d") {
        let span = days.parse::<i64>().unwrap() * crate::convert::DAY;
        return TableArgument::Constant(Value::TimeSpan(span));
    }
    match columns.iter().position(|(other, _)| other == name) {
        Some(place) => TableArgument::Column(place),
        None => TableArgument::Constant(value(json)),
    }
}

fn run(name: &str, schema: &str, rows: &Dynamic, arguments: &Dynamic) -> Result<Rows, Failure> {
    let columns = columns(schema);
    let row = |row: &Dynamic| row.as_array().unwrap().iter().map(value).collect();
    let arguments = arguments.as_array().unwrap().iter();
    let arguments: Vec<TableArgument> = arguments.map(|one| argument(&columns, one)).collect();
    let rows = Rows {
        rows: rows.as_array().unwrap().iter().map(row).collect(),
        columns: columns.clone(),
    };
    let functions = table_functions();
    let function = functions.iter().find(|one| one.name == name).expect(name);
    let planned = (function.columns)(&columns, &arguments)?;
    let result = (function.run)(&mut Context::new(0), rows, &arguments)?;
    assert_eq!(planned, result.columns, "{name}");
    assert!(
        result.rows.iter().all(|row| row.len() == planned.len()),
        "{name}"
    );
    Ok(result)
}

/// Names of the columns in one line, then the rows.
#[track_caller]
fn check(name: &str, input: (&str, Dynamic, Dynamic), header: &str, expected: &Dynamic) {
    let (schema, rows, arguments) = input;
    let result = run(name, schema, &rows, &arguments).unwrap();
    let names: Vec<&str> = result
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names.join(" "), header);
    let rows: Vec<Vec<Value>> = result.rows;
    let expected = expected.as_array().unwrap().iter();
    let expected: Vec<Vec<Value>> = expected
        .map(|row| row.as_array().unwrap().iter().map(value).collect())
        .collect();
    assert_eq!(rows, expected, "{name}");
}

#[test]
fn rolling_percentiles_look_back() {
    let rows = json!([[10, 1], [30, 1], [20, 2], [70, 3], [80, 3]]);
    let arguments = json!(["v", 50, "t", 1, 2]);
    check(
        "rolling_percentile",
        ("v:long t:long", rows, arguments),
        "t rolling_2_percentile_v_50",
        &json!([[1, 10], [2, 20], [3, 70],]),
    );
}

#[test]
fn narrow_tables_have_a_row_for_each_value() {
    let rows = json!([[1, "a"], [2, ""]]);
    check(
        "narrow",
        ("n:long s:string", rows, json!([])),
        "Row Column Value",
        &json!([[0, "n", "1"], [0, "s", "a"], [1, "n", "2"], [1, "s", ""],]),
    );
}

#[test]
fn sequences_keep_their_limits() {
    let schema = "at:datetime fail:bool ok:bool user:string";
    let rows = json!([
        [[1], true, false, "a"],
        [[2], true, false, "a"],
        [[3], false, true, "a"],
        [[3], false, true, "b"],
        [[9], false, true, "a"],
    ]);
    let arguments = json!(["at", "5 d", "5 d", "fail", "ok", "user"]);
    let result = run("sequence_detect", schema, &rows, &arguments).unwrap();
    let names: Vec<&str> = result
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names.join(" "), "user fail_at ok_at Duration");
    let day = crate::convert::DAY;
    let row = |from: i64, to: i64| {
        let (start, end) = (Value::DateTime(from * day), Value::DateTime(to * day));
        vec![
            Value::String("a".to_owned()),
            start,
            end,
            Value::TimeSpan((to - from) * day),
        ]
    };
    assert_eq!(result.rows, [row(1, 3), row(2, 3)]);
    let wrong = run(
        "sequence_detect",
        schema,
        &rows,
        &json!(["at", "5 d", "5 d", "user"]),
    );
    let text = "argument 4 of sequence_detect() must be a condition";
    assert_eq!(wrong, Err(Failure::new(text)));
}

/// Requests: the method, the answer, and how many there were.
fn requests() -> Dynamic {
    json!([
        ["GET", "200", 60],
        ["GET", "404", 10],
        ["POST", "200", 5],
        ["POST", "500", 25],
    ])
}

const REQUESTS: &str = "method:string code:string n:long";

#[test]
fn baskets_are_closed_patterns() {
    let header = "SegmentId Count Percent method code n";
    let arguments = json!([0.2, "n"]);
    check(
        "basket",
        (REQUESTS, requests(), arguments),
        header,
        &json!([
            [0, 60, 60.0, "GET", "200", null],
            [1, 70, 70.0, "GET", "", null],
            [2, 65, 65.0, "", "200", null],
            [3, 25, 25.0, "POST", "500", null],
            [4, 30, 30.0, "POST", "", null],
        ]),
    );
    let arguments = json!([0.65, "n", "'~'", "'*'"]);
    check(
        "basket",
        (REQUESTS, requests(), arguments),
        header,
        &json!([
            [0, 70, 70.0, "GET", "*", null],
            [1, 65, 65.0, "*", "200", null],
        ]),
    );
    assert!(run("basket", REQUESTS, &requests(), &json!([2])).is_err());
}

#[test]
fn clusters_are_few() {
    let header = "SegmentId Count Percent method code n";
    let arguments = json!([0.5, "n"]);
    check(
        "autocluster",
        (REQUESTS, requests(), arguments),
        header,
        &json!([
            [0, 60, 60.0, "GET", "200", null],
            [1, 25, 25.0, "POST", "500", null],
        ]),
    );
    let general = json!([1.0, "n"]);
    check(
        "autocluster",
        (REQUESTS, requests(), general),
        header,
        &json!([]),
    );
}

#[test]
fn texts_are_reduced() {
    let rows = json!([["user 7 in"], ["up"], ["user 8 in"]]);
    let header = "Pattern Count Representative";
    let groups = json!([["user * in", 2, "user 7 in"], ["others", 1, ""]]);
    let call = |arguments| ("text:string", rows.clone(), arguments);
    check("reduce", call(json!(["text"])), header, &groups);
    check(
        "reduce",
        call(json!(["text", "'0.5'", "' '"])),
        header,
        &json!([["user*in", 2, "user 7 in"], ["others", 1, ""],]),
    );
    let source = json!(["text", null, null, "'source'"]);
    check(
        "reduce",
        call(source),
        "text Pattern",
        &json!([
            ["user 7 in", "user * in"],
            ["up", "others"],
            ["user 8 in", "user * in"],
        ]),
    );
    assert!(run("reduce", "text:string", &rows, &json!(["text", 2])).is_err());
}
