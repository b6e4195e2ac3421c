//! `/api/jobs`: imports that go on after their upload was answered.

use super::app::{
    APRIL, Answer, TestApp, city,
    file::{File, rectangle},
    text,
};
use reqwest::Method;
use serde_json::{Value, json};
use tuban::store::SurveyKey;
use tuban_engine::model::{Level, OnConflict};

/// Uploads with `Prefer: respond-async`.
pub(super) async fn begin(app: &TestApp, query: &str, body: impl Into<reqwest::Body>) -> Answer {
    app.send(app.request(Method::POST, &format!("/api/surveys?{query}")).header("prefer", "wait=10, respond-async").body(body)).await
}

/// The server-sent events of a job, by name with their data, to the end of the stream.
pub(super) async fn events(app: &TestApp, job: &str) -> Vec<(String, Value)> {
    let answer = app.get(&format!("{job}/events")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "text/event-stream"));
    let told = answer.text();
    let field = |event: &str, name: &str| event.lines().find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned())).unwrap();
    told.split("\n\n")
        .filter(|event| event.contains("data:"))
        .map(|event| (field(event, "event:"), serde_json::from_str(&field(event, "data:")).unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_answers_at_once_and_tells_how_far_it_is() {
    let app = TestApp::city().await;
    // While this writer has the store, no import can begin.
    let key = SurveyKey { period: "2022-01".parse().unwrap(), level: Level::City, upload_key: "held".to_owned() };
    let mut held = app.service.store().begin_survey(key, OnConflict::Add).await.unwrap();
    held.stop_others().await.unwrap();
    let answer = begin(&app, APRIL, city::one_of_each().text()).await;
    assert_eq!((answer.status.as_u16(), answer.header("preference-applied")), (202, "respond-async"));
    let job = answer.header("location").to_owned();
    // When it is claimed is the node's affair.
    let told = |mut job: Value| {
        let parts = ["node", "attempts", "started_at", "queued_at"].map(|name| job.as_object_mut().unwrap().remove(name).unwrap());
        (job, parts[3].clone())
    };
    let (running, queued_at) = told(answer.json());
    assert_eq!(
        running,
        json!({ "id": job.strip_prefix("/api/jobs/").unwrap(), "kind": "survey_import", "state": "running", "stage": "reading", "done": 0, "total": null,
            "error": null, "ended_at": null, "survey": null, "layer": null, "file": null, "problem": null })
    );
    assert_eq!(told(app.read(&job).await), (running, queued_at));
    assert_eq!(app.surveys().await, Vec::<Value>::new(), "nothing is visible before it is whole");

    drop(held);
    let told = events(&app, &job).await;
    let (name, done) = told.last().unwrap();
    assert_eq!((name.as_str(), &done["state"], &done["problem"]), ("done", &json!("done"), &json!(null)));
    assert!(told[..told.len() - 1].iter().all(|(name, data)| name == "progress" && data["state"] == "running"), "{told:?}");
    assert_eq!((&done["done"], &done["total"], &done["stage"]), (&json!(4), &json!(4), &json!("storing")));
    assert_eq!((&done["attempts"], &done["error"], text(&done["node"])), (&json!(1), &json!(null), tuban::service::jobs::work::Working::default().node));
    let [queued, started, ended] = ["queued_at", "started_at", "ended_at"].map(|name| text(&done[name]).parse::<jiff::Timestamp>().unwrap());
    assert!(queued <= started && started <= ended, "{queued} {started} {ended}");
    assert_eq!(app.surveys().await, [done["survey"].clone()]);
    assert_eq!(app.read(&job).await, *done, "polling says the same");
    assert_eq!(events(&app, &job).await, [("done".to_owned(), done.clone())], "whoever comes later hears the end");
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polling_alone_sees_the_end() {
    let app = TestApp::city().await;
    let job = begin(&app, APRIL, city::one_of_each().text()).await.header("location").to_owned();
    let ended = loop {
        let state = app.read(&job).await;
        if state["state"] != "running" {
            break state;
        }
    };
    assert_eq!((&ended["state"], &ended["survey"]["patches"]), (&json!("done"), &json!(4)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_fails_says_why_as_a_problem() {
    let app = TestApp::city().await;
    for (query, body, status, code) in
        [(APRIL, "{".to_owned(), 400, "truncated"), (APRIL, File::default().patch_of("X", "[]").text(), 422, "no_acceptable_feature")]
    {
        let answer = begin(&app, query, body).await;
        assert_eq!(answer.status, 202);
        let job = answer.header("location").to_owned();
        let told = events(&app, &job).await;
        let (name, failed) = told.last().unwrap();
        assert_eq!((name.as_str(), &failed["state"], &failed["survey"]), ("failed", &json!("failed"), &json!(null)));
        assert_eq!((&failed["problem"]["status"], text(&failed["problem"]["type"])), (&json!(status), format!("/problems/{code}")));
        assert_eq!(app.read(&job).await, *failed);
        app.has_an_empty_spool();
    }
    app.uploaded(APRIL, &city::one_of_each()).await;
    let job = begin(&app, APRIL, File::default().patch("N", &[city::legal()]).text()).await.header("location").to_owned();
    assert_eq!(text(&events(&app, &job).await.last().unwrap().1["problem"]["type"]), "/problems/survey_exists");
    let job = begin(&app, APRIL, city::one_of_each().text()).await.header("location").to_owned();
    assert_eq!(events(&app, &job).await.last().unwrap().1["survey"]["id"], app.surveys().await[0]["id"], "the same file is the survey that is there");
    // What can be told before the body is read is told at once.
    begin(&app, "period=2022-04", String::new()).await.problem(400, "parameter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_at_once_are_each_whole() {
    let app = TestApp::city().await;
    let mut jobs = Vec::new();
    // The same patches in each month, which is asked about unless it is said.
    for month in 1..=6 {
        jobs.push(begin(&app, &format!("period=2022-{month:02}&level=city&again=yes"), city::one_of_each().text()).await.header("location").to_owned());
    }
    for job in &jobs {
        assert_eq!(events(&app, job).await.last().unwrap().1["survey"]["patches"], 4);
    }
    assert_eq!((app.surveys().await.len(), app.patches("").await.len()), (6, 24));
}

/// Oracle: by hand; the same square in each of four months is one square of ground.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn surveys_that_come_at_once_find_the_ground_they_share() {
    let app = TestApp::city().await;
    let mut jobs = Vec::new();
    for month in 1..=4 {
        let square = File::default().patch(&format!("P{month}"), &[rectangle(118.31, 35.02, 118.311, 35.021)]);
        jobs.push(begin(&app, &format!("period=2022-{month:02}&level=city"), square.text()).await.header("location").to_owned());
    }
    for job in &jobs {
        assert_eq!(events(&app, job).await.last().unwrap().1["state"], "done");
    }
    let area = async |until: &str| app.read(&format!("/api/ratios?period=2022-01&until={until}")).await["city"]["total"]["area"]["m2"].as_f64().unwrap();
    let (alone, together) = (area("2022-01").await, area("2022-04").await);
    assert!(alone > 1000.0 && (together - alone).abs() < 1e-3, "{alone} {together}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_job_is_not_found() {
    let app = TestApp::bare().await;
    app.get("/api/jobs/1").await.problem(404, "not_found");
    app.get("/api/jobs/1/events").await.problem(404, "not_found");
}
