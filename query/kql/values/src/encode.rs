//! Encodings, hashes and compression.

mod base64;
mod compression;
mod hash;
mod punycode;
mod size;
mod url;

use crate::function::{Context, Failure, ScalarFunction};

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    [
        base64::functions(),
        compression::functions(),
        hash::functions(),
        punycode::functions(),
        size::functions(),
        url::functions(),
    ]
    .concat()
}

/// Refuses what would be longer than a result may be.
fn bound(context: &Context, length: usize) -> Result<(), Failure> {
    if length <= context.length_max {
        return Ok(());
    }
    Err(Failure(format!(
        "a text would get longer than {} bytes: cut what goes in",
        context.length_max
    )))
}
