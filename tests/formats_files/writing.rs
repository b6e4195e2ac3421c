//! What is written, read back by GDAL itself (`ogrinfo` and `ogr2ogr` of gdal-bin) or by taking the file apart.

use super::kit::{folder, patience, workshop};
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Command;
use tuban::formats::ogr::{Fault, Workshop};
use tuban::formats::writing::{Cell, Column, Encoding, Format, Kind, Layout, WriteError, begin};
use tuban_geom::{Crs, Outline};

const COLUMNS: [Column; 4] = [
    Column { key: "patch_id", short: "JCBH", chinese: "图斑编号", kind: Kind::Text },
    Column { key: "row", short: "HH", chinese: "行号", kind: Kind::Integer },
    Column { key: "area_m2", short: "JCMJ", chinese: "图斑面积（平方米）", kind: Kind::SquareMetres },
    Column { key: "county_name", short: "XZQMC", chinese: "行政区名称", kind: Kind::Text },
];

/// First test vector of docs/ARCHITECTURE.md, “Area”, left unclosed.
const RING: [[f64; 2]; 4] = [[118.35, 35.05], [118.36, 35.05], [118.36, 35.06], [118.35, 35.06]];
const FORMULA: &str = "=1+1";

fn layout(format: Format, crs: &str, encoding: Encoding) -> Layout {
    Layout { format, crs: crs.parse().unwrap(), encoding, invented: false, layer: "findings".to_owned(), columns: &COLUMNS }
}

/// Three features of that layout.
fn write(workshop: &Workshop, layout: &Layout) -> Result<File, WriteError> {
    let outline = layout.crs.outline_from_degrees(&Outline::polygon(&[RING])).unwrap();
    let mut writer = begin(workshop, layout)?;
    for (row, id) in [(1, "371302000001"), (2, FORMULA), (3, "蒙阴-3")] {
        writer.push(&[Cell::Text(id.into()), Cell::Integer(row), Cell::Number(1_012_087.260_1), Cell::Text("兰山区".into())], &outline)?;
    }
    writer.finish()
}

/// The file under a name, for others to open; an archive unpacked.
fn save(mut file: File, format: Format, at: &Path) -> PathBuf {
    let path = at.join(format!("findings.{}", format.extension()));
    file.rewind().unwrap();
    std::io::copy(&mut file, &mut File::create(&path).unwrap()).unwrap();
    if format.extension() != "zip" {
        return path;
    }
    zip::ZipArchive::new(file).unwrap().extract(at).unwrap();
    at.join(format!("findings.{format}"))
}

/// As GDAL reads it: features as GeoJSON, which it brings to degrees by PROJ.
pub(super) fn read_back(path: &Path, at: &Path) -> Value {
    let to = at.join("back.geojsonl");
    let done = Command::new("ogr2ogr").args(["-f", "GeoJSONSeq", "-lco", "COORDINATE_PRECISION=12"]).arg(&to).arg(path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let lines = std::fs::read_to_string(&to).unwrap();
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
}

#[test]
fn gdal_reads_back_the_same_features_text_and_places() {
    for (format, encoding) in [
        (Format::GeoJson, Encoding::Utf8),
        (Format::GeoPackage, Encoding::Utf8),
        (Format::Shapefile, Encoding::Gbk),
        (Format::Shapefile, Encoding::Utf8),
        (Format::FileGdb, Encoding::Utf8),
        (Format::FlatGeobuf, Encoding::Utf8),
    ] {
        for crs in ["EPSG:4490", "EPSG:4527", "EPSG:4549"] {
            let (at, scratch) = (folder(), folder());
            let file = write(&workshop(scratch.path()), &layout(format, crs, encoding)).unwrap();
            assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "{format}: something is left");
            let path = save(file, format, at.path());
            if format == Format::Shapefile {
                assert_eq!(std::fs::read_to_string(path.with_extension("cpg")).unwrap(), encoding.word());
            }
            let back = read_back(&path, at.path());
            let mut ids: Vec<&str> = Vec::new();
            for feature in back.as_array().unwrap() {
                let said = &feature["properties"];
                let (id, area, county) = if format == Format::Shapefile { ("JCBH", "JCMJ", "XZQMC") } else { ("patch_id", "area_m2", "county_name") };
                ids.push(said[id].as_str().unwrap());
                assert_eq!((said[county].as_str(), said[area].as_f64()), (Some("兰山区"), Some(1_012_087.260_1)), "{format} {crs}");
                // Oracle: GDAL brings the file to degrees by PROJ; 1e-8 of a degree is a millimetre.
                let ring = feature["geometry"]["coordinates"].pointer(if format == Format::GeoJson { "/0" } else { "/0/0" });
                let ring = ring.filter(|ring| ring[0][0].is_number()).or_else(|| feature["geometry"]["coordinates"].pointer("/0")).unwrap();
                for at in RING {
                    let near = |one: &Value| (0..2).all(|axis| (one[axis].as_f64().unwrap() - at[axis]).abs() < 1e-8);
                    assert!(ring.as_array().unwrap().iter().any(near), "{format} {crs}: {at:?} not in {ring}");
                }
            }
            ids.sort_unstable();
            assert_eq!(ids, ["371302000001", FORMULA, "蒙阴-3"], "{format} {crs}");
        }
    }
}

