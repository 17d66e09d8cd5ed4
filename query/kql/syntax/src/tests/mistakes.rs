//! What is said about mistakes.

use crate::parse;

#[track_caller]
fn check(query: &str, expected: &str) {
    match parse(query) {
        Ok(tree) => panic!("{query}\n{tree:?}"),
        Err(errors) => assert_eq!(errors.to_string(), expected, "{query}"),
    }
}

/// Only the hint that ends the message.
#[track_caller]
fn hint(query: &str, expected: &str) {
    match parse(query) {
        Ok(tree) => panic!("{query}\n{tree:?}"),
        Err(errors) => {
            let first = &errors.0[0].message;
            assert!(
                first.ends_with(&format!("; {expected}")),
                "{query}\n{first}"
            );
        }
    }
}

#[test]
fn the_place_and_what_was_expected_are_told() {
    let end = "found the end of the query, expected";
    check(
        "T | where",
        &format!("line 1, column 10: {end} an expression"),
    );
    check(
        "T\n| where ü == 1",
        "line 2, column 9: found `ü`, expected an expression; names with other letters than a to z are written ['...']",
    );
    check(
        "// ä\n  T | top 5",
        &format!("line 2, column 12: {end} `by`"),
    );
    check(
        "T | where (a == 1",
        &format!("line 1, column 18: {end} an operator or `)`"),
    );
    check(
        "T | where f(a, b",
        &format!("line 1, column 17: {end} an operator, `,` or `)`"),
    );
    check(
        "T | project a b",
        "line 1, column 15: found `b`, expected an operator, `,`, `|`, `;` or the end of the query",
    );
    check(
        "T | count by a",
        "line 1, column 11: found `by`, expected `|`, `;` or the end of the query",
    );
    check(
        "print dynamic({a: 1})",
        "line 1, column 16: found `a`, expected a key in quotes",
    );
    check(
        "datatable(a) [1]",
        "line 1, column 12: found `)`, expected `:` and a type",
    );
    check(
        "T | where a == \"x",
        "line 1, column 16: found a text without its closing quote, expected an expression",
    );
    check(
        "print '\\q'",
        "line 1, column 8: there is no escape `\\q`; write `\\\\` for a backslash, or @\"...\"",
    );
    check(
        "print long(x)",
        "line 1, column 7: `long(x)` is no value of its type",
    );
    check(
        ".show tables",
        "line 1, column 1: management commands are not supported here",
    );
    check(
        "declare pattern a = () { b; }; T",
        "line 1, column 1: patterns are not supported here",
    );
}

#[test]
fn several_mistakes_are_told_apart() {
    check(
        "T | wheer a | extend b = | take 5; U | join (V | taek 1) on a; let c = 1 2",
        "line 1, column 5: there is no operator `wheer`; did you mean `where`?\n\
         line 1, column 26: found `|`, expected an expression; a table stands before `|`\n\
         line 1, column 50: there is no operator `taek`; did you mean `take`?\n\
         line 1, column 74: found `2`, expected an operator, `|`, `;` or the end of the query",
    );
    check(
        "T || where a ==",
        "line 1, column 4: found `|`, expected an operator such as `where`; one `|` is enough\n\
         line 1, column 16: found the end of the query, expected an expression",
    );
}

#[test]
fn what_was_probably_meant_is_told() {
    hint("T | summarise count()", "did you mean `summarize`?");
    hint("T | mv_expand a", "did you mean `mv-expand`?");
    hint("T | where a contans 'x'", "did you mean `contains`?");
    hint("T | where a !starts 'x'", "did you mean `!startswith`?");
    hint("T | where a matches 'x'", "write `matches regex`");
    hint(
        "T | where a ! has 'x'",
        "write not(...), or `!` and its word without a blank, as in `!has`",
    );
    hint(
        "print dynamic([1]), typeof(strng)",
        "did you mean `string`?",
    );
    hint(
        "T | render piechart with (titel = 'x')",
        "did you mean `title`?",
    );
    hint(
        "T | parse-kv a as (b: int) with (kv_delimeter = '=')",
        "did you mean `kv_delimiter`?",
    );
    hint("T where a", "operators stand behind `|`: `| where`");
    hint(
        "T | take 1\n\n// another\nU | take 1",
        "if another query begins here, `;` ends the one before it",
    );
    hint("where a", "write ['where'] if it is a name");
    hint("T | extend kind = 1", "write ['kind'] if it is a name");
    hint("let x == 5", "`=` assigns");
    hint(
        "let f = (a) { a }",
        "the parameters of a function have types: `(a: long)`",
    );
    hint(
        "print [1, 2]",
        "an array is written dynamic([...]), a name with other signs ['name']",
    );
    hint(
        "T | where a == 'it's'",
        "a quote within a text is written `\\'` or `\\\"`",
    );
    hint("T | where a == “x”", "texts stand in straight quotes");
    hint(
        "T | where 1 < a < 5",
        "comparisons are joined by `and`: `1 < a and a < 5`",
    );
    hint("-- c", "comments begin with `//`");
    hint("T # c", "comments begin with `//`");
    hint("/* c */ T", "comments begin with `//`");
    check(
        "print datetime (2020)",
        "line 1, column 7: no blank stands in `datetime(...)`",
    );
}

