//! The engine's parts, each alone, by criterion: `cargo bench --bench engine [-- FILTER]`. Data is the small demo city, made on the spot.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tuban::formats::Stated;
use tuban::scope::Scope;
use tuban::service::{
    Service, Workshop,
    batch::{ClassifyFiles, LayerPath, classify, line::Output, load},
    layers::import::LayerFile,
};
use tuban_demo::{Preset, generate};
use tuban_engine::model::{Group, LayerKind, Totals};
use tuban_engine::{memory::Memory, rollup::roll_up, rule::Rule};
use tuban_geom::{Figure, Outline, Plane, Region, check as check_closely, check_in};

/// A wavy ring of `corners` corners around a place, metres.
fn star(x: f64, y: f64, radius: f64, corners: u32) -> Vec<[f64; 2]> {
    let at = |corner: u32| {
        let (sin, cos) = (f64::from(corner) / f64::from(corners) * std::f64::consts::TAU).sin_cos();
        let reach = radius * (1.0 + 0.2 * f64::from(corner * 7 % 5) / 5.0);
        [x + reach * cos, y + reach * sin]
    };
    (0..=corners).map(|corner| at(corner % corners)).collect()
}

fn region(ring: &[[f64; 2]]) -> Region {
    let mut region = Region::default();
    region.push(ring.iter().copied(), true);
    region
}

fn kernel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    let figure = Figure::new(region(&star(0.0, 0.0, 60.0, 24)));
    for (name, other) in [("half within", star(50.0, 30.0, 150.0, 25)), ("within", star(0.0, 0.0, 400.0, 25)), ("beside", star(190.0, 0.0, 120.0, 25))] {
        let ring = region(&other);
        group.bench_function(format!("shared area, {name}"), |bencher| bencher.iter(|| black_box(&figure).shared_m2(black_box(&ring).rings())));
    }
    group.bench_function("prepare 24 vertices", |bencher| bencher.iter(|| Figure::new(black_box(region(&star(0.0, 0.0, 60.0, 24))))));
    for (name, outline) in [("sound", star(0.0, 0.0, 60.0, 24)), ("crossing itself", crossed(star(0.0, 0.0, 60.0, 24)))] {
        let outline = Outline::polygon(&[outline]);
        group.bench_function(format!("check, {name}"), |bencher| bencher.iter(|| check_in(black_box(&outline), |at| at)));
        group.bench_function(format!("check closely, {name}"), |bencher| bencher.iter(|| check_closely(black_box(&outline))));
    }
    let plane = Plane::at(118.0, 35.0);
    group.bench_function("project", |bencher| bencher.iter(|| plane.project(black_box([118.345_678_9, 35.123_456_7]))));
    group.finish();
}

/// The same with two corners swapped.
fn crossed(mut ring: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    ring.swap(5, 6);
    ring
}

fn files(folder: &Path) -> ClassifyFiles {
    ClassifyFiles {
        patches: folder.join("survey-2022-04.geojson"),
        layers: LayerKind::ALL.iter().map(|kind| LayerPath::new(*kind, folder.join(format!("{kind}.geojson")))).collect(),
        stated: Stated::default(),
        workshop: Workshop::new(folder.to_owned()),
        map: Vec::new(),
        codes: tuban::service::layers::codes::CodeChoices::default(),
        explain: false,
        memory: Memory::new(Memory::usual_budget(), folder.to_owned()),
        as_of: None,
    }
}

/// The small city's layers from GeoJSON, and its survey against them.
fn city(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    generate(Preset::Small, 1, folder.path(), &mut |_, _, _| {}).unwrap();
    let (files, rule) = (files(folder.path()), Rule::load(None).unwrap());
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    let mut group = criterion.benchmark_group("small city");
    group.sample_size(20).throughput(Throughput::Bytes(files.layers.iter().map(|layer| size(&layer.path)).sum()));
    group.bench_function("load six layers", |bencher| bencher.iter(|| load(&files, &rule, &|_, _| {}).unwrap()));
    let atlas = load(&files, &rule, &|_, _| {}).unwrap().atlas;
    group.throughput(Throughput::Elements(2_000));
    group.bench_function("classify 2000 patches", |bencher| {
        bencher.iter(|| classify(&files, &rule, &atlas, Output::Csv, &mut std::io::sink(), &|_, _| {}).unwrap());
    });
    group.finish();
    check(criterion, folder.path(), rule);
}

/// What `POST /api/check` does with its body, on the small city in a store.
fn check(criterion: &mut Criterion, folder: &Path, rule: Rule) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let service = runtime.block_on(async {
        let store = tuban::store::open(&format!("sqlite:{}", folder.join("city.db").display())).await.unwrap();
        let service = Arc::new(Service::open(store, rule, folder.join("spool")).unwrap());
        for kind in LayerKind::ALL {
            let file = LayerFile::new(folder.join(format!("{kind}.geojson")), *kind, kind.to_string(), "2022-01-01".parse().unwrap());
            service.import_layer(&Scope::all(), &file, &|_| {}).await.unwrap();
        }
        service.refresh_atlas().await.unwrap();
        service
    });
    let mut group = criterion.benchmark_group("check");
    for vertices in [50, 5_000] {
        let degrees = star(0.0, 0.0, 0.001, vertices).into_iter().map(|[x, y]| [118.3 + x, 35.1 + y]).collect::<Vec<_>>();
        let polygon = format!(r#"{{"type":"Polygon","coordinates":[{degrees:?}]}}"#).into_bytes();
        group.bench_function(format!("a polygon of {vertices} vertices"), |bencher| {
            bencher.iter(|| runtime.block_on(service.check_aside(polygon.clone(), None)).unwrap());
        });
    }
    group.finish();
}

fn rollup(criterion: &mut Criterion) {
    let rule = Rule::load(None).unwrap();
    let group = |patches: u32| Group { patches: patches.into(), area_m2: f64::from(patches) * 1e3, farmland_m2: f64::from(patches) * 7e2, farmland_unknown: 0 };
    let county = |code: u32| Totals {
        county_code: Some(format!("3713{code:02}")),
        legal: group(190 + code),
        illegal: group(124),
        other: group(451),
        ..Totals::default()
    };
    let totals: Vec<Totals> = (0..12).map(county).collect();
    criterion.bench_function("roll up twelve counties", |bencher| bencher.iter(|| roll_up(black_box(totals.clone()), &rule.lines, |_| None)));
}

/// Long enough to tell a few per cent, short enough to be run.
fn settings() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = engine;
    config = settings();
    targets = kernel, city, rollup
}
criterion_main!(engine);
