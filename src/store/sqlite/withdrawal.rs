//! Surveys that are withdrawn, restored, moved and removed for good.

use super::{SqliteStore, Writing, checksums, ground, replacing, surveys::surveys_there};
use crate::store::withdrawal::{self, Moved, RestoreWriter, Withdrawals, Withdrawn, behind_key, sql};
use crate::store::{
    GroundWriter, PatchGround, PatchPlace, StoreError, SurveyKey, ground as shared, rows,
    sql::{ONE_SURVEY, PROVENANCE},
    values,
};
use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::SqliteExecutor;
use std::time::Duration;
use tuban_engine::model::{Decision, Event, GroundShare, Level, Period, Provenance, SharedPiece, Survey, SurveyEvent};
use tuban_geom::Bounds;

const CONFIRMED: &str = "SELECT count(*) FROM patch CROSS JOIN filing ON filing.patch = patch.id WHERE patch.survey_id = $1";

/// The days of patches whose own are not known are those of the period: survey, its first and its last day.
const MOVE_DAYS: &str = "
    UPDATE patch SET before_day = $2, after_day = $3
    WHERE survey_id = $1 AND EXISTS (SELECT 1 FROM finding JOIN survey ON survey.id = $1 AND survey.made = finding.made
        WHERE finding.patch = patch.id AND finding.flags LIKE '%\"dates_unclear\"%') RETURNING *";

/// Verdicts of the patches of a survey.
pub(super) async fn confirmed_of(executor: impl SqliteExecutor<'_>, survey: i64) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(CONFIRMED).bind(survey).fetch_one(executor).await?;
    Ok(count as u64)
}

/// Notes what became of a survey.
pub(super) async fn note(transaction: &mut Writing, survey: i64, event: Event, decision: &Decision, details: &Value) -> Result<(), StoreError> {
    let query = sqlx::query(sql::NOTE).bind(survey).bind(values::now_ms()).bind(event.word());
    query.bind(decision.by.as_deref()).bind(decision.reason.as_deref()).bind(values::to_json(details)?).execute(&mut **transaction).await?;
    Ok(())
}

/// Withdraws a survey that counts; answers whether it did.
pub(super) async fn withdraw(transaction: &mut Writing, survey: i64) -> Result<bool, StoreError> {
    checksums::check_survey(transaction, survey).await?;
    let query = sqlx::query(sql::WITHDRAW).bind(survey).bind(values::now_ms()).bind(behind_key(survey));
    let did = query.execute(&mut **transaction).await?.rows_affected() == 1;
    if did {
        checksums::vouch_for_survey(transaction, survey).await?;
    }
    // What is left over no longer shares that ground with it; restored, it is found again.
    sqlx::query(shared::FORGET_SURVEY).bind(survey).execute(&mut **transaction).await?;
    sqlx::query(shared::FORGET_LONELY).execute(&mut **transaction).await?;
    Ok(did)
}

/// Gives patches of a survey that is restored other numbers where theirs went on, and count.
async fn give_other_numbers(transaction: &mut Writing, survey: i64) -> Result<(), StoreError> {
    let patches = sqlx::query(sql::NUMBER_IS_TAKEN).bind(survey).fetch_all(&mut **transaction).await?;
    let next = super::next_id(transaction, "patch").await?;
    let given = "UPDATE sqlite_sequence SET seq = $1 WHERE name = 'patch'";
    sqlx::query(given).bind(next + patches.len() as i64 - 1).execute(&mut **transaction).await?;
    replacing::take(transaction, &withdrawal::renumbered(&patches, next, |_| Ok(String::new()))?).await
}

struct Restoring {
    transaction: Writing,
    restored: Survey,
    provenance: Provenance,
}

#[async_trait]
impl GroundWriter for Restoring {
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError> {
        ground::places_of(&mut self.transaction, self.restored.id).await
    }

    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
        ground::places_near(&mut self.transaction, boxes, shared::Seen { own: self.restored.id, without: &[] }, take).await
    }

    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
        ground::grounds(&mut self.transaction, patches, None).await
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
impl RestoreWriter for Restoring {
    fn restored(&self) -> &Survey {
        &self.restored
    }

    fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    async fn commit(self: Box<Self>) -> Result<Survey, StoreError> {
        super::publish(self.transaction).await?;
        Ok(self.restored)
    }
}

impl SqliteStore {
    /// Refuses a period and level that another survey has.
    async fn is_free(transaction: &mut Writing, survey: i64, period: Period, level: Level) -> Result<(), StoreError> {
        let there = surveys_there(transaction, &SurveyKey { period, level, upload_key: String::new() }).await?;
        let existing = there.into_iter().find(|there| *there != survey);
        existing.map_or(Ok(()), |existing| Err(StoreError::PeriodTaken { period, level, survey, existing }))
    }

