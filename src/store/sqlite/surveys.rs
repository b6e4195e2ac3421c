//! Surveys as they are read: their facts, what they rest on, what they refused.

use super::{SqliteStore, rows};
use crate::land::{LayerUsed, NewSurvey, Period, Provenance, Reject, Survey, VerdictCounts, Words};
use crate::store::StoreError;
use sqlx::{Row, sqlite::SqliteRow};

impl SqliteStore {
    pub(super) async fn all_surveys(&self) -> Result<Vec<Survey>, StoreError> {
        let rows = sqlx::query("SELECT * FROM survey ORDER BY period DESC, id DESC").fetch_all(&self.pools.readers).await?;
        rows.iter().map(survey).collect()
    }

    pub(super) async fn one_survey(&self, id: i64) -> Result<Survey, StoreError> {
        let row = sqlx::query("SELECT * FROM survey WHERE id = $1").bind(id).fetch_optional(&self.pools.readers).await?;
        survey(&row.ok_or_else(|| no_survey(id))?)
    }

    pub(super) async fn provenance_of(&self, id: i64) -> Result<Provenance, StoreError> {
        // One statement, so that rule and layers are of the same moment; a survey may rest on no layer at all.
        let rows = sqlx::query(
            "SELECT rule, position, layer_id, kind, survey_layer.name, effective
             FROM survey LEFT JOIN survey_layer ON survey_id = survey.id WHERE survey.id = $1 ORDER BY position",
        )
        .bind(id)
        .fetch_all(&self.pools.readers)
        .await?;
        let rule = rows.first().ok_or_else(|| no_survey(id))?.try_get("rule")?;
        let mut layers = Vec::new();
        for row in &rows {
            if row.try_get::<Option<i64>, _>("position")?.is_some() {
                layers.push(LayerUsed {
                    id: row.try_get::<Option<i64>, _>("layer_id")?.unwrap_or(0),
                    kind: rows::word(row, "kind")?,
                    name: row.try_get("name")?,
                    effective: row.try_get("effective")?,
                });
            }
        }
        Ok(Provenance { layers, rule })
    }

    pub(super) async fn rejects_of(&self, id: i64, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        let rows =
            sqlx::query("SELECT row, patch_id, code, zh, en, pointer, ring, vertex FROM reject WHERE survey_id = $1 AND row > $2 ORDER BY row, id LIMIT $3")
                .bind(id)
                .bind(i64::try_from(after).unwrap_or(i64::MAX))
                .bind(i64::from(limit))
                .fetch_all(&self.pools.readers)
                .await?;
        if rows.is_empty() {
            self.one_survey(id).await?;
        }
        rows.iter().map(reject).collect()
    }
}

pub(super) fn no_survey(id: i64) -> StoreError {
    StoreError::NotFound { what: "survey", key: id.to_string() }
}

/// The month in a column.
pub(super) fn period(row: &SqliteRow, column: &str) -> Result<Period, StoreError> {
    let ordinal: i64 = row.try_get(column)?;
    Period::from_ordinal(ordinal).ok_or_else(|| StoreError::Damaged(format!("{column}: {ordinal} is no month")))
}

pub(super) fn survey(row: &SqliteRow) -> Result<Survey, StoreError> {
    let facts = NewSurvey {
        name: row.try_get("name")?,
        period: period(row, "period")?,
        level: rows::word(row, "level")?,
        crs: row.try_get("crs")?,
        sha256: row.try_get("sha256")?,
        invented: row.try_get::<i64, _>("invented")? != 0,
        patches: rows::count(row, "patches")?,
        repaired: rows::count(row, "repaired")?,
        rejected: rows::count(row, "rejected")?,
        outside: rows::count(row, "outside")?,
        patch_id_source: rows::word(row, "patch_id_source")?,
        fields: rows::json(row, "fields")?,
        verdicts: VerdictCounts {
            legal: rows::count(row, "legal")?,
            suspected_illegal: rows::count(row, "suspected_illegal")?,
            other: rows::count(row, "other")?,
            doubtful: rows::count(row, "doubtful")?,
        },
        area_m2: row.try_get("area_m2")?,
        farmland_m2: row.try_get("farmland_m2")?,
        warnings: rows::json(row, "warnings")?,
    };
    Ok(Survey { id: row.try_get("id")?, created_ms: row.try_get("created_ms")?, facts })
}

fn reject(row: &SqliteRow) -> Result<Reject, StoreError> {
    Ok(Reject {
        row: rows::count(row, "row")?,
        patch_id: row.try_get("patch_id")?,
        code: row.try_get("code")?,
        reason: Words { zh: row.try_get("zh")?, en: row.try_get("en")? },
        pointer: row.try_get("pointer")?,
        ring: row.try_get("ring")?,
        vertex: row.try_get("vertex")?,
    })
}
