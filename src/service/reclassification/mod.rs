//! Re-classification: the findings of a stored survey are replaced, each by the layers and the rule of its patch's own time: patches → findings → one publication, or no more than the
//! difference that it would make.
//!
//! 1. The store begins to replace the findings; others write meanwhile. Whether the survey is still what it was is asked when they are published, and where somebody has looked at
//!    the difference, whether the layers are.
//! 2. The patches are read page by page, judged on every core, and their findings are written unpublished: memory is bounded whatever the size of
//!    the survey. What another set is to judge is put aside ([`aside`]).
//! 3. The survey as a whole is judged, and the new findings become visible with one commit, together with what they rest on. Whatever ends it before that leaves the old ones.
//!
//! Patches with their numbers, confirmed verdicts and refused features stay. Against the same layers and by the same rule the same findings come out; of those that
//! differ, the old ones are kept.

pub(crate) mod aside;
pub mod difference;
mod job;
pub mod outdated;
pub mod rejudging;

use crate::scope::Scope;
use crate::service::{
    Refusal, RefusalKind, Service, ServiceError, abandoned,
    error::for_all_only,
    export::{CHANGED_MEANWHILE, understood},
    hexadecimal,
    reclassification::{
        aside::{Aside, Put},
        difference::Difference,
        rejudging::{InHand, Rejudge},
    },
    shared_ground::MeasuredBy,
    standing::{Standing, Versions},
    surveys::sums::Sums,
};
use crate::store::{Filter, FindingsWriter, Held, Quota, StoredPatch};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tuban_engine::choosing::Choice;
use tuban_engine::model::{Days, Finding, Flag, JobKind, NewSurvey, Progress, Stage, Survey, Words};
use tuban_engine::ordered::in_order;
use tuban_geom::Written;

/// Patches read at a time.
const PAGE: u32 = 500;
/// Pages waiting to be judged, and findings waiting for the store.
const WAITING: usize = 4;

/// A re-classification that was asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reclassification {
    /// The survey's number.
    pub survey: i64,
    /// The token of the [`Difference`] that was looked at; where layers, patches or rule have changed since, nothing is done.
    #[serde(default)]
    pub token: Option<String>,
    /// The name of who asks for it.
    #[serde(default)]
    pub by: Option<String>,
}

/// A re-classified survey, not published yet.
pub(super) struct JudgedAnew {
    writer: Box<dyn FindingsWriter>,
    facts: NewSurvey,
    by: MeasuredBy,
    /// Whether it is to be what somebody has looked at.
    was_seen: bool,
}

/// Where new findings go.
#[async_trait]
trait Taking: Send {
    /// The number of a set that is in hand.
    async fn layer_set(&mut self, standing: &Standing) -> Result<i64, ServiceError>;
    /// Takes some, in the order of their patches.
    async fn take(&mut self, puts: Vec<Put>) -> Result<(), ServiceError>;
}

/// They go to the store; those they take the place of are kept where they differ.
struct Replacing<'w> {
    writer: &'w mut dyn FindingsWriter,
    by: Option<&'w str>,
}

#[async_trait]
impl Taking for Replacing<'_> {
    async fn layer_set(&mut self, standing: &Standing) -> Result<i64, ServiceError> {
        Ok(self.writer.layer_set(&standing.provenance, standing.atlas.plane().origin()).await?)
    }

    async fn take(&mut self, puts: Vec<Put>) -> Result<(), ServiceError> {
        let (mut former, mut findings) = (Vec::new(), Vec::with_capacity(puts.len()));
        for Put { id, key, former: before, finding, .. } in puts {
            let (Some(before), Some(finding)) = (before, finding) else { return Err(ServiceError::Broken(format!("patch {id} was judged by no set"))) };
            if !says_the_same(&before, &finding) {
                former.push((id, before));
            }
            findings.push((key, finding));
        }
        self.writer.keep_former(former, self.by).await?;
        Ok(self.writer.push(findings).await?)
    }
}

/// What they would change is summed up.
#[async_trait]
impl Taking for Difference {
    async fn layer_set(&mut self, _: &Standing) -> Result<i64, ServiceError> {
        Ok(0)
    }

    async fn take(&mut self, puts: Vec<Put>) -> Result<(), ServiceError> {
        for put in puts {
            self.add(put);
        }
        Ok(())
    }
}

