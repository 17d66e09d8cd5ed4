//! `make-series`, `scan` and `top-nested`.

use super::{Parse, Parser};
use crate::{
    ast::{Expr, MakeSeries, NamedExpr, OperatorKind, Scan, ScanStep, SeriesAggregate, TopNested},
    token::TokenKind,
};

/// From, to, step, and whether the end is included.
type Bounds = (Option<Expr>, Option<Expr>, Expr, bool);

impl Parser<'_> {
    pub(super) fn make_series(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&["kind"])?;
        let aggregates = self.list(Self::series_aggregate)?;
        self.expect_word("on")?;
        let axis = self.named()?;
        let (from, to, step, includes_end) = self.series_bounds()?;
        let by = if self.eat_word("by") {
            self.list(Self::named)?
        } else {
            Vec::new()
        };
        Ok(OperatorKind::MakeSeries(MakeSeries {
            properties,
            aggregates,
            axis,
            from,
            to,
            step,
            includes_end,
            by,
        }))
    }

    fn series_aggregate(&mut self) -> Parse<SeriesAggregate> {
        let value = self.named()?;
        let mut default = None;
        if self.eat_word("default") {
            self.expect(TokenKind::Assign, "`=`")?;
            default = Some(self.expression()?);
        }
        Ok(SeriesAggregate { value, default })
    }

    fn series_bounds(&mut self) -> Parse<Bounds> {
        if self.eat_word("in") {
            self.expect_word("range")?;
            return self.in_parens(|parser| {
                let from = parser.expression()?;
                parser.expect(TokenKind::Comma, "`,`")?;
                let to = parser.expression()?;
                parser.expect(TokenKind::Comma, "`,`")?;
                let step = parser.expression()?;
                Ok((Some(from), Some(to), step, true))
            });
        }
        let from = if self.eat_word("from") {
            Some(self.expression()?)
        } else {
            None
        };
        let to = if self.eat_word("to") {
            Some(self.expression()?)
        } else {
            None
        };
        self.expect_word("step")?;
        Ok((from, to, self.expression()?, false))
    }

    pub(super) fn scan(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&["with_match_id", "kind", "with_step_name"])?;
        let mut partition_by = Vec::new();
        let mut order_by = Vec::new();
        loop {
            if self.is_word("partition") && self.word_ahead(1) == "by" && partition_by.is_empty() {
                self.at += 2;
                partition_by = self.list(Self::expression)?;
            } else if self.is_word("order") && self.word_ahead(1) == "by" && order_by.is_empty() {
                self.at += 2;
                order_by = self.list(Self::sort_key)?;
            } else {
                break;
            }
        }
        let declare = if self.eat_word("declare") {
            self.in_parens(Self::parameters)?
        } else {
            Vec::new()
        };
        self.expect_word("with")?;
        let steps = self.in_parens(|parser| {
            let mut steps = vec![parser.scan_step()?];
            while parser.is_word("step") {
                steps.push(parser.scan_step()?);
            }
            Ok(steps)
        })?;
        Ok(OperatorKind::Scan(Scan {
            properties,
            partition_by,
            order_by,
            declare,
            steps,
        }))
    }

    fn scan_step(&mut self) -> Parse<ScanStep> {
        self.expect_word("step")?;
        let name = self.declared_name("the name of a step")?;
        let is_optional = self.eat_word("optional");
        let mut output = None;
        if self.eat_word("output") {
            self.expect(TokenKind::Assign, "`=`")?;
            output = Some(match self.word() {
                "all" | "last" | "none" => self.any_word("a word")?,
                _ => return self.fail("`all`, `last` or `none`"),
            });
        }
        self.expect(TokenKind::Colon, "`:`")?;
        let condition = self.expression()?;
        let assignments = if self.eat(TokenKind::Arrow) {
            self.list(Self::assignment)?
        } else {
            Vec::new()
        };
        self.expect(TokenKind::Semicolon, "`;`")?;
        Ok(ScanStep {
            name,
            is_optional,
            output,
            condition,
            assignments,
        })
    }

    fn assignment(&mut self) -> Parse<NamedExpr> {
        let name = self.declared_name("the name of a column")?;
        self.expect(TokenKind::Assign, "`=`")?;
        let value = self.expression()?;
        Ok(NamedExpr {
            names: vec![name],
            value,
        })
    }

    pub(super) fn top_nested(&mut self) -> Parse<OperatorKind> {
        let mut levels = vec![self.top_nested_level()?];
        while self.eat(TokenKind::Comma) {
            self.expect_word("top-nested")?;
            levels.push(self.top_nested_level()?);
        }
        Ok(OperatorKind::TopNested(levels))
    }

    fn top_nested_level(&mut self) -> Parse<TopNested> {
        let count = if self.is_word("of") {
            None
        } else {
            Some(self.expression()?)
        };
        self.expect_word("of")?;
        let of = self.named()?;
        let mut others = None;
        if self.eat_word("with") {
            self.expect_word("others")?;
            self.expect(TokenKind::Assign, "`=`")?;
            others = Some(self.expression()?);
        }
        self.expect_word("by")?;
        let by = self.named()?;
        let order = self.sort_order();
        Ok(TopNested {
            count,
            of,
            others,
            by,
            order,
        })
    }
}
