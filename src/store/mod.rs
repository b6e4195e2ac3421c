//! Persistence: one promise, [`Store`], and the databases behind it. Only here is SQL.
//!
//! What a reader sees is before a write or after it, never between, whenever the process is killed: a small write is one transaction, a long one many whose rows no reader
//! sees and a short one that publishes them ([`unpublished`]).

mod bind;
mod carry;
mod cells;
pub mod checking;
mod checksum;
mod columns;
mod errors;
pub mod fail;
mod filings;
mod filter;
mod ground;
mod jobs;
mod once;
mod own;
mod patches;
pub mod postgres;
mod rejudged;
pub mod room;
mod rows;
mod same;
mod sets;
mod sql;
pub mod sqlite;
mod sums;
mod tables;
mod totals;
pub mod transfer;
mod unpublished;
mod values;
mod vouching;
mod withdrawal;
mod wkb;

use crate::scope::Scope;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tuban_engine::model::{
    Contradiction, Days, Filing, Finding, FormerFinding, Layer, LayerFeature, LayerKind, LayerSet, LeftOut, Level, NewSurvey, OnConflict, Patch, Period,
    PeriodRange, Provenance, Reject, Signature, Standard, Survey, TakenOff, Totals, words,
};
use tuban_geom::Bounds;

pub use errors::is_no_room;
pub use filings::{Fate, NewFiling, Signing};
pub use filter::{Filter, PatchPosition, VerdictFilter};
pub use ground::{GroundWriter, PatchGround, PatchPlace};
pub use jobs::{Held, Job, JobFile, JobOutcome, Jobs, NewJob, News, Quota};
pub use patches::{PatchMark, StoredPatch};
pub use unpublished::SILENT;
pub use withdrawal::{Moved, RestoreWriter, Withdrawals, Withdrawn};

/// Features handed on at a time by [`Store::each_feature`].
const FEATURES_AT_A_TIME: usize = 2000;

/// Opens the store of `url`: `sqlite:PATH` or `postgres://…`.
pub async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    if postgres::is_url(url) { Ok(Arc::new(postgres::PostgresStore::open(url).await?)) } else { Ok(Arc::new(sqlite::SqliteStore::open(url).await?)) }
}

/// Refuses the URL of a file that is not there, which opening would make.
fn refuse_missing(url: &str) -> Result<(), StoreError> {
    let file = url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default();
    if std::path::Path::new(file).is_file() { Ok(()) } else { Err(StoreError::refused(format!("there is no database {file}"))) }
}

/// One end of a copy: opened without vouching for its rows, and made only where that was asked for.
async fn end(url: &str, make: bool) -> Result<Box<dyn carry::End>, StoreError> {
    if postgres::is_url(url) {
        return Ok(Box::new(postgres::PostgresStore::open_for_transfer(url).await?));
    }
    if !make {
        refuse_missing(url)?;
    }
    Ok(Box::new(sqlite::SqliteStore::open_for_transfer(url).await?))
}

/// Brings the tables of `url` up to this program's. A file's are whenever it is opened; a server's only when asked, because other nodes may be using them.
pub async fn upgrade(url: &str) -> Result<(), StoreError> {
    if postgres::is_url(url) {
        return postgres::PostgresStore::upgrade(url).await;
    }
    refuse_missing(url)?;
    sqlite::SqliteStore::open(url).await?.close().await;
    Ok(())
}

