//! From columns to values. What cannot be what it should be is damage, named by column.

use crate::geom::{Bounds, Outline};
use crate::store::{StoreError, wkb};
use serde::de::DeserializeOwned;
use sqlx::{Row, sqlite::SqliteRow};
use std::{fmt::Display, str::FromStr};

/// A word or a date.
pub(super) fn word<T: FromStr<Err: Display>>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|error| StoreError::Damaged(format!("{column}: {error}")))
}

/// A list kept as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    serde_json::from_str(text).map_err(|error| StoreError::Damaged(format!("{column}: {error}")))
}

/// A list to be kept as JSON.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)))
}

/// A count, or a row's number.
pub(super) fn count(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    Ok(row.try_get::<i64, _>(column)? as u64)
}

/// An outline.
pub(super) fn outline(row: &SqliteRow, column: &str) -> Result<Outline, StoreError> {
    wkb::read(row.try_get(column)?)
}

/// An outline that need not be there.
pub(super) fn maybe_outline(row: &SqliteRow, column: &str) -> Result<Option<Outline>, StoreError> {
    row.try_get::<Option<&[u8]>, _>(column)?.map(wkb::read).transpose()
}

/// The box of `west, south, east, north`.
pub(super) fn bounds(row: &SqliteRow) -> Result<Bounds, StoreError> {
    Ok(Bounds { min: [row.try_get("west")?, row.try_get("south")?], max: [row.try_get("east")?, row.try_get("north")?] })
}

/// The box under which an outline is searched: that of the repaired one where there is one, which is what counts and what is drawn.
pub(super) fn box_of(degrees: &Outline, repaired: Option<&Outline>) -> Bounds {
    repaired.unwrap_or(degrees).bounds()
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The ranges of cells around a box, as JSON for `json_each`.
pub(super) fn spans(bounds: &Bounds) -> Result<String, StoreError> {
    to_json(&crate::store::cells::ranges(bounds))
}
