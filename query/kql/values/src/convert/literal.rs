//! Values of literals.

use kql_syntax::ast::{Json, Literal};

use crate::convert::{parse_datetime, parse_decimal, parse_guid, parse_timespan};
use crate::function::Failure;
use crate::value::{Dynamic, Value};

/// Deepest nesting of arrays and bags in a literal.
const DEPTH_MAX: usize = 128;

/// The value of a literal. `datetime()` means now, which only the query knows, and is wrong here; so is `typeof()`.
pub fn literal(literal: &Literal) -> Result<Value, Failure> {
    let value = match literal {
        Literal::Bool(value) => value.map(Value::Bool),
        Literal::Int(value) => value.map(Value::Int),
        Literal::Long(value) => value.map(Value::Long),
        Literal::Real(value) => value.map(Value::Real),
        Literal::String(text) => Some(Value::String(text.clone())),
        Literal::Decimal(text) => read(text.as_ref(), |text| {
            parse_decimal(text)
                .map(Value::Decimal)
                .ok_or_else(|| wrong("decimal", text, "1.5"))
        })?,
        Literal::DateTime(text) => read(text.as_ref(), |text| {
            parse_datetime(text)
                .map(Value::DateTime)
                .ok_or_else(|| wrong("datetime", text, "2024-05-25T08:20:03Z"))
        })?,
        Literal::TimeSpan(text) => read(text.as_ref(), |text| {
            parse_timespan(text)
                .map(Value::TimeSpan)
                .ok_or_else(|| wrong("timespan", text, "1.02:03:04 or 2h"))
        })?,
        Literal::Guid(text) => read(text.as_ref(), |text| {
            parse_guid(text)
                .map(Value::Guid)
                .ok_or_else(|| wrong("guid", text, "74be27de-1e4e-49d9-b579-fe0b331d3642"))
        })?,
        Literal::Dynamic(value) => return json(value).map(Value::dynamic),
        Literal::Type(_) => {
            return Err(Failure::new(
                "typeof(...) names a type and has no value: write it where a type is asked for",
            ));
        }
    };
    Ok(value.unwrap_or(Value::Null))
}

fn read(
    text: Option<&String>,
    parse: impl FnOnce(&str) -> Result<Value, Failure>,
) -> Result<Option<Value>, Failure> {
    text.map(|text| parse(text)).transpose()
}

fn wrong(kind: &str, text: &str, example: &str) -> Failure {
    Failure(format!("'{text}' is no {kind}: write it like {example}"))
}

/// What `dynamic(...)` holds; of equal keys the last counts.
pub fn json(value: &Json) -> Result<Dynamic, Failure> {
    nested(value, DEPTH_MAX)
}

fn nested(value: &Json, depth: usize) -> Result<Dynamic, Failure> {
    let Some(depth) = depth.checked_sub(1) else {
        let text = format!("dynamic(...) is nested more than {DEPTH_MAX} deep");
        return Err(Failure(text));
    };
    Ok(match value {
        Json::Null => Dynamic::Null,
        Json::Bool(value) => (*value).into(),
        Json::Long(value) => (*value).into(),
        Json::Real(value) => Value::Real(*value).to_json(),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => {
            let items = items.iter().map(|item| nested(item, depth));
            Dynamic::Array(items.collect::<Result<_, _>>()?)
        }
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, item)| Ok((key.clone(), nested(item, depth)?)));
            Dynamic::Object(entries.collect::<Result<_, Failure>>()?)
        }
        Json::Typed(inner) => match inner.as_ref() {
            Literal::Dynamic(inner) => nested(inner, depth)?,
            inner => literal(inner)?.to_json(),
        },
    })
}
