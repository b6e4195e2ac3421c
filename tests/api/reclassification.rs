//! `/api/surveys/{id}/provenance` and `/api/surveys/{id}/reclassification`: findings made anew, over either database.

use super::app::{APRIL, TestApp, both::over_both_with_city, city, file::File, is_area, text};
use super::jobs::events;
use reqwest::Method;
use serde_json::{Value, json};
use tuban::scope::Scope;
use tuban::service::{Stated, jobs::work::Working, surveys::import::SurveyFile};
use tuban_engine::model::{LayerKind, Level, OnConflict};

over_both_with_city!(
    layers_drawn_again_change_the_findings_by_what_they_share,
    against_the_same_layers_and_by_the_same_rule_every_byte_comes_out_the_same,
    patches_without_a_county_are_counted_and_told_again,
    counties_that_hold_too_few_of_the_patches_are_refused_and_nothing_changes
);

/// A layer of [`city`], with another text in the place of one of its own wherever that stands.
fn redrawn(kind: LayerKind, from: &str, to: &str) -> File {
    let (_, layer) = city::layers().into_iter().find(|(each, _)| *each == kind).unwrap();
    assert!(layer.text().contains(from));
    layer.replaced(from, to)
}

/// Has the findings of a survey made anew, and waits.
async fn judged_anew(app: &TestApp, survey: &Value) -> Value {
    let answer = app.post(&format!("/api/surveys/{}/reclassification", survey["id"]), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("location"), format!("/api/surveys/{}", survey["id"]));
    answer.json()
}

async fn is_in_force(app: &TestApp, survey: &Value) -> bool {
    app.read(&format!("/api/surveys/{}/provenance", survey["id"])).await["in_force"].as_bool().unwrap()
}

/// The same without when it was judged.
fn undated(mut survey: Value) -> Value {
    survey.as_object_mut().unwrap().remove("judged_at").unwrap();
    survey
}

/// Everything that is told of a survey's patches: as they are listed, each with its finding, and as files.
async fn told(app: &TestApp, survey: &Value) -> Vec<Vec<u8>> {
    let id = &survey["id"];
    let mut all = Vec::new();
    for format in ["csv", "geojson", "geojson&crs=EPSG:4528"] {
        all.push(app.get(&format!("/api/exports/findings?survey={id}&format={format}")).await);
    }
    all.push(app.get(&format!("/api/patches?survey={id}")).await);
    for patch in app.patches(&format!("survey={id}")).await {
        all.push(app.get(&format!("/api/patches/{}", patch["id"])).await);
    }
    all.into_iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.bytes
        })
        .collect()
}

