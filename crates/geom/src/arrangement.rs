//! The arrangement of overlapping regions: the ground of one of them in parts, each of which lies in the very same ones of the others.
//!
//! 1. [`slabs`] cuts the ground into trapezoids that no edge passes, with the winding number of every region.
//! 2. Trapezoids of the same regions that follow each other, left to right, become one ring: x-monotone, without the vertices that lie on an edge.
//! 3. The rings of the same regions are an [`Atom`]. Its rings touch along upright lines, which bound nothing in a sum over edges, so that it is
//!    measured against layers like any other region.
//!
//! Nothing can fail, and shapes are as exact as doubles: crossings are rounded, vertices are not. The atoms of a region sum to it but for that.
//! Cost: that of the slabs, O(n²) for n edges that all cross each other.

use super::slabs::{self, Edge, Ground, Trapezoid};
use super::{Bounds, Region};
use hashbrown::HashMap;
use smallvec::SmallVec;

/// Ground of a region that lies in the same ones of its neighbours.
#[derive(Debug, Clone, PartialEq)]
pub struct Atom {
    /// Which neighbours it lies in, ascending; none of them where it is empty.
    pub others: SmallVec<[u32; 4]>,
    /// The ground, in rings that touch but never overlap.
    pub region: Region,
}

/// The ground of `own` by the others it lies in: disjoint atoms that sum to it, in the order of those numbers.
#[must_use]
pub fn atoms(own: &Region, others: &[&Region]) -> Vec<Atom> {
    let bounds = own.bounds();
    let mut edges = Vec::new();
    slabs::push_rings(&mut edges, &bounds, own.rings(), 0);
    for (other, tag) in others.iter().zip(1..) {
        slabs::push_rings(&mut edges, &bounds, other.rings(), tag);
    }
    let mut parts = Parts { windings: vec![0; others.len() + 1], open: HashMap::default() };
    slabs::walk(edges, &mut parts);
    let mut atoms: Vec<Atom> = parts.open.into_iter().map(|(others, strands)| Atom { others, region: strands.region(&bounds) }).collect();
    atoms.sort_unstable_by(|a, b| a.others.cmp(&b.others));
    atoms
}

/// Numbers of neighbours, ascending.
type Members = SmallVec<[u32; 4]>;

/// The atoms as the walk has found them so far.
struct Parts {
    windings: Vec<i32>,
    open: HashMap<Members, Strands, foldhash::fast::FixedState>,
}

impl Ground for Parts {
    fn cross(&mut self, tag: u32, step: i32) {
        self.windings[tag as usize] += step;
    }

    fn take(&mut self, _: f64, _: Option<&Edge>) {}

    fn take_trapezoid(&mut self, trapezoid: &Trapezoid<'_>) {
        let Some((own, others)) = self.windings.split_first() else { return };
        if *own <= 0 || trapezoid.area_m2() <= 0.0 {
            return;
        }
        let members: Members = (0..).zip(others).filter(|(_, winding)| **winding > 0).map(|(other, _)| other).collect();
        self.open.entry(members).or_default().take(trapezoid);
    }
}

/// The rings of one atom.
#[derive(Default)]
struct Strands {
    growing: Vec<Strand>,
    done: Vec<Strand>,
}

/// An x-monotone ring that may grow to the right.
struct Strand {
    /// From left to right.
    under: Vec<[f64; 2]>,
    /// From left to right.
    over: Vec<[f64; 2]>,
    /// The edges that its right ends lie on.
    edges: [Option<Edge>; 2],
}

impl Strands {
    fn take(&mut self, trapezoid: &Trapezoid<'_>) {
        let Trapezoid { x, under, over, .. } = trapezoid;
        let ends = [[x[0], under[0]], [x[0], over[0]]];
        if let Some(strand) = self.growing.iter_mut().find(|strand| strand.ends() == ends.map(Some)) {
            strand.grow(trapezoid);
            return;
        }
        // What ends left of here grows no more.
        let (growing, done) = std::mem::take(&mut self.growing).into_iter().partition(|strand| strand.under.last().is_some_and(|end| end[0] >= x[0]));
        self.growing = growing;
        self.done.extend::<Vec<Strand>>(done);
        self.growing.push(Strand {
            under: vec![[x[0], under[0]], [x[1], under[1]]],
            over: vec![[x[0], over[0]], [x[1], over[1]]],
            edges: [trapezoid.on.copied(), trapezoid.below.copied()],
        });
    }

    /// The rings as a region, moved from the frame of `bounds`.
    fn region(self, bounds: &Bounds) -> Region {
        let [x0, y0] = bounds.min;
        let rings: Vec<Vec<[f64; 2]>> = self
            .done
            .into_iter()
            .chain(self.growing)
            .map(|strand| {
                let first = strand.under.first().copied();
                let around = strand.under.into_iter().chain(strand.over.into_iter().rev()).chain(first);
                around.map(|at| [at[0] + x0, at[1] + y0]).collect()
            })
            .collect();
        Region::of_rings(rings.iter().map(Vec::as_slice))
    }
}

impl Strand {
    fn ends(&self) -> [Option<[f64; 2]>; 2] {
        [self.under.last().copied(), self.over.last().copied()]
    }

    fn grow(&mut self, trapezoid: &Trapezoid<'_>) {
        let Trapezoid { x, under, over, on, below } = trapezoid;
        for (line, y, edge, last) in [(&mut self.under, under[1], on, 0), (&mut self.over, over[1], below, 1)] {
            let end = [x[1], y];
            // On along the same edge there is no vertex.
            match line.last_mut() {
                Some(at) if self.edges[last] == edge.copied() => *at = end,
                _ => line.push(end),
            }
            self.edges[last] = edge.copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64, side: f64) -> Region {
        Region::of_shell(vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]])
    }

    /// Oracle: by hand; a square of side 3 and its neighbours moved by (1, 1) and (2, 2).
    #[test]
    fn three_squares_part_the_first_into_three() {
        let [own, one, two] = [square(0.0, 0.0, 3.0), square(1.0, 1.0, 3.0), square(2.0, 2.0, 3.0)];
        let found: Vec<(Vec<u32>, f64)> = atoms(&own, &[&one, &two]).into_iter().map(|atom| (atom.others.to_vec(), atom.region.area_m2())).collect();
        assert_eq!(found, [(vec![], 5.0), (vec![0], 3.0), (vec![0, 1], 1.0)]);
    }

    /// Oracle: by hand; a neighbour that covers the left half of a square, edge on edge, leaves two rectangles of four vertices each.
    #[test]
    fn atoms_have_no_vertices_but_those_of_edges() {
        let own = square(10.0, 20.0, 4.0);
        let half = Region::of_shell(vec![[10.0, 20.0], [12.0, 20.0], [12.0, 24.0], [10.0, 24.0], [10.0, 20.0]]);
        let found: Vec<(usize, f64)> = atoms(&own, &[&half]).iter().map(|atom| (atom.region.vertices(), atom.region.area_m2())).collect();
        assert_eq!(found, [(5, 8.0), (5, 8.0)]);
    }
}
