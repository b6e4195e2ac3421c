//! Taking a survey in: its rows in portions that no reader sees, and one transaction that publishes them.

use super::bulk::{Arguments, ROWS};
use super::copy::Copy;
use super::unpublished::{self, Unpublished};
use super::{PostgresStore, Writing, checksums, ground, jobs::Queue, replacing, sets, surveys::surveys_there, text, withdrawal};
use crate::store::ground::{Looked, Seen, still_shared};
use crate::store::same::{Before, Replaced, Settled, TakenOver, with};
use crate::store::sets::Used;
use crate::store::sums::Sums;
use crate::store::unpublished::{Moment, Pace, Waiting, What, bytes_of_patch, placeholder};
use crate::store::{
    GroundWriter, Held, JobOutcome, PatchGround, PatchPlace, Publishing, StoreError, SurveyKey, SurveyWriter, Unasked, errors, fail, rows, sql, tables, values,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};
use tuban_engine::model::{Decision, Event, Finding, GroundShare, NewSurvey, OnConflict, Patch, Provenance, Reject, SharedPiece, Survey};
use tuban_geom::Bounds;

/// Rows of one portion: their count, and their bytes.
const WAITING: (usize, usize) = (1024, 1 << 20);
/// How often pairs are looked for without the lock; after that, with it.
const LOOKS: u32 = 10;

struct Taking {
    store: PostgresStore,
    unpublished: Unpublished,
    key: SurveyKey,
    on_conflict: OnConflict,
    /// The transaction that holds the write lock, where that was asked for.
    alone: Option<Writing>,
    held: Option<Held>,
    /// Surveys that this one replaces, as far as is known.
    replaced: Vec<i64>,
    unasked: Unasked,
    id: i64,
    used: Used,
    sums: Sums,
    waiting: Waiting<(Patch, Finding)>,
    looked: Option<Looked>,
    taken_over: TakenOver,
    with_verdicts: Sums,
    patches: Copy,
    outlines: Copy,
    findings: Copy,
    rejects: Copy,
}

impl PostgresStore {
    pub(super) async fn take_survey(&self, key: SurveyKey, on_conflict: OnConflict) -> Result<Box<dyn SurveyWriter>, StoreError> {
        let writing = Writing::begin(&self.pools).await?;
        writing.bond().soon(self.begin_taking(writing, key, on_conflict)).await
    }

    async fn begin_taking(&self, mut writing: Writing, key: SurveyKey, on_conflict: OnConflict) -> Result<Box<dyn SurveyWriter>, StoreError> {
        let replaced = match to_replace(writing.connection(), &key, on_conflict).await {
            Ok(replaced) => replaced,
            Err(refusal) => {
                writing.abandon().await?;
                return Err(refusal);
            }
        };
        let id = writing.next_ids("survey", 1).await?;
        let mut copy = Copy::new(&tables::SURVEY);
        values::survey(copy.row(), &placeholder(id, &key), "", None)?;
        copy.send(&mut writing).await?;
        Ok(Box::new(Taking {
            store: self.clone(),
            unpublished: Unpublished::begin(self, writing, What::Survey, id).await?,
            key,
            on_conflict,
            alone: None,
            held: None,
            replaced,
            unasked: Unasked::default(),
            id,
            used: Used::default(),
            sums: Sums::default(),
            waiting: Waiting::up_to(WAITING.0, WAITING.1),
            looked: None,
            taken_over: TakenOver::default(),
            with_verdicts: Sums::default(),
            patches: Copy::by_county(&tables::PATCH),
            outlines: Copy::by_county(&tables::PATCH_OUTLINE),
            findings: Copy::by_county(&tables::FINDING),
            rejects: Copy::into("reject", "survey_id, row, patch_id, code, zh, en, pointer, ring, vertex"),
        }))
    }
}

