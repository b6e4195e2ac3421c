//! Map tiles of the layers in force and of the patches.

use super::{
    Desk, Problem,
    query::{self, Path, Query, query},
};
use crate::scope::Scope;
use crate::service::tiles::{DrawnTile, Tile, TileOf};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tuban_engine::model::Period;

query! {
    /// Which months' patches.
    #[derive(Debug)]
    #[expect(dead_code, reason = "`v` is part of the address alone")]
    pub struct TileQuery {
        /// First period, taken wholly: `2022-04`, `2022-Q2` or `2022`; all where absent.
        period: Option<Period>,
        /// Last period, taken wholly.
        until: Option<Period>,
        /// Any text; makes another address of the same tile, for programs that keep tiles by address.
        v: Option<String>,
    }
}

/// One tile; 204 where it shows nothing.
#[utoipa::path(get, path = "/api/tiles/{source}/{z}/{x}/{y}", tag = "map", params(("source" = String, Path), ("z" = u8, Path), ("x" = u32, Path), ("y" = String, Path), TileQuery),
    responses((status = OK, content_type = "application/vnd.mapbox-vector-tile", body = Vec<u8>), (status = NO_CONTENT), (status = NOT_MODIFIED), (status = NOT_FOUND, body = Problem)))]
pub async fn tile(
    State(desk): State<Desk>,
    scope: Scope,
    Path((source, z, x, y)): Path<(String, u8, u32, String)>,
    Query(query): Query<TileQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = y.strip_suffix(".mvt").unwrap_or(&y);
    let tile = Tile::new(z, x, query::value("y", row)?).ok_or_else(|| Problem::not_found(["瓦片", "tile"], &format!("{z}/{x}/{row}")))?;
    let of = if source == "patches" {
        TileOf::Patches(query::range(query.period, query.until)?)
    } else {
        TileOf::Layer(source.parse().map_err(|_| Problem::not_found(["瓦片来源", "tile source"], &source))?)
    };
    let known = headers.get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes);
    let DrawnTile { etag, bytes } = desk.service.tile(&scope, tile, of, known).await?;
    let Some(bytes) = bytes else { return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()) };
    let headers = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::CONTENT_TYPE, "application/vnd.mapbox-vector-tile".to_owned()),
    ];
    let status = if bytes.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK };
    Ok((status, headers, bytes).into_response())
}
