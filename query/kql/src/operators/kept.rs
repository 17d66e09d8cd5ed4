//! Rows that are the same wherever a query reads them: `materialize`, `as hint.materialized = true`.

use datafusion::common::tree_node::TreeNode as _;
use datafusion::logical_expr::Expr;

use crate::error::Bind;
use crate::node::RowsNode;
use crate::relation::Relation;

/// What takes something from chance is kept; all else comes out the same, and is read anew, past fewer rows where
/// conditions follow.
pub(crate) fn kept(input: Relation) -> Bind<Relation> {
    let is_by_chance = input
        .plan
        .exists(|plan| Ok(plan.expressions().iter().any(Expr::is_volatile)))?;
    if !is_by_chance || !input.keys().is_empty() {
        return Ok(input);
    }
    let (hidden, keys) = input.order_places();
    let columns = input.as_they_are();
    let shown = Relation { hidden, ..input }.project_lowered(columns)?;
    let mut all = shown.columns.clone();
    all.extend(shown.hidden.iter().map(|one| (one.name.clone(), one.ty)));
    let plan = RowsNode::keeping("materialize", shown.plan, keys, all)?;
    let plan = crate::catalog::unqualified(plan)?;
    Ok(Relation { plan, ..shown })
}
