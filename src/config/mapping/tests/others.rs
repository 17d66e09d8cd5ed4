//! What presets make of records that their first readers did not think of.

use super::{decode, row};

/// A column of the row that the presets make of a record.
#[track_caller]
fn check(record: &str, expected: &[(&str, Option<&str>)]) {
    let row = row("", record);
    for (name, value) in expected {
        let found = row.get(*name).map(String::as_str);
        assert_eq!(found, *value, "{name} of {record}");
    }
}

const ENVOY: &str = r#"{"start_time":"2026-11-24T03:00:00.000Z","method":"GET","path":"/a","authority":"api.example",
    "response_code":CODE,"response_flags":"DC","downstream_remote_address":"192.0.2.7:5"}"#;

const NGINX: &str = r#"{"time_iso8601":"2026-11-24T03:00:00+00:00","remote_addr":"192.0.2.7","remote_user":"eve",
    "request":"GET /a HTTP/1.1","status":"CODE"}"#;

const COMBINED: &str =
    r#"192.0.2.7 - eve [24/Nov/2026:03:00:00 +0000] "GET /a HTTP/1.1" CODE 0 "-" "curl""#;

const KONG: &str = r#"{"started_at":1726783837885,"client_ip":"192.0.2.7","latencies":{"proxy":1,"request":2},
    "request":{"method":"GET","uri":"/a"},"response":{"status":CODE},"source":"upstream","upstream_uri":"/a",
    "service":{"protocol":"https","host":"orders.internal","port":PORT}}"#;

const AWS: &str = r#"{"requestId":"r","ip":"192.0.2.7","requestTime":"24/Nov/2026:03:00:00 +0000","httpMethod":"GET",
    "routeKey":"GET /pets","status":"CODE"}"#;

const SPAN: &str = r#"{"time":"2026-11-24T03:00:00Z","http.request.method":"GET","url.path":"/a","http.response.status_code":CODE}"#;

#[test]
fn a_request_without_an_answer_is_no_success() {
    for form in [ENVOY, NGINX, COMBINED, KONG, AWS, SPAN] {
        let is_json_number = !form.contains("\"CODE\"") && form.starts_with('{');
        let none = if is_json_number { "0" } else { "000" };
        for (code, expected) in [
            (none, "false"),
            ("101", "false"),
            ("200", "true"),
            ("399", "true"),
            ("400", "false"),
        ] {
            let record = form.replace("CODE", code).replace("PORT", "443");
            check(&record, &[("IsRequestSuccess", Some(expected))]);
        }
    }
}

#[test]
fn a_name_that_nobody_accepted_is_no_credential() {
    for form in [NGINX, COMBINED] {
        for (code, credential) in [("000", None), ("401", None), ("204", Some("eve"))] {
            let record = form.replace("CODE", code);
            check(
                &record,
                &[("ApimSubscriptionId", credential), ("UserId", Some("eve"))],
            );
        }
    }
}

#[test]
fn who_answered_is_the_source_of_an_error_only_if_there_is_one() {
    let kong = KONG.replace("PORT", "8443");
    let url = ("BackendUrl", Some("https://orders.internal:8443/a"));
    check(
        &kong.replace("CODE", "502"),
        &[("LastErrorSource", Some("upstream")), url],
    );
    check(
        &kong.replace("CODE", "200"),
        &[("LastErrorSource", None), url],
    );
    let usual = KONG.replace("PORT", "443").replace("CODE", "200");
    let url = ("BackendUrl", Some("https://orders.internal/a"));
    check(&usual, &[url]);
}

#[test]
fn json_of_ingress_nginx_and_its_like() {
    let ingress = r#"{"time":"2018-07-27T10:00:00+00:00","remote_addr":"192.0.2.7","x_forwarded_for":"192.0.2.7","request_id":"r",
        "remote_user":"","bytes_sent":12,"request_time":0.001,"status":401,"vhost":"api.example","request_proto":"HTTP/1.1",
        "path":"/v1/a","request_query":"k=1","request_length":200,"duration":0.001,"method":"GET","http_user_agent":"curl"}"#;
    check(
        ingress,
        &[
            ("SourceSystem", Some("nginx")),
            ("TimeGenerated", Some("2018-07-27T10:00:00.000000Z")),
            ("CallerIpAddress", Some("192.0.2.7")),
            ("Method", Some("GET")),
            ("Url", Some("//api.example/v1/a?k=1")),
            ("ResponseCode", Some("401")),
            ("IsRequestSuccess", Some("false")),
            ("TotalTime", Some("1")),
            ("LastErrorReason", Some("SubscriptionKeyInvalid")),
        ],
    );
    let graylog = r#"{"timestamp":"2020-08-04T10:57:00+02:00","remote_addr":"192.0.2.7","body_bytes_sent":18752,"request_time":0.000,
        "response_status":403,"request":"GET /.git/HEAD HTTP/1.1","request_method":"GET","host":"192.0.2.1","http_scheme":"http",
        "upstream_addr":"-","http_user_agent":"curl"}"#;
    check(
        graylog,
        &[
            ("TimeGenerated", Some("2020-08-04T08:57:00.000000Z")),
            ("Url", Some("http://192.0.2.1/.git/HEAD")),
            ("ResponseCode", Some("403")),
            ("IsRequestSuccess", Some("false")),
        ],
    );
    for time in [r#""1596531420.5""#, "1596531420.5", "1596531420500"] {
        let since = graylog.replace(r#""2020-08-04T10:57:00+02:00""#, time);
        check(
            &since,
            &[("TimeGenerated", Some("2020-08-04T08:57:00.500000Z"))],
        );
    }
    let own =
        r#"{"time":"2026-01-01T00:00:00Z","remote_addr":"192.0.2.7","status":"ok","path":"/x"}"#;
    let decoded = decode("", own.as_bytes());
    assert_eq!((decoded.accepted, decoded.quarantined), (0, 1));
}
