//! Promises about patches.

use super::{stored, weird_outlines};
use crate::builders::{days, filing, finding, key, only, patch, patch_at, square};
use tuban::scope::Scope;
use tuban::store::{Filter, PatchPosition, Store, StoreError, StoredPatch, Thing, VerdictFilter};
use tuban_engine::model::{Areas, AutomaticVerdict, CountyShare, Doubts, Filing, Finding, Flag, ParcelShare, Patch, PeriodRange, Reason, Verdict};
use tuban_geom::{Bounds, Defect, DefectKind, Doubt};

fn all() -> Filter {
    Filter { limit: 10_000, ..Filter::of(Scope::all()) }
}

fn ids(found: &[StoredPatch]) -> Vec<&str> {
    found.iter().map(|stored| stored.patch.patch_id.as_str()).collect()
}

pub(super) async fn a_patch_reads_back_to_the_last_bit(store: &dyn Store) {
    let given: Vec<(Patch, Finding)> = weird_outlines()
        .into_iter()
        .enumerate()
        .map(|(at, degrees)| {
            let patch = Patch {
                row: at as u64 + 1,
                patch_id: format!("371302 图斑 №{at}"),
                stated_county: (at % 2 == 1).then(|| "371302".to_owned()),
                days: days("1950-01-01", "2999-12-31"),
                attributes: "{\"XMC\":\"兰山区 \\u0000 'a\\\"b'\", \"JCMJ\": 1.50, \"JCMJ\":\t2e400,\"空\":null}".to_owned(),
                source: (at % 3 == 0).then(|| square(39_500_000.123_456_79, 3_875_000.1, 1.0 / 3.0)),
                repaired: (at % 2 == 0).then(|| degrees.clone()),
                defects: vec![
                    Defect { kind: DefectKind::SelfCrossing, part: 1, ring: 2, vertex: 3, at: [118.0 / 3.0, 1e-17] },
                    Defect { kind: DefectKind::Spike, part: 0, ring: 0, vertex: 0, at: [0.1 + 0.2, 35.0] },
                ],
                degrees,
            };
            let third = 1.0 / 3.0;
            let finding = Finding {
                areas: Areas {
                    area_m2: 10_000.0 * third,
                    farmland_m2: 0.1 + 0.2,
                    basic_farmland_m2: 5e-324,
                    red_line_m2: f64::MAX,
                    urban_boundary_m2: 123_456_789.123_456_78,
                    approved_m2: 1e-9,
                    approved_farmland_m2: f64::EPSILON,
                    approved_before_m2: if at == 0 { 1e-9 } else { third * at as f64 },
                    approved_before_farmland_m2: third / 3.0,
                    approved_undated_m2: 0.1,
                    approved_undated_farmland_m2: 0.7,
                    approved_later_m2: 5e-324,
                    approved_later_farmland_m2: 1e300,
                    approved_in_time_m2: 1.0 / 7.0,
                    approved_in_time_farmland_m2: 1.0 / 9.0,
                    other_use_m2: 1.0 / 11.0,
                    other_use_farmland_m2: 1.0 / 13.0,
                },
                doubts: Doubts { unapproved: Doubt { edges_m2: 0.91, rounding_m2: 1.0 / 3.0 }, ..Doubts::default() },
                parcels: vec![
                    ParcelShare { dlbm: "0102".to_owned(), dlmc: "水浇地".to_owned(), area_m2: third },
                    ParcelShare { dlbm: String::new(), dlmc: "\"".to_owned(), area_m2: 5e-324 },
                ],
                counties: vec![CountyShare { code: "371302".to_owned(), name: "兰山区".to_owned(), area_m2: 123_456.789_012_345_67 }],
                approvals: vec!["鲁政土字〔2022〕1号".to_owned(), "PZ'1".to_owned()],
                flags: Flag::ALL.iter().copied().filter(|flag| *flag != Flag::DatesUnclear).collect(),
                verdict: AutomaticVerdict::ALL[at % 4],
                reason: Reason::ALL[at % Reason::ALL.len()],
                automatic_legal_farmland_m2: third * third,
                automatic_illegal_farmland_m2: third / 7.0,
                county_code: (at % 2 == 0).then(|| "371302".to_owned()),
                layer_set: 0,
            };
            (patch, finding)
        })
        .collect();
    let survey = stored(store, &key("2022-04", "x"), given.clone()).await;
    let found = store.patches(&all()).await.unwrap();
    for (stored, (patch, finding)) in found.iter().zip(&given) {
        // The number of its layer set is the store's.
        let finding = Finding { layer_set: stored.finding.layer_set, ..finding.clone() };
        assert_eq!((&stored.patch, &stored.finding, &stored.filing, finding.layer_set > 0), (patch, &finding, &None, true));
        assert_eq!((stored.survey_id, stored.period), (survey.id, survey.facts.period));
        assert_eq!(store.patch(&Scope::all(), stored.id).await.unwrap(), *stored);
    }
    assert_eq!(found.len(), given.len());
}

