//! Codes that mean one thing: classes of three standards, and counties.

use super::app::{
    APRIL, Answer, TestApp, city,
    file::{File, polygon, rectangle},
    is_area, text,
};
use serde_json::{Value, json};

async fn send(app: &TestApp, query: &str, file: &File) -> Answer {
    app.post(&format!("/api/layers?name=x&effective=2022-01-01&{query}"), file.text()).await
}

fn parcels(codes: &[&str]) -> File {
    (0..).zip(codes).fold(File::default(), |file, (n, code)| {
        let west = 118.35 + 0.01 * f64::from(n);
        file.feature(&json!({ "DLBM": code }), &polygon(&[rectangle(west, 35.05, west + 0.01, 35.06)]))
    })
}

fn counties(counties: &[(&str, &str)]) -> File {
    (0..).zip(counties).fold(File::default(), |file, (n, (code, name))| {
        let west = 118.3 + 0.1 * f64::from(n);
        file.feature(&json!({ "XZQDM": code, "XZQMC": name }), &polygon(&[rectangle(west, 35.0, west + 0.1, 35.1)]))
    })
}

async fn farmland(app: &TestApp) -> Value {
    app.service.refresh_atlas().await.unwrap();
    app.post("/api/check", polygon(&[city::square()])).await.json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parcels_of_the_second_survey_are_asked_about_and_read_by_its_list() {
    let app = TestApp::bare().await;
    let file = parcels(&["012", "111", "203"]);
    let problem = send(&app, "kind=farmland", &file).await.problem(422, "second_survey_codes");
    assert!(text(&problem["detail"]).contains("012") && !text(&problem["detail"]).contains("参数"), "{problem}");
    assert_eq!(problem["choices"], json!(["classes=2007", "classes=2017"]));
    assert_eq!(app.read("/api/layers").await["layers"], json!([]), "nothing is stored before that is answered");
    let taken = send(&app, "kind=farmland&classes=2007", &file).await.json();
    assert_eq!((&taken["classes"], &taken["features"], &taken["rejected"]), (&json!("2007"), &json!(3), &json!(0)));
    let checked = farmland(&app).await;
    is_area(&checked["farmland"], city::SQUARE_M2, 1e-3);
    assert_eq!(checked["finding"]["parcels"][0]["dlbm"], "012", "as the layer has it");
    // The list stays with the layer, whichever program loads it.
    let service = app.another_service().await;
    let again = service.check(polygon(&[city::square()]).as_bytes()).unwrap();
    assert_eq!(again.finding.areas.farmland_m2, again.finding.areas.area_m2);
    send(&app, "kind=farmland&classes=1984", &file).await.problem(400, "parameter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_in_no_list_are_refused_with_counts_and_examples() {
    let app = TestApp::bare().await;
    let taken = send(&app, "kind=farmland", &parcels(&["101", "0201K", "9999", "０３０１", "05H1", "9999", "09"])).await.json();
    assert_eq!((&taken["classes"], &taken["features"], &taken["rejected"]), (&json!("2017"), &json!(5), &json!(2)), "{taken}");
    assert_eq!((&taken["rejects"][0]["row"], &taken["rejects"][0]["code"]), (&json!(3), &json!("bad_dlbm")));
    let notes = taken["notes"].to_string();
    for said in ["“9999” 2 个（首例第 3 行）", "1 个 DLBM 丢失了前导 0", "1 个 DLBM 写法不规范"] {
        assert!(notes.contains(said), "{said} in {notes}");
    }
    is_area(&farmland(&app).await["farmland"], city::SQUARE_M2, 1e-3);
    let guide = send(&app, "kind=farmland", &parcels(&["0101", "060101", "2303"])).await.json();
    assert_eq!(guide["classes"], "2023");
    send(&app, "kind=farmland", &parcels(&["0101", "9999", "8888"])).await.problem(422, "unknown_class_codes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_county_layer_has_counties_only_or_is_asked_about() {
    let app = TestApp::bare().await;
    for (features, code) in [
        (&[("371302001200", "村0"), ("371302001201", "村1")][..], "county_village_codes"),
        (&[("371300", "临沂市"), ("371302", "兰山区")], "county_with_city"),
        (&[("371302", "兰山区"), ("371302", "罗庄区")], "county_names_differ"),
        (&[("371302", "兰山区"), ("3713", "罗庄区")], "county_code_unreadable"),
    ] {
        send(&app, "kind=county", &counties(features)).await.problem(422, code);
        let seen = app.post("/api/inspect?kind=county", counties(features).text()).await.json();
        assert!(text(&seen["problem"]["type"]).ends_with(code) || seen.to_string().contains(code), "{seen}");
    }
    assert_eq!(app.read("/api/layers").await["layers"], json!([]));
    let taken = send(&app, "kind=county&county_codes=merge", &counties(&[("371302001200", "村0"), ("371302001201", "村1")])).await.json();
    assert_eq!((&taken["features"], &taken["rejected"]), (&json!(2), &json!(0)));
    let checked = farmland(&app).await;
    let named = |checked: &Value| (checked["county_code"].clone(), checked["finding"]["counties"][0]["name"].clone());
    assert_eq!(named(&checked), (json!("371302"), json!("371302")), "no layer in force has its name");
    let taken = send(&app, "kind=county&county_codes=leave_out", &counties(&[("371300", "临沂市"), ("３７１３０２", "兰山区")])).await.json();
    assert_eq!((&taken["features"], &taken["rejected"]), (&json!(1), &json!(0)), "{taken}");
    // Once there is a layer, villages and names in the place of codes are understood by it.
    for (query, features) in [("&county_codes=merge", [("371302001202", "村2"), ("371302001203", "村3")]), ("", [("兰山区", ""), ("371302.0", "")])] {
        let taken = send(&app, &format!("kind=county{query}"), &counties(&features)).await.json();
        assert_eq!((&taken["features"], &taken["rejected"]), (&json!(2), &json!(0)), "{taken}");
        assert_eq!(named(&farmland(&app).await), (json!("371302"), json!("兰山区")), "{features:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_codes_is_answered_where_it_is_asked_first() {
    let app = TestApp::bare().await;
    let inspect = async |query: &str, file: &File| app.post(&format!("/api/inspect?{query}"), file.text()).await.json();
    let second = parcels(&["012", "111", "203"]);
    let asked = inspect("kind=farmland", &second).await;
    assert_eq!(asked["problem"]["choices"], json!(["classes=2007", "classes=2017"]), "{asked}");
    let answered = inspect("kind=farmland&classes=2007", &second).await;
    assert_eq!((&answered["problem"], &answered["accepted"], &answered["rejected"]), (&json!(null), &json!(3), &json!(0)), "{answered}");

    let with_city = counties(&[("371300", "临沂市"), ("371302", "兰山区")]);
    let asked = inspect("kind=county", &with_city).await;
    assert_eq!(asked["problem"]["choices"], json!(["county_codes=leave_out", "county_codes=keep"]), "{asked}");
    for (choice, accepted) in [("leave_out", 1), ("keep", 2)] {
        let answered = inspect(&format!("kind=county&county_codes={choice}"), &with_city).await;
        assert_eq!((&answered["problem"], &answered["accepted"]), (&json!(null), &json!(accepted)), "{answered}");
    }

    let approved = File::default().feature(&json!({ "PZWH": "鲁政土字〔2022〕1号", "PZRQ": "2022-01-05" }), &polygon(&[city::square()]));
    assert!(inspect("kind=approved", &approved).await["warnings"].to_string().contains("没有批准类型"));
    let said = inspect("kind=approved&kind_of_approval=设施农用地", &approved).await;
    assert!(said["problem"].is_null() && !said["warnings"].to_string().contains("没有批准类型"), "{said}");
    app.post("/api/inspect?kind=approved&kind_of_approval=x", approved.text()).await.problem(400, "kind_of_approval");
    app.post("/api/inspect?kind=farmland&classes=1984", second.text()).await.problem(400, "parameter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_county_that_covers_others_is_asked_about_and_left_out_when_told() {
    let app = TestApp::bare().await;
    let county = |file: File, code: &str, west: f64, east: f64| {
        file.feature(&json!({ "XZQDM": code, "XZQMC": format!("县{code}") }), &polygon(&[rectangle(west, 35.0, east, 35.1)]))
    };
    let city = county(county(county(File::default(), "371301", 118.3, 118.5), "371302", 118.3, 118.4), "371311", 118.4, 118.5);
    let choices = json!(["county_codes=leave_out", "county_codes=keep"]);
    let asked = app.post("/api/inspect?kind=county", city.text()).await.json();
    assert_eq!((text(&asked["problem"]["type"]).as_str(), &asked["problem"]["choices"]), ("/problems/county_holds_others", &choices), "{asked}");
    let asked = send(&app, "kind=county", &city).await.problem(422, "county_holds_others");
    assert_eq!(asked["choices"], choices);
    assert!(text(&asked["detail"]).contains("“371301”县371301覆盖“371302”县371302的 100%"), "{asked}");

    let answered = app.post("/api/inspect?kind=county&county_codes=leave_out", city.text()).await.json();
    assert_eq!((&answered["problem"], &answered["accepted"]), (&json!(null), &json!(2)), "{answered}");
    assert!(answered["warnings"].to_string().contains("371301 的轮廓盖住其他县，按要求未采用"), "{answered}");
    let taken = send(&app, "kind=county&county_codes=leave_out", &city).await.json();
    assert_eq!((&taken["features"], &taken["rejected"]), (&json!(2), &json!(0)), "{taken}");
    assert!(taken["notes"].to_string().contains("371301 的轮廓盖住其他县，按要求未采用"), "{taken}");
    assert_eq!(farmland(&app).await["county_code"], "371302");
    let kept = send(&app, "kind=county&county_codes=keep", &city).await.json();
    assert_eq!(kept["features"], 3, "{kept}");
    assert!(kept["notes"].to_string().contains("第 1 行与第 2 行重叠"), "{kept}");

    // Borders that were drawn twice are told, not asked about.
    let drawn_twice = county(county(File::default(), "371302", 118.3, 118.401), "371311", 118.4, 118.5);
    let taken = send(&app, "kind=county", &drawn_twice).await.json();
    assert!(taken["features"] == 2 && taken["notes"].to_string().contains("重叠"), "{taken}");
}

fn flagged(patch: &Value) -> bool {
    patch["properties"]["finding"]["flags"].as_array().unwrap().contains(&json!("county_code_unreadable"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn county_codes_of_patches_are_understood_or_flagged_with_a_count() {
    let app = TestApp::city().await;
    let at = |n: u32| polygon(&[rectangle(118.41 + 0.005 * f64::from(n), 35.02, 118.411 + 0.005 * f64::from(n), 35.021)]);
    let file = (0..)
        .zip(["３７１３１１", "371311", "罗庄区", "371311.0", "371311001200", "3713110", "37131X", ""])
        .fold(File::default(), |file, (n, code)| file.feature(&json!({ "JCBH": format!("A{n}"), "XZQDM": code }), &at(n)));
    let survey = app.uploaded(APRIL, &file).await;
    let warnings = survey["warnings"].to_string();
    assert!(warnings.contains("2 个图斑的行政区代码无法识别"), "{warnings}");
    for n in 0..8 {
        let is_flagged = flagged(&app.patch(&format!("A{n}")).await);
        assert_eq!(is_flagged, (5..7).contains(&n), "A{n}");
    }
    // Judged anew, they are what they were.
    let id = &survey["id"];
    app.post(&format!("/api/surveys/{id}/reclassification"), "").await;
    assert!(flagged(&app.patch("A5").await));
}
