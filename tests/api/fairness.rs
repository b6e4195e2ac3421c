//! Fairness: who imports a thousand patches waits for no file that is long or never ends.

use super::app::file::{File, rectangle};
use super::app::{TestApp, city, text};
use super::jobs::begin;
use crate::formats_files::kit::{folder, ogr2ogr, program};
use serde_json::Value;
use std::time::Duration;
use tuban::formats::ogr::Fault;
use tuban::service::{Workshop, jobs::work::IMPORTS};

/// Patches of the neighbour.
const PATCHES: u32 = 1000;
/// Longest wait for what must come by itself, far above what it takes.
const PATIENCE: Duration = Duration::from_mins(3);

/// `count` patches side by side.
fn patches(name: &str, count: u32) -> String {
    let file = (0..count).fold(File::default(), |file, n| {
        let (west, south) = (118.301 + 0.0009 * f64::from(n % 200), 35.001 + 0.0009 * f64::from(n / 200));
        file.patch(&format!("{name}{n}"), &[rectangle(west, south, west + 0.0004, south + 0.0004)])
    });
    file.text()
}

/// A file that GDAL reads.
fn flatgeobuf() -> Vec<u8> {
    let at = folder();
    let (from, to) = (at.path().join("tb.geojson"), at.path().join("tb.fgb"));
    std::fs::write(&from, city::one_of_each().text()).unwrap();
    ogr2ogr(&["-f", "FlatGeobuf"], &to, &from);
    std::fs::read(to).unwrap()
}

/// The job, once it has got so far.
async fn once(app: &TestApp, job: &str, far_enough: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let seen = app.read(job).await;
            if far_enough(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it gets on")
}

fn is_at_work(job: &Value) -> bool {
    job["state"] == "running" && job["done"].as_u64() > Some(0)
}

/// The neighbour's thousand patches are stored while every one of these jobs is still at work: none of their ends was waited for.
async fn a_neighbour_waits_for_none_of(app: &TestApp, others: &[String]) {
    for other in others {
        once(app, other, is_at_work).await;
    }
    let job = begin(app, "period=2022-06&level=city", patches("n", PATCHES)).await.header("location").to_owned();
    let done = once(app, &job, |job| job["state"] != "running").await;
    assert_eq!((text(&done["state"]), done["survey"]["patches"].as_u64()), ("done".to_owned(), Some(PATCHES.into())), "{done}");
    for other in others {
        let other = app.read(other).await;
        assert!(other["state"] == "running", "the neighbour waited for {other}");
    }
}

/// Files that send a feature five times a second and have no end, on all but one of the places for imports.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_patches_do_not_wait_for_files_that_drip() {
    let patient = |workshop| Workshop { program: Some(program()), fault: Some(Fault::Drip), least_rate: 0, ..workshop };
    let app = TestApp::with_workshop(patient).await.with_city().await;
    let mut drips = Vec::new();
    for month in 1..IMPORTS {
        drips.push(begin(&app, &format!("period=2021-{month:02}&level=city&name=tb.fgb"), flatgeobuf()).await.header("location").to_owned());
    }
    assert!(!drips.is_empty());
    a_neighbour_waits_for_none_of(&app, &drips).await;
}

/// A survey forty times as large.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_patches_do_not_wait_for_forty_thousand() {
    let app = TestApp::bare().await.with_city().await;
    let large = begin(&app, "period=2021-01&level=city", patches("l", 40 * PATCHES)).await.header("location").to_owned();
    a_neighbour_waits_for_none_of(&app, &[large]).await;
}
