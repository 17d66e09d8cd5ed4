//! Conversions between the types, and the printed forms of each.

mod compare;
mod datetime;
mod literal;
mod number;
mod text;
mod timespan;

use kql_syntax::ast::Type;

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub use compare::{common_type, compare, total_order};
pub use datetime::parse_datetime;
pub(crate) use datetime::{date_of_days, days_of_date};
pub use literal::{json, literal};
pub use number::{parse_decimal, parse_guid, parse_long, parse_real};
pub(crate) use text::{decimal_text, pad};
pub use text::{format_datetime_iso, format_real, format_timespan_default};
pub use timespan::parse_timespan;

/// Ticks from 0001-01-01, where Kusto counts from, to 1970-01-01.
pub(crate) const TICKS_TO_1970: i64 = 621_355_968_000_000_000;

/// First instant of `datetime`.
pub(crate) const DATETIME_MIN: i64 = -TICKS_TO_1970;

/// Last instant of `datetime`: 9999-12-31T23:59:59.9999999Z.
pub(crate) const DATETIME_MAX: i64 = 2_534_023_007_999_999_999;

/// Ticks of a second.
pub(crate) const SECOND: i64 = 10_000_000;

/// Ticks of a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// What one `decimal` is in units of the last digit.
pub(crate) const DECIMAL_ONE: i128 = 10_i128.pow(Value::DECIMAL_SCALE);

/// A datetime, null outside of Kusto's years.
pub(crate) fn datetime_within(ticks: Option<i64>) -> Value {
    match ticks {
        Some(ticks) if (DATETIME_MIN..=DATETIME_MAX).contains(&ticks) => Value::DateTime(ticks),
        _ => Value::Null,
    }
}

impl Value {
    /// It as a value of a type; null if it has none there. A text becomes the `dynamic` that its JSON says, as with
    /// `parse_json()`; what is no JSON stays text.
    #[must_use]
    pub fn convert(&self, to: Type) -> Self {
        if self.ty() == Some(to) {
            return self.clone();
        }
        if to == Type::String {
            return Self::String(self.to_text());
        }
        if to == Type::Dynamic {
            return match self {
                Self::String(text) => parse_dynamic(text),
                other => Self::dynamic(other.to_json()),
            };
        }
        if let Self::Dynamic(json) = self {
            return match scalar_of(json) {
                Self::Dynamic(_) => Self::Null,
                plain => plain.convert(to),
            };
        }
        let converted = match to {
            Type::Bool => self.as_bool().map(Self::Bool),
            Type::Int => self
                .as_long()
                .and_then(|value| i32::try_from(value).ok())
                .map(Self::Int),
            Type::Long => self.as_long().map(Self::Long),
            Type::Real => self.as_real().map(Self::Real),
            Type::Decimal => self.as_decimal().map(Self::Decimal),
            Type::DateTime => return self.as_datetime(),
            Type::TimeSpan => self.as_timespan().map(Self::TimeSpan),
            Type::Guid => match self {
                Self::String(text) => parse_guid(text).map(Self::Guid),
                _ => None,
            },
            Type::String | Type::Dynamic => None,
        };
        converted.unwrap_or(Self::Null)
    }

    /// It within a `dynamic`: what JSON has no form for becomes its text.
    pub fn to_json(&self) -> Dynamic {
        match self {
            Self::Null => Dynamic::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Long(value) => (*value).into(),
            Self::Real(value) if value.is_finite() => (*value).into(),
            Self::Dynamic(json) => json.clone(),
            _ => self.to_text().into(),
        }
    }

