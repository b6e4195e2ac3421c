//! Several `tuban serve` on one database, killed, stalled and flooded: every survey is there once, whole, with the same findings.

use super::app::city;
use super::place::{Place, claims, ended, findings, looked_through, parameters, read, survey, upload, withdraw};
use super::rounds;
use super::serve::Serving;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde_json::json;
use std::time::{Duration, Instant};
use tuban::scope::Scope;
use tuban::store::{Filter, Store, postgres::PostgresStore, sqlite::SqliteStore};
use tuban_engine::model::{Filing, Finding, LayerKind, Patch, PeriodRange, Survey, Verdict};

/// Imports that are taken over from a node killed at a random moment; here and below in each of the [`rounds`].
const KILLS: u32 = 5;
/// Moments, one after the other, at which a node is stopped for longer than its lease.
const STALLS: u32 = 4;
/// Patches of the surveys meanwhile.
const PATCHES: u32 = 1500;
/// Exports that are taken over from a node killed at a random moment, and the patches exported.
const EXPORT_KILLS: u32 = 3;
const EXPORTED: u32 = 10_000;
/// Random moments at which a node is killed that makes findings anew, and the patches judged.
const REJUDGE_KILLS: u32 = 4;
const REJUDGED: u32 = 3000;
/// Patches of uploads that come all at once, of the same ground each.
const LARGE: u32 = 1500;

/// Runs every story on every database.
macro_rules! stories {
    ($($story:ident),+) => {
        stories!(on_sqlite sqlite $($story),+);
        stories!(on_postgres postgres $($story),+);
    };
    ($name:ident $database:ident $($story:ident),+) => {
        mod $name {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() {
                super::$story(super::Place::$database().await).await;
            })+
        }
    };
}

stories!(
    what_a_killed_node_had_begun_another_finishes_once,
    a_node_that_stalls_past_its_lease_and_comes_back_does_no_harm,
    an_export_whose_node_is_killed_another_finishes_once_with_the_same_bytes,
    a_killed_reclassification_leaves_the_old_findings_until_another_node_is_done,
    eight_large_uploads_at_once_on_two_nodes_are_all_there_once
);

/// What every import of these patches finds, and how long the quickest of three takes from its claim.
async fn measured(node: &Serving, store: &dyn Store) -> (Vec<(Patch, Finding)>, Duration) {
    let (mut found, mut takes) = (Vec::new(), Duration::MAX);
    for month in 0..3 {
        let job = upload(&node.address, &parameters(month), survey("p", PATCHES)).await;
        let done = ended(&node.address, &job).await;
        found = findings(store, &done["survey"]["id"]).await;
        withdraw(&node.address, &done["survey"]).await;
        let job = store.job(id(&job)).await.unwrap();
        takes = takes.min(Duration::from_millis((job.ended_ms.unwrap() - job.started_ms.unwrap()) as u64));
    }
    assert_eq!(found.len(), PATCHES as usize);
    (found, takes)
}

fn id(job: &str) -> &str {
    job.strip_prefix("/api/jobs/").unwrap()
}

