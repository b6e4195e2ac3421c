//! Features of layers' files that are not in the layers: told wherever they may matter.

use super::app::{
    APRIL, TestApp, city,
    file::{File, polygon, rectangle},
    text,
};
use serde_json::{Value, json};
use tuban_engine::model::LayerKind;

/// A red line whose second member is refused: its hole lies outside its shell, at the place of the patch S1.
fn red_line() -> File {
    let sound = polygon(&[rectangle(118.354, 35.04, 118.37, 35.07)]);
    let refused = polygon(&[rectangle(118.31, 35.01, 118.33, 35.03), rectangle(118.34, 35.01, 118.345, 35.015)]);
    File::default().feature(&json!({ "HXBH": "1" }), &sound).feature(&json!({ "HXBH": "2" }), &refused)
}

fn lacks(patch: &Value) -> bool {
    patch["properties"]["finding"]["flags"].as_array().unwrap().contains(&json!("layer_member_left_out"))
}

async fn with_red_line(file: &File) -> TestApp {
    let app = TestApp::bare().await;
    for (kind, layer) in city::layers() {
        app.import_layer(kind, if kind == LayerKind::RedLine { file } else { &layer }, "2022-01-01").await;
    }
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_refused_is_told_in_every_finding_whose_box_meets_its_own() {
    let app = with_red_line(&red_line()).await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let (inside, elsewhere) = (app.patch("S1").await, app.patch("D1").await);
    assert_eq!((lacks(&inside), lacks(&elsewhere)), (true, false));
    let told = &inside["properties"]["finding"]["left_out"];
    assert_eq!(
        (&told[0]["kind"], &told[0]["row"], &told[0]["code"], told.as_array().unwrap().len()),
        (&json!("red_line"), &json!(2), &json!("hole_outside"), 1)
    );
    assert_eq!((elsewhere["properties"]["finding"]["left_out"].clone(), text(&told[0]["zh"]).is_empty()), (json!([]), false));
    let check = async |west: f64| app.post("/api/check", polygon(&[rectangle(west, 35.02, west + 0.001, 35.021)])).await.json()["finding"].clone();
    let (near, far) = (check(118.32).await, check(118.45).await);
    assert_eq!((&near["left_out"][0]["row"], &far["left_out"]), (&json!(2), &json!([])));
    // A program that starts anew knows it from the store, and from what it prepared of it.
    for _ in 0..2 {
        let service = app.another_service().await;
        let checked = service.check(polygon(&[rectangle(118.32, 35.02, 118.321, 35.021)]).as_bytes()).unwrap();
        assert!(checked.finding.flags.contains(&tuban_engine::model::Flag::LayerMemberLeftOut));
    }
    let export = app.get("/api/exports/findings?format=csv").await.text();
    assert_eq!(export.matches("此处有未能采用的图层要素").count(), 1, "{export}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_without_a_readable_box_may_lie_anywhere_and_a_point_nowhere() {
    let sound = polygon(&[rectangle(118.354, 35.04, 118.37, 35.07)]);
    let nothing = |geometry: &str| File::default().feature(&json!({ "HXBH": "1" }), &sound).feature(&json!({ "HXBH": "2" }), geometry);
    for (geometry, expected) in
        [("null", true), (r#"{"type":"LineString","coordinates":[[118.3,35],[118.4,35.1]]}"#, true), (r#"{"type":"Point","coordinates":[118.3,35]}"#, false)]
    {
        let app = with_red_line(&nothing(geometry)).await;
        let layers = app.read("/api/layers").await;
        assert!(layers["layers"].as_array().unwrap().iter().any(|layer| layer["rejected"] == 1), "{layers}");
        app.uploaded(APRIL, &city::one_of_each()).await;
        for id in ["L1", "S1", "O1", "D1"] {
            assert_eq!(lacks(&app.patch(id).await), expected, "{id} {geometry}");
        }
    }
}
