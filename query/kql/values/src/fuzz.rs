//! A fuzz target: a function takes whatever arguments come, and gives what its signature says.
//!
//! The bytes are a JSON array, `["substring", "abc", 1]`: the name of a function and what it is called with.

use kql_syntax::ast::Type;

use crate::convert::scalar_of;
use crate::function::{Context, Functions, ScalarFunction};
use crate::{Dynamic, ParameterType, Returns, Signature, Value};

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
    let seed = |(place, name): (usize, &str)| {
        let text = format!("[{}]", ARGUMENTS[place % ARGUMENTS.len()]);
        let arguments: Vec<Dynamic> = serde_json::from_str(&text).ok()?;
        let fewest = functions.scalar(name)?.signature.arity_min();
        let count = arguments.len().max(fewest);
        let call = [Dynamic::from(name)].into_iter();
        let call: Dynamic = call
            .chain(arguments.into_iter().cycle().take(count))
            .collect();
        Some(call.to_string().into_bytes())
    };
    functions.names().enumerate().filter_map(seed).collect()
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

/// The arguments, as many as the signature takes, as the binder would bring them to its types; none if it refuses the call.
fn as_declared(function: &ScalarFunction, arguments: &[Dynamic]) -> Option<Vec<Value>> {
    let signature = &function.signature;
    let most = signature.arity_max().unwrap_or(usize::MAX);
    if arguments.len() < signature.arity_min() {
        return None;
    }
    let values: Vec<Value> = arguments.iter().take(most).map(scalar_of).collect();
    let common = values.iter().find_map(Value::ty).unwrap_or(Type::String);
    let values = values.into_iter().enumerate().map(|(place, value)| {
        let value = match signature.parameter(place)?.ty {
            ParameterType::Exactly(ty) => value.convert(ty),
            ParameterType::Any => return Some(value),
            ParameterType::Common => value.convert(common),
            ParameterType::Number => value.convert(Type::Real),
        };
        (function.takes_nulls || !value.is_null()).then_some(value)
    });
    values.collect()
}

/// Calls a function; panics unless the result has the type that is foretold, and is no longer than allowed.
pub(crate) fn runs(function: &ScalarFunction, arguments: &[Value]) {
    let mut context = Context::new(17_000_000_000_000_000);
    context.length_max = LENGTH_MAX;
    let Ok(value) = (function.kernel)(&mut context, arguments) else {
        return;
    };
    let signature = &function.signature;
    if let Some((ty, may_be_null)) = foretold(signature, arguments) {
        let fits = value.ty() == Some(ty) || value.is_null() && may_be_null;
        assert!(fits, "{} of {arguments:?} is {value:?}", signature.name);
    }
    if let Value::String(text) = &value {
        assert!(text.len() <= 4 * LENGTH_MAX, "{} bytes", text.len());
    }
}

/// The type of the result, and whether it may be null.
fn foretold(signature: &Signature, arguments: &[Value]) -> Option<(Type, bool)> {
    let kind = match signature.returns {
        Returns::One(ParameterType::Exactly(ty)) => return Some((ty, ty != Type::String)),
        Returns::One(kind @ (ParameterType::Common | ParameterType::Number)) => kind,
        _ => return None,
    };
    let mut arguments = arguments.iter().enumerate();
    let ty = arguments.find_map(|(place, value)| {
        let parameter = signature.parameter(place)?;
        (parameter.ty == kind).then(|| value.ty()).flatten()
    });
    ty.map(|ty| (ty, true))
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
