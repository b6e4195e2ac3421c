//! Patches and their findings, as GeoJSON.

use super::{
    Desk, Problem,
    answers::PatchAnswer,
    findings::{FindingAnswer, FormerAnswer},
    query::{self, Path, Query},
};
use crate::land::Words;
use crate::store::{PatchPosition, PatchQuery};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which patches.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PatchesQuery {
    /// `west,south,east,north`, degrees.
    bbox: Option<String>,
    /// Six digits, or a county's name.
    county: Option<String>,
    /// First period, taken wholly: `2022-04`, `2022-Q2` or `2022`.
    period: Option<String>,
    /// Last period, taken wholly.
    until: Option<String>,
    /// Number of a survey.
    survey: Option<String>,
    /// The patch's own id.
    patch_id: Option<String>,
    /// `legal`, `illegal`, `suspected_illegal`, `other`, `doubtful`: the verdict shown; `pending`; or `confirmed_legal`, `confirmed_illegal`, `confirmed_other`,
    /// `confirmed_doubtful`: only what was confirmed.
    verdict: Option<String>,
    /// At most so many, 1 to 5000; 500 where absent.
    limit: Option<String>,
    /// Where to go on, from `next`.
    after: Option<String>,
}

/// The sums of which months are meant, in what is taken off a patch.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PatchMonths {
    /// First month, `YYYY-MM`; the patch's own period where absent.
    period: Option<String>,
    /// Last month; `period` where absent.
    until: Option<String>,
}

/// Patches as a GeoJSON FeatureCollection.
#[derive(Debug, Serialize, ToSchema)]
pub struct Patches {
    #[serde(rename = "type")]
    kind: &'static str,
    features: Vec<PatchAnswer>,
    /// A relative URL to go on with, or null.
    next: Option<String>,
}

fn geojson(body: &impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/geo+json"));
    response
}

/// Reads where to go on: `SURVEY-PATCH`, as `next` has it.
fn place(text: Option<&str>) -> Result<PatchPosition, Problem> {
    let Some(text) = text else { return Ok(PatchPosition::default()) };
    let (survey, patch) = text.split_once('-').ok_or_else(|| Problem::parameter("after", &Words::new("请照 next 里的写", "take it from next")))?;
    Ok(PatchPosition { survey: query::read("after", survey)?, patch: query::read("after", patch)? })
}

/// Patches with their areas and verdicts, page by page.
#[utoipa::path(get, path = "/api/patches", tag = "patches", params(PatchesQuery), responses((status = OK, body = Patches, content_type = "application/geo+json"), (status = BAD_REQUEST, body = Problem)))]
pub async fn patches(State(desk): State<Desk>, Query(query): Query<PatchesQuery>, uri: axum::http::Uri) -> Result<Response, Problem> {
    let limit = query::limit(query.limit.as_deref(), 500, 5000)?;
    let wanted = PatchQuery {
        bounds: query::bbox(query.bbox.as_deref(), desk.monitor.atlas().counties_bounds())?,
        county: query::county(&desk.monitor, query.county.as_deref()).await?,
        range: query::range(query.period.as_deref(), query.until.as_deref())?,
        survey: query::read_if("survey", query.survey.as_deref())?,
        patch_id: query.patch_id.clone(),
        verdict: query::read_if("verdict", query.verdict.as_deref())?,
        after: place(query.after.as_deref())?,
        limit,
    };
    let store = desk.monitor.store();
    if let Some(survey) = wanted.survey {
        store.survey(survey).await?;
    }
    let patches = store.patches(&wanted).await?;
    if let (true, Some(county)) = (patches.is_empty(), &wanted.county) {
        desk.monitor.know_county(county).await?;
    }
    let next = patches.last().filter(|_| patches.len() == limit as usize).map(|last| {
        let kept: Vec<&str> = uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after=")).collect();
        format!("/api/patches?{}{}after={}-{}", kept.join("&"), if kept.is_empty() { "" } else { "&" }, last.survey_id, last.id)
    });
    let mut taken_off = desk.monitor.taken_off(&patches, wanted.range).await?;
    let mut features = Vec::with_capacity(patches.len());
    for patch in patches {
        let (set, taken_off) = (desk.monitor.layer_set(patch.finding.layer_set).await?, taken_off.remove(&patch.id));
        features.push(PatchAnswer::new(patch, &set.provenance, taken_off, None));
    }
    Ok(geojson(&Patches { kind: "FeatureCollection", features, next }))
}

/// One patch with its finding: what it occupies, and why.
#[utoipa::path(get, path = "/api/patches/{id}", tag = "patches", params(("id" = i64, Path), PatchMonths), responses((status = OK, body = PatchAnswer, content_type = "application/geo+json"), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem)))]
pub async fn patch(State(desk): State<Desk>, Path(id): Path<i64>, Query(months): Query<PatchMonths>) -> Result<Response, Problem> {
    let range = query::range(months.period.as_deref(), months.until.as_deref())?;
    let store = desk.monitor.store();
    let patch = store.patch(id).await?;
    let set = desk.monitor.layer_set(patch.finding.layer_set).await?;
    let mut history = Vec::new();
    for former in store.former_findings(id).await? {
        let set = desk.monitor.layer_set(former.finding.layer_set).await?;
        history.push(FormerAnswer::new(former, &set.provenance));
    }
    let tolerance = desk.monitor.tolerance_of(&set.provenance);
    let outline = patch.patch.repaired.as_ref().unwrap_or(&patch.patch.degrees);
    let lacking = desk.monitor.left_out_of(&patch.finding, &set.provenance.layers, &outline.bounds()).await?;
    let why = FindingAnswer::new(&patch.finding, &patch.patch.defects, set.provenance.clone(), &patch.patch.days, &tolerance);
    let why = why.lacking(lacking).with_history(history);
    let taken_off = desk.monitor.taken_off(std::slice::from_ref(&patch), range).await?.remove(&id);
    Ok(geojson(&PatchAnswer::new(patch, &set.provenance, taken_off, Some(why))))
}
