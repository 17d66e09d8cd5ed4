//! Uploaded watchlists: owner of the table `watchlist`. What is written there queries see at once.

use query::{Watchlist, WatchlistError, Watchlists};
use sqlx::SqlitePool;
use store::{Timestamp, Workspace};
use thiserror::Error;
use tokio::sync::Mutex;

/// What can go wrong with a list that is uploaded.
#[derive(Debug, Error)]
pub(crate) enum UploadError {
    /// The list itself.
    #[error(transparent)]
    List(#[from] WatchlistError),
    /// The database.
    #[error("write a list to the database")]
    Database(#[from] sqlx::Error),
}

/// The lists of the database, and those that queries see.
#[derive(Debug)]
pub(crate) struct UploadedWatchlists {
    pool: SqlitePool,
    seen: Watchlists,
    /// Keeps what is seen in the order of what is written.
    turn: Mutex<()>,
}

impl UploadedWatchlists {
    /// Shows queries what was uploaded before.
    pub(crate) async fn open(pool: SqlitePool, seen: Watchlists) -> sqlx::Result<Self> {
        let rows: Vec<(String, String, String, Vec<u8>, i64)> =
            sqlx::query_as("select workspace, alias, search_key, csv, updated from watchlist")
                .fetch_all(&pool)
                .await?;
        for (workspace, alias, search_key, csv, updated) in rows {
            let Some(workspace) = Workspace::new(&workspace) else {
                continue;
            };
            let updated = Timestamp::from_micros(updated);
            let list = Watchlist::from_csv(&alias, &csv, Some(&search_key), updated)
                .and_then(|list| seen.check(&workspace, &list).map(|()| list));
            match list {
                Ok(list) => seen.put(&workspace, list),
                // The configuration may have taken the alias since.
                Err(error) => {
                    tracing::error!(%workspace, %alias, %error, "left out watchlist {alias}");
                }
            }
        }
        let turn = Mutex::new(());
        Ok(Self { pool, seen, turn })
    }

    /// Writes a list, in the place of one of the same alias.
    pub(crate) async fn put(
        &self,
        workspace: &Workspace,
        list: Watchlist,
        csv: &[u8],
    ) -> Result<(), UploadError> {
        let _turn = self.turn.lock().await;
        self.seen.check(workspace, &list)?;
        sqlx::query(
            "insert into watchlist (workspace, alias, search_key, csv, updated) values ($1, $2, $3, $4, $5)
             on conflict (workspace, alias) do update
             set search_key = excluded.search_key, csv = excluded.csv, updated = excluded.updated",
        )
        .bind(workspace.as_str())
        .bind(list.alias())
        .bind(list.search_key())
        .bind(csv)
        .bind(list.updated().map(Timestamp::as_micros))
        .execute(&self.pool)
        .await?;
        self.seen.put(workspace, list);
        Ok(())
    }

    /// Deletes a list; false if none of that alias was uploaded.
    pub(crate) async fn delete(&self, workspace: &Workspace, alias: &str) -> sqlx::Result<bool> {
        let _turn = self.turn.lock().await;
        let deleted = sqlx::query("delete from watchlist where workspace = $1 and alias = $2")
            .bind(workspace.as_str())
            .bind(alias)
            .execute(&self.pool)
            .await?;
        self.seen.remove(workspace, alias);
        Ok(deleted.rows_affected() > 0)
    }

    /// A list as it was uploaded.
    pub(crate) async fn csv(
        &self,
        workspace: &Workspace,
        alias: &str,
    ) -> sqlx::Result<Option<Vec<u8>>> {
        sqlx::query_scalar("select csv from watchlist where workspace = $1 and alias = $2")
            .bind(workspace.as_str())
            .bind(alias)
            .fetch_optional(&self.pool)
            .await
    }
}
