//! The engine: one per process, a fresh session per question.
//!
//! A session sees the tables of one workspace at one moment and nothing else: no files, no settings, no other
//! session's state.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider as _, CatalogProviderList as _, MemoryCatalogProvider,
    MemoryCatalogProviderList, SchemaProvider,
};
use datafusion::common::ParamValues;
use datafusion::config::Dialect;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry as _;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::SessionConfig;
use datafusion::scalar::ScalarValue;
use store::{Clock, Store, Table, Timestamp, Workspace};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::answer::{About, Answer, Limits, explained};
use crate::error::{QueryError, nearest};
use crate::external::{Documents, External, Fetching};
use crate::format::{ResultColumn, printed};
use crate::functions::IpInWatchlist;
use crate::guard;
use crate::kusto::{Planning, SessionCatalog, is_long};
use crate::results::{Results, lost, only, physical};
use crate::tables::Tables;
use crate::threads::Threads;
use crate::views::all as kql_views;
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
    /// In which language the text is.
    pub language: Language,
    /// The query.
    pub text: String,
    /// If given, every event table shows only rows whose `TimeGenerated` lies in it.
    pub span: Option<Span>,
    /// Values of `$name` placeholders in SQL, of declared query parameters in KQL; always text.
    pub parameters: Vec<(String, String)>,
    /// What `now()` gives in KQL, if not the end of the span.
    pub now: Option<Timestamp>,
    /// What addresses of `externaldata` that may not be fetched give.
    pub external: External,
    /// Whether the plans are wanted instead of the rows: columns `plan_type` and `plan`.
    pub explain: bool,
    /// Only so many rows of each result, if given.
    pub take: Option<usize>,
    /// Rows after which the answer is cut off, and says so.
    pub rows_max: usize,
    /// Time after which the answer ends in an error.
    pub timeout: Duration,
}

impl Question {
    /// A question in SQL: no span, 100,000 rows, 30 seconds.
    pub fn sql(text: impl Into<String>) -> Self {
        Self {
            language: Language::Sql,
            text: text.into(),
            span: None,
            parameters: Vec::new(),
            now: None,
            external: External::Refused,
            explain: false,
            take: None,
            rows_max: 100_000,
            timeout: Duration::from_secs(30),
        }
    }

    /// A question in KQL, as [`Question::sql`] otherwise.
    pub fn kql(text: impl Into<String>) -> Self {
        Self {
            language: Language::Kql,
            ..Self::sql(text)
        }
    }
}

/// A language of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// DataFusion's dialect of SQL.
    Sql,
    /// Kusto Query Language.
    Kql,
}

