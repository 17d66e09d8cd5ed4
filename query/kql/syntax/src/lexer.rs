//! Text to tokens. It never fails: what is no token is one of kind [`TokenKind::Unknown`].

use crate::{
    ast::Type,
    span::Span,
    token::{Token, TokenKind},
    words,
};

/// Suffixes of a timespan.
const UNITS: &[&str] = &[
    "d",
    "day",
    "days",
    "h",
    "hour",
    "hours",
    "hr",
    "hrs",
    "m",
    "micro",
    "micros",
    "microsec",
    "microsecond",
    "microseconds",
    "milli",
    "millis",
    "millisec",
    "millisecond",
    "milliseconds",
    "min",
    "minute",
    "minutes",
    "ms",
    "nano",
    "nanos",
    "nanosec",
    "nanosecond",
    "nanoseconds",
    "s",
    "sec",
    "second",
    "seconds",
    "tick",
    "ticks",
];

/// Reads a text from its beginning to its end.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// At the beginning of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Byte of the rest; 0 behind its end.
    fn byte(&self, offset: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + offset)
            .copied()
            .unwrap_or(0)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{180e}')
        });
        self.at += rest.len() - trimmed.len();
    }

    /// The kind and the length of the token that begins here.
    fn measure(&self) -> (TokenKind, usize) {
        let first = self.byte(0);
        match first {
            b'0'..=b'9' => self.scan_number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => self.scan_word(),
            b'"' | b'\'' => self.scan_string(0),
            b'`' | b'~' if self.is_fence(0) => self.scan_string(0),
            b'@' if matches!(self.byte(1), b'"' | b'\'') => self.scan_string(0),
            b'/' if self.byte(1) == b'/' => {
                let rest = self.rest();
                let end = rest.find(['\n', '\r', '\u{2028}', '\u{2029}']);
                (TokenKind::Comment, end.unwrap_or(rest.len()))
            }
            _ => self.scan_sign(first),
        }
    }

    fn scan_sign(&self, first: u8) -> (TokenKind, usize) {
        use TokenKind as K;
        let pair = match (first, self.byte(1)) {
            (b'=', b'=') => Some(K::Equal),
            (b'=', b'>') => Some(K::Arrow),
            (b'=', b'~') => Some(K::EqualNoCase),
            (b'!', b'=') | (b'<', b'>') => Some(K::NotEqual),
            (b'!', b'~') => Some(K::NotEqualNoCase),
            (b'<', b'=') => Some(K::LessOrEqual),
            (b'>', b'=') => Some(K::GreaterOrEqual),
            (b'.', b'.') => Some(K::DotDot),
            _ => None,
        };
        if let Some(kind) = pair {
            return (kind, 2);
        }
        let kind = match first {
            b'|' => K::Pipe,
            b'(' => K::OpenParen,
            b')' => K::CloseParen,
            b'[' => K::OpenBracket,
            b']' => K::CloseBracket,
            b'{' => K::OpenBrace,
            b'}' => K::CloseBrace,
            b',' => K::Comma,
            b';' => K::Semicolon,
            b':' => K::Colon,
            b'.' => K::Dot,
            b'=' => K::Assign,
            b'<' => K::Less,
            b'>' => K::Greater,
            b'+' => K::Plus,
            b'-' => K::Minus,
            b'*' => K::Star,
            b'/' => K::Slash,
            b'%' => K::Percent,
            b'@' => K::At,
            b'?' => K::Question,
            b'!' if self.byte(1).is_ascii_alphabetic() => return self.scan_negated(),
            _ => {
                let length = self.rest().chars().next().map_or(1, char::len_utf8);
                return (K::Unknown, length);
            }
        };
        (kind, 1)
    }

    /// `!in`, `!in~`, `!has_cs`.
    fn scan_negated(&self) -> (TokenKind, usize) {
        let length = 1 + self.word_length(1);
        let tilde = length == 3 && self.rest().starts_with("!in~") && !self.is_fence(3);
        (TokenKind::Word, length + usize::from(tilde))
    }

    fn word_length(&self, from: usize) -> usize {
        let bytes = self
            .text
            .as_bytes()
            .get(self.at + from..)
            .unwrap_or_default();
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        bytes.iter().take_while(is_part).count()
    }

    fn scan_word(&self) -> (TokenKind, usize) {
        let first = self.byte(0);
        let length = 1 + self.word_length(1);
        let word = self.rest().get(..length).unwrap_or_default();
        if length == 8 && self.is_guid() {
            return (TokenKind::Guid, 36);
        }
        if length == 1 && matches!(first, b'h' | b'H') {
            let is_verbatim = self.byte(1) == b'@' && matches!(self.byte(2), b'"' | b'\'');
            if is_verbatim || matches!(self.byte(1), b'"' | b'\'') || self.is_fence(1) {
                return self.scan_string(1);
            }
        }
        if self.byte(length) == b'('
            && let Some(ty) = typed(word)
        {
            return self.scan_typed(ty, length + 1);
        }
        if self.byte(length) == b'-'
            && let Some(long) = self.hyphenated(word)
        {
            return (TokenKind::Word, long);
        }
        let tilde = word == "in" && self.byte(2) == b'~' && !self.is_fence(2);
        (TokenKind::Word, length + usize::from(tilde))
    }

    fn hyphenated(&self, word: &str) -> Option<usize> {
        let rest = self.rest();
        let fits = |known: &&&str| {
            known.starts_with(word)
                && rest.starts_with(**known)
                && self.word_length(known.len()) == 0
        };
        words::HYPHENATED
            .iter()
            .filter(fits)
            .map(|known| known.len())
            .max()
    }

    /// The rest of `datetime(...)` behind its parenthesis.
    fn scan_typed(&self, ty: Type, from: usize) -> (TokenKind, usize) {
        let rest = self.rest().get(from..).unwrap_or_default();
        match rest.find([')', '\n', '\r']) {
            Some(end) if rest.as_bytes().get(end) == Some(&b')') => {
                (TokenKind::Typed(ty), from + end + 1)
            }
            end => (TokenKind::BadTyped, from + end.unwrap_or(rest.len())),
        }
    }

    fn is_guid(&self) -> bool {
        let bytes = self
            .text
            .as_bytes()
            .get(self.at..self.at + 36)
            .unwrap_or_default();
        bytes.len() == 36
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
    }

    fn digits(&self, from: usize) -> usize {
        let bytes = self
            .text
            .as_bytes()
            .get(self.at + from..)
            .unwrap_or_default();
        bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    }

    fn scan_number(&self) -> (TokenKind, usize) {
        if self.is_guid() {
            return (TokenKind::Guid, 36);
        }
        if let Some(length) = self.scan_real() {
            return (TokenKind::Real, length);
        }
        let mut length = self.digits(0);
        if self.byte(length) == b'.' && self.byte(length + 1).is_ascii_digit() {
            length += 1 + self.digits(length + 1);
        }
        let unit = self.word_length(length);
        let name = self.rest().get(length..length + unit).unwrap_or_default();
        if UNITS.contains(&name) {
            return (TokenKind::TimeSpan, length + unit);
        }
        let word = self.word_length(0);
        if word == self.digits(0) {
            return (TokenKind::Long, word);
        }
        let hex = self.rest().get(2..word).unwrap_or_default();
        let is_hex = self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X') && !hex.is_empty();
        if is_hex && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return (TokenKind::Long, word);
        }
        (TokenKind::Word, word)
    }

    fn scan_real(&self) -> Option<usize> {
        let mut length = self.digits(0);
        let has_point = self.byte(length) == b'.'
            && (self.byte(length + 1) != b'.' || self.byte(length + 2) == b'.');
        if has_point {
            length += 1 + self.digits(length + 1);
        }
        let mut has_exponent = false;
        if matches!(self.byte(length), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(length + 1), b'+' | b'-'));
            let digits = self.digits(length + 1 + sign);
            if digits > 0 {
                has_exponent = true;
                length += 1 + sign + digits;
            }
        }
        ((has_point || has_exponent) && self.word_length(length) == 0).then_some(length)
    }

    fn is_fence(&self, from: usize) -> bool {
        let rest = self.rest().get(from..).unwrap_or_default();
        rest.starts_with("```") || rest.starts_with("~~~")
    }

    /// A string whose quote or `@` is at `from`.
    fn scan_string(&self, from: usize) -> (TokenKind, usize) {
        if self.is_fence(from) {
            let rest = self.rest();
            let fence = rest.get(from..from + 3).unwrap_or_default();
            let inside = rest.get(from + 3..).unwrap_or_default();
            return match inside.find(fence) {
                Some(end) => (TokenKind::String, from + end + 6),
                None => (TokenKind::BadString, rest.len()),
            };
        }
        let is_verbatim = self.byte(from) == b'@';
        let open = from + usize::from(is_verbatim);
        let quote = self.byte(open);
        let mut at = open + 1;
        loop {
            let byte = self.byte(at);
            if byte == quote {
                if is_verbatim && self.byte(at + 1) == quote {
                    at += 2;
                    continue;
                }
                return (TokenKind::String, at + 1);
            }
            if byte == b'\n' || byte == b'\r' || self.at + at >= self.text.len() {
                return (TokenKind::BadString, at);
            }
            // Which escapes there are is seen when the text is decoded; here only the quote matters.
            let escapes =
                byte == b'\\' && !is_verbatim && matches!(self.byte(at + 1), b'\\' | b'"' | b'\'');
            at += 1 + usize::from(escapes);
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_space();
        if self.at >= self.text.len() {
            return None;
        }
        let (kind, length) = self.measure();
        let start = self.at;
        self.at += length.max(1);
        Some(Token {
            kind,
            span: Span {
                start: place(start),
                end: place(self.at),
            },
        })
    }
}

/// A byte offset as spans hold it; texts are bounded far below what it holds.
pub(crate) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Types whose name takes a literal between parentheses.
pub(crate) fn typed(word: &str) -> Option<Type> {
    Some(match word {
        "bool" => Type::Bool,
        "int" | "int32" => Type::Int,
        "long" | "int64" => Type::Long,
        "real" | "double" => Type::Real,
        "decimal" => Type::Decimal,
        "datetime" | "date" => Type::DateTime,
        "timespan" | "time" => Type::TimeSpan,
        "guid" => Type::Guid,
        _ => return None,
    })
}

/// All pieces of a text, in its order, for highlighting and completion: never fails.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    Lexer::new(text).collect()
}
