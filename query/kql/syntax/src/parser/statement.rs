//! Statements, and expressions with `|`.

use super::{Parse, Parser};
use crate::{
    ast::{Expr, ExprKind, Function, Operator, Statement},
    token::TokenKind,
    words,
};

/// Operators that make rows by themselves.
const SOURCES: &[&str] = &[
    "evaluate",
    "find",
    "macro-expand",
    "print",
    "range",
    "search",
    "union",
];

impl Parser<'_> {
    /// All statements of the text.
    pub(super) fn query(&mut self) -> Vec<Statement> {
        let mut statements = Vec::new();
        while !self.is(TokenKind::End) {
            let known = self.errors.len();
            match self.statement() {
                Ok(statement) => statements.push(statement),
                Err(_) if self.errors.len() == known => self.unexpected("something else"),
                Err(_) => {}
            }
            let went_wrong = self.errors.len() > known;
            if !self.is(TokenKind::End) && !self.is(TokenKind::Semicolon) && !went_wrong {
                let expected = self.or_more("`|`, `;` or the end of the query");
                self.unexpected(&expected);
            }
            while !self.is(TokenKind::End) && !self.is(TokenKind::Semicolon) {
                self.at += 1;
            }
            self.at += 1;
        }
        statements
    }

    fn statement(&mut self) -> Parse<Statement> {
        let word = self.word();
        let next = self.word_ahead(1);
        match word {
            "let" if !next.is_empty() || self.bracketed(1).is_some() => self.let_statement(),
            "set" => self.set_statement(),
            "declare" if next == "query_parameters" => {
                self.at += 2;
                Ok(Statement::DeclareParameters(
                    self.in_parens(Self::parameters)?,
                ))
            }
            "declare" if next == "pattern" => self.unsupported("patterns"),
            "alias" if next == "database" => self.unsupported("aliases of databases"),
            "restrict" if next == "access" => self.unsupported("statements that restrict access"),
            "inline_external_table"
                if next == "kind" || self.kind_ahead(1) == TokenKind::OpenParen =>
            {
                self.unsupported("tables outside of the database, but for `externaldata`,")
            }
            _ if word.eq_ignore_ascii_case("select") && !self.is_end_ahead(1) => {
                self.fail("a table")
            }
            _ if self.is(TokenKind::Dot) => self.unsupported("management commands"),
            _ => Ok(Statement::Expr(self.tabular()?)),
        }
    }

    fn unsupported<T>(&mut self, what: &str) -> Parse<T> {
        let span = self.peek().span;
        while !self.is(TokenKind::End) && !self.is(TokenKind::Semicolon) {
            self.at += 1;
            self.recover();
        }
        self.fail_at(span, format!("{what} are not supported here"))
    }

    fn let_statement(&mut self) -> Parse<Statement> {
        self.at += 1;
        let name = self.plain_name("a name")?;
        self.expect(TokenKind::Assign, "`=`")?;
        let value = if self.is_word("entity_group") && self.kind_ahead(1) == TokenKind::OpenBracket
        {
            return self.unsupported("groups of entities");
        } else if self.is_function() {
            self.nested(Self::function)?
        } else {
            self.tabular()?
        };
        Ok(Statement::Let { name, value })
    }

    fn set_statement(&mut self) -> Parse<Statement> {
        self.at += 1;
        let name = self.plain_name("the name of an option")?;
        let value = if self.eat(TokenKind::Assign) {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(Statement::Set { name, value })
    }

    /// Whether parameters of a function begin here.
    fn is_function(&self) -> bool {
        let offset = usize::from(self.is_word("view"));
        if self.kind_ahead(offset) != TokenKind::OpenParen {
            return false;
        }
        match self.name_length(offset + 1, words::is_declarable) {
            Some(length) => self.kind_ahead(offset + 1 + length) == TokenKind::Colon,
            None => self.kind_ahead(offset + 1) == TokenKind::CloseParen,
        }
    }

    fn function(&mut self) -> Parse<Expr> {
        let start = self.peek().span;
        let is_view = self.eat_word("view");
        let parameters = self.in_parens(Self::parameters)?;
        self.expect(TokenKind::OpenBrace, "`{`")?;
        let mut body = Vec::new();
        while !self.is(TokenKind::CloseBrace) {
            body.push(self.statement()?);
            if !self.eat(TokenKind::Semicolon) {
                break;
            }
        }
        self.expect_close(TokenKind::CloseBrace, "`|`, `;` or `}`")?;
        let function = Function {
            is_view,
            parameters,
            body,
        };
        Ok(Expr {
            kind: ExprKind::Function(Box::new(function)),
            span: self.span_from(start),
        })
    }

    /// An expression that may go on with `|`.
    pub(super) fn tabular(&mut self) -> Parse<Expr> {
        let start = self.peek().span;
        let mut operators = Vec::new();
        let source = if self.is_source() {
            self.operator_onto(&mut operators)?;
            None
        } else {
            Some(self.expression()?)
        };
        self.piped(&mut operators);
        match source {
            Some(source) if operators.is_empty() => Ok(source),
            source => {
                let kind = ExprKind::Pipe {
                    source: source.map(Box::new),
                    operators,
                };
                let span = self.span_from(start);
                self.height += 1;
                Ok(Expr { kind, span })
            }
        }
    }

    /// Whether an operator that makes rows by itself begins here.
    fn is_source(&self) -> bool {
        let word = self.word();
        if !SOURCES.contains(&word) {
            return false;
        }
        match word {
            "range" => self
                .name_length(1, words::is_name)
                .is_some_and(|_| self.infix(1).is_none()),
            "evaluate" => !self.word_ahead(1).is_empty(),
            _ => true,
        }
    }

    /// `| operator` as often as it comes. A mistake in one does not hide those in the next.
    fn piped(&mut self, operators: &mut Vec<Operator>) {
        while self.eat(TokenKind::Pipe) {
            if self.operator_onto(operators).is_err() {
                self.recover();
            }
        }
    }

    fn operator_onto(&mut self, operators: &mut Vec<Operator>) -> Parse<()> {
        operators.push(self.operator()?);
        Ok(())
    }

    /// `( operator | operator )`.
    pub(super) fn body(&mut self) -> Parse<Vec<Operator>> {
        self.in_parens(|parser| Ok(parser.operators()))
    }

    fn operators(&mut self) -> Vec<Operator> {
        let mut operators = Vec::new();
        if self.operator_onto(&mut operators).is_err() {
            self.recover();
        }
        self.piped(&mut operators);
        operators
    }
}
