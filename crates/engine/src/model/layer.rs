//! Layers: versions of what patches are held against.

use super::{Standard, Words, verdict::words};
use jiff::civil::Date;
use tuban_geom::{Bounds, Outline};

words! {
    /// What a layer tells about the ground.
    LayerKind {
        /// 行政区.
        County = "county",
        /// 地类图斑 (DLTB): every parcel; the DLBM decides what is farmland.
        Farmland = "farmland",
        /// 永久基本农田.
        BasicFarmland = "basic_farmland",
        /// 生态保护红线.
        RedLine = "red_line",
        /// 城镇开发边界.
        UrbanBoundary = "urban_boundary",
        /// 批准用地; overlaps itself by nature.
        Approved = "approved",
    }
}

impl LayerKind {
    /// The name on screen.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::County => "行政区",
            Self::Farmland => "地类图斑",
            Self::BasicFarmland => "永久基本农田",
            Self::RedLine => "生态保护红线",
            Self::UrbanBoundary => "城镇开发边界",
            Self::Approved => "批准用地",
        }
    }

    /// Whether features of one such layer must not overlap each other.
    #[must_use]
    pub fn must_tile(self) -> bool {
        matches!(self, Self::County | Self::Farmland)
    }
}

/// What a layer's feature says of the ground, besides where it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FeatureFacts {
    /// County code; DLBM of a parcel; number of an approval; else the feature's own number.
    pub code: String,
    /// County name; DLMC of a parcel; else empty.
    pub name: String,
    /// Of an approval, the day it was granted; `None` where the file says none that can be read.
    pub granted: Option<Date>,
    /// Of an approval, its last day, where it has one (临时用地).
    pub ends: Option<Date>,
    /// Of an approval, what it is for in the file's own words (农转用, 设施农用地 …); the rule says which class that is.
    pub kind: Option<String>,
    /// Of an approval without a day, the effective day of the first stored version that holds it; `None` where that was not looked up: then that of its own version.
    pub first_effective: Option<Date>,
}

impl FeatureFacts {
    /// What a feature says that is no approval.
    #[must_use]
    pub const fn new(code: String, name: String) -> Self {
        Self { code, name, granted: None, ends: None, kind: None, first_effective: None }
    }
}

impl Layer {
    /// Of approvals, how many have no day of their own that can be read: all where an older program stored them. `None` for other kinds.
    #[must_use]
    pub fn undated_approvals(&self) -> Option<u64> {
        (self.kind == LayerKind::Approved).then(|| self.undated.unwrap_or(self.features))
    }

    /// What is asked of people where approvals have no day.
    #[must_use]
    pub fn advice(&self) -> Option<Words> {
        let (undated, all) = (self.undated_approvals().filter(|undated| *undated > 0)?, self.features);
        Some(Words::new(
            format!("{all} 个批准中有 {undated} 个没有批准日期，请重新提供文件；在此之前，是否批准在先以最早收录它的图层版本为准"),
            format!(
                "{undated} of {all} approvals have no day: send the file again with one. Until then, whether they came first is told by the first version that holds them"
            ),
        ))
    }
}

/// A feature of a layer's file that is not in the layer: what lies there is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// Row in the file, from 1; 0 for those that were too many to be listed.
    pub row: u64,
    /// A word for programs: why.
    pub code: String,
    /// A sentence for people.
    pub reason: Words,
    /// Its box, degrees; `None` where it cannot be known, so that it may lie anywhere.
    pub bounds: Option<Bounds>,
}

impl LeftOut {
    /// Whether it may share ground with what lies in this box, degrees.
    #[must_use]
    pub fn may_touch(&self, bounds: &Bounds) -> bool {
        self.bounds.is_none_or(|own| own.touches(bounds))
    }
}

/// A feature of a layer, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerFeature {
    /// Row in the file it came from, from 1.
    pub row: u64,
    /// Code and name.
    pub facts: FeatureFacts,
    /// The outline exactly as it came, where the file was not in degrees; else `degrees` is that.
    pub source: Option<Outline>,
    /// The outline in CRS84 degrees; of a projected file, with its long edges cut as they must be for measuring.
    pub degrees: Outline,
    /// The repaired outline, where it had to be repaired.
    pub repaired: Option<Outline>,
}

/// One version of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Number in the store.
    pub id: i64,
    /// What it tells.
    pub kind: LayerKind,
    /// What people call it.
    pub name: String,
    /// The day from which it counts, `YYYY-MM-DD`. Of one kind, the version with the latest day not after today is in force.
    pub effective: Date,
    /// CRS the file was in, `EPSG:4490`.
    pub crs: String,
    /// The most decimals that its coordinates were written with; `None` where an older program stored it, which did not count them.
    pub decimals: Option<u8>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// True when the file says of itself that it is invented.
    pub invented: bool,
    /// Features taken in.
    pub features: u64,
    /// Features refused.
    pub rejected: u64,
    /// Vertices of the features taken in.
    pub vertices: u64,
    /// Of approvals, how many have no day of their own that can be read; `None` where a program stored them that did not read it, and for other kinds.
    pub undated: Option<u64>,
    /// Milliseconds since 1970 at which it was stored.
    pub created_ms: i64,
    /// The standard that its class codes are of; `None` for other kinds, and for layers of older programs, which are read by the rule's farmland classes.
    pub classes: Option<Standard>,
    /// What was noticed at loading, e.g. overlaps in a layer that must tile; Chinese.
    pub notes: Vec<String>,
}
