//! API keys: owner of the table `api_key`.
//!
//! A key is `bzn_` and 43 characters of base64url, 256 random bits. Only its SHA-256 digest is kept: with that
//! much chance in it a slow hash would guard nothing, and one is looked up per request.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use sqlx::SqlitePool;
use store::{Timestamp, Workspace};
use uuid::Uuid;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Send logs.
    Ingest,
    /// Query, and see rules and incidents.
    Read,
    /// What `read` may, and change incidents.
    Manage,
    /// Everything, keys too.
    Admin,
}

impl Scope {
    pub(crate) const ALL: [Self; 4] = [Self::Ingest, Self::Read, Self::Manage, Self::Admin];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Manage => "manage",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Whether someone who has this scope may do what needs `needed`.
    pub(crate) fn allows(self, needed: Self) -> bool {
        self == Self::Admin || self == needed || (self == Self::Manage && needed == Self::Read)
    }
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) key_id: String,
    pub(crate) name: String,
    pub(crate) workspace: Workspace,
    pub(crate) scopes: Vec<Scope>,
}

impl Principal {
    pub(crate) fn may(&self, needed: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.allows(needed))
    }
}

/// A key as it is listed: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scopes: String,
    pub(crate) created: i64,
    pub(crate) expires: Option<i64>,
    pub(crate) revoked: Option<i64>,
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    pub(crate) name: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) expires: Option<Timestamp>,
}

/// A new key; shown once.
#[derive(Clone)]
pub(crate) struct CreatedKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// A digest that was looked up not long ago, with when, until when that holds, and whose it is.
type Remembered = HashMap<[u8; 32], (Timestamp, Timestamp, Option<Principal>)>;

/// The keys of the database.
#[derive(Debug)]
pub(crate) struct Keys {
    pool: SqlitePool,
    remembered: Mutex<Remembered>,
}

/// A revocation by another process is seen at the latest after this.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);

/// Digests that are remembered; wrong keys count too.
const REMEMBERED_MAX: usize = 10_000;

/// Name of the key that `BARTIZAN_ADMIN_KEY` sets.
const ENVIRONMENT_KEY: &str = "BARTIZAN_ADMIN_KEY";

