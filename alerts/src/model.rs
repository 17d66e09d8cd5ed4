//! Words that rules, alerts and incidents share, with the names that Microsoft Sentinel gives them.

use std::collections::BTreeMap;
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Informational,
    /// Little at stake.
    Low,
    /// Something at stake.
    Medium,
    /// Act now.
    High,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 4] = [Self::Informational, Self::Low, Self::Medium, Self::High];

    /// Sentinel's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Informational => "Informational",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
        }
    }

    /// The severity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.name() == name)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Someone or something that a finding is about: `IP`, `Account`, `CloudApplication`, `AzureResource`, …
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entity {
    /// Sentinel's entity type.
    pub kind: String,
    /// Identifier and value, e.g. `Address` and `203.0.113.7`.
    pub fields: BTreeMap<String, String>,
}

impl fmt::Display for Entity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.kind)?;
        for (identifier, value) in &self.fields {
            write!(formatter, " {identifier}={value}")?;
        }
        Ok(())
    }
}

/// A table of result rows as text, for people to read: columns and, per row, one cell for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows of cells.
    pub rows: Vec<Vec<String>>,
}
