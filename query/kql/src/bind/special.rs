//! Functions that are not computed from values: they read the catalog, the row's columns or the time of the query.

use std::rc::Rc;

use datafusion::logical_expr::LogicalPlanBuilder;
use kql_syntax::Span;
use kql_syntax::ast::{Call, Expr, ExprKind, Literal, Type};
use kql_values::{Dynamic, Value};

use super::{Binder, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal};
use crate::relation::Relation;

/// Their names, for completion.
pub(crate) const SPECIAL: [&str; 19] = [
    "ago",
    "bag_pack_columns",
    "bin_auto",
    "column_ifexists",
    "column_names_of",
    "current_cluster_endpoint",
    "current_database",
    "current_principal",
    "ingestion_time",
    "materialize",
    "next",
    "now",
    "pack_all",
    "prev",
    "row_cumsum",
    "row_number",
    "row_rank_dense",
    "row_window_session",
    "toscalar",
];

impl Binder<'_> {
    pub(super) fn special(
        &self,
        call: &Call,
        span: Span,
        row: &Row<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Option<Bound>> {
        let arguments: Vec<_> = call
            .arguments
            .iter()
            .map(|argument| &argument.value)
            .collect();
        if let (Some(ty), [value]) = (conversion(&call.name.text), arguments.as_slice()) {
            return Ok(Some(self.scalar(value, row, scope)?.convert(ty)));
        }
        Ok(Some(
            match (call.name.text.as_str(), arguments.as_slice()) {
                ("toscalar", [inner]) => self.to_scalar(inner, row, scope)?,
                ("materialize", [inner]) => self.scalar(inner, row, scope)?,
                ("now", offset) => self.now(offset.first().copied(), 1, row, scope)?,
                ("ago", [offset]) => self.now(Some(offset), -1, row, scope)?,
                ("column_ifexists" | "columnifexists", [name, default]) => {
                    self.column_if_exists(name, default, row, scope)?
                }
                ("column_names_of", [table]) => {
                    let columns = self.tabular(table, scope)?.columns;
                    let names = columns.into_iter().map(|(name, _)| Dynamic::String(name));
                    Bound::literal(Value::list(names), Type::Dynamic)
                }
                ("pack_all" | "packall", rest) => pack_all(rest, row),
                ("bag_pack_columns", columns) => self.pack_columns(columns, row, scope)?,
                ("ingestion_time", []) => match row.type_of("_TimeReceived") {
                    Some(ty) => Bound::column("_TimeReceived", ty),
                    None => Bound::literal(Value::Null, Type::DateTime),
                },
                ("current_database", []) => Bound::string(self.environment.database),
                (
                    "current_cluster_endpoint" | "current_principal" | "current_principal_details",
                    [],
                ) => Bound::string(""),
                ("bin_auto", [value]) => self.bin_auto(value, row, scope)?,
                ("isempty" | "isnotempty" | "notempty", [value]) => {
                    let value = self.scalar(value, row, scope)?;
                    let value = if value.ty == Type::String {
                        value
                    } else {
                        value.convert(Type::String)
                    };
                    self.fold(
                        Bound::call(call.name.text.clone(), vec![value], Type::Bool),
                        span,
                    )?
                }
                ("iff" | "iif" | "case", _) => self.choice(call, span, row, scope)?,
                ("todynamic" | "toobject" | "parse_json" | "parsejson", [value]) => {
                    self.to_dynamic(value, row, scope)?
                }
                _ => return Ok(None),
            },
        ))
    }

    /// A bin whose size and start the query sets.
    fn bin_auto(&self, value: &Expr, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        let value = self.scalar(value, row, scope)?;
        let hour = || Bound::literal(Value::TimeSpan(36_000_000_000), Type::TimeSpan);
        let size = option("query_bin_auto_size", scope).unwrap_or_else(hour);
        let ty = value.ty;
        Ok(match option("query_bin_auto_at", scope) {
            Some(start) => Bound::call("bin_at", vec![value, size, start], ty),
            None => Bound::call("bin", vec![value, size], ty),
        })
    }

    fn to_dynamic(&self, value: &Expr, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        let value = self.scalar(value, row, scope)?;
        // JSON within a dynamic's text is JSON too: `parse_json(tostring(x))` is written `parse_json(x)` by rules.
        let value = if value.ty == Type::Dynamic {
            value.convert(Type::String)
        } else {
            value
        };
        Ok(value.convert(Type::Dynamic))
    }

    /// The first value of the first row of a table; a value is itself.
    fn to_scalar(&self, inner: &Expr, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        if !self.is_tabular(inner, row, scope) {
            return self.once(self.scalar(inner, row, scope)?, inner.span);
        }
        let relation = self.tabular(inner, scope)?;
        self.first_value(relation, inner.span)
    }

    /// A value that reads no column, computed now: what it takes from chance is the same in all rows.
    fn once(&self, value: Bound, span: Span) -> Bind<Bound> {
        let mut reads = false;
        crate::operators::visit(&value, &mut |_| reads = true);
        if reads || value.constant().is_some() {
            return Ok(value);
        }
        let known = self.scalars.borrow();
        let found = known.iter().find(|one| one.0 == span && one.1 == value);
        if let Some((_, _, result)) = found {
            return Ok(result.clone());
        }
        drop(known);
        let plan = LogicalPlanBuilder::empty(true).build()?;
        let named = vec![("value".to_owned(), value.clone())];
        let relation = Relation::new(plan, Vec::new()).project(self.frame(), named)?;
        let result = self.first_value(relation, span)?;
        let mut known = self.scalars.borrow_mut();
        known.push((span, value, result.clone()));
        Ok(result)
    }

    fn first_value(&self, relation: Relation, span: Span) -> Bind<Bound> {
        let Some((name, ty)) = relation.columns.first().cloned() else {
            return Err(Refusal::at(
                span,
                "this table has no column whose value could be taken",
            ));
        };
        let rows = self.values(relation.select(&[name])?, 1)?;
        let value = rows.into_iter().flatten().next().unwrap_or(Value::Null);
        Ok(Bound::literal(value, Type::Dynamic).retyped(ty))
    }

    /// The time of the query, moved.
    fn now(
        &self,
        offset: Option<&Expr>,
        sign: i64,
        row: &Row<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Bound> {
        let now = Bound::literal(Value::DateTime(self.environment.now), Type::DateTime);
        let Some(offset) = offset else {
            return Ok(now);
        };
        let span = offset.span;
        let offset = self.scalar(offset, row, scope)?.convert(Type::TimeSpan);
        let name = if sign < 0 { "-" } else { "+" };
        self.fold(Bound::call(name, vec![now, offset], Type::DateTime), span)
    }

    fn column_if_exists(
        &self,
        name: &Expr,
        default: &Expr,
        row: &Row<'_>,
        scope: &Rc<Scope>,
    ) -> Bind<Bound> {
        let named = self.constant(name, scope)?;
        let Some(Value::String(text)) = named.constant() else {
            return Err(Refusal::at(
                name.span,
                "the name of a column is needed, as a literal",
            ));
        };
        if let Some(ty) = row.type_of(text) {
            return Ok(Bound::column(text.clone(), ty));
        }
        self.scalar(default, row, scope)
    }

    fn pack_columns(&self, columns: &[&Expr], row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        let mut parts = Vec::new();
        for column in columns {
            let name = crate::names::implied(column).unwrap_or_default();
            parts.push(Bound::string(name));
            parts.push(self.scalar(column, row, scope)?);
        }
        Ok(Bound::call("bag_pack", parts, Type::Dynamic))
    }

    /// `iff` and `case`: conditions and values by turns, the last value without a condition.
    fn choice(&self, call: &Call, span: Span, row: &Row<'_>, scope: &Rc<Scope>) -> Bind<Bound> {
        let count = call.arguments.len();
        if count < 3 || count.is_multiple_of(2) {
            let text = format!(
                "{} takes conditions and values by turns, and a last value for all else",
                call.name.text
            );
            return Err(Refusal::at(span, text));
        }
        let mut bound = Vec::with_capacity(count);
        for (place, argument) in call.arguments.iter().enumerate() {
            let is_condition = place % 2 == 0 && place + 1 < count;
            bound.push(if is_condition {
                self.condition(&argument.value, row, scope)?
            } else {
                self.scalar(&argument.value, row, scope)?
            });
        }
        let is_value = |place: usize| place % 2 == 1 || place + 1 == count;
        let values = bound
            .iter()
            .enumerate()
            .filter(|(place, value)| is_value(*place) && !value.is_null());
        let ty = values.map(|(_, value)| value.ty).reduce(|left, right| {
            kql_values::convert::common_type(left, right).unwrap_or(Type::Dynamic)
        });
        let ty = ty
            .or_else(|| bound.last().map(|last| last.ty))
            .unwrap_or(Type::Dynamic);
        let bound = bound
            .into_iter()
            .enumerate()
            .map(|(place, value)| {
                if is_value(place) {
                    as_type(value, ty)
                } else {
                    value
                }
            })
            .collect();
        self.fold(Bound::call("case", bound, ty), span)
    }
}

/// The type that a function of one argument converts to.
fn conversion(name: &str) -> Option<Type> {
    Some(match name {
        "tostring" => Type::String,
        "tolong" | "toint64" => Type::Long,
        "toint" => Type::Int,
        "toreal" | "todouble" => Type::Real,
        "tobool" | "toboolean" => Type::Bool,
        "todatetime" => Type::DateTime,
        "totimespan" | "totime" => Type::TimeSpan,
        "toguid" => Type::Guid,
        "todecimal" => Type::Decimal,
        _ => return None,
    })
}

fn pack_all(arguments: &[&Expr], row: &Row<'_>) -> Bound {
    let skips_null = arguments
        .first()
        .is_some_and(|first| matches!(first.kind, ExprKind::Literal(Literal::Bool(Some(true)))));
    let visible = row.columns.iter();
    let visible = visible.filter(|(name, _)| !name.starts_with('\u{1}'));
    let slot = |(name, ty): &(String, Type)| {
        [
            Bound::string(name.clone()),
            Bound::column(name.clone(), *ty),
        ]
    };
    if !skips_null {
        return Bound::call("bag_pack", visible.flat_map(slot).collect(), Type::Dynamic);
    }
    let empty = || {
        Bound::literal(
            Value::Dynamic(Dynamic::Object(serde_json::Map::new())),
            Type::Dynamic,
        )
    };
    let bags = visible.map(|column| {
        let text = Bound::column(column.0.clone(), column.1).convert(Type::String);
        let is_empty = Bound::call("isempty", vec![text], Type::Bool);
        let bag = Bound::call("bag_pack", slot(column).to_vec(), Type::Dynamic);
        Bound::call("case", vec![is_empty, empty(), bag], Type::Dynamic)
    });
    let bags = std::iter::once(empty()).chain(bags).collect();
    Bound::call("bag_merge", bags, Type::Dynamic)
}

fn option(name: &str, scope: &Rc<Scope>) -> Option<Bound> {
    match scope.find(&format!("\u{1}set {name}")) {
        Some(super::Binding::Scalar(bound)) => Some(bound),
        _ => None,
    }
}

/// Brings a value to a type; text among dynamic values stays text instead of being read as JSON.
pub(crate) fn as_type(value: Bound, ty: Type) -> Bound {
    if ty == Type::Dynamic && value.ty != Type::Dynamic {
        if value.is_null() {
            return Bound::literal(Value::Null, Type::Dynamic);
        }
        if let Some(constant) = value.constant() {
            return Bound::literal(Value::dynamic(constant.to_json()), Type::Dynamic);
        }
        let packed = Bound::call("pack_array", vec![value], Type::Dynamic);
        return Bound {
            kind: crate::bound::Kind::Path(Box::new(packed), vec![Bound::long(0)]),
            ty: Type::Dynamic,
        };
    }
    value.convert(ty)
}
