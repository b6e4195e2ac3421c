//! The same survey in every format, encoding and zone gives the same findings.

use super::kit::{city, crs, findings, folder, look, ogr2ogr, shapefile, survey, workshop, worst_m2, zip, zip_folder};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use tuban::formats::Stated;

/// The issue's goal for any area of any patch.
const GOAL_M2: f64 = 0.01;
/// A patch without geometry, which `FlatGeobuf` does not write.
const NOWHERE: &[&str] = &["371329000616"];

/// All patches but those whose outlines are none.
const SOUND: &str = "JCBH NOT IN ('371322000043', '371328001366', '371329000616')";

/// As the survey in `GeoJSON`.
fn same(path: &Path, stated: Stated, but: &[&str]) {
    static GEOJSON: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    same_as(GEOJSON.get_or_init(|| findings(&survey(), Stated::default())), path, stated, but);
}

/// As the survey in `GeoJSON` without the days of its images, which some files do not keep: approvals and layers count by them.
fn same_undated(path: &Path, but: &[&str]) {
    static UNDATED: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    let undated = || {
        let folder = folder();
        let undated = folder.path().join("undated.geojson");
        ogr2ogr(&["-f", "GeoJSON", "-select", "JCBH,XZQDM,XZQMC,TBLX,JCMJ"], &undated, &survey());
        findings(&undated, Stated::default())
    };
    same_as(UNDATED.get_or_init(undated), path, Stated::default(), but);
}

fn same_as(expected: &BTreeMap<String, Vec<String>>, path: &Path, stated: Stated, but: &[&str]) {
    let worst = worst_m2(expected, &findings(path, stated), but);
    println!("{}: worst {worst:.6} m²", path.file_name().unwrap().to_string_lossy());
    assert!(worst <= GOAL_M2, "{worst}");
}

#[test]
fn a_zipped_shapefile_in_gbk_and_zone_39_without_cpg() {
    let at = folder();
    let shp = shapefile(at.path(), "图斑", &["-t_srs", "EPSG:4527", "-lco", "ENCODING=GBK"]);
    std::fs::remove_file(shp.with_extension("cpg")).unwrap();
    std::fs::write(at.path().join("._图斑.shp"), b"ghost").unwrap();
    let archive = at.path().join("沂南.zip");
    let files: Vec<(String, Vec<u8>)> = ["shp", "shx", "dbf", "prj"]
        .map(|extension| (format!("上报/图斑.{}", extension.to_uppercase()), std::fs::read(shp.with_extension(extension)).unwrap()))
        .into();
    let mut entries: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    entries.extend([("__MACOSX/上报/._图斑.shp", &b"ghost"[..]), ("上报/.DS_Store", b"ghost"), ("上报/说明.txt", b"hello")]);
    zip(&archive, &entries);
    same(&archive, Stated::default(), &[]);
    let seen = look(&archive, Stated::default(), &workshop(at.path())).unwrap();
    assert_eq!((seen.layer.as_deref(), seen.encoding.unwrap().label, seen.crs.unwrap().to_string()), (Some("图斑"), "GB18030", "EPSG:4527".to_owned()));
    assert!(seen.preview[0].contains("费县") && seen.preview[0].contains("道路"), "{}", seen.preview[0]);
    assert!(seen.fields.contains(&("JCBH".to_owned(), Some("patch_id".to_owned()))));
    assert_eq!((seen.features, seen.rejected, seen.preview.len()), (2000, 3, 5));
}

#[test]
fn a_shapefile_whose_cpg_lies() {
    let at = folder();
    let shp = shapefile(at.path(), "tb", &["-lco", "ENCODING=GBK"]);
    std::fs::write(shp.with_extension("cpg"), "UTF-8").unwrap();
    let seen = look(&shp, Stated::default(), &workshop(at.path())).unwrap();
    assert!(seen.preview[0].contains("费县"), "{}", seen.preview[0]);
    same(&shp, Stated::default(), &[]);
    let utf8 = shapefile(at.path(), "utf8", &["-lco", "ENCODING=UTF-8"]);
    std::fs::write(utf8.with_extension("cpg"), "GBK").unwrap();
    let seen = look(&utf8, Stated::default(), &workshop(at.path())).unwrap();
    assert_eq!(seen.encoding.unwrap().label, "UTF-8");
    let seen = look(&utf8, Stated { encoding: Some("GBK".to_owned()), ..Stated::default() }, &workshop(at.path())).unwrap();
    assert!(!seen.preview[0].contains("费县"), "people win, for better or worse");
}

