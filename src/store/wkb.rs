//! Outlines in the database, as well-known binary, so that any GIS can read the database file.

use super::StoreError;
use crate::geom::Outline;
pub(super) use crate::geom::wkb::write;

/// The outline of some WKB that [`write`] wrote.
pub(super) fn read(bytes: &[u8]) -> Result<Outline, StoreError> {
    crate::geom::wkb::read(bytes).map_err(|error| StoreError::Damaged(format!("outline: {error}")))
}
