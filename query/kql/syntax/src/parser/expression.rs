//! Expressions: operands on one stack, operators on another, so that a long chain needs no deep one.

use super::{
    Parse, Parser, Stop,
    infix::{Infix, is_chain, level},
};
use crate::{
    ast::{Argument, BinaryOperator, Expr, ExprKind, NamedExpr, UnaryOperator},
    hints, logic,
    token::TokenKind,
    words,
};

/// What was read so far and waits for its operator.
struct Operand {
    value: Value,
    /// Levels of its tree.
    height: usize,
    /// How tightly its own operator binds.
    level: u8,
}

enum Value {
    One(Expr),
    /// Operands of a chain of `and` or `or`.
    Chain(BinaryOperator, Vec<Expr>),
}

impl Operand {
    fn into_expr(self) -> Option<Expr> {
        match self.value {
            Value::One(expr) => Some(expr),
            Value::Chain(operator, operands) => logic::chain(operator, operands),
        }
    }

    fn into_chain(self, operator: BinaryOperator) -> Vec<Expr> {
        match self.value {
            Value::Chain(inner, operands) if inner == operator => operands,
            Value::Chain(inner, operands) => logic::chain(inner, operands).into_iter().collect(),
            Value::One(expr) => logic::flattened(operator, vec![expr]),
        }
    }
}

#[derive(Default)]
struct Stacks {
    operands: Vec<Operand>,
    operators: Vec<BinaryOperator>,
}

impl Stacks {
    /// Joins all operands whose operators bind at least so tightly.
    fn join(&mut self, level: u8) {
        while let Some(operator) = self.operators.last().copied() {
            if super::infix::level_of(operator) < level {
                return;
            }
            self.operators.pop();
            let (Some(right), Some(left)) = (self.operands.pop(), self.operands.pop()) else {
                return;
            };
            if let Some(joined) = join_two(operator, left, right) {
                self.operands.push(joined);
            }
        }
    }
}

fn join_two(operator: BinaryOperator, left: Operand, right: Operand) -> Option<Operand> {
    let level = super::infix::level_of(operator);
    let highest = left.height.max(right.height);
    if logic::is_logical(operator) {
        let mut operands = left.into_chain(operator);
        operands.extend(right.into_chain(operator));
        return Some(Operand {
            value: Value::Chain(operator, operands),
            height: highest,
            level,
        });
    }
    let (left, right) = (left.into_expr()?, right.into_expr()?);
    let expr = Expr {
        span: left.span.to(right.span),
        kind: ExprKind::Binary {
            operator,
            left: Box::new(left),
            right: Box::new(right),
        },
    };
    Some(Operand {
        value: Value::One(expr),
        height: highest + 1,
        level,
    })
}

