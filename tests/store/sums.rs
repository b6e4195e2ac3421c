//! Promises about sums: exact, so that no order of the rows and no database shows in them.

use super::{on, stored};
use crate::builders::{facts, filing, finding, key, month, only, patch};
use num_rational::BigRational;
use num_traits::ToPrimitive;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use tuban::scope::Scope;
use tuban::store::Store;
use tuban_engine::model::{Areas, AutomaticVerdict, Filing, Finding, NewSurvey, OnConflict, Patch, PeriodRange, Provenance, Reason, Totals, Verdict};

const MONTHS: [&str; 3] = ["2022-04", "2022-05", "2022-06"];

/// Areas of every size from 2⁻⁸ m² to more than China, 2⁴³ m², to the last bit: nothing that doubles could add without rounding.
fn hostile(seed: u64, count: usize) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| f64::from_bits((1015 + random.next_u64() % 51) << 52 | random.next_u64() >> 12)).collect()
}

/// Three orders of the same areas: as they came, the smallest first, the largest first.
fn orders(areas: &[f64]) -> [Vec<f64>; 3] {
    let mut sorted = areas.to_vec();
    sorted.sort_by(f64::total_cmp);
    let falling = sorted.iter().rev().copied().collect();
    [areas.to_vec(), sorted, falling]
}

/// The oracle: the sum in rational arithmetic, rounded once.
fn exactly(areas: impl IntoIterator<Item = f64>) -> f64 {
    areas.into_iter().map(|area| BigRational::from_float(area).unwrap()).sum::<BigRational>().to_f64().unwrap()
}

fn of_area(patch_id: usize, area_m2: f64) -> (Patch, Finding) {
    let areas = Areas { area_m2, farmland_m2: area_m2 / 3.0, ..Areas::default() };
    let found = Finding { areas, automatic_legal_farmland_m2: area_m2 / 7.0, automatic_illegal_farmland_m2: area_m2 / 5.0, ..finding(Some("371302")) };
    (patch(&patch_id.to_string()), found)
}

async fn totals(store: &dyn Store, period: &str) -> Totals {
    store.totals(&Scope::all(), only(period)).await.unwrap().remove(0)
}

pub(super) async fn any_order_of_the_same_areas_has_the_one_exact_sum(store: &dyn Store) {
    for (seed, county) in [(1, "371302"), (2, "371311"), (3, "371312"), (4, "371321")] {
        let areas = hostile(seed, 150);
        let orders = orders(&areas);
        let plain = orders.each_ref().map(|order| order.iter().sum::<f64>());
        assert!(plain[0] != plain[1] || plain[1] != plain[2], "plain addition must not do");
        for (period, order) in MONTHS.iter().zip(&orders) {
            let of_county = |(patch, found)| (patch, Finding { county_code: Some(county.to_owned()), ..found });
            let findings = order.iter().enumerate().map(|(n, area)| of_county(of_area(n, *area))).collect();
            stored(store, &key(period, county), findings).await;
            let sums = store.totals(&Scope::all(), only(period)).await.unwrap().into_iter().find(|sums| sums.county_code.as_deref() == Some(county)).unwrap();
            assert_eq!(sums.pending.area_m2, exactly(areas.clone()), "{county} {period}");
            // A third may have bits below 2⁻⁶⁰ m², which leave no trace in sums as large as these.
            assert_eq!(sums.pending.farmland_m2, exactly(areas.iter().map(|area| area / 3.0)), "{county} {period}");
            assert_eq!(sums.automatic_legal_farmland_m2, exactly(areas.iter().map(|area| area / 7.0)), "{county} {period}");
            assert_eq!(sums.automatic_illegal_farmland_m2, exactly(areas.iter().map(|area| area / 5.0)), "{county} {period}");
        }
        // Over several surveys it is rounded once, not once a survey.
        let spring = PeriodRange::new(month(MONTHS[0]), Some(month(MONTHS[2]))).unwrap();
        let sums = store.totals(&Scope::all(), spring).await.unwrap().into_iter().find(|sums| sums.county_code.as_deref() == Some(county)).unwrap();
        assert_eq!((sums.pending.patches, sums.pending.area_m2), (450, exactly(orders.concat())), "{county}");
    }
}

pub(super) async fn verdicts_have_exact_sums_too(store: &dyn Store) {
    let areas = hostile(5, 120);
    for (period, order) in MONTHS.iter().zip(orders(&areas)) {
        let survey = stored(store, &key(period, "x"), order.iter().enumerate().map(|(n, area)| of_area(n, *area)).collect()).await;
        let part = |n: usize, area: f64| Filing {
            legal_m2: area / 7.0,
            legal_farmland_m2: area / 9.0,
            illegal_m2: area / 11.0,
            illegal_farmland_m2: area / 13.0,
            ..filing(&n.to_string(), Verdict::Illegal)
        };
        let filings: Vec<Filing> = order.iter().enumerate().map(|(n, area)| part(n, *area)).collect();
        store.file_verdicts(&Scope::all(), Some(survey.id), &filings).await.unwrap();
        let sums = totals(store, period).await;
        let of = |share: fn(f64) -> f64| exactly(areas.iter().map(|area| share(*area)));
        assert_eq!((sums.legal.area_m2, sums.legal.farmland_m2), (of(|area| area / 7.0), of(|area| area / 9.0)), "{period}");
        assert_eq!((sums.illegal.area_m2, sums.illegal.farmland_m2), (of(|area| area / 11.0), of(|area| area / 13.0)), "{period}");
        assert_eq!(sums.other.area_m2, of(|area| area - area / 7.0 - area / 11.0), "{period}");
        assert_eq!(sums.other.farmland_m2, of(|area| area / 3.0 - area / 9.0 - area / 13.0), "{period}");
        assert_eq!(sums.pending, tuban_engine::model::Group::default(), "{period}");
    }
}

