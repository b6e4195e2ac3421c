//! The work of a node: it claims jobs, a few of those that write and a few of those that read, and carries them out, renewing its leases meanwhile. Imports at work share the
//! cores and what may be in memory, so that a long one holds no short one up.
//!
//! 1. Claim: the oldest free job. That of a dead node is free once its lease has run out.
//! 2. Carry out, each kind in the file `job.rs` of its folder; beside it a heartbeat renews the lease and tells how far it is. A lease that
//!    is lost ends the work.
//! 3. What a job is for and its end become visible together, or neither: where it is stored, in the same transaction (see
//!    [`SurveyWriter::only_while`](crate::store::SurveyWriter::only_while)); where it is a file, with the file ([`Jobs::settle`](crate::store::Jobs::settle)).
//!
//! A failure that another attempt may mend (disk, database) gives the job back, a few times; a disk without room gives it back as often as it takes; any other ends it.

use crate::scope::Scope;
use crate::service::{
    EXPORTS, Service, ServiceError,
    jobs::{Failure, asked_by, untold::Waiting},
    surveys::withdrawal::KEPT_FOR,
};
use crate::store::{Held, Job, JobOutcome, SILENT, StoreError};
use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tuban_engine::model::{JobKind, Lane, Progress};

/// How a node works.
#[derive(Debug, Clone)]
pub struct Working {
    /// What other nodes and the log call it.
    pub node: String,
    /// How long a job stays its own after it was last heard of.
    pub lease: Duration,
    /// How long a job under way may take to finish once the node is to stop; then it is handed over.
    pub finish_within: Duration,
    /// How long surveys that were withdrawn or replaced can be restored; then they are removed for good.
    pub keep_withdrawn: Duration,
    /// Imports and re-classifications at a time.
    pub imports: usize,
}

/// Imports and re-classifications at a time on a node with memory enough.
pub const IMPORTS: usize = 3;
/// Memory that one of them may need beside the layers, bytes: batches under way, rows waiting for the store, the ids seen.
const MEMORY_OF_ONE: u64 = 256 << 20;

impl Working {
    /// So many imports at a time, or as many as a budget of so many bytes has room for; never fewer than two, or one would hold all others up.
    #[must_use]
    pub fn imports_within(budget: u64, most: usize) -> usize {
        most.min(usize::try_from(budget / 2 / MEMORY_OF_ONE).unwrap_or(most)).max(most.min(2))
    }
}

impl Default for Working {
    fn default() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            node: format!("{}:{}", host.trim(), std::process::id()),
            lease: Duration::from_secs(30),
            finish_within: Duration::from_secs(20),
            keep_withdrawn: KEPT_FOR,
            imports: IMPORTS,
        }
    }
}

/// Attempts a job is given.
const ATTEMPTS: u64 = 5;
/// Nodes that may die with a job: what killed two would kill a third.
const DEATHS: u64 = 2;
/// Longest silence about how far a job is.
const TOLD_EVERY: Duration = Duration::from_millis(500);

/// Between two looks for files that are kept no longer.
const TIDIED_EVERY: Duration = Duration::from_hours(1);

/// A job that this node holds.
pub(crate) struct Claimed<'a> {
    pub(crate) job: &'a Job,
    pub(crate) held: &'a Held,
    /// That of who asked for it.
    pub(crate) scope: Scope,
    /// Is told how far it is.
    pub(crate) report: &'a (dyn Fn(Progress) + Sync),
}

impl Claimed<'_> {
    /// What the job is to be done with.
    pub(crate) fn parameters<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_str(&self.job.parameters).map_err(|error| StoreError::Damaged(format!("parameters of job {}: {error}", self.job.id)))
    }
}

/// What carrying a job out came to.
pub(crate) enum Came {
    /// Its end was committed with what it stored.
    Committed,
    /// To this; it is yet to be told.
    To(JobOutcome),
    /// To this file, which is yet to be kept.
    ToFile(JobOutcome, File),
}

impl Service {
    /// Carries jobs out until `stop`: then none is claimed any more, and those under way are finished or handed over.
    pub async fn work(self: Arc<Self>, working: Working, stop: CancellationToken) {
        let reading = (0..EXPORTS).map(|_| self.work_on(Lane::Reading, &working, &stop));
        let writing = (0..working.imports.max(1)).map(|_| self.work_on(Lane::Writing, &working, &stop));
        tokio::join!(join_all(writing), join_all(reading), self.tidy(working.keep_withdrawn, &stop), self.keep_sweeping(&stop));
    }

