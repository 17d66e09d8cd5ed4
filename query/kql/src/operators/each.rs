//! `partition` in its old form: a query for each value of a key.

use std::rc::Rc;

use kql_syntax::ast::{Expr, Type};

use crate::bind::{Binder, Binding, Row, Scope};
use crate::bound::Bound;
use crate::error::{Bind, Refusal};
use crate::relation::Relation;

/// Most values of a key for each of which a subquery of its own runs.
const KEYS_MAX: usize = 64;

impl Binder<'_> {
    /// The old form: a query for each value of the key, which it reads by the key's name.
    pub(super) fn for_each_key(
        &self,
        input: Relation,
        by: &Expr,
        body: &Expr,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let key = self.scalar(by, &Row::of(&input.columns), scope)?;
        let ty = key.ty;
        let name = crate::names::implied(by).unwrap_or_default();
        let summary = super::summarize::Summary {
            keys: vec![("key".to_owned(), key)],
            ..Default::default()
        };
        let keys = self.apply_summary(input, summary)?;
        let mut parts = Vec::new();
        for value in self.values(keys, KEYS_MAX + 1)?.into_iter().flatten() {
            let inner = Scope::within(scope);
            let value = Bound::literal(value, Type::Dynamic).retyped(ty);
            inner.define(name.clone(), Binding::Scalar(value));
            parts.push(self.tabular(body, &inner)?);
        }
        if parts.len() > KEYS_MAX {
            let text = format!(
                "a subquery in braces runs for {KEYS_MAX} values at most; partition by Key ( operators ) has no such bound"
            );
            return Err(Refusal::at(by.span, text));
        }
        if parts.is_empty() {
            return Err(Refusal::at(by.span, "there is no row, so no query to run"));
        }
        super::union::together(parts, false, None)
    }
}
