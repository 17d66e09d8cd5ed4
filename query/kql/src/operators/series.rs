//! `make-series`: aggregates per step of an axis, as arrays.
//!
//! Two groupings: rows by group and step, then steps by group into arrays with defaults where there were no rows.

use std::rc::Rc;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::functions_aggregate::expr_fn::{array_agg, first_value};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr as Plan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, lit,
};
use kql_syntax::Span;
use kql_syntax::ast::{Expr, MakeSeries, SeriesAggregate, Type};
use kql_values::{Dynamic, Value};

use super::word;
use crate::arrays::Reader;
use crate::bind::{Binder, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::names;
use crate::relation::Relation;

/// Most steps of an axis.
const STEPS_MAX: i64 = 1 << 20;

/// An axis: where it begins, how wide a step is, how many there are.
#[derive(Clone, Debug)]
struct Axis {
    start: Bound,
    step: Bound,
    count: i64,
    ty: Type,
}

impl Binder<'_> {
    pub(super) fn make_series(
        &self,
        input: Relation,
        series: &MakeSeries,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let axis_name = match series.axis.names.first() {
            Some(name) => name.text.clone(),
            None => names::implied(&series.axis.value).unwrap_or_else(|| "Column1".to_owned()),
        };
        let value = self.scalar(&series.axis.value, &Row::of(&input.columns), scope)?;
        let is_open = series.from.is_none() || series.to.is_none();
        if is_open && !input.keys().is_empty() {
            let text = "within partition and mv-apply make-series needs from and to";
            return Err(Refusal::at(series.axis.value.span, text));
        }
        let axis = self.axis(&input, &value, series, scope)?;
        let place_name = self.fresh("place");
        let input = self.inside(input, &value, &axis, &place_name)?;

        let by = self.named(
            &series.by,
            &Row::of(&input.columns),
            scope,
            super::project::Unnamed::Column,
        )?;
        let group_names: Vec<_> = by.iter().map(|(name, _)| name.clone()).collect();
        let mut aggregates = Vec::new();
        for aggregate in &series.aggregates {
            aggregates.push(aggregate.value.clone());
        }
        let mut groups = series.by.clone();
        groups.push(Expr::name(place_name.clone(), Span::default()).into());
        let stepped = self.summarize(input, &aggregates, &groups, scope)?;
        let results: Vec<_> = stepped
            .columns
            .iter()
            .filter(|(name, _)| !group_names.contains(name) && *name != place_name)
            .cloned()
            .collect();
        let is_always = series.by.is_empty()
            && word(&series.properties, "kind")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("nonempty"));
        let mut filled = Vec::with_capacity(results.len());
        for (result, aggregate) in results.iter().zip(&series.aggregates) {
            filled.push((result, self.default_of(aggregate, scope)?));
        }
        to_arrays(
            stepped,
            (&axis_name, &axis),
            (&group_names, &place_name, is_always),
            &filled,
        )
    }

    /// What stands where a step has no rows.
    fn default_of(&self, aggregate: &SeriesAggregate, scope: &Rc<Scope>) -> Bind<Dynamic> {
        let Some(default) = &aggregate.default else {
            return Ok(Dynamic::from(0));
        };
        let bound = self.constant(default, scope)?;
        Ok(bound.constant().map_or(Dynamic::Null, Value::to_json))
    }

    fn axis(
        &self,
        input: &Relation,
        value: &Bound,
        series: &MakeSeries,
        scope: &Rc<Scope>,
    ) -> Bind<Axis> {
        let ty = value.ty;
        let step_type = if ty == Type::DateTime {
            Type::TimeSpan
        } else {
            ty
        };
        if !matches!(
            ty,
            Type::DateTime | Type::TimeSpan | Type::Long | Type::Int | Type::Real
        ) {
            let text = format!(
                "an axis is a datetime, a timespan or a number, and this is a {}",
                ty.name()
            );
            return Err(Refusal::at(series.axis.value.span, text));
        }
        let step = self.constant(&series.step, scope)?.convert(step_type);
        let bound = |expr: &Option<Expr>| {
            expr.as_ref()
                .map(|expr| self.constant(expr, scope).map(|bound| bound.convert(ty)))
                .transpose()
        };
        let (from, to) = (bound(&series.from)?, bound(&series.to)?);
        let (low, high) = match (&from, &to) {
            (Some(_), Some(_)) => (Value::Null, Value::Null),
            _ => self.extent(input, value)?,
        };
        let span = series.step.span;
        let start = match from {
            Some(from) => from,
            None => self.fold(
                Bound::call("bin", vec![Bound::literal(low, ty), step.clone()], ty),
                span,
            )?,
        };
        let length = |bound: &Bound| match bound.constant() {
            Some(Value::Long(x) | Value::DateTime(x) | Value::TimeSpan(x)) => Some(real(*x)),
            Some(Value::Int(x)) => Some(f64::from(*x)),
            Some(Value::Real(x)) => Some(*x),
            _ => None,
        };
        let width = length(&step).filter(|width| *width > 0.0);
        let Some(width) = width else {
            return Err(Refusal::at(span, "a step is positive"));
        };
        let end = to.clone().unwrap_or_else(|| Bound::literal(high, ty));
        let count = match (length(&start), length(&end)) {
            (Some(start), Some(end)) if to.is_some() && !series.includes_end => {
                ((end - start) / width).ceil()
            }
            (Some(start), Some(end)) => ((end - start) / width).floor() + 1.0,
            _ => 0.0,
        };
        if count > real(STEPS_MAX) {
            return Err(Refusal::at(
                span,
                format!("the axis has more than {STEPS_MAX} steps"),
            ));
        }
        let count = whole(count);
        Ok(Axis {
            start,
            step,
            count,
            ty,
        })
    }

    /// The least and the greatest value of the axis.
    fn extent(&self, input: &Relation, value: &Bound) -> Bind<(Value, Value)> {
        let expr = input.lowering(self.frame()).expr(value)?;
        let ends = vec![
            datafusion::functions_aggregate::expr_fn::min(expr.clone()).alias("low"),
            datafusion::functions_aggregate::expr_fn::max(expr).alias("high"),
        ];
        let plan = LogicalPlanBuilder::from(input.plan.clone())
            .aggregate(Vec::<Plan>::new(), ends)?
            .build()?;
        let batches = self.rows(plan, 1)?;
        let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
            return Ok((Value::Null, Value::Null));
        };
        let low = Reader::new(batch.column(0), value.ty)?.value(0);
        let high = Reader::new(batch.column(1), value.ty)?.value(0);
        Ok((low, high))
    }

    /// The rows that lie on the axis, with the number of their step.
    fn inside(&self, input: Relation, value: &Bound, axis: &Axis, place: &str) -> Bind<Relation> {
        let steps = Bound::long(axis.count);
        let reach = match axis.step.constant() {
            Some(Value::Real(width)) => {
                Bound::literal(Value::Real(width * real(axis.count)), Type::Real)
            }
            Some(Value::Int(width)) => Bound::literal(
                Value::Int(
                    i32::try_from(i64::from(*width).saturating_mul(axis.count)).unwrap_or(i32::MAX),
                ),
                Type::Int,
            ),
            Some(Value::Long(width)) => Bound::long(width.saturating_mul(axis.count)),
            Some(Value::TimeSpan(width)) => Bound::literal(
                Value::TimeSpan(width.saturating_mul(axis.count)),
                Type::TimeSpan,
            ),
            _ => steps,
        };
        let span = Span::default();
        let end = self.fold(
            Bound::call("+", vec![axis.start.clone(), reach], axis.ty),
            span,
        )?;
        let within = Bound::call(
            "and",
            vec![
                Bound::call(">=", vec![value.clone(), axis.start.clone()], Type::Bool),
                Bound::call("<", vec![value.clone(), end], Type::Bool),
            ],
            Type::Bool,
        );
        let input = input.filter(self.frame(), &within)?;
        let difference_type = if axis.ty == Type::DateTime {
            Type::TimeSpan
        } else {
            axis.ty
        };
        let difference = Bound::call(
            "-",
            vec![value.clone(), axis.start.clone()],
            difference_type,
        );
        let quotient_type = match difference_type {
            Type::TimeSpan => Type::Real,
            other => other,
        };
        let quotient = Bound::call("/", vec![difference, axis.step.clone()], quotient_type);
        let number = if quotient_type == Type::Real {
            Bound::call(
                "floor",
                vec![quotient, Bound::literal(Value::Real(1.0), Type::Real)],
                Type::Real,
            )
        } else {
            quotient
        };
        input.extend(
            self.frame(),
            vec![(place.to_owned(), number.convert(Type::Long))],
        )
    }
}

