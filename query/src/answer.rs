//! The answer to a question: batches as they come, cut off at the row limit, ended at the deadline.

use std::fmt;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::error::QueryError;

/// How much an answer may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    rows_left: usize,
    timeout: Duration,
    deadline: Instant,
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
    /// Its tables hold the segments that the store is to keep while they are read.
    _plan: LogicalPlan,
    _turn: OwnedSemaphorePermit,
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
        turn: OwnedSemaphorePermit,
    ) -> Self {
        metrics::gauge!(RUNNING).increment(1);
        Self {
            schema,
            batches,
            limits,
            truncated: false,
            _plan: plan,
            _turn: turn,
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