    async fn last_event(&self, survey: i64) -> Result<Option<SurveyEvent>, StoreError> {
        Ok(self.history(survey).await?.pop())
    }
}

#[async_trait]
impl Withdrawals for SqliteStore {
    async fn withdrawn(&self) -> Result<Vec<Withdrawn>, StoreError> {
        let mut withdrawn = Vec::new();
        for row in sqlx::query(sql::WITHDRAWN).fetch_all(&self.pools.facts).await? {
            let survey = rows::survey(&row)?;
            let (confirmed, event) = (self.confirmed(survey.id).await?, self.last_event(survey.id).await?);
            withdrawn.push(Withdrawn { survey, confirmed, event });
        }
        Ok(withdrawn)
    }

    async fn confirmed(&self, survey: i64) -> Result<u64, StoreError> {
        confirmed_of(&self.pools.facts, survey).await
    }

    async fn withdraw(&self, survey: i64, decision: &Decision) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        if !withdraw(&mut transaction, survey).await? {
            return Err(StoreError::no_survey(survey));
        }
        let confirmed = confirmed_of(&mut *transaction, survey).await?;
        note(&mut transaction, survey, Event::Withdrawn, decision, &json!({ "confirmed": confirmed })).await?;
        super::publish(transaction).await
    }

    async fn begin_restore(&self, survey: i64, decision: &Decision) -> Result<Box<dyn RestoreWriter>, StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(sql::ONE_WITHDRAWN).bind(survey).fetch_optional(&mut *transaction).await?;
        let facts = rows::survey(&row.ok_or_else(|| StoreError::no_survey(survey))?)?.facts;
        Self::is_free(&mut transaction, survey, facts.period, facts.level).await?;
        let row = sqlx::query(sql::RESTORE).bind(survey).bind(behind_key(survey)).fetch_one(&mut *transaction).await?;
        let restored = rows::survey(&row)?;
        checksums::vouch_for_survey(&mut transaction, survey).await?;
        give_other_numbers(&mut transaction, survey).await?;
        let rests_on = sqlx::query(PROVENANCE).bind(survey).fetch_all(&mut *transaction).await?;
        let provenance = rows::provenance(&rests_on)?.ok_or_else(|| StoreError::no_survey(survey))?;
        note(&mut transaction, survey, Event::Restored, decision, &json!({})).await?;
        Ok(Box::new(Restoring { transaction, restored, provenance }))
    }

    async fn move_survey(&self, survey: i64, (period, level): (Period, Level), decision: &Decision) -> Result<Moved, StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(ONE_SURVEY).bind(survey).fetch_optional(&mut *transaction).await?;
        let before = rows::survey(&row.ok_or_else(|| StoreError::no_survey(survey))?)?.facts;
        Self::is_free(&mut transaction, survey, period, level).await?;
        let row = sqlx::query(sql::MOVE).bind(survey).bind(period.ordinal()).bind(period.kind().months()).bind(level.word());
        let moved = rows::survey(&row.fetch_one(&mut *transaction).await?)?;
        checksums::vouch_for_survey(&mut transaction, survey).await?;
        let (first, last) = period.days();
        let days = sqlx::query(MOVE_DAYS).bind(survey).bind(first.to_string()).bind(last.to_string()).fetch_all(&mut *transaction).await?;
        checksums::vouch_for_patches(&mut transaction, &days).await?;
        let days_changed = if before.period == period { 0 } else { days.len() as u64 };
        let details = withdrawal::from_to(&before, &moved.facts, days_changed);
        note(&mut transaction, survey, Event::Moved, decision, &details).await?;
        super::publish(transaction).await?;
        Ok(Moved { survey: moved, days_changed })
    }

    async fn remove_withdrawn(&self, kept_for: Duration) -> Result<u64, StoreError> {
        let before = values::now_ms() - i64::try_from(kept_for.as_millis()).unwrap_or(i64::MAX / 2);
        let surveys: Vec<i64> = sqlx::query_scalar(sql::TO_REMOVE).bind(before).fetch_all(&self.pools.facts).await?;
        for survey in &surveys {
            let mut transaction = self.begin().await?;
            // Patches, findings, filings, rejects and provenance go with it: ON DELETE CASCADE.
            let removed = sqlx::query("DELETE FROM survey WHERE id = $1 AND withdrawn_ms > 0 AND withdrawn_ms < $2")
                .bind(survey)
                .bind(before)
                .execute(&mut *transaction)
                .await?;
            if removed.rows_affected() == 1 {
                note(&mut transaction, *survey, Event::Removed, &Decision::default(), &json!({})).await?;
                super::publish(transaction).await?;
            }
        }
        Ok(surveys.len() as u64)
    }

    async fn history(&self, survey: i64) -> Result<Vec<SurveyEvent>, StoreError> {
        let found = sqlx::query(sql::HISTORY).bind(survey).fetch_all(&self.pools.facts).await?;
        found.iter().map(rows::event).collect()
    }
}
