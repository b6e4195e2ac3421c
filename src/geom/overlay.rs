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
//! 4. A sum smaller than its own rounding error is 0, so that regions that only touch share nothing.
//! 5. Where that error is too large a part of either region (slivers, or one region a thousand times the other), sum again with twice the digits.
//!
//! There are no predicates and no special cases: coincident and touching edges cancel. Vertical edges add nothing.
//! Cost: O(edges of B near A × edges of A), about 2 ns a pair.

mod careful;

use super::{Bounds, region::Region};
use smallvec::SmallVec;
use wide::f64x4;

/// Edges looked at together.
const LANES: usize = 4;

/// A bound on the rounding of a term, in parts of its width times the heights it was taken at.
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// What the bound may be, as a part of the smaller region. Errors seen are thirty times smaller than their bound, so sums close to 1e-12.
const CLOSES: f64 = 1e-11;

/// A region prepared for measuring many others against it.
#[derive(Debug, Clone)]
pub struct Figure {
    region: Region,
    bounds: Bounds,
    area_m2: f64,
    /// Width and height of the box.
    size: [f64; 2],
    /// Edges, not vertical, by left end.
    edges: SmallVec<[Four; 8]>,
}

/// Four edges side by side. Unused lanes have no width and no sign.
#[derive(Debug, Clone, Copy, Default)]
struct Four {
    left: f64x4,
    right: f64x4,
    /// At the left end.
    height: f64x4,
    slope: f64x4,
    sign: f64x4,
    /// The leftmost left end.
    first: f64,
}

/// A sum under way, and the heights times widths its terms were taken at, which bound its rounding.
#[derive(Debug, Default)]
struct Sum {
    area_m2: f64,
    noise: f64,
}

/// An edge of B in the frame of A: from `x1` to `x2`, height `y` at `x1`.
struct Strip {
    x1: f64,
    x2: f64,
    y: f64,
    slope: f64,
}

impl Four {
    /// At most four edges: left, right, height, slope and sign of each.
    fn of(edges: &[[f64; 5]]) -> Self {
        let side = |number: usize| f64x4::from(std::array::from_fn(|lane| edges.get(lane).map_or(0.0, |edge| edge[number])));
        let first = edges.first().map_or(0.0, |edge| edge[0]);
        Self { left: side(0), right: side(1), height: side(2), slope: side(3), sign: side(4), first }
    }
}

