//! `funnel_sequence_completion`: how many got how far along a sequence of states.

use std::collections::{BTreeMap, HashMap};

use kql_syntax::ast::Type;

use crate::convert::parse_timespan;
use crate::function::{Context, Failure};
use crate::rows::activity::{Call, count, ticks};
use crate::rows::{Columns, Rows, TableArgument, TableFunction};
use crate::value::{Dynamic, Value};

const NAME: &str = "funnel_sequence_completion";

/// Most states of a sequence, and most periods.
const STEPS_MAX: usize = 64;

pub(super) fn functions() -> Vec<TableFunction> {
    vec![TableFunction {
        name: NAME,
        columns: |columns, arguments| Ok(Funnel::new(columns, arguments)?.columns(columns)),
        run,
    }]
}

struct Funnel {
    call: Call,
    state: usize,
    sequence: Vec<String>,
    periods: Vec<i64>,
}

impl Funnel {
    fn new(columns: &Columns, arguments: &[TableArgument]) -> Result<Self, Failure> {
        let wrong = || {
            Failure(format!(
                "{NAME} takes the columns of identity and timeline, Start, End, BinSize, the column of states, an \
                 array of states and an array of periods, each with 1 to {STEPS_MAX} elements"
            ))
        };
        let (start, rest) = arguments.split_at_checked(5).ok_or_else(wrong)?;
        let [
            TableArgument::Column(state),
            TableArgument::Constant(sequence),
            TableArgument::Constant(periods),
        ] = rest
        else {
            return Err(wrong());
        };
        let call = Call::new(NAME, columns, start)?;
        let of_time = matches!(call.timeline_type, Type::DateTime | Type::TimeSpan);
        let period = |period: &Dynamic| match period {
            Dynamic::String(text) if of_time => parse_timespan(text),
            number if !of_time => number.as_i64(),
            _ => None,
        };
        let sequence = elements(sequence).ok_or_else(wrong)?.iter();
        let periods: Option<Vec<i64>> = elements(periods)
            .ok_or_else(wrong)?
            .iter()
            .map(period)
            .collect();
        Ok(Self {
            call,
            state: *state,
            sequence: sequence
                .map(|state| Value::dynamic(state.clone()).to_text())
                .collect(),
            periods: periods.ok_or_else(wrong)?,
        })
    }

    fn columns(&self, input: &Columns) -> Columns {
        let state = input.get(self.state).map_or("", |column| column.0.as_str());
        let period = match self.call.timeline_type {
            Type::DateTime | Type::TimeSpan => Type::TimeSpan,
            _ => Type::Long,
        };
        self.call.columns(
            input,
            &[
                (state, Type::String),
                ("Period", period),
                ("dcount", Type::Long),
            ],
        )
    }

    /// The places of the sequence that a state has; it may have several.
    fn places(&self) -> HashMap<&str, Vec<usize>> {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, state) in self.sequence.iter().enumerate().rev() {
            places.entry(state).or_default().push(place);
        }
        places
    }

    /// How many states somebody got through within a period.
    fn depth(&self, events: &[(i64, Vec<usize>)], period: i64) -> usize {
        // The latest start of a way that has come to each place: whoever starts later has more time left.
        let mut starts: Vec<Option<i64>> = vec![None; self.sequence.len()];
        let steps = events.iter().flat_map(|(time, places)| {
            let step = |place: &usize| (*time, *place);
            places.iter().map(step)
        });
        for (time, place) in steps {
            let start = match place.checked_sub(1) {
                None => Some(time),
                Some(before) => starts.get(before).copied().flatten(),
            };
            let in_time = start.filter(|start| time.saturating_sub(*start) <= period);
            if let Some(own) = starts.get_mut(place) {
                *own = (*own).max(in_time);
            }
        }
        starts.iter().take_while(|start| start.is_some()).count()
    }
}

fn elements(value: &Value) -> Option<&Vec<Dynamic>> {
    match value {
        Value::Dynamic(Dynamic::Array(items)) => {
            Some(items).filter(|items| (1..=STEPS_MAX).contains(&items.len()))
        }
        _ => None,
    }
}

/// The steps that each identity took, by time.
type Steps = HashMap<String, Vec<(i64, Vec<usize>)>>;

