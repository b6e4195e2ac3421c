//! Many rows a statement: a command to SQLite's thread costs as much as a row, so they are sent by the dozen.

use crate::store::StoreError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, SqliteConnection, Type};
use std::sync::Arc;

/// Rows of one statement. Measured from 16 to 256: no difference beyond the noise.
pub(super) const ROWS: usize = 64;

/// `INSERT INTO table (columns) VALUES …` for up to [`ROWS`] rows.
pub(super) struct Insert {
    head: &'static str,
    full: Arc<str>,
}

impl Insert {
    /// An insert that begins with `head`: all that comes before the word VALUES.
    pub(super) fn new(head: &'static str) -> Self {
        Self { head, full: statement(head, ROWS).into() }
    }

    /// Inserts `rows` rows. The statement for the full number is prepared once and kept.
    pub(super) async fn execute(&self, connection: &mut SqliteConnection, rows: usize, values: Values) -> Result<(), StoreError> {
        if rows == 0 {
            return Ok(());
        }
        let sql = if rows == ROWS { Arc::clone(&self.full) } else { statement(self.head, rows).into() };
        sqlx::query_with(AssertSqlSafe(sql), values.0).persistent(rows == ROWS).execute(connection).await?;
        Ok(())
    }
}

/// Placeholders are `?`, not `$1`: SQLite looks for the name of a named one among all the others. Measured: five times slower.
fn statement(head: &str, rows: usize) -> String {
    let columns = head.matches(',').count() + 1;
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("{head} VALUES {}", vec![row; rows].join(","))
}

/// The values of some rows, one after the other.
#[derive(Default)]
pub(super) struct Values(SqliteArguments);

impl Values {
    /// Appends the next column's value; taken, not copied.
    pub(super) fn add<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> Result<(), StoreError> {
        self.0.add(value).map_err(StoreError::Database)
    }

    /// Appends `west, south, east, north, cell`.
    pub(super) fn add_box(&mut self, bounds: &crate::geom::Bounds) -> Result<(), StoreError> {
        for value in bounds.min.into_iter().chain(bounds.max) {
            self.add(value)?;
        }
        self.add(crate::store::cells::cell(bounds))
    }
}
