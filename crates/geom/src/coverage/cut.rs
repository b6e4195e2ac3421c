//! Cutting a large region into small pieces by halving its box with straight lines.
//!
//! A ring clipped by a line stays one ring: where it left the kept side it comes back along the line. Such bridges run to and fro over the same ground
//! and cancel in every sum over edges, so no topology is needed.
//!
//! Each edge that a line meets becomes two. Where many long edges run side by side at a slant, every line meets most of them whichever way it runs, and halving
//! on would make thousands of vertices of each one. So a region has an allowance for what halving adds, and each half gets its share of what is left: what
//! would need more stays as it is, large.

use crate::{Bounds, Figure, Region, plane::twice_signed_area};

/// Pieces have at most so many vertices, where halving can reach that.
pub const PIECE_VERTICES: usize = 64;

/// Halvings after which a piece is taken as it is: a thousand vertices in one place cannot be parted.
const DEPTH: u32 = 40;

type Ring = Vec<[f64; 2]>;

/// Vertices that halving may add, for each vertex of the region and for any region.
const ADDED: [usize; 2] = [7, 256];

/// Calls `take` with the rings of each piece of `region`; of n vertices together at most (1 + `ADDED[0]`)·n + `ADDED[1]`.
pub(super) fn cut(region: &Region, take: &mut dyn FnMut(&[Ring])) {
    let rings: Vec<Ring> = region.rings().map(<[_]>::to_vec).collect();
    let allowance = ADDED[0] * vertices_of(&rings) + ADDED[1];
    halve(Piece { rings, cell: region.bounds(), allowance }, 0, take);
}

/// A region in parts that are as small as pieces: what a part shares with anything is found fast, and what all parts share sums to what the region does.
#[must_use]
pub fn parts(region: &Region) -> Vec<Figure> {
    let mut parts = Vec::new();
    cut(region, &mut |rings: &[Ring]| parts.push(Figure::part(Region::of_rings(rings.iter().map(Vec::as_slice)))));
    parts
}

/// What is to be cut: some rings, the box around them, and the vertices that cutting them may add.
struct Piece {
    rings: Vec<Ring>,
    cell: Bounds,
    allowance: usize,
}

fn vertices_of(rings: &[Ring]) -> usize {
    rings.iter().map(Vec::len).sum()
}

fn halve(piece: Piece, depth: u32, take: &mut dyn FnMut(&[Ring])) {
    let vertices = vertices_of(&piece.rings);
    if vertices <= PIECE_VERTICES || depth >= DEPTH {
        if vertices > 0 {
            take(&piece.rings);
        }
        return;
    }
    let axis = better_axis(&piece.rings, &piece.cell);
    let halves = [false, true].map(|above| half(&piece, axis, above));
    let halved = halves.each_ref().map(|rings| vertices_of(rings));
    let together = halved[0] + halved[1];
    let Some(left) = (piece.allowance + vertices).checked_sub(together) else {
        take(&piece.rings);
        return;
    };
    // Only what is still to be cut stays in memory.
    drop(piece);
    for (rings, vertices) in halves.into_iter().zip(halved) {
        // The next halving starts from what is there, not from the cell, so that empty ground costs no depth.
        let cell = rings.iter().map(|ring| Bounds::of(ring)).fold(Bounds::EMPTY, |all, one| all.union(&one));
        halve(Piece { rings, cell, allowance: (left as u128 * vertices as u128 / together.max(1) as u128) as usize }, depth + 1, take);
    }
}

/// What of a piece lies below or above the middle of its box.
fn half(piece: &Piece, axis: usize, above: bool) -> Vec<Ring> {
    let at = middle(&piece.cell, axis);
    let mut half = piece.cell;
    if above {
        half.min[axis] = at;
    } else {
        half.max[axis] = at;
    }
    settle(piece.rings.iter().filter_map(|ring| clip_ring(ring, axis, at, above)).collect(), &half)
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
    // One more, for the position that will close it.
    let mut kept: Ring = Vec::with_capacity(ring.len() + 1);
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
fn settle(mut rings: Vec<Ring>, cell: &Bounds) -> Vec<Ring> {
    let on_border = |position: &[f64; 2]| (0..2).any(|axis| position[axis] == cell.min[axis] || position[axis] == cell.max[axis]);
    rings.retain(|ring| twice_signed_area(ring) != 0.0);
    if !rings.is_empty() && rings.iter().all(|ring| ring.iter().all(on_border)) {
        let area = rings.iter().map(|ring| twice_signed_area(ring)).sum::<f64>() / 2.0;
        let full = (cell.max[0] - cell.min[0]) * (cell.max[1] - cell.min[1]);
        if (area - full).abs() <= full * 1e-12 {
            let [[x0, y0], [x1, y1]] = [cell.min, cell.max];
            return vec![vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]];
        }
    }
    rings
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
            let (mut sum, mut largest, mut vertices) = (0.0, 0, 0);
            cut(&region, &mut |rings| {
                sum += rings.iter().map(|ring| twice_signed_area(ring)).sum::<f64>() / 2.0;
                largest = largest.max(vertices_of(rings));
                vertices += vertices_of(rings);
            });
            assert!((sum - region.area_m2()).abs() < region.area_m2() * 1e-12, "{n}: {sum} {}", region.area_m2());
            // The spikes of the larger ones lie too close to be parted by the vertices that may be added.
            assert!(n > 100 || largest <= PIECE_VERTICES, "{n}: {largest}");
            assert!(vertices <= 8 * region.vertices() + 256, "{n}: {vertices}");
        }
    }
}
