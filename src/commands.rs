//! What the command line does, one module each.

pub(crate) mod check;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod lake;
pub(crate) mod mapping;
pub(crate) mod quarantine;
pub(crate) mod query;
pub(crate) mod serve;
pub(crate) mod watchlist;
