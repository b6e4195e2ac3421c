//! Patches and their findings, as GeoJSON.

use super::{
    Desk, Problem,
    answers::PatchAnswer,
    findings::{FindingAnswer, FormerAnswer},
    query::{self, Path, Query, query},
    schemas,
    values::{Bbox, CountyKey, Limit},
};
use crate::scope::Scope;
use crate::service::ServiceError;
use crate::service::patches::{Filter, PatchPosition, StoredPatch, VerdictFilter};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::Stream;
use serde::Serialize;
use std::collections::BTreeMap;
use tuban_engine::model::{Period, TakenOff};
use utoipa::ToSchema;

query! {
    /// Which patches.
    #[derive(Debug)]
    pub struct PatchesQuery {
        /// `west,south,east,north`, degrees.
        bbox: Option<Bbox>,
        /// Six digits, or a county's name.
        county: Option<CountyKey>,
        /// First period, taken wholly: `2022-04`, `2022-Q2` or `2022`.
        period: Option<Period>,
        /// Last period, taken wholly.
        until: Option<Period>,
        /// Number of a survey.
        survey: Option<i64>,
        /// The patch's own id.
        patch_id: Option<String>,
        /// `legal`, `illegal`, `suspected_illegal`, `other`, `doubtful`: the verdict shown; `pending`; or `confirmed_legal`, `confirmed_illegal`, `confirmed_other`,
        /// `confirmed_doubtful`: only what was confirmed.
        verdict: Option<VerdictFilter>,
        /// At most so many, 1 to 5000; 500 where absent.
        limit: Option<Limit<500, 5000>>,
        /// Where to go on, from `next`.
        after: Option<PatchPosition>,
    }
}

query! {
    /// The sums of which months are meant, in what is taken off a patch.
    #[derive(Debug)]
    pub struct PatchMonths {
        /// First month, `YYYY-MM`; the patch's own period where absent.
        period: Option<Period>,
        /// Last month; `period` where absent.
        until: Option<Period>,
    }
}

/// Patches as a GeoJSON FeatureCollection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PatchPage)]
pub struct Patches {
    #[serde(rename = "type")]
    #[schema(schema_with = schemas::feature_collection)]
    kind: &'static str,
    features: Vec<PatchAnswer>,
    /// A relative URL to go on with, or null.
    next: Option<String>,
}

const GEOJSON: &str = "application/geo+json";

fn geojson(body: &impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(GEOJSON));
    response
}

/// Patches with their areas and verdicts, page by page.
#[utoipa::path(get, path = "/api/patches", tag = "patches", params(PatchesQuery), responses((status = OK, body = Patches, content_type = "application/geo+json"), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, description = "there is no such survey or county", body = Problem)))]
pub async fn patches(State(desk): State<Desk>, scope: Scope, Query(query): Query<PatchesQuery>, uri: axum::http::Uri) -> Result<Response, Problem> {
    let limit = Limit::or_usual(query.limit);
    let wanted = Filter {
        scope,
        bounds: query.bbox.map(|bbox| bbox.within(desk.service.atlas().counties_bounds())).transpose()?,
        county: match query.county {
            Some(county) => Some(county.code(&desk.service).await?),
            None => None,
        },
        range: query::range(query.period, query.until)?,
        survey: query.survey,
        patch_id: query.patch_id,
        verdict: query.verdict,
        after: query.after.unwrap_or_default(),
        limit,
    };
    if let Some(survey) = wanted.survey {
        desk.service.survey(&wanted.scope, survey).await?;
    }
    let first = Portion::read(&desk, &wanted, limit).await?;
    if let (true, Some(county)) = (first.patches.is_empty(), &wanted.county) {
        desk.service.know_county(county).await?;
    }
    let chunks = feature_collection(desk, wanted, first, uri.query().unwrap_or_default().to_owned());
    Ok(([(header::CONTENT_TYPE, GEOJSON)], Body::from_stream(chunks)).into_response())
}

/// Patches read at a time: a page of the largest size is never held whole, also for a slow reader.
const PORTION: u32 = 1000;
/// Bytes sent at a time, or a little more.
const CHUNK: usize = 64 << 10;

