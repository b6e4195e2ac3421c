//! Surveys: taken in, listed, and what was refused of them.

use super::{
    Client, Desk, Problem,
    answers::SurveyAnswer,
    corrections::Corrections,
    jobs::JobAnswer,
    query::{Path, Query, query},
    upload::Arrived,
    values::{Limit, LoseVerdicts, Yes},
    withdrawal::{self, WithdrawnSurveys},
};
use crate::scope::Scope;
use crate::service::{jobs::Done, surveys::import::SurveyFile};
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::borrow::Cow;
use tuban_engine::model::{Level, OnConflict, Period, Reject};
use utoipa::openapi::{Ref, RefOr, Schema, schema::AnyOfBuilder};
use utoipa::{PartialSchema, ToSchema};

/// All surveys.
#[derive(Debug, Serialize, ToSchema)]
pub struct Surveys {
    surveys: Vec<SurveyAnswer>,
}

/// Surveys that count, or those that do not count any more.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum SurveyList {
    /// Those that count.
    Counted(Surveys),
    /// Those that do not.
    Withdrawn(WithdrawnSurveys),
}

/// An empty list is both, which `oneOf`, as utoipa would have it, does not allow.
impl PartialSchema for SurveyList {
    fn schema() -> RefOr<Schema> {
        let of = |name: Cow<'_, str>| Ref::from_schema_name(name);
        AnyOfBuilder::new().item(of(Surveys::name())).item(of(WithdrawnSurveys::name())).into()
    }
}

impl ToSchema for SurveyList {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Surveys::name().into(), Surveys::schema()));
        Surveys::schemas(schemas);
        schemas.push((WithdrawnSurveys::name().into(), WithdrawnSurveys::schema()));
        WithdrawnSurveys::schemas(schemas);
    }
}

query! {
    /// Which surveys.
    #[derive(Debug)]
    pub struct SurveysQuery {
        /// `yes`: those that were withdrawn or replaced, and can be restored; each has `confirmed`, `withdrawn_at` and `event` besides.
        withdrawn: Option<Yes>,
    }
}

/// All surveys, newest period first; or those that do not count any more, the last one first.
#[utoipa::path(get, path = "/api/surveys", tag = "surveys", params(SurveysQuery), responses((status = OK, body = SurveyList)))]
pub async fn surveys(State(desk): State<Desk>, scope: Scope, Query(query): Query<SurveysQuery>) -> Result<Json<SurveyList>, Problem> {
    if query.withdrawn.is_some() {
        return Ok(Json(SurveyList::Withdrawn(withdrawal::withdrawn(&desk, &scope).await?)));
    }
    let surveys = desk.service.surveys(&scope).await?.into_iter().map(Into::into).collect();
    Ok(Json(SurveyList::Counted(Surveys { surveys })))
}

/// One survey.
#[utoipa::path(get, path = "/api/surveys/{id}", tag = "surveys", params(("id" = i64, Path)), responses((status = OK, body = SurveyAnswer), (status = NOT_FOUND, body = Problem)))]
pub async fn survey(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>) -> Result<Json<SurveyAnswer>, Problem> {
    Ok(Json(desk.service.survey(&scope, id).await?.into()))
}

query! {
    /// Where to go on.
    #[derive(Debug)]
    pub struct RejectsQuery {
        /// Only rows above this one.
        after: Option<u64>,
        /// At most so many, 1 to 1000; 100 where absent.
        limit: Option<Limit<100, 1000>>,
    }
}

/// Features refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rejects {
    rejects: Vec<Reject>,
    /// A relative URL to go on with, or null.
    next: Option<String>,
}

/// What was refused of a survey, by row.
#[utoipa::path(get, path = "/api/surveys/{id}/rejects", tag = "surveys", params(("id" = i64, Path), RejectsQuery), responses((status = OK, body = Rejects), (status = NOT_FOUND, body = Problem)))]
pub async fn rejects(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>, Query(query): Query<RejectsQuery>) -> Result<Json<Rejects>, Problem> {
    let after = query.after.unwrap_or(0);
    let limit = Limit::or_usual(query.limit);
    desk.service.survey(&scope, id).await?;
    let rejects = desk.service.rejects(&scope, id, after, limit).await?;
    let next = rejects.last().filter(|_| rejects.len() == limit as usize).map(|last| format!("/api/surveys/{id}/rejects?after={}&limit={limit}", last.row));
    Ok(Json(Rejects { rejects, next }))
}

query! {
    /// What the survey is.
    #[derive(Debug)]
    pub struct UploadQuery {
        /// What it is of: a month `2022-04`, a quarter `2022-Q2` or a year `2022`.
        period: Period,
        /// `ministry`, `province` or `city`.
        level: Level,
        /// Name of the file.
        name: Option<String>,
        /// What to do when the period and level has a survey: `reject` (default), `replace` or `add`.
        on_conflict: Option<OnConflict>,
        /// `drop` where a replacement may lose confirmed verdicts of patches that it leaves out or that have another outline; else that is asked (409 `verdicts_would_go`).
        verdicts: Option<LoseVerdicts>,
        /// `yes` where patches may be stored that another survey holds with the same ids and outlines; else that is asked (409 `sent_before`).
        again: Option<Yes>,
        /// The token of a file that `POST /api/inspect` keeps; then nothing is sent.
        from: Option<String>,
    }
}

/// Takes a survey in: the file as raw body or as part `file` of a form, or one that was looked at and waits. Answers when done, or at once with `Prefer: respond-async`.
#[utoipa::path(post, path = "/api/surveys", tag = "surveys", params(UploadQuery, Corrections), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = CREATED, body = SurveyAnswer), (status = OK, description = "the very same file was stored before", body = SurveyAnswer), (status = ACCEPTED, body = JobAnswer),
        (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem), (status = GONE, description = "the job was cancelled", body = Problem), (status = PAYLOAD_TOO_LARGE, body = Problem),
        (status = UNPROCESSABLE_ENTITY, body = Problem), (status = TOO_MANY_REQUESTS, body = Problem)))]
pub async fn upload(
    State(desk): State<Desk>,
    scope: Scope,
    client: Client,
    Query(query): Query<UploadQuery>,
    Query(corrections): Query<Corrections>,
    request: Request,
) -> Result<Response, Problem> {
    let (stated, map) = corrections.said();
    let arrived = Arrived::take(&desk, client, query.from, request).await?;
    let spooled = &arrived.file;
    let file = SurveyFile {
        name: query.name.or_else(|| spooled.name.clone()).unwrap_or_else(|| "survey.geojson".to_owned()),
        period: query.period,
        level: query.level,
        stated,
        map,
        on_conflict: query.on_conflict.unwrap_or(OnConflict::Reject),
        drop_verdicts: query.verdicts.is_some(),
        again: query.again.is_some(),
        sha256: Some(spooled.sha256.clone()),
        path: spooled.path().to_owned(),
    };
    let job = desk.service.queue_survey_import(&scope, &file, &desk.quota(client)).await?;
    arrived.answer(&desk, &scope, &job, answer).await
}

/// The answer for a survey that a job was for.
pub(super) fn answer(done: Done) -> Option<Response> {
    let Done::Survey(imported) = done else { return None };
    let (status, location) = (if imported.was_there { StatusCode::OK } else { StatusCode::CREATED }, format!("/api/surveys/{}", imported.survey.id));
    Some((status, [(header::LOCATION, location)], Json(SurveyAnswer::from(imported.survey))).into_response())
}
