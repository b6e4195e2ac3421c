//! Files as they really arrive, through every door of the command line.

use super::{app::city, demo, done, run, tuban};
use crate::formats_files::kit::{ogr2ogr, program, zip_folder};
use serde_json::Value;
use std::process::Stdio;

/// The survey of four patches as a zipped Shapefile in GBK and zone 39, and the layers of the city in one `GeoPackage`.
fn delivery() -> tempfile::TempDir {
    // Found beside `tuban` once it is built.
    program();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (geojson, shapes) = (path.join("tb.geojson"), path.join("shapes"));
    std::fs::create_dir(&shapes).unwrap();
    std::fs::write(&geojson, city::one_of_each().text()).unwrap();
    ogr2ogr(&["-f", "ESRI Shapefile", "-lco", "ENCODING=GBK", "-t_srs", "EPSG:4527"], &shapes.join("图斑.shp"), &geojson);
    zip_folder(&path.join("tb.zip"), &shapes, "上报/");
    for (kind, layer) in city::layers() {
        std::fs::write(path.join(format!("{kind}.geojson")), layer.text()).unwrap();
        let gpkg = path.join("city.gpkg");
        let update: &[&str] = if gpkg.exists() { &["-update"] } else { &[] };
        ogr2ogr(&[&["-f", "GPKG", "-nln", kind.word()], update].concat(), &gpkg, &path.join(format!("{kind}.geojson")));
    }
    folder
}

#[test]
fn a_survey_and_layers_that_gdal_reads_are_looked_at_taken_in_and_given_out_again() {
    let folder = delivery();
    let path = folder.path();
    for kind in ["county", "farmland", "approved"] {
        let add = ["layer", "add", "--kind", kind, "--name", kind, "--effective", "2022-01-01", "city.gpkg"];
        let (code, _, said) = run(path, &add);
        assert!(code == 3 && said.contains("--layer-name") && said.contains(kind), "{code} {said}");
        let said = done(path, &[&add[..], &["--layer-name", kind]].concat());
        assert!(said.contains("EPSG:4326") && said.contains(" 0 rejected"), "{said}");
    }
    let seen = done(path, &["inspect", "tb.zip", "--database", "sqlite:tuban.db"]);
    for said in ["Shapefile", "“图斑”", "EPSG:4527 (file)", "编码 encoding: GBK", "JCBH → patch_id", "L1", "4 features: 4 would be taken in"] {
        assert!(seen.contains(said), "{said} in {seen}");
    }
    let said = done(path, &["survey", "add", "--period", "2022-04", "--level", "city", "tb.zip"]);
    assert!(said.contains("EPSG:4527: 4 patches: 1 legal, 1 suspected illegal, 1 other, 1 doubtful") && said.contains("文字编码：GBK"), "{said}");
    assert_eq!(done(path, &["export", "findings", "--format", "gpkg", "-o", "out.gpkg"]), "out.gpkg: 4 features\n");
    assert_eq!(done(path, &["export", "findings", "--format", "shp", "--encoding", "GBK", "--crs", "EPSG:4549", "-o", "out.zip"]), "out.zip: 4 features\n");
    for file in ["out.gpkg", "out.zip"] {
        let seen = done(path, &["inspect", file]);
        assert!(seen.contains("4 features: 4 would be taken in") && seen.contains("兰山区"), "{seen}");
    }
}

#[test]
fn classify_takes_one_of_several_layers_of_a_file() {
    let folder = delivery();
    let path = folder.path();
    let classify = |layers: [&str; 3], out: &str| {
        let layers = layers.iter().flat_map(|layer| ["--layer", layer]);
        let arguments: Vec<&str> = ["classify", "tb.zip", "-o", out].into_iter().chain(layers).collect();
        run(path, &arguments)
    };
    let (code, _, said) = classify(["county=city.gpkg#county", "farmland=city.gpkg", "approved=city.gpkg#approved"], "out.csv");
    assert!(code == 3 && said.contains("city.gpkg") && said.contains("write --layer farmland=FILE#LAYER"), "{code} {said}");
    let (code, _, said) = classify(["county=city.gpkg#county", "farmland=city.gpkg#parcels", "approved=city.gpkg#approved"], "out.csv");
    assert!(code == 3 && said.contains("parcels") && said.contains("farmland"), "{code} {said}");
    assert!(!path.join("out.csv").exists());
    let (code, _, said) = classify(["county=city.gpkg#county", "farmland=city.gpkg#farmland", "approved=city.gpkg#approved"], "gpkg.csv");
    // What is to be said of how the file was read goes to standard error.
    assert!(code == 0 && said.contains("文字编码：GBK"), "{code} {said}");
    assert_eq!(classify(["county=county.geojson", "farmland=farmland.geojson", "approved=approved.geojson"], "geojson.csv").0, 0);
    let rows = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
    assert_eq!(rows("gpkg.csv"), rows("geojson.csv"));
    // A file with the sign in its name is that file.
    std::fs::copy(path.join("farmland.geojson"), path.join("地类#2022.geojson")).unwrap();
    assert_eq!(classify(["county=county.geojson", "farmland=地类#2022.geojson", "approved=approved.geojson"], "sign.csv").0, 0);
    assert_eq!(rows("sign.csv"), rows("geojson.csv"));
}

