//! The worker that crashes, hangs, floods its pipe, eats memory or tries to get out: one file fails with a reason, and nothing is left.

use super::kit::{folder, ogr2ogr, survey, verdict, workshop};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tuban::formats::ogr::Workshop;

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
        ("crash", "worker_crashed"),
        ("hang", "worker_timeout"),
        ("spin", "worker_cpu"),
        ("flood", "worker_flood"),
        ("lie", "worker_flood"),
        ("memory", "worker_memory"),
    ] {
        let mut workshop =
            Workshop { fault: Some(fault), patience: Duration::from_secs(if fault == "hang" || fault == "lie" { 2 } else { 20 }), ..workshop(scratch.path()) };
        workshop.limits.cpu_s = if fault == "spin" { 1 } else { 60 };
        let began = Instant::now();
        assert_eq!(verdict(&path, &workshop), code, "{fault}");
        assert!(began.elapsed() < workshop.patience + Duration::from_secs(3), "{fault}: {:?}", began.elapsed());
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "{fault}");
    }
    assert_eq!(verdict(&path, &workshop(scratch.path())), "taken");
}

#[test]
fn it_reaches_neither_the_network_nor_other_programs_nor_other_files() {
    let (_at, path) = geopackage();
    let scratch = folder();
    let workshop = Workshop { fault: Some("escape"), ..workshop(scratch.path()) };
    let Err(tuban::monitor::MonitorError::Refused(refusal)) = super::kit::look(&path, tuban::formats::Stated::default(), &workshop) else { panic!() };
    // Where the kernel has no landlock, files outside can be opened; sockets and programs never.
    assert!(["", "read write"].contains(&refusal.words.en.as_str()), "{}", refusal.words.en);
}

#[test]
fn without_it_the_package_is_named() {
    let (_at, path) = geopackage();
    let scratch = folder();
    let nobody = Workshop { program: None, ..workshop(scratch.path()) };
    let Err(tuban::monitor::MonitorError::Refused(refusal)) = super::kit::look(&path, tuban::formats::Stated::default(), &nobody) else { panic!() };
    assert_eq!((&*refusal.code, refusal.words.zh.contains("软件包 tuban-ogr")), ("no_ogr", true));
    assert_eq!(verdict(&survey(), &nobody), "taken", "GeoJSON needs no GDAL");
}
