//! What a coverage has at one place, without measuring anything.

use super::positions::Reader;
use super::{Bounds, Coverage, outwards};
use std::io;

/// An edge of a piece.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct EdgeNear {
    /// Its ends, the lower one first.
    pub edge: [[f64; 2]; 2],
    /// Whose it is.
    pub member: u32,
    /// The piece that has it.
    pub piece: u32,
}

impl Coverage {
    /// The first member that holds the place. A place on a border belongs to one side of it, always the same.
    pub fn member_at(&self, at: [f64; 2]) -> io::Result<Option<u32>> {
        let mut reader = Reader::new(self);
        for piece in self.near(outwards(&Bounds { min: at, max: at })) {
            if reader.rings(piece)?.map(|ring| winding(ring, at)).sum::<i32>() != 0 {
                return Ok(Some(self.pieces[piece as usize].member));
            }
        }
        Ok(None)
    }

    /// Whether an edge passes within `reach_m` metres of the place. The lines along which members were cut count as edges, too.
    pub fn has_edge_near(&self, at: [f64; 2], reach_m: f64) -> io::Result<bool> {
        let around = Bounds { min: at.map(|value| value - reach_m), max: at.map(|value| value + reach_m) };
        let mut reader = Reader::new(self);
        for piece in self.near(outwards(&around)) {
            if reader.rings(piece)?.any(|ring| ring.windows(2).any(|edge| distance_2(edge[0], edge[1], at) <= reach_m * reach_m)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Edges of pieces whose box touches `around`, in order, the lower end first. The lines along which members were cut count as edges, too.
    pub fn edges_near(&self, around: &Bounds) -> io::Result<Vec<EdgeNear>> {
        let mut reader = Reader::new(self);
        let mut edges = Vec::new();
        for piece in self.near(outwards(around)) {
            for edge in reader.rings(piece)?.flat_map(|ring| ring.windows(2)) {
                let (a, b) = (edge[0], edge[1]);
                if a != b && Bounds::of(edge).touches(around) {
                    let member = self.pieces[piece as usize].member;
                    edges.push(EdgeNear { edge: if a < b { [a, b] } else { [b, a] }, member, piece });
                }
            }
        }
        edges.sort_unstable_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
        Ok(edges)
    }
}

/// How often a closed ring winds around a place.
fn winding(ring: &[[f64; 2]], at: [f64; 2]) -> i32 {
    let crossing = |from: [f64; 2], to: [f64; 2]| {
        // Above 0 to the left of the edge, 0 on it: there neither direction counts, so that neighbours agree.
        let side = (to[0] - from[0]) * (at[1] - from[1]) - (at[0] - from[0]) * (to[1] - from[1]);
        match (from[1] <= at[1], to[1] <= at[1]) {
            (true, false) if side > 0.0 => 1,
            (false, true) if side < 0.0 => -1,
            _ => 0,
        }
    };
    ring.windows(2).map(|edge| crossing(edge[0], edge[1])).sum()
}

/// The square of the distance between an edge and a place.
fn distance_2(from: [f64; 2], to: [f64; 2], at: [f64; 2]) -> f64 {
    let (edge, away) = ([to[0] - from[0], to[1] - from[1]], [at[0] - from[0], at[1] - from[1]]);
    let length_2 = edge[0] * edge[0] + edge[1] * edge[1];
    let along = if length_2 > 0.0 { ((away[0] * edge[0] + away[1] * edge[1]) / length_2).clamp(0.0, 1.0) } else { 0.0 };
    let off = [away[0] - along * edge[0], away[1] - along * edge[1]];
    off[0] * off[0] + off[1] * off[1]
}

#[cfg(test)]
mod tests {
    use super::super::{CoverageBuilder, Region};

    #[test]
    fn a_place_is_in_a_member_or_near_its_edge_or_neither() {
        let square = |left: f64| {
            let mut region = Region::default();
            region.push([[left, 0.0], [left + 100.0, 0.0], [left + 100.0, 100.0], [left, 100.0], [left, 0.0]].into_iter(), true);
            region
        };
        let mut builder = CoverageBuilder::default();
        builder.push(&square(0.0)).unwrap();
        builder.push(&square(100.0)).unwrap();
        let coverage = builder.finish().unwrap();
        assert_eq!([[50.0, 50.0], [150.0, 50.0], [250.0, 50.0]].map(|at| coverage.member_at(at).unwrap()), [Some(0), Some(1), None]);
        assert_eq!(coverage.member_at([100.0, 50.0]).unwrap(), Some(1), "a common border belongs to one side");
        assert_eq!([[100.3, 50.0], [50.0, -0.4], [50.0, -0.6], [50.0, 50.0]].map(|at| coverage.has_edge_near(at, 0.5).unwrap()), [true, true, false, false]);
    }
}
