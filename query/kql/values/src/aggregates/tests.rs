use serde_json::json;

use crate::aggregate::{Accumulator, Aggregates};
use crate::function::{Context, Failure, Functions};
use crate::value::{Dynamic, Value};

fn start(name: &str, row: &[Value]) -> Box<dyn Accumulator> {
    let aggregates = Aggregates::new();
    let function = aggregates.get(name).expect(name);
    (function.start)(row).unwrap()
}

/// The result over rows; all of them in one accumulator, and cut at some places and merged, must give the same.
#[track_caller]
fn result(name: &str, rows: &[Vec<Value>]) -> Value {
    let nothing = Vec::new();
    let first = rows.first().unwrap_or(&nothing);
    let gather = |rows: &[Vec<Value>]| {
        let mut context = Context::new(0);
        let mut accumulator = start(name, first);
        for row in rows {
            accumulator.update(&mut context, row).unwrap();
        }
        accumulator
    };
    let whole = gather(rows).finish();
    for cut in (0..=rows.len()).step_by(rows.len() / 8 + 1) {
        let (left, right) = rows.split_at(cut);
        let mut merged = start(name, first);
        merged.merge(gather(left).state()).unwrap();
        merged.merge(gather(right).state()).unwrap();
        same(&merged.finish(), &whole);
    }
    whole
}

/// Reals may differ in the last digits.
#[track_caller]
fn same(actual: &Value, expected: &Value) {
    match (actual, expected) {
        (Value::Real(actual), Value::Real(expected)) => {
            let distance = (actual - expected).abs();
            assert!(distance <= 1e-12 * expected.abs(), "{actual} {expected}");
        }
        _ => assert_eq!(actual, expected),
    }
}

#[track_caller]
fn check(name: &str, rows: &[Vec<Value>], expected: &Value) {
    same(&result(name, rows), expected);
}

#[track_caller]
fn scalar(name: &str, arguments: &[Value]) -> Value {
    let functions = Functions::new();
    let function = functions.scalar(name).expect(name);
    (function.kernel)(&mut Context::new(0), arguments).unwrap()
}

fn longs(numbers: &[i64]) -> Vec<Vec<Value>> {
    numbers
        .iter()
        .map(|number| vec![Value::Long(*number)])
        .collect()
}

