//! One sentence with the numbers, in Chinese and in English. Pure: made from the finding whenever it is shown, so it cannot drift from it.

use crate::model::{Area, Areas, Days, Explanation, Finding, Flag, LayerKind, LayerUsed, Provenance, Reason, Words};
use crate::rule::Tolerance;
use std::fmt::Write as _;

/// 亩 with two decimals, as in circulars.
fn mu(m2: f64) -> String {
    format!("{:.2}", Area::of_m2(m2).mu)
}

/// Shown for what is unknown.
const UNKNOWN: &str = "—";

/// Why the verdict is what it is: from the finding, what it rests on, and the days of its images.
#[must_use]
pub fn explain(finding: &Finding, provenance: &Provenance, days: &Days, tolerance: &Tolerance) -> Explanation {
    let Explanation { mut zh, mut en } = verdict(finding, provenance, tolerance);
    if finding.flags.contains(&Flag::LayerLaterThanChange) {
        for layer in provenance.layers.iter().filter(|layer| is_later(layer, days)) {
            let (kind, day) = (layer.kind.chinese(), &layer.effective);
            let ([image, image_en], image_day) = held_against(layer.kind, days);
            let _ = write!(zh, "{kind}没有{image}影像（{image_day}）之时或之前的版本，用的是最早的一版（{day}）。");
            let _ = write!(en, " Of {} there is no version as early as the {image_en} image of {image_day}; the earliest, of {day}, was used.", layer.kind);
        }
    }
    Explanation { zh, en }
}

/// The image that a kind is held against: what it is called, and its day.
fn held_against(kind: LayerKind, days: &Days) -> ([&'static str; 2], jiff::civil::Date) {
    if kind == LayerKind::Farmland { (["前时相", "first"], days.before) } else { (["后时相", "second"], days.after) }
}

fn is_later(layer: &LayerUsed, days: &Days) -> bool {
    let effective = layer.effective.parse::<jiff::civil::Date>();
    layer.kind != LayerKind::Approved && effective.is_ok_and(|effective| effective > held_against(layer.kind, days).1)
}

fn verdict(finding: &Finding, provenance: &Provenance, tolerance: &Tolerance) -> Explanation {
    let areas = &finding.areas;
    let known = |kind, m2: f64| if provenance.has(kind) { mu(m2) } else { UNKNOWN.to_owned() };
    let (area, farmland, basic) = (mu(areas.area_m2), known(LayerKind::Farmland, areas.farmland_m2), known(LayerKind::BasicFarmland, areas.basic_farmland_m2));
    let (approved, unapproved, unapproved_farmland) =
        (known(LayerKind::Approved, areas.approved_in_time_m2), known(LayerKind::Approved, areas.unapproved_m2()), mu(areas.unapproved_farmland_m2()));
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
        Reason::NoFarmlandLayer => (
            format!("图斑面积 {area} 亩；没有任何一版地类图斑图层，占用耕地面积未知（{UNKNOWN}），存疑。"),
            format!(
                "The patch has {area} mu; there is no version of the parcels (farmland), so how much farmland it occupies is unknown ({UNKNOWN}): doubtful."
            ),
        ),
        Reason::NoApprovals => (
            format!("{occupied_zh}；没有任何一版批准用地图层，无法判断是否经过批准，存疑。"),
            format!("{occupied_en}; there is no version of the approvals (approved), so it cannot be told whether it was approved: doubtful."),
        ),
        Reason::ApprovedLater => {
            let (later, later_farmland) = (mu(areas.approved_later_m2), mu(areas.approved_later_farmland_m2));
            (
                format!(
                    "{occupied_zh}；涉及批准用地{numbers_zh}，其中 {later} 亩（耕地 {later_farmland} 亩）在后时相之后才批准（补办），后时相时未批准占用耕地 {unapproved_farmland} 亩，超过容差 {over} 亩，疑似违法，须实地核查。"
                ),
                format!(
                    "{occupied_en}; of the approvals on it{numbers_en}, {later} mu ({later_farmland} mu of farmland) were granted only after the image after the change, so {unapproved_farmland} mu of farmland were without approval by then, above the tolerance of {over} mu: suspected illegal, to be verified on the ground."
                ),
            )
        }
        Reason::ApprovalUndated => {
            let (undated, undated_farmland) = (mu(areas.approved_undated_m2), mu(areas.approved_undated_farmland_m2));
            (
                format!(
                    "{occupied_zh}；涉及批准用地{numbers_zh}，其中 {undated} 亩（耕地 {undated_farmland} 亩）没有批准日期，最早收录它的图层版本晚于后时相，不能认定批准在先；未批准占用耕地 {unapproved_farmland} 亩，超过容差 {over} 亩，疑似违法，须实地核查。"
                ),
                format!(
                    "{occupied_en}; of the approvals on it{numbers_en}, {undated} mu ({undated_farmland} mu of farmland) have no day, and the first version that holds them is later than the image after the change, so {unapproved_farmland} mu of farmland are not known to have been approved by then, above the tolerance of {over} mu: suspected illegal, to be verified on the ground."
                ),
            )
        }
        reason @ (Reason::FacilityAgriculture | Reason::TemporaryUse | Reason::RuralRoad | Reason::OtherUse) => {
            let (other, other_farmland, (use_zh, use_en)) = (mu(areas.other_use_m2), mu(areas.other_use_farmland_m2), other_use(reason));
            (
                format!(
                    "{occupied_zh}；涉及批准{numbers_zh}，建设用地批准覆盖 {approved} 亩，{use_zh}等其他用途的批准另覆盖 {other} 亩（耕地 {other_farmland} 亩），此外的耕地 {unapproved_farmland} 亩，不超过容差 {over} 亩，自动判定为其他（{use_zh}），{other_farmland} 亩不计入比例。"
                ),
                format!(
                    "{occupied_en}; of the approvals on it{numbers_en}, those for building cover {approved} mu, those for another use ({use_en}) a further {other} mu ({other_farmland} mu of farmland); {unapproved_farmland} mu of farmland lie outside both, within the tolerance of {over} mu: other ({use_en}), {other_farmland} mu are in neither term of the ratio."
                ),
            )
        }
        Reason::TooSmall => (
            format!(
                "图斑面积 {:.2} 平方米，不大于容差，批准用地{numbers_zh}覆盖 {:.2} 平方米，不足 99%，无法判断，存疑。",
                areas.area_m2, areas.approved_in_time_m2
            ),
            format!(
                "The patch of {:.2} m² is no larger than a tolerance, and approvals{numbers_en} cover {:.2} m² of it, less than 99 %: doubtful.",
                areas.area_m2, areas.approved_in_time_m2
            ),
        ),
        Reason::TooLarge => too_large(finding, tolerance),
    };
    let notes = notes(finding);
    let (more_zh, more_en) = milder(finding, tolerance);
    Explanation { zh: zh + &notes.zh + &more_zh, en: en + &notes.en + &more_en }
}

