//! How many bytes values take.

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [function(
        "estimate_data_size(column...: any): long",
        estimate_data_size,
    )];
    table.into_iter().flatten().collect()
}

/// Numbers and times have the size of their type, text and what is written as text its length.
fn estimate_data_size(_: &mut Context, arguments: &[Value]) -> Outcome {
    let size = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) => 4,
        Value::Long(_) | Value::Real(_) | Value::DateTime(_) | Value::TimeSpan(_) => 8,
        Value::Decimal(_) | Value::Guid(_) => 16,
        Value::String(text) => text.len(),
        Value::Dynamic(_) => value.to_text().len(),
    };
    let sum = arguments.iter().map(size).sum::<usize>();
    Ok(Value::Long(i64::try_from(sum).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::check;

    #[test]
    fn sizes_add_up() {
        check("estimate_data_size", &json!([7]), &json!(8));
        check("estimate_data_size", &json!(["gate", 7, true]), &json!(13));
        check("estimate_data_size", &json!(["é"]), &json!(2));
        check("estimate_data_size", &json!([null]), &json!(0));
    }
}
