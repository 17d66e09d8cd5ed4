//! Owner of `wal_position`, `idempotency_key`, `table_progress` and `lake_owner`.

use uuid::Uuid;

use super::database::{Database, On, Value, Writing, sql};
use super::{ANSWER_RETENTION, CatalogError, During as _, Publication};
use crate::batch::Receipt;
use crate::idempotency::Answered;
use crate::mark::Mark;
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

/// The id of the lake, once it was opened.
pub(super) async fn owner(on: impl Into<On<'_>>) -> Result<Option<Uuid>, CatalogError> {
    let owner: Option<(String,)> = sql("select lake from lake_owner where id = 1")
        .optional(on)
        .await
        .during("read owner")?;
    let damaged = |_not_a_uuid| CatalogError::Inconsistent("owner of the lake".to_owned());
    owner
        .map(|(owner,)| Uuid::parse_str(&owner).map_err(damaged))
        .transpose()
}

/// Makes this process the one that writes to the lake. The lake is the data folder's that first opened it.
pub(super) async fn take_ownership(
    writing: &mut Writing,
    lake: Uuid,
    instance: Uuid,
) -> Result<(), CatalogError> {
    sql("insert into lake_owner (id, lake, instance) values (1, $1, $2) on conflict (id) do nothing")
        .bind(lake.to_string())
        .bind(instance.to_string())
        .execute(&mut *writing)
        .await
        .during("write owner")?;
    if owner(&mut *writing).await? != Some(lake) {
        return Err(CatalogError::OtherLake);
    }
    sql("update lake_owner set instance = $1 where id = 1")
        .bind(instance.to_string())
        .execute(writing)
        .await
        .during("write owner")?;
    Ok(())
}

/// Makes writers take turns, and stops one whose lake was taken over.
pub(super) async fn hold_ownership(
    writing: &mut Writing,
    instance: Uuid,
) -> Result<(), CatalogError> {
    let held = sql("update lake_owner set instance = instance where id = 1 and instance = $1")
        .bind(instance.to_string())
        .execute(writing)
        .await
        .during("hold ownership")?;
    if held == 1 {
        Ok(())
    } else {
        Err(CatalogError::TakenOver)
    }
}

pub(super) async fn sequence(on: impl Into<On<'_>>) -> Result<u64, CatalogError> {
    let (sequence,): (i64,) = sql("select sequence from wal_position where id = 1")
        .one(on)
        .await
        .during("read log position")?;
    Ok(sequence.cast_unsigned())
}

/// How far the catalog has come, and which process opened it last.
pub(super) async fn reached(database: &Database) -> Result<(Mark, Option<Uuid>), CatalogError> {
    let (sequence, snapshot, instance): (i64, i64, Option<String>) = sql(
        "select pos.sequence, (select max(snapshot_id) from ducklake_snapshot), own.instance
         from wal_position pos left join lake_owner own on own.id = pos.id where pos.id = 1",
    )
    .one(database)
    .await
    .during("read log position")?;
    let instance = instance.and_then(|instance| Uuid::parse_str(&instance).ok());
    Ok((mark((sequence, snapshot)), instance))
}

/// How far the catalog has come, as long as it is that process's lake.
pub(super) async fn reached_by(database: &Database, instance: Uuid) -> Result<Mark, CatalogError> {
    let reached: Option<(i64, i64)> = sql(
        "select pos.sequence, (select max(snapshot_id) from ducklake_snapshot)
         from wal_position pos join lake_owner own on own.id = pos.id and own.instance = $1 where pos.id = 1",
    )
    .bind(instance.to_string())
    .optional(database)
    .await
    .during("read log position")?;
    reached.map(mark).ok_or(CatalogError::TakenOver)
}

fn mark((sequence, snapshot): (i64, i64)) -> Mark {
    Mark {
        sequence: sequence.cast_unsigned(),
        snapshot,
    }
}

pub(super) async fn progress(database: &Database) -> Result<Vec<StoredProgress>, CatalogError> {
    let rows: Vec<(String, String, i64, i64, i64)> = sql(
        "select workspace, table_name, event_time_min, event_time_max, received_last from table_progress",
    )
    .rows(database)
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
    database: &Database,
    workspace: &Workspace,
    key: &str,
) -> Result<Option<Answered>, CatalogError> {
    let row: Option<(Vec<u8>, String, i64, i64, i64)> = sql(
        "select digest, batch, accepted, quarantined, created from idempotency_key
         where workspace = $1 and request_key = $2",
    )
    .bind(workspace.as_str())
    .bind(key)
    .optional(database)
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
    writing: &mut Writing,
    publication: &Publication,
) -> Result<(), CatalogError> {
    let moved = sql("update wal_position set sequence = $1 where id = 1 and sequence = $2")
        .bind(publication.sequence.cast_signed())
        .bind(publication.sequence_before.cast_signed())
        .execute(&mut *writing)
        .await
        .during("write log position")?;
    if moved != 1 {
        let text = format!("log position is not {}", publication.sequence_before);
        return Err(CatalogError::Inconsistent(text));
    }
    // Before the new ones: a key that may be used again is written again.
    sql("delete from idempotency_key where created < $1")
        .bind(publication.now.minus(ANSWER_RETENTION).as_micros())
        .execute(&mut *writing)
        .await
        .during("forget idempotency keys")?;
    for (workspace, key, answered) in &publication.answers {
        sql(
            "insert into idempotency_key (workspace, request_key, digest, batch, accepted, quarantined, created)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        )
        .bind(workspace.as_str())
        .bind(key.as_str())
        .bind(Value::Bytes(answered.digest.to_vec()))
        .bind(answered.receipt.batch.to_string())
        .bind(answered.receipt.accepted.cast_signed())
        .bind(answered.receipt.quarantined.cast_signed())
        .bind(answered.created.as_micros())
        .execute(&mut *writing)
        .await
        .during("write idempotency key")?;
    }
    for stored in &publication.progress {
        sql(
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
        .execute(&mut *writing)
        .await
        .during("write progress")?;
    }
    Ok(())
}
