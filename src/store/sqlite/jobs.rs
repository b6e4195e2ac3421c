//! Jobs, in a file of their own beside the database, which a survey coming in does not lock.
//!
//! What a job stores is committed while this file is locked for writing, so that no node can claim its job in between. Of two files no commit is one, so the database
//! also notes what a job stored: where the process dies between the two commits, the next claim finds the note and ends the job.

use super::{SqliteStore, Writing, open::Pools};
use crate::store::jobs::{REMEMBERED, next_chunk, sql};
use crate::store::{Held, Job, JobOutcome, Jobs, NewJob, News, Quota, StoreError, Thing, columns::Columns, fail, rows, values};
use async_trait::async_trait;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::sync::watch;
use tuban_engine::model::{Lane, Progress};

/// The queue: its file, and the bell that is rung when this process changed it.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pools: Pools,
    bell: watch::Sender<()>,
}

impl Queue {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools, bell: watch::Sender::new(()) }
    }

    pub(super) async fn close(&self) {
        self.pools.close().await;
    }

    /// How many jobs are known, and how many of them are not over.
    pub(super) async fn counted(&self) -> Result<(i64, i64), StoreError> {
        Ok(sqlx::query_as(sql::COUNT).fetch_one(&self.pools.readers).await?)
    }

    async fn begin(&self) -> Result<Writing, StoreError> {
        Ok(self.pools.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn publish(&self, transaction: Writing) -> Result<(), StoreError> {
        fail::point("job: before commit");
        transaction.commit().await?;
        fail::point("job: after commit");
        self.bell.send_replace(());
        Ok(())
    }

    /// Commits what a job stores, of so many features, and its end; refuses where it is not held any more.
    pub(super) async fn commit(&self, mut transaction: Writing, held: &Held, outcome: &JobOutcome, features: u64) -> Result<(), StoreError> {
        let mut locked = self.locked_by(held).await?;
        // The notes of jobs whose end was told are no longer needed.
        let running: Vec<String> = sqlx::query_scalar("SELECT id FROM job WHERE state = 'running'").fetch_all(&mut *locked).await?;
        let forget = sqlx::query("DELETE FROM stored_job WHERE job NOT IN (SELECT value FROM json_each($1))").bind(values::to_json(&running)?);
        forget.execute(&mut *transaction).await?;
        let note = sqlx::query("INSERT INTO stored_job (job, outcome) VALUES ($1, $2)").bind(&held.job).bind(outcome.written()?);
        note.execute(&mut *transaction).await?;
        super::publish(transaction).await?;
        fail::point("job: between what it stored and its end");
        sqlx::query(sql::STORED).bind(&held.job).bind(features as i64).execute(&mut *locked).await?;
        end(&mut locked, held, outcome).await?;
        self.publish(locked).await
    }

    /// Locks the queue where the job is held: until the answer is dropped no node can claim it.
    async fn locked_by(&self, held: &Held) -> Result<Writing, StoreError> {
        let mut transaction = self.begin().await?;
        let holds: Option<i64> = sqlx::query_scalar("SELECT 1 FROM job WHERE id = $1 AND token = $2 AND state = 'running'")
            .bind(&held.job)
            .bind(held.token)
            .fetch_optional(&mut *transaction)
            .await?;
        holds.map(|_| transaction).ok_or_else(|| StoreError::LeaseLost(held.job.clone()))
    }
}

/// Ends a job where it is held; answers whether it was.
async fn end(transaction: &mut Writing, held: &Held, outcome: &JobOutcome) -> Result<bool, StoreError> {
    let ended = sqlx::query(sql::END)
        .bind(&held.job)
        .bind(held.token)
        .bind(outcome.state().word())
        .bind(outcome.written()?)
        .execute(&mut **transaction)
        .await?
        .rows_affected()
        == 1;
    if ended {
        sqlx::query(sql::FORGET_FILE).bind(&held.job).execute(&mut **transaction).await?;
    }
    Ok(ended)
}

/// Puts a file into the place of a job's; answers its bytes.
async fn put(transaction: &mut Writing, job: &str, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<usize, StoreError> {
    let mut size = 0;
    for number in 0_i64.. {
        let bytes = next_chunk(file).await?;
        if bytes.is_empty() {
            break;
        }
        size += bytes.len();
        sqlx::query(sql::PUT_CHUNK).bind(job).bind(number).bind(bytes).execute(&mut **transaction).await?;
    }
    Ok(size)
}

#[async_trait]
impl Jobs for SqliteStore {
    async fn enqueue_within(&self, job: NewJob, quota: Option<&Quota>, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<(), StoreError> {
        let mut transaction = self.queue.begin().await?;
        if let Some(quota) = quota {
            let (all, own) = sqlx::query_as(sql::QUEUED).bind(&quota.client).fetch_one(&mut *transaction).await?;
            quota.admits(all, own)?;
        }
        sqlx::query(sql::FORGET).bind(REMEMBERED).execute(&mut *transaction).await?;
        let (kind, lane) = (job.kind.word(), job.kind.lane().word());
        let client = quota.map(|quota| &quota.client);
        sqlx::query(sql::QUEUE).bind(&job.id).bind(kind).bind(lane).bind(&job.parameters).bind(client).execute(&mut *transaction).await?;
        put(&mut transaction, &job.id, file).await?;
        self.queue.publish(transaction).await
    }

    async fn has_room(&self, quota: &Quota) -> Result<(), StoreError> {
        let (all, own) = sqlx::query_as(sql::QUEUED).bind(&quota.client).fetch_one(&self.queue.pools.facts).await?;
        quota.admits(all, own)
    }

    async fn cancel(&self, id: &str, outcome: JobOutcome) -> Result<bool, StoreError> {
        // The commit of what the job stores holds this lock meanwhile.
        let mut transaction = self.queue.begin().await?;
        let job = sqlx::query(sql::JOB).bind(id).fetch_optional(&mut *transaction).await?;
        let job = rows::job(&job.ok_or_else(|| StoreError::NotFound { what: Thing::Job, key: id.to_owned() })?)?;
        if let Some(stored) = self.stored_by(id).await? {
            // Its node died after it had stored everything: there is nothing left to cancel.
            if end(&mut transaction, &Held { job: job.id, token: job.token }, &stored).await? {
                self.queue.publish(transaction).await?;
            }
            return Ok(false);
        }
        let cancel = sqlx::query(sql::CANCEL).bind(id).bind(outcome.state().word()).bind(outcome.written()?);
        let cancelled = cancel.execute(&mut *transaction).await?.rows_affected() == 1;
        if cancelled {
            sqlx::query(sql::FORGET_FILE).bind(id).execute(&mut *transaction).await?;
            self.queue.publish(transaction).await?;
        }
        Ok(cancelled)
    }

    async fn holds(&self, held: &Held) -> Result<bool, StoreError> {
        let held = sqlx::query(sql::HELD).bind(&held.job).bind(held.token);
        Ok(held.fetch_optional(&self.queue.pools.facts).await?.is_some())
    }

    async fn claim(&self, lane: Lane, node: &str, lease: Duration) -> Result<Option<(Job, Held)>, StoreError> {
        loop {
            // Looked for without the lock first: mostly there is nothing to do.
            if sqlx::query(sql::CLAIMABLE).bind(lane.word()).fetch_optional(&self.queue.pools.facts).await?.is_none() {
                return Ok(None);
            }
            let mut transaction = self.queue.begin().await?;
            let claimable = sqlx::query_scalar::<_, String>(sql::CLAIMABLE).bind(lane.word());
            let Some(id) = claimable.fetch_optional(&mut *transaction).await? else { return Ok(None) };
            let row = sqlx::query(sql::CLAIM).bind(&id).bind(node).bind(lease.as_millis() as i64).fetch_one(&mut *transaction).await?;
            let job = rows::job(&row)?;
            let held = Held { job: id, token: job.token };
            let stored = self.stored_by(&held.job).await?;
            if let Some(outcome) = &stored {
                end(&mut transaction, &held, outcome).await?;
            }
            self.queue.publish(transaction).await?;
            if stored.is_none() {
                return Ok(Some((job, held)));
            }
        }
    }

    async fn chunk(&self, job: &str, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(sqlx::query_scalar(sql::CHUNK).bind(job).bind(i64::from(number)).fetch_optional(&self.queue.pools.readers).await?)
    }

    async fn renew(&self, held: &Held, lease: Duration, progress: Progress) -> Result<bool, StoreError> {
        let mut transaction = self.queue.begin().await?;
        let renewed = sqlx::query(sql::RENEW)
            .bind(&held.job)
            .bind(held.token)
            .bind(lease.as_millis() as i64)
            .bind(progress.stage.word())
            .bind(progress.done as i64)
            .bind(progress.total.map(|total| total as i64))
            .execute(&mut *transaction)
            .await?;
        self.queue.publish(transaction).await?;
        Ok(renewed.rows_affected() == 1)
    }

    async fn release(&self, held: &Held, pause: Duration, error: Option<&str>) -> Result<bool, StoreError> {
        let mut transaction = self.queue.begin().await?;
        let released = sqlx::query(sql::RELEASE).bind(&held.job).bind(held.token).bind(pause.as_millis() as i64).bind(error).execute(&mut *transaction).await?;
        self.queue.publish(transaction).await?;
        Ok(released.rows_affected() == 1)
    }

    async fn survived(&self, job: &str, node: &str) -> Result<(), StoreError> {
        let mut transaction = self.queue.begin().await?;
        sqlx::query(sql::SURVIVED).bind(job).bind(node).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn postpone(&self, held: &Held, pause: Duration, why: &str) -> Result<bool, StoreError> {
        let mut transaction = self.queue.begin().await?;
        let postponed = sqlx::query(sql::POSTPONE).bind(&held.job).bind(held.token).bind(pause.as_millis() as i64).bind(why).execute(&mut *transaction).await?;
        self.queue.publish(transaction).await?;
        Ok(postponed.rows_affected() == 1)
    }

    async fn settle(&self, held: &Held, outcome: JobOutcome, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<bool, StoreError> {
        let mut transaction = self.queue.begin().await?;
        let settled = end(&mut transaction, held, &outcome).await?;
        if settled {
            let bytes = put(&mut transaction, &held.job, file).await?;
            sqlx::query(sql::KEPT).bind(&held.job).bind((bytes > 0).then_some(bytes as i64)).execute(&mut *transaction).await?;
        }
        self.queue.publish(transaction).await?;
        Ok(settled)
    }

    async fn drop_files(&self, kept_for: Duration, bytes: u64) -> Result<(), StoreError> {
        let jobs = sqlx::query_scalar::<_, String>(sql::TO_DROP).bind(kept_for.as_millis() as i64).bind(i64::try_from(bytes).unwrap_or(i64::MAX));
        let jobs = jobs.fetch_all(&self.queue.pools.facts).await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let mut transaction = self.queue.begin().await?;
        for job in jobs {
            sqlx::query(sql::DROPPED).bind(&job).execute(&mut *transaction).await?;
            sqlx::query(sql::FORGET_FILE).bind(&job).execute(&mut *transaction).await?;
        }
        self.queue.publish(transaction).await
    }

    async fn job(&self, id: &str) -> Result<Job, StoreError> {
        let row = sqlx::query(sql::JOB).bind(id).fetch_optional(&self.queue.pools.facts).await?;
        rows::job(&row.ok_or_else(|| StoreError::NotFound { what: Thing::Job, key: id.to_owned() })?)
    }

    async fn jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        sqlx::query(sql::JOBS).bind(i64::from(limit)).fetch_all(&self.queue.pools.facts).await?.iter().map(rows::job).collect()
    }

    fn news(&self) -> News {
        News::of(&self.queue.bell)
    }
}

impl SqliteStore {
    /// What a job stored whose node died before it could say so.
    async fn stored_by(&self, job: &str) -> Result<Option<JobOutcome>, StoreError> {
        let note = sqlx::query("SELECT outcome FROM stored_job WHERE job = $1").bind(job).fetch_optional(&self.pools.facts).await?;
        note.map(|row| row.json("outcome")).transpose()
    }
}
