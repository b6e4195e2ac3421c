//! Exports: findings and layers as files, streamed out of a file that has no name.

use super::{
    Desk, Problem,
    query::{self, Path, Query},
};
use crate::monitor::export::{Encoding, Export, Exported, Format, Misfit, Selection, Subject};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::Stream;
use serde::Deserialize;
use std::fmt::Write;
use tokio::io::AsyncReadExt;
use utoipa::IntoParams;

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichQuery {
    /// Number of a survey.
    survey: Option<String>,
    /// First month, `YYYY-MM`.
    period: Option<String>,
    /// Last month.
    until: Option<String>,
    /// Six digits.
    county: Option<String>,
    /// Number of a patch in this service.
    patch: Option<String>,
    /// As for `GET /api/patches`.
    verdict: Option<String>,
}

/// In what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FormatQuery {
    /// `geojson`, `csv`, `xlsx`, `gpkg`, `shp`, `gdb` or `fgb`.
    #[param(required)]
    format: Option<String>,
    /// Text of a Shapefile: `UTF-8` (default) or `GBK`.
    encoding: Option<String>,
    /// CRS of the shapes, e.g. `EPSG:4527`; EPSG:4490 where absent.
    crs: Option<String>,
}

/// Patches with their findings as a file.
#[utoipa::path(get, path = "/api/exports/findings", tag = "exports", params(WhichQuery, FormatQuery),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = UNPROCESSABLE_ENTITY, body = Problem), (status = SERVICE_UNAVAILABLE, body = Problem)))]
pub async fn findings(State(desk): State<Desk>, Query(which): Query<WhichQuery>, Query(format): Query<FormatQuery>) -> Result<Response, Problem> {
    let selection = Selection {
        county: which.county.filter(|code| !code.is_empty()).map(county).transpose()?,
        range: query::range(which.period.as_deref(), which.until.as_deref())?,
        survey: query::read_if("survey", which.survey.as_deref())?,
        verdict: query::read_if("verdict", which.verdict.as_deref())?,
        patch: query::read_if("patch", which.patch.as_deref())?,
    };
    export(&desk, Subject::Findings(selection), &format).await
}

/// A layer as a file.
#[utoipa::path(get, path = "/api/exports/layers/{id}", tag = "exports", params(("id" = i64, Path), FormatQuery),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = UNPROCESSABLE_ENTITY, body = Problem), (status = SERVICE_UNAVAILABLE, body = Problem)))]
pub async fn layer(State(desk): State<Desk>, Path(id): Path<i64>, Query(format): Query<FormatQuery>) -> Result<Response, Problem> {
    export(&desk, Subject::Layer(id), &format).await
}

fn county(code: String) -> Result<String, Problem> {
    if code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()) { Ok(code) } else { Err(Problem::parameter("county", "six digits")) }
}

async fn export(desk: &Desk, subject: Subject, asked: &FormatQuery) -> Result<Response, Problem> {
    let format: Format = query::read("format", asked.format.as_deref().unwrap_or(""))?;
    let encoding: Option<Encoding> = query::read_if("encoding", asked.encoding.as_deref().map(str::to_uppercase).as_deref())?;
    let crs = query::read_if("crs", asked.crs.as_deref())?;
    let export = Export::new(subject, format, encoding, crs).map_err(|Misfit { parameter, why }| Problem::parameter(parameter, why))?;
    send(desk.monitor.export(&export).await?)
}

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;

fn send(exported: Exported) -> Result<Response, Problem> {
    let length = exported.file.metadata().map_err(|error| Problem::internal(&error))?.len();
    let disposition = HeaderValue::try_from(disposition(&exported.name)).map_err(|error| Problem::internal(&error))?;
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
    let body = Body::from_stream::<std::pin::Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>>(Box::pin(chunks));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(exported.media_type)),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, body).into_response())
}

/// RFC 6266: a name for those that know letters only, and the name itself as RFC 5987 writes it.
fn disposition(name: &str) -> String {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let mut text = format!("attachment; filename=\"export.{ending}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
