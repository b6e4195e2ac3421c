//! A survey comes in: bytes → patches → findings → one publication.
//!
//! 1. The store is asked for a place: the same upload is recognised by its bytes and all that is said of them, a taken period and level is a conflict.
//! 2. On a thread of its own the file is read and judged on every core; each batch goes through a short channel to the store, which writes it unpublished, so
//!    memory is bounded whatever the size of the file.
//! 3. The survey as a whole is judged (any patch accepted? most of them in some county?), the ground that it shares is found, and it becomes visible with one commit. Whatever
//!    ends the import before that, a refusal, an error or the process itself, leaves nothing that anybody sees, and soon nothing at all.

use crate::formats::{Arrival, Field, Stated, Wanted, companions};
use crate::scope::Scope;
use crate::service::{
    Refusal, Service, ServiceError, Workshop, abandoned,
    error::for_all_only,
    jobs::Imported,
    reading::{
        Reading, Wish,
        diagnostics::{Noticed, declared_empty, nothing, outside_counties},
        origin,
    },
    reclassification::{
        aside::{Aside, Put},
        rejudging::{InHand, Rejudge},
    },
    shared_ground::{MeasuredBy, Sharing},
    standing::{Standing, Versions},
    surveys::{
        ids::Ids,
        judging::{Judge, Judged, days, duplicate},
        sums::{Sums, unreadable_warning},
        upload::upload_key,
        withdrawal::question,
    },
};
use crate::store::{Held, StoreError, SurveyKey, SurveyWriter, Unasked};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;
use tuban_engine::choosing::Choice;
use tuban_engine::model::{
    Days, Finding, Level, NewSurvey, OnConflict, Patch, PatchIdSource, Period, Progress, Reject, Stage, Survey, VerdictCounts, Words, today,
};
use tuban_geom::Written;

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

/// A survey that was taken in, but for its publication.
pub(crate) enum Taken {
    /// It was stored before.
    Before(Box<Survey>),
    /// It is written and can become visible.
    Now { writer: Box<dyn SurveyWriter>, survey: Box<NewSurvey>, by: Box<MeasuredBy> },
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

impl Service {
    /// Imports a survey, here and now; for *all* only.
    pub async fn import_survey(&self, scope: &Scope, file: &SurveyFile, report: &(dyn Fn(Progress) + Sync)) -> Result<Imported, ServiceError> {
        for_all_only(scope)?;
        self.sweep().await?;
        let taken = self.take_in(file, report).await?;
        self.make_visible(taken, None).await
    }

    /// Publishes a survey that was taken in; as a job's, only if that job is still held.
    pub(crate) async fn make_visible(&self, taken: Taken, held: Option<&Held>) -> Result<Imported, ServiceError> {
        let (mut writer, survey, by) = match taken {
            Taken::Before(survey) => return Ok(Imported { survey: *survey, was_there: true }),
            Taken::Now { writer, survey, by } => (writer, survey, by),
        };
        if let Some(held) = held {
            writer.only_while(held.clone());
        }
        let facts = |sharing: Sharing| {
            let warnings = survey.warnings.iter().cloned().chain(sharing.warning()).collect();
            NewSurvey { warnings, ..(*survey).clone() }
        };
        match self.publish(&mut *writer, &by, facts).await {
            Ok(survey) => Ok(Imported { survey, was_there: false }),
            Err(error) => {
                abandoned(writer.abandon().await);
                match error {
                    // Another import was quicker with the same file.
                    ServiceError::Store(StoreError::AlreadyStored(survey)) => Ok(Imported { survey: *survey, was_there: true }),
                    ServiceError::Store(refusal) => Err(question(refusal)),
                    other => Err(other),
                }
            }
        }
    }

    /// Steps 1 and 2, and the judgement of the third: everything but the commit.
    pub(crate) async fn take_in(&self, file: &SurveyFile, report: &(dyn Fn(Progress) + Sync)) -> Result<Taken, ServiceError> {
        match self.take_in_as(file, file.stated.clone(), report).await {
            Err(ServiceError::LateCrs(crs)) => self.take_in_as(file, Stated { crs: Some(crs), ..file.stated.clone() }, report).await,
            outcome => outcome,
        }
    }

    async fn take_in_as(&self, file: &SurveyFile, stated: Stated, report: &(dyn Fn(Progress) + Sync)) -> Result<Taken, ServiceError> {
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
        match self.write(&mut *writer, file, stated, report).await {
            Ok((survey, by)) => {
                let survey = NewSurvey { name: file.name.clone(), period: file.period, level: file.level, sha256, upload_key, ..survey };
                Ok(Taken::Now { writer, survey: Box::new(survey), by: Box::new(by) })
            }
            Err(error) => {
                abandoned(writer.abandon().await);
                Err(error)
            }
        }
    }

