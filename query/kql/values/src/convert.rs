//! Conversions between the types, and the printed forms of each.

use crate::function::ScalarFunction;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let table: [Option<ScalarFunction>; 0] = [];
    table.into_iter().flatten().collect()
}
