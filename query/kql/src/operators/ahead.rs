//! Conditions that work before the operator they stand behind.

use std::rc::Rc;

use kql_syntax::ast::{BinaryOperator, Expr, ExprKind, Join, Operator, OperatorKind};

use super::summarize::visit;
use super::word;
use crate::bind::{Binder, Row, Scope};
use crate::bound::{Bound, Kind};
use crate::error::Bind;
use crate::relation::Relation;

impl Binder<'_> {
    /// Rows of the left side that conditions behind an `innerunique` join keep. The documentation has such conditions
    /// work before one row is chosen for each key, so that the chosen one is not lost to them.
    pub(crate) fn filtered_before(
        &self,
        mut left: Relation,
        join: &Join,
        after: &[Operator],
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let kind = word(&join.properties, "kind");
        if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("innerunique")) {
            return Ok(left);
        }
        for operator in after {
            let OperatorKind::Where(condition) = &operator.kind else {
                break;
            };
            for part in conjuncts(condition) {
                // What cannot be read from the left side alone is left to the operator itself.
                let Ok(bound) = self.condition(part, &Row::of(&left.columns), scope) else {
                    continue;
                };
                let mut reads = false;
                visit(&bound, &mut |_| reads = true);
                if reads && !self.is_volatile(&bound) {
                    left = left.filter(self.frame(), &bound)?;
                }
            }
        }
        Ok(left)
    }

    /// Whether two readings of an expression may differ.
    fn is_volatile(&self, bound: &Bound) -> bool {
        match &bound.kind {
            Kind::Literal(_) | Kind::Column(_) => false,
            Kind::Call(name, arguments) => {
                let function = self.environment.language.functions.scalar(name);
                function.is_some_and(|function| function.is_volatile)
                    || arguments.iter().any(|one| self.is_volatile(one))
            }
            Kind::Convert(inner) | Kind::Result(inner, _) => self.is_volatile(inner),
            Kind::Path(base, steps) => {
                self.is_volatile(base) || steps.iter().any(|step| self.is_volatile(step))
            }
        }
    }
}

/// The conditions that `and` joins.
fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    let mut parts = Vec::new();
    let mut here = condition;
    while let ExprKind::Binary {
        operator: BinaryOperator::And,
        left,
        right,
    } = &here.kind
    {
        parts.push(right.as_ref());
        here = left;
    }
    parts.push(here);
    parts
}
