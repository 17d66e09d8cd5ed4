//! Questions in KQL: what the binder asks of a session, and the plans of the results.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ident, lit};
use datafusion::optimizer::OptimizerRule as _;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::physical_plan::execute_stream;
use datafusion_functions_json::udfs::json_get_str_udf;
use futures::StreamExt as _;
use kql::{Catalog, Document, Environment, Evaluate, Language, Planned, Source, unqualified};
use kql_values::Type;
use store::{ColumnType, Table, Timestamp, Workspace};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::engine::Question;
use crate::error::QueryError;
use crate::external::Documents;
use crate::views;
use crate::watchlist::WatchlistSet;

/// Tables by name, as a session shows them.
pub(crate) type Tables = BTreeMap<&'static str, (Table, Arc<dyn TableProvider>)>;

/// What a session shows to KQL.
#[derive(Debug)]
pub(crate) struct SessionCatalog {
    pub(crate) tables: Tables,
    pub(crate) watchlists: WatchlistSet,
    pub(crate) documents: Documents,
}

impl Catalog for SessionCatalog {
    fn table(&self, name: &str) -> Result<Option<Source>> {
        let Some((table, provider)) = self.tables.get(name) else {
            return Ok(None);
        };
        let columns = table.columns().iter();
        let columns = columns.map(|column| (column.name.to_owned(), kusto_type(column.kind)));
        let source = source(name, Arc::clone(provider), columns.collect())?;
        with_item_id(*table, source).map(Some)
    }

    fn tables(&self) -> Vec<String> {
        self.tables.keys().map(|name| (*name).to_owned()).collect()
    }

    fn function(&self, name: &str) -> Option<String> {
        views::text(name).map(str::to_owned)
    }

    fn functions(&self) -> Vec<String> {
        views::all().map(|(name, _)| name.to_owned()).collect()
    }

    fn watchlist(&self, alias: &str) -> Result<Option<Source>> {
        let rows = self.watchlists.rows(alias);
        let columns = rows.schema_ref().fields().iter().map(|field| {
            let is_text = field.data_type().is_string();
            let kind = if is_text {
                Type::String
            } else {
                Type::DateTime
            };
            (field.name().clone(), kind)
        });
        let columns = columns.collect();
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]])?;
        source("_GetWatchlist", Arc::new(table), columns).map(Some)
    }

    fn external(&self, uri: &str) -> Result<Arc<dyn Document>, String> {
        self.documents.at(uri)
    }
}

fn source(
    name: &str,
    provider: Arc<dyn TableProvider>,
    columns: Vec<(String, Type)>,
) -> Result<Source> {
    let scan = LogicalPlanBuilder::scan(name, provider_as_source(provider), None)?;
    let plan = unqualified(scan.build()?)?;
    Ok(Source { plan, columns })
}

/// Adds `_ItemId`, which Log Analytics has in every table: rows that were exported from there keep it.
fn with_item_id(table: Table, mut source: Source) -> Result<Source> {
    let has = |name: &str| table.columns().iter().any(|column| column.name == name);
    if !has(ADDITIONAL) || has(ITEM_ID) {
        return Ok(source);
    }
    let id = json_get_str_udf().call(vec![ident(ADDITIONAL), lit(ITEM_ID)]);
    let columns = source.columns.iter().map(|(name, _)| ident(name));
    let columns = columns.chain([id.alias(ITEM_ID)]).collect::<Vec<_>>();
    source.plan = LogicalPlanBuilder::from(source.plan)
        .project(columns)?
        .build()?;
    source.columns.push((ITEM_ID.to_owned(), Type::String));
    Ok(source)
}

const ADDITIONAL: &str = "AdditionalFields";

const ITEM_ID: &str = "_ItemId";

/// What KQL calls a column's type.
pub fn kusto_type(kind: ColumnType) -> Type {
    match kind {
        ColumnType::Text | ColumnType::Bytes => Type::String,
        ColumnType::Int => Type::Int,
        ColumnType::Long => Type::Long,
        ColumnType::Real => Type::Real,
        ColumnType::Bool => Type::Bool,
        ColumnType::Datetime => Type::DateTime,
        ColumnType::Dynamic => Type::Dynamic,
    }
}

/// Runs parts of a query while it is planned, on the thread that plans.
#[derive(Debug)]
struct Parts {
    state: Arc<SessionState>,
    runtime: Handle,
    deadline: Instant,
}

impl Evaluate for Parts {
    fn rows(&self, plan: LogicalPlan, rows_max: usize) -> Result<Vec<RecordBatch>> {
        let run = async {
            let physical = self.state.create_physical_plan(&plan).await?;
            let mut batches = execute_stream(physical, self.state.task_ctx())?;
            let (mut rows, mut found) = (0, Vec::new());
            while let Some(batch) = batches.next().await.transpose()? {
                rows += batch.num_rows();
                if rows > rows_max {
                    let text = format!("a part of the query has more than {rows_max} rows");
                    return Err(DataFusionError::ResourcesExhausted(text));
                }
                found.push(batch);
            }
            Ok(found)
        };
        self.runtime.block_on(async {
            let elapsed = |_| DataFusionError::Execution("it took too long".to_owned());
            tokio::time::timeout_at(self.deadline, run)
                .await
                .map_err(elapsed)?
        })
    }
}

/// Plans a question's results. Blocks: parts may have to be run.
pub(crate) fn plan(
    workspace: &Workspace,
    question: &Question,
    (state, catalog): (Arc<SessionState>, &SessionCatalog),
    (language, now): (&Language, Timestamp),
    (runtime, deadline): (Handle, Instant),
) -> Result<Vec<Planned>, QueryError> {
    let evaluate = Parts {
        state: Arc::clone(&state),
        runtime,
        deadline,
    };
    let environment = Environment {
        catalog,
        evaluate: &evaluate,
        language,
        now: now.as_micros().saturating_mul(10),
        database: workspace.as_str(),
        parameters: &question.parameters,
    };
    let mut planned = kql::plan(&question.text, &environment)?;
    for result in &mut planned {
        result.plan = narrowed(result.plan.clone(), &state)?;
    }
    Ok(planned)
}

/// The plan without the columns that nothing reads. The engine does so too, after other rules have gone over all columns of
/// wide tables several times.
fn narrowed(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    Ok(OptimizeProjections::new().rewrite(plan, state)?.data)
}
