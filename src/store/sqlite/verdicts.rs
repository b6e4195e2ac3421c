//! Confirmed verdicts, and the sums over them.

use super::{SqliteStore, Writing};
use crate::land::{Filing, PeriodRange};
use crate::store::{Filed, StoreError, Summed, rows, sql, totals, values};

impl SqliteStore {
    pub(super) async fn record_verdicts(&self, survey: Option<i64>, filings: &[Filing]) -> Result<Filed, StoreError> {
        let mut transaction = self.begin().await?;
        if let Some(id) = survey {
            let found: Option<i64> = sqlx::query_scalar("SELECT id FROM survey WHERE id = $1").bind(id).fetch_optional(&mut *transaction).await?;
            found.ok_or_else(|| StoreError::no_survey(id))?;
        }
        let (mut filed, filed_ms) = (Filed::default(), values::now_ms());
        for filing in filings {
            match patches_meant(&mut transaction, survey, &filing.patch_id).await?.as_slice() {
                [] => filed.unknown.push(filing.patch_id.clone()),
                [patch] => record(&mut transaction, *patch, filing, filed_ms).await?,
                _ => filed.ambiguous.push(filing.patch_id.clone()),
            }
        }
        if filed.unknown.is_empty() && filed.ambiguous.is_empty() {
            super::publish(transaction).await?;
            filed.recorded = filings.len() as u64;
        }
        Ok(filed)
    }

    pub(super) async fn sums(&self, range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        let mut moment = self.pools.readers.begin().await?;
        let range = match range {
            Some(range) => range,
            None => totals::newest(sqlx::query(sql::NEWEST_PERIOD).fetch_optional(&mut *moment).await?.as_ref())?,
        };
        let (from, until) = range.ordinals();
        let sums = sqlx::query(totals::OF_MONTHS).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let surveys = sqlx::query(sql::PROVENANCES).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let straddling = sqlx::query(sql::STRADDLING).bind(from).bind(until).fetch_all(&mut *moment).await?;
        moment.commit().await?;
        let straddling = straddling.iter().map(rows::straddling).collect::<Result<_, _>>()?;
        Ok(Summed { range, straddling, totals: totals::read(&sums)?, provenance: rows::provenances(&surveys)? })
    }
}

/// At most two: more need not be known to call an id ambiguous.
async fn patches_meant(transaction: &mut Writing, survey: Option<i64>, patch_id: &str) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT id FROM patch WHERE patch_id = $1 AND survey_id = coalesce($2, survey_id) LIMIT 2")
        .bind(patch_id)
        .bind(survey)
        .fetch_all(&mut **transaction)
        .await?)
}

async fn record(transaction: &mut Writing, patch: i64, filing: &Filing, filed_ms: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO filing (patch, verdict, legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2, filed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (patch) DO UPDATE SET verdict = excluded.verdict, legal_m2 = excluded.legal_m2, legal_farmland_m2 = excluded.legal_farmland_m2,
             illegal_m2 = excluded.illegal_m2, illegal_farmland_m2 = excluded.illegal_farmland_m2, filed_ms = excluded.filed_ms",
    )
    .bind(patch)
    .bind(filing.verdict.word())
    .bind(filing.legal_m2)
    .bind(filing.legal_farmland_m2)
    .bind(filing.illegal_m2)
    .bind(filing.illegal_farmland_m2)
    .bind(filed_ms)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
