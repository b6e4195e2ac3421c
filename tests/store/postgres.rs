//! What only the PostgreSQL store has: a server, and other nodes.

use super::layers::stored_layer;
use super::{on, stored, weird_outlines};
use crate::builders::{COUNTIES, facts, feature, finding, key, layer, patch};
use crate::cluster::{self, Cluster};
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use tuban::scope::Scope;
use tuban::store::postgres::PostgresStore;
use tuban::store::{Filter, JobOutcome, Jobs, NewJob, Store, StoreError};
use tuban_engine::model::{JobKind, Lane, LayerKind, OnConflict, Patch, Progress, Provenance};

/// An empty store in a database of its own.
pub(super) async fn fresh() -> (PostgresStore, ()) {
    (PostgresStore::open(&cluster::fresh_url().await).await.unwrap(), ())
}

async fn raw(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn open_node(url: &str) -> PostgresStore {
    PostgresStore::open(url).await.unwrap()
}

#[tokio::test]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let url = cluster::bare_url().await;
    let nodes = futures_util::future::join_all((0..6).map(|_| PostgresStore::open(&url))).await;
    for node in nodes {
        assert_eq!(node.unwrap().revision().await.unwrap(), 0);
    }
}

/// Who looks while another node makes the tables sees none of them or all: one that saw a part would take the database for an older Tuban's.
#[tokio::test]
async fn tables_are_made_all_at_once() {
    let url = cluster::bare_url().await;
    let (mut looks, mut seen, made) = (raw(&url).await, std::collections::BTreeSet::new(), std::cell::Cell::new(false));
    let making = async {
        open_node(&url).await;
        made.set(true);
    };
    let looking = async {
        while !made.get() {
            let steps: Result<i64, _> = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&mut looks).await;
            seen.insert(steps.unwrap_or(0));
        }
    };
    tokio::join!(making, looking);
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&mut looks).await.unwrap();
    assert!(all > 1 && seen.is_subset(&[0, all].into()), "{seen:?} of {all}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_so_many_words() {
    let url = cluster::fresh_url().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', true, '', 0)";
    sqlx::query(later).execute(&mut raw(&url).await).await.unwrap();
    let refused = PostgresStore::open(&url).await.unwrap_err().to_string();
    assert!(refused.contains("a newer Tuban wrote this database: its schema is 99"), "{refused}");
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let url = cluster::bare_url().await;
    sqlx::query("CREATE TABLE parcels (id BIGINT)").execute(&mut raw(&url).await).await.unwrap();
    let refused = PostgresStore::open(&url).await.unwrap_err().to_string();
    assert!(refused.contains("not Tuban's database: it holds the table parcels"), "{refused}");
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetch_one(&mut raw(&url).await).await.unwrap();
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let away = PostgresStore::open(&format!("postgres://postgres@localhost/x?host={}", folder.path().display())).await;
    assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_with_the_same_file_store_it_once() {
    let url = cluster::fresh_url().await;
    let nodes = [open_node(&url).await, open_node(&url).await];
    let key = key("2022-04", "same");
    let takings = (0..8).map(|n| {
        let (store, key) = (nodes[n % 2].clone(), key.clone());
        async move {
            let mut writer = store.begin_survey(key.clone(), OnConflict::Reject).await?;
            writer.push(vec![(patch("1"), finding(Some("371302")))]).await?;
            writer.commit(facts(&key)).await
        }
    });
    let ends = futures_util::future::join_all(takings).await;
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1, "{ends:?}");
    assert_eq!(ends.iter().filter(|end| matches!(end, Err(StoreError::AlreadyStored(_)))).count(), 7, "{ends:?}");
    assert_eq!(nodes[1].patches(&Filter { limit: 9, ..Filter::of(Scope::all()) }).await.unwrap().len(), 1);
    assert_eq!(nodes[0].revision().await.unwrap(), 1);
}

#[tokio::test]
async fn a_node_that_dies_in_an_import_leaves_nothing_and_blocks_no_writer() {
    let url = cluster::fresh_url().await;
    let (dying, other) = (open_node(&url).await, open_node(&url).await);
    let mut writer = dying.begin_survey(key("2022-04", "x"), OnConflict::Reject).await.unwrap();
    writer.push(vec![(patch("1"), finding(None)); 50]).await.unwrap();
    writer.stop_others().await.unwrap();
    // What the server sees of a node that was killed: its connection ends.
    let ended: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'",
    )
    .fetch_one(&mut raw(&url).await)
    .await
    .unwrap();
    assert_eq!(ended, 1);
    stored(&other, &key("2022-04", "y"), vec![(patch("2"), finding(None))]).await;
    // The node that comes back does no harm.
    let late = writer.commit(facts(&key("2022-04", "x"))).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    assert_eq!(dying.patches(&Filter { limit: 99, ..Filter::of(Scope::all()) }).await.unwrap().len(), 1);
    other.verify().await.unwrap();
}

