//! Promises about what is written and not published yet: nobody sees it, nobody waits for it, and nothing is left of it where it is not published.

use super::layers::{resting_on, stored_layer};
use super::{on, stored, stored_on};
use crate::builders::{facts, feature, filing, finding, key, layer, only, patch, patch_at, reject};
use std::fmt::Debug;
use std::time::Duration;
use tuban::scope::Scope;
use tuban::store::{Filter, PatchPosition, Store, StoreError, SurveyWriter};
use tuban_engine::model::{Finding, LayerFeature, LayerKind, LeftOut, NewSurvey, OnConflict, Patch, Provenance, Survey, Verdict, Words};
use tuban_geom::{Bounds, Outline};

/// Far above what any of this takes, far below what a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes that are more than a portion, whatever the database.
const LARGE: usize = 5 << 20;

fn april() -> Provenance {
    Provenance { layers: Vec::new(), rule: "2022-1".to_owned() }
}

/// `count` patches with these names, side by side.
fn patches(name: &str, count: u32) -> Vec<(Patch, Finding)> {
    let at = |n: u32| (118.3 + 0.0015 * f64::from(n % 200), 35.0 + 0.0015 * f64::from(n / 200));
    (0..count).map(|n| (patch_at(&format!("{name}{n}"), at(n).0, at(n).1), finding(Some("371302")))).collect()
}

/// These, and one so large that it is written at once.
fn and_a_large_one(mut patches: Vec<(Patch, Finding)>) -> Vec<(Patch, Finding)> {
    let (patch, finding) = patches[0].clone();
    let large = Patch { patch_id: format!("{} large", patch.patch_id), attributes: format!("\"{}\"", "x".repeat(LARGE)), ..patch };
    patches.push((large, finding));
    patches
}

/// A feature of so many corners that it is written at once.
fn large_feature() -> LayerFeature {
    let corners = (0..LARGE / 3 / 16).map(|n| (n as f64 * 1e-4).sin_cos()).map(|(y, x)| [118.3 + 0.001 * x, 35.0 + 0.001 * y]);
    let outline = Outline::polygon(&[corners.collect::<Vec<_>>()]);
    LayerFeature { source: Some(outline.clone()), repaired: Some(outline.clone()), degrees: outline, ..feature(2, 118.3, 35.0) }
}

/// A survey of so many patches that is written but for its publication.
async fn written(store: &dyn Store, period: &str, on_conflict: OnConflict, count: u32) -> (Box<dyn SurveyWriter>, NewSurvey) {
    let key = key(period, &format!("of {period} {count}"));
    let mut writer = store.begin_survey(key.clone(), on_conflict).await.unwrap();
    let resting = on(&mut *writer, patches(period, count), &april()).await;
    writer.push(resting).await.unwrap();
    writer.push_rejects(vec![reject(7)]).await.unwrap();
    writer.own_places().await.unwrap();
    (writer, NewSurvey { patches: u64::from(count), rejected: 1, ..facts(&key) })
}

fn said(all: &mut Vec<String>, what: &str, answer: &impl Debug) {
    all.push(format!("{what}: {answer:?}"));
}

/// What every question is answered, also about numbers that nobody was told.
async fn everything(store: &dyn Store) -> Vec<String> {
    let (mut all, everywhere) = (Vec::new(), Bounds { min: [117.0, 34.0], max: [120.0, 37.0] });
    said(&mut all, "revision", &store.revision().await);
    said(&mut all, "surveys", &store.surveys(&Scope::all()).await);
    said(&mut all, "layers", &store.layers().await);
    said(&mut all, "withdrawn", &store.withdrawn().await);
    let all_patches = Filter { limit: 99_999, ..Filter::of(Scope::all()) };
    for query in [
        all_patches.clone(),
        Filter { bounds: Some(everywhere), ..all_patches.clone() },
        Filter { county: Some("371302".to_owned()), ..all_patches.clone() },
        Filter { range: Some(only("2022-05")), ..all_patches.clone() },
        Filter { patch_id: Some("2022-050".to_owned()), ..all_patches.clone() },
        Filter { after: PatchPosition { survey: 1, patch: 1 }, ..all_patches },
    ] {
        said(&mut all, "count", &store.count_patches(&query).await);
        said(&mut all, "patches", &store.patches(&query).await);
        said(&mut all, "marks", &store.patch_marks(&query, true).await);
    }
    for range in [None, Some(only("2022-04")), Some(only("2022-05"))] {
        said(&mut all, "sums", &store.summed(&Scope::all(), range).await);
    }
    said(&mut all, "sharing", &store.sharing(&Scope::all()).await);
    said(&mut all, "taken off", &store.taken_off(&Scope::all(), &(0..30).collect::<Vec<_>>(), None).await);
    let asked = filing("2022-050", Verdict::Legal);
    said(&mut all, "verdict", &store.file_verdicts(&Scope::all(), None, &[asked]).await);
    for number in 0..6 {
        said(&mut all, "survey", &store.survey(&Scope::all(), number).await);
        said(&mut all, "provenance", &store.provenance(number).await);
        said(&mut all, "rejects", &store.rejects(number, 0, 99).await);
        said(&mut all, "days", &store.days_and_sets(number).await);
        said(&mut all, "sharing of", &store.sharing_of(&Scope::all(), number, 0, 99).await);
        said(&mut all, "history", &store.history(number).await);
        said(&mut all, "left out", &store.left_out(number).await);
        said(&mut all, "within", &store.features_within(number, &everywhere, 9).await);
        let mut features = Vec::new();
        let outcome = store.each_feature(number, &mut |some| features.extend(some)).await;
        said(&mut all, "features", &(outcome, features));
    }
    for number in (0..30).chain([5000]) {
        said(&mut all, "patch", &store.patch(&Scope::all(), number).await);
        said(&mut all, "former", &store.former_findings(number).await);
    }
    all
}

