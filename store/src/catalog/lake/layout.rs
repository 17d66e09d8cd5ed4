//! Schemas, tables and columns of the lake, brought to those of this version.
//!
//! A later version adds columns at the end of a table: they are added here as DuckLake adds them, under a new
//! snapshot with a new schema version; in files written before they read as null. Nothing is ever taken away, so
//! a catalog that a later version has widened is still good for this one.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::database::{Value, Writing, insert_all, sql};
use super::super::{CatalogError, During as _};
use super::snapshot::Snapshot;
use crate::schema::Table;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// The workspaces that the lake has a schema for.
pub(in crate::catalog) async fn workspaces(
    writing: &mut Writing,
) -> Result<Vec<Workspace>, CatalogError> {
    let names: Vec<(String,)> =
        sql("select schema_name from ducklake_schema where end_snapshot is null")
            .rows(writing)
            .await
            .during("read schemas")?;
    // DuckLake's own schema `main` is there from the start and holds nothing of ours.
    let ours = names.iter().filter(|(name,)| name != "main");
    Ok(ours.filter_map(|(name,)| Workspace::new(name)).collect())
}

/// A column as the catalog knows it.
#[derive(Debug)]
struct KnownColumn {
    name: String,
    kind: String,
}

#[derive(Debug, Default)]
struct KnownTable {
    id: i64,
    columns: BTreeMap<i64, KnownColumn>,
}

