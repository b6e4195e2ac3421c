//! All of it together, as it happens in a year.

use super::layers::{resting_on, stored_layer};
use crate::builders::{facts, feature, filing, finding, key, layer, month, only, patch, patch_at, reject};
use tuban::scope::Scope;
use tuban::store::{Filter, Store, StoreError, VerdictFilter};
use tuban_engine::model::{Filing, Finding, LayerKind, NewSurvey, OnConflict, PeriodRange, Verdict};

pub(super) async fn a_year_in_the_city(store: &dyn Store) {
    // Two versions of the farmland come in; the older one was used by nobody and may go.
    let draft = stored_layer(store, layer(LayerKind::Farmland, "2021-01-01"), vec![feature(1, 118.3, 35.0)]).await;
    let farmland = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), vec![feature(1, 118.3, 35.0), feature(2, 118.301, 35.0)]).await;
    store.remove_layer(draft.id).await.unwrap();

    // April arrives, with one feature that had to be refused.
    let april_key = key("2022-04", "april");
    let mut writer = store.begin_survey(april_key.clone(), OnConflict::Reject).await.unwrap();
    let three = ["1", "2", "3"].map(|id| (patch(id), finding(Some("371302")))).to_vec();
    let resting = super::on(&mut *writer, three, &resting_on(&farmland)).await;
    writer.push(resting).await.unwrap();
    writer.push_rejects(vec![reject(4)]).await.unwrap();
    let april = writer.commit(NewSurvey { patches: 3, rejected: 1, ..facts(&april_key) }).await.unwrap();
    assert!(matches!(store.remove_layer(farmland.id).await, Err(StoreError::LayerInUse { findings: 3, .. })));

    // The county files; a slip in an id keeps everything out; then all is recorded.
    let illegal = Filing { illegal_m2: 10_000.0, illegal_farmland_m2: 4_000.0, ..filing("1", Verdict::Illegal) };
    let legal = Filing { legal_m2: 10_000.0, legal_farmland_m2: 4_000.0, ..filing("2", Verdict::Legal) };
    assert_eq!(store.file_verdicts(&Scope::all(), None, &[illegal.clone(), filing("4", Verdict::Other)]).await.unwrap().unknown, ["4"]);
    assert_eq!(store.file_verdicts(&Scope::all(), None, &[illegal, legal]).await.unwrap().recorded, 2);
    let totals = store.totals(&Scope::all(), only("2022-04")).await.unwrap().remove(0);
    assert_eq!((totals.illegal.farmland_m2, totals.legal.farmland_m2, totals.pending.farmland_m2), (4_000.0, 4_000.0, 4_000.0));
    let pending = store.patches(&Filter { verdict: Some(VerdictFilter::Pending), limit: 9, ..Filter::of(Scope::all()) }).await.unwrap();
    assert_eq!(pending.iter().map(|stored| stored.patch.patch_id.as_str()).collect::<Vec<_>>(), ["3"]);

    // May arrives, beside it. Someone uploads April again by mistake; then April is corrected by the ministry and replaced.
    super::stored_on(store, &key("2022-05", "may"), vec![(patch("5"), finding(Some("371311")))], &resting_on(&farmland)).await;
    assert!(matches!(store.begin_survey(april_key, OnConflict::Replace).await, Err(StoreError::AlreadyStored(there)) if there.id == april.id));
    let corrected_key = key("2022-04", "corrected");
    assert!(matches!(store.begin_survey(corrected_key.clone(), OnConflict::Reject).await, Err(StoreError::Conflict { existing, .. }) if existing == april.id));
    let mut writer = store.begin_survey(corrected_key.clone(), OnConflict::Replace).await.unwrap();
    let resting = super::on(&mut *writer, vec![(patch_at("1", 118.4, 35.0), finding(Some("371302")))], &resting_on(&farmland)).await;
    writer.push(resting).await.unwrap();
    let corrected = writer.commit(facts(&corrected_key)).await.unwrap();

    // What is left: two surveys, two patches, no verdict; and every figure can still be traced to the layer it was made with.
    let both = PeriodRange::new(month("2022-04"), Some(month("2022-05"))).unwrap();
    let totals = store.totals(&Scope::all(), both).await.unwrap();
    assert_eq!(
        totals.iter().map(|county| (county.county_code.as_deref(), county.pending.patches)).collect::<Vec<_>>(),
        [(Some("371302"), 1), (Some("371311"), 1)]
    );
    assert_eq!(store.provenance(corrected.id).await.unwrap().layers[0].id, farmland.id);
    assert!(store.rejects(corrected.id, 0, 9).await.unwrap().is_empty());
    assert!(matches!(store.survey(&Scope::all(), april.id).await, Err(StoreError::NotFound { .. })));

    // In June the farmland is surveyed again: a road was built, a patch is another county's now, and one verdict had been confirmed meanwhile.
    store.file_verdicts(&Scope::all(), Some(corrected.id), &[Filing { legal_m2: 9_000.0, ..filing("1", Verdict::Legal) }]).await.unwrap();
    let surveyed_again = stored_layer(store, layer(LayerKind::Farmland, "2022-06-01"), vec![feature(1, 118.3, 35.0)]).await;
    for survey in store.surveys(&Scope::all()).await.unwrap() {
        let mut writer = store.begin_reclassification(survey.id).await.unwrap();
        let patches = store.patches(&Filter { survey: Some(survey.id), limit: 9, ..Filter::of(Scope::all()) }).await.unwrap();
        let layer_set = writer.layer_set(&resting_on(&surveyed_again), [118.0, 35.0]).await.unwrap();
        let road = Finding { layer_set, automatic_illegal_farmland_m2: 1_000.0, ..finding(Some("371311")) };
        writer.push(patches.into_iter().map(|stored| (stored.id, road.clone())).collect()).await.unwrap();
        writer.commit(survey.facts).await.unwrap();
    }

    // All of it is that county's, the verdict too. On the old layer rest the three patches of April that was replaced, which are kept for a while.
    let totals = store.totals(&Scope::all(), both).await.unwrap();
    assert_eq!(totals.iter().map(|county| county.county_code.as_deref()).collect::<Vec<_>>(), [Some("371311")]);
    assert_eq!((totals[0].legal.patches, totals[0].legal.area_m2, totals[0].pending.patches), (1, 9_000.0, 1));
    assert!(matches!(store.remove_layer(farmland.id).await, Err(StoreError::LayerInUse { findings: 3, .. })));
    assert!(matches!(store.remove_layer(surveyed_again.id).await, Err(StoreError::LayerInUse { findings: 2, .. })));
    assert_eq!(store.layers().await.unwrap(), [surveyed_again, farmland]);
}
