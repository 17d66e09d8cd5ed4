//! `union`, `search`, `find`: several tables at once.

use std::rc::Rc;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{Expr as Plan, LogicalPlan, cast, lit};
use datafusion::scalar::ScalarValue;
use kql_syntax::Span;
use kql_syntax::ast::{BinaryOperator, Expr, ExprKind, Find, Literal, Property, Type, Union};
use kql_values::Value;

use super::project::matches_wildcard;
use super::word;
use crate::arrays::arrow_type;
use crate::bind::{Binder, Binding, Row, Scope, is_database};
use crate::bound::Bound;
use crate::error::{Bind, Refusal};
use crate::lower::column;
use crate::relation::Relation;

impl Binder<'_> {
    pub(super) fn union(
        &self,
        first: Option<Relation>,
        union: &Union,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let is_fuzzy = word(&union.properties, "isfuzzy")
            .is_some_and(|word| word.eq_ignore_ascii_case("true"));
        let is_inner =
            word(&union.properties, "kind").is_some_and(|word| word.eq_ignore_ascii_case("inner"));
        let mut inputs = Vec::new();
        if let Some(first) = first {
            if !first.keys().is_empty() {
                let text = "within partition and mv-apply there is no union: rows of other tables belong to no group";
                return Err(Refusal::at(span, text));
            }
            inputs.push(first);
        }
        for input in &union.inputs {
            self.count_operator(input.span)?;
            if let Some(pattern) = pattern(input) {
                inputs.extend(self.tables_like(pattern, scope)?);
                continue;
            }
            match self.tabular(input, scope) {
                Ok(relation) => inputs.push(relation),
                // A table that does not exist, or has not the columns, is left out.
                Err(Refusal::At(..) | Refusal::Unknown(..)) if is_fuzzy => {}
                Err(refusal) => return Err(refusal),
            }
        }
        if inputs.is_empty() {
            return Err(Refusal::at(span, "none of the tables of this union exists"));
        }
        let source = word(&union.properties, "withsource")
            .or_else(|| word(&union.properties, "with_source"));
        together(inputs, is_inner, source.as_deref())
    }

    /// Tables and views whose names match a pattern.
    fn tables_like(&self, pattern: &str, scope: &Rc<Scope>) -> Bind<Vec<Relation>> {
        let mut names: Vec<String> = self.environment.catalog.tables();
        for name in scope.names() {
            let is_view = matches!(scope.find(&name), Some(Binding::Function(function, _)) if function.is_view);
            if is_view && !names.contains(&name) {
                names.push(name);
            }
        }
        names.retain(|name| matches_wildcard(name, pattern));
        names.sort();
        let span = Span::default();
        let table = |name: String| self.tabular(&Expr::name(name, span), scope);
        names.into_iter().map(table).collect()
    }

    pub(super) fn search(
        &self,
        input: Option<Relation>,
        (properties, tables): (&[Property], &[Expr]),
        predicate: &Expr,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let is_exact = word(properties, "kind")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("case_sensitive"));
        let inputs = match input {
            Some(input) => vec![input],
            None => self.searched(tables, scope)?,
        };
        let mut found = Vec::with_capacity(inputs.len());
        for input in inputs {
            let condition = self.search_condition(predicate, &input, is_exact, scope)?;
            // A table that has not the columns of the condition has no part in the result.
            if condition.constant() != Some(&Value::Bool(false)) {
                found.push(input.filter(self.frame(), &condition)?);
            }
        }
        if found.is_empty() {
            let text = "no table that is searched has these columns";
            return Err(Refusal::at(predicate.span, text));
        }
        together(found, false, Some("$table"))
    }

    fn searched(&self, tables: &[Expr], scope: &Rc<Scope>) -> Bind<Vec<Relation>> {
        if tables.is_empty() {
            return self.tables_like("*", scope);
        }
        let mut inputs = Vec::new();
        for table in tables {
            match pattern(table) {
                Some(pattern) => inputs.extend(self.tables_like(pattern, scope)?),
                None => inputs.push(self.tabular(table, scope)?),
            }
        }
        Ok(inputs)
    }

    #[recursive::recursive]
    fn search_condition(
        &self,
        predicate: &Expr,
        input: &Relation,
        is_exact: bool,
        scope: &Rc<Scope>,
    ) -> Bind<Bound> {
        match &predicate.kind {
            ExprKind::Literal(Literal::String(text)) => Ok(anywhere(text, input, is_exact)),
            ExprKind::Wildcard(name) if name.text == "*" => Ok(Bound::bool(true)),
            ExprKind::Binary {
                operator: operator @ (BinaryOperator::And | BinaryOperator::Or),
                left,
                right,
            } => {
                let left = self.search_condition(left, input, is_exact, scope)?;
                let is_false = left.constant() == Some(&Value::Bool(false));
                if is_false && *operator == BinaryOperator::And {
                    return Ok(left);
                }
                let right = self.search_condition(right, input, is_exact, scope)?;
                let name = if *operator == BinaryOperator::And {
                    "and"
                } else {
                    "or"
                };
                Ok(Bound::call(name, vec![left, right], Type::Bool))
            }
            ExprKind::Call(call) if call.name.text == "not" => {
                let Some(inner) = call.arguments.first() else {
                    return Err(Refusal::at(predicate.span, "not() needs a condition"));
                };
                let inner = self.search_condition(&inner.value, input, is_exact, scope)?;
                Ok(Bound::call("not", vec![inner], Type::Bool))
            }
            // A column that this table does not have matches nothing.
            _ => match self.condition(predicate, &Row::of(&input.columns), scope) {
                Err(Refusal::At(..) | Refusal::Unknown(..)) => Ok(Bound::bool(false)),
                other => other,
            },
        }
    }

    pub(super) fn find(&self, find: &Find, span: Span, scope: &Rc<Scope>) -> Bind<Relation> {
        let source = word(&find.properties, "withsource").unwrap_or_else(|| "source_".to_owned());
        let mut found = Vec::new();
        for input in self.searched(&find.tables, scope)? {
            let condition = self.search_condition(&find.predicate, &input, false, scope)?;
            let name = input.name.clone();
            let mut row = input.filter(self.frame(), &condition)?;
            let mut mentioned = Vec::new();
            super::summarize::visit(&condition, &mut |name| mentioned.push(name.to_owned()));
            let columns = find_columns(find, &row, &mentioned);
            row = row.project(self.frame(), columns)?;
            row.name = name;
            found.push(row);
        }
        if found.is_empty() {
            return Err(Refusal::at(span, "none of the tables of this find exists"));
        }
        let together = together(found, false, Some(&source))?;
        let away = super::project::matching(&together, &find.project_away).unwrap_or_default();
        let kept: Vec<_> = together
            .columns
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| !away.contains(name))
            .collect();
        together.select(&kept)
    }
}

