//! One row on its way to a statement: columns one after the other, whichever database takes them.

use super::{StoreError, cells::cell, wkb};
use tuban_geom::{Bounds, Outline};

/// Takes the columns of rows, one after the other.
pub(super) trait Values {
    /// The next column, an integer.
    fn integer(&mut self, value: impl Into<Option<i64>>) -> Result<(), StoreError>;
    /// The next column, a double.
    fn double(&mut self, value: impl Into<Option<f64>>) -> Result<(), StoreError>;
    /// The next column, text.
    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>) -> Result<(), StoreError>;
    /// The next column, bytes.
    fn bytes(&mut self, value: impl Into<Option<Vec<u8>>>) -> Result<(), StoreError>;

    /// A day that need not be there.
    fn day(&mut self, value: Option<jiff::civil::Date>) -> Result<(), StoreError> {
        self.text(value.map(|day| day.to_string()).as_deref())
    }

    /// A list, kept as JSON.
    fn json(&mut self, value: &impl serde::Serialize) -> Result<(), StoreError> {
        self.text(to_json(value)?.as_str())
    }

    /// `west, south, east, north, cell` of the outline that counts: the repaired one where there is one.
    fn place(&mut self, degrees: &Outline, repaired: Option<&Outline>) -> Result<(), StoreError> {
        let Bounds { min, max } = repaired.unwrap_or(degrees).bounds();
        for value in min.into_iter().chain(max) {
            self.double(value)?;
        }
        self.integer(cell(&Bounds { min, max }))
    }

    /// `degrees, repaired, source`.
    fn outlines(&mut self, degrees: &Outline, repaired: Option<&Outline>, source: Option<&Outline>) -> Result<(), StoreError> {
        self.bytes(wkb::write(degrees))?;
        self.bytes(repaired.map(wkb::write))?;
        self.bytes(source.map(wkb::write))
    }
}

/// A list to be kept as JSON.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)))
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
