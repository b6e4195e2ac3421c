//! A file in, what it is and what would become of it out; nothing is stored.

use super::{
    Desk, Problem,
    query::{self, Query},
    upload::spool,
};
use crate::land::{LayerKind, Reject, Words};
use crate::monitor::inspect::{CrsSource, InspectFile, Inspection};
use crate::monitor::{FileLayer, Wanted};
use axum::{
    Json,
    extract::{Request, State},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// What is known of the file, and what it would be read for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InspectQuery {
    /// `survey` (default), or a kind of layer.
    kind: Option<String>,
    /// CRS of the file, `EPSG:N`, where it does not say itself or says wrong.
    crs: Option<String>,
    /// Which of its layers, where it has several.
    layer: Option<String>,
    /// What its text is in, `GBK`, `GB18030` or `UTF-8`, where that is taken wrongly.
    encoding: Option<String>,
    /// Name of the file.
    name: Option<String>,
    /// Which field is which, `OUR=THEIRS`, separated by commas.
    map: Option<String>,
}

/// What was seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectAnswer {
    format: String,
    layers: Vec<LayerSeen>,
    layer: Option<String>,
    crs: CrsSeen,
    encoding: Option<EncodingSeen>,
    fields: Vec<FieldSeen>,
    /// Our fields: what a field may be mapped to.
    our_fields: Vec<&'static str>,
    /// The first rows, as they are read.
    #[schema(value_type = Vec<Object>)]
    preview: Vec<Box<RawValue>>,
    /// West, south, east, north, degrees.
    extent: Option<[f64; 4]>,
    features: u64,
    accepted: u64,
    repaired: u64,
    rejected: u64,
    outside: u64,
    rejects: Vec<Reject>,
    defects: Vec<DefectSeen>,
    warnings: Vec<Words>,
    /// Why the whole would be refused as it is.
    problem: Option<Problem>,
    /// What would happen on import.
    outcome: Words,
}

/// A layer of the file.
#[derive(Debug, Serialize, ToSchema)]
struct LayerSeen {
    name: String,
    format: &'static str,
    geometry: String,
    polygonal: bool,
    features: Option<u64>,
    crs: Option<String>,
}

/// The CRS as found and as understood.
#[derive(Debug, Serialize, ToSchema)]
struct CrsSeen {
    /// As the file has it.
    found: Option<String>,
    /// As it would be read.
    understood: Option<String>,
    source: CrsSource,
}

/// What the text is read in.
#[derive(Debug, Serialize, ToSchema)]
struct EncodingSeen {
    label: &'static str,
    why: Words,
}

/// A field of the file.
#[derive(Debug, Serialize, ToSchema)]
struct FieldSeen {
    name: String,
    taken_for: Option<String>,
}

/// A repair.
#[derive(Debug, Serialize, ToSchema)]
struct DefectSeen {
    row: u64,
    #[serde(flatten)]
    words: Words,
}

/// Looks at a file as `POST /api/surveys` would read it: the file as raw body or as part `file` of a form. Nothing is stored.
#[utoipa::path(post, path = "/api/inspect", tag = "surveys", params(InspectQuery), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = OK, body = InspectAnswer), (status = BAD_REQUEST, body = Problem), (status = PAYLOAD_TOO_LARGE, body = Problem), (status = UNSUPPORTED_MEDIA_TYPE, body = Problem)))]
pub async fn inspect(State(desk): State<Desk>, Query(query): Query<InspectQuery>, request: Request) -> Result<Json<InspectAnswer>, Problem> {
    let wanted = match query.kind.as_deref() {
        None | Some("" | "survey") => Wanted::Survey,
        Some(kind) => Wanted::Layer(query::read::<LayerKind>("kind", kind)?),
    };
    let stated = query::stated(query.crs.as_deref(), query.layer.as_deref(), query.encoding.as_deref())?;
    let map = query::map(query.map.as_deref());
    let spooled = spool(&desk, request).await?;
    let name = query.name.or(spooled.name).unwrap_or_else(|| "survey".to_owned());
    let monitor = std::sync::Arc::clone(&desk.monitor);
    monitor.refresh_atlas().await?;
    let file = spooled.file;
    let seen = tokio::task::spawn_blocking(move || monitor.inspect(&InspectFile { path: file.path(), name: &name, wanted, stated, map }));
    let seen = seen.await.map_err(|error| Problem::internal(&error))??;
    Ok(Json(seen.into()))
}

impl From<Inspection> for InspectAnswer {
    fn from(seen: Inspection) -> Self {
        let outcome = seen.outcome();
        let chosen = seen.layer.as_ref().and_then(|name| seen.layers.iter().find(|layer| layer.name == *name));
        let found = chosen.and_then(|layer| layer.crs.as_ref()).map(|crs| crs.found.clone());
        let crs = CrsSeen { found, understood: seen.crs.map(|crs| crs.to_string()), source: seen.crs_source };
        Self {
            layers: seen.layers.iter().map(LayerSeen::from).collect(),
            format: seen.format,
            layer: seen.layer,
            crs,
            encoding: seen.encoding.map(|choice| EncodingSeen { label: choice.label, why: choice.why }),
            fields: seen.fields.into_iter().map(|(name, taken_for)| FieldSeen { name, taken_for }).collect(),
            our_fields: seen.ours,
            preview: seen.preview.into_iter().filter_map(|row| RawValue::from_string(row).ok()).collect(),
            extent: seen.extent.map(|at| [at.min[0], at.min[1], at.max[0], at.max[1]]),
            features: seen.features,
            accepted: seen.accepted,
            repaired: seen.repaired,
            rejected: seen.rejected,
            outside: seen.outside,
            rejects: seen.rejects,
            defects: seen.defects.into_iter().map(|(row, words)| DefectSeen { row, words }).collect(),
            warnings: seen.warnings,
            problem: seen.problem.as_ref().map(Problem::from),
            outcome,
        }
    }
}

impl From<&FileLayer> for LayerSeen {
    fn from(layer: &FileLayer) -> Self {
        Self {
            name: layer.name.clone(),
            format: layer.format,
            geometry: layer.geometry.clone(),
            polygonal: layer.polygonal,
            features: layer.count,
            crs: layer.crs.as_ref().map(|crs| crs.found.clone()),
        }
    }
}
