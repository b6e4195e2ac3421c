//! Back-up and restore of both stores while surveys come in, with the commands that docs/OPERATIONS.md tells administrators to type.

use super::{commands, typed};
use crate::cli::{
    migrate::told,
    place::{Place, ended, parameters, read, survey_of, upload},
    serve::Serving,
    tuban,
};
use crate::cluster::Cluster;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use tuban::scope::Scope;

/// Surveys that come in while copies are made, and the patches of each.
const SURVEYS: u32 = 8;
const PATCHES: u32 = 1500;
/// Copies, one after the other.
const COPIES: u32 = 3;

fn serving(folder: &Path, database: &str) -> Serving {
    Serving::started(tuban(folder, &["serve", "--listen", "127.0.0.1:0", "--database", database]))
}

/// What a node answers about each survey it has, by number: question and answer.
async fn told_of_each(node: &Serving) -> BTreeMap<u64, Vec<(String, String)>> {
    let mut of_each = BTreeMap::new();
    for survey in read(&node.address, "/api/surveys").await["surveys"].as_array().unwrap() {
        let (id, period) = (survey["id"].as_u64().unwrap(), survey["period"].as_str().unwrap());
        let mut answers = Vec::new();
        for question in [
            format!("/api/surveys/{id}"),
            format!("/api/patches?survey={id}&limit=1000"),
            format!("/api/ratios?period={period}"),
            format!("/api/exports/findings?format=geojson&period={period}"),
        ] {
            let answer = told(&node.address, &question).await;
            answers.push((question, answer));
        }
        of_each.insert(id, answers);
    }
    of_each
}

/// Of a survey the same is told.
fn is_told_the_same(restored: &[(String, String)], expected: &[(String, String)]) {
    for (restored, expected) in restored.iter().zip(expected) {
        assert!(restored == expected, "{} is answered otherwise", restored.0);
    }
}

/// Queues all surveys at once, each on ground of its own, so that none changes what is told of another; their jobs.
async fn queued(node: &Serving) -> Vec<String> {
    let mut jobs = Vec::new();
    for month in 0..SURVEYS {
        jobs.push(upload(&node.address, &parameters(month), survey_of("p", month * PATCHES..(month + 1) * PATCHES)).await);
    }
    jobs
}

/// Waits for them; the sums of what each found.
async fn all_in(node: &Serving, jobs: &[String]) -> Vec<[Value; 4]> {
    let mut found = Vec::new();
    for job in jobs {
        let done = ended(&node.address, job).await;
        found.push(["patches", "verdicts", "area", "farmland"].map(|field| done["survey"][field].clone()));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_copied_while_surveys_come_in_is_restored_and_answers_as_before() {
    let folder = tempfile::tempdir().unwrap();
    // The name that the papers use.
    let database = format!("sqlite:{}/city.db", folder.path().display());
    let place = Place { folder, database }.with_layers();
    let folder = place.folder.path();
    let node = serving(folder, &place.database);
    let jobs = queued(&node).await;
    let copying = commands("**Backup while running**");
    let mut before = Vec::new();
    for copy in 0..COPIES {
        // Each a survey later than the one before.
        ended(&node.address, &jobs[copy as usize]).await;
        before.push(read(&node.address, "/api/surveys").await["surveys"].as_array().unwrap().len());
        // The last one in the other way that the papers know.
        let into = |line: &String| if copy + 1 == COPIES { line.replace(".backup backup.db", "VACUUM INTO 'backup.db'") } else { line.clone() };
        let said: Vec<String> = copying.iter().map(|line| typed(folder, &[], &into(line))).collect();
        assert_eq!(said, ["", "ok\n"], "{copying:?}");
        std::fs::rename(folder.join("backup.db"), folder.join(format!("copy-{copy}.db"))).unwrap();
    }
    let found = all_in(&node, &jobs).await;
    let expected = told_of_each(&node).await;
    drop(node);

    for (copy, before) in before.into_iter().enumerate() {
        std::fs::rename(folder.join(format!("copy-{copy}.db")), folder.join("backup.db")).unwrap();
        for line in commands("**Restore**") {
            typed(folder, &[], &line);
        }
        let node = serving(folder, &place.database);
        let restored = told_of_each(&node).await;
        assert!(restored.len() >= before, "copy {copy}: {} of {before} surveys that were in when it was begun", restored.len());
        for (id, answers) in &restored {
            is_told_the_same(answers, &expected[id]);
        }
        // What came after the copy was taken is sent again, and is found to be the same.
        assert_eq!(all_in(&node, &queued(&node).await).await, found, "copy {copy}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_dumped_while_surveys_come_in_is_restored_and_answers_as_before() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let environment = [("PGHOST", cluster.folder()), ("PGUSER", "postgres")];
    cluster.administer("CREATE ROLE tuban LOGIN").await;
    let folder = tempfile::tempdir().unwrap();
    for line in commands("For a city or a province with many offices").iter().filter(|line| !line.starts_with("tuban ")) {
        typed(folder.path(), &environment, line);
    }
    let url = |name: &str| cluster.url(name).replace("postgres://postgres@", "postgres://tuban@");
    let place = Place { folder, database: url("tuban") }.with_layers();
    let folder = place.folder.path();
    let node = serving(folder, &place.database);
    let jobs = queued(&node).await;
    ended(&node.address, &jobs[0]).await;
    let lines = commands("### Back-up and restore");
    let (dump, restore) = lines.split_first().unwrap();
    typed(folder, &environment, dump);
    let found = all_in(&node, &jobs).await;
    let expected = told_of_each(&node).await;
    drop(node);

    for line in restore {
        typed(folder, &environment, line);
    }
    // What was committed is there before any node has seen it.
    let committed: Vec<u64> =
        tuban::store::open(&url("restored")).await.unwrap().surveys(&Scope::all()).await.unwrap().iter().map(|survey| survey.id as u64).collect();
    assert!(!committed.is_empty() && committed.len() < SURVEYS as usize, "{committed:?}");
    let node = serving(folder, &url("restored"));
    // What had only been accepted is in the copy, too: the restored node goes on with it.
    assert_eq!(all_in(&node, &jobs).await, found);
    let restored = told_of_each(&node).await;
    assert_eq!(restored.len(), SURVEYS as usize);
    for id in committed {
        is_told_the_same(&restored[&id], &expected[&id]);
    }
}
