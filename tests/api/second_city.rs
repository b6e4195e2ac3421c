//! A second invented city, a thousand kilometres from the first: other codes, other names, other zones of the projection. From its files to its ratio, over both
//! databases.
//!
//! ```text
//! longitude  112.2         112.4         112.6         112.8         113.0         113.2
//! county     ├ 东溪县 440151 ┼ 西溪县 440152 ┼ 南溪区 440153 ┼ 北溪区 440154 ┼ 中溪县 440155 ┤   22.9 to 23.1 north
//! parcels    0102 水浇地 south of 23.0, 0301 乔木林地 north of it
//! red line   112.29 to 112.32, 22.94 to 22.96, drawn in EPSG:4546
//! approvals  112.85 to 112.95, 22.92 to 22.98
//! ```

use super::app::{
    APRIL, TestApp,
    file::{File, dated, polygon, rectangle},
    is_area, number, text,
};
use crate::cluster;
use serde_json::{Value, json};
use std::sync::Arc;
use tuban::store::postgres::PostgresStore;
use tuban_engine::model::LayerKind;

const NAME: &str = "望溪市";
/// From west to east, 0.2° each from 112.2° on.
const COUNTIES: [(&str, &str); 5] = [("440151", "东溪县"), ("440152", "西溪县"), ("440153", "南溪区"), ("440154", "北溪区"), ("440155", "中溪县")];

/// A thousandth of a degree each way, from 22.95° north on, m². Oracle of these three: the exact area of the zone between two latitudes on the ellipsoid
/// (docs/ARCHITECTURE.md, “Area”), by the standard library of Python.
const A1_M2: f64 = 11_357.821_5;
/// From 23.05° north on.
const A3_M2: f64 = 11_349.601_0;
/// Two thousandths wide, from 22.96° north on.
const A4_M2: f64 = 22_714.002_0;

async fn embedded() -> TestApp {
    TestApp::of_city(NAME, None).await
}

async fn on_postgres() -> TestApp {
    let store = PostgresStore::open(&cluster::fresh_url().await).await.unwrap();
    TestApp::of_city(NAME, Some(Arc::new(store))).await
}

fn boxes(features: &[(Value, [f64; 4])]) -> File {
    features
        .iter()
        .fold(File::default(), |file, (properties, [west, south, east, north])| file.feature(properties, &polygon(&[rectangle(*west, *south, *east, *north)])))
}

