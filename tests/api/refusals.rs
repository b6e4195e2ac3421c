//! What bad input gets: a reason with the place, a 4xx, and nothing stored beyond the accepted features of an accepted survey.

use super::app::{
    APRIL, TestApp, city,
    file::{File, coordinates, rectangle},
    is_area, text,
};
use serde_json::{Value, json};

/// A square of 0.001° that a fault is put into, as text: corner `n` is `positions[n]`.
const RING: [&str; 5] = ["[118.32,35.02]", "[118.321,35.02]", "[118.321,35.021]", "[118.32,35.021]", "[118.32,35.02]"];

/// A Polygon feature with these coordinates, as text.
fn polygon(coordinates: &str) -> String {
    feature(&format!(r#"{{"type":"Polygon","coordinates":{coordinates}}}"#))
}

/// A MultiPolygon feature with these coordinates, as text.
fn multi(coordinates: &str) -> String {
    feature(&format!(r#"{{"type":"MultiPolygon","coordinates":{coordinates}}}"#))
}

/// A feature with this geometry, as text.
fn feature(geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{{"JCBH":"bad"}},"geometry":{geometry}}}"#)
}

/// The square with another position in the place of corner `n`.
fn with(n: usize, position: &str) -> String {
    let mut ring = RING;
    ring[n] = position;
    format!("[[{}]]", ring.join(","))
}

/// Two squares of `side`, the second to the north east by `step`, as coordinates of rings.
fn squares(side: f64, step: f64, second: f64) -> [String; 2] {
    let ring = |x: f64, y: f64, side: f64| {
        let text = coordinates(&[rectangle(x, y, x + side, y + side)]);
        text[1..text.len() - 1].to_owned()
    };
    [ring(118.32, 35.02, side), ring(118.32 + step, 35.02 + step, second)]
}

/// A feature as text, the code it is refused with, the pointer below its own, ring and vertex.
type Faulty = (String, &'static str, &'static str, Option<u32>, Option<u32>);

/// What a feature among good ones is refused for: the feature, the code, the pointer below `/features/1`, ring and vertex.
fn faulty() -> Vec<Faulty> {
    let [shell, inside] = squares(0.004, 0.001, 0.001);
    let [_, outside] = squares(0.004, 0.01, 0.001);
    let [_, across] = squares(0.004, 0.003, 0.004);
    let [_, in_the_hole] = squares(0.004, 0.0012, 0.0002);
    let twice = format!("[[{},{}]]", RING[..4].join(","), RING.join(","));
    vec![
        (polygon("[]"), "empty_geometry", "/geometry", None, None),
        (polygon("[[]]"), "empty_geometry", "/geometry", None, None),
        (multi("[]"), "empty_geometry", "/geometry", None, None),
        (multi("[[[]]]"), "empty_geometry", "/geometry", None, None),
        (feature(r#"{"type":"Polygon"}"#), "empty_geometry", "/geometry", None, None),
        (polygon("[[[118.32,35.02]]]"), "too_few_points", "/geometry/coordinates/0", Some(0), None),
        (polygon("[[[118.32,35.02],[118.321,35.02]]]"), "too_few_points", "/geometry/coordinates/0", Some(0), None),
        (polygon("[[[118.32,35.02],[118.321,35.02],[118.321,35.021]]]"), "too_few_points", "/geometry/coordinates/0", Some(0), None),
        (polygon("[[[118.32,35.02],[118.321,35.02],[118.322,35.02],[118.32,35.02]]]"), "no_area", "/geometry/coordinates/0", Some(0), None),
        (polygon("[[[118.32,35.02],[118.321,35.0200000001],[118.322,35.02],[118.32,35.02]]]"), "no_area", "/geometry/coordinates/0", Some(0), None),
        (polygon("[[[118.32,35.02],[118.32,35.02],[118.32,35.02],[118.32,35.02]]]"), "no_area", "/geometry/coordinates/0", Some(0), None),
        (polygon(&twice), "winds_twice", "/geometry/coordinates/0/3", Some(0), Some(3)),
        (polygon(&format!("[{shell},{outside}]")), "hole_outside", "/geometry/coordinates/1", Some(1), None),
        (polygon(&format!("[{shell},{across}]")), "hole_outside", "/geometry/coordinates/1/0", Some(1), Some(0)),
        (polygon(&format!("[{shell},{inside},{in_the_hole}]")), "holes_overlap", "/geometry/coordinates/2", Some(2), None),
        (multi(&format!("[[{shell}],[{inside}]]")), "parts_overlap", "/geometry/coordinates/1/0", Some(0), None),
        (multi(&format!("[[{shell}],[{across}]]")), "parts_overlap", "/geometry/coordinates/1/0/0", Some(0), Some(0)),
        (polygon(&with(2, "[118.321,1e999]")), "non_finite", "/geometry/coordinates/0/2", Some(0), Some(2)),
        (polygon(&with(2, "[-1e999,35.021]")), "non_finite", "/geometry/coordinates/0/2", Some(0), Some(2)),
        (polygon(&with(2, "[118.321,1e308]")), "out_of_range", "/geometry/coordinates/0/2", Some(0), Some(2)),
        (polygon(&with(3, "[118.32,90.001]")), "out_of_range", "/geometry/coordinates/0/3", Some(0), Some(3)),
        (polygon(&with(1, "[\"118.321\",35.02]")), "not_a_number", "/geometry/coordinates/0/1", Some(0), Some(1)),
        (polygon(&with(1, "[118.321,null]")), "not_a_number", "/geometry/coordinates/0/1", Some(0), Some(1)),
        (polygon(&with(1, "[118.321]")), "short_position", "/geometry/coordinates/0/1", Some(0), Some(1)),
        (polygon(&with(1, "[]")), "short_position", "/geometry/coordinates/0/1", Some(0), Some(1)),
        (polygon(&with(1, "[[118.321,35.02]]")), "bad_nesting", "/geometry/coordinates/0/1", Some(0), Some(1)),
        (polygon("[[118.32,35.02],[118.321,35.02]]"), "bad_nesting", "/geometry/coordinates/0/0", Some(0), Some(0)),
        (polygon("5"), "bad_nesting", "/geometry", None, None),
        (multi("[5]"), "bad_nesting", "/geometry/coordinates/0", None, None),
        (multi(&format!("[{shell}]")), "bad_nesting", "/geometry/coordinates/0/0/0", Some(0), Some(0)),
        (feature(r#"{"type":"Point","coordinates":[118.32,35.02]}"#), "not_a_polygon", "/geometry", None, None),
        (feature(r#"{"type":"LineString","coordinates":[[118.32,35.02],[118.33,35.02]]}"#), "not_a_polygon", "/geometry", None, None),
        (feature(r#"{"type":"GeometryCollection","geometries":[]}"#), "not_a_polygon", "/geometry", None, None),
        (feature(r#"{"coordinates":[]}"#), "not_a_polygon", "/geometry", None, None),
        (feature("null"), "no_geometry", "/geometry", None, None),
        (feature("[]"), "no_geometry", "/geometry", None, None),
        (r#"{"type":"Feature","properties":{"JCBH":"bad"}}"#.to_owned(), "no_geometry", "/geometry", None, None),
        (r#"{"type":"Feature","id":"bad","properties":7,"geometry":null}"#.to_owned(), "bad_properties", "/properties", None, None),
        (
            format!(r#"{{"type":"Feature","id":"bad","properties":{{}},"geometry":{{"type":"Polygon","coordinates":[{shell}]}},"geometry":null}}"#),
            "duplicate_member",
            "/geometry",
            None,
            None,
        ),
        (r#"{"type":"Polygon","id":"bad","coordinates":[]}"#.to_owned(), "not_a_feature", "", None, None),
        (r#"{"id":"bad"}"#.to_owned(), "not_a_feature", "", None, None),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_feature_is_refused_with_its_place_and_the_good_ones_are_kept() {
    let app = TestApp::city().await;
    for (bad, code, pointer, ring, vertex) in faulty() {
        let file = File::default().patch("first", &[city::legal()]).raw(&bad).patch("last", &[city::other()]);
        let survey = app.uploaded("period=2022-04&level=city&on_conflict=replace", &file).await;
        assert_eq!((&survey["patches"], &survey["rejected"]), (&json!(2), &json!(1)), "{bad}");
        let rejects = app.read(&format!("/api/surveys/{}/rejects", survey["id"])).await["rejects"].clone();
        let reject = &rejects[0];
        let place = (text(&reject["code"]), text(&reject["pointer"]), reject["row"].clone(), reject["ring"].clone(), reject["vertex"].clone());
        assert_eq!(place, (code.to_owned(), format!("/features/1{pointer}"), json!(2), json!(ring), json!(vertex)), "{bad}");
        assert_eq!(reject["patch_id"], "bad", "{bad}");
        assert!(!text(&reject["reason"]["zh"]).is_empty() && !text(&reject["reason"]["en"]).is_empty(), "{reject}");
        assert_eq!(app.patch_ids("").await, ["first", "last"], "{bad}");
        if !pointer.is_empty() && code != "no_geometry" && code != "empty_geometry" {
            assert!(
                serde_json::from_str::<Value>(&file.text()).map_or(true, |file| file.pointer(&text(&reject["pointer"])).is_some()),
                "the pointer leads somewhere: {bad}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_of_bad_features_alone_is_refused_whole_with_all_of_them() {
    let app = TestApp::city().await;
    let hopeless: Vec<_> = faulty().into_iter().filter(|(bad, ..)| !bad.contains("e308") && !bad.contains("90.001")).collect();
    let file = hopeless.iter().fold(File::default(), |file, (bad, ..)| file.raw(bad));
    let problem = app.refuses(APRIL, file.text(), 422, "no_acceptable_feature").await;
    let codes: Vec<String> = problem["rejects"].as_array().unwrap().iter().map(|reject| text(&reject["code"])).collect();
    assert_eq!(codes, hopeless.iter().map(|(_, code, ..)| (*code).to_owned()).collect::<Vec<_>>());
    assert_eq!(app.refuses(APRIL, File::default().text(), 422, "no_features").await["offer"], "empty=yes");
    let many = (0..150).fold(File::default(), |file, _| file.raw("0"));
    assert_eq!(app.refuses(APRIL, many.text(), 422, "no_acceptable_feature").await["rejects"].as_array().unwrap().len(), 100, "the first hundred");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_be_repaired_in_one_way_only_is_and_its_place_is_named() {
    let app = TestApp::city().await;
    // Oracle of the areas: 10 125.0698 m² (mpmath, see surveys) of the square of 0.001°, or half of it, by hand.
    let whole = 10_125.069_774_2;
    let inner = "[118.3203,35.0203],[118.3206,35.0203],[118.3206,35.0206],[118.3203,35.0206]";
    let open_hole = format!("[[{}],[{inner}]]", RING.join(","));
    let hole_share = 0.3 * 0.3;
    for (coordinates, code, ring, vertex, area, within) in [
        (format!("[[{}]]", RING[..4].join(",")), "unclosed_ring", 0, 3, whole, 1e-3),
        (open_hole, "unclosed_ring", 1, 3, whole * (1.0 - hole_share), 0.1),
        (format!("[[{}],[[118.3203,35.0203],[118.3206,35.0206],[118.3203,35.0203]]]", RING.join(",")), "collapsed_ring", 1, 0, whole, 1e-3),
        (format!("[[{},{},{},{},{}]]", RING[0], RING[1], RING[3], RING[2], RING[0]), "self_crossing", 0, 1, whole / 2.0, 1e-3),
        (format!("[[{},{},[118.33,35.02],{},{},{},{}]]", RING[0], RING[1], RING[1], RING[2], RING[3], RING[4]), "spike", 0, 2, whole, 1e-3),
        (format!("[[{},{},{},[118.321,35.03],{},{},{}]]", RING[0], RING[1], RING[2], RING[2], RING[3], RING[4]), "spike", 0, 3, whole, 1e-3),
    ] {
        let survey = app.uploaded("period=2022-04&level=city&on_conflict=replace", &File::default().patch_of("R", &coordinates)).await;
        assert_eq!((&survey["repaired"], &survey["rejected"]), (&json!(1), &json!(0)), "{coordinates}");
        let patch = app.patch("R").await;
        let defects = &patch["properties"]["finding"]["defects"];
        assert_eq!((&defects[0]["code"], &defects[0]["ring"], &defects[0]["vertex"]), (&json!(code), &json!(ring), &json!(vertex)), "{coordinates}");
        assert_eq!((&patch["properties"]["condition"], defects.as_array().unwrap().len()), (&json!("repaired"), 1), "{defects}");
        is_area(&patch["properties"]["area"], area, within);
        // Kept as it came, beside the repaired outline; rings are closed where they are shown.
        let came: Value = serde_json::from_str(&coordinates).unwrap();
        let kept = &patch["properties"]["geometry_as_it_came"]["coordinates"];
        assert_eq!(kept[ring as usize][vertex as usize], came[ring as usize][vertex as usize]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_patches_with_one_id_the_first_good_one_counts() {
    let app = TestApp::city().await;
    let file = File::default()
        .patch_of("A", "[]")
        .patch("A", &[city::suspected()])
        .patch("B", &[city::other()])
        .patch("A", &[city::legal()])
        .patch("B", &[city::other()]);
    let survey = app.uploaded(APRIL, &file).await;
    assert_eq!((&survey["patches"], &survey["rejected"]), (&json!(2), &json!(3)));
    let rejects = app.read(&format!("/api/surveys/{}/rejects", survey["id"])).await["rejects"].clone();
    let found: Vec<(u64, String, String)> =
        rejects.as_array().unwrap().iter().map(|reject| (reject["row"].as_u64().unwrap(), text(&reject["code"]), text(&reject["pointer"]))).collect();
    let duplicate = |row: u64| (row, "duplicate_id".to_owned(), format!("/features/{}", row - 1));
    assert_eq!(found, [(1, "empty_geometry".to_owned(), "/features/0/geometry".to_owned()), duplicate(4), duplicate(5)]);
    assert!(text(&rejects[1]["reason"]["en"]).contains("row 2"), "{}", rejects[1]);
    assert_eq!(
        (text(&app.patch("A").await["properties"]["row"].to_string().into()), app.patch_ids("").await),
        ("2".to_owned(), vec!["A".to_owned(), "B".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_ends_too_early_is_refused_wherever_it_ends() {
    let app = TestApp::city().await;
    let whole = city::one_of_each().text();
    for end in (1..whole.len()).step_by(13).chain([whole.len() - 1]) {
        let problem = app.refuses(APRIL, whole[..end].to_owned(), 400, "truncated").await;
        assert!(text(&problem["detail"]).contains(&format!("第 {end} 字节")), "{end}: {problem}");
    }
    app.refuses(APRIL, "", 400, "empty_file").await;
    app.refuses(APRIL, " \n\t ", 400, "empty_file").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_json_is_refused_with_the_byte() {
    let app = TestApp::city().await;
    let good = city::one_of_each();
    let whole = good.text();
    let among = |position: &str| File::default().patch("first", &[city::legal()]).raw(&polygon(&with(2, position))).text();
    for (body, code, pointer) in [
        (whole.clone() + "x", "trailing_garbage", json!(null)),
        (whole.clone() + "]", "trailing_garbage", json!(null)),
        (whole.clone() + &whole, "newline_delimited", json!(null)),
        (among("[NaN,35.02]"), "not_json", json!("/features/1")),
        (among("[118.32,Infinity]"), "not_json", json!("/features/1")),
        (among("[118.32,-Infinity]"), "not_json", json!("/features/1")),
        (among("[118.32,+35.02]"), "not_json", json!("/features/1")),
        (among("[118.32,035.02]"), "not_json", json!("/features/1")),
        (among("[118.32,0x23]"), "not_json", json!("/features/1")),
        (among("[118.32,35.02,]"), "not_json", json!("/features/1")),
        (whole.replacen("L1", "L\u{1}", 1), "not_json", json!("/features/0")),
        (whole.replacen("L1", "L\\q", 1), "not_json", json!("/features/0")),
        (whole.replacen("}},", "}}", 1), "not_json", json!("/features/1")),
        (whole.replacen("\"features\":[", "\"features\":[,", 1), "not_json", json!("/features/0")),
        (whole.replacen("\"features\":[", "\"features\":[],\"features\":[", 1), "duplicate_member", json!("/features")),
        (r#"{"type":"FeatureCollection"}"#.to_owned(), "missing_features", json!(null)),
        (r#"{"type":"FeatureCollection","features":{}}"#.to_owned(), "missing_features", json!("/features")),
        (r#"{"features":[]}"#.to_owned(), "not_a_feature_collection", json!(null)),
        (r#"{"type":"Pology","features":[]}"#.to_owned(), "not_a_feature_collection", json!("/type")),
        (r#"{"features":[],"type":"Feature"}"#.to_owned(), "not_a_feature_collection", json!("/type")),
        ("[]".to_owned(), "not_a_feature_collection", json!(null)),
        ("PK\u{3}\u{4}…".to_owned(), "archive_broken", json!(null)),
    ] {
        let shown: String = body.chars().take(60).collect();
        let problem = app.refuses(APRIL, body, 400, code).await;
        assert_eq!(problem["pointer"], pointer, "{shown}: {problem}");
    }
    // What is of another format altogether: 415.
    for body in ["<html></html>", "patch_id,verdict\n", "null"] {
        app.refuses(APRIL, body, 415, "unsupported_format").await;
    }
    let mut latin = whole.into_bytes();
    let at = latin.windows(2).position(|pair| pair == b"L1").unwrap();
    latin[at] = 0xE9;
    app.refuses(APRIL, latin, 400, "not_utf8").await;
    let utf16: Vec<u8> = good.text().encode_utf16().flat_map(u16::to_le_bytes).collect();
    app.refuses(APRIL, utf16, 400, "utf16").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_nested_arrays_are_refused_wherever_they_stand() {
    let app = TestApp::city().await;
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep_objects = r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
    for nested in [deep.as_str(), deep_objects.as_str()] {
        for body in [
            nested.to_owned(),
            format!(r#"{{"type":"FeatureCollection","x":{nested},"features":[]}}"#),
            format!(r#"{{"type":"FeatureCollection","features":[],"x":{nested}}}"#),
            format!(r#"{{"type":"FeatureCollection","features":[{nested}]}}"#),
            format!(r#"{{"type":"FeatureCollection","crs":{nested},"features":[]}}"#),
            File::default().raw(&polygon(nested)).text(),
            File::default().raw(&feature(nested)).text(),
            File::default().raw(&format!(r#"{{"type":"Feature","properties":{{"JCBH":{nested}}},"geometry":null}}"#)).text(),
        ] {
            let answer = app.upload(APRIL, body.clone()).await;
            assert!(matches!(answer.status.as_u16(), 400 | 422), "{}: {}", &body[..40], answer.text());
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        app.post("/api/check", format!(r#"{{"type":"Polygon","coordinates":{nested}}}"#)).await.problem(400, "not_json");
    }
    assert!(app.surveys().await.is_empty());
    app.has_an_empty_spool();
    assert_eq!(app.get("/health").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coordinates_that_contradict_their_crs_are_refused_with_the_likely_cause() {
    let app = TestApp::city().await;
    let crs = |name: &str| format!(r#""crs":{{"type":"name","properties":{{"name":"{name}"}}}}"#);
    let at = |x: f64, y: f64| File::default().patch("P", &[rectangle(x, y, x + 0.001, y + 0.001)]);
    // Oracle of the eastings: GDAL 3.6.2, `gdaltransform -s_srs EPSG:4490` of 118.35° E 35.05° N to EPSG:4527, 4528, 4548 and 3857; a 6-degree zone 20 has the
    // central meridian of the 3-degree zone 39, 117° E.
    for (file, said) in [
        (at(35.05, 118.35), vec!["swapped"]),
        (at(39_623_167.9, 3_880_973.4), vec!["EPSG:4527", "eight-digit"]),
        (at(40_349_580.0, 3_881_347.0), vec!["EPSG:4528"]),
        (at(3_880_973.4, 39_623_167.9), vec!["EPSG:4527", "easting, longitude"]),
        (at(623_167.9, 3_880_973.4), vec!["EPSG:4548"]),
        (at(20_623_167.9, 3_880_973.4), vec!["6-degree"]),
        (at(13_174_661.8, 4_170_288.0), vec!["EPSG:3857"]),
        (at(500.0, 500.0), vec!["out of range"]),
        (at(118.35, 35.05).member(&crs("EPSG:4527")), vec!["EPSG:4490"]),
        (at(35.05, 118.35).member(&crs("urn:ogc:def:crs:EPSG::4490")), vec!["swapped"]),
    ] {
        let problem = app.refuses(APRIL, file.text(), 422, "wrong_crs").await;
        for said in said {
            assert!(text(&problem["detail_en"]).contains(said), "{said}: {problem}");
        }
    }
    for name in ["EPSG:2154", "urn:ogc:def:crs:EPSG::26986", "GCJ-02", ""] {
        let problem = app.refuses("period=2022-04&level=city&on_conflict=replace", at(118.35, 35.05).member(&crs(name)).text(), 400, "unknown_crs").await;
        assert_eq!(problem["pointer"], "/crs");
        // Where people say which it is, the file's own name for it does not matter.
        let forced = app.uploaded("period=2022-04&level=city&on_conflict=replace&crs=EPSG:4490", &at(118.35, 35.05).member(&crs(name))).await;
        assert_eq!(forced["crs"], "EPSG:4490");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_survey_that_lies_mostly_outside_is_a_mistake_in_its_crs() {
    let app = TestApp::city().await;
    let outside = |n: u32| rectangle(118.6 + 0.01 * f64::from(n), 35.02, 118.605 + 0.01 * f64::from(n), 35.025);
    let half = File::default().patch("in", &[city::suspected()]).patch("out", &[outside(1)]);
    let problem = app.refuses(APRIL, half.clone().patch("out2", &[outside(2)]).text(), 422, "outside_counties").await;
    assert!(text(&problem["detail_en"]).contains("2 of 3"), "{problem}");
    app.refuses(APRIL, File::default().patch("far", &[rectangle(104.0, 30.6, 104.001, 30.601)]).text(), 422, "outside_counties").await;
    assert_eq!(app.uploaded(APRIL, &half).await["outside"], 1, "half of it is not most of it");
}
