//! A file looked at before it is taken in: what it is, what its fields are taken for, what is wrong with it, and what would happen on import. Nothing is
//! stored.

use crate::formats::{Arrival, EncodingChoice, Layer, RawFeature, Stated, Wanted, ogr::Workshop};
use crate::service::{
    Refusal, Service, ServiceError,
    layers::{
        approval_facts::{self, ApprovalsNoticed},
        codes::{CodeChoices, CodeTally},
        county_overlaps::{self, Holders, Outlines},
        import::{LayerJudge, LayerJudged, LayerOutcome, has_needed},
    },
    reading::{
        Reading, Wish,
        diagnostics::{Notice, Noticed, declared_empty, nothing, outside_counties},
        home,
    },
    surveys::{
        ids::Ids,
        judging::{Judge, duplicate},
    },
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Weak;
use tuban_engine::model::{Flag, LayerKind, Reject, Words, today};
use tuban_engine::{
    atlas::{Atlas, LayerBuilder},
    memory::Memory,
    rule::Rule,
};
use tuban_geom::{Bounds, Crs};

/// What to look at.
#[derive(Debug, Clone)]
pub struct InspectFile<'a> {
    /// The file.
    pub path: &'a Path,
    /// What people call it.
    pub name: &'a str,
    /// What it would be read for.
    pub wanted: Wanted,
    /// What people say of it.
    pub stated: Stated,
    /// `OUR=THEIRS` for its fields, where people say so.
    pub map: Vec<String>,
    /// What people say of a layer's codes.
    pub codes: CodeChoices,
    /// What all approvals of a layer are for, where people say so.
    pub approval_kind: Option<String>,
}

/// What was seen.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// What the file is.
    pub format: String,
    /// Its layers.
    pub layers: Vec<Layer>,
    /// The one that would be read.
    pub layer: Option<String>,
    /// The CRS that the file names, in its own words.
    pub crs_found: Option<String>,
    /// The CRS it would be read in.
    pub crs: Option<Crs>,
    /// Whether people said so, the file says so, or neither.
    pub crs_source: CrsSource,
    /// Where its coordinates contradict that: what it could be instead.
    pub crs_candidates: Vec<Crs>,
    /// What its text is read in, where its format has a choice.
    pub encoding: Option<EncodingChoice>,
    /// Its fields, each with what it is taken for.
    pub fields: Vec<(String, Option<String>)>,
    /// Our fields: what a field may be mapped to.
    pub ours: Vec<&'static str>,
    /// Its first rows: JSON objects.
    pub preview: Vec<String>,
    /// Where it lies, degrees.
    pub extent: Option<Bounds>,
    /// Features it has.
    pub features: u64,
    /// Of those, taken in as they are or repaired.
    pub accepted: u64,
    /// Of those, repaired.
    pub repaired: u64,
    /// Features that would be refused.
    pub rejected: u64,
    /// The first of them.
    pub rejects: Vec<Reject>,
    /// The first repairs, by row.
    pub defects: Vec<(u64, Words)>,
    /// What people should know.
    pub warnings: Vec<Words>,
    /// Why the whole would be refused as it is; corrections may help.
    pub problem: Option<Refusal>,
    /// Features in no county in force.
    pub outside: u64,
    noticed: Noticed,
    ids: Ids,
}

tuban_engine::model::words! {
    /// Where a CRS comes from.
    CrsSource {
        /// People said so.
        Stated = "stated",
        /// The file says so.
        File = "file",
        /// Not stated; the default of the format.
        Assumed = "assumed",
    }
}

/// Rows shown.
const PREVIEW: usize = 5;
/// Rejects and repairs shown.
const SHOWN: usize = 20;

impl Service {
    /// Looks at a file, against the layers in force; where somebody `asked`, only as long as that one waits.
    pub fn inspect(&self, file: &InspectFile<'_>, asked: Option<Weak<()>>) -> Result<Inspection, ServiceError> {
        inspect(file, &self.atlas(), self.rule(), &Workshop { asked, ..self.workshop.clone() }, &self.memory)
    }
}

