//! Every answer belongs to its question: what is not understood is said, never answered with everything or with nothing.

use super::app::{APRIL, TestApp, city, file::File, text};
use reqwest::Method;
use serde_json::json;
use tuban_engine::model::LayerKind;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_that_there_is_not_is_named_beside_those_there_are() {
    let app = TestApp::city().await;
    let survey = app.uploaded(APRIL, &city::one_of_each()).await;
    let id = &survey["id"];
    for (method, path, name, known) in [
        (Method::GET, "/api/patches?sort=-area".to_owned(), "sort", Some("bbox")),
        (Method::HEAD, "/api/patches?sort=-area".to_owned(), "sort", None),
        (Method::GET, "/api/patches?min_area=5&county=371302".to_owned(), "min_area", Some("county")),
        (Method::GET, "/api/patches?%73ort=1".to_owned(), "sort", Some("verdict")),
        (Method::GET, "/api/ratios?county=371302".to_owned(), "county", Some("until")),
        (Method::GET, "/api/layers?kind=county".to_owned(), "kind", None),
        (Method::GET, format!("/api/surveys/{id}?full=1"), "full", None),
        (Method::GET, format!("/api/surveys/{id}/rejects?offset=3"), "offset", Some("after")),
        (Method::GET, "/api/tiles/county/8/212/101.mvt?period=2022-04&layer=1".to_owned(), "layer", Some("period")),
        (Method::GET, "/api/exports/findings?format=csv&sort=area".to_owned(), "sort", Some("format")),
        (Method::POST, "/api/surveys?period=2022-05&level=city&onconflict=add".to_owned(), "onconflict", Some("on_conflict")),
        (Method::POST, "/api/layers?kind=county&name=a&effective=2022-01-01&date=x".to_owned(), "date", Some("effective")),
        (Method::POST, "/api/check?srs=4490".to_owned(), "srs", None),
    ] {
        let answer = app.send(app.request(method.clone(), &path)).await;
        if method == Method::HEAD {
            assert_eq!(answer.status, 400, "{path}");
            continue;
        }
        let problem = answer.problem(400, "unknown_parameter");
        assert_eq!(problem["parameter"], name, "{path}");
        if let Some(known) = known {
            assert!(text(&problem["detail"]).contains(known), "{problem}");
        }
    }
    assert_eq!(app.surveys().await.len(), 1, "nothing was taken in");
    assert_eq!(app.get("/?theme=dark").await.status, app.get("/").await.status, "the page's own addresses are its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_parameter_is_a_mistake_and_means_neither_everything_nor_yes() {
    let app = TestApp::city().await;
    let survey = app.uploaded(APRIL, &city::one_of_each()).await;
    let id = &survey["id"];
    let verdicts = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nS1,illegal,0,0,100,50\n";
    for (method, path, name) in [
        (Method::GET, "/api/patches?survey=".to_owned(), "survey"),
        (Method::GET, "/api/patches?survey".to_owned(), "survey"),
        (Method::GET, "/api/patches?period=2022-04&bbox=".to_owned(), "bbox"),
        (Method::GET, "/api/patches?county=%20".to_owned(), "county"),
        (Method::GET, "/api/patches?verdict=&limit=5".to_owned(), "verdict"),
        (Method::GET, "/api/patches?period=".to_owned(), "period"),
        (Method::GET, "/api/patches?patch_id=".to_owned(), "patch_id"),
        (Method::GET, "/api/patches?after=".to_owned(), "after"),
        (Method::GET, "/api/ratios?period=2022-04&until=".to_owned(), "until"),
        (Method::GET, "/api/surveys?withdrawn=".to_owned(), "withdrawn"),
        (Method::GET, format!("/api/surveys/{id}/overlaps?limit="), "limit"),
        (Method::GET, "/api/tiles/patches/8/212/101.mvt?period=".to_owned(), "period"),
        (Method::GET, "/api/exports/findings?format=csv&county=".to_owned(), "county"),
        (Method::POST, "/api/exports/findings?format=csv&patch=".to_owned(), "patch"),
        (Method::POST, "/api/verdicts?preview=".to_owned(), "preview"),
        (Method::POST, "/api/verdicts?survey=".to_owned(), "survey"),
        (Method::POST, "/api/check?before=".to_owned(), "before"),
        (Method::POST, "/api/inspect?kind=".to_owned(), "kind"),
        (Method::POST, "/api/surveys?period=2022-05&level=city&on_conflict=".to_owned(), "on_conflict"),
        (Method::POST, "/api/surveys?period=2022-05&level=city&map=patch_id=JCBH&map=".to_owned(), "map"),
        (Method::POST, "/api/layers?kind=county&name=&effective=2022-01-01".to_owned(), "name"),
        (Method::DELETE, format!("/api/surveys/{id}?reason="), "reason"),
    ] {
        let problem = app.send(app.request(method, &path).body(verdicts)).await.problem(400, "parameter");
        assert_eq!(problem["parameter"], name, "{path}");
        assert!(text(&problem["detail"]).contains("值是空的") && text(&problem["detail_en"]).contains("it is empty"), "{problem}");
    }
    assert_eq!((app.surveys().await.len(), app.read("/api/patches?verdict=confirmed_illegal").await["features"].as_array().unwrap().len()), (1, 0));
    // What is empty behind a sign of its own says something: that no field is the county's code.
    let without_county = app.upload("period=2022-05&level=city&map=county_code=", city::one_of_each().text()).await;
    assert_eq!(without_county.status, 201, "{}", without_county.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_parameter_is_wrong_is_said_in_each_language_by_itself() {
    let app = TestApp::city().await;
    // Words of programmers, or of the other language: two small Latin words side by side.
    let is_english = |detail: &str| {
        let words: Vec<&str> = detail.split(' ').collect();
        words.array_windows().any(|[one, next]| [one, next].iter().all(|word| !word.is_empty() && word.bytes().all(|letter| letter.is_ascii_lowercase())))
    };
    for (method, path, name, zh) in [
        (Method::GET, "/api/patches?survey=abc", "survey", "应为整数"),
        (Method::GET, "/api/patches?limit=2&limit=3", "limit", "不止一次"),
        (Method::GET, "/api/patches?limit=0", "limit", "1 到 5000"),
        (Method::GET, "/api/patches?after=7", "after", "next"),
        (Method::GET, "/api/patches?verdict=guilty", "verdict", "“guilty”不是其中之一"),
        (Method::GET, "/api/patches?bbox=1,2", "bbox", "要四个数"),
        (Method::GET, "/api/patches?county=371", "county", "应为六位代码或名称"),
        (Method::GET, "/api/patches/abc", "id", "“abc”应为整数"),
        (Method::GET, "/api/surveys/99999999999999999999/rejects", "id", "应为整数"),
        (Method::GET, "/api/tiles/patches/a/1/1.mvt", "z", "“a”应为整数"),
        (Method::GET, "/api/ratios?until=2022-05", "period", "从哪一期开始"),
        (Method::GET, "/api/ratios?period=2022-05&until=2022-04", "until", "早"),
        (Method::GET, "/api/surveys?withdrawn=maybe", "withdrawn", "不是其中之一"),
        (Method::GET, "/api/exports/findings", "format", "必须给出"),
        (Method::GET, "/api/exports/findings?format=csv&crs=EPSG:4527", "crs", "没有图形"),
        (Method::POST, "/api/check?before=April", "before", "应为日期或月份"),
        (Method::POST, "/api/layers?kind=county&name=a&effective=2022-02-30", "effective", "应为日期"),
        (Method::POST, "/api/surveys?period=2022-04&level=village", "level", "不是其中之一"),
        (Method::POST, "/api/surveys?period=2022-04&level=city&empty=perhaps", "empty", "不是其中之一"),
        (Method::POST, "/api/inspect?keep=perhaps", "keep", "不是其中之一"),
        (Method::POST, "/api/verdicts?preview=maybe", "preview", "不是其中之一"),
    ] {
        let problem = app.send(app.request(method, path).body("{}")).await.problem(400, "parameter");
        assert_eq!(problem["parameter"], name, "{path}: {problem}");
        let (detail, english) = (text(&problem["detail"]), text(&problem["detail_en"]));
        assert!(detail.contains(zh) && !is_english(&detail), "{path}: {problem}");
        assert!(is_english(&english) && !english.contains(['应', '不', '是', '为', '的']), "{path}: {problem}");
    }
    // One that is a list may be there several times.
    let twice = "/api/surveys?period=2022-05&level=city&map=patch_id=JCBH&map=county_code=";
    assert_eq!(app.post(twice, city::one_of_each().text()).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_county_is_understood_by_name_and_nonsense_never_answered_with_nothing() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    for county in ["371302", "兰山区", "%E5%85%B0%E5%B1%B1%E5%8C%BA", " 371302 "] {
        assert_eq!(app.patch_ids(&format!("county={county}")).await, ["L1", "S1", "O1"], "{county}");
    }
    // A county in force in which no such patch lies.
    assert_eq!(app.patch_ids("county=罗庄区&verdict=legal").await, [""; 0]);
    for county in ["3713020", "37130", "3713O2", "兰山", "371302,371311", "Lanshan"] {
        let problem = app.get(&format!("/api/patches?county={county}")).await.problem(400, "parameter");
        assert_eq!(problem["parameter"], "county", "{county}");
        assert!(text(&problem["detail"]).contains("371302 兰山区"), "{problem}");
        app.get(&format!("/api/exports/findings?format=csv&county={county}")).await.problem(400, "parameter");
    }
    for county in ["110101", "371325"] {
        app.get(&format!("/api/patches?county={county}")).await.problem(404, "not_found");
    }
    app.get("/api/patches?survey=99").await.problem(404, "not_found");
    let file = app.get("/api/exports/findings?format=csv&county=兰山区").await;
    assert_eq!((file.status.as_u16(), file.text().lines().count()), (200, 4), "a head and three patches");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_is_written_latitude_first_is_told_so() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    for (bbox, why) in [
        ("35.0,118.3,35.1,118.5", "longitude comes first"),
        ("39500000,3870000,39510000,3880000", "longitude comes first"),
        ("500000,35,510000,36", "degrees, not metres"),
        ("118.5,35.0,118.3,35.1", "west ≤ east"),
        ("118.3,35.0,0,118.5,35.1,9", "four numbers"),
    ] {
        let problem = app.get(&format!("/api/patches?bbox={bbox}")).await.problem(400, "parameter");
        assert!(text(&problem["detail_en"]).contains(why), "{bbox}: {problem}");
    }
    // West of 90° both orders are degrees: only the counties tell.
    let app = TestApp::bare().await;
    let county = File::default()
        .feature(&json!({ "XZQDM": "653126", "XZQMC": "叶城县" }), &super::app::file::polygon(&[super::app::file::rectangle(77.0, 36.0, 78.0, 37.0)]));
    app.import_layer(LayerKind::County, &county, "2022-01-01").await;
    let problem = app.get("/api/patches?bbox=36.2,77.2,36.4,77.4").await.problem(400, "parameter");
    assert!(text(&problem["detail_en"]).contains("longitude comes first"), "{problem}");
    assert_eq!(app.get("/api/patches?bbox=77.2,36.2,77.4,36.4").await.status, 200);
    assert_eq!(app.get("/api/patches?bbox=10,10,11,11").await.status, 200, "elsewhere either way is elsewhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_a_layer_is_answered_for_it_is_what_polygons_are_held_against() {
    let app = TestApp::city().await;
    let square = json!({ "type": "Polygon", "coordinates": [city::square()] }).to_string();
    for day in 1..=20 {
        // All of it woodland, then all of it farmland, and so on: the version answered for is the one that is used.
        let (dlbm, farmland) = if day % 2 == 0 { ("0101", true) } else { ("0301", false) };
        let parcels = File::default()
            .feature(&json!({ "DLBM": dlbm, "DLMC": "地" }), &super::app::file::polygon(&[super::app::file::rectangle(118.3, 35.0, 118.5, 35.1)]));
        let query = format!("kind=farmland&name=parcels&effective=2022-02-{day:02}");
        let layer = app.post(&format!("/api/layers?{query}"), parcels.text()).await;
        assert_eq!(layer.status, 201, "{}", layer.text());
        let checked = app.post("/api/check", square.clone()).await.json();
        let used = checked["finding"]["layers"].as_array().unwrap().iter().find(|layer| layer["kind"] == "farmland").unwrap();
        assert_eq!(used["id"], layer.json()["id"]);
        assert_eq!(checked["farmland"]["m2"].as_f64().unwrap() > 0.0, farmland, "{checked}");
    }
}
