//! Confirmed verdicts, and the sums over them.

use super::bulk::{Arguments, Insert};
use super::{SqliteStore, Writing, checksums};
use crate::scope::Scope;
use crate::store::columns::Columns;
use crate::store::filings::{Meant, Weighing};
use crate::store::once::{self, Claim};
use crate::store::own::{self, Resting};
use crate::store::{Fate, NewFiling, Signing, StoreError, Summed, ground, rows, sql, sums, tables, totals, values};
use sqlx::{AssertSqlSafe, SqliteConnection};
use std::collections::BTreeMap;
use tuban_engine::model::{CountyCode, Filing, Period, PeriodRange, TakenOff};

/// The patches that a filing may mean, with the verdicts they have: patch id, survey. At most two: more need not be known to call an id ambiguous.
const MEANT: &str = "
    SELECT patch.id, finding.area_m2, filing.verdict AS filed, legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2
    FROM patch JOIN survey ON survey.id = patch.survey_id AND survey.withdrawn_ms IS NULL
    JOIN finding ON finding.patch = patch.id AND finding.made = survey.made LEFT JOIN filing ON filing.patch = patch.id
    WHERE patch.patch_id = $1 AND patch.survey_id = coalesce($2, patch.survey_id)";

/// The claims of surveys within the months $1 to $2 to pieces that lie in a patch of theirs in the counties of the list $3.
const OF_RANGE_IN: &str = "survey.period >= $1 AND survey.period + survey.months - 1 <= $2 AND ground.piece IN (
    SELECT own.piece FROM shared_ground own JOIN survey ON survey.id = own.survey_id JOIN finding ON finding.patch = own.patch AND finding.made = survey.made
    WHERE survey.period >= $1 AND survey.period + survey.months - 1 <= $2 AND finding.county_code IN (SELECT value FROM json_each($3)))";

/// How many patches of each survey share ground, in the counties of the list $1.
const SHARING_IN: &str = "
    SELECT shared_ground.survey_id, count(DISTINCT shared_ground.patch) FROM shared_ground JOIN survey ON survey.id = shared_ground.survey_id
    JOIN finding ON finding.patch = shared_ground.patch AND finding.made = survey.made
    WHERE finding.county_code IN (SELECT value FROM json_each($1)) GROUP BY shared_ground.survey_id";
/// As [`ground::SHARING_OF`], in the counties of the list $4.
const SHARING_OF_IN: &str = "
    SELECT DISTINCT coalesce(patch.number, patch.id) AS known_by FROM shared_ground JOIN patch ON patch.id = shared_ground.patch
    JOIN survey ON survey.id = shared_ground.survey_id JOIN finding ON finding.patch = patch.id AND finding.made = survey.made
    WHERE shared_ground.survey_id = $1 AND coalesce(patch.number, patch.id) > $2 AND finding.county_code IN (SELECT value FROM json_each($4)) ORDER BY known_by LIMIT $3";

