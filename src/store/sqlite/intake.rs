//! Taking a survey in: one transaction from the question whether it may come to its last patch.

use super::bulk::{Insert, ROWS, Values};
use super::{SqliteStore, Writing, errors, jobs::Queue, layers, rows, surveys};
use crate::land::{Finding, NewSurvey, OnConflict, Patch, Provenance, Reject, Survey};
use crate::store::{Held, StoreError, SurveyKey, SurveyWriter, wkb};
use async_trait::async_trait;

const PATCHES: &str = "INSERT INTO patch (id, survey_id, row, patch_id, stated_county, west, south, east, north, cell)";
const OUTLINES: &str = "INSERT INTO patch_outline (patch, attributes, defects, degrees, repaired, source)";
const FINDINGS: &str = "INSERT INTO finding (patch, survey_id, county_code, area_m2, farmland_m2, basic_farmland_m2, red_line_m2, urban_boundary_m2, \
     approved_m2, approved_farmland_m2, automatic_legal_farmland_m2, automatic_illegal_farmland_m2, verdict, reason, parcels, counties, approvals, flags)";
const REJECTS: &str = "INSERT INTO reject (survey_id, row, patch_id, code, zh, en, pointer, ring, vertex)";

struct Taking {
    transaction: Writing,
    queue: Queue,
    held: Option<Held>,
    id: i64,
    next_patch: i64,
    patches: Insert,
    outlines: Insert,
    findings: Insert,
    rejects: Insert,
}

impl SqliteStore {
    pub(super) async fn take_survey(&self, key: SurveyKey, on_conflict: OnConflict) -> Result<Box<dyn SurveyWriter>, StoreError> {
        let mut transaction = self.begin().await?;
        if let Some(same) = same_survey(&mut transaction, &key).await? {
            return Err(StoreError::AlreadyStored(Box::new(same)));
        }
        match on_conflict {
            OnConflict::Reject => refuse_another(&mut transaction, &key).await?,
            OnConflict::Replace => remove_others(&mut transaction, &key).await?,
            OnConflict::Add => {}
        }
        let id = super::next_id(&mut transaction, "survey").await?;
        let next_patch = super::next_id(&mut transaction, "patch").await?;
        Ok(Box::new(Taking {
            transaction,
            queue: self.queue.clone(),
            held: None,
            id,
            next_patch,
            patches: Insert::new(PATCHES),
            outlines: Insert::new(OUTLINES),
            findings: Insert::new(FINDINGS),
            rejects: Insert::new(REJECTS),
        }))
    }
}

async fn same_survey(transaction: &mut Writing, key: &SurveyKey) -> Result<Option<Survey>, StoreError> {
    let row = sqlx::query("SELECT * FROM survey WHERE period = $1 AND level = $2 AND sha256 = $3")
        .bind(key.period.ordinal())
        .bind(key.level.word())
        .bind(&key.sha256)
        .fetch_optional(&mut **transaction)
        .await?;
    row.as_ref().map(surveys::survey).transpose()
}

async fn refuse_another(transaction: &mut Writing, key: &SurveyKey) -> Result<(), StoreError> {
    let existing: Option<i64> = sqlx::query_scalar("SELECT id FROM survey WHERE period = $1 AND level = $2 ORDER BY id DESC LIMIT 1")
        .bind(key.period.ordinal())
        .bind(key.level.word())
        .fetch_optional(&mut **transaction)
        .await?;
    existing.map_or(Ok(()), |existing| Err(StoreError::Conflict { period: key.period, level: key.level, existing }))
}

/// Patches, findings, filings, rejects and provenance go with their survey: ON DELETE CASCADE.
async fn remove_others(transaction: &mut Writing, key: &SurveyKey) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM survey WHERE period = $1 AND level = $2").bind(key.period.ordinal()).bind(key.level.word()).execute(&mut **transaction).await?;
    Ok(())
}

