//! Confirmed verdicts, and the sums over them.

use super::{SqliteStore, Writing, rows, surveys};
use crate::land::{Filing, Group, PeriodRange, Totals};
use crate::store::{Filed, StoreError};
use sqlx::{Row, sqlite::SqliteRow};

/// Only confirmed verdicts that decide: a doubtful one counts as none. Areas go by sub-parcel, so that one filing can add to all three
/// classes, while its patch counts in the class of its verdict; what is neither legal nor illegal of a patch is other.
const TOTALS: &str = "
    SELECT county_code,
        count(*) FILTER (WHERE filing.verdict = 'legal')   AS legal_patches,
        coalesce(sum(filing.legal_m2), 0.0)                AS legal_m2,
        coalesce(sum(filing.legal_farmland_m2), 0.0)       AS legal_farmland_m2,
        count(*) FILTER (WHERE filing.verdict = 'illegal') AS illegal_patches,
        coalesce(sum(filing.illegal_m2), 0.0)              AS illegal_m2,
        coalesce(sum(filing.illegal_farmland_m2), 0.0)     AS illegal_farmland_m2,
        count(*) FILTER (WHERE filing.verdict = 'other')   AS other_patches,
        coalesce(sum(CASE WHEN finding.area_m2 > filing.legal_m2 + filing.illegal_m2
            THEN finding.area_m2 - filing.legal_m2 - filing.illegal_m2 END), 0.0) AS other_m2,
        coalesce(sum(CASE WHEN finding.farmland_m2 > filing.legal_farmland_m2 + filing.illegal_farmland_m2
            THEN finding.farmland_m2 - filing.legal_farmland_m2 - filing.illegal_farmland_m2 END), 0.0) AS other_farmland_m2,
        count(*) FILTER (WHERE filing.patch IS NULL)       AS pending_patches,
        coalesce(sum(finding.area_m2) FILTER (WHERE filing.patch IS NULL), 0.0)     AS pending_m2,
        coalesce(sum(finding.farmland_m2) FILTER (WHERE filing.patch IS NULL), 0.0) AS pending_farmland_m2,
        sum(finding.automatic_legal_farmland_m2)           AS automatic_legal_farmland_m2,
        sum(finding.automatic_illegal_farmland_m2)         AS automatic_illegal_farmland_m2
    FROM survey
        JOIN finding ON finding.survey_id = survey.id
        LEFT JOIN filing ON filing.patch = finding.patch AND filing.verdict <> 'doubtful'
    WHERE survey.period BETWEEN $1 AND $2
    GROUP BY county_code
    ORDER BY county_code NULLS LAST";

impl SqliteStore {
    pub(super) async fn record_verdicts(&self, survey: Option<i64>, filings: &[Filing]) -> Result<Filed, StoreError> {
        let mut transaction = self.begin().await?;
        if let Some(id) = survey {
            let found: Option<i64> = sqlx::query_scalar("SELECT id FROM survey WHERE id = $1").bind(id).fetch_optional(&mut *transaction).await?;
            found.ok_or_else(|| surveys::no_survey(id))?;
        }
        let (mut filed, filed_ms) = (Filed::default(), rows::now_ms());
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

    pub(super) async fn sums(&self, range: PeriodRange) -> Result<Vec<Totals>, StoreError> {
        let rows = sqlx::query(TOTALS).bind(range.from.ordinal()).bind(range.until.ordinal()).fetch_all(&self.pools.readers).await?;
        rows.iter().map(totals).collect()
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

fn totals(row: &SqliteRow) -> Result<Totals, StoreError> {
    let group = |patches: &str, area: &str, farmland: &str| -> Result<Group, StoreError> {
        Ok(Group { patches: rows::count(row, patches)?, area_m2: row.try_get(area)?, farmland_m2: row.try_get(farmland)? })
    };
    Ok(Totals {
        county_code: row.try_get("county_code")?,
        legal: group("legal_patches", "legal_m2", "legal_farmland_m2")?,
        illegal: group("illegal_patches", "illegal_m2", "illegal_farmland_m2")?,
        other: group("other_patches", "other_m2", "other_farmland_m2")?,
        pending: group("pending_patches", "pending_m2", "pending_farmland_m2")?,
        automatic_legal_farmland_m2: row.try_get("automatic_legal_farmland_m2")?,
        automatic_illegal_farmland_m2: row.try_get("automatic_illegal_farmland_m2")?,
    })
}
