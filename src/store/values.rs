//! From values to columns, whichever database takes them: the order is that of [`tables`](super::tables).

pub(super) use super::bind::{Values, now_ms, to_json};
use super::checksum::Summing;
use super::{LayerFeature, StoreError, sums::Sums, tables};
use tuban_engine::model::{Doubts, Filing, Finding, FormerFinding, Layer, LayerUsed, LeftOut, Patch, Reject, Standard, Survey, push_day};
use tuban_geom::Bounds;

/// A row of `layer`.
pub(super) fn layer(values: &mut impl Values, layer: &Layer) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::LAYER);
    row.integer(layer.id)?;
    row.text(layer.kind.word())?;
    row.text(layer.name.as_str())?;
    row.text(layer.effective.to_string().as_str())?;
    row.text(layer.crs.as_str())?;
    row.text(layer.sha256.as_str())?;
    for number in [i64::from(layer.invented), layer.features as i64, layer.rejected as i64, layer.vertices as i64, layer.created_ms] {
        row.integer(number)?;
    }
    row.json(&layer.notes)?;
    row.text(layer.classes.map(Standard::word))?;
    row.integer(layer.undated.map(|count| count as i64))?;
    row.integer(layer.decimals.map(i64::from))?;
    row.end()
}

/// A row of `layer_feature`.
pub(super) fn feature(values: &mut impl Values, id: i64, layer: i64, feature: &LayerFeature) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::LAYER_FEATURE);
    row.integer(id)?;
    row.integer(layer)?;
    row.integer(feature.row as i64)?;
    row.text(feature.facts.code.as_str())?;
    row.text(feature.facts.name.as_str())?;
    row.place(&feature.degrees, feature.repaired.as_ref())?;
    row.outlines(&feature.degrees, feature.repaired.as_ref(), feature.source.as_ref())?;
    row.day(feature.facts.granted)?;
    row.day(feature.facts.ends)?;
    row.text(feature.facts.kind.as_deref())?;
    row.day(feature.facts.first_effective)?;
    row.end()
}

/// A row of `layer_left_out`.
pub(super) fn left_out(values: &mut impl Values, layer: i64, left_out: &LeftOut) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::LAYER_LEFT_OUT);
    row.integer(layer)?;
    row.integer(left_out.row as i64)?;
    row.text(left_out.code.as_str())?;
    row.text(left_out.reason.zh.as_str())?;
    row.text(left_out.reason.en.as_str())?;
    let sides = left_out.bounds.map(|Bounds { min, max }| [min[0], min[1], max[0], max[1]]);
    (0..4).try_for_each(|side| row.double(sides.map(|sides| sides[side])))?;
    row.end()
}

/// A row of `survey`, and what its findings and verdicts sum to.
pub(super) fn survey(values: &mut impl Values, survey: &Survey, rule: &str, sums: Option<&Sums>) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::SURVEY);
    let facts = &survey.facts;
    row.integer(survey.id)?;
    row.text(facts.name.as_str())?;
    row.integer(facts.period.ordinal())?;
    row.integer(facts.period.kind().months())?;
    row.text(facts.level.word())?;
    row.text(facts.crs.as_str())?;
    row.text(facts.upload_key.as_str())?;
    row.integer(i64::from(facts.invented))?;
    for count in [facts.patches, facts.repaired, facts.rejected, facts.outside] {
        row.integer(count as i64)?;
    }
    row.text(facts.patch_id_source.word())?;
    row.json(&facts.fields)?;
    for count in [facts.verdicts.legal, facts.verdicts.suspected_illegal, facts.verdicts.other, facts.verdicts.doubtful] {
        row.integer(count as i64)?;
    }
    row.double(facts.area_m2)?;
    row.double(facts.farmland_m2)?;
    row.json(&facts.warnings)?;
    row.text(rule)?;
    row.integer(survey.created_ms)?;
    row.integer(survey.judged_ms)?;
    row.text(facts.sha256.as_str())?;
    row.integer(survey.withdrawn_ms)?;
    row.integer(facts.decimals.map(i64::from))?;
    row.integer(facts.farmland_unknown as i64)?;
    row.end()?;
    values.text(sums.map(Sums::to_text).transpose()?.as_deref())
}

/// A row of `layer_set_layer`. A file of the command line has no number.
pub(super) fn layer_set_layer(values: &mut impl Values, set: i64, position: usize, used: &LayerUsed) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::LAYER_SET_LAYER);
    row.integer(set)?;
    row.integer(position as i64)?;
    row.integer((used.id != 0).then_some(used.id))?;
    row.text(used.kind.word())?;
    row.text(used.name.as_str())?;
    row.text(used.effective.as_str())?;
    row.end()
}

