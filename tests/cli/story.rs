//! The demo city from its files to its ratio, command by command.

use super::{
    KINDS,
    app::{city, file::File},
    demo, done, run,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `tuban survey verdicts` wants these columns.
const HEADER: &str = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2\n";

#[test]
fn the_demo_city_goes_from_its_files_to_its_ratio() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for kind in KINDS {
        let file = demo().join(format!("{kind}.geojson"));
        let said = done(path, &["layer", "add", "--kind", kind, "--name", kind, "--effective", "2022-01-01", file.to_str().unwrap()]);
        assert!(said.starts_with("layer ") && said.contains("0 rejected"), "{said}");
    }
    let layers = done(path, &["layer", "list"]);
    assert_eq!(layers.lines().filter(|line| line.starts_with("* ") && line.contains("2022-01-01")).count(), 6, "{layers}");

    let april = demo().join("survey-2022-04.geojson");
    let add = ["survey", "add", "--period", "2022-04", "--level", "city", april.to_str().unwrap()];
    let said = done(path, &add);
    // Oracle: the demo's own promise, 2 000 features of which the few hopeless ones are refused.
    assert!(
        said.contains("EPSG:4490: 1997 patches") && said.contains("3 rejected, 0 in no county; ids from field") && said.contains("patch_id = JCBH"),
        "{said}"
    );
    assert!(done(path, &add).contains("already stored"));
    let may = demo().join("survey-2022-05.geojson");
    let (code, _, said) = run(path, &["survey", "add", "--period", "2022-04", "--level", "city", may.to_str().unwrap()]);
    assert_eq!(code, 4, "{said}");
    assert_eq!(done(path, &["survey", "list"]).lines().count(), 1);
    let (code, _, said) = run(path, &["layer", "remove", "1"]);
    assert_eq!(code, 4, "{said}");

    let ratio: Value = serde_json::from_str(&done(path, &["ratio", "--json"])).unwrap();
    assert_eq!(
        (&ratio["city"]["pending"]["patches"], &ratio["city"]["ratio"]["confirmed"], ratio["counties"].as_array().unwrap().len()),
        (&json!(1997), &json!(null), 12)
    );
    let csv = done(path, &["ratio", "--period", "2022-04", "--csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<BTreeMap<String, String>> = reader.records().map(|row| names.iter().cloned().zip(row.unwrap().iter().map(str::to_owned)).collect()).collect();
    assert_eq!(rows.len(), 13);
    for (row, json) in rows.iter().zip(ratio["counties"].as_array().unwrap().iter().chain([&ratio["city"]])) {
        assert_eq!(row["county_code"], json["county_code"].as_str().unwrap_or(""));
        assert_eq!(row["pending_patches"], json["pending"]["patches"].to_string());
        assert_eq!(row["pending_farmland_mu"].parse::<f64>().unwrap(), json["pending"]["farmland"]["mu"].as_f64().unwrap());
        assert_eq!(row["provisional_percent"].parse::<f64>().ok(), json["ratio"]["provisional"].as_f64());
        assert_eq!(row["ratio_percent"], "", "no ratio is an empty cell, not 0");
    }
    let table = done(path, &["ratio"]);
    assert_eq!(table.lines().filter(|line| line.contains('—')).count(), 13, "{table}");
    assert!(table.contains("蒙阴县") && table.contains("全市"));
}

#[test]
fn a_survey_is_reclassified_by_the_layers_of_its_time_once_the_difference_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (_, farmland) = city::layers().remove(1);
    let add_layer = |layer: &File, effective: &str| {
        std::fs::write(path.join("layer.geojson"), layer.text()).unwrap();
        done(path, &["layer", "add", "--kind", "farmland", "--name", "地类", "--effective", effective, "layer.geojson"]);
    };
    add_layer(&farmland, "2022-01-01");
    for month in ["2022-04", "2022-05"] {
        std::fs::write(path.join("survey.geojson"), city::one_of_each().text()).unwrap();
        let said = done(path, &["survey", "add", "--period", month, "--level", "city", "--again", "survey.geojson"]);
        assert!(said.contains("0 legal, 0 suspected illegal, 0 other, 4 doubtful"), "{said}");
    }
    assert_eq!(done(path, &["survey", "reclassify", "--outdated"]), "", "nothing would come of it");
    // The land survey of the year's end is later than both months; that of January is theirs: the woodland is farmland, and nothing is known of any approval.
    add_layer(&farmland.clone().replaced("0102", "0601"), "2022-12-31");
    assert_eq!(done(path, &["survey", "reclassify", "--outdated"]), "", "what came later is not of their time");
    add_layer(&farmland.clone().replaced("0301", "0103"), "2022-01-02");
    let said = done(path, &["survey", "reclassify", "--outdated"]);
    for told in
        ["survey 1: farmland: #1 “地类” of 2022-01-01 → #3 “地类” of 2022-01-02", "survey 2: 1 of 4 findings would change", "O1 (#3): doubtful", "--yes"]
    {
        assert!(said.contains(told), "{told} in {said}");
    }
    assert_eq!(done(path, &["survey", "reclassify", "--outdated"]), said, "nothing was done");
    let said = done(path, &["survey", "reclassify", "1", "--yes", "--by", "张三"]);
    assert!(said.contains("survey 1 2022-04") && said.contains("0 legal, 0 suspected illegal, 0 other, 4 doubtful"), "{said}");
    let said = done(path, &["survey", "reclassify", "--outdated", "--yes"]);
    assert!(said.starts_with("survey 2: farmland") && !said.contains("survey 1"), "{said}");
    assert_eq!(done(path, &["survey", "reclassify", "--outdated"]), "");
    assert_eq!(run(path, &["layer", "remove", "1"]).0, 4, "what findings were before rests on it");
    for (arguments, code) in [(&["99"][..], 4), (&[], 2), (&["1", "--outdated"], 2), (&["one"], 2)] {
        assert_eq!(run(path, &[&["survey", "reclassify"], arguments].concat()).0, code, "{arguments:?}");
    }
}

#[test]
fn verdicts_are_recorded_from_a_csv_file_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("april.geojson"), city::one_of_each().text()).unwrap();
    done(path, &["survey", "add", "--period", "2022-04", "--level", "ministry", "april.geojson"]);
    let file = |rows: &str| std::fs::write(path.join("verdicts.csv"), format!("\u{feff}{HEADER}{rows}")).unwrap();
    file("L1,legal,900,300,0,0\nS1,illegal,0,0,200,100\nX,other,0,0,0,0\n");
    let (code, _, said) = run(path, &["survey", "verdicts", "verdicts.csv"]);
    assert!(code == 3 && said.contains("row 4 X"), "{code} {said}");
    file("L1,legal,900,300,0,0\r\nS1,illegal,0,0,200,100\r\n");
    assert_eq!(done(path, &["survey", "verdicts", "verdicts.csv"]), "2 verdicts recorded\n");
    // Oracle: 100 / 400 by hand; 100 − 300·t/(1−t), 100 − t·400 and 100/t − 400 m² in 亩.
    let table = done(path, &["ratio"]);
    assert!(table.contains("25.00") && table.contains("accountability"), "{table}");
    assert!(table.contains("降到 5 %：复耕 0.13 亩，或补办 0.12 亩，或新增合法 2.40 亩"), "{table}");
    assert!(table.contains("降到 15 %：复耕 0.07 亩，或补办 0.06 亩，或新增合法 0.40 亩"), "{table}");
    let (code, _, said) = run(path, &["survey", "verdicts", "--survey", "9", "verdicts.csv"]);
    assert!(code == 4 && said.contains("survey 9"), "{code} {said}");
    let (code, ..) = run(path, &["survey", "verdicts", "absent.csv"]);
    assert_eq!(code, 1);
}

