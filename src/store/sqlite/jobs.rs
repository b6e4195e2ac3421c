//! Jobs, in a file of their own beside the database, which a survey coming in does not lock.
//!
//! A survey is committed while this file is locked for writing, so that nobody can claim its job in between. Of two files no commit is one, so the database
//! also notes which survey a job stored: where the process dies between the two commits, the next claim finds the note and ends the job.

use super::{SqliteStore, Writing, open::Pools, rows};
use crate::land::{JobState, Progress};
use crate::store::jobs::{CHUNK, REMEMBERED};
use crate::store::{Held, Job, JobOutcome, Jobs, NewJob, News, StoreError};
use async_trait::async_trait;
use sqlx::{Row, sqlite::SqliteRow};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;

/// The queue: its file, and the bell that is rung when this process changed it.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pools: Pools,
    bell: watch::Sender<()>,
}

/// One import at a time, whoever does it: the database has one writer.
const CLAIMABLE: &str = "SELECT id FROM job WHERE state = 'running' AND free_ms <= $1
    AND NOT EXISTS (SELECT 1 FROM job WHERE state = 'running' AND node IS NOT NULL AND free_ms > $1) ORDER BY id LIMIT 1";

impl Queue {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools, bell: watch::Sender::new(()) }
    }

    pub(super) async fn close(&self) {
        self.pools.readers.close().await;
        self.pools.writer.close().await;
    }

    async fn begin(&self) -> Result<Writing, StoreError> {
        Ok(self.pools.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn publish(&self, transaction: Writing) -> Result<(), StoreError> {
        transaction.commit().await?;
        self.bell.send_replace(());
        Ok(())
    }

    /// Locks the queue where the job is held: until the answer is dropped nobody can claim it.
    pub(super) async fn locked_by(&self, held: &Held) -> Result<Writing, StoreError> {
        let mut transaction = self.begin().await?;
        let holds: Option<i64> = sqlx::query_scalar("SELECT 1 FROM job WHERE id = $1 AND token = $2 AND state = 'running'")
            .bind(&held.job)
            .bind(held.token)
            .fetch_optional(&mut *transaction)
            .await?;
        holds.map(|_| transaction).ok_or_else(|| StoreError::LeaseLost(held.job.clone()))
    }

    /// Ends a job whose survey of so many features was committed.
    pub(super) async fn stored(&self, mut locked: Writing, held: &Held, survey: i64, features: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE job SET stage = 'storing', done = $2, total = $2 WHERE id = $1")
            .bind(&held.job)
            .bind(features as i64)
            .execute(&mut *locked)
            .await?;
        end(&mut locked, held, &JobOutcome::Survey { id: survey, was_there: false }).await?;
        self.publish(locked).await
    }
}

/// Ends a job where it is held; answers whether it was.
async fn end(transaction: &mut Writing, held: &Held, outcome: &JobOutcome) -> Result<bool, StoreError> {
    let (state, survey, was_there, failure) = match outcome {
        JobOutcome::Survey { id, was_there } => (JobState::Done, Some(*id), Some(i64::from(*was_there)), None),
        JobOutcome::Failure(why) => (JobState::Failed, None, None, Some(why)),
    };
    let ended =
        sqlx::query("UPDATE job SET state = $3, survey_id = $4, was_there = $5, failure = $6, node = NULL WHERE id = $1 AND token = $2 AND state = 'running'")
            .bind(&held.job)
            .bind(held.token)
            .bind(state.word())
            .bind(survey)
            .bind(was_there)
            .bind(failure)
            .execute(&mut **transaction)
            .await?
            .rows_affected()
            == 1;
    if ended {
        sqlx::query("DELETE FROM job_chunk WHERE job = $1").bind(&held.job).execute(&mut **transaction).await?;
    }
    Ok(ended)
}

#[async_trait]
impl Jobs for SqliteStore {
    async fn enqueue(&self, job: NewJob, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<(), StoreError> {
        let now = rows::now_ms();
        let mut transaction = self.queue.begin().await?;
        sqlx::query("DELETE FROM job WHERE state <> 'running' AND id NOT IN (SELECT id FROM job ORDER BY id DESC LIMIT $1)")
            .bind(REMEMBERED)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO job (id, kind, parameters, state, stage, done, token, attempts, free_ms, created_ms)
             VALUES ($1, $2, $3, 'running', 'reading', 0, 0, 0, $4, $4)",
        )
        .bind(&job.id)
        .bind(job.kind.word())
        .bind(&job.parameters)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        for number in 0_i64.. {
            let mut bytes = Vec::with_capacity(CHUNK);
            file.take(CHUNK as u64).read_to_end(&mut bytes).await.map_err(|error| StoreError::Database(Box::new(error)))?;
            if bytes.is_empty() {
                break;
            }
            sqlx::query("INSERT INTO job_chunk (job, number, bytes) VALUES ($1, $2, $3)")
                .bind(&job.id)
                .bind(number)
                .bind(bytes)
                .execute(&mut *transaction)
                .await?;
        }
        self.queue.publish(transaction).await
    }

    async fn claim(&self, node: &str, lease: Duration) -> Result<Option<(Job, Held)>, StoreError> {
        loop {
            // Looked for without the lock first: mostly there is nothing to do.
            let waiting: Option<String> = sqlx::query_scalar(CLAIMABLE).bind(rows::now_ms()).fetch_optional(&self.queue.pools.readers).await?;
            if waiting.is_none() {
                return Ok(None);
            }
            let mut transaction = self.queue.begin().await?;
            let now = rows::now_ms();
            let Some(id) = sqlx::query_scalar::<_, String>(CLAIMABLE).bind(now).fetch_optional(&mut *transaction).await? else { return Ok(None) };
            let row = sqlx::query("UPDATE job SET node = $2, token = token + 1, attempts = attempts + 1, free_ms = $3 WHERE id = $1 RETURNING *")
                .bind(&id)
                .bind(node)
                .bind(now + lease.as_millis() as i64)
                .fetch_one(&mut *transaction)
                .await?;
            let job = job(&row)?;
            let held = Held { job: id, token: job.token };
            let Some(survey) = self.stored_by(&held.job).await? else {
                self.queue.publish(transaction).await?;
                return Ok(Some((job, held)));
            };
            end(&mut transaction, &held, &JobOutcome::Survey { id: survey, was_there: false }).await?;
            self.queue.publish(transaction).await?;
        }
    }

    async fn chunk(&self, job: &str, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(sqlx::query_scalar("SELECT bytes FROM job_chunk WHERE job = $1 AND number = $2")
            .bind(job)
            .bind(i64::from(number))
            .fetch_optional(&self.queue.pools.readers)
            .await?)
    }

    async fn renew(&self, held: &Held, lease: Duration, progress: Progress) -> Result<bool, StoreError> {
        let mut transaction = self.queue.begin().await?;
        let renewed = sqlx::query("UPDATE job SET free_ms = $3, stage = $4, done = $5, total = $6 WHERE id = $1 AND token = $2 AND state = 'running'")
            .bind(&held.job)
            .bind(held.token)
            .bind(rows::now_ms() + lease.as_millis() as i64)
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
        let released = sqlx::query(
            "UPDATE job SET node = NULL, free_ms = $3, error = coalesce($4, error), attempts = attempts - ($4 IS NULL), stage = 'reading', done = 0, total = NULL
             WHERE id = $1 AND token = $2 AND state = 'running'",
        )
        .bind(&held.job)
        .bind(held.token)
        .bind(rows::now_ms() + pause.as_millis() as i64)
        .bind(error)
        .execute(&mut *transaction)
        .await?;
        self.queue.publish(transaction).await?;
        Ok(released.rows_affected() == 1)
    }

    async fn settle(&self, held: &Held, outcome: JobOutcome) -> Result<bool, StoreError> {
        let mut transaction = self.queue.begin().await?;
        let settled = end(&mut transaction, held, &outcome).await?;
        self.queue.publish(transaction).await?;
        Ok(settled)
    }

    async fn job(&self, id: &str) -> Result<Job, StoreError> {
        let row = sqlx::query("SELECT * FROM job WHERE id = $1").bind(id).fetch_optional(&self.queue.pools.readers).await?;
        job(&row.ok_or_else(|| StoreError::NotFound { what: "job", key: id.to_owned() })?)
    }

    async fn jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError> {
        let rows = sqlx::query("SELECT * FROM job ORDER BY id DESC LIMIT $1").bind(i64::from(limit)).fetch_all(&self.queue.pools.readers).await?;
        rows.iter().map(job).collect()
    }

    fn news(&self) -> News {
        News::of(&self.queue.bell)
    }
}

impl SqliteStore {
    /// The survey that a job stored, where its node died before it could say so.
    async fn stored_by(&self, job: &str) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar("SELECT survey_id FROM stored_job WHERE job = $1").bind(job).fetch_optional(&self.pools.readers).await?)
    }
}

fn job(row: &SqliteRow) -> Result<Job, StoreError> {
    let survey: Option<i64> = row.try_get("survey_id")?;
    let was_there = row.try_get::<Option<i64>, _>("was_there")?.is_some_and(|was_there| was_there != 0);
    let failure: Option<String> = row.try_get("failure")?;
    Ok(Job {
        id: row.try_get("id")?,
        kind: rows::word(row, "kind")?,
        parameters: row.try_get("parameters")?,
        state: rows::word(row, "state")?,
        progress: Progress {
            stage: rows::word(row, "stage")?,
            done: rows::count(row, "done")?,
            total: row.try_get::<Option<i64>, _>("total")?.map(|total| total as u64),
        },
        node: row.try_get("node")?,
        token: row.try_get("token")?,
        attempts: row.try_get("attempts")?,
        error: row.try_get("error")?,
        outcome: survey.map(|id| JobOutcome::Survey { id, was_there }).or(failure.map(JobOutcome::Failure)),
        created_ms: row.try_get("created_ms")?,
    })
}
