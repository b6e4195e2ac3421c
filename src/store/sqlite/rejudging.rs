//! Re-classification: the new findings are a generation of their own beside the old ones, and one number in the survey's row says which count.

use super::bulk::{Arguments, Insert, ROWS};
use super::unpublished::{self, Unpublished};
use super::{SqliteStore, Writing, checksums, ground, sets};
use crate::store::ground::{Looked, NewFindings, Seen, still_shared};
use crate::store::unpublished::{Pace, What};
use crate::store::{FindingsWriter, GroundWriter, Held, JobOutcome, PatchGround, PatchPlace, Publishing, StoreError, fail, rows, sql, tables, values};
use crate::store::{rejudged::Rejudged, sets::Used, sums::Sums};
use async_trait::async_trait;
use tuban_engine::model::{Finding, FormerFinding, GroundShare, NewSurvey, Provenance, SharedPiece, Survey};
use tuban_geom::Bounds;

/// How many of the numbers in a JSON list are of patches of a survey.
const KNOWN: &str = "SELECT count(*) FROM json_each($1) AS given CROSS JOIN patch ON patch.id = given.value WHERE patch.survey_id = $2";

struct Rejudging {
    store: SqliteStore,
    unpublished: Unpublished,
    /// The transaction that holds the write lock, where that was asked for.
    alone: Option<Writing>,
    held: Option<Held>,
    rejudged: Rejudged,
    findings: Insert,
    used: Used,
    sums: Sums,
    looked: Option<Looked>,
    former: Insert,
    judged_ms: i64,
}

/// An insert into a table with a column for the writer, then its others.
fn by_writer(column: &str, table: &tables::Table) -> Insert {
    Insert::into(table.name, &format!("{column}, {}", table.names()))
}

impl SqliteStore {
    pub(super) async fn rejudge(&self, survey: i64) -> Result<Box<dyn FindingsWriter>, StoreError> {
        let mut transaction = self.begin().await?;
        let found = sqlx::query(sql::ONE_SURVEY).bind(survey).fetch_optional(&mut *transaction).await?;
        let judged_ms = rows::survey(&found.ok_or_else(|| StoreError::no_survey(survey))?)?.judged_ms;
        Ok(Box::new(Rejudging {
            store: self.clone(),
            unpublished: Unpublished::begin(self, transaction, What::Findings, survey).await?,
            alone: None,
            held: None,
            rejudged: Rejudged::none(survey),
            findings: by_writer("made", &tables::FINDING),
            used: Used::default(),
            sums: Sums::default(),
            looked: None,
            former: by_writer("unpublished", &tables::FINDING_HISTORY),
            judged_ms,
        }))
    }
}

impl Rejudging {
    fn new_findings(&self) -> NewFindings {
        NewFindings { survey: self.rejudged.survey, unpublished: self.unpublished.id }
    }

    /// That each patch has its new finding. Looked at before the lock is taken: no other writer has them, and the patches of a survey stay what they are as long as
    /// its findings do, which is asked again with the lock.
    async fn each_patch_has_one(&self) -> Result<(), StoreError> {
        let (id, reader) = (self.rejudged.survey, &self.store.pools.readers);
        let patches: i64 = sqlx::query_scalar(sql::PATCHES_OF_SURVEY).bind(id).fetch_one(reader).await?;
        self.rejudged.whole(patches)?;
        let made: i64 = sqlx::query_scalar(sql::MADE).bind(id).bind(self.unpublished.id).fetch_one(reader).await?;
        if made == patches { Ok(()) } else { Err(StoreError::changed_meanwhile()) }
    }
}

#[async_trait]
impl GroundWriter for Rejudging {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        let mut reader = self.store.pools.readers.acquire().await?;
        self.looked = Some(Looked::at(unpublished::moment(&mut reader).await?));
        ground::places_of(&mut reader, self.rejudged.survey).await
    }

    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
        let mut reader = self.store.pools.readers.acquire().await?;
        ground::places_near(&mut reader, boxes, Seen { own: self.rejudged.survey, without: &[] }, take).await
    }

    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
        let new = self.new_findings();
        ground::grounds(&mut *self.store.pools.readers.acquire().await?, patches, Some(new)).await
    }

    async fn pieces(&mut self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        ground::pieces(&mut *self.store.pools.readers.acquire().await?, patches).await
    }

    async fn forget_pieces(&mut self, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
        let shares = ground::shares(&mut *self.store.pools.readers.acquire().await?, patches).await?;
        Ok(self.looked.get_or_insert_default().forget(patches, still_shared(shares, &[])))
    }

    async fn add_pieces(&mut self, pieces: &[SharedPiece]) -> Result<(), StoreError> {
        self.looked.get_or_insert_default().pieces = pieces.to_vec();
        Ok(())
    }
}

#[async_trait]
impl Publishing for Rejudging {
    async fn stop_others(&mut self) -> Result<(), StoreError> {
        self.alone = Some(self.unpublished.publication().await?);
        Ok(())
    }

    async fn look_stands(&mut self, is_near: &(dyn Fn(PatchPlace) -> bool + Sync)) -> Result<bool, StoreError> {
        let Some(looked) = &mut self.looked else { return Ok(false) };
        looked.stands_in_file(&mut *self.store.pools.readers.acquire().await?, is_near).await
    }

