//! Confirmed verdicts, and the sums over them.

use super::copy::Copy;
use super::{PostgresStore, Writing, text};
use crate::land::{Filing, PeriodRange};
use crate::store::values::{self, Values};
use crate::store::{Filed, StoreError, Summed, rows, sql, tables, totals};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// The patches that a file of verdicts may mean, by the place of the id in the file.
const MEANT: &str = "
    SELECT given.place, patch.county, patch.id
    FROM unnest($1::text[]) WITH ORDINALITY AS given (patch_id, place) JOIN patch ON patch.patch_id = given.patch_id COLLATE \"C\"
    WHERE patch.survey_id = coalesce($2, patch.survey_id)";

/// The key of a patch: county and number.
type Key = (String, i64);

impl PostgresStore {
    pub(super) async fn record_verdicts(&self, survey: Option<i64>, filings: &[Filing]) -> Result<Filed, StoreError> {
        let mut writing = Writing::begin(&self.pools).await?;
        if let Some(id) = survey
            && sqlx::query(sql::ONE_SURVEY).bind(id).fetch_optional(writing.connection()).await?.is_none()
        {
            writing.abandon().await?;
            return Err(StoreError::no_survey(id));
        }
        let meant = patches_meant(writing.connection(), survey, filings).await?;
        let (mut filed, mut latest) = (Filed::default(), BTreeMap::new());
        for (filing, place) in filings.iter().zip(1..) {
            match meant.get(&place).map(Vec::as_slice) {
                None | Some([]) => filed.unknown.push(filing.patch_id.clone()),
                Some([key]) => _ = latest.insert(key, filing),
                Some(_) => filed.ambiguous.push(filing.patch_id.clone()),
            }
        }
        if filed.unknown.is_empty() && filed.ambiguous.is_empty() {
            record(&mut writing, &latest).await?;
            writing.publish().await?;
            filed.recorded = filings.len() as u64;
        } else {
            writing.abandon().await?;
        }
        Ok(filed)
    }

    pub(super) async fn sums(&self, range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        let mut moment = self.pools.sums.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let range = match range {
            Some(range) => range,
            None => totals::newest(sqlx::query(sql::NEWEST_PERIOD).fetch_optional(&mut *moment).await?.as_ref())?,
        };
        let (from, until) = range.ordinals();
        let of: Vec<i64> = sqlx::query_scalar(sql::WITHIN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let sums = sqlx::query(totals::OF_SURVEYS).bind(of).fetch_all(&mut *moment).await?;
        let surveys = sqlx::query(sql::PROVENANCES).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let straddling = sqlx::query(sql::STRADDLING).bind(from).bind(until).fetch_all(&mut *moment).await?;
        moment.commit().await?;
        let straddling = straddling.iter().map(rows::straddling).collect::<Result<_, _>>()?;
        Ok(Summed { range, straddling, totals: totals::read(&sums)?, provenance: rows::provenances(&surveys)? })
    }
}

/// By the place of the filing, from 1.
async fn patches_meant(connection: &mut PgConnection, survey: Option<i64>, filings: &[Filing]) -> Result<BTreeMap<i64, Vec<Key>>, StoreError> {
    let ids: Vec<String> = filings.iter().map(|filing| text::write(&filing.patch_id).into_owned()).collect();
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(MEANT).bind(ids).bind(survey).fetch_all(connection).await?;
    let mut meant: BTreeMap<i64, Vec<Key>> = BTreeMap::new();
    for (place, county, id) in rows {
        meant.entry(place).or_default().push((county, id));
    }
    Ok(meant)
}

/// Puts these filings in the place of any that were there.
async fn record(writing: &mut Writing, filings: &BTreeMap<&Key, &Filing>) -> Result<(), StoreError> {
    let (counties, patches): (Vec<&str>, Vec<i64>) = filings.keys().map(|(county, patch)| (county.as_str(), *patch)).unzip();
    sqlx::query("DELETE FROM filing USING unnest($1::text[], $2::bigint[]) AS given (county, patch) WHERE filing.county = given.county COLLATE \"C\" AND filing.patch = given.patch")
        .bind(counties)
        .bind(patches)
        .execute(writing.connection())
        .await?;
    let (mut copy, filed_ms) = (Copy::by_county(&tables::FILING), values::now_ms());
    for ((county, patch), filing) in filings {
        let row = copy.row();
        // As it is stored already.
        row.stored_text(county)?;
        row.integer(*patch)?;
        row.text(filing.verdict.word())?;
        for area in [filing.legal_m2, filing.legal_farmland_m2, filing.illegal_m2, filing.illegal_farmland_m2] {
            row.double(area)?;
        }
        row.integer(filed_ms)?;
    }
    Ok(copy.send(writing).await?)
}
