//! Long edges of projected outlines, cut into steps before they are brought to degrees: an edge that is straight in a projection is a curve in degrees.

use super::{Crs, Unplaced};
use crate::Outline;

/// Longest edge that may stay straight when a projected outline is computed with, in units of the projection (metres).
pub const LONGEST_EDGE_M: f64 = 70.0;
/// Positions that one outline may have after densifying: some 280 000 km of border. It stops a few hostile zigzags from eating all memory.
const MOST_POSITIONS: usize = 4_000_000;
impl Crs {
    /// An outline to degrees for computation: in a projected CRS edges longer than [`LONGEST_EDGE_M`] are first cut into equal steps, because
    /// they were drawn straight there and are not straight in degrees. In degrees the outline is taken as it is.
    ///
    /// An edge is cut at the same positions, to the last bit, whichever way it is walked: neighbours stay neighbours.
    pub fn outline_to_degrees_dense(self, outline: &Outline) -> Result<Outline, Unplaced> {
        let degrees = self.outline_to_degrees(outline)?;
        Ok(self.densify(outline, &degrees)?.unwrap_or(degrees))
    }

    /// Cuts the long edges of an outline whose vertices are in degrees already: `degrees` is what [`outline_to_degrees`](Self::outline_to_degrees) made of
    /// `outline`. `None` where there is nothing to cut. Only what lies between the vertices is projected.
    pub fn densify(self, outline: &Outline, degrees: &Outline) -> Result<Option<Outline>, Unplaced> {
        if self.is_degrees() {
            return Ok(None);
        }
        // Positions to come between, and for each vertex how many of them precede it.
        let (mut between, mut before) = (Vec::new(), Vec::with_capacity(outline.positions.len()));
        for ring in 0..outline.ring_ends.len() {
            let positions = outline.ring(ring);
            for (vertex, at) in positions.iter().enumerate() {
                if vertex > 0 && !push_steps(&mut between, positions[vertex - 1], *at, LONGEST_EDGE_M) {
                    let (part, ring) = outline.place_of(ring);
                    return Err(Unplaced { part: outline.multi.then_some(part), ring, vertex: vertex as u32 });
                }
                before.push(between.len());
            }
        }
        if between.is_empty() {
            return Ok(None);
        }
        if !self.unproject(&mut between) {
            return Err(Unplaced::of(outline, 0));
        }
        let mut dense = Outline {
            positions: Vec::with_capacity(degrees.positions.len() + between.len()),
            ring_ends: Vec::new(),
            part_ends: outline.part_ends.clone(),
            multi: outline.multi,
        };
        let (mut from, mut taken) = (0, 0);
        for end in &outline.ring_ends {
            for vertex in from..*end as usize {
                dense.positions.extend_from_slice(&between[taken..before[vertex]]);
                dense.positions.push(degrees.positions[vertex]);
                taken = before[vertex];
            }
            from = *end as usize;
            dense.end_ring();
        }
        Ok(Some(dense))
    }

    /// How many positions come between the vertices of an outline where its long edges are cut, so that they can be counted before they are made.
    #[must_use]
    pub fn steps_between(self, outline: &Outline) -> u64 {
        if self.is_degrees() {
            return 0;
        }
        let length = |edge: &[[f64; 2]]| ((edge[1][0] - edge[0][0]).powi(2) + (edge[1][1] - edge[0][1]).powi(2)).sqrt();
        let steps = |edge: &[[f64; 2]]| (length(edge) / LONGEST_EDGE_M).ceil() as u64;
        (0..outline.ring_ends.len()).flat_map(|ring| outline.ring(ring).windows(2)).fold(0, |sum, edge| sum.saturating_add(steps(edge).saturating_sub(1)))
    }
}

/// Pushes what lies between `from` and `to`, both excluded, in equal steps not longer than `longest`; false where that is too much.
pub(crate) fn push_steps(positions: &mut Vec<[f64; 2]>, from: [f64; 2], to: [f64; 2], longest: f64) -> bool {
    let length = libm::hypot(to[0] - from[0], to[1] - from[1]);
    let steps = (length / longest).ceil().max(1.0) as usize;
    if positions.len() + steps > MOST_POSITIONS {
        return false;
    }
    // Always measured from the same end, so that both neighbours of an edge get the same bits.
    let backwards = to < from;
    let (low, high) = if backwards { (to, from) } else { (from, to) };
    for step in 1..steps {
        let share = if backwards { steps - step } else { step } as f64 / steps as f64;
        positions.push([low[0] + (high[0] - low[0]) * share, low[1] + (high[1] - low[1]) * share]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crs(name: &str) -> Crs {
        name.parse().unwrap()
    }

    #[test]
    fn long_edges_are_cut_and_short_ones_are_not() {
        let outline = Outline::polygon(&[[[500_000.0, 3_900_000.0], [500_140.0, 3_900_000.0], [500_140.0, 3_900_070.0], [500_000.0, 3_900_000.0]]]);
        let dense = crs("4548").outline_to_degrees_dense(&outline).unwrap();
        // 140 m are two steps, 70 m are one, 156.5 m are three.
        assert_eq!(dense.ring_ends, [4 + 1 + 2]);
        assert_eq!(dense.positions[1], crs("4548").to_degrees([500_070.0, 3_900_000.0]).unwrap());
        let in_degrees = Outline::polygon(&[[[117.0, 35.0], [118.0, 35.0], [118.0, 36.0], [117.0, 35.0]]]);
        assert_eq!(crs("4490").outline_to_degrees_dense(&in_degrees).unwrap(), in_degrees);
    }

    #[test]
    fn neighbours_cut_their_border_at_the_same_bits() {
        let (a, b) = ([500_000.3, 3_900_000.7], [500_911.1, 3_900_333.9]);
        let there = crs("4548").outline_to_degrees_dense(&Outline::polygon(&[[a, b]])).unwrap();
        let mut back = crs("4548").outline_to_degrees_dense(&Outline::polygon(&[[b, a]])).unwrap();
        back.positions.reverse();
        assert_eq!(there.positions, back.positions);
    }

    #[test]
    fn a_zigzag_longer_than_any_border_is_refused() {
        let zigzag: Vec<[f64; 2]> = (0..1000).map(|i| [500_000.0, f64::from(i % 2) * 1e7]).collect();
        assert!(crs("4548").outline_to_degrees_dense(&Outline::polygon(&[zigzag])).is_err());
    }
}