/// Looks at a file.
///
/// # Errors
/// When it cannot be read at all. What corrections may help is no error but [`Inspection::problem`].
pub fn inspect(file: &InspectFile<'_>, atlas: &Atlas, rule: &Rule, workshop: &Workshop, memory: &Memory) -> Result<Inspection, ServiceError> {
    if let Wanted::Layer(kind) = file.wanted {
        approval_facts::check_said(kind, file.approval_kind.as_deref(), &rule.approvals)?;
    }
    let arrival = Arrival::receive(file.path, file.name, workshop)?;
    let mut inspection = Inspection::of(&arrival, file);
    let mut stated = file.stated.clone();
    let layer = match arrival.choose(stated.layer.as_deref()) {
        Ok(layer) => layer,
        Err(error) => return inspection.refused(error.into()),
    };
    inspection.layer = Some(layer.name.clone());
    inspection.crs_found = layer.crs.as_ref().map(|crs| crs.found.clone());
    inspection.encoding = match arrival.encoding(layer, &stated) {
        Ok(encoding) => encoding,
        Err(error) => return inspection.refused(error.into()),
    };
    if let Some(named) = &layer.crs {
        if stated.crs.is_none() {
            inspection.crs_source = CrsSource::File;
        }
        if let (None, Err(words)) = (stated.crs, &named.understood) {
            inspection.problem = Some(Refusal::new(super::RefusalKind::Unreadable, "unknown_crs", words.clone()));
            // Rows can be shown all the same.
            stated.crs = Some(Crs::CRS84);
        }
    }
    let (mut begun, mut known) = (inspection, Known { stated, without: Holders::new() });
    loop {
        let mut inspection = begun.clone();
        match inspection.read(&arrival, file, &known, (atlas, rule, memory)) {
            Err(ServiceError::LateCrs(crs)) if known.stated.crs != Some(crs) => {
                known.stated.crs = Some(crs);
                begun.crs_source = CrsSource::File;
            }
            Err(ServiceError::Holders(holders)) if !holders.is_subset(&known.without) => known.without.extend(holders),
            Ok(()) => return Ok(inspection),
            Err(error) => return inspection.refused(error),
        }
    }
}

/// What is known of a file before it is read, or once it was.
struct Known {
    stated: Stated,
    without: Holders,
}

impl Inspection {
    fn of(arrival: &Arrival, file: &InspectFile<'_>) -> Self {
        Self {
            format: arrival.format().to_owned(),
            layers: arrival.layers().to_vec(),
            layer: None,
            crs_found: None,
            crs: None,
            crs_source: if file.stated.crs.is_some() { CrsSource::Stated } else { CrsSource::Assumed },
            crs_candidates: Vec::new(),
            encoding: None,
            fields: Vec::new(),
            ours: file.wanted.aliases().iter().map(|(field, _)| field.word()).collect(),
            preview: Vec::new(),
            extent: None,
            features: 0,
            accepted: 0,
            repaired: 0,
            rejected: 0,
            rejects: Vec::new(),
            defects: Vec::new(),
            warnings: Vec::new(),
            problem: None,
            outside: 0,
            noticed: Noticed::default(),
            ids: Ids::default(),
        }
    }

    /// What stands in the way becomes part of the answer; only a defect of ours stays an error.
    fn refused(mut self, error: ServiceError) -> Result<Self, ServiceError> {
        match error {
            ServiceError::Refused(refusal) => {
                self.problem.get_or_insert(*refusal);
                Ok(self)
            }
            error => Err(error),
        }
    }

