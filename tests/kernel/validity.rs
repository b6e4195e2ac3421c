//! Outlines that are wrong, and what must become of them.

use super::rational::{self, Rings};
use super::shapes::Draw;
use super::{GOAL, Worst};
use proptest::prelude::*;
use tuban_geom::{Checked, DefectKind, Fault, Outline, Unacceptable, check, dispute, unite};

type Ring = Vec<[f64; 2]>;

fn ring(positions: &[[i32; 2]]) -> Ring {
    positions.iter().chain(&positions[..1]).map(|at| at.map(f64::from)).collect()
}

fn square(x: i32, y: i32, side: i32) -> Ring {
    ring(&[[x, y], [x + side, y], [x + side, y + side], [x, y + side]])
}

fn parts(parts: &[&[Ring]]) -> Outline {
    let mut outline = Outline { multi: true, ..Outline::default() };
    for rings in parts {
        rings.iter().for_each(|ring| outline.push_ring(ring));
        outline.end_part();
    }
    outline
}

/// The area and the kinds of defects, or the fault.
fn judged(outline: &Outline) -> Result<(f64, Vec<DefectKind>), Fault> {
    check(outline).map(|Checked { region, defects }| (region.area_m2(), defects.iter().map(|defect| defect.kind).collect())).map_err(|error| error.fault)
}

/// Oracle: shapely 2.2 (GEOS 3.14), `make_valid(method="structure", keep_collapsed=False).area`; by hand where it says so.
#[test]
fn what_can_be_read_in_one_way_is_taken() {
    use DefectKind::{SelfCrossing, SelfTouch, Spike};
    let taken: [(&str, Outline, f64, &[DefectKind]); 12] = [
        ("a bow-tie", parts(&[&[ring(&[[0, 0], [4, 4], [4, 0], [0, 4]])]]), 8.0, &[SelfCrossing]),
        ("three lobes", parts(&[&[ring(&[[0, 0], [2, 2], [4, 0], [6, 2], [6, 0], [4, 2], [2, 0], [0, 2]])]]), 6.0, &[SelfCrossing, SelfCrossing, SelfCrossing]),
        ("two lobes that share a vertex", parts(&[&[ring(&[[0, 0], [2, 0], [2, 2], [4, 2], [4, 4], [2, 4], [2, 2], [0, 2]])]]), 8.0, &[SelfTouch]),
        ("an ear turned inwards", parts(&[&[ring(&[[0, 0], [6, 0], [6, 6], [3, 6], [4, 3], [2, 3], [3, 6], [0, 6]])]]), 33.0, &[SelfTouch]),
        ("a vertex upon its own edge", parts(&[&[ring(&[[0, 0], [6, 0], [6, 6], [3, 0], [0, 6]])]]), 18.0, &[SelfTouch]),
        ("a spike outwards", parts(&[&[ring(&[[0, 0], [4, 0], [4, 4], [9, 9], [4, 4], [0, 4]])]]), 16.0, &[Spike]),
        ("a spike inwards", parts(&[&[ring(&[[0, 0], [4, 0], [4, 4], [2, 2], [4, 4], [0, 4]])]]), 16.0, &[Spike]),
        ("a spike of two steps", parts(&[&[ring(&[[0, 0], [4, 0], [4, 4], [6, 6], [9, 9], [7, 7], [4, 4], [0, 4]])]]), 16.0, &[Spike, Spike, Spike]),
        ("a hole along its shell's edge", parts(&[&[square(0, 0, 6), square(0, 2, 2)]]), 32.0, &[]),
        ("holes that share an edge", parts(&[&[square(0, 0, 9), square(1, 1, 2), square(3, 1, 2)]]), 73.0, &[]),
        ("parts that share an edge", parts(&[&[square(0, 0, 2)], &[square(2, 0, 2)]]), 8.0, &[]),
        ("an island that touches its hole", parts(&[&[square(0, 0, 9), square(1, 1, 5)], &[square(1, 1, 2)]]), 60.0, &[]),
    ];
    for (name, outline, area, defects) in taken {
        assert_eq!(judged(&outline), Ok((area, defects.to_vec())), "{name}");
    }
}

