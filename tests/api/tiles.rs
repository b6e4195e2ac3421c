//! `/api/tiles`: what the map draws.

use super::app::{
    APRIL, TestApp, city,
    file::{File, rectangle},
    text,
};
use fast_mvt::{MvtReaderRef, MvtValueRef};
use reqwest::Method;
use std::collections::BTreeMap;
use tuban::scope::Scope;
use tuban::service::layers::import::LayerFile;
use tuban_engine::model::LayerKind;

/// The tile that the square's middle lies in. Oracle: the web maps' tiling, x = (λ+180)/360·2^z, y = (1 − asinh(tan φ)/π)/2·2^z.
fn place(zoom: u32) -> String {
    let tiles = f64::from(1_u32 << zoom);
    let (x, y) = ((118.355 + 180.0) / 360.0 * tiles, (1.0 - 35.055_f64.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0 * tiles);
    format!("{zoom}/{}/{}", x as u32, y as u32)
}

/// Name of the only layer and properties of its features.
fn decode(tile: &[u8]) -> (String, Vec<BTreeMap<String, String>>) {
    let reader = MvtReaderRef::new(tile).unwrap();
    assert_eq!(reader.layer_count(), 1);
    let layer = reader.layers().next().unwrap();
    let features = layer.features().map(|feature| {
        assert!(!feature.geometry_commands().is_empty());
        feature.geometry().unwrap();
        feature.properties_vec().unwrap().into_iter().map(|(key, value)| (key.to_owned(), shown(&value))).collect()
    });
    (layer.name().to_owned(), features.collect())
}

fn shown(value: &MvtValueRef<'_>) -> String {
    match value {
        MvtValueRef::String(text) => (*text).to_owned(),
        MvtValueRef::Bool(flag) => flag.to_string(),
        other => format!("{other:?}").chars().filter(char::is_ascii_digit).collect(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_source_draws_its_features_with_their_properties() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &File::default().patch("Q1", &[city::square()])).await;
    let id = app.patches("").await[0]["id"].to_string();
    for (source, expected) in [
        ("county", &[&[("code", "371302"), ("name", "兰山区")][..]][..]),
        ("farmland", &[&[("dlbm", "0102"), ("dlmc", "水浇地"), ("farmland", "true")], &[("dlbm", "0301"), ("dlmc", "乔木林地"), ("farmland", "false")]]),
        ("basic_farmland", &[&[("code", ""), ("name", "")], &[("code", ""), ("name", "")]]),
        ("red_line", &[&[("code", ""), ("name", "")]]),
        ("urban_boundary", &[&[("code", ""), ("name", "")]]),
        ("approved", &[&[("number", "PZ1")], &[("number", "PZ2")]]),
        ("patches", &[&[("id", id.as_str()), ("patch_id", "Q1"), ("verdict", "suspected_illegal"), ("confirmed", "false"), ("patches", "1")]]),
    ] {
        let answer = app.get(&format!("/api/tiles/{source}/{}.mvt", place(13))).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/vnd.mapbox-vector-tile"), "{source}");
        let (name, features) = decode(&answer.bytes);
        let expected: Vec<BTreeMap<String, String>> =
            expected.iter().map(|feature| feature.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()).collect();
        assert_eq!((name.as_str(), features), (source, expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dense_layers_begin_at_their_zoom_and_patches_show_from_afar() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    for (source, zoom, status) in [
        ("farmland", 12, 204),
        ("farmland", 13, 200),
        ("basic_farmland", 9, 204),
        ("basic_farmland", 10, 200),
        ("approved", 10, 204),
        ("approved", 11, 200),
        ("county", 6, 200),
        ("patches", 5, 200),
    ] {
        assert_eq!(app.get(&format!("/api/tiles/{source}/{}.mvt", place(zoom))).await.status, status, "{source} at {zoom}");
    }
    let (_, marks) = decode(&app.get(&format!("/api/tiles/patches/{}.mvt", place(5))).await.bytes);
    assert_eq!(marks.len(), 4, "one mark a verdict, though all lie on one pixel");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_out_from_afar_is_counted_on_what_is_drawn() {
    let app = TestApp::city().await;
    // All within 0.008° of the square's middle, so that one tile of zoom 11 has them all.
    let many = (0..37).fold(File::default(), |file, n| {
        let south = 35.051 + 2e-4 * f64::from(n);
        file.patch(&format!("P{n}"), &[rectangle(118.3548, south, 118.355, south + 1e-4)])
    });
    app.uploaded(APRIL, &many).await;
    for zoom in [3, 8, 11] {
        let (_, marks) = decode(&app.get(&format!("/api/tiles/patches/{}.mvt", place(zoom))).await.bytes);
        let stands_for: u64 = marks.iter().map(|mark| mark["patches"].parse::<u64>().unwrap()).sum();
        assert_eq!(stands_for, 37, "at zoom {zoom} {} marks are drawn", marks.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strips_of_one_metre_are_drawn_at_every_zoom_that_draws_outlines() {
    let app = TestApp::city().await;
    // One metre is 1/111 000 of a degree of latitude and 1/91 000 of a degree of longitude here; one strip runs aslant.
    let (dx, dy) = (1.1e-5, 9.0e-6);
    let strips = File::default()
        .patch("EW", &[rectangle(118.352, 35.052, 118.358, 35.052 + dy)])
        .patch("NS", &[rectangle(118.353, 35.053, 118.353 + dx, 35.058)])
        .patch("DIAGONAL", &[vec![[118.354, 35.053], [118.359, 35.058], [118.359, 35.058 + 2.0 * dy], [118.354, 35.053 + 2.0 * dy], [118.354, 35.053]]]);
    app.uploaded(APRIL, &strips).await;
    for zoom in 12..=14 {
        let (_, features) = decode(&app.get(&format!("/api/tiles/patches/{}.mvt", place(zoom))).await.bytes);
        let mut drawn: Vec<&str> = features.iter().map(|feature| feature["patch_id"].as_str()).collect();
        drawn.sort_unstable();
        assert_eq!(drawn, ["DIAGONAL", "EW", "NS"], "zoom {zoom}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_etag_of_a_tile_covers_all_that_it_depends_on() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &File::default().patch("Q4", &[city::square()])).await;
    app.uploaded("period=2022-05&level=city", &File::default().patch("Q5", &[city::square()])).await;
    let mut known = std::collections::BTreeMap::new();
    for path in [
        "patches/{}.mvt",
        "patches/{}.mvt?period=2022-04",
        "patches/{}.mvt?period=2022-05",
        "patches/{}.mvt?period=2022-04&until=2022-05",
        "county/{}.mvt",
        "farmland/{}.mvt",
    ] {
        let answer = app.get(&format!("/api/tiles/{}", path.replace("{}", &place(14)))).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(known.insert(answer.header("etag").to_owned(), path), None, "{path} has an ETag of another");
    }
    // The same question in other words, or at another address, is the same answer.
    let april = app.get(&format!("/api/tiles/patches/{}.mvt?period=2022-04", place(14))).await;
    for same in ["period=2022-04&until=2022-04", "until=2022-04&period=2022-04&v=9"] {
        assert_eq!(app.get(&format!("/api/tiles/patches/{}.mvt?{same}", place(14))).await.header("etag"), april.header("etag"), "{same}");
    }
    // What is drawn as before is the same answer, though another version is in force; drawn otherwise it is another.
    let before = app.get(&format!("/api/tiles/county/{}.mvt", place(10))).await.header("etag").to_owned();
    app.import_layer(LayerKind::County, &city::counties(), "2022-02-01").await;
    assert_eq!(app.get(&format!("/api/tiles/county/{}.mvt", place(10))).await.header("etag"), before);
    app.import_layer(LayerKind::County, &city::counties().replaced("罗庄区", "新区"), "2022-03-01").await;
    assert_ne!(app.get(&format!("/api/tiles/county/{}.mvt", place(10))).await.header("etag"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_are_drawn_of_the_months_asked_for() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &File::default().patch("Q4", &[city::square()])).await;
    app.uploaded("period=2022-05&level=city", &File::default().patch("Q5", &[city::square()])).await;
    for (query, ids) in
        [("", &["Q4", "Q5"][..]), ("?period=2022-05", &["Q5"]), ("?period=2022-04&until=2022-05", &["Q4", "Q5"]), ("?period=2022-04&v=7", &["Q4"])]
    {
        let (_, features) = decode(&app.get(&format!("/api/tiles/patches/{}.mvt{query}", place(14))).await.bytes);
        assert_eq!(features.iter().map(|feature| feature["patch_id"].as_str()).collect::<Vec<_>>(), ids, "{query}");
    }
    assert_eq!(app.get(&format!("/api/tiles/patches/{}.mvt?period=2022-06", place(14))).await.status, 204);
    assert_eq!(app.get(&format!("/api/tiles/patches/{}.mvt?until=2022-06", place(14))).await.problem(400, "parameter")["parameter"], "period");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tile_that_is_known_is_not_sent_again_until_something_changes() {
    let app = TestApp::city().await;
    let path = format!("/api/tiles/county/{}.mvt", place(10));
    let known = app.get(&path).await.header("etag").to_owned();
    assert!(known.starts_with('"'), "{known}");
    let ask = || app.send(app.request(Method::GET, &path).header("if-none-match", &known));
    let same = ask().await;
    assert_eq!((same.status.as_u16(), same.bytes.len(), same.header("etag")), (304, 0, known.as_str()));
    // Something else that is stored changes nothing that is drawn here.
    app.uploaded(APRIL, &city::one_of_each()).await;
    assert_eq!(ask().await.status, 304);
    app.import_layer(LayerKind::County, &city::counties().replaced("罗庄区", "新区"), "2022-03-01").await;
    let changed = ask().await;
    assert_eq!((changed.status.as_u16(), changed.header("cache-control")), (200, "private, no-cache"));
}

/// As the command line does while the service runs: the layers in force are loaded anew a moment later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_is_drawn_as_soon_as_it_is_stored() {
    let app = TestApp::bare().await;
    let path = app.write("county.geojson", &city::counties().text());
    let file = LayerFile::new(path, LayerKind::County, "行政区".to_owned(), "2022-01-01".parse().unwrap());
    app.service.import_layer(&Scope::all(), &file, &|_| {}).await.unwrap();
    let path = format!("/api/tiles/county/{}.mvt", place(10));
    let at_once = app.get(&path).await;
    app.service.refresh_atlas().await.unwrap();
    let later = app.get(&path).await;
    assert_eq!((at_once.status, &at_once.bytes), (later.status, &later.bytes));
    assert_eq!(decode(&later.bytes).1.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tile_that_cannot_be_is_not_found() {
    let app = TestApp::city().await;
    for path in ["county/10/1024/0.mvt", "county/10/0/1024.mvt", "county/23/0/0.mvt", "nonsense/0/0/0.mvt", "parcels/13/6787/3245.mvt"] {
        app.get(&format!("/api/tiles/{path}")).await.problem(404, "not_found");
    }
    for path in ["county/x/0/0.mvt", "county/0/x/0.mvt", "county/0/0/x.mvt", "county/0/0/-1.mvt", "county/256/0/0.mvt"] {
        app.get(&format!("/api/tiles/{path}")).await.problem(400, "parameter");
    }
    let elsewhere = app.get("/api/tiles/county/10/0/0.mvt").await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.bytes.len()), (204, 0));
    assert_eq!(text(&app.get("/api/tiles/county/0/0/x.mvt").await.json()["parameter"]), "y");
}
