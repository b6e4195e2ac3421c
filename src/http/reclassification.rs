//! What the findings of a survey rest on, and making them anew.

use super::{
    Desk, Problem,
    answers::SurveyAnswer,
    jobs::{self, JobAnswer},
    query::Path,
    surveys::answer,
};
use crate::land::LayerUsed;
use crate::monitor::reclassification::Basis;
use axum::{Json, extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What the findings of a survey rest on.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProvenanceAnswer {
    layers: Vec<LayerUsed>,
    rule: String,
    /// Whether those are the layers in force and the rule now; else the survey may be judged anew.
    in_force: bool,
}

/// What the findings of a survey rest on.
#[utoipa::path(get, path = "/api/surveys/{id}/provenance", tag = "surveys", params(("id" = i64, Path)), responses((status = OK, body = ProvenanceAnswer), (status = NOT_FOUND, body = Problem)))]
pub async fn provenance(State(desk): State<Desk>, Path(id): Path<i64>) -> Result<Json<ProvenanceAnswer>, Problem> {
    let Basis { provenance, in_force } = desk.monitor.basis(id).await?;
    Ok(Json(ProvenanceAnswer { layers: provenance.layers, rule: provenance.rule, in_force }))
}

/// Makes the findings of a survey anew, against the layers in force and the rule now. Answers when done, or at once with `Prefer: respond-async`.
#[utoipa::path(post, path = "/api/surveys/{id}/reclassification", tag = "surveys", params(("id" = i64, Path)),
    responses((status = OK, body = SurveyAnswer), (status = ACCEPTED, body = JobAnswer), (status = NOT_FOUND, body = Problem), (status = UNPROCESSABLE_ENTITY, body = Problem)))]
pub async fn reclassify(State(desk): State<Desk>, Path(id): Path<i64>, headers: HeaderMap) -> Result<Response, Problem> {
    let job = desk.monitor.queue_reclassification(id).await?;
    if jobs::prefers_async(&headers) {
        return jobs::accepted_as_preferred(&desk, &job).await;
    }
    let done = desk.monitor.ended(&job).await?;
    answer(done).ok_or_else(|| Problem::internal(&format!("job {job} came to something else")))
}
