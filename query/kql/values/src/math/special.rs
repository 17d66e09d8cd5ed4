//! Gamma, beta and error functions, and what is tested with them.

use crate::arguments::real;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::math::map;
use crate::value::Value;

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("gamma(number: real): real", |_, a| map(a, libm::tgamma)),
        function("loggamma(number: real): real", |_, a| map(a, libm::lgamma)),
        function("erf(x: real): real", |_, a| map(a, libm::erf)),
        function("erfc(x: real): real", |_, a| map(a, libm::erfc)),
        function("beta_cdf(x: real, alpha: real, beta: real): real", beta_cdf),
        function("beta_inv(probability: real, alpha: real, beta: real): real", beta_inv),
        function("beta_pdf(x: real, alpha: real, beta: real): real", beta_pdf),
        function("welch_test(mean1: real, variance1: real, count1: real, mean2: real, variance2: real, count2: real): real", welch_test),
    ];
    table.into_iter().flatten().collect()
}

fn three(arguments: &[Value]) -> Option<(f64, f64, f64)> {
    Some((
        real(arguments, 0)?,
        real(arguments, 1)?,
        real(arguments, 2)?,
    ))
}

/// Logarithm of the beta function.
fn log_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

/// Most steps of the continued fraction; it needs about the root of the larger parameter.
const STEPS_MAX: u32 = 2_000;

/// The regularized incomplete beta function, by its continued fraction (Lentz's method).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (a * x.ln() + b * (-x).ln_1p() - log_beta(a, b)).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(x, a, b) / a
    } else {
        1.0 - front * continued_fraction(1.0 - x, b, a) / b
    }
}

fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut upper = 1.0;
    let mut lower = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut result = lower;
    for step in 1..STEPS_MAX {
        let step = f64::from(step);
        let twice = a + 2.0 * step;
        let even = step * (b - step) * x / ((twice - 1.0) * twice);
        let odd = -(a + step) * (a + b + step) * x / (twice * (twice + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            lower = 1.0 / away_from_zero(1.0 + term * lower);
            upper = away_from_zero(1.0 + term / upper);
            change = lower * upper;
            result *= change;
        }
        if (change - 1.0).abs() < 1e-16 || !result.is_finite() {
            break;
        }
    }
    result
}

fn beta_cdf(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match three(arguments) {
        None => Value::Null,
        Some((x, a, b)) if a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x) => {
            Value::Real(incomplete_beta(x, a, b))
        }
        Some(_) => Value::Real(f64::NAN),
    })
}

fn beta_pdf(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match three(arguments) {
        None => Value::Null,
        Some((x, a, b)) if a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x) => {
            let power = |base: f64, exponent: f64| {
                if exponent == 0.0 {
                    0.0
                } else {
                    exponent * base.ln()
                }
            };
            let log = power(x, a - 1.0) + power(1.0 - x, b - 1.0) - log_beta(a, b);
            Value::Real(log.exp())
        }
        Some(_) => Value::Real(f64::NAN),
    })
}

/// Enough for every number above 1e-45.
const HALVINGS_MAX: u32 = 200;

/// Halves the interval until no number is left between its ends.
fn beta_inv(_: &mut Context, arguments: &[Value]) -> Outcome {
    let Some((probability, a, b)) = three(arguments) else {
        return Ok(Value::Null);
    };
    if !(a > 0.0 && b > 0.0 && (a + b).is_finite()) {
        return Ok(Value::Real(f64::NAN));
    }
    if !(0.0..=1.0).contains(&probability) {
        return Ok(Value::Null);
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..HALVINGS_MAX {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if incomplete_beta(middle, a, b) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(Value::Real(high))
}

/// Two-sided probability that two samples with such means, variances and sizes come from one mean.
fn welch_test(_: &mut Context, arguments: &[Value]) -> Outcome {
    let numbers: Option<Vec<f64>> = (0..6).map(|place| real(arguments, place)).collect();
    let Some(&[mean1, variance1, count1, mean2, variance2, count2]) = numbers.as_deref() else {
        return Ok(Value::Null);
    };
    let (error1, error2) = (variance1 / count1, variance2 / count2);
    let error = error1 + error2;
    if !(count1 > 1.0 && count2 > 1.0 && variance1 >= 0.0 && variance2 >= 0.0) {
        return Ok(Value::Null);
    }
    if error == 0.0 {
        return Ok(Value::Real(if mean1.total_cmp(&mean2).is_eq() {
            1.0
        } else {
            0.0
        }));
    }
    let t_squared = (mean1 - mean2).powi(2) / error;
    let freedom =
        error.powi(2) / (error1.powi(2) / (count1 - 1.0) + error2.powi(2) / (count2 - 1.0));
    let x = freedom / (freedom + t_squared);
    Ok(Value::Real(incomplete_beta(x, freedom / 2.0, 0.5)))
}
