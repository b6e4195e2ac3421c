//! What cannot be read is an error and never nothing; ids keep their digits; files of other programs are read, or refused by their name.

use super::kit::{crs, folder, look, ogr2ogr, verdict, workshop, zip};
use std::path::{Path, PathBuf};
use tuban::formats::{Stated, Wanted};
use tuban::service::{
    Refusal, ServiceError,
    batch::{ClassifyFiles, LayerPath, classify_files, line::Output},
    layers::codes::CodeChoices,
    reading::inspect::{InspectFile, Inspection, inspect},
};
use tuban_engine::atlas::Atlas;
use tuban_engine::memory::Memory;
use tuban_engine::model::{LayerKind, Words};
use tuban_engine::rule::Rule;
use tuban_geom::Plane;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reading").join(name)
}

/// What a survey is seen as, with its fields mapped so.
fn look_with(path: &Path, map: &[&str], stated: Stated) -> Inspection {
    let (scratch, name) = (folder(), path.file_name().unwrap().to_string_lossy().into_owned());
    let map = map.iter().map(|pair| (*pair).to_owned()).collect();
    let file = InspectFile { path, name: &name, wanted: Wanted::Survey, stated, map, codes: CodeChoices::default(), approval_kind: None };
    let memory = Memory::new(1 << 30, scratch.path().to_owned());
    inspect(&file, &Atlas::empty(Plane::at(118.0, 35.0)), &Rule::load(None).unwrap(), &workshop(scratch.path()), &memory).unwrap()
}

fn seen(name: &str) -> Inspection {
    look_with(&fixture(name), &[], Stated::default())
}

fn problem(seen: Inspection) -> Refusal {
    seen.problem.expect("the file is refused")
}

/// The rows of what `classify` writes of patches against layers, and its notes.
fn classify(patches: &Path, layers: Vec<LayerPath>, map: &[&str]) -> Result<(Vec<Vec<String>>, Vec<Words>), ServiceError> {
    let scratch = folder();
    let files = ClassifyFiles {
        patches: patches.to_owned(),
        layers,
        stated: Stated::default(),
        workshop: workshop(scratch.path()),
        map: map.iter().map(|pair| (*pair).to_owned()).collect(),
        as_of: None,
        codes: CodeChoices::default(),
        explain: false,
        memory: Memory::new(1 << 30, scratch.path().to_owned()),
    };
    let mut csv = Vec::new();
    let classified = classify_files(&files, &Rule::load(None).unwrap().into(), Output::Csv, &mut csv, &|_, _| {})?;
    let rows = csv::Reader::from_reader(csv.as_slice()).records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    Ok((rows, classified.notes))
}

fn code<T: std::fmt::Debug>(outcome: Result<T, ServiceError>) -> String {
    match outcome {
        Err(ServiceError::Refused(refusal)) => refusal.code.into_owned(),
        other => format!("{other:?}"),
    }
}

/// A GeoJSON file of squares of 0.001° with these properties, as JSON.
fn squares(at: &Path, properties: &[&str]) -> PathBuf {
    let feature = |(k, properties): (usize, &&str)| {
        let west = 118.2 + 0.01 * k as f64;
        let ring = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)].map(|(x, y)| format!("[{:.9},{:.9}]", west + 0.001 * x, 35.002 + 0.001 * y));
        format!(r#"{{"type":"Feature","properties":{properties},"geometry":{{"type":"Polygon","coordinates":[[{}]]}}}}"#, ring.join(","))
    };
    let features: Vec<String> = properties.iter().enumerate().map(feature).collect();
    let path = at.join("squares.geojson");
    std::fs::write(&path, format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))).unwrap();
    path
}

