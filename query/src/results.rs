//! The results of a question: from their plans to what runs.

use std::sync::Arc;

use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use tokio::runtime::Handle;
use tokio::task::{JoinError, spawn_blocking};

use crate::answer::About;
use crate::error::QueryError;
use crate::tables::Tables;
use crate::threads::with_pauses;

/// The plans of a question's results.
pub(crate) struct Results {
    pub(crate) state: Arc<SessionState>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) plans: Vec<(LogicalPlan, About)>,
    /// Whether others would have to wait if the rest were planned on their thread.
    pub(crate) takes_long: bool,
}

/// A plan as the engine's rules leave it, and what runs it.
pub(crate) async fn physical(
    state: Arc<SessionState>,
    plan: LogicalPlan,
    takes_long: bool,
) -> Result<(LogicalPlan, Arc<dyn ExecutionPlan>), QueryError> {
    let planned = async move {
        let optimized = state.optimize(&plan)?;
        let planner = state.query_planner();
        let planned = planner.create_physical_plan(&optimized, state.as_ref());
        let physical = with_pauses(planned.await?)?;
        Ok((optimized, physical))
    };
    if !takes_long {
        return planned.await;
    }
    let runtime = Handle::current();
    let blocking = spawn_blocking(move || runtime.block_on(planned));
    blocking.await.map_err(|error| lost(&error))?
}

pub(crate) fn lost(error: &JoinError) -> QueryError {
    tracing::error!(%error, "planning a query ended by itself");
    let text = "planning the query failed; the service's log says why";
    QueryError::Run(text.to_owned())
}

/// The one result that there is.
pub(crate) fn only<T>(mut results: Vec<T>) -> Result<T, QueryError> {
    let count = results.len();
    let last = results.pop().filter(|_| count == 1);
    last.ok_or(QueryError::ManyResults(count))
}
