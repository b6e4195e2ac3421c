//! Permanent basic farmland: neighbouring farmland parcels taken together. What two parcels of a group share is cancelled,
//! edge against edge, and the remaining edges are walked into rings; so the outlines are the parcels' own, to the digit.

use super::counties::Counties;
use super::ground::{Point, Ring, contains, cross, doubled_area, measure};
use super::noise::{Dice, Relief, Topic};
use super::parcels::{Parcel, Parcels};
use super::terrain::is_farmland;
use super::write::{Layer, Progress, Shape, Sheet, Value};
use super::{DemoFile, files};
use std::io;

/// A directed edge; the ground it bounds lies to its left.
type Edge = (Point, Point);

/// Writes about `wanted` groups.
pub(super) fn write(seed: u64, parcels: &Parcels, counties: &Counties, wanted: usize, sheet: &Sheet, progress: Progress) -> io::Result<DemoFile> {
    let groups = groups(seed, parcels.blocks(), wanted);
    let total = groups.chunk_by(|a, b| a.0 == b.0).count() as u64;
    let mut layer = Layer::create(sheet, files::BASIC_FARMLAND, "永久基本农田", total, progress)?;
    let mut numbers = vec![0_u32; counties.list.len()];
    let (mut batch, mut edges) = (Vec::new(), Vec::new());
    for group in groups.chunk_by(|a, b| a.0 == b.0) {
        edges.clear();
        let mut areas = vec![0.0; counties.list.len()];
        for &(_, block) in group {
            parcels.block(block % parcels.blocks(), block / parcels.blocks(), &mut batch);
            let mut dice = Dice::new(seed, Topic::BasicFarmland, 1 + block as u64);
            for parcel in batch.drain(..).filter(|parcel| is_farmland(parcel.class)) {
                // Some fields were left out when the line was drawn.
                if dice.chance(0.97) {
                    take(&parcel, counties, &mut edges, &mut areas);
                }
            }
        }
        let mut polygons = dissolve(&mut edges);
        keep_large(&mut polygons);
        let county = (0..areas.len()).fold(0, |best, k| if areas[k] > areas[best] { k } else { best });
        let shape = match polygons.len() {
            0 => continue,
            1 => Shape::Polygon(polygons.remove(0)),
            _ => Shape::MultiPolygon(polygons),
        };
        numbers[county] += 1;
        let code = counties.list[county].code;
        let number = format!("{code}YN{:06}", numbers[county]);
        layer.feature(&[("YJJBNTBH", Value::Text(&number)), ("XZQDM", Value::Text(code))], &shape)?;
    }
    layer.finish()
}

/// Leaves out what is less than a fifth of the largest polygon: nobody drew lines around single fields.
fn keep_large(polygons: &mut Vec<Vec<Ring>>) {
    let largest = polygons.iter().map(|rings| doubled_area(&rings[0])).max().unwrap_or(0);
    polygons.retain(|rings| doubled_area(&rings[0]) * 5 >= largest);
}

/// Adds a parcel's edges, and its area to its county's share.
fn take(parcel: &Parcel, counties: &Counties, edges: &mut Vec<Edge>, areas: &mut [f64]) {
    if let Some(m) = measure(&parcel.rings) {
        areas[counties.locate(m.lon, m.lat).unwrap_or(0)] += m.area_m2;
    }
    for ring in &parcel.rings {
        edges.extend(ring.windows(2).map(|pair| (pair[0], pair[1])));
        edges.extend(ring.last().copied().zip(ring.first().copied()));
    }
}

/// (group, block) in order of groups. Blocks go to the nearest of a net of shifted sites, as a rough wind bends the
/// distances; a broad noise leaves whole stretches unprotected.
fn groups(seed: u64, side: usize, wanted: usize) -> Vec<(usize, usize)> {
    let mut dice = Dice::new(seed, Topic::BasicFarmland, 0);
    let (rough, bare) = (Relief::new(&mut dice, 40.0, 2), Relief::new(&mut dice, 5.0, 3));
    let sites = ((wanted as f64 * 1.22).sqrt().round() as usize).clamp(1, side);
    let shifts: Vec<(f64, f64)> = (0..sites * sites).map(|_| (dice.range(0.1, 0.9), dice.range(0.1, 0.9))).collect();
    let mut groups = Vec::with_capacity(side * side);
    for block in 0..side * side {
        let (u, v) = (((block % side) as f64 + 0.5) / side as f64, ((block / side) as f64 + 0.5) / side as f64);
        if bare.at(u, v) > 0.55 {
            continue;
        }
        let bend = rough.at(u, v) * 0.5;
        let (x, y) = (u * sites as f64 + bend, v * sites as f64 - bend);
        let (column, row) = (x.max(0.0) as usize, y.max(0.0) as usize);
        let mut nearest = (f64::INFINITY, 0);
        for j in row.saturating_sub(1)..(row + 2).min(sites) {
            for i in column.saturating_sub(1)..(column + 2).min(sites) {
                let (dx, dy) = shifts[j * sites + i];
                let (east, north) = (i as f64 + dx - x, j as f64 + dy - y);
                let distance = east * east + north * north;
                if distance < nearest.0 {
                    nearest = (distance, j * sites + i);
                }
            }
        }
        groups.push((nearest.1, block));
    }
    groups.sort_unstable();
    groups
}