    /// Reads the file, judges it and hands it to the store.
    async fn write(
        &self,
        writer: &mut dyn SurveyWriter,
        file: &SurveyFile,
        stated: Stated,
        report: &(dyn Fn(Progress) + Sync),
    ) -> Result<(NewSurvey, MeasuredBy), ServiceError> {
        let versions = self.versions().await?;
        // Dropped with this import, also where its job is cancelled: a worker that still reads then ends.
        let asking = Arc::new(());
        let opened = self.open_survey(file, stated, &versions, self.workshop_while(&asking)).await?;
        let Opened { arrival, reading, choice, standing } = opened;
        let layer_set = writer.layer_set(&standing.provenance, standing.atlas.plane().origin()).await?;
        let (sender, mut receiver) = mpsc::channel::<Portion>(WAITING);
        let first = {
            let (versions, standing, period_days) = (Arc::clone(&versions), Arc::clone(&standing), file.period.days());
            let summing = Summing::new(Aside::none(self.spool.clone()));
            tokio::task::spawn_blocking(move || {
                let _unpacked = arrival;
                let in_hand = InHand::of(&versions.choosing, choice, &standing, layer_set);
                judge_all(reading, in_hand, &standing, period_days, summing, &sender)
            })
        };
        let mut done = 0;
        while let Some(portion) = receiver.recv().await {
            done += store(writer, portion).await?;
            report(Progress { stage: Stage::Classifying, done, total: None });
        }
        let (mut summed, mut aside, written) = first.await.map_err(|error| ServiceError::Broken(error.to_string()))??;
        let mut sets = vec![(layer_set, choice)];
        while let Some(choice) = aside.next_choice() {
            let standing = self.stand(&versions, choice).await?;
            let layer_set = writer.layer_set(&standing.provenance, standing.atlas.plane().origin()).await?;
            sets.push((layer_set, choice));
            let versions = Arc::clone(&versions);
            let judged = tokio::task::spawn_blocking(move || {
                let in_hand = InHand::of(&versions.choosing, choice, &standing, layer_set);
                aside.judged(&Rejudge::new(&standing, in_hand, written))
            });
            aside = judged.await.map_err(|error| ServiceError::Broken(error.to_string()))??;
        }
        let (sender, mut receiver) = mpsc::channel::<Portion>(WAITING);
        let rest = tokio::task::spawn_blocking(move || {
            aside.each(|puts| sender.blocking_send(summed.take(puts)?).map_err(|_| ServiceError::Broken("the store went away".into())))?;
            Ok::<_, ServiceError>(summed)
        });
        while let Some(portion) = receiver.recv().await {
            done += store(writer, portion).await?;
            report(Progress { stage: Stage::Classifying, done, total: None });
        }
        let summed = rest.await.map_err(|error| ServiceError::Broken(error.to_string()))??.finish();
        Self::judge_whole(&summed, &standing, file.stated.empty)?;
        report(Progress { stage: Stage::Storing, done, total: Some(done) });
        Ok((summed.survey, MeasuredBy { crs: written.crs, standing, sets, versions }))
    }

    /// Opens the file, and takes in hand what its first patch is to be judged by.
    async fn open_survey(&self, file: &SurveyFile, stated: Stated, versions: &Versions, workshop: Workshop) -> Result<Opened, ServiceError> {
        let period_days = file.period.days();
        let usual = versions.choosing.at(&Days { before: period_days.0, after: period_days.1, unclear: true });
        let standing = self.stand(versions, usual).await?;
        let is_unplaced = self.is_unplaced(&standing.provenance).await?;
        let opening = {
            let (path, name, map, standing) = (file.path.clone(), file.name.clone(), file.map.clone(), Arc::clone(&standing));
            tokio::task::spawn_blocking(move || {
                let arrival = Arrival::receive(&path, &name, &workshop)?;
                let wish = Wish { file: &arrival, wanted: Wanted::Survey, stated: &stated, map: &map, counties: standing.atlas.counties_bounds() };
                let reading = Reading::open(&wish)?;
                let days = reading.first(|raw| days(raw, period_days, today()))?;
                // Without layers the file itself says where it lies.
                let plane = if is_unplaced { Some(origin::of_file(&wish)?) } else { None };
                Ok::<_, ServiceError>((arrival, reading, days, plane))
            })
        };
        let (arrival, reading, days, plane) = opening.await.map_err(|error| ServiceError::Broken(error.to_string()))??;
        let choice = days.map_or(usual, |days| versions.choosing.at(&days));
        let standing = if choice == usual { standing } else { self.stand(versions, choice).await? };
        let standing = plane.map_or(Arc::clone(&standing), |plane| Arc::new(Standing::nowhere(standing.rule.clone(), plane)));
        Ok(Opened { arrival, reading, choice, standing })
    }

