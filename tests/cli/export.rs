//! `tuban export`: files under the name asked for, or one that says what they hold.

use super::{app::city, done, run};

#[test]
fn findings_and_layers_become_files_and_wrong_usage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("s.geojson"), city::one_of_each().text()).unwrap();
    std::fs::write(path.join("county.geojson"), city::counties().text()).unwrap();
    done(path, &["layer", "add", "--kind", "county", "--name", "行政区", "--effective", "2022-01-01", "county.geojson"]);
    done(path, &["survey", "add", "--period", "2022-04", "--level", "city", "s.geojson"]);
    assert_eq!(done(path, &["export", "findings", "--format", "csv", "--county", "371311", "-o", "out.csv"]), "out.csv: 1 features\n");
    let rows = std::fs::read_to_string(path.join("out.csv")).unwrap();
    assert!(rows.lines().count() == 2 && rows.contains("罗庄区") && !rows.contains("兰山区"), "{rows}");
    assert_eq!(done(path, &["export", "layer", "1", "--format", "geojson"]), "行政区_2022-01-01_演示数据.geojson: 2 features\n");
    assert!(path.join("行政区_2022-01-01_演示数据.geojson").exists());
    for (arguments, code) in [
        (["export", "findings", "--format", "csv", "--crs", "EPSG:4527"].as_slice(), 2),
        (&["export", "findings", "--format", "dwg"], 2),
        (&["export", "layer", "9", "--format", "csv"], 4),
    ] {
        assert_eq!(run(path, arguments).0, code, "{arguments:?}");
    }
    let left: Vec<_> =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).filter(|name| name.to_string_lossy().starts_with(".tuban")).collect();
    assert!(left.is_empty(), "{left:?}");
}
