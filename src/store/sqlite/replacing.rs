//! What is done about patches that were stored before: a survey that replaces another takes their numbers and confirmed verdicts over; any other is asked about.

use super::Writing;
use super::bulk::ROWS;
use crate::store::same::{OF_PATCH, Pair, Pairs, SAME_CORNER, SHARED, of_filing};
use crate::store::{StoreError, values};
use futures_util::TryStreamExt;
use sqlx::AssertSqlSafe;

/// Patches of the survey $1 and of others that count or are in the list $2, with one id and one box but for $3 degrees.
const CANDIDATES: &str = "
    SELECT mine.id AS mine, other.id AS other, other.survey_id AS other_survey, EXISTS (SELECT 1 FROM filing WHERE filing.patch = other.id) AS filed,
        my_outline.degrees AS my_degrees, other_outline.degrees AS other_degrees
    FROM patch mine CROSS JOIN patch other ON other.patch_id = mine.patch_id
    CROSS JOIN survey ON survey.id = other.survey_id
    CROSS JOIN patch_outline my_outline ON my_outline.patch = mine.id CROSS JOIN patch_outline other_outline ON other_outline.patch = other.id
    WHERE mine.survey_id = $1 AND other.survey_id <> $1
        AND abs(mine.west - other.west) <= $3 AND abs(mine.south - other.south) <= $3 AND abs(mine.east - other.east) <= $3 AND abs(mine.north - other.north) <= $3
        AND (survey.withdrawn_ms IS NULL OR survey.id IN (SELECT value FROM json_each($2)))";

/// Patches of a survey that is coming in which were stored before.
pub(super) async fn pairs(transaction: &mut Writing, survey: i64, replaced: &[i64]) -> Result<Pairs, StoreError> {
    let mut found = sqlx::query(CANDIDATES).bind(survey).bind(values::to_json(&replaced)?).bind(SAME_CORNER).fetch(&mut **transaction);
    let mut pairs = Vec::new();
    while let Some(row) = found.try_next().await? {
        pairs.extend(Pair::of(&row, Default::default())?);
    }
    Ok(Pairs::sort(pairs, replaced))
}

/// Gives the patches that came in the numbers of those they take the place of, and their verdicts; those get the numbers that were given now, and keep theirs too.
pub(super) async fn take_over(transaction: &mut Writing, pairs: &[Pair]) -> Result<(), StoreError> {
    // Until the end every row may refer to a number that is on its way.
    sqlx::query("PRAGMA defer_foreign_keys = ON").execute(&mut **transaction).await?;
    for pairs in pairs.chunks(ROWS * ROWS) {
        // No two rows have one number at any moment.
        for becomes in [|pair: &Pair| (pair.other, -pair.mine), |pair: &Pair| (pair.mine, pair.other), |pair: &Pair| (-pair.mine, pair.mine)] {
            let numbers = values::to_json(&pairs.iter().map(becomes).collect::<Vec<_>>())?;
            for (table, column) in OF_PATCH.into_iter().chain([SHARED]) {
                let sql = format!(
                    "UPDATE {table} SET {column} = given.becomes FROM (SELECT value ->> 0 AS was, value ->> 1 AS becomes FROM json_each($1)) AS given \
                     WHERE {table}.{column} = given.was"
                );
                sqlx::query(AssertSqlSafe(sql)).bind(&numbers).execute(&mut **transaction).await?;
            }
        }
        let rest = of_filing();
        let filed = values::to_json(&pairs.iter().filter(|pair| pair.filed).map(|pair| (pair.other, pair.mine)).collect::<Vec<_>>())?;
        let sql = format!(
            "INSERT INTO filing (patch, {rest}) SELECT given.value ->> 1, {rest} FROM json_each($1) AS given CROSS JOIN filing ON filing.patch = given.value ->> 0"
        );
        sqlx::query(AssertSqlSafe(sql)).bind(filed).execute(&mut **transaction).await?;
    }
    Ok(())
}
