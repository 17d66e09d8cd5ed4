//! `dynamic(...)`.

use super::{Parse, Parser};
use crate::{
    ast::{Json, Literal},
    literal,
    token::TokenKind,
};

impl Parser<'_> {
    /// `dynamic(...)`, which is there.
    pub(super) fn dynamic(&mut self) -> Parse<Literal> {
        self.at += 1;
        Ok(Literal::Dynamic(self.in_parens(Self::json)?))
    }

    fn json(&mut self) -> Parse<Json> {
        let token = self.peek();
        match token.kind {
            TokenKind::OpenBracket => self.nested(Self::json_array),
            TokenKind::OpenBrace => self.nested(Self::json_object),
            TokenKind::String => Ok(Json::String(self.string()?)),
            TokenKind::Long | TokenKind::Real => self.json_number(false),
            TokenKind::Minus if matches!(self.kind_ahead(1), TokenKind::Long | TokenKind::Real) => {
                self.at += 1;
                self.json_number(true)
            }
            TokenKind::Word => match self.word() {
                "null" => {
                    self.at += 1;
                    Ok(Json::Null)
                }
                "true" | "True" | "TRUE" => {
                    self.at += 1;
                    Ok(Json::Bool(true))
                }
                "false" | "False" | "FALSE" => {
                    self.at += 1;
                    Ok(Json::Bool(false))
                }
                "dynamic" if self.kind_ahead(1) == TokenKind::OpenParen => {
                    self.at += 1;
                    self.in_parens(Self::json)
                }
                _ => self.fail("a JSON value"),
            },
            _ => Ok(Json::Typed(Box::new(self.literal("a JSON value")?))),
        }
    }

    fn json_number(&mut self, is_negative: bool) -> Parse<Json> {
        let token = self.bump();
        let text = self.text_of(token.span);
        let signed = if is_negative {
            format!("-{text}")
        } else {
            text.to_owned()
        };
        if token.kind == TokenKind::Long {
            let long =
                literal::long(&signed).or_else(|| literal::long(text).map(i64::wrapping_neg));
            if let Some(long) = long {
                return Ok(Json::Long(long));
            }
        }
        match literal::real(&signed) {
            Some(real) => Ok(Json::Real(real)),
            None => self.fail_at(token.span, format!("`{text}` is no number")),
        }
    }

    fn json_array(&mut self) -> Parse<Json> {
        self.at += 1;
        let mut items = Vec::new();
        if !self.is(TokenKind::CloseBracket) {
            items = self.list_of_at_most(usize::MAX, Self::json)?;
        }
        self.expect_close(TokenKind::CloseBracket, "`,` or `]`")?;
        Ok(Json::Array(items))
    }

    fn json_object(&mut self) -> Parse<Json> {
        self.at += 1;
        let mut pairs = Vec::new();
        if !self.is(TokenKind::CloseBrace) {
            pairs = self.list_of_at_most(usize::MAX, Self::json_pair)?;
        }
        self.expect(TokenKind::CloseBrace, "`,` or `}`")?;
        Ok(Json::Object(pairs))
    }

    fn json_pair(&mut self) -> Parse<(String, Json)> {
        if !self.is(TokenKind::String) {
            return self.fail("a key in quotes");
        }
        let key = self.one_string()?;
        self.expect(TokenKind::Colon, "`:`")?;
        Ok((key, self.json()?))
    }
}
