//! Where queries run: on threads of their own, and with pauses.
//!
//! A query that computes for long without waiting for anything keeps its thread. On the threads that take requests in, two
//! of them would stop the service; here they stop other queries at worst.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt as _;
use tokio::runtime::{Builder, Handle, Runtime};

/// Batches that wait for whoever reads an answer.
const BATCHES_MAX: usize = 2;

/// The threads.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn new() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("query")
            .enable_all()
            .build();
        let failed = |error| DataFusionError::Context("start threads".to_owned(), error);
        Ok(Self(Some(runtime.map_err(|error| {
            failed(Box::new(DataFusionError::IoError(error)))
        })?)))
    }

    /// Where parts of a query are run while it is planned.
    pub(crate) fn handle(&self) -> Handle {
        self.0
            .as_ref()
            .map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }

    /// How much runs.
    #[cfg(test)]
    pub(crate) fn alive(&self) -> usize {
        self.handle().metrics().num_alive_tasks()
    }

    /// Runs a plan. Dropping its rows ends it.
    pub(crate) fn run(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
    ) -> SendableRecordBatchStream {
        let mut rows = RecordBatchReceiverStream::builder(plan.schema(), BATCHES_MAX);
        let given = rows.tx();
        let work = async move {
            let mut batches = execute_stream(plan, context)?;
            while let Some(batch) = batches.next().await {
                if given.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        rows.spawn_on(work, &self.handle());
        rows.build()
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Threads")
    }
}

impl Drop for Threads {
    /// Without waiting for queries: nobody waits for their rows any more.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The plan with a pause now and then behind what makes many rows of few: what reads it may never wait, and what never waits
/// can't be ended.
pub(crate) fn with_pauses(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let paused = plan.transform_up(|node| {
        let makes_many = node.name().ends_with("JoinExec") || node.name() == "UnnestExec";
        Ok(if makes_many {
            Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>)
        } else {
            Transformed::no(node)
        })
    })?;
    Ok(paused.data)
}
