mod analysis;

use serde_json::json;

use crate::function::{Context, Failure, Functions, Outcome};
use crate::value::{Dynamic, Value};

fn run(name: &str, arguments: &[Value]) -> Outcome {
    let functions = Functions::new();
    let function = functions.scalar(name).expect(name);
    (function.kernel)(&mut Context::new(0), arguments)
}

/// An argument: an array is a series, `null` is null, other JSON is a value of its type.
fn value(json: Dynamic) -> Value {
    match json {
        Dynamic::Bool(truth) => Value::Bool(truth),
        Dynamic::String(text) => Value::String(text),
        Dynamic::Number(number) => match number.as_i64() {
            Some(whole) => Value::Long(whole),
            None => Value::Real(number.as_f64().unwrap()),
        },
        other => Value::dynamic(other),
    }
}

fn result(name: &str, arguments: Dynamic) -> Dynamic {
    let Dynamic::Array(arguments) = arguments else {
        panic!("arguments are an array");
    };
    let arguments: Vec<Value> = arguments.into_iter().map(value).collect();
    run(name, &arguments).unwrap().to_json()
}

/// Numbers may differ after the ninth digit.
fn is_close(actual: &Dynamic, expected: &Dynamic) -> bool {
    match (actual, expected) {
        (Dynamic::Array(actual), Dynamic::Array(expected)) => {
            let mut pairs = actual.iter().zip(expected);
            actual.len() == expected.len() && pairs.all(|(one, other)| is_close(one, other))
        }
        (Dynamic::Object(actual), Dynamic::Object(expected)) => {
            let mut names = expected.keys();
            let close = |name: &String| is_close(&actual[name], &expected[name]);
            actual.len() == expected.len() && names.all(close)
        }
        (Dynamic::Number(actual), Dynamic::Number(expected)) => {
            let same_kind = actual.is_f64() == expected.is_f64();
            let (actual, expected) = (actual.as_f64().unwrap(), expected.as_f64().unwrap());
            same_kind && (actual - expected).abs() <= 1e-9 * expected.abs().max(1.0)
        }
        _ => actual == expected,
    }
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a case reads as two literals"
)]
fn check(name: &str, arguments: Dynamic, expected: Dynamic) {
    let actual = result(name, arguments);
    assert!(
        is_close(&actual, &expected),
        "{name}: {actual}, not {expected}"
    );
}

#[test]
fn every_signature_is_written_rightly() {
    assert_eq!(super::functions().len(), 51);
}

#[test]
fn elements_of_one_series() {
    check(
        "series_abs",
        json!([[-3, 2.5, -0.5, "x", null]]),
        json!([3, 2.5, 0.5, null, null]),
    );
    check(
        "series_sign",
        json!([[-3, 0, 2.5, "NaN"]]),
        json!([-1, 0, 1, null]),
    );
    check("series_floor", json!([[-0.5, 3]]), json!([-1.0, 3.0]));
    check("series_ceiling", json!([[-0.5, 3]]), json!([0.0, 3.0]));
    check(
        "series_exp",
        json!([[0, 1]]),
        json!([1.0, std::f64::consts::E]),
    );
    check(
        "series_log",
        json!([[1, 0, -1]]),
        json!([0.0, "-Infinity", "NaN"]),
    );
    check("series_sin", json!([[0, 1.5]]), json!([0.0, 1.5_f64.sin()]));
    check("series_cos", json!([[0, 1.5]]), json!([1.0, 1.5_f64.cos()]));
    check("series_tan", json!([[0, 1.5]]), json!([0.0, 1.5_f64.tan()]));
    check(
        "series_asin",
        json!([[0.5, 2]]),
        json!([0.5_f64.asin(), "NaN"]),
    );
    check("series_acos", json!([[0.5]]), json!([0.5_f64.acos()]));
    check(
        "series_atan",
        json!([[0.5, "Infinity"]]),
        json!([0.5_f64.atan(), std::f64::consts::FRAC_PI_2]),
    );
    check("series_abs", json!([7]), json!(null));
}

