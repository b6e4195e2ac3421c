//! Where edges meet, and what lies inside what: exact predicates (Shewchuk's, crate `robust`) on the positions as they are.

use super::Bounds;
use robust::{Coord, orient2d};
use std::cmp::Ordering;

fn coord([x, y]: [f64; 2]) -> Coord<f64> {
    Coord { x, y }
}

/// On which side of the line from `a` to `b` lies `c`: greater is left. Exact.
pub(super) fn side(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> Ordering {
    orient2d(coord(a), coord(b), coord(c)).partial_cmp(&0.0).unwrap_or(Ordering::Equal)
}

/// An edge of a ring: from `a` to `b`, vertex number `vertex` of ring number `ring`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub a: [f64; 2],
    pub b: [f64; 2],
    pub ring: u32,
    pub vertex: u32,
}

impl Span {
    fn low(&self, axis: usize) -> f64 {
        self.a[axis].min(self.b[axis])
    }

    fn high(&self, axis: usize) -> f64 {
        self.a[axis].max(self.b[axis])
    }

    /// Whether `at`, known to be on the line through the edge, lies on the edge.
    fn spans(&self, at: [f64; 2]) -> bool {
        (0..2).all(|axis| self.low(axis) <= at[axis] && at[axis] <= self.high(axis))
    }
}

/// Two edges that meet where they should not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Contact {
    /// Numbers of the two edges.
    pub edges: [u32; 2],
    /// Where; exactly a vertex unless `proper`.
    pub at: [f64; 2],
    /// Whether they cross between their ends.
    pub proper: bool,
}

/// Edges up to this number are compared pair by pair; above it space is halved.
const FEW: usize = 40;
/// Stretches, for each edge, that halving may look at before the rest is compared as it is: a thousand edges through one place cannot be parted.
const PARTING: usize = 100;
/// Pairs, for each edge, that are looked at across the way the edges run before halving is tried again.
const ACROSS: usize = 16;

/// Contacts for each edge, and for any outline, beyond which they are not looked for: no plot of land is such a tangle. A board of squares that touch
/// at their corners has four for each edge.
const MOST: [usize; 2] = [8, 10_000];

/// All contacts between edges that are not neighbours in their ring, in the order of edge numbers; `None` where there are too many to be listed.
/// `rings[r]` is the number of edges of ring `r`.
pub(super) fn contacts(edges: &[Span], rings: &[u32]) -> Option<Vec<Contact>> {
    let reach = edges.iter().flat_map(|edge| edge.a).fold(0.0, |reach: f64, value| reach.max(value.abs()));
    let mut search = Search { edges, rings, slack: 16.0 * f64::EPSILON * reach, most: MOST[0] * edges.len() + MOST[1], found: Vec::new(), lost: false };
    let all = (0..edges.len() as u32).map(|number| Stretch { number, bounds: Bounds::of(&[edges[number as usize].a, edges[number as usize].b]) }).collect();
    search.halve(all, PARTING * edges.len(), 0);
    search.settle();
    (search.found.len() <= search.most).then_some(search.found)
}

/// The part of an edge that lies on one side of all cuts so far: its box, wider by what rounding may miss.
#[derive(Clone, Copy)]
struct Stretch {
    number: u32,
    bounds: Bounds,
}

struct Search<'a> {
    edges: &'a [Span],
    rings: &'a [u32],
    slack: f64,
    most: usize,
    found: Vec<Contact>,
    lost: bool,
}

