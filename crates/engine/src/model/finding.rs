//! What a patch occupies, and what follows from it.

use tuban_geom::Doubt;

use super::{AutomaticVerdict, LayerKind, Reason, Words, verdict::words};
use serde::{Deserialize, Serialize};

/// The overlay's areas of one patch, in square metres on the ellipsoid, unrounded. No ground is counted twice within a field.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Areas {
    /// The patch itself.
    pub area_m2: f64,
    /// On farmland (DLBM 0101, 0102, 0103).
    pub farmland_m2: f64,
    /// On permanent basic farmland.
    pub basic_farmland_m2: f64,
    /// Inside the ecological red line.
    pub red_line_m2: f64,
    /// Inside the urban development boundary.
    pub urban_boundary_m2: f64,
    /// Covered by approvals for building, whenever granted: the sum, to the last bit, of what was granted before, undated and later.
    pub approved_m2: f64,
    /// Farmland covered by approvals for building, whenever granted: a sum as `approved_m2`.
    pub approved_farmland_m2: f64,
    /// Covered by approvals granted on or before the day of the after-image.
    pub approved_before_m2: f64,
    /// Farmland of that.
    pub approved_before_farmland_m2: f64,
    /// Covered by approvals without a day, and by none of those before.
    pub approved_undated_m2: f64,
    /// Farmland of that.
    pub approved_undated_farmland_m2: f64,
    /// Covered only by approvals granted after the day of the after-image 补办.
    pub approved_later_m2: f64,
    /// Farmland of that.
    pub approved_later_farmland_m2: f64,
    /// Covered by approvals that count for the verdict: those before, and those without a day that were stored by then.
    pub approved_in_time_m2: f64,
    /// Farmland of that.
    pub approved_in_time_farmland_m2: f64,
    /// Outside those, covered in time by approvals of another use: 设施农用地, 临时用地, 农村道路.
    pub other_use_m2: f64,
    /// Farmland of that.
    pub other_use_farmland_m2: f64,
}

impl Areas {
    /// Every area, in an order of its own.
    pub fn each_mut(&mut self) -> [&mut f64; 17] {
        let Self {
            area_m2,
            farmland_m2,
            basic_farmland_m2,
            red_line_m2,
            urban_boundary_m2,
            approved_m2,
            approved_farmland_m2,
            approved_before_m2,
            approved_before_farmland_m2,
            approved_undated_m2,
            approved_undated_farmland_m2,
            approved_later_m2,
            approved_later_farmland_m2,
            approved_in_time_m2,
            approved_in_time_farmland_m2,
            other_use_m2,
            other_use_farmland_m2,
        } = self;
        [
            area_m2,
            farmland_m2,
            basic_farmland_m2,
            red_line_m2,
            urban_boundary_m2,
            approved_m2,
            approved_farmland_m2,
            approved_before_m2,
            approved_before_farmland_m2,
            approved_undated_m2,
            approved_undated_farmland_m2,
            approved_later_m2,
            approved_later_farmland_m2,
            approved_in_time_m2,
            approved_in_time_farmland_m2,
            other_use_m2,
            other_use_farmland_m2,
        ]
    }

    /// Farmland outside every approval in time, of whatever use; square metres.
    #[must_use]
    pub fn unapproved_farmland_m2(&self) -> f64 {
        (self.farmland_m2 - self.approved_in_time_farmland_m2 - self.other_use_farmland_m2).max(0.0)
    }

    /// Area outside every approval for building in time, square metres.
    #[must_use]
    pub fn unapproved_m2(&self) -> f64 {
        (self.area_m2 - self.approved_in_time_m2).max(0.0)
    }

