//! Regions: outlines after judgement. Their rings are closed and oriented so that the winding number is 1 inside and 0 outside.

use super::{Bounds, Outline, plane::twice_signed_area};
use smallvec::{SmallVec, smallvec};

/// Oriented closed rings in the plane; shells counter-clockwise, holes clockwise.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Region {
    positions: Vec<[f64; 2]>,
    ring_ends: SmallVec<[u32; 4]>,
    /// Twice the area, square metres.
    twice_area: f64,
}

impl Region {
    /// Appends a closed ring, turned to run counter-clockwise for a shell and clockwise for a hole. Rings without area are left out.
    pub fn push(&mut self, ring: impl Iterator<Item = [f64; 2]>, shell: bool) {
        let start = self.positions.len();
        self.positions.extend(ring);
        let twice = twice_signed_area(&self.positions[start..]);
        if twice == 0.0 {
            self.positions.truncate(start);
            return;
        }
        if (twice > 0.0) != shell {
            self.positions[start..].reverse();
        }
        self.ring_ends.push(self.positions.len() as u32);
        self.twice_area += if shell { twice.abs() } else { -twice.abs() };
    }

    /// The region within one closed ring that has some area.
    #[must_use]
    pub fn of_shell(ring: Vec<[f64; 2]>) -> Self {
        let mut region = Self { ring_ends: smallvec![ring.len() as u32], positions: ring, twice_area: 0.0 };
        region.twice_area = twice_signed_area(&region.positions);
        if region.twice_area < 0.0 {
            region.positions.reverse();
            region.twice_area = -region.twice_area;
        }
        region
    }

    /// A region of rings that are already closed and oriented.
    pub fn of_rings<'a>(rings: impl Iterator<Item = &'a [[f64; 2]]>) -> Self {
        let mut region = Self::default();
        for ring in rings {
            region.positions.extend_from_slice(ring);
            region.ring_ends.push(region.positions.len() as u32);
            region.twice_area += twice_signed_area(ring);
        }
        region
    }

    /// The rings.
    #[inline]
    pub fn rings(&self) -> impl Iterator<Item = &[[f64; 2]]> + Clone {
        let mut start = 0;
        self.ring_ends.iter().map(move |end| {
            let ring = &self.positions[start..*end as usize];
            start = *end as usize;
            ring
        })
    }

    /// Square metres.
    #[must_use]
    #[inline]
    pub fn area_m2(&self) -> f64 {
        self.twice_area / 2.0
    }

    /// The smallest box around it.
    #[must_use]
    #[inline]
    pub fn bounds(&self) -> Bounds {
        Bounds::of(&self.positions)
    }

    /// Vertices, closing positions included.
    #[must_use]
    #[inline]
    pub fn vertices(&self) -> usize {
        self.positions.len()
    }

    /// The rings as an outline: a part for each shell, with the holes that lie in it.
    #[must_use]
    #[inline]
    pub fn outline(&self) -> Outline {
        let (shells, holes): (Vec<_>, Vec<_>) = self.rings().partition(|ring| twice_signed_area(ring) > 0.0);
        let mut outline = Outline { multi: shells.len() > 1, ..Outline::default() };
        for shell in &shells {
            outline.push_ring(shell);
            let area = twice_signed_area(shell);
            for hole in &holes {
                // Of the shells around a hole the smallest is its own.
                let own =
                    shells.iter().filter(|other| super::crossing::lies_in(hole, other)).map(|other| twice_signed_area(other)).fold(f64::INFINITY, f64::min);
                if own == area {
                    outline.push_ring(hole);
                }
            }
            outline.end_part();
        }
        outline
    }
}
