//! Presets on records as those gateways write them, made after the vendors' documentation.

use std::fs;
use std::path::Path;

use super::{check, decode, row, try_decode};
use crate::commands::mapping::mapped_rows;

const KONG: &str = r#"{
  "response":{"size":9982,"headers":{"content-type":"text/html","x-kong-request-id":"2f69"},"status":200},
  "route":{"name":"example_route","id":"cdfc","paths":["/anything"]},
  "workspace":"469f","workspace_name":"default","tries":[{"balancer_latency":0,"port":80,"ip":"3.210.94.60"}],
  "client_ip":"192.0.2.60",
  "request":{"querystring":{},"size":119,"uri":"/anything?a=1","url":"http://localhost:8000/anything?a=1","method":"GET",
    "headers":{"host":"localhost:8000","user-agent":"curl/8.6.0"},"id":"2f69","tls":{"version":"TLSv1.3","cipher":"X"}},
  "upstream_uri":"/anything?a=1","started_at":1726783837885,"source":"upstream","upstream_status":"200",
  "latencies":{"kong":1,"proxy":171,"request":173.5,"receive":1},
  "service":{"name":"example_service","host":"httpbin.konghq.com","protocol":"http","id":"a1b2"},
  "consumer":{"username":"partner-a","id":"c1"},"authenticated_entity":{"id":"key-1"}
}"#;

#[test]
fn kong() {
    let rest = r#"{"response":{},"route":{"id":"cdfc","paths":["/anything"]},"workspace":"469f","tries":[{"balancer_latency":0,"port":80,"ip":"3.210.94.60"}],"request":{"querystring":{},"uri":"/anything?a=1","tls":{"version":"TLSv1.3","cipher":"X"}},"source":"upstream","latencies":{"kong":1,"request":173.5,"receive":1},"consumer":{"id":"c1"}}"#;
    let rest = rest.replace(r#""response":{},"#, "");
    let expected = [
        ("TimeGenerated", "2024-09-19T22:10:37.885000Z"),
        ("SourceSystem", "Kong"),
        ("CorrelationId", "2f69"),
        ("CallerIpAddress", "192.0.2.60"),
        ("Method", "GET"),
        ("Url", "http://localhost:8000/anything?a=1"),
        ("ResponseCode", "200"),
        ("IsRequestSuccess", "true"),
        ("RequestSize", "119"),
        ("ResponseSize", "9982"),
        ("TotalTime", "174"),
        ("BackendTime", "171"),
        ("ClientTlsVersion", "1.3"),
        ("ApiId", "example_service"),
        ("OperationId", "example_route"),
        ("WorkspaceId", "default"),
        ("ApimSubscriptionId", "key-1"),
        ("UserId", "partner-a"),
        ("BackendId", "a1b2"),
        ("BackendUrl", "http://httpbin.konghq.com/anything?a=1"),
        ("BackendResponseCode", "200"),
        (
            "RequestHeaders",
            r#"{"host":"localhost:8000","user-agent":"curl/8.6.0"}"#,
        ),
        (
            "ResponseHeaders",
            r#"{"content-type":"text/html","x-kong-request-id":"2f69"}"#,
        ),
        ("AdditionalFields", &rest),
    ];
    check("", KONG, &expected);
}

#[test]
fn kong_refuses_a_key() {
    let record = r#"{"request":{"method":"GET","uri":"/a","url":"https://k.example:8443/a","size":"75","headers":{}},
        "response":{"status":401,"size":"434","headers":{}},"latencies":{"kong":2,"proxy":-1,"request":3},"client_ip":"192.0.2.1",
        "started_at":1726783837885,"upstream_uri":"","route":{"id":"r"},"service":{"id":"s","host":"h"},"source":"exit"}"#;
    let row = row("", record);
    assert_eq!(row["LastErrorReason"], "SubscriptionKeyInvalid");
    assert_eq!(
        (
            row["ApiId"].as_str(),
            row["OperationId"].as_str(),
            row["ResponseSize"].as_str()
        ),
        ("s", "r", "434")
    );
    assert_eq!(
        (
            row.get("BackendTime"),
            row.get("BackendResponseCode"),
            row.get("ApimSubscriptionId")
        ),
        (None, None, None)
    );
}