/// That a patch is larger than it can be: its area, how much of it is in the county with most of it, and the share.
fn too_large(finding: &Finding, tolerance: &Tolerance) -> (String, String) {
    let (area, percent) = (mu(finding.areas.area_m2), tolerance.patch_share * 100.0);
    let (in_county_zh, in_county_en) = finding.counties.first().map_or_else(
        || ("不在任何县区内".to_owned(), "none of it in any county".to_owned()),
        |county| {
            let (name, inside) = (&county.name, mu(county.area_m2));
            (format!("其中 {inside} 亩在{name}"), format!("{inside} mu of it in {name}"))
        },
    );
    (
        format!(
            "图斑面积 {area} 亩，{in_county_zh}，超过所在县区或全部县区面积的 {percent}%；监测图斑不会这么大，多半是误传了行政区、图幅等范围，存疑，请核对数据。"
        ),
        format!(
            "The patch of {area} mu, {in_county_en}, is more than {percent} % of its county or of all counties; no monitoring patch is as large, so it is most likely the outline of something else (a county, a map sheet): doubtful, check the file."
        ),
    )
}

/// What a reason calls the use.
fn other_use(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::FacilityAgriculture => ("设施农用地", "facility of farming"),
        Reason::TemporaryUse => ("临时用地", "temporary use"),
        Reason::RuralRoad => ("农村道路", "rural road"),
        _ => ("其他用途", "other"),
    }
}

