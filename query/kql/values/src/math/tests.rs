use serde_json::json;

use super::round_to;
use crate::calls::{call, check, value};
use crate::convert::{DAY, DECIMAL_ONE, SECOND};
use crate::function::{Context, Functions};
use crate::value::{Dynamic, Value};

#[track_caller]
fn near(name: &str, arguments: &Dynamic, expected: f64) {
    let Ok(Value::Real(got)) = call(name, arguments) else {
        panic!("{name}({arguments}) is no real");
    };
    let error = (got - expected).abs() / expected.abs().max(1.0);
    assert!(error < 1e-13, "{name}({arguments}) is {got}");
}

#[test]
fn elementary_functions_have_their_values() {
    near("exp", &json!([1.0]), std::f64::consts::E);
    near("exp2", &json!([10.0]), 1_024.0);
    near("exp10", &json!([3.0]), 1_000.0);
    near("log", &json!([10.0]), std::f64::consts::LN_10);
    near("log2", &json!([8.0]), 3.0);
    near("log10", &json!([1e-4]), -4.0);
    near("sqrt", &json!([2.25]), 1.5);
    near("pow", &json!([2.0, -2.0]), 0.25);
    near("sign", &json!([-7.5]), -1.0);
    near("sign", &json!([0.0]), 0.0);
    near("sin", &json!([0.5]), 0.479_425_538_604_203);
    near("cos", &json!([0.5]), 0.877_582_561_890_372_8);
    near("tan", &json!([0.5]), 0.546_302_489_843_790_5);
    near("cot", &json!([0.5]), 1.830_487_721_712_452);
    near("asin", &json!([0.5]), std::f64::consts::FRAC_PI_6);
    near("acos", &json!([0.5]), std::f64::consts::FRAC_PI_3);
    near("atan", &json!([0.5]), 0.463_647_609_000_806_1);
    near("atan2", &json!([1.0, -1.0]), 2.356_194_490_192_345);
    near("degrees", &json!([std::f64::consts::PI]), 180.0);
    near("radians", &json!([90.0]), std::f64::consts::FRAC_PI_2);
    near("pi", &json!([]), std::f64::consts::PI);
    for name in ["log", "log2", "log10", "sqrt", "acos", "asin"] {
        check(name, &json!([-2.0]), &json!(null));
    }
}

#[test]
fn special_functions_have_their_values() {
    near("gamma", &json!([4.5]), 11.631_728_396_567_448);
    near("loggamma", &json!([10.0]), 12.801_827_480_081_469);
    near("erf", &json!([0.5]), 0.520_499_877_813_046_5);
    near("erfc", &json!([0.5]), 0.479_500_122_186_953_5);
    near("beta_cdf", &json!([0.3, 2.0, 3.0]), 0.348_3);
    near("beta_cdf", &json!([0.7, 0.5, 0.5]), 0.630_989_880_434_454_7);
    near("beta_pdf", &json!([0.3, 2.0, 3.0]), 1.764);
    near("beta_pdf", &json!([0.0, 1.0, 2.0]), 2.0);
    near("beta_inv", &json!([0.348_3, 2.0, 3.0]), 0.3);
    check("beta_inv", &json!([1.5, 2.0, 3.0]), &json!(null));
    for name in ["beta_cdf", "beta_inv", "beta_pdf"] {
        let Ok(Value::Real(got)) = call(name, &json!([0.5, -1.0, 2.0])) else {
            panic!("{name}");
        };
        assert!(got.is_nan());
    }
    // Equal variances and sizes: Student's t = 2 with 18 degrees of freedom.
    near(
        "welch_test",
        &json!([2.0, 5.0, 10.0, 0.0, 5.0, 10.0]),
        0.060_821_465_669_317_7,
    );
    near("welch_test", &json!([2.0, 0.0, 10.0, 2.0, 0.0, 10.0]), 1.0);
    check(
        "welch_test",
        &json!([2.0, 1.0, 1.0, 0.0, 1.0, 10.0]),
        &json!(null),
    );
}

#[test]
fn numbers_are_told_apart() {
    check("isnan", &json!([1.0]), &json!(false));
    check("isinf", &json!([1.0]), &json!(false));
    check("isfinite", &json!([1.0]), &json!(true));
    assert_eq!(
        run("isinf", &[Value::Real(f64::NEG_INFINITY)]),
        Value::Bool(true)
    );
    assert_eq!(run("isnan", &[Value::Real(f64::NAN)]), Value::Bool(true));
}

