//! Texts compressed with gzip or zlib, as base64.

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
use miniz_oxide::inflate::{
    DecompressError, TINFLStatus, decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit,
};

use crate::encode::{base64, bound};
use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::Value;

/// Fast, and just wrapped: the levels that are used.
const FAST: u8 = 1;
const STORED: u8 = 0;

/// Magic number, method "deflate", no flags, no time, no hint, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function(
            "gzip_compress_to_base64_string(string: string): string",
            gzip,
        ),
        function(
            "gzip_decompress_from_base64_string(string: string): string",
            gunzip,
        ),
        function(
            "zlib_compress_to_base64_string(string: string): string",
            zlib,
        ),
        function(
            "zlib_decompress_from_base64_string(string: string): string",
            unzlib,
        ),
    ];
    table.into_iter().flatten().collect()
}

fn gzip(context: &mut Context, arguments: &[Value]) -> Outcome {
    compress(context, arguments, |bytes| {
        let length = u32::try_from(bytes.len()).unwrap_or_default();
        let checksum = crc32fast::hash(bytes).to_le_bytes();
        let deflated = compress_to_vec(bytes, level(bytes));
        [
            &GZIP_HEADER,
            deflated.as_slice(),
            &checksum,
            &length.to_le_bytes(),
        ]
        .concat()
    })
}

fn zlib(context: &mut Context, arguments: &[Value]) -> Outcome {
    compress(context, arguments, |bytes| {
        compress_to_vec_zlib(bytes, level(bytes))
    })
}

/// What would not get shorter is stored as it is, as by Kusto.
fn level(bytes: &[u8]) -> u8 {
    let is_shorter = compress_to_vec(bytes, FAST).len() < bytes.len();
    if is_shorter { FAST } else { STORED }
}

fn compress(context: &Context, arguments: &[Value], by: fn(&[u8]) -> Vec<u8>) -> Outcome {
    let [Value::String(text)] = arguments else {
        return Ok(Value::Null);
    };
    bound(context, text.len())?;
    Ok(Value::String(base64::encode(&by(text.as_bytes()))))
}

fn gunzip(context: &mut Context, arguments: &[Value]) -> Outcome {
    decompress(context, arguments, |bytes, limit| {
        let (header, rest) = bytes.split_first_chunk::<10>().unwrap_or((&[0; 10], &[]));
        let (deflated, trailer) = rest.split_last_chunk::<8>().unwrap_or((&[], &[0; 8]));
        let is_plain = header.starts_with(&[0x1f, 0x8b, 8, 0]);
        let inflated = if is_plain {
            decompress_to_vec_with_limit(deflated, limit)
        } else {
            Ok(Vec::new())
        }?;
        let [checksum @ .., _, _, _, _] = trailer;
        let is_whole = *checksum == crc32fast::hash(&inflated).to_le_bytes();
        Ok(if is_whole { inflated } else { Vec::new() })
    })
}

fn unzlib(context: &mut Context, arguments: &[Value]) -> Outcome {
    decompress(context, arguments, decompress_to_vec_zlib_with_limit)
}

/// Brings bytes back, at most so many.
type Decompress = fn(&[u8], usize) -> Result<Vec<u8>, DecompressError>;

fn decompress(context: &Context, arguments: &[Value], by: Decompress) -> Outcome {
    let bytes = match arguments {
        [Value::String(text)] => base64::decode(text).unwrap_or_default(),
        _ => Vec::new(),
    };
    let text = match by(&bytes, context.length_max) {
        Ok(inflated) => String::from_utf8(inflated).unwrap_or_default(),
        Err(error) if error.status == TINFLStatus::HasMoreOutput => {
            return Err(Failure(format!(
                "a compressed text holds more than {} bytes: leave such rows out",
                context.length_max
            )));
        }
        Err(_) => String::new(),
    };
    Ok(Value::String(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::{call, check};
    use crate::value::Value;

    #[track_caller]
    fn round_trip(method: &str, text: &str) -> usize {
        let packed = call(
            &format!("{method}_compress_to_base64_string"),
            &json!([text]),
        );
        let Ok(Value::String(packed)) = packed else {
            panic!("{packed:?}");
        };
        let name = format!("{method}_decompress_from_base64_string");
        check(&name, &json!([packed]), &json!(text));
        packed.len()
    }

    #[test]
    fn what_is_compressed_comes_back() {
        for method in ["gzip", "zlib"] {
            round_trip(method, "grüße");
            assert!(round_trip(method, &"GET /index.html\n".repeat(10_000)) < 4_000);
        }
        assert_eq!(round_trip("zlib", "0192837465afbecd"), 36);
    }

    #[test]
    fn others_can_read_it() {
        let made_by_python = "eJzLz0tVSE8sSVXIT1MoTi1LzQMANz8GOg==";
        check(
            "zlib_decompress_from_base64_string",
            &json!([made_by_python]),
            &json!("one gate of seven"),
        );
    }

    #[test]
    fn what_is_broken_is_empty() {
        for method in ["gzip", "zlib"] {
            let name = format!("{method}_decompress_from_base64_string");
            for text in ["", "x", "AAAA", "H4sIAAAAAAAA/w=="] {
                check(&name, &json!([text]), &json!(""));
            }
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&vec![b'a'; 1 << 21], 9);
        let text = crate::encode::base64::encode(&packed);
        let outcome = call("zlib_decompress_from_base64_string", &json!([text]));
        assert!(outcome.unwrap_err().0.contains("1048576 bytes"));
    }
}
