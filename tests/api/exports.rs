//! Exports as jobs, and what all exports have in common; the formats themselves are met in `formats_files`.

use super::app::{APRIL, Answer, TestApp, city, file::File, text};
use super::jobs::{begin, events};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Connection;
use std::time::Duration;
use tuban::scope::Scope;
use tuban::service::{
    export::{Export, Format, Selection, Subject},
    jobs::work::Working,
    layers::import::LayerFile,
};
use tuban::store::SurveyKey;
use tuban_engine::model::{Lane, LayerKind, Level, OnConflict};

/// Queues an export; the job.
pub(super) async fn queued(app: &TestApp, what: &str) -> String {
    let answer = app.post(&format!("/api/exports/{what}"), "").await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = answer.json();
    assert_eq!((text(&job["kind"]), format!("/api/jobs/{}", text(&job["id"]))), ("export".to_owned(), answer.header("location").to_owned()));
    answer.header("location").to_owned()
}

/// Queues an export and waits for its end; the job as it is then, and its file.
pub(super) async fn exported(app: &TestApp, what: &str) -> (Value, Answer) {
    let job = queued(app, what).await;
    let (name, done) = events(app, &job).await.pop().unwrap();
    assert_eq!((name.as_str(), &done["problem"]), ("done", &json!(null)), "{done}");
    let file = app.get(&text(&done["file"]["url"])).await;
    assert_eq!(file.status, 200, "{}", file.text());
    (done, file)
}

