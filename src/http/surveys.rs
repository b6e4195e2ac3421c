//! Surveys and what was refused of them.

use super::{
    Desk, Problem,
    answers::SurveyAnswer,
    query::{self, Path, Query},
};
use crate::land::Reject;
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// All surveys.
#[derive(Debug, Serialize, ToSchema)]
pub struct Surveys {
    surveys: Vec<SurveyAnswer>,
}

/// All surveys, newest period first.
#[utoipa::path(get, path = "/api/surveys", tag = "surveys", responses((status = OK, body = Surveys)))]
pub async fn surveys(State(desk): State<Desk>) -> Result<Json<Surveys>, Problem> {
    Ok(Json(Surveys { surveys: desk.monitor.store().surveys().await?.into_iter().map(Into::into).collect() }))
}

/// One survey.
#[utoipa::path(get, path = "/api/surveys/{id}", tag = "surveys", params(("id" = i64, Path)), responses((status = OK, body = SurveyAnswer), (status = NOT_FOUND, body = Problem)))]
pub async fn survey(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<Json<SurveyAnswer>, Problem> {
    Ok(Json(desk.monitor.store().survey(id).await?.into()))
}

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RejectsQuery {
    /// Only rows above this one.
    after: Option<String>,
    /// At most so many, 1 to 1000; 100 where absent.
    limit: Option<String>,
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
pub async fn rejects(State(desk): State<Desk>, Path(id): Path<i64>, Query(query): Query<RejectsQuery>) -> Result<Json<Rejects>, Problem> {
    let after = query::read_if::<u64>("after", query.after.as_deref())?.unwrap_or(0);
    let limit = query::read_if::<u32>("limit", query.limit.as_deref())?.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(Problem::parameter("limit", "1 to 1000"));
    }
    let store = desk.monitor.store();
    store.survey(id).await?;
    let rejects = store.rejects(id, after, limit).await?;
    let next = rejects.last().filter(|_| rejects.len() == limit as usize).map(|last| format!("/api/surveys/{id}/rejects?after={}&limit={limit}", last.row));
    Ok(Json(Rejects { rejects, next }))
}
