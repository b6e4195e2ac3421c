//! Patches with their findings as rows: the fixed table of their columns.

use crate::formats::writing::{Cell, Column, Format, Kind};
use crate::service::export::{Cited, Selection};
use crate::store::StoredPatch;
use std::collections::BTreeSet;
use tuban_engine::model::{Area, CountyNames, Filing, LayerKind, Period, Survey, TakenOff, Verdict, push_day};
use tuban_geom::Doubt;

/// Key, name in a Shapefile, Chinese heading and kind of every column, in order; docs/FORMATS.md lists them for people.
pub(super) const COLUMNS: &[Column] = &[
    column("id", "TBID", "图斑序号", Kind::Integer),
    column("patch_id", "JCBH", "图斑编号", Kind::Text),
    column("survey_id", "PCBH", "监测批次", Kind::Integer),
    column("period", "JCQC", "监测期次", Kind::Text),
    column("row", "HH", "文件行号", Kind::Integer),
    column("county_code", "XZQDM", "行政区代码", Kind::Text),
    column("county_name", "XZQMC", "行政区名称", Kind::Text),
    column("area_m2", "JCMJ", "图斑面积（平方米）", Kind::SquareMetres),
    column("area_mu", "JCMJ_MU", "图斑面积（亩）", Kind::Mu),
    column("farmland_m2", "GDMJ", "耕地面积（平方米）", Kind::SquareMetres),
    column("farmland_mu", "GDMJ_MU", "耕地面积（亩）", Kind::Mu),
    column("basic_farmland_m2", "JBNTMJ", "永久基本农田面积（平方米）", Kind::SquareMetres),
    column("basic_farmland_mu", "JBNTMJ_MU", "永久基本农田面积（亩）", Kind::Mu),
    column("red_line_m2", "STHXMJ", "生态保护红线面积（平方米）", Kind::SquareMetres),
    column("red_line_mu", "STHXMJ_MU", "生态保护红线面积（亩）", Kind::Mu),
    column("urban_boundary_m2", "CZKFMJ", "城镇开发边界面积（平方米）", Kind::SquareMetres),
    column("urban_boundary_mu", "CZKFMJ_MU", "城镇开发边界面积（亩）", Kind::Mu),
    column("approved_m2", "PZMJ", "批准用地面积（平方米）", Kind::SquareMetres),
    column("approved_mu", "PZMJ_MU", "批准用地面积（亩）", Kind::Mu),
    column("approved_farmland_m2", "PZGDMJ", "批准耕地面积（平方米）", Kind::SquareMetres),
    column("approved_farmland_mu", "PZGDMJ_MU", "批准耕地面积（亩）", Kind::Mu),
    column("approved_before_m2", "PZQMJ", "后时相前批准面积（平方米）", Kind::SquareMetres),
    column("approved_before_mu", "PZQMJ_MU", "后时相前批准面积（亩）", Kind::Mu),
    column("approved_before_farmland_m2", "PZQGDMJ", "后时相前批准耕地面积（平方米）", Kind::SquareMetres),
    column("approved_before_farmland_mu", "PZQGDMJ_MU", "后时相前批准耕地面积（亩）", Kind::Mu),
    column("approved_undated_m2", "PZWRQMJ", "无日期批准面积（平方米）", Kind::SquareMetres),
    column("approved_undated_mu", "PZWRQMJ_MU", "无日期批准面积（亩）", Kind::Mu),
    column("approved_undated_farmland_m2", "PZWRQGD", "无日期批准耕地面积（平方米）", Kind::SquareMetres),
    column("approved_undated_farmland_mu", "PZWRQGD_MU", "无日期批准耕地面积（亩）", Kind::Mu),
    column("approved_later_m2", "BBMJ", "后时相后批准（补办）面积（平方米）", Kind::SquareMetres),
    column("approved_later_mu", "BBMJ_MU", "后时相后批准（补办）面积（亩）", Kind::Mu),
    column("approved_later_farmland_m2", "BBGDMJ", "后时相后批准（补办）耕地面积（平方米）", Kind::SquareMetres),
    column("approved_later_farmland_mu", "BBGDMJ_MU", "后时相后批准（补办）耕地面积（亩）", Kind::Mu),
    column("approved_in_time_m2", "PZJSMJ", "计入判定的批准面积（平方米）", Kind::SquareMetres),
    column("approved_in_time_mu", "PZJSMJ_MU", "计入判定的批准面积（亩）", Kind::Mu),
    column("approved_in_time_farmland_m2", "PZJSGD", "计入判定的批准耕地面积（平方米）", Kind::SquareMetres),
    column("approved_in_time_farmland_mu", "PZJSGD_MU", "计入判定的批准耕地面积（亩）", Kind::Mu),
    column("other_use_m2", "QTYTMJ", "其他用途批准面积（平方米）", Kind::SquareMetres),
    column("other_use_mu", "QTYTMJ_MU", "其他用途批准面积（亩）", Kind::Mu),
    column("other_use_farmland_m2", "QTYTGD", "其他用途批准耕地面积（平方米）", Kind::SquareMetres),
    column("other_use_farmland_mu", "QTYTGD_MU", "其他用途批准耕地面积（亩）", Kind::Mu),
    column("taken_off_m2", "CDKCMJ", "重叠扣除面积（平方米）", Kind::SquareMetres),
    column("taken_off_mu", "CDKCMJ_MU", "重叠扣除面积（亩）", Kind::Mu),
    column("automatic_verdict", "ZDPD", "自动判定", Kind::Text),
    column("confirmed_verdict", "HDPD", "核定判定", Kind::Text),
    column("verdict", "PD", "判定", Kind::Text),
    column("verdict_source", "PDXZ", "判定性质", Kind::Text),
    column("filed_legal_m2", "HFMJ", "核定合法面积（平方米）", Kind::SquareMetres),
    column("filed_legal_mu", "HFMJ_MU", "核定合法面积（亩）", Kind::Mu),
    column("filed_legal_farmland_m2", "HFGDMJ", "核定合法耕地面积（平方米）", Kind::SquareMetres),
    column("filed_legal_farmland_mu", "HFGDMJ_MU", "核定合法耕地面积（亩）", Kind::Mu),
    column("filed_illegal_m2", "WFMJ", "核定违法面积（平方米）", Kind::SquareMetres),
    column("filed_illegal_mu", "WFMJ_MU", "核定违法面积（亩）", Kind::Mu),
    column("filed_illegal_farmland_m2", "WFGDMJ", "核定违法耕地面积（平方米）", Kind::SquareMetres),
    column("filed_illegal_farmland_mu", "WFGDMJ_MU", "核定违法耕地面积（亩）", Kind::Mu),
    column("counted_legal_farmland_m2", "JRHFGD", "计入合计的合法耕地面积（平方米）", Kind::SquareMetres),
    column("counted_legal_farmland_mu", "JRHFGD_MU", "计入合计的合法耕地面积（亩）", Kind::Mu),
    column("counted_illegal_farmland_m2", "JRWFGD", "计入合计的违法耕地面积（平方米）", Kind::SquareMetres),
    column("counted_illegal_farmland_mu", "JRWFGD_MU", "计入合计的违法耕地面积（亩）", Kind::Mu),
    column("filed_by", "TBR", "填报人", Kind::Text),
    column("filed_at", "TBSJ", "填报时间", Kind::Text),
    column("reason", "PDLY", "判定理由", Kind::Text),
    column("condition", "TXZT", "图形状态", Kind::Text),
    column("flags", "TS", "提示", Kind::Text),
    column("edge_bound_m2", "BXMJ", "边线读法可差面积（平方米）", Kind::SquareMetres),
    column("edge_bound_farmland_m2", "BXGDMJ", "边线读法可差耕地（平方米）", Kind::SquareMetres),
    column("approvals", "PZWH", "批准文号", Kind::Text),
    column("layers", "TCBB", "图层版本", Kind::Text),
    column("rule", "GZBB", "规则版本", Kind::Text),
    column("before_day", "QSX", "前时相", Kind::Text),
    column("after_day", "HSX", "后时相", Kind::Text),
];