words! {
    /// What can be looked for by a key.
    Thing {
        /// A survey.
        Survey = "survey",
        /// A patch.
        Patch = "patch",
        /// A layer.
        Layer = "layer",
        /// A county.
        County = "county",
        /// A job.
        Job = "job",
    }
}

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing.
    #[error("there is no {what} {key}")]
    NotFound {
        /// The kind of thing.
        what: Thing,
        /// The key it was looked for with.
        key: String,
    },
    /// The very same upload is already stored for that period and level.
    #[error("the same file is already stored as survey {}", .0.id)]
    AlreadyStored(Box<Survey>),
    /// That period and level already has a survey.
    #[error("period {period} at level {level} already has a survey ({existing})")]
    Conflict {
        /// The period.
        period: Period,
        /// The level.
        level: Level,
        /// Its survey's number.
        existing: i64,
    },
    /// Another survey is in the place that this one is to be restored or moved to.
    #[error("survey {survey} cannot be of period {period} at level {level}: survey {existing} is")]
    PeriodTaken {
        /// The period.
        period: Period,
        /// The level.
        level: Level,
        /// The survey that is to be there.
        survey: i64,
        /// The one that is.
        existing: i64,
    },
    /// Confirmed verdicts would go with patches that are replaced by none with the same id and outline, which was not asked for.
    #[error("{verdicts} confirmed verdicts would go")]
    VerdictsWouldGo {
        /// The surveys that are to be replaced.
        surveys: Vec<i64>,
        /// Verdicts that would go.
        verdicts: u64,
        /// Verdicts that would stay with their patches.
        kept: u64,
        /// Patches that would stay what they are.
        patches: u64,
    },
    /// Patches of the survey are stored in another one with the same ids and outlines, which was not asked for.
    #[error("{same} of {patches} patches are in survey {survey} already")]
    SentBefore {
        /// The survey that has most of them.
        survey: i64,
        /// Its period.
        period: Period,
        /// Its level.
        level: Level,
        /// Its name.
        name: String,
        /// How many of them it has.
        same: u64,
        /// Patches of the survey that was sent.
        patches: u64,
    },
    /// Findings rest on the layer, so it cannot be removed.
    #[error("{findings} findings rest on layer {layer}")]
    LayerInUse {
        /// The layer's number.
        layer: i64,
        /// How many findings.
        findings: u64,
    },
    /// So many jobs are not over that no more are queued.
    #[error("{jobs} jobs are not over yet")]
    QueueFull {
        /// How many may be.
        jobs: u32,
        /// Whether they are all of one client.
        own: bool,
    },
    /// The job is no longer held: its lease ran out, and another node has it or has ended it.
    #[error("job {0} is no longer held")]
    LeaseLost(String),
    /// The database is busy or away; trying again may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The disk takes nothing more: it is full or can only be read. Once there is room, trying again helps.
    #[error("磁盘空间不足或只读，没有写入 / no room on the disk, nothing was written: {0}")]
    NoRoom(String),
    /// The database refused or broke.
    #[error("database: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was stored cannot be read back.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

impl StoreError {
    fn no_layer(id: i64) -> Self {
        Self::NotFound { what: Thing::Layer, key: id.to_string() }
    }

    fn no_survey(id: i64) -> Self {
        Self::NotFound { what: Thing::Survey, key: id.to_string() }
    }

    fn sent_before(survey: Survey, same: u64, patches: u64) -> Self {
        let NewSurvey { period, level, name, .. } = survey.facts;
        Self::SentBefore { survey: survey.id, period, level, name, same, patches }
    }

    fn changed_meanwhile() -> Self {
        Self::Unavailable("what is stored changed meanwhile".to_owned())
    }

    fn silent_for_too_long(writer: i64) -> Self {
        Self::Unavailable(format!("writer {writer} was not heard of for too long, and what it wrote was removed"))
    }

    fn refused(why: impl Into<String>) -> Self {
        Self::Database(why.into().into())
    }
}

/// A layer about to be stored: [`Layer`] without what the store adds.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLayer {
    /// See [`Layer`].
    pub kind: LayerKind,
    /// See [`Layer`].
    pub name: String,
    /// See [`Layer`].
    pub effective: jiff::civil::Date,
    /// See [`Layer`].
    pub crs: String,
    /// See [`Layer`].
    pub decimals: Option<u8>,
    /// See [`Layer`].
    pub sha256: String,
    /// See [`Layer`].
    pub invented: bool,
    /// Features refused.
    pub rejected: u64,
    /// See [`Layer`].
    pub classes: Option<Standard>,
    /// See [`Layer`].
    pub notes: Vec<String>,
    /// See [`Layer`].
    pub undated: Option<u64>,
}

impl NewLayer {
    /// The layer as it is stored under that number, now.
    fn stored(self, id: i64, features: u64, vertices: u64) -> Layer {
        let Self { kind, name, effective, crs, decimals, sha256, invented, rejected, classes, notes, undated } = self;
        Layer {
            id,
            kind,
            name,
            effective,
            crs,
            decimals,
            sha256,
            invented,
            features,
            rejected,
            vertices,
            created_ms: values::now_ms(),
            classes,
            notes,
            undated,
        }
    }
}

