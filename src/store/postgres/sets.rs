//! Layer sets: found again or made, and which of them surveys rest on; former findings.

use super::copy::Copy;
use super::{PostgresStore, Writing, text};
use crate::store::sets::{Used, key};
use crate::store::{StoreError, errors, rows, sql, tables, values};
use tuban_engine::model::{Days, FormerFinding, LayerSet, Provenance};

/// The days of a survey's patches and the sets of their findings, each pair once.
const DAYS_AND_SETS: &str = "
    SELECT DISTINCT before_day, after_day, layer_set FROM survey JOIN patch ON patch.survey_id = survey.id JOIN finding ON finding.patch = patch.id AND finding.county = patch.county AND finding.made = survey.made
    WHERE survey.id = $1 AND withdrawn_ms IS NULL ORDER BY before_day, after_day, layer_set";

impl PostgresStore {
    pub(super) async fn days_and_sets_of(&self, survey: i64) -> Result<Option<Vec<(Days, i64)>>, StoreError> {
        rows::days_and_sets(&sqlx::query(DAYS_AND_SETS).bind(survey).fetch_all(&self.pools.sums).await?)
    }

    pub(super) async fn all_layer_sets(&self) -> Result<Vec<LayerSet>, StoreError> {
        rows::layer_sets(&sqlx::query(sql::LAYER_SETS).fetch_all(&self.pools.facts).await?)
    }

    pub(super) async fn former_findings_of(&self, patch: i64) -> Result<Vec<FormerFinding>, StoreError> {
        let rows = sqlx::query(sql::FORMER_FINDINGS).bind(patch).fetch_all(&self.pools.facts).await?;
        rows.iter().map(rows::former).collect()
    }
}

/// The number of a set: of the same one, where there is one. A layer that was removed meanwhile is an error: findings could not be derived again.
pub(super) async fn layer_set(writing: &mut Writing, provenance: &Provenance, origin: [f64; 2]) -> Result<i64, StoreError> {
    let layers = key(provenance);
    let same: Option<(i64, bool)> = sqlx::query_as(sql::SAME_SET)
        .bind(text::write(&provenance.rule).as_ref())
        .bind(text::write(&layers).as_ref())
        .fetch_optional(writing.connection())
        .await?;
    if let Some((id, has_origin)) = same {
        if !has_origin {
            sqlx::query(sql::SET_ORIGIN).bind(id).bind(origin[0]).bind(origin[1]).execute(writing.connection()).await?;
        }
        return Ok(id);
    }
    let id = writing.next_id("layer_set").await?;
    let mut copy = Copy::new(&tables::LAYER_SET);
    values::layer_set(copy.row(), id, &provenance.rule, &layers, origin)?;
    copy.send(writing).await?;
    let mut copy = Copy::new(&tables::LAYER_SET_LAYER);
    for (position, layer) in provenance.layers.iter().enumerate() {
        values::layer_set_layer(copy.row(), id, position, layer)?;
        match copy.send(writing).await {
            Err(error) if errors::names(&error, "set_holds_layer") => return Err(StoreError::no_layer(layer.id)),
            done => done?,
        }
    }
    writing.gave("layer_set", id).await?;
    Ok(id)
}

/// Says what the findings of a survey rest on.
pub(super) async fn rest_on(writing: &mut Writing, survey: i64, used: &Used) -> Result<(), StoreError> {
    for set in used.sets() {
        sqlx::query(sql::RESTS_ON).bind(survey).bind(set).execute(writing.connection()).await?;
    }
    Ok(())
}
