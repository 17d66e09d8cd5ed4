//! Rounding: to digits, to whole numbers, to bins.

use crate::arguments::long;
use crate::convert::{DECIMAL_ONE, TICKS_TO_1970, datetime_within, scalar_of};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("round(number: N, precision?: long): N", round),
        function("ceiling(number: N): N", ceiling),
        function("abs(x: any): any", abs),
        function("bin(value: any, roundTo: any): any", bin),
        function("floor(value: any, roundTo?: any): any", bin),
        function(
            "bin_at(value: any, bin_size: any, fixed_point: any): any",
            bin_at,
        ),
    ];
    table.into_iter().flatten().collect()
}

/// Halves go away from zero.
pub(crate) fn round_to(number: f64, digits: i64) -> f64 {
    let digits = i32::try_from(digits.clamp(-400, 400)).unwrap_or(0);
    let scale = 10_f64.powi(digits.abs());
    let rounded = if digits < 0 {
        (number / scale).round() * scale
    } else {
        (number * scale).round() / scale
    };
    if rounded.is_finite() {
        rounded
    } else if digits < 0 {
        0.0
    } else {
        number
    }
}

fn round(_: &mut Context, arguments: &[Value]) -> Outcome {
    let digits = long(arguments, 1).unwrap_or(0).clamp(-400, 400);
    Ok(match arguments.first() {
        Some(Value::Real(number)) => Value::Real(round_to(*number, digits)),
        Some(Value::Decimal(number)) => {
            rounded(*number, 18 - digits).map_or(Value::Null, Value::Decimal)
        }
        Some(Value::Long(number)) => rounded(i128::from(*number), -digits)
            .and_then(|number| i64::try_from(number).ok())
            .map_or(Value::Null, Value::Long),
        Some(Value::Int(number)) => rounded(i128::from(*number), -digits)
            .and_then(|number| i32::try_from(number).ok())
            .map_or(Value::Null, Value::Int),
        _ => Value::Null,
    })
}

/// To a multiple of a power of ten.
fn rounded(number: i128, power: i64) -> Option<i128> {
    if power <= 0 {
        return Some(number);
    }
    let Some(unit) = u32::try_from(power)
        .ok()
        .and_then(|power| 10_i128.checked_pow(power))
    else {
        return Some(0);
    };
    let half = if number < 0 { -unit / 2 } else { unit / 2 };
    (number.checked_add(half)? / unit).checked_mul(unit)
}

fn ceiling(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments.first() {
        Some(Value::Real(number)) => Value::Real(number.ceil()),
        Some(Value::Decimal(number)) => {
            let whole = number.div_euclid(DECIMAL_ONE);
            let up = i128::from(number.rem_euclid(DECIMAL_ONE) != 0);
            (whole + up)
                .checked_mul(DECIMAL_ONE)
                .map_or(Value::Null, Value::Decimal)
        }
        Some(number @ (Value::Int(_) | Value::Long(_))) => number.clone(),
        _ => Value::Null,
    })
}

fn abs(_: &mut Context, arguments: &[Value]) -> Outcome {
    let positive = |value: &Value| match value {
        Value::Int(number) => Value::Long(i64::from(*number).abs()),
        Value::Long(number) => Value::Long(number.wrapping_abs()),
        Value::Real(number) => Value::Real(number.abs()),
        Value::Decimal(number) => Value::Decimal(number.abs()),
        Value::TimeSpan(ticks) => ticks.checked_abs().map_or(Value::Null, Value::TimeSpan),
        _ => Value::Null,
    };
    Ok(match arguments.first() {
        Some(Value::Dynamic(json)) => Value::dynamic(positive(&scalar_of(json)).to_json()),
        Some(value) => positive(value),
        None => Value::Null,
    })
}

fn bin(_: &mut Context, arguments: &[Value]) -> Outcome {
    let result = match arguments {
        [value] => binned(value, &Value::Int(1), None),
        [value, size] => binned(value, size, None),
        _ => None,
    };
    Ok(result.unwrap_or(Value::Null))
}

fn bin_at(_: &mut Context, arguments: &[Value]) -> Outcome {
    let result = match arguments {
        [value, size, fixed] => binned(value, size, Some(fixed)),
        _ => None,
    };
    Ok(result.unwrap_or(Value::Null))
}

/// The largest value that is not above this one and whole bins away from the fixed point. Bins of datetimes are
/// counted from the year 1.
fn binned(value: &Value, size: &Value, fixed: Option<&Value>) -> Option<Value> {
    use Value::{DateTime, Decimal, Dynamic, Int, Long, Real, TimeSpan};
    match (value, size) {
        (Dynamic(json), _) => match scalar_of(json) {
            Dynamic(_) => None,
            plain => Some(Value::dynamic(binned(&plain, size, fixed)?.to_json())),
        },
        (DateTime(ticks), TimeSpan(size)) => {
            let fixed = match fixed {
                None => -TICKS_TO_1970,
                Some(DateTime(fixed)) => *fixed,
                Some(_) => return None,
            };
            match datetime_within(whole_bins(*ticks, *size, fixed)) {
                Value::Null => None,
                value => Some(value),
            }
        }
        (TimeSpan(ticks), TimeSpan(size)) => {
            let fixed = match fixed {
                None => 0,
                Some(TimeSpan(fixed)) => *fixed,
                Some(_) => return None,
            };
            whole_bins(*ticks, *size, fixed).map(TimeSpan)
        }
        (Int(_) | Long(_) | Real(_) | Decimal(_), Int(_) | Long(_) | Real(_) | Decimal(_)) => {
            let fixed = fixed.cloned().unwrap_or(Int(0));
            bin_numbers(value, size, &fixed)
        }
        _ => None,
    }
}

fn bin_numbers(value: &Value, size: &Value, fixed: &Value) -> Option<Value> {
    let all = [value, size, fixed];
    if all.iter().any(|value| matches!(value, Value::Decimal(_))) {
        let [value, size, fixed] = all.map(Value::as_decimal);
        let (value, size, fixed) = (value?, size?, fixed?);
        if size <= 0 {
            return None;
        }
        let bins = value.checked_sub(fixed)?.div_euclid(size);
        return Some(Value::Decimal(bins.checked_mul(size)?.checked_add(fixed)?));
    }
    if all.iter().any(|value| matches!(value, Value::Real(_))) {
        let [value, size, fixed] = all.map(Value::as_real);
        let (value, size, fixed) = (value?, size?, fixed?);
        return (size > 0.0).then(|| Value::Real(((value - fixed) / size).floor() * size + fixed));
    }
    let [value, size, fixed] = all.map(Value::as_long);
    whole_bins(value?, size?, fixed?).map(Value::Long)
}

fn whole_bins(value: i64, size: i64, fixed: i64) -> Option<i64> {
    if size <= 0 {
        return None;
    }
    let (value, size, fixed) = (i128::from(value), i128::from(size), i128::from(fixed));
    let bins = (value - fixed).div_euclid(size);
    i64::try_from(bins * size + fixed).ok()
}
