//! Ordinary traffic: the day's curve, rollouts, and those who are noisy without meaning harm.

use std::time::Duration;

use store::Timestamp;

use super::company::{APIS, Api, SUBSCRIPTIONS, Subscription};
use super::gateway::{Call, Failure};
use super::random::Random;
use super::{MINUTE, Plan};

/// Requests by hour of the day (UTC), in thousandths of the mean, for all and for what offices use.
const EVERYONE: [u64; 24] = [
    560, 520, 500, 490, 520, 600, 740, 900, 1080, 1230, 1340, 1400, 1420, 1430, 1440, 1430, 1400,
    1360, 1300, 1210, 1100, 960, 800, 660,
];
const OFFICES: [u64; 24] = [
    420, 400, 390, 390, 430, 560, 800, 1150, 1500, 1750, 1820, 1780, 1650, 1740, 1790, 1700, 1480,
    1200, 950, 760, 640, 560, 500, 450,
];

/// The calls a minute that noise adds to ordinary traffic, in thousandths.
const NOISE: u64 = 4_000;

/// Minutes of the day in which each rollout begins.
const ROLLOUTS: [u64; 2] = [10 * 60 + 20, 14 * 60 + 50];
const ROLLOUT_MINUTES: u64 = 8;

const HEALTH_CHECKER: Subscription = Subscription {
    id: "tideway-monitoring",
    product: "internal",
    weight: 0,
    from: [198, 51, 100, 240],
    addresses: 1,
    agent: "Uptime/2.4",
};
const EXPIRED_PARTNER: Subscription = Subscription {
    id: "moorgate-florists",
    product: "partner",
    weight: 0,
    from: [198, 51, 100, 77],
    addresses: 1,
    agent: "Java/1.8.0_392",
};
const SCANNERS: Subscription = Subscription {
    id: "",
    product: "",
    weight: 0,
    from: [203, 0, 113, 8],
    addresses: 3,
    agent: "Mozilla/5.0 zgrab/0.x",
};
const STRAYS: [&str; 7] = [
    "/.env",
    "/wp-login.php",
    "/actuator/health",
    "/.git/config",
    "/v1/swagger.json",
    "/api/v1/pods?limit=1",
    "/cgi-bin/luci/;stok=/locale",
];

/// A new revision of an API going out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rollout {
    /// What is rolled out.
    pub(super) api: &'static Api,
    /// When it begins.
    pub(super) start: Timestamp,
}

impl Rollout {
    /// Whether it shakes the API at `time`.
    fn covers(self, time: Timestamp) -> bool {
        time >= self.start && time.since(self.start) < rollout_length()
    }
}

/// The rollouts of the plan's time, and one before it.
pub(super) fn rollouts(plan: &Plan) -> Vec<Rollout> {
    let days = u64::from(plan.hours / 24 + 2);
    let midnight = plan
        .start
        .minus(MINUTE * u32::try_from(minute_of_day(plan.start)).unwrap_or(0));
    let mut found = Vec::new();
    for day in 0..days {
        for (place, minute) in (0_u64..).zip(ROLLOUTS) {
            let mut random = Random::new(plan.seed, 10 + place, day);
            let start = midnight.plus(Duration::from_secs((day * 24 * 60 + minute) * 60));
            found.push(Rollout {
                api: random.pick(APIS),
                start,
            });
        }
    }
    found
}

/// How many minutes a rollout shakes its API.
pub(super) const fn rollout_length() -> Duration {
    Duration::from_secs(ROLLOUT_MINUTES * 60)
}

/// The minute of the day, UTC.
pub(super) fn minute_of_day(time: Timestamp) -> u64 {
    u64::try_from(time.as_micros().div_euclid(60_000_000).rem_euclid(24 * 60)).unwrap_or(0)
}

/// Mean calls of `api` in the minute at `time`, in thousandths.
pub(super) fn mean(plan: &Plan, api: &Api, time: Timestamp) -> u64 {
    let curve = if api.office { &OFFICES } else { &EVERYONE };
    let minute = minute_of_day(time);
    let hour = usize::try_from(minute / 60).unwrap_or(0) % 24;
    let here = curve[hour] * (60 - minute % 60) + curve[(hour + 1) % 24] * (minute % 60);
    let total = (u64::from(plan.requests_per_minute) * 1000)
        .saturating_sub(NOISE)
        .max(1000);
    total * api.share / 1000 * here / 60_000 * weekday(time) / 1000
}

