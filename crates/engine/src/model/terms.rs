//! What the words are called in Chinese, as on screen and in circulars.

use super::{AutomaticVerdict, Condition, Flag, Reason, Verdict};

/// All counties together, where a table has no name of the city for their row.
pub const WHOLE_CITY: &str = "全市";
/// The row of patches that lie in no county.
pub const NO_COUNTY: &str = "不在任何县内";

impl AutomaticVerdict {
    /// The name on screen.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Legal => "合法",
            Self::SuspectedIllegal => "疑似违法",
            Self::Other => "其他",
            Self::Doubtful => "存疑",
        }
    }
}

impl Verdict {
    /// The name on screen.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Legal => "合法",
            Self::Illegal => "违法",
            Self::Other => "其他",
            Self::Doubtful => "存疑",
        }
    }
}

impl Reason {
    /// The name on screen.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::FullyApproved => "批准用地已全部覆盖",
            Self::UnapprovedFarmland => "占用耕地且无批准",
            Self::PartlyApproved => "部分批准，批准范围外仍占耕地",
            Self::NoFarmland => "批准范围外未占耕地",
            Self::NoParcels => "该处没有地类数据",
            Self::NoFarmlandLayer => "没有地类图斑图层",
            Self::NoApprovals => "没有批准用地图层",
            Self::ApprovedLater => "建设在先、批准在后（补办）",
            Self::ApprovalUndated => "批准没有日期，无法认定批准在先",
            Self::FacilityAgriculture => "设施农用地",
            Self::TemporaryUse => "临时用地",
            Self::RuralRoad => "农村道路",
            Self::OtherUse => "批准为其他用途",
            Self::TooSmall => "图斑不大于容差",
            Self::TooLarge => "图斑过大，不像监测图斑",
        }
    }
}

impl Flag {
    /// The name on screen.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::CrossesBorder => "跨县界",
            Self::CountyCodeDisagrees => "县区代码不符",
            Self::CountyCodeUnreadable => "县区代码无法识别",
            Self::OutsideCounties => "不在任何县区内",
            Self::NoCountyLayer => "无行政区图层",
            Self::PartlyWithoutParcels => "部分位置没有地类数据",
            Self::DatesUnclear => "前后时相日期不明，按监测期次的首末日计",
            Self::LayerMemberLeftOut => "此处有未能采用的图层要素",
            Self::ApprovalUndated => "批准没有日期",
            Self::ApprovalExpired => "批准已到期，不计",
            Self::ApprovalKindUnknown => "批准类型不明，按建设用地批准计",
            Self::SharesGround => "与其他图斑重叠",
            Self::EdgeDefinition => "边线在不同坐标系中读法不同",
            Self::CoordinatesRounded => "坐标小数位少",
            Self::LayerLaterThanChange => "图层晚于变化时间，此前没有其他版本",
            Self::NoBasicFarmlandLayer => "无永久基本农田图层，面积未知",
            Self::NoRedLineLayer => "无生态保护红线图层，面积未知",
            Self::NoUrbanBoundaryLayer => "无城镇开发边界图层，面积未知",
        }
    }
}

impl Condition {
    /// The name on screen.
    #[must_use]
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Ok => "正常",
            Self::Repaired => "已修复",
        }
    }
}
