//! The pieces of overlapping patches: ten thousand random groups against exact crossings, and groups on a grid against counted squares.

use super::rational::{self, Rings};
use super::shapes::Draw;
use super::{GOAL, region};
use rayon::prelude::*;
use std::collections::BTreeMap;
use tuban_geom::{Region, atoms};

/// Areas by the members whose ground it is and no other's, as bits.
type Pieces = BTreeMap<u16, f64>;

/// What the kernel says: each piece of the member with the lowest number that it lies in.
fn pieces(group: &[Region]) -> Pieces {
    let mut pieces = Pieces::new();
    for (number, own) in group.iter().enumerate() {
        let others: Vec<&Region> = group.iter().enumerate().filter(|(other, _)| *other != number).map(|(_, region)| region).collect();
        let mut sum = 0.0;
        for atom in atoms(own, &others) {
            sum += atom.region.area_m2();
            let bit = |other: u32| 1 << (other as usize + usize::from(other as usize >= number));
            let members = atom.others.iter().fold(1_u16 << number, |members, other| members | bit(*other));
            if members.trailing_zeros() as usize == number {
                pieces.insert(members, atom.region.area_m2());
            }
        }
        assert!((sum - own.area_m2()).abs() <= own.area_m2() * 1e-12, "the atoms of a patch sum to it: {sum} {}", own.area_m2());
    }
    pieces
}

/// Oracle: Green's theorem over the edges between crossings. Vertices are whole numbers, so that every crossing's place on its edge is an exact fraction and every
/// predicate exact; what is rounded is each fraction, once, and the sums. No edge may touch another one but by crossing it: `None`.
fn exactly(group: &[Vec<[i64; 2]>]) -> Option<Pieces> {
    let mut pieces = Pieces::new();
    for (number, ring) in group.iter().enumerate() {
        for edge in ring.windows(2) {
            let (a, d) = (edge[0], [edge[1][0] - edge[0][0], edge[1][1] - edge[0][1]]);
            let cross = |p: [i64; 2], q: [i64; 2]| i128::from(p[0]) * i128::from(q[1]) - i128::from(p[1]) * i128::from(q[0]);
            // Which others the edge begins in, and where on it that changes.
            let mut inside = 0_u16;
            let mut changes: Vec<([i128; 2], usize)> = Vec::new();
            for (other, around) in group.iter().enumerate().filter(|(other, _)| *other != number) {
                for wall in around.windows(2) {
                    let (p, e) = ([wall[0][0] - a[0], wall[0][1] - a[1]], [wall[1][0] - wall[0][0], wall[1][1] - wall[0][1]]);
                    let q = [p[0] + e[0], p[1] + e[1]];
                    let (from, to) = (cross(d, p), cross(d, q));
                    if from == 0 || to == 0 || p[1] == 0 || q[1] == 0 {
                        return None;
                    }
                    // A ray to the right of the edge's beginning.
                    if (p[1] < 0) != (q[1] < 0) {
                        let right = cross(p, e) * i128::from(e[1].signum());
                        if right == 0 {
                            return None;
                        }
                        inside ^= u16::from(right > 0) << other;
                    }
                    if (from < 0) == (to < 0) {
                        continue;
                    }
                    let (above, below) = (cross(p, e), cross(d, e));
                    let t = [above * below.signum(), below.abs()];
                    if t[0] == 0 || t[0] == t[1] {
                        return None;
                    }
                    if 0 < t[0] && t[0] < t[1] {
                        changes.push((t, other));
                    }
                }
            }
            changes.sort_by(|(t, _), (u, _)| (t[0] * u[1]).cmp(&(u[0] * t[1])));
            let twice = cross(a, d) as f64;
            let mut from = 0.0;
            for (t, other) in changes.iter().map(|(t, other)| (t[0] as f64 / t[1] as f64, Some(*other))).chain([(1.0, None)]) {
                let part = twice * (t - from) / 2.0;
                *pieces.entry(inside | 1 << number).or_default() += part;
                *pieces.entry(inside).or_default() -= part;
                from = t;
                inside ^= other.map_or(0, |other| 1 << other);
            }
        }
    }
    Some(pieces)
}

/// A star of whole numbers somewhere, counter-clockwise.
fn star(draw: &mut Draw, n: usize) -> Vec<[i64; 2]> {
    let (centre, radius) = ([draw.within(-900.0, 900.0), draw.within(-900.0, 900.0)], draw.within(250.0, 800.0));
    let ring = draw.star(centre, radius, n).remove(0);
    ring.iter().map(|at| [(at[0] * SCALE) as i64, (at[1] * SCALE) as i64]).collect()
}

/// Of the whole numbers, to a metre.
const SCALE: f64 = 512.0;

fn rings(ring: &[[i64; 2]]) -> Rings {
    vec![ring.iter().map(|at| at.map(|whole| whole as f64 / SCALE)).collect()]
}

