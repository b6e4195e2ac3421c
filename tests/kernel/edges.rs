//! The file's CRS does not decide the verdict: six coordinate systems by six, patches against parcels and approvals.
//!
//! Oracle: by construction. Shapes share corners, so ground that the approvals leave uncovered is what was drawn, whichever way edges are read; PROJ (`gdaltransform`) takes
//! the corners from one system to another, and tells how high the lens between two readings of an edge is.

use super::proj::proj;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use tuban::formats::{Stated, ogr::Workshop};
use tuban::service::batch::{ClassifyFiles, LayerPath, classify_files, line::Output};
use tuban_engine::model::LayerKind;
use tuban_engine::{memory::Memory, rule::Rules};

/// Degrees, two zones with and without their number in the easting, and the zone west of the city's.
const SYSTEMS: [&str; 6] = ["EPSG:4490", "EPSG:4527", "EPSG:4528", "EPSG:4548", "EPSG:4549", "EPSG:4526"];
/// Tolerance of the built-in rule, square metres: 0.001 亩.
const TOLERANCE_M2: f64 = 0.666_666_7;
/// Metres of a degree at 35° N, to the east and to the north; where corners lie does not matter, only that they are shared.
const DEGREE_M: [f64; 2] = [91_287.0, 110_941.0];

type Ring = Vec<[f64; 2]>;

