//! Where the catalog lies, as the configuration says it.

use std::fmt;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::CatalogError;

/// Where the catalog lies.
#[derive(Clone, Debug, Default)]
pub enum CatalogSettings {
    /// In the data folder, as an SQLite file.
    #[default]
    Embedded,
    /// In a PostgreSQL database.
    Postgres(PostgresSettings),
}

impl fmt::Display for CatalogSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => formatter.write_str(super::FILE_NAME),
            Self::Postgres(settings) => settings.fmt(formatter),
        }
    }
}

/// A PostgreSQL database and how to log in to it; what is shown of it holds no password.
#[derive(Clone)]
pub struct PostgresSettings(Box<PgConnectOptions>);

/// Bounds of what one statement may take, in PostgreSQL's words.
const BOUNDS: [(&str, &str); 2] = [("statement_timeout", "60s"), ("lock_timeout", "20s")];

impl PostgresSettings {
    /// From `postgres://user@host/database`; a password given apart takes the place of one in the address.
    ///
    /// To another machine the connection is encrypted and its certificate checked, unless the address says
    /// otherwise by `sslmode`.
    pub fn parse(address: &str, password: Option<&str>) -> Result<Self, CatalogError> {
        if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
            let text = "must begin with postgres://".to_owned();
            return Err(CatalogError::Address(text));
        }
        // The error of the parser may quote the address, and with it a password.
        let mut options = PgConnectOptions::from_str(address)
            .map_err(|_may_quote_a_secret| CatalogError::Address("cannot be read".to_owned()))?
            .application_name("bartizan")
            .options(BOUNDS);
        if let Some(password) = password {
            options = options.password(password);
        }
        if !address.contains("sslmode=") && !is_local(&options) {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        Ok(Self(Box::new(options)))
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        (*self.0).clone()
    }
}

fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for PostgresSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.0.get_database().unwrap_or_default();
        write!(
            formatter,
            "postgres://{}:{}/{database}",
            self.0.get_host(),
            self.0.get_port()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, shown: &str, tls: PgSslMode) {
        let settings = PostgresSettings::parse(address, Some("hunter2")).unwrap();
        assert_eq!(format!("{settings:?}"), shown);
        let same = std::mem::discriminant(&settings.0.get_ssl_mode());
        assert_eq!(same, std::mem::discriminant(&tls), "{address}");
    }

    #[test]
    fn another_machine_is_reached_by_tls_unless_the_address_says_otherwise() {
        check(
            "postgres://u@db.example.org/lake",
            "postgres://db.example.org:5432/lake",
            PgSslMode::VerifyFull,
        );
        check(
            "postgres://u@db.example.org/lake?sslmode=disable",
            "postgres://db.example.org:5432/lake",
            PgSslMode::Disable,
        );
        check(
            "postgres://u:hunter2@127.0.0.1:5433/lake",
            "postgres://127.0.0.1:5433/lake",
            PgSslMode::Prefer,
        );
    }

    #[test]
    fn an_address_that_cannot_be_used_is_not_repeated() {
        for wrong in ["mysql://u:hunter2@h/d", "postgres://u:hunter2@h:port/d"] {
            let error = PostgresSettings::parse(wrong, None)
                .unwrap_err()
                .to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