impl Parser<'_> {
    /// An expression without `|`.
    pub(super) fn expression(&mut self) -> Parse<Expr> {
        let outer = std::mem::take(&mut self.height);
        let mut stacks = Stacks::default();
        self.operand_onto(&mut stacks)?;
        while let Some((infix, length)) = self.infix(0) {
            let level = infix.level();
            stacks.join(if is_chain(level) { level } else { level + 1 });
            self.height = stacks.operands.last().map_or(0, |left| left.height);
            self.check_height()?;
            let is_taken = stacks
                .operators
                .last()
                .is_some_and(|last| super::infix::level_of(*last) >= level);
            let ends = stacks
                .operands
                .last()
                .is_none_or(|left| left.level == level);
            if !is_chain(level) && (ends || is_taken) {
                break;
            }
            self.at += length;
            match infix {
                Infix::Binary(operator) => {
                    stacks.operators.push(operator);
                    self.operand_onto(&mut stacks)?;
                }
                other => self.listed(&mut stacks, other)?,
            }
        }
        self.operand_end = self.at;
        stacks.join(0);
        let Some(result) = stacks.operands.pop() else {
            return self.fail("an expression");
        };
        let more = match &result.value {
            Value::Chain(_, operands) => logic::levels(operands.len()),
            Value::One(_) => 0,
        };
        self.height = outer.max(result.height + more);
        self.check_height()?;
        result.into_expr().ok_or(Stop)
    }

    fn operand_onto(&mut self, stacks: &mut Stacks) -> Parse<()> {
        self.height = 0;
        let expr = self.unary()?;
        stacks.operands.push(Operand {
            value: Value::One(expr),
            height: self.height,
            level: level::OPERAND,
        });
        Ok(())
    }

    /// `in (...)` and `between (...)` behind the last operand.
    fn listed(&mut self, stacks: &mut Stacks, infix: Infix) -> Parse<()> {
        let Some(left) = stacks.operands.pop() else {
            return self.fail("an expression");
        };
        let height = left.height;
        let Some(operand) = left.into_expr().map(Box::new) else {
            return self.fail("an expression");
        };
        self.height = 0;
        let start = operand.span;
        let kind = match infix {
            Infix::List(operator) => ExprKind::List {
                operator,
                operand,
                list: self.in_parens(Self::list_items)?,
            },
            Infix::Between { negated } => {
                let (low, high) = self.in_parens(Self::bounds)?;
                ExprKind::Between {
                    negated,
                    operand,
                    low: Box::new(low),
                    high: Box::new(high),
                }
            }
            Infix::Binary(_) => return self.fail("a list"),
        };
        stacks.operands.push(Operand {
            value: Value::One(Expr {
                kind,
                span: self.span_from(start),
            }),
            height: height.max(self.height) + 1,
            level: level::EQUALITY,
        });
        Ok(())
    }

    fn list_items(&mut self) -> Parse<Vec<Expr>> {
        let first = self.tabular()?;
        let mut items = vec![first];
        while self.eat(TokenKind::Comma) {
            items.push(self.expression()?);
        }
        Ok(items)
    }

    fn bounds(&mut self) -> Parse<(Expr, Expr)> {
        let low = self.expression()?;
        self.expect(TokenKind::DotDot, "`..`")?;
        Ok((low, self.expression()?))
    }

    fn unary(&mut self) -> Parse<Expr> {
        let start = self.peek().span;
        let operator = match self.kind() {
            TokenKind::Minus => UnaryOperator::Minus,
            TokenKind::Plus => UnaryOperator::Plus,
            _ => return self.postfix(),
        };
        self.at += 1;
        if operator == UnaryOperator::Minus
            && let Some(lowest) = self.lowest_long(start)
        {
            return Ok(lowest);
        }
        let operand = self.postfix()?;
        self.height += 1;
        Ok(Expr {
            span: start.to(operand.span),
            kind: ExprKind::Unary {
                operator,
                operand: Box::new(operand),
            },
        })
    }

    /// `name = value`, `(a, b) = value` or a value.
    pub(super) fn named(&mut self) -> Parse<NamedExpr> {
        self.check_option()?;
        let names = if let Some(length) = self.name_length(0, words::is_declarable)
            && self.kind_ahead(length) == TokenKind::Assign
        {
            vec![self.declared_name("a name")?]
        } else if self.is_name_list() {
            self.in_parens(|parser| parser.list(|parser| parser.declared_name("a name")))?
        } else {
            return Ok(self.expression()?.into());
        };
        self.at += 1;
        let value = self.expression()?;
        Ok(NamedExpr { names, value })
    }

    /// Words that cannot be given as names need not be taken for a comparison.
    fn check_option(&mut self) -> Parse<()> {
        let word = self.word();
        let is_given = self.kind_ahead(1) == TokenKind::Assign;
        if !is_given || word.is_empty() || words::is_declarable(word) {
            return Ok(());
        }
        self.fail_at(self.peek().span, hints::reserved(word, false))
    }

    /// Whether `(a, b) =` stands here.
    fn is_name_list(&self) -> bool {
        let mut offset = 0;
        loop {
            let separator = self.kind_ahead(offset);
            let is_right = match offset {
                0 => separator == TokenKind::OpenParen,
                _ => separator == TokenKind::Comma,
            };
            if !is_right {
                return offset > 0
                    && separator == TokenKind::CloseParen
                    && self.kind_ahead(offset + 1) == TokenKind::Assign;
            }
            let Some(length) = self.name_length(offset + 1, words::is_declarable) else {
                return false;
            };
            offset += 1 + length;
        }
    }

    /// What stands between the parentheses of a call.
    pub(super) fn arguments(&mut self) -> Parse<Vec<Argument>> {
        self.in_parens(|parser| {
            if parser.is(TokenKind::CloseParen) {
                return Ok(Vec::new());
            }
            parser.list(Self::argument)
        })
    }

    fn argument(&mut self) -> Parse<Argument> {
        if self.is(TokenKind::Star)
            && matches!(self.kind_ahead(1), TokenKind::Comma | TokenKind::CloseParen)
        {
            let value = self.star();
            return Ok(Argument { name: None, value });
        }
        let named = self.named()?;
        let mut names = named.names.into_iter();
        let name = names.next();
        if let Some(second) = names.next() {
            let message = format!(
                "found `{}`, expected one name for one argument",
                second.text
            );
            return self.fail_at(second.span, message);
        }
        Ok(Argument {
            name,
            value: named.value,
        })
    }
}