/// Istio's default format.
const ISTIO: &str = r#"{"authority":"api.example","bytes_received":0,"bytes_sent":1234,"connection_termination_details":null,
  "downstream_local_address":"10.0.0.2:8080","downstream_remote_address":"203.0.113.7:51234","duration":26,"method":"GET",
  "path":"/orders/7?x=1","protocol":"HTTP/2","request_id":"cc21d9b0","requested_server_name":"api.example","response_code":200,
  "response_code_details":"via_upstream","response_flags":"-","route_name":"orders","start_time":"2026-04-15T20:17:00.310Z",
  "upstream_cluster":"outbound|80||orders","upstream_host":"10.0.2.1:80","upstream_local_address":"10.0.0.2:4000",
  "upstream_service_time":"25","upstream_transport_failure_reason":null,"user_agent":"curl/8.6.0","x_forwarded_for":"203.0.113.7"}"#;

#[test]
fn envoy() {
    let expected = [
        ("TimeGenerated", "2026-04-15T20:17:00.310000Z"),
        ("SourceSystem", "Envoy"),
        ("CorrelationId", "cc21d9b0"),
        ("CallerIpAddress", "203.0.113.7"),
        ("Method", "GET"),
        ("Url", "//api.example/orders/7?x=1"),
        ("ClientProtocol", "HTTP/2"),
        ("ResponseCode", "200"),
        ("IsRequestSuccess", "true"),
        ("RequestSize", "0"),
        ("ResponseSize", "1234"),
        ("TotalTime", "26"),
        ("BackendTime", "25"),
        ("BackendUrl", "10.0.2.1:80"),
        ("BackendId", "outbound|80||orders"),
        ("BackendResponseCode", "200"),
        ("ApiId", "outbound|80||orders"),
        ("OperationId", "orders"),
        (
            "RequestHeaders",
            r#"{"User-Agent":"curl/8.6.0","X-Forwarded-For":"203.0.113.7"}"#,
        ),
        (
            "AdditionalFields",
            r#"{"downstream_local_address":"10.0.0.2:8080","downstream_remote_address":"203.0.113.7:51234","requested_server_name":"api.example","response_code_details":"via_upstream","upstream_local_address":"10.0.0.2:4000"}"#,
        ),
    ];
    check("", ISTIO, &expected);
}

#[test]
fn envoy_tells_why_it_refused() {
    let reason = |code: u16, details: &str, flags: &str, upstream: &str| {
        let record = format!(
            r#"{{"start_time":"2026-04-15T20:17:00.310Z",":authority":"api.example","method":"GET","x-envoy-origin-path":"/a","response_code":{code},"response_flags":"{flags}","response_code_details":"{details}","upstream_host":"{upstream}","x-forwarded-for":"198.51.100.1, 203.0.113.7"}}"#
        );
        let row = row("", &record);
        assert_eq!(row["CallerIpAddress"], "203.0.113.7");
        assert_eq!(row["Url"], "//api.example/a");
        row.get("LastErrorReason").cloned().unwrap_or_default()
    };
    assert_eq!(
        reason(401, "unkonwn_api_key", "-", "-"),
        "SubscriptionKeyInvalid"
    );
    assert_eq!(
        reason(401, "missing_api_key", "-", "-"),
        "SubscriptionKeyNotFound"
    );
    assert_eq!(
        reason(401, "jwt_authn_access_denied{Jwt_is_expired}", "-", "-"),
        "TokenExpired"
    );
    assert_eq!(
        reason(404, "route_not_found", "NR", "-"),
        "OperationNotFound"
    );
    assert_eq!(reason(429, "-", "RL", "-"), "RateLimitExceeded");
    assert_eq!(
        reason(503, "-", "UF,URX", "10.0.0.1:80"),
        "BackendConnectionFailure"
    );
    assert_eq!(reason(401, "-", "-", "-"), "SubscriptionKeyInvalid");
    // The back end's own refusal is no guessed key of the gateway's.
    assert_eq!(reason(401, "via_upstream", "-", "10.0.0.1:80"), "");
}

