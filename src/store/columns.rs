//! Reading columns, whichever database answers. What cannot be what it should be is damage, named by column.

use super::postgres::text;
use super::{StoreError, wkb};
use serde::de::DeserializeOwned;
use sqlx::{Row, postgres::PgRow, sqlite::SqliteRow};
use std::{fmt::Display, str::FromStr};
use tuban_engine::model::Period;
use tuban_geom::{Bounds, Outline};

/// A row of an answer. The four kinds are those of [`tables::Kind`](super::tables::Kind).
pub(super) trait Columns {
    /// An integer that may be NULL.
    fn maybe_integer(&self, column: &str) -> Result<Option<i64>, StoreError>;
    /// A double that may be NULL.
    fn maybe_double(&self, column: &str) -> Result<Option<f64>, StoreError>;
    /// Text that may be NULL.
    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError>;
    /// Bytes that may be NULL.
    fn maybe_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError>;

    /// An integer.
    fn integer(&self, column: &str) -> Result<i64, StoreError> {
        there(column, self.maybe_integer(column)?)
    }

    /// A double.
    fn double(&self, column: &str) -> Result<f64, StoreError> {
        there(column, self.maybe_double(column)?)
    }

    /// Text.
    fn text(&self, column: &str) -> Result<String, StoreError> {
        there(column, self.maybe_text(column)?)
    }

    /// A count, or a row's number in its file.
    fn count(&self, column: &str) -> Result<u64, StoreError> {
        Ok(self.integer(column)? as u64)
    }

    /// A small number that may be NULL, a ring's or a vertex'.
    fn maybe_small(&self, column: &str) -> Result<Option<u32>, StoreError> {
        let number = self.maybe_integer(column)?.map(u32::try_from).transpose();
        number.map_err(|error| StoreError::Damaged(format!("{column}: {error}")))
    }

    /// A word or a date.
    fn word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error| StoreError::Damaged(format!("{column}: {error}")))
    }

    /// A word that need not be there.
    fn maybe_word<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text = self.maybe_text(column)?;
        text.map(|text| text.parse()).transpose().map_err(|error| StoreError::Damaged(format!("{column}: {error}")))
    }

    /// A day that need not be there.
    fn maybe_day(&self, column: &str) -> Result<Option<jiff::civil::Date>, StoreError> {
        let day = self.maybe_text(column)?.map(|text| text.parse()).transpose();
        day.map_err(|error: jiff::Error| StoreError::Damaged(format!("{column}: {error}")))
    }

    /// A list kept as JSON.
    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| StoreError::Damaged(format!("{column}: {error}")))
    }

    /// A value kept as JSON that need not be there.
    fn maybe_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text = self.maybe_text(column)?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| StoreError::Damaged(format!("{column}: {error}")))
    }

    /// The period of `period, months`.
    fn period(&self) -> Result<Period, StoreError> {
        let (ordinal, months) = (self.integer("period")?, self.integer("months")?);
        Period::from_ordinal(ordinal, months).ok_or_else(|| StoreError::Damaged(format!("period: {months} months from {ordinal} on are none")))
    }

    /// An outline that need not be there.
    fn maybe_outline(&self, column: &str) -> Result<Option<Outline>, StoreError> {
        self.maybe_bytes(column)?.map(wkb::read).transpose()
    }

    /// An outline.
    fn outline(&self, column: &str) -> Result<Outline, StoreError> {
        there(column, self.maybe_outline(column)?)
    }

    /// The box of `west, south, east, north`.
    fn bounds(&self) -> Result<Bounds, StoreError> {
        Ok(Bounds { min: [self.double("west")?, self.double("south")?], max: [self.double("east")?, self.double("north")?] })
    }
}

fn there<T>(column: &str, value: Option<T>) -> Result<T, StoreError> {
    value.ok_or_else(|| StoreError::Damaged(format!("{column} is missing")))
}

impl Columns for SqliteRow {
    fn maybe_integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_double(&self, column: &str) -> Result<Option<f64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        Ok(self.try_get(column)?)
    }
}

impl Columns for PgRow {
    fn maybe_integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_double(&self, column: &str) -> Result<Option<f64>, StoreError> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.try_get::<Option<&str>, _>(column)?.map(text::read))
    }

    fn maybe_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        Ok(self.try_get(column)?)
    }
}
