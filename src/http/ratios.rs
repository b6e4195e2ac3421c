//! The county table.

use super::{
    Desk, Problem,
    answers::RatiosAnswer,
    query::{self, Query},
};
use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

/// Which months to sum.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RatiosQuery {
    /// First period, taken wholly: `2022-04`, `2022-Q2` or `2022`; the newest period with a survey where absent.
    period: Option<String>,
    /// Last period, taken wholly; `period` where absent.
    until: Option<String>,
}

/// Ratios by county and for the city, with counts, areas, lines and levers.
#[utoipa::path(get, path = "/api/ratios", tag = "city", params(RatiosQuery), responses((status = OK, body = RatiosAnswer), (status = BAD_REQUEST, body = Problem)))]
pub async fn ratios(State(desk): State<Desk>, Query(query): Query<RatiosQuery>) -> Result<Json<RatiosAnswer>, Problem> {
    let range = query::range(query.period.as_deref(), query.until.as_deref())?;
    let ratios = desk.monitor.ratios(range).await?;
    Ok(Json(RatiosAnswer::new(ratios)))
}
