//! Approvals by their own day, end and kind. Oracles: shares of the square's width, by hand; its area is that of the table in docs/ARCHITECTURE.md.

use super::app::{
    TestApp, city,
    file::{File, polygon, rectangle},
    is_area, text,
};
use serde_json::{Value, json};
use tuban::scope::Scope;
use tuban::service::layers::import::LayerFile;
use tuban_engine::model::LayerKind;

/// A strip of the square, between these shares of its width.
fn strip(from: f64, until: f64) -> String {
    polygon(&[rectangle(118.35 + from / 100.0, 35.05, 118.35 + until / 100.0, 35.06)])
}

/// Approvals: properties, and which strip they cover.
fn approvals(all: &[(Value, [f64; 2])]) -> File {
    all.iter().fold(File::default(), |file, (properties, [from, until])| file.feature(properties, &strip(*from, *until)))
}

/// The square as a patch whose images were taken on 1 January and on that day.
fn patch(id: &str, after: &str) -> File {
    File::default().feature(&json!({ "JCBH": id, "QSX": "2022-01-01", "HSX": after }), &polygon(&[city::square()]))
}

/// A service where all of the square is farmland, with these approvals.
async fn with(all: &[(Value, [f64; 2])], effective: &str) -> TestApp {
    let app = TestApp::bare().await;
    app.import_layer(LayerKind::County, &city::counties(), "2020-01-01").await;
    let farmland = File::default().feature(&json!({ "DLBM": "0102", "DLMC": "水浇地" }), &polygon(&[rectangle(118.3, 35.0, 118.4, 35.1)]));
    app.import_layer(LayerKind::Farmland, &farmland, "2020-01-01").await;
    let lines = [LayerKind::BasicFarmland, LayerKind::RedLine, LayerKind::UrbanBoundary];
    for (kind, layer) in city::layers().into_iter().filter(|(kind, _)| lines.contains(kind)) {
        app.import_layer(kind, &layer, "2020-01-01").await;
    }
    app.import_layer(LayerKind::Approved, &approvals(all), effective).await;
    app
}

/// Verdict, reason, and the shares before, undated, later and for other uses, each of land and of farmland.
fn is_judged(patch: &Value, verdict: &str, reason: &str, [before, undated, later, other]: [f64; 4]) {
    let properties = &patch["properties"];
    assert_eq!((text(&properties["automatic_verdict"]), text(&properties["finding"]["reason"])), (verdict.to_owned(), reason.to_owned()), "{properties}");
    let all = before + undated + later;
    for (column, share) in [("approved", all), ("approved_before", before), ("approved_undated", undated), ("approved_later", later), ("other_use", other)] {
        is_area(&properties[column], share * city::SQUARE_M2, 1e-2);
        is_area(&properties[format!("{column}_farmland")], share * city::SQUARE_M2, 1e-2);
    }
}