#[tokio::test]
async fn taking_a_job_over_from_a_stalled_node_does_not_wait_for_its_writer() {
    let url = cluster::fresh_url().await;
    let (stalled, other) = (open_node(&url).await, open_node(&url).await);
    let job = NewJob { id: "a".to_owned(), kind: JobKind::SurveyImport, parameters: "{}".to_owned() };
    other.enqueue(job, &mut &b"x"[..]).await.unwrap();
    let (_, late) = stalled.claim(Lane::Writing, "stalls", Duration::ZERO).await.unwrap().unwrap();
    let mut writer = stalled.begin_survey(key("2022-04", "x"), OnConflict::Reject).await.unwrap();
    writer.push(vec![(patch("1"), finding(None))]).await.unwrap();
    writer.stop_others().await.unwrap();
    // From here on nothing is heard of it. Another process that writes and is no node waits its turn in peace.
    let bystander = open_node(&url).await;
    let waits = tokio::spawn(async move { stored(&bystander, &key("2022-05", "x"), vec![]).await });
    let (_, held) = other.claim(Lane::Writing, "takes over", Duration::from_hours(1)).await.unwrap().unwrap();
    // Without its end this would take minutes; the bystander's turn comes before or after.
    let begun = tokio::time::timeout(Duration::from_secs(60), other.begin_survey(key("2022-04", "x"), OnConflict::Reject)).await;
    let mut takes_over = begun.expect("the turn of the stalled writer is over").unwrap();
    takes_over.push(vec![(patch("1"), finding(None))]).await.unwrap();
    takes_over.only_while(held);
    let survey = takes_over.commit(facts(&key("2022-04", "x"))).await.unwrap();
    // It comes back.
    writer.only_while(late);
    let refused = writer.commit(facts(&key("2022-04", "x"))).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let bystanders = waits.await.unwrap();
    assert_eq!(other.surveys(&Scope::all()).await.unwrap(), [bystanders, survey], "newest period first");
    other.verify().await.unwrap();
}

#[tokio::test]
async fn a_stalled_node_that_stands_in_line_loses_its_place_with_its_job() {
    let url = cluster::fresh_url().await;
    let (stalled, other) = (open_node(&url).await, open_node(&url).await);
    let job = NewJob { id: "a".to_owned(), kind: JobKind::SurveyImport, parameters: "{}".to_owned() };
    other.enqueue(job, &mut &b"x"[..]).await.unwrap();
    stalled.claim(Lane::Writing, "stalls", Duration::ZERO).await.unwrap().unwrap();
    let mut before = open_node(&url).await.begin_survey(key("2022-05", "x"), OnConflict::Reject).await.unwrap();
    before.stop_others().await.unwrap();
    let stands = tokio::spawn(async move { stalled.begin_survey(key("2022-04", "x"), OnConflict::Reject).await.map(drop) });
    let mut watch = raw(&url).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut watch).await.unwrap() == 0 {}
    other.claim(Lane::Writing, "takes over", Duration::from_hours(1)).await.unwrap().unwrap();
    let ended = stands.await.unwrap();
    assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
    // Who has the turn keeps it.
    before.commit(facts(&key("2022-05", "x"))).await.unwrap();
}

