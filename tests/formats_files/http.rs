//! The same through the front door: looked at, taken in, or refused while the service answers on.

use super::kit::{folder, ogr2ogr, program, zip_folder};
use crate::app::{APRIL, TestApp, city};
use std::time::Duration;
use tuban::monitor::Workshop;

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
    for (fault, code) in [("hang", "worker_timeout"), ("crash", "worker_crashed")] {
        let app = TestApp::with_workshop(|workshop| Workshop { fault: Some(fault), patience: Duration::from_secs(2), ..with_program(workshop) }).await;
        app.refuses(APRIL, shapefile(), 400, code).await;
        assert_eq!(app.get("/health").await.status, 200);
        app.has_an_empty_spool();
        assert!(app.surveys().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_worker_the_package_is_named() {
    let app = TestApp::with_workshop(|workshop| Workshop { program: None, ..workshop }).await;
    let problem = app.refuses(APRIL, shapefile(), 415, "no_ogr").await;
    assert!(problem["detail"].as_str().unwrap().contains("tuban-ogr"), "{problem}");
    app.uploaded(APRIL, &city::one_of_each()).await;
}
