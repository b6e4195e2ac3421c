//! Surveys: one delivery of patches.

use super::{AutomaticVerdict, Period, Words, verdict::words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// Who issued a survey.
    Level {
        /// 部级.
        Ministry = "ministry",
        /// 省级.
        Province = "province",
        /// 市级.
        City = "city",
    }
}

words! {
    /// What to do when a period and level already has a survey.
    OnConflict {
        /// Refuse the new one.
        Reject = "reject",
        /// The new one takes the place of the old ones; patches that did not change keep their numbers and confirmed verdicts.
        Replace = "replace",
        /// Keep both.
        Add = "add",
    }
}

words! {
    /// Where patch ids were read from.
    PatchIdSource {
        /// A field: JCBH or an alias.
        Field = "field",
        /// The GeoJSON feature's `id`.
        FeatureId = "feature_id",
        /// Nothing better than the row number.
        Row = "row",
    }
}

/// How many patches of a survey have each automatic verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VerdictCounts {
    /// 合法.
    pub legal: u64,
    /// 疑似违法.
    pub suspected_illegal: u64,
    /// 其他.
    pub other: u64,
    /// 存疑.
    pub doubtful: u64,
}

impl VerdictCounts {
    /// Counts one more.
    pub fn count(&mut self, verdict: AutomaticVerdict) {
        match verdict {
            AutomaticVerdict::Legal => self.legal += 1,
            AutomaticVerdict::SuspectedIllegal => self.suspected_illegal += 1,
            AutomaticVerdict::Other => self.other += 1,
            AutomaticVerdict::Doubtful => self.doubtful += 1,
        }
    }
}

/// A survey about to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSurvey {
    /// The file's name.
    pub name: String,
    /// What it is of.
    pub period: Period,
    /// Who issued it.
    pub level: Level,
    /// CRS the file was in.
    pub crs: String,
    /// The most decimals that its coordinates were written with, as far as its first features show; `None` where an older program stored it, which did not count them.
    pub decimals: Option<u8>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// What makes the upload the same as another: its bytes and all that was said of them. The same is not stored twice for a period and level.
    pub upload_key: String,
    /// True when the file says of itself that it is invented.
    pub invented: bool,
    /// Patches taken in.
    pub patches: u64,
    /// Of those, repaired.
    pub repaired: u64,
    /// Features refused.
    pub rejected: u64,
    /// Patches in no county of the layer in force.
    pub outside: u64,
    /// Where ids came from.
    pub patch_id_source: PatchIdSource,
    /// Which of the file's fields was taken for which of ours: ours → theirs.
    pub fields: BTreeMap<String, String>,
    /// Patches by automatic verdict.
    pub verdicts: VerdictCounts,
    /// Sum of the patches' areas, square metres.
    pub area_m2: f64,
    /// Sum of their farmland, square metres, as far as it is known: see [`farmland`](Self::farmland).
    pub farmland_m2: f64,
    /// Patches judged without any land survey, whose farmland is unknown.
    pub farmland_unknown: u64,
    /// What people should know about the file.
    pub warnings: Vec<Words>,
}

impl NewSurvey {
    /// Farmland of its patches, square metres; `None` where that of some is unknown.
    #[must_use]
    pub fn farmland(&self) -> Option<f64> {
        (self.farmland_unknown == 0).then_some(self.farmland_m2)
    }
}

/// A survey in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Number in the store.
    pub id: i64,
    /// Milliseconds since 1970 at which it was stored.
    pub created_ms: i64,
    /// Milliseconds since 1970 at which its findings were made: on import, or by the last re-classification.
    pub judged_ms: i64,
    /// When it was withdrawn or replaced; `None` while it counts.
    pub withdrawn_ms: Option<i64>,
    /// What it holds.
    pub facts: NewSurvey,
}
