//! Numbers.

mod bits;
mod rounding;
mod special;

use crate::arguments::{long, real};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

pub(crate) use rounding::round_to;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let mut all = bits::functions();
    all.extend(rounding::functions());
    all.extend(special::functions());
    all.extend(table().into_iter().flatten());
    all
}

#[rustfmt::skip]
fn table() -> Vec<Option<ScalarFunction>> {
    vec![
        function("exp(number: real): real", |_, a| map(a, f64::exp)),
        function("exp2(number: real): real", |_, a| map(a, f64::exp2)),
        function("exp10(number: real): real", |_, a| map(a, |x| 10_f64.powf(x))),
        function("log(number: real): real", |_, a| partial(a, f64::ln)),
        function("log2(number: real): real", |_, a| partial(a, f64::log2)),
        function("log10(number: real): real", |_, a| partial(a, f64::log10)),
        function("sqrt(number: real): real", |_, a| partial(a, f64::sqrt)),
        function("pow(base: real, exponent: real): real", pow),
        function("sign(number: real): real", |_, a| map(a, sign)),
        function("sin(x: real): real", |_, a| map(a, f64::sin)),
        function("cos(x: real): real", |_, a| map(a, f64::cos)),
        function("tan(x: real): real", |_, a| map(a, f64::tan)),
        function("cot(x: real): real", |_, a| map(a, |x| 1.0 / x.tan())),
        function("asin(x: real): real", |_, a| partial(a, f64::asin)),
        function("acos(x: real): real", |_, a| partial(a, f64::acos)),
        function("atan(x: real): real", |_, a| map(a, f64::atan)),
        function("atan2(y: real, x: real): real", atan2),
        function("degrees(radians: real): real", |_, a| map(a, f64::to_degrees)),
        function("radians(degrees: real): real", |_, a| map(a, f64::to_radians)),
        function("pi(): real", |_, _| Ok(Value::Real(std::f64::consts::PI))),
        function("isnan(number: real): bool", |_, a| test(a, f64::is_nan)),
        function("isinf(number: real): bool", |_, a| test(a, f64::is_infinite)),
        function("isfinite(number: real): bool", |_, a| test(a, f64::is_finite)),
        function("rand(number?: long): real", rand).map(|function| ScalarFunction { is_volatile: true, ..function }),
    ]
}

fn map(arguments: &[Value], f: fn(f64) -> f64) -> Outcome {
    Ok(real(arguments, 0).map_or(Value::Null, |x| Value::Real(f(x))))
}

/// A function that is null where it has no value.
fn partial(arguments: &[Value], f: fn(f64) -> f64) -> Outcome {
    let value = real(arguments, 0).map(|x| (x, f(x)));
    Ok(match value {
        Some((x, y)) if x.is_nan() || !y.is_nan() => Value::Real(y),
        _ => Value::Null,
    })
}

fn test(arguments: &[Value], f: fn(f64) -> bool) -> Outcome {
    Ok(real(arguments, 0).map_or(Value::Null, |x| Value::Bool(f(x))))
}

fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        x
    } else {
        x.signum()
    }
}

fn pow(_: &mut Context, arguments: &[Value]) -> Outcome {
    let operands = real(arguments, 0).zip(real(arguments, 1));
    Ok(operands.map_or(Value::Null, |(base, exponent)| {
        Value::Real(base.powf(exponent))
    }))
}

fn atan2(_: &mut Context, arguments: &[Value]) -> Outcome {
    let operands = real(arguments, 0).zip(real(arguments, 1));
    Ok(operands.map_or(Value::Null, |(y, x)| Value::Real(y.atan2(x))))
}

/// From 0 to 1, or a whole number below the argument.
fn rand(_: &mut Context, arguments: &[Value]) -> Outcome {
    let uniform: f64 = rand::random();
    Ok(match arguments {
        [] => Value::Real(uniform),
        _ => match long(arguments, 0) {
            Some(limit) if limit > 0 => {
                let limit = crate::convert::real_of(limit);
                Value::Real((uniform * limit).floor().min(limit - 1.0))
            }
            _ => Value::Null,
        },
    })
}

#[cfg(test)]
mod tests;