pub(super) async fn pages_follow_each_other_without_gap_or_repeat(store: &dyn Store) {
    let county = |n: usize| finding(Some(["371302", "371311"][n % 2]));
    for (period, from) in [("2022-06", 0), ("2022-04", 300), ("2022-05", 600)] {
        stored(
            store,
            &key(period, "x"),
            (from..from + 300).map(|n| (patch_at(&format!("{n}"), 118.0 + (n * 7 % 100) as f64 / 100.0, 35.0), county(n))).collect(),
        )
        .await;
    }
    let spring = PeriodRange::new("2022-04".parse().unwrap(), Some("2022-05".parse().unwrap())).unwrap();
    let everywhere = Bounds { min: [117.0, 34.0], max: [120.0, 36.0] };
    let queries = [
        (all(), 900),
        (Filter { county: Some("371302".to_owned()), ..all() }, 450),
        (Filter { range: Some(spring), ..all() }, 600),
        (Filter { range: Some(spring), county: Some("371311".to_owned()), ..all() }, 300),
        (Filter { bounds: Some(everywhere), ..all() }, 900),
        (Filter { verdict: Some(VerdictFilter::Pending), ..all() }, 900),
    ];
    for (query, expected) in queries {
        let whole = store.patches(&query).await.unwrap();
        assert_eq!(whole.len(), expected, "{query:?}");
        assert!(whole.is_sorted_by(|a, b| a.id < b.id), "{query:?}");
        let mut paged: Vec<StoredPatch> = Vec::new();
        loop {
            let after = paged.last().map_or_else(PatchPosition::default, StoredPatch::place);
            let page = store.patches(&Filter { after, limit: 77, ..query.clone() }).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= 77);
            paged.extend(page);
        }
        assert_eq!(paged, whole, "{query:?}");
    }
    assert!(store.patches(&Filter { limit: 0, ..Filter::of(Scope::all()) }).await.unwrap().is_empty());
}

pub(super) async fn every_filter_narrows_and_filters_add_up(store: &dyn Store) {
    let april =
        stored(store, &key("2022-04", "x"), vec![(patch_at("a", 118.0, 35.0), finding(Some("371302"))), (patch_at("b", 118.5, 35.0), finding(Some("371311")))])
            .await;
    let may =
        stored(store, &key("2022-05", "x"), vec![(patch_at("a", 118.5, 35.0), finding(Some("371302"))), (patch_at("c", 118.0, 35.0), finding(None))]).await;
    let west = Bounds { min: [117.9, 34.9], max: [118.1, 35.1] };
    let cases: [(Filter, &[&str]); 9] = [
        (all(), &["a", "b", "a", "c"]),
        (Filter { bounds: Some(west), ..all() }, &["a", "c"]),
        (Filter { county: Some("371302".to_owned()), ..all() }, &["a", "a"]),
        (Filter { range: Some(only("2022-05")), ..all() }, &["a", "c"]),
        (Filter { survey: Some(april.id), ..all() }, &["a", "b"]),
        (Filter { patch_id: Some("a".to_owned()), ..all() }, &["a", "a"]),
        (Filter { patch_id: Some("a".to_owned()), bounds: Some(west), ..all() }, &["a"]),
        (Filter { bounds: Some(west), survey: Some(may.id), range: Some(only("2022-05")), verdict: Some(VerdictFilter::Pending), ..all() }, &["c"]),
        (Filter { survey: Some(april.id), range: Some(only("2022-05")), ..all() }, &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&store.patches(&query).await.unwrap()), expected, "{query:?}");
        assert_eq!(store.count_patches(&Filter { limit: 1, ..query.clone() }).await.unwrap(), expected.len() as u64, "{query:?}");
        let marks: Vec<_> = store.patch_marks(&query, false).await.unwrap().into_iter().map(|mark| mark.patch_id).collect();
        assert_eq!(marks, expected, "{query:?}");
    }
}