#[test]
fn elements_of_two_series() {
    check(
        "series_add",
        json!([[1, 2.5, 3], [10, 20]]),
        json!([11, 22.5, null]),
    );
    check("series_add", json!([[1, 2], 5]), json!([6, 7]));
    check("series_subtract", json!([5, [1, "x"]]), json!([4, null]));
    check(
        "series_multiply",
        json!([[i64::MAX, 3], [2, 4]]),
        json!([18_446_744_073_709_552_000.0, 12]),
    );
    check(
        "series_divide",
        json!([[7, 1, 0], [2, 0, 0]]),
        json!([3.5, "Infinity", "NaN"]),
    );
    check(
        "series_pow",
        json!([[2, 9], [10, 0.5]]),
        json!([1024.0, 3.0]),
    );
    check("series_add", json!([1, 2]), json!(null));
}

#[test]
fn comparisons() {
    let pair = || json!([[1, 2, 3, 4], [2, 2.0, 2]]);
    check("series_less", pair(), json!([true, false, false, null]));
    check(
        "series_less_equals",
        pair(),
        json!([true, true, false, null]),
    );
    check("series_greater", pair(), json!([false, false, true, null]));
    check(
        "series_greater_equals",
        pair(),
        json!([false, true, true, null]),
    );
    check("series_equals", pair(), json!([false, true, false, null]));
    check(
        "series_not_equals",
        pair(),
        json!([true, false, true, null]),
    );
    check("series_equals", json!([["NaN"], ["NaN"]]), json!([false]));
    check(
        "series_not_equals",
        json!([["NaN"], ["NaN"]]),
        json!([true]),
    );
}

#[test]
fn gaps_are_filled() {
    let gaps = || json!([null, 4, null, null, 10, null]);
    check(
        "series_fill_forward",
        json!([gaps()]),
        json!([null, 4, 4, 4, 10, 10]),
    );
    check(
        "series_fill_backward",
        json!([gaps()]),
        json!([4, 4, 10, 10, 10, null]),
    );
    check(
        "series_fill_const",
        json!([gaps(), 0.5]),
        json!([0.5, 4, 0.5, 0.5, 10, 0.5]),
    );
    check(
        "series_fill_linear",
        json!([gaps()]),
        json!([4, 4, 6, 8, 10, 10]),
    );
    let edges = json!([gaps(), null, false]);
    check(
        "series_fill_linear",
        edges,
        json!([null, 4, 6, 8, 10, null]),
    );
    check(
        "series_fill_forward",
        json!([[7, -1, 8], -1]),
        json!([7, 7, 8]),
    );
    check(
        "series_fill_linear",
        json!([[7.0, -1, 8.0], -1]),
        json!([7.0, 7.5, 8.0]),
    );
    check(
        "series_fill_linear",
        json!([[1, null, null, 2]]),
        json!([1, 1, 1, 2]),
    );
    check(
        "series_fill_linear",
        json!([[null, null]]),
        json!([0.0, 0.0]),
    );
    check(
        "series_fill_linear",
        json!([[null, null], null, true, 2.5]),
        json!([2.5, 2.5]),
    );
    check(
        "series_fill_const",
        json!([[1, "NaN"], 3, null]),
        json!([1, "NaN"]),
    );
}

#[test]
fn finite_filters() {
    let spike = || json!([0, 0, 8, 0, 0]);
    check(
        "series_fir",
        json!([spike(), [1, 1]]),
        json!([0.0, 0.0, 4.0, 4.0, 0.0]),
    );
    check(
        "series_fir",
        json!([spike(), [1, 2, 1], false]),
        json!([0.0, 0.0, 8.0, 16.0, 8.0]),
    );
    check(
        "series_fir",
        json!([spike(), [1, 2, 1], true, true]),
        json!([0.0, 2.0, 4.0, 2.0, 0.0]),
    );
    check(
        "series_fir",
        json!([[1, 4, 9], [1, -1]]),
        json!([1.0, 3.0, 5.0]),
    );
    check("series_fir", json!([[1, 4, 9], [1, -1], true]), json!(null));
    check("series_fir", json!([[1, null], [1]]), json!(null));
}