const fn column(key: &'static str, short: &'static str, chinese: &'static str, kind: Kind) -> Column {
    Column { key, short, chinese, kind }
}

/// The kinds of layers that tell the areas of a patch, in the order of their columns; what others count of it last.
const TELLING: [&[LayerKind]; 18] = [
    &[],
    &[LayerKind::Farmland],
    &[LayerKind::BasicFarmland],
    &[LayerKind::RedLine],
    &[LayerKind::UrbanBoundary],
    &[LayerKind::Approved],
    &[LayerKind::Approved, LayerKind::Farmland],
    &[LayerKind::Approved],
    &[LayerKind::Approved, LayerKind::Farmland],
    &[LayerKind::Approved],
    &[LayerKind::Approved, LayerKind::Farmland],
    &[LayerKind::Approved],
    &[LayerKind::Approved, LayerKind::Farmland],
    &[LayerKind::Approved],
    &[LayerKind::Approved, LayerKind::Farmland],
    &[LayerKind::Approved],
    &[LayerKind::Approved, LayerKind::Farmland],
    &[],
];

/// The cells of a patch of which that counts for others, in the order of [`COLUMNS`].
pub(super) fn cells<'p>(stored: &'p StoredPatch, taken_off: &TakenOff, cited: &'p Cited, format: Format) -> Vec<Cell<'p>> {
    let StoredPatch { id, survey_id, period, patch, finding, filing, signature, .. } = stored;
    let areas = &finding.areas;
    let word = |word: &'static str, chinese: &'static str| Cell::Text(if format.is_chinese() { chinese } else { word }.into());
    let confirmed = filing.as_ref().map(|filing| filing.verdict);
    let automatic = word(finding.verdict.word(), finding.verdict.chinese());
    let confirmed = confirmed.map(|verdict: Verdict| word(verdict.word(), verdict.chinese()));
    let condition = patch.condition();
    let flags: Vec<&str> = finding.flags.iter().map(|flag| if format.is_chinese() { flag.chinese() } else { flag.word() }).collect();
    let mut cells = vec![
        Cell::Integer(*id),
        Cell::Text(patch.patch_id.as_str().into()),
        Cell::Integer(*survey_id),
        Cell::Text(period.to_string().into()),
        Cell::Integer(i64::try_from(patch.row).unwrap_or(i64::MAX)),
        finding.county_code.as_deref().map_or(Cell::Nothing, |code| Cell::Text(code.into())),
        finding.county_name().map_or(Cell::Nothing, |name| Cell::Text(name.into())),
    ];
    let measured: [f64; TELLING.len()] = [
        areas.area_m2,
        areas.farmland_m2,
        areas.basic_farmland_m2,
        areas.red_line_m2,
        areas.urban_boundary_m2,
        areas.approved_m2,
        areas.approved_farmland_m2,
        areas.approved_before_m2,
        areas.approved_before_farmland_m2,
        areas.approved_undated_m2,
        areas.approved_undated_farmland_m2,
        areas.approved_later_m2,
        areas.approved_later_farmland_m2,
        areas.approved_in_time_m2,
        areas.approved_in_time_farmland_m2,
        areas.other_use_m2,
        areas.other_use_farmland_m2,
        taken_off.areas.area_m2,
    ];
    for (area_m2, kinds) in measured.into_iter().zip(TELLING) {
        // What there was no layer to tell is unknown, not nothing.
        cells.extend(match cited.provenance.known(kinds, area_m2).map(Area::of_m2) {
            Some(area) => [Cell::Number(area.m2), Cell::Number(area.mu)],
            None => [Cell::Nothing, Cell::Nothing],
        });
    }
    cells.extend([
        automatic.clone(),
        confirmed.clone().unwrap_or(Cell::Nothing),
        confirmed.clone().unwrap_or(automatic),
        if confirmed.is_some() { word("confirmed", "确认") } else { word("automatic", "自动") },
    ]);
    cells.extend(numbers(filing.as_ref().map(Filing::areas_m2)));
    cells.extend(numbers(filing.as_ref().and_then(|filing| counted_farmland_m2(filing, taken_off))));
    cells.extend([
        signature.as_ref().map_or(Cell::Nothing, |signature| Cell::Text(signature.by.as_str().into())),
        signature.as_ref().map_or(Cell::Nothing, |signature| Cell::Text(at(signature.at_ms).into())),
        word(finding.reason.word(), finding.reason.chinese()),
        word(condition.word(), condition.chinese()),
        Cell::Text(flags.join("；").into()),
        bound(&finding.doubts.unapproved),
        bound(&finding.doubts.unapproved_farmland),
        Cell::Text(finding.approvals.join("；").into()),
        Cell::Text(cited.layers.as_str().into()),
        Cell::Text(cited.provenance.rule.as_str().into()),
        day(patch.days.before),
        day(patch.days.after),
    ]);
    cells
}