/// The surveys that one is to replace; refuses where it may not come.
async fn to_replace(connection: &mut PgConnection, key: &SurveyKey, on_conflict: OnConflict) -> Result<Vec<i64>, StoreError> {
    let there = surveys_there(connection, key).await?;
    if let Some(same) = same_survey(connection, key).await? {
        // Where it is to stand alone and does not, it takes the place of all of them, itself included.
        if on_conflict != OnConflict::Replace || there.len() == 1 {
            return Err(StoreError::AlreadyStored(Box::new(same)));
        }
    }
    match (on_conflict, there.first()) {
        (OnConflict::Reject, Some(existing)) => Err(StoreError::Conflict { period: key.period, level: key.level, existing: *existing }),
        (OnConflict::Replace, _) => Ok(there),
        (OnConflict::Reject, None) | (OnConflict::Add, _) => Ok(Vec::new()),
    }
}

async fn same_survey(executor: impl PgExecutor<'_>, key: &SurveyKey) -> Result<Option<Survey>, StoreError> {
    let upload_key = text::write(&key.upload_key);
    let row = sqlx::query(sql::SAME_SURVEY)
        .bind(key.period.ordinal())
        .bind(key.period.kind().months())
        .bind(key.level.word())
        .bind(upload_key.as_ref())
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(rows::survey).transpose()
}

/// A publication under way.
struct Publication {
    writing: Writing,
    moment: Moment,
    settled: Settled,
}

/// Whether other surveys and their verdicts are those that were looked at.
async fn stands(connection: &mut PgConnection, before: &Before) -> Result<bool, StoreError> {
    let filings = replacing::filings(connection, &before.replaced.surveys).await?;
    Ok(filings == before.replaced.filings && unpublished::moment(connection).await? == before.moment)
}

#[async_trait]
impl GroundWriter for Taking {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        self.flush().await?;
        let own = async {
            let mut reader = self.store.pools.sums.acquire().await?;
            let looked = Looked::at(unpublished::moment(&mut reader).await?);
            Ok((looked, ground::places_of(&mut reader, self.id).await?))
        };
        let (looked, places) = self.store.pools.lost.unless(own).await?;
        self.looked = Some(looked);
        Ok(places)
    }

    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
        let seen = Seen { own: self.id, without: &self.replaced };
        self.store.pools.lost.unless(async { ground::places_near(&mut *self.store.pools.sums.acquire().await?, boxes, seen, take).await }).await
    }

    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
        self.store.pools.lost.soon(async { ground::grounds(&mut *self.store.pools.sums.acquire().await?, patches, None).await }).await
    }

    async fn pieces(&mut self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        let shares = self.store.shares(patches).await?;
        Ok(still_shared(shares, &self.replaced).into_iter().map(|(piece, share)| (piece, share.patch)).collect())
    }

    async fn forget_pieces(&mut self, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
        let shares = self.store.shares(patches).await?;
        Ok(self.looked.get_or_insert_default().forget(patches, still_shared(shares, &self.replaced)))
    }

    async fn add_pieces(&mut self, pieces: &[SharedPiece]) -> Result<(), StoreError> {
        self.looked.get_or_insert_default().pieces = pieces.to_vec();
        Ok(())
    }
}

#[async_trait]
impl Publishing for Taking {
    async fn stop_others(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        self.alone = Some(self.unpublished.publication().await?);
        Ok(())
    }

    async fn look_stands(&mut self, is_near: &(dyn Fn(PatchPlace) -> bool + Sync)) -> Result<bool, StoreError> {
        let Some(looked) = &mut self.looked else { return Ok(false) };
        let pools = &self.store.pools;
        pools.lost.unless(async { looked.stands_on_server(&mut *pools.sums.acquire().await?, is_near).await }).await
    }

    async fn publish(&mut self, survey: &NewSurvey) -> Result<Option<Survey>, StoreError> {
        self.flush().await?;
        let publication = self.publication(survey.patches).await?;
        let bond = publication.writing.bond();
        bond.soon(self.conclude(publication, survey)).await
    }
}

#[async_trait]
impl SurveyWriter for Taking {
    async fn layer_set(&mut self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
        let set = self.unpublished.layer_set(provenance, origin).await?;
        self.used.know(set, &provenance.rule);
        Ok(set)
    }