/// At the moment of the claim its session was at work, and so was left alone.
#[tokio::test]
async fn a_node_that_stalls_after_its_job_was_taken_over_loses_the_write_lock() {
    let url = cluster::fresh_url().await;
    let (stalled, other) = (open_node(&url).await, open_node(&url).await);
    let job = NewJob { id: "a".to_owned(), kind: JobKind::SurveyImport, parameters: "{}".to_owned() };
    other.enqueue(job, &mut &b"x"[..]).await.unwrap();
    stalled.claim(Lane::Writing, "stalls", Duration::ZERO).await.unwrap().unwrap();
    // A session of the node's own making, with the turn (the key of the lock is in `postgres/writing.rs`) and something to do.
    let mut session = raw(&url).await;
    let turn = "SET application_name = 'tuban stalls'; BEGIN; SELECT pg_advisory_xact_lock(362746634606)";
    sqlx::raw_sql(turn).execute(&mut session).await.unwrap();
    let works = tokio::spawn(async move {
        sqlx::query("SELECT pg_sleep(3)").execute(&mut session).await.unwrap();
        session
    });
    let mut watch = raw(&url).await;
    let at_work = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    while sqlx::query_scalar::<_, i64>(at_work).fetch_one(&mut watch).await.unwrap() == 0 {}
    other.claim(Lane::Writing, "takes over", Duration::from_hours(1)).await.unwrap().unwrap();
    let begun = tokio::time::timeout(Duration::from_secs(60), other.begin_survey(key("2022-04", "x"), OnConflict::Reject)).await;
    drop(begun.expect("the turn of the stalled writer is over").unwrap());
    assert!(works.await.unwrap().ping().await.is_err(), "its session was ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_jobs_that_ask_for_the_same_one_is_held_however_many_nodes_claim_at_once() {
    const LONG: Duration = Duration::from_hours(1);
    let url = cluster::fresh_url().await;
    let nodes = futures_util::future::join_all((0..4).map(|_| open_node(&url))).await;
    for round in 0..20 {
        for n in 0..8 {
            let job = NewJob { id: format!("{round:02} {n}"), kind: JobKind::SurveyImport, parameters: "{}".to_owned() };
            nodes[0].enqueue(job, &mut &b""[..]).await.unwrap();
        }
        let claims = nodes.iter().enumerate().map(|(n, node)| {
            let node = node.clone();
            tokio::spawn(async move { node.claim(Lane::Writing, &n.to_string(), LONG).await.unwrap() })
        });
        let claimed: Vec<_> = futures_util::future::join_all(claims).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(claimed.len(), 1, "round {round}");
        let failed = JobOutcome::Failure("{}".to_owned());
        assert!(nodes[0].settle(&claimed[0].1, failed, &mut tokio::io::empty()).await.unwrap());
    }
}

#[tokio::test]
async fn a_lease_is_prolonged_however_many_files_come_in() {
    let url = cluster::fresh_url().await;
    let store = open_node(&url).await;
    let job = |id: &str| NewJob { id: id.to_owned(), kind: JobKind::SurveyImport, parameters: "{}".to_owned() };
    store.enqueue(job("held"), &mut &b""[..]).await.unwrap();
    let (_, held) = store.claim(Lane::Writing, "n", Duration::from_hours(1)).await.unwrap().unwrap();
    for n in 0..12 {
        let (store, job) = (store.clone(), job(&n.to_string()));
        // A disk that is slow beyond measure.
        let (mut file, other) = tokio::io::duplex(1);
        tokio::spawn(async move {
            let _kept = other;
            store.enqueue(job, &mut file).await
        });
    }
    let mut watch = raw(&url).await;
    let coming_in = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    while sqlx::query_scalar::<_, i64>(coming_in).fetch_one(&mut watch).await.unwrap() < 2 {}
    for _ in 0..20 {
        assert!(store.renew(&held, Duration::from_hours(1), Progress::NONE).await.unwrap());
    }
    assert_eq!(store.chunk("held", 0).await.unwrap(), None, "files are read meanwhile");
}

/// Not by looking every half second, which is what a store does that hears nothing.
#[tokio::test]
async fn a_node_is_told_of_what_another_stores() {
    let url = cluster::fresh_url().await;
    let (one, other) = (open_node(&url).await, open_node(&url).await);
    let mut news = other.news();
    // It listens, and has heard that.
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let mut watch = raw(&url).await;
    while sqlx::query_scalar::<_, i64>(listening).fetch_one(&mut watch).await.unwrap() < 2 {}
    while news.heard().await {}
    stored_layer(&one, layer(LayerKind::County, "2022-01-01"), vec![feature(1, 118.0, 35.0)]).await;
    let told = async { while !news.heard().await {} };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("NOTIFY reaches the other node");
    assert_eq!(other.layers().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_restarts_is_unavailable_for_a_while_and_loses_nothing() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    cluster.administer("CREATE DATABASE tuban").await;
    let store = open_node(&cluster.url("tuban")).await;
    let kept = stored(&store, &key("2022-04", "x"), vec![(patch("1"), finding(None))]).await;
    // All connections of the database end at once, as at a restart.
    cluster.administer("ALTER DATABASE tuban ALLOW_CONNECTIONS false").await;
    cluster.administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'tuban'").await;
    let away = store.surveys(&Scope::all()).await;
    assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
    cluster.administer("ALTER DATABASE tuban ALLOW_CONNECTIONS true").await;
    assert_eq!(store.surveys(&Scope::all()).await.unwrap(), [kept]);
    stored(&store, &key("2022-05", "x"), vec![]).await;
}

#[tokio::test]
async fn shapes_are_there_for_postgis_where_it_takes_them() {
    let url = cluster::fresh_url().await;
    let store = open_node(&url).await;
    let weird = weird_outlines().into_iter().enumerate().map(|(at, degrees)| (Patch { degrees, ..patch(&at.to_string()) }, finding(None)));
    stored(&store, &key("2022-04", "x"), weird.collect()).await;
    stored(&store, &key("2022-05", "x"), vec![(patch("square"), finding(None))]).await;
    // Oracle: PostGIS itself, asked in its own words.
    let (srid, degrees2, found): (i32, f64, i64) = sqlx::query_as(
        "SELECT ST_SRID(shape), ST_Area(shape), (SELECT count(*) FROM patch_outline WHERE shape && ST_MakeEnvelope(118.3, 35.0, 118.301, 35.001, 4490)
             AND ST_NPoints(shape) = 5 AND ST_XMin(shape) = 118.3)
         FROM patch_outline JOIN patch ON patch.id = patch WHERE patch_id = 'square'",
    )
    .fetch_one(&mut raw(&url).await)
    .await
    .unwrap();
    assert_eq!((srid, found), (4490, 1));
    assert!((degrees2 - 1e-6).abs() < 1e-12, "{degrees2}");
    let without: Vec<String> = sqlx::query_scalar("SELECT patch_id FROM patch_outline JOIN patch ON patch.id = patch WHERE shape IS NULL ORDER BY patch_id")
        .fetch_all(&mut raw(&url).await)
        .await
        .unwrap();
    assert!(without.contains(&"1".to_owned()) && !without.contains(&"0".to_owned()), "the ring that is not closed has none: {without:?}");
}

#[tokio::test]
async fn a_countys_patches_lie_in_one_partition() {
    let url = cluster::fresh_url().await;
    let store = open_node(&url).await;
    let counties = COUNTIES.map(|(code, ..)| Some(code)).into_iter().chain([None]);
    let findings = counties.enumerate().flat_map(|(n, county)| (0..3).map(move |m| (patch(&format!("{n} {m}")), finding(county))));
    stored(&store, &key("2022-04", "x"), findings.collect()).await;
    for table in ["patch", "patch_outline", "finding"] {
        let split: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT count(*) FROM (SELECT county FROM {table} GROUP BY county HAVING count(DISTINCT tableoid) > 1 OR count(*) <> 3) AS split"
        )))
        .fetch_one(&mut raw(&url).await)
        .await
        .unwrap();
        assert_eq!(split, 0, "{table}");
    }
}

