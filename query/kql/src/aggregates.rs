//! Aggregates: what they take and give, and how the engine computes them.
//!
//! The common ones are the engine's own; the others are accumulators of `kql-values`.

use std::rc::Rc;

use datafusion::arrow::datatypes::DataType;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::functions_aggregate::expr_fn::{
    approx_distinct, array_agg, avg, count, count_distinct, first_value, max, min, sum,
};
use datafusion::logical_expr::expr::NullTreatment;
use datafusion::logical_expr::{Expr as Plan, ExprFunctionExt as _, SortExpr, cast, lit};
use kql_syntax::Span;
use kql_syntax::ast::{Call, ExprKind, Type};
use kql_values::{ParameterType, Returns, Value};

use crate::arrays::arrow_type;
use crate::bind::{Binder, Row, Scope, check_arity, check_count};
use crate::bound::Bound;
use crate::error::{Bind, Refusal, failed_at};
use crate::language::Language;
use crate::lower::{Lowering, json_of_list, present};
use crate::udaf::AccumulatorCall;

/// Aggregates that the engine computes itself, and how many arguments they take.
pub(crate) const NATIVE: [(&str, usize, Option<usize>); 28] = [
    ("count", 0, Some(1)),
    ("countif", 1, Some(1)),
    ("cnt", 0, Some(1)),
    ("sum", 1, Some(1)),
    ("sumif", 2, Some(2)),
    ("avg", 1, Some(1)),
    ("avgif", 2, Some(2)),
    ("min", 1, Some(1)),
    ("max", 1, Some(1)),
    ("minif", 2, Some(2)),
    ("maxif", 2, Some(2)),
    ("dcount", 1, Some(2)),
    ("dcountif", 2, Some(3)),
    ("count_distinct", 1, Some(1)),
    ("count_distinctif", 2, Some(2)),
    ("arg_max", 1, None),
    ("arg_min", 1, None),
    ("argmax", 1, None),
    ("argmin", 1, None),
    ("take_any", 1, None),
    ("any", 1, None),
    ("anyif", 2, Some(2)),
    ("take_anyif", 2, Some(2)),
    ("make_list", 1, Some(2)),
    ("makelist", 1, Some(2)),
    ("make_list_if", 2, Some(3)),
    ("make_list_with_nulls", 1, Some(2)),
    ("percentiles", 2, None),
];

fn native(name: &str) -> Option<(usize, Option<usize>)> {
    let found = NATIVE.iter().find(|(native, ..)| *native == name);
    found.map(|(_, min, max)| (*min, *max))
}

/// Most values that a list or a set of a group keeps.
const ITEMS_MAX: usize = 1_048_576;

/// The same for the old names of the aggregates that make them.
const OLD_ITEMS_MAX: usize = 128;

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
    native(name).is_some() || language.aggregates.get(name).is_some()
}

