//! Jobs as every node sees them: what is to be done, who does it, how far it is, what came of it.
//!
//! A node claims a job for the time of a lease and renews it while it works. Every claim gets a number above the ones before, the token: who comes back after
//! the lease has run out and another node has claimed the job has the lower token and can change nothing any more, least of all store a survey.

use super::StoreError;
use crate::land::{JobKind, JobState, Progress};
use async_trait::async_trait;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::sync::watch;

/// Bytes of one chunk of an uploaded file, but for the last.
pub(super) const CHUNK: usize = 1 << 20;
/// Jobs that are over and still remembered.
pub(super) const REMEMBERED: i64 = 1000;

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

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Who holds it.
    pub node: Option<String>,
    /// The number of its last claim, 0 before the first.
    pub token: i64,
    /// How often it was claimed and not given back in good order.
    pub attempts: u32,
    /// Why the last attempt ended early.
    pub error: Option<String>,
    /// What came of it, once it is over.
    pub outcome: Option<JobOutcome>,
    /// Milliseconds since 1970 at which it was queued.
    pub created_ms: i64,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// A survey in the store, and whether it was there before.
    Survey {
        /// Its number.
        id: i64,
        /// True when the very same file had been stored already.
        was_there: bool,
    },
    /// Nothing, and why: JSON.
    Failure(String),
}

/// The right to carry a job out, as long as nobody with a higher token has it.
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

/// How long news may take that nobody brings: what another process did, where the database does not tell.
const NEWS_WITHIN: Duration = Duration::from_millis(500);

impl News {
    pub(super) fn of(bell: &watch::Sender<()>) -> Self {
        Self(bell.subscribe())
    }

    /// Returns when something may have changed since the last call, half a second later at the latest.
    pub async fn heard(&mut self) {
        let _ = tokio::time::timeout(NEWS_WITHIN, self.0.changed()).await;
    }
}

/// The queue, and what was in it.
#[async_trait]
pub trait Jobs: Send + Sync + 'static {
    /// Queues a job with the file it is about, whole or not at all. Of the jobs that are over, the last thousand are kept.
    async fn enqueue(&self, job: NewJob, file: &mut (dyn AsyncRead + Send + Unpin)) -> Result<(), StoreError>;
    /// Claims the oldest job that nobody holds, for the time of `lease`.
    async fn claim(&self, node: &str, lease: Duration) -> Result<Option<(Job, Held)>, StoreError>;
    /// A part of the file of a job that is not over, from 0; `None` behind its end.
    async fn chunk(&self, job: &str, number: u32) -> Result<Option<Vec<u8>>, StoreError>;
    /// Prolongs the lease to `lease` from now and tells how far the job is. False when it is no longer held with this token.
    async fn renew(&self, held: &Held, lease: Duration, progress: Progress) -> Result<bool, StoreError>;
    /// Gives a job back, to be claimed again after `pause`; an attempt that ended with an error counts, one that was handed over does not. False when it was not held.
    async fn release(&self, held: &Held, pause: Duration, error: Option<&str>) -> Result<bool, StoreError>;
    /// Ends a job whose outcome was not committed with its survey, and forgets its file. False when it was not held.
    async fn settle(&self, held: &Held, outcome: JobOutcome) -> Result<bool, StoreError>;
    /// One job.
    async fn job(&self, id: &str) -> Result<Job, StoreError>;
    /// The last jobs, newest first.
    async fn jobs(&self, limit: u32) -> Result<Vec<Job>, StoreError>;
    /// News of jobs, from now on.
    fn news(&self) -> News;
}