/// Whether two findings differ in nothing but the set they rest on, and in what other patches have to do with them.
pub(super) fn says_the_same(one: &Finding, other: &Finding) -> bool {
    let own = |finding: &Finding| Finding {
        layer_set: 0,
        flags: finding.flags.iter().filter(|flag| **flag != Flag::SharesGround).copied().collect(),
        ..finding.clone()
    };
    own(one) == own(other)
}

impl Service {
    /// Queues the re-classification of a survey; answers the job's id. For *all* only.
    pub async fn queue_reclassification(&self, scope: &Scope, asked: &Reclassification, quota: &Quota) -> Result<String, ServiceError> {
        for_all_only(scope)?;
        self.store.survey(scope, asked.survey).await?;
        self.queue(scope, JobKind::Reclassification, asked, quota, &mut tokio::io::empty()).await
    }

    /// Re-classifies a survey, here and now; for *all* only.
    pub async fn reclassify(&self, scope: &Scope, asked: &Reclassification, report: &(dyn Fn(Progress) + Sync)) -> Result<Survey, ServiceError> {
        self.sweep().await?;
        let judged = self.judge_anew(scope, asked, report).await?;
        self.exchange(judged, None).await
    }

    /// Makes new findings visible; as a job's, only if that job is still held.
    pub(super) async fn exchange(&self, judged: JudgedAnew, held: Option<&Held>) -> Result<Survey, ServiceError> {
        let JudgedAnew { mut writer, facts, by, was_seen } = judged;
        if let Some(held) = held {
            writer.only_while(held.clone());
        }
        let published = match self.are_still(&by.versions, was_seen).await {
            Ok(()) => self.publish(&mut *writer, &by, |_| facts.clone()).await,
            Err(changed) => Err(changed),
        };
        // Published or not, what lies beside the findings is not needed any more.
        abandoned(writer.abandon().await);
        published
    }

    /// What a re-classification would change. Nothing is stored and no lock is taken. For *all* only.
    pub async fn difference(&self, scope: &Scope, survey: i64, report: &(dyn Fn(Progress) + Sync)) -> Result<Difference, ServiceError> {
        for_all_only(scope)?;
        let versions = self.versions().await?;
        let survey = self.store.survey(scope, survey).await?;
        let mut difference = Difference::none(survey.id, token(&survey, &versions));
        let (sums, standing, _) = self.make_anew(scope, &survey, &versions, &mut difference, report).await?;
        difference.outside = outside_counties(&sums, &standing);
        let names = self.county_names().await?;
        difference.finish(&self.rules.at(survey.facts.period.last_day()).lines, |code| names.name_of(code).map(str::to_owned));
        difference.city = difference.city.map(|(before, after)| (self.named(before), self.named(after)));
        Ok(difference)
    }

    /// Refuses where layers or rules are no longer those that somebody has looked at.
    async fn are_still(&self, versions: &Versions, were_seen: bool) -> Result<(), ServiceError> {
        if were_seen && self.versions().await?.words() != versions.words() { Err(changed_meanwhile().into()) } else { Ok(()) }
    }

    /// Everything but the publication.
    pub(super) async fn judge_anew(&self, scope: &Scope, asked: &Reclassification, report: &(dyn Fn(Progress) + Sync)) -> Result<JudgedAnew, ServiceError> {
        for_all_only(scope)?;
        let mut writer = self.store.begin_reclassification(asked.survey).await?;
        match self.write_anew(scope, &mut *writer, asked, report).await {
            Ok((facts, by)) => Ok(JudgedAnew { writer, facts, by, was_seen: asked.token.is_some() }),
            Err(error) => {
                abandoned(writer.abandon().await);
                Err(error)
            }
        }
    }

