//! Names that would be a bar across the map are cut and that is said; ids and codes that are too long are refused, for cut, two could become one.

use super::app::{APRIL, TestApp, city, file};
use file::{File, polygon, rectangle};
use serde_json::json;
use tuban_engine::model::LayerKind;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_of_three_thousand_letters_is_cut_and_that_is_said() {
    let app = TestApp::bare().await;
    let counties = File::default().feature(&json!({ "XZQDM": "371302", "XZQMC": "兰".repeat(3000) }), &polygon(&[rectangle(118.3, 35.0, 118.5, 35.1)]));
    let imported = app.import_layer(LayerKind::County, &counties, "2022-01-01").await;
    assert!(imported.layer.notes.iter().any(|note| note.contains("1 个要素的名称超过 100 个字符")), "{:?}", imported.layer.notes);
    app.uploaded(APRIL, &File::default().patch("A", &[city::legal()])).await;
    let name = app.patch("A").await["properties"]["finding"]["counties"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(name, format!("{}…", "兰".repeat(99)));
    let answer = app.post(&format!("/api/layers?kind=county&effective=2022-01-01&name={}", "a".repeat(101)), counties.text()).await;
    answer.problem(422, "name_too_long");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_and_codes_that_are_too_long_are_refused_one_by_one() {
    let app = TestApp::city().await;
    let (longest, too_long) = ("1".repeat(254), "1".repeat(255));
    let survey = File::default().patch(&longest, &[city::legal()]).patch(&too_long, &[city::suspected()]);
    let taken = app.uploaded(APRIL, &survey).await;
    assert_eq!(app.patch_ids("period=2022-04").await, [longest.as_str()]);
    let rejects = app.read(&format!("/api/surveys/{}/rejects", taken["id"])).await;
    let reject = &rejects["rejects"][0];
    assert_eq!((&reject["code"], &reject["row"]), (&json!("id_too_long"), &json!(2)), "{rejects}");
    assert_eq!(reject["patch_id"].as_str().unwrap().chars().count(), 100);
    let approval = |number: &str, west: f64| (json!({ "PZWH": number }), polygon(&[rectangle(west, 35.0, west + 0.01, 35.01)]));
    let [short, long] = [approval(&longest, 118.31), approval(&too_long, 118.35)];
    let approvals = File::default().feature(&short.0, &short.1).feature(&long.0, &long.1);
    let imported = app.import_layer(LayerKind::Approved, &approvals, "2022-02-01").await;
    assert_eq!(imported.rejects.iter().map(|reject| (reject.row, reject.code.as_str())).collect::<Vec<_>>(), [(2, "code_too_long")]);
}