impl Keys {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            remembered: Mutex::new(Remembered::new()),
        }
    }

    /// Who holds that key; `None` if it is unknown, revoked or expired.
    pub(crate) async fn verify(
        &self,
        secret: &str,
        now: Timestamp,
    ) -> sqlx::Result<Option<Principal>> {
        let digest = digest(secret);
        if let Some((at, until, principal)) = self.remembered.lock().get(&digest)
            && (*at..*until).contains(&now)
        {
            return Ok(principal.clone());
        }
        let (expires, principal) = self.look_up(&digest, now).await?.unzip();
        let until = now.plus(REMEMBERED_FOR);
        let until = expires
            .flatten()
            .map_or(until, |expires| until.min(expires));
        let mut remembered = self.remembered.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(digest, (now, until, principal.clone()));
        Ok(principal)
    }

    /// When a key expires, if it does, and who holds it.
    async fn look_up(
        &self,
        digest: &[u8; 32],
        now: Timestamp,
    ) -> sqlx::Result<Option<(Option<Timestamp>, Principal)>> {
        let row: Option<(String, String, String, String, Option<i64>)> = sqlx::query_as(
            "select id, name, workspace, scopes, expires from api_key
             where digest = $1 and revoked is null and (expires is null or expires > $2)",
        )
        .bind(digest.as_slice())
        .bind(now.as_micros())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.and_then(|(key_id, name, workspace, scopes, expires)| {
            let workspace = Workspace::new(&workspace)?;
            let scopes = scopes.split(' ').filter_map(Scope::from_name).collect();
            let principal = Principal {
                key_id,
                name,
                workspace,
                scopes,
            };
            Some((expires.map(Timestamp::from_micros), principal))
        }))
    }

    /// Makes a key of chance.
    pub(crate) async fn create(
        &self,
        workspace: &Workspace,
        new: &NewKey,
        now: Timestamp,
    ) -> sqlx::Result<CreatedKey> {
        let random: [u8; 32] = rand::random();
        let secret = format!("bzn_{}", URL_SAFE_NO_PAD.encode(random));
        let id = self.insert(workspace, new, &secret, now).await?;
        Ok(CreatedKey { id, secret })
    }

    async fn insert(
        &self,
        workspace: &Workspace,
        new: &NewKey,
        secret: &str,
        now: Timestamp,
    ) -> sqlx::Result<String> {
        let id = Uuid::now_v7().to_string();
        let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.name()).collect();
        sqlx::query(
            "insert into api_key (id, workspace, name, digest, scopes, created, expires)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(workspace.as_str())
        .bind(&new.name)
        .bind(digest(secret).as_slice())
        .bind(scopes.join(" "))
        .bind(now.as_micros())
        .bind(new.expires.map(Timestamp::as_micros))
        .execute(&self.pool)
        .await?;
        self.remembered.lock().clear();
        Ok(id)
    }

    /// Every key of a workspace, oldest first.
    pub(crate) async fn list(&self, workspace: &Workspace) -> sqlx::Result<Vec<KeyRow>> {
        sqlx::query_as(
            "select id, name, scopes, created, expires, revoked from api_key
             where workspace = $1 order by created, id",
        )
        .bind(workspace.as_str())
        .fetch_all(&self.pool)
        .await
    }

    /// Ends a key; false if there is no such key.
    pub(crate) async fn revoke(
        &self,
        workspace: &Workspace,
        id: &str,
        now: Timestamp,
    ) -> sqlx::Result<bool> {
        let revoked = sqlx::query(
            "update api_key set revoked = coalesce(revoked, $3) where workspace = $1 and id = $2",
        )
        .bind(workspace.as_str())
        .bind(id)
        .bind(now.as_micros())
        .execute(&self.pool)
        .await?;
        self.remembered.lock().clear();
        Ok(revoked.rows_affected() > 0)
    }

    /// Makes the environment's key the one administrator's key of that name; one that it replaces ends. A key
    /// that ended stays so.
    pub(crate) async fn set_environment_key(
        &self,
        secret: &str,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let digest = digest(secret);
        if self.look_up(&digest, now).await?.is_some() {
            return Ok(());
        }
        let ended: Option<String> = sqlx::query_scalar("select id from api_key where digest = $1")
            .bind(digest.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        if let Some(id) = ended {
            // Whoever ended it meant it; a start must not undo that.
            tracing::warn!(key.id = %id, "the key in {ENVIRONMENT_KEY} was revoked or has expired and lets nobody in: set another one");
            return Ok(());
        }
        sqlx::query("update api_key set revoked = $1 where name = $2 and revoked is null")
            .bind(now.as_micros())
            .bind(ENVIRONMENT_KEY)
            .execute(&self.pool)
            .await?;
        let new = NewKey {
            name: ENVIRONMENT_KEY.to_owned(),
            scopes: vec![Scope::Admin],
            expires: None,
        };
        self.insert(&Workspace::default(), &new, secret, now)
            .await?;
        Ok(())
    }

    /// On a database without keys, makes the first one.
    pub(crate) async fn create_first(&self, now: Timestamp) -> sqlx::Result<Option<CreatedKey>> {
        let keys: i64 = sqlx::query_scalar("select count(*) from api_key")
            .fetch_one(&self.pool)
            .await?;
        if keys > 0 {
            return Ok(None);
        }
        let new = NewKey {
            name: "first administrator".to_owned(),
            scopes: vec![Scope::Admin],
            expires: None,
        };
        self.create(&Workspace::default(), &new, now)
            .await
            .map(Some)
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys in a new database, at a moment.
    async fn keys(folder: &std::path::Path) -> (Keys, Timestamp) {
        let clock = std::sync::Arc::new(store::SystemClock);
        let settings = store::StoreSettings::new(folder);
        let store = store::Store::open(settings, clock).await.unwrap();
        (
            Keys::new(store.database().clone()),
            Timestamp::from_micros(1),
        )
    }

    #[tokio::test]
    async fn an_environment_key_that_was_revoked_stays_so_over_a_start() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, now) = keys(folder.path()).await;
        let secret = "admin-0123456789abcdef0123456789abcdef";
        keys.set_environment_key(secret, now).await.unwrap();
        assert!(keys.verify(secret, now).await.unwrap().is_some());
        let id = keys.list(&Workspace::default()).await.unwrap().remove(0).id;
        keys.revoke(&Workspace::default(), &id, now).await.unwrap();
        keys.set_environment_key(secret, now).await.unwrap();
        assert_eq!(keys.verify(secret, now).await.unwrap(), None);
        assert_eq!(keys.list(&Workspace::default()).await.unwrap().len(), 1);
        // Another one lets in again.
        keys.set_environment_key("another-key-of-32-characters-or-so", now)
            .await
            .unwrap();
        assert_eq!(keys.list(&Workspace::default()).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_key_that_was_just_used_ends_when_it_expires() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, now) = keys(folder.path()).await;
        let new = NewKey {
            name: "short".to_owned(),
            scopes: vec![Scope::Read],
            expires: Some(now.plus(Duration::from_secs(2))),
        };
        let created = keys.create(&Workspace::default(), &new, now).await.unwrap();
        for (second, lets_in) in [(0, true), (1, true), (2, false), (3, false)] {
            let then = now.plus(Duration::from_secs(second));
            let found = keys.verify(&created.secret, then).await.unwrap();
            assert_eq!(found.is_some(), lets_in, "after {second} s");
        }
    }
}