impl Search<'_> {
    /// Sorts what was found; edges that come close on both sides of a cut are seen on both.
    fn settle(&mut self) {
        self.found.sort_by(|p, q| p.edges.cmp(&q.edges).then(p.at[0].total_cmp(&q.at[0])).then(p.at[1].total_cmp(&q.at[1])));
        self.found.dedup();
    }

    /// Whether there is more than will be listed.
    fn is_lost(&mut self) -> bool {
        if !self.lost && self.found.len() > 2 * self.most {
            self.settle();
            self.lost = self.found.len() > self.most;
        }
        self.lost
    }

    /// Finds the contacts of some stretches. Halving may look at `parting` stretches more; each half gets its share, or the first would take all.
    fn halve(&mut self, some: Vec<Stretch>, parting: usize, depth: u32) {
        if self.is_lost() {
            return;
        }
        if some.len() <= FEW {
            self.compare_all(&some);
            return;
        }
        let Some(left) = parting.checked_sub(some.len()) else {
            self.compare_across(&some, usize::MAX);
            return;
        };
        let parts = |cut: &Cut| cut.sides < some.len() * 3 / 2;
        let mut cut = Cut::middle(&some, (depth % 2) as usize);
        if !parts(&cut) {
            let other = Cut::middle(&some, 1 - cut.axis);
            // Edges that run side by side at a slant are parted by neither halving, but lie one after the other across the way they run.
            if !parts(&other) && self.compare_across(&some, ACROSS * some.len()) {
                return;
            }
            if other.sides < cut.sides {
                cut = other;
            }
        }
        let [low, high] = [false, true].map(|above| some.iter().filter_map(|one| self.part(one, cut.axis, cut.at, above)).collect::<Vec<_>>());
        drop(some);
        let together = low.len() + high.len();
        for half in [low, high] {
            let share = left * half.len() / together;
            self.halve(half, share, depth + 1);
        }
    }

    /// Compares each with each.
    fn compare_all(&mut self, some: &[Stretch]) {
        for (n, one) in some.iter().enumerate() {
            for other in some[n + 1..].iter().filter(|other| other.bounds.touches(&one.bounds)) {
                self.compare(one, other);
            }
        }
    }

    /// Compares those that overlap across the way that most of the length runs; gives up, answering false, where that is more than `most` pairs.
    fn compare_across(&mut self, some: &[Stretch], most: usize) -> bool {
        let [cos, sin] = way(some.iter().map(|one| &self.edges[one.number as usize]));
        let mut across: Vec<(f64, f64, &Stretch)> = some
            .iter()
            .map(|one| {
                let (Span { a, b, .. }, Bounds { min, max }) = (self.edges[one.number as usize], one.bounds);
                // The stretch runs from corner to corner of its box.
                let (from, to) = if (a[0] < b[0]) == (a[1] < b[1]) { (min, max) } else { ([min[0], max[1]], [max[0], min[1]]) };
                let [p, q] = [from, to].map(|at| cos * at[1] - sin * at[0]);
                // Twice: the box is wider than the stretch, too.
                (p.min(q) - 2.0 * self.slack, p.max(q) + 2.0 * self.slack, one)
            })
            .collect();
        across.sort_unstable_by(|p, q| p.0.total_cmp(&q.0));
        let mut pairs = 0;
        for (n, (_, end, one)) in across.iter().enumerate() {
            for (_, _, other) in across[n + 1..].iter().take_while(|(start, _, _)| start <= end) {
                pairs += 1;
                if other.bounds.touches(&one.bounds) {
                    self.compare(one, other);
                }
            }
            if self.is_lost() {
                return true;
            }
            if pairs > most {
                return false;
            }
        }
        true
    }

    fn compare(&mut self, one: &Stretch, other: &Stretch) {
        meet(self.edges, self.rings, one.number.min(other.number), one.number.max(other.number), &mut self.found);
    }

    /// What of a stretch lies on one side of a cut.
    fn part(&self, one: &Stretch, axis: usize, cut: f64, above: bool) -> Option<Stretch> {
        let mut part = *one;
        if part.bounds.min[axis] > cut || part.bounds.max[axis] < cut {
            return ((part.bounds.min[axis] > cut) == above).then_some(part);
        }
        let Span { a, b, .. } = self.edges[one.number as usize];
        let other = 1 - axis;
        if a[axis] != b[axis] {
            let slope = (b[other] - a[other]) / (b[axis] - a[axis]);
            // From the end that is nearer, or a steep slope carries the rounding far.
            let near = if (cut - a[axis]).abs() < (cut - b[axis]).abs() { a } else { b };
            let at = near[other] + (cut - near[axis]) * slope;
            if (slope > 0.0) == above {
                part.bounds.min[other] = part.bounds.min[other].max(at - self.slack);
            } else {
                part.bounds.max[other] = part.bounds.max[other].min(at + self.slack);
            }
        }
        if above {
            part.bounds.min[axis] = cut;
        } else {
            part.bounds.max[axis] = cut;
        }
        Some(part)
    }
}

/// Where some stretches could be halved.
#[derive(Clone, Copy)]
struct Cut {
    axis: usize,
    at: f64,
    /// Stretches on both sides together.
    sides: usize,
}

impl Cut {
    /// Through the median of the stretches' middles.
    fn middle(some: &[Stretch], axis: usize) -> Self {
        let mut middles: Vec<f64> = some.iter().map(|one| f64::midpoint(one.bounds.min[axis], one.bounds.max[axis])).collect();
        let at = *middles.select_nth_unstable_by(some.len() / 2, f64::total_cmp).1;
        let sides = some.iter().map(|one| usize::from(one.bounds.min[axis] <= at) + usize::from(one.bounds.max[axis] >= at)).sum();
        Self { axis, at, sides }
    }
}

/// The way most of some edges' length runs, whichever way along it: cosine and sine of half the mean of the doubled angles.
fn way<'a>(edges: impl Iterator<Item = &'a Span>) -> [f64; 2] {
    let (mut c, mut s) = (0.0, 0.0);
    for Span { a, b, .. } in edges {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        c += dx * dx - dy * dy;
        s += 2.0 * dx * dy;
    }
    let length = (c * c + s * s).sqrt();
    // Nothing runs any way, or too far for numbers: any way will do.
    let cos_2 = if length > 0.0 && length.is_finite() { c / length } else { 1.0 };
    [f64::midpoint(1.0, cos_2).max(0.0).sqrt(), f64::midpoint(1.0, -cos_2).max(0.0).sqrt().copysign(s)]
}

/// Whether edges `i` < `j` follow one another in their ring.
fn neighbours(e: &Span, f: &Span, rings: &[u32]) -> bool {
    e.ring == f.ring && (f.vertex == e.vertex + 1 || (e.vertex == 0 && f.vertex + 1 == rings[e.ring as usize]))
}

