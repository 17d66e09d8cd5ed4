//! Arguments as kernels read them.

use crate::function::{Context, Failure, Outcome};
use crate::value::Value;

/// An argument's text; empty if there is none.
pub(crate) fn text(arguments: &[Value], place: usize) -> &str {
    match arguments.get(place) {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

/// An argument that is a whole number.
pub(crate) fn long(arguments: &[Value], place: usize) -> Option<i64> {
    match arguments.get(place)? {
        Value::Long(value) => Some(*value),
        Value::Int(value) => Some(i64::from(*value)),
        _ => None,
    }
}

/// An argument that is a `real`.
pub(crate) fn real(arguments: &[Value], place: usize) -> Option<f64> {
    match arguments.get(place)? {
        Value::Real(value) => Some(*value),
        Value::Null | Value::String(_) => None,
        other => other.as_real(),
    }
}

/// A text as a result, if it is not too long.
pub(crate) fn bounded(context: &Context, text: String) -> Outcome {
    if text.len() > context.length_max {
        return Err(Failure(format!(
            "a text is longer than {} bytes: make a shorter one",
            context.length_max
        )));
    }
    Ok(Value::String(text))
}
