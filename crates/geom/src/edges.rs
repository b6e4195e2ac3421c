//! What the reading of edges can change of an area.
//!
//! A corner is a corner in every coordinate system, an edge is not: straight in one projection it is an arc in another, and between the two lies a lens of ⅔·s·l
//! (s its height, l its length). Where a border was drawn once and written by two files in two projections, their edges differ by such a lens, which was never drawn.
//!
//! 1. [`Window`] looks at the ground around a figure. Each edge of one file is held against what other files have beside it ([`Window::along`]): where both run
//!    within the height of that lens of each other, they are one border.
//! 2. The other file's edge may be longer than the first one (a vertex on a neighbour's edge); it is put together again from the steps and pieces it was cut into (`chords`).
//! 3. Along the ground that both share, the lens of the longer edge bounds what the reading can change. Where a file's coordinates were written with few decimals, half their last
//!    digit along the same ground bounds what that can change.

mod chords;
mod digits;

use super::{Bounds, Coverage, Crs, Outline, Plane, Region};
use chords::Chords;
use std::io;

pub use digits::Written;

/// Edges further apart than this are never one border, metres: more than the height of a lens on an edge of 5 km, and than half a digit counts for.
pub const REACH_M: f64 = 1.2;
/// What is added to the height of a lens where edges are held against each other, metres: steps of 70 m are straight.
const SLACK_M: f64 = 3e-4;
/// The lens of an arc is a parabola's but for parts of this.
const ARC: f64 = 1.002;

/// By how much an area may differ, square metres.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Doubt {
    /// For edges are read as straight in one coordinate system or the other.
    pub edges_m2: f64,
    /// For coordinates were written with few decimals.
    pub rounding_m2: f64,
}

impl Doubt {
    /// Both together.
    #[must_use]
    #[inline]
    pub fn m2(&self) -> f64 {
        self.edges_m2 + self.rounding_m2
    }
}

/// A layer with the CRS of its file.
#[derive(Debug, Clone, Copy)]
pub struct Drawn<'a> {
    /// The layer.
    pub coverage: &'a Coverage,
    /// How its file wrote it.
    pub written: Written,
}

/// The ground around a figure.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    plane: &'a Plane,
    /// In the plane.
    bounds: Bounds,
    /// Metres to the east and to the north for one in the plane.
    scale: [f64; 2],
}

/// An edge between two places of the plane.
pub(super) type Edge = [[f64; 2]; 2];

/// Of an edge, the ground from one share of its length to another that it has in common with an edge of the other file.
struct Contact {
    from: f64,
    to: f64,
    /// The other file's edge, whole.
    chord: Edge,
    /// Its lens by its length and height, square metres.
    lens_m2: f64,
    /// That of the edge itself, read as the other file does.
    own_lens_m2: f64,
    /// Half the last digits of both.
    half_m: f64,
}

impl std::ops::Add for Doubt {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { edges_m2: self.edges_m2 + other.edges_m2, rounding_m2: self.rounding_m2 + other.rounding_m2 }
    }
}

impl<'a> Window<'a> {
    /// The ground around a figure whose box in the plane is `bounds`.
    #[must_use]
    pub fn new(plane: &'a Plane, bounds: &Bounds) -> Self {
        let cos = libm::cos(plane.unproject(bounds.middle())[1].to_radians());
        let wide = |value: f64, way: f64| value + 2.0 * REACH_M * way;
        let bounds = Bounds { min: bounds.min.map(|value| wide(value, -1.0)), max: bounds.max.map(|value| wide(value, 1.0)) };
        Self { plane, bounds, scale: [cos, 1.0 / cos] }
    }

