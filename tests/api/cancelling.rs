//! Jobs that end otherwise than by being done: cancelled, given up, or gone on with while their node stops.

use super::app::{APRIL, TestApp, city, text};
use super::jobs::{begin, events};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tuban::http::Phase;
use tuban::service::jobs::work::Working;
use tuban::store::SurveyKey;
use tuban_engine::model::{Lane, Level, OnConflict};

async fn cancel(app: &TestApp, job: &str) -> super::app::Answer {
    app.send(app.request(Method::DELETE, job)).await
}

fn id(job: &str) -> &str {
    job.strip_prefix("/api/jobs/").unwrap()
}

/// A key that no upload has.
fn held() -> SurveyKey {
    SurveyKey { period: "2022-01".parse().unwrap(), level: Level::City, upload_key: "held".to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_job_is_cancelled_once_and_nothing_of_it_stays() {
    let app = TestApp::idle().await;
    let job = begin(&app, APRIL, city::one_of_each().text()).await.header("location").to_owned();
    let cancelled = cancel(&app, &job).await;
    assert_eq!(cancelled.status, 200);
    let cancelled = cancelled.json();
    assert_eq!((&cancelled["state"], text(&cancelled["problem"]["type"])), (&json!("failed"), "/problems/job_cancelled".to_owned()));
    assert_eq!((app.read(&job).await, cancel(&app, &job).await.json()), (cancelled.clone(), cancelled.clone()), "again is the same");
    assert_eq!(events(&app, &job).await, [("failed".to_owned(), cancelled)]);
    assert_eq!(app.service.store().chunk(id(&job), 0).await.unwrap(), None);
    app.has_an_empty_spool();
    // No node takes it up any more.
    let node = app.node(Some(Working::default())).await;
    node.uploaded("period=2022-05&level=city", &city::one_of_each()).await;
    assert_eq!(app.surveys().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_under_way_on_another_node_is_cancelled_and_its_waiting_client_is_told() {
    let app = TestApp::idle().await;
    let node = app.node(Some(Working::default())).await;
    // While this writer has the lock, no import gets on.
    let mut writer = app.service.store().begin_survey(held(), OnConflict::Add).await.unwrap();
    writer.stop_others().await.unwrap();
    let waits = app.upload(APRIL, city::one_of_each().text());
    let cancels = async {
        loop {
            let jobs = app.read("/api/jobs").await;
            match jobs["jobs"].get(0) {
                Some(job) if !job["node"].is_null() => return cancel(&app, &format!("/api/jobs/{}", text(&job["id"]))).await,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let (waited, cancelled) = tokio::join!(waits, cancels);
    waited.problem(410, "job_cancelled");
    assert_eq!(cancelled.status, 200);
    drop(writer);
    // The node is free for the next one, and what was cancelled is not stored beside it.
    node.uploaded("period=2022-05&level=city", &city::one_of_each()).await;
    assert_eq!(app.surveys().await.iter().map(|survey| text(&survey["period"])).collect::<Vec<_>>(), ["2022-05"]);
    node.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_or_unknown_cannot_be_cancelled() {
    let app = TestApp::bare().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let done = app.read("/api/jobs").await["jobs"][0].clone();
    let job = format!("/api/jobs/{}", text(&done["id"]));
    cancel(&app, &job).await.problem(409, "job_over");
    assert_eq!((app.read(&job).await, app.surveys().await.len()), (done, 1));
    cancel(&app, "/api/jobs/1").await.problem(404, "not_found");
}

/// Claims a job as nodes do that die at once.
async fn dies(app: &TestApp, nodes: &[&str]) {
    for node in nodes {
        app.service.store().claim(Lane::Writing, node, Duration::ZERO).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_node_died_twice_is_given_up_with_that_reason() {
    let app = TestApp::idle().await;
    let job = begin(&app, APRIL, city::one_of_each().text()).await.header("location").to_owned();
    dies(&app, &["one", "two"]).await;
    let _node = app.node(Some(Working::default())).await;
    let (name, failed) = events(&app, &job).await.pop().unwrap();
    assert_eq!((name.as_str(), &failed["problem"]["status"], text(&failed["problem"]["type"])), ("failed", &json!(422), "/problems/node_died".to_owned()));
    assert!(text(&failed["problem"]["detail_en"]).contains("2 times") && text(&failed["problem"]["detail_en"]).contains("two"), "{failed}");
    assert_eq!(app.surveys().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_node_died_once_is_done_by_another() {
    let app = TestApp::idle().await;
    let job = begin(&app, APRIL, city::one_of_each().text()).await.header("location").to_owned();
    dies(&app, &["one"]).await;
    let _node = app.node(Some(Working::default())).await;
    assert_eq!(events(&app, &job).await.pop().unwrap().1["survey"]["patches"], 4);
}

/// Whoever waits is told where to ask, instead of being cut off when the node's time is up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_answers_waiting_clients_with_the_job() {
    let app = TestApp::idle().await;
    let stops = async {
        while app.read("/api/jobs").await["jobs"].as_array().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        app.life.enter(Phase::Stopping);
    };
    let (answer, ()) = tokio::join!(app.upload(APRIL, city::one_of_each().text()), stops);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = answer.header("location").to_owned();
    assert_eq!((&answer.json()["state"], answer.header("preference-applied")), (&json!("running"), ""));
    // Whoever listens to the job hears how it is, and then no more from this node.
    assert_eq!(events(&app, &job).await, [("progress".to_owned(), answer.json())]);
    let node = app.node(Some(Working::default())).await;
    assert_eq!(events(&node, &job).await.pop().unwrap().1["survey"]["patches"], 4);
}
