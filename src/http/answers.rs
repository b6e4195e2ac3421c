//! The shapes of answers: the vocabulary of `land`, written as JSON. docs/API.md describes them for people.

use super::shared_ground::{ContradictionAnswer, TakenOffAnswer};
use crate::formats::geojson::Geometry;
use crate::land::{
    Area, AutomaticVerdict, Condition, Days, Doubts, Explanation, Filing, Flag, FormerFinding, Group, Layer, LayerKind, LayerUsed, LeftOut, Level, Line,
    Provenance, Reason, Signature, Standard, Survey, TakenOff, Tally, Verdict, VerdictCounts, Words, round_half_up,
};
use crate::monitor::{explain::explain, left_out::LeftOutHere, ratios::Ratios, rule::Tolerance};
use crate::store::StoredPatch;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Milliseconds since 1970 as RFC 3339 in UTC.
#[must_use]
pub fn timestamp(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default()
}

/// A layer version.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LayerAnswer {
    id: i64,
    kind: LayerKind,
    name: String,
    effective: String,
    crs: String,
    sha256: String,
    features: u64,
    /// Whether it has no features, and was declared to have none: else it would not have been taken.
    declared_empty: bool,
    rejected: u64,
    vertices: u64,
    in_force: bool,
    invented: bool,
    /// The standard that its class codes are read by: 2007, 2017 or 2023; null where it has none.
    classes: Option<Standard>,
    created_at: String,
    /// Of approvals, how many have no day that can be read: all where an older program stored them.
    undated: Option<u64>,
    /// What is asked of people, where some have none.
    advice: Option<Words>,
    notes: Vec<String>,
}

impl LayerAnswer {
    /// The answer for `layer`.
    #[must_use]
    pub fn new(layer: Layer, in_force: bool) -> Self {
        Self {
            undated: layer.undated_approvals(),
            advice: layer.advice(),
            id: layer.id,
            kind: layer.kind,
            name: layer.name,
            effective: layer.effective.to_string(),
            crs: layer.crs,
            sha256: layer.sha256,
            features: layer.features,
            declared_empty: layer.features == 0,
            rejected: layer.rejected,
            vertices: layer.vertices,
            in_force,
            invented: layer.invented,
            classes: layer.classes,
            created_at: timestamp(layer.created_ms),
            notes: layer.notes,
        }
    }
}

/// A survey's summary.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SurveyAnswer {
    /// Number in the store.
    pub id: i64,
    name: String,
    period: String,
    level: Level,
    crs: String,
    sha256: String,
    invented: bool,
    created_at: String,
    /// When its findings were made: then, or anew since.
    judged_at: String,
    patches: u64,
    /// Whether it has no patches, and was declared to have none: else it would not have been taken.
    declared_empty: bool,
    repaired: u64,
    rejected: u64,
    outside: u64,
    /// The field patch ids were read from, `feature_id` or `row`.
    patch_id_source: String,
    fields: BTreeMap<String, String>,
    verdicts: VerdictCounts,
    area: Area,
    farmland: Area,
    warnings: Vec<Words>,
}

impl From<Survey> for SurveyAnswer {
    fn from(survey: Survey) -> Self {
        let facts = survey.facts;
        let field = facts.fields.get("patch_id").cloned().filter(|_| facts.patch_id_source == crate::land::PatchIdSource::Field);
        Self {
            id: survey.id,
            name: facts.name,
            period: facts.period.to_string(),
            level: facts.level,
            crs: facts.crs,
            sha256: facts.sha256,
            invented: facts.invented,
            created_at: timestamp(survey.created_ms),
            judged_at: timestamp(survey.judged_ms),
            patches: facts.patches,
            declared_empty: facts.patches == 0,
            repaired: facts.repaired,
            rejected: facts.rejected,
            outside: facts.outside,
            patch_id_source: field.unwrap_or_else(|| facts.patch_id_source.to_string()),
            fields: facts.fields,
            verdicts: facts.verdicts,
            area: Area::of_m2(facts.area_m2),
            farmland: Area::of_m2(facts.farmland_m2),
            warnings: facts.warnings,
        }
    }
}

/// A patch as a GeoJSON Feature.
#[derive(Debug, Serialize, ToSchema)]
pub struct PatchAnswer {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Number in the store.
    pub id: i64,
    #[schema(value_type = Object)]
    geometry: Geometry<'static>,
    properties: PatchProperties,
}

