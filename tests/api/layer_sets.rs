//! Each patch is judged by the layers and the rule of its own time, and says which those were; making findings anew shows first what it would change.

use super::app::{APRIL, TestApp, both::over_both_with_city, city, file::File, file::polygon, file::rectangle, is_area, text};
use serde_json::{Value, json};
use tuban::scope::Scope;
use tuban_engine::model::LayerKind;

over_both_with_city!(
    a_month_judged_again_after_a_later_land_survey_is_the_same_to_the_last_bit,
    a_survey_of_three_sets_is_what_the_three_are_alone,
    what_would_change_is_shown_first_and_what_was_is_kept
);

fn of_city(kind: LayerKind) -> File {
    city::layers().into_iter().find(|(each, _)| *each == kind).unwrap().1
}

/// The parcels once all that was tilled in 兰山区 is built on.
fn built_up() -> File {
    of_city(LayerKind::Farmland).replaced("0102", "0601")
}

/// A patch that says when its images were taken.
fn dated(file: File, patch_id: &str, ring: Vec<[f64; 2]>, before: &str, after: &str) -> File {
    file.feature(&json!({ "JCBH": patch_id, "QSX": before, "HSX": after }), &polygon(&[ring]))
}

/// A small patch on what was farmland in 2022, the `n`th of a row.
fn in_a_row(n: u32) -> Vec<[f64; 2]> {
    let west = 118.301 + f64::from(n) * 0.0007;
    rectangle(west, 35.0101, west + 0.000_612_345, 35.010_987_654)
}

/// Everything that is told of each patch of a survey, but for the numbers that the store gave and where in which file it came.
async fn told(app: &TestApp, survey: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    for patch in app.patches(&format!("survey={}", survey["id"])).await {
        let mut whole = app.read(&format!("/api/patches/{}", patch["id"])).await;
        whole.as_object_mut().unwrap().remove("id");
        for given in ["survey_id", "row"] {
            whole["properties"].as_object_mut().unwrap().remove(given);
        }
        all.push(whole);
    }
    all
}

/// A patch but for what is told of others on the same ground.
fn unshared(mut patch: Value) -> Value {
    let properties = patch["properties"].as_object_mut().unwrap();
    properties.remove("taken_off");
    properties["finding"]["flags"].as_array_mut().unwrap().retain(|flag| flag != "shares_ground");
    patch
}

async fn in_force(app: &TestApp, survey: &Value) -> (bool, Value) {
    let told = app.read(&format!("/api/surveys/{}/provenance", survey["id"])).await;
    (told["in_force"].as_bool().unwrap(), told["outdated"].clone())
}

async fn difference(app: &TestApp, survey: &Value) -> Value {
    app.read(&format!("/api/surveys/{}/reclassification", survey["id"])).await
}

