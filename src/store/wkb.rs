//! Outlines in the database, as well-known binary, so that any GIS can read the database file.

use super::StoreError;
use tuban_geom::Outline;
pub(super) use tuban_geom::wkb::write;

/// The outline of some WKB that [`write`] wrote.
pub(super) fn read(bytes: &[u8]) -> Result<Outline, StoreError> {
    tuban_geom::wkb::read(bytes).map_err(|error| StoreError::Damaged(format!("outline: {error}")))
}
