//! Features of a layer as rows.

use crate::formats::writing::{Cell, Column, Kind};
use tuban_engine::model::{Layer, LayerFeature, LayerKind};

/// The columns of a kind of layer; their names are those that its files go by, so that an export can be taken in again.
pub(super) fn columns(kind: LayerKind) -> &'static [Column] {
    match kind {
        LayerKind::County => const { &three(["XZQDM", "行政区代码"], ["XZQMC", "行政区名称"]) },
        LayerKind::Farmland => const { &three(["DLBM", "地类编码"], ["DLMC", "地类名称"]) },
        LayerKind::BasicFarmland => const { &three(["JBNTTBBH", "永久基本农田图斑编号"], ["MC", "名称"]) },
        LayerKind::RedLine => const { &three(["HXBH", "红线编号"], ["HXMC", "红线名称"]) },
        LayerKind::UrbanBoundary => const { &three(["BJBH", "边界编号"], ["BJMC", "边界名称"]) },
        LayerKind::Approved => const { &six(["PZWH", "批准文号"], ["XMMC", "项目名称"]) },
    }
}

const fn three(code: [&'static str; 2], name: [&'static str; 2]) -> [Column; 3] {
    [
        Column { key: "row", short: "HH", chinese: "文件行号", kind: Kind::Integer },
        Column { key: "code", short: code[0], chinese: code[1], kind: Kind::Text },
        Column { key: "name", short: name[0], chinese: name[1], kind: Kind::Text },
    ]
}

/// The columns of approvals: those three, and the day, end and kind.
const fn six(code: [&'static str; 2], name: [&'static str; 2]) -> [Column; 6] {
    let [row, code, name] = three(code, name);
    [
        row,
        code,
        name,
        Column { key: "granted", short: "PZRQ", chinese: "批准日期", kind: Kind::Text },
        Column { key: "ends", short: "YXQZ", chinese: "有效期至", kind: Kind::Text },
        Column { key: "approval_kind", short: "PZLX", chinese: "批准类型", kind: Kind::Text },
    ]
}

/// The cells of a feature, in the order of [`columns`].
pub(super) fn cells(feature: &LayerFeature, kind: LayerKind) -> Vec<Cell<'_>> {
    let facts = &feature.facts;
    let mut cells =
        vec![Cell::Integer(i64::try_from(feature.row).unwrap_or(i64::MAX)), Cell::Text(facts.code.as_str().into()), Cell::Text(facts.name.as_str().into())];
    if kind == LayerKind::Approved {
        let day = |day: Option<jiff::civil::Date>| day.map_or(Cell::Nothing, |day| Cell::Text(day.to_string().into()));
        cells.extend([day(facts.granted), day(facts.ends), facts.kind.as_deref().map_or(Cell::Nothing, |kind| Cell::Text(kind.into()))]);
    }
    cells
}

/// What a file of them is called.
pub(super) fn title(layer: &Layer) -> String {
    let (kind, name) = (layer.kind.chinese(), layer.name.as_str());
    let name = if name == kind { String::new() } else { format!("_{name}") };
    format!("{kind}{name}_{}{}", layer.effective, if layer.invented { "_演示数据" } else { "" })
}