    /// These areas as an older program saw them, which did not look at the days of approvals: nothing is dated, and all of it counts.
    #[must_use]
    pub fn with_undated_approvals(self) -> Self {
        Self {
            approved_before_m2: 0.0,
            approved_before_farmland_m2: 0.0,
            approved_undated_m2: self.approved_m2,
            approved_undated_farmland_m2: self.approved_farmland_m2,
            approved_later_m2: 0.0,
            approved_later_farmland_m2: 0.0,
            approved_in_time_m2: self.approved_m2,
            approved_in_time_farmland_m2: self.approved_farmland_m2,
            other_use_m2: 0.0,
            other_use_farmland_m2: 0.0,
            ..self
        }
    }
}

/// By how much the areas that a tolerance is held against may differ, because edges are straight in one coordinate system only and coordinates end somewhere. Known
/// near a tolerance only, else 0.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Doubts {
    /// [`Areas::unapproved_m2`].
    pub unapproved: Doubt,
    /// [`Areas::unapproved_farmland_m2`].
    pub unapproved_farmland: Doubt,
    /// The area on no parcel.
    pub without_parcels: Doubt,
    /// The area in a second county.
    pub second_county: Doubt,
}

/// How much of a patch lies on parcels of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParcelShare {
    /// Class code, e.g. `0102`.
    pub dlbm: String,
    /// Class name, e.g. 水浇地.
    pub dlmc: String,
    /// Square metres.
    pub area_m2: f64,
}

/// How much of a patch lies in one county.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountyShare {
    /// Six digits.
    pub code: String,
    /// Name.
    pub name: String,
    /// Square metres.
    pub area_m2: f64,
}

words! {
    /// What people should look at twice.
    Flag {
        /// 跨县界: the patch has ground in more than one county.
        CrossesBorder = "crosses_border",
        /// 县代码不符: the file says another county than the overlay.
        CountyCodeDisagrees = "county_code_disagrees",
        /// 县代码无法识别: what the file has for a county's code is none, and no county's name.
        CountyCodeUnreadable = "county_code_unreadable",
        /// 不在任何县内: in no county of the layer in force.
        OutsideCounties = "outside_counties",
        /// 无行政区图层: no county layer was in force; the county is the file's own word.
        NoCountyLayer = "no_county_layer",
        /// 部分无地类: a part of the patch lies on no parcel.
        PartlyWithoutParcels = "partly_without_parcels",
        /// 时相不明: the file does not say when its images were taken, or not so that it can be believed; the period's first and last day stand for what is missing.
        DatesUnclear = "dates_unclear",
        /// 附近有未采用的图层要素: a feature of a layer's file that is not in the layer may lie here.
        LayerMemberLeftOut = "layer_member_left_out",
        /// 批准无日期: some of it is covered only by approvals without a day that can be read.
        ApprovalUndated = "approval_undated",
        /// 批准已到期: an approval on it had ended before the after-image, and covers nothing.
        ApprovalExpired = "approval_expired",
        /// 批准类型不明: an approval on it does not say a known kind, and is taken for one of building.
        ApprovalKindUnknown = "approval_kind_unknown",
        /// 与其他图斑重叠: some of its ground lies in other stored patches too.
        SharesGround = "shares_ground",
        /// 边线读法: an area above tolerance would be within it if edges were read as straight in another file's coordinate system; the milder verdict was taken.
        EdgeDefinition = "edge_definition",
        /// 坐标取位: the same, for what coordinates written with few decimals may be off by.
        CoordinatesRounded = "coordinates_rounded",
        /// 图层晚于变化: a kind has only versions that are later than the image they are held against; the earliest was used.
        LayerLaterThanChange = "layer_later_than_change",
        /// 无永久基本农田图层: there is no version, so how much of the patch lies on it is unknown.
        NoBasicFarmlandLayer = "no_basic_farmland_layer",
        /// 无生态保护红线图层: likewise.
        NoRedLineLayer = "no_red_line_layer",
        /// 无城镇开发边界图层: likewise.
        NoUrbanBoundaryLayer = "no_urban_boundary_layer",
    }
}

