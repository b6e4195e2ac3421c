//! Promises about confirmed verdicts and the sums over them.

use super::stored;
use crate::builders::{filing, finding, key, month, only, patch};
use tuban::scope::Scope;
use tuban::store::{Fate, Filed, Filter, NewFiling, Signing, Store, StoreError, StoredPatch, Thing};
use tuban_engine::model::{Areas, Filing, Finding, Group, PeriodRange, Totals, Verdict};

async fn find(store: &dyn Store, patch_id: &str) -> Vec<StoredPatch> {
    store.patches(&Filter { patch_id: Some(patch_id.to_owned()), limit: 9, ..Filter::of(Scope::all()) }).await.unwrap()
}

fn group(patches: u64, area_m2: f64, farmland_m2: f64) -> Group {
    Group { patches, area_m2, farmland_m2, farmland_unknown: 0 }
}

pub(super) async fn an_unknown_id_keeps_the_whole_file_out(store: &dyn Store) {
    stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    let filed = store.file_verdicts(&Scope::all(), None, &[filing("1", Verdict::Legal), filing("没有", Verdict::Legal)]).await.unwrap();
    assert_eq!(filed, Filed { recorded: 0, unknown: vec!["没有".to_owned()], ambiguous: vec![] });
    assert_eq!(find(store, "1").await[0].filing, None);
    assert_eq!(store.file_verdicts(&Scope::all(), None, &[]).await.unwrap(), Filed::default());
}

pub(super) async fn an_id_in_two_surveys_is_ambiguous_until_the_survey_is_named(store: &dyn Store) {
    stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    let may = stored(store, &key("2022-05", "x"), vec![(patch("1"), finding(None)), (patch("2"), finding(None))]).await;
    let filed = store.file_verdicts(&Scope::all(), None, &[filing("2", Verdict::Legal), filing("1", Verdict::Legal)]).await.unwrap();
    assert_eq!(filed, Filed { recorded: 0, unknown: vec![], ambiguous: vec!["1".to_owned()] });
    assert_eq!(find(store, "2").await[0].filing, None);

    let filed = store.file_verdicts(&Scope::all(), Some(may.id), &[filing("2", Verdict::Legal), filing("1", Verdict::Legal)]).await.unwrap();
    assert_eq!(filed, Filed { recorded: 2, ..Filed::default() });
    let found = find(store, "1").await;
    assert_eq!((&found[0].filing, &found[1].filing), (&None, &Some(filing("1", Verdict::Legal))));
}

