//! Surveys that are withdrawn, restored, moved and removed for good.

use super::{PostgresStore, Writing, checksums, ground, replacing, surveys::surveys_there, text};
use crate::store::withdrawal::{self, Moved, RestoreWriter, Withdrawals, Withdrawn, behind_key, sql};
use crate::store::{
    GroundWriter, PatchGround, PatchPlace, StoreError, SurveyKey, ground as shared, rows,
    sql::{ONE_SURVEY, PROVENANCE},
    values,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor, Row};
use std::time::Duration;
use tuban_engine::model::{Decision, Event, GroundShare, Level, Period, Provenance, SharedPiece, Survey, SurveyEvent};
use tuban_geom::Bounds;

const CONFIRMED: &str = "SELECT count(*) FROM patch JOIN filing ON filing.county = patch.county AND filing.patch = patch.id WHERE patch.survey_id = $1";

/// The days of patches whose own are not known are those of the period: survey, its first and its last day.
const MOVE_DAYS: &str = "
    UPDATE patch SET before_day = $2, after_day = $3 FROM finding JOIN survey ON survey.id = finding.survey_id AND survey.made = finding.made
    WHERE patch.survey_id = $1 AND finding.county = patch.county AND finding.patch = patch.id AND finding.flags LIKE '%\"dates_unclear\"%' RETURNING patch.*";

/// Removes what belongs to a survey, what refers to other rows first.
const REMOVAL: [&str; 5] = [
    "DELETE FROM filing USING patch WHERE filing.county = patch.county AND filing.patch = patch.id AND patch.survey_id = $1",
    "DELETE FROM patch_outline USING patch WHERE patch_outline.county = patch.county AND patch_outline.patch = patch.id AND patch.survey_id = $1",
    "DELETE FROM finding WHERE survey_id = $1",
    "DELETE FROM patch WHERE survey_id = $1",
    // Provenance and rejects go with it: ON DELETE CASCADE.
    "DELETE FROM survey WHERE id = $1",
];

/// Verdicts of the patches of a survey.
pub(super) async fn confirmed_of(executor: impl PgExecutor<'_>, survey: i64) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(CONFIRMED).bind(survey).fetch_one(executor).await?;
    Ok(count as u64)
}

/// Notes what became of a survey.
pub(super) async fn note(connection: &mut PgConnection, survey: i64, event: Event, decision: &Decision, details: &Value) -> Result<(), StoreError> {
    let details = values::to_json(details)?;
    let (by, reason) = (decision.by.as_deref().map(text::write), decision.reason.as_deref().map(text::write));
    let query = sqlx::query(sql::NOTE).bind(survey).bind(values::now_ms()).bind(event.word()).bind(by.as_deref()).bind(reason.as_deref());
    query.bind(text::write(&details).as_ref()).execute(connection).await?;
    Ok(())
}

/// Gives patches of a survey that is restored other numbers where theirs went on, and count.
async fn give_other_numbers(writing: &mut Writing, survey: i64) -> Result<(), StoreError> {
    let patches = sqlx::query(sql::NUMBER_IS_TAKEN).bind(survey).fetch_all(writing.connection()).await?;
    let next = writing.next_ids("patch", patches.len()).await?;
    replacing::take(writing, &withdrawal::renumbered(&patches, next, |row| Ok(row.try_get("county")?))?).await
}

/// Withdraws a survey that counts; answers whether it did.
pub(super) async fn withdraw(connection: &mut PgConnection, survey: i64) -> Result<bool, StoreError> {
    checksums::check_survey(connection, survey).await?;
    let query = sqlx::query(sql::WITHDRAW).bind(survey).bind(values::now_ms()).bind(behind_key(survey));
    let did = query.execute(&mut *connection).await?.rows_affected() == 1;
    if did {
        checksums::vouch_for_survey(connection, survey).await?;
    }
    // What is left over no longer shares that ground with it; restored, it is found again.
    sqlx::query(shared::FORGET_SURVEY).bind(survey).execute(&mut *connection).await?;
    sqlx::query(shared::FORGET_LONELY).execute(&mut *connection).await?;
    Ok(did)
}

