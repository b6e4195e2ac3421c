//! Several nodes on one database: what one is asked another may do, and all tell the same.

use super::app::{APRIL, TestApp, city, file::File};
use super::jobs::{begin, events};
use serde_json::{Value, json};
use std::time::Duration;
use tuban::service::jobs::work::Working;
use tuban::store::SurveyKey;
use tuban_engine::model::{Lane, LayerKind, Level, OnConflict};

/// Longer than any test: who gets a job all the same got it in another way than by waiting.
const LONG: Duration = Duration::from_hours(1);

fn working(node: &str) -> Working {
    // One import at a time, so that what comes first is first.
    Working { node: node.to_owned(), lease: LONG, finish_within: Duration::ZERO, imports: 1, ..Working::default() }
}

/// A node that carries nothing out, over the layers of [`city`].
async fn desk() -> TestApp {
    let app = TestApp::idle().await;
    for (kind, layer) in city::layers() {
        app.import_layer(kind, &layer, "2022-01-01").await;
    }
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_is_asked_another_does_and_both_tell_the_same() {
    let asked = desk().await;
    let refused = File::default().patch_of("X", "[]").text();
    let mut jobs = Vec::new();
    for (query, body) in [(APRIL, city::one_of_each().text()), ("period=2022-05&level=city", refused), (APRIL, city::one_of_each().text())] {
        jobs.push(begin(&asked, query, body).await.header("location").to_owned());
    }
    jobs.push(begin(&asked, APRIL, File::default().patch("N", &[city::legal()]).text()).await.header("location").to_owned());
    let waiting: Vec<Value> = asked.read("/api/jobs").await["jobs"].as_array().unwrap().clone();
    assert_eq!(waiting.iter().map(|job| job["state"].clone()).collect::<Vec<_>>(), vec![json!("running"); 4]);

    let does = asked.node(Some(working("does"))).await;
    let mut ended = Vec::new();
    for job in &jobs {
        let told = events(&asked, job).await.last().unwrap().1.clone();
        assert_eq!(does.read(job).await, told);
        ended.push(told);
    }
    assert_eq!(ended.iter().map(|job| job["state"].clone()).collect::<Vec<_>>(), ["done", "failed", "done", "failed"].map(Value::from));
    assert_eq!(ended[0]["survey"], ended[2]["survey"], "the same file is the survey that is there");
    assert_eq!((&ended[1]["problem"]["status"], &ended[1]["problem"]["rejects"][0]["patch_id"]), (&json!(422), &json!("X")));
    assert_eq!((&ended[3]["problem"]["status"], &ended[3]["problem"]["type"]), (&json!(409), &json!("/problems/survey_exists")));
    ended.reverse();
    assert_eq!(asked.read("/api/jobs").await, json!({ "jobs": ended }));
    assert_eq!(asked.surveys().await, does.surveys().await);
    asked.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_gets_its_survey_from_whichever_node_took_it_in() {
    let asked = desk().await;
    let _does = asked.node(Some(working("does"))).await;
    asked.uploaded(APRIL, &city::one_of_each()).await;
    let again = asked.upload(APRIL, city::one_of_each().text()).await;
    assert_eq!((again.status.as_u16(), again.json()["patches"].clone()), (200, json!(4)));
    asked.refuses("period=2022-05&level=city", "{", 400, "truncated").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_to_stop_hands_its_import_over() {
    let asked = desk().await;
    let stops = asked.node(Some(working("stops"))).await;
    // While this writer has the store, the import cannot go on.
    let key = SurveyKey { period: "2022-01".parse().unwrap(), level: Level::City, upload_key: "held".to_owned() };
    let mut held = asked.service.store().begin_survey(key, OnConflict::Add).await.unwrap();
    held.stop_others().await.unwrap();
    let job = begin(&asked, APRIL, city::one_of_each().text()).await.header("location").to_owned();
    let id = job.strip_prefix("/api/jobs/").unwrap();
    let holder = async |name: Option<&str>| {
        let mut news = asked.service.news();
        while asked.service.store().job(id).await.unwrap().node.as_deref() != name {
            news.heard().await;
        }
    };
    holder(Some("stops")).await;
    stops.stop();
    holder(None).await;
    let _does = asked.node(Some(working("does"))).await;
    holder(Some("does")).await;
    drop(held);
    assert_eq!(events(&asked, &job).await.last().unwrap().1["survey"]["patches"], 4);
    assert_eq!(asked.service.store().job(id).await.unwrap().attempts, 1, "what is handed over is no failed attempt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_no_node_survives_is_given_up_with_a_reference() {
    let asked = desk().await;
    let job = begin(&asked, APRIL, city::one_of_each().text()).await.header("location").to_owned();
    for _ in 0..5 {
        asked.service.store().claim(Lane::Writing, "dies", Duration::ZERO).await.unwrap().unwrap();
    }
    let _does = asked.node(Some(working("does"))).await;
    let failed = events(&asked, &job).await.last().unwrap().1.clone();
    assert_eq!((&failed["state"], &failed["problem"]["status"]), (&json!("failed"), &json!(500)));
    assert_eq!(failed["problem"]["reference"], failed["id"], "the log names the job");
    assert_eq!(asked.surveys().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_survey_was_replaced_stays_done() {
    let app = TestApp::city().await;
    let job = begin(&app, APRIL, city::one_of_each().text()).await.header("location").to_owned();
    assert_eq!(events(&app, &job).await.last().unwrap().1["state"], "done");
    app.uploaded(&format!("{APRIL}&on_conflict=replace"), &File::default().patch("N", &[city::legal()])).await;
    let done = app.read(&job).await;
    assert_eq!((&done["state"], &done["survey"], &done["problem"]["status"]), (&json!("done"), &json!(null), &json!(404)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_taken_in_on_one_node_is_used_on_all_and_named() {
    let one = desk().await;
    let other = one.node(None).await;
    let square = super::app::file::polygon(&[city::square()]);
    let named = async |node: &TestApp| {
        let checked = node.post("/api/check", square.clone()).await.json();
        let layers = checked["finding"]["layers"].as_array().unwrap().clone();
        layers.iter().find(|layer| layer["kind"] == "approved").map_or(Value::Null, |layer| layer["id"].clone())
    };
    let before = named(&one).await;
    let imported = one.import_layer(LayerKind::Approved, &city::layers().pop().unwrap().1, "2022-02-01").await;
    let mut news = other.service.news();
    while named(&other).await != json!(imported.layer.id) {
        news.heard().await;
    }
    assert_ne!(before, json!(imported.layer.id));
    assert_eq!(named(&one).await, json!(imported.layer.id));
}
