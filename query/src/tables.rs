//! The tables of a workspace as one question sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{LogicalPlanBuilder, ident, lit};
use datafusion::scalar::ScalarValue;
use parking_lot::Mutex;
use store::schema::TIME_COLUMN;
use store::{Store, Table, Timestamp, Workspace};

use crate::engine::Span;
use crate::table::EventTable;

/// Each table as it was when the question first named it; those that it doesn't name cost nothing.
#[derive(Debug)]
pub(crate) struct Tables {
    store: Arc<Store>,
    workspace: Workspace,
    span: Option<Span>,
    seen: Mutex<BTreeMap<Table, Arc<dyn TableProvider>>>,
}

impl Tables {
    pub(crate) fn new(store: Arc<Store>, workspace: Workspace, span: Option<Span>) -> Self {
        Self {
            store,
            workspace,
            span,
            seen: Mutex::default(),
        }
    }

    /// Those that the question named, in its text or by way of views.
    pub(crate) fn named(&self) -> BTreeSet<Table> {
        self.seen.lock().keys().copied().collect()
    }

    pub(crate) fn get(&self, table: Table) -> Result<Arc<dyn TableProvider>> {
        let mut seen = self.seen.lock();
        if let Some(provider) = seen.get(&table) {
            return Ok(Arc::clone(provider));
        }
        let snapshot = self.store.snapshot(&self.workspace, table);
        let provider: Arc<dyn TableProvider> = Arc::new(EventTable::new(table, snapshot));
        let shown = match self.span {
            Some(span) => within(table, provider, span)?,
            None => provider,
        };
        seen.insert(table, Arc::clone(&shown));
        Ok(shown)
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        Table::ALL.map(|table| table.name().to_owned()).to_vec()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let table = Table::from_name(name);
        table.map(|table| self.get(table)).transpose()
    }

    fn table_exist(&self, name: &str) -> bool {
        Table::from_name(name).is_some()
    }
}

/// A table that shows only the rows of a span.
fn within(
    table: Table,
    provider: Arc<dyn TableProvider>,
    span: Span,
) -> Result<Arc<dyn TableProvider>> {
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
