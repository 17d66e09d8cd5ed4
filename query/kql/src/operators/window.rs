//! Functions that look at other rows: `prev`, `next`, `row_number`, `row_cumsum`, `row_rank_*`.
//!
//! Each becomes a hidden column before the operator in which it stands. Their order is that of the last `sort`; rows
//! that were never sorted (`range`, `datatable`) stand as they came.

use std::rc::Rc;

use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::functions_window::expr_fn::{lag, lead};
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::{
    Expr as Plan, ExprFunctionExt as _, LogicalPlanBuilder, SortExpr, WindowFrame,
    WindowFunctionDefinition, cast, lit, when,
};
use datafusion::scalar::ScalarValue;
use kql_syntax::Span;
use kql_syntax::ast::{Call, Type};
use kql_values::Value;

use crate::arrays::{arrow_type, scalar};
use crate::bind::{Binder, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::relation::{Hidden, Relation};

/// The window functions of one operator, in the order in which they are computed.
#[derive(Debug, Default)]
pub(crate) struct Windows(Vec<Window>);

/// A window function and the column that it fills.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    name: String,
    arguments: Vec<Bound>,
    column: String,
    ty: Type,
}

impl Windows {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How the names of columns begin that hold the places of rows.
const PLACE: &str = "\u{1}place";

/// Names of the functions of this module.
const NAMES: [&str; 8] = [
    "prev",
    "next",
    "row_number",
    "row_cumsum",
    "row_rank",
    "row_rank_dense",
    "row_rank_min",
    "row_window_session",
];

impl Binder<'_> {
    /// Binds a window function, if the call is one.
    pub(crate) fn window(
        &self,
        call: &Call,
        span: Span,
        row: &Row<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Option<Bound>> {
        let name = call.name.text.as_str();
        if !NAMES.contains(&name) {
            return Ok(None);
        }
        let Some(windows) = row.windows else {
            let text = format!(
                "{name}() looks at other rows: it stands in extend, project, serialize and where"
            );
            return Err(Refusal::at(span, text));
        };
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.scalar(&argument.value, row, scope)?);
        }
        let ty = match (name, arguments.first()) {
            ("row_number" | "row_rank" | "row_rank_dense" | "row_rank_min", _) => Type::Long,
            (_, Some(first)) => first.ty,
            _ => return Err(Refusal::at(span, format!("{name}() needs a value"))),
        };
        if name == "row_cumsum"
            && !matches!(ty, Type::Int | Type::Long | Type::Real | Type::TimeSpan)
        {
            return Err(Refusal::at(
                span,
                format!("a {} cannot be added up", ty.name()),
            ));
        }
        let column = self.fresh(name);
        self.windows.set(self.windows.get() + 1);
        windows.borrow_mut().0.push(Window {
            name: name.to_owned(),
            arguments,
            column: column.clone(),
            ty,
        });
        Ok(Some(Bound::column(column, ty)))
    }

    /// Adds the columns of window functions.
    pub(crate) fn apply_windows(&self, mut input: Relation, windows: &Windows) -> Bind<Relation> {
        if !windows.is_empty() {
            input = self.placed(input)?;
        }
        for window in &windows.0 {
            input = if window.name == "row_window_session" {
                self.placed(self.window_session(input, window)?)?
            } else {
                self.apply_window(input, window)?
            };
        }
        Ok(input)
    }

    /// The rows with their place as what orders them: rows that the keys of a `sort` don't tell apart, and those that
    /// were never sorted, stay as they are in all that follows. Groups are each by themselves, and have no place among
    /// others.
    fn placed(&self, input: Relation) -> Bind<Relation> {
        if is_placed(&input.order) || !input.keys().is_empty() {
            return Ok(input);
        }
        let hidden = Hidden {
            name: self.fresh(PLACE.trim_start_matches('\u{1}')),
            ty: Type::Long,
            is_key: false,
        };
        let number = row_number(Vec::new(), input.order.clone())?;
        let mut placed = Relation {
            plan: input
                .builder()
                .window(vec![number.alias(hidden.name.clone())])?
                .build()?,
            ..input
        };
        placed.order = vec![column(&hidden.name).sort(true, false)];
        placed.hidden.push(hidden);
        Ok(placed)
    }

    fn apply_window(&self, input: Relation, window: &Window) -> Bind<Relation> {
        let lowering = input.lowering(self.frame());
        let arguments = window
            .arguments
            .iter()
            .map(|one| lowering.expr(one))
            .collect::<Bind<Vec<_>>>()?;
        let restart_place = match window.name.as_str() {
            "row_number" | "row_cumsum" | "row_rank" | "row_rank_dense" | "row_rank_min" => Some(1),
            _ => None,
        };
        let restart = restart_place
            .and_then(|place| window.arguments.get(place))
            .filter(|one| one.constant().is_none());
        let restart = restart
            .map(|restart| lowering.predicate(restart))
            .transpose()?;
        let mut input = input;
        let mut keys = input.keys();
        if let Some(restart) = restart {
            let group = self.fresh("restart");
            let starts = when(restart, lit(1_i64)).otherwise(lit(0_i64))?;
            let running = running(sum(starts), &keys, &input.order);
            input = add_window(input, running, &group, Type::Long)?;
            keys.push(column(&group));
        }
        let order = input.order.clone();
        let expr = match window.name.as_str() {
            "row_number" => {
                let start = window
                    .arguments
                    .first()
                    .and_then(|first| match first.constant() {
                        Some(Value::Long(start)) => Some(*start),
                        _ => None,
                    });
                let number = cast(row_number(keys, order)?, arrow_type(Type::Long));
                return numbered(
                    input,
                    number,
                    start.unwrap_or(1),
                    &self.fresh("number"),
                    &window.column,
                );
            }
            "prev" | "next" => {
                let call = neighbour(window, arguments.into_iter().next())?;
                over(call, keys, order)?
            }
            "row_cumsum" => {
                let value = arguments.into_iter().next().unwrap_or_else(|| lit(0_i64));
                let value = if window.ty == Type::TimeSpan {
                    cast(value, arrow_type(Type::Long))
                } else {
                    value
                };
                running(sum(value), &keys, &order)
            }
            _ => return self.rank(input, window, arguments, &keys),
        };
        add_window(input, expr, &window.column, window.ty)
    }

    /// Rank by a value: it rises (by one, or to the row's number) when the value differs from the row before.
    fn rank(
        &self,
        input: Relation,
        window: &Window,
        arguments: Vec<Plan>,
        keys: &[Plan],
    ) -> Bind<Relation> {
        let Some(value) = arguments.into_iter().next() else {
            return Ok(input);
        };
        let order = input.order.clone();
        let (before, number) = (self.fresh("before"), self.fresh("number"));
        let input = add_window(
            input,
            over(
                lag(value.clone(), Some(1), None),
                keys.to_vec(),
                order.clone(),
            )?,
            &before,
            Type::Dynamic,
        )?;
        let input = add_window(
            input,
            row_number(keys.to_vec(), order.clone())?,
            &number,
            Type::Long,
        )?;
        let is_new = Plan::BinaryExpr(datafusion::logical_expr::BinaryExpr::new(
            Box::new(value),
            datafusion::logical_expr::Operator::IsDistinctFrom,
            Box::new(column(&before)),
        ));
        let number_long = cast(column(&number), arrow_type(Type::Long));
        let is_new = is_new.or(number_long.clone().eq(lit(1_i64)));
        if window.name != "row_rank_min" {
            let rises = when(is_new, lit(1_i64)).otherwise(lit(0_i64))?;
            return add_window(
                input,
                running(sum(rises), keys, &order),
                &window.column,
                Type::Long,
            );
        }
        let at = when(is_new, number_long).otherwise(lit(ScalarValue::Int64(None)))?;
        let highest = running(
            datafusion::functions_aggregate::expr_fn::max(at),
            keys,
            &order,
        );
        add_window(input, highest, &window.column, Type::Long)
    }

    /// Start of the session of each row: computed row by row.
    fn window_session(&self, input: Relation, window: &Window) -> Bind<Relation> {
        crate::operators::scan::window_session(self, input, &window.arguments, &window.column)
    }
}

