//! `tuban migrate`, killed at any moment: run again it goes on, and what is served from the copy is what was served before.

use super::{
    done,
    place::{Place, survey},
    run,
    serve::Serving,
    tuban,
};
use crate::cluster;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr, SqliteConnection};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tuban::store::NewJob;

/// Kills in each direction that leave a half-done copy.
const KILLS: u32 = 8;
/// Of one copy, before it is let go to its end.
const KILLS_OF_ONE: u32 = 3;
/// Patches: more than one portion.
const PATCHES: u32 = 6000;

/// What an office may ask; exports to the last byte.
const QUESTIONS: [&str; 9] = [
    "/api/layers",
    "/api/surveys",
    "/api/surveys/2/rejects",
    "/api/patches?limit=1000",
    "/api/patches?survey=2",
    "/api/patches/5",
    "/api/ratios?period=2022-04&until=2022-05",
    "/api/exports/findings?format=geojson&period=2022-04",
    "/api/exports/findings?format=csv&period=2022-05",
];

/// Layers, a large survey and a small one with a refused feature, verdicts.
fn filled(place: &Place) {
    let (folder, database) = (place.folder.path(), place.database.as_str());
    std::fs::write(folder.join("april.geojson"), survey("p", PATCHES)).unwrap();
    std::fs::write(folder.join("may.geojson"), super::app::city::one_of_each().patch_of("X", "[]").text()).unwrap();
    std::fs::write(folder.join("verdicts.csv"), "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nS1,illegal,0,0,200,100\n")
        .unwrap();
    for (period, file) in [("2022-04", "april.geojson"), ("2022-05", "may.geojson")] {
        done(folder, &["survey", "add", "--database", database, "--period", period, "--level", "city", file]);
    }
    done(folder, &["survey", "verdicts", "--database", database, "verdicts.csv"]);
}

/// What a node answers to a question, to the last byte; but a ratio says when it was computed, and that is no matter of what is stored.
pub(super) async fn told(node: &str, question: &str) -> String {
    let answer = reqwest::get(format!("{node}{question}")).await.unwrap();
    assert_eq!(answer.status(), 200, "{question}");
    let mut text = answer.text().await.unwrap();
    if let Some(at) = text.find(r#""computed_at":""#).map(|at| at + r#""computed_at":""#.len()) {
        let end = at + text[at..].find('"').unwrap();
        text.replace_range(at..end, "");
    }
    text
}

/// What a node over that database answers.
async fn served(folder: &Path, database: &str) -> Vec<String> {
    let node = Serving::started(tuban(folder, &["serve", "--listen", "127.0.0.1:0", "--database", database]));
    let mut served = Vec::new();
    for question in QUESTIONS {
        served.push(told(&node.address, question).await);
    }
    served
}

