//! Operators between values: comparison, arithmetic, text matching. Their names are the signs that KQL writes.

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let table = [function("not(value: bool): bool", not)];
    table.into_iter().flatten().collect()
}

fn not(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments {
        [Value::Bool(value)] => Value::Bool(!value),
        _ => Value::Null,
    })
}
