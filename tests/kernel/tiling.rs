//! Layers that tile the ground, however large their members are and however they are cut: what they share with a patch sums to the patch.

use super::rational::Rings;
use super::shapes::Draw;
use super::{CLOSES, Worst, figure, rational, region};
use tuban_geom::{Coverage, CoverageBuilder, Figure, Region, parts, sum_m2};

fn coverage(members: &[Rings]) -> Coverage {
    let mut builder = CoverageBuilder::default();
    members.iter().for_each(|rings| {
        builder.push(&region(rings)).unwrap();
    });
    builder.finish().unwrap()
}

/// What the members share with a figure, added up; and what they cover, which must be the same.
fn shared_m2(layer: &Coverage, figure: &Figure) -> f64 {
    let hits = layer.hits(figure).unwrap();
    let sum = sum_m2(hits.iter().map(|hit| hit.area_m2));
    let covered = layer.covered_m2(figure, &hits).unwrap();
    assert!((sum - covered).abs() <= CLOSES * figure.area_m2(), "{sum} and {covered}");
    sum
}

/// Nine counties in a square of `size`, each border of `steps` edges drawn once for both sides.
fn counties(draw: &mut Draw, [x, y]: [f64; 2], size: f64, steps: usize) -> Vec<Rings> {
    const SIDE: usize = 3;
    let step = size / SIDE as f64;
    let nodes: Vec<Vec<[f64; 2]>> = (0..=SIDE)
        .map(|row| (0..=SIDE).map(|column| [x + step * (column as f64 + draw.within(-0.1, 0.1)), y + step * (row as f64 + draw.within(-0.1, 0.1))]).collect())
        .collect();
    // Never farther from the straight line than a fifth of the way to its nearer end, so that no two borders cross.
    let mut border = |from: [f64; 2], to: [f64; 2]| -> Vec<[f64; 2]> {
        let along = [to[0] - from[0], to[1] - from[1]];
        let between = (1..steps).map(|k| {
            let t = k as f64 / steps as f64;
            let off = 0.2 * t.min(1.0 - t) * draw.within(-1.0, 1.0);
            [from[0] + t * along[0] - off * along[1], from[1] + t * along[1] + off * along[0]]
        });
        std::iter::once(from).chain(between).chain([to]).collect()
    };
    let across: Vec<Vec<_>> = (0..=SIDE).map(|row| (0..SIDE).map(|column| border(nodes[row][column], nodes[row][column + 1])).collect()).collect();
    let upright: Vec<Vec<_>> = (0..SIDE).map(|row| (0..=SIDE).map(|column| border(nodes[row][column], nodes[row + 1][column])).collect()).collect();
    let county = |row: usize, column: usize| -> Rings {
        let back = |border: &[[f64; 2]]| border.iter().rev().copied().collect::<Vec<_>>();
        let sides = [across[row][column].clone(), upright[row][column + 1].clone(), back(&across[row + 1][column]), back(&upright[row][column])];
        let mut ring: Vec<[f64; 2]> = sides.iter().flat_map(|side| &side[..side.len() - 1]).copied().collect();
        ring.push(ring[0]);
        vec![ring]
    };
    (0..SIDE * SIDE).map(|number| county(number / SIDE, number % SIDE)).collect()
}

/// Counties of 30 km and 2 800 vertices, a hundred kilometres from the origin, and patches of ten metres up to a kilometre, most of them upon a border.
#[test]
fn counties_that_are_cut_sum_to_the_patch() {
    let (mut worst, mut draw) = (Worst::default(), Draw::new(81));
    let counties = counties(&mut draw, [60_000.0, -90_000.0], 90_000.0, 700);
    let layer = coverage(&counties);
    assert!(layer.overlaps().is_empty() && layer.vertices() > 9 * 2_800);
    for patch in 0..2_000 {
        let radius = [5.0, 60.0, 500.0][patch % 3];
        let at = if patch % 4 == 0 {
            [draw.within(80_000.0, 130_000.0), draw.within(-70_000.0, -20_000.0)]
        } else {
            // A vertex between the middle county and another.
            let border = &counties[4][0];
            let vertex = border[draw.below(border.len())];
            vertex.map(|value| value + draw.within(-0.5, 0.5) * radius)
        };
        let (n, small) = (4 + draw.below(30), draw.any(at, radius, 12));
        let patch = figure(&if patch % 2 == 0 { draw.star(at, radius, n) } else { small });
        let sum = shared_m2(&layer, &patch);
        assert!(worst.takes(sum, patch.area_m2(), patch.area_m2(), CLOSES), "{at:?}: {sum} of {}", patch.area_m2());
    }
}

