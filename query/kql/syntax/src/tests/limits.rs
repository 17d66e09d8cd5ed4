//! Whatever the text is, reading it ends soon and needs little stack.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{parse, print};

/// Half of what a thread has by default, and those of the service have: the rest is for what calls the parser.
const STACK: usize = 1 << 20;

/// Reads a text with little stack, and does with its tree all that walks it. Says whether it was read.
fn survives(text: String) -> bool {
    let work = move || {
        let begin = Instant::now();
        let Ok(tree) = parse(&text) else {
            return (false, begin.elapsed());
        };
        let copy = tree.clone().without_spans();
        let printed = print(&copy);
        let is_same = parse(&printed).is_ok_and(|again| again.without_spans() == copy);
        assert!(is_same && !format!("{copy:?}").is_empty());
        (true, begin.elapsed())
    };
    let thread = thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .unwrap();
    let (is_read, took) = thread.join().unwrap();
    assert!(took < Duration::from_secs(30), "{took:?}");
    is_read
}

/// What stands before, what is repeated before and behind, and what is in the middle.
const NESTS: &[[&str; 4]] = &[
    ["print ", "(", "1", ")"],
    ["", "(", "1", ")"],
    ["print ", "-(", "1", ")"],
    ["print ", "f(", "1", ")"],
    ["print ", "a[", "1", "]"],
    ["print ", "a in (", "1", ")"],
    ["print ", "a between (", "1", " .. 2)"],
    ["", "(T | where ", "1", ")"],
    ["", "(T | where a in (", "1", "))"],
    ["", "T | join (", "U", ") on a"],
    ["", "union (", "U", ")"],
    ["T | ", "mv-apply a on (", "take 1", ")"],
    ["T | ", "fork (", "take 1", ")"],
    ["T | ", "partition by a (", "take 1", ")"],
    ["", "T | partition by a {", "T", "}"],
    ["T | ", "facet by a with (", "take 1", ")"],
    ["T | ", "facet by a with ", "take 1", ""],
    ["", "toscalar(", "T", ")"],
    ["", "let f = () {", "1", "}"],
    ["print ", "a or b and c == d < e + f * g has (", "1", ")"],
    ["print dynamic(", "[", "1", "]"],
    ["print dynamic(", "{'a':", "1", "}"],
];

fn nest([before, open, inside, close]: &[&str; 4], times: usize) -> String {
    let end = if before.ends_with('(') { ")" } else { "" };
    format!(
        "{before}{}{inside}{}{end}",
        open.repeat(times),
        close.repeat(times)
    )
}

#[test]
fn what_is_nested_without_end_is_refused() {
    for case in NESTS {
        assert!(survives(nest(case, 1)), "{case:?}");
        assert!(!survives(nest(case, 2_000)), "{case:?}");
        assert!(
            !survives([case[0], &case[1].repeat(20_000)].concat()),
            "{case:?}"
        );
    }
}

#[test]
fn what_is_nested_as_deeply_as_may_be_is_read() {
    for case in NESTS {
        let deepest = (1..=64)
            .rev()
            .find(|times| parse(&nest(case, *times)).is_ok())
            .unwrap();
        assert!(deepest >= 25, "{case:?} {deepest}");
        assert!(survives(nest(case, deepest)), "{case:?}");
    }
}

#[test]
fn long_chains_are_read_or_refused() {
    assert!(survives(format!("print a{}", " or b".repeat(5_000))));
    assert!(survives(format!("print a{}", " and b or c".repeat(5_000))));
    assert!(survives(format!("T{}", " | where a and b".repeat(5_000))));
    assert!(survives(format!("print a{}", " + b".repeat(200))));
    assert!(survives(format!("print a{}", ".b".repeat(200))));
    assert!(survives(format!(
        "print a in ('x'{})",
        ", 'x'".repeat(20_000)
    )));
    for link in [" + b", " * b", ".b", "[0]", ".c()"] {
        assert!(
            !survives(format!("print a{}", link.repeat(50_000))),
            "{link}"
        );
    }
    for link in [
        " == b", " has b", " in (b)", " not", " =", " |", ";", ",", "'x", "\\", "(a,", "[\"a\"",
    ] {
        assert!(
            !survives(format!("print a{}", link.repeat(20_000))),
            "{link}"
        );
    }
}

#[test]
fn long_texts_are_refused() {
    let text = format!("print \"{}\"", "x".repeat(1 << 20));
    assert_eq!(
        parse(&text).unwrap_err().to_string(),
        "line 1, column 1: the query is longer than 1048576 bytes"
    );
    assert!(survives(format!("print {}", "'x' ".repeat((1 << 18) - 10))));
    let list = "'10.0.0.1', 7, datetime(2026-01-01), ".repeat(25_000);
    assert!(survives(format!(
        "print a in ({list}1) // {}",
        "x".repeat(70_000)
    )));
    assert!(survives(format!(
        "print dynamic([{}1])",
        "1, ".repeat(100_000)
    )));
    for list in [
        "print ",
        "T | project ",
        "T | summarize by ",
        "T | sort by ",
        "print f(0, ",
    ] {
        let errors = parse(&format!("{list}{}1", "1,".repeat(16_384))).unwrap_err();
        let text = errors.to_string();
        assert!(
            text.ends_with("there are more than 16384 things in a list"),
            "{text}"
        );
    }
    let text = format!("print a in ({})", "abcd, ".repeat(17_000));
    assert_eq!(
        parse(&text).unwrap_err().to_string(),
        "line 1, column 1: the query has more than 65536 bytes besides its values"
    );
}

#[test]
fn at_most_twenty_mistakes_are_told() {
    let errors = parse(&"T | foo;".repeat(100)).unwrap_err();
    assert_eq!(errors.0.len(), 20);
}
