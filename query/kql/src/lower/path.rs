//! Paths into JSON text.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction as Call;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use kql_syntax::ast::Type;
use kql_values::dynamic::{Step, path_compact, path_text};

use crate::arrays::{Reader, strings};

/// In what form that which is found is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// JSON; null if there is nothing.
    Json,
    /// As `tostring` has it; empty if there is nothing.
    Text,
}

/// Steps into JSON text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PathUdf {
    steps: Vec<Type>,
    form: Form,
    signature: Signature,
}

/// A call that steps into the JSON text of the first argument by the others.
pub(super) fn path(steps: Vec<Type>, form: Form, arguments: Vec<Expr>) -> Expr {
    let function = ScalarUDF::from(PathUdf {
        steps,
        form,
        signature: Signature::any(arguments.len(), Volatility::Immutable),
    });
    Expr::ScalarFunction(Call::new_udf(Arc::new(function), arguments))
}

/// The steps of each row.
enum Steps {
    /// They are literals, the same in all rows; none if one of them is null.
    Fixed(Option<Vec<Step>>),
    Columns(Vec<Reader>),
}

impl Steps {
    fn new(arguments: &[ColumnarValue], types: &[Type], rows: usize) -> Result<Self> {
        let is_scalar = |argument: &ColumnarValue| matches!(argument, ColumnarValue::Scalar(_));
        let is_fixed = arguments.iter().all(is_scalar);
        let mut readers = Vec::with_capacity(arguments.len());
        for (argument, ty) in arguments.iter().zip(types) {
            let array = argument.to_array(if is_fixed { 1 } else { rows })?;
            readers.push(Reader::new(&array, *ty)?);
        }
        Ok(if is_fixed {
            Self::Fixed(of_row(&readers, 0))
        } else {
            Self::Columns(readers)
        })
    }

    fn of(&self, row: usize) -> Option<Cow<'_, [Step]>> {
        match self {
            Self::Fixed(steps) => steps.as_deref().map(Cow::Borrowed),
            Self::Columns(readers) => of_row(readers, row).map(Cow::Owned),
        }
    }
}

fn of_row(readers: &[Reader], row: usize) -> Option<Vec<Step>> {
    let keys = readers.iter().map(|reader| reader.value(row));
    keys.map(|key| Step::of(&key)).collect()
}

impl ScalarUDFImpl for PathUdf {
    fn name(&self) -> &'static str {
        match self.form {
            Form::Json => "path",
            Form::Text => "path_text",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let mut found = StringBuilder::new();
        if let Some((base, steps)) = arguments.args.split_first() {
            let base = strings(&base.to_array(rows)?)?;
            let steps = Steps::new(steps, &self.steps, rows)?;
            for row in 0..rows {
                let text = (!base.is_null(row)).then(|| base.value(row));
                let way = text.and_then(|text| Some((text, steps.of(row)?)));
                match self.form {
                    Form::Json => {
                        found.append_option(
                            way.and_then(|(text, steps)| path_compact(text, &steps)),
                        );
                    }
                    Form::Text => {
                        let text = way.and_then(|(text, steps)| path_text(text, &steps));
                        found.append_value(text.unwrap_or_default());
                    }
                }
            }
        }
        Ok(ColumnarValue::Array(Arc::new(found.finish())))
    }
}