struct Restoring {
    writing: Writing,
    restored: Survey,
    provenance: Provenance,
}

#[async_trait]
impl GroundWriter for Restoring {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::places_of(self.writing.connection(), self.restored.id)).await
    }

    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
        let bond = self.writing.bond();
        bond.unless(ground::places_near(self.writing.connection(), boxes, shared::Seen { own: self.restored.id, without: &[] }, take)).await
    }

    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::grounds(self.writing.connection(), patches, None)).await
    }

    async fn pieces(&mut self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::pieces(self.writing.connection(), patches)).await
    }

    async fn forget_pieces(&mut self, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::forget_pieces(self.writing.connection(), patches)).await
    }

    async fn add_pieces(&mut self, pieces: &[SharedPiece]) -> Result<(), StoreError> {
        let bond = self.writing.bond();
        bond.soon(ground::add_pieces(&mut self.writing, pieces)).await
    }
}

#[async_trait]
impl RestoreWriter for Restoring {
    fn restored(&self) -> &Survey {
        &self.restored
    }

    fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    async fn commit(self: Box<Self>) -> Result<Survey, StoreError> {
        let bond = self.writing.bond();
        bond.soon(self.writing.publish()).await?;
        Ok(self.restored)
    }
}

impl PostgresStore {
    async fn withdraw_one(&self, writing: &mut Writing, survey: i64, decision: &Decision) -> Result<(), StoreError> {
        if !withdraw(writing.connection(), survey).await? {
            return Err(StoreError::no_survey(survey));
        }
        let confirmed = confirmed_of(writing.connection(), survey).await?;
        note(writing.connection(), survey, Event::Withdrawn, decision, &json!({ "confirmed": confirmed })).await
    }

    async fn restore_one(&self, writing: &mut Writing, survey: i64, decision: &Decision) -> Result<(Survey, Provenance), StoreError> {
        let row = sqlx::query(sql::ONE_WITHDRAWN).bind(survey).fetch_optional(writing.connection()).await?;
        let facts = rows::survey(&row.ok_or_else(|| StoreError::no_survey(survey))?)?.facts;
        is_free(writing.connection(), survey, facts.period, facts.level).await?;
        let row = sqlx::query(sql::RESTORE).bind(survey).bind(behind_key(survey)).fetch_one(writing.connection()).await?;
        checksums::vouch_for_survey(writing.connection(), survey).await?;
        give_other_numbers(writing, survey).await?;
        let rests_on = sqlx::query(PROVENANCE).bind(survey).fetch_all(writing.connection()).await?;
        let provenance = rows::provenance(&rests_on)?.ok_or_else(|| StoreError::no_survey(survey))?;
        note(writing.connection(), survey, Event::Restored, decision, &json!({})).await?;
        Ok((rows::survey(&row)?, provenance))
    }

    async fn move_one(&self, writing: &mut Writing, survey: i64, (period, level): (Period, Level), decision: &Decision) -> Result<Moved, StoreError> {
        let row = sqlx::query(ONE_SURVEY).bind(survey).fetch_optional(writing.connection()).await?;
        let before = rows::survey(&row.ok_or_else(|| StoreError::no_survey(survey))?)?.facts;
        is_free(writing.connection(), survey, period, level).await?;
        let row = sqlx::query(sql::MOVE).bind(survey).bind(period.ordinal()).bind(period.kind().months()).bind(level.word());
        let moved = rows::survey(&row.fetch_one(writing.connection()).await?)?;
        checksums::vouch_for_survey(writing.connection(), survey).await?;
        let (first, last) = period.days();
        let days = sqlx::query(MOVE_DAYS).bind(survey).bind(first.to_string()).bind(last.to_string()).fetch_all(writing.connection()).await?;
        checksums::vouch_for_patches(writing.connection(), &days).await?;
        let days_changed = if before.period == period { 0 } else { days.len() as u64 };
        let details = withdrawal::from_to(&before, &moved.facts, days_changed);
        note(writing.connection(), survey, Event::Moved, decision, &details).await?;
        Ok(Moved { survey: moved, days_changed })
    }

