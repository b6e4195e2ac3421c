//! `/api/layers` and `/api/about`.

use super::app::{
    APRIL, Answer, TestApp, city,
    file::{File, polygon, rectangle},
    is_area, text,
};
use super::jobs::events;
use crate::builders::{feature, layer};
use crate::cluster;
use reqwest::{Method, multipart};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tuban::scope::Scope;
use tuban::service::layers::import::LayerFile;
use tuban::store::postgres::PostgresStore;
use tuban_engine::model::{LayerFeature, LayerKind};
use tuban_geom::Outline;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_are_listed_with_what_was_noticed() {
    let app = TestApp::city().await;
    let layers = app.read("/api/layers").await["layers"].clone();
    let layers = layers.as_array().unwrap();
    assert_eq!(layers.len(), 6);
    let parcels = layers.iter().find(|layer| layer["kind"] == "farmland").unwrap();
    for (field, expected) in [
        ("name", json!("地类图斑")),
        ("effective", json!("2022-01-01")),
        ("crs", json!("OGC:CRS84")),
        ("features", json!(4)),
        ("rejected", json!(0)),
        ("in_force", json!(true)),
        ("invented", json!(true)),
        ("notes", json!([])),
    ] {
        assert_eq!(parcels[field], expected, "{field}");
    }
    assert_eq!(text(&parcels["sha256"]).len(), 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn about_tells_the_page_what_there_is() {
    let bare = TestApp::bare().await;
    let about = bare.read("/api/about").await;
    assert_eq!((&about["demo"], &about["bounds"], &about["periods"]), (&json!(false), &Value::Null, &json!([])));
    let app = TestApp::city().await;
    let about = app.read("/api/about").await;
    assert_eq!((&about["demo"], &about["bounds"], &about["version"]), (&json!(true), &json!([118.3, 35.0, 118.5, 35.1]), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(about["lines"], json!([{ "name": "target", "percent": 5.0 }, { "name": "accountability", "percent": 15.0 }]));
    app.uploaded(APRIL, &city::one_of_each()).await;
    assert_ne!(app.read("/api/about").await["tiles_version"], about["tiles_version"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_kind_the_version_with_the_latest_day_that_has_come_is_in_force() {
    let app = TestApp::city().await;
    let approval = |number: &str| File::default().feature(&json!({ "PZWH": number }), &polygon(&[city::square()]));
    app.import_layer(LayerKind::Approved, &approval("older"), "2021-01-01").await;
    app.import_layer(LayerKind::Approved, &approval("newer"), "2022-06-01").await;
    app.import_layer(LayerKind::Approved, &approval("to come"), "2999-01-01").await;
    let layers = app.read("/api/layers").await["layers"].clone();
    let approved: Vec<(String, bool)> = layers
        .as_array()
        .unwrap()
        .iter()
        .filter(|layer| layer["kind"] == "approved")
        .map(|layer| (text(&layer["effective"]), layer["in_force"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        approved,
        [("2999-01-01".to_owned(), false), ("2022-06-01".to_owned(), true), ("2022-01-01".to_owned(), false), ("2021-01-01".to_owned(), false)]
    );
    let checked = app.post("/api/check", polygon(&[city::square()])).await.json();
    assert_eq!((&checked["finding"]["approvals"], &checked["automatic_verdict"]), (&json!(["newer"]), &json!("legal")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_in_force_are_loaded_once_however_many_need_them_at_once() {
    let app = TestApp::bare().await;
    let path = app.write("approved.geojson", &File::default().feature(&json!({ "PZWH": "1" }), &polygon(&[city::square()])).text());
    let file = LayerFile::new(path, LayerKind::Approved, "批准用地".to_owned(), "2022-01-01".parse().unwrap());
    app.service.import_layer(&Scope::all(), &file, &|_| {}).await.unwrap();
    let loaded = futures_util::future::join_all((0..4).map(|_| app.service.refresh_atlas())).await;
    assert_eq!(loaded.into_iter().filter(|loaded| *loaded.as_ref().unwrap()).count(), 1, "nobody puts an atlas in the place of one loaded meanwhile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_layer_is_noted_and_measured_once() {
    let app = TestApp::bare().await;
    let parcel = |file: File, dlbm: Value, west: f64, east: f64| {
        file.feature(&json!({ "DLBM": dlbm, "DLMC": "旱地" }), &polygon(&[rectangle(west, 35.05, east, 35.06)]))
    };
    // Two parcels overlap by 0.001°; one lost its leading zero in a spreadsheet, one never was a class.
    let file = parcel(parcel(parcel(File::default(), json!("0103"), 118.35, 118.356), json!(103), 118.355, 118.36), json!("旱地"), 118.36, 118.37);
    let imported = app.import_layer(LayerKind::Farmland, &file, "2022-01-01").await;
    assert_eq!(
        (imported.layer.features, imported.layer.rejected, imported.rejects[0].code.as_str(), imported.rejects[0].pointer.as_str()),
        (2, 1, "bad_dlbm", "/features/2/properties")
    );
    let notes = imported.layer.notes.join("\n");
    // Oracle: a tenth of the square.
    for said in ["1 个要素被拒收", "丢失了前导 0", "第 1 行与第 2 行重叠 101208.7260 平方米"] {
        assert!(notes.contains(said), "{said} in {notes}");
    }
    let checked = app.post("/api/check", polygon(&[city::square()])).await.json();
    is_area(&checked["farmland"], city::SQUARE_M2, 1e-3);
    is_area(&checked["finding"]["parcels"][0]["area"], city::SQUARE_M2, 1e-3);
}

/// A square whose last corner lies one last bit from the first: it crosses itself there, and its second lobe is a millionth of a millimetre wide.
fn speck() -> Vec<[f64; 2]> {
    vec![[118.3, 35.0], [118.31, 35.000_000_000_000_03], [118.31, 35.01], [118.300_000_000_000_01, 35.01], [118.300_000_000_000_03, 35.0], [118.3, 35.0]]
}

/// Once, such a lobe was stored, enclosed nothing when it was read back, and no layer at all could be loaded any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lobe_too_small_to_be_stored_keeps_no_layer_from_being_loaded() {
    let app = TestApp::bare().await;
    // With all digits.
    let speck = format!(r#"{{"type":"Polygon","coordinates":[{:?}]}}"#, speck());
    let file = File::default().feature(&json!({ "DLBM": "0101" }), &speck);
    let imported = app.import_layer(LayerKind::Farmland, &file, "2022-01-01").await;
    assert_eq!((imported.layer.features, imported.layer.rejected), (1, 0));
    assert!(imported.layer.notes.join("\n").contains("1 个要素的图形经过修复"));
    // Oracle: inside, so all of it.
    let checked = app.post("/api/check", polygon(&[rectangle(118.302, 35.002, 118.304, 35.004)])).await.json();
    assert_eq!(checked["farmland"], checked["area"]);
    assert_eq!(app.read("/api/layers").await["layers"][0]["notes"].as_array().unwrap().len(), 1);
}

/// A feature that was stored and does not pass its check is left out and named; the others count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_feature_that_fails_its_check_is_left_out_and_named() {
    let app = TestApp::bare().await;
    // What is disputed of stored outlines is their union; one that encloses nothing has none.
    let ring = rectangle(118.40, 35.05, 118.40, 35.06);
    let mut writer = app.service.store().begin_layer().await.unwrap();
    let broken = LayerFeature { degrees: Outline::polygon(&[ring]), ..feature(7, 0.0, 0.0) };
    writer.push(vec![feature(3, 118.3, 35.0), broken, feature(9, 118.32, 35.0)]).await.unwrap();
    writer.commit(layer(LayerKind::Farmland, "2022-01-01")).await.unwrap();
    // From the store, then from what was prepared of it.
    for _ in 0..2 {
        let service = app.another_service().await;
        let farmland = |west: f64| {
            let checked = service.check(polygon(&[rectangle(west, 35.0, west + 0.001, 35.001)]).as_bytes()).unwrap();
            (checked.finding.areas.farmland_m2 / checked.finding.areas.area_m2 * 1e9).round()
        };
        assert_eq!([118.3, 118.32].map(farmland), [1e9, 1e9]);
        let notes = service.layers().await.unwrap()[0].0.notes.clone();
        assert_eq!(notes, ["第 7 行的图形未能通过复核，未参与套合"]);
    }
}

/// Parcels of which the second has no class.
fn parcels() -> File {
    let square = polygon(&[city::square()]);
    File::default().feature(&json!({ "DLBM": "0101", "DLMC": "水田" }), &square).feature(&json!({ "DLBM": "?" }), &square)
}

const PARCELS: &str = "kind=farmland&name=%E5%9C%B0%E7%B1%BB&effective=2022-01-01";

async fn send(app: &TestApp, query: &str, body: String) -> Answer {
    app.post(&format!("/api/layers?{query}"), body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_is_sent_is_stored_listed_and_in_force() {
    let app = TestApp::bare().await;
    let body = parcels().text();
    let answer = send(&app, PARCELS, body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let mut taken = answer.json();
    let rejects = taken.as_object_mut().unwrap().remove("rejects").unwrap();
    assert_eq!((&rejects[0]["row"], &rejects[0]["code"], rejects.as_array().unwrap().len()), (&json!(2), &json!("bad_dlbm"), 1));
    for (field, expected) in [
        ("kind", json!("farmland")),
        ("name", json!("地类")),
        ("effective", json!("2022-01-01")),
        ("features", json!(1)),
        ("rejected", json!(1)),
        ("in_force", json!(true)),
        ("sha256", json!(tuban::service::hexadecimal(&Sha256::digest(body.as_bytes())))),
    ] {
        assert_eq!(taken[field], expected, "{field}");
    }
    assert_eq!(app.read("/api/layers").await, json!({ "layers": [taken] }));
    // The node takes it up a moment later, as it does what any node stores.
    app.service.refresh_atlas().await.unwrap();
    let checked = app.post("/api/check", polygon(&[city::square()])).await.json();
    is_area(&checked["farmland"], city::SQUARE_M2, 1e-3);
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_is_sent_again_as_it_was_is_the_layer_that_is_there() {
    let app = TestApp::bare().await;
    let sent = async |query: &str| {
        let answer = send(&app, query, parcels().text()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    };
    let first = sent(PARCELS).await;
    assert_eq!(sent(PARCELS).await, first, "as after an answer that got lost");
    let another = sent(&PARCELS.replace("2022-01-01", "2022-02-01")).await;
    assert_ne!(another["id"], first["id"]);
    app.service.store().remove_layer(first["id"].as_i64().unwrap()).await.unwrap();
    let again = sent(PARCELS).await;
    assert_ne!(again["id"], first["id"], "one that was removed comes in anew");
    assert_eq!(app.read("/api/layers").await["layers"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_may_come_as_a_form_as_a_job_or_by_the_token_under_which_it_waits() {
    let app = TestApp::bare().await;
    let part = multipart::Part::text(parcels().text()).file_name("地类.geojson");
    let form = multipart::Form::new().part("file", part);
    let request = app.request(Method::POST, &format!("/api/layers?{PARCELS}")).multipart(form).header("prefer", "respond-async");
    let answer = app.send(request).await;
    assert_eq!((answer.status.as_u16(), answer.header("preference-applied")), (202, "respond-async"));
    let done = events(&app, answer.header("location")).await.pop().unwrap().1;
    assert_eq!((&done["kind"], &done["state"], &done["survey"]), (&json!("layer_import"), &json!("done"), &json!(null)));
    assert_eq!((&done["layer"]["features"], &done["layer"]["rejects"][0]["row"], &done["done"]), (&json!(1), &json!(2), &json!(2)));
    let seen = app.post("/api/inspect?kind=farmland&keep=true", parcels().text()).await.json();
    let token = text(&seen["token"]);
    let answer = send(&app, &format!("{PARCELS}&from={token}"), String::new()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    send(&app, &format!("{PARCELS}&from={token}"), String::new()).await.problem(404, "not_waiting");
    let layers = app.read("/api/layers").await["layers"].clone();
    assert_eq!(layers.as_array().unwrap().len(), 2);
    app.service.store().remove_layer(layers[0]["id"].as_i64().unwrap()).await.unwrap();
    app.service.store().remove_layer(layers[1]["id"].as_i64().unwrap()).await.unwrap();
    let gone = app.read(&format!("/api/jobs/{}", text(&done["id"]))).await;
    assert_eq!((&gone["state"], &gone["layer"], &gone["problem"]["status"]), (&json!("done"), &json!(null), &json!(404)));
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_cannot_be_taken_is_a_problem_and_leaves_nothing() {
    let app = TestApp::bare().await;
    for (query, parameter) in [
        ("name=x&effective=2022-01-01", "kind"),
        ("kind=road&name=x&effective=2022-01-01", "kind"),
        ("kind=county&effective=2022-01-01", "name"),
        ("kind=county&name=%20&effective=2022-01-01", "name"),
        ("kind=county&name=x", "effective"),
        ("kind=county&name=x&effective=2022-02-30", "effective"),
        ("kind=county&name=x&effective=2022-01-01&crs=EPSG:2345", "crs"),
    ] {
        assert_eq!(send(&app, query, parcels().text()).await.problem(400, "parameter")["parameter"], parameter, "{query}");
    }
    let county = PARCELS.replace("farmland", "county");
    send(&app, &county, parcels().text()).await.problem(422, "fields");
    send(&app, PARCELS, "{".to_owned()).await.problem(400, "truncated");
    let none = File::default().feature(&json!({ "DLBM": "?" }), &polygon(&[city::square()])).text();
    assert_eq!(send(&app, PARCELS, none).await.problem(422, "no_acceptable_feature")["rejects"][0]["code"], "bad_dlbm");
    assert_eq!(app.read("/api/layers").await, json!({ "layers": [] }));
    app.has_an_empty_spool();
}

/// An empty layer of approvals says that nothing is approved, where it is said to be meant so; then what stands on farmland is suspected, and not doubtful.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_or_survey_without_features_is_stored_where_it_is_declared_empty() {
    const APPROVED: &str = "kind=approved&name=none&effective=2022-01-01";
    let postgres = PostgresStore::open(&cluster::fresh_url().await).await.unwrap();
    for app in [TestApp::bare().await, TestApp::over(Arc::new(postgres)).await] {
        let (nothing, parcel) = (File::default().text(), File::default().feature(&json!({ "DLBM": "0102" }), &polygon(&[city::square()])));
        assert_eq!(send(&app, APPROVED, nothing.clone()).await.problem(422, "no_features")["offer"], "empty=yes");
        let declared = format!("{APPROVED}&empty=yes");
        send(&app, &declared, parcel.text()).await.problem(422, "not_empty");
        let taken = send(&app, &declared, nothing.clone()).await;
        assert_eq!(taken.status, 201);
        let layer = taken.json();
        assert_eq!((&layer["features"], &layer["declared_empty"], &layer["in_force"]), (&json!(0), &json!(true), &json!(true)));
        assert!(text(&layer["notes"][0]).contains("声明为空"), "{layer}");
        assert_eq!(send(&app, PARCELS, parcel.text()).await.json()["declared_empty"], json!(false));
        let survey = app.uploaded(APRIL, &File::default().feature(&json!({ "JCBH": "A" }), &polygon(&[city::square()]))).await;
        assert_eq!((&survey["verdicts"]["suspected_illegal"], &survey["declared_empty"]), (&json!(1), &json!(false)), "{survey}");
        let may = "period=2022-05&level=city";
        app.refuses(may, nothing.clone(), 422, "no_features").await;
        let survey = app.upload(&format!("{may}&empty=yes"), nothing).await;
        assert_eq!(survey.status, 201);
        let survey = survey.json();
        assert_eq!((&survey["patches"], &survey["declared_empty"]), (&json!(0), &json!(true)));
        assert!(survey["warnings"].as_array().unwrap().iter().any(|warning| text(&warning["zh"]).contains("声明为空")), "{survey}");
        assert_eq!(send(&app, &format!("{APPROVED}&empty=perhaps"), String::new()).await.problem(400, "parameter")["parameter"], "empty");
    }
}