#[test]
fn nginx() {
    let record = r#"{"time_iso8601":"2026-11-02T11:00:00+01:00","msec":"1793613600.123","request_id":"d41d8c","remote_addr":"203.0.113.7","remote_user":"","api_client_name":"client_one","scheme":"https","host":"api.example","request_method":"GET","request_uri":"/orders/7?x=1","server_protocol":"HTTP/1.1","ssl_protocol":"TLSv1.2","status":"200","request_length":"310","bytes_sent":"912","request_time":"0.105","server_name":"api.example","upstream_addr":"10.0.0.5:80, 10.0.0.6:80","upstream_status":"502, 200","upstream_response_time":"0.002, 0.100","upstream_cache_status":"MISS","http_user_agent":"curl/8.6.0","http_referer":""}"#;
    let expected = [
        ("TimeGenerated", "2026-11-02T10:00:00.123000Z"),
        ("SourceSystem", "nginx"),
        ("CorrelationId", "d41d8c"),
        ("CallerIpAddress", "203.0.113.7"),
        ("Method", "GET"),
        ("Url", "https://api.example/orders/7?x=1"),
        ("ClientProtocol", "HTTP/1.1"),
        ("ClientTlsVersion", "1.2"),
        ("ResponseCode", "200"),
        ("IsRequestSuccess", "true"),
        ("RequestSize", "310"),
        ("ResponseSize", "912"),
        ("TotalTime", "105"),
        ("BackendTime", "100"),
        ("BackendResponseCode", "200"),
        ("BackendUrl", "10.0.0.6:80"),
        ("Cache", "miss"),
        ("ApiId", "api.example"),
        ("ApimSubscriptionId", "client_one"),
        ("RequestHeaders", r#"{"User-Agent":"curl/8.6.0"}"#),
        (
            "AdditionalFields",
            r#"{"time_iso8601":"2026-11-02T11:00:00+01:00","ssl_protocol":"TLSv1.2","server_name":"api.example","upstream_addr":"10.0.0.5:80, 10.0.0.6:80","upstream_status":"502, 200","upstream_response_time":"0.002, 0.100","upstream_cache_status":"MISS"}"#,
        ),
    ];
    check(
        "",
        record,
        &expected.map(|(name, value)| {
            (
                name,
                if name == "AdditionalFields" {
                    NGINX_REST
                } else {
                    value
                },
            )
        }),
    );
}

/// The server's name is the API's; a list of which the last item was taken is kept whole.
const NGINX_REST: &str = r#"{"time_iso8601":"2026-11-02T11:00:00+01:00","ssl_protocol":"TLSv1.2","upstream_addr":"10.0.0.5:80, 10.0.0.6:80","upstream_status":"502, 200","upstream_response_time":"0.002, 0.100","upstream_cache_status":"MISS"}"#;

#[test]
fn nginx_of_the_plain_kind() {
    let record = r#"{"time_local":"02/Nov/2026:10:00:00 +0000","remote_addr":"203.0.113.7","remote_user":"eve","request":"GET /orders/7 HTTP/1.1","status": "401","body_bytes_sent":"5","request_time":"0.001","http_referrer":"","http_user_agent":"x"}"#;
    let row = row("", record);
    let found = [
        "TimeGenerated",
        "Method",
        "Url",
        "UserId",
        "LastErrorReason",
    ]
    .map(|name| row[name].as_str());
    assert_eq!(
        found,
        [
            "2026-11-02T10:00:00.000000Z",
            "GET",
            "/orders/7",
            "eve",
            "SubscriptionKeyInvalid"
        ]
    );
    // A name that was not accepted is no credential.
    assert_eq!(
        (row.get("ApimSubscriptionId"), row.get("AdditionalFields")),
        (None, None)
    );
}

#[test]
fn lines_of_the_combined_log_format() {
    let lines = "203.0.113.7 - - [17/May/2015:08:05:26 +0000] \"GET /downloads/1 HTTP/1.1\" 404 324 \"-\" \"curl/8 (x)\"\n\
                 nonsense\n\
                 203.0.113.8 - eve [17/May/2015:08:05:27 +0200] \"GET /a HTTP/1.1\" 200 7 \"http://r/\" \"b\" \"extra\"\r\n";
    let decoded = decode("", lines.as_bytes());
    assert_eq!((decoded.accepted, decoded.quarantined), (2, 1));
    assert_eq!(decoded.mapped, vec![("combined".to_owned(), 2)]);
    let rows = mapped_rows(&decoded, 2);
    let get = |row: usize, name: &str| {
        let found = rows[row].iter().find(|(column, _)| column == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(get(0, "Url"), "/downloads/1");
    assert_eq!(get(0, "AdditionalFields"), "");
    assert_eq!(get(1, "TimeGenerated"), "2015-05-17T06:05:27.000000Z");
    assert_eq!(get(1, "ApimSubscriptionId"), "eve");
    assert_eq!(
        get(1, "RequestHeaders"),
        r#"{"Referer":"http://r/","User-Agent":"b"}"#
    );
    assert_eq!(get(1, "AdditionalFields"), r#"{"rest":["extra"]}"#);
}

#[test]
fn bytes_that_are_no_text_keep_no_record_from_the_rules() {
    let record = b"{\"remote_addr\":\"203.0.113.7\",\"msec\":\"1793613600.1\",\"status\":\"401\",\"request_uri\":\"/a\",\"http_user_agent\":\"x\xff\"}";
    let body = [&record[..], b"\n{\"other\":\"\xff\"}\n", record].concat();
    let decoded = decode("", &body);
    assert_eq!((decoded.accepted, decoded.quarantined), (2, 1));
    assert_eq!(decoded.mapped, vec![("nginx".to_owned(), 2)]);
    let rows = mapped_rows(&decoded, 2);
    assert!(
        rows[0]
            .iter()
            .any(|(_, value)| value == "{\"User-Agent\":\"x\u{fffd}\"}"),
        "{rows:?}"
    );
}

#[test]
fn what_a_shipper_carries_is_taken_too() {
    let line =
        r#"203.0.113.7 - - [17/May/2015:08:05:26 +0000] "GET /a HTTP/1.1" 404 324 "-" "curl""#;
    let combined = serde_json::json!({"TimeGenerated [UTC]": "1/18/2021, 3:59:10.000 PM", "Type": "NGINX_CL", "RawData": format!("{line}\n")});
    let nginx =
        r#"{"remote_addr":"203.0.113.7","msec":"1793613600.1","status":"200","request_uri":"/a"}"#;
    let json =
        serde_json::json!({"@timestamp": "2026-01-01T00:00:00Z", "agent": {}, "message": nginx});
    for (event, name) in [(combined, "combined"), (json, "nginx")] {
        let decoded = decode("", event.to_string().as_bytes());
        assert_eq!(decoded.mapped, vec![(name.to_owned(), 1)]);
        assert_eq!(decoded.accepted, 1);
        let rows = mapped_rows(&decoded, 1);
        let has = |name: &str, value: &str| {
            rows[0]
                .iter()
                .any(|(column, found)| column == name && found == value)
        };
        assert!(has("CallerIpAddress", "203.0.113.7"), "{rows:?}");
        assert!(
            !rows[0]
                .iter()
                .any(|(column, _)| column == "AdditionalFields"),
            "{rows:?}"
        );
    }
}

#[test]
fn aws_rest_api() {
    let record = r#"{"requestId":"c12d","ip":"203.0.113.7","caller":"-","user":"-","requestTime":"26/Jul/2023:12:07:03 +0000","httpMethod":"GET","resourcePath":"/pets/{petId}","status":"200","protocol":"HTTP/1.1","responseLength":"48","stage":"prod","apiId":"asad","domainName":"asad.execute-api.us-east-1.amazonaws.com"}"#;
    let expected = [
        ("TimeGenerated", "2023-07-26T12:07:03.000000Z"),
        ("SourceSystem", "AWS API Gateway"),
        ("CorrelationId", "c12d"),
        ("CallerIpAddress", "203.0.113.7"),
        ("Method", "GET"),
        (
            "Url",
            "https://asad.execute-api.us-east-1.amazonaws.com/pets/{petId}",
        ),
        ("ClientProtocol", "HTTP/1.1"),
        ("ResponseCode", "200"),
        ("IsRequestSuccess", "true"),
        ("ResponseSize", "48"),
        ("ApiId", "asad"),
        ("OperationId", "/pets/{petId}"),
        ("ProductId", "prod"),
    ];
    check("", record, &expected);
}

#[test]
fn aws_http_api() {
    let record = r#"{"requestId":"Jx1=","ip":"203.0.113.7","requestTime":"26/Jul/2023:12:07:03 +0000","requestTimeEpoch":1690373223123,"httpMethod":"GET","routeKey":"GET /pets","status":"403","protocol":"HTTP/1.1","responseLength":"23","responseLatency":"7","error.responseType":"ACCESS_DENIED","error.message":"Forbidden"}"#;
    let row = row("", record);
    let found = [
        "TimeGenerated",
        "Url",
        "OperationId",
        "TotalTime",
        "LastErrorReason",
        "LastErrorMessage",
    ];
    let expected = [
        "2023-07-26T12:07:03.123000Z",
        "/pets",
        "GET /pets",
        "7",
        "TokenClaimValueNotAllowed",
        "Forbidden",
    ];
    assert_eq!(found.map(|name| row[name].as_str()), expected);
}

#[test]
fn a_subscription_of_cloudwatch_logs() {
    let record = r#"{"requestId":"r","ip":"203.0.113.7","requestTime":"26/Jul/2023:12:07:03 +0000","httpMethod":"GET","routeKey":"GET /pets","status":"200"}"#;
    let event = |id: &str| serde_json::json!({"id": id, "timestamp": 1_690_373_223_123_u64, "message": record});
    let body = serde_json::json!({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "API-Gateway-Access-Logs", "logStream": "s",
        "subscriptionFilters": ["f"], "logEvents": [event("1"), event("2")],
    });
    let decoded = decode("", body.to_string().as_bytes());
    assert_eq!((decoded.accepted, decoded.quarantined), (2, 0));
    assert_eq!(decoded.mapped, vec![("aws-api-gateway".to_owned(), 2)]);
}

#[test]
fn a_key_that_aws_refuses() {
    let record = r#"{"requestId":"r","ip":"203.0.113.7","requestTime":"26/Jul/2023:12:07:03 +0000","httpMethod":"GET","path":"/prod/pets","status":"403","responseType":"INVALID_API_KEY"}"#;
    assert_eq!(row("", record)["LastErrorReason"], "SubscriptionKeyInvalid");
    let bare = r#"{"requestId":"r","ip":"203.0.113.7","requestTime":"26/Jul/2023:12:07:03 +0000","httpMethod":"GET","path":"/prod/pets","status":"401"}"#;
    assert_eq!(row("", bare)["LastErrorReason"], "SubscriptionKeyInvalid");
    let integration = bare.replace(r#""status""#, r#""integrationStatus":"401","status""#);
    assert_eq!(row("", &integration).get("LastErrorReason"), None);
}

#[test]
fn opentelemetry() {
    let record = r#"{
      "http.request.method":"POST","http.response.status_code":401,"url.scheme":"https","server.address":"api.example.org",
      "url.path":"/orders","url.query":"a=1","client.address":"192.0.2.7","network.protocol.version":"1.1",
      "http.server.request.duration":0.0125,"user_agent.original":"curl","http.route":"/orders","time":"2026-01-01T00:00:00Z",
      "TraceId":"5b8efff798038103d269b633813fc60c","SpanId":"eee19b7ec3c1b174","enduser.id":"u-1",
      "ResourceAttributes":{"service.name":"gateway","cloud.region":"northeurope"},"ScopeName":"access"
    }"#;
    let expected = [
        ("TimeGenerated", "2026-01-01T00:00:00.000000Z"),
        ("SourceSystem", "OpenTelemetry"),
        ("CorrelationId", "5b8efff798038103d269b633813fc60c"),
        ("CallerIpAddress", "192.0.2.7"),
        ("Method", "POST"),
        ("Url", "https://api.example.org/orders?a=1"),
        ("ResponseCode", "401"),
        ("IsRequestSuccess", "false"),
        ("TotalTime", "13"),
        ("ClientProtocol", "HTTP/1.1"),
        ("ApiId", "api.example.org"),
        ("OperationId", "/orders"),
        ("UserId", "u-1"),
        ("Region", "northeurope"),
        ("RequestHeaders", r#"{"User-Agent":"curl"}"#),
        (
            "AdditionalFields",
            r#"{"network.protocol.version":"1.1","http.server.request.duration":0.0125,"SpanId":"eee19b7ec3c1b174","ResourceAttributes":{"service.name":"gateway"},"ScopeName":"access"}"#,
        ),
    ];
    check("", record, &expected);
    let before = r#"{"http.method":"GET","http.status_code":200,"http.url":"http://api.example.org:8080/a?b=1","http.flavor":"2.0",
        "net.peer.ip":"192.0.2.8","http.host":"api.example.org"}"#;
    let expected = [
        ("TimeGenerated", "2023-11-14T22:13:20.000000Z"),
        ("SourceSystem", "OpenTelemetry"),
        ("CallerIpAddress", "192.0.2.8"),
        ("Method", "GET"),
        ("Url", "http://api.example.org:8080/a?b=1"),
        ("ResponseCode", "200"),
        ("IsRequestSuccess", "true"),
        ("ClientProtocol", "HTTP/2"),
        ("ApiId", "api.example.org"),
        ("AdditionalFields", r#"{"http.flavor":"2.0"}"#),
    ];
    check("", before, &expected);
}

/// Every file that others wrote, but those of gateways and web servers.
fn strangers(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            strangers(&path, found);
        } else if !["aws-apigateway", "nginx-la", "tomcat-la"]
            .iter()
            .any(|own| path.to_string_lossy().contains(own))
        {
            found.push(fs::read(path).unwrap());
        }
    }
}

#[test]
fn no_preset_takes_a_record_of_azure() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    if !samples.is_dir() {
        eprintln!("skipped: no_preset_takes_a_record_of_azure");
        return;
    }
    let mut bodies = Vec::new();
    strangers(&samples, &mut bodies);
    assert!(bodies.len() > 20);
    for body in bodies.iter().filter(|body| body.len() < 1 << 20) {
        if let Some(decoded) = try_decode("", body) {
            assert_eq!(decoded.mapped, vec![]);
        }
    }
}

/// Logs of Amazon API Gateway and lines of nginx that others wrote, where they are beside the project.
#[test]
fn samples_that_others_wrote() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    let aws = samples.join("elastic+integrations/aws-apigateway/test-apigateway-rest.log");
    let nginx = samples.join("0xbennyv+Azure-Sentinel/nginx-la/NGINX_CL.json");
    let (Ok(aws), Ok(nginx)) = (fs::read(aws), fs::read_to_string(nginx)) else {
        eprintln!("skipped: samples_that_others_wrote");
        return;
    };
    assert_eq!(
        decode("", &aws).mapped,
        vec![("aws-api-gateway".to_owned(), 5)]
    );
    let rows: Vec<serde_json::Value> = serde_json::from_str(&nginx).unwrap();
    let lines: String = rows
        .iter()
        .map(|row| row["RawData"].as_str().unwrap())
        .collect();
    let decoded = decode("", lines.as_bytes());
    // Nine of them are of its error log.
    assert_eq!((decoded.accepted, decoded.quarantined), (26, 9));
    assert_eq!(decoded.mapped, vec![("combined".to_owned(), 26)]);
}
