//! Whether a survey or a layer carries the offset of GCJ-02, as far as the layers in force can tell. Nothing is ever corrected on their word: people are asked.
//!
//! Each patch, or feature of a layer, is looked at twice, as it is and with the offset taken off, by two witnesses:
//! - the counties: does it lie in the county it says it is in (or in any, where it does not say)?
//! - the edges: does its outline run along edges of parcels, approvals or other layers?
//!
//! Patches that agree either way, or neither way, say nothing. Of the others a sound survey agrees as it is, and a shifted one without the offset; chance
//! goes both ways alike. So only a clear majority among those that differ is taken for an offset (a sign test).

use crate::atlas::Atlas;
use std::io;
use tuban_geom::{Outline, remove_gcj02};

/// Fewest patches that must speak for an offset.
const FEWEST: u32 = 10;
/// How many times as many as those that speak against it.
const MAJORITY: u32 = 5;
/// Rows that are held against the counties: more would tell nothing new.
pub const ROWS: u64 = 5_000;
/// Rows that are held against edges, which costs more than all else that is done to a patch.
const ROWS_AT_EDGES: u64 = 500;
/// Vertices of a patch that are held against edges, evenly along its outline; with half of them on edges it runs along edges.
const VERTICES: usize = 8;
/// How near an edge a vertex lies on it, metres.
const REACH_M: f64 = 0.3;

/// Patches that agree with the layers only one way, by witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Testimony {
    /// Where patches lie in the county that they name, or in any.
    pub counties: Votes,
    /// Where outlines run along edges of the layers.
    pub edges: Votes,
}

/// Patches that agree only without the offset, and only as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Votes {
    /// Patches that agree only without the offset.
    pub without: u32,
    /// Patches that agree only as they are.
    pub as_is: u32,
}

impl Votes {
    fn of(agrees: impl Fn(bool) -> io::Result<bool>) -> io::Result<Self> {
        let (as_is, without) = (agrees(false)?, agrees(true)?);
        Ok(Self { without: u32::from(without && !as_is), as_is: u32::from(as_is && !without) })
    }

    fn add(&mut self, other: Self) {
        self.without += other.without;
        self.as_is += other.as_is;
    }

    /// A clear majority for an offset.
    #[must_use]
    pub fn are_for_an_offset(self) -> bool {
        self.without >= FEWEST && self.without >= MAJORITY * self.as_is
    }

    /// A majority against one.
    #[must_use]
    pub fn are_against(self) -> bool {
        self.as_is >= FEWEST && self.as_is > self.without
    }
}

impl Testimony {
    /// Whether one witness is clear and none speaks against it: then people are asked.
    #[must_use]
    pub fn asks(&self) -> bool {
        let Self { counties, edges } = self;
        let is_clear = counties.are_for_an_offset() || edges.are_for_an_offset();
        is_clear && !counties.are_against() && !edges.are_against()
    }

    /// Takes another patch's in.
    pub fn add(&mut self, other: Self) {
        self.counties.add(other.counties);
        self.edges.add(other.edges);
    }
}

/// What the layers say of one patch, given in degrees as it came; of those in rows after [`ROWS`] nothing. Fails only where layers cannot be read back.
pub fn testify(atlas: &Atlas, row: u64, degrees: &Outline, stated_county: Option<&str>) -> io::Result<Testimony> {
    let place = |at: [f64; 2], without: bool| atlas.plane().project(if without { remove_gcj02(at) } else { at });
    let counties = match degrees.positions.first() {
        Some(first) if row <= ROWS && atlas.counties_bounds().is_some() => Votes::of(|without| {
            let found = atlas.county_at(place(*first, without))?;
            Ok(stated_county.map_or(found.is_some(), |stated| found == Some(stated)))
        })?,
        _ => Votes::default(),
    };
    if row > ROWS_AT_EDGES {
        return Ok(Testimony { counties, edges: Votes::default() });
    }
    let step = (degrees.positions.len() / VERTICES).max(1);
    let edges = Votes::of(|without| {
        let mut missed = 0;
        for at in degrees.positions.iter().step_by(step).take(VERTICES) {
            missed += usize::from(!atlas.has_edge_near(place(*at, without), REACH_M)?);
            // Most outlines run along nothing, and that is soon seen.
            if 2 * missed > degrees.positions.len().min(VERTICES) {
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    Ok(Testimony { counties, edges })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(counties: (u32, u32), edges: (u32, u32)) -> bool {
        let votes = |(without, as_is)| Votes { without, as_is };
        Testimony { counties: votes(counties), edges: votes(edges) }.asks()
    }

    #[test]
    fn only_a_clear_majority_without_contradiction_asks() {
        assert!(asks((30, 2), (0, 0)) && asks((0, 0), (10, 2)));
        assert!(!asks((9, 0), (9, 0)), "too few");
        assert!(!asks((30, 7), (0, 0)), "chance goes both ways");
        assert!(!asks((30, 0), (10, 40)), "the other witness is against it");
        assert!(!asks((0, 30), (0, 0)) && !asks((0, 0), (0, 0)));
    }
}