/// Makes a workspace's schema, tables and columns exist; columns that this version added come to old tables.
pub(in crate::catalog) async fn ensure_workspace(
    writing: &mut Writing,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<(), CatalogError> {
    let mut snapshot = Snapshot::next(writing).await?;
    let mut changes: Vec<String> = Vec::new();
    let name = workspace.as_str();
    let schema_id = match schema_id(writing, workspace).await? {
        Some(schema_id) => schema_id,
        None => {
            let schema_id = snapshot.take_catalog_id();
            create_schema(writing, (schema_id, snapshot.id), name).await?;
            changes.push(format!("created_schema:\"{name}\""));
            schema_id
        }
    };
    let known = known_tables(writing, schema_id).await?;
    for table in Table::ALL {
        let change = match known.get(table.name()) {
            Some(known) => add_columns(writing, &snapshot, table, known).await?,
            None => {
                let table_id = snapshot.take_catalog_id();
                create_table(writing, (table_id, snapshot.id), schema_id, table).await?;
                let known = KnownTable {
                    id: table_id,
                    columns: BTreeMap::new(),
                };
                add_columns(writing, &snapshot, table, &known).await?;
                Some(format!("created_table:\"{name}\".\"{table}\""))
            }
        };
        changes.extend(change);
    }
    if changes.is_empty() {
        return Ok(());
    }
    snapshot.schema_version += 1;
    snapshot.write(writing, &changes.join(","), now).await
}

pub(super) async fn schema_id(
    writing: &mut Writing,
    workspace: &Workspace,
) -> Result<Option<i64>, CatalogError> {
    let found: Option<(i64,)> = sql(
        "select schema_id from ducklake_schema where schema_name = $1 and end_snapshot is null",
    )
    .bind(workspace.as_str())
    .optional(writing)
    .await
    .during("read schema")?;
    Ok(found.map(|(id,)| id))
}

/// The id of a table that [`ensure_workspace`] made.
pub(super) async fn table_id(
    writing: &mut Writing,
    workspace: &Workspace,
    table: Table,
) -> Result<i64, CatalogError> {
    let found: Option<(i64,)> = sql(
        "select tab.table_id from ducklake_table tab join ducklake_schema schema on schema.schema_id = tab.schema_id
         where schema.schema_name = $1 and tab.table_name = $2
             and schema.end_snapshot is null and tab.end_snapshot is null",
    )
    .bind(workspace.as_str())
    .bind(table.name())
    .optional(writing)
    .await
    .during("read table")?;
    found.map(|(id,)| id).ok_or_else(|| {
        CatalogError::Inconsistent(format!("workspace {workspace} has no table {table}"))
    })
}

async fn known_tables(
    writing: &mut Writing,
    schema_id: i64,
) -> Result<BTreeMap<String, KnownTable>, CatalogError> {
    type Row = (i64, String, Option<i64>, Option<String>, Option<String>);
    let rows: Vec<Row> = sql(
        "select tab.table_id, tab.table_name, col.column_id, col.column_name, col.column_type
         from ducklake_table tab left join ducklake_column col
             on col.table_id = tab.table_id and col.end_snapshot is null and col.parent_column is null
         where tab.schema_id = $1 and tab.end_snapshot is null",
    )
    .bind(schema_id)
    .rows(writing)
    .await
    .during("read tables")?;
    let mut tables: BTreeMap<String, KnownTable> = BTreeMap::new();
    for (table_id, table, column_id, name, kind) in rows {
        let known = tables.entry(table).or_default();
        known.id = table_id;
        if let (Some(column_id), Some(name), Some(kind)) = (column_id, name, kind) {
            known.columns.insert(column_id, KnownColumn { name, kind });
        }
    }
    Ok(tables)
}

async fn create_schema(
    writing: &mut Writing,
    (schema_id, snapshot_id): (i64, i64),
    name: &str,
) -> Result<(), CatalogError> {
    sql("insert into ducklake_schema values ($1, $2, $3, null, $4, $5, $6)")
        .bind(schema_id)
        .bind(Uuid::now_v7())
        .bind(snapshot_id)
        .bind(name)
        .bind(format!("{name}/"))
        .bind(true)
        .execute(writing)
        .await
        .during("write schema")?;
    Ok(())
}

async fn create_table(
    writing: &mut Writing,
    (table_id, snapshot_id): (i64, i64),
    schema_id: i64,
    table: Table,
) -> Result<(), CatalogError> {
    sql("insert into ducklake_table values ($1, $2, $3, null, $4, $5, $6, $7)")
        .bind(table_id)
        .bind(Uuid::now_v7())
        .bind(snapshot_id)
        .bind(schema_id)
        .bind(table.name())
        .bind(format!("{table}/"))
        .bind(true)
        .execute(&mut *writing)
        .await
        .during("write table")?;
    sql("insert into ducklake_table_stats values ($1, 0, 0, 0)")
        .bind(table_id)
        .execute(writing)
        .await
        .during("write table statistics")?;
    Ok(())
}

/// Adds what the catalog lacks; what both have must be the same.
async fn add_columns(
    writing: &mut Writing,
    snapshot: &Snapshot,
    table: Table,
    known: &KnownTable,
) -> Result<Option<String>, CatalogError> {
    let mut added: Vec<Vec<Value>> = Vec::new();
    for (column_id, column) in (1_i64..).zip(table.columns()) {
        let kind = column.kind.ducklake();
        match known.columns.get(&column_id) {
            Some(same) if same.name == column.name && same.kind == kind => {}
            Some(other) => {
                return Err(CatalogError::Inconsistent(format!(
                    "column {column_id} of {table} is {} {}, and {} {kind} in this version",
                    other.name, other.kind, column.name
                )));
            }
            None => added.push(vec![
                column_id.into(),
                snapshot.id.into(),
                known.id.into(),
                column_id.into(),
                column.name.into(),
                kind.into(),
                "NULL".into(),
                true.into(),
                "literal".into(),
                "duckdb".into(),
            ]),
        }
    }
    let head = "insert into ducklake_column (column_id, begin_snapshot, table_id, column_order, column_name,
         column_type, default_value, nulls_allowed, default_value_type, default_value_dialect)";
    let Some(insert) = insert_all(head, added) else {
        return Ok(None);
    };
    insert
        .execute(&mut *writing)
        .await
        .during("write columns")?;
    sql("insert into ducklake_schema_versions values ($1, $2, $3)")
        .bind(snapshot.id)
        .bind(snapshot.schema_version + 1)
        .bind(known.id)
        .execute(writing)
        .await
        .during("write schema version")?;
    Ok(Some(format!("altered_table:{}", known.id)))
}
