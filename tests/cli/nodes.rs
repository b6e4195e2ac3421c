//! Several `tuban serve` on one database, killed, stopped and flooded: every survey is there once, whole, with the same findings.

use super::{
    app::{
        city,
        file::{File, polygon, rectangle},
    },
    done,
    serve::Serving,
    tuban,
};
use crate::cluster;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tuban::store::Store;

/// Random moments at which a node is killed.
const KILLS: u32 = 20;
/// Patches of the surveys meanwhile.
const PATCHES: u32 = 1500;

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
    eight_large_uploads_at_once_on_two_nodes_are_all_there_once
);

/// A database with two layers.
struct Place {
    folder: tempfile::TempDir,
    database: String,
}

impl Place {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}/tuban.db", folder.path().display());
        Self { folder, database }.with_layers()
    }

    async fn postgres() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: cluster::fresh_url().await }.with_layers()
    }

    fn with_layers(self) -> Self {
        let folder = self.folder.path();
        for (kind, layer) in city::layers().into_iter().take(2) {
            std::fs::write(folder.join("layer.geojson"), layer.text()).unwrap();
            let about = ["--kind", kind.word(), "--name", kind.chinese(), "--effective", "2022-01-01"];
            done(folder, &[&["layer", "add", "--database", &self.database][..], &about, &["layer.geojson"]].concat());
        }
        self
    }

    fn node(&self, lease: &str) -> Serving {
        Serving::started(tuban(self.folder.path(), &["serve", "--listen", "127.0.0.1:0", "--lease", lease, "--database", &self.database]))
    }

    async fn store(&self) -> Arc<dyn Store> {
        tuban::store::open(&self.database).await.unwrap()
    }
}

/// `count` small patches across both counties.
fn survey(name: &str, count: u32) -> String {
    let file = (0..count).fold(File::default(), |file, n| {
        let (west, south) = (118.301 + 0.001 * f64::from(n % 190), 35.001 + 0.001 * f64::from(n / 190));
        file.feature(&json!({ "JCBH": format!("{name}{n}") }), &polygon(&[rectangle(west, south, west + 0.0005, south + 0.0005)]))
    });
    file.text()
}

fn parameters(month: u32) -> String {
    format!("period={}-{:02}&level=city", 2000 + month / 12, 1 + month % 12)
}

async fn upload(node: &str, query: &str, body: String) -> String {
    let request = reqwest::Client::new().post(format!("{node}/api/surveys?{query}")).header("prefer", "respond-async").body(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 202);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

async fn read(node: &str, path: &str) -> Value {
    reqwest::get(format!("{node}{path}")).await.unwrap().json().await.unwrap()
}

/// The job's survey, once it is done.
async fn ended(node: &str, job: &str) -> Value {
    let patience = Instant::now();
    loop {
        let seen = read(node, job).await;
        if seen["state"] != "running" {
            assert_eq!(seen["state"], "done", "{seen}");
            return seen["survey"].clone();
        }
        assert!(patience.elapsed() < Duration::from_mins(2), "{seen}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How often a job was claimed.
async fn claims(store: &dyn Store, job: &str) -> i64 {
    store.job(job.strip_prefix("/api/jobs/").unwrap()).await.unwrap().token
}

/// What is the same of two imports of the same patches.
fn findings(survey: &Value) -> [Value; 4] {
    ["patches", "verdicts", "area", "farmland"].map(|field| survey[field].clone())
}

/// Every survey is there once, and whole; answers how many there are.
async fn looked_through(store: &dyn Store) -> usize {
    let surveys = store.surveys().await.unwrap();
    let months: BTreeSet<_> = surveys.iter().map(|survey| survey.facts.period).collect();
    assert_eq!(months.len(), surveys.len(), "no survey is there twice");
    let jobs = store.jobs(1000).await.unwrap();
    let stored: BTreeSet<_> = jobs.iter().filter_map(|job| job.outcome.as_ref().map(|outcome| format!("{outcome:?}"))).collect();
    assert_eq!(stored.len(), jobs.len(), "no two jobs have the same survey");
    let totals = store.totals(tuban::land::PeriodRange { from: *months.first().unwrap(), until: *months.last().unwrap() }).await.unwrap();
    let patches: u64 = totals.iter().map(|county| county.pending.patches).sum();
    assert_eq!(patches, surveys.iter().map(|survey| survey.facts.patches).sum::<u64>(), "no patch is lost or doubled");
    surveys.len()
}

async fn what_a_killed_node_had_begun_another_finishes_once(place: Place) {
    let survivor = place.node("1s");
    let began = Instant::now();
    let job = upload(&survivor.address, &parameters(0), survey("p", PATCHES)).await;
    let expected = findings(&ended(&survivor.address, &job).await);
    let takes = began.elapsed();
    let store = place.store().await;
    let (mut dice, mut taken_over) = (ChaCha8Rng::seed_from_u64(11), 0);
    for kill in 1..=KILLS {
        let mut killed = place.node("1s");
        let job = upload(&killed.address, &parameters(kill), survey("p", PATCHES)).await;
        tokio::time::sleep(takes.mul_f64(1.1 * f64::from(dice.next_u32()) / f64::from(u32::MAX))).await;
        killed.child.kill().unwrap();
        killed.child.wait().unwrap();
        assert_eq!(findings(&ended(&survivor.address, &job).await), expected, "kill {kill}");
        taken_over += u32::from(claims(&*store, &job).await > 1);
    }
    assert!(taken_over > KILLS / 4, "only {taken_over} were killed in the middle");
    assert_eq!(looked_through(&*store).await, KILLS as usize + 1);
}

async fn a_node_that_stalls_past_its_lease_and_comes_back_does_no_harm(place: Place) {
    let other = place.node("500ms");
    let stalled = place.node("500ms");
    let began = Instant::now();
    let job = upload(&stalled.address, &parameters(0), survey("p", PATCHES)).await;
    let expected = findings(&ended(&stalled.address, &job).await);
    let takes = began.elapsed();
    let store = place.store().await;
    let mut taken_over = 0;
    for round in 1..=6_u32 {
        let job = upload(&stalled.address, &parameters(round), survey("p", PATCHES)).await;
        tokio::time::sleep(takes.mul_f64(f64::from(round) / 8.0)).await;
        stalled.signal("STOP");
        // Until another node has claimed the job; where it had ended before, or was stopped with the queue locked, for a while only.
        let patience = Instant::now();
        while patience.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if claims(&*store, &job).await > 1 {
                taken_over += 1;
                break;
            }
        }
        stalled.signal("CONT");
        let survey = ended(&other.address, &job).await;
        assert_eq!(findings(&survey), expected, "round {round}");
        assert_eq!(read(&stalled.address, &job).await["survey"], survey, "who came back tells the same");
    }
    assert!(taken_over > 0, "at least once another node had the job");
    assert_eq!(looked_through(&*store).await, 7);
}

async fn eight_large_uploads_at_once_on_two_nodes_are_all_there_once(place: Place) {
    let nodes = [place.node("30s"), place.node("30s")];
    let body = survey("p", 10_000);
    let uploads = (0..8_u32).map(|n| {
        let (address, body) = (nodes[n as usize % 2].address.clone(), body.clone());
        async move {
            let job = upload(&address, &parameters(n), body).await;
            findings(&ended(&address, &job).await)
        }
    });
    let all = futures_util::future::join_all(uploads).await;
    assert_eq!(all[0][0], 10_000);
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    assert_eq!(looked_through(&*place.store().await).await, 8);
}