/// Takes a layer in: others write meanwhile, and no reader sees it. Dropping it without [`commit`](Self::commit) leaves nothing behind.
#[async_trait]
pub trait LayerWriter: Send {
    /// Appends features.
    async fn push(&mut self, features: Vec<LayerFeature>) -> Result<(), StoreError>;
    /// Says what of the file is not in the layer; each row once.
    async fn leave_out(&mut self, left_out: Vec<LeftOut>) -> Result<(), StoreError>;
    /// As [`SurveyWriter::only_while`]; the first features refused are kept with the job.
    fn only_while(&mut self, held: Held, rejects: Vec<Reject>);
    /// Makes the layer visible, whole.
    async fn commit(self: Box<Self>, layer: NewLayer) -> Result<Layer, StoreError>;
    /// Removes what was written, and returns when it is gone.
    async fn abandon(self: Box<Self>) -> Result<(), StoreError>;
}

/// What must not be done unasked when a survey becomes visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unasked {
    /// That confirmed verdicts go: [`StoreError::VerdictsWouldGo`].
    pub verdicts_go: bool,
    /// That patches which another survey holds are stored once more: [`StoreError::SentBefore`].
    pub sent_again: bool,
}

/// What makes a survey the same as another.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyKey {
    /// What it is of. A month and the quarter that it begins are two periods.
    pub period: Period,
    /// Who issued it.
    pub level: Level,
    /// What makes the upload the same as another, see [`NewSurvey`].
    pub upload_key: String,
}

/// Publishes what it wrote, once the ground is known that patches share.
#[async_trait]
pub trait Publishing: GroundWriter {
    /// Takes the write lock until it is published or dropped: for a last look at shared ground where the ones before were overtaken.
    async fn stop_others(&mut self) -> Result<(), StoreError>;
    /// Whether the look at shared ground still stands because other surveys came meanwhile, and nothing else, of which no patch is near. False where nothing came either.
    async fn look_stands(&mut self, is_near: &(dyn Fn(PatchPlace) -> bool + Sync)) -> Result<bool, StoreError>;
    /// Makes what was written visible, whole. `None`, and nothing is done, where other surveys changed since the ground that is shared was looked at: look again.
    async fn publish(&mut self, facts: &NewSurvey) -> Result<Option<Survey>, StoreError>;
}

/// Takes a survey in: others write meanwhile, and no reader sees it. Dropping it without [`commit`](Self::commit) leaves nothing behind.
#[async_trait]
pub trait SurveyWriter: Publishing {
    /// The number of the set of these layer versions and that rule, for findings that rest on it: of the one that is stored, else of a new one whose plane has its
    /// origin there (longitude, latitude).
    async fn layer_set(&mut self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError>;
    /// Appends patches with their findings, which rest on sets that [`layer_set`](Self::layer_set) answered.
    async fn push(&mut self, findings: Vec<(Patch, Finding)>) -> Result<(), StoreError>;
    /// Appends refused features.
    async fn push_rejects(&mut self, rejects: Vec<Reject>) -> Result<(), StoreError>;
    /// From now on the survey is that of a job: it becomes visible only if the job is still held then, and ends the job in the same moment;
    /// else [`commit`](Self::commit) answers [`StoreError::LeaseLost`] and nothing is stored.
    fn only_while(&mut self, held: Held);
    /// From now on [`publish`](Publishing::publish) refuses to do this; else it is done.
    fn refuse(&mut self, unasked: Unasked);
    /// Publishes a survey that shares no ground. Where a survey replaces others, patches with the same id of their own and the same corners
    /// keep the number and the confirmed verdict they had there; what is replaced is withdrawn as it was.
    async fn commit(self: Box<Self>, survey: NewSurvey) -> Result<Survey, StoreError>;
    /// Removes what was written, and returns when it is gone.
    async fn abandon(self: Box<Self>) -> Result<(), StoreError>;
}

/// Replaces the findings of a survey: others write meanwhile, and no reader sees the new ones. Patches, confirmed verdicts and refused features stay as they are. Dropping it
/// without [`commit`](Self::commit) leaves the findings that were there.
#[async_trait]
pub trait FindingsWriter: Publishing {
    /// As [`SurveyWriter::layer_set`].
    async fn layer_set(&mut self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError>;
    /// Appends findings, each with the key of its patch; the keys go up, also from one call to the next.
    async fn push(&mut self, findings: Vec<(i64, Finding)>) -> Result<(), StoreError>;
    /// Keeps findings whose place others take, each with the number of its patch, and the name of who asked for that.
    async fn keep_former(&mut self, former: Vec<(i64, Finding)>, by: Option<&str>) -> Result<(), StoreError>;
    /// As [`SurveyWriter::only_while`].
    fn only_while(&mut self, held: Held);
    /// Publishes findings of a survey that shares no ground; refused unless each patch of the survey has one. Of `facts` only what follows from findings is stored: patches
    /// in no county, those by verdict, the sums, the warnings.
    async fn commit(self: Box<Self>, facts: NewSurvey) -> Result<Survey, StoreError>;
    /// As [`SurveyWriter::abandon`].
    async fn abandon(self: Box<Self>) -> Result<(), StoreError>;
}

/// What became of a file of verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filed {
    /// Verdicts recorded.
    pub recorded: u64,
    /// Patch ids that no stored patch has (of the survey, where one was named).
    pub unknown: Vec<String>,
    /// Patch ids that several surveys have, so that it must be said which is meant.
    pub ambiguous: Vec<String>,
}

/// A survey that lies neither within some months nor apart from them: it is not counted, and named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Straddling {
    /// The survey's number.
    pub survey: i64,
    /// What it is of.
    pub period: Period,
}