/// What a patch's Feature says.
#[derive(Debug, Serialize, ToSchema)]
struct PatchProperties {
    patch_id: String,
    survey_id: i64,
    period: String,
    /// The day of the image before the change.
    before_day: String,
    /// The day of the image after it.
    after_day: String,
    row: u64,
    county_code: Option<String>,
    county_name: Option<String>,
    #[serde(flatten)]
    areas: AreasAnswer,
    automatic_verdict: AutomaticVerdict,
    confirmed_verdict: Option<Verdict>,
    verdict: &'static str,
    /// What was filed, by whom and when; null where nothing was.
    filed: Option<FiledAnswer>,
    condition: Condition,
    /// Of the ground that it shares with other patches, what is taken off in sums; absent where it shares none.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_off: Option<TakenOffAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    attributes: Option<Box<RawValue>>,
    /// The outline as it came, where `geometry` is the repaired one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    geometry_as_it_came: Option<Geometry<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<FindingAnswer>,
}

/// A confirmed verdict as it was filed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiledAnswer {
    verdict: Verdict,
    /// Legal construction.
    legal: Area,
    /// Of that, on farmland.
    legal_farmland: Area,
    /// Illegal construction.
    illegal: Area,
    /// Of that, on farmland.
    illegal_farmland: Area,
    /// Who filed it; “—” where nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl FiledAnswer {
    /// The answer for a filing, with who filed it and when where that is known.
    #[must_use]
    pub fn new(filing: &Filing, signature: Option<Signature>) -> Self {
        let [legal, legal_farmland, illegal, illegal_farmland] = filing.areas_m2().map(Area::of_m2);
        let (by, at) = signature.map(|signature| (signature.by, timestamp(signature.at_ms))).unzip();
        Self { verdict: filing.verdict, legal, legal_farmland, illegal, illegal_farmland, by, at }
    }
}

/// The areas of a finding.
#[derive(Debug, Serialize, ToSchema)]
pub struct AreasAnswer {
    area: Area,
    /// Null where there is no version of the parcels; likewise the others.
    farmland: Option<Area>,
    basic_farmland: Option<Area>,
    red_line: Option<Area>,
    urban_boundary: Option<Area>,
    /// By approvals for building, whenever granted: the sum of before, undated and later.
    approved: Option<Area>,
    approved_farmland: Option<Area>,
    /// Granted on or before the day of the after-image.
    approved_before: Option<Area>,
    approved_before_farmland: Option<Area>,
    /// By approvals without a day, and by none of those before.
    approved_undated: Option<Area>,
    approved_undated_farmland: Option<Area>,
    /// Only by approvals granted after the day of the after-image.
    approved_later: Option<Area>,
    approved_later_farmland: Option<Area>,
    /// What counts for the verdict: before, and undated that a stored version held by then.
    approved_in_time: Option<Area>,
    approved_in_time_farmland: Option<Area>,
    /// Outside that, by approvals for another use in time.
    other_use: Option<Area>,
    other_use_farmland: Option<Area>,
}

impl AreasAnswer {
    /// The answer for areas that were measured against these layers.
    #[must_use]
    pub fn new(areas: &crate::land::Areas, provenance: &Provenance) -> Self {
        let known = |kinds: &[LayerKind], m2| provenance.known(kinds, m2).map(Area::of_m2);
        Self {
            area: Area::of_m2(areas.area_m2),
            farmland: known(&[LayerKind::Farmland], areas.farmland_m2),
            basic_farmland: known(&[LayerKind::BasicFarmland], areas.basic_farmland_m2),
            red_line: known(&[LayerKind::RedLine], areas.red_line_m2),
            urban_boundary: known(&[LayerKind::UrbanBoundary], areas.urban_boundary_m2),
            approved: known(&[LayerKind::Approved], areas.approved_m2),
            approved_farmland: known(&[LayerKind::Approved, LayerKind::Farmland], areas.approved_farmland_m2),
            approved_before: known(&[LayerKind::Approved], areas.approved_before_m2),
            approved_before_farmland: known(&[LayerKind::Approved, LayerKind::Farmland], areas.approved_before_farmland_m2),
            approved_undated: known(&[LayerKind::Approved], areas.approved_undated_m2),
            approved_undated_farmland: known(&[LayerKind::Approved, LayerKind::Farmland], areas.approved_undated_farmland_m2),
            approved_later: known(&[LayerKind::Approved], areas.approved_later_m2),
            approved_later_farmland: known(&[LayerKind::Approved, LayerKind::Farmland], areas.approved_later_farmland_m2),
            approved_in_time: known(&[LayerKind::Approved], areas.approved_in_time_m2),
            approved_in_time_farmland: known(&[LayerKind::Approved, LayerKind::Farmland], areas.approved_in_time_farmland_m2),
            other_use: known(&[LayerKind::Approved], areas.other_use_m2),
            other_use_farmland: known(&[LayerKind::Approved, LayerKind::Farmland], areas.other_use_farmland_m2),
        }
    }
}

