//! What the city has: its name, periods, lines, the rule.

use super::{Desk, Problem};
use crate::scope::Scope;
use axum::{Json, extract::State};
use serde::Serialize;
use tuban_engine::model::{Line, Period};
use utoipa::ToSchema;

/// What a page needs to know first.
#[derive(Debug, Serialize, ToSchema)]
pub struct About {
    name: &'static str,
    /// What the city is called, where that is configured.
    city: Option<String>,
    version: &'static str,
    /// Whether a layer in force says of itself that it is invented.
    demo: bool,
    /// West, south, east, north of the counties in force, degrees.
    bounds: Option<[f64; 4]>,
    /// Periods that have a survey, the newest last.
    periods: Vec<String>,
    lines: Vec<Line>,
    rule: String,
    /// The day from which the rule counts.
    rule_effective: String,
    /// Changes whenever a tile may: put it into tile URLs.
    tiles_version: String,
}

/// What the city has.
#[utoipa::path(get, path = "/api/about", tag = "city", responses((status = OK, body = About)))]
pub async fn about(State(desk): State<Desk>, scope: Scope) -> Result<Json<About>, Problem> {
    let service = &desk.service;
    let layers = service.layers().await?;
    // Of the counties that are listed: where others came in force, they are loaded first.
    service.refresh_atlas().await?;
    let mut periods: Vec<Period> = service.surveys(&scope).await?.iter().map(|survey| survey.facts.period).collect();
    periods.sort_unstable();
    periods.dedup();
    Ok(Json(About {
        name: "图斑 Tuban",
        city: service.city().map(str::to_owned),
        version: env!("CARGO_PKG_VERSION"),
        demo: layers.iter().any(|(layer, in_force)| *in_force && layer.invented),
        bounds: service.atlas().counties_bounds().map(|bounds| [bounds.min[0], bounds.min[1], bounds.max[0], bounds.max[1]]),
        periods: periods.into_iter().map(Into::into).collect(),
        lines: service.rule().lines.clone(),
        rule: service.rule().version.clone(),
        rule_effective: service.rule().effective.to_string(),
        tiles_version: service.tiles_version(&scope).await?,
    }))
}
