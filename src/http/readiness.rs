//! Whether the process runs, and whether it should be sent requests: two questions with two answers.

use super::{
    Desk, Problem,
    query::{Query, query},
    values::YesOrNo,
};
use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tuban_engine::model::Words;
use utoipa::ToSchema;

/// Where a process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The layers in force are being loaded.
    Starting,
    /// At work.
    Serving,
    /// Asked to stop; what was begun is finished.
    Stopping,
}

/// The phase of this process; clones share it.
#[derive(Debug, Clone)]
pub struct Life(Arc<watch::Sender<Phase>>);

impl Life {
    pub(super) fn serving() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Serving)))
    }

    /// Where the process is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Resolves when the process is asked to stop.
    pub(super) async fn stopping(&self) {
        // The sender is this value's own.
        let _ = self.0.subscribe().wait_for(|phase| *phase == Phase::Stopping).await;
    }

    /// From now on it is there.
    pub fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }
}

/// That the service is up.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    status: &'static str,
}

/// That requests may be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    status: &'static str,
    /// Whether the database keeps a checksum of every page (PostgreSQL's `data_checksums`); not there where it never does. Rows have checksums of their own in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool)]
    data_checksums: Option<bool>,
}

/// Answers while the process runs, whatever else is the matter.
#[utoipa::path(get, path = "/health", tag = "machine", responses((status = OK, body = Health)))]
pub async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

query! {
    /// For which requests.
    #[derive(Debug)]
    pub struct ReadyQuery {
        /// `yes`: for those that only read, which a full disk does not keep from being answered; `no` (default): for all.
        reads: Option<YesOrNo>,
    }
}

/// Whether requests should be sent here: the layers in force were loaded, the database answers, the disks have room, and the process was not asked to stop.
#[utoipa::path(get, path = "/ready", tag = "machine", params(ReadyQuery), responses((status = OK, body = Readiness), (status = INSUFFICIENT_STORAGE, description = "a disk has less room than is kept free", body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, description = "the problem's type says what is missing: `starting`, `stopping` or `unavailable` (the database)", body = Problem, content_type = "application/problem+json")))]
pub async fn ready(State(desk): State<Desk>, Query(query): Query<ReadyQuery>) -> Result<Json<Readiness>, Problem> {
    let reads_only = YesOrNo::is_yes(query.reads);
    match desk.life.phase() {
        Phase::Starting => return Err(starting()),
        Phase::Stopping => return Err(not_ready("stopping", "服务正在停止", "the service is stopping")),
        Phase::Serving => {}
    }
    ask_store(&desk).await?;
    if !reads_only && !desk.service.has_room_for(0, desk.limits.reserve_bytes) {
        return Err(Problem::no_room());
    }
    Ok(Json(Readiness { status: "ready", data_checksums: desk.service.page_checksums().await? }))
}

/// The layers are not loaded yet: whatever were measured now would be measured against nothing.
pub(super) fn starting() -> Problem {
    not_ready("starting", "服务正在装载图层，请稍后再试", "the layers in force are being loaded, try again shortly")
}

fn not_ready(code: &str, zh: &str, en: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, Words::new(zh, en))
}

/// Longest time the database may take to say what revision it is at.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Asks the database something small, and keeps how long it took.
pub(super) async fn ask_store(desk: &Desk) -> Result<(), Problem> {
    let asked = Instant::now();
    let answer = tokio::time::timeout(ANSWER_WITHIN, desk.service.revision()).await;
    desk.metrics.store_answered(asked.elapsed(), matches!(answer, Ok(Ok(_))));
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(not_ready("unavailable", "数据库没有及时回答", "the database does not answer in time")),
    }
}

/// The route that says how the service does.
const METRICS: &str = "/metrics";

/// Whether a path is asked by machines that look after the service, so often that its log lines would drown the others.
pub(super) fn is_probe(route: &str) -> bool {
    is_health(route) || route == METRICS
}

/// Whether a path tells that the process runs and is ready, and nothing else.
pub(super) fn is_health(path: &str) -> bool {
    matches!(path, "/health" | "/ready")
}