/// Why: what a finding rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingAnswer {
    explanation: Explanation,
    reason: Reason,
    parcels: Vec<ParcelAnswer>,
    counties: Vec<CountyAnswer>,
    approvals: Vec<String>,
    flags: Vec<Flag>,
    /// By how much areas that a tolerance was held against may differ, where that is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    edge_bound: Option<EdgeBoundAnswer>,
    defects: Vec<DefectAnswer>,
    /// Number of the layer set that it was made from; null where nothing is stored.
    layer_set: Option<i64>,
    layers: Vec<LayerUsed>,
    rule: String,
    /// Features of the layers' files that are not in the layers and may lie here, the first hundred.
    left_out: Vec<LeftOutAnswer>,
    /// What it was before it was made anew, the last one first.
    history: Vec<FormerAnswer>,
}

/// A feature of a layer's file that is not in the layer and may lie here.
#[derive(Debug, Serialize, ToSchema)]
struct LeftOutAnswer {
    kind: LayerKind,
    /// Number of the layer.
    layer: i64,
    /// Row in the layer's file, from 1; 0 for several that are not listed one by one.
    row: u64,
    /// A word for programs: why.
    code: String,
    #[serde(flatten)]
    reason: Words,
}

/// A finding in whose place another was put.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormerAnswer {
    #[serde(flatten)]
    areas: AreasAnswer,
    automatic_verdict: AutomaticVerdict,
    reason: Reason,
    flags: Vec<Flag>,
    county_code: Option<String>,
    layer_set: Option<i64>,
    layers: Vec<LayerUsed>,
    rule: String,
    /// When it was made.
    judged_at: String,
    /// When another took its place.
    replaced_at: String,
    /// Who asked for that, where a name was given.
    replaced_by: Option<String>,
}

