//! Questions in KQL: what the binder asks of a session, and the plans of the results.

use std::cell::Cell;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, SchemaProvider as _, TableProvider};
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::optimizer::OptimizerRule as _;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::physical_plan::execute_stream;
use datafusion_functions_json::udfs::json_get_str_udf;
use futures::StreamExt as _;
use kql::{
    Catalog, Document, Environment, Evaluate, Language, Planned, Source, unqualified,
    unqualified_with,
};
use kql_values::Type;
use store::{ColumnType, Table, Timestamp, Workspace};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::engine::Question;
use crate::error::QueryError;
use crate::external::Documents;
use crate::tables::Tables;
use crate::threads::with_pauses;
use crate::views;
use crate::watchlist::WatchlistSet;

/// What a session shows to KQL.
#[derive(Debug)]
pub(crate) struct SessionCatalog {
    pub(crate) tables: Arc<Tables>,
    pub(crate) watchlists: WatchlistSet,
    pub(crate) documents: Documents,
}

impl Catalog for SessionCatalog {
    fn table(&self, name: &str) -> Result<Option<Source>> {
        let Some(table) = Table::from_name(name) else {
            return Ok(None);
        };
        let columns = table.columns().iter();
        let columns = columns.map(|column| (column.name.to_owned(), kusto_type(column.kind)));
        let mut columns: Vec<_> = columns.collect();
        let mut added = Vec::new();
        let has = |name: &str| columns.iter().any(|(column, _)| column == name);
        if has(ADDITIONAL) && !has(ITEM_ID) {
            let bag = Expr::Column(Column::new(Some(name), ADDITIONAL));
            let id = json_get_str_udf().call(vec![bag, lit(ITEM_ID)]);
            added.push(id.alias(ITEM_ID));
            columns.push((ITEM_ID.to_owned(), Type::String));
        }
        let plan = unqualified_with(scan(name, self.tables.get(table)?)?, added)?;
        Ok(Some(Source {
            plan,
            columns,
            is_open: false,
        }))
    }

    fn tables(&self) -> Vec<String> {
        self.tables.table_names()
    }

    fn tables_with(&self, column: &str) -> Vec<String> {
        let has = |table: &Table| {
            let mut columns = table.columns().iter();
            columns.any(|own| own.name == column || column == ITEM_ID && own.name == ADDITIONAL)
        };
        let tables = Table::ALL.into_iter().filter(has);
        tables.map(|table| table.name().to_owned()).collect()
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
        let plan = unqualified(scan("_GetWatchlist", Arc::new(table))?)?;
        Ok(Some(Source {
            plan,
            columns,
            is_open: self.watchlists.get(alias).is_none(),
        }))
    }

    fn external(&self, uri: &str) -> Result<Arc<dyn Document>, String> {
        self.documents.at(uri)
    }
}

fn scan(name: &str, provider: Arc<dyn TableProvider>) -> Result<LogicalPlan> {
    LogicalPlanBuilder::scan(name, provider_as_source(provider), None)?.build()
}

const ADDITIONAL: &str = "AdditionalFields";

/// What Log Analytics has in every table: rows that were exported from there keep it.
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
            let physical = with_pauses(self.state.create_physical_plan(&plan).await?)?;
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

/// What a question may ask for while others wait on its thread: no rows, and not all tables, whose plans take a second.
#[derive(Debug)]
struct AtOnce<'a> {
    catalog: &'a SessionCatalog,
    was_too_much: Cell<bool>,
}

impl Evaluate for AtOnce<'_> {
    fn rows(&self, _plan: LogicalPlan, _rows_max: usize) -> Result<Vec<RecordBatch>> {
        self.was_too_much.set(true);
        let text = "a part of the query has to be run first".to_owned();
        Err(DataFusionError::Execution(text))
    }
}

impl Catalog for AtOnce<'_> {
    fn table(&self, name: &str) -> Result<Option<Source>> {
        self.catalog.table(name)
    }

    fn tables(&self) -> Vec<String> {
        self.was_too_much.set(true);
        Vec::new()
    }

    fn tables_with(&self, column: &str) -> Vec<String> {
        self.catalog.tables_with(column)
    }

    fn function(&self, name: &str) -> Option<String> {
        self.catalog.function(name)
    }

    fn functions(&self) -> Vec<String> {
        self.catalog.functions()
    }

    fn watchlist(&self, alias: &str) -> Result<Option<Source>> {
        self.catalog.watchlist(alias)
    }

    fn external(&self, uri: &str) -> Result<Arc<dyn Document>, String> {
        self.catalog.external(uri)
    }
}

/// A question, and all that its plans are made from.
#[derive(Debug)]
pub(crate) struct Planning {
    pub(crate) workspace: Workspace,
    pub(crate) question: Question,
    pub(crate) state: Arc<SessionState>,
    pub(crate) catalog: SessionCatalog,
    pub(crate) language: Language,
    pub(crate) now: Timestamp,
}

impl Planning {
    /// The plans of the results; none if it may take long, or parts have to be run first, as for `toscalar`.
    pub(crate) fn at_once(&self) -> Option<Result<Vec<Planned>, QueryError>> {
        if is_long(&self.question.text) {
            return None;
        }
        let at_once = AtOnce {
            catalog: &self.catalog,
            was_too_much: Cell::new(false),
        };
        let planned = self.plans(&at_once, &at_once);
        (!at_once.was_too_much.get()).then_some(planned)
    }

    /// The same in all cases. Blocks.
    pub(crate) fn with_parts(
        &self,
        runtime: Handle,
        deadline: Instant,
    ) -> Result<Vec<Planned>, QueryError> {
        let parts = Parts {
            state: Arc::clone(&self.state),
            runtime,
            deadline,
        };
        self.plans(&self.catalog, &parts)
    }

    fn plans(
        &self,
        catalog: &dyn Catalog,
        evaluate: &dyn Evaluate,
    ) -> Result<Vec<Planned>, QueryError> {
        let environment = Environment {
            catalog,
            evaluate,
            language: &self.language,
            now: self.now.as_micros().saturating_mul(10),
            database: self.workspace.as_str(),
            parameters: &self.question.parameters,
        };
        let planned = kql::plan(&self.question.text, &environment)?.into_iter();
        let narrow = |result: Planned| {
            let plan = narrowed(result.plan, &self.state)?;
            Ok(Planned { plan, ..result })
        };
        let planned = planned.map(narrow).collect::<Result<_, QueryError>>()?;
        match self.catalog.documents.refusal() {
            Some(refusal) => Err(QueryError::Plan(refusal)),
            None => Ok(planned),
        }
    }
}

/// Whether planning may take so long that others must not wait for it: what is planned grows with the text. A rule of 50
/// lines is shorter.
pub(crate) fn is_long(text: &str) -> bool {
    const SHORT_BYTES_MAX: usize = 4096;
    text.len() > SHORT_BYTES_MAX
}

/// The plan without the columns that nothing reads. The engine does so too, after other rules have gone over all columns of
/// wide tables several times.
fn narrowed(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    Ok(OptimizeProjections::new().rewrite(plan, state)?.data)
}
