//! What a question can fail of, told so that its author can mend it.

use std::time::Duration;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use kql::KqlError;
use thiserror::Error;

/// A question without an answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The text is no SQL.
    #[error("read query: {0}")]
    Syntax(String),
    /// The text is no KQL, or means nothing.
    #[error("{message}")]
    Kql {
        /// Which of the two.
        fault: Fault,
        /// Line and column, from 1, of the first mistake.
        position: Option<(usize, usize)>,
        /// What is wrong, with the places.
        message: String,
    },
    /// It has more results than can be given here.
    #[error("the query has {0} results, and only one can be given here")]
    ManyResults(usize),
    /// No table of that name.
    #[error("unknown table '{name}'{}", suggestion(nearest.as_deref()))]
    UnknownTable {
        /// As it was written.
        name: String,
        /// The name that comes nearest.
        nearest: Option<String>,
    },
    /// No column of that name.
    #[error("unknown column '{name}'{}", suggestion(nearest.as_deref()))]
    UnknownColumn {
        /// As it was written.
        name: String,
        /// The name that comes nearest.
        nearest: Option<String>,
    },
    /// The query means nothing: types don't fit, a function doesn't exist.
    #[error("plan query: {0}")]
    Plan(String),
    /// The query would change something.
    #[error("only queries that read are allowed: {0}")]
    NotReadOnly(String),
    /// A bound of the guard.
    #[error("query is over a limit: {0}")]
    OverLimit(String),
    /// It took too long.
    #[error("query took longer than {} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// It needs more memory than there is for queries.
    #[error("query needs more memory than its limit: {0}")]
    Memory(String),
    /// Too many queries run already.
    #[error("too many queries are running")]
    Busy,
    /// What holds the rows can't be read: not the query's fault.
    #[error("a file can't be read or written")]
    Storage(#[source] Box<DataFusionError>),
    /// It failed while it ran, by its own doing (a cast, a division).
    #[error("run query: {0}")]
    Run(String),
}

/// What is wrong with a query's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It can't be read.
    Syntax,
    /// It can be read, but something in it does not exist or does not fit.
    Meaning,
}

impl From<KqlError> for QueryError {
    fn from(error: KqlError) -> Self {
        let message = error.to_string();
        let (fault, position) = match error {
            KqlError::Part(source) => return source.into(),
            KqlError::Syntax(errors) => {
                let first = errors.0.first();
                (Fault::Syntax, first.map(|error| error.position))
            }
            KqlError::Meaning { position, .. } => (Fault::Meaning, Some(position)),
        };
        Self::Kql {
            fault,
            position: position.map(|position| (position.line, position.column)),
            message,
        }
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!("; did you mean '{name}'?"))
        .unwrap_or_default()
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        let text = |error: &DataFusionError| {
            let stripped = error.strip_backtrace();
            stripped.lines().next().unwrap_or_default().to_owned()
        };
        match error.find_root() {
            DataFusionError::SchemaError(schema_error, _) => match schema_error.as_ref() {
                SchemaError::FieldNotFound {
                    field,
                    valid_fields,
                } => {
                    let names = valid_fields.iter().map(|column| column.name.as_str());
                    Self::UnknownColumn {
                        name: field.name.clone(),
                        nearest: nearest(&field.name, names),
                    }
                }
                other => Self::Plan(other.to_string()),
            },
            DataFusionError::SQL(parser_error, _) => Self::Syntax(parser_error.to_string()),
            DataFusionError::ResourcesExhausted(reason) => {
                Self::Memory(reason.lines().next().unwrap_or_default().to_owned())
            }
            root @ (DataFusionError::Plan(_) | DataFusionError::NotImplemented(_)) => {
                Self::Plan(text(root))
            }
            root if is_of_storage(root) => Self::Storage(Box::new(error)),
            root => Self::Run(text(root)),
        }
    }
}

/// Whether files failed, not what was asked of their rows.
fn is_of_storage(root: &DataFusionError) -> bool {
    match root {
        DataFusionError::ObjectStore(_)
        | DataFusionError::ParquetError(_)
        | DataFusionError::IoError(_) => true,
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::IoError(..) | ArrowError::ParquetError(_) => true,
            ArrowError::ExternalError(error) => error.is::<std::io::Error>(),
            _ => false,
        },
        DataFusionError::External(error) => error.is::<std::io::Error>(),
        _ => false,
    }
}

/// The candidate that is most like `name`, if one is.
pub(crate) fn nearest<Name: AsRef<str>>(
    name: &str,
    candidates: impl Iterator<Item = Name>,
) -> Option<String> {
    let wanted = name.to_lowercase();
    let mut best: Option<(f64, String)> = None;
    for candidate in candidates {
        let candidate = candidate.as_ref();
        let likeness = strsim::jaro_winkler(&wanted, &candidate.to_lowercase());
        if likeness > 0.75 && best.as_ref().is_none_or(|(most, _)| likeness > *most) {
            best = Some((likeness, candidate.to_owned()));
        }
    }
    best.map(|(_, candidate)| candidate)
}
