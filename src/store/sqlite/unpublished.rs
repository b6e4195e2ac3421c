//! Unpublished rows in this database: see [`store::unpublished`](crate::store::unpublished).

use super::{SqliteStore, Writing, sets};
use crate::store::unpublished::{BEAT, Moment, REMOVED_AT_A_TIME, SILENT, What, sql};
use crate::store::{StoreError, fail, values};
use sqlx::{SqliteConnection, SqlitePool};
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;
use tuban_engine::model::Provenance;

/// Rows of a writer, what refers to others first; each statement takes the writer's survey or layer, or itself, and how many.
fn removals(what: What) -> &'static [&'static str] {
    match what {
        What::Survey => &[
            // Outlines, findings and pieces go with their patches: ON DELETE CASCADE.
            "DELETE FROM patch WHERE id IN (SELECT id FROM patch WHERE survey_id = $1 LIMIT $2)",
            "DELETE FROM reject WHERE id IN (SELECT id FROM reject WHERE survey_id = $1 LIMIT $2)",
        ],
        What::Layer => &[
            "DELETE FROM layer_feature WHERE id IN (SELECT id FROM layer_feature WHERE layer_id = $1 LIMIT $2)",
            "DELETE FROM layer_left_out WHERE layer_id = $1 AND row IN (SELECT row FROM layer_left_out WHERE layer_id = $1 LIMIT $2)",
        ],
        What::Findings => &[
            "DELETE FROM finding WHERE rowid IN
                (SELECT rowid FROM finding WHERE survey_id = (SELECT number FROM unpublished WHERE id = $1) AND made = $1 LIMIT $2)",
            "DELETE FROM finding_history WHERE id IN (SELECT id FROM finding_history WHERE unpublished = $1 LIMIT $2)",
        ],
        What::Replaced => &[
            // Writers have growing numbers: whose findings do not count any more had a lower one. Others may still be writing.
            "DELETE FROM finding WHERE rowid IN
                (SELECT rowid FROM finding WHERE survey_id = $1 AND made < (SELECT made FROM survey WHERE id = $1)
                    AND made NOT IN (SELECT id FROM unpublished WHERE what = 'findings') LIMIT $2)",
        ],
    }
}

/// A registered writer. Dropped before it has published, it has its rows removed in the background.
pub(super) struct Unpublished {
    store: SqliteStore,
    pub(super) id: i64,
    what: What,
    number: i64,
    is_over: bool,
    _heartbeat: AbortOnDropHandle<()>,
}

impl Unpublished {
    /// Registers a writer, together with what the transaction has written already.
    pub(super) async fn begin(store: &SqliteStore, mut transaction: Writing, what: What, number: i64) -> Result<Self, StoreError> {
        let insert = "INSERT INTO unpublished (what, number, alive_ms) VALUES ($1, $2, $3) RETURNING id";
        let id = sqlx::query_scalar(insert).bind(what.word()).bind(number).bind(values::now_ms()).fetch_one(&mut *transaction).await?;
        fail::point("register: before commit");
        transaction.commit().await?;
        fail::point("register: after commit");
        let heartbeat = AbortOnDropHandle::new(tokio::spawn(keep_alive(store.pools.writer.clone(), id)));
        Ok(Self { store: store.clone(), id, what, number, is_over: false, _heartbeat: heartbeat })
    }

    /// A transaction for some rows, as long as the writer is registered. It is not flushed to the disk: the publication flushes what came before it.
    pub(super) async fn portion(&self) -> Result<Writing, StoreError> {
        self.still_there(self.store.begin_unflushed().await?).await
    }

    /// The transaction that publishes. The portions before it were not flushed; most of that is done while others may still write.
    pub(super) async fn publication(&self) -> Result<Writing, StoreError> {
        self.store.pools.flush_log().await;
        self.still_there(self.store.begin().await?).await
    }

    async fn still_there(&self, mut transaction: Writing) -> Result<Writing, StoreError> {
        let there: Option<i64> = sqlx::query_scalar(sql::IS_THERE).bind(self.id).fetch_optional(&mut *transaction).await?;
        there.map(|_| transaction).ok_or_else(|| StoreError::silent_for_too_long(self.id))
    }

