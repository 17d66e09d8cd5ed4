//! Protobuf as it is on the wire: fields, one after the other, without a copy and without a schema.
//!
//! A message of millions of empty parts takes two bytes for each, but hundreds once it is a tree. So there is no tree:
//! whoever reads goes from field to field and keeps what it wants.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// Integers, booleans and enumerations.
    Varint(u64),
    /// `fixed64` and `double`.
    Fixed64(u64),
    /// `fixed32` and `float`.
    Fixed32(u32),
    /// Strings, bytes and messages.
    Bytes(&'a [u8]),
}

/// Why a message can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Where, in bytes from the message's begin.
    pub(super) at: usize,
    pub(super) reason: &'static str,
}

/// Walks over the fields of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next field's number and value; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Broken> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let start = self.at;
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => {
                return Err(Broken {
                    at: start,
                    reason: "it is no protobuf: a field's wire type is unknown",
                });
            }
        };
        if tag >> 3 == 0 {
            return Err(Broken {
                at: start,
                reason: "it is no protobuf: a field's number is 0",
            });
        }
        Ok(Some((tag >> 3, value)))
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let start = self.at;
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.fixed()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Broken {
            at: start,
            reason: "it is no protobuf: a number does not end",
        })
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_never| self.short())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let end = self.at.saturating_add(length);
        let bytes = self.bytes.get(self.at..end).ok_or(self.short())?;
        self.at = end;
        Ok(bytes)
    }

    fn short(&self) -> Broken {
        Broken {
            at: self.at,
            reason: "it ends within a field",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let mut reader = Reader::new(bytes);
        let mut shown = Vec::new();
        loop {
            match reader.next() {
                Ok(Some((number, value))) => shown.push(format!("{number}={value:?}")),
                Ok(None) => break,
                Err(broken) => {
                    shown.push(format!("! {} at {}", broken.reason, broken.at));
                    break;
                }
            }
        }
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn fields_of_every_type() {
        check(
            &[
                0x08, 0x96, 0x01, 0x12, 0x01, b'a', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0,
            ],
            "1=Varint(150) 2=Bytes([97]) 3=Fixed32(1) 4=Fixed64(2)",
        );
    }

    #[test]
    fn what_is_cut_or_foreign_is_told() {
        check(&[0x12, 0x05, b'a'], "! it ends within a field at 2");
        check(&[0x08], "! it ends within a field at 1");
        check(
            b"{\"a\":1}",
            "! it is no protobuf: a field's wire type is unknown at 0",
        );
        check(
            &[0xff; 11],
            "! it is no protobuf: a number does not end at 0",
        );
        check(
            &[0x00, 0x00],
            "! it is no protobuf: a field's number is 0 at 0",
        );
    }
}
