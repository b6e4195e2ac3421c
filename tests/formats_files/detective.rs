//! What coordinates give away: files whose CRS is missing, wrong or shifted, held against the counties and layers of the demo city.

use super::kit::{city, classify, crs, findings, folder, ogr2ogr, program, shapefile, survey, workshop, worst_m2};
use crate::app::TestApp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use tuban::formats::{Gcj02, Stated, Wanted};
use tuban::service::{
    ServiceError, Workshop, batch,
    layers::codes::CodeChoices,
    reading::inspect::{CrsSource, InspectFile, Inspection, inspect},
};
use tuban_engine::model::LayerKind;
use tuban_engine::{atlas::Atlas, memory::Memory, rule::Rule};
use tuban_geom::{add_gcj02, remove_gcj02};

/// The layers of the demo city.
fn atlas() -> &'static Atlas {
    static ATLAS: OnceLock<Atlas> = OnceLock::new();
    ATLAS.get_or_init(|| atlas_of(LayerKind::ALL))
}

/// Some of them.
fn atlas_of(kinds: &[LayerKind]) -> Atlas {
    let scratch = folder();
    let layers = kinds.iter().map(|kind| batch::LayerPath::new(*kind, city().join(format!("{kind}.geojson")))).collect();
    let files = batch::ClassifyFiles {
        patches: survey(),
        layers,
        stated: Stated::default(),
        workshop: workshop(scratch.path()),
        map: Vec::new(),
        codes: CodeChoices::default(),
        explain: false,
        memory: Memory::new(1 << 30, scratch.path().to_owned()),
        as_of: None,
    };
    batch::load(&files, &Rule::load(None).unwrap(), &|_, _| {}).unwrap().atlas
}

/// What a file is seen as, against the layers of the demo city.
fn look(path: &Path, stated: Stated) -> Inspection {
    look_for(Wanted::Survey, path, stated, atlas())
}

fn look_for(wanted: Wanted, path: &Path, stated: Stated, atlas: &Atlas) -> Inspection {
    let scratch = folder();
    let file = InspectFile { path, name: "tb", wanted, stated, map: Vec::new(), codes: CodeChoices::default(), approval_kind: None };
    inspect(&file, atlas, &Rule::load(None).unwrap(), &workshop(scratch.path()), &Memory::new(1 << 30, scratch.path().to_owned())).unwrap()
}

/// The word and the Chinese sentence a file is refused with.
fn refused(path: &Path, stated: Stated) -> (String, String) {
    let problem = look(path, stated).problem.expect("refused");
    (problem.code.into_owned(), problem.words.zh)
}

/// The survey as a Shapefile in a projection, without its .prj.
fn unmarked(folder: &Path, name: &str, epsg: &str) -> std::path::PathBuf {
    let shp = shapefile(folder, name, &["-t_srs", epsg, "-lco", "ENCODING=GBK"]);
    std::fs::remove_file(shp.with_extension("prj")).unwrap();
    shp
}

#[test]
fn eight_digit_eastings_without_a_prj_name_their_zone() {
    let at = folder();
    for epsg in ["EPSG:4527", "EPSG:4528"] {
        let shp = unmarked(at.path(), &epsg.replace(':', "-"), epsg);
        let (code, words) = refused(&shp, Stated::default());
        assert!(code == "wrong_crs" && words.contains(&format!("请指定坐标系 {epsg}")), "{words}");
        assert_eq!(look(&shp, crs(epsg)).problem, None);
    }
}

#[test]
fn six_digit_eastings_without_a_prj_name_the_zone_that_leads_into_the_counties() {
    let at = folder();
    for epsg in ["EPSG:4548", "EPSG:4549"] {
        let shp = unmarked(at.path(), &epsg.replace(':', "-"), epsg);
        let seen = look(&shp, Stated::default());
        assert_eq!(seen.crs_candidates.iter().map(ToString::to_string).collect::<Vec<_>>(), [epsg]);
        let words = seen.problem.unwrap().words;
        assert!(words.zh.contains(&format!("请指定坐标系 {epsg}")) && words.en.contains(&format!("say that the CRS is {epsg}")), "{words:?}");
    }
}

#[test]
fn the_wrong_zone_is_refused_with_the_right_one() {
    let at = folder();
    for (real, said) in
        [("EPSG:4528", "EPSG:4527"), ("EPSG:4527", "EPSG:4528"), ("EPSG:4549", "EPSG:4548"), ("EPSG:4548", "EPSG:4549"), ("EPSG:4549", "EPSG:4527")]
    {
        let shp = unmarked(at.path(), &format!("{}-{}", &real[5..], &said[5..]), real);
        let (code, words) = refused(&shp, crs(said));
        assert!(code == "wrong_crs" && words.contains(&format!("不像 {said}")) && words.contains(&format!("指定坐标系 {real}")), "{words}");
    }
}

