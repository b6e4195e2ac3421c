//! Taking a survey in: one transaction from the question whether it may come to its last patch.

use super::copy::Copy;
use super::{PostgresStore, Writing, ground, jobs::Queue, replacing, sets, text, withdrawal};
use crate::geom::Bounds;
use crate::land::{Decision, Event, Finding, GroundShare, NewSurvey, OnConflict, Patch, Provenance, Reject, SharedPiece, Survey};
use crate::store::same::Pairs;
use crate::store::sets::Used;
use crate::store::{GroundWriter, Held, JobOutcome, PatchGround, PatchPlace, StoreError, SurveyKey, SurveyWriter, Unasked, errors, rows, sql, tables, values};
use async_trait::async_trait;
use serde_json::json;
use sqlx::{PgConnection, PgExecutor};

struct Taking {
    writing: Writing,
    store: PostgresStore,
    held: Option<Held>,
    /// Surveys that this one replaces; withdrawn already in this transaction.
    replaced: Vec<i64>,
    unasked: Unasked,
    id: i64,
    next_patch: i64,
    used: Used,
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
        let there = surveys_there(writing.connection(), &key).await?;
        if let Some(same) = same_survey(writing.connection(), &key).await? {
            // Where it is to stand alone and does not, it takes the place of all of them, itself included.
            if on_conflict != OnConflict::Replace || there.len() == 1 {
                writing.abandon().await?;
                return Err(StoreError::AlreadyStored(Box::new(same)));
            }
        }
        let mut replaced = Vec::new();
        match (on_conflict, there.first()) {
            (OnConflict::Reject, Some(existing)) => {
                let refusal = StoreError::Conflict { period: key.period, level: key.level, existing: *existing };
                writing.abandon().await?;
                return Err(refusal);
            }
            (OnConflict::Replace, _) => replaced = there,
            (OnConflict::Reject, None) | (OnConflict::Add, _) => {}
        }
        for survey in &replaced {
            withdrawal::withdraw(writing.connection(), *survey).await?;
        }
        let id = writing.next_id("survey").await?;
        let next_patch = writing.next_id("patch").await?;
        Ok(Box::new(Taking {
            writing,
            store: self.clone(),
            held: None,
            replaced,
            unasked: Unasked::default(),
            id,
            next_patch,
            used: Used::default(),
            patches: Copy::by_county(&tables::PATCH),
            outlines: Copy::by_county(&tables::PATCH_OUTLINE),
            findings: Copy::by_county(&tables::FINDING),
            rejects: Copy::into("reject", "survey_id, row, patch_id, code, zh, en, pointer, ring, vertex"),
        }))
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

/// Surveys of a period and level that count, the newest first.
pub(super) async fn surveys_there(connection: &mut PgConnection, key: &SurveyKey) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar(sql::OTHER_SURVEYS).bind(key.period.ordinal()).bind(key.period.kind().months()).bind(key.level.word()).fetch_all(connection).await?)
}

#[async_trait]
impl GroundWriter for Taking {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::places_of(&mut self.writing, self.id)).await
    }

    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
        let bond = self.writing.bond();
        bond.unless(ground::places_near(&mut self.writing, boxes, take)).await
    }

    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::grounds(&mut self.writing, patches)).await
    }

    async fn pieces(&mut self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::pieces(&mut self.writing, patches)).await
    }

    async fn forget_pieces(&mut self, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::forget_pieces(&mut self.writing, patches)).await
    }

    async fn add_pieces(&mut self, pieces: &[SharedPiece]) -> Result<(), StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::add_pieces(&mut self.writing, pieces)).await
    }
}

#[async_trait]
impl SurveyWriter for Taking {
    async fn layer_set(&mut self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
        let bond = self.writing.bond();
        let set = bond.soon(sets::layer_set(&mut self.writing, provenance, origin)).await?;
        self.used.know(set, &provenance.rule);
        Ok(set)
    }

    async fn push(&mut self, findings: Vec<(Patch, Finding)>) -> Result<(), StoreError> {
        let bond = self.writing.bond();
        bond.soon(self.append(findings)).await
    }

    async fn push_rejects(&mut self, rejects: Vec<Reject>) -> Result<(), StoreError> {
        for reject in rejects {
            values::reject(self.rejects.row(), self.id, &reject)?;
        }
        let bond = self.writing.bond();
        bond.soon(async { Ok(self.rejects.send(&mut self.writing).await?) }).await
    }

    fn only_while(&mut self, held: Held) {
        self.held = Some(held);
    }

    fn refuse(&mut self, unasked: Unasked) {
        self.unasked = unasked;
    }

    async fn commit(self: Box<Self>, survey: NewSurvey) -> Result<Survey, StoreError> {
        let bond = self.writing.bond();
        bond.soon(self.conclude(survey)).await
    }
}

