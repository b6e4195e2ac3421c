//! Unpublished rows in this database: see [`store::unpublished`](crate::store::unpublished).

use super::pools::Pools;
use super::{PostgresStore, Writing, sets};
use crate::store::unpublished::{BEAT, Moment, REMOVED_AT_A_TIME, SILENT, What, sql};
use crate::store::{StoreError, fail};
use sqlx::PgConnection;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;
use tuban_engine::model::Provenance;

/// Rows of a writer; each statement takes the writer's survey or layer, or itself, and how many, and answers how many there were.
fn removals(what: What) -> &'static [&'static str] {
    match what {
        What::Survey => &[
            "WITH gone AS (SELECT county, id FROM patch WHERE survey_id = $1 LIMIT $2),
                filings AS (DELETE FROM filing USING gone WHERE filing.county = gone.county AND filing.patch = gone.id),
                outlines AS (DELETE FROM patch_outline USING gone WHERE patch_outline.county = gone.county AND patch_outline.patch = gone.id),
                findings AS (DELETE FROM finding USING gone WHERE finding.county = gone.county AND finding.patch = gone.id)
             DELETE FROM patch USING gone WHERE patch.county = gone.county AND patch.id = gone.id",
            "DELETE FROM reject WHERE id IN (SELECT id FROM reject WHERE survey_id = $1 LIMIT $2)",
        ],
        What::Layer => &[
            "DELETE FROM layer_feature WHERE layer_id = $1 AND id IN (SELECT id FROM layer_feature WHERE layer_id = $1 LIMIT $2)",
            "DELETE FROM layer_left_out WHERE layer_id = $1 AND row IN (SELECT row FROM layer_left_out WHERE layer_id = $1 LIMIT $2)",
        ],
        What::Findings => &[
            "WITH gone AS (
                SELECT county, patch, made FROM finding WHERE survey_id = (SELECT number FROM unpublished WHERE id = $1) AND made = $1 LIMIT $2)
             DELETE FROM finding USING gone WHERE finding.county = gone.county AND finding.patch = gone.patch AND finding.made = gone.made",
            "DELETE FROM finding_history WHERE id IN (SELECT id FROM finding_history WHERE unpublished = $1 LIMIT $2)",
        ],
        What::Replaced => &[
            // Writers have growing numbers: whose findings do not count any more had a lower one. Others may still be writing.
            "WITH gone AS (
                SELECT county, patch, made FROM finding WHERE survey_id = $1 AND made < (SELECT made FROM survey WHERE id = $1)
                    AND made NOT IN (SELECT id FROM unpublished WHERE what = 'findings') LIMIT $2)
             DELETE FROM finding USING gone WHERE finding.county = gone.county AND finding.patch = gone.patch AND finding.made = gone.made",
        ],
    }
}
/// The clock of the database, which is that of all nodes.
const NOW: &str = "SELECT now_ms FROM clock";

/// A registered writer. Dropped before it has published, it has its rows removed in the background.
pub(super) struct Unpublished {
    store: PostgresStore,
    pub(super) id: i64,
    what: What,
    number: i64,
    is_over: bool,
    _heartbeat: AbortOnDropHandle<()>,
}

impl Unpublished {
    /// Registers a writer, together with what the transaction has written already.
    pub(super) async fn begin(store: &PostgresStore, mut writing: Writing, what: What, number: i64) -> Result<Self, StoreError> {
        let insert = "INSERT INTO unpublished (what, number, alive_ms) VALUES ($1, $2, (SELECT now_ms FROM clock)) RETURNING id";
        let id = sqlx::query_scalar(insert).bind(what.word()).bind(number).fetch_one(writing.connection()).await?;
        fail::point("register: before commit");
        writing.commit().await?;
        fail::point("register: after commit");
        let heartbeat = AbortOnDropHandle::new(tokio::spawn(keep_alive(store.pools.clone(), id)));
        Ok(Self { store: store.clone(), id, what, number, is_over: false, _heartbeat: heartbeat })
    }

    /// A transaction for some rows, as long as the writer is registered. It is not flushed to the disk: the publication flushes what came before it.
    pub(super) async fn portion(&self) -> Result<Writing, StoreError> {
        self.still_there(Writing::begin_unflushed(&self.store.pools).await?).await
    }

    /// The transaction that publishes.
    pub(super) async fn publication(&self) -> Result<Writing, StoreError> {
        self.still_there(Writing::begin(&self.store.pools).await?).await
    }

    async fn still_there(&self, mut writing: Writing) -> Result<Writing, StoreError> {
        let bond = writing.bond();
        bond.soon(async {
            let there: Option<i64> = sqlx::query_scalar(sql::IS_THERE).bind(self.id).fetch_optional(writing.connection()).await?;
            if there.is_none() {
                writing.abandon().await?;
                return Err(StoreError::silent_for_too_long(self.id));
            }
            Ok(writing)
        })
        .await
    }

    /// The number of a set, and notes that findings rest on it.
    pub(super) async fn layer_set(&self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
        let mut writing = self.portion().await?;
        let bond = writing.bond();
        bond.soon(async {
            let set = sets::layer_set(&mut writing, provenance, origin).await?;
            sqlx::query(sql::RESTS_ON).bind(self.id).bind(set).execute(writing.connection()).await?;
            fail::point("layer set: before commit");
            writing.commit().await?;
            Ok(set)
        })
        .await
    }

