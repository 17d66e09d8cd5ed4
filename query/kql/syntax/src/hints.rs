//! What to say about a mistake.

use crate::{
    token::{Token, TokenKind},
    words,
};

/// Longest piece of the text that a message quotes.
const QUOTED_MAX: usize = 40;

/// Something else was expected.
pub(crate) fn unexpected(text: &str, token: Token, next: &str, expected: &str) -> String {
    let piece = piece(text, token);
    let found = found(token, piece);
    let hint = hint(token, piece, next, expected);
    format!("found {found}, expected {expected}{hint}")
}

/// No operator has this name.
pub(crate) fn unknown_operator(text: &str, token: Token, next: &str, names: &[&str]) -> String {
    let piece = piece(text, token);
    let found = found(token, piece);
    if token.kind != TokenKind::Word {
        let hint = match token.kind {
            TokenKind::Pipe => "; `or` is written out",
            _ => "",
        };
        return format!("found {found}, expected an operator such as `where`{hint}");
    }
    let hint = match sql(piece, next) {
        Some(hint) => format!("; {hint}"),
        None => match words::nearest(piece, names.iter().copied()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        },
    };
    format!("there is no operator {found}{hint}")
}

fn piece(text: &str, token: Token) -> &str {
    text.get(token.span.start as usize..token.span.end as usize)
        .unwrap_or_default()
}

fn found(token: Token, piece: &str) -> String {
    match token.kind {
        TokenKind::End => "the end of the query".to_owned(),
        TokenKind::BadString => "a text without its closing quote".to_owned(),
        TokenKind::BadTyped => "a value without its closing `)`".to_owned(),
        _ => {
            let line = piece.lines().next().unwrap_or_default();
            let short: String = line.chars().take(QUOTED_MAX).collect();
            let dots = if short.len() < piece.len() { "..." } else { "" };
            format!("`{short}{dots}`")
        }
    }
}

fn hint(token: Token, piece: &str, next: &str, expected: &str) -> String {
    let hint = match token.kind {
        TokenKind::Assign => Some("`==` compares"),
        TokenKind::Unknown => match piece {
            "&" => Some("`and` is written out"),
            "!" => Some("write not(...)"),
            "\u{201c}" | "\u{201d}" | "\u{201e}" | "\u{2018}" | "\u{2019}" => {
                Some("texts stand in straight quotes")
            }
            _ => None,
        },
        TokenKind::Equal if expected.contains("`=`") => Some("`=` assigns"),
        TokenKind::Word => sql(piece, next),
        _ => None,
    };
    if let Some(hint) = hint {
        return format!("; {hint}");
    }
    if token.kind != TokenKind::Word {
        return String::new();
    }
    let expected_words = expected.split('`').skip(1).step_by(2);
    match words::nearest(piece, expected_words.chain(OPERATORS.iter().copied())) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    }
}

/// Operators between operands that are words.
const OPERATORS: &[&str] = &[
    "and",
    "between",
    "contains",
    "contains_cs",
    "endswith",
    "endswith_cs",
    "has",
    "has_all",
    "has_any",
    "has_cs",
    "hasprefix",
    "hasprefix_cs",
    "hassuffix",
    "hassuffix_cs",
    "in",
    "in~",
    "matches regex",
    "or",
    "startswith",
    "startswith_cs",
    "!between",
    "!contains",
    "!contains_cs",
    "!endswith",
    "!endswith_cs",
    "!has",
    "!has_cs",
    "!hasprefix",
    "!hasprefix_cs",
    "!hassuffix",
    "!hassuffix_cs",
    "!in",
    "!in~",
    "!startswith",
    "!startswith_cs",
];

/// What is said so in SQL, or in another way elsewhere.
fn sql(word: &str, next: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    Some(match lower.as_str() {
        "and" | "or" | "in" | "between" | "has" | "contains" | "startswith" | "endswith" | "by"
        | "where" | "extend" | "project" | "summarize" | "join" | "union" | "let" | "on"
            if word != lower =>
        {
            "words of the language are in small letters"
        }
        "select" => "a query begins with a table: `Table | where ... | project ...`",
        "from" => "a query begins with its table, without `from`",
        "group" => "write `summarize ... by ...`",
        "having" => "write `where` behind `summarize`",
        "offset" => "there is no `offset`; see row_number()",
        "like" if word != lower => "write `has`, `contains`, `startswith` or `matches regex`",
        "is" if next.eq_ignore_ascii_case("not") => "write isnotnull(...) or isnotempty(...)",
        "is" => "write isnull(...) or isempty(...)",
        "not" => "`not` is a function: not(...)",
        "case" => "`case` is a function: case(condition, value, ..., else)",
        "when" | "then" | "else" => {
            "write case(condition, value, ..., else) or iff(condition, then, else)"
        }
        _ => return None,
    })
}
