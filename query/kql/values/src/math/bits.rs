//! Bits of whole numbers.

use crate::arguments::long;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

#[rustfmt::skip]
pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("binary_and(value1: long, value2: long): long", |_, a| both(a, |x, y| Some(x & y))),
        function("binary_or(value1: long, value2: long): long", |_, a| both(a, |x, y| Some(x | y))),
        function("binary_xor(value1: long, value2: long): long", |_, a| both(a, |x, y| Some(x ^ y))),
        function("binary_not(value: long): long", |_, a| Ok(long(a, 0).map_or(Value::Null, |x| Value::Long(!x)))),
        function("binary_shift_left(value: long, shift: long): long", |_, a| both(a, |x, n| Some(x << steps(n)?))),
        function("binary_shift_right(value: long, shift: long): long", |_, a| both(a, |x, n| Some(x >> steps(n)?))),
        function("bitset_count_ones(value: long): long", |_, a| Ok(long(a, 0).map_or(Value::Null, |x| Value::Long(i64::from(x.count_ones()))))),
        function("tohex(value: any, minLength?: long): string", tohex),
    ];
    table.into_iter().flatten().collect()
}

fn both(arguments: &[Value], f: fn(i64, i64) -> Option<i64>) -> Outcome {
    let operands = long(arguments, 0).zip(long(arguments, 1));
    let result = operands.and_then(|(left, right)| f(left, right));
    Ok(result.map_or(Value::Null, Value::Long))
}

/// By how many places bits are shifted; none if negative.
fn steps(shift: i64) -> Option<u32> {
    u32::try_from(shift).ok().map(|shift| shift % 64)
}

fn tohex(_: &mut Context, arguments: &[Value]) -> Outcome {
    let digits = match arguments.first() {
        Some(Value::Int(value)) => format!("{value:x}"),
        Some(Value::String(_)) | None => String::new(),
        Some(value) => value
            .as_long()
            .map_or_else(String::new, |value| format!("{value:x}")),
    };
    let width = usize::try_from(long(arguments, 1).unwrap_or(0).clamp(0, 16)).unwrap_or(0);
    let text = if digits.is_empty() {
        digits
    } else {
        format!("{digits:0>width$}")
    };
    Ok(Value::String(text))
}
