//! Aggregates: what they take and give, and how the engine computes them.
//!
//! The common ones are the engine's own; the others are accumulators of `kql-values`.

use std::cell::RefCell;
use std::rc::Rc;

use datafusion::arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::{
    approx_distinct, array_agg, avg, count, count_distinct, first_value, max, min, sum,
};
use datafusion::logical_expr::{Expr as Plan, ExprFunctionExt as _, SortExpr, cast, lit};
use kql_syntax::Span;
use kql_syntax::ast::{Call, ExprKind, Type};
use kql_values::{ParameterType, Returns, Value};

use crate::arrays::arrow_type;
use crate::bind::{Binder, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal, failed_at};
use crate::language::Language;
use crate::lower::{Lowering, json_of_list};
use crate::udaf::AccumulatorCall;

/// Aggregates that the engine computes itself, whatever the kernels have.
pub(crate) const NATIVE: [&str; 28] = [
    "count",
    "countif",
    "cnt",
    "sum",
    "sumif",
    "avg",
    "avgif",
    "min",
    "max",
    "minif",
    "maxif",
    "dcount",
    "dcountif",
    "count_distinct",
    "count_distinctif",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "take_any",
    "any",
    "anyif",
    "take_anyif",
    "make_list",
    "makelist",
    "make_list_if",
    "make_list_with_nulls",
    "percentiles",
];

/// Most values that a list or a set of a group keeps.
const ITEMS_MAX: usize = 1_048_576;

/// The aggregates of one operator.
#[derive(Debug, Default)]
pub(crate) struct Aggregation(pub(crate) Vec<Aggregate>);

/// One aggregate and the column that it fills.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Bound>,
    pub(crate) column: String,
    pub(crate) ty: Type,
}

/// Whether a name is an aggregate's.
pub(crate) fn is_aggregate(language: &Language, name: &str) -> bool {
    NATIVE.contains(&name) || language.aggregates.get(name).is_some()
}

impl Binder<'_> {
    /// Binds a call of an aggregate: it becomes a column that the operator computes.
    pub(crate) fn aggregate(
        &self,
        call: &Call,
        span: Span,
        row: &Row<'_>,
        scope: &Rc<Scope>,
        aggregation: &RefCell<Aggregation>,
    ) -> Bind<Bound> {
        let inner = Row {
            aggregation: None,
            ..*row
        };
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            if matches!(argument.value.kind, ExprKind::Wildcard(_)) && call.name.text == "count" {
                continue;
            }
            arguments.push(self.scalar(&argument.value, &inner, scope)?);
        }
        let (arguments, ty) = self.aggregate_types(&call.name.text, arguments, span)?;
        let mut aggregation = aggregation.borrow_mut();
        let same = aggregation
            .0
            .iter()
            .find(|one| one.name == call.name.text && one.arguments == arguments);
        if let Some(same) = same {
            return Ok(Bound::column(same.column.clone(), ty));
        }
        let column = self.fresh("aggregate");
        aggregation.0.push(Aggregate {
            name: call.name.text.clone(),
            arguments,
            column: column.clone(),
            ty,
        });
        Ok(Bound::column(column, ty))
    }

    /// Types of an aggregate: its arguments as it takes them, and its result.
    pub(crate) fn aggregate_types(
        &self,
        name: &str,
        mut arguments: Vec<Bound>,
        span: Span,
    ) -> Bind<(Vec<Bound>, Type)> {
        let first = arguments.first().map(|first| first.ty);
        let need = || Refusal::at(span, format!("{name}() needs a value"));
        if let Some(condition) = condition_place(name) {
            let Some(place) = arguments.get_mut(condition) else {
                return Err(Refusal::at(span, format!("{name}() needs a condition")));
            };
            *place = place.clone().convert(Type::Bool);
        }
        let ty = match name {
            "count" | "countif" | "cnt" | "dcount" | "dcountif" | "count_distinct"
            | "count_distinctif" => Type::Long,
            "sum" | "sumif" => match first.ok_or_else(need)? {
                Type::Int | Type::Long | Type::Bool => Type::Long,
                ty @ (Type::Real | Type::Decimal | Type::TimeSpan) => ty,
                Type::Dynamic => Type::Real,
                other => {
                    return Err(Refusal::at(
                        span,
                        format!("a {} cannot be added up", other.name()),
                    ));
                }
            },
            "avg" | "avgif" => match first.ok_or_else(need)? {
                ty @ (Type::TimeSpan | Type::DateTime | Type::Decimal) => ty,
                Type::String | Type::Guid => return Err(Refusal::at(span, "text has no average")),
                _ => Type::Real,
            },
            "min" | "max" | "minif" | "maxif" | "take_any" | "any" | "anyif" | "take_anyif" => {
                first.ok_or_else(need)?
            }
            "make_list" | "makelist" | "make_list_if" | "make_list_with_nulls" => Type::Dynamic,
            "arg_max" | "arg_min" | "argmax" | "argmin" | "percentiles" => {
                return Err(Refusal::at(
                    span,
                    format!("{name}() gives several columns and stands by itself in summarize"),
                ));
            }
            _ => return self.kernel_types(name, arguments, span),
        };
        if matches!(name, "sum" | "sumif") || (ty == Type::Real && name.starts_with("avg")) {
            arguments = arguments
                .into_iter()
                .enumerate()
                .map(|(place, argument)| {
                    if place == 0 {
                        argument.convert(ty)
                    } else {
                        argument
                    }
                })
                .collect();
        }
        Ok((arguments, ty))
    }

    fn kernel_types(
        &self,
        name: &str,
        arguments: Vec<Bound>,
        span: Span,
    ) -> Bind<(Vec<Bound>, Type)> {
        let Some(function) = self.environment.language.aggregates.get(name) else {
            return Err(Refusal::at(span, format!("there is no aggregate '{name}'")));
        };
        let signature = &function.signature;
        let count = arguments.len();
        if count < signature.arity_min() || signature.arity_max().is_some_and(|max| count > max) {
            let names: Vec<_> = signature.parameters.iter().map(|one| one.name).collect();
            return Err(Refusal::at(
                span,
                format!(
                    "{name}({}) does not take {count} arguments",
                    names.join(", ")
                ),
            ));
        }
        let (arguments, ty) = crate::bind::fit(signature, arguments, span)?;
        let ty = match &signature.returns {
            Returns::One(ParameterType::Exactly(ty)) => *ty,
            _ => ty,
        };
        let constants = constants(&arguments);
        // Wrong constants are found here, where the query says where they stand.
        (function.start)(&constants).map_err(failed_at(span))?;
        Ok((arguments, ty))
    }
}