#[test]
fn a_layer_on_an_older_datum_is_not_read_in_the_crs_of_the_patches() {
    let folder = delivery();
    let path = folder.path();
    ogr2ogr(&["-f", "ESRI Shapefile", "-t_srs", "EPSG:4527"], &path.join("dltb.shp"), &path.join("farmland.geojson"));
    let arguments = ["classify", "tb.zip", "-o", "out.csv", "--crs", "EPSG:4527", "--layer", "farmland=dltb.shp"];
    let xian = r#"PROJCS["CGCS2000_3_Degree_GK_Zone_39",GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",SPHEROID["Xian_1980",6378140.0,298.257]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",39500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",117.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#;
    std::fs::write(path.join("dltb.prj"), xian).unwrap();
    let (code, _, said) = run(path, &arguments);
    assert!(code == 3 && said.contains("Xi'an 1980") && said.contains("dltb.shp"), "{code} {said}");
    // Of one that names none, what is said of the patches holds.
    std::fs::remove_file(path.join("dltb.prj")).unwrap();
    done(path, &arguments);
}

#[test]
fn what_would_run_in_a_spreadsheet_is_text_in_the_findings() {
    let folder = tempfile::tempdir().unwrap();
    let patches = city::one_of_each().patch("=cmd|' /C calc'!A0", &[city::square()]);
    std::fs::write(folder.path().join("tb.geojson"), patches.text()).unwrap();
    done(folder.path(), &["classify", "tb.geojson", "-o", "out.csv"]);
    let text = std::fs::read_to_string(folder.path().join("out.csv")).unwrap();
    assert!(text.contains("\n'=cmd|' /C calc'!A0,"), "{text}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_an_inspection_quietly() {
    let mut inspect = tuban(demo(), &["inspect", "survey-2022-04.geojson"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Gone before the first line.
    drop(inspect.stdout.take());
    let ended = inspect.wait_with_output().unwrap();
    let complained = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && complained.is_empty(), "{} {complained}", ended.status);
}

#[test]
fn names_in_a_file_cannot_drive_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a\u001b]0;owned\u0007b":1},"geometry":null}]}"#;
    std::fs::write(folder.path().join("tb.geojson"), text).unwrap();
    let (_, said, _) = run(folder.path(), &["inspect", "tb.geojson"]);
    assert!(said.contains("a�]0;owned�b") && !said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn a_real_number_of_a_spreadsheet_is_a_code_again() {
    program();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("farmland.geojson"), city::layers().into_iter().find(|(kind, _)| kind.word() == "farmland").unwrap().1.text()).unwrap();
    let real = "SELECT CAST(DLBM AS REAL) AS DLBM, geometry FROM farmland";
    ogr2ogr(&["-f", "GPKG", "-nln", "farmland", "-dialect", "sqlite", "-sql", real], &path.join("dltb.gpkg"), &path.join("farmland.geojson"));
    let said = done(path, &["layer", "add", "--kind", "farmland", "--name", "DLTB", "--effective", "2022-01-01", "dltb.gpkg"]);
    // Of 0102, 0301, 0101 and 1202 three had a zero to lose.
    assert!(said.contains(" 4 features") && said.contains(" 0 rejected") && said.contains("3 个 DLBM 丢失了前导 0"), "{said}");
    let exported = done(path, &["export", "layer", "1", "--format", "geojson", "-o", "out.geojson"]);
    assert_eq!(exported, "out.geojson: 4 features\n");
    let back: Value = serde_json::from_slice(&std::fs::read(path.join("out.geojson")).unwrap()).unwrap();
    let codes: Vec<&str> = back["features"].as_array().unwrap().iter().map(|one| one["properties"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["0102", "0301", "0101", "1202"]);
}
