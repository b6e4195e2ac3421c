//! Patches that share ground: found on import, told of each, counted once.
//!
//! Patches are strips of the city's square, from one meridian to another. Oracle throughout: by hand; a strip has the share of the square's area, a test vector of the
//! official area, that it has of its width, and what of it lies west of 118.355° is farmland.

use super::app::{
    TestApp,
    city::SQUARE_M2,
    file::{File, rectangle},
    is_area, number, text,
};
use serde_json::Value;
use tuban::scope::Scope;
use tuban::service::reclassification::Reclassification;
use tuban_engine::model::{LayerKind, round_half_up};

/// The strip of the square between two thousandths of a degree east of 118.35°.
fn strip(from: f64, until: f64) -> Vec<[f64; 2]> {
    rectangle(118.35 + from / 1000.0, 35.05, 118.35 + until / 1000.0, 35.06)
}

fn strips(named: &[(&str, f64, f64)]) -> File {
    named.iter().fold(File::default(), |file, (name, from, until)| file.patch(name, &[strip(*from, *until)]))
}

/// Tenths of the square, m².
fn tenths(tenths: f64) -> f64 {
    tenths / 10.0 * SQUARE_M2
}

fn is_tenths(area: &Value, expected: f64) {
    is_area(area, tenths(expected), 1e-3);
}

async fn file(app: &TestApp, survey: i64, rows: &str) {
    let csv = format!("patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n{rows}");
    app.service.file_verdicts(&Scope::all(), Some(survey), csv.as_bytes()).await.unwrap();
}

async fn id_of(app: &TestApp, patch_id: &str) -> i64 {
    app.patch(patch_id).await["id"].as_i64().unwrap()
}

