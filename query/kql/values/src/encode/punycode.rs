//! Punycode of texts and of the labels of domain names.

use idna::punycode::{decode_to_string, encode_str};

use crate::encode::bound;
use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::value::Value;

/// Longest text, in bytes: punycode takes time by the square of the length.
const LENGTH_MAX: usize = 4_096;

/// The dots that may stand between labels.
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("punycode_from_string(string: string): string", from_string),
        function("punycode_to_string(string: string): string", to_string),
        function(
            "punycode_domain_from_string(string: string): string",
            domain_decode,
        ),
        function(
            "punycode_domain_to_string(string: string): string",
            domain_encode,
        ),
    ];
    table.into_iter().flatten().collect()
}

fn convert(context: &Context, arguments: &[Value], by: fn(&str) -> Option<String>) -> Outcome {
    let text = match arguments {
        [Value::String(text)] if text.len() <= LENGTH_MAX => by(text).unwrap_or_default(),
        _ => String::new(),
    };
    bound(context, text.len())?;
    Ok(Value::String(text))
}

fn from_string(context: &mut Context, arguments: &[Value]) -> Outcome {
    convert(context, arguments, encode_str)
}

fn to_string(context: &mut Context, arguments: &[Value]) -> Outcome {
    convert(context, arguments, decode_to_string)
}

/// Despite its name it takes the encoded form, as Kusto's does.
fn domain_decode(context: &mut Context, arguments: &[Value]) -> Outcome {
    convert(context, arguments, |domain| {
        labels(domain, |label| match label.strip_prefix("xn--") {
            Some(encoded) => decode_to_string(encoded),
            None => Some(label.to_owned()),
        })
    })
}

fn domain_encode(context: &mut Context, arguments: &[Value]) -> Outcome {
    convert(context, arguments, |domain| {
        labels(domain, |label| {
            if label.is_ascii() {
                return Some(label.to_owned());
            }
            Some(format!("xn--{}", encode_str(label)?))
        })
    })
}

fn labels(domain: &str, by: fn(&str) -> Option<String>) -> Option<String> {
    let labels: Option<Vec<String>> = domain.split(DOTS).map(by).collect();
    Some(labels?.join("."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::check;

    #[test]
    fn texts() {
        check(
            "punycode_from_string",
            &json!(["Bücher"]),
            &json!("Bcher-kva"),
        );
        check(
            "punycode_to_string",
            &json!(["Bcher-kva"]),
            &json!("Bücher"),
        );
        check("punycode_to_string", &json!(["ü"]), &json!(""));
    }

    #[test]
    fn domains() {
        let (plain, encoded) = (
            "www.Straßen-Käse.example",
            "www.xn--Straen-Kse-83a8d.example",
        );
        check(
            "punycode_domain_to_string",
            &json!([plain]),
            &json!(encoded),
        );
        check(
            "punycode_domain_from_string",
            &json!([encoded]),
            &json!(plain),
        );
        check(
            "punycode_domain_to_string",
            &json!(["a\u{3002}b"]),
            &json!("a.b"),
        );
        check(
            "punycode_domain_from_string",
            &json!(["xn--\u{fc}.example"]),
            &json!(""),
        );
    }
}
