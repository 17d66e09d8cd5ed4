//! Projections of wide tables, most of whose columns pass through. The engine would look each of them up by its name, and write out
//! the names of all.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::{Column, DFSchema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlan, Projection};

/// A projection, its schema put together from the fields that the input has.
pub(crate) fn project(
    exprs: Vec<Expr>,
    input: Arc<LogicalPlan>,
) -> Result<LogicalPlan, DataFusionError> {
    let schema = input.schema();
    let fields = schema.fields().iter();
    let known: HashMap<&str, _> = fields.map(|field| (field.name().as_str(), field)).collect();
    let is_plain = schema.functional_dependencies().is_empty();
    if !is_plain || known.len() != schema.fields().len() {
        return Ok(LogicalPlan::Projection(Projection::try_new(exprs, input)?));
    }
    let field = |expr: &Expr| {
        let passing = passing(expr).and_then(|column| known.get(column.name.as_str()));
        match passing {
            Some(field) => Ok((None, Arc::clone(field))),
            None => expr.to_field(schema.as_ref()),
        }
    };
    let fields = exprs.iter().map(field).collect::<Result<_, _>>()?;
    let schema = DFSchema::new_with_metadata(fields, schema.metadata().clone())?;
    let projection = Projection::try_new_with_schema(exprs, input, Arc::new(schema))?;
    Ok(LogicalPlan::Projection(projection))
}

/// The column that comes out under its own name, and without that of a table.
fn passing(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) if column.relation.is_none() => Some(column),
        Expr::Alias(alias) if alias.relation.is_none() && alias.metadata.is_none() => {
            let column = alias.expr.try_as_col()?;
            (column.name == alias.name).then_some(column)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::logical_expr::logical_plan::table_scan;
    use datafusion::logical_expr::{col, ident, lit};

    use super::*;

    #[test]
    fn the_schema_is_that_of_the_engine() {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Int64, false),
            Field::new("b", DataType::Utf8, true),
        ]);
        let scan = table_scan(Some("t"), &schema, None).unwrap();
        let input = Arc::new(scan.build().unwrap());
        let exprs = vec![
            col("t.b").alias("b"),
            ident("a"),
            (ident("a") + lit(1)).alias("c"),
            col("t.a").alias("d"),
        ];
        let ours = project(exprs.clone(), Arc::clone(&input)).unwrap();
        let theirs = Projection::try_new(exprs, input).unwrap();
        assert_eq!(ours.schema(), &theirs.schema);
        assert!(project(vec![ident("x")], Arc::new(ours)).is_err());
    }
}
