//! A workspace isolates data, rules, incidents and people.

use std::fmt;

/// Name of a workspace: lower-case letters, digits and `_`, 1 to 63 of them, a letter first.
///
/// It is a schema name in the lake, so its alphabet is what every SQL database takes unquoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workspace(String);

impl Workspace {
    /// Longest name.
    pub const LENGTH_MAX: usize = 63;

    /// A checked name; `None` if it is not one.
    pub fn new(name: &str) -> Option<Self> {
        let first_is_letter = name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase());
        let rest_is_plain = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        (first_is_letter && rest_is_plain && name.len() <= Self::LENGTH_MAX)
            .then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Workspace {
    /// The workspace that exists from the start.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for Workspace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
