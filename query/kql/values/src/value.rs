//! A single value of one of Kusto's ten scalar types.

use kql_syntax::ast::Type;

/// What a `dynamic` holds. Datetimes, timespans, guids and decimals within are text, as in Kusto's JSON.
pub type Dynamic = serde_json::Value;

/// A value. A `string` is never null: what is missing is the empty string.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Null of any type but `string`.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i32),
    /// `long`.
    Long(i64),
    /// `real`.
    Real(f64),
    /// `decimal`, in units of 10^-18 ([`Value::DECIMAL_SCALE`]).
    Decimal(i128),
    /// `string`.
    String(String),
    /// `datetime`: ticks of 100 ns since 1970-01-01T00:00:00Z; Kusto's range is years 1 to 9999.
    DateTime(i64),
    /// `timespan`: ticks of 100 ns.
    TimeSpan(i64),
    /// `guid`.
    Guid(u128),
    /// `dynamic`; the JSON `null` is [`Value::Null`] at the top.
    Dynamic(Dynamic),
}

impl Value {
    /// Digits after the point that a `decimal` keeps.
    pub const DECIMAL_SCALE: u32 = 18;

    /// Its type; none for null.
    pub fn ty(&self) -> Option<Type> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Long(_) => Type::Long,
            Self::Real(_) => Type::Real,
            Self::Decimal(_) => Type::Decimal,
            Self::String(_) => Type::String,
            Self::DateTime(_) => Type::DateTime,
            Self::TimeSpan(_) => Type::TimeSpan,
            Self::Guid(_) => Type::Guid,
            Self::Dynamic(_) => Type::Dynamic,
        })
    }

    /// Whether it is null. An empty string is not.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A `dynamic`; JSON's `null` becomes null.
    pub fn dynamic(json: Dynamic) -> Self {
        if json.is_null() {
            Self::Null
        } else {
            Self::Dynamic(json)
        }
    }

    /// A list as a `dynamic`.
    pub fn list(items: impl IntoIterator<Item = Dynamic>) -> Self {
        Self::Dynamic(Dynamic::Array(items.into_iter().collect()))
    }
}
