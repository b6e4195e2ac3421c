//! Map tiles of the layers in force and of the patches: what is drawn at which zoom, and what a tile says of itself.

use super::{Service, ServiceError};
use crate::scope::Scope;
use crate::store::{Filter, PatchMark};
pub use crate::tiles::Tile;
use crate::tiles::{TileBuilder, Value};
use axum::body::Bytes;
use std::collections::{HashMap, hash_map::Entry};
use std::hash::{Hash, Hasher};
use tuban_engine::classes::is_farmland;
use tuban_engine::model::{LayerKind, PeriodRange, Standard};
use tuban_geom::Bounds;
use twox_hash::XxHash3_64;

/// Tiles drawn before, by place, who asks, and all that they were drawn from.
pub(super) type Cache = moka::future::Cache<(Tile, Scope, String), Bytes>;

/// What [`Service::tiles_version`] answered, by who asks and the revision.
pub(super) type Versions = moka::future::Cache<(Scope, i64), String>;

/// Bytes of tiles kept.
const KEPT_BYTES: u64 = 256 << 20;
/// Versions kept.
const VERSIONS: u64 = 256;
/// Features a tile draws at most.
const FEATURES: u32 = 50_000;
/// Zoom from which patches are drawn with their outlines.
const OUTLINES_FROM: u8 = 12;
/// Spots along a tile's edge, each of two pixels.
const SPOTS: f64 = 256.0;

/// An empty cache.
pub(super) fn cache() -> Cache {
    moka::future::Cache::builder().max_capacity(KEPT_BYTES).weigher(|_, tile: &Bytes| 256 + tile.len() as u32).build()
}

/// An empty cache of versions.
pub(super) fn versions() -> Versions {
    moka::future::Cache::new(VERSIONS)
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileOf {
    /// The patches of these months; of all where none are named.
    Patches(Option<PeriodRange>),
    /// The version of a layer that is in force.
    Layer(LayerKind),
}

/// A tile as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnTile {
    /// What is drawn, and a hash of the bytes.
    pub etag: String,
    /// Mapbox Vector Tile, empty where it shows nothing; `None` where the asker knows it by its `ETag`.
    pub bytes: Option<Bytes>,
}

impl TileOf {
    /// What is drawn, as a word: MapLibre keeps a tile whose `ETag` is unchanged even where its address is another, so that of another month or layer must differ.
    fn word(self) -> String {
        match self {
            Self::Patches(None) => "patches".to_owned(),
            Self::Patches(Some(range)) => format!("patches-{}-{}", range.from, range.until),
            Self::Layer(kind) => kind.to_string(),
        }
    }

    /// The `ETag` of these bytes. It tells of nothing that is not drawn: what changes elsewhere changes no tile's.
    fn etag(self, bytes: &[u8]) -> String {
        format!("\"{}-{:016x}\"", self.word(), XxHash3_64::oneshot(bytes))
    }
}

impl Service {
    /// Draws a tile, or finds it among those drawn before.
    pub async fn tile(&self, scope: &Scope, tile: Tile, of: TileOf, known: Option<&[u8]>) -> Result<DrawnTile, ServiceError> {
        let source = Source::find(self, of).await?;
        let key = (tile, scope.clone(), source.key(of));
        let bytes = if let Some(bytes) = self.tiles.get(&key).await {
            bytes
        } else {
            let bytes = Bytes::from(source.draw(self, scope, tile).await?);
            self.tiles.insert(key, bytes.clone()).await;
            bytes
        };
        let etag = of.etag(&bytes);
        let is_known = known == Some(etag.as_bytes());
        Ok(DrawnTile { etag, bytes: (!is_known).then_some(bytes) })
    }