impl Figure {
    /// Prepares a region.
    #[must_use]
    pub fn new(region: Region) -> Self {
        let bounds = region.bounds();
        let [x0, y0] = bounds.min;
        let mut edges: SmallVec<[[f64; 5]; 48]> = SmallVec::new();
        for ring in region.rings() {
            for pair in ring.windows(2) {
                let (a, b) = ([pair[0][0] - x0, pair[0][1] - y0], [pair[1][0] - x0, pair[1][1] - y0]);
                if a[0] < b[0] {
                    edges.push([a[0], b[0], a[1], (b[1] - a[1]) / (b[0] - a[0]), -1.0]);
                } else if b[0] < a[0] {
                    edges.push([b[0], a[0], b[1], (a[1] - b[1]) / (a[0] - b[0]), 1.0]);
                }
            }
        }
        edges.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]));
        let size = if bounds.is_empty() { [0.0; 2] } else { [bounds.max[0] - x0, bounds.max[1] - y0] };
        Self { area_m2: region.area_m2(), size, edges: edges.chunks(LANES).map(Four::of).collect(), bounds, region }
    }

    /// The region's area, square metres.
    #[must_use]
    pub fn area_m2(&self) -> f64 {
        self.area_m2
    }

    /// The smallest box around it, in the plane.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The region itself.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The area shared with the region that `rings` bound (closed, oriented), square metres, between 0 and this figure's area.
    #[must_use]
    pub fn shared_m2<'a>(&self, rings: impl Iterator<Item = &'a [[f64; 2]]> + Clone) -> f64 {
        let mut sum = Sum::default();
        for ring in rings.clone() {
            self.add_ring(ring, &mut sum);
        }
        let noise = sum.noise * ROUNDING;
        // B is no smaller than what was found of it; its whole area is asked for only where that does not settle it.
        let closes = |of_m2: f64| noise <= CLOSES * of_m2;
        if !closes(self.area_m2) || !closes(sum.area_m2) && !closes(rings.clone().map(roughly_m2).sum::<f64>()) {
            return careful::shared_m2(&self.region, rings).min(self.area_m2);
        }
        if sum.area_m2 <= noise { 0.0 } else { sum.area_m2.min(self.area_m2) }
    }

    /// Adds the terms of one ring of B.
    fn add_ring(&self, ring: &[[f64; 2]], sum: &mut Sum) {
        let [x0, y0] = self.bounds.min;
        let [width, height] = self.size;
        let Some(first) = ring.first() else { return };
        let (mut x1, mut y1) = (first[0] - x0, first[1] - y0);
        // Where the run of edges above the box that is under way began.
        let mut run: Option<f64> = None;
        for to in &ring[1..] {
            let (x2, y2) = (to[0] - x0, to[1] - y0);
            if (x1 <= 0.0 && x2 <= 0.0) || (x1 >= width && x2 >= width) {
                // Beside the box, where nothing of A is: a run may go on.
            } else if y1 >= height && y2 >= height {
                run.get_or_insert(x1);
            } else {
                if let Some(start) = run.take() {
                    self.add_run(start, x1, sum);
                }
                if (y1 > 0.0 || y2 > 0.0) && x1 != x2 {
                    self.add_edge([x1, y1], [x2, y2], sum);
                }
            }
            (x1, y1) = (x2, y2);
        }
        if let Some(start) = run {
            self.add_run(start, x1, sum);
        }
    }

    /// Adds a run of edges of B above the box, from `start` to `end`.
    fn add_run(&self, start: f64, end: f64, sum: &mut Sum) {
        for (x, sign) in [(start, 1.0), (end, -1.0)] {
            if x >= self.size[0] {
                sum.area_m2 += sign * self.area_m2;
            } else if x > 0.0 {
                sum.area_m2 += sign * self.left_of(x);
                sum.noise += self.size[0] * self.size[1];
            }
        }
    }

    /// The area of this figure to the left of `x`.
    fn left_of(&self, x: f64) -> f64 {
        let right = f64x4::splat(x);
        let mut sum = f64x4::ZERO;
        for a in self.edges.iter().take_while(|four| four.first < x) {
            let width = (a.right.fast_min(right) - a.left).fast_max(f64x4::ZERO);
            sum += a.sign * width * (a.height + 0.5 * a.slope * width);
        }
        total(sum)
    }

    /// Adds the terms of an edge of B that is neither beside nor above nor below the box, in the frame of the box.
    #[inline]
    fn add_edge(&self, from: [f64; 2], to: [f64; 2], sum: &mut Sum) {
        let ([x1, y1], [x2, y2], sign) = if from[0] < to[0] { (from, to, 0.5) } else { (to, from, -0.5) };
        let slope = (y2 - y1) / (x2 - x1);
        let start = x1.max(0.0);
        let (terms, width) = self.below(&Strip { x1: start, x2: x2.min(self.size[0]), y: y1 + slope * (start - x1), slope });
        sum.area_m2 += sign * terms;
        sum.noise += width * (self.size[1] + y1.abs() + y2.abs());
    }

    /// −2·Σ s(a)·∫ min(a − b, 0) over the edges a of this figure, and the widths over which they were taken.
    #[inline]
    fn below(&self, b: &Strip) -> (f64, f64) {
        let (x1, x2, y, rise) = (f64x4::splat(b.x1), f64x4::splat(b.x2), f64x4::splat(b.y), f64x4::splat(b.slope));
        let zero = f64x4::ZERO;
        let (mut sums, mut widths) = (zero, zero);
        for a in self.edges.iter().take_while(|four| four.first < b.x2) {
            let (lo, hi) = (a.left.fast_max(x1), a.right.fast_min(x2));
            let width = (hi - lo).fast_max(zero);
            let at_lo = a.height + a.slope * (lo - a.left) - (y + rise * (lo - x1));
            let at_hi = a.height + a.slope * (hi - a.left) - (y + rise * (hi - x1));
            let under = at_lo.fast_min(zero) + at_hi.fast_min(zero);
            let crosses = (at_lo * at_hi).simd_lt(zero) & width.simd_gt(zero);
            sums += a.sign * width * if crosses.none() { -under } else { below_crossing(at_lo, at_hi, under) };
            widths += width;
        }
        (total(sums), total(widths))
    }
}

/// −2·∫ min(a − b, 0) over a width of 1, where a − b goes straight from `at_lo` to `at_hi` and `under` is the sum of the negative ones: |under| where
/// both are, the triangle up to the crossing where one is, else 0.
#[cold]
fn below_crossing(at_lo: f64x4, at_hi: f64x4, under: f64x4) -> f64x4 {
    under * under / (at_lo.abs() + at_hi.abs() + f64x4::splat(f64::MIN_POSITIVE))
}

/// The sum of four numbers, in an order that depends on nothing.
#[inline]
fn total(four: f64x4) -> f64 {
    let [a, b, c, d] = four.to_array();
    (a + b) + (c + d)
}

/// The signed area of a ring to a few digits.
fn roughly_m2(ring: &[[f64; 2]]) -> f64 {
    let Some(&[x0, y0]) = ring.first() else { return 0.0 };
    ring.windows(2).map(|pair| (pair[0][0] - x0) * (pair[1][1] - y0) - (pair[1][0] - x0) * (pair[0][1] - y0)).sum::<f64>() / 2.0
}