    fn read(
        &mut self,
        arrival: &Arrival,
        file: &InspectFile<'_>,
        Known { stated, without }: &Known,
        (atlas, rule, memory): (&Atlas, &Rule, &Memory),
    ) -> Result<(), ServiceError> {
        let wish = Wish { file: arrival, wanted: file.wanted, stated, map: &file.map, counties: home(file.wanted, atlas) };
        let (mut reading, contradiction) = Reading::look(&wish)?;
        self.crs_found = self.crs_found.take().or_else(|| reading.head().crs.map(|crs| crs.to_string()));
        if self.problem.is_none() {
            self.crs = Some(reading.crs());
            if self.crs_source == CrsSource::Assumed && reading.head().crs.is_some() {
                self.crs_source = CrsSource::File;
            }
        }
        reading.candidates().clone_into(&mut self.crs_candidates);
        if let Wanted::Layer(kind) = file.wanted
            && let Err(ServiceError::Refused(refusal)) = has_needed(&reading, kind)
        {
            self.problem.get_or_insert(*refusal);
        }
        let taken: BTreeMap<String, String> = reading.fields().taken().into_iter().map(|(ours, theirs)| (theirs, ours)).collect();
        self.fields = reading.keys().iter().map(|theirs| (theirs.clone(), taken.get(theirs).cloned())).collect();
        self.preview = reading.preview(PREVIEW)?;
        if let Some(contradiction) = contradiction {
            self.problem.get_or_insert(contradiction);
        }
        if self.problem.is_some() {
            return Ok(());
        }
        match file.wanted {
            Wanted::Survey => self.read_survey(&mut reading, atlas, rule)?,
            Wanted::Layer(kind) => self.read_layer(&mut reading, kind, file, without, (atlas, rule, memory))?,
        }
        self.warnings.extend(self.noticed.words(&reading, self.accepted));
        let asked = self.problem.take();
        self.problem =
            asked.or_else(|| nothing(self.features, self.accepted, stated.empty).map(|refusal| Refusal { rejects: self.rejects.clone(), ..refusal }));
        if self.problem.is_some() {
            return Ok(());
        }
        self.warnings.extend((self.features == 0).then(declared_empty));
        self.problem = self
            .noticed
            .question()
            .or_else(|| self.ids.question(&reading))
            .or_else(|| outside_counties(self.accepted, self.outside, &reading.crs().to_string(), atlas, rule));
        Ok(())
    }

    fn read_survey(&mut self, reading: &mut Reading, atlas: &Atlas, rule: &Rule) -> Result<(), ServiceError> {
        let bounds_of = bounds_in(reading, atlas);
        let judge = Judge::new(atlas, rule, reading, (today(), today()));
        reading.each_batch(
            |raw| {
                let bounds = bounds_of(&raw);
                let judged = judge.judge(raw)?;
                let defects =
                    judged.verdict.as_ref().map(|accepted| accepted.0.defects.iter().map(tuban_engine::normalize::defect_words).collect()).unwrap_or_default();
                let outside =
                    judged.verdict.as_ref().is_ok_and(|accepted| accepted.1.as_ref().is_some_and(|finding| finding.flags.contains(&Flag::OutsideCounties)));
                let (row, county, notice) = (judged.row, judged.county, judged.notice);
                Ok(Seen { outside, row, patch_id: Some(judged.patch_id), county, notice, reject: judged.verdict.err(), left_out: false, defects, bounds })
            },
            |batch| {
                self.count(batch);
                Ok(())
            },
        )
    }

