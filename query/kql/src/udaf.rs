//! An accumulator as an aggregate function of DataFusion.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator as EngineAccumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use kql_syntax::ast::Type;
use kql_values::Value;
use kql_values::aggregate::{Accumulator, Start};
use kql_values::function::{Context, Failure};

use crate::arrays::{Reader, arrow_type, build};

/// An accumulator with the types of one call.
pub(crate) struct AccumulatorCall {
    pub(crate) name: String,
    pub(crate) start: Start,
    pub(crate) constants: Vec<Value>,
    pub(crate) arguments: Vec<Type>,
    pub(crate) returns: Type,
    pub(crate) now: i64,
}

#[derive(Debug)]
struct AccumulatorUdaf {
    call: Arc<AccumulatorCall>,
    signature: Signature,
}

impl fmt::Debug for AccumulatorCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}({:?}): {:?}",
            self.name, self.arguments, self.returns
        )
    }
}

impl AccumulatorCall {
    /// The aggregate as an expression.
    pub(crate) fn expr(self, arguments: Vec<Expr>) -> Expr {
        let signature = if arguments.is_empty() {
            Signature::nullary(Volatility::Immutable)
        } else {
            Signature::any(arguments.len(), Volatility::Immutable)
        };
        let function = AggregateUDF::from(AccumulatorUdaf {
            call: Arc::new(self),
            signature,
        });
        let call = AggregateFunction::new_udf(
            Arc::new(function),
            arguments,
            false,
            None,
            Vec::new(),
            None,
        );
        Expr::AggregateFunction(call)
    }
}

// What it does follows from the name, the types and the constants.
impl PartialEq for AccumulatorUdaf {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.call, &other.call);
        ours.name == theirs.name
            && ours.arguments == theirs.arguments
            && ours.constants == theirs.constants
            && ours.now == theirs.now
    }
}

impl Eq for AccumulatorUdaf {}

impl Hash for AccumulatorUdaf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.call.name.hash(state);
        self.call.arguments.hash(state);
    }
}

impl AggregateUDFImpl for AccumulatorUdaf {
    fn name(&self) -> &str {
        &self.call.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(arrow_type(self.call.returns))
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn EngineAccumulator>> {
        let inner =
            (self.call.start)(&self.call.constants).map_err(|failure| self.call.error(&failure))?;
        Ok(Box::new(Gatherer {
            call: Arc::clone(&self.call),
            context: Context::new(self.call.now),
            inner,
        }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format!("{}[state]", arguments.name);
        Ok(vec![Arc::new(Field::new(name, DataType::Utf8, true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

impl AccumulatorCall {
    fn error(&self, failure: &Failure) -> DataFusionError {
        exec_datafusion_err!("{}: {failure}", self.name)
    }
}

#[derive(Debug)]
struct Gatherer {
    call: Arc<AccumulatorCall>,
    context: Context,
    inner: Box<dyn Accumulator>,
}

impl EngineAccumulator for Gatherer {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let readers = arrays
            .iter()
            .zip(&self.call.arguments)
            .map(|(array, ty)| Reader::new(array, *ty))
            .collect::<Result<Vec<_>>>()?;
        let rows = arrays
            .first()
            .map_or(0, datafusion::arrow::array::Array::len);
        for row in 0..rows {
            let values: Vec<_> = readers.iter().map(|reader| reader.value(row)).collect();
            let updated = self.inner.update(&mut self.context, &values);
            updated.map_err(|failure| self.call.error(&failure))?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.inner.finish();
        let array = build(std::slice::from_ref(&value), &arrow_type(self.call.returns))?;
        ScalarValue::try_from_array(&array, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.inner.bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::from(self.inner.state().to_string())])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else {
            return Ok(());
        };
        let states = states.as_string::<i32>();
        for row in 0..states.len() {
            if states.is_null(row) {
                continue;
            }
            let state = serde_json::from_str(states.value(row)).map_err(|error| {
                exec_datafusion_err!("{}: state of a group: {error}", self.call.name)
            })?;
            let merged = self.inner.merge(state);
            merged.map_err(|failure| self.call.error(&failure))?;
        }
        Ok(())
    }
}
