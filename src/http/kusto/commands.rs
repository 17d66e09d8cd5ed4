//! Management commands that look at something: what clients send to connect and to complete names.

use std::net::SocketAddr;

use query::Type::{self, Bool, DateTime, Guid, Int, Long, Real, String as Text};
use serde_json::{Value, json};
use store::Workspace;
use uuid::Uuid;

use super::schema::{self, Described};
use super::table::Table;
use crate::http::app::Core;
use crate::http::problem::Problem;

/// Most words of a command that are looked at.
const WORDS_MAX: usize = 16;

/// A command, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    words: Vec<String>,
    /// What stands behind a pipe.
    pub(super) pipe: Option<String>,
}

/// The query whose plan `.show queryplan <| T` asks for.
pub(super) fn explained(text: &str) -> Option<&str> {
    let words = text.trim_start().strip_prefix(".show")?.trim_start();
    words
        .strip_prefix("queryplan")?
        .trim_start()
        .strip_prefix("<|")
}

/// What to say of a command that is not served.
pub(super) fn unknown(text: &str) -> String {
    let shown: String = text.trim().chars().take(100).collect();
    format!(
        "the command '{shown}' is not served; known are .show version, databases, database schema, schema, tables, \
         table, functions, cluster, queryplan <| QUERY, and a few more that look at something"
    )
}

impl Command {
    /// Takes a command apart; none if it is no `.show`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches(';');
        let (command, pipe) = match text.split_once('|') {
            Some((command, pipe)) => (command, Some(pipe.to_owned())),
            None => (text, None),
        };
        let words = command.strip_prefix(".show")?.split_whitespace();
        let words = words.take(WORDS_MAX).map(|word| plain(word).to_owned());
        let words = words.collect();
        Some(Self { words, pipe })
    }

    /// Answers it.
    pub(super) fn run(
        &self,
        core: &Core,
        workspace: &Workspace,
        listen: SocketAddr,
    ) -> Result<Table, Problem> {
        let database = workspace.as_str();
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let found = match lower.as_slice() {
            ["version"] => version(),
            ["cluster"] => cluster(listen),
            ["cluster", "databases"] | ["databases"] => databases(database),
            ["databases" | "database", "details"] => databases(database),
            ["database"] => databases(database),
            ["database", _] | ["database", _, "details" | "identity"] => databases(database),
            ["databases" | "database", "schema", "as", "json", ..]
            | ["database", _, "schema", "as", "json", ..]
            | ["schema", "as", "json", ..] => {
                let text = schema::whole(database).to_string();
                Table::new(&[("DatabaseSchema", Text)], vec![vec![json!(text)]])
            }
            ["database", "schema", "as", "csl", "script", ..]
            | ["database", _, "schema", "as", "csl", "script", ..]
            | ["database", "cslschema", ..]
            | ["database", _, "cslschema", ..] => {
                let lines = schema::script().into_iter();
                let rows = lines.map(|line| vec![json!(line)]).collect();
                Table::new(&[("DatabaseSchemaScript", Text)], rows)
            }
            ["databases" | "database", "schema", ..]
            | ["database", _, "schema", ..]
            | ["schema", ..] => database_schema(database),
            ["tables"] => tables(database),
            ["tables", "details"] => details(core, workspace, None),
            ["table", _] => named(words.get(1))?.columns_table(),
            ["table", _, "details"] => details(core, workspace, Some(named(words.get(1))?.name)),
            ["table", _, "cslschema" | "schema"] => {
                one_schema(database, &named(words.get(1))?, false)
            }
            ["table", _, "schema", "as", "csl"] => {
                one_schema(database, &named(words.get(1))?, false)
            }
            ["table", _, "schema", "as", "json"] => {
                one_schema(database, &named(words.get(1))?, true)
            }
            ["functions"] => functions(),
            [
                "materialized-views" | "external" | "entity_groups" | "graphs" | "graph_models",
                ..,
            ] => Table::new(NAMED, Vec::new()),
            _ => {
                return Err(Problem::bad_request(unknown(&format!(
                    ".show {}",
                    words.join(" ")
                ))));
            }
        };
        Ok(found)
    }
}

/// A name without the brackets and quotes that it may stand in.
fn plain(word: &str) -> &str {
    let inner = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'));
    inner.unwrap_or(word).trim_matches(['\'', '"'])
}

fn named(name: Option<&&str>) -> Result<Described, Problem> {
    let name = name.copied().unwrap_or_default();
    let missing = || Problem::bad_request(format!("Entity '{name}' of kind 'Table' was not found"));
    schema::table(name).ok_or_else(missing)
}

const FUNCTION: &[(&str, Type)] = &[
    ("Name", Text),
    ("Parameters", Text),
    ("Body", Text),
    ("Folder", Text),
    ("DocString", Text),
];

const NAMED: &[(&str, Type)] = &[("Name", Text), ("Folder", Text), ("DocString", Text)];

fn functions() -> Table {
    let views = query::kql_views()
        .filter_map(|(name, text)| text.split_once('{').map(|parts| (name, parts)));
    let all: Vec<_> = views
        .map(|(name, (parameters, body))| {
            json!([name, parameters.trim(), format!("{{{body}"), "", ""])
        })
        .collect();
    Table::new(FUNCTION, rows(&all))
}

fn version() -> Table {
    let columns = [
        ("BuildVersion", Text),
        ("BuildTime", DateTime),
        ("ServiceType", Text),
        ("ProductVersion", Text),
        ("ServiceOffering", Text),
    ];
    let version = env!("CARGO_PKG_VERSION");
    let row = json!([
        version,
        null,
        "Engine",
        format!("bartizan {version}"),
        "{\"Type\":\"Bartizan\"}"
    ]);
    Table::new(&columns, rows(&[row]))
}

