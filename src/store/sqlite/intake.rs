//! Taking a survey in: one transaction from the question whether it may come to its last patch.

use super::bulk::{Arguments, Insert, ROWS};
use super::{SqliteStore, Writing, ground, jobs::Queue, replacing, sets, withdrawal};
use crate::geom::Bounds;
use crate::land::{Decision, Event, Finding, GroundShare, NewSurvey, OnConflict, Patch, Provenance, Reject, SharedPiece, Survey};
use crate::store::same::Pairs;
use crate::store::sets::Used;
use crate::store::{GroundWriter, Held, JobOutcome, PatchGround, PatchPlace, StoreError, SurveyKey, SurveyWriter, Unasked, errors, rows, sql, tables, values};
use async_trait::async_trait;
use serde_json::json;

struct Taking {
    transaction: Writing,
    queue: Queue,
    held: Option<Held>,
    /// Surveys that this one replaces; withdrawn already in this transaction.
    replaced: Vec<i64>,
    unasked: Unasked,
    id: i64,
    next_patch: i64,
    used: Used,
    patches: Insert,
    outlines: Insert,
    findings: Insert,
    rejects: Insert,
}

impl SqliteStore {
    pub(super) async fn take_survey(&self, key: SurveyKey, on_conflict: OnConflict) -> Result<Box<dyn SurveyWriter>, StoreError> {
        let mut transaction = self.begin().await?;
        let there = surveys_there(&mut transaction, &key).await?;
        if let Some(same) = same_survey(&mut transaction, &key).await? {
            // Where it is to stand alone and does not, it takes the place of all of them, itself included.
            if on_conflict != OnConflict::Replace || there.len() == 1 {
                return Err(StoreError::AlreadyStored(Box::new(same)));
            }
        }
        let mut replaced = Vec::new();
        match (on_conflict, there.first()) {
            (OnConflict::Reject, Some(existing)) => return Err(StoreError::Conflict { period: key.period, level: key.level, existing: *existing }),
            (OnConflict::Replace, _) => replaced = there,
            (OnConflict::Reject, None) | (OnConflict::Add, _) => {}
        }
        for survey in &replaced {
            withdrawal::withdraw(&mut transaction, *survey).await?;
        }
        let id = super::next_id(&mut transaction, "survey").await?;
        let next_patch = super::next_id(&mut transaction, "patch").await?;
        Ok(Box::new(Taking {
            transaction,
            queue: self.queue.clone(),
            held: None,
            replaced,
            unasked: Unasked::default(),
            id,
            next_patch,
            used: Used::default(),
            patches: Insert::new(&tables::PATCH),
            outlines: Insert::new(&tables::PATCH_OUTLINE),
            findings: Insert::new(&tables::FINDING),
            rejects: Insert::into("reject", "survey_id, row, patch_id, code, zh, en, pointer, ring, vertex"),
        }))
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

/// Surveys of a period and level that count, the newest first.
pub(super) async fn surveys_there(transaction: &mut Writing, key: &SurveyKey) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar(sql::OTHER_SURVEYS)
        .bind(key.period.ordinal())
        .bind(key.period.kind().months())
        .bind(key.level.word())
        .fetch_all(&mut **transaction)
        .await?)
}

impl Taking {
    /// Takes numbers and verdicts over from the surveys that are replaced, and refuses what is not to be done unasked.
    async fn settle(&mut self, survey: &NewSurvey) -> Result<(), StoreError> {
        if self.replaced.is_empty() && !self.unasked.sent_again {
            return Ok(());
        }
        let pairs = replacing::pairs(&mut self.transaction, self.id, &self.replaced).await?;
        if let Some((holder, same)) = pairs.most_in().filter(|_| self.unasked.sent_again) {
            let row = sqlx::query(sql::ONE_SURVEY).bind(holder).fetch_one(&mut *self.transaction).await?;
            return Err(StoreError::sent_before(rows::survey(&row)?, same, survey.patches));
        }
        self.replace(&pairs).await
    }

