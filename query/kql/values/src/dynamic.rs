//! Arrays and property bags.

mod arrays;
mod bags;
mod element;
mod expand;
mod json;
mod pack;
mod path;
mod path_text;
mod range;
mod reorder;
mod sets;
mod sort;

use crate::function::ScalarFunction;
use crate::value::{Dynamic, Value};

pub use expand::expand;
pub use path::{Step, index, json_path, path, walk};
pub use path_text::{path_compact, path_text};

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    [
        arrays::functions(),
        bags::functions(),
        json::functions(),
        pack::functions(),
        range::functions(),
        reorder::functions(),
        sets::functions(),
        sort::functions(),
    ]
    .concat()
}

/// The elements of an array; none of anything else.
fn elements(value: &Value) -> Option<&[Dynamic]> {
    match value {
        Value::Dynamic(Dynamic::Array(items)) => Some(items),
        _ => None,
    }
}

/// A list, or null if there is none.
fn list_or_null<I: IntoIterator<Item = Dynamic>>(items: Option<I>) -> Value {
    items.map_or(Value::Null, Value::list)
}

#[cfg(test)]
mod tests;
