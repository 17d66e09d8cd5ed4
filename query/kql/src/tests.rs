//! Queries over tables in memory: what they give, and what is wrong with them.

mod answers;
mod forms;
mod groups;
mod refusals;

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::collect;
use tokio::runtime::{Builder, Runtime};

use crate::arrays::Reader;
use crate::{Catalog, Document, Environment, Evaluate, KqlError, Language, Planned, Source, plan};

/// The one table that there is.
const CALLS: &str =
    "datatable(Time: datetime, Caller: string, ResultType: string, Bytes: long, Details: dynamic)[
    datetime(2026-01-01), 'ann', '0', 10, dynamic({'user': {'name': 'Ann', 'tags': ['a', 'b']}}),
    datetime(2026-01-02), 'bob', '50126', 20, dynamic({'user': {'name': 'Bob'}})]";

#[derive(Debug)]
struct Tables {
    state: SessionState,
    runtime: Runtime,
    language: Language,
}

impl Tables {
    fn new() -> Self {
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_query_planner(crate::query_planner())
            .build();
        Self {
            state,
            runtime: Builder::new_current_thread().build().unwrap(),
            language: Language::default(),
        }
    }

    fn plan(&self, text: &str) -> Result<Vec<Planned>, KqlError> {
        let environment = Environment {
            catalog: self,
            evaluate: self,
            language: &self.language,
            now: 0,
            database: "default",
            parameters: &[],
        };
        plan(text, &environment)
    }

    /// The rows of the only result.
    fn answer(&self, text: &str) -> (Planned, Vec<RecordBatch>) {
        let mut planned = self.plan(text).unwrap();
        assert_eq!(planned.len(), 1, "{text}");
        let planned = planned.remove(0);
        let rows = self.rows(planned.plan.clone(), usize::MAX).unwrap();
        (planned, rows)
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

impl Catalog for Tables {
    fn table(&self, name: &str) -> Result<Option<Source>> {
        if name != "Calls" {
            return Ok(None);
        }
        let planned = self.plan(CALLS).unwrap().remove(0);
        Ok(Some(Source {
            plan: planned.plan,
            columns: planned.columns,
            is_open: false,
        }))
    }

    fn tables(&self) -> Vec<String> {
        vec!["Calls".to_owned()]
    }

    fn tables_with(&self, column: &str) -> Vec<String> {
        let calls = self.table("Calls").unwrap().unwrap();
        let has = calls.columns.iter().any(|(name, _)| name == column);
        has.then(|| "Calls".to_owned()).into_iter().collect()
    }

    fn function(&self, _name: &str) -> Option<String> {
        None
    }

    fn functions(&self) -> Vec<String> {
        Vec::new()
    }

    fn watchlist(&self, _alias: &str) -> Result<Option<Source>> {
        let planned = self.plan("datatable(SearchKey: string)[]").unwrap();
        Ok(planned.into_iter().next().map(|planned| Source {
            plan: planned.plan,
            columns: planned.columns,
            is_open: true,
        }))
    }

    fn external(&self, uri: &str) -> Result<Arc<dyn Document>, String> {
        Err(format!("{uri} is not read"))
    }
}

impl Evaluate for Tables {
    fn rows(&self, plan: LogicalPlan, rows_max: usize) -> Result<Vec<RecordBatch>> {
        let batches = self.wait(async {
            let plan = self.state.create_physical_plan(&plan).await?;
            collect(plan, self.state.task_ctx()).await
        })?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if rows > rows_max {
            let text = format!("more than {rows_max} rows");
            return Err(DataFusionError::ResourcesExhausted(text));
        }
        Ok(batches)
    }
}

/// A query gives these lines: names and types of the columns, then the rows.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let (planned, batches) = Tables::new().answer(text);
    let columns = planned.columns.iter();
    let header: Vec<_> = columns
        .map(|(name, ty)| format!("{name}:{}", ty.name()))
        .collect();
    let mut lines = vec![header.join(", ")];
    for batch in &batches {
        let readers: Vec<_> = planned
            .columns
            .iter()
            .zip(batch.columns())
            .map(|((_, ty), array)| Reader::new(array, *ty).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells = readers.iter().map(|reader| reader.value(row).to_text());
            lines.push(cells.collect::<Vec<_>>().join(", "));
        }
    }
    assert_eq!(lines, expected, "{text}");
}

/// A query has no plan, for this reason.
#[track_caller]
fn refuse(text: &str, expected: &str) {
    let reason = Tables::new().plan(text).unwrap_err();
    assert_eq!(reason.to_string(), expected, "{text}");
}
