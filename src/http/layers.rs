//! Layer versions: listed, and taken in.

use super::{
    Client, Desk, Problem,
    answers::{LayerAnswer, LayerTaken},
    corrections::{Corrections, LayerCorrections},
    jobs::JobAnswer,
    query::{Query, query},
    upload::Arrived,
};
use crate::scope::Scope;
use crate::service::{jobs::Done, layers::import::LayerFile};
use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use serde::Serialize;
use tuban_engine::model::LayerKind;
use utoipa::ToSchema;

/// All layer versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Layers {
    layers: Vec<LayerAnswer>,
}

/// All layer versions, and which are in force.
#[utoipa::path(get, path = "/api/layers", tag = "layers", responses((status = OK, body = Layers)))]
pub async fn layers(State(desk): State<Desk>) -> Result<Json<Layers>, Problem> {
    let layers = desk.service.layers().await?.into_iter().map(|(layer, in_force)| LayerAnswer::new(layer, in_force)).collect();
    Ok(Json(Layers { layers }))
}

query! {
    /// What the layer is.
    #[derive(Debug)]
    pub struct LayerQuery {
        /// What it tells: `county`, `farmland`, `basic_farmland`, `red_line`, `urban_boundary` or `approved`.
        kind: LayerKind,
        /// What people call it.
        name: String,
        /// The day from which it counts, `YYYY-MM-DD`.
        effective: Date,
        /// Name of the file.
        file: Option<String>,
        /// The token of a file that `POST /api/inspect` keeps; then nothing is sent.
        from: Option<String>,
    }
}

/// Takes a layer version in: the file as raw body or as part `file` of a form, or one that was looked at and waits. Answers when done, or at once with `Prefer: respond-async`.
#[utoipa::path(post, path = "/api/layers", tag = "layers", params(LayerQuery, LayerCorrections, Corrections), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = CREATED, body = LayerTaken), (status = ACCEPTED, body = JobAnswer),
        (status = BAD_REQUEST, body = Problem), (status = NOT_FOUND, body = Problem), (status = PAYLOAD_TOO_LARGE, body = Problem),
        (status = GONE, description = "the job was cancelled", body = Problem), (status = UNPROCESSABLE_ENTITY, body = Problem), (status = TOO_MANY_REQUESTS, body = Problem)))]
pub async fn take_layer(
    State(desk): State<Desk>,
    scope: Scope,
    client: Client,
    Query(query): Query<LayerQuery>,
    Query(of_layer): Query<LayerCorrections>,
    Query(corrections): Query<Corrections>,
    request: Request,
) -> Result<Response, Problem> {
    let (codes, approval_kind) = of_layer.said();
    let (stated, map) = corrections.said();
    let arrived = Arrived::take(&desk, client, query.from, request).await?;
    let spooled = &arrived.file;
    let file = LayerFile {
        file_name: query.file.or_else(|| spooled.name.clone()).unwrap_or_else(|| "layer.geojson".to_owned()),
        stated,
        map,
        codes,
        approval_kind,
        sha256: Some(spooled.sha256.clone()),
        ..LayerFile::new(spooled.path().to_owned(), query.kind, query.name, query.effective)
    };
    let job = desk.service.queue_layer_import(&scope, &file, &desk.quota(client)).await?;
    arrived.answer(&desk, &scope, &job, answer).await
}

fn answer(done: Done) -> Option<Response> {
    let Done::Layer { layer, in_force, rejects } = done else { return None };
    Some((StatusCode::CREATED, Json(LayerTaken::new(LayerAnswer::new(*layer, in_force), rejects))).into_response())
}
