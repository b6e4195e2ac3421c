//! What a hostile or broken file may bring: sizes and tangles that must be answered, by a region or by a refusal. Nothing is timed here; what
//! grows as the square of n would not come to an end.

use tuban_geom::{CoverageBuilder, DefectKind, Fault, Figure, Outline, Region, check};

fn closed(mut ring: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    ring.push(ring[0]);
    ring
}

/// A long band whose two sides cross `n` times: lobes like beads on a string.
fn beads(n: usize) -> Vec<[f64; 2]> {
    let mut ring: Vec<[f64; 2]> = (0..=n).map(|k| [k as f64, if k % 2 == 0 { 1.0 } else { -1.0 }]).collect();
    ring.extend((0..=n).rev().map(|k| [k as f64, if k % 2 == 0 { -1.0 } else { 1.0 }]));
    closed(ring)
}

fn comb(teeth: usize, lying: bool) -> Vec<[f64; 2]> {
    let mut ring = vec![[0.0, -1.0]];
    for tooth in (0..teeth).rev() {
        let at = tooth as f64;
        // Uneven ends, so that no two are alike.
        let length = 900.0 + (tooth * 7919 % 1000) as f64 / 10.0;
        ring.extend([[at + 0.5, 0.0], [at + 0.5, length], [at, length], [at, 0.0]]);
    }
    ring.insert(1, [teeth as f64, -1.0]);
    ring.insert(2, [teeth as f64, 0.0]);
    let ring = closed(ring);
    if lying { ring.into_iter().map(|[x, y]| [y, x]).collect() } else { ring }
}

/// The same with a bow at its foot, so that it has to be untangled.
fn bowed(mut ring: Vec<[f64; 2]>, lying: bool) -> Vec<[f64; 2]> {
    ring.pop();
    let bow = [[-3.0, -3.0], [-3.0, -1.0], [-1.0, -3.0]];
    ring.splice(1..1, bow.map(|[x, y]| if lying { [y, x] } else { [x, y] }));
    closed(ring)
}

/// The same, turned.
fn turned(ring: &[[f64; 2]], degrees: f64) -> Vec<[f64; 2]> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    ring.iter().map(|[x, y]| [cos * x - sin * y, sin * x + cos * y]).collect()
}

#[test]
fn a_ring_that_crosses_itself_fifty_thousand_times() {
    let checked = check(&Outline::polygon(&[beads(50_000)])).unwrap();
    assert_eq!(checked.defects.len(), 50_000);
    assert!(checked.defects.iter().all(|defect| defect.kind == DefectKind::SelfCrossing));
    assert!((checked.region.area_m2() - 50_000.0).abs() < 1e-6, "{}", checked.region.area_m2());
}

#[test]
fn combs_of_twenty_thousand_teeth_standing_and_lying() {
    for lying in [false, true] {
        let ring = comb(20_000, lying);
        let plain = check(&Outline::polygon(&[&ring])).unwrap();
        assert_eq!(plain.defects, []);
        let bowed = check(&Outline::polygon(&[bowed(ring, lying)])).unwrap();
        assert_eq!(bowed.defects.len(), 1, "{:?}", &bowed.defects);
        let figure = Figure::new(plain.region.clone());
        let mut builder = CoverageBuilder::default();
        builder.push(&plain.region).unwrap();
        let coverage = builder.finish().unwrap();
        assert!(coverage.vertices() < 4 * plain.region.vertices() as u64, "{} vertices", coverage.vertices());
        let mut square = Region::default();
        square.push([[5.0, 5.0], [500.0, 5.0], [500.0, 500.0], [5.0, 500.0], [5.0, 5.0]].into_iter(), true);
        let square = Figure::new(square);
        let hits = coverage.hits(&square).unwrap();
        let whole = square.shared_m2(figure.region().rings());
        assert!((hits[0].area_m2 - whole).abs() < 1e-12 * square.area_m2(), "{} {whole}", hits[0].area_m2);
        assert!((whole - 495.0 * 495.0 / 2.0).abs() < 1e-6, "{whole}");
    }
}

