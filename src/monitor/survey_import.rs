//! A survey comes in: bytes → patches → findings → one transaction.
//!
//! 1. The store is asked for a place: the same upload is recognised by its bytes and all that is said of them, a taken period and level is a conflict.
//! 2. On a thread of its own the file is read and judged on every core; each batch goes through a short channel into the open transaction, so memory
//!    is bounded whatever the size of the file.
//! 3. The survey as a whole is judged (any patch accepted? most of them in some county?) and becomes visible with one commit. Whatever ends the import before that, a
//!    refusal, an error or the process itself, leaves nothing behind.

use super::{
    Monitor, MonitorError, Refusal,
    export::understood,
    ids::Ids,
    jobs::Imported,
    judging::{Judge, Judged, duplicate},
    noticed::{Noticed, declared_empty, nothing, outside_counties},
    reading::{Reading, Wish},
    sums::{Sums, outside_warning, unreadable_warning},
    upload::upload_key,
    withdrawal::question,
};
use crate::formats::{Arrival, Field, Stated, Wanted, companions};
use crate::land::{Finding, Level, NewSurvey, OnConflict, Patch, PatchIdSource, Period, Progress, Provenance, Reject, Stage, Survey, Words};
use crate::store::{Held, StoreError, SurveyKey, SurveyWriter, Unasked};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A survey about to be imported.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SurveyFile {
    /// The file, on this node.
    #[serde(skip)]
    pub path: PathBuf,
    /// Its name, for people.
    pub name: String,
    /// What it is of.
    pub period: Period,
    /// Who issued it.
    pub level: Level,
    /// What people say of it.
    pub stated: Stated,
    /// `OUR=THEIRS` for its fields, where people say so.
    pub map: Vec<String>,
    /// What to do when the period and level has a survey.
    pub on_conflict: OnConflict,
    /// Whether confirmed verdicts may go with patches that a replacement leaves out.
    #[serde(default)]
    pub drop_verdicts: bool,
    /// Whether patches may be stored that another survey holds already.
    #[serde(default)]
    pub again: bool,
    /// SHA-256 in hexadecimal, where it was computed on the way in.
    pub sha256: Option<String>,
}

/// A survey that was taken in, but for the commit.
pub(super) enum Taken {
    /// It was stored before.
    Before(Box<Survey>),
    /// It is written and can become visible.
    Now { writer: Box<dyn SurveyWriter>, survey: Box<NewSurvey>, provenance: Provenance },
}

impl Taken {
    /// Makes it visible; as a job's, only if that job is still held.
    pub(super) async fn commit(self, held: Option<&Held>) -> Result<Imported, MonitorError> {
        let (mut writer, survey, provenance) = match self {
            Self::Before(survey) => return Ok(Imported { survey: *survey, was_there: true }),
            Self::Now { writer, survey, provenance } => (writer, survey, provenance),
        };
        if let Some(held) = held {
            writer.only_while(held.clone());
        }
        match writer.commit(*survey, &provenance).await {
            // Another node was quicker with the same file.
            Err(StoreError::AlreadyStored(survey)) => Ok(Imported { survey: *survey, was_there: true }),
            stored => Ok(Imported { survey: stored.map_err(question)?, was_there: false }),
        }
    }
}

/// Batches waiting for the store.
const WAITING: usize = 4;
/// Rejects a refusal of the whole survey carries.
const REJECTS_SHOWN: usize = 1000;

/// A batch on its way into the store.
#[derive(Default)]
struct Portion {
    findings: Vec<(Patch, Finding)>,
    rejects: Vec<Reject>,
}

impl Monitor {
    /// Imports a survey, here and now.
    pub async fn import_survey(&self, file: &SurveyFile, report: &(dyn Fn(Progress) + Sync)) -> Result<Imported, MonitorError> {
        self.take_in(file, report).await?.commit(None).await
    }

