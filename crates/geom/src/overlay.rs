//! The area two regions share, as a sum over pairs of edges.
//!
//! A region's indicator is a signed sum of the strips below its edges: +1 for edges that run right to left, −1 for left to right (shells
//! counter-clockwise, holes clockwise). So the area of A ∩ B is a sum over edges a of A and b of B, with signs s:
//!
//! ```text
//! |A ∩ B| = Σ s(a)·s(b)·∫ min(a(x), b(x)) dx        over the x that a and b have in common
//!         = Σ s(a)·s(b)·∫ min(a(x) − b(x), 0) dx    because Σ s(a)·∫ b(x) dx cancels over A's closed rings
//! ```
//!
//! 1. Move both to the lower left corner of A's box, so that digits are spent on A and not on where it lies.
//! 2. Skip edges of B beside the box, and below it (there a − b is never negative). A run of edges above the box adds the area of A between the x where
//!    it starts and ends, wherever it goes in between: for a figure well inside B nothing else is left to do.
//! 3. For each other edge of B, sum over the edges of A that share x with it, left to right, four at a time (crate `wide`). Where none of the four
//!    crosses it the integral is that of a trapezoid, and nothing has to be divided.
//! 4. A sum smaller than its own rounding error is 0, so that regions that only touch share nothing; one that lacks no more than that of the figure is all of it.
//! 5. Where that error is too large a part of either region (slivers, or one region a thousand times the other), sum again with twice the digits.
//!
//! The ground that A and B have in common is such a sum, too: of the strips below the lower one of each pair of edges, with the product of their signs. So three
//! regions, or more, are measured against each other in the same way ([`Ground::common`]).
//!
//! There are no predicates and no special cases: coincident and touching edges cancel. Vertical edges add nothing.
//! Cost: O(edges of B near A × edges of A), about 2 ns a pair.

mod careful;
mod strips;

use super::{Bounds, region::Region};
use smallvec::SmallVec;
use strips::{Strip, Strips, signed_m2};

pub use strips::Sum;

/// What the bound on rounding may be, as a part of the smaller region. Errors seen are thirty times smaller than their bound, so sums close to 1e-12.
const CLOSES: f64 = 1e-11;

/// A region prepared for measuring many others against it.
///
/// ```
/// use tuban_geom::{Figure, Region};
///
/// let square = |x: f64| Region::of_shell(vec![[x, 0.0], [x + 10.0, 0.0], [x + 10.0, 10.0], [x, 10.0], [x, 0.0]]);
/// let figure = Figure::new(square(0.0));
/// assert_eq!(figure.shared_m2(square(4.0).rings()), 60.0);
/// assert_eq!(figure.shared_m2(square(10.0).rings()), 0.0, "neighbours share nothing");
/// ```
#[derive(Debug, Clone)]
pub struct Figure {
    region: Region,
    bounds: Bounds,
    area_m2: f64,
    ground: Ground,
    /// Whether it was cut from a larger one.
    is_part: bool,
}

/// A figure's ground, or what of it lies in other regions too, by its edges alone. Where that is nothing its area is 0, or as near to it as rounding comes.
#[derive(Debug, Clone)]
pub struct Ground(Strips);

impl Figure {
    /// Prepares a region.
    #[must_use]
    #[inline]
    pub fn new(region: Region) -> Self {
        let bounds = region.bounds();
        let [x0, y0] = bounds.min;
        let moved = |at: [f64; 2]| [at[0] - x0, at[1] - y0];
        let mut edges: SmallVec<[Strip; 48]> = SmallVec::new();
        for ring in region.rings() {
            edges.extend(ring.windows(2).filter_map(|pair| Strip::between(moved(pair[0]), moved(pair[1]))));
        }
        let top = if bounds.is_empty() { 0.0 } else { bounds.max[1] - y0 };
        let area_m2 = region.area_m2();
        Self { area_m2, ground: Ground(Strips::of(&edges, bounds.min, top, Some(area_m2))), bounds, region, is_part: false }
    }

    /// Prepares a part that was cut from a larger region, which moved its border by last bits.
    pub(super) fn part(region: Region) -> Self {
        Self { is_part: true, ..Self::new(region) }
    }

    /// Whether it was cut from a larger region.
    pub(super) fn is_part(&self) -> bool {
        self.is_part
    }

    /// The region's area, square metres.
    #[must_use]
    #[inline]
    pub fn area_m2(&self) -> f64 {
        self.area_m2
    }

    /// The smallest box around it, in the plane.
    #[must_use]
    #[inline]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The region itself.
    #[must_use]
    #[inline]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The area shared with the region that `rings` bound (closed, oriented), square metres, between 0 and this figure's area.
    #[must_use]
    pub fn shared_m2<'a>(&self, rings: impl Iterator<Item = &'a [[f64; 2]]> + Clone) -> f64 {
        let sum = self.ground.shared(rings.clone());
        let (shared_m2, noise) = (sum.area_m2(), sum.noise_m2());
        // B is no smaller than what was found of it; its whole area is asked for only where that does not settle it.
        let closes = |of_m2: f64| noise <= CLOSES * of_m2;
        if !closes(self.area_m2) || !closes(shared_m2) && !closes(rings.clone().map(signed_m2).sum::<f64>()) {
            return self.or_all(careful::shared_m2(&self.region, rings), 4.0 * f64::EPSILON * self.area_m2);
        }
        if shared_m2 <= noise { 0.0 } else { self.or_all(shared_m2, noise) }
    }

    /// All of the figure where the rest is no more than rounding.
    fn or_all(&self, shared_m2: f64, noise_m2: f64) -> f64 {
        if self.area_m2 - shared_m2 <= noise_m2 { self.area_m2 } else { shared_m2 }
    }

    /// Its ground.
    #[must_use]
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Whether so much rounding, square metres, is little beside this figure.
    #[must_use]
    pub fn outweighs(&self, noise_m2: f64) -> bool {
        noise_m2 <= CLOSES * self.area_m2
    }
}

impl Ground {
    /// Its area.
    #[must_use]
    pub fn area(&self) -> Sum {
        self.0.sum()
    }

    /// A box around it, in the plane.
    #[must_use]
    #[inline]
    pub fn bounds(&self) -> Bounds {
        self.0.bounds()
    }

    /// How many edges it has, a few more perhaps.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.0.edges()
    }

    /// The area shared with the region that `rings` bound (closed, oriented).
    #[must_use]
    pub fn shared<'a>(&self, rings: impl Iterator<Item = &'a [[f64; 2]]>) -> Sum {
        let mut sum = Sum::default();
        rings.for_each(|ring| self.0.add_ring(ring, &mut sum));
        sum
    }

    /// What of it lies in the region that `rings` bound (closed, oriented).
    #[must_use]
    pub fn common<'a>(&self, rings: impl Iterator<Item = &'a [[f64; 2]]>) -> Self {
        Self(self.0.common(rings))
    }
}
