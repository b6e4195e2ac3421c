//! `tuban ratio`: what its three shapes promise beyond what [`story`](super::story) sees.

use super::{
    app::{
        city,
        file::{File, polygon},
    },
    done,
};
use serde_json::{Value, json};

#[test]
fn a_county_of_any_name_keeps_its_csv_row_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let county = File::default().feature(&json!({ "XZQDM": "371302", "XZQMC": "兰山区, \"新\"" }), &polygon(&[city::square()]));
    std::fs::write(path.join("county.geojson"), county.text()).unwrap();
    std::fs::write(path.join("april.geojson"), File::default().patch("Q1", &[city::square()]).text()).unwrap();
    done(path, &["layer", "add", "--kind", "county", "--name", "行政区", "--effective", "2022-01-01", "county.geojson"]);
    done(path, &["survey", "add", "--period", "2022-04", "--level", "city", "april.geojson"]);
    let csv = done(path, &["ratio", "--csv"]);
    let rows: Vec<Vec<String>> = csv::Reader::from_reader(csv.as_bytes()).records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    assert_eq!((rows[0][1].as_str(), rows[0][5].as_str(), rows.len()), ("兰山区, \"新\"", "1", 2));
}

#[test]
fn json_is_what_the_api_answers_and_months_are_summed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("s.geojson"), city::one_of_each().text()).unwrap();
    for period in ["2022-04", "2022-05"] {
        done(path, &["survey", "add", "--period", period, "--level", "city", "--again", "s.geojson"]);
    }
    let patches = |arguments: &[&str]| -> Value { serde_json::from_str(&done(path, arguments)).unwrap() };
    let both = patches(&["ratio", "--period", "2022-04", "--until", "2022-05", "--json"]);
    // May's patches lie on April's ground, which counts once.
    assert_eq!((&both["city"]["total"]["patches"], &both["from"], &both["until"]), (&json!(4), &json!("2022-04"), &json!("2022-05")));
    assert_eq!(patches(&["ratio", "--json"])["from"], "2022-05", "the newest month");
    let members: Vec<&String> = both.as_object().unwrap().keys().collect();
    assert_eq!(members, ["city", "computed_at", "contradictions", "counties", "from", "layers", "lines", "rule", "straddling", "until"]);
}
