//! Tokens to a syntax tree.

mod clauses;
mod expression;
mod find;
pub(crate) mod infix;
mod json;
pub(crate) mod operator;
mod primary;
mod schema;
mod series;
mod statement;
mod tables;

use crate::{
    ast::{Name, Query},
    error::{SyntaxError, SyntaxErrors},
    hints::{self, Place},
    lexer::{Lexer, place},
    literal,
    span::Span,
    token::{Token, TokenKind},
    words,
};

/// Longest text that is read.
const TEXT_MAX: usize = 1 << 20;
/// Most bytes of what is no value: lists of values may be long, what is done with them not.
const WORDS_MAX: usize = 1 << 16;
/// Most columns of an operator, arguments of a call and the like; values of `in`, `datatable` and JSON are more.
const ITEMS_MAX: usize = 16_384;
/// Deepest nesting of parentheses, brackets and bodies.
const DEPTH_MAX: usize = 64;
/// Most levels of a tree: nesting and long chains together.
const HEIGHT_MAX: usize = 250;
/// Most mistakes that are told.
const ERRORS_MAX: usize = 20;

/// A mistake was met and noted; whoever can go on behind it does.
struct Stop;

type Parse<T> = Result<T, Stop>;

/// Reads a query.
///
/// All mistakes that can be told apart are told, at most twenty.
pub fn parse(text: &str) -> Result<Query, SyntaxErrors> {
    let mut parser = Parser::new(text);
    let statements = parser.query();
    if parser.errors.is_empty() {
        Ok(Query { statements })
    } else {
        parser.errors.sort_by_key(|error| error.span);
        Err(SyntaxErrors(parser.errors))
    }
}

