//! The edge: every route on one page. A handler reads the request, asks the service, and writes the answer.

mod answers;
mod asking;
mod attachment;
mod check;
mod city;
mod client;
mod connections;
mod corrections;
mod encodings;
mod exports;
mod findings;
mod inspect;
mod jobs;
mod layers;
mod linger;
mod metrics;
mod openapi;
mod origin;
mod pace;
mod page;
mod parameters;
mod patches;
mod problem;
mod query;
mod ratios;
mod readiness;
mod reclassification;
mod request_id;
mod requests;
mod schemas;
mod serve;
mod shared_ground;
mod spooled;
mod surveys;
mod tiles;
mod timestamp;
mod upload;
mod values;
mod verdicts;
mod waiting;
mod withdrawal;

pub use client::Client;
pub use origin::{HostName, Names, PublicOrigin};
pub use pace::Pace;
pub use problem::Problem;
pub use ratios::RatiosAnswer;
pub use readiness::{Life, Phase};
pub use serve::{ServeError, serve};
pub use timestamp::timestamp;

use crate::service::Service;
use crate::service::jobs::Quota;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue},
    response::IntoResponse,
    routing::get,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate},
    },
    set_header::SetResponseHeaderLayer,
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// What every handler can reach.
#[derive(Clone)]
pub struct Desk {
    /// The services.
    pub service: Arc<Service>,
    /// Limits of what is taken in.
    pub limits: Limits,
    /// What it is called by its users.
    names: Arc<Names>,
    /// Proxies in front that are believed where they say who is asking.
    proxies: Arc<[IpAddr]>,
    /// Where this process is in its life.
    pub life: Life,
    metrics: Arc<metrics::Metrics>,
    waiting: Arc<waiting::Waiting>,
    /// A few inspections at a time: each may have a folder of unpacked files and a worker. Others wait for their turn.
    inspections: Arc<Semaphore>,
}

/// Limits of what is taken in, and of what one client may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest survey file, bytes.
    pub upload_bytes: u64,
    /// Largest polygon to check, bytes.
    pub check_bytes: usize,
    /// Jobs that are not over, of one client.
    pub jobs_each: u32,
    /// Jobs that are not over, of all clients, over all nodes.
    pub jobs_all: u32,
    /// Files that wait here after they were looked at, of one client.
    pub waiting_each: usize,
    /// Files that wait here after they were looked at, of all clients.
    pub waiting_all: usize,
    /// Connections of one client.
    pub connections_each: usize,
    /// Longest time a client may take to send its headers, or leave a connection unused.
    pub headers_within: Duration,
    /// How slowly a client may send a body or take an answer.
    pub pace: Pace,
    /// Room that is kept free on the disks of this node: beyond it no upload is taken.
    pub reserve_bytes: u64,
}

/// Inspections at a time.
const INSPECTIONS: usize = 2;

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes: 1 << 30,
            check_bytes: 4 << 20,
            reserve_bytes: 64 << 20,
            jobs_each: 100,
            jobs_all: 1000,
            waiting_each: 20,
            waiting_all: 500,
            connections_each: 256,
            headers_within: Duration::from_secs(20),
            pace: Pace::default(),
        }
    }
}

impl Desk {
    /// A desk over `service`, whose layers are loaded; else let its life enter [`Phase::Starting`] first. It answers to loopback names.
    #[must_use]
    pub fn new(service: Arc<Service>, limits: Limits) -> Self {
        let metrics = Arc::new(metrics::Metrics::new(service.counts()));
        let waiting = Arc::new(waiting::Waiting::new(limits));
        let inspections = Arc::new(Semaphore::new(INSPECTIONS));
        let names = Arc::new(Names::loopback());
        let proxies = Arc::new([]);
        Self { service, limits, names, proxies, life: Life::serving(), metrics, waiting, inspections }
    }

    /// A desk that believes these proxies.
    #[must_use]
    pub fn behind(self, proxies: Vec<IpAddr>) -> Self {
        Self { proxies: proxies.into(), ..self }
    }

    /// How many jobs a client may have under way.
    fn quota(&self, client: Client) -> Quota {
        Quota { client: client.to_string(), each: self.limits.jobs_each, all: self.limits.jobs_all }
    }

    /// A desk that answers to these names.
    #[must_use]
    pub fn called(self, names: Names) -> Self {
        Self { names: Arc::new(names), ..self }
    }
}

/// Every route there is.
pub fn router(desk: Desk) -> Router {
    let (api, openapi) = OpenApiRouter::new()
        // The city.
        .routes(routes!(city::about))
        .routes(routes!(layers::layers, layers::take_layer))
        .routes(routes!(ratios::ratios))
        // Surveys.
        .routes(routes!(surveys::surveys, surveys::upload))
        .routes(routes!(inspect::inspect))
        .routes(routes!(surveys::survey, withdrawal::withdraw))
        .routes(routes!(withdrawal::restore))
        .routes(routes!(withdrawal::move_survey))
        .routes(routes!(withdrawal::history))
        .routes(routes!(surveys::rejects))
        .routes(routes!(shared_ground::overlaps))
        .routes(routes!(reclassification::provenance))
        .routes(routes!(reclassification::difference, reclassification::reclassify))
        // Patches and polygons.
        .routes(routes!(patches::patches))
        .routes(routes!(patches::patch))
        .routes(routes!(check::check))
        .routes(routes!(verdicts::file_verdicts))
        // Files out.
        .routes(routes!(exports::findings, exports::queue_findings))
        .routes(routes!(exports::layer, exports::queue_layer))
        // Jobs.
        .routes(routes!(jobs::jobs))
        .routes(routes!(jobs::job, jobs::cancel))
        .routes(routes!(jobs::events))
        .routes(routes!(jobs::file))
        // The map.
        .routes(routes!(tiles::tile))
        // The machine.
        .routes(routes!(readiness::health))
        .routes(routes!(readiness::ready))
        .routes(routes!(metrics::metrics))
        .split_for_parts();
    let parameters = Arc::new(parameters::Parameters::of(&openapi));
    let openapi = openapi::described(openapi);
    api.route_layer(axum::middleware::from_fn_with_state(parameters, parameters::only_known))
        .route("/openapi.json", get(move || async move { axum::Json(openapi).into_response() }))
        .fallback(page::page)
        .method_not_allowed_fallback(page::method_not_allowed)
        .layer(DefaultBodyLimit::disable())
        .layer(CompressionLayer::new().compress_when(compressible()))
        .layer(axum::middleware::map_request(encodings::only_real_ones))
        .layer(axum::middleware::from_fn_with_state(desk.clone(), pace::bodies))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&desk.names), origin::guard))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| Problem::internal(&"a handler panicked").into_response()))
        .layer(header("content-security-policy", CONTENT_SECURITY_POLICY))
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("referrer-policy", "no-referrer"))
        .layer(axum::middleware::from_fn_with_state(desk.clone(), requests::observe))
        .with_state(desk)
}

/// Archives, and workbooks, which are archives, are compressed as they are.
fn compressible() -> impl Predicate {
    let but = |media_type| NotForContentType::const_new(media_type);
    DefaultPredicate::new().and(but("application/zip")).and(but("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))
}

/// Nothing loads from outside at run time: the browser itself sees to it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

fn header(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(HeaderName::from_static(name), HeaderValue::from_static(value))
}
