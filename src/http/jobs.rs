//! Jobs: by polling, and as server-sent events; whichever node carries them out.

use super::{
    Desk, Problem,
    answers::{LayerAnswer, LayerTaken, SurveyAnswer},
    attachment::attachment,
    query::Path,
    timestamp,
};
use crate::scope::Scope;
use crate::service::jobs::{JobFile, News};
use crate::service::{
    ServiceError,
    jobs::{Done, JobSeen},
};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::Stream;
use serde::Serialize;
use std::convert::Infallible;
use tuban_engine::model::{JobKind, JobState, Stage, Words};
use utoipa::ToSchema;

/// A job as it is answered.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobAnswer {
    /// Its number.
    pub id: String,
    /// What it does.
    kind: JobKind,
    /// `running`, `done` or `failed`.
    pub state: JobState,
    stage: Stage,
    done: u64,
    total: Option<u64>,
    /// Who carries it out, or did; null before the first claim.
    node: Option<String>,
    /// How often it was begun and not handed over in good order.
    attempts: u64,
    /// Why the last attempt ended early.
    error: Option<String>,
    queued_at: String,
    /// When the last attempt began.
    started_at: Option<String>,
    ended_at: Option<String>,
    survey: Option<SurveyAnswer>,
    layer: Option<LayerTaken>,
    file: Option<FileAnswer>,
    problem: Option<Problem>,
}

/// A file that a job made.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = JobFile)]
pub struct FileAnswer {
    name: String,
    media_type: String,
    bytes: u64,
    features: u64,
    /// Where it is fetched.
    url: String,
}

impl FileAnswer {
    fn of(job: &str, JobFile { name, media_type, bytes, features, .. }: JobFile) -> Self {
        Self { name, media_type, bytes, features, url: format!("/api/jobs/{job}/file") }
    }
}

impl From<JobSeen> for JobAnswer {
    fn from(JobSeen { job, outcome }: JobSeen) -> Self {
        let (mut survey, mut layer, mut file, mut problem) = (None, None, None, None);
        match outcome {
            None => {}
            Some(Ok(Done::Survey(imported))) => survey = Some(imported.survey.into()),
            Some(Ok(Done::Layer { layer: taken, in_force, rejects })) => layer = Some(LayerTaken::new(LayerAnswer::new(*taken, in_force), rejects)),
            Some(Ok(Done::File(made))) => file = Some(FileAnswer::of(&job.id, made)),
            Some(Err(error)) => problem = Some(Problem::of(&error)),
        }
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state,
            stage: job.progress.stage,
            done: job.progress.done,
            total: job.progress.total,
            node: job.node,
            attempts: job.attempts,
            error: job.error,
            queued_at: timestamp(job.created_ms),
            started_at: job.started_ms.map(timestamp),
            ended_at: job.ended_ms.map(timestamp),
            survey,
            layer,
            file,
            problem,
        }
    }
}

/// The last jobs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Jobs)]
pub struct JobList {
    jobs: Vec<JobAnswer>,
}

/// Jobs listed.
const LISTED: u32 = 100;

/// The last hundred jobs, newest first.
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", responses((status = OK, body = JobList)))]
pub async fn jobs(State(desk): State<Desk>, scope: Scope) -> Result<Json<JobList>, Problem> {
    Ok(Json(JobList { jobs: desk.service.jobs(&scope, LISTED).await?.into_iter().map(Into::into).collect() }))
}

/// How far a job is.
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "jobs", params(("id" = String, Path)), responses((status = OK, body = JobAnswer), (status = NOT_FOUND, body = Problem)))]
pub async fn job(State(desk): State<Desk>, scope: Scope, Path(id): Path<String>) -> Result<Json<JobAnswer>, Problem> {
    Ok(Json(desk.service.job(&scope, &id).await?.into()))
}

/// Cancels a job, queued or under way on any node: nothing of it is stored. One that was cancelled before is answered as it is.
#[utoipa::path(delete, path = "/api/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = OK, body = JobAnswer), (status = NOT_FOUND, body = Problem), (status = CONFLICT, description = "the job is over: `job_over`", body = Problem)))]
pub async fn cancel(State(desk): State<Desk>, scope: Scope, Path(id): Path<String>) -> Result<Json<JobAnswer>, Problem> {
    Ok(Json(desk.service.cancel(&scope, &id).await?.into()))
}

