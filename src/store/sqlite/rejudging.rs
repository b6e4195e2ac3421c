//! Making the findings of a survey anew: one transaction in which the old ones go and the new ones come.

use super::bulk::{Arguments, Insert, ROWS};
use super::{SqliteStore, Writing, ground, jobs::Queue, sets};
use crate::geom::Bounds;
use crate::land::{Finding, FormerFinding, GroundShare, NewSurvey, Provenance, SharedPiece, Survey};
use crate::store::{FindingsWriter, GroundWriter, Held, JobOutcome, PatchGround, PatchPlace, StoreError, rows, sql, tables, values};
use crate::store::{rejudged::Rejudged, sets::Used};
use async_trait::async_trait;

/// How many of the numbers in a JSON list are of patches of a survey.
const KNOWN: &str = "SELECT count(*) FROM json_each($1) AS given CROSS JOIN patch ON patch.id = given.value WHERE patch.survey_id = $2";

struct Rejudging {
    transaction: Writing,
    queue: Queue,
    held: Option<Held>,
    rejudged: Rejudged,
    findings: Insert,
    used: Used,
    former: Insert,
    next_former: i64,
    judged_ms: i64,
}

impl SqliteStore {
    pub(super) async fn rejudge(&self, survey: i64) -> Result<Box<dyn FindingsWriter>, StoreError> {
        let mut transaction = self.begin().await?;
        let found = sqlx::query(sql::ONE_SURVEY).bind(survey).fetch_optional(&mut *transaction).await?;
        let judged_ms = rows::survey(&found.ok_or_else(|| StoreError::no_survey(survey))?)?.judged_ms;
        sqlx::query(sql::REMOVE_FINDINGS).bind(survey).execute(&mut *transaction).await?;
        let next_former = super::next_id(&mut transaction, "finding_history").await?;
        Ok(Box::new(Rejudging {
            transaction,
            queue: self.queue.clone(),
            held: None,
            rejudged: Rejudged::none(survey),
            findings: Insert::new(&tables::FINDING),
            used: Used::default(),
            former: Insert::new(&tables::FINDING_HISTORY),
            next_former,
            judged_ms,
        }))
    }
}

#[async_trait]
impl GroundWriter for Rejudging {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        ground::places_of(&mut self.transaction, self.rejudged.survey).await
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
impl FindingsWriter for Rejudging {
    async fn layer_set(&mut self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
        let set = sets::layer_set(&mut self.transaction, provenance, origin).await?;
        self.used.know(set, &provenance.rule);
        Ok(set)
    }

    async fn keep_former(&mut self, former: Vec<(i64, Finding)>, by: Option<&str>) -> Result<(), StoreError> {
        let mut former = former.into_iter();
        while former.len() > 0 {
            let (mut arguments, mut rows) = (Arguments::default(), 0);
            for (patch, finding) in former.by_ref().take(ROWS) {
                let former = FormerFinding { finding, judged_ms: self.judged_ms, replaced_ms: values::now_ms(), replaced_by: by.map(str::to_owned) };
                values::former(&mut arguments, self.next_former, patch, self.rejudged.survey, &former)?;
                self.next_former += 1;
                rows += 1;
            }
            self.former.execute(&mut self.transaction, rows, arguments).await?;
        }
        Ok(())
    }

    async fn push(&mut self, findings: Vec<(i64, Finding)>) -> Result<(), StoreError> {
        let (patches, survey) = (findings.iter().map(|(patch, _)| *patch).collect::<Vec<_>>(), self.rejudged.survey);
        let known: i64 = sqlx::query_scalar(KNOWN).bind(values::to_json(&patches)?).bind(survey).fetch_one(&mut *self.transaction).await?;
        self.rejudged.take(&patches, known as usize)?;
        for portion in findings.chunks(ROWS) {
            let mut arguments = Arguments::default();
            for (patch, finding) in portion {
                self.used.rest_on(finding)?;
                values::finding(&mut arguments, *patch, survey, finding)?;
            }
            self.findings.execute(&mut self.transaction, portion.len(), arguments).await?;
        }
        Ok(())
    }

    fn only_while(&mut self, held: Held) {
        self.held = Some(held);
    }

    async fn commit(mut self: Box<Self>, facts: NewSurvey) -> Result<Survey, StoreError> {
        let id = self.rejudged.survey;
        let patches: i64 = sqlx::query_scalar(sql::PATCHES_OF_SURVEY).bind(id).fetch_one(&mut *self.transaction).await?;
        let judged = self.rejudged.whole(patches)?;
        let mut query = sqlx::query(sql::REJUDGED).bind(id).bind(facts.outside as i64);
        for count in [facts.verdicts.legal, facts.verdicts.suspected_illegal, facts.verdicts.other, facts.verdicts.doubtful] {
            query = query.bind(count as i64);
        }
        let warnings = values::to_json(&facts.warnings)?;
        query =
            query.bind(facts.area_m2).bind(facts.farmland_m2).bind(warnings).bind(self.used.rule()).bind(values::now_ms()).bind(facts.farmland_unknown as i64);
        let survey = rows::survey(&query.fetch_one(&mut *self.transaction).await?)?;
        sqlx::query(sql::FORGET_SETS).bind(id).execute(&mut *self.transaction).await?;
        sets::rest_on(&mut self.transaction, id, &self.used).await?;
        if let Some(held) = self.held {
            self.queue.commit(self.transaction, &held, &JobOutcome::Survey { id, was_there: true }, judged).await?;
        } else {
            super::publish(self.transaction).await?;
        }
        Ok(survey)
    }
}
