//! `tuban migrate` between the stores: whole, compared, and resumable.

use super::layers::{layer_with_left_outs, resting_on, stored_layer};
use super::{stored_on, weird_outlines};
use crate::builders::{feature, filing, finding, key, layer, only, patch, reject};
use crate::cluster;
use std::sync::atomic::{AtomicU64, Ordering};
use tuban::scope::Scope;
use tuban::store::transfer::transfer;
use tuban::store::{Filter, Store, StoreError};
use tuban_engine::model::{LayerKind, OnConflict, Patch, Verdict};

fn all() -> Filter {
    Filter { limit: 100_000, ..Filter::of(Scope::all()) }
}

/// Everything that a store can hold, gaps in its numbers too.
async fn fill(store: &dyn Store) {
    let gone = stored_layer(store, layer(LayerKind::Farmland, "2021-01-01"), vec![feature(1, 118.0, 35.0)]).await;
    let under = stored_layer(store, layer(LayerKind::Farmland, "2022-01-01"), (1..=30).map(|row| feature(row, 118.0, 35.0)).collect()).await;
    store.remove_layer(gone.id).await.unwrap();
    layer_with_left_outs(store).await;
    let weird = weird_outlines().into_iter().enumerate().map(|(at, degrees)| (Patch { degrees, ..patch(&format!("№{at}\u{0}")) }, finding(None)));
    stored_on(store, &key("2022-03", "old"), weird.collect(), &resting_on(&under)).await;
    let many = (0..12_000).map(|n| (patch(&n.to_string()), finding([Some("371302"), Some("371311"), None][n % 3])));
    stored_on(store, &key("2022-04", "x"), many.collect(), &resting_on(&under)).await;
    let mut writer = store.begin_survey(key("2022-03", "new"), OnConflict::Replace).await.unwrap();
    let two = vec![(patch("a\u{0}"), finding(Some("371302"))), (Patch { degrees: weird_outlines().remove(5), ..patch("b") }, finding(None))];
    let resting = super::on(&mut *writer, two, &resting_on(&under)).await;
    writer.push(resting).await.unwrap();
    writer.push_rejects(vec![reject(7), reject(3)]).await.unwrap();
    writer.commit(crate::builders::facts(&key("2022-03", "new"))).await.unwrap();
    judge_anew(store, &resting_on(&under)).await;
    store.file_verdicts(&Scope::all(), None, &[filing("17", Verdict::Illegal), filing("b", Verdict::Doubtful)]).await.unwrap();
}

/// Makes the two findings of March anew, by another rule, and keeps what they were.
async fn judge_anew(store: &dyn Store, provenance: &tuban_engine::model::Provenance) {
    let survey = store.surveys(&Scope::all()).await.unwrap().into_iter().find(|survey| survey.facts.sha256 == "new").unwrap();
    let patches = store.patches(&Filter { survey: Some(survey.id), ..all() }).await.unwrap();
    let mut writer = store.begin_reclassification(survey.id).await.unwrap();
    let layer_set =
        writer.layer_set(&tuban_engine::model::Provenance { rule: "另一版 \u{0}".to_owned(), ..provenance.clone() }, [118.0, 1.0 / 3.0]).await.unwrap();
    writer.keep_former(patches.iter().map(|stored| (stored.id, stored.finding.clone())).collect(), Some("张三 \u{0}")).await.unwrap();
    writer.push(patches.into_iter().map(|stored| (stored.id, tuban_engine::model::Finding { layer_set, ..stored.finding })).collect()).await.unwrap();
    writer.commit(survey.facts).await.unwrap();
}

async fn are_the_same(one: &dyn Store, other: &dyn Store) {
    assert_eq!(one.layers().await.unwrap(), other.layers().await.unwrap());
    assert_eq!(one.surveys(&Scope::all()).await.unwrap(), other.surveys(&Scope::all()).await.unwrap());
    assert_eq!(one.withdrawn().await.unwrap(), other.withdrawn().await.unwrap());
    assert_eq!(one.revision().await.unwrap(), other.revision().await.unwrap());
    // Not assert_eq: it would print twelve thousand patches.
    assert!(one.patches(&all()).await.unwrap() == other.patches(&all()).await.unwrap(), "the patches differ");
    assert_eq!(one.totals(&Scope::all(), only("2022-04")).await.unwrap(), other.totals(&Scope::all(), only("2022-04")).await.unwrap());
    for layer in one.layers().await.unwrap() {
        assert_eq!(one.left_out(layer.id).await.unwrap(), other.left_out(layer.id).await.unwrap());
    }
    assert_eq!(one.layer_sets().await.unwrap(), other.layer_sets().await.unwrap());
    for survey in one.surveys(&Scope::all()).await.unwrap() {
        for patch in one.patches(&Filter { survey: Some(survey.id), limit: 9, ..all() }).await.unwrap() {
            assert_eq!(one.former_findings(patch.id).await.unwrap(), other.former_findings(patch.id).await.unwrap());
        }
        assert_eq!(one.provenance(survey.id).await.unwrap(), other.provenance(survey.id).await.unwrap());
        assert_eq!(one.rejects(survey.id, 0, 99).await.unwrap(), other.rejects(survey.id, 0, 99).await.unwrap());
    }
}