/// Fault A6: 60.76 亩 were summed for 37.98 亩 of ground, 1.6 times what there is.
#[tokio::test(flavor = "multi_thread")]
async fn ministry_and_city_of_one_month_and_overlaps_within_a_survey_are_summed_once() {
    let app = TestApp::city().await;
    let city = app.uploaded("period=2022-04&level=city", &strips(&[("C1", 0.0, 4.0), ("C2", 2.0, 6.0)])).await;
    assert!(text(&city["warnings"][0]["zh"]).starts_with("2 个图斑与其他图斑占用同一块地（其中 0 个"), "{city}");
    let ministry = app.uploaded("period=2022-04&level=ministry", &strips(&[("M1", 0.0, 4.0), ("M2", 6.0, 10.0)])).await;
    assert!(text(&ministry["warnings"][0]["en"]).starts_with("1 patches share ground with others (1 of them"), "{ministry}");
    let ratios = app.read("/api/ratios?period=2022-04").await;
    let row = &ratios["city"];
    is_tenths(&row["total"]["area"], 10.0);
    is_tenths(&row["total"]["farmland"], 5.0);
    is_tenths(&row["taken_off"]["area"], 6.0);
    assert_eq!((row["pending"]["patches"].as_u64(), row["taken_off"]["patches"].as_u64()), (Some(3), Some(1)));

    // Of each patch: what is taken off, and who has it.
    let first = app.patch("C1").await;
    let taken_off = &first["properties"]["taken_off"];
    is_tenths(&taken_off["area"], 4.0);
    is_tenths(&taken_off["farmland"], 4.0);
    assert_eq!((taken_off["nothing_left"].as_bool(), taken_off["in_proportion"].as_bool()), (Some(true), Some(false)));
    let with = |n: usize| &taken_off["shares_with"][n];
    assert_eq!((text(&with(0)["patch_id"]), text(&with(0)["level"]), text(&with(0)["period"])), ("M1".into(), "ministry".into(), "2022-04".into()));
    is_tenths(&with(0)["shared"], 4.0);
    is_tenths(&with(0)["taken_off"], 4.0);
    is_tenths(&with(1)["shared"], 2.0);
    is_tenths(&with(1)["taken_off"], 0.0);
    assert_eq!(text(&app.read(&text(&with(1)["href"])).await["properties"]["patch_id"]), "C2");
    let flags = |patch: &Value| patch["properties"]["finding"]["flags"].as_array().unwrap().iter().any(|flag| flag == "shares_ground");
    assert!(flags(&app.read(&format!("/api/patches/{}", id_of(&app, "C1").await)).await));
    let alone = app.read(&format!("/api/patches/{}", id_of(&app, "M2").await)).await;
    assert!(!flags(&alone) && alone["properties"]["taken_off"].is_null(), "{alone}");
    let second = &app.patch("C2").await["properties"]["taken_off"];
    is_tenths(&second["area"], 2.0);
    assert_eq!(second["nothing_left"], false);

    // Of the survey: how many, and which.
    let overlaps = app.read("/api/surveys/1/overlaps?limit=1").await;
    assert_eq!((overlaps["patches"].as_u64(), text(&overlaps["overlaps"][0]["patch_id"])), (Some(2), "C1".into()));
    let next = app.read(&text(&overlaps["next"])).await;
    assert_eq!((text(&next["overlaps"][0]["patch_id"]), next["overlaps"].as_array().unwrap().len()), ("C2".into(), 1));
    assert_eq!(app.get("/api/surveys/9/overlaps").await.status, 404);

    // In a file.
    let csv = app.get("/api/exports/findings?format=csv&survey=1").await.text();
    let mut rows = csv.lines().map(|line| line.trim_start_matches('\u{feff}').split(',').map(str::to_owned).collect::<Vec<_>>());
    let place = rows.next().unwrap().iter().position(|name| name == "重叠扣除面积（平方米）").unwrap();
    let off: Vec<f64> = rows.map(|row| row[place].parse().unwrap()).collect();
    assert!((off[0] - tenths(4.0)).abs() < 1e-3 && (off[1] - tenths(2.0)).abs() < 1e-3, "{off:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_alone_does_not_change_because_of_a_later_one() {
    let app = TestApp::city().await;
    app.uploaded("period=2022-04&level=city", &strips(&[("A", 0.0, 4.0)])).await;
    let april = app.read("/api/ratios?period=2022-04").await["city"].clone();
    app.uploaded("period=2022-06&level=ministry", &strips(&[("J", 2.0, 6.0)])).await;
    assert_eq!(app.read("/api/ratios?period=2022-04").await["city"], april);
    is_tenths(&app.read("/api/ratios?period=2022-06").await["city"]["total"]["area"], 4.0);
    is_tenths(&app.read("/api/ratios?period=2022-04&until=2022-06").await["city"]["total"]["area"], 6.0);
    // April's patch knows June's, and that nothing goes to it in April.
    let shares = |patch: Value| patch["properties"]["taken_off"].clone();
    let april = id_of(&app, "A").await;
    let alone = shares(app.read(&format!("/api/patches/{april}")).await);
    is_tenths(&alone["area"], 0.0);
    assert_eq!(text(&alone["shares_with"][0]["patch_id"]), "J");
    is_tenths(&shares(app.read(&format!("/api/patches/{april}?period=2022-04&until=2022-06")).await)["area"], 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_that_contradict_each_other_are_told_and_span_best_and_worst() {
    let app = TestApp::city().await;
    app.uploaded("period=2022-04&level=city", &strips(&[("L", 0.0, 4.0), ("I", 2.0, 5.0)])).await;
    let (legal, illegal) = (tenths(4.0), tenths(3.0));
    file(&app, 1, &format!("L,legal,{legal},{legal},0,0\nI,illegal,0,0,{illegal},{illegal}\n")).await;
    let ratios = app.read("/api/ratios?period=2022-04").await;
    let row = &ratios["city"];
    // L counts with four tenths, I with what L leaves of it, one; were the two that both have illegal, it would be three of five.
    is_tenths(&row["legal"]["farmland"], 4.0);
    is_tenths(&row["illegal"]["farmland"], 1.0);
    assert_eq!([&row["ratio"]["confirmed"], &row["ratio"]["best"], &row["ratio"]["worst"]].map(number), [20.0, 20.0, 60.0]);
    let contradiction = &ratios["contradictions"][0];
    assert_eq!((text(&contradiction["counts"]["patch_id"]), text(&contradiction["contradicts"]["patch_id"])), ("L".into(), "I".into()));
    is_tenths(&contradiction["area"], 2.0);
    is_tenths(&contradiction["farmland"], 2.0);
    assert_eq!(ratios["contradictions"].as_array().unwrap().len(), 1);
    // A third of I alone is filed: of that, too, two thirds are taken off, and it says so.
    let third = illegal / 3.0;
    file(&app, 1, &format!("I,illegal,0,0,{third},{third}\n")).await;
    is_tenths(&app.read("/api/ratios?period=2022-04").await["city"]["illegal"]["area"], 1.0 / 3.0);
    assert_eq!(app.patch("I").await["properties"]["taken_off"]["in_proportion"], true);
}

/// May's layer of parcels has no farmland at all: what is taken off a patch is what its own finding has of the ground.
#[tokio::test(flavor = "multi_thread")]
async fn ground_is_taken_off_in_the_columns_of_the_patch_it_is_taken_off() {
    let app = TestApp::city().await;
    app.uploaded("period=2022-04&level=city", &strips(&[("A", 0.0, 4.0)])).await;
    let built_up = File::default()
        .feature(&serde_json::json!({ "DLBM": "0701", "DLMC": "城镇住宅用地" }), &super::app::file::polygon(&[rectangle(118.3, 35.0, 118.5, 35.1)]));
    app.import_layer(LayerKind::Farmland, &built_up, "2022-05-01").await;
    // Parcels are those of the image before the change.
    let of_may = strips(&[("M", 2.0, 6.0)]).replaced("20220105", "20220502").replaced("2022/4/12", "2022/5/20");
    app.uploaded("period=2022-05&level=ministry", &of_may).await;
    let row = app.read("/api/ratios?period=2022-04&until=2022-05").await["city"].clone();
    // M comes first with four tenths without farmland; of A two are left, and of its farmland as well.
    is_tenths(&row["total"]["area"], 6.0);
    is_tenths(&row["total"]["farmland"], 2.0);
    let months = "period=2022-04&until=2022-05";
    let of = |patch: i64| format!("/api/patches/{patch}?{months}");
    is_tenths(&app.read(&of(id_of(&app, "A").await)).await["properties"]["taken_off"]["farmland"], 2.0);
    // Judged again by a new layer of its own time, A has no farmland, here as there.
    app.import_layer(LayerKind::Farmland, &built_up, "2022-01-02").await;
    app.service.reclassify(&Scope::all(), &Reclassification { survey: 1, token: None, by: None }, &|_| {}).await.unwrap();
    let patch = app.read(&of(id_of(&app, "A").await)).await["properties"].clone();
    let left = number(&patch["farmland"]["m2"]) - number(&patch["taken_off"]["farmland"]["m2"]);
    assert!((left - number(&app.read(&format!("/api/ratios?{months}")).await["city"]["total"]["farmland"]["m2"])).abs() < 1e-3);
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_that_only_touch_share_nothing() {
    let app = TestApp::city().await;
    let survey = app.uploaded("period=2022-04&level=city", &strips(&[("1", 0.0, 3.3), ("2", 3.3, 5.0), ("3", 5.0, 10.0)])).await;
    assert!(!survey["warnings"].to_string().contains("share ground"), "{survey}");
    assert_eq!(app.read("/api/surveys/1/overlaps").await["overlaps"].as_array().unwrap().len(), 0);
    is_tenths(&app.read("/api/ratios?period=2022-04").await["city"]["total"]["area"], 10.0);
}

/// Legal and illegal farmland that count, summed over the rows of a CSV export; and how many rows say nothing of it.
async fn counted(app: &TestApp, query: &str) -> ([f64; 2], usize) {
    let csv = app.get(&format!("/api/exports/findings?format=csv&{query}")).await.text();
    let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let headings = reader.headers().unwrap().clone();
    let places = ["计入合计的合法耕地面积（平方米）", "计入合计的违法耕地面积（平方米）"].map(|name| headings.iter().position(|one| one == name).unwrap());
    let (mut sums, mut silent) = ([0.0; 2], 0);
    for row in reader.records().map(Result::unwrap) {
        silent += usize::from(row[places[0]].is_empty());
        for (sum, place) in sums.iter_mut().zip(places) {
            *sum += row[place].parse().unwrap_or(0.0);
        }
    }
    (sums, silent)
}

/// Farmland in tenths of the square, by hand; what lies east of 5 has none.
/// * April: L (0–4) is legal; of I (2–5), illegal, L leaves 4–5; P is pending and D doubtful. Legal 4, illegal 1: 20 %.
/// * May: of M (1–3), one of two is filed illegal; of N (4.5–6.5) the half on farmland is filed legal. Legal 0.5, illegal 1: 66.67 %.
/// * Both, the ministry's first: of L the half is left that M leaves, 2; of I 4–4.5, 0.5. Legal 2 + 0.5, illegal 0.5 + 1: 37.5 %.
///   As filed it would be legal 4.5 and illegal 4: 47.06 %.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_makes_the_ratio_again_also_where_patches_share_ground() {
    let app = TestApp::city().await;
    app.uploaded("period=2022-04&level=city", &strips(&[("L", 0.0, 4.0), ("I", 2.0, 5.0), ("P", 3.0, 6.0), ("D", 0.0, 1.0)])).await;
    app.uploaded("period=2022-05&level=ministry", &strips(&[("M", 1.0, 3.0), ("N", 4.5, 6.5)])).await;
    let [half, one, two, three, four] = [0.5, 1.0, 2.0, 3.0, 4.0].map(tenths);
    file(&app, 1, &format!("L,legal,{four},{four},0,0\nI,illegal,0,0,{three},{three}\nD,doubtful,0,0,0,0\n")).await;
    file(&app, 2, &format!("M,illegal,0,0,{one},{one}\nN,legal,{two},{half},0,0\n")).await;
    for (query, legal, illegal, ratio, silent) in
        [("period=2022-04", 4.0, 1.0, 20.0, 2), ("period=2022-05", 0.5, 1.0, 66.67, 0), ("period=2022-04&until=2022-05", 2.5, 1.5, 37.5, 2)]
    {
        let (sums, without) = counted(&app, query).await;
        assert!((sums[0] - tenths(legal)).abs() < 1e-3 && (sums[1] - tenths(illegal)).abs() < 1e-3, "{query}: {sums:?}");
        assert_eq!(without, silent, "{query}");
        let row = &app.read(&format!("/api/ratios?{query}")).await["city"];
        assert_eq!((number(&row["ratio"]["confirmed"]), round_half_up(100.0 * sums[1] / (sums[0] + sums[1]), 2)), (ratio, ratio), "{query}");
        // The other formats have the same columns, under the words of the API.
        let features = app.read(&format!("/api/exports/findings?format=geojson&{query}")).await;
        let sum = |key: &str| features["features"].as_array().unwrap().iter().filter_map(|one| one["properties"][key].as_f64()).sum::<f64>();
        for (key, class) in [("counted_legal_farmland_m2", "legal"), ("counted_illegal_farmland_m2", "illegal")] {
            is_area(&row[class]["farmland"], sum(key), 1e-3);
        }
    }
}
