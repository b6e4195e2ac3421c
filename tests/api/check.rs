//! `/api/check`: a polygon in, what it occupies out.

use super::app::{
    TestApp, city,
    file::{coordinates, polygon, rectangle},
    is_area, text,
};
use serde_json::json;
use tuban::http::Limits;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polygon_is_measured_as_a_patch_would_be_and_nothing_is_stored() {
    let app = TestApp::city().await;
    let revision = app.read("/api/about").await["tiles_version"].clone();
    let geometry = polygon(&[city::square()]);
    let multi = format!(r#"{{"type":"MultiPolygon","coordinates":[{}]}}"#, coordinates(&[city::square()]));
    let feature = format!(r#"{{"type":"Feature","properties":{{"XZQDM":"371311"}},"geometry":{geometry}}}"#);
    let answer = app.post("/api/check", geometry).await;
    assert_eq!(answer.status, 200);
    let checked = answer.json();
    // Oracle: the square's area and the shares drawn in `city`.
    for (column, share) in
        [("area", 1.0), ("farmland", 0.5), ("basic_farmland", 0.25), ("red_line", 0.4), ("urban_boundary", 0.1), ("approved", 0.3), ("approved_farmland", 0.3)]
    {
        is_area(&checked[column], share * city::SQUARE_M2, 1e-3);
    }
    assert_eq!((&checked["county_code"], &checked["automatic_verdict"], &checked["condition"]), (&json!("371302"), &json!("suspected_illegal"), &json!("ok")));
    assert_eq!((&checked["finding"]["approvals"], checked["finding"]["layers"].as_array().unwrap().len()), (&json!(["PZ1", "PZ2"]), 6));
    assert!(text(&checked["finding"]["explanation"]["zh"]).contains("1518.13"));
    for same in [multi, feature] {
        assert_eq!(app.post("/api/check", same).await.json(), checked);
    }
    assert_eq!((app.surveys().await, app.patches("").await), (vec![], vec![]));
    assert_eq!(app.read("/api/about").await["tiles_version"], revision);
    app.has_an_empty_spool();
}

/// As of files: of a month, the image before is of its first day and the one after of its last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_stands_for_its_first_day_before_and_for_its_last_day_after() {
    let app = TestApp::city().await;
    let square = polygon(&[city::square()]);
    let today = tuban_engine::model::today().to_string();
    for (query, before, after) in [
        ("before=2022-04&after=2022-05", "2022-04-01", "2022-05-31"),
        ("before=2022-04-03&after=2022年4月", "2022-04-03", "2022-04-30"),
        (&format!("before=2022-04&after={}", &today[..7]), "2022-04-01", today.as_str()),
    ] {
        let checked = app.post(&format!("/api/check?{query}"), square.clone()).await.json();
        assert_eq!((&checked["before_day"], &checked["after_day"]), (&json!(before), &json!(after)), "{query}");
    }
    for (query, name) in [("before=2022-13", "before"), ("after=2999-01", "after"), ("before=2022-05&after=2022-04", "after")] {
        assert_eq!(app.post(&format!("/api/check?{query}"), square.clone()).await.problem(400, "parameter")["parameter"], name, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outline_with_a_defect_is_repaired_and_said_so() {
    let app = TestApp::city().await;
    let [west, south, east, north] = city::SQUARE;
    let open = polygon(&[vec![[west, south], [east, south], [east, north], [west, north]]]);
    let checked = app.post("/api/check", open).await.json();
    assert_eq!(
        (&checked["condition"], &checked["finding"]["defects"][0]["code"], &checked["finding"]["defects"][0]["vertex"]),
        (&json!("repaired"), &json!("unclosed_ring"), &json!(3))
    );
    is_area(&checked["area"], city::SQUARE_M2, 1e-3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_polygon_is_refused_with_its_place() {
    let app = TestApp::city().await;
    let feature = |geometry: &str| format!(r#"{{"type":"Feature","properties":{{}},"geometry":{geometry}}}"#);
    let two = r#"{"type":"Polygon","coordinates":[[[118.3,35.0],[118.31,35.0]]]}"#;
    let text_in = r#"{"type":"Polygon","coordinates":[[[118.3,35.0],[118.31,"35"],[118.31,35.01],[118.3,35.0]]]}"#;
    for (body, status, code, pointer) in [
        (String::new(), 400, "not_json", json!(null)),
        ("{".to_owned(), 400, "not_json", json!(null)),
        (polygon(&[city::square()]) + "x", 400, "not_json", json!(null)),
        ("\u{0}".to_owned(), 400, "not_json", json!(null)),
        ("[".repeat(100_000), 400, "not_json", json!(null)),
        (r#"{"type":"Point","coordinates":[118.3,35.0]}"#.to_owned(), 422, "not_a_polygon", json!("")),
        (two.to_owned(), 422, "too_few_points", json!("/coordinates/0")),
        (text_in.to_owned(), 422, "not_a_number", json!("/coordinates/0/1")),
        (feature(two), 422, "too_few_points", json!("/geometry/coordinates/0")),
        (feature(text_in), 422, "not_a_number", json!("/geometry/coordinates/0/1")),
        (feature("null"), 422, "no_geometry", json!("/geometry")),
        (r#"{"type":"FeatureCollection","features":[]}"#.to_owned(), 422, "not_a_polygon", json!("")),
        (polygon(&[rectangle(35.05, 118.35, 35.06, 118.36)]), 422, "wrong_crs", json!(null)),
        (polygon(&[rectangle(39_623_167.0, 3_880_973.0, 39_624_080.0, 3_882_095.0)]), 422, "wrong_crs", json!(null)),
    ] {
        let shown: String = body.chars().take(100).collect();
        let problem = app.post("/api/check", body).await.problem(status, code);
        assert_eq!(problem["pointer"], pointer, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polygon_above_the_limit_is_refused() {
    let app = TestApp::with_limits(Limits { check_bytes: 1000, ..Limits::default() }).await;
    app.post("/api/check", " ".repeat(1001)).await.problem(413, "too_large");
    app.post("/api/check", polygon(&[city::square()])).await.json();
    let unread = super::edge::announce(&app, "/api/check", "Content-Length: 2147483648").await;
    assert!(unread.starts_with("HTTP/1.1 413 "), "{unread}");
}

/// The square with `steps` vertices along each side.
fn stepped(steps: u32) -> Vec<[f64; 2]> {
    let corners = city::square();
    let along = |[x1, y1]: [f64; 2], [x2, y2]: [f64; 2], step: u32| {
        let t = f64::from(step) / f64::from(steps);
        [x1 + (x2 - x1) * t, y1 + (y2 - y1) * t]
    };
    let sides = corners.windows(2).flat_map(|side| (0..steps).map(move |step| along(side[0], side[1], step)));
    sides.chain([corners[0]]).collect()
}

/// Oracle: the square's area and the shares drawn in `city`, whatever the vertices along its sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_polygon_is_measured_in_parts_and_a_larger_one_refused() {
    let app = TestApp::city().await;
    let checked = app.post("/api/check", polygon(&[stepped(4_000)])).await.json();
    for (column, share) in
        [("area", 1.0), ("farmland", 0.5), ("basic_farmland", 0.25), ("red_line", 0.4), ("urban_boundary", 0.1), ("approved", 0.3), ("approved_farmland", 0.3)]
    {
        is_area(&checked[column], share * city::SQUARE_M2, 1e-3);
    }
    assert_eq!((&checked["county_code"], &checked["finding"]["approvals"]), (&json!("371302"), &json!(["PZ1", "PZ2"])));
    assert_eq!(checked["finding"]["counties"].as_array().unwrap().len(), 1);
    app.post("/api/check", polygon(&[stepped(5_000)])).await.problem(422, "too_many_vertices");
}
