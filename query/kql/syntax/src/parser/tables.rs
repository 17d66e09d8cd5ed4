//! Operators that bring in other tables, or take rows apart.

use super::{Parse, Parser};
use crate::{
    ast::{BinaryOperator, Expr, ExprKind, Join, MvColumn, MvExpand, OperatorKind, Type, Union},
    logic,
    token::TokenKind,
};

/// Options of `union`.
const UNION_OPTIONS: &[&str] = &[
    "kind",
    "withsource",
    "with_source",
    "isfuzzy",
    "best_effort",
    "force_remote",
];

impl Parser<'_> {
    pub(super) fn join(&mut self) -> Parse<OperatorKind> {
        Ok(OperatorKind::Join(self.join_parts()?))
    }

    pub(super) fn lookup(&mut self) -> Parse<OperatorKind> {
        Ok(OperatorKind::Lookup(self.join_parts()?))
    }

    fn join_parts(&mut self) -> Parse<Join> {
        let properties = self.properties(&["kind", "withsource", "with_source"])?;
        let right = Box::new(self.expression()?);
        self.expect_word("on")?;
        let conditions = self.list(Self::expression)?;
        let split = |condition| logic::flattened(BinaryOperator::And, vec![condition]);
        let on = conditions.into_iter().flat_map(split).collect();
        Ok(Join {
            properties,
            right,
            on,
        })
    }

    pub(super) fn union(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(UNION_OPTIONS)?;
        let inputs = self.list(Self::table)?;
        Ok(OperatorKind::Union(Union { properties, inputs }))
    }

    /// A table, many by a wildcard, or a tabular expression in parentheses.
    pub(super) fn table(&mut self) -> Parse<Expr> {
        if let Some(name) = self.wildcard() {
            let span = name.span;
            self.height = self.height.max(1);
            return Ok(Expr {
                kind: ExprKind::Wildcard(name),
                span,
            });
        }
        let start = self.peek().span;
        let mut expr = match self.kind() {
            TokenKind::OpenParen => return self.in_parens(Self::tabular),
            _ if self.is_call() => {
                let kind = ExprKind::Call(self.call()?);
                let span = self.span_from(start);
                Expr { kind, span }
            }
            _ => {
                let name = self.name(crate::words::is_reference, "a table")?;
                let span = name.span;
                let kind = ExprKind::Name(name);
                Expr { kind, span }
            }
        };
        loop {
            expr = match self.kind() {
                TokenKind::Dot => self.member(expr, true)?,
                TokenKind::OpenBracket => self.indexed(expr)?,
                _ => return Ok(expr),
            };
            self.height += 1;
            self.check_height()?;
        }
    }

    pub(super) fn mv_expand(&mut self) -> Parse<OperatorKind> {
        Ok(OperatorKind::MvExpand(self.expanded()?))
    }

    pub(super) fn mv_apply(&mut self) -> Parse<OperatorKind> {
        let expand = self.expanded()?;
        self.expect_word("on")?;
        let body = self.body()?;
        Ok(OperatorKind::MvApply { expand, body })
    }

    fn expanded(&mut self) -> Parse<MvExpand> {
        let properties = self.properties(&["bagexpansion", "kind", "with_itemindex"])?;
        let columns = self.list(Self::mv_column)?;
        let limit = if self.eat_word("limit") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(MvExpand {
            properties,
            columns,
            limit,
        })
    }

    fn mv_column(&mut self) -> Parse<MvColumn> {
        let value = self.named()?;
        let to = if self.eat_word("to") {
            Some(self.typeof_one()?)
        } else {
            None
        };
        Ok(MvColumn { value, to })
    }

    fn typeof_one(&mut self) -> Parse<Type> {
        self.expect_word("typeof")?;
        self.in_parens(Self::type_argument)
    }
}
