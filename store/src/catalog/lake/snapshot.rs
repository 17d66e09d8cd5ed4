//! A snapshot of the lake while it is being written.

use super::super::database::{Writing, sql};
use super::super::{CatalogError, During as _};
use super::others::AUTHOR;
use crate::time::Timestamp;

/// The next snapshot, and the ids that it may give out.
pub(super) struct Snapshot {
    pub(super) id: i64,
    pub(super) schema_version: i64,
    next_catalog_id: i64,
    next_file_id: i64,
}

impl Snapshot {
    pub(super) async fn next(writing: &mut Writing) -> Result<Self, CatalogError> {
        let (id, schema_version, next_catalog_id, next_file_id): (i64, i64, i64, i64) = sql(
            "select snapshot_id, schema_version, next_catalog_id, next_file_id
             from ducklake_snapshot order by snapshot_id desc limit 1",
        )
        .one(writing)
        .await
        .during("read snapshot")?;
        Ok(Self {
            id: id + 1,
            schema_version,
            next_catalog_id,
            next_file_id,
        })
    }

    pub(super) fn take_catalog_id(&mut self) -> i64 {
        self.next_catalog_id += 1;
        self.next_catalog_id - 1
    }

    pub(super) fn take_file_id(&mut self) -> i64 {
        self.next_file_id += 1;
        self.next_file_id - 1
    }

    pub(super) async fn write(
        &self,
        writing: &mut Writing,
        changes: &str,
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        sql("insert into ducklake_snapshot values ($1, $2, $3, $4, $5)")
            .bind(self.id)
            .bind(now)
            .bind(self.schema_version)
            .bind(self.next_catalog_id)
            .bind(self.next_file_id)
            .execute(&mut *writing)
            .await
            .during("write snapshot")?;
        sql("insert into ducklake_snapshot_changes (snapshot_id, changes_made, author) values ($1, $2, $3)")
            .bind(self.id)
            .bind(changes)
            .bind(AUTHOR)
            .execute(writing)
            .await
            .during("write snapshot changes")?;
        Ok(())
    }
}
