//! What the lexer finds.

use crate::{ast::Type, span::Span};

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A name, or a word of the language: which of them depends on the place. `T`, `where`, `mv-expand`, `in~`, `!has`.
    Word,
    /// `"a"`, `@'a'`, `` ```a``` ``, with or without `h`.
    String,
    /// `5`, `0xff`.
    Long,
    /// `1.5`, `1e3`.
    Real,
    /// `1d`, `5min`.
    TimeSpan,
    /// `12345678-1234-1234-1234-123456789abc` without `guid(...)`.
    Guid,
    /// `datetime(2024-01-01)`, `long(5)`: the parentheses belong to it.
    Typed(Type),
    /// `// ...`.
    Comment,
    /// `|`.
    Pipe,
    /// `(`.
    OpenParen,
    /// `)`.
    CloseParen,
    /// `[`.
    OpenBracket,
    /// `]`.
    CloseBracket,
    /// `{`.
    OpenBrace,
    /// `}`.
    CloseBrace,
    /// `,`.
    Comma,
    /// `;`.
    Semicolon,
    /// `:`.
    Colon,
    /// `.`.
    Dot,
    /// `..`.
    DotDot,
    /// `=`.
    Assign,
    /// `=>`.
    Arrow,
    /// `==`.
    Equal,
    /// `!=`, `<>`.
    NotEqual,
    /// `=~`.
    EqualNoCase,
    /// `!~`.
    NotEqualNoCase,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `+`.
    Plus,
    /// `-`.
    Minus,
    /// `*`.
    Star,
    /// `/`.
    Slash,
    /// `%`.
    Percent,
    /// `@` that begins no text.
    At,
    /// `?`.
    Question,
    /// A string that does not end, or has an escape that there is not.
    BadString,
    /// `datetime(...` that does not end in its line.
    BadTyped,
    /// What begins nothing.
    Unknown,
    /// After the last piece.
    End,
}
