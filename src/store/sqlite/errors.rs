//! What the database's refusals mean to those who asked.

use crate::store::StoreError;

// Primary result codes, https://www.sqlite.org/rescode.html; an extended code holds its primary one in the lowest byte.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::Unavailable(error.to_string()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged(error.to_string()),
            sqlx::Error::Database(refusal) => match refusal.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
                Some(BUSY | LOCKED | FULL | CANNOT_OPEN) => Self::Unavailable(refusal.message().to_owned()),
                Some(CORRUPT | NOT_A_DATABASE) => Self::Damaged(refusal.message().to_owned()),
                _ => Self::Database(Box::new(error)),
            },
            _ => Self::Database(Box::new(error)),
        }
    }
}

/// Whether the error says that a key is already taken.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
