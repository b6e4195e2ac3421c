//! Jobs, in the same database: what a job stores and its end are one transaction. Each change of a job, or of what is stored, is told to every node (NOTIFY).

use super::{PostgresStore, pools::Pools, stalled, text};
use crate::store::jobs::{REMEMBERED, next_chunk, sql};
use crate::store::{Held, Job, JobOutcome, Jobs, NewJob, News, Quota, StoreError, Thing, fail, rows};
use async_trait::async_trait;
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgConnection, PgTransaction};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use tuban_engine::model::{Lane, Progress};

/// Between attempts to listen again.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// The key of the advisory lock under which a job that writes is claimed: “claim” in ASCII.
const CLAIMS: i64 = 0x63_6c_61_69_6d;
/// Forgets jobs that are over, but for the last so many; those that somebody is just changing another time.
const FORGET: &str = "
    DELETE FROM job WHERE id IN (
        SELECT id FROM job WHERE state <> 'running' AND id < (SELECT min(id) FROM (SELECT id FROM job ORDER BY id DESC LIMIT $1) AS last)
        FOR UPDATE SKIP LOCKED)";

/// The queue's bell, which is rung when any node changed it.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    bell: watch::Sender<()>,
    listening: Arc<AbortOnDropHandle<()>>,
}

impl Queue {
    /// A queue that listens to the server those connections go to.
    pub(super) fn new(pools: Pools) -> Self {
        let bell = watch::Sender::new(());
        let listening = tokio::spawn(listen(pools, bell.clone()));
        Self { bell, listening: Arc::new(AbortOnDropHandle::new(listening)) }
    }

    /// Listens no more.
    pub(super) fn end(&self) {
        self.listening.abort();
    }

    /// Ends a job that commits what it stores, of so many features, in this transaction; refuses where it is not held any more.
    pub(super) async fn stored(connection: &mut PgConnection, held: &Held, outcome: &JobOutcome, features: u64) -> Result<(), StoreError> {
        if !end(connection, held, outcome).await? {
            return Err(StoreError::LeaseLost(held.job.clone()));
        }
        sqlx::query(sql::STORED).bind(&held.job).bind(features as i64).execute(connection).await?;
        Ok(())
    }
}

/// Tells every node, once the transaction is committed.
pub(super) async fn tell(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_notify('tuban', '')").execute(connection).await?;
    Ok(())
}

/// Commits a change to a job.
async fn commit(transaction: PgTransaction<'_>) -> Result<(), StoreError> {
    fail::point("job: before commit");
    transaction.commit().await?;
    fail::point("job: after commit");
    Ok(())
}

/// Rings the bell whenever a node tells something. What is missed while the connection is away costs half a second, see [`News`].
async fn listen(pools: Pools, bell: watch::Sender<()>) {
    let mut again = tokio::time::interval(LISTEN_AGAIN);
    loop {
        again.tick().await;
        if let Err(error) = pools.lost.unless(ring(&pools, &bell)).await {
            tracing::debug!(%error, "not listening to other nodes");
        }
    }
}

async fn ring(pools: &Pools, bell: &watch::Sender<()>) -> Result<(), StoreError> {
    // A pool of its own: the listener takes its leave of the server in the background, and a server that is gone does not answer that either.
    let own = PgPoolOptions::new().max_connections(1).connect_lazy_with((*pools.leases.connect_options()).clone());
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen("tuban").await?;
    loop {
        bell.send_replace(());
        listener.recv().await?;
    }
}

/// Ends a job where it is held; answers whether it was.
async fn end(connection: &mut PgConnection, held: &Held, outcome: &JobOutcome) -> Result<bool, StoreError> {
    let ended = sqlx::query(sql::END)
        .bind(&held.job)
        .bind(held.token)
        .bind(outcome.state().word())
        .bind(text::write(&outcome.written()?))
        .execute(&mut *connection)
        .await?
        .rows_affected()
        == 1;
    if ended {
        sqlx::query(sql::FORGET_FILE).bind(&held.job).execute(&mut *connection).await?;
        tell(connection).await?;
    }
    Ok(ended)
}

