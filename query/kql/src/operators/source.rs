//! Rows that a query brings itself: `print`, `range`, `datatable`, `externaldata`.

use std::rc::Rc;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_syntax::ast::{Column, Expr, NamedExpr, Property, Type};
use kql_values::Value;
use kql_values::function::Context;

use super::project::Unnamed;
use crate::arrays::{arrow_type, build};
use crate::bind::{Binder, Row, Scope, as_type};
use crate::bound::Bound;
use crate::catalog::unqualified;
use crate::error::{Bind, Refusal};
use crate::relation::Relation;

/// Most rows that `range` makes.
const RANGE_ROWS_MAX: usize = 10_000_000;

impl Binder<'_> {
    pub(super) fn print(&self, columns: &[NamedExpr], scope: &Rc<Scope>) -> Bind<Relation> {
        let bound = self.named(columns, &Row::default(), scope, Unnamed::Print)?;
        let mut seen = Vec::new();
        let mut unique = Vec::with_capacity(bound.len());
        for (name, value) in bound {
            let name = crate::names::unique(&name, |name| seen.iter().any(|taken| taken == name));
            seen.push(name.clone());
            unique.push((name, value));
        }
        let plan = LogicalPlanBuilder::empty(true).build()?;
        Relation::new(plan, Vec::new()).project(self.frame(), unique)
    }

    pub(super) fn range(
        &self,
        name: &str,
        (from, to): (&Expr, &Expr),
        step: &Expr,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let span = from.span;
        let from = self.constant(from, scope)?;
        let to = self.constant(to, scope)?;
        let step = self.constant(step, scope)?;
        let ty = match (from.ty, to.ty, step.ty) {
            (Type::DateTime, _, _) | (_, Type::DateTime, _) => Type::DateTime,
            (Type::TimeSpan, _, _) => Type::TimeSpan,
            (Type::Real, _, _) | (_, Type::Real, _) | (_, _, Type::Real) => Type::Real,
            (Type::Int, Type::Int, Type::Int) => Type::Int,
            _ => Type::Long,
        };
        let step_type = if ty == Type::DateTime {
            Type::TimeSpan
        } else {
            ty
        };
        let values = steps(&from.convert(ty), &to.convert(ty), &step.convert(step_type))
            .ok_or_else(|| {
                Refusal::at(
                    span,
                    format!("this range never ends, or has more than {RANGE_ROWS_MAX} values"),
                )
            })?;
        let rows: Vec<_> = values.into_iter().map(|value| vec![value]).collect();
        in_memory(vec![(name.to_owned(), ty)], &rows)
    }

    pub(super) fn datatable_rows(
        &self,
        columns: &[(String, Type)],
        values: &[Expr],
        scope: &Rc<Scope>,
    ) -> Bind<Vec<Vec<Value>>> {
        let mut rows = Vec::new();
        for row in values.chunks(columns.len().max(1)) {
            let mut cells = Vec::with_capacity(columns.len());
            for (expr, (_, ty)) in row.iter().zip(columns) {
                let bound = self.scalar(expr, &Row::default(), scope)?;
                let bound = as_type(bound, *ty);
                let Some(value) = bound.constant() else {
                    return Err(Refusal::at(
                        expr.span,
                        "datatable takes values that are known before any row is read",
                    ));
                };
                cells.push(value.clone());
            }
            rows.push(cells);
        }
        Ok(rows)
    }

    pub(crate) fn datatable(
        &self,
        columns: &[Column],
        values: &[Expr],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let typed = super::typed(columns);
        if !values.len().is_multiple_of(typed.len().max(1)) {
            let span = values
                .last()
                .map_or_else(kql_syntax::Span::default, |last| last.span);
            let text = format!(
                "{} values don't fill rows of {} columns",
                values.len(),
                typed.len()
            );
            return Err(Refusal::at(span, text));
        }
        let rows = self.datatable_rows(&typed, values, scope)?;
        in_memory(typed, &rows)
    }

    pub(crate) fn external_data(
        &self,
        columns: &[Column],
        uris: &[Expr],
        properties: &[Property],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let typed = super::typed(columns);
        let skips_header = super::word(properties, "ignoreFirstRecord")
            .is_some_and(|word| word.eq_ignore_ascii_case("true"));
        let mut rows = Vec::new();
        for uri in uris {
            let bound = self.constant(uri, scope)?.convert(Type::String);
            let Some(Value::String(address)) = bound.constant() else {
                return Err(Refusal::at(uri.span, "an address is needed here, as text"));
            };
            let path = address.split(['?', ';']).next().unwrap_or_default();
            let format = super::word(properties, "format").unwrap_or_else(|| {
                let extension = path.rsplit('.').next().unwrap_or_default();
                extension.to_ascii_lowercase()
            });
            let bytes = match self.environment.catalog.external(address) {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.warn(format!(
                        "externaldata is empty: {}",
                        error.strip_backtrace()
                    ));
                    continue;
                }
            };
            let text = String::from_utf8_lossy(&bytes);
            rows.extend(self.external_rows(&text, &format, &typed, skips_header));
        }
        in_memory(typed, &rows)
    }

    fn external_rows(
        &self,
        text: &str,
        format: &str,
        columns: &[(String, Type)],
        skips_header: bool,
    ) -> Vec<Vec<Value>> {
        let mut context = Context::new(self.environment.now);
        let parse_csv = self.environment.language.functions.scalar("parse_csv");
        let mut rows = Vec::new();
        let text = text.trim_start_matches('\u{feff}');
        let elements = match format {
            "json" | "multijson" => serde_json::from_str::<Vec<kql_values::Dynamic>>(text).ok(),
            _ => None,
        };
        if let Some(elements) = elements {
            return elements
                .iter()
                .map(|element| bag_row(element, columns))
                .collect();
        }
        for line in text
            .lines()
            .skip(usize::from(skips_header))
            .filter(|line| !line.trim().is_empty())
        {
            let cells: Vec<Value> = match format {
                "json" | "multijson" | "ndjson" => {
                    let element = serde_json::from_str(line).unwrap_or_default();
                    rows.push(bag_row(&element, columns));
                    continue;
                }
                "txt" | "raw" => vec![Value::String(line.to_owned())],
                "tsv" | "tsve" => line
                    .split('\t')
                    .map(|cell| Value::String(cell.to_owned()))
                    .collect(),
                "psv" => line
                    .split('|')
                    .map(|cell| Value::String(cell.to_owned()))
                    .collect(),
                _ => {
                    let parsed = parse_csv.and_then(|function| {
                        (function.kernel)(&mut context, &[Value::String(line.to_owned())]).ok()
                    });
                    match parsed {
                        Some(Value::Dynamic(kql_values::Dynamic::Array(cells))) => cells
                            .into_iter()
                            .map(|cell| Value::String(cell.as_str().unwrap_or_default().to_owned()))
                            .collect(),
                        _ => vec![Value::String(line.to_owned())],
                    }
                }
            };
            let cells = cells
                .into_iter()
                .chain(std::iter::repeat(Value::String(String::new())));
            rows.push(
                columns
                    .iter()
                    .zip(cells)
                    .map(|((_, ty), cell)| cell.convert(*ty))
                    .collect(),
            );
        }
        rows
    }
}

