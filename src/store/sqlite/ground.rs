//! Ground that patches share.

use super::bulk::{Arguments, Insert, ROWS};
use super::unpublished::moment;
use crate::store::columns::Columns;
use crate::store::ground::{self, Looked, NewFindings, PatchGround, PatchPlace, Seen};
use crate::store::{StoreError, tables, values};
use sqlx::{AssertSqlSafe, SqliteConnection};
use tuban_engine::model::{GroundShare, SharedPiece};
use tuban_geom::Bounds;

/// The patches of a survey.
pub(super) async fn places_of(connection: &mut SqliteConnection, survey: i64) -> Result<Vec<PatchPlace>, StoreError> {
    let sql = format!("SELECT {} FROM patch WHERE survey_id = $1 ORDER BY id", ground::PLACE);
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(survey).fetch_all(&mut *connection).await?;
    rows.iter().map(ground::read_place).collect()
}

/// See [`GroundWriter::places_near`](crate::store::GroundWriter::places_near).
pub(super) async fn places_near(
    connection: &mut SqliteConnection,
    boxes: &[Bounds],
    seen: Seen<'_>,
    take: &mut (dyn FnMut(Vec<PatchPlace>) + Send),
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {} FROM json_each($1) AS span CROSS JOIN patch ON patch.cell BETWEEN span.value ->> 0 AND span.value ->> 1 \
         WHERE patch.survey_id NOT IN (SELECT id FROM survey WHERE withdrawn_ms IS NOT NULL AND id <> $2) \
         AND patch.survey_id NOT IN (SELECT value FROM json_each($3))",
        ground::PLACE
    );
    for ranges in ground::ranges(boxes).chunks(ground::RANGES) {
        let rows = sqlx::query(AssertSqlSafe(sql.as_str()))
            .bind(values::to_json(&ranges)?)
            .bind(seen.own)
            .bind(values::to_json(&seen.without)?)
            .fetch_all(&mut *connection)
            .await?;
        take(rows.iter().map(ground::read_place).collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// See [`GroundWriter::grounds`](crate::store::GroundWriter::grounds). New findings of a survey are those that its writer has written.
pub(super) async fn grounds(connection: &mut SqliteConnection, patches: &[i64], new: Option<NewFindings>) -> Result<Vec<PatchGround>, StoreError> {
    let of = |condition: &str| {
        format!(
            "SELECT {} FROM json_each($1) AS given CROSS JOIN patch ON patch.id = given.value JOIN patch_outline ON patch_outline.patch = patch.id \
             JOIN finding ON finding.patch = patch.id LEFT JOIN survey ON survey.id = patch.survey_id WHERE {condition} ORDER BY patch.id",
            ground::GROUND
        )
    };
    let (patches, NewFindings { survey, unpublished }) = (values::to_json(&patches)?, new.unwrap_or(NewFindings { survey: 0, unpublished: 0 }));
    let old = of("patch.survey_id <> $2 AND finding.made = survey.made");
    let rows = sqlx::query(AssertSqlSafe(old)).bind(&patches).bind(survey).fetch_all(&mut *connection).await?;
    let mut grounds = rows.iter().map(ground::read_ground).collect::<Result<Vec<_>, _>>()?;
    if new.is_some() {
        let new = of("patch.survey_id = $2 AND finding.made = $3");
        let rows = sqlx::query(AssertSqlSafe(new)).bind(&patches).bind(survey).bind(unpublished).fetch_all(connection).await?;
        for row in &rows {
            grounds.push(ground::read_ground(row)?);
        }
        grounds.sort_unstable_by_key(|ground| ground.patch);
    }
    Ok(grounds)
}

/// All pieces that lie in one of these patches: piece and share, by piece.
pub(super) async fn shares(connection: &mut SqliteConnection, patches: &[i64]) -> Result<Vec<(i64, GroundShare)>, StoreError> {
    let sql = format!(
        "SELECT piece, {} FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground WHERE patch IN (SELECT value FROM json_each($1))) ORDER BY piece, id",
        ground::SHARE
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(values::to_json(&patches)?).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.integer("piece")?, ground::read_share(row)?))).collect()
}

/// See [`GroundWriter::pieces`](crate::store::GroundWriter::pieces).
pub(super) async fn pieces(connection: &mut SqliteConnection, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = "SELECT piece, patch FROM shared_ground WHERE piece IN
        (SELECT piece FROM shared_ground WHERE patch IN (SELECT value FROM json_each($1))) ORDER BY piece, patch";
    Ok(sqlx::query_as(sql).bind(values::to_json(&patches)?).fetch_all(connection).await?)
}

/// See [`GroundWriter::forget_pieces`](crate::store::GroundWriter::forget_pieces).
pub(super) async fn forget_pieces(connection: &mut SqliteConnection, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError> {
    let patches = values::to_json(&patches)?;
    sqlx::query(
        "WITH given (patch) AS MATERIALIZED (SELECT value FROM json_each($1))
         DELETE FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground WHERE patch IN given)
             AND NOT EXISTS (SELECT 1 FROM shared_ground other WHERE other.piece = shared_ground.piece AND other.patch NOT IN given)",
    )
    .bind(&patches)
    .execute(&mut *connection)
    .await?;
    let sql = format!("SELECT {} FROM shared_ground WHERE patch IN (SELECT value FROM json_each($1)) ORDER BY id", ground::SHARE);
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(&patches).fetch_all(&mut *connection).await?;
    rows.iter().map(ground::read_share).collect()
}

/// See [`GroundWriter::add_pieces`](crate::store::GroundWriter::add_pieces).
pub(super) async fn add_pieces(connection: &mut SqliteConnection, pieces: &[SharedPiece]) -> Result<(), StoreError> {
    let next: i64 = sqlx::query_scalar(ground::NEXT).fetch_one(&mut *connection).await?;
    let (rows, insert): (Vec<_>, _) = (ground::numbered(pieces, next).collect(), Insert::new(&tables::SHARED_GROUND));
    for rows in rows.chunks(ROWS) {
        let mut arguments = Arguments::default();
        rows.iter().try_for_each(|(id, piece, share)| ground::write_share(&mut arguments, *id, *piece, share))?;
        insert.execute(connection, rows.len(), arguments).await?;
    }
    Ok(())
}

impl Looked {
    /// See [`Publishing::look_stands`](crate::store::Publishing::look_stands).
    pub(super) async fn stands_in_file(
        &mut self,
        connection: &mut SqliteConnection,
        is_near: &(dyn Fn(PatchPlace) -> bool + Sync),
    ) -> Result<bool, StoreError> {
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
