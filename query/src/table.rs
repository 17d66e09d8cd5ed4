//! An event table as DataFusion sees it: published segments and recent rows, at one moment.

mod guids;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::union::UnionExec;
use datafusion::scalar::ScalarValue;
use store::schema::TIME_COLUMN;
use store::{Segment, Table, TableSnapshot, Timestamp};

use guids::GuidAdapterFactory;

/// A table at one moment.
#[derive(Debug)]
pub(crate) struct EventTable {
    table: Table,
    schema: SchemaRef,
    snapshot: TableSnapshot,
}

impl EventTable {
    pub(crate) fn new(table: Table, snapshot: TableSnapshot) -> Self {
        Self {
            table,
            schema: table.arrow_schema(),
            snapshot,
        }
    }

    fn segments_plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let bounds = TimeBounds::of(filters);
        let wanted = self
            .snapshot
            .segments
            .iter()
            .filter(|segment| bounds.overlap(segment));
        let files: Vec<PartitionedFile> = wanted.map(file).collect();
        if files.is_empty() {
            return Ok(None);
        }
        let options = Arc::new(state.config_options().clone());
        let source = ParquetSource::new(Arc::clone(&self.schema)).with_pushdown_filters(true);
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
                .with_file_groups(spread(files, state.config().target_partitions()))
                .with_statistics(Statistics::new_unknown(&self.schema))
                .with_expr_adapter(Some(Arc::new(GuidAdapterFactory::new(options))))
                .with_projection_indices(projection.cloned())?
                .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }

    fn recent_plan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if self.snapshot.recent.is_empty() {
            return Ok(None);
        }
        let partitions = state
            .config()
            .target_partitions()
            .clamp(1, self.snapshot.recent.len());
        let mut groups = vec![Vec::new(); partitions];
        for (place, rows) in self.snapshot.recent.iter().enumerate() {
            if let Some(group) = groups.get_mut(place % partitions) {
                group.push(rows.clone());
            }
        }
        let rows = MemorySourceConfig::try_new_exec(
            &groups,
            self.table.batch_schema(),
            projection.cloned(),
        )?;
        Ok(Some(plain(rows)?))
    }
}

/// Takes text out of the dictionaries that batches keep it in, as it is read.
fn plain(rows: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = rows.schema();
    let fields = schema.fields().iter().enumerate();
    let columns = fields.map(|(place, field)| {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), place));
        let expr = match field.data_type() {
            DataType::Dictionary(_, value) => {
                Arc::new(CastExpr::new(column, value.as_ref().clone(), None))
            }
            _ => column,
        };
        let alias = field.name().clone();
        ProjectionExpr { expr, alias }
    });
    let columns: Vec<ProjectionExpr> = columns.collect();
    Ok(Arc::new(ProjectionExec::try_new(columns, rows)?))
}

#[async_trait]
impl TableProvider for EventTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let segments = self.segments_plan(state, projection, filters)?;
        let recent = self.recent_plan(state, projection)?;
        match (segments, recent) {
            (Some(segments), Some(recent)) => UnionExec::try_new(vec![segments, recent]),
            (Some(only), None) | (None, Some(only)) => Ok(only),
            (None, None) => {
                let schema = datafusion::common::project_schema(&self.schema, projection)?;
                Ok(Arc::new(EmptyExec::new(schema)))
            }
        }
    }
}

fn file(segment: &Arc<Segment>) -> PartitionedFile {
    PartitionedFile::new(segment.path.to_string_lossy().into_owned(), segment.bytes)
}

/// Deals files out to groups that are read side by side.
fn spread(files: Vec<PartitionedFile>, groups_max: usize) -> Vec<FileGroup> {
    let groups = groups_max.clamp(1, files.len());
    let mut spread = vec![Vec::new(); groups];
    for (place, file) in files.into_iter().enumerate() {
        if let Some(group) = spread.get_mut(place % groups) {
            group.push(file);
        }
    }
    spread.into_iter().map(FileGroup::new).collect()
}

/// What a query's filters say of the event time; wider than they are, never narrower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TimeBounds {
    min: Timestamp,
    max: Timestamp,
}

impl TimeBounds {
    fn of(filters: &[Expr]) -> Self {
        let mut bounds = Self {
            min: Timestamp::from_micros(i64::MIN),
            max: Timestamp::from_micros(i64::MAX),
        };
        for filter in filters {
            bounds.narrow(filter);
        }
        bounds
    }

    fn narrow(&mut self, filter: &Expr) {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
            return;
        };
        if *op == Operator::And {
            self.narrow(left);
            self.narrow(right);
            return;
        }
        let (operator, instant) = match (time_literal(left), time_literal(right)) {
            (None, Some(instant)) if is_time_column(left) => (*op, instant),
            (Some(instant), None) if is_time_column(right) => match op.swap() {
                Some(swapped) => (swapped, instant),
                None => return,
            },
            _ => return,
        };
        match operator {
            Operator::Gt | Operator::GtEq => self.min = self.min.max(instant),
            Operator::Lt | Operator::LtEq => self.max = self.max.min(instant),
            Operator::Eq => {
                self.min = self.min.max(instant);
                self.max = self.max.min(instant);
            }
            _ => {}
        }
    }

    fn overlap(&self, segment: &Segment) -> bool {
        segment.time_min <= self.max && segment.time_max >= self.min
    }
}

fn is_time_column(expression: &Expr) -> bool {
    matches!(expression, Expr::Column(column) if column.name == TIME_COLUMN)
}

fn time_literal(expression: &Expr) -> Option<Timestamp> {
    match expression {
        Expr::Literal(ScalarValue::TimestampMicrosecond(Some(micros), _), _) => {
            Some(Timestamp::from_micros(*micros))
        }
        Expr::Literal(ScalarValue::TimestampNanosecond(Some(nanos), _), _) => {
            Some(Timestamp::from_micros(nanos.div_euclid(1_000)))
        }
        _ => None,
    }
}
