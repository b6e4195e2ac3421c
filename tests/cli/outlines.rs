//! Outlines that are nearly as they should be: what is taken, what is named, and what stays refused.

use super::{done, run};
use crate::app::file::File;
use serde_json::{Value, json};
use std::path::Path;
use tuban_engine::normalize::Intake;
use tuban_geom::{DefectKind, Outline, Plane};

/// Square metres of a box of degrees. Oracle: the third survey's rule in closed form (docs/ARCHITECTURE.md, “Area”).
fn box_m2([west, south, east, north]: [f64; 4]) -> f64 {
    const E2: f64 = 0.006_694_380_022_900_788;
    let e = E2.sqrt();
    let zone = |lat: f64| {
        let s = lat.to_radians().sin();
        (s / (1.0 - E2 * s * s) + (e * s).atanh() / e) * (1.0 - E2) / 2.0
    };
    6_378_137.0_f64.powi(2) * (east - west).to_radians() * (zone(north) - zone(south))
}

/// What `classify` says of one outline: the area and the condition. Beside it lies a sound one, so that the file is taken.
fn classified(folder: &Path, kind: &str, coordinates: &str, more: &[&str]) -> (f64, String) {
    let geometry = format!(r#"{{"type":"{kind}","coordinates":{coordinates}}}"#);
    let sound = r#"{"type":"Polygon","coordinates":[[[118.4,35.4],[118.401,35.4],[118.401,35.401],[118.4,35.401],[118.4,35.4]]]}"#;
    let patches = File::default().feature(&json!({ "JCBH": "1" }), &geometry).feature(&json!({ "JCBH": "2" }), sound);
    std::fs::write(folder.join("patch.geojson"), patches.text()).unwrap();
    done(folder, &[&["classify", "patch.geojson", "-o", "out.geojson"], more].concat());
    let found: Value = serde_json::from_slice(&std::fs::read(folder.join("out.geojson")).unwrap()).unwrap();
    let found = &found["features"][0]["properties"];
    (found["area_m2"].as_f64().unwrap_or(0.0), found["condition"].as_str().unwrap().to_owned())
}

const SHELL: &str = "[[118.1,35.1],[118.11,35.1],[118.11,35.11],[118.1,35.11],[118.1,35.1]]";

#[test]
fn a_ring_without_ground_loses_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let whole = box_m2([118.1, 35.1, 118.11, 35.11]);
    let lines = [
        "[[118.102,35.102],[118.104,35.104],[118.102,35.102],[118.102,35.102]]",
        "[[118.102,35.102],[118.104,35.102],[118.106,35.102],[118.102,35.102]]",
        // In line in degrees, 2 mm beside it in the plane.
        "[[118.102,35.102],[118.104,35.104],[118.106,35.106],[118.102,35.102]]",
        "[[118.102,35.102],[118.102,35.102],[118.102,35.102],[118.102,35.102]]",
        "[[118.102,35.102],[118.104,35.104],[118.102,35.102]]",
        "[]",
    ];
    for line in lines {
        for (kind, coordinates) in
            [("Polygon", format!("[{SHELL},{line}]")), ("MultiPolygon", format!("[[{SHELL}],[{line}]]")), ("MultiPolygon", format!("[[{line}],[{SHELL}]]"))]
        {
            let (area_m2, condition) = classified(folder.path(), kind, &coordinates, &[]);
            assert!((area_m2 - whole).abs() < 1e-3 && condition == "repaired", "{coordinates}: {area_m2} {condition}");
        }
        let (_, condition) = classified(folder.path(), "Polygon", &format!("[{line}]"), &[]);
        assert!(condition.starts_with("rejected: "), "{line}: {condition}");
    }
    let (area_m2, _) = classified(folder.path(), "MultiPolygon", &format!("[[{SHELL}],[]]"), &[]);
    assert!((area_m2 - whole).abs() < 1e-3);
}

