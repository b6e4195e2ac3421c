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
use tuban::land::{Filing, LayerKind, PeriodRange, Survey, Verdict};
use tuban::store::{Job, JobOutcome, PatchQuery, Store, postgres::PostgresStore, sqlite::SqliteStore};

/// Random moments at which a node is killed.
const KILLS: u32 = 20;
/// Moments, one after the other, at which a node is stopped for longer than its lease.
const STALLS: u32 = 8;
/// Patches of the surveys meanwhile.
const PATCHES: u32 = 1500;
/// Random moments at which a node is killed that exports, and the patches exported.
const EXPORT_KILLS: u32 = 10;
const EXPORTED: u32 = 10_000;
/// Random moments at which a node is killed that makes findings anew, and the patches judged.
const REJUDGE_KILLS: u32 = 10;
const REJUDGED: u32 = 3000;

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
    findings_whose_node_is_killed_while_it_makes_them_anew_are_the_old_ones_until_another_has_made_them,
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
        for (kind, layer) in city::layers().into_iter().take(2) {
            self.add_layer(kind, &layer, "2022-01-01");
        }
        self
    }

    fn add_layer(&self, kind: LayerKind, layer: &File, effective: &str) {
        let folder = self.folder.path();
        std::fs::write(folder.join("layer.geojson"), layer.text()).unwrap();
        let about = ["--kind", kind.word(), "--name", kind.chinese(), "--effective", effective];
        done(folder, &[&["layer", "add", "--database", &self.database][..], &about, &["layer.geojson"]].concat());
    }

    fn node(&self, lease: &str) -> Serving {
        Serving::started(tuban(self.folder.path(), &["serve", "--listen", "127.0.0.1:0", "--lease", lease, "--database", &self.database]))
    }

    /// No row belongs to nothing.
    async fn verify(&self) {
        if self.database.starts_with("sqlite:") {
            SqliteStore::open(&self.database).await.unwrap().verify().await.unwrap();
        } else {
            PostgresStore::open(&self.database).await.unwrap().verify().await.unwrap();
        }
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

/// The job, once it is done.
async fn ended(node: &str, job: &str) -> Value {
    let patience = Instant::now();
    loop {
        let seen = read(node, job).await;
        if seen["state"] != "running" {
            assert_eq!(seen["state"], "done", "{seen}");
            return seen;
        }
        assert!(patience.elapsed() < Duration::from_mins(2), "{seen}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How often a job was claimed.
async fn claims(store: &dyn Store, job: &str) -> i64 {
    store.job(job.strip_prefix("/api/jobs/").unwrap()).await.unwrap().token
}

/// Uploads a survey and waits for it, again and again while the database is away; its number.
async fn uploaded_at_last(node: &str, query: &str, body: String) -> Value {
    loop {
        let answer = reqwest::Client::new().post(format!("{node}/api/surveys?{query}")).body(body.clone()).send().await.unwrap();
        match answer.status().as_u16() {
            200 | 201 => return answer.json::<Value>().await.unwrap()["id"].clone(),
            503 => assert!(answer.headers().contains_key("retry-after")),
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
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
    // A file that was sent again after a 503 is a second job, whose survey was there.
    let stored = |job: &Job| matches!(job.outcome, Some(JobOutcome::Survey { was_there: false, .. }));
    assert_eq!(jobs.iter().filter(|job| stored(job)).count(), surveys.len(), "every survey was stored by one job");
    let totals = store.totals(tuban::land::PeriodRange { from: *months.first().unwrap(), until: *months.last().unwrap() }).await.unwrap();
    let patches: u64 = totals.iter().map(|county| county.pending.patches).sum();
    assert_eq!(patches, surveys.iter().map(|survey| survey.facts.patches).sum::<u64>(), "no patch is lost or doubled");
    surveys.len()
}

/// What every import of these patches finds, and how long the quickest of three takes.
async fn measured(node: &Serving) -> ([Value; 4], Duration) {
    let (mut found, mut takes) = (Vec::new(), Duration::MAX);
    for month in 0..3 {
        let began = Instant::now();
        let job = upload(&node.address, &parameters(month), survey("p", PATCHES)).await;
        found.push(findings(&ended(&node.address, &job).await["survey"]));
        takes = takes.min(began.elapsed());
    }
    (found.remove(0), takes)
}

/// Which of two nodes has the job; the first where neither has.
async fn holder(store: &dyn Store, job: &str, nodes: &[Serving; 2]) -> usize {
    let holder = store.job(job.strip_prefix("/api/jobs/").unwrap()).await.unwrap().node.unwrap_or_default();
    usize::from(holder.ends_with(&format!(":{}", nodes[1].child.id())))
}

async fn what_a_killed_node_had_begun_another_finishes_once(place: Place) {
    let mut nodes = [place.node("1s"), place.node("1s")];
    let (expected, takes) = measured(&nodes[0]).await;
    let store = place.store().await;
    let (mut dice, mut taken_over) = (ChaCha8Rng::seed_from_u64(11), 0);
    for kill in 0..KILLS {
        let job = upload(&nodes[0].address, &parameters(3 + kill), survey("p", PATCHES)).await;
        tokio::time::sleep(takes.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX))).await;
        let killed = holder(&*store, &job, &nodes).await;
        nodes[killed].child.kill().unwrap();
        nodes[killed].child.wait().unwrap();
        assert_eq!(findings(&ended(&nodes[1 - killed].address, &job).await["survey"]), expected, "kill {kill}");
        taken_over += u32::from(claims(&*store, &job).await > 1);
        nodes[killed] = place.node("1s");
    }
    eprintln!("{taken_over} of {KILLS} were taken over from a killed node");
    assert!(taken_over > KILLS / 4, "only {taken_over} were killed in the middle");
    assert_eq!(looked_through(&*store).await, KILLS as usize + 3);
}

async fn a_node_that_stalls_past_its_lease_and_comes_back_does_no_harm(place: Place) {
    let nodes = [place.node("500ms"), place.node("500ms")];
    let (expected, takes) = measured(&nodes[0]).await;
    let store = place.store().await;
    let mut taken_over = 0;
    for round in 0..STALLS {
        let job = upload(&nodes[0].address, &parameters(3 + round), survey("p", PATCHES)).await;
        tokio::time::sleep(takes.mul_f64(f64::from(round) / f64::from(STALLS))).await;
        let stalled = holder(&*store, &job, &nodes).await;
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
        assert_eq!(findings(&survey), expected, "round {round}");
        assert_eq!(read(&nodes[stalled].address, &job).await["survey"], survey, "who came back tells the same");
    }
    eprintln!("{taken_over} of {STALLS} were taken over from a stalled node");
    assert!(taken_over > 0, "at least once another node had the job");
    assert_eq!(looked_through(&*store).await, STALLS as usize + 3);
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
    for kill in 0..EXPORT_KILLS {
        let job = queued(&nodes[0]).await;
        tokio::time::sleep(takes.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX))).await;
        let killed = holder(&*store, &job, &nodes).await;
        nodes[killed].child.kill().unwrap();
        nodes[killed].child.wait().unwrap();
        let survivor = &nodes[1 - killed];
        let done = ended(&survivor.address, &job).await;
        let file = bytes(survivor, &format!("{job}/file")).await;
        assert!(file == expected, "kill {kill}: {} bytes, not {}", file.len(), expected.len());
        assert_eq!(done["file"]["bytes"], expected.len(), "kill {kill}");
        taken_over += u32::from(claims(&*store, &job).await > 1);
        nodes[killed] = place.node("1s");
    }
    eprintln!("{taken_over} of {EXPORT_KILLS} exports were taken over from a killed node");
    assert!(taken_over > EXPORT_KILLS / 4, "only {taken_over} were killed in the middle");
    let kept: u64 = store.jobs(1000).await.unwrap().iter().filter_map(|job| job.file_bytes).sum();
    assert_eq!(kept, u64::from(EXPORT_KILLS + 3) * expected.len() as u64, "each is kept once");
}

/// Patches by county and class, as the store sums them up.
async fn by_county(store: &dyn Store, survey: &Survey) -> Vec<(String, u64, u64)> {
    let totals = store.totals(PeriodRange { from: survey.facts.period, until: survey.facts.period }).await.unwrap();
    totals.into_iter().map(|county| (county.county_code.unwrap_or_default(), county.pending.patches, county.illegal.patches)).collect()
}

async fn findings_whose_node_is_killed_while_it_makes_them_anew_are_the_old_ones_until_another_has_made_them(place: Place) {
    let mut nodes = [place.node("1s"), place.node("1s")];
    let import = upload(&nodes[0].address, &parameters(3), survey("p", REJUDGED)).await;
    let id = ended(&nodes[0].address, &import).await["survey"]["id"].as_i64().unwrap();
    let store = place.store().await;
    let survey = store.survey(id).await.unwrap();
    // Between the two borders of which one or the other is in force.
    let filing =
        Filing { patch_id: "p120".to_owned(), verdict: Verdict::Illegal, legal_m2: 0.0, legal_farmland_m2: 0.0, illegal_m2: 7.0, illegal_farmland_m2: 0.1 };
    store.file_verdicts(Some(id), &[filing]).await.unwrap();
    let ids = async || -> Vec<i64> {
        let all = PatchQuery { survey: Some(id), limit: u32::MAX, ..PatchQuery::default() };
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
    for round in 1..=REJUDGE_KILLS + 3 {
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
    eprintln!("{taken_over} of {REJUDGE_KILLS} re-classifications were taken over from a killed node");
    assert!(taken_over > REJUDGE_KILLS / 4, "only {taken_over} were killed in the middle");
    assert_eq!(ids().await, before);
    drop(nodes);
    place.verify().await;
}

async fn eight_large_uploads_at_once_on_two_nodes_are_all_there_once(place: Place) {
    let nodes = [place.node("30s"), place.node("30s")];
    let body = survey("p", 10_000);
    let uploads = (0..8_u32).map(|n| {
        let (address, body) = (nodes[n as usize % 2].address.clone(), body.clone());
        async move {
            let job = upload(&address, &parameters(n), body).await;
            findings(&ended(&address, &job).await["survey"])
        }
    });
    let all = futures_util::future::join_all(uploads).await;
    assert_eq!(all[0][0], 10_000);
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    assert_eq!(looked_through(&*place.store().await).await, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_under_load_is_told_of_and_nothing_committed_is_lost() {
    let cluster = tokio::task::spawn_blocking(cluster::Cluster::start).await.unwrap();
    cluster.administer("CREATE DATABASE city").await;
    let place = Place { folder: tempfile::tempdir().unwrap(), database: cluster.url("city") }.with_layers();
    let nodes = [place.node("1s"), place.node("1s")];
    let body = survey("p", PATCHES);
    let uploads: Vec<_> = (0..8_u32)
        .map(|n| {
            let (address, body) = (nodes[n as usize % 2].address.clone(), body.clone());
            tokio::spawn(async move { uploaded_at_last(&address, &parameters(n), body).await })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.control("stop");
        for node in &nodes {
            let away = reqwest::get(format!("{}/api/surveys", node.address)).await.unwrap();
            assert_eq!((away.status().as_u16(), away.headers().contains_key("retry-after")), (503, true));
        }
        cluster.control("restart");
    }
    let mut told = Vec::new();
    for upload in uploads {
        told.push(upload.await.unwrap());
    }
    let there = read(&nodes[0].address, "/api/surveys").await["surveys"].as_array().unwrap().clone();
    assert!(told.iter().all(|id| there.iter().any(|survey| survey["id"] == *id)), "{told:?}");
    assert!(there.iter().all(|survey| findings(survey) == findings(&there[0]) && survey["patches"] == PATCHES), "{there:?}");
    assert_eq!(looked_through(&*place.store().await).await, 8);
}
