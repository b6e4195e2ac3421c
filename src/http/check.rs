//! A polygon in, what it occupies out; nothing is stored.

use super::{
    Desk, Problem,
    findings::{AreasAnswer, FindingAnswer},
    query::{Query, query},
    values::ImageDays,
};
use axum::{
    Json,
    body::{Body, HttpBody, to_bytes},
    extract::State,
    http::StatusCode,
};
use serde::Serialize;
use tuban_engine::model::{AutomaticVerdict, Condition, Days, Words, today};
use utoipa::ToSchema;

query! {
    /// When the images were taken between which the ground changed.
    #[derive(Debug)]
    pub struct CheckQuery {
        /// The day of the image before the change, `YYYY-MM-DD`, or its month, whose first day it is then; today where it is absent, or `after` where that is there.
        before: Option<ImageDays>,
        /// The day of the image after it, not before that, or its month, whose last day it is then, or today where that is earlier; today where it is absent.
        after: Option<ImageDays>,
    }
}

impl CheckQuery {
    /// The days of both images; nothing where none is given.
    fn days(&self) -> Result<Option<Days>, Problem> {
        let today = today();
        let before = self.before.map(|days| days.first);
        let after = self.after.map(|days| days.last.min(today));
        let after = match (before, after) {
            (None, None) => return Ok(None),
            (_, after) => after.unwrap_or(today),
        };
        let before = before.unwrap_or(after);
        if before > after {
            return Err(Problem::parameter(
                "after",
                &Words::new(format!("早于前时相（{before}）"), format!("is before the day of the image before ({before})")),
            ));
        }
        Ok(Some(Days { before, after, unclear: false }))
    }
}

/// What a polygon occupies.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checked {
    county_code: Option<String>,
    #[serde(flatten)]
    areas: AreasAnswer,
    automatic_verdict: AutomaticVerdict,
    /// The days that layers and rule were chosen by.
    before_day: String,
    after_day: String,
    condition: Condition,
    finding: FindingAnswer,
}

/// What a GeoJSON Polygon, MultiPolygon or Feature (longitude, latitude) occupies of the layers of its time: those of today, unless days are given.
#[utoipa::path(post, path = "/api/check", tag = "patches", params(CheckQuery), request_body(content = Object, content_type = "application/geo+json"),
    responses((status = OK, body = Checked), (status = BAD_REQUEST, body = Problem), (status = PAYLOAD_TOO_LARGE, body = Problem),
        (status = UNPROCESSABLE_ENTITY, body = Problem)))]
pub async fn check(State(desk): State<Desk>, Query(query): Query<CheckQuery>, body: Body) -> Result<Json<Checked>, Problem> {
    let days = query.days()?;
    let limit = desk.limits.check_bytes;
    let too_large = || {
        let words = Words::new(format!("图形超过 {limit} 字节"), format!("the polygon is larger than {limit} bytes"));
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words)
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let body = to_bytes(body, limit).await.map_err(|_| too_large())?;
    let checked = desk.service.check_aside(body, days).await?;
    let lacking = desk.service.left_out_of(&checked.finding, &checked.provenance.layers, &checked.bounds).await?;
    Ok(Json(Checked {
        county_code: checked.finding.county_code.clone(),
        areas: AreasAnswer::new(&checked.finding.areas, &checked.provenance),
        automatic_verdict: checked.finding.verdict,
        before_day: checked.days.before.to_string(),
        after_day: checked.days.after.to_string(),
        condition: if checked.defects.is_empty() { Condition::Ok } else { Condition::Repaired },
        finding: FindingAnswer::new(&checked.finding, &checked.defects, checked.provenance, &checked.days, &checked.tolerance).lacking(lacking),
    }))
}
