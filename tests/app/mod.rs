//! The service as its users meet it: the real router over a fresh database in a folder of its own, on a port of its own.

pub(crate) mod both;
pub(crate) mod city;
pub(crate) mod file;

use crate::cluster;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tuban::http::{Desk, Life, Limits, Names, serve};
use tuban::scope::Scope;
use tuban::service::{Service, Workshop, jobs::work::Working, layers::import::LayerFile};
use tuban::store::{Store, postgres::PostgresStore};
use tuban_engine::model::LayerKind;
use tuban_engine::rule::Rule;

/// A running service; it stops when this is dropped.
pub(crate) struct TestApp {
    /// What serves, to reach behind HTTP.
    pub(crate) service: Arc<Service>,
    /// Where it is in its life.
    pub(crate) life: Life,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    client: reqwest::Client,
    folder: Arc<tempfile::TempDir>,
    stop: tokio_util::sync::DropGuard,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

/// The parameters most uploads have.
pub(crate) const APRIL: &str = "period=2022-04&level=city";

impl TestApp {
    /// Without a layer.
    pub(crate) async fn bare() -> Self {
        Self::with_limits(Limits::default()).await
    }

    /// With the layers of [`city`].
    pub(crate) async fn city() -> Self {
        Self::bare().await.with_city().await
    }

    /// The same service once it has the layers of [`city`].
    pub(crate) async fn with_city(self) -> Self {
        for (kind, layer) in city::layers() {
            self.import_layer(kind, &layer, "2022-01-01").await;
        }
        self
    }

    /// Without a layer, over a PostgreSQL database of its own.
    pub(crate) async fn over_postgres() -> Self {
        Self::over(Arc::new(PostgresStore::open(&cluster::fresh_url().await).await.unwrap())).await
    }

    /// Without a layer, with these limits.
    pub(crate) async fn with_limits(limits: Limits) -> Self {
        Self::with(limits, |workshop| workshop, Some(Working::default())).await
    }

    /// Without a layer, called by these names.
    pub(crate) async fn named(names: Names) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::serving(Self::embedded(&folder).await, folder, |service| usual(service).called(names), |service| service, Some(Working::default())).await
    }

