//! The kernel against the crate `geo`, which shares no code with it but the orientation predicate.

#![allow(clippy::unwrap_used, reason = "a test may die; clippy.toml allows it in test functions only, not in what they share")]

use geo::{Area, BooleanOps, Contains, InteriorPoint, MultiPolygon, Validation};
use proptest::prelude::*;
use std::f64::consts::TAU;
use tuban_geom::{Figure, Outline, check};

/// `geo` clips on a grid of some 2³⁰ steps over both shapes: here that moves a border of some kilometres by 2e-7 m. Square metres.
const GRID_M2: f64 = 1e-3;

/// A ring of any corners: sound, crossing itself, or worse.
fn any_ring() -> impl Strategy<Value = Vec<[f64; 2]>> {
    prop::collection::vec((-100.0..100.0, -100.0..100.0).prop_map(|(x, y)| [x, y]), 3..9).prop_map(closed)
}

/// A ring that goes once around a place, near or far.
fn star() -> impl Strategy<Value = Vec<[f64; 2]>> {
    ((-50.0..50.0, -50.0..50.0), 5.0..60.0, 3_usize..40, prop::collection::vec(0.3..1.0, 40)).prop_map(|((x, y), reach, points, shares)| {
        let at = |k: usize| {
            let (angle, radius): (f64, f64) = (TAU * k as f64 / points as f64, reach * shares[k]);
            [x + radius * angle.cos(), y + radius * angle.sin()]
        };
        closed((0..points).map(at).collect())
    })
}

fn closed(mut ring: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    ring.push(ring[0]);
    ring
}

proptest! {
    /// Oracle: `geo`'s `Validation` and `Area`.
    #[test]
    fn sound_polygons_are_the_ones_that_geo_calls_valid(shell in any_ring(), hole in prop::option::of(any_ring())) {
        let outline = Outline::polygon(&[Some(shell), hole].into_iter().flatten().collect::<Vec<_>>());
        let shape = MultiPolygon::from(&outline);
        let checked = check(&outline);
        let sound = checked.as_ref().is_ok_and(|checked| checked.defects.is_empty());
        prop_assert_eq!(sound, shape.is_valid(), "{:?} {:?}", checked, shape.check_validation());
        if let Ok(checked) = checked && sound {
            let area = shape.unsigned_area();
            prop_assert!((checked.region.area_m2() - area).abs() <= 1e-12 * area.max(1.0), "{} and {area}", checked.region.area_m2());
        }
    }

    /// Oracle: `geo`'s `BooleanOps`, which builds the shape and then measures it.
    #[test]
    fn shared_ground_is_the_area_of_the_intersection_that_geo_builds(one in star(), other in star(), hole in 0.1..0.9) {
        let hole: Vec<[f64; 2]> = one.iter().map(|at| at.map(|value| value * hole)).collect();
        let [one, other] = [Outline::polygon(&[one, hole]), Outline::polygon(&[other])];
        // A hole may lie outside its shell, where the place is far from the origin.
        let (Ok(first), Ok(second)) = (check(&one), check(&other)) else { return Ok(()) };
        let built = MultiPolygon::from(&first.region).intersection(&MultiPolygon::from(&second.region)).unsigned_area();
        let shared = Figure::new(first.region).shared_m2(second.region.rings());
        prop_assert!((shared - built).abs() <= GRID_M2, "{shared} and {built}");
    }

    /// Oracle: `geo`'s `Contains` on the outline, holes included.
    #[test]
    fn a_label_stands_on_its_region(shell in any_ring()) {
        let Ok(checked) = check(&Outline::polygon(&[shell])) else { return Ok(()) };
        let shape = MultiPolygon::from(&checked.region);
        let label = shape.interior_point().unwrap();
        prop_assert!(shape.contains(&label), "{label:?}");
    }

    #[test]
    fn an_outline_comes_back_as_it_was(shells in prop::collection::vec((any_ring(), any_ring()), 0..4)) {
        let mut outline = Outline { multi: true, ..Outline::default() };
        for (shell, hole) in shells {
            outline.push_ring(&shell);
            outline.push_ring(&hole);
            outline.end_part();
        }
        prop_assert_eq!(Outline::from(&MultiPolygon::from(&outline)), outline);
    }
}
