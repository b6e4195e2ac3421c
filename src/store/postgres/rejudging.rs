//! Making the findings of a survey anew: one transaction in which the old ones go and the new ones come. Where another county answers for a patch now, all that
//! belongs to the patch moves to that county's partition.

use super::copy::Copy;
use super::{PostgresStore, Writing, ground, jobs::Queue, sets, text};
use crate::geom::Bounds;
use crate::land::{Finding, FormerFinding, GroundShare, NewSurvey, Provenance, SharedPiece, Survey};
use crate::store::{FindingsWriter, GroundWriter, Held, JobOutcome, PatchGround, PatchPlace, StoreError, rows, sql, tables, values};
use crate::store::{rejudged::Rejudged, sets::Used};
use async_trait::async_trait;
use sqlx::PgConnection;

/// The counties that answered for patches of a survey so far, by the patches' numbers.
const COUNTIES: &str = "SELECT county FROM patch WHERE id = ANY($1) AND survey_id = $2 ORDER BY id";

/// Moves patches, their outlines and their filings: numbers, the counties that answered for them, and those that do now.
const MOVES: [&str; 3] = [
    "UPDATE patch SET county = given.county FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (patch, before, county)
     WHERE patch.county = given.before COLLATE \"C\" AND patch.id = given.patch",
    "UPDATE patch_outline SET county = given.county FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (patch, before, county)
     WHERE patch_outline.county = given.before COLLATE \"C\" AND patch_outline.patch = given.patch",
    "UPDATE filing SET county = given.county FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (patch, before, county)
     WHERE filing.county = given.before COLLATE \"C\" AND filing.patch = given.patch",
];

struct Rejudging {
    writing: Writing,
    held: Option<Held>,
    rejudged: Rejudged,
    findings: Copy,
    used: Used,
    former: Copy,
    next_former: i64,
    judged_ms: i64,
}

impl PostgresStore {
    pub(super) async fn rejudge(&self, survey: i64) -> Result<Box<dyn FindingsWriter>, StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let Some(found) = sqlx::query(sql::ONE_SURVEY).bind(survey).fetch_optional(writing.connection()).await? else {
            writing.abandon().await?;
            return Err(StoreError::no_survey(survey));
        };
        let judged_ms = rows::survey(&found)?.judged_ms;
        sqlx::query(sql::REMOVE_FINDINGS).bind(survey).execute(writing.connection()).await?;
        let next_former = writing.next_id("finding_history").await?;
        Ok(Box::new(Rejudging {
            writing,
            held: None,
            rejudged: Rejudged::none(survey),
            findings: Copy::by_county(&tables::FINDING),
            used: Used::default(),
            former: Copy::new(&tables::FINDING_HISTORY),
            next_former,
            judged_ms,
        }))
    }
}

/// Moves those of the patches, of each of which `before` was the county and `now` is, where the two differ.
async fn move_patches(connection: &mut PgConnection, patches: &[i64], before: &[String], now: &[String]) -> Result<(), StoreError> {
    let moved = || patches.iter().zip(before).zip(now).filter(|((_, before), now)| before != now);
    let patches: Vec<i64> = moved().map(|((patch, _), _)| *patch).collect();
    if patches.is_empty() {
        return Ok(());
    }
    let before: Vec<&str> = moved().map(|((_, before), _)| before.as_str()).collect();
    let now: Vec<&str> = moved().map(|(_, now)| now.as_str()).collect();
    for statement in MOVES {
        sqlx::query(statement).bind(&patches).bind(&before).bind(&now).execute(&mut *connection).await?;
    }
    Ok(())
}

