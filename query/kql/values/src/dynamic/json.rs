//! JSON text to a `dynamic` and back.

use crate::convert::seeing_nulls;
use crate::dynamic::path::{json_path, walk};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

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
    Ok(match arguments {
        [Value::String(text)] if text.trim().is_empty() => Value::Null,
        [Value::String(text)] => {
            let json = serde_json::from_str(text);
            Value::dynamic(json.unwrap_or_else(|_| text.as_str().into()))
        }
        [value] => Value::dynamic(value.to_json()),
        _ => Value::Null,
    })
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
    let json: Option<Dynamic> = serde_json::from_str(text).ok();
    let found = json.as_ref().and_then(|json| walk(json, &steps));
    let found = found.cloned().map_or(Value::Null, Value::dynamic);
    Ok(Value::String(found.to_text()))
}
