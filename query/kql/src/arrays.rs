//! Between Arrow's arrays and single values.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanBuilder, Decimal128Builder,
    DurationNanosecondBuilder, Float64Builder, Int32Builder, Int64Builder, StringArray,
    StringBuilder, TimestampMicrosecondBuilder, TimestampNanosecondBuilder,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, DurationNanosecondType, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::scalar::ScalarValue;
use kql_syntax::ast::Type;
use kql_values::Value;
use kql_values::convert::{parse_dynamic, parse_guid};

const DECIMAL: DataType = DataType::Decimal128(38, 18);

/// Timestamps of tables.
pub(crate) fn microseconds() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Timestamps that may have a seventh digit.
pub(crate) fn nanoseconds() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

/// The Arrow type of what is computed.
pub(crate) fn arrow_type(ty: Type) -> DataType {
    match ty {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int32,
        Type::Long => DataType::Int64,
        Type::Real => DataType::Float64,
        Type::Decimal => DECIMAL,
        Type::String | Type::Guid | Type::Dynamic => DataType::Utf8,
        Type::DateTime => nanoseconds(),
        Type::TimeSpan => DataType::Duration(TimeUnit::Nanosecond),
    }
}

/// A column of which single values are read.
#[derive(Debug)]
pub(crate) struct Reader {
    array: ArrayRef,
    ty: Type,
}

impl Reader {
    /// Reads an array as values of a type.
    pub(crate) fn new(array: &ArrayRef, ty: Type) -> Result<Self> {
        let wanted = match ty {
            Type::DateTime
                if matches!(
                    array.data_type(),
                    DataType::Timestamp(TimeUnit::Microsecond, _)
                ) =>
            {
                microseconds()
            }
            ty => arrow_type(ty),
        };
        let array = if *array.data_type() == wanted {
            Arc::clone(array)
        } else {
            cast(array, &wanted)?
        };
        Ok(Self { array, ty })
    }

    /// The value of a row. What is no JSON in a `dynamic` is text, as `parse_json` has it.
    pub(crate) fn value(&self, row: usize) -> Value {
        let array = self.array.as_ref();
        if array.is_null(row) {
            return if self.ty == Type::String {
                Value::String(String::new())
            } else {
                Value::Null
            };
        }
        match self.ty {
            Type::Bool => Value::Bool(array.as_boolean().value(row)),
            Type::Int => Value::Int(array.as_primitive::<Int32Type>().value(row)),
            Type::Long => Value::Long(array.as_primitive::<Int64Type>().value(row)),
            Type::Real => Value::Real(array.as_primitive::<Float64Type>().value(row)),
            Type::Decimal => Value::Decimal(array.as_primitive::<Decimal128Type>().value(row)),
            Type::String => Value::String(array.as_string::<i32>().value(row).to_owned()),
            Type::Guid => {
                parse_guid(array.as_string::<i32>().value(row)).map_or(Value::Null, Value::Guid)
            }
            Type::Dynamic => parse_dynamic(array.as_string::<i32>().value(row)),
            Type::DateTime => Value::DateTime(match array.data_type() {
                DataType::Timestamp(TimeUnit::Microsecond, _) => {
                    let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                    micros.saturating_mul(10)
                }
                _ => array
                    .as_primitive::<TimestampNanosecondType>()
                    .value(row)
                    .div_euclid(100),
            }),
            Type::TimeSpan => {
                Value::TimeSpan(array.as_primitive::<DurationNanosecondType>().value(row) / 100)
            }
        }
    }
}

/// The text that holds a value of a type that is kept as text.
fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Dynamic(json) => json.to_string(),
        other => other.to_text(),
    })
}

macro_rules! collect {
    ($builder:ty, $values:expr, $pattern:pat => $value:expr) => {{
        let mut builder = <$builder>::new();
        for value in $values {
            match value {
                $pattern => builder.append_option($value),
                _ => builder.append_null(),
            }
        }
        builder
    }};
}

/// An array of values; each is of the type or null, anything else becomes null.
pub(crate) fn build(values: &[Value], data_type: &DataType) -> Result<ArrayRef> {
    Ok(match data_type {
        DataType::Boolean => Arc::new(collect!(BooleanBuilder, values, Value::Bool(x) => Some(*x)).finish()),
        DataType::Int32 => Arc::new(collect!(Int32Builder, values, Value::Int(x) => Some(*x)).finish()),
        DataType::Int64 => Arc::new(collect!(Int64Builder, values, Value::Long(x) => Some(*x)).finish()),
        DataType::Float64 => Arc::new(collect!(Float64Builder, values, Value::Real(x) => Some(*x)).finish()),
        DataType::Decimal128(precision, scale) => Arc::new(
            collect!(Decimal128Builder, values, Value::Decimal(x) => Some(*x))
                .with_precision_and_scale(*precision, *scale)?
                .finish(),
        ),
        DataType::Utf8 => {
            let mut builder = StringBuilder::new();
            for value in values {
                builder.append_option(text(value));
            }
            Arc::new(builder.finish()) as ArrayRef
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => Arc::new(
            collect!(TimestampMicrosecondBuilder, values, Value::DateTime(x) => Some(x.div_euclid(10)))
                .with_timezone_opt(zone.clone())
                .finish(),
        ),
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => Arc::new(
            collect!(TimestampNanosecondBuilder, values, Value::DateTime(x) => x.checked_mul(100))
                .with_timezone_opt(zone.clone())
                .finish(),
        ),
        DataType::Duration(TimeUnit::Nanosecond) => {
            Arc::new(collect!(DurationNanosecondBuilder, values, Value::TimeSpan(x) => x.checked_mul(100)).finish())
        }
        other => return Err(exec_datafusion_err!("no values of type {other}")),
    })
}

/// One value as a literal. A datetime without a seventh digit is in microseconds, the unit of tables: it reaches years
/// 1 to 9999, and its comparison with a column needs no cast.
pub(crate) fn scalar(value: &Value, ty: Type) -> Result<ScalarValue> {
    let data_type = match value {
        Value::DateTime(ticks) if ticks % 10 == 0 => microseconds(),
        Value::Null if ty == Type::DateTime => microseconds(),
        _ => arrow_type(ty),
    };
    let array = build(std::slice::from_ref(value), &data_type)?;
    ScalarValue::try_from_array(&array, 0)
}

/// Text of every row, null as empty.
pub(crate) fn strings(array: &ArrayRef) -> Result<StringArray> {
    let array = cast(array, &DataType::Utf8)?;
    Ok(array.as_string::<i32>().clone())
}
