//! Tells a database that can't be reached or written for now from one that refuses what we ask of it.

use std::error::Error;

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// Whether an error, or what it comes from, passes: the same, asked again later, may succeed.
pub fn is_unavailable(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<sqlx::Error>() {
            return is_away(error);
        }
        next = error.source();
    }
    false
}

fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
                return is_away_postgres(error.code());
            }
            let code = error.try_downcast_ref::<SqliteError>().and(error.code());
            code.is_some_and(|code| is_away_sqlite(&code))
        }
        _ => false,
    }
}

/// Classes of PostgreSQL's codes: connection, transaction rolled back, resources (a full disk), state (no connections
/// allowed, a lock not given), operator's intervention (shutdown, a statement's time is over).
const POSTGRES_CLASSES: [&str; 5] = ["08", "40", "53", "55", "57"];

/// A server that only reads: the one that was asked is not the first any more.
const POSTGRES_READ_ONLY: &str = "25006";

fn is_away_postgres(code: &str) -> bool {
    code == POSTGRES_READ_ONLY || POSTGRES_CLASSES.iter().any(|class| code.starts_with(class))
}

/// SQLite's busy, locked, read only, input or output error, full, can't open.
const SQLITE_CODES: [u32; 6] = [5, 6, 8, 10, 13, 14];

fn is_away_sqlite(code: &str) -> bool {
    // The lowest eight bits say what it is, the others in which way.
    code.parse::<u32>()
        .is_ok_and(|code| SQLITE_CODES.contains(&(code & 0xff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_stops_or_is_full_passes_and_a_wrong_statement_does_not() {
        for passing in ["08006", "53100", "57P01", "55000", "25006", "40001"] {
            assert!(is_away_postgres(passing), "{passing}");
        }
        for lasting in ["42P01", "23505", "22012", "25001", "28P01"] {
            assert!(!is_away_postgres(lasting), "{lasting}");
        }
        // Full, and full in one of its ways; a constraint is a defect.
        for (code, passes) in [("13", true), ("522", true), ("1", false), ("2067", false)] {
            assert_eq!(is_away_sqlite(code), passes, "{code}");
        }
    }

    #[test]
    fn what_an_error_comes_from_counts() {
        let source = sqlx::Error::PoolTimedOut;
        let operation = "begin";
        let error = crate::CatalogError::Database { operation, source };
        assert!(is_unavailable(&crate::StoreError::from(error)));
        let source = sqlx::Error::RowNotFound;
        let error = crate::CatalogError::Database { operation, source };
        assert!(!is_unavailable(&crate::StoreError::from(error)));
    }
}