    async fn remove_one(&self, survey: i64, before: i64) -> Result<(), StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let still: Option<i64> = sqlx::query_scalar("SELECT id FROM survey WHERE id = $1 AND withdrawn_ms > 0 AND withdrawn_ms < $2")
            .bind(survey)
            .bind(before)
            .fetch_optional(writing.connection())
            .await?;
        if still.is_none() {
            return writing.abandon().await;
        }
        for statement in REMOVAL {
            sqlx::query(statement).bind(survey).execute(writing.connection()).await?;
        }
        note(writing.connection(), survey, Event::Removed, &Decision::default(), &json!({})).await?;
        writing.publish().await
    }
}

/// Refuses a period and level that another survey has.
async fn is_free(connection: &mut PgConnection, survey: i64, period: Period, level: Level) -> Result<(), StoreError> {
    let there = surveys_there(connection, &SurveyKey { period, level, upload_key: String::new() }).await?;
    let existing = there.into_iter().find(|there| *there != survey);
    existing.map_or(Ok(()), |existing| Err(StoreError::PeriodTaken { period, level, survey, existing }))
}

/// Publishes what was written, or abandons it and tells why.
async fn concluded<T>(writing: Writing, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
    match outcome {
        Ok(done) => writing.publish().await.map(|()| done),
        Err(error) => {
            writing.abandon().await?;
            Err(error)
        }
    }
}

#[async_trait]
impl Withdrawals for PostgresStore {
    async fn withdrawn(&self) -> Result<Vec<Withdrawn>, StoreError> {
        let listing = async {
            let mut withdrawn = Vec::new();
            for row in sqlx::query(sql::WITHDRAWN).fetch_all(&self.pools.facts).await? {
                let survey = rows::survey(&row)?;
                let confirmed = confirmed_of(&self.pools.facts, survey.id).await?;
                let event = self.history(survey.id).await?.pop();
                withdrawn.push(Withdrawn { survey, confirmed, event });
            }
            Ok(withdrawn)
        };
        self.pools.lost.soon(listing).await
    }

    async fn confirmed(&self, survey: i64) -> Result<u64, StoreError> {
        self.pools.lost.soon(confirmed_of(&self.pools.facts, survey)).await
    }

    async fn withdraw(&self, survey: i64, decision: &Decision) -> Result<(), StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let bond = writing.bond();
        bond.soon(async {
            let outcome = self.withdraw_one(&mut writing, survey, decision).await;
            concluded(writing, outcome).await
        })
        .await
    }

    async fn begin_restore(&self, survey: i64, decision: &Decision) -> Result<Box<dyn RestoreWriter>, StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let bond = writing.bond();
        let begun = async {
            match self.restore_one(&mut writing, survey, decision).await {
                Ok((restored, provenance)) => Ok(Box::new(Restoring { writing, restored, provenance }) as Box<dyn RestoreWriter>),
                Err(error) => {
                    writing.abandon().await?;
                    Err(error)
                }
            }
        };
        bond.soon(begun).await
    }

    async fn move_survey(&self, survey: i64, to: (Period, Level), decision: &Decision) -> Result<Moved, StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        let bond = writing.bond();
        bond.soon(async {
            let outcome = self.move_one(&mut writing, survey, to, decision).await;
            concluded(writing, outcome).await
        })
        .await
    }

    async fn remove_withdrawn(&self, kept_for: Duration) -> Result<u64, StoreError> {
        let before = values::now_ms() - i64::try_from(kept_for.as_millis()).unwrap_or(i64::MAX / 2);
        let looking = async { Ok(sqlx::query_scalar::<_, i64>(sql::TO_REMOVE).bind(before).fetch_all(&self.pools.facts).await?) };
        let surveys = self.pools.lost.soon(looking).await?;
        for survey in &surveys {
            self.pools.lost.unless(self.remove_one(*survey, before)).await?;
        }
        Ok(surveys.len() as u64)
    }

    async fn history(&self, survey: i64) -> Result<Vec<SurveyEvent>, StoreError> {
        let reading = async {
            let found = sqlx::query(sql::HISTORY).bind(survey).fetch_all(&self.pools.facts).await?;
            found.iter().map(rows::event).collect()
        };
        self.pools.lost.soon(reading).await
    }
}
