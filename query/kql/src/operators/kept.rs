//! Rows that are the same wherever a query reads them: `materialize`, `as hint.materialized = true`.

use datafusion::common::tree_node::TreeNode as _;
use datafusion::logical_expr::{Expr, SortExpr};

use crate::error::Bind;
use crate::node::RowsNode;
use crate::relation::Relation;

/// What takes something from chance is kept; all else comes out the same, and is read anew, past fewer rows where
/// conditions follow.
pub(crate) fn kept(input: Relation) -> Bind<Relation> {
    let is_by_chance = input
        .plan
        .exists(|plan| Ok(plan.expressions().iter().any(Expr::is_volatile)))?;
    if !is_by_chance || !input.hidden.is_empty() {
        return Ok(input);
    }
    let place = |key: &SortExpr| {
        let Expr::Column(column) = &key.expr else {
            return None;
        };
        let mut columns = input.columns.iter();
        let place = columns.position(|(name, _)| *name == column.name)?;
        Some((place, key.asc, key.nulls_first))
    };
    let order = input.order.iter().filter_map(place).collect();
    let (name, columns) = (input.name.clone(), input.columns.clone());
    let names: Vec<_> = columns.iter().map(|(name, _)| name.clone()).collect();
    let shown = input.select(&names)?.plan;
    let plan = RowsNode::keeping("materialize", shown, order, columns.clone())?;
    let plan = crate::catalog::unqualified(plan)?;
    Ok(Relation {
        name,
        ..Relation::new(plan, columns)
    })
}
