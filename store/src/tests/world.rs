//! A data folder with a catalog, made for one test: in SQLite, or in a schema of a real PostgreSQL.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    CatalogSettings, ManualClock, PostgresSettings, Store, StoreError, StoreSettings, Timestamp,
};

/// Address of a PostgreSQL whose user may create schemas.
const POSTGRES_VARIABLE: &str = "BARTIZAN_TEST_POSTGRES";

pub(super) struct World {
    folder: TempDir,
    pub(super) catalog: CatalogSettings,
    pub(super) clock: Arc<ManualClock>,
    /// Address of the catalog, where it is in PostgreSQL.
    pub(super) address: Option<String>,
}

/// 2026-11-23, so that wrong event times have room on both sides.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_795_392_000_000_000);

impl World {
    pub(super) fn sqlite() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            catalog: CatalogSettings::Embedded,
            clock: Arc::new(ManualClock::new(NOW)),
            address: None,
        }
    }

    /// `None` where no PostgreSQL is named; says so on stderr.
    pub(super) async fn postgres() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "only tests are told by it")]
        let Ok(server) = std::env::var(POSTGRES_VARIABLE) else {
            // Past the capture of the test's output: who runs the tests is to know.
            let line = format!("skipped on PostgreSQL: {POSTGRES_VARIABLE} names none\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            return None;
        };
        let schema = format!("test_{}", Uuid::now_v7().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let create = AssertSqlSafe(format!("create schema {schema}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        let separator = if server.contains('?') { '&' } else { '?' };
        let address = format!("{server}{separator}options=-c%20search_path%3D{schema}");
        Some(Self {
            catalog: CatalogSettings::Postgres(PostgresSettings::parse(&address, None).unwrap()),
            address: Some(address),
            ..Self::sqlite()
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn settings(&self) -> StoreSettings {
        StoreSettings {
            catalog: self.catalog.clone(),
            ..super::settings(self.path())
        }
    }

    pub(super) async fn open(&self) -> Arc<Store> {
        Arc::new(self.try_open().await.unwrap())
    }

    /// Opens it with other settings, and with compaction of four files.
    pub(super) async fn open_with(&self, change: impl FnOnce(&mut StoreSettings)) -> Arc<Store> {
        let mut settings = self.settings();
        settings.compaction.files_min = 4;
        change(&mut settings);
        let clock = Arc::<ManualClock>::clone(&self.clock);
        Arc::new(Store::open(settings, clock).await.unwrap())
    }

    /// What is said when it can't be opened, with the causes.
    pub(super) async fn refusal(&self) -> String {
        let error = self.try_open().await.unwrap_err();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }

    /// Takes the catalog away, and leaves an empty place.
    pub(super) async fn take_catalog_away(&self) {
        match &self.address {
            None => self.move_catalog("", ".kept"),
            Some(_) => {
                self.run_postgres("alter schema {} rename to {}_kept").await;
                self.run_postgres("create schema {}").await;
            }
        }
    }

    /// Puts it back in the place of what came meanwhile.
    pub(super) async fn put_catalog_back(&self) {
        match &self.address {
            None => self.move_catalog(".kept", ""),
            Some(_) => {
                self.run_postgres("drop schema {} cascade").await;
                self.run_postgres("alter schema {}_kept rename to {}").await;
            }
        }
    }

    fn move_catalog(&self, from: &str, to: &str) {
        let name = |ending| self.path().join(format!("catalog.sqlite{ending}"));
        std::fs::rename(name(from), name(to)).unwrap();
    }

    /// Runs SQL about the test's schema, which is `{}` in it.
    async fn run_postgres(&self, text: &str) {
        let address = self.address.as_deref().unwrap();
        let (server, schema) = address.split_once("search_path%3D").unwrap();
        let server = server.trim_end_matches("options=-c%20");
        let mut connection = PgConnection::connect(server.trim_end_matches(['?', '&']))
            .await
            .unwrap();
        let text = AssertSqlSafe(text.replace("{}", schema));
        sqlx::query(text).execute(&mut connection).await.unwrap();
    }

    pub(super) async fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(self.settings(), Arc::<ManualClock>::clone(&self.clock)).await
    }
}

/// Makes of each `async fn(World)` a test on SQLite and one on PostgreSQL.
macro_rules! on_both_catalogs {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            use super::World;
            $(#[tokio::test]
            async fn $name() {
                super::$name(World::sqlite()).await;
            })*
        }
        mod on_postgres {
            use super::World;
            $(#[tokio::test]
            async fn $name() {
                if let Some(world) = World::postgres().await {
                    super::$name(world).await;
                }
            })*
        }
    };
}

pub(super) use on_both_catalogs;