/// Some patches of a page, with what is taken off them.
struct Portion {
    patches: Vec<StoredPatch>,
    taken_off: BTreeMap<i64, TakenOff>,
    /// Patches of the page that come after them, at most.
    left: u32,
}

impl Portion {
    /// The next ones, of `left` at most.
    async fn read(desk: &Desk, wanted: &Filter, left: u32) -> Result<Self, ServiceError> {
        let limit = left.min(PORTION);
        let patches = desk.service.patches(&Filter { limit, ..wanted.clone() }).await?;
        let taken_off = desk.service.taken_off(&wanted.scope, &patches, wanted.range).await?;
        let is_last = patches.len() < limit as usize;
        Ok(Self { patches, taken_off, left: if is_last { 0 } else { left - limit } })
    }
}

/// The page as text, portion by portion. An error behind the first one ends it short, so that it is no JSON and cannot be taken for the whole.
fn feature_collection(desk: Desk, mut wanted: Filter, first: Portion, asked: String) -> impl Stream<Item = Result<Bytes, ServiceError>> {
    async_stream::try_stream! {
        let limit = wanted.limit;
        let (mut portion, mut sent, mut last) = (first, 0_u32, None);
        let mut text = br#"{"type":"FeatureCollection","features":["#.to_vec();
        loop {
            for patch in portion.patches {
                if sent > 0 {
                    text.push(b',');
                }
                (sent, last) = (sent + 1, Some(patch.place()));
                let (set, taken_off) = (desk.service.layer_set(patch.finding.layer_set).await?, portion.taken_off.remove(&patch.id));
                serde_json::to_writer(&mut text, &PatchAnswer::new(patch, &set.provenance, taken_off, None)).map_err(std::io::Error::from)?;
                if text.len() >= CHUNK {
                    yield Bytes::from(std::mem::take(&mut text));
                }
            }
            let (true, Some(after)) = (portion.left > 0, last) else { break };
            wanted.after = after;
            portion = Portion::read(&desk, &wanted, portion.left).await?;
        }
        let next = last.filter(|_| sent == limit).map(|last| next(&asked, last));
        text.extend_from_slice(br#"],"next":"#);
        serde_json::to_writer(&mut text, &next).map_err(std::io::Error::from)?;
        text.push(b'}');
        yield Bytes::from(text);
    }
}

/// Where the next page is, of what was asked for.
fn next(asked: &str, last: PatchPosition) -> String {
    let kept: Vec<&str> = asked.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after=")).collect();
    format!("/api/patches?{}{}after={}-{}", kept.join("&"), if kept.is_empty() { "" } else { "&" }, last.survey, last.patch)
}

/// One patch with its finding: what it occupies, and why.
#[utoipa::path(get, path = "/api/patches/{id}", tag = "patches", params(("id" = i64, Path), PatchMonths), responses((status = OK, body = PatchAnswer, content_type = "application/geo+json"), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem)))]
pub async fn patch(State(desk): State<Desk>, scope: Scope, Path(id): Path<i64>, Query(months): Query<PatchMonths>) -> Result<Response, Problem> {
    let range = query::range(months.period, months.until)?;
    let patch = desk.service.patch(&scope, id).await?;
    let set = desk.service.layer_set(patch.finding.layer_set).await?;
    let mut history = Vec::new();
    for former in desk.service.former_findings(&scope, id).await? {
        let set = desk.service.layer_set(former.finding.layer_set).await?;
        history.push(FormerAnswer::new(former, &set.provenance));
    }
    let tolerance = desk.service.tolerance_of(&set.provenance);
    let outline = patch.patch.repaired.as_ref().unwrap_or(&patch.patch.degrees);
    let lacking = desk.service.left_out_of(&patch.finding, &set.provenance.layers, &outline.bounds()).await?;
    let why = FindingAnswer::new(&patch.finding, &patch.patch.defects, set.provenance.clone(), &patch.patch.days, &tolerance);
    let why = why.lacking(lacking).with_history(history);
    let taken_off = desk.service.taken_off(&scope, std::slice::from_ref(&patch), range).await?.remove(&id);
    Ok(geojson(&PatchAnswer::new(patch, &set.provenance, taken_off, Some(why))))
}