/// The value of a row before or behind.
fn neighbour(window: &Window, value: Option<Plan>) -> Bind<Plan> {
    let argument = |place: usize, ty: Type| {
        let given = window.arguments.get(place);
        given.map(|given| given.clone().convert(ty).constant().cloned())
    };
    let offset = match argument(1, Type::Long).flatten() {
        Some(Value::Long(offset)) => offset,
        _ => 1,
    };
    let default = match argument(2, window.ty) {
        Some(default) => default.map(|value| scalar(&value, window.ty)).transpose()?,
        None if window.ty == Type::String => Some(ScalarValue::from("")),
        None => None,
    };
    let value = value.unwrap_or_else(|| lit(ScalarValue::Null));
    Ok(if window.name == "prev" {
        lag(value, Some(offset), default)
    } else {
        lead(value, Some(offset), default)
    })
}

/// Whether rows are ordered by the places that window functions gave them. The plan may have mixed them since.
pub(super) fn is_placed(order: &[SortExpr]) -> bool {
    matches!(
        order,
        [SortExpr { expr: Plan::Column(column), .. }] if column.name.starts_with(PLACE)
    )
}

/// Adds the column of a window function, visible to expressions but not to the query.
fn add_window(input: Relation, expr: Plan, name: &str, ty: Type) -> Bind<Relation> {
    let plan = LogicalPlanBuilder::from(input.plan.clone())
        .window(vec![expr.alias(name)])?
        .build()?;
    let mut input = Relation { plan, ..input };
    input.columns.push((name.to_owned(), ty));
    let columns = input.columns.clone();
    input.project_lowered(
        columns
            .into_iter()
            .map(|(name, ty)| {
                let expr = column(&name);
                (name, ty, expr)
            })
            .collect(),
    )
}

