//! Series: arrays of numbers, element by element, as filters and as statistics.

use crate::function::ScalarFunction;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let table: [Option<ScalarFunction>; 0] = [];
    table.into_iter().flatten().collect()
}