/// The rows of the steps of a group as one row of arrays.
fn to_arrays(
    stepped: Relation,
    (axis_name, axis): (&str, &Axis),
    (groups, place, is_always): (&[String], &str, bool),
    results: &[(&(String, Type), Dynamic)],
) -> Bind<Relation> {
    let types: Vec<_> = groups
        .iter()
        .map(|name| (name.clone(), stepped.type_of(name).unwrap_or(Type::String)))
        .collect();
    let mut aggregates = vec![array_agg(column(place)).alias("\u{1}places")];
    for ((name, _), _) in results {
        aggregates.push(array_agg(column(name)).alias(name.clone()));
    }
    let mut keys: Vec<_> = groups.iter().map(|name| column(name)).collect();
    keys.extend(stepped.keys());
    for hidden in stepped.hidden.iter().filter(|hidden| !hidden.is_key) {
        let first = first_value(column(&hidden.name), Vec::new());
        aggregates.push(first.alias(hidden.name.clone()));
    }
    let plan = LogicalPlanBuilder::from(stepped.plan).aggregate(keys, aggregates)?;
    let plan = if groups.is_empty() && !is_always {
        plan.filter(column("\u{1}places").is_not_null())?.build()?
    } else {
        plan.build()?
    };
    let mut columns: Vec<_> = types
        .iter()
        .map(|(name, ty)| (name.clone(), *ty, column(name)))
        .collect();
    for ((name, ty), default) in results {
        let filled = fill(
            column("\u{1}places"),
            column(name),
            *ty,
            axis.count,
            default,
        );
        columns.push((name.clone(), Type::Dynamic, filled));
    }
    columns.push((
        axis_name.to_owned(),
        Type::Dynamic,
        lit(axis.values().to_string()),
    ));
    let mut relation = Relation::new(plan, types);
    relation.hidden = stepped.hidden;
    relation.project_lowered(columns)
}

