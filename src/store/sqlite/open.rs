//! Opening the file: nothing is touched before it is known to be ours, and of a version that this program understands.

use crate::store::{StoreError, room::free_bytes};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection, SqlitePool};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::{borrow::Cow, str::FromStr, time::Duration};

/// The schema, step by step; a step that was released is never changed. Listed by hand, so that cargo sees when one is added.
const STEPS: Steps = &[
    (1, "first", include_str!("../../../migrations/sqlite/0001_first.sql")),
    (2, "jobs", include_str!("../../../migrations/sqlite/0002_jobs.sql")),
    (3, "outcomes", include_str!("../../../migrations/sqlite/0003_outcomes.sql")),
    (4, "judged", include_str!("../../../migrations/sqlite/0004_judged.sql")),
    (5, "periods", include_str!("../../../migrations/sqlite/0005_periods.sql")),
    (6, "approvals", include_str!("../../../migrations/sqlite/0006_approvals.sql")),
    (7, "layer sets", include_str!("../../../migrations/sqlite/0007_layer_sets.sql")),
    (8, "shared_ground", include_str!("../../../migrations/sqlite/0008_shared_ground.sql")),
    (9, "edges", include_str!("../../../migrations/sqlite/0009_edges.sql")),
    (10, "withdrawn", include_str!("../../../migrations/sqlite/0010_withdrawn.sql")),
    (11, "filings", include_str!("../../../migrations/sqlite/0011_filings.sql")),
    (12, "unknown farmland", include_str!("../../../migrations/sqlite/0012_unknown_farmland.sql")),
    (14, "unpublished", include_str!("../../../migrations/sqlite/0014_unpublished.sql")),
    (15, "checksums", include_str!("../../../migrations/sqlite/0015_checksums.sql")),
    (16, "findings made", include_str!("../../../migrations/sqlite/0016_findings_made.sql")),
    (17, "numbers", include_str!("../../../migrations/sqlite/0017_numbers.sql")),
];
/// The steps of the file with the jobs.
const JOB_STEPS: Steps = &[
    (1, "first", include_str!("../../../migrations/sqlite-jobs/0001_first.sql")),
    (2, "kinds", include_str!("../../../migrations/sqlite-jobs/0002_kinds.sql")),
    (3, "bounds", include_str!("../../../migrations/sqlite-jobs/0003_bounds.sql")),
];

/// Number, name and SQL of each.
type Steps = &'static [(i64, &'static str, &'static str)];

/// SQLite before this version can corrupt a database when a write-ahead log is reset at the wrong moment.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// How long a writer waits for the writer before it: longer than any transaction takes, also on a slow disk.
const WRITERS_WAIT: Duration = Duration::from_mins(5);
/// How long a reader waits for one of the connections.
const READERS_WAIT: Duration = Duration::from_secs(30);
const READERS: u32 = 4;
/// Connections for questions that read little.
const FACTS: u32 = 2;
/// Rows that SQLite's thread may be ahead of the one that decodes them.
const ROWS_AHEAD: usize = 1024;

/// One connection that writes, a few that read, for each of the two files.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    /// Of one connection.
    pub(super) writer: SqlitePool,
    /// Which cannot write.
    pub(super) readers: SqlitePool,
    /// Neither can these; for what reads little, such as the revision by which the service is known to be ready, so that it never waits for what reads much.
    pub(super) facts: SqlitePool,
}

impl Pools {
    /// Where the file lies.
    pub(super) fn folder(&self) -> PathBuf {
        let folder = self.writer.connect_options().get_filename().parent().map(Path::to_owned);
        folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| PathBuf::from("."))
    }

    /// Flushes the write-ahead log to the disk without the write lock, so that a commit that is flushed has little left to wait for. Where it fails, the commit tells.
    pub(super) async fn flush_log(&self) {
        let mut log = self.writer.connect_options().get_filename().as_os_str().to_owned();
        log.push("-wal");
        let flushed = tokio::task::spawn_blocking(move || File::open(log)?.sync_data()).await;
        if let Ok(Err(error)) = flushed {
            tracing::debug!(%error, "the log was not flushed ahead of a commit");
        }
    }

    /// Closes every connection. Open writers are waited for.
    pub(super) async fn close(&self) {
        for pool in [&self.readers, &self.facts, &self.writer] {
            pool.close().await;
        }
    }
}

/// Opens the database of `url` (`sqlite:path`, `sqlite://path`), creating the file, its folder and its tables where they are missing.
pub(super) async fn open(url: &str) -> Result<Pools, StoreError> {
    let options = options(url)?;
    refuse_lost(options.get_filename())?;
    open_file(options, SqliteAutoVacuum::None, STEPS).await
}

