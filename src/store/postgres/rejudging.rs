//! Re-classification: the new findings are a generation of their own beside the old ones, and one number in the survey's row says which count. Where another county
//! answers for a patch now, all that belongs to the patch moves to that county's partition.

use super::bulk::ROWS;
use super::copy::Copy;
use super::unpublished::{self, Unpublished};
use super::{PostgresStore, Writing, checksums, ground, jobs::Queue, sets, text};
use crate::store::ground::{Looked, NewFindings, Seen, still_shared};
use crate::store::unpublished::{Pace, What};
use crate::store::{FindingsWriter, GroundWriter, Held, JobOutcome, PatchGround, PatchPlace, Publishing, StoreError, fail, rows, sql, tables, values};
use crate::store::{rejudged::Rejudged, sets::Used, sums::Sums, values::Values};
use async_trait::async_trait;
use tuban_engine::model::{Finding, FormerFinding, GroundShare, NewSurvey, Provenance, SharedPiece, Survey};
use tuban_geom::Bounds;

/// How many of these numbers are of patches of a survey.
const KNOWN: &str = "SELECT count(*) FROM patch WHERE id = ANY($1) AND survey_id = $2";

/// Patches for which another county answers now, what answered for them, and what does.
const MOVED: &str = "
    SELECT patch.id, patch.county, new.county FROM patch JOIN finding new ON new.survey_id = $2 AND new.made = $1 AND new.patch = patch.id
    WHERE patch.survey_id = $2 AND new.county <> patch.county";

/// Moves patches, their outlines and their filings: numbers, the counties that answered for them, and those that do now.
const MOVES: [&str; 3] = [
    "UPDATE patch SET county = given.county FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (patch, before, county)
     WHERE patch.county = given.before COLLATE \"C\" AND patch.id = given.patch",
    "UPDATE patch_outline SET county = given.county FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (patch, before, county)
     WHERE patch_outline.county = given.before COLLATE \"C\" AND patch_outline.patch = given.patch",
    "UPDATE filing SET county = given.county FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (patch, before, county)
     WHERE filing.county = given.before COLLATE \"C\" AND filing.patch = given.patch",
];

/// A row of [`MOVED`].
type Moved = (i64, String, String);

struct Rejudging {
    store: PostgresStore,
    unpublished: Unpublished,
    /// The transaction that holds the write lock, where that was asked for.
    alone: Option<Writing>,
    held: Option<Held>,
    rejudged: Rejudged,
    findings: Copy,
    used: Used,
    sums: Sums,
    looked: Option<Looked>,
    former: Copy,
    judged_ms: i64,
}

impl PostgresStore {
    pub(super) async fn rejudge(&self, survey: i64) -> Result<Box<dyn FindingsWriter>, StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let bond = writing.bond();
        bond.soon(async {
            let Some(found) = sqlx::query(sql::ONE_SURVEY).bind(survey).fetch_optional(writing.connection()).await? else {
                writing.abandon().await?;
                return Err(StoreError::no_survey(survey));
            };
            let judged_ms = rows::survey(&found)?.judged_ms;
            Ok(Box::new(Rejudging {
                store: self.clone(),
                unpublished: Unpublished::begin(self, writing, What::Findings, survey).await?,
                alone: None,
                held: None,
                rejudged: Rejudged::none(survey),
                findings: Copy::into("finding", &format!("made, county, {}", tables::FINDING.names())),
                used: Used::default(),
                sums: Sums::default(),
                looked: None,
                former: Copy::into("finding_history", &format!("unpublished, {}", tables::FINDING_HISTORY.names())),
                judged_ms,
            }) as Box<dyn FindingsWriter>)
        })
        .await
    }
}

/// Moves what belongs to patches for which another county answers now.
async fn move_patches(writing: &mut Writing, moved: &[Moved]) -> Result<(), StoreError> {
    if moved.is_empty() {
        return Ok(());
    }
    let patches: Vec<i64> = moved.iter().map(|(patch, ..)| *patch).collect();
    let before: Vec<&str> = moved.iter().map(|(_, before, _)| before.as_str()).collect();
    let now: Vec<&str> = moved.iter().map(|(.., now)| now.as_str()).collect();
    writing.look_up_by_key().await?;
    for statement in MOVES {
        sqlx::query(statement).bind(&patches).bind(&before).bind(&now).execute(writing.connection()).await?;
    }
    Ok(())
}

