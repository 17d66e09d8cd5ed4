//! The configuration as it is written; every key is optional, and an unknown one is an error.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::{Error as _, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

/// The file's top level. In the environment, `BARTIZAN_STORE__FLUSH_INTERVAL` is `[store] flush_interval`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) data: Option<PathBuf>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) public_url: Option<Url>,
    pub(super) allow_insecure_listen: bool,
    pub(super) tls: Option<RawTls>,
    pub(super) log: RawLog,
    pub(super) limits: RawLimits,
    pub(super) quarantine: RawQuarantine,
    pub(super) store: RawStore,
    pub(super) query: RawQuery,
    pub(super) watchlists: BTreeMap<String, Vec<IpNet>>,
    pub(super) rules: RawRules,
    pub(super) smtp: Option<RawSmtp>,
    pub(super) receivers: Vec<RawReceiver>,
    pub(super) delivery: RawDelivery,
    /// Read by `config::mapping`, which keeps the lines.
    pub(super) mapping: Vec<IgnoredAny>,
    #[serde(skip)]
    pub(super) mappings: Vec<ingest::mapping::Mapping>,
    pub(super) presets_disabled: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTls {
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLog {
    pub(super) format: RawLogFormat,
    pub(super) filter: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawLogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) body_bytes: Option<RawBytes>,
    pub(super) decompressed_bytes: Option<RawBytes>,
    pub(super) records: Option<usize>,
    pub(super) record_bytes: Option<RawBytes>,
    pub(super) request_timeout: Option<RawDuration>,
    pub(super) ingest_requests_per_second: Option<u32>,
    pub(super) requests_per_second: Option<u32>,
    pub(super) address_requests_per_second: Option<u32>,
    pub(super) ingest_concurrency: Option<usize>,
    pub(super) ingest_memory_bytes: Option<RawBytes>,
    pub(super) ingest_bytes_per_second: Option<RawBytes>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawQuarantine {
    pub(super) bytes: Option<RawBytes>,
    pub(super) body_bytes: Option<RawBytes>,
    pub(super) sender_bytes_per_hour: Option<RawBytes>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawStore {
    pub(super) flush_interval: Option<RawDuration>,
    pub(super) segment_bytes: Option<RawBytes>,
    pub(super) recent_bytes: Option<RawBytes>,
    pub(super) wal_file_bytes: Option<RawBytes>,
    pub(super) free_bytes: Option<RawBytes>,
    pub(super) zstd_level: Option<i32>,
    pub(super) catalog: Option<String>,
    pub(super) catalog_password: Option<String>,
    pub(super) catalog_password_file: Option<PathBuf>,
    pub(super) compaction: RawCompaction,
    /// By table; `default` is of all others.
    pub(super) retention: BTreeMap<String, RawRetention>,
    pub(super) snapshot_retention: Option<RawDuration>,
    pub(super) orphan_retention: Option<RawDuration>,
    pub(super) upkeep_interval: Option<RawDuration>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCompaction {
    pub(super) file_bytes: Option<RawBytes>,
    pub(super) file_rows: Option<u64>,
    pub(super) files: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawQuery {
    pub(super) timeout: Option<RawDuration>,
    pub(super) rows: Option<usize>,
    pub(super) memory_bytes: Option<RawBytes>,
    pub(super) spill_bytes: Option<RawBytes>,
    pub(super) concurrency: Option<usize>,
    pub(super) externaldata: RawExternaldata,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawExternaldata {
    pub(super) hosts: Vec<String>,
    pub(super) allow_private: bool,
    pub(super) bytes: Option<RawBytes>,
    pub(super) timeout: Option<RawDuration>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRules {
    pub(super) folder: Option<PathBuf>,
    pub(super) disabled: Vec<String>,
    pub(super) lateness: Option<RawDuration>,
    pub(super) idle: Option<RawDuration>,
    pub(super) interval: Option<RawDuration>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSmtp {
    pub(super) host: String,
    #[serde(default)]
    pub(super) port: u16,
    #[serde(default)]
    pub(super) tls: RawSmtpTls,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) from: String,
    pub(super) ca_certificate: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawSmtpTls {
    #[default]
    Starttls,
    Implicit,
    None,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReceiver {
    pub(super) name: String,
    pub(super) severity: Option<String>,
    pub(super) email: Option<RawEmail>,
    pub(super) webhook: Option<RawWebhook>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEmail {
    pub(super) to: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebhook {
    pub(super) url: String,
    pub(super) secret: String,
    #[serde(default)]
    pub(super) allow_private: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawDelivery {
    pub(super) retry_schedule: Option<Vec<RawDuration>>,
    pub(super) timeout: Option<RawDuration>,
}

/// A number and a unit: `500ms`, `30s`, `5m`, `1h`, `14d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawDuration(pub(super) Duration);

impl<'de> Deserialize<'de> for RawDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "'{text}' is no duration: write a number and ms, s, m, h or d, such as '30s'"
            ))
        })
    }
}

/// A duration, or `forever`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawRetention(pub(super) Option<Duration>);

impl<'de> Deserialize<'de> for RawRetention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "forever" {
            return Ok(Self(None));
        }
        parse_duration(&text)
            .map(|kept| Self(Some(kept)))
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "'{text}' is neither a duration, such as '90d', nor 'forever'"
                ))
            })
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let unit_start = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(unit_start)?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// A number of bytes, or one with a unit: `65536`, `64KiB`, `64 MiB`, `1GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RawBytes(pub(super) u64);

impl RawBytes {
    /// The number where it is of something in memory.
    pub(super) fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<'de> Deserialize<'de> for RawBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

struct BytesVisitor;

impl Visitor<'_> for BytesVisitor {
    type Value = RawBytes;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "a number of bytes, or a number and KiB, MiB, GiB, kB, MB or GB, such as '64MiB'",
        )
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<RawBytes, E> {
        Ok(RawBytes(number))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<RawBytes, E> {
        let bytes = u64::try_from(number);
        bytes
            .map(RawBytes)
            .map_err(|_negative| E::custom(format!("{number} is no number of bytes")))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawBytes, E> {
        parse_bytes(text).map(RawBytes).ok_or_else(|| {
            E::custom(format!(
                "'{text}' is no size: write a number of bytes, or a number and KiB, MiB, GiB, kB, MB or GB, such as '64MiB'"
            ))
        })
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let unit_start = text.find(|character: char| !character.is_ascii_digit());
    let (number, unit) = text.split_at_checked(unit_start.unwrap_or(text.len()))?;
    let number: u64 = number.parse().ok()?;
    let factor = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_of_bytes_or_have_a_unit() {
        assert_eq!(parse_bytes("512"), Some(512));
        assert_eq!(parse_bytes("64MiB"), Some(64 << 20));
        assert_eq!(parse_bytes("64 MiB"), Some(64 << 20));
        assert_eq!(parse_bytes("2GB"), Some(2_000_000_000));
        for wrong in [
            "",
            "MiB",
            "64 mib",
            "1.5GiB",
            "-1",
            "64MiB x",
            "99999999999GiB",
        ] {
            assert_eq!(parse_bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("14d"), Some(Duration::from_hours(14 * 24)));
        for wrong in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "1.5s",
            "5y",
            "99999999999999999999s",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