    /// What the reading of the edges of an outline, and of those of layers beside them, can change: along each stretch of ground once, by the layer that leaves most in
    /// doubt there, for two layers that draw the same border differ from it by the same lens. `outline` is in degrees, vertices as its file wrote them.
    /// O(n log m) for n edges and layers of m.
    ///
    /// # Errors
    /// Where a layer cannot be read back.
    pub fn along(&self, outline: &Outline, written: Written, layers: &[Drawn<'_>]) -> io::Result<Doubt> {
        let mut chords: Vec<Chords<'_>> =
            layers.iter().filter(|layer| may_differ(written, layer.written)).map(|layer| Chords::new(self.plane, *layer)).collect();
        let mut doubt = Doubt::default();
        if chords.is_empty() {
            return Ok(doubt);
        }
        for ring in 0..outline.ring_ends.len() {
            let ring: Vec<[f64; 2]> = outline.ring(ring).iter().map(|at| self.plane.project(*at)).collect();
            for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)).filter(|(a, b)| a != b) {
                if let Some(span) = clipped([*a, *b], &self.bounds) {
                    doubt = doubt + self.beside([*a, *b], span, written, &mut chords)?;
                }
            }
        }
        Ok(doubt)
    }

    /// What the reading of the edges of two layers can change within a region of this ground, where they run beside each other.
    ///
    /// # Errors
    /// Where a layer cannot be read back.
    pub fn between(&self, region: &Region, one: Drawn<'_>, other: Drawn<'_>) -> io::Result<Doubt> {
        if !may_differ(one.written, other.written) {
            return Ok(Doubt::default());
        }
        let (mut of_one, mut of_other) = (Chords::new(self.plane, one), [Chords::new(self.plane, other)]);
        let mut doubt = Doubt::default();
        let mut seen = std::collections::HashSet::new();
        for edge in of_one.near(&self.bounds)? {
            let chord = of_one.whole(edge)?;
            if seen.insert(chord.map(|at| at.map(f64::to_bits))) {
                for span in self.within(chord, region) {
                    doubt = doubt + self.beside(chord, span, one.written, &mut of_other)?;
                }
            }
        }
        Ok(doubt)
    }

    /// The shares of an edge between which it lies in a region, with as much at both ends as edges of one border may be apart.
    fn within(&self, edge: Edge, region: &Region) -> Vec<(f64, f64)> {
        let Some((from, to)) = clipped(edge, &self.bounds) else { return Vec::new() };
        let place = |share: f64| [0, 1].map(|axis| edge[0][axis] + share * (edge[1][axis] - edge[0][axis]));
        let mut ends: Vec<f64> = region.rings().flat_map(|ring| ring.windows(2)).filter_map(|side| crossing(edge, [side[0], side[1]])).collect();
        ends.retain(|share| from < *share && *share < to);
        ends.extend([from, to]);
        ends.sort_unstable_by(f64::total_cmp);
        let more = 2.0 * REACH_M / self.length_m(edge);
        let mut spans: Vec<(f64, f64)> = Vec::new();
        for pair in ends.windows(2).filter(|pair| is_in(region, place(f64::midpoint(pair[0], pair[1])))) {
            let (low, high) = ((pair[0] - more).max(from), (pair[1] + more).min(to));
            match spans.last_mut() {
                Some(last) if low <= last.1 => last.1 = high,
                _ => spans.push((low, high)),
            }
        }
        spans
    }

    /// What the reading can change along one edge, between two shares of its length.
    fn beside(&self, edge: Edge, (from, to): (f64, f64), written: Written, others: &mut [Chords<'_>]) -> io::Result<Doubt> {
        let place = |share: f64| [0, 1].map(|axis| edge[0][axis] + share * (edge[1][axis] - edge[0][axis]));
        let mut around = Bounds::of(&[place(from), place(to)]);
        around.extend(around.min.map(|value| value - 2.0 * REACH_M));
        around.extend(around.max.map(|value| value + 2.0 * REACH_M));
        let along = Along::new(self, edge, rise(self.plane, edge, written.crs));
        let mut contacts = Vec::new();
        for chords in others {
            let (crs, other) = (written.crs, chords.written().crs);
            let half_m = written.half_digit_m() + chords.written().half_digit_m();
            let own_lens_m2 = lens_m2(self.plane, edge, crs, other);
            for beside in chords.near(&around)? {
                if along.stretch(beside, (from, to), REACH_M).is_none() {
                    continue;
                }
                let chord = chords.whole(beside)?;
                let lens_m2 = lens_m2(self.plane, chord, crs, other);
                let height_m = (own_lens_m2 / along.length_m).max(lens_m2 / self.length_m(chord));
                if let Some((from, to)) = along.stretch(beside, (from, to), 1.05 * height_m + half_m + SLACK_M) {
                    contacts.push(Contact { from, to, chord, lens_m2, own_lens_m2, half_m });
                }
            }
        }
        Ok(along.doubt(&contacts))
    }

    fn length_m(&self, [a, b]: Edge) -> f64 {
        libm::hypot((b[0] - a[0]) * self.scale[0], (b[1] - a[1]) * self.scale[1])
    }
}