    async fn publish(&mut self, facts: &NewSurvey) -> Result<Option<Survey>, StoreError> {
        let id = self.rejudged.survey;
        self.each_patch_has_one().await?;
        let mut transaction = match self.alone.take() {
            Some(transaction) => transaction,
            None => self.unpublished.publication().await?,
        };
        let found = sqlx::query(sql::ONE_SURVEY).bind(id).fetch_optional(&mut *transaction).await?;
        if rows::survey(&found.ok_or_else(|| StoreError::no_survey(id))?)?.judged_ms != self.judged_ms {
            return Err(StoreError::changed_meanwhile());
        }
        if let Some(looked) = &self.looked {
            if unpublished::moment(&mut transaction).await? != looked.moment {
                return Ok(None);
            }
            if !looked.changed.is_empty() {
                if ground::forget_pieces(&mut transaction, &looked.changed).await? != looked.kept {
                    return Ok(None);
                }
                ground::add_pieces(&mut transaction, &looked.pieces).await?;
            }
        }
        checksums::check_survey(&mut transaction, id).await?;
        let mut query = sqlx::query(sql::REJUDGED).bind(id).bind(facts.outside as i64);
        for count in [facts.verdicts.legal, facts.verdicts.suspected_illegal, facts.verdicts.other, facts.verdicts.doubtful] {
            query = query.bind(count as i64);
        }
        let warnings = values::to_json(&facts.warnings)?;
        // Later than before, also within a millisecond: a request that looked at the survey meanwhile sees that it was re-classified.
        let judged_ms = values::now_ms().max(self.judged_ms + 1);
        query = query
            .bind(facts.area_m2)
            .bind(facts.farmland_m2)
            .bind(warnings)
            .bind(self.used.rule())
            .bind(judged_ms)
            .bind(facts.farmland_unknown as i64)
            .bind(self.unpublished.id);
        let survey = rows::survey(&query.fetch_one(&mut *transaction).await?)?;
        sqlx::query(sql::FORGET_SETS).bind(id).execute(&mut *transaction).await?;
        sets::rest_on(&mut transaction, id, &self.used).await?;
        let sums = checksums::with_verdicts(&mut transaction, id, &self.sums).await?;
        checksums::set_sums(&mut transaction, id, &sums).await?;
        checksums::vouch_for_survey(&mut transaction, id).await?;
        let to_remove = self.unpublished.replace(&mut transaction).await?;
        fail::point("publish findings: before commit");
        if let Some(held) = &self.held {
            self.store.queue.commit(transaction, held, &JobOutcome::Survey { id, was_there: true }, survey.facts.patches).await?;
        } else {
            super::publish(transaction).await?;
        }
        fail::point("publish findings: after commit");
        self.unpublished.is_in_place(to_remove);
        Ok(Some(survey))
    }
}

#[async_trait]
impl FindingsWriter for Rejudging {
    async fn layer_set(&mut self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
        let set = self.unpublished.layer_set(provenance, origin).await?;
        self.used.know(set, &provenance.rule);
        Ok(set)
    }

    async fn keep_former(&mut self, former: Vec<(i64, Finding)>, by: Option<&str>) -> Result<(), StoreError> {
        let mut former = former.into_iter();
        while former.len() > 0 {
            let (mut portion, pace) = (self.unpublished.portion().await?, Pace::begin());
            while former.len() > 0 && !pace.is_over() {
                let (mut arguments, mut rows) = (Arguments::default(), 0);
                let mut next = super::next_id(&mut portion, "finding_history").await?;
                for (patch, finding) in former.by_ref().take(ROWS) {
                    let former = FormerFinding { finding, judged_ms: self.judged_ms, replaced_ms: values::now_ms(), replaced_by: by.map(str::to_owned) };
                    values::Values::integer(&mut arguments, self.unpublished.id)?;
                    values::former(&mut arguments, next, patch, self.rejudged.survey, &former)?;
                    next += 1;
                    rows += 1;
                }
                self.former.execute(&mut portion, rows, arguments).await?;
            }
            fail::point("former findings: before commit");
            portion.commit().await?;
        }
        Ok(())
    }

    async fn push(&mut self, findings: Vec<(i64, Finding)>) -> Result<(), StoreError> {
        let (patches, survey) = (findings.iter().map(|(patch, _)| *patch).collect::<Vec<_>>(), self.rejudged.survey);
        let known = sqlx::query_scalar::<_, i64>(KNOWN).bind(values::to_json(&patches)?).bind(survey).fetch_one(&self.store.pools.readers).await?;
        self.rejudged.take(&patches, known as usize)?;
        let mut portions = findings.chunks(ROWS);
        while portions.len() > 0 {
            let (mut transaction, pace) = (self.unpublished.portion().await?, Pace::begin());
            while let Some(portion) = pace.next(&mut portions) {
                let mut arguments = Arguments::default();
                for (patch, finding) in portion {
                    self.used.rest_on(finding)?;
                    self.sums.add(finding);
                    values::Values::integer(&mut arguments, self.unpublished.id)?;
                    values::finding(&mut arguments, *patch, survey, finding)?;
                }
                self.findings.execute(&mut transaction, portion.len(), arguments).await?;
            }
            fail::point("new findings: before commit");
            transaction.commit().await?;
            fail::point("new findings: after commit");
        }
        Ok(())
    }

    fn only_while(&mut self, held: Held) {
        self.held = Some(held);
    }

    async fn commit(mut self: Box<Self>, facts: NewSurvey) -> Result<Survey, StoreError> {
        self.publish(&facts).await?.ok_or_else(StoreError::changed_meanwhile)
    }

    async fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        drop(self.alone);
        self.unpublished.abandon().await
    }
}
