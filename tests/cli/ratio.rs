//! `tuban ratio`: what its three shapes promise beyond what [`story`](super::story) sees.

use super::{
    app::{
        city,
        file::{File, polygon},
    },
    done, run,
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
fn the_row_of_all_counties_has_the_name_of_the_city_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("s.geojson"), city::one_of_each().text()).unwrap();
    done(path, &["survey", "add", "--period", "2022-04", "--level", "city", "s.geojson"]);
    let last = |options: &[&str]| done(path, &[&["ratio", "--csv"], options].concat()).lines().last().unwrap().to_owned();
    assert!(last(&[]).starts_with(",全市,"), "{}", last(&[]));
    assert!(last(&["--city", "甲市"]).starts_with(",甲市,"), "{}", last(&["--city", "甲市"]));
    assert!(last(&["--city", " "]).starts_with(",全市,"), "a blank name is none");
    let json: Value = serde_json::from_str(&done(path, &["ratio", "--json", "--city", "甲市"])).unwrap();
    assert_eq!(json["city"]["county_name"], "甲市");
    assert_eq!(run(path, &["ratio", "--city", &"市".repeat(101)]).0, 2, "too long");
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

/// Oracle: by hand; four patches, all pending, and no land survey that could tell what they lie on.
#[test]
fn unknown_farmland_is_a_dash_with_a_note_and_never_0() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("s.geojson"), city::one_of_each().text()).unwrap();
    done(path, &["survey", "add", "--period", "2022-04", "--level", "city", "s.geojson"]);
    let table = done(path, &["ratio"]);
    assert!(table.contains("\n4 个图斑无地类图斑可依，耕地面积未知 / there is no land survey for 4 patches: their farmland is unknown"), "{table}");
    let city = table.lines().find(|line| line.contains("全市")).unwrap();
    assert_eq!(city.split_whitespace().skip(5).collect::<Vec<_>>(), ["0.00", "0.00", "—", "—", "—"], "{table}");
    let csv = done(path, &["ratio", "--csv"]);
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let heading = rows.headers().unwrap().clone();
    let city = rows.records().last().unwrap().unwrap();
    let cell = |name: &str| city.get(heading.iter().position(|heading| heading == name).unwrap()).unwrap().to_owned();
    assert_eq!((cell("pending_patches"), cell("farmland_unknown_patches")), ("4".to_owned(), "4".to_owned()));
    assert_eq!(["pending_farmland_mu", "provisional_percent", "best_percent", "worst_percent"].map(cell), [""; 4]);
    let json: Value = serde_json::from_str(&done(path, &["ratio", "--json"])).unwrap();
    assert_eq!((&json["city"]["pending"]["farmland"], &json["city"]["pending"]["farmland_unknown"]), (&json!(null), &json!(4)));
}
