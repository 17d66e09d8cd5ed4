//! `scan`: steps through rows in order and finds sequences of them.

use super::Rows;
use crate::function::Failure;
use crate::value::Value;
use kql_syntax::ast::Type;

/// A row, with a value for every column: those of the input, then the declared ones.
pub type Row = Vec<Value>;

/// Computes a condition or an assignment from the row at hand and what each step up to its own matched last. A step
/// that has matched nothing has nulls, and the defaults of the declared columns.
pub type Evaluate<'a> = &'a dyn Fn(&Row, &[Row]) -> Result<Value, Failure>;

/// A column that `scan` adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// What it is while no step assigns to it.
    pub default: Value,
}

/// Which matches of a step come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Each.
    #[default]
    All,
    /// Of several that follow each other in a sequence, the last one.
    Last,
    /// None.
    None,
}

/// A step of the sequence.
pub struct Step<'a> {
    /// Whether a row is of this step.
    pub condition: Evaluate<'a>,
    /// Places of declared columns, counted over all columns, and what they become; in order, each sees those before.
    pub assignments: Vec<(usize, Evaluate<'a>)>,
    /// Which matches come out.
    pub output: Output,
}

impl std::fmt::Debug for Step<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Step")
            .field("assignments", &self.assignments.len())
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

/// Goes through the rows; the result has the declared columns and, if it is named, the number of the match behind
/// those of the input. Each row is held against the last step first, as Kusto does it.
pub fn scan(
    rows: Rows,
    declared: &[Declaration],
    steps: &[Step<'_>],
    match_id: Option<&str>,
) -> Result<Rows, Failure> {
    let mut columns = rows.columns;
    let defaults: Vec<Value> = declared.iter().map(|one| one.default.clone()).collect();
    let mut empty = vec![Value::Null; columns.len()];
    for ((_, ty), value) in columns.iter().zip(&mut empty) {
        if *ty == Type::String {
            *value = Value::String(String::new());
        }
    }
    empty.extend_from_slice(&defaults);
    columns.extend(declared.iter().map(|one| (one.name.clone(), one.ty)));
    let mut scan = Scan {
        steps,
        sequences: steps.iter().map(|_| None).collect(),
        empty,
        next_match: 0,
        found: Vec::new(),
    };
    for mut row in rows.rows {
        row.extend_from_slice(&defaults);
        scan.take(&row)?;
    }
    for place in (0..steps.len()).rev() {
        scan.flush(place);
    }
    let mut found = scan.found;
    if let Some(name) = match_id {
        columns.push((name.to_owned(), Type::Long));
        for (row, id) in &mut found {
            row.push(Value::Long(*id));
        }
    }
    let rows = found.into_iter().map(|(row, _)| row).collect();
    Ok(Rows { columns, rows })
}

/// A sequence that has come as far as one step.
#[derive(Clone, Debug)]
struct Sequence {
    match_id: i64,
    /// What each step up to this one matched last.
    matched: Vec<Row>,
    /// The last match of the step, if it is to come out when no other follows.
    waiting: Option<Row>,
}

struct Scan<'a, 'b> {
    steps: &'a [Step<'b>],
    /// By step; none if no sequence has come so far.
    sequences: Vec<Option<Sequence>>,
    empty: Row,
    next_match: i64,
    found: Vec<(Row, i64)>,
}

impl Scan<'_, '_> {
    fn take(&mut self, row: &Row) -> Result<(), Failure> {
        for (place, step) in self.steps.iter().enumerate().rev() {
            if self.goes_on(place, step, row)? {
                continue;
            }
            self.stays(place, step, row)?;
        }
        Ok(())
    }

