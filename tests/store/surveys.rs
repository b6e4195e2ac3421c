//! Promises about surveys.

use super::layers::{resting_on, stored_layer};
use super::{stored, stored_on};
use crate::builders::{facts, feature, filing, finding, key, layer, only, patch, patch_at, reject};
use tuban::scope::Scope;
use tuban::store::{Filter, Store, StoreError, SurveyKey, Thing};
use tuban_engine::model::{LayerKind, LayerUsed, Level, NewSurvey, OnConflict, PatchIdSource, Provenance, Reject, Verdict, VerdictCounts, Words};

pub(super) async fn a_survey_reads_back_as_it_was_stored(store: &dyn Store) {
    let key = key("2022-04", &"ab".repeat(32));
    let new = NewSurvey {
        name: "二〇二二年四月 (终).geojson".to_owned(),
        patches: 4,
        repaired: 1,
        rejected: 2,
        outside: 3,
        patch_id_source: PatchIdSource::FeatureId,
        fields: [("patch_id".to_owned(), "图斑号".to_owned()), ("county_code".to_owned(), "XZQDM".to_owned())].into(),
        verdicts: VerdictCounts { legal: 1, suspected_illegal: 1, other: 1, doubtful: 1 },
        area_m2: 0.1 + 0.2,
        farmland_m2: 1.0 / 3.0,
        farmland_unknown: 1,
        warnings: vec![Words::new("坐标只有 6 位小数", "only six decimals")],
        ..facts(&key)
    };
    let writer = store.begin_survey(key, OnConflict::Reject).await.unwrap();
    let survey = writer.commit(new.clone()).await.unwrap();
    assert_eq!(survey.facts, new);
    assert!(survey.created_ms > 1_600_000_000_000, "milliseconds, not seconds");
    assert_eq!(store.survey(&Scope::all(), survey.id).await.unwrap(), survey);
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [survey]);
}

pub(super) async fn the_same_file_is_not_stored_twice_whatever_is_asked(store: &dyn Store) {
    let key = key("2022-04", "same");
    let first = stored(store, &key, vec![(patch("1"), finding(None))]).await;
    for on_conflict in OnConflict::ALL {
        match store.begin_survey(key.clone(), *on_conflict).await {
            Err(StoreError::AlreadyStored(there)) => assert_eq!(*there, first),
            Ok(_) | Err(_) => panic!("{on_conflict}"),
        }
    }
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [first]);
}

pub(super) async fn the_same_file_may_come_for_another_month_or_level(store: &dyn Store) {
    let april = key("2022-04", "same");
    stored(store, &april, vec![]).await;
    for other in [key("2022-05", "same"), SurveyKey { level: Level::Province, ..april }] {
        let writer = store.begin_survey(other.clone(), OnConflict::Reject).await.unwrap();
        writer.commit(facts(&other)).await.unwrap();
    }
    assert_eq!(store.surveys(&Scope::all()).await.unwrap().len(), 3);
}

pub(super) async fn a_second_survey_of_a_month_is_refused_by_default(store: &dyn Store) {
    let first = stored(store, &key("2022-04", "one"), vec![]).await;
    match store.begin_survey(key("2022-04", "two"), OnConflict::Reject).await {
        Err(StoreError::Conflict { period, level, existing }) => assert_eq!((period, level, existing), (first.facts.period, Level::City, first.id)),
        Ok(_) | Err(_) => panic!("not refused"),
    }
}

pub(super) async fn replacing_leaves_nothing_of_the_old_ones_in_sight(store: &dyn Store) {
    let (one, two) = (key("2022-04", "one"), key("2022-04", "two"));
    let old = stored(store, &one, vec![(patch("1"), finding(Some("371302")))]).await;
    stored(store, &two, vec![(patch("2"), finding(Some("371302")))]).await;
    let other_month = stored(store, &key("2022-05", "one"), vec![(patch("3"), finding(Some("371302")))]).await;
    store.file_verdicts(&Scope::all(), Some(old.id), &[filing("1", Verdict::Legal)]).await.unwrap();
    let old_patch = store.patches(&Filter { survey: Some(old.id), limit: 9, ..Filter::of(Scope::all()) }).await.unwrap().remove(0);

    let three = key("2022-04", "three");
    let mut writer = store.begin_survey(three.clone(), OnConflict::Replace).await.unwrap();
    writer.push(vec![(patch_at("1", 118.4, 35.0), finding(Some("371302")))]).await.unwrap();
    let new = writer.commit(facts(&three)).await.unwrap();

    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [other_month, new.clone()]);
    let left = store.patches(&Filter { range: Some(only("2022-04")), limit: 9, ..Filter::of(Scope::all()) }).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].survey_id, &left[0].filing), (new.id, &None), "its outline is another one: the confirmed verdict went with its patch");
    assert!(left[0].id > old_patch.id, "a link to the old patch must not lead to a new one");
    assert!(matches!(store.patch(&Scope::all(), old_patch.id).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.rejects(old.id, 0, 9).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.provenance(old.id).await, Err(StoreError::NotFound { .. })));
}

