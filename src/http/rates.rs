//! Rate limits per key and per address, by governor.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::problem::Problem;
use crate::config::HttpConfig;
use axum::http::StatusCode;

/// Keys and addresses that are counted before those at rest are forgotten.
const COUNTED_MAX: usize = 50_000;

/// The counters.
#[derive(Debug)]
pub(crate) struct Rates {
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    ingest: DefaultKeyedRateLimiter<String>,
    /// Counts in units of 1,024 bytes.
    ingest_kib: Option<DefaultKeyedRateLimiter<String>>,
    others: DefaultKeyedRateLimiter<String>,
}

impl Rates {
    pub(crate) fn new(http: &HttpConfig) -> Self {
        Self {
            addresses: RateLimiter::keyed(quota(http.address_rate)),
            ingest: RateLimiter::keyed(quota(http.ingest_rate)),
            ingest_kib: http.ingest_kib_rate.map(|rate| {
                // Or else the longest body would never pass.
                let longest = u32::try_from(http.body_bytes_max / 1024).unwrap_or(u32::MAX);
                let burst = rate.saturating_mul(2).max(longest.saturating_add(1));
                let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
                RateLimiter::keyed(quota(rate).allow_burst(burst))
            }),
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

    /// So many bytes of logs more under a key.
    pub(crate) fn check_ingest_bytes(&self, key_id: &str, bytes: usize) -> Result<(), Problem> {
        let Some(limiter) = &self.ingest_kib else {
            return Ok(());
        };
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let kib = NonZeroU32::new(kib).unwrap_or(NonZeroU32::MIN);
        forget_those_at_rest(limiter);
        match limiter.check_key_n(&key_id.to_owned(), kib) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                Err(limited("this key sends more bytes", wait))
            }
            // The burst takes the longest body.
            Err(_never) => Ok(()),
        }
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
    forget_those_at_rest(limiter);
    limiter.check_key(key).map_err(|not_until| {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        limited(&format!("{whose} sends more requests"), wait)
    })
}

fn forget_those_at_rest<K: std::hash::Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>) {
    if limiter.len() > COUNTED_MAX {
        limiter.retain_recent();
    }
}

fn limited(what: &str, wait: Duration) -> Problem {
    metrics::counter!("bartizan_http_rate_limited_total").increment(1);
    let seconds = wait.as_secs() + 1;
    let detail = format!("{what} than its limit; come back in {seconds} s");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(seconds)
}
