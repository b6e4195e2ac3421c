//! Laws that areas obey, and the areas themselves against exact arithmetic.

use super::shapes::{Draw, mapped, moved, turned};
use super::{CLOSES, GOAL, Worst, figure, rational, region, shared_m2};
use proptest::prelude::*;

/// 10 000 random pairs against exact arithmetic: stars, convex shapes, combs, slivers and holes, near the origin and a hundred kilometres off.
#[test]
fn ten_thousand_pairs_are_within_the_goal() {
    let (mut worst, mut mirrored) = (Worst::default(), Worst::default());
    let mut draw = Draw::new(20_240_601);
    for pair in 0..10_000 {
        let far = if pair % 2 == 0 { 100.0 } else { 1e5 };
        let centre = [draw.within(-far, far), draw.within(-far, far)];
        let (radius, n) = (draw.within(5.0, 200.0), 4 + draw.below(4));
        let other = [centre[0] + draw.within(-1.2, 1.2) * radius, centre[1] + draw.within(-1.2, 1.2) * radius];
        let other_radius = radius * draw.within(0.3, 3.0);
        let (a, b) = (draw.any(centre, radius, n), draw.any(other, other_radius, n));
        let (exact, area) = (rational::shared_m2(&a, &b), rational::own_m2(&a));
        let (ab, ba) = (shared_m2(&a, &b), shared_m2(&b, &a));
        assert!(worst.takes(ab, exact, area, GOAL), "{pair}: {ab} for {exact} of {area}");
        let smaller = area.min(region(&b).area_m2());
        assert!(mirrored.takes(ab, ba, smaller, CLOSES), "{pair}: {ab} and {ba} of {smaller}");
    }
}

/// Thin and lopsided pairs: slivers of a hundred-thousandth of their length, and partners a thousand times smaller or larger.
#[test]
fn slivers_and_lopsided_pairs_are_within_the_goal() {
    let (mut worst, mut mirrored) = (Worst::default(), Worst::default());
    let mut draw = Draw::new(20_240_602);
    for pair in 0..2_000 {
        let centre = [draw.within(-1e5, 1e5), draw.within(-1e5, 1e5)];
        let radius = draw.within(5.0, 200.0);
        let other = [centre[0] + draw.within(-0.8, 0.8) * radius, centre[1] + draw.within(-0.8, 0.8) * radius];
        let thin = 10_f64.powf(draw.within(-5.0, -2.0));
        let a = if pair % 2 == 0 { draw.sliver(centre, 2.0 * radius, thin * radius, 5) } else { draw.any(centre, radius, 6) };
        let scale = 10_f64.powf(draw.within(-3.0, 3.0));
        let b = if pair % 3 == 0 { draw.sliver(other, 2.0 * radius, thin * radius, 5) } else { draw.any(other, radius * scale, 6) };
        let (exact, area) = (rational::shared_m2(&a, &b), rational::own_m2(&a));
        let ab = shared_m2(&a, &b);
        assert!(worst.takes(ab, exact, area, GOAL), "{pair}: {ab} for {exact} of {area}");
        let ba = shared_m2(&b, &a);
        let smaller = area.min(rational::own_m2(&b));
        assert!(mirrored.takes(ab, ba, smaller, CLOSES), "{pair}: {ab} and {ba} of {smaller}");
    }
}

/// The area of a region itself, down to slivers of a hundred-millionth of their length.
#[test]
fn areas_are_exact() {
    let (mut worst, mut draw) = (Worst::default(), Draw::new(20_240_603));
    for shape in 0..500 {
        let centre = [draw.within(-1e5, 1e5), draw.within(-1e5, 1e5)];
        let thin = 10_f64.powf(draw.within(-8.0, -2.0));
        let rings = if shape % 2 == 0 { draw.sliver(centre, 1_000.0, 1_000.0 * thin, 5) } else { draw.any(centre, 1_000.0, 12) };
        let exact = rational::own_m2(&rings);
        assert!(worst.takes(region(&rings).area_m2(), exact, exact, CLOSES), "{shape}");
    }
}

/// Any shape of the generator, somewhere in a city.
fn shape() -> impl Strategy<Value = (rational::Rings, [f64; 2], f64)> {
    (any::<u64>(), -1e5..1e5, -1e5..1e5, 1.0..500.0, 4_usize..30).prop_map(|(seed, x, y, radius, n)| (Draw::new(seed).any([x, y], radius, n), [x, y], radius))
}

/// Two shapes that are likely to meet.
fn pair() -> impl Strategy<Value = (rational::Rings, rational::Rings)> {
    (shape(), any::<u64>(), 4_usize..30, 0.2..5.0, -1.2..1.2, -1.2..1.2).prop_map(|((a, [x, y], radius), seed, n, scale, dx, dy)| {
        let b = Draw::new(seed).any([x + dx * radius, y + dy * radius], radius * scale, n);
        (a, b)
    })
}

