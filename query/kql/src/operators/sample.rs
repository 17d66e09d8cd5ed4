//! `sample`: rows by chance.

use std::rc::Rc;

use datafusion::logical_expr::LogicalPlanBuilder;
use kql_syntax::ast::{Expr, Type};

use crate::bind::{Binder, Scope};
use crate::error::Bind;
use crate::lower::column;
use crate::relation::{Hidden, Relation};

impl Binder<'_> {
    /// Rows taken by chance.
    pub(super) fn sample(
        &self,
        input: Relation,
        count: &Expr,
        scope: &Rc<Scope>,
    ) -> Bind<Relation> {
        let count = self.count(count, scope)?;
        let name = self.fresh("chance");
        let hidden = Hidden {
            name: name.clone(),
            ty: Type::Real,
            is_key: false,
        };
        let mut drawn = input.add_hidden(
            hidden,
            datafusion::functions::math::random().call(Vec::new()),
        )?;
        drawn.order = vec![column(&name).sort(true, false)];
        if drawn.keys().is_empty() {
            drawn.plan = LogicalPlanBuilder::from(drawn.plan)
                .sort(drawn.order.clone())?
                .build()?;
        }
        let mut drawn = self.first_rows(drawn, count)?;
        drawn.order.clear();
        drawn.drop_hidden(&[name])
    }
}
