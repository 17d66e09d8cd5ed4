//! Numbers and guids from text.

use crate::convert::DECIMAL_ONE;
use crate::value::Value;

/// A `long` from text: decimal digits, or hexadecimal ones after `0x`.
pub fn parse_long(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(hex) if hex.starts_with('+') => None,
        Some(hex) => {
            let value = u64::from_str_radix(hex, 16).ok()?.cast_signed();
            Some(if negative {
                value.wrapping_neg()
            } else {
                value
            })
        }
        None => text.parse().ok(),
    }
}

/// A `real` from text, also `NaN` and `+inf`.
pub fn parse_real(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(value) = text.parse::<f64>() {
        return Some(value);
    }
    if text.contains(['x', 'X']) {
        return parse_long(text).map(super::real_of);
    }
    None
}

/// A `decimal` from text; digits after the eighteenth are rounded off.
pub fn parse_decimal(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    // Position of the digit that stands for 10^-18, counted from the first digit.
    let shift = i32::try_from(whole.len())
        .ok()?
        .checked_add(exponent)?
        .checked_add(i32::try_from(Value::DECIMAL_SCALE).ok()?)?;
    let mut value = 0_i128;
    let mut written = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = i128::from((byte as char).to_digit(10)?);
        if written < shift {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else if written == shift && digit >= 5 {
            value = value.checked_add(1)?;
        }
        written += 1;
    }
    if value != 0 && written < shift {
        let zeros = u32::try_from(shift - written).ok()?;
        value = value.checked_mul(10_i128.checked_pow(zeros)?)?;
    }
    (value / DECIMAL_ONE < 10_i128.pow(20)).then_some(if negative { -value } else { value })
}

/// A `guid` from text: its first 32 digits, whether hyphens stand between them or not; what follows does not count.
pub fn parse_guid(text: &str) -> Option<u128> {
    let text = text.trim_start().trim_start_matches(['{', '(']);
    let mut digits = text.chars().filter(|c| *c != '-').take(32);
    let mut guid = 0;
    for _ in 0..32 {
        guid = guid << 4 | u128::from(digits.next()?.to_digit(16)?);
    }
    Some(guid)
}

/// The whole part, if a `long` holds it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked first, a fraction is cut off by meaning"
)]
pub(super) fn long_of_real(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (-LIMIT..LIMIT).contains(&value).then_some(value as i64)
}
