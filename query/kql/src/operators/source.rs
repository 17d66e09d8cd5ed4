//! Rows that a query brings itself: `print`, `range`, `datatable`, `externaldata`.

use std::rc::Rc;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::LogicalPlanBuilder;
use kql_syntax::ast::{Column, Expr, NamedExpr, Property, Type};
use kql_values::Value;

use super::project::Unnamed;
use crate::arrays::{arrow_type, build};
use crate::bind::{Binder, Row, Scope, as_type};
use crate::bound::Bound;
use crate::catalog::unqualified;
use crate::error::{Bind, Refusal};
use crate::external::{self, FORMATS, Format, Reading, Written};
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
        for (place, Column { name, .. }) in columns.iter().enumerate() {
            let mut before = typed.iter().take(place);
            if before.any(|(taken, _)| *taken == name.text) {
                let text = format!("there are two columns '{}'", name.text);
                return Err(Refusal::at(name.span, text));
            }
        }
        let mut documents = Vec::new();
        for uri in uris {
            let bound = self.constant(uri, scope)?.convert(Type::String);
            let Some(Value::String(address)) = bound.constant() else {
                return Err(Refusal::at(uri.span, "an address is needed here, as text"));
            };
            let format = external_format(properties, address)
                .map_err(|message| Refusal::at(uri.span, message))?;
            match self.environment.catalog.external(address) {
                Ok(document) => documents.push(Written { document, format }),
                Err(reason) => self.warn(format!("externaldata is empty: {reason}")),
            }
        }
        let mapping = self.property_text(properties, "ingestionMapping", scope)?;
        let cells = external::cells(&typed, mapping.as_deref());
        let span = uris.first().map_or_else(Default::default, |uri| uri.span);
        let cells = cells.map_err(|message| Refusal::at(span, message))?;
        if documents.is_empty() {
            return in_memory(typed, &[]);
        }
        let skips_first = super::word(properties, "ignoreFirstRecord")
            .is_some_and(|word| word.eq_ignore_ascii_case("true"));
        let reading = Reading {
            columns: typed.clone(),
            cells,
            skips_first,
        };
        Ok(Relation::new(external::plan(documents, reading)?, typed))
    }

    /// The text of a property, if it is there.
    fn property_text(
        &self,
        properties: &[Property],
        name: &str,
        scope: &Rc<Scope>,
    ) -> Bind<Option<String>> {
        let Some(expr) = super::property(properties, name) else {
            return Ok(None);
        };
        let bound = self.constant(expr, scope)?.convert(Type::String);
        match bound.constant() {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            _ => Err(Refusal::at(expr.span, "a text is needed here")),
        }
    }
}

/// The format that a property names, or else the end of the address.
fn external_format(properties: &[Property], address: &str) -> Result<Format, String> {
    let names = || FORMATS.map(|(name, _)| name).join(", ");
    let not_read = |name: &str| format!("the format '{name}' is not read here; {} are", names());
    match super::word(properties, "format") {
        Some(name) => Format::named(&name).ok_or_else(|| not_read(&name)),
        None => Format::of_address(address).map_err(not_read),
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