/// Whether anything of two files can be read in two ways.
fn may_differ(one: Written, other: Written) -> bool {
    !one.crs.is_straight_in(other.crs) || one.half_digit_m() + other.half_digit_m() > 0.0
}

/// An edge in metres on the ground.
struct Along {
    edge: Edge,
    scale: [f64; 2],
    /// The way it runs, of length 1.
    way: [f64; 2],
    length_m: f64,
    /// How high its arc stands over its middle, to the left, metres.
    rise_m: f64,
}

impl Along {
    fn new(window: &Window<'_>, edge: Edge, rise_m2: f64) -> Self {
        let length_m = window.length_m(edge);
        let way = [0, 1].map(|axis| (edge[1][axis] - edge[0][axis]) * window.scale[axis] / length_m);
        Self { edge, scale: window.scale, way, length_m, rise_m: rise_m2 / length_m }
    }

    /// How far along a place lies, as a share of the length, and how far to the left of the edge's chord, metres.
    fn place(&self, at: [f64; 2]) -> [f64; 2] {
        let [x, y] = [0, 1].map(|axis| (at[axis] - self.edge[0][axis]) * self.scale[axis]);
        [(x * self.way[0] + y * self.way[1]) / self.length_m, y * self.way[0] - x * self.way[1]]
    }

    /// The shares of the edge, between two, beside which another edge runs within `reach_m`.
    fn stretch(&self, beside: Edge, (from, to): (f64, f64), reach_m: f64) -> Option<(f64, f64)> {
        let [mut p, mut q] = beside.map(|at| self.place(at));
        if p[0] > q[0] {
            std::mem::swap(&mut p, &mut q);
        }
        let (low, high) = (p[0].max(from), q[0].min(to));
        if low >= high {
            return None;
        }
        let slope = (q[1] - p[1]) / (q[0] - p[0]);
        let away = |share: f64| p[1] + (share - p[0]) * slope - 4.0 * share * (1.0 - share) * self.rise_m;
        let (d, e) = (away(low), away(high));
        let at = |limit: f64| low + (limit - d) / (e - d) * (high - low);
        let (first, last) = match (d.abs() <= reach_m, e.abs() <= reach_m) {
            (true, true) => (low, high),
            (true, false) => (low, at(reach_m.copysign(e))),
            (false, true) => (at(reach_m.copysign(d)), high),
            (false, false) if (d > 0.0) == (e > 0.0) => return None,
            (false, false) => (at(reach_m.copysign(d)), at(reach_m.copysign(e))),
        };
        (first < last).then_some((first, last))
    }

    /// Each stretch of ground once, by the contact that leaves most in doubt there.
    fn doubt(&self, contacts: &[Contact]) -> Doubt {
        let mut ends: Vec<f64> = contacts.iter().flat_map(|contact| [contact.from, contact.to]).collect();
        ends.sort_unstable_by(f64::total_cmp);
        let mut doubt = Doubt::default();
        for pair in ends.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let here = || contacts.iter().filter(|contact| contact.from <= from && to <= contact.to);
            if from >= to || here().next().is_none() {
                continue;
            }
            let place = |share: f64| [0, 1].map(|axis| self.edge[0][axis] + share * (self.edge[1][axis] - self.edge[0][axis]));
            let of_contact = |contact: &Contact| {
                let [a, b] = [from, to].map(|share| share_of(contact.chord, place(share)));
                (contact.own_lens_m2 * part(from, to)).max(contact.lens_m2 * part(a.min(b), a.max(b)))
            };
            doubt.edges_m2 += ARC * here().map(of_contact).fold(0.0, f64::max);
            doubt.rounding_m2 += here().map(|contact| contact.half_m).fold(0.0, f64::max) * (to - from) * self.length_m;
        }
        doubt
    }
}

