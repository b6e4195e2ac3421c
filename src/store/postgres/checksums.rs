//! Checksums of what is changed in its place, and roots; see [`checksum`] and [`sums`].

use crate::store::{StoreError, checksum, sql, sums, sums::Sums, tables, totals};
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::BTreeSet;

/// Refuses a survey whose row is damaged, before it is changed.
pub(super) async fn check_survey(connection: &mut PgConnection, survey: i64) -> Result<(), StoreError> {
    let row = sqlx::query(sql::ANY_SURVEY).bind(survey).fetch_optional(connection).await?;
    row.map_or(Ok(()), |row| checksum::check_plain(&row, &tables::SURVEY))
}

/// Vouches for the row of a survey that was just changed.
pub(super) async fn vouch_for_survey(connection: &mut PgConnection, survey: i64) -> Result<(), StoreError> {
    let row = sqlx::query(sql::ANY_SURVEY).bind(survey).fetch_one(&mut *connection).await?;
    let checksum = checksum::of_row(&row, &tables::SURVEY, |name| name)?;
    sqlx::query(sql::VOUCH_FOR_SURVEY).bind(survey).bind(checksum).execute(connection).await?;
    Ok(())
}

/// Vouches for patches that were just changed.
pub(super) async fn vouch_for_patches(connection: &mut PgConnection, changed: &[PgRow]) -> Result<(), StoreError> {
    let (patches, checksums): (Vec<i64>, Vec<i64>) = checksum::of_patches(changed)?.into_iter().unzip();
    sqlx::query("UPDATE patch SET checksum = given.checksum FROM unnest($1::bigint[], $2::bigint[]) AS given (id, checksum) WHERE patch.id = given.id")
        .bind(patches)
        .bind(checksums)
        .execute(connection)
        .await?;
    Ok(())
}

/// Rows of these patches, of [`totals`].
pub(super) async fn rows_of(connection: &mut PgConnection, patches: &[i64]) -> Result<Vec<PgRow>, StoreError> {
    Ok(sqlx::query(totals::OF_PATCH_ARRAY).bind(patches).fetch_all(connection).await?)
}

/// Stores what surveys sum to now that verdicts of these patches are others than in the rows `before`.
pub(super) async fn filed(connection: &mut PgConnection, patches: &[i64], before: &[PgRow]) -> Result<(), StoreError> {
    use crate::store::columns::Columns;
    let after = rows_of(connection, patches).await?;
    let surveys = before.iter().map(|row| row.integer("survey_id")).collect::<Result<BTreeSet<_>, _>>()?;
    for survey in surveys {
        sqlx::query(sql::FILED).bind(survey).execute(&mut *connection).await?;
        let text: Option<String> = sqlx::query_scalar(sql::SUMS).bind(survey).fetch_optional(&mut *connection).await?;
        let Some(text) = text else { continue };
        let mut sums = Sums::from_text(&text)?;
        sums.exchange(survey, before, &after)?;
        set_sums(connection, survey, &sums).await?;
    }
    Ok(())
}

/// What a survey sums to, of whose findings these are the sums as if none had a verdict.
pub(super) async fn with_verdicts(connection: &mut PgConnection, survey: i64, findings: &Sums) -> Result<Sums, StoreError> {
    let mut sums = findings.clone();
    let pending = sqlx::query(totals::OF_FILED_PENDING_BY_COUNTY).bind(survey).fetch_all(&mut *connection).await?;
    sums.exchange(survey, &pending, &sqlx::query(totals::OF_FILED_BY_COUNTY).bind(survey).fetch_all(connection).await?)?;
    Ok(sums)
}

/// What a survey sums to, of its rows as they are.
pub(super) async fn sums_of(connection: &mut PgConnection, survey: i64) -> Result<Sums, StoreError> {
    let mut sums = Sums::default();
    sums.exchange(survey, &[], &sqlx::query(totals::OF_SURVEYS).bind(vec![survey]).fetch_all(connection).await?)?;
    Ok(sums)
}

/// Stores what a survey sums to.
pub(super) async fn set_sums(connection: &mut PgConnection, survey: i64, sums: &Sums) -> Result<(), StoreError> {
    sqlx::query(sql::SET_SUMS).bind(survey).bind(sums.to_text()?).execute(connection).await?;
    Ok(())
}

/// Refuses surveys that sum to something else now.
pub(super) async fn compare_all(connection: &mut PgConnection) -> Result<(), StoreError> {
    let stored: Vec<(i64, String)> = sqlx::query_as(sql::ALL_SUMS).fetch_all(&mut *connection).await?;
    let surveys: Vec<i64> = stored.iter().map(|(survey, _)| *survey).collect();
    sums::compare(&stored, &sqlx::query(totals::OF_SURVEYS).bind(surveys).fetch_all(connection).await?)
}
