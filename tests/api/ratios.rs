//! `/api/ratios`: the county table.

use super::app::{
    APRIL, TestApp, city,
    file::{File, rectangle},
    is_area, number, text,
};
use serde_json::{Value, json};
use std::fmt::Write;
use tuban::scope::Scope;
use tuban_engine::model::Area;
use tuban_geom::Plane;

const HEADER: &str = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n";

/// Records verdicts as `tuban survey verdicts` does.
async fn file_verdicts(app: &TestApp, rows: &str) -> u64 {
    app.service.file_verdicts(&Scope::all(), None, format!("{HEADER}{rows}").as_bytes()).await.unwrap()
}

/// The row of a county, by code.
fn row(ratios: &Value, code: &Value) -> Value {
    ratios["counties"].as_array().unwrap().iter().find(|row| row["county_code"] == *code).unwrap_or_else(|| panic!("no {code} in {ratios}")).clone()
}

/// 765 patches whose areas come to those of the city's report for January to April, with their verdicts.
///
/// Rectangles on the degree grid stay rectangles in the equal-area plane, so that a width is an area over a height.
struct Report {
    survey: String,
    verdicts: String,
}

/// Verdict, patches, 亩, 亩 of farmland. Oracle: the city's published report (docs/ARCHITECTURE.md, “Ratio”).
const REPORT: [(&str, u32, f64, f64); 3] = [("legal", 190, 1906.9, 874.4), ("illegal", 124, 358.5, 174.24), ("other", 451, 4506.5, 0.0)];

impl Report {
    fn build() -> Self {
        let plane = Plane::at(118.0, 35.0);
        let (mut features, mut verdicts, mut place) = (Vec::new(), HEADER.to_owned(), 0_u32);
        for (verdict, patches, mu, farmland_mu) in REPORT {
            // Sizes from 1 to 4, so that no two counties come out alike.
            let weight = |n: u32| f64::from(1 + n % 4);
            let weights: f64 = (0..patches).map(weight).sum();
            for n in 0..patches {
                let (area, farmland) = (mu * Area::M2_PER_MU * weight(n) / weights, farmland_mu * Area::M2_PER_MU * weight(n) / weights);
                // 28 patches a row of latitude, half of them in either county.
                let (west, south) = (118.3005 + 0.007 * f64::from(place % 28), 35.001 + 0.0035 * f64::from(place / 28));
                let east = west + width(&plane, [west, south], 0.0025, area);
                let id = format!("T{place:03}");
                let corners = [[west, south], [east, south], [east, south + 0.0025], [west, south + 0.0025], [west, south]];
                features.push(json!({ "type": "Feature", "properties": { "JCBH": id }, "geometry": { "type": "Polygon", "coordinates": [corners] } }));
                let areas = match verdict {
                    "legal" => format!("{area},{farmland},0,0"),
                    "illegal" => format!("0,0,{area},{farmland}"),
                    _ => "0,0,0,0".to_owned(),
                };
                writeln!(verdicts, "{id},{verdict},{areas}").unwrap();
                place += 1;
            }
        }
        Self { survey: json!({ "type": "FeatureCollection", "features": features }).to_string(), verdicts }
    }
}