#[test]
fn text_that_is_not_in_the_encoding_is_counted_and_said() {
    let at = folder();
    let shp = shapefile(at.path(), "tb", &["-lco", "ENCODING=GBK"]);
    let said = |encoding: &str| {
        let seen = look(&shp, Stated { encoding: Some(encoding.to_owned()), ..Stated::default() }, &workshop(at.path())).unwrap();
        seen.warnings.iter().find(|words| words.zh.contains('\u{FFFD}')).map(|words| words.zh.clone())
    };
    assert_eq!(said("GBK"), None);
    assert!(said("UTF-8").unwrap().contains("2000 行的文字"), "{:?}", said("UTF-8"));
}

#[test]
fn an_encoding_is_for_shapefiles_and_an_unknown_one_is_told_everywhere() {
    let at = folder();
    let gpkg = at.path().join("tb.gpkg");
    ogr2ogr(&["-f", "GPKG", "-limit", "20"], &gpkg, &survey());
    let say = |path: &Path, encoding: &str| look(path, Stated { encoding: Some(encoding.to_owned()), ..Stated::default() }, &workshop(at.path())).unwrap();
    for path in [&gpkg, &survey()] {
        let seen = say(path, "GBK");
        assert!(seen.problem.is_none() && seen.preview[0].contains("费县"), "{}", seen.preview[0]);
        assert!(seen.warnings.iter().any(|words| words.zh.contains("GBK 没有采用")), "{:?}", seen.warnings);
        assert_eq!(say(path, "klingon").problem.unwrap().code, "encoding");
    }
}

#[test]
fn numbers_and_codes_that_a_spreadsheet_made_real_are_whole_again() {
    let at = folder();
    let (gpkg, shp) = (at.path().join("tb.gpkg"), at.path().join("tb.shp"));
    let real = ["-mapFieldType", "String=Real", "-select", "JCBH,XZQDM"];
    ogr2ogr(&[&["-f", "GPKG"], &real[..]].concat(), &gpkg, &survey());
    ogr2ogr(&[&["-f", "ESRI Shapefile"], &real[..]].concat(), &shp, &survey());
    for path in [gpkg, shp] {
        let seen = look(&path, Stated::default(), &workshop(at.path())).unwrap();
        assert!(!seen.preview[0].contains(".0"), "{}", seen.preview[0]);
        same_undated(&path, &[]);
    }
}

#[test]
fn a_shapefile_in_six_digits_with_what_esri_writes_for_a_prj() {
    let at = folder();
    let shp = shapefile(at.path(), "tb", &["-t_srs", "EPSG:4549", "-lco", "ENCODING=UTF-8"]);
    let esri = r#"PROJCS["CGCS2000_3_Degree_GK_CM_120E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",120.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#;
    std::fs::write(shp.with_extension("prj"), esri).unwrap();
    same(&shp, Stated::default(), &[]);
    std::fs::remove_file(shp.with_extension("prj")).unwrap();
    same(&shp, crs("EPSG:4549"), &[]);
}

#[test]
fn a_geodatabase_in_zone_40_with_two_layers() {
    let at = folder();
    let gdb = at.path().join("监测.gdb");
    // Fine enough a grid: the usual one of 0.1 mm moves the largest patches' areas by up to 0.012 m².
    let fine = [
        "-f",
        "OpenFileGDB",
        "-t_srs",
        "EPSG:4528",
        "-nlt",
        "MULTIPOLYGON",
        "-lco",
        "XYSCALE=10000000",
        "-lco",
        "XORIGIN=40000000",
        "-lco",
        "YORIGIN=3000000",
        "-nln",
        "监测图斑",
    ];
    ogr2ogr(&fine, &gdb, &survey());
    same(&gdb, Stated::default(), &[]);
    let archive = at.path().join("gdb.zip");
    zip_folder(&archive, &gdb, "交付/监测.gdb/");
    same(&archive, Stated::default(), &[]);
    ogr2ogr(&["-update", "-f", "OpenFileGDB", "-t_srs", "EPSG:4528", "-nlt", "MULTIPOLYGON", "-nln", "批准用地"], &gdb, &city().join("approved.geojson"));
    let seen = look(&gdb, Stated::default(), &workshop(at.path())).unwrap();
    let words = seen.problem.unwrap().words;
    assert!(words.zh.contains("监测图斑（2000，") && words.zh.contains("批准用地（") && words.zh.contains("请指明要哪一个"), "{}", words.zh);
    same(&gdb, Stated { layer: Some("监测图斑".to_owned()), ..Stated::default() }, &[]);
    let seen = look(&gdb, Stated { layer: Some("没有".to_owned()), ..Stated::default() }, &workshop(at.path())).unwrap();
    assert_eq!(seen.problem.unwrap().code, "no_such_layer");
}