#[test]
fn infinite_filters() {
    check(
        "series_iir",
        json!([[1, 1, 1, 1], [1], [1, -1]]),
        json!([1.0, 2.0, 3.0, 4.0]),
    );
    check(
        "series_iir",
        json!([[4, 0, 0], [0.5], [1, -0.5]]),
        json!([2.0, 1.0, 0.5]),
    );
    check(
        "series_iir",
        json!([[4, 8], [1, 1], [2]]),
        json!([2.0, 6.0]),
    );
    check("series_iir", json!([[4, 8], [1], []]), json!(null));
}

#[test]
fn transforms() {
    check(
        "series_fft",
        json!([[1, 0, 0, 0]]),
        json!([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]),
    );
    let root = 3.0_f64.sqrt() / 2.0;
    check(
        "series_fft",
        json!([[1, 2, 3]]),
        json!([[6.0, -1.5, -1.5], [0.0, root, -root]]),
    );
    check(
        "series_ifft",
        json!([[0, 4, 0, 0], [0, 0, 0, 0]]),
        json!([[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]]),
    );
    check("series_fft", json!([[1, null]]), json!(null));
}

#[test]
fn a_transform_comes_back_at_any_length() {
    for length in [1, 2, 3, 8, 12, 31, 100] {
        let series: Vec<f64> = (0..length)
            .map(|at| f64::from((at * at) % 7) - 2.5)
            .collect();
        let there = result("series_fft", json!([series]));
        let back = result("series_ifft", there);
        let zeros = vec![0.0; series.len()];
        assert!(is_close(&back, &json!([series, zeros])), "{length}: {back}");
    }
}

#[test]
fn one_line() {
    // Worked out by hand: slope 1.8, means 2.5 and 4.5, squares left 0.2.
    let line = json!([1.8, 3.6, 5.4, 7.2]);
    let expected = json!([1.0 - 0.2 / 16.4, 1.8, 16.4 / 3.0, 0.2 / 3.0, 0.0, line]);
    let actual = result("series_fit_line", json!([[2, 3, 6, 7]]));
    assert!(
        is_close(&actual[1], &json!(1.8)) && is_close(&actual[4], &json!(0.0)),
        "{actual}"
    );
    let squares: f64 = 0.2_f64.powi(2) + 0.6_f64.powi(2) + 0.6_f64.powi(2) + 0.2_f64.powi(2);
    assert!(
        is_close(&actual[3], &json!(squares / 3.0)),
        "{actual} {expected}"
    );
    assert!(is_close(&actual[5], &expected[5]), "{actual}");
    assert!(
        is_close(&actual[0], &json!(1.0 - squares / 17.0)),
        "{actual}"
    );
    let bag = result("series_fit_line_dynamic", json!([[2, 3, 6, 7]]));
    assert_eq!((&bag["slope"], &bag["line_fit"]), (&actual[1], &actual[5]));
    check(
        "series_fit_line",
        json!([[2, null]]),
        json!([null, null, null, null, null, null]),
    );
    check("series_fit_line_dynamic", json!([[2]]), json!(null));
}

#[test]
fn two_lines() {
    let series = || json!([1, 2, 3, 4, 9, 8, 7, 6]);
    let actual = result("series_fit_2lines", json!([series()]));
    check(
        "series_fit_2lines",
        json!([series()]),
        json!([
            1.0,
            4,
            60.0 / 7.0,
            0.0,
            [1.0, 2.0, 3.0, 4.0, 9.0, 8.0, 7.0, 6.0],
            1.0,
            -1.0,
            14.0,
            5.0 / 3.0,
            0.0,
            1.0,
            1.0,
            0.0,
            5.0 / 3.0,
            0.0
        ]),
    );
    let bag = result("series_fit_2lines_dynamic", json!([series()]));
    assert_eq!(bag["split_idx"], json!(4));
    assert_eq!(
        (&bag["right"]["slope"], &bag["left"]["slope"]),
        (&actual[6], &actual[11])
    );
}

