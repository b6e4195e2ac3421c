//! Where edges meet, and what lies inside what: exact predicates (Shewchuk's, crate `robust`) on the positions as they are.

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

/// Contacts beyond this number are not looked for: such a tangle is nobody's land, and its contacts would fill the memory.
const MOST: usize = 1_000_000;

/// All contacts between edges that are not neighbours in their ring, in the order of edge numbers; `None` where there are too many to be listed.
/// `rings[r]` is the number of edges of ring `r`.
pub(super) fn contacts(edges: &[Span], rings: &[u32]) -> Option<Vec<Contact>> {
    let mut found = Vec::new();
    let all: Vec<u32> = (0..edges.len() as u32).collect();
    halve(edges, rings, &all, 0, &mut found);
    if edges.len() > FEW {
        // An edge on a cut is seen on both sides of it.
        found.sort_by(|p, q| p.edges.cmp(&q.edges).then(p.at[0].total_cmp(&q.at[0])).then(p.at[1].total_cmp(&q.at[1])));
        found.dedup();
    }
    (found.len() <= MOST).then_some(found)
}

fn halve(edges: &[Span], rings: &[u32], some: &[u32], depth: u32, found: &mut Vec<Contact>) {
    if some.len() > FEW && depth < 48 {
        let first = (depth % 2) as usize;
        for axis in [first, 1 - first] {
            let mut middles: Vec<f64> = some.iter().map(|i| edges[*i as usize].low(axis)).collect();
            let cut = *middles.select_nth_unstable_by(some.len() / 2, f64::total_cmp).1;
            let (low, high): (Vec<u32>, Vec<u32>) = (
                some.iter().copied().filter(|i| edges[*i as usize].low(axis) <= cut).collect(),
                some.iter().copied().filter(|i| edges[*i as usize].high(axis) >= cut).collect(),
            );
            // Where neither halving parts the edges (many through one place), the pairs must be looked at.
            if low.len() + high.len() < some.len() * 7 / 4 {
                halve(edges, rings, &low, depth + 1, found);
                halve(edges, rings, &high, depth + 1, found);
                return;
            }
        }
    }
    for (n, i) in some.iter().enumerate() {
        if found.len() > 2 * MOST {
            return;
        }
        let e = &edges[*i as usize];
        let (x0, x1, y0, y1) = (e.low(0), e.high(0), e.low(1), e.high(1));
        for j in &some[n + 1..] {
            let f = &edges[*j as usize];
            if f.low(0) <= x1 && f.high(0) >= x0 && f.low(1) <= y1 && f.high(1) >= y0 {
                meet(edges, rings, *i.min(j), *i.max(j), found);
            }
        }
    }
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
pub(super) fn lies_in(inner: &[[f64; 2]], outer: &[[f64; 2]]) -> bool {
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