/// Opens the file with the jobs of that database: the same name with `-jobs` behind it.
pub(super) async fn open_jobs(url: &str) -> Result<Pools, StoreError> {
    let options = options(url)?;
    let file = jobs_beside(options.get_filename());
    // Uploads come and go: the file shrinks with them.
    open_file(options.filename(file), SqliteAutoVacuum::Full, JOB_STEPS).await
}

/// Refuses to make a new database where one was: its file is missing, empty or cut to less than a page, and what lay beside it is there still.
fn refuse_lost(file: &Path) -> Result<(), StoreError> {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if size >= LEAST_DATABASE {
        if !jobs_beside(file).exists() {
            tracing::warn!(file = %jobs_beside(file).display(), "the queue of this database is missing: jobs that waited are gone, a new one is made");
        }
        return Ok(());
    }
    let snapshots = file.with_extension("layers");
    let beside = [Some(jobs_beside(file)), Some(snapshots).filter(|_| !has_sibling(file))];
    let Some(left) = beside.iter().flatten().find(|path| path.exists()) else { return Ok(()) };
    Err(StoreError::Damaged(format!(
        "数据库文件 {file} 缺失或为空（{size} 字节），而 {left} 仍在：请从备份恢复 {file}；确要新建，请先移走 {left} / the database {file} is missing or empty ({size} bytes) while {left} is there: restore {file} \
         from a backup, or move {left} away to begin a new one",
        file = file.display(),
        left = left.display()
    )))
}

/// Whether another file of that name but for its ending may be the database whose snapshots lie there.
fn has_sibling(file: &Path) -> bool {
    let Some(folder) = file.parent() else { return false };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let sibling = |entry: std::fs::DirEntry| {
        let path = entry.path();
        path.is_file() && path.file_stem() == file.file_stem() && path.file_name() != file.file_name()
    };
    std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(sibling))
}

/// Bytes of the smallest database: one page of the smallest kind.
const LEAST_DATABASE: u64 = 512;

/// The file with the jobs of a database.
fn jobs_beside(file: &Path) -> PathBuf {
    let mut jobs = file.as_os_str().to_owned();
    jobs.push("-jobs");
    PathBuf::from(jobs)
}

fn options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        // In memory, every connection would have a database of its own.
        return Err(StoreError::refused(format!("“{url}” is not an SQLite file; it should be sqlite:PATH")));
    }
    Ok(SqliteConnectOptions::from_str(url)?.foreign_keys(true).busy_timeout(WRITERS_WAIT).row_buffer_size(ROWS_AHEAD).disable_statement_logging())
}

/// Less than this SQLite needs to open a file: the write-ahead log's index alone has 32 KiB.
const LEAST_ROOM: u64 = 64 << 10;

/// Opens a file. On a full disk SQLite says of some files merely that they cannot be opened, so the disk is asked.
async fn open_file(options: SqliteConnectOptions, vacuum: SqliteAutoVacuum, steps: Steps) -> Result<Pools, StoreError> {
    let file = options.get_filename().to_owned();
    let opened = try_to_open(options, vacuum, steps).await;
    let full = file.parent().and_then(free_bytes).filter(|free| *free < LEAST_ROOM);
    match (opened, full) {
        (Err(StoreError::Unavailable(why) | StoreError::NoRoom(why)), Some(free)) => {
            Err(StoreError::NoRoom(format!("{} cannot be opened with {free} bytes left there: {why}", file.display())))
        }
        (opened, _) => opened,
    }
}

async fn try_to_open(options: SqliteConnectOptions, vacuum: SqliteAutoVacuum, steps: Steps) -> Result<Pools, StoreError> {
    if let Some(folder) = options.get_filename().parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(folder).await?;
    }
    let mut first = options.clone().create_if_missing(true).connect().await?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut first).await?;
    if !is_new_enough(&version) {
        return Err(StoreError::refused(format!(
            "SQLite {version} can damage its files; {} or newer is needed",
            OLDEST_SQLITE.map(|n| n.to_string()).join(".")
        )));
    }
    let schema = schema_of(&mut first, steps).await?;
    first.close().await?;
    let writing = options
        .clone()
        .auto_vacuum(vacuum)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // A cache of 64 MiB: indexes grow in memory while a survey comes in. The log is cut to as much again afterwards.
        .pragma("cache_size", "-65536")
        .pragma("journal_size_limit", "67108864");
    migrate(&writing, schema, steps).await?;

    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(WRITERS_WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_release(|connection, _| Box::pin(is_at_rest(connection)))
        .connect_with(writing)
        .await?;
    let readers = |connections, cache| {
        let pool = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(READERS_WAIT).idle_timeout(None).max_lifetime(None);
        pool.connect_with(options.clone().read_only(true).pragma("cache_size", cache))
    };
    Ok(Pools { writer, readers: readers(READERS, "-16384").await?, facts: readers(FACTS, "-2048").await? })
}

