//! What is done about patches that were stored before: a survey that replaces another takes their numbers and confirmed verdicts over; any other is asked about.

use super::Writing;
use crate::store::same::{Numbered, Pair, Replaced, SAME_CORNER, Step, of_filing};
use crate::store::{StoreError, sql};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// Patches of the survey $1 and of others that count, with one id and one box but for $2 degrees.
const CANDIDATES: &str = "
    SELECT mine.id AS mine, mine.county AS my_county, other.id AS other, other.county AS other_county, other.number AS other_number, other.survey_id AS other_survey,
        my_outline.degrees AS my_degrees, other_outline.degrees AS other_degrees
    FROM patch mine JOIN patch other ON other.patch_id = mine.patch_id
    JOIN survey ON survey.id = other.survey_id
    JOIN patch_outline my_outline ON my_outline.county = mine.county AND my_outline.patch = mine.id
    JOIN patch_outline other_outline ON other_outline.county = other.county AND other_outline.patch = other.id
    WHERE mine.survey_id = $1 AND other.survey_id <> $1
        AND abs(mine.west - other.west) <= $2 AND abs(mine.south - other.south) <= $2 AND abs(mine.east - other.east) <= $2 AND abs(mine.north - other.north) <= $2
        AND survey.withdrawn_ms IS NULL";

/// Of those, pairs among the patches of the surveys in the list $3.
const AMONG: &str = "
    SELECT mine.id AS mine, mine.county AS my_county, other.id AS other, other.county AS other_county, other.number AS other_number, other.survey_id AS other_survey,
        my_outline.degrees AS my_degrees, other_outline.degrees AS other_degrees
    FROM patch mine JOIN patch other ON other.patch_id = mine.patch_id
    JOIN survey ON survey.id = other.survey_id
    JOIN patch_outline my_outline ON my_outline.county = mine.county AND my_outline.patch = mine.id
    JOIN patch_outline other_outline ON other_outline.county = other.county AND other_outline.patch = other.id
    WHERE mine.survey_id = $1 AND other.survey_id <> $1
        AND abs(mine.west - other.west) <= $2 AND abs(mine.south - other.south) <= $2 AND abs(mine.east - other.east) <= $2 AND abs(mine.north - other.north) <= $2
        AND survey.withdrawn_ms IS NULL AND other.survey_id = ANY($3)";

/// Patches of a list of surveys that have confirmed verdicts.
const FILED: &str = "SELECT patch.id FROM patch JOIN filing ON filing.county = patch.county AND filing.patch = patch.id WHERE patch.survey_id = ANY($1)";

/// Patches of a survey that is coming in which were stored before; whether they have a confirmed verdict is asked when it is published.
pub(super) async fn pairs(connection: &mut PgConnection, survey: i64) -> Result<Vec<Pair>, StoreError> {
    let mut found = sqlx::query(CANDIDATES).bind(survey).bind(SAME_CORNER).fetch(connection);
    let mut pairs = Vec::new();
    while let Some(row) = found.try_next().await? {
        pairs.extend(Pair::of(&row, [row.try_get("my_county")?, row.try_get("other_county")?])?);
    }
    Ok(pairs)
}

/// Of those, pairs among the patches of these surveys.
pub(super) async fn pairs_among(connection: &mut PgConnection, survey: i64, surveys: &[i64]) -> Result<Vec<Pair>, StoreError> {
    let mut found = sqlx::query(AMONG).bind(survey).bind(SAME_CORNER).bind(surveys).fetch(connection);
    let mut pairs = Vec::new();
    while let Some(row) = found.try_next().await? {
        pairs.extend(Pair::of(&row, [row.try_get("my_county")?, row.try_get("other_county")?])?);
    }
    Ok(pairs)
}

/// The verdicts of surveys that are replaced, as they are now.
pub(super) async fn replaced(connection: &mut PgConnection, surveys: Vec<i64>) -> Result<Replaced, StoreError> {
    let filings = filings(connection, &surveys).await?;
    let filed = sqlx::query_scalar(FILED).bind(&surveys).fetch_all(connection).await?.into_iter().collect();
    Ok(Replaced { surveys, filings, filed })
}

/// How often verdicts of surveys were filed.
pub(super) async fn filings(connection: &mut PgConnection, surveys: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut filings = Vec::with_capacity(surveys.len());
    for survey in surveys {
        filings.push(sqlx::query_scalar(sql::FILINGS).bind(survey).fetch_one(&mut *connection).await?);
    }
    Ok(filings)
}

/// Gives patches that came in the numbers, or the verdicts, of those they take the place of; those keep theirs.
pub(super) async fn take(writing: &mut Writing, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::Number(patches) => number(writing, patches).await,
        Step::Forget(pairs) => {
            let (patches, counties): (Vec<i64>, Vec<&str>) = pairs.iter().map(|pair| (pair.mine, pair.counties[0].as_str())).unzip();
            let sql = "DELETE FROM filing USING unnest($1::bigint[], $2::text[]) AS given (patch, county)
                WHERE filing.county = given.county COLLATE \"C\" AND filing.patch = given.patch";
            sqlx::query(sql).bind(patches).bind(counties).execute(writing.connection()).await?;
            Ok(())
        }
        Step::Copy(pairs) => copy(writing, pairs).await,
    }
}

async fn number(writing: &mut Writing, patches: &[Numbered]) -> Result<(), StoreError> {
    let counties: Vec<&str> = patches.iter().map(|one| one.county.as_str()).collect();
    let sql = "UPDATE patch SET number = given.number, checksum = checksum # given.difference
        FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS given (id, county, number, difference)
        WHERE patch.county = given.county COLLATE \"C\" AND patch.id = given.id";
    sqlx::query(sql)
        .bind(patches.iter().map(|one| one.key).collect::<Vec<_>>())
        .bind(counties)
        .bind(patches.iter().map(|one| one.number).collect::<Vec<_>>())
        .bind(patches.iter().map(|one| one.difference).collect::<Vec<_>>())
        .execute(writing.connection())
        .await?;
    Ok(())
}

async fn copy(writing: &mut Writing, filed: &[Pair]) -> Result<(), StoreError> {
    let (mine, other): (Vec<i64>, Vec<i64>) = filed.iter().map(|pair| (pair.mine, pair.other)).unzip();
    let counties = |side: usize| filed.iter().map(|pair| pair.counties[side].as_str()).collect::<Vec<_>>();
    let rest = of_filing();
    let sql = format!(
        "INSERT INTO filing (county, patch, {rest}, checksum) SELECT given.county, given.mine, {rest}, checksum # given.other # given.mine \
         FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) AS given (other, other_county, mine, county) \
         JOIN filing ON filing.county = given.other_county COLLATE \"C\" AND filing.patch = given.other"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(other).bind(counties(1)).bind(mine).bind(counties(0)).execute(writing.connection()).await?;
    Ok(())
}
