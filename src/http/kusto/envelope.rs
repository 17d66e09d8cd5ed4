//! What stands around the rows of an answer, in each protocol, and the stream of all of it.
//!
//! A failure after the first rows can't change the status any more: it is said within the answer, in the way of the
//! protocol, so that nobody takes the answer for whole.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::RecordBatch;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use query::format::{Dynamics, ResultColumn, RowWriter};
use query::{Answer, Render, Type};
use serde_json::{Value, json};

use super::frames::{
    Facts, column_of_logs, column_v1, column_v2, completion, first_frame, partial_of_logs,
    properties, status_tables, visualization,
};
use crate::http::forms::{PARTIAL, too_large};
use crate::http::problem::Problem;
use crate::http::query::problem;

/// The protocol of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Envelope {
    /// `Tables`.
    V1,
    /// Frames.
    V2,
    /// `tables`, and what was asked for besides.
    LogAnalytics {
        /// `statistics` too.
        statistics: bool,
        /// `render` too.
        render: bool,
    },
}

/// An answer on its way.
struct Writing {
    envelope: Envelope,
    facts: Facts,
    answers: VecDeque<Answer>,
    /// Writes the rows of the first of the answers.
    writer: Option<RowWriter>,
    first: Option<RecordBatch>,
    names: Vec<String>,
    /// Rows of each result.
    rows: Vec<u64>,
    render: Option<Render>,
    failure: Option<String>,
    /// What is to be known of the answer besides.
    notes: Vec<String>,
    is_done: bool,
}

/// Sends an answer, results one after the other; what fails before its first rows is a clean error.
pub(in crate::http) async fn answer(
    envelope: Envelope,
    facts: Facts,
    answers: Vec<Answer>,
) -> Result<Response, Problem> {
    let writing = Writing::begin(envelope, facts, answers).await?;
    let body = stream::try_unfold(writing, |mut writing| async move {
        let bytes = writing.next().await?;
        Ok::<_, axum::BoxError>(bytes.map(|bytes| (Bytes::from(bytes), writing)))
    });
    let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    Ok((kind, Body::from_stream(body)).into_response())
}

/// An answer in one piece.
pub(in crate::http) async fn whole(
    envelope: Envelope,
    facts: Facts,
    answers: Vec<Answer>,
) -> Result<Vec<u8>, Problem> {
    let mut writing = Writing::begin(envelope, facts, answers).await?;
    let mut all = Vec::new();
    let broken = |error: axum::BoxError| Problem::internal("encode an answer", error.as_ref());
    while let Some(bytes) = writing.next().await.map_err(broken)? {
        all.extend(bytes);
    }
    Ok(all)
}

impl Writing {
    async fn begin(
        envelope: Envelope,
        facts: Facts,
        answers: Vec<Answer>,
    ) -> Result<Self, Problem> {
        let mut answers = VecDeque::from(answers);
        let first = match answers.front_mut() {
            Some(answer) => answer.next_batch().await.map_err(|error| problem(&error))?,
            None => None,
        };
        let notes = answers.iter().flat_map(Answer::notes).cloned().collect();
        let render = answers.iter().find_map(|answer| answer.render().cloned());
        Ok(Self {
            envelope,
            facts,
            answers,
            writer: None,
            first,
            names: Vec::new(),
            rows: Vec::new(),
            render,
            failure: None,
            notes,
            is_done: false,
        })
    }

