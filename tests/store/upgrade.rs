//! An older Tuban's jobs and surveys, brought up to this one's tables.

use crate::cluster;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr, SqliteConnection};
use std::borrow::Cow;
use std::time::Duration;
use tuban::land::{JobState, Lane};
use tuban::store::{JobOutcome, Jobs, Store, postgres::PostgresStore, sqlite::SqliteStore};

/// As the tables held them when surveys were all that jobs could make: stored now, stored before, refused, and waiting.
const JOBS: &str = r#"
    INSERT INTO job (id, kind, parameters, state, stage, done, total, token, attempts, free_ms, survey_id, was_there, failure, created_ms) VALUES
    ('1', 'survey_import', '{}', 'done',    'storing', 2, 2,    1, 1, 0, 7,    0,    NULL,               100),
    ('2', 'survey_import', '{}', 'done',    'reading', 0, NULL, 1, 1, 0, 8,    1,    NULL,               200),
    ('3', 'survey_import', '{}', 'failed',  'reading', 0, NULL, 1, 1, 0, NULL, NULL, '{"refused":"“图”"}', 300),
    ('4', 'survey_import', '{}', 'running', 'reading', 0, NULL, 0, 0, 0, NULL, NULL, NULL,               400)"#;

/// As the tables held it when findings could not be made anew.
const SURVEY: &str = r#"
    INSERT INTO survey (id, name, period, level, crs, sha256, invented, patches, repaired, rejected, outside, patch_id_source, fields, legal, suspected_illegal, other, doubtful,
        area_m2, farmland_m2, warnings, rule, created_ms)
    VALUES (7, 'april', 24267, 'city', 'EPSG:4490', 'x', 0, 0, 0, 0, 0, 'row', '{}', 0, 0, 0, 0, 0.0, 0.0, '[]', '2022-1', 1234)"#;

/// The first steps of a schema.
fn steps(steps: &[(&'static str, &'static str)]) -> Migrator {
    let step = |(number, (name, sql)): (i64, &(&'static str, &'static str))| {
        Migration::new(number, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations((1..).zip(steps).map(step).collect())
}

async fn holds_them(store: &dyn Store) {
    let survey = |id, was_there| Some(JobOutcome::Survey { id, was_there });
    let refused = Some(JobOutcome::Failure(r#"{"refused":"“图”"}"#.to_owned()));
    for (id, state, outcome, created_ms) in [
        ("1", JobState::Done, survey(7, false), 100),
        ("2", JobState::Done, survey(8, true), 200),
        ("3", JobState::Failed, refused, 300),
        ("4", JobState::Running, None, 400),
    ] {
        let job = store.job(id).await.unwrap();
        assert_eq!((job.state, job.outcome, job.created_ms, job.file_bytes), (state, outcome, created_ms, None), "{id}");
    }
    let survey = store.survey(7).await.unwrap();
    assert_eq!((survey.created_ms, survey.judged_ms), (1234, 1234), "its findings were made when it came in");
}

#[tokio::test]
async fn jobs_and_surveys_of_an_older_file_are_what_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/tuban.db", folder.path().display());
    let mut old = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let first = [("first", include_str!("../../migrations/sqlite/0001_first.sql")), ("jobs", include_str!("../../migrations/sqlite/0002_jobs.sql"))];
    steps(&first).run(&mut old).await.unwrap();
    sqlx::query("INSERT INTO stored_job (job, survey_id) VALUES ('4', 9)").execute(&mut old).await.unwrap();
    sqlx::query(SURVEY).execute(&mut old).await.unwrap();
    let mut old = SqliteConnection::connect(&format!("{url}-jobs?mode=rwc")).await.unwrap();
    steps(&[("first", include_str!("../../migrations/sqlite-jobs/0001_first.sql"))]).run(&mut old).await.unwrap();
    sqlx::query(JOBS).execute(&mut old).await.unwrap();
    let store = SqliteStore::open(&url).await.unwrap();
    holds_them(&store).await;
    // The node of the last one had died between the two files.
    assert!(store.claim(Lane::Writing, "n", Duration::from_hours(1)).await.unwrap().is_none());
    assert_eq!(store.job("4").await.unwrap().outcome, Some(JobOutcome::Survey { id: 9, was_there: false }));
}

#[tokio::test]
async fn jobs_and_surveys_of_an_older_database_are_what_they_were() {
    let url = cluster::bare_url().await;
    let mut old = PgConnection::connect(&url).await.unwrap();
    let first = [("first", include_str!("../../migrations/postgres/0001_first.sql")), ("jobs", include_str!("../../migrations/postgres/0002_jobs.sql"))];
    steps(&first).run(&mut old).await.unwrap();
    sqlx::query(JOBS).execute(&mut old).await.unwrap();
    sqlx::query(SURVEY).execute(&mut old).await.unwrap();
    assert!(PostgresStore::open(&url).await.unwrap_err().to_string().contains("an older Tuban"));
    PostgresStore::upgrade(&url).await.unwrap();
    let store = PostgresStore::open(&url).await.unwrap();
    holds_them(&store).await;
    let (job, _) = store.claim(Lane::Writing, "n", Duration::from_hours(1)).await.unwrap().unwrap();
    assert_eq!((job.id.as_str(), job.attempts), ("4", 1));
}
