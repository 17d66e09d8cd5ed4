//! Which pieces a text has.

use super::slice;
use crate::{
    TokenKind::{self, *},
    ast::Type,
    tokens,
};

#[track_caller]
fn check(text: &str, expected: &[(&str, TokenKind)]) {
    let found: Vec<(&str, TokenKind)> = tokens(text)
        .iter()
        .map(|token| (slice(text, token.span), token.kind))
        .collect();
    assert_eq!(found, expected, "{text}");
}

/// All pieces are of one kind and stand between blanks.
#[track_caller]
fn all(text: &str, kind: TokenKind) {
    let expected: Vec<(&str, TokenKind)> = text.split(' ').map(|piece| (piece, kind)).collect();
    check(text, &expected);
}

#[test]
fn numbers_and_what_looks_like_them() {
    all("0 5 0x1F 0Xff 123456789012345678901234567890", Long);
    all("1.5 1. 1e3 1.5e-7 1E+3 0.0", Real);
    all(
        "1d 2h 3m 4s 5ms 6min 1.5h 7days 8hours 9hrs 1sec 2seconds 3tick 4ticks",
        TimeSpan,
    );
    all(
        "1day 2minute 3milli 4milliseconds 5micro 6microsecond 7nanosecond 8second",
        TimeSpan,
    );
    all("0x 0xg 4624events 3Dchart 1dd 5kg 1_", Word);
    all(
        "74be27de-1e4e-49d9-b579-fe0b331d3642 ABCDEF12-1e4e-49d9-b579-fe0b331d3642",
        Guid,
    );
    check("1..2", &[("1", Long), ("..", DotDot), ("2", Long)]);
    check("1d..2", &[("1d", TimeSpan), ("..", DotDot), ("2", Long)]);
    check("5.a", &[("5", Long), (".", Dot), ("a", Word)]);
    check("-1", &[("-", Minus), ("1", Long)]);
}

#[test]
fn texts() {
    all(
        r#""a" 'b' "" '' @"c" @'d' h"e" H'f' h@"g" "a\"b" 'a\\' @"a""b" @'a\' ```g``` ~~~h~~~"#,
        String,
    );
    check("```a\n'b```c", &[("```a\n'b```", String), ("c", Word)]);
    check("\"a\nb", &[("\"a", BadString), ("b", Word)]);
    check("'a\\'", &[("'a\\'", BadString)]);
    check("```a", &[("```a", BadString)]);
    check("h 'a'", &[("h", Word), ("'a'", String)]);
    check("@a", &[("@", At), ("a", Word)]);
}

#[test]
fn words() {
    all(
        "a _a $left a1 where true in~ !in !in~ !has_cs !between project-away mv-expand granny-asc",
        Word,
    );
    check(
        "project-awayx",
        &[("project", Word), ("-", Minus), ("awayx", Word)],
    );
    check("a-b", &[("a", Word), ("-", Minus), ("b", Word)]);
    check(
        "mv-expand-x",
        &[("mv-expand", Word), ("-", Minus), ("x", Word)],
    );
    check("in~~~a~~~", &[("in", Word), ("~~~a~~~", String)]);
    check("a!=b", &[("a", Word), ("!=", NotEqual), ("b", Word)]);
    check("!=~", &[("!=", NotEqual), ("~", Unknown)]);
}

#[test]
fn values_of_types() {
    check(
        "datetime(2024-01-01 10:00)",
        &[("datetime(2024-01-01 10:00)", Typed(Type::DateTime))],
    );
    all("long(5) int64(-5) long(null)", Typed(Type::Long));
    all("real(nan) double(1)", Typed(Type::Real));
    check(
        "guid(x)time(1d)",
        &[
            ("guid(x)", Typed(Type::Guid)),
            ("time(1d)", Typed(Type::TimeSpan)),
        ],
    );
    check(
        "int (5)",
        &[
            ("int", Word),
            ("(", OpenParen),
            ("5", Long),
            (")", CloseParen),
        ],
    );
    check("int(5\n)", &[("int(5", BadTyped), (")", CloseParen)]);
    check(
        "toint(5)",
        &[
            ("toint", Word),
            ("(", OpenParen),
            ("5", Long),
            (")", CloseParen),
        ],
    );
}

#[test]
fn signs_and_comments() {
    check(
        "== = => =~ !~ <> <= >= < >",
        &[
            ("==", Equal),
            ("=", Assign),
            ("=>", Arrow),
            ("=~", EqualNoCase),
            ("!~", NotEqualNoCase),
            ("<>", NotEqual),
            ("<=", LessOrEqual),
            (">=", GreaterOrEqual),
            ("<", Less),
            (">", Greater),
        ],
    );
    check(
        "a // b\nc//",
        &[("a", Word), ("// b", Comment), ("c", Word), ("//", Comment)],
    );
    check("\u{feff}a\u{a0}\u{200b}é", &[("a", Word), ("é", Unknown)]);
    check("", &[]);
}
