//! Order of values, and the type that two types have in common.

use std::cmp::Ordering;

use kql_syntax::ast::Type;

use crate::convert::scalar_of;
use crate::value::{Dynamic, Value};

/// How two values of one kind stand; numbers of different types count by their worth, a `dynamic` by what it holds.
/// None for nulls, NaN, arrays, bags, and kinds that do not compare. A text beside another kind is read as that kind.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    use Value::{Bool, DateTime, Decimal, Guid, Int, Long, Real, String, TimeSpan};
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Dynamic(left), _) => compare(plain(left)?.as_ref(), right),
        (_, Value::Dynamic(right)) => compare(left, plain(right)?.as_ref()),
        (Long(left), Long(right)) => Some(left.cmp(right)),
        (Real(left), Real(right)) => left.partial_cmp(right),
        (String(left), String(right)) => Some(left.cmp(right)),
        (DateTime(left), DateTime(right)) | (TimeSpan(left), TimeSpan(right)) => {
            Some(left.cmp(right))
        }
        (Bool(left), Bool(right)) => Some(left.cmp(right)),
        (Guid(left), Guid(right)) => Some(left.cmp(right)),
        (Decimal(_), Decimal(_) | Int(_) | Long(_) | Bool(_))
        | (Int(_) | Long(_) | Bool(_), Decimal(_)) => {
            Some(left.as_decimal()?.cmp(&right.as_decimal()?))
        }
        (Int(_) | Long(_) | Bool(_), Int(_) | Long(_) | Bool(_)) => {
            Some(left.as_long()?.cmp(&right.as_long()?))
        }
        (
            Int(_) | Long(_) | Real(_) | Decimal(_) | Bool(_),
            Int(_) | Long(_) | Real(_) | Decimal(_) | Bool(_),
        ) => left.as_real()?.partial_cmp(&right.as_real()?),
        (String(_), other) => compare(&reading(left, other)?, right),
        (other, String(_)) => compare(left, &reading(right, other)?),
        _ => None,
    }
}

/// A text as the type of a value beside it.
fn reading(text: &Value, other: &Value) -> Option<Value> {
    let ty = match other {
        Value::Int(_) | Value::Long(_) | Value::Real(_) => Type::Real,
        _ => other.ty()?,
    };
    let value = text.convert(ty);
    (value.ty() == Some(ty) && ty != Type::String).then_some(value)
}

fn plain(json: &Dynamic) -> Option<Box<Value>> {
    match scalar_of(json) {
        Value::Dynamic(_) | Value::Null => None,
        value => Some(Box::new(value)),
    }
}

/// An order of all values, as for `sort`: nulls, then NaN, then what compares; arrays and bags by their text, and kinds
/// that do not compare by kind.
pub fn total_order(left: &Value, right: &Value) -> Ordering {
    if let Some(order) = compare(left, right) {
        return order;
    }
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Real(value) if value.is_nan() => 1,
        _ => 2,
    };
    rank(left).cmp(&rank(right)).then_with(|| {
        if rank(left) < 2 {
            return Ordering::Equal;
        }
        let kind = |value: &Value| value.ty();
        kind(left)
            .cmp(&kind(right))
            .then_with(|| left.to_text().cmp(&right.to_text()))
    })
}

/// The type that values of two types are brought to: the wider number; `dynamic` if one is `dynamic`.
pub fn common_type(left: Type, right: Type) -> Option<Type> {
    let width = |ty: Type| match ty {
        Type::Int => Some(0),
        Type::Long => Some(1),
        Type::Real => Some(2),
        Type::Decimal => Some(3),
        _ => None,
    };
    if left == right {
        return Some(left);
    }
    if left == Type::Dynamic || right == Type::Dynamic {
        return Some(Type::Dynamic);
    }
    let (left_width, right_width): (i32, i32) = (width(left)?, width(right)?);
    Some(if left_width < right_width {
        right
    } else {
        left
    })
}