async fn layers_drawn_again_change_the_findings_by_what_they_share(app: TestApp) {
    let survey = app.uploaded(APRIL, &File::default().patch("Q1", &[city::square()]).patch("S1", &[city::suspected()])).await;
    let verdicts = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nQ1,illegal,0,0,1000,333\n";
    assert_eq!(app.service.file_verdicts(&Scope::all(), None, verdicts.as_bytes()).await.unwrap(), 1);
    let (before, tile) = (app.patch("Q1").await, "/api/tiles/patches/13/6789/3244.mvt");
    let etag = app.get(tile).await.header("etag").to_owned();
    let version = app.read("/api/about").await["tiles_version"].clone();
    assert!(is_in_force(&app, &survey).await);

    // Three quarters of the square are farmland now, not half; and a fifth of it is left in 兰山区, where before all of it was.
    app.import_layer(LayerKind::Farmland, &redrawn(LayerKind::Farmland, "118.355000000", "118.357500000"), "2022-01-02").await;
    app.import_layer(LayerKind::County, &redrawn(LayerKind::County, "118.400000000", "118.352000000"), "2022-03-01").await;
    assert!(!is_in_force(&app, &survey).await);
    assert_eq!(app.patch("Q1").await, before, "findings stay true to the layers they name until they are made anew");

    let judged = judged_anew(&app, &survey).await;
    let after = app.patch("Q1").await;
    let (properties, finding) = (&after["properties"], &after["properties"]["finding"]);
    // Oracle: every border runs along a meridian, so that shares of the square are shares of its width (see `city`).
    for (field, share) in
        [("area", 1.0), ("farmland", 0.75), ("basic_farmland", 0.25), ("red_line", 0.4), ("urban_boundary", 0.1), ("approved", 0.3), ("approved_farmland", 0.3)]
    {
        is_area(&properties[field], share * city::SQUARE_M2, 1e-4);
    }
    for (county, (code, share)) in finding["counties"].as_array().unwrap().iter().zip([("371311", 0.8), ("371302", 0.2)]) {
        assert_eq!(county["code"], code);
        is_area(&county["area"], share * city::SQUARE_M2, 1e-4);
    }
    for (parcel, (dlbm, share)) in finding["parcels"].as_array().unwrap().iter().zip([("0102", 0.75), ("0301", 0.25)]) {
        assert_eq!(parcel["dlbm"], dlbm);
        is_area(&parcel["area"], share * city::SQUARE_M2, 1e-4);
    }
    assert_eq!((&properties["county_code"], &finding["flags"]), (&json!("371311"), &json!(["crosses_border"])));
    assert_eq!((&after["id"], &after["geometry"], &properties["attributes"]), (&before["id"], &before["geometry"], &before["properties"]["attributes"]));
    assert_eq!((&properties["confirmed_verdict"], &properties["verdict"]), (&json!("illegal"), &json!("illegal")));
    let named: Vec<i64> = finding["layers"].as_array().unwrap().iter().map(|layer| layer["id"].as_i64().unwrap()).collect();
    assert_eq!(named, [8, 7, 3, 4, 5, 6], "county and farmland are the seventh and eighth layer taken in");

    // Oracle: the table of `docs/ARCHITECTURE.md` for the square; the other patch, all of it on farmland, is that of `surveys`.
    is_area(&judged["farmland"], 0.75 * city::SQUARE_M2 + 10_125.069_774_2, 1e-3);
    assert_eq!(undated(judged.clone())["verdicts"], survey["verdicts"]);
    assert!(text(&judged["judged_at"]) > text(&judged["created_at"]) && judged["created_at"] == survey["created_at"]);
    assert_eq!((app.surveys().await, is_in_force(&app, &survey).await), (vec![judged], true));
    assert_eq!((app.patch_ids("county=371302").await, app.patch_ids("county=371311").await), (vec!["S1".to_owned()], vec!["Q1".to_owned()]));
    let rows = app.read("/api/ratios?period=2022-04").await["counties"].as_array().unwrap().clone();
    let illegal: Vec<_> = rows.iter().map(|row| (text(&row["county_code"]), row["illegal"]["patches"].as_u64().unwrap())).collect();
    assert_eq!(illegal, [("371302".to_owned(), 0), ("371311".to_owned(), 1)], "the verdict went with its patch");
    assert_ne!(app.read("/api/about").await["tiles_version"], version, "maps ask again");
    assert_eq!(app.get(tile).await.header("etag"), etag, "and are told that what is drawn is what it was: outline and confirmed verdict");
}