impl Taking {
    async fn append(&mut self, findings: Vec<(Patch, Finding)>) -> Result<(), StoreError> {
        for (patch, finding) in findings {
            self.used.rest_on(&finding)?;
            let county = finding.county_code.as_deref().unwrap_or_default();
            for copy in [&mut self.patches, &mut self.outlines, &mut self.findings] {
                values::Values::text(copy.row(), county)?;
            }
            values::patch(&mut self.patches, self.next_patch, self.id, &patch)?;
            values::patch_outline(&mut self.outlines, self.next_patch, &patch)?;
            values::finding(&mut self.findings, self.next_patch, self.id, &finding)?;
            self.next_patch += 1;
        }
        self.patches.send(&mut self.writing).await?;
        self.outlines.send(&mut self.writing).await?;
        self.findings.send(&mut self.writing).await?;
        Ok(())
    }

    /// Takes numbers and verdicts over from the surveys that are replaced, and refuses what is not to be done unasked.
    async fn settle(&mut self, survey: &NewSurvey) -> Result<(), StoreError> {
        if self.replaced.is_empty() && !self.unasked.sent_again {
            return Ok(());
        }
        let pairs = replacing::pairs(&mut self.writing, self.id, &self.replaced).await?;
        if let Some((holder, same)) = pairs.most_in().filter(|_| self.unasked.sent_again) {
            let row = sqlx::query(sql::ONE_SURVEY).bind(holder).fetch_one(self.writing.connection()).await?;
            return Err(StoreError::sent_before(rows::survey(&row)?, same, survey.patches));
        }
        self.replace(&pairs).await
    }

    async fn replace(&mut self, Pairs { taken_over, .. }: &Pairs) -> Result<(), StoreError> {
        let mut confirmed = 0;
        for survey in &self.replaced {
            confirmed += withdrawal::confirmed_of(self.writing.connection(), *survey).await?;
        }
        let kept = taken_over.iter().filter(|pair| pair.filed).count() as u64;
        let (patches, verdicts) = (taken_over.len() as u64, confirmed - kept);
        if verdicts > 0 && self.unasked.verdicts_go {
            return Err(StoreError::VerdictsWouldGo { surveys: self.replaced.clone(), verdicts, kept, patches });
        }
        replacing::take_over(&mut self.writing, taken_over).await?;
        let (nobody, id) = (Decision::default(), self.id);
        for survey in &self.replaced {
            let details = json!({ "by": id, "patches_kept": patches, "verdicts_kept": kept, "verdicts_gone": verdicts });
            withdrawal::note(self.writing.connection(), *survey, Event::Replaced, &nobody, &details).await?;
        }
        if !self.replaced.is_empty() {
            let details = json!({ "surveys": self.replaced, "patches_kept": patches, "verdicts_kept": kept, "verdicts_gone": verdicts });
            withdrawal::note(self.writing.connection(), id, Event::Replaces, &nobody, &details).await?;
        }
        Ok(())
    }

    async fn conclude(mut self: Box<Self>, survey: NewSurvey) -> Result<Survey, StoreError> {
        self.settle(&survey).await?;
        let now_ms = values::now_ms();
        let survey = Survey { id: self.id, created_ms: now_ms, judged_ms: now_ms, withdrawn_ms: None, facts: survey };
        if let Err(error) = insert_survey(&mut self.writing, &survey, &self.used.rule()).await? {
            // The key was free at the beginning; so the survey handed over now is another one than was asked for then.
            let facts = survey.facts;
            let key = SurveyKey { period: facts.period, level: facts.level, upload_key: facts.upload_key };
            return match same_survey(&self.store.pools.facts, &key).await? {
                Some(same) if errors::names(&error, "survey_is_stored_once") => Err(StoreError::AlreadyStored(Box::new(same))),
                _ => Err(error.into()),
            };
        }
        sets::rest_on(&mut self.writing, survey.id, &self.used).await?;
        self.writing.gave("survey", self.id).await?;
        self.writing.gave("patch", self.next_patch - 1).await?;
        if let Some(held) = &self.held {
            let outcome = JobOutcome::Survey { id: survey.id, was_there: false };
            Queue::stored(self.writing.connection(), held, &outcome, survey.facts.patches + survey.facts.rejected).await?;
        }
        self.writing.publish().await?;
        Ok(survey)
    }
}

/// The inner result is the server's own, for the caller to interpret.
async fn insert_survey(writing: &mut Writing, survey: &Survey, rule: &str) -> Result<Result<(), sqlx::Error>, StoreError> {
    let mut copy = Copy::new(&tables::SURVEY);
    values::survey(copy.row(), survey, rule)?;
    Ok(copy.send(writing).await)
}
