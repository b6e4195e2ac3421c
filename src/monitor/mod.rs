//! What the service knows how to do: from bytes to findings, from findings to tallies. `http` and `cli` call it.

mod approval_facts;
mod aside;
pub mod check;
pub mod class_codes;
pub mod classify_file;
pub mod classify_line;
pub mod counts;
pub mod county_codes;
mod county_overlaps;
pub mod difference;
pub mod export;
pub mod filings;
mod first_seen;
mod ids;
pub mod inspect;
pub mod jobs;
mod judging;
pub mod layer_codes;
pub mod layer_import;
pub mod left_out;
mod noticed;
mod origin;
pub mod outdated;
mod patch_id;
pub mod ratios;
mod reading;
pub mod reclassification;
pub mod rejudging;
pub mod room;
pub mod shared_ground;
pub mod standing;
mod sums;
pub mod survey_import;
mod untold;
pub mod upload;
pub mod withdrawal;
pub mod work;

use crate::formats::ReadError;
pub(crate) use crate::formats::ogr::Folder;
pub use crate::formats::{FeatureBounds, Gcj02, Layer as FileLayer, Room, Stated, Wanted, ogr::Workshop, why_not, writing::harmless};
use crate::store::{SILENT, Store, StoreError, is_no_room};
use serde::{Deserialize, Serialize};
use standing::Standing;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use tuban_engine::atlas::{Atlas, PreparedLayer};
use tuban_engine::memory::Memory;
use tuban_engine::model::{Layer, LayerKind, LayerUsed, Reject, Words, today};
use tuban_engine::prepare::Preparation;
use tuban_engine::rule::{Rule, Rules};
use tuban_engine::snapshot;
use tuban_geom::{Crs, Plane, Written};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// What was sent cannot be taken, with the reason and the place.
    #[error("{}", .0.words.en)]
    Refused(Box<Refusal>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file names its CRS only after its features, which were read in another: read it again in this one.
    #[error("the CRS {0} is named only after the features")]
    LateCrs(Crs),
    /// Counties with these codes hold others and are to be left out, which is known only after all were read: read the file again without them.
    #[error("counties {0:?} hold others")]
    Holders(std::collections::BTreeSet<String>),
    /// The disk.
    #[error("file: {0}")]
    Io(std::io::Error),
    /// A defect of ours.
    #[error("{0}")]
    Broken(String),
    /// The job waits until a full disk has room, and is carried out then.
    #[error("job {0} waits for room on a disk")]
    WaitsForRoom(String),
    /// The same, met by the node that carried this job out, and logged there.
    #[error("job {0} failed")]
    FailedJob(String),
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// It is not what it says it is: 400.
    Unreadable,
    /// It is of a kind that is not taken: 415.
    Unsupported,
    /// It can be read but not accepted: 422.
    Unacceptable,
    /// It is in order, but cannot be done here or now: 503.
    Unavailable,
    /// It was there, and is not kept any more: 410.
    Gone,
    /// It would do something that was not asked for: 409.
    Conflict,
}

/// What was sent cannot be taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// How bad it is.
    pub kind: RefusalKind,
    /// A word for programs.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub words: Words,
    /// RFC 6901 pointer to the fault.
    pub pointer: Option<String>,
    /// Features refused, where that is why.
    pub rejects: Vec<Reject>,
    /// What to say with the file so that it can be taken, as a parameter of the API: `empty=yes`.
    #[serde(default)]
    pub offer: Option<String>,
    /// Where only people can know which is right: what they may say, each as a parameter of the API and its value.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What else programs need to know, by name: counts, numbers of surveys.
    #[serde(default)]
    pub members: serde_json::Map<String, serde_json::Value>,
}

impl Refusal {
    /// A refusal without a place.
    #[must_use]
    pub fn new(kind: RefusalKind, code: &'static str, words: Words) -> Self {
        Self { kind, code: Cow::Borrowed(code), words, pointer: None, rejects: Vec::new(), offer: None, choices: Vec::new(), members: serde_json::Map::new() }
    }

    /// With these answers to choose among.
    #[must_use]
    pub fn choices(self, choices: &[&str]) -> Self {
        Self { choices: choices.iter().map(|choice| (*choice).to_owned()).collect(), ..self }
    }

