//! Bodies of Elasticsearch's bulk API: lines of JSON, an action and, for most actions, its document.
#![deny(
    clippy::indexing_slicing,
    reason = "whatever a body holds, reading it must not panic"
)]

use std::borrow::Cow;

use store::Table;

use crate::decode::{Context, DecodeError, Decoded, Decoder, Item, Limits, unreadable};
use crate::json::Fields;

/// What a sender wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Keep the document.
    Index,
    /// Keep the document, which is new.
    Create,
    /// Change a document.
    Update,
    /// Forget a document.
    Delete,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The document became a row, or several.
    Kept,
    /// The document, or a part of it, is in `_Quarantine`.
    Quarantined {
        /// Why.
        reason: String,
    },
    /// Nothing was done: logs are neither changed nor forgotten.
    Refused,
}

/// An action and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkItem {
    /// What was wanted.
    pub action: Action,
    /// The index that was named, which is a table if it has the name of one.
    pub index: Option<String>,
    /// The id that was named. It is not kept.
    pub id: Option<String>,
    /// What was done.
    pub outcome: Outcome,
}

/// Names and ids that are longer are not repeated in answers, in bytes.
const NAME_BYTES_MAX: usize = 512;

/// Decodes a decompressed body. `index` is that of actions that name none.
pub fn decode_bulk(
    context: &Context<'_>,
    limits: &Limits,
    body: &[u8],
    index: Option<&str>,
) -> Result<(Decoded, Vec<BulkItem>), DecodeError> {
    let mut decoder = Decoder::new(context, limits, body.len())?;
    let mut lines = Lines { body, at: 0 };
    let mut items = Vec::new();
    while let Some((offset, line)) = lines.next() {
        if items.len() >= limits.records_max {
            return Err(DecodeError::TooManyRecords {
                records_max: limits.records_max,
            });
        }
        let mut item = action(line, index).ok_or_else(|| {
            let reason = "expected an action such as {\"create\":{}} on a line of its own";
            unreadable(body, offset, reason.to_owned())
        })?;
        if item.action != Action::Delete {
            let (offset, document) = lines.next().ok_or_else(|| {
                unreadable(body, offset, "the action's document is missing".to_owned())
            })?;
            if item.action != Action::Update {
                let table = item.index.as_deref().and_then(table_of);
                let reason = decoder.item(Item {
                    bytes: document,
                    offset,
                    table,
                })?;
                item.outcome =
                    reason.map_or(Outcome::Kept, |reason| Outcome::Quarantined { reason });
            }
        }
        items.push(item);
    }
    if items.is_empty() {
        return Err(DecodeError::Empty);
    }
    Ok((decoder.finish()?, items))
}

/// The action that a line names; nothing is done yet.
fn action(line: &[u8], index: Option<&str>) -> Option<BulkItem> {
    let fields = Fields::parse(std::str::from_utf8(line).ok()?)?;
    let field = fields.0.first()?;
    let action = match &*field.name {
        "index" => Action::Index,
        "create" => Action::Create,
        "update" => Action::Update,
        "delete" => Action::Delete,
        _ => return None,
    };
    let target = Fields::parse(field.value)?;
    let named = |name| {
        let text = target
            .text(name)
            .filter(|text| text.len() <= NAME_BYTES_MAX);
        text.map(Cow::into_owned)
    };
    Some(BulkItem {
        action,
        index: named("_index").or_else(|| index.map(str::to_owned)),
        id: named("_id"),
        outcome: Outcome::Refused,
    })
}

/// The table that an index is named after, in any casing: `azureactivity`, `azureactivity-2026.11.23`,
/// `logs-azureactivity-default`.
fn table_of(index: &str) -> Option<Table> {
    let named = |part: &str| {
        let mut tables = Table::ALL.into_iter();
        tables.find(|table| table.name().eq_ignore_ascii_case(part))
    };
    index.split('-').find_map(named)
}

/// The lines of a body that are not blank.
#[derive(Debug)]
struct Lines<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line and where it begins.
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        loop {
            let start = self.at;
            let rest = self.body.get(start..).filter(|rest| !rest.is_empty())?;
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            self.at = start.saturating_add(length).saturating_add(1);
            let line = rest.get(..length)?;
            if !line.trim_ascii().is_empty() {
                return Some((start, line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use store::{Timestamp, Workspace};

    use super::*;

    fn run(body: &str, index: Option<&str>) -> Result<(Decoded, Vec<BulkItem>), DecodeError> {
        let workspace = Workspace::default();
        let mappings = crate::Mappings::default();
        let context = Context {
            workspace: &workspace,
            batch: "b",
            source: "test",
            received: Timestamp::from_micros(0),
            mappings: &mappings,
        };
        decode_bulk(&context, &Limits::default(), body.as_bytes(), index)
    }

    /// Tables and their rows, then the outcome of each action.
    #[track_caller]
    fn check(body: &str, index: Option<&str>, expected: &str) {
        let (decoded, items) = run(body, index).unwrap();
        let tables = decoded.parts.iter();
        let mut words: Vec<_> = tables
            .map(|(table, rows)| format!("{table}:{}", rows.num_rows()))
            .collect();
        words.extend(items.iter().map(|item| {
            let outcome = match &item.outcome {
                Outcome::Kept => "kept",
                Outcome::Quarantined { .. } => "quarantined",
                Outcome::Refused => "refused",
            };
            format!("{:?}={outcome}", item.action)
        }));
        assert_eq!(words.join(" "), expected, "{body}");
    }

    #[test]
    fn each_action_has_its_outcome() {
        let body = "{\"create\":{}}\n{\"category\":\"GatewayLogs\"}\n\n\
            {\"delete\":{\"_id\":\"1\"}}\n\
            {\"update\":{\"_id\":\"1\"}}\r\n{\"doc\":{}}\r\n\
            {\"index\":{\"_index\":\"x\"}}\n{\"unknown\":1}\n\
            {\"index\":{}}\n{\"cut\":\n";
        check(
            body,
            None,
            "ApiManagementGatewayLogs:1 _Quarantine:2 Create=kept Delete=refused Update=refused \
             Index=quarantined Index=quarantined",
        );
    }

    #[test]
    fn an_index_named_after_a_table_takes_what_says_nothing_itself() {
        let document = "{\"time\":\"2026-01-01T00:00:00Z\",\"Caller\":\"c\"}\n";
        let body =
            format!("{{\"create\":{{\"_index\":\"logs-azureactivity-default\"}}}}\n{document}");
        check(&body, None, "AzureActivity:1 Create=kept");
        let body = format!("{{\"create\":{{}}}}\n{document}");
        check(&body, Some("AzureActivity"), "AzureActivity:1 Create=kept");
        check(
            &body,
            Some("filebeat-8"),
            "_Quarantine:1 Create=quarantined",
        );
        check(
            &body,
            Some("_quarantine"),
            "_Quarantine:1 Create=quarantined",
        );
    }

    #[test]
    fn a_body_of_something_else_is_refused_with_its_place() {
        let error = run("{\"create\":{}}\n{}\n{\"a\":{}}\n", None).unwrap_err();
        assert!(
            matches!(
                error,
                DecodeError::Unreadable {
                    offset: 17,
                    line: 3,
                    ..
                }
            ),
            "{error}"
        );
        let error = run("{\"create\":{}}\n", None).unwrap_err();
        assert!(error.to_string().contains("document is missing"), "{error}");
        assert!(matches!(run("\n \n", None), Err(DecodeError::Empty)));
    }
}