/// Sums of some months and what they rest on, all of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Summed {
    /// The months.
    pub range: PeriodRange,
    /// Surveys of which only a part lies in them, newest period first.
    pub straddling: Vec<Straddling>,
    /// By county; counties without patches are absent.
    pub totals: Vec<Totals>,
    /// What each survey of these months rests on, newest period first.
    pub provenance: Vec<Provenance>,
    /// Confirmed patches that claim different things of the same ground.
    pub contradictions: Vec<Contradiction>,
}

/// Everything that is kept, whichever database keeps it.
#[async_trait]
pub trait Store: Jobs + Withdrawals {
    /// A number that grows with every change of what is stored.
    async fn revision(&self) -> Result<i64, StoreError>;
    /// Whether the database itself keeps a checksum of every page: PostgreSQL's `data_checksums`. `None` where it never does.
    async fn page_checksums(&self) -> Result<Option<bool>, StoreError> {
        Ok(None)
    }

    /// Starts taking a layer in.
    async fn begin_layer(&self) -> Result<Box<dyn LayerWriter>, StoreError>;
    /// All layers, newest effective day first within a kind.
    async fn layers(&self) -> Result<Vec<Layer>, StoreError>;
    /// What of a layer's file is not in the layer, by row; nothing for a layer that is not there.
    async fn left_out(&self, layer: i64) -> Result<Vec<LeftOut>, StoreError>;
    /// Removes a layer on which no finding rests.
    async fn remove_layer(&self, id: i64) -> Result<(), StoreError>;
    /// Calls `sink` with every feature of a layer in the file's order, in batches.
    async fn each_feature(&self, layer: i64, sink: &mut (dyn FnMut(Vec<LayerFeature>) + Send)) -> Result<(), StoreError>;
    /// Features of a layer whose box touches `bounds` (degrees), at most `limit`.
    async fn features_within(&self, layer: i64, bounds: &Bounds, limit: u32) -> Result<Vec<LayerFeature>, StoreError>;

