//! A kernel as a scalar function of DataFusion.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use kql_syntax::ast::Type;
use kql_values::Value;
use kql_values::function::{Context, Failure, Kernel};

use crate::arrays::{Reader, arrow_type, build};

/// A kernel with the types of one call.
pub(crate) struct KernelCall {
    pub(crate) name: String,
    pub(crate) kernel: Kernel,
    /// Types of the arguments as they come.
    pub(crate) arguments: Vec<Type>,
    /// Which arguments give null at once when they are null.
    pub(crate) strict: Vec<bool>,
    pub(crate) returns: CallReturns,
    pub(crate) is_volatile: bool,
    pub(crate) now: i64,
}

/// What a call gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CallReturns {
    One(Type),
    Several(Vec<(String, Type)>),
}

#[derive(Debug)]
struct KernelUdf {
    call: KernelCall,
    signature: Signature,
    data_type: DataType,
}

impl fmt::Debug for KernelCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}({:?}): {:?}",
            self.name, self.arguments, self.returns
        )
    }
}

// The kernel follows from the name.
impl PartialEq for KernelUdf {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.call, &other.call);
        ours.name == theirs.name
            && ours.arguments == theirs.arguments
            && ours.returns == theirs.returns
            && ours.now == theirs.now
            && self.data_type == other.data_type
    }
}

impl Eq for KernelUdf {}

impl Hash for KernelUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.call.name.hash(state);
        self.call.arguments.hash(state);
        self.call.returns.hash(state);
    }
}

impl KernelCall {
    /// The function that DataFusion calls.
    pub(crate) fn function(self, data_type: Option<DataType>) -> Arc<ScalarUDF> {
        let volatility = if self.is_volatile {
            Volatility::Volatile
        } else {
            Volatility::Immutable
        };
        let signature = if self.arguments.is_empty() {
            Signature::nullary(volatility)
        } else {
            Signature::any(self.arguments.len(), volatility)
        };
        let data_type = data_type.unwrap_or_else(|| self.returns.data_type());
        Arc::new(ScalarUDF::from(KernelUdf {
            call: self,
            signature,
            data_type,
        }))
    }
}

impl CallReturns {
    fn data_type(&self) -> DataType {
        match self {
            Self::One(ty) => arrow_type(*ty),
            Self::Several(results) => DataType::Struct(
                results
                    .iter()
                    .map(|(name, ty)| Field::new(name, arrow_type(*ty), true))
                    .collect(),
            ),
        }
    }
}

impl ScalarUDFImpl for KernelUdf {
    fn name(&self) -> &str {
        &self.call.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = !arguments.args.is_empty()
            && !self.call.is_volatile
            && arguments
                .args
                .iter()
                .all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if is_constant {
            1
        } else {
            arguments.number_rows
        };
        let values = self.call.run(&arguments.args, rows)?;
        let array = self.call.returns.collect(&values, &self.data_type)?;
        if is_constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

impl KernelCall {
    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<Vec<Value>> {
        let mut context = Context::new(self.now);
        let mut row = vec![Value::Null; arguments.len()];
        let mut columns = Vec::new();
        for (place, (argument, ty)) in arguments.iter().zip(&self.arguments).enumerate() {
            match argument {
                ColumnarValue::Array(array) => columns.push((place, Reader::new(array, *ty)?)),
                ColumnarValue::Scalar(scalar) => {
                    let value = Reader::new(&scalar.to_array()?, *ty)?.value(0);
                    if let Some(slot) = row.get_mut(place) {
                        *slot = value;
                    }
                }
            }
        }
        let mut values = Vec::with_capacity(rows);
        for index in 0..rows {
            for (place, column) in &columns {
                if let Some(slot) = row.get_mut(*place) {
                    *slot = column.value(index);
                }
            }
            let is_null = row
                .iter()
                .zip(&self.strict)
                .any(|(value, strict)| *strict && value.is_null());
            values.push(if is_null {
                Value::Null
            } else {
                (self.kernel)(&mut context, &row)
                    .map_err(|failure| engine_error(&self.name, &failure))?
            });
        }
        Ok(values)
    }
}

fn engine_error(name: &str, failure: &Failure) -> DataFusionError {
    exec_datafusion_err!("{name}: {failure}")
}

impl CallReturns {
    fn collect(&self, values: &[Value], data_type: &DataType) -> Result<ArrayRef> {
        let Self::Several(results) = self else {
            return build(values, data_type);
        };
        let DataType::Struct(fields) = data_type else {
            return exec_err!("several results are no {data_type}");
        };
        let columns = results
            .iter()
            .enumerate()
            .map(|(place, (_, ty))| {
                let part: Vec<_> = values
                    .iter()
                    .map(|value| result(value, place, *ty))
                    .collect();
                build(&part, &arrow_type(*ty))
            })
            .collect::<Result<Vec<_>>>()?;
        let fields: &Fields = fields;
        Ok(Arc::new(StructArray::try_new(
            fields.clone(),
            columns,
            None,
        )?))
    }
}

/// One of several results that a kernel gave as an array.
pub(crate) fn result(value: &Value, place: usize, ty: Type) -> Value {
    match value {
        Value::Dynamic(json) => json
            .get(place)
            .map_or(Value::Null, |part| Value::dynamic(part.clone()).convert(ty)),
        _ => Value::Null,
    }
}