async fn judged_anew(app: &TestApp, survey: &Value) {
    let answer = app.post(&format!("/api/surveys/{}/reclassification", survey["id"]), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A figure of every patch, its bits.
fn bits(told: &[Value], field: &str) -> Vec<u64> {
    told.iter().map(|patch| patch["properties"][field]["m2"].as_f64().unwrap().to_bits()).collect()
}

async fn a_month_judged_again_after_a_later_land_survey_is_the_same_to_the_last_bit(app: TestApp) {
    let survey = app.uploaded(APRIL, &city::one_of_each().patch("Q1", &[city::square()])).await;
    let before = told(&app, &survey).await;
    assert_eq!(before[1]["properties"]["automatic_verdict"], "suspected_illegal");

    // Counties of next year, most of which begin near another whole degree; then the land survey of the end of this one.
    let far = (0..9).fold(of_city(LayerKind::County), |file, n| {
        let west = 121.1 + f64::from(n) * 0.01;
        file.feature(&json!({ "XZQDM": format!("3706{n:02}"), "XZQMC": "远县" }), &polygon(&[rectangle(west, 37.0, west + 0.01, 37.01)]))
    });
    let far = far.replaced("\"370600\"", "\"370611\"");
    app.import_layer(LayerKind::County, &far, "2023-01-01").await;
    app.import_layer(LayerKind::Farmland, &built_up(), "2022-12-31").await;
    assert_eq!(in_force(&app, &survey).await, (true, json!([])), "what came later is not of its time");
    assert_eq!(difference(&app, &survey).await["changed"], 0);
    judged_anew(&app, &survey).await;
    assert_eq!(told(&app, &survey).await, before);

    // The same counties of this year are another set; what the parcels tell is the same to the last bit all the same.
    app.import_layer(LayerKind::County, &far, "2022-02-01").await;
    let (is_in_force, why) = in_force(&app, &survey).await;
    assert!(!is_in_force);
    assert_eq!(
        (why.as_array().unwrap().len(), &why[0]["kind"], &why[0]["was"]["effective"], &why[0]["is"]["effective"]),
        (1, &json!("county"), &json!("2022-01-01"), &json!("2022-02-01"))
    );
    judged_anew(&app, &survey).await;
    let after = told(&app, &survey).await;
    for field in ["area", "farmland", "basic_farmland", "red_line", "urban_boundary", "approved", "approved_farmland"] {
        assert_eq!(bits(&after, field), bits(&before, field), "{field}");
    }
    assert_ne!(after[0]["properties"]["finding"]["layer_set"], before[0]["properties"]["finding"]["layer_set"]);
    assert!(in_force(&app, &survey).await.0);
}

async fn a_survey_of_three_sets_is_what_the_three_are_alone(app: TestApp) {
    app.import_layer(LayerKind::Farmland, &of_city(LayerKind::Farmland).replaced("118.355000000", "118.303000000"), "2021-06-30").await;
    app.import_layer(LayerKind::Farmland, &built_up(), "2022-12-31").await;
    app.import_layer(LayerKind::County, &of_city(LayerKind::County).replaced("118.400000000", "118.302000000"), "2022-12-01").await;
    // Image before, image after; the land surveys of 2021-06-30, 2022-01-01 and 2022-12-31. The last one's counties are others, too.
    let times = [("20220105", "20220410"), ("2021-07-01", "2022-04-10"), ("2023/1/5", "2023/1/10")];
    let patch = |file: File, n: u32| dated(file, &format!("P{n}"), in_a_row(n), times[n as usize % 3].0, times[n as usize % 3].1);
    let mixed = (0..40).fold(File::default(), |file, n| {
        let file = if n == 20 { file.patch_of("bad", "[]").patch("P3", &[in_a_row(60)]) } else { file };
        patch(file, n)
    });
    let whole = app.uploaded(APRIL, &mixed).await;
    assert_eq!((&whole["patches"], &whole["rejected"]), (&json!(40), &json!(2)), "{whole}");
    let all = told(&app, &whole).await;
    let ids: Vec<String> = all.iter().map(|patch| text(&patch["properties"]["patch_id"])).collect();
    assert_eq!(ids, (0..40).map(|n| format!("P{n}")).collect::<Vec<_>>(), "in the order of the file");
    for group in 0..3 {
        let file = (0..40).filter(|n| n % 3 == group).fold(File::default(), patch);
        let alone = app.uploaded("period=2022-04&level=city&on_conflict=add", &file).await;
        let expected: Vec<Value> = told(&app, &alone).await.into_iter().map(unshared).collect();
        let found: Vec<Value> = all.iter().enumerate().filter(|(n, _)| *n as u32 % 3 == group).map(|(_, patch)| unshared(patch.clone())).collect();
        assert!(found == expected, "group {group}:\n{found:?}\n{expected:?}");
        let days: Vec<&Value> = found.iter().map(|patch| &patch["properties"]["finding"]["layers"][1]["effective"]).collect();
        assert!(days.iter().all(|day| *day == ["2022-01-01", "2021-06-30", "2022-12-31"][group as usize]), "{days:?}");
    }
    // Oracle: by hand. P3 was farmland in 2022; P1 lies west of 118.303 and was farmland in 2021, P7 lies east of it and was not; of what is built up nothing is.
    let verdicts: Vec<String> = [3, 1, 7, 2].iter().map(|n| text(&all[*n]["properties"]["automatic_verdict"])).collect();
    assert_eq!(verdicts, ["suspected_illegal", "suspected_illegal", "other", "other"]);
    let layers = app.read(&format!("/api/surveys/{}/provenance", whole["id"])).await["layers"].as_array().unwrap().clone();
    assert_eq!(layers.iter().filter(|layer| layer["kind"] == "farmland").count(), 3, "all that its findings rest on");

    // Made anew the same comes out, in the same order.
    assert_eq!(difference(&app, &whole).await["changed"], 0);
    judged_anew(&app, &whole).await;
    let anew: Vec<Value> = told(&app, &whole).await.into_iter().map(unshared).collect();
    assert!(anew == all.into_iter().map(unshared).collect::<Vec<_>>());
}

async fn what_would_change_is_shown_first_and_what_was_is_kept(app: TestApp) {
    let survey = app.uploaded(APRIL, &city::one_of_each()).await;
    let verdicts = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\nO1,illegal,0,0,1000,333\n";
    app.service.file_verdicts(&Scope::all(), None, verdicts.as_bytes()).await.unwrap();
    let before = told(&app, &survey).await;
    app.import_layer(LayerKind::Farmland, &built_up(), "2022-01-02").await;

    let shown = difference(&app, &survey).await;
    // Oracle: by hand. All farmland of 兰山区 is gone, so S1 is suspected no more; L1 is approved whatever it lies on.
    assert_eq!((&shown["patches"], &shown["changed"]), (&json!(4), &json!(2)));
    assert_eq!(shown["verdicts"], json!([{ "before": "suspected_illegal", "after": "other", "patches": 1 }]));
    let changes: Vec<(String, String, String)> = shown["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(&one["patch_id"]), text(&one["before"]["verdict"]), text(&one["after"]["verdict"])))
        .collect();
    let expected = [("L1", "legal", "legal"), ("S1", "suspected_illegal", "other")];
    assert_eq!(changes, expected.map(|(id, before, after)| (id.to_owned(), before.to_owned(), after.to_owned())));
    // Its own farmland was all of S1's: 100 % of what the overlay took for illegal or legal but for that of L1.
    assert!(shown["city"]["before"]["provisional"].as_f64().unwrap() > 0.0 && shown["city"]["after"]["provisional"].is_null(), "{}", shown["city"]);
    assert_eq!((&shown["city"]["before"]["confirmed"], &shown["city"]["after"]["confirmed"]), (&json!(100.0), &json!(100.0)));
    assert_eq!(told(&app, &survey).await, before, "nothing is stored");

    // Another layer comes before it is done: it must be looked at again.
    app.import_layer(LayerKind::RedLine, &of_city(LayerKind::RedLine), "2022-02-01").await;
    let path = format!("/api/surveys/{}/reclassification", survey["id"]);
    let late = format!("{path}?token={}&by=%E5%BC%A0%E4%B8%89", text(&shown["token"]));
    app.post(&late, "").await.problem(409, "changed_meanwhile");
    assert_eq!(told(&app, &survey).await, before, "nothing was done");
    let shown = difference(&app, &survey).await;
    let answer = app.post(&format!("{path}?token={}&by=%E5%BC%A0%E4%B8%89", text(&shown["token"])), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    let after = told(&app, &survey).await;
    assert_eq!(after[1]["properties"]["automatic_verdict"], "other");
    assert_eq!(after[2]["properties"]["confirmed_verdict"], "illegal", "what was confirmed stays");
    for (n, kept) in [(0, true), (1, true), (2, false), (3, false)] {
        let history = after[n]["properties"]["finding"]["history"].as_array().unwrap();
        assert_eq!(history.len(), usize::from(kept), "{n}");
        let Some(former) = history.first() else { continue };
        let was = &before[n]["properties"];
        assert_eq!(
            (&former["automatic_verdict"], &former["farmland"], &former["reason"]),
            (&was["automatic_verdict"], &was["farmland"], &was["finding"]["reason"])
        );
        assert_eq!(
            (&former["replaced_by"], &former["layer_set"], &former["layers"]),
            (&json!("张三"), &was["finding"]["layer_set"], &was["finding"]["layers"])
        );
        assert!(text(&former["replaced_at"]) >= text(&former["judged_at"]));
    }
    assert_eq!(in_force(&app, &survey).await, (true, json!([])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_before_the_first_land_survey_is_held_against_that_and_says_so() {
    let app = TestApp::city().await;
    let file = dated(File::default(), "E1", city::suspected(), "20211105", "20220412");
    app.uploaded(APRIL, &dated(file, "E2", city::other(), "20220105", "20220412")).await;
    let early = app.patch("E1").await["properties"]["finding"].clone();
    assert_eq!(early["flags"], json!(["layer_later_than_change"]));
    let said = text(&early["explanation"]["zh"]);
    assert!(said.contains("地类图斑没有前时相影像（2021-11-05）之时或之前的版本，用的是最早的一版（2022-01-01）"), "{said}");
    let in_time = app.patch("E2").await["properties"]["finding"].clone();
    assert_eq!((&in_time["flags"], &in_time["layer_set"]), (&json!([]), &early["layer_set"]), "of the same layers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_no_layer_for_is_unknown_and_not_nothing() {
    let app = TestApp::bare().await;
    let check = async |query: &str| app.post(&format!("/api/check{query}"), polygon(&[city::square()])).await.json();
    let nothing = check("").await;
    for field in ["farmland", "basic_farmland", "red_line", "urban_boundary", "approved", "approved_farmland"] {
        assert!(nothing[field].is_null(), "{field}: {nothing}");
    }
    is_area(&nothing["area"], city::SQUARE_M2, 1e-3);
    assert_eq!((&nothing["automatic_verdict"], &nothing["finding"]["reason"]), (&json!("doubtful"), &json!("no_farmland_layer")));
    let flags = ["no_county_layer", "no_basic_farmland_layer", "no_red_line_layer", "no_urban_boundary_layer"];
    assert_eq!(nothing["finding"]["flags"], json!(flags));
    assert!(text(&nothing["finding"]["explanation"]["zh"]).contains('—'));

    app.import_layer(LayerKind::Farmland, &of_city(LayerKind::Farmland), "2022-01-01").await;
    let some = check("").await;
    // Oracle: half of the square's width is farmland.
    is_area(&some["farmland"], 0.5 * city::SQUARE_M2, 1e-4);
    assert!(some["approved"].is_null() && some["approved_farmland"].is_null());
    assert_eq!((&some["automatic_verdict"], &some["finding"]["reason"]), (&json!("doubtful"), &json!("no_approvals")));
    let survey = app.uploaded(APRIL, &File::default().patch("Q1", &[city::square()])).await;
    assert!(app.patches("patch_id=Q1").await[0]["properties"]["approved"].is_null());
    let csv = app.get(&format!("/api/exports/findings?survey={}&format=csv", survey["id"])).await.text();
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let heads = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let cell = |name: &str| row.get(heads.iter().position(|head| head == name).unwrap()).unwrap().to_owned();
    for unknown in ["批准用地面积（平方米）", "批准耕地面积（亩）", "永久基本农田面积（平方米）", "生态保护红线面积（亩）"]
    {
        assert_eq!(cell(unknown), "", "{unknown}");
    }
    assert!(cell("耕地面积（平方米）").starts_with("506043.63"), "{}", cell("耕地面积（平方米）"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polygon_is_checked_by_the_layers_of_the_days_asked_for() {
    let app = TestApp::city().await;
    app.import_layer(LayerKind::Farmland, &built_up(), "2022-12-31").await;
    let check = async |query: &str| app.post(&format!("/api/check{query}"), polygon(&[city::square()])).await;
    let used = |checked: &Value| text(&checked["finding"]["layers"][1]["effective"]);
    // Which land survey, and what share of the square is farmland.
    for (query, day, farmland) in [
        ("", "2022-12-31", 0.0),
        ("?before=2022-06-01", "2022-01-01", 0.5),
        ("?before=2022-06-01&after=2022-07-01", "2022-01-01", 0.5),
        ("?after=2022-12-30", "2022-01-01", 0.5),
        ("?before=2022-12-31", "2022-12-31", 0.0),
    ] {
        let checked = check(query).await.json();
        assert_eq!(used(&checked), day, "{query}");
        is_area(&checked["farmland"], farmland * city::SQUARE_M2, 1e-4);
    }
    assert_eq!(check("?before=2021-06-01&after=2021-07-01").await.json()["finding"]["flags"], json!(["layer_later_than_change"]));
    for (query, parameter) in [("?before=2022-13-01", "before"), ("?after=2999-01-01", "after"), ("?before=2022-07-01&after=2022-06-01", "after")] {
        assert_eq!(check(query).await.problem(400, "parameter")["parameter"], parameter, "{query}");
    }

    // A layer that was taken in is used by whoever asks next.
    let everywhere = of_city(LayerKind::Approved).replaced("118.352000000", "118.360000000");
    for n in 0..5 {
        let answer = app.post(&format!("/api/layers?kind=approved&name=new&effective=2022-06-0{}", n + 1), everywhere.text()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let checked = check("").await.json();
        let approved = checked["finding"]["layers"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(approved["id"], answer.json()["id"], "{n}");
        is_area(&checked["approved"], city::SQUARE_M2, 1e-3);
    }
}
