//! The answer to a question: batches as they come, cut off at the row limit, ended at the deadline.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::memory::MemoryStream;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use futures::StreamExt as _;
use kql::Render;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::error::QueryError;
use crate::format::{Encoder, Format, ResultColumn};

/// How much an answer may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    rows_left: usize,
    timeout: Duration,
    pub(crate) deadline: Instant,
}

impl Limits {
    pub(crate) fn from_now(rows_max: usize, timeout: Duration) -> Self {
        Self {
            rows_left: rows_max,
            timeout,
            deadline: Instant::now() + timeout,
        }
    }
}

/// Gauge of the queries that run.
const RUNNING: &str = "bartizan_queries_running";

impl Drop for Answer {
    fn drop(&mut self) {
        metrics::gauge!(RUNNING).decrement(1);
    }
}

/// A running query.
pub struct Answer {
    schema: SchemaRef,
    batches: SendableRecordBatchStream,
    limits: Limits,
    truncated: bool,
    about: About,
    /// Its tables hold the segments that the store is to keep while they are read.
    _plan: LogicalPlan,
    _turn: Arc<OwnedSemaphorePermit>,
}

/// What is said of a result besides its rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) planning_time: Duration,
    pub(crate) name: Option<String>,
    pub(crate) columns: Option<Arc<[ResultColumn]>>,
    pub(crate) render: Option<Render>,
    pub(crate) notes: Vec<String>,
}

impl About {
    /// The same of the plans that stand in place of the rows.
    pub(crate) fn explained(self) -> Self {
        let text = |name: &str| ResultColumn {
            name: name.to_owned(),
            kind: kql_values::Type::String,
        };
        let columns = |_: Arc<_>| PLAN_COLUMNS.map(text).into_iter().collect();
        let columns = self.columns.map(columns);
        Self { columns, ..self }
    }
}

const PLAN_COLUMNS: [&str; 2] = ["plan_type", "plan"];

/// Plans as rows, named as DataFusion's EXPLAIN names them; that would also print what each rule of the optimizer makes.
pub(crate) fn explained(
    logical: &LogicalPlan,
    physical: &dyn ExecutionPlan,
) -> Result<SendableRecordBatchStream, DataFusionError> {
    let plans = [
        ("logical_plan", logical.display_indent().to_string()),
        (
            "physical_plan",
            displayable(physical).indent(false).to_string(),
        ),
    ];
    let (kinds, plans): (Vec<_>, Vec<_>) = plans.into_iter().unzip();
    let columns: [ArrayRef; 2] = [
        Arc::new(StringArray::from(kinds)),
        Arc::new(StringArray::from(plans)),
    ];
    let rows = RecordBatch::try_from_iter(PLAN_COLUMNS.into_iter().zip(columns))?;
    let schema = rows.schema();
    Ok(Box::pin(MemoryStream::try_new(vec![rows], schema, None)?))
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Answer")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Answer {
    pub(crate) fn new(
        (schema, plan): (SchemaRef, LogicalPlan),
        batches: SendableRecordBatchStream,
        limits: Limits,
        turn: Arc<OwnedSemaphorePermit>,
    ) -> Self {
        metrics::gauge!(RUNNING).increment(1);
        Self {
            schema,
            batches,
            limits,
            truncated: false,
            about: About::default(),
            _plan: plan,
            _turn: turn,
        }
    }

    pub(crate) fn about(mut self, about: About) -> Self {
        self.about = about;
        self
    }

    /// Its name among several results, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.about.name.as_deref()
    }

    /// The columns in KQL's terms; `None` for an answer to SQL.
    pub fn kusto_columns(&self) -> Option<&Arc<[ResultColumn]>> {
        self.about.columns.as_ref()
    }

    /// How it wants to be shown.
    pub fn render(&self) -> Option<&Render> {
        self.about.render.as_ref()
    }

    /// How long it took from the text to the plan that runs, parts that were run for the plan among it.
    pub fn planning_time(&self) -> Duration {
        self.about.planning_time
    }

    /// What is to be known of it besides, for people.
    pub fn notes(&self) -> &[String] {
        &self.about.notes
    }

    /// An encoder for it, and the bytes that stand before its first row.
    pub fn encoder(&self, format: Format) -> Result<(Encoder, Vec<u8>), ArrowError> {
        match &self.about.columns {
            Some(columns) => Encoder::start_typed(format, &self.schema, columns),
            None => Encoder::start(format, &self.schema),
        }
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether rows were left out because of the row limit; known at the end.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The next rows; `None` at the end.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        if self.truncated {
            return Ok(None);
        }
        let next = tokio::time::timeout_at(self.limits.deadline, self.batches.next()).await;
        let next = next.map_err(|_elapsed| QueryError::Timeout(self.limits.timeout))?;
        let Some(batch) = next.transpose()? else {
            return Ok(None);
        };
        if batch.num_rows() > self.limits.rows_left {
            self.truncated = true;
            return Ok(Some(batch.slice(0, self.limits.rows_left)));
        }
        self.limits.rows_left -= batch.num_rows();
        Ok(Some(batch))
    }
}
