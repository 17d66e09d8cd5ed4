//! Calls of functions as tests write them: arguments and result as JSON.

use crate::function::{Context, Failure, Functions};
use crate::value::{Dynamic, Value};

/// Calls a function. A number is a `long` or `real`, an array or bag a `dynamic`.
pub(crate) fn call(name: &str, arguments: &Dynamic) -> Result<Value, Failure> {
    let functions = Functions::new();
    let function = functions.scalar(name).unwrap();
    let arguments: Vec<Value> = arguments.as_array().unwrap().iter().map(value).collect();
    (function.kernel)(&mut Context::new(0), &arguments)
}

/// That a call gives a result, of the same type too.
#[track_caller]
pub(crate) fn check(name: &str, arguments: &Dynamic, expected: &Dynamic) {
    assert_eq!(
        call(name, arguments),
        Ok(value(expected)),
        "{name}({arguments})"
    );
}

/// A value from JSON.
pub(crate) fn value(json: &Dynamic) -> Value {
    match json {
        Dynamic::Null => Value::Null,
        Dynamic::Bool(value) => Value::Bool(*value),
        Dynamic::Number(number) => match number.as_i64() {
            Some(number) => Value::Long(number),
            None => Value::Real(number.as_f64().unwrap()),
        },
        Dynamic::String(text) => Value::String(text.clone()),
        json => Value::Dynamic(json.clone()),
    }
}
