//! `/api/patches` and `/api/patches/{id}`.

use super::app::{
    APRIL, TestApp, city,
    file::{File, dated, polygon, rectangle},
    is_area, number, text,
};
use serde_json::{Value, json};
use tuban_engine::model::LayerKind;

/// The square as a patch.
fn square() -> File {
    File::default().patch("Q1", &[city::square()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_gets_every_area_and_no_ground_counts_twice() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &square()).await;
    let patch = app.patch("Q1").await;
    let properties = &patch["properties"];
    // Oracle: the square's area and the shares drawn in `city`.
    for (column, share) in
        [("area", 1.0), ("farmland", 0.5), ("basic_farmland", 0.25), ("red_line", 0.4), ("urban_boundary", 0.1), ("approved", 0.3), ("approved_farmland", 0.3)]
    {
        is_area(&properties[column], share * city::SQUARE_M2, 1e-3);
    }
    let listed = &app.patches("").await[0];
    for column in ["area", "farmland", "verdict", "county_code", "condition", "row", "period", "survey_id", "patch_id", "county_name"] {
        assert_eq!(listed["properties"][column], properties[column], "{column}");
    }
    assert_eq!(listed["properties"].get("finding"), None);
    assert_eq!(properties["patch_id"], "Q1");
    assert_eq!(
        (&properties["county_code"], &properties["county_name"], &properties["row"], &properties["condition"]),
        (&json!("371302"), &json!("兰山区"), &json!(1), &json!("ok"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_says_why_and_what_it_rests_on() {
    let app = TestApp::city().await;
    let survey = app.uploaded(APRIL, &square()).await;
    let patch = app.patch("Q1").await;
    let finding = &patch["properties"]["finding"];
    assert_eq!(
        (&finding["reason"], &patch["properties"]["automatic_verdict"], &patch["properties"]["verdict"]),
        (&json!("partly_approved"), &json!("suspected_illegal"), &json!("suspected_illegal"))
    );
    assert_eq!((&finding["approvals"], &finding["flags"], &finding["defects"]), (&json!(["PZ1", "PZ2"]), &json!([]), &json!([])));
    let parcels = finding["parcels"].as_array().unwrap();
    assert_eq!(
        parcels.iter().map(|parcel| (text(&parcel["dlbm"]), text(&parcel["dlmc"]))).collect::<std::collections::BTreeSet<_>>(),
        [("0102".into(), "水浇地".into()), ("0301".into(), "乔木林地".into())].into()
    );
    for parcel in parcels {
        is_area(&parcel["area"], 0.5 * city::SQUARE_M2, 1e-3);
    }
    is_area(&finding["counties"][0]["area"], city::SQUARE_M2, 1e-3);
    // Oracle: 1 012 087.26 m² are 1518.13 亩; half of it 759.07, three tenths 455.44, a fifth 303.63, a quarter 379.53, by hand.
    for said in ["1518.13", "759.07", "455.44", "303.63", "379.53"] {
        assert!(
            text(&finding["explanation"]["zh"]).contains(said) && text(&finding["explanation"]["en"]).contains(said),
            "{said} in {}",
            finding["explanation"]
        );
    }
    let kinds: Vec<String> = finding["layers"].as_array().unwrap().iter().map(|layer| text(&layer["kind"])).collect();
    assert_eq!(kinds, LayerKind::ALL.iter().map(|kind| kind.word().to_owned()).collect::<Vec<_>>());
    assert!(finding["layers"].as_array().unwrap().iter().all(|layer| layer["effective"] == "2022-01-01" && layer["id"].as_i64().unwrap() > 0));
    assert_eq!(finding["rule"], app.read("/api/about").await["rule"]);
    assert_eq!((&patch["properties"]["survey_id"], &patch["properties"]["attributes"]), (&survey["id"], &dated(json!({ "JCBH": "Q1" }))));
    assert_eq!(patch["geometry"], serde_json::from_str::<Value>(&polygon(&[city::square()])).unwrap(), "as it came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_keeps_naming_the_layers_it_was_made_with() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &square()).await;
    let before = app.patch("Q1").await;
    let none = File::default().feature(&json!({ "PZWH": "PZ9" }), &polygon(&[rectangle(118.49, 35.0, 118.5, 35.01)]));
    app.import_layer(LayerKind::Approved, &none, "2022-04-01").await;
    assert_eq!(app.patch("Q1").await, before);
    app.uploaded("period=2022-05&level=city", &File::default().patch("Q2", &[city::square()])).await;
    let after = app.patch("Q2").await;
    is_area(&after["properties"]["approved"], 0.0, 0.0);
    assert_ne!(after["properties"]["finding"]["layers"], before["properties"]["finding"]["layers"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_across_a_border_belongs_to_the_larger_share_and_keeps_both() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &File::default().patch("B1", &[city::border_crossing()])).await;
    let patch = app.patch("B1").await;
    let finding = &patch["properties"]["finding"];
    assert_eq!((&patch["properties"]["county_code"], &finding["flags"]), (&json!("371311"), &json!(["crosses_border"])));
    let counties = finding["counties"].as_array().unwrap();
    assert_eq!(counties.iter().map(|county| text(&county["name"])).collect::<Vec<_>>(), ["罗庄区", "兰山区"]);
    // Oracle: 0.004° of the square's 0.01°, and of that three quarters and one.
    is_area(&counties[0]["area"], 0.3 * city::SQUARE_M2, 1e-3);
    is_area(&counties[1]["area"], 0.1 * city::SQUARE_M2, 1e-3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_county_that_the_file_says_otherwise_is_flagged() {
    let app = TestApp::city().await;
    let geometry = polygon(&[city::suspected()]);
    let named = |id: &str, field: &str, value: Value| dated(json!({ "JCBH": id, "XZQDM": "", "XZQMC": "", field: value }));
    let survey = File::default()
        .feature(&named("right", "XZQDM", json!("371302")), &geometry)
        .feature(&named("longer", "XZQDM", json!("371302001")), &geometry)
        .feature(&named("number", "XZQDM", json!(371_302)), &geometry)
        .feature(&named("silent", "XZQDM", json!(null)), &geometry)
        .feature(&named("wrong", "XZQDM", json!("371311")), &geometry)
        .feature(&named("by_name", "XZQMC", json!("罗庄区")), &geometry);
    app.uploaded(APRIL, &survey).await;
    // All six have one outline, and so one ground.
    for (id, flags) in [
        ("right", json!(["shares_ground"])),
        ("longer", json!(["shares_ground"])),
        ("number", json!(["shares_ground"])),
        ("silent", json!(["shares_ground"])),
        ("wrong", json!(["county_code_disagrees", "shares_ground"])),
        ("by_name", json!(["county_code_disagrees", "shares_ground"])),
    ] {
        let patch = app.patch(id).await;
        assert_eq!((&patch["properties"]["finding"]["flags"], &patch["properties"]["county_code"]), (&flags, &json!("371302")), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_names_the_days_of_its_images_and_is_flagged_where_the_file_does_not() {
    let app = TestApp::city().await;
    // Apart from each other: none shares ground.
    let geometry = |n: usize| {
        let west = 118.32 + n as f64 * 0.002;
        polygon(&[rectangle(west, 35.02, west + 0.001, 35.021)])
    };
    let of = |id: &str, before: Value, after: Value| json!({ "JCBH": id, "QSX": before, "HSX": after });
    // Oracle: the field's rule by hand; 44505 is 2021-11-05 in LibreOffice Calc.
    let cases = [
        ("said", json!("2021年11月5日"), json!("２０２２．４．１２"), ("2021-11-05", "2022-04-12", json!(["layer_later_than_change"]))),
        ("numbers", json!(44505), json!(20_220_412), ("2021-11-05", "2022-04-12", json!(["layer_later_than_change"]))),
        ("months", json!("2021-11"), json!("202204"), ("2021-11-01", "2022-04-30", json!(["layer_later_than_change"]))),
        ("silent", json!(null), json!("  "), ("2022-04-01", "2022-06-30", json!(["dates_unclear"]))),
        ("reversed", json!("20220412"), json!("20211105"), ("2022-04-01", "2022-06-30", json!(["dates_unclear"]))),
        ("future", json!("20211105"), json!("29990101"), ("2021-11-05", "2022-06-30", json!(["dates_unclear", "layer_later_than_change"]))),
    ];
    let survey =
        cases.iter().enumerate().fold(File::default(), |file, (n, (id, before, after, _))| file.feature(&of(id, before.clone(), after.clone()), &geometry(n)));
    let survey = app.uploaded("period=2022-Q2&level=city", &survey).await;
    assert!(text(&survey["warnings"][0]["en"]).starts_with("3 of 6 patches have image days"), "{survey}");
    for (id, _, _, (before, after, flags)) in cases {
        let patch = &app.patch(id).await["properties"];
        assert_eq!((text(&patch["before_day"]), text(&patch["after_day"]), &patch["finding"]["flags"]), (before.into(), after.into(), &flags), "{id}");
        assert_eq!(patch["period"], "2022-Q2");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_county_layer_patches_are_kept_and_flagged() {
    let app = TestApp::bare().await;
    let survey = File::default()
        .feature(&dated(json!({ "JCBH": "A", "XZQDM": "371302" })), &polygon(&[city::square()]))
        .feature(&json!({ "JCBH": "B" }), &polygon(&[city::other()]));
    let survey = app.uploaded(APRIL, &survey).await;
    assert_eq!((&survey["patches"], &survey["outside"], &survey["verdicts"]["doubtful"]), (&json!(2), &json!(0), &json!(2)));
    let (a, b) = (app.patch("A").await, app.patch("B").await);
    assert_eq!((&a["properties"]["county_code"], &b["properties"]["county_code"]), (&json!("371302"), &json!(null)));
    let without = ["no_county_layer", "no_basic_farmland_layer", "no_red_line_layer", "no_urban_boundary_layer"];
    assert_eq!((&a["properties"]["finding"]["flags"], &a["properties"]["finding"]["counties"]), (&json!(without), &json!([])));
    assert_eq!((&a["properties"]["finding"]["layers"], &a["properties"]["finding"]["reason"]), (&json!([]), &json!("no_farmland_layer")));
    is_area(&a["properties"]["area"], city::SQUARE_M2, 1e-3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_outside_every_county_is_kept_and_flagged() {
    let app = TestApp::city().await;
    let survey = File::default().patch("in", &[city::suspected()]).patch("out", &[rectangle(118.6, 35.0, 118.601, 35.001)]);
    assert_eq!(app.uploaded(APRIL, &survey).await["outside"], 1);
    let out = app.patch("out").await;
    assert_eq!(
        (&out["properties"]["county_code"], &out["properties"]["finding"]["flags"]),
        (&json!(null), &json!(["outside_counties", "partly_without_parcels"]))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repaired_patch_shows_its_defect_and_what_came_in() {
    let app = TestApp::city().await;
    // The square's corners in the order of an hourglass: two triangles, each a quarter of it.
    let [west, south, east, north] = city::SQUARE;
    let hourglass = vec![[west, south], [east, south], [west, north], [east, north], [west, south]];
    let survey = app.uploaded(APRIL, &File::default().patch("H", std::slice::from_ref(&hourglass))).await;
    assert_eq!((&survey["repaired"], &survey["rejected"]), (&json!(1), &json!(0)));
    let patch = app.patch("H").await;
    let properties = &patch["properties"];
    assert_eq!((&properties["condition"], &patch["geometry"]["type"]), (&json!("repaired"), &json!("MultiPolygon")));
    assert_eq!(properties["geometry_as_it_came"], serde_json::from_str::<Value>(&polygon(&[hourglass])).unwrap());
    let defect = &properties["finding"]["defects"][0];
    assert_eq!((&defect["code"], &defect["part"], &defect["ring"], &defect["vertex"]), (&json!("self_crossing"), &json!(0), &json!(0), &json!(1)));
    assert!(!text(&defect["zh"]).is_empty() && !text(&defect["en"]).is_empty());
    // The two long edges cross in the middle; of the plane, where a metre north weighs a little more in the south.
    assert!((number(&defect["longitude"]) - 118.355).abs() < 1e-9 && (number(&defect["latitude"]) - 35.055).abs() < 1e-5, "{defect}");
    is_area(&properties["area"], 0.5 * city::SQUARE_M2, 1e-3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_come_back_as_they_came() {
    let app = TestApp::city().await;
    let attributes = json!({ "JCBH": "甲\"1'; DROP TABLE patch;--", "JCMJ": 12.50, "TZ": null, "list": [1, { "a": "é" }], "empty": "" });
    app.uploaded(APRIL, &File::default().feature(&attributes, &polygon(&[city::square()]))).await;
    let id = app.patches("").await[0]["id"].clone();
    let patch = app.read(&format!("/api/patches/{id}")).await;
    assert_eq!((&patch["properties"]["attributes"], &patch["properties"]["patch_id"]), (&attributes, &attributes["JCBH"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_narrow_and_add_up() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let may = app.uploaded("period=2022-05&level=city", &File::default().patch("M1", &[city::suspected()]).patch("B1", &[city::border_crossing()])).await;
    for (query, ids) in [
        ("", &["L1", "S1", "O1", "D1", "M1", "B1"][..]),
        ("period=2022-04", &["L1", "S1", "O1", "D1"]),
        ("period=2022-05", &["M1", "B1"]),
        ("period=2022-04&until=2022-05", &["L1", "S1", "O1", "D1", "M1", "B1"]),
        ("period=2021-01&until=2022-03", &[]),
        ("county=371311", &["D1", "B1"]),
        ("county=371302&period=2022-05", &["M1"]),
        ("verdict=legal", &["L1"]),
        ("verdict=suspected_illegal", &["S1", "M1", "B1"]),
        ("verdict=other", &["O1"]),
        ("verdict=doubtful", &["D1"]),
        ("verdict=illegal", &[]),
        ("verdict=pending", &["L1", "S1", "O1", "D1", "M1", "B1"]),
        ("patch_id=S1", &["S1"]),
        ("patch_id=S1&verdict=legal", &[]),
        ("bbox=118.3,35.0,118.35,35.05", &["S1", "M1"]),
        // A box that only touches: the western edge of the woodland patch is its eastern one.
        ("bbox=118.37,35.0,118.38,35.1", &["O1"]),
        ("bbox=118.4,35.0,118.5,35.1", &["D1", "B1"]),
        ("bbox=0,0,1,1", &[]),
    ] {
        assert_eq!(app.patch_ids(query).await, ids, "{query}");
    }
    assert_eq!(app.patch_ids(&format!("survey={}", may["id"])).await, ["M1", "B1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let app = TestApp::city().await;
    let survey = (0..23).fold(File::default(), |file, n| {
        let west = 118.31 + 0.001 * f64::from(n);
        file.patch(&format!("P{n:02}"), &[rectangle(west, 35.02, west + 0.0005, 35.0205)])
    });
    app.uploaded(APRIL, &survey).await;
    let all = app.patches("").await;
    let mut paged: Vec<Value> = Vec::new();
    let mut next = json!("/api/patches?period=2022-04&bbox=118.3,35,118.4,35.1&limit=5");
    let mut pages = 0;
    while let Some(path) = next.as_str() {
        let page = app.read(path).await;
        assert_eq!(page["type"], "FeatureCollection");
        paged.extend(page["features"].as_array().unwrap().iter().cloned());
        next = page["next"].clone();
        pages += 1;
    }
    assert_eq!((paged, pages), (all, 5));
    assert_eq!(app.read("/api/patches?limit=23").await["features"].as_array().unwrap().len(), 23);
}

/// More than are read at a time: a page is sent as it is read, and says where to go on as one that was held whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_page_is_streamed_and_is_what_short_ones_are_together() {
    const PATCHES: u32 = 2100;
    let app = TestApp::bare().await;
    let survey = (0..PATCHES).fold(File::default(), |file, n| {
        let west = 118.31 + 0.001 * f64::from(n);
        file.patch(&format!("P{n:04}"), &[rectangle(west, 35.02, west + 0.0005, 35.0205)])
    });
    app.uploaded(APRIL, &survey).await;
    let ids: Vec<String> = (0..PATCHES).map(|n| format!("P{n:04}")).collect();
    for (limit, pages) in [(5000, vec![2100]), (2100, vec![2100, 0]), (1000, vec![1000, 1000, 100]), (1050, vec![1050, 1050, 0])] {
        let (mut met, mut sizes) = (Vec::new(), Vec::new());
        let mut next = json!(format!("/api/patches?limit={limit}&period=2022-04"));
        while let Some(path) = next.as_str() {
            let answer = app.get(path).await;
            assert_eq!((answer.header("content-type"), answer.header("content-length")), ("application/geo+json", ""), "it is not known how long it will be");
            let page = answer.json();
            let features = page["features"].as_array().unwrap();
            sizes.push(features.len());
            met.extend(features.iter().map(|patch| patch["properties"]["patch_id"].as_str().unwrap().to_owned()));
            next = page["next"].clone();
        }
        assert!(met == ids, "limit {limit}: {} patches", met.len());
        assert_eq!(sizes, pages, "limit {limit}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_are_named_when_they_are_wrong() {
    let app = TestApp::bare().await;
    for (query, parameter) in [
        ("bbox=1,2,3", "bbox"),
        ("bbox=3,0,1,1", "bbox"),
        ("bbox=a,b,c,d", "bbox"),
        ("bbox=NaN,0,1,1", "bbox"),
        ("bbox=0,0,inf,1", "bbox"),
        ("period=2022-13", "period"),
        ("period=2022-04-01", "period"),
        ("period=2022-04&until=2022", "until"),
        ("period=2022-00", "period"),
        ("until=2022-04", "period"),
        ("period=2022-04&until=2022-03", "until"),
        ("period=2022-04&until=never", "until"),
        ("survey=first", "survey"),
        ("verdict=guilty", "verdict"),
        ("limit=0", "limit"),
        ("limit=5001", "limit"),
        ("limit=-1", "limit"),
        ("after=x", "after"),
    ] {
        assert_eq!(app.get(&format!("/api/patches?{query}")).await.problem(400, "parameter")["parameter"], parameter, "{query}");
    }
    app.get("/api/patches/seven").await.problem(400, "parameter");
    app.get("/api/patches/7").await.problem(404, "not_found");
    app.get("/api/patches/99999999999999999999").await.problem(400, "parameter");
    let nothing = app.get("/api/patches").await;
    assert_eq!(
        (nothing.header("content-type"), nothing.json()),
        ("application/geo+json", json!({ "type": "FeatureCollection", "features": [], "next": null }))
    );
}