fn numbered(
    input: Relation,
    number: Plan,
    start: i64,
    temporary: &str,
    name: &str,
) -> Bind<Relation> {
    let Plan::Cast(inner) = number else {
        return Ok(input);
    };
    let input = add_window(input, *inner.expr, temporary, Type::Long)?;
    let mut columns = input.as_they_are();
    columns.retain(|(column, _, _)| column != temporary);
    let value = cast(column(temporary), arrow_type(Type::Long)) + lit(start - 1);
    columns.push((name.to_owned(), Type::Long, value));
    input.project_lowered(columns)
}

/// `row_number()` over groups.
pub(crate) fn row_number(keys: Vec<Plan>, order: Vec<SortExpr>) -> Bind<Plan> {
    over(
        datafusion::functions_window::expr_fn::row_number(),
        keys,
        order,
    )
}

fn over(call: Plan, keys: Vec<Plan>, order: Vec<SortExpr>) -> Bind<Plan> {
    let mut builder = call.partition_by(keys);
    if !order.is_empty() {
        builder = builder.order_by(order);
    }
    Ok(builder.build()?)
}

/// An aggregate over all rows up to the present one.
fn running(aggregate: Plan, keys: &[Plan], order: &[SortExpr]) -> Plan {
    let Plan::AggregateFunction(aggregate) = aggregate else {
        return aggregate;
    };
    let frame = WindowFrame::new_bounds(
        datafusion::logical_expr::WindowFrameUnits::Rows,
        datafusion::logical_expr::WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
        datafusion::logical_expr::WindowFrameBound::CurrentRow,
    );
    let window = WindowFunction {
        fun: WindowFunctionDefinition::AggregateUDF(aggregate.func),
        params: WindowFunctionParams {
            args: aggregate.params.args,
            partition_by: keys.to_vec(),
            order_by: order.to_vec(),
            window_frame: frame,
            filter: None,
            null_treatment: None,
            distinct: false,
        },
    };
    Plan::WindowFunction(Box::new(window))
}
