//! Ground that patches share.

use super::copy::Copy;
use super::{PostgresStore, Writing, unpublished::moment};
use crate::store::columns::Columns;
use crate::store::ground::{self, Looked, NewFindings, PatchGround, PatchPlace, Seen};
use crate::store::{StoreError, tables};
use sqlx::PgConnection;
use tuban_engine::model::{GroundShare, SharedPiece};
use tuban_geom::Bounds;

/// The patches of a survey.
pub(super) async fn places_of(connection: &mut PgConnection, survey: i64) -> Result<Vec<PatchPlace>, StoreError> {
    let sql = format!("SELECT {} FROM patch WHERE survey_id = $1 ORDER BY id", ground::PLACE);
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(survey).fetch_all(&mut *connection).await?;
    rows.iter().map(ground::read_place).collect()
}

/// See [`GroundWriter::places_near`](crate::store::GroundWriter::places_near). OFFSET 0 keeps the planner to the index on cells.
pub(super) async fn places_near(
    connection: &mut PgConnection,
    boxes: &[Bounds],
    seen: Seen<'_>,
    take: &mut (dyn FnMut(Vec<PatchPlace>) + Send),
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT patch.* FROM unnest($1::bigint[], $2::bigint[]) AS span (low, high)
         CROSS JOIN LATERAL (SELECT {} FROM patch WHERE patch.cell BETWEEN span.low AND span.high
             AND patch.survey_id <> ALL (ARRAY(SELECT id FROM survey WHERE withdrawn_ms IS NOT NULL AND id <> $3)) AND patch.survey_id <> ALL ($4) OFFSET 0) AS patch",
        ground::PLACE
    );
    for ranges in ground::ranges(boxes).chunks(ground::RANGES) {
        let (low, high): (Vec<i64>, Vec<i64>) = ranges.iter().copied().unzip();
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(low).bind(high).bind(seen.own).bind(seen.without).fetch_all(&mut *connection).await?;
        take(rows.iter().map(ground::read_place).collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// See [`GroundWriter::grounds`](crate::store::GroundWriter::grounds). New findings of a survey are those that its writer has written.
pub(super) async fn grounds(connection: &mut PgConnection, patches: &[i64], new: Option<NewFindings>) -> Result<Vec<PatchGround>, StoreError> {
    let of = |finding: &str, condition: &str| {
        format!(
            "SELECT {} FROM (SELECT * FROM patch WHERE id = ANY($1) OFFSET 0) AS patch
             JOIN patch_outline ON patch_outline.county = patch.county AND patch_outline.patch = patch.id
             JOIN finding ON {finding} finding.patch = patch.id LEFT JOIN survey ON survey.id = patch.survey_id WHERE {condition} ORDER BY patch.id",
            ground::GROUND
        )
    };
    let NewFindings { survey, unpublished } = new.unwrap_or(NewFindings { survey: 0, unpublished: 0 });
    let old = of("finding.county = patch.county AND", "patch.survey_id <> $2 AND finding.made = survey.made");
    let rows = sqlx::query(sqlx::AssertSqlSafe(old)).bind(patches).bind(survey).fetch_all(&mut *connection).await?;
    let mut grounds = rows.iter().map(ground::read_ground).collect::<Result<Vec<_>, _>>()?;
    if new.is_some() {
        // Another county may answer for the patch from now on.
        let new = of("finding.survey_id = $2 AND finding.made = $3 AND", "patch.survey_id = $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(new)).bind(patches).bind(survey).bind(unpublished).fetch_all(&mut *connection).await?;
        for row in &rows {
            grounds.push(ground::read_ground(row)?);
        }
        grounds.sort_unstable_by_key(|ground| ground.patch);
    }
    Ok(grounds)
}

impl PostgresStore {
    /// All pieces that lie in one of these patches: piece and share, by piece.
    pub(super) async fn shares(&self, patches: &[i64]) -> Result<Vec<(i64, GroundShare)>, StoreError> {
        let sql = format!(
            "SELECT piece, {} FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground WHERE patch = ANY($1)) ORDER BY piece, id",
            ground::SHARE
        );
        let reading = async {
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(patches).fetch_all(&self.pools.sums).await?;
            rows.iter().map(|row| Ok((row.integer("piece")?, ground::read_share(row)?))).collect()
        };
        self.pools.lost.soon(reading).await
    }

    /// See [`GroundWriter::pieces`](crate::store::GroundWriter::pieces), of what is stored.
    pub(super) async fn stored_pieces(&self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
        self.pools.lost.soon(async { pieces(&mut *self.pools.sums.acquire().await?, patches).await }).await
    }
}

/// See [`GroundWriter::pieces`](crate::store::GroundWriter::pieces).
pub(super) async fn pieces(connection: &mut PgConnection, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = "SELECT piece, patch FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground WHERE patch = ANY($1)) ORDER BY piece, patch";
    Ok(sqlx::query_as(sql).bind(patches).fetch_all(&mut *connection).await?)
}

/// See [`GroundWriter::forget_pieces`](crate::store::GroundWriter::forget_pieces).
pub(super) async fn forget_pieces(connection: &mut PgConnection, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
    sqlx::query(
        "DELETE FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground WHERE patch = ANY($1))
             AND NOT EXISTS (SELECT 1 FROM shared_ground other WHERE other.piece = shared_ground.piece AND other.patch <> ALL($1))",
    )
    .bind(patches)
    .execute(&mut *connection)
    .await?;
    let sql = format!("SELECT {} FROM shared_ground WHERE patch = ANY($1) ORDER BY id", ground::SHARE);
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(patches).fetch_all(&mut *connection).await?;
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

impl Looked {
    /// See [`Publishing::look_stands`](crate::store::Publishing::look_stands).
    pub(super) async fn stands_on_server(&mut self, connection: &mut PgConnection, is_near: &(dyn Fn(PatchPlace) -> bool + Sync)) -> Result<bool, StoreError> {
        let now = moment(connection).await?;
        let Some(came) = now.came_since(&self.moment).filter(|came| !came.is_empty()) else { return Ok(false) };
        for survey in came {
            if places_of(connection, survey).await?.into_iter().any(is_near) {
                return Ok(false);
            }
        }
        self.moment = now;
        Ok(true)
    }
}
