//! Plugins that count who was active when: `active_users_count`, `activity_metrics` and their kin.
//!
//! All take the column of an identity, the column of a timeline, constants, and columns that part the rows into groups.

mod bins;
mod cohorts;
mod funnel;
mod metrics;
mod sliding;
#[cfg(test)]
mod tests;
mod users;

use std::collections::HashMap;

use kql_syntax::ast::Type;

use crate::function::{Context, Failure};
use crate::rows::{Columns, TableArgument, TableFunction};
use crate::value::Value;

use bins::Bins;

/// The plugins of this module.
pub(super) fn functions() -> Vec<TableFunction> {
    [
        metrics::functions(),
        sliding::functions(),
        cohorts::functions(),
        funnel::functions(),
        users::functions(),
    ]
    .concat()
}

/// A call, with its arguments in their places.
struct Call {
    plugin: &'static str,
    id: usize,
    timeline: usize,
    timeline_type: Type,
    constants: Vec<Value>,
    dimensions: Vec<usize>,
}

impl Call {
    fn new(
        plugin: &'static str,
        columns: &Columns,
        arguments: &[TableArgument],
    ) -> Result<Self, Failure> {
        let [
            TableArgument::Column(id),
            TableArgument::Column(timeline),
            rest @ ..,
        ] = arguments
        else {
            return Err(Failure(format!(
                "{plugin} starts with two columns: the identity, and the timeline"
            )));
        };
        let timeline_type = columns.get(*timeline).map(|column| column.1);
        let timeline_type = timeline_type
            .filter(|ty| matches!(ty, Type::DateTime | Type::TimeSpan | Type::Long | Type::Int))
            .ok_or_else(|| {
                Failure(format!(
                    "the timeline of {plugin} is a column of type datetime, timespan, long or int"
                ))
            })?;
        let constants = rest.iter().map_while(|argument| match argument {
            TableArgument::Constant(value) => Some(value.clone()),
            TableArgument::Column(_) => None,
        });
        let constants: Vec<Value> = constants.collect();
        let dimensions = rest
            .iter()
            .skip(constants.len())
            .map(|argument| match argument {
                TableArgument::Column(place) => Ok(*place),
                TableArgument::Constant(_) => Err(Failure(format!(
                    "after the constants of {plugin} only columns may follow"
                ))),
            });
        Ok(Self {
            plugin,
            id: *id,
            timeline: *timeline,
            timeline_type,
            dimensions: dimensions.collect::<Result<_, _>>()?,
            constants,
        })
    }

    /// Its constants, of which there must be so many, as the names say.
    fn constants<const N: usize>(&self, names: [&str; N]) -> Result<[&Value; N], Failure> {
        let constants: Vec<&Value> = self.constants.iter().collect();
        <[&Value; N]>::try_from(constants).map_err(|given| {
            Failure(format!(
                "{} takes {N} constants after the columns ({}), not {}",
                self.plugin,
                names.join(", "),
                given.len()
            ))
        })
    }

    /// A point or length of the timeline.
    fn ticks(&self, name: &str, value: &Value) -> Result<i64, Failure> {
        ticks(value).ok_or_else(|| {
            let plugin = self.plugin;
            Failure(format!(
                "{name} of {plugin} is a constant that fits the timeline"
            ))
        })
    }

    /// The windows that a step makes, the first one at a start.
    fn bins(&self, name: &str, step: &Value, start: i64) -> Result<Bins, Failure> {
        Bins::new(step, start).ok_or_else(|| {
            let plugin = self.plugin;
            Failure(format!(
                "{name} of {plugin} is a positive constant that fits the timeline, or 'week', 'month' or 'year'"
            ))
        })
    }

    /// Columns of a result: the timeline, the dimensions, then more.
    fn columns(&self, input: &Columns, more: &[(&str, Type)]) -> Columns {
        let own = std::iter::once(&self.timeline).chain(&self.dimensions);
        let own = own.filter_map(|place| input.get(*place).cloned());
        let more = more.iter().map(|(name, ty)| ((*name).to_owned(), *ty));
        own.chain(more).collect()
    }

    /// A point of the timeline as a value of its type.
    fn time(&self, ticks: i64) -> Value {
        match self.timeline_type {
            Type::DateTime => Value::DateTime(ticks),
            Type::TimeSpan => Value::TimeSpan(ticks),
            Type::Int => i32::try_from(ticks).map_or(Value::Null, Value::Int),
            _ => Value::Long(ticks),
        }
    }

    /// The rows by group, each group's by time; rows without a time are left out.
    fn groups(&self, rows: Vec<Vec<Value>>) -> Vec<Group> {
        self.groups_after(rows, HashMap::new())
    }

    /// The same where some identities have numbers already.
    fn groups_after(&self, rows: Vec<Vec<Value>>, mut ids: HashMap<String, usize>) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<Vec<String>, usize> = HashMap::new();
        for row in rows {
            let Some(time) = row.get(self.timeline).and_then(ticks) else {
                continue;
            };
            let cell = |place: &usize| row.get(*place).cloned().unwrap_or(Value::Null);
            let dimensions: Vec<Value> = self.dimensions.iter().map(cell).collect();
            let key = dimensions.iter().map(Value::to_text).collect();
            let place = *places.entry(key).or_insert_with(|| {
                groups.push(Group {
                    dimensions,
                    events: Vec::new(),
                });
                groups.len() - 1
            });
            let count = ids.len();
            let id = *ids.entry(cell(&self.id).to_text()).or_insert(count);
            if let Some(group) = groups.get_mut(place) {
                group.events.push(Event { time, id });
            }
        }
        for group in &mut groups {
            group.events.sort_by_key(|event| event.time);
        }
        groups
    }

    /// A row of a result: a time, a group's dimensions, numbers.
    fn row(
        &self,
        time: i64,
        group: &Group,
        numbers: impl IntoIterator<Item = Value>,
    ) -> Vec<Value> {
        let mut row = vec![self.time(time)];
        row.extend(group.dimensions.iter().cloned());
        row.extend(numbers);
        row
    }
}

/// Rows with the same dimensions.
struct Group {
    dimensions: Vec<Value>,
    events: Vec<Event>,
}

impl Group {
    /// Those from one time to another, both inside.
    fn between(&self, start: i64, end: i64) -> &[Event] {
        let first = self.events.partition_point(|event| event.time < start);
        let past = self.events.partition_point(|event| event.time <= end);
        self.events.get(first..past).unwrap_or_default()
    }
}

/// Somebody seen at a time.
#[derive(Clone, Copy)]
struct Event {
    time: i64,
    id: usize,
}

fn ticks(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(ticks) | Value::TimeSpan(ticks) | Value::Long(ticks) => Some(*ticks),
        Value::Int(number) => Some(i64::from(*number)),
        _ => None,
    }
}

fn count(number: usize) -> Value {
    i64::try_from(number).map_or(Value::Null, Value::Long)
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are below 2^52")]
fn ratio(part: usize, whole: usize) -> Value {
    Value::Real(part as f64 / whole as f64)
}

/// Rows by time; those of one time stay as they were.
fn by_time(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by_key(|row| row.first().and_then(ticks));
    rows
}

/// Refuses to walk more windows than an array may have elements.
fn bound(context: &Context, windows: usize) -> Result<(), Failure> {
    if windows <= context.length_max {
        return Ok(());
    }
    Err(Failure(format!(
        "there are more than {} windows from start to end: take a longer step",
        context.length_max
    )))
}
