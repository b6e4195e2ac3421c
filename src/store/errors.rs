//! What the databases' refusals mean to those who asked.

use super::StoreError;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use std::io;

// SQLite's primary result codes, https://www.sqlite.org/rescode.html; an extended code holds its primary one in the lowest byte.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READ_ONLY: u32 = 8;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;

// SQLite's extended codes for a disk that takes nothing more. `SQLITE_FULL` is ENOSPC alone: a quota, a limit on file sizes and a write-ahead log or its index that
// cannot grow are told as I/O errors.
const IO_WRITE: u32 = 0x030a;
const IO_SYNC: u32 = 0x040a;
const IO_TRUNCATE: u32 = 0x060a;
const IO_INDEX_OPEN: u32 = 0x120a;
const IO_INDEX_SIZE: u32 = 0x130a;
const IO_INDEX_MAP: u32 = 0x150a;
const NO_ROOM: [u32; 6] = [IO_WRITE, IO_SYNC, IO_TRUNCATE, IO_INDEX_OPEN, IO_INDEX_SIZE, IO_INDEX_MAP];

/// Beginnings of PostgreSQL's SQLSTATE codes after which the same may succeed, <https://www.postgresql.org/docs/15/errcodes-appendix.html>:
/// connection lost, write to a standby, idle too long, rolled back for another, out of resources, closed for maintenance or lock not granted,
/// cancelled, shut down.
const PASSING: [&str; 8] = ["08", "25006", "25P03", "40", "53", "55", "57014", "57P"];
/// The one that tells of a full disk.
const DISK_FULL: &str = "53100";
/// Those that tell of damage: corrupted data or index.
const DAMAGED: &str = "XX00";
/// Any internal error starts so, and only this one is no damage.
const INTERNAL: &str = "XX000";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            // A proxy without a server behind it takes the connection and closes it, which reads as a breach of protocol.
            // With TLS it reads as a failed handshake.
            sqlx::Error::Io(error) if is_no_room(error) => Self::NoRoom(error.to_string()),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => {
                Self::Unavailable(error.to_string())
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged(error.to_string()),
            sqlx::Error::Database(refusal) => match of_refusal(refusal.as_ref()) {
                Meaning::NoRoom => Self::NoRoom(refusal.message().to_owned()),
                Meaning::Passing => Self::Unavailable(refusal.message().to_owned()),
                Meaning::Damage => Self::Damaged(refusal.message().to_owned()),
                Meaning::Defect => Self::Database(Box::new(error)),
            },
            _ => Self::Database(Box::new(error)),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            other => Self::Database(Box::new(other)),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        if is_no_room(&error) { Self::NoRoom(error.to_string()) } else { Self::Database(Box::new(error)) }
    }
}

/// Whether a disk takes nothing more: it is full, a quota or a limit on file sizes is used up, or it can only be read. Libraries wrap what the system said.
#[must_use]
pub fn is_no_room(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let wrapped = || error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()).is_some_and(is_no_room);
    let too_large = || error.raw_os_error() == Some(rustix::io::Errno::FBIG.raw_os_error());
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem) || too_large() || wrapped()
}

enum Meaning {
    NoRoom,
    Passing,
    Damage,
    Defect,
}

fn of_refusal(refusal: &dyn DatabaseError) -> Meaning {
    let code = refusal.code().unwrap_or_default();
    if refusal.try_downcast_ref::<PgDatabaseError>().is_some() {
        return match code.as_ref() {
            DISK_FULL => Meaning::NoRoom,
            code if PASSING.iter().any(|start| code.starts_with(start)) => Meaning::Passing,
            code if code.starts_with(DAMAGED) && code != INTERNAL => Meaning::Damage,
            _ => Meaning::Defect,
        };
    }
    let code = code.parse::<u32>();
    if code.as_ref().is_ok_and(|code| NO_ROOM.contains(code)) {
        return Meaning::NoRoom;
    }
    match code.map(|code| code & 0xff) {
        Ok(FULL | READ_ONLY) => Meaning::NoRoom,
        Ok(BUSY | LOCKED | CANNOT_OPEN) => Meaning::Passing,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: errno(3) and <https://www.sqlite.org/rescode.html>, which lists the extended codes by number.
    #[test]
    fn a_full_disk_is_known_from_every_error_that_means_it() {
        for errno in [rustix::io::Errno::NOSPC, rustix::io::Errno::DQUOT, rustix::io::Errno::FBIG, rustix::io::Errno::ROFS] {
            let error = io::Error::from(errno);
            assert!(is_no_room(&error), "{error}");
            assert!(is_no_room(&io::Error::other(io::Error::from(errno))), "{error}");
        }
        for errno in [rustix::io::Errno::IO, rustix::io::Errno::NOENT, rustix::io::Errno::ACCESS] {
            assert!(!is_no_room(&io::Error::from(errno)), "{errno}");
        }
        assert!(!is_no_room(&io::Error::new(io::ErrorKind::FileTooLarge, "a layer is too large")), "a limit of our own");
        assert_eq!(NO_ROOM, [778, 1034, 1546, 4618, 4874, 5386]);
    }
}
