//! What is done about patches that were stored before: a survey that replaces another takes their numbers and confirmed verdicts over; any other is asked about.

use super::Writing;
use super::bulk::ROWS;
use crate::store::same::{OF_PATCH, Pair, SAME_CORNER, SHARED, of_filing};
use crate::store::{StoreError, checksum, values};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, SqliteConnection};
use std::collections::HashSet;

/// Patches of the survey $1 and of others that count, with one id and one box but for $2 degrees.
const CANDIDATES: &str = "
    SELECT mine.id AS mine, other.id AS other, other.survey_id AS other_survey,
        my_outline.degrees AS my_degrees, other_outline.degrees AS other_degrees
    FROM patch mine CROSS JOIN patch other ON other.patch_id = mine.patch_id
    CROSS JOIN survey ON survey.id = other.survey_id
    CROSS JOIN patch_outline my_outline ON my_outline.patch = mine.id CROSS JOIN patch_outline other_outline ON other_outline.patch = other.id
    WHERE mine.survey_id = $1 AND other.survey_id <> $1
        AND abs(mine.west - other.west) <= $2 AND abs(mine.south - other.south) <= $2 AND abs(mine.east - other.east) <= $2 AND abs(mine.north - other.north) <= $2
        AND survey.withdrawn_ms IS NULL";

/// Of those, pairs among the patches of the surveys in the list $3.
const AMONG: &str = "
    SELECT mine.id AS mine, other.id AS other, other.survey_id AS other_survey,
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

/// The patches of these surveys that have confirmed verdicts.
pub(super) async fn filed(connection: &mut SqliteConnection, surveys: &[i64]) -> Result<HashSet<i64>, StoreError> {
    Ok(sqlx::query_scalar(FILED).bind(values::to_json(&surveys)?).fetch_all(connection).await?.into_iter().collect())
}

/// Gives the patches that came in the numbers of those they take the place of, and their verdicts; those get the numbers that were given now, and keep theirs too.
pub(super) async fn take_over(transaction: &mut Writing, pairs: &[Pair]) -> Result<(), StoreError> {
    // Until the end every row may refer to a number that is on its way.
    sqlx::query("PRAGMA defer_foreign_keys = ON").execute(&mut **transaction).await?;
    for pairs in pairs.chunks(ROWS * ROWS) {
        // No two rows have one number at any moment.
        for becomes in [|pair: &Pair| (pair.other, -pair.mine), |pair: &Pair| (pair.mine, pair.other), |pair: &Pair| (-pair.mine, pair.mine)] {
            let numbers: Vec<[i64; 3]> = pairs.iter().map(becomes).map(|(was, becomes)| [was, becomes, was ^ becomes]).collect();
            let numbers = values::to_json(&numbers)?;
            for (table, column) in OF_PATCH.into_iter().chain([SHARED]) {
                let sql = format!(
                    "UPDATE {table} SET {column} = given.becomes, checksum = {} \
                     FROM (SELECT value ->> 0 AS was, value ->> 1 AS becomes, value ->> 2 AS difference FROM json_each($1)) AS given \
                     WHERE {table}.{column} = given.was",
                    checksum::renumbering("checksum", "given.difference")
                );
                sqlx::query(AssertSqlSafe(sql)).bind(&numbers).execute(&mut **transaction).await?;
            }
        }
        let rest = of_filing();
        let filed = values::to_json(&pairs.iter().filter(|pair| pair.filed).map(|pair| [pair.other, pair.mine, pair.other ^ pair.mine]).collect::<Vec<_>>())?;
        let sql = format!(
            "INSERT INTO filing (patch, {rest}, checksum) SELECT given.value ->> 1, {rest}, {} \
             FROM json_each($1) AS given CROSS JOIN filing ON filing.patch = given.value ->> 0",
            checksum::renumbering("checksum", "given.value ->> 2")
        );
        sqlx::query(AssertSqlSafe(sql)).bind(filed).execute(&mut **transaction).await?;
    }
    Ok(())
}