impl Language {
    /// The language of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sql" => Some(Self::Sql),
            "kql" => Some(Self::Kql),
            _ => None,
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
    /// Who fetches for `externaldata`, if anybody does.
    pub fetching: Option<Fetching>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            memory_bytes_max: 512 << 20,
            spill_bytes_max: 4 << 30,
            concurrency_max: 8,
            queue_timeout: Duration::from_secs(10),
            watchlists: Watchlists::default(),
            fetching: None,
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
    pub(crate) threads: Threads,
    queue_timeout: Duration,
    watchlists: Watchlists,
    fetching: Option<Fetching>,
    kql: kql::Language,
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
            .with_query_planner(kql::query_planner())
            .with_table_function_list(Vec::new())
            .build();
        datafusion_functions_json::register_all(&mut template)?;
        Ok(Self {
            store,
            clock,
            template,
            turns: Arc::new(Semaphore::new(settings.concurrency_max)),
            threads: Threads::new()?,
            queue_timeout: settings.queue_timeout,
            watchlists: settings.watchlists,
            fetching: settings.fetching,
            kql: kql::Language::default(),
        })
    }

    /// Names of the functions that KQL has, views among them, for completion.
    pub fn kql_functions(&self) -> Vec<&'static str> {
        let mut names = self.kql.function_names();
        names.extend(kql_views().map(|(name, _)| name));
        names
    }

    /// The lists that queries see; what is put there is seen by the next query.
    pub fn watchlists(&self) -> &Watchlists {
        &self.watchlists
    }

    /// Answers a question that has one result, as a stream of batches; dropping the answer ends the work.
    pub async fn answer(
        &self,
        workspace: &Workspace,
        question: Question,
    ) -> Result<Answer, QueryError> {
        only(self.answers(workspace, question).await?)
    }

    /// Answers a question with all of its results; there is at least one.
    pub async fn answers(
        &self,
        workspace: &Workspace,
        question: Question,
    ) -> Result<Vec<Answer>, QueryError> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(self.queue_timeout, turn).await;
        let Ok(Ok(turn)) = turn else {
            return Err(QueryError::Busy);
        };
        let (turn, timeout) = (Arc::new(turn), question.timeout);
        let limits = Limits::from_now(question.rows_max, timeout);
        let (take, explain, begun) = (question.take, question.explain, Instant::now());
        let planned = async {
            let results = self.results(workspace, question, limits.deadline).await?;
            let (state, takes_long) = (results.state, results.takes_long);
            let mut answers = Vec::with_capacity(results.plans.len());
            for (mut plan, mut about) in results.plans {
                if take.is_some() {
                    plan = LogicalPlanBuilder::from(plan).limit(0, take)?.build()?;
                }
                let (optimized, physical) =
                    physical(Arc::clone(&state), plan.clone(), takes_long).await?;
                about.planning_time = begun.elapsed();
                let (schema, batches) = if explain {
                    about = about.explained();
                    let plans = explained(&optimized, physical.as_ref())?;
                    (plans.schema(), plans)
                } else {
                    let schema = Arc::clone(plan.schema().inner());
                    (schema, self.threads.run(physical, state.task_ctx()))
                };
                let answer = Answer::new((schema, plan), batches, limits, Arc::clone(&turn));
                answers.push(answer.about(about));
            }
            Ok::<_, QueryError>(answers)
        };
        tokio::time::timeout(timeout, planned)
            .await
            .map_err(|_elapsed| QueryError::Timeout(timeout))?
    }

    /// Answers a question as a whole; of KQL's values all but numbers and booleans are printed.
    pub async fn rows(
        &self,
        workspace: &Workspace,
        question: Question,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let (batches, _) = self.first_rows(workspace, question, usize::MAX).await?;
        Ok(batches)
    }

    /// The first rows of an answer, and how many it has in all; values as of [`Engine::rows`].
    pub async fn first_rows(
        &self,
        workspace: &Workspace,
        question: Question,
        rows_max: usize,
    ) -> Result<(Vec<RecordBatch>, u64), QueryError> {
        let mut answer = self.answer(workspace, question).await?;
        let columns = answer.kusto_columns().cloned();
        let (mut batches, mut room, mut count) = (Vec::new(), rows_max, 0);
        while let Some(batch) = answer.next_batch().await? {
            count += batch.num_rows() as u64;
            let batch = batch.slice(0, batch.num_rows().min(room));
            if batch.num_rows() == 0 && !batches.is_empty() {
                continue;
            }
            room -= batch.num_rows();
            batches.push(match &columns {
                Some(columns) => printed(columns, &batch).map_err(DataFusionError::from)?,
                None => batch,
            });
        }
        Ok((batches, count))
    }

    /// Plans a query without running it; gives the schema of its answer and the event tables that it reads, also through
    /// views. Nothing is fetched.
    pub async fn check(
        &self,
        workspace: &Workspace,
        mut question: Question,
    ) -> Result<(SchemaRef, BTreeSet<Table>), QueryError> {
        question.external = External::Planned;
        let deadline = Instant::now() + question.timeout;
        let results = self.results(workspace, question, deadline).await?;
        let (plan, _) = only(results.plans)?;
        Ok((Arc::clone(plan.schema().inner()), results.tables.named()))
    }

    pub(crate) async fn results(
        &self,
        workspace: &Workspace,
        question: Question,
        deadline: Instant,
    ) -> Result<Results, QueryError> {
        match question.language {
            Language::Sql => {
                let (state, tables, plan) = self.plan(workspace, &question).await?;
                Ok(Results {
                    tables,
                    state: Arc::new(state),
                    plans: vec![(plan, About::default())],
                    takes_long: is_long(&question.text),
                })
            }
            Language::Kql => self.plan_kql(workspace, question, deadline).await,
        }
    }

    async fn plan_kql(
        &self,
        workspace: &Workspace,
        question: Question,
        deadline: Instant,
    ) -> Result<Results, QueryError> {
        let now = question.now.unwrap_or_else(|| self.now(question.span));
        let (state, tables) = self.session(workspace, question.span)?;
        let state = Arc::new(state);
        let catalog = SessionCatalog {
            tables: Arc::clone(&tables),
            watchlists: self.watchlists.of(workspace),
            documents: Documents::new(self.fetching.clone(), &question),
        };
        let planning = Arc::new(Planning {
            workspace: workspace.clone(),
            question,
            state: Arc::clone(&state),
            catalog,
            language: self.kql.clone(),
            now,
        });
        // A panic comes again on the other thread, and ends no more than the question there.
        let at_once = catch_unwind(AssertUnwindSafe(|| planning.at_once()));
        let at_once = at_once.unwrap_or(None);
        let takes_long = at_once.is_none();
        let planned = match at_once {
            Some(planned) => planned?,
            None => {
                let runtime = self.threads.handle();
                let blocking = spawn_blocking(move || planning.with_parts(runtime, deadline));
                blocking.await.map_err(|error| lost(&error))??
            }
        };
        let results = planned.into_iter().map(|result| {
            let columns = result.columns.into_iter();
            let columns = columns.map(|(name, kind)| ResultColumn { name, kind });
            let about = About {
                name: result.name,
                columns: Some(columns.collect()),
                render: result.render,
                notes: result.warnings,
                ..About::default()
            };
            (result.plan, about)
        });
        Ok(Results {
            state,
            tables,
            plans: results.collect(),
            takes_long,
        })
    }

    async fn plan(
        &self,
        workspace: &Workspace,
        question: &Question,
    ) -> Result<(SessionState, Arc<Tables>, LogicalPlan), QueryError> {
        guard::check_text(&question.text)?;
        let (state, tables) = self.session(workspace, question.span)?;
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
        Ok((state, tables, plan))
    }

    fn session(
        &self,
        workspace: &Workspace,
        span: Option<Span>,
    ) -> Result<(SessionState, Arc<Tables>), QueryError> {
        let now = self.now(span);
        let store = Arc::clone(&self.store);
        let tables = Arc::new(Tables::new(store, workspace.clone(), span));
        let catalog = MemoryCatalogProvider::new();
        let schema: Arc<dyn SchemaProvider> = Arc::<Tables>::clone(&tables);
        catalog.register_schema(workspace.as_str(), schema)?;
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
        properties.mark_start_execution(Arc::clone(self.template.config_options()));
        properties.query_execution_start_time =
            DateTime::<Utc>::from_timestamp_micros(now.as_micros());
        Ok((state, tables))
    }

    /// What `now()` gives: the end of the span, so that a question can be asked of the past.
    fn now(&self, span: Option<Span>) -> Timestamp {
        span.map_or_else(|| self.clock.now(), |span| span.end)
    }
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false);
    // Azure's names are in mixed case, and `select ApiId` means what it says.
    config.options_mut().sql_parser.enable_ident_normalization = false;
    config.options_mut().execution.time_zone = Some("UTC".to_owned());
    // A third pass of all rules gives common expressions new names, and else what the second gave.
    config.options_mut().optimizer.max_passes = 2;
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
