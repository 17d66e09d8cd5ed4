//! Whole queries, ours and those of others, and what they print as.

use std::fs;

use super::{read, slice};
use crate::{
    Span,
    ast::{Expr, ExprKind, Operator, Query, Statement},
    fuzz::{keeps, queries},
    parse, print,
};

/// Rules that Microsoft's own parser refuses as well: an unbalanced call, and an escape outside of a text.
const BROKEN: [&str; 2] = [
    "6962473c-bcb8-421d-a0db-826078cad280",
    "09c49590-4e9d-4da9-a34d-17222d0c9e7e",
];

#[test]
fn our_queries_are_read_and_kept() {
    assert!(queries().count() > 90);
    for query in queries() {
        keeps(&read(query));
    }
}

#[test]
fn queries_of_others_are_read_and_kept() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../../shared/conformance"
    );
    for file in ["kql_docs.json", "sentinel_queries.json"] {
        let Ok(text) = fs::read_to_string(format!("{folder}/{file}")) else {
            eprintln!("skipped: no {file} here");
            continue;
        };
        let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let id = case["id"].as_str().unwrap();
            let result = parse(case["query"].as_str().unwrap());
            assert_eq!(result.is_err(), BROKEN.contains(&id), "{id}: {result:?}");
            if let Ok(tree) = result {
                keeps(&tree);
            }
        }
    }
}

#[test]
fn what_stands_in_a_place_is_what_was_read_there() {
    let mut count = 0;
    for query in queries() {
        for statement in &read(query).statements {
            let (Statement::Expr(expr) | Statement::Let { value: expr, .. }) = statement else {
                continue;
            };
            let again = read(&format!("let a = {}", slice(query, expr.span)));
            let Statement::Let { value, .. } = &again.without_spans().statements[0] else {
                panic!("{query}");
            };
            assert_eq!(print(&alone(value.clone())), print(&alone(expr.clone())));
            let ExprKind::Pipe { operators, .. } = &expr.kind else {
                continue;
            };
            for operator in operators {
                let text = format!("T | {}", slice(query, operator.span));
                let Statement::Expr(Expr {
                    kind:
                        ExprKind::Pipe {
                            operators: again, ..
                        },
                    ..
                }) = &read(&text).statements[0]
                else {
                    panic!("{text}");
                };
                assert_eq!(
                    print(&piped(again)),
                    print(&piped(std::slice::from_ref(operator))),
                    "{text}"
                );
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}

fn alone(expr: Expr) -> Query {
    Query {
        statements: vec![Statement::Expr(expr)],
    }
}

fn piped(operators: &[Operator]) -> Query {
    let kind = ExprKind::Pipe {
        source: None,
        operators: operators.to_vec(),
    };
    alone(Expr {
        kind,
        span: Span::default(),
    })
}

/// What a query prints as; what it prints as prints as itself.
#[track_caller]
fn check(query: &str, expected: &str) {
    assert_eq!(print(&read(query)), expected);
    assert_eq!(print(&read(expected)), expected);
}

#[test]
fn old_spellings_print_as_new_ones() {
    check("T|filter a<>1|limit 5", "T\n| where a != 1\n| take 5");
    check("T | order by a", "T\n| sort by a");
    check("T | mvexpand a", "T\n| mv-expand a");
    check(
        "T | where a notcontains 'x' or b containscs 'y'",
        "T\n| where a !contains \"x\" or b contains_cs \"y\"",
    );
    check(
        "T | make-series count() on t in range(a,b,1h)",
        "T\n| make-series count() on t in range(a, b, 1h)",
    );
    check("search a:'x'", "search a has \"x\"");
}

#[test]
fn parentheses_stand_where_they_are_needed() {
    check("print (a)+((b*c))", "print a + b * c");
    check(
        "print (a+b)*c, a-(b-c), (a-b)-c",
        "print (a + b) * c, a - (b - c), a - b - c",
    );
    check(
        "print a and (b or c) and (d and e)",
        "print a and (b or c) and d and e",
    );
    check(
        "print (a or b) or c, a or (b or c)",
        "print a or b or c, a or b or c",
    );
    check(
        "print (a == b) == c, a == (b < c), (a < b) == c",
        "print (a == b) == c, a == b < c, a < b == c",
    );
    check(
        "print -(a + b), -(-a), (-a).b, -a.b",
        "print -(a + b), -(-a), (-a).b, -a.b",
    );
    check(
        "print (a has b) in (c, (d | take 1))",
        "print a has b in (c, (d | take 1))",
    );
    check("print (a in (b)) in (c)", "print (a in (b)) in (c)");
    check("(T | take 1) | take 2", "(T | take 1)\n| take 2");
    check(
        "T | where a in ((U | project a))",
        "T\n| where a in (U | project a)",
    );
}

#[test]
fn names_stand_in_brackets_where_they_are_needed() {
    check(
        "['a'] | project ['where'], ['b c'], d.['e'], f.count",
        "a\n| project [\"where\"], [\"b c\"], d[\"e\"], f.count",
    );
    check(
        "T | project title = 1, kind",
        "T\n| project [\"title\"] = 1, [\"kind\"]",
    );
    check("['my f'](1) | take 1", "[\"my f\"](1)\n| take 1");
}

#[test]
fn values_print_as_what_they_are() {
    check(
        "print 0x10, -0x1, 1.0, 1e21, 1.5e-7",
        "print 16, -1, 1.0, 1e21, 1.5e-7",
    );
    check(
        "print -9223372036854775808",
        "print long(-9223372036854775808)",
    );
    check(
        "print real(inf), real(-inf), real(nan)",
        "print real(+inf), real(-inf), real(nan)",
    );
    check(
        "print int( 5 ), bool(1), date(2026-01-01), time(1h)",
        "print int(5), true, datetime(2026-01-01), 1h",
    );
    check(
        "print @'a\\b' \"c\" h'd', ```e\nf```",
        "print \"a\\\\bcd\", \"e\\nf\"",
    );
    check(
        "print '\\x41\\101\\u00e9\\U0001F600\\ud83d\\ude00\\0'",
        "print \"AA\u{e9}\u{1f600}\u{1f600}\\u0000\"",
    );
    check("print @'it''s', 'a\\'b'", "print \"it's\", \"a'b\"");
    check(
        "print dynamic({'a':[1,-2.0,null,true,1d,date(2026-01-01)]})",
        "print dynamic({\"a\": [1, -2.0, null, true, 1d, datetime(2026-01-01)]})",
    );
    check(
        "print dynamic(99999999999999999999), dynamic(1e999)",
        "print dynamic(1e20), dynamic(1e999)",
    );
}
