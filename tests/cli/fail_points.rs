//! The program is ended at each of its fail points in turn: what it was doing is done or not done, and nothing else is left once the sweep has been.

use super::{
    app::{
        city,
        file::{File, polygon, rectangle},
    },
    done,
    kill::{reopen, survey},
    place::{ended, read},
    serve::Serving,
    tuban,
};
use sqlx::{Connection, SqliteConnection};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tuban::store::{Store, fail, sqlite::SqliteStore};

const SIGABRT: i32 = 6;
/// Patches of the surveys: few, because every moment is tried and not a random one.
const PATCHES: u32 = 40;

/// Rows of every table that an import or a re-classification writes to.
async fn rows(folder: &Path) -> Vec<i64> {
    let mut file = SqliteConnection::connect(&format!("sqlite://{}", folder.join("tuban.db").display())).await.unwrap();
    let mut counts = Vec::new();
    for table in [
        "survey",
        "patch",
        "patch_outline",
        "finding",
        "filing",
        "reject",
        "shared_ground",
        "survey_set",
        "survey_event",
        "finding_history",
        "layer",
        "layer_feature",
        "layer_left_out",
        "unpublished",
        "unpublished_set",
        "unpublished_finding",
        "unpublished_history",
    ] {
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(&mut file).await.unwrap();
        counts.push(count);
    }
    file.close().await.unwrap();
    counts
}

/// Removes what a killed program left behind, whenever it was last heard of.
async fn sweep(folder: &Path) {
    let store = SqliteStore::open(&format!("sqlite:{}/tuban.db", folder.display())).await.unwrap();
    store.remove_unpublished(Duration::ZERO).await.unwrap();
    store.verify().await.unwrap();
    store.close().await;
}

fn put_back(folder: &Path) {
    for leftover in ["tuban.db-wal", "tuban.db-shm", "tuban.db-jobs", "tuban.db-jobs-wal", "tuban.db-jobs-shm"] {
        let _ = std::fs::remove_file(folder.join(leftover));
    }
    std::fs::copy(folder.join("before.db"), folder.join("tuban.db")).unwrap();
}

/// Runs a command, which ends at that point.
fn ends_at(folder: &Path, arguments: &[&str], point: &str) {
    let mut command = tuban(folder, arguments);
    let status = command.env("TUBAN_FAIL_POINT", point).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.signal(), Some(SIGABRT), "{arguments:?} does not come to {point}: {status}");
}

/// A folder with a database that has a county layer and a survey, and with files to bring in.
async fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let nowhere = serde_json::json!({ "XZQDM": "371312", "XZQMC": "河东区" });
    let with_a_fault = city::counties().feature(&nowhere, r#"{"type":"Polygon","coordinates":[]}"#);
    let parcels = File::default().feature(&serde_json::json!({ "DLBM": "0102" }), &polygon(&[rectangle(118.3, 35.0, 118.5, 35.2)]));
    for (name, text) in [
        ("counties", city::counties().text()),
        ("faulty", with_a_fault.text()),
        ("parcels", parcels.text()),
        ("old", survey("old", PATCHES)),
        ("new", rejected()),
    ] {
        std::fs::write(path.join(format!("{name}.geojson")), text).unwrap();
    }
    done(path, &["layer", "add", "--kind", "county", "--name", "行政区", "--effective", "2022-01-01", "counties.geojson"]);
    done(path, &["survey", "add", "--period", "2022-04", "--level", "city", "old.geojson"]);
    done(path, &["layer", "add", "--kind", "farmland", "--name", "耕地", "--effective", "2022-01-01", "--classes", "2017", "parcels.geojson"]);
    reopen(path).await;
    std::fs::copy(path.join("tuban.db"), path.join("before.db")).unwrap();
    folder
}

/// A survey of the same ground as the one that is there, with a feature that is refused.
fn rejected() -> String {
    let patches = (0..PATCHES).fold(File::default(), |file, n| {
        let (west, south) = (118.3012 + 0.001 * f64::from(n % 190), 35.001 + 0.001 * f64::from(n / 190));
        file.patch(&format!("new{n}"), &[rectangle(west, south, west + 0.0005, south + 0.0005)])
    });
    patches.patch_of("refused", "[]").text()
}

