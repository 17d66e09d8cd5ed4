//! Memory for bodies that are being worked on: a body waits outside until there is room for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::IntakeError;

/// How long a body waits for room before its sender is told to come back.
const WAIT: Duration = Duration::from_secs(5);

/// A permit stands for so many bytes: semaphores count in 32 bits.
const PERMIT_BYTES: usize = 1024;

/// What all bodies together may take.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    free: Arc<Semaphore>,
    wait: Duration,
}

/// What one body takes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    memory: Memory,
    held: OwnedSemaphorePermit,
}

impl Memory {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let permits = bytes_max.div_ceil(PERMIT_BYTES);
        Self {
            free: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            wait: WAIT,
        }
    }

    /// Room for that many bytes, as soon as there is.
    pub(crate) async fn room(&self, bytes: usize) -> Result<Room, IntakeError> {
        let waiting = Arc::clone(&self.free).acquire_many_owned(permits(bytes));
        let Ok(held) = tokio::time::timeout(self.wait, waiting).await else {
            metrics::counter!("bartizan_ingest_no_room_total").increment(1);
            return Err(IntakeError::Busy);
        };
        let held = held.map_err(|error| IntakeError::internal("wait for memory", error))?;
        let memory = self.clone();
        Ok(Room { memory, held })
    }
}

impl Room {
    /// That many bytes more. It does not wait: two bodies that each hold what the other needs would wait for ever.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), IntakeError> {
        let more = Arc::clone(&self.memory.free).try_acquire_many_owned(permits(bytes));
        let Ok(more) = more else {
            metrics::counter!("bartizan_ingest_no_room_total").increment(1);
            return Err(IntakeError::Busy);
        };
        self.held.merge(more);
        Ok(())
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_waits_for_room_and_not_for_ever() {
        let mut memory = Memory::new(10 * PERMIT_BYTES);
        memory.wait = Duration::from_millis(20);
        let mut first = memory.room(6 * PERMIT_BYTES).await.unwrap();
        let refused = memory.room(5 * PERMIT_BYTES).await;
        assert!(matches!(refused, Err(IntakeError::Busy)));
        first.grow(4 * PERMIT_BYTES).unwrap();
        assert!(matches!(first.grow(1), Err(IntakeError::Busy)));
        memory.wait = WAIT;
        let leave = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let (taken, ()) = futures::join!(memory.room(1), leave);
        drop(taken.unwrap());
        memory.room(10 * PERMIT_BYTES).await.unwrap();
    }
}