impl Binder<'_> {
    /// Binds a call of an aggregate, where one may stand: it becomes a column that the operator computes.
    pub(crate) fn aggregate(
        &self,
        call: &Call,
        span: Span,
        row: &Row<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Option<Bound>> {
        let Some(aggregation) = row.aggregation else {
            return Ok(None);
        };
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
            return Ok(Some(Bound::column(same.column.clone(), ty)));
        }
        let column = self.fresh("aggregate");
        aggregation.0.push(Aggregate {
            name: call.name.text.clone(),
            arguments,
            column: column.clone(),
            ty,
        });
        Ok(Some(Bound::column(column, ty)))
    }

    /// Types of an aggregate: its arguments as it takes them, and its result.
    pub(crate) fn aggregate_types(
        &self,
        name: &str,
        mut arguments: Vec<Bound>,
        span: Span,
    ) -> Bind<(Vec<Bound>, Type)> {
        let Some(counts) = native(name) else {
            return self.kernel_types(name, arguments, span);
        };
        check_count(&format!("{name}()"), counts, arguments.len(), span)?;
        let first = arguments.first().map_or(Type::Long, |first| first.ty);
        if let Some(place) = condition_place(name).and_then(|place| arguments.get_mut(place)) {
            *place = place.clone().convert(Type::Bool);
        }
        let ty = match name {
            "count" | "countif" | "cnt" | "dcount" | "dcountif" | "count_distinct"
            | "count_distinctif" => Type::Long,
            "sum" | "sumif" => match first {
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
            "avg" | "avgif" => match first {
                ty @ (Type::TimeSpan | Type::DateTime | Type::Decimal) => ty,
                Type::String | Type::Guid => return Err(Refusal::at(span, "text has no average")),
                _ => Type::Real,
            },
            "min" | "max" | "minif" | "maxif" | "take_any" | "any" | "anyif" | "take_anyif" => {
                first
            }
            "make_list" | "makelist" | "make_list_if" | "make_list_with_nulls" => {
                items_max(name, &arguments, span)?;
                Type::Dynamic
            }
            _ => {
                return Err(Refusal::at(
                    span,
                    format!("{name}() gives several columns and stands by itself in summarize"),
                ));
            }
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
        check_arity(signature, arguments.len(), span)?;
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

/// How many values a list or a set keeps: what its last argument says.
fn items_max(name: &str, arguments: &[Bound], span: Span) -> Bind<usize> {
    let place = condition_place(name).map_or(1, |place| place + 1);
    let Some(size) = arguments.get(place) else {
        let is_old = matches!(name, "makelist" | "makeset");
        return Ok(if is_old { OLD_ITEMS_MAX } else { ITEMS_MAX });
    };
    match size.clone().convert(Type::Long).constant() {
        Some(Value::Long(size)) if *size > 0 => {
            Ok(usize::try_from(*size).map_or(ITEMS_MAX, |size| size.min(ITEMS_MAX)))
        }
        _ => Err(Refusal::at(
            span,
            "a maximum size must be a whole number from 1",
        )),
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
        | "take_anyif" | "make_list_if" | "make_set_if" => Some(1),
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
    /// The result is cast, and zero where there was nothing to add.
    Sum(Type),
    /// No number where there was nothing to divide by.
    Average,
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
            Self::Sum(Type::Real) => present(result, lit(0.0)),
            Self::Sum(Type::Long) => present(result, lit(0_i64)),
            Self::Sum(ty) => {
                let zero = cast(lit(0_i64), arrow_type(ty));
                present(cast(result, arrow_type(ty)), zero)
            }
            Self::Average => present(result, lit(f64::NAN)),
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
    if native(name).is_none() {
        return kernel(aggregate, lowering);
    }
    let first = aggregate.arguments.first();
    let value = match first {
        // Missing text is a value, the empty one.
        Some(first) if first.ty == Type::String && name.contains("count") => {
            lowering.text(first)?
        }
        Some(first) => lowering.expr(first)?,
        None => lit(1_i64),
    };
    let first_type = first.map_or(Type::Long, |first| first.ty);
    let (call, finish) = match name {
        // A value given to count changes nothing: rows count, nulls too.
        "count" | "cnt" | "countif" => (count(lit(1_i64)), Finish::Keep),
        "sum" | "sumif" if first_type == Type::TimeSpan => (
            sum(cast(value, DataType::Int64)),
            Finish::Sum(Type::TimeSpan),
        ),
        "sum" | "sumif" => (sum(value), Finish::Sum(aggregate.ty)),
        "avg" | "avgif" => average(value, aggregate.ty),
        "min" | "minif" => (min(value), Finish::Keep),
        "max" | "maxif" => (max(value), Finish::Keep),
        "dcount" | "dcountif" => (
            approx_distinct(countable(value, first_type)),
            Finish::Cast(Type::Long),
        ),
        "count_distinct" | "count_distinctif" => (count_distinct(value), Finish::Keep),
        "take_any" | "any" | "anyif" | "take_anyif" => {
            return any_value(aggregate, value, lowering, order);
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

/// The first value of a group that is neither null nor empty text, if it has one.
fn any_value(
    aggregate: &Aggregate,
    value: Plan,
    lowering: &Lowering<'_>,
    order: &[SortExpr],
) -> Bind<Lowered> {
    let value = match aggregate.ty {
        Type::String => nullif(value, lit("")),
        _ => value,
    };
    // The builder forgets what the call said of it: all of it is said here.
    let mut call = first_value(value, Vec::new())
        .order_by(order.to_vec())
        .null_treatment(NullTreatment::IgnoreNulls);
    let condition = condition_place(&aggregate.name);
    if let Some(condition) = condition.and_then(|place| aggregate.arguments.get(place)) {
        call = call.filter(lowering.predicate(condition)?);
    }
    Ok(Lowered {
        aggregate: call.build()?,
        finish: Finish::Keep,
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
        _ => (avg(value), Finish::Average),
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
    let items_max = items_max(&aggregate.name, &aggregate.arguments, Span::default())?;
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
