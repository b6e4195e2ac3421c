//! Surveys as they are read: their facts, what they rest on, what they refused.

use super::{PostgresStore, patches::codes};
use crate::scope::Scope;
use crate::store::{StoreError, SurveyKey, own, rows, sql, totals};
use sqlx::PgConnection;
use tuban_engine::model::{Provenance, Reject, Survey};

impl PostgresStore {
    pub(super) async fn all_surveys(&self, scope: &Scope) -> Result<Vec<Survey>, StoreError> {
        let rows = sqlx::query(sql::SURVEYS).fetch_all(&self.pools.facts).await?;
        self.as_seen(scope, None, rows::surveys(&rows)?).await
    }

    /// One survey, as the scope sees it.
    pub(super) async fn survey_of(&self, scope: &Scope, id: i64) -> Result<Survey, StoreError> {
        let survey = self.one_survey(id).await?;
        self.as_seen(scope, Some(id), vec![survey]).await?.pop().ok_or_else(|| StoreError::no_survey(id))
    }

    /// Those of the surveys that the scope sees, all of which are the one of that number where there is one.
    async fn as_seen(&self, scope: &Scope, id: Option<i64>, surveys: Vec<Survey>) -> Result<Vec<Survey>, StoreError> {
        let Some(counties) = codes(scope) else { return Ok(surveys) };
        own::seen(surveys, &sqlx::query(totals::OWN_OF_COUNTIES).bind(counties).bind(id).fetch_all(&self.pools.sums).await?)
    }

    pub(super) async fn one_survey(&self, id: i64) -> Result<Survey, StoreError> {
        let row = sqlx::query(sql::ONE_SURVEY).bind(id).fetch_optional(&self.pools.facts).await?;
        rows::survey(&row.ok_or_else(|| StoreError::no_survey(id))?)
    }

    pub(super) async fn provenance_of(&self, id: i64) -> Result<Provenance, StoreError> {
        let rows = sqlx::query(sql::PROVENANCE).bind(id).fetch_all(&self.pools.facts).await?;
        rows::provenance(&rows)?.ok_or_else(|| StoreError::no_survey(id))
    }

    pub(super) async fn rejects_of(&self, id: i64, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows = sqlx::query(sql::REJECTS).bind(id).bind(after).bind(i64::from(limit)).fetch_all(&self.pools.facts).await?;
        if rows.is_empty() {
            self.one_survey(id).await?;
        }
        rows.iter().map(rows::reject).collect()
    }
}

/// Surveys of a period and level that count, the newest first.
pub(super) async fn surveys_there(connection: &mut PgConnection, key: &SurveyKey) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar(sql::OTHER_SURVEYS).bind(key.period.ordinal()).bind(key.period.kind().months()).bind(key.level.word()).fetch_all(connection).await?)
}
