//! Columns and their types, parameters, and tables that are written in the query.

use super::{Parse, Parser};
use crate::{
    ast::{Column, Expr, ExprKind, Literal, Name, Parameter, ParameterType, Type},
    span::Span,
    token::TokenKind,
    words,
};

impl Parser<'_> {
    /// The name of a type.
    pub(super) fn ty(&mut self) -> Parse<Type> {
        let word = self.word();
        self.ty_named(word)
    }

    /// What stands in `typeof(...)`: capitals do not matter there.
    pub(super) fn type_argument(&mut self) -> Parse<Type> {
        let word = self.word().to_ascii_lowercase();
        self.ty_named(&word)
    }

    fn ty_named(&mut self, word: &str) -> Parse<Type> {
        let Some(ty) = Type::from_name(word) else {
            let near = words::nearest(word, Type::ALL.into_iter().map(Type::name));
            return match near {
                Some(near) => self.fail(&format!("a type such as `{near}`")),
                None => self.fail("a type: bool, int, long, real, decimal, string, datetime, timespan, guid or dynamic"),
            };
        };
        self.at += 1;
        Ok(ty)
    }

    /// `name: type`.
    fn column(&mut self) -> Parse<Column> {
        let name = self.declared_name("the name of a column")?;
        self.expect(TokenKind::Colon, "`:` and a type")?;
        let ty = Some(self.ty()?);
        Ok(Column { name, ty })
    }

    /// `name` or `name: type`.
    pub(super) fn column_maybe_typed(&mut self) -> Parse<Column> {
        let name = self.declared_name("the name of a column")?;
        let ty = if self.eat(TokenKind::Colon) {
            Some(self.ty()?)
        } else {
            None
        };
        Ok(Column { name, ty })
    }

    /// `(name: type, ...)`.
    pub(super) fn columns(&mut self) -> Parse<Vec<Column>> {
        self.in_parens(|parser| parser.columns_inside(Self::column))
    }

    /// `(*, name: type, ...)`.
    pub(super) fn columns_or_star(&mut self) -> Parse<Vec<Column>> {
        self.in_parens(|parser| parser.columns_inside(Self::column_or_star))
    }

    fn column_or_star(&mut self) -> Parse<Column> {
        if !self.is(TokenKind::Star) {
            return self.column();
        }
        let span = self.bump().span;
        let text = "*".to_owned();
        Ok(Column {
            name: Name { text, span },
            ty: None,
        })
    }

    fn columns_inside(&mut self, read: fn(&mut Self) -> Parse<Column>) -> Parse<Vec<Column>> {
        let mut columns = Vec::new();
        self.eat(TokenKind::Comma);
        while !self.is(TokenKind::CloseParen) {
            columns.push(read(self)?);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        Ok(columns)
    }

    /// `typeof(...)`, which is there.
    pub(super) fn type_literal(&mut self) -> Parse<Literal> {
        self.at += 1;
        let columns = self.in_parens(|parser| {
            if parser.kind_ahead(1) == TokenKind::CloseParen && parser.is(TokenKind::Word) {
                let ty = Some(parser.type_argument()?);
                let name = Name {
                    text: String::new(),
                    span: Span::default(),
                };
                return Ok(vec![Column { name, ty }]);
            }
            parser.list(Self::column_or_star)
        })?;
        Ok(Literal::Type(columns))
    }

    /// Parameters of a function or a query, without the parentheses.
    pub(super) fn parameters(&mut self) -> Parse<Vec<Parameter>> {
        if self.is(TokenKind::CloseParen) {
            return Ok(Vec::new());
        }
        self.list(Self::parameter)
    }

    pub(super) fn parameter(&mut self) -> Parse<Parameter> {
        let name = self.declared_name("the name of a parameter")?;
        self.expect(TokenKind::Colon, "`:` and a type")?;
        let ty = if self.is(TokenKind::OpenParen) {
            ParameterType::Tabular(self.tabular_type()?)
        } else {
            ParameterType::Scalar(self.ty()?)
        };
        let default = if self.eat(TokenKind::Assign) {
            Some(self.signed_literal()?)
        } else {
            None
        };
        Ok(Parameter { name, ty, default })
    }

    fn tabular_type(&mut self) -> Parse<Vec<Column>> {
        if self.kind_ahead(1) == TokenKind::Star {
            self.at += 2;
            self.expect(TokenKind::CloseParen, "`)`")?;
            return Ok(Vec::new());
        }
        let columns = self.columns()?;
        if columns.is_empty() {
            return self.fail("columns or `*` between the parentheses");
        }
        Ok(columns)
    }

    /// `datatable(...) [...]`, whose keyword is there.
    pub(super) fn datatable(&mut self) -> Parse<ExprKind> {
        self.at += 1;
        self.properties(&[])?;
        let columns = self.columns()?;
        let values = self.bracketed_list(Self::signed_literal)?;
        Ok(ExprKind::Datatable { columns, values })
    }

    /// `externaldata(...) [...] with (...)`, whose keyword is there.
    pub(super) fn external_data(&mut self) -> Parse<ExprKind> {
        self.at += 1;
        self.properties(&[])?;
        let columns = self.columns()?;
        let uris = self.bracketed_list(Self::expression)?;
        let properties = if self.is_word("with") && self.kind_ahead(1) == TokenKind::OpenParen {
            self.at += 1;
            self.in_parens(Self::any_properties)?
        } else {
            Vec::new()
        };
        Ok(ExprKind::ExternalData {
            columns,
            uris,
            properties,
        })
    }

    fn bracketed_list(&mut self, read: fn(&mut Self) -> Parse<Expr>) -> Parse<Vec<Expr>> {
        self.expect(TokenKind::OpenBracket, "`[`")?;
        let items = self.nested(|parser| {
            let mut items = Vec::new();
            parser.eat(TokenKind::Comma);
            while !parser.is(TokenKind::CloseBracket) {
                items.push(read(parser)?);
                if !parser.eat(TokenKind::Comma) {
                    break;
                }
            }
            Ok(items)
        })?;
        self.expect_close(TokenKind::CloseBracket, "`,` or `]`")?;
        Ok(items)
    }
}
