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
        assert!(mirrored.takes(ab, ba, smaller, 1e-11), "{pair}: {ab} and {ba} of {smaller}");
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
        worst.takes(ab, exact, area, GOAL);
        let ba = shared_m2(&b, &a);
        mirrored.takes(ab, ba, area.min(region(&b).area_m2()), 1e-9);
    }
}