/// The tokens of a text, or why it is not read.
fn tokens_of(text: &str) -> (Vec<Token>, Option<String>) {
    use TokenKind as K;
    if text.len() > TEXT_MAX {
        let refusal = format!("the query is longer than {TEXT_MAX} bytes");
        return (Vec::new(), Some(refusal));
    }
    let tokens: Vec<Token> = Lexer::new(text)
        .filter(|token| token.kind != K::Comment)
        .collect();
    let is_value = |kind| {
        matches!(
            kind,
            K::String | K::Long | K::Real | K::TimeSpan | K::Guid | K::Typed(_) | K::Comma
        )
    };
    let words = tokens.iter().filter(|token| !is_value(token.kind));
    let bytes: usize = words
        .map(|token| token.span.end.saturating_sub(token.span.start) as usize)
        .sum();
    if bytes > WORDS_MAX {
        let refusal = format!("the query has more than {WORDS_MAX} bytes besides its values");
        return (Vec::new(), Some(refusal));
    }
    (tokens, None)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    errors: Vec<SyntaxError>,
    /// How many nested things are open.
    depth: usize,
    /// Levels of the highest tree that was finished since the last nested thing was opened.
    height: usize,
    /// Where the last expression ended, so that an operator could stand there.
    operand_end: usize,
    /// Where the last list ended, so that a comma could stand there.
    item_end: usize,
    /// Nothing is told any more.
    is_over: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let (tokens, refusal) = tokens_of(text);
        let mut parser = Self {
            text,
            tokens,
            at: 0,
            errors: Vec::new(),
            depth: 0,
            height: 0,
            operand_end: usize::MAX,
            item_end: usize::MAX,
            is_over: false,
        };
        if let Some(refusal) = refusal {
            parser.note(Span::default(), refusal);
            parser.is_over = true;
        }
        parser
    }

    fn ahead(&self, offset: usize) -> Token {
        self.tokens.get(self.at + offset).copied().unwrap_or(Token {
            kind: TokenKind::End,
            span: Span {
                start: place(self.text.len()),
                end: place(self.text.len()),
            },
        })
    }

    fn peek(&self) -> Token {
        self.ahead(0)
    }

    fn kind(&self) -> TokenKind {
        self.peek().kind
    }

    fn kind_ahead(&self, offset: usize) -> TokenKind {
        self.ahead(offset).kind
    }

    fn text_of(&self, span: Span) -> &'a str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// The word some tokens ahead; empty if there is none.
    fn word_ahead(&self, offset: usize) -> &'a str {
        let token = self.ahead(offset);
        match token.kind {
            TokenKind::Word => self.text_of(token.span),
            _ => "",
        }
    }

    fn word(&self) -> &'a str {
        self.word_ahead(0)
    }

    fn bump(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn is(&self, kind: TokenKind) -> bool {
        self.kind() == kind
    }

    fn is_word(&self, word: &str) -> bool {
        self.word() == word
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let is_there = self.is(kind);
        self.at += usize::from(is_there);
        is_there
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, kind: TokenKind, expected: &str) -> Parse<Token> {
        if self.is(kind) {
            Ok(self.bump())
        } else {
            self.fail(expected)
        }
    }

    fn expect_word(&mut self, word: &str) -> Parse<Token> {
        if self.is_word(word) {
            Ok(self.bump())
        } else {
            self.fail(&format!("`{word}`"))
        }
    }

    /// From a token to the last one that was read.
    fn span_from(&self, start: Span) -> Span {
        let last = self
            .at
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last));
        start.to(last.map_or(start, |token| token.span))
    }

    fn note(&mut self, span: Span, message: String) {
        let is_told = self
            .errors
            .iter()
            .any(|error| error.span.start == span.start);
        if self.is_over || is_told {
            return;
        }
        self.errors.push(SyntaxError {
            span,
            position: span.position(self.text),
            message,
        });
        if self.errors.len() >= ERRORS_MAX {
            self.stop();
        }
    }

    /// Something else is expected where the text is read.
    fn fail<T>(&mut self, expected: &str) -> Parse<T> {
        self.unexpected(expected);
        Err(Stop)
    }

    fn unexpected(&mut self, expected: &str) {
        let place = self.place();
        self.note(place.token.span, hints::unexpected(&place, expected));
    }

    /// What messages say about the place where the text is read.
    fn place(&self) -> Place<'a> {
        Place {
            text: self.text,
            token: self.peek(),
            before: self
                .at
                .checked_sub(1)
                .and_then(|before| self.tokens.get(before))
                .copied(),
            next: self.word_ahead(1),
        }
    }

    fn fail_at<T>(&mut self, span: Span, message: String) -> Parse<T> {
        self.note(span, message);
        Err(Stop)
    }

    /// Nothing behind this place is worth reading.
    fn give_up<T>(&mut self, span: Span, message: String) -> Parse<T> {
        self.note(span, message);
        self.stop();
        Err(Stop)
    }

    fn stop(&mut self) {
        self.is_over = true;
        self.at = self.tokens.len();
    }

    /// Reads something one level deeper, so that neither reading nor walking the tree needs more stack than there is.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEPTH_MAX {
            let message = format!(
                "more than {DEPTH_MAX} levels of nesting; name parts of the query with `let`"
            );
            return self.give_up(self.peek().span, message);
        }
        let outer = std::mem::take(&mut self.height);
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        self.height = outer.max(self.height + 1);
        self.check_height()?;
        read
    }

    fn check_height(&mut self) -> Parse<()> {
        if self.height <= HEIGHT_MAX {
            return Ok(());
        }
        let message = format!(
            "more than {HEIGHT_MAX} operators in a row; name parts of the expression with `let`"
        );
        self.give_up(self.peek().span, message)
    }

    /// Goes to where reading can go on: `|`, `;` or what closes what is open.
    fn recover(&mut self) {
        use TokenKind as K;
        let mut open = 0_usize;
        loop {
            match self.kind() {
                K::End => return,
                K::Pipe | K::Semicolon if open == 0 => return,
                K::OpenParen | K::OpenBracket | K::OpenBrace => open += 1,
                K::CloseParen | K::CloseBracket | K::CloseBrace => {
                    let Some(left) = open.checked_sub(1) else {
                        return;
                    };
                    open = left;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// `(`, something, `)`.
    fn in_parens<T>(&mut self, read: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        self.expect(TokenKind::OpenParen, "`(`")?;
        let value = self.nested(read)?;
        self.expect_close(TokenKind::CloseParen, "`)`")?;
        Ok(value)
    }

    /// What closes something, behind an expression or a list.
    fn expect_close(&mut self, kind: TokenKind, expected: &str) -> Parse<Token> {
        if self.is(kind) {
            return Ok(self.bump());
        }
        self.fail(&self.or_more(expected))
    }

    /// What is expected, and what could go on with what was read last.
    fn or_more(&self, expected: &str) -> String {
        let mut more = String::new();
        if self.operand_end == self.at {
            more.push_str("an operator");
        }
        if self.item_end == self.at {
            more.push_str(if more.is_empty() { "`,`" } else { ", `,`" });
        }
        if !more.is_empty() {
            more.push_str(if expected.contains(" or ") {
                ", "
            } else {
                " or "
            });
        }
        more + expected
    }

    /// One or more, between commas.
    fn list<T>(&mut self, read: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        self.list_of_at_most(ITEMS_MAX, read)
    }

    fn list_of_at_most<T>(
        &mut self,
        most: usize,
        mut read: impl FnMut(&mut Self) -> Parse<T>,
    ) -> Parse<Vec<T>> {
        let mut items = vec![read(self)?];
        while self.eat(TokenKind::Comma) {
            if items.len() >= most {
                let span = self.peek().span;
                return self.give_up(span, format!("there are more than {most} things in a list"));
            }
            items.push(read(self)?);
        }
        self.item_end = self.at;
        Ok(items)
    }

    /// Whether the operator or the clause ends here.
    fn is_end(&self) -> bool {
        self.is_end_ahead(0)
    }

    fn is_end_ahead(&self, offset: usize) -> bool {
        use TokenKind as K;
        matches!(
            self.kind_ahead(offset),
            K::End | K::Pipe | K::Semicolon | K::CloseParen | K::CloseBracket | K::CloseBrace
        )
    }

    /// How many tokens `['a b']` takes here, if it stands here.
    fn bracketed(&self, offset: usize) -> Option<usize> {
        if self.kind_ahead(offset) != TokenKind::OpenBracket {
            return None;
        }
        let mut length = 1;
        while self.kind_ahead(offset + length) == TokenKind::String {
            length += 1;
        }
        (length > 1 && self.kind_ahead(offset + length) == TokenKind::CloseBracket)
            .then_some(length + 1)
    }

    /// How many tokens a name of some sort takes here.
    fn name_length(&self, offset: usize, fits: fn(&str) -> bool) -> Option<usize> {
        match self.kind_ahead(offset) {
            TokenKind::Word => fits(self.word_ahead(offset)).then_some(1),
            _ => self.bracketed(offset),
        }
    }

    /// A name of some sort.
    fn name(&mut self, fits: fn(&str) -> bool, expected: &str) -> Parse<Name> {
        let start = self.peek().span;
        if self.bracketed(0).is_some() {
            self.at += 1;
            let text = self.string()?;
            self.at += 1;
            let span = self.span_from(start);
            return Ok(Name { text, span });
        }
        let word = self.word();
        if word.is_empty() {
            return self.fail(expected);
        }
        if !fits(word) {
            let is_called = self.kind_ahead(1) == TokenKind::OpenParen;
            return self.fail_at(start, hints::reserved(word, is_called));
        }
        self.at += 1;
        let text = word.to_owned();
        Ok(Name { text, span: start })
    }

    /// A name where nothing else can stand.
    fn plain_name(&mut self, expected: &str) -> Parse<Name> {
        self.name(words::is_name, expected)
    }

    /// A name before `=` or `:`.
    fn declared_name(&mut self, expected: &str) -> Parse<Name> {
        self.name(words::is_declarable, expected)
    }

    /// Any word, as it stands.
    fn any_word(&mut self, expected: &str) -> Parse<Name> {
        let token = self.expect(TokenKind::Word, expected)?;
        Ok(Name {
            text: self.text_of(token.span).to_owned(),
            span: token.span,
        })
    }

    /// One or more strings side by side, joined.
    fn string(&mut self) -> Parse<String> {
        if !self.is(TokenKind::String) {
            return self.fail("a text in quotes");
        }
        let mut text = self.one_string()?;
        while self.is(TokenKind::String) {
            text.push_str(&self.one_string()?);
        }
        Ok(text)
    }

    /// The string that is there.
    fn one_string(&mut self) -> Parse<String> {
        let span = self.bump().span;
        literal::unquote(self.text_of(span)).or_else(|at| {
            let start = span.start + place(at);
            let end = self.text_of(Span { start, ..span }).char_indices().nth(2);
            let end = end.map_or(span.end, |(length, _)| start + place(length));
            let escape = self.text_of(Span { start, end });
            let message =
                format!("there is no escape `{escape}`; write `\\\\` for a backslash, or @\"...\"");
            self.fail_at(Span { start, end }, message)
        })
    }
}