#[test]
fn polynomials() {
    let y: Vec<i64> = (1..=6).map(|x| 2 * x * x - 3 * x + 5).collect();
    let actual = result("series_fit_poly", json!([y, null, 2]));
    assert!(is_close(&actual[1], &json!([2.0, -3.0, 5.0])), "{actual}");
    assert!(is_close(&actual[0], &json!(1.0)), "{actual}");
    let line = result("series_fit_line", json!([y]));
    let poly = result("series_fit_poly", json!([y]));
    assert!(is_close(&poly[1], &json!([line[1], line[4]])), "{poly}");
    assert!(is_close(&poly[4], &line[5]), "{poly}");
    let uneven = result("series_fit_poly", json!([[1, 8, 1000], [1, 2, 10], 1]));
    let expected = result("series_fit_poly", json!([[1000, 8, 1], [10, 2, 1], 1]));
    assert!(is_close(&uneven[1], &expected[1]), "{uneven}");
    let undetermined = result("series_fit_poly", json!([[1, 2, 3], [4, 4, 4], 1]));
    assert_eq!(undetermined, json!([null, null, null, null, null]));
    let wrong = run(
        "series_fit_poly",
        &[value(json!([1, 2])), Value::Null, Value::Long(99)],
    );
    assert_eq!(
        wrong,
        Err(Failure::new(
            "the degree of series_fit_poly() must be from 0 to 30"
        ))
    );
}

#[test]
fn statistics() {
    check(
        "series_stats",
        json!([[4, 2, 2, 8]]),
        json!([2.0, 1, 8.0, 3, 4.0, 8.0_f64.sqrt(), 8.0]),
    );
    check(
        "series_stats",
        json!([[4, null]]),
        json!([null, null, null, null, null, null, null]),
    );
    check(
        "series_stats",
        json!([[4, "NaN", 6], true]),
        json!([4.0, 0, 6.0, 2, 5.0, 2.0_f64.sqrt(), 2.0]),
    );
    check(
        "series_stats_dynamic",
        json!([[4, 6]]),
        json!({
            "min": 4.0, "min_idx": 0, "max": 6.0, "max_idx": 1, "avg": 5.0,
            "stdev": 2.0_f64.sqrt(), "variance": 2.0, "sum": 10.0, "len": 2
        }),
    );
    check("series_sum", json!([[1, 2.5]]), json!(3.5));
    assert_eq!(result("series_sum", json!([[]])).to_string(), "0.0");
    check("series_product", json!([[2, 2.5]]), json!(5.0));
    check("series_magnitude", json!([[3, 4]]), json!(5.0));
}

#[test]
fn pairs_of_series() {
    check(
        "series_dot_product",
        json!([[1, 2, 3], [4, 5]]),
        json!(14.0),
    );
    check("series_dot_product", json!([[1, 2], 10]), json!(30.0));
    check("series_dot_product", json!([10, [1, "x"]]), json!(10.0));
    check("series_dot_product", json!([[], [1]]), json!(null));
    check(
        "series_cosine_similarity",
        json!([[1, 0], [1, 1]]),
        json!(0.5_f64.sqrt()),
    );
    check(
        "series_cosine_similarity",
        json!([[3, 4], [3, 4], 5, 10]),
        json!(0.5),
    );
    check(
        "series_pearson_correlation",
        json!([[1, 2, 3], [6, 4, 2]]),
        json!(-1.0),
    );
    check(
        "series_pearson_correlation",
        json!([[1, 2, 3], [1, 2]]),
        json!(null),
    );
}

#[test]
fn datetimes_are_ticks() {
    let times = json!([
        "2024-01-01T00:00:00.0000000Z",
        "2024-01-01T00:00:01.0000000Z"
    ]);
    let ticks = result("series_add", json!([times, 0]));
    let distance = ticks[1].as_f64().unwrap() - ticks[0].as_f64().unwrap();
    assert!((distance - 1e7).abs() < 1e3, "{ticks}");
}