    /// The first check: a sequence at the step before moves on to this one.
    fn goes_on(&mut self, place: usize, step: &Step<'_>, row: &Row) -> Result<bool, Failure> {
        let Some(before) = place.checked_sub(1) else {
            return Ok(false);
        };
        let Some(Some(sequence)) = self.sequences.get(before) else {
            return Ok(false);
        };
        let mut matched = sequence.matched.clone();
        matched.push(self.empty.clone());
        if !is_true(&(step.condition)(row, &matched)?) {
            return Ok(false);
        }
        let match_id = sequence.match_id;
        // What is replaced was matched before what moves on: it comes out first.
        self.flush(place);
        self.flush(before);
        if let Some(sequence) = self.sequences.get_mut(before) {
            *sequence = None;
        }
        self.enter(place, step, row, Sequence::new(match_id, matched))?;
        Ok(true)
    }

    /// The second check: a sequence at this step has another match, or the first step begins one.
    fn stays(&mut self, place: usize, step: &Step<'_>, row: &Row) -> Result<(), Failure> {
        let known = self.sequences.get(place).cloned().flatten();
        let sequence = match known {
            Some(sequence) => sequence,
            None if place == 0 => Sequence::new(self.next_match, vec![self.empty.clone()]),
            None => return Ok(()),
        };
        if !is_true(&(step.condition)(row, &sequence.matched)?) {
            return Ok(());
        }
        if sequence.match_id == self.next_match {
            self.next_match += 1;
        }
        self.enter(place, step, row, sequence)
    }

    /// Makes the row the last match of a step.
    fn enter(
        &mut self,
        place: usize,
        step: &Step<'_>,
        row: &Row,
        mut sequence: Sequence,
    ) -> Result<(), Failure> {
        let mut extended = row.clone();
        for (column, assignment) in &step.assignments {
            let value = assignment(&extended, &sequence.matched)?;
            if let Some(old) = extended.get_mut(*column) {
                *old = value;
            }
        }
        match step.output {
            Output::All => self.found.push((extended.clone(), sequence.match_id)),
            Output::Last => sequence.waiting = Some(extended.clone()),
            Output::None => {}
        }
        if let Some(last) = sequence.matched.last_mut() {
            *last = extended;
        }
        if let Some(own) = self.sequences.get_mut(place) {
            *own = Some(sequence);
        }
        Ok(())
    }

    /// Lets out the match of a step that no other will follow.
    fn flush(&mut self, place: usize) {
        if let Some(Some(sequence)) = self.sequences.get_mut(place)
            && let Some(row) = sequence.waiting.take()
        {
            self.found.push((row, sequence.match_id));
        }
    }
}

impl Sequence {
    fn new(match_id: i64, matched: Vec<Row>) -> Self {
        Self {
            match_id,
            matched,
            waiting: None,
        }
    }
}

fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a time and a word.
    fn rows(events: &[(i64, &str)]) -> Rows {
        let row = |(time, word): &(i64, &str)| vec![Value::Long(*time), word_of(word)];
        Rows {
            columns: vec![("t".to_owned(), Type::Long), ("w".to_owned(), Type::String)],
            rows: events.iter().map(row).collect(),
        }
    }

    fn word_of(word: &str) -> Value {
        Value::String(word.to_owned())
    }

    fn long(value: &Value) -> i64 {
        match value {
            Value::Long(number) => *number,
            other => panic!("no long: {other:?}"),
        }
    }

    fn step(condition: Evaluate<'_>, output: Output) -> Step<'_> {
        Step {
            condition,
            assignments: Vec::new(),
            output,
        }
    }

    /// `time/match` of each row that comes out.
    #[track_caller]
    fn check(events: &[(i64, &str)], steps: &[Step<'_>], expected: &str) {
        let result = scan(rows(events), &[], steps, Some("id")).unwrap();
        let shown = |row: &Row| format!("{}/{}", long(&row[0]), long(&row[2]));
        let shown: Vec<String> = result.rows.iter().map(shown).collect();
        assert_eq!(shown.join(" "), expected);
    }

    fn is_word(word: &str) -> impl Fn(&Row, &[Row]) -> Result<Value, Failure> + '_ {
        move |row, _| Ok(Value::Bool(row[1] == word_of(word)))
    }

    #[test]
    fn a_sequence_goes_from_step_to_step() {
        let (login, fail) = (is_word("login"), is_word("fail"));
        let soon = |row: &Row, matched: &[Row]| {
            let is_near = long(&row[0]) - long(&matched[0][0]) <= 5;
            Ok(Value::Bool(row[1] == word_of("admin") && is_near))
        };
        let steps = [
            step(&fail, Output::All),
            step(&login, Output::All),
            step(&soon, Output::All),
        ];
        let events = [
            (1, "fail"),
            (2, "x"),
            (3, "login"),
            (5, "admin"),
            (9, "fail"),
            (10, "login"),
            (20, "admin"),
        ];
        check(&events, &steps, "1/0 3/0 5/0 9/1 10/1");
    }

    #[test]
    fn matches_of_one_step_follow_each_other() {
        let (start, other) = (is_word("a"), is_word("b"));
        let events = [(1, "a"), (2, "b"), (3, "b"), (4, "a"), (5, "b")];
        let all = [step(&start, Output::All), step(&other, Output::All)];
        check(&events, &all, "1/0 2/0 3/0 4/1 5/1");
        let last = [step(&start, Output::None), step(&other, Output::Last)];
        check(&events, &last, "3/0 5/1");
        let firsts = [(1, "a"), (2, "a"), (3, "b")];
        let last = [step(&start, Output::Last), step(&other, Output::All)];
        check(&firsts, &last, "2/0 3/0");
    }

    #[test]
    fn declared_columns_are_carried_along() {
        let always = |_: &Row, _: &[Row]| Ok(Value::Bool(true));
        let sum =
            |row: &Row, matched: &[Row]| Ok(Value::Long(long(&row[0]) + long(&matched[0][2])));
        let steps = [Step {
            condition: &always,
            assignments: vec![(2, &sum)],
            output: Output::All,
        }];
        let declared = [Declaration {
            name: "total".to_owned(),
            ty: Type::Long,
            default: Value::Long(100),
        }];
        let result = scan(rows(&[(1, ""), (2, ""), (3, "")]), &declared, &steps, None).unwrap();
        assert_eq!(result.columns[2], ("total".to_owned(), Type::Long));
        let totals: Vec<i64> = result.rows.iter().map(|row| long(&row[2])).collect();
        assert_eq!(totals, [101, 103, 106]);
    }

    #[test]
    fn a_session_ends_and_another_begins_with_the_same_row() {
        let always = |_: &Row, _: &[Row]| Ok(Value::Bool(true));
        let begin = |row: &Row, matched: &[Row]| match &matched[0][2] {
            Value::Null => Ok(row[0].clone()),
            known => Ok(known.clone()),
        };
        let is_over =
            |row: &Row, matched: &[Row]| Ok(Value::Bool(long(&row[0]) - long(&matched[0][2]) > 30));
        let steps = [
            Step {
                condition: &always,
                assignments: vec![(2, &begin)],
                output: Output::All,
            },
            step(&is_over, Output::None),
        ];
        let declared = [Declaration {
            name: "begin".to_owned(),
            ty: Type::Long,
            default: Value::Null,
        }];
        let events = rows(&[(0, ""), (20, ""), (40, ""), (60, ""), (90, "")]);
        let result = scan(events, &declared, &steps, Some("id")).unwrap();
        let shown = |row: &Row| (long(&row[0]), long(&row[2]), long(&row[3]));
        let shown: Vec<_> = result.rows.iter().map(shown).collect();
        assert_eq!(
            shown,
            [(0, 0, 0), (20, 0, 0), (40, 40, 1), (60, 40, 1), (90, 90, 2)]
        );
    }

    #[test]
    fn a_failure_ends_the_scan() {
        let wrong = |_: &Row, _: &[Row]| Err(Failure::new("no"));
        let steps = [step(&wrong, Output::All)];
        let result = scan(rows(&[(1, "")]), &[], &steps, None);
        assert_eq!(result, Err(Failure::new("no")));
    }
}
