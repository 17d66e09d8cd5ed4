//! Refuses what would cost too much, before it costs anything.
//!
//! DataFusion without DDL and DML is not yet a sandbox: a chain of ten thousand ORs ends the process by its
//! stack, `repeat('x', 1e10)` by its memory.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Cast, Expr, LogicalPlan};
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use crate::error::QueryError;

/// Longest query text, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Most words and signs in a query; each may be a level of the syntax tree.
const TOKENS_MAX: usize = 8_000;

/// Most `and`, `or` and arithmetic signs, which nest one in the other.
const OPERATORS_MAX: usize = 500;

/// Longest text that a function may be told to make, and longest list.
const LENGTH_MAX: i64 = 65_536;

/// Longest regular expression, in bytes.
const PATTERN_BYTES_MAX: usize = 1_000;

/// Functions whose result is as large as an argument says.
const GROWING: [&str; 7] = [
    "repeat",
    "lpad",
    "rpad",
    "range",
    "generate_series",
    "array_resize",
    "array_repeat",
];

/// Bounds the length of a text.
fn check_length(text: &str) -> Result<(), QueryError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(over(format!(
            "the text is longer than {TEXT_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

/// Bounds the text before it is parsed.
pub(crate) fn check_text(text: &str) -> Result<(), QueryError> {
    check_length(text)?;
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let words = text
        .split(|character| !is_word(character))
        .filter(|word| !word.is_empty());
    let signs = text
        .chars()
        .filter(|sign| !is_word(*sign) && !sign.is_whitespace())
        .count();
    if words.clone().count() + signs > TOKENS_MAX {
        return Err(over(format!(
            "it has more than {TOKENS_MAX} words and signs"
        )));
    }
    let joining = words.filter(|word| {
        ["and", "or", "not", "union", "intersect", "except", "case"]
            .iter()
            .any(|operator| word.eq_ignore_ascii_case(operator))
    });
    let arithmetic = text
        .chars()
        .filter(|sign| "+-*/%|&^".contains(*sign))
        .count();
    if joining.count() + arithmetic > OPERATORS_MAX {
        return Err(over(format!("it has more than {OPERATORS_MAX} operators")));
    }
    Ok(())
}

/// Lets only statements pass that read; what they would do is then seen in their plan.
pub(crate) fn check_statement(statement: &Statement) -> Result<(), QueryError> {
    let reads = match statement {
        Statement::Explain(_) => true,
        Statement::Statement(inner) => matches!(
            inner.as_ref(),
            ast::Statement::Query(_)
                | ast::Statement::ExplainTable { .. }
                | ast::Statement::ShowTables { .. }
                | ast::Statement::ShowColumns { .. }
        ),
        _ => false,
    };
    let verb = || {
        statement
            .to_string()
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    if reads {
        Ok(())
    } else {
        Err(QueryError::NotReadOnly(verb()))
    }
}

/// Lets only plans pass that read, and whose functions are bounded.
pub(crate) fn check_plan(plan: &LogicalPlan) -> Result<(), QueryError> {
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(plan)
        .map_err(|error| QueryError::NotReadOnly(first_line(&error)))?;
    let mut refused = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                refused = refusal(part);
                Ok(if refused.is_some() {
                    TreeNodeRecursion::Stop
                } else {
                    TreeNodeRecursion::Continue
                })
            })
        })
    })?;
    refused.map_or(Ok(()), |reason| Err(over(reason)))
}

fn refusal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::ScalarFunction(call) => {
            let name = call.name();
            if GROWING.contains(&name) {
                let bounded = call
                    .args
                    .iter()
                    .skip(usize::from(!is_series(name)))
                    .all(is_bounded);
                return (!bounded)
                    .then(|| format!("{name} needs a literal length of at most {LENGTH_MAX}"));
            }
            if name.starts_with("regexp_") {
                return call
                    .args
                    .get(1)
                    .and_then(|pattern| pattern_refusal(name, pattern));
            }
            None
        }
        Expr::BinaryExpr(binary) if binary.op.to_string().contains('~') => {
            pattern_refusal("a regular expression", &binary.right)
        }
        Expr::SimilarTo(like) => pattern_refusal("similar to", &like.pattern),
        _ => None,
    }
}

fn is_series(name: &str) -> bool {
    name == "range" || name == "generate_series"
}

fn is_bounded(argument: &Expr) -> bool {
    match argument {
        Expr::Literal(value, _) => {
            let number = value.cast_to(&DataType::Int64);
            match number {
                Ok(ScalarValue::Int64(Some(number))) => number.abs() <= LENGTH_MAX,
                // Not a number, so not a length: the text that pads, or an interval.
                _ => !matches!(value, ScalarValue::IntervalMonthDayNano(_)),
            }
        }
        Expr::Negative(inner) | Expr::Cast(Cast { expr: inner, .. }) => is_bounded(inner),
        _ => false,
    }
}

fn pattern_refusal(what: &str, pattern: &Expr) -> Option<String> {
    let literal = match pattern {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => return Some(format!("{what} needs a literal pattern")),
    };
    literal
        .is_some_and(|text| text.len() > PATTERN_BYTES_MAX)
        .then(|| format!("{what} has a pattern of more than {PATTERN_BYTES_MAX} bytes"))
}

fn over(reason: String) -> QueryError {
    QueryError::OverLimit(reason)
}

fn first_line(error: &DataFusionError) -> String {
    error
        .strip_backtrace()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