/// Thousandths of a working day's traffic on the day of `time`.
fn weekday(time: Timestamp) -> u64 {
    // 1970-01-01 was a Thursday.
    match time.as_micros().div_euclid(86_400_000_000).rem_euclid(7) {
        2 => 720,
        3 => 660,
        _ => 1000,
    }
}

/// Ordinary calls of the minute that begins at `from`, unordered.
pub(super) fn calls(plan: &Plan, rollouts: &[Rollout], from: Timestamp) -> Vec<Call> {
    let place = from.since(plan.start).as_secs() / 60;
    let mut random = Random::new(plan.seed, 1, place);
    let mut calls = Vec::new();
    for api in APIS {
        let revisions = rollouts
            .iter()
            .filter(|one| one.api.id == api.id && one.start < from);
        let revision = 2 + revisions.count() as u64;
        let shaken = rollouts
            .iter()
            .any(|one| one.api.id == api.id && one.covers(from));
        for _ in 0..random.count(mean(plan, api, from)) {
            let call = Call::answered(
                within(from, &mut random),
                api,
                api.caller(&mut random),
                &mut random,
            );
            let call = Call { revision, ..call };
            calls.push(if shaken {
                shake(call, &mut random)
            } else {
                vary(call, &mut random)
            });
        }
    }
    noise(from, &mut random, &mut calls);
    calls
}

/// A moment of the minute that begins at `from`.
pub(super) fn within(from: Timestamp, random: &mut Random) -> Timestamp {
    from.plus(Duration::from_micros(random.below(60_000_000)))
}

/// The failures that every day has.
fn vary(call: Call, random: &mut Random) -> Call {
    let mobile = call.product == "mobile";
    match random.below(1000) {
        0..12 => call.with_status(400),
        12..22 => call.with_status(404),
        22..32 if mobile => call.refused(Failure::TokenExpired),
        32..36 if !mobile => call.refused(Failure::RateLimit),
        36..38 => call.refused(Failure::Backend),
        38..40 => call.with_status(503),
        _ => call,
    }
}

/// What a rollout does to an API: some connections fail, and it is slow until it is warm.
fn shake(mut call: Call, random: &mut Random) -> Call {
    call.backend_ms *= 3;
    match random.below(1000) {
        0..90 => call.refused(Failure::Backend).with_status(502),
        90..150 => call.with_status(503),
        _ => call,
    }
}

fn noise(from: Timestamp, random: &mut Random, calls: &mut Vec<Call>) {
    let minute = minute_of_day(from);
    let half = Duration::from_secs(30);
    let [tracking, _, rates, _, invoices, ..] = APIS else {
        return;
    };
    // A health checker: the same call each half minute.
    for at in [from, from.plus(half)] {
        let at = at.plus(Duration::from_micros(400_000 + random.below(90_000)));
        calls.push(Call::answered(at, tracking, &HEALTH_CHECKER, random).with_status(200));
    }
    // A partner whose key has expired repeats one request, once a minute, day and night.
    let refused = Call::answered(within(from, random), rates, &EXPIRED_PARTNER, random);
    let refused = Call {
        target: Some((rates, &rates.operations[0])),
        number: 4_417_002,
        ..refused
    };
    calls.push(refused.refused(Failure::KeyInvalid));
    // Scanners of the whole internet come by now and then.
    if random.permille(350) {
        let stray = Call::answered(within(from, random), tracking, &SCANNERS, random);
        let stray = Call {
            stray: random.pick::<&str>(&STRAYS),
            ..stray
        };
        calls.push(stray.refused(Failure::NoOperation));
    }
    if random.permille(80) {
        let keyless = Call::answered(within(from, random), tracking, &SCANNERS, random);
        calls.push(keyless.refused(Failure::KeyNotFound));
    }
    // One partner runs into its limit early in each hour.
    if minute % 60 == 7 {
        for _ in 0..4 {
            let call = Call::answered(within(from, random), rates, &SUBSCRIPTIONS[7], random);
            calls.push(call.refused(Failure::RateLimit));
        }
    }
    // The night's batch of invoices, at the same time each night.
    if (90..130).contains(&minute) {
        for _ in 0..random.count(1_500) {
            calls.push(Call::answered(
                within(from, random),
                invoices,
                &SUBSCRIPTIONS[3],
                random,
            ));
        }
    }
}
