//! SQLite beside PostgreSQL, in one run: `cargo bench --bench stores [PATCHES]`, a million where absent. A layer of counties and years of surveys, half of
//! whose patches have confirmed verdicts, go into each store; then the same requests are sent to a service over each, in turns, so that a noisy machine is
//! noisy for both. Ratios are asked for twice: as people ask, when nothing changed since they were asked for before, and anew after each verdict.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]

#[path = "../tests/builders/mod.rs"]
#[allow(dead_code)] // Shared with the tests, which use all of it.
mod builders;
#[path = "../tests/cluster/mod.rs"]
#[allow(dead_code)] // As above.
mod cluster;

use builders::{COUNTIES, facts, feature, filing, finding, key, layer, patch};
use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tuban::http::{Desk, Limits, serve};
use tuban::scope::Scope;
use tuban::service::Service;
use tuban::store::Store;
use tuban_engine::model::{FeatureFacts, Filing, Finding, LayerFeature, LayerKind, LayerUsed, OnConflict, Patch, Provenance, Verdict};
use tuban_engine::rule::Rule;
use tuban_geom::Outline;

const PATCHES: u64 = 1_000_000;
/// Patches of one survey.
const SURVEY: u64 = 20_000;
const PORTION: u64 = 2000;
const REQUESTS: u64 = 400;
/// Verdicts after each of which the ratios are asked for anew.
const CHANGES: u64 = 20;

/// What the nth request asks for.
type Question = Box<dyn Fn(u64) -> String>;

/// Somewhere in the city, scattered.
fn somewhere(n: u64) -> [f64; 2] {
    let part = |n: u64| (n.wrapping_mul(2_654_435_761) % 1_000_003) as f64 / 1_000_003.0;
    [117.4 + 1.8 * part(n), 34.4 + 1.8 * part(n + 500_000)]
}

/// The nth patch's own id.
fn patch_id(n: u64) -> String {
    format!("{}{n:07}", COUNTIES[(n % 12) as usize].0)
}

fn one(n: u64) -> (Patch, Finding) {
    let [x, y] = somewhere(n);
    let ring: Vec<_> = (0..25).map(|n| f64::from(n % 24) * TAU / 24.0).map(|turn| [x + 0.001 * turn.cos(), y + 0.001 * turn.sin()]).collect();
    let county = COUNTIES[(n % 12) as usize].0;
    (Patch { row: n % SURVEY + 1, degrees: Outline::polygon(&[ring]), ..patch(&patch_id(n)) }, finding(Some(county)))
}

/// The nth patch's confirmed verdict.
fn verdict(n: u64) -> Filing {
    let verdict = [Verdict::Legal, Verdict::Illegal, Verdict::Other][(n % 3) as usize];
    let area = 100.0 + n as f64 / 7.0;
    let (legal, illegal) = if verdict == Verdict::Legal { (area, 0.0) } else { (0.0, area) };
    Filing { legal_m2: legal, legal_farmland_m2: legal / 3.0, illegal_m2: illegal, illegal_farmland_m2: illegal / 3.0, ..filing(&patch_id(n), verdict) }
}

/// The counties of the city, a square each.
async fn counties(store: &dyn Store) -> LayerUsed {
    let mut writer = store.begin_layer().await.unwrap();
    let county = |(n, (code, name)): (usize, &(&str, &str))| LayerFeature {
        facts: FeatureFacts::new((*code).to_owned(), (*name).to_owned()),
        ..feature(n as u64 + 1, 117.4 + 0.1 * n as f64, 34.4)
    };
    writer.push(COUNTIES.iter().enumerate().map(county).collect()).await.unwrap();
    let stored = writer.commit(layer(LayerKind::County, "2019-01-01")).await.unwrap();
    LayerUsed { id: stored.id, kind: stored.kind, name: stored.name, effective: stored.effective.to_string() }
}

/// A patch with its finding, which rests on that set.
fn on(layer_set: i64, (patch, finding): (Patch, Finding)) -> (Patch, Finding) {
    (patch, Finding { layer_set, ..finding })
}

/// Stores so many patches in surveys of [`SURVEY`], a month each from January 2019.
async fn fill(store: &dyn Store, patches: u64) -> Duration {
    let provenance = Provenance { layers: vec![counties(store).await], rule: "2022-1".to_owned() };
    let start = Instant::now();
    for survey in 0..patches.div_ceil(SURVEY) {
        let key = key(&format!("{}-{:02}", 2019 + survey / 12, survey % 12 + 1), "bench");
        let mut writer = store.begin_survey(key.clone(), OnConflict::Reject).await.unwrap();
        let layer_set = writer.layer_set(&provenance, [118.0, 35.0]).await.unwrap();
        let (from, until) = (survey * SURVEY, patches.min((survey + 1) * SURVEY));
        for portion in (from..until).step_by(PORTION as usize) {
            writer.push((portion..until.min(portion + PORTION)).map(|n| on(layer_set, one(n))).collect()).await.unwrap();
        }
        let survey = writer.commit(facts(&key)).await.unwrap();
        let verdicts: Vec<Filing> = (from..until).step_by(2).map(verdict).collect();
        assert_eq!(store.file_verdicts(&Scope::all(), Some(survey.id), &verdicts).await.unwrap().recorded, verdicts.len() as u64);
    }
    start.elapsed()
}