fn constants(arguments: &[Bound]) -> Vec<Value> {
    arguments
        .iter()
        .map(|one| one.constant().cloned().unwrap_or(Value::Null))
        .collect()
}

/// Where the condition of an aggregate with one stands.
fn condition_place(name: &str) -> Option<usize> {
    match name {
        "countif" => Some(0),
        "sumif" | "avgif" | "minif" | "maxif" | "dcountif" | "count_distinctif" | "anyif"
        | "take_anyif" | "make_list_if" => Some(1),
        _ => None,
    }
}

/// An aggregate of the engine, and what makes its result that of KQL.
pub(crate) struct Lowered {
    pub(crate) aggregate: Plan,
    pub(crate) finish: Finish,
}

/// What is done to an aggregate's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Keep,
    /// The result is cast.
    Cast(Type),
    /// A list becomes JSON text.
    List {
        item: Type,
        items_max: usize,
        is_set: bool,
    },
}

impl Finish {
    pub(crate) fn apply(self, result: Plan) -> Plan {
        match self {
            Self::Keep => result,
            Self::Cast(ty) => cast(result, arrow_type(ty)),
            Self::List {
                item,
                items_max,
                is_set,
            } => json_of_list(result, item, items_max, is_set),
        }
    }
}

/// The engine's expression of an aggregate over rows that come in an order.
pub(crate) fn lower(
    aggregate: &Aggregate,
    lowering: &Lowering<'_>,
    order: &[SortExpr],
) -> Bind<Lowered> {
    let name = aggregate.name.as_str();
    let is_set = matches!(name, "make_set" | "makeset" | "make_set_if");
    if is_set && !order.is_empty() {
        return list(aggregate, lowering, order, true);
    }
    if !NATIVE.contains(&name) {
        return kernel(aggregate, lowering);
    }
    let first = aggregate.arguments.first();
    let value = first
        .map(|first| lowering.expr(first))
        .transpose()?
        .unwrap_or_else(|| lit(1_i64));
    let first_type = first.map_or(Type::Long, |first| first.ty);
    let (call, finish) = match name {
        "count" | "cnt" if aggregate.arguments.is_empty() => (count(lit(1_i64)), Finish::Keep),
        "count" | "cnt" if first_type == Type::String => (count(lit(1_i64)), Finish::Keep),
        "count" | "cnt" => (count(value), Finish::Keep),
        "countif" => (count(lit(1_i64)), Finish::Keep),
        "sum" | "sumif" if first_type == Type::TimeSpan => (
            sum(cast(value, DataType::Int64)),
            Finish::Cast(Type::TimeSpan),
        ),
        "sum" | "sumif" if aggregate.ty == Type::Decimal => {
            (sum(value), Finish::Cast(Type::Decimal))
        }
        "sum" | "sumif" => (sum(value), Finish::Keep),
        "avg" | "avgif" => average(value, aggregate.ty),
        "min" | "minif" => (min(value), Finish::Keep),
        "max" | "maxif" => (max(value), Finish::Keep),
        "dcount" | "dcountif" => (
            approx_distinct(countable(value, first_type)),
            Finish::Cast(Type::Long),
        ),
        "count_distinct" | "count_distinctif" => (count_distinct(value), Finish::Keep),
        "take_any" | "any" | "anyif" | "take_anyif" => {
            (first_value(value, order.to_vec()), Finish::Keep)
        }
        _ => return list(aggregate, lowering, order, false),
    };
    let condition = condition_place(name).and_then(|place| aggregate.arguments.get(place));
    let call = match condition {
        Some(condition) => {
            let call = call.filter(lowering.predicate(condition)?);
            // The builder forgets what the call said of it.
            let is_distinct = name == "count_distinctif";
            let call = if is_distinct { call.distinct() } else { call };
            call.build()?
        }
        None => call,
    };
    Ok(Lowered {
        aggregate: call,
        finish,
    })
}

