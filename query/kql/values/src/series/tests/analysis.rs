//! Outliers, periods, seasons and what is made of them.

use serde_json::json;

use super::{check, result, run, value};
use crate::value::Value;

#[test]
fn outliers_by_quartiles() {
    // Quartiles 3 and 7, so that the unit is 4.
    let series = || json!([1, 2, 3, 4, 5, 6, 7, 8, 19]);
    let expected = json!([-0.5, -0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 3.0]);
    check("series_outliers", json!([series(), "tukey"]), expected);
    let ignored = json!([-0.5, -0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 3.0, 0.0, 0.0]);
    let gaps = json!([1, 2, 3, 4, 5, 6, 7, 8, 19, null, -9]);
    check("series_outliers", json!([gaps, "tukey", -9]), ignored);
}

#[test]
fn outliers_by_other_percentiles_have_the_same_fence() {
    let series: Vec<i64> = (0..=100).chain([400]).collect();
    let scores = result("series_outliers", json!([series]));
    let score = |place: usize| scores[place].as_f64().unwrap();
    assert!(
        score(50) == 0.0 && score(101) > 9.0 && score(101) < 11.0,
        "{}",
        score(101)
    );
    assert!(score(0) < 0.0 && score(0) > -0.4, "{}", score(0));
    let quartiles = result("series_outliers", json!([series, "ctukey", null, 25, 75]));
    let tukey = result("series_outliers", json!([series, "tukey"]));
    let (custom, tukey) = (
        quartiles[101].as_f64().unwrap(),
        tukey[101].as_f64().unwrap(),
    );
    assert!((custom - tukey).abs() < 0.01 * tukey, "{custom} {tukey}");
    let wrong = run(
        "series_outliers",
        &[value(json!([1])), Value::String("z".to_owned())],
    );
    assert!(wrong.is_err());
}

/// A week of 7 with a working day pattern, `weeks` long, with a little noise that is always the same.
fn weekly(weeks: i64) -> Vec<f64> {
    let noise = |at: i64| f64::from(i32::try_from((at * 37) % 11).unwrap()) / 10.0;
    let level =
        |at: i64| [20.0, 22.0, 25.0, 22.0, 20.0, 5.0, 4.0][usize::try_from(at % 7).unwrap()];
    (0..7 * weeks).map(|at| level(at) + noise(at)).collect()
}

#[test]
fn periods() {
    let found = result("series_periods_detect", json!([weekly(10), 0, 35, 2]));
    assert_eq!(found[0], json!([7.0, 0.0]));
    assert!(found[1][0].as_f64().unwrap() > 0.9, "{found}");
    let none = result("series_periods_detect", json!([weekly(10), 8, 35, 1]));
    assert_eq!(none, json!([[0.0], [0.0]]));
    let checked = result("series_periods_validate", json!([weekly(10), 7, 5, 3, 60]));
    assert_eq!(checked[0], json!([7.0, 5.0, 3.0, 60.0]));
    assert_eq!(
        (&checked[1][1], &checked[1][2], &checked[1][3]),
        (&json!(0.0), &json!(0.0), &json!(0.0))
    );
    check(
        "series_periods_detect",
        json!([vec![0.1; 40], 0, 20, 1]),
        json!([[0.0], [0.0]]),
    );
}

#[test]
fn a_period_is_found_beside_a_trend() {
    let series: Vec<f64> = (0_i32..)
        .map(f64::from)
        .zip(weekly(12))
        .map(|(at, one)| one + at)
        .collect();
    let found = result("series_periods_detect", json!([series, 0, 42, 3]));
    assert_eq!(found[0], json!([7.0, 0.0, 0.0]));
    assert!(found[1][0].as_f64().unwrap() > 0.9, "{found}");
}

#[test]
fn seasons_are_medians() {
    check(
        "series_seasonal",
        json!([[1, 9, 2, 9, 3, 7], 2]),
        json!([2.0, 9.0, 2.0, 9.0, 2.0, 9.0]),
    );
    check(
        "series_seasonal",
        json!([[1, 9, 2, 8], 2]),
        json!([1.5, 8.5, 1.5, 8.5]),
    );
    check(
        "series_seasonal",
        json!([[1, 9, 2, 8], 0]),
        json!([0.0, 0.0, 0.0, 0.0]),
    );
    let seasonal = result("series_seasonal", json!([weekly(10)]));
    assert!(seasonal[2].as_f64().unwrap() > 24.0 && seasonal[6].as_f64().unwrap() < 6.0);
}

#[test]
fn decompositions() {
    let series = || json!([1, 11, 2, 12, 3, 13]);
    check(
        "series_decompose",
        json!([series(), 2, "none"]),
        json!([
            [2.0, 12.0, 2.0, 12.0, 2.0, 12.0],
            [2.0, 12.0, 2.0, 12.0, 2.0, 12.0],
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0],
        ]),
    );
    check(
        "series_decompose",
        json!([[1, 2, 6], 0]),
        json!([
            [3.0, 3.0, 3.0],
            [0.0, 0.0, 0.0],
            [3.0, 3.0, 3.0],
            [-2.0, -1.0, 3.0],
        ]),
    );
    check(
        "series_decompose",
        json!([[1, 2, null, 4], 0, "linefit"]),
        json!([
            [1.0, 2.0, 3.0, 4.0],
            [0.0, 0.0, 0.0, 0.0],
            [1.0, 2.0, 3.0, 4.0],
            [0.0, 0.0, null, 0.0],
        ]),
    );
    let wrong = run(
        "series_decompose",
        &[
            value(json!([1])),
            Value::Long(0),
            Value::String("up".to_owned()),
        ],
    );
    assert!(wrong.is_err());
}

#[test]
fn anomalies() {
    let mut series = weekly(12);
    series[40] += 9.0;
    series[55] -= 9.0;
    let found = result("series_decompose_anomalies", json!([series, 3.0]));
    let expected: Vec<i64> = (0..series.len())
        .map(|at| i64::from(at == 40) - i64::from(at == 55))
        .collect();
    assert_eq!(found[0], json!(expected));
    assert!(found[1][40].as_f64().unwrap() > 3.0);
    let flat = result("series_decompose_anomalies", json!([vec![0.1; 30]]));
    assert_eq!(flat[0], json!(vec![0; 30]));
    let mut spike = vec![0; 30];
    spike[20] = 50;
    let found = result("series_decompose_anomalies", json!([spike, 1.5, 0]));
    assert_eq!(found[0][20], json!(1));
    assert_eq!(found[0][19], json!(0));
}

#[test]
fn forecasts() {
    let line: Vec<i64> = (0..10).map(|at| if at < 7 { 3 * at } else { 0 }).collect();
    let expected: Vec<f64> = (0..10).map(|at| 3.0 * f64::from(at)).collect();
    check(
        "series_decompose_forecast",
        json!([line, 3, 0]),
        json!(expected),
    );
    let mut season = weekly(10);
    let truth = season.clone();
    season[63..].fill(0.0);
    let forecast = result("series_decompose_forecast", json!([season, 7, -1, "avg"]));
    for (place, truth) in truth.iter().enumerate().skip(63) {
        let forecast = forecast[place].as_f64().unwrap();
        assert!(
            (forecast - truth).abs() < 1.5,
            "{place}: {forecast} {truth}"
        );
    }
}
