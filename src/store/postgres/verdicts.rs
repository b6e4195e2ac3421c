//! Confirmed verdicts, and the sums over them.

use super::copy::Copy;
use super::{PostgresStore, Writing, checksums, patches::codes, text};
use crate::scope::Scope;
use crate::store::columns::Columns;
use crate::store::filings::{Meant, Weighing};
use crate::store::once::{self, Claim};
use crate::store::own::{self, Resting};
use crate::store::values;
use crate::store::{Fate, NewFiling, Signing, StoreError, Summed, ground, rows, sql, sums, tables, totals};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::{BTreeMap, HashMap};
use tuban_engine::model::{Filing, Period, PeriodRange, TakenOff};

/// The patches that filings may mean, with the verdicts they have, by the place of the filing: patch ids, surveys.
const MEANT: &str = "
    SELECT given.place, patch.county, patch.id, finding.area_m2, filing.verdict AS filed, legal_m2, legal_farmland_m2, illegal_m2, illegal_farmland_m2
    FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS given (patch_id, survey_id, place)
    JOIN patch ON patch.patch_id = given.patch_id COLLATE \"C\" AND patch.survey_id = coalesce(given.survey_id, patch.survey_id)
    JOIN survey ON survey.id = patch.survey_id AND survey.withdrawn_ms IS NULL
    JOIN finding ON finding.county = patch.county AND finding.patch = patch.id AND finding.made = survey.made
    LEFT JOIN filing ON filing.county = patch.county AND filing.patch = patch.id";

/// The claims of surveys within the months $1 to $2 to pieces that lie in a patch of theirs in the counties of the array $3.
const OF_RANGE_IN: &str = "survey.period >= $1 AND survey.period + survey.months - 1 <= $2 AND ground.piece IN (
    SELECT own.piece FROM shared_ground own JOIN survey ON survey.id = own.survey_id JOIN patch ON patch.id = own.patch
    WHERE survey.period >= $1 AND survey.period + survey.months - 1 <= $2 AND patch.county = ANY($3))";

/// How many patches of each survey share ground, in the counties of the array $1.
const SHARING_IN: &str = "
    SELECT shared_ground.survey_id, count(DISTINCT patch.id) FROM shared_ground JOIN patch ON patch.id = shared_ground.patch
    WHERE patch.county = ANY($1) GROUP BY shared_ground.survey_id";
/// As [`ground::SHARING_OF`], in the counties of the array $4.
const SHARING_OF_IN: &str = "
    SELECT DISTINCT coalesce(patch.number, patch.id) AS known_by FROM shared_ground JOIN patch ON patch.id = shared_ground.patch
    WHERE shared_ground.survey_id = $1 AND coalesce(patch.number, patch.id) > $2 AND patch.county = ANY($4) ORDER BY known_by LIMIT $3";

/// The key of a patch: county and number.
type Key = (String, i64);

impl PostgresStore {
    pub(super) async fn file_all(&self, scope: &Scope, filings: &[NewFiling], signing: Signing<'_>) -> Result<Vec<Fate>, StoreError> {
        if signing.preview {
            let mut connection = self.pools.pages.acquire().await?;
            return Ok(weigh(&mut connection, scope, filings).await?.0.fates());
        }
        let mut writing = Writing::begin(&self.pools).await?;
        let (weighing, written) = weigh(writing.connection(), scope, filings).await?;
        if weighing.is_refused() || !weighing.writes() {
            writing.abandon().await?;
        } else {
            let patches: Vec<i64> = written.keys().map(|(_, patch)| *patch).collect();
            let before = checksums::rows_of(writing.connection(), &patches).await?;
            record(&mut writing, &written, signing.by).await?;
            checksums::filed(writing.connection(), &patches, &before).await?;
            writing.publish().await?;
        }
        Ok(weighing.fates())
    }