#[test]
fn a_geopackage_in_4490() {
    let at = folder();
    let gpkg = at.path().join("tb.gpkg");
    ogr2ogr(&["-f", "GPKG", "-a_srs", "EPSG:4490"], &gpkg, &survey());
    same(&gpkg, Stated::default(), &[]);
}

#[test]
fn flatgeobuf_geojson_lines_kml_and_mapinfo() {
    let at = folder();
    for (driver, name, arguments, but) in [
        ("FlatGeobuf", "tb.fgb", &["-nlt", "MULTIPOLYGON", "-lco", "SPATIAL_INDEX=NO"][..], NOWHERE),
        ("GeoJSONSeq", "tb.geojsonl", &["-lco", "COORDINATE_PRECISION=12"], &[]),
        ("KML", "tb.kml", &[], &[]),
        ("LIBKML", "tb.kmz", &[], &[]),
        // GDAL's MapInfo driver stops at the first ring that is none.
        ("MapInfo File", "tb.mif", &["-t_srs", "EPSG:4326", "-where", SOUND], &[]),
        ("MapInfo File", "tb.tab", &["-t_srs", "EPSG:4326", "-where", SOUND], &[]),
    ] {
        let path = at.path().join(name);
        ogr2ogr(&[&["-f", driver], arguments].concat(), &path, &survey());
        let seen = look(&path, crs("EPSG:4490"), &workshop(at.path())).unwrap();
        println!("{driver}: {} features, {} rejected, fields {:?}", seen.features, seen.rejected, seen.fields);
        assert!(seen.problem.is_none() && seen.features >= 1980, "{driver}: {} features, {:?}", seen.features, seen.problem);
        match driver {
            "MapInfo File" if name == "tb.mif" => sound(&path, Stated::default()),
            // GDAL keeps six decimals of a degree in a table.
            "MapInfo File" => {}
            // GDAL's LIBKML writes no outline that is not valid: those that are repaired here come without one.
            "LIBKML" => {
                let found = findings(&path, Stated::default());
                let without: Vec<&str> = found.values().filter(|row| row[9].is_empty()).map(|row| row[0].as_str()).collect();
                assert_eq!(without.len() as u64, seen.rejected, "{without:?}");
                assert!(seen.fields.iter().all(|(_, is)| is.as_deref() != Some("date_after")), "it keeps the days of images by now");
                same_undated(&path, &without);
            }
            _ => same(&path, Stated::default(), but),
        }
    }
}

#[test]
fn mapinfo_files_in_gbk_and_zone_39() {
    let at = folder();
    let to_zone_39 = ["-f", "MapInfo File", "-t_srs", "EPSG:4527", "-lco", "ENCODING=CP936", "-where", SOUND];
    for name in ["tb.mif", "tb.tab"] {
        let path = at.path().join(name);
        // A table keeps coordinates on a grid over its bounds: here of 0.2 mm.
        ogr2ogr(&[&to_zone_39[..], &["-lco", "BOUNDS=39400000,3800000,39800000,4100000"]].concat(), &path, &survey());
        // GDAL cannot write CGCS2000 here; it writes the projection on WGS 84.
        let problem = look(&path, Stated::default(), &workshop(at.path())).unwrap().problem.unwrap();
        assert!(problem.code == "unknown_crs" && problem.words.zh.contains("请指定坐标系 EPSG:4527"), "{problem:?}");
        let seen = look(&path, crs("EPSG:4527"), &workshop(at.path())).unwrap();
        assert!(seen.problem.is_none() && seen.preview[0].contains("费县"), "{:?} {}", seen.problem, seen.preview[0]);
        if name == "tb.mif" {
            sound(&path, crs("EPSG:4527"));
        }
    }
}

