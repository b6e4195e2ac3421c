//! Bounds of what the reading of edges can change, against lenses that PROJ and the overlay itself give.

use super::*;
use crate::{CoverageBuilder, Figure, Region, check_in};

fn crs(name: &str) -> Crs {
    name.parse().unwrap()
}

fn written(name: &str, decimals: Option<u8>) -> Written {
    Written { crs: crs(name), decimals }
}

/// A closed oblong in degrees, `east` by `north` degrees, from 118.1° E 35° N.
fn oblong(east: f64, north: f64) -> Outline {
    let [west, south] = [118.1, 35.0];
    Outline::polygon(&[[[west, south], [west + east, south], [west + east, south + north], [west, south + north], [west, south]]])
}

/// What a file in `name` makes of an outline in degrees: its corners in that system, edges straight there.
fn region(plane: &Plane, outline: &Outline, name: &str) -> Region {
    let drawn = crs(name).outline_from_degrees(outline).unwrap();
    check_in(&crs(name).outline_to_degrees_dense(&drawn).unwrap(), |at| plane.project(at)).unwrap().region
}

fn coverage(region: &Region) -> Coverage {
    let mut builder = CoverageBuilder::default();
    builder.push(region).unwrap();
    builder.finish().unwrap()
}

/// Oracle: domain figures of the third survey's practice, computed with PROJ: lenses of 0.9 m² on 456 m and 6.9 m² on 912 m east–west at 35° N between zone 39 and the plane.
#[test]
fn the_lens_of_an_edge_is_as_large_as_published() {
    let plane = Plane::at(118.0, 35.0);
    for (degrees, expected_m2) in [(0.005, 0.87), (0.01, 6.9)] {
        let edge = [plane.project([118.1, 35.0]), plane.project([118.1 + degrees, 35.0])];
        let lens = 2.0 / 3.0 * lens_m2(&plane, edge, crs("4527"), crs("4490"));
        assert!((lens - expected_m2).abs() < 0.06 * expected_m2, "{degrees}: {lens}");
    }
    let edge = [plane.project([118.1, 35.0]), plane.project([118.11, 35.0])];
    assert_eq!([lens_m2(&plane, edge, crs("4527"), crs("4548")), lens_m2(&plane, edge, crs("4326"), crs("4490"))], [0.0; 2]);
}

/// Oracle: the overlay itself; the same corners in two systems leave no more uncovered than the bound, and the bound is no more than 5 % above the lenses of all edges.
#[test]
fn shared_corners_leave_no_more_than_the_bound() {
    let plane = Plane::at(118.0, 35.0);
    for (east, north) in [(0.001, 0.0006), (0.005, 0.0006), (0.0006, 0.01), (0.02, 0.001)] {
        let outline = oblong(east, north);
        for patch in ["4490", "4527", "4528"] {
            for layer in ["4490", "4527", "4528", "4549"] {
                let figure = Figure::new(region(&plane, &outline, patch));
                let coverage = coverage(&region(&plane, &outline, layer));
                let uncovered = figure.area_m2() - coverage.covered_m2(&figure, &coverage.hits(&figure).unwrap()).unwrap();
                let window = Window::new(&plane, figure.bounds());
                let bound = window.along(&outline, written(patch, None), &[Drawn { coverage: &coverage, written: written(layer, None) }]).unwrap();
                let ring: Vec<_> = outline.ring(0).iter().map(|at| plane.project(*at)).collect();
                let lenses: f64 = ring.windows(2).map(|edge| 2.0 / 3.0 * lens_m2(&plane, [edge[0], edge[1]], crs(patch), crs(layer))).sum();
                let name = format!("{east} {north} {patch} {layer}: {uncovered} {bound:?} {lenses}");
                assert!(uncovered <= bound.edges_m2 + 1e-6 && bound.edges_m2 <= 1.05 * lenses && bound.rounding_m2 == 0.0, "{name}");
                assert!(bound.edges_m2 >= 0.99 * lenses, "{name}");
            }
        }
    }
}

/// Oracle: by hand; half a digit of the sixth decimal is 0.056 m, along 2 · (91.3 + 111) m.
#[test]
fn half_a_digit_counts_along_common_ground() {
    let plane = Plane::at(118.0, 35.0);
    let outline = oblong(0.001, 0.001);
    let coverage = coverage(&region(&plane, &outline, "4490"));
    let layer = Drawn { coverage: &coverage, written: written("4490", Some(9)) };
    let window = Window::new(&plane, &region(&plane, &outline, "4490").bounds());
    let bound = window.along(&outline, written("4490", Some(6)), &[layer]).unwrap();
    assert!(bound.edges_m2 == 0.0 && (bound.rounding_m2 - 0.055_85 * 404.4).abs() < 0.2, "{bound:?}");
    assert_eq!(window.along(&outline, written("4490", Some(9)), &[layer]).unwrap(), Doubt::default());
    let far = Outline::polygon(&[[[118.1004, 35.0004], [118.1006, 35.0004], [118.1006, 35.0006], [118.1004, 35.0004]]]);
    assert_eq!(window.along(&far, written("4490", Some(6)), &[layer]).unwrap(), Doubt::default());
}

/// Oracle: by construction; of a border that two layers have in common, the half that lies in the patch, and that once: the lens of an arc's first half is half of it.
#[test]
fn layers_are_held_against_each_other_within_the_patch() {
    let plane = Plane::at(118.0, 35.0);
    let strip = region(&plane, &oblong(0.01, 0.001), "4490");
    let coverages = ["4490", "4527"].map(|name| coverage(&region(&plane, &oblong(0.01, 0.002), name)));
    let drawn = |number: usize, name| Drawn { coverage: &coverages[number], written: written(name, None) };
    let half = Outline::polygon(&[[[118.105, 34.999], [118.12, 34.999], [118.12, 35.001], [118.105, 35.001], [118.105, 34.999]]]);
    let patch = region(&plane, &half, "4490");
    let found = Window::new(&plane, &patch.bounds()).between(&patch, drawn(0, "4490"), drawn(1, "4527")).unwrap();
    let edge = [plane.project([118.1, 35.0]), plane.project([118.11, 35.0])];
    let upright = [plane.project([118.11, 35.0]), plane.project([118.11, 35.001])];
    let lens = |edge| 2.0 / 3.0 * lens_m2(&plane, edge, crs("4490"), crs("4527"));
    let expected = lens(edge) / 2.0 + lens(upright);
    assert!((found.edges_m2 - expected).abs() < 0.03 * expected, "{found:?} {expected}");
    // Both draw the strip's south border as the patch does or by a lens: no more than that lens is in doubt, whichever layer is looked at.
    let outline = oblong(0.01, 0.001);
    let window = Window::new(&plane, &strip.bounds());
    let one = window.along(&outline, written("4490", None), &[drawn(1, "4527")]).unwrap();
    let both = window.along(&outline, written("4490", None), &[drawn(0, "4490"), drawn(1, "4527")]).unwrap();
    assert!(one.edges_m2 > 0.0 && one == both, "{one:?} {both:?}");
}
