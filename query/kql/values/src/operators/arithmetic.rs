//! Arithmetic of numbers and times.
//!
//! Whole numbers wrap around as in Kusto; their division by zero is null. The remainder is never negative.

use kql_syntax::ast::{BinaryOperator, Type};

use crate::convert::{
    DECIMAL_ONE, TICKS_TO_1970, common_type, datetime_within, parse_datetime, parse_timespan,
    real_of, scalar_of,
};
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

use BinaryOperator as B;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("+(left: any, right: any): any", |_, a| run(B::Add, a)),
        function("-(left: any, right: any): any", |_, a| run(B::Subtract, a)),
        function("*(left: any, right: any): any", |_, a| run(B::Multiply, a)),
        function("/(left: any, right: any): any", |_, a| run(B::Divide, a)),
        function("%(left: any, right: any): any", |_, a| run(B::Modulo, a)),
        function("negate(value: any): any", negate),
    ];
    table.into_iter().flatten().collect()
}

/// The type of an arithmetic operation; none if there is none between these types. Two `int` make a `long`. Beside
/// another type a `dynamic` counts as a value of that type.
pub fn binary_type(operator: BinaryOperator, left: Type, right: Type) -> Option<Type> {
    use Type::{DateTime, Dynamic, Int, Long, TimeSpan};
    if is_number(left) && is_number(right) {
        let ty = common_type(left, right)?;
        return is_arithmetic(operator).then_some(if ty == Int { Long } else { ty });
    }
    Some(match (operator, left, right) {
        (B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo, Dynamic, Dynamic) => Dynamic,
        (B::Add | B::Subtract, TimeSpan, TimeSpan) => TimeSpan,
        (B::Add, DateTime, DateTime | TimeSpan) | (B::Add, TimeSpan, DateTime) => DateTime,
        (B::Multiply | B::Divide, DateTime, other) | (B::Multiply, other, DateTime)
            if is_number(other) =>
        {
            DateTime
        }
        (B::Subtract, DateTime, TimeSpan) => DateTime,
        (B::Subtract, DateTime, DateTime) => TimeSpan,
        (B::Subtract, DateTime, Dynamic) | (B::Subtract, Dynamic, DateTime) => TimeSpan,
        (B::Add, DateTime, Dynamic) | (B::Add, Dynamic, DateTime) => DateTime,
        (B::Add | B::Subtract, TimeSpan, Dynamic) | (B::Add | B::Subtract, Dynamic, TimeSpan) => {
            TimeSpan
        }
        (B::Multiply, TimeSpan, other) | (B::Multiply, other, TimeSpan)
            if is_number(other) || other == Dynamic =>
        {
            TimeSpan
        }
        (B::Divide, TimeSpan | DateTime, TimeSpan) | (B::Divide, DateTime, DateTime) => Type::Real,
        (B::Divide, Dynamic, TimeSpan) => Type::Real,
        (B::Divide, TimeSpan, other) if is_number(other) || other == Dynamic => TimeSpan,
        (B::Modulo, TimeSpan | DateTime, TimeSpan) | (B::Modulo, DateTime, DateTime) => TimeSpan,
        (B::Modulo, Dynamic, TimeSpan) | (B::Modulo, TimeSpan, Dynamic) => TimeSpan,
        (operator, Dynamic, other) | (operator, other, Dynamic)
            if is_arithmetic(operator) && is_number(other) =>
        {
            if other == Int {
                Long
            } else {
                other
            }
        }
        _ => return None,
    })
}

/// The type of a value with the other sign.
pub fn negated_type(ty: Type) -> Option<Type> {
    Some(match ty {
        Type::Int => Type::Long,
        Type::Long | Type::Real | Type::Decimal | Type::TimeSpan | Type::Dynamic => ty,
        _ => return None,
    })
}