    async fn push(&mut self, findings: Vec<(Patch, Finding)>) -> Result<(), StoreError> {
        for (_, finding) in &findings {
            self.used.rest_on(finding)?;
            self.sums.add(finding);
        }
        if self.waiting.add(findings, bytes_of_patch) { self.flush().await } else { Ok(()) }
    }

    async fn push_rejects(&mut self, rejects: Vec<Reject>) -> Result<(), StoreError> {
        for some in rejects.chunks(WAITING.0) {
            let mut writing = self.unpublished.portion().await?;
            let bond = writing.bond();
            bond.soon(async {
                some.iter().try_for_each(|reject| values::reject(self.rejects.row(), self.id, reject))?;
                self.rejects.send(&mut writing).await?;
                fail::point("rejects: before commit");
                writing.commit().await
            })
            .await?;
            fail::point("rejects: after commit");
        }
        Ok(())
    }

    fn only_while(&mut self, held: Held) {
        self.held = Some(held);
    }

    fn refuse(&mut self, unasked: Unasked) {
        self.unasked = unasked;
    }

    async fn commit(mut self: Box<Self>, survey: NewSurvey) -> Result<Survey, StoreError> {
        self.publish(&survey).await?.ok_or_else(StoreError::changed_meanwhile)
    }

    async fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        drop(self.alone);
        self.unpublished.abandon().await
    }
}

impl Taking {
    /// Writes what is collected.
    async fn flush(&mut self) -> Result<(), StoreError> {
        let mut rows = self.waiting.take().into_iter();
        while rows.len() > 0 {
            let mut writing = self.unpublished.portion().await?;
            let bond = writing.bond();
            bond.soon(async {
                let pace = Pace::begin();
                while rows.len() > 0 && !pace.is_over() {
                    self.copy(&mut writing, rows.by_ref().take(ROWS)).await?;
                }
                fail::point("survey rows: before commit");
                writing.commit().await
            })
            .await?;
            fail::point("survey rows: after commit");
        }
        Ok(())
    }

    async fn copy(&mut self, writing: &mut Writing, rows: impl ExactSizeIterator<Item = (Patch, Finding)>) -> Result<(), StoreError> {
        let mut next_patch = writing.next_ids("patch", rows.len()).await?;
        for (patch, finding) in rows {
            let county = finding.county_code.as_deref().unwrap_or_default();
            for copy in [&mut self.patches, &mut self.outlines, &mut self.findings] {
                values::Values::text(copy.row(), county)?;
            }
            values::patch(&mut self.patches, next_patch, self.id, &patch)?;
            values::patch_outline(&mut self.outlines, next_patch, &patch)?;
            values::finding(&mut self.findings, next_patch, self.id, &finding)?;
            next_patch += 1;
        }
        self.patches.send(writing).await?;
        self.outlines.send(writing).await?;
        self.findings.send(writing).await?;
        Ok(())
    }

    /// Looks for patches that were stored before, without the write lock.
    async fn look_before(&self) -> Result<Before, StoreError> {
        let looking = async {
            let mut reader = self.store.pools.sums.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
            let before = self.before(&mut reader).await?;
            reader.commit().await?;
            Ok(before)
        };
        self.store.pools.lost.unless(looking).await
    }

    /// Brings what was found before up to now: only surveys that came meanwhile are looked at, where nothing else happened.
    async fn look_further(&self, before: &mut Before) -> Result<(), StoreError> {
        let mut reader = self.store.pools.sums.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        let (moment, replaced) = (unpublished::moment(&mut reader).await?, self.to_be_replaced(&mut reader).await?);
        *before = match moment.came_since(&before.moment) {
            Some(came) if self.asks_for_pairs(&replaced.surveys) => {
                let mut pairs = std::mem::take(&mut before.pairs);
                pairs.extend(replacing::pairs_among(&mut reader, self.id, &came).await?);
                Before { moment, pairs, replaced }
            }
            _ => self.before(&mut reader).await?,
        };
        Ok(reader.commit().await?)
    }

