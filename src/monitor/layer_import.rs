//! A layer comes in: bytes → checked features → one transaction, and what was noticed on the way.

use super::{
    Monitor, MonitorError, Refusal, RefusalKind,
    atlas::{Atlas, LayerBuilder},
    gcj02::testify,
    intake::{Intake, Taken},
    memory::Memory,
    noticed::{Notice, Noticed, declared_empty, nothing},
    origin,
    reading::{Reading, Wish, home},
    survey_import::hash,
};
use crate::formats::{Arrival, Field, RawFeature, Stated, Wanted};
use crate::geom::{Pieces, Plane, check_in};
use crate::land::{FeatureFacts, JobKind, Layer, LayerKind, Reject, Words};
use crate::store::{Held, LayerFeature, LayerWriter, NewLayer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// A layer about to be imported.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LayerFile {
    /// The file, on this node.
    #[serde(skip)]
    pub path: PathBuf,
    /// Its name, for people.
    pub file_name: String,
    /// What it tells.
    pub kind: LayerKind,
    /// What people call it.
    pub name: String,
    /// The day from which it counts.
    pub effective: jiff::civil::Date,
    /// What people say of it.
    pub stated: Stated,
    /// `OUR=THEIRS` for its fields, where people say so.
    pub map: Vec<String>,
    /// SHA-256 in hexadecimal, where it was computed on the way in.
    pub sha256: Option<String>,
}

impl LayerFile {
    /// The layer in that file, of which people say nothing else.
    #[must_use]
    pub fn new(path: PathBuf, kind: LayerKind, name: String, effective: jiff::civil::Date) -> Self {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { path, file_name, kind, name, effective, stated: Stated::default(), map: Vec::new(), sha256: None }
    }
}

/// What became of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerImported {
    /// The layer, stored.
    pub layer: Layer,
    /// The first features refused.
    pub rejects: Vec<Reject>,
}

/// A layer that was taken in, but for the commit.
pub(super) struct LayerTaken {
    writer: Box<dyn LayerWriter>,
    layer: NewLayer,
    rejects: Vec<Reject>,
}

impl LayerTaken {
    /// Makes it visible; as a job's, only if that job is still held.
    pub(super) async fn commit(mut self, held: Option<&Held>) -> Result<LayerImported, MonitorError> {
        if let Some(held) = held {
            self.writer.only_while(held.clone(), self.rejects.clone());
        }
        Ok(LayerImported { layer: self.writer.commit(self.layer).await?, rejects: self.rejects })
    }
}

/// A feature of a layer, judged.
pub(super) struct LayerJudged {
    pub feature: LayerFeature,
    pub pieces: Pieces,
    /// Whether a lost leading zero was put back.
    pub repaired_code: bool,
}

/// Rejects and notes kept for people.
const SHOWN: usize = 100;

impl Monitor {
    /// Imports a layer, here and now. `report` is told how many features are done.
    pub async fn import_layer(&self, file: &LayerFile, report: &(dyn Fn(u64) + Sync)) -> Result<LayerImported, MonitorError> {
        self.take_layer_in(file, report).await?.commit(None).await
    }

    /// Queues the import of a layer, with its file; answers the job's id.
    pub async fn queue_layer_import(&self, file: &LayerFile) -> Result<String, MonitorError> {
        let mut bytes = tokio::fs::File::open(&file.path).await?;
        self.queue(JobKind::LayerImport, file, &mut bytes).await
    }

    /// Everything but the commit.
    pub(super) async fn take_layer_in(&self, file: &LayerFile, report: &(dyn Fn(u64) + Sync)) -> Result<LayerTaken, MonitorError> {
        self.refresh_atlas().await?;
        match self.take_layer_in_as(file, file.stated.clone(), report).await {
            Err(MonitorError::LateCrs(crs)) => self.take_layer_in_as(file, Stated { crs: Some(crs), ..file.stated.clone() }, report).await,
            outcome => outcome,
        }
    }

