//! A file in, what it is and what would become of it out; nothing is stored. The file itself may wait here until people have made up their minds.

use super::{
    Client, Desk, Problem,
    corrections::{Corrections, LayerCorrections},
    query::{Query, query},
    spooled::Spooled,
    upload::spool,
    values::YesOrNo,
};
use crate::service::{
    FileLayer, Wanted,
    reading::inspect::{CrsSource, InspectFile, Inspection},
};
use axum::{
    Json,
    extract::{Request, State},
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use tuban_engine::model::{Reject, Words};
use utoipa::ToSchema;

query! {
    /// What is known of the file, and what it would be read for.
    #[derive(Debug)]
    pub struct InspectQuery {
        /// `survey` (default), or a kind of layer.
        kind: Option<Wanted>,
        /// Name of the file.
        name: Option<String>,
        /// `true`: keep the file for half an hour, under the `token` of the answer.
        keep: Option<YesOrNo>,
        /// The token of a file that waits here; then nothing is sent.
        from: Option<String>,
    }
}

/// What was seen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Inspection)]
pub struct InspectAnswer {
    /// What the file waits under, for `from=`; null where it was not to be kept, or there is no room: send it again.
    token: Option<String>,
    /// SHA-256 of what was sent, in hexadecimal.
    sha256: String,
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
    /// What it could be instead, where the coordinates contradict it.
    candidates: Vec<String>,
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

/// Looks at a file as `POST /api/surveys` would read it: the file as raw body or as part `file` of a form, or one that waits here. Nothing is stored.
#[utoipa::path(post, path = "/api/inspect", tag = "surveys", params(InspectQuery, LayerCorrections, Corrections), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = OK, body = InspectAnswer), (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = PAYLOAD_TOO_LARGE, body = Problem), (status = TOO_MANY_REQUESTS, body = Problem), (status = UNSUPPORTED_MEDIA_TYPE, body = Problem)))]
pub async fn inspect(
    State(desk): State<Desk>,
    client: Client,
    Query(query): Query<InspectQuery>,
    Query(of_layer): Query<LayerCorrections>,
    Query(corrections): Query<Corrections>,
    request: Request,
) -> Result<Json<InspectAnswer>, Problem> {
    let wanted = query.kind.unwrap_or(Wanted::Survey);
    let keep = YesOrNo::is_yes(query.keep);
    let (codes, approval_kind) = of_layer.said();
    let (stated, map) = corrections.said();
    let (spooled, token) = if let Some(token) = query.from {
        (desk.waiting.get(&token)?, Some(token))
    } else {
        if keep {
            desk.waiting.has_room(client)?;
        }
        (Arc::new(spool(&desk, request).await?), None)
    };
    let name = query.name.or_else(|| spooled.name.clone()).unwrap_or_else(|| "survey".to_owned());
    let turn = Arc::clone(&desk.inspections).acquire_owned().await.map_err(|error| Problem::internal(&error))?;
    let service = Arc::clone(&desk.service);
    service.refresh_atlas().await?;
    let file = Arc::clone(&spooled);
    // Dropped with this request, also where its client leaves: the work ends soon after, and holds its turn until then.
    let asking = Arc::new(());
    let asked = Arc::downgrade(&asking);
    let seen = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        service.inspect(&InspectFile { path: file.path(), name: &name, wanted, stated, map, codes, approval_kind }, Some(asked))
    });
    let seen = seen.await.map_err(|error| Problem::internal(&error))??;
    drop(asking);
    let token = token.or_else(|| keep.then(|| desk.waiting.put(client, &spooled)).flatten());
    Ok(Json(InspectAnswer::new(seen, &spooled, token)))
}

impl InspectAnswer {
    fn new(seen: Inspection, spooled: &Spooled, token: Option<String>) -> Self {
        let outcome = seen.outcome();
        let crs = CrsSeen {
            found: seen.crs_found,
            understood: seen.crs.map(|crs| crs.to_string()),
            source: seen.crs_source,
            candidates: seen.crs_candidates.iter().map(ToString::to_string).collect(),
        };
        Self {
            token,
            sha256: spooled.sha256.clone(),
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
