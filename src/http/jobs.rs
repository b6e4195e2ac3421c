//! Imports under way: by polling, and as server-sent events; whichever node carries them out.

use super::{Desk, Problem, answers::SurveyAnswer, query::Path};
use crate::land::{JobState, Stage};
use crate::monitor::jobs::JobSeen;
use axum::{
    Json,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::Stream;
use serde::Serialize;
use std::convert::Infallible;
use utoipa::ToSchema;

/// An import as it is answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobAnswer {
    /// Its number.
    pub id: String,
    /// `running`, `done` or `failed`.
    pub state: JobState,
    stage: Stage,
    done: u64,
    total: Option<u64>,
    survey: Option<SurveyAnswer>,
    problem: Option<Problem>,
}

impl From<JobSeen> for JobAnswer {
    fn from(job: JobSeen) -> Self {
        let (survey, problem) = match job.outcome {
            None => (None, None),
            Some(Ok(imported)) => (Some(imported.survey.into()), None),
            Some(Err(error)) => (None, Some(Problem::of(&error))),
        };
        Self { id: job.id, state: job.state, stage: job.progress.stage, done: job.progress.done, total: job.progress.total, survey, problem }
    }
}

/// The last imports.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobList {
    jobs: Vec<JobAnswer>,
}

/// Jobs listed.
const LISTED: u32 = 100;

/// The last hundred imports, newest first.
#[utoipa::path(get, path = "/api/jobs", tag = "surveys", responses((status = OK, body = JobList)))]
pub async fn jobs(State(desk): State<Desk>) -> Result<Json<JobList>, Problem> {
    Ok(Json(JobList { jobs: desk.monitor.jobs(LISTED).await?.into_iter().map(Into::into).collect() }))
}

/// How far an import is.
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "surveys", params(("id" = String, Path)), responses((status = OK, body = JobAnswer), (status = NOT_FOUND, body = Problem)))]
pub async fn job(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Json<JobAnswer>, Problem> {
    Ok(Json(desk.monitor.job(&id).await?.into()))
}

/// The same as it changes: `progress` while it runs, then one `done` or `failed`.
#[utoipa::path(get, path = "/api/jobs/{id}/events", tag = "surveys", params(("id" = String, Path)), responses((status = OK, content_type = "text/event-stream", body = String), (status = NOT_FOUND, body = Problem)))]
pub async fn events(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let mut news = desk.monitor.news();
    let mut job = desk.monitor.job(&id).await?;
    let events = async_stream::stream! {
        let mut told = None;
        loop {
            if told != Some(job.progress) || job.outcome.is_some() {
                told = Some(job.progress);
                let answer = JobAnswer::from(job);
                let name = if answer.state == JobState::Running { "progress" } else { answer.state.word() };
                yield Ok(Event::default().event(name).json_data(&answer).unwrap_or_else(|_| Event::default().event("failed")));
                if answer.state != JobState::Running {
                    break;
                }
            }
            news.heard().await;
            match desk.monitor.job(&id).await {
                Ok(now) => job = now,
                // The stream ends without an end of the job: whoever listens goes on by asking.
                Err(_) => break,
            }
        }
    };
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