    /// Removes what killed imports left behind, at the start and whenever one may have been silent for long enough.
    async fn keep_sweeping(&self, stop: &CancellationToken) {
        let mut tick = tokio::time::interval(SILENT / 2);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            if let Err(error) = self.sweep().await {
                tracing::warn!(%error, "what killed imports had written could not be removed");
            }
        }
    }

    /// Drops what is kept no longer: files, also on a node without new exports, and surveys that were withdrawn.
    async fn tidy(&self, keep_withdrawn: Duration, stop: &CancellationToken) {
        let mut tick = tokio::time::interval(TIDIED_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            if let Err(error) = self.drop_files().await {
                tracing::warn!(%error, "old files could not be dropped");
            }
            match self.store.remove_withdrawn(keep_withdrawn).await {
                Ok(0) => {}
                Ok(surveys) => tracing::info!(surveys, "withdrawn surveys were removed for good"),
                Err(error) => tracing::warn!(%error, "withdrawn surveys could not be removed"),
            }
        }
    }

    async fn work_on(self: &Arc<Self>, lane: Lane, working: &Working, stop: &CancellationToken) {
        let (mut news, mut survived) = (self.news(), Vec::<String>::new());
        while !stop.is_cancelled() {
            let claimed = self.store.claim(lane, &working.node, working.lease).await;
            // The database answers again: this node did not die with the jobs that it could not give back.
            if claimed.is_ok() {
                for job in std::mem::take(&mut survived) {
                    if let Err(error) = self.store.survived(&job, &working.node).await {
                        tracing::warn!(%error, "a job was lost to the database, and that could not be told");
                    }
                }
            }
            self.untold.note(Waiting::Lane(lane), matches!(claimed, Err(StoreError::NoRoom(_))));
            match claimed {
                Ok(Some((job, held))) => survived.extend(self.carry_out(working, job, &held, stop).await),
                claimed => {
                    if let Err(error) = claimed {
                        tracing::warn!(%error, "no job could be claimed");
                    }
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = news.heard() => {}
                    }
                }
            }
        }
    }

    /// Answers the job where it was lost: the lease ran out while this node lives.
    async fn carry_out(self: &Arc<Self>, working: &Working, job: Job, held: &Held, stop: &CancellationToken) -> Option<String> {
        tracing::info!(job = job.id, kind = job.kind.word(), attempt = job.attempts, "claimed");
        self.untold.note(Waiting::Job(job.id.clone()), false);
        if job.attempts > ATTEMPTS {
            tracing::error!(job = job.id, error = job.error.as_deref().unwrap_or("its nodes died"), "given up after {ATTEMPTS} attempts");
            self.end_as(held, &Failure::Broken).await;
            return None;
        }
        if job.lost >= DEATHS {
            tracing::error!(job = job.id, "given up: {DEATHS} nodes died with it");
            self.end_as(held, &Failure::node_died(job.lost, job.lost_by.as_deref())).await;
            return None;
        }
        let scope = match asked_by(&job) {
            Ok(scope) => scope,
            Err(error) => {
                tracing::error!(job = job.id, %error, "given up");
                self.end_as(held, &Failure::Broken).await;
                return None;
            }
        };
        let (report, progress) = watch::channel(Progress::NONE);
        let mut heartbeat = JoinSet::new();
        heartbeat.spawn(Arc::clone(self).keep(held.clone(), working.lease, progress));
        let too_long = async {
            stop.cancelled().await;
            tokio::time::sleep(working.finish_within).await;
        };
        let tell = |progress| {
            report.send_replace(progress);
        };
        let came = tokio::select! {
            // First, because the heartbeat also ends when the work has just ended the job.
            biased;
            came = Box::pin(self.carry_out_kind(Claimed { job: &job, held, scope, report: &tell })) => Some(came),
            _ = heartbeat.join_next() => Some(Err(StoreError::LeaseLost(held.job.clone()).into())),
            () = too_long => None,
        };
        // What is given back must not be renewed any more.
        heartbeat.shutdown().await;
        let Some(came) = came else {
            tracing::info!(job = job.id, "handed over");
            return self.give_back(held, Duration::ZERO, None).await;
        };
        let last = *report.borrow();
        self.conclude(working, &job, held, came, last).await
    }

    async fn carry_out_kind(&self, claimed: Claimed<'_>) -> Result<Came, ServiceError> {
        match claimed.job.kind {
            JobKind::SurveyImport => self.carry_out_survey_import(claimed).await,
            JobKind::LayerImport => self.carry_out_layer_import(claimed).await,
            JobKind::Reclassification => self.carry_out_reclassification(claimed).await,
            JobKind::Export => self.carry_out_export(claimed).await,
        }
    }

    async fn conclude(&self, working: &Working, job: &Job, held: &Held, came: Result<Came, ServiceError>, last: Progress) -> Option<String> {
        match came {
            Ok(Came::Committed) => {}
            Ok(Came::To(outcome)) => self.settle(held, outcome).await,
            Ok(Came::ToFile(outcome, file)) => self.settle_with(working, held, outcome, file, last).await,
            Err(ServiceError::Store(StoreError::LeaseLost(_))) => {
                tracing::warn!(job = job.id, "no longer held: it was cancelled, or the lease ran out and another node took the job; nothing was stored here");
                return Some(held.job.clone());
            }
            Err(error) if error.is_no_room() => self.postpone(working, held, &error.to_string()).await,
            Err(error) => {
                tracing::info!(job = job.id, kind = job.kind.word(), %error, "not done");
                match Failure::of(&error) {
                    Some(failure) => {
                        // How far it came is told whether the heartbeat was quick enough or not.
                        _ = self.store.renew(held, working.lease, last).await;
                        self.end_as(held, &failure).await;
                    }
                    None => return self.give_back(held, working.lease, Some(&error.to_string())).await,
                }
            }
        }
        None
    }

    /// Fetches the file that a job is about to this node's disk.
    pub(crate) async fn fetch(&self, job: &Job) -> Result<tempfile::NamedTempFile, ServiceError> {
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

    /// Renews the lease and tells how far the job is, until the lease is lost or the job cancelled. While the database is away no other node can claim the job either.
    async fn keep(self: Arc<Self>, held: Held, lease: Duration, progress: watch::Receiver<Progress>) {
        let mut tick = tokio::time::interval(TOLD_EVERY.min(lease / 3));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tick.tick().await;
        let (mut told, mut renewed) = (Progress::NONE, tokio::time::Instant::now());
        loop {
            tick.tick().await;
            let now = *progress.borrow();
            let is_due = now != told || renewed.elapsed() >= lease / 3;
            // Between renewals it is only looked whether the job was cancelled.
            let kept = if is_due { self.store.renew(&held, lease, now).await } else { self.store.holds(&held).await };
            match kept {
                Ok(true) if is_due => (told, renewed) = (now, tokio::time::Instant::now()),
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(job = held.job, %error, "the lease could not be renewed"),
            }
        }
    }

    async fn end_as(&self, held: &Held, failure: &Failure) {
        match failure.outcome() {
            Ok(outcome) => self.settle(held, outcome).await,
            Err(error) => tracing::error!(job = held.job, %error, "a failure could not be written down"),
        }
    }

    /// Where the store cannot be told, the lease runs out and the job is claimed again.
    async fn settle(&self, held: &Held, outcome: JobOutcome) {
        if let Err(error) = self.store.settle(held, outcome, &mut tokio::io::empty()).await {
            tracing::warn!(job = held.job, %error, "the end of a job could not be told");
        }
    }

    /// Likewise; where the database fails while the file goes there, another attempt may fare better.
    async fn settle_with(&self, working: &Working, held: &Held, outcome: JobOutcome, file: File, last: Progress) {
        let settled = async {
            // The lease is renewed, and what is told last is true.
            self.store.renew(held, working.lease, last).await?;
            self.store.settle(held, outcome, &mut tokio::fs::File::from_std(file)).await
        };
        match settled.await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(job = held.job, "no longer held: another node took the job; the file made here is thrown away"),
            Err(error @ StoreError::NoRoom(_)) => self.postpone(working, held, &error.to_string()).await,
            Err(error) => _ = self.give_back(held, working.lease, Some(&error.to_string())).await,
        }
    }

    /// Gives a job back until there is room. The same disk may have no room for that either: it is tried until it has, or the lease has run out and another
    /// claim of the job finds it.
    async fn postpone(&self, working: &Working, held: &Held, why: &str) {
        tracing::warn!(job = held.job, why, "waits for room");
        let until = tokio::time::Instant::now() + working.lease;
        while let Err(error) = self.store.postpone(held, working.lease, why).await {
            self.untold.note(Waiting::Job(held.job.clone()), true);
            if !matches!(error, StoreError::NoRoom(_)) || tokio::time::Instant::now() >= until {
                tracing::warn!(job = held.job, %error, "a job could not be given back");
                return;
            }
            tokio::time::sleep(TOLD_EVERY).await;
        }
        self.untold.note(Waiting::Job(held.job.clone()), false);
    }

    /// Where the store cannot be told, the lease runs out and the job is claimed again; then it is answered.
    async fn give_back(&self, held: &Held, pause: Duration, error: Option<&str>) -> Option<String> {
        let Err(error) = self.store.release(held, pause, error).await else { return None };
        tracing::warn!(job = held.job, %error, "a job could not be given back");
        Some(held.job.clone())
    }
}
