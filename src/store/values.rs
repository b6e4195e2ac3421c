//! From values to columns, whichever database takes them: the order is that of [`tables`](super::tables).

use super::{LayerFeature, StoreError, cells::cell, wkb};
use tuban_engine::model::{Doubts, Finding, FormerFinding, Layer, LayerUsed, LeftOut, Patch, Reject, Standard, Survey, push_day};
use tuban_geom::{Bounds, Outline};

/// Takes the columns of rows, one after the other.
pub(super) trait Values {
    /// The next column, an integer.
    fn integer(&mut self, value: impl Into<Option<i64>>) -> Result<(), StoreError>;
    /// The next column, a double.
    fn double(&mut self, value: impl Into<Option<f64>>) -> Result<(), StoreError>;
    /// The next column, text.
    fn text<'t>(&mut self, value: impl Into<Option<&'t str>>) -> Result<(), StoreError>;
    /// The next column, bytes.
    fn bytes(&mut self, value: impl Into<Option<Vec<u8>>>) -> Result<(), StoreError>;

    /// A day that need not be there.
    fn day(&mut self, value: Option<jiff::civil::Date>) -> Result<(), StoreError> {
        self.text(value.map(|day| day.to_string()).as_deref())
    }

    /// A list, kept as JSON.
    fn json(&mut self, value: &impl serde::Serialize) -> Result<(), StoreError> {
        self.text(to_json(value)?.as_str())
    }

    /// `west, south, east, north, cell` of the outline that counts: the repaired one where there is one.
    fn place(&mut self, degrees: &Outline, repaired: Option<&Outline>) -> Result<(), StoreError> {
        let Bounds { min, max } = repaired.unwrap_or(degrees).bounds();
        for value in min.into_iter().chain(max) {
            self.double(value)?;
        }
        self.integer(cell(&Bounds { min, max }))
    }

    /// `degrees, repaired, source`.
    fn outlines(&mut self, degrees: &Outline, repaired: Option<&Outline>, source: Option<&Outline>) -> Result<(), StoreError> {
        self.bytes(wkb::write(degrees))?;
        self.bytes(repaired.map(wkb::write))?;
        self.bytes(source.map(wkb::write))
    }
}

/// A list to be kept as JSON.
pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(Box::new(error)))
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A row of `layer`.
pub(super) fn layer(values: &mut impl Values, layer: &Layer) -> Result<(), StoreError> {
    values.integer(layer.id)?;
    values.text(layer.kind.word())?;
    values.text(layer.name.as_str())?;
    values.text(layer.effective.to_string().as_str())?;
    values.text(layer.crs.as_str())?;
    values.text(layer.sha256.as_str())?;
    for number in [i64::from(layer.invented), layer.features as i64, layer.rejected as i64, layer.vertices as i64, layer.created_ms] {
        values.integer(number)?;
    }
    values.json(&layer.notes)?;
    values.text(layer.classes.map(Standard::word))?;
    values.integer(layer.undated.map(|count| count as i64))?;
    values.integer(layer.decimals.map(i64::from))
}

/// A row of `layer_feature`.
pub(super) fn feature(values: &mut impl Values, id: i64, layer: i64, feature: &LayerFeature) -> Result<(), StoreError> {
    values.integer(id)?;
    values.integer(layer)?;
    values.integer(feature.row as i64)?;
    values.text(feature.facts.code.as_str())?;
    values.text(feature.facts.name.as_str())?;
    values.place(&feature.degrees, feature.repaired.as_ref())?;
    values.outlines(&feature.degrees, feature.repaired.as_ref(), feature.source.as_ref())?;
    values.day(feature.facts.granted)?;
    values.day(feature.facts.ends)?;
    values.text(feature.facts.kind.as_deref())?;
    values.day(feature.facts.first_effective)
}

/// A row of `layer_left_out`.
pub(super) fn left_out(values: &mut impl Values, layer: i64, left_out: &LeftOut) -> Result<(), StoreError> {
    values.integer(layer)?;
    values.integer(left_out.row as i64)?;
    values.text(left_out.code.as_str())?;
    values.text(left_out.reason.zh.as_str())?;
    values.text(left_out.reason.en.as_str())?;
    let sides = left_out.bounds.map(|Bounds { min, max }| [min[0], min[1], max[0], max[1]]);
    (0..4).try_for_each(|side| values.double(sides.map(|sides| sides[side])))
}

