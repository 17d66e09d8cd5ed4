//! The members of a JSON list one by one, so that a list of millions is never in memory as such.

use std::fmt;

use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::value::Reason;

/// Calls `act` with the text of each member. The first error ends it, and so does anything but a list.
pub(super) fn each<'a, E: From<Reason>>(
    list: &'a str,
    act: &mut dyn FnMut(&'a str) -> Result<(), E>,
) -> Result<(), E> {
    let mut failed = None;
    let walk = Walk {
        act,
        failed: &mut failed,
    };
    let walked = serde_json::Deserializer::from_str(list).deserialize_seq(walk);
    match (failed, walked) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(Reason::Owned(error.to_string()).into()),
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
