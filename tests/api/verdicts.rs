//! Tables of confirmed verdicts: previewed, recorded all or none, and told again with who filed them and when.

use super::app::{APRIL, TestApp, city, text};
use serde_json::{Value, json};

const HEADER: &str = "patch_id,verdict,legal_m2,legal_farmland_m2,illegal_m2,illegal_farmland_m2";

async fn april() -> TestApp {
    let app = TestApp::city().await;
    app.uploaded(APRIL, &city::one_of_each()).await;
    app
}

fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GBK.encode(text).0.into_owned()
}

fn counts(answer: &Value) -> [u64; 5] {
    ["new", "changed", "same", "without", "refused"].map(|name| answer[name].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_previewed_then_recorded_with_who_filed_it_and_when() {
    let app = april().await;
    // Oracle: 1 亩 = 10 000/15 m².
    let table =
        "图斑编号,核查结果,合法面积（亩）,合法耕地面积（亩）,违法面积（亩）,违法耕地面积（亩）\nL1,合法,1.5,0.75,,\n,,,,,\nS1,违法,0,0,0.3,0.15\nO1,未核,,,,\n";
    let preview = app.post("/api/verdicts?preview=yes&by=%E5%BC%A0%E4%B8%89", gbk(table)).await.json();
    assert_eq!((counts(&preview), &preview["preview"], &preview["by"]), ([2, 0, 0, 1, 0], &json!(true), &json!("张三")));
    assert_eq!(preview["columns"]["illegal_farmland"], json!(["违法耕地面积（亩）"]));
    assert_eq!(
        (&preview["changes"][1]["row"], &preview["changes"][1]["before"], &preview["changes"][1]["after"]["illegal"]["mu"]),
        (&json!(4), &json!(null), &json!(0.3))
    );
    assert_eq!(app.patch("L1").await["properties"]["filed"], json!(null), "nothing was recorded");

    let recorded = app.post("/api/verdicts?by=%E5%BC%A0%E4%B8%89", gbk(table)).await.json();
    assert_eq!((counts(&recorded), &recorded["preview"]), ([2, 0, 0, 1, 0], &json!(false)));
    let filed = app.patch("L1").await["properties"]["filed"].clone();
    assert_eq!(
        (&filed["verdict"], &filed["by"], &filed["legal"]["mu"], &filed["legal_farmland"]["m2"]),
        (&json!("legal"), &json!("张三"), &json!(1.5), &json!(500.0))
    );
    assert!(text(&filed["at"]).parse::<jiff::Timestamp>().is_ok(), "{filed}");
    let listed = app.patches("patch_id=S1").await.remove(0);
    assert_eq!((&listed["properties"]["filed"]["illegal_farmland"]["mu"], &listed["properties"]["confirmed_verdict"]), (&json!(0.15), &json!("illegal")));
    // Oracle: 100 / (500 + 100) by hand.
    assert_eq!(app.read("/api/ratios").await["city"]["ratio"]["confirmed"], 16.67);

    let changed = app.post("/api/verdicts?by=B", table.replace("0.3,0.15", "0.3,0.12")).await.json();
    assert_eq!(counts(&changed), [0, 1, 1, 1, 0]);
    assert_eq!((&changed["changes"][0]["before"]["illegal_farmland"]["mu"], changed["changes"].as_array().unwrap().len()), (&json!(0.15), 1));
    let by = |patch: Value| patch["properties"]["filed"]["by"].clone();
    assert_eq!((by(app.patch("L1").await), by(app.patch("S1").await)), (json!("张三"), json!("B")));
    app.has_an_empty_spool();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_the_patch_has_is_refused_naming_mu_and_square_metres() {
    let app = april().await;
    let problem = app.post("/api/verdicts", format!("{HEADER}\nL1,legal,10,5,0,0\nS1,illegal,0,0,99999999,99999999\n")).await.problem(422, "verdicts_refused");
    let reject = &problem["rejects"][0];
    let said = text(&reject["reason"]["zh"]);
    // Oracle: 99 999 999 · 15 / 10 000 = 149 999.9985.
    assert!(said.contains("99999999.00 平方米（150000.00 亩）") && said.contains("图斑面积") && said.starts_with("“illegal_m2”"), "{said}");
    assert_eq!((&reject["row"], &reject["code"], &reject["pointer"]), (&json!(3), &json!("area_too_large"), &json!("/3/illegal_m2")));
    assert_eq!(app.read("/api/ratios").await["city"]["pending"]["patches"], 4, "nothing was recorded");
    // Square metres in a column of 亩 are guessed at; a hundredth of a 亩 and rounding are allowed.
    let area_m2 = app.patch("S1").await["properties"]["area"]["m2"].as_f64().unwrap();
    let mu = |more: f64| format!("{}\nS1,illegal,0,0,{:.2},0\n", HEADER.replace("_m2", "_mu"), area_m2 * 15.0 / 10_000.0 + more);
    let metres = format!("{}\nS1,illegal,0,0,{area_m2:.0},0\n", HEADER.replace("_m2", "_mu"));
    for (table, fits) in [(mu(0.0), true), (mu(0.009), true), (mu(0.03), false), (metres, false)] {
        let preview = app.post("/api/verdicts?preview=yes", table.clone()).await.json();
        assert_eq!(preview["refused"], json!(u32::from(!fits)), "{table} {preview}");
        if table.contains(&format!("{area_m2:.0}")) {
            assert!(text(&preview["rejects"][0]["reason"]["zh"]).contains("是否把平方米填进了“亩”的列"), "{preview}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_exports_come_back_filled_in() {
    let app = april().await;
    for format in ["csv", "xlsx"] {
        let empty = app.get(&format!("/api/exports/findings?format={format}")).await.bytes;
        let preview = app.post("/api/verdicts?preview=yes", empty).await.json();
        assert_eq!(counts(&preview), [0, 0, 0, 4, 0], "{format}: {preview}");
    }
    let export = app.get("/api/exports/findings?format=csv").await.text();
    // L1 is filled in in 亩, S1 in square metres; D1 and O1 are left.
    let filled: String = export
        .lines()
        .map(|line| {
            let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            let heading: Vec<&str> = export.lines().next().unwrap().split(',').collect();
            let mut put = |name: &str, value: &str| value.clone_into(&mut cells[heading.iter().position(|one| *one == name).unwrap()]);
            if line.contains(",L1,") {
                put("核定判定", "合法");
                put("核定合法面积（亩）", "1.50");
                put("核定合法耕地面积（亩）", "0.75");
            } else if line.contains(",S1,") {
                put("核定判定", "违法");
                put("核定违法面积（平方米）", "200.0000");
                put("核定违法耕地面积（平方米）", "100");
            }
            cells.join(",") + "\r\n"
        })
        .collect();
    assert_eq!(counts(&app.post("/api/verdicts?by=A", filled).await.json()), [2, 0, 0, 2, 0]);
    for format in ["csv", "xlsx"] {
        let export = app.get(&format!("/api/exports/findings?format={format}")).await.bytes;
        let preview = app.post("/api/verdicts?preview=yes", export).await.json();
        assert_eq!(counts(&preview), [0, 0, 2, 2, 0], "{format}: {preview}");
    }
    let export = app.get("/api/exports/findings?format=geojson&patch=1").await.json();
    let properties = &export["features"][0]["properties"];
    assert_eq!(
        (&properties["filed_by"], &properties["filed_legal_farmland_m2"], &properties["verdict_source"]),
        (&json!("A"), &json!(500.0), &json!("confirmed"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_a_problem_with_its_place() {
    let app = april().await;
    app.post("/api/verdicts?survey=9", HEADER).await.problem(404, "not_found");
    app.post("/api/verdicts?survey=x", HEADER).await.problem(400, "parameter");
    app.post("/api/verdicts?preview=maybe", HEADER).await.problem(400, "parameter");
    app.post(&format!("/api/verdicts?by={}", "x".repeat(101)), HEADER).await.problem(400, "bad_name");
    app.post("/api/verdicts", "patch_id,verdict\n").await.problem(400, "not_a_verdict_file");
    app.post("/api/verdicts", &b"\xd0\xcf\x11\xe0"[..]).await.problem(400, "old_excel");
    app.post("/api/verdicts", &b"\x00\x01\x00\x00\x02"[..]).await.problem(400, "not_a_table");
    assert_eq!(counts(&app.post("/api/verdicts", format!("{HEADER}\n")).await.json()), [0; 5]);
    app.has_an_empty_spool();
}
