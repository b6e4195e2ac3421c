//! What a feature takes of memory is known before it is built: with little memory, less is allowed.

use super::tuban;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// Bytes that a vertex is counted at: `VERTEX_BYTES` of `formats::bounds`.
const VERTEX_BYTES: u64 = 512;

/// A file of a small polygon, and before it one of so many vertices, a star with smooth arms; in metres of zone 39, or in degrees.
fn star(folder: &Path, vertices: u64, in_metres: bool) -> std::path::PathBuf {
    let (centre, radius) = if in_metres { ([39_623_000.0, 3_880_000.0], 20_000.0) } else { ([118.35, 35.05], 0.2) };
    let mut text =
        String::from(r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"JCBH":"A"},"geometry":{"type":"Polygon","coordinates":[["#);
    for k in 0..vertices {
        let turn = std::f64::consts::TAU * (k % (vertices - 1)) as f64 / (vertices - 1) as f64;
        let distance = radius * (1.0 + 0.05 * (40.0 * turn).sin());
        let comma = if k == 0 { "" } else { "," };
        write!(text, "{comma}[{:.9},{:.9}]", centre[0] + distance * turn.cos(), centre[1] + distance * turn.sin()).unwrap();
    }
    let [x, y] = centre;
    let side = radius / 100.0;
    let small = format!("[[[{x},{y}],[{},{y}],[{x},{}],[{x},{y}]]]", x + side, y + side);
    write!(text, r#"]]}}}},{{"type":"Feature","properties":{{"JCBH":"B"}},"geometry":{{"type":"Polygon","coordinates":{small}}}}}]}}"#).unwrap();
    let path = folder.join("star.geojson");
    std::fs::write(&path, text).unwrap();
    path
}

/// What is told of the star, and the most memory that it took, bytes.
fn classified(folder: &Path, vertices: u64, in_metres: bool, memory: &str) -> (String, u64) {
    star(folder, vertices, in_metres);
    let crs = if in_metres { "EPSG:4527" } else { "EPSG:4490" };
    let arguments = ["classify", "star.geojson", "-o", "out.csv", "--crs", crs, "--memory", memory, "--timings"];
    let ran = tuban(folder, &arguments).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let timings: Value = serde_json::from_str(said.trim().lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{said}"));
    let row = std::fs::read_to_string(folder.join("out.csv")).unwrap().lines().nth(1).unwrap_or_default().to_owned();
    (row, (timings["peak_rss_mb"].as_f64().unwrap() * 1e6) as u64)
}

/// Oracle: the kernel's own account of the most memory that the process took.
#[test]
fn what_is_allowed_stays_within_the_memory_and_what_is_not_is_refused_before_it_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let budget = 128_000_000;
    // Half of what remains beside 64 MiB, and not less than 32 MiB.
    let allowed = (32 << 20) / VERTEX_BYTES;
    let (row, peak) = classified(folder.path(), allowed, false, "128MB");
    assert!(row.contains("doubtful") && peak < budget, "{row} {peak}");
    // Six times as many: built, they would take more than all of it.
    let (row, peak) = classified(folder.path(), 6 * allowed, false, "128MB");
    assert!(row.contains(&format!("more than {allowed} vertices")) && peak < budget / 2, "{row} {peak}");
}

/// Oracle: as above, of two sizes: what lies between them was taken for the vertices.
#[test]
fn a_vertex_takes_no_more_than_it_is_counted_at() {
    let folder = tempfile::tempdir().unwrap();
    for in_metres in [false, true] {
        let (few, many) = (5_000, 65_000);
        let [(_, least), (row, most)] = [few, many].map(|vertices| classified(folder.path(), vertices, in_metres, "1GB"));
        let a_vertex = most.saturating_sub(least) / (many - few);
        assert!(row.contains("doubtful") && a_vertex > 50 && a_vertex < VERTEX_BYTES, "{in_metres}: {a_vertex} bytes; {row}");
    }
}
