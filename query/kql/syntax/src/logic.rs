//! Long `and` and `or`: as low a tree as there can be, so that whoever walks it needs little stack.

use crate::ast::{BinaryOperator, Expr, ExprKind};

/// `a or b or c ...` of its operands, which must be at least one; operands that are such a chain themselves become
/// part of it. Whatever the parentheses in the text were, the same operands make the same tree.
#[must_use]
pub fn chain(operator: BinaryOperator, operands: Vec<Expr>) -> Option<Expr> {
    balanced(operator, flattened(operator, operands))
}

/// Operands of a chain, in order, however it is nested.
pub(crate) fn flattened(operator: BinaryOperator, operands: Vec<Expr>) -> Vec<Expr> {
    let mut open: Vec<Expr> = operands.into_iter().rev().collect();
    let mut flat = Vec::with_capacity(open.len());
    while let Some(expr) = open.pop() {
        match expr.kind {
            ExprKind::Binary {
                operator: inner,
                left,
                right,
            } if inner == operator => open.extend([*right, *left]),
            kind => flat.push(Expr { kind, ..expr }),
        }
    }
    flat
}

/// Joins neighbours until one is left: as many rounds as the tree has levels.
fn balanced(operator: BinaryOperator, mut operands: Vec<Expr>) -> Option<Expr> {
    while operands.len() > 1 {
        let mut joined = Vec::with_capacity(operands.len().div_ceil(2));
        let mut rest = operands.into_iter();
        while let Some(left) = rest.next() {
            joined.push(match rest.next() {
                Some(right) => Expr {
                    span: left.span.to(right.span),
                    kind: ExprKind::Binary {
                        operator,
                        left: Box::new(left),
                        right: Box::new(right),
                    },
                },
                None => left,
            });
        }
        operands = joined;
    }
    operands.pop()
}

/// Levels that a chain of so many operands has above them.
pub(crate) fn levels(operands: usize) -> usize {
    operands.next_power_of_two().trailing_zeros() as usize
}

/// Whether the operator makes chains of this sort.
pub(crate) fn is_logical(operator: BinaryOperator) -> bool {
    matches!(operator, BinaryOperator::And | BinaryOperator::Or)
}
