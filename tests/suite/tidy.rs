//! Sizes and words that are easier kept than restored.

use std::fs;

use crate::layers::{root, sources};

const LINES_MAX: usize = 500;

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    for path in sources() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let is_test = path.to_string_lossy().contains("tests");
        assert!(
            is_test || text.starts_with("//!"),
            "{} has no module documentation",
            path.display()
        );
    }
}

#[test]
fn the_documents_that_a_newcomer_needs_are_there() {
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "LICENSE",
    ] {
        assert!(root().join(name).is_file(), "{name}");
    }
}
