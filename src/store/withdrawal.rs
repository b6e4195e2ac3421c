//! Surveys that do not count any more: withdrawn or replaced, restorable for a while, then removed for good. And surveys that belonged to another period.

use super::columns::Columns;
use super::same::{Numbered, Step};
use super::{GroundWriter, StoreError, checksum};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::time::Duration;
use tuban_engine::model::{Decision, Level, NewSurvey, Period, Provenance, Survey, SurveyEvent};

/// A survey that does not count any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Withdrawn {
    /// The survey, as it was.
    pub survey: Survey,
    /// Confirmed verdicts of its patches.
    pub confirmed: u64,
    /// What was done last to it: who withdrew it and why, or what took its place.
    pub event: Option<SurveyEvent>,
}

/// A survey that belongs to another period or level now.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The survey, as it is now.
    pub survey: Survey,
    /// Patches of which the days of their images are not known: the period stands for them, so that they changed with it.
    pub days_changed: u64,
}

/// Restores a survey, within one transaction, in which it counts already: so that the ground it shares is found before anybody sees it. Dropping it without
/// [`commit`](Self::commit) leaves it withdrawn.
#[async_trait]
pub trait RestoreWriter: GroundWriter {
    /// The survey, as it will be.
    fn restored(&self) -> &Survey;
    /// What its findings rest on.
    fn provenance(&self) -> &Provenance;
    /// Makes the survey visible again.
    async fn commit(self: Box<Self>) -> Result<Survey, StoreError>;
}

/// What is done to surveys that were stored.
#[async_trait]
pub trait Withdrawals: Send + Sync {
    /// Surveys that do not count any more, the last one first.
    async fn withdrawn(&self) -> Result<Vec<Withdrawn>, StoreError>;
    /// Confirmed verdicts of the patches of a survey, whether it counts or not.
    async fn confirmed(&self, survey: i64) -> Result<u64, StoreError>;
    /// Withdraws a survey: from now on only [`withdrawn`](Self::withdrawn) and [`history`](Self::history) answer it.
    async fn withdraw(&self, survey: i64, decision: &Decision) -> Result<(), StoreError>;
    /// Starts restoring a survey that was withdrawn or replaced, as it was; [`StoreError::PeriodTaken`] where another one is in its place.
    async fn begin_restore(&self, survey: i64, decision: &Decision) -> Result<Box<dyn RestoreWriter>, StoreError>;
    /// Restores a survey that shares no ground, in one step.
    async fn restore(&self, survey: i64, decision: &Decision) -> Result<Survey, StoreError> {
        self.begin_restore(survey, decision).await?.commit().await
    }
    /// Moves a survey to a period and level; [`StoreError::PeriodTaken`] where another one is there.
    async fn move_survey(&self, survey: i64, to: (Period, Level), decision: &Decision) -> Result<Moved, StoreError>;
    /// Removes for good what was withdrawn longer than that ago; answers how many surveys.
    async fn remove_withdrawn(&self, kept_for: Duration) -> Result<u64, StoreError>;
    /// What became of a survey, in order; also of one that was removed.
    async fn history(&self, survey: i64) -> Result<Vec<SurveyEvent>, StoreError>;
}

/// The statements, which serve both databases. What is not published yet has 0 in `withdrawn_ms`.
pub(super) mod sql {
    /// Surveys that do not count, the last one first.
    pub(crate) const WITHDRAWN: &str = "SELECT * FROM survey WHERE withdrawn_ms > 0 ORDER BY withdrawn_ms DESC, id DESC";
    /// One of them.
    pub(crate) const ONE_WITHDRAWN: &str = "SELECT * FROM survey WHERE id = $1 AND withdrawn_ms > 0";
    /// Withdraws a survey: number, now, what is put behind its key.
    pub(crate) const WITHDRAW: &str =
        "UPDATE survey SET withdrawn_ms = $2, upload_key = upload_key || $3, checksum = NULL WHERE id = $1 AND withdrawn_ms IS NULL";
    /// Restores a survey: number, what was put behind its key.
    pub(crate) const RESTORE: &str =
        "UPDATE survey SET withdrawn_ms = NULL, upload_key = replace(upload_key, $2, ''), checksum = NULL WHERE id = $1 RETURNING *";
    /// Patches of a survey whose number another patch that counts has: of a survey that took its place, and was moved since. The county is that of the partition.
    pub(crate) const NUMBER_IS_TAKEN: &str = "
        SELECT mine.* FROM patch mine WHERE mine.survey_id = $1 AND (
            EXISTS (SELECT 1 FROM patch other JOIN survey ON survey.id = other.survey_id AND withdrawn_ms IS NULL
                WHERE other.number = coalesce(mine.number, mine.id) AND other.survey_id <> $1)
            OR EXISTS (SELECT 1 FROM patch other JOIN survey ON survey.id = other.survey_id AND withdrawn_ms IS NULL
                WHERE other.id = mine.number AND other.number IS NULL AND other.survey_id <> $1))
        ORDER BY mine.id";
    /// Moves a survey: number, first month, months, level.
    pub(crate) const MOVE: &str = "UPDATE survey SET period = $2, months = $3, level = $4, checksum = NULL WHERE id = $1 RETURNING *";
    /// Surveys that were withdrawn before then.
    pub(crate) const TO_REMOVE: &str = "SELECT id FROM survey WHERE withdrawn_ms > 0 AND withdrawn_ms < $1 ORDER BY id";
    /// Notes what became of a survey: number, when, what, who, why, details.
    pub(crate) const NOTE: &str = "
        INSERT INTO survey_event (survey_id, position, at_ms, event, who, reason, details)
        SELECT $1, coalesce(max(position) + 1, 0), $2, $3, $4, $5, $6 FROM survey_event WHERE survey_id = $1";
    /// What became of a survey.
    pub(crate) const HISTORY: &str = "SELECT at_ms, event, who, reason, details FROM survey_event WHERE survey_id = $1 ORDER BY position";
}

/// What stands behind the key of a withdrawn survey, so that the same upload may come again.
pub(super) fn behind_key(survey: i64) -> String {
    format!(" withdrawn {survey}")
}

/// Gives patches new numbers, from `next` on; `county` tells their partition, where there are any.
pub(super) fn renumbered<C: Columns>(patches: &[C], next: i64, county: impl Fn(&C) -> Result<String, StoreError>) -> Result<Step, StoreError> {
    let numbered = |(row, number): (&C, i64)| {
        let (key, was) = (row.integer("id")?, row.maybe_integer("number")?);
        let difference = was.map_or(0, |was| checksum::of_number(key, was)) ^ checksum::of_number(key, number);
        Ok(Numbered { key, county: county(row)?, number: Some(number), difference })
    };
    Ok(Step::Number(patches.iter().zip(next..).map(numbered).collect::<Result<_, StoreError>>()?))
}

/// What a move changed.
pub(super) fn from_to(before: &NewSurvey, after: &NewSurvey, days_changed: u64) -> Value {
    json!({
        "from": before.period, "from_level": before.level, "to": after.period, "to_level": after.level, "days_changed": days_changed,
    })
}