pub(super) async fn a_box_finds_what_plain_comparison_finds(store: &dyn Store) {
    // Sizes from a millimetre to the whole city, scattered without a seed: 2654435761 is Knuth's multiplier.
    let scattered = |n: u64| (n.wrapping_mul(2_654_435_761) % 100_003) as f64 / 100_003.0;
    let patches: Vec<_> = (0..2000)
        .map(|n| Patch { degrees: square(117.5 + scattered(n), 34.5 + scattered(n + 7000), 2.0_f64.powi((n % 27) as i32 - 26)), ..patch(&n.to_string()) })
        .collect();
    stored(store, &key("2022-04", "x"), patches.iter().map(|patch| (patch.clone(), finding(None))).collect()).await;
    for n in 0..100 {
        let (x, y, side) = (117.4 + 1.2 * scattered(n + 31), 34.4 + 1.2 * scattered(n + 77), scattered(n + 9).powi(4));
        let bounds = Bounds { min: [x, y], max: [x + side, y + side] };
        let expected: Vec<_> = patches.iter().filter(|patch| patch.degrees.bounds().touches(&bounds)).map(|patch| patch.patch_id.as_str()).collect();
        assert_eq!(ids(&store.patches(&Filter { bounds: Some(bounds), ..all() }).await.unwrap()), expected, "{bounds:?}");
    }
}

pub(super) async fn verdict_filters_see_the_confirmed_verdict_first(store: &dyn Store) {
    let automatic = |verdict| Finding { verdict, ..finding(None) };
    stored(
        store,
        &key("2022-04", "x"),
        vec![
            (patch("filed legal"), automatic(AutomaticVerdict::SuspectedIllegal)),
            (patch("filed doubtful"), automatic(AutomaticVerdict::Legal)),
            (patch("suspected"), automatic(AutomaticVerdict::SuspectedIllegal)),
            (patch("looks legal"), automatic(AutomaticVerdict::Legal)),
            (patch("looks doubtful"), automatic(AutomaticVerdict::Doubtful)),
        ],
    )
    .await;
    store.file_verdicts(&Scope::all(), None, &[filing("filed legal", Verdict::Legal), filing("filed doubtful", Verdict::Doubtful)]).await.unwrap();
    let cases: [(VerdictFilter, &[&str]); 4] = [
        (VerdictFilter::Pending, &["filed doubtful", "suspected", "looks legal", "looks doubtful"]),
        (VerdictFilter::Shown("legal"), &["filed legal", "looks legal"]),
        (VerdictFilter::Shown("doubtful"), &["filed doubtful", "looks doubtful"]),
        (VerdictFilter::Shown("suspected_illegal"), &["suspected"]),
    ];
    for (verdict, expected) in cases {
        assert_eq!(ids(&store.patches(&Filter { verdict: Some(verdict), ..all() }).await.unwrap()), expected, "{verdict:?}");
    }
}

pub(super) async fn marks_carry_what_a_map_needs(store: &dyn Store) {
    let repaired = Patch { repaired: Some(square(118.0, 35.0, 0.5)), ..patch_at("repaired", 118.0, 35.0) };
    stored(store, &key("2022-04", "x"), vec![(patch("plain"), finding(None)), (repaired.clone(), finding(None))]).await;
    store.file_verdicts(&Scope::all(), None, &[filing("repaired", Verdict::Illegal)]).await.unwrap();
    let marks = store.patch_marks(&all(), true).await.unwrap();
    assert_eq!(marks.iter().map(|mark| mark.verdict.as_str()).collect::<Vec<_>>(), ["suspected_illegal", "illegal"]);
    assert_eq!((&marks[0].degrees, marks[0].bounds), (&Some(patch("plain").degrees), patch("plain").degrees.bounds()));
    assert_eq!(
        (&marks[1].degrees, marks[1].bounds),
        (&repaired.repaired, square(118.0, 35.0, 0.5).bounds()),
        "the repaired outline is drawn, and its box is searched"
    );
    assert!(store.patch_marks(&all(), false).await.unwrap().iter().all(|mark| mark.degrees.is_none()));
    assert_eq!(store.patch_marks(&Filter { after: PatchPosition { survey: 1, patch: marks[0].id }, ..all() }, false).await.unwrap()[0].id, marks[1].id);
}

pub(super) async fn a_patch_that_is_not_there_is_not_found(store: &dyn Store) {
    assert!(matches!(store.patch(&Scope::all(), 1).await, Err(StoreError::NotFound { what: Thing::Patch, .. })));
    assert!(store.patches(&all()).await.unwrap().is_empty());
}

pub(super) async fn text_from_outside_is_never_sql(store: &dyn Store) {
    let nasty = "'; DROP TABLE patch; -- \" $1 ? \u{0} %";
    stored(store, &key("2022-04", nasty), vec![(patch(nasty), finding(Some(nasty)))]).await;
    for query in [Filter { patch_id: Some(nasty.to_owned()), ..all() }, Filter { county: Some(nasty.to_owned()), ..all() }] {
        assert_eq!(ids(&store.patches(&query).await.unwrap()), [nasty]);
    }
    let filed = store.file_verdicts(&Scope::all(), None, &[Filing { patch_id: nasty.to_owned(), ..filing("", Verdict::Legal) }]).await.unwrap();
    assert_eq!(filed.recorded, 1);
}