/// The pattern of names that stands for several tables: `A*`, `database('x').A*`.
fn pattern(table: &Expr) -> Option<&str> {
    match &table.kind {
        ExprKind::Wildcard(pattern) => Some(&pattern.text),
        ExprKind::Path { base, member } if is_database(base) && member.text.contains('*') => {
            Some(&member.text)
        }
        _ => None,
    }
}

/// Rows of all, one after the other; columns by name and type.
pub(super) fn together(
    inputs: Vec<Relation>,
    is_inner: bool,
    source: Option<&str>,
) -> Bind<Relation> {
    let columns = shared_columns(&inputs, is_inner);
    let mut parts = Vec::with_capacity(inputs.len());
    for (place, input) in inputs.into_iter().enumerate() {
        let name = input
            .name
            .clone()
            .unwrap_or_else(|| format!("union_arg{place}"));
        let mut projected = Vec::with_capacity(columns.len() + 1);
        if let Some(source) = source {
            projected.push((source.to_owned(), Type::String, lit(name)));
        }
        for (new, old, ty) in &columns {
            let expr = if input.type_of(old) == Some(*ty) {
                column(old)
            } else {
                lit(ScalarValue::try_from(&arrow_type(*ty))?)
            };
            projected.push((new.clone(), *ty, expr));
        }
        parts.push(input.unordered().project_lowered(projected)?);
    }
    stack(parts)
}

/// Rows of relations that have the same columns.
pub(super) fn stack(parts: Vec<Relation>) -> Bind<Relation> {
    let parts = same_types(parts)?;
    let Some(first) = parts.first() else {
        return Err(Refusal::at(Span::default(), "a union of nothing"));
    };
    let (columns, hidden, name) = (
        first.columns.clone(),
        first.hidden.clone(),
        first.name.clone(),
    );
    let mut plans = parts.into_iter().map(|part| Arc::new(part.plan));
    let (plan, name) = match (plans.len(), plans.next()) {
        (1, Some(plan)) => (Arc::unwrap_or_clone(plan), name),
        // One union of all is planned faster than unions within each other.
        (_, first) => {
            let all = first.into_iter().chain(plans).collect();
            let all = datafusion::logical_expr::Union::try_new_with_loose_types(all)?;
            (LogicalPlan::Union(all), None)
        }
    };
    Ok(Relation {
        hidden,
        name,
        ..Relation::new(plan, columns)
    })
}