/// A row of `patch`.
pub(super) fn patch(values: &mut impl Values, id: i64, survey: i64, patch: &Patch) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::PATCH);
    row.integer(id)?;
    row.integer(survey)?;
    row.integer(patch.row as i64)?;
    row.text(patch.patch_id.as_str())?;
    row.text(patch.stated_county.as_deref())?;
    row.place(&patch.degrees, patch.repaired.as_ref())?;
    let mut text = String::with_capacity(10);
    for day in [patch.days.before, patch.days.after] {
        text.clear();
        push_day(&mut text, day);
        row.text(text.as_str())?;
    }
    // Its own id, until it takes the place of another.
    row.integer(None)?;
    row.end()
}

/// A row of `patch_outline`.
pub(super) fn patch_outline(values: &mut impl Values, id: i64, patch: &Patch) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::PATCH_OUTLINE);
    row.integer(id)?;
    row.text(patch.attributes.as_str())?;
    row.json(&patch.defects)?;
    row.outlines(&patch.degrees, patch.repaired.as_ref(), patch.source.as_ref())?;
    row.end()
}

/// A row of `finding`.
pub(super) fn finding(values: &mut impl Values, id: i64, survey: i64, finding: &Finding) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::FINDING);
    let areas = &finding.areas;
    row.integer(id)?;
    row.integer(survey)?;
    row.text(finding.county_code.as_deref())?;
    for area in [
        areas.area_m2,
        areas.farmland_m2,
        areas.basic_farmland_m2,
        areas.red_line_m2,
        areas.urban_boundary_m2,
        areas.approved_m2,
        areas.approved_farmland_m2,
        finding.automatic_legal_farmland_m2,
        finding.automatic_illegal_farmland_m2,
    ] {
        row.double(area)?;
    }
    row.text(finding.verdict.word())?;
    row.text(finding.reason.word())?;
    row.json(&finding.parcels)?;
    row.json(&finding.counties)?;
    row.json(&finding.approvals)?;
    row.json(&finding.flags)?;
    // Most patches lie on no approval: NULL takes no room, and reads back as the same.
    let is_plain = *areas == areas.with_undated_approvals();
    for area in [
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
    ] {
        row.double((!is_plain).then_some(area))?;
    }
    if finding.doubts == Doubts::default() { row.text(None) } else { row.json(&finding.doubts) }?;
    row.integer(stored_set(finding))?;
    row.end()
}

/// A row of `filing`.
pub(super) fn filing(values: &mut impl Values, patch: i64, filing: &Filing, filed_ms: i64, by: &str) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::FILING);
    row.integer(patch)?;
    row.text(filing.verdict.word())?;
    for area in [filing.legal_m2, filing.legal_farmland_m2, filing.illegal_m2, filing.illegal_farmland_m2] {
        row.double(area)?;
    }
    row.integer(filed_ms)?;
    row.text(by)?;
    row.end()
}

/// A row of `layer_set`.
pub(super) fn layer_set(values: &mut impl Values, id: i64, rule: &str, layers: &str, origin: [f64; 2]) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::LAYER_SET);
    row.integer(id)?;
    row.text(rule)?;
    row.text(layers)?;
    row.double(origin[0])?;
    row.double(origin[1])?;
    row.end()
}

/// A row of `finding_history`.
pub(super) fn former(values: &mut impl Values, id: i64, patch: i64, survey: i64, former: &FormerFinding) -> Result<(), StoreError> {
    let mut row = Summing::new(values, &tables::FINDING_HISTORY);
    row.integer(id)?;
    row.integer(patch)?;
    row.integer(survey)?;
    row.integer(stored_set(&former.finding))?;
    row.json(&former.finding)?;
    row.integer(former.judged_ms)?;
    row.integer(former.replaced_ms)?;
    row.text(former.replaced_by.as_deref())?;
    row.end()
}

/// The set of a finding, NULL where it has none that is stored.
fn stored_set(finding: &Finding) -> Option<i64> {
    (finding.layer_set != 0).then_some(finding.layer_set)
}

/// A row of `reject`, but for its number, which the database gives.
pub(super) fn reject(values: &mut impl Values, survey: i64, reject: &Reject) -> Result<(), StoreError> {
    values.integer(survey)?;
    values.integer(reject.row as i64)?;
    values.text(reject.patch_id.as_deref())?;
    values.text(reject.code.as_ref())?;
    values.text(reject.reason.zh.as_ref())?;
    values.text(reject.reason.en.as_ref())?;
    values.text(reject.pointer.as_str())?;
    values.integer(reject.ring.map(i64::from))?;
    values.integer(reject.vertex.map(i64::from))
}