/// A job as it changes, as server-sent events: `progress` while it runs, then one `done` or `failed`.
#[utoipa::path(get, path = "/api/jobs/{id}/events", tag = "jobs", params(("id" = String, Path)), responses((status = OK, content_type = "text/event-stream", body = String), (status = NOT_FOUND, body = Problem)))]
pub async fn events(State(desk): State<Desk>, scope: Scope, Path(id): Path<String>) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let mut news = desk.service.news();
    let mut answer = JobAnswer::from(desk.service.job(&scope, &id).await?);
    let events = async_stream::stream! {
        loop {
            let name = if answer.state == JobState::Running { "progress" } else { answer.state.word() };
            yield Ok(Event::default().event(name).json_data(&answer).unwrap_or_else(|_| Event::default().event("failed")));
            if answer.state != JobState::Running {
                break;
            }
            let change = tokio::select! {
                change = changed(&desk, &scope, &id, &mut news, &answer) => change.ok(),
                () = desk.life.stopping() => None,
            };
            // Without one the stream ends without an end of the job: a listener goes on by polling.
            let Some(now) = change else { break };
            answer = now;
        }
    };
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// The file that a job made, from whichever node is asked.
#[utoipa::path(get, path = "/api/jobs/{id}/file", tag = "jobs", params(("id" = String, Path)),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = NOT_MODIFIED), (status = NOT_FOUND, body = Problem), (status = CONFLICT, description = "the job failed with this problem, as with each of 409, 410, 415 and 422", body = Problem),
        (status = GONE, body = Problem), (status = UNSUPPORTED_MEDIA_TYPE, body = Problem), (status = UNPROCESSABLE_ENTITY, body = Problem)))]
pub async fn file(State(desk): State<Desk>, scope: Scope, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let JobFile { name, media_type, bytes, sha256, .. } = match desk.service.job(&scope, &id).await?.outcome {
        Some(Ok(Done::File(made))) => made,
        Some(Err(error)) => return Err(error.into()),
        Some(Ok(Done::Survey(_) | Done::Layer { .. })) => return Err(Problem::not_found(["任务文件", "file of job"], &id)),
        None => {
            let words = Words::new("任务还没有完成，文件尚未写好", "the job is not done yet, so there is no file");
            return Err(Problem::new(StatusCode::NOT_FOUND, "not_done", words));
        }
    };
    let etag = format!("\"{sha256}\"");
    let tagged = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, tagged).into_response());
    }
    let chunks = async_stream::try_stream! {
        let (mut left, mut number) = (bytes, 0);
        while left > 0 {
            // Dropped while it is read: the answer ends short of its length, which cannot be taken for the whole.
            let chunk = desk.service.file_chunk(&scope, &id, number).await.map_err(std::io::Error::other)?.ok_or(std::io::ErrorKind::UnexpectedEof)?;
            left = left.saturating_sub(chunk.len() as u64);
            number += 1;
            yield Bytes::from(chunk);
        }
    };
    Ok((tagged, attachment(&name, &media_type, bytes, chunks)?).into_response())
}

/// The answer to what was queued as a job: where it is looked at, and how it is now.
pub(super) async fn accepted(desk: &Desk, scope: &Scope, job: &str) -> Result<Response, Problem> {
    let answer = JobAnswer::from(desk.service.job(scope, job).await?);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/api/jobs/{job}"))], Json(answer)).into_response())
}

/// Answers for a job that somebody waits for: with `answer` when it is done; with the job, as it is, when this node is asked to stop before that. The job goes on
/// without it; so it does where it waits for room on a disk.
pub(super) async fn answered(
    desk: &Desk,
    scope: &Scope,
    job: &str,
    ended: impl Future<Output = Result<Done, ServiceError>>,
    answer: impl FnOnce(Done) -> Option<Response>,
) -> Result<Response, Problem> {
    let ended = tokio::select! {
        ended = ended => match ended {
            Err(ServiceError::WaitsForRoom(_)) => return accepted(desk, scope, job).await,
            ended => ended?,
        },
        () = desk.life.stopping() => return accepted(desk, scope, job).await,
    };
    answer(ended).ok_or_else(|| Problem::internal(&format!("job {job} came to something else")))
}

/// 202 with `Preference-Applied: respond-async` (RFC 7240).
pub(super) async fn accepted_as_preferred(desk: &Desk, scope: &Scope, job: &str) -> Result<Response, Problem> {
    let mut accepted = accepted(desk, scope, job).await?;
    accepted.headers_mut().insert("preference-applied", HeaderValue::from_static("respond-async"));
    Ok(accepted)
}

/// Whether the sender would rather be answered at once than with what the job comes to: RFC 7240.
pub(super) fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case("respond-async"))
}

/// Waits until a job is not any more as it was.
async fn changed(desk: &Desk, scope: &Scope, id: &str, news: &mut News, before: &JobAnswer) -> Result<JobAnswer, ServiceError> {
    loop {
        news.heard().await;
        let now = JobAnswer::from(desk.service.job(scope, id).await?);
        if now != *before {
            return Ok(now);
        }
    }
}
