//! Taking a survey in: its rows in portions that no reader sees, and one transaction that publishes them.

use super::bulk::{Arguments, Insert, ROWS};
use super::unpublished::{self, Unpublished};
use super::{SqliteStore, Writing, checksums, ground, replacing, sets, surveys::surveys_there, withdrawal};
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
use sqlx::SqliteConnection;
use tuban_engine::model::{Decision, Event, Finding, GroundShare, NewSurvey, OnConflict, Patch, Provenance, Reject, SharedPiece, Survey};
use tuban_geom::Bounds;

/// Rows collected before they are written: their count, and their bytes.
const WAITING: (usize, usize) = (8192, 4 << 20);
/// How often pairs are looked for without the lock; after that, with it.
const LOOKS: u32 = 10;

struct Taking {
    store: SqliteStore,
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
    patches: Insert,
    outlines: Insert,
    findings: Insert,
    rejects: Insert,
}

impl SqliteStore {
    pub(super) async fn take_survey(&self, key: SurveyKey, on_conflict: OnConflict) -> Result<Box<dyn SurveyWriter>, StoreError> {
        let mut transaction = self.begin().await?;
        let replaced = to_replace(&mut transaction, &key, on_conflict).await?;
        let id = super::next_id(&mut transaction, "survey").await?;
        let mut arguments = Arguments::default();
        values::survey(&mut arguments, &placeholder(id, &key), "", None)?;
        Insert::new(&tables::SURVEY).execute(&mut transaction, 1, arguments).await?;
        Ok(Box::new(Taking {
            store: self.clone(),
            unpublished: Unpublished::begin(self, transaction, What::Survey, id).await?,
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
            patches: Insert::new(&tables::PATCH),
            outlines: Insert::new(&tables::PATCH_OUTLINE),
            findings: Insert::new(&tables::FINDING),
            rejects: Insert::into("reject", "survey_id, row, patch_id, code, zh, en, pointer, ring, vertex"),
        }))
    }
}

