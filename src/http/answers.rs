//! The shapes of answers: the vocabulary of `model`, written as JSON. docs/API.md describes them for people.

use super::findings::{AreasAnswer, FindingAnswer};
use super::schemas;
use super::shared_ground::TakenOffAnswer;
use super::timestamp;
use crate::formats::geojson::Geometry;
use crate::service::patches::StoredPatch;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use tuban_engine::model::{
    Area, AutomaticVerdict, Condition, Filing, Layer, LayerKind, Level, Provenance, Reject, Signature, Standard, Survey, TakenOff, Verdict, VerdictCounts,
    Words, words,
};
use utoipa::ToSchema;

/// A layer version.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Layer)]
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
#[schema(as = Survey)]
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
    /// Null where that of some patches is unknown.
    farmland: Option<Area>,
    /// Patches judged without any land survey, whose farmland is unknown.
    farmland_unknown: u64,
    warnings: Vec<Words>,
}

impl From<Survey> for SurveyAnswer {
    fn from(survey: Survey) -> Self {
        let facts = survey.facts;
        let farmland = facts.farmland().map(Area::of_m2);
        let field = facts.fields.get("patch_id").cloned().filter(|_| facts.patch_id_source == tuban_engine::model::PatchIdSource::Field);
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
            farmland,
            farmland_unknown: facts.farmland_unknown,
            warnings: facts.warnings,
        }
    }
}

/// The type of a GeoJSON Feature.
#[derive(Debug, Serialize, ToSchema)]
enum FeatureType {
    Feature,
}

words! {
    /// The verdict that people see.
    ShownVerdict {
        /// 合法.
        Legal = "legal",
        /// 违法, which only people say.
        Illegal = "illegal",
        /// 疑似违法, which only the overlay says.
        SuspectedIllegal = "suspected_illegal",
        /// 其他.
        Other = "other",
        /// 存疑.
        Doubtful = "doubtful",
    }
}

impl From<Verdict> for ShownVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Legal => Self::Legal,
            Verdict::Illegal => Self::Illegal,
            Verdict::Other => Self::Other,
            Verdict::Doubtful => Self::Doubtful,
        }
    }
}

impl From<AutomaticVerdict> for ShownVerdict {
    fn from(verdict: AutomaticVerdict) -> Self {
        match verdict {
            AutomaticVerdict::Legal => Self::Legal,
            AutomaticVerdict::SuspectedIllegal => Self::SuspectedIllegal,
            AutomaticVerdict::Other => Self::Other,
            AutomaticVerdict::Doubtful => Self::Doubtful,
        }
    }
}

/// A patch as a GeoJSON Feature.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PatchFeature)]
pub struct PatchAnswer {
    #[serde(rename = "type")]
    kind: FeatureType,
    /// Number in the store.
    pub id: i64,
    #[schema(schema_with = schemas::outline)]
    geometry: Geometry<'static>,
    properties: PatchProperties,
}

/// What a patch's Feature says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Patch)]
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
    /// The confirmed verdict where there is one, else the automatic one.
    verdict: ShownVerdict,
    /// What was filed, by whom and when; null where nothing was.
    filed: Option<FiledAnswer>,
    condition: Condition,
    /// Of the ground that it shares with other patches, what is taken off in sums; absent where it shares none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TakenOffAnswer)]
    taken_off: Option<TakenOffAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    attributes: Option<Box<RawValue>>,
    /// The outline as it came, where `geometry` is the repaired one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schemas::outline)]
    geometry_as_it_came: Option<Geometry<'static>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = FindingAnswer)]
    finding: Option<FindingAnswer>,
}

/// A confirmed verdict as it was filed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Filed)]
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
    #[schema(value_type = String)]
    by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
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

impl PatchAnswer {
    /// The Feature of a stored patch, whose finding rests on that, with what is taken off it; `why` adds its finding and the file's own fields.
    #[must_use]
    pub fn new(stored: StoredPatch, provenance: &Provenance, taken_off: Option<TakenOff>, why: Option<FindingAnswer>) -> Self {
        let StoredPatch { id, survey_id, period, patch, finding, filing, signature, .. } = stored;
        let confirmed = filing.as_ref().map(|filing| filing.verdict);
        let filed = filing.map(|filing| FiledAnswer::new(&filing, signature));
        let condition = patch.condition();
        let in_full = why.is_some();
        let (geometry, as_it_came) = match patch.repaired {
            Some(repaired) => (repaired, in_full.then_some(Geometry(Cow::Owned(patch.degrees)))),
            None => (patch.degrees, None),
        };
        Self {
            kind: FeatureType::Feature,
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
                verdict: confirmed.map_or_else(|| finding.verdict.into(), ShownVerdict::from),
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

/// A layer that was taken in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = TakenLayer)]
pub struct LayerTaken {
    #[serde(flatten)]
    layer: LayerAnswer,
    /// The first hundred features refused.
    rejects: Vec<Reject>,
}

impl LayerTaken {
    /// The answer for it.
    pub fn new(layer: LayerAnswer, rejects: Vec<Reject>) -> Self {
        Self { layer, rejects }
    }
}
