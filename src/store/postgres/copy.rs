//! Bulk load: PostgreSQL's binary COPY, written column by column.
//!
//! The format: <https://www.postgresql.org/docs/15/sql-copy.html>, “Binary Format”. Measured against multi-row INSERT it saves the
//! server the parsing and us the placeholders.

use super::{Writing, text};
use crate::store::{StoreError, tables::Table, values::Values};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Flags and the length of the header's extension: none of either.
const NO_FLAGS: [u8; 8] = [0; 8];
/// The length that says NULL.
const NULL: i32 = -1;
/// The count of columns that says that no row follows.
const END: i16 = -1;

/// Rows on their way into one table.
pub(super) struct Copy {
    statement: String,
    columns: i16,
    bytes: Vec<u8>,
    rows: u64,
}

impl Copy {
    /// Rows of all columns of a table.
    pub(super) fn new(table: &Table) -> Self {
        Self::into(table.name, &table.names())
    }

    /// Rows of a table that is partitioned by county: the county first, then all columns.
    pub(super) fn by_county(table: &Table) -> Self {
        Self::into(table.name, &format!("county, {}", table.names()))
    }

    /// Rows of those columns of a table.
    pub(super) fn into(table: &str, columns: &str) -> Self {
        let count = columns.matches(',').count() as i16 + 1;
        let statement = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
        let mut copy = Self { statement, columns: count, bytes: Vec::new(), rows: 0 };
        copy.begin();
        copy
    }

    fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(SIGNATURE);
        self.bytes.extend_from_slice(&NO_FLAGS);
        self.rows = 0;
    }

    /// Begins the next row; all its columns must follow.
    pub(super) fn row(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&self.columns.to_be_bytes());
        self.rows += 1;
        self
    }

    /// Sends the rows collected so far. The inner result is the server's word on them, for the caller to interpret.
    pub(super) async fn send(&mut self, writing: &mut Writing) -> Result<(), sqlx::Error> {
        if self.rows == 0 {
            return Ok(());
        }
        self.bytes.extend_from_slice(&END.to_be_bytes());
        let mut copying = writing.connection().copy_in_raw(&self.statement).await?;
        copying.send(self.bytes.as_slice()).await?;
        copying.finish().await?;
        self.begin();
        Ok(())
    }

    /// The next column, text that was read from the database as it is stored there.
    pub(super) fn stored_text(&mut self, text: &str) -> Result<(), StoreError> {
        self.column(Some(text.as_bytes()))
    }

    fn column(&mut self, value: Option<&[u8]>) -> Result<(), StoreError> {
        let Some(value) = value else {
            self.bytes.extend_from_slice(&NULL.to_be_bytes());
            return Ok(());
        };
        let length = i32::try_from(value.len()).map_err(|error| StoreError::Database(Box::new(error)))?;
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        Ok(())
    }
}

impl Values for Copy {
    fn integer(&mut self, value: impl Into<Option<i64>>) -> Result<(), StoreError> {
        self.column(value.into().map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice))
    }

    fn double(&mut self, value: impl Into<Option<f64>>) -> Result<(), StoreError> {
        self.column(value.into().map(f64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice))
    }

    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>) -> Result<(), StoreError> {
        self.column(value.into().map(text::write).as_deref().map(str::as_bytes))
    }

    fn bytes(&mut self, value: impl Into<Option<Vec<u8>>>) -> Result<(), StoreError> {
        self.column(value.into().as_deref())
    }
}
