//! What is exported: which findings or which layer, read from the store page by page while a thread of its own writes.

mod findings;
mod job;
mod layers;
mod placing;
mod press;

pub use crate::formats::writing::{Encoding, Format};

use crate::formats::writing::{Layout, WriteError};
use crate::scope::Scope;
use crate::service::{Refusal, RefusalKind, Service, ServiceError};
use crate::store::{Filter, PatchPosition, Quota, StoreError, StoredPatch, Thing, VerdictFilter};
use placing::Placing;
use press::Press;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tuban_engine::model::{JobKind, Layer, LayerFeature, PeriodRange, Provenance, Survey, TakenOff, Words};
use tuban_geom::{Crs, crs::Degrees};

/// Patches read at a time.
const PAGE: u32 = 500;

/// The word for an export during which something was stored.
pub(super) const CHANGED_MEANWHILE: &str = "changed_meanwhile";
/// How long files that jobs made are kept.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// Once those made later have so many bytes in all, a file is kept no longer.
const KEPT_BYTES: u64 = 4 << 30;

/// What is exported.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Patches with their findings.
    Findings(Selection),
    /// The layer with this number.
    Layer(i64),
}

/// Which patches; what is said combines.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Of this survey.
    pub survey: Option<i64>,
    /// Of surveys of these months.
    pub range: Option<PeriodRange>,
    /// Of this county.
    pub county: Option<String>,
    /// With this verdict.
    pub verdict: Option<VerdictFilter>,
    /// Only the one with this number in the store.
    pub patch: Option<i64>,
}

/// An export that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Export {
    subject: Subject,
    format: Format,
    encoding: Encoding,
    crs: Crs,
}

impl Selection {
    /// The first page of it, as far as the scope has it.
    fn filter(&self, scope: &Scope) -> Filter {
        let Self { survey, range, county, verdict, patch } = self.clone();
        let limit = if patch.is_some() { 1 } else { PAGE };
        Filter { county, range, survey, verdict, limit, ..Filter::of(scope.clone()) }
    }
}

/// A parameter that has no meaning for the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {} / {}", .why[0], .why[1])]
pub struct Misfit {
    /// Its name.
    pub parameter: &'static str,
    /// Why, in Chinese and in English.
    pub why: [&'static str; 2],
}

impl Export {
    /// An export; shapes in EPSG:4490 and text in UTF-8 where nothing else is said.
    pub fn new(subject: Subject, format: Format, encoding: Option<Encoding>, crs: Option<Crs>) -> Result<Self, Misfit> {
        if crs.is_some() && !format.has_shapes() {
            return Err(Misfit { parameter: "crs", why: ["csv 与 xlsx 没有图形", "csv and xlsx have no shapes"] });
        }
        if encoding.is_some() && format != Format::Shapefile {
            return Err(Misfit { parameter: "encoding", why: ["只有 shp 可选编码", "only shp has a choice"] });
        }
        Ok(Self { subject, format, encoding: encoding.unwrap_or(Encoding::Utf8), crs: crs.unwrap_or(Crs::Geographic(Degrees::Cgcs2000)) })
    }
}

/// A file that was written.
#[derive(Debug)]
pub struct Exported {
    /// Open at its beginning and without a name: it is gone with the value.
    pub file: File,
    /// What to call it, in Chinese, with its ending.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Features in it.
    pub features: u64,
}

/// A survey as the findings of its patches cite it.
struct Cited {
    survey: Survey,
    crs: Crs,
    provenance: Provenance,
    layers: String,
}

impl Service {
    /// Writes an export; `report` is told how many features are done. Dropped before it is done, it leaves nothing behind.
    pub async fn export(&self, scope: &Scope, export: &Export, report: &(dyn Fn(u64) + Sync)) -> Result<Exported, ServiceError> {
        let _turn = self.exports.acquire().await;
        let before = self.store.revision().await?;
        let exported = match &export.subject {
            Subject::Findings(selection) => self.export_findings(scope, export, selection, report).await?,
            Subject::Layer(id) => self.export_layer(export, *id, report).await?,
        };
        // Pages are read one after the other: what changed between two of them would be half in the file.
        if self.store.revision().await? != before {
            let words = Words::new("导出期间数据有更新，请重新导出", "what is stored changed during the export; export again");
            return Err(Refusal::new(RefusalKind::Unavailable, CHANGED_MEANWHILE, words).into());
        }
        Ok(exported)
    }

