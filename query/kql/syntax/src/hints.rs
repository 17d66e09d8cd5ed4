//! What to say about a mistake.

use crate::{
    parser::operator::NAMES,
    token::{Token, TokenKind},
    words,
};

/// Longest piece of the text that a message quotes.
const QUOTED_MAX: usize = 40;

/// Where something else was expected.
pub(crate) struct Place<'a> {
    /// The whole text.
    pub(crate) text: &'a str,
    /// What stands there.
    pub(crate) token: Token,
    /// What stands before it.
    pub(crate) before: Option<Token>,
    /// The word behind it, if there is one.
    pub(crate) next: &'a str,
}

/// Something else was expected.
pub(crate) fn unexpected(place: &Place<'_>, expected: &str) -> String {
    let found = found(place.token, place.piece());
    let hint = match place.hint(expected) {
        Some(hint) => format!("; {hint}"),
        None => String::new(),
    };
    format!("found {found}, expected {expected}{hint}")
}

/// No operator has this name.
pub(crate) fn unknown_operator(place: &Place<'_>) -> String {
    let word = place.piece();
    let found = found(place.token, word);
    if place.token.kind != TokenKind::Word {
        let hint = match place.token.kind {
            TokenKind::Pipe if NAMES.contains(&place.next) => "; one `|` is enough",
            TokenKind::Pipe => "; `or` is written out",
            _ => "",
        };
        return format!("found {found}, expected an operator such as `where`{hint}");
    }
    let joins = ["join", "outer"]
        .iter()
        .any(|next| place.next.eq_ignore_ascii_case(next));
    let side = match word.to_ascii_lowercase().as_str() {
        "left" => Some("; write `join kind=leftouter`"),
        "right" => Some("; write `join kind=rightouter`"),
        "full" | "outer" => Some("; write `join kind=fullouter`"),
        "inner" => Some("; write `join kind=inner`"),
        _ => None,
    };
    let hint = side
        .filter(|_| joins)
        .map(str::to_owned)
        .or_else(|| Some(format!("; {}", sql(word, place.next)?)))
        .or_else(|| Some(did_you_mean(words::nearest(word, NAMES.iter().copied())?)));
    format!("there is no operator {found}{}", hint.unwrap_or_default())
}

fn did_you_mean(near: &str) -> String {
    format!("; did you mean `{near}`?")
}

/// A word of the language stands where a name is read.
pub(crate) fn reserved(word: &str, is_called: bool) -> String {
    if is_called && crate::lexer::typed(word).is_some() {
        return format!("no blank stands in `{word}(...)`");
    }
    if is_called && OPERATORS.contains(&word) {
        return format!("`{word}` stands between its operands: `a {word} 'b'`");
    }
    if NAMES.contains(&word) {
        return format!(
            "`{word}` is an operator, which stands behind a table and `|`; write ['{word}'] if it is a name"
        );
    }
    format!("`{word}` is a word of the language; write ['{word}'] if it is a name")
}