/// Starts the copy and kills it after that time; whether it was killed before it had ended.
fn killed(folder: &Path, arguments: &[&str], after: Duration) -> bool {
    let mut child = tuban(folder, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap().signal() == Some(9)
}

async fn a_copy_is_killed_again_and_again(from: &Place, target: impl AsyncFn(u32) -> String) {
    let folder = from.folder.path();
    filled(from);
    let expected = served(folder, &from.database).await;
    let began = Instant::now();
    let whole = done(folder, &["migrate", "--from", &from.database, "--to", &target(0).await]);
    let mut takes = began.elapsed();
    // Oracle: what was put in above; each table says its rows and a SHA-256.
    let rows = |table: &str| whole.lines().find_map(|line| line.strip_prefix(table)).unwrap().split_whitespace().next().unwrap().to_owned();
    assert_eq!((rows("patch "), rows("finding "), rows("survey "), rows("reject ")), ("6004".into(), "6004".into(), "2".into(), "1".into()), "{whole}");
    assert!(whole.lines().count() == 15 && whole.lines().all(|line| line.split_whitespace().last().unwrap().len() == 64), "{whole}");

    let (mut dice, mut half_done, mut copies) = (ChaCha8Rng::seed_from_u64(5), 0, 0);
    while half_done < KILLS {
        copies += 1;
        let to = target(copies).await;
        let arguments = ["migrate", "--from", &from.database, "--to", &to];
        for _ in 0..KILLS_OF_ONE {
            let moment = f64::from(dice.next_u32()) / f64::from(u32::MAX);
            if !killed(folder, &arguments, takes.mul_f64(moment)) {
                // Done before that: the machine is not as busy as it was.
                takes = takes.mul_f64(0.8);
                break;
            }
            let (code, _, complained) = run(folder, &["survey", "list", "--database", &to]);
            if code == 0 {
                // Nothing had been begun yet.
                takes = takes.mul_f64(1.1);
            } else {
                assert!(complained.contains("was not finished"), "{complained}");
                half_done += 1;
            }
        }
        assert_eq!(done(folder, &arguments), whole, "copy {copies}");
        // Who could not know that it was done and asks again is told the same.
        assert_eq!(done(folder, &arguments), whole, "copy {copies}");
        for ((question, expected), served) in QUESTIONS.iter().zip(&expected).zip(served(folder, &to).await) {
            assert!(served == *expected, "copy {copies} answers {question} otherwise");
        }
    }
    eprintln!("{half_done} kills left one of {copies} copies half done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_copied_whole_into_a_server_whenever_the_copy_is_killed() {
    a_copy_is_killed_again_and_again(&Place::sqlite().await, async |_| cluster::bare_url().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_servers_database_is_copied_whole_into_a_file_whenever_the_copy_is_killed() {
    let place = Place::postgres().await;
    let folder = place.folder.path().to_owned();
    a_copy_is_killed_again_and_again(&place, async |copy| format!("sqlite:{}/copy-{copy}.db", folder.display())).await;
}

/// Queues an export at nobody's node.
async fn with_a_job_waiting(database: &str) {
    let store = tuban::store::open(database).await.unwrap();
    let job = NewJob { id: "1".to_owned(), kind: tuban_engine::model::JobKind::Export, parameters: "{}".to_owned() };
    store.enqueue(job, &mut tokio::io::empty()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_wait_are_left_behind_by_no_copy() {
    for (source, target) in [(Place::sqlite().await, cluster::bare_url().await), (Place::postgres().await, "sqlite:copy.db".to_owned())] {
        let folder = source.folder.path();
        with_a_job_waiting(&source.database).await;
        let (code, said, complained) = run(folder, &["migrate", "--from", &source.database, "--to", &target]);
        assert!(code == 1 && said.is_empty() && complained.contains("the source has 1 jobs that are not over"), "{code} {said} {complained}");
        assert_eq!(done(folder, &["survey", "list", "--database", &target]), "", "nothing was begun");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_holds_anything_is_refused() {
    for (source, holds) in [(Place::sqlite().await, Place::postgres().await), (Place::postgres().await, Place::sqlite().await)] {
        let folder = source.folder.path();
        std::fs::write(folder.join("may.geojson"), super::app::city::one_of_each().text()).unwrap();
        let refused = |to: &str, why: &str| {
            let (code, said, complained) = run(folder, &["migrate", "--from", &source.database, "--to", to]);
            assert!(code == 1 && said.is_empty() && complained.contains(why), "{code} {said} {complained}");
        };
        // As many changes as in the source, but others.
        refused(&holds.database, "the target is not empty");
        done(folder, &["survey", "add", "--database", &source.database, "--period", "2022-05", "--level", "city", "may.geojson"]);
        refused(&holds.database, "the target is not empty");
        let waits = if holds.database.starts_with("sqlite:") { format!("{}-waits", holds.database) } else { cluster::fresh_url().await };
        with_a_job_waiting(&waits).await;
        refused(&waits, "there are jobs in it");
    }
}

/// The tables as the first Tuban made them.
fn first_step(sql: &'static str) -> Migrator {
    Migrator::with_migrations(vec![Migration::new(1, "first".into(), MigrationType::Simple, sql.into_sql_str(), false)])
}

/// What the refusal tells to run is run: docs/OPERATIONS.md says the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_database_is_brought_up_by_the_command_that_its_refusal_names() {
    let folder = tempfile::tempdir().unwrap();
    let asked = |words: &[&str]| run(folder.path(), words);
    let first = include_str!("../../migrations/postgres/0001_first.sql");
    let url = cluster::bare_url().await;
    first_step(first).run(&mut PgConnection::connect(&url).await.unwrap()).await.unwrap();
    let (code, _, refusal) = asked(&["survey", "list", "--database", &url]);
    assert!(code == 1 && refusal.contains("run tuban migrate --to URL"), "{code} {refusal}");
    assert_eq!(asked(&["migrate", "--to", &url]).0, 0);
    assert_eq!(asked(&["survey", "list", "--database", &url]), (0, String::new(), String::new()));
    // A file needs no command; asked for, it does the same.
    let first = include_str!("../../migrations/sqlite/0001_first.sql");
    let file = format!("sqlite:{}/old.db", folder.path().display());
    first_step(first).run(&mut SqliteConnection::connect(&format!("{file}?mode=rwc")).await.unwrap()).await.unwrap();
    assert_eq!(asked(&["migrate", "--to", &file]).0, 0);
    let (code, _, refusal) = asked(&["migrate", "--to", "sqlite:absent.db"]);
    assert!(code == 1 && refusal.contains("there is no database absent.db") && !folder.path().join("absent.db").exists(), "{code} {refusal}");
}