/// GDAL 3.6 has no 64-bit integers and days alone in a geodatabase, later ones have; none reads a table that ends too early.
#[test]
fn a_table_that_gdal_gives_up_on_is_refused_with_its_words() {
    for (name, newer_reads_it) in [("gdb_table_cut.zip", false), ("gdb_pro32_biginteger.zip", true), ("gdb_pro32_dateonly.zip", true)] {
        let seen = seen(name);
        if newer_reads_it && seen.accepted > 0 {
            continue;
        }
        let problem = problem(seen);
        assert_eq!(problem.code, "unreadable_layer", "{name}");
        assert!(problem.words.zh.contains("GDAL：Error occurred in … at line") && problem.words.zh.contains("字段类型"), "{}", problem.words.zh);
        let at = folder();
        let patches = squares(at.path(), &[r#"{"JCBH":"1"}"#]);
        assert_eq!(code(classify(&patches, vec![LayerPath::new(LayerKind::Approved, fixture(name))], &[])), "unreadable_layer", "{name}");
        assert_eq!(code(classify(&fixture(name), Vec::new(), &[])), "unreadable_layer", "{name}");
    }
}

#[test]
fn a_geodatabase_cut_or_without_an_index_is_refused() {
    let at = folder();
    let properties: Vec<String> = (0..500).map(|k| format!(r#"{{"JCBH":"{k}","BZ":"{}"}}"#, "a".repeat(50))).collect();
    let squares = squares(at.path(), &properties.iter().map(String::as_str).collect::<Vec<_>>());
    let gdb = at.path().join("x.gdb");
    ogr2ogr(&["-f", "OpenFileGDB"], &gdb, &squares);
    let spoilt = |spoil: &dyn Fn(&Path, &Path)| {
        let copy = at.path().join("spoilt.gdb");
        let _ = std::fs::remove_dir_all(&copy);
        std::fs::create_dir(&copy).unwrap();
        let mut largest = (0, PathBuf::new());
        for entry in std::fs::read_dir(&gdb).unwrap().map(|entry| entry.unwrap().path()) {
            let to = copy.join(entry.file_name().unwrap());
            std::fs::copy(&entry, &to).unwrap();
            let size = entry.metadata().unwrap().len();
            if entry.extension().is_some_and(|extension| extension == "gdbtable") && size > largest.0 {
                largest = (size, to);
            }
        }
        spoil(&largest.1, &largest.1.with_extension("gdbtablx"));
        look_with(&copy, &[], Stated::default())
    };
    assert_eq!(spoilt(&|_, _| {}).accepted, 500);
    let cut = |path: &Path, half: u64| std::fs::File::options().write(true).open(path).unwrap().set_len(path.metadata().unwrap().len() / half).unwrap();
    let broken = problem(spoilt(&|table, _| cut(table, 2)));
    assert!(["broken_file", "unreadable_layer"].contains(&broken.code.as_ref()) && broken.words.zh.contains("GDAL："), "{broken:?}");
    assert_eq!(problem(spoilt(&|_, index| cut(index, 3))).code, "unreadable_layer");
    let lost = problem(spoilt(&|_, index| std::fs::remove_file(index).unwrap()));
    assert!(["broken_file", "unreadable_layer"].contains(&lost.code.as_ref()) && lost.words.zh.contains("gdbtablx"), "{lost:?}");
    assert_eq!(problem(spoilt(&|table, _| std::fs::remove_file(table).unwrap())).code, "no_polygons");
}

#[test]
fn a_geopackage_with_a_damaged_page_is_refused() {
    let at = folder();
    let properties: Vec<String> = (0..2000).map(|k| format!(r#"{{"JCBH":"{k}","BZ":"{}"}}"#, "a".repeat(200))).collect();
    let squares = squares(at.path(), &properties.iter().map(String::as_str).collect::<Vec<_>>());
    let path = at.path().join("x.gpkg");
    ogr2ogr(&["-f", "GPKG", "-lco", "SPATIAL_INDEX=NO"], &path, &squares);
    assert_eq!(verdict(&path, &workshop(at.path())), "taken");
    let mut bytes = std::fs::read(&path).unwrap();
    // Pages of the table: what they begin with says which kind of page they are.
    let text = memchr::memmem::rfind(&bytes, &[b'a'; 200]).unwrap();
    let page = text / 4096 * 4096;
    bytes[page..page + 8].fill(0xEE);
    std::fs::write(&path, bytes).unwrap();
    let word = verdict(&path, &workshop(at.path()));
    assert!(["broken_file", "unreadable_layer", "features_missing"].contains(&word.as_str()), "{word}");
}

#[test]
fn deleted_rows_of_a_table_are_not_missed() {
    let at = folder();
    let squares = squares(at.path(), &[r#"{"JCBH":"1"}"#, r#"{"JCBH":"2"}"#, r#"{"JCBH":"3"}"#]);
    let path = at.path().join("x.shp");
    ogr2ogr(&["-f", "ESRI Shapefile"], &path, &squares);
    let mut table = std::fs::read(path.with_extension("dbf")).unwrap();
    let (head, row) = (usize::from(u16::from_le_bytes([table[8], table[9]])), usize::from(u16::from_le_bytes([table[10], table[11]])));
    table[head + row] = b'*';
    std::fs::write(path.with_extension("dbf"), table).unwrap();
    let seen = look_with(&path, &[], Stated::default());
    assert_eq!((seen.problem.clone(), seen.accepted), (None, 2));
}

#[test]
fn a_file_without_features_is_taken_only_where_it_is_declared_empty() {
    let at = folder();
    let (empty, declared) = (fixture("empty_layer.geojson"), Stated { empty: true, ..Stated::default() });
    let refused = problem(seen("empty_layer.geojson"));
    assert_eq!((refused.code.as_ref(), refused.offer.as_deref()), ("no_features", Some("empty=yes")));
    let taken = look_with(&empty, &[], declared.clone());
    assert!(taken.problem.is_none() && taken.warnings.iter().any(|words| words.zh.contains("声明为空")), "{taken:?}");
    let patches = squares(at.path(), &[r#"{"JCBH":"1"}"#]);
    assert_eq!(problem(look_with(&patches, &[], declared)).code, "not_empty");
    let layer = |empty_too| vec![LayerPath { empty: empty_too, ..LayerPath::new(LayerKind::Approved, empty.clone()) }];
    assert_eq!(code(classify(&patches, layer(false), &[])), "no_features");
    let (rows, notes) = classify(&patches, layer(true), &[]).unwrap();
    assert_eq!(rows.len(), 1);
    assert!(notes.iter().any(|words| words.zh.contains("图层 approved：声明为空")), "{notes:?}");
    assert_eq!(code(classify(&empty, Vec::new(), &[])), "no_features");
    // One of other formats, and one of which nothing can be taken.
    let shapes = at.path().join("e.shp");
    ogr2ogr(&["-f", "ESRI Shapefile", "-where", "JCBH = 'none'"], &shapes, &patches);
    assert_eq!(verdict(&shapes, &workshop(at.path())), "no_features");
    let point = at.path().join("p.geojson");
    std::fs::write(&point, r#"{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[118,35]}}"#).unwrap();
    assert_eq!(verdict(&point, &workshop(at.path())), "no_acceptable_feature");
}

#[test]
fn ids_of_a_table_keep_all_their_digits() {
    for (name, first) in [("dbf_n19_ids.zip", "3713020000430000001"), ("dbf_n20_ids.zip", "37130200004300000001")] {
        let seen = seen(name);
        assert_eq!((seen.problem.as_ref(), seen.accepted, seen.rejected), (None, 6, 0), "{name}");
        // Oracle: the bytes of the table, by xxd.
        assert!(seen.preview[0].contains(&format!(r#""JCBH":"{first}""#)), "{}", seen.preview[0]);
        let (rows, _) = classify(&fixture(name), Vec::new(), &[]).unwrap();
        assert_eq!(
            rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>(),
            (0..6).map(|k| format!("{}{}", &first[..first.len() - 1], k + 1)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn ids_in_scientific_notation_are_whole_or_refused() {
    let at = folder();
    let ids = |name: &Path| -> Vec<(String, String)> {
        classify(name, Vec::new(), &[]).unwrap().0.into_iter().map(|row| (row[0].clone(), row[10].clone())).collect()
    };
    assert_eq!(ids(&fixture("id_exponent.geojson"))[0].0, "371302000043");
    let rows = ids(&squares(at.path(), &[r#"{"JCBH":"3.71302000044E+11"}"#, r#"{"JCBH":3.71302e+11}"#, r#"{"JCBH":"3.71302000043e+18"}"#]));
    assert_eq!(rows[0], ("371302000044".to_owned(), "ok".to_owned()));
    assert!(rows[1].1.contains("lost its last digits") && rows[2].1.contains("lost its last digits"), "{rows:?}");
}

#[test]
fn what_stands_in_for_an_id_meets_none() {
    let at = folder();
    let (rows, _) = classify(&fixture("id_row_collision.geojson"), Vec::new(), &[]).unwrap();
    let ids = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    assert!(rows.iter().all(|row| row[10] == "ok"), "{rows:?}");
    assert_eq!(ids(rows), ["2", "第2行", "x"]);
    // One that an export of ours has is none either.
    let (rows, _) = classify(&squares(at.path(), &[r#"{"JCBH":"第2行"}"#, r#"{"JCBH":null}"#]), Vec::new(), &[]).unwrap();
    assert_eq!(ids(rows), ["第1行", "第2行"]);
}

#[test]
fn ids_unique_within_a_county_are_asked_about() {
    let at = folder();
    let refused = problem(seen("ids_per_county.geojson"));
    assert_eq!((refused.code.as_ref(), refused.offer.as_deref()), ("ids_per_county", Some("map=patch_id=XZQDM+JCBH")));
    assert_eq!(code(classify(&fixture("ids_per_county.geojson"), Vec::new(), &[])), "ids_per_county");
    let (rows, _) = classify(&fixture("ids_per_county.geojson"), Vec::new(), &["patch_id=XZQDM+JCBH"]).unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ids, ["371302-1", "371302-2", "371302-3", "371311-1", "371311-2", "371311-3"]);
    // Who says which field they are is believed.
    let seen = look_with(&fixture("ids_per_county.geojson"), &["patch_id=JCBH"], Stated::default());
    assert_eq!((seen.problem.clone(), seen.accepted, seen.rejected), (None, 3, 3));
    // Twice in one county: those are doubles.
    let doubles = squares(at.path(), &[r#"{"JCBH":"1","XZQDM":"371302"}"#, r#"{"JCBH":"1","XZQDM":"371302"}"#]);
    let seen = look_with(&doubles, &[], Stated::default());
    assert_eq!((seen.problem.clone(), seen.rejected), (None, 1));
}

#[test]
fn names_cut_in_the_middle_of_a_character_are_told_apart_and_known() {
    let at = folder();
    let squares = squares(at.path(), &[r#"{"图斑编号":"A1","行政区代码":"371302","行政区名称":"兰山区","农户姓名一":"甲","农户姓名二":"乙"}"#]);
    let path = at.path().join("x.shp");
    ogr2ogr(&["-f", "ESRI Shapefile", "-lco", "ENCODING=UTF-8"], &path, &squares);
    let seen = look_with(&path, &[], Stated::default());
    let taken: Vec<(&str, Option<&str>)> = seen.fields.iter().map(|(theirs, ours)| (theirs.as_str(), ours.as_deref())).collect();
    assert_eq!(seen.fields.len(), 5, "{taken:?}");
    for (theirs, ours) in [("图斑编号", "patch_id"), ("行政区代码", "county_code"), ("行政区名称", "county_name")] {
        assert!(taken.contains(&(theirs, Some(ours))), "{taken:?}");
    }
    assert!(seen.preview[0].contains("甲") && seen.preview[0].contains("乙"));
}

#[test]
fn a_prj_is_read_behind_blank_lines_and_never_silently_passed_over() {
    let at = folder();
    let squares = squares(at.path(), &[r#"{"JCBH":"1"}"#]);
    let path = at.path().join("x.shp");
    ogr2ogr(&["-f", "ESRI Shapefile", "-t_srs", "EPSG:4527"], &path, &squares);
    let prj = path.with_extension("prj");
    let good = std::fs::read_to_string(&prj).unwrap();
    for text in [format!("\n{good}"), format!("\u{FEFF}{good}"), format!("\r\n \r\n{good}\r\n"), "EPSG:4527".to_owned()] {
        std::fs::write(&prj, &text).unwrap();
        let seen = look_with(&path, &[], Stated::default());
        assert_eq!((seen.problem, seen.crs.map(|crs| crs.to_string()).as_deref()), (None, Some("EPSG:4527")), "{text}");
        assert_eq!(std::fs::read_to_string(&prj).unwrap(), text, "the file of whoever sent it stays as it is");
    }
    for (text, word) in [("PROJCS[\"x\"", "PROJCS"), ("local grid of the county", "local grid"), ("EPSG:4498", "6 度带 20 带")] {
        std::fs::write(&prj, text).unwrap();
        let refused = problem(look_with(&path, &[], Stated::default()));
        assert!(refused.code == "unknown_crs" && refused.words.zh.contains(word), "{refused:?}");
        assert_eq!(look_with(&path, &[], crs("EPSG:4527")).problem, None, "said by people");
    }
}

/// Oracle of the corners: gdaltransform -s_srs EPSG:4527 -t_srs EPSG:4490 (GDAL 3.6, PROJ 9.1).
#[test]
fn parcels_of_boundary_points_are_read() {
    let seen = seen("guotu_gbk.txt");
    assert_eq!((seen.problem.as_ref(), seen.format.as_str(), seen.accepted), (None, "国土 TXT", 2));
    assert_eq!(seen.crs.map(|crs| crs.to_string()).as_deref(), Some("EPSG:4527"));
    let extent = seen.extent.unwrap();
    for (found, expected) in extent.min.iter().chain(&extent.max).zip([118.202, 35.002, 118.213, 35.003]) {
        assert!((found - expected).abs() < 2e-8, "{extent:?}");
    }
    assert!(seen.preview[0].contains("地块1") && seen.fields.contains(&("地块编号".to_owned(), Some("patch_id".to_owned()))));
    let (at, rows) = (folder(), classify(&fixture("guotu_gbk.txt"), Vec::new(), &[]).unwrap().0);
    assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1", "2"]);
    // The same in an archive, beside a text that is none.
    let archive = at.path().join("报批.zip");
    zip(&archive, &[("坐标.txt", &std::fs::read(fixture("guotu_gbk.txt")).unwrap()), ("说明.txt", b"read me")]);
    assert_eq!(look_with(&archive, &[], Stated::default()).accepted, 2);
    let archive = at.path().join("text.zip");
    zip(&archive, &[("readme.txt", b"read me")]);
    assert_eq!(verdict(&archive, &workshop(at.path())), "archive_nothing");
}

#[test]
fn esri_json_topojson_and_kml_with_label_points_are_read() {
    let seen_esri = seen("esri.json");
    assert_eq!((seen_esri.problem.as_ref(), seen_esri.format.as_str(), seen_esri.accepted), (None, "Esri JSON", 2));
    assert_eq!(seen_esri.crs.map(|crs| crs.to_string()).as_deref(), Some("EPSG:4490"));
    let part = folder();
    let (path, text) = (part.path().join("part.json"), std::fs::read_to_string(fixture("esri.json")).unwrap());
    std::fs::write(&path, text.trim_end().trim_end_matches('}').to_owned() + r#", "exceededTransferLimit": true}"#).unwrap();
    assert_eq!(verdict(&path, &workshop(part.path())), "part_of_an_answer");
    std::fs::write(&path, r#"{"type":"FeatureCollection","exceededTransferLimit":true,"features":[]}"#).unwrap();
    assert_eq!(verdict(&path, &workshop(part.path())), "part_of_an_answer");
    let kml = seen("kml_multigeometry_with_point.kml");
    assert_eq!((kml.problem.as_ref(), kml.accepted, kml.rejected), (None, 2, 0));
    assert!(kml.warnings.iter().any(|words| words.zh.contains("2 个要素除面以外还有点或线")), "{:?}", kml.warnings);
    let at = folder();
    let topo = at.path().join("x.json");
    let text = r#"{"type":"Topology","transform":{"scale":[0.001,0.001],"translate":[118.2,35.0]},"objects":{"图斑":{"type":"GeometryCollection","geometries":[
        {"type":"Polygon","arcs":[[0]],"properties":{"JCBH":"A0"}},{"type":"Point","coordinates":[1,1],"properties":{"JCBH":"P"}}]},
        "标注":{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,1],"properties":{"n":1}}]}},"arcs":[[[0,0],[1,0],[0,1],[-1,0],[0,-1]]]}"#;
    std::fs::write(&topo, text).unwrap();
    let seen = look_with(&topo, &[], Stated::default());
    assert_eq!((seen.problem.as_ref(), seen.format.as_str(), seen.layer.as_deref()), (None, "TopoJSON", Some("图斑")));
    assert_eq!((seen.accepted, seen.rejected, seen.rejects[0].code.as_str()), (1, 1, "not_a_polygon"));
    // A square of 0.001° at 35.0° N. Oracle: Δλ·(q(35.001°) − q(35°)) of the national rule in Python's double precision.
    let area: f64 = classify(&topo, Vec::new(), &[]).unwrap().0[0][2].parse().unwrap();
    assert!((area - 10_127.501_2).abs() < 1e-3, "{area}");
}

#[test]
fn of_a_collection_the_areas_are_taken_and_an_empty_part_is_a_defect_with_a_name() {
    let at = folder();
    let path = at.path().join("x.geojson");
    let write = |geometry: &str| {
        let feature = format!(r#"{{"type":"Feature","properties":{{"JCBH":"A"}},"geometry":{geometry}}}"#);
        std::fs::write(&path, format!(r#"{{"type":"FeatureCollection","features":[{feature}]}}"#)).unwrap();
        look_with(&path, &[], Stated::default())
    };
    let square = |west: f64| format!("[[[{west},35.1],[{0},35.1],[{0},35.11],[{west},35.11],[{west},35.1]]]", west + 0.01);
    let (one, two) = (square(118.1), square(118.2));
    let polygon = |ring: &str| format!(r#"{{"type":"Polygon","coordinates":{ring}}}"#);
    let collection = |parts: &[&str]| format!(r#"{{"geometries":[{}],"type":"GeometryCollection"}}"#, parts.join(","));
    let label = r#"{"type":"Point","coordinates":[118.105,35.105]}"#;

    let seen = write(&collection(&[&polygon(&one), label, &polygon(&two)]));
    assert_eq!((seen.problem.as_ref(), seen.accepted, seen.repaired), (None, 1, 0), "{:?}", seen.rejects);
    assert!(seen.warnings.iter().any(|words| words.zh.contains("1 个要素除面以外还有点或线")), "{:?}", seen.warnings);
    // Oracle: the same two squares as a MultiPolygon.
    let (collected, _) = classify(&path, Vec::new(), &[]).unwrap();
    write(&format!(r#"{{"type":"MultiPolygon","coordinates":[{one},{two}]}}"#));
    assert_eq!(collected[0][2], classify(&path, Vec::new(), &[]).unwrap().0[0][2]);

    for (parts, code) in [
        (vec![label], "not_a_polygon"),
        (vec![&*polygon(&one), &collection(&[&polygon(&two)])], "not_a_polygon"),
        (vec![&*polygon(&one), &polygon("[[[1,2],[1]]]")], "short_position"),
    ] {
        assert_eq!(write(&collection(&parts)).rejects[0].code, code);
    }

    let seen = write(&format!(r#"{{"type":"MultiPolygon","coordinates":[{one},[]]}}"#));
    assert_eq!((seen.accepted, seen.repaired), (1, 1));
    assert!(seen.defects[0].1.zh.contains("环没有面积"), "{:?}", seen.defects);
}

#[test]
fn a_moment_of_esri_json_is_a_day_and_its_curves_are_named() {
    let at = folder();
    let path = at.path().join("x.json");
    let text = r#"{"geometryType":"esriGeometryPolygon","spatialReference":{"wkid":4490},"fields":[{"name":"JCBH","type":"esriFieldTypeString"},
        {"name":"QSX","type":"esriFieldTypeDate"},{"name":"HSX","type":"esriFieldTypeDate"}],
        "features":[{"attributes":{"JCBH":"A0","QSX":1648742400000,"HSX":1649260799000},"geometry":{"rings":
        [[[118.202,35.002],[118.202,35.003],[118.203,35.003],[118.203,35.002],[118.202,35.002]]]}},{"attributes":{"JCBH":"A1","QSX":null},
        "geometry":{"curveRings":[[[118.202,35.002],{"c":[[118.203,35.003],[118.2028,35.0022]]},[118.203,35.002],[118.202,35.002]]]}}]}"#;
    std::fs::write(&path, text).unwrap();
    let seen = look_with(&path, &[], Stated::default());
    assert_eq!((seen.problem.as_ref(), seen.accepted, seen.rejected), (None, 1, 1));
    assert_eq!(seen.rejects[0].code, "curves");
    assert!(seen.rejects[0].reason.zh.contains("curveRings") && seen.rejects[0].reason.zh.contains("增密"), "{:?}", seen.rejects);
    // Oracle: `TZ=Asia/Shanghai date -d @1648742400 +%F`, the last second of the sixth likewise.
    let (rows, _) = classify(&path, Vec::new(), &[]).unwrap();
    assert_eq!(rows[0][11..13], ["2022-04-01", "2022-04-06"], "{rows:?}");
}

#[test]
fn a_kml_folder_of_points_beside_one_of_patches_asks_nothing() {
    let at = folder();
    let placemark = |name: &str, shape: &str| format!("<Placemark><name>{name}</name>{shape}</Placemark>");
    let ring = "118.2,35 118.201,35 118.201,35.001 118.2,35.001 118.2,35";
    let polygon = format!("<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>");
    let kml = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>图斑</name>{}</Folder><Folder><name>标注</name>{}</Folder></Document></kml>"#,
        placemark("a", &polygon),
        placemark("b", "<Point><coordinates>118.2,35</coordinates></Point>")
    );
    let path = at.path().join("x.kml");
    std::fs::write(&path, kml).unwrap();
    let seen = look(&path, Stated::default(), &workshop(at.path())).unwrap();
    assert_eq!((seen.problem, seen.layer.as_deref(), seen.accepted), (None, Some("图斑"), 1));
}