/// A patch that is a member, or that runs along a border for a while.
#[test]
fn outlines_that_coincide_sum_to_the_patch() {
    let (mut worst, mut draw) = (Worst::default(), Draw::new(82));
    let counties = counties(&mut draw, [-45_000.0, 20_000.0], 90_000.0, 300);
    let layer = coverage(&counties);
    for (member, county) in counties.iter().enumerate() {
        let whole = figure(county);
        let hits = layer.hits(&whole).unwrap();
        assert_eq!(hits.iter().map(|hit| hit.member as usize).collect::<Vec<_>>(), [member]);
        assert!(worst.takes(hits[0].area_m2, whole.area_m2(), whole.area_m2(), CLOSES), "{member}");
    }
    let border = &counties[4][0];
    let middle = [border.iter().map(|at| at[0]).sum::<f64>() / border.len() as f64, border.iter().map(|at| at[1]).sum::<f64>() / border.len() as f64];
    for _ in 0..500 {
        let (first, length) = (draw.below(border.len() - 12), 2 + draw.below(10));
        let run = &border[first..first + length];
        let inwards = draw.within(0.001, 0.05);
        let back = run.iter().rev().map(|[x, y]| [x + (middle[0] - x) * inwards, y + (middle[1] - y) * inwards]);
        let strip = vec![run.iter().copied().chain(back).chain([run[0]]).collect::<Vec<_>>()];
        let Ok(checked) = tuban_geom::check(&tuban_geom::Outline::polygon(&strip)) else { continue };
        let strip = Figure::new(checked.region);
        let sum = shared_m2(&layer, &strip);
        assert!(worst.takes(sum, strip.area_m2(), strip.area_m2(), CLOSES), "{first} {length}: {sum} of {}", strip.area_m2());
    }
    for layer in 0..10 {
        let tiles = draw.tiles([9e4, -7e4], [10.0, 100.0, 1_000.0][layer % 3], 6);
        let layer = coverage(&tiles);
        for tile in &tiles {
            let tile = figure(tile);
            let hits = layer.hits(&tile).unwrap();
            assert!(hits.len() == 1 && worst.takes(hits[0].area_m2, tile.area_m2(), tile.area_m2(), CLOSES), "{hits:?} of {}", tile.area_m2());
        }
    }
}

/// A ∩ B = B ∩ A, of polygons so large that either is cut; and so when what is measured is taken in parts.
#[test]
fn an_overlap_of_polygons_that_are_cut_is_mutual() {
    let (mut worst, mut draw) = (Worst::default(), Draw::new(83));
    for pair in 0..30 {
        let far = [0.0, 1e5][pair % 2];
        let at = [far + draw.within(-1.0, 1.0), -far];
        let beside = at.map(|value| value + draw.within(-400.0, 400.0));
        let (n, m) = ([150, 400, 1_000][pair % 3], [90, 600][pair % 2]);
        let (a, b) = (draw.star(at, 500.0, n), if pair % 5 == 0 { draw.holed(beside, 300.0, m) } else { draw.star(beside, 300.0, m) });
        let (one, other) = (figure(&a), figure(&b));
        let (cut_a, cut_b) = (coverage(&[a]), coverage(&[b]));
        let smaller = one.area_m2().min(other.area_m2());
        let in_parts = |layer: &Coverage, whole: &Figure| sum_m2(parts(whole.region()).iter().map(|part| shared_m2(layer, part)));
        let expected = one.shared_m2(other.region().rings());
        for measured in [shared_m2(&cut_b, &one), shared_m2(&cut_a, &other), in_parts(&cut_b, &one), in_parts(&cut_a, &other)] {
            assert!(worst.takes(measured, expected, smaller, CLOSES), "{pair}: {measured} and {expected} of {smaller}");
        }
    }
}

