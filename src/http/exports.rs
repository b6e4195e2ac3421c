//! Exports: findings and layers as files. GET writes one and streams it, for scripts and QGIS; POST queues one as a job, for large ones and for people, who
//! see how far it is and fetch it from any node. Both are the same export.

use super::{
    Client, Desk, Problem,
    attachment::attachment,
    jobs::{self, JobAnswer},
    query::{self, Path, Query, query},
    values::CountyKey,
};
use crate::scope::Scope;
use crate::service::export::{Encoding, Export, Exported, Format, Misfit, Selection, Subject};
use crate::service::patches::VerdictFilter;
use axum::{body::Bytes, extract::State, response::Response};
use tokio::io::AsyncReadExt;
use tuban_engine::model::{Period, Words};
use tuban_geom::Crs;

query! {
    /// Which findings.
    #[derive(Debug)]
    pub struct WhichQuery {
        /// Number of a survey.
        survey: Option<i64>,
        /// First period, taken wholly: `2022-04`, `2022-Q2` or `2022`.
        period: Option<Period>,
        /// Last period, taken wholly.
        until: Option<Period>,
        /// Six digits, or a county's name.
        county: Option<CountyKey>,
        /// Number of a patch in this service.
        patch: Option<i64>,
        /// As for `GET /api/patches`.
        verdict: Option<VerdictFilter>,
    }
}

query! {
    /// In what.
    #[derive(Debug)]
    pub struct FormatQuery {
        /// `geojson`, `csv`, `xlsx`, `gpkg`, `shp`, `gdb` or `fgb`.
        format: Format,
        /// Text of a Shapefile: `UTF-8` (default) or `GBK`.
        encoding: Option<Encoding>,
        /// CRS of the shapes, e.g. `EPSG:4527`; EPSG:4490 where absent.
        crs: Option<Crs>,
    }
}

impl WhichQuery {
    async fn subject(self, desk: &Desk) -> Result<Subject, Problem> {
        let county = match self.county {
            Some(county) => Some(county.code(&desk.service).await?),
            None => None,
        };
        let range = query::range(self.period, self.until)?;
        Ok(Subject::Findings(Selection { survey: self.survey, range, county, verdict: self.verdict, patch: self.patch }))
    }
}

impl FormatQuery {
    fn export(self, subject: Subject) -> Result<Export, Problem> {
        let Self { format, encoding, crs } = self;
        Export::new(subject, format, encoding, crs).map_err(|Misfit { parameter, why }| Problem::parameter(parameter, &Words::new(why[0], why[1])))
    }
}

/// Patches with their findings as a file, once it is written.
#[utoipa::path(get, path = "/api/exports/findings", tag = "exports", params(WhichQuery, FormatQuery),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = UNPROCESSABLE_ENTITY, body = Problem), (status = SERVICE_UNAVAILABLE, body = Problem)))]
pub async fn findings(State(desk): State<Desk>, scope: Scope, Query(which): Query<WhichQuery>, Query(format): Query<FormatQuery>) -> Result<Response, Problem> {
    send(desk.service.export(&scope, &format.export(which.subject(&desk).await?)?, &|_| {}).await?)
}

/// A layer as a file, once it is written.
#[utoipa::path(get, path = "/api/exports/layers/{id}", tag = "exports", params(("id" = i64, Path), FormatQuery),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = UNPROCESSABLE_ENTITY, body = Problem), (status = SERVICE_UNAVAILABLE, body = Problem)))]
pub async fn layer(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>, Query(format): Query<FormatQuery>) -> Result<Response, Problem> {
    send(desk.service.export(&scope, &format.export(Subject::Layer(id))?, &|_| {}).await?)
}

/// An export of findings as a job, which any node carries out; the file is kept with it.
#[utoipa::path(post, path = "/api/exports/findings", tag = "exports", params(WhichQuery, FormatQuery),
    responses((status = ACCEPTED, body = JobAnswer), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = TOO_MANY_REQUESTS, body = Problem)))]
pub async fn queue_findings(
    State(desk): State<Desk>,
    scope: Scope,
    client: Client,
    Query(which): Query<WhichQuery>,
    Query(format): Query<FormatQuery>,
) -> Result<Response, Problem> {
    let job = desk.service.queue_export(&scope, &format.export(which.subject(&desk).await?)?, &desk.quota(client)).await?;
    jobs::accepted(&desk, &scope, &job).await
}

/// An export of a layer as a job, which any node carries out; the file is kept with it.
#[utoipa::path(post, path = "/api/exports/layers/{id}", tag = "exports", params(("id" = i64, Path), FormatQuery),
    responses((status = ACCEPTED, body = JobAnswer), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = TOO_MANY_REQUESTS, body = Problem)))]
pub async fn queue_layer(
    State(desk): State<Desk>,
    scope: Scope,
    client: Client,
    Path(id): Path<i64>,
    Query(format): Query<FormatQuery>,
) -> Result<Response, Problem> {
    let job = desk.service.queue_export(&scope, &format.export(Subject::Layer(id))?, &desk.quota(client)).await?;
    jobs::accepted(&desk, &scope, &job).await
}

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;

fn send(exported: Exported) -> Result<Response, Problem> {
    let length = exported.file.metadata().map_err(|error| Problem::internal(&error))?.len();
    let mut file = tokio::fs::File::from_std(exported.file);
    let chunks = async_stream::try_stream! {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            if (&mut file).take(CHUNK as u64).read_to_end(&mut chunk).await? == 0 {
                break;
            }
            yield Bytes::from(chunk);
        }
    };
    attachment(&exported.name, exported.media_type, length, chunks)
}
