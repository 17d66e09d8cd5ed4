//! Why a query has no plan.

use datafusion::error::DataFusionError;
use kql_syntax::{Position, Span, SyntaxErrors};
use kql_values::function::Failure;

/// Why a query has no plan.
#[derive(Debug, thiserror::Error)]
pub enum KqlError {
    /// The text is not KQL.
    #[error(transparent)]
    Syntax(#[from] SyntaxErrors),
    /// The text is KQL, but something in it does not exist or does not fit.
    #[error("line {}, column {}: {message}", position.line, position.column)]
    Meaning {
        /// Where.
        position: Position,
        /// What, and what would be right.
        message: String,
    },
    /// A part that had to be computed while planning (`toscalar`, `bag_unpack`, ...) failed.
    #[error("failed to compute a part of the query: {0}")]
    Part(#[source] DataFusionError),
}

/// An error in the making: where its text stands is known, the line and column follow from the whole query.
#[derive(Debug)]
pub(crate) enum Refusal {
    At(Span, String),
    /// A column that is not there: its name, and the same as above.
    Unknown(String, Span, String),
    Engine(DataFusionError),
}

impl Refusal {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self::At(span, message.into())
    }

    pub(crate) fn place(self, text: &str) -> KqlError {
        match self {
            Self::At(span, message) | Self::Unknown(_, span, message) => KqlError::Meaning {
                position: span.position(text),
                message,
            },
            Self::Engine(error) => KqlError::Part(error),
        }
    }
}

impl From<DataFusionError> for Refusal {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(error)
    }
}

/// The result of binding something.
pub(crate) type Bind<T> = Result<T, Refusal>;

/// Puts a failure of a kernel where its call stands.
pub(crate) fn failed_at(span: Span) -> impl Fn(Failure) -> Refusal {
    move |failure| Refusal::At(span, failure.0)
}
