//! Ground that patches share, as every writer of patches or findings sees it; and what both databases do about it in the same way.

use super::checksum::{self, Summing};
use super::columns::Columns;
use super::values::{self, Values};
use super::{StoreError, cells, tables, unpublished::Moment};
use async_trait::async_trait;
use jiff::civil::Date;
use std::collections::HashSet;
use tuban_engine::model::{Areas, AutomaticVerdict, GroundShare, Reason, SharedPiece};
use tuban_geom::{Bounds, Outline};

/// Where a patch lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatchPlace {
    /// Its key.
    pub patch: i64,
    /// Its box, degrees.
    pub bounds: Bounds,
}

/// What it takes to measure a stored patch again, and to hold its pieces against its finding.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchGround {
    /// Its key.
    pub patch: i64,
    /// The number of its survey.
    pub survey: i64,
    /// The CRS of its survey's file; `None` of the survey that is being stored.
    pub crs: Option<String>,
    /// As in [`Patch`](tuban_engine::model::Patch).
    pub degrees: Outline,
    /// As in [`Patch`](tuban_engine::model::Patch).
    pub repaired: Option<Outline>,
    /// As in [`Patch`](tuban_engine::model::Patch).
    pub source: Option<Outline>,
    /// The day of its after-image, as of which approvals are measured.
    pub after: Date,
    /// The areas of its finding.
    pub areas: Areas,
    /// The automatic verdict.
    pub verdict: AutomaticVerdict,
    /// Why.
    pub reason: Reason,
    /// As in [`Finding`](tuban_engine::model::Finding).
    pub automatic_legal_farmland_m2: f64,
    /// As in [`Finding`](tuban_engine::model::Finding).
    pub automatic_illegal_farmland_m2: f64,
    /// As in [`Finding`](tuban_engine::model::Finding).
    pub layer_set: i64,
}

/// The patches as they will be, and the ground they share: part of every writer that changes patches or findings. A look begins with [`own_places`](Self::own_places).
/// What is forgotten and added is stored when the writer publishes, at the latest.
#[async_trait]
pub trait GroundWriter: Send {
    /// The patches of the survey that is written, in the order of their keys.
    async fn own_places(&mut self) -> Result<Vec<PatchPlace>, StoreError>;
    /// Hands on every patch, of whatever survey that counts, whose box may touch one of these; some that touch none, too. Each patch once, in portions.
    async fn places_near(&mut self, boxes: &[Bounds], take: &mut (dyn FnMut(Vec<PatchPlace>) + Send)) -> Result<(), StoreError>;
    /// These patches, those that there are, in the order of their keys.
    async fn grounds(&mut self, patches: &[i64]) -> Result<Vec<PatchGround>, StoreError>;
    /// The pieces that lie in one of these patches, or more: the number of a piece and the key of a patch it lies in, by piece.
    async fn pieces(&mut self, patches: &[i64]) -> Result<Vec<(i64, i64)>, StoreError>;
    /// Removes the pieces that lie in these patches and in no other; answers what is left of pieces that lie in one of them.
    async fn forget_pieces(&mut self, patches: &[i64]) -> Result<Vec<GroundShare>, StoreError>;
    /// Stores pieces.
    async fn add_pieces(&mut self, pieces: &[SharedPiece]) -> Result<(), StoreError>;
}

/// Whose patches are seen beside those that count.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    /// The survey that is written.
    pub(super) own: i64,
    /// Surveys that will not count any more once it does.
    pub(super) without: &'a [i64],
}

/// Findings of a survey that are written beside those that are stored.
#[derive(Clone, Copy)]
pub(super) struct NewFindings {
    /// The survey.
    pub(super) survey: i64,
    /// The writer.
    pub(super) unpublished: i64,
}

/// What was found of shared ground while others went on writing: to be stored when the survey is published, if it is still right then.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Which surveys counted.
    pub(super) moment: Moment,
    /// Patches whose pieces are replaced.
    pub(super) changed: Vec<i64>,
    /// What is left of pieces that lie in them and in others.
    pub(super) kept: Vec<GroundShare>,
    /// The new pieces.
    pub(super) pieces: Vec<SharedPiece>,
}

