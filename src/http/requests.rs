//! What every request gets: an id, a line in the log, and its place in the metrics.

use super::{Desk, problem::Code, readiness};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Instant;
use tracing::Instrument;

/// The header that carries the id, both ways.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// The route that says how the service does.
pub(super) const METRICS: &str = "/metrics";
/// Longest id that is taken from a request.
const LONGEST_ID: usize = 64;

tokio::task_local! {
    static ID: String;
}

/// The id of the request that is being answered; none outside of one.
pub(super) fn current_id() -> Option<String> {
    ID.try_with(Clone::clone).ok()
}

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

/// The id that came with a request, if it can do no harm in a log; else one of our own.
fn id_of(headers: &HeaderMap) -> String {
    let is_sane = |id: &&str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    headers.get(HEADER).and_then(|id| id.to_str().ok()).filter(is_sane).map_or_else(new_id, str::to_owned)
}

/// 64 random bits; the clock's where there are none.
pub(super) fn new_id() -> String {
    let bits = getrandom::u64().unwrap_or_else(|_| jiff::Timestamp::now().as_nanosecond() as u64);
    format!("{bits:016x}")
}
