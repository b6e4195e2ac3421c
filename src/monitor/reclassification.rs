//! The findings of a stored survey are made anew, against the layers in force and the rule now: patches → findings → one transaction.
//!
//! 1. The store begins to replace the findings, and from then on nobody else writes: neither the patches nor the layers change meanwhile.
//! 2. The patches are read page by page, judged on every core, and their findings go into the open transaction: memory is bounded whatever the size of
//!    the survey.
//! 3. The survey as a whole is judged, and the new findings become visible with one commit, together with what they rest on. Whatever ends it before that leaves the old ones.
//!
//! Patches with their numbers, confirmed verdicts and refused features stay. Against the same layers and by the same rule the same findings come out.

use super::{Monitor, MonitorError, Refusal, RefusalKind, export::understood, in_force, pipeline::in_order, rejudging::Rejudge, sums::Sums, used};
use crate::geom::Written;
use crate::land::{Finding, JobKind, NewSurvey, Progress, Provenance, Stage, Survey, Words};
use crate::store::{FindingsWriter, Held, PatchQuery, StoredPatch};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Patches read at a time.
const PAGE: u32 = 500;
/// Pages waiting to be judged, and findings waiting for the store.
const WAITING: usize = 4;

/// A re-classification that was asked for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Reclassification {
    /// The survey's number.
    pub survey: i64,
}

/// What the findings of a survey rest on.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// The layer versions and the rule.
    pub provenance: Provenance,
    /// Whether those are the layers in force and the rule now, so that nothing would come of judging anew.
    pub in_force: bool,
}

/// A survey judged anew, but for the commit.
pub(super) struct JudgedAnew {
    writer: Box<dyn FindingsWriter>,
    facts: NewSurvey,
    provenance: Provenance,
}

impl JudgedAnew {
    /// Makes the new findings visible; as a job's, only if that job is still held.
    pub(super) async fn commit(mut self, held: Option<&Held>) -> Result<Survey, MonitorError> {
        if let Some(held) = held {
            self.writer.only_while(held.clone());
        }
        Ok(self.writer.commit(self.facts, &self.provenance).await?)
    }
}

impl Monitor {
    /// What the findings of a survey rest on, and whether that is in force.
    pub async fn basis(&self, survey: i64) -> Result<Basis, MonitorError> {
        let provenance = self.store.provenance(survey).await?;
        let in_force = provenance == self.provenance_now().await?;
        Ok(Basis { provenance, in_force })
    }

    /// Surveys whose findings do not rest on what is in force, the oldest first.
    pub async fn outdated(&self) -> Result<Vec<i64>, MonitorError> {
        let now = self.provenance_now().await?;
        let mut outdated = Vec::new();
        for survey in self.store.surveys().await?.iter().rev() {
            if self.store.provenance(survey.id).await? != now {
                outdated.push(survey.id);
            }
        }
        Ok(outdated)
    }

    /// What findings made now would rest on, whether the layers are loaded or not.
    async fn provenance_now(&self) -> Result<Provenance, MonitorError> {
        let layers = in_force(&self.store.layers().await?).into_iter().map(used).collect();
        Ok(Provenance { layers, rule: self.rule().version.clone() })
    }

    /// Queues the re-classification of a survey; answers the job's id.
    pub async fn queue_reclassification(&self, survey: i64) -> Result<String, MonitorError> {
        self.store.survey(survey).await?;
        self.queue(JobKind::Reclassification, &Reclassification { survey }, &mut tokio::io::empty()).await
    }

    /// Makes the findings of a survey anew, here and now.
    pub async fn reclassify(&self, survey: i64, report: &(dyn Fn(Progress) + Sync)) -> Result<Survey, MonitorError> {
        self.judge_anew(survey, report).await?.commit(None).await
    }

