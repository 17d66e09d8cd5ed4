//! `reduce`: texts that are alike, taken together under a pattern.
//!
//! A text is split into terms. It joins the group with which it shares the largest part of its terms, at the same
//! places, if that part reaches the threshold; where terms differ the pattern has `*`. Texts that stay alone are taken
//! together as `others`.

use std::collections::HashMap;

use super::arguments::Arguments;
use super::{Columns, Rows, TableArgument, TableFunction, long};
use crate::function::{Context, Failure};
use crate::value::Value;
use kql_syntax::ast::Type;

/// The operator: a column, then the threshold and the characters, or null for the default of either; `source` behind
/// them keeps the rows and adds the pattern to each.
pub(super) fn table() -> Vec<TableFunction> {
    vec![TableFunction {
        name: "reduce",
        columns,
        run: reduced,
    }]
}

/// The part of the terms that two texts must share, if no threshold is given.
pub const THRESHOLD: f64 = 0.1;

/// Most groups; texts that come later and fit none of them are among the others.
const GROUPS_MAX: usize = 2_000;

/// Most terms of a text that are looked at.
const TERMS_MAX: usize = 256;

/// The pattern of texts that are like no other.
const OTHERS: &str = "others";

/// Texts that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they share.
    pub pattern: String,
    /// How many they are.
    pub count: usize,
    /// One of them; of the others, none.
    pub representative: String,
}

/// What `reduce` finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reduction {
    /// The largest first, the others last.
    pub groups: Vec<Group>,
    /// For each text, the place of its group.
    pub places: Vec<usize>,
}

/// Groups texts. `characters` are those that separate terms; if there are none given, all that are neither letters nor
/// digits.
pub fn reduce(texts: &[&str], threshold: f64, characters: Option<&str>) -> Reduction {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut drafts: Vec<Draft> = Vec::new();
    let mut assigned: Vec<Option<usize>> = Vec::with_capacity(texts.len());
    let mut chosen: Vec<Option<usize>> = Vec::new();
    for text in texts {
        let next = chosen.len();
        let place = *known.entry(text).or_insert(next);
        if place == next {
            chosen.push(join(&mut drafts, text, threshold, characters));
        }
        let draft = chosen.get(place).copied().flatten();
        if let Some(draft) = draft.and_then(|at| drafts.get_mut(at)) {
            draft.count += 1;
        }
        assigned.push(draft);
    }
    arranged(&drafts, &assigned, characters)
}

fn arguments<'a>(columns: &'a Columns, given: &'a [TableArgument]) -> Arguments<'a> {
    Arguments {
        name: "reduce",
        columns,
        given,
    }
}

fn keeps_rows(arguments: &Arguments<'_>) -> bool {
    arguments.constant(3) == Some(&Value::String("source".to_owned()))
}

fn columns(columns: &Columns, given: &[TableArgument]) -> Result<Columns, Failure> {
    let arguments = arguments(columns, given);
    arguments.column(0)?;
    let pattern = ("Pattern".to_owned(), Type::String);
    if keeps_rows(&arguments) {
        return Ok(columns.iter().cloned().chain([pattern]).collect());
    }
    let count = ("Count".to_owned(), Type::Long);
    let representative = ("Representative".to_owned(), Type::String);
    Ok(vec![pattern, count, representative])
}

fn reduced(_: &mut Context, rows: Rows, given: &[TableArgument]) -> Result<Rows, Failure> {
    let arguments = arguments(&rows.columns, given);
    let column = arguments.column(0)?;
    let threshold = arguments.real(1, THRESHOLD)?;
    if !(0.0..=1.0).contains(&threshold) {
        return Err(Failure::new("the threshold of reduce must be from 0 to 1"));
    }
    let characters = arguments.constant(2).map(Value::to_text);
    let text = |row: &Vec<Value>| row.get(column).map(Value::to_text).unwrap_or_default();
    let texts: Vec<String> = rows.rows.iter().map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let reduction = reduce(&texts, threshold, characters.as_deref());
    let columns = columns(&rows.columns, given)?;
    let pattern = |place: &usize| {
        let group = reduction.groups.get(*place);
        Value::String(group.map_or_else(String::new, |group| group.pattern.clone()))
    };
    if keeps_rows(&arguments) {
        let rows = rows.rows.into_iter().zip(&reduction.places);
        let rows = rows.map(|(row, place)| row.into_iter().chain([pattern(place)]).collect());
        return Ok(Rows {
            columns,
            rows: rows.collect(),
        });
    }
    let row = |group: Group| {
        vec![
            Value::String(group.pattern),
            long(group.count),
            Value::String(group.representative),
        ]
    };
    Ok(Rows {
        columns,
        rows: reduction.groups.into_iter().map(row).collect(),
    })
}

