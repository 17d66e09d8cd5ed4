//! Closed patterns: values that rows have in common, none of which can be added without losing rows. They are found
//! as LCM does, each once, without remembering those that were found.

use crate::function::Failure;
use crate::value::Value;

/// Most patterns that are found.
const PATTERNS_MAX: usize = 20_000;

/// Most steps of the search: a row counted, or 64 rows held against an item.
const STEPS_MAX: usize = 1 << 31;

/// A set of rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Of the rows for which it is true.
    pub(super) fn of(truths: impl Iterator<Item = bool>) -> Self {
        let mut words = Vec::new();
        for (place, truth) in truths.enumerate() {
            if place % 64 == 0 {
                words.push(0);
            }
            if let Some(word) = words.last_mut() {
                *word |= u64::from(truth) << (place % 64);
            }
        }
        Self(words)
    }

    /// Rows that are in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let words = self.0.iter().zip(&other.0);
        Self(words.map(|(left, right)| left & right).collect())
    }

    /// Rows that are in either.
    pub(super) fn or(&self, other: &Self) -> Self {
        let words = self.0.iter().zip(&other.0);
        Self(words.map(|(left, right)| left | right).collect())
    }

    /// Places of the rows, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let next = |rest: &u64| Some(rest & rest.wrapping_sub(1)).filter(|rest| *rest != 0);
            let rests = std::iter::successors(Some(*word).filter(|word| *word != 0), next);
            rests.map(move |rest| at * 64 + rest.trailing_zeros() as usize)
        })
    }

    fn is_within(&self, other: &Self) -> bool {
        let mut words = self.0.iter().zip(&other.0);
        words.all(|(own, other)| own & !other == 0)
    }
}

/// A value of a column.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Among the columns of interest.
    pub(super) column: usize,
    pub(super) value: Value,
    /// Rows that have it.
    pub(super) rows: Bits,
}

/// Values that go together.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// Places of the items, in order.
    pub(super) items: Vec<usize>,
    /// Rows that have them all.
    pub(super) rows: Bits,
}

/// Where the search goes on.
struct Branch {
    pattern: Pattern,
    /// Items up to here have been tried.
    next: usize,
    /// Items that had to be chosen; others came along with them.
    chosen: usize,
}

/// All closed patterns of which the rows are enough, made of at most so many items that do not imply each other.
pub(super) fn closed(
    items: &[Item],
    all: Bits,
    chosen_max: usize,
    is_enough: &dyn Fn(&Bits) -> bool,
) -> Result<Vec<Pattern>, Failure> {
    let mut found: Vec<Pattern> = Vec::new();
    let words = all.0.len() + 1;
    let mut steps = 0_usize;
    let root = Branch {
        pattern: Pattern {
            items: closure(items, &all),
            rows: all,
        },
        next: 0,
        chosen: 0,
    };
    let mut branches = vec![root];
    while let Some(branch) = branches.pop() {
        for (place, item) in items.iter().enumerate().skip(branch.next) {
            let is_full = branch.chosen >= chosen_max;
            if is_full || branch.pattern.items.binary_search(&place).is_ok() {
                continue;
            }
            steps += words * 64;
            let rows = branch.pattern.rows.and(&item.rows);
            if !is_enough(&rows) {
                continue;
            }
            steps += words * items.len();
            if steps > STEPS_MAX || branches.len() + found.len() > PATTERNS_MAX {
                return Err(Failure::new(
                    "there are too many patterns: raise the threshold, or project fewer columns",
                ));
            }
            let closure = closure(items, &rows);
            // A pattern that takes in an earlier item is found from there.
            let before = closure.iter().take_while(|other| **other < place);
            let mut before =
                before.filter(|other| branch.pattern.items.binary_search(other).is_err());
            if before.next().is_none() {
                branches.push(Branch {
                    pattern: Pattern {
                        items: closure,
                        rows,
                    },
                    next: place + 1,
                    chosen: branch.chosen + 1,
                });
            }
        }
        if !branch.pattern.items.is_empty() {
            found.push(branch.pattern);
        }
    }
    Ok(found)
}

/// Items that all of the rows have.
fn closure(items: &[Item], rows: &Bits) -> Vec<usize> {
    let has = |(place, item): (usize, &Item)| rows.is_within(&item.rows).then_some(place);
    items.iter().enumerate().filter_map(has).collect()
}
