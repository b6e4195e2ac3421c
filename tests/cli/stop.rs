//! A node that is asked to stop in the middle of an import, as a service manager asks: it finishes it, or another node does, once.

use super::place::{Place, claims, ended, findings, looked_through, parameters, survey, upload, withdraw};
use super::serve::Serving;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use std::time::{Duration, Instant};
use tuban::store::{Store, SurveyKey};
use tuban_engine::model::{Level, OnConflict};

/// Random moments at which a node is asked to stop.
const STOPS: u32 = 6;
/// Patches of the surveys meanwhile.
const PATCHES: u32 = 1500;
/// Longer than any of this takes: who gets a job all the same was given it.
const LEASE: &str = "1h";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_file_an_import_is_finished_by_the_node_that_was_asked_to_stop_or_by_the_other() {
    an_import_is_finished(Place::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_server_an_import_is_finished_by_the_node_that_was_asked_to_stop_or_by_the_other() {
    an_import_is_finished(Place::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_file_an_import_that_takes_too_long_is_handed_over_when_its_node_stops() {
    an_import_is_handed_over(Place::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_server_an_import_that_takes_too_long_is_handed_over_when_its_node_stops() {
    an_import_is_handed_over(Place::postgres().await).await;
}

/// Which of two nodes has the job, or had it when it ended; the first where neither has.
async fn holder(store: &dyn Store, job: &str, nodes: &[Serving; 2]) -> usize {
    let holder = store.job(job.strip_prefix("/api/jobs/").unwrap()).await.unwrap().node.unwrap_or_default();
    usize::from(holder.ends_with(&format!(":{}", nodes[1].child.id())))
}

async fn an_import_is_finished(place: Place) {
    let mut nodes = [place.node(LEASE), place.node(LEASE)];
    let store = place.store().await;
    // How long one takes that nobody disturbs.
    let began = Instant::now();
    let first = ended(&nodes[0].address, &upload(&nodes[0].address, &parameters(0), survey("p", PATCHES)).await).await;
    let takes = began.elapsed();
    let expected = findings(&*store, &first["survey"]["id"]).await;
    withdraw(&nodes[0].address, &first["survey"]).await;
    let mut dice = ChaCha8Rng::seed_from_u64(15);
    for stop in 0..STOPS {
        let job = upload(&nodes[0].address, &parameters(1 + stop), survey("p", PATCHES)).await;
        tokio::time::sleep(takes.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX))).await;
        let asked = holder(&*store, &job, &nodes).await;
        nodes[asked].signal("TERM");
        assert!(nodes[asked].child.wait().unwrap().success(), "stop {stop}");
        let done = ended(&nodes[1 - asked].address, &job).await;
        assert_eq!(done["attempts"], 1, "stop {stop}");
        assert!(findings(&*store, &done["survey"]["id"]).await == expected, "stop {stop}: other findings");
        withdraw(&nodes[1 - asked].address, &done["survey"]).await;
        nodes[asked] = place.node(LEASE);
    }
    assert_eq!(looked_through(&*store).await, STOPS as usize + 1);
}

async fn an_import_is_handed_over(place: Place) {
    let mut nodes = [place.node(LEASE), place.node(LEASE)];
    let store = place.store().await;
    // While this writer has the store, no import gets on.
    let key = SurveyKey { period: "1999-01".parse().unwrap(), level: Level::City, upload_key: "held".to_owned() };
    let mut held = store.begin_survey(key, OnConflict::Add).await.unwrap();
    held.stop_others().await.unwrap();
    let job = upload(&nodes[0].address, &parameters(0), survey("p", PATCHES)).await;
    while claims(&*store, &job).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let asked = holder(&*store, &job, &nodes).await;
    nodes[asked].signal("TERM");
    // Twenty seconds later it is the other's.
    let patience = Instant::now();
    while claims(&*store, &job).await == 1 {
        assert!(patience.elapsed() < Duration::from_mins(2), "nobody took it over");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(nodes[asked].child.wait().unwrap().success());
    drop(held);
    let done = ended(&nodes[1 - asked].address, &job).await;
    assert_eq!((&done["survey"]["patches"], &done["attempts"]), (&PATCHES.into(), &1.into()), "what is handed over is no failed attempt");
    assert_eq!(looked_through(&*store).await, 1);
}
