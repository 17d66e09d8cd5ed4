//! Matching of texts: parts, terms, wildcards. Nothing here allocates.
//!
//! Without `_cs` case does not count. A term is a run of letters and digits, as long as possible.

/// A character without its case.
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

fn both_ascii(left: &str, right: &str) -> bool {
    left.is_ascii() && right.is_ascii()
}

/// `=~`.
pub fn equals(left: &str, right: &str) -> bool {
    if both_ascii(left, right) {
        return left.eq_ignore_ascii_case(right);
    }
    left.chars().map(fold).eq(right.chars().map(fold))
}

/// Bytes of the text that a part takes at its beginning.
fn prefix_length(text: &str, part: &str) -> Option<usize> {
    if both_ascii(text, part) {
        let is_prefix = text
            .as_bytes()
            .get(..part.len())?
            .eq_ignore_ascii_case(part.as_bytes());
        return is_prefix.then_some(part.len());
    }
    slow_prefix_length(text, part)
}

fn slow_prefix_length(text: &str, part: &str) -> Option<usize> {
    let mut length = 0;
    let mut rest = text.chars();
    for wanted in part.chars() {
        let found = rest.next()?;
        if fold(found) != fold(wanted) {
            return None;
        }
        length += found.len_utf8();
    }
    Some(length)
}

/// First place of a part, from a place on: its begin and end.
fn find(text: &str, part: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let Some(first) = part.bytes().next() else {
        return Some((from, from));
    };
    if !both_ascii(rest, part) {
        return rest.char_indices().find_map(|(place, _)| {
            let length = slow_prefix_length(rest.get(place..)?, part)?;
            Some((from + place, from + place + length))
        });
    }
    let (text, part) = (rest.as_bytes(), part.as_bytes());
    let last_start = text.len().checked_sub(part.len())?;
    let starts = text.get(..=last_start)?;
    memchr::memchr2_iter(
        first.to_ascii_lowercase(),
        first.to_ascii_uppercase(),
        starts,
    )
    .find(|place| {
        text.get(*place..*place + part.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(part))
    })
    .map(|place| (from + place, from + place + part.len()))
}

fn find_cs(text: &str, part: &str, from: usize) -> Option<(usize, usize)> {
    let place = text.get(from..)?.find(part)?;
    Some((from + place, from + place + part.len()))
}

/// `contains`.
pub fn contains(text: &str, part: &str) -> bool {
    find(text, part, 0).is_some()
}

/// `contains_cs`.
pub fn contains_cs(text: &str, part: &str) -> bool {
    text.contains(part)
}

/// `startswith`.
pub fn starts_with(text: &str, part: &str) -> bool {
    prefix_length(text, part).is_some()
}

/// `startswith_cs`.
pub fn starts_with_cs(text: &str, part: &str) -> bool {
    text.starts_with(part)
}

/// `endswith`.
pub fn ends_with(text: &str, part: &str) -> bool {
    if both_ascii(text, part) {
        return text.len().checked_sub(part.len()).is_some_and(|start| {
            text.as_bytes()
                .get(start..)
                .is_some_and(|end| end.eq_ignore_ascii_case(part.as_bytes()))
        });
    }
    let mut rest = text.chars().rev();
    part.chars()
        .rev()
        .all(|wanted| rest.next().is_some_and(|found| fold(found) == fold(wanted)))
}

/// `endswith_cs`.
pub fn ends_with_cs(text: &str, part: &str) -> bool {
    text.ends_with(part)
}

/// Whether a character belongs to a term.
pub fn is_term_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        c.is_alphanumeric()
    }
}

/// Whether a term may begin or end at a place.
fn is_boundary(text: &str, place: usize) -> bool {
    let (Some(before), Some(after)) = (text.get(..place), text.get(place..)) else {
        return false;
    };
    let within = before.chars().next_back().is_some_and(is_term_char)
        && after.chars().next().is_some_and(is_term_char);
    !within
}

/// Which ends of the part have to be ends of terms.
#[derive(Clone, Copy)]
struct Ends {
    begin: bool,
    end: bool,
}

const WHOLE: Ends = Ends {
    begin: true,
    end: true,
};
const PREFIX: Ends = Ends {
    begin: true,
    end: false,
};
const SUFFIX: Ends = Ends {
    begin: false,
    end: true,
};

type Find = fn(&str, &str, usize) -> Option<(usize, usize)>;

fn has_term(text: &str, part: &str, ends: Ends, find: Find) -> bool {
    if part.is_empty() {
        return true;
    }
    let mut from = 0;
    while let Some((begin, end)) = find(text, part, from) {
        if (!ends.begin || is_boundary(text, begin)) && (!ends.end || is_boundary(text, end)) {
            return true;
        }
        let Some(first) = text.get(begin..).and_then(|rest| rest.chars().next()) else {
            return false;
        };
        from = begin + first.len_utf8();
    }
    false
}

/// `has`: the part is a whole term, or several with what stands between them.
pub fn has(text: &str, part: &str) -> bool {
    has_term(text, part, WHOLE, find)
}

/// `has_cs`.
pub fn has_cs(text: &str, part: &str) -> bool {
    has_term(text, part, WHOLE, find_cs)
}

/// `hasprefix`: a term begins with the part.
pub fn has_prefix(text: &str, part: &str) -> bool {
    has_term(text, part, PREFIX, find)
}

/// `hasprefix_cs`.
pub fn has_prefix_cs(text: &str, part: &str) -> bool {
    has_term(text, part, PREFIX, find_cs)
}

/// `hassuffix`: a term ends with the part.
pub fn has_suffix(text: &str, part: &str) -> bool {
    has_term(text, part, SUFFIX, find)
}

/// `hassuffix_cs`.
pub fn has_suffix_cs(text: &str, part: &str) -> bool {
    has_term(text, part, SUFFIX, find_cs)
}

/// `like`: `*` stands for any text.
pub fn like(text: &str, pattern: &str) -> bool {
    wildcard(text, pattern, starts_with, ends_with, find)
}

/// `likecs`.
pub fn like_cs(text: &str, pattern: &str) -> bool {
    wildcard(text, pattern, starts_with_cs, ends_with_cs, find_cs)
}

type Test = fn(&str, &str) -> bool;

/// The parts between the stars follow each other; each is taken as early as possible.
fn wildcard(text: &str, pattern: &str, starts: Test, ends: Test, find: Find) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return find(text, pattern, 0) == Some((0, text.len()));
    };
    if !starts(text, head) {
        return false;
    }
    let mut from = find(text, head, 0).map_or(0, |(_, end)| end);
    let (middle, last) = tail.rsplit_once('*').unwrap_or(("", tail));
    for part in middle.split('*').filter(|part| !part.is_empty()) {
        let Some((_, end)) = find(text, part, from) else {
            return false;
        };
        from = end;
    }
    text.get(from..).is_some_and(|rest| ends(rest, last))
}