fn close(one: f64, other: f64, whole: f64) -> Result<(), TestCaseError> {
    prop_assert!((one - other).abs() <= CLOSES * whole, "{one} and {other} of {whole}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_overlap_is_what_exact_arithmetic_says((a, b) in pair()) {
        let (measured, exact, area) = (shared_m2(&a, &b), rational::shared_m2(&a, &b), rational::own_m2(&a));
        prop_assert!((measured - exact).abs() <= GOAL * area, "{measured} for {exact}");
    }

    #[test]
    fn an_overlap_is_mutual_and_no_larger_than_either((a, b) in pair()) {
        let (ab, ba) = (shared_m2(&a, &b), shared_m2(&b, &a));
        let smaller = region(&a).area_m2().min(region(&b).area_m2());
        close(ab, ba, smaller)?;
        prop_assert!(ab >= 0.0 && ab <= smaller * (1.0 + CLOSES));
    }

    #[test]
    fn a_shape_shares_all_of_itself((a, _, _) in shape()) {
        let area = region(&a).area_m2();
        close(shared_m2(&a, &a), area, area)?;
    }

    #[test]
    fn orientation_changes_nothing((a, b) in pair()) {
        let smaller = region(&a).area_m2().min(region(&b).area_m2());
        for (one, other) in [(turned(&a), b.clone()), (a.clone(), turned(&b)), (turned(&a), turned(&b))] {
            close(shared_m2(&one, &other), shared_m2(&a, &b), smaller)?;
        }
    }

    /// Moved by multiples of 2⁻¹⁰ and scaled by powers of two, so that the shapes stay exactly the same.
    #[test]
    fn moving_and_scaling_change_nothing((a, b) in pair(), dx in -4_000_000..4_000_000_i32, dy in -4_000_000..4_000_000_i32, power in -20..20_i32) {
        let on_grid = |rings: &rational::Rings| mapped(rings, |at| at.map(|value| (value * 1024.0).round() / 1024.0));
        let (a, b) = (on_grid(&a), on_grid(&b));
        let (Ok(_), Ok(_)) = (tuban_geom::check(&tuban_geom::Outline::polygon(&a)), tuban_geom::check(&tuban_geom::Outline::polygon(&b))) else { return Ok(()) };
        let still = shared_m2(&a, &b);
        let smaller = region(&a).area_m2().min(region(&b).area_m2());
        let by = [f64::from(dx) / 1024.0, f64::from(dy) / 1024.0];
        close(shared_m2(&moved(&a, by), &moved(&b, by)), still, smaller)?;
        let times = 2_f64.powi(power);
        let [scaled_a, scaled_b] = [&a, &b].map(|rings| mapped(rings, |at| at.map(|value| value * times)));
        close(shared_m2(&scaled_a, &scaled_b) / times / times, still, smaller)?;
    }

    /// The shape, turned a quarter and mirrored: x and y are alike, left and right too.
    #[test]
    fn axes_are_alike((a, b) in pair()) {
        let smaller = region(&a).area_m2().min(region(&b).area_m2());
        let still = shared_m2(&a, &b);
        let maps: [fn([f64; 2]) -> [f64; 2]; 3] = [|[x, y]| [y, x], |[x, y]| [-x, y], |[x, y]| [y, -x]];
        for map in maps {
            close(shared_m2(&mapped(&a, map), &mapped(&b, map)), still, smaller)?;
        }
    }

    /// What lies in the hole is not shared: with and without the hole differ by what the hole shares.
    #[test]
    fn a_hole_takes_what_it_covers(seed in any::<u64>(), n in 5_usize..20, dx in -1.0..1.0, dy in -1.0..1.0) {
        let mut draw = Draw::new(seed);
        let holed = draw.holed([1e4, 2e4], 100.0, n);
        let b = draw.star([1e4 + dx * 100.0, 2e4 + dy * 100.0], 80.0, n);
        let [shell, hole] = [0, 1].map(|ring| vec![holed[ring].clone()]);
        close(shared_m2(&b, &holed) + shared_m2(&b, &hole), shared_m2(&b, &shell), region(&b).area_m2())?;
    }

    /// A patch on a layer that covers it: the tiles' shares sum to the patch.
    #[test]
    fn the_tiles_of_a_patch_sum_to_it(seed in any::<u64>(), x in -1e5..1e5, y in -1e5..1e5, n in 4_usize..40, tiles in 2_usize..7) {
        let mut draw = Draw::new(seed);
        let patch = figure(&draw.any([x, y], 50.0, n));
        let sum: f64 = draw.tiles([x - 160.0, y - 160.0], 320.0, tiles).iter().map(|tile| patch.shared_m2(region(tile).rings())).sum();
        close(sum, patch.area_m2(), patch.area_m2())?;
    }
}
