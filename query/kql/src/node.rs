//! Rows that pass through a function as a whole: plugins, `scan`, sessions.
//!
//! The node gathers all rows of its input in one place, within the memory of the query, puts them in order if they
//! have one, and gives what the function makes of them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::{
    SortColumn, SortOptions, cast, concat_batches, lexsort_to_indices, take_record_batch,
};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, DFSchemaRef, exec_datafusion_err, internal_err};
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, PhysicalExpr, PlanProperties,
};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use futures::{StreamExt as _, TryStreamExt as _};
use kql_syntax::ast::Type;
use kql_values::function::Failure;
use kql_values::rows::Rows;

use crate::arrays::{Reader, arrow_type, build};

/// What is done to the rows.
pub(crate) type Run = Arc<dyn Fn(Rows) -> Result<Rows, Failure> + Send + Sync>;

/// Rows and the memory that they take, once they are there.
type Kept = Arc<Mutex<Option<(RecordBatch, MemoryReservation)>>>;

/// What a node does with its rows.
#[derive(Clone)]
enum Work {
    /// Passes them through a function.
    Run(Run),
    /// Keeps those that come first, for every node that shares the place.
    Keep(Kept),
}

impl Work {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Run(one), Self::Run(other)) => Arc::ptr_eq(one, other),
            (Self::Keep(one), Self::Keep(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Rows as single values take several times what arrays take.
    fn bytes_per_byte(&self) -> usize {
        match self {
            Self::Run(_) => 6,
            Self::Keep(_) => 2,
        }
    }
}

/// A key that orders the rows: the place of its column, ascending, nulls first.
pub(crate) type Key = (usize, bool, bool);

/// A function over all rows, as a part of a plan.
#[derive(Clone)]
pub(crate) struct RowsNode {
    pub(crate) name: String,
    pub(crate) input: LogicalPlan,
    pub(crate) input_types: Vec<Type>,
    pub(crate) order: Vec<Key>,
    pub(crate) output: Vec<(String, Type)>,
    work: Work,
    schema: DFSchemaRef,
}

impl RowsNode {
    /// The plan of a function over the rows of another plan.
    pub(crate) fn plan(
        name: &str,
        input: (LogicalPlan, Vec<Type>),
        order: Vec<Key>,
        output: Vec<(String, Type)>,
        run: Run,
    ) -> Result<LogicalPlan> {
        let schema = Arc::new(DFSchema::try_from(arrow_schema(&output))?);
        Ok(Self {
            name: name.to_owned(),
            input: input.0,
            input_types: input.1,
            order,
            output,
            work: Work::Run(run),
            schema,
        }
        .extension())
    }

    /// The plan of rows that are kept once they are there.
    pub(crate) fn keeping(
        name: &str,
        input: LogicalPlan,
        order: Vec<Key>,
        columns: Vec<(String, Type)>,
    ) -> Result<LogicalPlan> {
        let schema = Arc::new(DFSchema::try_from(arrow_schema(&columns))?);
        Ok(Self {
            name: name.to_owned(),
            input,
            input_types: columns.iter().map(|(_, ty)| *ty).collect(),
            order,
            output: columns,
            work: Work::Keep(Kept::default()),
            schema,
        }
        .extension())
    }

    fn extension(self) -> LogicalPlan {
        let node = Arc::new(self);
        LogicalPlan::Extension(Extension { node })
    }
}

fn arrow_schema(columns: &[(String, Type)]) -> Schema {
    let field = |(name, ty): &(String, Type)| Field::new(name, arrow_type(*ty), true);
    Schema::new(columns.iter().map(field).collect::<Vec<_>>())
}

impl fmt::Debug for RowsNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}({:?})", self.name, self.output)
    }
}

// Two nodes are the same if they share the function: it holds all that they do.
impl PartialEq for RowsNode {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.input == other.input && self.work.is_same(&other.work)
    }
}

impl Eq for RowsNode {}

impl Hash for RowsNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.input.hash(state);
    }
}

impl PartialOrd for RowsNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.name.partial_cmp(&other.name)
    }
}

impl UserDefinedLogicalNodeCore for RowsNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rows: {}", self.name)
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let Some(input) = inputs.into_iter().next() else {
            return internal_err!("{} without input", self.name);
        };
        Ok(Self {
            input,
            ..self.clone()
        })
    }

    /// The function reads columns by their place: all of them.
    fn necessary_children_exprs(&self, _output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![(0..self.input.schema().fields().len()).collect()])
    }
}

/// Plans [`RowsNode`] and everything that DataFusion plans.
#[derive(Debug, Default)]
pub struct TableFunctionPlanner;

/// The planner that a session needs to run plans of this crate.
pub fn query_planner() -> Arc<dyn QueryPlanner + Send + Sync> {
    Arc::new(TableFunctionPlanner)
}