#[test]
fn degrees_are_taken_for_degrees_and_swapped_ones_told_so() {
    let at = folder();
    let shp = unmarked(at.path(), "degrees", "EPSG:4490");
    let seen = look(&shp, Stated::default());
    assert_eq!((seen.problem, seen.crs.unwrap().to_string(), seen.crs_source), (None, "EPSG:4490".to_owned(), CrsSource::Assumed));
    assert!(seen.warnings.iter().any(|words| words.zh.contains("没有说明坐标系")), "{:?}", seen.warnings);
    let (code, words) = refused(&shp, crs("EPSG:4527"));
    assert!(code == "wrong_crs" && words.contains("请指定坐标系 EPSG:4490"), "{words}");
    let swapped = at.path().join("swapped.geojson");
    moved(&swapped, "survey-2022-04.geojson", |[lon, lat]| [lat, lon]);
    let (code, words) = refused(&swapped, Stated::default());
    assert!(code == "wrong_crs" && words.contains("横、纵坐标颠倒了"), "{words}");
}

/// A demo survey with every position moved, in full decimals.
fn moved(to: &Path, name: &str, shift: impl Fn([f64; 2]) -> [f64; 2]) {
    let mut file: Value = serde_json::from_slice(&std::fs::read(city().join(name)).unwrap()).unwrap();
    for feature in file["features"].as_array_mut().unwrap() {
        move_all(&mut feature["geometry"]["coordinates"], &shift);
    }
    std::fs::write(to, file.to_string()).unwrap();
}

fn move_all(coordinates: &mut Value, shift: &impl Fn([f64; 2]) -> [f64; 2]) {
    let Some(list) = coordinates.as_array_mut() else { return };
    if let [Value::Number(x), Value::Number(y), ..] = &list[..] {
        let at = shift([x.as_f64().unwrap(), y.as_f64().unwrap()]);
        (list[0], list[1]) = (at[0].into(), at[1].into());
    } else {
        list.iter_mut().for_each(|inner| move_all(inner, shift));
    }
}

#[test]
fn a_crs_that_the_file_names_is_told_in_its_own_words() {
    // The demo city's files name theirs in a `crs` member.
    let seen = look(&survey(), Stated::default());
    assert_eq!((seen.crs_found.as_deref(), seen.crs_source), (Some("EPSG:4490"), CrsSource::File));
}

#[test]
fn no_demo_survey_is_suspected_of_a_gcj02_offset() {
    for month in ["04", "05", "06"] {
        assert_eq!(look(&city().join(format!("survey-2022-{month}.geojson")), Stated::default()).problem, None);
    }
}

#[test]
fn a_shifted_survey_is_asked_about_and_corrected_only_when_told() {
    let at = folder();
    let path = at.path().join("shifted.geojson");
    moved(&path, "survey-2022-04.geojson", add_gcj02);
    let (code, words) = refused(&path, Stated::default());
    println!("{words}");
    assert!(code == "maybe_gcj02" && words.contains("去除偏移") && words.contains("按原坐标"), "{words}");
    let say = |gcj02| Stated { gcj02: Some(gcj02), ..Stated::default() };
    assert_eq!(look(&path, say(Gcj02::Keep)).problem, None);
    let removed = look(&path, say(Gcj02::Remove));
    assert_eq!(removed.problem, None);
    assert!(removed.warnings.iter().any(|words| words.zh.contains("GCJ-02")), "{:?}", removed.warnings);
    // Oracle: the survey before it was shifted. A ring in line is one no longer.
    let worst = worst_m2(&without_rejects(findings(&survey(), Stated::default())), &without_rejects(findings(&path, say(Gcj02::Remove))), &[]);
    assert!(worst < 0.001, "{worst} m²");
}

/// Findings of the patches that were taken in.
fn without_rejects(findings: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    findings.into_iter().filter(|(_, row)| !row[2].is_empty() && row[0] != "371322000043").collect()
}

#[test]
fn outlines_that_follow_a_layer_give_an_offset_away_without_any_county() {
    let at = folder();
    assert_eq!(look(&city().join("approved.geojson"), Stated::default()).problem, None, "on its own edges as it is");
    let path = at.path().join("approved.geojson");
    moved(&path, "approved.geojson", add_gcj02);
    let (code, words) = refused(&path, Stated::default());
    assert!(code == "maybe_gcj02" && words.contains("边界与图层吻合"), "{words}");
    assert_eq!(look(&path, Stated { gcj02: Some(Gcj02::Remove), ..Stated::default() }).problem, None);
    // As on import, edges alone ask: nobody needs counties for it.
    let alone = look_for(Wanted::Survey, &path, Stated::default(), &atlas_of(&[LayerKind::Approved])).problem.unwrap();
    assert_eq!(alone.code, "maybe_gcj02");
}

