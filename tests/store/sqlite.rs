//! What only the embedded store has: a file.

use super::stored;
use crate::builders::{facts, finding, key, patch};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tuban::scope::Scope;
use tuban::store::sqlite::SqliteStore;
use tuban::store::{Filter, JobOutcome, Jobs, NewJob, Store, StoreError};
use tuban_engine::model::{JobKind, Lane, OnConflict};

/// An empty store in a folder of its own.
pub(super) async fn fresh() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&url(&folder.path().join("tuban.db"))).await.unwrap();
    (store, folder)
}

fn url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

async fn raw(file: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("{}?mode=rwc", url(file))).await.unwrap()
}

#[tokio::test]
async fn the_file_and_its_folders_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("数据 a/库/图斑.db");
    SqliteStore::open(&url(&file)).await.unwrap();
    assert!(file.exists());
}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let (store, folder) = fresh().await;
    let survey = stored(&store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    store.close().await;
    let again = SqliteStore::open(&url(&folder.path().join("tuban.db"))).await.unwrap();
    assert_eq!(again.surveys(&Scope::all()).await.unwrap(), [survey]);
}

#[tokio::test]
async fn two_programs_may_open_the_same_file() {
    let (store, folder) = fresh().await;
    let other = SqliteStore::open(&url(&folder.path().join("tuban.db"))).await.unwrap();
    let mut writer = store.begin_survey(key("2022-04", "x"), OnConflict::Add).await.unwrap();
    writer.stop_others().await.unwrap();
    // A third one opens while the first writes, and reads.
    let third = SqliteStore::open(&url(&folder.path().join("tuban.db"))).await.unwrap();
    assert!(third.surveys(&Scope::all()).await.unwrap().is_empty());
    let second = key("2022-04", "y");
    let waiting = stored(&other, &second, vec![]);
    let first = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        writer.commit(crate::builders::facts(&key("2022-04", "x"))).await.unwrap();
    };
    tokio::join!(waiting, first);
    assert_eq!(third.surveys(&Scope::all()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_process_killed_while_writing_leaves_what_was_committed() {
    let (store, folder) = fresh().await;
    let kept = stored(&store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    let mut writer = store.begin_survey(key("2022-05", "x"), OnConflict::Reject).await.unwrap();
    for _ in 0..5 {
        // More than fits the cache, so that a part of it is in the log.
        let wide = tuban_engine::model::Patch { attributes: format!("\"{}\"", "x".repeat(1 << 20)), ..patch("2") };
        writer.push(vec![(wide, finding(None)); 20]).await.unwrap();
    }
    // What a power cut leaves on the disk: the files as they are at this moment.
    let wreck = tempfile::tempdir().unwrap();
    for name in ["tuban.db", "tuban.db-wal"] {
        std::fs::copy(folder.path().join(name), wreck.path().join(name)).unwrap();
    }
    assert!(std::fs::metadata(wreck.path().join("tuban.db-wal")).unwrap().len() > 10 << 20, "the log holds pages that were never committed");
    let survivor = SqliteStore::open(&url(&wreck.path().join("tuban.db"))).await.unwrap();
    survivor.verify().await.unwrap();
    assert_eq!(survivor.surveys(&Scope::all()).await.unwrap(), [kept]);
    assert_eq!(survivor.patches(&Filter { limit: 99, ..Filter::of(Scope::all()) }).await.unwrap().len(), 1);
    stored(&survivor, &key("2022-05", "x"), vec![]).await;
}

#[tokio::test]
async fn a_job_whose_node_died_between_the_two_files_is_ended_by_the_next_claim() {
    let (store, folder) = fresh().await;
    let survey = stored(&store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    for id in ["a", "b"] {
        let job = NewJob { id: id.to_owned(), kind: JobKind::SurveyImport, parameters: "{}".to_owned() };
        store.enqueue(job, &mut &b"x"[..]).await.unwrap();
    }
    store.claim(Lane::Writing, "died", Duration::ZERO).await.unwrap().unwrap();
    // What the database holds after the first of the two commits.
    let mut hand = raw(&folder.path().join("tuban.db")).await;
    sqlx::query("INSERT INTO stored_job (job, outcome) VALUES ('a', json_object('survey', json_object('id', $1, 'was_there', json('false'))))")
        .bind(survey.id)
        .execute(&mut hand)
        .await
        .unwrap();
    let (next, held) = store.claim(Lane::Writing, "other", Duration::from_hours(1)).await.unwrap().unwrap();
    assert_eq!(next.id, "b");
    let ended = store.job("a").await.unwrap();
    assert_eq!(ended.outcome, Some(JobOutcome::Survey { id: survey.id, was_there: false }));
    assert_eq!(store.chunk("a", 0).await.unwrap(), None);
    // A note is kept until the end of its job was told.
    let mut writer = store.begin_survey(key("2022-05", "x"), OnConflict::Reject).await.unwrap();
    writer.only_while(held);
    writer.commit(facts(&key("2022-05", "x"))).await.unwrap();
    let notes: Vec<String> = sqlx::query_scalar("SELECT job FROM stored_job").fetch_all(&mut hand).await.unwrap();
    assert_eq!(notes, ["b"]);
}

/// What it stored is there, so it cannot be cancelled, and is told as what it is.
#[tokio::test]
async fn a_job_whose_node_died_between_the_two_files_cannot_be_cancelled() {
    let (store, folder) = fresh().await;
    let survey = stored(&store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    let job = NewJob { id: "a".to_owned(), kind: JobKind::SurveyImport, parameters: "{}".to_owned() };
    store.enqueue(job, &mut &b"x"[..]).await.unwrap();
    store.claim(Lane::Writing, "died", Duration::from_hours(1)).await.unwrap().unwrap();
    let mut hand = raw(&folder.path().join("tuban.db")).await;
    let note = "INSERT INTO stored_job (job, outcome) VALUES ('a', json_object('survey', json_object('id', $1, 'was_there', json('false'))))";
    sqlx::query(note).bind(survey.id).execute(&mut hand).await.unwrap();
    assert!(!store.cancel("a", JobOutcome::Failure("{}".to_owned())).await.unwrap());
    assert_eq!(store.job("a").await.unwrap().outcome, Some(JobOutcome::Survey { id: survey.id, was_there: false }));
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_job_waiting() {
    let (store, folder) = fresh().await;
    for id in ["a", "b"] {
        let job = NewJob { id: id.to_owned(), kind: JobKind::SurveyImport, parameters: "{}".to_owned() };
        store.enqueue(job, &mut &b"x"[..]).await.unwrap();
    }
    let lease = Duration::from_secs(30);
    store.claim(Lane::Writing, "dies", lease).await.unwrap().unwrap();
    assert!(store.claim(Lane::Writing, "other", lease).await.unwrap().is_none());
    // What is there after an hour too much was put right: all of it lies in the future.
    let mut hand = raw(&folder.path().join("tuban.db-jobs")).await;
    let hour = "UPDATE job SET created_ms = created_ms + 3600000, started_ms = started_ms + 3600000, free_ms = free_ms + 3600000";
    sqlx::query(hour).execute(&mut hand).await.unwrap();
    let (taken_over, held) = store.claim(Lane::Writing, "other", lease).await.unwrap().unwrap();
    assert_eq!((taken_over.id.as_str(), taken_over.attempts), ("a", 2));
    assert!(store.claim(Lane::Writing, "third", lease).await.unwrap().is_none(), "it is held, by the right time");
    assert!(store.settle(&held, JobOutcome::Failure("{}".to_owned()), &mut tokio::io::empty()).await.unwrap());
    assert_eq!(store.claim(Lane::Writing, "third", lease).await.unwrap().unwrap().0.id, "b", "one that was queued then waits for nothing either");
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_so_many_words() {
    let (store, folder) = fresh().await;
    store.close().await;
    let file = folder.path().join("tuban.db");
    let mut newer = raw(&file).await;
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, x'00', 0)")
        .execute(&mut newer)
        .await
        .unwrap();
    newer.close().await.unwrap();
    let refused = SqliteStore::open(&url(&file)).await.unwrap_err().to_string();
    assert!(refused.contains("a newer Tuban wrote this database: its schema is 99"), "{refused}");
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("survey.gpkg");
    let mut other = raw(&file).await;
    sqlx::query("CREATE TABLE gpkg_contents (table_name TEXT)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let before = std::fs::read(&file).unwrap();
    let refused = SqliteStore::open(&url(&file)).await.unwrap_err().to_string();
    assert!(refused.contains("not Tuban's database"), "{refused}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_damage_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.db");
    std::fs::write(&file, "不是数据库".repeat(500)).unwrap();
    assert!(matches!(SqliteStore::open(&url(&file)).await, Err(StoreError::Damaged(_))));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "不是数据库".repeat(500));
}

#[tokio::test]
async fn a_place_that_cannot_be_opened_is_an_error_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(SqliteStore::open(&url(folder.path())).await, Err(StoreError::Unavailable(_))));
    assert!(SqliteStore::open("sqlite::memory:").await.is_err());
    assert!(SqliteStore::open("postgres://x").await.is_err());
}

#[tokio::test]
async fn damaged_columns_are_answered_as_damage() {
    let (store, folder) = fresh().await;
    let survey = stored(&store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    let mut hand = raw(&folder.path().join("tuban.db")).await;
    for meddling in [
        "UPDATE patch_outline SET degrees = x'0103000000ffffffff'",
        "UPDATE patch_outline SET degrees = x'', defects = '[1]'",
        "UPDATE finding SET verdict = 'guilty'",
        "UPDATE finding SET parcels = 'not json'",
    ] {
        sqlx::raw_sql("BEGIN").execute(&mut hand).await.unwrap();
        sqlx::query(meddling).execute(&mut hand).await.unwrap();
        sqlx::raw_sql("COMMIT").execute(&mut hand).await.unwrap();
        let read = store.patches(&Filter { limit: 9, ..Filter::of(Scope::all()) }).await;
        assert!(matches!(read, Err(StoreError::Damaged(_))), "{meddling}: {read:?}");
    }
    sqlx::query("UPDATE survey SET period = 12").execute(&mut hand).await.unwrap();
    assert!(matches!(store.survey(&Scope::all(), survey.id).await, Err(StoreError::Damaged(_))));
}