/// Once, the member went with its ring, and what lay in it was in no red line.
#[test]
fn a_member_of_a_layer_keeps_the_rest_of_its_rings() {
    let folder = tempfile::tempdir().unwrap();
    let line = "[[118.12,35.102],[118.122,35.102],[118.124,35.102],[118.12,35.102]]";
    let member = format!(r#"{{"type":"MultiPolygon","coordinates":[[{SHELL}],[{line}]]}}"#);
    std::fs::write(folder.path().join("red.geojson"), File::default().feature(&json!({ "HXBH": "1" }), &member).text()).unwrap();
    classified(
        folder.path(),
        "Polygon",
        "[[[118.103,35.103],[118.104,35.103],[118.104,35.104],[118.103,35.104],[118.103,35.103]]]",
        &["--layer", "red_line=red.geojson"],
    );
    let found: Value = serde_json::from_slice(&std::fs::read(folder.path().join("out.geojson")).unwrap()).unwrap();
    let red_m2 = found["features"][0]["properties"]["red_line_m2"].as_f64().unwrap();
    assert!((red_m2 - box_m2([118.103, 35.103, 118.104, 35.104])).abs() < 1e-3, "{red_m2}");
}

/// Oracle: by hand, boxes of degrees: strips of 1 mm and 1 cm along 0.001° of latitude, 0.11 m² and 1.1 m² beside a tolerance of 0.667 m².
#[test]
fn little_disputed_ground_is_put_right_and_more_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let of = |west: f64, east: f64| format!("[[{west:.9},35],[{east:.9},35],[{east:.9},35.001],[{west:.9},35.001],[{west:.9},35]]");
    for (step, taken) in [(1e-9, true), (1e-8, true), (1e-7, false)] {
        let (area_m2, condition) = classified(folder.path(), "MultiPolygon", &format!("[[{}],[{}]]", of(118.2, 118.201), of(118.201 - step, 118.202)), &[]);
        if taken {
            assert!((area_m2 - box_m2([118.2, 35.0, 118.202, 35.001])).abs() < 1e-3 && condition == "repaired", "{step}: {area_m2} {condition}");
        } else {
            assert_eq!(condition, "rejected: two parts overlap or lie one inside the other");
        }
    }
    let holed = |out: f64| {
        format!("[{},{}]", of(118.2, 118.202), of(118.2008, 118.2012).replace("35.001]", &format!("{:.9}]", 35.001 + out)).replace(",35]", ",35.0005]"))
    };
    let (area_m2, condition) = classified(folder.path(), "Polygon", &holed(1e-9), &[]);
    let expected = box_m2([118.2, 35.0, 118.202, 35.001]) - box_m2([118.2008, 35.0005, 118.2012, 35.001]);
    assert!((area_m2 - expected).abs() < 1e-3 && condition == "repaired", "{area_m2} {expected} {condition}");
    let (_, condition) = classified(folder.path(), "Polygon", &holed(1e-6), &[]);
    assert_eq!(condition, "rejected: a hole is not inside its shell");
    let (_, condition) = classified(folder.path(), "Polygon", "[[[118.1,35.1],[118.11,35.1],[118.11,35.1000000005],[118.1,35.1]]]", &[]);
    assert!(condition.starts_with("rejected: the outline is on average less than 0.1 mm wide"), "{condition}");
    let (code, ..) = run(folder.path(), &["classify", "patch.geojson", "-o", "out.csv"]);
    assert_eq!(code, 0);
}

/// A part that lies along the middle of another one's edge, as drawn, in degrees and in a projection, at whatever slant and length. Oracle: by construction; what was drawn has nothing wrong.
#[test]
fn what_is_valid_as_drawn_is_taken_as_it_is() {
    let plane = Plane::at(118.0, 35.0);
    for (name, origin, metre) in [("EPSG:4490", [118.2, 35.1], [1.0 / 91_287.0, 1.0 / 110_941.0]), ("EPSG:4527", [39_600_000.0, 3_880_000.0], [1.0, 1.0])] {
        let intake = Intake::new(name.parse().unwrap(), plane.clone());
        for number in 0..60 {
            let length = [80.0, 456.0, 912.0, 2_000.0][number % 4];
            let turn = number as f64 * 0.37;
            let at = |u: f64, v: f64| [origin[0] + (u * turn.cos() - v * turn.sin()) * metre[0], origin[1] + (u * turn.sin() + v * turn.cos()) * metre[1]];
            let [a, b, c, d] = [at(0.0, 0.0), at(length, 0.0), at(length, 100.0), at(0.0, 100.0)];
            let share = 0.1 + 0.013 * number as f64;
            let [from, to] = [share, share + 0.1].map(|share| [0, 1].map(|axis| a[axis] + share * (b[axis] - a[axis])));
            let mut outline = Outline::polygon(&[[a, b, c, d, a]]);
            outline.multi = true;
            outline.push_ring(&[from, to, at((share + 0.1) * length, -90.0), at(share * length, -90.0), from]);
            outline.end_part();
            let taken = intake.take(outline.clone()).unwrap_or_else(|fault| panic!("{name} {number}: {fault:?}"));
            assert!(taken.defects.is_empty() && taken.repaired.is_none(), "{name} {number}: {:?}", taken.defects);
            // On a grid of 1 mm and of 0.1 mm it is no longer quite on the edge.
            for grid in [1e-3, 1e-4] {
                let round = |value: f64, axis: usize| (value / metre[axis] / grid).round() * grid * metre[axis];
                let rounded = outline.map(|at| [round(at[0], 0), round(at[1], 1)]);
                let taken = intake.take(rounded).unwrap_or_else(|fault| panic!("{name} {number} {grid}: {fault:?}"));
                assert!(taken.defects.iter().all(|defect| defect.kind == DefectKind::PartsOverlap), "{:?}", taken.defects);
                assert_eq!(taken.defects.is_empty(), taken.repaired.is_none());
            }
        }
    }
}