#[test]
fn what_is_refused_exits_with_three_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("bad.geojson"), File::default().patch_of("B7", "[[[118.3,35.0]]]").text()).unwrap();
    let (code, _, said) = run(path, &["survey", "add", "--period", "2022-04", "--level", "city", "bad.geojson"]);
    assert!(code == 3 && said.contains("row 1 B7") && said.contains("/features/0/geometry/coordinates/0"), "{code} {said}");
    let (code, _, said) = run(path, &["layer", "add", "--kind", "county", "--name", "x", "--effective", "2022-01-01", "bad.geojson"]);
    assert!(code == 3 && said.contains("XZQDM"), "{code} {said}");
    assert_eq!(done(path, &["survey", "list"]), "");
    for arguments in [
        &["survey", "add", "--period", "2022-13", "--level", "city", "bad.geojson"][..],
        &["survey", "add", "bad.geojson"],
        &["ratio", "--until", "2022-04"],
        &["fly"],
        &[],
    ] {
        assert_eq!(run(path, arguments).0, 2, "{arguments:?}");
    }
    assert_eq!(run(path, &["survey", "list", "--database", "postgres://nowhere"]).0, 1);
    assert_eq!(run(path, &["layer", "remove", "7"]).0, 4);
}

#[test]
fn a_layer_nothing_rests_on_can_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("c.geojson"), city::counties().text()).unwrap();
    done(path, &["layer", "add", "--kind", "county", "--name", "行政区", "--effective", "2022-01-01", "c.geojson"]);
    assert_eq!(done(path, &["layer", "remove", "1"]), "removed layer 1\n");
    assert_eq!(done(path, &["layer", "list"]).lines().count(), 1);
}
