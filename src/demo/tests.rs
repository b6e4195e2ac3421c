//! What the demo promises: the same bytes again, the counts of the presets, tilings without gap or overlap, short edges.
//! Expected areas need no oracle: positions are whole numbers, so a tiling's areas sum up to its outline's exactly.

use super::counties::{Counties, outer_ring};
use super::ground::{Point, Ring, contains, distance_m, doubled_area, measure};
use super::lattice::Lattice;
use super::parcels::Parcels;
use super::places::Places;
use super::terrain::{Terrain, is_farmland};
use super::{DemoFile, Preset, files, generate};
use std::collections::HashMap;
use std::path::PathBuf;

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("tuban-demo-{name}-{}", std::process::id())))
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn small(&self, seed: u64) -> Vec<DemoFile> {
        generate(Preset::Small, seed, &self.0, &mut |_, _, _| {}).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The small city's lattice, counties and terrain.
fn small(seed: u64) -> (Lattice, Counties, Terrain) {
    let scale = Preset::Small.scale();
    let lattice = Lattice::new(seed, scale.cells);
    let counties = Counties::new(seed, &lattice, scale.border_spacing_m);
    let terrain = Terrain::new(seed, scale.cells, &Places::new(seed, &counties));
    (lattice, counties, terrain)
}

/// The directed edges of all rings that no other ring has in the other direction.
fn lone_edges<'a>(rings: impl Iterator<Item = &'a Ring>) -> Vec<(Point, Point)> {
    let mut seen: HashMap<(Point, Point), i32> = HashMap::new();
    for ring in rings {
        for (k, &a) in ring.iter().enumerate() {
            *seen.entry((a, ring[(k + 1) % ring.len()])).or_default() += 1;
        }
    }
    assert!(
        seen.values().all(|&times| times == 1),
        "an edge twice in the same direction"
    );
    seen.keys()
        .filter(|(a, b)| !seen.contains_key(&(*b, *a)))
        .copied()
        .collect()
}

/// Coordinate pairs of a line of a file, ring by ring.
fn rings(line: &str) -> Vec<Vec<Point>> {
    let Some((_, coordinates)) = line.split_once("\"coordinates\":") else {
        return Vec::new();
    };
    let point = |pair: &str| {
        let (x, y) = pair.split_once(',')?;
        let nano = |text: &str| {
            text.trim_matches(|c: char| !c.is_ascii_digit())
                .replace('.', "")
                .parse::<i64>()
                .ok()
        };
        Some(Point {
            x: nano(x)?,
            y: nano(y)?,
        })
    };
    coordinates
        .split("]]")
        .map(|ring| ring.split("],[").filter_map(point).collect())
        .filter(|ring: &Vec<_>| !ring.is_empty())
        .collect()
}

/// The value of a text property.
fn text<'a>(line: &'a str, key: &str) -> &'a str {
    line.split_once(&format!("\"{key}\":\""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(value, _)| value)
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let folders = [Folder::new("a"), Folder::new("b"), Folder::new("c")];
    let [first, again, other] =
        [(0, 7), (1, 7), (2, 8)].map(|(k, seed): (usize, u64)| folders[k].small(seed));
    assert_eq!(first, again);
    assert_eq!(first.len(), 9);
    assert_eq!(
        first.iter().map(|file| file.name).collect::<Vec<_>>(),
        other.iter().map(|file| file.name).collect::<Vec<_>>()
    );
    for file in &first {
        let bytes = folders[0].read(file.name);
        assert!(bytes == folders[1].read(file.name), "{}", file.name);
        assert!(bytes != folders[2].read(file.name), "{}", file.name);
    }
}

#[test]
fn counts_are_those_of_the_preset() {
    let folder = Folder::new("counts");
    let written: HashMap<&str, u64> = folder
        .small(1)
        .iter()
        .map(|file| (file.name, file.features))
        .collect();
    for (name, features) in &written {
        let lines = folder
            .read(name)
            .lines()
            .filter(|line| line.starts_with("{\"type\":\"Feature\","))
            .count();
        assert_eq!(lines as u64, *features, "{name}");
    }
    assert_eq!(written[files::COUNTY], 12);
    assert!((9_000..11_000).contains(&written[files::FARMLAND]));
    assert!((320..480).contains(&written[files::BASIC_FARMLAND]));
    assert_eq!(written[files::RED_LINE], 8);
    assert_eq!(written[files::URBAN_BOUNDARY], 12);
    assert_eq!(written[files::APPROVED], 600);
    assert!(files::SURVEYS.iter().all(|name| written[name] == 2_000));
    assert_eq!(
        [Preset::Small, Preset::City, Preset::Dense].map(Preset::patches),
        [2_000, 100_000, 100_000]
    );
}

