//! A day in the logs of an invented company, with attacks hidden in it: what the demo, the drills and the
//! load test send.
//!
//! Pure and seeded: the same plan gives the same bytes on every machine. Nothing here reads a clock,
//! a file or the network.

mod activity;
mod attack;
mod company;
mod flow;
mod gateway;
mod json;
mod random;
mod traffic;

use std::collections::VecDeque;
use std::time::Duration;

use store::Timestamp;

use attack::Script;
use json::Json;
use traffic::Rollout;

pub(crate) use attack::{Attack, attacks};
pub(crate) use company::{BACKEND_CIDR, GATEWAY_CIDR};

const MINUTE: Duration = Duration::from_mins(1);

/// Records in one body, at most.
const RECORDS_MAX: usize = 500;

/// What to generate.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Names the whole: the same seed gives the same bytes.
    pub(crate) seed: u64,
    /// Event time of the beginning.
    pub(crate) start: Timestamp,
    /// Length. Attacks need eight hours of history, and at least two more to lie in.
    pub(crate) hours: u32,
    /// Gateway requests a minute, as a mean over a working day.
    pub(crate) requests_per_minute: u32,
    /// Whether attacks are hidden in it.
    pub(crate) attacks: bool,
}

/// What a body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// API Management gateway logs.
    Gateway,
    /// VNet flow logs, version 4.
    VnetFlow,
    /// NSG flow logs, versions 1 and 2.
    NsgFlow,
    /// Activity logs.
    Activity,
}

/// One body, ready to be posted.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// Event time of its last record.
    pub(crate) time: Timestamp,
    /// `{"records":[..]}`.
    pub(crate) body: Vec<u8>,
    /// Records in it.
    pub(crate) records: u32,
    /// Rows that they become: one each, but a flow record has one per tuple.
    pub(crate) rows: u32,
    /// What they are.
    pub(crate) kind: Kind,
}

/// Records that become one body.
#[derive(Debug)]
struct Batch<T> {
    kind: Kind,
    records: Vec<T>,
}

/// A record that can be written, of a known time.
trait Record {
    /// Event time.
    fn time(&self) -> Timestamp;
    /// Rows that it becomes.
    fn rows(&self) -> usize;
    /// Appends its text.
    fn write(&self, json: &mut Json);
}

impl Record for gateway::Call {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn rows(&self) -> usize {
        1
    }

    fn write(&self, json: &mut Json) {
        Self::write(self, json);
    }
}

/// The plan's bodies in order of event time: each minute has one of each kind, or more where more than
/// 500 records came. A flow tuple is up to a minute older than the record that holds it, as in Azure.
pub(crate) fn pieces(plan: &Plan) -> impl Iterator<Item = Piece> + use<> {
    Pieces {
        rollouts: traffic::rollouts(plan),
        script: Script::new(plan),
        plan: plan.clone(),
        minute: 0,
        ready: VecDeque::new(),
    }
}

struct Pieces {
    plan: Plan,
    rollouts: Vec<Rollout>,
    script: Script,
    minute: u32,
    ready: VecDeque<Piece>,
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        while self.ready.is_empty() {
            if self.minute >= self.plan.hours.saturating_mul(60) {
                return None;
            }
            self.ready = self
                .generate(self.plan.start.plus(MINUTE * self.minute))
                .into();
            self.minute += 1;
        }
        self.ready.pop_front()
    }
}

impl Pieces {
    /// All of the minute that begins at `from`.
    fn generate(&self, from: Timestamp) -> Vec<Piece> {
        let to = from.plus(MINUTE);
        let mut calls = traffic::calls(&self.plan, &self.rollouts, from);
        calls.extend(self.script.calls(from, to));
        let mut pieces = Vec::new();
        Batch {
            kind: Kind::Gateway,
            records: calls,
        }
        .write(&mut pieces);
        let (vnet, nsg) = flow::records(&self.plan, from, self.script.flows(from, to));
        Batch {
            kind: Kind::VnetFlow,
            records: vnet,
        }
        .write(&mut pieces);
        Batch {
            kind: Kind::NsgFlow,
            records: nsg,
        }
        .write(&mut pieces);
        let mut events = activity::events(&self.plan, &self.rollouts, from);
        events.extend(self.script.events(from, to));
        Batch {
            kind: Kind::Activity,
            records: events,
        }
        .write(&mut pieces);
        pieces.sort_by_key(|piece| piece.time);
        pieces
    }
}

impl<T: Record> Batch<T> {
    fn write(mut self, pieces: &mut Vec<Piece>) {
        self.records.sort_by_key(Record::time);
        for records in self.records.chunks(RECORDS_MAX) {
            let mut json = Json::default();
            json.open(b'{');
            json.open_in("records", b'[');
            for record in records {
                record.write(&mut json);
            }
            json.close(b']');
            json.close(b'}');
            let rows: usize = records.iter().map(Record::rows).sum();
            pieces.push(Piece {
                time: records.last().map(Record::time).unwrap_or_default(),
                body: json.into_bytes(),
                records: u32::try_from(records.len()).unwrap_or(u32::MAX),
                rows: u32::try_from(rows).unwrap_or(u32::MAX),
                kind: self.kind,
            });
        }
    }
}

#[cfg(test)]
mod tests;