/// A patch with what lies on it, corners in degrees.
struct Case {
    name: String,
    patch: Ring,
    approved: Vec<Ring>,
    /// Parcels with their class.
    parcels: Vec<(&'static str, Ring)>,
    verdict: &'static str,
    /// Where a vertex stands on a long edge of the patch or of what is approved: at the middle of that edge, as each file draws it.
    split: [bool; 2],
}

impl Case {
    /// Its own ring first.
    fn rings(&self) -> impl Iterator<Item = &Ring> {
        std::iter::once(&self.patch).chain(&self.approved).chain(self.parcels.iter().map(|(_, ring)| ring))
    }
}

/// The closed ring of an oblong along a way, `length` by 60 m, its edges offset outwards by so many metres across.
fn oblong(at: [f64; 2], length: f64, [cos, sin]: [f64; 2], across: [f64; 2]) -> Ring {
    let corner = |u: f64, v: f64| [at[0] + (u * cos - v * sin) / DEGREE_M[0], at[1] + (u * sin + v * cos) / DEGREE_M[1]];
    vec![corner(0.0, across[0]), corner(length, across[0]), corner(length, across[1]), corner(0.0, across[1])]
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (row, length) in [50.0, 130.0, 456.0, 912.0, 1500.0, 2000.0].into_iter().enumerate() {
        for (column, way) in [[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]].into_iter().enumerate() {
            for (kind, what) in ["shared", "vertex on the approval", "vertex on the patch", "uncovered", "beside farmland"].into_iter().enumerate() {
                let at = [118.1 + 0.05 * (5 * column + kind) as f64, 34.9 + 0.05 * row as f64];
                let patch = oblong(at, length, way, [0.0, 60.0]);
                let around = oblong(at, length, way, [-200.0, 260.0]);
                let (approved, parcels, verdict) = match what {
                    "uncovered" => (vec![oblong(at, length, way, [3.0, 60.0])], vec![("0102", around)], "suspected_illegal"),
                    // Farmland on either side of a road, which the patch is.
                    "beside farmland" => {
                        let sides = [[-200.0, 0.0], [60.0, 260.0]].map(|across| ("0102", oblong(at, length, way, across)));
                        (vec![], sides.into_iter().chain([("1003", patch.clone())]).collect(), "other")
                    }
                    _ => (vec![patch.clone()], vec![("0102", around)], "legal"),
                };
                let split = [what == "vertex on the patch", what == "vertex on the approval"];
                cases.push(Case { name: format!("{what}, {length} m, {way:?}"), patch, approved, parcels, verdict, split });
            }
        }
    }
    cases
}

/// Rings to another system through PROJ; with a vertex at the middle of the first and third edge, as they are drawn there, where `split`.
fn written(rings: &[(&Ring, bool)], system: &str) -> Vec<Ring> {
    let corners: Vec<[f64; 2]> = rings.iter().flat_map(|(ring, _)| ring.iter().copied()).collect();
    let mut corners = if system == "EPSG:4490" { corners } else { proj("OGC:CRS84", system, &corners) }.into_iter();
    let middle = |a: [f64; 2], b: [f64; 2]| if system == "EPSG:4490" { straight_middle(a, b) } else { [0, 1].map(|axis| f64::midpoint(a[axis], b[axis])) };
    let ring = |(ring, split): &(&Ring, bool)| {
        let [a, b, c, d]: [[f64; 2]; 4] = corners.by_ref().take(ring.len()).collect::<Vec<_>>().try_into().unwrap();
        if *split { vec![a, middle(a, b), b, c, middle(c, d), d, a] } else { vec![a, b, c, d, a] }
    };
    rings.iter().map(ring).collect()
}

/// The middle of an edge that is straight in longitude and q, degrees. Oracle: q(B) in closed form, the latitude by Newton's steps (docs/ARCHITECTURE.md, “Area”).
fn straight_middle(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    const E2: f64 = 0.006_694_380_022_900_788;
    let e = E2.sqrt();
    let q = |lat: f64| (lat.sin() / (1.0 - E2 * lat.sin().powi(2)) + (e * lat.sin()).atanh() / e) * (1.0 - E2) / 2.0;
    let target = f64::midpoint(q(a[1].to_radians()), q(b[1].to_radians()));
    let mut lat = f64::midpoint(a[1], b[1]).to_radians();
    for _ in 0..6 {
        lat -= (q(lat) - target) / ((1.0 - E2) * lat.cos() / (1.0 - E2 * lat.sin().powi(2)).powi(2));
    }
    [f64::midpoint(a[0], b[0]), lat.to_degrees()]
}

/// Where the middle of each edge of some rings lies as one system draws it, degrees.
fn middles(rings: &[&Ring], system: &str) -> Vec<[f64; 2]> {
    let edges: Vec<[[f64; 2]; 2]> = rings.iter().flat_map(|ring| (0..4).map(|k| [ring[k], ring[(k + 1) % 4]])).collect();
    if system == "EPSG:4490" {
        return edges.iter().map(|[a, b]| straight_middle(*a, *b)).collect();
    }
    let ends = proj("OGC:CRS84", system, &edges.concat());
    let middles: Vec<[f64; 2]> = ends.chunks(2).map(|ends| [0, 1].map(|axis| f64::midpoint(ends[0][axis], ends[1][axis]))).collect();
    proj(system, "OGC:CRS84", &middles)
}

fn collection(system: &str, features: &[(Value, Ring)]) -> String {
    let mut text = format!(r#"{{"type":"FeatureCollection","crs":{{"type":"name","properties":{{"name":"{system}"}}}},"features":["#);
    for (number, (properties, ring)) in features.iter().enumerate() {
        let ring: Vec<String> = ring.iter().map(|[x, y]| format!("[{x:.17},{y:.17}]")).collect();
        let comma = if number > 0 { "," } else { "" };
        write!(text, r#"{comma}{{"type":"Feature","properties":{properties},"geometry":{{"type":"Polygon","coordinates":[[{}]]}}}}"#, ring.join(",")).unwrap();
    }
    text + "]}"
}

/// Writes all cases in one system: patches, approvals, parcels.
fn write_files(folder: &Path, system: &str, cases: &[Case]) {
    let patches: Vec<(&Ring, bool)> = cases.iter().map(|case| (&case.patch, case.split[0])).collect();
    let patches = written(&patches, system).into_iter().zip(cases).map(|(ring, case)| (json!({ "JCBH": case.name }), ring)).collect::<Vec<_>>();
    let approved: Vec<(&Ring, bool)> = cases.iter().flat_map(|case| case.approved.iter().map(|ring| (ring, case.split[1]))).collect();
    let approved = written(&approved, system).into_iter().map(|ring| (json!({ "PZWH": "1" }), ring)).collect::<Vec<_>>();
    let parcels: Vec<(&Ring, bool)> = cases.iter().flat_map(|case| case.parcels.iter().map(|(_, ring)| (ring, false))).collect();
    let classes = cases.iter().flat_map(|case| case.parcels.iter().map(|(class, _)| *class));
    let parcels = written(&parcels, system).into_iter().zip(classes).map(|(ring, class)| (json!({ "DLBM": class }), ring)).collect::<Vec<_>>();
    let name = |what: &str| folder.join(format!("{what}-{}.geojson", &system[5..]));
    for (what, features) in [("patches", patches), ("approved", approved), ("farmland", parcels)] {
        std::fs::write(name(what), collection(system, &features)).unwrap();
    }
}

/// What `classify` says of patches in one system against layers in another.
fn classified(folder: &Path, patches: &str, layers: &str) -> Vec<Value> {
    let name = |what: &str, system: &str| folder.join(format!("{what}-{}.geojson", &system[5..]));
    let files = ClassifyFiles {
        patches: name("patches", patches),
        layers: [(LayerKind::Approved, "approved"), (LayerKind::Farmland, "farmland")].map(|(kind, what)| LayerPath::new(kind, name(what, layers))).to_vec(),
        stated: Stated::default(),
        workshop: Workshop::new(folder.to_owned()),
        map: Vec::new(),
        memory: Memory::new(1 << 30, folder.to_owned()),
        as_of: None,
        codes: tuban::service::layers::codes::CodeChoices::default(),
        explain: false,
    };
    let mut out = Vec::new();
    classify_files(&files, &Rules::load(None).unwrap(), Output::GeoJson, &mut out, &|_, _| {}).unwrap();
    let found: Value = serde_json::from_slice(&out).unwrap();
    found["features"].as_array().unwrap().iter().map(|feature| feature["properties"].clone()).collect()
}

/// Metres from one place in degrees to another.
fn metres(from: [f64; 2], to: [f64; 2]) -> f64 {
    let [sin, cos] = [from[1].to_radians().sin(), from[1].to_radians().cos()];
    ((to[0] - from[0]) * 111_413.0 * cos * (1.0 + 0.003_37 * sin * sin)).hypot((to[1] - from[1]) * 110_943.0)
}

/// Whether two edges have some of one line in common, for nothing but their corners.
fn run_along([a, b]: [[f64; 2]; 2], beside: [[f64; 2]; 2]) -> bool {
    let local = |at: [f64; 2]| [0, 1].map(|axis| (at[axis] - a[axis]) * DEGREE_M[axis]);
    let way = local(b);
    let length = way[0].hypot(way[1]);
    let [p, q] = beside.map(|at| {
        let [x, y] = local(at);
        [(x * way[0] + y * way[1]) / length, (y * way[0] - x * way[1]) / length]
    });
    p[1].abs() < 1e-3 && q[1].abs() < 1e-3 && p[0].max(q[0]).min(length) - p[0].min(q[0]).max(0.0) > 1e-3
}

fn number(properties: &Value, name: &str) -> f64 {
    properties[name].as_f64().unwrap_or(0.0)
}

#[test]
fn one_verdict_in_all_pairs_of_six_coordinate_systems() {
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    for system in SYSTEMS {
        write_files(folder.path(), system, &cases);
    }
    let rings: Vec<&Ring> = cases.iter().flat_map(Case::rings).collect();
    let middles = SYSTEMS.map(|system| middles(&rings, system));
    let zone = |system: &str| ["4527", "4548"].contains(&&system[5..]).then_some(39).or(["4528", "4549"].contains(&&system[5..]).then_some(40));
    let (mut flagged, mut bounded) = (0, 0);
    for (one, of_patches) in SYSTEMS.iter().enumerate() {
        for (other, of_layers) in SYSTEMS.iter().enumerate() {
            let same = one == other || zone(of_patches).is_some() && zone(of_patches) == zone(of_layers);
            let mut first = 0;
            for (case, found) in cases.iter().zip(classified(folder.path(), of_patches, of_layers)) {
                let own = first..first + case.rings().count();
                first = own.end;
                let name = format!("{} {of_patches} {of_layers}: {found}", case.name);
                assert_eq!(found["verdict"], case.verdict, "{name}");
                let bound = number(&found, "edge_bound_m2").max(number(&found, "edge_bound_farmland_m2"));
                let above = match case.verdict {
                    "legal" => number(&found, "area_m2") - number(&found, "approved_m2"),
                    _ => number(&found, "farmland_m2") - number(&found, "approved_farmland_m2"),
                };
                let is_flagged = found["flags"].as_array().is_some_and(|flags| flags.contains(&json!("edge_definition")));
                if case.verdict != "suspected_illegal" {
                    assert_eq!(is_flagged, above > TOLERANCE_M2, "{name}");
                    flagged += u32::from(is_flagged);
                }
                assert!(!same || bound == 0.0 && !is_flagged, "{name}");
                if bound > 0.0 {
                    // ⅔·s·l of whichever is longest of the edges that run along one of the patch's.
                    let lens = |(ring, k): (usize, usize)| {
                        let [from, to] = [one, other].map(|system| middles[system][4 * ring + k]);
                        2.0 / 3.0 * metres(from, to) * metres(rings[ring][k], rings[ring][(k + 1) % 4])
                    };
                    let edge = |(ring, k): (usize, usize)| [rings[ring][k], rings[ring][(k + 1) % 4]];
                    let all = || own.clone().flat_map(|ring| (0..4).map(move |k| (ring, k)));
                    let longest = |k: usize| all().filter(|beside| run_along(edge((own.start, k)), edge(*beside))).map(lens).fold(0.0, f64::max);
                    let lenses: f64 = (0..4).map(longest).sum();
                    assert!(bound <= 1.05 * lenses + 1e-3, "{name}: {lenses}");
                    bounded += 1;
                }
            }
        }
    }
    assert!(flagged > 100 && bounded > 100, "{flagged} {bounded}");
}
