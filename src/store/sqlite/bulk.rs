//! Many rows a statement: a command to SQLite's thread costs as much as a row, so they are sent by the dozen.

use crate::store::{StoreError, tables::Table, values::Values};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, SqliteConnection};
use std::sync::Arc;

/// Rows of one statement. Measured from 16 to 256: no difference beyond the noise.
pub(super) const ROWS: usize = 64;

/// `INSERT INTO table (columns) VALUES …` for up to [`ROWS`] rows.
pub(super) struct Insert {
    head: String,
    columns: usize,
    tail: String,
    full: Arc<str>,
}

impl Insert {
    /// An insert into all columns of a table.
    pub(super) fn new(table: &Table) -> Self {
        Self::into(table.name, &table.names())
    }

    /// An insert into those columns of a table.
    pub(super) fn into(table: &str, columns: &str) -> Self {
        Self::ending(table, columns, String::new())
    }

    /// An insert into all columns of a table, whose number is its key, over the row that has the number.
    pub(super) fn replacing(table: &Table) -> Self {
        Self::ending(table.name, &table.names(), table.or_replace())
    }

    fn ending(table: &str, columns: &str, tail: String) -> Self {
        let (head, columns) = (format!("INSERT INTO {table} ({columns}) VALUES "), columns.matches(',').count() + 1);
        Self { full: statement(&head, columns, ROWS, &tail).into(), head, columns, tail }
    }

    /// Inserts `rows` rows. The statement for the full number is prepared once and kept.
    pub(super) async fn execute(&self, connection: &mut SqliteConnection, rows: usize, values: Arguments) -> Result<(), sqlx::Error> {
        if rows == 0 {
            return Ok(());
        }
        let sql = if rows == ROWS { Arc::clone(&self.full) } else { statement(&self.head, self.columns, rows, &self.tail).into() };
        sqlx::query_with(AssertSqlSafe(sql), values.0).persistent(rows == ROWS).execute(connection).await?;
        Ok(())
    }
}

/// Placeholders are `?`, not `$1`: SQLite looks for the name of a named one among all the others. Measured: five times slower.
fn statement(head: &str, columns: usize, rows: usize, tail: &str) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("{head}{}{tail}", vec![row; rows].join(","))
}

/// The values of some rows, one after the other.
#[derive(Default)]
pub(super) struct Arguments(SqliteArguments);

impl Values for Arguments {
    fn integer(&mut self, value: impl Into<Option<i64>>) -> Result<(), StoreError> {
        self.0.add(value.into()).map_err(StoreError::Database)
    }

    fn double(&mut self, value: impl Into<Option<f64>>) -> Result<(), StoreError> {
        self.0.add(value.into()).map_err(StoreError::Database)
    }

    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>) -> Result<(), StoreError> {
        self.0.add(value.into()).map_err(StoreError::Database)
    }

    fn bytes(&mut self, value: impl Into<Option<Vec<u8>>>) -> Result<(), StoreError> {
        self.0.add(value.into()).map_err(StoreError::Database)
    }
}