#[async_trait]
impl SurveyWriter for Taking {
    async fn push(&mut self, findings: Vec<(Patch, Finding)>) -> Result<(), StoreError> {
        let mut findings = findings.into_iter();
        while findings.len() > 0 {
            let (mut patches, mut outlines, mut found, mut rows) = (Values::default(), Values::default(), Values::default(), 0);
            for (patch, finding) in findings.by_ref().take(ROWS) {
                add_finding(&mut found, self.next_patch, self.id, finding)?;
                add_outline(&mut outlines, self.next_patch, &patch)?;
                add_patch(&mut patches, self.next_patch, self.id, &patch)?;
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
            let (mut values, mut rows) = (Values::default(), 0);
            for reject in rejects.by_ref().take(ROWS) {
                add_reject(&mut values, self.id, reject)?;
                rows += 1;
            }
            self.rejects.execute(&mut self.transaction, rows, values).await?;
        }
        Ok(())
    }

    fn only_while(&mut self, held: Held) {
        self.held = Some(held);
    }

    async fn commit(mut self: Box<Self>, survey: NewSurvey, provenance: &Provenance) -> Result<Survey, StoreError> {
        let survey = Survey { id: self.id, created_ms: rows::now_ms(), facts: survey };
        if let Err(error) = insert_survey(&mut self.transaction, &survey, &provenance.rule).await? {
            // The key was free at the beginning; so the survey handed over now is another one than was asked for then.
            let facts = &survey.facts;
            let key = SurveyKey { period: facts.period, level: facts.level, sha256: facts.sha256.clone() };
            return match same_survey(&mut self.transaction, &key).await? {
                Some(same) if errors::is_taken(&error) => Err(StoreError::AlreadyStored(Box::new(same))),
                _ => Err(error.into()),
            };
        }
        insert_provenance(&mut self.transaction, survey.id, provenance).await?;
        let Some(held) = self.held else {
            super::publish(self.transaction).await?;
            return Ok(survey);
        };
        let locked = self.queue.locked_by(&held).await?;
        sqlx::query("INSERT INTO stored_job (job, survey_id) VALUES ($1, $2)").bind(&held.job).bind(survey.id).execute(&mut *self.transaction).await?;
        super::publish(self.transaction).await?;
        self.queue.stored(locked, &held, survey.id, survey.facts.patches + survey.facts.rejected).await?;
        Ok(survey)
    }
}

fn add_patch(values: &mut Values, id: i64, survey: i64, patch: &Patch) -> Result<(), StoreError> {
    values.add(id)?;
    values.add(survey)?;
    values.add(patch.row as i64)?;
    values.add(patch.patch_id.as_str())?;
    values.add(patch.stated_county.as_deref())?;
    values.add_box(&rows::box_of(&patch.degrees, patch.repaired.as_ref()))
}

fn add_outline(values: &mut Values, id: i64, patch: &Patch) -> Result<(), StoreError> {
    values.add(id)?;
    values.add(patch.attributes.as_str())?;
    values.add(rows::to_json(&patch.defects)?)?;
    values.add(wkb::write(&patch.degrees))?;
    values.add(patch.repaired.as_ref().map(wkb::write))?;
    values.add(patch.source.as_ref().map(wkb::write))
}

fn add_finding(values: &mut Values, id: i64, survey: i64, finding: Finding) -> Result<(), StoreError> {
    let areas = finding.areas;
    values.add(id)?;
    values.add(survey)?;
    values.add(finding.county_code)?;
    values.add(areas.area_m2)?;
    values.add(areas.farmland_m2)?;
    values.add(areas.basic_farmland_m2)?;
    values.add(areas.red_line_m2)?;
    values.add(areas.urban_boundary_m2)?;
    values.add(areas.approved_m2)?;
    values.add(areas.approved_farmland_m2)?;
    values.add(finding.automatic_legal_farmland_m2)?;
    values.add(finding.automatic_illegal_farmland_m2)?;
    values.add(finding.verdict.word())?;
    values.add(finding.reason.word())?;
    values.add(rows::to_json(&finding.parcels)?)?;
    values.add(rows::to_json(&finding.counties)?)?;
    values.add(rows::to_json(&finding.approvals)?)?;
    values.add(rows::to_json(&finding.flags)?)
}

fn add_reject(values: &mut Values, survey: i64, reject: Reject) -> Result<(), StoreError> {
    values.add(survey)?;
    values.add(reject.row as i64)?;
    values.add(reject.patch_id)?;
    values.add(reject.code)?;
    values.add(reject.reason.zh)?;
    values.add(reject.reason.en)?;
    values.add(reject.pointer)?;
    values.add(reject.ring.map(i64::from))?;
    values.add(reject.vertex.map(i64::from))
}

/// The inner result is the statement's own, for the caller to interpret.
async fn insert_survey(transaction: &mut Writing, survey: &Survey, rule: &str) -> Result<Result<(), sqlx::Error>, StoreError> {
    let facts = &survey.facts;
    let done = sqlx::query(
        "INSERT INTO survey (id, name, period, level, crs, sha256, invented, patches, repaired, rejected, outside, patch_id_source, fields,
             legal, suspected_illegal, other, doubtful, area_m2, farmland_m2, warnings, rule, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
    )
    .bind(survey.id)
    .bind(&facts.name)
    .bind(facts.period.ordinal())
    .bind(facts.level.word())
    .bind(&facts.crs)
    .bind(&facts.sha256)
    .bind(i64::from(facts.invented))
    .bind(facts.patches as i64)
    .bind(facts.repaired as i64)
    .bind(facts.rejected as i64)
    .bind(facts.outside as i64)
    .bind(facts.patch_id_source.word())
    .bind(rows::to_json(&facts.fields)?)
    .bind(facts.verdicts.legal as i64)
    .bind(facts.verdicts.suspected_illegal as i64)
    .bind(facts.verdicts.other as i64)
    .bind(facts.verdicts.doubtful as i64)
    .bind(facts.area_m2)
    .bind(facts.farmland_m2)
    .bind(rows::to_json(&facts.warnings)?)
    .bind(rule)
    .bind(survey.created_ms)
    .execute(&mut **transaction)
    .await;
    Ok(done.map(|_| ()))
}

/// A layer that was removed while the survey came in is an error: its findings could not be derived again.
async fn insert_provenance(transaction: &mut Writing, survey: i64, provenance: &Provenance) -> Result<(), StoreError> {
    for (position, layer) in provenance.layers.iter().enumerate() {
        let done = sqlx::query("INSERT INTO survey_layer (survey_id, position, layer_id, kind, name, effective) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(survey)
            .bind(position as i64)
            .bind((layer.id != 0).then_some(layer.id))
            .bind(layer.kind.word())
            .bind(&layer.name)
            .bind(&layer.effective)
            .execute(&mut **transaction)
            .await;
        match done {
            Err(error) if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation) => {
                return Err(layers::no_layer(layer.id));
            }
            done => done?,
        };
    }
    Ok(())
}