/// Which of two nodes has the job, once one has it, or had it when it ended.
async fn holder(store: &dyn Store, job: &str, nodes: &[Serving; 2]) -> usize {
    loop {
        if let Some(holder) = store.job(id(job)).await.unwrap().node {
            return usize::from(holder.ends_with(&format!(":{}", nodes[1].child.id())));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Kills a node at random moments of its imports, until so many were taken over from a killed node; those that had ended before do not count.
async fn what_a_killed_node_had_begun_another_finishes_once(place: Place) {
    let mut nodes = [place.node("1s"), place.node("1s")];
    let store = place.store().await;
    let (expected, takes) = measured(&nodes[0], &*store).await;
    let (mut dice, mut kills, mut taken_over) = (ChaCha8Rng::seed_from_u64(11), 0, 0);
    let wanted = KILLS * rounds();
    while taken_over < wanted {
        assert!(kills < 4 * wanted, "only {taken_over} of {kills} were killed in the middle");
        let job = upload(&nodes[0].address, &parameters(3 + kills), survey("p", PATCHES)).await;
        let killed = holder(&*store, &job, &nodes).await;
        tokio::time::sleep(takes.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX))).await;
        nodes[killed].child.kill().unwrap();
        nodes[killed].child.wait().unwrap();
        let done = ended(&nodes[1 - killed].address, &job).await;
        assert!(findings(&*store, &done["survey"]["id"]).await == expected, "kill {kills}: other findings");
        withdraw(&nodes[1 - killed].address, &done["survey"]).await;
        taken_over += u32::from(claims(&*store, &job).await > 1);
        kills += 1;
        nodes[killed] = place.node("1s");
    }
    eprintln!("{kills} nodes were killed, {taken_over} imports taken over from them");
    assert_eq!(looked_through(&*store).await, kills as usize + 3);
}

async fn a_node_that_stalls_past_its_lease_and_comes_back_does_no_harm(place: Place) {
    let nodes = [place.node("500ms"), place.node("500ms")];
    let store = place.store().await;
    let (expected, takes) = measured(&nodes[0], &*store).await;
    let mut taken_over = 0;
    let stalls = STALLS * rounds();
    for round in 0..stalls {
        let job = upload(&nodes[0].address, &parameters(3 + round), survey("p", PATCHES)).await;
        let stalled = holder(&*store, &job, &nodes).await;
        tokio::time::sleep(takes.mul_f64(f64::from(round) / f64::from(stalls))).await;
        nodes[stalled].signal("STOP");
        // Until another node has claimed the job; where it had ended before, or was stopped with the queue locked, for a while only.
        let (before, patience) = (claims(&*store, &job).await, Instant::now());
        while patience.elapsed() < Duration::from_secs(2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if claims(&*store, &job).await > before.max(1) {
                taken_over += 1;
                break;
            }
        }
        nodes[stalled].signal("CONT");
        let survey = ended(&nodes[1 - stalled].address, &job).await["survey"].clone();
        assert!(findings(&*store, &survey["id"]).await == expected, "round {round}: other findings");
        assert_eq!(read(&nodes[stalled].address, &job).await["survey"], survey, "who came back tells the same");
        withdraw(&nodes[stalled].address, &survey).await;
    }
    eprintln!("{taken_over} of {stalls} were taken over from a stalled node");
    assert!(taken_over > 0, "at least once another node had the job");
    assert_eq!(looked_through(&*store).await, stalls as usize + 3);
}

async fn an_export_whose_node_is_killed_another_finishes_once_with_the_same_bytes(place: Place) {
    const WHAT: &str = "/api/exports/findings?format=geojson";
    let mut nodes = [place.node("1s"), place.node("1s")];
    let import = upload(&nodes[0].address, &parameters(3), survey("p", EXPORTED)).await;
    ended(&nodes[0].address, &import).await;
    let bytes = async |node: &Serving, path: &str| reqwest::get(format!("{}{path}", node.address)).await.unwrap().bytes().await.unwrap();
    let expected = bytes(&nodes[0], WHAT).await;
    let queued = async |node: &Serving| {
        let answer = reqwest::Client::new().post(format!("{}{WHAT}", node.address)).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    let mut takes = Duration::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        let job = queued(&nodes[0]).await;
        ended(&nodes[0].address, &job).await;
        takes = takes.min(began.elapsed());
    }
    let store = place.store().await;
    let (mut dice, mut taken_over) = (ChaCha8Rng::seed_from_u64(12), 0);
    let mut kills = 0;
    let wanted = EXPORT_KILLS * rounds();
    while taken_over < wanted {
        assert!(kills < 4 * wanted, "only {taken_over} of {kills} were killed in the middle");
        let job = queued(&nodes[0]).await;
        let killed = holder(&*store, &job, &nodes).await;
        tokio::time::sleep(takes.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX))).await;
        nodes[killed].child.kill().unwrap();
        nodes[killed].child.wait().unwrap();
        let survivor = &nodes[1 - killed];
        let done = ended(&survivor.address, &job).await;
        let file = bytes(survivor, &format!("{job}/file")).await;
        assert!(file == expected, "kill {kills}: {} bytes, not {}", file.len(), expected.len());
        assert_eq!(done["file"]["bytes"], expected.len(), "kill {kills}");
        taken_over += u32::from(claims(&*store, &job).await > 1);
        kills += 1;
        nodes[killed] = place.node("1s");
    }
    eprintln!("{kills} nodes were killed, {taken_over} exports taken over from them");
    let kept: u64 = store.jobs(1000).await.unwrap().iter().filter_map(|job| job.file_bytes).sum();
    assert_eq!(kept, u64::from(kills + 3) * expected.len() as u64, "each is kept once");
}

/// Patches by county and class, as the store sums them up.
async fn by_county(store: &dyn Store, survey: &Survey) -> Vec<(String, u64, u64)> {
    let totals = store.totals(&Scope::all(), PeriodRange { from: survey.facts.period, until: survey.facts.period }).await.unwrap();
    totals.into_iter().map(|county| (county.county_code.unwrap_or_default(), county.pending.patches, county.illegal.patches)).collect()
}

