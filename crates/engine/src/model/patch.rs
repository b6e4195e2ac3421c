//! A patch as it came, checked once.

use super::{Days, verdict::words};
use tuban_geom::{Defect, Outline};

words! {
    /// Whether a patch's outline could be taken as it was.
    Condition {
        /// As it came.
        Ok = "ok",
        /// The outline was repaired; the finding names each defect.
        Repaired = "repaired",
    }
}

/// A change patch 图斑, accepted.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Patch {
    /// Row in the file, from 1.
    pub row: u64,
    /// JCBH or an alias, else the feature's id, else the row.
    pub patch_id: String,
    /// The county the file says it is in (six digits), if it says.
    pub stated_county: Option<String>,
    /// When its images were taken.
    pub days: Days,
    /// The file's own fields, a JSON object, as they came.
    pub attributes: String,
    /// The outline exactly as it came, where the file was not in degrees or shifted; else `degrees` is that.
    pub source: Option<Outline>,
    /// The outline in CRS84 degrees, as it came but for the projection and a shift taken off.
    pub degrees: Outline,
    /// The repaired outline in CRS84 degrees, where it had to be repaired.
    pub repaired: Option<Outline>,
    /// What was wrong with the outline.
    pub defects: Vec<Defect>,
}

impl Patch {
    /// Whether the outline was repaired.
    #[must_use]
    pub fn condition(&self) -> Condition {
        if self.repaired.is_some() { Condition::Repaired } else { Condition::Ok }
    }
}