impl SqliteStore {
    pub(super) async fn file_all(&self, scope: &Scope, filings: &[NewFiling], signing: Signing<'_>) -> Result<Vec<Fate>, StoreError> {
        if signing.preview {
            let mut moment = self.pools.readers.begin().await?;
            let (weighing, _) = weigh(&mut moment, scope, filings).await?;
            moment.commit().await?;
            return Ok(weighing.fates());
        }
        let mut transaction = self.begin().await?;
        let (weighing, written) = weigh(&mut transaction, scope, filings).await?;
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

    pub(super) async fn sums(&self, scope: &Scope, range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        if let Some(counties) = counties(scope)? {
            return self.sums_in(scope, &counties, range).await;
        }
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
        let contradictions = once::take_off(&mut counties, &claims, scope);
        Ok(Summed { range, straddling, totals: totals::rounded(counties), provenance: rows::provenances(&surveys)?, contradictions })
    }

    /// The sums of the counties in that list.
    async fn sums_in(&self, scope: &Scope, listed: &str, range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        let mut moment = self.pools.readers.begin().await?;
        let all = sqlx::query(sql::SURVEYS).fetch_all(&mut *moment).await?;
        let resting = Resting::read(sqlx::query_as(own::SETS_OF_LIST).bind(listed).fetch_all(&mut *moment).await?);
        let newest = resting.newest(&rows::all_of(&all, &tables::SURVEY)?)?.unwrap_or_else(Period::current);
        let range = range.unwrap_or(PeriodRange { from: newest, until: newest });
        let (from, until) = range.ordinals();
        let rows = sqlx::query(totals::OF_MONTHS_IN).bind(from).bind(until).bind(listed).fetch_all(&mut *moment).await?;
        let of: Vec<i64> = sqlx::query_scalar(sql::WITHIN_UNKNOWN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let of = values::to_json(&of)?;
        let unknown = sqlx::query(totals::UNKNOWN_OF_LIST_IN).bind(of).bind(listed).fetch_all(&mut *moment).await?;
        let surveys = sqlx::query(sql::PROVENANCES).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let straddling = sqlx::query(sql::STRADDLING).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let claims = sqlx::query(AssertSqlSafe(claims(OF_RANGE_IN))).bind(from).bind(until).bind(listed).fetch_all(&mut *moment).await?;
        let stored: Vec<(i64, String)> = sqlx::query_as(sql::SUMS_WITHIN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        moment.commit().await?;
        own::summed(scope, range, &resting, own::Found { rows, unknown, surveys, straddling, claims, stored })
    }

    pub(super) async fn off(&self, scope: &Scope, patches: &[i64], range: Option<PeriodRange>) -> Result<BTreeMap<i64, TakenOff>, StoreError> {
        let sql = claims(
            "ground.piece IN (SELECT piece FROM shared_ground WHERE patch IN (SELECT id FROM patch WHERE id IN (SELECT value FROM json_each($1)) AND number IS NULL
                UNION ALL SELECT id FROM patch WHERE number IN (SELECT value FROM json_each($1))))",
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(values::to_json(&patches)?).fetch_all(&self.pools.readers).await?;
        let claims = rows.iter().map(Claim::read).collect::<Result<Vec<_>, _>>()?;
        Ok(once::taken_off(&claims, scope, patches, range))
    }

    pub(super) async fn sharing_by_survey(&self, scope: &Scope) -> Result<BTreeMap<i64, u64>, StoreError> {
        let asked = match counties(scope)? {
            Some(counties) => sqlx::query_as(SHARING_IN).bind(counties),
            None => sqlx::query_as(ground::SHARING),
        };
        let rows: Vec<(i64, i64)> = asked.fetch_all(&self.pools.readers).await?;
        Ok(rows.into_iter().map(|(survey, patches)| (survey, patches as u64)).collect())
    }

    pub(super) async fn sharing_in(&self, scope: &Scope, survey: i64, after: i64, limit: u32) -> Result<Vec<i64>, StoreError> {
        let counties = counties(scope)?;
        let asked = sqlx::query_scalar(if counties.is_some() { SHARING_OF_IN } else { ground::SHARING_OF });
        let asked = asked.bind(survey).bind(after).bind(i64::from(limit));
        let asked = if let Some(counties) = counties { asked.bind(counties) } else { asked };
        Ok(asked.fetch_all(&self.pools.readers).await?)
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
async fn weigh<'f>(connection: &mut SqliteConnection, scope: &Scope, filings: &'f [NewFiling]) -> Result<(Weighing<i64>, Vec<(i64, &'f Filing)>), StoreError> {
    let (mut weighing, mut written) = (Weighing::new(), Vec::new());
    let counties = counties(scope)?;
    let statement = format!("{MEANT}{} LIMIT 2", if counties.is_some() { " AND finding.county_code IN (SELECT value FROM json_each($3))" } else { "" });
    for new in filings {
        let patch_id = &new.filing.patch_id;
        let mut asked = sqlx::query(AssertSqlSafe(statement.as_str())).bind(patch_id).bind(new.survey);
        if let Some(counties) = &counties {
            asked = asked.bind(counties);
        }
        let rows = asked.fetch_all(&mut *connection).await?;
        let meant = rows.iter().map(|row| Meant::of(row.integer("id")?, row, patch_id)).collect::<Result<Vec<_>, _>>()?;
        written.extend(weighing.next(new, &meant).map(|patch| (patch, &new.filing)));
    }
    Ok((weighing, written))
}

/// The codes of a scope's counties as a JSON list, for `json_each`; `None` of *all*, for which nothing is added to a statement.
pub(super) fn counties(scope: &Scope) -> Result<Option<String>, StoreError> {
    scope.counties().map(|counties| values::to_json(&counties.iter().map(CountyCode::as_str).collect::<Vec<_>>())).transpose()
}

async fn record(transaction: &mut Writing, patch: i64, filing: &Filing, filed_ms: i64, by: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM filing WHERE patch = $1").bind(patch).execute(&mut **transaction).await?;
    let mut arguments = Arguments::default();
    values::filing(&mut arguments, patch, filing, filed_ms, by)?;
    Ok(Insert::new(&tables::FILING).execute(transaction, 1, arguments).await?)
}
