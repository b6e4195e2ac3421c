//! The same requests to a service over SQLite and one over PostgreSQL: the same answers, byte for byte.

use super::app::{APRIL, Answer, TestApp, city, file::File};
use super::exports::exported;
use crate::cluster;
use reqwest::Method;
use std::sync::Arc;
use tuban::store::postgres::PostgresStore;

/// Every kind of question, and some that must be refused.
const QUESTIONS: [&str; 33] = [
    "/health",
    "/api/about",
    "/api/layers",
    "/api/surveys",
    "/api/surveys/1",
    "/api/surveys/2",
    "/api/surveys/99",
    "/api/surveys/1/rejects",
    "/api/surveys/2/rejects?limit=1",
    "/api/surveys/99/rejects",
    "/api/patches",
    "/api/patches?limit=2",
    "/api/patches?limit=2&after=2",
    "/api/patches?county=371302",
    "/api/patches?county=371302&period=2022-04",
    "/api/patches?county=none",
    "/api/patches?period=2022-04",
    "/api/patches?period=2022-05&until=2022-06",
    "/api/patches?period=2022-04&until=2022-05&verdict=pending",
    "/api/patches?verdict=legal",
    "/api/patches?verdict=suspected_illegal",
    "/api/patches?survey=2",
    "/api/patches?patch_id=S1",
    "/api/patches?patch_id=%00",
    "/api/patches?bbox=118.3,35.0,118.36,35.06",
    "/api/patches?bbox=118.3,35.0,118.36",
    "/api/patches/1",
    "/api/patches/5",
    "/api/patches/99",
    "/api/ratios",
    "/api/ratios?period=2022-04&until=2022-05",
    "/api/ratios?period=2021-01",
    "/api/tiles/patches/12/3394/1622",
];

/// Exports whose bytes say nothing of the clock, and some that must be refused.
const EXPORTS: [&str; 10] = [
    "findings?format=geojson",
    "findings?format=geojson&crs=EPSG:4528&county=371302",
    "findings?format=csv",
    "findings?format=csv&period=2022-05&verdict=illegal",
    "findings?format=csv&patch=2",
    "findings?format=csv&period=2021-01",
    "layers/1?format=geojson",
    "layers/2?format=csv",
    "findings?format=geojson&crs=EPSG:4513",
    "findings?format=csv&county=110101",
];

/// An instant is the clock's, not the store's.
fn without_instants(text: &str) -> String {
    const KEY: &str = "_at\":\"";
    let mut parts = text.split(KEY);
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out += KEY;
        out += part.split_once('"').unwrap().1;
    }
    out
}

fn told(question: &str, answer: &Answer) -> (String, u16, String, Vec<u8>) {
    let of_json = answer.header("content-type").contains("json");
    let body = if of_json { without_instants(&answer.text()).into_bytes() } else { answer.bytes.clone() };
    (question.to_owned(), answer.status.as_u16(), answer.header("etag").to_owned(), body)
}

/// What a service answers in a short life: layers, two months, a mistake, verdicts, a replacement, another layer and findings made anew.
async fn life_of(app: &TestApp) -> Vec<(String, u16, String, Vec<u8>)> {
    for (kind, layer) in city::layers() {
        app.import_layer(kind, &layer, "2022-01-01").await;
    }
    let mut all = Vec::new();
    let broken = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"JCBH":"X"},"geometry":{"type":"Polygon","coordinates":[[[118.4,35.02]]]}}]}"#;
    let square = File::default().patch("Q1", &[city::square()]).patch("B1", &[city::border_crossing()]);
    for (query, body) in [
        (APRIL, city::one_of_each().text()),
        (APRIL, city::one_of_each().text()),
        (APRIL, square.text()),
        ("period=2022-05&level=city", square.text()),
        ("period=2022-06&level=city", broken.to_owned()),
        ("period=2022-05&level=city&on_conflict=replace", city::one_of_each().patch("E1", &[city::square()]).text()),
        ("period=2022-05&level=province", square.text()),
    ] {
        all.push(told(query, &app.upload(query, body).await));
    }
    let verdicts = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nE1,illegal,0,0,1000,333.3333333333333\nQ1,legal,7,0.1,0,0\n";
    assert_eq!(app.monitor.file_verdicts(None, verdicts.as_bytes()).await.unwrap(), 2);
    all.extend(answers_of(app).await);
    let (kind, counties) = city::layers().remove(0);
    app.import_layer(kind, &counties.replaced("118.400000000", "118.355000000"), "2022-06-01").await;
    for survey in [1, 2, 3, 4, 99] {
        for question in [format!("/api/surveys/{survey}/provenance"), format!("/api/surveys/{survey}/reclassification")] {
            let method = if question.ends_with("provenance") { Method::GET } else { Method::POST };
            all.push(told(&question, &app.send(app.request(method, &question)).await));
        }
    }
    all.extend(answers_of(app).await);
    all
}

/// What it answers to every question, and exports.
async fn answers_of(app: &TestApp) -> Vec<(String, u16, String, Vec<u8>)> {
    let mut all = Vec::new();
    for question in QUESTIONS {
        all.push(told(question, &app.get(question).await));
    }
    for what in EXPORTS {
        let waited_for = app.get(&format!("/api/exports/{what}")).await;
        if waited_for.status == 200 {
            let (_, kept) = exported(app, what).await;
            assert_eq!(kept.bytes, waited_for.bytes, "{what}");
        }
        all.push(told(what, &waited_for));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_stores_answer_byte_for_byte_the_same() {
    let store = PostgresStore::open(&cluster::fresh_url().await).await.unwrap();
    let (embedded, served) = (life_of(&TestApp::bare().await).await, life_of(&TestApp::over(Arc::new(store)).await).await);
    for (one, other) in embedded.iter().zip(&served) {
        assert_eq!(one, other, "{}\n{}", String::from_utf8_lossy(&one.3), String::from_utf8_lossy(&other.3));
    }
    // The life had something to tell: what is found, what is refused, what is not there.
    for status in [200, 201, 400, 404, 409, 422] {
        assert!(embedded.iter().any(|(_, told, ..)| *told == status), "{status} was never answered");
    }
    let telling = embedded.iter().filter(|(_, status, _, body)| *status == 200 && body.len() > 300).count();
    assert!(telling > 15, "only {telling} answers say much");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_told_of_with_503_and_when_to_try_again() {
    let url = cluster::fresh_url().await;
    let name = url.split('/').nth(3).unwrap().split('?').next().unwrap().to_owned();
    let app = TestApp::over(Arc::new(PostgresStore::open(&url).await.unwrap())).await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let cluster = cluster::shared().await;
    cluster.administer(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    cluster.administer(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    for question in ["/api/surveys", "/api/patches", "/api/ratios?period=2022-04"] {
        let answer = app.get(question).await;
        answer.problem(503, "unavailable");
        assert_eq!(answer.header("retry-after"), "2");
    }
    cluster.administer(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    assert_eq!(app.surveys().await.len(), 1);
    assert_eq!(app.patch_ids("").await, ["L1", "S1", "O1", "D1"]);
}
