//! The tables of a workspace as Kusto describes them.

use query::Type;
use serde_json::{Map, Value, json};
use store::Table;

/// A table and its columns.
pub(super) struct Described {
    pub(super) name: &'static str,
    pub(super) columns: Vec<(&'static str, Type)>,
}

/// Every table.
pub(super) fn tables() -> Vec<Described> {
    Table::ALL.into_iter().map(described).collect()
}

/// The table of that name; case counts.
pub(super) fn table(name: &str) -> Option<Described> {
    Table::from_name(name).map(described)
}

fn described(table: Table) -> Described {
    let columns = table.columns().iter();
    Described {
        name: table.name(),
        columns: columns
            .map(|column| (column.name, query::kusto_type(column.kind)))
            .collect(),
    }
}

impl Described {
    /// `a:string,b:long`.
    pub(super) fn csl(&self) -> String {
        let columns = self.columns.iter();
        let columns: Vec<_> = columns
            .map(|(name, kind)| format!("{name}:{}", kind.name()))
            .collect();
        columns.join(",")
    }

    /// As an object.
    pub(super) fn json(&self) -> Value {
        let columns = self.columns.iter();
        let columns: Vec<_> = columns
            .map(|(name, kind)| json!({"Name": name, "Type": kind.dotnet_name(), "CslType": kind.name()}))
            .collect();
        json!({"Name": self.name, "Folder": "", "DocString": "", "OrderedColumns": columns})
    }
}

/// Everything, as `.show databases schema as json` has it.
pub(super) fn whole(database: &str) -> Value {
    let tables: Map<String, Value> = tables()
        .iter()
        .map(|table| (table.name.to_owned(), table.json()))
        .collect();
    let described = json!({"Name": database, "Tables": tables, "ExternalTables": {}, "MaterializedViews": {},
        "EntityGroups": {}, "Functions": {}, "Graphs": {}, "MajorVersion": 1, "MinorVersion": 0,
        "DatabaseAccessMode": "ReadOnly"});
    let mut databases = Map::new();
    databases.insert(database.to_owned(), described);
    json!({"Databases": databases})
}

/// Everything, as text of commands: a line for each table.
pub(super) fn script() -> Vec<String> {
    let tables = tables();
    let lines = tables
        .iter()
        .map(|table| format!(".create-merge table {} ({})", table.name, table.csl()));
    lines.collect()
}