    async fn before(&self, connection: &mut PgConnection) -> Result<Before, StoreError> {
        let (moment, replaced) = (unpublished::moment(connection).await?, self.to_be_replaced(connection).await?);
        let pairs = if self.asks_for_pairs(&replaced.surveys) { replacing::pairs(connection, self.id).await? } else { Vec::new() };
        Ok(Before { moment, pairs, replaced })
    }

    /// The surveys that are to be replaced now.
    async fn to_be_replaced(&self, connection: &mut PgConnection) -> Result<Replaced, StoreError> {
        let surveys = if self.on_conflict == OnConflict::Replace { surveys_there(connection, &self.key).await? } else { Vec::new() };
        replacing::replaced(connection, surveys).await
    }

    /// Whether it matters which of the patches were stored before.
    fn asks_for_pairs(&self, replaced: &[i64]) -> bool {
        !replaced.is_empty() || self.unasked.sent_again
    }

    /// The transaction that publishes, and what was taken over before it.
    async fn publication(&mut self, patches: u64) -> Result<Publication, StoreError> {
        let mut before = self.look_before().await?;
        for _ in 0..LOOKS {
            let settled = self.settle(&before, patches).await?;
            let mut writing = if let Some(mut writing) = self.alone.take() {
                let bond = writing.bond();
                bond.unless(self.take_over_within(&mut writing, &settled)).await?;
                writing
            } else {
                self.take_over(&settled).await?;
                self.unpublished.publication().await?
            };
            let bond = writing.bond();
            if bond.soon(stands(writing.connection(), &before)).await? {
                return Ok(Publication { writing, moment: before.moment, settled });
            }
            bond.soon(writing.abandon()).await?;
            self.store.pools.lost.unless(self.look_further(&mut before)).await?;
        }
        let mut writing = self.unpublished.publication().await?;
        let bond = writing.bond();
        let (before, settled) = bond
            .unless(async {
                let before = self.before(writing.connection()).await?;
                let settled = self.settle(&before, patches).await?;
                self.take_over_within(&mut writing, &settled).await?;
                Ok((before, settled))
            })
            .await?;
        Ok(Publication { writing, moment: before.moment, settled })
    }

    /// Refuses what is not to be done unasked.
    async fn settle(&self, before: &Before, patches: u64) -> Result<Settled, StoreError> {
        let pairs = before.sorted();
        if let Some((holder, same)) = pairs.most_in().filter(|_| self.unasked.sent_again) {
            let row = sqlx::query(sql::ONE_SURVEY).bind(holder).fetch_one(&self.store.pools.facts).await?;
            return Err(StoreError::sent_before(rows::survey(&row)?, same, patches));
        }
        before.settle(pairs.taken_over, self.unasked)
    }

    /// Takes numbers and verdicts over from the surveys that are replaced, while others write.
    async fn take_over(&mut self, settled: &Settled) -> Result<(), StoreError> {
        let mut taken_over = self.taken_over.clone();
        let mut steps = taken_over.steps(settled).into_iter();
        while steps.len() > 0 {
            let mut writing = self.unpublished.portion().await?;
            let bond = writing.bond();
            bond.soon(async {
                let pace = Pace::begin();
                while let Some(step) = pace.next(&mut steps) {
                    replacing::take(&mut writing, &step).await?;
                }
                fail::point("take over: before commit");
                writing.commit().await
            })
            .await?;
            fail::point("take over: after commit");
        }
        let mut reader = self.store.pools.sums.acquire().await?;
        self.sum_up(&mut reader, &taken_over).await?;
        self.taken_over = taken_over;
        Ok(())
    }

    /// [`take_over`](Self::take_over), in the transaction that publishes. It may be undone, and then nothing was taken over.
    async fn take_over_within(&mut self, writing: &mut Writing, settled: &Settled) -> Result<(), StoreError> {
        let mut taken_over = self.taken_over.clone();
        writing.look_up_by_key().await?;
        for step in taken_over.steps(settled) {
            replacing::take(writing, &step).await?;
        }
        self.sum_up(writing.connection(), &taken_over).await
    }

