//! A database made by the release of 30 November 2026, opened by this program. Oracle: what that release's own program answered about it, kept beside it by
//! fixtures/upgrade/make.py.

use super::{
    app::{
        TestApp,
        file::{File, rectangle},
    },
    run,
};
use crate::cluster;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tuban::store::{Store, checking::check_store};

/// What is not a figure: when a sum was computed, sentences, and whether this is what one would choose today.
const NO_FIGURES: [&str; 5] = ["computed_at", "explanation", "in_force", "detail", "detail_en"];

/// A file of the fixture.
fn unpacked(name: &str) -> Vec<u8> {
    let path = format!("{}/fixtures/upgrade/2026-11-30.{name}.gz", env!("CARGO_MANIFEST_DIR"));
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Asserts that all that was answered then is answered now; an answer may have grown members since.
fn holds(then: &Value, now: &Value, place: &str) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (name, value) in then.iter().filter(|(name, _)| !NO_FIGURES.contains(&name.as_str())) {
                holds(value, now.get(name).unwrap_or_else(|| panic!("{place}/{name} is gone")), &format!("{place}/{name}"));
            }
        }
        (Value::Array(then), Value::Array(now)) => {
            assert_eq!(then.len(), now.len(), "{place}");
            for (number, (then, now)) in then.iter().zip(now).enumerate() {
                holds(then, now, &format!("{place}/{number}"));
            }
        }
        // That release read shares, which are kept as JSON, back within a last bit; what is stored is what is answered now.
        (Value::Number(then), Value::Number(now)) if place.contains("/parcels/") || place.contains("/counties/") => {
            let [then, now] = [then, now].map(|number| number.as_f64().unwrap());
            assert!((then - now).abs() <= 2.0 * f64::EPSILON * now.abs(), "{place}: {then} {now}");
        }
        // That release left noughts at the end of an instant out.
        (Value::String(then), Value::String(now)) if then.parse::<jiff::Timestamp>().is_ok() => {
            assert_eq!(then.parse::<jiff::Timestamp>().ok(), now.parse::<jiff::Timestamp>().ok(), "{place}");
        }
        // Numbers, too: to the last bit.
        _ => assert_eq!(then, now, "{place}"),
    }
}

/// All that was answered of a database is answered of it still; then a survey is taken in, and nothing that was there has changed.
async fn answers_what_it_answered(store: Arc<dyn Store>, told: &[u8]) {
    let told: Value = serde_json::from_slice(told).unwrap();
    let questions = told.as_object().unwrap().iter().filter(|(question, _)| question.starts_with('/'));
    assert!(questions.clone().count() > 80);
    let app = TestApp::over(store).await;
    app.service.refresh_atlas().await.unwrap();
    for (question, then) in questions.clone() {
        holds(then, &app.read(question).await, question);
    }
    // On ground of its own: older patches that shared it would be flagged from now on.
    app.uploaded("period=2022-08&level=city", &File::default().patch("NEW", &[rectangle(118.39, 35.03, 118.391, 35.031)])).await;
    for (question, then) in questions.filter(|(question, _)| question.starts_with("/api/ratios?") || question.starts_with("/api/patches/")) {
        holds(then, &app.read(question).await, question);
    }
}

/// Every row has a checksum since the upgrade, which says of how many it cannot vouch for what came before.
async fn everything_is_vouched_for(url: &str) {
    let (checked, vouched) = check_store(url, &|_, _| ()).await.unwrap();
    assert!(checked.iter().all(|table| table.not_vouched_for == 0), "{checked:?}");
    let with_checksums = ["layer", "layer_feature", "layer_left_out", "survey", "layer_set", "layer_set_layer", "finding_history", "patch", "patch_outline"];
    let rest = ["finding", "filing", "shared_ground"];
    let all: u64 = checked.iter().filter(|table| with_checksums.contains(&table.table) || rest.contains(&table.table)).map(|table| table.rows).sum();
    assert!(all > 0 && vouched.is_some_and(|vouched| vouched.rows == all), "{vouched:?} of {all}");
}

/// `tuban ratio --json` as a user runs it.
fn ratio_is_what_it_was(folder: &Path, database: &str, told: &[u8]) {
    let told: Value = serde_json::from_slice(told).unwrap();
    let (question, then) = told.as_object().unwrap().iter().find(|(question, _)| question.starts_with("tuban ")).unwrap();
    let mut words: Vec<&str> = question.split(' ').skip(1).collect();
    words.extend(["--database", database]);
    let (code, said, complained) = run(folder, &words);
    assert_eq!(code, 0, "{complained}");
    holds(then, &serde_json::from_str(&said).unwrap(), question);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_november_answers_what_it_answered_then() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tuban.db"), unpacked("sqlite")).unwrap();
    std::fs::write(folder.path().join("tuban.db-jobs"), unpacked("sqlite-jobs")).unwrap();
    let (url, told) = (format!("sqlite:{}/tuban.db", folder.path().display()), unpacked("sqlite.json"));
    ratio_is_what_it_was(folder.path(), &url, &told);
    everything_is_vouched_for(&url).await;
    answers_what_it_answered(tuban::store::open(&url).await.unwrap(), &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_november_answers_what_it_answered_then() {
    let url = cluster::bare_url().await;
    let psql = ["-q", "-v", "ON_ERROR_STOP=1", "-d", &url];
    let mut restoring = Command::new("/usr/lib/postgresql/15/bin/psql").args(psql).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    restoring.stdin.take().unwrap().write_all(&unpacked("postgres.sql")).unwrap();
    assert!(restoring.wait().unwrap().success());
    tuban::store::upgrade(&url).await.unwrap();
    let (folder, told) = (tempfile::tempdir().unwrap(), unpacked("postgres.json"));
    ratio_is_what_it_was(folder.path(), &url, &told);
    everything_is_vouched_for(&url).await;
    answers_what_it_answered(tuban::store::open(&url).await.unwrap(), &told).await;
}