/// Oracle: by hand; each has ground that even-odd, non-zero and union do not agree upon.
#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let refused = [
        ("a pentagram", parts(&[&[ring(&[[0, 10], [6, -8], [-10, 3], [10, 3], [-6, -8]])]]), Fault::WindsTwice),
        ("a loop within, the same way round", parts(&[&[ring(&[[0, 0], [8, 0], [8, 8], [0, 8], [0, 0], [4, 2], [4, 4], [2, 4]])]]), Fault::WindsTwice),
        ("a hole beside its shell", parts(&[&[square(0, 0, 2), square(2, 0, 2)]]), Fault::HoleOutside),
        ("a hole larger than its shell", parts(&[&[square(2, 2, 2), square(0, 0, 6)]]), Fault::HoleOutside),
        ("a hole partly outside", parts(&[&[square(0, 0, 4), square(3, 1, 2)]]), Fault::HoleOutside),
        ("a hole in a hole", parts(&[&[square(0, 0, 9), square(1, 1, 6), square(1, 1, 2)]]), Fault::HolesOverlap),
        ("the same hole twice", parts(&[&[square(0, 0, 9), square(1, 1, 2), square(1, 1, 2)]]), Fault::HolesOverlap),
        ("parts that cross", parts(&[&[square(0, 0, 4)], &[square(2, 2, 4)]]), Fault::PartsOverlap),
        ("a part in another", parts(&[&[square(0, 0, 4)], &[square(0, 0, 2)]]), Fault::PartsOverlap),
        ("the same part twice", parts(&[&[square(0, 0, 4)], &[square(0, 0, 4)]]), Fault::PartsOverlap),
    ];
    for (name, outline, fault) in refused {
        assert_eq!(judged(&outline).unwrap_err(), fault, "{name}");
    }
}

/// Once, m was counted over all parts together, and the hole of one part was taken from the ground of another.
#[test]
fn a_hole_in_another_part_is_outside() {
    let apart = parts(&[&[square(0, 0, 2), square(11, 11, 1)], &[square(10, 10, 3)]]);
    assert_eq!(judged(&apart).unwrap_err(), Fault::HoleOutside);
    let touching = parts(&[&[square(0, 0, 10), square(11, 11, 1)], &[square(10, 10, 3)]]);
    assert_eq!(judged(&touching).unwrap_err(), Fault::HoleOutside);
}

/// Once, a hole made good what the shell claimed twice: 2 − 1 was 1. GEOS takes such ground out, others leave it in.
#[test]
fn a_hole_does_not_hide_that_the_shell_winds_twice() {
    let twice = ring(&[[0, 0], [2, -1], [1, -1], [2, -2], [4, -2], [1, -3], [3, 0], [3, -3]]);
    let hole = ring(&[[3, -3], [3, 0], [2, -2]]);
    assert_eq!(judged(&parts(&[&[twice, hole]])).unwrap_err(), Fault::WindsTwice);
}