    /// What the survey sums to with the verdicts that were taken over.
    async fn sum_up(&mut self, connection: &mut PgConnection, taken_over: &TakenOver) -> Result<(), StoreError> {
        self.with_verdicts = if taken_over.has_verdicts() { checksums::with_verdicts(connection, self.id, &self.sums).await? } else { self.sums.clone() };
        Ok(())
    }

    /// Notes what became of the surveys that are replaced.
    async fn note(&self, connection: &mut PgConnection, details: Value) -> Result<(), StoreError> {
        if self.replaced.is_empty() {
            return Ok(());
        }
        let nobody = Decision::default();
        for survey in &self.replaced {
            withdrawal::note(connection, *survey, Event::Replaced, &nobody, &with(&details, "by", json!(self.id))).await?;
        }
        withdrawal::note(connection, self.id, Event::Replaces, &nobody, &with(&details, "surveys", json!(self.replaced))).await
    }

    /// Writes the pieces of ground that were found; false where they are no longer right.
    async fn store_ground(&self, writing: &mut Writing) -> Result<bool, StoreError> {
        let Some(looked) = &self.looked else { return Ok(true) };
        if looked.changed.is_empty() {
            return Ok(true);
        }
        if ground::forget_pieces(writing.connection(), &looked.changed).await? != looked.kept {
            return Ok(false);
        }
        ground::add_pieces(writing, &looked.pieces).await?;
        Ok(true)
    }

    /// Puts the survey in the place of what stood for it.
    async fn put(&self, writing: &mut Writing, survey: &Survey) -> Result<(), StoreError> {
        let mut arguments = Arguments::default();
        values::survey(&mut arguments, survey, &self.used.rule(), Some(&self.with_verdicts))?;
        let Err(error) = arguments.replace(&tables::SURVEY, writing).await else { return Ok(()) };
        // The key was free; so the survey handed over now is another one than was asked for at the beginning.
        let facts = &survey.facts;
        let key = SurveyKey { period: facts.period, level: facts.level, upload_key: facts.upload_key.clone() };
        match same_survey(&self.store.pools.facts, &key).await? {
            Some(same) if errors::names(&error, "survey_is_stored_once") => Err(StoreError::AlreadyStored(Box::new(same))),
            _ => Err(error.into()),
        }
    }

    /// Undone where it ends early: the connection is closed.
    async fn conclude(&mut self, Publication { mut writing, moment, settled }: Publication, survey: &NewSurvey) -> Result<Option<Survey>, StoreError> {
        self.replaced = to_replace(writing.connection(), &self.key, self.on_conflict).await?;
        if self.looked.as_ref().is_some_and(|looked| looked.moment != moment) {
            writing.abandon().await?;
            return Ok(None);
        }
        for survey in &self.replaced {
            withdrawal::withdraw(writing.connection(), *survey).await?;
        }
        fail::point("publish survey: after withdrawing");
        if !self.store_ground(&mut writing).await? {
            writing.abandon().await?;
            return Ok(None);
        }
        self.note(writing.connection(), settled.details).await?;
        let now_ms = values::now_ms();
        let survey = Survey { id: self.id, created_ms: now_ms, judged_ms: now_ms, withdrawn_ms: None, facts: survey.clone() };
        self.put(&mut writing, &survey).await?;
        sets::rest_on(&mut writing, survey.id, &self.used).await?;
        self.unpublished.end(&mut writing).await?;
        if let Some(held) = &self.held {
            let outcome = JobOutcome::Survey { id: survey.id, was_there: false };
            Queue::stored(writing.connection(), held, &outcome, survey.facts.patches + survey.facts.rejected).await?;
        }
        fail::point("publish survey: before commit");
        writing.publish().await?;
        fail::point("publish survey: after commit");
        self.unpublished.is_published();
        Ok(Some(survey))
    }
}
