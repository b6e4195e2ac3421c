//! Signed edges in the frame of a box, four side by side, and the sum over pairs of them and the edges of a ring.
//!
//! [`Strips::add_ring`] is steps 2 and 3 of [`overlay`](super); [`Strips::common`] makes of two such sets of edges the one of the ground both have.

use crate::Bounds;
use smallvec::SmallVec;
use wide::f64x4;

/// Edges looked at together.
const LANES: usize = 4;

/// A bound on the rounding of a term, in parts of its width times the heights it was taken at.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// An edge that is not vertical, in the frame of a box.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Strip {
    x1: f64,
    x2: f64,
    /// At the left end.
    y: f64,
    slope: f64,
    /// +1 where its ring runs right to left, −1 where it runs left to right.
    sign: f64,
}

/// Signed strips below edges; at every place of the box their sum is 1 on the ground they stand for and 0 beside it.
#[derive(Debug, Clone)]
pub(super) struct Strips {
    /// Lower left corner of the frame, in the plane.
    origin: [f64; 2],
    /// The leftmost and the rightmost end.
    span: [f64; 2],
    /// No edge is higher; none is lower than 0.
    top: f64,
    area_m2: f64,
    /// Widths of all edges times the height of the box: what summing over all of them is taken at.
    taken_at: f64,
    /// By left end.
    fours: SmallVec<[Four; 8]>,
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
    /// The leftmost left end, here or in fours after it.
    first: f64,
    /// The rightmost right end, here or in fours before.
    reach: f64,
}

/// A sum under way, and the heights times widths its terms were taken at, which bound its rounding.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sum {
    area_m2: f64,
    taken_at: f64,
}

impl Sum {
    /// Square metres.
    #[must_use]
    pub fn area_m2(&self) -> f64 {
        self.area_m2
    }

    /// A bound on its rounding, square metres.
    #[must_use]
    pub fn noise_m2(&self) -> f64 {
        self.taken_at * ROUNDING
    }

    /// Takes another sum off.
    pub fn subtract(&mut self, other: Self) {
        self.area_m2 -= other.area_m2;
        self.taken_at += other.taken_at;
    }

    /// Adds another sum.
    pub fn add(&mut self, other: Self) {
        self.area_m2 += other.area_m2;
        self.taken_at += other.taken_at;
    }
}

impl Strip {
    /// The edge from `a` to `b`, unless it is vertical.
    pub fn between(a: [f64; 2], b: [f64; 2]) -> Option<Self> {
        let (left, right, sign) = if a[0] < b[0] { (a, b, -1.0) } else { (b, a, 1.0) };
        (left[0] < right[0]).then(|| Self { x1: left[0], x2: right[0], y: left[1], slope: (right[1] - left[1]) / (right[0] - left[0]), sign })
    }

    fn at(&self, x: f64) -> f64 {
        self.y + self.slope * (x - self.x1)
    }

    /// The part between two x within it.
    fn part(&self, x1: f64, x2: f64, sign: f64) -> Self {
        Self { x1, x2, y: self.at(x1), slope: self.slope, sign }
    }
}

impl Four {
    /// At most four edges.
    fn of(strips: &[Strip]) -> Self {
        let side = |of: fn(&Strip) -> f64| f64x4::from(std::array::from_fn(|lane| strips.get(lane).map_or(0.0, of)));
        let first = strips.iter().fold(f64::INFINITY, |first, strip| first.min(strip.x1));
        Self { left: side(|s| s.x1), right: side(|s| s.x2), height: side(|s| s.y), slope: side(|s| s.slope), sign: side(|s| s.sign), first, reach: first }
    }

    fn strips(&self) -> impl Iterator<Item = Strip> {
        let [x1, x2, y, slope, sign] = [self.left, self.right, self.height, self.slope, self.sign].map(f64x4::to_array);
        (0..LANES).filter(move |lane| sign[*lane] != 0.0).map(move |k| Strip { x1: x1[k], x2: x2[k], y: y[k], slope: slope[k], sign: sign[k] })
    }
}

