//! Rows of `externaldata`: documents that are fetched when a plan runs, and read as it goes on. Planning fetches nothing.

mod document;
mod json;
mod mapping;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use kql_syntax::ast::Type;

use crate::arrays::{arrow_type, microseconds};
use crate::catalog::unqualified;

pub(crate) use document::{FORMATS, Format};
pub(crate) use mapping::{Cell, cells};

/// What stands at an address of `externaldata`.
#[async_trait]
pub trait Document: fmt::Debug + Send + Sync {
    /// All of it, decompressed. Asked for each time that a plan reads it.
    async fn bytes(&self) -> Result<Bytes>;
}

/// A document, and how it is written.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) document: Arc<dyn Document>,
    pub(crate) format: Format,
}

/// How documents become rows.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Names and types of the columns.
    pub(crate) columns: Vec<(String, Type)>,
    /// Where each column's values stand in a record.
    pub(crate) cells: Vec<Cell>,
    pub(crate) skips_first: bool,
}

/// The rows of documents, one document behind the other.
pub(crate) fn plan(documents: Vec<Written>, reading: Reading) -> Result<LogicalPlan> {
    let fields = reading.columns.iter();
    let fields = fields.map(|(name, ty)| Field::new(name, column_type(*ty), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let rows = Rows {
        documents,
        reading: Arc::new(reading),
        schema: Arc::clone(&schema),
    };
    let table = StreamingTable::try_new(schema, vec![Arc::new(rows)])?;
    let plan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::new(table)), None)?;
    unqualified(plan.build()?)
}

/// Datetimes are kept as tables keep them: lists say 9999 where something never ends.
fn column_type(ty: Type) -> DataType {
    match ty {
        Type::DateTime => microseconds(),
        ty => arrow_type(ty),
    }
}

#[derive(Debug)]
struct Rows {
    documents: Vec<Written>,
    reading: Arc<Reading>,
    schema: SchemaRef,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (reading, schema) = (Arc::clone(&self.reading), Arc::clone(&self.schema));
        let batches = stream::iter(self.documents.clone())
            .then(move |written| {
                let (reading, schema) = (Arc::clone(&reading), Arc::clone(&schema));
                async move {
                    let bytes = written.document.bytes().await?;
                    let batches = document::Batches::new(bytes, written.format, reading, schema);
                    Ok::<_, datafusion::error::DataFusionError>(stream::iter(batches))
                }
            })
            .try_flatten();
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }
}