/// What `find` shows of a table: the columns that are asked for, or those of the condition and the rest as a bag.
fn find_columns(find: &Find, row: &Relation, mentioned: &[String]) -> Vec<(String, Bound)> {
    let packed = |skipped: &[String]| {
        let rest = row
            .columns
            .iter()
            .filter(|(name, _)| !skipped.contains(name));
        let parts = rest.flat_map(|(name, ty)| {
            [
                Bound::string(name.clone()),
                Bound::column(name.clone(), *ty),
            ]
        });
        (
            "pack_".to_owned(),
            Bound::call("bag_pack", parts.collect(), Type::Dynamic),
        )
    };
    if find.project.is_empty() {
        let mut columns: Vec<_> = row
            .columns
            .iter()
            .filter(|(name, _)| mentioned.contains(name))
            .map(|(name, ty)| (name.clone(), Bound::column(name.clone(), *ty)))
            .collect();
        columns.push(packed(mentioned));
        return columns;
    }
    let mut columns = Vec::new();
    for wanted in &find.project {
        let name = &wanted.name.text;
        if name == "*" || name.starts_with("pack") {
            let shown: Vec<_> = find
                .project
                .iter()
                .map(|column| column.name.text.clone())
                .collect();
            columns.push(packed(&shown));
            continue;
        }
        let value = match row.type_of(name) {
            Some(ty) => Bound::column(name.clone(), ty).convert(wanted.ty.unwrap_or(ty)),
            None => Bound::literal(Value::Null, Type::Dynamic)
                .retyped(wanted.ty.unwrap_or(Type::String)),
        };
        columns.push((name.clone(), value));
    }
    columns
}

/// A term in any column.
fn anywhere(text: &str, input: &Relation, is_exact: bool) -> Bound {
    let bare = text.trim_matches('*');
    if bare.is_empty() {
        return Bound::bool(true);
    }
    let operator = match (text.starts_with('*'), text.ends_with('*')) {
        (true, true) => "contains",
        (false, true) => "hasprefix",
        (true, false) => "hassuffix",
        (false, false) => "has",
    };
    let operator = if is_exact {
        format!("{operator}_cs")
    } else {
        operator.to_owned()
    };
    let tests = input.columns.iter().map(|(name, ty)| {
        let value = Bound::column(name.clone(), *ty).convert(Type::String);
        Bound::call(
            operator.clone(),
            vec![value, Bound::string(bare)],
            Type::Bool,
        )
    });
    Bound::call("or", tests.collect(), Type::Bool)
}

/// The columns of a union: new name, old name, type. A name with several types gets the type as a suffix.
fn shared_columns(inputs: &[Relation], is_inner: bool) -> Vec<(String, String, Type)> {
    let mut found: Vec<(String, Type)> = Vec::new();
    for input in inputs {
        for column in &input.columns {
            if !found.contains(column) {
                found.push(column.clone());
            }
        }
    }
    if is_inner {
        found.retain(|(name, ty)| inputs.iter().all(|input| input.type_of(name) == Some(*ty)));
    }
    let is_ambiguous = |name: &str| found.iter().filter(|(other, _)| other == name).count() > 1;
    found
        .iter()
        .map(|(name, ty)| {
            let new = if is_ambiguous(name) {
                let suffixed = format!("{name}_{}", ty.name());
                crate::names::unique(&suffixed, |name| {
                    found.iter().any(|(taken, _)| taken == name)
                })
            } else {
                name.clone()
            };
            (new, name.clone(), *ty)
        })
        .collect()
}

/// Columns brought to one Arrow type where they differ (units of time).
fn same_types(parts: Vec<Relation>) -> Bind<Vec<Relation>> {
    let types: Vec<Vec<DataType>> = parts
        .iter()
        .map(|part| {
            part.plan
                .schema()
                .fields()
                .iter()
                .map(|field| field.data_type().clone())
                .collect()
        })
        .collect();
    let differs = |place: usize| {
        let mut all = types.iter().filter_map(|row| row.get(place));
        let first = all.next();
        all.any(|other| Some(other) != first)
    };
    let mut result = Vec::with_capacity(parts.len());
    for part in parts {
        let mut columns: Vec<(String, Type, Plan)> = Vec::with_capacity(part.columns.len());
        let mut is_changed = false;
        for (place, (name, ty)) in part.columns.iter().enumerate() {
            let expr = if differs(place) {
                is_changed = true;
                cast(column(name), finest(*ty))
            } else {
                column(name)
            };
            columns.push((name.clone(), *ty, expr));
        }
        result.push(if is_changed {
            part.project_lowered(columns)?
        } else {
            part
        });
    }
    Ok(result)
}

fn finest(ty: Type) -> DataType {
    match ty {
        Type::DateTime => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        ty => arrow_type(ty),
    }
}
