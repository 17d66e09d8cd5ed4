//! Which operator it is, and the simple ones.

use super::{Parse, Parser, Stop};
use crate::{
    ast::{
        Call, Expr, ForkBranch, Name, NamedExpr, Nulls, Operator, OperatorKind, PartitionBody,
        ReorderKey, ReorderOrder, SortKey, SortOrder,
    },
    hints,
    token::TokenKind,
    words,
};

/// Reads what follows the keyword.
type Reader<'a> = fn(&mut Parser<'a>) -> Parse<OperatorKind>;

/// Operators by their keywords.
pub(crate) const NAMES: &[&str] = &[
    "as",
    "assert-schema",
    "consume",
    "count",
    "distinct",
    "evaluate",
    "extend",
    "facet",
    "filter",
    "find",
    "fork",
    "getschema",
    "graph-mark-components",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-where-edges",
    "graph-where-nodes",
    "invoke",
    "join",
    "limit",
    "lookup",
    "macro-expand",
    "make-graph",
    "make-series",
    "mv-apply",
    "mv-expand",
    "mvapply",
    "mvexpand",
    "order",
    "parse",
    "parse-kv",
    "parse-where",
    "partition",
    "print",
    "project",
    "project-away",
    "project-by-names",
    "project-keep",
    "project-rename",
    "project-reorder",
    "range",
    "reduce",
    "render",
    "sample",
    "sample-distinct",
    "scan",
    "search",
    "serialize",
    "sort",
    "summarize",
    "take",
    "top",
    "top-hitters",
    "top-nested",
    "union",
    "where",
];

/// How an operator is read.
fn reader<'a>(keyword: &str) -> Option<Reader<'a>> {
    Some(match keyword {
        "as" => Parser::as_name,
        "assert-schema" => |parser| Ok(OperatorKind::AssertSchema(parser.columns()?)),
        "consume" => |parser| Ok(OperatorKind::Consume(parser.properties(&["decodeblocks"])?)),
        "count" => Parser::count,
        "distinct" => Parser::distinct,
        "evaluate" => Parser::evaluate,
        "extend" => |parser| Ok(OperatorKind::Extend(parser.list(Parser::named)?)),
        "facet" => Parser::facet,
        "filter" | "where" => |parser| Ok(OperatorKind::Where(parser.expression()?)),
        "find" => Parser::find,
        "fork" => Parser::fork,
        "getschema" => |_| Ok(OperatorKind::GetSchema),
        "invoke" => |parser| Ok(OperatorKind::Invoke(parser.call()?)),
        "join" => Parser::join,
        "limit" | "take" => |parser| Ok(OperatorKind::Take(parser.expression()?)),
        "lookup" => Parser::lookup,
        "make-series" => Parser::make_series,
        "mv-apply" | "mvapply" => Parser::mv_apply,
        "mv-expand" | "mvexpand" => Parser::mv_expand,
        "order" | "sort" => Parser::sort,
        "parse" => |parser| parser.parse_with(false),
        "parse-where" => |parser| parser.parse_with(true),
        "parse-kv" => Parser::parse_kv,
        "partition" => Parser::partition,
        "print" => |parser| Ok(OperatorKind::Print(parser.list(Parser::named)?)),
        "project" => |parser| Ok(OperatorKind::Project(parser.list(Parser::named)?)),
        "project-away" => |parser| {
            Ok(OperatorKind::ProjectAway(
                parser.list(Parser::name_or_wildcard)?,
            ))
        },
        "project-by-names" => |parser| {
            Ok(OperatorKind::ProjectByNames(
                parser.list(Parser::expression)?,
            ))
        },
        "project-keep" => |parser| {
            Ok(OperatorKind::ProjectKeep(
                parser.list(Parser::name_or_wildcard)?,
            ))
        },
        "project-rename" => |parser| {
            Ok(OperatorKind::ProjectRename(
                parser.list_if_any(Parser::renamed)?,
            ))
        },
        "project-reorder" => |parser| {
            Ok(OperatorKind::ProjectReorder(
                parser.list_if_any(Parser::reorder_key)?,
            ))
        },
        "range" => Parser::range,
        "reduce" => Parser::reduce,
        "render" => Parser::render,
        "sample" => |parser| Ok(OperatorKind::Sample(parser.expression()?)),
        "sample-distinct" => Parser::sample_distinct,
        "scan" => Parser::scan,
        "search" => Parser::search,
        "serialize" => Parser::serialize,
        "summarize" => Parser::summarize,
        "top" => Parser::top,
        "top-hitters" => Parser::top_hitters,
        "top-nested" => Parser::top_nested,
        "union" => Parser::union,
        _ => return None,
    })
}

