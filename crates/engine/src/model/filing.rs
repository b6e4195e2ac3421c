//! Filings: confirmed verdicts with their areas 填报.

use super::Verdict;

/// A confirmed verdict of one patch. Areas go by sub-parcel, so one patch may have legal and illegal ground at once.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Filing {
    /// The patch's own id (JCBH).
    pub patch_id: String,
    /// What was confirmed.
    pub verdict: Verdict,
    /// Legal construction, square metres.
    pub legal_m2: f64,
    /// Of that, on farmland.
    pub legal_farmland_m2: f64,
    /// Illegal construction, square metres.
    pub illegal_m2: f64,
    /// Of that, on farmland.
    pub illegal_farmland_m2: f64,
}

/// Who filed a verdict, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who; [`NOBODY`](Self::NOBODY) where no name was given.
    pub by: String,
    /// Milliseconds since 1970.
    pub at_ms: i64,
}

impl Signature {
    /// Stands for who did not say who they are.
    pub const NOBODY: &str = "—";
}

impl Filing {
    /// Two areas no further apart than this are the same, square metres: half of the last of the four decimals that a CSV export writes.
    const SAME_M2: f64 = 0.000_05 + 1e-9;

    /// Legal, legal farmland, illegal, illegal farmland, square metres.
    #[must_use]
    pub fn areas_m2(&self) -> [f64; 4] {
        [self.legal_m2, self.legal_farmland_m2, self.illegal_m2, self.illegal_farmland_m2]
    }

    /// Legal and illegal construction together, square metres.
    #[must_use]
    pub fn construction_m2(&self) -> f64 {
        self.legal_m2 + self.illegal_m2
    }

    /// Whether both say the same of a patch, to the decimals that an export keeps.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.verdict == other.verdict && self.areas_m2().iter().zip(other.areas_m2()).all(|(one, two)| (one - two).abs() <= Self::SAME_M2)
    }

    /// Whether ground of a patch of so many square metres is in neither of its areas: other ground.
    #[must_use]
    pub fn leaves_a_rest(&self, area_m2: f64) -> bool {
        area_m2 > self.construction_m2()
    }

    /// Whether it decides: a doubtful verdict counts as none.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.verdict != Verdict::Doubtful
    }

    /// Whether it was filed for a part of a patch of so many square metres, without saying which part.
    #[must_use]
    pub fn is_of_a_part(&self, area_m2: f64) -> bool {
        [self.legal_m2, self.illegal_m2].into_iter().any(|filed_m2| filed_m2 > 0.0 && filed_m2 < area_m2)
    }
}
