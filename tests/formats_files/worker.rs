//! The worker that crashes, hangs, floods its pipe, eats memory or tries to get out: one file fails with a reason, and nothing is left.

use super::kit::{folder, ogr2ogr, patience, program, shapefile, survey, verdict, workshop};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tuban::formats::ogr::{Fault, Workshop};

fn geopackage() -> (tempfile::TempDir, PathBuf) {
    let at = folder();
    let path = at.path().join("tb.gpkg");
    ogr2ogr(&["-f", "GPKG", "-a_srs", "EPSG:4490"], &path, &survey());
    (at, path)
}

#[test]
fn every_way_to_misbehave_ends_in_a_reason_within_its_time_and_leaves_nothing() {
    let (_at, path) = geopackage();
    let scratch = folder();
    for (fault, code) in [
        (Fault::Crash, "worker_crashed"),
        (Fault::Hang, "worker_silent"),
        (Fault::Spin, "worker_cpu"),
        (Fault::Flood, "worker_flood"),
        (Fault::Lie, "worker_flood"),
        (Fault::Memory, "worker_memory"),
        (Fault::CrashMidway, "worker_crashed"),
        (Fault::HangMidway, "worker_silent"),
        (Fault::Killed, "worker_memory"),
        (Fault::Segfault, "worker_crashed"),
        (Fault::SegfaultOfMemory, "worker_memory"),
        (Fault::AbortOfMemory, "worker_memory"),
        (Fault::Drip, "worker_slow"),
    ] {
        let mut workshop = Workshop { fault: Some(fault), patience: patience(fault), ..workshop(scratch.path()) };
        workshop.limits.cpu_s = if fault == Fault::Spin { 1 } else { 60 };
        let began = Instant::now();
        assert_eq!(verdict(&path, &workshop), code, "{fault:?}");
        assert!(began.elapsed() < workshop.patience + Duration::from_secs(30), "{fault:?}: {:?}", began.elapsed());
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "{fault:?}");
    }
    assert_eq!(verdict(&path, &workshop(scratch.path())), "taken");
}

#[test]
fn it_reaches_neither_the_network_nor_other_programs_processes_and_files() {
    let (_at, path) = geopackage();
    let scratch = folder();
    let workshop = Workshop { fault: Some(Fault::Escape), ..workshop(scratch.path()) };
    let Err(tuban::service::ServiceError::Refused(refusal)) = super::kit::look(&path, tuban::formats::Stated::default(), &workshop) else { panic!() };
    // Where the kernel has no landlock, files outside can be opened; the rest never.
    assert!(["", "read write"].contains(&refusal.words.en.as_str()), "{}", refusal.words.en);
}

#[test]
fn without_it_the_package_is_named() {
    let (_at, path) = geopackage();
    let scratch = folder();
    let nobody = Workshop { program: None, ..workshop(scratch.path()) };
    let Err(tuban::service::ServiceError::Refused(refusal)) = super::kit::look(&path, tuban::formats::Stated::default(), &nobody) else { panic!() };
    assert_eq!((&*refusal.code, refusal.words.zh.contains("软件包 tuban-ogr")), ("no_ogr", true));
    assert_eq!(verdict(&survey(), &nobody), "taken", "GeoJSON needs no GDAL");
}

/// The worker itself, asked for the first layer of a file.
fn asked(folder: &Path, file: &str, driver: &str, fault: Option<&str>) -> Child {
    let limits = serde_json::json!({ "memory_bytes": 2_u64 << 30, "cpu_s": 60, "file_bytes": 0, "files": 64 });
    let bounds = serde_json::json!({ "vertices": 1000, "text_bytes": 1 << 20 });
    let read = serde_json::json!({ "layer": 0, "encoding": null });
    let job = serde_json::json!({ "folder": folder, "path": folder.join(file), "driver": driver, "task": { "read": read }, "limits": limits, "bounds": bounds, "fault": fault });
    let mut command = Command::new(program());
    let mut child = command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{job}").unwrap();
    child
}

