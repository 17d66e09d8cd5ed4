//! Fuzz targets: one for each decoder, and for what lies before them.
//!
//! The bytes that are drawn are a program that spoils a good body, so that they reach the depths of a
//! decoder; one program in eight is taken as the body itself. `cargo test` runs each target for a
//! moment; CONTRIBUTING.md says how to run them for an hour.

mod seeds;
mod spoil;

use std::time::{Duration, Instant};

use arrow::array::AsArray as _;
use proptest::prelude::*;
use store::{Timestamp, Workspace};

use crate::bounded::{self, Encoding};
use crate::csv::Rows;
use crate::decode::{Context, DecodeError, Decoded, Limits, decode};
use crate::envelope::Envelope;
use crate::mapping::Mappings;

/// Longest program: what to do, with what, and four bytes for each change.
const PROGRAM_BYTES: usize = 2 + 4 * spoil::CHANGES_MAX;

fn programs() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..=PROGRAM_BYTES)
}

/// What no input may need: so much time, and so much for each of its bytes. It is meant for a debug
/// build on a busy machine; one step that is quadratic in the body takes far more.
const TIME_MAX: Duration = Duration::from_secs(5);
const TIME_PER_BYTE_MAX: Duration = Duration::from_micros(100);

/// The same for the memory of the rows.
const MEMORY_MAX: usize = 4 << 20;
const MEMORY_PER_BYTE_MAX: usize = 400;

fn context<'a>(workspace: &'a Workspace, mappings: &'a Mappings) -> Context<'a> {
    Context {
        workspace,
        mappings,
        batch: "b",
        source: "fuzz",
        received: Timestamp::from_micros(1_700_000_000_000_000),
    }
}

/// Runs `act` and checks how long it took.
fn timed<T>(bytes: usize, act: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = act();
    let per_byte = TIME_PER_BYTE_MAX.saturating_mul(u32::try_from(bytes).unwrap());
    let (took, most) = (start.elapsed(), TIME_MAX.saturating_add(per_byte));
    assert!(took <= most, "{bytes} bytes took {took:?}");
    done
}

/// Records and broken parts that the walk over a body tells apart.
fn told_apart(body: &[u8], limits: &Limits) -> usize {
    if let Some(mut rows) = Rows::new(body, limits.record_bytes_max, limits.copies_max) {
        return std::iter::from_fn(|| rows.next()).count();
    }
    let mut envelope = Envelope::new(body, limits.record_bytes_max);
    std::iter::from_fn(|| envelope.next()).count()
}

fn memory(decoded: &Decoded) -> usize {
    let batches = decoded.parts.iter();
    batches
        .map(|(_, batch)| batch.get_array_memory_size())
        .sum()
}

fn rows(decoded: &Decoded) -> Vec<(store::Table, &arrow::array::RecordBatch)> {
    decoded
        .parts
        .iter()
        .map(|(table, batch)| (*table, batch))
        .collect()
}

/// What must hold of any body.
fn check_body(body: &[u8]) {
    let limits = Limits {
        copies_max: 1 << 20,
        ..Limits::default()
    };
    let workspace = Workspace::default();
    let mappings = Mappings::default();
    let context = context(&workspace, &mappings);
    let run = || decode(&context, &limits, body);
    let (first, second) = (timed(body.len(), run), run());
    match (first, second) {
        (Ok(first), Ok(second)) => {
            assert_eq!(rows(&first), rows(&second));
            let counts = |decoded: &Decoded| (decoded.accepted, decoded.quarantined);
            assert_eq!(counts(&first), counts(&second));
            let records = u64::try_from(told_apart(body, &limits)).unwrap();
            assert!(first.accepted + first.quarantined >= records, "{records}");
            let most = MEMORY_MAX + MEMORY_PER_BYTE_MAX * body.len();
            assert!(
                memory(&first) <= most,
                "{} of {} bytes",
                memory(&first),
                body.len()
            );
        }
        (Err(first), Err(second)) => {
            assert!(!matches!(first, DecodeError::Build(_)), "{first:?}");
            assert_eq!(first.to_string(), second.to_string());
        }
        (first, second) => panic!("{first:?} is not {second:?}"),
    }
    let tight = Limits {
        records_max: 20,
        record_bytes_max: 300,
        depth_max: 4,
        copies_max: 500,
        ..Limits::default()
    };
    drop(timed(body.len(), || decode(&context, &tight, body)));
}

