//! Promises about writing: whole or not at all, one after the other, and never in the way of readers.

use super::layers::stored_layer;
use super::stored;
use crate::builders::{facts, feature, finding, key, layer, only, patch, reject};
use std::time::Duration;
use tuban::scope::Scope;
use tuban::store::{Filter, Store};
use tuban_engine::model::{LayerKind, OnConflict, Provenance};

/// Far above what any of this takes, far below what a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(20);

async fn is_empty(store: &dyn Store) -> bool {
    let patches = store.patches(&Filter { limit: 9, ..Filter::of(Scope::all()) }).await.unwrap();
    store.surveys(&Scope::all()).await.unwrap().is_empty() && store.layers().await.unwrap().is_empty() && patches.is_empty()
}

pub(super) async fn a_dropped_writer_leaves_nothing(store: &dyn Store) {
    for _ in 0..3 {
        let mut survey = store.begin_survey(key("2022-04", "x"), OnConflict::Reject).await.unwrap();
        survey.push((0..500).map(|n| (patch(&n.to_string()), finding(None))).collect()).await.unwrap();
        survey.push_rejects(vec![reject(3)]).await.unwrap();
        drop(survey);
        let mut layer = tokio::time::timeout(PATIENCE, store.begin_layer()).await.expect("the next writer need not wait").unwrap();
        layer.push((1..500).map(|row| feature(row, 118.0, 35.0)).collect()).await.unwrap();
        drop(layer);
    }
    assert!(is_empty(store).await);
    stored(store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    assert_eq!(store.surveys(&Scope::all()).await.unwrap().len(), 1);
}

pub(super) async fn a_cancelled_task_leaves_nothing_and_blocks_no_writer(store: &dyn Store) {
    let rows: Vec<_> = (0..200).map(|n| (patch(&n.to_string()), finding(None))).collect();
    // Cut short at many moments: while it waits, begins, writes.
    for microseconds in (0..40).map(|n| n * n * 40) {
        let taking_in = async {
            let mut writer = store.begin_survey(key("2022-04", "x"), OnConflict::Reject).await.unwrap();
            loop {
                writer.push(rows.clone()).await.unwrap();
            }
        };
        let cut: Result<(), _> = tokio::time::timeout(Duration::from_micros(microseconds), taking_in).await;
        assert!(cut.is_err());
        let next = tokio::time::timeout(PATIENCE, store.begin_layer()).await.expect("the next writer need not wait");
        drop(next.unwrap());
    }
    assert!(is_empty(store).await);
    stored_layer(store, layer(LayerKind::County, "2022-01-01"), vec![feature(1, 118.0, 35.0)]).await;
}

pub(super) async fn writers_queue_up_instead_of_failing(store: &dyn Store) {
    let take_in = |sha256: String| async move {
        let key = key("2022-04", &sha256);
        let mut writer = store.begin_survey(key.clone(), OnConflict::Add).await?;
        for n in 0..5 {
            tokio::task::yield_now().await;
            writer.push(vec![(patch(&format!("{sha256} {n}")), finding(None))]).await?;
        }
        writer.commit(facts(&key)).await
    };
    let all = futures_util::future::join_all((0..12).map(|n| take_in(n.to_string()))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    // Each took its patches' numbers in one go.
    let patches = store.patches(&Filter { limit: 99, ..Filter::of(Scope::all()) }).await.unwrap();
    assert_eq!(patches.len(), 60);
    assert!(patches.chunks(5).all(|five| five.iter().all(|patch| patch.survey_id == five[0].survey_id)));
}

pub(super) async fn readers_see_before_or_after_only(store: &dyn Store) {
    stored(store, &key("2022-04", "old"), (0..100).map(|n| (patch(&format!("old{n}")), finding(None))).collect()).await;
    let replacing = async {
        for round in 0..10 {
            let key = key("2022-04", &format!("new{round}"));
            let mut writer = store.begin_survey(key.clone(), OnConflict::Replace).await.unwrap();
            for _ in 0..10 {
                writer.push((0..20).map(|n| (patch(&format!("new{n}")), finding(None))).collect()).await.unwrap();
            }
            writer.commit(facts(&key)).await.unwrap();
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    let watching = async {
        loop {
            let patches = store.totals(&Scope::all(), only("2022-04")).await.unwrap()[0].pending.patches;
            let surveys = store.surveys(&Scope::all()).await.unwrap();
            assert_eq!(surveys.len(), 1);
            seen.insert(patches);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { () = replacing => {}, () = watching => {} }
    assert!(seen.iter().all(|patches| [100, 200].contains(patches)), "{seen:?}");
    assert_eq!(store.totals(&Scope::all(), only("2022-04")).await.unwrap()[0].pending.patches, 200);
}

pub(super) async fn a_replacement_that_is_dropped_leaves_the_old_survey(store: &dyn Store) {
    let old = stored(store, &key("2022-04", "old"), vec![(patch("1"), finding(None))]).await;
    let mut writer = store.begin_survey(key("2022-04", "new"), OnConflict::Replace).await.unwrap();
    writer.push(vec![(patch("2"), finding(None))]).await.unwrap();
    drop(writer);
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [old]);
    assert_eq!(store.patches(&Filter { limit: 9, ..Filter::of(Scope::all()) }).await.unwrap()[0].patch.patch_id, "1");
}

pub(super) async fn what_reads_little_does_not_wait_for_what_reads_much(store: &dyn Store) {
    /// As many as read at a time.
    const READING: usize = 4;
    // More than one batch, so that the reading is not over when the first is handed on.
    let features = (1..=2001).map(|row| feature(row, 118.0, 35.0)).collect();
    let layer = stored_layer(store, layer(LayerKind::County, "2022-01-01"), features).await.id;
    let (runtime, (begun, reading), end) = (tokio::runtime::Handle::current(), std::sync::mpsc::channel(), std::sync::Barrier::new(READING + 1));
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..READING {
                scope.spawn(|| {
                    let mut batches = 0;
                    let mut sink = |_| {
                        batches += 1;
                        if batches == 1 {
                            begun.send(()).unwrap();
                            end.wait();
                        }
                    };
                    runtime.block_on(store.each_feature(layer, &mut sink)).unwrap();
                });
            }
            reading.iter().take(READING).for_each(drop);
            let asked =
                async { (store.revision().await, store.surveys(&Scope::all()).await, store.layers().await.map(|layers| layers.len()), store.jobs(9).await) };
            let answered = runtime.block_on(tokio::time::timeout(PATIENCE, asked));
            end.wait();
            assert!(matches!(answered, Ok((Ok(1), Ok(_), Ok(1), Ok(_)))), "{answered:?}");
        });
    });
}

pub(super) async fn sums_and_what_they_rest_on_are_of_one_moment(store: &dyn Store) {
    let rests_on = |round: usize| Provenance { layers: Vec::new(), rule: round.to_string() };
    let replace = async |round: usize| {
        let key = key(if round.is_multiple_of(2) { "2022-04" } else { "2022-05" }, &round.to_string());
        let mut writer = store.begin_survey(key.clone(), OnConflict::Replace).await.unwrap();
        let findings = (0..round).map(|n| (patch(&n.to_string()), finding(None))).collect();
        let resting = super::on(&mut *writer, findings, &rests_on(round)).await;
        writer.push(resting).await.unwrap();
        writer.commit(facts(&key)).await.unwrap();
    };
    replace(2).await;
    let replacing = async {
        for round in 3..40 {
            replace(round).await;
        }
    };
    let asking = async {
        loop {
            let newest = store.summed(&Scope::all(), None).await.unwrap();
            // Each round's survey has as many patches as its rule says.
            let patches = newest.totals[0].pending.patches;
            assert_eq!(newest.provenance, [rests_on(patches as usize)], "{newest:?}");
            assert_eq!(newest.range, only(if patches % 2 == 0 { "2022-04" } else { "2022-05" }));
        }
    };
    tokio::select! {
        () = replacing => {}
        never = asking => never,
    }
}