pub(super) async fn the_latest_filing_counts(store: &dyn Store) {
    stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    let first = Filing { illegal_m2: 0.1 + 0.2, illegal_farmland_m2: 1.0 / 3.0, legal_m2: 5e-324, legal_farmland_m2: 0.0, ..filing("1", Verdict::Illegal) };
    store.file_verdicts(&Scope::all(), None, std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(find(store, "1").await[0].filing, Some(first));
    let second = Filing { legal_m2: 7.0, ..filing("1", Verdict::Legal) };
    store.file_verdicts(&Scope::all(), None, std::slice::from_ref(&second)).await.unwrap();
    assert_eq!(find(store, "1").await[0].filing, Some(second));
    assert_eq!(store.totals(&Scope::all(), only("2022-04")).await.unwrap()[0].illegal, group(0, 0.0, 0.0));
}

pub(super) async fn totals_sum_by_county_over_the_months(store: &dyn Store) {
    for period in ["2022-03", "2022-04", "2022-06", "2022-07"] {
        stored(
            store,
            &key(period, "x"),
            vec![
                (patch("1"), finding(Some("371311"))),
                (patch("2"), finding(Some("371302"))),
                (patch("3"), finding(None)),
                (patch("4"), finding(Some("371302"))),
            ],
        )
        .await;
    }
    let spring = PeriodRange::new(month("2022-04"), Some(month("2022-06"))).unwrap();
    let expected = |county: Option<&str>, patches: u64| Totals {
        county_code: county.map(str::to_owned),
        pending: group(patches, 10_000.0 * patches as f64, 4_000.0 * patches as f64),
        automatic_illegal_farmland_m2: 4_000.0 * patches as f64,
        ..Totals::default()
    };
    assert_eq!(store.totals(&Scope::all(), spring).await.unwrap(), [expected(Some("371302"), 4), expected(Some("371311"), 2), expected(None, 2)]);
    assert!(store.totals(&Scope::all(), only("2022-05")).await.unwrap().is_empty());
}

pub(super) async fn one_filing_adds_to_three_classes(store: &dyn Store) {
    stored(store, &key("2022-04", "x"), vec![(patch("split"), finding(None)), (patch("whole"), finding(None)), (patch("over"), finding(None))]).await;
    let filings = [
        // 10 000 m² of which 4 000 farmland: 3 000/1 000 legal, 5 000/2 500 illegal, so 2 000/500 other.
        Filing { legal_m2: 3_000.0, legal_farmland_m2: 1_000.0, illegal_m2: 5_000.0, illegal_farmland_m2: 2_500.0, ..filing("split", Verdict::Illegal) },
        filing("whole", Verdict::Other),
        // More than the patch was filed: other is nothing, not less.
        Filing { legal_m2: 11_000.0, legal_farmland_m2: 4_500.0, ..filing("over", Verdict::Legal) },
    ];
    store.file_verdicts(&Scope::all(), None, &filings).await.unwrap();
    let totals = store.totals(&Scope::all(), only("2022-04")).await.unwrap().remove(0);
    assert_eq!(totals.legal, group(1, 14_000.0, 5_500.0));
    assert_eq!(totals.illegal, group(1, 5_000.0, 2_500.0));
    assert_eq!(totals.other, group(1, 12_000.0, 4_500.0));
    assert_eq!(totals.pending, group(0, 0.0, 0.0));
    assert_eq!((totals.automatic_legal_farmland_m2, totals.automatic_illegal_farmland_m2), (0.0, 12_000.0), "of all patches, whatever was confirmed");
}

pub(super) async fn doubtful_counts_as_pending(store: &dyn Store) {
    stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(None)), (patch("2"), finding(None))]).await;
    let doubtful = Filing { legal_m2: 3_000.0, legal_farmland_m2: 1_000.0, illegal_m2: 1.0, illegal_farmland_m2: 1.0, ..filing("1", Verdict::Doubtful) };
    store.file_verdicts(&Scope::all(), None, &[doubtful]).await.unwrap();
    let totals = store.totals(&Scope::all(), only("2022-04")).await.unwrap().remove(0);
    assert_eq!(totals.pending, group(2, 20_000.0, 8_000.0));
    assert_eq!((totals.legal, totals.illegal, totals.other), (group(0, 0.0, 0.0), group(0, 0.0, 0.0), group(0, 0.0, 0.0)));
}

pub(super) async fn the_golden_row_of_the_city_comes_out(store: &dyn Store) {
    // Oracle: the city's published report, January to April: 765 patches 6771.9 亩; legal 190, 1906.9 亩 (farmland 874.4); illegal 124,
    // 358.5 亩 (farmland 174.24); the rest 451, 4506.5 亩. Spread evenly over the patches here; the sums must come out again.
    let mu = 10_000.0 / 15.0;
    let groups = [(190_u32, Verdict::Legal, 1906.9, 874.4), (124, Verdict::Illegal, 358.5, 174.24), (451, Verdict::Other, 4506.5, 0.0)];
    let (mut findings, mut filings) = (Vec::new(), Vec::new());
    for (patches, verdict, area, farmland) in groups {
        let (area_m2, farmland_m2) = (area * mu / f64::from(patches), farmland * mu / f64::from(patches));
        for n in 0..patches {
            let id = format!("{verdict}{n}");
            findings.push((patch(&id), Finding { areas: Areas { area_m2, farmland_m2, ..Areas::default() }, ..finding(Some("371302")) }));
            filings.push(match verdict {
                Verdict::Legal => Filing { legal_m2: area_m2, legal_farmland_m2: farmland_m2, ..filing(&id, verdict) },
                Verdict::Illegal => Filing { illegal_m2: area_m2, illegal_farmland_m2: farmland_m2, ..filing(&id, verdict) },
                _ => filing(&id, verdict),
            });
        }
    }
    let survey = stored(store, &key("2022-04", "x"), findings).await;
    assert_eq!(store.file_verdicts(&Scope::all(), Some(survey.id), &filings).await.unwrap().recorded, 765);
    let totals = store.totals(&Scope::all(), only("2022-04")).await.unwrap().remove(0);
    for (group, (patches, verdict, area, farmland)) in [totals.legal, totals.illegal, totals.other].into_iter().zip(groups) {
        assert_eq!(group.patches, u64::from(patches), "{verdict}");
        assert!((group.area_m2 / mu - area).abs() < 1e-9 && (group.farmland_m2 / mu - farmland).abs() < 1e-9, "{verdict}: {group:?}");
    }
    let ratio = totals.illegal.farmland_m2 / (totals.illegal.farmland_m2 + totals.legal.farmland_m2) * 100.0;
    assert_eq!(tuban_engine::model::round_half_up(ratio, 2), 16.62);
}

