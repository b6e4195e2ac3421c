//! Exports as their readers meet them: opened by GDAL itself (`ogr2ogr` of gdal-bin), by openpyxl, and taken in again.

use super::kit::{self, city, findings, folder, patience, program, worst_m2};
use super::writing::read_back;
use crate::app::{APRIL, TestApp, city::one_of_each, city::square, file::File, number, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tuban::formats::Stated;
use tuban::formats::ogr::{Fault, Workshop};
use tuban::scope::Scope;
use tuban::service::layers::import::LayerFile;
use tuban_engine::model::LayerKind;

fn with_program(workshop: Workshop) -> Workshop {
    Workshop { program: Some(program()), ..workshop }
}

/// The service with the demo city's layers and its survey of April.
async fn demo() -> TestApp {
    let app = TestApp::with_workshop(with_program).await;
    for kind in LayerKind::ALL {
        take_layer(&app, *kind, city().join(format!("{kind}.geojson"))).await;
    }
    app.service.refresh_atlas().await.unwrap();
    let answer = app.upload(APRIL, std::fs::read(kit::survey()).unwrap()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    app
}

async fn take_layer(app: &TestApp, kind: LayerKind, path: PathBuf) -> u64 {
    let file = LayerFile::new(path, kind, kind.chinese().to_owned(), "2022-01-01".parse().unwrap());
    app.service.import_layer(&Scope::all(), &file, &|_| {}).await.unwrap().layer.features
}

/// An export, saved under its ending; what GDAL calls it.
async fn export(app: &TestApp, what: &str, format: &str, at: &Path) -> (PathBuf, PathBuf) {
    let answer = app.get(&format!("/api/exports/{what}")).await;
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    app.has_an_empty_spool();
    let name = answer.header("content-disposition").rsplit('.').next().unwrap().to_owned();
    let path = at.join(format!("export.{name}"));
    std::fs::write(&path, answer.bytes).unwrap();
    let layer = if what.starts_with("findings") { "findings" } else { "county" };
    let inside = PathBuf::from(format!("/vsizip/{}/{layer}.{format}", path.display()));
    if name == "zip" { (path, inside) } else { (path.clone(), path) }
}

/// By patch id: county name and verdict shown.
fn said(features: &Value, names: [&str; 3]) -> BTreeMap<String, (String, String)> {
    let word = |feature: &Value, name: &str| feature["properties"][name].as_str().unwrap_or_default().to_owned();
    features.as_array().unwrap().iter().map(|one| (word(one, names[0]), (word(one, names[1]), word(one, names[2])))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_holds_the_same_features_areas_and_chinese_text_and_gives_the_same_findings_again() {
    let app = demo().await;
    let ours: BTreeMap<String, Vec<String>> =
        findings(&kit::survey(), Stated::default()).into_iter().filter(|(_, row)| !row[10].starts_with("rejected")).collect();
    let known = said(&Value::Array(app.patches("limit=5000").await), ["patch_id", "county_name", "verdict"]);
    assert!(known.len() > 1900 && known.len() == ours.len(), "{}", known.len());
    let (areas, rows) = areas_known(&app.patches("limit=5000").await);
    for format in ["csv", "xlsx"] {
        let at = folder();
        let (path, _) = export(&app, &format!("findings?period=2022-04&format={format}"), format, at.path()).await;
        let table = if format == "csv" { csv_rows(&path) } else { workbook_rows(&path) };
        assert!(table[0][7..7 + 2 * AREAS.len()].iter().all(|name| name.contains("面积")), "{:?}", table[0]);
        // A table has square metres with four decimals (CSV) or to the last digit (XLSX), after seven other columns.
        let back = table[1..].iter().map(|row| (row[1].clone(), row[7..7 + 2 * AREAS.len()].iter().map(|cell| cell.parse().unwrap()).collect())).collect();
        same_areas(&areas, &back, if format == "csv" { 5e-5 } else { 1e-9 }, format);
        assert_eq!(table.len() - 1, rows, "{format}");
    }
    for (format, more) in [
        ("geojson", ""),
        ("geojson", "&crs=EPSG:4528"),
        ("gpkg", ""),
        ("gpkg", "&crs=EPSG:4549"),
        ("shp", "&encoding=GBK&crs=EPSG:4527"),
        ("shp", "&encoding=utf-8"),
        ("gdb", "&crs=4528"),
        ("fgb", "&crs=EPSG:4548"),
    ] {
        let at = folder();
        let (path, for_gdal) = export(&app, &format!("findings?period=2022-04&format={format}{more}"), format, at.path()).await;
        // Oracle: the same survey as it was sent, classified without a store; its areas are read back through `tuban-ogr` and our kernel.
        let worst = worst_m2(&ours, &findings(&path, Stated::default()), &[]);
        assert!(worst < 0.01, "{format}{more}: {worst} m²");
        let names = if format == "shp" { ["JCBH", "XZQMC", "PD"] } else { ["patch_id", "county_name", "verdict"] };
        let features = read_back(&for_gdal, at.path());
        let back = said(&features, names);
        same_areas(&areas, &areas_of(&features, format == "shp"), if format == "shp" { 5e-5 } else { 1e-9 }, format);
        let chinese = |(county, verdict): &(String, String)| (county.clone(), if format == "shp" { in_chinese(verdict) } else { verdict }.to_owned());
        assert_eq!(back, known.iter().map(|(id, words)| (id.clone(), chinese(words))).collect(), "{format}{more}");
    }
}

/// The areas of a finding, each in m² and 亩: keys in the API and in files, names in a Shapefile.
const AREAS: [(&str, &str); 17] = [
    ("area", "JCMJ"),
    ("farmland", "GDMJ"),
    ("basic_farmland", "JBNTMJ"),
    ("red_line", "STHXMJ"),
    ("urban_boundary", "CZKFMJ"),
    ("approved", "PZMJ"),
    ("approved_farmland", "PZGDMJ"),
    ("approved_before", "PZQMJ"),
    ("approved_before_farmland", "PZQGDMJ"),
    ("approved_undated", "PZWRQMJ"),
    ("approved_undated_farmland", "PZWRQGD"),
    ("approved_later", "BBMJ"),
    ("approved_later_farmland", "BBGDMJ"),
    ("approved_in_time", "PZJSMJ"),
    ("approved_in_time_farmland", "PZJSGD"),
    ("other_use", "QTYTMJ"),
    ("other_use_farmland", "QTYTGD"),
];

/// By patch id, m² and 亩 of each area.
type Table = BTreeMap<String, Vec<f64>>;

/// As the API answers them, and how many patches there are.
fn areas_known(patches: &[Value]) -> (Table, usize) {
    let of = |patch: &Value| AREAS.iter().flat_map(|(key, _)| [number(&patch["properties"][key]["m2"]), number(&patch["properties"][key]["mu"])]).collect();
    (patches.iter().map(|patch| (text(&patch["properties"]["patch_id"]), of(patch))).collect(), patches.len())
}

/// As they stand in the fields of a file.
fn areas_of(features: &Value, short: bool) -> Table {
    let names: Vec<String> = AREAS
        .iter()
        .flat_map(|(key, name)| if short { [(*name).to_owned(), format!("{name}_MU")] } else { [format!("{key}_m2"), format!("{key}_mu")] })
        .collect();
    let id = if short { "JCBH" } else { "patch_id" };
    let of = |one: &Value| names.iter().map(|name| number(&one["properties"][name])).collect();
    features.as_array().unwrap().iter().map(|one| (text(&one["properties"][id]), of(one))).collect()
}

/// Every area of every patch, to what the format keeps of a square metre; 亩 have their two decimals everywhere.
fn same_areas(ours: &Table, theirs: &Table, keeps_m2: f64, format: &str) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{format}");
    for (id, areas) in ours {
        assert_eq!(areas.len(), theirs[id].len());
        for (place, (a, b)) in areas.iter().zip(&theirs[id]).enumerate() {
            // A text of fifteen digits may move the last bit of a number.
            let bound = if place % 2 == 0 { keeps_m2 + a * 1e-15 } else { a * 1e-15 };
            assert!((a - b).abs() <= bound, "{format} {id} {}: {a} {b}", AREAS[place / 2].0);
        }
    }
}

fn csv_rows(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).unwrap();
    let rows = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[3..]).into_records();
    rows.map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// As openpyxl reads them.
fn workbook_rows(path: &Path) -> Vec<Vec<String>> {
    const SCRIPT: &str = "import json, sys, openpyxl\n\
        print(json.dumps([['' if cell is None else str(cell) for cell in row] for row in openpyxl.load_workbook(sys.argv[1]).active.values]))";
    let done = Command::new("/usr/bin/python3").args(["-c", SCRIPT]).arg(path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn in_chinese(verdict: &str) -> &str {
    [("legal", "合法"), ("suspected_illegal", "疑似违法"), ("other", "其他"), ("doubtful", "存疑")].into_iter().find(|(word, _)| *word == verdict).unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_choose_one_county_one_patch_or_one_verdict() {
    let app = TestApp::city().await;
    let survey = app.uploaded(APRIL, &one_of_each()).await["id"].clone();
    for (filter, ids) in [
        ("", "L1 S1 O1 D1"),
        ("&county=371302", "L1 S1 O1"),
        ("&county=371311", "D1"),
        ("&verdict=suspected_illegal", "S1"),
        ("&verdict=legal&county=371311", ""),
        ("&patch=2", "S1"),
        ("&patch=2&county=371311", ""),
        (&format!("&survey={survey}"), "L1 S1 O1 D1"),
        ("&period=2022-05", ""),
        ("&period=2022-01&until=2022-12&verdict=other", "O1"),
    ] {
        let back = app.read(&format!("/api/exports/findings?format=geojson{filter}")).await;
        let got: Vec<String> = back["features"].as_array().unwrap().iter().map(|one| text(&one["properties"]["patch_id"])).collect();
        assert_eq!(got.join(" "), ids, "{filter}");
    }
    // Neither a county of the layer in force, nor one with patches.
    assert_eq!(app.get("/api/exports/findings?format=geojson&county=371329").await.status, 404);
    let answer = app.get("/api/exports/findings?format=csv&period=2022-04&county=371302").await;
    // Oracle: Python, urllib.parse.quote("套合结果_2022-04_兰山区.csv").
    let name = "%E5%A5%97%E5%90%88%E7%BB%93%E6%9E%9C_2022-04_%E5%85%B0%E5%B1%B1%E5%8C%BA.csv";
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"export.csv\"; filename*=UTF-8''{name}"));
    let mut table = csv::Reader::from_reader(&answer.bytes[3..]);
    let heading = table.headers().unwrap().clone();
    let column = |name: &str| heading.iter().position(|one| one == name).unwrap();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert!(rows.len() == 3 && rows.iter().all(|row| &row[6] == "兰山区"), "{rows:?}");
    let patch = app.patch("S1").await;
    assert_eq!(rows[1][7].parse::<f64>().unwrap(), (number(&patch["properties"]["area"]["m2"]) * 1e4).round() / 1e4);
    assert_eq!((&rows[1][8], &rows[1][column("判定")]), (format!("{:.2}", number(&patch["properties"]["area"]["mu"])).as_str(), "疑似违法"));
    assert!(rows[1][column("图层版本")].contains("地类图斑#2@2022-01-01"), "{:?}", &rows[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workbook_opens_elsewhere_and_text_that_looks_like_a_formula_is_text() {
    const SCRIPT: &str = "import json, sys, openpyxl\n\
        rows = list(openpyxl.load_workbook(sys.argv[1]).active.iter_rows())\n\
        print(json.dumps([[[cell.data_type, cell.value] for cell in row] for row in rows]))";
    let app = TestApp::city().await;
    app.uploaded(APRIL, &File::default().patch("=HYPERLINK(1)", &[square()])).await;
    let at = folder();
    let (path, _) = export(&app, "findings?format=xlsx", "xlsx", at.path()).await;
    let done = Command::new("/usr/bin/python3").args(["-c", SCRIPT]).arg(&path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let rows: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((text(&rows[0][1][1]), text(&rows[0][7][1])), ("图斑编号".to_owned(), "图斑面积（平方米）".to_owned()));
    // Oracle: openpyxl, which reads a formula as “f”, text as “s” and a number as “n”.
    assert_eq!((text(&rows[1][1][0]), text(&rows[1][1][1])), ("s".to_owned(), "=HYPERLINK(1)".to_owned()));
    assert!(rows[1][7][0] == "n" && (number(&rows[1][7][1]) - crate::app::city::SQUARE_M2).abs() < 1e-3, "{rows}");
    assert_eq!(rows.as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_leaves_and_comes_in_again() {
    let app = TestApp::with_workshop(with_program).await;
    let features = take_layer(&app, LayerKind::County, city().join("county.geojson")).await;
    let id = app.read("/api/layers").await["layers"][0]["id"].clone();
    for (format, more) in [("shp", "&encoding=GBK&crs=EPSG:4527"), ("gpkg", ""), ("gdb", ""), ("geojson", "&crs=EPSG:4549"), ("fgb", "")] {
        let at = folder();
        let (path, for_gdal) = export(&app, &format!("layers/{id}?format={format}{more}"), format, at.path()).await;
        let back = read_back(&for_gdal, at.path());
        let name = if format == "shp" { "XZQMC" } else { "name" };
        let names: Vec<String> = back.as_array().unwrap().iter().map(|one| text(&one["properties"][name])).collect();
        assert!(names.len() as u64 == features && names.contains(&"兰山区".to_owned()), "{format}: {names:?}");
        assert_eq!(take_layer(&app, LayerKind::County, path).await, features, "{format}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_exported_is_a_problem_that_names_the_parameter() {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &one_of_each()).await;
    for (query, parameter) in [
        ("findings", "format"),
        ("findings?format=dwg", "format"),
        ("findings?format=shp&encoding=big5", "encoding"),
        ("findings?format=gpkg&encoding=GBK", "encoding"),
        ("findings?format=gpkg&crs=EPSG:2345", "crs"),
        ("findings?format=csv&crs=EPSG:4527", "crs"),
        ("findings?format=csv&county=3713", "county"),
        ("findings?format=csv&survey=x", "survey"),
        ("findings?format=csv&period=2022-13", "period"),
        ("findings?format=csv&until=2022-05", "period"),
        ("findings?format=csv&patch=S1", "patch"),
        ("findings?format=csv&verdict=guilty", "verdict"),
        ("layers/1?format=", "format"),
    ] {
        let problem = app.get(&format!("/api/exports/{query}")).await.problem(400, "parameter");
        assert_eq!(problem["parameter"], parameter, "{query}");
    }
    for (query, named) in [
        ("findings?format=csv&survey=99", "99"),
        ("findings?format=csv&patch=99", "99"),
        ("findings?format=csv&county=110101", "110101"),
        ("layers/99?format=csv", "99"),
    ] {
        let problem = app.get(&format!("/api/exports/{query}")).await.problem(404, "not_found");
        assert!(text(&problem["detail"]).contains(named), "{problem}");
    }
    let problem = app.get("/api/exports/findings?format=geojson&crs=EPSG:4513").await.problem(422, "outside_crs");
    assert!(text(&problem["detail"]).contains("L1") && text(&problem["detail"]).contains("EPSG:4513"), "{problem}");
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_or_is_not_there_is_a_problem_and_leaves_nothing() {
    for (fault, code) in [(Some(Fault::Crash), "worker_crashed"), (Some(Fault::Hang), "worker_silent"), (None, "no_ogr")] {
        let app = TestApp::with_workshop(|workshop| match fault {
            Some(name) => Workshop { fault, patience: patience(name), ..with_program(workshop) },
            None => Workshop { program: None, ..workshop },
        })
        .await;
        app.uploaded(APRIL, &one_of_each()).await;
        app.get("/api/exports/findings?format=gpkg").await.problem(503, code);
        app.has_an_empty_spool();
        assert_eq!(app.get("/api/exports/findings?format=csv").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_leaves_nothing_behind() {
    let app = TestApp::with_workshop(|workshop| Workshop { fault: Some(Fault::Hang), patience: Duration::from_secs(2), ..with_program(workshop) }).await;
    app.uploaded(APRIL, &one_of_each()).await;
    let left = app.request(reqwest::Method::GET, "/api/exports/findings?format=gpkg").timeout(Duration::from_millis(500)).send().await;
    assert!(left.unwrap_err().is_timeout());
    let mut waits = 0;
    while std::fs::read_dir(app.service.spool()).unwrap().count() > 0 && waits < 100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        waits += 1;
    }
    app.has_an_empty_spool();
}
