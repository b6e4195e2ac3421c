//! Jobs: queued for whichever node takes them up, looked at from any.
//!
//! What came of a job is kept with it: a survey, a file, or why there is none, in a form from which every node gives the same answer.

pub(crate) mod untold;
pub mod work;

use crate::scope::Scope;
use crate::service::{Refusal, RefusalKind, Service, ServiceError, error::for_all_only};
use crate::store::{Job, JobOutcome, NewJob, StoreError, Thing};
pub use crate::store::{JobFile, News, Quota};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tuban_engine::model::{JobKind, Layer, Level, Period, Reject, Stage, Survey, Words};

/// A survey in the store after an import.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The survey.
    pub survey: Survey,
    /// True when the very same file was already there, so that nothing was stored.
    pub was_there: bool,
}

/// What a job was for, and is there now.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// A survey.
    Survey(Box<Imported>),
    /// A layer.
    Layer {
        /// The layer.
        layer: Box<Layer>,
        /// Whether it is in force today.
        in_force: bool,
        /// The first features refused.
        rejects: Vec<Reject>,
    },
    /// A file.
    File(JobFile),
}

/// A job, as people see it.
#[derive(Debug)]
pub struct JobSeen {
    /// The job.
    pub job: Job,
    /// What came of it, once it is over; of a survey that has been replaced since, a layer that was removed or a file that was dropped, that it is not there.
    pub outcome: Option<Result<Done, ServiceError>>,
}

/// Why a job ended without what it was for, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Failure {
    /// It cannot be done.
    Refused(Box<Refusal>),
    /// What it is about is not there.
    NotFound {
        /// The kind of thing.
        what: Thing,
        /// The key it was looked for with.
        key: String,
    },
    /// That period and level already has a survey.
    Conflict {
        /// The period.
        period: Period,
        /// The level.
        level: Level,
        /// Its survey's number.
        existing: i64,
    },
    /// A defect of ours, or of the disk; the log of the node that met it tells more, under the job's id.
    Broken,
}

impl Failure {
    /// What is final of an error; `None` where another attempt may fare better.
    pub(super) fn of(error: &ServiceError) -> Option<Self> {
        match error {
            ServiceError::Refused(refusal) => Some(Self::Refused(refusal.clone())),
            ServiceError::Store(StoreError::NotFound { what, key }) => Some(Self::NotFound { what: *what, key: key.clone() }),
            ServiceError::Store(StoreError::Conflict { period, level, existing }) => {
                Some(Self::Conflict { period: *period, level: *level, existing: *existing })
            }
            ServiceError::Store(StoreError::Damaged(_) | StoreError::Database(_) | StoreError::PeriodTaken { .. })
            | ServiceError::LateCrs(_)
            | ServiceError::Holders(_)
            | ServiceError::Broken(_)
            | ServiceError::FailedJob(_) => Some(Self::Broken),
            ServiceError::Store(_) | ServiceError::Io(_) | ServiceError::WaitsForRoom(_) => None,
        }
    }

    /// A node died with the job so often that it will not be tried again; `node` was the last one.
    pub(super) fn node_died(lost: u64, node: Option<&str>) -> Self {
        let node = node.unwrap_or("?");
        let words = Words::new(
            format!(
                "执行这个任务的节点已有 {lost} 次中途停止（最近一次是 {node}），不再重试；文件可能超出了节点的内存，请拆分后重新上传，或请管理员查看该节点的日志"
            ),
            format!(
                "a node stopped {lost} times while it carried this job out (the last one was {node}), so it is not tried again; the file may need more memory than a node has: split it, or have the log of that node looked at"
            ),
        );
        Self::Refused(Box::new(Refusal::new(RefusalKind::Unacceptable, "node_died", words)))
    }

    /// Somebody cancelled it.
    fn cancelled() -> Self {
        let words = Words::new("任务已取消，没有保存任何内容", "the job was cancelled; nothing of it was stored");
        Self::Refused(Box::new(Refusal::new(RefusalKind::Gone, CANCELLED, words)))
    }

