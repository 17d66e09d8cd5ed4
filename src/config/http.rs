//! Settings of HTTP: where it listens, TLS, `[limits]`.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::raw::{RawBytes, RawConfig, RawLimits, RawTls};
use super::{ConfigError, HttpConfig, TlsFiles, setting};
use crate::intake::Bounds;

/// The settings of HTTP, checked.
pub(super) fn checked(raw: &RawConfig) -> Result<HttpConfig, ConfigError> {
    let listen = raw
        .listen
        .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
    if !listen.ip().is_loopback() && raw.tls.is_none() && !raw.allow_insecure_listen {
        let reason = format!(
            "{listen} is reachable from other machines and there is no TLS: set [tls] certificate and key, \
             or allow_insecure_listen = true (--allow-insecure-listen) behind a proxy that has it"
        );
        return Err(setting("listen", reason));
    }
    let limits = &raw.limits;
    let body_bytes_max = limits.body_bytes.map_or(16 << 20, RawBytes::in_memory);
    let bounds = bounds(limits, body_bytes_max)?;
    Ok(HttpConfig {
        listen,
        tls: raw.tls.as_ref().map(tls).transpose()?,
        body_bytes_max,
        request_timeout: limits
            .request_timeout
            .map_or(Duration::from_mins(1), |timeout| timeout.0),
        ingest_rate: limits.ingest_requests_per_second.unwrap_or(500),
        request_rate: limits.requests_per_second.unwrap_or(200),
        address_rate: limits.address_requests_per_second.unwrap_or(1_000),
        ingest_kib_rate: limits
            .ingest_bytes_per_second
            .map(|bytes| u32::try_from(bytes.0.div_ceil(1024)).unwrap_or(u32::MAX)),
        bounds,
    })
}

fn bounds(limits: &RawLimits, body_bytes_max: usize) -> Result<Bounds, ConfigError> {
    let bytes_max = limits
        .decompressed_bytes
        .map_or_else(|| body_bytes_max.max(64 << 20), RawBytes::in_memory);
    let longest = body_bytes_max.saturating_add(bytes_max);
    let memory_bytes_max = limits
        .ingest_memory_bytes
        .map_or(longest.max(128 << 20), RawBytes::in_memory);
    if memory_bytes_max < longest {
        return Err(setting(
            "limits.ingest_memory_bytes",
            "must be at least limits.body_bytes and limits.decompressed_bytes together",
        ));
    }
    Ok(Bounds {
        bytes_max,
        concurrency: limits.ingest_concurrency.unwrap_or(8),
        memory_bytes_max,
    })
}

/// Both files, which must be readable; what is in them is looked at when they are used.
fn tls(raw: &RawTls) -> Result<TlsFiles, ConfigError> {
    let file = |key: &str, path: Option<&PathBuf>| {
        let path =
            path.ok_or_else(|| setting(key, "is missing: certificate and key come together"))?;
        File::open(path)
            .map_err(|error| setting(key, format!("read {}: {error}", path.display())))?;
        Ok(path.clone())
    };
    Ok(TlsFiles {
        certificate: file("tls.certificate", raw.certificate.as_ref())?,
        key: file("tls.key", raw.key.as_ref())?,
    })
}
