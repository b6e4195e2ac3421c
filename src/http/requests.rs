//! What every request gets: an id, a line in the log, and its place in the metrics.

use super::{
    Desk,
    problem::Code,
    readiness,
    request_id::{HEADER, ID, id_of},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::HeaderValue,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Instant;
use tracing::Instrument;

/// Answers a request under its id, and tells of it.
pub(super) async fn observe(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let id = id_of(request.headers());
    let span = tracing::info_span!("request", id);
    ID.scope(id.clone(), answer(desk, id, request, next)).instrument(span).await
}

async fn answer(desk: Desk, id: String, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let too_early = desk.life.phase() == readiness::Phase::Starting && route.starts_with("/api");
    let mut response = if too_early { readiness::starting().into_response() } else { next.run(request).await };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, id);
    }
    let (status, code, took) = (response.status(), response.extensions().get::<Code>(), begun.elapsed());
    desk.metrics.answered(&method, &route, status, code, took);
    let (code, ms) = (code.map(|code| code.0.as_str()), took.as_secs_f64() * 1e3);
    if readiness::is_probe(&route) {
        tracing::debug!(%method, path, status = status.as_u16(), code, ms, "answered");
    } else {
        tracing::info!(%method, path, status = status.as_u16(), code, ms, "answered");
    }
    response
}