fn cluster(listen: SocketAddr) -> Table {
    let columns = [
        ("NodeId", Text),
        ("Address", Text),
        ("Name", Text),
        ("StartTime", DateTime),
        ("IsAdmin", Bool),
        ("MachineTotalMemory", Long),
        ("MachineAvailableMemory", Long),
        ("ProcessorCount", Int),
        ("EnvironmentDescription", Text),
    ];
    let row = json!([
        "bartizan",
        listen.to_string(),
        "bartizan",
        null,
        true,
        null,
        null,
        null,
        ""
    ]);
    Table::new(&columns, rows(&[row]))
}

fn databases(name: &str) -> Table {
    let columns = [
        ("DatabaseName", Text),
        ("PersistentStorage", Text),
        ("Version", Text),
        ("IsCurrent", Bool),
        ("DatabaseAccessMode", Text),
        ("PrettyName", Text),
        ("DatabaseId", Guid),
    ];
    let row = json!([
        name,
        "",
        "v1.0",
        true,
        "ReadOnly",
        name,
        Uuid::nil().to_string()
    ]);
    Table::new(&columns, rows(&[row]))
}

fn database_schema(database: &str) -> Table {
    let columns = [
        ("DatabaseName", Text),
        ("TableName", Text),
        ("ColumnName", Text),
        ("ColumnType", Text),
        ("IsDefaultTable", Bool),
        ("IsDefaultColumn", Bool),
        ("PrettyName", Text),
        ("Version", Text),
        ("Folder", Text),
        ("DocString", Text),
    ];
    let row = |table: &str, column: &str, kind: &str| {
        json!([
            database, table, column, kind, false, false, "", "v1.0", "", ""
        ])
    };
    let mut all = vec![row("", "", "")];
    for table in schema::tables() {
        all.push(row(table.name, "", ""));
        for (name, kind) in &table.columns {
            all.push(row(table.name, name, kind.dotnet_name()));
        }
    }
    Table::new(&columns, rows(&all))
}

const TABLE: [(&str, Type); 4] = [
    ("TableName", Text),
    ("DatabaseName", Text),
    ("Folder", Text),
    ("DocString", Text),
];

fn tables(database: &str) -> Table {
    let all: Vec<_> = schema::tables()
        .iter()
        .map(|table| json!([table.name, database, "", ""]))
        .collect();
    Table::new(&TABLE, rows(&all))
}

fn details(core: &Core, workspace: &Workspace, only: Option<&str>) -> Table {
    let more = [
        ("TotalExtents", Long),
        ("TotalExtentSize", Real),
        ("TotalRowCount", Long),
        ("MinExtentsCreationTime", DateTime),
        ("MaxExtentsCreationTime", DateTime),
    ];
    let columns: Vec<_> = TABLE.into_iter().chain(more).collect();
    let mut all = Vec::new();
    for table in store::Table::ALL {
        if only.is_some_and(|only| only != table.name()) {
            continue;
        }
        let snapshot = core.store.snapshot(workspace, table);
        let segments = || snapshot.segments.iter();
        let recent: usize = snapshot
            .recent
            .iter()
            .map(arrow::array::RecordBatch::num_rows)
            .sum();
        let count = segments().map(|segment| segment.rows).sum::<u64>() + recent as u64;
        #[expect(clippy::cast_precision_loss, reason = "Kusto has the size as a real")]
        let size = segments().map(|segment| segment.bytes).sum::<u64>() as f64;
        let first = segments().map(|segment| segment.received_min).min();
        let last = segments().map(|segment| segment.received_max).max();
        let [first, last] = [first, last].map(|time| time.map(store::Timestamp::to_rfc3339));
        let extents = snapshot.segments.len();
        all.push(json!([
            table.name(),
            workspace.as_str(),
            "",
            "",
            extents,
            size,
            count,
            first,
            last
        ]));
    }
    Table::new(&columns, rows(&all))
}

fn one_schema(database: &str, table: &Described, as_json: bool) -> Table {
    let columns = [
        ("TableName", Text),
        ("Schema", Text),
        ("DatabaseName", Text),
        ("Folder", Text),
        ("DocString", Text),
    ];
    let text = if as_json {
        table.json().to_string()
    } else {
        table.csl()
    };
    Table::new(
        &columns,
        rows(&[json!([table.name, text, database, "", ""])]),
    )
}

impl Described {
    /// `.show table T`: a row for each column.
    fn columns_table(&self) -> Table {
        let columns = [("AttributeName", Text), ("AttributeType", Text)];
        let own = self.columns.iter();
        let all: Vec<_> = own
            .map(|(name, kind)| json!([name, kind.dotnet_name()]))
            .collect();
        Table::new(&columns, rows(&all))
    }
}

fn rows(rows: &[Value]) -> Vec<Vec<Value>> {
    let cells = |row: &Value| row.as_array().cloned().unwrap_or_default();
    rows.iter().map(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, words: &[&str], pipe: Option<&str>) {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let pipe = pipe.map(str::to_owned);
        assert_eq!(
            Command::parse(text),
            Some(Command { words, pipe }),
            "{text}"
        );
    }

    #[test]
    fn names_may_stand_in_brackets_and_quotes() {
        check(".show tables;", &["tables"], None);
        check(
            " .show table ['A'] cslschema | project TableName",
            &["table", "A", "cslschema"],
            Some(" project TableName"),
        );
    }
}