impl Rejudging {
    async fn append(&mut self, findings: Vec<(i64, Finding)>) -> Result<(), StoreError> {
        let county = |finding: &Finding| text::write(finding.county_code.as_deref().unwrap_or_default()).into_owned();
        let (patches, now): (Vec<i64>, Vec<String>) = findings.iter().map(|(patch, finding)| (*patch, county(finding))).unzip();
        let before: Vec<String> = sqlx::query_scalar(COUNTIES).bind(&patches).bind(self.rejudged.survey).fetch_all(self.writing.connection()).await?;
        self.rejudged.take(&patches, before.len())?;
        move_patches(self.writing.connection(), &patches, &before, &now).await?;
        for ((patch, finding), county) in findings.iter().zip(&now) {
            self.used.rest_on(finding)?;
            self.findings.row().stored_text(county)?;
            values::finding(&mut self.findings, *patch, self.rejudged.survey, finding)?;
        }
        Ok(self.findings.send(&mut self.writing).await?)
    }

    async fn append_former(&mut self, former: Vec<(i64, Finding)>, by: Option<&str>) -> Result<(), StoreError> {
        for (patch, finding) in former {
            let former = FormerFinding { finding, judged_ms: self.judged_ms, replaced_ms: values::now_ms(), replaced_by: by.map(str::to_owned) };
            values::former(self.former.row(), self.next_former, patch, self.rejudged.survey, &former)?;
            self.next_former += 1;
        }
        Ok(self.former.send(&mut self.writing).await?)
    }

    async fn conclude(mut self: Box<Self>, facts: NewSurvey) -> Result<Survey, StoreError> {
        let id = self.rejudged.survey;
        let patches: i64 = sqlx::query_scalar(sql::PATCHES_OF_SURVEY).bind(id).fetch_one(self.writing.connection()).await?;
        let judged = self.rejudged.whole(patches)?;
        let mut query = sqlx::query(sql::REJUDGED).bind(id).bind(facts.outside as i64);
        for count in [facts.verdicts.legal, facts.verdicts.suspected_illegal, facts.verdicts.other, facts.verdicts.doubtful] {
            query = query.bind(count as i64);
        }
        let (warnings, rule) = (values::to_json(&facts.warnings)?, self.used.rule());
        query = query
            .bind(facts.area_m2)
            .bind(facts.farmland_m2)
            .bind(text::write(&warnings))
            .bind(text::write(&rule))
            .bind(values::now_ms())
            .bind(facts.farmland_unknown as i64);
        let survey = rows::survey(&query.fetch_one(self.writing.connection()).await?)?;
        sqlx::query(sql::FORGET_SETS).bind(id).execute(self.writing.connection()).await?;
        sets::rest_on(&mut self.writing, id, &self.used).await?;
        self.writing.gave("finding_history", self.next_former - 1).await?;
        if let Some(held) = &self.held {
            Queue::stored(self.writing.connection(), held, &JobOutcome::Survey { id, was_there: true }, judged).await?;
        }
        self.writing.publish().await?;
        Ok(survey)
    }
}

#[async_trait]
impl GroundWriter for Rejudging {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::places_of(&mut self.writing, self.rejudged.survey)).await
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
impl FindingsWriter for Rejudging {
    async fn layer_set(&mut self, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
        let bond = self.writing.bond();
        let set = bond.soon(sets::layer_set(&mut self.writing, provenance, origin)).await?;
        self.used.know(set, &provenance.rule);
        Ok(set)
    }

    async fn keep_former(&mut self, former: Vec<(i64, Finding)>, by: Option<&str>) -> Result<(), StoreError> {
        let bond = self.writing.bond();
        bond.soon(self.append_former(former, by)).await
    }

    async fn push(&mut self, findings: Vec<(i64, Finding)>) -> Result<(), StoreError> {
        let bond = self.writing.bond();
        bond.soon(self.append(findings)).await
    }

    fn only_while(&mut self, held: Held) {
        self.held = Some(held);
    }

    async fn commit(self: Box<Self>, facts: NewSurvey) -> Result<Survey, StoreError> {
        let bond = self.writing.bond();
        bond.soon(self.conclude(facts)).await
    }
}
