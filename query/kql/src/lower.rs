//! Bound expressions to expressions of DataFusion.
//!
//! What the engine has is used as it is ([`native`]); the rest are kernels. There are two forms: [`Lowering::expr`]
//! gives the exact value, [`Lowering::predicate`] may give null where KQL has false, which lets a comparison with a
//! column stay as bare as SQL writes it, so that files can be skipped by their statistics.

mod compare;
mod native;
mod path;
mod text;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::expr::{Case, ScalarFunction as Call};
use datafusion::logical_expr::{Expr, ExprSchemable as _, cast, lit, try_cast};
use kql_syntax::ast::Type;
use kql_values::function::ScalarFunction;
use kql_values::{ParameterType, Returns};

use crate::arrays::{arrow_type, microseconds, scalar};
use crate::bound::{Bound, Kind};
use crate::error::Bind;
use crate::language::Language;
use crate::udf::{CallReturns, KernelCall};

use path::Form;
pub(crate) use text::json_of_list;

/// What lowering needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lowering<'a> {
    pub(crate) language: &'a Language,
    pub(crate) now: i64,
    pub(crate) schema: &'a DFSchema,
}

/// A column of a plan by its name as it is.
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// The value, or another in place of null: the form that the engine gives to `coalesce` of two, and then carries the
/// old name along, by which some of its rules don't know it any more.
pub(crate) fn present(expr: Expr, otherwise: Expr) -> Expr {
    let is_there = Box::new(expr.clone().is_not_null());
    let whens = vec![(is_there, Box::new(expr))];
    Expr::Case(Case::new(None, whens, Some(Box::new(otherwise))))
}

