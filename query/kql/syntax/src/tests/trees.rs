//! Trees and texts that were drawn: what is printed is read as what it was, and no text does harm.

use proptest::{collection::vec, prelude::*, sample::select};

use super::draw::{Drawn, NAMES, query};
use crate::fuzz::{self, keeps, queries};

/// A query of ours with some of its characters replaced by others.
fn damaged() -> Drawn<String> {
    let all: Vec<&str> = queries().collect();
    let pieces = select(
        &[
            "",
            " ",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "'",
            "\"",
            "\\",
            "@",
            "`",
            "```",
            "~",
            "|",
            ";",
            ",",
            ".",
            "..",
            "=",
            "==",
            "!",
            "in~",
            "*",
            "-",
            "/",
            "//",
            "0",
            "9d",
            "1e",
            "0x",
            "é",
            "\u{200b}",
            "\n",
            "by",
            "datetime(",
            "dynamic(",
            "h'",
        ][..],
    );
    (
        select(all),
        vec((any::<prop::sample::Index>(), 0..4_usize, pieces), 1..6),
    )
        .prop_map(|(query, edits)| {
            let mut characters: Vec<char> = query.chars().collect();
            for (place, length, piece) in edits {
                let start = place.index(characters.len().max(1)).min(characters.len());
                let end = (start + length).min(characters.len());
                characters.splice(start..end, piece.chars());
            }
            characters.into_iter().collect()
        })
        .boxed()
}

proptest! {
    #[test]
    fn a_tree_is_read_as_it_was_printed(tree in query()) {
        keeps(&tree);
    }

    #[test]
    fn no_damage_does_harm(text in damaged()) {
        fuzz::check(text.as_bytes());
    }

    #[test]
    fn no_text_does_harm(text in any::<String>(), words in vec(select(NAMES), 0..20)) {
        fuzz::check(text.as_bytes());
        fuzz::check(words.join(" ").as_bytes());
    }
}
