//! SQLite and PostgreSQL behind one face: one text of SQL for both, with `$1` parameters.
//!
//! Where the two have different types (PostgreSQL's `uuid`, `timestamptz`, `boolean`), a [`Value`] says what is
//! meant, and each database is given its own form of it. Nothing outside this file knows which one it talks to.

use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, FromRow, PgConnection, PgPool, Postgres, SqlSafeStr, SqlStr,
    Sqlite, SqliteConnection, SqlitePool, Transaction, Type,
};
use uuid::Uuid;

use super::statistics::time_text;
use crate::time::Timestamp;

/// Where the catalog lies.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// An open transaction; dropped without [`Writing::commit`] it never was.
#[derive(Debug)]
pub(crate) enum Writing {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Database {
    /// Begins a transaction. SQLite's holds the write lock from its start, so that it never fails halfway for a
    /// reader's sake; PostgreSQL's takes it with the first row that all writers change.
    pub(super) async fn begin(&self) -> sqlx::Result<Writing> {
        Ok(match self {
            Self::Sqlite(pool) => Writing::Sqlite(pool.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Writing::Postgres(pool.begin().await?),
        })
    }

    /// Tables whose names begin so, by name.
    pub(super) async fn tables(&self, prefix: &str) -> sqlx::Result<Vec<String>> {
        let text = match self {
            Self::Sqlite(_) => {
                "select name from sqlite_schema where type = 'table' and substr(name, 1, length($1)) = $1 order by name"
            }
            Self::Postgres(_) => {
                "select tablename::text from pg_tables where schemaname = current_schema()
                     and starts_with(tablename, $1) order by tablename"
            }
        };
        let names: Vec<(String,)> = sql(text).bind(prefix).rows(self).await?;
        Ok(names.into_iter().map(|(name,)| name).collect())
    }
}

impl Writing {
    pub(super) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

/// What a statement runs on.
pub(super) enum On<'c> {
    SqlitePool(&'c SqlitePool),
    Sqlite(&'c mut SqliteConnection),
    PostgresPool(&'c PgPool),
    Postgres(&'c mut PgConnection),
}

impl<'c> From<&'c Database> for On<'c> {
    fn from(database: &'c Database) -> Self {
        match database {
            Database::Sqlite(pool) => Self::SqlitePool(pool),
            Database::Postgres(pool) => Self::PostgresPool(pool),
        }
    }
}

impl<'c> From<&'c mut Writing> for On<'c> {
    fn from(writing: &'c mut Writing) -> Self {
        match writing {
            Writing::Sqlite(transaction) => Self::Sqlite(transaction),
            Writing::Postgres(transaction) => Self::Postgres(transaction),
        }
    }
}

/// A value as a statement is given it.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
    Bool(bool),
    Uuid(Uuid),
    Time(Timestamp),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Uuid(id)
    }
}

impl From<Timestamp> for Value {
    fn from(instant: Timestamp) -> Self {
        Self::Time(instant)
    }
}

/// A row that either database can fill.
pub(super) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// A statement with its values.
#[derive(Debug)]
pub(super) struct Statement {
    text: SqlStr,
    values: Vec<Value>,
}

/// A statement of that text.
pub(super) fn sql(text: impl SqlSafeStr) -> Statement {
    Statement {
        text: text.into_sql_str(),
        values: Vec::new(),
    }
}

/// An insert of many rows of equally many values: `insert into t (a, b)`, then the rows.
pub(super) fn insert_all(head: &'static str, rows: Vec<Vec<Value>>) -> Option<Statement> {
    let mut place = 0;
    let mut groups = Vec::with_capacity(rows.len());
    for row in &rows {
        let places: Vec<String> = row
            .iter()
            .zip(place + 1..)
            .map(|(_, n)| format!("${n}"))
            .collect();
        place += row.len();
        groups.push(format!("({})", places.join(", ")));
    }
    // The text is made of a literal and of place holders alone.
    let text = AssertSqlSafe(format!("{head} values {}", groups.join(", ")));
    (!rows.is_empty()).then(|| Statement {
        text: text.into_sql_str(),
        values: rows.into_iter().flatten().collect(),
    })
}

impl Statement {
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it; returns how many rows it touched.
    pub(super) async fn execute(self, on: impl Into<On<'_>>) -> sqlx::Result<u64> {
        Ok(match on.into() {
            On::SqlitePool(pool) => {
                let query = sqlx::query_with(self.text, sqlite(self.values)?);
                query.execute(pool).await?.rows_affected()
            }
            On::Sqlite(connection) => {
                let query = sqlx::query_with(self.text, sqlite(self.values)?);
                query.execute(connection).await?.rows_affected()
            }
            On::PostgresPool(pool) => {
                let query = sqlx::query_with(self.text, postgres(self.values)?);
                query.execute(pool).await?.rows_affected()
            }
            On::Postgres(connection) => {
                let query = sqlx::query_with(self.text, postgres(self.values)?);
                query.execute(connection).await?.rows_affected()
            }
        })
    }

    /// All rows.
    pub(super) async fn rows<T: Row>(self, on: impl Into<On<'_>>) -> sqlx::Result<Vec<T>> {
        match on.into() {
            On::SqlitePool(pool) => {
                let query = sqlx::query_as_with(self.text, sqlite(self.values)?);
                query.fetch_all(pool).await
            }
            On::Sqlite(connection) => {
                let query = sqlx::query_as_with(self.text, sqlite(self.values)?);
                query.fetch_all(connection).await
            }
            On::PostgresPool(pool) => {
                let query = sqlx::query_as_with(self.text, postgres(self.values)?);
                query.fetch_all(pool).await
            }
            On::Postgres(connection) => {
                let query = sqlx::query_as_with(self.text, postgres(self.values)?);
                query.fetch_all(connection).await
            }
        }
    }

    /// The first row, if there is one.
    pub(super) async fn optional<T: Row>(self, on: impl Into<On<'_>>) -> sqlx::Result<Option<T>> {
        Ok(self.rows(on).await?.into_iter().next())
    }

    /// The first row.
    pub(super) async fn one<T: Row>(self, on: impl Into<On<'_>>) -> sqlx::Result<T> {
        self.optional(on).await?.ok_or(sqlx::Error::RowNotFound)
    }
}

fn sqlite(values: Vec<Value>) -> sqlx::Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Number(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Bool(truth) => arguments.add(i64::from(truth)),
            Value::Uuid(id) => arguments.add(id.to_string()),
            Value::Time(instant) => arguments.add(time_text(instant.as_micros())),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres(values: Vec<Value>) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Number(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Bool(truth) => arguments.add(truth),
            Value::Uuid(id) => arguments.add(PostgresUuid(id)),
            Value::Time(instant) => arguments.add(PostgresTime(instant)),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

struct PostgresUuid(Uuid);

impl Type<Postgres> for PostgresUuid {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2950))
    }
}

impl Encode<'_, Postgres> for PostgresUuid {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

struct PostgresTime(Timestamp);

/// 2000-01-01, from which PostgreSQL counts, in microseconds since 1970-01-01.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

impl Type<Postgres> for PostgresTime {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1184))
    }
}

impl Encode<'_, Postgres> for PostgresTime {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = self.0.as_micros().saturating_sub(POSTGRES_EPOCH_MICROS);
        buffer.extend_from_slice(&micros.to_be_bytes());
        Ok(IsNull::No)
    }
}