    /// With these members, an object.
    #[must_use]
    pub fn with(self, members: serde_json::Value) -> Self {
        let members = if let serde_json::Value::Object(members) = members { members } else { serde_json::Map::new() };
        Self { members, ..self }
    }
}

impl From<Refusal> for MonitorError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<std::io::Error> for MonitorError {
    /// A disk that takes nothing more is told as one, whoever meets it: the store or this process.
    fn from(error: std::io::Error) -> Self {
        if is_no_room(&error) { Self::Store(error.into()) } else { Self::Io(error) }
    }
}

impl MonitorError {
    /// Whether a disk takes nothing more, so that the same succeeds once there is room.
    #[must_use]
    pub fn is_no_room(&self) -> bool {
        matches!(self, Self::Store(StoreError::NoRoom(_)))
    }
}

impl From<ReadError> for MonitorError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error.into(),
            ReadError::CrsAfterFeatures(crs) => Self::LateCrs(crs),
            ReadError::Refused(refused) => {
                let kind = match refused.code {
                    "unsupported_format" | "no_ogr" => RefusalKind::Unsupported,
                    "several_layers" | "no_such_layer" | "no_polygons" => RefusalKind::Unacceptable,
                    _ => RefusalKind::Unreadable,
                };
                Refusal { pointer: refused.pointer, ..Refusal::new(kind, refused.code, refused.words) }.into()
            }
        }
    }
}

/// The services, over one store.
pub struct Monitor {
    store: Arc<dyn Store>,
    rules: Rules,
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
    /// Jobs that wait for room, of which the disk has none even to say so.
    untold: untold::Untold,
    /// Large polygons to be checked, one at a time: the other cores are for everybody else.
    large_checks: Arc<tokio::sync::Semaphore>,
}

/// Exports at a time, whether somebody waits for them or not.
const EXPORTS: usize = 2;

impl Monitor {
    /// Opens the services, with no layer loaded yet: see [`refresh_atlas`](Self::refresh_atlas). Uploads are spooled in `spool`, which is made where it is missing.
    pub fn open(store: Arc<dyn Store>, rules: impl Into<Rules>, spool: PathBuf) -> Result<Self, MonitorError> {
        let rules = rules.into();
        std::fs::create_dir_all(&spool)?;
        sweep(&spool)?;
        let memory = Memory::new(Memory::usual_budget(), spool.clone());
        let workshop = Workshop { room: Room::of(memory.for_features()), ..Workshop::new(spool.clone()) };
        workshop.sweep();
        Ok(Self {
            store,
            standing: RwLock::new(Arc::new(Standing::nowhere(rules.at(today()).clone()))),
            rules,
            shelved: standing::Shelved::default(),
            refreshing: tokio::sync::Mutex::default(),
            sums: ratios::sums(),
            counts: counts::Counts::default(),
            spool,
            workshop,
            uploads: Mutex::default(),
            memory,
            exports: tokio::sync::Semaphore::new(EXPORTS),
            untold: untold::Untold::default(),
            large_checks: Arc::new(tokio::sync::Semaphore::new(1)),
        })
    }

    /// The store.
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

    /// The same with other workers: for tests, and for who wants other limits.
    #[must_use]
    pub fn with_workshop(self, workshop: Workshop) -> Self {
        Self { workshop, ..self }
    }

    /// The same with another budget for the process, in bytes.
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

    /// The same, whose workers end soon after `asking` is dropped.
    fn workshop_while(&self, asking: &Arc<()>) -> Workshop {
        Workshop { asked: Some(Arc::downgrade(asking)), ..self.workshop.clone() }
    }

    /// The folder in the spool that uploads of this process come to; it is made where there is none, and goes with the last that holds it. It is locked as a whole, so
    /// that the files in it may be closed.
    pub(crate) fn spool_folder(&self) -> Result<Arc<Folder>, MonitorError> {
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
    pub async fn layers(&self) -> Result<Vec<(Layer, bool)>, MonitorError> {
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

    /// Loads what patches of today are judged by where that is not what is in hand; answers whether it did. Cheap where nothing changed.
    pub async fn refresh_atlas(&self) -> Result<bool, MonitorError> {
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
    pub async fn is_current(&self) -> Result<bool, MonitorError> {
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
async fn prepare(store: &dyn Store, layer: &Layer, plane: &Plane, memory: &Memory) -> Result<PreparedLayer, MonitorError> {
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