    /// Steps 1 and 2, and the judgement of the third: everything but the commit.
    pub(super) async fn take_in(&self, file: &SurveyFile, report: &(dyn Fn(Progress) + Sync)) -> Result<Taken, MonitorError> {
        match self.take_in_as(file, file.stated.clone(), report).await {
            Err(MonitorError::LateCrs(crs)) => self.take_in_as(file, Stated { crs: Some(crs), ..file.stated.clone() }, report).await,
            outcome => outcome,
        }
    }

    async fn take_in_as(&self, file: &SurveyFile, stated: Stated, report: &(dyn Fn(Progress) + Sync)) -> Result<Taken, MonitorError> {
        let sha256 = match &file.sha256 {
            Some(sha256) => sha256.clone(),
            None => tokio::task::block_in_place(|| hash(&file.path))?,
        };
        let upload_key = upload_key(&sha256, &file.stated, &file.map);
        let key = SurveyKey { period: file.period, level: file.level, upload_key: upload_key.clone() };
        let mut writer = match self.store.begin_survey(key, file.on_conflict).await {
            Err(StoreError::AlreadyStored(survey)) => return Ok(Taken::Before(survey)),
            begun => begun?,
        };
        writer.refuse(Unasked { verdicts_go: !file.drop_verdicts, sent_again: !file.again });
        self.refresh_atlas().await?;
        let atlas = self.atlas();
        let (sender, mut receiver) = mpsc::channel::<Portion>(WAITING);
        let reading = {
            let (rule, path, name, map, workshop) = (self.rule().clone(), file.path.clone(), file.name.clone(), file.map.clone(), self.workshop.clone());
            let (atlas, period_days) = (Arc::clone(&atlas), file.period.days());
            tokio::task::spawn_blocking(move || {
                let arrival = Arrival::receive(&path, &name, &workshop)?;
                let wish = Wish { file: &arrival, wanted: Wanted::Survey, stated: &stated, map: &map, counties: atlas.counties_bounds() };
                let mut reading = Reading::open(&wish)?;
                let judge = Judge::new(&atlas, &rule, &reading, period_days);
                let mut summing = Summing::default();
                reading.each_batch(
                    |raw| Ok(judge.judge(raw)?),
                    |judged| sender.blocking_send(summing.take(judged)).map_err(|_| MonitorError::Broken("the store went away".into())),
                )?;
                Ok::<_, MonitorError>(summing.finish(&reading))
            })
        };
        let mut done = 0;
        while let Some(portion) = receiver.recv().await {
            done += (portion.findings.len() + portion.rejects.len()) as u64;
            writer.push(portion.findings).await?;
            writer.push_rejects(portion.rejects).await?;
            report(Progress { stage: Stage::Classifying, done, total: None });
        }
        let mut summed = reading.await.map_err(|error| MonitorError::Broken(error.to_string()))??;
        self.judge_whole(&summed, &atlas, file.stated.empty)?;
        let sharing = self.share_ground(&mut *writer, understood(&summed.survey.crs)?, &atlas).await?;
        summed.survey.warnings.extend(sharing.warning());
        report(Progress { stage: Stage::Storing, done, total: Some(done) });
        let survey = NewSurvey { name: file.name.clone(), period: file.period, level: file.level, sha256, upload_key, ..summed.survey };
        Ok(Taken::Now { writer, survey: Box::new(survey), provenance: self.provenance(&atlas) })
    }