/// The kinds of the frames that it answers, and the text of all of them.
fn answer(mut child: Child) -> (String, String) {
    let (mut bytes, mut kinds, mut text) = (Vec::new(), String::new(), Vec::new());
    child.stdout.as_mut().unwrap().read_to_end(&mut bytes).unwrap();
    child.wait().unwrap();
    let mut left = &bytes[..];
    while let [kind, a, b, c, d, rest @ ..] = left {
        let (frame, rest) = rest.split_at(u32::from_le_bytes([*a, *b, *c, *d]) as usize);
        kinds.push(char::from(*kind));
        text.extend(frame);
        left = rest;
    }
    (kinds, String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn its_one_driver_opens_no_file_that_names_another() {
    let at = folder();
    shapefile(at.path(), "tb", &["-where", "JCBH = '371325000001'"]);
    let (kinds, text) = answer(asked(at.path(), "tb.shp", "ESRI Shapefile", None));
    assert!(kinds == "HBE" && text.contains("371325000001"), "{kinds} {text}");
    let vrt = r#"<OGRVRTDataSource><OGRVRTLayer name="tb"><SrcDataSource relativeToVRT="1">tb.shp</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"#;
    std::fs::write(at.path().join("tb.vrt"), vrt).unwrap();
    let read = Command::new("ogrinfo").args(["-q", "tb.vrt", "tb"]).current_dir(at.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&read.stdout).contains("371325000001"), "GDAL itself follows it");
    for (name, driver) in [
        ("a.gpkg", "GPKG"),
        ("a.kml", "KML"),
        ("a.shp", "ESRI Shapefile"),
        ("a.fgb", "FlatGeobuf"),
        ("a.geojsonl", "GeoJSONSeq"),
        ("a.tab", "MapInfo File"),
        ("a.dxf", "DXF"),
    ] {
        std::fs::write(at.path().join(name), vrt).unwrap();
        let (kinds, text) = answer(asked(at.path(), name, driver, None));
        assert!(!text.contains("371325000001") && !kinds.contains('B'), "{driver}: {kinds} {text}");
    }
    // Also the VRT driver itself, which is never asked for, would find no driver for what it names.
    let (kinds, text) = answer(asked(at.path(), "tb.vrt", "OGR_VRT", None));
    assert!(!text.contains("371325000001") && !kinds.contains('B'), "{kinds} {text}");
}

#[test]
fn it_does_not_outlive_the_service() {
    let (at, _) = geopackage();
    let mut child = asked(at.path(), "tb.gpkg", "GPKG", Some("hang"));
    assert_eq!(child.try_wait().unwrap(), None);
    // As when the service is killed: the other ends of its pipes are closed.
    drop(child.stdin.take());
    assert!(!child.wait().unwrap().success());
}

#[test]
fn arcs_are_no_flood() {
    let (at, scratch) = (folder(), folder());
    let circle = |number: u32| {
        let (x, r) = (118.30 + 0.002 * f64::from(number), 0.0004);
        let (west, east) = (x - r, x + r);
        format!("C{number},\"CURVEPOLYGON (CIRCULARSTRING ({west} 35.05,{x} 35.0504,{east} 35.05,{x} 35.0496,{west} 35.05))\"\n")
    };
    let source = at.path().join("a.csv");
    std::fs::write(&source, "JCBH,WKT\n".to_owned() + &(0..60).map(circle).collect::<String>()).unwrap();
    let path = at.path().join("a.fgb");
    let options = ["-a_srs", "EPSG:4490", "-nlt", "CURVEPOLYGON", "-oo", "GEOM_POSSIBLE_NAMES=WKT", "-oo", "KEEP_GEOM_COLUMNS=NO"];
    ogr2ogr(&[&["-f", "FlatGeobuf"][..], &options].concat(), &path, &source);
    // 60 circles of 3600 vertices of 16 bytes come out of 15 kB: more than a hundred times as much.
    let bytes = std::fs::metadata(&path).unwrap().len();
    assert!(60 * 3600 * 16 > 100 * bytes, "{bytes}");
    let workshop = Workshop { allowance: 0, ..workshop(scratch.path()) };
    assert_eq!(verdict(&path, &workshop), "taken");
}