pub(super) async fn verdicts_for_a_survey_that_is_not_there_are_refused(store: &dyn Store) {
    assert!(matches!(store.file_verdicts(&Scope::all(), Some(9), &[]).await, Err(StoreError::NotFound { what: Thing::Survey, .. })));
}

fn new(patch_id: &str, verdict: Verdict, illegal_m2: f64) -> NewFiling {
    NewFiling { survey: None, filing: Filing { illegal_m2, ..filing(patch_id, verdict) }, slack_m2: Some(1.0) }
}

async fn file(store: &dyn Store, filings: &[NewFiling], by: &str, preview: bool) -> Vec<Fate> {
    store.file(&Scope::all(), filings, Signing { by, preview }).await.unwrap()
}

pub(super) async fn a_preview_tells_what_would_change_and_changes_nothing(store: &dyn Store) {
    stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(Some("371302"))), (patch("2"), finding(None)), (patch("3"), finding(None))]).await;
    let may = stored(store, &key("2022-05", "y"), vec![(patch("3"), finding(None))]).await;
    let first = new("1", Verdict::Illegal, 7.0);
    assert_eq!(file(store, std::slice::from_ref(&first), "张三", false).await, [Fate::New]);
    let before = store.revision().await.unwrap();
    let filings = [
        first.clone(),
        new("2", Verdict::Illegal, 5.0),
        new("3", Verdict::Other, 0.0),
        NewFiling { survey: Some(may.id), ..new("3", Verdict::Other, 0.0) },
        new("2", Verdict::Other, 0.0),
        new("4", Verdict::Other, 0.0),
        NewFiling { survey: Some(99), ..new("3", Verdict::Other, 0.0) },
    ];
    let fates = [Fate::Same, Fate::New, Fate::Ambiguous, Fate::New, Fate::Twice(1), Fate::Unknown, Fate::Unknown];
    assert_eq!(file(store, &filings, "李四", true).await, fates);
    assert_eq!(file(store, &filings, "李四", false).await, fates, "and not even without a preview is anything recorded");
    let changed = [new("1", Verdict::Illegal, 8.0), filings[1].clone()];
    assert_eq!(file(store, &changed, "李四", true).await, [Fate::Changed(first.filing.clone()), Fate::New]);
    assert_eq!(store.revision().await.unwrap(), before);
    assert_eq!((&find(store, "1").await[0].filing, &find(store, "2").await[0].filing), (&Some(first.filing), &None));
}

pub(super) async fn who_filed_it_and_when_stay_with_a_verdict_until_it_changes(store: &dyn Store) {
    stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(Some("371302")))]).await;
    assert_eq!(find(store, "1").await[0].signature, None);
    file(store, &[new("1", Verdict::Illegal, 7.0)], "张三", false).await;
    let signature = find(store, "1").await[0].signature.clone().unwrap();
    assert!(signature.by == "张三" && signature.at_ms > 1_700_000_000_000, "{signature:?}");
    let revision = store.revision().await.unwrap();
    assert_eq!(file(store, &[new("1", Verdict::Illegal, 7.000_04)], "李四", false).await, [Fate::Same], "as a CSV export has it");
    assert_eq!((find(store, "1").await[0].signature.clone().unwrap(), store.revision().await.unwrap()), (signature, revision));
    assert!(matches!(file(store, &[new("1", Verdict::Illegal, 7.001)], "李四", false).await[..], [Fate::Changed(_)]));
    assert_eq!(find(store, "1").await[0].signature.clone().unwrap().by, "李四");
}

pub(super) async fn a_filing_larger_than_the_patch_keeps_all_out(store: &dyn Store) {
    // The patch has 10 000 m², one more is allowed here.
    stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(None)), (patch("2"), finding(None))]).await;
    let two = |legal_m2: f64| {
        let mut larger = new("2", Verdict::Illegal, 4_000.0);
        larger.filing.legal_m2 = legal_m2;
        [new("1", Verdict::Illegal, 10_001.0), larger]
    };
    assert_eq!(file(store, &two(6_001.5), "", false).await, [Fate::New, Fate::TooLarge(10_000.0)]);
    assert_eq!(find(store, "1").await[0].filing, None);
    assert_eq!(file(store, &two(6_001.0), "", false).await, [Fate::New, Fate::New]);
}