fn meet(edges: &[Span], rings: &[u32], i: u32, j: u32, found: &mut Vec<Contact>) {
    let (e, f) = (&edges[i as usize], &edges[j as usize]);
    if neighbours(e, f, rings) {
        return;
    }
    let (fa, fb) = (side(e.a, e.b, f.a), side(e.a, e.b, f.b));
    if fa == fb && fa != Ordering::Equal {
        return;
    }
    let (ea, eb) = (side(f.a, f.b, e.a), side(f.a, f.b, e.b));
    if ea == eb && ea != Ordering::Equal {
        return;
    }
    let mut touched = false;
    for (line, at, on) in [(e, f.a, fa), (e, f.b, fb), (f, e.a, ea), (f, e.b, eb)] {
        if on == Ordering::Equal && line.spans(at) {
            touched = true;
            found.push(Contact { edges: [i, j], at, proper: false });
        }
    }
    if !touched && [fa, fb, ea, eb].iter().all(|side| *side != Ordering::Equal) {
        found.push(Contact { edges: [i, j], at: crossing(e, f), proper: true });
    }
}

/// Where two properly crossing edges cross, to the last few bits.
fn crossing(e: &Span, f: &Span) -> [f64; 2] {
    let (d, g) = ([e.b[0] - e.a[0], e.b[1] - e.a[1]], [f.b[0] - f.a[0], f.b[1] - f.a[1]]);
    let between = [f.a[0] - e.a[0], f.a[1] - e.a[1]];
    let t = (between[0] * g[1] - between[1] * g[0]) / (d[0] * g[1] - d[1] * g[0]);
    let t = if t.is_finite() { t.clamp(0.0, 1.0) } else { 0.5 };
    [e.a[0] + t * d[0], e.a[1] + t * d[1]]
}

/// Where a position lies relative to a closed ring: greater is inside, equal is on it. Exact.
pub(super) fn inside(at: [f64; 2], ring: &[[f64; 2]]) -> Ordering {
    let mut odd = false;
    for pair in ring.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let (low, high) = if a[1] <= b[1] { (a, b) } else { (b, a) };
        if at[1] < low[1] || at[1] > high[1] || at[0] > low[0].max(high[0]) {
            continue;
        }
        let turn = side(low, high, at);
        if turn == Ordering::Equal && at[0] >= low[0].min(high[0]) {
            return Ordering::Equal;
        }
        // A ray to the right meets the edge where `at` is left of it; the upper end belongs to the next edge.
        if low[1] <= at[1] && at[1] < high[1] && turn == Ordering::Greater {
            odd = !odd;
        }
    }
    if odd { Ordering::Greater } else { Ordering::Less }
}

/// Whether `inner` lies in `outer`, for closed rings that do not cross (they may touch).
#[must_use]
pub fn lies_in(inner: &[[f64; 2]], outer: &[[f64; 2]]) -> bool {
    let corners = inner.iter().copied();
    let middles = inner.windows(2).map(|pair| [f64::midpoint(pair[0][0], pair[1][0]), f64::midpoint(pair[0][1], pair[1][1])]);
    corners.chain(middles).map(|at| inside(at, outer)).find(|where_| *where_ != Ordering::Equal) == Some(Ordering::Greater)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(ring: &[[f64; 2]]) -> Vec<Span> {
        ring.windows(2).enumerate().map(|(k, pair)| Span { a: pair[0], b: pair[1], ring: 0, vertex: k as u32 }).collect()
    }

    #[test]
    fn a_figure_of_eight_crosses_once_and_a_square_never() {
        let eight = spans(&[[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]);
        assert_eq!(contacts(&eight, &[4]).unwrap(), [Contact { edges: [0, 2], at: [1.0, 1.0], proper: true }]);
        let square = spans(&[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]]);
        assert_eq!(contacts(&square, &[4]).unwrap(), []);
    }

    #[test]
    fn halving_finds_what_pairs_find() {
        // A zigzag whose last edge runs back through all its teeth.
        let mut ring: Vec<[f64; 2]> = (0..200).map(|k| [f64::from(k), if k % 2 == 0 { 0.0 } else { 5.0 }]).collect();
        ring.extend([[200.0, 2.5], [-1.0, 2.6], [0.0, 0.0]]);
        let edges = spans(&ring);
        assert_eq!(contacts(&edges, &[edges.len() as u32]).unwrap().iter().filter(|c| c.proper).count(), 199);
    }

    #[test]
    fn on_the_ring_is_neither_inside_nor_outside() {
        let square = [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]];
        assert_eq!(inside([1.0, 1.0], &square), Ordering::Greater);
        assert_eq!(inside([2.0, 1.0], &square), Ordering::Equal);
        assert_eq!(inside([1.0, 2.0], &square), Ordering::Equal);
        assert_eq!(inside([0.0, 2.0], &square), Ordering::Equal);
        assert_eq!(inside([-1.0, 2.0], &square), Ordering::Less);
        assert_eq!(inside([3.0, 0.0], &square), Ordering::Less);
    }
}
