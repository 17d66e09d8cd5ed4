//! JSON text to a `dynamic` and back.

use kql_syntax::ast::Type;

use crate::convert::{seeing_nulls, to};
use crate::dynamic::path::json_path;
use crate::dynamic::path_text::path_text;
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::Value;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("parse_json(json: any): dynamic", parse_json),
        function("parsejson(json: any): dynamic", parse_json),
        function("todynamic(value: any): dynamic", parse_json),
        function("toobject(value: any): dynamic", parse_json),
        function("dynamic_to_json(value: any): string", dynamic_to_json).map(seeing_nulls),
        function(
            "extract_json(path: string, json: string): string",
            extract_json,
        ),
        function(
            "extractjson(path: string, json: string): string",
            extract_json,
        ),
    ];
    table.into_iter().flatten().collect()
}

/// A text that is no JSON stays a text.
fn parse_json(_: &mut Context, arguments: &[Value]) -> Outcome {
    to(arguments, Type::Dynamic)
}

/// Slots are in the order of their names already.
fn dynamic_to_json(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(Value::String(match arguments {
        [Value::Dynamic(json)] => json.to_string(),
        [value] => value.to_text(),
        _ => String::new(),
    }))
}

fn extract_json(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(path), Value::String(text)] = arguments else {
        return Ok(Value::String(String::new()));
    };
    let steps = json_path(path).ok_or_else(|| {
        Failure(format!(
            "'{path}' is no JSON path: write it like $.name['other name'][0]"
        ))
    })?;
    let found = path_text(text, &steps).unwrap_or_default();
    Ok(Value::String(found.into_owned()))
}
