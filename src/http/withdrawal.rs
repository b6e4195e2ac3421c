//! Surveys that are taken back, restored or moved, and what became of each.

use super::{
    Desk, Problem,
    answers::SurveyAnswer,
    query::{Path, Query, query},
    timestamp,
    values::{Reason, Remark},
};
use crate::scope::Scope;
use crate::service::surveys::reading::{SurveyHistory, Withdrawn};
use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use tuban_engine::model::{Decision, Event, Level, Period, SurveyEvent, Words};
use utoipa::ToSchema;

query! {
    /// By whom and why.
    #[derive(Debug)]
    pub struct DecisionQuery {
        /// Why.
        reason: Option<Remark>,
        /// Who.
        by: Option<Remark>,
    }
}

query! {
    /// Why, and by whom.
    #[derive(Debug)]
    pub struct ReasonedQuery {
        /// Why.
        reason: Reason,
        /// Who.
        by: Option<Remark>,
    }
}

impl From<DecisionQuery> for Decision {
    fn from(DecisionQuery { reason, by }: DecisionQuery) -> Self {
        Self { by: by.map(|by| by.0), reason: reason.map(|reason| reason.0) }
    }
}

impl From<ReasonedQuery> for Decision {
    fn from(ReasonedQuery { reason, by }: ReasonedQuery) -> Self {
        Self { by: by.map(|by| by.0), reason: Some(reason.0.0) }
    }
}

/// Something that became of a survey.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SurveyEvent)]
pub struct EventAnswer {
    at: String,
    event: Event,
    by: Option<String>,
    reason: Option<String>,
    /// What changed, by name.
    #[schema(value_type = Object)]
    details: Map<String, Value>,
}

impl From<SurveyEvent> for EventAnswer {
    fn from(SurveyEvent { at_ms, event, decision, details }: SurveyEvent) -> Self {
        Self { at: timestamp(at_ms), event, by: decision.by, reason: decision.reason, details }
    }
}

/// A survey that does not count any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WithdrawnSurvey)]
pub struct WithdrawnAnswer {
    #[serde(flatten)]
    survey: SurveyAnswer,
    /// Confirmed verdicts of its patches.
    confirmed: u64,
    withdrawn_at: Option<String>,
    /// Why it does not count: who withdrew it, or what took its place.
    event: Option<EventAnswer>,
}

impl From<Withdrawn> for WithdrawnAnswer {
    fn from(Withdrawn { survey, confirmed, event }: Withdrawn) -> Self {
        Self { confirmed, withdrawn_at: survey.withdrawn_ms.map(timestamp), event: event.map(Into::into), survey: survey.into() }
    }
}

/// Surveys that do not count any more.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawnSurveys {
    surveys: Vec<WithdrawnAnswer>,
}

/// Surveys that were withdrawn or replaced and can still be restored, the last one first.
pub(super) async fn withdrawn(desk: &Desk, scope: &Scope) -> Result<WithdrawnSurveys, Problem> {
    Ok(WithdrawnSurveys { surveys: desk.service.withdrawn(scope).await?.into_iter().map(Into::into).collect() })
}

/// Withdraws a survey: it does not count any more, and can be restored for a while.
#[utoipa::path(delete, path = "/api/surveys/{id}", tag = "surveys", params(("id" = i64, Path), ReasonedQuery),
    responses((status = NO_CONTENT), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem)))]
pub async fn withdraw(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>, Query(query): Query<ReasonedQuery>) -> Result<StatusCode, Problem> {
    desk.service.withdraw(&scope, id, &query.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a survey that was withdrawn or replaced.
#[utoipa::path(post, path = "/api/surveys/{id}/restore", tag = "surveys", params(("id" = i64, Path), DecisionQuery),
    responses((status = OK, body = SurveyAnswer), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem)))]
pub async fn restore(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>, Query(query): Query<DecisionQuery>) -> Result<Json<SurveyAnswer>, Problem> {
    Ok(Json(desk.service.restore(&scope, id, &query.into()).await?.into()))
}

query! {
    /// Where to.
    #[derive(Debug)]
    pub struct MoveQuery {
        /// The period it is of.
        period: Option<Period>,
        /// `ministry`, `province` or `city`; as it is where absent.
        level: Option<Level>,
    }
}

/// A survey that belongs to another period or level now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MovedSurvey)]
pub struct MovedAnswer {
    #[serde(flatten)]
    survey: SurveyAnswer,
    /// Patches without days of their own: the period's stand for them, so that they changed with it. Their findings are as they were until the survey is judged again.
    days_changed: u64,
}

/// Moves a survey to the period and level it is of.
#[utoipa::path(post, path = "/api/surveys/{id}/move", tag = "surveys", params(("id" = i64, Path), MoveQuery, ReasonedQuery),
    responses((status = OK, body = MovedAnswer), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = CONFLICT, body = Problem)))]
pub async fn move_survey(
    State(desk): State<Desk>,
    scope: Scope,
    Path(id): Path<i64>,
    Query(to): Query<MoveQuery>,
    Query(decision): Query<ReasonedQuery>,
) -> Result<Json<MovedAnswer>, Problem> {
    let MoveQuery { period, level } = to;
    if level.is_none() && period.is_none() {
        return Err(Problem::parameter("period", &Words::new("必须给出期次或级别", "is required, or level")));
    }
    let facts = desk.service.survey(&scope, id).await?.facts;
    let moved = desk.service.move_survey(&scope, id, (period.unwrap_or(facts.period), level.unwrap_or(facts.level)), &decision.into()).await?;
    Ok(Json(MovedAnswer { survey: moved.survey.into(), days_changed: moved.days_changed }))
}

/// What became of a survey.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// Confirmed verdicts of its patches.
    confirmed: u64,
    /// Since it was stored, in order.
    events: Vec<EventAnswer>,
}

/// What became of a survey since it was stored, also of one that does not count any more or was removed.
#[utoipa::path(get, path = "/api/surveys/{id}/history", tag = "surveys", params(("id" = i64, Path)), responses((status = OK, body = History), (status = NOT_FOUND, body = Problem)))]
pub async fn history(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>) -> Result<Json<History>, Problem> {
    let SurveyHistory { events, confirmed } = desk.service.history(&scope, id).await?;
    Ok(Json(History { confirmed, events: events.into_iter().map(Into::into).collect() }))
}
