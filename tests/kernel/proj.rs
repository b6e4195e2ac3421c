//! Gauss–Krüger over the province, against PROJ itself (`gdaltransform` of gdal-bin).

use std::fmt::Write;
use std::process::{Command, Stdio};
use tuban_geom::Crs;

/// The goal, metres.
const GOAL_M: f64 = 0.001;
/// Metres of a degree of latitude, rounded up.
const DEGREE_M: f64 = 111_200.0;

/// Positions through PROJ, x before y both ways.
pub(super) fn proj(from: &str, to: &str, positions: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut lines = String::new();
    for [x, y] in positions {
        writeln!(lines, "{x:.12} {y:.12}").unwrap();
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    let mut command = Command::new("gdaltransform");
    command.args(["-s_srs", from, "-t_srs", to, "-output_xy"]).stdin(Stdio::from(std::fs::File::open(file.path()).unwrap()));
    let done = command.output().expect("gdal-bin is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    let found: Vec<[f64; 2]> =
        text.lines().map(|line| line.split_whitespace().map(|number| number.parse().unwrap()).collect::<Vec<f64>>()).map(|at| [at[0], at[1]]).collect();
    assert_eq!(found.len(), positions.len());
    found
}

/// Shandong, in steps of a twelfth of a degree, as far as a zone reaches (docs/ARCHITECTURE.md: 500 km from its meridian).
fn province(crs: Crs) -> Vec<[f64; 2]> {
    let grid = (0..=102).flat_map(|column| (0..=54).map(move |row| [114.5 + f64::from(column) / 12.0, 34.0 + f64::from(row) / 12.0]));
    grid.filter(|at| crs.from_degrees(*at).is_some()).collect()
}

#[test]
fn all_zones_of_the_province_are_within_a_millimetre_of_proj_both_ways() {
    let mut worst: f64 = 0.0;
    for code in (4526..=4529).chain(4547..=4550) {
        let crs = Crs::from_epsg(code).unwrap();
        let degrees = province(crs);
        assert!(degrees.len() > 3000, "EPSG:{code}: {} positions", degrees.len());
        let metres = proj("OGC:CRS84", &format!("EPSG:{code}"), &degrees);
        let back = proj(&format!("EPSG:{code}"), "OGC:CRS84", &metres);
        for ((degrees, metres), back) in degrees.iter().zip(&metres).zip(&back) {
            let ours = crs.from_degrees(*degrees).unwrap();
            let forward = (ours[0] - metres[0]).hypot(ours[1] - metres[1]);
            let ours = crs.to_degrees(*metres).unwrap();
            let inverse = DEGREE_M * (ours[0] - back[0]).hypot(ours[1] - back[1]);
            assert!(forward < GOAL_M && inverse < GOAL_M, "EPSG:{code} {degrees:?}: {forward} m there, {inverse} m back");
            worst = worst.max(forward).max(inverse);
        }
    }
    println!("worst {:.3} µm", worst * 1e6);
}
