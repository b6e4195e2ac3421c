//! Approvals of three dates and several kinds that overlap each other, and farmland under them, against exact unions.

use super::rational::{self, Rings};
use super::shapes::Draw;
use super::{GOAL, figure, region};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use tuban_engine::atlas::{Atlas, LayerBuilder};
use tuban_engine::memory::Memory;
use tuban_engine::model::{Areas, FeatureFacts, LayerKind, LayerUsed};
use tuban_engine::rule::Rule;
use tuban_geom::{Outline, Pieces, Plane};

const AFTER: Date = date(2022, 4, 30);

/// How an approval stands on that day, by its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Before,
    Counted,
    Uncounted,
    Later,
    Other,
    Nothing,
}

/// Facts, and how they stand by hand.
fn drawn(draw: &mut Draw) -> (FeatureFacts, Stands) {
    let facts = FeatureFacts::new(format!("PZ{}", draw.below(1_000_000)), String::new());
    let kind = |kind: &str| Some(kind.to_owned());
    match draw.below(10) {
        0 => (FeatureFacts { granted: Some(AFTER), kind: kind("农转用"), ..facts }, Stands::Before),
        1 => (FeatureFacts { granted: Some(date(2019, 1, 1)), ends: Some(AFTER), ..facts }, Stands::Before),
        2 => (FeatureFacts { first_effective: Some(AFTER), kind: kind("供地"), ..facts }, Stands::Counted),
        3 | 4 => (FeatureFacts { first_effective: Some(date(2022, 5, 1)), ..facts }, Stands::Uncounted),
        5 | 6 => (FeatureFacts { granted: Some(date(2022, 5, 1)), kind: kind("增减挂钩"), ..facts }, Stands::Later),
        7 => (FeatureFacts { granted: Some(date(2021, 1, 1)), kind: kind("设施农用地"), ..facts }, Stands::Other),
        8 => (FeatureFacts { granted: Some(date(2021, 1, 1)), ends: Some(date(2024, 1, 1)), kind: kind("临时用地"), ..facts }, Stands::Other),
        _ => (FeatureFacts { granted: Some(date(2019, 1, 1)), ends: Some(date(2022, 4, 29)), kind: kind("临时用地"), ..facts }, Stands::Nothing),
    }
}

/// Two layers in a plane whose coordinates are the members' own.
fn atlas(approvals: &[(FeatureFacts, Rings)], parcels: &[Rings]) -> Atlas {
    let folder = std::env::temp_dir();
    let memory = Memory::new(Memory::usual_budget(), folder);
    let rule = Rule::load(None).unwrap();
    let nowhere = Outline::polygon(&[[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]);
    let mut atlas = Atlas::empty(Plane::at(118.0, 35.0));
    let mut put = |kind: LayerKind, members: &mut dyn Iterator<Item = (FeatureFacts, Rings)>| {
        let mut builder = LayerBuilder::new(kind, &memory);
        members.for_each(|(facts, rings)| builder.push(&facts, &Pieces::of(&region(&rings)), &nowhere).unwrap());
        let used = LayerUsed { id: 1, kind, name: String::new(), effective: "2023-01-01".to_owned() };
        let written = tuban_geom::Written { crs: tuban_geom::Crs::CRS84, decimals: None };
        atlas.put(used, written, std::sync::Arc::new(builder.finish().unwrap()), &rule);
    };
    // Every second parcel is farmland.
    let dlbm = |at: usize| FeatureFacts::new(["0102", "0301"][at % 2].to_owned(), String::new());
    put(LayerKind::Farmland, &mut parcels.iter().enumerate().map(|(at, rings)| (dlbm(at), rings.clone())));
    put(LayerKind::Approved, &mut approvals.iter().cloned());
    atlas
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Oracle: exact rational arithmetic, each area by its own definition (docs/ARCHITECTURE.md, “Approvals”); the sums by bits.
    #[test]
    fn approvals_of_three_dates_are_exact_unions(seed in any::<u64>(), far in prop::sample::select(vec![0.0, 9e4]), members in 2_usize..7, n in 4_usize..9) {
        let mut draw = Draw::new(seed);
        let around = |draw: &mut Draw, reach: f64| [far + draw.within(-reach, reach), far + draw.within(-reach, reach)];
        let at = around(&mut draw, 1.0);
        let patch = draw.any(at, 50.0, n);
        let drawn: Vec<(FeatureFacts, Stands, Rings)> = (0..members).map(|_| {
            let ((facts, stands), at) = (drawn(&mut draw), around(&mut draw, 50.0));
            (facts, stands, draw.any(at, 50.0, n))
        }).collect();
        let parcels = draw.tiles([far - 40.0, far - 40.0], 80.0, 2);
        let approvals: Vec<_> = drawn.iter().map(|(facts, _, rings)| (facts.clone(), rings.clone())).collect();
        let figure = figure(&patch);
        let areas = atlas(&approvals, &parcels).measure(&figure, AFTER).unwrap().areas;
        let ground: Vec<&Rings> = std::iter::once(&patch).chain(approvals.iter().map(|(_, rings)| rings)).chain(&parcels).collect();
        let exact = |which: &[Stands], on_farmland: bool| rational::area_m2(&ground, |inside| {
            let approved = drawn.iter().zip(&inside[1..]).any(|((_, stands, _), inside)| *inside && which.contains(stands));
            let farmland = inside[members + 1..].iter().step_by(2).any(|inside| *inside);
            inside[0] && approved && (farmland || !on_farmland)
        });
        use Stands::{Before, Counted, Later, Other, Uncounted};
        let near = |what: &str, measured: f64, exact: f64| {
            let area = figure.area_m2();
            prop_assert!(measured >= 0.0 && (measured - exact).abs() <= GOAL * area, "{}: {} for {} of {}", what, measured, exact, area);
            Ok(())
        };
        let Areas { approved_m2, approved_before_m2, approved_undated_m2, approved_later_m2, .. } = areas;
        for (on_farmland, [all, before, undated, later, in_time, other]) in [
            (false, [approved_m2, approved_before_m2, approved_undated_m2, approved_later_m2, areas.approved_in_time_m2, areas.other_use_m2]),
            (true, [areas.approved_farmland_m2, areas.approved_before_farmland_m2, areas.approved_undated_farmland_m2, areas.approved_later_farmland_m2,
                areas.approved_in_time_farmland_m2, areas.other_use_farmland_m2]),
        ] {
            let exact = |which: &[Stands]| exact(which, on_farmland);
            let (b, bu, counted) = (exact(&[Before]), exact(&[Before, Counted, Uncounted]), exact(&[Before, Counted]));
            near("before", before, b)?;
            near("undated", undated, bu - b)?;
            near("later", later, exact(&[Before, Counted, Uncounted, Later]) - bu)?;
            near("in time", in_time, counted)?;
            near("other", other, exact(&[Before, Counted, Other]) - counted)?;
            prop_assert_eq!((before + undated + later).to_bits(), all.to_bits());
        }
        prop_assert!(approved_m2 <= figure.area_m2() && areas.approved_farmland_m2 <= approved_m2.min(areas.farmland_m2));
    }
}