    async fn replace(&mut self, Pairs { taken_over, .. }: &Pairs) -> Result<(), StoreError> {
        let mut confirmed = 0;
        for survey in &self.replaced {
            confirmed += withdrawal::confirmed_of(&mut *self.transaction, *survey).await?;
        }
        let kept = taken_over.iter().filter(|pair| pair.filed).count() as u64;
        let (patches, verdicts) = (taken_over.len() as u64, confirmed - kept);
        if verdicts > 0 && self.unasked.verdicts_go {
            return Err(StoreError::VerdictsWouldGo { surveys: self.replaced.clone(), verdicts, kept, patches });
        }
        replacing::take_over(&mut self.transaction, taken_over).await?;
        let (nobody, id) = (Decision::default(), self.id);
        for survey in &self.replaced {
            let details = json!({ "by": id, "patches_kept": patches, "verdicts_kept": kept, "verdicts_gone": verdicts });
            withdrawal::note(&mut self.transaction, *survey, Event::Replaced, &nobody, &details).await?;
        }
        if !self.replaced.is_empty() {
            let details = json!({ "surveys": self.replaced, "patches_kept": patches, "verdicts_kept": kept, "verdicts_gone": verdicts });
            withdrawal::note(&mut self.transaction, id, Event::Replaces, &nobody, &details).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl GroundWriter for Taking {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        ground::places_of(&mut self.transaction, self.id).await
    }

    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
        ground::places_near(&mut self.transaction, boxes, take).await
    }

    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
        ground::grounds(&mut self.transaction, patches).await
    }

    async fn pieces(&mut self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        ground::pieces(&mut self.transaction, patches).await
    }

    async fn forget_pieces(&mut self, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
        ground::forget_pieces(&mut self.transaction, patches).await
    }

    async fn add_pieces(&mut self, pieces: &[SharedPiece]) -> Result<(), StoreError> {
        ground::add_pieces(&mut self.transaction, pieces).await
    }
}

#[async_trait]
impl SurveyWriter for Taking {
    async fn layer_set(&mut self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
        let set = sets::layer_set(&mut self.transaction, provenance, origin).await?;
        self.used.know(set, &provenance.rule);
        Ok(set)
    }

    async fn push(&mut self, findings: Vec<(Patch, Finding)>) -> Result<(), StoreError> {
        let mut findings = findings.into_iter();
        while findings.len() > 0 {
            let (mut patches, mut outlines, mut found, mut rows) = (Arguments::default(), Arguments::default(), Arguments::default(), 0);
            for (patch, finding) in findings.by_ref().take(ROWS) {
                self.used.rest_on(&finding)?;
                values::finding(&mut found, self.next_patch, self.id, &finding)?;
                values::patch_outline(&mut outlines, self.next_patch, &patch)?;
                values::patch(&mut patches, self.next_patch, self.id, &patch)?;
                self.next_patch += 1;
                rows += 1;
            }
            self.patches.execute(&mut self.transaction, rows, patches).await?;
            self.outlines.execute(&mut self.transaction, rows, outlines).await?;
            self.findings.execute(&mut self.transaction, rows, found).await?;
        }
        Ok(())
    }

    async fn push_rejects(&mut self, rejects: Vec<Reject>) -> Result<(), StoreError> {
        let mut rejects = rejects.into_iter();
        while rejects.len() > 0 {
            let (mut arguments, mut rows) = (Arguments::default(), 0);
            for reject in rejects.by_ref().take(ROWS) {
                values::reject(&mut arguments, self.id, &reject)?;
                rows += 1;
            }
            self.rejects.execute(&mut self.transaction, rows, arguments).await?;
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
        self.settle(&survey).await?;
        let now_ms = values::now_ms();
        let survey = Survey { id: self.id, created_ms: now_ms, judged_ms: now_ms, withdrawn_ms: None, facts: survey };
        let mut arguments = Arguments::default();
        values::survey(&mut arguments, &survey, &self.used.rule())?;
        if let Err(error) = Insert::new(&tables::SURVEY).execute(&mut self.transaction, 1, arguments).await {
            // The key was free at the beginning; so the survey handed over now is another one than was asked for then.
            let facts = &survey.facts;
            let key = SurveyKey { period: facts.period, level: facts.level, upload_key: facts.upload_key.clone() };
            return match same_survey(&mut self.transaction, &key).await? {
                Some(same) if errors::is_taken(&error) => Err(StoreError::AlreadyStored(Box::new(same))),
                _ => Err(error.into()),
            };
        }
        sets::rest_on(&mut self.transaction, survey.id, &self.used).await?;
        if let Some(held) = self.held {
            let outcome = JobOutcome::Survey { id: survey.id, was_there: false };
            self.queue.commit(self.transaction, &held, &outcome, survey.facts.patches + survey.facts.rejected).await?;
        } else {
            super::publish(self.transaction).await?;
        }
        Ok(survey)
    }
}