/// Legal and illegal farmland of a patch that count in the sums, where its verdict decides: what was filed less what counts for others.
fn counted_farmland_m2(filing: &Filing, taken_off: &TakenOff) -> Option<[f64; 2]> {
    let legal_m2 = filing.legal_farmland_m2 - taken_off.filed_legal_farmland_m2;
    filing.decides().then_some([legal_m2, filing.illegal_farmland_m2 - taken_off.filed_illegal_farmland_m2])
}

/// Each area in square metres and in 亩, or as many empty cells.
fn numbers<'c, const N: usize>(areas_m2: Option<[f64; N]>) -> impl Iterator<Item = Cell<'c>> {
    let cells = areas_m2.map(|areas_m2| areas_m2.map(Area::of_m2).map(|area| [Cell::Number(area.m2), Cell::Number(area.mu)]));
    cells.unwrap_or([const { [Cell::Nothing, Cell::Nothing] }; N]).into_iter().flatten()
}

fn day(day: jiff::civil::Date) -> Cell<'static> {
    let mut text = String::with_capacity(10);
    push_day(&mut text, day);
    Cell::Text(text.into())
}

/// Milliseconds since 1970 as RFC 3339 in UTC.
fn at(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// By how much an area may differ; nothing where that is 0.
fn bound(doubt: &Doubt) -> Cell<'static> {
    if doubt.m2() > 0.0 { Cell::Number(doubt.m2()) } else { Cell::Nothing }
}