/// The type of a call of a function whose signature says that it gives `any`; none if it takes no such arguments.
pub fn result_type(name: &str, arguments: &[Type]) -> Option<Type> {
    let operator = match name {
        "+" => B::Add,
        "-" => B::Subtract,
        "*" => B::Multiply,
        "/" => B::Divide,
        "%" => B::Modulo,
        _ => return unary_type(name, arguments),
    };
    match arguments {
        [left, right] => binary_type(operator, *left, *right),
        _ => None,
    }
}

fn unary_type(name: &str, arguments: &[Type]) -> Option<Type> {
    use Type::{DateTime, Dynamic, Int, Long, TimeSpan};
    match (name, arguments) {
        ("negate" | "abs", [ty]) => negated_type(*ty),
        ("bin" | "floor" | "bin_at", [Dynamic, ..]) => Some(Dynamic),
        ("bin" | "floor", [DateTime, TimeSpan]) => Some(DateTime),
        ("bin" | "floor", [TimeSpan, TimeSpan]) => Some(TimeSpan),
        ("bin_at", [DateTime, TimeSpan, DateTime]) => Some(DateTime),
        ("bin_at", [TimeSpan, TimeSpan, TimeSpan]) => Some(TimeSpan),
        ("bin" | "floor" | "bin_at", numbers) => {
            let wide = |wide: Type, ty: &Type| {
                let ty = if *ty == Int { Long } else { *ty };
                common_type(wide, ty).filter(|_| is_number(ty))
            };
            numbers.iter().try_fold(Long, wide)
        }
        ("case", arguments) => {
            let (pairs, otherwise) = arguments.as_chunks::<2>();
            let [otherwise] = otherwise else { return None };
            let thens = pairs.iter().map(|[_, then]| *then);
            thens.into_iter().try_fold(*otherwise, common_type)
        }
        _ => None,
    }
}

fn is_arithmetic(operator: BinaryOperator) -> bool {
    matches!(
        operator,
        B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo
    )
}

fn is_number(ty: Type) -> bool {
    matches!(ty, Type::Int | Type::Long | Type::Real | Type::Decimal)
}

fn run(operator: BinaryOperator, arguments: &[Value]) -> Outcome {
    let [left, right] = arguments else {
        return Ok(Value::Null);
    };
    Ok(compute(operator, left, right).unwrap_or(Value::Null))
}

pub(super) fn compute(operator: BinaryOperator, left: &Value, right: &Value) -> Option<Value> {
    let result_type = binary_type(operator, left.ty()?, right.ty()?)?;
    let (left, right) = match (left, right) {
        (Value::Dynamic(left), Value::Dynamic(right)) => (content(left)?, content(right)?),
        (Value::Dynamic(_), right) => (beside(operator, left, right, true)?, right.clone()),
        (left, Value::Dynamic(_)) => (left.clone(), beside(operator, right, left, false)?),
        (left, right) => (left.clone(), right.clone()),
    };
    let value = plain(operator, &left, &right)?;
    if result_type == Type::Dynamic {
        return Some(value.convert(Type::Dynamic));
    }
    Some(value)
}

/// What a `dynamic` holds, also a time that is written as text.
fn content(json: &Dynamic) -> Option<Value> {
    match scalar_of(json) {
        Value::String(text) => parse_datetime(&text).map(Value::DateTime).or_else(|| {
            let is_clock = text.contains(':');
            is_clock.then(|| parse_timespan(&text).map(Value::TimeSpan))?
        }),
        Value::Dynamic(_) | Value::Null => None,
        Value::Bool(value) => Some(Value::Long(i64::from(value))),
        value => Some(value),
    }
}

/// A `dynamic` as the type that the operand beside it asks for.
fn beside(operator: BinaryOperator, json: &Value, other: &Value, is_left: bool) -> Option<Value> {
    let ty = match (operator, other.ty()?) {
        (B::Add, Type::DateTime) => Type::TimeSpan,
        (B::Multiply, Type::TimeSpan) => Type::Real,
        (B::Divide, Type::TimeSpan) if !is_left => Type::Real,
        (_, ty) => ty,
    };
    let value = json.convert(ty);
    (!value.is_null()).then_some(value)
}

