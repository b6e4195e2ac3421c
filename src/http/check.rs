//! A polygon in, what it occupies out; nothing is stored.

use super::{
    Desk, Problem,
    answers::{AreasAnswer, FindingAnswer},
};
use crate::land::{AutomaticVerdict, Words};
use axum::{
    Json,
    body::{Body, HttpBody, to_bytes},
    extract::State,
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;

/// What a polygon occupies.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checked {
    county_code: Option<String>,
    #[serde(flatten)]
    areas: AreasAnswer,
    automatic_verdict: AutomaticVerdict,
    condition: &'static str,
    finding: FindingAnswer,
}

/// What a GeoJSON Polygon, MultiPolygon or Feature (longitude, latitude) occupies of the layers in force.
#[utoipa::path(post, path = "/api/check", tag = "patches", request_body(content = Object, content_type = "application/geo+json"),
    responses((status = OK, body = Checked), (status = BAD_REQUEST, body = Problem), (status = PAYLOAD_TOO_LARGE, body = Problem),
        (status = UNPROCESSABLE_ENTITY, body = Problem)))]
pub async fn check(State(desk): State<Desk>, body: Body) -> Result<Json<Checked>, Problem> {
    let limit = desk.limits.check_bytes;
    let too_large = || {
        let words = Words::new(format!("图形超过 {limit} 字节"), format!("the polygon is larger than {limit} bytes"));
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words)
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let body = to_bytes(body, limit).await.map_err(|_| too_large())?;
    let checked = desk.monitor.check_aside(body).await?;
    let lacking = desk.monitor.left_out_of(&checked.finding, &checked.provenance.layers, &checked.bounds).await?;
    Ok(Json(Checked {
        county_code: checked.finding.county_code.clone(),
        areas: (&checked.finding.areas).into(),
        automatic_verdict: checked.finding.verdict,
        condition: if checked.defects.is_empty() { "ok" } else { "repaired" },
        finding: FindingAnswer::new(&checked.finding, &checked.defects, checked.provenance, &desk.monitor.rule().tolerance).lacking(lacking),
    }))
}