/// The surveys that one is to replace; refuses where it may not come.
async fn to_replace(transaction: &mut Writing, key: &SurveyKey, on_conflict: OnConflict) -> Result<Vec<i64>, StoreError> {
    let there = surveys_there(transaction, key).await?;
    if let Some(same) = same_survey(transaction, key).await? {
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

async fn same_survey(transaction: &mut Writing, key: &SurveyKey) -> Result<Option<Survey>, StoreError> {
    let row = sqlx::query(sql::SAME_SURVEY)
        .bind(key.period.ordinal())
        .bind(key.period.kind().months())
        .bind(key.level.word())
        .bind(&key.upload_key)
        .fetch_optional(&mut **transaction)
        .await?;
    row.as_ref().map(rows::survey).transpose()
}

/// A publication under way.
struct Publication {
    transaction: Writing,
    moment: Moment,
    settled: Settled,
}

impl Taking {
    /// Writes what is collected.
    async fn flush(&mut self) -> Result<(), StoreError> {
        let mut rows = self.waiting.take().into_iter();
        while rows.len() > 0 {
            let (mut portion, pace) = (self.unpublished.portion().await?, Pace::begin());
            let mut next_patch = super::next_id(&mut portion, "patch").await?;
            while rows.len() > 0 && !pace.is_over() {
                let (mut patches, mut outlines, mut found, mut count) = (Arguments::default(), Arguments::default(), Arguments::default(), 0);
                for (patch, finding) in rows.by_ref().take(ROWS) {
                    values::finding(&mut found, next_patch, self.id, &finding)?;
                    values::patch_outline(&mut outlines, next_patch, &patch)?;
                    values::patch(&mut patches, next_patch, self.id, &patch)?;
                    next_patch += 1;
                    count += 1;
                }
                self.patches.execute(&mut portion, count, patches).await?;
                self.outlines.execute(&mut portion, count, outlines).await?;
                self.findings.execute(&mut portion, count, found).await?;
            }
            fail::point("survey rows: before commit");
            portion.commit().await?;
            fail::point("survey rows: after commit");
        }
        Ok(())
    }

    /// Looks for patches that were stored before, without the write lock.
    async fn look_before(&self) -> Result<Before, StoreError> {
        let mut moment = self.store.pools.readers.begin().await?;
        let before = self.before(&mut moment).await?;
        moment.commit().await?;
        Ok(before)
    }

    /// Brings what was found before up to now: only surveys that came meanwhile are looked at, where nothing else happened.
    async fn look_further(&self, before: &mut Before) -> Result<(), StoreError> {
        let mut reader = self.store.pools.readers.begin().await?;
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

    async fn before(&self, connection: &mut SqliteConnection) -> Result<Before, StoreError> {
        let (moment, replaced) = (unpublished::moment(connection).await?, self.to_be_replaced(connection).await?);
        let pairs = if self.asks_for_pairs(&replaced.surveys) { replacing::pairs(connection, self.id).await? } else { Vec::new() };
        Ok(Before { moment, pairs, replaced })
    }

    /// The surveys that are to be replaced now.
    async fn to_be_replaced(&self, connection: &mut SqliteConnection) -> Result<Replaced, StoreError> {
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
            let mut transaction = if let Some(mut transaction) = self.alone.take() {
                self.take_over_within(&mut transaction, &settled).await?;
                transaction
            } else {
                self.take_over(&settled).await?;
                self.unpublished.publication().await?
            };
            let filings = replacing::filings(&mut transaction, &before.replaced.surveys).await?;
            if filings == before.replaced.filings && unpublished::moment(&mut transaction).await? == before.moment {
                return Ok(Publication { transaction, moment: before.moment, settled });
            }
            drop(transaction);
            self.look_further(&mut before).await?;
        }
        let mut transaction = self.unpublished.publication().await?;
        let before = self.before(&mut transaction).await?;
        let settled = self.settle(&before, patches).await?;
        self.take_over_within(&mut transaction, &settled).await?;
        Ok(Publication { transaction, moment: before.moment, settled })
    }

    /// Refuses what is not to be done unasked.
    async fn settle(&self, before: &Before, patches: u64) -> Result<Settled, StoreError> {
        let pairs = before.sorted();
        if let Some((holder, same)) = pairs.most_in().filter(|_| self.unasked.sent_again) {
            let row = sqlx::query(sql::ONE_SURVEY).bind(holder).fetch_one(&self.store.pools.readers).await?;
            return Err(StoreError::sent_before(rows::survey(&row)?, same, patches));
        }
        before.settle(pairs.taken_over, self.unasked)
    }
    /// Takes numbers and verdicts over from the surveys that are replaced, while others write.
    async fn take_over(&mut self, settled: &Settled) -> Result<(), StoreError> {
        let mut taken_over = self.taken_over.clone();
        let mut steps = taken_over.steps(settled).into_iter();
        while steps.len() > 0 {
            let (mut portion, pace) = (self.unpublished.portion().await?, Pace::begin());
            while let Some(step) = pace.next(&mut steps) {
                replacing::take(&mut portion, &step).await?;
            }
            fail::point("take over: before commit");
            portion.commit().await?;
            fail::point("take over: after commit");
        }
        let mut reader = self.store.pools.readers.acquire().await?;
        self.sum_up(&mut reader, &taken_over).await?;
        self.taken_over = taken_over;
        Ok(())
    }

    /// [`take_over`](Self::take_over), in the transaction that publishes. It may be undone, and then nothing was taken over.
    async fn take_over_within(&mut self, transaction: &mut Writing, settled: &Settled) -> Result<(), StoreError> {
        let mut taken_over = self.taken_over.clone();
        for step in taken_over.steps(settled) {
            replacing::take(transaction, &step).await?;
        }
        self.sum_up(transaction, &taken_over).await
    }

    /// What the survey sums to with the verdicts that were taken over.
    async fn sum_up(&mut self, connection: &mut SqliteConnection, taken_over: &TakenOver) -> Result<(), StoreError> {
        self.with_verdicts = if taken_over.has_verdicts() { checksums::with_verdicts(connection, self.id, &self.sums).await? } else { self.sums.clone() };
        Ok(())
    }

    /// Notes what became of the surveys that are replaced.
    async fn note(&self, transaction: &mut Writing, details: Value) -> Result<(), StoreError> {
        if self.replaced.is_empty() {
            return Ok(());
        }
        let nobody = Decision::default();
        for survey in &self.replaced {
            withdrawal::note(transaction, *survey, Event::Replaced, &nobody, &with(&details, "by", json!(self.id))).await?;
        }
        withdrawal::note(transaction, self.id, Event::Replaces, &nobody, &with(&details, "surveys", json!(self.replaced))).await
    }

    /// Writes the pieces of ground that were found; false where they are no longer right.
    async fn store_ground(&mut self, transaction: &mut Writing) -> Result<bool, StoreError> {
        let Some(looked) = &self.looked else { return Ok(true) };
        if looked.changed.is_empty() {
            return Ok(true);
        }
        let kept = ground::forget_pieces(transaction, &looked.changed).await?;
        if kept != looked.kept {
            return Ok(false);
        }
        ground::add_pieces(transaction, &looked.pieces).await?;
        Ok(true)
    }

    /// Puts the survey in the place of what stood for it.
    async fn put(&self, transaction: &mut Writing, survey: &Survey) -> Result<(), StoreError> {
        let mut arguments = Arguments::default();
        values::survey(&mut arguments, survey, &self.used.rule(), Some(&self.with_verdicts))?;
        let Err(error) = Insert::replacing(&tables::SURVEY).execute(transaction, 1, arguments).await else { return Ok(()) };
        // The key was free; so the survey handed over now is another one than was asked for at the beginning.
        let facts = &survey.facts;
        let key = SurveyKey { period: facts.period, level: facts.level, upload_key: facts.upload_key.clone() };
        match same_survey(transaction, &key).await? {
            Some(same) if errors::is_taken(&error) => Err(StoreError::AlreadyStored(Box::new(same))),
            _ => Err(error.into()),
        }
    }
}

#[async_trait]
impl GroundWriter for Taking {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        self.flush().await?;
        let mut reader = self.store.pools.readers.acquire().await?;
        self.looked = Some(Looked::at(unpublished::moment(&mut reader).await?));
        ground::places_of(&mut reader, self.id).await
    }

    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
        let mut reader = self.store.pools.readers.acquire().await?;
        ground::places_near(&mut reader, boxes, Seen { own: self.id, without: &self.replaced }, take).await
    }

    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
        ground::grounds(&mut *self.store.pools.readers.acquire().await?, patches, None).await
    }

    async fn pieces(&mut self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        let shares = ground::shares(&mut *self.store.pools.readers.acquire().await?, patches).await?;
        Ok(still_shared(shares, &self.replaced).into_iter().map(|(piece, share)| (piece, share.patch)).collect())
    }

    async fn forget_pieces(&mut self, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
        let shares = ground::shares(&mut *self.store.pools.readers.acquire().await?, patches).await?;
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
        looked.stands_in_file(&mut *self.store.pools.readers.acquire().await?, is_near).await
    }

    async fn publish(&mut self, survey: &NewSurvey) -> Result<Option<Survey>, StoreError> {
        self.flush().await?;
        let Publication { mut transaction, moment, settled } = self.publication(survey.patches).await?;
        self.replaced = to_replace(&mut transaction, &self.key, self.on_conflict).await?;
        if self.looked.as_ref().is_some_and(|looked| looked.moment != moment) {
            return Ok(None);
        }
        for survey in &self.replaced {
            withdrawal::withdraw(&mut transaction, *survey).await?;
        }
        fail::point("publish survey: after withdrawing");
        if !self.store_ground(&mut transaction).await? {
            return Ok(None);
        }
        self.note(&mut transaction, settled.details).await?;
        let now_ms = values::now_ms();
        let survey = Survey { id: self.id, created_ms: now_ms, judged_ms: now_ms, withdrawn_ms: None, facts: survey.clone() };
        self.put(&mut transaction, &survey).await?;
        sets::rest_on(&mut transaction, survey.id, &self.used).await?;
        self.unpublished.end(&mut transaction).await?;
        fail::point("publish survey: before commit");
        if let Some(held) = &self.held {
            let outcome = JobOutcome::Survey { id: survey.id, was_there: false };
            self.store.queue.commit(transaction, held, &outcome, survey.facts.patches + survey.facts.rejected).await?;
        } else {
            super::publish(transaction).await?;
        }
        fail::point("publish survey: after commit");
        self.unpublished.is_published();
        Ok(Some(survey))
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
        let mut rejects = rejects.into_iter();
        while rejects.len() > 0 {
            let (mut portion, pace) = (self.unpublished.portion().await?, Pace::begin());
            while rejects.len() > 0 && !pace.is_over() {
                let (mut arguments, mut rows) = (Arguments::default(), 0);
                for reject in rejects.by_ref().take(ROWS) {
                    values::reject(&mut arguments, self.id, &reject)?;
                    rows += 1;
                }
                self.rejects.execute(&mut portion, rows, arguments).await?;
            }
            fail::point("rejects: before commit");
            portion.commit().await?;
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