    /// As it is kept.
    pub(super) fn outcome(&self) -> Result<JobOutcome, ServiceError> {
        let kept = serde_json::to_string(self).map_err(|error| ServiceError::Broken(error.to_string()))?;
        Ok(JobOutcome::Failure(kept))
    }

    fn into_error(self, job: &str) -> ServiceError {
        match self {
            Self::Refused(refusal) => ServiceError::Refused(refusal),
            Self::NotFound { what, key } => StoreError::NotFound { what, key }.into(),
            Self::Conflict { period, level, existing } => StoreError::Conflict { period, level, existing }.into(),
            Self::Broken => ServiceError::FailedJob(job.to_owned()),
        }
    }
}

/// The code of the problem that a cancelled job ends with.
const CANCELLED: &str = "job_cancelled";

impl Service {
    /// Queues a job with these parameters and the file it is about (empty where it is about none); answers its id. It keeps the scope of who asks, and is seen by that scope
    /// and by *all*.
    pub(super) async fn queue(
        &self,
        scope: &Scope,
        kind: JobKind,
        parameters: &impl Serialize,
        quota: &Quota,
        file: &mut (dyn AsyncRead + Send + Unpin),
    ) -> Result<String, ServiceError> {
        let parameters = asked(scope, parameters).map_err(|error| ServiceError::Broken(error.to_string()))?;
        let id = uuid::Uuid::now_v7().to_string();
        self.store.enqueue_within(NewJob { id: id.clone(), kind, parameters }, Some(quota), file).await?;
        Ok(id)
    }

    /// Cancels a job, queued or under way on whichever node; nothing of it is stored. A job that was cancelled before is answered as it is; one that is over has
    /// done what it was for, or failed, and that is no longer undone: it is a conflict.
    pub async fn cancel(&self, scope: &Scope, id: &str) -> Result<JobSeen, ServiceError> {
        self.own_job(scope, id).await?;
        let cancelled = self.store.cancel(id, Failure::cancelled().outcome()?).await?;
        let seen = self.job(scope, id).await?;
        match &seen.outcome {
            _ if cancelled => Ok(seen),
            Some(Err(ServiceError::Refused(refusal))) if refusal.code == CANCELLED => Ok(seen),
            _ => {
                let words = Words::new("任务已经结束，不能取消", "the job is over and can no longer be cancelled");
                Err(Refusal::new(RefusalKind::Conflict, "job_over", words).into())
            }
        }
    }

    /// A job as it is now; what another scope asked for is not there.
    pub async fn job(&self, scope: &Scope, id: &str) -> Result<JobSeen, ServiceError> {
        self.seen(scope, self.own_job(scope, id).await?).await
    }

    async fn own_job(&self, scope: &Scope, id: &str) -> Result<Job, StoreError> {
        let job = self.store.job(id).await?;
        let is_own = scope.is_all() || *scope == asked_by(&job)?;
        if is_own { Ok(job) } else { Err(StoreError::NotFound { what: Thing::Job, key: id.to_owned() }) }
    }

    /// The last jobs, newest first; for *all* only.
    pub async fn jobs(&self, scope: &Scope, limit: u32) -> Result<Vec<JobSeen>, ServiceError> {
        for_all_only(scope)?;
        let mut seen = Vec::new();
        for job in self.store.jobs(limit).await? {
            seen.push(self.seen(scope, job).await?);
        }
        Ok(seen)
    }

    /// Waits for the end of a job, whichever node carries it out; not for as long as it waits for room on a disk: [`ServiceError::WaitsForRoom`].
    pub async fn ended(&self, scope: &Scope, id: &str) -> Result<Done, ServiceError> {
        let mut news = self.news();
        loop {
            let JobSeen { job, outcome } = self.job(scope, id).await?;
            let waits = job.progress.stage == Stage::WaitingForRoom || self.untold.has(job.kind.lane(), id);
            if outcome.is_none() && waits {
                return Err(ServiceError::WaitsForRoom(id.to_owned()));
            }
            if let Some(outcome) = outcome {
                // Who is told that a layer is there may use it with the next request.
                if let Ok(Done::Layer { .. }) = outcome {
                    self.refresh_atlas().await?;
                }
                return outcome;
            }
            news.heard().await;
        }
    }