impl Rejudging {
    async fn append(&mut self, findings: Vec<(i64, Finding)>) -> Result<(), StoreError> {
        let (patches, survey) = (findings.iter().map(|(patch, _)| *patch).collect::<Vec<_>>(), self.rejudged.survey);
        let known = async { Ok(sqlx::query_scalar::<_, i64>(KNOWN).bind(&patches).bind(survey).fetch_one(&self.store.pools.sums).await?) };
        let known = self.store.pools.lost.soon(known).await?;
        self.rejudged.take(&patches, known as usize)?;
        let mut portions = findings.chunks(ROWS);
        while portions.len() > 0 {
            let mut writing = self.unpublished.portion().await?;
            let bond = writing.bond();
            bond.soon(async {
                let pace = Pace::begin();
                while let Some(portion) = pace.next(&mut portions) {
                    for (patch, finding) in portion {
                        self.used.rest_on(finding)?;
                        self.sums.add(finding);
                        let row = self.findings.row();
                        row.integer(self.unpublished.id)?;
                        row.stored_text(&text::write(finding.county_code.as_deref().unwrap_or_default()))?;
                        values::finding(row, *patch, survey, finding)?;
                    }
                    self.findings.send(&mut writing).await?;
                }
                fail::point("new findings: before commit");
                writing.commit().await
            })
            .await?;
            fail::point("new findings: after commit");
        }
        Ok(())
    }

    async fn append_former(&mut self, former: Vec<(i64, Finding)>, by: Option<&str>) -> Result<(), StoreError> {
        for some in former.chunks(ROWS) {
            let mut writing = self.unpublished.portion().await?;
            let bond = writing.bond();
            bond.soon(async {
                let first = writing.next_ids("finding_history", some.len()).await?;
                for (number, (patch, finding)) in (first..).zip(some) {
                    let former = FormerFinding {
                        finding: finding.clone(),
                        judged_ms: self.judged_ms,
                        replaced_ms: values::now_ms(),
                        replaced_by: by.map(str::to_owned),
                    };
                    self.former.row().integer(self.unpublished.id)?;
                    values::former(&mut self.former, number, *patch, self.rejudged.survey, &former)?;
                }
                self.former.send(&mut writing).await?;
                fail::point("former findings: before commit");
                writing.commit().await
            })
            .await?;
        }
        Ok(())
    }

    /// That each patch has its new finding, and the patches for which another county answers now. Looked at before the lock is taken: no other writer has them, and
    /// the patches of a survey stay what they are as long as its findings do, which is asked again with the lock.
    async fn each_patch_has_one(&self) -> Result<Vec<Moved>, StoreError> {
        let (id, made) = (self.rejudged.survey, self.unpublished.id);
        let mut reader = self.store.pools.sums.acquire().await?;
        let patches: i64 = sqlx::query_scalar(sql::PATCHES_OF_SURVEY).bind(id).fetch_one(&mut *reader).await?;
        self.rejudged.whole(patches)?;
        let there: i64 = sqlx::query_scalar(sql::MADE).bind(id).bind(made).fetch_one(&mut *reader).await?;
        if there != patches {
            return Err(StoreError::changed_meanwhile());
        }
        Ok(sqlx::query_as(MOVED).bind(made).bind(id).fetch_all(&mut *reader).await?)
    }

