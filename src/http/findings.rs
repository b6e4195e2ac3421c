//! Findings as they are answered: areas, doubts, flags, and the sentence that explains them.

use super::timestamp;
use crate::service::layers::left_out::LeftOutHere;
use serde::Serialize;
use tuban_engine::model::{Area, AutomaticVerdict, Days, Doubts, Explanation, Flag, FormerFinding, LayerKind, LayerUsed, LeftOut, Provenance, Reason, Words};
use tuban_engine::{explain::explain, rule::Tolerance};
use utoipa::ToSchema;

/// The areas of a finding.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Areas)]
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
    pub fn new(areas: &tuban_engine::model::Areas, provenance: &Provenance) -> Self {
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
#[schema(as = Finding)]
pub struct FindingAnswer {
    explanation: Explanation,
    reason: Reason,
    parcels: Vec<ParcelAnswer>,
    counties: Vec<CountyAnswer>,
    approvals: Vec<String>,
    flags: Vec<Flag>,
    /// By how much areas that a tolerance was held against may differ, where that is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = EdgeBoundAnswer)]
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
#[schema(as = LeftOut)]
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
#[schema(as = FormerFinding)]
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
#[schema(as = ParcelShare)]
struct ParcelAnswer {
    dlbm: String,
    dlmc: String,
    area: Area,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CountyShare)]
struct CountyAnswer {
    code: String,
    name: String,
    area: Area,
}

/// By how much areas may differ, square metres: for edges are straight in one coordinate system only, and for coordinates were written with few decimals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EdgeBound)]
struct EdgeBoundAnswer {
    unapproved_m2: f64,
    unapproved_farmland_m2: f64,
    without_parcels_m2: f64,
    second_county_m2: f64,
    /// What rounding of the coordinates adds to that, square metres.
    rounding: RoundingAnswer,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoundingBound)]
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
#[schema(as = Defect)]
struct DefectAnswer {
    #[schema(value_type = String)]
    code: tuban_geom::DefectKind,
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
    pub fn new(finding: &tuban_engine::model::Finding, defects: &[tuban_geom::Defect], provenance: Provenance, days: &Days, tolerance: &Tolerance) -> Self {
        let defects = defects
            .iter()
            .map(|defect| DefectAnswer {
                code: defect.kind,
                part: defect.part,
                ring: defect.ring,
                vertex: defect.vertex,
                longitude: defect.at[0],
                latitude: defect.at[1],
                words: tuban_engine::normalize::defect_words(defect),
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

    /// Adds what was left out of the layers there.
    #[must_use]
    pub fn lacking(self, left_out: Vec<LeftOutHere>) -> Self {
        let answer = |LeftOutHere { layer, left_out }: LeftOutHere| {
            let LeftOut { row, code, reason, .. } = left_out;
            LeftOutAnswer { kind: layer.kind, layer: layer.id, row, code, reason }
        };
        Self { left_out: left_out.into_iter().map(answer).collect(), ..self }
    }

    /// Adds the former findings.
    #[must_use]
    pub fn with_history(self, history: Vec<FormerAnswer>) -> Self {
        Self { history, ..self }
    }
}
