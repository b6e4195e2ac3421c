//! The work of a node: it claims jobs one after the other (an import uses every core) and carries them out, renewing its lease meanwhile.
//!
//! 1. Claim: the oldest job that nobody holds. One whose node died is held by nobody once its lease has run out.
//! 2. Fetch: its file comes out of the store to this node's disk.
//! 3. Import, as from the command line; beside it a heartbeat renews the lease and tells how far it is. A lease that is lost ends the import.
//! 4. The survey and the end of the job become visible together, or neither: see [`SurveyWriter::only_while`](crate::store::SurveyWriter::only_while).
//!
//! A failure that another attempt may mend (disk, database) gives the job back, a few times; any other ends it.

use super::{
    Monitor, MonitorError,
    jobs::{Failure, Imported},
    survey_import::SurveyFile,
};
use crate::land::Progress;
use crate::store::{Held, Job, JobOutcome, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How a node works.
#[derive(Debug, Clone)]
pub struct Working {
    /// What other nodes and the log call it.
    pub node: String,
    /// How long a job stays its own after it was last heard of.
    pub lease: Duration,
    /// How long an import under way may take to finish once the node is to stop; then it is handed over.
    pub finish_within: Duration,
}

impl Default for Working {
    fn default() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self { node: format!("{}:{}", host.trim(), std::process::id()), lease: Duration::from_secs(30), finish_within: Duration::from_secs(20) }
    }
}

/// Attempts a job is given.
const ATTEMPTS: u64 = 5;
/// Longest silence about how far an import is.
const TOLD_EVERY: Duration = Duration::from_millis(500);

impl Monitor {
    /// Carries jobs out until `stop`: then none is claimed any more, and the one under way is finished or handed over.
    pub async fn work(self: Arc<Self>, working: Working, stop: CancellationToken) {
        let mut news = self.news();
        while !stop.is_cancelled() {
            match self.store.claim(&working.node, working.lease).await {
                Ok(Some((job, held))) => self.carry_out(&working, job, &held, &stop).await,
                claimed => {
                    if let Err(error) = claimed {
                        tracing::warn!(%error, "no job could be claimed");
                    }
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = news.heard() => {}
                    }
                }
            }
        }
    }

    async fn carry_out(self: &Arc<Self>, working: &Working, job: Job, held: &Held, stop: &CancellationToken) {
        tracing::info!(job = job.id, attempt = job.attempts, "claimed");
        if job.attempts > ATTEMPTS {
            tracing::error!(job = job.id, error = job.error.as_deref().unwrap_or("its nodes died"), "given up after {ATTEMPTS} attempts");
            return self.end_as(held, &Failure::Broken).await;
        }
        let (report, progress) = watch::channel(Progress::NONE);
        let mut heartbeat = JoinSet::new();
        heartbeat.spawn(Arc::clone(self).keep(held.clone(), working.lease, progress));
        let too_long = async {
            stop.cancelled().await;
            tokio::time::sleep(working.finish_within).await;
        };
        let report = |progress| {
            report.send_replace(progress);
        };
        let outcome = tokio::select! {
            // First, because the heartbeat also ends when the import has just ended the job.
            biased;
            outcome = self.import_claimed(&job, held, &report) => Some(outcome),
            _ = heartbeat.join_next() => Some(Err(StoreError::LeaseLost(held.job.clone()).into())),
            () = too_long => None,
        };
        // What is given back must not be renewed any more.
        heartbeat.shutdown().await;
        let Some(outcome) = outcome else {
            tracing::info!(job = job.id, "handed over");
            return self.give_back(held, Duration::ZERO, None).await;
        };
        self.conclude(working, &job, held, outcome).await;
    }

    async fn conclude(&self, working: &Working, job: &Job, held: &Held, outcome: Result<Imported, MonitorError>) {
        match outcome {
            // Its end was committed with it.
            Ok(Imported { was_there: false, .. }) => {}
            Ok(Imported { survey, was_there: true }) => self.settle(held, JobOutcome::Survey { id: survey.id, was_there: true }).await,
            Err(MonitorError::Store(StoreError::LeaseLost(_))) => {
                tracing::warn!(job = job.id, "no longer held: the lease ran out and another node took the job; nothing was stored here");
            }
            Err(error) => {
                tracing::info!(job = job.id, %error, "a survey was not taken");
                match Failure::of(&error) {
                    Some(failure) => self.end_as(held, &failure).await,
                    None => self.give_back(held, working.lease, Some(&error.to_string())).await,
                }
            }
        }
    }

    async fn import_claimed(&self, job: &Job, held: &Held, report: &(dyn Fn(Progress) + Sync)) -> Result<Imported, MonitorError> {
        let importing = self.counts.begin();
        let outcome = self.import_fetched(job, held, report).await;
        importing.end(&outcome);
        outcome
    }

    /// Fetches the file and imports it. What was fetched is gone before anyone can hear that the import is over.
    async fn import_fetched(&self, job: &Job, held: &Held, report: &(dyn Fn(Progress) + Sync)) -> Result<Imported, MonitorError> {
        let fetched = self.fetch(job).await?;
        let asked: SurveyFile = serde_json::from_str(&job.parameters).map_err(|error| StoreError::Damaged(format!("parameters of job {}: {error}", job.id)))?;
        let taken = self.take_in(&SurveyFile { path: fetched.path().to_owned(), ..asked }, report).await;
        drop(fetched);
        taken?.commit(Some(held)).await
    }

    async fn fetch(&self, job: &Job) -> Result<tempfile::NamedTempFile, MonitorError> {
        let fetched = self.spool_file()?;
        let mut file = tokio::fs::File::from_std(fetched.as_file().try_clone()?);
        for number in 0.. {
            match self.store.chunk(&job.id, number).await? {
                Some(bytes) => file.write_all(&bytes).await?,
                None => break,
            }
        }
        file.flush().await?;
        Ok(fetched)
    }

    /// Renews the lease and tells how far the import is, until the lease is lost. While the database is away nobody else can claim the job either.
    async fn keep(self: Arc<Self>, held: Held, lease: Duration, progress: watch::Receiver<Progress>) {
        let mut tick = tokio::time::interval(TOLD_EVERY.min(lease / 3));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tick.tick().await;
        let (mut told, mut renewed) = (Progress::NONE, tokio::time::Instant::now());
        loop {
            tick.tick().await;
            let now = *progress.borrow();
            if now == told && renewed.elapsed() < lease / 3 {
                continue;
            }
            match self.store.renew(&held, lease, now).await {
                Ok(true) => (told, renewed) = (now, tokio::time::Instant::now()),
                Ok(false) => return,
                Err(error) => tracing::warn!(job = held.job, %error, "the lease could not be renewed"),
            }
        }
    }

    async fn end_as(&self, held: &Held, failure: &Failure) {
        match serde_json::to_string(failure) {
            Ok(kept) => self.settle(held, JobOutcome::Failure(kept)).await,
            Err(error) => tracing::error!(job = held.job, %error, "a failure could not be written down"),
        }
    }

    /// Where the store cannot be told, the lease runs out and the job is claimed anew.
    async fn settle(&self, held: &Held, outcome: JobOutcome) {
        if let Err(error) = self.store.settle(held, outcome).await {
            tracing::warn!(job = held.job, %error, "the end of a job could not be told");
        }
    }

    /// Likewise.
    async fn give_back(&self, held: &Held, pause: Duration, error: Option<&str>) {
        if let Err(error) = self.store.release(held, pause, error).await {
            tracing::warn!(job = held.job, %error, "a job could not be given back");
        }
    }
}