/// The number of the last step.
fn newest(steps: Steps) -> i64 {
    steps.last().map_or(0, |(version, ..)| *version)
}

fn is_new_enough(version: &str) -> bool {
    version.split('.').map(|number| number.parse().unwrap_or(0)).ge(OLDEST_SQLITE)
}

/// The last step applied to the database, 0 if it is empty. One that another program or a newer Tuban made is refused.
async fn schema_of(connection: &mut SqliteConnection, steps: Steps) -> Result<i64, StoreError> {
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'").fetch_all(&mut *connection).await?;
    if tables.is_empty() {
        return Ok(0);
    }
    if !tables.iter().any(|name| name == "_sqlx_migrations") {
        return Err(StoreError::refused(format!("this is not Tuban's database: it holds the table {}", tables[0])));
    }
    let schema: i64 = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(connection).await?;
    let newest = newest(steps);
    if schema > newest {
        return Err(StoreError::refused(format!("a newer Tuban wrote this database: its schema is {schema}, this program knows up to {newest}")));
    }
    Ok(schema)
}

/// Applies the steps that are missing, all or none. Where two programs open a new file at once, the second waits for the first.
///
/// With foreign keys off, or a table that is rebuilt would take the rows that refer to it with it; so they are looked through before the commit.
async fn migrate(writing: &SqliteConnectOptions, schema: i64, steps: Steps) -> Result<(), StoreError> {
    let migrations = steps.iter().map(|(version, name, sql)| Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false));
    let migrator = Migrator::with_migrations(migrations.collect());
    // A current schema is only compared, without waiting for the write lock.
    let begin = if schema < newest(steps) { "BEGIN IMMEDIATE" } else { "BEGIN" };
    let mut connection = writing.clone().foreign_keys(false).connect().await?;
    let mut transaction = connection.begin_with(begin).await?;
    migrator.run(&mut *transaction).await?;
    if schema > 0 && schema < newest(steps) && sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut *transaction).await?.is_some() {
        return Err(StoreError::Damaged("rows refer to what is not there".to_owned()));
    }
    transaction.commit().await?;
    Ok(connection.close().await?)
}

/// Whether a connection that comes back has no transaction open. SQLite itself rolls back on a full disk, for instance, whereupon
/// sqlx still counts one; such a connection could never begin another, so it is closed and a new one is made.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The rollback of a dropped writer is queued before this ping.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fresh() -> (Pools, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (open(&format!("sqlite:{}/t.db", folder.path().display())).await.unwrap(), folder)
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(["3.51.3", "3.52.0", "3.100.0", "4.0.0", "3.51.10"].into_iter().all(is_new_enough));
        assert!(["3.51.2", "3.46.0", "3.9.9", "2.99.99", "", "x"].into_iter().all(|version| !is_new_enough(version)));
    }

    #[tokio::test]
    async fn the_linked_sqlite_is_new_enough() {
        let (pools, _folder) = fresh().await;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&pools.readers).await.unwrap();
        assert!(is_new_enough(&version), "{version}");
    }

    #[tokio::test]
    async fn connections_are_set_up_as_promised() {
        let (pools, folder) = fresh().await;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&pools.writer).await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&pools.writer).await.unwrap();
        let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&pools.writer).await.unwrap();
        assert_eq!((mode.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
        let jobs = open_jobs(&format!("sqlite:{}/t.db", folder.path().display())).await.unwrap();
        let vacuum: i64 = sqlx::query_scalar("PRAGMA auto_vacuum").fetch_one(&jobs.writer).await.unwrap();
        assert_eq!(vacuum, 1, "the file with the uploads shrinks again");
        assert!(sqlx::query("DELETE FROM survey").execute(&pools.readers).await.is_err());
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_rolled_back_itself_does_not_block_the_next() {
        let (pools, _folder) = fresh().await;
        let mut transaction = pools.writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
        // What a full disk does: the transaction ends behind sqlx's back.
        sqlx::query("ROLLBACK").execute(&mut *transaction).await.unwrap();
        drop(transaction);
        pools.writer.begin_with("BEGIN IMMEDIATE").await.unwrap().commit().await.unwrap();
    }

    #[tokio::test]
    async fn steps_are_in_order() {
        assert!([STEPS, JOB_STEPS].iter().all(|steps| steps.is_sorted_by(|(one, ..), (next, ..)| one < next)));
    }
}