#[tokio::test]
async fn a_program_that_ends_at_any_point_leaves_all_or_nothing() {
    let folder = folder().await;
    let path = folder.path();
    let before = rows(path).await;
    let beside: &[&str] = &["survey", "add", "--period", "2022-05", "--level", "city", "new.geojson"];
    let commands: [(&[&str], &[&str]); 6] = [
        (
            &["layer", "add", "--kind", "county", "--name", "行政区", "--effective", "2022-02-01", "faulty.geojson"],
            &["register: ", "layer rows: ", "left out: ", "publish layer: ", "change: "],
        ),
        (beside, &["snapshot: ", "layer set: ", "survey rows: ", "rejects: ", "publish survey: before", "publish survey: after commit"]),
        (
            &["survey", "add", "--period", "2022-04", "--level", "city", "--on-conflict", "replace", "new.geojson"],
            &["publish survey: after withdrawing", "publish survey: before", "change: before"],
        ),
        (&["survey", "reclassify", "--yes", "1"], &["former findings: ", "new findings: ", "publish findings: "]),
        (&["survey", "withdraw", "--reason", "x", "1"], &["change: "]),
        (&["migrate", "--from", "sqlite:tuban.db", "--to", "sqlite:other.db"], &["copy: "]),
    ];
    let mut tried = BTreeSet::new();
    for (arguments, of) in commands {
        put_back(path);
        done(path, arguments);
        let after = rows(path).await;
        for point in fail::POINTS.iter().filter(|point| of.iter().any(|begin| point.starts_with(begin))) {
            put_back(path);
            for leftover in ["other.db", "other.db-jobs"] {
                let _ = std::fs::remove_file(path.join(leftover));
            }
            let _ = std::fs::remove_dir_all(path.join("tuban.layers"));
            ends_at(path, arguments, point);
            tried.insert(*point);
            let surveys = reopen(path).await;
            assert!(surveys.len() <= 2, "{arguments:?} at {point}");
            sweep(path).await;
            let left = rows(path).await;
            assert!(left == before || left == after, "{arguments:?} at {point}: {left:?} is neither {before:?} nor {after:?}");
            if arguments[0] == "migrate" {
                done(path, arguments);
            }
        }
    }
    // One that was killed in a sweep, of what another one had written that was killed.
    for point in fail::POINTS.iter().filter(|point| point.starts_with("sweep:")) {
        put_back(path);
        ends_at(path, beside, "survey rows: after commit");
        let mut file = SqliteConnection::connect(&format!("sqlite://{}", path.join("tuban.db").display())).await.unwrap();
        sqlx::query("UPDATE unpublished SET alive_ms = 1").execute(&mut file).await.unwrap();
        file.close().await.unwrap();
        ends_at(path, beside, point);
        tried.insert(*point);
        sweep(path).await;
        assert_eq!(rows(path).await, before, "{point}");
    }
    let missed = fail::POINTS.iter().filter(|point| !point.starts_with("job: ") && !tried.contains(*point));
    assert_eq!(missed.collect::<Vec<_>>(), Vec::<&&str>::new(), "points that no command was ended at");
}

#[tokio::test]
async fn a_node_that_ends_at_any_point_of_a_job_stores_it_once() {
    let folder = folder().await;
    let path = folder.path();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--lease", "500ms"];
    for point in [
        "job: before commit",
        "job: after commit",
        "job: before commit#2",
        "job: after commit#2",
        "job: between what it stored and its end",
        "register: after commit",
        "publish survey: before commit",
    ] {
        put_back(path);
        let mut dies = Serving::started({
            let mut command = tuban(path, &serve);
            command.env("TUBAN_FAIL_POINT", point);
            command
        });
        let sent = reqwest::Client::new().post(format!("{}/api/surveys?period=2022-05&level=city", dies.address)).header("prefer", "respond-async");
        let answered = sent.body(rejected()).send().await;
        assert_eq!(dies.child.wait().unwrap().signal(), Some(SIGABRT), "{point}");
        let lives = Serving::started(tuban(path, &serve));
        let jobs = read(&lives.address, "/api/jobs").await["jobs"].as_array().unwrap().clone();
        assert_eq!(jobs.len(), usize::from(point != "job: before commit"), "{point}");
        for job in &jobs {
            let done = ended(&lives.address, &format!("/api/jobs/{}", job["id"].as_str().unwrap())).await;
            assert_eq!(done["survey"]["patches"], PATCHES, "{point}");
        }
        assert!(answered.is_err() || !jobs.is_empty(), "{point}: what was promised is kept");
        drop(lives);
        assert_eq!(reopen(path).await.len(), 1 + jobs.len(), "{point}");
        sweep(path).await;
    }
}