/// A text in terms; each is followed by what separates it from the next one.
struct Terms<'a> {
    before: &'a str,
    terms: Vec<(&'a str, &'a str)>,
}

/// A group while it grows.
struct Draft {
    before: String,
    /// None where texts differ.
    terms: Vec<(Option<String>, String)>,
    /// Whether some of them are longer than others.
    is_open: bool,
    count: usize,
    first: String,
}

fn split<'a>(text: &'a str, characters: Option<&str>) -> Terms<'a> {
    let separates = |character: char| match characters {
        Some(characters) => characters.contains(character),
        None => !character.is_alphanumeric(),
    };
    let start = text.find(|one| !separates(one)).unwrap_or(text.len());
    let (before, mut rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let mut terms = Vec::new();
    while !rest.is_empty() && terms.len() < TERMS_MAX {
        let end = rest.find(separates).unwrap_or(rest.len());
        let (term, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let end = behind.find(|one| !separates(one)).unwrap_or(behind.len());
        let (separator, next) = behind.split_at_checked(end).unwrap_or((behind, ""));
        terms.push((term, separator));
        rest = next;
    }
    Terms { before, terms }
}

impl Draft {
    fn of(text: &str, terms: &Terms<'_>) -> Self {
        let owned =
            |(term, separator): &(&str, &str)| (Some((*term).to_owned()), (*separator).to_owned());
        Self {
            before: terms.before.to_owned(),
            terms: terms.terms.iter().map(owned).collect(),
            is_open: false,
            count: 0,
            first: text.to_owned(),
        }
    }

    /// The part of the terms that are the same.
    fn likeness(&self, terms: &Terms<'_>) -> f64 {
        let pairs = self.terms.iter().zip(&terms.terms);
        let same = pairs
            .filter(|((own, _), (term, _))| own.as_deref() == Some(term))
            .count();
        let longest = self.terms.len().max(terms.terms.len()).max(1);
        super::real(same) / super::real(longest)
    }

    fn take(&mut self, terms: &Terms<'_>) {
        self.is_open |= self.terms.len() != terms.terms.len();
        self.terms.truncate(terms.terms.len());
        for ((own, own_separator), (term, separator)) in self.terms.iter_mut().zip(&terms.terms) {
            if own.as_deref() != Some(term) {
                *own = None;
            }
            if own_separator != separator {
                " ".clone_into(own_separator);
            }
        }
    }

    /// Separators that were named are taken in by the wildcard beside them.
    fn pattern(&self, are_named: bool) -> String {
        let mut pattern = self.before.clone();
        let last = self.terms.len().saturating_sub(1);
        for (place, (term, separator)) in self.terms.iter().enumerate() {
            let is_wild = |at: usize| matches!(self.terms.get(at), Some((None, _)));
            let ends_open = self.is_open && place == last;
            match term {
                Some(term) => pattern.push_str(term),
                None if pattern.ends_with('*') => {}
                None => pattern.push('*'),
            }
            let is_beside = are_named && (is_wild(place) || is_wild(place + 1) || ends_open);
            let is_last = ends_open && term.is_none();
            if !is_beside && !is_last {
                pattern.push_str(separator);
            }
            if ends_open && !pattern.ends_with('*') {
                pattern.push('*');
            }
        }
        pattern
    }
}

/// The group that a text goes to; none if there are too many.
fn join(
    drafts: &mut Vec<Draft>,
    text: &str,
    threshold: f64,
    characters: Option<&str>,
) -> Option<usize> {
    let terms = split(text, characters);
    let likeness = |draft: &Draft| draft.likeness(&terms);
    let mut best: Option<(usize, f64)> = None;
    for (place, draft) in drafts.iter().enumerate() {
        let likeness = likeness(draft);
        let is_enough = likeness > 0.0 && likeness >= threshold;
        if is_enough && best.is_none_or(|(_, most)| likeness > most) {
            best = Some((place, likeness));
        }
    }
    if let Some((place, _)) = best {
        if let Some(draft) = drafts.get_mut(place) {
            draft.take(&terms);
        }
        return Some(place);
    }
    if drafts.len() >= GROUPS_MAX {
        return None;
    }
    drafts.push(Draft::of(text, &terms));
    Some(drafts.len() - 1)
}

fn arranged(drafts: &[Draft], assigned: &[Option<usize>], characters: Option<&str>) -> Reduction {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.retain(|place| drafts.get(*place).is_some_and(|draft| draft.count > 1));
    order.sort_by_key(|place| std::cmp::Reverse(drafts.get(*place).map_or(0, |one| one.count)));
    let mut places = vec![order.len(); drafts.len()];
    for (place, draft) in order.iter().enumerate() {
        if let Some(own) = places.get_mut(*draft) {
            *own = place;
        }
    }
    let group = |draft: &Draft| Group {
        pattern: draft.pattern(characters.is_some()),
        count: draft.count,
        representative: draft.first.clone(),
    };
    let mut groups: Vec<Group> = order
        .iter()
        .filter_map(|place| drafts.get(*place))
        .map(group)
        .collect();
    let known: usize = groups.iter().map(|group| group.count).sum();
    if known < assigned.len() {
        groups.push(Group {
            pattern: OTHERS.to_owned(),
            count: assigned.len() - known,
            representative: String::new(),
        });
    }
    let place = |draft: &Option<usize>| {
        let place = draft.and_then(|draft| places.get(draft));
        place.copied().unwrap_or(order.len())
    };
    Reduction {
        places: assigned.iter().map(place).collect(),
        groups,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str], threshold: f64, characters: Option<&str>, expected: &[&str]) {
        let reduction = reduce(texts, threshold, characters);
        let shown =
            |group: &Group| format!("{}|{}|{}", group.pattern, group.count, group.representative);
        let shown: Vec<String> = reduction.groups.iter().map(shown).collect();
        assert_eq!(shown, expected);
        assert_eq!(reduction.places.len(), texts.len());
        let mut counts = vec![0; reduction.groups.len()];
        reduction
            .places
            .iter()
            .for_each(|place| counts[*place] += 1);
        let expected: Vec<usize> = reduction.groups.iter().map(|group| group.count).collect();
        assert_eq!(counts, expected);
    }

    #[test]
    fn texts_with_the_same_words_are_one_group() {
        let texts = [
            "user 7 logged in",
            "user 8 logged in",
            "disk full",
            "disk full",
            "disk full",
        ];
        check(
            &texts,
            THRESHOLD,
            None,
            &[
                "disk full|3|disk full",
                "user * logged in|2|user 7 logged in",
            ],
        );
    }

    #[test]
    fn texts_that_stay_alone_are_others() {
        check(&["a1", "b2", "c3"], THRESHOLD, None, &["others|3|"]);
        check(
            &["a1", "a1", "c3"],
            THRESHOLD,
            None,
            &["a1|2|a1", "others|1|"],
        );
        check(&[], THRESHOLD, None, &[]);
    }

    #[test]
    fn named_separators_are_taken_in() {
        check(
            &["hostQ1", "hostQ2"],
            THRESHOLD,
            Some("Q"),
            &["host*|2|hostQ1"],
        );
        check(
            &["GET /a/1", "GET /a/2"],
            THRESHOLD,
            None,
            &["GET /a/*|2|GET /a/1"],
        );
    }

    #[test]
    fn a_high_threshold_keeps_groups_apart() {
        let texts = ["hostQ1", "hostQ2", "hostQ1"];
        check(&texts, 0.9, Some("Q"), &["hostQ1|2|hostQ1", "others|1|"]);
    }

    #[test]
    fn longer_texts_end_in_a_wildcard() {
        let texts = ["failed: timeout", "failed: no route"];
        check(&texts, THRESHOLD, None, &["failed: *|2|failed: timeout"]);
    }
}
