//! An older Tuban's jobs and surveys, brought up to this one's tables.

use crate::builders::{key, only};
use crate::cluster;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr, SqliteConnection};
use std::borrow::Cow;
use std::time::Duration;
use tuban::scope::Scope;
use tuban::store::{Filter, JobOutcome, Jobs, Store, postgres::PostgresStore, sqlite::SqliteStore};
use tuban_engine::model::{Days, JobState, Lane};

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
    VALUES (7, 'april', 24267, 'city', 'EPSG:4490', 'x', 0, 0, 0, 0, 0, 'row', '{"date_before":"QSX","date_after":"HSX"}', 0, 0, 0, 0, 0.0, 0.0, '[]', '2022-1', 1700000000000)"#;

/// Patches of that survey as the tables held them before the days of their images were columns: said, said in numbers, in the wrong order, not said, and no object at all.
const PATCHES: &str = r#"
    INSERT INTO patch (COUNTY id, survey_id, row, patch_id, west, south, east, north, cell) VALUES
    (IN 1, 7, 1, '1', 118, 35, 119, 36, 0), (IN 2, 7, 2, '2', 118, 35, 119, 36, 0), (IN 3, 7, 3, '3', 118, 35, 119, 36, 0), (IN 4, 7, 4, '4', 118, 35, 119, 36, 0),
    (IN 5, 7, 5, '5', 118, 35, 119, 36, 0);
    INSERT INTO patch_outline (COUNTY patch, attributes, defects, degrees) VALUES
    (IN 1, '{"QSX":"2021/11/5","x":{"a":[1]},"HSX":"2022年4月12日"}', '[]', OUTLINE), (IN 2, '{"QSX":44505,"HSX":20220412.0}', '[]', OUTLINE),
    (IN 3, '{"QSX":"20220412","HSX":"20211105"}', '[]', OUTLINE), (IN 4, '{"QSX":"20211105","HSX":null}', '[]', OUTLINE), (IN 5, '"QSX"', '[]', OUTLINE);
    INSERT INTO finding (COUNTY patch, survey_id, area_m2, farmland_m2, basic_farmland_m2, red_line_m2, urban_boundary_m2, approved_m2, approved_farmland_m2,
        automatic_legal_farmland_m2, automatic_illegal_farmland_m2, verdict, reason, parcels, counties, approvals, flags)
    SELECT COUNTY id, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 'other', CASE WHEN id > 3 THEN 'no_farmland_layer' ELSE 'no_farmland' END, '[]', '[]', '[]', '[]' FROM patch"#;

/// [`PATCHES`] in a database's own words; `outline` is an empty MultiPolygon.
fn patches(county: &str, value: &str, outline: &str) -> String {
    let of_findings = if county.is_empty() { "SELECT id" } else { "SELECT county, id" };
    PATCHES.replace("SELECT COUNTY id", of_findings).replace("COUNTY ", county).replace("IN ", value).replace("OUTLINE", outline)
}

/// Days that were no columns are worked out from what was.
async fn holds_their_days(store: &dyn Store) {
    let of = |before: &str, after: &str, unclear| Days { before: before.parse().unwrap(), after: after.parse().unwrap(), unclear };
    let april = |unclear| of("2022-04-01", "2022-04-30", unclear);
    let said = of("2021-11-05", "2022-04-12", false);
    let found = store.patches(&Filter { limit: 9, ..Filter::of(Scope::all()) }).await.unwrap();
    // Oracle: by hand; 44505 is 2021-11-05 in LibreOffice Calc.
    let expected = [said, said, april(true), of("2021-11-05", "2022-04-30", true), april(true)];
    assert_eq!(found.iter().map(|stored| stored.patch.days).collect::<Vec<_>>(), expected);
    assert!(found.iter().all(|stored| stored.finding.flags.is_empty()), "what was stored of a finding stays as it was");
}

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
    let survey = store.survey(&Scope::all(), 7).await.unwrap();
    assert_eq!(survey.facts.period.to_string(), "2022-04", "all periods were months");
    assert_eq!((survey.facts.farmland_unknown, survey.facts.farmland()), (2, None), "two of its patches were judged without any land survey");
    assert_eq!(store.totals(&Scope::all(), only("2022-04")).await.unwrap()[0].pending.farmland_unknown, 2);
    assert_eq!((survey.created_ms, survey.judged_ms), (1_700_000_000_000, 1_700_000_000_000), "its findings were made when it came in");
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
    sqlx::raw_sql(sqlx::AssertSqlSafe(patches("", "", "x'010600000000000000'"))).execute(&mut old).await.unwrap();
    sqlx::query("UPDATE sqlite_sequence SET seq = 9 WHERE name = 'survey'").execute(&mut old).await.unwrap();
    drop(old);
    let mut old = SqliteConnection::connect(&format!("{url}-jobs?mode=rwc")).await.unwrap();
    steps(&[("first", include_str!("../../migrations/sqlite-jobs/0001_first.sql"))]).run(&mut old).await.unwrap();
    sqlx::query(JOBS).execute(&mut old).await.unwrap();
    let store = SqliteStore::open(&url).await.unwrap();
    holds_them(&store).await;
    holds_their_days(&store).await;
    store.verify().await.unwrap();
    let next = super::stored(&store, &key("2022-Q2", "x"), vec![]).await;
    assert_eq!(next.id, 10, "numbers of surveys that are gone are not given again");
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
    sqlx::raw_sql(sqlx::AssertSqlSafe(patches("county, ", "'', ", r"'\x010600000000000000'"))).execute(&mut old).await.unwrap();
    assert!(PostgresStore::open(&url).await.unwrap_err().to_string().contains("an older Tuban"));
    PostgresStore::upgrade(&url).await.unwrap();
    let store = PostgresStore::open(&url).await.unwrap();
    holds_them(&store).await;
    holds_their_days(&store).await;
    let (job, _) = store.claim(Lane::Writing, "n", Duration::from_hours(1)).await.unwrap().unwrap();
    assert_eq!((job.id.as_str(), job.attempts), ("4", 1));
}