/// The part of ⅔·s·l, in s·l, that lies between two shares of an arc.
fn part(from: f64, to: f64) -> f64 {
    let to_here = |t: f64| t * t * (2.0 - 4.0 / 3.0 * t);
    to_here(to) - to_here(from)
}

/// How far along an edge a place lies, 0 to 1.
fn share_of([a, b]: Edge, at: [f64; 2]) -> f64 {
    let (way, to) = ([b[0] - a[0], b[1] - a[1]], [at[0] - a[0], at[1] - a[1]]);
    ((way[0] * to[0] + way[1] * to[1]) / (way[0] * way[0] + way[1] * way[1])).clamp(0.0, 1.0)
}

/// Height by length of the arc that an edge straight in `crs` is in the plane, square metres; positive to the left.
fn rise(plane: &Plane, [a, b]: Edge, crs: Crs) -> f64 {
    if crs.is_degrees() {
        return 0.0;
    }
    let ends = [a, b].map(|at| crs.from_degrees(plane.unproject(at)));
    let [Some(p), Some(q)] = ends else { return 0.0 };
    let Some(middle) = crs.to_degrees([f64::midpoint(p[0], q[0]), f64::midpoint(p[1], q[1])]) else { return 0.0 };
    let at = plane.project(middle);
    (b[0] - a[0]) * (at[1] - a[1]) - (b[1] - a[1]) * (at[0] - a[0])
}

/// Height by length of the lens between two readings of an edge, square metres: its area is two thirds of that.
fn lens_m2(plane: &Plane, edge: Edge, one: Crs, other: Crs) -> f64 {
    if one.is_straight_in(other) { 0.0 } else { (rise(plane, edge, one) - rise(plane, edge, other)).abs() }
}

/// Where along an edge another one crosses it, as a share of its length; `None` where it does not.
fn crossing([a, b]: Edge, [p, q]: Edge) -> Option<f64> {
    let side = |at: [f64; 2], [from, to]: Edge| (to[0] - from[0]) * (at[1] - from[1]) - (to[1] - from[1]) * (at[0] - from[0]);
    if (side(p, [a, b]) > 0.0) == (side(q, [a, b]) > 0.0) {
        return None;
    }
    let (from, to) = (side(a, [p, q]), side(b, [p, q]));
    let share = from / (from - to);
    share.is_finite().then_some(share)
}

/// Whether a place lies in a region: how often a way to the right leaves it.
fn is_in(region: &Region, [x, y]: [f64; 2]) -> bool {
    let is_right = |side: &&[[f64; 2]]| {
        let ([p, q], above) = ([side[0], side[1]], side[0][1] > y);
        above != (q[1] > y) && p[0] + (y - p[1]) / (q[1] - p[1]) * (q[0] - p[0]) > x
    };
    region.rings().flat_map(|ring| ring.windows(2)).filter(is_right).count() % 2 == 1
}

/// The shares of an edge between which it lies in a box.
fn clipped([a, b]: Edge, bounds: &Bounds) -> Option<(f64, f64)> {
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for axis in 0..2 {
        let way = b[axis] - a[axis];
        if way == 0.0 {
            if a[axis] < bounds.min[axis] || a[axis] > bounds.max[axis] {
                return None;
            }
            continue;
        }
        let (low, high) = ((bounds.min[axis] - a[axis]) / way, (bounds.max[axis] - a[axis]) / way);
        (from, to) = (from.max(low.min(high)), to.min(low.max(high)));
    }
    (from < to).then_some((from, to))
}

#[cfg(test)]
mod tests;