/// What a figure in parts is measured to be: by two layers, of which one overlaps itself; and exactly. Oracle: exact arithmetic.
#[test]
fn parts_of_a_figure_share_what_the_whole_does() {
    let (mut worst, mut exactly, mut draw) = (Worst::default(), Worst::default(), Draw::new(84));
    for round in 0..12 {
        let far = [0.0, 1e5][round % 2];
        let at = [far, far];
        let rings = if round % 3 == 0 { draw.holed(at, 100.0, 40) } else { draw.star(at, 100.0, 90) };
        let whole = figure(&rings);
        let pieces = parts(whole.region());
        assert!(pieces.len() > 1);
        let tiles = draw.tiles([far - 60.0, far - 90.0], 120.0, 3);
        let members: Vec<Rings> = (0..3)
            .map(|_| {
                let at = [far + draw.within(-60.0, 60.0), far];
                draw.star(at, 60.0, 9)
            })
            .collect();
        let (one, two) = (coverage(&members), coverage(&tiles));
        let both = |figure: &Figure| one.covered_by_both_m2(figure, &one.hits(figure).unwrap(), &two, &two.hits(figure).unwrap()).unwrap();
        let covered = |figure: &Figure| one.covered_m2(figure, &one.hits(figure).unwrap()).unwrap();
        let area = whole.area_m2();
        let sum = |of: &dyn Fn(&Figure) -> f64| sum_m2(pieces.iter().map(of));
        assert!(worst.takes(sum(&covered), covered(&whole), area, CLOSES) && worst.takes(sum(&both), both(&whole), area, CLOSES), "{round}");
        assert!(worst.takes(sum(&Figure::area_m2), area, area, CLOSES), "{round}");
        if round < 2 {
            let ground: Vec<&Rings> = std::iter::once(&rings).chain(&members).collect();
            let exact = rational::area_m2(&ground, |inside| inside[0] && inside[1..].contains(&true));
            assert!(exactly.takes(sum(&covered), exact, area, CLOSES), "{round}: {} for {exact}", sum(&covered));
        }
    }
}

/// Neighbours of a figure in parts share nothing with any part, though cutting moves its border by last bits.
#[test]
fn neighbours_of_a_figure_in_parts_share_nothing() {
    let mut draw = Draw::new(85);
    let (mut pairs, mut leaks) = (0, 0);
    for far in [0.0, 100.0, 1e5] {
        let holed = draw.holed([far, -far], 500.0, 400);
        let hole = &holed[1];
        let layer = coverage(&(0..400).map(|k| vec![vec![hole[k], hole[k + 1], [far, -far], hole[k]]]).collect::<Vec<_>>());
        for part in parts(&region(&holed)) {
            pairs += 400;
            leaks += layer.hits(&part).unwrap().len();
        }
    }
    assert_eq!(leaks, 0, "of {pairs}");
}

/// The bridges that cutting leaves are no ground: a part's own area is what its rings enclose. Oracle: exact arithmetic.
#[test]
fn the_area_of_a_part_is_exact() {
    let (mut worst, mut draw) = (Worst::default(), Draw::new(86));
    let whole: Region = region(&draw.comb([1e5, 0.0], [900.0, 300.0], 60));
    for part in parts(&whole) {
        let rings: Rings = part.region().rings().map(<[_]>::to_vec).collect();
        let exact = rational::own_m2(&rings);
        assert!(worst.takes(part.area_m2(), exact, exact, CLOSES));
    }
}
