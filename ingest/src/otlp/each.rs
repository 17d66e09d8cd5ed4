//! The members of a JSON list one by one, so that a list of millions is never in memory as such.
//!
//! `null` is an empty list: in protobuf's JSON it is the default of every field, and Go writes nil slices so.

use std::fmt;

use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::value::Reason;

/// Calls `act` with the text of each member of a list that is valid JSON. The first error ends it, and so does anything
/// but a list.
pub(super) fn each<'a, E: From<Reason>>(
    list: &'a str,
    act: &mut dyn FnMut(&'a str) -> Result<(), E>,
) -> Result<(), E> {
    let mut failed = None;
    let walk = Walk {
        act,
        failed: &mut failed,
    };
    let walked = serde_json::Deserializer::from_str(list).deserialize_any(walk);
    match (failed, walked) {
        (Some(error), _) => Err(error),
        (None, Err(_)) => Err(Reason::Borrowed("expected a list").into()),
        (None, Ok(())) => Ok(()),
    }
}

struct Walk<'w, 'a, E> {
    act: &'w mut dyn FnMut(&'a str) -> Result<(), E>,
    failed: &'w mut Option<E>,
}

impl<'a, E> Visitor<'a> for Walk<'_, 'a, E> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_unit<D: serde::de::Error>(self) -> Result<(), D> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(member) = list.next_element::<&'a RawValue>()? {
            if let Err(error) = (self.act)(member.get()) {
                *self.failed = Some(error);
                return Err(A::Error::custom("ended"));
            }
        }
        Ok(())
    }
}