/// Oracle: by hand; six decimals move a border by up to 0.05 m, which is 5 m² on 100 m and was suspected; a strip of 1 m is nobody's rounding.
#[test]
fn rounding_does_not_make_a_patch_suspected() {
    let folder = tempfile::tempdir().unwrap();
    let oblong = |[west, south, east, north]: [f64; 4], digits: usize| {
        let ring = [[west, south], [east, south], [east, north], [west, north], [west, south]].map(|[x, y]| format!("[{x:.digits$},{y:.digits$}]"));
        format!("[[{}]]", ring.join(","))
    };
    let parcel = format!(r#"{{"type":"Polygon","coordinates":{}}}"#, oblong([118.0, 35.0, 118.5, 35.5], 9));
    std::fs::write(folder.path().join("parcels.geojson"), File::default().feature(&json!({ "DLBM": "0102" }), &parcel).text()).unwrap();
    let approved = format!(r#"{{"type":"Polygon","coordinates":{}}}"#, oblong([118.200_000_437, 35.100_000_441, 118.201_000_444, 35.101_000_439], 9));
    std::fs::write(folder.path().join("approved.geojson"), File::default().feature(&json!({ "PZWH": "1" }), &approved).text()).unwrap();
    let layers = ["--layer", "farmland=parcels.geojson", "--layer", "approved=approved.geojson"];
    for (west, digits, verdict, rounded) in
        [(118.200_000_437, 6, "legal", true), (118.200_000_0, 9, "suspected_illegal", false), (118.199_989, 6, "suspected_illegal", false)]
    {
        classified(folder.path(), "Polygon", &oblong([west, 35.100_000_441, 118.201_000_444, 35.101_000_439], digits), &layers);
        let found: Value = serde_json::from_slice(&std::fs::read(folder.path().join("out.geojson")).unwrap()).unwrap();
        let found = &found["features"][0]["properties"];
        let is_rounded = found["flags"].as_array().unwrap().contains(&json!("coordinates_rounded"));
        assert_eq!((&found["verdict"], is_rounded), (&json!(verdict), rounded), "{west} {digits}: {found}");
    }
}

/// Once, 0.5 m² were “fully approved” without any approval.
#[test]
fn a_patch_no_larger_than_a_tolerance_is_judged_by_share() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = "[[[118.202,35.002],[118.202007,35.002],[118.202007,35.002007],[118.202,35.002007],[118.202,35.002]]]";
    let approved = r#"{"type":"Polygon","coordinates":[[[118.2,35.0],[118.21,35.0],[118.21,35.01],[118.2,35.01],[118.2,35.0]]]}"#;
    let elsewhere = r#"{"type":"Polygon","coordinates":[[[118.22,35.0],[118.23,35.0],[118.23,35.01],[118.22,35.01],[118.22,35.0]]]}"#;
    for (name, properties, polygon) in
        [("approved", json!({ "PZWH": "1" }), approved), ("elsewhere", json!({ "PZWH": "1" }), elsewhere), ("farmland", json!({ "DLBM": "0102" }), approved)]
    {
        std::fs::write(folder.path().join(format!("{name}.geojson")), File::default().feature(&properties, polygon).text()).unwrap();
    }
    let verdict = |approvals: &str| {
        classified(folder.path(), "Polygon", tiny, &["--layer", "farmland=farmland.geojson", "--layer", approvals]);
        let found: Value = serde_json::from_slice(&std::fs::read(folder.path().join("out.geojson")).unwrap()).unwrap();
        found["features"][0]["properties"]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!((verdict("approved=elsewhere.geojson").as_str(), verdict("approved=approved.geojson").as_str()), ("doubtful", "legal"));
}