    /// Drops files of exports that are too old or too much.
    pub(super) async fn drop_files(&self) -> Result<(), ServiceError> {
        Ok(self.store.drop_files(KEPT_FOR, KEPT_BYTES).await?)
    }

    /// Queues an export as a job; answers its id. What it names must be there, as far as that is quickly told.
    pub async fn queue_export(&self, scope: &Scope, export: &Export, quota: &Quota) -> Result<String, ServiceError> {
        match &export.subject {
            Subject::Findings(selection) => self.know(scope, selection).await?,
            Subject::Layer(id) => drop(self.layer(*id).await?),
        }
        self.drop_files().await?;
        self.queue(scope, JobKind::Export, export, quota, &mut tokio::io::empty()).await
    }

    /// How many features an export will have.
    pub(super) async fn features_of(&self, scope: &Scope, export: &Export) -> Result<u64, ServiceError> {
        Ok(match &export.subject {
            Subject::Findings(Selection { patch: Some(_), .. }) => 1,
            Subject::Findings(selection) => self.store.count_patches(&selection.filter(scope)).await?,
            Subject::Layer(id) => self.layer(*id).await?.features,
        })
    }

    /// The survey and the patch that are named must be there.
    async fn know(&self, scope: &Scope, selection: &Selection) -> Result<(), ServiceError> {
        if let Some(survey) = selection.survey {
            self.store.survey(scope, survey).await?;
        }
        if let Some(id) = selection.patch {
            self.store.patch(scope, id).await?;
        }
        Ok(())
    }

    /// Whether a survey that is asked about says of itself that it is invented.
    async fn any_invented(&self, scope: &Scope, selection: &Selection) -> Result<bool, ServiceError> {
        let survey = match selection.patch {
            Some(id) => Some(self.store.patch(scope, id).await?.survey_id),
            None => selection.survey,
        };
        let asked = |survey: &Survey| selection.range.is_none_or(|range| range.contains(survey.facts.period));
        Ok(self.store.surveys(scope).await?.iter().any(|one| one.facts.invented && survey.is_none_or(|id| one.id == id) && asked(one)))
    }

    async fn layer(&self, id: i64) -> Result<Layer, ServiceError> {
        let found = self.store.layers().await?.into_iter().find(|layer| layer.id == id);
        found.ok_or_else(|| StoreError::NotFound { what: Thing::Layer, key: id.to_string() }.into())
    }

    async fn export_findings(&self, scope: &Scope, export: &Export, selection: &Selection, report: &(dyn Fn(u64) + Sync)) -> Result<Exported, ServiceError> {
        self.know(scope, selection).await?;
        let patch = selection.patch;
        let mut filter = selection.filter(scope);
        if let Some(id) = patch {
            let place = self.store.patch(scope, id).await?.place();
            filter.after = PatchPosition { patch: place.patch - 1, ..place };
        }
        let (mut features, mut cited) = (0, BTreeMap::new());
        let press = Press::start(self, export.layout("findings", self.any_invented(scope, selection).await?, findings::COLUMNS), {
            let placing = self.placing(export);
            move |(stored, taken_off, cited): &(StoredPatch, TakenOff, Arc<Cited>)| {
                let outline = placing.patch(&stored.patch, cited.crs).ok_or_else(|| outside(&stored.patch.patch_id, placing.crs))?;
                Ok((findings::cells(stored, taken_off, cited, placing.format), outline))
            }
        });
        loop {
            let mut page = self.store.patches(&filter).await?;
            let is_last = patch.is_some() || page.len() < PAGE as usize;
            page.retain(|stored| patch.is_none_or(|id| stored.id == id));
            filter.after = page.last().map_or(filter.after, StoredPatch::place);
            features += page.len() as u64;
            if !press.push(self.cite(scope, page, selection.range, &mut cited).await?).await || is_last {
                break;
            }
            report(features);
        }
        if let Some(county) = selection.county.as_deref().filter(|_| features == 0) {
            self.know_county(county).await?;
        }
        let (surveys, names) = (cited.values().map(|cited| &cited.survey), self.county_names().await?);
        Ok(export.exported(press.finish().await?, &findings::title(selection, &names, surveys), features))
    }