async fn a_killed_reclassification_leaves_the_old_findings_until_another_node_is_done(place: Place) {
    let mut nodes = [place.node("1s"), place.node("1s")];
    let import = upload(&nodes[0].address, &parameters(3), survey("p", REJUDGED)).await;
    let id = ended(&nodes[0].address, &import).await["survey"]["id"].as_i64().unwrap();
    let store = place.store().await;
    let survey = store.survey(&Scope::all(), id).await.unwrap();
    // Between the two borders of which one or the other is in force.
    let filing =
        Filing { patch_id: "p120".to_owned(), verdict: Verdict::Illegal, legal_m2: 0.0, legal_farmland_m2: 0.0, illegal_m2: 7.0, illegal_farmland_m2: 0.1 };
    store.file_verdicts(&Scope::all(), Some(id), &[filing]).await.unwrap();
    let ids = async || -> Vec<i64> {
        let all = Filter { survey: Some(id), limit: u32::MAX, ..Filter::of(Scope::all()) };
        store.patch_marks(&all, false).await.unwrap().iter().map(|mark| mark.id).collect()
    };
    let before = ids().await;
    // Oracle: how `survey` places them, 0.001° apart from 118.301° on, and how many of each row of 190 that leaves west of the border.
    let expected = [("118.400000000", 99), ("118.450000000", 149)].map(|(border, columns)| {
        let west = (0..REJUDGED).filter(|n| n % 190 < columns).count() as u64;
        let (filed_west, east) = (u64::from(columns > 120), u64::from(REJUDGED) - west);
        (border, vec![("371302".to_owned(), west - filed_west, filed_west), ("371311".to_owned(), east + filed_west - 1, 1 - filed_west)])
    });
    assert_eq!(by_county(&*store, &survey).await, expected[0].1);
    let (mut dice, mut takes, mut taken_over) = (ChaCha8Rng::seed_from_u64(13), Duration::MAX, 0);
    // Each has a day of February.
    let wanted = REJUDGE_KILLS * rounds().min(6);
    for round in 1..=wanted + 3 {
        let (old, (border, new)) = (&expected[(round as usize + 1) % 2].1, &expected[round as usize % 2]);
        place.add_layer(LayerKind::County, &city::counties().replaced("118.400000000", border), &format!("2022-02-{round:02}"));
        let began = Instant::now();
        let request = reqwest::Client::new().post(format!("{}/api/surveys/{id}/reclassification", nodes[0].address));
        let answer = request.header("prefer", "respond-async").send().await.unwrap();
        let job = answer.headers()["location"].to_str().unwrap().to_owned();
        let mut survivor = 0;
        if round > 3 {
            tokio::time::sleep(takes.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX))).await;
            let killed = holder(&*store, &job, &nodes).await;
            nodes[killed].child.kill().unwrap();
            nodes[killed].child.wait().unwrap();
            survivor = 1 - killed;
            let seen = by_county(&*store, &survey).await;
            assert!(seen == *old || seen == *new, "round {round}: {seen:?}");
        }
        let done = ended(&nodes[survivor].address, &job).await;
        takes = if round > 3 { takes } else { takes.min(began.elapsed()) };
        assert_eq!((&done["survey"]["id"], by_county(&*store, &survey).await), (&json!(id), new.clone()), "round {round}");
        let newest = store.layers().await.unwrap().into_iter().map(|layer| layer.id).max().unwrap();
        assert_eq!(store.provenance(id).await.unwrap().layers[0].id, newest, "round {round}");
        taken_over += u32::from(round > 3 && claims(&*store, &job).await > 1);
        if round > 3 {
            nodes[1 - survivor] = place.node("1s");
        }
    }
    eprintln!("{taken_over} of {wanted} re-classifications were taken over from a killed node");
    assert!(taken_over > wanted / 4, "only {taken_over} were killed in the middle");
    assert_eq!(ids().await, before);
    drop(nodes);
    if place.database.starts_with("sqlite:") {
        SqliteStore::open(&place.database).await.unwrap().verify().await.unwrap();
    } else {
        PostgresStore::open(&place.database).await.unwrap().verify().await.unwrap();
    }
}

async fn eight_large_uploads_at_once_on_two_nodes_are_all_there_once(place: Place) {
    let nodes = [place.node("30s"), place.node("30s")];
    let body = survey("p", LARGE);
    let uploads = (0..8_u32).map(|n| {
        let (address, body) = (nodes[n as usize % 2].address.clone(), body.clone());
        async move {
            let job = upload(&address, &parameters(n), body).await;
            ended(&address, &job).await["survey"]["id"].clone()
        }
    });
    let all = futures_util::future::join_all(uploads).await;
    let store = place.store().await;
    let expected = findings(&*store, &all[0]).await;
    assert_eq!(expected.len(), LARGE as usize);
    for one in &all {
        assert!(findings(&*store, one).await == expected, "{one}: other findings");
    }
    assert_eq!(looked_through(&*store).await, 8);
}