    async fn conclude(&mut self, mut writing: Writing, moved: &[Moved], facts: &NewSurvey) -> Result<Option<Survey>, StoreError> {
        let id = self.rejudged.survey;
        let found = sqlx::query(sql::ONE_SURVEY).bind(id).fetch_optional(writing.connection()).await?;
        if rows::survey(&found.ok_or_else(|| StoreError::no_survey(id))?)?.judged_ms != self.judged_ms {
            return Err(StoreError::changed_meanwhile());
        }
        if !self.store_ground(&mut writing).await? {
            writing.abandon().await?;
            return Ok(None);
        }
        move_patches(&mut writing, moved).await?;
        let mut query = sqlx::query(sql::REJUDGED).bind(id).bind(facts.outside as i64);
        for count in [facts.verdicts.legal, facts.verdicts.suspected_illegal, facts.verdicts.other, facts.verdicts.doubtful] {
            query = query.bind(count as i64);
        }
        // Later than before, also within a millisecond: a request that looked at the survey meanwhile sees that it was re-classified.
        let (warnings, rule, judged_ms) = (values::to_json(&facts.warnings)?, self.used.rule(), values::now_ms().max(self.judged_ms + 1));
        query = query
            .bind(facts.area_m2)
            .bind(facts.farmland_m2)
            .bind(text::write(&warnings))
            .bind(text::write(&rule))
            .bind(judged_ms)
            .bind(facts.farmland_unknown as i64)
            .bind(self.unpublished.id);
        let survey = rows::survey(&query.fetch_one(writing.connection()).await?)?;
        sqlx::query(sql::FORGET_SETS).bind(id).execute(writing.connection()).await?;
        sets::rest_on(&mut writing, id, &self.used).await?;
        let sums = checksums::with_verdicts(writing.connection(), id, &self.sums).await?;
        checksums::set_sums(writing.connection(), id, &sums).await?;
        checksums::vouch_for_survey(writing.connection(), id).await?;
        let to_remove = self.unpublished.replace(&mut writing).await?;
        if let Some(held) = &self.held {
            Queue::stored(writing.connection(), held, &JobOutcome::Survey { id, was_there: true }, survey.facts.patches).await?;
        }
        fail::point("publish findings: before commit");
        writing.publish().await?;
        fail::point("publish findings: after commit");
        self.unpublished.is_in_place(to_remove);
        Ok(Some(survey))
    }

    /// Writes the pieces of ground that were found; false where they are no longer right.
    async fn store_ground(&self, writing: &mut Writing) -> Result<bool, StoreError> {
        let Some(looked) = &self.looked else { return Ok(true) };
        if unpublished::moment(writing.connection()).await? != looked.moment {
            return Ok(false);
        }
        if looked.changed.is_empty() {
            return Ok(true);
        }
        if ground::forget_pieces(writing.connection(), &looked.changed).await? != looked.kept {
            return Ok(false);
        }
        ground::add_pieces(writing, &looked.pieces).await?;
        Ok(true)
    }
}

#[async_trait]
impl GroundWriter for Rejudging {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        let own = async {
            let mut reader = self.store.pools.sums.acquire().await?;
            let looked = Looked::at(unpublished::moment(&mut reader).await?);
            Ok((looked, ground::places_of(&mut reader, self.rejudged.survey).await?))
        };
        let (looked, places) = self.store.pools.lost.unless(own).await?;
        self.looked = Some(looked);
        Ok(places)
    }

    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
        let seen = Seen { own: self.rejudged.survey, without: &[] };
        self.store.pools.lost.unless(async { ground::places_near(&mut *self.store.pools.sums.acquire().await?, boxes, seen, take).await }).await
    }

    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
        let new = NewFindings { survey: self.rejudged.survey, unpublished: self.unpublished.id };
        self.store.pools.lost.soon(async { ground::grounds(&mut *self.store.pools.sums.acquire().await?, patches, Some(new)).await }).await
    }

    async fn pieces(&mut self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        self.store.stored_pieces(patches).await
    }

    async fn forget_pieces(&mut self, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
        let shares = self.store.shares(patches).await?;
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
        let pools = &self.store.pools;
        pools.lost.unless(async { looked.stands_on_server(&mut *pools.sums.acquire().await?, is_near).await }).await
    }

    async fn publish(&mut self, facts: &NewSurvey) -> Result<Option<Survey>, StoreError> {
        let moved = self.store.pools.lost.unless(self.each_patch_has_one()).await?;
        let writing = match self.alone.take() {
            Some(writing) => writing,
            None => self.unpublished.publication().await?,
        };
        let bond = writing.bond();
        bond.soon(self.conclude(writing, &moved, facts)).await
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
        self.append_former(former, by).await
    }

    async fn push(&mut self, findings: Vec<(i64, Finding)>) -> Result<(), StoreError> {
        self.append(findings).await
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
