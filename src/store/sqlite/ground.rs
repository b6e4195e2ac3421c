//! Ground that patches share.

use super::Writing;
use super::bulk::{Arguments, Insert, ROWS};
use crate::geom::Bounds;
use crate::land::{GroundShare, SharedPiece};
use crate::store::ground::{self, PatchGround, PatchPlace};
use crate::store::{StoreError, tables, values};

/// The patches of a survey.
pub(super) async fn places_of(transaction: &mut Writing, survey: i64) -> Result<Vec<PatchPlace>, StoreError> {
    let sql = format!("SELECT {} FROM patch WHERE survey_id = $1 ORDER BY id", ground::PLACE);
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(survey).fetch_all(&mut **transaction).await?;
    rows.iter().map(ground::read_place).collect()
}

/// See [`GroundWriter::places_near`](crate::store::GroundWriter::places_near).
pub(super) async fn places_near(transaction: &mut Writing, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {} FROM json_each($1) AS span CROSS JOIN patch ON patch.cell BETWEEN span.value ->> 0 AND span.value ->> 1 \
         WHERE patch.survey_id NOT IN (SELECT id FROM survey WHERE withdrawn_ms IS NOT NULL)",
        ground::PLACE
    );
    for ranges in ground::ranges(boxes).chunks(ground::RANGES) {
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(values::to_json(&ranges)?).fetch_all(&mut **transaction).await?;
        take(rows.iter().map(ground::read_place).collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// See [`GroundWriter::grounds`](crate::store::GroundWriter::grounds).
pub(super) async fn grounds(transaction: &mut Writing, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
    let sql = format!(
        "SELECT {} FROM json_each($1) AS given CROSS JOIN patch ON patch.id = given.value JOIN patch_outline ON patch_outline.patch = patch.id \
         JOIN finding ON finding.patch = patch.id LEFT JOIN survey ON survey.id = patch.survey_id ORDER BY patch.id",
        ground::GROUND
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(values::to_json(&patches)?).fetch_all(&mut **transaction).await?;
    rows.iter().map(ground::read_ground).collect()
}

/// See [`GroundWriter::pieces`](crate::store::GroundWriter::pieces).
pub(super) async fn pieces(transaction: &mut Writing, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = "SELECT piece, patch FROM shared_ground WHERE piece IN
        (SELECT piece FROM shared_ground WHERE patch IN (SELECT value FROM json_each($1))) ORDER BY piece, patch";
    Ok(sqlx::query_as(sql).bind(values::to_json(&patches)?).fetch_all(&mut **transaction).await?)
}

/// See [`GroundWriter::forget_pieces`](crate::store::GroundWriter::forget_pieces).
pub(super) async fn forget_pieces(transaction: &mut Writing, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
    let patches = values::to_json(&patches)?;
    sqlx::query(
        "WITH given (patch) AS MATERIALIZED (SELECT value FROM json_each($1))
         DELETE FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground WHERE patch IN given)
             AND NOT EXISTS (SELECT 1 FROM shared_ground other WHERE other.piece = shared_ground.piece AND other.patch NOT IN given)",
    )
    .bind(&patches)
    .execute(&mut **transaction)
    .await?;
    let sql = format!("SELECT {} FROM shared_ground WHERE patch IN (SELECT value FROM json_each($1)) ORDER BY id", ground::SHARE);
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&patches).fetch_all(&mut **transaction).await?;
    rows.iter().map(ground::read_share).collect()
}

/// See [`GroundWriter::add_pieces`](crate::store::GroundWriter::add_pieces).
pub(super) async fn add_pieces(transaction: &mut Writing, pieces: &[SharedPiece]) -> Result<(), StoreError> {
    let next: i64 = sqlx::query_scalar(ground::NEXT).fetch_one(&mut **transaction).await?;
    let (rows, insert): (Vec<_>, _) = (ground::numbered(pieces, next).collect(), Insert::new(&tables::SHARED_GROUND));
    for rows in rows.chunks(ROWS) {
        let mut arguments = Arguments::default();
        rows.iter().try_for_each(|(id, piece, share)| ground::write_share(&mut arguments, *id, *piece, share))?;
        insert.execute(transaction, rows.len(), arguments).await?;
    }
    Ok(())
}
