//! What is done about patches that were stored before: a survey that replaces another takes their numbers and confirmed verdicts over; any other is asked about.

use super::Writing;
use crate::store::StoreError;
use crate::store::same::{OF_PATCH, Pair, SAME_CORNER, SHARED, of_filing};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::HashSet;

/// Patches of the survey $1 and of others that count, with one id and one box but for $2 degrees.
const CANDIDATES: &str = "
    SELECT mine.id AS mine, mine.county AS my_county, other.id AS other, other.county AS other_county, other.survey_id AS other_survey,
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
    SELECT mine.id AS mine, mine.county AS my_county, other.id AS other, other.county AS other_county, other.survey_id AS other_survey,
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

/// Patches taken over in one statement.
const AT_A_TIME: usize = 5000;

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

/// The patches of these surveys that have confirmed verdicts.
pub(super) async fn filed(writing: &mut Writing, surveys: &[i64]) -> Result<HashSet<i64>, StoreError> {
    Ok(sqlx::query_scalar(FILED).bind(surveys).fetch_all(writing.connection()).await?.into_iter().collect())
}

/// Numbers as they were, the counties that answer for them, and numbers as they become.
type Renumbering = (Vec<i64>, Vec<String>, Vec<i64>);

/// Gives the patches that came in the numbers of those they take the place of, and their verdicts; those get the numbers that were given now, and keep theirs too.
pub(super) async fn take_over(writing: &mut Writing, pairs: &[Pair]) -> Result<(), StoreError> {
    for pairs in pairs.chunks(AT_A_TIME) {
        let of = |one: fn(&Pair) -> (i64, usize, i64)| -> Renumbering {
            let (mut was, mut counties, mut becomes) = Renumbering::default();
            for pair in pairs {
                let (number, county, next) = one(pair);
                was.push(number);
                counties.push(pair.counties[county].clone());
                becomes.push(next);
            }
            (was, counties, becomes)
        };
        // No two rows of a county have one number at any moment.
        for (was, counties, becomes) in [of(|pair| (pair.other, 1, -pair.mine)), of(|pair| (pair.mine, 0, pair.other)), of(|pair| (-pair.mine, 1, pair.mine))] {
            for (table, column) in OF_PATCH {
                let sql = format!(
                    "UPDATE {table} SET {column} = given.becomes, checksum = checksum # given.was # given.becomes \
                     FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS given (was, county, becomes) \
                     WHERE {table}.county = given.county COLLATE \"C\" AND {table}.{column} = given.was"
                );
                sqlx::query(AssertSqlSafe(sql)).bind(&was).bind(&counties).bind(&becomes).execute(writing.connection()).await?;
            }
        }
        let (table, column) = SHARED;
        let (mine, other): (Vec<i64>, Vec<i64>) = pairs.iter().map(|pair| (pair.mine, pair.other)).unzip();
        let follow = format!(
            "UPDATE {table} SET {column} = given.becomes, checksum = checksum # given.was # given.becomes \
             FROM unnest($1::bigint[], $2::bigint[]) AS given (was, becomes) WHERE {column} = given.was"
        );
        sqlx::query(AssertSqlSafe(follow)).bind(mine).bind(other).execute(writing.connection()).await?;
        take_verdicts_over(writing, &pairs.iter().filter(|pair| pair.filed).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

async fn take_verdicts_over(writing: &mut Writing, filed: &[&Pair]) -> Result<(), StoreError> {
    let (mine, other): (Vec<i64>, Vec<i64>) = filed.iter().map(|pair| (pair.mine, pair.other)).unzip();
    let counties = |side: usize| filed.iter().map(|pair| pair.counties[side].as_str()).collect::<Vec<_>>();
    let rest = of_filing();
    let keep = format!(
        "INSERT INTO filing (county, patch, {rest}, checksum) SELECT filing.county, given.mine, {rest}, checksum # given.other # given.mine \
         FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS given (other, other_county, mine) \
         JOIN filing ON filing.county = given.other_county COLLATE \"C\" AND filing.patch = given.other"
    );
    sqlx::query(AssertSqlSafe(keep)).bind(&other).bind(counties(1)).bind(&mine).execute(writing.connection()).await?;
    sqlx::query(
        "UPDATE filing SET county = given.county FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (other, other_county, county)
         WHERE filing.county = given.other_county COLLATE \"C\" AND filing.patch = given.other AND given.county <> given.other_county",
    )
    .bind(&other)
    .bind(counties(1))
    .bind(counties(0))
    .execute(writing.connection())
    .await?;
    Ok(())
}
