//! IPv4 and IPv6 addresses and networks.

use crate::function::ScalarFunction;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let table: [Option<ScalarFunction>; 0] = [];
    table.into_iter().flatten().collect()
}
