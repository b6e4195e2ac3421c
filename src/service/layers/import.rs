//! A layer comes in: bytes → checked features → one transaction, and what was noticed on the way.

use crate::formats::{Arrival, Field, RawFeature, Stated, Wanted};
use crate::scope::Scope;
use crate::service::{
    Refusal, RefusalKind, Service, ServiceError, abandoned,
    error::for_all_only,
    layers::{
        approval_facts::{self, ApprovalsNoticed, Unread},
        codes::{self, CodeChoices, CodeSeen, CodeTally, Named},
        county_overlaps::{self, Holders, Outlines},
        first_seen::FirstSeen,
        left_out::{LeftOuts, Refused},
    },
    reading::{
        Reading, Wish,
        diagnostics::{Notice, Noticed, declared_empty, nothing},
        home, origin,
    },
    surveys::import::hash,
};
use crate::store::{Held, LayerWriter, NewLayer, Quota};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;
use tuban_engine::model::{CountyNames, FeatureFacts, JobKind, LONGEST_NAME, Layer, LayerFeature, LayerKind, Reject, Words, shortened};
use tuban_engine::{
    approval_kinds::ApprovalKinds,
    atlas::{Atlas, LayerBuilder, PreparedLayer},
    gcj02_evidence::testify,
    memory::Memory,
    normalize::{Intake, Taken},
};
use tuban_geom::{Bounds, Pieces, Plane};

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
    pub effective: Date,
    /// What people say of it.
    pub stated: Stated,
    /// `OUR=THEIRS` for its fields, where people say so.
    pub map: Vec<String>,
    /// What people say of its codes.
    #[serde(default)]
    pub codes: CodeChoices,
    /// What all of its approvals are for (农转用, 设施农用地 …), where people say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_kind: Option<String>,
    /// SHA-256 in hexadecimal, where it was computed on the way in.
    pub sha256: Option<String>,
}

