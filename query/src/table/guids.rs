//! Reads GUIDs, which segments keep as 16 octets, as the text that the tables' schema promises.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::cast::as_fixed_size_binary_array;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};

/// 16 octets to a GUID's text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct GuidText {
    signature: Signature,
}

impl ScalarUDFImpl for GuidText {
    fn name(&self) -> &'static str {
        "guid_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&call.args)?;
        let octets = arrays
            .first()
            .map(|array| as_fixed_size_binary_array(array));
        let octets = octets.transpose()?.ok_or_else(|| {
            datafusion::error::DataFusionError::Internal("guid_text needs an argument".to_owned())
        })?;
        Ok(ColumnarValue::Array(Arc::new(store::guid_text(octets)?)))
    }
}

/// Makes the adapters of files.
#[derive(Debug)]
pub(super) struct GuidAdapterFactory {
    text: Arc<ScalarUDF>,
    config: Arc<ConfigOptions>,
}

impl GuidAdapterFactory {
    pub(super) fn new(config: Arc<ConfigOptions>) -> Self {
        let octets = vec![DataType::FixedSizeBinary(16)];
        let signature = Signature::exact(octets, Volatility::Immutable);
        Self {
            text: Arc::new(ScalarUDF::from(GuidText { signature })),
            config,
        }
    }
}

impl PhysicalExprAdapterFactory for GuidAdapterFactory {
    fn create(
        &self,
        logical_file_schema: SchemaRef,
        physical_file_schema: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        // To the adapter of everything else the column is the text that it becomes.
        let fields = physical_file_schema.fields().iter().map(|field| {
            if is_guid(field) {
                Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8))
            } else {
                Arc::clone(field)
            }
        });
        let as_text = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Arc::new(GuidAdapter {
            others: DefaultPhysicalExprAdapterFactory.create(logical_file_schema, as_text)?,
            physical_file_schema,
            text: Arc::clone(&self.text),
            config: Arc::clone(&self.config),
        }))
    }
}

#[derive(Debug)]
struct GuidAdapter {
    others: Arc<dyn PhysicalExprAdapter>,
    physical_file_schema: SchemaRef,
    text: Arc<ScalarUDF>,
    config: Arc<ConfigOptions>,
}

impl PhysicalExprAdapter for GuidAdapter {
    fn rewrite(&self, expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let expression = self.others.rewrite(expression)?;
        let rewritten = expression.transform(|node| {
            let Some(column) = node.downcast_ref::<Column>() else {
                return Ok(Transformed::no(node));
            };
            let field = self.physical_file_schema.fields().get(column.index());
            let Some(field) = field.filter(|field| is_guid(field)) else {
                return Ok(Transformed::no(node));
            };
            let text = Field::new(field.name(), DataType::Utf8, true);
            let call = ScalarFunctionExpr::new(
                self.text.name(),
                Arc::clone(&self.text),
                vec![node],
                Arc::new(text),
                Arc::clone(&self.config),
            );
            Ok(Transformed::new(
                Arc::new(call) as Arc<dyn PhysicalExpr>,
                true,
                datafusion::common::tree_node::TreeNodeRecursion::Jump,
            ))
        });
        rewritten.map(|rewritten| rewritten.data)
    }
}

fn is_guid(field: &Field) -> bool {
    *field.data_type() == DataType::FixedSizeBinary(16)
}
