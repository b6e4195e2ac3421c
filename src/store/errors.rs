//! What the databases' refusals mean to those who asked.

use super::StoreError;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

// SQLite's primary result codes, https://www.sqlite.org/rescode.html; an extended code holds its primary one in the lowest byte.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;

/// Beginnings of PostgreSQL's SQLSTATE codes after which the same may succeed, <https://www.postgresql.org/docs/15/errcodes-appendix.html>:
/// connection lost, write to a standby, idle too long, rolled back for another, out of resources, closed for maintenance or lock not granted,
/// cancelled, shut down.
const PASSING: [&str; 8] = ["08", "25006", "25P03", "40", "53", "55", "57014", "57P"];
/// Those that tell of damage: corrupted data or index.
const DAMAGED: &str = "XX00";
/// Any internal error starts so, and only this one is no damage.
const INTERNAL: &str = "XX000";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            // A proxy without a server behind it takes the connection and closes it, which reads as a breach of protocol.
            // With TLS it reads as a failed handshake.
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => {
                Self::Unavailable(error.to_string())
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged(error.to_string()),
            sqlx::Error::Database(refusal) => match of_refusal(refusal.as_ref()) {
                Meaning::Passing => Self::Unavailable(refusal.message().to_owned()),
                Meaning::Damage => Self::Damaged(refusal.message().to_owned()),
                Meaning::Defect => Self::Database(Box::new(error)),
            },
            _ => Self::Database(Box::new(error)),
        }
    }
}

enum Meaning {
    Passing,
    Damage,
    Defect,
}

fn of_refusal(refusal: &dyn DatabaseError) -> Meaning {
    let code = refusal.code().unwrap_or_default();
    if refusal.try_downcast_ref::<PgDatabaseError>().is_some() {
        return match code.as_ref() {
            code if PASSING.iter().any(|start| code.starts_with(start)) => Meaning::Passing,
            code if code.starts_with(DAMAGED) && code != INTERNAL => Meaning::Damage,
            _ => Meaning::Defect,
        };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(BUSY | LOCKED | FULL | CANNOT_OPEN) => Meaning::Passing,
        Ok(CORRUPT | NOT_A_DATABASE) => Meaning::Damage,
        _ => Meaning::Defect,
    }
}

/// Whether the error says that a key is already taken.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(DatabaseError::is_unique_violation)
}

/// Whether the error says that a row refers to one that is not there.
pub(super) fn refers_to_nothing(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(DatabaseError::is_foreign_key_violation)
}

/// Whether the error names this constraint.
pub(super) fn names(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(DatabaseError::constraint) == Some(constraint)
}