/// A file in a projection.
fn projected(epsg: u32) -> File {
    File::default().member(&format!(r#""crs":{{"type":"name","properties":{{"name":"EPSG:{epsg}"}}}}"#))
}

fn layers() -> Vec<(LayerKind, File)> {
    let county = |(n, (code, name)): (usize, &(&str, &str))| {
        let west = 112.2 + 0.2 * n as f64;
        (json!({ "XZQDM": code, "XZQMC": name }), [west, 22.9, west + 0.2, 23.1])
    };
    // Oracle: gdaltransform (PROJ 9.1) of 112.29 22.94, 112.32 22.94, 112.32 22.96 and 112.29 22.96 from GRS80 degrees to EPSG:4546.
    let red_line = "[[[632320.28983203,2538473.61878242],[635397.883200985,2538500.94505307],[635377.979144202,2540716.22320139],[632300.838459674,2540688.8784179],[632320.28983203,2538473.61878242]]]";
    vec![
        (LayerKind::County, boxes(&COUNTIES.iter().enumerate().map(county).collect::<Vec<_>>())),
        (
            LayerKind::Farmland,
            boxes(&[
                (json!({ "DLBM": "0102", "DLMC": "水浇地" }), [112.2, 22.9, 113.2, 23.0]),
                (json!({ "DLBM": "0301", "DLMC": "乔木林地" }), [112.2, 23.0, 113.2, 23.1]),
            ]),
        ),
        (LayerKind::RedLine, projected(4546).feature(&json!({}), &format!(r#"{{"type":"Polygon","coordinates":{red_line}}}"#))),
        (LayerKind::Approved, boxes(&[(json!({ "PZWH": "望政土字〔2021〕7号", "PZRQ": "2021-06-01", "PZLX": "农转用" }), [112.85, 22.92, 112.95, 22.98])])),
    ]
}

/// Unapproved farmland, approved farmland, woodland, and farmland across a border, three quarters of it in 南溪区.
fn in_degrees() -> File {
    let patch = |id: &str, county: &str| dated(json!({ "JCBH": id, "XZQMC": county }));
    boxes(&[
        (patch("A1", "西溪县"), [112.41, 22.95, 112.411, 22.951]),
        (patch("A2", "北溪区"), [112.9, 22.95, 112.901, 22.951]),
        (patch("A3", "东溪县"), [113.1, 23.05, 113.101, 23.051]),
        (patch("A4", "南溪区"), [112.5995, 22.96, 112.6015, 22.961]),
    ])
}

/// Unapproved farmland of 东溪县 in zone 37. Oracle: gdaltransform (PROJ 9.1) of 112.3 22.95, 112.301 22.95, 112.301 22.951 and 112.3 22.951 to EPSG:4525.
fn in_zone_37() -> File {
    let ring = "[[[37633336.3523267,2539590.28990849],[37633438.9310999,2539591.19794849],[37633437.950212,2539701.9612738],[37633335.3721932,2539701.05320306],[37633336.3523267,2539590.28990849]]]";
    projected(4525).patch_of("B1", ring)
}

fn flags(patch: &Value) -> Vec<String> {
    patch["properties"]["finding"]["flags"].as_array().unwrap().iter().map(text).collect()
}

/// What a patch was judged to be: county, its name, verdict.
fn judged(patch: &Value) -> [String; 3] {
    ["county_code", "county_name", "automatic_verdict"].map(|name| text(&patch["properties"][name]))
}

async fn from_its_files_to_its_ratio(app: TestApp) {
    for (kind, layer) in layers() {
        app.import_layer(kind, &layer, "2021-01-01").await;
    }
    assert_eq!(app.service.atlas().plane().origin(), [113.0, 23.0], "where most of its counties begin");
    app.uploaded(APRIL, &in_degrees()).await;
    app.uploaded("period=2022-04&level=province", &in_zone_37()).await;

    let patches = [app.patch("A1").await, app.patch("A2").await, app.patch("A3").await, app.patch("A4").await, app.patch("B1").await];
    assert_eq!(
        patches.each_ref().map(judged),
        [
            ["440152", "西溪县", "suspected_illegal"],
            ["440154", "北溪区", "legal"],
            ["440155", "中溪县", "other"],
            ["440153", "南溪区", "suspected_illegal"],
            ["440151", "东溪县", "suspected_illegal"],
        ]
        .map(|row| row.map(str::to_owned))
    );
    // A patch in degrees has straight edges along meridians and parallels; between those of zone 37 and these lies a lens of a hundredth of a square metre.
    for (patch, area_m2, farmland_m2, within) in patches
        .iter()
        .zip([(A1_M2, A1_M2, 1e-4), (A1_M2, A1_M2, 1e-4), (A3_M2, 0.0, 1e-4), (A4_M2, A4_M2, 1e-4), (A1_M2, A1_M2, 0.05)])
        .map(|(p, (a, f, w))| (p, a, f, w))
    {
        is_area(&patch["properties"]["area"], area_m2, within);
        is_area(&patch["properties"]["farmland"], farmland_m2, within);
    }
    let counties: Vec<f64> = patches[3]["properties"]["finding"]["counties"].as_array().unwrap().iter().map(|county| number(&county["area"]["m2"])).collect();
    assert!((counties[0] - 0.75 * A4_M2).abs() < 1e-4 && (counties[1] - 0.25 * A4_M2).abs() < 1e-4, "{counties:?}");
    is_area(&patches[4]["properties"]["red_line"], A1_M2, 0.05);
    // A county is known by its name in the layer in force, as the flag of the one patch shows that names another.
    let disagrees: Vec<bool> = patches.iter().map(|patch| flags(patch).contains(&"county_code_disagrees".to_owned())).collect();
    assert_eq!(disagrees, [false, false, true, false, false]);
    assert_eq!(app.patch_ids("county=西溪县").await, ["A1"]);
    let export = app.get("/api/exports/findings?format=csv&county=西溪县").await;
    assert!(export.text().contains("西溪县") && export.text().lines().count() == 2, "{}", export.text());

    let verdicts = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n\
        A1,illegal,0,0,11357.82,11357.82\nA2,legal,11357.82,11357.82,0,0\nA3,other,0,0,0,0\nA4,illegal,0,0,22714,22714\n";
    assert_eq!(app.post("/api/verdicts?by=x", verdicts).await.json()["new"], 4);
    let ratios = app.read("/api/ratios?period=2022-04").await;
    let rows: Vec<(String, String, Value)> = ratios["counties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(&row["county_code"]), text(&row["county_name"]), row["ratio"]["confirmed"].clone()))
        .collect();
    let confirmed = [json!(null), json!(100.0), json!(100.0), json!(0.0), json!(null)];
    let expected: Vec<_> = COUNTIES.iter().zip(confirmed).map(|((code, name), confirmed)| ((*code).to_owned(), (*name).to_owned(), confirmed)).collect();
    assert_eq!(rows, expected);
    // Oracle: by hand; 34 071.82 of 45 429.64 m² is 75.00 %, with the pending patch legal of 56 787.46 m² 60.00 %, and with it illegal 80.00 %.
    let city = &ratios["city"];
    assert_eq!((&city["county_name"], &city["line_crossed"]), (&json!(NAME), &json!("accountability")));
    assert_eq!(["confirmed", "best", "worst"].map(|name| number(&city["ratio"][name])), [75.0, 60.0, 80.0]);
    let about = app.read("/api/about").await;
    assert_eq!(about["city"], NAME);
    let bounds: Vec<f64> = about["bounds"].as_array().unwrap().iter().map(number).collect();
    assert!(bounds.iter().zip([112.2, 22.9, 113.2, 23.1]).all(|(is, drawn)| (is - drawn).abs() < 1e-9), "{bounds:?}");
}

async fn before_it_has_a_layer_codes_are_as_written_and_the_file_says_where_it_lies(app: TestApp) {
    let file = boxes(&[
        (dated(json!({ "JCBH": "A1", "XZQDM": "440152" })), [112.41, 22.95, 112.411, 22.951]),
        (dated(json!({ "JCBH": "A4", "XZQMC": "南溪区" })), [112.4995, 22.96, 112.5015, 22.961]),
    ]);
    let survey = app.uploaded(APRIL, &file).await;
    let [named, unnamed] = [app.patch("A1").await, app.patch("A4").await];
    assert_eq!(judged(&named), ["440152", "440152", "doubtful"]);
    assert_eq!((&unnamed["properties"]["county_code"], &unnamed["properties"]["county_name"]), (&json!(null), &json!(null)), "no layer has that name");
    for (patch, area_m2) in [(&named, A1_M2), (&unnamed, A4_M2)] {
        is_area(&patch["properties"]["area"], area_m2, 1e-4);
    }
    let origins = async || app.service.store().layer_sets().await.unwrap().iter().map(|set| set.origin).collect::<Vec<_>>();
    assert_eq!(origins().await, [Some([112.0, 23.0])]);
    // What is measured again, or later without any layer, is measured in the same plane.
    app.post(&format!("/api/surveys/{}/reclassification", survey["id"]), "").await;
    app.uploaded("period=2022-05&level=city", &file).await;
    assert_eq!(origins().await, [Some([112.0, 23.0])]);
    let areas = app.patches("patch_id=A1").await.iter().map(|patch| number(&patch["properties"]["area"]["m2"])).collect::<Vec<_>>();
    assert!(areas.len() == 2 && areas[0].to_bits() == areas[1].to_bits(), "{areas:?}");
}

mod over_sqlite {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn from_its_files_to_its_ratio() {
        super::from_its_files_to_its_ratio(super::embedded().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn before_it_has_a_layer_codes_are_as_written_and_the_file_says_where_it_lies() {
        super::before_it_has_a_layer_codes_are_as_written_and_the_file_says_where_it_lies(super::embedded().await).await;
    }
}

mod over_postgres {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn from_its_files_to_its_ratio() {
        super::from_its_files_to_its_ratio(super::on_postgres().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn before_it_has_a_layer_codes_are_as_written_and_the_file_says_where_it_lies() {
        super::before_it_has_a_layer_codes_are_as_written_and_the_file_says_where_it_lies(super::on_postgres().await).await;
    }
}
