//! Requests that are sent again: a sender names a request, and the same body under the same name is stored once.

use std::fmt::Write as _;

use store::{Claim, ClaimOutcome, Receipt, Store};

use super::{Delivery, IntakeError};

/// What a sender calls a request. Senders know nothing of each other, so a name is its API key's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestName {
    /// Another body under the same name is refused.
    Strict(String),
    /// Another body under the same name is another request.
    WithBody(String),
}

/// Whether the request was answered before.
pub(super) enum Claimed {
    New(Claim),
    Answered(Receipt),
}

impl RequestName {
    /// As it is remembered.
    fn key(&self, sender: &str, digest: &[u8; 32]) -> String {
        match self {
            Self::Strict(name) => format!("{sender}:{name}"),
            Self::WithBody(name) => {
                let mut key = format!("{sender}:{name}:");
                for byte in digest {
                    let written = write!(key, "{byte:02x}");
                    debug_assert!(written.is_ok(), "writing to a string does not fail");
                }
                key
            }
        }
    }

    /// Claims it for a delivery whose decompressed body has that digest.
    pub(super) async fn claim(
        &self,
        store: &Store,
        delivery: &Delivery,
        digest: [u8; 32],
    ) -> Result<Claimed, IntakeError> {
        let key = self.key(&delivery.sender, &digest);
        let outcome = store.claim(&delivery.workspace, &key, digest).await;
        let failed = |error| IntakeError::internal("claim an idempotency key", error);
        match outcome.map_err(failed)? {
            ClaimOutcome::Claimed(claim) => Ok(Claimed::New(claim)),
            ClaimOutcome::Repeated(receipt) => Ok(Claimed::Answered(receipt)),
            ClaimOutcome::OtherBody => Err(IntakeError::OtherBody),
            ClaimOutcome::InProgress => Err(IntakeError::InProgress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_senders_own() {
        let strict = RequestName::Strict("1".to_owned());
        assert_ne!(strict.key("a", &[0; 32]), strict.key("b", &[0; 32]));
        assert_eq!(strict.key("a", &[0; 32]), strict.key("a", &[1; 32]));
        let with_body = RequestName::WithBody("1".to_owned());
        assert_ne!(with_body.key("a", &[0; 32]), with_body.key("a", &[1; 32]));
    }
}
