//! What is done about patches that were stored before: a survey that replaces another takes their numbers and confirmed verdicts over; any other is asked about.

use super::Writing;
use crate::store::same::{Pair, Replaced, SAME_CORNER, Step, of_filing};
use crate::store::{StoreError, checksum, sql, values};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, SqliteConnection};

/// Patches of the survey $1 and of others that count, with one id and one box but for $2 degrees.
const CANDIDATES: &str = "
    SELECT mine.id AS mine, other.id AS other, other.number AS other_number, other.survey_id AS other_survey,
        my_outline.degrees AS my_degrees, other_outline.degrees AS other_degrees
    FROM patch mine CROSS JOIN patch other ON other.patch_id = mine.patch_id
    CROSS JOIN survey ON survey.id = other.survey_id
    CROSS JOIN patch_outline my_outline ON my_outline.patch = mine.id CROSS JOIN patch_outline other_outline ON other_outline.patch = other.id
    WHERE mine.survey_id = $1 AND other.survey_id <> $1
        AND abs(mine.west - other.west) <= $2 AND abs(mine.south - other.south) <= $2 AND abs(mine.east - other.east) <= $2 AND abs(mine.north - other.north) <= $2
        AND survey.withdrawn_ms IS NULL";

/// Of those, pairs among the patches of the surveys in the list $3.
const AMONG: &str = "
    SELECT mine.id AS mine, other.id AS other, other.number AS other_number, other.survey_id AS other_survey,
        my_outline.degrees AS my_degrees, other_outline.degrees AS other_degrees
    FROM json_each($3) AS came CROSS JOIN survey ON survey.id = came.value CROSS JOIN patch other ON other.survey_id = survey.id
    CROSS JOIN patch mine ON mine.patch_id = other.patch_id
    CROSS JOIN patch_outline my_outline ON my_outline.patch = mine.id CROSS JOIN patch_outline other_outline ON other_outline.patch = other.id
    WHERE mine.survey_id = $1 AND other.survey_id <> $1
        AND abs(mine.west - other.west) <= $2 AND abs(mine.south - other.south) <= $2 AND abs(mine.east - other.east) <= $2 AND abs(mine.north - other.north) <= $2
        AND survey.withdrawn_ms IS NULL";

/// Patches of a list of surveys that have confirmed verdicts.
const FILED: &str = "SELECT patch.id FROM patch CROSS JOIN filing ON filing.patch = patch.id WHERE patch.survey_id IN (SELECT value FROM json_each($1))";

/// Patches of a survey that is coming in which were stored before; whether they have a confirmed verdict is asked when it is published.
pub(super) async fn pairs(connection: &mut SqliteConnection, survey: i64) -> Result<Vec<Pair>, StoreError> {
    let mut found = sqlx::query(CANDIDATES).bind(survey).bind(SAME_CORNER).fetch(connection);
    let mut pairs = Vec::new();
    while let Some(row) = found.try_next().await? {
        pairs.extend(Pair::of(&row, Default::default())?);
    }
    Ok(pairs)
}

/// Of those, pairs among the patches of these surveys.
pub(super) async fn pairs_among(connection: &mut SqliteConnection, survey: i64, surveys: &[i64]) -> Result<Vec<Pair>, StoreError> {
    let mut found = sqlx::query(AMONG).bind(survey).bind(SAME_CORNER).bind(values::to_json(&surveys)?).fetch(connection);
    let mut pairs = Vec::new();
    while let Some(row) = found.try_next().await? {
        pairs.extend(Pair::of(&row, Default::default())?);
    }
    Ok(pairs)
}

/// The verdicts of surveys that are replaced, as they are now.
pub(super) async fn replaced(connection: &mut SqliteConnection, surveys: Vec<i64>) -> Result<Replaced, StoreError> {
    let filings = filings(connection, &surveys).await?;
    let filed = sqlx::query_scalar(FILED).bind(values::to_json(&surveys)?).fetch_all(connection).await?.into_iter().collect();
    Ok(Replaced { surveys, filings, filed })
}

/// How often verdicts of surveys were filed.
pub(super) async fn filings(connection: &mut SqliteConnection, surveys: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut filings = Vec::with_capacity(surveys.len());
    for survey in surveys {
        filings.push(sqlx::query_scalar(sql::FILINGS).bind(survey).fetch_one(&mut *connection).await?);
    }
    Ok(filings)
}

/// Gives patches that came in the numbers, or the verdicts, of those they take the place of; those keep theirs.
pub(super) async fn take(transaction: &mut Writing, step: &Step) -> Result<(), StoreError> {
    let (sql, given) = match step {
        Step::Number(patches) => {
            let sql = format!(
                "UPDATE patch SET number = given.number, checksum = {} \
                 FROM (SELECT value ->> 0 AS id, value ->> 1 AS number, value ->> 2 AS difference FROM json_each($1)) AS given WHERE patch.id = given.id",
                checksum::exclusive_or("checksum", "given.difference")
            );
            (sql, values::to_json(&patches.iter().map(|one| (one.key, one.number, one.difference)).collect::<Vec<_>>())?)
        }
        Step::Forget(pairs) => {
            let sql = "DELETE FROM filing WHERE patch IN (SELECT value FROM json_each($1))".to_owned();
            (sql, values::to_json(&pairs.iter().map(|pair| pair.mine).collect::<Vec<_>>())?)
        }
        Step::Copy(pairs) => {
            let rest = of_filing();
            let sql = format!(
                "INSERT INTO filing (patch, {rest}, checksum) SELECT given.value ->> 1, {rest}, {} \
                 FROM json_each($1) AS given CROSS JOIN filing ON filing.patch = given.value ->> 0",
                checksum::exclusive_or("checksum", "given.value ->> 2")
            );
            (sql, values::to_json(&pairs.iter().map(|pair| [pair.other, pair.mine, pair.other ^ pair.mine]).collect::<Vec<_>>())?)
        }
    };
    sqlx::query(AssertSqlSafe(sql)).bind(given).execute(&mut **transaction).await?;
    Ok(())
}
