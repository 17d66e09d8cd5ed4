//! The parts of the language that are the same for all queries: made once, shared.

use std::sync::Arc;

use kql_values::aggregate::Aggregates;
use kql_values::function::Functions;
use kql_values::rows::{TableFunction, table_functions};

/// Functions, aggregates and plugins.
#[derive(Clone, Debug)]
pub struct Language {
    pub(crate) functions: Arc<Functions>,
    pub(crate) aggregates: Arc<Aggregates>,
    pub(crate) plugins: Arc<[TableFunction]>,
}

impl Default for Language {
    fn default() -> Self {
        Self {
            functions: Arc::new(Functions::new()),
            aggregates: Arc::new(Aggregates::new()),
            plugins: table_functions().into(),
        }
    }
}

impl Language {
    /// Names of all functions and aggregates, for completion.
    pub fn function_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.functions.names().collect();
        names.extend(self.aggregates.names());
        names.extend(crate::aggregates::NATIVE.map(|(name, ..)| name));
        names.extend(crate::bind::SPECIAL);
        names.sort_unstable();
        names.dedup();
        names
    }
}
