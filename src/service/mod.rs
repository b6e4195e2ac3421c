//! What the service knows how to do: from bytes to findings, from findings to tallies. `http` and `cli` call it.

pub mod batch;
pub mod check;
pub mod counts;
pub mod database;
mod error;
pub mod export;
pub mod jobs;
pub mod layers;
pub mod patches;
pub mod ratios;
pub mod reading;
pub mod reclassification;
pub mod room;
pub mod shared_ground;
pub mod standing;
pub mod surveys;
pub mod tiles;
pub mod verdicts;

pub(crate) use crate::formats::ogr::Folder;
pub use crate::formats::{FeatureBounds, Gcj02, Layer as FileLayer, Room, Stated, Wanted, ogr::Workshop, why_not, writing::harmless};
use crate::scope::Scope;
use crate::store::{SILENT, Store, StoreError};
pub use error::{Refusal, RefusalKind, ServiceError};
use standing::Standing;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use tuban_engine::atlas::{Atlas, PreparedLayer};
use tuban_engine::memory::Memory;
use tuban_engine::model::{Layer, LayerKind, LayerUsed, today};
use tuban_engine::prepare::Preparation;
use tuban_engine::rule::{Rule, Rules};
use tuban_engine::snapshot;
use tuban_geom::{Crs, Plane, Written};

/// The services, over one store.
pub struct Service {
    store: Arc<dyn Store>,
    rules: Rules,
    /// What the city is called, where that is configured.
    city: Option<String>,
    /// What patches of today are judged by.
    standing: RwLock<Arc<Standing>>,
    shelved: standing::Shelved,
    /// Held while the layers in force are looked at and loaded: who comes second finds them loaded, and none replaces newer ones with older ones.
    refreshing: tokio::sync::Mutex<()>,
    sums: ratios::Sums,
    counts: counts::Counts,
    spool: PathBuf,
    workshop: Workshop,
    uploads: Mutex<Weak<Folder>>,
    memory: Memory,
    /// A few exports at a time: each has a thread, a file and perhaps a worker.
    exports: tokio::sync::Semaphore,
    tiles: tiles::Cache,
    tile_versions: tiles::Versions,
    /// Jobs that wait for room, of which the disk has none even to say so.
    untold: jobs::untold::Untold,
    /// Large polygons to be checked, one at a time: the other cores are for everybody else.
    large_checks: Arc<tokio::sync::Semaphore>,
}

/// Exports at a time, whether somebody waits for them or not.
const EXPORTS: usize = 2;

impl Service {
    /// Opens the services, with no layer loaded yet: see [`refresh_atlas`](Self::refresh_atlas). Uploads are spooled in `spool`, which is made where it is missing.
    pub fn open(store: Arc<dyn Store>, rules: impl Into<Rules>, spool: PathBuf) -> Result<Self, ServiceError> {
        let rules = rules.into();
        std::fs::create_dir_all(&spool)?;
        sweep(&spool)?;
        let memory = Memory::new(Memory::usual_budget(), spool.clone());
        let workshop = Workshop { room: Room::of(memory.for_features()), ..Workshop::new(spool.clone()) };
        workshop.sweep();
        Ok(Self {
            store,
            standing: RwLock::new(Arc::new(Standing::nowhere(rules.at(today()).clone(), Plane::national()))),
            rules,
            city: None,
            shelved: standing::Shelved::default(),
            refreshing: tokio::sync::Mutex::default(),
            sums: ratios::sums(),
            counts: counts::Counts::default(),
            spool,
            workshop,
            uploads: Mutex::default(),
            memory,
            exports: tokio::sync::Semaphore::new(EXPORTS),
            tiles: tiles::cache(),
            tile_versions: tiles::versions(),
            untold: jobs::untold::Untold::default(),
            large_checks: Arc::new(tokio::sync::Semaphore::new(1)),
        })
    }