pub(super) async fn adding_keeps_both(store: &dyn Store) {
    stored(store, &key("2022-04", "one"), vec![(patch("1"), finding(None))]).await;
    let two = key("2022-04", "two");
    let mut writer = store.begin_survey(two.clone(), OnConflict::Add).await.unwrap();
    writer.push(vec![(patch("1"), finding(None))]).await.unwrap();
    writer.commit(facts(&two)).await.unwrap();
    assert_eq!(store.surveys(&Scope::all()).await.unwrap().len(), 2);
    assert_eq!(store.totals(&Scope::all(), only("2022-04")).await.unwrap()[0].pending.patches, 2);
}

pub(super) async fn surveys_come_newest_period_first(store: &dyn Store) {
    for period in ["2022-04", "2023-01", "2021-12", "2022-12", "2022-05"] {
        stored(store, &key(period, "x"), vec![]).await;
    }
    let order: Vec<_> = store.surveys(&Scope::all()).await.unwrap().into_iter().map(|survey| survey.facts.period.to_string()).collect();
    assert_eq!(order, ["2023-01", "2022-12", "2022-05", "2022-04", "2021-12"]);
}

pub(super) async fn rejects_come_by_row_and_page_by_page(store: &dyn Store) {
    let key = key("2022-04", "x");
    let mut writer = store.begin_survey(key.clone(), OnConflict::Reject).await.unwrap();
    let bare = Reject { patch_id: None, ring: None, vertex: Some(u32::MAX), reason: Words::new("“引号”", ""), ..reject(1000) };
    writer.push_rejects(vec![bare.clone(), reject(3)]).await.unwrap();
    writer.push_rejects((4..=200).rev().map(reject).collect()).await.unwrap();
    let survey = writer.commit(facts(&key)).await.unwrap();

    let mut expected: Vec<_> = (3..=200).map(reject).collect();
    expected.push(bare);
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = store.rejects(survey.id, after, 64).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.row;
        all.extend(page);
    }
    assert_eq!(all, expected);
    assert!(store.rejects(survey.id, u64::MAX, 64).await.unwrap().is_empty());
}

pub(super) async fn provenance_reads_back_with_files_of_the_command_line(store: &dyn Store) {
    let farmland = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.0, 35.0)]).await;
    let mut provenance = Provenance { rule: "规则 2".to_owned(), ..resting_on(&farmland) };
    provenance.layers.insert(0, LayerUsed { id: 0, kind: LayerKind::Approved, name: "批准.geojson".to_owned(), effective: "2022-03-01".to_owned() });
    let survey = stored_on(store, &key("2022-04", "x"), vec![(patch("1"), finding(None))], &provenance).await;
    assert_eq!(store.provenance(survey.id).await.unwrap(), provenance);
    let on_nothing = stored_on(store, &key("2022-05", "x"), vec![(patch("1"), finding(None))], &Provenance { layers: vec![], rule: "r".to_owned() }).await;
    assert_eq!(store.provenance(on_nothing.id).await.unwrap(), Provenance { layers: vec![], rule: "r".to_owned() });
}

pub(super) async fn a_survey_cannot_rest_on_a_layer_that_is_gone(store: &dyn Store) {
    let gone = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.0, 35.0)]).await;
    store.remove_layer(gone.id).await.unwrap();
    let key = key("2022-04", "x");
    let mut writer = store.begin_survey(key.clone(), OnConflict::Reject).await.unwrap();
    writer.push(vec![(patch("1"), finding(None))]).await.unwrap();
    let refused = writer.layer_set(&resting_on(&gone), [118.0, 35.0]).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: Thing::Layer, .. })), "{refused:?}");
    drop(writer);
    assert!(store.surveys(&Scope::all()).await.unwrap().is_empty());
}

pub(super) async fn a_survey_that_turns_out_to_be_another_one_is_not_stored_twice(store: &dyn Store) {
    let first = stored(store, &key("2022-04", "one"), vec![]).await;
    let mut writer = store.begin_survey(key("2022-05", "two"), OnConflict::Reject).await.unwrap();
    writer.push(vec![(patch("1"), finding(None))]).await.unwrap();
    let refused = writer.commit(facts(&key("2022-04", "one"))).await;
    assert!(matches!(refused, Err(StoreError::AlreadyStored(there)) if *there == first));
    assert!(store.patches(&Filter { limit: 9, ..Filter::of(Scope::all()) }).await.unwrap().is_empty());
}

pub(super) async fn a_survey_that_is_not_there_is_not_found(store: &dyn Store) {
    assert!(matches!(store.survey(&Scope::all(), 9).await, Err(StoreError::NotFound { what: Thing::Survey, .. })));
    assert!(matches!(store.provenance(9).await, Err(StoreError::NotFound { what: Thing::Survey, .. })));
    assert!(matches!(store.rejects(9, 0, 9).await, Err(StoreError::NotFound { what: Thing::Survey, .. })));
}