/// A layer version that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LayerUsed {
    /// Number in the store; 0 for a file given on the command line.
    pub id: i64,
    /// What it tells.
    pub kind: LayerKind,
    /// What people call it.
    pub name: String,
    /// Day from which it counts, `YYYY-MM-DD`.
    pub effective: String,
}

/// What a number can be re-derived from: layer versions and rule.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Layer versions, one of each kind in force.
    pub layers: Vec<LayerUsed>,
    /// The rule's version.
    pub rule: String,
}

/// What a finding was made from 图层组合: a layer version of each kind that has any, the rule, and the origin of the plane that areas are measured in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayerSet {
    /// Number in the store; 0 where it is not stored.
    pub id: i64,
    /// Its layer versions, by kind, and its rule.
    pub provenance: Provenance,
    /// Longitude and latitude of the plane's origin, degrees; nothing in sets of older programs, which chose it by the first of these layers, as is done now.
    pub origin: Option<[f64; 2]>,
}

impl Provenance {
    /// The version of a kind, where there is one.
    #[must_use]
    pub fn of(&self, kind: LayerKind) -> Option<&LayerUsed> {
        self.layers.iter().find(|layer| layer.kind == kind)
    }

    /// An area that these kinds tell together; nothing where there is no version of one of them, for then it is unknown.
    #[must_use]
    pub fn known(&self, kinds: &[LayerKind], area_m2: f64) -> Option<f64> {
        kinds.iter().all(|kind| self.has(*kind)).then_some(area_m2)
    }

    /// Whether there is a version of a kind, so that the areas that it alone tells are known.
    #[must_use]
    pub fn has(&self, kind: LayerKind) -> bool {
        self.of(kind).is_some()
    }
}

/// A finding in whose place another was put.
#[derive(Debug, Clone, PartialEq)]
pub struct FormerFinding {
    /// The finding.
    pub finding: Finding,
    /// Milliseconds since 1970 at which it was made.
    pub judged_ms: i64,
    /// Milliseconds since 1970 at which another finding took its place.
    pub replaced_ms: i64,
    /// Who asked for that, where a name was given.
    pub replaced_by: Option<String>,
}

/// One sentence with the numbers, in both languages.
pub type Explanation = Words;

/// What a patch occupies, with the automatic verdict 套合结果.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The areas.
    pub areas: Areas,
    /// By how much those that a tolerance was held against may differ.
    pub doubts: Doubts,
    /// By class, largest first.
    pub parcels: Vec<ParcelShare>,
    /// By county, largest first; the first is the patch's county.
    pub counties: Vec<CountyShare>,
    /// Numbers of the approvals that cover some of it.
    pub approvals: Vec<String>,
    /// What to look at twice.
    pub flags: Vec<Flag>,
    /// What the overlay alone can say.
    pub verdict: AutomaticVerdict,
    /// Why.
    pub reason: Reason,
    /// Farmland the overlay alone takes for legally built on, square metres: the automatic term of the provisional ratio.
    pub automatic_legal_farmland_m2: f64,
    /// Farmland the overlay alone takes for illegally built on, square metres.
    pub automatic_illegal_farmland_m2: f64,
    /// The county that answers for it: the largest share, else (no county layer) the file's own word.
    pub county_code: Option<String>,
    /// Number of the [`LayerSet`] it was made from; 0 where that is not stored.
    #[serde(default)]
    pub layer_set: i64,
}

impl Finding {
    /// Whether it was made without any land survey, so that its farmland is unknown; its area of farmland is then 0, which says nothing.
    #[must_use]
    pub fn farmland_is_unknown(&self) -> bool {
        self.reason == Reason::NoFarmlandLayer
    }

    /// The name of the county that answers for it, as the layer has it that it was made from; its code where there was none, or none with a name.
    #[must_use]
    pub fn county_name(&self) -> Option<&str> {
        let code = self.county_code.as_ref()?;
        let share = self.counties.iter().find(|share| share.code == *code && !share.name.is_empty());
        Some(share.map_or(code, |share| &share.name))
    }
}