/// What a file of them is called: 套合结果, and what they were selected by; a county by its name where one is in force.
pub(super) fn title<'s>(selection: &Selection, names: &CountyNames, surveys: impl Iterator<Item = &'s Survey> + Clone) -> String {
    let mut parts = vec!["套合结果".to_owned()];
    let periods: BTreeSet<Period> = surveys.clone().map(|survey| survey.facts.period).collect();
    match (selection.range, periods.first(), periods.last()) {
        (Some(range), ..) if range.from != range.until => parts.push(format!("{}至{}", range.from, range.until)),
        (Some(range), ..) => parts.push(range.from.to_string()),
        (None, Some(first), Some(last)) if first != last => parts.push(format!("{first}至{last}")),
        (None, first, _) => parts.extend(first.map(ToString::to_string)),
    }
    parts.extend(selection.survey.map(|survey| format!("批次{survey}")));
    parts.extend(selection.county.as_deref().map(|code| names.name_of(code).unwrap_or(code).to_owned()));
    parts.extend(selection.patch.map(|id| format!("图斑{id}")));
    parts.extend(selection.verdict.map(|verdict| verdict.word().into_owned()));
    if surveys.into_iter().any(|survey| survey.facts.invented) {
        parts.push("演示数据".to_owned());
    }
    parts.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_fits_a_shapefile_and_is_there_once() {
        // Oracle: dBASE III: at most ten bytes for a field's name.
        assert!(COLUMNS.iter().all(|column| column.short.len() <= 10 && column.short.is_ascii()));
        for names in [|column: &Column| column.key, |column: &Column| column.short, |column: &Column| column.chinese] {
            assert_eq!(COLUMNS.iter().map(names).collect::<BTreeSet<_>>().len(), COLUMNS.len());
        }
    }
}