impl<'a> Place<'a> {
    fn piece(&self) -> &'a str {
        piece(self.text, self.token)
    }

    fn hint(&self, expected: &str) -> Option<String> {
        let piece = self.piece();
        let before = self
            .before
            .map(|before| (before, piece_before(self.text, before)));
        let plain = match (self.token.kind, before) {
            (TokenKind::Word, Some((text, _)))
                if text.kind == TokenKind::String && text.span.end == self.token.span.start =>
            {
                Some("a quote within a text is written `\\'` or `\\\"`")
            }
            (_, Some((_, "not"))) => Some("`not` is a function: not(...)"),
            (_, Some((_, "if"))) => Some("write iff(condition, then, else)"),
            (TokenKind::Word, Some((_, "distinct"))) if expected.contains("`)`") => {
                Some("distinct values are counted by dcount(x) or count_distinct(x)")
            }
            (TokenKind::Word, Some((number, _)))
                if number.kind == TokenKind::Long && is_unit(piece) =>
            {
                Some("a timespan is written without a blank: 7d, 1h, 5m, 30s")
            }
            (_, Some((_, "between" | "!between"))) if expected == "`(`" => {
                Some("write `between (low .. high)`")
            }
            (_, Some(_)) if expected == "`..`" => Some("write `between (low .. high)`"),
            (_, Some((_, "in" | "!in" | "in~" | "!in~" | "has_any" | "has_all")))
                if expected == "`(`" =>
            {
                Some("a list stands in parentheses: `in ('a', 'b')`")
            }
            (_, Some((comment, _)))
                if comment.kind == TokenKind::Minus && self.token.kind == TokenKind::Minus =>
            {
                Some("comments begin with `//`")
            }
            _ => self.sign(expected),
        };
        if let Some(hint) = plain {
            return Some(hint.to_owned());
        }
        if self.token.kind != TokenKind::Word {
            return None;
        }
        if piece.eq_ignore_ascii_case("as") && expected.contains("`,`") {
            return Some("a new name stands before its value: `new = old`".to_owned());
        }
        if let Some(hint) = sql(piece, self.next) {
            return Some(hint.to_owned());
        }
        if NAMES.contains(&piece) && expected.contains("`|`") {
            return Some(format!("operators stand behind `|`: `| {piece}`"));
        }
        if self.follows_empty_line() && expected.contains("`;`") {
            return Some("if another query begins here, `;` ends the one before it".to_owned());
        }
        let expected_words = expected.split('`').skip(1).step_by(2);
        if let Some(near) = words::nearest(piece, expected_words.chain(OPERATORS.iter().copied())) {
            return Some(format!("did you mean `{near}`?"));
        }
        if self.begins_line() && expected.contains("`;`") {
            return Some("if a new statement begins here, `;` ends the one before it".to_owned());
        }
        None
    }

    /// Whether nothing but blanks stands before the token on its line.
    fn begins_line(&self) -> bool {
        let before = self.text.get(..self.token.span.start as usize);
        let line = before.and_then(|before| before.rsplit_once('\n'));
        line.is_some_and(|(_, line)| line.trim().is_empty())
    }

    /// What follows the token at once.
    fn behind(&self) -> &'a str {
        let behind = self.text.get(self.token.span.end as usize..);
        behind.unwrap_or_default()
    }

    /// Whether an empty line stands before the token.
    fn follows_empty_line(&self) -> bool {
        let end = self.before.map_or(0, |before| before.span.end);
        let between = self.text.get(end as usize..self.token.span.start as usize);
        let mut lines = between.unwrap_or_default().split('\n').skip(1).peekable();
        while let Some(line) = lines.next() {
            // The last one is the beginning of the token's own line.
            if lines.peek().is_some() && line.trim().is_empty() {
                return true;
            }
        }
        false
    }

    /// Whether the token before is of a kind.
    fn follows(&self, kind: TokenKind) -> bool {
        self.before.is_some_and(|before| before.kind == kind)
    }

    /// What a sign was probably meant for.
    fn sign(&self, expected: &str) -> Option<&'static str> {
        use TokenKind as K;
        let ends = expected.contains("`|`");
        Some(match (self.token.kind, self.piece()) {
            (K::Assign, _) if self.behind().starts_with('<') => "write `<=`",
            (K::Assign, _) if self.behind().starts_with('!') => "write `!=`",
            (K::Assign, _) if self.follows(K::Equal) => "`==` compares; there is no `===`",
            (K::Assign, _) if self.follows(K::String) && expected.contains("`,`") => {
                "a name stands without quotes, or as ['name']; `==` compares"
            }
            (K::Assign, _) => "`==` compares",
            (K::Arrow, _) if ends => "did you mean `>=`?",
            (K::Comma, _) if ends && !expected.contains("`,`") => {
                "one expression stands here: conditions are joined by `and`, and `sort by a, b | take 5` sorts by several"
            }
            (K::Comma, _) if !expected.contains("`,`") && expected.contains("`)`") => {
                "several values stand behind `in`, `has_any` or `has_all`"
            }
            (K::Equal, _) if expected.contains("`=`") => "`=` assigns",
            (
                K::Less | K::LessOrEqual | K::Greater | K::GreaterOrEqual | K::Equal | K::NotEqual,
                _,
            ) if ends => "comparisons are joined by `and`: `1 < a and a < 5`",
            (K::OpenBracket, _) if expected.contains("expression") => {
                "an array is written dynamic([...]), a name with other signs ['name']"
            }
            (K::OpenBrace, _) if expected.contains("expression") => {
                "an object is written dynamic({...})"
            }
            (K::OpenBrace, _) if ends => "the parameters of a function have types: `(a: long)`",
            (K::Pipe, _) if expected.contains("expression") => "a table stands before `|`",
            (K::Slash, _) if expected.contains("expression") => "comments begin with `//`",
            (K::Unknown, "#") => "comments begin with `//`",
            (K::Unknown, "&") => "`and` is written out",
            (K::Unknown, "!") => {
                "write not(...), or `!` and its word without a blank, as in `!has`"
            }
            (K::Unknown, "\u{201c}" | "\u{201d}" | "\u{201e}" | "\u{2018}" | "\u{2019}") => {
                "texts stand in straight quotes"
            }
            (K::Unknown, "`") => "a name stands without quotes, or as ['name']",
            (K::Unknown, "\u{2265}") => "write `>=`",
            (K::Unknown, "\u{2264}") => "write `<=`",
            (K::Unknown, "\u{2260}") => "write `!=`",
            (K::Unknown, "\u{2013}" | "\u{2014}" | "\u{2212}") => {
                "this is a dash of typesetters; a minus is `-`"
            }
            (K::Unknown, "\u{2502}" | "\u{ff5c}" | "\u{00a6}") => "write `|`",
            (K::Unknown, letter) if letter.chars().all(char::is_alphabetic) => {
                "names with other letters than a to z are written ['...']"
            }
            _ => return None,
        })
    }
}

fn piece_before(text: &str, before: Token) -> &str {
    match before.kind {
        TokenKind::Word => piece(text, before),
        _ => "",
    }
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

/// Whether a word is how long a timespan is.
fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 17] = [
        "d", "day", "days", "h", "hour", "hours", "m", "min", "minute", "minutes", "ms", "s",
        "sec", "second", "seconds", "week", "weeks",
    ];
    UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
}

/// Whether a word of both languages is meant as SQL has it.
fn is_sql(lower: &str, next: &str) -> bool {
    lower == "from" && !next.is_empty()
}

/// What is said so in SQL, or in another way elsewhere.
fn sql(word: &str, next: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    Some(match lower.as_str() {
        "and" | "or" | "in" | "between" | "has" | "contains" | "startswith" | "endswith" | "by"
        | "where" | "extend" | "project" | "summarize" | "join" | "union" | "let" | "on"
        | "desc" | "asc" | "nulls" | "first" | "last" | "take" | "top" | "sort" | "distinct"
        | "count" | "limit" | "lookup" | "evaluate" | "parse" | "render" | "print" | "range"
        | "datatable" | "mv-expand" | "mv-apply" | "make-series" | "from" | "to" | "step"
        | "kind" | "with" | "of"
            if word != lower && !is_sql(&lower, next) =>
        {
            "words of the language are in small letters"
        }
        "matches" => "write `matches regex`",
        "descending" => "write `desc`",
        "ascending" => "write `asc`",
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
