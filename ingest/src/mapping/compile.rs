//! Mappings checked, and brought into the form in which they are fast.

use std::fmt;
use std::sync::Arc;

use store::ColumnType;

use super::tree::Node;
use super::{
    Condition, Format, How, Mapping, Source, TABLE, Take, Test, UrlParts, is_duration, matching,
};
use crate::columns::Place;
use crate::json::Fields;

/// Mappings of a configuration: a record may be compared with all of them.
const MAPPINGS_MAX: usize = 64;

/// Mappings in the order in which they are tried. A clone shares them.
#[derive(Clone)]
pub struct Mappings {
    list: Arc<[Arc<Compiled>]>,
}

impl Default for Mappings {
    fn default() -> Self {
        Self { list: Arc::new([]) }
    }
}

impl fmt::Debug for Mappings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

/// What is wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The mapping.
    pub mapping: String,
    /// The column; `None` if it is about the mapping as a whole.
    pub column: Option<String>,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "mapping '{}'", self.mapping)?;
        if let Some(column) = &self.column {
            write!(formatter, ", column {column}")?;
        }
        write!(formatter, ": {}", self.reason)
    }
}

/// A mapping whose paths are slots.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) absent: Vec<String>,
    pub(super) format: Format,
    pub(super) tree: Node,
    pub(super) slots: usize,
    pub(super) columns: Vec<Column>,
}

/// A column and where its value comes from.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) steps: Vec<Step>,
}

/// What a column means to a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The event's time.
    Time,
    Instant,
    Duration,
    Resource,
    Source,
    Other,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) when: Option<Check>,
}

#[derive(Debug)]
pub(super) enum Action {
    Constant(String),
    Slot(usize, How),
    Url(Box<UrlSteps>),
    Object(Vec<(String, Vec<Step>)>),
}

#[derive(Debug)]
pub(super) struct UrlSteps {
    pub(super) scheme: Vec<Step>,
    pub(super) host: Vec<Step>,
    pub(super) port: Vec<Step>,
    pub(super) path: Vec<Step>,
    pub(super) query: Vec<Step>,
}

/// A condition on slots.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) slots: Vec<usize>,
    pub(super) test: Test,
}

impl Mappings {
    /// Checks and compiles: first a user's own in their order, then those that come with the program.
    /// Of the latter one gives way to an own one of its name, or one that takes all of its records.
    pub fn new(own: Vec<Mapping>, shipped: Vec<Mapping>) -> Result<Self, Problem> {
        if let Some(beyond) = own.get(MAPPINGS_MAX) {
            let reason = format!("there are more than {MAPPINGS_MAX} mappings");
            return Err(problem(beyond, None, reason));
        }
        for (place, later) in own.iter().enumerate() {
            for earlier in own.iter().take(place) {
                let reason = if earlier.name == later.name {
                    "two mappings have this name".to_owned()
                } else if matching::takes_all(earlier, later) {
                    format!(
                        "never gets a record: mapping '{}' before it takes all that it matches; \
                         put it first, or let the match of '{}' say more",
                        earlier.name, earlier.name
                    )
                } else {
                    continue;
                };
                return Err(problem(later, None, reason));
            }
        }
        let replaced = |shipped: &Mapping| {
            let by = |own: &Mapping| own.name == shipped.name || matching::takes_all(own, shipped);
            own.iter().any(by)
        };
        let shipped: Vec<_> = shipped.into_iter().filter(|one| !replaced(one)).collect();
        let all = own.into_iter().chain(shipped);
        let compiled = all.map(|mapping| compile(mapping).map(Arc::new));
        let list = compiled.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { list: list.into() })
    }

    /// Names, in the order in which they are tried.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|mapping| mapping.name.as_str())
    }

    /// The mapping of that name alone.
    pub fn only(&self, name: &str) -> Option<Self> {
        let found = self.list.iter().find(|mapping| mapping.name == name)?;
        let list = [Arc::clone(found)].into();
        Some(Self { list })
    }

    /// The mapping whose record it is.
    pub(crate) fn find(&self, record: &Fields<'_>) -> Option<usize> {
        self.find_of(Format::Json, record)
    }

    /// As [`Mappings::find`], for a record that was a line of text.
    pub(crate) fn find_line(&self, record: &Fields<'_>) -> Option<usize> {
        self.find_of(Format::Combined, record)
    }

    fn find_of(&self, format: Format, record: &Fields<'_>) -> Option<usize> {
        self.list.iter().position(|mapping| {
            mapping.format == format && matching::matches(&mapping.conditions, record)
        })
    }

    /// Whether lines of text may be records.
    pub(crate) fn takes_lines(&self) -> bool {
        self.list
            .iter()
            .any(|mapping| mapping.format == Format::Combined)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Compiled> {
        self.list.iter().map(AsRef::as_ref)
    }

    pub(super) fn get(&self, index: usize) -> Option<&Compiled> {
        self.list.get(index).map(AsRef::as_ref)
    }
}

fn problem(mapping: &Mapping, column: Option<&str>, reason: impl Into<String>) -> Problem {
    Problem {
        mapping: mapping.name.clone(),
        column: column.map(str::to_owned),
        reason: reason.into(),
    }
}

