//! Texts with a structure of their own: URLs, paths, versions, XML, CSV, command lines, user agents.

mod command_line;
mod csv;
mod path;
mod url;
mod user_agent;
mod version;
mod xml;

use crate::function::ScalarFunction;
use crate::value::Dynamic;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    [
        command_line::functions(),
        csv::functions(),
        path::functions(),
        url::functions(),
        user_agent::functions(),
        version::functions(),
        xml::functions(),
    ]
    .concat()
}

/// A bag of texts.
fn bag<const N: usize>(slots: [(&str, &str); N]) -> Dynamic {
    let slots = slots.into_iter();
    Dynamic::Object(
        slots
            .map(|(key, text)| (key.to_owned(), text.into()))
            .collect(),
    )
}