impl Axis {
    /// The beginnings of its steps.
    fn values(&self) -> Dynamic {
        let value = |place: i64| match (self.start.constant(), self.step.constant()) {
            (Some(Value::DateTime(start)), Some(Value::TimeSpan(step))) => {
                Value::DateTime(start + step * place)
            }
            (Some(Value::TimeSpan(start)), Some(Value::TimeSpan(step))) => {
                Value::TimeSpan(start + step * place)
            }
            (Some(Value::Long(start)), Some(Value::Long(step))) => {
                Value::Long(start + step * place)
            }
            (Some(Value::Int(start)), Some(Value::Int(step))) => {
                Value::Long(i64::from(*start) + i64::from(*step) * place)
            }
            (Some(Value::Real(start)), Some(Value::Real(step))) => {
                Value::Real(step.mul_add(real(place), *start))
            }
            _ => Value::Null,
        };
        Dynamic::Array(
            (0..self.count)
                .map(|place| value(place).to_json())
                .collect(),
        )
    }
}

/// A number of steps, or the length of an axis, as a real.
#[expect(
    clippy::cast_precision_loss,
    reason = "steps are few, and lengths are only compared and divided"
)]
fn real(number: i64) -> f64 {
    number as f64
}

/// As many whole steps; none if there is no number of them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is whole and below the most that there may be"
)]
fn whole(count: f64) -> i64 {
    if count > 0.0 { count as i64 } else { 0 }
}

/// Values put at their places in an array, defaults elsewhere.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Fill {
    item: Type,
    count: i64,
    default: String,
    signature: Signature,
}

fn fill(places: Plan, values: Plan, item: Type, count: i64, default: &Dynamic) -> Plan {
    let function = ScalarUDF::from(Fill {
        item,
        count,
        default: default.to_string(),
        signature: Signature::any(2, Volatility::Immutable),
    });
    Plan::ScalarFunction(ScalarFunction::new_udf(
        Arc::new(function),
        vec![places, values],
    ))
}

impl Fill {
    /// Puts each value at its place.
    fn put(&self, filled: &mut [Dynamic], places: &ArrayRef, values: &ArrayRef) -> Result<()> {
        let at = Reader::new(places, Type::Long)?;
        let of = Reader::new(values, self.item)?;
        for index in 0..places.len() {
            let Value::Long(place) = at.value(index) else {
                continue;
            };
            let slot = usize::try_from(place)
                .ok()
                .and_then(|place| filled.get_mut(place));
            if let Some(slot) = slot {
                *slot = of.value(index).to_json();
            }
        }
        Ok(())
    }
}

impl ScalarUDFImpl for Fill {
    fn name(&self) -> &'static str {
        "fill_series"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let mut texts = StringBuilder::new();
        if let [places, values] = arrays.as_slice() {
            let (places, values) = (places.as_list::<i32>(), values.as_list::<i32>());
            let default: Dynamic = serde_json::from_str(&self.default).unwrap_or_default();
            let count = usize::try_from(self.count).unwrap_or_default();
            for row in 0..places.len() {
                let mut filled = vec![default.clone(); count];
                if !places.is_null(row) {
                    self.put(&mut filled, &places.value(row), &values.value(row))?;
                }
                texts.append_value(Dynamic::Array(filled).to_string());
            }
        }
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}
