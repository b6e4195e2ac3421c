//! `/api/surveys`, `/api/surveys/{id}`, `/api/surveys/{id}/rejects`.

use super::app::{APRIL, TestApp, city, file::File, is_area, text};
use reqwest::{Method, multipart};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_comes_in_and_is_summed_up() {
    let app = TestApp::city().await;
    let answer = app.upload(APRIL, city::one_of_each().text()).await;
    let survey = answer.json();
    assert_eq!((answer.status.as_u16(), answer.header("location")), (201, format!("/api/surveys/{}", survey["id"]).as_str()));
    for (field, expected) in [
        ("period", json!("2022-04")),
        ("level", json!("city")),
        ("patches", json!(4)),
        ("repaired", json!(0)),
        ("rejected", json!(0)),
        ("outside", json!(0)),
        ("patch_id_source", json!("JCBH")),
        ("fields", json!({ "patch_id": "JCBH", "date_before": "QSX", "date_after": "HSX" })),
        ("verdicts", json!({ "legal": 1, "suspected_illegal": 1, "other": 1, "doubtful": 1 })),
        ("warnings", json!([])),
    ] {
        assert_eq!(survey[field], expected, "{field}");
    }
    // Oracle: mpmath, the zone's closed form of docs/ARCHITECTURE.md, “Area”; the woodland patch is as large as the one on farmland.
    is_area(&survey["area"], 20_242.353_760_8 + 2.0 * 10_125.069_774_2 + 10_115.940_791_6, 1e-3);
    is_area(&survey["farmland"], 20_242.353_760_8 + 10_125.069_774_2, 1e-3);
    assert_eq!(app.read(answer.header("location")).await, survey);
    assert_eq!(app.surveys().await, [survey]);
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_file_is_recognised_and_not_stored_twice() {
    let app = TestApp::city().await;
    let first = app.uploaded(APRIL, &city::one_of_each()).await;
    for query in [APRIL, "period=2022-04&level=city&on_conflict=replace", "period=2022-04&level=city&on_conflict=add&name=another.geojson"] {
        let again = app.upload(query, city::one_of_each().text()).await;
        assert_eq!((again.status.as_u16(), again.json()), (200, first.clone()), "{query}");
        assert_eq!(again.header("location"), format!("/api/surveys/{}", first["id"]));
    }
    assert_eq!(app.surveys().await.len(), 1);
    app.has_an_empty_spool();
    // For another level it is another survey.
    assert_eq!(app.upload("period=2022-04&level=province", city::one_of_each().text()).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_survey_of_a_month_is_a_conflict_until_it_is_said_what_to_do() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let second = File::default().patch("N1", &[city::suspected()]);
    let problem = app.refuses(APRIL, second.text(), 409, "survey_exists").await;
    // Who uploads by program reads the parameters beside the sentence, which is for people.
    assert_eq!((&problem["existing"], &problem["choices"]), (&json!(1), &json!(["on_conflict=replace", "on_conflict=add"])));
    assert!(text(&problem["detail_en"]).contains("on_conflict=replace"), "{problem}");
    assert!(text(&problem["detail"]).ends_with("请选择替换原批次，或者追加为新批次") && !text(&problem["detail"]).contains("on_conflict"), "{problem}");

    let added = app.uploaded("period=2022-04&level=city&on_conflict=add", &second).await;
    assert_eq!(app.surveys().await.len(), 2);
    assert_eq!(app.patch_ids("period=2022-04").await, ["L1", "S1", "O1", "D1", "N1"]);

    let third = File::default().patch("R1", &[city::legal()]);
    let replacing = app.uploaded("period=2022-04&level=city&on_conflict=replace", &third).await;
    assert_ne!(replacing["id"], added["id"]);
    assert_eq!(app.surveys().await, [replacing]);
    assert_eq!(app.patch_ids("period=2022-04").await, ["R1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_that_is_refused_leaves_the_old_survey() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    app.refuses("period=2022-04&level=city&on_conflict=replace", File::default().patch_of("X", "[]").text(), 422, "no_acceptable_feature").await;
    assert_eq!(app.patch_ids("").await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn surveys_are_listed_newest_period_first() {
    let app = TestApp::city().await;
    for period in ["2022-04", "2022-06", "2022-05"] {
        app.uploaded(&format!("period={period}&level=city"), &city::one_of_each()).await;
    }
    assert_eq!(app.surveys().await.iter().map(|survey| text(&survey["period"])).collect::<Vec<_>>(), ["2022-06", "2022-05", "2022-04"]);
    assert_eq!(app.read("/api/about").await["periods"], json!(["2022-04", "2022-05", "2022-06"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_carries_the_file_and_its_name() {
    let app = TestApp::city().await;
    let part = |name: &str| multipart::Part::text(city::one_of_each().text()).file_name(name.to_owned());
    let form = multipart::Form::new().text("remark", "before the file").part("file", part("../四月.geojson")).text("after", "is not read");
    let answer = app.send(app.request(Method::POST, &format!("/api/surveys?{APRIL}")).multipart(form)).await;
    assert_eq!((answer.status.as_u16(), text(&answer.json()["name"])), (201, "../四月.geojson".to_owned()));
    let form = multipart::Form::new().part("file", part("x.geojson"));
    let again = app.send(app.request(Method::POST, &format!("/api/surveys?{APRIL}&name=given.geojson")).multipart(form)).await;
    assert_eq!(again.status, 200, "the very same bytes, raw or in a form");
    let form = multipart::Form::new().part("file", part("x.geojson"));
    let named = app.send(app.request(Method::POST, "/api/surveys?period=2022-05&level=city&name=given.geojson&again=yes").multipart(form)).await;
    assert_eq!(text(&named.json()["name"]), "given.geojson");

    let form = multipart::Form::new().part("datei", part("x.geojson"));
    app.send(app.request(Method::POST, &format!("/api/surveys?{APRIL}")).multipart(form)).await.problem(400, "unreadable_body");
    let no_boundary = app.request(Method::POST, &format!("/api/surveys?{APRIL}")).header("content-type", "multipart/form-data").body("x");
    app.send(no_boundary).await.problem(400, "unreadable_body");
    let cut = app.request(Method::POST, &format!("/api/surveys?{APRIL}")).header("content-type", "multipart/form-data; boundary=b");
    let cut = cut.body("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n{\"type\":");
    app.send(cut).await.problem(400, "unreadable_body");
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_are_named_when_they_are_wrong() {
    let app = TestApp::bare().await;
    for (query, parameter) in [
        ("level=city", "period"),
        ("period=2022-04", "level"),
        ("period=2022-13&level=city", "period"),
        ("period=April&level=city", "period"),
        ("period=2022-04&level=village", "level"),
        ("period=2022-04&level=city&crs=EPSG:9999", "crs"),
        ("period=2022-04&level=city&crs=nonsense", "crs"),
        ("period=2022-04&level=city&on_conflict=perhaps", "on_conflict"),
        ("period=2022-04&level=city&period=2022-05", "period"),
    ] {
        let problem = app.refuses(query, city::one_of_each().text(), 400, "parameter").await;
        assert_eq!(problem["parameter"], parameter, "{query}");
    }
    for path in ["/api/surveys/1/rejects?limit=0", "/api/surveys/1/rejects?limit=1001", "/api/surveys/1/rejects?limit=x"] {
        assert_eq!(app.get(path).await.problem(400, "parameter")["parameter"], "limit", "{path}");
    }
    assert_eq!(app.get("/api/surveys/1/rejects?after=-1").await.problem(400, "parameter")["parameter"], "after");
    app.get("/api/surveys/one").await.problem(400, "parameter");
    app.get("/api/surveys/7").await.problem(404, "not_found");
    app.get("/api/surveys/7/rejects").await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejects_come_page_by_page_with_row_id_and_place() {
    let app = TestApp::city().await;
    let survey = (1..=7).fold(File::default(), |file, n| match n {
        3 => file.patch("P3", &[city::suspected()]),
        _ => file.patch_of(&format!("P{n}"), "[[[118.3,35.0],[118.31,35.0]]]"),
    });
    let survey = app.uploaded(APRIL, &survey).await;
    assert_eq!((&survey["patches"], &survey["rejected"]), (&json!(1), &json!(6)));
    let mut pages: Vec<Vec<Value>> = Vec::new();
    let mut next = json!(format!("/api/surveys/{}/rejects?limit=4", survey["id"]));
    while let Some(path) = next.as_str() {
        let page = app.read(path).await;
        pages.push(page["rejects"].as_array().unwrap().clone());
        next = page["next"].clone();
    }
    let rows: Vec<Vec<u64>> = pages.iter().map(|page| page.iter().map(|reject| reject["row"].as_u64().unwrap()).collect()).collect();
    assert_eq!(rows, [vec![1, 2, 4, 5], vec![6, 7]]);
    let first = &pages[0][0];
    assert_eq!(
        (&first["patch_id"], &first["code"], &first["pointer"], &first["ring"], &first["vertex"]),
        (&json!("P1"), &json!("too_few_points"), &json!("/features/0/geometry/coordinates/0"), &json!(0), &json!(null))
    );
    assert!(!text(&first["reason"]["zh"]).is_empty() && !text(&first["reason"]["en"]).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_id_comes_from_a_field_else_from_the_feature_else_from_the_row() {
    let app = TestApp::city().await;
    let geometry = super::app::file::polygon(&[city::suspected()]);
    let other = super::app::file::polygon(&[city::other()]);
    let by_alias = File::default().feature(&json!({ "tbbh": "T9" }), &geometry);
    let by_feature = File::default()
        .raw(&format!(r#"{{"type":"Feature","id":"F7","properties":{{}},"geometry":{geometry}}}"#))
        .raw(&format!(r#"{{"type":"Feature","id":8,"properties":null,"geometry":{other}}}"#));
    let by_row = File::default().feature(&json!({ "NOTE": "x" }), &geometry).feature(&json!({}), &other);
    for (period, survey, source, ids) in
        [("2022-01", by_alias, "tbbh", &["T9"][..]), ("2022-02", by_feature, "feature_id", &["F7", "8"]), ("2022-03", by_row, "row", &["第1行", "第2行"])]
    {
        let answer = app.uploaded(&format!("period={period}&level=city"), &survey).await;
        assert_eq!(answer["patch_id_source"], source);
        assert_eq!(app.patch_ids(&format!("period={period}")).await, ids);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_of_other_names_are_mapped_by_the_uploader() {
    let app = TestApp::city().await;
    let survey = File::default().feature(&json!({ "图号": "A-1", "JCBH": "no" }), &super::app::file::polygon(&[city::suspected()]));
    let answer = app.uploaded(&format!("{APRIL}&map=patch_id%3D图号"), &survey).await;
    assert_eq!((&answer["patch_id_source"], &answer["fields"]["patch_id"]), (&json!("图号"), &json!("图号")));
    assert_eq!(app.patch_ids("").await, ["A-1"]);
    let may = "period=2022-05&level=city";
    let problem = app.refuses(&format!("{may}&map=patch_id%3DNIX"), survey.text(), 422, "fields").await;
    assert!(text(&problem["detail_en"]).contains("图号"), "the fields there are: {problem}");
    app.refuses(&format!("{may}&map=colour%3DJCBH"), survey.text(), 422, "fields").await;
    app.refuses(&format!("{may}&map=patch_id"), survey.text(), 400, "fields").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_in_any_order() {
    let app = TestApp::city().await;
    let feature = |id: &str| {
        format!(
            r#"{{"geometry":{{"coordinates":{},"type":"Polygon"}},"id":1,"properties":{{"JCBH":"{id}"}},"type":"Feature"}}"#,
            super::app::file::coordinates(&[city::square()])
        )
    };
    let crs = r#""crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}}"#;
    for (month, text) in [
        (1, format!(r#"{{"bbox":[118,35,119,36],{crs},"features":[{}],"type":"FeatureCollection"}}"#, feature("A"))),
        (2, format!(r#"{{"features":[{}],{crs},"type":"FeatureCollection","name":"last"}}"#, feature("B"))),
        (3, format!("\u{feff} {{\"type\":\"FeatureCollection\",\n\"features\":[ {} ] }}\n\n", feature("C"))),
    ] {
        let answer = app.upload(&format!("period=2022-0{month}&level=city"), text).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        is_area(&answer.json()["area"], city::SQUARE_M2, 1e-4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crs_named_after_the_features_is_honoured_and_one_that_is_forced_wins() {
    let app = TestApp::city().await;
    // Oracle: GDAL 3.6.2, `gdaltransform -s_srs EPSG:4490 -t_srs EPSG:4527` (zone 39) of the corners of the square.
    let ring = "[[39623167.9292252,3880973.36241013],[39624080.342864,3880985.75671583],[39624065.2134883,3882095.27978587],[39623152.9111578,3882082.88390911],[39623167.9292252,3880973.36241013]]";
    let feature = format!(r#"{{"type":"Feature","properties":{{"JCBH":"Z"}},"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}"#);
    let late = format!(r#"{{"type":"FeatureCollection","features":[{feature}],"crs":{{"type":"name","properties":{{"name":"EPSG:4527"}}}}}}"#);
    let survey = app.upload(APRIL, late).await;
    assert_eq!(survey.json()["crs"], "EPSG:4527", "{}", survey.text());
    let wrong = format!(r#"{{"type":"FeatureCollection","crs":{{"type":"name","properties":{{"name":"EPSG:4490"}}}},"features":[{feature}]}}"#);
    let forced = app.upload("period=2022-05&level=city&crs=EPSG:4527", wrong).await.json();
    assert_eq!(forced["crs"], "EPSG:4527", "{forced}");
    assert_eq!(forced["area"], survey.json()["area"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_odd_about_a_file_is_said() {
    let app = TestApp::city().await;
    let coarse = File::default().patch_of("C", "[[[118.32,35.02,71.5],[118.321,35.02,71.5],[118.321,35.021,71.5],[118.32,35.02,71.5]]]");
    let coarse = coarse.patch_of("E", "[[[118.6,35.02],[118.61,35.02],[118.61,35.03],[118.6,35.02]]]");
    let survey = app.uploaded(APRIL, &coarse).await;
    let warnings: Vec<String> = survey["warnings"].as_array().unwrap().iter().map(|warning| text(&warning["en"])).collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for (warning, said) in warnings.iter().zip(["only 3 decimals", "1 outlines have heights", "1 patches lie in no county"]) {
        assert!(warning.contains(said), "{warning}");
    }
    assert_eq!(survey["outside"], 1);
}
