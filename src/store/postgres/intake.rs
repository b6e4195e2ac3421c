//! Taking a survey in: one transaction from the question whether it may come to its last patch.

use super::copy::Copy;
use super::{PostgresStore, Writing, ground, jobs::Queue, text};
use crate::geom::Bounds;
use crate::land::{Finding, GroundShare, NewSurvey, OnConflict, Patch, Provenance, Reject, SharedPiece, Survey};
use crate::store::{
    GroundWriter, Held, JobOutcome, PatchGround, PatchPlace, StoreError, SurveyKey, SurveyWriter, errors, ground as shared, rows, sql, tables, values,
};
use async_trait::async_trait;
use sqlx::{PgConnection, PgExecutor};

/// Removes what belongs to the surveys of a period and level, what refers to other rows first.
const REMOVAL: [&str; 6] = [
    "DELETE FROM shared_ground USING survey WHERE shared_ground.survey_id = survey.id AND survey.period = $1 AND survey.months = $2 AND survey.level = $3",
    "DELETE FROM filing USING patch JOIN survey ON survey.id = patch.survey_id
     WHERE filing.county = patch.county AND filing.patch = patch.id AND survey.period = $1 AND survey.months = $2 AND survey.level = $3",
    "DELETE FROM patch_outline USING patch JOIN survey ON survey.id = patch.survey_id
     WHERE patch_outline.county = patch.county AND patch_outline.patch = patch.id AND survey.period = $1 AND survey.months = $2 AND survey.level = $3",
    "DELETE FROM finding USING survey WHERE finding.survey_id = survey.id AND survey.period = $1 AND survey.months = $2 AND survey.level = $3",
    "DELETE FROM patch USING survey WHERE patch.survey_id = survey.id AND survey.period = $1 AND survey.months = $2 AND survey.level = $3",
    // Provenance and rejects go with it: ON DELETE CASCADE.
    "DELETE FROM survey WHERE period = $1 AND months = $2 AND level = $3",
];

struct Taking {
    writing: Writing,
    store: PostgresStore,
    held: Option<Held>,
    id: i64,
    next_patch: i64,
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
        if let Some(same) = same_survey(writing.connection(), &key).await? {
            writing.abandon().await?;
            return Err(StoreError::AlreadyStored(Box::new(same)));
        }
        match on_conflict {
            OnConflict::Reject => {
                if let Some(existing) = another_survey(writing.connection(), &key).await? {
                    writing.abandon().await?;
                    return Err(StoreError::Conflict { period: key.period, level: key.level, existing });
                }
            }
            OnConflict::Replace => remove_others(writing.connection(), &key).await?,
            OnConflict::Add => {}
        }
        let id = writing.next_id("survey").await?;
        let next_patch = writing.next_id("patch").await?;
        Ok(Box::new(Taking {
            writing,
            store: self.clone(),
            held: None,
            id,
            next_patch,
            patches: Copy::by_county(&tables::PATCH),
            outlines: Copy::by_county(&tables::PATCH_OUTLINE),
            findings: Copy::by_county(&tables::FINDING),
            rejects: Copy::into("reject", "survey_id, row, patch_id, code, zh, en, pointer, ring, vertex"),
        }))
    }
}

async fn same_survey(executor: impl PgExecutor<'_>, key: &SurveyKey) -> Result<Option<Survey>, StoreError> {
    let sha256 = text::write(&key.sha256);
    let row = sqlx::query(sql::SAME_SURVEY)
        .bind(key.period.ordinal())
        .bind(key.period.kind().months())
        .bind(key.level.word())
        .bind(sha256.as_ref())
        .fetch_optional(executor)
        .await?;
    row.as_ref().map(rows::survey).transpose()
}

async fn another_survey(connection: &mut PgConnection, key: &SurveyKey) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar(sql::ANOTHER_SURVEY)
        .bind(key.period.ordinal())
        .bind(key.period.kind().months())
        .bind(key.level.word())
        .fetch_optional(connection)
        .await?)
}

async fn remove_others(connection: &mut PgConnection, key: &SurveyKey) -> Result<(), StoreError> {
    if another_survey(connection, key).await?.is_some() {
        for statement in REMOVAL {
            sqlx::query(statement).bind(key.period.ordinal()).bind(key.period.kind().months()).bind(key.level.word()).execute(&mut *connection).await?;
        }
        sqlx::query(shared::FORGET_LONELY).execute(&mut *connection).await?;
    }
    Ok(())
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

    async fn commit(self: Box<Self>, survey: NewSurvey, provenance: &Provenance) -> Result<Survey, StoreError> {
        let bond = self.writing.bond();
        bond.soon(self.conclude(survey, provenance)).await
    }
}

impl Taking {
    async fn append(&mut self, findings: Vec<(Patch, Finding)>) -> Result<(), StoreError> {
        for (patch, finding) in findings {
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

    async fn conclude(mut self: Box<Self>, survey: NewSurvey, provenance: &Provenance) -> Result<Survey, StoreError> {
        let now_ms = values::now_ms();
        let survey = Survey { id: self.id, created_ms: now_ms, judged_ms: now_ms, facts: survey };
        if let Err(error) = insert_survey(&mut self.writing, &survey, &provenance.rule).await? {
            // The key was free at the beginning; so the survey handed over now is another one than was asked for then.
            let facts = survey.facts;
            let key = SurveyKey { period: facts.period, level: facts.level, sha256: facts.sha256 };
            return match same_survey(&self.store.pools.facts, &key).await? {
                Some(same) if errors::names(&error, "survey_is_stored_once") => Err(StoreError::AlreadyStored(Box::new(same))),
                _ => Err(error.into()),
            };
        }
        insert_provenance(&mut self.writing, survey.id, provenance).await?;
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

/// A layer that was removed while the survey came in is an error: its findings could not be derived again.
pub(super) async fn insert_provenance(writing: &mut Writing, survey: i64, provenance: &Provenance) -> Result<(), StoreError> {
    let mut copy = Copy::new(&tables::SURVEY_LAYER);
    for (position, layer) in provenance.layers.iter().enumerate() {
        values::survey_layer(copy.row(), survey, position, layer)?;
        match copy.send(writing).await {
            Err(error) if errors::names(&error, "survey_rests_on_layer") => return Err(StoreError::no_layer(layer.id)),
            done => done?,
        }
    }
    Ok(())
}