/// A group of 2 to 12 patches of 5 to 12 vertices, and its exact pieces, m².
fn group(draw: &mut Draw) -> (Vec<Vec<[i64; 2]>>, Pieces) {
    loop {
        let members = 2 + draw.below(11);
        let group: Vec<_> = (0..members)
            .map(|_| {
                let n = 5 + draw.below(8);
                star(draw, n)
            })
            .collect();
        if let Some(exact) = exactly(&group) {
            return (group, exact.into_iter().map(|(members, area)| (members, area / (SCALE * SCALE))).collect());
        }
    }
}

#[test]
fn ten_thousand_groups_have_the_pieces_that_exact_crossings_give() {
    let worst = |error: f64, measured: f64, exact: f64, whole: f64| error.max((measured - exact).abs() / whole);
    let of_one = |seed: u64| -> [f64; 3] {
        let (group, exact) = group(&mut Draw::new(seed));
        let regions: Vec<Region> = group.iter().map(|ring| region(&rings(ring))).collect();
        let found = pieces(&regions);
        let whole: f64 = regions.iter().map(Region::area_m2).fold(0.0, f64::max);
        let mut error = 0.0;
        for (members, area) in exact.iter().filter(|(members, _)| **members != 0) {
            let measured = found.get(members).copied().unwrap_or(0.0);
            error = worst(error, measured, *area, whole);
            assert!(error <= GOAL, "{members:b} of {group:?}: {measured}, exactly {area}");
        }
        assert!(found.keys().all(|members| exact.contains_key(members)), "{group:?}");
        // Each piece once is the ground of all: minus what the oracle has for the ground of none.
        let union = worst(0.0, found.values().sum(), -exact[&0], -exact[&0]);
        assert!(union <= GOAL, "{group:?}");
        [error, union, found.len() as f64]
    };
    let most = |a: [f64; 3], b: [f64; 3]| [a[0].max(b[0]), a[1].max(b[1]), a[2].max(b[2])];
    let [piece, union, pieces] = (0..10_000).into_par_iter().map(of_one).reduce(|| [0.0; 3], most);
    println!("worst of a piece {piece:.2e}, of a union {union:.2e}; {pieces} pieces at most");
    assert!(pieces > 50.0, "groups of twelve have many pieces: {pieces}");
}

/// Oracle of the oracle: exact rational arithmetic, piece by piece.
#[test]
fn crossings_and_rationals_agree_on_groups() {
    let mut draw = Draw::new(11);
    let mut seen = 0;
    while seen < 12 {
        let group: Vec<Vec<[i64; 2]>> = (0..3).map(|_| star(&mut draw, 7)).collect();
        let Some(exact) = exactly(&group) else { continue };
        let all: Vec<Rings> = group.iter().map(|ring| rings(ring)).collect();
        let all: Vec<&Rings> = all.iter().collect();
        for (members, area) in exact.iter().filter(|(members, _)| **members != 0) {
            let area = area / (SCALE * SCALE);
            let rational = rational::area_m2(&all, |inside| inside.iter().enumerate().all(|(one, inside)| *inside == (members >> one & 1 == 1)));
            assert!((area - rational).abs() < 1e-6, "{members:b} of {group:?}: {area} {rational}");
        }
        seen += 1;
    }
}

/// Oracle: squares of a grid, counted. Steps of the same grid share edges and corners everywhere, which random groups never do.
#[test]
fn groups_on_a_grid_have_the_pieces_that_counting_gives() {
    const SIDE: usize = 12;
    let mut draw = Draw::new(12);
    for _ in 0..2_000 {
        let members = 2 + draw.below(5);
        // Columns of a skyline on a common ground level: x-monotone, so that any heights are a valid outline.
        let group: Vec<(usize, usize, Vec<usize>)> = (0..members)
            .map(|_| {
                let (x, y, width) = (draw.below(SIDE - 3), draw.below(SIDE - 3), 1 + draw.below(3));
                let heights = (0..width).map(|_| 1 + draw.below(SIDE - y - 1)).collect();
                (x, y, heights)
            })
            .collect();
        let mut counted: BTreeMap<u16, f64> = BTreeMap::new();
        for column in 0..SIDE {
            for row in 0..SIDE {
                let lies_in = |(x, y, heights): &(usize, usize, Vec<usize>)| {
                    column.checked_sub(*x).and_then(|at| heights.get(at)).is_some_and(|height| (*y..y + height).contains(&row))
                };
                let members = group.iter().enumerate().fold(0, |members, (one, shape)| members | u16::from(lies_in(shape)) << one);
                *counted.entry(members).or_default() += 6.25;
            }
        }
        counted.remove(&0);
        let regions: Vec<Region> = group
            .iter()
            .map(|(x, y, heights)| {
                let at = |x: usize, y: usize| [2.5 * x as f64, 2.5 * y as f64];
                let mut ring = vec![at(*x, *y), at(x + heights.len(), *y)];
                for (column, height) in heights.iter().enumerate().rev() {
                    ring.extend([at(x + column + 1, y + height), at(x + column, y + height)]);
                }
                ring.push(ring[0]);
                ring.dedup();
                Region::of_shell(ring)
            })
            .collect();
        assert_eq!(pieces(&regions), counted, "{group:?}");
    }
}
