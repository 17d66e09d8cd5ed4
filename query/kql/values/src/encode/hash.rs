//! Hashes. `hash` is xxHash64 of a value's bytes; the cryptographic ones are of its text.

use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;
use sha2::digest::Digest;
use xxhash_rust::xxh64::xxh64;

use crate::convert::TICKS_TO_1970;
use crate::encode::base64::mixed_order;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("hash(source: any, mod?: long): long", hash),
        function("hash_xxhash64(source: any, mod?: long): long", hash),
        function("hash_combine(hash...: long): long", hash_combine),
        function("hash_many(source...: any): long", hash_many),
        function("hash_md5(source: any): string", hash_text::<Md5>),
        function("hash_sha1(source: any): string", hash_text::<Sha1>),
        function("hash_sha256(source: any): string", hash_text::<Sha256>),
    ];
    table.into_iter().flatten().collect()
}

/// Of a value's bytes, little-endian; datetimes are counted from year 1 as .NET does.
fn xxhash(value: &Value) -> u64 {
    match value {
        Value::Null => xxh64(&[], 0),
        Value::Bool(value) => xxh64(&[u8::from(*value)], 0),
        Value::Int(value) => xxh64(&value.to_le_bytes(), 0),
        Value::Long(value) | Value::TimeSpan(value) => xxh64(&value.to_le_bytes(), 0),
        Value::Real(value) => xxh64(&value.to_le_bytes(), 0),
        Value::Decimal(value) => xxh64(&value.to_le_bytes(), 0),
        Value::String(text) => xxh64(text.as_bytes(), 0),
        Value::DateTime(ticks) => xxh64(&ticks.saturating_add(TICKS_TO_1970).to_le_bytes(), 0),
        Value::Guid(guid) => xxh64(&mixed_order(guid.to_be_bytes()), 0),
        Value::Dynamic(Dynamic::String(text)) => xxh64(text.as_bytes(), 0),
        Value::Dynamic(_) => xxh64(value.to_text().as_bytes(), 0),
    }
}

fn hash(_: &mut Context, arguments: &[Value]) -> Outcome {
    let remainder = |value: &Value, divisor: i64| {
        let divisor = u64::try_from(divisor).ok()?;
        let remainder = xxhash(value).checked_rem(divisor)?;
        i64::try_from(remainder).ok()
    };
    Ok(match arguments {
        [Value::Null, ..] => Value::Null,
        [value] => Value::Long(xxhash(value).cast_signed()),
        [value, Value::Long(divisor)] => {
            remainder(value, *divisor).map_or(Value::Null, Value::Long)
        }
        _ => Value::Null,
    })
}

fn hash_combine(_: &mut Context, arguments: &[Value]) -> Outcome {
    let hash = |value: &Value| match value {
        Value::Long(hash) => Some(hash.cast_unsigned()),
        _ => None,
    };
    let hashes: Option<Vec<u64>> = arguments.iter().map(hash).collect();
    let combined = |hashes: Vec<u64>| Value::Long(combined(hashes).cast_signed());
    Ok(hashes.map_or(Value::Null, combined))
}

fn hash_many(_: &mut Context, arguments: &[Value]) -> Outcome {
    let combined = combined(arguments.iter().map(xxhash));
    Ok(Value::Long(combined.cast_signed()))
}

/// Several hashes as one, in which their order counts.
fn combined(hashes: impl IntoIterator<Item = u64>) -> u64 {
    const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
    let combine = |seed: u64, hash: u64| {
        let shifted = (seed << 6).wrapping_add(seed >> 2);
        seed ^ hash.wrapping_add(GOLDEN_RATIO).wrapping_add(shifted)
    };
    hashes.into_iter().reduce(combine).unwrap_or_default()
}

fn hash_text<D: Digest>(_: &mut Context, arguments: &[Value]) -> Outcome {
    Ok(match arguments {
        [Value::Null] => Value::String(String::new()),
        [value] => Value::String(hex(&D::digest(value.to_text().as_bytes()))),
        _ => Value::Null,
    })
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::calls::check;

    #[test]
    fn digests_of_texts() {
        check(
            "hash_md5",
            &json!(["gate"]),
            &json!("63d721d24d2dde776e05e4b8c47f08a3"),
        );
        check(
            "hash_sha1",
            &json!(["gate"]),
            &json!("3c5b492776742690efb6a0f1fd8508693400e2cc"),
        );
        check(
            "hash_sha256",
            &json!([7]),
            &json!("7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451"),
        );
        check("hash_sha256", &json!([null]), &json!(""));
    }

    #[test]
    fn a_quick_hash() {
        check(
            "hash",
            &json!(["gate"]),
            &json!(-761_692_165_819_387_178_i64),
        );
        check(
            "hash_xxhash64",
            &json!(["gate"]),
            &json!(-761_692_165_819_387_178_i64),
        );
        check("hash", &json!([7]), &json!(609_900_476_111_905_877_i64));
        check("hash", &json!(["gate", 10]), &json!(8));
        check("hash", &json!(["gate", 0]), &json!(null));
        check("hash", &json!([null]), &json!(null));
    }

    #[test]
    fn a_datetime_counts_from_year_one() {
        let new_millennium = Value::DateTime(9_466_848_000_000_000);
        let ticks = 630_822_816_000_000_000_i64;
        assert_eq!(xxhash(&new_millennium), xxh64(&ticks.to_le_bytes(), 0));
    }

    #[test]
    fn the_order_of_combined_hashes_counts() {
        let many = |items: [&str; 2]| {
            let items = items.map(|item| Value::String(item.to_owned()));
            hash_many(&mut Context::new(0), &items).unwrap()
        };
        assert_ne!(many(["a", "b"]), many(["b", "a"]));
        let hashes = ["a", "b"].map(|item| Value::Long(xxh64(item.as_bytes(), 0).cast_signed()));
        let combined = hash_combine(&mut Context::new(0), &hashes);
        assert_eq!(combined, Ok(many(["a", "b"])));
        check(
            "hash_many",
            &json!([1]),
            &crate::calls::call("hash", &json!([1])).unwrap().to_json(),
        );
        check("hash_combine", &json!([1, null]), &json!(null));
    }
}
