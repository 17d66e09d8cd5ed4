//! How many bytes of quarantined records are kept, so that a sender of garbage fills neither the disk nor the room of
//! others. Beyond the bounds a record is still counted, and its reason, length and digest are kept.

use std::collections::HashMap;

use ingest::{Kept, ReasonClass};
use parking_lot::Mutex;
use store::Timestamp;

use crate::config::QuarantineConfig;

const HOUR_MICROS: i64 = 3_600_000_000;

/// Senders that are counted apart within an hour; those beyond share one count.
const SENDERS_MAX: usize = 10_000;

/// What each sender has used up this hour.
#[derive(Debug)]
pub(crate) struct Budget {
    bounds: QuarantineConfig,
    hour: Mutex<Hour>,
}

#[derive(Debug, Default)]
struct Hour {
    number: i64,
    spent: HashMap<String, u64>,
}

impl Hour {
    fn at(&mut self, now: Timestamp) -> &mut HashMap<String, u64> {
        let number = now.as_micros().div_euclid(HOUR_MICROS);
        if number != self.number {
            self.number = number;
            self.spent.clear();
        }
        &mut self.spent
    }
}

impl Budget {
    pub(crate) fn new(bounds: QuarantineConfig) -> Self {
        Self {
            bounds,
            hour: Mutex::new(Hour::default()),
        }
    }

    /// How many bytes may be kept of a sender's next body, while the table holds `held`.
    pub(crate) fn room(&self, sender: &str, held: u64, now: Timestamp) -> usize {
        let mut hour = self.hour.lock();
        let spent = hour.at(now);
        let used = spent.get(name(spent, sender)).copied().unwrap_or(0);
        let of_all = self.bounds.table_bytes.saturating_sub(held);
        let of_sender = self.bounds.sender_bytes_per_hour.saturating_sub(used);
        let room = usize::try_from(of_all.min(of_sender)).unwrap_or(usize::MAX);
        room.min(self.bounds.body_bytes)
    }

    /// Notes what was kept of a sender's body.
    pub(crate) fn spend(&self, sender: &str, bytes: u64, now: Timestamp) {
        if bytes == 0 {
            return;
        }
        let mut hour = self.hour.lock();
        let spent = hour.at(now);
        let name = name(spent, sender).to_owned();
        let used = spent.entry(name).or_default();
        *used = used.saturating_add(bytes);
    }
}

fn name<'a>(spent: &HashMap<String, u64>, sender: &'a str) -> &'a str {
    if spent.len() < SENDERS_MAX || spent.contains_key(sender) {
        sender
    } else {
        ""
    }
}

/// Counts what was quarantined of a body; the table held so many bytes before.
pub(crate) fn count(kept: &Kept, held: u64) {
    for (class, records) in ReasonClass::ALL.into_iter().zip(kept.records) {
        if records > 0 {
            metrics::counter!("bartizan_quarantined_records_total", "reason" => class.name())
                .increment(records);
        }
    }
    if kept.without_bytes > 0 {
        metrics::counter!("bartizan_quarantined_without_bytes_total").increment(kept.without_bytes);
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("bartizan_quarantine_bytes").set(held.saturating_add(kept.bytes) as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: QuarantineConfig = QuarantineConfig {
        table_bytes: 1_000,
        body_bytes: 100,
        sender_bytes_per_hour: 250,
    };

    #[test]
    fn a_sender_has_its_own_share_each_hour_and_all_have_one_bound() {
        let budget = Budget::new(BOUNDS);
        let now = Timestamp::from_micros(0);
        assert_eq!(budget.room("a", 0, now), 100);
        budget.spend("a", 200, now);
        assert_eq!(budget.room("a", 0, now), 50);
        budget.spend("a", 50, now);
        assert_eq!(budget.room("a", 0, now), 0);
        assert_eq!(budget.room("b", 0, now), 100);
        assert_eq!(budget.room("b", 990, now), 10);
        assert_eq!(budget.room("b", 2_000, now), 0);
        assert_eq!(
            budget.room("a", 0, Timestamp::from_micros(HOUR_MICROS)),
            100
        );
    }
}