fn plain(operator: BinaryOperator, left: &Value, right: &Value) -> Option<Value> {
    use Value::{DateTime, Decimal, Int, Long, Real, TimeSpan};
    match (left, right) {
        (Long(left), Long(right)) => long(operator, *left, *right),
        (Int(_) | Long(_), Int(_) | Long(_)) => long(operator, left.as_long()?, right.as_long()?),
        (Decimal(_), Int(_) | Long(_) | Real(_) | Decimal(_))
        | (Int(_) | Long(_) | Real(_), Decimal(_)) => {
            decimal(operator, left.as_decimal()?, right.as_decimal()?)
        }
        (Int(_) | Long(_) | Real(_), Int(_) | Long(_) | Real(_)) => {
            real(operator, left.as_real()?, right.as_real()?)
        }
        (TimeSpan(left), TimeSpan(right)) => spans(operator, *left, *right),
        (DateTime(left), TimeSpan(right)) => datetime_and_span(operator, *left, *right),
        (TimeSpan(left), DateTime(right)) if operator == B::Add => {
            non_null(datetime_within(left.checked_add(*right)))
        }
        (DateTime(left), DateTime(right)) => datetimes(operator, *left, *right),
        // What counts of an instant is the time since year 1: half the sum of two is the one between them.
        (DateTime(ticks), number) if operator != B::Add => {
            scaled_datetime(operator, *ticks, number)
        }
        (number, DateTime(ticks)) if operator == B::Multiply => {
            scaled_datetime(operator, *ticks, number)
        }
        (TimeSpan(ticks), number) => scaled(operator, *ticks, number),
        (number, TimeSpan(ticks)) if operator == B::Multiply => scaled(operator, *ticks, number),
        _ => None,
    }
}

fn non_null(value: Value) -> Option<Value> {
    (!value.is_null()).then_some(value)
}

fn long(operator: BinaryOperator, left: i64, right: i64) -> Option<Value> {
    Some(Value::Long(match operator {
        B::Add => left.wrapping_add(right),
        B::Subtract => left.wrapping_sub(right),
        B::Multiply => left.wrapping_mul(right),
        B::Divide if right != 0 => left.wrapping_div(right),
        B::Modulo if right != 0 => left.wrapping_rem_euclid(right),
        _ => return None,
    }))
}

fn real(operator: BinaryOperator, left: f64, right: f64) -> Option<Value> {
    Some(Value::Real(match operator {
        B::Add => left + right,
        B::Subtract => left - right,
        B::Multiply => left * right,
        B::Divide => left / right,
        B::Modulo => left.rem_euclid(right),
        _ => return None,
    }))
}

/// Largest size of a `decimal`, which has 38 digits.
const DECIMAL_LIMIT: i128 = 10_i128.pow(38);

fn decimal(operator: BinaryOperator, left: i128, right: i128) -> Option<Value> {
    let value = match operator {
        B::Add => left.checked_add(right)?,
        B::Subtract => left.checked_sub(right)?,
        B::Multiply => multiply(left, right)?,
        B::Divide => divide(left, right)?,
        B::Modulo => left.checked_rem_euclid(right)?,
        _ => return None,
    };
    (value.checked_abs()? < DECIMAL_LIMIT).then_some(Value::Decimal(value))
}

fn multiply(left: i128, right: i128) -> Option<i128> {
    let (left_whole, left_rest) = (left / DECIMAL_ONE, left % DECIMAL_ONE);
    let (right_whole, right_rest) = (right / DECIMAL_ONE, right % DECIMAL_ONE);
    left_whole
        .checked_mul(right_whole)?
        .checked_mul(DECIMAL_ONE)?
        .checked_add(left_whole.checked_mul(right_rest)?)?
        .checked_add(left_rest.checked_mul(right_whole)?)?
        .checked_add(left_rest * right_rest / DECIMAL_ONE)
}

