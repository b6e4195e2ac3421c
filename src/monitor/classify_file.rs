//! The main job with no database: a file of patches and files of layers in, a file of findings out.

use super::{
    MonitorError, Refusal, RefusalKind,
    atlas::{Atlas, LayerBuilder, PreparedLayer},
    classify_line::{Line, Output},
    judging::{Judge, duplicate},
    layer_import,
    memory::Memory,
    origin,
    reading::{Reading, Wish},
    rule::Rule,
};
use crate::formats::{Arrival, Stated, Wanted, ogr::Workshop};
use crate::geom::Plane;
use crate::land::{LayerKind, LayerUsed, Reject, Words};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What to classify against what.
#[derive(Debug, Clone)]
pub struct ClassifyFiles {
    /// The patches.
    pub patches: PathBuf,
    /// The layers.
    pub layers: Vec<(LayerKind, PathBuf)>,
    /// What people say of the patches; their CRS is also that of layers that name none.
    pub stated: Stated,
    /// Where files are unpacked and who reads them.
    pub workshop: Workshop,
    /// `OUR=THEIRS` for the patches' fields.
    pub map: Vec<String>,
    /// What the layers may take.
    pub memory: Memory,
}

/// Where the time went. Reading and classifying overlap on several cores; each is the wall time it would hold up the others.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Timings {
    /// Reading, checking and indexing the layers, seconds.
    pub load_s: f64,
    /// Opening the patches and finding their fields, seconds.
    pub read_s: f64,
    /// Reading on, parsing, repairing, measuring and judging, seconds.
    pub classify_s: f64,
    /// Writing, seconds.
    pub write_s: f64,
    /// Features read.
    pub patches: u64,
    /// Of those, rejected.
    pub rejected: u64,
    /// Vertices of the layers as prepared.
    pub layers_vertices: u64,
    /// Most memory the process ever held, MB.
    pub peak_rss_mb: f64,
}

/// Classifies; `report` is told what is being done and how many features are done.
pub fn classify_files(
    files: &ClassifyFiles,
    rule: &Rule,
    output: Output,
    out: &mut (impl Write + Send),
    report: &(dyn Fn(&str, u64) + Sync),
) -> Result<Timings, MonitorError> {
    let started = Instant::now();
    let atlas = load(files, rule, report).map_err(late)?;
    let load_s = started.elapsed().as_secs_f64();
    let timings = classify(files, rule, &atlas, output, out, report).map_err(late)?;
    Ok(Timings { load_s, layers_vertices: atlas.vertices(), peak_rss_mb: peak_rss_mb(), ..timings })
}

/// What people are told where the patches name their CRS only after themselves.
fn late(error: MonitorError) -> MonitorError {
    let MonitorError::LateCrs(crs) = error else { return error };
    let words = Words::new(format!("坐标系 {crs} 写在要素之后，请加 --crs {crs}"), format!("the CRS {crs} is named after the features; say --crs {crs}"));
    Refusal::new(RefusalKind::Unreadable, "crs_after_features", words).into()
}

/// Prepares the layers; where most features of the first one are decides the plane.
pub fn load(files: &ClassifyFiles, rule: &Rule, report: &(dyn Fn(&str, u64) + Sync)) -> Result<Atlas, MonitorError> {
    let mut layers = files.layers.clone();
    layers.sort_by_key(|(kind, _)| *kind);
    let mut atlas: Option<Atlas> = None;
    for (kind, path) in &layers {
        let arrival = receive(path, files)?;
        // What is said of the patches' CRS is for layers that do not say their own.
        let says = files.stated.crs.is_none() || arrival.open(&Stated::default()).is_ok_and(|source| source.head().crs.is_some());
        let stated = Stated { crs: files.stated.crs.filter(|_| !says), ..Stated::default() };
        let prepare = |stated: &Stated| {
            let wish = Wish { file: &arrival, wanted: Wanted::Layer(*kind), stated, map: &[], counties: None };
            let plane = atlas.as_ref().map_or_else(|| origin::of_file(&wish), |atlas| Ok(atlas.plane().clone()))?;
            let (used, prepared) = load_layer(&wish, path, *kind, &plane, &files.memory, report)?;
            Ok((plane, used, prepared))
        };
        let (plane, used, prepared) = match prepare(&stated) {
            Err(MonitorError::LateCrs(crs)) => prepare(&Stated { crs: Some(crs), ..stated.clone() }),
            outcome => outcome,
        }?;
        atlas.get_or_insert_with(|| Atlas::empty(plane)).put(used, prepared, rule);
    }
    if let Some(atlas) = atlas {
        return Ok(atlas);
    }
    let arrival = receive(&files.patches, files)?;
    let wish = Wish { file: &arrival, wanted: Wanted::Survey, stated: &files.stated, map: &files.map, counties: None };
    Ok(Atlas::empty(origin::of_file(&wish)?))
}

