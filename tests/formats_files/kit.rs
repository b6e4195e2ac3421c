//! Files as they arrive, made by GDAL itself (`ogr2ogr` of gdal-bin) from a small demo city, and what the service makes of them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use tuban::formats::ogr::{Fault, Workshop};
use tuban::formats::{Stated, Wanted};
use tuban::service::{
    ServiceError,
    batch::{ClassifyFiles, LayerPath, classify_files, line::Output},
    layers::codes::CodeChoices,
    reading::inspect::{InspectFile, Inspection, inspect},
};
use tuban_demo::{Preset, generate};
use tuban_engine::atlas::Atlas;
use tuban_engine::memory::Memory;
use tuban_engine::model::{LayerKind, Words};
use tuban_engine::rule::Rule;
use tuban_geom::Plane;
use zip::write::SimpleFileOptions;

/// The worker, built as cargo builds it: `cargo test` of the service alone does not. Of the workspace, so that what both use is built once.
pub(crate) fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--locked", "--workspace", "--bin", "tuban-ogr"]).status().unwrap();
        assert!(built.success(), "tuban-ogr does not build: is libgdal-dev installed?");
        let own = std::env::current_exe().unwrap();
        own.parent().unwrap().parent().unwrap().join("tuban-ogr")
    };
    BUILT.get_or_init(build).clone()
}

/// Workers that make their folders in `scratch` and are waited for twenty seconds.
pub(crate) fn workshop(scratch: &Path) -> Workshop {
    Workshop { program: Some(program()), patience: Duration::from_secs(20), ..Workshop::new(scratch.to_owned()) }
}

/// How long a worker that misbehaves is waited for: not long where it never answers, and else longer than a busy machine needs to start it.
pub(crate) fn patience(fault: Fault) -> Duration {
    Duration::from_secs(if [Fault::Hang, Fault::HangMidway, Fault::Lie, Fault::Drip].contains(&fault) { 3 } else { 120 })
}

/// The demo city, made once.
pub(crate) fn city() -> &'static Path {
    static CITY: OnceLock<tempfile::TempDir> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        generate(Preset::Small, 1, folder.path(), &mut |_, _, _| {}).unwrap();
        folder
    };
    CITY.get_or_init(make).path()
}

/// Its survey.
pub(crate) fn survey() -> PathBuf {
    city().join("survey-2022-04.geojson")
}

/// `ogr2ogr`.
pub(crate) fn ogr2ogr(arguments: &[&str], to: &Path, from: &Path) {
    let done = Command::new("ogr2ogr").args(["-skipfailures"]).args(arguments).arg(to).arg(from).output().expect("gdal-bin is installed");
    assert!(done.status.success() && to.exists(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A Shapefile of the survey in that folder.
pub(crate) fn shapefile(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.join(format!("{name}.shp"));
    ogr2ogr(&[&["-f", "ESRI Shapefile"], arguments].concat(), &path, &survey());
    path
}

/// Entries of a ZIP file: names and bytes.
pub(crate) fn zip(to: &Path, entries: &[(&str, &[u8])]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    for (name, bytes) in entries {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// Everything in a folder, in a ZIP file, under `prefix`.
pub(crate) fn zip_folder(to: &Path, folder: &Path, prefix: &str) {
    let files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (format!("{prefix}{}", entry.file_name().to_string_lossy()), std::fs::read(entry.path()).unwrap()))
        .collect();
    zip(to, &files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>());
}

/// A folder that is gone with the test.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// What a file is seen as.
pub(crate) fn look(path: &Path, stated: Stated, workshop: &Workshop) -> Result<Inspection, ServiceError> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    inspect(
        &InspectFile { path, name: &name, wanted: Wanted::Survey, stated, map: Vec::new(), codes: CodeChoices::default(), approval_kind: None },
        &Atlas::empty(Plane::at(118.0, 35.0)),
        &Rule::load(None).unwrap(),
        workshop,
        &Memory::new(1 << 30, std::env::temp_dir()),
    )
}

/// The word for why a file is refused; `taken` where it is not.
pub(crate) fn verdict(path: &Path, workshop: &Workshop) -> String {
    match look(path, Stated::default(), workshop) {
        Ok(Inspection { problem: None, .. }) => "taken".to_owned(),
        Ok(Inspection { problem: Some(refusal), .. }) => refusal.code.into_owned(),
        Err(ServiceError::Refused(refusal)) => {
            assert!(!refusal.words.zh.is_empty() && !refusal.words.en.is_empty());
            refusal.code.into_owned()
        }
        Err(error) => format!("{error}"),
    }
}

/// Findings of a file of patches against all layers of the city, by patch id: the row as the CSV has it.
pub(crate) fn findings(patches: &Path, stated: Stated) -> BTreeMap<String, Vec<String>> {
    let (_, csv) = classify(patches, stated).unwrap();
    let mut rows = csv::Reader::from_reader(csv.as_slice());
    rows.records().map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).map(|row| (row[0].clone(), row)).collect()
}

/// A file of patches against all layers of the city: what people are told of it, and the CSV.
pub(crate) fn classify(patches: &Path, stated: Stated) -> Result<(Vec<Words>, Vec<u8>), ServiceError> {
    let scratch = folder();
    let layers = LayerKind::ALL.iter().map(|kind| LayerPath::new(*kind, city().join(format!("{kind}.geojson")))).collect();
    let files = ClassifyFiles {
        patches: patches.to_owned(),
        layers,
        stated,
        workshop: workshop(scratch.path()),
        map: Vec::new(),
        codes: CodeChoices::default(),
        explain: false,
        memory: Memory::new(1 << 30, scratch.path().to_owned()),
        as_of: None,
    };
    let mut csv = Vec::new();
    let classified = classify_files(&files, &Rule::load(None).unwrap().into(), Output::Csv, &mut csv, &|_, _| {})?;
    Ok((classified.notes, csv))
}

/// The largest difference of any area of any patch, m²; panics where a patch is missing, judged otherwise, or in another county. Patches in `but` are left out.
pub(crate) fn worst_m2(ours: &BTreeMap<String, Vec<String>>, theirs: &BTreeMap<String, Vec<String>>, but: &[&str]) -> f64 {
    let kept = |rows: &BTreeMap<String, Vec<String>>| rows.keys().filter(|id| !but.contains(&id.as_str())).cloned().collect::<Vec<_>>();
    assert_eq!(kept(ours), kept(theirs));
    let mut worst: f64 = 0.0;
    for (id, row) in ours.iter().filter(|(id, _)| !but.contains(&id.as_str())) {
        let other = &theirs[id];
        assert_eq!((&row[1], &row[9]), (&other[1], &other[9]), "{id}: county and verdict");
        for (a, b) in row[2..9].iter().zip(&other[2..9]) {
            assert_eq!(a.is_empty(), b.is_empty(), "{id}: {row:?} {other:?}");
            if !a.is_empty() {
                worst = worst.max((a.parse::<f64>().unwrap() - b.parse::<f64>().unwrap()).abs());
            }
        }
    }
    worst
}

/// EPSG:N, as people say it.
pub(crate) fn crs(name: &str) -> Stated {
    Stated { crs: Some(name.parse().unwrap()), ..Stated::default() }
}
