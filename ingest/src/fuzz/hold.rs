//! What must hold of any bytes.

use std::time::{Duration, Instant};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::DataType;
use store::{Table, Timestamp, Workspace};

use crate::bounded::{self, Encoding};
use crate::csv::Rows;
use crate::decode::{Context, DecodeError, Decoded, Limits, decode};
use crate::envelope::Envelope;
use crate::json::{Fields, ObjectWriter};
use crate::mapping::{self, Mappings};
use crate::otlp::{OtlpEncoding, decode_otlp};
use crate::split::{self, End, PartLimits};

/// What no input may need: so much time, and so much for each of its bytes. It is meant for a debug
/// build on a busy machine; one step that is quadratic in the body takes far more.
const TIME_MAX: Duration = Duration::from_secs(5);
const TIME_PER_BYTE_MAX: Duration = Duration::from_micros(100);

/// The same for the memory of the rows.
const MEMORY_MAX: usize = 4 << 20;
const MEMORY_PER_BYTE_MAX: usize = 400;

/// Longest body once decompressed, where that is what is looked at.
const PLAIN_BYTES_MAX: usize = 10_000;

/// A body that gives rows, by whichever door.
type Read<'r> = &'r dyn Fn(&Context<'_>, &Limits) -> Result<Decoded, DecodeError>;

fn with_context<T>(act: impl FnOnce(&Context<'_>) -> T) -> T {
    act(&Context {
        workspace: &Workspace::default(),
        mappings: &Mappings::default(),
        batch: "b",
        source: "fuzz",
        received: Timestamp::from_micros(1_700_000_000_000_000),
    })
}

/// Runs `act` and checks how long it took.
fn timed<T>(bytes: usize, act: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = act();
    let per_byte = TIME_PER_BYTE_MAX.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX));
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

fn rows(decoded: &Decoded) -> Vec<(Table, &RecordBatch)> {
    let parts = decoded.parts.iter();
    parts.map(|(table, batch)| (*table, batch)).collect()
}

/// Read twice it gives the same, in bounded time, and never fails for a reason of ours. Gives the rows.
fn read_twice(bytes: usize, read: Read<'_>) -> Option<Decoded> {
    let limits = Limits {
        copies_max: 1 << 20,
        ..Limits::default()
    };
    let decoded = with_context(|context| {
        let first = timed(bytes, || read(context, &limits));
        match (first, read(context, &limits)) {
            (Ok(first), Ok(second)) => {
                assert_eq!(rows(&first), rows(&second));
                let counts = |decoded: &Decoded| (decoded.accepted, decoded.quarantined);
                assert_eq!(counts(&first), counts(&second));
                Some(first)
            }
            (Err(first), Err(second)) => {
                assert!(!matches!(first, DecodeError::Build(_)), "{first:?}");
                assert_eq!(first.to_string(), second.to_string());
                None
            }
            (first, second) => {
                assert!(
                    first.is_ok() == second.is_ok(),
                    "{first:?} is not {second:?}"
                );
                None
            }
        }
    });
    let tight = Limits {
        records_max: 20,
        record_bytes_max: 300,
        depth_max: 4,
        copies_max: 500,
        ..Limits::default()
    };
    with_context(|context| drop(timed(bytes, || read(context, &tight))));
    decoded
}

/// Of a body.
pub(super) fn body(body: &[u8]) {
    let Some(decoded) = read_twice(body.len(), &|context, limits| decode(context, limits, body))
    else {
        return;
    };
    let records = told_apart(body, &Limits::default()) as u64;
    assert!(
        decoded.accepted + decoded.quarantined >= records,
        "{records}"
    );
    let most = MEMORY_MAX + MEMORY_PER_BYTE_MAX * body.len();
    let taken = memory(&decoded);
    assert!(taken <= most, "{taken} of {} bytes", body.len());
}

/// However a record is spoiled, its neighbours on other lines come through.
pub(super) fn neighbours(spoiled: &[u8]) {
    let good = r#"{"time":"2026-03-04T05:06:07Z","category":"GatewayLogs","resourceId":"/r"}"#;
    let lines = [good.as_bytes(), spoiled, good.as_bytes(), good.as_bytes()];
    let body = lines.join(&b'\n');
    let decoded = with_context(|context| decode(context, &Limits::default(), &body));
    let kept = decoded.as_ref().map_or(0, |decoded| {
        let batches = rows(decoded).into_iter();
        batches.map(|(_, batch)| of_good(batch)).sum()
    });
    assert!(
        kept >= 3,
        "{kept} of 3 in {}",
        String::from_utf8_lossy(&body)
    );
}

/// Rows of the resource `/r`.
fn of_good(batch: &RecordBatch) -> usize {
    let resources = batch.column_by_name("_ResourceId");
    let texts = resources.and_then(|ids| arrow::compute::cast(ids, &DataType::Utf8).ok());
    let texts = texts.as_ref().and_then(|ids| ids.as_string_opt::<i32>());
    texts.map_or(0, |ids| ids.iter().filter(|id| *id == Some("/r")).count())
}

/// Of a text that is read in parts: they follow each other to its end, and each can be read.
pub(super) fn parts(text: &[u8]) {
    let limits = PartLimits {
        bytes_usual: 500,
        record_bytes_max: 300,
        records_max: 20,
    };
    timed(text.len(), || {
        let mut at = 0;
        while let Some(window) = text.get(at..) {
            let part = split::part(window, End::Final, &limits);
            assert!(
                part.first_end <= part.end && part.end <= window.len(),
                "{part:?}"
            );
            if part.records == 0 {
                break;
            }
            assert!(part.end > 0, "{part:?}");
            assert_eq!(part.body(window).len(), part.end);
            at += part.end;
        }
    });
    timed(text.len(), || parts_of_rows(text, &limits));
    read_twice(text.len(), &|context, limits| {
        crate::decode_part(context, limits, text)
    });
}

/// The same if it is comma-separated values: no row is left out.
fn parts_of_rows(text: &[u8], limits: &PartLimits) {
    let Some(mut at) = split::names_end(text) else {
        return;
    };
    while let Some(window) = text.get(at..) {
        let part = split::rows(window, 0, End::Final, limits);
        if part.records == 0 {
            assert!(window.trim_ascii_start().is_empty(), "{part:?}");
            break;
        }
        assert!(0 < part.end && part.end <= window.len(), "{part:?}");
        at += part.end;
    }
}

/// Of a body of Elasticsearch's bulk API: each action is told what became of it.
pub(super) fn bulk(body: &[u8]) {
    read_twice(body.len(), &|context, limits| {
        let (decoded, items) = crate::decode_bulk(context, limits, body, None)?;
        assert!(items.len() <= limits.records_max, "{} items", items.len());
        Ok(decoded)
    });
}

/// Of a body of OTLP in JSON.
pub(super) fn otlp_json(body: &[u8]) {
    otlp(body, OtlpEncoding::Json);
}

/// Of a body of OTLP in protobuf.
pub(super) fn otlp_protobuf(body: &[u8]) {
    otlp(body, OtlpEncoding::Protobuf);
}

fn otlp(body: &[u8], encoding: OtlpEncoding) {
    read_twice(body.len(), &|context, limits| {
        let (decoded, reason) = decode_otlp(context, limits, body, encoding)?;
        assert_eq!(reason.is_some(), decoded.quarantined > 0, "{reason:?}");
        Ok(decoded)
    });
}

/// Of a line of text: what is read of it is an object.
pub(super) fn combined_line(line: &[u8]) {
    let mut object = ObjectWriter::default();
    if timed(line.len(), || mapping::parse_line(line, &mut object)) {
        let text = object.finish();
        assert!(
            text.is_some_and(|text| Fields::parse(text).is_some()),
            "{text:?}"
        );
    }
}

/// Of a text that may be a time.
pub(super) fn time(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let parsed = timed(text.len(), || crate::time::parse_or_count(&text));
    assert_eq!(parsed, crate::time::parse_or_count(&text));
    if let Some(instant) = parsed {
        // What is read can be written, and read again.
        assert_eq!(crate::time::parse(&instant.to_rfc3339()), Some(instant));
    }
}

/// Of a compressed body: it does not grow beyond its bound.
pub(super) fn compressed(body: &[u8]) {
    for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Identity] {
        let bytes = body.len() + PLAIN_BYTES_MAX;
        let plain = timed(bytes, || {
            bounded::decompress(encoding, body.to_vec().into(), PLAIN_BYTES_MAX)
        });
        assert!(plain.is_err() || plain.is_ok_and(|plain| plain.len() <= PLAIN_BYTES_MAX));
    }
}
