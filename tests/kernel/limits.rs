//! What a hostile or broken file may bring: sizes and tangles that must be answered in seconds, by a region or by a refusal.

use std::time::{Duration, Instant};
use tuban::geom::{Checked, CoverageBuilder, DefectKind, Figure, Outline, Region, Unacceptable, check};

/// Even unoptimised, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

fn patiently<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    println!("{what}: {:.2?}", start.elapsed());
    assert!(start.elapsed() < PATIENCE, "{what} took {:?}", start.elapsed());
    done
}

fn judged(what: &str, outline: &Outline) -> Result<Checked, Unacceptable> {
    patiently(what, || check(outline))
}

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

#[test]
fn a_ring_that_crosses_itself_fifty_thousand_times() {
    let checked = judged("50 000 beads", &Outline::polygon(&[beads(50_000)])).unwrap();
    assert_eq!(checked.defects.len(), 50_000);
    assert!(checked.defects.iter().all(|defect| defect.kind == DefectKind::SelfCrossing));
    assert!((checked.region.area_m2() - 50_000.0).abs() < 1e-6, "{}", checked.region.area_m2());
}

#[test]
fn combs_of_twenty_thousand_teeth_standing_and_lying() {
    for lying in [false, true] {
        let ring = comb(20_000, lying);
        let plain = judged("comb", &Outline::polygon(&[&ring])).unwrap();
        assert_eq!(plain.defects, []);
        let bowed = judged("comb with a bow", &Outline::polygon(&[bowed(ring, lying)])).unwrap();
        assert_eq!(bowed.defects.len(), 1, "{:?}", &bowed.defects);
        let figure = patiently("figure", || Figure::new(plain.region.clone()));
        let mut builder = CoverageBuilder::default();
        patiently("cut", || builder.push(&plain.region));
        let coverage = patiently("index", || builder.finish());
        println!("{} pieces' vertices", coverage.vertices());
        let mut square = Region::default();
        square.push([[5.0, 5.0], [500.0, 5.0], [500.0, 500.0], [5.0, 500.0], [5.0, 5.0]].into_iter(), true);
        let square = Figure::new(square);
        let hits = patiently("hits", || coverage.hits(&square));
        let whole = patiently("uncut", || square.shared_m2(figure.region().rings()));
        assert!((hits[0].area_m2 - whole).abs() < 1e-12 * square.area_m2(), "{} {whole}", hits[0].area_m2);
        assert!((whole - 495.0 * 495.0 / 2.0).abs() < 1e-6, "{whole}");
    }
}
