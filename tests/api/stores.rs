//! The same requests to a service over SQLite and one over PostgreSQL: the same answers, byte for byte.

use super::app::{
    APRIL, Answer, TestApp, city,
    file::{File, polygon},
    text,
};
use super::exports::exported;
use super::jobs::{begin, events};
use crate::cluster;
use reqwest::Method;
use std::sync::Arc;
use tuban::scope::Scope;
use tuban::store::postgres::PostgresStore;

/// Every kind of question, and some that must be refused.
const QUESTIONS: [&str; 36] = [
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
    "/api/patches?limit=2&after=1-2",
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
    "/api/jobs/99",
    "/api/jobs/99/events",
    "/api/jobs/99/file",
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

/// What is posted and stores nothing, and layers that are taken in or refused.
fn posts() -> Vec<(&'static str, String)> {
    let (square, no_ring) = (polygon(&[city::square()]), r#"{"type":"Polygon","coordinates":[[[118.4,35.02]]]}"#.to_owned());
    let approval = File::default().feature(&serde_json::json!({ "PZWH": "PZ3" }), &square);
    vec![
        ("/api/check", square.clone()),
        ("/api/check", format!(r#"{{"type":"Feature","properties":{{"XZQDM":"371311"}},"geometry":{}}}"#, polygon(&[city::border_crossing()]))),
        ("/api/check", no_ring.clone()),
        ("/api/check", "{".to_owned()),
        ("/api/inspect", city::one_of_each().patch_of("X", "[[[118.4,35.02]]]").text()),
        ("/api/inspect?kind=county", city::counties().text()),
        ("/api/inspect?kind=farmland", square),
        ("/api/inspect", "{".to_owned()),
        ("/api/layers?kind=approved&name=later&effective=2022-03-01", approval.text()),
        ("/api/layers?kind=approved&name=to+come&effective=2999-03-01", approval.text()),
        ("/api/layers?kind=county&name=none&effective=2022-03-01", approval.text()),
        ("/api/layers?kind=approved&effective=2022-03-01", approval.text()),
        ("/api/layers?kind=approved&name=broken&effective=2022-03-01", no_ring),
    ]
}

/// An instant is the clock's, not the store's.
fn without_instants(text: &str) -> String {
    const ENDS: [char; 4] = ['"', ',', '\r', '\n'];
    let is_instant = |part: &&str| part.trim_end_matches(ENDS).parse::<jiff::Timestamp>().is_err();
    text.split_inclusive(ENDS).filter(is_instant).collect()
}

fn told(question: &str, answer: &Answer) -> (String, u16, String, Vec<u8>) {
    let is_text = ["json", "csv"].iter().any(|kind| answer.header("content-type").contains(kind));
    let body = if is_text { without_instants(&answer.text()).into_bytes() } else { answer.bytes.clone() };
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
    all.extend(posted_to(app).await);
    let verdicts = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nE1,illegal,0,0,1000,333.3333333333333\nQ1,legal,7,0.1,0,0\n";
    assert_eq!(app.service.file_verdicts(&Scope::all(), None, verdicts.as_bytes()).await.unwrap(), 2);
    all.extend(answers_of(app).await);
    let (kind, counties) = city::layers().remove(0);
    app.import_layer(kind, &counties.replaced("118.400000000", "118.355000000"), "2022-03-01").await;
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

/// What it answers to [`posts`]; and imports that nobody waits for, one that is stored and one that is refused.
async fn posted_to(app: &TestApp) -> Vec<(String, u16, String, Vec<u8>)> {
    let mut all = Vec::new();
    for (path, body) in posts() {
        all.push(told(path, &app.post(path, body).await));
    }
    for body in [city::one_of_each().text(), "{".to_owned()] {
        let accepted = begin(app, "period=2022-07&level=city", body).await;
        assert_eq!(accepted.status, 202);
        events(app, accepted.header("location")).await;
    }
    all
}

/// What is told of all jobs together and of each, newest first. Their ids are random: each is called by its place instead.
async fn jobs_of(app: &TestApp) -> Vec<(String, u16, String, Vec<u8>)> {
    let ids: Vec<String> = app.read("/api/jobs").await["jobs"].as_array().unwrap().iter().map(|job| text(&job["id"])).collect();
    let mut all = Vec::new();
    for path in std::iter::once("/api/jobs".to_owned()).chain(ids.iter().map(|id| format!("/api/jobs/{id}"))) {
        let (question, status, etag, body) = told(&path, &app.get(&path).await);
        let named = |text: String| ids.iter().zip(1..).fold(text, |text, (id, place)| text.replace(id, &format!("job {place}")));
        all.push((named(question), status, etag, named(String::from_utf8(body).unwrap()).into_bytes()));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_stores_answer_byte_for_byte_the_same() {
    let store = PostgresStore::open(&cluster::fresh_url().await).await.unwrap();
    let (here, there) = (TestApp::bare().await, TestApp::over(Arc::new(store)).await);
    let (mut embedded, mut served) = (life_of(&here).await, life_of(&there).await);
    embedded.extend(jobs_of(&here).await);
    served.extend(jobs_of(&there).await);
    for (one, other) in embedded.iter().zip(&served) {
        assert_eq!(one, other, "{}\n{}", String::from_utf8_lossy(&one.3), String::from_utf8_lossy(&other.3));
    }
    // The life had something to tell: what is found, what is refused, what is not there.
    assert_eq!(embedded.len(), served.len());
    for status in [200, 201, 400, 404, 409, 422] {
        assert!(embedded.iter().any(|(_, told, ..)| *told == status), "{status} was never answered");
    }
    let telling = embedded.iter().filter(|(_, status, _, body)| *status == 200 && body.len() > 300).count();
    assert!(telling > 35, "only {telling} answers say much");
    // Layers and exports were jobs, too.
    let told: String = embedded.iter().map(|(.., body)| String::from_utf8_lossy(body)).collect();
    for kind in ["survey_import", "layer_import", "export"] {
        assert!(told.contains(&format!(r#""kind":"{kind}""#)), "{kind}");
    }
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
