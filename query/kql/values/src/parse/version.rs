//! Version numbers, as decimals that compare like them.

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [function(
        "parse_version(version: string): decimal",
        parse_version,
    )];
    table.into_iter().flatten().collect()
}

fn parse_version(_: &mut Context, arguments: &[Value]) -> Outcome {
    let version = match arguments {
        [Value::String(text)] => version(text),
        _ => None,
    };
    Ok(version.map_or(Value::Null, Value::Decimal))
}

/// Four parts of eight digits. A decimal of ours has 20 digits before the point, where Kusto's has up to 34: the parts
/// are counted in its last digit, so that versions compare alike though the printed number is 10^18 times smaller.
fn version(text: &str) -> Option<i128> {
    const DIGITS_MAX: usize = 8;
    let parts: Vec<&str> = text.trim().split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let mut version = 0;
    for place in 0..4 {
        let part = parts.get(place).copied().unwrap_or("0");
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || part.len() > DIGITS_MAX {
            return None;
        }
        version = version * 100_000_000 + part.parse::<i128>().ok()?;
    }
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_parts() {
        let ordered = [
            "0.0.0.9", "0.0.7", "0.1", "0.1.0.1", "0.10", "2", "2.0.1", "10.0",
        ];
        let numbers: Vec<i128> = ordered.iter().map(|text| version(text).unwrap()).collect();
        assert!(
            numbers.is_sorted_by(|left, right| left < right),
            "{numbers:?}"
        );
        assert_eq!(version("3.0"), version("3"));
        assert_eq!(version("1.2.3.4"), Some(1_000_000_020_000_000_300_000_004));
    }

    #[test]
    fn a_version_is_a_decimal() {
        let outcome = crate::calls::call("parse_version", &serde_json::json!(["0.0.0.7"]));
        assert_eq!(outcome, Ok(Value::Decimal(7)));
    }

    #[test]
    fn what_is_no_version_is_null() {
        for text in ["", "1.", "1.2.3.4.5", "1.x", "123456789", "-1", "1.+2"] {
            assert_eq!(version(text), None, "{text}");
        }
    }
}