fn receive(path: &Path, files: &ClassifyFiles) -> Result<Arrival, MonitorError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Arrival::receive(path, &name, &files.workshop)?)
}

fn load_layer(
    wish: &Wish<'_>,
    path: &Path,
    kind: LayerKind,
    plane: &Plane,
    memory: &Memory,
    report: &(dyn Fn(&str, u64) + Sync),
) -> Result<(LayerUsed, PreparedLayer), MonitorError> {
    let mut reading = layer_import::open(wish, kind)?;
    let intake = reading.intake(plane);
    let mut builder = LayerBuilder::new(kind, memory);
    let mut done = 0;
    let mut rejected: Option<Reject> = None;
    reading.each_round(
        |raw| Ok(layer_import::judge(&intake, kind, raw)),
        |batch| {
            done += batch.len() as u64;
            for judged in batch {
                match judged {
                    Ok(judged) => builder.push(&judged.feature.facts, &judged.pieces, &judged.feature.degrees)?,
                    Err(reject) => drop(rejected.get_or_insert(reject)),
                }
            }
            report(kind.word(), done);
            Ok(())
        },
    )?;
    if let Some(reject) = rejected {
        tracing::warn!(layer = kind.word(), row = reject.row, why = reject.reason.en, "features of a layer were left out; this is the first");
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((LayerUsed { id: 0, kind, name, effective: String::new() }, builder.finish()?))
}

/// Classifies the patches against layers that are loaded. Times of loading and memory stay open.
pub fn classify(
    files: &ClassifyFiles,
    rule: &Rule,
    atlas: &Atlas,
    output: Output,
    out: &mut (impl Write + Send),
    report: &(dyn Fn(&str, u64) + Sync),
) -> Result<Timings, MonitorError> {
    let mut timings = Timings::default();
    let started = Instant::now();
    let arrival = receive(&files.patches, files)?;
    let wish = Wish { file: &arrival, wanted: Wanted::Survey, stated: &files.stated, map: &files.map, counties: atlas.counties_bounds() };
    let mut reading = Reading::open(&wish)?;
    timings.read_s = started.elapsed().as_secs_f64();
    let judge = Judge::new(atlas, rule, &reading);
    let started = Instant::now();
    let mut writing = Duration::ZERO;
    let mut row_of: HashMap<String, u64> = HashMap::new();
    out.write_all(output.head().as_bytes())?;
    let mut first = true;
    let keeps = output.keeps();
    reading.each_round_by_place(
        keeps.round_bytes(),
        |raw| {
            let candidate = judge.take_in(raw, keeps);
            let place = candidate.place();
            Ok((candidate, place))
        },
        |candidate| Ok(Line::of(judge.find(candidate)?, atlas, output)),
        |lines| {
            let began = Instant::now();
            timings.patches += lines.len() as u64;
            for line in lines {
                let earlier = row_of.get(&line.patch_id).filter(|_| line.accepted);
                let again = earlier.map(|earlier| Line::rejected(&duplicate(line.row, &line.patch_id, *earlier), &output.quote(&line.patch_id), output));
                let text = again.as_ref().unwrap_or(&line.text);
                timings.rejected += u64::from(!line.accepted || again.is_some());
                if output == Output::GeoJson && !std::mem::take(&mut first) {
                    out.write_all(b",\n")?;
                }
                out.write_all(text.as_bytes())?;
                if line.accepted && again.is_none() {
                    row_of.insert(line.patch_id, line.row);
                }
            }
            writing += began.elapsed();
            report("classify", timings.patches);
            Ok(())
        },
    )?;
    let began = Instant::now();
    out.write_all(output.tail().as_bytes())?;
    out.flush()?;
    writing += began.elapsed();
    timings.write_s = writing.as_secs_f64();
    timings.classify_s = started.elapsed().saturating_sub(writing).as_secs_f64();
    Ok(timings)
}

/// Most memory this process ever held, MB; 0 where the system does not say.
fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).map_or(0.0, |kb| kb * 1024.0 / 1e6)
}