#[async_trait::async_trait]
impl QueryPlanner for TableFunctionPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Self)]);
        planner.create_physical_plan(plan, session).await
    }
}

#[async_trait::async_trait]
impl ExtensionPlanner for TableFunctionPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<RowsNode>() else {
            return Ok(None);
        };
        let Some(input) = inputs.first() else {
            return internal_err!("{} without input", node.name);
        };
        Ok(Some(Arc::new(RowsExec::new(
            node.clone(),
            Arc::clone(input),
        ))))
    }
}

#[derive(Debug)]
struct RowsExec {
    node: RowsNode,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl RowsExec {
    fn new(node: RowsNode, input: Arc<dyn ExecutionPlan>) -> Self {
        let schema = Arc::new(arrow_schema(&node.output));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            node,
            input,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for RowsExec {
    fn fmt_as(&self, _kind: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RowsExec: {}", self.node.name)
    }
}

impl ExecutionPlan for RowsExec {
    fn name(&self) -> &'static str {
        "RowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.into_iter().next() else {
            return internal_err!("{} without input", self.node.name);
        };
        Ok(Arc::new(Self::new(self.node.clone(), input)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let node = self.node.clone();
        let schema = Arc::new(arrow_schema(&node.output));
        let result_schema = Arc::clone(&schema);
        let computed = async move {
            if let Work::Keep(place) = &node.work
                && let Some(batch) = kept(place, None)
            {
                return Ok(batch);
            }
            let (batch, memory) = gather(input, &node, &context).await?;
            let batch = ordered(&batch, &node.order)?;
            match &node.work {
                Work::Keep(place) => {
                    let batch = brought(&batch, &result_schema)?;
                    Ok(kept(place, Some((batch.clone(), memory))).unwrap_or(batch))
                }
                Work::Run(run) => {
                    let rows = run(to_rows(&batch, &node.input_types)?);
                    let rows =
                        rows.map_err(|failure| exec_datafusion_err!("{}: {failure}", node.name))?;
                    to_batch(&rows, &result_schema)
                }
            }
        };
        let stream = futures::stream::once(computed).boxed();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

/// The rows that are kept at a place: those that came first.
fn kept(place: &Kept, rows: Option<(RecordBatch, MemoryReservation)>) -> Option<RecordBatch> {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    if place.is_none() {
        *place = rows;
    }
    place.as_ref().map(|(batch, _)| batch.clone())
}

/// All rows of a stream, counted against the memory of the query.
async fn gather(
    mut input: SendableRecordBatchStream,
    node: &RowsNode,
    context: &TaskContext,
) -> Result<(RecordBatch, MemoryReservation)> {
    let memory = MemoryConsumer::new(&node.name).register(context.memory_pool());
    let schema = input.schema();
    let mut batches = Vec::new();
    while let Some(batch) = input.try_next().await? {
        // Of a slice only what it holds: a batch of many slices would count as often as there are.
        let mut bytes = 0_usize;
        for column in batch.columns() {
            bytes = bytes.saturating_add(column.to_data().get_slice_memory_size()?);
        }
        memory.try_grow(bytes.saturating_mul(node.work.bytes_per_byte()))?;
        batches.push(batch);
    }
    Ok((concat_batches(&schema, &batches)?, memory))
}

fn ordered(batch: &RecordBatch, order: &[Key]) -> Result<RecordBatch> {
    if order.is_empty() || batch.num_rows() == 0 {
        return Ok(batch.clone());
    }
    let columns: Vec<_> = order
        .iter()
        .map(|(place, ascending, nulls_first)| SortColumn {
            values: Arc::clone(batch.column(*place)),
            options: Some(SortOptions {
                descending: !ascending,
                nulls_first: *nulls_first,
            }),
        })
        .collect();
    let indices = lexsort_to_indices(&columns, None)?;
    Ok(take_record_batch(batch, &indices)?)
}

/// A batch with the types of a schema, whose columns stand in the same order.
fn brought(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns
        .map(|(column, field)| Ok(cast(column, field.data_type())?))
        .collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

/// A batch as single values.
pub(crate) fn to_rows(batch: &RecordBatch, types: &[Type]) -> Result<Rows> {
    let readers = batch
        .columns()
        .iter()
        .zip(types)
        .map(|(array, ty)| Reader::new(array, *ty))
        .collect::<Result<Vec<_>>>()?;
    let names = batch
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.name().clone());
    let rows = (0..batch.num_rows())
        .map(|row| readers.iter().map(|reader| reader.value(row)).collect())
        .collect();
    Ok(Rows {
        columns: names.zip(types.iter().copied()).collect(),
        rows,
    })
}

fn to_batch(rows: &Rows, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(place, field)| {
            let cells: Vec<_> = rows
                .rows
                .iter()
                .map(|row| row.get(place).cloned().unwrap_or(kql_values::Value::Null))
                .collect();
            build(&cells, field.data_type())
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.rows.len()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}