/// Puts a file into the place of a job's; answers its bytes.
async fn put(connection: &mut PgConnection, job: &str, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<usize, StoreError> {
    let mut size = 0;
    for number in 0_i64.. {
        let bytes = next_chunk(file).await?;
        if bytes.is_empty() {
            break;
        }
        size += bytes.len();
        sqlx::query(sql::PUT_CHUNK).bind(job).bind(number).bind(bytes).execute(&mut *connection).await?;
    }
    Ok(size)
}

impl PostgresStore {
    async fn queue(&self, job: NewJob, quota: Option<&Quota>, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<(), StoreError> {
        let mut transaction = self.pools.files.begin().await?;
        if let Some(quota) = quota {
            room(&mut transaction, quota).await?;
        }
        let (kind, lane) = (job.kind.word(), job.kind.lane().word());
        let (parameters, client) = (text::write(&job.parameters), quota.map(|quota| &quota.client));
        sqlx::query(sql::QUEUE).bind(&job.id).bind(kind).bind(lane).bind(parameters).bind(client).execute(&mut *transaction).await?;
        put(&mut transaction, &job.id, file).await?;
        tell(&mut transaction).await?;
        commit(transaction).await
    }

    /// What cannot be forgotten now is forgotten with the next job.
    async fn forget(&self) {
        if let Err(error) = sqlx::query(FORGET).bind(REMEMBERED).execute(&self.pools.facts).await {
            tracing::debug!(%error, "old jobs could not be forgotten");
        }
    }

    async fn claim_one(&self, lane: Lane, node: &str, lease: Duration) -> Result<Option<(Job, Held)>, StoreError> {
        // Looked for without a lock first: mostly there is nothing to do.
        if sqlx::query(sql::CLAIMABLE).bind(lane.word()).fetch_optional(&self.pools.leases).await?.is_none() {
            return Ok(None);
        }
        let mut transaction = self.pools.leases.begin().await?;
        if lane == Lane::Writing && !alone(&mut transaction).await? {
            return Ok(None);
        }
        // A job that another node is just claiming is passed over, not waited for.
        let claimable = AssertSqlSafe(format!("{} FOR UPDATE SKIP LOCKED", sql::CLAIMABLE));
        let found = sqlx::query_as::<_, (String, Option<String>)>(claimable).bind(lane.word()).fetch_optional(&mut *transaction).await?;
        let Some((id, before)) = found else { return Ok(None) };
        let row = sqlx::query(sql::CLAIM).bind(&id).bind(node).bind(lease.as_millis() as i64).fetch_one(&mut *transaction).await?;
        let job = rows::job(&row)?;
        commit(transaction).await?;
        if let Some(before) = before.filter(|before| lane == Lane::Writing && before != node) {
            self.pools.before.lock().unwrap_or_else(PoisonError::into_inner).insert(before.clone());
            stalled::end_writers_of(&self.pools, &before).await;
        }
        let held = Held { job: id, token: job.token };
        Ok(Some((job, held)))
    }

    async fn prolong(&self, held: &Held, lease: Duration, progress: Progress) -> Result<bool, StoreError> {
        let mut transaction = self.pools.leases.begin().await?;
        let renewed = sqlx::query(sql::RENEW)
            .bind(&held.job)
            .bind(held.token)
            .bind(lease.as_millis() as i64)
            .bind(progress.stage.word())
            .bind(progress.done as i64)
            .bind(progress.total.map(|total| total as i64))
            .execute(&mut *transaction)
            .await?;
        tell(&mut transaction).await?;
        commit(transaction).await?;
        Ok(renewed.rows_affected() == 1)
    }

    async fn give_back(&self, held: &Held, pause: Duration, error: Option<&str>) -> Result<bool, StoreError> {
        let mut transaction = self.pools.leases.begin().await?;
        let released = sqlx::query(sql::RELEASE)
            .bind(&held.job)
            .bind(held.token)
            .bind(pause.as_millis() as i64)
            .bind(error.map(text::write))
            .execute(&mut *transaction)
            .await?;
        tell(&mut transaction).await?;
        commit(transaction).await?;
        Ok(released.rows_affected() == 1)
    }

    async fn put_off(&self, held: &Held, pause: Duration, why: &str) -> Result<bool, StoreError> {
        let mut transaction = self.pools.leases.begin().await?;
        let query = sqlx::query(sql::POSTPONE).bind(&held.job).bind(held.token).bind(pause.as_millis() as i64).bind(text::write(why));
        let postponed = query.execute(&mut *transaction).await?;
        tell(&mut transaction).await?;
        commit(transaction).await?;
        Ok(postponed.rows_affected() == 1)
    }

    async fn conclude(&self, held: &Held, outcome: JobOutcome, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<bool, StoreError> {
        let mut transaction = self.pools.files.begin().await?;
        let settled = end(&mut transaction, held, &outcome).await?;
        if settled {
            let bytes = put(&mut transaction, &held.job, file).await?;
            sqlx::query(sql::KEPT).bind(&held.job).bind((bytes > 0).then_some(bytes as i64)).execute(&mut *transaction).await?;
        }
        commit(transaction).await?;
        Ok(settled)
    }

    async fn end_whoever_holds(&self, id: &str, outcome: JobOutcome) -> Result<bool, StoreError> {
        let mut transaction = self.pools.files.begin().await?;
        // A row that is just being ended by its holder is waited for, and then it is over.
        let cancel = sqlx::query(sql::CANCEL).bind(id).bind(outcome.state().word()).bind(text::write(&outcome.written()?));
        let cancelled = cancel.execute(&mut *transaction).await?.rows_affected() == 1;
        if cancelled {
            sqlx::query(sql::FORGET_FILE).bind(id).execute(&mut *transaction).await?;
            tell(&mut transaction).await?;
        }
        commit(transaction).await?;
        if !cancelled {
            self.one_job(id).await?;
        }
        Ok(cancelled)
    }

    async fn drop_some_files(&self, kept_for: Duration, bytes: u64) -> Result<(), StoreError> {
        let jobs = sqlx::query_scalar::<_, String>(sql::TO_DROP).bind(kept_for.as_millis() as i64).bind(i64::try_from(bytes).unwrap_or(i64::MAX));
        let jobs = jobs.fetch_all(&self.pools.facts).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let mut transaction = self.pools.files.begin().await?;
        for job in jobs {
            sqlx::query(sql::DROPPED).bind(&job).execute(&mut *transaction).await?;
            sqlx::query(sql::FORGET_FILE).bind(&job).execute(&mut *transaction).await?;
        }
        tell(&mut transaction).await?;
        commit(transaction).await
    }

    async fn one_job(&self, id: &str) -> Result<Job, StoreError> {
        let row = sqlx::query(sql::JOB).bind(id).fetch_optional(&self.pools.facts).await?;
        rows::job(&row.ok_or_else(|| StoreError::NotFound { what: Thing::Job, key: id.to_owned() })?)
    }
}

/// That the quota admits one more job. Uploads that are queued at the very same moment do not see each other: there may be a few more.
async fn room(connection: &mut PgConnection, quota: &Quota) -> Result<(), StoreError> {
    let (all, own) = sqlx::query_as(sql::QUEUED).bind(&quota.client).fetch_one(connection).await?;
    quota.admits(all, own)
}

/// The lock for claiming jobs that write. Who looks whether a job's twin is held, and claims it where none is, must be alone; who stalls meanwhile
/// keeps the others waiting for a few seconds only.
async fn alone(transaction: &mut PgConnection) -> Result<bool, StoreError> {
    sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 5000").execute(&mut *transaction).await?;
    // A statement of its own: the one after it sees what was claimed before.
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)").bind(CLAIMS).fetch_one(transaction).await?)
}

#[async_trait]
impl Jobs for PostgresStore {
    async fn enqueue_within(&self, job: NewJob, quota: Option<&Quota>, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<(), StoreError> {
        let _place = self.pools.queueing.acquire().await.map_err(|closed| StoreError::Unavailable(closed.to_string()))?;
        self.pools.lost.soon(self.queue(job, quota, file)).await?;
        self.forget().await;
        Ok(())
    }

    async fn has_room(&self, quota: &Quota) -> Result<(), StoreError> {
        let asked = async { room(&mut *self.pools.facts.acquire().await?, quota).await };
        self.pools.lost.soon(asked).await
    }

    async fn cancel(&self, id: &str, outcome: JobOutcome) -> Result<bool, StoreError> {
        self.pools.lost.soon(self.end_whoever_holds(id, outcome)).await
    }

    async fn holds(&self, held: &Held) -> Result<bool, StoreError> {
        let asked = async { Ok(sqlx::query(sql::HELD).bind(&held.job).bind(held.token).fetch_optional(&self.pools.leases).await?.is_some()) };
        self.pools.lost.soon(asked).await
    }

    async fn claim(&self, lane: Lane, node: &str, lease: Duration) -> Result<Option<(Job, Held)>, StoreError> {
        let _ = self.pools.node.set(node.to_owned());
        self.pools.lost.soon(self.claim_one(lane, node, lease)).await
    }

    async fn chunk(&self, job: &str, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let chunk = async { Ok(sqlx::query_scalar(sql::CHUNK).bind(job).bind(i64::from(number)).fetch_optional(&self.pools.files).await?) };
        self.pools.lost.soon(chunk).await
    }

    async fn renew(&self, held: &Held, lease: Duration, progress: Progress) -> Result<bool, StoreError> {
        self.pools.lost.soon(self.prolong(held, lease, progress)).await
    }

    async fn release(&self, held: &Held, pause: Duration, error: Option<&str>) -> Result<bool, StoreError> {
        self.pools.lost.soon(self.give_back(held, pause, error)).await
    }

    async fn survived(&self, job: &str, node: &str) -> Result<(), StoreError> {
        let said = async { Ok(sqlx::query(sql::SURVIVED).bind(job).bind(node).execute(&self.pools.leases).await.map(|_| ())?) };
        self.pools.lost.soon(said).await
    }

    async fn postpone(&self, held: &Held, pause: Duration, why: &str) -> Result<bool, StoreError> {
        self.pools.lost.soon(self.put_off(held, pause, why)).await
    }

    async fn settle(&self, held: &Held, outcome: JobOutcome, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<bool, StoreError> {
        self.pools.lost.soon(self.conclude(held, outcome, file)).await
    }

    async fn drop_files(&self, kept_for: Duration, bytes: u64) -> Result<(), StoreError> {
        self.pools.lost.soon(self.drop_some_files(kept_for, bytes)).await
    }

    async fn job(&self, id: &str) -> Result<Job, StoreError> {
        self.pools.lost.soon(self.one_job(id)).await
    }

    async fn jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        let rows = async { Ok(sqlx::query(sql::JOBS).bind(i64::from(limit)).fetch_all(&self.pools.facts).await?) };
        self.pools.lost.soon(rows).await?.iter().map(rows::job).collect()
    }

    fn news(&self) -> News {
        News::of(&self.queue.bell)
    }
}
