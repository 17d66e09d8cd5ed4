//! The least and the most that settings may be: beyond that nothing would be taken in, or nothing would be answered.

use std::time::Duration;

use super::raw::{RawBytes, RawConfig, RawDuration};
use super::{ConfigError, setting};

/// Longest body that can be decoded: columns stay below what Arrow's offsets reach.
const BODY_BYTES_MAX: u64 = 1 << 30;

/// No record of any kind is shorter.
const RECORD_BYTES_MIN: u64 = 64;

/// Refuses what stops the service from doing its work.
pub(super) fn check(raw: &RawConfig) -> Result<(), ConfigError> {
    sizes(raw)?;
    counts(raw)?;
    durations(raw)
}

fn sizes(raw: &RawConfig) -> Result<(), ConfigError> {
    let (limits, store, query) = (&raw.limits, &raw.store, &raw.query);
    let (record, kib) = (RECORD_BYTES_MIN, 1 << 10);
    let least: [(&str, Option<RawBytes>, u64); 9] = [
        ("limits.body_bytes", limits.body_bytes, record),
        (
            "limits.decompressed_bytes",
            limits.decompressed_bytes,
            record,
        ),
        ("limits.record_bytes", limits.record_bytes, record),
        (
            "limits.ingest_bytes_per_second",
            limits.ingest_bytes_per_second,
            kib,
        ),
        ("store.segment_bytes", store.segment_bytes, kib),
        ("store.wal_file_bytes", store.wal_file_bytes, kib),
        (
            "store.compaction.file_bytes",
            store.compaction.file_bytes,
            kib,
        ),
        ("query.memory_bytes", query.memory_bytes, 1 << 20),
        ("query.externaldata.bytes", query.externaldata.bytes, 1),
    ];
    for (key, size, least) in least {
        if size.is_some_and(|size| size.0 < least) {
            return Err(setting(key, format!("must be at least {}", bytes(least))));
        }
    }
    for (key, size) in [
        ("limits.body_bytes", limits.body_bytes),
        ("limits.decompressed_bytes", limits.decompressed_bytes),
    ] {
        if size.is_some_and(|size| size.0 > BODY_BYTES_MAX) {
            return Err(setting(
                key,
                format!("must be at most {}", bytes(BODY_BYTES_MAX)),
            ));
        }
    }
    Ok(())
}

fn bytes(count: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let fits = |(power, _): &(u32, &str)| count >> power > 0;
    match units.into_iter().find(fits) {
        Some((power, unit)) => format!("{} {unit}", count >> power),
        None => format!("{count} bytes"),
    }
}

fn counts(raw: &RawConfig) -> Result<(), ConfigError> {
    let limits = &raw.limits;
    let rate = |rate: Option<u32>| rate.is_some_and(|rate| rate == 0);
    let count = |count: Option<usize>| count.is_some_and(|count| count == 0);
    for (key, is_zero) in [
        (
            "limits.ingest_requests_per_second",
            rate(limits.ingest_requests_per_second),
        ),
        (
            "limits.requests_per_second",
            rate(limits.requests_per_second),
        ),
        (
            "limits.address_requests_per_second",
            rate(limits.address_requests_per_second),
        ),
        ("limits.records", count(limits.records)),
        (
            "limits.ingest_concurrency",
            count(limits.ingest_concurrency),
        ),
        ("query.rows", count(raw.query.rows)),
        ("query.concurrency", count(raw.query.concurrency)),
    ] {
        if is_zero {
            return Err(setting(key, "must be at least 1"));
        }
    }
    let schedule = raw.delivery.retry_schedule.as_ref();
    if schedule.is_some_and(Vec::is_empty) {
        return Err(setting(
            "delivery.retry_schedule",
            "must have at least one pause, that before the first attempt",
        ));
    }
    Ok(())
}

fn durations(raw: &RawConfig) -> Result<(), ConfigError> {
    let external = &raw.query.externaldata;
    let (moment, shortest) = (Duration::from_millis(10), Duration::from_millis(100));
    let least: [(&str, Option<RawDuration>, Duration); 6] = [
        (
            "limits.request_timeout",
            raw.limits.request_timeout,
            shortest,
        ),
        ("query.timeout", raw.query.timeout, moment),
        ("query.externaldata.timeout", external.timeout, moment),
        ("delivery.timeout", raw.delivery.timeout, moment),
        ("store.flush_interval", raw.store.flush_interval, moment),
        ("rules.interval", raw.rules.interval, moment),
    ];
    for (key, duration, least) in least {
        if duration.is_some_and(|duration| duration.0 < least) {
            let least = least.as_millis();
            return Err(setting(key, format!("must be at least {least}ms")));
        }
    }
    Ok(())
}
