//! Which ground is taken: circles in a net of 700 m meshes, so that a look at nine meshes finds every neighbour of a
//! circle of up to 350 m.

use super::ground::{Anchor, SOUTH, SPAN, WEST};

/// See the top of the file.
pub(super) struct Room {
    meshes: Vec<Vec<(Anchor, f64)>>,
}

impl Room {
    const COLUMNS: usize = 240;
    const ROWS: usize = 290;

    /// All ground is free.
    pub(super) fn new() -> Self {
        Self { meshes: vec![Vec::new(); Self::COLUMNS * Self::ROWS] }
    }

    fn mesh(lon: f64, lat: f64) -> (usize, usize) {
        let part = |fraction: f64, meshes: usize| ((fraction.max(0.0) * meshes as f64) as usize).min(meshes - 1);
        (part((lon - WEST) / SPAN, Self::COLUMNS), part((lat - SOUTH) / SPAN, Self::ROWS))
    }

    /// Whether a circle around an anchor touches none that is taken.
    pub(super) fn is_free(&self, anchor: &Anchor, reach_m: f64) -> bool {
        let (column, row) = Self::mesh(anchor.lon, anchor.lat);
        let rows = row.saturating_sub(1)..(row + 2).min(Self::ROWS);
        let columns = column.saturating_sub(1)..(column + 2).min(Self::COLUMNS);
        rows.flat_map(|row| columns.clone().map(move |column| row * Self::COLUMNS + column))
            .flat_map(|mesh| &self.meshes[mesh])
            .all(|(other, reach)| anchor.distance_m(other) > reach + reach_m)
    }

    /// Takes a circle.
    pub(super) fn take(&mut self, anchor: &Anchor, reach_m: f64) {
        let (column, row) = Self::mesh(anchor.lon, anchor.lat);
        self.meshes[row * Self::COLUMNS + column].push((*anchor, reach_m));
    }
}