pub(super) async fn the_largest_areas_that_are_taken_do_not_overflow_a_sum(store: &dyn Store) {
    // A filing is taken below 1e13 m² (service::filings); 2⁶³ m² hold 900 000 of them.
    let largest = 1e13_f64.next_down();
    stored(store, &key("2022-04", "x"), (0..1000).map(|n| of_area(n, largest)).collect()).await;
    assert_eq!(totals(store, "2022-04").await.pending.area_m2, exactly(vec![largest; 1000]));
}

pub(super) async fn specks_are_summed_in_units_of_a_billionth_of_a_billionth(store: &dyn Store) {
    // 2⁻⁶⁰ m² is the unit. Half a unit goes to the even one, 0 or 2 units, whichever database rounds.
    let unit = 1.0 / (1_u64 << 60) as f64;
    for (period, units, expected) in [("2022-04", 0.5, 0.0), ("2022-05", 1.5, 2.0), ("2022-06", 2.5, 2.0), ("2022-07", 5e-324, 0.0), ("2022-08", 3.0, 3.0)] {
        stored(store, &key(period, "x"), vec![of_area(1, units * unit)]).await;
        assert_eq!(totals(store, period).await.pending.area_m2, expected * unit, "{units}");
    }
}

/// Oracle: by hand. Of patches 1 to 5 in 兰山区 and one in no county nobody knows the farmland: 1 and 4 are pending, 2 is filed whole, 3 and 5 leave a rest.
pub(super) async fn patches_of_unknown_farmland_are_counted_by_county_and_class(store: &dyn Store) {
    let areas = Areas { area_m2: 10_000.0, ..Areas::default() };
    let unsurveyed =
        |county| Finding { areas, verdict: AutomaticVerdict::Doubtful, reason: Reason::NoFarmlandLayer, automatic_illegal_farmland_m2: 0.0, ..finding(county) };
    let mut found: Vec<(Patch, Finding)> = ["1", "2", "3", "4", "5"].map(|id| (patch(id), unsurveyed(Some("371302")))).into();
    found.extend([(patch("6"), unsurveyed(None)), (patch("known"), finding(Some("371302")))]);
    let april = key("2022-04", "x");
    let mut writer = store.begin_survey(april.clone(), OnConflict::Reject).await.unwrap();
    let resting = on(&mut *writer, found, &Provenance { layers: Vec::new(), rule: "2022-1".to_owned() }).await;
    writer.push(resting).await.unwrap();
    let survey = writer.commit(NewSurvey { patches: 7, farmland_unknown: 6, ..facts(&april) }).await.unwrap();
    stored(store, &key("2022-05", "y"), vec![(patch("may"), finding(Some("371302")))]).await;
    let filings = [
        Filing { legal_m2: 10_000.0, legal_farmland_m2: 3_000.0, ..filing("2", Verdict::Legal) },
        Filing { illegal_m2: 4_000.0, illegal_farmland_m2: 1_000.0, ..filing("3", Verdict::Illegal) },
        filing("4", Verdict::Doubtful),
        filing("5", Verdict::Other),
    ];
    store.file_verdicts(&Scope::all(), Some(survey.id), &filings).await.unwrap();

    let spring = PeriodRange::new(month("2022-04"), Some(month("2022-05"))).unwrap();
    for (range, known) in [(only("2022-04"), 1), (spring, 2)] {
        let sums = store.totals(&Scope::all(), range).await.unwrap();
        let [lanshan, nowhere] = sums.as_slice() else { panic!("{sums:?}") };
        let unknown = [lanshan.legal, lanshan.illegal, lanshan.other, lanshan.pending, lanshan.taken_off].map(|group| group.farmland_unknown);
        assert_eq!((unknown, lanshan.farmland_unknown), ([0, 0, 2, 2, 0], 5), "{range:?}");
        assert_eq!((lanshan.pending.patches, lanshan.pending.farmland_m2, lanshan.pending.farmland()), (2 + known, 4_000.0 * known as f64, None), "{range:?}");
        assert_eq!((lanshan.legal.farmland(), lanshan.illegal.farmland()), (Some(3_000.0), Some(1_000.0)), "{range:?}");
        assert_eq!((nowhere.county_code.as_deref(), nowhere.pending.farmland_unknown, nowhere.farmland_unknown), (None, 1, 1), "{range:?}");
    }
    let may = store.totals(&Scope::all(), only("2022-05")).await.unwrap().remove(0);
    assert_eq!((may.farmland_unknown, may.pending.farmland()), (0, Some(4_000.0)));
}