impl LayerFile {
    /// The layer in that file, of which people say nothing else.
    #[must_use]
    pub fn new(path: PathBuf, kind: LayerKind, name: String, effective: Date) -> Self {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            path,
            file_name,
            kind,
            name,
            effective,
            stated: Stated::default(),
            map: Vec::new(),
            codes: CodeChoices::default(),
            approval_kind: None,
            sha256: None,
        }
    }

    /// That what people call it is no longer than a name may be.
    fn has_short_name(&self) -> Result<(), Refusal> {
        if matches!(shortened(&self.name), Cow::Borrowed(_)) {
            return Ok(());
        }
        let words =
            Words::new(format!("图层名称超过 {LONGEST_NAME} 个字符，请改短"), format!("the layer's name is longer than {LONGEST_NAME} characters; shorten it"));
        Err(Refusal::new(RefusalKind::Unacceptable, "name_too_long", words))
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
pub(crate) struct LayerTaken {
    writer: Box<dyn LayerWriter>,
    layer: NewLayer,
    rejects: Vec<Reject>,
}

impl LayerTaken {
    /// Makes it visible; as a job's, only if that job is still held.
    pub(crate) async fn commit(mut self, held: Option<&Held>) -> Result<LayerImported, ServiceError> {
        if let Some(held) = held {
            self.writer.only_while(held.clone(), self.rejects.clone());
        }
        Ok(LayerImported { layer: self.writer.commit(self.layer).await?, rejects: self.rejects })
    }
}

/// A feature of a layer, judged.
pub(crate) struct LayerJudged {
    pub feature: LayerFeature,
    pub pieces: Pieces,
    pub area_m2: f64,
    /// What could not be read of an approval's day, end and kind.
    pub unread: Unread,
}

/// Rejects and notes kept for people.
const SHOWN: usize = 100;

impl Service {
    /// Imports a layer, here and now; for *all* only. `report` is told how many features are done.
    pub async fn import_layer(&self, scope: &Scope, file: &LayerFile, report: &(dyn Fn(u64) + Sync)) -> Result<LayerImported, ServiceError> {
        for_all_only(scope)?;
        self.sweep().await?;
        self.take_layer_in(file, report).await?.commit(None).await
    }

    /// Queues the import of a layer, with its file; answers the job's id. For *all* only.
    pub async fn queue_layer_import(&self, scope: &Scope, file: &LayerFile, quota: &Quota) -> Result<String, ServiceError> {
        for_all_only(scope)?;
        file.has_short_name()?;
        let mut bytes = tokio::fs::File::open(&file.path).await?;
        self.queue(scope, JobKind::LayerImport, file, quota, &mut bytes).await
    }

    /// Everything but the commit.
    pub(crate) async fn take_layer_in(&self, file: &LayerFile, report: &(dyn Fn(u64) + Sync)) -> Result<LayerTaken, ServiceError> {
        file.has_short_name()?;
        approval_facts::check_said(file.kind, file.approval_kind.as_deref(), &self.rule().approvals)?;
        self.refresh_atlas().await?;
        let (mut stated, mut without) = (file.stated.clone(), Holders::new());
        loop {
            match self.take_layer_in_as(file, stated.clone(), without.clone(), report).await {
                Err(ServiceError::LateCrs(crs)) if stated.crs != Some(crs) => stated.crs = Some(crs),
                Err(ServiceError::Holders(holders)) if !holders.is_subset(&without) => without.extend(holders),
                outcome => return outcome,
            }
        }
    }

    async fn take_layer_in_as(&self, file: &LayerFile, stated: Stated, without: Holders, report: &(dyn Fn(u64) + Sync)) -> Result<LayerTaken, ServiceError> {
        let mut writer = self.store.begin_layer().await?;
        match self.write_layer(&mut *writer, file, stated, without, report).await {
            Ok((layer, rejects)) => Ok(LayerTaken { writer, layer, rejects }),
            Err(error) => {
                abandoned(writer.abandon().await);
                Err(error)
            }
        }
    }

    /// Reads the file, judges it and hands it to the store.
    async fn write_layer(
        &self,
        writer: &mut dyn LayerWriter,
        file: &LayerFile,
        stated: Stated,
        without: Holders,
        report: &(dyn Fn(u64) + Sync),
    ) -> Result<(NewLayer, Vec<Reject>), ServiceError> {
        let plane = origin::of_layers_in_force(&*self.store).await?;
        let (sender, mut receiver) = mpsc::channel::<Vec<LayerFeature>>(4);
        let kinds = self.rule().approvals.clone();
        // As for a survey: dropped where the job is cancelled.
        let asking = Arc::new(());
        let reading = {
            let (file, workshop, memory, atlas) = (file.clone(), self.workshop_while(&asking), self.memory.clone(), self.atlas());
            tokio::task::spawn_blocking(move || {
                let sha256 = file.sha256.map_or_else(|| hash(&file.path), Ok)?;
                let arrival = Arrival::receive(&file.path, &file.file_name, &workshop)?;
                let wanted = Wanted::Layer(file.kind);
                let wish = Wish { file: &arrival, wanted, stated: &stated, map: &file.map, counties: home(wanted, &atlas) };
                let mut sorting = Sorting::new(file.kind, CodeTally::of(file.kind, file.codes, &atlas), &memory, kinds);
                let mut reading = open(&wish, file.kind)?;
                let plane = plane.map_or_else(|| origin::of_file(&wish), Ok)?;
                let judge = LayerJudge::new(file.kind, file.codes, &reading, &plane, &atlas);
                let judge = judge.with_approval_kind(file.approval_kind.as_deref()).without(&without);
                reading.each_batch(
                    |raw| Ok(judge.judge(raw)?),
                    |judged| sender.blocking_send(sorting.take(judged)?).map_err(|_| ServiceError::Broken("the store went away".into())),
                )?;
                if let Some(question) = sorting.noticed.question().or_else(|| sorting.codes.question()) {
                    return Err(question.into());
                }
                let prepared = sorting.prepare()?;
                if let Some(prepared) = &prepared {
                    sorting.outlines.settle(file.codes.county_codes, prepared)?;
                }
                let rejects = std::mem::take(&mut sorting.rejects);
                let left_out = std::mem::take(&mut sorting.left_out).into_vec();
                let layer = NewLayer {
                    kind: file.kind,
                    name: file.name.clone(),
                    effective: file.effective,
                    crs: reading.crs().to_string(),
                    decimals: reading.written().decimals,
                    sha256,
                    invented: reading.head().invented,
                    rejected: sorting.rejected,
                    classes: sorting.codes.standard(),
                    undated: (file.kind == LayerKind::Approved).then(|| sorting.approvals.undated()),
                    notes: {
                        let words = sorting.said(&reading).into_iter().chain(sorting.approvals.words(reading.fields()));
                        let words = words.chain(county_overlaps::left_out(&without)).map(|words| words.zh);
                        words.collect::<Vec<_>>().into_iter().chain(sorting.notes(prepared)).collect()
                    },
                };
                Ok::<_, ServiceError>((layer, rejects, left_out))
            })
        };
        let (mut done, mut earlier) = (0, None);
        while let Some(mut features) = receiver.recv().await {
            done += features.len() as u64;
            if file.kind == LayerKind::Approved {
                self.date_back(&mut features, file.effective, &mut earlier).await?;
            }
            writer.push(features).await?;
            report(done);
        }
        let (mut layer, rejects, left_out) = reading.await.map_err(|error| ServiceError::Broken(error.to_string()))??;
        if let Some(refusal) = nothing(done + layer.rejected, done, file.stated.empty) {
            return Err(Refusal { rejects, ..refusal }.into());
        }
        writer.leave_out(left_out).await?;
        if layer.undated.is_some_and(|undated| undated > 0) && self.has_later_approvals(layer.effective).await? {
            layer.notes.push("已有生效日期更晚的批准用地版本：其中没有批准日期的，仍按收到那个版本时所知认定；需要时请重新提供那个版本".to_owned());
        }
        Ok((layer, rejects))
    }

    /// Says of approvals without a day since when they are known. What was stored before is read where there is one.
    async fn date_back(&self, features: &mut [LayerFeature], effective: Date, earlier: &mut Option<FirstSeen>) -> Result<(), ServiceError> {
        for feature in features.iter_mut().filter(|feature| feature.facts.granted.is_none()) {
            let earlier = match earlier {
                Some(earlier) => earlier,
                None => earlier.insert(FirstSeen::before(&*self.store, effective).await?),
            };
            feature.facts.first_effective = Some(earlier.of(feature, effective));
        }
        Ok(())
    }

    /// Whether a version of approvals is stored that counts from a later day.
    async fn has_later_approvals(&self, effective: Date) -> Result<bool, ServiceError> {
        Ok(self.store.layers().await?.iter().any(|layer| layer.kind == LayerKind::Approved && layer.effective > effective))
    }
}

/// Opens a layer's file; one that lacks the field its kind lives by is refused.
pub(crate) fn open(wish: &Wish<'_>, kind: LayerKind) -> Result<Reading, ServiceError> {
    let reading = Reading::open(wish)?;
    has_needed(&reading, kind)?;
    Ok(reading)
}

/// That a layer has the field its kind lives by.
pub(crate) fn has_needed(reading: &Reading, kind: LayerKind) -> Result<(), ServiceError> {
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
pub(crate) struct LayerJudge<'a> {
    kind: LayerKind,
    choices: CodeChoices,
    names_in_force: CountyNames,
    intake: Intake,
    asks_gcj02: bool,
    atlas: &'a Atlas,
    approval_kind: Option<&'a str>,
    /// Counties that are left out because they hold others.
    without: Option<&'a Holders>,
}

/// What became of a feature of a layer.
pub(crate) struct LayerOutcome {
    pub row: u64,
    pub notice: Notice,
    pub code: CodeSeen,
    /// A member of the layer; or why it is none: nothing where people said to leave it out.
    pub judged: Result<LayerJudged, Option<Box<Refused>>>,
}

impl<'a> LayerJudge<'a> {
    /// A judge of the features of a file, in that plane, which the layers in force are witnesses of.
    pub fn new(kind: LayerKind, choices: CodeChoices, reading: &Reading, plane: &Plane, atlas: &'a Atlas) -> Self {
        let (names_in_force, asks_gcj02) = (codes::names_in_force(kind, atlas), reading.gcj02_is_open());
        Self { kind, choices, names_in_force, intake: reading.intake(plane), asks_gcj02, atlas, approval_kind: None, without: None }
    }

    /// Sets what all approvals of the file are for, as people said.
    pub fn with_approval_kind(self, approval_kind: Option<&'a str>) -> Self {
        Self { approval_kind, ..self }
    }

    /// Leaves out the counties with these codes.
    pub fn without(self, holders: &'a Holders) -> Self {
        Self { without: Some(holders), ..self }
    }

    /// Judges one feature. Fails only where layers in force cannot be read back.
    pub fn judge(&self, raw: RawFeature<'_>) -> io::Result<LayerOutcome> {
        let (row, mut notice) =
            (raw.row, Notice { decimals: raw.decimals, has_z: raw.has_z, mixed: raw.mixed, shortened: codes::is_shortened(&raw), ..Notice::default() });
        let (code, mut named) = codes::read(self.kind, self.choices, &self.names_in_force, &raw);
        if named.as_ref().is_ok_and(|facts| self.kind == LayerKind::County && self.without.is_some_and(|holders| holders.contains(&facts.code))) {
            named = Err(None);
        }
        let unread = match &mut named {
            Ok(facts) if self.kind == LayerKind::Approved => approval_facts::read(&raw, facts, self.approval_kind),
            _ => Unread::default(),
        };
        let judged = match self.take_in(raw, named) {
            Ok((facts, taken, bounds)) => {
                if self.asks_gcj02 {
                    notice.testimony = testify(self.atlas, row, &taken.degrees, None)?;
                }
                self.member(row, facts, taken, bounds).map(|(feature, pieces, area_m2)| LayerJudged { feature, pieces, area_m2, unread })
            }
            Err(refused) => Err(refused),
        };
        Ok(LayerOutcome { row, notice, code, judged })
    }

    /// A member of the layer. What was repaired is read again whenever the layers are loaded, after its positions went through degrees: if it does not pass
    /// then, it must not now.
    fn member(&self, row: u64, facts: FeatureFacts, taken: Taken, bounds: Bounds) -> Result<(LayerFeature, Pieces, f64), Option<Box<Refused>>> {
        let again = self.intake.region_as_stored(&taken);
        let region = again.map_err(|fault| Some(Refused::of(fault.reject(row, None), Some(bounds), &self.intake)))?;
        let region = region.unwrap_or(taken.region);
        let feature = LayerFeature { row, facts, source: taken.source, degrees: taken.dense.unwrap_or(taken.degrees), repaired: taken.repaired };
        Ok((feature, Pieces::of(&region), region.area_m2()))
    }

    /// What the feature alone tells: what it is called, its outline, and the box of that in the file's coordinates.
    fn take_in(&self, raw: RawFeature<'_>, named: Named) -> Result<(FeatureFacts, Taken, Bounds), Option<Box<Refused>>> {
        let bounds = raw.geometry.as_ref().ok().map(|outline| Bounds::of(&outline.positions));
        let facts = named.map_err(|reject| reject.map(|reject| Refused::of(*reject, bounds, &self.intake)))?;
        let outline = raw.geometry.map_err(|fault| Some(Refused::unreadable(fault.reject(raw.row, None), &fault.kind, &self.intake)))?;
        let taken = self.intake.take(outline).map_err(|fault| Some(Refused::of(fault.reject(raw.row, None), bounds, &self.intake)))?;
        Ok((facts, taken, bounds.unwrap_or(Bounds::EMPTY)))
    }
}

/// Sorts judged features into those to store and those refused, and watches for what people should know.
struct Sorting {
    kind: LayerKind,
    noticed: Noticed,
    /// Until the layer is prepared.
    builder: Option<LayerBuilder>,
    outlines: Outlines,
    codes: CodeTally,
    left_out: LeftOuts,
    rows: Vec<u64>,
    rejects: Vec<Reject>,
    rejected: u64,
    repaired_outlines: u64,
    approvals: ApprovalsNoticed,
    kinds: ApprovalKinds,
}

impl Sorting {
    fn new(kind: LayerKind, codes: CodeTally, memory: &Memory, kinds: ApprovalKinds) -> Self {
        Self {
            kind,
            noticed: Noticed::default(),
            builder: Some(LayerBuilder::new(kind, memory)),
            outlines: Outlines::default(),
            codes,
            left_out: LeftOuts::default(),
            rows: Vec::new(),
            rejects: Vec::new(),
            rejected: 0,
            repaired_outlines: 0,
            approvals: ApprovalsNoticed::default(),
            kinds,
        }
    }

    fn take(&mut self, batch: Vec<LayerOutcome>) -> io::Result<Vec<LayerFeature>> {
        let mut features = Vec::with_capacity(batch.len());
        for LayerOutcome { row, notice, code, judged } in batch {
            self.noticed.add(notice);
            self.codes.add(row, &code, judged.as_ref().ok().map(|judged| &judged.feature.facts));
            match judged {
                Ok(LayerJudged { feature, pieces, area_m2, unread }) => {
                    if self.kind == LayerKind::Approved {
                        self.approvals.add(&feature.facts, unread, &self.kinds);
                    }
                    self.repaired_outlines += u64::from(feature.repaired.is_some());
                    if let Some(builder) = &mut self.builder {
                        builder.push(&feature.facts, &pieces, &feature.degrees)?;
                    }
                    self.outlines.add(self.kind, &feature.facts, area_m2);
                    self.rows.push(feature.row);
                    features.push(feature);
                }
                Err(Some(refused)) => {
                    let Refused { reject, left_out } = *refused;
                    self.rejected += 1;
                    if let Some(one) = left_out {
                        self.left_out.add(one);
                    }
                    if self.rejects.len() < SHOWN {
                        self.rejects.push(reject);
                    }
                }
                Err(None) => {}
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

    /// The layer, where its members must tile.
    fn prepare(&mut self) -> io::Result<Option<PreparedLayer>> {
        self.builder.take().filter(|_| self.kind.must_tile()).map(LayerBuilder::finish).transpose()
    }

    fn notes(self, prepared: Option<PreparedLayer>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.rejected > 0 {
            notes.push(format!("{} 个要素被拒收", self.rejected));
        }
        if self.repaired_outlines > 0 {
            notes.push(format!("{} 个要素的图形经过修复", self.repaired_outlines));
        }
        notes.extend(self.codes.notes().into_iter().map(|words| words.zh));
        if let Some(prepared) = prepared {
            let overlaps: Vec<_> = prepared.overlaps().collect();
            let row = |member: u32| self.rows.get(member as usize).copied().unwrap_or(0);
            notes.extend(overlaps.iter().take(SHOWN).map(|([a, b], m2)| format!("第 {} 行与第 {} 行重叠 {m2:.4} 平方米", row(*a), row(*b))));
            let more = prepared.has_more_overlaps();
            if more || overlaps.len() > SHOWN {
                let (number, shown) = (overlaps.len(), overlaps.len().min(SHOWN));
                notes.push(format!("共 {number} 处{}重叠，只列出前 {shown} 处", if more { "以上" } else { "" }));
            }
        }
        notes
    }
}
