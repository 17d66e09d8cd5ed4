//! Base64 of texts, byte arrays and guids.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::encode::bound;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

/// Padding is needed, as in Kusto; bits past the last byte don't matter.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function(
            "base64_encode_tostring(string: string): string",
            encode_tostring,
        ),
        function(
            "base64_encodestring(string: string): string",
            encode_tostring,
        ),
        function(
            "base64_encode_fromguid(guid: guid): string",
            encode_fromguid,
        ),
        function(
            "base64_encode_fromarray(bytes: dynamic): string",
            encode_fromarray,
        ),
        function(
            "base64_decode_tostring(base64_string: string): string",
            decode_tostring,
        ),
        function(
            "base64_decodestring(base64_string: string): string",
            decode_tostring,
        ),
        function(
            "base64_decode_toarray(base64_string: string): dynamic",
            decode_toarray,
        ),
        function(
            "base64_decode_toguid(base64_string: string): guid",
            decode_toguid,
        ),
    ];
    table.into_iter().flatten().collect()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

fn encode_tostring(context: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(text)] = arguments else {
        return Ok(Value::Null);
    };
    bound(context, text.len().saturating_mul(4) / 3)?;
    Ok(Value::String(encode(text.as_bytes())))
}

fn encode_fromguid(_: &mut Context, arguments: &[Value]) -> Outcome {
    let encoded = match arguments {
        [Value::Guid(guid)] => encode(&mixed_order(guid.to_be_bytes())),
        _ => String::new(),
    };
    Ok(Value::String(encoded))
}

fn encode_fromarray(_: &mut Context, arguments: &[Value]) -> Outcome {
    let byte = |item: &Dynamic| item.as_i64().and_then(|item| u8::try_from(item).ok());
    let bytes: Option<Vec<u8>> = match arguments {
        [Value::Dynamic(Dynamic::Array(items))] => items.iter().map(byte).collect(),
        _ => None,
    };
    let encoded = bytes.map(|bytes| encode(&bytes)).unwrap_or_default();
    Ok(Value::String(encoded))
}

fn decode_tostring(_: &mut Context, arguments: &[Value]) -> Outcome {
    let text = match arguments {
        [Value::String(text)] => decode(text).and_then(|bytes| String::from_utf8(bytes).ok()),
        _ => None,
    };
    Ok(Value::String(text.unwrap_or_default()))
}

fn decode_toarray(_: &mut Context, arguments: &[Value]) -> Outcome {
    let bytes = match arguments {
        [Value::String(text)] => decode(text),
        _ => None,
    };
    let list = |bytes: Vec<u8>| Value::list(bytes.into_iter().map(Dynamic::from));
    Ok(bytes.map_or(Value::Null, list))
}

fn decode_toguid(_: &mut Context, arguments: &[Value]) -> Outcome {
    let bytes: Option<[u8; 16]> = match arguments {
        [Value::String(text)] => decode(text).and_then(|bytes| bytes.try_into().ok()),
        _ => None,
    };
    let guid = |bytes| Value::Guid(u128::from_be_bytes(mixed_order(bytes)));
    Ok(bytes.map_or(Value::Null, guid))
}

/// A guid's bytes as .NET stores them: its first three groups are little-endian. Its own inverse.
pub(super) fn mixed_order(bytes: [u8; 16]) -> [u8; 16] {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    ORDER.map(|place| bytes.get(place).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::check;
    use crate::function::Context;
    use crate::value::Value;

    #[test]
    fn texts() {
        check(
            "base64_encode_tostring",
            &json!(["gate 7"]),
            &json!("Z2F0ZSA3"),
        );
        check(
            "base64_decode_tostring",
            &json!(["Z2F0ZSA3"]),
            &json!("gate 7"),
        );
        check("base64_decode_tostring", &json!(["Z2F0ZQ"]), &json!(""));
        check("base64_decode_tostring", &json!(["/w=="]), &json!(""));
        check("base64_encodestring", &json!([""]), &json!(""));
        check("base64_decodestring", &json!(["Z2F0ZQ=="]), &json!("gate"));
    }

    #[test]
    fn bytes() {
        check(
            "base64_decode_toarray",
            &json!(["/wAB"]),
            &json!([255, 0, 1]),
        );
        check("base64_decode_toarray", &json!(["?"]), &json!(null));
        check(
            "base64_encode_fromarray",
            &json!([[255, 0, 1]]),
            &json!("/wAB"),
        );
        check("base64_encode_fromarray", &json!([[256]]), &json!(""));
    }

    #[test]
    fn a_guid_and_back() {
        let guid = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
        let context = &mut Context::new(0);
        let text = super::encode_fromguid(context, &[Value::Guid(guid)]).unwrap();
        assert_eq!(text, Value::String("MyIRAFVEd2aImaq7zN3u/w==".to_owned()));
        assert_eq!(
            super::decode_toguid(context, &[text]),
            Ok(Value::Guid(guid))
        );
        check("base64_encode_fromguid", &json!([null]), &json!(""));
        check("base64_decode_toguid", &json!(["Z2F0ZQ=="]), &json!(null));
    }
}
