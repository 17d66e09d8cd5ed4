//! URLs and their queries.

use serde_json::Map;

use crate::function::{Context, Outcome, ScalarFunction, function};
use crate::parse::bag;
use crate::value::{Dynamic, Value};

const QUERY: &str = "Query Parameters";

pub(super) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("parse_url(url: string): dynamic", parse_url),
        function("parseurl(url: string): dynamic", parse_url),
        function("parse_urlquery(query: string): dynamic", parse_urlquery),
        function("parseurlquery(query: string): dynamic", parse_urlquery),
    ];
    table.into_iter().flatten().collect()
}

/// The parts as they are written: nothing is decoded, no port is left out.
fn parse_url(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(url)] = arguments else {
        return Ok(Value::Null);
    };
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once("://").unwrap_or(("", rest));
    let (authority, path) = if scheme.is_empty() {
        ("", rest)
    } else {
        let start = rest.find('/').unwrap_or(rest.len());
        rest.split_at(start)
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let (host, port) = split_port(host);
    let mut parts = bag([
        ("Scheme", scheme),
        ("Host", host),
        ("Port", port),
        ("Path", path),
        ("Username", user),
        ("Password", password),
        ("Fragment", fragment),
    ]);
    if let Some(parts) = parts.as_object_mut() {
        parts.insert(QUERY.to_owned(), parameters(query));
    }
    Ok(Value::Dynamic(parts))
}

fn split_port(host: &str) -> (&str, &str) {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((host, port)) if is_port(port) => (host, port),
        _ => (host, ""),
    }
}

fn parse_urlquery(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(query)] = arguments else {
        return Ok(Value::Null);
    };
    let query = query.strip_prefix('?').unwrap_or(query);
    let slot = (QUERY.to_owned(), parameters(query));
    Ok(Value::Dynamic(Dynamic::Object(Map::from_iter([slot]))))
}

fn parameters(query: &str) -> Dynamic {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let slots = pairs.map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.to_owned(), Dynamic::from(value))
    });
    Dynamic::Object(slots.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::calls::{call, check};
    use crate::value::{Dynamic, Value};

    #[track_caller]
    fn parts(url: &str, expected: &[(&str, &str)]) {
        let Ok(Value::Dynamic(Dynamic::Object(mut found))) = call("parse_url", &json!([url]))
        else {
            panic!("{url}");
        };
        assert_eq!(found.len(), 8);
        found.retain(|key, part| key != super::QUERY && part != "");
        let expected = expected.iter().copied();
        let expected = expected.map(|(key, part)| (key.to_owned(), Dynamic::from(part)));
        assert_eq!(found, expected.collect());
    }

    #[test]
    fn parts_as_they_are_written() {
        let all = "ftp://me:pw:1@Files.example:21/a/b%20c?x=1#top";
        parts(
            all,
            &[
                ("Scheme", "ftp"),
                ("Host", "Files.example"),
                ("Port", "21"),
                ("Path", "/a/b%20c"),
                ("Username", "me"),
                ("Password", "pw:1"),
                ("Fragment", "top"),
            ],
        );
        parts(
            "https://a.example",
            &[("Scheme", "https"), ("Host", "a.example")],
        );
        let ipv6 = [
            ("Scheme", "http"),
            ("Host", "[::1]"),
            ("Port", "80"),
            ("Path", "/"),
        ];
        parts("http://[::1]:80/?q", &ipv6);
        parts(
            "http://[::1]/",
            &[("Scheme", "http"), ("Host", "[::1]"), ("Path", "/")],
        );
        parts("/just/a/path", &[("Path", "/just/a/path")]);
        parts("", &[]);
    }

    #[test]
    fn a_query() {
        let parameters = json!({"Query Parameters": {"a": "1", "b": "", "c": "x=y%20z"}});
        check("parse_urlquery", &json!(["a=1&b&&c=x=y%20z"]), &parameters);
        check(
            "parse_urlquery",
            &json!(["?a=1"]),
            &json!({"Query Parameters": {"a": "1"}}),
        );
        check(
            "parseurlquery",
            &json!([""]),
            &json!({"Query Parameters": {}}),
        );
        let Ok(Value::Dynamic(url)) = call("parseurl", &json!(["http://h/?k=v"])) else {
            panic!();
        };
        assert_eq!(url["Query Parameters"], json!({"k": "v"}));
    }
}
