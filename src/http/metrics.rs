//! How the service does, in numbers: `GET /metrics`, in the `OpenMetrics` text format, which Prometheus reads.

use super::{Desk, Problem, problem::Code, readiness};
use crate::scope::Scope;
use axum::{
    extract::State,
    http::{Method, StatusCode, header},
    response::IntoResponse,
};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;
use tuban_engine::model::JobState;

/// Seconds: from a cached tile to the import of a province.
const REQUEST_BUCKETS: [f64; 12] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0, 300.0];
/// Seconds: from a read out of memory to a server that is away.
const STORE_BUCKETS: [f64; 8] = [0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0];

/// Newest jobs among which running ones are counted.
const JOBS_LOOKED_AT: u32 = 1000;

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    problems: Family<ProblemCode, Counter>,
    store_answers: Histogram,
    store_failures: Counter,
    store_up: Gauge,
    layers: Family<LayerVersion, Gauge>,
    layer_memory: Family<LayerKind, Gauge>,
    layer_vertices: Family<LayerKind, Gauge>,
    atlas_current: Gauge,
    jobs_running: Gauge,
    resident: Gauge,
    free: Family<Disk, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemCode {
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LayerVersion {
    kind: String,
    layer: i64,
    effective: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Disk {
    folder: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LayerKind {
    kind: String,
}

impl Metrics {
    /// Nothing counted yet, but for what the service counts by itself.
    pub(super) fn new(service: &crate::service::counts::Counts) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(REQUEST_BUCKETS)),
            problems: Family::default(),
            store_answers: Histogram::new(STORE_BUCKETS),
            store_failures: Counter::default(),
            store_up: Gauge::default(),
            layers: Family::default(),
            layer_memory: Family::default(),
            layer_vertices: Family::default(),
            atlas_current: Gauge::default(),
            jobs_running: Gauge::default(),
            resident: Gauge::default(),
            free: Family::default(),
        };
        metrics.registered(service)
    }

    fn registered(mut self, service: &crate::service::counts::Counts) -> Self {
        let mut all = Registry::default();
        all.register_with_unit("process_resident_memory", "Memory of this process", Unit::Bytes, self.resident.clone());
        let ours = all.sub_registry_with_prefix("tuban");
        ours.register("build", "This program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        ours.register("http_requests", "Requests answered", self.requests.clone());
        ours.register_with_unit("http_request_duration", "From a request's head to its answer's head", Unit::Seconds, self.durations.clone());
        ours.register("problems", "Requests answered with a problem, by its code", self.problems.clone());
        ours.register("imports", "Imports of surveys that ended, by how", service.imports.clone());
        ours.register("imports_under_way", "Imports of surveys under way", service.importing.clone());
        ours.register("jobs_running", "Jobs of all nodes that wait or are under way, as the database has them", self.jobs_running.clone());
        ours.register("findings", "Findings made and stored", service.findings.clone());
        ours.register("rejects", "Features refused in surveys that were stored", service.rejects.clone());
        ours.register("store_up", "Whether the database answered when it was last asked", self.store_up.clone());
        ours.register_with_unit(
            "store_answer",
            "How long the database took to answer a small question, asked at each look",
            Unit::Seconds,
            self.store_answers.clone(),
        );
        ours.register("store_failures", "Small questions that the database did not answer", self.store_failures.clone());
        ours.register("layer_in_force", "Layer versions this process measures against", self.layers.clone());
        ours.register("layer_vertices", "Vertices of the layer in force, as prepared", self.layer_vertices.clone());
        ours.register_with_unit(
            "layer_positions",
            "Memory that a layer's positions take; 0 where they are read from disk",
            Unit::Bytes,
            self.layer_memory.clone(),
        );
        ours.register("atlas_current", "Whether the layers this process measures against are those in force", self.atlas_current.clone());
        ours.register_with_unit("disk_free", "Room where this node writes: its spool, and an SQLite database", Unit::Bytes, self.free.clone());
        self.registry = all;
        self
    }

    /// A request was answered.
    pub(super) fn answered(&self, method: &Method, route: &str, status: StatusCode, code: Option<&Code>, took: Duration) {
        let (method, route) = (word(method), route.to_owned());
        self.requests.get_or_create(&Request { method, route: route.clone(), status: status.as_u16() }).inc();
        self.durations.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
        if let Some(Code(code)) = code {
            self.problems.get_or_create(&ProblemCode { code: code.clone() }).inc();
        }
    }

    /// The database was asked something small.
    pub(super) fn store_answered(&self, took: Duration, well: bool) {
        self.store_answers.observe(took.as_secs_f64());
        self.store_up.set(i64::from(well));
        self.store_failures.inc_by(u64::from(!well));
    }

    fn look_at_layers(&self, desk: &Desk) {
        self.layers.clear();
        self.layer_memory.clear();
        self.layer_vertices.clear();
        for load in desk.service.atlas().loads() {
            let kind = LayerKind { kind: load.used.kind.to_string() };
            self.layer_memory.get_or_create(&kind).set(load.memory_bytes as i64);
            self.layer_vertices.get_or_create(&kind).set(load.vertices as i64);
            self.layers.get_or_create(&LayerVersion { kind: kind.kind, layer: load.used.id, effective: load.used.effective.clone() }).set(1);
        }
    }
}

/// A method that clients may have made up is none to keep apart.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Resident memory of this process, bytes.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib: i64 = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// Everything that is counted.
#[utoipa::path(get, path = "/metrics", tag = "machine", responses((status = OK, body = String, content_type = "application/openmetrics-text")))]
pub async fn metrics(State(desk): State<Desk>, scope: Scope) -> Result<impl IntoResponse, Problem> {
    // A database that is away is one of the numbers, no reason to withhold them.
    if readiness::ask_store(&desk).await.is_ok() {
        let current = desk.service.is_current().await;
        desk.metrics.atlas_current.set(i64::from(current.is_ok_and(|current| current)));
        if let Ok(jobs) = desk.service.last_jobs(&scope, JOBS_LOOKED_AT).await {
            desk.metrics.jobs_running.set(jobs.iter().filter(|job| job.state == JobState::Running).count() as i64);
        }
    }
    desk.metrics.look_at_layers(&desk);
    for room in desk.service.rooms() {
        desk.metrics.free.get_or_create(&Disk { folder: room.of }).set(i64::try_from(room.free_bytes).unwrap_or(i64::MAX));
    }
    desk.metrics.resident.set(resident_bytes().unwrap_or_default());
    let mut answer = String::new();
    text::encode(&mut answer, &desk.metrics.registry).map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], answer))
}