fn reals(numbers: &[f64]) -> Vec<Vec<Value>> {
    numbers
        .iter()
        .map(|number| vec![Value::Real(*number)])
        .collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<Value>> {
    let row = |text: &&str| vec![Value::String((*text).to_owned())];
    texts.iter().map(row).collect()
}

fn dynamics(items: &[Dynamic]) -> Vec<Vec<Value>> {
    items
        .iter()
        .map(|item| vec![Value::dynamic(item.clone())])
        .collect()
}

/// Every row with these constants behind.
fn with(rows: &[Vec<Value>], constants: &[Value]) -> Vec<Vec<Value>> {
    let row = |row: &Vec<Value>| [row.as_slice(), constants].concat();
    rows.iter().map(row).collect()
}

/// Every second row, from the first, with `true` behind; the others with `false` and null.
fn every_second(rows: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let flag = |place: usize| match place % 4 {
        0 | 2 => Value::Bool(true),
        1 => Value::Bool(false),
        _ => Value::Null,
    };
    let rows = rows.iter().enumerate();
    rows.map(|(place, row)| with(std::slice::from_ref(row), &[flag(place)]).concat())
        .collect()
}

fn dynamic(json: Dynamic) -> Value {
    Value::Dynamic(json)
}

#[test]
fn every_signature_is_written_rightly() {
    assert_eq!(super::functions().len(), 36);
    assert_eq!(super::scalar_functions().len(), 11);
}

#[test]
fn bits() {
    let rows = longs(&[0b1110, 0b0111, 0b1010]);
    check("binary_all_and", &rows, &Value::Long(0b0010));
    check("binary_all_or", &rows, &Value::Long(0b1111));
    check("binary_all_xor", &rows, &Value::Long(0b0011));
    check("binary_all_or", &[], &Value::Null);
}

#[test]
fn sets() {
    let rows = texts(&["b", "a", "b", "c"]);
    check("make_set", &rows, &dynamic(json!(["b", "a", "c"])));
    let two = with(&rows, &[Value::Long(2)]);
    check("make_set", &two, &dynamic(json!(["b", "a"])));
    let arrays = dynamics(&[
        json!(["k1", "k2"]),
        json!(["k2", "k3"]),
        json!("k4"),
        json!(null),
    ]);
    check(
        "make_set",
        &arrays,
        &dynamic(json!(["k1", "k2", "k3", "k4"])),
    );
    let many = longs(&(0..200).collect::<Vec<_>>());
    let Value::Dynamic(Dynamic::Array(items)) = result("makeset", &many) else {
        panic!("no set");
    };
    assert_eq!(items.len(), 128);
    check("make_set_if", &every_second(&rows), &dynamic(json!(["b"])));
}

#[test]
fn bags() {
    let rows = dynamics(&[json!({"a": 1}), json!([1]), json!({"a": 2, "b": {"c": 3}})]);
    check("make_bag", &rows, &dynamic(json!({"a": 1, "b": {"c": 3}})));
    check("make_bag", &[], &dynamic(json!({})));
    let one = with(&rows, &[Value::Int(1)]);
    check(
        "make_bag_if",
        &every_second(&rows),
        &dynamic(json!({"a": 1, "b": {"c": 3}})),
    );
    check("make_dictionary", &one, &dynamic(json!({"a": 1})));
}

#[test]
fn a_size_must_be_a_size() {
    let aggregates = Aggregates::new();
    let function = aggregates.get("make_set").unwrap();
    assert!((function.start)(&[Value::Null, Value::Long(0)]).is_err());
}

#[test]
fn moments() {
    let rows = reals(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
    check("variancep", &rows, &Value::Real(4.0));
    check("stdevp", &rows, &Value::Real(2.0));
    check("variance", &rows, &Value::Real(32.0 / 7.0));
    check("stdev", &rows, &Value::Real((32.0_f64 / 7.0).sqrt()));
    check("stdev", &[], &Value::Real(0.0));
    check("variance", &reals(&[3.0]), &Value::Real(0.0));
    let filtered = every_second(&reals(&[1.0, 50.0, 3.0, 60.0]));
    check("variancepif", &filtered, &Value::Real(1.0));
    check("varianceif", &filtered, &Value::Real(2.0));
    check("stdevif", &filtered, &Value::Real(2.0_f64.sqrt()));
    check("stdevpif", &filtered, &Value::Real(1.0));
    let gaps = [reals(&[1.0, 3.0]), vec![vec![Value::Null]]].concat();
    check("variancep", &gaps, &Value::Real(1.0));
}

#[test]
fn covariances() {
    let pair = |x: f64, y: f64| vec![Value::Real(x), Value::Real(y)];
    let rows = [pair(1.0, 8.0), pair(2.0, 10.0), pair(3.0, 15.0)];
    check("covariance", &rows, &Value::Real(3.5));
    check("covariancep", &rows, &Value::Real(7.0 / 3.0));
    check("covariancep", &[], &Value::Null);
    let rows = [pair(1.0, 8.0), pair(90.0, 0.5), pair(3.0, 16.0)];
    check("covariancepif", &every_second(&rows), &Value::Real(4.0));
    check("covarianceif", &every_second(&rows), &Value::Real(8.0));
}

#[test]
fn percentiles_are_values_by_nearest_rank() {
    let rows = longs(&[15, 20, 35, 40, 50]);
    for (percentile, expected) in [(0.0, 15), (30.0, 20), (40.0, 20), (50.0, 35), (100.0, 50)] {
        let rows = with(&rows, &[Value::Real(percentile)]);
        check("percentile", &rows, &Value::Long(expected));
    }
    check(
        "percentile",
        &[vec![Value::Null, Value::Real(50.0)]],
        &Value::Null,
    );
    let ends = with(&rows, &[Value::Long(5), Value::Long(95)]);
    check("percentiles", &ends, &dynamic(json!([15, 50])));
    let array = with(&rows, &[dynamic(json!([5, 95.5]))]);
    check("percentiles_array", &array, &dynamic(json!([15, 50])));
    let spans = [vec![Value::TimeSpan(30), Value::Real(50.0)]];
    check("percentile", &spans, &Value::TimeSpan(30));
}

#[test]
fn percentiles_may_be_weighted() {
    let weighted = |value: i64, weight: i64| vec![Value::Long(value), Value::Long(weight)];
    let rows = [
        weighted(100, 90),
        weighted(250, 9),
        weighted(900, 1),
        weighted(7, 0),
    ];
    let median = with(&rows, &[Value::Real(50.0)]);
    check("percentilew", &median, &Value::Long(100));
    let two = with(&rows, &[Value::Real(91.0), Value::Real(99.5)]);
    check("percentilesw", &two, &dynamic(json!([250, 900])));
    let several = with(&rows, &[dynamic(json!([91, 99.5]))]);
    check("percentilesw_array", &several, &dynamic(json!([250, 900])));
}

#[test]
fn numbers_in_dynamic_values_are_ranked() {
    let rows = dynamics(&[json!(3), json!("x"), json!(0.5), json!([1])]);
    let rows = with(&rows, &[Value::Real(100.0)]);
    check("percentile", &rows, &Value::Real(3.0));
}

#[test]
fn a_percentile_is_between_0_and_100() {
    let aggregates = Aggregates::new();
    let function = aggregates.get("percentile").unwrap();
    let start = |percentile| (function.start)(&[Value::Null, percentile]).map(drop);
    assert_eq!(start(Value::Real(100.0)), Ok(()));
    let text = "a percentile must be a constant from 0 to 100";
    assert_eq!(start(Value::Real(101.0)), Err(Failure::new(text)));
    assert_eq!(start(Value::Null), Err(Failure::new(text)));
}

#[test]
fn many_values_are_ranked_within_the_bound() {
    let count = 50_000_i64;
    // A full cycle of an odd step visits every number once, in no order.
    let numbers = (0..count).map(|step| (step * 77_777) % count);
    let mut context = Context::new(0);
    let percentiles = [0.0, 0.1, 1.0, 25.0, 50.0, 75.0, 99.0, 99.9, 100.0];
    let constants: Vec<Value> = percentiles.iter().map(|one| Value::Real(*one)).collect();
    let arguments = [vec![Value::Null], constants].concat();
    let mut halves = [
        start("percentiles", &arguments),
        start("percentiles", &arguments),
    ];
    for number in numbers {
        let half = usize::try_from(number % 2).unwrap();
        halves[half]
            .update(&mut context, &[Value::Long(number)])
            .unwrap();
    }
    let [mut left, right] = halves;
    left.merge(right.state()).unwrap();
    assert!(left.bytes() < 4 << 20);
    let Value::Dynamic(found) = left.finish() else {
        panic!("no percentiles");
    };
    for (place, percentile) in percentiles.iter().enumerate() {
        let found = found[place].as_f64().unwrap();
        let expected = percentile * 500.0;
        assert!(
            (found - expected).abs() <= 0.004 * 50_000.0,
            "{percentile}: {found}"
        );
    }
    assert_eq!((&found[0], &found[8]), (&json!(0), &json!(count - 1)));
}

#[test]
fn digests() {
    let digest = result("tdigest", &longs(&(1..=1_000).collect::<Vec<_>>()));
    let ask = |name, value| scalar(name, &[digest.clone(), value]);
    assert_eq!(ask("rank_tdigest", Value::Long(250)), Value::Real(250.0));
    assert_eq!(
        ask("percentrank_tdigest", Value::Long(250)),
        Value::Real(25.0)
    );
    assert_eq!(
        ask("percentile_tdigest", Value::Real(85.0)),
        dynamic(json!(850))
    );
    let several = [digest.clone(), Value::Real(1.0), Value::Real(2.0)];
    assert_eq!(
        scalar("percentiles_array_tdigest", &several),
        dynamic(json!([10, 20]))
    );
    let array = [
        digest.clone(),
        dynamic(json!([50, 100])),
        Value::String("long".to_owned()),
    ];
    let found = scalar("percentile_array_tdigest", &array);
    assert_eq!(found, dynamic(json!([500, 1_000])));
    let other = result("tdigest", &longs(&[2_000]));
    let merged = scalar("merge_tdigest", &[digest.clone(), other.clone()]);
    same(
        &scalar("tdigest_merge", &[digest.clone(), other.clone()]),
        &merged,
    );
    let last = scalar("percentile_tdigest", &[merged, Value::Real(100.0)]);
    assert_eq!(last, dynamic(json!(2_000)));
    let rows = [vec![digest], vec![other]];
    let merged = result("tdigest_merge", &rows);
    same(&result("merge_tdigest", &rows), &merged);
    same(&result("merge_tdigests", &rows), &merged);
    let rank = scalar("rank_tdigest", &[merged, Value::Long(5_000)]);
    assert_eq!(rank, Value::Real(1_001.0));
    check("tdigest", &[], &Value::Null);
}

#[test]
fn digests_keep_their_type() {
    let instant = Value::String("2024-02-03T04:05:06.7Z".to_owned());
    let instant = instant.convert(kql_syntax::ast::Type::DateTime);
    let digest = result("tdigest", &[vec![instant.clone()]]);
    let found = scalar("percentile_tdigest", &[digest.clone(), Value::Real(50.0)]);
    assert_eq!(found, dynamic(json!("2024-02-03T04:05:06.7000000Z")));
    let numbers = result("tdigest", &longs(&[1]));
    let mut merged = start("tdigest_merge", &[]);
    let mut context = Context::new(0);
    merged.update(&mut context, &[digest]).unwrap();
    assert!(merged.update(&mut context, &[numbers]).is_err());
}

#[test]
fn a_digest_takes_weights() {
    let rows = [
        vec![Value::Real(1.5), Value::Long(1)],
        vec![Value::Real(2.5), Value::Long(3)],
    ];
    let digest = result("tdigest", &rows);
    assert_eq!(digest, dynamic(json!([[8], [1.5, 2.5], [1, 3]])));
    let filtered = vec![Value::Real(1.5), Value::Bool(true), Value::Long(4)];
    let expected = dynamic(json!([[8], [1.5], [4]]));
    check("tdigest_if", &[filtered], &expected);
}

#[test]
fn few_distinct_values_are_counted_exactly() {
    let sketch = result("hll", &texts(&["a", "b", "a", "c"]));
    assert_eq!(
        scalar("dcount_hll", std::slice::from_ref(&sketch)),
        Value::Long(3)
    );
    let other = result("hll", &texts(&["c", "d"]));
    assert_eq!(
        scalar("hll_isvalid", std::slice::from_ref(&sketch)),
        Value::Bool(true)
    );
    let other_kind = Value::dynamic(json!([[1], 2]));
    for name in ["hll_isvalid", "tdigest_isvalid"] {
        assert_eq!(
            scalar(name, std::slice::from_ref(&other_kind)),
            Value::Bool(false)
        );
    }
    let merged = scalar("hll_merge", &[sketch.clone(), other.clone()]);
    assert_eq!(scalar("dcount_hll", &[merged]), Value::Long(4));
    let merged = result("hll_merge", &[vec![sketch], vec![other]]);
    assert_eq!(scalar("dcount_hll", &[merged]), Value::Long(4));
    let filtered = result("hll_if", &every_second(&texts(&["a", "b", "a", "c"])));
    assert_eq!(scalar("dcount_hll", &[filtered]), Value::Long(1));
    check("hll", &[], &Value::Null);
}

#[test]
fn many_distinct_values_are_counted_roughly() {
    // Three times the documented error of 10,000.
    for (accuracy, error) in [(0, 480), (1, 240), (2, 120), (3, 84), (4, 60)] {
        let constants = [Value::Null, Value::Long(accuracy)];
        let mut halves = [start("hll", &constants), start("hll", &constants)];
        let mut context = Context::new(0);
        for number in 0..12_000_i64 {
            for (half, other) in halves.iter_mut().zip([0, 4_000]) {
                half.update(&mut context, &[Value::Long(number / 2 + other)])
                    .unwrap();
            }
        }
        let [mut left, right] = halves;
        left.merge(right.state()).unwrap();
        let Value::Long(count) = scalar("dcount_hll", &[left.finish()]) else {
            panic!("no count");
        };
        let off = (count - 10_000).abs();
        assert!(off <= error, "accuracy {accuracy}: {count}");
    }
}

#[test]
fn schemas() {
    let rows = dynamics(&[
        json!({"user": 7, "ok": true}),
        json!({"user": "x", "tags": ["a", 1]}),
        json!({"user": {"id": 1.5}, "tags": []}),
    ]);
    let expected = json!({
        "ok": "bool",
        "tags": {"`indexer`": ["string", "long"]},
        "user": ["long", "string", {"id": "double"}],
    });
    check("buildschema", &rows, &dynamic(expected));
    check(
        "buildschema",
        &dynamics(&[json!("a"), json!("b")]),
        &dynamic(json!("string")),
    );
    check("buildschema", &[], &Value::Null);
}
