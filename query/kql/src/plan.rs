//! A query's text to the plans of its results.

use std::rc::Rc;

use datafusion::logical_expr::{LogicalPlan, SortExpr};
use kql_syntax::ast::{Query, Statement, Type};
use kql_values::Value;

use crate::bind::{Binder, Scope};
use crate::bound::Bound;
use crate::catalog::{Catalog, Evaluate};
use crate::error::{Bind, KqlError, Refusal};
use crate::language::Language;
use crate::relation::Relation;

/// What a query is planned in.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// Tables and stored functions.
    pub catalog: &'a dyn Catalog,
    /// Computes what must be known before the whole can be planned.
    pub evaluate: &'a dyn Evaluate,
    /// Functions of the language.
    pub language: &'a Language,
    /// What `now()` gives unless the query sets `query_now`, in ticks of 100 ns since 1970-01-01.
    pub now: i64,
    /// What `current_database()` gives.
    pub database: &'a str,
    /// Values of `declare query_parameters`, as text.
    pub parameters: &'a [(String, String)],
}

/// A result of a query.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its name, if it has one: `fork` and `facet` give several results.
    pub name: Option<String>,
    /// Gives its rows; the columns are as stated, in order.
    pub plan: LogicalPlan,
    /// Names and types.
    pub columns: Vec<(String, Type)>,
    /// How it wants to be shown.
    pub render: Option<Render>,
    /// What the reader of the rows has to know: `externaldata` that could not be read, for example.
    pub warnings: Vec<String>,
}

/// The hint of `render`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Render {
    /// `timechart`, `columnchart`, ...
    pub chart: String,
    /// `title`, `xcolumn`, ... as text.
    pub properties: Vec<(String, String)>,
}

/// Plans the results of a query, in the order of its statements.
pub fn plan(text: &str, environment: &Environment<'_>) -> Result<Vec<Planned>, KqlError> {
    let query = kql_syntax::parse(text)?;
    let now = as_of(&query, environment).map_err(|refusal| refusal.place(text))?;
    let environment = Environment {
        now,
        ..*environment
    };
    let binder = Binder::new(&environment);
    let scope = Rc::new(Scope::default());
    let mut results = Vec::new();
    for statement in &query.statements {
        let bound = binder
            .statement(statement, &scope)
            .map_err(|refusal| refusal.place(text))?;
        let Some(relation) = bound else { continue };
        let render = binder.render.take();
        let side = binder.side_results.take();
        if side.is_empty() {
            results.push(finish(relation, None, render).map_err(|refusal| refusal.place(text))?);
        }
        for (name, relation) in side {
            results
                .push(finish(relation, Some(name), None).map_err(|refusal| refusal.place(text))?);
        }
    }
    if results.is_empty() {
        let end = kql_syntax::Span::default();
        return Err(Refusal::at(
            end,
            "the query has no result: its last statement is no expression",
        )
        .place(text));
    }
    let warnings = binder.warnings.take();
    for result in &mut results {
        result.warnings.clone_from(&warnings);
    }
    Ok(results)
}

/// The time that `set query_now` names, or that of the environment.
fn as_of(query: &Query, environment: &Environment<'_>) -> Bind<i64> {
    let set = query.statements.iter().rev().find_map(|each| match each {
        Statement::Set { name, value } if name.text == "query_now" => value.as_ref(),
        _ => None,
    });
    let Some(value) = set else {
        return Ok(environment.now);
    };
    let named = Binder::new(environment).constant(value, &Rc::default())?;
    match named.convert(Type::DateTime).constant() {
        Some(Value::DateTime(ticks)) => Ok(*ticks),
        _ => Err(Refusal::at(value.span, "query_now is a datetime")),
    }
}

fn finish(mut relation: Relation, name: Option<String>, render: Option<Render>) -> Bind<Planned> {
    if !relation.order.is_empty() && !is_sorted(&relation.plan, &relation.order) {
        // The engine keeps an order only as far as something asks for it; where it is there, this costs nothing.
        relation.plan = relation.builder().sort(relation.order.clone())?.build()?;
    }
    let names: Vec<_> = relation
        .columns
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    let fields = relation.plan.schema().fields();
    let is_exact = fields.len() == names.len()
        && fields
            .iter()
            .zip(&names)
            .all(|(field, name)| field.name() == name);
    if !is_exact {
        relation = relation.unordered().select(&names)?;
    }
    Ok(Planned {
        name,
        plan: relation.plan,
        columns: relation.columns,
        render,
        warnings: Vec::new(),
    })
}

fn is_sorted(plan: &LogicalPlan, order: &[SortExpr]) -> bool {
    match plan {
        LogicalPlan::Limit(limit) => is_sorted(&limit.input, order),
        LogicalPlan::Sort(sort) => sort.expr == order,
        _ => false,
    }
}

/// A parameter's text as a value: a literal of KQL, or plain text.
pub(crate) fn parameter(text: &str, ty: Type) -> Bound {
    if ty == Type::String {
        let unquoted =
            kql_syntax::parse(text)
                .ok()
                .and_then(|query| match query.statements.as_slice() {
                    [Statement::Expr(expr)] => match &expr.kind {
                        kql_syntax::ast::ExprKind::Literal(kql_syntax::ast::Literal::String(
                            inner,
                        )) => Some(inner.clone()),
                        _ => None,
                    },
                    _ => None,
                });
        return Bound::string(unquoted.unwrap_or_else(|| text.to_owned()));
    }
    let literal =
        kql_syntax::parse(text)
            .ok()
            .and_then(|query| match query.statements.as_slice() {
                [Statement::Expr(expr)] => match &expr.kind {
                    kql_syntax::ast::ExprKind::Literal(literal) => {
                        kql_values::convert::literal(literal).ok()
                    }
                    _ => None,
                },
                _ => None,
            });
    let value = literal.unwrap_or_else(|| Value::String(text.to_owned()));
    Bound::literal(value.convert(ty), Type::Dynamic).retyped(ty)
}