    /// Everything but the commit.
    pub(super) async fn judge_anew(&self, survey: i64, report: &(dyn Fn(Progress) + Sync)) -> Result<JudgedAnew, MonitorError> {
        let mut writer = self.store.begin_reclassification(survey).await?;
        let mut facts = self.store.survey(survey).await?.facts;
        let written = Written { crs: understood(&facts.crs)?, decimals: facts.decimals };
        self.refresh_atlas().await?;
        let atlas = self.atlas();
        let (pages, unjudged) = mpsc::channel(WAITING);
        let (findings, mut judged) = mpsc::channel::<Vec<(i64, Finding)>>(WAITING);
        let judging = {
            let (rule, atlas) = (self.rule().clone(), Arc::clone(&atlas));
            let judging = tokio::task::spawn_blocking(move || judge_pages(&Rejudge::new(&atlas, &rule, written), unjudged, &findings));
            async { judging.await.map_err(|error| MonitorError::Broken(error.to_string()))? }
        };
        let storing = async {
            let mut done = 0;
            while let Some(findings) = judged.recv().await {
                done += findings.len() as u64;
                writer.push(findings).await?;
                report(Progress { stage: Stage::Classifying, done, total: Some(facts.patches) });
            }
            Ok(())
        };
        let (sums, (), ()) = tokio::try_join!(judging, self.read_pages(survey, pages), storing)?;
        if atlas.counties_bounds().is_some() && !self.rule().survey.allows_outside(sums.outside, sums.patches) {
            return Err(outside_counties(&sums).into());
        }
        self.share_ground(&mut *writer, written.crs, &atlas).await?;
        report(Progress { stage: Stage::Storing, done: sums.patches, total: Some(facts.patches) });
        sums.replace(&mut facts);
        Ok(JudgedAnew { writer, facts, provenance: self.provenance(&atlas) })
    }

    /// Hands on the patches of a survey, until all are or nobody takes them any more.
    async fn read_pages(&self, survey: i64, pages: Sender<Vec<StoredPatch>>) -> Result<(), MonitorError> {
        let mut query = PatchQuery { survey: Some(survey), limit: PAGE, ..PatchQuery::default() };
        loop {
            let page = self.store.patches(&query).await?;
            let Some(last) = page.last() else { return Ok(()) };
            query.after = last.place();
            if pages.send(page).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Judges pages until none comes any more, and hands their findings on, in order.
fn judge_pages(rejudge: &Rejudge<'_>, mut pages: Receiver<Vec<StoredPatch>>, judged: &Sender<Vec<(i64, Finding)>>) -> Result<Sums, MonitorError> {
    let mut sums = Sums::default();
    in_order(
        || {
            Ok(pages.blocking_recv().map(|page| {
                let bytes = page.iter().map(bytes).sum();
                (page, bytes)
            }))
        },
        |page| rejudge.page(page),
        |findings| {
            for (_, finding) in &findings {
                sums.count(finding);
            }
            judged.blocking_send(findings).map_err(|_| MonitorError::Broken("the store went away".into()))
        },
    )?;
    Ok(sums)
}

/// About what a patch takes in memory.
fn bytes(stored: &StoredPatch) -> usize {
    let patch = &stored.patch;
    let outlines = [Some(&patch.degrees), patch.repaired.as_ref(), patch.source.as_ref()];
    outlines.into_iter().flatten().map(|outline| size_of_val(outline.positions.as_slice())).sum::<usize>() + patch.attributes.len()
}

/// The refusal of findings that would leave too many patches without a county: what was accepted when it came in is right, so the counties in force are not.
fn outside_counties(sums: &Sums) -> Refusal {
    let Sums { patches, outside, .. } = sums;
    let words = Words::new(
        format!("{patches} 个图斑中有 {outside} 个不在现行行政区内，很可能是行政区图层不对；套合结果保持原样"),
        format!("{outside} of {patches} patches lie in no county in force, most likely for a wrong layer of counties; the findings stay as they were"),
    );
    Refusal::new(RefusalKind::Unacceptable, "outside_counties", words)
}
