//! One sentence with the numbers, in Chinese and in English. Pure: made from the finding whenever it is shown, so it cannot drift from it.

use super::rule::Tolerance;
use crate::land::{Area, Explanation, Finding, Reason};

/// 亩 with two decimals, as in circulars.
fn mu(m2: f64) -> String {
    format!("{:.2}", Area::of_m2(m2).mu)
}

/// Why the verdict is what it is.
#[must_use]
pub fn explain(finding: &Finding, tolerance: &Tolerance) -> Explanation {
    let areas = &finding.areas;
    let (area, farmland, basic) = (mu(areas.area_m2), mu(areas.farmland_m2), mu(areas.basic_farmland_m2));
    let (approved, unapproved, unapproved_farmland) = (mu(areas.approved_m2), mu(areas.unapproved_m2()), mu(areas.unapproved_farmland_m2()));
    let (cover, over) = (tolerance.cover_mu, tolerance.farmland_mu);
    let (numbers_zh, numbers_en) = match finding.approvals.as_slice() {
        [] => (String::new(), String::new()),
        numbers => (format!("（{}）", numbers.join("、")), format!(" ({})", numbers.join(", "))),
    };
    let occupied_zh = format!("图斑面积 {area} 亩，占用耕地 {farmland} 亩（其中永久基本农田 {basic} 亩）");
    let occupied_en = format!("The patch of {area} mu occupies {farmland} mu of farmland (permanent basic farmland: {basic} mu)");
    let (zh, en) = match finding.reason {
        Reason::FullyApproved => (
            format!("{occupied_zh}；批准用地{numbers_zh}覆盖 {approved} 亩，未批准面积 {unapproved} 亩，不超过容差 {cover} 亩，自动判定为合法。"),
            format!(
                "{occupied_en}; approvals{numbers_en} cover {approved} mu, the {unapproved} mu outside them are within the tolerance of {cover} mu: legal."
            ),
        ),
        Reason::UnapprovedFarmland => (
            format!("{occupied_zh}；没有批准用地覆盖，未批准占用耕地 {unapproved_farmland} 亩，超过容差 {over} 亩，疑似违法，须实地核查。"),
            format!(
                "{occupied_en}; no approval covers it, so {unapproved_farmland} mu of farmland are without approval, above the tolerance of {over} mu: suspected illegal, to be verified on the ground."
            ),
        ),
        Reason::PartlyApproved => (
            format!(
                "{occupied_zh}；批准用地{numbers_zh}只覆盖 {approved} 亩，未批准占用耕地 {unapproved_farmland} 亩，超过容差 {over} 亩，疑似违法，须实地核查。"
            ),
            format!(
                "{occupied_en}; approvals{numbers_en} cover only {approved} mu, so {unapproved_farmland} mu of farmland are without approval, above the tolerance of {over} mu: suspected illegal, to be verified on the ground."
            ),
        ),
        Reason::NoFarmland => (
            format!("{occupied_zh}；批准用地之外的耕地 {unapproved_farmland} 亩，不超过容差 {over} 亩，自动判定为其他。"),
            format!("{occupied_en}; {unapproved_farmland} mu of farmland lie outside approvals, within the tolerance of {over} mu: other."),
        ),
        Reason::NoParcels => (
            format!("图斑面积 {area} 亩，其中有地块没有地类图斑覆盖，无法判断是否占用耕地，存疑。"),
            format!("The patch of {area} mu has ground that no parcel covers, so it cannot be told whether farmland is occupied: doubtful."),
        ),
        Reason::NoApprovals => (
            format!("{occupied_zh}；没有生效的批准用地图层，无法判断是否经过批准，存疑。"),
            format!("{occupied_en}; no approvals are in force, so it cannot be told whether it was approved: doubtful."),
        ),
    };
    Explanation { zh, en }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::land::{Areas, AutomaticVerdict};

    #[test]
    fn the_sentence_carries_the_numbers_of_the_finding() {
        let m2 = |mu: f64| mu * 10_000.0 / 15.0;
        let areas = Areas {
            area_m2: m2(12.0),
            farmland_m2: m2(8.5),
            basic_farmland_m2: m2(2.25),
            approved_m2: m2(3.0),
            approved_farmland_m2: m2(2.5),
            ..Areas::default()
        };
        let finding = Finding {
            areas,
            parcels: vec![],
            counties: vec![],
            approvals: vec!["鲁政土字〔2021〕0012号".into()],
            flags: vec![],
            verdict: AutomaticVerdict::SuspectedIllegal,
            reason: Reason::PartlyApproved,
            automatic_legal_farmland_m2: m2(2.5),
            automatic_illegal_farmland_m2: m2(6.0),
            county_code: None,
        };
        let tolerance = super::super::rule::Rule::load(None).unwrap().tolerance;
        let said = explain(&finding, &tolerance);
        assert_eq!(
            said.zh,
            "图斑面积 12.00 亩，占用耕地 8.50 亩（其中永久基本农田 2.25 亩）；批准用地（鲁政土字〔2021〕0012号）只覆盖 3.00 亩，未批准占用耕地 6.00 亩，超过容差 0.001 亩，疑似违法，须实地核查。"
        );
        for number in ["12.00", "8.50", "2.25", "3.00", "6.00", "0.001"] {
            assert!(said.en.contains(number), "{number} in {}", said.en);
        }
    }
}
