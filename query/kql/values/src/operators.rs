//! Operators between values: comparison, arithmetic, text matching. Their names are the signs that KQL writes.

mod arithmetic;
mod comparison;
mod conditionals;
mod lists;
pub mod text;

use crate::convert::seeing_nulls;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

pub use arithmetic::{binary_type, negated_type, result_type};
pub(crate) use comparison::equal;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let mut all = arithmetic::functions();
    all.extend(comparison::functions());
    all.extend(conditionals::functions());
    all.extend(lists::functions());
    all.extend(text_functions().into_iter().flatten());
    let logic = [
        function("not(value: bool): bool", not),
        function("and(left: bool, right: bool): bool", and).map(seeing_nulls),
        function("or(left: bool, right: bool): bool", or).map(seeing_nulls),
    ];
    all.extend(logic.into_iter().flatten());
    all
}

fn not(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments {
        [Value::Bool(value)] => Value::Bool(!value),
        _ => Value::Null,
    })
}

fn and(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments {
        [Value::Bool(false), _] | [_, Value::Bool(false)] => Value::Bool(false),
        [Value::Bool(true), Value::Bool(true)] => Value::Bool(true),
        _ => Value::Null,
    })
}

fn or(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments {
        [Value::Bool(true), _] | [_, Value::Bool(true)] => Value::Bool(true),
        [Value::Bool(false), Value::Bool(false)] => Value::Bool(false),
        _ => Value::Null,
    })
}

/// Whether a test of two texts holds.
fn test(arguments: &[Value], test: fn(&str, &str) -> bool) -> Outcome {
    Ok(match arguments {
        [Value::String(left), Value::String(right)] => Value::Bool(test(left, right)),
        _ => Value::Null,
    })
}

/// Whether a test of two texts fails.
fn test_not(arguments: &[Value], holds: fn(&str, &str) -> bool) -> Outcome {
    Ok(match test(arguments, holds)? {
        Value::Bool(value) => Value::Bool(!value),
        other => other,
    })
}

#[rustfmt::skip]
fn text_functions() -> Vec<Option<ScalarFunction>> {
    vec![
        function("=~(left: string, right: string): bool", |_, a| test(a, text::equals)),
        function("!~(left: string, right: string): bool", |_, a| test_not(a, text::equals)),
        function("has(text: string, term: string): bool", |_, a| test(a, text::has)),
        function("!has(text: string, term: string): bool", |_, a| test_not(a, text::has)),
        function("has_cs(text: string, term: string): bool", |_, a| test(a, text::has_cs)),
        function("!has_cs(text: string, term: string): bool", |_, a| test_not(a, text::has_cs)),
        function("hasprefix(text: string, term: string): bool", |_, a| test(a, text::has_prefix)),
        function("!hasprefix(text: string, term: string): bool", |_, a| test_not(a, text::has_prefix)),
        function("hasprefix_cs(text: string, term: string): bool", |_, a| test(a, text::has_prefix_cs)),
        function("!hasprefix_cs(text: string, term: string): bool", |_, a| test_not(a, text::has_prefix_cs)),
        function("hassuffix(text: string, term: string): bool", |_, a| test(a, text::has_suffix)),
        function("!hassuffix(text: string, term: string): bool", |_, a| test_not(a, text::has_suffix)),
        function("hassuffix_cs(text: string, term: string): bool", |_, a| test(a, text::has_suffix_cs)),
        function("!hassuffix_cs(text: string, term: string): bool", |_, a| test_not(a, text::has_suffix_cs)),
        function("contains(text: string, part: string): bool", |_, a| test(a, text::contains)),
        function("!contains(text: string, part: string): bool", |_, a| test_not(a, text::contains)),
        function("contains_cs(text: string, part: string): bool", |_, a| test(a, text::contains_cs)),
        function("!contains_cs(text: string, part: string): bool", |_, a| test_not(a, text::contains_cs)),
        function("startswith(text: string, part: string): bool", |_, a| test(a, text::starts_with)),
        function("!startswith(text: string, part: string): bool", |_, a| test_not(a, text::starts_with)),
        function("startswith_cs(text: string, part: string): bool", |_, a| test(a, text::starts_with_cs)),
        function("!startswith_cs(text: string, part: string): bool", |_, a| test_not(a, text::starts_with_cs)),
        function("endswith(text: string, part: string): bool", |_, a| test(a, text::ends_with)),
        function("!endswith(text: string, part: string): bool", |_, a| test_not(a, text::ends_with)),
        function("endswith_cs(text: string, part: string): bool", |_, a| test(a, text::ends_with_cs)),
        function("!endswith_cs(text: string, part: string): bool", |_, a| test_not(a, text::ends_with_cs)),
        function("like(text: string, pattern: string): bool", |_, a| test(a, text::like)),
        function("notlike(text: string, pattern: string): bool", |_, a| test_not(a, text::like)),
        function("likecs(text: string, pattern: string): bool", |_, a| test(a, text::like_cs)),
        function("notlikecs(text: string, pattern: string): bool", |_, a| test_not(a, text::like_cs)),
        function("matches regex(text: string, pattern: string): bool", matches_regex),
    ]
}

fn matches_regex(context: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments {
        [Value::String(text), Value::String(pattern)] => {
            Value::Bool(context.regex(pattern)?.is_match(text))
        }
        _ => Value::Null,
    })
}

#[cfg(test)]
mod tests;
