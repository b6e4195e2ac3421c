//! How long other writers wait while a large survey comes in, on both databases: `cargo bench --bench write_lock [PATCHES]`, a million where absent. A clerk files one
//! verdict after the other meanwhile; what the longest takes is the longest that anything holds the write lock, and a little more.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]

#[path = "../tests/builders/mod.rs"]
#[allow(dead_code)] // Shared with the tests, which use all of it.
mod builders;
#[path = "../tests/cluster/mod.rs"]
#[allow(dead_code)] // As above.
mod cluster;

use builders::{COUNTIES, facts, filing, finding, key, patch};
use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tuban::scope::Scope;
use tuban::store::{Store, SurveyKey, SurveyWriter};
use tuban_engine::model::{Finding, OnConflict, Patch, Provenance, Verdict};
use tuban_geom::Outline;

const PATCHES: u64 = 1_000_000;
/// Patches handed over at a time, as an import does.
const PORTION: u64 = 1000;

/// The nth patch: of 24 corners, somewhere in the city, with an id in no order.
fn one(n: u64) -> (Patch, Finding) {
    let part = |n: u64| (n.wrapping_mul(2_654_435_761) % 1_000_003) as f64 / 1_000_003.0;
    let [x, y] = [117.4 + 1.8 * part(n), 34.4 + 1.8 * part(n + 500_000)];
    let ring: Vec<_> = (0..25).map(|n| f64::from(n % 24) * TAU / 24.0).map(|turn| [x + 0.0001 * turn.cos(), y + 0.0001 * turn.sin()]).collect();
    let county = COUNTIES[(n % 12) as usize].0;
    let id = format!("{county}{:07}", n.wrapping_mul(7_368_787) % 10_000_000);
    (Patch { row: n + 1, degrees: Outline::polygon(&[ring]), ..patch(&id) }, finding(Some(county)))
}

/// What is timed, in this order.
const STEPS: [&str; 7] =
    ["survey written", "survey published", "findings written", "findings exchanged", "old ones removed", "replacement written", "replacement published"];

/// Writes a survey under that key, but for its publication.
async fn written(store: &dyn Store, key: &SurveyKey, on_conflict: OnConflict, patches: u64) -> (Box<dyn SurveyWriter>, Vec<i64>, i64) {
    let mut writer = store.begin_survey(key.clone(), on_conflict).await.unwrap();
    let layer_set = writer.layer_set(&rests_on(), [118.0, 35.0]).await.unwrap();
    for portion in (0..patches).step_by(PORTION as usize) {
        let some = (portion..patches.min(portion + PORTION)).map(one);
        writer.push(some.map(|(patch, finding)| (patch, Finding { layer_set, ..finding })).collect()).await.unwrap();
    }
    let own = writer.own_places().await.unwrap().iter().map(|place| place.patch).collect();
    (writer, own, layer_set)
}

fn rests_on() -> Provenance {
    Provenance { layers: Vec::new(), rule: "2022-1".to_owned() }
}

/// Stores a survey, makes its findings anew, a hundredth of them in another county, and replaces it by the same patches, sent again; how long each of [`STEPS`] took.
async fn survey(store: &dyn Store, patches: u64) -> Vec<Duration> {
    let mut took = Vec::new();
    let mut start = Instant::now();
    let mut lap = || {
        took.push(start.elapsed());
        start = Instant::now();
    };
    let first = key("2022-05", "large");
    let (mut writer, own, layer_set) = written(store, &first, OnConflict::Reject, patches).await;
    lap();
    let survey = writer.publish(&facts(&first)).await.unwrap().unwrap();
    lap();
    let mut anew = store.begin_reclassification(survey.id).await.unwrap();
    anew.layer_set(&rests_on(), [118.0, 35.0]).await.unwrap();
    for portion in own.chunks(PORTION as usize).zip(0..).map(|(some, portion)| some.iter().zip(portion * PORTION..)) {
        let judged = portion.map(|(patch, n)| (*patch, Finding { layer_set, ..finding(Some(COUNTIES[((n + u64::from(n % 100 == 0)) % 12) as usize].0)) }));
        anew.push(judged.collect()).await.unwrap();
    }
    lap();
    anew.publish(&survey.facts).await.unwrap().unwrap();
    lap();
    drop(anew);
    while store.remove_unpublished(Duration::ZERO).await.unwrap() > 0 {}
    lap();
    let second = key("2022-05", "large, again");
    let (mut writer, ..) = written(store, &second, OnConflict::Replace, patches).await;
    lap();
    writer.publish(&facts(&second)).await.unwrap().unwrap();
    lap();
    took
}

/// Files verdicts until it is over; how long each took, and when it began.
async fn clerk(store: Arc<dyn Store>, over: Arc<AtomicBool>) -> Vec<(Instant, Duration)> {
    let mut took = Vec::new();
    for round in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let (start, verdict) = (Instant::now(), [Verdict::Legal, Verdict::Illegal][round % 2]);
        assert_eq!(store.file_verdicts(&Scope::all(), None, &[filing("clerk", verdict)]).await.unwrap().recorded, 1);
        took.push((start, start.elapsed()));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    took
}

#[tokio::main]
async fn main() {
    let patches = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(PATCHES);
    let (folder, url) = (tempfile::tempdir().unwrap(), cluster::fresh_url().await);
    let stores = [
        ("SQLite", tuban::store::open(&format!("sqlite:{}/bench.db", folder.path().display())).await.unwrap()),
        ("PostgreSQL", tuban::store::open(&url).await.unwrap()),
    ];
    for (name, store) in stores {
        let of_clerk = key("2022-04", "clerk");
        let mut writer = store.begin_survey(of_clerk.clone(), OnConflict::Reject).await.unwrap();
        writer.push(vec![(patch("clerk"), finding(None))]).await.unwrap();
        writer.commit(facts(&of_clerk)).await.unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let clerk = tokio::spawn(clerk(Arc::clone(&store), Arc::clone(&over)));
        let start = Instant::now();
        let steps = survey(&*store, patches).await;
        over.store(true, Ordering::Relaxed);
        let took = clerk.await.unwrap();
        let mut from = start;
        for (step, lasted) in STEPS.into_iter().zip(steps) {
            let until = from + lasted;
            let mut within: Vec<Duration> = took.iter().filter(|(began, took)| *began < until && *began + *took > from).map(|(_, took)| *took).collect();
            within.sort_unstable();
            let (count, longest) = (within.len(), within.last().copied().unwrap_or_default());
            let middle = within.get(count / 2).copied().unwrap_or_default();
            println!(
                "{name:<11} {patches} patches, {step:<21} {lasted:>8.2?}; {count:>5} verdicts meanwhile, half within {middle:>8.2?}, the longest {longest:>8.2?}"
            );
            from = until;
        }
    }
}
