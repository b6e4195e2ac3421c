//! A city small enough to know by heart. Everything is drawn around one square, [`SQUARE`], whose area is known from outside; borders that cut it
//! run along meridians, so that each cuts off the share of its area that it cuts off its width.
//!
//! ```text
//! longitude 118.30            118.35          118.36           118.40            118.45             118.50
//! county    兰山区 371302 ──────────────────────────────────────┤ 罗庄区 371311 ─────────────────────┤
//! parcels   0102 水浇地 ────────────── 118.355 ─ 0301 乔木林地 ──┤ 0101 水田 ─────┤ 1202 设施农用地 ──┤   the northern 0.01° of 罗庄区 has none
//! the square                   ├───────────────┤  35.05 to 35.06 north
//! basic farmland               ├──┤ 0.25 of the square, drawn twice over
//! approvals                    ├───┤ 0.3 of it, two that overlap
//! urban boundary            ├──┤ 0.1 of it
//! red line                        ├──┤  ├──┤ 0.4 of it: 0.6 with a hole of 0.2
//! ```

use super::file::{File, rectangle};
use serde_json::json;
use tuban_engine::model::LayerKind;

/// West, south, east, north of the square.
pub(crate) const SQUARE: [f64; 4] = [118.35, 35.05, 118.36, 35.06];
/// Its area, m². Oracle: first test vector for the official ellipsoidal area (docs/ARCHITECTURE.md, “Area”).
pub(crate) const SQUARE_M2: f64 = 1_012_087.260_1;

/// The ring of the square.
pub(crate) fn square() -> Vec<[f64; 2]> {
    let [west, south, east, north] = SQUARE;
    rectangle(west, south, east, north)
}

/// Rings of patches with a plain verdict; small, and apart from each other.
pub(crate) fn legal() -> Vec<[f64; 2]> {
    rectangle(118.3505, 35.052, 118.3525, 35.053)
}

/// On unapproved farmland of 兰山区.
pub(crate) fn suspected() -> Vec<[f64; 2]> {
    rectangle(118.32, 35.02, 118.321, 35.021)
}

/// On woodland of 兰山区.
pub(crate) fn other() -> Vec<[f64; 2]> {
    rectangle(118.38, 35.02, 118.381, 35.021)
}

/// Where 罗庄区 has no parcels.
pub(crate) fn doubtful() -> Vec<[f64; 2]> {
    rectangle(118.42, 35.095, 118.421, 35.096)
}

/// Across the border, three quarters in 罗庄区.
pub(crate) fn border_crossing() -> Vec<[f64; 2]> {
    rectangle(118.399, 35.05, 118.403, 35.06)
}

/// A survey with one patch of each verdict: L1, S1, O1, D1.
pub(crate) fn one_of_each() -> File {
    File::default().patch("L1", &[legal()]).patch("S1", &[suspected()]).patch("O1", &[other()]).patch("D1", &[doubtful()])
}

/// A file of rectangles, each with the properties given.
fn rectangles(features: &[(serde_json::Value, [f64; 4])]) -> File {
    features.iter().fold(File::default().member(r#""invented":true"#), |file, (properties, [west, south, east, north])| {
        file.feature(properties, &super::file::polygon(&[rectangle(*west, *south, *east, *north)]))
    })
}

/// The county layer.
pub(crate) fn counties() -> File {
    rectangles(&[
        (json!({ "XZQDM": "371302", "XZQMC": "兰山区" }), [118.3, 35.0, 118.4, 35.1]),
        (json!({ "XZQDM": "371311", "XZQMC": "罗庄区" }), [118.4, 35.0, 118.5, 35.1]),
    ])
}

/// All layers.
pub(crate) fn layers() -> Vec<(LayerKind, File)> {
    let parcel = |dlbm: &str, dlmc: &str| json!({ "DLBM": dlbm, "DLMC": dlmc });
    let red_line = super::file::polygon(&[rectangle(118.354, 35.04, 118.37, 35.07), rectangle(118.356, 35.045, 118.358, 35.065)]);
    vec![
        (LayerKind::County, counties()),
        (
            LayerKind::Farmland,
            rectangles(&[
                (parcel("0102", "水浇地"), [118.3, 35.0, 118.355, 35.1]),
                (parcel("0301", "乔木林地"), [118.355, 35.0, 118.4, 35.1]),
                (parcel("0101", "水田"), [118.4, 35.0, 118.45, 35.09]),
                (parcel("1202", "设施农用地"), [118.45, 35.0, 118.5, 35.09]),
            ]),
        ),
        (LayerKind::BasicFarmland, rectangles(&[(json!({}), [118.35, 35.05, 118.352, 35.06]), (json!({}), [118.351, 35.05, 118.3525, 35.06])])),
        (LayerKind::RedLine, File::default().feature(&json!({}), &red_line)),
        (LayerKind::UrbanBoundary, rectangles(&[(json!({}), [118.34, 35.04, 118.351, 35.07])])),
        (
            LayerKind::Approved,
            rectangles(&[
                (json!({ "PZWH": "PZ1", "PZRQ": "2021-06-01", "PZLX": "农转用" }), [118.35, 35.05, 118.352, 35.06]),
                (json!({ "PZWH": "PZ2", "PZRQ": "20211130", "PZLX": "供地" }), [118.351, 35.05, 118.353, 35.06]),
            ]),
        ),
    ]
}
