//! Records of other gateways to rows of `ApiManagementGatewayLogs`, by declaration.
//!
//! A [`Mapping`] says how its records are told and where each column's value is in them, by JSON
//! Pointer (RFC 6901). [`Mappings::new`] checks and compiles a list of them; who wrote them down and
//! in which form is not known here. Values that no column took whole go to `AdditionalFields`, where
//! they were in the record.

mod combined;
mod compile;
mod explain;
mod matching;
mod pointer;
mod presets;
mod tree;
mod value;
mod write;

pub(crate) use self::combined::{Lines, parse as parse_line};
pub use self::compile::{Mappings, Problem};
pub use self::explain::{Miss, misses};
pub use self::pointer::{Pointer, PointerError};
pub use self::presets::PRESETS;
pub(crate) use self::write::MappedWriter;

use std::fmt;

use store::{ColumnType, Table};

/// The table that every mapping fills.
pub const TABLE: Table = Table::ApiManagementGatewayLogs;

/// Columns with a duration in milliseconds.
const DURATIONS: [&str; 5] = [
    "BackendTime",
    "CacheTime",
    "ClientTime",
    "LastErrorElapsed",
    "TotalTime",
];

/// How records of one kind become rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Its name; `SourceSystem` of its rows unless it maps that column.
    pub name: String,
    /// What holds for its records, all of it.
    pub conditions: Vec<Condition>,
    /// Texts that mean that there is no value, such as `-`.
    pub absent: Vec<String>,
    /// Form of its records where they are no JSON.
    pub format: Format,
    /// Columns by name, each with where its value comes from: the first of them that gives one.
    pub columns: Vec<(String, Vec<Source>)>,
}

/// What a record is before it is mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A JSON object.
    #[default]
    Json,
    /// A line of the Combined Log Format, whose parts have the names of nginx's variables.
    Combined,
}

/// Something that holds for a record or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Where to look; the first place that has a value counts.
    pub paths: Vec<Pointer>,
    /// What to find there.
    pub test: Test,
}

/// What a condition finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A value, whatever it is.
    Present,
    /// No value.
    Absent,
    /// This text, or a number or boolean that is written so.
    Equals(String),
    /// A number within these.
    Within(Bounds),
}

/// Numbers from one on, below another, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    from: f64,
    below: f64,
}

impl Bounds {
    /// The bounds, if any number is within; why they are none if not.
    pub fn new(from: Option<f64>, below: Option<f64>) -> Result<Self, String> {
        let from = from.unwrap_or(f64::NEG_INFINITY);
        let below = below.unwrap_or(f64::INFINITY);
        if from < below {
            return Ok(Self { from, below });
        }
        Err(format!("no number is from {from} on and below {below}"))
    }

    /// Whether a text is a number within.
    fn has(self, text: &str) -> Option<bool> {
        let number: f64 = text.parse().ok()?;
        Some(number.is_finite() && (self.from..self.below).contains(&number))
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from.is_finite(), self.below.is_finite()) {
            (true, true) => write!(formatter, "from {} on and below {}", self.from, self.below),
            (false, _) => write!(formatter, "below {}", self.below),
            (true, false) => write!(formatter, "from {} on", self.from),
        }
    }
}

/// Where a column's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What gives it.
    pub take: Take,
    /// What has to hold for the record; otherwise there is no value.
    pub when: Option<Condition>,
}

/// What gives a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Take {
    /// The same in every row.
    Constant(String),
    /// A value of the record.
    Path(Pointer, How),
    /// A URL of its parts.
    Url(Box<UrlParts>),
    /// A JSON object of those members that have a value.
    Object(Vec<(String, Vec<Source>)>),
}

/// Parts of a URL; each the first of its sources that gives a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UrlParts {
    /// `https`.
    pub scheme: Vec<Source>,
    /// Host, with or without a port.
    pub host: Vec<Source>,
    /// Port. Taken only where the host has none, and left out where the scheme says it.
    pub port: Vec<Source>,
    /// Path, perhaps with the query behind it; or a whole URL, which then is the value.
    pub path: Vec<Source>,
    /// Query, without `?`. Taken only where the path has none.
    pub query: Vec<Source>,
}

/// What is done with a value before a column takes it, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct How {
    /// Which item of a list in text.
    pub item: Option<Item>,
    /// Which part of the text.
    pub part: Option<Part>,
    /// What each text becomes; no value for any other.
    pub lookup: Vec<(String, String)>,
    /// Whether the number is within these.
    pub within: Option<Bounds>,
    /// Unit of a duration, or of an instant as a number since 1970.
    pub unit: Option<Unit>,
}

/// An item of a list in text, whose items `,` or ` : ` divides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The first.
    First,
    /// The last.
    Last,
}

/// A part of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `GET` of `GET /path HTTP/1.1`.
    Method,
    /// `/path` of it.
    Target,
    /// `HTTP/1.1` of it.
    Protocol,
    /// The address of `192.0.2.1:443` or `[2001:db8::1]:443`.
    Address,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

/// Names and types of the columns that a mapping may fill.
pub fn columns() -> impl Iterator<Item = (&'static str, ColumnType)> {
    let known = TABLE.columns().iter();
    let free =
        known.filter(|column| column.name == "SourceSystem" || !crate::row::is_ours(column.name));
    free.map(|column| (column.name, column.kind))
}

/// Whether a column holds a duration, so that values need a unit.
pub fn is_duration(column: &str) -> bool {
    DURATIONS.contains(&column)
}
