//! Imports under way: by polling, and as server-sent events.

use super::{Desk, Problem, answers::SurveyAnswer, query::Path};
use crate::monitor::jobs::{Job, Stage};
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
    pub state: &'static str,
    stage: Stage,
    done: u64,
    total: Option<u64>,
    survey: Option<SurveyAnswer>,
    problem: Option<Problem>,
}

impl From<&Job> for JobAnswer {
    fn from(job: &Job) -> Self {
        let (state, survey, problem) = match &job.outcome {
            None => ("running", None, None),
            Some(Ok(imported)) => ("done", Some(imported.survey.clone().into()), None),
            Some(Err(error)) => ("failed", None, Some(Problem::of(error))),
        };
        Self { id: job.id.clone(), state, stage: job.progress.stage, done: job.progress.done, total: job.progress.total, survey, problem }
    }
}

/// How far an import is.
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "surveys", params(("id" = String, Path)), responses((status = OK, body = JobAnswer), (status = NOT_FOUND, body = Problem)))]
pub async fn job(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Json<JobAnswer>, Problem> {
    let job = desk.monitor.jobs().find(&id).ok_or_else(|| Problem::not_found("任务", &id))?;
    let answer = JobAnswer::from(&*job.borrow());
    Ok(Json(answer))
}

/// The same as it changes: `progress` while it runs, then one `done` or `failed`.
#[utoipa::path(get, path = "/api/jobs/{id}/events", tag = "surveys", params(("id" = String, Path)), responses((status = OK, content_type = "text/event-stream", body = String), (status = NOT_FOUND, body = Problem)))]
pub async fn events(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let mut job = desk.monitor.jobs().find(&id).ok_or_else(|| Problem::not_found("任务", &id))?;
    let events = async_stream::stream! {
        loop {
            let answer = JobAnswer::from(&*job.borrow_and_update());
            let name = if answer.state == "running" { "progress" } else { answer.state };
            yield Ok(Event::default().event(name).json_data(&answer).unwrap_or_else(|_| Event::default().event("failed")));
            if answer.state != "running" || job.changed().await.is_err() {
                break;
            }
        }
    };
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