/// The same as GeoJSON gives for the patches whose outlines are some.
fn sound(path: &Path, stated: Stated) {
    same(path, stated, &["371322000043", "371328001366", "371329000616"]);
}

#[test]
fn closed_lines_and_hatches_of_a_drawing_are_areas() {
    let at = folder();
    // None of the first has several parts, which a drawing would tear apart.
    let first = ["-limit", "80", "-where", SOUND, "-f", "DXF", "-t_srs", "EPSG:4527"];
    let (hatches, lines) = (at.path().join("hatches.dxf"), at.path().join("lines.dxf"));
    ogr2ogr(&first, &hatches, &survey());
    ogr2ogr(&[&first[..], &["-nlt", "LINESTRING"]].concat(), &lines, &survey());
    // Oracle: the same patches from GeoJSON, where area_m2 is the third column; a drawing has no ids, so areas are compared by size.
    let area = |row: &Vec<String>| row[2].parse::<f64>().unwrap();
    let sorted = |mut areas: Vec<f64>| {
        areas.sort_by(f64::total_cmp);
        areas
    };
    let mut rows: Vec<Vec<String>> = findings(&survey(), Stated::default()).into_values().filter(|row| !SOUND.contains(&row[0])).collect();
    rows.sort_by_key(|row| row[0][6..].parse::<u32>().unwrap());
    let expected = sorted(rows.iter().take(80).map(area).collect());
    for drawing in [hatches, lines] {
        assert_eq!(
            look(&drawing, Stated::default(), &workshop(at.path())).unwrap().problem.map(|problem| problem.code).as_deref(),
            Some("wrong_crs"),
            "a drawing names no CRS"
        );
        let found = sorted(findings(&drawing, crs("EPSG:4527")).values().map(area).collect());
        assert_eq!(found.len(), expected.len());
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{}: worst {worst:.6} m²", drawing.display());
        assert!(worst <= GOAL_M2, "{worst}");
    }
}

#[test]
fn a_tar_of_a_shapefile_and_an_archive_in_an_archive() {
    let at = folder();
    let inner = at.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    shapefile(&inner, "tb", &["-lco", "ENCODING=UTF-8"]);
    let packed = std::process::Command::new("tar").args(["-czf", "tb.tar.gz", "-C", "inner", "."]).current_dir(at.path()).status().unwrap();
    assert!(packed.success());
    same(&at.path().join("tb.tar.gz"), Stated::default(), &[]);
    let (once, twice) = (at.path().join("once.zip"), at.path().join("twice.zip"));
    zip_folder(&once, &inner, "a/");
    zip(&twice, &[("b/once.zip", &std::fs::read(&once).unwrap())]);
    same(&twice, Stated::default(), &[]);
}

#[test]
fn heights_are_dropped_and_arcs_straightened_and_both_are_said() {
    let at = folder();
    let gpkg = at.path().join("z.gpkg");
    let source = at.path().join("arc.csv");
    std::fs::write(&source, "JCBH,WKT\nA,\"CURVEPOLYGON Z (CIRCULARSTRING Z (118.35 35.05 1,118.36 35.06 2,118.35 35.05 1))\"\nB,\"POLYGON Z ((118.35 35.05 1,118.36 35.05 1,118.36 35.06 1,118.35 35.05 1))\"\n").unwrap();
    ogr2ogr(&["-f", "GPKG", "-a_srs", "EPSG:4490", "-oo", "GEOM_POSSIBLE_NAMES=WKT", "-nlt", "CURVEPOLYGONZ"], &gpkg, &source);
    let seen = look(&gpkg, Stated::default(), &workshop(at.path())).unwrap();
    assert_eq!((seen.features, seen.rejected), (2, 0), "{:?}", seen.rejects);
    let said = seen.warnings.iter().map(|words| words.zh.as_str()).collect::<String>();
    assert!(said.contains("2 个图形带有高程") && said.contains("圆弧"), "{said}");
}