pub(super) async fn what_is_not_published_is_invisible(store: &dyn Store) {
    let april_key = key("2022-04", "x");
    stored_layer(store, layer(LayerKind::County, "2022-01-01"), vec![feature(1, 118.3, 35.0)]).await;
    let survey = stored(store, &april_key, patches("a", 3)).await;
    let before = everything(store).await;

    let (survey_writer, _) = written(store, "2022-05", OnConflict::Reject, 30).await;
    let mut layer_writer = store.begin_layer().await.unwrap();
    layer_writer.push(vec![feature(1, 118.3, 35.0), large_feature()]).await.unwrap();
    layer_writer.leave_out(vec![LeftOut { row: 3, code: "x".to_owned(), reason: Words::new("一", "one"), bounds: None }]).await.unwrap();
    let mut findings = store.begin_reclassification(survey.id).await.unwrap();
    let layer_set = findings.layer_set(&april(), [118.0, 35.0]).await.unwrap();
    let own: Vec<i64> = findings.own_places().await.unwrap().iter().map(|place| place.patch).collect();
    findings.keep_former(own.iter().map(|patch| (*patch, finding(None))).collect(), Some("王")).await.unwrap();
    findings.push(own.iter().map(|patch| (*patch, Finding { layer_set, ..finding(None) })).collect()).await.unwrap();
    let meanwhile = everything(store).await;
    for (was, is) in before.iter().zip(&meanwhile) {
        assert_eq!(was, is);
    }

    survey_writer.abandon().await.unwrap();
    layer_writer.abandon().await.unwrap();
    findings.abandon().await.unwrap();
    assert!(everything(store).await == before);
    assert_eq!(store.remove_unpublished(Duration::ZERO).await.unwrap(), 0, "nothing is left");
}

pub(super) async fn others_write_between_the_portions_of_a_long_one(store: &dyn Store) {
    stored(store, &key("2022-04", "x"), patches("a", 3)).await;
    let mut long = store.begin_survey(key("2022-05", "long"), OnConflict::Reject).await.unwrap();
    let mut written = 0;
    for round in 0..5_u32 {
        let resting = on(&mut *long, and_a_large_one(patches(&format!("long{round}-"), 20)), &april()).await;
        written += resting.len() as u64;
        long.push(resting).await.unwrap();
        let others = async {
            let verdict = filing("a1", [Verdict::Legal, Verdict::Illegal][round as usize % 2]);
            assert_eq!(store.file_verdicts(&Scope::all(), None, &[verdict]).await.unwrap().recorded, 1);
            stored(store, &key("2022-06", &format!("short {round}")), patches(&format!("short{round}-"), 10)).await;
        };
        tokio::time::timeout(PATIENCE, others).await.expect("nobody waits for a long import");
    }
    assert_eq!(store.surveys(&Scope::all()).await.unwrap().len(), 6, "the long one is not there yet");
    long.commit(NewSurvey { patches: written, ..facts(&key("2022-05", "long")) }).await.unwrap();
    assert_eq!(store.count_patches(&Filter { range: Some(only("2022-05")), limit: 1, ..Filter::of(Scope::all()) }).await.unwrap(), written);
    assert_eq!(store.count_patches(&Filter { limit: 1, ..Filter::of(Scope::all()) }).await.unwrap(), written + 3 + 50);
}