fn sqlite_in(folder: &tempfile::TempDir, name: &str) -> String {
    format!("sqlite:{}/{name}.db", folder.path().display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_and_back_again_is_the_same_store() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there, back) = (sqlite_in(&folder, "here"), cluster::bare_url().await, sqlite_in(&folder, "back"));
    let first = tuban::store::open(&here).await.unwrap();
    fill(&*first).await;
    let compared = transfer(&here, &there, &|_| {}).await.unwrap();
    assert_eq!(compared.iter().find(|table| table.table == "patch").unwrap().rows, 12_010, "of the survey that was replaced, too");
    let second = tuban::store::open(&there).await.unwrap();
    are_the_same(&*first, &*second).await;
    assert_eq!(transfer(&there, &back, &|_| {}).await.unwrap(), compared);
    let third = tuban::store::open(&back).await.unwrap();
    are_the_same(&*first, &*third).await;
    // What comes next gets the same numbers on all of them, above all that were ever given.
    for store in [&first, &second, &third] {
        stored_on(&**store, &key("2022-06", "next"), vec![(patch("next"), finding(None))], &tuban_engine::model::Provenance::default()).await;
        let mut writer = store.begin_survey(key("2022-07", "next"), OnConflict::Reject).await.unwrap();
        writer.push_rejects(vec![reject(1)]).await.unwrap();
        writer.commit(crate::builders::facts(&key("2022-07", "next"))).await.unwrap();
        stored_layer(&**store, layer(LayerKind::RedLine, "2022-06-01"), vec![feature(1, 118.0, 35.0)]).await;
    }
    let numbers = async |store: &dyn Store| {
        let patch = store.patches(&Filter { patch_id: Some("next".to_owned()), ..all() }).await.unwrap().remove(0);
        (patch.id, patch.survey_id, store.layers().await.unwrap().iter().map(|layer| layer.id).max())
    };
    assert_eq!(numbers(&*first).await, numbers(&*second).await);
    assert_eq!(numbers(&*first).await, numbers(&*third).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_holds_something_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (sqlite_in(&folder, "here"), cluster::fresh_url().await);
    tuban::store::open(&here).await.unwrap();
    stored_layer(&*tuban::store::open(&there).await.unwrap(), layer(LayerKind::RedLine, "2022-06-01"), vec![]).await;
    let refused = transfer(&here, &there, &|_| {}).await.unwrap_err().to_string();
    assert!(refused.contains("not empty"), "{refused}");
    let nowhere = transfer(&sqlite_in(&folder, "nowhere"), &there, &|_| {}).await.unwrap_err().to_string();
    assert!(nowhere.contains("there is no database") && !folder.path().join("nowhere.db").exists(), "{nowhere}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_cut_short_is_no_store_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (here, other, there) = (sqlite_in(&folder, "here"), sqlite_in(&folder, "other"), cluster::bare_url().await);
    let source = tuban::store::open(&here).await.unwrap();
    fill(&*source).await;
    // Cut as a kill does: in the middle of the second portion of patches or later, whatever is then on its way.
    let (cut, cutting) = tokio::sync::oneshot::channel();
    let cut = std::sync::Mutex::new(Some(cut));
    let report = move |progress: tuban::store::transfer::Progress| {
        if progress.table == "patch" && progress.rows >= 5000 {
            cut.lock().unwrap().take().map(|cut| cut.send(()));
        }
    };
    tokio::select! {
        biased;
        _ = cutting => {}
        _ = transfer(&here, &there, &report) => panic!("done before it was cut"),
    }
    let half = tuban::store::open(&there).await.err().unwrap().to_string();
    assert!(half.contains("was not finished"), "{half}");
    stored_layer(&*tuban::store::open(&other).await.unwrap(), layer(LayerKind::RedLine, "2022-06-01"), vec![]).await;
    let foreign = transfer(&other, &there, &|_| {}).await.unwrap_err();
    assert!(matches!(&foreign, StoreError::Database(why) if why.to_string().contains("half-done copy of another source")), "{foreign:?}");

    let copied = AtomicU64::new(0);
    let count = |progress: tuban::store::transfer::Progress| {
        if progress.table == "patch" && !progress.comparing {
            copied.store(progress.rows, Ordering::Relaxed);
        }
    };
    transfer(&here, &there, &count).await.unwrap();
    assert!(copied.load(Ordering::Relaxed) <= 12_010 - 5_000, "what was there is not copied again");
    are_the_same(&*source, &*tuban::store::open(&there).await.unwrap()).await;
}