#[test]
fn other_languages_are_known() {
    hint(
        "select a from T",
        "a query begins with a table: `Table | where ... | project ...`",
    );
    hint(
        "SELECT * FROM T",
        "a query begins with a table: `Table | where ... | project ...`",
    );
    hint("T | where a = 5", "`==` compares");
    hint(
        "T | where a == 5 AND b == 6",
        "words of the language are in small letters",
    );
    hint("T | where a == 5 && b == 6", "`and` is written out");
    hint("T | where a == 5 || b == 6", "`or` is written out");
    hint("T | where a IS NULL", "write isnull(...) or isempty(...)");
    hint(
        "T | where a is not null",
        "write isnotnull(...) or isnotempty(...)",
    );
    hint("T | where not a", "`not` is a function: not(...)");
    hint("T | where a not in (1)", "`not` is a function: not(...)");
    hint(
        "T | where a LIKE '%x%'",
        "write `has`, `contains`, `startswith` or `matches regex`",
    );
    hint(
        "T | extend b = case when a then 1 end",
        "write case(condition, value, ..., else) or iff(condition, then, else)",
    );
    hint("T | group by a", "write `summarize ... by ...`");
    hint(
        "T | summarize count() GROUP BY a",
        "write `summarize ... by ...`",
    );
}

#[test]
fn what_is_forgotten_is_told() {
    check(
        "T | summarize count() a, b",
        "line 1, column 23: found `a`, expected `,`, `by` or `|`; what rows are grouped by stands behind `by`",
    );
    hint(
        "T | summarize count() BY a",
        "words of the language are in small letters",
    );
    hint(
        "T | order by a DESC",
        "words of the language are in small letters",
    );
    hint("T | order by a descending", "write `desc`");
    hint(
        "T | project a as b",
        "a new name stands before its value: `new = old`",
    );
    hint(
        "T | top 5 by a, b",
        "one expression stands here: conditions are joined by `and`, and `sort by a, b | take 5` sorts by several",
    );
    hint(
        "T | where a has ('b', 'c')",
        "several values stand behind `in`, `has_any` or `has_all`",
    );
    hint(
        "T | where t > ago(1 h)",
        "a timespan is written without a blank: 7d, 1h, 5m, 30s",
    );
    hint(
        "T | where t > now() - 1 day",
        "a timespan is written without a blank: 7d, 1h, 5m, 30s",
    );
    hint(
        "T | where t between (1, 2)",
        "write `between (low .. high)`",
    );
    hint(
        "T | where t between 1 and 2",
        "write `between (low .. high)`",
    );
    hint(
        "T | where a in 'b', 'c'",
        "a list stands in parentheses: `in ('a', 'b')`",
    );
    hint(
        "T | summarize count(distinct a)",
        "distinct values are counted by dcount(x) or count_distinct(x)",
    );
    hint(
        "let a = 5\nT | take a",
        "if a new statement begins here, `;` ends the one before it",
    );
    check(
        "T | where contains(a, 'b')",
        "line 1, column 11: `contains` stands between its operands: `a contains 'b'`",
    );
    hint("T | left join U on a", "write `join kind=leftouter`");
    hint("T | LEFT OUTER JOIN U on a", "write `join kind=leftouter`");
}

#[test]
fn signs_that_look_alike_are_told() {
    hint("T | where a => 5", "did you mean `>=`?");
    hint("T | where a =< 5", "write `<=`");
    hint("T | where a =! 5", "write `!=`");
    hint("T | where a \u{2265} 5", "write `>=`");
    hint(
        "T | where a \u{2013} 5 > 1",
        "this is a dash of typesetters; a minus is `-`",
    );
    hint(
        "T | where `a` == 5",
        "a name stands without quotes, or as ['name']",
    );
    hint(
        "T | extend 'a' = 5",
        "a name stands without quotes, or as ['name']; `==` compares",
    );
    hint(
        "T | where [a] == 5",
        "an array is written dynamic([...]), a name with other signs ['name']",
    );
    hint(
        "T | where a == \u{2018}x\u{2019}",
        "texts stand in straight quotes",
    );
    assert!(parse("T\u{a0}|\u{a0}where a\u{a0}== 'x'\u{200b}").is_ok());
}