    async fn write_anew(
        &self,
        scope: &Scope,
        writer: &mut dyn FindingsWriter,
        asked: &Reclassification,
        report: &(dyn Fn(Progress) + Sync),
    ) -> Result<(NewSurvey, MeasuredBy), ServiceError> {
        let versions = self.versions().await?;
        let survey = self.store.survey(scope, asked.survey).await?;
        if asked.token.as_ref().is_some_and(|seen| *seen != token(&survey, &versions)) {
            return Err(changed_meanwhile().into());
        }
        let mut replacing = Replacing { writer, by: asked.by.as_deref() };
        let (sums, standing, sets) = self.make_anew(scope, &survey, &versions, &mut replacing, report).await?;
        if let Some(refusal) = outside_counties(&sums, &standing) {
            return Err(refusal.into());
        }
        let mut facts = survey.facts;
        report(Progress { stage: Stage::Storing, done: sums.patches, total: Some(facts.patches) });
        sums.replace(&mut facts);
        let crs = understood(&facts.crs)?;
        Ok((facts, MeasuredBy { crs, standing, sets, versions }))
    }

    /// Judges every patch of a survey by the set of its own time. Answers the sums, the set of the first patch, and all sets, that one first.
    async fn make_anew(
        &self,
        scope: &Scope,
        survey: &Survey,
        versions: &Arc<Versions>,
        taking: &mut dyn Taking,
        report: &(dyn Fn(Progress) + Sync),
    ) -> Result<(Sums, Arc<Standing>, Vec<(i64, Choice)>), ServiceError> {
        let (facts, broken) = (&survey.facts, |error: tokio::task::JoinError| ServiceError::Broken(error.to_string()));
        let written = Written { crs: understood(&facts.crs)?, decimals: facts.decimals };
        let (before, after) = facts.period.days();
        let first = self.store.patches(&Filter { survey: Some(survey.id), limit: 1, ..Filter::of(scope.clone()) }).await?;
        let choice = versions.choosing.at(&first.first().map_or(Days { before, after, unclear: true }, |stored| stored.patch.days));
        let standing = self.stand(versions, choice).await?;
        let layer_set = taking.layer_set(&standing).await?;
        let (pages, unjudged) = mpsc::channel(WAITING);
        let (judged, mut puts) = mpsc::channel::<Vec<Put>>(WAITING);
        let judging = {
            let (versions, standing, aside) = (Arc::clone(versions), Arc::clone(&standing), Aside::none(self.spool.clone()));
            let judging = tokio::task::spawn_blocking(move || {
                let in_hand = InHand::of(&versions.choosing, choice, &standing, layer_set);
                judge_pages(&Rejudge::new(&standing, in_hand, written), unjudged, &judged, aside)
            });
            async { judging.await.map_err(broken)? }
        };
        let mut sums = Sums::default();
        let storing = take_all(&mut puts, taking, &mut sums, facts.patches, report);
        let (aside, (), ()) = tokio::try_join!(judging, self.read_pages(scope, survey.id, pages), storing)?;
        let mut sets = vec![(layer_set, choice)];
        let aside = self.judge_aside(aside, versions, written, taking, &mut sets).await?;
        let (judged, mut puts) = mpsc::channel::<Vec<Put>>(WAITING);
        let rest = tokio::task::spawn_blocking(move || aside.each(|puts| hand_on(&judged, puts)));
        take_all(&mut puts, taking, &mut sums, facts.patches, report).await?;
        rest.await.map_err(broken)??;
        Ok((sums, standing, sets))
    }

    /// Judges what was put aside, set by set.
    async fn judge_aside(
        &self,
        mut aside: Aside,
        versions: &Arc<Versions>,
        written: Written,
        taking: &mut dyn Taking,
        sets: &mut Vec<(i64, Choice)>,
    ) -> Result<Aside, ServiceError> {
        while let Some(choice) = aside.next_choice() {
            let standing = self.stand(versions, choice).await?;
            let layer_set = taking.layer_set(&standing).await?;
            sets.push((layer_set, choice));
            let versions = Arc::clone(versions);
            let judged = tokio::task::spawn_blocking(move || {
                let in_hand = InHand::of(&versions.choosing, choice, &standing, layer_set);
                aside.judged(&Rejudge::new(&standing, in_hand, written))
            });
            aside = judged.await.map_err(|error| ServiceError::Broken(error.to_string()))??;
        }
        Ok(aside)
    }