impl Strips {
    /// Of all edges of some ground that are not vertical, in the frame with that origin, none of them below 0 or above `top`; with the ground's area, where it
    /// is known to the last bit.
    #[inline]
    pub fn of(strips: &[Strip], origin: [f64; 2], top: f64, known_m2: Option<f64>) -> Self {
        let mut of = Self { origin, span: [0.0; 2], top, area_m2: 0.0, taken_at: 0.0, fours: SmallVec::new() };
        let order = by_left_end(strips);
        for numbers in order.chunks(LANES) {
            let mut some = [Strip::default(); LANES];
            for (strip, number) in some.iter_mut().zip(numbers) {
                *strip = strips[*number as usize];
                of.span[1] = if strip.x2 > of.span[1] { strip.x2 } else { of.span[1] };
                of.taken_at += (strip.x2 - strip.x1) * top;
            }
            of.fours.push(Four { reach: of.span[1], ..Four::of(&some[..numbers.len()]) });
        }
        // They are in order but for the last digits of their left ends.
        let least = of.fours.iter_mut().rev().fold(f64::INFINITY, |least, four| {
            four.first = four.first.min(least);
            four.first
        });
        of.span[0] = if of.fours.is_empty() { 0.0 } else { least };
        of.area_m2 = known_m2.unwrap_or_else(|| of.left_of(f64::INFINITY));
        of
    }

    /// The area of the ground, square metres, and what it was taken at.
    pub fn sum(&self) -> Sum {
        Sum { area_m2: self.area_m2, taken_at: self.taken_at }
    }

    /// The box that holds the ground, in the plane.
    pub fn bounds(&self) -> Bounds {
        let [x0, y0] = self.origin;
        Bounds { min: [x0 + self.span[0], y0], max: [x0 + self.span[1], y0 + self.top] }
    }

    /// Edges, and the lanes beside them.
    pub fn edges(&self) -> usize {
        self.fours.len() * LANES
    }

    /// The edges that may have some x between two.
    #[inline]
    fn between(&self, lo: f64, hi: f64) -> impl Iterator<Item = &Four> {
        self.fours.iter().skip_while(move |four| four.reach <= lo).take_while(move |four| four.first < hi)
    }

    /// Adds what the ground shares with the region that a ring bounds; a hole's ring takes off what it bounds.
    pub fn add_ring(&self, ring: &[[f64; 2]], sum: &mut Sum) {
        self.walk(ring, &mut |step| match step {
            Step::Run(start, end) => self.add_run(start, end, sum),
            Step::Edge(from, to) => self.add_edge(from, to, sum),
        });
    }

    /// Calls `take` with what of a ring can matter: its edges near the box, and its runs above it.
    #[inline]
    fn walk(&self, ring: &[[f64; 2]], take: &mut impl FnMut(Step)) {
        let ([x0, y0], [left, right]) = (self.origin, self.span);
        let Some(first) = ring.first() else { return };
        let (mut x1, mut y1) = (first[0] - x0, first[1] - y0);
        // Where the run of edges above the box that is under way began.
        let mut run: Option<f64> = None;
        for to in &ring[1..] {
            let (x2, y2) = (to[0] - x0, to[1] - y0);
            if (x1 <= left && x2 <= left) || (x1 >= right && x2 >= right) {
                // Beside the box, where no ground is: a run may go on.
            } else if y1 >= self.top && y2 >= self.top {
                run.get_or_insert(x1);
            } else {
                if let Some(start) = run.take() {
                    take(Step::Run(start, x1));
                }
                if (y1 > 0.0 || y2 > 0.0) && x1 != x2 {
                    take(Step::Edge([x1, y1], [x2, y2]));
                }
            }
            (x1, y1) = (x2, y2);
        }
        if let Some(start) = run {
            take(Step::Run(start, x1));
        }
    }

    /// Adds a run of edges above the box, from `start` to `end`.
    fn add_run(&self, start: f64, end: f64, sum: &mut Sum) {
        for (x, sign) in [(start, 1.0), (end, -1.0)] {
            if x >= self.span[1] {
                sum.area_m2 += sign * self.area_m2;
            } else if x > self.span[0] {
                sum.area_m2 += sign * self.left_of(x);
                sum.taken_at += self.taken_at;
            }
        }
    }

    /// The area of the ground to the left of `x`.
    fn left_of(&self, x: f64) -> f64 {
        let right = f64x4::splat(x);
        let mut sum = f64x4::ZERO;
        for a in self.fours.iter().take_while(|four| four.first < x) {
            let width = (a.right.fast_min(right) - a.left).fast_max(f64x4::ZERO);
            sum += a.sign * width * (a.height + 0.5 * a.slope * width);
        }
        total(sum)
    }