#[test]
fn a_shifted_layer_is_asked_about_and_a_sound_one_is_not() {
    let at = folder();
    for kind in LayerKind::ALL {
        let name = format!("{kind}.geojson");
        assert_eq!(look_for(Wanted::Layer(*kind), &city().join(&name), Stated::default(), atlas()).problem, None, "{kind}");
        // Of the others there are too few to tell.
        if matches!(kind, LayerKind::Farmland | LayerKind::BasicFarmland | LayerKind::Approved) {
            let path = at.path().join(&name);
            moved(&path, &name, add_gcj02);
            let problem = look_for(Wanted::Layer(*kind), &path, Stated::default(), atlas()).problem;
            assert_eq!(problem.map(|problem| problem.code).as_deref(), Some("maybe_gcj02"), "{kind}");
        }
    }
}

/// The word and the Chinese sentence with which `tuban classify` refuses patches.
fn not_classified(path: &Path, stated: Stated) -> (String, String) {
    match classify(path, stated).map(drop) {
        Err(ServiceError::Refused(refusal)) => (refusal.code.into_owned(), refusal.words.zh),
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn classify_asks_and_refuses_as_the_other_doors_do() {
    let at = folder();
    let path = at.path().join("shifted.geojson");
    moved(&path, "survey-2022-05.geojson", add_gcj02);
    let (code, words) = not_classified(&path, Stated::default());
    assert!(code == "maybe_gcj02" && words.contains("去除偏移"), "{words}");
    assert!(classify(&path, Stated { gcj02: Some(Gcj02::Keep), ..Stated::default() }).is_ok());
    moved(&path, "survey-2022-05.geojson", |[lon, lat]| [lon + 8.0, lat]);
    let (code, words) = not_classified(&path, Stated::default());
    assert!(code == "outside_counties" && words.contains("请指明坐标系"), "{words}");
}

#[test]
fn classify_says_how_files_were_read() {
    let at = folder();
    let shp = unmarked(at.path(), "degrees", "EPSG:4490");
    std::fs::remove_file(shp.with_extension("cpg")).unwrap();
    let said = |stated| classify(&shp, stated).unwrap().0.iter().map(|words| words.zh.clone()).collect::<Vec<_>>().join("\n");
    let notes = said(Stated::default());
    assert!(notes.contains("没有说明坐标系") && notes.contains("文字编码：GB18030"), "{notes}");
    let path = at.path().join("six.geojson");
    moved(&path, "survey-2022-04.geojson", |at| at.map(|value| (value * 1e6).round() / 1e6));
    let notes = classify(&path, Stated::default()).unwrap().0;
    assert!(notes.iter().any(|words| words.zh.contains("只有 6 位小数")), "{notes:?}");
    // Of the demo city's own files there is nothing to say but of approvals, some of which have no day.
    let notes = classify(&survey(), Stated::default()).unwrap().0;
    assert!(notes.iter().all(|words| words.zh.contains("批准")), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_is_held_against_the_counties_in_force_as_a_survey_is() {
    let app = TestApp::with_workshop(|workshop| Workshop { program: Some(program()), ..workshop }).await;
    let send = async |kind: &str, more: &str, bytes: Vec<u8>| app.post(&format!("/api/layers?kind={kind}&name={kind}&effective=2022-01-01{more}"), bytes).await;
    let counties = send("county", "", std::fs::read(city().join("county.geojson")).unwrap()).await;
    assert_eq!(counties.status, 201, "{}", counties.text());
    let at = folder();
    // Some parcels in zone 40 with six digits, which nothing in the file says.
    let gpkg = at.path().join("dltb.gpkg");
    ogr2ogr(&["-f", "GPKG", "-t_srs", "EPSG:4549", "-limit", "200", "-nln", "DLTB"], &gpkg, &city().join("farmland.geojson"));
    let bare = at.path().join("bare.gpkg");
    ogr2ogr(&["-f", "GPKG", "-a_srs", "EPSG:4548"], &bare, &gpkg);
    let bytes = std::fs::read(&bare).unwrap();
    let problem = send("farmland", "", bytes.clone()).await.problem(422, "wrong_crs");
    assert!(problem["detail"].as_str().unwrap().contains("EPSG:4549"), "{problem}");
    let taken = send("farmland", "&crs=EPSG:4549", bytes).await;
    assert_eq!(taken.status, 201, "{}", taken.text());
    // Counties themselves are not: they may have come to put wrong ones right.
    let elsewhere = at.path().join("county.geojson");
    moved(&elsewhere, "county.geojson", |[lon, lat]| [lon + 3.0, lat]);
    let taken = send("county", "", std::fs::read(&elsewhere).unwrap()).await;
    assert_eq!(taken.status, 201, "{}", taken.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shifted_layer_is_asked_about_on_import_and_taken_in_as_told() {
    let app = TestApp::bare().await;
    let send =
        async |more: &str, path: &Path| app.post(&format!("/api/layers?kind=approved&name=x&effective=2022-01-01{more}"), std::fs::read(path).unwrap()).await;
    let approved = city().join("approved.geojson");
    assert_eq!(send("", &approved).await.status, 201);
    let at = folder();
    let shifted = at.path().join("approved.geojson");
    moved(&shifted, "approved.geojson", add_gcj02);
    send("", &shifted).await.problem(422, "maybe_gcj02");
    assert_eq!(app.read("/api/layers").await["layers"].as_array().unwrap().len(), 1, "nothing was stored");
    let removed = send("&gcj02=remove", &shifted).await;
    assert_eq!(removed.status, 201, "{}", removed.text());
    assert!(removed.json()["notes"][0].as_str().unwrap().contains("GCJ-02"), "{}", removed.text());
    assert_eq!(send("&gcj02=keep", &shifted).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_with_few_decimals_and_heights_says_so() {
    let app = TestApp::bare().await;
    let body = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"PZWH":"A"},"geometry":{"type":"Polygon","coordinates":[[[118.351,35.05,9],[118.36,35.05,9],[118.36,35.06,9],[118.351,35.05,9]]]}}]}"#;
    let taken = app.post("/api/layers?kind=approved&name=x&effective=2022-01-01", body).await;
    let notes = taken.json()["notes"].to_string();
    assert!(notes.contains("只有 3 位小数") && notes.contains("1 个图形带有高程"), "{notes}");
}

#[test]
fn an_offset_the_other_way_or_another_shift_is_not_taken_for_gcj02() {
    let at = folder();
    let path = at.path().join("other.geojson");
    moved(&path, "survey-2022-05.geojson", remove_gcj02);
    assert_eq!(look(&path, Stated::default()).problem, None);
    moved(&path, "survey-2022-05.geojson", |[lon, lat]| [lon + 0.00001, lat - 0.00001]);
    assert_eq!(look(&path, Stated::default()).problem, None);
}

#[test]
fn six_decimals_are_warned_of_with_a_cost_that_rounding_bears_out() {
    let at = folder();
    let path = at.path().join("six.geojson");
    moved(&path, "survey-2022-04.geojson", |at| at.map(|value| (value * 1e6).round() / 1e6));
    let seen = look(&path, Stated::default());
    let words = seen.warnings.iter().find(|words| words.zh.contains("小数")).expect("a warning");
    assert!(words.zh.contains("5.70 平方米") && words.en.contains("5.70 m²"), "{words:?}");
    // Oracle: the same survey in full decimals, patches of 0.35 to 0.7 ha. 95 of 100 must cost less than said, and the worst not a tenth of it.
    let (full, six) = (without_rejects(findings(&survey(), Stated::default())), without_rejects(findings(&path, Stated::default())));
    let areas = full.iter().filter_map(|(id, row)| Some((row[2].parse::<f64>().unwrap(), six.get(id)?[2].parse::<f64>().unwrap())));
    let mut costs: Vec<f64> = areas.filter(|(area, _)| (3500.0..=7000.0).contains(area)).map(|(area, rounded)| (area - rounded).abs()).collect();
    costs.sort_by(f64::total_cmp);
    let (usual, worst) = (costs[costs.len() * 95 / 100], costs[costs.len() - 1]);
    println!("{} patches: 95 % within {usual:.2} m², worst {worst:.2} m²", costs.len());
    assert!(costs.len() > 100 && usual <= 5.7 && worst >= 0.57, "{usual} {worst}");
}

#[test]
fn six_decimals_are_seen_in_what_gdal_reads_too() {
    let at = folder();
    let (six, shp) = (at.path().join("six.geojson"), at.path().join("six.shp"));
    moved(&six, "survey-2022-05.geojson", |at| at.map(|value| (value * 1e6).round() / 1e6));
    ogr2ogr(&["-f", "ESRI Shapefile"], &shp, &six);
    let seen = look(&shp, Stated::default());
    assert!(seen.warnings.iter().any(|words| words.zh.contains("只有 6 位小数")), "{:?}", seen.warnings);
    let full = shapefile(at.path(), "full", &[]);
    assert!(!look(&full, Stated::default()).warnings.iter().any(|words| words.zh.contains("小数")));
}