async fn against_the_same_layers_and_by_the_same_rule_every_byte_comes_out_the_same(app: TestApp) {
    // Oracle of the ring: see `surveys::a_crs_named_after_the_features_is_honoured_and_one_that_is_forced_wins`. Its edges are long enough to be cut.
    let ring = "[[39623167.9292252,3880973.36241013],[39624080.342864,3880985.75671583],[39624065.2134883,3882095.27978587],[39623152.9111578,3882082.88390911],[39623167.9292252,3880973.36241013]]";
    let bow = "[39623167.9,3880973.3],[39624080.3,3882095.2],[39624080.3,3880973.3],[39623167.9,3882095.2],[39623167.9,3880973.3]";
    let projected = File::default().member(r#""crs":{"type":"name","properties":{"name":"EPSG:4527"}}"#);
    let projected = projected.patch_of("Z1", &format!("[{ring}]")).patch_of("Z2", &format!("[[{bow}]]"));
    let degrees = city::one_of_each().patch("B1", &[city::border_crossing()]);
    let degrees = degrees.patch_of("R1", "[[[118.32,35.03],[118.321,35.031],[118.321,35.03],[118.32,35.031],[118.32,35.03]]]");
    let degrees = degrees.patch_of("X1", "[]").feature(&json!({ "JCBH": "N1", "XMC": "罗庄区" }), &super::app::file::polygon(&[city::suspected()]));
    for (query, file) in [
        ("period=2022-01&level=city", degrees.clone()),
        ("period=2022-02&level=city", projected.clone()),
        ("period=2022-03&level=city&gcj02=remove", degrees),
        ("period=2022-04&level=city&gcj02=remove", projected),
    ] {
        let survey = app.uploaded(query, &file).await;
        let before = told(&app, &survey).await;
        let judged = judged_anew(&app, &survey).await;
        assert_eq!(undated(judged), undated(survey.clone()), "{query}");
        for (before, after) in before.iter().zip(&told(&app, &survey).await) {
            assert!(before == after, "{query}:\n{}\n{}", String::from_utf8_lossy(before), String::from_utf8_lossy(after));
        }
    }
}

async fn patches_without_a_county_are_counted_and_told_again(app: TestApp) {
    let outside = |west: f64| super::app::file::rectangle(west, 35.02, west + 0.001, 35.021);
    let file = city::one_of_each().patch("E1", &[outside(118.52)]).patch("E2", &[outside(118.53)]);
    let survey = app.uploaded(APRIL, &file).await;
    let said =
        |survey: &Value| (survey["outside"].as_u64().unwrap(), survey["warnings"].as_array().unwrap().iter().map(|said| text(&said["en"])).collect::<Vec<_>>());
    assert_eq!(said(&survey), (2, vec!["2 patches lie in no county; they are kept and flagged".to_owned()]));
    for (day, until, outside) in [("2022-03-01", "118.525000000", 1), ("2022-03-02", "118.600000000", 0), ("2022-03-03", "118.500000001", 2)] {
        app.import_layer(LayerKind::County, &redrawn(LayerKind::County, "118.500000000", until), day).await;
        let expected = (outside > 0).then(|| format!("{outside} patches lie in no county; they are kept and flagged"));
        assert_eq!(said(&judged_anew(&app, &survey).await), (outside, expected.into_iter().collect()));
    }
}

async fn counties_that_hold_too_few_of_the_patches_are_refused_and_nothing_changes(app: TestApp) {
    let survey = app.uploaded(APRIL, &city::one_of_each()).await;
    let before = told(&app, &survey).await;
    app.import_layer(LayerKind::County, &redrawn(LayerKind::County, "118.", "119."), "2022-03-01").await;
    app.post(&format!("/api/surveys/{}/reclassification", survey["id"]), "").await.problem(422, "outside_counties");
    assert_eq!((app.surveys().await, told(&app, &survey).await), (vec![survey], before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn respond_async_answers_202_with_the_job() {
    let app = TestApp::city().await;
    let survey = app.uploaded(APRIL, &city::one_of_each()).await;
    let path = format!("/api/surveys/{}/reclassification", survey["id"]);
    let answer = app.send(app.request(Method::POST, &path).header("prefer", "respond-async")).await;
    assert_eq!((answer.status.as_u16(), answer.header("preference-applied"), &answer.json()["kind"]), (202, "respond-async", &json!("reclassification")));
    let job = answer.header("location").to_owned();
    let (name, done) = events(&app, &job).await.pop().unwrap();
    assert_eq!((name.as_str(), &done["stage"], &done["done"], &done["total"]), ("done", &json!("storing"), &json!(4), &json!(4)));
    assert_eq!((undated(done["survey"].clone()), app.surveys().await), (undated(survey), vec![done["survey"].clone()]));
    for path in ["/api/surveys/99/reclassification", "/api/surveys/x/reclassification"] {
        let status = if path.contains("99") { (404, "not_found") } else { (400, "parameter") };
        app.post(path, "").await.problem(status.0, status.1);
    }
    app.get("/api/surveys/99/provenance").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_that_was_replaced_before_its_turn_came_is_not_found() {
    let app = TestApp::idle().await;
    let take_in = async |name: &str, on_conflict| {
        let path = app.write(name, &File::default().patch(name, &[city::legal()]).text());
        let file = SurveyFile {
            path,
            name: name.to_owned(),
            period: "2022-04".parse().unwrap(),
            level: Level::City,
            stated: Stated::default(),
            map: vec![],
            on_conflict,
            drop_verdicts: false,
            again: true,
            sha256: None,
        };
        app.service.import_survey(&Scope::all(), &file, &|_| {}).await.unwrap().survey.id
    };
    let survey = take_in("one", OnConflict::Reject).await;
    let request = app.request(Method::POST, &format!("/api/surveys/{survey}/reclassification")).header("prefer", "respond-async");
    let job = app.send(request).await.header("location").to_owned();
    take_in("two", OnConflict::Replace).await;
    let _does = app.node(Some(Working::default())).await;
    let failed = events(&app, &job).await.pop().unwrap().1;
    assert_eq!((&failed["state"], &failed["attempts"], &failed["problem"]["status"]), (&json!("failed"), &json!(1), &json!(404)));
}