#[test]
fn a_file_opens_with_what_it_is() {
    let folder = Folder::new("head");
    folder.small(1);
    let head = folder.read(files::COUNTY);
    let opening = "{\"type\":\"FeatureCollection\",\n\"name\":\"演示城市（虚构）·行政区\",\n\"invented\":true,\n\"description\":\"Generated by `tuban demo`; not a real place. 程序生成，纯属虚构\",\n\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::4490\"}},\n\"features\":[\n{\"type\":\"Feature\",\"properties\":{\"XZQDM\":\"371302\",\"XZQMC\":\"兰山区\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[11";
    assert!(head.starts_with(opening));
    assert!(head.ends_with("}\n]}\n"));
}

#[test]
fn the_city_lies_within_its_extent() {
    for seed in 1..20 {
        let (lattice, ..) = small(seed);
        for point in outer_ring(&lattice) {
            assert!((117.4..119.2).contains(&point.lon()) && (34.4..36.2).contains(&point.lat()));
        }
    }
}

#[test]
fn counties_tile_the_city() {
    for seed in 1..20 {
        let (lattice, counties, _) = small(seed);
        let outer = outer_ring(&lattice);
        let sum: i128 = counties
            .list
            .iter()
            .map(|county| doubled_area(&county.ring))
            .sum();
        assert_eq!(sum, doubled_area(&outer));
        assert_eq!(
            lone_edges(counties.list.iter().map(|county| &county.ring)).len(),
            outer.len()
        );
    }
}

#[test]
fn parcels_tile_the_city_and_more_than_half_are_farmland() {
    for seed in 1..6 {
        let (lattice, counties, terrain) = small(seed);
        let parcels = Parcels::new(seed, &lattice, &terrain);
        let mut all = Vec::new();
        (0..parcels.blocks() * parcels.blocks())
            .for_each(|k| parcels.block(k % parcels.blocks(), k / parcels.blocks(), &mut all));
        assert_eq!(all.len() as u64, parcels.count());
        let outer = outer_ring(&lattice);
        assert_eq!(
            all.iter()
                .flat_map(|p| &p.rings)
                .map(|ring| doubled_area(ring))
                .sum::<i128>(),
            doubled_area(&outer)
        );
        assert_eq!(
            lone_edges(all.iter().flat_map(|p| &p.rings)).len(),
            outer.len()
        );
        let share = all.iter().filter(|p| is_farmland(p.class)).count() as f64 / all.len() as f64;
        assert!((0.45..0.65).contains(&share), "{share}");
        for parcel in all.iter().step_by(7) {
            let m = measure(&parcel.rings).unwrap();
            let centre = Point::new(m.lon, m.lat);
            assert!(contains(&counties.of(&m).ring, centre));
        }
    }
}

#[test]
fn measured_areas_are_official_ones() {
    // Oracle: the test vectors of the domain notes (ellipsoidal area of the third national survey).
    let ring = [
        (118.35, 35.05),
        (118.36, 35.05),
        (118.36, 35.06),
        (118.35, 35.06),
    ]
    .map(|(x, y)| Point::new(x, y))
    .to_vec();
    assert!((measure([&ring]).unwrap().area_m2 / 1_012_087.260_1 - 1.0).abs() < 1e-9);
    let ring = [(118.35, 35.05), (118.3533, 35.0507), (118.3512, 35.0531)]
        .map(|(x, y)| Point::new(x, y))
        .to_vec();
    assert!((measure([&ring]).unwrap().area_m2 / 47_519.406_9 - 1.0).abs() < 2e-9);
}

#[test]
fn edges_of_patches_are_below_65_metres_and_ids_are_unique() {
    let folder = Folder::new("edges");
    folder.small(3);
    for name in files::SURVEYS {
        let content = folder.read(name);
        let patches: Vec<&str> = content
            .lines()
            .filter(|line| line.starts_with("{\"type\":\"Feature\","))
            .collect();
        let mut ids: Vec<&str> = patches.iter().map(|line| text(line, "JCBH")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 2_000);
        for line in &patches {
            assert!(text(line, "JCBH").starts_with(text(line, "XZQDM")));
            for ring in rings(line) {
                assert!(
                    ring.windows(2)
                        .all(|edge| distance_m(edge[0], edge[1]) < 65.0),
                    "{line}"
                );
            }
        }
    }
}

#[test]
fn every_kind_of_hopeless_patch_is_there() {
    let folder = Folder::new("faults");
    folder.small(2);
    let all: String = files::SURVEYS
        .iter()
        .map(|name| folder.read(name))
        .collect();
    assert!(all.contains("\"geometry\":null"));
    assert!(all.contains("\"type\":\"Point\""));
    assert!(all.contains("\"coordinates\":[[]]"));
    let short = |line: &str| matches!(rings(line).as_slice(), [ring] if ring.len() == 3);
    let flat = |line: &str| matches!(rings(line).as_slice(), [ring] if ring.len() == 4 && doubled_area(ring) == 0);
    assert!(all.lines().any(short));
    assert!(all.lines().any(flat));
    let hopeless = all.lines().filter(|line| {
        line.contains("geometry\":null")
            || line.contains("Point")
            || line.contains("[[]]")
            || short(line)
            || flat(line)
    });
    assert_eq!(hopeless.count(), 9);
}