/// The address of a service over the store.
async fn service(store: Arc<dyn Store>, spool: &std::path::Path) -> String {
    let service = Arc::new(Service::open(store, Rule::load(None).unwrap(), spool.join("spool")).unwrap());
    service.refresh_atlas().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { serve(listener, Desk::new(service, Limits::default()), std::future::pending()).await });
    address
}

/// How long the answer to a request takes, to its last byte.
async fn asked(client: &reqwest::Client, address: &str, path: &str) -> Duration {
    let start = Instant::now();
    let answer = client.get(format!("http://{address}{path}")).send().await.unwrap().error_for_status().unwrap();
    answer.bytes().await.unwrap();
    start.elapsed()
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
    println!("{what:<44} p50 {:>8.2} ms  p99 {:>8.2} ms", at(50), at(99));
}

#[tokio::main]
async fn main() {
    let patches = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(PATCHES);
    let (folder, url) = (tempfile::tempdir().unwrap(), cluster::fresh_url().await);
    let stores = [
        ("SQLite", tuban::store::open(&format!("sqlite:{}/bench.db", folder.path().display())).await.unwrap()),
        ("PostgreSQL", tuban::store::open(&url).await.unwrap()),
    ];
    let mut addresses = Vec::new();
    for (name, store) in &stores {
        println!("{name}: {patches} patches stored in {:.1} s", fill(&**store, patches).await.as_secs_f64());
        addresses.push(service(Arc::clone(store), &folder.path().join(name)).await);
    }
    let last = patches.div_ceil(SURVEY) - 1;
    let month = format!("{}-{:02}", 2019 + last / 24, last / 2 % 12 + 1);
    let all = format!("/api/ratios?period=2019-01&until={}-{:02}", 2019 + last / 12, last % 12 + 1);
    let of_month = format!("/api/ratios?period={month}");
    let questions: [(&str, Question); 6] = [
        (
            "/api/patches by bbox of 0.02°",
            Box::new(|n| {
                let [x, y] = somewhere(n * 7 + 3);
                format!("/api/patches?bbox={x},{y},{},{}", x + 0.02, y + 0.02)
            }),
        ),
        (
            "/api/patches by bbox and month",
            Box::new({
                let month = month.clone();
                move |n| {
                    let [x, y] = somewhere(n * 7 + 3);
                    format!("/api/patches?bbox={x},{y},{},{}&period={month}", x + 0.1, y + 0.1)
                }
            }),
        ),
        (
            "/api/patches of a county and month, 100",
            Box::new({
                let month = month.clone();
                move |n| format!("/api/patches?county={}&period={month}&limit=100", COUNTIES[(n % 12) as usize].0)
            }),
        ),
        ("/api/patches, a page of 100 anywhere", Box::new(move |n| format!("/api/patches?limit=100&after={}", n * 7919 % patches))),
        (
            "/api/ratios of a month",
            Box::new({
                let of_month = of_month.clone();
                move |_| of_month.clone()
            }),
        ),
        (
            "/api/ratios of all months",
            Box::new({
                let all = all.clone();
                move |_| all.clone()
            }),
        ),
    ];
    let client = reqwest::Client::new();
    for (what, question) in questions {
        let mut times = [Vec::new(), Vec::new()];
        for n in 0..REQUESTS {
            for (address, times) in addresses.iter().zip(&mut times) {
                times.push(asked(&client, address, &question(n)).await);
            }
        }
        for ((name, _), times) in stores.iter().zip(times) {
            report(&format!("{name:<11} {what}"), times);
        }
    }
    for (what, path) in [("/api/ratios of a month, anew", of_month), ("/api/ratios of all months, anew", all)] {
        let mut times = [Vec::new(), Vec::new()];
        for n in 0..CHANGES {
            for (((_, store), address), times) in stores.iter().zip(&addresses).zip(&mut times) {
                assert_eq!(store.file_verdicts(&Scope::all(), None, &[verdict(n)]).await.unwrap().recorded, 1);
                times.push(asked(&client, address, &path).await);
            }
        }
        for ((name, _), times) in stores.iter().zip(times) {
            report(&format!("{name:<11} {what}"), times);
        }
    }
}