    /// The number of a set, and notes that findings rest on it.
    pub(super) async fn layer_set(&self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
        let mut portion = self.portion().await?;
        let set = sets::layer_set(&mut portion, provenance, origin).await?;
        sqlx::query(sql::RESTS_ON).bind(self.id).bind(set).execute(&mut *portion).await?;
        fail::point("layer set: before commit");
        portion.commit().await?;
        Ok(set)
    }

    /// Ends the registration in the transaction that publishes; once that is committed, [`is_published`](Self::is_published) must follow.
    pub(super) async fn end(&self, transaction: &mut Writing) -> Result<(), StoreError> {
        sqlx::query(sql::END).bind(self.id).execute(&mut **transaction).await?;
        Ok(())
    }

    /// Ends the registration in the transaction that publishes findings, and registers those whose place they take to be removed; once that is committed,
    /// [`is_in_place`](Self::is_in_place) must follow.
    pub(super) async fn replace(&self, transaction: &mut Writing) -> Result<i64, StoreError> {
        sqlx::query(sql::END).bind(self.id).execute(&mut **transaction).await?;
        Ok(sqlx::query_scalar(sql::TO_REMOVE).bind(What::Replaced.word()).bind(self.number).fetch_one(&mut **transaction).await?)
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

async fn keep_alive(writer: SqlitePool, id: i64) {
    loop {
        tokio::time::sleep(BEAT).await;
        if let Err(error) = sqlx::query(sql::BEAT).bind(id).bind(values::now_ms()).execute(&writer).await {
            tracing::debug!(%error, "a heartbeat was missed");
        }
    }
}

/// Which surveys count now.
pub(super) async fn moment(connection: &mut SqliteConnection) -> Result<Moment, StoreError> {
    let surveys = sqlx::query_as(sql::COUNTING).fetch_all(&mut *connection).await?;
    Ok(Moment { surveys, events: sqlx::query_scalar(sql::EVENTS).fetch_one(connection).await? })
}

impl SqliteStore {
    /// A transaction that nothing visible depends on.
    async fn begin_unflushed(&self) -> Result<Writing, StoreError> {
        Ok(self.pools.writer.begin_with("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE").await?)
    }

    /// Removes what writers left behind that were silent for so long; answers how many.
    pub(super) async fn sweep(&self, silent_for: Duration) -> Result<u64, StoreError> {
        let (since, now) = silent_since(silent_for);
        let silent: Vec<(i64, String, i64)> = sqlx::query_as(sql::SILENT).bind(since).bind(now).fetch_all(&self.pools.facts).await?;
        for (id, what, number) in &silent {
            self.remove_of(*id, What::of(what)?, *number, since).await?;
        }
        Ok(silent.len() as u64)
    }

    /// Removes what a writer wrote that was last heard of before then, in portions.
    async fn remove_of(&self, id: i64, what: What, number: i64, since: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin_unflushed().await?;
        let (_, now) = silent_since(SILENT);
        if sqlx::query(sql::SILENCE).bind(id).bind(since).bind(now).execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(());
        }
        transaction.commit().await?;
        let of = if what == What::Findings { id } else { number };
        for statement in removals(what) {
            loop {
                let mut transaction = self.begin_unflushed().await?;
                let removed = sqlx::query(*statement).bind(of).bind(REMOVED_AT_A_TIME).execute(&mut *transaction).await?.rows_affected();
                fail::point("sweep: before commit");
                transaction.commit().await?;
                fail::point("sweep: after commit");
                if removed == 0 {
                    break;
                }
            }
        }
        let mut transaction = self.begin_unflushed().await?;
        match what {
            What::Survey => _ = sqlx::query(sql::REMOVE_SURVEY).bind(number).execute(&mut *transaction).await?,
            What::Layer => _ = sqlx::query(sql::REMOVE_LAYER).bind(number).execute(&mut *transaction).await?,
            What::Findings | What::Replaced => {}
        }
        sqlx::query(sql::END).bind(id).execute(&mut *transaction).await?;
        fail::point("sweep: before end");
        Ok(transaction.commit().await?)
    }
}

/// Who was last heard of before this is silent; after that, the clock was set back since.
fn silent_since(silent_for: Duration) -> (i64, i64) {
    let now = values::now_ms();
    (now - i64::try_from(silent_for.as_millis()).unwrap_or(i64::MAX / 2), now + SILENT.as_millis() as i64)
}
