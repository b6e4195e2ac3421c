//! Map tiles of the layers in force and of the patches.

use super::{
    Desk, Problem,
    query::{self, Path, Query, query},
};
use crate::store::{PatchMark, PatchQuery};
use crate::tiles::{Tile, TileBuilder, Value};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::collections::{HashMap, hash_map::Entry};
use tuban_engine::classes::is_farmland;
use tuban_engine::model::{LayerKind, Period, PeriodRange, Standard};
use tuban_geom::Bounds;

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

/// Tiles drawn before, by place and by the `ETag`, which names all that they were drawn from.
pub type TileCache = moka::future::Cache<(Tile, String), Bytes>;

/// Bytes of tiles kept.
const KEPT_BYTES: u64 = 256 << 20;
/// Features a tile draws at most.
const FEATURES: u32 = 50_000;
/// Zoom from which patches are drawn with their outlines.
const OUTLINES_FROM: u8 = 12;
/// Spots along a tile's edge, each of two pixels.
const SPOTS: f64 = 256.0;

/// An empty cache.
pub fn cache() -> TileCache {
    moka::future::Cache::builder().max_capacity(KEPT_BYTES).weigher(|_, tile: &Bytes| 256 + tile.len() as u32).build()
}

/// One tile; 204 where it shows nothing.
#[utoipa::path(get, path = "/api/tiles/{source}/{z}/{x}/{y}", tag = "map", params(("source" = String, Path), ("z" = u8, Path), ("x" = u32, Path), ("y" = String, Path), TileQuery),
    responses((status = OK, content_type = "application/vnd.mapbox-vector-tile", body = Vec<u8>), (status = NO_CONTENT), (status = NOT_MODIFIED), (status = NOT_FOUND, body = Problem)))]
