//! What is read, what is refused, and that printing keeps it.

mod draw;
mod draw_operators;
mod limits;
mod mistakes;
mod texts;
mod tokens;
mod trees;

use crate::{Span, ast::Query, parse, print};

#[track_caller]
fn read(query: &str) -> Query {
    match parse(query) {
        Ok(tree) => tree,
        Err(errors) => panic!("{query}\n{errors}"),
    }
}

/// Printed and read again, a tree is the same.
#[track_caller]
fn keeps(tree: &Query) {
    let printed = print(tree);
    let again = match parse(&printed) {
        Ok(again) => again.without_spans(),
        Err(errors) => panic!("{printed}\n{errors}\n{tree:?}"),
    };
    let tree = tree.clone().without_spans();
    // Compared as text where they differ, because a number that is none equals nothing.
    let is_same = again == tree || format!("{again:?}") == format!("{tree:?}");
    assert!(is_same, "{printed}\n{again:?}\n{tree:?}");
    assert_eq!(print(&again), printed);
}

/// The text where something stands.
fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap()
}
