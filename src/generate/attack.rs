//! The attacks that are hidden in a plan, and what each of them leaves in the logs.

use std::time::Duration;

use store::Timestamp;

use super::activity::{self, DELETE_DIAGNOSTICS, Event, Principal};
use super::company::{APIS, Api, SUBSCRIPTIONS, Subscription};
use super::flow::{self, State, Tuple};
use super::gateway::{Call, Failure};
use super::json::address_text;
use super::random::Random;
use super::{MINUTE, Plan};

/// Hours of ordinary traffic before the first attack.
const HISTORY_HOURS: u32 = 8;
/// Hours that the attacks need after that.
const ROOM_HOURS: u32 = 2;

/// An attack that a plan hides, and what must become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attack {
    /// File stem of the shipped rule that finds it.
    pub(crate) rule: &'static str,
    /// What it is.
    pub(crate) name: &'static str,
    /// The address or subscription that the incident must name.
    pub(crate) entity: String,
    /// Event time of its first record.
    pub(crate) start: Timestamp,
    /// Event time of its last record.
    pub(crate) end: Timestamp,
}

/// The attacks that `plan` hides, in order; none if it wants none or is shorter than ten hours.
pub(crate) fn attacks(plan: &Plan) -> Vec<Attack> {
    Script::new(plan).attacks
}

/// All that the attacks of a plan leave behind.
#[derive(Debug, Default)]
pub(super) struct Script {
    attacks: Vec<Attack>,
    calls: Vec<Call>,
    flows: Vec<Tuple>,
    events: Vec<Event>,
}

/// A stranger that calls the gateway.
const fn stranger(octet: u8, addresses: u8, agent: &'static str) -> Subscription {
    Subscription {
        id: "",
        product: "",
        weight: 0,
        from: [203, 0, 113, octet],
        addresses,
        agent,
    }
}

const GUESSER: Subscription = stranger(66, 1, "python-requests/2.31.0");
const SLOW_GUESSER: Subscription = stranger(91, 1, "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0");
const KEY_THIEVES: Subscription = stranger(150, 42, "okhttp/4.9.3");
/// Whose key is stolen.
const VICTIM: &Subscription = &SUBSCRIPTIONS[8];
/// Whose program floods an API.
const FLOODER: &Subscription = &SUBSCRIPTIONS[7];
const INSIDER: [u8; 4] = [10, 20, 7, 23];
const OUTSIDER: [u8; 4] = [203, 0, 113, 121];
const SABOTEUR: [u8; 4] = [203, 0, 113, 137];

