//! What tells the kinds of resource logs from each other, and where their members go.
//!
//! Members that are spelled like a column, in any casing, need no word here.

use std::borrow::Cow;

use store::Table;

/// A kind of resource log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Log {
    /// Any that is of no other kind.
    Diagnostics,
}

/// How the logs of a kind become rows.
#[derive(Debug)]
pub(super) struct Spec {
    /// Where they go.
    pub(super) table: Table,
    /// Their category, which the table tells; empty where there are many.
    pub(super) category: &'static str,
    /// Members of the record, and the column that each fills.
    pub(super) record: &'static [(&'static str, &'static str)],
    /// Members of `properties`, and the column that each fills.
    pub(super) properties: &'static [(&'static str, &'static str)],
    /// Whether `properties` stays in one piece.
    pub(super) keeps_properties: bool,
    /// Whether the parts of a resource id are in upper case, as Log Analytics has them there.
    pub(super) is_upper: bool,
}

impl Spec {
    /// The part of a resource id as the table has it.
    pub(super) fn cased<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.is_upper {
            Cow::Owned(text.to_ascii_uppercase())
        } else {
            text
        }
    }
}

impl Log {
    /// Every kind.
    const ALL: [Self; 1] = [Self::Diagnostics];

    /// The kind whose rows are in `table`.
    pub(crate) fn of_table(table: Table) -> Option<Self> {
        Self::ALL.into_iter().find(|log| log.spec().table == table)
    }

    pub(super) fn spec(self) -> &'static Spec {
        match self {
            Self::Diagnostics => &DIAGNOSTICS,
        }
    }
}

const DIAGNOSTICS: Spec = Spec {
    table: Table::AzureDiagnostics,
    category: "",
    record: &[],
    properties: &[],
    keeps_properties: true,
    is_upper: true,
};
