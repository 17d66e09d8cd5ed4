//! Values as text.

use super::Printer;
use crate::{
    ast::{Json, Literal},
    lexer::tokens,
    token::TokenKind,
};

impl Printer {
    /// A text in quotes.
    pub(super) fn string(&mut self, text: &str) {
        self.put("\"");
        for character in text.chars() {
            match character {
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                '\r' => self.put("\\r"),
                '\t' => self.put("\\t"),
                control if control.is_control() => {
                    let code = u32::from(control);
                    self.put("\\u");
                    for shift in [12, 8, 4, 0] {
                        let digit = char::from_digit((code >> shift) & 0xf, 16);
                        self.text.extend(digit);
                    }
                }
                other => self.text.push(other),
            }
        }
        self.put("\"");
    }

    pub(super) fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Bool(Some(true)) => self.put("true"),
            Literal::Bool(Some(false)) => self.put("false"),
            Literal::Long(Some(value)) if *value >= 0 => self.put(&value.to_string()),
            Literal::Real(Some(value)) if value.is_finite() && value.is_sign_positive() => {
                self.put(&format!("{value:?}"));
            }
            Literal::String(text) => self.string(text),
            Literal::TimeSpan(Some(text)) if is_timespan(text) => self.put(text),
            Literal::Dynamic(json) => self.within("dynamic(", ")", |printer| printer.json(json)),
            Literal::Type(columns) => {
                self.put("typeof");
                self.columns(columns);
            }
            other => self.typed(other),
        }
    }

    /// `type(value)`.
    fn typed(&mut self, literal: &Literal) {
        let (name, text) = match literal {
            Literal::Bool(value) => ("bool", value.map(|value| value.to_string())),
            Literal::Int(value) => ("int", value.map(|value| value.to_string())),
            Literal::Long(value) => ("long", value.map(|value| value.to_string())),
            Literal::Real(value) => ("real", value.map(real)),
            Literal::Decimal(text) => ("decimal", text.clone()),
            Literal::DateTime(text) => ("datetime", text.clone()),
            Literal::TimeSpan(text) => ("timespan", text.clone()),
            Literal::Guid(text) => ("guid", text.clone()),
            Literal::String(_) | Literal::Dynamic(_) | Literal::Type(_) => {
                return self.literal(literal);
            }
        };
        self.put(name);
        self.put("(");
        self.put(text.as_deref().unwrap_or("null"));
        self.put(")");
    }

    fn json(&mut self, json: &Json) {
        match json {
            Json::Null => self.put("null"),
            Json::Bool(true) => self.put("true"),
            Json::Bool(false) => self.put("false"),
            Json::Long(value) => self.put(&value.to_string()),
            // No number is as large as this: it is read as infinite again.
            Json::Real(value) if value.is_infinite() => {
                self.put(if *value > 0.0 { "1e999" } else { "-1e999" });
            }
            Json::Real(value) => self.put(&format!("{value:?}")),
            Json::String(text) => self.string(text),
            Json::Array(items) => self.within("[", "]", |printer| printer.list(items, Self::json)),
            Json::Object(pairs) => self.within("{", "}", |printer| {
                printer.list(pairs, |printer, (key, value)| {
                    printer.string(key);
                    printer.put(": ");
                    printer.json(value);
                });
            }),
            Json::Typed(literal) => match &**literal {
                Literal::TimeSpan(_) => self.literal(literal),
                other => self.typed(other),
            },
        }
    }
}

fn real(value: f64) -> String {
    if value.is_nan() {
        "nan".to_owned()
    } else if value.is_infinite() {
        let sign = if value > 0.0 { "+inf" } else { "-inf" };
        sign.to_owned()
    } else {
        format!("{value:?}")
    }
}

/// Whether the text is a timespan without `timespan(...)`.
fn is_timespan(text: &str) -> bool {
    match tokens(text).as_slice() {
        [only] => only.kind == TokenKind::TimeSpan && only.span.end as usize == text.len(),
        _ => false,
    }
}