    /// A text that changes whenever a tile of the scope may. For *all* that is the revision; for counties it is made of what their tiles are drawn from, so that nothing
    /// that others do shows in it.
    pub async fn tiles_version(&self, scope: &Scope) -> Result<String, ServiceError> {
        let revision = self.store.revision().await?;
        if scope.is_all() {
            return Ok(revision.to_string());
        }
        let key = (scope.clone(), revision);
        if let Some(version) = self.tile_versions.get(&key).await {
            return Ok(version);
        }
        let mut hasher = XxHash3_64::default();
        for (layer, _) in self.layers().await?.iter().filter(|(_, in_force)| *in_force) {
            layer.id.hash(&mut hasher);
        }
        for survey in self.store.surveys(scope).await? {
            (survey.id, survey.facts.period.to_string()).hash(&mut hasher);
            let own = Filter { survey: Some(survey.id), limit: u32::MAX, ..Filter::of(scope.clone()) };
            for mark in self.store.patch_marks(&own, false).await? {
                (mark.id, &mark.patch_id, &mark.verdict, mark.confirmed).hash(&mut hasher);
            }
        }
        let version = format!("{:016x}", hasher.finish());
        self.tile_versions.insert(key, version.clone()).await;
        Ok(version)
    }
}

fn failed(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Broken(error.to_string())
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
    async fn find(service: &Service, of: TileOf) -> Result<Self, ServiceError> {
        let revision = service.store.revision().await?;
        let drawn = match of {
            TileOf::Patches(range) => Drawn::Patches(range),
            TileOf::Layer(kind) => {
                let layers = service.layers().await?;
                Drawn::Layer(kind, layers.iter().find(|(layer, in_force)| *in_force && layer.kind == kind).map(|(layer, _)| (layer.id, layer.classes)))
            }
        };
        Ok(Self { revision, maker: format!("{}-{}", env!("CARGO_PKG_VERSION"), service.rule().version), drawn })
    }

    /// All that the bytes depend on, besides the place and who asks.
    fn key(&self, of: TileOf) -> String {
        let Self { revision, maker, drawn } = self;
        let version = match drawn {
            Drawn::Layer(_, Some((id, _))) => *id,
            Drawn::Layer(_, None) | Drawn::Patches(_) => 0,
        };
        format!("{revision} {} {version} {maker}", of.word())
    }

    async fn draw(&self, service: &Service, scope: &Scope, tile: Tile) -> Result<Vec<u8>, ServiceError> {
        match self.drawn {
            Drawn::Patches(range) => draw_patches(service, scope, tile, range).await,
            Drawn::Layer(kind, Some((layer, classes))) if tile.z >= drawn_from(kind) => draw_layer(service, kind, layer, classes, tile).await,
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

async fn draw_layer(service: &Service, kind: LayerKind, layer: i64, classes: Option<Standard>, tile: Tile) -> Result<Vec<u8>, ServiceError> {
    let features = service.store.features_within(layer, &tile.bounds(), FEATURES).await?;
    let mut builder = TileBuilder::new(tile, kind.word()).map_err(failed)?;
    for feature in &features {
        let outline = feature.repaired.as_ref().unwrap_or(&feature.degrees);
        let (code, name) = (Value::Text(&feature.facts.code), Value::Text(&feature.facts.name));
        let farmland = Value::Flag(is_farmland(classes, service.rule(), &feature.facts.code));
        let properties: &[(&str, Value<'_>)] = match kind {
            LayerKind::Farmland => &[("dlbm", code), ("dlmc", name), ("farmland", farmland)],
            LayerKind::Approved => &[("number", code)],
            LayerKind::County | LayerKind::BasicFarmland | LayerKind::RedLine | LayerKind::UrbanBoundary => &[("code", code), ("name", name)],
        };
        builder = builder.draw(outline, properties).map_err(failed)?;
    }
    Ok(builder.finish())
}

/// Patches with their outlines; from afar, or where they are too many for that, as marks.
async fn draw_patches(service: &Service, scope: &Scope, tile: Tile, range: Option<PeriodRange>) -> Result<Vec<u8>, ServiceError> {
    let wanted = Filter { bounds: Some(tile.bounds()), range, limit: FEATURES, ..Filter::of(scope.clone()) };
    if tile.z >= OUTLINES_FROM {
        let marks = service.store.patch_marks(&wanted, true).await?;
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
    let marks = service.store.patch_marks(&Filter { limit: u32::MAX, ..wanted }, false).await?;
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
