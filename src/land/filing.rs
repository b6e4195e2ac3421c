//! Filings: confirmed verdicts with their areas 填报.

use super::Verdict;

/// A confirmed verdict of one patch. Areas go by sub-parcel, so one patch may have legal and illegal ground at once.
#[derive(Debug, Clone, PartialEq)]
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
