//! Regions that touch share nothing, exactly; regions that nearly touch share what exact arithmetic says.

use super::rational::Rings;
use super::shapes::{Draw, mapped};
use super::{GOAL, Worst, rational, region, shared_m2};

/// How often a measured area is not 0.
#[derive(Default)]
struct Leaks {
    pairs: u32,
    leaks: u32,
    largest: f64,
}

impl Leaks {
    fn take(&mut self, a: &Rings, b: &Rings) {
        for (a, b) in [(a, b), (b, a)] {
            let shared = shared_m2(a, b);
            self.pairs += 1;
            self.leaks += u32::from(shared != 0.0);
            self.largest = self.largest.max(shared / region(a).area_m2());
        }
    }
}

impl Drop for Leaks {
    fn drop(&mut self) {
        println!("{}: {} of {} not 0, the largest {:.2e}", std::thread::current().name().unwrap_or_default(), self.leaks, self.pairs, self.largest);
    }
}

fn far(draw: &mut Draw, pair: usize) -> [f64; 2] {
    let far = [0.0, 100.0, 1e5][pair % 3];
    [draw.within(-far, far), draw.within(-far, far)]
}

/// Tiles that share edges or single vertices.
#[test]
fn neighbours_in_a_tiling_share_nothing() {
    let mut leaks = Leaks::default();
    let mut draw = Draw::new(31);
    for layer in 0..40 {
        let corner = far(&mut draw, layer);
        let size = draw.within(1.0, 500.0);
        let tiles = draw.tiles(corner, size, 4);
        for (n, a) in tiles.iter().enumerate() {
            tiles[n + 1..].iter().for_each(|b| leaks.take(a, b));
        }
    }
    assert_eq!(leaks.leaks, 0);
}

/// A shape cut along a chord between two of its vertices; and a hole with the shape that fills it.
#[test]
fn halves_and_fillings_share_nothing() {
    let mut leaks = Leaks::default();
    let mut draw = Draw::new(32);
    for pair in 0..1_000 {
        let centre = far(&mut draw, pair);
        let n = 6 + draw.below(20);
        let convex = &draw.convex(centre, 80.0, n)[0];
        let k = 2 + draw.below(n - 3);
        let one = [&convex[..=k], &convex[..1]].concat();
        let two = [&convex[k..n], &convex[..1], &convex[k..=k]].concat();
        leaks.take(&vec![one], &vec![two]);
        let holed = draw.holed(centre, 120.0, n);
        leaks.take(&holed, &vec![holed[1].clone()]);
    }
    assert_eq!(leaks.leaks, 0);
}

/// Polygons on either side of a line with vertices anywhere along it, each exactly on it (coordinates are multiples of 2⁻¹⁰).
#[test]
fn vertices_upon_a_neighbours_edge_share_nothing() {
    let (mut leaks, mut draw) = (Leaks::default(), Draw::new(33));
    for pair in 0..2_000 {
        let far = [0, 100_000, 100_000_000][pair % 3];
        let origin = [draw.step(far, 0.000_976_562_5), draw.step(far, 0.000_976_562_5)];
        let along = [draw.step(30, 0.000_976_562_5), draw.step(30, 0.000_976_562_5)];
        if along == [0.0; 2] {
            continue;
        }
        let [one, two] = [1.0, -1.0].map(|side| {
            let (first, last) = (draw.below(2_000) as f64, 2_001.0 + draw.below(2_000) as f64);
            let middle = first + 1.0 + draw.below(last as usize - first as usize - 1) as f64;
            let on = |k: f64| [origin[0] + k * along[0], origin[1] + k * along[1]];
            let off = |k: f64, out: f64| [on(k)[0] - side * out * along[1], on(k)[1] + side * out * along[0]];
            let (tip, out) = (draw.within(first, last), draw.within(1.0, 3_000.0));
            let ring = vec![on(first), on(middle), on(last), off(last, 0.5 * out), off(tip, out), on(first)];
            if side > 0.0 { ring } else { ring.into_iter().rev().collect() }
        });
        let (one, two) = (vec![one], vec![two]);
        assert_eq!(rational::shared_m2(&one, &two), 0.0);
        leaks.take(&one, &two);
    }
    assert_eq!(leaks.leaks, 0);
}

/// The same, with a gap or an overlap of some last bits up to a millimetre, against exact arithmetic.
#[test]
fn near_misses_and_near_touches_are_within_the_goal() {
    let (mut worst, mut draw) = (Worst::default(), Draw::new(34));
    for pair in 0..1_500 {
        let centre = far(&mut draw, pair);
        let n = 6 + draw.below(10);
        let convex = &draw.convex(centre, 80.0, n)[0];
        let k = 2 + draw.below(n - 3);
        let one = vec![[&convex[..=k], &convex[..1]].concat()];
        let two = vec![[&convex[k..n], &convex[..1], &convex[k..=k]].concat()];
        let reach = 10_f64.powf(draw.within(-15.0, -3.0));
        let by = [draw.within(-reach, reach), draw.within(-reach, reach)];
        let two = mapped(&two, |[x, y]| [x + by[0], y + by[1]]);
        let (shared, exact) = (shared_m2(&one, &two), rational::shared_m2(&one, &two));
        assert!(worst.takes(shared, exact, rational::own_m2(&one), GOAL), "{pair}: {shared} for {exact}");
    }
}
