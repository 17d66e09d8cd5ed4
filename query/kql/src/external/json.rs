//! Elements of JSON: objects one behind the other, or in an array, whichever the document has.

use bytes::Bytes;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use kql_values::Dynamic;
use serde::Deserialize as _;

/// Reads one element at a time, so that a long document never is a tree as a whole.
pub(super) struct Elements {
    bytes: Bytes,
    at: usize,
    is_in_array: bool,
}

impl Elements {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            at: 0,
            is_in_array: false,
        }
    }

    /// The next element with its length.
    pub(super) fn next(&mut self) -> Result<Option<(Dynamic, usize)>> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            match rest.first() {
                None if self.is_in_array => return Err(self.wrong("its array is not closed")),
                None => return Ok(None),
                Some(b' ' | b'\t' | b'\r' | b'\n' | b',') => self.at += 1,
                Some(b'[') if !self.is_in_array => {
                    self.is_in_array = true;
                    self.at += 1;
                }
                Some(b']') if self.is_in_array => {
                    self.is_in_array = false;
                    self.at += 1;
                }
                Some(_) => {
                    let mut reader = serde_json::Deserializer::from_slice(rest);
                    let element = Dynamic::deserialize(&mut reader);
                    let length = reader.into_iter::<Dynamic>().byte_offset();
                    let element = element.map_err(|error| self.wrong(&error.to_string()))?;
                    self.at += length;
                    return Ok(Some((element, length)));
                }
            }
        }
    }

    fn wrong(&self, reason: &str) -> datafusion::error::DataFusionError {
        exec_datafusion_err!(
            "externaldata: what stands from byte {} on is no JSON: {reason}",
            self.at
        )
    }
}
