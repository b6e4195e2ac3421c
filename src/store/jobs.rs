//! Jobs as every node sees them: what is to be done, who does it, how far it is, what came of it.
//!
//! A node claims a job for the time of a lease and renews it while it works. Every claim gets a number above the ones before, the token: who comes back after
//! the lease has run out and another node has claimed the job has the lower token and can change nothing any more, least of all store a survey.

use super::StoreError;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;
use tuban_engine::model::{JobKind, JobState, Lane, Progress, Reject};

/// Bytes of one chunk of a file, but for the last.
pub(super) const CHUNK: usize = 1 << 20;
/// Jobs that are over and still remembered.
pub(super) const REMEMBERED: i64 = 1000;

/// The statements, which serve both databases. Times are by the clock of the database.
pub(super) mod sql {
    /// Forgets jobs that are over, but for the last so many.
    pub(crate) const FORGET: &str = "DELETE FROM job WHERE state <> 'running' AND id NOT IN (SELECT id FROM job ORDER BY id DESC LIMIT $1)";
    /// Queues a job: id, kind, lane, parameters, client.
    pub(crate) const QUEUE: &str = "
        INSERT INTO job (id, kind, lane, parameters, client, state, stage, done, token, attempts, free_ms, created_ms)
        SELECT $1, $2, $3, $4, $5, 'running', 'reading', 0, 0, 0, now_ms, now_ms FROM clock";
    /// How many jobs are not over, and how many of them a client queued: client.
    pub(crate) const QUEUED: &str = "SELECT count(*), count(CASE WHEN client = $1 THEN 1 END) FROM job WHERE state = 'running'";
    /// Appends a part of its file: job, number, bytes.
    pub(crate) const PUT_CHUNK: &str = "INSERT INTO job_chunk (job, number, bytes) VALUES ($1, $2, $3)";
    /// A part of its file: job, number.
    pub(crate) const CHUNK: &str = "SELECT bytes FROM job_chunk WHERE job = $1 AND number = $2";
    /// Says that the file of so many bytes which it made is kept: job, bytes.
    pub(crate) const KEPT: &str = "UPDATE job SET file_bytes = $2 WHERE id = $1";
    /// Jobs whose files were made more than so many milliseconds ago, or before so many bytes of others.
    pub(crate) const TO_DROP: &str = "
        SELECT id FROM (
            SELECT id, ended_ms, coalesce(sum(file_bytes) OVER (ORDER BY ended_ms DESC, id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS later
            FROM job WHERE file_bytes IS NOT NULL
        ) AS kept WHERE ended_ms <= (SELECT now_ms FROM clock) - $1 OR later >= $2";
    /// Says that the file it made is not kept any more.
    pub(crate) const DROPPED: &str = "UPDATE job SET file_bytes = NULL WHERE id = $1";
    /// Forgets its file.
    pub(crate) const FORGET_FILE: &str = "DELETE FROM job_chunk WHERE job = $1";
    /// The oldest free job of a lane, and who held it last; of those that write none whose twin is held, asked for in the same words: the second one finds what the
    /// first has stored. What was claimed or queued in the future is free: the clock was set back since, and its lease might last for hours.
    pub(crate) const CLAIMABLE: &str = "
        SELECT id, node FROM job WHERE state = 'running' AND lane = $1
        AND (free_ms <= (SELECT now_ms FROM clock) OR coalesce(started_ms, created_ms) > (SELECT now_ms FROM clock) + 1000)
        AND ($1 <> 'writing' OR NOT EXISTS (
            SELECT 1 FROM job twin WHERE twin.state = 'running' AND twin.kind = job.kind AND twin.parameters = job.parameters AND twin.node IS NOT NULL
            AND twin.free_ms > (SELECT now_ms FROM clock) AND twin.started_ms <= (SELECT now_ms FROM clock) + 1000))
        ORDER BY id LIMIT 1";
    /// Claims a job: id, node, lease in milliseconds. A job that still names another node was not given back: its lease ran out, and that
    /// node counts as dead. A node that claims its own job again lives: the database was away for longer than the lease.
    pub(crate) const CLAIM: &str = "
        UPDATE job SET node = $2, token = token + 1, attempts = attempts + 1, 
            lost = lost + CASE WHEN node IS NULL OR node = $2 THEN 0 ELSE 1 END, lost_by = CASE WHEN node IS NULL OR node = $2 THEN lost_by ELSE node END,
            free_ms = (SELECT now_ms FROM clock) + $3, started_ms = (SELECT now_ms FROM clock)
        WHERE id = $1 RETURNING *";
    /// Takes back that a node counts as dead: job, node.
    pub(crate) const SURVIVED: &str = "UPDATE job SET lost = lost - 1, lost_by = NULL WHERE id = $1 AND lost_by = $2 AND lost > 0";
    /// Prolongs the lease of a job that is held: id, token, lease, stage, done, total.
    pub(crate) const RENEW: &str = "
        UPDATE job SET free_ms = (SELECT now_ms FROM clock) + $3, stage = $4, done = $5, total = $6 WHERE id = $1 AND token = $2 AND state = 'running'";
    /// Gives a job back that is held: id, token, pause in milliseconds, error.
    pub(crate) const RELEASE: &str = "
        UPDATE job SET node = NULL, free_ms = (SELECT now_ms FROM clock) + $3, error = coalesce($4, error),
            attempts = attempts - CASE WHEN $4 IS NULL THEN 1 ELSE 0 END, stage = 'reading', done = 0, total = NULL
        WHERE id = $1 AND token = $2 AND state = 'running'";
    /// Gives a job back that is held and has no room: id, token, pause in milliseconds, why. The attempt does not count.
    pub(crate) const POSTPONE: &str = "
        UPDATE job SET node = NULL, free_ms = (SELECT now_ms FROM clock) + $3, error = $4, attempts = attempts - 1, stage = 'waiting_for_room', done = 0, total = NULL
        WHERE id = $1 AND token = $2 AND state = 'running'";
    /// Ends a job that is held: id, token, state, outcome. Who held it last stays known: that node's log tells more.
    pub(crate) const END: &str = "
        UPDATE job SET state = $3, outcome = $4, ended_ms = (SELECT now_ms FROM clock) WHERE id = $1 AND token = $2 AND state = 'running'";
    /// Ends a job, also one that is held: id, state, outcome. The token grows, so that its holder can change nothing any more.
    pub(crate) const CANCEL: &str = "
        UPDATE job SET state = $2, outcome = $3, token = token + 1, ended_ms = (SELECT now_ms FROM clock) WHERE id = $1 AND state = 'running'";
    /// Whether a job is held: id, token.
    pub(crate) const HELD: &str = "SELECT 1 FROM job WHERE id = $1 AND token = $2 AND state = 'running'";
    /// How far a job came whose survey is stored: id, features.
    pub(crate) const STORED: &str = "UPDATE job SET stage = 'storing', done = $2, total = $2 WHERE id = $1";
    /// One job.
    pub(crate) const JOB: &str = "SELECT * FROM job WHERE id = $1";
    /// How many jobs are known, and how many of them are not over.
    pub(crate) const COUNT: &str = "SELECT count(*), count(CASE WHEN state = 'running' THEN 1 END) FROM job";
    /// The last so many jobs.
    pub(crate) const JOBS: &str = "SELECT * FROM job ORDER BY id DESC LIMIT $1";
}

/// A job about to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its id; ids sort by the time they were made.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// With what: JSON.
    pub parameters: String,
}

/// Quota: how many jobs that are not over a client may have, and all clients together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Whose job it is: an address.
    pub client: String,
    /// Jobs of one client.
    pub each: u32,
    /// Jobs of all.
    pub all: u32,
}

