//! Promises about months, quarters and years, and about the days of images.

use super::stored;
use crate::builders::{days, facts, finding, key, month, only, patch};
use tuban::scope::Scope;
use tuban::store::{Filter, Store, StoreError, Straddling};
use tuban_engine::model::{Days, Finding, Flag, OnConflict, Patch, PeriodRange, Survey};

/// A patch in a survey of each of these periods, in this order.
async fn one_each(store: &dyn Store, periods: &[&str]) -> Vec<Survey> {
    let mut surveys = Vec::new();
    for period in periods {
        surveys.push(stored(store, &key(period, "x"), vec![(patch(period), finding(Some("371302")))]).await);
    }
    surveys
}

fn range(from: &str, until: &str) -> PeriodRange {
    PeriodRange::new(month(from), Some(month(until))).unwrap()
}

pub(super) async fn a_month_and_the_quarter_and_year_that_it_begins_are_three_periods(store: &dyn Store) {
    // The very same file for each.
    let surveys = one_each(store, &["2022-01", "2022-Q1", "2022"]).await;
    assert_eq!(
        store.surveys(&Scope::all()).await.unwrap().iter().map(|survey| survey.facts.period.to_string()).collect::<Vec<_>>(),
        ["2022", "2022-Q1", "2022-01"]
    );
    for survey in &surveys {
        assert_eq!(store.survey(&Scope::all(), survey.id).await.unwrap(), *survey);
        match store.begin_survey(key(&survey.facts.period.to_string(), "y"), OnConflict::Reject).await {
            Err(StoreError::Conflict { period, existing, .. }) => assert_eq!((period, existing), (survey.facts.period, survey.id)),
            Ok(_) | Err(_) => panic!("not refused"),
        }
        let same = store.begin_survey(key(&survey.facts.period.to_string(), "x"), OnConflict::Add).await;
        assert!(matches!(same, Err(StoreError::AlreadyStored(there)) if there.id == survey.id));
    }
    // Replacing the quarter leaves month and year.
    let quarter = key("2022-Q1", "y");
    let writer = store.begin_survey(quarter.clone(), OnConflict::Replace).await.unwrap();
    writer.commit(facts(&quarter)).await.unwrap();
    let left: Vec<i64> = store.surveys(&Scope::all()).await.unwrap().iter().map(|survey| survey.id).collect();
    assert_eq!(left, [surveys[2].id, surveys[1].id + 2, surveys[0].id]);
}

pub(super) async fn a_range_takes_what_lies_in_it_and_names_what_straddles(store: &dyn Store) {
    let periods = ["2022-03", "2022-04", "2022-Q2", "2022-06", "2022-07", "2022", "2023-Q1"];
    let surveys = one_each(store, &periods).await;
    // Asked for → counted, straddling; the newest first. Oracle: the calendar, by hand.
    for (from, until, counted, straddling) in [
        ("2022-04", "2022-04", &["2022-04"][..], &["2022", "2022-Q2"][..]),
        ("2022-Q2", "2022-Q2", &["2022-04", "2022-Q2", "2022-06"], &["2022"]),
        ("2022-03", "2022-06", &["2022-03", "2022-04", "2022-Q2", "2022-06"], &["2022"]),
        ("2022-03", "2022-05", &["2022-03", "2022-04"], &["2022", "2022-Q2"]),
        ("2022", "2022", &["2022-03", "2022-04", "2022-Q2", "2022-06", "2022-07", "2022"], &[]),
        ("2022-Q4", "2023-02", &[], &["2023-Q1", "2022"]),
        ("2021", "2021", &[], &[]),
    ] {
        let range = range(from, until);
        let summed = store.summed(&Scope::all(), Some(range)).await.unwrap();
        let patches: u64 = summed.totals.iter().map(|county| county.pending.patches).sum();
        assert_eq!((patches as usize, summed.provenance.len()), (counted.len(), counted.len()), "{from}–{until}");
        let named: Vec<String> = summed.straddling.iter().map(|other| other.period.to_string()).collect();
        assert_eq!(named, straddling, "{from}–{until}");
        for Straddling { survey, period } in summed.straddling {
            assert!(surveys.iter().any(|one| (one.id, one.facts.period) == (survey, period)));
        }
        let query = Filter { range: Some(range), limit: 99, ..Filter::of(Scope::all()) };
        let found: Vec<String> = store.patches(&query).await.unwrap().into_iter().map(|stored| stored.patch.patch_id).collect();
        assert_eq!(found, counted, "{from}–{until}");
        assert_eq!(store.count_patches(&query).await.unwrap() as usize, counted.len());
    }
}

pub(super) async fn without_a_range_the_period_that_ends_last_is_summed(store: &dyn Store) {
    let newest = async || store.summed(&Scope::all(), None).await.unwrap().range;
    for (period, expected) in
        [("2022-Q2", "2022-Q2"), ("2022-05", "2022-Q2"), ("2022-06", "2022-06"), ("2022", "2022"), ("2022-12", "2022-12"), ("2022-Q4", "2022-12")]
    {
        one_each(store, &[period]).await;
        assert_eq!(newest().await, only(expected), "after {period}");
    }
}

pub(super) async fn days_of_images_read_back(store: &dyn Store) {
    let clear = Patch { days: days("1999-12-31", "2024-02-29"), ..patch("1") };
    let unclear = Patch { days: Days { unclear: true, ..days("2022-04-01", "2022-04-30") }, ..patch("2") };
    let flagged = Finding { flags: vec![Flag::DatesUnclear], ..finding(None) };
    stored(store, &key("2022-04", "x"), vec![(clear.clone(), finding(None)), (unclear.clone(), flagged)]).await;
    let found = store.patches(&Filter { limit: 9, ..Filter::of(Scope::all()) }).await.unwrap();
    assert_eq!(found.iter().map(|stored| stored.patch.days).collect::<Vec<_>>(), [clear.days, unclear.days]);
}