/// A survey takes over in portions of 500 patches what those had that it replaces. Each portion finds them by their keys: the twelve of these 6 000 would otherwise read
/// the whole table, of 12 000, twelve times. Looking for the pairs reads it twice.
#[tokio::test]
async fn what_is_taken_over_is_found_by_key() {
    let url = cluster::fresh_url().await;
    let store = open_node(&url).await;
    let counties = ["371302", "371311", "371312"];
    let patches: Vec<_> = (0..6000).map(|n| (patch(&n.to_string()), finding(Some(counties[n % 3])))).collect();
    stored(&store, &key("2022-04", "first"), patches.clone()).await;
    let mut writer = store.begin_survey(key("2022-04", "again"), OnConflict::Replace).await.unwrap();
    let again = on(&mut *writer, patches, &Provenance { layers: Vec::new(), rule: "2022-1".to_owned() }).await;
    writer.push(again).await.unwrap();
    // Writes the last of them.
    writer.own_places().await.unwrap();
    let mut server = raw(&url).await;
    sqlx::query("ANALYZE").execute(&mut server).await.unwrap();
    let read = "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'patch~__' ESCAPE '~'";
    let before: i64 = sqlx::query_scalar(read).fetch_one(&mut server).await.unwrap();
    writer.commit(facts(&key("2022-04", "again"))).await.unwrap();
    store.close().await;
    // A connection hands in what it counted when it ends.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut server).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after: i64 = sqlx::query_scalar(read).fetch_one(&mut raw(&url).await).await.unwrap();
    assert!(after - before <= 3 * 12_000, "{} rows were read one after the other", after - before);
}
