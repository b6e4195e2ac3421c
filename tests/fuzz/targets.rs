//! What is fuzzed, and what must hold of it whatever comes.

use super::{corpus, fuzz};
use crate::app::{TestApp, city};
use crate::formats_files::kit::zip;
use std::io::Cursor;
use tuban::formats::geojson::Reader;
use tuban::formats::ogr::Workshop;
use tuban::formats::{Arrival, FeatureBounds, FeatureSource, FieldMap, NamedCrs, ReadError, Wanted, wkb};
use tuban_geom::wkb::write_multi_polygon;
use tuban_geom::{Crs, Outline};

/// Reads a file to its end; how many features it has.
fn read(bytes: &[u8], bounds: FeatureBounds) -> Result<usize, ReadError> {
    let mut reader = Reader::new(Box::new(Cursor::new(bytes.to_vec())), None, bounds)?;
    let mut features = 0;
    while let Some(batch) = reader.next_batch()? {
        let fields = FieldMap::resolve(Wanted::Survey, &batch.keys(10)?, &[]).unwrap_or_default();
        for index in 0..batch.len() {
            let feature = batch.feature(index, &fields)?;
            features += 1;
            if let Ok(outline) = feature.geometry {
                assert!(outline.positions.len() as u64 <= bounds.vertices);
                assert!(outline.positions.iter().flatten().all(|number| number.is_finite()));
                assert_eq!(outline.ring_ends.last().copied(), Some(outline.positions.len() as u32));
                assert_eq!(outline.part_ends.last().copied(), Some(outline.ring_ends.len() as u32));
            }
        }
    }
    Ok(features)
}

/// Oracle: `serde_json`: what is read to its end is JSON, and has as many features.
#[test]
fn geojson() {
    let bounds = FeatureBounds { vertices: 40, text_bytes: 1 << 14, keys: 20 };
    fuzz(&corpus("geojson"), |bytes| {
        let (Ok(features), Ok(text)) = (read(bytes, bounds), std::str::from_utf8(bytes)) else { return };
        let known: serde_json::Value = match serde_json::from_str(text.trim_start_matches('\u{FEFF}')) {
            Ok(known) => known,
            // It takes no number that no double can be, which is JSON all the same.
            Err(error) if error.to_string().contains("number out of range") => return,
            Err(error) => panic!("{error}: {text}"),
        };
        let is_alone = known["type"] == "Feature";
        assert_eq!(features, if is_alone { 1 } else { known["features"].as_array().unwrap().len() }, "{text}");
    });
}

/// Oracle: the writer: what was read is written, and read back as the same.
#[test]
fn well_known_binary() {
    let ring = |x: f64| [[x, 0.0], [x + 1.0, 0.0], [x, 1.0], [x, 0.0]];
    let mut two = Outline::polygon(&[ring(0.0)]);
    two.multi = true;
    let corpus: Vec<Vec<u8>> = [Outline::polygon(&[ring(0.0), ring(0.25)]), two, Outline::default()]
        .iter()
        .map(|outline| {
            let mut bytes = Vec::new();
            write_multi_polygon(outline, &mut bytes);
            bytes
        })
        .collect();
    fuzz(&corpus, |bytes| {
        let Ok(outline) = wkb::outline(bytes, 50) else { return };
        assert!(outline.positions.len() <= 50);
        let mut written = Vec::new();
        write_multi_polygon(&outline, &mut written);
        let again = wkb::outline(&written, u64::MAX).unwrap();
        // Rings are written closed, and empty parts stay.
        assert_eq!((again.part_ends.len(), again.ring_ends.len()), (outline.part_ends.len(), outline.ring_ends.len()));
    });
}

/// Oracle: the name that is given to what was understood, which is understood as the same.
#[test]
fn crs_text() {
    fuzz(&corpus("crs"), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        for understood in [NamedCrs::new(&text, None).understood.ok(), text.parse::<Crs>().ok()].into_iter().flatten() {
            assert_eq!(understood.to_string().parse::<Crs>().ok(), Some(understood), "{text}");
        }
    });
}

/// Nothing of an archive stays, and nothing lies outside its folder, whatever its list says.
#[test]
fn archive_list() {
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("a.zip");
    let empty = br#"{"type":"FeatureCollection","features":[]}"#;
    let corpus: Vec<Vec<u8>> = [
        &[("a/tb.geojson", &empty[..])][..],
        &[("tb.shp", b"x"), ("tb.shx", b"y"), ("tb.dbf", b"z"), ("tb.prj", b"GEOGCS[]")],
        &[("a.gdb/a00000001.gdbtable", b"1"), ("a.gdb/gdb", b"2"), ("readme.txt", b"3")],
    ]
    .iter()
    .map(|entries| {
        zip(&path, entries);
        std::fs::read(&path).unwrap()
    })
    .collect();
    let scratch = at.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let workshop = Workshop { program: None, ..Workshop::new(scratch.clone()) };
    fuzz(&corpus, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        drop(Arrival::receive(&path, "a.zip", &workshop));
        assert_eq!((std::fs::read_dir(&scratch).unwrap().count(), std::fs::read_dir(at.path()).unwrap().count()), (0, 2));
    });
}

/// The service answers, and never that it is at fault; a form that is not understood leaves what is filed as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdict_tables() {
    let app = TestApp::city().await;
    app.uploaded(crate::app::APRIL, &city::one_of_each()).await;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        fuzz(&corpus("verdicts"), |bytes| {
            let answer = runtime.block_on(app.post("/api/verdicts?preview=yes", bytes.to_vec()));
            assert!(answer.status.as_u16() < 500, "{}: {}", answer.status, answer.text());
        });
    });
    assert_eq!(app.read("/api/patches?verdict=pending&period=2022-04").await["features"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn query_parameters() {
    let app = TestApp::city().await;
    app.uploaded(crate::app::APRIL, &city::one_of_each()).await;
    let runtime = tokio::runtime::Handle::current();
    let lines: Vec<Vec<u8>> = corpus("query").concat().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    tokio::task::block_in_place(|| {
        fuzz(&lines, |bytes| {
            // What no client would send as a target is left out here: see `edge` for bytes on the wire.
            let target: String = bytes.iter().filter(|byte| byte.is_ascii_graphic() && **byte != b'#').map(|byte| char::from(*byte)).collect();
            if !target.starts_with("/api/") || format!("http://localhost{target}").parse::<reqwest::Url>().is_err() {
                return;
            }
            let answer = runtime.block_on(app.get(&target));
            assert!(answer.status.as_u16() < 500, "{target}: {} {}", answer.status, answer.text());
        });
    });
}
