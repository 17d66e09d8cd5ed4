//! `find` and `search`.

use super::{Parse, Parser};
use crate::{
    ast::{BinaryOperator, Column, Expr, Find, Name, OperatorKind},
    logic,
    token::TokenKind,
};

impl Parser<'_> {
    pub(super) fn search(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&["kind", "datascope", "withsource", "with_source"])?;
        let tables = self.searched_tables()?;
        let predicate = if self.is(TokenKind::Star)
            && (self.word_ahead(1) == "and" || self.infix(1).is_none())
        {
            self.anything_and()?
        } else {
            self.expression()?
        };
        Ok(OperatorKind::Search {
            properties,
            tables,
            predicate,
        })
    }

    /// `*` or `* and predicate`.
    fn anything_and(&mut self) -> Parse<Expr> {
        let star = self.star();
        if !self.eat_word("and") {
            return Ok(star);
        }
        let rest = self.expression()?;
        self.height += 1;
        let span = star.span;
        match logic::chain(BinaryOperator::And, vec![star, rest]) {
            Some(both) => Ok(both),
            None => self.fail_at(span, "expected a predicate".to_owned()),
        }
    }

    fn searched_tables(&mut self) -> Parse<Vec<Expr>> {
        if self.is_word("in") && self.kind_ahead(1) == TokenKind::OpenParen {
            self.at += 1;
            return self.in_parens(|parser| parser.list(Self::table));
        }
        Ok(Vec::new())
    }

    pub(super) fn find(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&["datascope", "withsource", "with_source"])?;
        let tables = self.searched_tables()?;
        if tables.is_empty() && properties.is_empty() {
            self.eat_word("where");
        } else {
            self.expect_word("where")?;
        }
        let predicate = self.expression()?;
        let mut project = Vec::new();
        if self.eat_word("project") {
            project = self.list(Self::found_column)?;
        } else {
            self.eat_word("project-smart");
        }
        let project_away = if self.eat_word("project-away") {
            self.list(Self::name_or_wildcard)?
        } else {
            Vec::new()
        };
        Ok(OperatorKind::Find(Find {
            properties,
            tables,
            predicate,
            project,
            project_away,
        }))
    }

    /// A column, or `pack(*)` for all others.
    fn found_column(&mut self) -> Parse<Column> {
        let start = self.peek().span;
        let is_call = self.kind_ahead(1) == TokenKind::OpenParen;
        if is_call && (self.eat_word("pack") || self.eat_word("pack_all")) {
            self.at += 1;
            self.eat(TokenKind::Star);
            self.expect(TokenKind::CloseParen, "`)`")?;
        } else if !self.eat(TokenKind::Star) {
            return self.column_maybe_typed();
        }
        Ok(Column {
            name: Name {
                text: "*".to_owned(),
                span: self.span_from(start),
            },
            ty: None,
        })
    }
}