fn flags(patch: &Value) -> Vec<String> {
    patch["properties"]["finding"]["flags"].as_array().unwrap().iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_counts_from_its_own_day() {
    let all = [
        (json!({ "PZWH": "B", "PZRQ": "2022年4月20日", "PZLX": "农转用" }), [0.0, 0.2]),
        (json!({ "PZWH": "U", "PZLX": "农转用" }), [0.1, 0.4]),
        (json!({ "PZWH": "L", "PZRQ": "20220421", "PZLX": "供地" }), [0.3, 0.7]),
    ];
    let app = with(&all, "2022-01-01").await;
    app.uploaded("period=2022-04&level=city", &patch("april", "2022-04-20")).await;
    app.uploaded("period=2022-05&level=city", &patch("may", "2022-05-31")).await;
    let april = app.patch("april").await;
    is_judged(&april, "suspected_illegal", "approved_later", [0.2, 0.2, 0.3, 0.0]);
    assert_eq!(flags(&april), ["approval_undated", "shares_ground"]);
    let said = text(&april["properties"]["finding"]["explanation"]["zh"]);
    // Oracle: 0.3 and 0.6 of the square's 1518.13 亩.
    for words in ["455.44", "910.88", "补办"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    is_judged(&app.patch("may").await, "suspected_illegal", "partly_approved", [0.6, 0.1, 0.0, 0.0]);
    // The ratio's automatic terms: of April four tenths are legal, of May seven. Both months have the same ground, which counts once: for April.
    for (months, illegal) in [("period=2022-04", 60.0), ("period=2022-05", 30.0), ("period=2022-04&until=2022-05", 60.0)] {
        assert_eq!(app.read(&format!("/api/ratios?{months}")).await["city"]["ratio"]["provisional"], illegal, "{months}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_without_a_day_counts_from_the_first_version_that_holds_it() {
    let known = (json!({ "PZWH": "1", "PZLX": "供地" }), [0.0, 1.0]);
    let other = (json!({ "PZWH": "2", "PZRQ": "1", "PZLX": "供地" }), [2.0, 3.0]);
    let app = with(&[known.clone()], "2022-04-30").await;
    app.import_layer(LayerKind::Approved, &approvals(&[other.clone(), known.clone()]), "2022-06-30").await;
    app.uploaded("period=2022-04&level=city", &patch("then", "2022-04-30")).await;
    app.uploaded("period=2022-03&level=city", &patch("before", "2022-04-29")).await;
    let then = app.patch("then").await;
    is_judged(&then, "legal", "fully_approved", [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(flags(&then), ["approval_undated", "shares_ground"]);
    is_judged(&app.patch("before").await, "suspected_illegal", "approval_undated", [0.0, 1.0, 0.0, 0.0]);
    let layers = app.read("/api/layers").await["layers"].clone();
    let newest = layers.as_array().unwrap().iter().find(|layer| layer["effective"] == "2022-06-30").unwrap();
    assert_eq!(newest["undated"], 2);
    assert!(text(&newest["advice"]["zh"]).contains("请重新提供文件"), "{newest}");
    assert!(newest["notes"].as_array().unwrap().iter().any(|note| text(note).contains("1 个批准日期读不懂（如“1”）")), "{newest}");
    // Sent again with its day, it counts from that.
    let dated = (json!({ "PZWH": "1", "PZRQ": "2022-04-29", "PZLX": "供地" }), [0.0, 1.0]);
    app.import_layer(LayerKind::Approved, &approvals(&[dated]), "2022-07-31").await;
    app.uploaded("period=2022-02&level=city", &patch("again", "2022-04-29")).await;
    is_judged(&app.patch("again").await, "legal", "fully_approved", [1.0, 0.0, 0.0, 0.0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_ended_covers_nothing() {
    let temporary = |ends: &str| [(json!({ "PZWH": "T", "PZRQ": "2020-05-01", "PZLX": "临时用地", "YXQZ": ends }), [0.0, 1.0])];
    let app = with(&temporary("2022-04-29"), "2022-01-01").await;
    app.uploaded("period=2022-04&level=city", &patch("ended", "2022-04-30")).await;
    let ended = app.patch("ended").await;
    is_judged(&ended, "suspected_illegal", "unapproved_farmland", [0.0; 4]);
    assert_eq!((flags(&ended), &ended["properties"]["finding"]["approvals"]), (vec!["approval_expired".to_owned()], &json!([])));
    app.import_layer(LayerKind::Approved, &approvals(&temporary("2年")), "2022-02-01").await;
    app.uploaded("period=2022-05&level=city", &patch("lasts", "2022-05-01")).await;
    is_judged(&app.patch("lasts").await, "other", "temporary_use", [0.0, 0.0, 0.0, 1.0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kinds_are_measured_in_their_order_and_other_uses_are_in_neither_term() {
    let dated = |number: &str, kind: &str| json!({ "PZWH": number, "PZRQ": "2021-01-01", "YDLX": kind });
    let all = [
        (dated("1", "农转用"), [0.0, 0.3]),
        (dated("2", "设施农用地备案"), [0.2, 0.6]),
        (dated("3", "农村道路"), [0.5, 1.0]),
        (json!({ "PZWH": "4", "PZRQ": "2022-12-01", "YDLX": "设施农用地" }), [0.9, 1.0]),
    ];
    let app = with(&all, "2022-01-01").await;
    app.uploaded("period=2022-04&level=city", &patch("all", "2022-04-30")).await;
    // Oracle: of what 农转用 leaves, 设施农用地 has 0.3, 农村道路 0.4; the one that came too late has nothing.
    is_judged(&app.patch("all").await, "other", "rural_road", [0.3, 0.0, 0.0, 0.7]);
    app.import_layer(LayerKind::Approved, &approvals(&all[..2]), "2022-02-01").await;
    app.uploaded("period=2022-05&level=city", &patch("some", "2022-04-30")).await;
    is_judged(&app.patch("some").await, "suspected_illegal", "partly_approved", [0.3, 0.0, 0.0, 0.3]);
    // Legal: 0.3 of each; illegal: 0.4 of the second. Oracle: 0 / 0.3 and 0.4 / 0.7.
    for (month, illegal) in [("2022-04", 0.0), ("2022-05", 57.14)] {
        assert_eq!(app.read(&format!("/api/ratios?period={month}")).await["city"]["ratio"]["provisional"], illegal, "{month}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_may_be_said_for_the_whole_file_and_an_unknown_one_is_taken_for_building() {
    let unknown = [(json!({ "PZWH": "1", "PZRQ": "2021-01-01", "YDLX": "工业用地" }), [0.0, 1.0])];
    let app = with(&unknown, "2022-01-01").await;
    app.uploaded("period=2022-04&level=city", &patch("unknown", "2022-04-30")).await;
    let judged = app.patch("unknown").await;
    is_judged(&judged, "legal", "fully_approved", [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(flags(&judged), ["approval_kind_unknown"]);
    let path = app.write("kinds.geojson", &approvals(&unknown).text());
    let file = LayerFile::new(path, LayerKind::Approved, "设施".to_owned(), "2022-02-01".parse().unwrap());
    let said = |kind: &str| LayerFile { approval_kind: Some(kind.to_owned()), ..file.clone() };
    app.service.import_layer(&Scope::all(), &said("设施农用地"), &|_| {}).await.unwrap();
    app.uploaded("period=2022-05&level=city", &patch("said", "2022-04-30")).await;
    is_judged(&app.patch("said").await, "other", "facility_agriculture", [0.0, 0.0, 0.0, 1.0]);
    assert!(app.service.import_layer(&Scope::all(), &said("工业用地"), &|_| {}).await.unwrap_err().to_string().contains("农转用"));
    let refused = app.post("/api/layers?kind=farmland&name=x&effective=2022-01-01&kind_of_approval=供地", city::counties().text()).await;
    refused.problem(400, "kind_of_approval");
}