/// What the days, ends and kinds of its approvals have to do with it; nothing where all of them are of one day before the change, or were not looked at.
fn notes(finding: &Finding) -> Words {
    let (areas, has) = (&finding.areas, |flag| finding.flags.contains(&flag));
    let mut notes = Words::default();
    let mut note = |zh: String, en: String| {
        notes.zh.push_str(&zh);
        notes.en.push_str(&en);
    };
    if areas.approved_m2 > 0.0 && (areas.approved_before_m2 < areas.approved_m2 && has(Flag::ApprovalUndated) || areas.approved_later_m2 > 0.0) {
        let Areas { approved_m2, approved_before_m2, approved_undated_m2, approved_later_m2, .. } = *areas;
        let (all, before, undated, later) = (mu(approved_m2), mu(approved_before_m2), mu(approved_undated_m2), mu(approved_later_m2));
        note(
            format!("建设用地批准共 {all} 亩：后时相前批准 {before} 亩，没有批准日期 {undated} 亩，后时相后批准（补办）{later} 亩。"),
            format!(
                " Of {all} mu approved for building, {before} mu were granted before the image after the change, {undated} mu have no day, {later} mu came later."
            ),
        );
    }
    if has(Flag::ApprovalUndated) && finding.reason != Reason::ApprovalUndated && areas.approved_in_time_m2 > areas.approved_before_m2 {
        note(
            "没有批准日期的，因最早收录它的图层版本不晚于后时相，按批准在先计。".to_owned(),
            " Those without a day count as granted before, because a version held them by then.".to_owned(),
        );
    }
    if has(Flag::ApprovalExpired) {
        note("另有批准在后时相之前已到期，不计。".to_owned(), " An approval on it had ended before the image after the change and is not counted.".to_owned());
    }
    if has(Flag::ApprovalKindUnknown) {
        note("有批准的类型不明，按建设用地批准计。".to_owned(), " An approval of unknown kind is taken for one of building.".to_owned());
    }
    notes
}