impl Looked {
    /// Nothing found yet.
    pub(super) fn at(moment: Moment) -> Self {
        Self { moment, ..Self::default() }
    }

    /// Notes whose pieces are replaced, of all pieces they lie in; answers what is left.
    pub(super) fn forget(&mut self, patches: &[i64], shares: Vec<(i64, GroundShare)>) -> Vec<GroundShare> {
        let given: HashSet<i64> = patches.iter().copied().collect();
        let in_others: HashSet<i64> = shares.iter().filter(|(_, share)| !given.contains(&share.patch)).map(|(piece, _)| *piece).collect();
        let mut kept: Vec<(i64, GroundShare)> = shares.into_iter().filter(|(piece, share)| in_others.contains(piece) && given.contains(&share.patch)).collect();
        kept.sort_by_key(|(piece, _)| *piece);
        self.changed = patches.to_vec();
        self.kept = kept.into_iter().map(|(_, share)| share).collect();
        self.kept.clone()
    }
}

/// What is left of pieces once these surveys do not count any more: ground in one patch only is not shared.
pub(super) fn still_shared(mut shares: Vec<(i64, GroundShare)>, without: &[i64]) -> Vec<(i64, GroundShare)> {
    shares.retain(|(_, share)| !without.contains(&share.survey));
    let alone: HashSet<i64> = shares.chunk_by(|one, next| one.0 == next.0).filter(|piece| piece.len() == 1).map(|piece| piece[0].0).collect();
    shares.retain(|(piece, _)| !alone.contains(piece));
    shares
}

/// The columns of [`read_place`].
pub(super) const PLACE: &str =
    "patch.id, patch.survey_id, patch.row, patch_id, stated_county, west, south, east, north, cell, before_day, after_day, patch.number, patch.checksum";

/// The columns of [`read_ground`]; survey may be missing.
pub(super) const GROUND: &str = "patch.id, patch.survey_id, patch.row, patch_id, stated_county, west, south, east, north, cell, before_day, after_day, patch.number, \
    patch.checksum AS patch_checksum, attributes, defects, degrees, patch_outline.repaired, source, patch_outline.checksum AS outline_checksum, \
    CASE WHEN survey.withdrawn_ms = 0 THEN NULL ELSE survey.crs END AS crs, survey.period, survey.months, \
    CASE WHEN after_day IS NULL THEN survey.fields END AS survey_fields, CASE WHEN after_day IS NULL THEN survey.created_ms END AS survey_created_ms, finding.*";

/// The columns of [`read_share`].
pub(super) const SHARE: &str = "id, piece, patch, survey_id, area_m2, farmland_m2, automatic_legal_farmland_m2, automatic_illegal_farmland_m2, areas, checksum";

/// The number of the next row.
pub(super) const NEXT: &str = "SELECT coalesce(max(id), 0) + 1 FROM shared_ground";

/// Removes what lies in one patch only, because another one is gone.
pub(super) const FORGET_LONELY: &str = "DELETE FROM shared_ground WHERE piece IN (SELECT piece FROM shared_ground GROUP BY piece HAVING count(*) = 1)";

/// Removes what lies in a survey's patches; of whom pieces are left in others, they stay what they are. [`FORGET_LONELY`] belongs behind it.
pub(super) const FORGET_SURVEY: &str = "DELETE FROM shared_ground WHERE survey_id = $1";

/// How many patches of each survey share ground.
pub(super) const SHARING: &str = "SELECT survey_id, count(DISTINCT patch) FROM shared_ground GROUP BY survey_id";
/// Patches of a survey that share ground, by number.
pub(super) const SHARING_OF: &str = "
    SELECT DISTINCT coalesce(patch.number, patch.id) AS known_by FROM shared_ground JOIN patch ON patch.id = shared_ground.patch
    WHERE shared_ground.survey_id = $1 AND coalesce(patch.number, patch.id) > $2 ORDER BY known_by LIMIT $3";

/// Ranges searched at a time: what they find is held in memory.
pub(super) const RANGES: usize = 512;