fn compile(mapping: Mapping) -> Result<Compiled, Problem> {
    if mapping.format == Format::Json && !matching::is_specific(&mapping.conditions) {
        let reason = "its match is not specific enough: name two members that logs of Azure do not have, \
                      or one with what it equals";
        return Err(problem(&mapping, None, reason));
    }
    if !mapping
        .columns
        .iter()
        .any(|(name, _)| name == store::schema::TIME_COLUMN)
    {
        let reason = "has no column TimeGenerated: say where the time of the event is";
        return Err(problem(&mapping, None, reason));
    }
    let mut slots = Slots::default();
    let mut columns = Vec::with_capacity(mapping.columns.len());
    for (name, sources) in &mapping.columns {
        let kind = check_column(name, sources)
            .map_err(|reason| problem(&mapping, Some(name.as_str()), reason))?;
        columns.push(Column {
            place: Place::of(TABLE, name),
            kind,
            steps: slots.steps(sources),
        });
    }
    Ok(Compiled {
        tree: slots.tree,
        slots: slots.count,
        name: mapping.name,
        conditions: mapping.conditions,
        absent: mapping.absent,
        format: mapping.format,
        columns,
    })
}

/// What a column means, if it can take what its sources give.
fn check_column(name: &str, sources: &[Source]) -> Result<Kind, String> {
    let found = super::columns().find(|(known, _)| *known == name);
    let Some((_, column)) = found else {
        return Err(unknown(name));
    };
    if sources.is_empty() {
        return Err("has no source: say where its value is, or leave the column out".to_owned());
    }
    let kind = match name {
        store::schema::TIME_COLUMN => Kind::Time,
        "_ResourceId" => Kind::Resource,
        "SourceSystem" => Kind::Source,
        _ if is_duration(name) => Kind::Duration,
        _ if column == ColumnType::Datetime => Kind::Instant,
        _ => Kind::Other,
    };
    for source in sources {
        check_source(kind, column, &source.take)?;
    }
    Ok(kind)
}

fn unknown(name: &str) -> String {
    let near = super::columns()
        .map(|(known, _)| {
            (
                strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase()),
                known,
            )
        })
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match near {
        Some((_, near)) => {
            format!("{TABLE} has no column of this name that can be mapped; the nearest is {near}")
        }
        None => format!("{TABLE} has no such column"),
    }
}

fn check_source(kind: Kind, column: ColumnType, take: &Take) -> Result<(), String> {
    match take {
        Take::Constant(text) => {
            let fits = match column {
                ColumnType::Text => true,
                ColumnType::Int => text.parse::<i32>().is_ok(),
                ColumnType::Long => text.parse::<i64>().is_ok(),
                ColumnType::Real => text.parse::<f64>().is_ok(),
                ColumnType::Bool => text.parse::<bool>().is_ok(),
                ColumnType::Dynamic | ColumnType::Datetime | ColumnType::Bytes => false,
            };
            let reason = || format!("'{text}' is no value of a column of type {column:?}");
            fits.then_some(()).ok_or_else(reason)
        }
        Take::Path(_, how) => check_how(kind, column, how),
        Take::Url(_) if column == ColumnType::Text => Ok(()),
        Take::Url(_) => Err("a URL needs a column with text, such as Url".to_owned()),
        Take::Object(_) if column == ColumnType::Dynamic => Ok(()),
        Take::Object(_) => {
            Err("an object needs a dynamic column, such as RequestHeaders".to_owned())
        }
    }
}

fn check_how(kind: Kind, column: ColumnType, how: &How) -> Result<(), String> {
    if how.within.is_some() && column != ColumnType::Bool {
        return Err(
            "'from' and 'below' give true or false: use them for a boolean column, such as IsRequestSuccess"
                .to_owned(),
        );
    }
    let takes_unit = matches!(kind, Kind::Duration | Kind::Time | Kind::Instant);
    match how.unit {
        None if kind == Kind::Duration => {
            Err("needs the unit of its duration: unit = \"s\", \"ms\", \"us\" or \"ns\"".to_owned())
        }
        Some(_) if !takes_unit => {
            Err("has a unit, but this column holds neither a duration nor a time".to_owned())
        }
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Slots {
    tree: Node,
    count: usize,
}

impl Slots {
    fn steps(&mut self, sources: &[Source]) -> Vec<Step> {
        sources.iter().map(|source| self.step(source)).collect()
    }

    fn step(&mut self, source: &Source) -> Step {
        let action = match &source.take {
            Take::Constant(text) => Action::Constant(text.clone()),
            Take::Path(path, how) => {
                let slot = self.tree.insert(path.tokens(), &mut self.count);
                Action::Slot(slot, how.clone())
            }
            Take::Url(parts) => Action::Url(Box::new(self.url(parts))),
            Take::Object(members) => {
                let members = members.iter();
                let members = members.map(|(name, sources)| (name.clone(), self.steps(sources)));
                Action::Object(members.collect())
            }
        };
        let when = source.when.as_ref().map(|condition| {
            let paths = condition.paths.iter();
            Check {
                slots: paths
                    .map(|path| self.tree.insert(path.tokens(), &mut self.count))
                    .collect(),
                test: condition.test.clone(),
            }
        });
        Step { action, when }
    }

    fn url(&mut self, parts: &UrlParts) -> UrlSteps {
        UrlSteps {
            scheme: self.steps(&parts.scheme),
            host: self.steps(&parts.host),
            port: self.steps(&parts.port),
            path: self.steps(&parts.path),
            query: self.steps(&parts.query),
        }
    }
}
