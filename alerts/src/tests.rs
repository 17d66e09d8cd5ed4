//! The crate as a whole, on the real store, engine and database.

mod exactly_once;
mod outbox;
mod shipped_rules;
mod support;
