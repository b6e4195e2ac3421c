//! A PostgreSQL cluster of the tests' own: in a temporary folder, on a socket in that folder, started with the first test that needs it.
//!
//! `tools/postgres` runs it for as long as its standard input is open. The kernel closes that when this process ends, however it ends,
//! so nothing is left running or lying about even after `kill -9`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;
use tuban::store::postgres::PostgresStore;

/// The running cluster.
pub(crate) struct Cluster {
    /// The folder with its socket.
    folder: String,
    /// Ends when its standard input does.
    _keeper: Child,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(1);

impl Cluster {
    /// Starts a cluster; it ends with this process, or when what is answered is dropped.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with these words for `tools/postgres`.
    pub(crate) fn start_with(words: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/postgres");
        let mut keeper = Command::new(script).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut folder = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut folder).unwrap();
        assert!(!folder.trim().is_empty(), "tools/postgres did not start: see above");
        Self { folder: folder.trim().to_owned(), _keeper: keeper }
    }

    /// Starts a hot standby of this one.
    pub(crate) fn standby(&self) -> Self {
        Self::start_with(&["--standby-of", &self.folder])
    }

    /// The folder with its socket.
    pub(crate) fn folder(&self) -> &str {
        &self.folder
    }

    /// Ends the server's first process as `kill -9` does; the others end with it.
    pub(crate) fn kill(&self) {
        let first = std::fs::read_to_string(format!("{}/cluster/postmaster.pid", self.folder)).unwrap();
        assert!(Command::new("kill").args(["-9", first.lines().next().unwrap()]).status().unwrap().success());
    }

    /// The URL of a database of that name.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres://postgres@localhost/{name}?host={}", self.folder)
    }

    /// Stops the server (`stop`, which cuts every connection; `stop -m immediate`, after which it has to recover), starts it again (`restart`), or makes a
    /// standby the primary (`promote`).
    pub(crate) fn control(&self, action: &str) {
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let mut command = Command::new(if root { "setpriv" } else { "env" });
        if root {
            // The server refuses to run as root.
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        let (cluster, log) = (format!("{}/cluster", self.folder), format!("{}/cluster/restarted.log", self.folder));
        command.args(["/usr/lib/postgresql/15/bin/pg_ctl", "-s", "-w", "-D", &cluster, "-l", &log]).args(action.split(' '));
        assert!(command.current_dir(&self.folder).stdout(Stdio::null()).status().unwrap().success(), "{action}");
    }

    /// Does something to the cluster as a whole.
    pub(crate) async fn administer(&self, statement: &str) {
        use sqlx::{Connection, PgConnection};
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// The cluster that all tests of this process share. It holds a database that new ones are copied from.
pub(crate) async fn shared() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
            cluster.administer("CREATE DATABASE tuban_template").await;
            PostgresStore::open(&cluster.url("tuban_template")).await.unwrap().close().await;
            cluster
        })
        .await
}

/// The URL of an empty database with Tuban's tables.
pub(crate) async fn fresh_url() -> String {
    let (cluster, name) = (shared().await, format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed)));
    cluster.administer(&format!("CREATE DATABASE {name} TEMPLATE tuban_template")).await;
    cluster.url(&name)
}

/// The URL of a database with nothing in it.
pub(crate) async fn bare_url() -> String {
    let (cluster, name) = (shared().await, format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed)));
    cluster.administer(&format!("CREATE DATABASE {name}")).await;
    cluster.url(&name)
}
