//! Cutting a large region into small pieces by halving its box with straight lines.
//!
//! A ring clipped by a line stays one ring: where it left the kept side it comes back along the line. Such bridges run to and fro over the same ground
//! and cancel in every sum over edges, so no topology is needed.

use crate::geom::{Bounds, Region, plane::twice_signed_area};

/// Pieces have at most so many vertices, where halving can reach that.
pub const PIECE_VERTICES: usize = 64;

/// Halvings after which a piece is taken as it is: a thousand vertices in one place cannot be parted.
const DEPTH: u32 = 40;

type Ring = Vec<[f64; 2]>;

/// Calls `take` with the rings of each piece of `region`.
pub(super) fn cut(region: &Region, take: &mut dyn FnMut(&[Ring])) {
    let rings: Vec<Ring> = region.rings().map(<[_]>::to_vec).collect();
    let bounds = region.bounds();
    halve(&rings, bounds, 0, take);
}

fn halve(rings: &[Ring], cell: Bounds, depth: u32, take: &mut dyn FnMut(&[Ring])) {
    let vertices: usize = rings.iter().map(Vec::len).sum();
    if vertices <= PIECE_VERTICES || depth >= DEPTH {
        if vertices > 0 {
            take(rings);
        }
        return;
    }
    let axis = better_axis(rings, &cell);
    let at = middle(&cell, axis);
    for above in [false, true] {
        let mut half = cell;
        if above {
            half.min[axis] = at;
        } else {
            half.max[axis] = at;
        }
        let kept: Vec<Ring> = rings.iter().filter_map(|ring| clip_ring(ring, axis, at, above)).collect();
        if let Some(kept) = settle(kept, &half) {
            // The next halving starts from what is there, not from the cell, so that empty ground costs no depth.
            let bounds = kept.iter().map(|ring| Bounds::of(ring)).fold(Bounds::EMPTY, |all, one| all.union(&one));
            halve(&kept, bounds, depth + 1, take);
        }
    }
}

/// The part of a closed ring on one side of the line where coordinate `axis` is `at` (Sutherland and Hodgman), or `None` where nothing is left.
#[must_use]
pub fn clip_ring(ring: &[[f64; 2]], axis: usize, at: f64, above: bool) -> Option<Vec<[f64; 2]>> {
    let keeps = |position: &[f64; 2]| if above { position[axis] >= at } else { position[axis] <= at };
    let mut kept: Ring = Vec::with_capacity(ring.len());
    let push = |kept: &mut Ring, position: [f64; 2]| {
        if kept.last() != Some(&position) {
            kept.push(position);
        }
    };
    for pair in ring.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if keeps(&from) {
            push(&mut kept, from);
        }
        if keeps(&from) != keeps(&to) && from[axis] != at && to[axis] != at {
            let t = (at - from[axis]) / (to[axis] - from[axis]);
            let other = 1 - axis;
            let mut cut = [at; 2];
            cut[other] = from[other] + t * (to[other] - from[other]);
            push(&mut kept, cut);
        }
    }
    drop_bridges(&mut kept, axis, at);
    if kept.len() < 3 {
        return None;
    }
    kept.push(kept[0]);
    Some(kept)
}

/// Drops the middle one of three positions in a row on the cutting line: what runs along it encloses nothing.
fn drop_bridges(ring: &mut Ring, axis: usize, at: f64) {
    let on = |position: &[f64; 2]| position[axis] == at;
    let mut kept: Ring = Vec::with_capacity(ring.len());
    for position in ring.iter() {
        while let [.., before, last] = kept[..] {
            if on(&before) && on(&last) && on(position) {
                kept.pop();
            } else {
                break;
            }
        }
        kept.push(*position);
    }
    *ring = kept;
}

fn middle(cell: &Bounds, axis: usize) -> f64 {
    f64::midpoint(cell.min[axis], cell.max[axis])
}

/// Across the longer side of the cell, so that pieces are compact; unless far fewer edges are cut the other way, as between the teeth of a comb.
fn better_axis(rings: &[Ring], cell: &Bounds) -> usize {
    let [width, height] = [cell.max[0] - cell.min[0], cell.max[1] - cell.min[1]];
    let longer = usize::from(height > width);
    let cuts = |axis: usize| {
        let at = middle(cell, axis);
        rings.iter().flat_map(|ring| ring.windows(2)).filter(|pair| (pair[0][axis] < at) != (pair[1][axis] < at)).count()
    };
    if cuts(longer) > 8 + 4 * cuts(1 - longer) { 1 - longer } else { longer }
}

/// Drops rings without area; a cell that is wholly covered becomes its rectangle.
fn settle(mut rings: Vec<Ring>, cell: &Bounds) -> Option<Vec<Ring>> {
    let on_border = |position: &[f64; 2]| (0..2).any(|axis| position[axis] == cell.min[axis] || position[axis] == cell.max[axis]);
    rings.retain(|ring| twice_signed_area(ring) != 0.0);
    if rings.is_empty() {
        return None;
    }
    if rings.iter().all(|ring| ring.iter().all(on_border)) {
        let area = rings.iter().map(|ring| twice_signed_area(ring)).sum::<f64>() / 2.0;
        let full = (cell.max[0] - cell.min[0]) * (cell.max[1] - cell.min[1]);
        if (area - full).abs() <= full * 1e-12 {
            let [[x0, y0], [x1, y1]] = [cell.min, cell.max];
            return Some(vec![vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]);
        }
    }
    Some(rings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A star of `n` vertices around the origin with a square hole.
    fn star(n: u32) -> Region {
        let mut region = Region::default();
        let at = |k: u32| {
            let angle = std::f64::consts::TAU * f64::from(k) / f64::from(n);
            let radius = if k.is_multiple_of(2) { 1000.0 } else { 700.0 + f64::from(k * 7 % 100) };
            [radius * angle.cos(), radius * angle.sin()]
        };
        region.push((0..=n).map(|k| at(k % n)), true);
        region.push([[-50.0, -50.0], [50.0, -50.0], [50.0, 50.0], [-50.0, 50.0], [-50.0, -50.0]].into_iter(), false);
        region
    }

    #[test]
    fn the_pieces_sum_to_the_whole_and_are_small() {
        for n in [10, 100, 5_000, 20_000] {
            let region = star(n);
            let (mut sum, mut largest) = (0.0, 0);
            cut(&region, &mut |rings| {
                sum += rings.iter().map(|ring| twice_signed_area(ring)).sum::<f64>() / 2.0;
                largest = largest.max(rings.iter().map(Vec::len).sum::<usize>());
            });
            assert!((sum - region.area_m2()).abs() < region.area_m2() * 1e-12, "{n}: {sum} {}", region.area_m2());
            assert!(largest <= PIECE_VERTICES, "{n}: {largest}");
        }
    }
}