/// Degrees of longitude that make a rectangle of `area` m², `height` degrees of latitude high.
fn width(plane: &Plane, [west, south]: [f64; 2], height: f64, area: f64) -> f64 {
    let (low, high) = (plane.project([west, south]), plane.project([west + 1.0, south + height]));
    area / ((high[0] - low[0]) * (high[1] - low[1]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_of_the_city_comes_out() {
    let app = TestApp::bare().await;
    app.import_layer(tuban_engine::model::LayerKind::County, &city::counties(), "2022-01-01").await;
    let report = Report::build();
    let survey = app.upload(APRIL, report.survey).await.json();
    assert_eq!((&survey["patches"], &survey["rejected"], &survey["outside"]), (&json!(765), &json!(0), &json!(0)), "{survey}");
    let recorded = app.service.file_verdicts(&Scope::all(), None, report.verdicts.as_bytes()).await.unwrap();
    assert_eq!(recorded, 765);

    let ratios = app.read("/api/ratios?period=2022-04").await;
    let city = &ratios["city"];
    let group = |name: &str| (city[name]["patches"].as_u64().unwrap(), number(&city[name]["area"]["mu"]), city[name]["farmland"]["mu"].as_f64());
    // Oracle of every number below: the city's published report (docs/ARCHITECTURE.md, “Ratio”).
    assert_eq!(group("legal"), (190, 1906.9, Some(874.4)));
    assert_eq!(group("illegal"), (124, 358.5, Some(174.24)));
    assert_eq!((group("other").0, group("other").1), (451, 4506.5));
    assert_eq!((group("pending").0, group("pending").1), (0, 0.0));
    assert_eq!((group("total").0, group("total").1), (765, 6771.9));
    assert_eq!((&city["ratio"]["confirmed"], &city["line_crossed"]), (&json!(16.62), &json!("accountability")));
    let levers: Vec<[f64; 4]> = city["levers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lever| [&lever["percent"], &lever["restore"]["mu"], &lever["approve"]["mu"], &lever["more_legal"]["mu"]].map(number))
        .collect();
    assert_eq!(levers, [[5.0, 128.22, 121.81, 2436.16], [15.0, 19.93, 16.94, 112.96]]);

    // There was no land survey: what the report says was filed, and of the rest of the patches nobody knows what it is.
    assert_eq!((group("other").2, group("total").2, &city["farmland_unknown"]), (None, None, &json!(765)));
    assert_eq!((&city["ratio"]["provisional"], &city["ratio"]["best"], &city["ratio"]["worst"]), (&json!(null), &json!(16.62), &json!(16.62)));

    // The city is the sum of its counties.
    let counties = ratios["counties"].as_array().unwrap();
    assert_eq!(counties.iter().map(|row| text(&row["county_code"])).collect::<Vec<_>>(), ["371302", "371311"]);
    for name in ["legal", "illegal", "other"] {
        assert_eq!(counties.iter().map(|row| row[name]["patches"].as_u64().unwrap()).sum::<u64>(), group(name).0);
        let sum: f64 = counties.iter().map(|row| number(&row[name]["area"]["m2"])).sum();
        assert!((sum - number(&city[name]["area"]["m2"])).abs() < 1e-6, "{name}");
        assert!(counties.iter().all(|row| row[name]["patches"].as_u64().unwrap() > 50), "{name} in both");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_anyone_has_verified_only_the_overlay_speaks() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let ratios = app.read("/api/ratios").await;
    let city = &ratios["city"];
    assert_eq!(
        (&ratios["from"], &ratios["until"], &city["county_code"], &city["county_name"]),
        (&json!("2022-04"), &json!("2022-04"), &json!(null), &json!("全市"))
    );
    assert_eq!((&city["pending"]["patches"], &city["total"]["patches"], &city["legal"]["patches"]), (&json!(4), &json!(4), &json!(0)));
    // Oracle: 10 125.0698 m² of farmland suspected, 20 242.3538 m² approved (mpmath, see surveys): 33.34 %.
    assert_eq!(city["ratio"], json!({ "confirmed": null, "provisional": 33.34, "best": 0.0, "worst": 100.0 }));
    assert_eq!((&city["line_crossed"], &city["levers"]), (&json!(null), &json!([])));
    // 罗庄区 has one doubtful patch without farmland: no ratio is no number, not 0 %.
    let luozhuang = row(&ratios, &json!("371311"));
    assert_eq!(luozhuang["ratio"], json!({ "confirmed": null, "provisional": null, "best": null, "worst": null }));
    assert_eq!(ratios["lines"], json!([{ "name": "target", "percent": 5.0 }, { "name": "accountability", "percent": 15.0 }]));
    assert_eq!((ratios["layers"].as_array().unwrap().len(), &ratios["rule"]), (6, &app.read("/api/about").await["rule"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_shows_in_the_next_answer_and_what_is_not_changes_nothing() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    let city = async || app.read("/api/ratios?period=2022-04").await["city"].clone();
    let before = city().await;
    assert_eq!((city().await, &before["pending"]["patches"]), (before.clone(), &json!(4)));
    assert_eq!(file_verdicts(&app, "L1,legal,100,50,0,0\n").await, 1);
    assert_eq!((&city().await["pending"]["patches"], &city().await["legal"]["patches"]), (&json!(3), &json!(1)));
    app.uploaded("period=2022-04&level=city&on_conflict=replace&verdicts=drop", &File::default().patch("N", &[city::legal()])).await;
    assert_eq!((&city().await["total"]["patches"], &city().await["legal"]["patches"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirmed_verdicts_count_and_what_is_pending_spans_the_rest() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    // 300 m² legal and 100 m² illegal farmland; S1 is split, and counts as illegal.
    assert_eq!(file_verdicts(&app, "L1,legal,1000,200,0,0\nS1,illegal,100,100,500,100\nO1,doubtful,0,0,0,0\n").await, 3);
    let ratios = app.read("/api/ratios?period=2022-04").await;
    let city = &ratios["city"];
    for (group, patches) in [("legal", 1), ("illegal", 1), ("other", 0), ("pending", 2)] {
        assert_eq!(city[group]["patches"], patches, "{group}");
    }
    is_area(&city["legal"]["area"], 1100.0, 1e-9);
    is_area(&city["legal"]["farmland"], 300.0, 1e-9);
    is_area(&city["illegal"]["area"], 500.0, 1e-9);
    // Oracle: 100 / 400; pending are the woodland patch and the one without parcels, with no farmland to change it.
    assert_eq!(city["ratio"], json!({ "confirmed": 25.0, "provisional": 33.34, "best": 25.0, "worst": 25.0 }));
    assert_eq!(city["line_crossed"], "accountability");
    // What was filed is less than the patches are: the rest is other ground of theirs.
    is_area(&city["other"]["area"], 20_242.353_760_8 + 10_125.069_774_2 - 1600.0, 1e-3);
    assert_eq!(app.patch_ids("verdict=illegal").await, ["S1"]);
    assert_eq!(app.patch_ids("verdict=legal").await, ["L1"]);
    assert_eq!(app.patch_ids("verdict=suspected_illegal").await, Vec::<String>::new());
    assert_eq!(app.patch_ids("verdict=pending").await, ["O1", "D1"]);
    assert_eq!(app.patch_ids("verdict=doubtful").await, ["O1", "D1"]);
    let patch = app.patch("S1").await;
    assert_eq!(
        (&patch["properties"]["confirmed_verdict"], &patch["properties"]["automatic_verdict"], &patch["properties"]["verdict"]),
        (&json!("illegal"), &json!("suspected_illegal"), &json!("illegal"))
    );

    // The later filing counts.
    file_verdicts(&app, "S1,legal,600,200,0,0\n").await;
    assert_eq!(app.read("/api/ratios?period=2022-04").await["city"]["ratio"]["confirmed"], 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_sums_its_months_and_no_others() {
    let app = TestApp::city().await;
    for (month, id, county) in [(4, "A", 118.31), (5, "B", 118.42), (6, "C", 118.43)] {
        app.uploaded(&format!("period=2022-0{month}&level=city"), &File::default().patch(id, &[rectangle(county, 35.02, county + 0.001, 35.021)])).await;
    }
    file_verdicts(&app, "A,illegal,0,0,900,300\nB,legal,900,100,0,0\nC,legal,5000,5000,0,0\n").await;
    // Oracle: 300 / 400 by hand; with June 300 / 5400 = 5.555… %.
    for (query, patches, confirmed) in [
        ("period=2022-04", 1, json!(100.0)),
        ("period=2022-04&until=2022-05", 2, json!(75.0)),
        ("period=2022-04&until=2022-06", 3, json!(5.56)),
        ("period=2022-05&until=2022-12", 2, json!(0.0)),
        ("period=2021-01&until=2021-12", 0, json!(null)),
        ("", 1, json!(0.0)),
    ] {
        let ratios = app.read(&format!("/api/ratios?{query}")).await;
        assert_eq!((&ratios["city"]["total"]["patches"], &ratios["city"]["ratio"]["confirmed"]), (&json!(patches), &confirmed), "{query}");
        assert_eq!(ratios["counties"].as_array().unwrap().len(), 2, "a county without patches has a row: {query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarter_counts_where_all_of_it_is_asked_for_and_is_named_where_only_a_part_is() {
    let app = TestApp::city().await;
    for (period, id, county) in [("2022-04", "A", 118.31), ("2022年第二季度", "B", 118.42), ("2022", "C", 118.43)] {
        app.uploaded(&format!("period={period}&level=city"), &File::default().patch(id, &[rectangle(county, 35.02, county + 0.001, 35.021)])).await;
    }
    file_verdicts(&app, "A,illegal,0,0,900,300\nB,legal,900,100,0,0\nC,legal,5000,600,0,0\n").await;
    // Oracle: 300 / 400 and 300 / 1000 by hand.
    for (query, range, confirmed, straddling) in [
        ("period=2022-4", ("2022-04", "2022-04"), json!(100.0), &["2022", "2022-Q2"][..]),
        ("period=202204&until=2022/6", ("2022-04", "2022-06"), json!(75.0), &["2022"]),
        ("period=2022Q2", ("2022-Q2", "2022-Q2"), json!(75.0), &["2022"]),
        ("period=2022年", ("2022", "2022"), json!(30.0), &[]),
        ("", ("2022", "2022"), json!(30.0), &[]),
    ] {
        let ratios = app.read(&format!("/api/ratios?{query}")).await;
        assert_eq!(
            (text(&ratios["from"]), text(&ratios["until"]), &ratios["city"]["ratio"]["confirmed"]),
            (range.0.into(), range.1.into(), &confirmed),
            "{query}"
        );
        let named: Vec<String> = ratios["straddling"].as_array().unwrap().iter().map(|other| text(&other["period"])).collect();
        assert_eq!(named, straddling, "{query}");
    }
    assert_eq!(app.read("/api/about").await["periods"], json!(["2022-04", "2022-Q2", "2022"]));
    let refused = app.get("/api/ratios?period=2022H1").await.problem(400, "parameter");
    assert!(["detail", "detail_en"].iter().all(|detail| text(&refused[*detail]).contains("2022-Q2")), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_in_no_county_have_a_row_of_their_own() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &File::default().patch("in", &[city::suspected()]).patch("out", &[rectangle(118.6, 35.0, 118.601, 35.001)])).await;
    let ratios = app.read("/api/ratios").await;
    let nowhere = row(&ratios, &json!(null));
    assert_eq!((&nowhere["county_name"], &nowhere["total"]["patches"]), (&json!("不在任何县内"), &json!(1)));
    assert_eq!(ratios["city"]["total"]["patches"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_are_named_when_they_are_wrong() {
    let app = TestApp::bare().await;
    for (query, parameter) in
        [("period=2022-Q5", "period"), ("until=2022-04", "period"), ("period=2022-04&until=2021-04", "until"), ("period=2022-04&until=x", "until")]
    {
        assert_eq!(app.get(&format!("/api/ratios?{query}")).await.problem(400, "parameter")["parameter"], parameter, "{query}");
    }
    let empty = app.read("/api/ratios").await;
    assert_eq!((&empty["counties"], &empty["city"]["ratio"]["confirmed"]), (&json!([]), &json!(null)));
}

mod verdict_files {
    use super::*;
    use tuban::service::ServiceError;

    /// Row in the spreadsheet (the heading is 1), id and code of each row that keeps the file out.
    async fn refused(app: &TestApp, survey: Option<i64>, csv: &str) -> Vec<(u64, String, String)> {
        match app.service.file_verdicts(&Scope::all(), survey, csv.as_bytes()).await.unwrap_err() {
            ServiceError::Refused(refusal) => {
                refusal.rejects.iter().map(|reject| (reject.row, reject.patch_id.clone().unwrap_or_default(), reject.code.clone())).collect()
            }
            other => panic!("{other}"),
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_bad_row_keeps_the_whole_file_out() {
        let app = TestApp::city().await;
        app.uploaded(APRIL, &city::one_of_each()).await;
        let bad = |row: u64, id: &str, code: &str| (row, id.to_owned(), code.to_owned());
        for (rows, expected) in [
            ("L1,legal,10,5,0,0\nX9,other,0,0,0,0\n", vec![bad(3, "X9", "unknown_patch")]),
            ("L1,legal,10,5,0,0\nS1,illegal,0,0,1,2\n", vec![bad(3, "S1", "bad_verdict")]),
            ("L1,legal,10,5,0,0\nL1,legal,10,5,0,0\n", vec![bad(3, "L1", "bad_verdict")]),
            ("L1,legal,10,5,0,0\nS1,maybe,0,0,0,0\nO1,other,0,0,0,nil\n", vec![bad(3, "S1", "bad_verdict"), bad(4, "O1", "bad_verdict")]),
            ("L1,legal,1e999,5,0,0\n", vec![bad(2, "L1", "bad_verdict")]),
        ] {
            assert_eq!(refused(&app, None, &format!("{HEADER}{rows}")).await, expected, "{rows}");
        }
        assert_eq!(app.read("/api/ratios").await["city"]["pending"]["patches"], 4, "nothing was recorded");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_id_in_two_surveys_needs_the_survey_named() {
        let app = TestApp::city().await;
        app.uploaded(APRIL, &city::one_of_each()).await;
        let may = app.uploaded("period=2022-05&level=city", &city::one_of_each()).await["id"].as_i64().unwrap();
        let csv = format!("{HEADER}L1,legal,10,5,0,0\n");
        assert_eq!(refused(&app, None, &csv).await, [(2, "L1".to_owned(), "ambiguous_patch".to_owned())]);
        assert_eq!(app.service.file_verdicts(&Scope::all(), Some(may), csv.as_bytes()).await.unwrap(), 1);
        assert_eq!(app.read("/api/ratios?period=2022-05").await["city"]["legal"]["patches"], 1);
        assert_eq!(app.read("/api/ratios?period=2022-04").await["city"]["legal"]["patches"], 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_file_that_is_no_table_of_verdicts_is_unreadable() {
        let app = TestApp::bare().await;
        for csv in ["", "patch_id;verdict\n", "patch_id,verdict,legal_m2\nA,legal,1\n", "\u{0}\u{1}"] {
            assert_eq!(refused(&app, None, csv).await, [], "{csv:?}");
        }
        let ragged = format!("{HEADER}A,legal\n");
        assert_eq!(refused(&app, None, &ragged).await, [(2, "A".to_owned(), "bad_verdict".to_owned())]);
    }
}