fn run(_: &mut Context, rows: Rows, arguments: &[TableArgument]) -> Result<Rows, Failure> {
    let funnel = Funnel::new(&rows.columns, arguments)?;
    let call = &funnel.call;
    let [start, end, step] = call.constants(["Start", "End", "BinSize"])?;
    let (start, end) = (call.ticks("Start", start)?, call.ticks("End", end)?);
    let bins = call.bins("BinSize", step, start)?;
    let places = funnel.places();
    let mut windows: BTreeMap<i64, Steps> = BTreeMap::new();
    for row in rows.rows {
        let text = |place: usize| row.get(place).map(Value::to_text).unwrap_or_default();
        let time = row.get(call.timeline).and_then(ticks);
        let time = time.filter(|time| (start..=end).contains(time));
        if let (Some(time), Some(places)) = (time, places.get(text(funnel.state).as_str())) {
            let steps = windows.entry(bins.start_of(time)).or_default();
            steps
                .entry(text(call.id))
                .or_default()
                .push((time, places.clone()));
        }
    }
    let mut found = Vec::new();
    for (window, steps) in windows {
        let mut reached = vec![vec![0_usize; funnel.sequence.len()]; funnel.periods.len()];
        for mut events in steps.into_values() {
            events.sort_by_key(|event| event.0);
            for (reached, period) in reached.iter_mut().zip(&funnel.periods) {
                let depth = funnel.depth(&events, *period);
                reached.iter_mut().take(depth).for_each(|users| *users += 1);
            }
        }
        for (reached, period) in reached.into_iter().zip(&funnel.periods) {
            let period = match call.timeline_type {
                Type::DateTime | Type::TimeSpan => Value::TimeSpan(*period),
                _ => Value::Long(*period),
            };
            for (users, state) in reached.into_iter().zip(&funnel.sequence) {
                let state = Value::String(state.clone());
                found.push(vec![call.time(window), state, period.clone(), count(users)]);
            }
        }
    }
    Ok(Rows {
        columns: funnel.columns(&rows.columns),
        rows: found,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(
        events: &[(&str, i64, &str)],
        sequence: &Dynamic,
        periods: &Dynamic,
        expected: &[&str],
    ) {
        let text = |text: &str| Value::String(text.to_owned());
        let row =
            |(who, at, what): &(&str, i64, &str)| vec![text(who), Value::Long(*at), text(what)];
        let columns = [
            ("who", Type::String),
            ("at", Type::Long),
            ("what", Type::String),
        ];
        let table = Rows {
            columns: columns.map(|(name, ty)| (name.to_owned(), ty)).to_vec(),
            rows: events.iter().map(row).collect(),
        };
        let mut arguments = vec![TableArgument::Column(0), TableArgument::Column(1)];
        arguments.extend([0, 199, 100].map(|number| TableArgument::Constant(Value::Long(number))));
        arguments.push(TableArgument::Column(2));
        arguments.extend(
            [sequence, periods].map(|list| TableArgument::Constant(Value::Dynamic(list.clone()))),
        );
        let found = run(&mut Context::new(0), table, &arguments).unwrap();
        assert_eq!(
            found.columns[1..3],
            [
                ("what".to_owned(), Type::String),
                ("Period".to_owned(), Type::Long)
            ]
        );
        let line = |row: &Vec<Value>| row.iter().map(Value::to_text).collect::<Vec<_>>().join(" ");
        assert_eq!(found.rows.iter().map(line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn fewer_get_further_in_less_time() {
        let events = [
            ("a", 1, "cart"),
            ("a", 9, "cart"),
            ("a", 12, "pay"),
            ("a", 13, "look"),
            ("a", 30, "done"),
            ("b", 5, "pay"),
            ("b", 6, "cart"),
            ("c", 40, "cart"),
            ("c", 41, "pay"),
            ("c", 101, "done"),
            ("d", 300, "cart"),
        ];
        let expected = [
            "0 cart 5 3",
            "0 pay 5 2",
            "0 done 5 0",
            "0 cart 50 3",
            "0 pay 50 2",
            "0 done 50 1",
            "100 cart 5 0",
            "100 pay 5 0",
            "100 done 5 0",
            "100 cart 50 0",
            "100 pay 50 0",
            "100 done 50 0",
        ];
        check(
            &events,
            &json!(["cart", "pay", "done"]),
            &json!([5, 50]),
            &expected,
        );
    }

    #[test]
    fn a_state_may_come_twice() {
        let events = [("a", 1, "x"), ("a", 2, "x"), ("b", 1, "x")];
        check(
            &events,
            &json!(["x", "x"]),
            &json!([9]),
            &["0 x 9 2", "0 x 9 1"],
        );
    }

    #[test]
    fn a_wrong_call_says_what_is_right() {
        let failure = Funnel::new(&Vec::new(), &[]).err().unwrap();
        assert!(failure.0.contains("BinSize"));
    }
}