    async fn take_layer_in_as(&self, file: &LayerFile, stated: Stated, report: &(dyn Fn(u64) + Sync)) -> Result<LayerTaken, MonitorError> {
        let plane = origin::of_layers_in_force(&*self.store).await?;
        let mut writer = self.store.begin_layer().await?;
        let (sender, mut receiver) = mpsc::channel::<Vec<LayerFeature>>(4);
        let reading = {
            let (file, workshop, memory, atlas) = (file.clone(), self.workshop.clone(), self.memory.clone(), self.atlas());
            tokio::task::spawn_blocking(move || {
                let sha256 = file.sha256.map_or_else(|| hash(&file.path), Ok)?;
                let arrival = Arrival::receive(&file.path, &file.file_name, &workshop)?;
                let wanted = Wanted::Layer(file.kind);
                let wish = Wish { file: &arrival, wanted, stated: &stated, map: &file.map, counties: home(wanted, &atlas) };
                let mut sorting = Sorting::new(file.kind, &memory);
                let mut reading = open(&wish, file.kind)?;
                let judge = LayerJudge::new(file.kind, &reading, &plane.map_or_else(|| origin::of_file(&wish), Ok)?, &atlas);
                reading.each_batch(
                    |raw| Ok(judge.judge(raw)?),
                    |judged| sender.blocking_send(sorting.take(judged)?).map_err(|_| MonitorError::Broken("the store went away".into())),
                )?;
                if let Some(question) = sorting.noticed.question() {
                    return Err(question.into());
                }
                let rejects = std::mem::take(&mut sorting.rejects);
                let layer = NewLayer {
                    kind: file.kind,
                    name: file.name.clone(),
                    effective: file.effective,
                    crs: reading.crs().to_string(),
                    sha256,
                    invented: reading.head().invented,
                    rejected: sorting.rejected,
                    notes: sorting.said(&reading).into_iter().map(|words| words.zh).chain(sorting.notes()?).collect(),
                };
                Ok::<_, MonitorError>((layer, rejects))
            })
        };
        let mut done = 0;
        while let Some(features) = receiver.recv().await {
            done += features.len() as u64;
            writer.push(features).await?;
            report(done);
        }
        let (layer, rejects) = reading.await.map_err(|error| MonitorError::Broken(error.to_string()))??;
        if let Some(refusal) = nothing(done + layer.rejected, done, file.stated.empty) {
            return Err(Refusal { rejects, ..refusal }.into());
        }
        Ok(LayerTaken { writer, layer, rejects })
    }
}

/// Opens a layer's file; one that lacks the field its kind lives by is refused.
pub(super) fn open(wish: &Wish<'_>, kind: LayerKind) -> Result<Reading, MonitorError> {
    let reading = Reading::open(wish)?;
    has_needed(&reading, kind)?;
    Ok(reading)
}

/// That a layer has the field its kind lives by.
pub(super) fn has_needed(reading: &Reading, kind: LayerKind) -> Result<(), MonitorError> {
    let needed = match kind {
        LayerKind::County => Some("XZQDM"),
        LayerKind::Farmland => Some("DLBM"),
        _ => None,
    };
    match needed {
        // Of a layer without features nothing is needed; whether it may be empty is asked once it is read.
        Some(usual) if reading.fields().theirs(Field::Code).is_none() && !reading.is_empty() => {
            let words = Words::new(
                format!("{}图层缺少代码字段（通常为 {usual}），请指明哪个字段是代码", kind.chinese()),
                format!("a layer of kind {kind} needs a code field (usually {usual}); say which field it is"),
            );
            Err(Refusal::new(RefusalKind::Unacceptable, "fields", words).into())
        }
        _ => Ok(()),
    }
}

/// Everything a feature of a layer is judged by.
pub(super) struct LayerJudge<'a> {
    kind: LayerKind,
    intake: Intake,
    asks_gcj02: bool,
    atlas: &'a Atlas,
}

impl<'a> LayerJudge<'a> {
    /// A judge of the features of a file, in that plane, which the layers in force are witnesses of.
    pub fn new(kind: LayerKind, reading: &Reading, plane: &Plane, atlas: &'a Atlas) -> Self {
        Self { kind, intake: reading.intake(plane), asks_gcj02: reading.gcj02_is_open(), atlas }
    }

    /// Judges one feature. Fails only where layers in force cannot be read back.
    pub fn judge(&self, raw: RawFeature<'_>) -> io::Result<(Notice, Result<LayerJudged, Reject>)> {
        let mut notice = Notice { decimals: raw.decimals, has_z: raw.has_z, ..Notice::default() };
        let row = raw.row;
        let (facts, repaired_code, taken) = match self.take_in(raw) {
            Ok(taken) => taken,
            Err(reject) => return Ok((notice, Err(reject))),
        };
        if self.asks_gcj02 {
            notice.testimony = testify(self.atlas, row, &taken.degrees, None)?;
        }
        // What was repaired is read again whenever the layers are loaded, after its positions went through degrees: if it does not pass then, it must not now.
        let region = match self.intake.region_as_stored(&taken) {
            Ok(region) => region,
            Err(fault) => return Ok((notice, Err(fault.reject(row, None)))),
        };
        let pieces = Pieces::of(&region.unwrap_or(taken.region));
        let feature = LayerFeature { row, facts, source: taken.source, degrees: taken.dense.unwrap_or(taken.degrees), repaired: taken.repaired };
        Ok((notice, Ok(LayerJudged { feature, pieces, repaired_code })))
    }

    /// What the feature alone tells: what it says of itself, whether its code was repaired, and its outline.
    fn take_in(&self, raw: RawFeature<'_>) -> Result<(FeatureFacts, bool, Taken), Reject> {
        let row = raw.row;
        let (facts, repaired_code) = facts(self.kind, &raw)?;
        let outline = raw.geometry.map_err(|fault| fault.reject(row, None))?;
        let taken = self.intake.take(outline).map_err(|fault| fault.reject(row, None))?;
        Ok((facts, repaired_code, taken))
    }
}