    /// Hands on the patches of a survey, until all are sent or the receiver is gone.
    async fn read_pages(&self, scope: &Scope, survey: i64, pages: Sender<Vec<StoredPatch>>) -> Result<(), ServiceError> {
        let mut filter = Filter { survey: Some(survey), limit: PAGE, ..Filter::of(scope.clone()) };
        loop {
            let page = self.store.patches(&filter).await?;
            let Some(last) = page.last() else { return Ok(()) };
            filter.after = last.place();
            if pages.send(page).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Takes findings as they come, and sums them up.
async fn take_all(
    puts: &mut Receiver<Vec<Put>>,
    taking: &mut dyn Taking,
    sums: &mut Sums,
    total: u64,
    report: &(dyn Fn(Progress) + Sync),
) -> Result<(), ServiceError> {
    while let Some(some) = puts.recv().await {
        some.iter().filter_map(|put| put.finding.as_ref()).for_each(|finding| sums.count(finding));
        taking.take(some).await?;
        report(Progress { stage: Stage::Classifying, done: sums.patches, total: Some(total) });
    }
    Ok(())
}

fn hand_on(judged: &Sender<Vec<Put>>, puts: Vec<Put>) -> Result<(), ServiceError> {
    judged.blocking_send(puts).map_err(|_| ServiceError::Broken("the store went away".into()))
}

/// Judges pages until none comes any more, and hands their findings on, in order, until one has none: it and those after it are put aside.
fn judge_pages(rejudge: &Rejudge<'_>, mut pages: Receiver<Vec<StoredPatch>>, judged: &Sender<Vec<Put>>, mut aside: Aside) -> Result<Aside, ServiceError> {
    let put = |stored: StoredPatch| {
        let finding = rejudge.finding(stored.id, &stored.patch)?;
        Ok(Put { id: stored.id, key: stored.key, patch: stored.patch, filing: stored.filing, former: Some(stored.finding), finding })
    };
    in_order(
        || {
            Ok(pages.blocking_recv().map(|page| {
                let bytes = page.iter().map(bytes).sum();
                (page, bytes)
            }))
        },
        |page: Vec<StoredPatch>| page.into_iter().map(put).collect::<Result<Vec<Put>, ServiceError>>(),
        |mut puts| {
            let first = if aside.is_none() { puts.iter().position(|put| put.finding.is_none()).unwrap_or(puts.len()) } else { 0 };
            for put in puts.drain(first..) {
                aside.put(&put, rejudge.choice(&put.patch.days))?;
            }
            if puts.is_empty() { Ok(()) } else { hand_on(judged, puts) }
        },
    )?;
    Ok(aside)
}

/// About what a patch takes in memory.
fn bytes(stored: &StoredPatch) -> usize {
    let patch = &stored.patch;
    let outlines = [Some(&patch.degrees), patch.repaired.as_ref(), patch.source.as_ref()];
    outlines.into_iter().flatten().map(|outline| size_of_val(outline.positions.as_slice())).sum::<usize>() + patch.attributes.len()
}

/// What a difference was worked out from: the survey's patches and findings, all layers, all rules, and which of them are those of today.
fn token(survey: &Survey, versions: &Versions) -> String {
    let Survey { id, created_ms, judged_ms, facts, .. } = survey;
    let of_survey = format!("{id} {created_ms} {judged_ms} {} {} {}", facts.period, facts.patches, facts.sha256);
    hexadecimal(&Sha256::digest(format!("{of_survey}\n{}", versions.words())))
}

fn changed_meanwhile() -> Refusal {
    let words = Words::new(
        "图层、图斑或规则在查看差异之后有变化，未重新套合；请重新查看差异",
        "layers, patches or the rule have changed since the difference was looked at; nothing was done: look at it again",
    );
    Refusal::new(RefusalKind::Conflict, CHANGED_MEANWHILE, words)
}

/// The refusal of findings that would leave too many patches without a county: what was accepted when it came in is right, so the counties in force are not.
fn outside_counties(sums: &Sums, standing: &Standing) -> Option<Refusal> {
    let Sums { patches, outside, .. } = sums;
    if standing.atlas.counties_bounds().is_none() || standing.rule.survey.allows_outside(*outside, *patches) {
        return None;
    }
    let words = Words::new(
        format!("{patches} 个图斑中有 {outside} 个不在现行行政区内，很可能是行政区图层不对；套合结果保持原样"),
        format!("{outside} of {patches} patches lie in no county in force, most likely for a wrong layer of counties; the findings stay as they were"),
    );
    Some(Refusal::new(RefusalKind::Unacceptable, "outside_counties", words))
}