/// Whether the operator is known, and kept as its text.
fn is_opaque(keyword: &str) -> bool {
    keyword.starts_with("graph-") || matches!(keyword, "make-graph" | "macro-expand")
}

/// Keywords of the operators that are served, without their old spellings.
pub fn operator_names() -> impl Iterator<Item = &'static str> {
    let names = NAMES.iter().copied();
    names.filter(|name| !is_opaque(name) && !matches!(*name, "mvapply" | "mvexpand"))
}

impl Parser<'_> {
    /// One operator, from its keyword.
    pub(super) fn operator(&mut self) -> Parse<Operator> {
        let start = self.peek().span;
        let word = self.word();
        let kind = if let Some(read) = reader(word) {
            self.at += 1;
            read(self)?
        } else if is_opaque(word) {
            self.opaque()?
        } else {
            return self.no_operator();
        };
        let span = self.span_from(start);
        Ok(Operator { kind, span })
    }

    /// Goes on behind a `|` too many.
    fn no_operator(&mut self) -> Parse<Operator> {
        let place = self.place();
        self.note(place.token.span, hints::unknown_operator(&place));
        if self.eat(TokenKind::Pipe) && NAMES.contains(&self.word()) {
            return self.operator();
        }
        Err(Stop)
    }

    fn opaque(&mut self) -> Parse<OperatorKind> {
        let keyword = self.any_word("an operator")?;
        let start = keyword.span;
        self.recover();
        let text = self.text_of(self.span_from(start)).to_owned();
        Ok(OperatorKind::Opaque { keyword, text })
    }

    fn as_name(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&[])?;
        let name = self.plain_name("a name")?;
        Ok(OperatorKind::As { name, properties })
    }

    fn count(&mut self) -> Parse<OperatorKind> {
        self.properties(&[])?;
        let name = if self.eat_word("as") {
            Some(self.plain_name("the name of the column")?)
        } else {
            None
        };
        Ok(OperatorKind::Count(name))
    }

    fn distinct(&mut self) -> Parse<OperatorKind> {
        self.properties(&[])?;
        if self.is(TokenKind::Star) && self.infix(1).is_none() {
            return Ok(OperatorKind::Distinct(vec![self.star().into()]));
        }
        Ok(OperatorKind::Distinct(self.list(Self::named)?))
    }

    fn evaluate(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&[])?;
        let call: Call = self.call()?;
        let schema = if self.eat(TokenKind::Colon) {
            Some(self.columns_or_star()?)
        } else {
            None
        };
        Ok(OperatorKind::Evaluate {
            properties,
            call,
            schema,
        })
    }

    fn facet(&mut self) -> Parse<OperatorKind> {
        self.expect_word("by")?;
        let by: Vec<Expr> = self.list(Self::path)?;
        let mut with = Vec::new();
        if self.eat_word("with") {
            with = match self.kind() {
                TokenKind::OpenParen => self.body()?,
                _ => vec![self.nested(Self::operator)?],
            };
        }
        Ok(OperatorKind::Facet { by, with })
    }

    fn fork(&mut self) -> Parse<OperatorKind> {
        let mut branches = vec![self.branch()?];
        while !self.is_end() {
            branches.push(self.branch()?);
        }
        Ok(OperatorKind::Fork(branches))
    }

    fn branch(&mut self) -> Parse<ForkBranch> {
        let name: Option<Name> = if self.is(TokenKind::OpenParen) {
            None
        } else {
            let name = self.plain_name("`(` or the name of a branch")?;
            self.expect(TokenKind::Assign, "`=`")?;
            Some(name)
        };
        let operators = self.body()?;
        Ok(ForkBranch { name, operators })
    }

    fn partition(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&[])?;
        self.expect_word("by")?;
        let by = self.path()?;
        let body = if self.eat(TokenKind::OpenBrace) {
            let expr = self.nested(Self::tabular)?;
            self.expect(TokenKind::CloseBrace, "`}`")?;
            PartitionBody::Expr(Box::new(expr))
        } else {
            PartitionBody::Operators(self.body()?)
        };
        Ok(OperatorKind::Partition {
            properties,
            by,
            body,
        })
    }

    fn renamed(&mut self) -> Parse<NamedExpr> {
        let name = self.declared_name("the new name of a column")?;
        self.expect(TokenKind::Assign, "`=` and the old name")?;
        let value = self.expression()?;
        Ok(NamedExpr {
            names: vec![name],
            value,
        })
    }

    fn reorder_key(&mut self) -> Parse<ReorderKey> {
        let column = self.name_or_wildcard()?;
        let order = match self.word() {
            "asc" => Some(ReorderOrder::Ascending),
            "desc" => Some(ReorderOrder::Descending),
            "granny-asc" => Some(ReorderOrder::GrannyAscending),
            "granny-desc" => Some(ReorderOrder::GrannyDescending),
            _ => None,
        };
        self.at += usize::from(order.is_some());
        Ok(ReorderKey { column, order })
    }

    fn range(&mut self) -> Parse<OperatorKind> {
        let name = self.plain_name("the name of a column")?;
        self.expect_word("from")?;
        let from = self.expression()?;
        self.expect_word("to")?;
        let to = self.expression()?;
        self.expect_word("step")?;
        let step = self.expression()?;
        Ok(OperatorKind::Range {
            name,
            from,
            to,
            step,
        })
    }

    fn reduce(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&["kind"])?;
        self.expect_word("by")?;
        let by = self.expression()?;
        let with = if self.eat_word("with") {
            self.known_properties(&["threshold", "characters"])?
        } else {
            Vec::new()
        };
        Ok(OperatorKind::Reduce {
            properties,
            by,
            with,
        })
    }

    fn sample_distinct(&mut self) -> Parse<OperatorKind> {
        let count = self.expression()?;
        self.expect_word("of")?;
        let of = self.expression()?;
        Ok(OperatorKind::SampleDistinct { count, of })
    }

    fn serialize(&mut self) -> Parse<OperatorKind> {
        self.properties(&[])?;
        Ok(OperatorKind::Serialize(self.list_if_any(Self::named)?))
    }

    /// A list that may be left out.
    fn list_if_any<T>(&mut self, item: fn(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        if self.is_end() {
            return Ok(Vec::new());
        }
        self.list(item)
    }

    fn sort(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&[])?;
        self.expect_word("by")?;
        let keys = self.list(Self::sort_key)?;
        Ok(OperatorKind::Sort { properties, keys })
    }

    /// An expression, how it is ordered, and where nulls are.
    pub(super) fn sort_key(&mut self) -> Parse<SortKey> {
        let value = self.expression()?;
        let order = self.sort_order();
        let mut nulls = None;
        if self.eat_word("nulls") {
            nulls = Some(match self.word() {
                "first" => Nulls::First,
                "last" => Nulls::Last,
                _ => return self.fail("`first` or `last`"),
            });
            self.at += 1;
        }
        Ok(SortKey {
            value,
            order,
            nulls,
        })
    }

    pub(super) fn sort_order(&mut self) -> Option<SortOrder> {
        let order = match self.word() {
            "asc" => Some(SortOrder::Ascending),
            "desc" => Some(SortOrder::Descending),
            _ => None,
        };
        self.at += usize::from(order.is_some());
        order
    }

    fn summarize(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&[])?;
        let is_by = self.is_word("by") && self.kind_ahead(1) != TokenKind::Assign;
        let aggregates = if is_by {
            Vec::new()
        } else {
            self.list(Self::named)?
        };
        let by = if self.eat_word("by") {
            self.list(Self::named)?
        } else {
            self.no_by()?;
            Vec::new()
        };
        Ok(OperatorKind::Summarize {
            properties,
            aggregates,
            by,
        })
    }

    /// A name where `by` was forgotten.
    fn no_by(&mut self) -> Parse<()> {
        let place = self.place();
        let is_name = self.is(TokenKind::Word) && words::is_reference(self.word());
        if !is_name || !hints::unexpected(&place, "`|`").ends_with("`|`") {
            return Ok(());
        }
        let message = format!(
            "found `{}`, expected `,`, `by` or `|`; what rows are grouped by stands behind `by`",
            self.word()
        );
        self.fail_at(place.token.span, message)
    }

    fn top(&mut self) -> Parse<OperatorKind> {
        let properties = self.properties(&[])?;
        let count = self.expression()?;
        self.expect_word("by")?;
        let by = self.sort_key()?;
        Ok(OperatorKind::Top {
            properties,
            count,
            by,
        })
    }

    fn top_hitters(&mut self) -> Parse<OperatorKind> {
        let count = self.expression()?;
        self.expect_word("of")?;
        let of = self.expression()?;
        let by = if self.eat_word("by") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(OperatorKind::TopHitters { count, of, by })
    }

    /// The name of a chart, known or not.
    pub(super) fn chart(&mut self) -> Parse<Name> {
        let word = self.word();
        if !words::is_reference(word) && !words::CHARTS.contains(&word) {
            return self.fail("the name of a chart such as `timechart`");
        }
        self.any_word("the name of a chart")
    }
}
