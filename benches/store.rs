//! How long the embedded store takes over bulk work: `cargo bench --bench store`.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]

#[path = "../tests/builders/mod.rs"]
#[allow(dead_code)] // Shared with the tests, which use all of it.
mod builders;

use builders::{facts, filing, finding, key, layer, only, patch};
use std::{f64::consts::TAU, time::Instant};
use tuban::scope::Scope;
use tuban::store::{Filter, PatchPosition, Store, VerdictFilter, sqlite::SqliteStore};
use tuban_engine::model::{FeatureFacts, Finding, LayerFeature, LayerKind, OnConflict, Patch, Verdict};
use tuban_geom::{Bounds, Outline};

const PARCELS: u64 = 300_000;
const PATCHES: u64 = 100_000;
const BATCH: u64 = 2000;

/// A ring of 25 positions around a place.
fn blob(x: f64, y: f64) -> Outline {
    let ring: Vec<_> = (0..25).map(|n| f64::from(n % 24) * TAU / 24.0).map(|turn| [x + 0.001 * turn.cos(), y + 0.001 * turn.sin()]).collect();
    Outline::polygon(&[ring])
}

/// Somewhere in the city, scattered.
fn somewhere(n: u64) -> [f64; 2] {
    let part = |n: u64| (n.wrapping_mul(2_654_435_761) % 1_000_003) as f64 / 1_000_003.0;
    [117.4 + 1.8 * part(n), 34.4 + 1.8 * part(n + 500_000)]
}

fn report(what: &str, start: Instant) {
    println!("{:>8.1} ms  {what}", start.elapsed().as_secs_f64() * 1000.0);
}

async fn a_city_of_parcels(store: &SqliteStore) {
    let features: Vec<Vec<_>> = (0..PARCELS / BATCH)
        .map(|batch| {
            let feature = |n: u64| LayerFeature {
                row: n + 1,
                facts: FeatureFacts::new("0102".to_owned(), "水浇地".to_owned()),
                degrees: blob(117.4 + (n % 550) as f64 * 0.003, 34.4 + (n / 550) as f64 * 0.003),
                source: None,
                repaired: None,
            };
            (batch * BATCH..(batch + 1) * BATCH).map(feature).collect()
        })
        .collect();
    let start = Instant::now();
    let mut writer = store.begin_layer().await.unwrap();
    for batch in features {
        writer.push(batch).await.unwrap();
    }
    report("300 000 features pushed", start);
    let start = Instant::now();
    let stored = writer.commit(layer(LayerKind::Farmland, "2022-01-01")).await.unwrap();
    report("  and committed", start);
    let (start, mut count) = (Instant::now(), 0);
    store.each_feature(stored.id, &mut |batch| count += batch.len()).await.unwrap();
    report(&format!("{count} features read"), start);
    let (start, mut found) = (Instant::now(), 0);
    for n in 0..1000 {
        let [x, y] = somewhere(n);
        found += store.features_within(stored.id, &Bounds { min: [x, y], max: [x + 0.01, y + 0.01] }, 5000).await.unwrap().len();
    }
    report(&format!("1000 searches of 0.01° found {found}"), start);
    let start = Instant::now();
    store.remove_layer(stored.id).await.unwrap();
    report("the layer removed", start);
}

async fn a_year_of_patches(store: &SqliteStore) {
    let one = |n: u64| -> (Patch, Finding) {
        let [x, y] = somewhere(n);
        let county = builders::COUNTIES[(n % 12) as usize].0;
        (
            Patch {
                row: n + 1,
                degrees: blob(x, y),
                attributes: r#"{"JCBH":"371302000013","XZQDM":"371302","XMC":"兰山区","TBLX":"1","JCMJ":12.34,"QSX":"20220101","HSX":"20220401"}"#.to_owned(),
                ..patch(&format!("{county}{n:06}"))
            },
            finding(Some(county)),
        )
    };
    let batches: Vec<Vec<_>> = (0..PATCHES / BATCH).map(|batch| (batch * BATCH..(batch + 1) * BATCH).map(one).collect()).collect();
    let key = key("2022-04", "x");
    let start = Instant::now();
    let mut writer = store.begin_survey(key.clone(), OnConflict::Reject).await.unwrap();
    for batch in batches {
        writer.push(batch).await.unwrap();
    }
    report("100 000 patches pushed", start);
    let start = Instant::now();
    writer.commit(facts(&key)).await.unwrap();
    report("  and committed", start);

    let start = Instant::now();
    let filings: Vec<_> = (0..10_000).map(|n| filing(&one(n * 10).0.patch_id, Verdict::Legal)).collect();
    assert_eq!(store.file_verdicts(&Scope::all(), None, &filings).await.unwrap().recorded, 10_000);
    report("10 000 verdicts filed", start);
    let start = Instant::now();
    assert_eq!(store.totals(&Scope::all(), only("2022-04")).await.unwrap().len(), 12);
    report("totals", start);
    let page = Filter { limit: 500, ..Filter::of(Scope::all()) };
    let city = Bounds { min: [117.0, 34.0], max: [120.0, 37.0] };
    let tile = Bounds { min: [118.30, 35.00], max: [118.35, 35.05] };
    let middle = PatchPosition { survey: 1, patch: 50_000 };
    let queries = [
        ("first", page.clone()),
        ("middle", Filter { after: middle, ..page.clone() }),
        ("county", Filter { county: Some("371329".to_owned()), after: middle, ..page.clone() }),
        ("range and county", Filter { county: Some("371329".to_owned()), range: Some(only("2022-04")), ..page.clone() }),
        ("verdict of none", Filter { verdict: Some(VerdictFilter::Shown("illegal")), ..page.clone() }),
        ("shown legal", Filter { verdict: Some(VerdictFilter::Shown("legal")), ..page.clone() }),
        ("tile", Filter { bounds: Some(tile), ..page.clone() }),
        ("whole city by box", Filter { bounds: Some(city), ..page.clone() }),
    ];
    for (what, query) in queries {
        let start = Instant::now();
        let found = store.patches(&query).await.unwrap().len();
        report(&format!("page of {found}: {what}"), start);
    }
    for (what, bounds, outlines) in [("tile, outlines", tile, true), ("tile", tile, false), ("city", city, false), ("city, outlines", city, true)] {
        let start = Instant::now();
        let found = store
            .patch_marks(&Filter { bounds: Some(bounds), range: Some(only("2022-04")), limit: 200_000, ..Filter::of(Scope::all()) }, outlines)
            .await
            .unwrap()
            .len();
        report(&format!("{found} marks: {what}"), start);
    }
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&format!("sqlite:{}/bench.db", folder.path().display())).await.unwrap();
    a_city_of_parcels(&store).await;
    a_year_of_patches(&store).await;
}