/// Rows in memory as a relation.
pub(super) fn in_memory(columns: Vec<(String, Type)>, rows: &[Vec<Value>]) -> Bind<Relation> {
    let count = rows.len();
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for (place, (name, ty)) in columns.iter().enumerate() {
        let cells: Vec<_> = rows
            .iter()
            .map(|row| row.get(place).cloned().unwrap_or(Value::Null))
            .collect();
        let data_type = column_type(*ty, &cells);
        arrays.push(build(&cells, &data_type)?);
        fields.push(Field::new(name, data_type, true));
    }
    let schema = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
        .map_err(|error| Refusal::Engine(error.into()))?;
    let table = MemTable::try_new(schema, vec![vec![batch]])?;
    let plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::new(table)), None)?;
    let plan = unqualified(plan.build()?)?;
    Ok(Relation::new(plan, columns))
}

fn bag_row(element: &kql_values::Dynamic, columns: &[(String, Type)]) -> Vec<Value> {
    let cell = |(name, ty): &(String, Type)| {
        let value = element.get(name).cloned().unwrap_or_default();
        Value::dynamic(value).convert(*ty)
    };
    columns.iter().map(cell).collect()
}

/// Datetimes without a seventh digit are kept in microseconds, whose range of years is that of KQL.
fn column_type(ty: Type, cells: &[Value]) -> datafusion::arrow::datatypes::DataType {
    let is_coarse = |cell: &Value| match cell {
        Value::DateTime(ticks) => ticks % 10 == 0,
        _ => true,
    };
    if ty == Type::DateTime && cells.iter().all(is_coarse) {
        return crate::arrays::microseconds();
    }
    arrow_type(ty)
}

/// The values from one to another; none if they never end or are too many.
#[expect(
    clippy::cast_precision_loss,
    reason = "the bound is far below what a real holds exactly"
)]
fn steps(from: &Bound, to: &Bound, step: &Bound) -> Option<Vec<Value>> {
    let number = |bound: &Bound| match bound.constant()? {
        Value::Int(x) => Some(i64::from(*x)),
        Value::Long(x) | Value::DateTime(x) | Value::TimeSpan(x) => Some(*x),
        _ => None,
    };
    if let (Some(Value::Real(from)), Some(Value::Real(to)), Some(Value::Real(step))) =
        (from.constant(), to.constant(), step.constant())
    {
        let count = ((to - from) / step).floor();
        if !count.is_finite() || count >= RANGE_ROWS_MAX as f64 {
            return None;
        }
        let mut values = Vec::new();
        let mut index = 0.0;
        while index <= count {
            values.push(Value::Real(step.mul_add(index, *from)));
            index += 1.0;
        }
        return Some(values);
    }
    let (first, last, by) = match (number(from), number(to), number(step)) {
        (Some(first), Some(last), Some(by)) if by != 0 => (first, last, by),
        (Some(_), Some(_), Some(_)) => return None,
        _ => return Some(Vec::new()),
    };
    let make = |at: i64| match from.ty {
        Type::Int => i32::try_from(at).map_or(Value::Null, Value::Int),
        Type::DateTime => Value::DateTime(at),
        Type::TimeSpan => Value::TimeSpan(at),
        _ => Value::Long(at),
    };
    let mut values = Vec::new();
    let mut at = first;
    while (by > 0 && at <= last) || (by < 0 && at >= last) {
        if values.len() >= RANGE_ROWS_MAX {
            return None;
        }
        values.push(make(at));
        let Some(next) = at.checked_add(by) else {
            break;
        };
        at = next;
    }
    Some(values)
}