fn divide(left: i128, right: i128) -> Option<i128> {
    let mut value = left.checked_div(right)?;
    let mut rest = left.checked_rem(right)?;
    for _ in 0..Value::DECIMAL_SCALE {
        rest = rest.checked_mul(10)?;
        value = value.checked_mul(10)?.checked_add(rest / right)?;
        rest %= right;
    }
    Some(value)
}

fn spans(operator: BinaryOperator, left: i64, right: i64) -> Option<Value> {
    Some(match operator {
        B::Add => Value::TimeSpan(left.checked_add(right)?),
        B::Subtract => Value::TimeSpan(left.checked_sub(right)?),
        B::Divide => Value::Real(real_of(left) / real_of(right)),
        B::Modulo => Value::TimeSpan(left.checked_rem_euclid(right)?),
        _ => return None,
    })
}

fn datetime_and_span(operator: BinaryOperator, left: i64, right: i64) -> Option<Value> {
    let since_year_1 = left.checked_add(TICKS_TO_1970)?;
    match operator {
        B::Add => non_null(datetime_within(left.checked_add(right))),
        B::Subtract => non_null(datetime_within(left.checked_sub(right))),
        B::Divide => Some(Value::Real(real_of(since_year_1) / real_of(right))),
        B::Modulo => since_year_1.checked_rem_euclid(right).map(Value::TimeSpan),
        _ => None,
    }
}

fn datetimes(operator: BinaryOperator, left: i64, right: i64) -> Option<Value> {
    match operator {
        B::Subtract => left.checked_sub(right).map(Value::TimeSpan),
        B::Add => {
            let sum = left.checked_add(right)?.checked_add(TICKS_TO_1970);
            non_null(datetime_within(sum))
        }
        _ => datetime_and_span(operator, left, right.checked_add(TICKS_TO_1970)?)
            .filter(|_| matches!(operator, B::Divide | B::Modulo)),
    }
}

fn scaled_datetime(operator: BinaryOperator, ticks: i64, number: &Value) -> Option<Value> {
    match scaled(operator, ticks.checked_add(TICKS_TO_1970)?, number)? {
        Value::TimeSpan(ticks) => non_null(datetime_within(ticks.checked_sub(TICKS_TO_1970))),
        _ => None,
    }
}

/// A timespan times or by a number.
fn scaled(operator: BinaryOperator, ticks: i64, number: &Value) -> Option<Value> {
    let ticks = match (operator, number) {
        (B::Multiply, Value::Int(_) | Value::Long(_)) => ticks.checked_mul(number.as_long()?)?,
        (B::Divide, Value::Int(_) | Value::Long(_)) => ticks.checked_div(number.as_long()?)?,
        (B::Multiply, Value::Real(_) | Value::Decimal(_)) => {
            whole(real_of(ticks) * number.as_real()?)?
        }
        (B::Divide, Value::Real(_) | Value::Decimal(_)) => {
            whole(real_of(ticks) / number.as_real()?)?
        }
        _ => return None,
    };
    Some(Value::TimeSpan(ticks))
}

fn whole(ticks: f64) -> Option<i64> {
    Value::Real(ticks.round()).as_long()
}

fn negate(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments {
        [Value::Int(value)] => Value::Long(-i64::from(*value)),
        [Value::Long(value)] => Value::Long(value.wrapping_neg()),
        [Value::Real(value)] => Value::Real(-value),
        [Value::Decimal(value)] => Value::Decimal(-value),
        [Value::TimeSpan(ticks)] => ticks.checked_neg().map_or(Value::Null, Value::TimeSpan),
        [Value::Dynamic(json)] => match content(json) {
            Some(Value::Long(value)) => Value::Dynamic(value.wrapping_neg().into()),
            Some(Value::Real(value)) => Value::Dynamic((-value).into()),
            _ => Value::Null,
        },
        _ => Value::Null,
    })
}