pub async fn tile(
    State(desk): State<Desk>,
    Path((source, z, x, y)): Path<(String, u8, u32, String)>,
    Query(query): Query<TileQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let row = y.strip_suffix(".mvt").unwrap_or(&y);
    let tile = Tile::new(z, x, query::value("y", row)?).ok_or_else(|| Problem::not_found(["瓦片", "tile"], &format!("{z}/{x}/{row}")))?;
    let source = Source::find(&desk, &source, &query).await?;
    let etag = source.etag();
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let key = (tile, etag.clone());
    let bytes = if let Some(bytes) = desk.tiles.get(&key).await {
        bytes
    } else {
        let bytes = Bytes::from(source.draw(&desk, tile).await?);
        desk.tiles.insert(key, bytes.clone()).await;
        bytes
    };
    let headers =
        [(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache".to_owned()), (header::CONTENT_TYPE, "application/vnd.mapbox-vector-tile".to_owned())];
    let status = if bytes.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK };
    Ok((status, headers, bytes).into_response())
}

/// What a tile is drawn from. Two tiles of one place with the same source are the same bytes.
struct Source {
    revision: i64,
    /// The program and the rule: the one draws, the other says what is farmland.
    maker: String,
    drawn: Drawn,
}

enum Drawn {
    /// The patches of these months.
    Patches(Option<PeriodRange>),
    /// This version of a layer, with the standard of its class codes; none where none is in force.
    Layer(LayerKind, Option<(i64, Option<Standard>)>),
}

impl Source {
    /// Asked of the store, not of the atlas, which follows a moment later.
    async fn find(desk: &Desk, name: &str, query: &TileQuery) -> Result<Self, Problem> {
        let monitor = &desk.monitor;
        let revision = monitor.store().revision().await?;
        let drawn = if name == "patches" {
            Drawn::Patches(query::range(query.period, query.until)?)
        } else {
            let kind: LayerKind = name.parse().map_err(|_| Problem::not_found(["瓦片来源", "tile source"], name))?;
            let layers = monitor.layers().await?;
            Drawn::Layer(kind, layers.iter().find(|(layer, in_force)| *in_force && layer.kind == kind).map(|(layer, _)| (layer.id, layer.classes)))
        };
        Ok(Self { revision, maker: format!("{}-{}", env!("CARGO_PKG_VERSION"), monitor.rule().version), drawn })
    }

    /// All that the bytes depend on, besides the place: MapLibre keeps a tile whose `ETag` is unchanged even where its address is another, so
    /// that of another month must differ.
    fn etag(&self) -> String {
        let Self { revision, maker, drawn } = self;
        let drawn = match drawn {
            Drawn::Patches(None) => "patches".to_owned(),
            Drawn::Patches(Some(range)) => format!("patches-{}-{}", range.from, range.until),
            Drawn::Layer(kind, version) => format!("{kind}-{}", version.map_or(0, |(id, _)| id)),
        };
        format!("\"{revision}-{drawn}-{:016x}\"", twox_hash::XxHash3_64::oneshot(maker.as_bytes()))
    }

    async fn draw(&self, desk: &Desk, tile: Tile) -> Result<Vec<u8>, Problem> {
        match self.drawn {
            Drawn::Patches(range) => draw_patches(desk, tile, range).await,
            Drawn::Layer(kind, Some((layer, classes))) if tile.z >= drawn_from(kind) => draw_layer(desk, kind, layer, classes, tile).await,
            Drawn::Layer(..) => Ok(Vec::new()),
        }
    }
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

async fn draw_layer(desk: &Desk, kind: LayerKind, layer: i64, classes: Option<Standard>, tile: Tile) -> Result<Vec<u8>, Problem> {
    let monitor = &desk.monitor;
    let features = monitor.store().features_within(layer, &tile.bounds(), FEATURES).await?;
    let mut builder = TileBuilder::new(tile, kind.word()).map_err(|error| Problem::internal(&error))?;
    for feature in &features {
        let outline = feature.repaired.as_ref().unwrap_or(&feature.degrees);
        let (code, name) = (Value::Text(&feature.facts.code), Value::Text(&feature.facts.name));
        let farmland = Value::Flag(is_farmland(classes, monitor.rule(), &feature.facts.code));
        let properties: &[(&str, Value<'_>)] = match kind {
            LayerKind::Farmland => &[("dlbm", code), ("dlmc", name), ("farmland", farmland)],
            LayerKind::Approved => &[("number", code)],
            LayerKind::County | LayerKind::BasicFarmland | LayerKind::RedLine | LayerKind::UrbanBoundary => &[("code", code), ("name", name)],
        };
        builder = builder.draw(outline, properties).map_err(|error| Problem::internal(&error))?;
    }
    Ok(builder.finish())
}

/// Patches with their outlines; from afar, or where they are too many for that, as marks.
async fn draw_patches(desk: &Desk, tile: Tile, range: Option<PeriodRange>) -> Result<Vec<u8>, Problem> {
    let wanted = PatchQuery { bounds: Some(tile.bounds()), range, limit: FEATURES, ..PatchQuery::default() };
    let store = desk.monitor.store();
    let failed = |error| Problem::internal(&error);
    if tile.z >= OUTLINES_FROM {
        let marks = store.patch_marks(&wanted, true).await?;
        if marks.len() < FEATURES as usize {
            let mut builder = TileBuilder::new(tile, "patches").map_err(failed)?;
            for mark in &marks {
                if let Some(outline) = &mark.degrees {
                    builder = builder.draw(outline, &properties(mark, 1)).map_err(failed)?;
                }
            }
            return Ok(builder.finish());
        }
    }
    let marks = store.patch_marks(&PatchQuery { limit: u32::MAX, ..wanted }, false).await?;
    let mut builder = TileBuilder::new(tile, "patches").map_err(failed)?;
    for (mark, patches) in by_spot(&marks, &tile.bounds()) {
        builder = builder.draw_mark(&mark.bounds, &properties(mark, patches)).map_err(failed)?;
    }
    Ok(builder.finish())
}

/// What a drawn patch says; `patches` is how many it stands for, so that what is left out on a spot is still told.
fn properties(mark: &PatchMark, patches: i64) -> [(&'static str, Value<'_>); 5] {
    [
        ("id", Value::Number(mark.id)),
        ("patch_id", Value::Text(&mark.patch_id)),
        ("verdict", Value::Text(&mark.verdict)),
        ("confirmed", Value::Flag(mark.confirmed)),
        ("patches", Value::Number(patches)),
    ]
}

/// Of the patches of one verdict on one spot of two pixels the first, and how many there are.
fn by_spot<'m>(marks: &'m [PatchMark], bounds: &Bounds) -> Vec<(&'m PatchMark, i64)> {
    let mut spots: Vec<(&PatchMark, i64)> = Vec::new();
    let mut known: HashMap<([i64; 2], &str, bool), usize> = HashMap::new();
    for mark in marks {
        let spot = [0, 1].map(|axis| ((mark.bounds.min[axis] - bounds.min[axis]) / (bounds.max[axis] - bounds.min[axis]) * SPOTS) as i64);
        match known.entry((spot, mark.verdict.as_str(), mark.confirmed)) {
            Entry::Occupied(place) => spots[*place.get()].1 += 1,
            Entry::Vacant(place) => {
                place.insert(spots.len());
                spots.push((mark, 1));
            }
        }
    }
    spots
}
