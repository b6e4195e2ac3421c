//! Confirmed verdicts, and the sums over them.

use super::bulk::{Arguments, Insert};
use super::{SqliteStore, Writing, checksums};
use crate::store::columns::Columns;
use crate::store::filings::{Meant, Weighing};
use crate::store::once::{self, Claim};
use crate::store::{Fate, NewFiling, Signing, StoreError, Summed, rows, sql, sums, tables, totals, values};
use sqlx::{AssertSqlSafe, SqliteConnection};
use std::collections::BTreeMap;
use tuban_engine::model::{Filing, PeriodRange, TakenOff};

/// The patches that a filing may mean, with the verdicts they have: patch id, survey. At most two: more need not be known to call an id ambiguous.
const MEANT: &str = "
    SELECT patch.id, finding.area_m2, filing.verdict AS filed, legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2
    FROM patch JOIN survey ON survey.id = patch.survey_id AND survey.withdrawn_ms IS NULL
    JOIN finding ON finding.patch = patch.id AND finding.made = survey.made LEFT JOIN filing ON filing.patch = patch.id
    WHERE patch.patch_id = $1 AND patch.survey_id = coalesce($2, patch.survey_id) LIMIT 2";

impl SqliteStore {
    pub(super) async fn file_all(&self, filings: &[NewFiling], signing: Signing<'_>) -> Result<Vec<Fate>, StoreError> {
        if signing.preview {
            let mut moment = self.pools.readers.begin().await?;
            let (weighing, _) = weigh(&mut moment, filings).await?;
            moment.commit().await?;
            return Ok(weighing.fates());
        }
        let mut transaction = self.begin().await?;
        let (weighing, written) = weigh(&mut transaction, filings).await?;
        if !weighing.is_refused() && weighing.writes() {
            let filed_ms = values::now_ms();
            let patches: Vec<i64> = written.iter().map(|(patch, _)| *patch).collect();
            let before = checksums::rows_of(&mut transaction, &patches).await?;
            for (patch, filing) in written {
                record(&mut transaction, patch, filing, filed_ms, signing.by).await?;
            }
            checksums::filed(&mut transaction, &patches, &before).await?;
            super::publish(transaction).await?;
        }
        Ok(weighing.fates())
    }

    pub(super) async fn sums(&self, range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        let mut moment = self.pools.readers.begin().await?;
        let range = match range {
            Some(range) => range,
            None => totals::newest(sqlx::query(sql::NEWEST_PERIOD).fetch_optional(&mut *moment).await?.as_ref())?,
        };
        let (from, until) = range.ordinals();
        let rows = sqlx::query(totals::OF_MONTHS).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let of: Vec<i64> = sqlx::query_scalar(sql::WITHIN_UNKNOWN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let unknown = if of.is_empty() { Vec::new() } else { sqlx::query(totals::UNKNOWN_OF_LIST).bind(values::to_json(&of)?).fetch_all(&mut *moment).await? };
        let surveys = sqlx::query(sql::PROVENANCES).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let straddling = sqlx::query(sql::STRADDLING).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let claims = sqlx::query(AssertSqlSafe(claims(once::OF_RANGE))).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let stored: Vec<(i64, String)> = sqlx::query_as(sql::SUMS_WITHIN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let all = sqlx::query(sql::SURVEYS).fetch_all(&mut *moment).await?;
        moment.commit().await?;
        let all = rows::all_of(&all, &tables::SURVEY)?;
        sums::compare(&stored, &rows)?;
        sums::compare_unknown(&of, &all, &unknown)?;
        let straddling = straddling.iter().map(rows::straddling).collect::<Result<_, _>>()?;
        let claims = claims.iter().map(Claim::read).collect::<Result<Vec<_>, _>>()?;
        let mut counties = totals::read(&rows, &unknown)?;
        let contradictions = once::take_off(&mut counties, &claims);
        Ok(Summed { range, straddling, totals: totals::rounded(counties), provenance: rows::provenances(&surveys)?, contradictions })
    }

    pub(super) async fn off(&self, patches: &[i64], range: Option<PeriodRange>) -> Result<BTreeMap<i64, TakenOff>, StoreError> {
        let sql = claims(
            "ground.piece IN (SELECT piece FROM shared_ground WHERE patch IN (SELECT id FROM patch WHERE id IN (SELECT value FROM json_each($1)) AND number IS NULL
                UNION ALL SELECT id FROM patch WHERE number IN (SELECT value FROM json_each($1))))",
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(values::to_json(&patches)?).fetch_all(&self.pools.readers).await?;
        let claims = rows.iter().map(Claim::read).collect::<Result<Vec<_>, _>>()?;
        Ok(once::taken_off(&claims, patches, range))
    }
}

/// The claims to shared ground where `condition` holds, piece by piece.
fn claims(condition: &str) -> String {
    format!(
        "SELECT {} FROM shared_ground ground JOIN survey ON survey.id = ground.survey_id JOIN patch ON patch.id = ground.patch \
         JOIN finding ON finding.patch = ground.patch AND finding.made = survey.made LEFT JOIN filing ON filing.patch = ground.patch WHERE {condition} ORDER BY ground.piece, ground.id",
        once::COLUMNS
    )
}

/// What becomes of the filings, and those to be written with the numbers of their patches.
async fn weigh<'f>(connection: &mut SqliteConnection, filings: &'f [NewFiling]) -> Result<(Weighing<i64>, Vec<(i64, &'f Filing)>), StoreError> {
    let (mut weighing, mut written) = (Weighing::new(), Vec::new());
    for new in filings {
        let patch_id = &new.filing.patch_id;
        let rows = sqlx::query(MEANT).bind(patch_id).bind(new.survey).fetch_all(&mut *connection).await?;
        let meant = rows.iter().map(|row| Meant::of(row.integer("id")?, row, patch_id)).collect::<Result<Vec<_>, _>>()?;
        written.extend(weighing.next(new, &meant).map(|patch| (patch, &new.filing)));
    }
    Ok((weighing, written))
}

async fn record(transaction: &mut Writing, patch: i64, filing: &Filing, filed_ms: i64, by: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM filing WHERE patch = $1").bind(patch).execute(&mut **transaction).await?;
    let mut arguments = Arguments::default();
    values::filing(&mut arguments, patch, filing, filed_ms, by)?;
    Ok(Insert::new(&tables::FILING).execute(transaction, 1, arguments).await?)
}