/// What is added where the verdict is the milder one of several readings: the area, and by how much it may differ.
fn milder(finding: &Finding, tolerance: &Tolerance) -> (String, String) {
    let (areas, doubts) = (&finding.areas, &finding.doubts);
    let without_parcels_m2 = areas.area_m2 - finding.parcels.iter().map(|share| share.area_m2).sum::<f64>();
    let outside_m2 = areas.unapproved_m2() - if finding.reason.is_other_use() { areas.other_use_m2 } else { 0.0 };
    let second_m2 = finding.counties.get(1).map_or(0.0, |second| second.area_m2);
    let held = [
        ("批准范围外的面积", "ground outside approvals", outside_m2, doubts.unapproved, tolerance.cover_m2()),
        ("批准范围外的耕地", "farmland outside approvals", areas.unapproved_farmland_m2(), doubts.unapproved_farmland, tolerance.farmland_m2()),
        ("没有地类的面积", "ground on no parcel", without_parcels_m2, doubts.without_parcels, tolerance.cover_m2()),
        ("在另一县区的面积", "ground in another county", second_m2, doubts.second_county, tolerance.border_m2()),
    ];
    let (mut zh, mut en) = (String::new(), String::new());
    if !finding.flags.iter().any(|flag| matches!(flag, Flag::EdgeDefinition | Flag::CoordinatesRounded)) {
        return (zh, en);
    }
    for (name_zh, name_en, area_m2, doubt, tolerance_m2) in held {
        if area_m2 <= tolerance_m2 || area_m2 - doubt.m2() > tolerance_m2 {
            continue;
        }
        let (mut why_zh, mut why_en) = (Vec::new(), Vec::new());
        if doubt.edges_m2 > 0.0 {
            why_zh.push(format!("边线在各文件坐标系中读法不同，可差 {:.2} 平方米", doubt.edges_m2));
            why_en.push(format!("{:.2} m² for edges that read differently in the coordinate systems of the files", doubt.edges_m2));
        }
        if doubt.rounding_m2 > 0.0 {
            why_zh.push(format!("坐标小数位少，可差 {:.2} 平方米", doubt.rounding_m2));
            why_en.push(format!("{:.2} m² for coordinates written with few decimals", doubt.rounding_m2));
        }
        let _ = write!(zh, "{name_zh} {area_m2:.2} 平方米，{}，不据此从重判定。", why_zh.join("，"));
        let _ = write!(en, " The {name_en} is {area_m2:.2} m² and may differ by {}: not held against it.", why_en.join(" and "));
    }
    (zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Areas, AutomaticVerdict};

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
        }
        .with_undated_approvals();
        let finding = Finding {
            areas,
            doubts: crate::model::Doubts::default(),
            parcels: vec![],
            counties: vec![],
            approvals: vec!["鲁政土字〔2021〕0012号".into()],
            flags: vec![],
            verdict: AutomaticVerdict::SuspectedIllegal,
            reason: Reason::PartlyApproved,
            automatic_legal_farmland_m2: m2(2.5),
            automatic_illegal_farmland_m2: m2(6.0),
            county_code: None,
            layer_set: 0,
        };
        let tolerance = crate::rule::Rule::load(None).unwrap().tolerance;
        let used = |kind, effective: &str| LayerUsed { id: 1, kind, name: String::new(), effective: effective.to_owned() };
        let layers = vec![used(LayerKind::Farmland, "2022-12-31"), used(LayerKind::BasicFarmland, "2022-01-01"), used(LayerKind::Approved, "2023-01-01")];
        let mut provenance = Provenance { layers, rule: String::new() };
        let days = Days { before: jiff::civil::date(2022, 4, 1), after: jiff::civil::date(2022, 4, 30), unclear: false };
        let said = explain(&finding, &provenance, &days, &tolerance);
        assert_eq!(
            said.zh,
            "图斑面积 12.00 亩，占用耕地 8.50 亩（其中永久基本农田 2.25 亩）；批准用地（鲁政土字〔2021〕0012号）只覆盖 3.00 亩，未批准占用耕地 6.00 亩，超过容差 0.001 亩，疑似违法，须实地核查。"
        );
        for number in ["12.00", "8.50", "2.25", "3.00", "6.00", "0.001"] {
            assert!(said.en.contains(number), "{number} in {}", said.en);
        }
        // A layer that is later than the change is named with its day, both in words; what there is no version of is unknown.
        let flagged = Finding { flags: vec![Flag::LayerLaterThanChange], ..finding.clone() };
        let later = explain(&flagged, &provenance, &days, &tolerance);
        assert_eq!(later.zh, format!("{}地类图斑没有前时相影像（2022-04-01）之时或之前的版本，用的是最早的一版（2022-12-31）。", said.zh));
        assert!(later.en.contains("2022-12-31") && !later.en.contains("2023-01-01"), "{}", later.en);
        provenance.layers.remove(1);
        assert!(explain(&finding, &provenance, &days, &tolerance).zh.contains("其中永久基本农田 — 亩"));
        provenance.layers.remove(0);
        let unknown = explain(&Finding { reason: Reason::NoFarmlandLayer, ..finding }, &provenance, &days, &tolerance);
        assert!(unknown.zh.contains("地类图斑") && unknown.zh.contains('—') && unknown.en.contains("farmland"), "{unknown:?}");
    }

    #[test]
    fn the_sentence_tells_the_days_of_approvals() {
        let m2 = |mu: f64| mu * 10_000.0 / 15.0;
        let areas = Areas {
            area_m2: m2(12.0),
            farmland_m2: m2(12.0),
            approved_m2: m2(7.0),
            approved_farmland_m2: m2(7.0),
            approved_before_m2: m2(1.0),
            approved_undated_m2: m2(2.0),
            approved_later_m2: m2(4.0),
            approved_later_farmland_m2: m2(4.0),
            approved_in_time_m2: m2(3.0),
            approved_in_time_farmland_m2: m2(3.0),
            ..Areas::default()
        };
        let mut finding = Finding {
            areas,
            doubts: crate::model::Doubts::default(),
            parcels: vec![],
            counties: vec![],
            approvals: vec!["甲".into(), "乙".into()],
            flags: vec![Flag::ApprovalUndated, Flag::ApprovalExpired],
            verdict: AutomaticVerdict::SuspectedIllegal,
            reason: Reason::ApprovedLater,
            automatic_legal_farmland_m2: m2(3.0),
            automatic_illegal_farmland_m2: m2(9.0),
            county_code: None,
            layer_set: 0,
        };
        let tolerance = crate::rule::Rule::load(None).unwrap().tolerance;
        let used = |kind| LayerUsed { id: 1, kind, name: String::new(), effective: "2020-12-31".to_owned() };
        let layers = [LayerKind::Farmland, LayerKind::BasicFarmland, LayerKind::Approved].map(used).to_vec();
        let provenance = Provenance { layers, rule: String::new() };
        let days = Days { before: jiff::civil::date(2022, 4, 1), after: jiff::civil::date(2022, 4, 30), unclear: false };
        let explain = |finding: &Finding| explain(finding, &provenance, &days, &tolerance);
        let said = explain(&finding);
        assert_eq!(
            said.zh,
            "图斑面积 12.00 亩，占用耕地 12.00 亩（其中永久基本农田 0.00 亩）；涉及批准用地（甲、乙），其中 4.00 亩（耕地 4.00 亩）在后时相之后才批准（补办），后时相时未批准占用耕地 9.00 亩，超过容差 0.001 亩，疑似违法，须实地核查。建设用地批准共 7.00 亩：后时相前批准 1.00 亩，没有批准日期 2.00 亩，后时相后批准（补办）4.00 亩。没有批准日期的，因最早收录它的图层版本不晚于后时相，按批准在先计。另有批准在后时相之前已到期，不计。"
        );
        for number in ["12.00", "9.00", "4.00", "7.00", "2.00", "had ended"] {
            assert!(said.en.contains(number), "{number} in {}", said.en);
        }
        // What an older program found says no more than it did.
        finding.areas = areas.with_undated_approvals();
        (finding.flags, finding.reason) = (vec![], Reason::PartlyApproved);
        assert!(explain(&finding).zh.ends_with("须实地核查。") && !explain(&finding).zh.contains("日期"));
    }
}