impl Lowering<'_> {
    /// The exact value.
    #[recursive::recursive]
    pub(crate) fn expr(&self, bound: &Bound) -> Bind<Expr> {
        match &bound.kind {
            Kind::Literal(value) => Ok(lit(scalar(value, bound.ty)?)),
            Kind::Column(name) => Ok(column(name)),
            Kind::Convert(inner) => self.convert(inner, bound.ty),
            Kind::Call(name, arguments) => match self.native(name, arguments, bound.ty)? {
                Some(expr) => Ok(expr),
                None => self.kernel(name, arguments, bound.ty, false),
            },
            Kind::Result(call, place) => {
                let name = self.result_name(call, *place);
                let Kind::Call(function, arguments) = &call.kind else {
                    return self.expr(call);
                };
                Ok(get_field(
                    self.kernel(function, arguments, call.ty, true)?,
                    name,
                ))
            }
            Kind::Path(base, steps) => self.path(base, steps, Form::Json),
        }
    }

    /// A condition of rows: null counts as false.
    #[recursive::recursive]
    pub(crate) fn predicate(&self, bound: &Bound) -> Bind<Expr> {
        if let Kind::Call(name, arguments) = &bound.kind {
            match name.as_str() {
                "and" | "or" => {
                    let parts = arguments.iter().map(|part| self.predicate(part));
                    return Ok(balanced(parts.collect::<Bind<_>>()?, name == "and"));
                }
                name => {
                    if let Some(expr) = self.loose(name, arguments)? {
                        return Ok(expr);
                    }
                }
            }
        }
        self.expr(bound)
    }

    /// Text that is never null.
    pub(crate) fn text(&self, bound: &Bound) -> Bind<Expr> {
        let expr = self.expr(bound)?;
        let is_nullable = expr.nullable(self.schema).unwrap_or(true);
        Ok(if is_nullable {
            present(expr, lit(""))
        } else {
            expr
        })
    }

    /// A key of groups or of a join: missing text is the empty text.
    pub(crate) fn key(&self, bound: &Bound) -> Bind<Expr> {
        if bound.ty == Type::String {
            self.text(bound)
        } else {
            self.expr(bound)
        }
    }

    fn data_type(&self, expr: &Expr) -> Bind<DataType> {
        Ok(expr.get_type(self.schema)?)
    }

    fn convert(&self, inner: &Bound, to: Type) -> Bind<Expr> {
        use Type::{Bool, Int, Long, Real, String};
        if let (Kind::Path(base, steps), String) = (&inner.kind, to) {
            return self.path(base, steps, Form::Text);
        }
        let expr = || self.expr(inner);
        Ok(match (inner.ty, to) {
            (Int, Long) | (Int | Long, Real) | (Bool, Int | Long | Real) => {
                cast(expr()?, arrow_type(to))
            }
            (Long, Int) => try_cast(expr()?, arrow_type(to)),
            (Int | Long | Bool, String) => present(cast(expr()?, DataType::Utf8), lit("")),
            (Type::Guid, String) => expr()?,
            _ => {
                let name = format!("to{}", to.name());
                self.kernel(&name, std::slice::from_ref(inner), to, false)?
            }
        })
    }

    fn path(&self, base: &Bound, steps: &[Bound], form: Form) -> Bind<Expr> {
        // A path reads JSON text itself, so text need not become JSON first.
        let base = match &base.kind {
            Kind::Convert(inner) if inner.ty == Type::String => inner,
            _ => base,
        };
        let mut arguments = vec![self.expr(base)?];
        for step in steps {
            arguments.push(self.expr(step)?);
        }
        let types = steps.iter().map(|step| step.ty).collect();
        Ok(path::path(types, form, arguments))
    }

    fn result_name(&self, call: &Bound, place: usize) -> String {
        let Kind::Call(name, _) = &call.kind else {
            return place.to_string();
        };
        match self
            .language
            .functions
            .scalar(name)
            .map(|function| &function.signature.returns)
        {
            Some(Returns::Several(results)) => results
                .get(place)
                .map_or_else(|| place.to_string(), |(name, _)| (*name).to_owned()),
            _ => place.to_string(),
        }
    }

    /// A call of a kernel; several results as a struct, or as one array.
    fn kernel(&self, name: &str, arguments: &[Bound], ty: Type, as_struct: bool) -> Bind<Expr> {
        let Some(function) = self.language.functions.scalar(name) else {
            let text = format!("function {name} has no kernel");
            return Err(datafusion::error::DataFusionError::Internal(text).into());
        };
        let lowered = arguments
            .iter()
            .map(|argument| self.expr(argument))
            .collect::<Bind<Vec<_>>>()?;
        let returns = match &function.signature.returns {
            Returns::Several(results) if as_struct => CallReturns::Several(
                results
                    .iter()
                    .map(|(name, ty)| ((*name).to_owned(), *ty))
                    .collect(),
            ),
            _ => CallReturns::One(ty),
        };
        let data_type = self.datetime_unit(name, ty, &lowered)?;
        let call = KernelCall {
            name: name.to_owned(),
            kernel: function.kernel,
            arguments: arguments.iter().map(|argument| argument.ty).collect(),
            strict: strict(function, arguments),
            returns,
            is_volatile: function.is_volatile,
            now: self.now,
        };
        Ok(Expr::ScalarFunction(Call::new_udf(
            call.function(data_type),
            lowered,
        )))
    }

    /// Microseconds stay microseconds where a function cannot make a seventh digit, so that the range of years is
    /// kept and columns of tables are compared without a cast.
    fn datetime_unit(&self, name: &str, ty: Type, arguments: &[Expr]) -> Bind<Option<DataType>> {
        let keeps = [
            "startof",
            "bin",
            "datetime_add",
            "max_of",
            "min_of",
            "coalesce",
            "iff",
            "case",
        ];
        if ty != Type::DateTime || !keeps.iter().any(|prefix| name.starts_with(prefix)) {
            return Ok(None);
        }
        for argument in arguments {
            if let DataType::Timestamp(..) = self.data_type(argument)?
                && self.data_type(argument)? != microseconds()
            {
                return Ok(None);
            }
        }
        Ok(Some(microseconds()))
    }
}

/// Which arguments make the result null when they are null.
pub(crate) fn strict(function: &ScalarFunction, arguments: &[Bound]) -> Vec<bool> {
    let is_strict = |place: usize| {
        let parameter = function.signature.parameter(place);
        !function.takes_nulls
            && parameter.is_some_and(|parameter| {
                !matches!(
                    parameter.ty,
                    ParameterType::Any | ParameterType::Exactly(Type::String)
                )
            })
    };
    (0..arguments.len()).map(is_strict).collect()
}

/// Conditions joined as a tree of little depth.
pub(crate) fn balanced(mut parts: Vec<Expr>, is_and: bool) -> Expr {
    while parts.len() > 1 {
        let mut joined = Vec::with_capacity(parts.len().div_ceil(2));
        let mut pairs = parts.into_iter();
        while let Some(left) = pairs.next() {
            joined.push(match pairs.next() {
                Some(right) if is_and => left.and(right),
                Some(right) => left.or(right),
                None => left,
            });
        }
        parts = joined;
    }
    parts.pop().unwrap_or_else(|| lit(is_and))
}
