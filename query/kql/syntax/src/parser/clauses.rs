//! Options of operators, `parse` and `render`.

use super::{Parse, Parser};
use crate::{
    ast::{
        Expr, ExprKind, Literal, Name, OperatorKind, Parse as ParseOperator, ParsePart, Property,
    },
    token::TokenKind,
    words,
};

/// Options of `parse-kv`.
const PARSE_KV_OPTIONS: &[&str] = &[
    "escape",
    "greedy",
    "kv_delimiter",
    "pair_delimiter",
    "quote",
    "regex",
];
/// Options of `render`.
const CHART_OPTIONS: &[&str] = &[
    "accumulate",
    "anomalycolumns",
    "kind",
    "legend",
    "series",
    "title",
    "xaxis",
    "xcolumn",
    "xmax",
    "xmin",
    "xtitle",
    "yaxis",
    "ycolumns",
    "ymax",
    "ymin",
    "ysplit",
    "ytitle",
];

impl Parser<'_> {
    /// `name = value` as often as a name of these or a hint comes.
    pub(super) fn properties(&mut self, names: &[&str]) -> Parse<Vec<Property>> {
        let mut properties = Vec::new();
        loop {
            let word = self.word();
            let is_hint = word == "hint"
                && self.kind_ahead(1) == TokenKind::Dot
                && self.kind_ahead(2) == TokenKind::Word
                && self.kind_ahead(3) == TokenKind::Assign;
            let is_named = names.contains(&word) && self.kind_ahead(1) == TokenKind::Assign;
            if !is_hint && !is_named {
                return Ok(properties);
            }
            let start = self.bump().span;
            self.at += if is_hint { 2 } else { 0 };
            let span = self.span_from(start);
            let text: String = self.text_of(span).split_whitespace().collect();
            self.at += 1;
            let value = self.property_value()?;
            properties.push(Property {
                name: Name { text, span },
                value,
            });
        }
    }

    /// A literal or a word.
    fn property_value(&mut self) -> Parse<Expr> {
        let start = self.peek().span;
        let is_bool = matches!(
            self.word(),
            "true" | "false" | "True" | "False" | "TRUE" | "FALSE"
        );
        let is_call = self.kind_ahead(1) == TokenKind::OpenParen;
        let is_literal = is_bool || (is_call && matches!(self.word(), "dynamic" | "typeof"));
        let is_name = self.is(TokenKind::Word) && !is_literal;
        if self.is(TokenKind::String) {
            // One only: a text behind it is no part of it.
            let text = self.one_string()?;
            self.height = self.height.max(1);
            return Ok(Expr {
                kind: ExprKind::Literal(Literal::String(text)),
                span: start,
            });
        }
        if !is_name && self.bracketed(0).is_none() {
            return self.signed_literal();
        }
        let name = self.name(|_| true, "a value")?;
        self.height = self.height.max(1);
        Ok(Expr {
            kind: ExprKind::Name(name),
            span: self.span_from(start),
        })
    }

    /// `name = value, ...` whatever the names are; none at all is fine.
    pub(super) fn any_properties(&mut self) -> Parse<Vec<Property>> {
        self.properties_of(None)
    }

    /// `name = value, ...` with these names.
    pub(super) fn known_properties(&mut self, names: &[&str]) -> Parse<Vec<Property>> {
        self.properties_of(Some(names))
    }

    fn properties_of(&mut self, names: Option<&[&str]>) -> Parse<Vec<Property>> {
        let mut properties: Vec<Property> = Vec::new();
        self.eat(TokenKind::Comma);
        while !self.is_end() {
            let property = self.any_property(properties.last().map(|last| &last.name))?;
            let name = &property.name;
            if names.is_some_and(|names| !names.contains(&name.text.as_str())) {
                let near = words::nearest(&name.text, names.unwrap_or_default().iter().copied());
                let hint = near
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                return self.fail_at(
                    name.span,
                    format!("there is no option `{}`{hint}", name.text),
                );
            }
            properties.push(property);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        Ok(properties)
    }

    /// `name = value`, or one more value of the property before it: `ycolumns = a, b`.
    fn any_property(&mut self, last: Option<&Name>) -> Parse<Property> {
        let length = self.name_length(0, |_| true).unwrap_or(0);
        let is_named = length > 0 && self.kind_ahead(length) == TokenKind::Assign;
        let name = match last {
            Some(last) if !is_named => last.clone(),
            _ => {
                let name = self.name(|_| true, "the name of an option")?;
                self.expect(TokenKind::Assign, "`=`")?;
                name
            }
        };
        let is_computed = match self.kind_ahead(1) {
            TokenKind::OpenParen => self.is(TokenKind::Word),
            TokenKind::Plus => true,
            _ => false,
        };
        let value = if is_computed {
            self.expression()?
        } else {
            self.property_value()?
        };
        Ok(Property { name, value })
    }

    /// `parse` and `parse-where` behind the keyword.
    pub(super) fn parse_with(&mut self, filters: bool) -> Parse<OperatorKind> {
        let properties = self.properties(&["kind", "flags"])?;
        let value = self.expression()?;
        self.expect_word("with")?;
        let mut pattern = Vec::new();
        while !self.is_end() {
            pattern.push(match self.kind() {
                TokenKind::Star => {
                    self.at += 1;
                    ParsePart::Skip
                }
                TokenKind::String => ParsePart::Text(self.string()?),
                _ => ParsePart::Column(self.column_maybe_typed()?),
            });
        }
        Ok(OperatorKind::Parse(ParseOperator {
            filters,
            properties,
            value,
            pattern,
        }))
    }

    pub(super) fn parse_kv(&mut self) -> Parse<OperatorKind> {
        let value = self.expression()?;
        self.expect_word("as")?;
        let columns = self.columns()?;
        let properties = if self.eat_word("with") {
            self.in_parens(|parser| parser.known_properties(PARSE_KV_OPTIONS))?
        } else {
            Vec::new()
        };
        Ok(OperatorKind::ParseKv {
            value,
            columns,
            properties,
        })
    }

    pub(super) fn render(&mut self) -> Parse<OperatorKind> {
        let chart = self.chart()?;
        let mut properties = Vec::new();
        while words::is_old_chart_option(self.word()) && self.kind_ahead(1) == TokenKind::Assign {
            properties.extend(self.properties(&["kind", "title", "accumulate"])?);
        }
        if self.is_word("with") && self.kind_ahead(1) == TokenKind::OpenParen {
            self.at += 1;
            properties.extend(self.in_parens(|parser| parser.known_properties(CHART_OPTIONS))?);
        }
        Ok(OperatorKind::Render { chart, properties })
    }
}
