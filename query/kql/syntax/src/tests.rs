//! What is read and what is not.

use std::fs;

use crate::{parse, print};

#[track_caller]
fn reads(query: &str) {
    if let Err(errors) = parse(query) {
        panic!("{query}\n{errors}");
    }
    keeps(query);
}

/// Printed and read again, a tree is the same.
#[track_caller]
fn keeps(query: &str) {
    let Ok(tree) = parse(query) else { return };
    let printed = print(&tree);
    match parse(&printed) {
        Ok(again) => assert_eq!(
            format!("{:?}", again.without_spans()),
            format!("{:?}", tree.without_spans()),
            "{query}\n---\n{printed}"
        ),
        Err(errors) => panic!("{query}\n---\n{printed}\n{errors}"),
    }
}

#[track_caller]
fn refuses(query: &str, expected: &str) {
    match parse(query) {
        Ok(tree) => panic!("{query}\n{tree:?}"),
        Err(errors) => assert_eq!(errors.to_string(), expected),
    }
}

#[test]
fn operators_are_read() {
    reads("T | where a has 'x' and (b or c) | extend d = 1d, (e, f) = g(h) | project-away i*, *j");
    reads(
        "T | join kind=inner hint.strategy = shuffle (U | take 5) on a, $left.b == $right.c and $left.d == $right.e",
    );
    reads(
        "let f = (t: (*), n: long = 5) { t | take n }; let v = view () { print 1 }; f(T); union v*, (U)",
    );
    reads("T | make-series n = count() default=0 on t from ago(1d) to now() step 1h by c");
    reads("T | make-series count() on t in range(ago(1d), now(), 1h)");
    reads("T | mv-apply a = b to typeof(long) limit 5 on (where a > 1 | take 1)");
    reads("T | parse kind=regex flags=Ui a with * 'x' b: long 'y' c *");
    reads("cluster('c').database(\"d\").T | evaluate bag_unpack(x) : (*, a: long)");
    reads(
        "T | scan with_match_id = m declare (n: long = 0) with (step s: a > 1 => n = 1; step t output = all: b;)",
    );
    reads(
        "datatable(a: long, b: dynamic) [1, dynamic({'x': [1, null, 2.5, datetime(2024-01-01)]}), -2, dynamic(null),]",
    );
    reads(
        "search in (T, U*) * and a: 'x' | make-graph a --> b | graph-match (n)-[e]->(m) project n.x",
    );
}

#[test]
fn mistakes_are_told() {
    refuses(
        "T | where a = 5",
        "line 1, column 13: found `=`, expected `|`, `;` or the end of the query; `==` compares",
    );
    refuses(
        "T | wheer a",
        "line 1, column 5: there is no operator `wheer`; did you mean `where`?",
    );
    refuses(
        "T | where (a\n| take | project",
        "line 2, column 8: found `|`, expected an expression\nline 2, column 17: found the end of the query, expected an expression",
    );
}

/// Rules that Microsoft's own parser refuses as well: an unbalanced call, and an escape outside of a text.
const BROKEN: [&str; 2] = [
    "6962473c-bcb8-421d-a0db-826078cad280",
    "09c49590-4e9d-4da9-a34d-17222d0c9e7e",
];

#[test]
fn queries_of_others_are_read() {
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
            let query = case["query"].as_str().unwrap();
            keeps(query);
            let result = parse(query);
            assert_eq!(result.is_err(), BROKEN.contains(&id), "{id}: {result:?}");
        }
    }
}
