//! Scalar functions: a signature each, and a kernel over single values.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use regex::Regex;

use crate::signature::Signature;
use crate::value::Value;

/// A scalar function.
#[derive(Clone, Debug)]
pub struct ScalarFunction {
    /// What it takes and gives.
    pub signature: Signature,
    /// Computes one value. It gets as many arguments as the call has, brought to the types of the signature.
    pub kernel: Kernel,
    /// Whether two calls with the same arguments may differ (`rand`, `new_guid`).
    pub is_volatile: bool,
    /// Whether it sees nulls; if not, a null argument (of any type but `any` and `string`) gives null without a call.
    pub takes_nulls: bool,
}

/// Computes one value.
pub type Kernel = fn(&mut Context, &[Value]) -> Outcome;

/// What a kernel gives. What cannot be computed is null in KQL; an error ends the query and is for wrong constants
/// (a regular expression that cannot be read), `assert` and bounds. A function that [`crate::Returns::Several`]
/// gives a [`Value::Dynamic`] array with an element for each.
pub type Outcome = Result<Value, Failure>;

/// Why a query ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl Failure {
    /// With a text that says what is wrong and what would be right.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

/// What kernels share within one run: compiled expressions, the time that `now()` shows, bounds.
#[derive(Debug)]
pub struct Context {
    /// What `now()` gives, in ticks since 1970.
    pub now: i64,
    /// Longest text or array (elements) that a function may make.
    pub length_max: usize,
    regexes: HashMap<String, Regex>,
}

/// Longest regular expression, in bytes.
const PATTERN_BYTES_MAX: usize = 4_096;

/// Most expressions that are kept compiled; a pattern from a column may differ in each row.
const REGEXES_MAX: usize = 64;

impl Context {
    /// A fresh one for a query that is evaluated as of `now` (ticks).
    pub fn new(now: i64) -> Self {
        Self {
            now,
            length_max: 1 << 20,
            regexes: HashMap::new(),
        }
    }

    /// A regular expression in the syntax of the crate `regex` (RE2's, like Kusto's).
    pub fn regex(&mut self, pattern: &str) -> Result<&Regex, Failure> {
        if !self.regexes.contains_key(pattern) {
            if pattern.len() > PATTERN_BYTES_MAX {
                let text = format!("a regular expression is longer than {PATTERN_BYTES_MAX} bytes");
                return Err(Failure(text));
            }
            let compiled = regex::RegexBuilder::new(&crate::strings::plain_classes(pattern))
                .size_limit(4 << 20)
                .dfa_size_limit(4 << 20)
                .build()
                .map_err(|error| {
                    Failure(format!("regular expression '{pattern}' is wrong: {error}"))
                })?;
            if self.regexes.len() >= REGEXES_MAX {
                self.regexes.clear();
            }
            self.regexes.insert(pattern.to_owned(), compiled);
        }
        self.regexes
            .get(pattern)
            .ok_or_else(|| Failure::new("a regular expression is lost"))
    }
}

/// The functions of the language, by name.
#[derive(Debug, Default)]
pub struct Functions {
    scalar: BTreeMap<&'static str, ScalarFunction>,
}

impl Functions {
    /// All of them.
    pub fn new() -> Self {
        let mut functions = Self::default();
        for family in FAMILIES {
            for function in family() {
                functions.scalar.insert(function.signature.name, function);
            }
        }
        functions
    }

    /// A function by its exact name.
    pub fn scalar(&self, name: &str) -> Option<&ScalarFunction> {
        self.scalar.get(name)
    }

    /// All names that a query can write, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let names = self.scalar.keys().copied();
        names.filter(|name| !name.starts_with('\u{1}'))
    }
}

/// A family of functions: a module with a table.
pub(crate) type Family = fn() -> Vec<ScalarFunction>;

/// Each family is a module; add one here.
const FAMILIES: [Family; 12] = [
    crate::aggregates::scalar_functions,
    crate::convert::functions,
    crate::dynamic::functions,
    crate::encode::functions,
    crate::math::functions,
    crate::network::functions,
    crate::operators::functions,
    crate::parse::functions,
    crate::series::functions,
    crate::strings::functions,
    crate::time::functions,
    crate::units::functions,
];

/// A row of a family's table: null arguments give null.
pub(crate) fn function(signature: &'static str, kernel: Kernel) -> Option<ScalarFunction> {
    Some(ScalarFunction {
        signature: Signature::parse(signature)?,
        kernel,
        is_volatile: false,
        takes_nulls: false,
    })
}
