//! Small values of the vocabulary for tests, each complete and plain; what a test is about it sets itself.

use tuban::store::{NewLayer, SurveyKey};
use tuban_engine::model::{
    Areas, AutomaticVerdict, CountyShare, Days, FeatureFacts, Filing, Finding, LayerFeature, LayerKind, Level, NewSurvey, ParcelShare, Patch, PatchIdSource,
    Period, PeriodRange, Reason, Reject, Verdict, VerdictCounts, Words,
};
use tuban_geom::Outline;

/// Code and name of twelve counties, those of the demo city.
pub(crate) const COUNTIES: [(&str, &str); 12] = [
    ("371302", "兰山区"),
    ("371311", "罗庄区"),
    ("371312", "河东区"),
    ("371321", "沂南县"),
    ("371322", "郯城县"),
    ("371323", "沂水县"),
    ("371324", "兰陵县"),
    ("371325", "费县"),
    ("371326", "平邑县"),
    ("371327", "莒南县"),
    ("371328", "蒙阴县"),
    ("371329", "临沭县"),
];

/// A closed square with its lower left corner at `x`, `y`.
pub(crate) fn square(x: f64, y: f64, side: f64) -> Outline {
    Outline::polygon(&[[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]])
}

/// A patch of 0.001° at 118.3° E 35° N.
pub(crate) fn patch(patch_id: &str) -> Patch {
    patch_at(patch_id, 118.3, 35.0)
}

/// A patch of 0.001° with its lower left corner there.
pub(crate) fn patch_at(patch_id: &str, x: f64, y: f64) -> Patch {
    Patch {
        row: 1,
        patch_id: patch_id.to_owned(),
        stated_county: None,
        days: days("2021-11-05", "2022-04-12"),
        attributes: format!(r#"{{"JCBH":"{patch_id}"}}"#),
        source: None,
        degrees: square(x, y, 0.001),
        repaired: None,
        defects: Vec::new(),
    }
}

/// Days that a file says clearly.
pub(crate) fn days(before: &str, after: &str) -> Days {
    Days { before: before.parse().unwrap(), after: after.parse().unwrap(), unclear: false }
}

/// A finding of 10 000 m², 4 000 of them farmland without approval, in that county.
pub(crate) fn finding(county: Option<&str>) -> Finding {
    Finding {
        areas: Areas { area_m2: 10_000.0, farmland_m2: 4_000.0, ..Areas::default() },
        doubts: tuban_engine::model::Doubts::default(),
        parcels: vec![ParcelShare { dlbm: "0102".to_owned(), dlmc: "水浇地".to_owned(), area_m2: 4_000.0 }],
        counties: county.iter().map(|code| CountyShare { code: (*code).to_owned(), name: name_of(code).to_owned(), area_m2: 10_000.0 }).collect(),
        approvals: Vec::new(),
        flags: Vec::new(),
        verdict: AutomaticVerdict::SuspectedIllegal,
        reason: Reason::UnapprovedFarmland,
        automatic_legal_farmland_m2: 0.0,
        automatic_illegal_farmland_m2: 4_000.0,
        county_code: county.map(str::to_owned),
        layer_set: 0,
    }
}

/// The name of one of [`COUNTIES`]; of another the code.
fn name_of(code: &str) -> &str {
    COUNTIES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name)
}

/// That month.
pub(crate) fn month(text: &str) -> Period {
    text.parse().unwrap()
}

/// That month alone.
pub(crate) fn only(text: &str) -> PeriodRange {
    PeriodRange::new(month(text), None).unwrap()
}

/// The key of the city's survey of that month from the file with that hash.
pub(crate) fn key(period: &str, sha256: &str) -> SurveyKey {
    SurveyKey { period: month(period), level: Level::City, upload_key: sha256.to_owned() }
}

/// The facts of a survey with that key.
pub(crate) fn facts(key: &SurveyKey) -> NewSurvey {
    NewSurvey {
        name: format!("{}.geojson", key.period),
        period: key.period,
        level: key.level,
        crs: "EPSG:4490".to_owned(),
        decimals: None,
        sha256: key.upload_key.clone(),
        upload_key: key.upload_key.clone(),
        invented: true,
        patches: 0,
        repaired: 0,
        rejected: 0,
        outside: 0,
        patch_id_source: PatchIdSource::Field,
        fields: [("patch_id".to_owned(), "JCBH".to_owned())].into(),
        verdicts: VerdictCounts::default(),
        area_m2: 0.0,
        farmland_m2: 0.0,
        farmland_unknown: 0,
        warnings: Vec::new(),
    }
}

/// A refused feature.
pub(crate) fn reject(row: u64) -> Reject {
    Reject {
        row,
        patch_id: Some(format!("P{row}")),
        code: "too_few_points".to_owned(),
        reason: Words::new("点数不足", "too few points"),
        pointer: format!("/features/{}/geometry/coordinates/0", row - 1),
        ring: Some(0),
        vertex: None,
    }
}

/// A filing without areas.
pub(crate) fn filing(patch_id: &str, verdict: Verdict) -> Filing {
    Filing { patch_id: patch_id.to_owned(), verdict, legal_m2: 0.0, legal_farmland_m2: 0.0, illegal_m2: 0.0, illegal_farmland_m2: 0.0 }
}

/// A layer of that kind that counts from that day.
pub(crate) fn layer(kind: LayerKind, effective: &str) -> NewLayer {
    NewLayer {
        kind,
        name: format!("{} {effective}", kind.chinese()),
        effective: effective.parse().unwrap(),
        crs: "EPSG:4490".to_owned(),
        decimals: None,
        sha256: format!("{kind}{effective}"),
        invented: true,
        rejected: 0,
        classes: None,
        notes: Vec::new(),
        undated: None,
    }
}

/// A feature of 0.001° with its lower left corner there.
pub(crate) fn feature(row: u64, x: f64, y: f64) -> LayerFeature {
    LayerFeature { row, facts: FeatureFacts::new("0102".to_owned(), "水浇地".to_owned()), source: None, degrees: square(x, y, 0.001), repaired: None }
}
