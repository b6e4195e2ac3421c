//! Where the time of the main job goes, stage by stage, on one core: `cargo bench --bench stages -- FOLDER` with a folder of `tuban demo`; without one a
//! small city is made first.
//!
//! Each stage is run over all patches at once, after those before it, so that a stage is charged with what it does and not with what it waits for.

use std::{error::Error, path::Path, time::Instant};
use tuban::formats::{FeatureBounds, FeatureSource, FieldMap, Stated, Wanted, geojson::Reader};
use tuban::service::{
    Workshop,
    batch::{ClassifyFiles, LayerPath, classify_files, line::Output, load},
};
use tuban_demo::{Preset, generate};
use tuban_engine::atlas::Atlas;
use tuban_engine::classify::classify;
use tuban_engine::edges::AsDrawn;
use tuban_engine::model::LayerKind;
use tuban_engine::{memory::Memory, rule::Rule};
use tuban_geom::{Crs, Figure, Outline, Written, check_in};

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let folder = if let Some(folder) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        folder.into()
    } else {
        generate(Preset::Small, 1, scratch.path(), &mut |_, _, _| {})?;
        scratch.path().to_owned()
    };
    let rule = Rule::load(None)?;
    let mut table = Table::default();

    let patches = folder.join("survey-2022-04.geojson");
    let batches = table.stage("read: cut the file into features", || {
        let mut source = Reader::open(&patches, None, FeatureBounds::default())?;
        let mut batches = Vec::new();
        while let Some(batch) = source.next_batch()? {
            batches.push(batch);
        }
        Ok::<_, Box<dyn Error>>(batches)
    })?;
    let keys = batches.first().map(|batch| batch.keys(1000)).transpose()?.unwrap_or_default();
    let fields = FieldMap::resolve(Wanted::Survey, &keys, &[]).map_err(|words| words.en)?;
    let outlines = table.stage("parse: text to outlines and fields", || {
        let features = batches.iter().flat_map(|batch| (0..batch.len()).map(|index| batch.feature(index, &fields)));
        let mut outlines: Vec<Outline> = Vec::new();
        for feature in features {
            outlines.extend(feature?.geometry.ok());
        }
        Ok::<_, Box<dyn Error>>(outlines)
    })?;
    let whole = load(&files(&folder, LayerKind::ALL, scratch.path()), &rule, &|_, _| {})?.atlas;
    let plane = whole.plane().clone();
    table.stage("project: degrees to the plane", || outlines.iter().map(|outline| outline.map(|at| plane.project(at)).positions.len()).sum::<usize>());
    let regions: Vec<_> = table.stage("project, check and repair", || {
        outlines.iter().filter_map(|outline| Some((outline, check_in(outline, |at| plane.project(at)).ok()?))).collect()
    });
    let figures: Vec<Figure> = table.stage("prepare for measuring", || regions.iter().map(|(_, checked)| Figure::new(checked.region.clone())).collect());
    for kind in LayerKind::ALL {
        let alone = load(&files(&folder, &[*kind], scratch.path()), &rule, &|_, _| {})?.atlas;
        table.stage(&format!("index and overlay: {kind} alone"), || measure_all(&alone, &figures))?;
    }
    table.stage("index and overlay: all layers, with farmland under approvals", || measure_all(&whole, &figures))?;
    let written = Written { crs: Crs::CRS84, decimals: None };
    table.stage("the same, and judge", || {
        let mut drawn = figures.iter().zip(&regions).map(|(figure, (degrees, _))| (figure, AsDrawn { degrees, written }));
        drawn.try_for_each(|(figure, patch)| classify(&whole, &rule, figure, patch, tuban_engine::model::today(), None).map(drop))
    })?;
    table.patches = figures.len();
    table.print();

    let timings = classify_files(&files(&folder, LayerKind::ALL, scratch.path()), &rule.clone().into(), Output::Csv, &mut std::io::sink(), &|_, _| {})?.timings;
    println!("all of it, on all cores: {:.3} s", timings.read_s + timings.classify_s + timings.write_s);
    Ok(())
}

fn files(folder: &Path, kinds: &[LayerKind], scratch: &Path) -> ClassifyFiles {
    ClassifyFiles {
        patches: folder.join("survey-2022-04.geojson"),
        layers: kinds.iter().map(|kind| LayerPath::new(*kind, folder.join(format!("{kind}.geojson")))).collect(),
        stated: Stated::default(),
        workshop: Workshop::new(scratch.to_owned()),
        map: Vec::new(),
        codes: tuban::service::layers::codes::CodeChoices::default(),
        explain: false,
        memory: Memory::new(Memory::usual_budget(), scratch.to_owned()),
        as_of: None,
    }
}

fn measure_all(atlas: &Atlas, figures: &[Figure]) -> std::io::Result<()> {
    figures.iter().try_for_each(|figure| atlas.measure(figure, tuban_engine::model::today()).map(drop))
}

/// Stages with the seconds each took, the best of three.
#[derive(Default)]
struct Table {
    rows: Vec<(String, f64)>,
    patches: usize,
}

impl Table {
    fn stage<R>(&mut self, name: &str, mut work: impl FnMut() -> R) -> R {
        let mut best = f64::INFINITY;
        let mut timed = || {
            let start = Instant::now();
            let done = work();
            best = best.min(start.elapsed().as_secs_f64());
            done
        };
        timed();
        timed();
        let done = timed();
        self.rows.push((name.to_owned(), best));
        done
    }

    fn print(&self) {
        println!("| stage | s | µs a patch |\n| --- | --- | --- |");
        for (name, seconds) in &self.rows {
            println!("| {name} | {seconds:.3} | {:.2} |", seconds * 1e6 / self.patches as f64);
        }
    }
}
