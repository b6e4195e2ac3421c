//! Map tiles of the layers in force and of the patches.

use super::{
    Desk, Problem,
    query::{self, Path, Query},
};
use crate::land::LayerKind;
use crate::store::PatchQuery;
use crate::tiles::{Tile, TileBuilder, Value};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::collections::HashSet;
use utoipa::IntoParams;

/// Which months' patches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TileQuery {
    /// First period, taken wholly: `2022-04`, `2022-Q2` or `2022`; all where absent.
    period: Option<String>,
    /// Last period, taken wholly.
    until: Option<String>,
}

/// Tiles drawn before, by place, months, and what they were drawn from: revision of the store, version of the layer.
pub type TileCache = moka::future::Cache<(String, Tile, TileQuery, [i64; 2]), Bytes>;

/// Bytes of tiles kept.
const KEPT_BYTES: u64 = 256 << 20;
/// Features a tile draws at most.
const FEATURES: u32 = 50_000;
/// Zoom from which patches are drawn with their outlines.
const OUTLINES_FROM: u8 = 12;

/// An empty cache.
pub fn cache() -> TileCache {
    moka::future::Cache::builder().max_capacity(KEPT_BYTES).weigher(|_, tile: &Bytes| 256 + tile.len() as u32).build()
}

/// One tile; 204 where it shows nothing.
#[utoipa::path(get, path = "/api/tiles/{source}/{z}/{x}/{y}", tag = "map", params(("source" = String, Path), ("z" = u8, Path), ("x" = u32, Path), ("y" = String, Path), TileQuery),
    responses((status = OK, content_type = "application/vnd.mapbox-vector-tile", body = Vec<u8>), (status = NO_CONTENT), (status = NOT_FOUND, body = Problem)))]
pub async fn tile(
    State(desk): State<Desk>,
    Path((source, z, x, y)): Path<(String, u8, u32, String)>,
    Query(query): Query<TileQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = y.strip_suffix(".mvt").unwrap_or(&y);
    let tile = Tile::new(z, x, query::read("y", row)?).ok_or_else(|| Problem::not_found(["瓦片", "tile"], &format!("{z}/{x}/{row}")))?;
    let revision = desk.monitor.store().revision().await?;
    // The atlas follows the store within a second; until then the layer drawn is the one before.
    let layer = desk.monitor.atlas().used().into_iter().find(|used| used.kind.word() == source).map_or(0, |used| used.id);
    let etag = format!("\"{revision}-{layer}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let key = (source.clone(), tile, query.clone(), [revision, layer]);
    let bytes = if let Some(bytes) = desk.tiles.get(&key).await {
        bytes
    } else {
        let bytes = Bytes::from(draw(&desk, &source, tile, &query).await?);
        desk.tiles.insert(key, bytes.clone()).await;
        bytes
    };
    let headers =
        [(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache".to_owned()), (header::CONTENT_TYPE, "application/vnd.mapbox-vector-tile".to_owned())];
    let status = if bytes.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK };
    Ok((status, headers, bytes).into_response())
}

async fn draw(desk: &Desk, source: &str, tile: Tile, query: &TileQuery) -> Result<Vec<u8>, Problem> {
    if source == "patches" {
        return draw_patches(desk, tile, query).await;
    }
    let kind: LayerKind = source.parse().map_err(|_| Problem::not_found(["瓦片来源", "tile source"], source))?;
    draw_layer(desk, kind, tile).await
}

/// The zoom below which a layer is too dense to be drawn.
fn drawn_from(kind: LayerKind) -> u8 {
    match kind {
        LayerKind::Farmland => 13,
        LayerKind::Approved => 11,
        LayerKind::BasicFarmland => 10,
        LayerKind::County | LayerKind::RedLine | LayerKind::UrbanBoundary => 0,
    }
}

async fn draw_layer(desk: &Desk, kind: LayerKind, tile: Tile) -> Result<Vec<u8>, Problem> {
    let monitor = &desk.monitor;
    if tile.z < drawn_from(kind) {
        return Ok(Vec::new());
    }
    // Asked of the store, not of the atlas: that follows a moment later, and a tile is kept for the revision it was drawn at.
    let Some((layer, _)) = monitor.layers().await?.into_iter().find(|(layer, in_force)| *in_force && layer.kind == kind) else { return Ok(Vec::new()) };
    let features = monitor.store().features_within(layer.id, &tile.bounds(), FEATURES).await?;
    let mut builder = TileBuilder::new(tile, kind.word()).map_err(|error| Problem::internal(&error))?;
    for feature in &features {
        let outline = feature.repaired.as_ref().unwrap_or(&feature.degrees);
        let (code, name) = (Value::Text(&feature.facts.code), Value::Text(&feature.facts.name));
        let farmland = Value::Flag(monitor.rule().is_farmland(&feature.facts.code));
        let properties: &[(&str, Value<'_>)] = match kind {
            LayerKind::Farmland => &[("dlbm", code), ("dlmc", name), ("farmland", farmland)],
            LayerKind::Approved => &[("number", code)],
            LayerKind::County | LayerKind::BasicFarmland | LayerKind::RedLine | LayerKind::UrbanBoundary => &[("code", code), ("name", name)],
        };
        builder = builder.draw(outline, properties).map_err(|error| Problem::internal(&error))?;
    }
    Ok(builder.finish())
}

async fn draw_patches(desk: &Desk, tile: Tile, query: &TileQuery) -> Result<Vec<u8>, Problem> {
    let with_outlines = tile.z >= OUTLINES_FROM;
    let bounds = tile.bounds();
    let wanted = PatchQuery {
        bounds: Some(bounds),
        range: query::range(query.period.as_deref(), query.until.as_deref())?,
        limit: if with_outlines { FEATURES } else { u32::MAX },
        ..PatchQuery::default()
    };
    let marks = desk.monitor.store().patch_marks(&wanted, with_outlines).await?;
    let mut builder = TileBuilder::new(tile, "patches").map_err(|error| Problem::internal(&error))?;
    // From afar, of the patches of one verdict on one spot of two pixels one is enough.
    let spots = 256.0;
    let mut seen = HashSet::new();
    for mark in &marks {
        let properties = [("id", Value::Number(mark.id)), ("patch_id", Value::Text(&mark.patch_id)), ("verdict", Value::Text(&mark.verdict))];
        builder = if let Some(outline) = &mark.degrees {
            builder.draw(outline, &properties)
        } else {
            let spot = [0, 1].map(|axis| ((mark.bounds.min[axis] - bounds.min[axis]) / (bounds.max[axis] - bounds.min[axis]) * spots) as i64);
            if !seen.insert((spot, mark.verdict.as_str())) {
                continue;
            }
            builder.draw_mark(&mark.bounds, &properties)
        }
        .map_err(|error| Problem::internal(&error))?;
    }
    Ok(builder.finish())
}