    /// Step 3: is this a survey of this city at all?
    fn judge_whole(&self, summed: &Summed, atlas: &super::atlas::Atlas, declared_empty: bool) -> Result<(), MonitorError> {
        let facts = &summed.survey;
        if let Some(refusal) = nothing(facts.patches + facts.rejected, facts.patches, declared_empty) {
            return Err(Refusal { rejects: summed.first_rejects.clone(), ..refusal }.into());
        }
        let refusal =
            summed.noticed.question().or_else(|| summed.ids.clone()).or_else(|| outside_counties(facts.patches, facts.outside, &facts.crs, atlas, self.rule()));
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}

/// What is known of the survey so far.
#[derive(Default)]
struct Summing {
    ids: Ids,
    rejects: Vec<Reject>,
    rejected: u64,
    repaired: u64,
    sums: Sums,
    noticed: Noticed,
    by_feature_id: bool,
    /// Patches whose days the file does not say so that they can be believed.
    days_unclear: u64,
}

/// A survey as a whole, before it has a name.
struct Summed {
    survey: NewSurvey,
    first_rejects: Vec<Reject>,
    noticed: Noticed,
    /// Whether ids are meant within their county.
    ids: Option<Refusal>,
}

impl Summing {
    /// Sums up a batch, in the file's order; of patches with the same id the first one counts.
    fn take(&mut self, batch: Vec<Judged>) -> Portion {
        let mut portion = Portion::default();
        for judged in batch {
            self.noticed.add(judged.notice);
            self.by_feature_id |= judged.by_feature_id;
            let verdict = judged.verdict.and_then(|accepted| match self.ids.earlier(&judged.patch_id, judged.row, judged.county) {
                Some(earlier) => Err(duplicate(judged.row, &judged.patch_id, earlier)),
                None => Ok(accepted),
            });
            match verdict {
                Ok(accepted) => {
                    self.repaired += u64::from(accepted.0.repaired.is_some());
                    self.days_unclear += u64::from(accepted.0.days.unclear);
                    self.sums.count(&accepted.1);
                    portion.findings.push(*accepted);
                }
                Err(reject) => {
                    self.rejected += 1;
                    if self.rejects.len() < REJECTS_SHOWN {
                        self.rejects.push(reject.clone());
                    }
                    portion.rejects.push(reject);
                }
            }
        }
        portion
    }

    fn finish(self, reading: &Reading) -> Summed {
        let patch_id_source = match (reading.fields().theirs(Field::PatchId), self.by_feature_id) {
            (Some(_), _) => PatchIdSource::Field,
            (None, true) => PatchIdSource::FeatureId,
            (None, false) => PatchIdSource::Row,
        };
        let mut warnings = self.noticed.words(reading, self.sums.patches);
        warnings.extend(unreadable_warning(self.sums.unreadable));
        warnings.extend(outside_warning(self.sums.outside));
        warnings.extend(days_warning(self.days_unclear, self.sums.patches));
        warnings.extend((self.sums.patches + self.rejected == 0).then(declared_empty));
        let survey = NewSurvey {
            name: String::new(),
            period: Period::current(),
            level: Level::City,
            crs: reading.crs().to_string(),
            decimals: reading.written().decimals,
            sha256: String::new(),
            upload_key: String::new(),
            invented: reading.head().invented,
            patches: self.sums.patches,
            repaired: self.repaired,
            rejected: self.rejected,
            outside: self.sums.outside,
            patch_id_source,
            fields: reading.fields().taken(),
            verdicts: self.sums.verdicts,
            area_m2: self.sums.area_m2,
            farmland_m2: self.sums.farmland_m2,
            warnings,
        };
        Summed { survey, first_rejects: self.rejects, ids: self.ids.question(reading), noticed: self.noticed }
    }
}

/// What people are told where patches do not say their days.
fn days_warning(unclear: u64, patches: u64) -> Option<Words> {
    let words = || {
        Words::new(
            format!("{patches} 个图斑中有 {unclear} 个的前后时相日期缺失、无法识别、前后颠倒或晚于今天，缺的按监测期次的首末日计"),
            format!(
                "{unclear} of {patches} patches have image days that are missing, unreadable, reversed or after today; the period's first and last day stand for them"
            ),
        )
    };
    (unclear > 0).then(words)
}

/// SHA-256 of a file, and of what belongs to it, in hexadecimal.
pub(super) fn hash(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    for file in companions(path)? {
        std::io::copy(&mut std::fs::File::open(file)?, &mut hash)?;
    }
    Ok(super::hexadecimal(&hash.finalize()))
}