    pub(super) async fn sums(&self, scope: &Scope, range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        if let Some(counties) = codes(scope) {
            return self.sums_in(scope, &counties, range).await;
        }
        let mut moment = self.pools.sums.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let range = match range {
            Some(range) => range,
            None => totals::newest(sqlx::query(sql::NEWEST_PERIOD).fetch_optional(&mut *moment).await?.as_ref())?,
        };
        let (from, until) = range.ordinals();
        let of: Vec<i64> = sqlx::query_scalar(sql::WITHIN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let rows = sqlx::query(totals::OF_SURVEYS).bind(of).fetch_all(&mut *moment).await?;
        let of: Vec<i64> = sqlx::query_scalar(sql::WITHIN_UNKNOWN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let unknown = if of.is_empty() { Vec::new() } else { sqlx::query(totals::UNKNOWN_OF_SURVEYS).bind(&of).fetch_all(&mut *moment).await? };
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

    /// The sums of these counties.
    async fn sums_in(&self, scope: &Scope, counties: &[String], range: Option<PeriodRange>) -> Result<Summed, StoreError> {
        let mut moment = self.pools.sums.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let all = sqlx::query(sql::SURVEYS).fetch_all(&mut *moment).await?;
        let resting = Resting::read(sqlx::query_as(own::SETS_OF_COUNTIES).bind(counties).fetch_all(&mut *moment).await?);
        let newest = resting.newest(&rows::all_of(&all, &tables::SURVEY)?)?.unwrap_or_else(Period::current);
        let range = range.unwrap_or(PeriodRange { from: newest, until: newest });
        let (from, until) = range.ordinals();
        let of: Vec<i64> = sqlx::query_scalar(sql::WITHIN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let rows = sqlx::query(totals::OF_SURVEYS_IN).bind(of).bind(counties).fetch_all(&mut *moment).await?;
        let of: Vec<i64> = sqlx::query_scalar(sql::WITHIN_UNKNOWN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let unknown = sqlx::query(totals::UNKNOWN_OF_SURVEYS_IN).bind(of).bind(counties).fetch_all(&mut *moment).await?;
        let surveys = sqlx::query(sql::PROVENANCES).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let straddling = sqlx::query(sql::STRADDLING).bind(from).bind(until).fetch_all(&mut *moment).await?;
        let claims = sqlx::query(AssertSqlSafe(claims(OF_RANGE_IN))).bind(from).bind(until).bind(counties).fetch_all(&mut *moment).await?;
        let stored: Vec<(i64, String)> = sqlx::query_as(sql::SUMS_WITHIN).bind(from).bind(until).fetch_all(&mut *moment).await?;
        moment.commit().await?;
        own::summed(scope, range, &resting, own::Found { rows, unknown, surveys, straddling, claims, stored })
    }

    pub(super) async fn off(&self, scope: &Scope, patches: &[i64], range: Option<PeriodRange>) -> Result<BTreeMap<i64, TakenOff>, StoreError> {
        let sql = claims(
            "ground.piece IN (SELECT piece FROM shared_ground WHERE patch IN (SELECT id FROM patch WHERE id = ANY($1) AND number IS NULL
                UNION ALL SELECT id FROM patch WHERE number = ANY($1)))",
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(patches).fetch_all(&self.pools.facts).await?;
        let claims = rows.iter().map(Claim::read).collect::<Result<Vec<_>, _>>()?;
        Ok(once::taken_off(&claims, scope, patches, range))
    }

    pub(super) async fn sharing_by_survey(&self, scope: &Scope) -> Result<BTreeMap<i64, u64>, StoreError> {
        let asked = match codes(scope) {
            Some(counties) => sqlx::query_as(SHARING_IN).bind(counties),
            None => sqlx::query_as(ground::SHARING),
        };
        let rows: Vec<(i64, i64)> = asked.fetch_all(&self.pools.facts).await?;
        Ok(rows.into_iter().map(|(survey, patches)| (survey, patches as u64)).collect())
    }

    pub(super) async fn sharing_in(&self, scope: &Scope, survey: i64, after: i64, limit: u32) -> Result<Vec<i64>, StoreError> {
        let counties = codes(scope);
        let asked = sqlx::query_scalar(if counties.is_some() { SHARING_OF_IN } else { ground::SHARING_OF });
        let asked = asked.bind(survey).bind(after).bind(i64::from(limit));
        let asked = if let Some(counties) = counties { asked.bind(counties) } else { asked };
        Ok(asked.fetch_all(&self.pools.facts).await?)
    }
}

/// The claims to shared ground where `condition` holds, piece by piece.
fn claims(condition: &str) -> String {
    format!(
        "SELECT {} FROM shared_ground ground JOIN survey ON survey.id = ground.survey_id JOIN patch ON patch.id = ground.patch \
         JOIN finding ON finding.county = patch.county AND finding.patch = patch.id AND finding.made = survey.made \
         LEFT JOIN filing ON filing.county = patch.county AND filing.patch = patch.id WHERE {condition} ORDER BY ground.piece, ground.id",
        once::COLUMNS
    )
}

/// What becomes of the filings, and those to be written with the keys of their patches.
async fn weigh<'f>(connection: &mut PgConnection, scope: &Scope, filings: &'f [NewFiling]) -> Result<(Weighing<Key>, BTreeMap<Key, &'f Filing>), StoreError> {
    let ids: Vec<String> = filings.iter().map(|new| text::write(&new.filing.patch_id).into_owned()).collect();
    let surveys: Vec<Option<i64>> = filings.iter().map(|new| new.survey).collect();
    let mut meant: HashMap<i64, Vec<Meant<Key>>> = HashMap::new();
    let counties = codes(scope);
    let statement = format!("{MEANT}{}", if counties.is_some() { " WHERE patch.county = ANY($3)" } else { "" });
    let mut asked = sqlx::query(AssertSqlSafe(statement)).bind(ids).bind(surveys);
    if let Some(counties) = counties {
        asked = asked.bind(counties);
    }
    for row in asked.fetch_all(connection).await? {
        let place = row.integer("place")?;
        let Some(new) = filings.get(place as usize - 1) else { continue };
        // The county stays as it is stored.
        let key = (row.try_get::<String, _>("county")?, row.integer("id")?);
        meant.entry(place).or_default().push(Meant::of(key, &row, &new.filing.patch_id)?);
    }
    let (mut weighing, mut written) = (Weighing::new(), BTreeMap::new());
    for (place, new) in (1..).zip(filings) {
        let meant = meant.get(&place).map_or(&[][..], Vec::as_slice);
        written.extend(weighing.next(new, meant).map(|key| (key, &new.filing)));
    }
    Ok((weighing, written))
}

/// Puts these filings in the place of any that were there.
async fn record(writing: &mut Writing, filings: &BTreeMap<Key, &Filing>, by: &str) -> Result<(), StoreError> {
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
        values::filing(row, *patch, filing, filed_ms, by)?;
    }
    Ok(copy.send(writing).await?)
}