/// A row of `survey`.
pub(super) fn survey(values: &mut impl Values, survey: &Survey, rule: &str) -> Result<(), StoreError> {
    let facts = &survey.facts;
    values.integer(survey.id)?;
    values.text(facts.name.as_str())?;
    values.integer(facts.period.ordinal())?;
    values.integer(facts.period.kind().months())?;
    values.text(facts.level.word())?;
    values.text(facts.crs.as_str())?;
    values.text(facts.upload_key.as_str())?;
    values.integer(i64::from(facts.invented))?;
    for count in [facts.patches, facts.repaired, facts.rejected, facts.outside] {
        values.integer(count as i64)?;
    }
    values.text(facts.patch_id_source.word())?;
    values.json(&facts.fields)?;
    for count in [facts.verdicts.legal, facts.verdicts.suspected_illegal, facts.verdicts.other, facts.verdicts.doubtful] {
        values.integer(count as i64)?;
    }
    values.double(facts.area_m2)?;
    values.double(facts.farmland_m2)?;
    values.json(&facts.warnings)?;
    values.text(rule)?;
    values.integer(survey.created_ms)?;
    values.integer(survey.judged_ms)?;
    values.text(facts.sha256.as_str())?;
    values.integer(survey.withdrawn_ms)?;
    values.integer(facts.decimals.map(i64::from))?;
    values.integer(facts.farmland_unknown as i64)
}

/// A row of `layer_set_layer`. A file of the command line has no number.
pub(super) fn layer_set_layer(values: &mut impl Values, set: i64, position: usize, used: &LayerUsed) -> Result<(), StoreError> {
    values.integer(set)?;
    values.integer(position as i64)?;
    values.integer((used.id != 0).then_some(used.id))?;
    values.text(used.kind.word())?;
    values.text(used.name.as_str())?;
    values.text(used.effective.as_str())
}

/// A row of `patch`.
pub(super) fn patch(values: &mut impl Values, id: i64, survey: i64, patch: &Patch) -> Result<(), StoreError> {
    values.integer(id)?;
    values.integer(survey)?;
    values.integer(patch.row as i64)?;
    values.text(patch.patch_id.as_str())?;
    values.text(patch.stated_county.as_deref())?;
    values.place(&patch.degrees, patch.repaired.as_ref())?;
    let mut text = String::with_capacity(10);
    for day in [patch.days.before, patch.days.after] {
        text.clear();
        push_day(&mut text, day);
        values.text(text.as_str())?;
    }
    Ok(())
}

/// A row of `patch_outline`.
pub(super) fn patch_outline(values: &mut impl Values, id: i64, patch: &Patch) -> Result<(), StoreError> {
    values.integer(id)?;
    values.text(patch.attributes.as_str())?;
    values.json(&patch.defects)?;
    values.outlines(&patch.degrees, patch.repaired.as_ref(), patch.source.as_ref())
}

/// A row of `finding`.
pub(super) fn finding(values: &mut impl Values, id: i64, survey: i64, finding: &Finding) -> Result<(), StoreError> {
    let areas = &finding.areas;
    values.integer(id)?;
    values.integer(survey)?;
    values.text(finding.county_code.as_deref())?;
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
        values.double(area)?;
    }
    values.text(finding.verdict.word())?;
    values.text(finding.reason.word())?;
    values.json(&finding.parcels)?;
    values.json(&finding.counties)?;
    values.json(&finding.approvals)?;
    values.json(&finding.flags)?;
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
        values.double((!is_plain).then_some(area))?;
    }
    if finding.doubts == Doubts::default() { values.text(None) } else { values.json(&finding.doubts) }?;
    values.integer(stored_set(finding))
}

/// A row of `finding_history`.
pub(super) fn former(values: &mut impl Values, id: i64, patch: i64, survey: i64, former: &FormerFinding) -> Result<(), StoreError> {
    values.integer(id)?;
    values.integer(patch)?;
    values.integer(survey)?;
    values.integer(stored_set(&former.finding))?;
    values.json(&former.finding)?;
    values.integer(former.judged_ms)?;
    values.integer(former.replaced_ms)?;
    values.text(former.replaced_by.as_deref())
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