impl Script {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut script = Self::default();
        if !plan.attacks || plan.hours < HISTORY_HOURS + ROOM_HOURS {
            return script;
        }
        script.guess(
            at(plan, 30),
            (&GUESSER, 96, 320),
            "subscription keys are guessed from one address",
        );
        script.steal(at(plan, 180));
        script.bypass(
            at(plan, 330),
            INSIDER,
            "a machine in the network calls a backend past the gateway",
        );
        script.flood(plan, at(plan, 480));
        script.silence(at(plan, 640));
        script.guess(
            at(plan, 780),
            (&SLOW_GUESSER, 64, 600),
            "subscription keys are guessed slowly",
        );
        script.bypass(
            at(plan, 930),
            OUTSIDER,
            "an internet address calls a backend past the gateway",
        );
        script
    }

    /// Calls in `from..to`.
    pub(super) fn calls(&self, from: Timestamp, to: Timestamp) -> Vec<Call> {
        self.calls
            .iter()
            .filter(|one| from <= one.time && one.time < to)
            .cloned()
            .collect()
    }

    /// Flows in `from..to`.
    pub(super) fn flows(&self, from: Timestamp, to: Timestamp) -> Vec<Tuple> {
        self.flows
            .iter()
            .filter(|one| from <= one.time && one.time < to)
            .cloned()
            .collect()
    }

    /// Control-plane events in `from..to`.
    pub(super) fn events(&self, from: Timestamp, to: Timestamp) -> Vec<Event> {
        self.events
            .iter()
            .filter(|one| from <= one.time && one.time < to)
            .cloned()
            .collect()
    }

    /// `tries` wrong keys within `seconds`, over all APIs.
    fn guess(
        &mut self,
        (start, mut random): (Timestamp, Random),
        (guesser, tries, seconds): (&'static Subscription, u64, u64),
        name: &'static str,
    ) {
        let mut calls = Vec::new();
        for time in spread(start, tries, seconds, &mut random) {
            let api = random.pick(APIS);
            calls
                .push(Call::answered(time, api, guesser, &mut random).refused(Failure::KeyInvalid));
        }
        let entity = address_text(guesser.from);
        self.add("subscription-key-guessing", name, entity, calls);
    }

    /// One subscription's key, used from 42 addresses within twelve minutes.
    fn steal(&mut self, (start, mut random): (Timestamp, Random)) {
        let mut calls = Vec::new();
        let times = spread(start, 63, 720, &mut random);
        for (place, time) in (0_u8..).zip(times) {
            let [first, second, third, last] = KEY_THIEVES.from;
            let address = [first, second, third, last + place % KEY_THIEVES.addresses];
            let api = &APIS[usize::from(place) % APIS.len()];
            let call = Call::answered(time, api, VICTIM, &mut random);
            calls.push(Call {
                address,
                agent: KEY_THIEVES.agent,
                ..call
            });
        }
        let name = "a stolen subscription key is used from many addresses";
        self.add("subscription-key-spread", name, VICTIM.id.to_owned(), calls);
    }

    /// For half an hour, one API is called ten times as often as in its busiest hour, with a key that is good.
    fn flood(&mut self, plan: &Plan, (start, mut random): (Timestamp, Random)) {
        let api: &'static Api = &APIS[5];
        let busiest = u64::from(plan.requests_per_minute) * api.share * 3 / 2; // thousandths
        let calls = (busiest * 10 * 30 / 1000).max(600);
        let times = spread(start, calls, 30 * 60, &mut random);
        let mut flood = Vec::new();
        for time in times {
            let call = Call::answered(time, api, FLOODER, &mut random);
            flood.push(Call {
                target: Some((api, &api.operations[0])),
                ..call
            });
        }
        let name = "one API is flooded with authorised calls";
        self.add("api-traffic-spike", name, FLOODER.id.to_owned(), flood);
    }

    /// Accepted flows from `source` to a backend, six within a quarter of an hour.
    fn bypass(
        &mut self,
        (start, mut random): (Timestamp, Random),
        source: [u8; 4],
        name: &'static str,
    ) {
        let backend = random.pick(APIS).backend_address();
        let mut flows = Vec::new();
        for minute in [0, 2, 3, 7, 11, 14] {
            let chance = random.next();
            let states = [State::Begin, State::Continue, State::End];
            for (state, later) in states.into_iter().zip([0, 1, 3]) {
                let time = flow::early(start.plus(MINUTE * (minute + later)), &mut random);
                flows.push(flow::bypass(time, (source, backend), state, chance));
            }
        }
        flows.sort_by_key(|one| one.time);
        self.note(
            "gateway-bypass",
            name,
            address_text(source),
            flows.iter().map(|one| one.time),
        );
        self.flows.extend(flows);
    }

    /// The gateway's diagnostic setting is deleted.
    fn silence(&mut self, (start, mut random): (Timestamp, Random)) {
        let person = Principal::Person("piet.vermeulen@tideway.example");
        let events = activity::pair(start, DELETE_DIAGNOSTICS, (person, SABOTEUR), random.next());
        let name = "the gateway's diagnostic setting is deleted";
        let entity = address_text(SABOTEUR);
        let times = events.iter().map(|one| one.time);
        self.note("diagnostic-settings-deleted", name, entity, times);
        self.events.extend(events);
    }

    fn add(&mut self, rule: &'static str, name: &'static str, entity: String, calls: Vec<Call>) {
        self.note(rule, name, entity, calls.iter().map(|one| one.time));
        self.calls.extend(calls);
    }

    fn note(
        &mut self,
        rule: &'static str,
        name: &'static str,
        entity: String,
        times: impl Iterator<Item = Timestamp> + Clone,
    ) {
        let start = times.clone().min().unwrap_or_default();
        let end = times.max().unwrap_or_default();
        self.attacks.push(Attack {
            rule,
            name,
            entity,
            start,
            end,
        });
    }
}

/// The minute at so many thousandths of the plan's room for attacks, and chance for what begins there.
fn at(plan: &Plan, permille: u64) -> (Timestamp, Random) {
    let mut random = Random::new(plan.seed, 7, permille);
    let room = u64::from(plan.hours - HISTORY_HOURS - ROOM_HOURS / 2) * 60;
    let minute =
        u64::from(HISTORY_HOURS) * 60 + room * permille / 1000 + random.below(room / 20 + 1);
    (plan.start.plus(Duration::from_secs(minute * 60)), random)
}

/// `count` moments within `seconds` after `start`, evenly but for a little chance.
fn spread(start: Timestamp, count: u64, seconds: u64, random: &mut Random) -> Vec<Timestamp> {
    let step = seconds * 1_000_000 / count.max(1);
    let moment = |place| start.plus(Duration::from_micros(place * step + random.below(step)));
    (0..count).map(moment).collect()
}
