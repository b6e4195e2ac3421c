//! Ground that patches share.

use super::Writing;
use super::copy::Copy;
use crate::geom::Bounds;
use crate::land::{GroundShare, SharedPiece};
use crate::store::ground::{self, PatchGround, PatchPlace};
use crate::store::{StoreError, tables};

/// The patches of a survey.
pub(super) async fn places_of(writing: &mut Writing, survey: i64) -> Result<Vec<PatchPlace>, StoreError> {
    let sql = format!("SELECT {} FROM patch WHERE survey_id = $1 ORDER BY id", ground::PLACE);
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(survey).fetch_all(writing.connection()).await?;
    rows.iter().map(ground::read_place).collect()
}

/// See [`GroundWriter::places_near`](crate::store::GroundWriter::places_near). OFFSET 0 keeps the planner to the index on cells.
pub(super) async fn places_near(writing: &mut Writing, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT patch.* FROM unnest($1::bigint[], $2::bigint[]) AS span (low, high)
         CROSS JOIN LATERAL (SELECT {} FROM patch WHERE patch.cell BETWEEN span.low AND span.high
             AND patch.survey_id <> ALL (ARRAY(SELECT id FROM survey WHERE withdrawn_ms IS NOT NULL)) OFFSET 0) AS patch",
        ground::PLACE
    );
    for ranges in ground::ranges(boxes).chunks(ground::RANGES) {
        let (low, high): (Vec<i64>, Vec<i64>) = ranges.iter().copied().unzip();
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(low).bind(high).fetch_all(writing.connection()).await?;
        take(rows.iter().map(ground::read_place).collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// See [`GroundWriter::grounds`](crate::store::GroundWriter::grounds).
pub(super) async fn grounds(writing: &mut Writing, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError> {
    let sql = format!(
        "SELECT {} FROM (SELECT * FROM patch WHERE id = ANY($1) OFFSET 0) AS patch
         JOIN patch_outline ON patch_outline.county = patch.county AND patch_outline.patch = patch.id
         JOIN finding ON finding.county = patch.county AND finding.patch = patch.id LEFT JOIN survey ON survey.id = patch.survey_id ORDER BY patch.id",
        ground::GROUND
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(patches).fetch_all(writing.connection()).await?;
    rows.iter().map(ground::read_ground).collect()
}

/// See [`GroundWriter::pieces`](crate::store::GroundWriter::pieces).
pub(super) async fn pieces(writing: &mut Writing, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = "SELECT piece, patch FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground WHERE patch = ANY($1)) ORDER BY piece, patch";
    Ok(sqlx::query_as(sql).bind(patches).fetch_all(writing.connection()).await?)
}

/// See [`GroundWriter::forget_pieces`](crate::store::GroundWriter::forget_pieces).
pub(super) async fn forget_pieces(writing: &mut Writing, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
    sqlx::query(
        "DELETE FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground WHERE patch = ANY($1))
             AND NOT EXISTS (SELECT 1 FROM shared_ground other WHERE other.piece = shared_ground.piece AND other.patch <> ALL($1))",
    )
    .bind(patches)
    .execute(writing.connection())
    .await?;
    let sql = format!("SELECT {} FROM shared_ground WHERE patch = ANY($1) ORDER BY id", ground::SHARE);
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(patches).fetch_all(writing.connection()).await?;
    rows.iter().map(ground::read_share).collect()
}

/// See [`GroundWriter::add_pieces`](crate::store::GroundWriter::add_pieces).
pub(super) async fn add_pieces(writing: &mut Writing, pieces: &[SharedPiece]) -> Result<(), StoreError> {
    let next: i64 = sqlx::query_scalar(ground::NEXT).fetch_one(writing.connection()).await?;
    let mut copy = Copy::new(&tables::SHARED_GROUND);
    for (id, piece, share) in ground::numbered(pieces, next) {
        ground::write_share(copy.row(), id, piece, share)?;
    }
    Ok(copy.send(writing).await?)
}
