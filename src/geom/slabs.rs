//! Areas of any combination of regions, by vertical slabs.
//!
//! Between two neighbouring x at which an edge ends or two edges cross, edges are ordered from bottom to top and each gap between two of them is one
//! trapezoid with one winding number for each tag. No topology is built and nothing can fail; a misordered near-tie costs as much area as the
//! tie is thick. Slower than [`overlay`](super::overlay), so it serves where that cannot: outlines that cross themselves, layers that overlap
//! themselves, and three regions at once.

/// An edge with x1 < x2, belonging to one of several overlaid regions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Left end.
    pub x1: f64,
    /// Left end.
    pub y1: f64,
    /// Right end.
    pub x2: f64,
    /// Right end.
    pub y2: f64,
    /// What crossing the edge upwards adds to the winding number: 1 where the ring runs left to right, else −1.
    pub step: i32,
    /// Which region.
    pub tag: u32,
}

impl Edge {
    /// The edge from `a` to `b`, or `None` where it is vertical and so bounds no trapezoid.
    #[must_use]
    pub fn between(a: [f64; 2], b: [f64; 2], tag: u32) -> Option<Self> {
        match a[0].partial_cmp(&b[0])? {
            std::cmp::Ordering::Less => Some(Self { x1: a[0], y1: a[1], x2: b[0], y2: b[1], step: 1, tag }),
            std::cmp::Ordering::Greater => Some(Self { x1: b[0], y1: b[1], x2: a[0], y2: a[1], step: -1, tag }),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// Height at `x`; exact at both ends.
    fn y(&self, x: f64) -> f64 {
        if x <= self.x1 {
            self.y1
        } else if x >= self.x2 {
            self.y2
        } else {
            self.y1 + (self.y2 - self.y1) * ((x - self.x1) / (self.x2 - self.x1))
        }
    }

    /// The part of the edge with `lo` ≤ x ≤ `hi`, if it has any length.
    #[must_use]
    pub fn clipped(&self, lo: f64, hi: f64) -> Option<Self> {
        let (x1, x2) = (self.x1.max(lo), self.x2.min(hi));
        (x1 < x2).then(|| Self { x1, y1: self.y(x1), x2, y2: self.y(x2), ..*self })
    }

    /// The x at which two edges properly cross, if they do.
    fn crossing(&self, other: &Self) -> Option<f64> {
        let (lo, hi) = (self.x1.max(other.x1), self.x2.min(other.x2));
        if lo >= hi {
            return None;
        }
        let (left, right) = (self.y(lo) - other.y(lo), self.y(hi) - other.y(hi));
        (left * right < 0.0).then(|| lo + (hi - lo) * (left / (left - right))).filter(|x| lo < *x && *x < hi)
    }
}

/// The number of edges up to which a strip is swept at once; above it the strip is halved.
const STRIP_EDGES: usize = 96;

/// Calls `visit` with the winding numbers (one for each tag) and the area in square metres of every trapezoid below the uppermost edge.
pub fn cells(edges: Vec<Edge>, tags: usize, visit: &mut dyn FnMut(&[i32], f64)) {
    let (lo, hi) = edges.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), edge| (lo.min(edge.x1), hi.max(edge.x2)));
    if lo < hi {
        halve(edges, lo, hi, &mut vec![0; tags], visit);
    }
}

/// Cuts the strip at the median end until it holds few edges or none ends within it.
fn halve(edges: Vec<Edge>, lo: f64, hi: f64, windings: &mut [i32], visit: &mut dyn FnMut(&[i32], f64)) {
    let mut ends: Vec<f64> = edges.iter().flat_map(|edge| [edge.x1, edge.x2]).filter(|x| lo < *x && *x < hi).collect();
    if edges.len() <= STRIP_EDGES || ends.len() < 2 {
        sweep(&edges, ends, lo, hi, windings, visit);
        return;
    }
    let middle = ends.len() / 2;
    let cut = *ends.select_nth_unstable_by(middle, f64::total_cmp).1;
    let left = edges.iter().filter_map(|edge| edge.clipped(lo, cut)).collect();
    let right = edges.iter().filter_map(|edge| edge.clipped(cut, hi)).collect();
    drop(edges);
    halve(left, lo, cut, windings, visit);
    halve(right, cut, hi, windings, visit);
}

/// Visits the trapezoids of one strip.
fn sweep(edges: &[Edge], mut xs: Vec<f64>, lo: f64, hi: f64, windings: &mut [i32], visit: &mut dyn FnMut(&[i32], f64)) {
    xs.extend([lo, hi]);
    for (i, edge) in edges.iter().enumerate() {
        let (bottom, top) = (edge.y1.min(edge.y2), edge.y1.max(edge.y2));
        xs.extend(edges[i + 1..].iter().filter(|other| other.y1.max(other.y2) >= bottom && other.y1.min(other.y2) <= top).filter_map(|other| edge.crossing(other)));
    }
    xs.sort_unstable_by(f64::total_cmp);
    xs.dedup();
    let mut stack: Vec<(f64, f64, i32, u32)> = Vec::with_capacity(edges.len());
    for slab in xs.windows(2) {
        let (left, right) = (slab[0], slab[1]);
        stack.clear();
        stack.extend(edges.iter().filter(|edge| edge.x1 <= left && right <= edge.x2).map(|edge| (edge.y(left), edge.y(right), edge.step, edge.tag)));
        stack.sort_unstable_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
        windings.fill(0);
        for pair in stack.windows(2) {
            windings[pair[0].3 as usize] += pair[0].2;
            let area = (right - left) * ((pair[1].0 - pair[0].0) + (pair[1].1 - pair[0].1)) / 2.0;
            visit(windings, area);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(ring: &[[f64; 2]], tag: u32) -> impl Iterator<Item = Edge> + '_ {
        ring.windows(2).filter_map(move |pair| Edge::between(pair[0], pair[1], tag))
    }

    /// Oracle: by hand; the lobes of this figure of eight are two triangles of 1 m² each.
    #[test]
    fn the_lobes_of_a_figure_of_eight_wind_opposite_ways() {
        let eight = [[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]];
        let (mut plus, mut minus) = (0.0, 0.0);
        cells(edges(&eight, 0).collect(), 1, &mut |w, area| match w[0] {
            1 => plus += area,
            -1 => minus += area,
            _ => {}
        });
        assert_eq!((plus, minus), (1.0, 1.0));
    }

    /// Oracle: by hand; squares of side 3, 3 and 2 whose common square has side 1.
    #[test]
    fn three_squares_share_what_they_share() {
        let square = |x: f64, y: f64, s: f64| [[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]];
        let all: Vec<_> = [square(0.0, 0.0, 3.0), square(1.0, 1.0, 3.0), square(2.0, 2.0, 2.0)].iter().enumerate().flat_map(|(tag, ring)| edges(ring, tag as u32).collect::<Vec<_>>()).collect();
        let (mut three, mut any) = (0.0, 0.0);
        cells(all, 3, &mut |w, area| {
            if w.iter().all(|w| *w > 0) {
                three += area;
            }
            if w.iter().any(|w| *w > 0) {
                any += area;
            }
        });
        assert_eq!((three, any), (1.0, 14.0));
    }
}
