//! `/api/layers` and `/api/about`.

use super::app::{
    APRIL, TestApp, city,
    file::{File, polygon, rectangle},
    is_area, text,
};
use serde_json::{Value, json};
use tuban::land::LayerKind;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_are_listed_with_what_was_noticed() {
    let app = TestApp::city().await;
    let layers = app.read("/api/layers").await["layers"].clone();
    let layers = layers.as_array().unwrap();
    assert_eq!(layers.len(), 6);
    let parcels = layers.iter().find(|layer| layer["kind"] == "farmland").unwrap();
    for (field, expected) in [
        ("name", json!("地类图斑")),
        ("effective", json!("2022-01-01")),
        ("crs", json!("OGC:CRS84")),
        ("features", json!(4)),
        ("rejected", json!(0)),
        ("in_force", json!(true)),
        ("invented", json!(true)),
        ("notes", json!([])),
    ] {
        assert_eq!(parcels[field], expected, "{field}");
    }
    assert_eq!(text(&parcels["sha256"]).len(), 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn about_tells_the_page_what_there_is() {
    let bare = TestApp::bare().await;
    let about = bare.read("/api/about").await;
    assert_eq!((&about["demo"], &about["bounds"], &about["periods"]), (&json!(false), &Value::Null, &json!([])));
    let app = TestApp::city().await;
    let about = app.read("/api/about").await;
    assert_eq!((&about["demo"], &about["bounds"], &about["version"]), (&json!(true), &json!([118.3, 35.0, 118.5, 35.1]), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(about["lines"], json!([{ "name": "target", "percent": 5.0 }, { "name": "accountability", "percent": 15.0 }]));
    app.uploaded(APRIL, &city::one_of_each()).await;
    assert_ne!(app.read("/api/about").await["tiles_version"], about["tiles_version"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_kind_the_version_with_the_latest_day_that_has_come_is_in_force() {
    let app = TestApp::city().await;
    let approval = |number: &str| File::default().feature(&json!({ "PZWH": number }), &polygon(&[city::square()]));
    app.import_layer(LayerKind::Approved, &approval("older"), "2021-01-01").await;
    app.import_layer(LayerKind::Approved, &approval("newer"), "2022-06-01").await;
    app.import_layer(LayerKind::Approved, &approval("to come"), "2999-01-01").await;
    let layers = app.read("/api/layers").await["layers"].clone();
    let approved: Vec<(String, bool)> = layers
        .as_array()
        .unwrap()
        .iter()
        .filter(|layer| layer["kind"] == "approved")
        .map(|layer| (text(&layer["effective"]), layer["in_force"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        approved,
        [("2999-01-01".to_owned(), false), ("2022-06-01".to_owned(), true), ("2022-01-01".to_owned(), false), ("2021-01-01".to_owned(), false)]
    );
    let checked = app.post("/api/check", polygon(&[city::square()])).await.json();
    assert_eq!((&checked["finding"]["approvals"], &checked["automatic_verdict"]), (&json!(["newer"]), &json!("legal")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_layer_is_noted_and_measured_once() {
    let app = TestApp::bare().await;
    let parcel = |file: File, dlbm: Value, west: f64, east: f64| {
        file.feature(&json!({ "DLBM": dlbm, "DLMC": "旱地" }), &polygon(&[rectangle(west, 35.05, east, 35.06)]))
    };
    // Two parcels overlap by 0.001°; one lost its leading zero in a spreadsheet, one never was a class.
    let file = parcel(parcel(parcel(File::default(), json!("0103"), 118.35, 118.356), json!(103), 118.355, 118.36), json!("旱地"), 118.36, 118.37);
    let imported = app.import_layer(LayerKind::Farmland, &file, "2022-01-01").await;
    assert_eq!(
        (imported.layer.features, imported.layer.rejected, imported.rejects[0].code.as_str(), imported.rejects[0].pointer.as_str()),
        (2, 1, "bad_dlbm", "/features/2/properties")
    );
    let notes = imported.layer.notes.join("\n");
    // Oracle: a tenth of the square.
    for said in ["1 个要素被拒收", "丢失了前导 0", "第 1 行与第 2 行重叠 101208.7260 平方米"] {
        assert!(notes.contains(said), "{said} in {notes}");
    }
    let checked = app.post("/api/check", polygon(&[city::square()])).await.json();
    is_area(&checked["farmland"], city::SQUARE_M2, 1e-3);
    is_area(&checked["finding"]["parcels"][0]["area"], city::SQUARE_M2, 1e-3);
}