#[test]
fn random_numbers_stay_within() {
    let functions = Functions::new();
    let rand = functions.scalar("rand").unwrap();
    for _ in 0..100 {
        let Ok(Value::Real(number)) = (rand.kernel)(&mut Context::new(0), &[]) else {
            panic!();
        };
        assert!((0.0..1.0).contains(&number));
        let Ok(Value::Real(number)) = (rand.kernel)(&mut Context::new(0), &[Value::Long(3)]) else {
            panic!();
        };
        assert!([0.0, 1.0, 2.0].contains(&number));
    }
    assert!(rand.is_volatile);
}

#[test]
fn bits_are_combined() {
    check("binary_and", &json!([12, 10]), &json!(8));
    check("binary_or", &json!([12, 10]), &json!(14));
    check("binary_xor", &json!([12, 10]), &json!(6));
    check("binary_not", &json!([0]), &json!(-1));
    check("binary_shift_left", &json!([3, 65]), &json!(6));
    check("binary_shift_right", &json!([-8, 1]), &json!(-4));
    check("binary_shift_left", &json!([3, -1]), &json!(null));
    check("bitset_count_ones", &json!([-1]), &json!(64));
    check("tohex", &json!([-1]), &json!("ffffffffffffffff"));
    check("tohex", &json!([255, 4]), &json!("00ff"));
    check("tohex", &json!([255, 99]), &json!("00000000000000ff"));
    let text = Value::String("ffffffff".to_owned());
    assert_eq!(run("tohex", &[Value::Int(-1)]), text);
}

#[test]
fn numbers_are_rounded() {
    check("round", &json!([2.345, 2]), &json!(2.35));
    check("round", &json!([-2.5]), &json!(-3.0));
    check("round", &json!([1250, -2]), &json!(1300));
    check("round", &json!([1234.5, -2]), &json!(1200.0));
    check("ceiling", &json!([-1.5]), &json!(-1.0));
    check("ceiling", &json!([7]), &json!(7));
    assert!((round_to(1.5, 400) - 1.5).abs() < 1e-15);
    let half = Value::Decimal(DECIMAL_ONE * 5 / 2);
    assert_eq!(
        run("round", std::slice::from_ref(&half)),
        Value::Decimal(DECIMAL_ONE * 3)
    );
    assert_eq!(run("ceiling", &[half]), Value::Decimal(DECIMAL_ONE * 3));
    check("abs", &json!([-7]), &json!(7));
    check("abs", &json!([-7.5]), &json!(7.5));
    assert_eq!(run("abs", &[Value::TimeSpan(-3)]), Value::TimeSpan(3));
    assert_eq!(
        run("abs", &[Value::Dynamic((-3).into())]),
        Value::Dynamic(3.into())
    );
}

fn run(name: &str, arguments: &[Value]) -> Value {
    let functions = Functions::new();
    let kernel = functions.scalar(name).unwrap().kernel;
    kernel(&mut Context::new(0), arguments).unwrap()
}

#[test]
fn values_fall_into_bins() {
    check("bin", &json!([17, 5]), &json!(15));
    check("bin", &json!([-1, 5]), &json!(-5));
    check("floor", &json!([7.9, 2]), &json!(6.0));
    check("floor", &json!([7.9]), &json!(7.0));
    check("bin", &json!([7, 0]), &json!(null));
    check("bin", &json!([7, -1]), &json!(null));
    check("bin", &json!([7, null]), &json!(null));
    check("bin_at", &json!([7.5, 2.5, 6]), &json!(6.0));
    check("bin_at", &json!([5, 10, 7]), &json!(-3));
    // 2024-01-03 was a Wednesday; weeks from the year 1 begin on Mondays.
    let wednesday = 19_725 * DAY;
    let week = Value::TimeSpan(7 * DAY);
    let monday = Value::DateTime(wednesday - 2 * DAY);
    assert_eq!(
        run("bin", &[Value::DateTime(wednesday + SECOND), week.clone()]),
        monday
    );
    let sunday = Value::DateTime(wednesday - 3 * DAY);
    let fixed = Value::DateTime(3 * DAY);
    assert_eq!(
        run("bin_at", &[Value::DateTime(wednesday), week, fixed]),
        sunday
    );
    let span = run("bin", &[Value::TimeSpan(-SECOND), Value::TimeSpan(DAY)]);
    assert_eq!(span, Value::TimeSpan(-DAY));
    assert_eq!(
        run("bin", &[Value::Dynamic(17.into()), Value::Long(5)]),
        value(&json!(15)).convert(crate::Type::Dynamic)
    );
}