#[test]
fn a_csv_opens_in_excel_and_runs_nothing() {
    let scratch = folder();
    let mut file = write(&workshop(scratch.path()), &layout(Format::Csv, "EPSG:4490", Encoding::Utf8)).unwrap();
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(
        text,
        "\u{feff}图斑编号,行号,图斑面积（平方米）,行政区名称\r\n371302000001,1,1012087.2601,兰山区\r\n'=1+1,2,1012087.2601,兰山区\r\n蒙阴-3,3,1012087.2601,兰山区\r\n"
    );
}

#[test]
fn an_xlsx_holds_text_as_text_and_numbers_as_numbers() {
    let scratch = folder();
    let file = write(&workshop(scratch.path()), &layout(Format::Xlsx, "EPSG:4490", Encoding::Utf8)).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut sheet = String::new();
    archive.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
    assert!(sheet.contains(FORMULA) && !sheet.contains("<f>"), "{sheet}");
    assert!(sheet.contains("<v>1012087.2601</v>") && sheet.contains("图斑编号"), "{sheet}");
    drop(archive);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn what_gdal_would_write_otherwise_than_it_was_given_is_a_failure() {
    let scratch = folder();
    let shp = layout(Format::Shapefile, "EPSG:4490", Encoding::Gbk);
    let mut writer = begin(&workshop(scratch.path()), &shp).unwrap();
    let outline = Outline::polygon(&[RING]);
    // More digits than the field has, of which GDAL only warns.
    let cells = [Cell::Text("1".into()), Cell::Integer(1), Cell::Number(1e18), Cell::Nothing];
    let ended = writer.push(&cells, &outline).and_then(|()| writer.finish());
    assert!(matches!(ended, Err(WriteError::Unavailable { .. })), "{ended:?}");
    // Oracle: Python, '王䶮'.encode('gbk') fails.
    let mut writer = begin(&workshop(scratch.path()), &shp).unwrap();
    let refused = writer.push(&[Cell::Text("王䶮".into()), Cell::Integer(1), Cell::Number(1.0), Cell::Nothing], &outline);
    assert!(matches!(refused, Err(WriteError::Unacceptable { code: "not_in_gbk", .. })), "{refused:?}");
}

#[test]
fn a_worker_that_dies_while_it_writes_leaves_nothing() {
    let scratch = folder();
    let gpkg = layout(Format::GeoPackage, "EPSG:4490", Encoding::Utf8);
    for (fault, code) in
        [(Fault::Crash, "worker_crashed"), (Fault::Hang, "worker_silent"), (Fault::CrashMidway, "worker_crashed"), (Fault::HangMidway, "worker_silent")]
    {
        let workshop = Workshop { fault: Some(fault), patience: patience(fault), ..workshop(scratch.path()) };
        let Err(WriteError::Unavailable { code: said, words }) = write(&workshop, &gpkg) else { panic!("{fault:?}") };
        assert!(said == code && words.zh.contains(code), "{said} {words:?}");
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "{fault:?}");
    }
    let nobody = Workshop { program: None, ..workshop(scratch.path()) };
    let Err(WriteError::Unavailable { code, words }) = write(&nobody, &gpkg) else { panic!() };
    assert!(code == "no_ogr" && words.zh.contains("软件包 tuban-ogr"));
    assert!(write(&nobody, &layout(Format::GeoJson, "EPSG:4490", Encoding::Utf8)).is_ok(), "GeoJSON needs no GDAL");
}

#[test]
fn ground_outside_a_crs_has_no_place_in_it() {
    let crs: Crs = "EPSG:4527".parse().unwrap();
    assert_eq!(crs.outline_from_degrees(&Outline::polygon(&[[[128.0, 35.0], [128.1, 35.0], [128.1, 35.1]]])), None);
}