    /// Step 3: is this a survey of this city at all?
    fn judge_whole(summed: &Summed, standing: &Standing, declared_empty: bool) -> Result<(), ServiceError> {
        let facts = &summed.survey;
        if let Some(refusal) = nothing(facts.patches + facts.rejected, facts.patches, declared_empty) {
            return Err(Refusal { rejects: summed.first_rejects.clone(), ..refusal }.into());
        }
        let refusal = summed
            .noticed
            .question()
            .or_else(|| summed.ids.clone())
            .or_else(|| outside_counties(facts.patches, facts.outside, &facts.crs, &standing.atlas, &standing.rule));
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}

/// A survey that was opened, and what its first patch is to be judged by.
struct Opened {
    arrival: Arrival,
    reading: Reading,
    choice: Choice,
    standing: Arc<Standing>,
}

/// Reads and judges; what the set in hand is for goes to the store, until a patch comes that it is not for.
fn judge_all(
    mut reading: Reading,
    in_hand: InHand<'_>,
    standing: &Standing,
    period_days: (jiff::civil::Date, jiff::civil::Date),
    mut summing: Summing,
    sender: &mpsc::Sender<Portion>,
) -> Result<(Rest, Aside, Written), ServiceError> {
    let judge = Judge::new(&standing.atlas, &standing.rule, &reading, period_days).within(in_hand);
    reading.each_batch(
        |raw| Ok(judge.judge(raw)?),
        |judged| sender.blocking_send(summing.take(judged, &in_hand)?).map_err(|_| ServiceError::Broken("the store went away".into())),
    )?;
    let written = reading.written();
    let (rest, aside) = summing.finish(&reading);
    Ok((rest, aside, written))
}

/// Appends a portion; answers how many features it has.
async fn store(writer: &mut dyn SurveyWriter, portion: Portion) -> Result<u64, StoreError> {
    let features = (portion.findings.len() + portion.rejects.len()) as u64;
    writer.push(portion.findings).await?;
    writer.push_rejects(portion.rejects).await?;
    Ok(features)
}

/// What is known of the survey so far.
struct Summing {
    aside: Aside,
    accepted: u64,
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

/// What is known of the survey but for the patches that were put aside.
struct Rest {
    survey: NewSurvey,
    first_rejects: Vec<Reject>,
    noticed: Noticed,
    ids: Option<Refusal>,
    sums: Sums,
}

impl Summing {
    fn new(aside: Aside) -> Self {
        Self {
            aside,
            accepted: 0,
            ids: Ids::default(),
            rejects: Vec::new(),
            rejected: 0,
            repaired: 0,
            sums: Sums::default(),
            noticed: Noticed::default(),
            by_feature_id: false,
            days_unclear: 0,
        }
    }

    /// Sums up a batch, in the file's order; of patches with the same id the first one counts.
    fn take(&mut self, batch: Vec<Judged>, in_hand: &InHand<'_>) -> Result<Portion, ServiceError> {
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
                    self.accepted += 1;
                    match *accepted {
                        (patch, Some(finding)) if self.aside.is_none() => {
                            self.sums.count(&finding);
                            portion.findings.push((patch, finding));
                        }
                        (patch, finding) => {
                            let choice = in_hand.choosing.at(&patch.days);
                            self.aside.put(&Put { id: 0, key: 0, patch, filing: None, former: None, finding }, choice)?;
                        }
                    }
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
        Ok(portion)
    }

    fn finish(self, reading: &Reading) -> (Rest, Aside) {
        let patch_id_source = match (reading.fields().theirs(Field::PatchId), self.by_feature_id) {
            (Some(_), _) => PatchIdSource::Field,
            (None, true) => PatchIdSource::FeatureId,
            (None, false) => PatchIdSource::Row,
        };
        let mut warnings = self.noticed.words(reading, self.accepted);
        warnings.extend(days_warning(self.days_unclear, self.accepted));
        warnings.extend((self.accepted + self.rejected == 0).then(declared_empty));
        let survey = NewSurvey {
            name: String::new(),
            period: Period::current(),
            level: Level::City,
            crs: reading.crs().to_string(),
            decimals: reading.written().decimals,
            sha256: String::new(),
            upload_key: String::new(),
            invented: reading.head().invented,
            patches: self.accepted,
            repaired: self.repaired,
            rejected: self.rejected,
            outside: 0,
            patch_id_source,
            fields: reading.fields().taken(),
            verdicts: VerdictCounts::default(),
            area_m2: 0.0,
            farmland_m2: 0.0,
            farmland_unknown: 0,
            warnings,
        };
        (Rest { survey, first_rejects: self.rejects, ids: self.ids.question(reading), noticed: self.noticed, sums: self.sums }, self.aside)
    }
}

impl Rest {
    /// Sums up patches that were put aside, now that they have their findings.
    fn take(&mut self, puts: Vec<Put>) -> Result<Portion, ServiceError> {
        let mut portion = Portion::default();
        for Put { patch, finding, .. } in puts {
            let finding = finding.ok_or_else(|| ServiceError::Broken(format!("patch {} was judged by no set", patch.patch_id)))?;
            self.sums.count(&finding);
            portion.findings.push((patch, finding));
        }
        Ok(portion)
    }

    fn finish(mut self) -> Summed {
        self.survey.warnings.extend(unreadable_warning(self.sums.unreadable));
        self.sums.replace(&mut self.survey);
        Summed { survey: self.survey, first_rejects: self.first_rejects, ids: self.ids, noticed: self.noticed }
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
pub(crate) fn hash(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    for file in companions(path)? {
        std::io::copy(&mut std::fs::File::open(file)?, &mut hash)?;
    }
    Ok(crate::service::hexadecimal(&hash.finalize()))
}
