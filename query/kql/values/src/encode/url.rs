//! Percent-encoding, as forms have it (`+` for a space) and as paths have it.

use crate::encode::bound;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("url_encode(url: string): string", url_encode),
        function(
            "url_encode_component(url: string): string",
            url_encode_component,
        ),
        function("url_decode(encoded_url: string): string", url_decode),
    ];
    table.into_iter().flatten().collect()
}

fn url_encode(context: &mut Context, arguments: &[Value]) -> Outcome {
    encode(context, arguments, "+")
}

fn url_encode_component(context: &mut Context, arguments: &[Value]) -> Outcome {
    encode(context, arguments, "%20")
}

fn encode(context: &Context, arguments: &[Value], space: &str) -> Outcome {
    let [Value::String(text)] = arguments else {
        return Ok(Value::Null);
    };
    bound(context, text.len().saturating_mul(3))?;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' => encoded.push(char::from(byte)),
            b' ' => encoded.push_str(space),
            _ => {
                encoded.push('%');
                encoded.extend(digits(byte));
            }
        }
    }
    Ok(Value::String(encoded))
}

fn digits(byte: u8) -> impl Iterator<Item = char> {
    [byte >> 4, byte & 15]
        .into_iter()
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
}

fn url_decode(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(text)] = arguments else {
        return Ok(Value::Null);
    };
    Ok(Value::String(decoded(text)))
}

/// A text with what is percent-encoded in it brought back; what is no encoding stays.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, encoded_byte(after)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn encoded_byte(after: &[u8]) -> Option<u8> {
    let digit = |place: usize| char::from(*after.get(place)?).to_digit(16);
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::check;

    #[test]
    fn a_url_as_part_of_another() {
        let url = "https://shop.example/a b?q=ä&x='1'";
        let encoded = "https%3a%2f%2fshop.example%2fa+b%3fq%3d%c3%a4%26x%3d%271%27";
        check("url_encode", &json!([url]), &json!(encoded));
        let component = encoded.replace('+', "%20");
        check("url_encode_component", &json!([url]), &json!(component));
        check("url_decode", &json!([encoded]), &json!(url));
        check("url_decode", &json!([component]), &json!(url));
    }

    #[test]
    fn what_is_no_encoding_stays() {
        check(
            "url_decode",
            &json!(["100% of %zz %4"]),
            &json!("100% of %zz %4"),
        );
        check("url_decode", &json!(["%41%2B"]), &json!("A+"));
        check("url_decode", &json!(["%ff"]), &json!("\u{fffd}"));
    }
}