/// Ranges of cells, disjoint and ascending, that hold every patch that touches one of the boxes.
pub(super) fn ranges(boxes: &[Bounds]) -> Vec<(i64, i64)> {
    let mut all: Vec<(i64, i64)> = boxes.iter().flat_map(cells::ranges).collect();
    all.sort_unstable();
    all.dedup_by(|next, kept| {
        let meets = next.0 <= kept.1 + 1;
        if meets {
            kept.1 = kept.1.max(next.1);
        }
        meets
    });
    all
}

/// A row of [`PLACE`].
pub(super) fn read_place(row: &impl Columns) -> Result<PatchPlace, StoreError> {
    checksum::check_plain(row, &tables::PATCH)?;
    Ok(PatchPlace { patch: row.integer("id")?, bounds: row.bounds()? })
}

/// A row of [`GROUND`].
pub(super) fn read_ground(row: &impl Columns) -> Result<PatchGround, StoreError> {
    checksum::check(row, &tables::PATCH, |name| if name == checksum::COLUMN { "patch_checksum" } else { name })?;
    super::rows::check_outline(row)?;
    checksum::check_plain(row, &tables::FINDING)?;
    Ok(PatchGround {
        patch: row.integer("id")?,
        survey: row.integer("survey_id")?,
        crs: row.maybe_text("crs")?,
        degrees: row.outline("degrees")?,
        repaired: row.maybe_outline("repaired")?,
        source: row.maybe_outline("source")?,
        after: match row.maybe_day("after_day")? {
            Some(after) => after,
            None => super::rows::days(row, &row.text("attributes")?, row.period()?, &[])?.after,
        },
        areas: super::rows::areas(row)?,
        verdict: row.word("verdict")?,
        reason: row.word("reason")?,
        automatic_legal_farmland_m2: row.double("automatic_legal_farmland_m2")?,
        automatic_illegal_farmland_m2: row.double("automatic_illegal_farmland_m2")?,
        layer_set: row.maybe_integer("layer_set")?.unwrap_or(0),
    })
}

/// A row of [`SHARE`]; what is summed in SQL has columns of its own.
pub(super) fn read_share(row: &impl Columns) -> Result<GroundShare, StoreError> {
    checksum::check_plain(row, &tables::SHARED_GROUND)?;
    let areas: Areas = row.json("areas")?;
    Ok(GroundShare {
        patch: row.integer("patch")?,
        survey: row.integer("survey_id")?,
        areas: Areas { area_m2: row.double("area_m2")?, farmland_m2: row.double("farmland_m2")?, ..areas },
        automatic_legal_farmland_m2: row.double("automatic_legal_farmland_m2")?,
        automatic_illegal_farmland_m2: row.double("automatic_illegal_farmland_m2")?,
    })
}

/// A row of `shared_ground`.
pub(super) fn write_share(values: &mut impl Values, id: i64, piece: i64, share: &GroundShare) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::SHARED_GROUND);
    for number in [id, piece, share.patch, share.survey] {
        row.integer(number)?;
    }
    for area in [share.areas.area_m2, share.areas.farmland_m2, share.automatic_legal_farmland_m2, share.automatic_illegal_farmland_m2] {
        row.double(area)?;
    }
    row.text(values::to_json(&share.areas)?.as_str())?;
    row.end()
}

/// The rows of pieces, numbered from `next`: row, piece, share.
pub(super) fn numbered(pieces: &[SharedPiece], next: i64) -> impl Iterator<Item = (i64, i64, &GroundShare)> {
    let mut first = next;
    pieces.iter().flat_map(move |piece| {
        let number = first;
        first += piece.shares.len() as i64;
        (number..).zip(&piece.shares).map(move |(id, share)| (id, number, share))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_many_boxes_are_those_of_each_and_disjoint() {
        let at = |x: f64| Bounds { min: [118.0 + x, 35.0], max: [118.001 + x, 35.001] };
        let boxes: Vec<Bounds> = (0..200_u32).map(|n| at(f64::from(n) * 0.0021)).collect();
        let all = ranges(&boxes);
        assert!(all.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        for (low, high) in boxes.iter().flat_map(cells::ranges) {
            assert!(all.iter().any(|range| range.0 <= low && high <= range.1));
        }
        // Neighbours have most of their ranges in common.
        assert!(all.len() * 5 < boxes.iter().map(|one| cells::ranges(one).len()).sum::<usize>(), "{}", all.len());
    }
}