    /// Adds the terms of an edge that is neither beside nor above nor below the box.
    #[inline]
    fn add_edge(&self, from: [f64; 2], to: [f64; 2], sum: &mut Sum) {
        let ([x1, y1], [x2, y2], sign) = if from[0] < to[0] { (from, to, 0.5) } else { (to, from, -0.5) };
        let slope = (y2 - y1) / (x2 - x1);
        let start = x1.max(self.span[0]);
        let end = x2.min(self.span[1]);
        let edge = Strip { x1: start, x2: end, y: y1 + slope * (start - x1), slope, sign };
        let (terms, width) = below(self.between(start, end), &edge);
        sum.area_m2 += sign * terms;
        // Moving it into the frame rounds its ends sideways, too, which counts where it is steep.
        sum.taken_at += width * (self.top + y1.abs() + y2.abs() + slope.abs() * (x1.abs() + x2.abs()));
    }

    /// The ground that lies within the region that `rings` bound, too.
    pub fn common<'a>(&self, rings: impl Iterator<Item = &'a [[f64; 2]]>) -> Self {
        let mut common = SmallVec::new();
        for ring in rings {
            self.walk(ring, &mut |step| match step {
                Step::Run(start, end) => self.push_run(start, end, &mut common),
                Step::Edge(from, to) => self.push_edge(from, to, &mut common),
            });
        }
        let top = common.iter().fold(0.0, |top: f64, strip| top.max(strip.y).max(strip.at(strip.x2)));
        Self::of(&common, self.origin, top, None)
    }

    /// Below a run of edges above the box the ground is as it is.
    fn push_run(&self, start: f64, end: f64, common: &mut SmallVec<[Strip; 48]>) {
        let (x1, x2, sign) = if start < end { (start, end, -1.0) } else { (end, start, 1.0) };
        for own in self.between(x1, x2).flat_map(Four::strips) {
            let (lo, hi) = (own.x1.max(x1), own.x2.min(x2));
            if lo < hi {
                common.push(own.part(lo, hi, sign * own.sign));
            }
        }
    }

    /// With an edge near the box, each edge of the ground has the lower of both.
    fn push_edge(&self, from: [f64; 2], to: [f64; 2], common: &mut SmallVec<[Strip; 48]>) {
        let Some(edge) = Strip::between(from, to) else { return };
        for own in self.between(edge.x1, edge.x2).flat_map(Four::strips) {
            let (lo, hi) = (own.x1.max(edge.x1), own.x2.min(edge.x2));
            if lo >= hi {
                continue;
            }
            let sign = own.sign * edge.sign;
            let (at_lo, at_hi) = (own.at(lo) - edge.at(lo), own.at(hi) - edge.at(hi));
            let lower = |first: f64| if first < 0.0 { own } else { edge };
            if at_lo * at_hi < 0.0 {
                let crossing = (lo + (hi - lo) * (at_lo / (at_lo - at_hi))).clamp(lo, hi);
                common.push(lower(at_lo).part(lo, crossing, sign));
                common.push(lower(at_hi).part(crossing, hi, sign));
            } else {
                common.push(lower(at_lo + at_hi).part(lo, hi, sign));
            }
        }
    }
}

/// The numbers of strips by their left ends, none of which is left of 0; but for the last digits, in whose place the number stands: whole numbers sort in half
/// the time of strips.
fn by_left_end(strips: &[Strip]) -> SmallVec<[u64; 48]> {
    let digits = u64::MAX << usize::BITS.saturating_sub(strips.len().leading_zeros());
    let mut keys: SmallVec<[u64; 48]> = strips.iter().zip(0..).map(|(strip, number)| strip.x1.to_bits() & digits | number).collect();
    keys.sort_unstable();
    keys.iter_mut().for_each(|key| *key &= !digits);
    keys
}

/// What of a ring matters to some ground, in its frame.
enum Step {
    /// A run of edges above the box, between two x.
    Run(f64, f64),
    /// An edge near the box.
    Edge([f64; 2], [f64; 2]),
}

/// −2·Σ s(a)·∫ min(a − b, 0) over the edges a, and the widths over which they were taken.
#[inline]
fn below<'a>(fours: impl Iterator<Item = &'a Four>, b: &Strip) -> (f64, f64) {
    let (x1, x2, y, rise) = (f64x4::splat(b.x1), f64x4::splat(b.x2), f64x4::splat(b.y), f64x4::splat(b.slope));
    let zero = f64x4::ZERO;
    let (mut sums, mut widths) = (zero, zero);
    for a in fours {
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

/// The signed area of a ring, within a few last bits of the squares of its sides.
pub(super) fn signed_m2(ring: &[[f64; 2]]) -> f64 {
    let Some(&[x0, y0]) = ring.first() else { return 0.0 };
    ring.windows(2).map(|pair| (pair[0][0] - x0) * (pair[1][1] - y0) - (pair[1][0] - x0) * (pair[0][1] - y0)).sum::<f64>() / 2.0
}
