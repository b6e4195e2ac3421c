//! Near a tolerance: what the reading of edges, and coordinates with few decimals, can change of the areas that are held against it.
//!
//! Rare, so it may cost what measuring costs: an area far from its tolerance is judged without asking.

use crate::model::{Doubts, LayerKind};
use crate::{
    atlas::{Atlas, Measured},
    rule::Tolerance,
};
use std::io;
use tuban_geom::edges::REACH_M;
use tuban_geom::{Doubt, Drawn, Figure, Outline, Window, Written};

/// A patch as its file drew it.
#[derive(Debug, Clone, Copy)]
pub struct AsDrawn<'a> {
    /// Its vertices in degrees.
    pub degrees: &'a Outline,
    /// How its file wrote them.
    pub written: Written,
}

/// What of the areas that were measured is in doubt; asked only for those that lie near their tolerance. Fails only where layers cannot be read back.
pub fn doubts(atlas: &Atlas, tolerance: &Tolerance, measured: &Measured, figure: &Figure, patch: AsDrawn<'_>) -> io::Result<Doubts> {
    let areas = &measured.areas;
    let without_parcels_m2 = areas.area_m2 - measured.parcels_m2;
    let second_m2 = measured.counties.get(1).map_or(0.0, |second| second.area_m2);
    let above = |area_m2: f64, tolerance_m2: f64| area_m2 > tolerance_m2;
    let (cover_m2, farmland_m2) = (tolerance.cover_m2(), tolerance.farmland_m2());
    let any = above(areas.unapproved_m2(), cover_m2)
        || above(areas.unapproved_farmland_m2(), farmland_m2)
        || above(without_parcels_m2, cover_m2)
        || above(second_m2, tolerance.border_m2());
    if !any {
        return Ok(Doubts::default());
    }
    let around_m: f64 =
        figure.region().rings().flat_map(|ring| ring.windows(2)).map(|edge| libm::hypot(edge[1][0] - edge[0][0], edge[1][1] - edge[0][1])).sum();
    let near = |area_m2: f64, tolerance_m2: f64| above(area_m2, tolerance_m2) && area_m2 <= tolerance_m2 + 2.0 * REACH_M * around_m;
    let window = Window::new(atlas.plane(), figure.bounds());
    let along = |kinds: &[LayerKind]| {
        let layers: Vec<Drawn<'_>> = kinds.iter().filter_map(|kind| atlas.drawn(*kind)).collect();
        atlas.note_loss(window.along(patch.degrees, patch.written, &layers))
    };
    let mut doubts = Doubts::default();
    let outside_m2 = areas.unapproved_m2() - areas.other_use_m2;
    let of_cover = [areas.unapproved_m2(), outside_m2, areas.approved_in_time_m2 + areas.other_use_m2].into_iter().any(|area_m2| near(area_m2, cover_m2));
    if of_cover {
        doubts.unapproved = along(&[LayerKind::Approved])?;
    }
    if near(without_parcels_m2, cover_m2) {
        doubts.without_parcels = along(&[LayerKind::Farmland])?;
    }
    if near(areas.unapproved_farmland_m2(), farmland_m2) {
        let both = match (atlas.drawn(LayerKind::Farmland), atlas.drawn(LayerKind::Approved)) {
            (Some(parcels), Some(approvals)) => atlas.note_loss(window.between(figure.region(), parcels, approvals))?,
            _ => Doubt::default(),
        };
        doubts.unapproved_farmland = along(&[LayerKind::Approved, LayerKind::Farmland])? + both;
    }
    if near(second_m2, tolerance.border_m2()) {
        doubts.second_county = along(&[LayerKind::County])?;
    }
    Ok(doubts)
}

/// Areas held against tolerances, and what was taken for the milder verdict's sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Milder {
    /// An area above tolerance is within it if edges are read otherwise.
    pub edges: bool,
    /// An area above tolerance is within it if rounding is allowed for.
    pub rounding: bool,
}

impl Milder {
    /// Whether an area exceeds a tolerance however edges are read and coordinates were rounded; notes where it does so in one reading only.
    pub fn exceeds(&mut self, area_m2: f64, doubt: Doubt, tolerance_m2: f64) -> bool {
        if area_m2 <= tolerance_m2 || area_m2 - doubt.m2() > tolerance_m2 {
            return area_m2 > tolerance_m2;
        }
        let alone = |part_m2: f64| area_m2 - part_m2 <= tolerance_m2;
        let (edges, rounding) = (alone(doubt.edges_m2), alone(doubt.rounding_m2));
        self.edges |= edges || !rounding;
        self.rounding |= !edges;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: by hand.
    #[test]
    fn an_area_exceeds_a_tolerance_only_in_every_reading() {
        for (area_m2, edges_m2, rounding_m2, exceeds, milder) in [
            (0.6, 9.0, 9.0, false, (false, false)),
            (1.6, 0.0, 0.0, true, (false, false)),
            (1.6, 0.9, 0.0, true, (false, false)),
            (1.6, 0.95, 0.0, false, (true, false)),
            (1.6, 0.0, 0.95, false, (false, true)),
            (1.6, 0.5, 0.5, false, (true, true)),
            (1.6, 0.95, 0.95, false, (true, false)),
        ] {
            let mut noted = Milder::default();
            assert_eq!(noted.exceeds(area_m2, Doubt { edges_m2, rounding_m2 }, 0.667), exceeds, "{area_m2} {edges_m2} {rounding_m2}");
            assert_eq!((noted.edges, noted.rounding), milder, "{area_m2} {edges_m2} {rounding_m2}");
        }
    }
}