/// A ring that leaves from 0 and comes back to −0 closes there.
#[test]
fn minus_zero_is_zero() {
    let lobes = vec![[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [-0.0, -0.0], [-2.0, -2.0], [-2.0, 0.0], [0.0, 0.0]];
    assert_eq!(judged(&Outline::polygon(&[lobes])), Ok((4.0, vec![DefectKind::SelfTouch])));
    let far = vec![[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, -0.0], [0.0, -1.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]];
    assert!(judged(&Outline::polygon(&[far])).is_ok());
}

#[test]
fn the_defect_says_where() {
    let outline = parts(&[&[square(0, 0, 1)], &[square(10, 0, 9), ring(&[[11, 1], [13, 3], [13, 1], [11, 3]])]]);
    let defects = check(&outline).unwrap().defects;
    assert_eq!(defects.len(), 1);
    assert_eq!((defects[0].kind, defects[0].part, defects[0].ring, defects[0].vertex, defects[0].at), (DefectKind::SelfCrossing, 1, 1, 0, [12.0, 2.0]));
    let refused = check(&parts(&[&[square(0, 0, 1)], &[square(10, 0, 9), square(30, 1, 1)]])).unwrap_err();
    assert_eq!(refused, Unacceptable { fault: Fault::HoleOutside, part: 1, ring: 1, vertex: None });
}

/// Oracle: by hand; the rectangles that are shared, or lie outside, have sides of 0.001 m.
#[test]
fn what_all_readings_together_enclose() {
    use DefectKind::{HoleOutside, HolesOverlap, PartsOverlap, WindsTwice};
    let oblong = |x: f64, y: f64, width: f64, height: f64| vec![[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]];
    let shell = oblong(0.0, 0.0, 100.0, 100.0);
    // Out at (50, 0), once around a square of 0.1 m to the left, which the ring has already, and on.
    let curl = vec![
        [0.0, 0.0],
        [50.0, 0.0],
        [50.0, 0.1],
        [49.9, 0.1],
        [49.9, -0.1],
        [50.1, -0.1],
        [50.1, 0.0],
        [100.0, 0.0],
        [100.0, 100.0],
        [0.0, 100.0],
        [0.0, 0.0],
    ];
    for (outline, area_m2, disputed_m2, kind) in [
        (parts(&[&[shell.clone()], &[oblong(99.999, 0.0, 100.0, 100.0)]]), 19_999.9, 0.1, PartsOverlap),
        (parts(&[&[shell.clone()], &[oblong(20.0, -0.001, 10.0, 0.002)]]), 10_000.01, 0.01, PartsOverlap),
        (parts(&[&[shell.clone(), oblong(90.0, 40.0, 10.001, 20.0)]]), 9_800.0, 0.02, HoleOutside),
        (parts(&[&[shell.clone(), oblong(10.0, 10.0, 10.0, 10.0), oblong(19.999, 10.0, 10.0, 10.0)]]), 9_800.01, 0.01, HolesOverlap),
        (parts(&[&[curl]]), 10_000.01 + 0.01, 0.01, WindsTwice),
    ] {
        assert!(check(&outline).is_err());
        let (region, disputed) = (unite(&outline, &|_| false).unwrap(), dispute(&outline, &|_| false).unwrap());
        let area = region.area_m2();
        assert!((area - area_m2).abs() < 1e-9, "{kind:?}: {area}");
        assert!((disputed.share * area_m2 - disputed_m2).abs() < 1e-5, "{kind:?}: {}", disputed.share * area_m2);
        assert!(disputed.defects.iter().any(|defect| defect.kind == kind), "{kind:?}: {:?}", disputed.defects);
        assert!(region.outline().part_ends.len() == 1, "{kind:?}");
    }
}

/// Oracle: exact rational arithmetic, |A ∪ B| = |A| + |B| − |A ∩ B|.
#[test]
fn two_parts_that_cross_enclose_their_union() {
    let (mut worst, mut draw) = (Worst::default(), Draw::new(17));
    for number in 0..400 {
        let [a, b] = [0.0, 60.0].map(|x| draw.star([x, draw_at(number, 30.0)], 100.0, 4 + number % 14));
        let outline = parts(&[&[a[0].clone()], &[b[0].clone()]]);
        let union = rational::own_m2(&a) + rational::own_m2(&b) - rational::shared_m2(&a, &b);
        let united = unite(&outline, &|_| false).unwrap().area_m2();
        assert!(worst.takes(united, union, union, GOAL), "{number}: {united} {union}");
    }
}

/// A ring that encloses nothing takes nothing else with it.
#[test]
fn a_ring_without_ground_loses_only_itself() {
    let shell = square(0, 0, 10);
    let nothing: [Ring; 5] = [vec![], ring(&[[2, 2]]), ring(&[[2, 2], [4, 4]]), ring(&[[2, 2], [2, 2], [2, 2], [2, 2]]), ring(&[[2, 2], [4, 2], [6, 2]])];
    for lost in nothing {
        for outline in
            [parts(&[&[shell.clone(), lost.clone()]]), parts(&[&[shell.clone()], std::slice::from_ref(&lost)]), parts(&[&[lost.clone()], &[shell.clone()]])]
        {
            assert_eq!(judged(&outline), Ok((100.0, vec![DefectKind::CollapsedRing])), "{lost:?}");
        }
        assert!(check(&parts(&[&[lost]])).is_err());
    }
}

/// What is taken encloses what an even-odd reading of the outline as it came encloses, by exact arithmetic: for whatever is taken has one reading.
fn has_one_reading(rings: &Rings, checked: &Checked, worst: &mut Worst) -> bool {
    let closed: Rings = rings.iter().map(|ring| ring.iter().chain(&ring[..1]).copied().collect()).collect();
    let exact = rational::own_m2(&closed);
    worst.takes(checked.region.area_m2(), exact, exact, GOAL) && checked.region.rings().all(|ring| ring.first() == ring.last())
}

/// Stars with some vertices swapped: bow-ties, ears and tangles.
#[test]
fn swapped_vertices_are_put_right_or_refused() {
    let (mut worst, mut draw, mut refused) = (Worst::default(), Draw::new(71), 0);
    for number in 0..3_000 {
        let far = [1.0, 1e5][number % 2];
        let mut rings = draw.star([draw_at(number, far), -draw_at(number, far)], 100.0, 5 + number % 20);
        rings[0].pop();
        for _ in 0..1 + number % 2 {
            let (n, i) = (rings[0].len(), draw.below(5));
            rings[0].swap(i, (i + 1 + draw.below(2)) % n);
        }
        match check(&Outline::polygon(&rings)) {
            Ok(checked) => assert!(has_one_reading(&rings, &checked, &mut worst), "{number}"),
            Err(error) => refused += u32::from(error.fault == Fault::WindsTwice),
        }
    }
    println!("{refused} refused");
    assert!(worst.seen > 1_500);
}

fn draw_at(number: usize, far: f64) -> f64 {
    far * (number as f64 * 0.618).fract()
}

/// Rings over few places, at any scale, so that edges, vertices and whole rings coincide.
fn crowded() -> impl Strategy<Value = Vec<Vec<Rings>>> {
    let position = prop_oneof![[0..4_i32, 0..4], [0..7_i32, -3..4]].prop_map(|at| at.map(f64::from));
    let ring = prop::collection::vec(position, 0..12);
    let part = prop::collection::vec(ring, 0..3);
    let scales = prop::sample::select(vec![1.0, 1e8, 1e-7, 1.0 / 3.0, 1e-300, 1e150, -0.0]);
    let shifts = prop::sample::select(vec![0.0, 1e5 / 3.0, -1e8, 0.1]);
    (prop::collection::vec(part, 0..3), scales, shifts, any::<bool>()).prop_map(|(parts, scale, shift, close)| {
        let finish = |ring: Ring| -> Ring {
            let ring = ring.into_iter().map(|at| at.map(|value| value * scale + shift));
            let mut ring: Ring = ring.collect();
            if close {
                ring.extend(ring.first().copied());
            }
            ring
        };
        vec![parts.into_iter().map(|rings| rings.into_iter().map(finish).collect()).collect()]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing finite makes the kernel panic, and whatever is taken has an area that is exactly what its rings say.
    #[test]
    fn no_finite_outline_is_too_much(outlines in crowded()) {
        for all in outlines {
            let borrowed: Vec<&[Ring]> = all.iter().map(Vec::as_slice).collect();
            let outline = parts(&borrowed);
            if let Ok(checked) = check(&outline) {
                let area = checked.region.area_m2();
                prop_assert!(area > 0.0 && area.is_finite(), "{area}");
                let own: Rings = checked.region.rings().map(<[_]>::to_vec).collect();
                let exact = rational::own_m2(&own);
                prop_assert!((area - exact).abs() <= 1e-9 * exact, "{area} {exact}");
                let figure = tuban_geom::Figure::new(checked.region.clone());
                let itself = figure.shared_m2(checked.region.rings());
                // Beyond 1e100 m products of three lengths may overflow; then it only must not panic.
                prop_assert!(area > 1e200 || (itself - area).abs() <= 1e-9 * area, "{itself} of {area}");
                let _ = checked.region.outline();
            }
        }
    }
}
