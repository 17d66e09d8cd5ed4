//! Bytes from outside to typed rows: bounded, decoded, normalized, never failing as a whole.
//!
//! A body goes through [`bounded`] (decompression), then through [`decode()`], which finds the records
//! in it, tells their kind and writes them into Arrow columns of the event tables. What cannot be
//! read becomes a row of `_Quarantine`; nothing is dropped, and no input makes this crate panic.
//! It knows nothing of HTTP, configuration, disks or clocks.

mod activity;
pub mod bounded;
mod bulk;
mod carrier;
mod columns;
mod csv;
mod decode;
mod envelope;
mod flow;
#[cfg(test)]
pub mod fuzz;
#[cfg(all(feature = "fuzz", not(test)))]
pub mod fuzz;
mod gateway;
mod json;
mod kind;
mod limits;
mod log;
pub mod mapping;
mod names;
mod otlp;
mod part;
mod quarantine;
mod refused;
mod repair;
mod row;
mod scan;
pub mod split;
mod time;

pub use bounded::{BoundError, Encoding, decompress};
pub use bulk::{Action, BulkItem, Outcome, decode_bulk};
pub use decode::{Context, DecodeError, Decoded, decode, decode_as};
pub use limits::Limits;
pub use mapping::Mappings;
pub use otlp::{OtlpEncoding, decode_otlp};
pub use part::decode_part;
pub use quarantine::{Kept, ReasonClass};