    /// The next bytes; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, axum::BoxError> {
        if self.is_done {
            return Ok(None);
        }
        let Some(writer) = &mut self.writer else {
            return self.table_head().map(Some);
        };
        let batch = match self.first.take() {
            Some(batch) => Ok(Some(batch)),
            None => match self.answers.front_mut() {
                Some(answer) => answer.next_batch().await,
                None => Ok(None),
            },
        };
        match batch {
            Ok(Some(batch)) => {
                if let Some(rows) = self.rows.last_mut() {
                    *rows += batch.num_rows() as u64;
                }
                return Ok(Some(writer.rows(&batch)?));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "query failed after its first rows were sent");
                self.failure = Some(error.to_string());
            }
        }
        let ended = self.answers.pop_front();
        if ended.is_some_and(|answer| answer.is_truncated()) {
            self.failure = Some(too_large());
        }
        self.writer = None;
        let mut bytes = self.table_foot();
        if self.failure.is_some() || self.answers.is_empty() {
            bytes.extend(self.foot());
            self.is_done = true;
        }
        Ok(Some(bytes))
    }

    /// What stands before the rows of the next result, and before all of them.
    fn table_head(&mut self) -> Result<Vec<u8>, axum::BoxError> {
        let place = self.names.len();
        let answer = self.answers.front().ok_or("a query has no result")?;
        let columns = answer.kusto_columns().ok_or("a result has no types")?;
        let columns = Arc::clone(columns);
        let given = answer.name().map(str::to_owned);
        let (name, dynamics) = match self.envelope {
            Envelope::V1 => (format!("Table_{place}"), Dynamics::Nested),
            Envelope::V2 | Envelope::LogAnalytics { .. } if place == 0 && given.is_none() => {
                ("PrimaryResult".to_owned(), self.dynamics())
            }
            Envelope::V2 | Envelope::LogAnalytics { .. } => {
                let numbered = || format!("PrimaryResult_{place}");
                (given.clone().unwrap_or_else(numbered), self.dynamics())
            }
        };
        let mut head = self.head_text(place);
        head.push_str(&self.table_text(place, &name, &columns));
        self.writer = Some(RowWriter::new(columns, dynamics));
        self.names.push(given.unwrap_or(name));
        self.rows.push(0);
        Ok(head.into_bytes())
    }

    fn dynamics(&self) -> Dynamics {
        match self.envelope {
            Envelope::LogAnalytics { .. } => Dynamics::Text,
            Envelope::V1 | Envelope::V2 => Dynamics::Nested,
        }
    }

    fn head_text(&self, place: usize) -> String {
        match (self.envelope, place) {
            (Envelope::V1, 0) => r#"{"Tables":["#.to_owned(),
            (Envelope::V2, 0) => {
                let results = self.answers.len();
                format!(
                    "[{},{},",
                    first_frame(),
                    properties(results, self.render.as_ref())
                )
            }
            (Envelope::LogAnalytics { .. }, 0) => r#"{"tables":["#.to_owned(),
            _ => ",".to_owned(),
        }
    }

    fn table_text(&self, place: usize, name: &str, columns: &[ResultColumn]) -> String {
        let columns = |column: fn(&str, Type) -> Value| -> Value {
            let columns = columns.iter();
            columns
                .map(|known| column(&known.name, known.kind))
                .collect()
        };
        let name = json!(name);
        match self.envelope {
            Envelope::V1 => {
                let columns = columns(column_v1);
                format!(r#"{{"TableName":{name},"Columns":{columns},"Rows":["#)
            }
            Envelope::V2 => {
                let (id, columns) = (place + 1, columns(column_v2));
                format!(
                    r#"{{"FrameType":"DataTable","TableId":{id},"TableKind":"PrimaryResult","TableName":{name},"Columns":{columns},"Rows":["#
                )
            }
            Envelope::LogAnalytics { .. } => {
                let columns = columns(column_of_logs);
                format!(r#"{{"name":{name},"columns":{columns},"rows":["#)
            }
        }
    }

    fn table_foot(&self) -> Vec<u8> {
        let mut foot = Vec::new();
        if let (Envelope::V2, Some(failure)) = (self.envelope, &self.failure) {
            let comma = if self.rows.last() == Some(&0) {
                ""
            } else {
                ","
            };
            let error = json!({"OneApiErrors": [{"error": PARTIAL.body(failure)}]});
            foot.extend(format!("{comma}{error}").into_bytes());
        }
        foot.extend_from_slice(b"]}");
        foot
    }

    /// What stands behind all results.
    fn foot(&self) -> Vec<u8> {
        let failure = self.failure.as_deref();
        let text = match self.envelope {
            Envelope::V1 => {
                let tables = status_tables(
                    &self.facts,
                    &self.names,
                    &self.notes,
                    (&self.rows, self.render.as_ref()),
                );
                let mut text = String::new();
                for table in &tables {
                    text.push(',');
                    text.push_str(&table.to_string());
                }
                text.push(']');
                if let Some(failure) = failure {
                    push(&mut text, "Exceptions", &json!([failure]));
                }
                text.push('}');
                text
            }
            Envelope::V2 => {
                let warning = |note: &String| {
                    let payload = json!({"Count": 1, "Text": note}).to_string();
                    let level = (4, "Warning", 0, "S_OK (0)");
                    self.facts.event(level, (4, "QueryInfo"), &payload)
                };
                let mut more: Vec<Value> = self.notes.iter().map(warning).collect();
                let statistics = self.facts.statistics(&self.rows).to_string();
                let level = (6, "Stats", 0, "S_OK (0)");
                let kind = (0, "QueryResourceConsumption");
                more.push(self.facts.event(level, kind, &statistics));
                let id = self.names.len() + 1;
                let [information, end] = completion(&self.facts, id, failure, more);
                format!(",{information},{end}]")
            }
            Envelope::LogAnalytics { statistics, render } => {
                let mut text = "]".to_owned();
                if statistics {
                    let statistics = json!({"query": self.facts.statistics(&self.rows)});
                    push(&mut text, "statistics", &statistics);
                }
                if render {
                    let render = visualization(self.render.as_ref());
                    push(&mut text, "render", &render);
                }
                if let Some(failure) = failure {
                    push(&mut text, "error", &partial_of_logs(failure));
                }
                text.push('}');
                text
            }
        };
        text.into_bytes()
    }
}

/// A further member of an object that is being written.
fn push(text: &mut String, name: &str, value: &Value) {
    text.push_str(",\"");
    text.push_str(name);
    text.push_str("\":");
    text.push_str(&value.to_string());
}
