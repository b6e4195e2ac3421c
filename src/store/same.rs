//! Patches that are stored already, with the same id of their own and the same corners: what a survey that replaces another takes over from it, and what is asked
//! about where it was sent before.

use super::columns::Columns;
use super::{StoreError, checksum, tables};
use std::collections::{BTreeMap, HashSet};

/// Corners so close together are the same corner, degrees: a millimetre, which is what a change of projection or of the number of decimals may move it by.
pub(super) const SAME_CORNER: f64 = 1e-8;

/// A patch of the survey that is coming in, and one that was stored before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// The number of the one that is coming in.
    pub(super) mine: i64,
    /// The number of the other.
    pub(super) other: i64,
    /// The survey of the other.
    pub(super) survey: i64,
    /// Whether the other has a confirmed verdict.
    pub(super) filed: bool,
    /// The counties that answer for them, where the database needs to know.
    pub(super) counties: [String; 2],
}

impl Pair {
    /// The pair that a row is, unless their corners differ; whether the other has a confirmed verdict is not known yet.
    pub(super) fn of(row: &impl Columns, counties: [String; 2]) -> Result<Option<Self>, StoreError> {
        let (mine, other) = (row.outline("my_degrees")?, row.outline("other_degrees")?);
        let (mine_id, other_id, survey) = (row.integer("mine")?, row.integer("other")?, row.integer("other_survey")?);
        Ok(mine.has_corners_of(&other, SAME_CORNER).then_some(Self { mine: mine_id, other: other_id, survey, filed: false, counties }))
    }
}

/// What pairs there are: with surveys that are being replaced, and with any other.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// With those that are replaced: each patch once, one that has a confirmed verdict before one that has none.
    pub(super) taken_over: Vec<Pair>,
    /// With others: how many patches, by survey.
    pub(super) sent_before: BTreeMap<i64, u64>,
}

impl Pairs {
    /// Sorts pairs.
    pub(super) fn sort(mut pairs: Vec<Pair>, replaced: &[i64]) -> Self {
        pairs.sort_by_key(|pair| (!pair.filed, pair.other));
        let (mut sorted, mut mine, mut other, mut counted) = (Self::default(), HashSet::new(), HashSet::new(), HashSet::new());
        for pair in pairs {
            if !replaced.contains(&pair.survey) {
                if counted.insert((pair.survey, pair.mine)) {
                    *sorted.sent_before.entry(pair.survey).or_default() += 1;
                }
            } else if !mine.contains(&pair.mine) && other.insert(pair.other) {
                mine.insert(pair.mine);
                sorted.taken_over.push(pair);
            }
        }
        sorted
    }

    /// The survey that holds most of them, and how many.
    pub(super) fn most_in(&self) -> Option<(i64, u64)> {
        self.sent_before.iter().map(|(survey, patches)| (*survey, *patches)).max_by_key(|(survey, patches)| (*patches, -survey))
    }
}

/// Tables whose rows are of a patch as its survey told it, and the column with its number. What else names a patch, as its verdict does, stays with the number.
pub(super) const OF_PATCH: [(&str, &str); 3] = [("patch", "id"), ("patch_outline", "patch"), ("finding", "patch")];

/// Ground that the patches of the survey share, which follows them. Of a survey that is replaced nothing is left there, so that no number is taken.
pub(super) const SHARED: (&str, &str) = ("shared_ground", "patch");

/// The columns of a filing but for the patch and the checksum.
pub(super) fn of_filing() -> String {
    let rest = |name: &&str| *name != "patch" && *name != checksum::COLUMN;
    tables::FILING.columns.iter().map(|(name, _)| *name).filter(rest).collect::<Vec<_>>().join(", ")
}
