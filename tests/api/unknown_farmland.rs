//! Patches that were judged without any land survey: their farmland is unknown, in every sum as well, over either database.

use super::app::{TestApp, both::over_both, city, file::File, file::rectangle, is_area};
use serde_json::{Value, json};
use tuban::scope::Scope;
use tuban_engine::model::LayerKind;

over_both!(unknown_farmland_is_null_in_sums_until_there_is_a_land_survey, what_was_filed_is_known_and_the_rest_of_the_patch_is_not);

/// Takes in layers of [`city`].
async fn with(app: &TestApp, kinds: &[LayerKind], effective: &str) {
    for (kind, layer) in city::layers().into_iter().filter(|(kind, _)| kinds.contains(kind)) {
        app.import_layer(kind, &layer, effective).await;
    }
}

async fn file_verdicts(app: &TestApp, rows: &str) {
    let table = format!("patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n{rows}");
    app.service.file_verdicts(&Scope::all(), None, table.as_bytes()).await.unwrap();
}

/// Patches, farmland in m² and patches of unknown farmland of a group.
fn group(row: &Value, name: &str) -> (u64, Option<f64>, u64) {
    let group = &row[name];
    (group["patches"].as_u64().unwrap(), group["farmland"]["m2"].as_f64(), group["farmland_unknown"].as_u64().unwrap())
}

async fn unknown_farmland_is_null_in_sums_until_there_is_a_land_survey(app: TestApp) {
    with(&app, &[LayerKind::County, LayerKind::Approved], "2022-01-01").await;
    let survey = app.uploaded("period=2022-01&level=city", &city::one_of_each()).await;
    assert_eq!((&survey["farmland"], &survey["farmland_unknown"]), (&json!(null), &json!(4)));
    assert_eq!(app.surveys().await, [survey]);

    with(&app, &[LayerKind::Farmland], "2020-01-01").await;
    let apart = |west: f64| rectangle(west, 35.02, west + 0.001, 35.021);
    let known = app.uploaded("period=2022-02&level=city", &File::default().patch("x", &[apart(118.33)]).patch("y", &[apart(118.34)])).await;
    is_area(&known["farmland"], 2.0 * 10_125.069_774_2, 1e-3);
    assert_eq!(known["farmland_unknown"], 0);
    file_verdicts(&app, "x,illegal,0,0,1000,1000\ny,legal,1000,1000,0,0\n").await;

    // Oracle: by hand; 1 000 of 2 000 m² that were filed are illegal, and nobody knows what the four patches of January lie on.
    let ratios = app.read("/api/ratios?period=2022-01&until=2022-02").await;
    let all = &ratios["city"];
    assert_eq!(all["ratio"], json!({ "confirmed": 50.0, "provisional": null, "best": null, "worst": null }));
    assert_eq!((group(all, "pending"), group(all, "total"), &all["farmland_unknown"]), ((4, None, 4), (6, None, 4), &json!(4)));
    assert_eq!((group(all, "legal"), group(all, "illegal")), ((1, Some(1000.0), 0), (1, Some(1000.0), 0)));
    assert_eq!((all["levers"].as_array().unwrap().len(), &all["line_crossed"]), (2, &json!("accountability")));
    let luozhuang = &ratios["counties"][1];
    assert_eq!((&luozhuang["county_code"], group(luozhuang, "pending"), &luozhuang["farmland_unknown"]), (&json!("371311"), (1, None, 1), &json!(1)));
    let february = app.read("/api/ratios?period=2022-02").await["city"].clone();
    assert_eq!(february["ratio"], json!({ "confirmed": 50.0, "provisional": 100.0, "best": 50.0, "worst": 50.0 }));
    assert_eq!((group(&february, "pending"), &february["farmland_unknown"]), ((0, Some(0.0), 0), &json!(0)));

    let difference = app.read("/api/surveys/1/reclassification").await;
    assert_eq!((&difference["city"]["before"]["provisional"], &difference["city"]["before"]["worst"]), (&json!(null), &json!(null)));
    let change = difference["changes"].as_array().unwrap().iter().find(|change| change["patch_id"] == "S1").unwrap();
    assert_eq!(change["before"]["farmland"], json!(null));
    is_area(&change["after"]["farmland"], 10_125.069_774_2, 1e-3);

    // Oracle: 20 242.3538 m² of L1, all approved, and 10 125.0698 m² of S1 (mpmath, see surveys); x and y are as large as S1. By hand: provisional
    // 3·10 125.07 / (3·10 125.07 + 20 242.35), best 1 000 / (2 000 + 30 367.42), worst 31 367.42 / 32 367.42.
    let judged = app.post("/api/surveys/1/reclassification", "").await.json();
    is_area(&judged["farmland"], 20_242.353_760_8 + 10_125.069_774_2, 1e-3);
    assert_eq!((&judged["farmland_unknown"], app.surveys().await.len()), (&json!(0), 2));
    let all = app.read("/api/ratios?period=2022-01&until=2022-02").await["city"].clone();
    assert_eq!(all["ratio"], json!({ "confirmed": 50.0, "provisional": 60.01, "best": 3.09, "worst": 96.91 }));
    assert_eq!((&all["pending"]["farmland"], &all["farmland_unknown"]), (&judged["farmland"], &json!(0)));
}

async fn what_was_filed_is_known_and_the_rest_of_the_patch_is_not(app: TestApp) {
    with(&app, &[LayerKind::County], "2022-01-01").await;
    app.uploaded("period=2022-01&level=city", &city::one_of_each()).await;
    file_verdicts(&app, "L1,legal,1000,200,0,0\nS1,illegal,0,0,500,100\n").await;
    let city = async || app.read("/api/ratios").await["city"].clone();
    // Oracle: by hand; 100 / 300 of what was filed. Of L1 and S1 there is more ground than was filed, which is other.
    let sums = city().await;
    assert_eq!((group(&sums, "legal"), group(&sums, "illegal")), ((1, Some(200.0), 0), (1, Some(100.0), 0)));
    assert_eq!((group(&sums, "other"), group(&sums, "pending"), group(&sums, "total")), ((0, None, 2), (2, None, 2), (4, None, 4)));
    assert_eq!((&sums["ratio"], &sums["farmland_unknown"]), (&json!({ "confirmed": 33.33, "provisional": null, "best": null, "worst": null }), &json!(4)));

    // With nothing pending the cases rest on what was filed alone. S1 is filed whole: none of it is other ground.
    let area = app.patch("S1").await["properties"]["area"]["m2"].clone();
    file_verdicts(&app, &format!("S1,illegal,0,0,{area},100\nO1,other,0,0,0,0\nD1,other,0,0,0,0\n")).await;
    let sums = city().await;
    assert_eq!((group(&sums, "other"), group(&sums, "pending"), group(&sums, "total")), ((2, None, 3), (0, Some(0.0), 0), (4, None, 3)));
    assert_eq!((&sums["ratio"], &sums["farmland_unknown"]), (&json!({ "confirmed": 33.33, "provisional": null, "best": 33.33, "worst": 33.33 }), &json!(4)));
}
