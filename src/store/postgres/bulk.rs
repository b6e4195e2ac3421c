//! One row with placeholders, for what COPY cannot do: to replace the row that is there.

use super::{Writing, text};
use crate::store::{StoreError, tables::Table, values::Values};
use sqlx::postgres::PgArguments;
use sqlx::{Arguments as _, AssertSqlSafe};

/// Rows copied between two looks at the clock.
pub(super) const ROWS: usize = 256;

/// The values of a row.
#[derive(Default)]
pub(super) struct Arguments(PgArguments);

impl Arguments {
    /// Inserts the row, over the one that has its number. The inner result is the server's word on it, for the caller to interpret.
    pub(super) async fn replace(self, table: &Table, writing: &mut Writing) -> Result<(), sqlx::Error> {
        let places: Vec<String> = (1..=table.columns.len()).map(|place| format!("${place}")).collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({}){}", table.name, table.names(), places.join(", "), table.or_replace());
        sqlx::query_with(AssertSqlSafe(sql), self.0).execute(writing.connection()).await?;
        Ok(())
    }
}

impl Values for Arguments {
    fn integer(&mut self, value: impl Into<Option<i64>>) -> Result<(), StoreError> {
        self.0.add(value.into()).map_err(StoreError::Database)
    }

    fn double(&mut self, value: impl Into<Option<f64>>) -> Result<(), StoreError> {
        self.0.add(value.into()).map_err(StoreError::Database)
    }

    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>) -> Result<(), StoreError> {
        self.0.add(value.into().map(|text| text::write(text).into_owned())).map_err(StoreError::Database)
    }

    fn bytes(&mut self, value: impl Into<Option<Vec<u8>>>) -> Result<(), StoreError> {
        self.0.add(value.into()).map_err(StoreError::Database)
    }
}