impl FormerAnswer {
    /// The answer for a former finding, which rested on that.
    #[must_use]
    pub fn new(former: FormerFinding, provenance: &Provenance) -> Self {
        let FormerFinding { finding, judged_ms, replaced_ms, replaced_by } = former;
        Self {
            areas: AreasAnswer::new(&finding.areas, provenance),
            automatic_verdict: finding.verdict,
            reason: finding.reason,
            flags: finding.flags,
            county_code: finding.county_code,
            layer_set: (finding.layer_set != 0).then_some(finding.layer_set),
            layers: provenance.layers.clone(),
            rule: provenance.rule.clone(),
            judged_at: timestamp(judged_ms),
            replaced_at: timestamp(replaced_ms),
            replaced_by,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ParcelAnswer {
    dlbm: String,
    dlmc: String,
    area: Area,
}

#[derive(Debug, Serialize, ToSchema)]
struct CountyAnswer {
    code: String,
    name: String,
    area: Area,
}

/// By how much areas may differ, square metres: for edges are straight in one coordinate system only, and for coordinates were written with few decimals.
#[derive(Debug, Serialize, ToSchema)]
struct EdgeBoundAnswer {
    unapproved_m2: f64,
    unapproved_farmland_m2: f64,
    without_parcels_m2: f64,
    second_county_m2: f64,
    /// The same for rounding.
    rounding: RoundingAnswer,
}

#[derive(Debug, Serialize, ToSchema)]
struct RoundingAnswer {
    unapproved_m2: f64,
    unapproved_farmland_m2: f64,
    without_parcels_m2: f64,
    second_county_m2: f64,
}

impl EdgeBoundAnswer {
    fn of(doubts: &Doubts) -> Option<Self> {
        let Doubts { unapproved, unapproved_farmland, without_parcels, second_county } = doubts;
        let rounding = RoundingAnswer {
            unapproved_m2: unapproved.rounding_m2,
            unapproved_farmland_m2: unapproved_farmland.rounding_m2,
            without_parcels_m2: without_parcels.rounding_m2,
            second_county_m2: second_county.rounding_m2,
        };
        (*doubts != Doubts::default()).then_some(Self {
            unapproved_m2: unapproved.edges_m2,
            unapproved_farmland_m2: unapproved_farmland.edges_m2,
            without_parcels_m2: without_parcels.edges_m2,
            second_county_m2: second_county.edges_m2,
            rounding,
        })
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct DefectAnswer {
    #[schema(value_type = String)]
    code: crate::geom::DefectKind,
    part: u32,
    ring: u32,
    vertex: u32,
    longitude: f64,
    latitude: f64,
    #[serde(flatten)]
    words: Words,
}

impl FindingAnswer {
    /// The answer for a finding and the defects of the outline it was made from.
    #[must_use]
    pub fn new(finding: &crate::land::Finding, defects: &[crate::geom::Defect], provenance: Provenance, days: &Days, tolerance: &Tolerance) -> Self {
        let defects = defects
            .iter()
            .map(|defect| DefectAnswer {
                code: defect.kind,
                part: defect.part,
                ring: defect.ring,
                vertex: defect.vertex,
                longitude: defect.at[0],
                latitude: defect.at[1],
                words: crate::monitor::intake::defect_words(defect),
            })
            .collect();
        Self {
            explanation: explain(finding, &provenance, days, tolerance),
            reason: finding.reason,
            parcels: finding
                .parcels
                .iter()
                .map(|share| ParcelAnswer { dlbm: share.dlbm.clone(), dlmc: share.dlmc.clone(), area: Area::of_m2(share.area_m2) })
                .collect(),
            counties: finding
                .counties
                .iter()
                .map(|share| CountyAnswer { code: share.code.clone(), name: share.name.clone(), area: Area::of_m2(share.area_m2) })
                .collect(),
            approvals: finding.approvals.clone(),
            flags: finding.flags.clone(),
            edge_bound: EdgeBoundAnswer::of(&finding.doubts),
            defects,
            layer_set: (finding.layer_set != 0).then_some(finding.layer_set),
            layers: provenance.layers,
            rule: provenance.rule,
            left_out: Vec::new(),
            history: Vec::new(),
        }
    }

    /// The same, with what was left out of the layers there.
    #[must_use]
    pub fn lacking(self, left_out: Vec<LeftOutHere>) -> Self {
        let answer = |LeftOutHere { layer, left_out }: LeftOutHere| {
            let LeftOut { row, code, reason, .. } = left_out;
            LeftOutAnswer { kind: layer.kind, layer: layer.id, row, code, reason }
        };
        Self { left_out: left_out.into_iter().map(answer).collect(), ..self }
    }

    /// The same, with what the finding was before it was made anew.
    #[must_use]
    pub fn with_history(self, history: Vec<FormerAnswer>) -> Self {
        Self { history, ..self }
    }
}

impl PatchAnswer {
    /// The Feature of a stored patch, whose finding rests on that, with what is taken off it; `why` adds its finding and the file's own fields.
    #[must_use]
    pub fn new(stored: StoredPatch, provenance: &Provenance, taken_off: Option<TakenOff>, why: Option<FindingAnswer>) -> Self {
        let StoredPatch { id, survey_id, period, patch, finding, filing, signature } = stored;
        let confirmed = filing.as_ref().map(|filing| filing.verdict);
        let filed = filing.map(|filing| FiledAnswer::new(&filing, signature));
        let condition = patch.condition();
        let in_full = why.is_some();
        let (geometry, as_it_came) = match patch.repaired {
            Some(repaired) => (repaired, in_full.then_some(Geometry(Cow::Owned(patch.degrees)))),
            None => (patch.degrees, None),
        };
        Self {
            kind: "Feature",
            id,
            geometry: Geometry(Cow::Owned(geometry)),
            properties: PatchProperties {
                patch_id: patch.patch_id,
                survey_id,
                period: period.to_string(),
                before_day: patch.days.before.to_string(),
                after_day: patch.days.after.to_string(),
                row: patch.row,
                county_name: finding.county_name().map(str::to_owned),
                county_code: finding.county_code.clone(),
                areas: AreasAnswer::new(&finding.areas, provenance),
                automatic_verdict: finding.verdict,
                confirmed_verdict: confirmed,
                verdict: confirmed.map_or(finding.verdict.word(), Verdict::word),
                filed,
                condition,
                taken_off: taken_off.map(|taken_off| TakenOffAnswer::new(taken_off, provenance)),
                attributes: in_full.then(|| RawValue::from_string(patch.attributes).ok()).flatten(),
                geometry_as_it_came: as_it_came,
                finding: why,
            },
        }
    }
}

/// The table of ratios.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatiosAnswer {
    /// First period, taken wholly.
    pub from: String,
    /// Last period, taken wholly.
    pub until: String,
    /// Surveys of which only a part lies between the two: they are not counted.
    pub straddling: Vec<StraddlingAnswer>,
    /// By county.
    pub counties: Vec<RowAnswer>,
    /// Their sum.
    pub city: RowAnswer,
    /// Confirmed verdicts that differ on shared ground; the first of each pair counts, and the best and the worst case show both.
    pub contradictions: Vec<ContradictionAnswer>,
    /// Lines ratios are held against.
    pub lines: Vec<Line>,
    /// Layer versions the findings rest on.
    pub layers: Vec<LayerUsed>,
    /// Rule versions the findings were made with.
    pub rule: String,
    /// When this was summed.
    pub computed_at: String,
}

impl RatiosAnswer {
    /// The answer for a county table, summed now.
    #[must_use]
    pub fn new(ratios: Ratios) -> Self {
        Self {
            from: ratios.range.from.to_string(),
            until: ratios.range.until.to_string(),
            straddling: ratios.straddling.into_iter().map(|other| StraddlingAnswer { survey_id: other.survey, period: other.period.to_string() }).collect(),
            counties: ratios.counties.into_iter().map(Into::into).collect(),
            city: ratios.city.into(),
            contradictions: ratios.contradictions.into_iter().map(Into::into).collect(),
            lines: ratios.lines,
            layers: ratios.provenance.layers,
            rule: ratios.provenance.rule,
            computed_at: timestamp(jiff::Timestamp::now().as_millisecond()),
        }
    }
}

/// A survey that is not counted, because its period lies only partly in what was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct StraddlingAnswer {
    survey_id: i64,
    period: String,
}

/// One county's row.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowAnswer {
    county_code: Option<String>,
    county_name: String,
    legal: GroupAnswer,
    illegal: GroupAnswer,
    other: GroupAnswer,
    pending: GroupAnswer,
    /// Patches with nothing left and all ground that counts for other patches; in none of the others.
    taken_off: GroupAnswer,
    total: GroupAnswer,
    ratio: RatioAnswer,
    line_crossed: Option<String>,
    levers: Vec<LeverAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
struct GroupAnswer {
    patches: u64,
    area: Area,
    farmland: Area,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RatioAnswer {
    confirmed: Option<f64>,
    provisional: Option<f64>,
    best: Option<f64>,
    worst: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LeverAnswer {
    percent: f64,
    restore: Area,
    approve: Area,
    more_legal: Area,
}

impl From<&Tally> for RatioAnswer {
    fn from(tally: &Tally) -> Self {
        let rounded = |ratio: Option<f64>| ratio.map(|ratio| round_half_up(ratio, 2));
        Self { confirmed: rounded(tally.confirmed), provisional: rounded(tally.provisional), best: rounded(tally.best), worst: rounded(tally.worst) }
    }
}

impl From<Group> for GroupAnswer {
    fn from(group: Group) -> Self {
        Self { patches: group.patches, area: Area::of_m2(group.area_m2), farmland: Area::of_m2(group.farmland_m2) }
    }
}

impl From<Tally> for RowAnswer {
    fn from(tally: Tally) -> Self {
        let ratio = RatioAnswer::from(&tally);
        let totals = tally.totals;
        let groups = [totals.legal, totals.illegal, totals.other, totals.pending];
        let sum = |of: fn(&Group) -> f64| groups.iter().map(of).sum();
        let total =
            Group { patches: groups.iter().map(|group| group.patches).sum(), area_m2: sum(|group| group.area_m2), farmland_m2: sum(|group| group.farmland_m2) };
        Self {
            county_code: totals.county_code,
            county_name: tally.name,
            legal: totals.legal.into(),
            illegal: totals.illegal.into(),
            other: totals.other.into(),
            pending: totals.pending.into(),
            taken_off: totals.taken_off.into(),
            total: total.into(),
            ratio,
            line_crossed: tally.line_crossed,
            levers: tally
                .levers
                .into_iter()
                .map(|lever| LeverAnswer {
                    percent: lever.percent,
                    restore: Area::of_m2(lever.restore_m2),
                    approve: Area::of_m2(lever.approve_m2),
                    more_legal: Area::of_m2(lever.more_legal_m2),
                })
                .collect(),
        }
    }
}
