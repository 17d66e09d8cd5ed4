//! Owner of `wal_position`, `idempotency_key` and `table_progress`.

use sqlx::{Sqlite, SqlitePool, Transaction};
use uuid::Uuid;

use super::{ANSWER_RETENTION, CatalogError, During as _, Publication};
use crate::batch::Receipt;
use crate::idempotency::Answered;
use crate::progress::Progress;
use crate::schema::Table;
use crate::time::Timestamp;
use crate::workspace::Workspace;

/// How far one table's events reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredProgress {
    pub(crate) workspace: Workspace,
    pub(crate) table: Table,
    pub(crate) progress: Progress,
}

pub(super) async fn sequence(pool: &SqlitePool) -> Result<u64, CatalogError> {
    let sequence: i64 = sqlx::query_scalar("select sequence from wal_position where id = 1")
        .fetch_one(pool)
        .await
        .during("read log position")?;
    Ok(sequence.cast_unsigned())
}

pub(super) async fn progress(pool: &SqlitePool) -> Result<Vec<StoredProgress>, CatalogError> {
    let rows: Vec<(String, String, i64, i64, i64)> = sqlx::query_as(
        "select workspace, table_name, event_time_min, event_time_max, received_last from table_progress",
    )
    .fetch_all(pool)
    .await
    .during("read progress")?;
    let mut all = Vec::with_capacity(rows.len());
    for (workspace, table, first, last, received) in rows {
        let (Some(workspace), Some(table)) = (Workspace::new(&workspace), Table::from_name(&table))
        else {
            continue;
        };
        let progress = Progress {
            event_time_min: Timestamp::from_micros(first),
            event_time_max: Timestamp::from_micros(last),
            received_last: Timestamp::from_micros(received),
        };
        all.push(StoredProgress {
            workspace,
            table,
            progress,
        });
    }
    Ok(all)
}

pub(super) async fn answer(
    pool: &SqlitePool,
    workspace: &Workspace,
    key: &str,
) -> Result<Option<Answered>, CatalogError> {
    let row: Option<(Vec<u8>, String, i64, i64, i64)> = sqlx::query_as(
        "select digest, batch, accepted, quarantined, created from idempotency_key
         where workspace = $1 and request_key = $2",
    )
    .bind(workspace.as_str())
    .bind(key)
    .fetch_optional(pool)
    .await
    .during("read idempotency key")?;
    let Some((digest, batch, accepted, quarantined, created)) = row else {
        return Ok(None);
    };
    let damaged = || CatalogError::Inconsistent(format!("idempotency key {key}"));
    let digest = digest.try_into().map_err(|_wrong_length| damaged())?;
    let batch = Uuid::parse_str(&batch).map_err(|_not_a_uuid| damaged())?;
    Ok(Some(Answered {
        digest,
        receipt: Receipt {
            batch,
            accepted: accepted.cast_unsigned(),
            quarantined: quarantined.cast_unsigned(),
        },
        created: Timestamp::from_micros(created),
    }))
}

pub(super) async fn write(
    transaction: &mut Transaction<'static, Sqlite>,
    publication: &Publication,
) -> Result<(), CatalogError> {
    sqlx::query("update wal_position set sequence = $1 where id = 1")
        .bind(publication.sequence.cast_signed())
        .execute(&mut **transaction)
        .await
        .during("write log position")?;
    for (workspace, key, answered) in &publication.answers {
        sqlx::query(
            "insert into idempotency_key (workspace, request_key, digest, batch, accepted, quarantined, created)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        )
        .bind(workspace.as_str())
        .bind(key)
        .bind(answered.digest.as_slice())
        .bind(answered.receipt.batch.to_string())
        .bind(answered.receipt.accepted.cast_signed())
        .bind(answered.receipt.quarantined.cast_signed())
        .bind(answered.created.as_micros())
        .execute(&mut **transaction)
        .await
        .during("write idempotency key")?;
    }
    sqlx::query("delete from idempotency_key where created < $1")
        .bind(publication.now.minus(ANSWER_RETENTION).as_micros())
        .execute(&mut **transaction)
        .await
        .during("forget idempotency keys")?;
    for stored in &publication.progress {
        sqlx::query(
            "insert into table_progress (workspace, table_name, event_time_min, event_time_max, received_last)
             values ($1, $2, $3, $4, $5)
             on conflict (workspace, table_name) do update set event_time_min = excluded.event_time_min,
                 event_time_max = excluded.event_time_max, received_last = excluded.received_last",
        )
        .bind(stored.workspace.as_str())
        .bind(stored.table.name())
        .bind(stored.progress.event_time_min.as_micros())
        .bind(stored.progress.event_time_max.as_micros())
        .bind(stored.progress.received_last.as_micros())
        .execute(&mut **transaction)
        .await
        .during("write progress")?;
    }
    Ok(())
}