async fn with_april() -> TestApp {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_job_makes_the_file_that_a_waiting_request_gets() {
    let app = with_april().await;
    for (what, features) in [
        ("findings?format=geojson", 4),
        ("findings?format=csv&county=371302&verdict=legal", 1),
        ("findings?format=csv&patch=2", 1),
        ("findings?format=geojson&crs=EPSG:4527&period=2022-04", 4),
        ("findings?format=csv&period=2023-01", 0),
        ("layers/1?format=geojson", 2),
    ] {
        let (job, file) = exported(&app, what).await;
        let waited_for = app.get(&format!("/api/exports/{what}")).await;
        assert_eq!(file.text(), waited_for.text(), "{what}");
        for header in ["content-type", "content-disposition", "content-length"] {
            assert_eq!(file.header(header), waited_for.header(header), "{what}");
        }
        let (made, sha256) = (&job["file"], tuban::service::hexadecimal(&Sha256::digest(&file.bytes)));
        assert_eq!(
            (&made["features"], &made["bytes"], text(&made["media_type"])),
            (&json!(features), &json!(file.bytes.len()), file.header("content-type").to_owned())
        );
        assert_eq!((&job["stage"], &job["done"], &job["total"]), (&json!("storing"), &json!(features), &json!(features)));
        assert_eq!(file.header("etag"), format!("\"{sha256}\""));
        let again = app.send(app.request(Method::GET, &text(&made["url"])).header("if-none-match", file.header("etag"))).await;
        assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0));
    }
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_is_asked_another_writes_it_and_any_hands_it_out() {
    let asked = TestApp::idle().await;
    let job = queued(&asked, "findings?format=csv").await;
    asked.get(&format!("{job}/file")).await.problem(404, "not_done");
    let does = asked.node(Some(Working { node: "does".to_owned(), ..Working::default() })).await;
    let done = events(&asked, &job).await.pop().unwrap().1;
    assert_eq!((&done["state"], &done["node"]), (&json!("done"), &json!("does")));
    let files = [asked.get(&format!("{job}/file")).await, does.get(&format!("{job}/file")).await];
    assert!(files[0].bytes == files[1].bytes && files[0].text().starts_with('\u{feff}'), "{files:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_does_not_wait_for_an_import() {
    let app = with_april().await;
    // While this writer has the store, no import comes to its end.
    let key = SurveyKey { period: "2022-01".parse().unwrap(), level: Level::City, upload_key: "held".to_owned() };
    let mut held = app.service.store().begin_survey(key, OnConflict::Add).await.unwrap();
    held.stop_others().await.unwrap();
    let import = begin(&app, "period=2022-05&level=city&again=yes", city::one_of_each().text()).await.header("location").to_owned();
    assert_eq!(exported(&app, "findings?format=csv").await.0["file"]["features"], 4);
    assert_eq!(app.read(&import).await["state"], "running");
    drop(held);
    assert_eq!(events(&app, &import).await.last().unwrap().1["state"], "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_exported_is_told_at_once_or_as_the_end_of_the_job() {
    let app = with_april().await;
    app.post("/api/exports/findings", "").await.problem(400, "parameter");
    app.post("/api/exports/findings?format=csv&crs=EPSG:4527", "").await.problem(400, "parameter");
    for what in ["findings?format=csv&survey=99", "findings?format=csv&patch=99", "layers/99?format=csv"] {
        app.post(&format!("/api/exports/{what}"), "").await.problem(404, "not_found");
    }
    let jobs_before = app.read("/api/jobs").await["jobs"].as_array().unwrap().len();
    for (what, status, code) in [("findings?format=csv&county=110101", 404, "not_found"), ("findings?format=geojson&crs=EPSG:4513", 422, "outside_crs")] {
        let job = queued(&app, what).await;
        let failed = events(&app, &job).await.pop().unwrap().1;
        assert_eq!((&failed["state"], &failed["file"], &failed["problem"]["status"]), (&json!("failed"), &json!(null), &json!(status)));
        assert_eq!(failed["attempts"], 1, "nothing would be mended by another attempt");
        app.get(&format!("{job}/file")).await.problem(status, code);
    }
    assert_eq!(app.read("/api/jobs").await["jobs"].as_array().unwrap().len(), jobs_before + 2);
    let import = app.read("/api/jobs").await["jobs"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(import["kind"], "survey_import");
    app.get(&format!("/api/jobs/{}/file", text(&import["id"]))).await.problem(404, "not_found");
    app.get("/api/jobs/none/file").await.problem(404, "not_found");
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_dropped_is_gone_and_says_so() {
    let app = with_april().await;
    let (job, _) = exported(&app, "findings?format=csv").await;
    app.service.store().drop_files(Duration::ZERO, u64::MAX).await.unwrap();
    let problem = app.get(&text(&job["file"]["url"])).await.problem(410, "file_dropped");
    let job = app.read(&format!("/api/jobs/{}", text(&job["id"]))).await;
    assert_eq!((&job["state"], &job["file"], &job["problem"]), (&json!("done"), &json!(null), &problem));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_dropped_after_a_day_also_without_new_exports() {
    let app = with_april().await;
    let (job, _) = exported(&app, "findings?format=csv").await;
    let id = text(&job["id"]);
    // A day and a second pass.
    let mut jobs = sqlx::SqliteConnection::connect(&format!("sqlite:{}-jobs", app.database().display())).await.unwrap();
    sqlx::query("UPDATE job SET ended_ms = ended_ms - 86401000 WHERE id = $1").bind(&id).execute(&mut jobs).await.unwrap();
    let _node = app.node(Some(Working { node: "starts".to_owned(), ..Working::default() })).await;
    let mut news = app.service.news();
    while app.service.store().job(&id).await.unwrap().file_bytes.is_some() {
        news.heard().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_with_an_export_loses_it_to_another_which_makes_the_file_once() {
    let asked = TestApp::idle().await;
    let job = queued(&asked, "findings?format=csv").await;
    let (_, late) = asked.service.store().claim(Lane::Reading, "dies", Duration::ZERO).await.unwrap().unwrap();
    let _does = asked.node(Some(Working { node: "does".to_owned(), ..Working::default() })).await;
    let done = events(&asked, &job).await.pop().unwrap().1;
    assert_eq!((&done["node"], &done["attempts"]), (&json!("does"), &json!(2)));
    let file = asked.get(&format!("{job}/file")).await;
    // The dead one comes back and has its own file.
    let outcome = asked.service.store().job(&late.job).await.unwrap().outcome.unwrap();
    assert!(!asked.service.store().settle(&late, outcome, &mut &b"late"[..]).await.unwrap());
    assert_eq!(asked.get(&format!("{job}/file")).await.bytes, file.bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_during_which_something_is_stored_is_refused() {
    let app = TestApp::city().await;
    // More than one page, so that there is a time between two.
    let many = (0..501).fold(File::default(), |file, n| file.patch(&n.to_string(), &[city::legal()]));
    app.uploaded(APRIL, &many).await;
    let selection = Selection { county: Some("371302".to_owned()), ..Selection::default() };
    let export = Export::new(Subject::Findings(selection), Format::Csv, None, None).unwrap();
    let verdicts = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n500,illegal,0,0,1000,333\n";
    let file_verdict = || tokio::runtime::Handle::current().block_on(app.service.file_verdicts(&Scope::all(), None, verdicts.as_bytes())).unwrap();
    let meanwhile = |done| {
        assert_eq!(done, 500);
        assert_eq!(tokio::task::block_in_place(file_verdict), 1);
    };
    let refused = app.service.export(&Scope::all(), &export, &meanwhile).await.unwrap_err();
    let problem = tuban::http::Problem::of(&refused);
    assert_eq!((problem.status, problem.kind.as_str()), (503, "/problems/changed_meanwhile"));
    assert_eq!(app.service.export(&Scope::all(), &export, &|_| {}).await.unwrap().features, 501);
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_invented_says_so_in_geojson_and_comes_in_again_as_invented() {
    let app = TestApp::city().await;
    let invented = app.uploaded(APRIL, &city::one_of_each().member(r#""invented":true"#)).await;
    let real = app.uploaded("period=2022-05&level=city", &city::one_of_each()).await;
    assert_eq!((&invented["invented"], &real["invented"]), (&json!(true), &json!(false)));
    let real_patch = app.patches("period=2022-05").await[0]["id"].clone();
    for (filter, expected) in [
        ("", json!(true)),
        ("&period=2022-04", json!(true)),
        ("&period=2022-05", Value::Null),
        (&format!("&survey={}", real["id"]), Value::Null),
        (&format!("&survey={}", invented["id"]), json!(true)),
        (&format!("&patch={real_patch}"), Value::Null),
        ("&patch=1", json!(true)),
    ] {
        let answer = app.get(&format!("/api/exports/findings?format=geojson{filter}")).await;
        assert_eq!(answer.json()["invented"], expected, "{filter}");
    }
    let county = app.get("/api/exports/layers/1?format=geojson").await;
    let path = app.write("again.geojson", &county.text());
    let again = LayerFile::new(path, LayerKind::County, "again".to_owned(), "2022-01-01".parse().unwrap());
    assert!(app.service.import_layer(&Scope::all(), &again, &|_| {}).await.unwrap().layer.invented);
}