pub(super) async fn a_writer_that_was_silent_for_too_long_can_write_no_more(store: &dyn Store) {
    let (survey, facts) = written(store, "2022-05", OnConflict::Reject, 30).await;
    let mut layer_writer = store.begin_layer().await.unwrap();
    layer_writer.push(vec![feature(1, 118.3, 35.0)]).await.unwrap();
    assert_eq!(store.remove_unpublished(Duration::from_mins(10)).await.unwrap(), 0, "both were heard of");
    assert_eq!(store.remove_unpublished(Duration::ZERO).await.unwrap(), 2);
    assert!(matches!(survey.commit(facts).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(layer_writer.commit(layer(LayerKind::County, "2022-01-01")).await, Err(StoreError::Unavailable(_))));
    assert!(store.surveys(&Scope::all()).await.unwrap().is_empty() && store.layers().await.unwrap().is_empty());
    assert_eq!(store.remove_unpublished(Duration::ZERO).await.unwrap(), 0);
}

pub(super) async fn whether_a_survey_may_come_is_decided_again_when_it_is_published(store: &dyn Store) {
    let two = [written(store, "2022-05", OnConflict::Reject, 3).await, written(store, "2022-05", OnConflict::Reject, 3).await];
    let other = written(store, "2022-05", OnConflict::Reject, 4).await;
    let replacing = written(store, "2022-05", OnConflict::Replace, 5).await;
    let [first, second] = two;
    let stored = first.0.commit(first.1).await.unwrap();
    // Neither of these looked at ground after that one came.
    for (late, facts) in [second, other] {
        let mut late = late;
        late.own_places().await.unwrap();
        let refused = late.commit(facts.clone()).await.unwrap_err();
        match refused {
            StoreError::AlreadyStored(same) => assert_eq!((same.id, facts.patches), (stored.id, 3)),
            StoreError::Conflict { existing, .. } => assert_eq!((existing, facts.patches), (stored.id, 4)),
            other => panic!("{other}"),
        }
    }
    let (mut replacing, facts) = replacing;
    replacing.own_places().await.unwrap();
    assert!(replacing.publish(&facts).await.unwrap().is_some(), "what it replaces came after it began");
    assert_eq!(store.withdrawn().await.unwrap().iter().map(|gone| gone.survey.id).collect::<Vec<_>>(), [stored.id]);
}

pub(super) async fn ground_is_looked_at_again_where_other_surveys_came_meanwhile(store: &dyn Store) {
    let (mut writer, facts) = written(store, "2022-05", OnConflict::Reject, 3).await;
    stored(store, &key("2022-04", "x"), patches("a", 3)).await;
    assert_eq!(writer.publish(&facts).await.unwrap(), None, "another survey came since");
    let bounds: Vec<Bounds> = writer.own_places().await.unwrap().iter().map(|place| place.bounds).collect();
    let mut near = 0;
    writer.places_near(&bounds, &mut |places| near += places.len()).await.unwrap();
    assert_eq!(near, 6, "its own and the other's");
    store.file_verdicts(&Scope::all(), None, &[filing("a1", Verdict::Legal)]).await.unwrap();
    writer.stop_others().await.unwrap();
    writer.own_places().await.unwrap();
    assert_eq!(writer.publish(&facts).await.unwrap().unwrap().facts.patches, 3);
}

pub(super) async fn of_two_reclassifications_of_a_survey_one_comes_first(store: &dyn Store) {
    let survey = stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    let begin = async |m2: f64| {
        let mut writer = store.begin_reclassification(survey.id).await.unwrap();
        let layer_set = writer.layer_set(&april(), [118.0, 35.0]).await.unwrap();
        let patch = store.patches(&Filter { limit: 1, ..Filter::of(Scope::all()) }).await.unwrap()[0].id;
        writer.push(vec![(patch, Finding { layer_set, automatic_illegal_farmland_m2: m2, ..finding(None) })]).await.unwrap();
        writer
    };
    let (first, second, third) = (begin(1.0).await, begin(2.0).await, begin(3.0).await);
    first.commit(survey.facts.clone()).await.unwrap();
    assert!(matches!(second.commit(survey.facts.clone()).await, Err(StoreError::Unavailable(_))), "its findings are no longer the newest");
    let found = store.patches(&Filter { limit: 9, ..Filter::of(Scope::all()) }).await.unwrap();
    assert_eq!((found.len(), found[0].finding.automatic_illegal_farmland_m2), (1, 1.0));
    store.withdraw(survey.id, &tuban_engine::model::Decision::default()).await.unwrap();
    assert!(matches!(third.commit(survey.facts.clone()).await, Err(StoreError::NotFound { .. })));
}

pub(super) async fn a_layer_stays_while_findings_are_written_that_rest_on_it(store: &dyn Store) {
    let parcels = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.3, 35.0)]).await;
    let mut writer = store.begin_survey(key("2022-05", "x"), OnConflict::Reject).await.unwrap();
    let resting = on(&mut *writer, patches("a", 1), &resting_on(&parcels)).await;
    writer.push(resting).await.unwrap();
    assert!(matches!(store.remove_layer(parcels.id).await, Err(StoreError::LayerInUse { .. })));
    writer.abandon().await.unwrap();
    store.remove_layer(parcels.id).await.unwrap();
    let _: Survey = stored_on(store, &key("2022-05", "x"), patches("a", 1), &april()).await;
}
