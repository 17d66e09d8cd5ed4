//! Text from and to Unicode's numbers.

use crate::arguments::{bounded, text};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function(
            "unicode_codepoints_from_string(value: string): dynamic",
            from,
        ),
        function("to_utf8(value: string): dynamic", from),
        function("unicode_codepoints_to_string(value...: any): string", to),
        function("make_string(value...: any): string", to),
    ];
    table.into_iter().flatten().collect()
}

fn from(_: &mut Context, arguments: &[Value]) -> Outcome {
    let numbers = text(arguments, 0)
        .chars()
        .map(|c| Dynamic::from(u32::from(c)));
    Ok(Value::list(numbers))
}

fn to(context: &mut Context, arguments: &[Value]) -> Outcome {
    let mut out = String::new();
    let mut push = |value: &Value| {
        let number = value
            .as_long()
            .and_then(|number| u32::try_from(number).ok());
        number.and_then(char::from_u32).map(|c| out.push(c))
    };
    for argument in arguments {
        let done = match argument {
            Value::Dynamic(Dynamic::Array(items)) => items
                .iter()
                .try_for_each(|item| push(&Value::dynamic(item.clone()))),
            argument => push(argument),
        };
        if done.is_none() {
            return Ok(Value::String(String::new()));
        }
    }
    bounded(context, out)
}
