//! The engine: one per process, a fresh session per question.
//!
//! A session sees the tables of one workspace at one moment and nothing else: no files, no settings, no other
//! session's state.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider as _, CatalogProviderList as _, MemoryCatalogProvider,
    MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider as _, TableProvider,
};
use datafusion::common::ParamValues;
use datafusion::config::Dialect;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry as _;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ident, lit};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use datafusion::scalar::ScalarValue;
use store::schema::TIME_COLUMN;
use store::{Clock, Store, Table, Timestamp, Workspace};
use tokio::sync::Semaphore;

use crate::answer::{Answer, Limits};
use crate::error::{QueryError, nearest};
use crate::functions::IpInWatchlist;
use crate::guard;
use crate::table::EventTable;
use crate::watchlist::Watchlists;

/// A half-open span of event time, `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant outside; `now()` shows it too.
    pub end: Timestamp,
}

/// A query with its bounds.
#[derive(Clone, Debug)]
pub struct Question {
    /// SQL.
    pub text: String,
    /// If given, every event table shows only rows whose `TimeGenerated` lies in it.
    pub span: Option<Span>,
    /// Values of `$name` placeholders, always text.
    pub parameters: Vec<(String, String)>,
    /// Rows after which the answer is cut off, and says so.
    pub rows_max: usize,
    /// Time after which the answer ends in an error.
    pub timeout: Duration,
}

impl Question {
    /// A question in SQL: no span, 100,000 rows, 30 seconds.
    pub fn sql(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            span: None,
            parameters: Vec::new(),
            rows_max: 100_000,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Bounds that all questions share.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Memory for sorting, grouping and joining, in bytes.
    pub memory_bytes_max: usize,
    /// Disk for what doesn't fit in that memory, in bytes.
    pub spill_bytes_max: u64,
    /// Questions that run at the same time.
    pub concurrency_max: usize,
    /// How long a question waits for its turn.
    pub queue_timeout: Duration,
    /// What `_GetWatchlist` and `ip_in_watchlist` know.
    pub watchlists: Watchlists,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            memory_bytes_max: 512 << 20,
            spill_bytes_max: 4 << 30,
            concurrency_max: 8,
            queue_timeout: Duration::from_secs(10),
            watchlists: Watchlists::default(),
        }
    }
}

/// Answers questions over a store.
#[derive(Debug)]
pub struct Engine {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    template: SessionState,
    turns: Arc<Semaphore>,
    queue_timeout: Duration,
    watchlists: Watchlists,
}

const CATALOG: &str = "lake";

impl Engine {
    /// An engine over a store.
    pub fn new(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        settings: EngineSettings,
    ) -> Result<Self, QueryError> {
        let mut template = SessionStateBuilder::new()
            .with_config(config())
            .with_runtime_env(runtime(&settings)?)
            .with_default_features()
            .with_table_function_list(Vec::new())
            .build();
        datafusion_functions_json::register_all(&mut template)?;
        Ok(Self {
            store,
            clock,
            template,
            turns: Arc::new(Semaphore::new(settings.concurrency_max)),
            queue_timeout: settings.queue_timeout,
            watchlists: settings.watchlists,
        })
    }

    /// The lists that queries see; what is put there is seen by the next query.
    pub fn watchlists(&self) -> &Watchlists {
        &self.watchlists
    }

