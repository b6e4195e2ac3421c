//! Opening the database: nothing is touched before it is known to be ours, and of the version that this program understands.

use crate::store::StoreError;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, SqlSafeStr};
use std::{
    borrow::Cow,
    str::FromStr,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::Semaphore;

/// The schema, step by step; a step that was released is never changed. Listed by hand, so that cargo sees when one is added.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../../../migrations/postgres/0001_first.sql")),
    (2, "jobs", include_str!("../../../migrations/postgres/0002_jobs.sql")),
    (3, "job kinds", include_str!("../../../migrations/postgres/0003_job_kinds.sql")),
    (4, "judged", include_str!("../../../migrations/postgres/0004_judged.sql")),
];

/// How long anybody waits for a connection. A database that is away is told of within this time.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// Connections of each kind that a node may open; their sum, times the nodes, must stay below the server's `max_connections`.
const WRITERS: u32 = 2;
const PAGES: u32 = 8;
const SUMS: u32 = 4;
/// One of them listens, one may be queueing a large file, two may be keeping files that were made.
const JOBS: u32 = 7;
/// After so many milliseconds in which an open transaction was asked nothing, the server ends it: its process is stalled or gone. While a survey is opened and
/// layers are loaded for it minutes may pass; a node that stalls with a job is found out sooner, by its lease: see [`stalled`](super::stalled).
const STALLED_MS: &str = "300000";

/// A few connections for each kind of work.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    /// For transactions that write. A second one, because the first may still be closing.
    pub(super) writers: PgPool,
    /// One writer a node.
    pub(super) turns: Arc<Semaphore>,
    /// For pages of patches: joins in the order written, each row found by index. Left to itself, the planner takes a page for a
    /// large share of the table now and then, and reads all of it.
    pub(super) pages: PgPool,
    /// For the queue.
    pub(super) jobs: PgPool,
    /// For everything else that reads.
    pub(super) sums: PgPool,
    /// What this process calls itself, once it has claimed a job: see [`stalled`](super::stalled).
    pub(super) node: Arc<OnceLock<String>>,
}

/// Connects to the database of `url`, creating its tables where it is empty. A schema older or newer than this program's is refused.
pub(super) async fn open(url: &str) -> Result<Pools, StoreError> {
    let options = options(url)?;
    let mut first = connect(&options).await?;
    match schema_of(&mut first).await? {
        0 => migrate(&mut first).await?,
        schema => refuse_another_version(schema)?,
    }
    first.close().await?;
    Ok(pools(options))
}

/// Brings an older schema up to this program's.
pub(super) async fn upgrade(url: &str) -> Result<(), StoreError> {
    let mut connection = connect(&options(url)?).await?;
    let schema = schema_of(&mut connection).await?;
    if schema > STEPS.len() as i64 {
        return refuse_another_version(schema);
    }
    migrate(&mut connection).await?;
    Ok(connection.close().await?)
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("tuban").disable_statement_logging();
    // A node whose machine has died is noticed within a minute, and what it held is let go.
    Ok(options.options([
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
        ("idle_in_transaction_session_timeout", STALLED_MS),
    ]))
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let mut connection =
        tokio::time::timeout(CONNECTION_WAIT, options.connect()).await.map_err(|_| StoreError::Unavailable("the database does not answer".to_owned()))??;
    let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut connection).await?;
    if encoding == "UTF8" { Ok(connection) } else { Err(StoreError::refused(format!("the database keeps text as {encoding}; it must be UTF8"))) }
}

fn pools(options: PgConnectOptions) -> Pools {
    let pool = |connections| PgPoolOptions::new().max_connections(connections).acquire_timeout(CONNECTION_WAIT);
    let by_index = options.clone().options([
        ("join_collapse_limit", "1"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        // In order from the index where that is possible; for a search by place it is not, and then there is little to sort.
        ("enable_sort", "off"),
        ("max_parallel_workers_per_gather", "0"),
        ("jit", "off"),
    ]);
    Pools {
        writers: pool(WRITERS).connect_lazy_with(options.clone()),
        turns: Arc::new(Semaphore::new(1)),
        pages: pool(PAGES).connect_lazy_with(by_index),
        jobs: pool(JOBS).connect_lazy_with(options.clone()),
        sums: pool(SUMS).connect_lazy_with(options),
        node: Arc::default(),
    }
}

/// The last step applied to the database, 0 if it is empty. One that another program made is refused.
async fn schema_of(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE relkind IN ('r', 'p') AND nspname = current_schema() AND relname <> 'spatial_ref_sys' ORDER BY relname",
    )
    .fetch_all(&mut *connection)
    .await?;
    let Some(first) = tables.first() else { return Ok(0) };
    if !tables.iter().any(|name| name == "_sqlx_migrations") {
        return Err(StoreError::refused(format!("this is not Tuban's database: it holds the table {first}")));
    }
    Ok(sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(connection).await?)
}

fn refuse_another_version(schema: i64) -> Result<(), StoreError> {
    let ours = STEPS.len() as i64;
    match schema.cmp(&ours) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => {
            Err(StoreError::refused(format!("a newer Tuban wrote this database: its schema is {schema}, this program knows up to {ours}")))
        }
        std::cmp::Ordering::Less => Err(StoreError::refused(format!(
            "an older Tuban wrote this database: its schema is {schema}, this program needs {ours}; stop every node, back up, then run tuban migrate --to URL"
        ))),
    }
}

/// Applies the steps that are missing. sqlx holds an advisory lock meanwhile: a second node waits, and finds them applied.
async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let steps = STEPS.iter().map(|(version, name, sql)| Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false));
    let migrator = Migrator::with_migrations(steps.collect());
    migrator.run(connection).await.map_err(|error| StoreError::Database(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_without_gaps() {
        assert!(STEPS.iter().zip(1..).all(|((version, ..), expected)| *version == expected));
    }

    #[test]
    fn only_our_own_version_is_opened() {
        let ours = STEPS.len() as i64;
        assert!(refuse_another_version(ours).is_ok());
        assert!(refuse_another_version(ours + 1).unwrap_err().to_string().contains("a newer Tuban"));
        assert!(refuse_another_version(ours - 1).unwrap_err().to_string().contains("an older Tuban"));
    }
}
