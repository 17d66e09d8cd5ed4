//! Trees and texts that were drawn: what is printed is read as what it was, and no text does harm.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    draw::{Drawn, NAMES, query},
    keeps,
    texts::queries,
};
use crate::{parse, print};

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
        match parse(&text) {
            Ok(tree) => keeps(&tree),
            Err(errors) => {
                prop_assert!(!errors.0.is_empty() && errors.0.len() <= 20);
                prop_assert!(errors.0.is_sorted_by_key(|error| error.span.start));
            }
        }
    }

    #[test]
    fn no_text_does_harm(text in any::<String>(), words in vec(select(NAMES), 0..20)) {
        for text in [text, words.join(" ")] {
            let pieces = crate::tokens(&text);
            prop_assert!(pieces.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
            for piece in &pieces {
                let range = piece.span.start as usize..piece.span.end as usize;
                prop_assert!(text.get(range).is_some_and(|piece| !piece.is_empty()));
            }
            if let Ok(tree) = parse(&text) {
                prop_assert!(print(&tree).len() < 10 * text.len() + 100);
            }
        }
    }
}
