//! Functions that a query defines: put in place of their calls.

use std::rc::Rc;

use kql_syntax::Span;
use kql_syntax::ast::{Function, Parameter, ParameterType, Query, Statement};

use super::{Binder, Binding, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal};
use crate::relation::Relation;

type Arguments = Vec<(Option<String>, Binding, Span)>;

impl Binder<'_> {
    /// A call whose result is one value.
    pub(super) fn call_scalar(
        &self,
        function: &Rc<Function>,
        home: &Rc<Scope>,
        arguments: Arguments,
        span: Span,
    ) -> Bind<Bound> {
        self.deeper(span, || {
            let inner = self.bind_parameters(function, home, arguments, span)?;
            let result = self.body(&function.body, &inner, span)?;
            self.scalar(result, &Row::default(), &inner)
        })
    }

    /// A call whose result is a table.
    pub(crate) fn call_tabular(
        &self,
        function: &Rc<Function>,
        home: &Rc<Scope>,
        arguments: Arguments,
        span: Span,
    ) -> Bind<Relation> {
        self.deeper(span, || {
            let inner = self.bind_parameters(function, home, arguments, span)?;
            let result = self.body(&function.body, &inner, span)?;
            self.tabular(result, &inner)
        })
    }

    /// Binds the `let`s of a body; gives its last expression.
    fn body<'b>(
        &self,
        body: &'b [Statement],
        scope: &Rc<Scope>,
        span: Span,
    ) -> Bind<&'b kql_syntax::ast::Expr> {
        let Some((Statement::Expr(result), before)) = body.split_last() else {
            return Err(Refusal::at(
                span,
                "the body of this function has no result: its last statement is an expression",
            ));
        };
        for statement in before {
            self.statement(statement, scope)?;
        }
        Ok(result)
    }

    fn bind_parameters(
        &self,
        function: &Function,
        home: &Rc<Scope>,
        arguments: Arguments,
        span: Span,
    ) -> Bind<Rc<Scope>> {
        let inner = Scope::within(home);
        let mut given: Vec<Option<(Binding, Span)>> = vec![None; function.parameters.len()];
        for (next, (name, binding, at)) in arguments.into_iter().enumerate() {
            let place = match &name {
                Some(name) => function
                    .parameters
                    .iter()
                    .position(|one| one.name.text == *name),
                None => Some(next),
            };
            let slot = place.and_then(|place| given.get_mut(place));
            let Some(slot) = slot else {
                let text = match name {
                    Some(name) => format!("this function has no parameter '{name}'"),
                    None => format!(
                        "this function takes {} arguments",
                        function.parameters.len()
                    ),
                };
                return Err(Refusal::at(at, text));
            };
            *slot = Some((binding, at));
        }
        for (parameter, given) in function.parameters.iter().zip(given) {
            let binding = self.parameter(parameter, given, home, span)?;
            inner.define(parameter.name.text.clone(), binding);
        }
        Ok(inner)
    }

    fn parameter(
        &self,
        parameter: &Parameter,
        given: Option<(Binding, Span)>,
        home: &Rc<Scope>,
        span: Span,
    ) -> Bind<Binding> {
        match (&parameter.ty, given) {
            (ParameterType::Scalar(ty), Some((Binding::Scalar(bound), _))) => {
                Ok(Binding::Scalar(bound.convert(*ty)))
            }
            (ParameterType::Tabular(columns), Some((Binding::Tabular(relation), at))) => {
                for column in columns.iter().filter(|column| column.name.text != "*") {
                    if !relation.has(&column.name.text) {
                        let text = format!(
                            "the table for '{}' has no column '{}'",
                            parameter.name.text, column.name.text
                        );
                        return Err(Refusal::at(at, text));
                    }
                }
                Ok(Binding::Tabular(relation))
            }
            (ParameterType::Scalar(ty), None) => match &parameter.default {
                Some(default) => Ok(Binding::Scalar(self.constant(default, home)?.convert(*ty))),
                None => Err(Refusal::at(
                    span,
                    format!("the argument '{}' is missing", parameter.name.text),
                )),
            },
            (ParameterType::Tabular(_), None) => Err(Refusal::at(
                span,
                format!("the table for '{}' is missing", parameter.name.text),
            )),
            (ParameterType::Scalar(_), Some((_, at))) => Err(Refusal::at(
                at,
                format!(
                    "'{}' is one value, and this is a table",
                    parameter.name.text
                ),
            )),
            (ParameterType::Tabular(_), Some((_, at))) => Err(Refusal::at(
                at,
                format!(
                    "'{}' is a table, and this is one value",
                    parameter.name.text
                ),
            )),
        }
    }

    /// A function that the catalog stores as text.
    pub(crate) fn stored(&self, name: &str, span: Span) -> Bind<Option<Rc<Function>>> {
        let Some(text) = self.environment.catalog.function(name) else {
            return Ok(None);
        };
        let text = format!("let stored = {text};");
        let parsed = kql_syntax::parse(&text);
        let Ok(Query { statements }) = parsed else {
            return Err(Refusal::at(
                span,
                format!("the stored function '{name}' cannot be read"),
            ));
        };
        match statements.into_iter().next() {
            Some(Statement::Let { value, .. }) => match value.kind {
                kql_syntax::ast::ExprKind::Function(function) => Ok(Some(Rc::from(function))),
                _ => Err(Refusal::at(
                    span,
                    format!("the stored function '{name}' is no function"),
                )),
            },
            _ => Err(Refusal::at(
                span,
                format!("the stored function '{name}' is empty"),
            )),
        }
    }
}
