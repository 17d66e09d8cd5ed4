//! `partition`, `facet`, `fork`, `invoke`: subqueries over parts or copies of the rows.

use std::rc::Rc;

use kql_syntax::Span;
use kql_syntax::ast::{Call, Expr, ExprKind, ForkBranch, Name, Operator, PartitionBody};

use crate::bind::{Binder, Binding, Row, Scope};
use crate::error::{Bind, Refusal};
use crate::relation::{Hidden, Relation};

impl Binder<'_> {
    pub(super) fn partition(
        &self,
        input: Relation,
        by: &Expr,
        body: &PartitionBody,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let PartitionBody::Operators(body) = body else {
            return Err(Refusal::at(
                by.span,
                "partition takes operators in parentheses: partition by Key ( operators )",
            ));
        };
        let bound = self.scalar(by, &Row::of(&input.columns), scope)?;
        let name = self.fresh("part");
        let expr = input.lowering(self.frame()).expr(&bound)?;
        let outside = input.hidden.clone();
        let hidden = Hidden {
            name,
            ty: bound.ty,
            is_key: true,
        };
        let mut rows = input.add_hidden(hidden, expr)?;
        let inner = Scope::within(scope);
        for operator in body {
            rows = self.operator_on(rows, operator, &inner)?;
        }
        let names: Vec<_> = rows.columns.iter().map(|(name, _)| name.clone()).collect();
        rows.hidden = outside;
        rows.order.clear();
        rows.select(&names)
    }

    pub(super) fn facet(
        &self,
        input: Relation,
        by: &[Expr],
        with: &[Operator],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        for column in by {
            let counted = self.count_by(input.clone(), column, scope)?;
            self.side_results
                .borrow_mut()
                .push((crate::names::implied(column).unwrap_or_default(), counted));
        }
        let inner = Scope::within(scope);
        let mut rows = input;
        for operator in with {
            rows = self.operator_on(rows, operator, &inner)?;
        }
        if !with.is_empty() {
            self.side_results
                .borrow_mut()
                .push(("with".to_owned(), rows.clone()));
        }
        Ok(rows)
    }

    /// How many rows have each value.
    fn count_by(&self, input: Relation, value: &Expr, scope: &Rc<Scope>) -> Bind<Relation> {
        let count = Expr {
            kind: ExprKind::Call(Call {
                name: Name {
                    text: "count".to_owned(),
                    span: value.span,
                },
                arguments: Vec::new(),
            }),
            span: value.span,
        };
        self.summarize(input, &[count.into()], &[value.clone().into()], scope)
    }

    pub(super) fn fork(
        &self,
        input: Relation,
        branches: &[ForkBranch],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        for (place, branch) in branches.iter().enumerate() {
            let inner = Scope::within(scope);
            let mut rows = input.clone();
            for operator in &branch.operators {
                rows = self.operator_on(rows, operator, &inner)?;
            }
            let name = branch
                .name
                .as_ref()
                .map_or_else(|| format!("fork_{place}"), |name| name.text.clone());
            self.side_results.borrow_mut().push((name, rows));
        }
        Ok(input)
    }

    /// `T | invoke f(x)` is `f(T, x)`.
    pub(super) fn invoke(
        &self,
        input: Relation,
        call: &Call,
        span: Span,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let mut arguments = vec![(None, Binding::Tabular(input), span)];
        arguments.extend(self.arguments(&call.arguments, &Row::default(), scope)?);
        match scope.find(&call.name.text) {
            Some(Binding::Function(function, home)) => {
                self.call_tabular(&function, &home, arguments, span)
            }
            _ => match self.stored(&call.name.text, span)? {
                Some(function) => {
                    self.call_tabular(&function, &Rc::new(Scope::default()), arguments, span)
                }
                None => Err(Refusal::at(
                    call.name.span,
                    format!("there is no function '{}'", call.name.text),
                )),
            },
        }
    }
}
