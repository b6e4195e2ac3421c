//! A feature that is more than one may be is refused by every reader, with its row and the limit, and those beside it are taken.

use super::kit::{folder, look, ogr2ogr, workshop, zip_folder};
use std::path::{Path, PathBuf};
use tuban::formats::{FeatureBounds, Stated, ogr::Workshop};
use tuban::service::reading::inspect::Inspection;

/// A ring of so many positions, the closing one included.
fn ring(positions: usize, west: f64) -> String {
    let sides = positions - 1;
    let at = |k: usize| {
        let turn = std::f64::consts::TAU * (k % sides) as f64 / sides as f64;
        format!("[{:.9},{:.9}]", west + 0.01 * turn.cos(), 35.05 + 0.01 * turn.sin())
    };
    (0..positions).map(at).collect::<Vec<_>>().join(",")
}

fn feature(id: &str, more: &str, positions: usize, west: f64) -> String {
    let ring = ring(positions, west);
    format!(r#"{{"type":"Feature","properties":{{"JCBH":"{id}"{more}}},"geometry":{{"type":"Polygon","coordinates":[[{ring}]]}}}}"#)
}

/// Three features of 20, 21 and 20 positions in a folder.
fn three(folder: &Path) -> PathBuf {
    let path = folder.join("a.geojson");
    let features = [feature("A", "", 20, 118.30), feature("B", "", 21, 118.35), feature("C", "", 20, 118.40)].join(",\n");
    std::fs::write(&path, format!(r#"{{"type":"FeatureCollection","features":[{features}]}}"#)).unwrap();
    path
}

fn narrow(scratch: &Path) -> Workshop {
    Workshop { bounds: FeatureBounds { vertices: 20, text_bytes: 1 << 20, keys: 50 }, ..workshop(scratch) }
}

/// What the file is seen as by workers that allow 20 vertices.
fn seen(path: &Path) -> Inspection {
    let scratch = folder();
    look(path, Stated::default(), &narrow(scratch.path())).unwrap()
}

/// Row, code and pointer of what is refused.
fn refused(seen: &Inspection) -> Vec<(u64, &str, &str)> {
    seen.rejects.iter().map(|reject| (reject.row, reject.code.as_str(), reject.pointer.as_str())).collect()
}

/// Oracle: the positions that were written, counted by hand.
#[test]
fn vertices_are_counted_to_the_last_by_every_reader() {
    let at = folder();
    let source = three(at.path());
    let mut files = vec![source.clone()];
    for (driver, name) in [("GPKG", "b.gpkg"), ("FlatGeobuf", "b.fgb"), ("KML", "b.kml"), ("MapInfo File", "b.mif"), ("GeoJSONSeq", "b.geojsonl")] {
        let path = at.path().join(name);
        // FlatGeobuf would put them in the order of the ground.
        let options: &[&str] = if driver == "FlatGeobuf" { &["-lco", "SPATIAL_INDEX=NO"] } else { &[] };
        ogr2ogr(&[&["-f", driver], options].concat(), &path, &source);
        files.push(path);
    }
    let shapes = folder();
    ogr2ogr(&["-f", "ESRI Shapefile"], &shapes.path().join("b.shp"), &source);
    let archive = at.path().join("b.zip");
    zip_folder(&archive, shapes.path(), "");
    files.push(archive);
    for path in files {
        let seen = seen(&path);
        assert_eq!((seen.features, seen.accepted), (3, 2), "{}: {:?}", path.display(), seen.rejects);
        assert_eq!(refused(&seen), [(2, "too_many_vertices", "/features/1/geometry")], "{}", path.display());
        assert!(seen.rejects[0].reason.zh.contains("20") && seen.rejects[0].reason.en.contains("20"), "{:?}", seen.rejects[0].reason);
    }
}

#[test]
fn esri_json_and_topojson_are_counted_too() {
    let at = folder();
    let rings = |positions: usize, west: f64| format!(r#"{{"rings":[[{}]]}}"#, ring(positions, west));
    let rows: Vec<String> = [("A", 20, 118.30), ("B", 21, 118.35), ("C", 20, 118.40)]
        .iter()
        .map(|(id, positions, west)| format!(r#"{{"attributes":{{"JCBH":"{id}"}},"geometry":{}}}"#, rings(*positions, *west)))
        .collect();
    let esri = format!(
        r#"{{"geometryType":"esriGeometryPolygon","spatialReference":{{"wkid":4490}},"fields":[{{"name":"JCBH","type":"esriFieldTypeString"}}],"features":[{}]}}"#,
        rows.join(",")
    );
    let arcs: Vec<String> = [(20, 118.30), (21, 118.35), (20, 118.40)].iter().map(|(positions, west)| format!("[{}]", ring(*positions, *west))).collect();
    let geometries: Vec<String> =
        ["A", "B", "C"].iter().enumerate().map(|(k, id)| format!(r#"{{"type":"Polygon","arcs":[[{k}]],"properties":{{"JCBH":"{id}"}}}}"#)).collect();
    let topology = format!(
        r#"{{"type":"Topology","arcs":[{}],"objects":{{"tb":{{"type":"GeometryCollection","geometries":[{}]}}}}}}"#,
        arcs.join(","),
        geometries.join(",")
    );
    for (name, text) in [("a.json", esri), ("a.topojson", topology)] {
        let path = at.path().join(name);
        std::fs::write(&path, text).unwrap();
        let seen = seen(&path);
        assert_eq!((seen.features, seen.accepted), (3, 2), "{name}: {:?}", seen.rejects);
        assert_eq!(refused(&seen), [(2, "too_many_vertices", "/features/1/geometry")], "{name}");
    }
}

#[test]
fn parts_of_a_collection_count_together() {
    let at = folder();
    let path = at.path().join("a.geojson");
    let part = |west: f64| format!(r#"{{"type":"Polygon","coordinates":[[{}]]}}"#, ring(11, west));
    let of = |parts: &[f64]| {
        let parts: Vec<String> = parts.iter().map(|west| part(*west)).collect();
        format!(r#"{{"type":"Feature","properties":{{}},"geometry":{{"type":"GeometryCollection","geometries":[{}]}}}}"#, parts.join(","))
    };
    std::fs::write(&path, format!(r#"{{"type":"FeatureCollection","features":[{},{}]}}"#, of(&[118.3]), of(&[118.35, 118.4]))).unwrap();
    let seen = seen(&path);
    assert_eq!((seen.accepted, refused(&seen)), (1, vec![(2, "too_many_vertices", "/features/1/geometry")]));
}

#[test]
fn keys_are_counted_and_a_feature_with_too_many_is_refused_alone() {
    let at = folder();
    let path = at.path().join("a.geojson");
    // With JCBH they are fifty, and one more.
    let keys = |count: usize| (1..count).map(|k| format!(r#","k{k}":0"#)).collect::<String>();
    let features = [feature("A", &keys(50), 5, 118.30), feature("B", &keys(51), 5, 118.35), feature("C", "", 5, 118.40)].join(",");
    std::fs::write(&path, format!(r#"{{"type":"FeatureCollection","features":[{features}]}}"#)).unwrap();
    let seen = seen(&path);
    assert_eq!((seen.features, seen.accepted), (3, 2), "{:?}", seen.rejects);
    assert_eq!(refused(&seen), [(2, "too_many_keys", "/features/1/properties")]);
    assert_eq!(seen.fields.len(), 50, "fields of what is refused are not listed");
}

#[test]
fn text_is_bounded_by_every_reader() {
    let at = folder();
    let path = at.path().join("a.geojson");
    let long = format!(r#","BZ":"{}""#, "字".repeat(700_000));
    let features = [feature("A", "", 5, 118.30), feature("B", &long, 5, 118.35)].join(",");
    std::fs::write(&path, format!(r#"{{"type":"FeatureCollection","features":[{features}]}}"#)).unwrap();
    let scratch = folder();
    let refusal = look(&path, Stated::default(), &narrow(scratch.path())).unwrap().problem.unwrap();
    assert_eq!((&*refusal.code, refusal.pointer.as_deref()), ("feature_too_large", Some("/features/1")));
    assert!(refusal.words.zh.contains("1048576"), "{}", refusal.words.zh);
    // Where GDAL reads, the feature alone.
    let table = at.path().join("a.fgb");
    ogr2ogr(&["-f", "FlatGeobuf", "-lco", "SPATIAL_INDEX=NO"], &table, &path);
    let seen = seen(&table);
    assert_eq!((seen.accepted, refused(&seen)), (1, vec![(2, "too_much_text", "/features/1/properties")]));
}
