//! Shapefiles whose rings run the wrong way round: nothing else tells their shells from their holes.

use super::kit::{folder, workshop, zip};
use serde_json::Value;
use std::path::Path;
use tuban::formats::Stated;
use tuban::service::batch::{ClassifyFiles, classify_files, line::Output};
use tuban_engine::{memory::Memory, rule::Rules};

type Ring = [[f64; 2]; 5];

/// A square of degrees, clockwise or not.
fn square(west: f64, south: f64, side: f64, clockwise: bool) -> Ring {
    let [a, b, c, d] = [[west, south], [west, south + side], [west + side, south + side], [west + side, south]];
    if clockwise { [a, b, c, d, a] } else { [a, d, c, b, a] }
}

/// The bytes of `.shp`, `.shx` and `.dbf` (ESRI Shapefile Technical Description, July 1998; dBASE III).
fn shapefile(shapes: &[Vec<Ring>]) -> [Vec<u8>; 3] {
    let (mut records, mut index) = (Vec::new(), Vec::new());
    for (number, rings) in shapes.iter().enumerate() {
        let mut content = 5_u32.to_le_bytes().to_vec();
        for bound in [118.0, 35.0, 119.0, 36.0_f64] {
            content.extend(bound.to_le_bytes());
        }
        for count in [rings.len() as u32, 5 * rings.len() as u32].into_iter().chain((0..rings.len() as u32).map(|ring| 5 * ring)) {
            content.extend(count.to_le_bytes());
        }
        content.extend(rings.iter().flatten().flatten().flat_map(|number| number.to_le_bytes()));
        let words = content.len() as u32 / 2;
        index.extend([(50 + records.len() as u32 / 2).to_be_bytes(), words.to_be_bytes()].concat());
        records.extend([(number as u32 + 1).to_be_bytes(), words.to_be_bytes()].concat());
        records.extend(content);
    }
    let file = |body: Vec<u8>| {
        let mut head = 9994_u32.to_be_bytes().to_vec();
        head.resize(24, 0);
        head.extend(((100 + body.len() as u32) / 2).to_be_bytes());
        head.extend([1000_u32.to_le_bytes(), 5_u32.to_le_bytes()].concat());
        for bound in [118.0, 35.0, 119.0, 36.0_f64] {
            head.extend(bound.to_le_bytes());
        }
        head.resize(100, 0);
        head.extend(body);
        head
    };
    let mut table = vec![3, 122, 4, 1];
    table.extend((shapes.len() as u32).to_le_bytes());
    table.extend([65_u16.to_le_bytes(), 5_u16.to_le_bytes()].concat());
    table.resize(32, 0);
    table.extend(b"JCBH\0\0\0\0\0\0\0C");
    table.resize(48, 0);
    table.push(4);
    table.resize(64, 0);
    table.push(13);
    for number in 0..shapes.len() {
        table.extend(format!(" R{number:<3}").bytes());
    }
    [file(records), file(index), table]
}

fn classified(zipped: &Path, scratch: &Path) -> Vec<Value> {
    let files = ClassifyFiles {
        patches: zipped.to_owned(),
        layers: vec![],
        stated: Stated::default(),
        workshop: workshop(scratch),
        map: Vec::new(),
        memory: Memory::new(1 << 30, scratch.to_owned()),
        as_of: None,
        codes: tuban::service::layers::codes::CodeChoices::default(),
        explain: false,
    };
    let mut out = Vec::new();
    classify_files(&files, &Rules::load(None).unwrap(), Output::GeoJson, &mut out, &|_, _| {}).unwrap();
    serde_json::from_slice::<Value>(&out).unwrap()["features"].as_array().unwrap().clone()
}

/// Oracle: by hand; of nine ninths of a square the hole is one, of the hole's nine ninths the island is one. What is drawn right is the measure.
#[test]
fn mirrored_rings_are_told_apart_by_which_lies_in_which() {
    let scratch = folder();
    let of = |row: usize, ways: [bool; 3], count: usize| -> Vec<Ring> {
        let west = 118.2 + 0.01 * row as f64;
        let rings = [square(west, 35.0, 0.0036, ways[0]), square(west + 0.0012, 35.0012, 0.0012, ways[1]), square(west + 0.0016, 35.0016, 0.0004, ways[2])];
        rings[..count].to_vec()
    };
    let mut turned = of(4, [true, true, true], 2);
    turned.reverse();
    let shapes = [
        of(0, [true, false, true], 2),
        of(1, [false, true, false], 2),
        of(2, [true, true, true], 2),
        of(3, [false, false, false], 2),
        turned,
        of(5, [true, false, true], 3),
        of(6, [false, true, false], 3),
        of(7, [true, true, true], 3),
        of(8, [false; 3], 1),
    ];
    let path = scratch.path().join("rings.zip");
    let [shp, shx, dbf] = shapefile(&shapes);
    zip(&path, &[("rings.shp", shp.as_slice()), ("rings.shx", shx.as_slice()), ("rings.dbf", dbf.as_slice())]);
    let found = classified(&path, scratch.path());
    let area_m2 = |row: usize| found[row]["properties"]["area_m2"].as_f64().unwrap_or_else(|| panic!("{row}: {}", found[row]));
    for row in 0..5 {
        assert!((area_m2(row) - area_m2(0)).abs() < 1e-3, "{row}: {}", area_m2(row));
    }
    for row in 5..8 {
        assert!((area_m2(row) - area_m2(5)).abs() < 1e-3, "{row}: {}", area_m2(row));
    }
    assert!((area_m2(5) / area_m2(0) - (9.0 - 1.0 + 1.0 / 9.0) / 8.0).abs() < 1e-5 && (area_m2(8) / area_m2(0) - 9.0 / 8.0).abs() < 1e-5);
    let conditions: Vec<&str> = found.iter().map(|feature| feature["properties"]["condition"].as_str().unwrap()).collect();
    assert_eq!([conditions[0], conditions[5], conditions[8]], ["ok"; 3], "what runs as it should, or cannot be mistaken");
    assert!([1, 2, 6, 7].iter().all(|row| conditions[*row] == "repaired"), "{conditions:?}");
}
