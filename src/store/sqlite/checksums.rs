//! Checksums of what is changed in its place, and roots; see [`checksum`] and [`sums`].

use super::Writing;
use crate::store::{StoreError, checksum, sql, sums, sums::Sums, tables, totals, values};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::collections::BTreeSet;

/// Refuses a survey whose row is damaged, before it is changed.
pub(super) async fn check_survey(connection: &mut SqliteConnection, survey: i64) -> Result<(), StoreError> {
    let row = sqlx::query(sql::ANY_SURVEY).bind(survey).fetch_optional(connection).await?;
    row.map_or(Ok(()), |row| checksum::check_plain(&row, &tables::SURVEY))
}

/// Vouches for the row of a survey that was just changed.
pub(super) async fn vouch_for_survey(transaction: &mut Writing, survey: i64) -> Result<(), StoreError> {
    let row = sqlx::query(sql::ANY_SURVEY).bind(survey).fetch_one(&mut **transaction).await?;
    let checksum = checksum::of_row(&row, &tables::SURVEY, |name| name)?;
    sqlx::query(sql::VOUCH_FOR_SURVEY).bind(survey).bind(checksum).execute(&mut **transaction).await?;
    Ok(())
}

/// Vouches for patches that were just changed.
pub(super) async fn vouch_for_patches(transaction: &mut Writing, changed: &[SqliteRow]) -> Result<(), StoreError> {
    let checksums = checksum::of_patches(changed)?;
    sqlx::query("UPDATE patch SET checksum = given.value ->> 1 FROM json_each($1) AS given WHERE patch.id = given.value ->> 0")
        .bind(values::to_json(&checksums)?)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Rows of these patches, of [`totals`].
pub(super) async fn rows_of(connection: &mut SqliteConnection, patches: &[i64]) -> Result<Vec<SqliteRow>, StoreError> {
    Ok(sqlx::query(totals::OF_PATCHES).bind(values::to_json(&patches)?).fetch_all(connection).await?)
}

/// Stores what surveys sum to now that verdicts of these patches are others than in the rows `before`.
pub(super) async fn filed(transaction: &mut Writing, patches: &[i64], before: &[SqliteRow]) -> Result<(), StoreError> {
    use crate::store::columns::Columns;
    let after = rows_of(transaction, patches).await?;
    let surveys = before.iter().map(|row| row.integer("survey_id")).collect::<Result<BTreeSet<_>, _>>()?;
    for survey in surveys {
        sqlx::query(sql::FILED).bind(survey).execute(&mut **transaction).await?;
        let text: Option<String> = sqlx::query_scalar(sql::SUMS).bind(survey).fetch_optional(&mut **transaction).await?;
        let Some(text) = text else { continue };
        let mut sums = Sums::from_text(&text)?;
        sums.exchange(survey, before, &after)?;
        set_sums(transaction, survey, &sums).await?;
    }
    Ok(())
}

/// What a survey sums to, of whose findings these are the sums as if none had a verdict.
pub(super) async fn with_verdicts(connection: &mut SqliteConnection, survey: i64, findings: &Sums) -> Result<Sums, StoreError> {
    let mut sums = findings.clone();
    let pending = sqlx::query(totals::OF_FILED_PENDING).bind(survey).fetch_all(&mut *connection).await?;
    sums.exchange(survey, &pending, &sqlx::query(totals::OF_FILED).bind(survey).fetch_all(connection).await?)?;
    Ok(sums)
}

/// What a survey sums to, of its rows as they are.
pub(super) async fn sums_of(connection: &mut SqliteConnection, survey: i64) -> Result<Sums, StoreError> {
    let mut sums = Sums::default();
    sums.exchange(survey, &[], &sqlx::query(totals::OF_LIST).bind(values::to_json(&[survey])?).fetch_all(connection).await?)?;
    Ok(sums)
}

/// Stores what a survey sums to.
pub(super) async fn set_sums(transaction: &mut Writing, survey: i64, sums: &Sums) -> Result<(), StoreError> {
    sqlx::query(sql::SET_SUMS).bind(survey).bind(sums.to_text()?).execute(&mut **transaction).await?;
    Ok(())
}

/// Refuses surveys that sum to something else now.
pub(super) async fn compare_all(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let stored: Vec<(i64, String)> = sqlx::query_as(sql::ALL_SUMS).fetch_all(&mut *connection).await?;
    sums::compare(&stored, &sqlx::query(totals::OF_ALL).fetch_all(connection).await?)
}