    /// Ends the registration in the transaction that publishes; once that is committed, [`is_published`](Self::is_published) must follow.
    pub(super) async fn end(&self, writing: &mut Writing) -> Result<(), StoreError> {
        sqlx::query(sql::END).bind(self.id).execute(writing.connection()).await?;
        Ok(())
    }

    /// Ends the registration in the transaction that publishes findings, and registers those whose place they take to be removed; once that is committed,
    /// [`is_in_place`](Self::is_in_place) must follow.
    pub(super) async fn replace(&self, writing: &mut Writing) -> Result<i64, StoreError> {
        sqlx::query(sql::END).bind(self.id).execute(writing.connection()).await?;
        Ok(sqlx::query_scalar(sql::TO_REMOVE).bind(What::Replaced.word()).bind(self.number).fetch_one(writing.connection()).await?)
    }

    /// What was written is there to stay, and what it replaced is removed when this is dropped.
    pub(super) fn is_in_place(&mut self, to_remove: i64) {
        (self.id, self.what) = (to_remove, What::Replaced);
    }

    /// What was written is there to stay.
    pub(super) fn is_published(&mut self) {
        self.is_over = true;
    }

    /// Removes what was written.
    pub(super) async fn abandon(mut self) -> Result<(), StoreError> {
        self.is_over = true;
        self.store.remove_of(self.id, self.what, self.number, i64::MAX).await
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (store, id, what, number) = (self.store.clone(), self.id, self.what, self.number);
        // Where no runtime is left, the process ends, and a sweep finds what is left.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let removal = async move {
                if let Err(error) = store.remove_of(id, what, number, i64::MAX).await {
                    tracing::warn!(%error, "what an import wrote could not be removed; a later sweep does it");
                }
            };
            self.store.removals.spawn_on(removal, &runtime);
        }
    }
}

async fn keep_alive(pools: Pools, id: i64) {
    loop {
        tokio::time::sleep(BEAT).await;
        let beat = async {
            let now: i64 = sqlx::query_scalar(NOW).fetch_one(&pools.leases).await?;
            sqlx::query(sql::BEAT).bind(id).bind(now).execute(&pools.leases).await?;
            Ok::<_, StoreError>(())
        };
        if let Err(error) = pools.lost.soon(beat).await {
            tracing::debug!(%error, "a heartbeat was missed");
        }
    }
}

/// Which surveys count now.
pub(super) async fn moment(connection: &mut PgConnection) -> Result<Moment, StoreError> {
    let surveys = sqlx::query_as(sql::COUNTING).fetch_all(&mut *connection).await?;
    Ok(Moment { surveys, events: sqlx::query_scalar(sql::EVENTS).fetch_one(connection).await? })
}

impl PostgresStore {
    /// Removes what writers left behind that were silent for so long; answers how many.
    pub(super) async fn sweep(&self, silent_for: Duration) -> Result<u64, StoreError> {
        let looking = async {
            let now: i64 = sqlx::query_scalar(NOW).fetch_one(&self.pools.facts).await?;
            let since = now - i64::try_from(silent_for.as_millis()).unwrap_or(i64::MAX / 2);
            let silent: Vec<(i64, String, i64)> =
                sqlx::query_as(sql::SILENT).bind(since).bind(now + SILENT.as_millis() as i64).fetch_all(&self.pools.facts).await?;
            Ok((since, silent))
        };
        let (since, silent) = self.pools.lost.soon(looking).await?;
        for (id, what, number) in &silent {
            self.remove_of(*id, What::of(what)?, *number, since).await?;
        }
        Ok(silent.len() as u64)
    }

    /// Removes what a writer wrote that was last heard of before then, in portions.
    async fn remove_of(&self, id: i64, what: What, number: i64, since: i64) -> Result<(), StoreError> {
        let mut writing = Writing::begin_unflushed(&self.pools).await?;
        let bond = writing.bond();
        let silenced = bond.soon(async {
            let now: i64 = sqlx::query_scalar(NOW).fetch_one(writing.connection()).await?;
            let silence = sqlx::query(sql::SILENCE).bind(id).bind(since).bind(now + SILENT.as_millis() as i64);
            let silenced = silence.execute(writing.connection()).await?.rows_affected();
            writing.commit().await?;
            Ok(silenced)
        });
        if silenced.await? == 0 {
            return Ok(());
        }
        let of = if what == What::Findings { id } else { number };
        for statement in removals(what) {
            while self.remove_some(statement, of).await? > 0 {}
        }
        let mut writing = Writing::begin_unflushed(&self.pools).await?;
        let bond = writing.bond();
        bond.soon(async {
            match what {
                What::Survey => _ = sqlx::query(sql::REMOVE_SURVEY).bind(number).execute(writing.connection()).await?,
                What::Layer => _ = sqlx::query(sql::REMOVE_LAYER).bind(number).execute(writing.connection()).await?,
                What::Findings | What::Replaced => {}
            }
            sqlx::query(sql::END).bind(id).execute(writing.connection()).await?;
            fail::point("sweep: before end");
            writing.commit().await
        })
        .await
    }

    async fn remove_some(&self, statement: &'static str, of: i64) -> Result<u64, StoreError> {
        let mut writing = Writing::begin_unflushed(&self.pools).await?;
        let bond = writing.bond();
        bond.soon(async {
            let removed = sqlx::query(statement).bind(of).bind(REMOVED_AT_A_TIME).execute(writing.connection()).await?.rows_affected();
            fail::point("sweep: before commit");
            writing.commit().await?;
            fail::point("sweep: after commit");
            Ok(removed)
        })
        .await
    }
}
