//! Bound expressions over single values: for operators that step through rows.

use kql_values::Value;
use kql_values::dynamic::{Step, walk};
use kql_values::function::{Context, Failure};

use crate::bound::{Bound, Kind};
use crate::language::Language;
use crate::lower::strict;
use crate::udf::result;

/// The value of an expression; `column` gives the values of columns.
#[recursive::recursive]
pub(crate) fn value_of(
    bound: &Bound,
    language: &Language,
    context: &mut Context,
    column: &dyn Fn(&str) -> Value,
) -> Result<Value, Failure> {
    match &bound.kind {
        Kind::Literal(value) => Ok(value.clone()),
        Kind::Column(name) => Ok(column(name)),
        Kind::Convert(inner) => Ok(value_of(inner, language, context, column)?.convert(bound.ty)),
        Kind::Result(call, place) => {
            let all = value_of(call, language, context, column)?;
            Ok(result(&all, *place, bound.ty))
        }
        Kind::Path(base, steps) => {
            let base =
                value_of(base, language, context, column)?.convert(kql_syntax::ast::Type::Dynamic);
            let Value::Dynamic(tree) = base else {
                return Ok(Value::Null);
            };
            let mut way = Vec::with_capacity(steps.len());
            for key in steps {
                way.push(Step::of(&value_of(key, language, context, column)?));
            }
            let way: Option<Vec<_>> = way.into_iter().collect();
            let found = way.and_then(|way| walk(&tree, &way).cloned());
            Ok(found.map_or(Value::Null, Value::dynamic))
        }
        Kind::Call(name, arguments) => {
            let mut values = Vec::with_capacity(arguments.len());
            for argument in arguments {
                values.push(value_of(argument, language, context, column)?);
            }
            if let Some(joined) = junction(name, &values) {
                return Ok(joined);
            }
            let Some(function) = language.functions.scalar(name) else {
                return Err(Failure::new(format!("function {name} has no kernel")));
            };
            let is_null = strict(function, arguments)
                .iter()
                .zip(&values)
                .any(|(strict, value)| *strict && value.is_null());
            if is_null {
                return Ok(Value::Null);
            }
            (function.kernel)(context, &values)
        }
    }
}

/// `and` and `or` of any number of conditions.
pub(crate) fn junction(name: &str, values: &[Value]) -> Option<Value> {
    let decided = match name {
        "and" => Value::Bool(false),
        "or" => Value::Bool(true),
        _ => return None,
    };
    if values.contains(&decided) {
        return Some(decided);
    }
    if values.iter().any(Value::is_null) {
        return Some(Value::Null);
    }
    Some(Value::Bool(name == "and"))
}