    /// Answers a question as a stream of batches; dropping the answer ends the work.
    pub async fn answer(
        &self,
        workspace: &Workspace,
        question: Question,
    ) -> Result<Answer, QueryError> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(self.queue_timeout, turn).await;
        let Ok(Ok(turn)) = turn else {
            return Err(QueryError::Busy);
        };
        let limits = Limits::from_now(question.rows_max, question.timeout);
        let planned = async {
            let (state, plan) = self.plan(workspace, &question).await?;
            let schema = Arc::clone(plan.schema().inner());
            let physical = state.create_physical_plan(&plan).await?;
            let batches = execute_stream(physical, state.task_ctx())?;
            Ok::<_, QueryError>((schema, plan, batches))
        };
        let (schema, plan, batches) = tokio::time::timeout(question.timeout, planned)
            .await
            .map_err(|_elapsed| QueryError::Timeout(question.timeout))??;
        Ok(Answer::new((schema, plan), batches, limits, turn))
    }

    /// Answers a question as a whole.
    pub async fn rows(
        &self,
        workspace: &Workspace,
        question: Question,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let mut answer = self.answer(workspace, question).await?;
        let mut batches = Vec::new();
        while let Some(batch) = answer.next_batch().await? {
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Plans a query without running it; gives the schema of its answer.
    pub async fn check(&self, workspace: &Workspace, sql: &str) -> Result<SchemaRef, QueryError> {
        let (_, plan) = self.plan(workspace, &Question::sql(sql)).await?;
        Ok(Arc::clone(plan.schema().inner()))
    }

    async fn plan(
        &self,
        workspace: &Workspace,
        question: &Question,
    ) -> Result<(SessionState, LogicalPlan), QueryError> {
        guard::check_text(&question.text)?;
        let state = self.session(workspace, question.span)?;
        let statement = state.sql_to_statement(&question.text, &Dialect::Generic)?;
        guard::check_statement(&statement)?;
        for reference in state.resolve_table_references(&statement)? {
            let is_ours = reference
                .schema()
                .is_none_or(|schema| schema == workspace.as_str());
            if is_ours && Table::from_name(reference.table()).is_none() {
                let names = Table::ALL.into_iter().map(Table::name);
                return Err(QueryError::UnknownTable {
                    name: reference.table().to_owned(),
                    nearest: nearest(reference.table(), names),
                });
            }
        }
        let mut plan = state.statement_to_plan(statement).await?;
        if !question.parameters.is_empty() {
            let value = |text: &String| ScalarValue::Utf8(Some(text.clone())).into();
            let values = question
                .parameters
                .iter()
                .map(|(name, text)| (name.clone(), value(text)));
            plan = plan.replace_params_with_values(&ParamValues::Map(values.collect()))?;
        }
        guard::check_plan(&plan)?;
        Ok((state, plan))
    }

    fn session(
        &self,
        workspace: &Workspace,
        span: Option<Span>,
    ) -> Result<SessionState, QueryError> {
        let now = span.map_or_else(|| self.clock.now(), |span| span.end);
        let schema = MemorySchemaProvider::new();
        for table in Table::ALL {
            let snapshot = self.store.snapshot(workspace, table);
            let provider: Arc<dyn TableProvider> = Arc::new(EventTable::new(table, snapshot));
            let shown = match span {
                Some(span) => within(table, provider, span)?,
                None => provider,
            };
            schema.register_table(table.name().to_owned(), shown)?;
        }
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(workspace.as_str(), Arc::new(schema))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        let config = self
            .template
            .config()
            .clone()
            .with_default_catalog_and_schema(CATALOG, workspace.as_str());
        let mut state = SessionStateBuilder::new_from_existing(self.template.clone())
            .with_catalog_list(Arc::new(catalogs))
            .with_config(config)
            .build();
        let function = IpInWatchlist::function(self.watchlists.of(workspace));
        state.register_udf(function)?;
        let properties = state.execution_props_mut();
        properties.mark_start_execution(state_options(&self.template));
        properties.query_execution_start_time =
            DateTime::<Utc>::from_timestamp_micros(now.as_micros());
        Ok(state)
    }
}

fn state_options(template: &SessionState) -> Arc<datafusion::config::ConfigOptions> {
    Arc::clone(template.config_options())
}

/// A table that shows only the rows of a span.
fn within(
    table: Table,
    provider: Arc<dyn TableProvider>,
    span: Span,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let instant = |time: Timestamp| {
        lit(ScalarValue::TimestampMicrosecond(
            Some(time.as_micros()),
            Some("UTC".into()),
        ))
    };
    let time = || ident(TIME_COLUMN);
    let plan = LogicalPlanBuilder::scan(table.name(), provider_as_source(provider), None)?
        .filter(
            time()
                .gt_eq(instant(span.start))
                .and(time().lt(instant(span.end))),
        )?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false);
    // Azure's names are in mixed case, and `select ApiId` means what it says.
    config.options_mut().sql_parser.enable_ident_normalization = false;
    config.options_mut().execution.time_zone = Some("UTC".to_owned());
    // It mixes columns with and without the name of their table when members of a struct are read twice.
    config
        .options_mut()
        .optimizer
        .enable_leaf_expression_pushdown = false;
    config
}

fn runtime(settings: &EngineSettings) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let spill = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::OsTmpDirectory)
        .with_max_temp_directory_size(settings.spill_bytes_max);
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(settings.memory_bytes_max)))
        .with_disk_manager_builder(spill)
        .build_arc()
}