/// Code and name; whether a lost leading zero was put back.
fn facts(kind: LayerKind, raw: &RawFeature<'_>) -> Result<(FeatureFacts, bool), Reject> {
    let code = raw.fields.get(Field::Code).unwrap_or("").to_owned();
    let name = raw.fields.get(Field::Name).unwrap_or("").to_owned();
    let refuse = |code: &str, zh: String, en: String| {
        Err(Reject {
            row: raw.row,
            patch_id: None,
            code: code.to_owned(),
            reason: Words::new(zh, en),
            pointer: format!("/features/{}/properties", raw.row.saturating_sub(1)),
            ring: None,
            vertex: None,
        })
    };
    match kind {
        LayerKind::County => match code.get(..6).filter(|six| six.bytes().all(|b| b.is_ascii_digit())) {
            Some(six) => Ok((FeatureFacts { code: six.to_owned(), name }, false)),
            None => refuse("bad_county_code", format!("县代码“{code}”不是 6 位数字"), format!("county code “{code}” is not six digits")),
        },
        LayerKind::Farmland => {
            // Spreadsheets drop the leading zero of 0101; no class has three digits.
            let lost_zero = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
            let code = if lost_zero { format!("0{code}") } else { code };
            let digits = code.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 4 && code.len() <= 5 {
                Ok((FeatureFacts { code, name }, lost_zero))
            } else {
                refuse("bad_dlbm", format!("DLBM“{code}”不是 4 位地类编码"), format!("DLBM “{code}” is not a class code of four digits"))
            }
        }
        _ => Ok((FeatureFacts { code, name }, false)),
    }
}

/// Sorts judged features into those to store and those refused, and watches for what people should know.
struct Sorting {
    noticed: Noticed,
    builder: LayerBuilder,
    rows: Vec<u64>,
    rejects: Vec<Reject>,
    rejected: u64,
    repaired_codes: u64,
    repaired_outlines: u64,
}

impl Sorting {
    fn new(kind: LayerKind, memory: &Memory) -> Self {
        Self {
            noticed: Noticed::default(),
            builder: LayerBuilder::new(kind, memory),
            rows: Vec::new(),
            rejects: Vec::new(),
            rejected: 0,
            repaired_codes: 0,
            repaired_outlines: 0,
        }
    }

    fn take(&mut self, batch: Vec<(Notice, Result<LayerJudged, Reject>)>) -> io::Result<Vec<LayerFeature>> {
        let mut features = Vec::with_capacity(batch.len());
        for (notice, judged) in batch {
            self.noticed.add(notice);
            match judged {
                Ok(LayerJudged { feature, pieces, repaired_code }) => {
                    self.repaired_codes += u64::from(repaired_code);
                    self.repaired_outlines += u64::from(feature.repaired.is_some());
                    self.builder.push(&feature.facts, &pieces, &feature.degrees)?;
                    self.rows.push(feature.row);
                    features.push(feature);
                }
                Err(reject) => {
                    self.rejected += 1;
                    if self.rejects.len() < SHOWN {
                        self.rejects.push(reject);
                    }
                }
            }
        }
        Ok(features)
    }

    /// What people should know of the file.
    fn said(&self, reading: &Reading) -> Vec<Words> {
        let taken = self.rows.len() as u64;
        let mut said = self.noticed.words(reading, taken);
        said.extend((taken + self.rejected == 0).then(declared_empty));
        said
    }

    fn notes(self) -> io::Result<Vec<String>> {
        let mut notes = Vec::new();
        if self.rejected > 0 {
            notes.push(format!("{} 个要素被拒收", self.rejected));
        }
        if self.repaired_outlines > 0 {
            notes.push(format!("{} 个要素的图形经过修复", self.repaired_outlines));
        }
        if self.repaired_codes > 0 {
            notes.push(format!("{} 个 DLBM 丢失了前导 0，已补上", self.repaired_codes));
        }
        let kind = self.builder.kind();
        if kind.must_tile() {
            let prepared = self.builder.finish()?;
            let overlaps: Vec<_> = prepared.overlaps().collect();
            let row = |member: u32| self.rows.get(member as usize).copied().unwrap_or(0);
            notes.extend(overlaps.iter().take(SHOWN).map(|([a, b], m2)| format!("第 {} 行与第 {} 行重叠 {m2:.4} 平方米", row(*a), row(*b))));
            let more = prepared.has_more_overlaps();
            if more || overlaps.len() > SHOWN {
                let (number, shown) = (overlaps.len(), overlaps.len().min(SHOWN));
                notes.push(format!("共 {number} 处{}重叠，只列出前 {shown} 处", if more { "以上" } else { "" }));
            }
        }
        Ok(notes)
    }
}

/// Stored features cut into pieces, in order; `None` where one no longer passes its check.
pub(super) fn pieces<'f>(plane: &Plane, features: &'f [LayerFeature]) -> Vec<(&'f LayerFeature, Option<Pieces>)> {
    let pieces = |feature: &'f LayerFeature| {
        let outline = feature.repaired.as_ref().unwrap_or(&feature.degrees);
        (feature, check_in(outline, |at| plane.project(at)).ok().map(|checked| Pieces::of(&checked.region)))
    };
    features.par_iter().map(pieces).collect()
}