    fn read_layer(
        &mut self,
        reading: &mut Reading,
        kind: LayerKind,
        file: &InspectFile<'_>,
        without: &Holders,
        (atlas, rule, memory): (&Atlas, &Rule, &Memory),
    ) -> Result<(), ServiceError> {
        let bounds_of = bounds_in(reading, atlas);
        let judge = LayerJudge::new(kind, file.codes, reading, atlas.plane(), atlas);
        let judge = judge.with_approval_kind(file.approval_kind.as_deref()).without(without);
        // Only of counties is it asked how they lie to each other.
        let (mut builder, mut outlines) = (LayerBuilder::new(kind, memory), Outlines::default());
        let (mut codes, mut approvals) = (CodeTally::of(kind, file.codes, atlas), ApprovalsNoticed::default());
        reading.each_batch(
            |raw| {
                let row = raw.row;
                let bounds = bounds_of(&raw);
                let LayerOutcome { notice, code, judged, .. } = judge.judge(raw)?;
                let repaired = judged.as_ref().is_ok_and(|judged| judged.feature.repaired.is_some());
                let defects = if repaired { vec![Words::new("图形经过修复", "the outline was repaired")] } else { Vec::new() };
                let (taken, reject, left_out) = match judged {
                    Ok(judged) => (Some(judged), None, false),
                    Err(refused) => (None, refused.as_ref().map(|refused| refused.reject.clone()), refused.is_none()),
                };
                let seen = Seen { outside: false, row, patch_id: None, county: 0, notice, reject, left_out, defects, bounds };
                Ok((code, taken, seen))
            },
            |batch| {
                let mut all = Vec::with_capacity(batch.len());
                for (code, taken, seen) in batch {
                    codes.add(seen.row, &code, taken.as_ref().map(|judged| &judged.feature.facts));
                    all.push(seen);
                    let Some(LayerJudged { feature, pieces, area_m2, unread }) = taken else { continue };
                    match kind {
                        LayerKind::Approved => approvals.add(&feature.facts, unread, &rule.approvals),
                        LayerKind::County => {
                            builder.push(&feature.facts, &pieces, &feature.degrees)?;
                            outlines.add(kind, &feature.facts, area_m2);
                        }
                        _ => {}
                    }
                }
                self.count(all);
                Ok(())
            },
        )?;
        self.warnings.extend(codes.notes().into_iter().chain(approvals.words(reading.fields())));
        self.warnings.extend(county_overlaps::left_out(without));
        self.problem = codes.question();
        if self.problem.is_none() && kind == LayerKind::County {
            match outlines.settle(file.codes.county_codes, &builder.finish()?) {
                Err(ServiceError::Refused(question)) => self.problem = Some(*question),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    fn count(&mut self, batch: Vec<Seen>) {
        for seen in batch {
            self.features += 1;
            self.noticed.add(seen.notice);
            let again = |ids: &mut Ids| {
                let patch_id = seen.patch_id.as_ref()?;
                ids.earlier(patch_id, seen.row, seen.county).map(|earlier| duplicate(seen.row, patch_id, earlier))
            };
            if let Some(reject) = seen.reject.or_else(|| again(&mut self.ids)) {
                self.rejected += 1;
                if self.rejects.len() < SHOWN {
                    self.rejects.push(reject);
                }
            } else if !seen.left_out {
                self.accepted += 1;
                self.outside += u64::from(seen.outside);
                self.repaired += u64::from(!seen.defects.is_empty());
                let room = SHOWN.saturating_sub(self.defects.len());
                self.defects.extend(seen.defects.into_iter().take(room).map(|words| (seen.row, words)));
            }
            if let Some(bounds) = seen.bounds {
                self.extent = Some(self.extent.map_or(bounds, |extent| extent.union(&bounds)));
            }
        }
    }

    /// What would happen on import.
    #[must_use]
    pub fn outcome(&self) -> Words {
        match &self.problem {
            Some(problem) => Words::new(format!("整个文件会被拒收：{}", problem.words.zh), format!("the whole file would be refused: {}", problem.words.en)),
            None => Words::new(
                format!("共 {} 个要素：接受 {} 个（其中修复 {} 个），拒收 {} 个", self.features, self.accepted, self.repaired, self.rejected),
                format!("{} features: {} would be taken in ({} of them repaired), {} refused", self.features, self.accepted, self.repaired, self.rejected),
            ),
        }
    }
}

/// The box of a feature of a file, degrees; none where it has no outline that can be placed.
fn bounds_in(reading: &Reading, atlas: &Atlas) -> impl Fn(&RawFeature<'_>) -> Option<Bounds> + use<> {
    let intake = reading.intake(atlas.plane());
    move |raw| raw.geometry.as_ref().ok().and_then(|outline| intake.degrees(outline).ok()).map(|outline| outline.bounds())
}

/// What was seen of a feature.
struct Seen {
    row: u64,
    /// Of a patch; the features of a layer have none that must differ.
    patch_id: Option<String>,
    /// The county that it says it is in; 0 for none.
    county: u32,
    notice: Notice,
    reject: Option<Reject>,
    /// Whether it would be left out because people said so.
    left_out: bool,
    defects: Vec<Words>,
    outside: bool,
    bounds: Option<Bounds>,
}
