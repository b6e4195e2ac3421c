//! Patches as they are answered.

use super::filter::PatchPosition;
use tuban_engine::model::{Filing, Finding, Patch, Period, Signature};
use tuban_geom::{Bounds, Outline};

/// A patch with its finding, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPatch {
    /// The number by which people know it: it keeps it when another survey replaces its own. Only one patch that counts has it.
    pub id: i64,
    /// The key of its row, for the store alone.
    pub key: i64,
    /// Number of its survey.
    pub survey_id: i64,
    /// Its survey's period.
    pub period: Period,
    /// The patch.
    pub patch: Patch,
    /// Its finding.
    pub finding: Finding,
    /// The confirmed verdict, where there is one.
    pub filing: Option<Filing>,
    /// Who filed it, and when.
    pub signature: Option<Signature>,
}

impl StoredPatch {
    /// Where it stands among all.
    #[must_use]
    pub fn place(&self) -> PatchPosition {
        PatchPosition { survey: self.survey_id, patch: self.key }
    }
}

/// What a map at a small scale needs of a patch.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchMark {
    /// The number by which people know it.
    pub id: i64,
    /// Its own id.
    pub patch_id: String,
    /// The verdict people see: confirmed, else automatic.
    pub verdict: String,
    /// Whether it is the confirmed one.
    pub confirmed: bool,
    /// Its box, degrees.
    pub bounds: Bounds,
    /// Its outline (repaired where it was), degrees; only when asked for.
    pub degrees: Option<Outline>,
}
