//! Rate limits per key and per address, by governor.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::Problem;
use crate::config::HttpConfig;
use axum::http::StatusCode;

/// Keys and addresses that are counted before those at rest are forgotten.
const COUNTED_MAX: usize = 50_000;

/// The three counters.
#[derive(Debug)]
pub(crate) struct Rates {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    ingest: DefaultKeyedRateLimiter<String>,
    others: DefaultKeyedRateLimiter<String>,
}

impl Rates {
    pub(crate) fn new(http: &HttpConfig) -> Self {
        Self {
            addresses: RateLimiter::keyed(quota(http.address_rate)),
            ingest: RateLimiter::keyed(quota(http.ingest_rate)),
            others: RateLimiter::keyed(quota(http.request_rate)),
        }
    }

    /// One more request from an address; an IPv6 client has a whole /64.
    pub(crate) fn check_address(&self, address: IpAddr) -> Result<(), Problem> {
        let network = match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
            v4 @ IpAddr::V4(_) => v4,
        };
        check(&self.addresses, &network, "this address")
    }

    /// One more batch under a key.
    pub(crate) fn check_ingest(&self, key_id: &str) -> Result<(), Problem> {
        check(&self.ingest, &key_id.to_owned(), "this key")
    }

    /// One more other request under a key.
    pub(crate) fn check_other(&self, key_id: &str) -> Result<(), Problem> {
        check(&self.others, &key_id.to_owned(), "this key")
    }
}

fn quota(per_second: u32) -> Quota {
    let rate = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(per_second.saturating_mul(2)).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(rate).allow_burst(burst)
}

fn check<K: std::hash::Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
    whose: &str,
) -> Result<(), Problem> {
    if limiter.len() > COUNTED_MAX {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|not_until| {
        metrics::counter!("bartizan_http_rate_limited_total").increment(1);
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        let seconds = wait.as_secs() + 1;
        let detail =
            format!("{whose} sends more requests than its limit; come back in {seconds} s");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(seconds)
    })
}