    /// A number, however it comes, as a `real`; none for what is no number.
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Self::Real(value) => Some(*value),
            Self::Decimal(value) => decimal_text(*value).parse().ok(),
            Self::Int(value) => Some(f64::from(*value)),
            Self::String(text) => parse_real(text),
            Self::Dynamic(json) => scalar_of(json).scalar_real(),
            _ => self.as_long().map(real_of),
        }
    }

    /// A number, however it comes, as a `long` (a fraction is cut off); none for what is none or is out of range.
    pub fn as_long(&self) -> Option<i64> {
        match self {
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Int(value) => Some(i64::from(*value)),
            Self::Long(value) | Self::TimeSpan(value) => Some(*value),
            Self::Real(value) => number::long_of_real(*value),
            Self::Decimal(value) => i64::try_from(value / DECIMAL_ONE).ok(),
            Self::String(text) => parse_long(text),
            Self::DateTime(ticks) => ticks.checked_add(TICKS_TO_1970),
            Self::Dynamic(json) => scalar_of(json).scalar_long(),
            Self::Null | Self::Guid(_) => None,
        }
    }

    /// A number, however it comes, as a `decimal`.
    pub fn as_decimal(&self) -> Option<i128> {
        match self {
            Self::Decimal(value) => Some(*value),
            Self::Real(value) if value.is_finite() => parse_decimal(&format!("{value:e}")),
            Self::Real(_) => None,
            Self::String(text) => parse_decimal(text),
            _ => i128::from(self.as_long()?).checked_mul(DECIMAL_ONE),
        }
    }

    fn scalar_real(&self) -> Option<f64> {
        if matches!(self, Self::Dynamic(_)) {
            return None;
        }
        self.as_real()
    }

    fn scalar_long(&self) -> Option<i64> {
        if matches!(self, Self::Dynamic(_)) {
            return None;
        }
        self.as_long()
    }

    fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Int(value) => Some(*value != 0),
            Self::Long(value) => Some(*value != 0),
            Self::Real(value) => (!value.is_nan()).then_some(*value != 0.0),
            Self::Decimal(value) => Some(*value != 0),
            Self::String(text) => match text.trim() {
                text if text.eq_ignore_ascii_case("true") => Some(true),
                text if text.eq_ignore_ascii_case("false") => Some(false),
                text => parse_long(text).map(|value| value != 0),
            },
            _ => None,
        }
    }

    fn as_datetime(&self) -> Self {
        match self {
            Self::String(text) => datetime_within(parse_datetime(text)),
            Self::Int(_) | Self::Long(_) => datetime_within(
                self.as_long()
                    .and_then(|ticks| ticks.checked_sub(TICKS_TO_1970)),
            ),
            _ => Self::Null,
        }
    }

    fn as_timespan(&self) -> Option<i64> {
        match self {
            Self::String(text) => parse_timespan(text),
            Self::Int(_) | Self::Long(_) => self.as_long(),
            _ => None,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a real has 53 bits, in KQL as well"
)]
pub(crate) fn real_of(value: i64) -> f64 {
    value as f64
}

/// JSON text as a `dynamic`; what is no JSON stays text, what is empty is null.
pub fn parse_dynamic(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Null;
    }
    let json = serde_json::from_str(text);
    Value::dynamic(json.unwrap_or_else(|_| Dynamic::from(text)))
}

/// What a `dynamic` holds as a value of a plain type; an array or a bag stays one.
pub(crate) fn scalar_of(json: &Dynamic) -> Value {
    match json {
        Dynamic::Null => Value::Null,
        Dynamic::Bool(value) => Value::Bool(*value),
        Dynamic::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Value::Long(value),
            (None, Some(value)) => Value::Real(value),
            (None, None) => Value::Null,
        },
        Dynamic::String(text) => Value::String(text.clone()),
        Dynamic::Array(_) | Dynamic::Object(_) => Value::Dynamic(json.clone()),
    }
}

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("tobool(value: any): bool", |_, a| to(a, Type::Bool)),
        function("toboolean(value: any): bool", |_, a| to(a, Type::Bool)),
        function("toint(value: any): int", |_, a| to(a, Type::Int)),
        function("tolong(value: any): long", |_, a| to(a, Type::Long)),
        function("toreal(value: any): real", |_, a| to(a, Type::Real)),
        function("todouble(value: any): real", |_, a| to(a, Type::Real)),
        function("tofloat(value: any): real", |_, a| to(a, Type::Real)),
        function("todecimal(value: any): decimal", |_, a| {
            to(a, Type::Decimal)
        }),
        function("tostring(value: any): string", tostring).map(seeing_nulls),
        function("todatetime(value: any): datetime", |_, a| {
            to(a, Type::DateTime)
        }),
        function("totimespan(value: any): timespan", |_, a| {
            to(a, Type::TimeSpan)
        }),
        function("totime(value: any): timespan", |_, a| to(a, Type::TimeSpan)),
        function("toguid(value: any): guid", |_, a| to(a, Type::Guid)),
        function("new_guid(): guid", new_guid).map(|function| ScalarFunction {
            is_volatile: true,
            ..function
        }),
    ];
    table.into_iter().flatten().collect()
}

/// The same function, which sees nulls.
pub(crate) fn seeing_nulls(function: ScalarFunction) -> ScalarFunction {
    ScalarFunction {
        takes_nulls: true,
        ..function
    }
}

/// The first argument, brought to a type.
pub(crate) fn to(arguments: &[Value], ty: Type) -> Outcome {
    Ok(arguments
        .first()
        .map_or(Value::Null, |value| value.convert(ty)))
}

fn tostring(_: &mut Context, arguments: &[Value]) -> Outcome {
    to(arguments, Type::String)
}

/// A random guid, with the marks of version 4.
fn new_guid(_: &mut Context, _: &[Value]) -> Outcome {
    let marks = 0x4000_u128 << 64 | 0x8000_u128 << 48;
    let mask = 0xf000_u128 << 64 | 0xc000_u128 << 48;
    Ok(Value::Guid(rand::random::<u128>() & !mask | marks))
}

#[cfg(test)]
mod tests;
