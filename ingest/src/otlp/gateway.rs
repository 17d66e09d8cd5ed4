//! Log records of gateways that follow OpenTelemetry's conventions for HTTP, as rows of `ApiManagementGatewayLogs`.

use std::borrow::Cow;

use store::Table;

use super::record::{Record, Scope};
use crate::json::{self, Field, Fields, ObjectWriter};

/// The column that an attribute fills; the present name of a convention first, then those before it.
const COLUMNS: [(&str, &[&str]); 9] = [
    ("Method", &["http.request.method", "http.method"]),
    (
        "ResponseCode",
        &["http.response.status_code", "http.status_code"],
    ),
    (
        "CallerIpAddress",
        &[
            "client.address",
            "http.client_ip",
            "network.peer.address",
            "net.sock.peer.addr",
            "net.peer.ip",
        ],
    ),
    (
        "RequestSize",
        &[
            "http.request.size",
            "http.request.body.size",
            "http.request_content_length",
        ],
    ),
    (
        "ResponseSize",
        &[
            "http.response.size",
            "http.response.body.size",
            "http.response_content_length",
        ],
    ),
    ("ClientTlsVersion", &["tls.protocol.version"]),
    ("OperationId", &["http.route"]),
    ("UserId", &["enduser.id", "user.id"]),
    ("BackendUrl", &["upstream.url", "http.upstream.url"]),
];

/// Where the whole address is.
const URLS: [&str; 2] = ["url.full", "http.url"];

/// Where its path and query are.
const TARGETS: [&str; 2] = ["url.path", "http.target"];

/// Where its host is.
const HOSTS: [&str; 3] = ["server.address", "http.host", "net.host.name"];

/// The row; `None` if the record does not say what was asked and answered.
pub(super) fn row(record: &Record<'_>, scope: &Scope) -> Option<String> {
    let attributes = Fields::parse(record.attributes.as_deref()?)?;
    let mut used = Vec::new();
    let mut row = ObjectWriter::default();
    row.push_text("Type", Table::ApiManagementGatewayLogs.name());
    for (column, names) in COLUMNS {
        let found = find(&attributes, names);
        if matches!(column, "Method" | "ResponseCode") {
            found?;
        }
        if let Some(field) = found {
            row.push(column, field.value);
            used.push(&*field.name);
        }
    }
    let (url, of) = url(&attributes)?;
    row.push_text("Url", &url);
    used.extend(of);
    if let Some((protocol, name)) = protocol(&attributes) {
        row.push_text("ClientProtocol", &protocol);
        used.push(name);
    }
    if let Some((milliseconds, name)) = duration(&attributes) {
        row.push("TotalTime", &milliseconds);
        used.push(name);
    }
    if !record.trace_id.is_empty() {
        row.push_text("CorrelationId", &record.trace_id);
    }
    if let Some(region) = &scope.region {
        row.push_text("Region", region);
    }
    let mut rest = ObjectWriter::default();
    for field in attributes
        .0
        .iter()
        .filter(|field| !used.contains(&&*field.name))
    {
        rest.push(&field.name, field.value);
    }
    row.push_object("Attributes", &mut rest);
    record.push(&mut row);
    scope.push(&mut row);
    row.finish().map(str::to_owned)
}

fn find<'f, 'a>(attributes: &'f Fields<'a>, names: &[&str]) -> Option<&'f Field<'a>> {
    names.iter().find_map(|name| {
        let mut fields = attributes.0.iter();
        fields.find(|field| field.name == *name && field.value != "null")
    })
}

/// The address, and the attributes that are all in it.
fn url<'f>(attributes: &'f Fields<'_>) -> Option<(String, Vec<&'f str>)> {
    let text = |names: &[&str]| {
        let field = find(attributes, names)?;
        Some((json::string(field.value)?, &*field.name))
    };
    if let Some((url, name)) = text(&URLS) {
        return Some((url.into_owned(), vec![name]));
    }
    let (path, name) = text(&TARGETS)?;
    let mut used = vec![name];
    let mut url = String::new();
    if let Some((host, name)) = text(&HOSTS) {
        let scheme = text(&["url.scheme", "http.scheme"]);
        used.push(name);
        used.extend(scheme.as_ref().map(|(_, name)| *name));
        url.push_str(scheme.as_ref().map_or("https", |(scheme, _)| scheme));
        url.push_str("://");
        url.push_str(&host);
        if let Some(port) = find(attributes, &["server.port", "net.host.port"])
            && !host.contains(':')
        {
            url.push(':');
            url.push_str(port.value);
            used.push(&port.name);
        }
    }
    url.push_str(&path);
    if let Some((query, name)) = text(&["url.query"]).filter(|(query, _)| !query.is_empty()) {
        url.push('?');
        url.push_str(&query);
        used.push(name);
    }
    Some((url, used))
}

/// `HTTP/1.1` and the like.
fn protocol<'f>(attributes: &'f Fields<'_>) -> Option<(String, &'f str)> {
    let field = find(attributes, &["network.protocol.version", "http.flavor"])?;
    let version = json::string(field.value).unwrap_or(Cow::Borrowed(field.value));
    Some((format!("HTTP/{version}"), &field.name))
}

/// Whole milliseconds; the convention has seconds.
fn duration<'f>(attributes: &'f Fields<'_>) -> Option<(String, &'f str)> {
    let field = find(attributes, &["http.server.request.duration"])?;
    let seconds: f64 = field.value.parse().ok()?;
    let milliseconds = (seconds * 1000.0).round();
    let is_whole = (0.0..9.0e15).contains(&milliseconds);
    is_whole.then(|| (format!("{milliseconds:.0}"), &*field.name))
}
