//! What a client of Kusto sends.

use std::time::Duration;

use query::{External, Question};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::Timestamp;

use super::missing;
use crate::config::QueryConfig;
use crate::http::problem::Problem;

/// The database that clients name if nobody told them one.
const DEFAULT_DATABASE: &str = "NetDefaultDB";

#[derive(Deserialize)]
struct Body {
    db: Option<String>,
    csl: Option<String>,
    properties: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Properties {
    #[serde(default, rename = "Options")]
    options: Map<String, Value>,
    #[serde(default, rename = "Parameters")]
    parameters: Map<String, Value>,
}

/// A question or a command.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) text: String,
    database: Option<String>,
    properties: Properties,
}

impl Request {
    /// Reads a request's body; its properties may be an object, or text that holds one.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let wrong =
            |error: serde_json::Error| Problem::bad_request(format!("read the body: {error}"));
        let body: Body = serde_json::from_slice(body).map_err(wrong)?;
        let properties = match body.properties {
            None | Some(Value::Null) => Properties::default(),
            Some(Value::String(text)) => serde_json::from_str(&text).map_err(wrong)?,
            Some(value) => serde_json::from_value(value).map_err(wrong)?,
        };
        Ok(Self {
            text: body.csl.ok_or_else(|| missing("csl"))?,
            database: body.db.filter(|name| !name.is_empty()),
            properties,
        })
    }

    /// Whether the database is that of the key.
    pub(super) fn check_database(&self, workspace: &str) -> Result<(), Problem> {
        let Some(name) = &self.database else {
            return Ok(());
        };
        if name.eq_ignore_ascii_case(workspace) || name.eq_ignore_ascii_case(DEFAULT_DATABASE) {
            return Ok(());
        }
        Err(Problem::bad_request(format!(
            "Entity '{name}' of kind 'Database' was not found; the key is for '{workspace}'"
        )))
    }

    /// The question, within the service's bounds.
    pub(super) fn question(self, config: &QueryConfig) -> Question {
        let options = self.properties.options;
        let mut question = Question::kql(self.text);
        let rows = options.get("truncationmaxrecords").and_then(number);
        question.rows_max = rows.map_or(config.rows_max, |rows| rows.min(config.rows_max));
        question.external = External::Empty;
        question.take = options.get("query_take_max_records").and_then(number);
        question.now = options.get("query_now").and_then(instant);
        let timeout = options.get("servertimeout").and_then(duration);
        question.timeout = timeout.map_or(config.timeout, |timeout| timeout.min(config.timeout));
        let parameters = self.properties.parameters.into_iter();
        question.parameters = parameters
            .map(|(name, value)| (name, text(value)))
            .collect();
        question
    }
}

fn number(value: &Value) -> Option<usize> {
    let number = value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok());
    number.and_then(|number| usize::try_from(number).ok())
}

/// `00:04:00` as Kusto writes it, or `0:04:00` as Python does.
fn duration(value: &Value) -> Option<Duration> {
    query::format::timespan(value.as_str()?)
}

/// An instant as text, also as the literal `datetime(...)`.
fn instant(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?.trim();
    let literal = text
        .strip_prefix("datetime(")
        .and_then(|text| text.strip_suffix(')'));
    query::format::instant(literal.unwrap_or(text))
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: QueryConfig = QueryConfig {
        timeout: Duration::from_secs(30),
        rows_max: 100,
    };

    #[track_caller]
    fn check(body: &str, rows: usize, timeout: Duration) {
        let question = Request::parse(body.as_bytes()).unwrap().question(&CONFIG);
        assert_eq!((question.rows_max, question.timeout), (rows, timeout));
    }

    #[test]
    fn options_narrow_the_bounds_of_the_service() {
        let seconds = Duration::from_secs;
        check(r#"{"csl":"T"}"#, 100, seconds(30));
        check(
            r#"{"csl":"T","properties":{"Options":{"servertimeout":"00:00:10","truncationmaxrecords":7}}}"#,
            7,
            seconds(10),
        );
        check(
            r#"{"csl":"T","properties":"{\"Options\":{\"servertimeout\":\"0:04:00\",\"query_take_max_records\":\"5000\"}}"}"#,
            100,
            seconds(30),
        );
    }

    #[test]
    fn now_may_be_another_time() {
        let check = |now: &str, expected: Option<i64>| {
            let body =
                format!(r#"{{"csl":"T","properties":{{"Options":{{"query_now":"{now}"}}}}}}"#);
            let question = Request::parse(body.as_bytes()).unwrap().question(&CONFIG);
            assert_eq!(question.now.map(Timestamp::as_micros), expected);
        };
        check("1970-01-02T00:00:00Z", Some(86_400_000_000));
        check("datetime(1970-01-02)", Some(86_400_000_000));
        check("yesterday", None);
    }

    #[test]
    fn parameters_are_text() {
        let body = r#"{"csl":"T","properties":{"Parameters":{"a":"'x'","b":5}}}"#;
        let question = Request::parse(body.as_bytes()).unwrap().question(&CONFIG);
        let expected = [("a", "'x'"), ("b", "5")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(question.parameters, expected);
    }

    #[test]
    fn the_database_is_that_of_the_key() {
        let check = |name: &str| {
            let body = format!(r#"{{"db":"{name}","csl":"T"}}"#);
            let request = Request::parse(body.as_bytes()).unwrap();
            request.check_database("default").is_ok()
        };
        assert!(check("") && check("Default") && check("NetDefaultDB"));
        assert!(!check("other"));
        assert!(Request::parse(b"{}").is_err());
    }
}