    /// Without a layer, of a city with that name; over that store, or an embedded one.
    pub(crate) async fn of_city(name: &str, store: Option<Arc<dyn Store>>) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let store = match store {
            Some(store) => store,
            None => Self::embedded(&folder).await,
        };
        Self::serving(store, folder, usual, |service| service.of_city(Some(name.to_owned())), Some(Working::default())).await
    }

    /// Without a layer, with these workers for what GDAL reads.
    pub(crate) async fn with_workshop(change: impl FnOnce(Workshop) -> Workshop) -> Self {
        Self::with(Limits::default(), change, Some(Working::default())).await
    }

    /// Without a layer, over that store.
    pub(crate) async fn over(store: Arc<dyn Store>) -> Self {
        Self::serving(store, Arc::new(tempfile::tempdir().unwrap()), usual, |service| service, Some(Working::default())).await
    }

    /// Without a layer, carrying no jobs out.
    pub(crate) async fn idle() -> Self {
        Self::with(Limits::default(), |workshop| workshop, None).await
    }

    /// Without a layer, carrying no jobs out, with another desk.
    pub(crate) async fn idle_desk(change: impl FnOnce(Desk) -> Desk, limits: Limits) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let desk = |service| change(Desk::new(service, limits));
        Self::serving(Self::embedded(&folder).await, folder, desk, |service| service, None).await
    }

    /// Another service over the same database and folder, its layers loaded; it answers no requests.
    pub(crate) async fn another_service(&self) -> Service {
        self.another_service_with(|service| service).await
    }

    /// The same, changed before its layers are loaded.
    pub(crate) async fn another_service_with(&self, change: impl FnOnce(Service) -> Service) -> Service {
        let store = Self::embedded(&self.folder).await;
        let service = change(Service::open(store, Rule::load(None).unwrap(), self.service.spool().to_path_buf()).unwrap());
        assert!(service.refresh_atlas().await.unwrap());
        service
    }

    /// Another node on the same database; it carries jobs out in that way, or not at all.
    pub(crate) async fn node(&self, working: Option<Working>) -> Self {
        let store = Self::embedded(&self.folder).await;
        let node = Self::serving(store, Arc::clone(&self.folder), usual, |service| service, working).await;
        tokio::spawn(Arc::clone(&node.service).follow_layers());
        node
    }

    async fn embedded(folder: &tempfile::TempDir) -> Arc<dyn Store> {
        tuban::store::open(&format!("sqlite:{}/tuban.db", folder.path().display())).await.unwrap()
    }

    async fn with(limits: Limits, change: impl FnOnce(Workshop) -> Workshop, working: Option<Working>) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let with_workshop = |service: Service| {
            let workshop = change(service.workshop().clone());
            service.with_workshop(workshop)
        };
        Self::serving(Self::embedded(&folder).await, folder, |service| Desk::new(service, limits), with_workshop, working).await
    }

    async fn serving(
        store: Arc<dyn Store>,
        folder: Arc<tempfile::TempDir>,
        desk: impl FnOnce(Arc<Service>) -> Desk,
        change: impl FnOnce(Service) -> Service,
        working: Option<Working>,
    ) -> Self {
        let service = Arc::new(change(Service::open(store, Rule::load(None).unwrap(), folder.path().join("spool")).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = tokio_util::sync::CancellationToken::new();
        if let Some(working) = working {
            tokio::spawn(Arc::clone(&service).work(working, stop.clone()));
        }
        let desk = desk(Arc::clone(&service));
        let life = desk.life.clone();
        tokio::spawn(serve(listener, desk, stop.clone().cancelled_owned()));
        // The service hangs up on who has been silent for twenty seconds, which a test may be between two requests.
        let client = reqwest::Client::builder().pool_idle_timeout(std::time::Duration::from_secs(10)).build().unwrap();
        Self { service, life, address, client, folder, stop: stop.drop_guard() }
    }

    /// Takes a layer in from a file, in force from that day.
    pub(crate) async fn import_layer(&self, kind: LayerKind, layer: &file::File, effective: &str) -> tuban::service::layers::import::LayerImported {
        let path = self.write(&format!("{kind}.geojson"), &layer.text());
        let file = LayerFile::new(path, kind, kind.chinese().to_owned(), effective.parse().unwrap());
        let imported = self.service.import_layer(&Scope::all(), &file, &|_| {}).await.unwrap();
        self.service.refresh_atlas().await.unwrap();
        imported
    }

    /// Tells it to stop: what runs may finish.
    pub(crate) fn stop(self) {
        self.stop.disarm().cancel();
    }

    /// A file in the folder of this service.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request, to be sent with [`send`](Self::send).
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// GET of something that is there.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        answer.json()
    }

    /// POST.
    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.send(self.request(Method::POST, path).body(body)).await
    }

    /// Uploads a survey as the raw body; that its patches were sent before is no question here, for tests use the same few again and again.
    pub(crate) async fn upload(&self, query: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.upload_asking(&format!("{query}&again=yes"), body).await
    }

    /// Uploads a survey as the raw body.
    pub(crate) async fn upload_asking(&self, query: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.post(&format!("/api/surveys?{query}"), body).await
    }

    /// Uploads a survey that is taken in.
    pub(crate) async fn uploaded(&self, query: &str, survey: &file::File) -> Value {
        let answer = self.upload(query, survey.text()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    /// All surveys.
    pub(crate) async fn surveys(&self) -> Vec<Value> {
        self.read("/api/surveys").await["surveys"].as_array().unwrap().clone()
    }

    /// All patches of a query, without paging.
    pub(crate) async fn patches(&self, query: &str) -> Vec<Value> {
        self.read(&format!("/api/patches?{query}")).await["features"].as_array().unwrap().clone()
    }

    /// The patch ids of a query.
    pub(crate) async fn patch_ids(&self, query: &str) -> Vec<String> {
        self.patches(query).await.iter().map(|patch| text(&patch["properties"]["patch_id"])).collect()
    }

    /// The patch with this id of its own, with its finding.
    pub(crate) async fn patch(&self, patch_id: &str) -> Value {
        let found = self.patches(&format!("patch_id={patch_id}")).await;
        assert_eq!(found.len(), 1, "{patch_id}: {found:?}");
        self.read(&format!("/api/patches/{}", found[0]["id"])).await
    }

    /// Uploads what must be refused with this status and code; nothing may be stored or left in the spool. The problem is handed on.
    pub(crate) async fn refuses(&self, query: &str, body: impl Into<reqwest::Body>, status: u16, code: &str) -> Value {
        let before = self.surveys().await;
        let problem = self.upload(query, body).await.problem(status, code);
        assert_eq!(self.surveys().await, before);
        self.has_an_empty_spool();
        problem
    }

    /// The file of its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("tuban.db")
    }

    /// Nothing that was uploaded is left on disk.
    pub(crate) fn has_an_empty_spool(&self) {
        assert_eq!(names_in(self.service.spool()), Vec::<String>::new());
    }
}

/// A desk with the usual limits.
fn usual(service: Arc<Service>) -> Desk {
    Desk::new(service, Limits::default())
}

/// Names of the files in a folder.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// A header, as text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The RFC 9457 problem that this answer must be.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!((self.status.as_u16(), text(&problem["type"])), (status, format!("/problems/{code}")), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        for said in ["title", "detail", "detail_en"] {
            assert!(!text(&problem[said]).is_empty(), "{said} in {problem}");
        }
        problem
    }
}

/// A JSON text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not text")).to_owned()
}

/// A JSON number.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

/// Asserts that an Area is so many square metres, to a tenth of a square millimetre … or to `within`.
pub(crate) fn is_area(area: &Value, expected_m2: f64, within: f64) {
    let m2 = number(&area["m2"]);
    assert!((m2 - expected_m2).abs() <= within, "{m2} m² is not {expected_m2} m²");
    // Oracle: 1 亩 = 10000/15 m²; rounded to two decimals it is at most half a hundredth off.
    assert!((number(&area["mu"]) - expected_m2 * 15.0 / 10_000.0).abs() <= 0.005 + 1e-9, "{area}");
}
