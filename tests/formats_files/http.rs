//! The same through the front door: looked at, taken in, or refused while the service answers on.

use super::kit::{folder, ogr2ogr, patience, program, zip_folder};
use crate::app::{APRIL, TestApp, city, names_in};
use std::time::Duration;
use tuban::formats::ogr::Fault;
use tuban::service::Workshop;

/// A survey of four patches as a zipped Shapefile in GBK and zone 39.
fn shapefile() -> Vec<u8> {
    let (at, files) = (folder(), folder());
    let geojson = at.path().join("tb.geojson");
    std::fs::write(&geojson, city::one_of_each().text()).unwrap();
    ogr2ogr(&["-f", "ESRI Shapefile", "-lco", "ENCODING=GBK", "-t_srs", "EPSG:4527"], &files.path().join("图斑.shp"), &geojson);
    let archive = at.path().join("tb.zip");
    zip_folder(&archive, files.path(), "上报/");
    std::fs::read(archive).unwrap()
}

fn with_program(workshop: Workshop) -> Workshop {
    Workshop { program: Some(program()), ..workshop }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zipped_shapefile_is_looked_at_and_then_taken_in() {
    let app = TestApp::with_workshop(with_program).await;
    let seen = app.post("/api/inspect?name=tb.zip", shapefile()).await;
    assert_eq!(seen.status, 200, "{}", seen.text());
    let seen = seen.json();
    assert_eq!(
        (seen["layer"].as_str(), seen["crs"]["understood"].as_str(), seen["features"].as_u64(), seen["accepted"].as_u64()),
        (Some("图斑"), Some("EPSG:4527"), Some(4), Some(4)),
        "{seen}"
    );
    assert_eq!(seen["problem"], serde_json::Value::Null);
    assert!(app.surveys().await.is_empty(), "nothing is stored");
    let answer = app.upload(&format!("{APRIL}&name=tb.zip"), shapefile()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!((answer.json()["patches"].as_u64(), answer.json()["crs"].as_str().map(str::to_owned)), (Some(4), Some("EPSG:4527".to_owned())));
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_hangs_or_dies_costs_one_upload() {
    for (fault, code) in [(Fault::Hang, "worker_silent"), (Fault::Crash, "worker_crashed")] {
        let app = TestApp::with_workshop(|workshop| Workshop { fault: Some(fault), patience: patience(fault), ..with_program(workshop) }).await;
        app.refuses(APRIL, shapefile(), 400, code).await;
        assert_eq!(app.get("/health").await.status, 200);
        app.has_an_empty_spool();
        assert!(app.surveys().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_hangs_or_dies_midway_leaves_nothing_and_another_survey_comes_in_meanwhile() {
    for (fault, code) in [(Fault::HangMidway, "worker_silent"), (Fault::CrashMidway, "worker_crashed")] {
        let app = TestApp::with_workshop(|workshop| Workshop { fault: Some(fault), patience: patience(fault), ..with_program(workshop) }).await;
        let queued = app.request(reqwest::Method::POST, &format!("/api/surveys?{APRIL}")).header("prefer", "respond-async").body(shapefile());
        let job = app.send(queued).await.json()["id"].as_str().unwrap().to_owned();
        // The next survey, of the same month, does not wait for it; nor does whoever only looks.
        let (taken, looked) = tokio::join!(app.upload(APRIL, city::one_of_each().text()), app.post("/api/inspect", city::one_of_each().text()));
        assert_eq!((taken.status.as_u16(), looked.status.as_u16()), (201, 200), "{}", taken.text());
        // The stream of its events ends with it.
        app.get(&format!("/api/jobs/{job}/events")).await;
        let failed = app.read(&format!("/api/jobs/{job}")).await;
        assert_eq!(failed["problem"]["type"], format!("/problems/{code}"), "{failed}");
        let surveys = app.surveys().await;
        assert_eq!((surveys.len(), surveys[0]["patches"].as_u64()), (1, Some(4)), "{surveys:?}");
        assert_eq!(app.patches("").await.len(), 4, "nothing of the first batch was stored");
        app.has_an_empty_spool();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_files_are_looked_at_at_a_time_and_none_once_its_sender_has_left() {
    let app = TestApp::with_workshop(|workshop| Workshop { fault: Some(Fault::Hang), patience: Duration::from_secs(300), ..with_program(workshop) }).await;
    let file = shapefile();
    let jobs = || names_in(app.service.spool()).iter().filter(|name| name.starts_with("tuban-job-")).count();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let request = app.request(reqwest::Method::POST, "/api/inspect?name=tb.zip").body(file.clone());
        senders.spawn(async move { request.send().await.map(|answer| answer.status()) });
    }
    // All four are here, two of them are looked at.
    let uploads = || {
        let folder = std::fs::read_dir(app.service.spool())
            .unwrap()
            .filter_map(Result::ok)
            .find(|entry| entry.file_name().to_string_lossy().starts_with("tuban-uploads-"));
        folder.map_or(0, |folder| names_in(&folder.path()).len())
    };
    until(|| (uploads(), jobs()) == (4, 2)).await;
    assert_eq!(jobs(), 2);
    senders.abort_all();
    // Long before anybody's patience is at its end.
    until(|| names_in(app.service.spool()).is_empty()).await;
    // Others have their turn again.
    assert_eq!(app.post("/api/inspect", city::one_of_each().text()).await.status, 200);
}

/// Waits until that is so, for a minute at most.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_worker_the_package_is_named() {
    let app = TestApp::with_workshop(|workshop| Workshop { program: None, ..workshop }).await;
    let problem = app.refuses(APRIL, shapefile(), 415, "no_ogr").await;
    assert!(problem["detail"].as_str().unwrap().contains("tuban-ogr"), "{problem}");
    app.uploaded(APRIL, &city::one_of_each()).await;
}

/// The same without anything that says what it is in: six-digit eastings, GBK, a field of its own for the number.
fn bare_shapefile() -> Vec<u8> {
    let (at, files) = (folder(), folder());
    let geojson = at.path().join("tb.geojson");
    std::fs::write(&geojson, city::one_of_each().text()).unwrap();
    let shp = files.path().join("图斑.shp");
    ogr2ogr(&["-f", "ESRI Shapefile", "-lco", "ENCODING=GBK", "-t_srs", "EPSG:4548", "-sql", "SELECT JCBH AS \"图号\" FROM tb"], &shp, &geojson);
    std::fs::remove_file(shp.with_extension("prj")).unwrap();
    std::fs::remove_file(shp.with_extension("cpg")).unwrap();
    let archive = at.path().join("tb.zip");
    zip_folder(&archive, files.path(), "");
    std::fs::read(archive).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_sent_once_looked_at_corrected_and_taken_in_as_corrected() {
    let app = TestApp::with_workshop(with_program).await;
    for (kind, layer) in city::layers() {
        app.import_layer(kind, &layer, "2022-01-01").await;
    }
    let seen = app.post("/api/inspect?keep=true&name=tb.zip", bare_shapefile()).await.json();
    assert_eq!((seen["problem"]["type"].as_str(), seen["crs"]["candidates"][0].as_str()), (Some("/problems/wrong_crs"), Some("EPSG:4548")), "{seen}");
    assert_eq!((seen["crs"]["source"].as_str(), seen["crs"]["found"].as_str()), (Some("assumed"), None));
    assert_eq!(seen["fields"], serde_json::json!([{ "name": "图号", "taken_for": null }]));
    let corrections =
        format!("from={}&name=tb.zip&crs=EPSG:4548&encoding=GBK&layer=图斑&map=patch_id%3D图号&map=change_type%3D图号", seen["token"].as_str().unwrap());
    let again = app.post(&format!("/api/inspect?{corrections}"), "").await.json();
    assert_eq!((again["problem"].is_null(), again["accepted"].as_u64(), again["crs"]["source"].as_str()), (true, Some(4), Some("stated")), "{again}");
    assert_eq!((&again["token"], &again["sha256"]), (&seen["token"], &seen["sha256"]));
    let survey = app.upload(&format!("{APRIL}&{corrections}"), "").await;
    assert_eq!(survey.status, 201, "{}", survey.text());
    assert_eq!(survey.json()["fields"], serde_json::json!({ "patch_id": "图号", "change_type": "图号" }));
    assert_eq!((survey.json()["crs"].as_str(), survey.json()["sha256"].as_str()), (Some("EPSG:4548"), seen["sha256"].as_str()));
    app.patch("L1").await;
    // What was taken in no longer waits.
    app.has_an_empty_spool();
    app.post(&format!("/api/inspect?{corrections}"), "").await.problem(404, "not_waiting");
    app.upload(&format!("{APRIL}&{corrections}"), "").await.problem(404, "not_waiting");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_refused_goes_on_waiting_for_its_correction() {
    let app = TestApp::with_workshop(with_program).await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let seen = app.post("/api/inspect?keep=true&name=tb.zip", shapefile()).await.json();
    let from = format!("{APRIL}&name=tb.zip&from={}", seen["token"].as_str().unwrap());
    app.upload(&from, "").await.problem(409, "survey_exists");
    assert_eq!(app.upload(&format!("{from}&on_conflict=replace"), "").await.status, 201);
    app.has_an_empty_spool();
    assert!(app.post("/api/inspect?name=tb.zip", shapefile()).await.json()["token"].is_null(), "nobody asked for it to be kept");
    app.has_an_empty_spool();
    app.post("/api/inspect?gcj02=perhaps", shapefile()).await.problem(400, "parameter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_import_would_refuse_is_foretold() {
    let app = TestApp::with_workshop(with_program).await;
    let twice = city::one_of_each().patch("L1", &[city::suspected()]);
    let seen = app.post("/api/inspect", twice.text()).await.json();
    assert_eq!((seen["accepted"].as_u64(), seen["rejects"][0]["code"].as_str()), (Some(4), Some("duplicate_id")), "{seen}");
    assert_eq!(seen["crs"], serde_json::json!({ "found": null, "understood": "OGC:CRS84", "source": "assumed", "candidates": [] }));
    let survey = app.uploaded(APRIL, &twice).await;
    assert_eq!((&survey["patches"], &survey["rejected"]), (&seen["accepted"], &seen["rejected"]));
}
