//! One writer at a time, over all nodes.
//!
//! A writer holds an advisory lock until its transaction ends, so that conflicts are decided on what is committed, numbers are given in
//! the order of commits, and the revision grows in the order in which changes become visible. Within a node writers queue for their turn;
//! between nodes they queue for the lock. A writer that is dropped closes its connection, which undoes all it wrote: a connection whose
//! COPY was cut short could not be used again.

use super::watch::Bond;
use super::{jobs::tell, pools::Pools, stalled};
use crate::store::{StoreError, fail, sql};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, Postgres};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// The key of the advisory lock: “Tuban” in ASCII.
const WRITERS: i64 = 0x54_75_62_61_6e;
/// After so many milliseconds in which a portion was asked nothing, the server ends it.
const STALLED_MS: u32 = 10_000;
/// How long a writer waits for the writers before it. Restoring a survey is one transaction, so this is minutes, not seconds.
const WRITERS_WAIT: Duration = Duration::from_mins(5);

/// An open transaction that writes; undone when dropped.
pub(super) struct Writing {
    connection: PoolConnection<Postgres>,
    open: bool,
    bond: Bond,
    _turn: OwnedSemaphorePermit,
}

impl Writing {
    /// Begins what nothing visible depends on: the next commit that is flushed takes it along. No code of ours leaves such a transaction open, so the server ends one whose
    /// process stalls.
    pub(super) async fn begin_unflushed(pools: &Pools) -> Result<Self, StoreError> {
        let mut writing = Self::begin(pools).await?;
        let bond = writing.bond();
        let settings = format!("SET LOCAL synchronous_commit = off; SET LOCAL idle_in_transaction_session_timeout = {STALLED_MS}");
        bond.soon(async {
            sqlx::raw_sql(AssertSqlSafe(settings)).execute(writing.connection()).await?;
            writing.look_up_by_key().await
        })
        .await?;
        Ok(writing)
    }

    /// From now on the transaction finds rows by their keys, each in its own partition. The planner does not know before it runs which partition that is, counts all of
    /// them for each row, and so prefers to read the whole table for a few hundred rows.
    pub(super) async fn look_up_by_key(&mut self) -> Result<(), StoreError> {
        sqlx::raw_sql("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off").execute(self.connection()).await?;
        Ok(())
    }

    /// Waits for its turn and begins.
    pub(super) async fn begin(pools: &Pools) -> Result<Self, StoreError> {
        let too_long = |_| StoreError::Unavailable("other writers took too long".to_owned());
        let bond = pools.lost.bond();
        tokio::time::timeout(WRITERS_WAIT, bond.unless(Self::turn(pools, bond.clone()))).await.map_err(too_long)?
    }

    async fn turn(pools: &Pools, bond: Bond) -> Result<Self, StoreError> {
        let turn = pools.turns.clone().acquire_owned().await.map_err(|closed| StoreError::Unavailable(closed.to_string()))?;
        let mut writing = Self { connection: pools.writers.acquire().await?, open: true, bond, _turn: turn };
        stalled::name(pools, writing.connection()).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; SET LOCAL lock_timeout = {}", WRITERS_WAIT.as_millis()))).execute(writing.connection()).await?;
        // A statement of its own: the one after it sees what the writer before committed.
        let locked = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITERS).execute(writing.connection());
        tokio::select! {
            locked = locked => {
                locked?;
            }
            never = stalled::keep_ending(pools) => match never {},
        }
        Ok(writing)
    }

    /// What a statement needs so as not to wait for a server that is gone.
    pub(super) fn bond(&self) -> Bond {
        self.bond.clone()
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Gives so many numbers to rows of `table`, above all that were ever given; answers the first.
    pub(super) async fn next_ids(&mut self, table: &str, count: usize) -> Result<i64, StoreError> {
        let given = sqlx::query_scalar("UPDATE given SET seq = seq + $2 WHERE name = $1 RETURNING seq - $2 + 1").bind(table).bind(count as i64);
        Ok(given.fetch_one(self.connection()).await?)
    }

    /// The number that the next row of `table` gets, above all that were ever given.
    pub(super) async fn next_id(&mut self, table: &str) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT seq + 1 FROM given WHERE name = $1").bind(table).fetch_one(self.connection()).await?)
    }

    /// Remembers the last number that was given to a row of `table`.
    pub(super) async fn gave(&mut self, table: &str, last: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE given SET seq = $2 WHERE name = $1").bind(table).bind(last).execute(self.connection()).await?;
        Ok(())
    }

    /// Commits a change to what is stored, and says so.
    pub(super) async fn publish(mut self) -> Result<(), StoreError> {
        sqlx::query(sql::PUBLISH).execute(self.connection()).await?;
        tell(self.connection()).await?;
        fail::point("change: before commit");
        self.commit().await?;
        fail::point("change: after commit");
        Ok(())
    }

    /// Commits what changes nothing that anybody can see yet.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        sqlx::raw_sql("COMMIT").execute(self.connection()).await?;
        self.open = false;
        Ok(())
    }

    /// Ends a transaction that found nothing to write.
    pub(super) async fn abandon(mut self) -> Result<(), StoreError> {
        sqlx::raw_sql("ROLLBACK").execute(self.connection()).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}
