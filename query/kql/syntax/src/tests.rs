//! What is read, what is refused, and that printing keeps it.

mod draw;
mod draw_operators;
mod limits;
mod mistakes;
mod texts;
mod tokens;
mod trees;

use crate::{Span, ast::Query, parse};

#[track_caller]
fn read(query: &str) -> Query {
    match parse(query) {
        Ok(tree) => tree,
        Err(errors) => panic!("{query}\n{errors}"),
    }
}

/// The text where something stands.
fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap()
}
