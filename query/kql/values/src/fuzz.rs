//! A fuzz target: a function takes whatever arguments come, and gives what its signature says.
//!
//! The bytes are a JSON array, `["substring", "abc", 1]`: the name of a function and what it is called with.

use kql_syntax::ast::Type;

use crate::convert::scalar_of;
use crate::function::{Context, Functions, ScalarFunction};
use crate::{Dynamic, ParameterType, Returns, Value};

/// Longest text or array that a function may make here.
const LENGTH_MAX: usize = 1 << 16;

/// Arguments that some function makes something of.
const ARGUMENTS: [&str; 12] = [
    r#""2024-02-29T12:00:00Z", "1d""#,
    r#""10.0.0.1/8", "::1", 24"#,
    r#""(\\d+)-(a|b)", 1, "12-a""#,
    r#""{\"a\":[1,{\"b\":null}]}", "$.a[1].b""#,
    r#""http://u:p@h:1/p?a=b#c", "a""#,
    r#""a=1, b='x y'", ", ", "=""#,
    r#""<a b='c'>d</a>""#,
    r#""yyyy-MM-dd HH:mm", "Europe/Berlin""#,
    r#""YWJj", "%zz", "xn--a-b""#,
    "[1,2.5,null,-1e308,\"NaN\"], 3, true",
    "{\"a\":1,\"b\":[1]}, \"a\"",
    "9223372036854775807, -1, 0.5",
];

/// Calls of every function to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    let functions = Functions::new();
    let names = functions.names().enumerate();
    names
        .map(|(place, name)| {
            let arguments = ARGUMENTS[place % ARGUMENTS.len()];
            format!("[{}, {arguments}]", Dynamic::from(name)).into_bytes()
        })
        .collect()
}

/// Panics unless what must hold of any bytes does.
pub fn check(bytes: &[u8]) {
    let Ok(Dynamic::Array(call)) = serde_json::from_slice(bytes) else {
        return;
    };
    let Some((Dynamic::String(name), arguments)) = call.split_first() else {
        return;
    };
    let functions = Functions::new();
    if let Some(function) = functions.scalar(name)
        && let Some(arguments) = as_declared(function, arguments)
    {
        runs(function, &arguments);
    }
}

/// The arguments as the binder would bring them to the types of the signature; none if it refuses the call.
fn as_declared(function: &ScalarFunction, arguments: &[Dynamic]) -> Option<Vec<Value>> {
    let signature = &function.signature;
    let most = signature.arity_max().unwrap_or(usize::MAX);
    if !(signature.arity_min()..=most).contains(&arguments.len()) {
        return None;
    }
    let values: Vec<Value> = arguments.iter().map(scalar_of).collect();
    let common = values.iter().find_map(Value::ty).unwrap_or(Type::String);
    let values = values.into_iter().enumerate().map(|(place, value)| {
        let value = match signature.parameter(place)?.ty {
            ParameterType::Exactly(ty) => value.convert(ty),
            ParameterType::Any => value,
            ParameterType::Common => value.convert(common),
            ParameterType::Number => value.convert(Type::Real),
        };
        (function.takes_nulls || !value.is_null()).then_some(value)
    });
    values.collect()
}

fn runs(function: &ScalarFunction, arguments: &[Value]) {
    let mut context = Context::new(17_000_000_000_000_000);
    context.length_max = LENGTH_MAX;
    let Ok(value) = (function.kernel)(&mut context, arguments) else {
        return;
    };
    if let Returns::One(ParameterType::Exactly(ty)) = function.signature.returns {
        let fits = value.ty() == Some(ty) || value.is_null() && ty != Type::String;
        assert!(
            fits,
            "{} of {arguments:?} is {value:?}",
            function.signature.name
        );
    }
    if let Value::String(text) = &value {
        assert!(text.len() <= 4 * LENGTH_MAX, "{} bytes", text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::{check, seeds};

    #[test]
    fn seeds_hold() {
        for seed in seeds() {
            check(&seed);
        }
    }
}