    async fn export_layer(&self, export: &Export, id: i64, report: &(dyn Fn(u64) + Sync)) -> Result<Exported, ServiceError> {
        let layer = self.layer(id).await?;
        let crs = understood(&layer.crs)?;
        let press = Press::start(self, export.layout(layer.kind.word(), layer.invented, layers::columns(layer.kind)), {
            let placing = self.placing(export);
            move |feature| {
                let outline = placing.feature(feature, crs).ok_or_else(|| outside(&feature.facts.code, placing.crs))?;
                Ok((layers::cells(feature, layer.kind), outline))
            }
        });
        let mut done = 0;
        let mut push = |features: Vec<LayerFeature>| {
            done += features.len() as u64;
            press.push_blocking(features);
            report(done);
        };
        self.store.each_feature(id, &mut push).await?;
        Ok(export.exported(press.finish().await?, &layers::title(&layer), layer.features))
    }

    fn placing(&self, export: &Export) -> Placing {
        Placing { plane: self.atlas().plane().clone(), crs: export.crs, format: export.format }
    }

    /// Patches with what is taken off them in the sums of these months, and what their findings rest on; each survey and set is read once.
    async fn cite(
        &self,
        scope: &Scope,
        page: Vec<StoredPatch>,
        range: Option<PeriodRange>,
        cited: &mut BTreeMap<(i64, i64), Arc<Cited>>,
    ) -> Result<Vec<(StoredPatch, TakenOff, Arc<Cited>)>, ServiceError> {
        let mut taken_off = self.taken_off(scope, &page, range).await?;
        let mut with = Vec::with_capacity(page.len());
        for stored in page {
            let of = (stored.survey_id, stored.finding.layer_set);
            let known = if let Some(known) = cited.get(&of) { Arc::clone(known) } else { Arc::new(self.read_cited(scope, of).await?) };
            cited.entry(of).or_insert_with(|| Arc::clone(&known));
            let taken_off = taken_off.remove(&stored.id).unwrap_or_default();
            with.push((stored, taken_off, known));
        }
        Ok(with)
    }

    async fn read_cited(&self, scope: &Scope, (survey, set): (i64, i64)) -> Result<Cited, ServiceError> {
        let provenance = self.layer_set(set).await?.provenance.clone();
        let survey = self.store.survey(scope, survey).await?;
        let layers = provenance.layers.iter().map(|layer| format!("{}#{}@{}", layer.name, layer.id, layer.effective)).collect::<Vec<_>>();
        Ok(Cited { crs: understood(&survey.facts.crs)?, survey, layers: layers.join("；"), provenance })
    }

    /// A county that no patch lies in is one of the layer in force; else there is no such county.
    pub async fn know_county(&self, code: &str) -> Result<(), ServiceError> {
        let known = self.counties().await?.iter().any(|county| county.code == code);
        if known { Ok(()) } else { Err(StoreError::NotFound { what: Thing::County, key: code.to_owned() }.into()) }
    }
}

impl Export {
    fn layout(&self, layer: &str, invented: bool, columns: &'static [crate::formats::writing::Column]) -> Layout {
        Layout { format: self.format, crs: self.crs, encoding: self.encoding, invented, layer: layer.to_owned(), columns }
    }

    fn exported(&self, file: File, title: &str, features: u64) -> Exported {
        // What stands in the title came with a file: on disk it must be one name.
        let title: String = title.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
        Exported { file, name: format!("{title}.{}", self.format.extension()), media_type: self.format.media_type(), features }
    }
}

/// The CRS that was stored under its name.
pub(super) fn understood(name: &str) -> Result<Crs, ServiceError> {
    Crs::parse(name).map_err(|why| StoreError::Damaged(why.to_string()).into())
}

fn outside(what: &str, crs: Crs) -> ServiceError {
    let words =
        Words::new(format!("“{what}”不在坐标系 {crs} 的适用范围内，请换一个带号"), format!("“{what}” lies outside the ground of {crs}; choose another zone"));
    Refusal::new(RefusalKind::Unacceptable, "outside_crs", words).into()
}

impl From<WriteError> for ServiceError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io(error) => error.into(),
            WriteError::Unacceptable { code, words } => Refusal::new(RefusalKind::Unacceptable, code, words).into(),
            WriteError::Unavailable { code, words } => Refusal::new(RefusalKind::Unavailable, code, words).into(),
        }
    }
}