/// Once, every halving doubled what it cut: 200 such teeth, a centimetre apart, became 12.9 million vertices; and the search for crossings gave up halving
/// and looked at each pair of 80 000 edges.
#[test]
fn combs_at_a_slant_stay_about_as_large_as_they_are() {
    for degrees in [45.0, 30.0, 87.0] {
        for (teeth, wide) in [(200, 0.02), (20_000, 1.0)] {
            let ring: Vec<[f64; 2]> = comb(teeth, false).into_iter().map(|[x, y]| [x * wide, y]).collect();
            let plain = check(&Outline::polygon(&[turned(&ring, degrees)])).unwrap();
            assert_eq!(plain.defects, []);
            let mut builder = CoverageBuilder::default();
            builder.push(&plain.region).unwrap();
            let coverage = builder.finish().unwrap();
            assert!(coverage.vertices() <= 8 * plain.region.vertices() as u64 + 256, "{teeth} teeth at {degrees}°: {} vertices", coverage.vertices());
            let patch = Figure::new(Region::of_shell(turned(&[[0.2, 300.0], [3.0, 300.0], [3.0, 302.0], [0.2, 302.0], [0.2, 300.0]], degrees)));
            let whole = patch.shared_m2(plain.region.rings());
            let hits = coverage.hits(&patch).unwrap();
            assert!(whole > 1.0 && (hits[0].area_m2 - whole).abs() < 1e-9 * patch.area_m2(), "{} {whole}", hits[0].area_m2);
        }
    }
}

#[test]
fn tangles_are_refused_before_they_fill_the_memory() {
    let mut draw = super::shapes::Draw::new(51);
    for n in [1_000, 20_000] {
        let scribble = closed((0..n).map(|_| [draw.within(0.0, 1e4), draw.within(0.0, 1e4)]).collect());
        let refused = check(&Outline::polygon(&[scribble])).unwrap_err();
        assert_eq!(refused.fault, Fault::WindsTwice);
    }
    // Three thousand petals of one ring, all through one place.
    let petals = closed(
        (0..3_000)
            .flat_map(|k| {
                let at = |step: f64| {
                    let angle = std::f64::consts::TAU * (f64::from(k) + step) / 3_000.0;
                    [100.0 * angle.cos(), 100.0 * angle.sin()]
                };
                [[0.0, 0.0], at(0.0), at(0.5)]
            })
            .collect(),
    );
    assert_eq!(check(&Outline::polygon(&[petals])).unwrap_err().fault, Fault::WindsTwice);
}

#[test]
fn thousands_of_parts_and_holes() {
    let square = |x: i32, y: i32, side: f64| {
        let [x, y] = [f64::from(x), f64::from(y)];
        vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    };
    let fields = || (0..120).flat_map(|x| (0..120).filter(move |y| (x + y) % 2 == 0).map(move |y| (x, y)));
    for side in [0.5, 1.0] {
        // Apart, and touching corner to corner.
        let mut board = Outline { multi: true, ..Outline::default() };
        let mut holed = Outline::default();
        holed.push_ring(&square(-1, -1, 200.0));
        for (x, y) in fields() {
            board.push_ring(&square(x, y, side));
            board.end_part();
            holed.push_ring(&square(x, y, side));
        }
        holed.end_part();
        let fields = 7_200.0 * side * side;
        assert_eq!(check(&board).unwrap().region.area_m2(), fields);
        assert_eq!(check(&holed).unwrap().region.area_m2(), 40_000.0 - fields);
    }
}

/// A lattice of strips that cross each other in one patch: what would grow as the cube of their number does not come to an end. Oracle: by hand; n strips each
/// way of width w and length l cover 2nwl − n²w².
#[test]
fn a_lattice_of_eight_hundred_strips_covers_each_place_once() {
    let (n, width, length) = (400_usize, 1.0, 1_600.0);
    // Turned, so that no edge lies along an axis; lengths stay what they are, for 3² + 4² = 5².
    let turned = |[x, y]: [f64; 2]| [0.6 * x - 0.8 * y, 0.8 * x + 0.6 * y];
    let rectangle = |x: f64, y: f64, across: f64, up: f64| closed([[x, y], [x + across, y], [x + across, y + up], [x, y + up]].map(turned).to_vec());
    let mut builder = CoverageBuilder::default();
    for k in 0..n {
        let at = 4.0 * k as f64 + 1.0;
        for ring in [rectangle(at, 0.0, width, length), rectangle(0.0, at, length, width)] {
            builder.push(&Region::of_shell(ring)).unwrap();
        }
    }
    let layer = builder.finish().unwrap();
    let patch = Figure::new(Region::of_shell(rectangle(-10.0, -10.0, 1_700.0, 1_700.0)));
    let covered_m2 = layer.covered_m2(&patch, &layer.hits(&patch).unwrap()).unwrap();
    let exact_m2 = 2.0 * n as f64 * width * length - (n as f64 * width).powi(2);
    assert!((covered_m2 - exact_m2).abs() <= 1e-9 * patch.area_m2(), "{covered_m2} for {exact_m2}");
}
