//! Operands: literals, names, calls, and what is picked out of them.

use super::{Parse, Parser, infix::Infix, infix::level};
use crate::{
    ast::{Argument, Call, Expr, ExprKind, Literal, Name, UnaryOperator},
    literal,
    span::Span,
    token::TokenKind,
    words,
};

impl Parser<'_> {
    /// A primary and what is picked out of it: `a.b["c"][0]`.
    pub(super) fn postfix(&mut self) -> Parse<Expr> {
        let mut expr = self.primary()?;
        loop {
            expr = match self.kind() {
                TokenKind::Dot => self.member(expr, false)?,
                TokenKind::OpenBracket => self.indexed(expr)?,
                _ => return Ok(expr),
            };
            self.height += 1;
            self.check_height()?;
        }
    }

    /// What follows a dot; a name with a wildcard only where tables are listed.
    pub(super) fn member(&mut self, base: Expr, takes_wildcard: bool) -> Parse<Expr> {
        self.at += 1;
        let start = base.span;
        let is_call = self.is_call();
        if self.is(TokenKind::OpenBracket) && !is_call {
            return self.indexed(base);
        }
        let base = Box::new(base);
        let kind = if takes_wildcard && let Some(member) = self.wildcard() {
            ExprKind::Path { base, member }
        } else if is_call {
            ExprKind::CallOn {
                base,
                call: self.call()?,
            }
        } else {
            ExprKind::Path {
                base,
                member: self.name(words::is_reference, "a name")?,
            }
        };
        Ok(Expr {
            kind,
            span: self.span_from(start),
        })
    }

    pub(super) fn indexed(&mut self, base: Expr) -> Parse<Expr> {
        self.at += 1;
        let start = base.span;
        let index = self.nested(Self::expression)?;
        self.expect_close(TokenKind::CloseBracket, "`]`")?;
        Ok(Expr {
            kind: ExprKind::Index {
                base: Box::new(base),
                index: Box::new(index),
            },
            span: self.span_from(start),
        })
    }

    fn primary(&mut self) -> Parse<Expr> {
        let start = self.peek().span;
        let kind = match self.kind() {
            TokenKind::OpenParen => {
                let inner = self.in_parens(Self::tabular)?;
                return Ok(Expr {
                    span: self.span_from(start),
                    ..inner
                });
            }
            TokenKind::Word => self.worded()?,
            TokenKind::OpenBracket if self.is_call() => ExprKind::Call(self.call()?),
            TokenKind::OpenBracket if self.bracketed(0).is_some() => {
                ExprKind::Name(self.plain_name("a name")?)
            }
            TokenKind::Star if self.is_any_column() => return Ok(self.star()),
            _ => ExprKind::Literal(self.literal("an expression")?),
        };
        Ok(Expr {
            kind,
            span: self.span_from(start),
        })
    }

    /// Whether a name and `(` stand here.
    pub(super) fn is_call(&self) -> bool {
        self.name_length(0, words::is_callable)
            .is_some_and(|length| self.kind_ahead(length) == TokenKind::OpenParen)
    }

    /// Whether `*` stands for any column here: `* has "a"`, `* == 1`.
    fn is_any_column(&self) -> bool {
        match self.infix(1) {
            Some((Infix::Binary(operator), _)) => {
                let level = super::infix::level_of(operator);
                level == level::TEXT || operator == crate::ast::BinaryOperator::Equal
            }
            _ => false,
        }
    }

    /// `*`, which is there.
    pub(super) fn star(&mut self) -> Expr {
        let span = self.bump().span;
        Expr {
            kind: ExprKind::Wildcard(Name {
                text: "*".to_owned(),
                span,
            }),
            span,
        }
    }

    /// What begins with a word.
    fn worded(&mut self) -> Parse<ExprKind> {
        let word = self.word();
        let is_call = self.kind_ahead(1) == TokenKind::OpenParen;
        match word {
            "datatable" => return self.datatable(),
            "externaldata" | "external_data" => return self.external_data(),
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => {
                return Ok(ExprKind::Literal(self.literal("a value")?));
            }
            "dynamic" | "typeof" if is_call => {
                return Ok(ExprKind::Literal(self.literal("a value")?));
            }
            _ => {}
        }
        if self.is_call() {
            return Ok(ExprKind::Call(self.call()?));
        }
        Ok(ExprKind::Name(
            self.name(words::is_reference, "an expression")?,
        ))
    }

    /// A name and its arguments.
    pub(super) fn call(&mut self) -> Parse<Call> {
        let name = self.name(words::is_callable, "the name of a function")?;
        let arguments = if words::takes_rows(&name.text) {
            self.in_parens(Self::rows_argument)?
        } else {
            self.arguments()?
        };
        Ok(Call { name, arguments })
    }

    fn rows_argument(&mut self) -> Parse<Vec<Argument>> {
        let value = self.tabular()?;
        Ok(vec![Argument { name: None, value }])
    }

    /// A literal without a sign.
    pub(super) fn literal(&mut self, expected: &str) -> Parse<Literal> {
        let token = self.peek();
        let text = self.text_of(token.span);
        let value = match token.kind {
            TokenKind::String => return Ok(Literal::String(self.string()?)),
            TokenKind::Long => literal::long(text).map(|value| Literal::Long(Some(value))),
            TokenKind::Real => literal::real(text).map(|value| Literal::Real(Some(value))),
            TokenKind::TimeSpan => Some(Literal::TimeSpan(Some(text.to_owned()))),
            TokenKind::Guid => return self.fail_at(token.span, format!("write guid({text})")),
            TokenKind::Typed(ty) => {
                let open = text.find('(').map_or(text.len(), |at| at + 1);
                let inside = text.get(open..text.len() - 1).unwrap_or_default();
                literal::typed(ty, inside)
            }
            TokenKind::Word => match text {
                "true" | "True" | "TRUE" => Some(Literal::Bool(Some(true))),
                "false" | "False" | "FALSE" => Some(Literal::Bool(Some(false))),
                "dynamic" if self.kind_ahead(1) == TokenKind::OpenParen => return self.dynamic(),
                "typeof" if self.kind_ahead(1) == TokenKind::OpenParen => {
                    return self.type_literal();
                }
                _ => return self.fail(expected),
            },
            _ => return self.fail(expected),
        };
        let Some(value) = value else {
            return self.fail_at(token.span, format!("`{text}` is no value of its type"));
        };
        self.at += 1;
        Ok(value)
    }

    /// A literal, maybe with a sign, as an expression.
    pub(super) fn signed_literal(&mut self) -> Parse<Expr> {
        let start = self.peek().span;
        let operator = match self.kind() {
            TokenKind::Minus => Some(UnaryOperator::Minus),
            TokenKind::Plus => Some(UnaryOperator::Plus),
            _ => None,
        };
        self.at += usize::from(operator.is_some());
        if operator == Some(UnaryOperator::Minus)
            && let Some(lowest) = self.lowest_long(start)
        {
            return Ok(lowest);
        }
        let operand_start = self.peek().span;
        let literal = ExprKind::Literal(self.literal("a value")?);
        let span = self.span_from(operand_start);
        let value = Expr {
            kind: literal,
            span,
        };
        self.height = self.height.max(2);
        Ok(match operator {
            None => value,
            Some(operator) => Expr {
                kind: ExprKind::Unary {
                    operator,
                    operand: Box::new(value),
                },
                span: start.to(span),
            },
        })
    }

    /// The one number that has no positive counterpart, behind its sign.
    pub(super) fn lowest_long(&mut self, start: Span) -> Option<Expr> {
        let token = self.peek();
        let is_lowest =
            token.kind == TokenKind::Long && self.text_of(token.span) == "9223372036854775808";
        is_lowest.then(|| {
            self.at += 1;
            Expr {
                kind: ExprKind::Literal(Literal::Long(Some(i64::MIN))),
                span: start.to(token.span),
            }
        })
    }

    /// A name with `*` in it, if one stands here: its parts touch each other.
    pub(super) fn wildcard(&mut self) -> Option<Name> {
        let start = self.peek().span;
        let mut has_star = false;
        let mut length = 0;
        let mut end = start.start;
        loop {
            let token = self.ahead(length);
            let is_part = match token.kind {
                TokenKind::Star => true,
                TokenKind::Word => {
                    let word = self.text_of(token.span);
                    (length == 0 || has_star)
                        && (words::is_declarable(word) || words::is_reference(word))
                }
                TokenKind::Long => has_star,
                _ => false,
            };
            if !is_part || token.span.start != end {
                break;
            }
            has_star |= token.kind == TokenKind::Star;
            end = token.span.end;
            length += 1;
        }
        has_star.then(|| {
            self.at += length;
            let span = self.span_from(start);
            let text = self.text_of(span).to_owned();
            Name { text, span }
        })
    }

    /// A name, or one with a wildcard.
    pub(super) fn name_or_wildcard(&mut self) -> Parse<Expr> {
        let (kind, span) = match self.wildcard() {
            Some(name) => {
                let span = name.span;
                (ExprKind::Wildcard(name), span)
            }
            None => {
                let name = self.plain_name("the name of a column")?;
                let span = name.span;
                (ExprKind::Name(name), span)
            }
        };
        self.height = self.height.max(1);
        Ok(Expr { kind, span })
    }

    /// A name and a path from it, without calls.
    pub(super) fn path(&mut self) -> Parse<Expr> {
        let name = self.name(words::is_reference, "the name of a column")?;
        let span = name.span;
        let mut expr = Expr {
            kind: ExprKind::Name(name),
            span,
        };
        loop {
            expr = match self.kind() {
                TokenKind::Dot if self.kind_ahead(1) == TokenKind::OpenBracket => {
                    self.at += 1;
                    self.indexed(expr)?
                }
                TokenKind::Dot => {
                    self.at += 1;
                    let member = self.name(words::is_reference, "a name")?;
                    let base = Box::new(expr);
                    let span = self.span_from(span);
                    let kind = ExprKind::Path { base, member };
                    Expr { kind, span }
                }
                TokenKind::OpenBracket => self.indexed(expr)?,
                _ => return Ok(expr),
            };
            self.height += 1;
            self.check_height()?;
        }
    }
}
