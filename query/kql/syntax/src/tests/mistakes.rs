//! What is said about mistakes.

use crate::parse;

#[track_caller]
fn check(query: &str, expected: &str) {
    match parse(query) {
        Ok(tree) => panic!("{query}\n{tree:?}"),
        Err(errors) => assert_eq!(errors.to_string(), expected, "{query}"),
    }
}

#[test]
fn the_place_and_what_was_expected_are_told() {
    check(
        "T | where",
        "line 1, column 10: found the end of the query, expected an expression",
    );
    check(
        "T\n| where a ==",
        "line 2, column 13: found the end of the query, expected an expression",
    );
}