/// A target for bodies that grow from these.
macro_rules! targets {
    ($($name:ident: $seeds:expr;)*) => {
        proptest! {
            $(
                #[test]
                fn $name(program in programs()) {
                    check_body(&spoil::body($seeds, &program));
                }
            )*
        }

        #[test]
        fn seeds_are_good() {
            for seed in [$($seeds),*].concat() {
                check_body(seed.as_bytes());
            }
        }
    };
}

targets! {
    envelopes: seeds::ENVELOPES;
    gateway_logs: seeds::GATEWAY;
    language_model_logs: seeds::LANGUAGE_MODEL;
    tool_logs: seeds::TOOL;
    web_socket_logs: seeds::WEB_SOCKET;
    developer_portal_logs: seeds::DEVELOPER_PORTAL;
    nsg_flow_logs: seeds::NSG;
    vnet_flow_logs: seeds::VNET;
    flow_rows: seeds::FLOW_ROWS;
    activity_logs: seeds::ACTIVITY;
    sign_in_logs: seeds::SIGN_IN;
    audit_logs: seeds::AUDIT;
    key_vault_logs: seeds::KEY_VAULT;
    application_gateway_logs: seeds::APPLICATION_GATEWAY;
    other_logs: seeds::OTHER;
    broken_objects: seeds::BROKEN;
    files_of_rows: seeds::CSV;
}

proptest! {
    #[test]
    fn times(program in programs()) {
        let text = spoil::body(seeds::TIMES, &program);
        let text = String::from_utf8_lossy(&text);
        let parsed = timed(text.len(), || crate::time::parse_or_count(&text));
        prop_assert_eq!(parsed, crate::time::parse_or_count(&text));
        if let Some(instant) = parsed {
            // What is read can be written, and read again.
            prop_assert_eq!(crate::time::parse(&instant.to_rfc3339()), Some(instant));
        }
    }

    #[test]
    fn compressed_bodies(program in programs()) {
        const BYTES_MAX: usize = 10_000;
        for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Identity] {
            let body = spoil::compressed(encoding, &program);
            let length = body.len() + BYTES_MAX;
            let plain = timed(length, || bounded::decompress(encoding, body.into(), BYTES_MAX));
            if let Ok(plain) = plain {
                prop_assert!(plain.len() <= BYTES_MAX);
            }
        }
    }

    /// However a good record is spoiled, its neighbours on other lines come through.
    #[test]
    fn neighbours(program in programs()) {
        let spoiled = spoil::body(seeds::GATEWAY, &program);
        let good = r#"{"time":"2026-03-04T05:06:07Z","category":"GatewayLogs","resourceId":"/r"}"#;
        let lines = [good.as_bytes(), &spoiled, good.as_bytes(), good.as_bytes()];
        let body = lines.join(&b'\n');
        let workspace = Workspace::default();
        let mappings = Mappings::default();
        let context = context(&workspace, &mappings);
        let Ok(decoded) = decode(&context, &Limits::default(), &body) else {
            panic!("the first record is good");
        };
        let tables = rows(&decoded);
        let kept = tables.iter().map(|(_, batch)| {
            let resources = batch.column_by_name("_ResourceId");
            resources.map_or(0, |ids| {
                let ids = arrow::compute::cast(ids, &arrow::datatypes::DataType::Utf8).unwrap();
                let ids = ids.as_string::<i32>();
                ids.iter().filter(|id| *id == Some("/r")).count()
            })
        });
        let kept: usize = kept.sum();
        prop_assert!(kept >= 3, "{kept} of 3 in {}", String::from_utf8_lossy(&body));
    }
}
