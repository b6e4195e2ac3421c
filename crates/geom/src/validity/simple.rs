//! Nearly every outline is one ring with nothing wrong. That is told here without listing anything: what remains open is looked at closely elsewhere.

use super::doubles_back;
use crate::crossing::side;
use crate::{Outline, Region};
use std::cmp::Ordering;

/// Rings of more edges are looked at closely: testing all pairs would cost more than parting them.
const MOST_EDGES: usize = 48;

/// The boxes of a ring's edges, coordinate by coordinate, so that one edge is tested against several at once.
struct Boxes {
    low: [[f64; MOST_EDGES]; 2],
    high: [[f64; MOST_EDGES]; 2],
}

/// The region of an outline of one closed ring whose edges plainly do not meet; `None` where it must be looked at closely. `project` takes its
/// positions to the plane. O(n²) for at most [`MOST_EDGES`] edges.
pub(super) fn simple(outline: &Outline, project: impl Fn([f64; 2]) -> [f64; 2]) -> Option<Region> {
    let raw = &outline.positions;
    let edges = raw.len().checked_sub(1)?;
    if outline.ring_ends.len() != 1 || !(3..=MOST_EDGES).contains(&edges) || raw[0] != raw[edges] {
        return None;
    }
    let positions: Vec<[f64; 2]> = raw.iter().map(|at| project(*at)).collect();
    let turns_back = (0..edges).any(|k| {
        let before = positions[if k == 0 { edges - 1 } else { k - 1 }];
        positions[k] == positions[k + 1] || doubles_back(before, positions[k], positions[k + 1])
    });
    if turns_back || meets_itself(&positions) {
        return None;
    }
    Some(Region::of_shell(positions)).filter(|region| region.area_m2() > 0.0)
}

/// Whether any two edges of a closed ring meet that do not follow one another.
fn meets_itself(ring: &[[f64; 2]]) -> bool {
    let edges = ring.len() - 1;
    let mut boxes = Boxes { low: [[0.0; MOST_EDGES]; 2], high: [[0.0; MOST_EDGES]; 2] };
    for (k, pair) in ring.windows(2).enumerate() {
        for (axis, (a, b)) in pair[0].into_iter().zip(pair[1]).enumerate() {
            (boxes.low[axis][k], boxes.high[axis][k]) = if a < b { (a, b) } else { (b, a) };
        }
    }
    (0..edges.saturating_sub(2)).any(|k| {
        // The last edge follows on the first.
        let end = if k == 0 { edges - 1 } else { edges };
        boxes.any_touches(k, k + 2..end) && (k + 2..end).any(|other| boxes.touch(k, other) && meet([ring[k], ring[k + 1]], [ring[other], ring[other + 1]]))
    })
}

impl Boxes {
    #[inline]
    #[allow(clippy::needless_bitwise_bool, reason = "four comparisons cost less than one branch that is guessed wrong")]
    fn touch(&self, one: usize, other: usize) -> bool {
        let [low_x, low_y] = &self.low;
        let [high_x, high_y] = &self.high;
        (low_x[other] <= high_x[one]) & (low_x[one] <= high_x[other]) & (low_y[other] <= high_y[one]) & (low_y[one] <= high_y[other])
    }

    /// Whether the box of `one` touches any of the others; without branches, so that several are compared at once.
    #[inline]
    fn any_touches(&self, one: usize, others: std::ops::Range<usize>) -> bool {
        others.fold(false, |any, other| any | self.touch(one, other))
    }
}

/// Whether two edges have a position in common. Exact.
fn meet([a, b]: [[f64; 2]; 2], [c, d]: [[f64; 2]; 2]) -> bool {
    let apart = |one: Ordering, other: Ordering| one == other && one != Ordering::Equal;
    // Edges in line are near enough to each other, where their boxes touch, to be looked at closely.
    !apart(side(a, b, c), side(a, b, d)) && !apart(side(c, d, a), side(c, d, b))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_square_is_simple_and_a_bow_tie_is_not() {
        let square = Outline::polygon(&[[[0.0, 0.0], [0.0, 2.0], [2.0, 2.0], [2.0, 0.0], [0.0, 0.0]]]);
        assert_eq!(simple(&square, |at| at).map(|region| region.area_m2()), Some(4.0));
        let bow_tie = Outline::polygon(&[[[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]]);
        assert_eq!(simple(&bow_tie, |at| at), None);
    }

    proptest! {
        /// Oracle: the close look. Positions on a small grid touch, repeat and double back all the time.
        #[test]
        fn what_is_simple_is_what_a_close_look_finds(corners in prop::collection::vec((0_u8..12, 0_u8..12), 3..9)) {
            let mut ring: Vec<[f64; 2]> = corners.iter().map(|(x, y)| [f64::from(*x), f64::from(*y)]).collect();
            ring.push(ring[0]);
            let outline = Outline::polygon(&[ring]);
            if let Some(region) = simple(&outline, |at| at) {
                let checked = check(&outline).unwrap();
                prop_assert_eq!(region, checked.region);
                prop_assert!(checked.defects.is_empty());
            }
        }
    }
}
