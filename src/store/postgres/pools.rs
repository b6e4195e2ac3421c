//! Connections, a few for each kind of work: what is large never keeps what is small, or what keeps a lease, waiting.

use super::watch::{Hosts, Lost};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

/// How long anybody waits for a connection. A database that is away is told of within this time.
pub(super) const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// Connections of each kind that a node may open; their sum, one that listens and one more to each server, times the nodes, must stay below the server's `max_connections`.
const WRITERS: u32 = 2;
const PAGES: u32 = 8;
const SUMS: u32 = 4;
const FACTS: u32 = 3;
const FILES: u32 = 6;
const LEASES: u32 = 3;
/// Uploads queued at a time. Others wait, so that the rest of [`FILES`] are left for reading files and for keeping what exports made.
const QUEUEING: usize = 2;

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
    /// For what reads much: sums, and layers whole.
    pub(super) sums: PgPool,
    /// For what reads little, such as the revision by which the service is known to be ready.
    pub(super) facts: PgPool,
    /// For files of jobs on their way in and out.
    pub(super) files: PgPool,
    /// Uploads on their way in.
    pub(super) queueing: Arc<Semaphore>,
    /// For claims and leases, which take a moment.
    pub(super) leases: PgPool,
    /// What this process calls itself, once it has claimed a job: see [`stalled`](super::stalled).
    pub(super) node: Arc<OnceLock<String>>,
    /// Nodes that held writing jobs before this one took those over.
    pub(super) before: Arc<Mutex<BTreeSet<String>>>,
    /// Whether what is connected is of use.
    pub(super) lost: Lost,
}

/// What looks at the servers, for as long as the store is open.
#[derive(Debug, Clone)]
pub(super) struct Watching(Arc<AbortOnDropHandle<()>>);

impl Watching {
    /// Looks no more.
    pub(super) fn end(&self) {
        self.0.abort();
    }
}

impl Pools {
    /// Connections to the server in use, made when they are needed, and what watches over them.
    pub(super) fn new(hosts: Hosts) -> (Self, Watching) {
        let (options, lost, several) = (hosts.used(), Lost::never(), hosts.are_several());
        let pool = |connections, options: &PgConnectOptions| {
            let (going, coming) = (lost.clone(), lost.clone());
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(CONNECTION_WAIT)
                // Its own tests would wait for ever for a server that says nothing.
                .test_before_acquire(false)
                .after_connect(move |connection, _| Box::pin(async move { if several { takes_writes(connection).await } else { Ok(()) } }))
                .before_acquire(move |connection, about| {
                    let lost = going.clone();
                    Box::pin(async move { Ok(lost.is_of_use(connection, about.age).await) })
                })
                .after_release(move |connection, about| {
                    let lost = coming.clone();
                    Box::pin(async move { Ok(lost.is_of_use(connection, about.age).await) })
                })
                .connect_lazy_with(options.clone())
        };
        let pools = Self {
            writers: pool(WRITERS, &by_key(options)),
            turns: Arc::new(Semaphore::new(1)),
            pages: pool(PAGES, &by_index(options)),
            sums: pool(SUMS, &by_county(options)),
            facts: pool(FACTS, options),
            files: pool(FILES, options),
            queueing: Arc::new(Semaphore::new(QUEUEING)),
            leases: pool(LEASES, options),
            node: Arc::default(),
            before: Arc::default(),
            lost,
        };
        let watching = tokio::spawn(hosts.follow(pools.lost.clone(), {
            let pools = pools.clone();
            move |server| pools.turn_to(server)
        }));
        (pools, Watching(Arc::new(AbortOnDropHandle::new(watching))))
    }

    /// From now on connects to that server.
    pub(super) fn turn_to(&self, options: &PgConnectOptions) {
        for pool in [&self.facts, &self.files, &self.leases] {
            pool.set_connect_options(options.clone());
        }
        self.writers.set_connect_options(by_key(options));
        self.sums.set_connect_options(by_county(options));
        self.pages.set_connect_options(by_index(options));
    }

    /// Closes every connection. Open writers are waited for.
    pub(super) async fn close(&self) {
        for pool in [&self.pages, &self.sums, &self.facts, &self.writers, &self.files, &self.leases] {
            pool.close().await;
        }
    }
}

/// A server that has just become a standby is none to read from either: what was stored a moment ago may not have come there yet.
async fn takes_writes(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let standby: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    if standby { Err(sqlx::Error::Protocol("the server takes no writes".to_owned())) } else { Ok(()) }
}

/// Connections that write: many rows by their keys, in dozens of partitions, whose code would take longer to compile than to run.
fn by_key(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([("jit", "off")])
}

/// Connections for sums: partition-wise joins and aggregates, a plan for each set of surveys.
fn by_county(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("enable_partitionwise_join", "on"),
        ("enable_partitionwise_aggregate", "on"),
        ("plan_cache_mode", "force_custom_plan"),
        // Dozens of sums would be compiled each time, for longer than adding a month up takes.
        ("jit", "off"),
    ])
}

/// Connections for pages: each row by index, joins in the order written.
fn by_index(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("join_collapse_limit", "1"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        // In order from the index where that is possible; for a search by place it is not, and then there is little to sort.
        ("enable_sort", "off"),
        ("max_parallel_workers_per_gather", "0"),
        ("jit", "off"),
    ])
}