fn average(value: Plan, ty: Type) -> (Plan, Finish) {
    match ty {
        Type::TimeSpan => {
            let mean = avg(cast(value, DataType::Int64));
            (mean, Finish::Cast(Type::TimeSpan))
        }
        Type::DateTime => {
            let mean = avg(cast(
                cast(value, arrow_type(Type::DateTime)),
                DataType::Int64,
            ));
            (mean, Finish::Cast(Type::DateTime))
        }
        Type::Decimal => (avg(value), Finish::Cast(Type::Decimal)),
        _ => (avg(value), Finish::Keep),
    }
}

/// A value of which distinct ones can be counted by the engine's sketch.
fn countable(value: Plan, ty: Type) -> Plan {
    match ty {
        Type::Int | Type::Long | Type::String | Type::Dynamic | Type::Guid => value,
        _ => cast(value, DataType::Utf8),
    }
}

fn list(
    aggregate: &Aggregate,
    lowering: &Lowering<'_>,
    order: &[SortExpr],
    is_set: bool,
) -> Bind<Lowered> {
    let Some(first) = aggregate.arguments.first() else {
        return Err(Refusal::at(
            Span::default(),
            format!("{}() needs a value", aggregate.name),
        ));
    };
    let value = lowering.expr(first)?;
    let mut filter = None;
    if first.ty != Type::String && aggregate.name != "make_list_with_nulls" {
        filter = Some(value.clone().is_not_null());
    }
    let is_conditional = aggregate.name.ends_with("_if");
    if is_conditional && let Some(condition) = aggregate.arguments.get(1) {
        let condition = lowering.predicate(condition)?;
        filter = Some(match filter {
            Some(filter) => filter.and(condition),
            None => condition,
        });
    }
    let size = aggregate.arguments.get(if is_conditional { 2 } else { 1 });
    let items_max = match size.and_then(|size| size.clone().convert(Type::Long).constant().cloned())
    {
        Some(Value::Long(size)) if size > 0 => {
            usize::try_from(size).unwrap_or(ITEMS_MAX).min(ITEMS_MAX)
        }
        _ => ITEMS_MAX,
    };
    let mut call = array_agg(value);
    if let Some(filter) = filter {
        call = call.filter(filter).build()?;
    }
    if !order.is_empty() {
        call = call.order_by(order.to_vec()).build()?;
    }
    let finish = Finish::List {
        item: first.ty,
        items_max,
        is_set,
    };
    Ok(Lowered {
        aggregate: call,
        finish,
    })
}

fn kernel(aggregate: &Aggregate, lowering: &Lowering<'_>) -> Bind<Lowered> {
    let Some(function) = lowering.language.aggregates.get(&aggregate.name) else {
        return Err(Refusal::at(
            Span::default(),
            format!("there is no aggregate '{}'", aggregate.name),
        ));
    };
    let arguments = aggregate
        .arguments
        .iter()
        .map(|one| lowering.expr(one))
        .collect::<Bind<Vec<_>>>()?;
    let call = AccumulatorCall {
        name: aggregate.name.clone(),
        start: function.start,
        constants: constants(&aggregate.arguments),
        arguments: aggregate.arguments.iter().map(|one| one.ty).collect(),
        returns: aggregate.ty,
        now: lowering.now,
    };
    Ok(Lowered {
        aggregate: call.expr(arguments),
        finish: Finish::Keep,
    })
}
