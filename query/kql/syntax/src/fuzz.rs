//! A fuzz target: any bytes are a query, or refused with mistakes that can be shown.

use std::ops::Range;

use crate::{Span, SyntaxError, SyntaxErrors, ast::Query, parse, print, tokens};

/// Most mistakes of one text.
const MISTAKES_MAX: usize = 20;

/// Good queries to begin with.
pub fn seeds() -> Vec<Vec<u8>> {
    queries().map(|query| query.as_bytes().to_vec()).collect()
}

/// The queries of our own tests.
pub(crate) fn queries() -> impl Iterator<Item = &'static str> {
    include_str!("../tests-data/queries.kql").split("\n====\n")
}

/// Panics unless what must hold of any bytes does.
pub fn check(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    let pieces = tokens(text);
    assert!(
        pieces
            .windows(2)
            .all(|pair| pair[0].span.end <= pair[1].span.start)
    );
    let is_piece = |span: Span| text.get(range(span)).is_some_and(|piece| !piece.is_empty());
    assert!(pieces.iter().all(|piece| is_piece(piece.span)), "{text:?}");
    match parse(text) {
        Ok(tree) => {
            keeps(&tree);
            assert!(print(&tree).len() < 10 * text.len() + 100, "{text:?}");
        }
        Err(SyntaxErrors(mistakes)) => {
            assert!((1..=MISTAKES_MAX).contains(&mistakes.len()), "{text:?}");
            assert!(
                mistakes.is_sorted_by_key(|mistake| mistake.span.start),
                "{text:?}"
            );
            for mistake in &mistakes {
                shows(text, mistake);
            }
        }
    }
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// Printed and read again, a tree is the same.
#[track_caller]
pub(crate) fn keeps(tree: &Query) {
    let printed = print(tree);
    let again = parse(&printed).map(Query::without_spans);
    assert!(again.is_ok(), "{printed}\n{again:?}\n{tree:?}");
    let Ok(again) = again else { return };
    let tree = tree.clone().without_spans();
    // Compared as text where they differ, because a number that is none equals nothing.
    let is_same = again == tree || format!("{again:?}") == format!("{tree:?}");
    assert!(is_same, "{printed}\n{again:?}\n{tree:?}");
    assert_eq!(print(&again), printed);
}

/// A mistake stands in the text, at a line and a column of it.
fn shows(text: &str, mistake: &SyntaxError) {
    assert!(
        text.get(range(mistake.span)).is_some(),
        "{mistake:?} {text:?}"
    );
    let lines = text.split('\n').count();
    assert!(
        (1..=lines).contains(&mistake.position.line),
        "{mistake:?} {text:?}"
    );
    assert!(
        mistake.position.column >= 1 && !mistake.message.is_empty(),
        "{mistake:?} {text:?}"
    );
}
