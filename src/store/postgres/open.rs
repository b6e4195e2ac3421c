//! Opening the database: nothing is touched before it is known to be ours, and of the version that this program understands.

use super::hosts;
use super::pools::{CONNECTION_WAIT, Pools, Watching};
use super::watch::Hosts;
use crate::store::StoreError;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, SqlSafeStr, Transaction};
use std::borrow::Cow;

/// The schema, step by step; a step that was released is never changed. Listed by hand, so that cargo sees when one is added.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../../../migrations/postgres/0001_first.sql")),
    (2, "jobs", include_str!("../../../migrations/postgres/0002_jobs.sql")),
    (3, "job kinds", include_str!("../../../migrations/postgres/0003_job_kinds.sql")),
    (4, "judged", include_str!("../../../migrations/postgres/0004_judged.sql")),
    (5, "periods", include_str!("../../../migrations/postgres/0005_periods.sql")),
    (6, "approvals", include_str!("../../../migrations/postgres/0006_approvals.sql")),
    (7, "layer sets", include_str!("../../../migrations/postgres/0007_layer_sets.sql")),
    (8, "shared_ground", include_str!("../../../migrations/postgres/0008_shared_ground.sql")),
    (9, "edges", include_str!("../../../migrations/postgres/0009_edges.sql")),
    (10, "withdrawn", include_str!("../../../migrations/postgres/0010_withdrawn.sql")),
    (11, "filings", include_str!("../../../migrations/postgres/0011_filings.sql")),
    (12, "unknown farmland", include_str!("../../../migrations/postgres/0012_unknown_farmland.sql")),
    (13, "job bounds", include_str!("../../../migrations/postgres/0013_job_bounds.sql")),
    (14, "unpublished", include_str!("../../../migrations/postgres/0014_unpublished.sql")),
    (15, "checksums", include_str!("../../../migrations/postgres/0015_checksums.sql")),
    (16, "findings made", include_str!("../../../migrations/postgres/0016_findings_made.sql")),
    (17, "numbers", include_str!("../../../migrations/postgres/0017_numbers.sql")),
];

/// The key of the advisory lock under which tables are made: “tables” in ASCII.
const TABLES: i64 = 0x74_61_62_6c_65_73;
/// After so many milliseconds in which an open transaction was asked nothing, the server ends it: its process is stalled or gone. While a survey is opened and
/// layers are loaded for it minutes may pass; a node that stalls with a job is found out sooner, by its lease: see [`stalled`](super::stalled).
const STALLED_MS: &str = "300000";

/// Connects to the database of `url`, creating its tables where it is empty. A schema older or newer than this program's is refused.
pub(super) async fn open(url: &str) -> Result<(Pools, Watching), StoreError> {
    let hosts = Hosts::find(options(url)?).await?;
    let mut first = connect(hosts.used()).await?;
    if refuse_another_version(schema_of(&mut first).await?).is_err() {
        make_tables(&mut first).await?;
    }
    first.close().await?;
    Ok(Pools::new(hosts))
}

/// Brings an older schema up to this program's.
pub(super) async fn upgrade(url: &str) -> Result<(), StoreError> {
    let hosts = Hosts::find(options(url)?).await?;
    let mut connection = connect(hosts.used()).await?;
    let mut alone = alone(&mut connection).await?;
    let schema = schema_of(&mut alone).await?;
    if schema > newest() {
        return refuse_another_version(schema);
    }
    migrate(&mut alone).await?;
    alone.commit().await?;
    Ok(connection.close().await?)
}

/// How to reach each server of the URL.
fn options(url: &str) -> Result<Vec<PgConnectOptions>, StoreError> {
    // A node whose machine has died is noticed within a minute, and what it held is let go.
    let ours =
        [("tcp_keepalives_idle", "30"), ("tcp_keepalives_interval", "10"), ("tcp_keepalives_count", "3"), ("idle_in_transaction_session_timeout", STALLED_MS)];
    Ok(hosts::of(url)?.into_iter().map(|options| options.application_name("tuban").disable_statement_logging().options(ours)).collect())
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let mut connection =
        tokio::time::timeout(CONNECTION_WAIT, options.connect()).await.map_err(|_| StoreError::Unavailable("the database does not answer".to_owned()))??;
    let encoding: String = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut connection).await?;
    if encoding == "UTF8" { Ok(connection) } else { Err(StoreError::refused(format!("the database keeps text as {encoding}; it must be UTF8"))) }
}

/// A transaction under the lock for making and changing tables.
async fn alone(connection: &mut PgConnection) -> Result<Transaction<'_, Postgres>, StoreError> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(TABLES).execute(&mut *transaction).await?;
    Ok(transaction)
}

/// Makes the tables where there are none. Of nodes that start at once the second waits for the first, and finds them made.
async fn make_tables(connection: &mut PgConnection) -> Result<(), StoreError> {
    let mut alone = alone(connection).await?;
    match schema_of(&mut alone).await? {
        0 => migrate(&mut alone).await?,
        schema => refuse_another_version(schema)?,
    }
    Ok(alone.commit().await?)
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

/// The number of the last step.
fn newest() -> i64 {
    STEPS.last().map_or(0, |(version, ..)| *version)
}

fn refuse_another_version(schema: i64) -> Result<(), StoreError> {
    let ours = newest();
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

/// Applies the steps that are missing, all or none.
async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let steps = STEPS.iter().map(|(version, name, sql)| Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false));
    let mut migrator = Migrator::with_migrations(steps.collect());
    // The lock is ours, and lasts until all is committed.
    migrator.set_locking(false).run(connection).await.map_err(StoreError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_in_order() {
        assert!(STEPS.is_sorted_by(|(one, ..), (next, ..)| one < next));
    }

    #[test]
    fn only_our_own_version_is_opened() {
        let ours = newest();
        assert!(refuse_another_version(ours).is_ok());
        assert!(refuse_another_version(ours + 1).unwrap_err().to_string().contains("a newer Tuban"));
        assert!(refuse_another_version(ours - 1).unwrap_err().to_string().contains("an older Tuban"));
    }
}