    /// The store, for tests: `http` and `cli` ask the service (`tests/layering.rs`).
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Removes what writers left behind that were killed.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let swept = self.store.remove_unpublished(SILENT).await?;
        if swept > 0 {
            tracing::info!(swept, "what killed imports had written was removed");
        }
        Ok(())
    }

    /// The rule in force today.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        self.rules.at(today())
    }

    /// All versions of the rule.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What patches of today are judged by, as of the last reload.
    #[must_use]
    pub fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its layers.
    #[must_use]
    pub fn atlas(&self) -> Arc<Atlas> {
        Arc::clone(&self.standing().atlas)
    }

    /// What was done since the start.
    #[must_use]
    pub fn counts(&self) -> &counts::Counts {
        &self.counts
    }

    /// Replaces the workers: for tests, and for other limits.
    #[must_use]
    pub fn with_workshop(self, workshop: Workshop) -> Self {
        Self { workshop, ..self }
    }

    /// Sets what the city is called in tables and on the page; a blank name is none.
    #[must_use]
    pub fn of_city(self, name: Option<String>) -> Self {
        Self { city: name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()), ..self }
    }

    /// What the city is called, where that is configured.
    #[must_use]
    pub fn city(&self) -> Option<&str> {
        self.city.as_deref()
    }

    /// Sets the memory budget of the process, in bytes.
    #[must_use]
    pub fn with_memory(self, budget: u64) -> Self {
        let memory = Memory::new(budget, self.spool.clone());
        let workshop = Workshop { room: Room::of(memory.for_features()), ..self.workshop };
        Self { workshop, memory, ..self }
    }

    /// Who reads what GDAL reads.
    #[must_use]
    pub fn workshop(&self) -> &Workshop {
        &self.workshop
    }

    /// Workers that end soon after `asking` is dropped.
    fn workshop_while(&self, asking: &Arc<()>) -> Workshop {
        Workshop { asked: Some(Arc::downgrade(asking)), ..self.workshop.clone() }
    }

    /// The folder in the spool that uploads of this process come to; it is made where there is none, and goes with the last that holds it. It is locked as a whole, so
    /// that the files in it may be closed.
    pub(crate) fn spool_folder(&self) -> Result<Arc<Folder>, ServiceError> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = uploads.upgrade() {
            return Ok(folder);
        }
        let folder = Arc::new(self.workshop.uploads()?);
        *uploads = Arc::downgrade(&folder);
        Ok(folder)
    }

    /// A new file for the upload that a job is about, locked and deleted when dropped.
    pub fn spool_file(&self) -> std::io::Result<tempfile::NamedTempFile> {
        let file = tempfile::Builder::new().prefix(SPOOLED).tempfile_in(&self.spool)?;
        file.as_file().lock()?;
        Ok(file)
    }

    /// Where uploads are spooled.
    #[must_use]
    pub fn spool(&self) -> &Path {
        &self.spool
    }

    /// All layer versions, and whether each is in force today. What had to be left out when they were loaded is among their notes.
    pub async fn layers(&self) -> Result<Vec<(Layer, bool)>, ServiceError> {
        let layers = self.store.layers().await?;
        let in_force: Vec<i64> = in_force(&layers).into_iter().map(|layer| layer.id).collect();
        let atlas = self.atlas();
        Ok(layers
            .into_iter()
            .map(|mut layer| {
                let now = in_force.contains(&layer.id);
                layer.notes.extend(atlas.left_out(layer.id).iter().map(|one| format!("第 {} 行的{}", one.row, one.reason.zh)));
                (layer, now)
            })
            .collect())
    }

    /// Removes a layer on which no finding rests; for *all* only.
    pub async fn remove_layer(&self, scope: &Scope, id: i64) -> Result<(), ServiceError> {
        error::for_all_only(scope)?;
        Ok(self.store.remove_layer(id).await?)
    }

    /// Loads what patches of today are judged by where that is not what is in hand; answers whether it did. Cheap where nothing changed.
    pub async fn refresh_atlas(&self) -> Result<bool, ServiceError> {
        if self.is_current().await? {
            return Ok(false);
        }
        let _alone = self.refreshing.lock().await;
        if self.is_current().await? {
            return Ok(false);
        }
        let versions = self.versions().await?;
        let standing = self.load(&versions, versions.now()).await?;
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = standing;
        snapshot::keep_only(&self.spool.with_extension("layers"), &versions.layer_ids());
        Ok(true)
    }

    /// Keeps the layers in force loaded, whichever process takes some in.
    pub async fn follow_layers(self: Arc<Self>) {
        let mut news = self.news();
        loop {
            match self.refresh_atlas().await {
                Ok(true) => tracing::info!("layers in force were loaded anew"),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "layers in force could not be looked at"),
            }
            news.heard().await;
        }
    }

    /// Whether what is in hand is what patches of today are judged by.
    pub async fn is_current(&self) -> Result<bool, ServiceError> {
        let versions = self.versions().await?;
        let standing = self.standing();
        Ok(standing.provenance == versions.provenance(versions.now()) && !standing.atlas.is_lost())
    }
}

/// What was written and is not wanted could not be removed at once: a sweep does it later.
fn abandoned(outcome: Result<(), StoreError>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "what an import wrote could not be removed; a later sweep does it");
    }
}

/// What the names of uploads in the spool begin with.
const SPOOLED: &str = "survey-";

/// Removes what uploads left behind whose process was killed. What is being taken in is locked, also against other processes.
fn sweep(spool: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(spool)? {
        let entry = entry?;
        let path = entry.path();
        let abandoned = || std::fs::File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Another process may have swept it a moment ago.
        if name.starts_with(SPOOLED) && abandoned() {
            let _ = std::fs::remove_file(&path);
        }
    }
    Ok(())
}

/// Of each kind the version with the latest effective day not after today; of one day the one stored last.
fn in_force(layers: &[Layer]) -> Vec<&Layer> {
    let today = today();
    LayerKind::ALL
        .iter()
        .filter_map(|kind| layers.iter().filter(|layer| layer.kind == *kind && layer.effective <= today).max_by_key(|layer| (layer.effective, layer.id)))
        .collect()
}

/// How a layer's file wrote it.
fn written(layer: &Layer) -> Written {
    Written { crs: layer.crs.parse().unwrap_or(Crs::CRS84), decimals: layer.decimals }
}

fn used(layer: &Layer) -> LayerUsed {
    LayerUsed { id: layer.id, kind: layer.kind, name: layer.name.clone(), effective: layer.effective.to_string() }
}

/// Prepares a layer from the store.
async fn prepare(store: &dyn Store, layer: &Layer, plane: &Plane, memory: &Memory) -> Result<PreparedLayer, ServiceError> {
    let mut preparation = Preparation::of(layer, plane, memory);
    store.each_feature(layer.id, &mut |features| preparation.push(&features)).await?;
    Ok(tokio::task::block_in_place(|| preparation.finish())?)
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