    /// Refuses a client that may queue no more jobs, or a node that takes none.
    pub async fn may_queue(&self, quota: &Quota) -> Result<(), StoreError> {
        self.store.has_room(quota).await
    }

    /// The last jobs, so many; for *all* only.
    pub async fn last_jobs(&self, scope: &Scope, count: u32) -> Result<Vec<Job>, ServiceError> {
        for_all_only(scope)?;
        Ok(self.store.jobs(count).await?)
    }

    /// News of jobs, from now on.
    #[must_use]
    pub fn news(&self) -> News {
        self.store.news()
    }

    /// A part of the file that a job made, from 0; `None` behind its end.
    pub async fn file_chunk(&self, scope: &Scope, id: &str, number: u32) -> Result<Option<Vec<u8>>, ServiceError> {
        self.own_job(scope, id).await?;
        Ok(self.store.chunk(id, number).await?)
    }

    async fn seen(&self, scope: &Scope, mut job: Job) -> Result<JobSeen, ServiceError> {
        let outcome = match job.outcome.take() {
            None => None,
            Some(JobOutcome::Survey { id, was_there }) => match self.store.survey(scope, id).await {
                Err(error) if !matches!(error, StoreError::NotFound { .. }) => return Err(error.into()),
                survey => Some(survey.map(|survey| Done::Survey(Box::new(Imported { survey, was_there }))).map_err(ServiceError::from)),
            },
            Some(JobOutcome::Layer { id, rejects }) => {
                let found = self.layers().await?.into_iter().find(|(layer, _)| layer.id == id);
                let gone = || StoreError::NotFound { what: Thing::Layer, key: id.to_string() }.into();
                Some(found.map(|(layer, in_force)| Done::Layer { layer: Box::new(layer), in_force, rejects }).ok_or_else(gone))
            }
            Some(JobOutcome::File(file)) => Some(if job.file_bytes.is_some() { Ok(Done::File(file)) } else { Err(dropped(&file).into()) }),
            Some(JobOutcome::Failure(kept)) => {
                let failure: Failure = serde_json::from_str(&kept).map_err(|error| StoreError::Damaged(format!("failure of job {}: {error}", job.id)))?;
                Some(Err(failure.into_error(&job.id)))
            }
        };
        Ok(JobSeen { job, outcome })
    }
}

/// The parameters of a job as they are kept, with the scope of who asks: nothing of it for *all*.
fn asked(scope: &Scope, parameters: &impl Serialize) -> Result<String, serde_json::Error> {
    let Some(counties) = scope.kept() else { return serde_json::to_string(parameters) };
    let mut parameters = serde_json::to_value(parameters)?;
    parameters["counties"] = counties.into();
    Ok(parameters.to_string())
}

/// The scope of who asked for a job.
pub(super) fn asked_by(job: &Job) -> Result<Scope, StoreError> {
    let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(format!("scope of job {}: {error}", job.id));
    let Kept { counties } = serde_json::from_str(&job.parameters).map_err(|error| damaged(&error))?;
    Scope::of_job(counties.as_deref()).map_err(|error| damaged(&error))
}

/// What of a job's parameters says who asked for it.
#[derive(Deserialize)]
struct Kept {
    counties: Option<Vec<String>>,
}

/// The refusal of a file that is not kept any more.
fn dropped(file: &JobFile) -> Refusal {
    let words = Words::new(
        format!("文件“{}”已清理（保留一天，总量有上限），请重新导出", file.name),
        format!("the file “{}” was dropped (files are kept for a day, and up to a size in all); export again", file.name),
    );
    Refusal::new(RefusalKind::Gone, "file_dropped", words)
}