impl Quota {
    /// That there is room for one more among so many jobs that are not over.
    pub(super) fn admits(&self, all: i64, own: i64) -> Result<(), StoreError> {
        if own >= i64::from(self.each) {
            return Err(StoreError::QueueFull { jobs: self.each, own: true });
        }
        if all >= i64::from(self.all) { Err(StoreError::QueueFull { jobs: self.all, own: false }) } else { Ok(()) }
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// With what: JSON.
    pub parameters: String,
    /// What has become of it.
    pub state: JobState,
    /// How far it is.
    pub progress: Progress,
    /// Who holds it, or held it when it ended.
    pub node: Option<String>,
    /// The number of its last claim, 0 before the first.
    pub token: i64,
    /// How often it was claimed and not given back in good order.
    pub attempts: u64,
    /// How often the lease of its holder ran out, because that node died or stalled.
    pub lost: u64,
    /// The last node with which that happened.
    pub lost_by: Option<String>,
    /// Why the last attempt ended early.
    pub error: Option<String>,
    /// What came of it, once it is over.
    pub outcome: Option<JobOutcome>,
    /// Milliseconds since 1970 at which it was queued.
    pub created_ms: i64,
    /// Milliseconds since 1970 at which the last attempt began.
    pub started_ms: Option<i64>,
    /// Milliseconds since 1970 at which it ended.
    pub ended_ms: Option<i64>,
    /// Bytes of the file it made, as long as that is kept.
    pub file_bytes: Option<u64>,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobOutcome {
    /// A survey in the store, and whether it was there before.
    Survey {
        /// Its number.
        id: i64,
        /// True when the very same file had been stored already, or when the job re-classified it.
        was_there: bool,
    },
    /// A layer in the store.
    Layer {
        /// Its number.
        id: i64,
        /// The first features refused.
        rejects: Vec<Reject>,
    },
    /// A file, kept with the job.
    File(JobFile),
    /// Nothing, and why: JSON.
    Failure(String),
}

/// A file that a job made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// What to call it, with its ending.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Features in it.
    pub features: u64,
}

impl JobOutcome {
    /// What the job's state is with it.
    pub(super) fn state(&self) -> JobState {
        match self {
            Self::Survey { .. } | Self::Layer { .. } | Self::File(_) => JobState::Done,
            Self::Failure(_) => JobState::Failed,
        }
    }