    /// Starts taking a survey in; [`StoreError::AlreadyStored`] and [`StoreError::Conflict`] are decided here, and again when it is published.
    async fn begin_survey(&self, key: SurveyKey, on_conflict: OnConflict) -> Result<Box<dyn SurveyWriter>, StoreError>;
    /// Starts replacing the findings of a survey.
    async fn begin_reclassification(&self, survey: i64) -> Result<Box<dyn FindingsWriter>, StoreError>;
    /// Removes what writers left behind that were killed, or silent for so long; answers how many. Usually after [`SILENT`].
    async fn remove_unpublished(&self, silent_for: Duration) -> Result<u64, StoreError>;
    /// All surveys that count, newest period first. Here and in all that follows those that were withdrawn or replaced are left out: see [`Withdrawals`].
    /// A scope of counties sees those with patches of its own, as sums over these, and nothing of what was refused or noticed of the file.
    async fn surveys(&self, scope: &Scope) -> Result<Vec<Survey>, StoreError>;
    /// One survey, as the scope sees it.
    async fn survey(&self, scope: &Scope, id: i64) -> Result<Survey, StoreError>;
    /// All layer sets, by number.
    async fn layer_sets(&self) -> Result<Vec<LayerSet>, StoreError>;
    /// The days of a survey's patches, each with the set that findings of such patches rest on, once; nothing where patches of an older program do not say their days.
    async fn days_and_sets(&self, survey: i64) -> Result<Option<Vec<(Days, i64)>>, StoreError>;
    /// Former findings of a patch, the last one first.
    async fn former_findings(&self, patch: i64) -> Result<Vec<FormerFinding>, StoreError>;
    /// What the findings of a survey rest on: the layer versions and rules of all their sets.
    async fn provenance(&self, survey: i64) -> Result<Provenance, StoreError>;
    /// Refused features of a survey with rows above `after`, at most `limit`.
    async fn rejects(&self, survey: i64, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError>;

    /// The folder of this machine that it writes to, where it does.
    fn folder(&self) -> Option<PathBuf> {
        None
    }

    /// Patches with their findings.
    async fn patches(&self, filter: &Filter) -> Result<Vec<StoredPatch>, StoreError>;
    /// How many patches that is, whatever the limit.
    async fn count_patches(&self, filter: &Filter) -> Result<u64, StoreError>;
    /// One patch with its finding; outside of the scope there is none.
    async fn patch(&self, scope: &Scope, id: i64) -> Result<StoredPatch, StoreError>;
    /// Marks for a map: like [`patches`](Self::patches), lighter; outlines only with `outlines`.
    async fn patch_marks(&self, filter: &Filter, outlines: bool) -> Result<Vec<PatchMark>, StoreError>;

    /// What becomes of confirmed verdicts, each found by the patch's own id. All are recorded or none: none where any of them is refused
    /// ([`Fate::is_refused`]), nor for a preview. A patch outside of the scope is as one that is not there.
    async fn file(&self, scope: &Scope, filings: &[NewFiling], signing: Signing<'_>) -> Result<Vec<Fate>, StoreError>;
    /// Records confirmed verdicts without a signature, whatever their areas.
    async fn file_verdicts(&self, scope: &Scope, survey: Option<i64>, filings: &[Filing]) -> Result<Filed, StoreError> {
        if let Some(id) = survey {
            self.survey(scope, id).await?;
        }
        let new: Vec<NewFiling> = filings.iter().map(|filing| NewFiling { survey, filing: filing.clone(), slack_m2: None }).collect();
        let fates = self.file(scope, &new, Signing { by: Signature::NOBODY, preview: false }).await?;
        let ids = |fate: &Fate| fates.iter().zip(filings).filter(|(one, _)| *one == fate).map(|(_, filing)| filing.patch_id.clone()).collect();
        let (unknown, ambiguous) = (ids(&Fate::Unknown), ids(&Fate::Ambiguous));
        let recorded = if fates.iter().any(Fate::is_refused) { 0 } else { filings.len() as u64 };
        Ok(Filed { recorded, unknown, ambiguous })
    }
    /// Sums over surveys within these months, or of the newest period that has one; in the scope's counties, and among surveys with patches of its own.
    async fn summed(&self, scope: &Scope, range: Option<PeriodRange>) -> Result<Summed, StoreError>;
    /// What is taken off each of these patches, and whom they share ground with, in the sums of these months; of each patch's own period where none are named.
    /// Patches that share nothing are absent, and those outside of the scope; of these, where they are neighbours, only the area is told.
    async fn taken_off(&self, scope: &Scope, patches: &[i64], range: Option<PeriodRange>) -> Result<BTreeMap<i64, TakenOff>, StoreError>;
    /// How many of the scope's patches of each survey share ground with others; surveys without such patches are absent.
    async fn sharing(&self, scope: &Scope) -> Result<BTreeMap<i64, u64>, StoreError>;
    /// The scope's patches of a survey that share ground with others, with numbers above `after`, at most `limit`, in the order of their numbers.
    async fn sharing_of(&self, scope: &Scope, survey: i64, after: i64, limit: u32) -> Result<Vec<i64>, StoreError>;
    /// Sums by county alone.
    async fn totals(&self, scope: &Scope, range: PeriodRange) -> Result<Vec<Totals>, StoreError> {
        Ok(self.summed(scope, Some(range)).await?.totals)
    }
}