/// Unites parcels, given by all their edges: 1. cancel edges that run both ways; 2. walk the rest, always keeping to the
/// same piece of ground; 3. cut a walk where it touches itself; 4. give each hole to the smallest shell around it.
/// O(n log n) but for the last step, which is holes × shells.
fn dissolve(edges: &mut Vec<Edge>) -> Vec<Vec<Ring>> {
    cancel(edges);
    let (holes, shells): (Vec<Ring>, Vec<Ring>) = walk(edges).into_iter().partition(|ring| doubled_area(ring) < 0);
    let sizes: Vec<i128> = shells.iter().map(|shell| doubled_area(shell)).collect();
    let mut polygons: Vec<Vec<Ring>> = shells.into_iter().map(|shell| vec![shell]).collect();
    for hole in holes {
        // A position where only one ring passes cannot lie on a shell.
        let lone = hole.iter().copied().find(|&point| leaving(edges, point).len() == 1).unwrap_or(hole[0]);
        let around = (0..polygons.len()).filter(|&k| contains(&polygons[k][0], lone)).min_by_key(|&k| sizes[k]);
        if let Some(k) = around {
            polygons[k].push(hole);
        }
    }
    polygons
}

/// Removes edges that occur in both directions; leaves the rest in order of their start.
fn cancel(edges: &mut Vec<Edge>) {
    let line = |&(a, b): &Edge| (a.min(b), a.max(b));
    edges.sort_unstable_by_key(line);
    let mut kept = 0;
    let mut at = 0;
    while at < edges.len() {
        if at + 1 < edges.len() && line(&edges[at]) == line(&edges[at + 1]) {
            at += 2;
        } else {
            edges[kept] = edges[at];
            kept += 1;
            at += 1;
        }
    }
    edges.truncate(kept);
    edges.sort_unstable();
}

/// The places in `edges` of those that leave `from`.
fn leaving(edges: &[Edge], from: Point) -> std::ops::Range<usize> {
    let first = edges.partition_point(|edge| edge.0 < from);
    let count = edges[first..].iter().take_while(|edge| edge.0 == from).count();
    first..first + count
}

/// Walks every edge once; returns simple rings.
fn walk(edges: &[Edge]) -> Vec<Ring> {
    let mut used = vec![false; edges.len()];
    let mut rings = Vec::new();
    for start in 0..edges.len() {
        let (mut ring, mut pinches) = (Ring::new(), Vec::<usize>::new());
        let mut at = start;
        while !used[at] {
            used[at] = true;
            let (from, to) = edges[at];
            if leaving(edges, from).len() > 1 {
                if let Some(k) = pinches.iter().rposition(|&place| ring[place] == from) {
                    rings.push(ring.split_off(pinches[k]));
                    pinches.truncate(k);
                }
                pinches.push(ring.len());
            }
            ring.push(from);
            let next = leaving(edges, to).reduce(|a, b| if sooner(to, from, edges[a].1, edges[b].1) { a } else { b });
            let Some(next) = next else { break };
            at = next;
        }
        if ring.len() > 2 {
            rings.push(ring);
        }
    }
    rings
}

/// Whether, turning clockwise at `hub` from the direction of `from`, `a` is met before `b`. The ground lies to the left of
/// the edge that came from `from`, so the first edge met bounds the same piece of ground.
fn sooner(hub: Point, from: Point, a: Point, b: Point) -> bool {
    let (early_a, early_b) = (cross(hub, from, a) < 0, cross(hub, from, b) < 0);
    if early_a == early_b { cross(hub, a, b) < 0 } else { early_a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: i64, y: i64) -> Vec<Edge> {
        let corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)].map(|(x, y)| Point { x, y });
        (0..4).map(|k| (corners[k], corners[(k + 1) % 4])).collect()
    }

    fn united(squares: &[(i64, i64)]) -> Vec<Vec<Ring>> {
        dissolve(&mut squares.iter().flat_map(|&(x, y)| square(x, y)).collect())
    }

    #[test]
    fn squares_that_touch_at_a_corner_stay_two_shells() {
        let polygons = united(&[(0, 0), (1, 1)]);
        assert_eq!(polygons.len(), 2);
        assert!(polygons.iter().all(|rings| rings.len() == 1 && rings[0].len() == 4));
    }

    #[test]
    fn a_ring_of_squares_has_one_hole() {
        let ring: Vec<(i64, i64)> = (0..9).filter(|k| *k != 4).map(|k| (k % 3, k / 3)).collect();
        let polygons = united(&ring);
        assert_eq!(polygons.len(), 1);
        assert_eq!(polygons[0].iter().map(|ring| doubled_area(ring)).collect::<Vec<_>>(), [18, -2]);
    }

    #[test]
    fn a_hole_that_touches_the_shell_at_a_corner_is_a_ring_of_its_own() {
        // Three by three without the middle and without one corner: the hole touches the shell there.
        let touching: Vec<(i64, i64)> = (0..9).filter(|k| *k != 4 && *k != 8).map(|k| (k % 3, k / 3)).collect();
        let polygons = united(&touching);
        assert_eq!(polygons.len(), 1);
        assert_eq!(polygons[0].iter().map(|ring| doubled_area(ring)).collect::<Vec<_>>(), [16, -2]);
    }
}