    /// As it is stored: JSON.
    pub(super) fn written(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|error| StoreError::Database(Box::new(error)))
    }
}

/// A part of the file of a job; empty behind its end.
pub(super) async fn next_chunk(file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(CHUNK);
    file.take(CHUNK as u64).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// The right to carry a job out, as long as no higher fencing token was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The job's id.
    pub job: String,
    /// The claim's number.
    pub token: i64,
}

/// Wakes who waits for jobs.
#[derive(Debug)]
pub struct News(watch::Receiver<()>);

/// Polling interval for news that the database does not push: what another process did, where the database does not tell.
const NEWS_WITHIN: Duration = Duration::from_millis(500);

impl News {
    pub(super) fn of(bell: &watch::Sender<()>) -> Self {
        Self(bell.subscribe())
    }

    /// Returns when something may have changed since the last call, half a second later at the latest; answers whether that was told or is merely possible.
    pub async fn heard(&mut self) -> bool {
        tokio::time::timeout(NEWS_WITHIN, self.0.changed()).await.is_ok()
    }
}

/// The queue, and what was in it.
#[async_trait]
pub trait Jobs: Send + Sync + 'static {
    /// Queues a job with the file it is about (empty where it is about none), whole or not at all; [`StoreError::QueueFull`] where its quota is used up. Of the jobs that
    /// are over, the last thousand are kept.
    async fn enqueue_within(&self, job: NewJob, quota: Option<&Quota>, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<(), StoreError>;
    /// Queues a job of no client.
    async fn enqueue(&self, job: NewJob, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<(), StoreError> {
        self.enqueue_within(job, None, file).await
    }
    /// That the quota admits one more job now; [`StoreError::QueueFull`] where it does not.
    async fn has_room(&self, quota: &Quota) -> Result<(), StoreError>;
    /// Cancels a job, queued or held, with that outcome: nothing of it can be stored any more, and its file is forgotten. False, and nothing changed, when it was over.
    async fn cancel(&self, id: &str, outcome: JobOutcome) -> Result<bool, StoreError>;
    /// Whether a job is still held: not over, and not claimed since.
    async fn holds(&self, held: &Held) -> Result<bool, StoreError>;
    /// Claims the oldest free job of a lane, for the time of `lease`; while a job that writes is held, none is claimed that asks for the same.
    async fn claim(&self, lane: Lane, node: &str, lease: Duration) -> Result<Option<(Job, Held)>, StoreError>;
    /// A part of the file of a job, from 0; `None` behind its end. Until the job is over that is the file it is about, then the one it made.
    async fn chunk(&self, job: &str, number: u32) -> Result<Option<Vec<u8>>, StoreError>;
    /// Prolongs the lease to `lease` from now and tells how far the job is. False when it is no longer held with this token.
    async fn renew(&self, held: &Held, lease: Duration, progress: Progress) -> Result<bool, StoreError>;
    /// Gives a job back, to be claimed again after `pause`; an attempt that ended with an error counts, one that was handed over does not. False when it was not held.
    async fn release(&self, held: &Held, pause: Duration, error: Option<&str>) -> Result<bool, StoreError>;
    /// Says that a node lives which lost a job because it could not reach the database: it does not count among those that died with the job.
    async fn survived(&self, job: &str, node: &str) -> Result<(), StoreError>;
    /// Gives a job back for which a disk has no room, to be claimed again after `pause`; the attempt does not count. False when it was not held.
    async fn postpone(&self, held: &Held, pause: Duration, why: &str) -> Result<bool, StoreError>;
    /// Ends a job whose end was not committed with what it stored, and keeps the file it made (empty where it made none) in the place of the one it was about:
    /// all at once. False, and nothing changed, when it was not held.
    async fn settle(&self, held: &Held, outcome: JobOutcome, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<bool, StoreError>;
    /// Drops the files that jobs made longer than `kept_for` ago, and the oldest of the others while those made after them have `bytes` in all.
    async fn drop_files(&self, kept_for: Duration, bytes: u64) -> Result<(), StoreError>;
    /// One job.
    async fn job(&self, id: &str) -> Result<Job, StoreError>;
    /// The last jobs, newest first.
    async fn jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError>;
    /// News of jobs, from now on.
    fn news(&self) -> News;
}
